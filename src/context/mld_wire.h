/*
 * Multicast Listener Discovery, versions 1 (RFC 2710) and 2 (RFC 3810), and the multicast listener context of RFC 4067
 * appendix B: bytes to structs and back. Pure. Messages begin at the ICMPv6 type; checksums are others' business: parsers
 * do not look at the field, packers leave it zero.
 */
#ifndef HANDOVERD_CONTEXT_MLD_WIRE_H
#define HANDOVERD_CONTEXT_MLD_WIRE_H

#include "context/gmp.h"

enum mld_type { MLD_QUERY = 130, MLD_REPORT = 131, MLD_DONE = 132, MLD_REPORT_V2 = 143 };

#define MLD_QUERY_MAX (28 + 16 * GMP_SOURCES_MAX)
#define MLD_BLOCK_LEN 24 /* octets of a listener context */

/* Everything is checked here, every record included; what the structs point to is borrowed. False: malformed. */
bool mld_parse(const void *data, size_t len, struct gmp_message *out);

void mld_query_pack(struct wr *w, const struct gmp_query *q); /* GMP_V3: version 2; else version 1 */
void mld_v1_pack(struct wr *w, enum mld_type type, const struct in6_addr *group); /* MLD_REPORT, MLD_DONE */
void mld_report_pack(struct wr *w, const struct gmp_record_out *records, size_t n);

/* Is a message with these headers to be looked at (RFC 3810 §5.1.14, §5.2.13; RFC 3590 §4)? NULL: yes; else why not. */
const char *mld_refusal(const struct in6_addr *src, int hop_limit, bool router_alert);

/* One group of one mobile. prefix: of the link the mobile moves to; its first 8 octets travel. */
struct mld_block {
	struct in6_addr prefix;
	struct in6_addr group;
};
void mld_block_pack(const struct mld_block *b, uint8_t out[MLD_BLOCK_LEN]);
/* Padding to a multiple of 8 octets less the block's header may follow. False: malformed, or the group is not multicast. */
bool mld_block_parse(const void *data, size_t len, struct mld_block *out);

#endif
