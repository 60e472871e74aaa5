/*
 * The mobile's address on the link where it has come to: whether it may keep it. Its new router may say no (NAACK), or somebody who has
 * it already. That is asked for as RFC 4862 §5.4 has it, but as RFC 4429 allows the address is used meanwhile: only what would
 * take it from another, an advertisement with the O flag, waits until nobody has claimed it, or a router has vouched for it (RFC 5568 §4).
 */
#include "fmip6/fmip6_mn_private.h"

/* RFC 4862 §5.4.2 would have a random second here; enough for what others wait for (UNA, FBU, CTAR) to go before it on a thin link. */
#define DAD_DELAY (10 * USEC_MSEC)
#define DAD_WAIT USEC_SEC /* RetransTimer, RFC 4861 §10 */
#define NAACK_WAIT (5 * USEC_SEC) /* what comes later answers no UNA */

/* Another address on the link where we are. */
void mn_readdress(struct fmip6_mn *m, const struct in6_addr *coa)
{
	struct in6_addr old = m->here.coa;
	m->here.coa = *coa;
	m->ops->attach(m->arg, &m->here, false);
	m->ops->abandon(m->arg, &old);
	mn_una_begin(m);
	m->ops->attached(m->arg, &m->here.coa, &m->pcoa);
}

/* Another address than the one that our routers know: they are told. */
static void change(struct fmip6_mn *m, const struct in6_addr *coa)
{
	struct binding *b = mn_main_binding(m);
	mn_readdress(m, coa);
	/* The refusal of the first address may have come by way of the PAR before this. */
	if (!b && !m->open && !addr_is_zero(&m->before.coa) && !prefix_has(&m->here.prefix, &m->before.coa))
		b = binding_get(&m->bindings, &m->before);
	if (!b || b->exchange == EXCHANGE_GIVE_UP)
		return;
	b->v.ncoa = *coa;
	if (m->open) {
		m->state = MN_ARRIVED;
		timer_stop(&m->settle);
	}
	binding_exchange(b, EXCHANGE_FOLLOW);
}

static void own_address(struct fmip6_mn *m, struct in6_addr *out)
{
	struct in6_addr iid;
	if (m->ops->address && m->ops->address(m->arg, &m->here.prefix, true, out))
		return;
	m->ops->random_iid(m->arg, &iid);
	*out = addr_compose(&m->here.prefix, &iid);
}

/* ---- duplicate address detection ---- */

static void confirm(struct fmip6_mn *m)
{
	if (!m->confirmed)
		m->ops->send_una(m->arg, &m->here.coa, true);
	m->confirmed = true;
}

static void dad_timeout(struct timer *t, void *arg)
{
	struct fmip6_mn *m = arg;
	if (m->dad_asked) {
		confirm(m);
		return;
	}
	m->dad_asked = true;
	m->ops->send_dad(m->arg, &m->here.coa);
	timer_after(t, DAD_WAIT);
}

void mn_address_new(struct fmip6_mn *m)
{
	m->confirmed = m->dad_asked = false;
	timer_after(&m->dad, DAD_DELAY);
}

void mn_address_vouched(struct fmip6_mn *m)
{
	confirm(m);
}

void mn_defended(struct fmip6_mn *m, const struct nd_na *a, usec_t at)
{
	struct lladdr own;
	struct in6_addr coa;
	m->ops->self(m->arg, &own, &coa);
	/* A router of ours may be the one that defends it, for us, a moment longer than we need it. */
	if (a->flags & NA_ROUTER || !timer_armed(&m->dad) || !addr_eq(&a->target, &m->here.coa) || a->lladdr.len == 0 || lladdr_eq(&a->lladdr, &own) ||
	    lladdr_eq(&a->lladdr, &m->here.router_lladdr))
		return;
	FMIP6_COUNT(FMIP6_COLLISIONS);
	own_address(m, &coa);
	log_limited(&m->bindings.log, at, LOG_LEVEL_NOTICE, "fmip6", "new address is in use mobile=%s owner=%s new=%s", ADDR(&m->here.coa),
	            LLADDR(&a->lladdr), ADDR(&coa));
	change(m, &coa);
}

void mn_address_init(struct fmip6_mn *m)
{
	timer_init(&m->dad, m->loop, dad_timeout, m);
}

void mn_address_stop(struct fmip6_mn *m)
{
	timer_stop(&m->dad);
}

/* ---- NAACK ---- */

void mn_lodge(struct fmip6_mn *m, bool silent, const struct in6_addr *tell)
{
	struct in6_addr old = m->here.coa;
	struct binding *b = addr_is_zero(&m->before.coa) || prefix_has(&m->here.prefix, &m->before.coa) ? NULL : binding_get(&m->bindings, &m->before);
	if (!b || b->lodged)
		return;
	b->lodged = true;
	b->exchange = EXCHANGE_NONE;
	timer_stop(&b->retry);
	if (silent) { /* what the routers have agreed on; a renewal in good time shows whether it still stands */
		b->v.ncoa = b->v.local = m->here.router;
		b->told = true;
		binding_runs(b, (uint16_t)(m->params->lifetime / USEC_SEC), loop_now(m->loop));
	}
	timer_stop(&m->una);
	timer_stop(&m->dad);
	m->here.coa = b->v.pcoa;
	m->ops->attach(m->arg, &m->here, false);
	m->ops->native(m->arg, &b->v);
	mn_una_repeat(m);
	if (!addr_eq(&old, &m->here.coa))
		m->ops->abandon(m->arg, &old);
	mn_record_close(m, HANDOVER_COMPLETE, "the new router serves the previous address");
	m->state = MN_ATTACHED;
	if (tell) {
		b->v.ncoa = *tell;
		binding_exchange(b, EXCHANGE_FOLLOW);
	}
	mn_after_main(m);
	m->ops->attached(m->arg, &m->here.coa, &b->v.pcoa);
}

struct binding *mn_lodging(struct fmip6_mn *m)
{
	struct binding *b = binding_of(&m->bindings, &m->here.coa);
	return b && b->lodged ? b : NULL;
}

void mn_lodge_again(struct fmip6_mn *m, struct binding *b)
{
	mn_una_repeat(m);
	b->v.ncoa = m->here.router;
	if (b->exchange == EXCHANGE_NONE)
		binding_exchange(b, EXCHANGE_FOLLOW);
}

void mn_unlodge(struct fmip6_mn *m, struct binding *b, const struct in6_addr *coa, bool tell)
{
	struct in6_addr made;
	if (!coa)
		own_address(m, &made);
	m->here.coa = coa ? *coa : made;
	LOG_NOTICE("fmip6", "previous address is not served here any more mobile=%s peer=%s new=%s", ADDR(&b->v.pcoa),
	           ADDR(&m->here.router), ADDR(&m->here.coa));
	b->lodged = false;
	m->ops->attach(m->arg, &m->here, false);
	mn_una_begin(m);
	b->v.local = m->here.coa;
	m->ops->bind(m->arg, &b->v, &m->here);
	m->ops->attached(m->arg, &m->here.coa, &b->v.pcoa);
	b->v.ncoa = m->here.coa;
	if (tell)
		binding_exchange(b, EXCHANGE_FOLLOW);
}

/* RFC 5568 §6.4.6: the address supplied, or one of our own making; false: what it says is another thing. */
static bool naack_address(struct fmip6_mn *m, const struct naack *a, struct in6_addr *out)
{
	switch ((enum naack_status)a->status) {
	case NAACK_USE_SUPPLIED:
		*out = a->ncoa;
		return prefix_has(&m->here.prefix, &a->ncoa) && !addr_eq(&a->ncoa, &m->here.router);
	case NAACK_CONFIGURE:
	case NAACK_LLA_UNKNOWN:
		own_address(m, out);
		return true;
	case NAACK_USE_NAR:
	case NAACK_PCOA:
		break;
	}
	return false;
}

void mn_naack(struct fmip6_mn *m, const struct naack *a, usec_t at)
{
	struct in6_addr coa;
	if (a->status == 0 || (m->state != MN_ARRIVED && m->state != MN_ATTACHED) || !m->here.router_lladdr.len ||
	    !lladdr_eq(&a->source, &m->here.router_lladdr))
		return;
	struct binding *lodging = mn_lodging(m);
	bool reminder = lodging && a->status == NAACK_USE_NAR; /* of a service that nobody confirms: what follows is but an FBU */
	if (!reminder && (m->announced_at == 0 || at > m->announced_at + NAACK_WAIT)) {
		FMIP6_COUNT(FMIP6_NAACK_IGNORED);
		log_limited(&m->bindings.log, at, LOG_LEVEL_NOTICE, "fmip6", "NAACK ignored mobile=%s peer=%s status=%u "
		            "reason=\"answers no UNA\" since_ms=%llu limit_ms=%llu", ADDR(&m->here.coa), ADDR(&m->here.router), a->status,
		            (unsigned long long)((at - m->announced_at) / USEC_MSEC), (unsigned long long)(NAACK_WAIT / USEC_MSEC));
		return;
	}
	FMIP6_COUNT(FMIP6_NAACK_RECEIVED);
	bool usable = naack_address(m, a, &coa);
	log_limited(&m->bindings.log, at, LOG_LEVEL_NOTICE, "fmip6", "the router wants another address mobile=%s peer=%s status=%u new=%s",
	            ADDR(&m->here.coa), ADDR(&m->here.router), a->status, usable ? ADDR(&coa) : "-");
	if (reminder)
		mn_lodge_again(m, lodging);
	else if (lodging && usable)
		mn_unlodge(m, lodging, &coa, true);
	else if (a->status == NAACK_USE_NAR || a->status == NAACK_PCOA)
		mn_lodge(m, a->status == NAACK_PCOA, a->status == NAACK_USE_NAR ? &m->here.router : NULL);
	else if (usable && !addr_eq(&coa, &m->here.coa))
		change(m, &coa);
}
