/* The words that scenarios of RFC 4067 are written in. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxtp/cxtp_token.h"
#include "rfc4067.h"

#define RECORDS 128
#define ENDLESS (3600 * USEC_SEC)

struct sim stage;

/* A message that was sent. */
struct record {
	const char *what;
	usec_t at;
	struct in6_addr to;
	uint8_t *octets;
	size_t len;
	struct cxtp_message m;
};
static struct record records[RECORDS];
static size_t records_n;

static const struct disturbance *disturbance;
static unsigned disturbed; /* this message; 0: none */
static struct timer restarting;
static enum sim_router here; /* where the mobile is */
static bool answer_due;     /* the mobile has moved, and must hear of it */
static usec_t start;
static uint64_t counters_before[CXTP_COUNTERS];

/* Not at once: the router may be the one that is just sending. */
static void restart_now(struct timer *t, void *arg)
{
	restart(disturbance->who);
}

static void record_sent(struct sim *s, const char *what, const struct in6_addr *from, const struct in6_addr *to, const void *msg,
                        size_t len)
{
	judge_eyes.sent(s, what, from, to, msg, len);
	if (disturbance->restarts && s->sent + 1 == disturbed)
		timer_after(&restarting, 0);
	if (records_n == RECORDS)
		return;
	struct record *r = &records[records_n++];
	*r = (struct record){ .what = what, .at = loop_now(s->loop), .to = *to, .octets = malloc(len), .len = len };
	assert(r->octets);
	memcpy(r->octets, msg, len);
	enum cxtp_error e = cxtp_parse(r->octets, len, &r->m);
	assert(e == CXTP_OK);
}

/* Time and counts begin. */
static void begin(void)
{
	start = loop_now(stage.loop);
	for (size_t i = 0; i < CXTP_COUNTERS; i++)
		counters_before[i] = cxtp_counters[i].value;
	judge_open();
}

void stage_open(bool v4, unsigned message, const struct disturbance *d)
{
	static struct sim_eyes eyes;
	eyes = judge_eyes;
	eyes.sent = record_sent;
	sim_open(&stage, v4);
	stage.inject_counts = stage.forgets = true;
	stage.params.request_retry = 2 * USEC_SEC; /* as §4 has it */
	disturbed = message;
	disturbance = d;
	if (d->weather) {
		stage.weather = message;
	} else if (!d->restarts) {
		stage.disturb.message = message;
		stage.disturb.fault = d->fault;
		stage.disturb.delay = d->delay;
	}
	timer_init(&restarting, stage.loop, restart_now, NULL);
	stage.eyes = &eyes;
	sentence_begin(message == 0);
	here = PAR;
	answer_due = false;
	begin();
}

bool stage_close(const char *scenario)
{
	settle();
	judge_close(answer_due);
	bool good = !sentence_failed() && !judge_faults();
	if (!good)
		fprintf(stderr, "%s, IPv%c, message %u %s: sent %s\n", scenario, addr_is_v4(&stage.pcoa) ? '4' : '6', disturbed,
		        disturbed ? disturbance->name : "undisturbed", stage.trace);
	sim_close(&stage);
	while (records_n)
		free(records[--records_n].octets);
	return good;
}

void at(unsigned ms)
{
	usec_t until = start + ms * USEC_MSEC;
	for (usec_t due; (due = loop_next_due(stage.loop)) <= until;) {
		loop_advance(stage.loop, due);
		judge_watch();
	}
	loop_advance(stage.loop, until);
	judge_watch();
}

void settle(void)
{
	for (usec_t due; (due = loop_next_due(stage.loop)) != UINT64_MAX;) {
		assert(due < start + ENDLESS);
		loop_advance(stage.loop, due);
		judge_watch();
	}
}

static struct cxtp_move move_to(enum sim_router to)
{
	return (struct cxtp_move){ .pcoa = stage.at[here], .ncoa = stage.at[to], .par = stage.routers[here].on_link,
		                   .nar = stage.routers[to].on_link };
}

void mobile_has_come(void)
{
	unsigned message = stage.disturb.message;
	uint32_t weather = stage.weather;
	stage.disturb.message = stage.weather = 0; /* that went well */
	sim_arrive(&stage);
	stage.disturb.message = message;
	stage.weather = weather;
	begin();
}

void mobile_restarts(void)
{
	sim_restart_mobile(&stage);
}

int par_foresees_one_of(enum sim_router a, enum sim_router b)
{
	const enum sim_router to[] = { a, b };
	judge_stimulus(PAR);
	return sim_trigger_par(&stage, to, a == b ? 1 : 2);
}

int par_foresees(enum sim_router to)
{
	return par_foresees_one_of(to, to);
}

int nar_foresees(enum sim_router router)
{
	return sim_trigger_nar(&stage, router);
}

void nar_wants_no_more(enum sim_router router)
{
	cxtp_nar_cancel(stage.routers[router].nar, &stage.pcoa, "said the scenario");
}

void mobile_announces(enum sim_router to)
{
	struct cxtp_move m = move_to(to);
	cxtp_mn_prepare(stage.mn, &m);
}

void mobile_moves(enum sim_router to)
{
	struct cxtp_move m = move_to(to);
	cxtp_mn_attached(stage.mn, &m);
	here = to;
	stage.gone[to] = false;
	answer_due = true;
}

void mobile_stays(void)
{
	struct cxtp_move m = move_to(here);
	cxtp_mn_attached(stage.mn, &m);
}

struct octets only(uint16_t fpt)
{
	static uint8_t block[8];
	memset(block, 0, sizeof block);
	block[0] = (uint8_t)(fpt >> 8);
	block[1] = (uint8_t)fpt;
	block[2] = 1;
	return (struct octets){ block, sizeof block };
}

struct octets both(uint16_t a, uint16_t b)
{
	static uint8_t blocks[16];
	memcpy(blocks, only(a).p, 8);
	memcpy(blocks + 8, only(b).p, 8);
	return (struct octets){ blocks, sizeof blocks };
}

static void key_for(const struct in6_addr *pcoa, uint32_t seq, uint8_t out[CXTP_KEY_LEN])
{
	int err = cxtp_key(stage.master, pcoa, &stage.routers[PAR].on_link, seq, out);
	assert(!err);
}

void key_of(uint32_t seq, uint8_t out[20])
{
	key_for(&stage.pcoa, seq, out);
}

void authorize(struct cxtp_message *m)
{
	uint8_t key[CXTP_KEY_LEN];
	key_for(&m->mobile, m->seq, key);
	int err = cxtp_token(key, sizeof key, &m->mobile, m->seq, m->blocks, m->blocks_len, &m->token);
	assert(!err);
}

struct cxtp_message ctar(uint32_t seq, struct octets request)
{
	struct cxtp_message m = { .type = CXTP_CTAR, .flag = true, .mobile = stage.pcoa, .seq = seq, .blocks = request.p,
		                  .blocks_len = request.len };
	authorize(&m);
	return m;
}

struct cxtp_message ctreq(uint32_t seq, struct octets request)
{
	struct cxtp_message m = ctar(seq, request);
	m.type = CXTP_CTREQ;
	m.flag = false;
	return m;
}

struct cxtp_message contexts(enum cxtp_type type, struct octets blocks)
{
	static uint8_t key[CXTP_KEY_LEN];
	key_of(7, key);
	return (struct cxtp_message){ .type = type, .flag = true, .mobile = stage.pcoa, .algorithm = CXTP_ALGORITHM_HMAC_SHA1, .key = key,
		                      .key_len = sizeof key, .blocks = blocks.p, .blocks_len = blocks.len };
}

struct cxtp_message word(enum cxtp_type type)
{
	return (struct cxtp_message){ .type = type, .flag = type == CXTP_CTDR, .mobile = stage.pcoa };
}

static void put_on_link(enum sim_router to, const struct in6_addr *from, struct cxtp_message *m)
{
	uint8_t out[2048];
	m->router = stage.routers[to == PAR ? NAR : PAR].on_link;
	size_t len = cxtp_pack(m, out, sizeof out);
	assert(len);
	sim_inject_ctar(&stage, to, from, out, len);
}

void mobile_sends(enum sim_router to, struct cxtp_message m)
{
	put_on_link(to, to == PAR ? &m.mobile : &stage.at[to], &m);
}

void stranger_sends(enum sim_router to, struct cxtp_message m)
{
	put_on_link(to, to == PAR ? &m.mobile : &stage.stranger, &m);
}

void router_sends(enum sim_router from, enum sim_router to, struct cxtp_message m)
{
	sim_inject(&stage, from, to, &m);
}

void restart(enum sim_router which)
{
	sim_restart(&stage, which);
	judge_restarted(which);
}

void feature_answers(enum sim_router router, uint8_t status)
{
	judge_answered(router, status);
	cxtp_nar_installed(stage.routers[router].nar, &stage.pcoa, SIM_FPT_OTHER, status, "so it said");
}

void stage_expect_sent(const char *trace, const char *file, int line)
{
	char what[512];
	snprintf(what, sizeof what, "was sent: %s", trace);
	sentence_expect(!strcmp(trace, stage.trace), what, file, line);
}

static const struct record *find(const char *what, unsigned n)
{
	static const struct record none;
	for (size_t i = 0; i < records_n; i++)
		if (!strcmp(records[i].what, what) && !--n)
			return &records[i];
	return &none;
}

const struct cxtp_message *sent(const char *what, unsigned n)
{
	return &find(what, n)->m;
}

struct octets octets_sent(const char *what, unsigned n)
{
	const struct record *r = find(what, n);
	return (struct octets){ r->octets, r->len };
}

unsigned times_sent(const char *what)
{
	unsigned n = 0;
	for (size_t i = 0; i < records_n; i++)
		n += !strcmp(records[i].what, what);
	return n;
}

unsigned when_sent(const char *what, unsigned n)
{
	const struct record *r = find(what, n);
	return r->what ? (unsigned)((r->at - start) / USEC_MSEC) : 0;
}

bool sent_to(const char *what, unsigned n, const struct in6_addr *to)
{
	return addr_eq(&find(what, n)->to, to);
}

size_t keys_at(enum sim_router router)
{
	return cxtp_par_keys(stage.routers[router].par) + cxtp_nar_keys(stage.routers[router].nar);
}

static void add_octets(const struct cxtp_par_view *v, void *arg)
{
	*(size_t *)arg += v->octets;
}

static void add_nar_octets(const struct cxtp_nar_view *v, void *arg)
{
	*(size_t *)arg += v->octets;
}

size_t octets_at(enum sim_router router)
{
	size_t n = 0;
	cxtp_par_each(stage.routers[router].par, add_octets, &n);
	cxtp_nar_each(stage.routers[router].nar, add_nar_octets, &n);
	return n;
}

static void add_one(const struct cxtp_par_view *v, void *arg)
{
	++*(unsigned *)arg;
}

static void add_nar_one(const struct cxtp_nar_view *v, void *arg)
{
	++*(unsigned *)arg;
}

unsigned transfers_at(enum sim_router router)
{
	unsigned n = 0;
	cxtp_par_each(stage.routers[router].par, add_one, &n);
	cxtp_nar_each(stage.routers[router].nar, add_nar_one, &n);
	return n;
}

uint64_t counted(enum cxtp_counter c)
{
	return cxtp_counters[c].value - counters_before[c];
}

uint8_t status_in(const struct cxtp_message *m, uint16_t fpt)
{
	struct rd r = rd_make(m->statuses, m->statuses_len);
	for (struct cxtp_status s; cxtp_status_next(&r, &s);)
		if (s.fpt == fpt)
			return s.status;
	return 255;
}
