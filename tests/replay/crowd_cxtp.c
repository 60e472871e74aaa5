#include "crowd_cxtp.h"

#include <inttypes.h>
#include <malloc.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/feature.h"
#include "cxtp/cxtp_mn.h"
#include "cxtp/cxtp_nar.h"
#include "cxtp/cxtp_par.h"

#define FPT 1
#define START (1000 * USEC_SEC)
#define KEPT (60 * USEC_SEC) /* a trip is remembered: longer than anything of it can still be under way */
#define GAP (50 * USEC_MSEC) /* between the links */
#define LEAD (100 * USEC_MSEC) /* mean, from the announcement to the departure */
#define WIRELESS (2 * USEC_MSEC) /* one way, least */
#define WIRED (5 * USEC_MSEC)
#define LATE (150 * USEC_MSEC) /* SCTP does not send after CT_MAX_TRANSFER_TIME */

/* One movement of one mobile. */
struct trip {
	struct trip *older; /* of the same mobile */
	struct trip *next;  /* begun after this one, by whomever */
	struct cxtp_mn *mn; /* the mobile's machine, in its newest trip */
	struct timer attach;
	uint32_t mobile;
	uint16_t from, to, said; /* said: to the previous router */
	bool announced, attached, ended, served; /* served: the previous router has had the new one's word */
	uint8_t installed;
	uint8_t sent[CROWD_TYPES]; /* CTARs: those to the new router */
	uint32_t seq;
	usec_t began, arrived;
	uint8_t ctar[64]; /* the last one to the new router, for whoever overhears it */
	size_t ctar_len;
};

struct mobile {
	struct trip *newest;
	uint16_t at;
};

struct router {
	struct cxtp_rate rate;
	struct cxtp_par *par;
	struct cxtp_nar *nar;
	uint16_t number;
};

static struct crowd {
	struct crowd_config cfg;
	struct crowd_report *report;
	struct loop *loop;
	struct secret *master;
	size_t secrets_before;
	uint64_t random;
	struct router *routers;
	struct mobile *mobiles;
	struct trip *oldest, *newest;
	struct timer departure, audit;
	uint64_t trips, in_flight;
	size_t waits_cap;
	size_t own_octets; /* the simulation's own */
	size_t base_octets;
	size_t keys, records; /* an audit counts */
} w;

static void violated(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void violated(const char *fmt, ...)
{
	va_list ap;
	if (w.report->violation[0])
		return;
	int n = snprintf(w.report->violation, sizeof w.report->violation, "at %.6f s: ", (double)(loop_now(w.loop) - START) / 1e6);
	va_start(ap, fmt);
	vsnprintf(w.report->violation + n, sizeof w.report->violation - (size_t)n, fmt, ap);
	va_end(ap);
	loop_stop(w.loop);
}

/* ---- chance ---- */

static uint64_t draw64(void)
{
	uint64_t z = w.random += 0x9e3779b97f4a7c15U; /* SplitMix64 */
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	return z ^ z >> 31;
}

static double draw_unit(void)
{
	return (double)(draw64() >> 11) * 0x1p-53;
}

static uint32_t draw_below(uint32_t n)
{
	return (uint32_t)(draw64() >> 32) % n;
}

static usec_t draw_exponential(double mean)
{
	return (usec_t)(-mean * log1p(-draw_unit()));
}

/* ---- addresses: which router, and which mobile there ---- */

static struct in6_addr address(uint16_t router, uint32_t host)
{
	struct in6_addr a = { .s6_addr = { 0x20, 0x01, 0x0d, 0xb8, 0, 1, (uint8_t)(router >> 8), (uint8_t)router } };
	for (int i = 0; i < 4; i++)
		a.s6_addr[15 - i] = (uint8_t)(host >> (8 * i));
	return a;
}

static struct in6_addr router_address(uint16_t router)
{
	return address(router, 0);
}

static struct in6_addr mobile_address(uint16_t router, uint32_t mobile)
{
	struct in6_addr a = address(router, mobile);
	a.s6_addr[8] = 2;
	return a;
}

static uint16_t router_of(const struct in6_addr *a)
{
	return (uint16_t)(a->s6_addr[6] << 8 | a->s6_addr[7]);
}

static uint32_t mobile_of(const struct in6_addr *a)
{
	uint32_t host = 0;
	for (int i = 12; i < 16; i++)
		host = host << 8 | a->s6_addr[i];
	return host;
}

static bool is_router(const struct in6_addr *a)
{
	return a->s6_addr[8] == 0 && router_of(a) < w.cfg.routers;
}

static struct in6_addr stranger_address(uint16_t router)
{
	struct in6_addr a = address(router, 0);
	a.s6_addr[8] = 0x66;
	return a;
}

/* ---- trips ---- */

static void *own(void *p)
{
	if (!p)
		abort();
	w.own_octets += malloc_usable_size(p);
	return p;
}

static void disown(void *p)
{
	w.own_octets -= malloc_usable_size(p);
	free(p);
}

/* The newest trip of that mobile from there; at: and to there (any if negative). */
static struct trip *trip_find(const struct in6_addr *pcoa, int to)
{
	uint32_t m = mobile_of(pcoa);
	if (m >= w.cfg.mobiles)
		return NULL;
	for (struct trip *t = w.mobiles[m].newest; t; t = t->older)
		if (t->from == router_of(pcoa) && (to < 0 || (t->attached && t->to == to)))
			return t;
	return NULL;
}

static struct trip *trip_of_sequence(const struct in6_addr *pcoa, uint32_t seq)
{
	uint32_t m = mobile_of(pcoa);
	for (struct trip *t = m < w.cfg.mobiles ? w.mobiles[m].newest : NULL; t; t = t->older)
		if (t->from == router_of(pcoa) && t->seq == seq)
			return t;
	return NULL;
}

/* Its time is over: it has ended at all three parties. */
static void trip_check_ended(const struct trip *t)
{
	struct in6_addr pcoa = mobile_address(t->from, t->mobile);
	struct cxtp_par_view p;
	struct cxtp_nar_view n;
	if (t->attached && t->to != t->from && !t->ended)
		violated("a transfer does not end: mobile %" PRIu32 " still waits", t->mobile);
	if (cxtp_par_of(w.routers[t->from].par, &pcoa, &p) && p.seq == t->seq)
		violated("a transfer does not end: router %u remembers that of mobile %" PRIu32 " after %.1f s", t->from, t->mobile,
		         (double)p.age / 1e6);
	if (cxtp_nar_of(w.routers[t->to].nar, &pcoa, &n) && n.age >= KEPT)
		violated("a transfer does not end: router %u still has that of mobile %" PRIu32 " after %.1f s", t->to, t->mobile,
		         (double)n.age / 1e6);
}

static void trip_forget(void)
{
	struct trip *t = w.oldest, **p = &w.mobiles[t->mobile].newest;
	trip_check_ended(t);
	w.oldest = t->next;
	if (!w.oldest)
		w.newest = NULL;
	while (*p != t)
		p = &(*p)->older;
	*p = t->older;
	timer_stop(&t->attach);
	cxtp_mn_destroy(t->mn);
	disown(t);
}

static void trips_forget(void)
{
	while (w.oldest && loop_now(w.loop) - w.oldest->began >= KEPT)
		trip_forget();
}

/* ---- messages ---- */

struct flight {
	struct timer timer;
	struct in6_addr from, to; /* wired: of routers */
	bool wired;
	size_t len;
	uint8_t data[];
};

/* What a previous router has of one mobile, before and after it did something about it. */
struct look {
	bool known, outstanding;
	uint32_t seq;
	struct in6_addr nar;
};

static struct look look(struct router *r, const struct in6_addr *pcoa)
{
	struct cxtp_par_view p;
	if (!cxtp_par_of(r->par, pcoa, &p))
		return (struct look){ 0 };
	return (struct look){ .known = true, .outstanding = p.outstanding, .seq = p.seq, .nar = p.nar };
}

static void check_step(struct router *r, const struct in6_addr *from, const struct cxtp_message *m, struct look was)
{
	struct look is = look(r, &m->mobile);
	if (was.outstanding && is.outstanding && was.seq != is.seq)
		violated("two transfers for one mobile: router %u began %08" PRIx32 " of mobile %" PRIu32 " while %08" PRIx32 " was outstanding",
		         r->number, is.seq, mobile_of(&m->mobile), was.seq);
	if (is.outstanding && router_of(&m->mobile) != r->number)
		violated("two transfers for one mobile: router %u has one of mobile %" PRIu32 ", whose address is router %u's", r->number,
		         mobile_of(&m->mobile), router_of(&m->mobile));
	if (m->type != CXTP_CTDR || !was.known || !addr_eq(&was.nar, from))
		return;
	if (is.known)
		violated("a key is kept after use: router %u, mobile %" PRIu32 ", after CTDR", r->number, mobile_of(&m->mobile));
	struct trip *t = trip_of_sequence(&m->mobile, was.seq);
	if (t)
		t->served = true;
}

static void arrive_at_router(struct router *r, const struct flight *f, const struct cxtp_message *m)
{
	struct cxtp_link link = { .peer = f->from, .local = f->to, .ifindex = 1 };
	struct look was = look(r, &m->mobile);
	if (!f->wired && addr_eq(&f->from, &m->mobile))
		cxtp_par_ctar(r->par, &link, m);
	else if (!f->wired)
		cxtp_nar_ctar(r->nar, &link, m);
	else if (m->type == CXTP_CTD || m->type == CXTP_PCTD)
		cxtp_nar_message(r->nar, &f->from, m);
	else
		cxtp_par_message(r->par, &f->from, m);
	check_step(r, &f->from, m, was);
}

static void arrive_at_mobile(const struct flight *f, const struct cxtp_message *m)
{
	uint32_t i = mobile_of(&f->to);
	struct cxtp_link link = { .peer = f->from, .local = f->to, .ifindex = 1 };
	if (i >= w.cfg.mobiles || f->to.s6_addr[8] != 2 || w.mobiles[i].at != router_of(&f->to))
		return;
	struct trip *t = w.mobiles[i].newest;
	if (t)
		cxtp_mn_ctaa(t->mn, &link, m);
}

static void arrive(struct timer *timer, void *arg)
{
	struct flight *f = arg;
	struct cxtp_message m;
	w.in_flight--;
	w.report->steps++;
	if (cxtp_parse(f->data, f->len, &m) != CXTP_OK)
		violated("a message that cannot be parsed");
	else if (is_router(&f->to))
		arrive_at_router(&w.routers[router_of(&f->to)], f, &m);
	else
		arrive_at_mobile(f, &m);
	disown(f);
}

static void take_off(const struct in6_addr *from, const struct in6_addr *to, bool wired, const void *msg, size_t len)
{
	struct flight *f = own(malloc(sizeof *f + len));
	*f = (struct flight){ .from = *from, .to = *to, .wired = wired, .len = len };
	memcpy(f->data, msg, len);
	timer_init(&f->timer, w.loop, arrive, f);
	usec_t least = wired ? WIRED : WIRELESS, delay = least + draw_exponential((double)least / 2);
	if (draw_unit() < w.cfg.late)
		delay += draw_below(LATE);
	w.in_flight++;
	timer_after(&f->timer, delay);
}

static void transmit(const struct in6_addr *from, const struct in6_addr *to, bool wired, const void *msg, size_t len)
{
	if (draw_unit() < w.cfg.lost) {
		w.report->lost++;
		return;
	}
	take_off(from, to, wired, msg, len);
	if (draw_unit() < w.cfg.doubled) {
		w.report->doubled++;
		take_off(from, to, wired, msg, len);
	}
}

static void note_sent(struct trip *t, enum cxtp_type type, size_t len)
{
	w.report->sent[type]++;
	w.report->octets[type] += len;
	if (t && t->sent[type]++ > 0)
		w.report->again[type]++;
}

/* ---- routers ---- */

static int router_send(const struct in6_addr *peer, const void *msg, size_t len, void *arg)
{
	struct router *r = arg;
	struct cxtp_message m;
	struct in6_addr from = router_address(r->number);
	if (cxtp_parse(msg, len, &m) != CXTP_OK)
		violated("router %u sends what cannot be parsed", r->number);
	note_sent(trip_find(&m.mobile, -1), m.type, len);
	transmit(&from, peer, true, msg, len);
	return 0;
}

static void router_answer(const struct cxtp_link *to, const void *msg, size_t len, void *arg)
{
	struct cxtp_message m;
	if (cxtp_parse(msg, len, &m) != CXTP_OK)
		violated("a router answers what cannot be parsed");
	note_sent(trip_find(&m.mobile, -1), m.type, len);
	transmit(&to->local, &to->peer, false, msg, len);
}

static bool par_neighbor(const struct in6_addr *router, struct in6_addr *out, void *arg)
{
	struct router *r = arg;
	*out = *router;
	return is_router(router) && router_of(router) != r->number;
}

static bool nar_neighbor(const struct in6_addr *router, const struct in6_addr *pcoa, struct in6_addr *out, void *arg)
{
	return par_neighbor(router, out, arg);
}

static bool nar_may_push(const struct in6_addr *peer, const struct in6_addr *pcoa, void *arg)
{
	return router_of(peer) == router_of(pcoa);
}

static bool nar_expected(const struct in6_addr *pcoa, struct in6_addr *ncoa, void *arg)
{
	return false;
}

static const struct secret *any_master(const struct in6_addr *pcoa, void *arg)
{
	return w.master;
}

static size_t par_own(const struct in6_addr *pcoa, struct in6_addr *out, size_t max, void *arg)
{
	out[0] = router_address(((struct router *)arg)->number);
	return 1;
}

static void par_collect(const struct in6_addr *pcoa, const struct in6_addr *nar, const struct in6_addr *router,
                        const uint8_t *request, size_t len, struct wr *out, void *arg)
{
	struct feature_subject s = { .previous = *pcoa, .addr = *pcoa };
	cxtp_collect(arg, &s, request, len, out);
}

/* The context says whose it is. */
static int context_collect(struct core *core, const struct feature_subject *s, feature_emit_fn *emit, void *arg)
{
	uint8_t data[24] = { 0 };
	memcpy(data, &s->previous, sizeof s->previous);
	emit(data, sizeof data, arg);
	return 0;
}

static uint8_t context_install(struct core *core, const struct feature_subject *s, const uint8_t *data, size_t len)
{
	if (len < sizeof s->previous || memcmp(data, &s->previous, sizeof s->previous))
		violated("contexts of another mobile put in force for mobile %" PRIu32, mobile_of(&s->previous));
	return FEATURE_OK;
}

static const struct feature context = { .fpt = FPT, .name = "crowd", .collect = context_collect, .install = context_install };

static void note_wait(usec_t waited)
{
	struct crowd_report *r = w.report;
	if (r->in_place == w.waits_cap) {
		w.waits_cap = w.waits_cap ? w.waits_cap * 2 : 4096;
		if (r->waits)
			w.own_octets -= malloc_usable_size(r->waits);
		r->waits = own(realloc(r->waits, w.waits_cap * sizeof *r->waits));
	}
	r->waits[r->in_place++] = (uint32_t)waited;
}

static void nar_install(const struct in6_addr *pcoa, const struct cxtp_link *link, const uint8_t *blocks, size_t blocks_len,
                        const uint8_t *request, size_t len, struct cxtp_contexts *out, void *arg)
{
	struct router *r = arg;
	uint32_t m = mobile_of(pcoa);
	struct trip *t = trip_find(pcoa, r->number);
	struct in6_addr ncoa = mobile_address(r->number, m);
	struct feature_subject s = { .previous = *pcoa, .addr = link->peer, .ifindex = link->ifindex };
	struct cxtp_nar_view v;
	if (!t || !addr_eq(&link->peer, &ncoa))
		violated("contexts of mobile %" PRIu32 " put in force without a valid token: at router %u for %s", m, r->number,
		         ADDR(&link->peer));
	if (cxtp_nar_of(r->nar, pcoa, &v) && v.pushed && v.octets)
		violated("a key is kept after use: router %u, mobile %" PRIu32 ", contexts put in force", r->number, m);
	cxtp_install(arg, &s, blocks, blocks_len, request, len, out);
	if (!t)
		return;
	if (t->installed++)
		violated("two transfers for one mobile: contexts of mobile %" PRIu32 " put in force again at router %u", m, r->number);
	else
		note_wait(loop_now(w.loop) - t->arrived);
}

static void ignore_forget(const struct in6_addr *pcoa, void *arg)
{
}

static uint32_t any_random(void *arg)
{
	return (uint32_t)draw64();
}

/* Nobody here pushes unasked. */
static bool not_called(const struct in6_addr *nar, const struct in6_addr *pcoa, struct in6_addr *router, void *arg)
{
	return false;
}

static void ignore_arrived(const struct in6_addr *addr, const struct in6_addr *own, uint32_t seq, void *arg)
{
}

static void ignore_done(const struct in6_addr *pcoa, const struct in6_addr *addr, bool complete, void *arg)
{
}

static void ignore_mark(const struct in6_addr *pcoa, enum handover_step step, usec_t at, void *arg)
{
}

static void ignore_context(const struct in6_addr *pcoa, uint16_t fpt, uint8_t status, void *arg)
{
}

static void ignore_end(const struct in6_addr *pcoa, const struct in6_addr *peer, enum handover_result r, const char *reason, void *arg)
{
}

static const struct cxtp_par_ops par_ops = {
	.send = router_send, .answer = router_answer, .neighbor = par_neighbor, .called = not_called, .master = any_master, .own = par_own,
	.collect = par_collect, .forget = ignore_forget, .random = any_random, .mark = ignore_mark, .context = ignore_context,
	.end = ignore_end,
};
static const struct cxtp_nar_ops nar_ops = {
	.send = router_send, .answer = router_answer, .neighbor = nar_neighbor, .may_push = nar_may_push, .expected = nar_expected,
	.install = nar_install, .random = any_random, .arrived = ignore_arrived, .done = ignore_done, .mark = ignore_mark,
	.context = ignore_context, .end = ignore_end,
};

/* ---- mobiles ---- */

static int mn_send(const struct cxtp_link *to, const void *msg, size_t len, void *arg)
{
	struct mobile *m = arg;
	struct trip *t = m->newest;
	struct cxtp_message ctar;
	if (cxtp_parse(msg, len, &ctar) != CXTP_OK || len > sizeof t->ctar) {
		violated("mobile %" PRIu32 " sends what cannot be parsed", t->mobile);
		return 0;
	}
	bool announcing = addr_eq(&to->local, &ctar.mobile);
	note_sent(announcing ? NULL : t, CXTP_CTAR, len);
	t->seq = ctar.seq;
	if (!announcing) {
		memcpy(t->ctar, msg, len);
		t->ctar_len = len;
	}
	transmit(&to->local, &to->peer, false, msg, len);
	return 0;
}

static void mn_end(const struct in6_addr *pcoa, const struct in6_addr *nar, enum handover_result r, const char *reason, void *arg)
{
	struct mobile *m = arg;
	struct trip *t = m->newest;
	while (t && (t->from != router_of(pcoa) || t->ended))
		t = t->older;
	if (!t) {
		violated("mobile %" PRIu32 " ended a transfer that had ended", mobile_of(pcoa));
		return;
	}
	t->ended = true;
	w.report->failed += r == HANDOVER_FAILED;
	w.report->cancelled += r == HANDOVER_CANCELLED && t->to != t->from;
}

static const struct cxtp_mn_ops mn_ops = { .send = mn_send, .master = any_master, .random = any_random, .done = ignore_done,
	                                   .mark = ignore_mark, .context = ignore_context, .end = mn_end };

/* Another router near that one: they stand in a grid without an edge. */
static uint16_t near(uint16_t router)
{
	uint32_t row = (uint32_t)sqrt(w.cfg.routers), n = w.cfg.routers;
	const uint32_t steps[] = { 1, n - 1, row, n - row, row + 1, n - row - 1 };
	uint32_t to = (router + steps[draw_below(6)]) % n;
	return (uint16_t)(to == router ? (to + 1) % n : to);
}

static void attach(struct timer *timer, void *arg)
{
	struct trip *t = arg;
	struct cxtp_move move = { .pcoa = mobile_address(t->from, t->mobile), .ncoa = mobile_address(t->to, t->mobile),
		                  .par = router_address(t->from), .nar = router_address(t->to), .ifindex = 1 };
	w.mobiles[t->mobile].at = t->to;
	t->attached = true;
	t->arrived = loop_now(w.loop);
	w.report->asked += t->to != t->from;
	cxtp_mn_attached(t->mn, &move);
}

static struct trip *trip_begin(uint32_t i)
{
	struct mobile *m = &w.mobiles[i];
	struct trip *t = own(calloc(1, sizeof *t));
	t->mobile = i;
	t->from = m->at;
	t->to = near(t->from);
	t->began = loop_now(w.loop);
	timer_init(&t->attach, w.loop, attach, t);
	t->mn = m->newest ? m->newest->mn : cxtp_mn_create(w.loop, &w.cfg.params, &mn_ops, m);
	if (!t->mn)
		abort();
	if (m->newest)
		m->newest->mn = NULL;
	t->older = m->newest;
	m->newest = t;
	if (w.newest)
		w.newest->next = t;
	else
		w.oldest = t;
	w.newest = t;
	w.report->movements++;
	return t;
}

static void move_announced(struct trip *t)
{
	struct cxtp_move move = { .pcoa = mobile_address(t->from, t->mobile), .par = router_address(t->from),
		                  .nar = router_address(t->to), .ifindex = 1 };
	w.report->announced++;
	t->announced = true;
	t->said = t->to;
	cxtp_mn_prepare(t->mn, &move);
	double chance = draw_unit();
	if (chance < w.cfg.stays) {
		t->to = t->from;
		w.report->stayed++;
	} else if (chance < w.cfg.stays + w.cfg.elsewhere) {
		uint16_t other = near(t->from);
		w.report->elsewhere += other != t->to;
		t->to = other;
	}
	timer_after(&t->attach, draw_exponential(LEAD) + GAP);
}

/*
 * A stranger on a link: makes up a token for a mobile that is about to come there, or sends again, as its own, a CTAR that
 * has served. Not where the mobile was announced and did not come: the token is good there until the push is wiped, which
 * no message of RFC 4067 can hasten. Only a handover protocol that knows the new address tells them apart.
 */
static void forge(void)
{
	struct trip *t = w.mobiles[draw_below(w.cfg.mobiles)].newest;
	if (!t && w.oldest) /* most have not moved lately: then of the one that moved last */
		t = w.newest;
	if (!t || !t->seq)
		return;
	uint16_t at = draw_below(2) ? t->to : near(t->from);
	struct in6_addr from = stranger_address(at), to = router_address(at);
	if (t->served && t->ctar_len && (!t->announced || t->said == t->to || at != t->said)) {
		w.report->replayed++;
		take_off(&from, &to, false, t->ctar, t->ctar_len);
		return;
	}
	uint8_t out[64];
	struct cxtp_message m = { .type = CXTP_CTAR, .flag = true, .mobile = mobile_address(t->from, t->mobile),
		                  .router = router_address(t->from), .seq = t->seq, .token = (uint32_t)draw64() | 1 };
	size_t len = cxtp_pack(&m, out, sizeof out);
	w.report->forged++;
	take_off(&from, &to, false, out, len);
}

/* Each mobile departs after an exponential time: all together they do at the sum of their rates, whoever it is. */
static void depart(struct timer *timer, void *arg)
{
	if (loop_now(w.loop) >= START + w.cfg.span)
		return;
	timer_after(timer, draw_exponential((double)w.cfg.dwell / w.cfg.mobiles));
	uint32_t i = draw_below(w.cfg.mobiles);
	if (!w.mobiles[i].newest || w.mobiles[i].newest->attached) {
		struct trip *t = trip_begin(i);
		if (draw_unit() < w.cfg.announced)
			move_announced(t);
		else
			timer_after(&t->attach, GAP);
	}
	if (draw_unit() < w.cfg.forged)
		forge();
}

/* ---- once a second ---- */

static void audit_par(const struct cxtp_par_view *v, void *arg)
{
	const struct router *r = arg;
	w.keys += v->outstanding;
	w.records++;
	if (v->age > w.cfg.params.context_lifetime + 2 * w.cfg.params.max_transfer_time + w.cfg.params.retry_max)
		violated("a transfer does not end: router %u remembers that of mobile %" PRIu32 " after %.1f s", r->number,
		         mobile_of(&v->pcoa), (double)v->age / 1e6);
	struct trip *t = trip_of_sequence(&v->pcoa, v->seq);
	if (!t)
		violated("a transfer without a valid token: router %u, mobile %" PRIu32, r->number, mobile_of(&v->pcoa));
}

static void audit_nar(const struct cxtp_nar_view *v, void *arg)
{
	const struct router *r = arg;
	w.keys += v->pushed;
	w.records++;
	if (v->requested && v->age > w.cfg.params.max_transfer_time)
		violated("a transfer does not end: router %u has waited for %.1f s for mobile %" PRIu32, r->number, (double)v->age / 1e6,
		         mobile_of(&v->pcoa));
	if (v->pushed && !v->requested && !v->done && v->age > w.cfg.params.context_lifetime)
		violated("a key is kept after its time: router %u, mobile %" PRIu32, r->number, mobile_of(&v->pcoa));
}

static void measure_memory(void)
{
	struct mallinfo2 mi = mallinfo2();
	double octets = (double)(mi.uordblks + mi.hblkhd - w.base_octets - w.own_octets) / w.cfg.mobiles;
	if (octets > w.report->mobile_octets)
		w.report->mobile_octets = octets;
}

static void audit(struct timer *timer, void *arg)
{
	timer_after(timer, USEC_SEC);
	trips_forget();
	w.keys = w.records = 0;
	for (uint32_t i = 0; i < w.cfg.routers; i++) {
		cxtp_par_each(w.routers[i].par, audit_par, &w.routers[i]);
		cxtp_nar_each(w.routers[i].nar, audit_nar, &w.routers[i]);
	}
	if (secrets_live() != w.secrets_before + 1 + w.keys)
		violated("a key is kept after use: %zu keys exist, %zu are accounted for", secrets_live() - w.secrets_before - 1, w.keys);
	if (w.records > w.report->transfers_most)
		w.report->transfers_most = w.records;
	w.report->audits++;
	measure_memory();
}

/* ---- the whole ---- */

struct crowd_config crowd_everyday(uint32_t routers, uint32_t mobiles, uint64_t seed)
{
	return (struct crowd_config){
		.routers = routers, .mobiles = mobiles, .seed = seed, .span = 600 * USEC_SEC, .dwell = 600 * USEC_SEC,
		.announced = 0.7, .stays = 0.02, .elsewhere = 0.02, .forged = 0.01, .lost = 0.01, .doubled = 0.005, .late = 0.005,
		.params = { .request_rate = 10, .max_transfer_time = 200 * USEC_MSEC, .request_retry = 500 * USEC_MSEC,
			    .retry_max = 15 * USEC_SEC, .sequence_reuse = 7 * USEC_SEC, .context_lifetime = 10 * USEC_SEC,
			    .replay_window = 3600 * USEC_SEC, .transfers = 4096, .memory = 16 << 20 },
	};
}

static void open_world(const struct crowd_config *cfg, struct crowd_report *report)
{
	*report = (struct crowd_report){ 0 };
	w = (struct crowd){ .cfg = *cfg, .report = report, .random = cfg->seed, .secrets_before = secrets_live() };
	w.loop = loop_create_virtual(START);
	w.master = secret_create("an octet string of some length", 30);
	w.mobiles = calloc(cfg->mobiles, sizeof *w.mobiles);
	w.routers = calloc(cfg->routers, sizeof *w.routers);
	if (!w.loop || !w.master || !w.mobiles || !w.routers)
		abort();
	for (uint32_t i = 0; i < cfg->mobiles; i++)
		w.mobiles[i].at = (uint16_t)(i % cfg->routers);
	struct mallinfo2 before = mallinfo2();
	for (uint32_t i = 0; i < cfg->routers; i++) {
		struct router *r = &w.routers[i];
		r->number = (uint16_t)i;
		cxtp_rate_init(&r->rate, cfg->params.request_rate);
		r->par = cxtp_par_create(w.loop, &w.cfg.params, &r->rate, &par_ops, r);
		r->nar = cxtp_nar_create(w.loop, &w.cfg.params, &r->rate, &nar_ops, r);
		if (!r->par || !r->nar)
			abort();
	}
	feature_register(&context);
	struct mallinfo2 after = mallinfo2();
	w.base_octets = after.uordblks + after.hblkhd;
	report->router_octets = (double)(w.base_octets - before.uordblks - before.hblkhd) / cfg->routers;
	timer_init(&w.departure, w.loop, depart, NULL);
	timer_init(&w.audit, w.loop, audit, NULL);
	timer_after(&w.departure, 0);
	timer_after(&w.audit, USEC_SEC);
}

static void check_nothing_left(void)
{
	if (w.oldest || w.in_flight)
		violated("movements do not end");
	if (w.records)
		violated("a transfer does not end: %zu are left", w.records);
	if (secrets_live() != w.secrets_before + 1)
		violated("a key is kept after use: %zu are left", secrets_live() - w.secrets_before - 1);
}

static void close_world(void)
{
	feature_unregister(&context);
	for (uint32_t i = 0; i < w.cfg.routers; i++) {
		cxtp_par_destroy(w.routers[i].par);
		cxtp_nar_destroy(w.routers[i].nar);
	}
	for (struct trip *t = w.oldest, *next; t; t = next) { /* after a violation */
		next = t->next;
		cxtp_mn_destroy(t->mn);
		free(t);
	}
	secret_unref(w.master);
	loop_destroy(w.loop);
	free(w.mobiles);
	free(w.routers);
}

static int by_value(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

bool crowd_run(const struct crowd_config *cfg, struct crowd_report *report)
{
	open_world(cfg, report);
	loop_advance(w.loop, START + cfg->span + 2 * KEPT);
	report->ended = loop_now(w.loop) - START;
	if (!report->violation[0])
		check_nothing_left();
	close_world();
	qsort(report->waits, report->in_place, sizeof *report->waits, by_value);
	return !report->violation[0];
}
