/* Groups of a link and who listens to them: how memberships come and go, and what that does to what is forwarded. */
#include "context/gmp_track_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "context/context_count.h"

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

struct gmp_member listener_member(const struct listener *l, const struct source_filter *f)
{
	usec_t now = loop_now(l->group->link->t->loop), last = listener_last(l);
	return (struct gmp_member){ .ifindex = l->group->key.ifindex, .group = l->group->key.addr, .lladdr = host_lladdr(l->host),
		                    .mobile = l->host->name ? l->host->name->addr : in6addr_any, .source = l->host->source, .by = l->by,
		                    .expires = last > now ? last - now : 0, .filter = f,
		                    .last = l->group->listeners == l && !l->group_next };
}

void listener_tell(const struct listener *l, enum gmp_change c)
{
	static const char *const words[] = { [GMP_JOINED] = "joined", [GMP_INSTALLED] = "joined", [GMP_SAID_LEAVE] = "left",
		                             [GMP_EXPIRED] = "left", [GMP_MOVED] = "left" };
	static const char *const reasons[] = { [GMP_JOINED] = "report", [GMP_INSTALLED] = "context", [GMP_SAID_LEAVE] = "done",
		                               [GMP_EXPIRED] = "expired", [GMP_MOVED] = "moved" };
	struct gmp_track *t = l->group->link->t;
	const struct source_filter *f = listener_filter(l);
	struct gmp_member m = listener_member(l, f);
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

void group_linger_end(struct group *g)
{
	timer_stop(&g->linger);
	timer_stop(&g->ask);
	group_keep(&g->lingering, NULL);
}

static void on_linger(struct timer *timer, void *arg)
{
	struct group *g = arg;
	group_linger_end(g);
	group_tell(g);
}

static void on_old(struct timer *timer, void *arg)
{
	/* being armed was all it did */
}

bool group_old(const struct group *g, enum gmp_version v)
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

bool group_all_heard(const struct group *g)
{
	return !group_old(g, GMP_V1) && !group_old(g, GMP_V2);
}

void group_update(struct group *g, bool sure)
{
	group_keep(&g->wanted, group_merge(g));
	if (g->lingering && source_filter_covers(g->wanted, g->lingering)) /* answered: no need to ask on */
		group_linger_end(g);
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

static bool host_is(const void *item, const void *key)
{
	return !memcmp(&((const struct host *)item)->key, key, sizeof(struct host_key));
}

struct host *host_find(const struct gmp_track *t, int ifindex, const struct lladdr *l, const struct in6_addr *name)
{
	struct host_key k = host_key_make(ifindex, l, name);
	return lookup_find(&t->by_host, hash_keyed(&k, sizeof k), host_is, &k);
}

static bool name_is(const void *item, const void *addr)
{
	return addr_eq(&((const struct mobile_name *)item)->addr, addr);
}

struct mobile_name *name_find(const struct gmp_track *t, const struct in6_addr *mobile)
{
	return lookup_find(&t->by_name, hash_keyed(mobile, sizeof *mobile), name_is, mobile);
}

static struct mobile_name *name_get(struct gmp_track *t, const struct in6_addr *mobile)
{
	struct mobile_name *n = name_find(t, mobile);
	if (n)
		return n;
	n = calloc(1, sizeof *n);
	if (!n)
		return NULL;
	n->addr = *mobile;
	if (lookup_add(&t->by_name, hash_keyed(&n->addr, sizeof n->addr), n) == 0)
		return n;
	free(n);
	return NULL;
}

static void host_unname(struct gmp_track *t, struct host *h)
{
	struct mobile_name *n = h->name;
	if (!n)
		return;
	DL_DELETE2(n->hosts, h, name_prev, name_next);
	h->name = NULL;
	if (n->hosts)
		return;
	lookup_del(&t->by_name, hash_keyed(&n->addr, sizeof n->addr), n);
	free(n);
}

void host_name(struct gmp_track *t, struct host *h, const struct in6_addr *mobile)
{
	if (h->name && addr_eq(&h->name->addr, mobile))
		return;
	host_unname(t, h);
	h->name = addr_is_zero(mobile) ? NULL : name_get(t, mobile);
	if (h->name)
		DL_APPEND2(h->name->hosts, h, name_prev, name_next);
}

static void host_free(struct gmp_track *t, struct host *h)
{
	host_unname(t, h);
	DL_DELETE(t->hosts, h);
	lookup_del(&t->by_host, hash_keyed(&h->key, sizeof h->key), h);
	free(h);
}

struct group *group_find(const struct gmp_track *t, int ifindex, const struct in6_addr *addr)
{
	struct group_key k;
	struct group *g;
	memset(&k, 0, sizeof k);
	k.ifindex = ifindex;
	k.addr = *addr;
	HASH_FIND(hh, t->groups, &k, sizeof k, g);
	return g;
}

struct listener *listener_find(const struct host *h, const struct group *g)
{
	struct listener *l;
	DL_FOREACH2(h->listeners, l, host_next) {
		if (l->group == g)
			return l;
	}
	return NULL;
}

void listener_remove(struct listener *l)
{
	struct gmp_track *t = l->group->link->t;
	struct host *h = l->host;
	timer_stop(&l->expiry);
	DL_DELETE2(l->group->listeners, l, group_prev, group_next);
	DL_DELETE2(h->listeners, l, host_prev, host_next);
	free(l->source);
	free(l);
	t->listeners--;
	if (--h->n == 0)
		host_free(t, h);
	gauges(t);
}

void listener_leaves(struct listener *l, enum gmp_change why, bool sure)
{
	struct group *g = l->group;
	listener_tell(l, why);
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

void track_refuse_full(struct gmp_track *t, int ifindex, const struct in6_addr *group, const char *what, size_t threshold)
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
	if (lookup_add(&t->by_host, hash_keyed(&h->key, sizeof h->key), h) < 0) {
		free(h);
		return NULL;
	}
	DL_APPEND(t->hosts, h);
	return h;
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
		track_refuse_full(t, ifindex, addr, "listeners", t->p.listeners);
	else if (!g && HASH_COUNT(t->groups) >= t->p.groups)
		track_refuse_full(t, ifindex, addr, "groups", t->p.groups);
	else if (h && h->n >= t->p.groups_per_mobile)
		track_refuse_full(t, ifindex, addr, "groups_per_mobile", t->p.groups_per_mobile);
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
	if (h && !h->n)
		host_free(t, h);
	if (g && !g->listeners && !g->lingering)
		group_free(g);
	return -ENOMEM;
}

int listener_get(struct link *k, const struct lladdr *from, const struct in6_addr *name, const struct in6_addr *addr,
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
