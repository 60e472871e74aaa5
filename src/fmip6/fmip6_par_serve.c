/* The PAR and the router that serves a PCoA in place of a new address (fmip6_par.h): what they have to say to each other. */
#include "fmip6/fmip6_par_private.h"

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
	talk_begin(b, TALK_PART, &(struct hi){ .flags = HI_PROXY, .code = HI_COMPLETED, .ncoa = b->asked });
}

void par_serve_renew(struct binding *b)
{
	if (par_lodged(b) && b->par->params->renew)
		timer_after(&b->renew, b->lifetime * USEC_SEC / 4 * 3);
	else
		timer_stop(&b->renew);
}

void par_renew_due(struct timer *t, void *arg)
{
	struct binding *b = arg;
	if (par_lodged(b) && !b->pending)
		talk_begin(b, TALK_RENEW, &(struct hi){ .code = HI_NOT_FROM_PCOA, .ncoa = b->asked });
}

void par_serve_answered(struct binding *b, const struct hack *m)
{
	enum talk talk = b->talk;
	par_pending_end(b);
	if (talk != TALK_RENEW || !par_lodged(b))
		return;
	if (m->code == HACK_USE_PCOA || m->code == HACK_ACCEPTED) {
		timer_after(&b->life, b->lifetime * USEC_SEC);
		par_serve_renew(b);
		return;
	}
	LOG_INFO("fmip6", "mobile is not there any more mobile=%s peer=%s", ADDR(&b->pcoa), ADDR(&b->nar));
	b->lodged = false; /* that router knows */
	b->par->ops->direct(b->par->arg, &b->pcoa, NULL);
	par_binding_over(b);
}
