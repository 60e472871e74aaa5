/* What the NAR makes of an UNA: the mobile is here, or is told that it cannot have that address (RFC 5568 §6.3, §6.4.6). */
#include "fmip6/fmip6_nar_private.h"

/* Its address is another's: it is told so, with another one if there is one to give (§6.4.6). */
static void una_refuse(struct fmip6_nar *n, const struct nd_na *m, int ifindex, const struct lladdr *owner, usec_t at)
{
	struct in6_addr other = in6addr_any;
	FMIP6_COUNT(FMIP6_UNA_IGNORED);
	log_limited(&n->log, at, LOG_LEVEL_NOTICE, "fmip6", "UNA refused mobile=%s lladdr=%s expected=%s", ADDR(&m->target),
	            LLADDR(&m->lladdr), owner ? LLADDR(owner) : "-");
	if (!bucket_take(&n->naacks, at))
		return;
	FMIP6_COUNT(FMIP6_NAACK_SENT);
	if (nar_serves(n, ifindex)) {
		struct session *s = nar_lodge_of(n, &m->target, &m->lladdr, ifindex);
		if (s && s->v.state == NAR_DONE) { /* it had gone, and is back */
			nar_session_free(s);
			s = NULL;
		}
		n->ops->send_naack(n->arg, ifindex, &m->lladdr, &m->target, s ? NAACK_PCOA : NAACK_USE_NAR, s ? &s->v.pcoa : &other);
		if (s)
			nar_lodge_here(s, at);
		return;
	}
	bool supplied = nar_assign(n, &m->lladdr, &m->target, &other);
	n->ops->send_naack(n->arg, ifindex, &m->lladdr, &m->target, supplied ? NAACK_USE_SUPPLIED : NAACK_CONFIGURE, &other);
}

/* Not from where its mobile is expected. */
static void una_ignore(struct fmip6_nar *n, const struct nd_na *m, const struct session *s, int ifindex, usec_t at)
{
	FMIP6_COUNT(FMIP6_UNA_IGNORED);
	log_limited(&n->log, at, LOG_LEVEL_NOTICE, "fmip6", "UNA ignored mobile=%s lladdr=%s expected=%s ifindex=%d expected_ifindex=%d",
	            ADDR(&m->target), LLADDR(&m->lladdr), LLADDR(&s->v.lladdr), ifindex, s->v.ifindex);
}

void nar_una(struct fmip6_nar *n, const struct nd_na *m, const struct in6_addr *src, int ifindex, usec_t at)
{
	struct session *s = nar_session_find(n, &m->target);
	int on = n->ops->access_link(n->arg, &m->target);
	bool foreign = on == 0 && !addr_is_link_local(&m->target) && nar_serves(n, ifindex);
	if (m->flags || m->lladdr.len == 0 || !addr_eq(src, &m->target) || (on != ifindex && !foreign))
		return;
	FMIP6_COUNT(FMIP6_UNA_RECEIVED);
	if (s && s->v.lodged && s->v.state == NAR_DONE && lladdr_eq(&s->v.lladdr, &m->lladdr)) { /* it is back: its PAR is to say so anew */
		nar_lodge_naack(n, ifindex, &m->lladdr, src, NAACK_USE_NAR, &in6addr_any);
		nar_session_free(s);
		s = NULL;
	}
	if (!s && foreign) { /* a mobile that keeps its address: its HI may come behind */
		early_una(&n->early, &m->target, &m->lladdr, ifindex, at);
		return;
	}
	if (s && s->v.lodged) {
		if (s->v.state != NAR_DONE && lladdr_eq(&s->v.lladdr, &m->lladdr) && s->v.ifindex == ifindex)
			nar_lodge_here(s, at);
		else
			una_ignore(n, m, s, ifindex, at);
		return;
	}
	if (!s || s->v.state == NAR_DONE) {
		if (nar_taken(n, &m->target, &m->lladdr) || nar_lodge_of(n, &m->target, &m->lladdr, ifindex))
			una_refuse(n, m, ifindex, NULL, at);
		else
			early_una(&n->early, &m->target, &m->lladdr, ifindex, at);
		return;
	}
	if (!lladdr_eq(&s->v.lladdr, &m->lladdr)) {
		una_refuse(n, m, ifindex, &s->v.lladdr, at);
		return;
	}
	if (s->v.ifindex != ifindex) {
		una_ignore(n, m, s, ifindex, at);
		return;
	}
	if (!s->una)
		nar_session_step(s, STEP_G_UNA, at);
	s->una = true;
	if (s->v.state != NAR_HOLDING)
		return;
	if (timer_armed(&s->dad)) { /* the mobile itself has it: nobody need be asked any more */
		timer_stop(&s->dad);
		nar_session_hack(s);
	}
	nar_session_arrive(s);
}

/*
 * Status 128, with which the mobile must give its address up: said to whose frame it was, never to the address that it named, as no frame
 * can go there. Where the address is somebody's whom we know, nobody is told anything: else whoever can write another's addresses
 * on a frame could have that one told to go.
 */
static bool is_somebodys(const struct fmip6_nar *n, const struct nd_na *m, const struct lladdr *from, int ifindex, usec_t at)
{
	const struct session *s = nar_session_find(n, &m->target);
	if (s) /* awaited: it may be this one, which does not know its own address here */
		return s->v.state != NAR_HOLDING || (s->v.lladdr.len == from->len && !lladdr_eq(&s->v.lladdr, from));
	return nar_taken(n, &m->target, &(struct lladdr){ .len = 0 }) || early_announced(n->early, &m->target, at) ||
	       (n->ops->present && n->ops->present(n->arg, ifindex, &m->target));
}

void nar_una_unrecognized(struct fmip6_nar *n, const struct nd_na *m, const struct in6_addr *src, const struct lladdr *from, int ifindex,
                          usec_t at)
{
	if (m->flags || from->len == 0 || !addr_eq(src, &m->target) || n->ops->access_link(n->arg, &m->target) != ifindex)
		return;
	bool told = !is_somebodys(n, m, from, ifindex, at) && bucket_take(&n->naacks, at);
	FMIP6_COUNT(FMIP6_UNA_RECEIVED);
	FMIP6_COUNT(FMIP6_UNA_UNRECOGNIZED);
	log_limited(&n->log, at, LOG_LEVEL_NOTICE, "fmip6", "UNA names a link-layer address that is none here mobile=%s from=%s told=%s",
	            ADDR(&m->target), LLADDR(from), told ? "yes" : "no");
	if (!told)
		return;
	FMIP6_COUNT(FMIP6_NAACK_SENT);
	n->ops->send_naack(n->arg, ifindex, from, &m->target, NAACK_LLA_UNKNOWN, &in6addr_any);
}
