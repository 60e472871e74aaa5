#include "mip6/mip6_link.h"

#include <stdlib.h>
#include <string.h>

#define SOLICIT_SLOWEST (120 * USEC_SEC)
#define INTERVALS_LOST 3 /* advertisements missed in a row before the router is asked (RFC 6275 §11.5.1 leaves it open) */

struct mip6_link {
	struct loop *loop;
	struct mip6_link_params p;
	const struct mip6_link_ops *ops;
	void *arg;
	enum mip6_link_state state;
	bool known, candidate;
	struct mip6_place here, other; /* other: heard of since, if candidate */
	bool fast;
	usec_t wait_until; /* for a fast handover */
	usec_t solicit_wait;
	unsigned probes;
	struct timer solicit, probe, wait, silence;
};

const char *mip6_link_state_name(enum mip6_link_state s)
{
	static const char *const names[] = { [MIP6_LINK_DOWN] = "down", [MIP6_LINK_SEARCHING] = "searching",
		[MIP6_LINK_WAITING] = "waiting", [MIP6_LINK_SETTLED] = "settled", [MIP6_LINK_DOUBTFUL] = "doubtful" };
	return names[s];
}

static bool same_link(const struct mip6_place *a, const struct mip6_place *b)
{
	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < b->n; k++)
			if (a->prefixes[i].prefix.plen == b->prefixes[k].prefix.plen &&
			    addr_eq(&a->prefixes[i].prefix.addr, &b->prefixes[k].prefix.addr))
				return true;
	return false;
}

static struct mip6_place place_of(const struct in6_addr *src, const struct nd_ra *ra, usec_t at)
{
	struct mip6_place p = { .router = *src, .lladdr = ra->source, .heard = at, .expires = at + ra->lifetime * USEC_SEC,
		.interval = ra->interval, .n = ra->n };
	memcpy(p.prefixes, ra->prefixes, sizeof p.prefixes);
	return p;
}

static void stop(struct mip6_link *m)
{
	timer_stop(&m->solicit);
	timer_stop(&m->probe);
	timer_stop(&m->wait);
	timer_stop(&m->silence);
	m->candidate = false;
}

/* When our router has been silent for too long. */
static void watch(struct mip6_link *m)
{
	usec_t limit = m->here.expires;
	if (addr_is_zero(&m->here.router))
		return;
	if (m->here.interval) {
		usec_t lost = m->here.heard + (usec_t)m->here.interval * USEC_MSEC * INTERVALS_LOST;
		limit = lost < limit ? lost : limit;
	}
	timer_at(&m->silence, limit);
}

static void settle(struct mip6_link *m, const struct mip6_place *p, enum mip6_link_word word, usec_t at)
{
	struct mip6_place place = *p; /* may be m->other */
	stop(m);
	m->here = place;
	m->known = true;
	m->state = MIP6_LINK_SETTLED;
	watch(m);
	m->ops->settled(m->arg, &m->here, word, at);
}

static void solicit(struct mip6_link *m)
{
	timer_after(&m->solicit, m->solicit_wait);
	m->solicit_wait = m->solicit_wait * 2 < SOLICIT_SLOWEST ? m->solicit_wait * 2 : SOLICIT_SLOWEST;
	m->ops->solicit(m->arg);
}

static void search(struct mip6_link *m)
{
	m->state = MIP6_LINK_SEARCHING;
	m->solicit_wait = m->p.solicit_interval;
	solicit(m);
}

static void solicit_timeout(struct timer *t, void *arg)
{
	solicit(arg);
}

/* ---- another link ---- */

/* p is another link's router, that is certain: move, unless a fast handover is to be waited for. */
static void moved(struct mip6_link *m, const struct mip6_place *p, usec_t at)
{
	if (at >= m->wait_until || m->ops->home(m->arg, p)) {
		settle(m, p, m->wait_until && at >= m->wait_until ? MIP6_LINK_OVERDUE : MIP6_LINK_MOVED, at);
		return;
	}
	m->other = *p;
	stop(m);
	m->candidate = true;
	m->state = MIP6_LINK_WAITING;
	timer_at(&m->wait, m->wait_until);
}

static void wait_timeout(struct timer *t, void *arg)
{
	struct mip6_link *m = arg;
	if (m->state == MIP6_LINK_WAITING)
		settle(m, &m->other, MIP6_LINK_OVERDUE, loop_now(m->loop));
}

/* ---- is our router still there? ---- */

static void probe(struct mip6_link *m)
{
	m->probes++;
	timer_after(&m->probe, m->p.probe_timeout);
	if (addr_is_zero(&m->here.router))
		m->ops->solicit(m->arg);
	else
		m->ops->probe(m->arg, &m->here);
}

static void doubt(struct mip6_link *m)
{
	timer_stop(&m->silence);
	m->state = MIP6_LINK_DOUBTFUL;
	m->probes = 0;
	probe(m);
}

static void probe_timeout(struct timer *t, void *arg)
{
	struct mip6_link *m = arg;
	usec_t now = loop_now(m->loop);
	if (m->state != MIP6_LINK_DOUBTFUL)
		return;
	if (m->probes < MIP6_LINK_PROBES) {
		probe(m);
		return;
	}
	if (!m->candidate) {
		search(m);
		return;
	}
	struct mip6_place other = m->other;
	m->wait_until = m->fast ? now + m->p.fast_wait : 0;
	moved(m, &other, now);
}

static void silence_timeout(struct timer *t, void *arg)
{
	struct mip6_link *m = arg;
	if (m->state == MIP6_LINK_SETTLED)
		doubt(m);
}

void mip6_link_hint(struct mip6_link *m)
{
	if (m->state == MIP6_LINK_SETTLED)
		doubt(m);
}

void mip6_link_na(struct mip6_link *m, const struct in6_addr *target, usec_t at)
{
	if (m->state != MIP6_LINK_DOUBTFUL || !addr_eq(target, &m->here.router))
		return;
	timer_stop(&m->probe);
	m->candidate = false;
	m->state = MIP6_LINK_SETTLED;
	m->here.heard = at;
	if (m->here.expires > at)
		watch(m);
	else
		search(m); /* it lives, but has not said that it is still a router */
}

/* ---- what is heard ---- */

void mip6_link_ra(struct mip6_link *m, const struct in6_addr *src, const struct nd_ra *ra, usec_t at)
{
	struct mip6_place p = place_of(src, ra, at);
	bool same = m->known && same_link(&p, &m->here);
	if (m->state == MIP6_LINK_DOWN || ra->lifetime == 0 || p.n == 0)
		return;
	if (same) {
		bool second = !addr_is_zero(&m->here.router) && !addr_eq(src, &m->here.router) && m->here.expires > at;
		if (m->state != MIP6_LINK_SETTLED || !second) /* one of two routers here is enough, while it lives */
			settle(m, &p, MIP6_LINK_SAME, at);
		return;
	}
	switch (m->state) {
	case MIP6_LINK_DOWN:
		break;
	case MIP6_LINK_SEARCHING:
	case MIP6_LINK_WAITING:
		moved(m, &p, at);
		break;
	case MIP6_LINK_SETTLED:
		m->other = p;
		m->candidate = true;
		doubt(m);
		break;
	case MIP6_LINK_DOUBTFUL:
		m->other = p;
		m->candidate = true;
		break;
	}
}

void mip6_link_down(struct mip6_link *m)
{
	stop(m);
	m->state = MIP6_LINK_DOWN;
}

void mip6_link_up(struct mip6_link *m, bool fast)
{
	if (m->state != MIP6_LINK_DOWN)
		return;
	m->fast = fast;
	m->wait_until = fast && m->known ? loop_now(m->loop) + m->p.fast_wait : 0;
	search(m);
}

void mip6_link_told(struct mip6_link *m, const struct prefix *p, usec_t at)
{
	struct mip6_place place = { .heard = at, .n = 1, .prefixes = { { .prefix = *p, .on_link = true, .autonomous = true,
		.valid = UINT32_MAX, .preferred = UINT32_MAX } } };
	bool heard = m->candidate && same_link(&m->other, &place), here = m->known && same_link(&m->here, &place);
	if (heard)
		place = m->other;
	else if (here)
		place = m->here;
	stop(m);
	m->here = place;
	m->known = true;
	m->wait_until = 0;
	m->state = MIP6_LINK_SETTLED;
	watch(m);
}

void mip6_link_not_told(struct mip6_link *m, usec_t at)
{
	m->wait_until = 0;
	if (m->state == MIP6_LINK_WAITING)
		settle(m, &m->other, MIP6_LINK_MOVED, at);
}

/* ---- life ---- */

enum mip6_link_state mip6_link_state(const struct mip6_link *m)
{
	return m->state;
}

const struct mip6_place *mip6_link_place(const struct mip6_link *m)
{
	return m->known ? &m->here : NULL;
}

struct mip6_link *mip6_link_create(struct loop *l, const struct mip6_link_params *p, const struct mip6_link_ops *ops, void *arg)
{
	struct mip6_link *m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	m->loop = l;
	m->p = *p;
	m->ops = ops;
	m->arg = arg;
	timer_init(&m->solicit, l, solicit_timeout, m);
	timer_init(&m->probe, l, probe_timeout, m);
	timer_init(&m->wait, l, wait_timeout, m);
	timer_init(&m->silence, l, silence_timeout, m);
	return m;
}

void mip6_link_reload(struct mip6_link *m, const struct mip6_link_params *p)
{
	m->p = *p;
}

void mip6_link_destroy(struct mip6_link *m)
{
	if (!m)
		return;
	stop(m);
	free(m);
}
