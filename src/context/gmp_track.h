/*
 * Who listens to what: for each access interface and group, every listener by its link-layer address (explicit tracking),
 * because what moves with a mobile is its own memberships and not its link's. The router part of RFC 3376 §6-7 (IGMP) and
 * RFC 3810 §7-8 (MLD), older versions' hosts included, under the loop's clock; no system call. IPv4 and IPv6 of an
 * interface are two links with a querier each; a host is one in both.
 *
 * Each listener's source filter is kept as it reports it; a group's is what its listeners want together. Groups that never
 * leave their link are not tracked. On a link with another querier groups are tracked all the same.
 */
#ifndef HANDOVERD_CONTEXT_GMP_TRACK_H
#define HANDOVERD_CONTEXT_GMP_TRACK_H

#include "context/gmp.h"
#include "core/addr.h"
#include "core/loop.h"
#include "net/source_filter.h"

struct gmp_params {
	unsigned robustness;          /* RFC 3810 §9.1 */
	usec_t query_interval;        /* §9.2 */
	usec_t response_interval;     /* §9.3 */
	usec_t last_listener_interval; /* §9.8; IGMP says it in tenths of a second, and less than one cannot be said */
	bool fast_leave;  /* the last known listener's word is taken, without asking whether there are others */
	bool always_querier; /* other routers' queries change nothing: no host of the link can silence us */
	uint8_t igmp_version, mld_version; /* enum gmp_version: of the queries we send */
	size_t groups;    /* at most, all interfaces together */
	size_t listeners; /* memberships, all together */
	size_t groups_per_mobile;
	size_t sources;   /* of one membership or group, at most GMP_SOURCES_MAX; more widen the filter */
};

enum gmp_origin { GMP_BY_REPORT, GMP_BY_CONTEXT };

/* What became of a membership. */
enum gmp_change {
	GMP_JOINED,    /* reported */
	GMP_INSTALLED, /* by a context; also if it was there */
	GMP_SAID_LEAVE,
	GMP_EXPIRED,
	GMP_MOVED,     /* its mobile is forgotten here */
};

/* A membership, as walks see it. */
struct gmp_member {
	int ifindex;
	struct in6_addr group;
	struct lladdr lladdr;   /* len 0: not known (installed for an address only) */
	struct in6_addr mobile; /* address that names the mobile, or unspecified */
	struct in6_addr source; /* source of its last report, or unspecified */
	enum gmp_origin by;
	usec_t expires; /* time left of the whole membership */
	const struct source_filter *filter; /* borrowed for the call */
	bool last; /* of a change that ends it: no other listener is known on the link */
};

struct gmp_ops {
	/* Send a query. False: not now; it is tried again soon. */
	bool (*query)(int ifindex, const struct gmp_query *q, void *arg);
	/* What the listeners of an interface want of a group, whenever that changes; INCLUDE {}: nothing any more. Borrowed. */
	void (*forward)(int ifindex, const struct in6_addr *group, const struct source_filter *f, void *arg);
	/* May be NULL; must not change the tracker. `forward` of a change comes after it. */
	void (*changed)(const struct gmp_member *m, enum gmp_change c, void *arg);
	/* Another router has become the querier of a link, or is no longer (see gmp_track_yielded). May be NULL. */
	void (*yielded)(int ifindex, bool v4, void *arg);
};

struct gmp_track *gmp_track_create(struct loop *l, const struct gmp_params *p, const struct gmp_ops *ops, void *arg);
void gmp_track_destroy(struct gmp_track *t); /* tells ops nothing; NULL allowed */
/* From the next timer on; limits at once: what came last goes first. */
void gmp_track_reconfigure(struct gmp_track *t, const struct gmp_params *p);

/* An interface is tracked from here on; it asks as soon as it has an address for that (IPv6: link-local; unspecified: has
 * none). Again with another address: takes that one. -ENOMEM. */
int gmp_track_interface(struct gmp_track *t, int ifindex, bool v4, const struct in6_addr *addr);
void gmp_track_interface_gone(struct gmp_track *t, int ifindex, bool v4); /* and its memberships; forward is told */

/* A message that passed mld_refusal or igmp_refusal, of another node on the link. */
void gmp_track_receive(struct gmp_track *t, int ifindex, const struct lladdr *from, const struct in6_addr *src,
                       struct gmp_message *m);

/*
 * As if this mobile had reported this group here with this filter (RFC 4067 appendix B). lladdr of len 0 where it is not
 * known. 0; -ENODEV: no such interface; -ENOSPC, -ENOMEM; -EINVAL: not a group that leaves its link, or INCLUDE {}.
 */
int gmp_track_install(struct gmp_track *t, int ifindex, const struct lladdr *lladdr, const struct in6_addr *mobile,
                      const struct in6_addr *group, const struct source_filter *f);
/* Gives the name to a link-layer address that is known already (its reports came before we knew whose they are). */
void gmp_track_name(struct gmp_track *t, int ifindex, const struct lladdr *lladdr, const struct in6_addr *mobile);
/* The mobile has left: its memberships go. By name on every interface, or by link-layer address on one. Returns how many. */
size_t gmp_track_forget(struct gmp_track *t, const struct in6_addr *mobile);
size_t gmp_track_forget_link(struct gmp_track *t, int ifindex, const struct lladdr *lladdr);

/* Walks; fn must not change the tracker. Stops when fn returns false. */
typedef bool gmp_each_fn(const struct gmp_member *m, void *arg);
void gmp_track_each(const struct gmp_track *t, gmp_each_fn *fn, void *arg);
void gmp_track_each_of(const struct gmp_track *t, int ifindex, const struct lladdr *lladdr, gmp_each_fn *fn, void *arg);
void gmp_track_each_in(const struct gmp_track *t, int ifindex, const struct in6_addr *group, gmp_each_fn *fn, void *arg);
size_t gmp_track_groups(const struct gmp_track *t);
size_t gmp_track_listeners(const struct gmp_track *t);
/* Are we the link's querier? False also for an interface that is not tracked. */
bool gmp_track_querier(const struct gmp_track *t, int ifindex, bool v4);
/* Is another router the querier? */
bool gmp_track_yielded(const struct gmp_track *t, int ifindex, bool v4);
/* Was another router heard on this link? The oldest enum gmp_version one asked in, else 0. It need not ask now: one that
 * yielded to us listens all the same. */
uint8_t gmp_track_shared(const struct gmp_track *t, int ifindex, bool v4);
/* All groups that should be forwarded, for a forwarder that begins late. */
void gmp_track_forwarded(const struct gmp_track *t, bool v4,
                         void (*fn)(int ifindex, const struct in6_addr *group, const struct source_filter *f, void *arg),
                         void *arg);

#endif
