/*
 * The judge of every run of every scenario, disturbed or not. What must hold whatever was lost:
 *
 *  1. Contexts are put in force only at a router to which a CTAR with a right token came, from the address they are installed
 *     for; and no block of them twice under one token, there or at another router, unless a router that had a part in it has
 *     lost its memory in a restart.
 *  2. Keys: a previous router holds one no longer than CT_MAX_TRANSFER_TIME after it was last asked or told; a new router no
 *     longer than context_lifetime after the push, and none once contexts are installed; in the end there is none.
 *  3. What a CTAA does not list as failed is in force. What a CTDR calls a success is, and S says that all are.
 *  4. A previous router forgets a mobile only when a new router has told it so.
 *  5. A mobile that moved hears of its end, and if it hears that all is well, it is.
 *  6. While a previous router has a transfer of a mobile outstanding it begins no other, unless the one was begun for a router
 *     that had no token yet.
 *  7. Every transfer ends, and nothing is kept after it.
 */
#include <stdio.h>
#include <string.h>

#include "cxtp/cxtp_token.h"
#include "rfc4067.h"

#define CTARS 64
#define BLOCKS 256

/* A CTAR with a right token, as it came to a new router. */
static struct shown {
	enum sim_router at;
	struct in6_addr pcoa, from;
	uint32_t seq;
	uint8_t request[64];
	size_t len;
	bool nothing; /* the router it names has forgotten the mobile */
} shown[CTARS];
static size_t shown_n;

static struct installed {
	enum sim_router at;
	struct in6_addr pcoa;
	uint32_t seq;
	uint16_t fpt;
	uint8_t status;
	bool gone; /* with a restart */
} installed[BLOCKS];
static size_t installed_n;

static struct {
	usec_t stimulus, push; /* last */
	bool ctdr;             /* came */
	unsigned released;
	usec_t released_at;
	bool tokenless, begun_tokenless; /* last asked without a token; and what is outstanding was so begun */
	struct cxtp_par_view was;
} routers[SIM_ROUTERS];

static unsigned faults, mobile_told;
static unsigned fewest, most; /* groups that the mobile had at any time */
static bool mobile_all, amnesia;
static struct cxtp_status mobile_statuses[8];
static size_t mobile_statuses_n;

static void broken(const char *rule)
{
	fprintf(stderr, "at %llu ms: %s\n", (unsigned long long)(loop_now(stage.loop) / USEC_MSEC - 1000000), rule);
	faults++;
}

static void must(bool holds, const char *rule)
{
	if (!holds)
		broken(rule);
}

void judge_open(void)
{
	shown_n = installed_n = mobile_statuses_n = 0;
	faults = mobile_told = 0;
	mobile_all = amnesia = false;
	fewest = most = stage.collects;
	memset(routers, 0, sizeof routers);
}

unsigned judge_faults(void)
{
	return faults;
}

void judge_restarted(enum sim_router which)
{
	amnesia = true;
	for (size_t i = 0; i < installed_n; i++)
		installed[i].gone |= installed[i].at == which;
}

void judge_answered(enum sim_router at, uint8_t status)
{
	for (size_t i = 0; i < installed_n; i++)
		if (installed[i].at == at && installed[i].status == FEATURE_PENDING)
			installed[i].status = status;
}

void judge_stimulus(enum sim_router at)
{
	routers[at].stimulus = loop_now(stage.loop);
}

static bool right_token(const struct cxtp_message *m)
{
	uint8_t key[CXTP_KEY_LEN];
	return !cxtp_key(stage.master, &m->mobile, &m->router, m->seq, key) &&
	       cxtp_token_ok(key, sizeof key, &m->mobile, m->seq, m->blocks, m->blocks_len, m->token);
}

static bool names_who_forgot(const struct cxtp_message *m)
{
	for (int i = 0; i < SIM_ROUTERS; i++)
		if (addr_eq(&m->router, &stage.routers[i].on_link))
			return stage.gone[i] && !addr_eq(&m->mobile, &stage.second);
	return false;
}

static void arrived(struct sim *s, enum sim_router at, const struct in6_addr *from, const struct cxtp_message *m)
{
	if (m->type == CXTP_CTAR || m->type == CXTP_CTREQ)
		judge_stimulus(at);
	if (m->type == CXTP_CTREQ)
		routers[at].tokenless = m->token == 0;
	if (m->type == CXTP_PCTD)
		routers[at].push = loop_now(s->loop);
	if (m->type == CXTP_CTDR)
		routers[at].ctdr = true;
	if (m->type == CXTP_CTDR || m->type == CXTP_CTC)
		routers[at].was.outstanding = false; /* the next may begin in the same moment */
	if (m->type != CXTP_CTAR || addr_eq(from, &m->mobile) || !right_token(m) || shown_n == CTARS ||
	    m->blocks_len > sizeof shown[0].request)
		return;
	for (struct shown *c = shown; c < shown + shown_n; c++)
		if (c->at == at && addr_eq(&c->pcoa, &m->mobile) && addr_eq(&c->from, from) && c->seq == m->seq && c->len == m->blocks_len)
			return; /* a repetition */
	struct shown *c = &shown[shown_n++];
	*c = (struct shown){ .at = at, .pcoa = m->mobile, .from = *from, .seq = m->seq, .len = m->blocks_len,
		             .nothing = names_who_forgot(m) };
	if (c->len)
		memcpy(c->request, m->blocks, c->len);
}

/* The last CTAR before `end` that came to this router for this mobile; NULL: none. */
static const struct shown *shown_at(enum sim_router at, const struct in6_addr *pcoa, size_t end)
{
	while (end--)
		if (shown[end].at == at && addr_eq(&shown[end].pcoa, pcoa))
			return &shown[end];
	return NULL;
}

/* Blocks of that feature in force there, under that token; ever: or that were so before a restart. */
static unsigned blocks_at(enum sim_router at, const struct in6_addr *pcoa, uint32_t seq, uint16_t fpt, bool ever)
{
	unsigned n = 0;
	for (const struct installed *b = installed; b < installed + installed_n; b++)
		n += (ever || !b->gone) && b->at == at && addr_eq(&b->pcoa, pcoa) && b->seq == seq && b->fpt == fpt && b->status == 0;
	return n;
}

static void see_groups(void)
{
	fewest = stage.collects < fewest ? stage.collects : fewest;
	most = stage.collects > most ? stage.collects : most;
}

/* Between that many blocks the mobile has of a feature. */
static unsigned blocks_of(uint16_t fpt, unsigned groups)
{
	return fpt == SIM_FPT_GROUPS ? groups : groups > 0;
}

static void installed_block(struct sim *s, enum sim_router at, const struct feature_subject *subject, uint16_t fpt, uint8_t status)
{
	const struct shown *c = shown_at(at, &subject->previous, shown_n);
	must(c && addr_eq(&c->from, &subject->addr), "contexts installed without a right token from where they go");
	if (!c || installed_n == BLOCKS)
		return;
	must(cxtp_requested(c->request, c->len, fpt), "a context installed that the token does not cover");
	see_groups();
	must(amnesia || blocks_at(at, &c->pcoa, c->seq, fpt, false) < blocks_of(fpt, most),
	     "a context installed twice under one token");
	for (const struct installed *b = installed; b < installed + installed_n; b++)
		must(amnesia || b->at == at || !addr_eq(&b->pcoa, &c->pcoa) || b->seq != c->seq,
		     "contexts installed at two routers under one token");
	installed[installed_n++] = (struct installed){ .at = at, .pcoa = c->pcoa, .seq = c->seq, .fpt = fpt, .status = status };
}

static bool in_force(const struct shown *c, uint16_t fpt, bool ever)
{
	see_groups();
	return c->nothing || !cxtp_requested(c->request, c->len, fpt) ||
	       blocks_at(c->at, &c->pcoa, c->seq, fpt, ever) >= blocks_of(fpt, fewest);
}

/* Some right CTAR that came there is answered truly by this. */
static void judge_ctaa(enum sim_router at, const struct cxtp_message *m)
{
	if (addr_eq(&m->mobile, &stage.at[at]) || addr_eq(&m->mobile, &stage.second))
		return; /* the previous router: they are on their way */
	for (size_t i = 0; i < shown_n; i++) {
		const struct shown *c = &shown[i];
		if (c->at == at && addr_eq(&c->pcoa, &m->mobile) &&
		    (status_in(m, SIM_FPT_GROUPS) != 255 || in_force(c, SIM_FPT_GROUPS, false)) &&
		    (status_in(m, SIM_FPT_OTHER) != 255 || in_force(c, SIM_FPT_OTHER, false)))
			return;
	}
	must(m->statuses_len != 0, "a CTAA says of contexts that they are in place, and they are not");
}

static void judge_ctdr(enum sim_router at, const struct cxtp_message *m)
{
	struct rd r = rd_make(m->statuses, m->statuses_len);
	bool all = true;
	for (struct cxtp_status s; cxtp_status_next(&r, &s);) {
		bool there = false;
		for (size_t i = 0; i < installed_n; i++)
			there |= installed[i].at == at && addr_eq(&installed[i].pcoa, &m->mobile) && installed[i].fpt == s.fpt &&
			         !installed[i].status;
		must(s.status || there, "a CTDR says of a context that it is in place, and it is not");
		all &= s.status == 0;
	}
	must(m->flag == all, "the S bit of a CTDR is not what its entries say");
}

static void sent_message(struct sim *s, const char *what, const struct in6_addr *from, const struct in6_addr *to, const void *msg,
                         size_t len)
{
	struct cxtp_message m;
	must(cxtp_parse(msg, len, &m) == CXTP_OK, "what is sent can be read");
	for (int i = 0; i < SIM_ROUTERS; i++) {
		if (m.type == CXTP_CTAA && addr_eq(from, &s->routers[i].on_link))
			judge_ctaa((enum sim_router)i, &m);
		if (m.type == CXTP_CTDR && addr_eq(from, &s->routers[i].address) && m.statuses_len)
			judge_ctdr((enum sim_router)i, &m);
	}
}

static void forgot(struct sim *s, enum sim_router at, const struct in6_addr *pcoa)
{
	must(routers[at].ctdr, "a mobile forgotten without a CTDR");
}

static void router_done(struct sim *s, enum sim_router at, const struct in6_addr *pcoa, bool complete)
{
	routers[at].released++;
	routers[at].released_at = loop_now(s->loop);
}

static void mobile_done(struct sim *s, const struct in6_addr *pcoa, const struct in6_addr *addr, bool complete)
{
	mobile_told++;
	mobile_all = complete;
	for (int i = 0; complete && i < SIM_ROUTERS; i++) {
		const struct shown *c = shown_at((enum sim_router)i, pcoa, shown_n);
		if (addr_eq(addr, &s->at[i]))
			must(c && in_force(c, SIM_FPT_GROUPS, true) && in_force(c, SIM_FPT_OTHER, true),
			     "the mobile is told that all is well, and it is not");
	}
}

static void mobile_context(struct sim *s, uint16_t fpt, uint8_t status)
{
	if (mobile_statuses_n < 8)
		mobile_statuses[mobile_statuses_n++] = (struct cxtp_status){ fpt, status };
}

const struct sim_eyes judge_eyes = { sent_message, arrived, installed_block, forgot, router_done, mobile_done, mobile_context };

/* Of the mobile that is at that router, or was. */
static void watch_transfer(enum sim_router at)
{
	struct cxtp_par_view now = { 0 }, was = routers[at].was;
	bool known = cxtp_par_of(stage.routers[at].par, &stage.at[at], &now);
	must(!known || !now.outstanding || !was.outstanding || now.seq == was.seq || routers[at].begun_tokenless,
	     "another transfer of a mobile begun while one is outstanding");
	if (!was.outstanding || now.seq != was.seq)
		routers[at].begun_tokenless = routers[at].tokenless;
	routers[at].was = now;
}

void judge_watch(void)
{
	see_groups();
	for (int i = 0; i < SIM_ROUTERS; i++) {
		usec_t now = loop_now(stage.loop);
		const struct sim_router_state *r = &stage.routers[i];
		must(!cxtp_par_keys(r->par) || now < routers[i].stimulus + stage.params.max_transfer_time,
		     "a previous router holds a key beyond the time of a transfer");
		must(!cxtp_nar_keys(r->nar) || now < routers[i].push + stage.params.context_lifetime,
		     "a new router holds a key beyond the time of a push");
		watch_transfer((enum sim_router)i);
	}
}

void judge_close(bool answer_due)
{
	must(!answer_due || mobile_told, "the mobile was not told how its move ended");
	for (int i = 0; i < SIM_ROUTERS; i++) {
		must(!keys_at((enum sim_router)i), "a key is left");
		must(!transfers_at((enum sim_router)i), "a transfer has not ended");
	}
	must(cxtp_counters[CXTP_HELD_OCTETS].value == 0, "contexts are left");
	must(secrets_live() == stage.secrets_before + 1, "a secret is left");
}

unsigned in_place(enum sim_router at)
{
	unsigned n = 0;
	for (size_t i = 0; i < installed_n; i++)
		n += !installed[i].gone && installed[i].at == at && !installed[i].status;
	return n;
}

unsigned told(void)
{
	return mobile_told;
}

bool told_all(void)
{
	return mobile_told && mobile_all;
}

uint8_t told_status(uint16_t fpt)
{
	for (size_t i = mobile_statuses_n; i--;)
		if (mobile_statuses[i].fpt == fpt)
			return mobile_statuses[i].status;
	return 0;
}

unsigned released(enum sim_router at)
{
	return routers[at].released;
}

unsigned when_released(enum sim_router at)
{
	return (unsigned)(routers[at].released_at / USEC_MSEC - 1000000);
}
