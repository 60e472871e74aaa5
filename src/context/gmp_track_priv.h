/* What the files of the tracker share: the whole (gmp_track.c), groups and memberships (gmp_group.c), what is reported
 * (gmp_report.c), one membership's filter (gmp_listener.c), who asks on a link and what (gmp_querier.c). */
#ifndef HANDOVERD_CONTEXT_GMP_TRACK_PRIV_H
#define HANDOVERD_CONTEXT_GMP_TRACK_PRIV_H

#include "context/gmp_track.h"
#include "core/lookup.h"

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION(key, len, out) ((out) = (unsigned)hash_keyed((key), (len)))
#include <uthash.h>
#include <utlist.h>

#include "core/log.h"
#include "core/secret.h"

struct listener_source {
	struct in6_addr addr;
	usec_t until; /* wanted until then; 0 (EXCLUDE mode only): not wanted */
};

struct listener {
	struct group *group;
	struct host *host;
	enum gmp_origin by;
	usec_t exclude_until;  /* 0: INCLUDE mode */
	struct listener_source *source; /* NULL: none */
	uint16_t n;
	struct timer expiry;   /* the next moment at which the filter changes by itself */
	struct listener *group_prev, *group_next, *host_prev, *host_next;
};

struct group_key { /* hashed as octets: no padding */
	int ifindex;
	struct in6_addr addr;
};

struct group {
	struct group_key key;
	struct link *link;
	struct listener *listeners;
	const struct source_filter *wanted;    /* by the listeners */
	const struct source_filter *lingering; /* what was wanted, and may still be by somebody unheard; NULL: nothing */
	const struct source_filter *told;      /* both together, as ops know it */
	struct timer ask;    /* the next specific query of a series */
	unsigned asks_left;
	struct timer linger; /* how long we wait for somebody unheard */
	struct timer old[2]; /* armed: a version 1, a version 2 host reports here (RFC 3376 §7.3.2, RFC 3810 §8.3.2) */
	UT_hash_handle hh;
};

struct host_key {
	int ifindex;
	uint8_t len, octet[LLADDR_MAX], zero[3];
	struct in6_addr name; /* only where the link-layer address is not known: what else tells it from others */
};

struct host {
	struct host_key key;
	struct in6_addr source;
	struct mobile_name *name; /* NULL: not known whose it is */
	struct listener *listeners;
	size_t n;
	struct host *name_prev, *name_next;
	struct host *prev, *next; /* of all, in the order they came */
};

/* A mobile's hosts by its name: one for each interface where it is or was. */
struct mobile_name {
	struct in6_addr addr;
	struct host *hosts;
};

struct link {
	struct gmp_track *t;
	int ifindex;
	bool v4;
	uint8_t shared;        /* oldest version another router was heard to ask in; 0: none was */
	struct in6_addr addr;  /* ours, to ask from; unspecified: cannot ask yet */
	struct in6_addr other; /* the querier, if it is not us */
	unsigned startup_left;
	unsigned robustness;   /* in force: ours or the querier's (RFC 3810 §9.1-9.2) */
	usec_t query_interval;
	struct timer general, other_present;
	struct link *prev, *next;
};

struct gmp_track {
	struct loop *loop;
	struct gmp_params p;
	const struct gmp_ops *ops;
	void *arg;
	struct link *links;
	struct group *groups;
	struct host *hosts;
	struct lookup by_host, by_name; /* hosts by their key, names by their address: there is one of each for every mobile */
	size_t listeners;
	struct bucket limit;
};

usec_t link_membership(const struct link *k);  /* Multicast Address Listening Interval, Group Membership Interval */
usec_t link_last_time(const struct link *k);   /* Last Listener Query Time, Last Member Query Time */
bool link_querier(const struct link *k);
void link_init(struct link *k, struct gmp_track *t, int ifindex, bool v4);
void link_stop(struct link *k);
void link_addressed(struct link *k, const struct in6_addr *addr);
void link_reconfigured(struct link *k, bool sooner);
/* A query of another router; true: it asks about a group here, and who does not answer in time is gone. */
bool link_heard_query(struct link *k, const struct in6_addr *src, const struct gmp_query *q);

struct link *link_find(const struct gmp_track *t, int ifindex, bool v4); /* NULL: none, as for the next four */
struct group *group_find(const struct gmp_track *t, int ifindex, const struct in6_addr *addr);
struct host *host_find(const struct gmp_track *t, int ifindex, const struct lladdr *l, const struct in6_addr *name);
struct mobile_name *name_find(const struct gmp_track *t, const struct in6_addr *mobile);
void host_name(struct gmp_track *t, struct host *h, const struct in6_addr *mobile); /* without memory it stays nameless */
struct listener *listener_find(const struct host *h, const struct group *g);

bool group_tracked(const struct link *k, const struct in6_addr *addr); /* one that may leave its link, of the link's family */
/* The listeners of g or what they want have changed. sure: nobody else can be there that we have not heard. Frees g if it
 * has ended. */
void group_update(struct group *g, bool sure);
void group_linger_end(struct group *g);
bool group_old(const struct group *g, enum gmp_version v); /* is there a host of version 1, or of version 2? */
bool group_all_heard(const struct group *g); /* false: hosts of older versions may keep quiet behind another's report */
/* The membership of this host in that group, made if need be: 1; there already: 0; or a negative errno. */
int listener_get(struct link *k, const struct lladdr *from, const struct in6_addr *name, const struct in6_addr *addr,
                 struct listener **out);
void listener_remove(struct listener *l); /* its group is to be updated then */
void listener_leaves(struct listener *l, enum gmp_change why, bool sure); /* told, removed, updated */
struct gmp_member listener_member(const struct listener *l, const struct source_filter *f);
void listener_tell(const struct listener *l, enum gmp_change c);
void track_refuse_full(struct gmp_track *t, int ifindex, const struct in6_addr *group, const char *what, size_t threshold);

void group_ask(struct group *g); /* begins a series of queries for what is lingering */
void group_on_ask(struct timer *timer, void *arg);

/* How a record of a report changes a membership (RFC 3810 §7.4, for one host alone). sources: n of them, at most max; n
 * greater than max says that there were more, and the filter is widened. */
void listener_record(struct listener *l, uint8_t type, const struct in6_addr *sources, size_t n, usec_t now, usec_t until,
                     size_t max);
void listener_set(struct listener *l, const struct source_filter *f, usec_t until);
const struct source_filter *listener_filter(const struct listener *l); /* owned */
bool listener_plain(const struct listener *l); /* EXCLUDE {} */
bool listener_ended(const struct listener *l); /* INCLUDE {} */
void listener_age(struct listener *l, usec_t now); /* what ran out goes */
usec_t listener_next(const struct listener *l);    /* when something runs out next */
usec_t listener_last(const struct listener *l);    /* when all of it will have */
void listener_lower(struct listener *l, struct gmp_sources sources, usec_t until); /* no sources: the whole group */

#endif
