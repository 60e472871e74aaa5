/*
 * Who listens to what: for each access interface and group, every listener by its link-layer address (explicit tracking),
 * because what moves with a mobile is its own memberships and not its link's. The router part of RFC 3810 §7 (and RFC 2710
 * for version 1 hosts) under the loop's clock; no system call.
 *
 * Source filters count as membership: EXCLUDE in any form, and INCLUDE of at least one source. Groups that never leave
 * their link (scope 2 and below) are not tracked. On a link with another querier groups are tracked all the same.
 */
#ifndef HANDOVERD_CONTEXT_MLD_TRACK_H
#define HANDOVERD_CONTEXT_MLD_TRACK_H

#include "context/mld_wire.h"
#include "core/addr.h"
#include "core/loop.h"

struct mld_params {
	unsigned robustness;          /* RFC 3810 §9.1 */
	usec_t query_interval;        /* §9.2 */
	usec_t response_interval;     /* §9.3 */
	usec_t last_listener_interval; /* §9.8 */
	bool fast_leave;  /* the last known listener's word is taken, without asking whether there are others */
	bool always_querier; /* other routers' queries change nothing: no host of the link can silence us */
	size_t groups;    /* at most, all interfaces together */
	size_t listeners; /* memberships, all together */
	size_t groups_per_mobile;
};

enum mld_source { MLD_BY_REPORT, MLD_BY_CONTEXT };

/* A membership, as walks see it. */
struct mld_listener_info {
	int ifindex;
	struct in6_addr group;
	struct lladdr lladdr;   /* len 0: not known (installed for an address only) */
	struct in6_addr mobile; /* address that names the mobile, or unspecified */
	struct in6_addr source; /* link-local source of its reports, or unspecified */
	enum mld_source by;
	usec_t expires; /* time left */
};

struct mld_ops {
	/* Send a query. False: not now; it is tried again soon. */
	bool (*query)(int ifindex, const struct mld_query *q, void *arg);
	/* The first listener of a group on an interface came, or the last one went. */
	void (*forward)(int ifindex, const struct in6_addr *group, bool on, void *arg);
};

struct mld_track *mld_track_create(struct loop *l, const struct mld_params *p, const struct mld_ops *ops, void *arg);
void mld_track_destroy(struct mld_track *t); /* tells ops nothing; NULL allowed */
void mld_track_reconfigure(struct mld_track *t, const struct mld_params *p); /* from the next timer on; limits at once */

/* An interface is tracked from here on; it asks as soon as it has a link-local address (unspecified: has none). Again with
 * another address: takes that one. -ENOMEM. */
int mld_track_interface(struct mld_track *t, int ifindex, const struct in6_addr *link_local);
void mld_track_interface_gone(struct mld_track *t, int ifindex); /* and its memberships; forward is told */

/* A message that passed mld_refusal, of another node on the link. */
void mld_track_receive(struct mld_track *t, int ifindex, const struct lladdr *from, const struct in6_addr *src,
                       struct mld_message *m);

/*
 * As if this mobile had reported this group here (RFC 4067 appendix B). lladdr of len 0 where it is not known. 0; -ENODEV: no
 * such interface; -ENOSPC, -ENOMEM; -EINVAL: not a group that leaves its link.
 */
int mld_track_install(struct mld_track *t, int ifindex, const struct lladdr *lladdr, const struct in6_addr *mobile,
                      const struct in6_addr *group);
/* Gives the name to a link-layer address that is known already (its reports came before we knew whose they are). */
void mld_track_name(struct mld_track *t, int ifindex, const struct lladdr *lladdr, const struct in6_addr *mobile);
/* The mobile has left: its memberships go. By name on every interface, or by link-layer address on one. Returns how many. */
size_t mld_track_forget(struct mld_track *t, const struct in6_addr *mobile);
size_t mld_track_forget_link(struct mld_track *t, int ifindex, const struct lladdr *lladdr);

/* Walks; fn must not change the tracker. Stops when fn returns false. */
typedef bool mld_each_fn(const struct mld_listener_info *i, void *arg);
void mld_track_each(const struct mld_track *t, mld_each_fn *fn, void *arg);
void mld_track_each_of(const struct mld_track *t, int ifindex, const struct lladdr *lladdr, mld_each_fn *fn, void *arg);
size_t mld_track_groups(const struct mld_track *t);
size_t mld_track_listeners(const struct mld_track *t);
/* Are we the link's querier? False also for an interface that is not tracked. */
bool mld_track_querier(const struct mld_track *t, int ifindex);
/* All groups that should be forwarded, for a forwarder that begins late. */
void mld_track_forwarded(const struct mld_track *t, void (*fn)(int ifindex, const struct in6_addr *group, void *arg), void *arg);

#endif
