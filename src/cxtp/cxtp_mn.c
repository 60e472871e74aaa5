#include "cxtp/cxtp_mn.h"

#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "cxtp/cxtp_count.h"
#include "cxtp/cxtp_token.h"

#define SEQUENCES 32 /* remembered, so that none is drawn again too soon */
#define DRAWS_MAX 16

struct cxtp_mn {
	struct loop *loop;
	const struct cxtp_params *params;
	const struct cxtp_mn_ops *ops;
	void *arg;
	enum cxtp_mn_state state;
	struct cxtp_move move;
	uint32_t seq, token;
	struct {
		struct in6_addr addr, router;
		uint32_t seq; /* 0: none, or it has served */
	} home; /* what this router and we share: how the next sequence number is found (cxtp_token.h) */
	usec_t prepared; /* when the sequence number was drawn for a move announced */
	usec_t first;    /* first CTAR to the new router */
	usec_t interval; /* until the next repetition */
	struct timer timer;
	struct {
		uint32_t seq;
		usec_t until;
	} used[SEQUENCES];
	size_t next_used;
	struct bucket lines;
};

static void retry_timer(struct timer *t, void *arg);

struct cxtp_mn *cxtp_mn_create(struct loop *l, const struct cxtp_params *params, const struct cxtp_mn_ops *ops, void *arg)
{
	struct cxtp_mn *n = calloc(1, sizeof *n);
	if (!n)
		return NULL;
	n->loop = l;
	n->params = params;
	n->ops = ops;
	n->arg = arg;
	timer_init(&n->timer, l, retry_timer, n);
	bucket_init(&n->lines, 5, 20);
	return n;
}

void cxtp_mn_destroy(struct cxtp_mn *n)
{
	if (!n)
		return;
	timer_stop(&n->timer);
	free(n);
}

enum cxtp_mn_state cxtp_mn_state(const struct cxtp_mn *n)
{
	return n->state;
}

static bool used_lately(const struct cxtp_mn *n, uint32_t seq)
{
	for (size_t i = 0; i < SEQUENCES; i++)
		if (n->used[i].until > loop_now(n->loop) && n->used[i].seq == seq)
			return true;
	return false;
}

/* The sequence number that our router foresees, once; else, or if it cannot be had, one at random. */
static uint32_t next_sequence(struct cxtp_mn *n, const struct secret *master)
{
	uint32_t seq, s = n->home.seq;
	n->home.seq = 0;
	if (s && addr_eq(&n->home.addr, &n->move.pcoa) && addr_eq(&n->home.router, &n->move.par) &&
	    !cxtp_sequence(master, &n->move.pcoa, &n->move.par, &n->move.nar, s, &seq))
		return seq;
	return n->ops->random(n->arg);
}

/* A sequence number and the token that goes with it. False: no key is configured. */
static bool draw(struct cxtp_mn *n)
{
	const struct secret *master = n->ops->master(&n->move.pcoa, n->arg);
	uint8_t key[CXTP_KEY_LEN];
	bool ok = false;
	for (int i = 0; master && !ok && i < DRAWS_MAX; i++) {
		n->seq = next_sequence(n, master);
		/* 0 names no CTAR in a CT-Req, and a token of 0 is none. */
		ok = n->seq && !used_lately(n, n->seq) && !cxtp_key(master, &n->move.pcoa, &n->move.par, n->seq, key) &&
		     !cxtp_token(key, sizeof key, &n->move.pcoa, n->seq, NULL, 0, &n->token) && n->token;
		secret_wipe(key, sizeof key);
	}
	if (!ok) {
		cxtp_count(CXTP_NO_KEY);
		log_limited(&n->lines, loop_now(n->loop), LOG_LEVEL_WARNING, "cxtp",
		            "contexts will not be transferred mobile=%s reason=no-key-configured", ADDR(&n->move.pcoa));
		return false;
	}
	n->used[n->next_used].seq = n->seq;
	n->used[n->next_used].until = loop_now(n->loop) + n->params->sequence_reuse;
	n->next_used = (n->next_used + 1) % SEQUENCES;
	return true;
}

/* A CTAR to the router we are at, naming the other one. */
static void send_ctar(struct cxtp_mn *n, const struct in6_addr *from, const struct in6_addr *to, const struct in6_addr *named,
                      bool acknowledge)
{
	struct cxtp_message m = { .type = CXTP_CTAR, .flag = acknowledge, .mobile = n->move.pcoa, .router = *named, .seq = n->seq,
		                  .token = n->token };
	struct cxtp_link link = { .peer = *to, .local = *from, .ifindex = n->move.ifindex };
	uint8_t out[64];
	size_t len = cxtp_pack(&m, out, sizeof out);
	int err = len ? n->ops->send(&link, out, len, n->arg) : -1;
	cxtp_count(err ? CXTP_SEND_FAILED : CXTP_CTAR_SENT);
	if (err)
		log_limited(&n->lines, loop_now(n->loop), LOG_LEVEL_WARNING, "cxtp", "CTAR not sent mobile=%s peer=%s error=%d",
		            ADDR(&n->move.pcoa), ADDR(to), -err);
}

static bool same_move(const struct cxtp_mn *n, const struct cxtp_move *move)
{
	return addr_eq(&n->move.pcoa, &move->pcoa) && addr_eq(&n->move.nar, &move->nar);
}

static bool usable(struct cxtp_mn *n, const struct cxtp_move *move)
{
	if (!addr_is_zero(&move->pcoa) && !addr_is_zero(&move->par) && !addr_is_zero(&move->nar) && !addr_eq(&move->par, &move->nar))
		return true;
	cxtp_count(CXTP_UNKNOWN_ROUTER);
	log_limited(&n->lines, loop_now(n->loop), LOG_LEVEL_NOTICE, "cxtp",
	            "contexts will not be transferred mobile=%s from=%s to=%s reason=routers-not-known", ADDR(&move->pcoa),
	            ADDR(&move->par), ADDR(&move->nar));
	return false;
}

/* One movement at a time: a new one takes the place of what has not ended. */
static void supersede(struct cxtp_mn *n)
{
	enum cxtp_mn_state was = n->state;
	timer_stop(&n->timer);
	n->state = CXTP_MN_IDLE;
	if (was != CXTP_MN_IDLE)
		n->ops->end(&n->move.pcoa, &n->move.nar, HANDOVER_CANCELLED, "another movement began", n->arg);
}

void cxtp_mn_prepare(struct cxtp_mn *n, const struct cxtp_move *move)
{
	bool again = n->state == CXTP_MN_PREPARED && same_move(n, move);
	if (!again) {
		supersede(n);
		if (!usable(n, move))
			return;
		n->move = *move;
		if (!draw(n))
			return;
		n->state = CXTP_MN_PREPARED;
		n->prepared = loop_now(n->loop);
	}
	send_ctar(n, &n->move.pcoa, &n->move.par, &n->move.nar, false);
	if (!again)
		n->ops->mark(&n->move.pcoa, STEP_CTAR_PAR, loop_now(n->loop), n->arg);
}

static void give_up(struct cxtp_mn *n)
{
	struct cxtp_move m = n->move;
	n->state = CXTP_MN_IDLE;
	cxtp_count(CXTP_TRANSFERS_FAILED);
	LOG_NOTICE("cxtp", "no answer to CTAR mobile=%s peer=%s waited=%llums", ADDR(&m.pcoa), ADDR(&m.nar),
	           (unsigned long long)((loop_now(n->loop) - n->first) / USEC_MSEC));
	n->ops->done(&m.pcoa, &m.ncoa, false, n->arg);
	n->ops->end(&m.pcoa, &m.nar, HANDOVER_FAILED, "the new router did not answer the CTAR", n->arg);
}

static void arm(struct cxtp_mn *n)
{
	usec_t last = n->first + n->params->retry_max, next = loop_now(n->loop) + n->interval;
	timer_at(&n->timer, next < last ? next : last);
	n->interval *= 2;
}

static void retry_timer(struct timer *t, void *arg)
{
	struct cxtp_mn *n = arg;
	if (loop_now(n->loop) >= n->first + n->params->retry_max) {
		give_up(n);
		return;
	}
	send_ctar(n, &n->move.ncoa, &n->move.nar, &n->move.par, true);
	arm(n);
}

void cxtp_mn_attached(struct cxtp_mn *n, const struct cxtp_move *move)
{
	/* Back where it was: everything is still there. */
	if (addr_eq(&move->pcoa, &move->ncoa)) {
		supersede(n);
		return;
	}
	if (n->state == CXTP_MN_WAITING && same_move(n, move) && addr_eq(&n->move.ncoa, &move->ncoa))
		return;
	/* §3.2: the sequence number of the CTAR to the previous router, while what that one sent still waits. */
	bool announced = n->state == CXTP_MN_PREPARED && loop_now(n->loop) - n->prepared < n->params->context_lifetime;
	if (announced && addr_eq(&n->move.pcoa, &move->pcoa)) {
		n->move.ncoa = move->ncoa;
		n->move.ifindex = move->ifindex;
		if (!addr_is_zero(&move->nar))
			n->move.nar = move->nar;
	} else {
		struct cxtp_move fresh = *move;
		if (n->state == CXTP_MN_PREPARED && addr_eq(&n->move.pcoa, &move->pcoa) && addr_is_zero(&move->nar))
			fresh.nar = n->move.nar;
		supersede(n);
		if (!usable(n, &fresh))
			return;
		n->move = fresh;
		if (!draw(n))
			return;
	}
	n->state = CXTP_MN_WAITING;
	n->first = loop_now(n->loop);
	n->interval = n->params->request_retry;
	send_ctar(n, &n->move.ncoa, &n->move.nar, &n->move.par, true);
	n->ops->mark(&n->move.pcoa, STEP_CTAR_NAR, n->first, n->arg);
	arm(n);
}

void cxtp_mn_ctaa(struct cxtp_mn *n, const struct cxtp_link *from, const struct cxtp_message *m)
{
	struct cxtp_move move = n->move;
	cxtp_count(CXTP_CTAA_RECEIVED);
	if (n->state != CXTP_MN_WAITING || !addr_eq(&m->mobile, &move.pcoa)) {
		cxtp_count(CXTP_UNEXPECTED);
		return;
	}
	if (!addr_eq(&from->peer, &move.nar)) {
		cxtp_count(CXTP_WRONG_SOURCE);
		log_limited(&n->lines, loop_now(n->loop), LOG_LEVEL_NOTICE, "cxtp", "CTAA refused mobile=%s peer=%s expected=%s",
		            ADDR(&move.pcoa), ADDR(&from->peer), ADDR(&move.nar));
		return;
	}
	bool complete = m->statuses_len == 0;
	timer_stop(&n->timer);
	n->state = CXTP_MN_IDLE;
	n->home.addr = move.ncoa;
	n->home.router = move.nar;
	n->home.seq = n->seq;
	n->ops->mark(&move.pcoa, STEP_CTAA, loop_now(n->loop), n->arg);
	struct rd r = rd_make(m->statuses, m->statuses_len);
	for (struct cxtp_status s; cxtp_status_next(&r, &s);) {
		n->ops->context(&move.pcoa, s.fpt, s.status, n->arg);
		LOG_NOTICE("cxtp", "context not transferred mobile=%s peer=%s fpt=%u status=%u", ADDR(&move.pcoa), ADDR(&move.nar), s.fpt,
		           s.status);
	}
	cxtp_count(complete ? CXTP_TRANSFERS_COMPLETE : CXTP_TRANSFERS_INCOMPLETE);
	n->ops->done(&move.pcoa, &move.ncoa, complete, n->arg);
	n->ops->end(&move.pcoa, &move.nar, complete ? HANDOVER_COMPLETE : HANDOVER_FAILED,
	            complete ? "" : "some contexts were not transferred", n->arg);
}
