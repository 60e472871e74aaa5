/*
 * The kernel's IPv6 multicast forwarding (MRT6): interfaces as MIFs, one entry per (source, group). Upcalls for packets
 * without an entry are answered from the set of groups that listeners want. Upstream joins as a host (RFC 4605).
 */
#ifndef HANDOVERD_NET_MROUTE_H
#define HANDOVERD_NET_MROUTE_H

#include "core/addr.h"
#include "core/loop.h"

struct mroute;
/* NULL and errno: EADDRINUSE if another multicast router runs in this namespace; EOPNOTSUPP/ENOPROTOOPT: kernel has none. */
struct mroute *mroute_open(struct loop *l, size_t max_groups);
void mroute_close(struct mroute *m);
int mroute_upstream(struct mroute *m, int ifindex);   /* where sources are; joins go there */
int mroute_downstream(struct mroute *m, int ifindex); /* where listeners are */
/* Forward `group` to ifindex / no longer. Reference per (group, ifindex) is the caller's; idempotent. -ENOSPC at limits.
 * The first listener joins upstream, the last one leaves. */
int mroute_forward(struct mroute *m, const struct in6_addr *group, int ifindex, bool on);

struct output;
void mroute_show(struct mroute *m, struct output *o);

#endif
