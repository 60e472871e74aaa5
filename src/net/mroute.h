/*
 * The kernel's multicast forwarding (MRT for IPv4, MRT6 for IPv6): interfaces as VIFs or MIFs, one entry per (source, group).
 * Upcalls for packets without an entry are answered from what listeners want of the group. Upstream joins as a host, with
 * the filters of all interfaces merged (RFC 4605).
 */
#ifndef HANDOVERD_NET_MROUTE_H
#define HANDOVERD_NET_MROUTE_H

#include "core/addr.h"
#include "core/loop.h"
#include "net/source_filter.h"

struct mroute;
/* One family. NULL and errno: EADDRINUSE if another multicast router runs in this namespace; EOPNOTSUPP/ENOPROTOOPT: kernel
 * has none. max_groups bounds the groups wanted; four times as many (source, group) entries are kept in the kernel. */
struct mroute *mroute_open(struct loop *l, bool v4, size_t max_groups);
void mroute_limit(struct mroute *m, size_t max_groups); /* what is wanted beyond the new limit stays until it is not */
void mroute_close(struct mroute *m); /* leaves upstream, removes every entry; NULL allowed */
/* These return 0 or a negative errno and are idempotent. */
int mroute_upstream(struct mroute *m, int ifindex);   /* where sources are; joins go there; one; 0: none any more */
int mroute_downstream(struct mroute *m, int ifindex); /* where listeners are; 31 with the upstream */
void mroute_drop(struct mroute *m, int ifindex);      /* the interface is gone: forwards nothing to it any more */
/* Forward `group` to ifindex as the filter says; INCLUDE {}: no longer. Idempotent. -ENOSPC at limits, -EINVAL for a group
 * that must not leave its link (ff01::/16, ff02::/16, 224.0.0.0/24) or is of the other family, -ENODEV for an interface that
 * is neither. The first listener joins upstream, the last one leaves; should the join fail, its error is returned, what else
 * could be done is done, and the next call tries again. Sources' entries that stand change at once, in place: other listeners
 * lose no packet. */
int mroute_forward(struct mroute *m, const struct in6_addr *group, int ifindex, const struct source_filter *f);
/* Called when we have begun to listen upstream to more than before (NULL: to nothing): the kernel reports that, but some
 * milliseconds later. */
typedef void mroute_joined_fn(int ifindex, const struct in6_addr *group, const struct source_filter *before,
                              const struct source_filter *now, void *arg);
void mroute_on_joined(struct mroute *m, mroute_joined_fn *fn, void *arg);

struct output;
/* Items of a list the caller has begun, one for each (source, group): {source, group, from, interfaces, packets}. */
void mroute_show(struct mroute *m, struct output *o);

#endif
