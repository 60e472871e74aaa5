/* Who asks on a link, and when: general queries, queries for what may be gone, the election (RFC 3810 §7.6, RFC 3376 §6.6). */
#include "context/context_count.h"
#include "context/gmp_track_priv.h"

#include <string.h>

#define RETRY USEC_SEC    /* until a query that could not be sent is tried again */
#define INTERVAL_FACTOR 4 /* another querier's interval is taken over up to this many times ours */
#define IGMP_LEAST (USEC_SEC / 10)

usec_t link_membership(const struct link *k)
{
	return k->robustness * k->query_interval + k->t->p.response_interval;
}

static usec_t last_interval(const struct link *k)
{
	usec_t ours = k->t->p.last_listener_interval;
	return k->v4 && ours < IGMP_LEAST ? IGMP_LEAST : ours;
}

usec_t link_last_time(const struct link *k)
{
	return k->robustness * last_interval(k);
}

bool link_querier(const struct link *k)
{
	return !addr_is_zero(&k->addr) && addr_is_zero(&k->other);
}

static uint8_t version_of(const struct link *k)
{
	return k->v4 ? k->t->p.igmp_version : k->t->p.mld_version;
}

static bool ask(struct link *k, const struct in6_addr *group, usec_t max_response, const struct in6_addr *sources, size_t n)
{
	struct gmp_query q = { .v4 = k->v4, .version = version_of(k), .group = *group, .max_response = max_response,
		               .robustness = (uint8_t)(k->robustness > 7 ? 0 : k->robustness), .interval = k->query_interval,
		               .ask = sources, .ask_n = n };
	if (!k->t->ops->query(k->ifindex, &q, k->t->arg))
		return false;
	context_count_of(CONTEXT_MLD_QUERIES_SENT, k->v4);
	return true;
}

static void on_general(struct timer *timer, void *arg)
{
	struct link *k = arg;
	if (!link_querier(k))
		return;
	if (!ask(k, &in6addr_any, k->t->p.response_interval, NULL, 0)) {
		timer_after(&k->general, RETRY);
		return;
	}
	if (k->startup_left)
		k->startup_left--;
	timer_after(&k->general, k->startup_left ? k->query_interval / 4 : k->query_interval);
}

/* About the sources that lost their last listener; about the group, if they cannot be named. Hosts of version 1 and 2 do
 * not understand the former, but where there are such hosts a whole group is what is lost. */
void group_on_ask(struct timer *timer, void *arg)
{
	struct group *g = arg;
	struct link *k = g->link;
	struct in6_addr lost[GMP_SOURCES_MAX];
	bool all;
	if (!g->asks_left || !link_querier(k) || !g->lingering)
		return;
	size_t n = source_filter_lost(g->lingering, g->wanted, lost, GMP_SOURCES_MAX, &all);
	if (!g->listeners || version_of(k) != GMP_V3)
		n = 0;
	ask(k, &g->key.addr, last_interval(k), lost, n);
	if (--g->asks_left)
		timer_after(&g->ask, last_interval(k));
}

void group_ask(struct group *g)
{
	g->asks_left = g->link->robustness;
	group_on_ask(&g->ask, g);
}

static void tell_yielded(const struct link *k)
{
	context_count(CONTEXT_QUERIER_CHANGES);
	if (k->t->ops->yielded)
		k->t->ops->yielded(k->ifindex, k->v4, k->t->arg);
}

static void become_querier(struct link *k)
{
	k->other = in6addr_any;
	k->robustness = k->t->p.robustness;
	k->query_interval = k->t->p.query_interval;
	timer_stop(&k->other_present);
	tell_yielded(k);
	if (!addr_is_zero(&k->addr))
		on_general(&k->general, k);
}

static void on_other_gone(struct timer *timer, void *arg)
{
	struct link *k = arg;
	LOG_NOTICE("context", "querier silent, asking again ifindex=%d peer=%s", k->ifindex, ADDR(&k->other));
	become_querier(k);
}

/* RFC 3810 §7.6.2 and §7.1: the lowest address asks; the others take over what it says of its timing. */
static void yield_to(struct link *k, const struct in6_addr *src, const struct gmp_query *q)
{
	bool same = addr_eq(&k->other, src);
	k->other = *src;
	if (!same) {
		LOG_NOTICE("context", "another router asks on this link ifindex=%d peer=%s", k->ifindex, ADDR(src));
		tell_yielded(k);
	}
	timer_stop(&k->general);
	k->robustness = q->robustness ? q->robustness : k->t->p.robustness;
	k->query_interval = q->interval ? q->interval : k->t->p.query_interval;
	/* What a stranger says must not silence us for hours. */
	if (k->query_interval > INTERVAL_FACTOR * k->t->p.query_interval)
		k->query_interval = INTERVAL_FACTOR * k->t->p.query_interval;
	timer_after(&k->other_present, k->robustness * k->query_interval + k->t->p.response_interval / 2);
}

/* RFC 3376 §7.3.1, RFC 3810 §8.3.1: routers of one link have to ask in the oldest version among them, and only people can
 * see to it. */
static void compare_version(struct link *k, const struct in6_addr *src, const struct gmp_query *q)
{
	if (q->version < version_of(k))
		log_limited(&k->t->limit, loop_now(k->t->loop), LOG_LEVEL_WARNING, "context",
		            "another router asks in an older version ifindex=%d peer=%s protocol=%s version=%d ours=%d", k->ifindex,
		            ADDR(src), k->v4 ? "IGMP" : "MLD", k->v4 ? q->version : q->version - 1,
		            k->v4 ? version_of(k) : version_of(k) - 1);
}

bool link_heard_query(struct link *k, const struct in6_addr *src, const struct gmp_query *q)
{
	static const struct in6_addr v4_any = { .s6_addr = { [10] = 0xff, [11] = 0xff } };
	context_count_of(CONTEXT_MLD_QUERIES_RECEIVED, k->v4);
	const struct in6_addr *now = addr_is_zero(&k->other) ? &k->addr : &k->other;
	/* A switch that asks from 0.0.0.0 is no router and wins no election (RFC 4541 §2.1.1). */
	if (addr_eq(src, &k->addr) || addr_eq(src, &v4_any))
		return false;
	k->shared = !k->shared || q->version < k->shared ? q->version : k->shared;
	compare_version(k, src, q);
	if (k->t->p.always_querier)
		return false;
	if (addr_is_zero(now) || memcmp(src, now, sizeof *src) <= 0)
		yield_to(k, src, q);
	return !link_querier(k) && !addr_is_zero(&q->group) && !q->suppress;
}

void link_init(struct link *k, struct gmp_track *t, int ifindex, bool v4)
{
	*k = (struct link){ .t = t, .ifindex = ifindex, .v4 = v4, .startup_left = t->p.robustness, .robustness = t->p.robustness,
		            .query_interval = t->p.query_interval };
	timer_init(&k->general, t->loop, on_general, k);
	timer_init(&k->other_present, t->loop, on_other_gone, k);
}

void link_stop(struct link *k)
{
	timer_stop(&k->general);
	timer_stop(&k->other_present);
}

void link_addressed(struct link *k, const struct in6_addr *addr)
{
	bool could = !addr_is_zero(&k->addr);
	k->addr = *addr;
	if (!could && link_querier(k))
		on_general(&k->general, k);
}

void link_reconfigured(struct link *k, bool sooner)
{
	if (!addr_is_zero(&k->other) && !k->t->p.always_querier)
		return;
	if (!addr_is_zero(&k->other)) {
		become_querier(k);
		return;
	}
	k->robustness = k->t->p.robustness;
	k->query_interval = k->t->p.query_interval;
	if (sooner && link_querier(k))
		on_general(&k->general, k);
}
