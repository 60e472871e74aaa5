#include "fmip6/fmip6_visit_private.h"

#include <stdlib.h>
#include <string.h>

#define TICKS 4 /* times in a lifetime that a visitor is looked after */

/* ---- the table ---- */

static struct visit *find(const struct fmip6_visit *n, const struct in6_addr *pcoa)
{
	struct visit *s = NULL;
	HASH_FIND(hh, n->all, pcoa, sizeof *pcoa, s);
	return s;
}

static struct guest *guest_find(const struct fmip6_visit *n, const struct lladdr *l)
{
	const struct lladdr key = lladdr_key(l);
	struct guest *g = NULL;
	HASH_FIND(hh, n->guests, &key, sizeof key, g);
	return g;
}

static struct guest *guest_get(struct fmip6_visit *n, const struct lladdr *l)
{
	struct guest *g = guest_find(n, l);
	if (g || !(g = calloc(1, sizeof *g)))
		return g;
	g->lladdr = lladdr_key(l);
	HASH_ADD(hh, n->guests, lladdr, sizeof g->lladdr, g);
	return g;
}

static void guest_prune(struct fmip6_visit *n, struct guest *g)
{
	if (!g || g->n)
		return;
	HASH_DELETE(hh, n->guests, g);
	free(g);
}

static void guest_leave(struct visit *s)
{
	struct visit **at = &s->guest->first;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	s->guest->n--;
	guest_prune(s->visits, s->guest);
}

static void release_visit(struct visit *s)
{
	timer_stop(&s->timer);
	timer_stop(&s->life);
	guest_leave(s);
	HASH_DELETE(hh, s->visits->all, s);
	fmip6_counters[FMIP6_VISITS].value--;
	free(s);
}

static void step(const struct visit *s, enum handover_step which, usec_t at)
{
	if (s->open)
		s->visits->ops->step(s->visits->arg, &s->v.pcoa, which, at);
}

static void record_close(struct visit *s, enum handover_result r, const char *reason)
{
	if (!s->open)
		return;
	s->open = false;
	s->visits->ops->closed(s->visits->arg, &s->v.pcoa, r, reason);
}

/* Nothing of it stays. */
static void visit_over(struct visit *s, enum handover_result r, const char *reason)
{
	struct fmip6_visit *n = s->visits;
	n->ops->leave(n->arg, &s->v);
	record_close(s, r, reason);
	release_visit(s);
	n->ops->changed(n->arg);
}

static void timer_ended(struct timer *t, void *arg);
static void life_ended(struct timer *t, void *arg);

static struct visit *make(struct fmip6_visit *n, const struct in6_addr *pcoa, const struct lladdr *l)
{
	struct guest *g = HASH_COUNT(n->all) < (unsigned)n->params->sessions ? guest_get(n, l) : NULL;
	struct visit *s = g && g->n < VISIT_ADDRS ? calloc(1, sizeof *s) : NULL;
	if (!s) {
		guest_prune(n, g);
		return NULL;
	}
	*s = (struct visit){ .visits = n, .guest = g, .next = g->first, .v = { .pcoa = *pcoa, .lladdr = *l } };
	g->first = s;
	g->n++;
	timer_init(&s->timer, n->loop, timer_ended, s);
	timer_init(&s->life, n->loop, life_ended, s);
	HASH_ADD(hh, n->all, v.pcoa, sizeof s->v.pcoa, s);
	fmip6_counters[FMIP6_VISITS].value++;
	return s;
}

/* ---- HAck ---- */

static void answer(struct fmip6_visit *n, const struct hi *m, const struct mh_in *in, uint8_t code)
{
	const struct hack h = { .seq = m->seq, .code = code, .flags = m->flags & HI_PROXY ? HACK_PROXY : 0 };
	uint8_t out[32];
	int len = hack_pack(&h, out, sizeof out);
	if (len < 0)
		return;
	FMIP6_COUNT(FMIP6_HACK_SENT);
	n->ops->send_hack(n->arg, &in->dst, &in->src, out, (size_t)len);
}

static void refuse(struct fmip6_visit *n, const struct hi *m, const struct mh_in *in, uint8_t code, const char *reason)
{
	FMIP6_COUNT(FMIP6_HI_REFUSED);
	log_limited(&n->log, in->at, LOG_LEVEL_NOTICE, "fmip6", "HI refused mobile=%s peer=%s code=%u reason=\"%s\"", ADDR(&m->pcoa),
	            ADDR(&in->src), code, reason);
	answer(n, m, in, code);
}

/* ---- arrival ---- */

/* The anchor is told that it is here, or still here; its HI is the answer, for all its addresses. */
static void confirm(struct visit *s)
{
	visit_ask(s->visits, &s->v.peer, &s->v.pcoa, &s->v.lladdr, &in6addr_any, s->v.ifindex, true, loop_now(s->visits->loop));
}

static void tick_begin(struct visit *s)
{
	timer_after(&s->timer, s->visits->params->lifetime / TICKS);
}

static void place(struct visit *s, int ifindex)
{
	struct fmip6_visit *n = s->visits;
	s->v.ifindex = ifindex;
	s->v.state = VISIT_RELEASING;
	tick_begin(s);
	if (n->ops->serve(n->arg, &s->v) < 0 || n->ops->release(n->arg, &s->v) < 0)
		visit_over(s, HANDOVER_FAILED, "the client could not be served");
	else
		n->ops->changed(n->arg);
}

static void arrive(struct visit *s, int ifindex, usec_t at)
{
	struct fmip6_visit *n = s->visits;
	s->seen = at;
	s->v.ifindex = ifindex;
	timer_after(&s->life, n->params->lifetime);
	step(s, STEP_6_L2UPDATE, at);
	n->ops->arrived(n->arg, &s->v);
	if (!s->confirmed)
		confirm(s);
	step(s, STEP_RELEASE, loop_now(n->loop));
	place(s, ifindex);
}

void visit_released(struct fmip6_visit *n, const struct in6_addr *pcoa)
{
	struct visit *s = find(n, pcoa);
	if (!s || s->v.state != VISIT_RELEASING)
		return;
	s->v.state = VISIT_HERE;
	step(s, STEP_RELEASED, loop_now(n->loop));
	record_close(s, HANDOVER_COMPLETE, "");
}

/* Of the client's addresses that this anchor has: the one it may have forgotten. */
static struct visit *least_confirmed(struct visit *s)
{
	struct visit *least = s;
	for (struct visit *k = s->guest->first; k; k = k->next)
		if (k->v.state != VISIT_HOLDING && addr_eq(&k->v.peer, &s->v.peer) && k->life.when < least->life.when)
			least = k;
	return least;
}

static void timer_ended(struct timer *t, void *arg)
{
	struct visit *s = arg;
	struct fmip6_visit *n = s->visits;
	if (s->v.state == VISIT_HOLDING) {
		FMIP6_COUNT(FMIP6_HOLD_EXPIRED);
		LOG_NOTICE("fmip6", "client did not arrive mobile=%s peer=%s hold_time_ms=%llu", ADDR(&s->v.pcoa), ADDR(&s->v.peer),
		           (unsigned long long)(n->params->hold_time / USEC_MSEC));
		visit_over(s, HANDOVER_FAILED, "the client did not arrive in time");
		return;
	}
	if (s->forgotten) {
		s->forgotten = false;
		visit_tell(n, &s->v);
		tick_begin(s);
		return;
	}
	if (s->seen + n->params->lifetime / TICKS >= loop_now(n->loop))
		confirm(least_confirmed(s));
	for (struct visit *k = s->guest->first; k; k = k->next) {
		if (k->v.state == VISIT_HOLDING || !addr_eq(&k->v.peer, &s->v.peer))
			continue;
		if (!k->forgotten)
			tick_begin(k); /* its anchor has been told of all of them */
		n->ops->probe(n->arg, &k->v);
	}
}

/* Its anchor may have forgotten all of them: it is told soon, but not of all at once. */
void visit_neighbor_up(struct fmip6_visit *n, const struct in6_addr *peer)
{
	usec_t wait = 0;
	for (struct visit *s = n->all; s; s = s->hh.next)
		if (s->v.state != VISIT_HOLDING && addr_eq(&s->v.peer, peer)) {
			s->forgotten = true;
			timer_after(&s->timer, wait += VISIT_PACE);
		}
}

static void life_ended(struct timer *t, void *arg)
{
	struct visit *s = arg;
	FMIP6_COUNT(FMIP6_BINDINGS_EXPIRED);
	LOG_INFO("fmip6", "visit expired mobile=%s peer=%s", ADDR(&s->v.pcoa), ADDR(&s->v.peer));
	visit_over(s, HANDOVER_FAILED, "its router confirmed it no longer");
}

/* ---- HI ---- */

static void end(struct fmip6_visit *n, const struct hi *m, const struct mh_in *in, const struct in6_addr *peer)
{
	struct visit *s = find(n, &m->pcoa);
	if (s && addr_eq(&s->v.peer, peer)) {
		LOG_INFO("fmip6", "client moved on mobile=%s peer=%s", ADDR(&s->v.pcoa), ADDR(peer));
		visit_ask_forget(n, peer, &s->v.lladdr);
		visit_over(s, HANDOVER_CANCELLED, "the client moved on");
	}
	answer(n, m, in, HACK_ACCEPTED);
}

static int begin(struct visit *s, const struct hi *m, const struct mh_in *in)
{
	struct fmip6_visit *n = s->visits;
	s->v.state = VISIT_HOLDING;
	if (n->ops->hold(n->arg, &s->v.pcoa) < 0 || n->ops->serve(n->arg, &s->v) < 0)
		return -1;
	s->open = true;
	n->ops->opened(n->arg, &s->v, in->at);
	step(s, STEP_HOLD, loop_now(n->loop));
	n->ops->changed(n->arg);
	return 0;
}

/* Where a client is that this HI calls present: one of its other addresses is here, or it was asked for. */
static int whereabouts(const struct fmip6_visit *n, const struct lladdr *l, int asked_at)
{
	const struct guest *g = guest_find(n, l);
	for (const struct visit *s = g ? g->first : NULL; s; s = s->next)
		if (s->v.state != VISIT_HOLDING)
			return s->v.ifindex;
	return asked_at;
}

static void take(struct fmip6_visit *n, const struct hi *m, const struct mh_in *in, const struct in6_addr *peer)
{
	bool asked, present = !(m->flags & HI_BUFFER);
	int ifindex = visit_answered(n, peer, &m->lladdr, &asked);
	struct visit *s = find(n, &m->pcoa);
	if (s && (!lladdr_eq(&s->v.lladdr, &m->lladdr) || !addr_eq(&s->v.peer, peer))) {
		visit_over(s, HANDOVER_CANCELLED, "announced anew");
		s = NULL;
	}
	bool fresh = !s;
	if (fresh && !(s = make(n, &m->pcoa, &m->lladdr))) {
		FMIP6_COUNT(FMIP6_SESSIONS_FULL);
		refuse(n, m, in, HACK_NO_RESOURCES, "limit of sessions reached");
		return;
	}
	bool moved = !addr_eq(&s->v.local, &in->dst) || !addr_eq(&s->v.remote, &in->src);
	s->v.peer = *peer;
	s->v.local = in->dst;
	s->v.remote = in->src;
	s->confirmed = present;
	if (fresh && begin(s, m, in) < 0) {
		visit_over(s, HANDOVER_FAILED, "no room to hold packets");
		refuse(n, m, in, HACK_NO_RESOURCES, "no room to hold packets");
		return;
	}
	if (!fresh && moved)
		n->ops->serve(n->arg, &s->v);
	step(s, STEP_E_HACK, loop_now(n->loop));
	answer(n, m, in, HACK_USE_PCOA);
	if (s->v.state != VISIT_HOLDING) {
		timer_after(&s->life, n->params->lifetime);
		return;
	}
	timer_after(&s->timer, n->params->hold_time);
	ifindex = present || asked ? whereabouts(n, &m->lladdr, ifindex) : 0;
	if (ifindex)
		arrive(s, ifindex, in->at);
}

void visit_hi(struct fmip6_visit *n, const struct hi *m, const struct mh_in *in)
{
	struct in6_addr peer, home;
	FMIP6_COUNT(FMIP6_HI_RECEIVED);
	if (!n->ops->peer(n->arg, &in->src, &peer)) {
		FMIP6_COUNT(FMIP6_HI_STRANGER);
		log_limited(&n->log, in->at, LOG_LEVEL_NOTICE, "fmip6", "HI ignored peer=%s reason=\"no usable neighbour\"",
		            ADDR(&in->src));
	} else if (m->lladdr.len == 0 || addr_is_zero(&m->pcoa)) {
		refuse(n, m, in, HACK_UNSPECIFIED, "link-layer address or previous address missing");
	} else if ((m->flags & HI_PROXY) && m->code == HI_COMPLETED) {
		end(n, m, in, &peer);
	} else if (m->code != HI_NOT_FROM_PCOA || !n->params->clients) {
		refuse(n, m, in, HACK_PROHIBITED, "no clients are taken");
	} else if (!n->ops->home(n->arg, &m->pcoa, &home) || !addr_eq(&home, &peer)) {
		refuse(n, m, in, HACK_PROHIBITED, "previous address is not behind this neighbour");
	} else {
		take(n, m, in, &peer);
	}
}

/* ---- what is seen on the links ---- */

/* All addresses of one client are where one of them is. */
static bool seen_visitors(struct fmip6_visit *n, const struct lladdr *l, int ifindex, usec_t at)
{
	struct in6_addr all[VISIT_ADDRS];
	const struct guest *g = guest_find(n, l);
	size_t count = 0;
	for (const struct visit *s = g ? g->first : NULL; s && count < VISIT_ADDRS; s = s->next)
		all[count++] = s->v.pcoa;
	for (size_t i = 0; i < count; i++) {
		struct visit *s = find(n, &all[i]);
		if (!s)
			continue; /* it could not be served */
		s->seen = at;
		if (s->v.state == VISIT_HOLDING)
			arrive(s, ifindex, at);
		else if (s->v.ifindex != ifindex)
			place(s, ifindex); /* from one of our links to another */
	}
	return count;
}

void visit_seen(struct fmip6_visit *n, const struct in6_addr *addr, const struct lladdr *l, int ifindex, usec_t at)
{
	struct in6_addr peer;
	bool foreign = !addr_is_zero(addr) && n->ops->home(n->arg, addr, &peer);
	const struct visit *s = foreign ? find(n, addr) : NULL;
	if (s && !lladdr_eq(&s->v.lladdr, l)) {
		FMIP6_COUNT(FMIP6_CLIENTS_MISMATCH);
		log_limited(&n->log, at, LOG_LEVEL_NOTICE, "fmip6", "client not believed mobile=%s lladdr=%s expected=%s", ADDR(addr),
		            LLADDR(l), LLADDR(&s->v.lladdr));
		return;
	}
	bool visits = seen_visitors(n, l, ifindex, at);
	if (foreign && !find(n, addr))
		visit_ask(n, &peer, addr, l, &in6addr_any, ifindex, false, at);
	else if (!foreign && !visits && addr_is_zero(addr) && !n->ops->known(n->arg, ifindex, l))
		visit_ask(n, &in6addr_any, &in6addr_any, l, &in6addr_any, ifindex, false, at);
}

const char *visit_move(struct fmip6_visit *n, const struct in6_addr *pcoa, const struct in6_addr *router)
{
	const struct visit *s = find(n, pcoa);
	if (!s || s->v.state == VISIT_HOLDING)
		return "this client is not here";
	visit_ask(n, &s->v.peer, &s->v.pcoa, &s->v.lladdr, router, s->v.ifindex, true, loop_now(n->loop));
	return NULL;
}

/* ---- the rest ---- */

bool visit_is_from(const struct fmip6_visit *n, const struct lladdr *l, int ifindex, const struct in6_addr *peer)
{
	const struct guest *g = guest_find(n, l);
	for (const struct visit *s = g ? g->first : NULL; s; s = s->next)
		if (s->v.state != VISIT_HOLDING && s->v.ifindex == ifindex && addr_eq(&s->v.peer, peer))
			return true;
	return false;
}

bool visit_find(const struct fmip6_visit *n, const struct in6_addr *pcoa, struct visit_view *out)
{
	const struct visit *s = find(n, pcoa);
	if (s)
		*out = s->v;
	return s;
}

void visit_each(struct fmip6_visit *n, void (*fn)(const struct visit_view *v, void *fn_arg), void *fn_arg)
{
	struct visit *s, *next;
	HASH_ITER(hh, n->all, s, next)
		fn(&s->v, fn_arg);
}

struct fmip6_visit *visit_create(struct loop *l, const struct fmip6_params *params, const struct visit_ops *ops, void *arg)
{
	struct fmip6_visit *n = calloc(1, sizeof *n);
	if (!n)
		return NULL;
	n->loop = l;
	n->params = params;
	n->ops = ops;
	n->arg = arg;
	n->seq = fmip6_random16();
	bucket_init(&n->log, 1, 10);
	return n;
}

void visit_destroy(struct fmip6_visit *n)
{
	if (!n)
		return;
	while (n->all)
		release_visit(n->all);
	visit_ask_clear(n);
	free(n);
}
