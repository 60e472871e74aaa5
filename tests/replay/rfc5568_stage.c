/* The words that scenarios of RFC 5568 are written in. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rfc5568.h"

#define WORDS 256
#define REST 9000 /* ms: holds, retransmissions and proxies end */

struct sim *stage;
const struct lladdr mobile_lladdr = { .len = 6, .octet = { 2, 0, 0, 0, 9, 9 } };
const struct lladdr stranger_lladdr = { .len = 6, .octet = { 2, 0, 0, 0, 6, 6 } };

static struct word words[WORDS];
static size_t words_n;
static unsigned messages;
static bool by_hand;
static const struct disturbance *disturbance;
static unsigned disturbed; /* this message; 0: none. Or the dice */
static struct timer restarting;
static usec_t start;
static uint64_t counters_before[FMIP6_COUNTERS];
static struct hack other_hack;
static struct fback other_fback;
static bool has_other_hack, has_other_fback;

/* ---- what is sent ---- */

int word_read(struct word *w)
{
	int rc = 0;
	switch (w->kind) {
	case SIM_RTSOLPR:
		rc = rtsolpr_parse(w->octets, w->len, 6, &w->rtsolpr);
		break;
	case SIM_PRRTADV:
		rc = prrtadv_parse(w->octets, w->len, 6, &w->prrtadv);
		break;
	case SIM_FBU:
		rc = fbu_parse(w->octets, w->len, &w->fbu);
		break;
	case SIM_FBACK:
		rc = fback_parse(w->octets, w->len, &w->fback);
		break;
	case SIM_HI:
		rc = hi_parse(w->octets, w->len, &w->hi);
		break;
	case SIM_HACK:
		rc = hack_parse(w->octets, w->len, &w->hack);
		break;
	case SIM_UNA:
		rc = nd_na_parse(w->octets, w->len, 6, &w->una);
		break;
	case SIM_NAACK:
		rc = naack_parse(w->octets, w->len, 6, &w->naack);
		break;
	case SIM_PROBE:
	case SIM_NA:
	case SIM_ECHO:
	case SIM_DATA:
	case SIM_KINDS:
		break;
	}
	return rc;
}

static const struct word *record(const struct sim_message *m)
{
	struct word *w = &words[words_n < WORDS ? words_n++ : WORDS - 1];
	free((void *)(uintptr_t)w->octets);
	uint8_t *octets = malloc(m->len ? m->len : 1);
	assert(octets);
	memcpy(octets, m->data, m->len);
	*w = (struct word){ .kind = m->kind, .by_hand = by_hand, .at = now(), .router = m->router, .src = m->src, .dst = m->dst,
		            .home = m->home, .octets = octets, .len = m->len };
	int rc = word_read(w);
	assert(rc == 0 || by_hand);
	return w;
}

static uint32_t dice(void)
{
	static uint32_t state;
	if (messages == 1)
		state = disturbed;
	state = state * 1664525 + 1013904223;
	return state >> 16;
}

static struct sim_fate weather(void)
{
	uint32_t d = dice() % 20;
	return (struct sim_fate){ .lost = d < 2, .twice = d == 2 || d == 3, .late = d == 4 ? 30 * USEC_MSEC : d == 5 ? 400 * USEC_MSEC : 0 };
}

static void restart_now(struct timer *t, void *arg)
{
	sim_restart_router(stage, disturbance->restarts);
}

static struct sim_fate fate_of(unsigned message)
{
	struct sim_fate none = { 0 };
	if (disturbance->weather)
		return weather();
	if (message != disturbed)
		return none;
	if (disturbance->restarts) { /* not at once: the router may be the one that is just sending */
		timer_after(&restarting, 0);
		return none;
	}
	return disturbance->fate;
}

struct in6_addr coa_of(const struct word *w)
{
	return w->fbu.lifetime == 0 ? w->home : addr_is_zero(&w->fbu.ncoa) ? w->src : w->fbu.ncoa;
}

static bool in_his_stead(const struct sim_message *m)
{
	if (by_hand)
		return false;
	if (m->kind == SIM_HACK && has_other_hack) {
		struct hack h = other_hack, real;
		hack_parse(m->data, m->len, &real);
		h.seq = real.seq;
		put_hack(m->src.s6_addr[15], m->dst.s6_addr[15], h);
		return true;
	}
	if (m->kind == SIM_FBACK && has_other_fback) {
		struct fback f = other_fback, real;
		fback_parse(m->data, m->len, &real);
		f.seq = real.seq;
		struct in6_addr asked = coa_of(last(SIM_FBU));
		put_fback(m->router, m->dst.s6_addr[5], f.status == FBACK_USE_ALTERNATE ? f.ncoa : asked, f);
		return true;
	}
	return false;
}

static struct sim_fate message_sent(struct sim *s, const struct sim_message *m)
{
	if (m->kind == SIM_ECHO && m->len == 0)
		return (struct sim_fate){ 0 };
	if (in_his_stead(m))
		return (struct sim_fate){ .lost = true };
	messages++;
	const struct word *w = record(m);
	if (!by_hand)
		judge_sent(w);
	return fate_of(messages);
}

/* ---- life ---- */

void stage_open(unsigned message, const struct disturbance *d)
{
	static struct sim_eyes eyes;
	eyes = judge_eyes;
	eyes.sent = message_sent;
	disturbed = message;
	disturbance = d;
	messages = 0;
	by_hand = has_other_hack = has_other_fback = false;
	sentence_begin(message == 0);
	stage = sim_create();
	timer_init(&restarting, sim_loop(stage), restart_now, NULL);
	sim_pace(stage, 10 * USEC_MSEC);
	sim_traffic(stage, true);
	start = loop_now(sim_loop(stage));
	for (size_t i = 0; i < FMIP6_COUNTERS; i++)
		counters_before[i] = fmip6_counters[i].value;
	judge_open();
	if (message && (d->restarts || d->weather || d->fate.late > 100 * USEC_MSEC))
		judge_disturbed();
	sim_watch(stage, &eyes);
}

bool stage_close(const char *scenario)
{
	pass(100);
	sim_traffic(stage, false);
	pass(REST);
	judge_close();
	bool good = !sentence_failed() && !judge_faults();
	if (!good)
		fprintf(stderr, "%s, message %u %s\n", scenario, disturbed, disturbed ? disturbance->name : "undisturbed");
	timer_stop(&restarting);
	sim_watch(stage, NULL);
	sim_destroy(stage);
	while (words_n) {
		free((void *)(uintptr_t)words[--words_n].octets);
		words[words_n].octets = NULL;
	}
	return good;
}

unsigned stage_sent(void)
{
	return messages;
}

void pass(unsigned ms)
{
	sim_run(stage, ms * USEC_MSEC);
}

unsigned now(void)
{
	return (unsigned)((loop_now(sim_loop(stage)) - start) / USEC_MSEC);
}

/* ---- the mobile ---- */

void mobile_is_told(int link)
{
	bool taken = sim_request(stage, link) == 0;
	EXPECT(taken);
}

void mobile_leaves(void)
{
	sim_link(stage, 0);
}

void mobile_comes(int link)
{
	sim_link(stage, link);
}

void mobile_moves(int link)
{
	mobile_leaves();
	pass(20);
	mobile_comes(link);
}

void mobile_moves_announced(int link)
{
	(void)sim_request(stage, link);
	pass(50);
	mobile_moves(link);
}

bool mobile_is(enum mn_state s)
{
	return mn_state(sim_mn(stage)) == s;
}

bool mobile_uses(struct in6_addr a)
{
	const struct mn_place *here = mn_here(sim_mn(stage));
	return here && addr_eq(&here->coa, &a);
}

struct in6_addr address(int link, uint8_t host)
{
	struct in6_addr a = AT(link);
	a.s6_addr[15] = host;
	return a;
}

bool is(struct in6_addr a, struct in6_addr b)
{
	return addr_eq(&a, &b);
}

/* ---- by hand ---- */

void put_octets(enum sim_kind k, int router, struct in6_addr src, struct in6_addr home, const uint8_t *octets, size_t len)
{
	bool between = k == SIM_HI || k == SIM_HACK;
	by_hand = true;
	sim_put(stage, &(struct sim_message){ .kind = k, .router = router, .src = src, .home = home, .data = octets, .len = len,
	                                      .dst = between ? sim_neighbor(router) : sim_router(router) });
	by_hand = false;
}

static void put(enum sim_kind k, int router, struct in6_addr src, struct in6_addr home, const uint8_t *octets, int len)
{
	assert(len > 0);
	put_octets(k, router, src, home, octets, (size_t)len);
}

static void key_of(const struct in6_addr *pcoa, struct badf_key *out)
{
	memset(out, pcoa->s6_addr[5], sizeof *out);
}

bool key_verifies(const struct in6_addr *pcoa, const struct in6_addr *coa, const struct in6_addr *par, const uint8_t *octets, size_t len)
{
	struct badf_key key;
	key_of(pcoa, &key);
	return badf_verify(&key, coa, par, octets, len);
}

void put_rtsolpr(struct rtsolpr m)
{
	uint8_t out[FMIP6_MESSAGE_MAX];
	put(SIM_RTSOLPR, PAR, AT(PAR), in6addr_any, out, rtsolpr_pack(&m, out, sizeof out));
}

void put_prrtadv(int router, struct prrtadv m)
{
	uint8_t out[FMIP6_MESSAGE_MAX];
	put(SIM_PRRTADV, router, in6addr_any, in6addr_any, out, prrtadv_pack(&m, out, 288));
}

void put_fbu(int router, struct in6_addr src, struct in6_addr home, struct fbu m)
{
	uint8_t out[128];
	struct badf_key key;
	struct in6_addr par = sim_router(router), coa = m.lifetime == 0 ? home : addr_is_zero(&m.ncoa) ? src : m.ncoa;
	int n = fbu_pack(&m, out, sizeof out);
	key_of(&home, &key);
	if (m.has_badf)
		badf_sign(&key, &coa, &par, out, (size_t)n);
	put(SIM_FBU, router, src, home, out, n);
}

void put_fback(int par, int link, struct in6_addr coa, struct fback m)
{
	uint8_t out[128];
	struct badf_key key;
	struct in6_addr src = sim_router(par), pcoa = AT(par);
	int n = fback_pack(&m, out, sizeof out);
	key_of(&pcoa, &key);
	if (m.has_badf)
		badf_sign(&key, &coa, &src, out, (size_t)n);
	by_hand = true;
	sim_put(stage, &(struct sim_message){ .kind = SIM_FBACK, .router = link, .src = src, .dst = AT(link), .data = out, .len = (size_t)n });
	by_hand = false;
}

void put_hi(int from, int to, struct hi m)
{
	uint8_t out[128];
	put(SIM_HI, to, sim_neighbor(from), in6addr_any, out, hi_pack(&m, out, sizeof out));
}

void put_hack(int from, int to, struct hack m)
{
	uint8_t out[128];
	put(SIM_HACK, to, sim_neighbor(from), in6addr_any, out, hack_pack(&m, out, sizeof out));
}

void put_una(int router, struct in6_addr src, struct nd_na m)
{
	uint8_t out[64];
	put(SIM_UNA, router, src, in6addr_any, out, nd_na_pack(&m, out, sizeof out));
}

void put_naack(int router, struct naack m)
{
	uint8_t out[96];
	put(SIM_NAACK, router, in6addr_any, in6addr_any, out, naack_pack(&m, out, sizeof out));
}

struct fbu fbu_to(int link, uint16_t seq)
{
	return (struct fbu){ .seq = seq, .flags = FBU_ACK | FBU_HOME, .lifetime = 60, .ncoa = AT(link), .lladdr = mobile_lladdr,
		             .has_badf = true, .badf = { .spi = BADF_SPI_CONFIGURED } };
}

struct hi hi_for(int link, uint16_t seq)
{
	return (struct hi){ .seq = seq, .flags = HI_BUFFER, .lladdr = mobile_lladdr, .pcoa = AT(PAR), .ncoa = AT(link) };
}

struct tuple tuple_of(int link)
{
	struct in6_addr router = sim_router(link);
	return (struct tuple){ .code = LLA_NEW_AP, .ap = sim_ap(link), .router = router, .has_prefix = true, .prefix = prefix_of(&router, 64),
		               .router_lladdr = { .len = 6, .octet = { 2, 0, 0, 0, 1, (uint8_t)link } } };
}

void hack_instead(struct hack m)
{
	other_hack = m;
	has_other_hack = true;
	judge_answers_are_not_due();
}

void fback_instead(struct fback m)
{
	other_fback = m;
	has_other_fback = true;
}

/* ---- what was sent ---- */

const struct word *sent(enum sim_kind k, unsigned n)
{
	static const struct word none;
	for (size_t i = 0; i < words_n; i++)
		if (words[i].kind == k && !--n)
			return &words[i];
	return &none;
}

unsigned times_sent(enum sim_kind k)
{
	unsigned n = 0;
	for (size_t i = 0; i < words_n; i++)
		n += words[i].kind == k;
	return n;
}

unsigned count(enum sim_kind k, int router, bool hand)
{
	unsigned n = 0;
	for (size_t i = 0; i < words_n; i++)
		n += words[i].kind == k && words[i].router == router && words[i].by_hand == hand;
	return n;
}

const struct word *last(enum sim_kind k)
{
	return sent(k, times_sent(k) ? times_sent(k) : 1);
}

uint64_t counted(int counter)
{
	return fmip6_counters[counter].value - counters_before[counter];
}

bool flows(void)
{
	struct sim_traffic_result before, after;
	pass(100);
	before = sim_result(stage);
	pass(200);
	after = sim_result(stage);
	return after.received > before.received + 15;
}
