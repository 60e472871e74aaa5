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

struct link *link_find(const struct gmp_track *t, int ifindex, bool v4)
{
	struct link *k;
	DL_FOREACH(t->links, k) {
		if (k->ifindex == ifindex && k->v4 == v4)
			return k;
	}
	return NULL;
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
	group_linger_end(g);
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
	host_name(t, l->host, mobile);
	timer_at(&l->expiry, listener_next(l));
	listener_tell(l, GMP_INSTALLED);
	group_update(l->group, true);
	return 0;
}

void gmp_track_name(struct gmp_track *t, int ifindex, const struct lladdr *lladdr, const struct in6_addr *mobile)
{
	struct host *h = lladdr->len ? host_find(t, ifindex, lladdr, NULL) : NULL;
	if (h)
		host_name(t, h, mobile);
}

static size_t host_forget(struct host *h)
{
	size_t n = 0;
	for (size_t left = h->n; left; left--, n++) { /* the last one takes h with it */
		context_count(CONTEXT_FORGOTTEN);
		listener_leaves(h->listeners, GMP_MOVED, group_all_heard(h->listeners->group));
	}
	return n;
}

size_t gmp_track_forget(struct gmp_track *t, const struct in6_addr *mobile)
{
	struct mobile_name *name;
	size_t n = 0;
	while ((name = name_find(t, mobile))) /* goes with its last host, a host with its last membership */
		n += host_forget(name->hosts);
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
	struct gmp_member m = listener_member(l, f);
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
		track_refuse_full(t, g->key.ifindex, &g->key.addr, "groups", t->p.groups);
		group_linger_end(g);
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
	track_refuse_full(t, l->group->key.ifindex, &l->group->key.addr, what, threshold);
	listener_leaves(l, GMP_EXPIRED, true);
}

static void shrink(struct gmp_track *t)
{
	struct host *h, *next;
	shrink_groups(t);
	DL_FOREACH_SAFE(t->hosts, h, next) {
		while (h->n > t->p.groups_per_mobile)
			shrink_host(t, h, "groups_per_mobile", t->p.groups_per_mobile);
	}
	while (t->listeners > t->p.listeners)
		shrink_host(t, t->hosts->prev /* the last */, "listeners", t->p.listeners);
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
	lookup_free(&t->by_host);
	lookup_free(&t->by_name);
	free(t);
}
