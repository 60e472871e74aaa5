/*
 * The kernel's IPv6 multicast forwarding (MRT6): interfaces as MIFs, one entry per (source, group). Upcalls for packets
 * without an entry are answered from the set of groups that listeners want. Upstream joins as a host (RFC 4605).
 */
#ifndef HANDOVERD_NET_MROUTE_H
#define HANDOVERD_NET_MROUTE_H

#include "core/addr.h"
#include "core/loop.h"

struct mroute;
/* NULL and errno: EADDRINUSE if another multicast router runs in this namespace; EOPNOTSUPP/ENOPROTOOPT: kernel has none.
 * max_groups bounds the groups wanted; four times as many (source, group) entries are kept in the kernel. */
struct mroute *mroute_open(struct loop *l, size_t max_groups);
void mroute_close(struct mroute *m); /* leaves upstream, removes every entry; NULL allowed */
/* These return 0 or a negative errno and are idempotent. */
int mroute_upstream(struct mroute *m, int ifindex);   /* where sources are; joins go there; one; 0: none any more */
int mroute_downstream(struct mroute *m, int ifindex); /* where listeners are; 31 with the upstream */
void mroute_drop(struct mroute *m, int ifindex);      /* the interface is gone: forwards nothing to it any more */
/* Forward `group` to ifindex / no longer. Reference per (group, ifindex) is the caller's; idempotent. -ENOSPC at limits,
 * -EINVAL for a group that must not leave its link (ff01::/16, ff02::/16), -ENODEV for an interface that is neither.
 * The first listener joins upstream, the last one leaves; should the join fail, its error is returned, what else could be
 * done is done, and the next call tries again. Sources' entries that stand change at once, in place: other
 * listeners lose no packet. */
int mroute_forward(struct mroute *m, const struct in6_addr *group, int ifindex, bool on);

struct output;
/* Items of a list the caller has begun, one for each (source, group): {source, group, from, interfaces, packets}. */
void mroute_show(struct mroute *m, struct output *o);

#endif
