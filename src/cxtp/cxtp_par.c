#include "cxtp/cxtp_par.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "cxtp/cxtp_arrival.h"
#include "cxtp/cxtp_contexts.h"
#include "cxtp/cxtp_count.h"
#include "cxtp/cxtp_seen.h"
#include "cxtp/cxtp_table.h"
#include "cxtp/cxtp_token.h"

#define FIXED_PART 64 /* of a PCTD, its key not counted: more than any has */

struct transfer {
	UT_hash_handle hh;
	struct cxtp_par *par;
	struct in6_addr pcoa; /* the key */
	struct in6_addr nar;  /* table address of the neighbour that gets, or got, the contexts */
	uint32_t seq;
	struct candidate {
		struct in6_addr nar;
		uint32_t seq;
	} candidates[CXTP_CANDIDATES_MAX]; /* of a push that the mobile did not ask for; then nar and seq say nothing */
	size_t candidates_n;
	bool asked;    /* sent in answer to a valid token: the sequence number has served when this is over */
	bool sent;     /* some of it has left */
	bool announced; /* begun by the mobile's CTAR */
	bool untokened; /* begun by a CT-Req without a token: seq need not be the mobile's */
	struct secret *key; /* NULL once no longer outstanding */
	uint8_t *blocks;
	size_t blocks_len;
	usec_t first, last; /* CTD sent */
	struct timer timer;
};

struct cxtp_par {
	struct loop *loop;
	const struct cxtp_params *params;
	struct cxtp_rate *rate;
	const struct cxtp_par_ops *ops;
	void *arg;
	struct cxtp_seen *seen;
	struct cxtp_arrivals *arrivals;
	struct transfer *transfers;
	size_t held; /* octets of contexts */
	struct bucket lines;
	uint8_t blocks[CXTP_MESSAGE_MAX - FIXED_PART - SECRET_MAX]; /* collecting */
	uint8_t out[CXTP_MESSAGE_MAX];
};

struct cxtp_par *cxtp_par_create(struct loop *l, const struct cxtp_params *params, struct cxtp_rate *rate,
                                 const struct cxtp_par_ops *ops, void *arg)
{
	struct cxtp_par *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	p->loop = l;
	p->params = params;
	p->rate = rate;
	p->ops = ops;
	p->arg = arg;
	bucket_init(&p->lines, 5, 20);
	p->seen = cxtp_seen_create(params->transfers * 4);
	p->arrivals = cxtp_arrivals_create();
	if (!p->seen || !p->arrivals) {
		cxtp_par_destroy(p);
		return NULL;
	}
	return p;
}

/* Key and contexts are no longer needed. */
static void transfer_cool(struct transfer *t)
{
	secret_unref(t->key);
	t->key = NULL;
	if (t->blocks)
		secret_wipe(t->blocks, t->blocks_len);
	free(t->blocks);
	t->blocks = NULL;
	t->par->held -= t->blocks_len;
	cxtp_counters[CXTP_HELD_OCTETS].value -= t->blocks_len;
	t->blocks_len = 0;
}

static void transfer_free(struct transfer *t)
{
	struct cxtp_par *p = t->par;
	transfer_cool(t);
	timer_stop(&t->timer);
	HASH_DEL(p->transfers, t);
	cxtp_counters[CXTP_PAR_TRANSFERS].value--;
	free(t);
}

void cxtp_par_destroy(struct cxtp_par *p)
{
	if (!p)
		return;
	while (p->transfers)
		transfer_free(p->transfers);
	cxtp_seen_destroy(p->seen);
	cxtp_arrivals_destroy(p->arrivals);
	free(p);
}

static struct transfer *transfer_find(struct cxtp_par *p, const struct in6_addr *pcoa)
{
	struct transfer *t;
	HASH_FIND(hh, p->transfers, pcoa, sizeof *pcoa, t);
	return t;
}

/* Over, one way or another: the record gets its end, the sequence number will not serve again if it has. */
static void transfer_end(struct transfer *t, bool served, enum handover_result result, const char *reason)
{
	struct cxtp_par *p = t->par;
	struct in6_addr pcoa = t->pcoa, nar = t->nar;
	/* An announced one that had its time is over for good: its token was overheard by whoever was there. */
	bool over = t->announced && loop_now(p->loop) - t->first >= p->params->context_lifetime;
	if (served || t->asked || over)
		cxtp_seen_add(p->seen, CXTP_SEEN_DONE, &pcoa, t->seq, loop_now(p->loop), loop_now(p->loop) + p->params->replay_window);
	transfer_free(t);
	p->ops->end(&pcoa, &nar, result, reason, p->arg);
}

static void transfer_timer(struct timer *timer, void *arg)
{
	struct transfer *t = arg;
	const struct cxtp_params *params = t->par->params;
	if (t->key) {
		transfer_cool(t);
		/* What went out under a token may not go out again now that it is over (§6.3). */
		if (t->asked)
			cxtp_seen_add(t->par->seen, CXTP_SEEN_DONE, &t->pcoa, t->seq, loop_now(timer->loop),
			              loop_now(timer->loop) + params->replay_window);
		/* The new router's time begins when the push reaches it, and its word takes a while to come back. */
		timer_at(timer, t->first + params->context_lifetime + 2 * params->max_transfer_time);
		return;
	}
	if (t->candidates_n) {
		/* The mobile stayed, or a CTDR was lost: the keys are out there, their sequence numbers serve no other push. */
		cxtp_arrivals_drop(t->par->arrivals, &t->pcoa);
		transfer_end(t, false, HANDOVER_CANCELLED, "no router said that the mobile came");
		return;
	}
	cxtp_count(CXTP_TRANSFERS_FAILED);
	LOG_INFO("cxtp", "no word from the new router about a transfer mobile=%s peer=%s waited=%llums", ADDR(&t->pcoa), ADDR(&t->nar),
	         (unsigned long long)((loop_now(timer->loop) - t->first) / USEC_MSEC));
	/* The key of a push is out there, and may have served: nobody says that it has not (CTC). */
	transfer_end(t, t->sent, HANDOVER_FAILED, "no CTDR from the new router");
}

/* An earlier transfer of the mobile makes room for one under another sequence number. */
static void supersede(struct cxtp_par *p, const struct in6_addr *pcoa, uint32_t seq)
{
	struct transfer *t = transfer_find(p, pcoa);
	for (size_t i = 0; t && i < t->candidates_n; i++)
		if (t->candidates[i].seq == seq)
			t->seq = seq; /* this movement was foreseen: it is the same one */
	if (t && t->seq != seq)
		transfer_end(t, false, HANDOVER_CANCELLED, "the mobile began another transfer");
}

/* A neighbour may ask for mobiles that are not there (§6.1); what it asked for gives way to others. Only the oldest few are
 * looked at: who fills the table in the name of mobiles fills all of it. */
static void make_room(struct cxtp_par *p)
{
	unsigned looked = 0;
	for (struct transfer *t = p->transfers; t && looked < 16; t = t->hh.next, looked++)
		if (t->untokened) {
			transfer_end(t, false, HANDOVER_CANCELLED, "room for another mobile");
			return;
		}
}

/* Returns a transfer without key and contexts, or NULL (counted) if there is no room. */
static struct transfer *transfer_get(struct cxtp_par *p, const struct in6_addr *pcoa)
{
	struct transfer *t = transfer_find(p, pcoa);
	if (t) {
		transfer_cool(t);
		return t;
	}
	if (HASH_COUNT(p->transfers) >= p->params->transfers)
		make_room(p);
	t = HASH_COUNT(p->transfers) < p->params->transfers ? calloc(1, sizeof *t) : NULL;
	if (t) {
		t->par = p;
		t->pcoa = *pcoa;
		timer_init(&t->timer, p->loop, transfer_timer, t);
		HASH_ADD(hh, p->transfers, pcoa, sizeof t->pcoa, t);
		if (!t->hh.tbl) {
			free(t);
			t = NULL;
		}
	}
	if (!t) {
		cxtp_count(CXTP_NO_ROOM);
		log_limited(&p->lines, loop_now(p->loop), LOG_LEVEL_WARNING, "cxtp", "no room for a transfer mobile=%s transfers=%u limit=%zu",
		            ADDR(pcoa), (unsigned)HASH_COUNT(p->transfers), p->params->transfers);
		return NULL;
	}
	cxtp_counters[CXTP_PAR_TRANSFERS].value++;
	return t;
}

static bool transfer_keep_blocks(struct transfer *t, size_t len)
{
	struct cxtp_par *p = t->par;
	if (p->held + len > p->params->memory || !(t->blocks = malloc(len ? len : 1))) {
		cxtp_count(CXTP_NO_ROOM);
		log_limited(&p->lines, loop_now(p->loop), LOG_LEVEL_WARNING, "cxtp",
		            "no room for contexts mobile=%s octets=%zu held=%zu limit=%zu", ADDR(&t->pcoa), len, p->held, p->params->memory);
		return false;
	}
	if (len)
		memcpy(t->blocks, p->blocks, len);
	t->blocks_len = len;
	p->held += len;
	cxtp_counters[CXTP_HELD_OCTETS].value += len;
	return true;
}

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
	struct transfer *t = transfer_get(p, pcoa);
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
	bool kept = transfer_keep_blocks(t, w.len);
	secret_wipe(p->blocks, w.len);
	if (!kept) {
		transfer_end(t, false, HANDOVER_FAILED, "no room for the contexts");
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
	struct transfer *t = transfer_find(p, &m->mobile);
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
	supersede(p, &m->mobile, m->seq);
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

static struct candidate *candidate_of(struct transfer *t, const struct in6_addr *nar)
{
	for (struct candidate *c = t->candidates; c < t->candidates + t->candidates_n; c++)
		if (addr_eq(&c->nar, nar))
			return c;
	return NULL;
}

/* What a push follows from: which keys and sequence numbers. */
struct forecast {
	const struct secret *master;
	struct in6_addr own;
	uint32_t s;
};

static int forecast(struct cxtp_par *p, const struct in6_addr *pcoa, struct forecast *f)
{
	f->master = p->ops->master(pcoa, p->arg);
	if (!f->master)
		return -ENOKEY;
	return cxtp_arrivals_find(p->arrivals, pcoa, &f->own, &f->s) ? 0 : -ENOENT;
}

/* Contexts and key of one candidate; neither is kept. */
static int push_send(struct transfer *t, const struct in6_addr *nar, const struct in6_addr *router, const uint8_t *key)
{
	struct cxtp_par *p = t->par;
	usec_t now = loop_now(p->loop);
	struct wr w = wr_make(p->blocks, sizeof p->blocks);
	p->ops->collect(&t->pcoa, nar, router, NULL, 0, &w, p->arg);
	struct cxtp_message m = { .type = CXTP_PCTD, .flag = true, .mobile = t->pcoa, .elapsed = (uint32_t)((now - t->first) / USEC_MSEC),
		                  .algorithm = CXTP_ALGORITHM_HMAC_SHA1, .key = key, .key_len = CXTP_KEY_LEN, .blocks = p->blocks,
		                  .blocks_len = w.len };
	size_t len = cxtp_pack(&m, p->out, sizeof p->out);
	int err = len ? p->ops->send(nar, p->out, len, p->arg) : -EMSGSIZE;
	secret_wipe(p->out, len);
	secret_wipe(p->blocks, w.len);
	cxtp_count(err ? CXTP_SEND_FAILED : CXTP_PCTD_SENT);
	if (!err)
		p->ops->mark(&t->pcoa, STEP_PCTD, now, p->arg);
	return err;
}

/* To one candidate, again if it has asked for it; each under the sequence number the mobile will show there. */
static int push_to(struct transfer *t, const struct forecast *f, const struct in6_addr *nar, const struct in6_addr *router)
{
	struct cxtp_par *p = t->par;
	usec_t now = loop_now(p->loop);
	struct candidate *c = candidate_of(t, nar);
	uint8_t key[CXTP_KEY_LEN];
	uint32_t seq;
	if (!c && t->candidates_n == CXTP_CANDIDATES_MAX)
		return -ENOSPC;
	if (cxtp_sequence(f->master, &t->pcoa, &f->own, router, f->s, &seq) || cxtp_key(f->master, &t->pcoa, &f->own, seq, key) ||
	    cxtp_seen_has(p->seen, CXTP_SEEN_CTAR, &t->pcoa, seq, now) || cxtp_seen_has(p->seen, CXTP_SEEN_DONE, &t->pcoa, seq, now))
		return -ENOENT;
	int err = push_send(t, nar, router, key);
	secret_wipe(key, sizeof key);
	if (err)
		return err;
	if (!c)
		t->candidates[t->candidates_n++] = (struct candidate){ .nar = *nar, .seq = seq };
	t->nar = t->candidates[0].nar;
	t->last = now;
	timer_at(&t->timer, now + p->params->context_lifetime + 2 * p->params->max_transfer_time);
	return 0;
}

static struct transfer *push_begin(struct cxtp_par *p, const struct in6_addr *pcoa)
{
	struct transfer *t = transfer_get(p, pcoa);
	if (t && !t->first)
		t->first = loop_now(p->loop);
	return t;
}

int cxtp_par_push(struct cxtp_par *p, const struct in6_addr *pcoa, const struct in6_addr *routers, size_t n)
{
	struct transfer *t = transfer_find(p, pcoa);
	struct forecast f;
	struct in6_addr nar;
	int err = forecast(p, pcoa, &f), last = -EHOSTUNREACH, pushed = 0;
	if (t && !t->candidates_n)
		return -EBUSY;
	if (err)
		return err;
	if (!t && !(t = push_begin(p, pcoa)))
		return -ENOSPC;
	for (size_t i = 0; i < n; i++) {
		if (!p->ops->neighbor(&routers[i], &nar, p->arg))
			continue;
		err = candidate_of(t, &nar) ? 0 : push_to(t, &f, &nar, &routers[i]);
		pushed += !err;
		last = err == -ENOSPC || err == -ENOENT ? err : last;
	}
	LOG_INFO("cxtp", "contexts pushed unasked mobile=%s candidates=%zu of=%zu", ADDR(pcoa), t->candidates_n, n);
	if (!t->candidates_n)
		transfer_free(t);
	return pushed ? pushed : last;
}

void cxtp_par_arrived(struct cxtp_par *p, const struct in6_addr *addr, const struct in6_addr *own, uint32_t seq)
{
	cxtp_arrivals_put(p->arrivals, addr, own, seq, p->params->arrivals);
}

/* §5.2: the key that the mobile will use is known: pushed as if we had thought of it. False: it is not. */
static bool request_foreseen(struct cxtp_par *p, struct transfer *t, const struct in6_addr *peer, const struct cxtp_message *m)
{
	struct forecast f;
	struct in6_addr router;
	bool begun = !t;
	if (m->seq || (t && !t->candidates_n) || forecast(p, &m->mobile, &f) || !p->ops->called(peer, &m->mobile, &router, p->arg))
		return false;
	if (begun && !(t = push_begin(p, &m->mobile)))
		return true;
	p->ops->mark(&m->mobile, STEP_CTREQ, loop_now(p->loop), p->arg);
	if (begun)
		t->untokened = true;
	push_to(t, &f, peer, &router);
	if (!t->candidates_n)
		transfer_free(t);
	return true;
}

/* A CT-Req from a router that has not seen the CTAR yet: contexts, and the key to check the CTAR with (§2.5.6). */
static void request_without_token(struct cxtp_par *p, const struct in6_addr *peer, const struct cxtp_message *m)
{
	struct transfer *t = transfer_find(p, &m->mobile);
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
	if (request_foreseen(p, t, peer, m))
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
	supersede(p, &m->mobile, seq);
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
	struct transfer *t = transfer_find(p, &m->mobile);
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
		supersede(p, &m->mobile, m->seq);
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
	transfer_end(t, true, m->flag ? HANDOVER_COMPLETE : HANDOVER_FAILED, m->flag ? "" : "some contexts are not in place");
	cxtp_seen_add(p->seen, CXTP_SEEN_LEFT, &pcoa, 0, loop_now(p->loop), loop_now(p->loop) + 2 * p->params->max_transfer_time);
	/* The new router sends it only for a mobile that came to it with a valid token. */
	p->ops->forget(&pcoa, p->arg);
}

static void cancel(struct cxtp_par *p, struct transfer *t)
{
	/* One of several candidates: the mobile did not come there. When it came to none, its sequence numbers have not served. */
	struct candidate *c = t->candidates_n ? candidate_of(t, &t->nar) : NULL;
	if (c && t->candidates_n > 1) {
		*c = t->candidates[--t->candidates_n];
		t->nar = t->candidates[0].nar;
		return;
	}
	cxtp_count(CXTP_TRANSFERS_CANCELLED);
	p->ops->mark(&t->pcoa, STEP_CTC, loop_now(p->loop), p->arg);
	LOG_INFO("cxtp", "transfer cancelled by the new router mobile=%s peer=%s", ADDR(&t->pcoa), ADDR(&t->nar));
	transfer_end(t, false, HANDOVER_CANCELLED, "cancelled by the new router");
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
	struct transfer *t = transfer_find(p, &m->mobile);
	struct candidate *c = t ? candidate_of(t, peer) : NULL;
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

static struct cxtp_par_view view(const struct transfer *t)
{
	return (struct cxtp_par_view){ .pcoa = t->pcoa, .nar = t->nar, .seq = t->seq, .outstanding = t->key,
		                       .candidates = t->candidates_n, .octets = t->blocks_len,
		                       .age = loop_now(t->par->loop) - t->first };
}

bool cxtp_par_of(struct cxtp_par *p, const struct in6_addr *pcoa, struct cxtp_par_view *v)
{
	const struct transfer *t = transfer_find(p, pcoa);
	if (t)
		*v = view(t);
	return t;
}

void cxtp_par_each(const struct cxtp_par *p, void (*fn)(const struct cxtp_par_view *v, void *arg), void *arg)
{
	for (const struct transfer *t = p->transfers; t; t = t->hh.next) {
		struct cxtp_par_view v = view(t);
		fn(&v, arg);
	}
}

size_t cxtp_par_keys(const struct cxtp_par *p)
{
	size_t n = 0;
	for (const struct transfer *t = p->transfers; t; t = t->hh.next)
		n += t->key != NULL;
	return n;
}
