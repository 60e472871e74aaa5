/*
 * The context of a mobile's connection-tracking entries, version 1: one block for each address of the mobile, more where
 * its entries do not fit. Pure. All numbers in network byte order; nothing is padded but the block.
 *
 *   version 1 | family 4 or 6 | entries n | 0 | left out 2 | the mobile's address 4 or 16 | n entries
 *
 * "Left out" says how many entries of the mobile stay behind for want of room. An entry:
 *
 *   bits 1       0x80: the mobile's address is the destination of the original direction (else its source)
 *                0x40: assured   0x20: there was a reply   0x10: a mark follows   others 0
 *   protocol 1
 *   peer 4 or 16 the other address
 *   ports 2 + 2  of the original direction, source first; TCP, UDP, UDP-Lite and SCTP. ICMP: identifier, type, code
 *   timeout 4    seconds the entry has left
 *   mark 4       if bit 0x10 is set
 *   TCP  3       state | flags of the original direction, then of the reply, 4 bits each | window scales, likewise
 *   SCTP 9       state | verification tags of the original direction and of the reply, 4 each
 *
 * States and flags are the kernel's numbers (enum tcp_conntrack, enum sctp_conntrack, IP_CT_TCP_FLAG_*), which are part of
 * its interface with programs. There are no defaults: a field that is there has a value. The zone does not travel; it is
 * each router's own.
 */
#ifndef HANDOVERD_CONTEXT_FLOWS_WIRE_H
#define HANDOVERD_CONTEXT_FLOWS_WIRE_H

#include "core/buf.h"
#include "core/feature.h"
#include "net/conntrack.h"

#define FLOWS_VERSION 1
#define FLOWS_HEADER_MAX 22
#define FLOWS_ENTRIES_MAX ((FEATURE_DATA_MAX - 10) / 10) /* of one block: IPv4, a protocol without ports */

struct flows_block {
	struct in6_addr addr; /* the mobile's; source or destination of each entry */
	uint16_t left_out;
	size_t n;
	struct conntrack_entry entries[FLOWS_ENTRIES_MAX];
};

/* Whether entries of this protocol can travel; those with state or keys of their own that we do not know cannot. */
bool flows_protocol(uint8_t proto);

/* Packs entries, all of addr, until the block is full; their marks only if `marks`. Returns how many. w: FEATURE_DATA_MAX
 * octets. */
size_t flows_pack(struct wr *w, const struct in6_addr *addr, uint16_t left_out, bool marks, const struct conntrack_entry *e,
                  size_t n);

enum flows_error { FLOWS_OK, FLOWS_MALFORMED, FLOWS_OTHER_VERSION };
/* Everything is checked, to the last octet: up to seven zeros may follow. */
enum flows_error flows_parse(const void *data, size_t len, struct flows_block *out);

#endif
