/* One address of a client that is away: where its packets go, who is asked to take it, and what its timers say. */
#include "fmip6/fmip6_anchor_private.h"

#include <stdlib.h>

/* ---- the table ---- */

struct away *away_find(const struct fmip6_anchor *a, const struct in6_addr *pcoa)
{
	struct away *e = NULL;
	HASH_FIND(hh, a->all, pcoa, sizeof *pcoa, e);
	return e;
}

struct away *away_of_seq(const struct fmip6_anchor *a, uint16_t seq)
{
	struct away *e = NULL;
	HASH_FIND(hh_seq, a->by_seq, &seq, sizeof seq, e);
	return e;
}

struct client *client_find(const struct fmip6_anchor *a, const struct lladdr *l)
{
	const struct lladdr key = lladdr_key(l);
	struct client *c = NULL;
	HASH_FIND(hh, a->clients, &key, sizeof key, c);
	return c;
}

static struct client *client_get(struct fmip6_anchor *a, const struct lladdr *l)
{
	struct client *c = client_find(a, l);
	if (c || !(c = calloc(1, sizeof *c)))
		return c;
	c->lladdr = lladdr_key(l);
	HASH_ADD(hh, a->clients, lladdr, sizeof c->lladdr, c);
	return c;
}

static void client_prune(struct fmip6_anchor *a, struct client *c)
{
	if (!c || c->n)
		return;
	HASH_DELETE(hh, a->clients, c);
	free(c);
}

static void client_leave(struct away *e)
{
	struct away **at = &e->client->first;
	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	e->client->n--;
	client_prune(e->anchor, e->client);
}

struct anchor_view away_view(const struct away *e)
{
	return (struct anchor_view){ .pcoa = e->pcoa, .lladdr = e->lladdr, .router = e->router, .local = e->local,
		.asked = e->asking ? e->to : in6addr_any, .arrived = e->arrived, .awaited = e->awaited,
		.expires = timer_armed(&e->life) ? e->life.when : 0 };
}

static void asking_end(struct away *e)
{
	if (!e->asking)
		return;
	e->asking = false;
	timer_stop(&e->retry);
	HASH_DELETE(hh_seq, e->anchor->by_seq, e);
}

void away_drop(struct away *e)
{
	struct fmip6_anchor *a = e->anchor;
	asking_end(e);
	timer_stop(&e->life);
	timer_stop(&e->expect);
	client_leave(e);
	HASH_DELETE(hh, a->all, e);
	fmip6_counters[FMIP6_CLIENTS_AWAY].value--;
	free(e);
}

static void life_ended(struct timer *t, void *arg);
static void expect_ended(struct timer *t, void *arg);
static void ask_again(struct timer *t, void *arg);

/* Hosts that make up new addresses do not say which they have no longer. */
static void give_up_oldest(struct client *c)
{
	struct away *last = c->first;
	while (last->next)
		last = last->next;
	away_end(last, true, "too many addresses of one client");
}

struct away *away_make(struct fmip6_anchor *a, const struct in6_addr *pcoa, const struct lladdr *l)
{
	struct client *c = HASH_CNT(hh, a->all) < (unsigned)a->params->sessions ? client_get(a, l) : NULL;
	struct away *e = c ? calloc(1, sizeof *e) : NULL;
	if (!e) {
		FMIP6_COUNT(FMIP6_SESSIONS_FULL);
		client_prune(a, c);
		return NULL;
	}
	*e = (struct away){ .anchor = a, .client = c, .next = c->first, .pcoa = *pcoa, .lladdr = *l };
	c->first = e;
	if (++c->n > ANCHOR_ADDRS)
		give_up_oldest(c);
	timer_init(&e->life, a->loop, life_ended, e);
	timer_init(&e->expect, a->loop, expect_ended, e);
	timer_init(&e->retry, a->loop, ask_again, e);
	HASH_ADD(hh, a->all, pcoa, sizeof e->pcoa, e);
	fmip6_counters[FMIP6_CLIENTS_AWAY].value++;
	return e;
}

bool away_in_force(const struct away *e)
{
	return !addr_is_zero(&e->router);
}

/* ---- timelines ---- */

static void record_open(struct away *e, enum handover_role role, const struct in6_addr *other, usec_t at)
{
	struct fmip6_anchor *a = e->anchor;
	struct anchor_view v = away_view(e);
	e->open = true;
	e->role = role;
	a->ops->opened(a->arg, role, &v, other, at);
}

static void record_step(const struct away *e, enum handover_step s, usec_t at)
{
	if (e->open)
		e->anchor->ops->step(e->anchor->arg, e->role, &e->pcoa, s, at);
}

static void record_close(struct away *e, enum handover_result r, const char *reason)
{
	if (!e->open)
		return;
	e->open = false;
	e->anchor->ops->closed(e->anchor->arg, e->role, &e->pcoa, r, reason);
}

/* ---- the way of its packets ---- */

/* What comes back through the tunnel: from where it is, from where it comes, from where it goes. */
void away_tunnel_end(const struct away *e)
{
	struct fmip6_anchor *a = e->anchor;
	const struct in6_addr *other = !addr_is_zero(&e->was) ? &e->was : e->asking && e->present ? &e->to : &in6addr_any;
	if (away_in_force(e))
		a->ops->tunnel_end(a->arg, &e->pcoa, &e->local, &e->router, other);
	else
		a->ops->tunnel_end(a->arg, &e->pcoa, &e->to_local, other, &in6addr_any);
}

static void life_begin(struct away *e)
{
	timer_after(&e->life, e->anchor->params->lifetime);
}

/* Everything is over; the routers that know the client are told. The path has been seen to. */
static void away_over(struct away *e, const struct in6_addr *also)
{
	struct fmip6_anchor *a = e->anchor;
	bool told = away_in_force(e) && farewell(e, &e->router);
	if (!addr_is_zero(&e->was) && !addr_eq(&e->was, &e->router))
		told |= farewell(e, &e->was);
	if (also && !addr_eq(also, &e->router))
		told |= farewell(e, also);
	if (!told) /* else when it is answered */
		a->ops->tunnel_end(a->arg, &e->pcoa, &e->to_local, &in6addr_any, &in6addr_any);
	away_drop(e);
	a->ops->changed(a->arg);
}

static void life_ended(struct timer *t, void *arg)
{
	struct away *e = arg;
	struct fmip6_anchor *a = e->anchor;
	FMIP6_COUNT(FMIP6_BINDINGS_EXPIRED);
	LOG_INFO("fmip6", "client expired mobile=%s peer=%s", ADDR(&e->pcoa), ADDR(&e->router));
	a->ops->direct(a->arg, &e->pcoa, NULL, 0);
	record_close(e, HANDOVER_FAILED, "nobody confirmed that the client is there");
	away_over(e, NULL);
}

static void arrived(struct away *e, usec_t at)
{
	struct fmip6_anchor *a = e->anchor;
	struct in6_addr was = e->was;
	timer_stop(&e->expect);
	if (!e->arrived && !e->adopted)
		a->ops->claim(a->arg, &e->pcoa);
	e->arrived = true;
	e->since = at;
	e->was = in6addr_any;
	life_begin(e);
	record_close(e, HANDOVER_COMPLETE, "");
	if (!addr_is_zero(&was) && !addr_eq(&was, &e->router))
		farewell(e, &was);
	a->ops->changed(a->arg);
}

/* It did not come where it was expected: back to where it was. */
static void expect_ended(struct timer *t, void *arg)
{
	struct away *e = arg;
	struct fmip6_anchor *a = e->anchor;
	struct in6_addr in_vain = e->router;
	FMIP6_COUNT(FMIP6_HOLD_EXPIRED);
	LOG_NOTICE("fmip6", "client did not arrive mobile=%s peer=%s hold_time_ms=%llu", ADDR(&e->pcoa),
	           e->awaited ? "-" : ADDR(&e->router), (unsigned long long)(a->params->hold_time / USEC_MSEC));
	record_close(e, HANDOVER_FAILED, "the client did not arrive in time");
	if (!e->awaited && addr_is_zero(&e->was)) {
		a->ops->direct(a->arg, &e->pcoa, NULL, 0);
		away_over(e, NULL);
		return;
	}
	if (!e->awaited) {
		farewell(e, &in_vain);
		e->router = e->was;
		e->was = in6addr_any;
	}
	e->awaited = false;
	e->arrived = true;
	life_begin(e);
	if (a->ops->tunnel(a->arg, &e->pcoa, &e->local, &e->router) < 0)
		LOG_WARNING("fmip6", "client cannot be sent back mobile=%s peer=%s", ADDR(&e->pcoa), ADDR(&e->router));
	away_tunnel_end(e);
	a->ops->changed(a->arg);
}

/* ---- asking ---- */

/* §6.2.1.1 gives Code 1 and no U to a HI for a mobile that is there; U says that this one is not, which only the network knows. */
static void ask(struct away *e)
{
	const struct hi m = { .seq = e->seq, .flags = e->present ? 0 : HI_BUFFER, .code = HI_NOT_FROM_PCOA, .lladdr = e->lladdr,
		.pcoa = e->pcoa };
	timer_after(&e->retry, e->anchor->params->hi_timeout << e->tries);
	e->tries++;
	record_step(e, STEP_D_HI, loop_now(e->anchor->loop));
	anchor_send_hi(e->anchor, &m, &e->to_local, &e->to);
}

/* The other router did not agree: what was in force before stays in force. */
void away_refused(struct away *e, const char *reason)
{
	LOG_NOTICE("fmip6", "client not taken mobile=%s peer=%s reason=\"%s\"", ADDR(&e->pcoa), ADDR(&e->to), reason);
	asking_end(e);
	record_close(e, HANDOVER_FAILED, reason);
	if (away_in_force(e))
		away_tunnel_end(e);
	else
		away_over(e, NULL);
}

static void ask_again(struct timer *t, void *arg)
{
	struct away *e = arg;
	if (e->tries <= e->anchor->params->hi_retries)
		ask(e);
	else
		away_refused(e, "no HAck from the other router");
}

void away_ask(struct away *e, const struct in6_addr *to, bool present, usec_t at, usec_t wait)
{
	struct fmip6_anchor *a = e->anchor;
	bool renewed = away_in_force(e) && addr_eq(&e->router, to) && present;
	if (!renewed)
		record_close(e, HANDOVER_CANCELLED, "the client goes elsewhere");
	asking_end(e);
	if (present)
		e->since = at;
	if (!a->ops->local(a->arg, to, &e->to_local))
		e->to_local = in6addr_any;
	e->asking = true;
	e->to = *to;
	e->present = present;
	e->tries = 0;
	e->seq = anchor_seq(a);
	HASH_ADD(hh_seq, a->by_seq, seq, sizeof e->seq, e);
	if (!renewed) {
		record_open(e, HANDOVER_PAR, to, at);
		if (present)
			away_tunnel_end(e); /* what it sends may come before the HAck */
	}
	if (wait)
		timer_after(&e->retry, wait);
	else
		ask(e);
}

/* The other router has a host route for it, or is about to. */
void away_granted(struct away *e, const struct mh_in *in)
{
	struct fmip6_anchor *a = e->anchor;
	bool renewed = away_in_force(e) && addr_eq(&e->router, &e->to);
	asking_end(e);
	if (renewed) {
		if (e->present)
			arrived(e, in->at);
		return;
	}
	record_step(e, STEP_E_HACK, in->at);
	if (a->ops->tunnel(a->arg, &e->pcoa, &in->dst, &e->to) < 0) {
		away_refused(e, "tunnel could not be set up");
		return;
	}
	record_step(e, STEP_TUNNEL, loop_now(a->loop));
	if (addr_is_zero(&e->was) && away_in_force(e))
		e->was = e->router;
	e->router = e->to;
	e->local = in->dst;
	e->arrived = e->awaited = false;
	away_tunnel_end(e);
	life_begin(e);
	if (e->present)
		arrived(e, in->at);
	else
		timer_after(&e->expect, a->params->hold_time);
	a->ops->changed(a->arg);
}

/* ---- home ---- */

const char *away_await(struct away *e)
{
	struct fmip6_anchor *a = e->anchor;
	if (e->awaited)
		return NULL;
	if (!away_in_force(e) || !e->arrived)
		return "this client has not arrived where it went";
	if (a->ops->hold(a->arg, &e->pcoa) < 0)
		return "no room to hold packets";
	if (e->asking) {
		asking_end(e);
		record_close(e, HANDOVER_CANCELLED, "the client comes home");
	}
	e->awaited = true;
	timer_after(&e->expect, a->params->hold_time);
	record_open(e, HANDOVER_NAR, &e->router, loop_now(a->loop));
	record_step(e, STEP_HOLD, loop_now(a->loop));
	return NULL;
}

void away_home(struct away *e, const struct lladdr *l, int ifindex, usec_t at)
{
	struct fmip6_anchor *a = e->anchor;
	struct in6_addr asked = e->asking ? e->to : in6addr_any;
	bool was_asking = e->asking;
	asking_end(e);
	if (!e->awaited) {
		record_close(e, HANDOVER_CANCELLED, "the client came home");
		record_open(e, HANDOVER_NAR, away_in_force(e) ? &e->router : &asked, at);
	}
	record_step(e, STEP_6_L2UPDATE, at);
	if (away_in_force(e)) {
		record_step(e, STEP_RELEASE, loop_now(a->loop));
		a->ops->direct(a->arg, &e->pcoa, l, ifindex);
	}
	record_close(e, HANDOVER_COMPLETE, "");
	away_over(e, was_asking ? &asked : NULL);
}

void away_end(struct away *e, bool direct, const char *reason)
{
	struct in6_addr asked = e->to;
	bool was_asking = e->asking;
	asking_end(e);
	if (direct)
		e->anchor->ops->direct(e->anchor->arg, &e->pcoa, NULL, 0);
	record_close(e, HANDOVER_CANCELLED, reason);
	away_over(e, was_asking ? &asked : NULL);
}
