/*
 * Pushes that no mobile asked for (RFC 4067 §5.1): the sequence number of its next CTAR follows from that by which it came here.
 */
#include "cxtp/cxtp_par_private.h"

#include <errno.h>

#include "cxtp/cxtp_count.h"
#include "cxtp/cxtp_token.h"

struct candidate *cxtp_par_candidate(struct transfer *t, const struct in6_addr *nar)
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
	struct candidate *c = cxtp_par_candidate(t, nar);
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
	struct transfer *t = cxtp_par_get(p, pcoa);
	if (t && !t->first)
		t->first = loop_now(p->loop);
	return t;
}

int cxtp_par_push(struct cxtp_par *p, const struct in6_addr *pcoa, const struct in6_addr *routers, size_t n)
{
	struct transfer *t = cxtp_par_transfer(p, pcoa);
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
		err = cxtp_par_candidate(t, &nar) ? 0 : push_to(t, &f, &nar, &routers[i]);
		pushed += !err;
		last = err == -ENOSPC || err == -ENOENT ? err : last;
	}
	LOG_INFO("cxtp", "contexts pushed unasked mobile=%s candidates=%zu of=%zu", ADDR(pcoa), t->candidates_n, n);
	if (!t->candidates_n)
		cxtp_par_free(t);
	return pushed ? pushed : last;
}

void cxtp_par_arrived(struct cxtp_par *p, const struct in6_addr *addr, const struct in6_addr *own, uint32_t seq)
{
	cxtp_arrivals_put(p->arrivals, addr, own, seq, p->params->arrivals);
}

bool cxtp_par_request_foreseen(struct cxtp_par *p, struct transfer *t, const struct in6_addr *peer, const struct cxtp_message *m)
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
		cxtp_par_free(t);
	return true;
}
