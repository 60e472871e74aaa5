/*
 * Three tables: links (interfaces, each with its querier state), groups on a link, hosts on a link; a listener ties a host
 * to a group. A group is forwarded as long as it has a listener, or lingers: when the last known listener says goodbye
 * and others might be there unheard (version 1 hosts suppress their reports behind another's), the link is asked first.
 */
#include "context/mld_track.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION(key, len, out) ((out) = (unsigned)hash_keyed((key), (len)))
#include <uthash.h>
#include <utlist.h>

#include "context/context_count.h"
#include "core/log.h"
#include "core/secret.h"

#define RETRY USEC_SEC    /* until a query that could not be sent is tried again */
#define INTERVAL_FACTOR 4 /* another querier's interval is taken over up to this many times ours */

struct listener {
	struct group *group;
	struct host *host;
	enum mld_source by;
	struct timer expiry;
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
	struct timer ask;    /* the next group-specific query of a series */
	unsigned asks_left;
	struct timer linger; /* no listener is known, but one may still answer */
	struct timer old;    /* armed: a version 1 host reports here (RFC 3810 §8.3.2) */
	UT_hash_handle hh;
};

struct host_key {
	int ifindex;
	uint8_t len, octet[LLADDR_MAX], zero[3];
	struct in6_addr name; /* only where the link-layer address is not known: what else tells it from others */
};

struct host {
	struct host_key key;
	struct in6_addr mobile, source;
	struct listener *listeners;
	size_t n;
	UT_hash_handle hh;
};

struct link {
	struct mld_track *t;
	int ifindex;
	struct in6_addr addr;  /* our link-local address; unspecified: cannot ask yet */
	struct in6_addr other; /* the querier, if it is not us */
	unsigned startup_left;
	unsigned robustness;   /* in force: ours or the querier's (RFC 3810 §9.1-9.2) */
	usec_t query_interval;
	struct timer general, other_present;
	struct link *prev, *next;
};

struct mld_track {
	struct loop *loop;
	struct mld_params p;
	const struct mld_ops *ops;
	void *arg;
	struct link *links;
	struct group *groups;
	struct host *hosts;
	size_t listeners;
	struct bucket limit;
};

static usec_t listener_interval(const struct link *k)
{
	return k->robustness * k->query_interval + k->t->p.response_interval;
}

/* Last Listener Query Time (RFC 3810 §9.10). */
static usec_t last_listener_time(const struct link *k)
{
	return k->robustness * k->t->p.last_listener_interval;
}

static bool querier(const struct link *k)
{
	return !addr_is_zero(&k->addr) && addr_is_zero(&k->other);
}

static struct link *link_find(const struct mld_track *t, int ifindex)
{
	struct link *k;
	DL_FOREACH(t->links, k) {
		if (k->ifindex == ifindex)
			return k;
	}
	return NULL;
}

static void gauges(const struct mld_track *t)
{
	context_counters[CONTEXT_GROUPS].value = HASH_COUNT(t->groups);
	context_counters[CONTEXT_LISTENERS].value = t->listeners;
}

static const struct in6_addr *host_name(const struct host *h)
{
	return addr_is_zero(&h->mobile) ? &h->source : &h->mobile;
}

static struct lladdr host_lladdr(const struct host *h)
{
	struct lladdr l = { .len = h->key.len };
	memcpy(l.octet, h->key.octet, sizeof l.octet);
	return l;
}

static void log_change(const char *what, const struct host *h, const struct group *g, const char *reason)
{
	struct lladdr l = host_lladdr(h);
	LOG_INFO("context", "%s mobile=%s link_address=%s ifindex=%d group=%s reason=%s", what, ADDR(host_name(h)), LLADDR(&l),
	         g->key.ifindex, ADDR(&g->key.addr), reason);
}

/* ---- asking ---- */

static bool ask(struct link *k, const struct in6_addr *group, usec_t max_response, bool suppress)
{
	struct mld_query q = { .group = *group, .max_response = max_response, .v2 = true, .suppress = suppress,
		               .robustness = (uint8_t)(k->robustness > 7 ? 0 : k->robustness),
		               .interval = k->query_interval };
	if (!k->t->ops->query(k->ifindex, &q, k->t->arg))
		return false;
	context_count(CONTEXT_QUERIES_SENT);
	return true;
}

static void on_general(struct timer *timer, void *arg)
{
	struct link *k = arg;
	if (!querier(k))
		return;
	if (!ask(k, &in6addr_any, k->t->p.response_interval, false)) {
		timer_after(&k->general, RETRY);
		return;
	}
	if (k->startup_left)
		k->startup_left--;
	timer_after(&k->general, k->startup_left ? k->query_interval / 4 : k->query_interval);
}

static void on_ask(struct timer *timer, void *arg)
{
	struct group *g = arg;
	struct link *k = g->link;
	if (!g->asks_left || !querier(k))
		return;
	/* With listeners we are sure of, other routers need not lower their timers (RFC 3810 §7.6.3.1). */
	ask(k, &g->key.addr, k->t->p.last_listener_interval, g->listeners && g->asks_left < k->robustness);
	if (--g->asks_left)
		timer_after(&g->ask, k->t->p.last_listener_interval);
}

static void ask_group(struct group *g)
{
	g->asks_left = g->link->robustness;
	on_ask(&g->ask, g);
}

/* ---- groups, hosts, listeners ---- */

static void group_end(struct group *g)
{
	struct mld_track *t = g->link->t;
	struct in6_addr addr = g->key.addr;
	int ifindex = g->key.ifindex;
	timer_stop(&g->ask);
	timer_stop(&g->linger);
	timer_stop(&g->old);
	HASH_DEL(t->groups, g);
	free(g);
	gauges(t);
	t->ops->forward(ifindex, &addr, false, t->arg);
}

static void on_linger(struct timer *timer, void *arg)
{
	group_end(arg);
}

static void on_old(struct timer *timer, void *arg)
{
	/* being armed was all it did */
}

static struct host_key host_key_make(int ifindex, const struct lladdr *l, const struct in6_addr *name)
{
	struct host_key k;
	memset(&k, 0, sizeof k);
	k.ifindex = ifindex;
	k.len = l->len <= LLADDR_MAX ? l->len : LLADDR_MAX;
	memcpy(k.octet, l->octet, k.len);
	if (!k.len && name)
		k.name = *name;
	return k;
}

static struct host *host_find(const struct mld_track *t, int ifindex, const struct lladdr *l, const struct in6_addr *name)
{
	struct host_key k = host_key_make(ifindex, l, name);
	struct host *h;
	HASH_FIND(hh, t->hosts, &k, sizeof k, h);
	return h;
}

static struct group *group_find(const struct mld_track *t, int ifindex, const struct in6_addr *addr)
{
	struct group_key k;
	struct group *g;
	memset(&k, 0, sizeof k);
	k.ifindex = ifindex;
	k.addr = *addr;
	HASH_FIND(hh, t->groups, &k, sizeof k, g);
	return g;
}

static struct listener *listener_find(const struct host *h, const struct group *g)
{
	struct listener *l;
	DL_FOREACH2(h->listeners, l, host_next) {
		if (l->group == g)
			return l;
	}
	return NULL;
}

static void listener_remove(struct listener *l)
{
	struct mld_track *t = l->group->link->t;
	struct host *h = l->host;
	timer_stop(&l->expiry);
	DL_DELETE2(l->group->listeners, l, group_prev, group_next);
	DL_DELETE2(h->listeners, l, host_prev, host_next);
	free(l);
	t->listeners--;
	if (--h->n == 0) {
		HASH_DEL(t->hosts, h);
		free(h);
	}
	gauges(t);
}

static void on_expiry(struct timer *timer, void *arg)
{
	struct listener *l = arg;
	struct group *g = l->group;
	context_count(CONTEXT_EXPIRED);
	log_change("group left", l->host, g, "expired");
	listener_remove(l);
	if (!g->listeners && !timer_armed(&g->linger))
		group_end(g);
}

static void refuse_full(struct mld_track *t, int ifindex, const struct in6_addr *group, const char *what, size_t threshold)
{
	context_count(CONTEXT_TABLE_FULL);
	log_limited(&t->limit, loop_now(t->loop), LOG_LEVEL_WARNING, "context",
	            "membership refused ifindex=%d group=%s reason=\"%s\" threshold=%zu", ifindex, ADDR(group), what, threshold);
}

static struct host *host_make(struct mld_track *t, const struct host_key *key)
{
	struct host *h = calloc(1, sizeof *h);
	if (!h)
		return NULL;
	h->key = *key;
	HASH_ADD(hh, t->hosts, key, sizeof h->key, h);
	if (h->hh.tbl)
		return h;
	free(h);
	return NULL;
}

static struct group *group_make(struct link *k, const struct in6_addr *addr)
{
	struct mld_track *t = k->t;
	struct group *g = calloc(1, sizeof *g);
	if (!g)
		return NULL;
	g->key.ifindex = k->ifindex;
	g->key.addr = *addr;
	g->link = k;
	timer_init(&g->ask, t->loop, on_ask, g);
	timer_init(&g->linger, t->loop, on_linger, g);
	timer_init(&g->old, t->loop, on_old, g);
	HASH_ADD(hh, t->groups, key, sizeof g->key, g);
	if (g->hh.tbl)
		return g;
	free(g);
	return NULL;
}

/* Room for one more membership of h (NULL: a host that has none yet) in g (NULL: a group that is not there yet)? */
static bool room(struct mld_track *t, int ifindex, const struct in6_addr *addr, const struct host *h, const struct group *g)
{
	if (t->listeners >= t->p.listeners)
		refuse_full(t, ifindex, addr, "listeners", t->p.listeners);
	else if (!g && HASH_COUNT(t->groups) >= t->p.groups)
		refuse_full(t, ifindex, addr, "groups", t->p.groups);
	else if (h && h->n >= t->p.groups_per_mobile)
		refuse_full(t, ifindex, addr, "groups_per_mobile", t->p.groups_per_mobile);
	else
		return true;
	return false;
}

/* Ties h to g; frees whichever was made for this and has nothing else, should memory fail. */
static struct listener *listener_make(struct host *h, struct group *g)
{
	struct mld_track *t = g->link->t;
	struct listener *l = calloc(1, sizeof *l);
	if (!l)
		return NULL;
	l->group = g;
	l->host = h;
	timer_init(&l->expiry, t->loop, on_expiry, l);
	DL_APPEND2(g->listeners, l, group_prev, group_next);
	DL_APPEND2(h->listeners, l, host_prev, host_next);
	h->n++;
	t->listeners++;
	return l;
}

static bool group_tracked(const struct in6_addr *g)
{
	return addr_is_multicast(g) && (g->s6_addr[1] & 15) > 2;
}

static int listener_add(struct link *k, const struct host_key *key, const struct in6_addr *addr, struct host *h,
                        struct group *g, struct listener **out)
{
	struct mld_track *t = k->t;
	bool fresh = !g;
	if (!room(t, k->ifindex, addr, h, g))
		return -ENOSPC;
	if (!h)
		h = host_make(t, key);
	if (h && !g)
		g = group_make(k, addr);
	*out = h && g ? listener_make(h, g) : NULL;
	if (*out) {
		gauges(t);
		if (fresh)
			t->ops->forward(k->ifindex, addr, true, t->arg);
		return 0;
	}
	if (h && !h->n) {
		HASH_DEL(t->hosts, h);
		free(h);
	}
	if (g && fresh) {
		HASH_DEL(t->groups, g);
		free(g);
	}
	return -ENOMEM;
}

/* This host listens to that group: heard now. */
static int listen_to(struct link *k, const struct lladdr *from, const struct in6_addr *name, const struct in6_addr *addr,
                     enum mld_source by, struct listener **out)
{
	struct mld_track *t = k->t;
	struct host_key key = host_key_make(k->ifindex, from, name);
	struct host *h = host_find(t, k->ifindex, from, name);
	struct group *g = group_find(t, k->ifindex, addr);
	struct listener *l = h && g ? listener_find(h, g) : NULL;
	bool fresh = !l;
	int e = l ? 0 : listener_add(k, &key, addr, h, g, &l);
	if (e)
		return e;
	if (fresh || by == MLD_BY_REPORT)
		l->by = by;
	if (timer_armed(&l->group->linger)) { /* answered: no need to ask on */
		timer_stop(&l->group->linger);
		timer_stop(&l->group->ask);
	}
	timer_after(&l->expiry, listener_interval(k));
	*out = l;
	return fresh ? 1 : 0;
}

static void reported(struct link *k, const struct lladdr *from, const struct in6_addr *src, const struct in6_addr *addr,
                     bool v1)
{
	struct listener *l;
	if (!group_tracked(addr))
		return;
	int fresh = listen_to(k, from, src, addr, MLD_BY_REPORT, &l);
	if (fresh < 0)
		return;
	l->host->source = *src;
	if (v1)
		timer_after(&l->group->old, listener_interval(k));
	if (fresh)
		log_change("group joined", l->host, l->group, "report");
}

/* The listener is gone. sure: nobody else can be there that we have not heard. */
static void listener_left(struct listener *l, const char *reason, bool sure)
{
	struct group *g = l->group;
	log_change("group left", l->host, g, reason);
	listener_remove(l);
	if (g->listeners)
		return;
	if (sure && !timer_armed(&g->old)) {
		group_end(g);
		return;
	}
	timer_after(&g->linger, last_listener_time(g->link));
	ask_group(g);
}

static struct listener *listener_of(struct link *k, const struct lladdr *from, const struct in6_addr *src,
                                    const struct in6_addr *addr)
{
	struct host *h = host_find(k->t, k->ifindex, from, src);
	struct group *g = h ? group_find(k->t, k->ifindex, addr) : NULL;
	return g ? listener_find(h, g) : NULL;
}

static void said_goodbye(struct link *k, const struct lladdr *from, const struct in6_addr *src, const struct in6_addr *addr)
{
	struct listener *l = listener_of(k, from, src, addr);
	if (!l)
		return;
	context_count(CONTEXT_DONES);
	listener_left(l, "done", k->t->p.fast_leave);
}

static void lower(struct listener *l, usec_t left)
{
	if (l->expiry.when > loop_now(l->group->link->t->loop) + left)
		timer_after(&l->expiry, left);
}

/* Sources blocked: of a filter we do not keep. Whether it still listens it says when asked. */
static void doubt(struct link *k, const struct lladdr *from, const struct in6_addr *src, const struct in6_addr *addr)
{
	struct listener *l = listener_of(k, from, src, addr);
	if (!l || !querier(k))
		return;
	lower(l, last_listener_time(k));
	ask_group(l->group);
}

static void on_record(struct link *k, const struct lladdr *from, const struct in6_addr *src, const struct mld_record *r)
{
	switch (r->type) {
	case MLD_IS_EXCLUDE:
	case MLD_TO_EXCLUDE:
		reported(k, from, src, &r->group, false);
		return;
	case MLD_ALLOW:
		if (r->sources_n)
			reported(k, from, src, &r->group, false);
		return;
	case MLD_IS_INCLUDE:
	case MLD_TO_INCLUDE:
		if (r->sources_n)
			reported(k, from, src, &r->group, false);
		else
			said_goodbye(k, from, src, &r->group);
		return;
	case MLD_BLOCK:
		doubt(k, from, src, &r->group);
		return;
	}
	/* unknown types are ignored (RFC 3810 §5.2.12) */
}

/* ---- the querier of the link ---- */

static void become_querier(struct link *k)
{
	k->other = in6addr_any;
	k->robustness = k->t->p.robustness;
	k->query_interval = k->t->p.query_interval;
	timer_stop(&k->other_present);
	if (!addr_is_zero(&k->addr))
		on_general(&k->general, k);
}

static void on_other_gone(struct timer *timer, void *arg)
{
	struct link *k = arg;
	context_count(CONTEXT_QUERIER_CHANGES);
	LOG_NOTICE("context", "querier silent, asking again ifindex=%d peer=%s", k->ifindex, ADDR(&k->other));
	become_querier(k);
}

/* RFC 3810 §7.6.2 and §7.1: the lowest address asks; the others take over what it says of its timing. */
static void yield_to(struct link *k, const struct in6_addr *src, const struct mld_query *q)
{
	if (!addr_eq(&k->other, src)) {
		context_count(CONTEXT_QUERIER_CHANGES);
		LOG_NOTICE("context", "another router asks on this link ifindex=%d peer=%s", k->ifindex, ADDR(src));
	}
	k->other = *src;
	timer_stop(&k->general);
	k->robustness = q->robustness ? q->robustness : k->t->p.robustness;
	k->query_interval = q->interval ? q->interval : k->t->p.query_interval;
	/* What a stranger says must not silence us for hours. */
	if (k->query_interval > INTERVAL_FACTOR * k->t->p.query_interval)
		k->query_interval = INTERVAL_FACTOR * k->t->p.query_interval;
	timer_after(&k->other_present, k->robustness * k->query_interval + k->t->p.response_interval / 2);
}

/* Another's question about a group: who does not answer in time is gone (RFC 3810 §7.6.1). */
static void lower_group(struct link *k, const struct mld_query *q)
{
	struct group *g = group_find(k->t, k->ifindex, &q->group);
	struct listener *l;
	if (!g)
		return;
	DL_FOREACH2(g->listeners, l, group_next)
		lower(l, k->robustness * (q->max_response > USEC_SEC ? q->max_response : USEC_SEC));
}

static void on_query(struct link *k, const struct in6_addr *src, const struct mld_query *q)
{
	context_count(CONTEXT_QUERIES_RECEIVED);
	const struct in6_addr *now = addr_is_zero(&k->other) ? &k->addr : &k->other;
	if (addr_eq(src, &k->addr) || k->t->p.always_querier)
		return;
	if (addr_is_zero(now) || memcmp(src, now, sizeof *src) <= 0)
		yield_to(k, src, q);
	if (!querier(k) && !addr_is_zero(&q->group) && !q->suppress && !q->sources_n)
		lower_group(k, q);
}

void mld_track_receive(struct mld_track *t, int ifindex, const struct lladdr *from, const struct in6_addr *src,
                       struct mld_message *m)
{
	struct link *k = link_find(t, ifindex);
	struct mld_record r;
	if (!k)
		return;
	switch ((enum mld_type)m->type) {
	case MLD_QUERY:
		on_query(k, src, &m->query);
		return;
	case MLD_REPORT:
		context_count(CONTEXT_REPORTS);
		reported(k, from, src, &m->group, true);
		return;
	case MLD_DONE:
		said_goodbye(k, from, src, &m->group);
		return;
	case MLD_REPORT_V2:
		context_count(CONTEXT_REPORTS);
		while (mld_record_next(m, &r))
			on_record(k, from, src, &r);
		return;
	}
}

/* ---- interfaces ---- */

int mld_track_interface(struct mld_track *t, int ifindex, const struct in6_addr *link_local)
{
	struct link *k = link_find(t, ifindex);
	if (!k) {
		k = calloc(1, sizeof *k);
		if (!k)
			return -ENOMEM;
		*k = (struct link){ .t = t, .ifindex = ifindex, .startup_left = t->p.robustness, .robustness = t->p.robustness,
			            .query_interval = t->p.query_interval };
		timer_init(&k->general, t->loop, on_general, k);
		timer_init(&k->other_present, t->loop, on_other_gone, k);
		DL_APPEND(t->links, k);
	}
	bool could = !addr_is_zero(&k->addr);
	k->addr = *link_local;
	if (!could && querier(k))
		on_general(&k->general, k);
	return 0;
}

void mld_track_interface_gone(struct mld_track *t, int ifindex)
{
	struct link *k = link_find(t, ifindex);
	struct group *g, *next;
	if (!k)
		return;
	HASH_ITER(hh, t->groups, g, next) {
		if (g->link != k)
			continue;
		while (g->listeners)
			listener_remove(g->listeners);
		group_end(g);
	}
	timer_stop(&k->general);
	timer_stop(&k->other_present);
	DL_DELETE(t->links, k);
	free(k);
}

/* ---- contexts ---- */

int mld_track_install(struct mld_track *t, int ifindex, const struct lladdr *lladdr, const struct in6_addr *mobile,
                      const struct in6_addr *group)
{
	struct link *k = link_find(t, ifindex);
	struct listener *l;
	if (!k)
		return -ENODEV;
	if (!group_tracked(group))
		return -EINVAL;
	int fresh = listen_to(k, lladdr, mobile, group, MLD_BY_CONTEXT, &l);
	if (fresh < 0)
		return fresh;
	l->host->mobile = *mobile;
	if (fresh)
		log_change("group joined", l->host, l->group, "context");
	return 0;
}

void mld_track_name(struct mld_track *t, int ifindex, const struct lladdr *lladdr, const struct in6_addr *mobile)
{
	struct host *h = lladdr->len ? host_find(t, ifindex, lladdr, NULL) : NULL;
	if (h)
		h->mobile = *mobile;
}

static size_t host_forget(struct host *h)
{
	size_t n = 0;
	for (size_t left = h->n; left; left--, n++) { /* the last one takes h with it */
		context_count(CONTEXT_FORGOTTEN);
		listener_left(h->listeners, "moved", true);
	}
	return n;
}

size_t mld_track_forget(struct mld_track *t, const struct in6_addr *mobile)
{
	struct host *h, *next;
	size_t n = 0;
	HASH_ITER(hh, t->hosts, h, next) {
		if (addr_eq(&h->mobile, mobile))
			n += host_forget(h);
	}
	return n;
}

size_t mld_track_forget_link(struct mld_track *t, int ifindex, const struct lladdr *lladdr)
{
	struct host *h = lladdr->len ? host_find(t, ifindex, lladdr, NULL) : NULL;
	return h ? host_forget(h) : 0;
}

/* ---- walks ---- */

static struct mld_listener_info info_of(const struct mld_track *t, const struct listener *l)
{
	usec_t now = loop_now(t->loop);
	return (struct mld_listener_info){ .ifindex = l->group->key.ifindex, .group = l->group->key.addr,
		                           .lladdr = host_lladdr(l->host), .mobile = l->host->mobile,
		                           .source = l->host->source, .by = l->by,
		                           .expires = l->expiry.when > now ? l->expiry.when - now : 0 };
}

void mld_track_each(const struct mld_track *t, mld_each_fn *fn, void *arg)
{
	for (const struct group *g = t->groups; g; g = g->hh.next)
		for (const struct listener *l = g->listeners; l; l = l->group_next) {
			struct mld_listener_info i = info_of(t, l);
			if (!fn(&i, arg))
				return;
		}
}

void mld_track_each_of(const struct mld_track *t, int ifindex, const struct lladdr *lladdr, mld_each_fn *fn, void *arg)
{
	const struct host *h = lladdr->len ? host_find(t, ifindex, lladdr, NULL) : NULL;
	for (const struct listener *l = h ? h->listeners : NULL; l; l = l->host_next) {
		struct mld_listener_info i = info_of(t, l);
		if (!fn(&i, arg))
			return;
	}
}

size_t mld_track_groups(const struct mld_track *t)
{
	return HASH_COUNT(t->groups);
}

size_t mld_track_listeners(const struct mld_track *t)
{
	return t->listeners;
}

bool mld_track_querier(const struct mld_track *t, int ifindex)
{
	const struct link *k = link_find(t, ifindex);
	return k && querier(k);
}

void mld_track_forwarded(const struct mld_track *t, void (*fn)(int ifindex, const struct in6_addr *group, void *arg), void *arg)
{
	for (const struct group *g = t->groups; g; g = g->hh.next)
		fn(g->key.ifindex, &g->key.addr, arg);
}

/* ---- the whole ---- */

struct mld_track *mld_track_create(struct loop *l, const struct mld_params *p, const struct mld_ops *ops, void *arg)
{
	struct mld_track *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	*t = (struct mld_track){ .loop = l, .p = *p, .ops = ops, .arg = arg };
	bucket_init(&t->limit, 1, 5);
	return t;
}

void mld_track_reconfigure(struct mld_track *t, const struct mld_params *p)
{
	struct link *k;
	bool sooner = p->query_interval < t->p.query_interval;
	t->p = *p;
	DL_FOREACH(t->links, k) {
		if (!querier(k))
			continue;
		k->robustness = p->robustness;
		k->query_interval = p->query_interval;
		if (sooner)
			on_general(&k->general, k);
	}
}

static void ignore_forward(int ifindex, const struct in6_addr *group, bool on, void *arg)
{
}

void mld_track_destroy(struct mld_track *t)
{
	static const struct mld_ops silent = { .forward = ignore_forward };
	if (!t)
		return;
	t->ops = &silent;
	while (t->links)
		mld_track_interface_gone(t, t->links->ifindex);
	free(t);
}
