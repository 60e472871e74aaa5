#include "cxtp/cxtp_nar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cxtp/cxtp_count.h"
#include "cxtp/cxtp_nar_private.h"
#include "cxtp/cxtp_token.h"

static void refuse(struct cxtp_nar *n, enum cxtp_counter c, const char *what, const struct in6_addr *mobile,
                   const struct in6_addr *peer, const char *reason)
{
	cxtp_refuse(c, loop_now(n->loop), what, mobile, peer, reason);
}

static bool send_message(struct cxtp_nar *n, const struct in6_addr *peer, const struct cxtp_message *m, enum cxtp_counter sent)
{
	size_t len = cxtp_pack(m, n->out, sizeof n->out);
	int err = len ? n->ops->send(peer, n->out, len, n->arg) : -EMSGSIZE;
	cxtp_count(err ? CXTP_SEND_FAILED : sent);
	if (err)
		log_limited(&n->lines, loop_now(n->loop), LOG_LEVEL_WARNING, "cxtp", "%s not sent mobile=%s peer=%s reason=\"%s\"",
		            cxtp_type_name(m->type), ADDR(&m->mobile), ADDR(peer), strerror(-err));
	return !err;
}

static void send_ctc(struct cxtp_nar *n, const struct in6_addr *pcoa, const struct in6_addr *par)
{
	struct cxtp_message m = { .type = CXTP_CTC, .mobile = *pcoa };
	if (send_message(n, par, &m, CXTP_CTC_SENT))
		n->ops->mark(pcoa, STEP_CTC, loop_now(n->loop), n->arg);
}

static void send_ctaa(struct cxtp_nar *n, const struct cxtp_link *to, const struct in6_addr *pcoa, const uint8_t *failed, size_t len)
{
	struct cxtp_message m = { .type = CXTP_CTAA, .mobile = *pcoa, .statuses = failed, .statuses_len = len };
	size_t size = cxtp_pack(&m, n->out, sizeof n->out);
	cxtp_count(CXTP_CTAA_SENT);
	n->ops->answer(to, n->out, size, n->arg);
}

static void send_ctdr(struct transfer *t)
{
	const struct request *q = &t->request;
	struct cxtp_message m = { .type = CXTP_CTDR, .flag = q->all, .mobile = t->pcoa, .statuses = q->came,
		                  .statuses_len = q->came_len };
	send_message(t->nar, &q->par, &m, CXTP_CTDR_SENT);
}

/* The request's fate is settled; it is kept for a while so that its repetitions are known and get the same answer. */
static void settle(struct transfer *t, const struct cxtp_contexts *c, bool installed)
{
	struct cxtp_nar *n = t->nar;
	struct request *q = &t->request;
	uint8_t entries[4 * CXTP_CONTEXTS_MAX];
	struct wr w = wr_make(entries, sizeof entries);
	cxtp_contexts_ctaa(c, &w);
	q->failed = cxtp_nar_hold(n, entries, w.len, SIZE_MAX);
	q->failed_len = q->failed ? w.len : 0;
	w = wr_make(entries, sizeof entries);
	q->all = cxtp_contexts_ctdr(c, &w);
	q->came = cxtp_nar_hold(n, entries, w.len, SIZE_MAX);
	q->came_len = q->came ? w.len : 0;
	q->state = REQUEST_DONE;
	q->installed = installed;
	timer_after(&q->timer, n->params->retry_max);
}

static void tell_timeline(struct transfer *t, const struct cxtp_contexts *c)
{
	for (size_t i = 0; i < c->n; i++)
		t->nar->ops->context(&t->pcoa, c->entries[i].fpt, c->entries[i].status, t->nar->arg);
}

static void tell_mobile(struct transfer *t)
{
	if (!t->request.acknowledge)
		return;
	send_ctaa(t->nar, &t->request.link, &t->pcoa, t->request.failed, t->request.failed_len);
	t->nar->ops->mark(&t->pcoa, STEP_CTAA, loop_now(t->nar->loop), t->nar->arg);
}

/* Every feature has spoken: word to both. */
static void conclude(struct transfer *t, const struct cxtp_contexts *c, bool acknowledge)
{
	struct cxtp_nar *n = t->nar;
	struct request *q = &t->request;
	struct in6_addr pcoa = t->pcoa, ncoa = q->link.peer, par = q->par;
	n->ops->mark(&pcoa, STEP_CONTEXTS, loop_now(n->loop), n->arg);
	settle(t, c, true);
	tell_timeline(t, c);
	if (acknowledge) {
		send_ctdr(t);
		n->ops->mark(&pcoa, STEP_CTDR, loop_now(n->loop), n->arg);
	}
	tell_mobile(t);
	cxtp_count(c->complete ? CXTP_TRANSFERS_COMPLETE : CXTP_TRANSFERS_INCOMPLETE);
	LOG_INFO("cxtp", "contexts in place mobile=%s address=%s peer=%s blocks=%zu complete=%s took=%lluus", ADDR(&pcoa), ADDR(&ncoa),
	         ADDR(&par), c->blocks, c->complete ? "yes" : "no", (unsigned long long)(loop_now(n->loop) - q->at));
	n->ops->done(&pcoa, &ncoa, c->complete, n->arg);
	n->ops->end(&pcoa, &par, c->complete ? HANDOVER_COMPLETE : HANDOVER_FAILED, c->complete ? "" : "some contexts are not in place",
	            n->arg);
}

/* Some features answer later. They get what a transfer may last; nobody waits longer. False: no memory. */
static bool wait_for_features(struct transfer *t, const struct cxtp_contexts *c, bool acknowledge)
{
	struct request *q = &t->request;
	q->installing = malloc(sizeof *c);
	if (!q->installing)
		return false;
	*q->installing = *c;
	q->reply = acknowledge;
	q->state = REQUEST_INSTALLING;
	timer_after(&q->timer, t->nar->params->max_transfer_time);
	return true;
}

static void stop_waiting(struct transfer *t)
{
	struct cxtp_contexts c = *t->request.installing;
	free(t->request.installing);
	t->request.installing = NULL;
	cxtp_contexts_overdue(&c, &t->pcoa);
	conclude(t, &c, t->request.reply);
}

void cxtp_nar_installed(struct cxtp_nar *n, const struct in6_addr *pcoa, uint16_t fpt, uint8_t status, const char *reason)
{
	struct transfer *t = cxtp_nar_transfer(n, pcoa);
	if (t && t->request.installing && cxtp_contexts_installed(t->request.installing, pcoa, fpt, status, reason) &&
	    !t->request.installing->pending_n)
		stop_waiting(t);
}

/* The token has passed, here or at the previous router: contexts into force. */
static void put_in_force(struct transfer *t, const uint8_t *blocks, size_t len, bool acknowledge)
{
	struct cxtp_nar *n = t->nar;
	struct request *q = &t->request;
	struct cxtp_contexts c;
	n->ops->arrived(&q->link.peer, &q->link.local, q->seq, n->arg);
	n->ops->install(&t->pcoa, &q->link, blocks, len, q->blocks, q->len, &c, n->arg);
	if (c.pending_n && wait_for_features(t, &c, acknowledge))
		return;
	cxtp_contexts_overdue(&c, &t->pcoa);
	conclude(t, &c, acknowledge);
}

/* The key has done its duty, and goes before anything else happens (RFC 4067 §6.3). */
static void take_push(struct transfer *t)
{
	struct push *p = &t->push;
	secret_unref(p->key);
	p->key = NULL;
	timer_stop(&p->timer);
	put_in_force(t, p->blocks, p->len, p->acknowledge);
	cxtp_nar_push_drop(t);
}

static bool token_passes(const struct secret *key, const struct in6_addr *pcoa, uint32_t seq, const uint8_t *blocks, size_t blocks_len,
                         uint32_t token)
{
	size_t len;
	const uint8_t *octets = secret_data(key, &len);
	return cxtp_token_ok(octets, len, pcoa, seq, blocks, blocks_len, token);
}

void cxtp_nar_push_timer(struct timer *timer, void *arg)
{
	struct transfer *t = arg;
	struct cxtp_nar *n = t->nar;
	struct in6_addr pcoa = t->pcoa, par = t->push.from;
	cxtp_count(CXTP_PUSHES_EXPIRED);
	LOG_INFO("cxtp", "pushed contexts wiped: their mobile did not come mobile=%s peer=%s limit=%llums", ADDR(&pcoa), ADDR(&par),
	         (unsigned long long)(n->params->context_lifetime / USEC_MSEC));
	cxtp_nar_push_drop(t);
	bool idle = t->request.state != REQUEST_SENT && t->request.state != REQUEST_INSTALLING;
	cxtp_nar_free_if_idle(t);
	if (!idle)
		return;
	send_ctc(n, &pcoa, &par);
	n->ops->end(&pcoa, &par, HANDOVER_CANCELLED, "the mobile did not come", n->arg);
}

void cxtp_nar_ahead_timer(struct timer *timer, void *arg)
{
	struct transfer *t = arg;
	struct cxtp_nar *n = t->nar;
	LOG_INFO("cxtp", "no contexts came before their mobile mobile=%s peer=%s limit=%llums", ADDR(&t->pcoa), ADDR(&t->ahead.par),
	         (unsigned long long)(n->params->max_transfer_time / USEC_MSEC));
	cxtp_nar_ahead_drop(t);
	cxtp_nar_free_if_idle(t);
}

void cxtp_nar_request_timer(struct timer *timer, void *arg)
{
	struct transfer *t = arg;
	struct cxtp_nar *n = t->nar;
	struct request *q = &t->request;
	if (q->state == REQUEST_DONE) {
		cxtp_nar_request_drop(t);
		cxtp_nar_free_if_idle(t);
		return;
	}
	if (q->state == REQUEST_INSTALLING) {
		stop_waiting(t);
		return;
	}
	struct in6_addr pcoa = t->pcoa, ncoa = q->link.peer, par = q->par;
	bool pushed = t->push.key;
	struct cxtp_contexts c;
	cxtp_count(CXTP_TRANSFERS_FAILED);
	log_limited(&n->lines, loop_now(n->loop), LOG_LEVEL_NOTICE, "cxtp",
	            "contexts given up mobile=%s peer=%s reason=no-answer limit=%llums", ADDR(&pcoa), ADDR(&par),
	            (unsigned long long)(n->params->max_transfer_time / USEC_MSEC));
	cxtp_contexts_fail(q->blocks, q->len, CXTP_STATUS_TIMEOUT, &c);
	settle(t, &c, false);
	/* While a push waits, whoever asked was not its mobile: nothing of that transfer is cancelled or over. */
	if (pushed) {
		if (q->acknowledge)
			send_ctaa(n, &q->link, &pcoa, q->failed, q->failed_len);
		return;
	}
	tell_timeline(t, &c);
	tell_mobile(t);
	send_ctc(n, &pcoa, &par);
	n->ops->done(&pcoa, &ncoa, false, n->arg);
	n->ops->end(&pcoa, &par, HANDOVER_FAILED, "the previous router did not send the contexts in time", n->arg);
}

/* Notes what the mobile asks for, in the place of what it asked earlier. */
static bool request_note(struct transfer *t, const struct cxtp_link *from, const struct cxtp_message *m)
{
	struct request *q = &t->request;
	cxtp_nar_request_drop(t);
	q->blocks = cxtp_nar_hold(t->nar, m->blocks, m->blocks_len, t->nar->params->memory);
	if (!q->blocks)
		return false;
	q->len = m->blocks_len;
	q->link = *from;
	q->seq = m->seq;
	q->token = m->token;
	q->acknowledge = m->flag;
	q->at = loop_now(t->nar->loop);
	return true;
}

static bool request_same(const struct request *q, const struct cxtp_message *m)
{
	return q->state != REQUEST_NONE && q->seq == m->seq && q->token == m->token && q->len == m->blocks_len &&
	       !memcmp(q->blocks, m->blocks, q->len);
}

/* §3.2: a repetition is ignored, except that the mobile hears again what became of the first, where it said it is. */
static void repeated(struct transfer *t, const struct cxtp_message *m)
{
	cxtp_count(CXTP_CTAR_REPEATED);
	if (t->request.state == REQUEST_DONE && m->flag)
		send_ctaa(t->nar, &t->request.link, &t->pcoa, t->request.failed, t->request.failed_len);
}

/* The CTAR's token, sequence number and blocks verbatim, to the router it names (§2.5.6). */
static void ask(struct cxtp_nar *n, const struct cxtp_link *from, const struct cxtp_message *m)
{
	struct in6_addr par;
	if (!n->ops->neighbor(&m->router, &m->mobile, &par, n->arg)) {
		struct cxtp_contexts c;
		uint8_t entries[4 * CXTP_CONTEXTS_MAX];
		struct wr w = wr_make(entries, sizeof entries);
		refuse(n, CXTP_UNKNOWN_ROUTER, "CTAR", &m->mobile, &m->router, "no-usable-neighbour");
		cxtp_contexts_fail(m->blocks, m->blocks_len, CXTP_STATUS_UNREACHABLE, &c);
		cxtp_contexts_ctaa(&c, &w);
		if (m->flag)
			send_ctaa(n, from, &m->mobile, entries, w.len);
		return;
	}
	struct transfer *t = cxtp_nar_get(n, &m->mobile);
	if (!t)
		return;
	struct cxtp_message out = { .type = CXTP_CTREQ, .mobile = m->mobile, .seq = m->seq, .token = m->token, .blocks = m->blocks,
		                    .blocks_len = m->blocks_len };
	/* A router that cannot be reached now may be reached when the mobile repeats: as if the CTAR had been lost. */
	if (!request_note(t, from, m) || !send_message(n, &par, &out, CXTP_CTREQ_SENT)) {
		cxtp_nar_request_drop(t);
		cxtp_nar_free_if_idle(t);
		return;
	}
	t->request.par = par;
	t->request.state = REQUEST_SENT;
	t->request.asked = loop_now(n->loop);
	timer_after(&t->request.timer, n->params->max_transfer_time);
	n->ops->mark(&t->pcoa, STEP_CTAR_NAR, t->request.at, n->arg);
	n->ops->mark(&t->pcoa, STEP_CTREQ, t->request.asked, n->arg);
}

/* A CTD does not say which request it answers: what one address asked for must not, given up or doubled, come to serve
 * another that asks right after it. */
static bool answer_may_be_late(const struct transfer *t, const struct in6_addr *asking)
{
	const struct request *q = &t->request;
	return q->state == REQUEST_DONE && !addr_eq(&q->link.peer, asking) &&
	       loop_now(t->nar->loop) - q->asked < 2 * t->nar->params->max_transfer_time;
}

void cxtp_nar_ctar(struct cxtp_nar *n, const struct cxtp_link *from, const struct cxtp_message *m)
{
	struct transfer *t = cxtp_nar_transfer(n, &m->mobile);
	struct in6_addr ncoa;
	/* Passed on, no token would ask the previous router for the key (§2.5.6). */
	if (m->token == 0) {
		refuse(n, CXTP_TOKEN_REFUSED, "CTAR", &m->mobile, &from->peer, "token");
		return;
	}
	/* The token does not cover the new address: one overheard on the old link must not serve another node here. */
	if (n->ops->expected(&m->mobile, &ncoa, n->arg) && !addr_eq(&ncoa, &from->peer)) {
		refuse(n, CXTP_WRONG_SOURCE, "CTAR", &m->mobile, &from->peer, "not-the-new-address-of-this-mobile");
		return;
	}
	/* With the key at hand a right token is known at once, and needs no limit of rate. */
	if (t && t->push.key && token_passes(t->push.key, &m->mobile, m->seq, m->blocks, m->blocks_len, m->token)) {
		if (t->request.state == REQUEST_INSTALLING)
			stop_waiting(t);
		if (!request_note(t, from, m))
			return;
		t->request.par = t->push.from;
		n->ops->mark(&t->pcoa, STEP_CTAR_NAR, t->request.at, n->arg);
		take_push(t);
		return;
	}
	if (!cxtp_rate_take(n->rate, from->ifindex, from->sender, loop_now(n->loop), n->ops->random(n->arg))) {
		refuse(n, CXTP_RATE_DROPPED, "CTAR", &m->mobile, &from->peer, "request-rate");
		return;
	}
	if (t && request_same(&t->request, m)) {
		repeated(t, m);
		return;
	}
	if (t && t->push.key)
		refuse(n, CXTP_TOKEN_REFUSED, "CTAR", &m->mobile, &from->peer, "token-is-not-of-the-pushed-contexts");
	/* RFC 4067 §6.3: one transfer of a mobile at a time. */
	if (t && (t->request.state == REQUEST_SENT || t->request.state == REQUEST_INSTALLING || answer_may_be_late(t, &from->peer))) {
		cxtp_count(CXTP_BUSY);
		return;
	}
	ask(n, from, m);
}

static void push_store(struct cxtp_nar *n, const struct in6_addr *peer, const struct cxtp_message *m, struct secret *key)
{
	struct transfer *t = cxtp_nar_get(n, &m->mobile);
	if (!t) {
		secret_unref(key);
		return;
	}
	cxtp_nar_push_drop(t);
	cxtp_nar_ahead_drop(t);
	t->push.blocks = cxtp_nar_hold(n, m->blocks, m->blocks_len, n->params->memory);
	if (!t->push.blocks) {
		secret_unref(key);
		if (t->request.state == REQUEST_NONE)
			send_ctc(n, &t->pcoa, peer); /* none will wait here for the mobile */
		cxtp_nar_free_if_idle(t);
		return;
	}
	t->push.len = m->blocks_len;
	t->push.key = key;
	t->push.from = *peer;
	t->push.acknowledge = m->flag;
	t->push.at = loop_now(n->loop);
	timer_after(&t->push.timer, n->params->context_lifetime);
	n->ops->mark(&t->pcoa, STEP_PCTD, t->push.at, n->arg);
	/* The mobile was here first: its token can be checked now. */
	struct request *q = &t->request;
	if (q->state == REQUEST_SENT && token_passes(key, &t->pcoa, q->seq, q->blocks, q->len, q->token)) {
		q->par = *peer;
		timer_stop(&q->timer);
		take_push(t);
	}
}

static void receive_push(struct cxtp_nar *n, const struct in6_addr *peer, const struct cxtp_message *m)
{
	struct transfer *t = cxtp_nar_transfer(n, &m->mobile);
	cxtp_count(CXTP_PCTD_RECEIVED);
	if (m->algorithm != CXTP_ALGORITHM_HMAC_SHA1 || m->key_len > SECRET_MAX) {
		refuse(n, CXTP_BAD_KEY_MATERIAL, "PCTD", &m->mobile, peer, "algorithm-or-key-length");
		return;
	}
	if (!n->ops->may_push(peer, &m->mobile, n->arg)) {
		refuse(n, CXTP_FOREIGN_MOBILE, "PCTD", &m->mobile, peer, "address-is-of-another-router");
		return;
	}
	if (t && t->push.key && !addr_eq(&t->push.from, peer)) {
		refuse(n, CXTP_WRONG_PEER, "PCTD", &m->mobile, peer, "another-router-pushed-before");
		return;
	}
	struct secret *key = secret_create(m->key, m->key_len);
	if (!key) {
		cxtp_count(CXTP_NO_ROOM);
		return;
	}
	/* Late, and of the transfer that is already done: the previous router only lacks the word. */
	bool served = t && (t->request.state == REQUEST_INSTALLING || (t->request.state == REQUEST_DONE && t->request.installed));
	if (served && addr_eq(&t->request.par, peer) &&
	    token_passes(key, &t->pcoa, t->request.seq, t->request.blocks, t->request.len, t->request.token)) {
		secret_unref(key);
		cxtp_count(CXTP_UNEXPECTED);
		if (m->flag && t->request.state == REQUEST_DONE)
			send_ctdr(t);
		return;
	}
	push_store(n, peer, m, key);
}

static void receive_answer(struct cxtp_nar *n, const struct in6_addr *peer, const struct cxtp_message *m)
{
	struct transfer *t = cxtp_nar_transfer(n, &m->mobile);
	cxtp_count(CXTP_CTD_RECEIVED);
	if (!t || t->request.state == REQUEST_NONE || !addr_eq(&t->request.par, peer)) {
		refuse(n, t && t->request.state != REQUEST_NONE ? CXTP_WRONG_PEER : CXTP_UNEXPECTED, "CTD", &m->mobile, peer, "not-asked-for");
		return;
	}
	if (t->request.state != REQUEST_SENT) {
		cxtp_count(CXTP_UNEXPECTED);
		if (m->flag && t->request.state == REQUEST_DONE && t->request.installed)
			send_ctdr(t);
		return;
	}
	timer_stop(&t->request.timer);
	n->ops->mark(&t->pcoa, STEP_CTD, loop_now(n->loop), n->arg);
	/* The previous router checked the token. What it pushed before is older than what it sends now. */
	cxtp_nar_push_drop(t);
	cxtp_nar_ahead_drop(t);
	put_in_force(t, m->blocks, m->blocks_len, m->flag);
}

int cxtp_nar_request(struct cxtp_nar *n, const struct in6_addr *pcoa, const struct in6_addr *router)
{
	struct transfer *t = cxtp_nar_transfer(n, pcoa);
	struct in6_addr par;
	if (t && (t->push.key || t->ahead.asked || t->request.state == REQUEST_SENT || t->request.state == REQUEST_INSTALLING ||
	          (t->request.state == REQUEST_DONE && t->request.installed)))
		return -EALREADY;
	if (!n->ops->neighbor(router, pcoa, &par, n->arg))
		return -EHOSTUNREACH;
	if (!(t = cxtp_nar_get(n, pcoa)))
		return -ENOSPC;
	struct cxtp_message m = { .type = CXTP_CTREQ, .mobile = *pcoa };
	if (!send_message(n, &par, &m, CXTP_CTREQ_SENT)) {
		cxtp_nar_free_if_idle(t);
		return -EHOSTUNREACH;
	}
	t->ahead.asked = true;
	t->ahead.par = par;
	t->ahead.at = loop_now(n->loop);
	timer_after(&t->ahead.timer, n->params->max_transfer_time);
	n->ops->mark(pcoa, STEP_CTREQ, t->ahead.at, n->arg);
	return 0;
}

void cxtp_nar_cancel(struct cxtp_nar *n, const struct in6_addr *pcoa, const char *reason)
{
	struct transfer *t = cxtp_nar_transfer(n, pcoa);
	if (!t || !(t->push.key || t->ahead.asked || t->request.state == REQUEST_SENT))
		return;
	bool requested = t->request.state == REQUEST_SENT;
	struct in6_addr mobile = *pcoa, ncoa = t->request.link.peer;
	struct in6_addr par = requested ? t->request.par : t->push.key ? t->push.from : t->ahead.par;
	LOG_INFO("cxtp", "contexts not wanted any more mobile=%s peer=%s reason=\"%s\"", ADDR(&mobile), ADDR(&par), reason);
	cxtp_nar_push_drop(t);
	cxtp_nar_ahead_drop(t);
	if (requested)
		cxtp_nar_request_drop(t);
	cxtp_nar_free_if_idle(t);
	send_ctc(n, &mobile, &par);
	if (requested)
		n->ops->done(&mobile, &ncoa, false, n->arg);
	n->ops->end(&mobile, &par, HANDOVER_CANCELLED, reason, n->arg);
}

void cxtp_nar_message(struct cxtp_nar *n, const struct in6_addr *peer, const struct cxtp_message *m)
{
	if (m->type == CXTP_PCTD)
		receive_push(n, peer, m);
	else if (m->type == CXTP_CTD)
		receive_answer(n, peer, m);
}
