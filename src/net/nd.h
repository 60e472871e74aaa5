/*
 * Neighbour discovery (RFC 4861, with what RFC 6275 §7 adds) as octets: pure functions, ICMPv6 messages from their type, checksums left
 * zero for the socket to fill in. Parsers refuse with -EBADMSG what is too short or contradicts itself, and pass over options they do
 * not know; packers return the length or -EMSGSIZE.
 *
 * lla_len: octets of a link-layer address on that link, which the option itself does not tell; 0: such options are not looked at.
 */
#ifndef HANDOVERD_NET_ND_H
#define HANDOVERD_NET_ND_H

#include "core/addr.h"
#include "core/buf.h"

enum nd_type { ND_ROUTER_SOLICITATION = 133, ND_ROUTER_ADVERTISEMENT = 134, ND_SOLICITATION = 135, ND_ADVERTISEMENT = 136 };
#define ND_HOP_LIMIT 255
#define ND_ALL_NODES { .s6_addr = { 0xff, 2, [15] = 1 } }
#define ND_MAX 64 /* octets of the longest message we make */
#define ND_PREFIXES 8

struct nd_prefix { /* RFC 4861 §4.6.2 */
	struct prefix prefix;
	struct in6_addr router; /* R flag (RFC 6275 §7.2): the router's own address; unspecified: not told */
	bool on_link, autonomous;
	uint32_t valid, preferred; /* seconds; UINT32_MAX: for ever */
};

enum ra_flags { RA_MANAGED = 0x80, RA_OTHER = 0x40, RA_HOME_AGENT = 0x20 };
struct nd_ra {
	uint8_t flags;        /* enum ra_flags */
	uint16_t lifetime;    /* seconds as a default router; 0: it is none */
	struct lladdr source; /* len 0: not told */
	uint32_t interval;    /* ms at most until the next one (RFC 6275 §7.3); 0: not told */
	bool agent;           /* a Home Agent Information option is there (RFC 6275 §7.4): */
	uint16_t agent_preference, agent_lifetime;
	size_t n;             /* further prefixes are passed over */
	struct nd_prefix prefixes[ND_PREFIXES];
};
int nd_ra_parse(const uint8_t *data, size_t len, uint8_t lla_len, struct nd_ra *out);
/* The body of a Prefix Information option. False: it cannot be. A prefix that says nothing useful (link-local, of length 0, preferred
 * for longer than valid) comes with a plen of 0. */
bool nd_prefix_parse(struct rd *body, struct nd_prefix *out);
#define ND_OPTION_PREFIX 3
void nd_prefix_put(struct wr *w, const struct nd_prefix *p); /* the whole option */

enum na_flags { NA_ROUTER = 0x80, NA_SOLICITED = 0x40, NA_OVERRIDE = 0x20 };
struct nd_na {
	struct in6_addr target;
	uint8_t flags;        /* enum na_flags; all clear in an UNA (RFC 5568 §6.4.5) */
	struct lladdr lladdr; /* len 0: not told */
	bool lladdr_odd;      /* what is told is the address of no station there: of another length, of a group, zero; lladdr has len 0 */
};
int nd_na_parse(const uint8_t *data, size_t len, uint8_t lla_len, struct nd_na *out);
/* Can a station of a link with addresses of that length have this one? Not a group's, nor one of all zeros. */
bool nd_is_station(const struct lladdr *l, uint8_t lla_len);
int nd_na_pack(const struct nd_na *m, uint8_t *out, size_t cap);

/* source of length 0: none. */
int nd_rs_pack(const struct lladdr *source, uint8_t *out, size_t cap);
int nd_ns_pack(const struct in6_addr *target, const struct lladdr *source, uint8_t *out, size_t cap);
/* The target of a solicitation or an advertisement. False: it is neither, or malformed. */
bool nd_target(const uint8_t *data, size_t len, struct in6_addr *out);

struct in6_addr nd_group(const struct in6_addr *a);          /* its solicited-node group */
struct lladdr nd_group_lladdr(const struct in6_addr *group); /* on an Ethernet (RFC 2464 §7) */
/* A whole packet, checksum and all, that asks as duplicate address detection does who has the address. */
int nd_probe_pack(const struct in6_addr *target, uint8_t *out, size_t cap);

#endif
