#include "fmip6/fmip6_anchor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_FUNCTION FMIP6_HASH
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* One address of a client that is away, or is about to be. */
struct away {
	UT_hash_handle hh;     /* by pcoa */
	UT_hash_handle hh_seq; /* by seq, while asking */
	struct fmip6_anchor *anchor;
	struct in6_addr pcoa;
	struct lladdr lladdr;
	struct in6_addr router, local; /* in force; unspecified: nothing is */
	struct in6_addr was;   /* the router it leaves, until it has arrived at the other */
	bool arrived;          /* at router */
	bool awaited;          /* here: its packets are held */
	usec_t since;          /* it arrived; what was seen of it before says nothing */
	struct timer life;     /* of what is in force */
	struct timer expect;   /* it does not arrive where it is awaited */

	bool asking;
	struct in6_addr to, to_local;
	bool present; /* to says that it is there already */
	uint16_t seq;
	int64_t tries;
	struct timer retry;

	bool open; /* a timeline runs, in role */
	enum handover_role role;
};

/* A router that shall forget a client: told until it answers. */
struct farewell {
	UT_hash_handle hh; /* by seq */
	struct fmip6_anchor *anchor;
	struct in6_addr pcoa, router, local;
	struct lladdr lladdr;
	uint16_t seq;
	int64_t tries;
	struct timer retry;
};

struct fmip6_anchor {
	struct loop *loop;
	const struct fmip6_params *params;
	const struct anchor_ops *ops;
	void *arg;
	struct away *clients, *by_seq;
	struct farewell *farewells;
	uint16_t seq; /* odd; the PAR's are even */
	struct bucket log;
};

/* ---- the table ---- */

static struct away *away_find(const struct fmip6_anchor *a, const struct in6_addr *pcoa)
{
	struct away *e = NULL;
	HASH_FIND(hh, a->clients, pcoa, sizeof *pcoa, e);
	return e;
}

static struct anchor_view view(const struct away *e)
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

static void away_free(struct away *e)
{
	struct fmip6_anchor *a = e->anchor;
	asking_end(e);
	timer_stop(&e->life);
	timer_stop(&e->expect);
	HASH_DELETE(hh, a->clients, e);
	fmip6_counters[FMIP6_CLIENTS_AWAY].value--;
	free(e);
}

static void life_ended(struct timer *t, void *arg);
static void expect_ended(struct timer *t, void *arg);
static void ask_again(struct timer *t, void *arg);

static struct away *away_make(struct fmip6_anchor *a, const struct in6_addr *pcoa, const struct lladdr *l)
{
	if (HASH_CNT(hh, a->clients) >= (unsigned)a->params->sessions)
		return NULL;
	struct away *e = calloc(1, sizeof *e);
	if (!e)
		return NULL;
	e->anchor = a;
	e->pcoa = *pcoa;
	e->lladdr = *l;
	timer_init(&e->life, a->loop, life_ended, e);
	timer_init(&e->expect, a->loop, expect_ended, e);
	timer_init(&e->retry, a->loop, ask_again, e);
	HASH_ADD(hh, a->clients, pcoa, sizeof e->pcoa, e);
	fmip6_counters[FMIP6_CLIENTS_AWAY].value++;
	return e;
}

static bool in_force(const struct away *e)
{
	return !addr_is_zero(&e->router);
}

/* ---- timelines ---- */

static void record_open(struct away *e, enum handover_role role, const struct in6_addr *other, usec_t at)
{
	struct fmip6_anchor *a = e->anchor;
	struct anchor_view v = view(e);
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

/* ---- sending ---- */

/* A sequence number that no HI under way has. */
static uint16_t seq_next(struct fmip6_anchor *a)
{
	struct away *e;
	struct farewell *f;
	do {
		a->seq = (uint16_t)(a->seq + 2);
		HASH_FIND(hh_seq, a->by_seq, &a->seq, sizeof a->seq, e);
		HASH_FIND(hh, a->farewells, &a->seq, sizeof a->seq, f);
	} while (e || f);
	return a->seq;
}

static void hi_send(struct fmip6_anchor *a, const struct hi *m, const struct in6_addr *local, const struct in6_addr *router)
{
	uint8_t out[128];
	int n = hi_pack(m, out, sizeof out);
	if (n < 0)
		return;
	FMIP6_COUNT(FMIP6_HI_SENT);
	a->ops->send_hi(a->arg, local, router, out, (size_t)n);
}

/* §6.2.1.1 gives Code 1 and no U to a HI for a mobile that is there; U says that this one is not, which only the network knows. */
static void ask(struct away *e)
{
	const struct hi m = { .seq = e->seq, .flags = e->present ? 0 : HI_BUFFER, .code = HI_NOT_FROM_PCOA, .lladdr = e->lladdr,
		.pcoa = e->pcoa };
	timer_after(&e->retry, e->anchor->params->hi_timeout << e->tries);
	e->tries++;
	record_step(e, STEP_D_HI, loop_now(e->anchor->loop));
	hi_send(e->anchor, &m, &e->to_local, &e->to);
}

static void farewell_send(struct farewell *f)
{
	const struct hi m = { .seq = f->seq, .flags = HI_PROXY, .code = HI_COMPLETED, .lladdr = f->lladdr, .pcoa = f->pcoa };
	timer_after(&f->retry, f->anchor->params->hi_timeout << f->tries);
	f->tries++;
	hi_send(f->anchor, &m, &f->local, &f->router);
}

/* What comes back through the tunnel: from where it is, from where it comes, from where it goes. */
static void tunnel_end(const struct away *e)
{
	struct fmip6_anchor *a = e->anchor;
	const struct in6_addr *other = !addr_is_zero(&e->was) ? &e->was : e->asking && e->present ? &e->to : &in6addr_any;
	if (in_force(e))
		a->ops->tunnel_end(a->arg, &e->pcoa, &e->local, &e->router, other);
	else
		a->ops->tunnel_end(a->arg, &e->pcoa, &e->to_local, other, &in6addr_any);
}

/* Whatever was still under way from there has come by now. */
static void farewell_end(struct farewell *f)
{
	struct fmip6_anchor *a = f->anchor;
	const struct away *e = away_find(a, &f->pcoa);
	if (e)
		tunnel_end(e);
	else
		a->ops->tunnel_end(a->arg, &f->pcoa, &f->local, &in6addr_any, &in6addr_any);
	timer_stop(&f->retry);
	HASH_DELETE(hh, a->farewells, f);
	free(f);
}

static void farewell_again(struct timer *t, void *arg)
{
	struct farewell *f = arg;
	if (f->tries <= f->anchor->params->hi_retries)
		farewell_send(f);
	else
		farewell_end(f); /* it will notice when nobody confirms its visit */
}

static void farewell(const struct away *e, const struct in6_addr *router)
{
	struct fmip6_anchor *a = e->anchor;
	struct farewell *f = HASH_COUNT(a->farewells) < (unsigned)a->params->sessions ? calloc(1, sizeof *f) : NULL;
	if (!f)
		return;
	f->anchor = a;
	f->pcoa = e->pcoa;
	f->router = *router;
	f->local = e->local;
	f->lladdr = e->lladdr;
	f->seq = seq_next(a);
	timer_init(&f->retry, a->loop, farewell_again, f);
	HASH_ADD(hh, a->farewells, seq, sizeof f->seq, f);
	farewell_send(f);
}

/* ---- the way of its packets ---- */

static void life_begin(struct away *e)
{
	timer_after(&e->life, e->anchor->params->lifetime);
}

/* Everything is over; the routers that know the client are told. The path has been seen to. */
static void away_over(struct away *e, const struct in6_addr *also)
{
	struct fmip6_anchor *a = e->anchor;
	if (in_force(e))
		farewell(e, &e->router);
	if (!addr_is_zero(&e->was) && !addr_eq(&e->was, &e->router))
		farewell(e, &e->was);
	if (also && !addr_eq(also, &e->router))
		farewell(e, also);
	else if (!in_force(e))
		a->ops->tunnel_end(a->arg, &e->pcoa, &e->to_local, &in6addr_any, &in6addr_any);
	away_free(e);
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
	if (!e->arrived)
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
	tunnel_end(e);
	a->ops->changed(a->arg);
}

/* ---- asking ---- */

/* The other router did not agree: what was in force before stays in force. */
static void ask_failed(struct away *e, const char *reason)
{
	LOG_NOTICE("fmip6", "client not taken mobile=%s peer=%s reason=\"%s\"", ADDR(&e->pcoa), ADDR(&e->to), reason);
	asking_end(e);
	record_close(e, HANDOVER_FAILED, reason);
	if (in_force(e))
		tunnel_end(e);
	else
		away_over(e, NULL);
}

static void ask_again(struct timer *t, void *arg)
{
	struct away *e = arg;
	if (e->tries <= e->anchor->params->hi_retries)
		ask(e);
	else
		ask_failed(e, "no HAck from the other router");
}

static void ask_begin(struct away *e, const struct in6_addr *to, bool present, usec_t at)
{
	struct fmip6_anchor *a = e->anchor;
	bool renewed = in_force(e) && addr_eq(&e->router, to) && present;
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
	e->seq = seq_next(a);
	HASH_ADD(hh_seq, a->by_seq, seq, sizeof e->seq, e);
	if (!renewed) {
		record_open(e, HANDOVER_PAR, to, at);
		if (present)
			tunnel_end(e); /* what it sends may come before the HAck */
	}
	ask(e);
}

/* The other router has a host route for it, or is about to. */
static void ask_granted(struct away *e, const struct mh_in *in)
{
	struct fmip6_anchor *a = e->anchor;
	bool renewed = in_force(e) && addr_eq(&e->router, &e->to);
	asking_end(e);
	if (renewed) {
		if (e->present)
			arrived(e, in->at);
		return;
	}
	record_step(e, STEP_E_HACK, in->at);
	if (a->ops->tunnel(a->arg, &e->pcoa, &in->dst, &e->to) < 0) {
		ask_failed(e, "tunnel could not be set up");
		return;
	}
	record_step(e, STEP_TUNNEL, loop_now(a->loop));
	if (addr_is_zero(&e->was) && in_force(e))
		e->was = e->router;
	e->router = e->to;
	e->local = in->dst;
	e->arrived = e->awaited = false;
	tunnel_end(e);
	life_begin(e);
	if (e->present)
		arrived(e, in->at);
	else
		timer_after(&e->expect, a->params->hold_time);
	a->ops->changed(a->arg);
}

static const char *hack_refusal(uint8_t code)
{
	switch ((enum hack_code)code) {
	case HACK_USE_PCOA:
		return NULL;
	case HACK_PROHIBITED:
		return "the other router takes no clients";
	case HACK_NO_RESOURCES:
		return "the other router has no room";
	case HACK_ACCEPTED: /* a new address is of no use to one that does not know of it */
	case HACK_NCOA_INVALID:
	case HACK_ASSIGNED:
	case HACK_UNSOLICITED:
	case HACK_UNSPECIFIED:
		break;
	}
	return "the other router refused";
}

/* ---- moving ---- */

/* All addresses of that client: those known on our links, and those away already. */
static size_t all_addresses(const struct fmip6_anchor *a, const struct lladdr *l, struct in6_addr out[ANCHOR_ADDRS])
{
	size_t n = 0;
	for (const struct away *e = a->clients; e && n < ANCHOR_ADDRS; e = e->hh.next)
		if (lladdr_eq(&e->lladdr, l))
			out[n++] = e->pcoa;
	struct in6_addr known[ANCHOR_ADDRS];
	size_t known_n = a->ops->addresses(a->arg, l, known, ANCHOR_ADDRS);
	for (size_t i = 0; i < known_n && n < ANCHOR_ADDRS; i++)
		if (!away_find(a, &known[i]))
			out[n++] = known[i];
	return n;
}

static bool known_lladdr(const struct fmip6_anchor *a, const struct in6_addr *pcoa, struct lladdr *out)
{
	const struct away *e = away_find(a, pcoa);
	if (e)
		*out = e->lladdr;
	return e || a->ops->lladdr(a->arg, pcoa, out);
}

/* present: it has been seen there. NULL, or why nothing was done. */
static const char *move_one(struct fmip6_anchor *a, const struct in6_addr *pcoa, const struct lladdr *l, const struct in6_addr *to,
                            bool present, usec_t at)
{
	struct away *e = away_find(a, pcoa);
	const char *refused = a->ops->refuse(a->arg, pcoa, l);
	if (refused)
		return refused;
	if (e && e->asking && addr_eq(&e->to, to)) { /* its HI is under way */
		e->present |= present;
		return NULL;
	}
	if (e && in_force(e) && addr_eq(&e->router, to) && !present)
		return e->arrived ? "the client is there already" : NULL;
	if (!e && !(e = away_make(a, pcoa, l))) {
		FMIP6_COUNT(FMIP6_SESSIONS_FULL);
		return "limit of sessions reached";
	}
	ask_begin(e, to, present, at);
	return NULL;
}

static const char *move_all(struct fmip6_anchor *a, const struct lladdr *l, const struct in6_addr *to, bool present, usec_t at)
{
	struct in6_addr all[ANCHOR_ADDRS];
	const char *first = "this client is not known here";
	size_t n = all_addresses(a, l, all), done = 0;
	for (size_t i = 0; i < n; i++) {
		const char *why = move_one(a, &all[i], l, to, present, at);
		if (!why)
			done++;
		else if (i == 0)
			first = why;
	}
	return done ? NULL : first;
}

const char *anchor_move(struct fmip6_anchor *a, const struct in6_addr *pcoa, const struct in6_addr *router)
{
	struct lladdr l;
	if (!a->ops->own_address(a->arg, pcoa) || !known_lladdr(a, pcoa, &l))
		return "this client is not known here";
	return move_all(a, &l, router, false, loop_now(a->loop));
}

static bool await_one(struct away *e)
{
	struct fmip6_anchor *a = e->anchor;
	if (!in_force(e) || !e->arrived || a->ops->hold(a->arg, &e->pcoa) < 0)
		return false;
	if (e->asking) {
		asking_end(e);
		record_close(e, HANDOVER_CANCELLED, "the client comes home");
	}
	e->awaited = true;
	timer_after(&e->expect, a->params->hold_time);
	record_open(e, HANDOVER_NAR, &e->router, loop_now(a->loop));
	record_step(e, STEP_HOLD, loop_now(a->loop));
	return true;
}

const char *anchor_await(struct fmip6_anchor *a, const struct in6_addr *pcoa)
{
	const struct away *of = away_find(a, pcoa);
	struct away *e, *next;
	unsigned n = 0;
	if (!of)
		return "this client is on this router's link";
	struct lladdr l = of->lladdr;
	HASH_ITER(hh, a->clients, e, next)
		if (lladdr_eq(&e->lladdr, &l))
			n += e->awaited || await_one(e);
	a->ops->changed(a->arg);
	return n ? NULL : "this client has not arrived where it went";
}

/* ---- what is heard of clients ---- */

static void mismatch(struct fmip6_anchor *a, const struct in6_addr *pcoa, const struct lladdr *seen, const struct lladdr *known,
                     const char *where, usec_t at)
{
	FMIP6_COUNT(FMIP6_CLIENTS_MISMATCH);
	log_limited(&a->log, at, LOG_LEVEL_NOTICE, "fmip6", "client not believed mobile=%s lladdr=%s expected=%s peer=%s", ADDR(pcoa),
	            LLADDR(seen), known->len ? LLADDR(known) : "-", where);
}

/* The router where the client is asks to move it on: only that one may. */
static void asked_to_move(struct fmip6_anchor *a, const struct hack *m, const struct in6_addr *peer, usec_t at)
{
	const struct away *e = away_find(a, &m->pcoa);
	struct in6_addr to;
	if (!e || !e->arrived || !addr_eq(&e->router, peer) || !lladdr_eq(&e->lladdr, &m->lladdr)) {
		FMIP6_COUNT(FMIP6_HACK_IGNORED);
		return;
	}
	const char *why = a->ops->is_self(a->arg, &m->nar)   ? anchor_await(a, &m->pcoa) :
	                  a->ops->peer(a->arg, &m->nar, &to)   ? move_all(a, &m->lladdr, &to, false, at) :
	                                                         "no such neighbour";
	if (why)
		LOG_INFO("fmip6", "client not moved on mobile=%s peer=%s to=%s reason=\"%s\"", ADDR(&m->pcoa), ADDR(peer), ADDR(&m->nar),
		         why);
}

static void unsolicited(struct fmip6_anchor *a, const struct hack *m, const struct in6_addr *peer, const struct mh_in *in)
{
	struct lladdr known = { .len = 0 };
	if (m->lladdr.len == 0) {
		FMIP6_COUNT(FMIP6_MALFORMED);
		return;
	}
	if (!addr_is_zero(&m->nar)) {
		asked_to_move(a, m, peer, in->at);
		return;
	}
	if (!addr_is_zero(&m->pcoa) && (!a->ops->own_address(a->arg, &m->pcoa) || !known_lladdr(a, &m->pcoa, &known) ||
	                                !lladdr_eq(&known, &m->lladdr))) {
		mismatch(a, &m->pcoa, &m->lladdr, &known, ADDR(peer), in->at);
		return;
	}
	const char *why = move_all(a, &m->lladdr, peer, true, in->at);
	if (why)
		log_limited(&a->log, in->at, LOG_LEVEL_DEBUG, "fmip6", "client not moved lladdr=%s peer=%s reason=\"%s\"",
		            LLADDR(&m->lladdr), ADDR(peer), why);
}

void anchor_hack(struct fmip6_anchor *a, const struct hack *m, const struct mh_in *in)
{
	struct in6_addr peer;
	struct farewell *f = NULL;
	struct away *e = NULL;
	FMIP6_COUNT(FMIP6_HACK_RECEIVED);
	if (!a->ops->peer(a->arg, &in->src, &peer)) {
		FMIP6_COUNT(FMIP6_HACK_IGNORED);
		log_limited(&a->log, in->at, LOG_LEVEL_NOTICE, "fmip6", "HAck ignored peer=%s reason=\"no usable neighbour\"",
		            ADDR(&in->src));
		return;
	}
	if (m->code == HACK_UNSOLICITED) {
		unsolicited(a, m, &peer, in);
		return;
	}
	HASH_FIND(hh_seq, a->by_seq, &m->seq, sizeof m->seq, e);
	HASH_FIND(hh, a->farewells, &m->seq, sizeof m->seq, f);
	if (e && addr_eq(&e->to, &peer)) {
		const char *refused = hack_refusal(m->code);
		if (refused)
			ask_failed(e, refused);
		else
			ask_granted(e, in);
	} else if (f && addr_eq(&f->router, &peer)) {
		farewell_end(f);
	} else {
		FMIP6_COUNT(FMIP6_HACK_IGNORED);
	}
}

/* It is on our link. */
static void come_home(struct away *e, const struct lladdr *l, int ifindex, usec_t at)
{
	struct fmip6_anchor *a = e->anchor;
	struct in6_addr asked = e->asking ? e->to : in6addr_any;
	bool was_asking = e->asking;
	asking_end(e);
	if (!e->awaited) {
		record_close(e, HANDOVER_CANCELLED, "the client came home");
		record_open(e, HANDOVER_NAR, in_force(e) ? &e->router : &asked, at);
	}
	record_step(e, STEP_6_L2UPDATE, at);
	if (in_force(e)) {
		record_step(e, STEP_RELEASE, loop_now(a->loop));
		a->ops->direct(a->arg, &e->pcoa, l, ifindex);
	}
	record_close(e, HANDOVER_COMPLETE, "");
	away_over(e, was_asking ? &asked : NULL);
}

/* Does what was seen at that moment show that it came back? Before its router said that it is there, it may not have left. */
static bool shows_return(const struct away *e, usec_t at)
{
	if (e->awaited)
		return true;
	if (in_force(e))
		return e->arrived && at > e->since;
	return e->asking && e->present && at > e->since;
}

void anchor_seen(struct fmip6_anchor *a, const struct in6_addr *addr, const struct lladdr *l, int ifindex, usec_t at)
{
	struct away *e = addr_is_zero(addr) ? NULL : away_find(a, addr), *next;
	if (e && !lladdr_eq(&e->lladdr, l)) {
		mismatch(a, addr, l, &e->lladdr, "-", at);
		return;
	}
	HASH_ITER(hh, a->clients, e, next)
		if (lladdr_eq(&e->lladdr, l) && shows_return(e, at))
			come_home(e, l, ifindex, at);
}

void anchor_forget(struct fmip6_anchor *a, const struct in6_addr *pcoa)
{
	struct away *e = away_find(a, pcoa);
	if (!e)
		return;
	record_close(e, HANDOVER_CANCELLED, "the mobile moves by itself");
	away_over(e, NULL);
}

/* ---- the rest ---- */

bool anchor_find(const struct fmip6_anchor *a, const struct in6_addr *pcoa, struct anchor_view *out)
{
	const struct away *e = away_find(a, pcoa);
	if (e)
		*out = view(e);
	return e;
}

void anchor_each(struct fmip6_anchor *a, void (*fn)(const struct anchor_view *v, void *fn_arg), void *fn_arg)
{
	struct away *e, *next;
	HASH_ITER(hh, a->clients, e, next) {
		struct anchor_view v = view(e);
		fn(&v, fn_arg);
	}
}

struct fmip6_anchor *anchor_create(struct loop *l, const struct fmip6_params *params, const struct anchor_ops *ops, void *arg)
{
	struct fmip6_anchor *a = calloc(1, sizeof *a);
	if (!a)
		return NULL;
	a->loop = l;
	a->params = params;
	a->ops = ops;
	a->arg = arg;
	a->seq = fmip6_random16() | 1;
	bucket_init(&a->log, 1, 10);
	return a;
}

void anchor_destroy(struct fmip6_anchor *a)
{
	struct away *e, *next;
	struct farewell *f, *after;
	if (!a)
		return;
	HASH_ITER(hh, a->clients, e, next)
		away_free(e);
	HASH_ITER(hh, a->farewells, f, after) {
		timer_stop(&f->retry);
		HASH_DELETE(hh, a->farewells, f);
		free(f);
	}
	free(a);
}
