/*
 * The neighbour discovery that a mobile does for itself beyond what mip6_wire_nd.h has (RFC 4861): pure functions between octets and structs, ICMPv6 messages from
 * their type. Parsers refuse with -EBADMSG what is too short or contradicts itself, and pass over options they do not know; packers
 * return the length or -EMSGSIZE.
 */
#ifndef HANDOVERD_MIP6_ND_H
#define HANDOVERD_MIP6_ND_H

#include "core/addr.h"

enum { MIP6_RS_TYPE = 133, MIP6_RA_TYPE = 134, MIP6_NS_TYPE = 135, MIP6_NA_TYPE = 136, MIP6_PARAM_PROBLEM_TYPE = 4 };
#define MIP6_ND_HOP_LIMIT 255
#define MIP6_ND_MAX 64 /* octets of the longest message we make */
#define MIP6_RA_PREFIXES 8

struct mip6_prefix {
	struct prefix prefix;
	struct in6_addr router; /* R flag (RFC 6275 §7.2): the router's own address; unspecified: not told */
	bool on_link, autonomous;
	uint32_t valid, preferred; /* seconds; UINT32_MAX: for ever */
};

struct mip6_ra {
	uint16_t lifetime;    /* seconds as a default router; 0: it is none */
	struct lladdr source; /* len 0: not told */
	uint32_t interval;    /* ms at most until the next one (RFC 6275 §7.3); 0: not told */
	size_t n;             /* further prefixes are passed over */
	struct mip6_prefix prefixes[MIP6_RA_PREFIXES];
};
int mip6_ra_parse(const uint8_t *data, size_t len, uint8_t lla_len, struct mip6_ra *out);

int mip6_rs_pack(const struct lladdr *source, uint8_t *out, size_t cap);
int mip6_ns_pack(const struct in6_addr *target, const struct lladdr *source, uint8_t *out, size_t cap); /* source NULL: none */

struct mip6_na {
	uint8_t flags;
	struct in6_addr target;
	struct lladdr lladdr; /* len 0: not told */
};
int mip6_na_parse(const uint8_t *data, size_t len, uint8_t lla_len, struct mip6_na *out);

#endif
