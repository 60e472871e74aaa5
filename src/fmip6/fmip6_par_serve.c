/* The PAR and the router that serves a PCoA in place of a new address (fmip6_par.h): what they have to say to each other. */
#include "fmip6/fmip6_par_private.h"

#define AGAIN (2 * USEC_SEC) /* after a renewal that nobody answered */

bool par_lodged(const struct binding *b)
{
	return b->forwarding && b->lodged;
}

static void talk_begin(struct binding *b, enum talk talk, const struct hi *m)
{
	struct fmip6_par *p = b->par;
	par_pending_end(b);
	b->talk = talk;
	b->want_nar = b->nar;
	b->tries = 0;
	b->hi_seq = par_hi_seq_next(p);
	b->hi = *m;
	b->hi.seq = b->hi_seq;
	b->hi.pcoa = b->pcoa;
	b->hi.lladdr = b->lladdr;
	HASH_ADD(hh_hi, p->by_hi, hi_seq, sizeof b->hi_seq, b);
	par_hi_send(b);
}

void par_serve_end(struct binding *b)
{
	talk_begin(b, TALK_PART, &(struct hi){ .flags = HI_PROXY, .code = HI_COMPLETED, .ncoa = b->router });
}

void par_serve_renew(struct binding *b, bool at_once)
{
	if (par_lodged(b) && (b->par->params->renew || at_once))
		timer_after(&b->renew, at_once ? 0 : b->lifetime * USEC_SEC / 4 * 3);
	else
		timer_stop(&b->renew);
}

void par_neighbor_back(struct fmip6_par *p, const struct in6_addr *nar)
{
	struct binding *b, *next;
	HASH_ITER(hh, p->bindings, b, next)
		if (addr_eq(&b->nar, nar))
			par_serve_renew(b, true);
}

void par_renew_due(struct timer *t, void *arg)
{
	struct binding *b = arg;
	if (!par_lodged(b))
		return;
	if (b->pending)
		timer_after(&b->renew, AGAIN);
	else /* for the router's own address, as if its mobile had been told to ask so: one that has forgotten all serves it again */
		talk_begin(b, TALK_RENEW, &(struct hi){ .code = HI_NOT_FROM_PCOA, .ncoa = b->router });
}

/* A binding that nobody confirms ends by itself, and so does a service. */
void par_serve_unanswered(struct binding *b)
{
	bool renewing = b->talk == TALK_RENEW;
	par_pending_end(b);
	if (renewing && par_lodged(b))
		timer_after(&b->renew, AGAIN);
}

void par_serve_answered(struct binding *b, const struct hack *m)
{
	enum talk talk = b->talk;
	par_pending_end(b);
	if (talk != TALK_RENEW || !par_lodged(b))
		return;
	if (m->code == HACK_USE_PCOA || m->code == HACK_ACCEPTED) {
		timer_after(&b->life, b->lifetime * USEC_SEC);
		par_serve_renew(b, false);
		return;
	}
	LOG_INFO("fmip6", "mobile is not there any more mobile=%s peer=%s", ADDR(&b->pcoa), ADDR(&b->nar));
	b->lodged = false; /* that router knows */
	b->par->ops->direct(b->par->arg, &b->pcoa, NULL);
	par_binding_over(b);
}
