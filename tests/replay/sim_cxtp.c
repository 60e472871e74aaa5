#include "sim_cxtp.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEE(eye, ...) \
	do { \
		if (world->eyes && world->eyes->eye) \
			world->eyes->eye(world, __VA_ARGS__); \
	} while (0)

static struct sim *world; /* features have no argument of their own */

static int collect_groups(struct core *core, const struct feature_subject *s, feature_emit_fn *emit, void *arg)
{
	for (unsigned i = 0; i < world->collects; i++) {
		uint8_t data[24] = { (uint8_t)i };
		if (!emit(data, sizeof data, arg))
			return 0;
		world->routers[SIM_PAR].collected++;
	}
	return 0;
}

static int collect_other(struct core *core, const struct feature_subject *s, feature_emit_fn *emit, void *arg)
{
	uint8_t data[5] = { 1, 2, 3, 4, 5 };
	if (world->collects && emit(data, sizeof data, arg))
		world->routers[SIM_PAR].collected++;
	return 0;
}

static uint8_t install_groups(struct core *core, const struct feature_subject *s, const uint8_t *data, size_t len)
{
	struct sim_router_state *r = (struct sim_router_state *)(void *)core;
	r->installed++;
	r->overheard |= !addr_eq(&s->addr, &world->ncoa);
	uint8_t status = len == 28 ? FEATURE_OK : FEATURE_MALFORMED;
	SEE(installed, r->which, s, SIM_FPT_GROUPS, status);
	return status;
}

static uint8_t install_other(struct core *core, const struct feature_subject *s, const uint8_t *data, size_t len)
{
	struct sim_router_state *r = (struct sim_router_state *)(void *)core;
	r->installed += world->install_status == 0;
	SEE(installed, r->which, s, SIM_FPT_OTHER, world->install_status);
	return world->install_status;
}

static const struct feature groups = { .fpt = SIM_FPT_GROUPS, .name = "groups", .collect = collect_groups, .install = install_groups };
static const struct feature other = { .fpt = SIM_FPT_OTHER, .name = "other", .collect = collect_other, .install = install_other };

/* A message on its way. */
struct flight {
	struct sim *sim;
	struct timer timer;
	struct in6_addr from, to; /* addresses on the wire */
	bool wired;
	enum sim_router wired_from, wired_to;
	size_t len;
	uint8_t data[];
};

static enum sim_router router_at(const struct sim *s, const struct in6_addr *a, bool on_link)
{
	for (int i = 0; i < SIM_ROUTERS; i++)
		if (addr_eq(a, on_link ? &s->routers[i].on_link : &s->routers[i].address))
			return (enum sim_router)i;
	return SIM_ROUTERS;
}

static void deliver_wired(struct flight *f, const struct cxtp_message *m)
{
	struct sim_router_state *to = &f->sim->routers[f->wired_to];
	const struct in6_addr *from = &f->sim->routers[f->wired_from].address;
	SEE(arrived, f->wired_to, from, m);
	if (m->type == CXTP_CTD || m->type == CXTP_PCTD)
		cxtp_nar_message(to->nar, from, m);
	else
		cxtp_par_message(to->par, from, m);
}

static void deliver_wireless(struct flight *f, const struct cxtp_message *m)
{
	struct sim *s = f->sim;
	enum sim_router r = router_at(s, &f->to, true);
	struct cxtp_link link = { .peer = f->from, .local = f->to, .ifindex = 1 + (int)r };
	if (m->type == CXTP_CTAA) {
		for (int i = 0; i < SIM_ROUTERS; i++)
			if (addr_eq(&f->to, &s->at[i]))
				cxtp_mn_ctaa(s->mn, &link, m);
		return;
	}
	if (r == SIM_ROUTERS)
		return;
	SEE(arrived, r, &f->from, m);
	if (addr_eq(&f->from, &m->mobile))
		cxtp_par_ctar(s->routers[r].par, &link, m);
	else
		cxtp_nar_ctar(s->routers[r].nar, &link, m);
}

static void arrive(struct timer *t, void *arg)
{
	struct flight *f = arg;
	struct cxtp_message m;
	f->sim->in_flight--;
	assert(cxtp_parse(f->data, f->len, &m) == CXTP_OK);
	if (f->wired)
		deliver_wired(f, &m);
	else
		deliver_wireless(f, &m);
	free(f);
}

static struct flight *flight_make(struct sim *s, const void *msg, size_t len)
{
	struct flight *f = calloc(1, sizeof *f + len);
	assert(f);
	f->sim = s;
	f->len = len;
	memcpy(f->data, msg, len);
	timer_init(&f->timer, s->loop, arrive, f);
	return f;
}

static void trace(struct sim *s, const char *what, const char *mark)
{
	size_t n = strlen(s->trace);
	snprintf(s->trace + n, sizeof s->trace - n, "%s%s%s", n ? " " : "", what, mark);
}

/* 2 of 20 are lost, 1 doubled, 1 late by 30 ms, 1 by up to 3 s. */
static bool bad_weather(struct sim *s, enum sim_fault *fault, usec_t *delay)
{
	s->weather = s->weather * 1664525U + 1013904223U;
	unsigned die = (s->weather >> 8) % 20;
	if (die >= 5)
		return false;
	*fault = die < 2 ? SIM_LOSE : die == 2 ? SIM_DOUBLE : SIM_DELAY;
	*delay = die == 3 ? 30 * USEC_MSEC : (s->weather >> 16) % 3000 * USEC_MSEC;
	return true;
}

/* What happens to the next message of that name: is there a fault for it? */
static bool fault_for(struct sim *s, const char *what, enum sim_fault *fault, usec_t *delay)
{
	if (++s->sent == s->disturb.message) {
		*fault = s->disturb.fault;
		*delay = s->disturb.delay;
		return true;
	}
	if (s->weather)
		return bad_weather(s, fault, delay);
	for (size_t i = 0; i < s->faults_n; i++) {
		if (!s->faults[i].left || strcmp(s->faults[i].what, what))
			continue;
		s->faults[i].left--;
		*fault = s->faults[i].fault;
		*delay = s->faults[i].delay;
		return true;
	}
	return false;
}

static void fly(struct flight *f, usec_t delay)
{
	f->sim->in_flight++;
	timer_after(&f->timer, delay);
}

/* Sends f off, as the faults have it. Takes f. */
static void take_off(struct flight *f, const char *what, usec_t delay)
{
	struct sim *s = f->sim;
	enum sim_fault fault;
	usec_t late = 0;
	SEE(sent, what, &f->from, &f->to, f->data, f->len);
	if (!fault_for(s, what, &fault, &late)) {
		trace(s, what, "");
	} else if (fault == SIM_LOSE) {
		trace(s, what, "!");
		free(f);
		return;
	} else if (fault == SIM_DELAY) {
		/* Between routers a message is dropped when its lifetime is over (RFC 4067 §3.1, PR-SCTP). */
		if (s->weather && f->wired)
			late %= s->params.max_transfer_time;
		trace(s, what, "~");
	} else {
		trace(s, what, "+");
		struct flight *twin = flight_make(s, f->data, f->len);
		twin->from = f->from, twin->to = f->to;
		twin->wired = f->wired, twin->wired_from = f->wired_from, twin->wired_to = f->wired_to;
		fly(twin, delay + USEC_MSEC);
		late = 0;
	}
	fly(f, delay + late);
}

static const char *name_of(const struct sim *s, const void *msg, size_t len, const struct in6_addr *from)
{
	struct cxtp_message m;
	assert(cxtp_parse(msg, len, &m) == CXTP_OK);
	if (m.type != CXTP_CTAR)
		return cxtp_type_name(m.type);
	return addr_eq(from, &m.mobile) ? "CTAR.par" : "CTAR.nar";
}

static int router_send(const struct in6_addr *peer, const void *msg, size_t len, void *arg)
{
	struct sim_router_state *r = arg;
	enum sim_router to = router_at(r->sim, peer, false);
	if (to == SIM_ROUTERS || r->sim->routers[to].unreachable || r->unreachable)
		return -ENOTCONN;
	struct flight *f = flight_make(r->sim, msg, len);
	f->wired = true;
	f->wired_from = r->which;
	f->wired_to = to;
	f->from = r->address;
	f->to = *peer;
	take_off(f, name_of(r->sim, msg, len, &r->address), SIM_WIRED);
	return 0;
}

static void router_answer(const struct cxtp_link *to, const void *msg, size_t len, void *arg)
{
	struct sim_router_state *r = arg;
	struct flight *f = flight_make(r->sim, msg, len);
	f->from = to->local;
	f->to = to->peer;
	take_off(f, name_of(r->sim, msg, len, &to->local), SIM_WIRELESS);
}

static bool router_neighbor(const struct in6_addr *router, struct in6_addr *address, void *arg)
{
	struct sim_router_state *r = arg;
	enum sim_router n = router_at(r->sim, router, true);
	if (n == SIM_ROUTERS || n == r->which)
		return false;
	*address = r->sim->routers[n].address;
	return true;
}

static bool router_called(const struct in6_addr *nar, const struct in6_addr *pcoa, struct in6_addr *router, void *arg)
{
	struct sim_router_state *r = arg;
	enum sim_router n = router_at(r->sim, nar, false);
	if (n == SIM_ROUTERS)
		return false;
	*router = r->sim->routers[n].on_link;
	return true;
}

static void router_arrived(const struct in6_addr *addr, const struct in6_addr *own, uint32_t seq, void *arg)
{
	cxtp_par_arrived(((struct sim_router_state *)arg)->par, addr, own, seq);
}

static bool router_previous(const struct in6_addr *router, const struct in6_addr *pcoa, struct in6_addr *address, void *arg)
{
	return router_neighbor(router, address, arg);
}

static bool router_may_push(const struct in6_addr *peer, const struct in6_addr *pcoa, void *arg)
{
	struct sim_router_state *r = arg;
	enum sim_router from = router_at(r->sim, peer, false);
	return addr_eq(pcoa, &world->second) ? from == SIM_PAR : from != SIM_ROUTERS && addr_eq(pcoa, &world->at[from]);
}

static bool router_expected(const struct in6_addr *pcoa, struct in6_addr *ncoa, void *arg)
{
	struct sim_router_state *r = arg;
	*ncoa = r->sim->ncoa;
	return r->sim->expected_known;
}

static const struct secret *any_master(const struct in6_addr *pcoa, void *arg)
{
	for (int i = 0; i < SIM_ROUTERS; i++)
		if (addr_eq(pcoa, &world->at[i]))
			return world->master;
	return addr_eq(pcoa, &world->second) ? world->master : NULL;
}

static size_t router_own(const struct in6_addr *pcoa, struct in6_addr *out, size_t max, void *arg)
{
	struct sim_router_state *r = arg;
	assert(max >= 2);
	/* One that mobiles do not use comes first: the token must find the other. */
	out[r->sim->own_likeliest] = r->address;
	out[!r->sim->own_likeliest] = r->on_link;
	return 2;
}

static void router_collect(const struct in6_addr *pcoa, const struct in6_addr *nar, const struct in6_addr *router,
                           const uint8_t *request, size_t len, struct wr *w, void *arg)
{
	struct feature_subject subject = { .previous = *pcoa, .addr = *pcoa };
	const struct sim_router_state *r = arg;
	if (!world->forgets || !world->gone[r->which] || addr_eq(pcoa, &world->second))
		cxtp_collect(arg, &subject, request, len, w);
}

static void router_forget(const struct in6_addr *pcoa, void *arg)
{
	struct sim_router_state *r = arg;
	r->forgot++;
	world->gone[r->which] |= !addr_eq(pcoa, &world->second);
	SEE(forgot, r->which, pcoa);
}

static size_t keys_held(void)
{
	size_t n = 0;
	for (int i = 0; i < SIM_ROUTERS; i++)
		n += cxtp_par_keys(world->routers[i].par) + cxtp_nar_keys(world->routers[i].nar);
	return n;
}

static void no_key_for(const struct cxtp_nar_view *v, void *arg)
{
	const struct in6_addr *pcoa = arg;
	assert(!v->pushed || !addr_eq(&v->pcoa, pcoa));
}

static void router_install(const struct in6_addr *pcoa, const struct cxtp_link *link, const uint8_t *blocks, size_t blocks_len,
                           const uint8_t *request, size_t len, struct cxtp_contexts *out, void *arg)
{
	struct feature_subject subject = { .previous = *pcoa, .addr = link->peer, .ifindex = link->ifindex };
	/* RFC 4067 §6.3: the key that checked the token is gone before its contexts are in force. */
	struct in6_addr mobile = *pcoa;
	cxtp_nar_each(((struct sim_router_state *)arg)->nar, no_key_for, &mobile);
	assert(secrets_live() == world->secrets_before + 1 + keys_held());
	cxtp_install(arg, &subject, blocks, blocks_len, request, len, out);
}

static uint32_t sim_random(void *arg)
{
	world->random = world->random * 1664525U + 1013904223U;
	return world->random;
}

static void router_done(const struct in6_addr *pcoa, const struct in6_addr *addr, bool complete, void *arg)
{
	SEE(router_done, ((struct sim_router_state *)arg)->which, pcoa, complete);
}

static void mn_done(const struct in6_addr *pcoa, const struct in6_addr *addr, bool complete, void *arg)
{
	SEE(mobile_done, pcoa, addr, complete);
}

static void mn_context(const struct in6_addr *pcoa, uint16_t fpt, uint8_t status, void *arg)
{
	SEE(mobile_context, fpt, status);
}

static void ignore_mark(const struct in6_addr *pcoa, enum handover_step step, usec_t at, void *arg)
{
}

static void ignore_context(const struct in6_addr *pcoa, uint16_t fpt, uint8_t status, void *arg)
{
}

static const char *result_name(enum handover_result r)
{
	static const char *const names[] = { "running", "complete", "failed", "cancelled" };
	return names[r];
}

static void par_end(const struct in6_addr *pcoa, const struct in6_addr *peer, enum handover_result r, const char *reason, void *arg)
{
	world->par_end = result_name(r);
}

static void nar_end(const struct in6_addr *pcoa, const struct in6_addr *peer, enum handover_result r, const char *reason, void *arg)
{
	world->nar_end = result_name(r);
}

static void mn_end(const struct in6_addr *pcoa, const struct in6_addr *peer, enum handover_result r, const char *reason, void *arg)
{
	world->mn_end = result_name(r);
}

static int mn_send(const struct cxtp_link *to, const void *msg, size_t len, void *arg)
{
	struct sim *s = arg;
	struct flight *f = flight_make(s, msg, len);
	f->from = to->local;
	f->to = to->peer;
	memcpy(s->last_ctar, msg, len);
	s->last_ctar_len = len;
	take_off(f, name_of(s, msg, len, &to->local), SIM_WIRELESS);
	return 0;
}

static const struct cxtp_par_ops par_ops = { router_send, router_answer, router_neighbor, router_called, any_master, router_own, router_collect,
	                                     router_forget, sim_random, ignore_mark, ignore_context, par_end };
static const struct cxtp_nar_ops nar_ops = { router_send, router_answer, router_previous, router_may_push, router_expected,
	                                     router_install, sim_random, router_arrived, router_done, ignore_mark, ignore_context, nar_end };
static const struct cxtp_mn_ops mn_ops = { mn_send, any_master, sim_random, mn_done, ignore_mark, mn_context, mn_end };

static void router_up(struct sim_router_state *r)
{
	struct sim *s = r->sim;
	cxtp_rate_init(&r->rate, s->params.request_rate);
	r->par = cxtp_par_create(s->loop, &s->params, &r->rate, &par_ops, r);
	r->nar = cxtp_nar_create(s->loop, &s->params, &r->rate, &nar_ops, r);
	assert(r->par && r->nar);
}

static void router_down(struct sim_router_state *r)
{
	cxtp_par_destroy(r->par);
	cxtp_nar_destroy(r->nar);
}

void sim_restart(struct sim *s, enum sim_router which)
{
	router_down(&s->routers[which]);
	router_up(&s->routers[which]);
}

static struct in6_addr address(const char *text)
{
	struct in6_addr a;
	int err = addr_parse(text, &a);
	assert(!err);
	return a;
}

void sim_open(struct sim *s, bool v4)
{
	static const char *const tables[SIM_ROUTERS] = { "2001:db8:f::a", "2001:db8:f::b", "2001:db8:f::c" };
	static const char *const links6[SIM_ROUTERS] = { "2001:db8:a::1", "2001:db8:b::1", "2001:db8:c::1" };
	static const char *const links4[SIM_ROUTERS] = { "192.0.2.1", "198.51.100.1", "203.0.113.1" };
	static const char *const mobile6[SIM_ROUTERS] = { "2001:db8:a::10", "2001:db8:b::10", "2001:db8:c::10" };
	static const char *const mobile4[SIM_ROUTERS] = { "192.0.2.10", "198.51.100.10", "203.0.113.10" };
	*s = (struct sim){ .params = { .request_rate = 10, .max_transfer_time = 200 * USEC_MSEC, .request_retry = 500 * USEC_MSEC,
		                       .retry_max = 15 * USEC_SEC, .sequence_reuse = 7 * USEC_SEC,
		                       .context_lifetime = 10 * USEC_SEC, .replay_window = 3600 * USEC_SEC, .transfers = 16, .arrivals = 16,
		                       .memory = 65536 },
		           .collects = 2, .random = 1 };
	s->mn_end = s->par_end = s->nar_end = "-";
	world = s;
	s->loop = loop_create_virtual(1000 * USEC_SEC);
	s->secrets_before = secrets_live();
	s->master = secret_create("an octet string of some length", 30);
	s->second = address(v4 ? "192.0.2.20" : "2001:db8:a::20");
	s->stranger = address(v4 ? "198.51.100.66" : "2001:db8:b::66");
	for (int i = 0; i < SIM_ROUTERS; i++) {
		s->routers[i].sim = s;
		s->routers[i].which = (enum sim_router)i;
		s->routers[i].address = address(tables[i]);
		s->routers[i].on_link = address(v4 ? links4[i] : links6[i]);
		s->at[i] = address(v4 ? mobile4[i] : mobile6[i]);
		router_up(&s->routers[i]);
	}
	s->pcoa = s->at[SIM_PAR];
	s->ncoa = s->at[SIM_NAR];
	s->mn = cxtp_mn_create(s->loop, &s->params, &mn_ops, s);
	assert(s->mn);
	feature_register(&groups);
	feature_register(&other);
}

void sim_close(struct sim *s)
{
	feature_unregister(&groups);
	feature_unregister(&other);
	while (s->in_flight)
		loop_advance(s->loop, loop_next_due(s->loop));
	cxtp_mn_destroy(s->mn);
	for (int i = 0; i < SIM_ROUTERS; i++)
		router_down(&s->routers[i]);
	secret_unref(s->master);
	assert(secrets_live() == s->secrets_before);
	loop_destroy(s->loop);
}

void sim_fault(struct sim *s, const char *what, enum sim_fault fault, unsigned times, usec_t delay)
{
	assert(s->faults_n < SIM_FAULTS);
	snprintf(s->faults[s->faults_n].what, sizeof s->faults[0].what, "%s", what);
	s->faults[s->faults_n].fault = fault;
	s->faults[s->faults_n].delay = delay;
	s->faults[s->faults_n++].left = times;
}

void sim_prepare(struct sim *s, enum sim_router to)
{
	struct cxtp_move m = { .pcoa = s->pcoa, .par = s->routers[SIM_PAR].on_link, .nar = s->routers[to].on_link };
	cxtp_mn_prepare(s->mn, &m);
}

void sim_attach(struct sim *s, enum sim_router from, enum sim_router to)
{
	struct cxtp_move m = { .pcoa = s->pcoa, .ncoa = to == SIM_PAR ? s->pcoa : s->ncoa, .par = s->routers[from].on_link,
		               .nar = s->routers[to].on_link };
	cxtp_mn_attached(s->mn, &m);
}

void sim_arrive(struct sim *s)
{
	struct cxtp_move m = { .pcoa = s->at[SIM_OTHER], .ncoa = s->pcoa, .par = s->routers[SIM_OTHER].on_link,
		               .nar = s->routers[SIM_PAR].on_link };
	const struct sim_eyes *eyes = s->eyes;
	s->eyes = NULL;
	cxtp_mn_attached(s->mn, &m);
	loop_advance(s->loop, loop_now(s->loop) + s->params.retry_max + USEC_SEC);
	assert(!strcmp(s->mn_end, "complete"));
	for (int i = 0; i < SIM_ROUTERS; i++) {
		struct sim_router_state *r = &s->routers[i];
		r->collected = r->installed = r->forgot = 0;
		r->overheard = s->gone[i] = false;
	}
	s->mn_end = s->par_end = s->nar_end = "-";
	s->trace[0] = 0;
	s->sent = 0;
	s->last_ctar_len = 0;
	s->eyes = eyes;
}

void sim_restart_mobile(struct sim *s)
{
	cxtp_mn_destroy(s->mn);
	s->mn = cxtp_mn_create(s->loop, &s->params, &mn_ops, s);
	assert(s->mn);
}

int sim_trigger_par(struct sim *s, const enum sim_router *to, size_t n)
{
	struct in6_addr routers[SIM_ROUTERS];
	assert(n <= SIM_ROUTERS);
	for (size_t i = 0; i < n; i++)
		routers[i] = s->routers[to[i]].on_link;
	return cxtp_par_push(s->routers[SIM_PAR].par, &s->pcoa, routers, n);
}

int sim_trigger_nar(struct sim *s, enum sim_router at)
{
	return cxtp_nar_request(s->routers[at].nar, &s->pcoa, &s->routers[SIM_PAR].on_link);
}

static void inject(struct flight *f, usec_t delay)
{
	if (f->sim->inject_counts)
		take_off(f, name_of(f->sim, f->data, f->len, &f->from), delay);
	else
		fly(f, 0);
}

void sim_inject_ctar(struct sim *s, enum sim_router to, const struct in6_addr *from, const void *msg, size_t len)
{
	struct flight *f = flight_make(s, msg, len);
	f->from = *from;
	f->to = s->routers[to].on_link;
	inject(f, SIM_WIRELESS);
}

void sim_inject(struct sim *s, enum sim_router from, enum sim_router to, const struct cxtp_message *m)
{
	uint8_t out[4096];
	size_t len = cxtp_pack(m, out, sizeof out);
	assert(len);
	struct flight *f = flight_make(s, out, len);
	f->wired = true;
	f->wired_from = from;
	f->wired_to = to;
	f->from = s->routers[from].address;
	f->to = s->routers[to].address;
	inject(f, SIM_WIRED);
}
