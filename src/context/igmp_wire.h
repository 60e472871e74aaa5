/*
 * Internet Group Management Protocol, versions 1 (RFC 1112), 2 (RFC 2236) and 3 (RFC 3376): bytes to structs and back; and
 * the block in which a listener's source filter travels. Pure. Messages begin at the IGMP type, behind the IPv4 header;
 * the checksum field is verified and filled in by others (net/igmp.h).
 */
#ifndef HANDOVERD_CONTEXT_IGMP_WIRE_H
#define HANDOVERD_CONTEXT_IGMP_WIRE_H

#include "context/gmp.h"
#include "net/source_filter.h"

enum igmp_type { IGMP_QUERY = 0x11, IGMP_REPORT_V1 = 0x12, IGMP_REPORT_V2 = 0x16, IGMP_LEAVE_V2 = 0x17, IGMP_REPORT_V3 = 0x22 };

#define IGMP_QUERY_MAX (12 + 4 * GMP_SOURCES_MAX)

/* Everything is checked here, every record included; what the structs point to is borrowed. False: malformed. */
bool igmp_parse(const void *data, size_t len, struct gmp_message *out);

void igmp_query_pack(struct wr *w, const struct gmp_query *q);
void igmp_v2_pack(struct wr *w, enum igmp_type type, const struct in6_addr *group); /* of the three without records */
void igmp_report_pack(struct wr *w, const struct gmp_record_out *records, size_t n);

/* Is a message of this type with these headers to be looked at (RFC 3376 §4, §9)? NULL: yes; else why not. */
const char *igmp_refusal(uint8_t type, const struct in6_addr *src, int ttl, bool router_alert);

/*
 * The filter block, of a private FPT: one group of one mobile with its source filter.
 *
 *     octet 0      length of an address: 4 (IPv4) or 16 (IPv6)
 *     octet 1      filter mode: 0 INCLUDE, 1 EXCLUDE
 *     octets 2-3   number of sources
 *     then         the group, then the sources
 *
 * INCLUDE of no source does not occur: it is no membership.
 */
struct filter_block {
	struct in6_addr group;
	bool exclude;
	struct gmp_sources sources;
};
#define FILTER_BLOCK_MAX (4 + 16 + 16 * GMP_SOURCES_MAX)
size_t filter_block_pack(const struct in6_addr *group, const struct source_filter *f, uint8_t out[FILTER_BLOCK_MAX]);
/* Up to seven octets of padding may follow. False: malformed, not a multicast group, or a source that cannot be one. */
bool filter_block_parse(const void *data, size_t len, struct filter_block *out);

#endif
