#include "fmip6/fmip6_nar.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/secret.h"
#include "fmip6/fmip6_nar_private.h"

/* ---- sessions ---- */

void nar_session_close(struct session *s, enum handover_result r, const char *reason)
{
	if (!s->open)
		return;
	s->open = false;
	s->nar->ops->closed(s->nar->arg, &s->v.pcoa, r, reason);
}

void nar_session_step(struct session *s, enum handover_step step, usec_t at)
{
	if (s->open)
		s->nar->ops->step(s->nar->arg, &s->v.pcoa, step, at);
}

void nar_forget(struct fmip6_nar *n, const struct in6_addr *addr)
{
	early_forget(&n->early, addr);
}

/* ---- HAck ---- */

void nar_hack_send(struct fmip6_nar *n, const struct in6_addr *src, const struct in6_addr *dst, uint16_t seq, uint8_t code,
                   const struct in6_addr *ncoa)
{
	uint8_t out[64];
	int len = hack_pack(&(struct hack){ .seq = seq, .code = code, .ncoa = *ncoa }, out, sizeof out);
	if (len < 0)
		return;
	FMIP6_COUNT(FMIP6_HACK_SENT);
	n->ops->send_hack(n->arg, src, dst, out, (size_t)len);
}

void nar_session_hack(struct session *s)
{
	nar_session_step(s, STEP_E_HACK, loop_now(s->nar->loop));
	/* §6.2.1.2: Code 2 answers no HI with Code 1; an address that the mobile was given before is told all the same. */
	bool assigned = s->code == HACK_ASSIGNED;
	nar_hack_send(s->nar, &s->local, &s->v.peer, s->hi_seq, assigned && s->here ? HACK_ACCEPTED : s->code,
	          assigned ? &s->v.ncoa : &in6addr_any);
}

/* ---- arrival and release ---- */

static void session_done(struct session *s, enum handover_result r, const char *reason)
{
	if (s->v.lodged && r == HANDOVER_COMPLETE) {
		nar_session_close(s, r, reason);
		nar_lodge_settled(s);
		return;
	}
	if (s->v.lodged)
		s->nar->ops->leave(s->nar->arg, &s->v);
	nar_session_quiet(s);
	nar_session_close(s, r, reason);
	s->v.state = NAR_DONE;
	timer_after(&s->timer, s->nar->params->hold_time);
}

static void release(struct session *s)
{
	struct fmip6_nar *n = s->nar;
	timer_stop(&s->timer);
	marker_stop(&s->marker);
	s->v.state = NAR_RELEASING;
	usec_t at = loop_now(n->loop);
	int rc = n->ops->release(n->arg, &s->v);
	nar_session_step(s, STEP_RELEASE, at);
	if (rc < 0) {
		n->ops->drop(n->arg, &s->v.ncoa);
		s->held = false;
		session_done(s, HANDOVER_FAILED, "held packets could not be released");
	}
}

void nar_released(struct fmip6_nar *n, const struct in6_addr *ncoa)
{
	struct session *s = nar_session_find(n, ncoa);
	if (!s || s->v.state != NAR_RELEASING)
		return;
	s->held = false;
	nar_session_step(s, STEP_RELEASED, loop_now(n->loop));
	session_done(s, HANDOVER_COMPLETE, "");
}

static void release_if_ready(struct session *s)
{
	if (s->v.state == NAR_WAITING && !s->marker.wanted && (!s->contexts_wanted || s->contexts_done))
		release(s);
}

/* The mobile is on our link. What it held up waits only for what is configured to be waited for. */
void nar_session_arrive(struct session *s)
{
	struct fmip6_nar *n = s->nar;
	timer_stop(&s->dad);
	marker_stop(&s->marker);
	s->v.state = NAR_WAITING;
	s->contexts_wanted = n->params->release == FMIP6_RELEASE_CONTEXTS;
	timer_after(&s->timer, n->params->release_timeout);
	release_if_ready(s); /* packets first: all else can wait longer than they */
	nar_session_undefend(s);
	n->ops->neighbor(n->arg, &s->v);
	n->ops->arrived(n->arg, &s->v); /* may bring nar_contexts_done at once */
	release_if_ready(s);
}

void nar_contexts_done(struct fmip6_nar *n, const struct in6_addr *pcoa, const struct in6_addr *ncoa)
{
	struct session *s, *next;
	bool known = false;
	HASH_ITER(hh, n->sessions, s, next)
		if (s->v.state != NAR_DONE && addr_eq(&s->v.pcoa, pcoa)) {
			known = s->contexts_done = true;
			release_if_ready(s);
		}
	if (!known)
		early_contexts(&n->early, ncoa, pcoa, loop_now(n->loop));
}

void nar_session_marker_send(void *arg, uint16_t id, uint16_t seq)
{
	struct session *s = arg;
	s->nar->ops->send_marker(s->nar->arg, &s->v, id, seq);
}

void nar_session_marker_ended(void *arg, bool answered)
{
	struct session *s = arg;
	if (!answered)
		LOG_INFO("fmip6", "no answer to the marker, releasing mobile=%s peer=%s", ADDR(&s->v.ncoa), ADDR(&s->v.peer));
	release_if_ready(s);
}

void nar_marker_reply(struct fmip6_nar *n, const struct in6_addr *src, uint16_t id)
{
	struct session *s = nar_session_find(n, src);
	if (s)
		marker_answer(&s->marker, id);
}

/* ---- HI ---- */

void nar_session_timeout(struct timer *t, void *arg)
{
	struct session *s = arg;
	struct fmip6_nar *n = s->nar;
	switch (s->v.state) {
	case NAR_HOLDING:
		FMIP6_COUNT(FMIP6_HOLD_EXPIRED);
		LOG_NOTICE("fmip6", "mobile did not arrive mobile=%s ncoa=%s peer=%s hold_time_ms=%llu", ADDR(&s->v.pcoa),
		           ADDR(&s->v.ncoa), ADDR(&s->v.peer), (unsigned long long)(n->params->hold_time / USEC_MSEC));
		if (s->v.lodged) {
			nar_session_close(s, HANDOVER_FAILED, "the mobile did not arrive in time");
			nar_lodge_gone(s);
			break;
		}
		nar_session_quiet(s);
		n->ops->drop(n->arg, &s->v.ncoa);
		nar_session_close(s, HANDOVER_FAILED, "the mobile did not arrive in time");
		nar_session_free(s);
		break;
	case NAR_WAITING:
		s->contexts_wanted = false;
		release_if_ready(s);
		break;
	case NAR_RELEASING:
		break;
	case NAR_DONE:
		nar_session_free(s);
		break;
	case NAR_SERVING:
		nar_lodge_tick(s);
		break;
	}
}

void nar_proxy_timeout(struct timer *t, void *arg)
{
	struct session *s = arg;
	s->nar->ops->proxy(s->nar->arg, s->v.ifindex, &s->v.ncoa, false);
}

static void hold_failed(struct session *s)
{
	s->code = HACK_NO_RESOURCES;
	if (s->held)
		s->nar->ops->drop(s->nar->arg, &s->v.ncoa);
	nar_session_hack(s);
	nar_session_close(s, HANDOVER_FAILED, "no room to hold packets");
	nar_session_free(s);
}

static bool waits_for_contexts(const struct session *s)
{
	return s->nar->params->release == FMIP6_RELEASE_CONTEXTS && !s->contexts_done;
}

/* Nobody else has the address: it is defended, and the PAR may send. */
static void expect_confirm(struct session *s)
{
	struct fmip6_nar *n = s->nar;
	n->ops->proxy(n->arg, s->v.ifindex, &s->v.ncoa, true);
	timer_after(&s->proxy, n->params->proxy_nd_lifetime);
	nar_session_hack(s);
}

void nar_dad_timeout(struct timer *t, void *arg)
{
	expect_confirm(arg);
}

/* The mobile is on its way. An address of our own choice, or one that the mobile has here already, needs no asking. */
static void begin_expect(struct session *s, bool ask)
{
	struct fmip6_nar *n = s->nar;
	if (n->ops->hold(n->arg, &s->v.ncoa, &s->forwarder) < 0) {
		hold_failed(s);
		return;
	}
	s->held = true;
	if (waits_for_contexts(s))
		n->ops->hold_from(n->arg, &s->v);
	s->v.state = NAR_HOLDING;
	timer_after(&s->timer, n->params->hold_time);
	nar_session_step(s, STEP_HOLD, loop_now(n->loop));
	if (!ask || n->params->dad == 0) {
		expect_confirm(s);
		return;
	}
	n->ops->probe(n->arg, s->v.ifindex, &s->v.ncoa);
	timer_after(&s->dad, n->params->dad);
}

/* The mobile is here, and what was sent to it through our own tunnel comes round behind it. */
static void begin_returned(struct session *s)
{
	struct fmip6_nar *n = s->nar;
	if (n->ops->hold(n->arg, &s->v.ncoa, &s->forwarder) < 0) {
		hold_failed(s);
		return;
	}
	s->held = true;
	nar_session_step(s, STEP_HOLD, loop_now(n->loop));
	n->ops->pass(n->arg, &s->v);
	nar_session_hack(s);
	marker_begin(&s->marker, n->params->marker_timeout);
	timer_stop(&s->timer);
	s->v.state = NAR_WAITING;
	s->contexts_wanted = false; /* it had its contexts here before */
	n->ops->neighbor(n->arg, &s->v);
	n->ops->arrived(n->arg, &s->v);
}

/* The mobile is here. Held is what an earlier expectation of it left, and what must wait for its contexts. */
static void begin_present(struct session *s)
{
	struct fmip6_nar *n = s->nar;
	if (waits_for_contexts(s)) {
		if (n->ops->hold(n->arg, &s->v.ncoa, &s->forwarder) < 0) {
			hold_failed(s);
			return;
		}
		n->ops->hold_from(n->arg, &s->v);
		s->held = true;
		nar_session_step(s, STEP_HOLD, loop_now(n->loop));
	}
	if (s->held) {
		nar_session_hack(s);
		nar_session_arrive(s);
		return;
	}
	n->ops->neighbor(n->arg, &s->v);
	nar_session_hack(s);
	n->ops->arrived(n->arg, &s->v);
	session_done(s, HANDOVER_COMPLETE, "");
}

static void session_begin(struct session *s, const struct hi *m, const struct mh_in *in, int ifindex,
                          const struct in6_addr *forwarder)
{
	struct fmip6_nar *n = s->nar;
	/* It is here already, and another router of its past is only told so. */
	bool settled = s->v.state == NAR_DONE && m->code != HI_FROM_PCOA && lladdr_eq(&s->v.lladdr, &m->lladdr);
	nar_session_quiet(s);
	s->held &= s->v.state != NAR_RELEASING; /* what is on its way out goes on its way */
	nar_session_close(s, HANDOVER_CANCELLED, "the mobile was announced anew");
	s->v = (struct nar_view){ .ncoa = s->v.ncoa, .pcoa = addr_is_zero(&m->pcoa) ? m->ncoa : m->pcoa, .peer = in->src,
		.lladdr = m->lladdr, .ifindex = ifindex };
	nar_session_address(s, &s->v.ncoa, &m->ncoa);
	s->local = in->dst;
	s->forwarder = *forwarder;
	s->hi_seq = m->seq;
	s->here = m->code != HI_FROM_PCOA; /* then S and U say nothing (§6.2.1.1) */
	s->code = (!s->here && m->flags & HI_ASSIGN) || !addr_eq(&s->asked, &s->v.ncoa) ? HACK_ASSIGNED : HACK_ACCEPTED;
	s->contexts_done = false;
	enum par_was was = n->ops->supersede(n->arg, &s->v.ncoa, &s->v.old_local, &s->v.old_ncoa);
	bool returned = was == PAR_WAS_FORWARDING;
	if (!returned)
		s->v.old_local = s->v.old_ncoa = in6addr_any;
	s->held |= was != PAR_WAS_IDLE; /* the path is ours now: what waited for a HAck waits for the mobile, what went into a tunnel ends */
	usec_t una = early_take(&n->early, &s->v.ncoa, &s->v.lladdr, ifindex, &s->v.pcoa, loop_now(n->loop), &s->contexts_done);
	s->contexts_done |= settled;
	s->una = una > 0;
	s->open = true;
	n->ops->opened(n->arg, m->code == HI_FROM_PCOA ? HANDOVER_PREDICTIVE : HANDOVER_REACTIVE, &s->v, in->at);
	if (una)
		nar_session_step(s, STEP_G_UNA, una);
	if (!una && m->code == HI_FROM_PCOA)
		begin_expect(s, !returned && addr_eq(&s->asked, &s->v.ncoa));
	else if (returned)
		begin_returned(s);
	else
		begin_present(s);
}

/* Is ncoa another mobile's than the one with this link-layer address? Also one that is away is still its mobile's. */
bool nar_taken(const struct fmip6_nar *n, const struct in6_addr *ncoa, const struct lladdr *l)
{
	struct lladdr of;
	return n->ops->in_use(n->arg, ncoa, l) || (n->ops->leaving(n->arg, ncoa, &of) && !lladdr_eq(&of, l));
}

/* A session stands, and this is not its HI repeated. */
static void session_again(struct session *s, const struct hi *m, const struct mh_in *in, int ifindex,
                          const struct in6_addr *forwarder)
{
	bool same = addr_eq(&s->v.pcoa, &m->pcoa) && addr_eq(&s->v.peer, &in->src);
	bool here = m->code != HI_FROM_PCOA;
	/* Two routers that ask each other to take the same mobile, their HIs crossing, must not end up forwarding to each other:
	 * who is asked gives up asking. */
	struct lladdr of;
	bool crossing = s->nar->ops->leaving(s->nar->arg, &s->v.ncoa, &of);
	if (crossing || s->v.state == NAR_DONE || (!here && s->v.state != NAR_HOLDING) || (!same && s->v.state == NAR_HOLDING)) {
		session_begin(s, m, in, ifindex, forwarder);
		return;
	}
	if (!same) { /* another router of the mobile's past, told where it is now */
		nar_hack_send(s->nar, &in->dst, &in->src, m->seq, HACK_ACCEPTED, &in6addr_any);
		return;
	}
	s->here = here;
	s->hi_seq = m->seq;
	s->local = in->dst;
	nar_session_step(s, STEP_D_HI, in->at);
	if (timer_armed(&s->dad) && !here)
		return; /* whether the address is free is not known yet */
	nar_session_hack(s);
	if (s->v.state != NAR_HOLDING)
		return;
	if (here)
		nar_session_arrive(s); /* its FBU came from here, whatever became of its UNA */
	else
		timer_after(&s->timer, s->nar->params->hold_time);
}

/* The session that this HI is about: its address's, or that of the address which this mobile got in its stead. */
static struct session *session_of(const struct fmip6_nar *n, const struct hi *m, const struct mh_in *in)
{
	struct session *s = nar_session_find(n, &m->ncoa);
	if (s && (s->v.state == NAR_DONE || lladdr_eq(&s->v.lladdr, &m->lladdr)))
		return s;
	for (struct session *other = n->chosen ? n->sessions : NULL; other; other = other->hh.next)
		if (addr_eq(&other->asked, &m->ncoa) && !addr_eq(&other->v.ncoa, &m->ncoa) && addr_eq(&other->v.pcoa, &m->pcoa) &&
		    lladdr_eq(&other->v.lladdr, &m->lladdr) && addr_eq(&other->v.peer, &in->src))
			return other;
	return s;
}

/* 0, or the code of the HAck that refuses it. */
static uint8_t hi_check(struct fmip6_nar *n, const struct hi *m, const struct session *s, int *ifindex, const char **reason)
{
	if (m->code != HI_FROM_PCOA && m->code != HI_NOT_FROM_PCOA) {
		*reason = "unknown Code";
		return HACK_UNSPECIFIED;
	}
	if (m->lladdr.len == 0 || addr_is_zero(&m->ncoa)) {
		*reason = "link-layer address or new address missing";
		return HACK_UNSPECIFIED;
	}
	*ifindex = n->ops->access_link(n->arg, &m->ncoa);
	if (*ifindex == 0) {
		*reason = "new address is not of our access links";
		return HACK_PROHIBITED;
	}
	if (s && !addr_eq(&s->v.ncoa, &m->ncoa))
		return HACK_ACCEPTED; /* it was in use, and the mobile has got another */
	bool other = s && s->v.state != NAR_DONE && !lladdr_eq(&s->v.lladdr, &m->lladdr);
	if (other || nar_taken(n, &m->ncoa, &m->lladdr)) {
		FMIP6_COUNT(FMIP6_COLLISIONS);
		*reason = "new address is in use";
		return HACK_NCOA_INVALID;
	}
	return HACK_ACCEPTED;
}

void nar_refuse(struct fmip6_nar *n, const struct hi *m, const struct mh_in *in, uint8_t code, const char *reason)
{
	FMIP6_COUNT(FMIP6_HI_REFUSED);
	log_limited(&n->log, in->at, LOG_LEVEL_NOTICE, "fmip6", "HI refused mobile=%s peer=%s ncoa=%s code=%u reason=\"%s\"",
	            ADDR(&m->pcoa), ADDR(&in->src), ADDR(&m->ncoa), code, reason);
	nar_hack_send(n, &in->dst, &in->src, m->seq, code, &in6addr_any);
}

/* Another address for a mobile whose own is taken. */
bool nar_assign(struct fmip6_nar *n, const struct lladdr *l, const struct in6_addr *taken, struct in6_addr *out)
{
	if (n->params->collision != FMIP6_COLLISION_ASSIGN || !n->ops->assign(n->arg, taken, l, out))
		return false;
	FMIP6_COUNT(FMIP6_ASSIGNED);
	log_limited(&n->log, loop_now(n->loop), LOG_LEVEL_NOTICE, "fmip6", "another address for a mobile lladdr=%s taken=%s assigned=%s",
	            LLADDR(l), ADDR(taken), ADDR(out));
	return true;
}

static void hi_take(struct fmip6_nar *n, struct session *s, const struct in6_addr *ncoa, const struct hi *m, const struct mh_in *in,
                    int ifindex, const struct in6_addr *forwarder)
{
	if (s) {
		session_again(s, m, in, ifindex, forwarder);
		return;
	}
	s = nar_session_make(n, ncoa);
	if (s) {
		session_begin(s, m, in, ifindex, forwarder);
		return;
	}
	FMIP6_COUNT(FMIP6_SESSIONS_FULL);
	char reason[48];
	snprintf(reason, sizeof reason, "limit of %lld sessions reached", (long long)n->params->sessions);
	nar_refuse(n, m, in, HACK_NO_RESOURCES, reason);
}

static void hi_repeated(struct session *s, const struct hi *m, const struct mh_in *in)
{
	bool here = s->here = m->code != HI_FROM_PCOA;
	nar_session_step(s, STEP_D_HI, in->at);
	if (timer_armed(&s->dad) && !here)
		return; /* whether the address is free is not known yet */
	nar_session_hack(s);
	if (here && s->v.state == NAR_HOLDING)
		nar_session_arrive(s); /* its FBU has come from here meanwhile */
}

void nar_hi(struct fmip6_nar *n, const struct mh_in *in)
{
	struct hi m;
	struct in6_addr forwarder;
	const char *reason = "";
	int ifindex = 0;
	FMIP6_COUNT(FMIP6_HI_RECEIVED);
	if (hi_parse(in->data, in->len, &m) < 0) {
		FMIP6_COUNT(FMIP6_MALFORMED);
		log_limited(&n->log, in->at, LOG_LEVEL_NOTICE, "fmip6", "HI ignored peer=%s reason=malformed", ADDR(&in->src));
		return;
	}
	if (!n->ops->peer(n->arg, &in->src, &m.pcoa, &forwarder)) {
		FMIP6_COUNT(FMIP6_HI_STRANGER);
		log_limited(&n->log, in->at, LOG_LEVEL_NOTICE, "fmip6", "HI ignored peer=%s reason=\"no usable neighbour\"",
		            ADDR(&in->src));
		return;
	}
	if (nar_lodge_hi(n, &m, in))
		return;
	struct in6_addr ncoa = m.ncoa;
	struct session *s = session_of(n, &m, in);
	if (s && s->hi_seq == m.seq && addr_eq(&s->v.peer, &in->src)) {
		hi_repeated(s, &m, in);
		return;
	}
	uint8_t code = hi_check(n, &m, s, &ifindex, &reason);
	bool none = code == HACK_NCOA_INVALID || (code == HACK_ACCEPTED && n->ops->home && n->ops->dhcp(n->arg, ifindex));
	if (none && nar_lodge_may(n, ifindex, &m.pcoa, &in->src)) {
		nar_lodge_begin(n, &m, in, ifindex, &forwarder);
		return;
	}
	if (code == HACK_NCOA_INVALID && m.code != HI_FROM_PCOA)
		code = HACK_UNSPECIFIED; /* §6.2.1.2: Code 1 answers no HI with Code 1 */
	if (code == HACK_NCOA_INVALID && nar_assign(n, &m.lladdr, &m.ncoa, &ncoa)) {
		code = HACK_ACCEPTED;
		s = NULL;
	}
	if (code == HACK_ACCEPTED)
		hi_take(n, s, &ncoa, &m, in, ifindex, &forwarder);
	else
		nar_refuse(n, &m, in, code, reason);
}

/* ---- the link says that the address is taken ---- */

static void session_refuse(struct session *s)
{
	s->code = HACK_NCOA_INVALID;
	nar_session_hack(s);
	nar_session_close(s, HANDOVER_FAILED, "the new address is in use");
	nar_session_free(s);
}

static void session_readdress(struct session *s, const struct in6_addr *ncoa)
{
	struct fmip6_nar *n = s->nar;
	struct in6_addr local, old;
	nar_session_address(s, ncoa, &s->asked);
	(void)n->ops->supersede(n->arg, ncoa, &local, &old); /* it may have had that before, and be back */
	nar_session_close(s, HANDOVER_CANCELLED, "the new address is in use, another is given");
	s->open = true;
	n->ops->opened(n->arg, HANDOVER_PREDICTIVE, &s->v, loop_now(n->loop));
	s->code = HACK_ASSIGNED;
	begin_expect(s, false);
}

static void session_lodge(struct session *s, usec_t at)
{
	const struct hi m = { .seq = s->hi_seq, .code = HI_FROM_PCOA, .flags = HI_BUFFER, .lladdr = s->v.lladdr, .pcoa = s->v.pcoa,
		.ncoa = s->asked };
	const struct mh_in in = { .src = s->v.peer, .dst = s->local, .at = at };
	struct in6_addr forwarder = s->forwarder;
	struct fmip6_nar *n = s->nar;
	int ifindex = s->v.ifindex;
	nar_session_close(s, HANDOVER_CANCELLED, "the new address is in use, the previous one is served");
	nar_session_free(s);
	nar_lodge_begin(n, &m, &in, ifindex, &forwarder);
}

void nar_defended(struct fmip6_nar *n, const struct in6_addr *target, const struct lladdr *l, int ifindex, usec_t at)
{
	struct session *s = nar_session_find(n, target);
	struct in6_addr other;
	if (!s || !timer_armed(&s->dad) || s->v.ifindex != ifindex || lladdr_eq(l, &s->v.lladdr))
		return;
	FMIP6_COUNT(FMIP6_COLLISIONS);
	log_limited(&n->log, at, LOG_LEVEL_NOTICE, "fmip6", "new address is in use mobile=%s ncoa=%s owner=%s", ADDR(&s->v.pcoa),
	            ADDR(target), LLADDR(l));
	nar_session_quiet(s);
	n->ops->drop(n->arg, &s->v.ncoa);
	s->held = false;
	if (nar_lodge_may(n, ifindex, &s->v.pcoa, &s->v.peer))
		session_lodge(s, at);
	else if (nar_assign(n, &s->v.lladdr, target, &other))
		session_readdress(s, &other);
	else
		session_refuse(s);
}

/* ---- the rest ---- */

void nar_yield(struct fmip6_nar *n, const struct in6_addr *ncoa)
{
	struct session *s = nar_session_find(n, ncoa);
	if (!s)
		return;
	if (s->v.lodged && s->v.state != NAR_DONE)
		n->ops->leave(n->arg, &s->v);
	nar_session_quiet(s);
	nar_session_close(s, HANDOVER_CANCELLED, "the mobile moved on");
	nar_session_free(s);
}

bool nar_find(const struct fmip6_nar *n, const struct in6_addr *ncoa, struct nar_view *out)
{
	const struct session *s = nar_session_find(n, ncoa);
	if (!s)
		return false;
	*out = s->v;
	return true;
}

void nar_each(struct fmip6_nar *n, void (*fn)(const struct nar_view *v, void *fn_arg), void *fn_arg)
{
	struct session *s, *next;
	HASH_ITER(hh, n->sessions, s, next)
		fn(&s->v, fn_arg);
}

struct fmip6_nar *nar_create(struct loop *l, const struct fmip6_params *params, const struct nar_ops *ops, void *arg)
{
	struct fmip6_nar *n = calloc(1, sizeof *n);
	if (!n)
		return NULL;
	n->loop = l;
	n->params = params;
	n->ops = ops;
	n->arg = arg;
	bucket_init(&n->log, 1, 10);
	bucket_init(&n->naacks, 10, 20);
	return n;
}

void nar_destroy(struct fmip6_nar *n)
{
	struct session *s, *next;
	if (!n)
		return;
	HASH_ITER(hh, n->sessions, s, next)
		nar_session_free(s);
	early_clear(&n->early);
	free(n);
}
