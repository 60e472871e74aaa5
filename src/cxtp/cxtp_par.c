#include "cxtp/cxtp_par.h"

#include <errno.h>
#include <string.h>

#include "cxtp/cxtp_contexts.h"
#include "cxtp/cxtp_count.h"
#include "cxtp/cxtp_par_private.h"
#include "cxtp/cxtp_token.h"

static bool outstanding(const struct transfer *t)
{
	return t && t->key;
}

/* The contexts, with the key for the new router or without. */
static void send_contexts(struct transfer *t, bool with_key)
{
	struct cxtp_par *p = t->par;
	usec_t now = loop_now(p->loop);
	struct cxtp_message m = { .type = with_key ? CXTP_PCTD : CXTP_CTD, .flag = true, .mobile = t->pcoa,
		                  .elapsed = (uint32_t)((now - t->first) / USEC_MSEC), .algorithm = CXTP_ALGORITHM_HMAC_SHA1,
		                  .blocks = t->blocks, .blocks_len = t->blocks_len };
	if (with_key)
		m.key = secret_data(t->key, &m.key_len);
	size_t len = cxtp_pack(&m, p->out, sizeof p->out);
	int err = len ? p->ops->send(&t->nar, p->out, len, p->arg) : -EMSGSIZE;
	secret_wipe(p->out, len);
	t->last = now;
	timer_at(&t->timer, now + p->params->max_transfer_time);
	cxtp_count(err ? CXTP_SEND_FAILED : with_key ? CXTP_PCTD_SENT : CXTP_CTD_SENT);
	if (err)
		log_limited(&p->lines, now, LOG_LEVEL_WARNING, "cxtp", "contexts not sent mobile=%s peer=%s message=%s reason=\"%s\"",
		            ADDR(&t->pcoa), ADDR(&t->nar), cxtp_type_name(m.type), strerror(-err));
	else {
		t->sent = true;
		p->ops->mark(&t->pcoa, with_key ? STEP_PCTD : STEP_CTD, now, p->arg);
	}
}

/* A new transfer, or another in the place of one that is no longer outstanding. Takes over key. */
static struct transfer *transfer_begin(struct cxtp_par *p, const struct in6_addr *pcoa, uint32_t seq, const struct in6_addr *nar,
                                       struct secret *key, const struct cxtp_message *m)
{
	struct transfer *t = cxtp_par_get(p, pcoa);
	if (!t) {
		secret_unref(key);
		return NULL;
	}
	if (t->seq != seq || !t->first)
		t->first = loop_now(p->loop);
	t->announced = t->untokened = false;
	t->candidates_n = 0;
	t->seq = seq;
	t->nar = *nar;
	t->key = key;
	struct wr w = wr_make(p->blocks, sizeof p->blocks);
	p->ops->collect(pcoa, nar, &m->router, m->blocks, m->blocks_len, &w, p->arg);
	bool kept = cxtp_par_keep_blocks(t, w.len);
	secret_wipe(p->blocks, w.len);
	if (!kept) {
		cxtp_par_end(t, false, HANDOVER_FAILED, "no room for the contexts");
		return NULL;
	}
	return t;
}

enum check { CHECK_OK, CHECK_NO_KEY, CHECK_WRONG };

/* Which of our addresses the mobile used, only the token can tell. On success *key is owned by the caller. */
static enum check check_token(struct cxtp_par *p, const struct in6_addr *own, size_t own_n, const struct cxtp_message *m,
                              struct secret **key)
{
	const struct secret *master = p->ops->master(&m->mobile, p->arg);
	if (!master)
		return CHECK_NO_KEY;
	uint8_t octets[CXTP_KEY_LEN];
	*key = NULL;
	for (size_t i = 0; i < own_n && !*key; i++)
		if (!cxtp_key(master, &m->mobile, &own[i], m->seq, octets) &&
		    cxtp_token_ok(octets, sizeof octets, &m->mobile, m->seq, m->blocks, m->blocks_len, m->token))
			*key = secret_create(octets, sizeof octets);
	secret_wipe(octets, sizeof octets);
	return *key ? CHECK_OK : CHECK_WRONG;
}

static void refuse(struct cxtp_par *p, enum cxtp_counter c, const char *what, const struct in6_addr *mobile,
                   const struct in6_addr *peer, const char *reason)
{
	cxtp_refuse(c, loop_now(p->loop), what, mobile, peer, reason);
}

static bool token_passes(struct cxtp_par *p, enum check c, const struct cxtp_message *m, const struct in6_addr *peer)
{
	if (c == CHECK_NO_KEY)
		refuse(p, CXTP_NO_KEY, cxtp_type_name(m->type), &m->mobile, peer, "no-key-configured");
	if (c == CHECK_WRONG)
		refuse(p, CXTP_TOKEN_REFUSED, cxtp_type_name(m->type), &m->mobile, peer, "token");
	return c == CHECK_OK;
}

/* Asked for an acknowledgement before the move: the contexts are on their way; or nothing is, and why. */
static void acknowledge(struct cxtp_par *p, const struct cxtp_link *to, const struct cxtp_message *ctar, uint8_t failed)
{
	if (!ctar->flag)
		return;
	struct cxtp_contexts c = { .complete = true };
	uint8_t entries[4 * CXTP_CONTEXTS_MAX], out[sizeof entries + FIXED_PART];
	struct wr w = wr_make(entries, sizeof entries);
	if (failed)
		cxtp_contexts_fail(ctar->blocks, ctar->blocks_len, failed, &c);
	cxtp_contexts_ctaa(&c, &w);
	struct cxtp_message m = { .type = CXTP_CTAA, .mobile = ctar->mobile, .statuses = entries, .statuses_len = w.len };
	size_t len = cxtp_pack(&m, out, sizeof out);
	cxtp_count(CXTP_CTAA_SENT);
	p->ops->answer(to, out, len, p->arg);
}

static bool seen(struct cxtp_par *p, enum cxtp_seen_kind kind, const struct cxtp_message *m)
{
	return cxtp_seen_has(p->seen, kind, &m->mobile, m->seq, loop_now(p->loop));
}

void cxtp_par_ctar(struct cxtp_par *p, const struct cxtp_link *from, const struct cxtp_message *m)
{
	usec_t now = loop_now(p->loop);
	struct transfer *t = cxtp_par_transfer(p, &m->mobile);
	if (!cxtp_rate_take(p->rate, from->ifindex, from->sender, now, p->ops->random(p->arg))) {
		refuse(p, CXTP_RATE_DROPPED, "CTAR", &m->mobile, &from->peer, "request-rate");
		return;
	}
	if (seen(p, CXTP_SEEN_CTAR, m) || seen(p, CXTP_SEEN_DONE, m)) {
		cxtp_count(CXTP_CTAR_REPEATED);
		if (outstanding(t) && t->seq == m->seq)
			acknowledge(p, from, m, 0);
		return;
	}
	struct secret *key;
	if (!token_passes(p, check_token(p, &from->local, 1, m, &key), m, &from->peer))
		return;
	cxtp_arrivals_drop(p->arrivals, &m->mobile);
	/* RFC 4067 §6.3: one transfer of a mobile at a time. */
	if (outstanding(t) && !t->untokened) {
		cxtp_count(CXTP_BUSY);
		secret_unref(key);
		return;
	}
	cxtp_par_supersede(p, &m->mobile, m->seq);
	cxtp_seen_add(p->seen, CXTP_SEEN_CTAR, &m->mobile, m->seq, now, now + p->params->replay_window);
	p->ops->mark(&m->mobile, STEP_CTAR_PAR, now, p->arg);
	struct in6_addr nar;
	if (!p->ops->neighbor(&m->router, &nar, p->arg)) {
		refuse(p, CXTP_UNKNOWN_ROUTER, "CTAR", &m->mobile, &m->router, "no-usable-neighbour");
		acknowledge(p, from, m, CXTP_STATUS_UNREACHABLE);
		secret_unref(key);
		p->ops->end(&m->mobile, &m->router, HANDOVER_FAILED, "new router is no usable neighbour", p->arg);
		return;
	}
	t = transfer_begin(p, &m->mobile, m->seq, &nar, key, m);
	if (!t)
		return;
	t->announced = true;
	send_contexts(t, true);
	acknowledge(p, from, m, 0);
}

/* A CT-Req from a router that has not seen the CTAR yet: contexts, and the key to check the CTAR with (§2.5.6). */
static void request_without_token(struct cxtp_par *p, const struct in6_addr *peer, const struct cxtp_message *m)
{
	struct transfer *t = cxtp_par_transfer(p, &m->mobile);
	const struct secret *master = p->ops->master(&m->mobile, p->arg);
	if (outstanding(t)) {
		if (!addr_eq(&t->nar, peer) || (m->seq && m->seq != t->seq))
			cxtp_count(CXTP_BUSY);
		else
			send_contexts(t, true);
		return;
	}
	/* Asked before the mobile's CTAR was there, and overtaken by everything that came after it. */
	if ((t && t->asked) || cxtp_seen_has(p->seen, CXTP_SEEN_LEFT, &m->mobile, 0, loop_now(p->loop))) {
		cxtp_count(CXTP_UNEXPECTED);
		return;
	}
	if (!master) {
		refuse(p, CXTP_NO_KEY, "CT-Req", &m->mobile, peer, "no-key-configured");
		return;
	}
	if (seen(p, CXTP_SEEN_DONE, m)) {
		refuse(p, CXTP_REPLAYED, "CT-Req", &m->mobile, peer, "sequence-number-served-before");
		return;
	}
	if (cxtp_par_request_foreseen(p, t, peer, m))
		return;
	if (t && t->candidates_n) {
		cxtp_count(CXTP_BUSY);
		return;
	}
	/* Of a transfer the mobile announced earlier, its sequence number; else what the request says, and the mobile's CTAR will
	 * be checked here after all. */
	uint32_t seq = t ? t->seq : m->seq;
	struct in6_addr own[CXTP_OWN_MAX];
	uint8_t octets[CXTP_KEY_LEN];
	if (!p->ops->own(&m->mobile, own, CXTP_OWN_MAX, p->arg) || cxtp_key(master, &m->mobile, &own[0], seq, octets)) {
		refuse(p, CXTP_NO_KEY, "CT-Req", &m->mobile, peer, "not-on-our-links");
		return;
	}
	struct secret *key = secret_create(octets, sizeof octets);
	secret_wipe(octets, sizeof octets);
	cxtp_par_supersede(p, &m->mobile, seq);
	p->ops->mark(&m->mobile, STEP_CTREQ, loop_now(p->loop), p->arg);
	t = key ? transfer_begin(p, &m->mobile, seq, peer, key, m) : NULL;
	if (!t)
		return;
	t->untokened = true;
	send_contexts(t, true);
}

/* §6.3: a mobile comes to one router with its token; who shows it at another has overheard it. So it is when that one has
 * asked, or when the number is the one by which the mobile, which has announced nothing, comes to that one alone. */
static bool of_another_router(const struct transfer *t, const struct in6_addr *peer, uint32_t seq)
{
	if (outstanding(t) && t->seq == seq && t->asked && !addr_eq(&t->nar, peer))
		return true;
	for (size_t i = 0; t && i < t->candidates_n; i++)
		if (t->candidates[i].seq == seq && !addr_eq(&t->candidates[i].nar, peer))
			return true;
	return false;
}

static void request_with_token(struct cxtp_par *p, const struct in6_addr *peer, const struct cxtp_message *m)
{
	struct transfer *t = cxtp_par_transfer(p, &m->mobile);
	struct in6_addr own[CXTP_OWN_MAX];
	struct secret *key;
	size_t n = p->ops->own(&m->mobile, own, CXTP_OWN_MAX, p->arg);
	if (!token_passes(p, check_token(p, own, n, m, &key), m, peer))
		return;
	if (seen(p, CXTP_SEEN_DONE, m)) {
		refuse(p, CXTP_REPLAYED, "CT-Req", &m->mobile, peer, "sequence-number-served-before");
		secret_unref(key);
		return;
	}
	cxtp_arrivals_drop(p->arrivals, &m->mobile);
	if (of_another_router(t, peer, m->seq)) {
		refuse(p, CXTP_REPLAYED, "CT-Req", &m->mobile, peer, "number-of-another-router");
		secret_unref(key);
		return;
	}
	if (outstanding(t) && t->seq == m->seq) {
		/* §2.5.3: what was pushed did not arrive; it goes out again from what is kept. */
		secret_unref(key);
		t->nar = *peer;
		p->ops->mark(&m->mobile, STEP_CTREQ, loop_now(p->loop), p->arg);
	} else if (outstanding(t) && !t->untokened) {
		cxtp_count(CXTP_BUSY);
		secret_unref(key);
		return;
	} else {
		cxtp_par_supersede(p, &m->mobile, m->seq);
		p->ops->mark(&m->mobile, STEP_CTREQ, loop_now(p->loop), p->arg);
		t = transfer_begin(p, &m->mobile, m->seq, peer, key, m);
		if (!t)
			return;
	}
	t->asked = true;
	send_contexts(t, false);
}

static void reply(struct cxtp_par *p, struct transfer *t, const struct cxtp_message *m)
{
	struct in6_addr pcoa = t->pcoa;
	cxtp_arrivals_drop(p->arrivals, &pcoa);
	p->ops->mark(&pcoa, STEP_CTDR, loop_now(p->loop), p->arg);
	struct rd r = rd_make(m->statuses, m->statuses_len);
	for (struct cxtp_status s; cxtp_status_next(&r, &s);)
		p->ops->context(&pcoa, s.fpt, s.status, p->arg);
	cxtp_count(m->flag ? CXTP_TRANSFERS_COMPLETE : CXTP_TRANSFERS_INCOMPLETE);
	LOG_INFO("cxtp", "contexts transferred mobile=%s peer=%s complete=%s took=%llums", ADDR(&pcoa), ADDR(&t->nar),
	         m->flag ? "yes" : "no", (unsigned long long)((loop_now(p->loop) - t->first) / USEC_MSEC));
	cxtp_par_end(t, true, m->flag ? HANDOVER_COMPLETE : HANDOVER_FAILED, m->flag ? "" : "some contexts are not in place");
	cxtp_seen_add(p->seen, CXTP_SEEN_LEFT, &pcoa, 0, loop_now(p->loop), loop_now(p->loop) + 2 * p->params->max_transfer_time);
	/* The new router sends it only for a mobile that came to it with a valid token. */
	p->ops->forget(&pcoa, p->arg);
}

static void cancel(struct cxtp_par *p, struct transfer *t)
{
	/* One of several candidates: the mobile did not come there. When it came to none, its sequence numbers have not served. */
	struct candidate *c = t->candidates_n ? cxtp_par_candidate(t, &t->nar) : NULL;
	if (c && t->candidates_n > 1) {
		*c = t->candidates[--t->candidates_n];
		t->nar = t->candidates[0].nar;
		return;
	}
	cxtp_count(CXTP_TRANSFERS_CANCELLED);
	p->ops->mark(&t->pcoa, STEP_CTC, loop_now(p->loop), p->arg);
	LOG_INFO("cxtp", "transfer cancelled by the new router mobile=%s peer=%s", ADDR(&t->pcoa), ADDR(&t->nar));
	cxtp_par_end(t, false, HANDOVER_CANCELLED, "cancelled by the new router");
}

void cxtp_par_message(struct cxtp_par *p, const struct in6_addr *peer, const struct cxtp_message *m)
{
	if (m->type == CXTP_CTREQ) {
		cxtp_count(CXTP_CTREQ_RECEIVED);
		if (m->token)
			request_with_token(p, peer, m);
		else
			request_without_token(p, peer, m);
		return;
	}
	cxtp_count(m->type == CXTP_CTDR ? CXTP_CTDR_RECEIVED : CXTP_CTC_RECEIVED);
	struct transfer *t = cxtp_par_transfer(p, &m->mobile);
	struct candidate *c = t ? cxtp_par_candidate(t, peer) : NULL;
	if (c) {
		t->nar = c->nar;
		t->seq = c->seq;
	}
	if (!t && m->type == CXTP_CTC)
		cxtp_count(CXTP_UNEXPECTED); /* another router was quicker to say that the mobile came */
	else if (!t || !addr_eq(&t->nar, peer))
		refuse(p, t ? CXTP_WRONG_PEER : CXTP_UNEXPECTED, cxtp_type_name(m->type), &m->mobile, peer,
		       t ? "another-router-has-the-contexts" : "no-transfer");
	else if (m->type == CXTP_CTDR)
		reply(p, t, m);
	else
		cancel(p, t);
}
