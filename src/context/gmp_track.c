/*
 * Three tables: links (an interface and a family, each with its querier state), groups on a link, hosts on an interface; a
 * listener ties a host to a group. A group is forwarded as its listeners want it together, and lingers: when the last one
 * known to want it (or a source of it) no longer does, and others might be there unheard (hosts of older versions suppress
 * their reports behind another's), the link is asked first.
 */
#include "context/gmp_track_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "context/context_count.h"

static struct link *link_find(const struct gmp_track *t, int ifindex, bool v4)
{
	struct link *k;
	DL_FOREACH(t->links, k) {
		if (k->ifindex == ifindex && k->v4 == v4)
			return k;
	}
	return NULL;
}

static void gauges(const struct gmp_track *t)
{
	context_counters[CONTEXT_GROUPS].value = HASH_COUNT(t->groups);
	context_counters[CONTEXT_LISTENERS].value = t->listeners;
}

static struct lladdr host_lladdr(const struct host *h)
{
	struct lladdr l = { .len = h->key.len };
	memcpy(l.octet, h->key.octet, sizeof l.octet);
	return l;
}

/* ---- telling ---- */

static struct gmp_member member_of(const struct listener *l, const struct source_filter *f)
{
	usec_t now = loop_now(l->group->link->t->loop), last = listener_last(l);
	return (struct gmp_member){ .ifindex = l->group->key.ifindex, .group = l->group->key.addr, .lladdr = host_lladdr(l->host),
		                    .mobile = l->host->mobile, .source = l->host->source, .by = l->by,
		                    .expires = last > now ? last - now : 0, .filter = f,
		                    .last = l->group->listeners == l && !l->group_next };
}

static void tell_change(const struct listener *l, enum gmp_change c)
{
	static const char *const words[] = { [GMP_JOINED] = "joined", [GMP_INSTALLED] = "joined", [GMP_SAID_LEAVE] = "left",
		                             [GMP_EXPIRED] = "left", [GMP_MOVED] = "left" };
	static const char *const reasons[] = { [GMP_JOINED] = "report", [GMP_INSTALLED] = "context", [GMP_SAID_LEAVE] = "done",
		                               [GMP_EXPIRED] = "expired", [GMP_MOVED] = "moved" };
	struct gmp_track *t = l->group->link->t;
	const struct source_filter *f = listener_filter(l);
	struct gmp_member m = member_of(l, f);
	LOG_INFO("context", "group %s mobile=%s link_address=%s ifindex=%d group=%s filter=%s sources=%u reason=%s", words[c],
	         ADDR(addr_is_zero(&m.mobile) ? &m.source : &m.mobile), LLADDR(&m.lladdr), m.ifindex, ADDR(&m.group),
	         f->exclude ? "exclude" : "include", f->n, reasons[c]);
	if (t->ops->changed)
		t->ops->changed(&m, c, t->arg);
	source_filter_free(f);
}

/* ---- groups ---- */

static void group_keep(const struct source_filter **at, const struct source_filter *f)
{
	source_filter_free(*at);
	*at = f;
}

static void group_free(struct group *g)
{
	timer_stop(&g->ask);
	timer_stop(&g->linger);
	timer_stop(&g->old[0]);
	timer_stop(&g->old[1]);
	source_filter_free(g->wanted);
	source_filter_free(g->lingering);
	source_filter_free(g->told);
	HASH_DEL(g->link->t->groups, g);
	free(g);
}

/* Forwards what is wanted and what lingers; ends the group if that is nothing. */
static void group_tell(struct group *g)
{
	struct gmp_track *t = g->link->t;
	const struct source_filter *now = g->lingering ? source_filter_merge(g->wanted, g->lingering, t->p.sources) :
	                                                source_filter_copy(g->wanted);
	bool same = source_filter_eq(now, g->told);
	group_keep(&g->told, now);
	if (!same)
		t->ops->forward(g->key.ifindex, &g->key.addr, now, t->arg);
	if (g->listeners || g->lingering)
		return;
	group_free(g);
	gauges(t);
}

static void linger_end(struct group *g)
{
	timer_stop(&g->linger);
	timer_stop(&g->ask);
	group_keep(&g->lingering, NULL);
}

static void on_linger(struct timer *timer, void *arg)
{
	struct group *g = arg;
	linger_end(g);
	group_tell(g);
}

static void on_old(struct timer *timer, void *arg)
{
	/* being armed was all it did */
}

static bool group_old(const struct group *g, enum gmp_version v)
{
	return timer_armed(&g->old[v - 1]);
}

static const struct source_filter *group_merge(const struct group *g)
{
	const struct source_filter *all = &source_filter_none;
	struct listener *l;
	DL_FOREACH2(g->listeners, l, group_next) {
		const struct source_filter *one = listener_filter(l), *both = source_filter_merge(all, one, g->link->t->p.sources);
		source_filter_free(one);
		source_filter_free(all);
		all = both;
		if (all == &source_filter_all)
			break;
	}
	return all;
}

/* What is not wanted any more is still forwarded while the link is asked. Hosts of version 1 cannot be asked: their time
 * has to run out. */
static void linger_begin(struct group *g)
{
	usec_t now = loop_now(g->link->t->loop), wait = link_last_time(g->link);
	if (group_old(g, GMP_V1) && g->old[0].when > now + wait)
		wait = g->old[0].when - now;
	group_keep(&g->lingering, source_filter_copy(g->told));
	timer_after(&g->linger, wait);
	group_ask(g);
}

/* Hosts of older versions keep quiet behind another's report. */
static bool all_heard(const struct group *g)
{
	return !group_old(g, GMP_V1) && !group_old(g, GMP_V2);
}

/* The listeners of g or what they want have changed. sure: nobody else can be there that we have not heard. */
static void group_update(struct group *g, bool sure)
{
	group_keep(&g->wanted, group_merge(g));
	if (g->lingering && source_filter_covers(g->wanted, g->lingering)) /* answered: no need to ask on */
		linger_end(g);
	if (!sure && !source_filter_covers(g->wanted, g->lingering ? g->lingering : g->told))
		linger_begin(g);
	group_tell(g);
}

/* ---- hosts and listeners ---- */

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

static struct host *host_find(const struct gmp_track *t, int ifindex, const struct lladdr *l, const struct in6_addr *name)
{
	struct host_key k = host_key_make(ifindex, l, name);
	struct host *h;
	HASH_FIND(hh, t->hosts, &k, sizeof k, h);
	return h;
}

static struct group *group_find(const struct gmp_track *t, int ifindex, const struct in6_addr *addr)
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

/* Its group is to be updated then. */
static void listener_remove(struct listener *l)
{
	struct gmp_track *t = l->group->link->t;
	struct host *h = l->host;
	timer_stop(&l->expiry);
	DL_DELETE2(l->group->listeners, l, group_prev, group_next);
	DL_DELETE2(h->listeners, l, host_prev, host_next);
	free(l->source);
	free(l);
	t->listeners--;
	if (--h->n == 0) {
		HASH_DEL(t->hosts, h);
		free(h);
	}
	gauges(t);
}

static void listener_leaves(struct listener *l, enum gmp_change why, bool sure)
{
	struct group *g = l->group;
	tell_change(l, why);
	listener_remove(l);
	group_update(g, sure);
}

static void on_expiry(struct timer *timer, void *arg)
{
	struct listener *l = arg;
	listener_age(l, loop_now(timer->loop));
	if (!listener_ended(l)) {
		timer_at(&l->expiry, listener_next(l));
		group_update(l->group, true);
		return;
	}
	context_count(CONTEXT_EXPIRED);
	listener_leaves(l, GMP_EXPIRED, true);
}

static void refuse_full(struct gmp_track *t, int ifindex, const struct in6_addr *group, const char *what, size_t threshold)
{
	context_count(CONTEXT_TABLE_FULL);
	log_limited(&t->limit, loop_now(t->loop), LOG_LEVEL_WARNING, "context",
	            "membership refused ifindex=%d group=%s reason=\"%s\" threshold=%zu", ifindex, ADDR(group), what, threshold);
}

static struct host *host_make(struct gmp_track *t, const struct host_key *key)
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
	struct gmp_track *t = k->t;
	struct group *g = calloc(1, sizeof *g);
	if (!g)
		return NULL;
	g->key.ifindex = k->ifindex;
	g->key.addr = *addr;
	g->link = k;
	g->wanted = g->told = &source_filter_none;
	timer_init(&g->ask, t->loop, group_on_ask, g);
	timer_init(&g->linger, t->loop, on_linger, g);
	timer_init(&g->old[0], t->loop, on_old, g);
	timer_init(&g->old[1], t->loop, on_old, g);
	HASH_ADD(hh, t->groups, key, sizeof g->key, g);
	if (g->hh.tbl)
		return g;
	free(g);
	return NULL;
}

/* Room for one more membership of h (NULL: a host that has none yet) in g (NULL: a group that is not there yet)? */
static bool room(struct gmp_track *t, int ifindex, const struct in6_addr *addr, const struct host *h, const struct group *g)
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

static struct listener *listener_tie(struct host *h, struct group *g)
{
	struct gmp_track *t = g->link->t;
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

/* A listener that wants nothing yet; frees whichever of host and group was made for it, should memory fail. */
static int listener_add(struct link *k, const struct host_key *key, const struct in6_addr *addr, struct host *h,
                        struct group *g, struct listener **out)
{
	struct gmp_track *t = k->t;
	if (!room(t, k->ifindex, addr, h, g))
		return -ENOSPC;
	if (!h)
		h = host_make(t, key);
	if (h && !g)
		g = group_make(k, addr);
	*out = h && g ? listener_tie(h, g) : NULL;
	if (*out) {
		gauges(t);
		return 0;
	}
	if (h && !h->n) {
		HASH_DEL(t->hosts, h);
		free(h);
	}
	if (g && !g->listeners && !g->lingering)
		group_free(g);
	return -ENOMEM;
}

/* The membership of this host in that group, made if need be: 1; there already: 0; or a negative errno. */
static int listener_get(struct link *k, const struct lladdr *from, const struct in6_addr *name, const struct in6_addr *addr,
                        struct listener **out)
{
	struct host_key key = host_key_make(k->ifindex, from, name);
	struct host *h = host_find(k->t, k->ifindex, from, name);
	struct group *g = group_find(k->t, k->ifindex, addr);
	*out = h && g ? listener_find(h, g) : NULL;
	if (*out)
		return 0;
	int e = listener_add(k, &key, addr, h, g, out);
	return e ? e : 1;
}

/* ---- reports ---- */

static bool group_tracked(const struct link *k, const struct in6_addr *g)
{
	return addr_is_v4(g) == k->v4 && gmp_group_routable(g);
}

/* The sender of a report, and what the report says of one group. */
struct said {
	const struct lladdr *from;
	const struct in6_addr *src, *group;
	uint8_t type; /* enum gmp_record_type */
	struct in6_addr source[GMP_SOURCES_MAX];
	size_t n; /* more than the limit: there were more */
};

static struct listener *listener_of(const struct link *k, const struct said *s)
{
	struct host *h = host_find(k->t, k->ifindex, s->from, s->src);
	struct group *g = h ? group_find(k->t, k->ifindex, s->group) : NULL;
	return g ? listener_find(h, g) : NULL;
}

/* Where older hosts listen, newer ones' finer wishes and goodbyes would hit those that keep quiet (RFC 3376 §7.3.2). */
static bool said_in_older_terms(const struct link *k, struct said *s)
{
	const struct group *g = group_find(k->t, k->ifindex, s->group);
	if (!g || (!group_old(g, GMP_V1) && !group_old(g, GMP_V2)))
		return true;
	if (s->type == GMP_IS_EXCLUDE || s->type == GMP_TO_EXCLUDE)
		s->n = 0;
	return s->type != GMP_BLOCK && (s->type != GMP_TO_INCLUDE || !group_old(g, GMP_V1));
}

static bool begins_membership(const struct said *s)
{
	switch ((enum gmp_record_type)s->type) {
	case GMP_IS_EXCLUDE:
	case GMP_TO_EXCLUDE:
		return true;
	case GMP_IS_INCLUDE:
	case GMP_TO_INCLUDE:
	case GMP_ALLOW:
		return s->n > 0;
	case GMP_BLOCK:
		return false;
	}
	return false; /* unknown types are ignored (RFC 3810 §5.2.12) */
}

static void said_hold(struct link *k, struct listener *l, const struct said *s, bool fresh)
{
	struct gmp_track *t = k->t;
	usec_t now = loop_now(t->loop);
	const struct source_filter *before = listener_filter(l);
	listener_record(l, s->type, s->source, s->n, now, now + link_membership(k), t->p.sources);
	const struct source_filter *after = listener_filter(l);
	bool same = source_filter_eq(before, after);
	source_filter_free(before);
	source_filter_free(after);
	if (s->n > t->p.sources)
		context_count(CONTEXT_WIDENED);
	l->by = GMP_BY_REPORT;
	l->host->source = *s->src;
	if (listener_ended(l)) {
		context_count_of(CONTEXT_MLD_LEAVES, k->v4);
		listener_leaves(l, GMP_SAID_LEAVE, t->p.fast_leave && all_heard(l->group));
		return;
	}
	timer_at(&l->expiry, listener_next(l));
	if (fresh)
		tell_change(l, GMP_JOINED);
	if (!same || l->group->lingering)
		group_update(l->group, t->p.fast_leave && all_heard(l->group));
}

static void on_said(struct link *k, struct said *s)
{
	if (!group_tracked(k, s->group) || s->type < GMP_IS_INCLUDE || s->type > GMP_BLOCK || !said_in_older_terms(k, s))
		return;
	struct listener *l = listener_of(k, s);
	int fresh = 0;
	if (!l && begins_membership(s))
		fresh = listener_get(k, s->from, s->src, s->group, &l);
	if (l && fresh >= 0)
		said_hold(k, l, s, fresh);
}

static void on_record(struct link *k, const struct lladdr *from, const struct in6_addr *src, const struct gmp_record *r)
{
	struct said s = { .from = from, .src = src, .group = &r->group, .type = r->type };
	struct gmp_sources sources = r->sources;
	struct in6_addr addr;
	size_t most = k->t->p.sources + 1 < GMP_SOURCES_MAX ? k->t->p.sources + 1 : GMP_SOURCES_MAX;
	while (s.n < most && gmp_source_next(&sources, &addr))
		s.source[s.n++] = addr;
	s.n += sources.n; /* as many as were left */
	on_said(k, &s);
}

static void on_old_report(struct link *k, const struct lladdr *from, const struct in6_addr *src, const struct gmp_message *m)
{
	struct said s = { .from = from, .src = src, .group = &m->group, .type = GMP_IS_EXCLUDE };
	on_said(k, &s);
	struct group *g = group_find(k->t, k->ifindex, &m->group);
	if (g && group_tracked(k, &m->group))
		timer_after(&g->old[m->version - 1], link_membership(k));
}

static void on_leave(struct link *k, const struct lladdr *from, const struct in6_addr *src, const struct in6_addr *group)
{
	struct said s = { .from = from, .src = src, .group = group, .type = GMP_TO_INCLUDE };
	on_said(k, &s);
}

/* Another's question about a group: who does not answer in time is gone (RFC 3810 §7.6.1). */
static void on_query(struct link *k, const struct in6_addr *src, const struct gmp_query *q)
{
	struct group *g = link_heard_query(k, src, q) ? group_find(k->t, k->ifindex, &q->group) : NULL;
	struct listener *l;
	if (!g)
		return;
	usec_t until = loop_now(k->t->loop) + k->robustness * (q->max_response > USEC_SEC ? q->max_response : USEC_SEC);
	DL_FOREACH2(g->listeners, l, group_next) {
		listener_lower(l, q->sources, until);
		timer_at(&l->expiry, listener_next(l));
	}
}

void gmp_track_receive(struct gmp_track *t, int ifindex, const struct lladdr *from, const struct in6_addr *src,
                       struct gmp_message *m)
{
	struct link *k = link_find(t, ifindex, m->v4);
	struct gmp_record r;
	if (!k)
		return;
	switch ((enum gmp_type)m->type) {
	case GMP_QUERY:
		on_query(k, src, &m->query);
		return;
	case GMP_REPORT:
		context_count_of(CONTEXT_MLD_REPORTS, k->v4);
		on_old_report(k, from, src, m);
		return;
	case GMP_LEAVE:
		on_leave(k, from, src, &m->group);
		return;
	case GMP_RECORDS:
		context_count_of(CONTEXT_MLD_REPORTS, k->v4);
		while (gmp_record_next(m, &r))
			on_record(k, from, src, &r);
		return;
	}
}

/* ---- interfaces ---- */

int gmp_track_interface(struct gmp_track *t, int ifindex, bool v4, const struct in6_addr *addr)
{
	struct link *k = link_find(t, ifindex, v4);
	if (!k) {
		k = calloc(1, sizeof *k);
		if (!k)
			return -ENOMEM;
		link_init(k, t, ifindex, v4);
		DL_APPEND(t->links, k);
	}
	link_addressed(k, addr);
	return 0;
}

static void group_drop(struct group *g)
{
	while (g->listeners)
		listener_remove(g->listeners);
	linger_end(g);
	group_update(g, true);
}

void gmp_track_interface_gone(struct gmp_track *t, int ifindex, bool v4)
{
	struct link *k = link_find(t, ifindex, v4);
	struct group *g, *next;
	if (!k)
		return;
	HASH_ITER(hh, t->groups, g, next) {
		if (g->link != k)
			continue;
		group_drop(g);
	}
	link_stop(k);
	DL_DELETE(t->links, k);
	free(k);
}

/* ---- contexts ---- */

int gmp_track_install(struct gmp_track *t, int ifindex, const struct lladdr *lladdr, const struct in6_addr *mobile,
                      const struct in6_addr *group, const struct source_filter *f)
{
	struct link *k = link_find(t, ifindex, addr_is_v4(group));
	struct listener *l;
	if (!k)
		return -ENODEV;
	if (!group_tracked(k, group) || source_filter_empty(f))
		return -EINVAL;
	int fresh = listener_get(k, lladdr, mobile, group, &l);
	if (fresh < 0)
		return fresh;
	const struct source_filter *before = listener_filter(l);
	/* What a report said here is newer than what the previous router knew: only its time begins anew. */
	listener_set(l, fresh || l->by == GMP_BY_CONTEXT ? f : before, loop_now(t->loop) + link_membership(k));
	source_filter_free(before);
	if (fresh)
		l->by = GMP_BY_CONTEXT;
	l->host->mobile = *mobile;
	timer_at(&l->expiry, listener_next(l));
	tell_change(l, GMP_INSTALLED);
	group_update(l->group, true);
	return 0;
}

void gmp_track_name(struct gmp_track *t, int ifindex, const struct lladdr *lladdr, const struct in6_addr *mobile)
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
		listener_leaves(h->listeners, GMP_MOVED, all_heard(h->listeners->group));
	}
	return n;
}

size_t gmp_track_forget(struct gmp_track *t, const struct in6_addr *mobile)
{
	struct host *h, *next;
	size_t n = 0;
	HASH_ITER(hh, t->hosts, h, next) {
		if (addr_eq(&h->mobile, mobile))
			n += host_forget(h);
	}
	return n;
}

size_t gmp_track_forget_link(struct gmp_track *t, int ifindex, const struct lladdr *lladdr)
{
	struct host *h = lladdr->len ? host_find(t, ifindex, lladdr, NULL) : NULL;
	return h ? host_forget(h) : 0;
}

/* ---- walks ---- */

static bool show_member(const struct listener *l, gmp_each_fn *fn, void *arg)
{
	const struct source_filter *f = listener_filter(l);
	struct gmp_member m = member_of(l, f);
	bool on = fn(&m, arg);
	source_filter_free(f);
	return on;
}

void gmp_track_each(const struct gmp_track *t, gmp_each_fn *fn, void *arg)
{
	for (const struct group *g = t->groups; g; g = g->hh.next)
		for (const struct listener *l = g->listeners; l; l = l->group_next)
			if (!show_member(l, fn, arg))
				return;
}

void gmp_track_each_of(const struct gmp_track *t, int ifindex, const struct lladdr *lladdr, gmp_each_fn *fn, void *arg)
{
	const struct host *h = lladdr->len ? host_find(t, ifindex, lladdr, NULL) : NULL;
	for (const struct listener *l = h ? h->listeners : NULL; l; l = l->host_next)
		if (!show_member(l, fn, arg))
			return;
}

void gmp_track_each_in(const struct gmp_track *t, int ifindex, const struct in6_addr *group, gmp_each_fn *fn, void *arg)
{
	const struct group *g = group_find(t, ifindex, group);
	for (const struct listener *l = g ? g->listeners : NULL; l; l = l->group_next)
		if (!show_member(l, fn, arg))
			return;
}

size_t gmp_track_groups(const struct gmp_track *t)
{
	return HASH_COUNT(t->groups);
}

size_t gmp_track_listeners(const struct gmp_track *t)
{
	return t->listeners;
}

bool gmp_track_querier(const struct gmp_track *t, int ifindex, bool v4)
{
	const struct link *k = link_find(t, ifindex, v4);
	return k && link_querier(k);
}

bool gmp_track_yielded(const struct gmp_track *t, int ifindex, bool v4)
{
	const struct link *k = link_find(t, ifindex, v4);
	return k && !addr_is_zero(&k->other);
}

uint8_t gmp_track_shared(const struct gmp_track *t, int ifindex, bool v4)
{
	const struct link *k = link_find(t, ifindex, v4);
	return k ? k->shared : 0;
}

void gmp_track_forwarded(const struct gmp_track *t, bool v4,
                         void (*fn)(int ifindex, const struct in6_addr *group, const struct source_filter *f, void *arg),
                         void *arg)
{
	for (const struct group *g = t->groups; g; g = g->hh.next)
		if (g->link->v4 == v4)
			fn(g->key.ifindex, &g->key.addr, g->told, arg);
}

/* ---- the whole ---- */

struct gmp_track *gmp_track_create(struct loop *l, const struct gmp_params *p, const struct gmp_ops *ops, void *arg)
{
	struct gmp_track *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	*t = (struct gmp_track){ .loop = l, .p = *p, .ops = ops, .arg = arg };
	bucket_init(&t->limit, 1, 5);
	return t;
}

/* A start with the new limits would have refused what came last. */
static void shrink_groups(struct gmp_track *t)
{
	while (HASH_COUNT(t->groups) > t->p.groups) {
		struct group *g = ELMT_FROM_HH(t->groups->hh.tbl, t->groups->hh.tbl->tail);
		bool more = g->listeners;
		refuse_full(t, g->key.ifindex, &g->key.addr, "groups", t->p.groups);
		linger_end(g);
		if (!more)
			group_update(g, true);
		while (more) { /* the last one takes g with it */
			more = g->listeners->group_next;
			listener_leaves(g->listeners, GMP_EXPIRED, true);
		}
	}
}

static void shrink_host(struct gmp_track *t, struct host *h, const char *what, size_t threshold)
{
	struct listener *l = h->listeners->host_prev; /* the list's tail */
	refuse_full(t, l->group->key.ifindex, &l->group->key.addr, what, threshold);
	listener_leaves(l, GMP_EXPIRED, true);
}

static void shrink(struct gmp_track *t)
{
	struct host *h, *next;
	shrink_groups(t);
	HASH_ITER(hh, t->hosts, h, next) {
		while (h->n > t->p.groups_per_mobile)
			shrink_host(t, h, "groups_per_mobile", t->p.groups_per_mobile);
	}
	while (t->listeners > t->p.listeners)
		shrink_host(t, ELMT_FROM_HH(t->hosts->hh.tbl, t->hosts->hh.tbl->tail), "listeners", t->p.listeners);
}

void gmp_track_reconfigure(struct gmp_track *t, const struct gmp_params *p)
{
	struct link *k;
	bool sooner = p->query_interval < t->p.query_interval;
	t->p = *p;
	shrink(t);
	DL_FOREACH(t->links, k) {
		link_reconfigured(k, sooner);
	}
}

static void ignore_forward(int ifindex, const struct in6_addr *group, const struct source_filter *f, void *arg)
{
}

void gmp_track_destroy(struct gmp_track *t)
{
	static const struct gmp_ops silent = { .forward = ignore_forward };
	if (!t)
		return;
	t->ops = &silent;
	while (t->links)
		gmp_track_interface_gone(t, t->links->ifindex, t->links->v4);
	free(t);
}
