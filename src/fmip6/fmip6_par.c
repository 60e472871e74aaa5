#include "fmip6/fmip6_par.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/secret.h"
#include "fmip6/fmip6_par_private.h"

#define MEMORY (30 * USEC_SEC)     /* how long an ended binding's sequence number and reverse tunnel are kept */

/* ---- bindings ---- */

/* Over, but remembered: its sequence number against delayed FBUs, its reverse tunnel for what is still under way. */
void par_binding_over(struct binding *b)
{
	bool was_lodged = par_lodged(b);
	par_pending_end(b);
	par_copying_end(b);
	if (b->held)
		b->par->ops->direct(b->par->arg, &b->pcoa, NULL);
	b->held = b->awaited = false;
	b->forwarding = false;
	b->over = true;
	timer_stop(&b->renew);
	timer_after(&b->life, MEMORY);
	if (was_lodged)
		par_serve_end(b);
}

void par_life_ended(struct timer *t, void *arg)
{
	struct binding *b = arg;
	struct fmip6_par *p = b->par;
	if (b->over) {
		p->ops->tunnel_end(p->arg, &b->pcoa);
		par_copying_end(b);
		par_binding_free(b);
		return;
	}
	if (b->awaited) {
		FMIP6_COUNT(FMIP6_HOLD_EXPIRED);
		LOG_NOTICE("fmip6", "mobile did not come home mobile=%s peer=%s hold_time_ms=%llu", ADDR(&b->pcoa), ADDR(&b->nar),
		           (unsigned long long)(p->params->hold_time / USEC_MSEC));
		par_binding_over(b);
		return;
	}
	if (!b->forwarding)
		return;
	FMIP6_COUNT(FMIP6_BINDINGS_EXPIRED);
	LOG_INFO("fmip6", "binding expired mobile=%s ncoa=%s", ADDR(&b->pcoa), ADDR(&b->ncoa));
	p->ops->direct(p->arg, &b->pcoa, NULL);
	if (b->pending) {
		b->forwarding = false;
		return;
	}
	if (p->ops->expired)
		p->ops->expired(p->arg, &b->pcoa);
	par_binding_over(b);
}

/* ---- sending ---- */

void par_fback_send(struct fmip6_par *p, struct fback *m, const struct in6_addr *pcoa, const struct in6_addr *coa,
                    const struct in6_addr *local, const struct in6_addr *dst, bool on_link)
{
	uint8_t out[128];
	struct badf_key key;
	m->has_badf = true;
	int n = fback_pack(m, out, sizeof out);
	if (n < 0 || !p->ops->key(p->arg, pcoa, m->badf.spi, &key))
		return;
	if (badf_sign(&key, coa, local, out, (size_t)n) == 0) {
		FMIP6_COUNT(FMIP6_FBACK_SENT);
		p->ops->send_fback(p->arg, local, dst, on_link, out, (size_t)n);
	}
	secret_wipe(&key, sizeof key);
}

/* use: the address that the mobile shall use. */
static struct fback fback_of(const struct binding *b, const struct in6_addr *use)
{
	bool moved = !addr_eq(use, &b->want);
	struct fback m = { .status = moved ? FBACK_USE_ALTERNATE : FBACK_ACCEPTED, .seq = b->seq, .lifetime = b->lifetime,
		.badf = { .spi = b->spi } };
	if (moved || b->given) /* §5.2: what is in the HAck is in the FBack */
		m.ncoa = *use;
	return m;
}

/* The binding is in force: to the old link while the mobile may still be there, and to where it goes. */
static void fback_accept(struct binding *b)
{
	const struct in6_addr *use = !b->lodged ? &b->ncoa : b->wants_nar ? &b->want : &b->pcoa;
	struct fback m = fback_of(b, use);
	if (!b->acknowledge)
		return;
	if (b->from_pcoa && !b->wants_nar)
		par_fback_send(b->par, &m, &b->pcoa, use, &b->local, &b->pcoa, true);
	/* The address that it wanted may be another's. What goes to its own goes to the router that serves it. */
	par_fback_send(b->par, &m, &b->pcoa, use, &b->local, b->lodged ? &b->pcoa : b->from_pcoa ? &b->ncoa : &b->from, false);
}

/* It is still where its PCoA is served, and about to leave: what is sent to it goes there until the tunnel moves. */
static void fback_before(struct binding *b, const struct in6_addr *ncoa)
{
	struct fback m = fback_of(b, ncoa);
	if (b->acknowledge)
		par_fback_send(b->par, &m, &b->pcoa, ncoa, &b->local, &b->pcoa, false);
}

static void fback_refuse(struct binding *b, uint8_t status)
{
	struct fback m = { .status = status, .seq = b->seq, .badf = { .spi = b->spi } };
	par_fback_send(b->par, &m, &b->pcoa, &b->want, &b->local, b->from_pcoa ? &b->pcoa : &b->from, b->from_pcoa);
}

void par_hi_send(struct binding *b)
{
	struct fmip6_par *p = b->par;
	uint8_t out[128];
	int n = hi_pack(&b->hi, out, sizeof out);
	if (n < 0)
		return;
	if (b->tries == 0)
		b->asked_at = loop_now(p->loop);
	timer_after(&b->retry, p->params->hi_timeout << b->tries);
	b->tries++;
	FMIP6_COUNT(FMIP6_HI_SENT);
	if (b->pending)
		p->ops->step(p->arg, &b->pcoa, STEP_D_HI, loop_now(p->loop));
	p->ops->send_hi(p->arg, &b->want_nar, out, (size_t)n);
}

/* ---- negotiation ---- */

/* The new router did not agree: the mobile is told, and what was in force before stays in force. */
static void pending_fail(struct binding *b, uint8_t status, const char *reason)
{
	struct fmip6_par *p = b->par;
	LOG_NOTICE("fmip6", "handover refused mobile=%s peer=%s reason=\"%s\" status=%u", ADDR(&b->pcoa), ADDR(&b->want_nar), reason,
	           status);
	par_pending_end(b);
	fback_refuse(b, status);
	p->ops->closed(p->arg, &b->pcoa, HANDOVER_FAILED, reason);
	if (!b->forwarding)
		par_binding_over(b);
}

void par_hi_timeout(struct timer *t, void *arg)
{
	struct binding *b = arg;
	if (b->tries <= b->par->params->hi_retries)
		par_hi_send(b);
	else if (!b->pending)
		par_serve_unanswered(b);
	else {
		char why[80];
		snprintf(why, sizeof why, "no HAck from the new router after %lld HIs in %llu ms", (long long)b->tries,
		         (unsigned long long)((loop_now(b->par->loop) - b->asked_at) / USEC_MSEC));
		pending_fail(b, FBACK_UNSPECIFIED, why);
	}
}

/* A sequence number that no HI under way has. Sessions are far fewer than numbers. */
uint16_t par_hi_seq_next(struct fmip6_par *p)
{
	struct binding *b;
	do {
		p->hi_seq = (uint16_t)(p->hi_seq + 2);
		HASH_FIND(hh_hi, p->by_hi, &p->hi_seq, sizeof p->hi_seq, b);
	} while (b);
	return p->hi_seq;
}

/* ---- early buffering ---- */

void par_copying_ended(struct timer *t, void *arg)
{
	struct binding *b = arg;
	b->par->ops->copy(b->par->arg, &b->pcoa, NULL, false);
	if (!b->numbered) /* nothing but this */
		par_binding_free(b);
}

/* The mobile is about to leave. Should it be gone before its handover is prepared, what was sent into the gap is there. */
static void copying_begin(struct binding *b, const struct lladdr *l)
{
	struct fmip6_par *p = b->par;
	if (!p->params->early_buffer || !p->ops->copy || b->forwarding || b->held)
		return;
	if (timer_armed(&b->copying) || p->ops->copy(p->arg, &b->pcoa, l, true) == 0)
		timer_after(&b->copying, p->params->hold_time);
}

void par_foresee(struct fmip6_par *p, const struct in6_addr *pcoa, const struct lladdr *l)
{
	struct binding *b = par_binding_find(p, pcoa);
	if (!p->params->early_buffer || !p->ops->own_address(p->arg, pcoa) || l->len == 0)
		return;
	if (!b && (b = par_binding_make(p, pcoa)))
		b->over = true;
	if (b && b->over)
		copying_begin(b, l);
	if (b && !b->numbered && !timer_armed(&b->copying))
		par_binding_free(b);
}

/*
 * A mobile that asks from its new link is gone from ours: what comes for it until HAck is there waits, and goes into the
 * tunnel first (RFC 5568 §4.1 lets the PAR buffer). Whatever it lost, it lost before its FBU was here.
 */
static void pending_hold(struct binding *b)
{
	struct fmip6_par *p = b->par;
	if ((b->from_pcoa && !b->wants_nar) || b->forwarding || b->held || p->ops->hold(p->arg, &b->pcoa) != 0)
		return;
	timer_stop(&b->copying); /* what was copied is at the head of what is held */
	b->held = true;
	p->ops->step(p->arg, &b->pcoa, STEP_HOLD, loop_now(p->loop));
}

/* §6.2.1.1: neither flag says anything with Code 1. */
static uint8_t hi_flags(const struct fmip6_par *p, const struct request *q)
{
	if (!q->from_pcoa)
		return 0;
	return p->params->assigned ? HI_BUFFER | HI_ASSIGN : HI_BUFFER;
}

static void pending_begin(struct binding *b, const struct request *q)
{
	struct fmip6_par *p = b->par;
	par_pending_end(b);
	b->pending = true;
	b->over = b->awaited = false;
	if (!b->forwarding)
		timer_stop(&b->life);
	b->want = q->ncoa;
	b->want_nar = q->nar;
	b->want_router = q->router;
	b->wants_nar = q->wants_nar;
	b->lladdr = q->lladdr;
	b->lodging = false;
	b->tries = 0;
	b->hi_seq = par_hi_seq_next(p);
	b->hi = (struct hi){ .seq = b->hi_seq, .flags = hi_flags(p, q),
		.code = q->from_pcoa ? HI_FROM_PCOA : HI_NOT_FROM_PCOA, .lladdr = q->lladdr, .pcoa = b->pcoa, .ncoa = b->want };
	HASH_ADD(hh_hi, p->by_hi, hi_seq, sizeof b->hi_seq, b);
	p->ops->opened(p->arg, q->from_pcoa ? HANDOVER_PREDICTIVE : HANDOVER_REACTIVE, &b->pcoa, &b->want, &b->local, &b->want_nar,
	               &q->lladdr, q->in->at);
	if (q->fbu.rider_len && q->from_pcoa && p->ops->rider)
		p->ops->rider(p->arg, &b->pcoa, &b->local, q->fbu.rider, q->fbu.rider_len);
	if (q->from_pcoa)
		copying_begin(b, &q->lladdr);
	pending_hold(b);
	par_hi_send(b);
}

/* The status for the FBack to a HAck, or -1: it answers nothing. *ncoa is the address the mobile shall use. */
static int hack_status(const struct hack *m, struct in6_addr *ncoa)
{
	switch ((enum hack_code)m->code) {
	case HACK_ACCEPTED:
		if (!addr_is_zero(&m->ncoa))
			*ncoa = m->ncoa;
		return FBACK_ACCEPTED;
	case HACK_NCOA_INVALID:
	case HACK_ASSIGNED:
		if (addr_is_zero(&m->ncoa))
			return FBACK_UNSPECIFIED;
		*ncoa = m->ncoa;
		return FBACK_USE_ALTERNATE;
	case HACK_UNSOLICITED:
		return -1;
	case HACK_PROHIBITED:
		return FBACK_PROHIBITED;
	case HACK_NO_RESOURCES:
		return FBACK_NO_RESOURCES;
	case HACK_USE_PCOA: /* the new router's address is where packets go */
		return FBACK_ACCEPTED;
	case HACK_UNSPECIFIED:
		break;
	}
	return FBACK_UNSPECIFIED;
}

static void pending_accept(struct binding *b, const struct in6_addr *ncoa)
{
	struct fmip6_par *p = b->par;
	struct in6_addr nar = b->want_nar;
	usec_t now = loop_now(p->loop);
	par_copying_end(b); /* the mobile is still on our link, as far as is known: it has had what was copied */
	bool was_lodged = par_lodged(b), elsewhere = !addr_eq(&b->nar, &b->want_nar);
	if (was_lodged && b->from_pcoa && elsewhere)
		fback_before(b, b->lodging ? &b->pcoa : ncoa);
	int rc = p->ops->tunnel(p->arg, &b->pcoa, &b->local, ncoa);
	if (rc < 0) {
		pending_fail(b, FBACK_NO_RESOURCES, "tunnel could not be set up");
		return;
	}
	par_pending_end(b);
	if (was_lodged && elsewhere)
		par_serve_end(b);
	b->held = false;
	b->forwarding = true;
	b->lodged = b->lodging;
	b->router = b->want_router;
	b->since = now;
	b->ncoa = *ncoa;
	b->nar = nar;
	timer_after(&b->life, b->lifetime * USEC_SEC);
	par_serve_renew(b, false);
	p->ops->step(p->arg, &b->pcoa, STEP_TUNNEL, now);
	p->ops->step(p->arg, &b->pcoa, STEP_F_FBACK, now);
	fback_accept(b);
	p->ops->closed(p->arg, &b->pcoa, HANDOVER_COMPLETE, "");
}

void par_binding_marker_send(void *arg, uint16_t id, uint16_t seq)
{
	struct binding *b = arg;
	b->par->ops->send_marker(b->par->arg, &b->pcoa, &b->local, &b->ncoa, id, seq);
}

void par_binding_marker_ended(void *arg, bool answered)
{
	struct binding *b = arg;
	pending_accept(b, &b->agreed);
}

/* From one tunnel to another: first the old way has to be empty, or packets would overtake. The mobile is where it goes. */
static bool pending_drain(struct binding *b, const struct in6_addr *ncoa)
{
	struct fmip6_par *p = b->par;
	if (!b->forwarding || b->lodged || b->from_pcoa || addr_eq(&b->ncoa, ncoa) || p->ops->hold(p->arg, &b->pcoa) != 0)
		return false;
	timer_stop(&b->retry);
	b->agreed = *ncoa;
	p->ops->step(p->arg, &b->pcoa, STEP_HOLD, loop_now(p->loop));
	marker_begin(&b->marker, p->params->marker_timeout);
	return true;
}

void par_marker_reply(struct fmip6_par *p, const struct in6_addr *src, uint16_t id)
{
	struct binding *b = par_binding_find(p, src);
	if (b)
		marker_answer(&b->marker, id);
}

/* An address the new router chose must be its own, or a peer could point the tunnel anywhere. */
static bool ncoa_of_nar(struct binding *b, const struct in6_addr *ncoa)
{
	struct in6_addr nar, router;
	return b->par->ops->target(b->par->arg, ncoa, &nar, &router) == 0 && addr_eq(&nar, &b->want_nar);
}

void par_hack(struct fmip6_par *p, const struct mh_in *in)
{
	struct hack m;
	struct binding *b = NULL;
	FMIP6_COUNT(FMIP6_HACK_RECEIVED);
	if (hack_parse(in->data, in->len, &m) < 0) {
		FMIP6_COUNT(FMIP6_MALFORMED);
		log_limited(&p->log, in->at, LOG_LEVEL_NOTICE, "fmip6", "HAck ignored peer=%s reason=malformed", ADDR(&in->src));
		return;
	}
	HASH_FIND(hh_hi, p->by_hi, &m.seq, sizeof m.seq, b);
	if (!b || b->marker.wanted || !p->ops->is_peer(p->arg, &in->src, &b->want_nar)) {
		FMIP6_COUNT(FMIP6_HACK_IGNORED);
		log_limited(&p->log, in->at, LOG_LEVEL_NOTICE, "fmip6", "HAck ignored peer=%s seq=%u reason=\"answers no HI to this router\"",
		            ADDR(&in->src), m.seq);
		return;
	}
	if (!b->pending) {
		par_serve_answered(b, &m);
		return;
	}
	struct in6_addr ncoa = b->want;
	int status = hack_status(&m, &ncoa);
	if (status < 0) {
		FMIP6_COUNT(FMIP6_HACK_IGNORED);
		log_limited(&p->log, in->at, LOG_LEVEL_NOTICE, "fmip6", "HAck ignored mobile=%s peer=%s seq=%u code=%u reason=\"no answer to a HI\"",
		            ADDR(&b->pcoa), ADDR(&in->src), m.seq, m.code);
		return;
	}
	p->ops->step(p->arg, &b->pcoa, STEP_E_HACK, in->at);
	b->lodging = m.code == HACK_USE_PCOA || (b->wants_nar && status == FBACK_ACCEPTED && addr_is_zero(&m.ncoa));
	if (b->lodging)
		ncoa = b->want_nar;
	b->given = !b->lodging && !addr_is_zero(&m.ncoa);
	char refused[80];
	snprintf(refused, sizeof refused, "%s (HAck Code %u)",
	         m.code == HACK_NCOA_INVALID ? "the new address is in use at the new router" : "the new router refused", m.code);
	if (status >= FBACK_UNSPECIFIED)
		pending_fail(b, (uint8_t)status, refused);
	else if (!b->lodging && !ncoa_of_nar(b, &ncoa))
		pending_fail(b, FBACK_UNSPECIFIED, "the new router assigned an address that is not its own");
	else if (!pending_drain(b, &ncoa))
		pending_accept(b, &ncoa);
}

/* ---- FBU ---- */

/* Where its PCoA was served it announces that it comes home: its packets wait here until it says that it is there. */
static bool fbu_await(struct fmip6_par *p, struct binding *b, const struct request *q)
{
	if (!b || !(par_lodged(b) || b->awaited) || b->pending || !q->from_pcoa || q->fbu.lifetime == 0)
		return false;
	struct fback m = { .status = FBACK_ACCEPTED, .seq = q->fbu.seq, .lifetime = q->fbu.lifetime, .badf = { .spi = q->fbu.badf.spi } };
	if (m.lifetime > p->params->lifetime / USEC_SEC)
		m.lifetime = (uint16_t)(p->params->lifetime / USEC_SEC);
	par_fback_send(p, &m, &q->pcoa, &q->pcoa, &q->in->dst, &q->pcoa, false);
	if (b->awaited) {
		b->seq = q->fbu.seq;
		return true;
	}
	if (p->ops->hold(p->arg, &b->pcoa) != 0)
		return false;
	b->seq = q->fbu.seq;
	b->held = b->awaited = true;
	par_serve_end(b);
	b->forwarding = b->lodged = false;
	timer_stop(&b->renew);
	timer_after(&b->life, p->params->hold_time);
	return true;
}

/* Lifetime 0: the mobile is (still, or again) on our link; or, said from elsewhere, needs us no longer: its home agent, which is on our
 * link, has its packets from here on. */
static void fbu_give_up(struct fmip6_par *p, struct binding *b, const struct request *q)
{
	if (b && b->pending)
		p->ops->closed(p->arg, &b->pcoa, HANDOVER_CANCELLED, q->from_pcoa ? "the mobile stays" : "the mobile needs it no longer");
	if (b)
		par_copying_end(b);
	if (b && (b->forwarding || b->held))
		p->ops->direct(p->arg, &b->pcoa, q->from_pcoa ? &q->fbu.lladdr : NULL);
	if (b)
		b->held = false;
	struct fback m = { .status = FBACK_ACCEPTED, .seq = q->fbu.seq, .badf = { .spi = q->fbu.badf.spi } };
	if (q->fbu.flags & FBU_ACK)
		par_fback_send(p, &m, &q->pcoa, &q->pcoa, &q->in->dst, &q->in->src, q->from_pcoa);
	if (b || (b = par_binding_make(p, &q->pcoa))) {
		b->seq = q->fbu.seq;
		b->numbered = true;
		par_binding_over(b);
	}
}

/* What is in force is what it asks for: renewed, and said again. A predictive FBU long after the tunnel was set up is a new
 * movement to the same place, and the new router has to be asked again. */
static bool fbu_is_renewal(const struct binding *b, const struct request *q)
{
	if (par_lodged(b) && !b->pending && addr_eq(&b->router, &q->ncoa))
		return true;
	return b->forwarding && !b->pending && (addr_eq(&b->want, &q->ncoa) || addr_eq(&b->ncoa, &q->ncoa)) &&
	       !(q->from_pcoa && q->in->at > b->since + b->par->params->hold_time);
}

/* The mobile is there already and every packet for it is lost: the HI goes out again at once, and says so. */
static void pending_devolve(struct binding *b)
{
	b->hi.code = HI_NOT_FROM_PCOA;
	b->hi.flags = 0;
	b->tries = 0;
	pending_hold(b);
	b->par->ops->devolved(b->par->arg, &b->pcoa, "the mobile left before the FBack");
	par_hi_send(b);
}

static void fbu_accept(struct fmip6_par *p, struct binding *b, const struct request *q)
{
	uint64_t most = p->params->lifetime / USEC_SEC;
	if (b->pending && !addr_eq(&b->want, &q->ncoa))
		p->ops->closed(p->arg, &b->pcoa, HANDOVER_CANCELLED, "the mobile chose another router");
	b->seq = q->fbu.seq;
	b->numbered = true;
	b->spi = q->fbu.badf.spi;
	b->local = q->in->dst;
	b->from = q->in->src;
	b->from_pcoa = q->from_pcoa;
	b->acknowledge = q->fbu.flags & FBU_ACK;
	b->lifetime = (uint16_t)(q->fbu.lifetime < most ? q->fbu.lifetime : most);
	if (fbu_is_renewal(b, q)) {
		b->want = q->ncoa;
		b->wants_nar = q->wants_nar;
		timer_after(&b->life, b->lifetime * USEC_SEC);
		fback_accept(b);
		par_serve_renew(b, true);
	} else if (b->pending && addr_eq(&b->want, &q->ncoa)) {
		p->ops->step(p->arg, &b->pcoa, STEP_C_FBU, q->in->at); /* HI is under way: its answer will be the FBack */
		if (!q->from_pcoa && b->hi.code == HI_FROM_PCOA)
			pending_devolve(b);
	} else {
		pending_begin(b, q);
	}
}

void par_fbu(struct fmip6_par *p, const struct mh_in *in)
{
	struct request q = { .in = in };
	FMIP6_COUNT(FMIP6_FBU_RECEIVED);
	int why = par_fbu_check(p, &q);
	if (why >= 0) {
		par_fbu_refuse(p, &q, (enum refusal)why, 0);
		return;
	}
	struct binding *b = par_binding_find(p, &q.pcoa);
	uint16_t last;
	if (par_number_last(p, &q.pcoa, &last) && !fmip6_seq_newer(q.fbu.seq, last)) {
		par_fbu_refuse(p, &q, REFUSE_SEQUENCE, last);
		return;
	}
	why = par_fbu_check_target(p, &q);
	if (why < 0 && !b && !addr_is_zero(&q.ncoa) && !(b = par_binding_make(p, &q.pcoa)))
		why = REFUSE_FULL;
	if (why >= 0) {
		par_fbu_refuse(p, &q, (enum refusal)why, q.fbu.seq);
		return;
	}
	par_seen_add(p, q.fbu.badf.auth);
	par_number_set(p, &q.pcoa, q.fbu.seq);
	if (addr_is_zero(&q.ncoa)) {
		if (!fbu_await(p, b, &q))
			fbu_give_up(p, b, &q);
	} else
		fbu_accept(p, b, &q);
}

/* ---- the rest ---- */

enum par_was par_supersede(struct fmip6_par *p, const struct in6_addr *pcoa, struct in6_addr *local, struct in6_addr *ncoa)
{
	struct binding *b = par_binding_find(p, pcoa);
	if (b)
		par_copying_end(b);
	if (!b || b->over)
		return PAR_WAS_IDLE;
	/* Between two tunnels: the old one has been given up, its marker goes on its way. */
	enum par_was was = b->forwarding ? PAR_WAS_FORWARDING : b->held ? PAR_WAS_HOLDING : PAR_WAS_IDLE;
	if (b->pending)
		p->ops->closed(p->arg, pcoa, HANDOVER_CANCELLED, "the mobile came back");
	*local = b->local;
	*ncoa = b->ncoa;
	b->held = false; /* what waits moves along with the path */
	par_binding_over(b);
	return was;
}

static struct par_view view(const struct binding *b)
{
	return (struct par_view){ .pcoa = b->pcoa, .ncoa = b->forwarding ? b->ncoa : b->want,
		.nar = b->forwarding ? b->nar : b->want_nar, .local = b->local, .forwarding = b->forwarding, .pending = b->pending,
		.lodged = par_lodged(b), .lladdr = b->lladdr,
		.expires = b->forwarding ? b->life.when : 0 };
}

bool par_find(const struct fmip6_par *p, const struct in6_addr *pcoa, struct par_view *out)
{
	const struct binding *b = par_binding_find(p, pcoa);
	if (!b || b->over)
		return false;
	*out = view(b);
	return true;
}

void par_each(struct fmip6_par *p, void (*fn)(const struct par_view *v, void *fn_arg), void *fn_arg)
{
	struct binding *b, *next;
	HASH_ITER(hh, p->bindings, b, next) {
		struct par_view v = view(b);
		if (!b->over)
			fn(&v, fn_arg);
	}
}

struct fmip6_par *par_create(struct loop *l, const struct fmip6_params *params, const struct par_ops *ops, void *arg)
{
	struct fmip6_par *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	p->loop = l;
	p->params = params;
	p->ops = ops;
	p->arg = arg;
	p->hi_seq = (uint16_t)(fmip6_random16() & ~1U); /* odd ones are of fmip6_anchor.c */
	bucket_init(&p->log, 1, 10);
	bucket_init(&p->answers, 50, 100);
	return p;
}

void par_destroy(struct fmip6_par *p)
{
	struct binding *b, *next;
	if (!p)
		return;
	HASH_ITER(hh, p->bindings, b, next)
		par_binding_free(b);
	par_seen_clear(p);
	par_numbers_clear(p);
	free(p);
}
