/* The mobile, where it has a home address of Mobile IPv6: when a fast handover has it, and when its home agent. */
#include "fmip6/fmip6_mn_private.h"

bool mn_is_away(struct fmip6_mn *m, const struct in6_addr *a)
{
	return m->ops->is_away && m->ops->is_away(m->arg, a);
}

/* A PAR that was told nothing, or knows no better, ends it by itself. */
void mn_release(struct fmip6_mn *m, struct binding *b)
{
	timer_stop(&b->renew);
	b->kept = false;
	if (b->told)
		binding_exchange(b, EXCHANGE_RELEASE);
	else
		binding_over(&m->bindings, b);
}

void mn_home_forwarded(struct fmip6_mn *m, const struct in6_addr *home)
{
	struct binding *b = binding_of(&m->bindings, home);
	if (!b || b->yielded || b->lodged || (m->known && addr_eq(&m->here.coa, home)))
		return;
	b->yielded = true;
	/* Elsewhere than at home, and not just arrived from there: else the movement's end says it. */
	bool here = m->state == MN_ATTACHED || m->state == MN_SOLICITING || m->state == MN_UPDATING || m->state == MN_PREPARED;
	if (here && !prefix_has(&m->here.prefix, home))
		mn_release(m, b);
}

void mn_home_take(struct fmip6_mn *m)
{
	struct in6_addr home;
	if (!m->known || m->state != MN_ATTACHED || !m->ops->home || !m->ops->home(m->arg, &m->here.prefix, &home) ||
	    addr_eq(&home, &m->here.coa) || !prefix_has(&m->here.prefix, &m->here.coa))
		return;
	m->alias = m->here.coa;
	m->here.coa = home;
	m->ops->attach(m->arg, &m->here, true);
	struct binding *b = binding_of(&m->bindings, &home);
	if (b) /* the home agent never took over */
		mn_come_home(m, b);
}

void mn_home_ours(struct fmip6_mn *m)
{
	if (m->known && m->state == MN_ATTACHED)
		mn_after_main(m);
}

void mn_alias_forget(struct fmip6_mn *m)
{
	if (!addr_is_zero(&m->alias))
		m->ops->abandon(m->arg, &m->alias);
	m->alias = in6addr_any;
}
