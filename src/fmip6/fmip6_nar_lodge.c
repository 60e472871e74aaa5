/* The NAR serves a PCoA in place of a new address (RFC 5568 §4, §6.2.1.2): fmip6_nar.h tells how. */
#include <stdlib.h>

#include "fmip6/fmip6_nar_private.h"

#define TICKS 8 /* times in a lifetime that a lodger is looked after */
#define LATE 1024 /* a HI so far behind the last one was under way for long; further behind, its router has begun anew */

bool nar_serves(const struct fmip6_nar *n, int ifindex)
{
	return n->ops->home && (n->params->collision == FMIP6_COLLISION_PCOA || n->ops->dhcp(n->arg, ifindex));
}

bool nar_lodge_may(const struct fmip6_nar *n, int ifindex, const struct in6_addr *pcoa, const struct in6_addr *peer)
{
	return nar_serves(n, ifindex) && n->ops->home(n->arg, pcoa, peer);
}

static struct session *find(const struct fmip6_nar *n, const struct in6_addr *pcoa)
{
	struct session *s = nar_session_find(n, pcoa);
	return s && s->v.lodged ? s : NULL;
}

struct session *nar_lodge_of(const struct fmip6_nar *n, const struct in6_addr *asked, const struct lladdr *l, int ifindex)
{
	for (struct session *s = n->chosen ? n->sessions : NULL; s; s = s->hh.next)
		if (s->v.lodged && addr_eq(&s->asked, asked) && lladdr_eq(&s->v.lladdr, l) && s->v.ifindex == ifindex)
			return s;
	return NULL;
}

/* Nothing of it stays. */
void nar_lodge_end(struct session *s, enum handover_result r, const char *reason)
{
	struct fmip6_nar *n = s->nar;
	if (s->v.state != NAR_DONE)
		n->ops->leave(n->arg, &s->v);
	nar_session_quiet(s);
	nar_session_close(s, r, reason);
	nar_session_free(s);
}

void nar_lodge_life_ended(struct timer *t, void *arg)
{
	struct session *s = arg;
	FMIP6_COUNT(FMIP6_BINDINGS_EXPIRED);
	LOG_INFO("fmip6", "service of a previous address expired mobile=%s peer=%s", ADDR(&s->v.pcoa), ADDR(&s->v.peer));
	nar_lodge_end(s, HANDOVER_FAILED, "its router confirmed it no longer");
}

void nar_lodge_naack(struct fmip6_nar *n, int ifindex, const struct lladdr *to, const struct in6_addr *dst, uint8_t status,
                     const struct in6_addr *pcoa)
{
	if (!bucket_take(&n->naacks, loop_now(n->loop)))
		return;
	FMIP6_COUNT(FMIP6_NAACK_SENT);
	n->ops->send_naack(n->arg, ifindex, to, dst, status, pcoa);
}

/* ---- whether it is there ---- */

void nar_lodge_gone(struct session *s)
{
	s->nar->ops->leave(s->nar->arg, &s->v);
	nar_session_quiet(s);
	s->v.state = NAR_DONE;
	timer_after(&s->timer, s->nar->params->lifetime);
}

static void gone(struct session *s)
{
	LOG_INFO("fmip6", "mobile is not there any more mobile=%s peer=%s", ADDR(&s->v.pcoa), ADDR(&s->v.peer));
	nar_lodge_gone(s);
}

/* Its PAR has not asked, though it is time, or has forgotten: the mobile is told to say to it, by an FBU, where it is (§6.4.6). */
static void remind(struct session *s)
{
	struct fmip6_nar *n = s->nar;
	LOG_INFO("fmip6", "service of a previous address is to be confirmed mobile=%s peer=%s", ADDR(&s->v.pcoa), ADDR(&s->v.peer));
	nar_lodge_naack(n, s->v.ifindex, &s->v.lladdr, &s->v.pcoa, NAACK_USE_NAR, &in6addr_any);
}

void nar_neighbor_back(struct fmip6_nar *n, const struct in6_addr *peer)
{
	struct session *s, *next;
	HASH_ITER(hh, n->sessions, s, next)
		if (s->v.lodged && s->v.state == NAR_SERVING && addr_eq(&s->v.peer, peer))
			remind(s);
}

void nar_lodge_tick(struct session *s)
{
	struct fmip6_nar *n = s->nar;
	usec_t now = loop_now(n->loop), silent = now - s->seen, tick = n->params->lifetime / TICKS;
	if (silent > n->params->lifetime / 2) {
		gone(s);
		return;
	}
	n->ops->ask(n->arg, &s->v);
	if (n->params->renew && s->life.when < now + 2 * tick - tick / 2)
		remind(s);
	timer_after(&s->timer, tick);
}

void nar_lodge_settled(struct session *s)
{
	s->held = false;
	s->v.state = NAR_SERVING;
	timer_after(&s->timer, s->nar->params->lifetime / TICKS);
}

void nar_lodge_here(struct session *s, usec_t at)
{
	struct fmip6_nar *n = s->nar;
	s->seen = loop_now(n->loop); /* whenever that was: it counts from the service on */
	if (s->v.state != NAR_HOLDING)
		return;
	nar_session_step(s, STEP_G_UNA, at);
	s->una = true;
	timer_after(&s->life, n->params->lifetime);
	s->v.state = NAR_WAITING;
	if (n->ops->serve(n->arg, &s->v, &s->local, &s->forwarder) < 0)
		nar_lodge_end(s, HANDOVER_FAILED, "the mobile could not be served");
	else
		nar_session_arrive(s);
}

void nar_seen(struct fmip6_nar *n, const struct in6_addr *addr, const struct lladdr *l, int ifindex, usec_t at)
{
	struct session *s = find(n, addr);
	if (s && s->v.state != NAR_DONE && lladdr_eq(&s->v.lladdr, l) && s->v.ifindex == ifindex)
		nar_lodge_here(s, at);
}

/* ---- HI ---- */

void nar_lodge_begin(struct fmip6_nar *n, const struct hi *m, const struct mh_in *in, int ifindex, const struct in6_addr *forwarder)
{
	bool contexts = false;
	struct session *s = nar_session_find(n, &m->pcoa);
	if (s)
		nar_yield(n, &m->pcoa);
	if (!(s = nar_session_make(n, &m->pcoa))) {
		FMIP6_COUNT(FMIP6_SESSIONS_FULL);
		nar_refuse(n, m, in, HACK_NO_RESOURCES, "limit of sessions reached");
		return;
	}
	usec_t una = early_take(&n->early, &m->pcoa, &m->lladdr, ifindex, &m->pcoa, in->at, &contexts);
	FMIP6_COUNT(FMIP6_LODGED);
	fmip6_counters[FMIP6_LODGERS].value++;
	s->v = (struct nar_view){ .ncoa = m->pcoa, .pcoa = m->pcoa, .peer = in->src, .lladdr = m->lladdr, .ifindex = ifindex,
		.state = NAR_HOLDING, .lodged = true };
	nar_session_address(s, &m->pcoa, &m->ncoa);
	s->local = in->dst;
	s->forwarder = *forwarder;
	s->hi_seq = m->seq;
	s->here = m->code != HI_FROM_PCOA;
	s->code = HACK_USE_PCOA;
	s->contexts_done = contexts;
	s->open = true;
	LOG_NOTICE("fmip6", "the previous address of a mobile is served mobile=%s lladdr=%s peer=%s taken=%s", ADDR(&m->pcoa),
	           LLADDR(&m->lladdr), ADDR(&in->src), ADDR(&m->ncoa));
	n->ops->opened(n->arg, s->here ? HANDOVER_REACTIVE : HANDOVER_PREDICTIVE, &s->v, in->at);
	struct nar_view away = s->v;
	away.ifindex = 0;
	if (n->ops->hold(n->arg, &s->v.ncoa, &in6addr_any) < 0 || n->ops->serve(n->arg, &away, &s->local, &s->forwarder) < 0) {
		s->code = HACK_NO_RESOURCES;
		nar_session_hack(s);
		nar_lodge_end(s, HANDOVER_FAILED, "no room to hold packets");
		return;
	}
	s->held = true;
	nar_session_step(s, STEP_HOLD, loop_now(n->loop));
	timer_after(&s->timer, n->params->hold_time);
	nar_session_hack(s);
	if (una || s->here)
		nar_lodge_here(s, una ? una : in->at);
}

static bool is_late(const struct session *s, const struct hi *m)
{
	return m->seq != s->hi_seq && (uint16_t)(s->hi_seq - m->seq) < LATE;
}

/* The mobile's PAR says that it went on, or that it came home. */
static void parted(struct fmip6_nar *n, struct session *s, const struct hi *m, const struct mh_in *in)
{
	if (s && !is_late(s, m))
		nar_lodge_end(s, HANDOVER_CANCELLED, "the mobile moved on");
	nar_hack_send(n, &in->dst, &in->src, m->seq, HACK_ACCEPTED, &in6addr_any);
}

bool nar_lodge_hi(struct fmip6_nar *n, const struct hi *m, const struct mh_in *in)
{
	struct session *s = addr_is_zero(&m->pcoa) ? NULL : find(n, &m->pcoa);
	if (s && !addr_eq(&s->v.peer, &in->src))
		return false;
	if (m->code == HI_COMPLETED && m->flags & HI_PROXY && n->ops->home) {
		parted(n, s, m, in);
		return true;
	}
	if (!s)
		return false;
	bool same = addr_eq(&s->asked, &m->ncoa) && s->hi_seq == m->seq, own = n->ops->own(n->arg, &m->ncoa);
	bool renewal = own && m->code == HI_NOT_FROM_PCOA; /* no sign that the mobile is there */
	if (s->v.state == NAR_DONE && renewal) {
		nar_refuse(n, m, in, HACK_UNSPECIFIED, "the mobile is not there any more");
		return true;
	}
	if (s->v.state != NAR_DONE && (own || addr_eq(&s->asked, &m->ncoa)) && is_late(s, m)) {
		nar_hack_send(n, &in->dst, &in->src, m->seq, HACK_USE_PCOA, &in6addr_any);
		return true;
	}
	bool stands = s->v.state != NAR_DONE && lladdr_eq(&s->v.lladdr, &m->lladdr);
	bool settled = s->v.state != NAR_HOLDING && m->code == HI_FROM_PCOA && !own && !same; /* it went away, and comes again */
	if (!stands || settled || (!own && !addr_eq(&s->asked, &m->ncoa))) {
		nar_lodge_end(s, HANDOVER_CANCELLED, "the mobile was announced anew");
		return false;
	}
	s->hi_seq = m->seq;
	s->local = in->dst;
	nar_session_step(s, STEP_D_HI, in->at);
	nar_session_hack(s);
	if (s->v.state != NAR_HOLDING)
		timer_after(&s->life, n->params->lifetime);
	else if (renewal)
		n->ops->ask(n->arg, &s->v);
	else
		timer_after(&s->timer, n->params->hold_time);
	if (s->v.state == NAR_HOLDING && m->code == HI_NOT_FROM_PCOA && !own)
		nar_lodge_here(s, in->at);
	return true;
}
