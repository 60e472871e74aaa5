/*
 * Rates of mobiles in the kernel: an nftables table of our own, whose rules find a mobile's limit by address in a map, so
 * that a packet costs the same with one mobile and with thousands. What goes over the limit is dropped and counted; the
 * bucket is the one of nftables, the rate of one second and the burst. All addresses of a mobile share its limit.
 *
 * A policer and not a shaper, because a queue has to be the root of a link's queues, where an operator's own may stand
 * already: that one can be told by `class`, which becomes the packets' priority (tc: HTB and others take it as the class),
 * and by the DSCP.
 *
 * Prefixes are limits that hold for each address in them, without anybody telling of the address.
 */
#ifndef HANDOVERD_NET_POLICER_H
#define HANDOVERD_NET_POLICER_H

#include "core/addr.h"

#define POLICER_TABLE "handoverd-rate"
#define POLICER_DSCP_KEEP 255
#define POLICER_RATE_MAX 100000000000LL /* bit/s */

struct policer;

struct policer_rate {
	uint64_t down, up; /* bit/s towards the mobile and from it; 0: no limit */
	uint32_t burst;    /* octets; 0: what the rate brings in 100 ms, at least 32k */
	uint32_t class;    /* major << 16 | minor; 0: none */
	uint8_t dscp;      /* 0..63, of packets in both directions; POLICER_DSCP_KEEP */
};
bool policer_rate_none(const struct policer_rate *r); /* says nothing at all */

struct policer_prefix {
	struct prefix prefix;
	struct policer_rate rate;
};

/* Removes what an earlier life left. The table is made when there is something to put in it. NULL: no memory. */
struct policer *policer_open(void);
void policer_close(struct policer *p); /* the table goes; NULL allowed */
/* The prefixes in force from now on; the longest that holds an address counts. What is set by policer_set goes first, and
 * has to be set again after this. 0 or a negative errno, and why in words. */
#define POLICER_WHY 160
int policer_prefixes(struct policer *p, const struct policer_prefix *prefixes, size_t n, char why[POLICER_WHY]);
/* One mobile's rate: id is the caller's, addrs those that are not there already under this id. 0 or a negative errno:
 * nothing has changed. */
int policer_set(struct policer *p, uint32_t id, const struct policer_rate *r, const struct in6_addr *addrs, size_t n,
                bool fresh, char why[POLICER_WHY]);
/* Takes it away, all addresses it was set with. */
int policer_del(struct policer *p, uint32_t id, const struct policer_rate *r, const struct in6_addr *addrs, size_t n);

#endif
