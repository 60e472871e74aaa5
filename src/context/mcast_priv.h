/* What the files of multicast share: the whole (mcast.c), packets (mcast_io.c), features (mcast_feature.c). */
#ifndef HANDOVERD_CONTEXT_MCAST_PRIV_H
#define HANDOVERD_CONTEXT_MCAST_PRIV_H

#include <net/if.h>

#include "context/context_config.h"
#include "context/context_count.h"
#include "context/gmp_track.h"
#include "context/mcast.h"
#include "context/mcast_bridge.h"
#include "core/log.h"
#include "core/module.h"
#include "net/icmp6.h"
#include "net/igmp.h"
#include "net/mroute.h"
#include "net/net.h"
#include "net/rtnl.h"

enum { MCAST_V6, MCAST_V4, MCAST_FAMILIES };

struct mcast_access {
	char name[IF_NAMESIZE];
	int ifindex; /* 0: not there */
	bool tracked[MCAST_FAMILIES];
	struct in6_addr addr[MCAST_FAMILIES]; /* ours: link-local, IPv4; unspecified: none */
	struct lladdr lladdr;
	bool listed; /* used by reload */
};

struct mcast {
	struct core *core;
	const struct context_multicast *cfg;
	struct gmp_track *track;
	struct mcast_bridges *bridges;
	struct icmp6 *icmp6;
	struct igmp *igmp; /* NULL: IPv4 is not wanted */
	struct mroute *mroute[MCAST_FAMILIES]; /* NULL: the kernel cannot, or not wanted */
	struct rtnl_sub *sub;
	struct mcast_access *access;
	size_t access_n;
	int upstream;
	usec_t upstream_old[MCAST_FAMILIES][2]; /* until then a version 1, a version 2 router asks upstream */
	struct timer again; /* proxied reports are repeated */
	unsigned again_left;
	struct bucket refused, failed;
};

extern struct mcast *mcast; /* features know no argument of ours; NULL while stopped */

struct mcast_access *mcast_access_of(const struct mcast *m, int ifindex);

/* Packets. */
int mcast_io_open(struct mcast *m); /* icmp6 */
int mcast_io_igmp(struct mcast *m); /* opens or closes as the configuration wants it */
void mcast_io_close(struct mcast *m);
bool mcast_query(int ifindex, const struct gmp_query *q, void *arg);
void mcast_joined_upstream(int ifindex, const struct in6_addr *group, const struct source_filter *before,
                           const struct source_filter *now, void *arg);
/* To other routers of an access link: this group is listened to, or (INCLUDE {}) is not any more. */
void mcast_proxy_report(struct mcast *m, int ifindex, const struct in6_addr *group, const struct source_filter *f);
bool mcast_proxied(const struct mcast *m, int ifindex, bool v4); /* are there any, as far as we know and are told? */

/* Features. */
extern struct feature mcast_listeners, mcast_listeners4, mcast_filters6;
void mcast_show_members(struct output *o, uint16_t fpt); /* those that travel under this number */

#endif
