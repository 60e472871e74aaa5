/* What hosts and other routers say, and what it changes. */
#include "context/gmp_track_priv.h"

#include <string.h>

#include "context/context_count.h"

bool group_tracked(const struct link *k, const struct in6_addr *g)
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
		listener_leaves(l, GMP_SAID_LEAVE, t->p.fast_leave && group_all_heard(l->group));
		return;
	}
	timer_at(&l->expiry, listener_next(l));
	if (fresh)
		listener_tell(l, GMP_JOINED);
	if (!same || l->group->lingering)
		group_update(l->group, t->p.fast_leave && group_all_heard(l->group));
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
