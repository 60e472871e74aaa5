/*
 * IGMP as a router needs it: every message of a link, to whatever group it went, with the sender's link-layer address
 * (packet sockets), and messages of our own with TTL 1 and Router Alert (RFC 3376 §4). Addresses are IPv4-mapped. Functions
 * that return int return 0 or a negative errno.
 */
#ifndef HANDOVERD_NET_IGMP_H
#define HANDOVERD_NET_IGMP_H

#include "core/addr.h"
#include "core/loop.h"

struct igmp;
struct igmp_packet {
	struct in6_addr src, dst;
	int ifindex;
	int ttl;
	bool router_alert;
	struct lladdr from;  /* link-layer source */
	const uint8_t *data; /* type, code, checksum (verified), body; borrowed */
	size_t len;          /* at least 8 */
	usec_t at;
};
typedef void igmp_fn(const struct igmp_packet *p, void *arg);

/* Without interfaces yet. NULL and a log line on failure. */
struct igmp *igmp_open(struct loop *l, igmp_fn *fn, void *arg);
void igmp_close(struct igmp *s); /* not from within its own callback; NULL allowed */
/* Delivers what comes in there; all_groups: to groups that nobody here has joined too. Never what this node sent. 0, also if
 * it is there. */
int igmp_add(struct igmp *s, int ifindex, bool all_groups);
void igmp_del(struct igmp *s, int ifindex);
/* src unspecified: the kernel chooses. The checksum is filled in. */
int igmp_send(struct igmp *s, int ifindex, const struct in6_addr *src, const struct in6_addr *dst, const void *data, size_t len);

#endif
