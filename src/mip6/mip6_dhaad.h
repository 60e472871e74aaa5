/*
 * Dynamic home agent address discovery (RFC 6275 §10.5, §6.5, §6.6): which other home agents are on a home link, as their Router
 * Advertisements say, and the messages between a mobile that asks and a home agent. Pure: the time is told.
 */
#ifndef HANDOVERD_MIP6_DHAAD_H
#define HANDOVERD_MIP6_DHAAD_H

#include <stdbool.h>

#include "core/addr.h"
#include "core/loop.h"

#define DHAAD_AGENTS_MAX 32    /* in one list: all links together; those with more preference stay */
#define DHAAD_ADDRESSES_MAX 8  /* of one home agent */
#define DHAAD_REPLY_MAX 1240   /* octets: with its IPv6 header what fits the least IPv6 MTU */

struct dhaad_agent {
	int ifindex;
	struct in6_addr router; /* link-local */
	uint16_t preference;
	usec_t expires;
	size_t n;
	struct in6_addr addresses[DHAAD_ADDRESSES_MAX]; /* global, by the R flag of their prefixes (§7.2) */
};

struct dhaad_list { /* all zero: empty */
	size_t n;
	struct dhaad_agent agents[DHAAD_AGENTS_MAX];
};

/* A Router Advertisement, from its ICMPv6 type. One without the H flag, or with a lifetime of 0, takes its sender off the list; a
 * malformed one, or one whose source is not link-local, changes nothing. */
void dhaad_heard(struct dhaad_list *l, int ifindex, const struct in6_addr *src, const uint8_t *ra, size_t len, usec_t now);

/* The Mobile IPv6 Home-Agents anycast address of a prefix (RFC 2526). */
struct in6_addr dhaad_anycast(const struct prefix *p);
/* The identifier of a request. False: it is none. */
bool dhaad_request_parse(const uint8_t *data, size_t len, uint16_t *id);
#define DHAAD_REQUEST_LEN 8
void dhaad_request_pack(uint16_t id, uint8_t out[DHAAD_REQUEST_LEN]);
/*
 * The reply, at most DHAAD_REPLY_MAX octets and at most `cap`: every home agent on the link, `own` of `preference` among them, by
 * decreasing preference, those of equal preference in an order drawn anew each time. The length; -EMSGSIZE: not even one fits.
 */
int dhaad_reply_pack(const struct dhaad_list *l, int ifindex, const struct in6_addr *own, uint16_t preference, uint16_t id, usec_t now,
                     uint8_t *out, size_t cap);
/* The first `max` addresses of a reply that a home agent could have, in their order, each once: how many, or -EBADMSG. */
int dhaad_reply_parse(const uint8_t *data, size_t len, uint16_t *id, struct in6_addr *out, size_t max);

#endif
