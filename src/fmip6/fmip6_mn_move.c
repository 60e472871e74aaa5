/* The mobile changes its link: which one is it now, and what follows from that. */
#include "fmip6/fmip6_mn_private.h"

#include <string.h>

#define PROBE_ROUNDS 3
#define SETTLE (500 * USEC_MSEC) /* how long a finished handover waits for its first packet */

static void step_gap_start(struct fmip6_mn *m)
{
	if (!m->predictive)
		mn_step(m, STEP_1_SCAN, m->down_at); /* nothing announced it: loss of the carrier is the first sign */
	mn_step(m, STEP_2_JOIN, m->down_at);
}

static void step_gap_end(struct fmip6_mn *m)
{
	mn_step(m, STEP_3_AUTH, m->up_at);
	mn_step(m, STEP_4_ASSOC, m->up_at);
	mn_step(m, STEP_5_8021X, m->up_at);
	mn_step(m, STEP_6_L2UPDATE, m->up_at);
	if (m->open)
		m->ops->gap(m->arg, m->down_at, m->up_at, 0);
}

/* ---- UNA ---- */

void mn_una_send(struct fmip6_mn *m)
{
	FMIP6_COUNT(FMIP6_UNA_SENT);
	m->announced_at = loop_now(m->loop);
	m->ops->send_una(m->arg, &m->here.coa, false);
}

/* Nobody acknowledges an UNA, but everything waits for it: repeated ever more slowly, until traffic shows that it came. */
static void una_timeout(struct timer *t, void *arg)
{
	struct fmip6_mn *m = arg;
	mn_una_send(m);
	if (m->unas + 1 < m->params->una_repeat)
		timer_after(&m->una, m->params->una_interval << m->unas);
	m->unas++;
}

void mn_una_repeat(struct fmip6_mn *m)
{
	m->unas = 0;
	una_timeout(&m->una, m); /* before anybody is told: everything waits for it */
	mn_step(m, STEP_G_UNA, loop_now(m->loop));
}

void mn_una_begin(struct fmip6_mn *m)
{
	mn_una_repeat(m);
	mn_address_new(m);
}

/* ---- arrival ---- */

/*
 * The movement is over; now those can be told who need not be told in a hurry. Where an address is at home here, its router is told
 * so in words (RFC 5568 §5.6), though it knows if the last PAR sent it a HI: had it known only by this, packets still under way would
 * be overtaken.
 */
void mn_after_main(struct fmip6_mn *m)
{
	mn_home_take(m);
	for (int i = 0; i < MN_BINDINGS; i++) {
		struct binding *b = &m->bindings.items[i];
		if (!b->used || b->exchange != EXCHANGE_NONE || !b->told || b->lodged)
			continue;
		bool alias = !addr_is_zero(&m->alias) && addr_eq(&b->v.local, &m->alias);
		if (b->yielded) {
			mn_release(m, b);
		} else if (prefix_has(&m->here.prefix, &b->v.pcoa)) {
			if (!mn_is_away(m, &b->v.pcoa))
				binding_exchange(b, EXCHANGE_GIVE_UP);
		} else if (!addr_eq(&b->v.local, &m->here.coa) && !alias) {
			b->v.ncoa = m->here.coa;
			binding_exchange(b, EXCHANGE_FOLLOW);
		}
	}
}

void mn_movement_over(struct fmip6_mn *m)
{
	mn_record_close(m, HANDOVER_COMPLETE, "");
	m->state = MN_ATTACHED;
	if (m->predictive)
		mn_address_vouched(m);
	mn_after_main(m);
}

static void settled(struct fmip6_mn *m)
{
	mn_movement_over(m);
	if (m->solicit == SOLICIT_NONE)
		mn_solicit(m, SOLICIT_LEARN);
}

static void settle_timeout(struct timer *t, void *arg)
{
	settled(arg);
}

struct binding *mn_main_binding(struct fmip6_mn *m)
{
	return binding_of(&m->bindings, &m->pcoa);
}

/* UNA is out and the PAR forwards here: complete with the first packet, or soon without. */
void mn_settle(struct fmip6_mn *m)
{
	if (m->first)
		settled(m);
	else
		timer_after(&m->settle, SETTLE);
}

void mn_first(struct fmip6_mn *m, usec_t at)
{
	if (m->state != MN_ARRIVED || m->first)
		return;
	m->first = true;
	timer_stop(&m->una);
	mn_step(m, STEP_FIRST_PACKET, at);
	if (m->open && m->down_at)
		m->ops->gap(m->arg, m->down_at, m->up_at, at - m->down_at);
	if (timer_armed(&m->settle))
		settled(m);
}

/* Every binding's traffic now leaves through here's router. */
static void bind_all(struct fmip6_mn *m)
{
	for (int i = 0; i < MN_BINDINGS; i++) {
		const struct binding *b = &m->bindings.items[i];
		if (b->used && !prefix_has(&m->here.prefix, &b->v.pcoa))
			m->ops->bind(m->arg, &b->v, &m->here);
	}
}

/* The address we shall have at p. */
static struct in6_addr address_at(struct fmip6_mn *m, const struct mn_place *p, const struct binding *home)
{
	const struct binding *b = binding_of(&m->bindings, &m->here.coa);
	if (home)
		return home->v.pcoa;
	if (b && !addr_is_zero(&b->v.ncoa) && prefix_has(&p->prefix, &b->v.ncoa))
		return b->v.ncoa;
	return mn_address(m, &p->prefix, &m->here.coa);
}

void mn_come_home(struct fmip6_mn *m, struct binding *home)
{
	m->ops->native(m->arg, &home->v);
	home->v.expires = 0;
	home->exchange = EXCHANGE_NONE;
	timer_stop(&home->retry);
	timer_stop(&home->renew);
	timer_stop(&home->expire);
}

/* On another link than before: announce, then tell the PAR unless it knows. */
static void move_to(struct fmip6_mn *m, const struct mn_place *p)
{
	struct mn_place old = m->here;
	struct binding *b = binding_get(&m->bindings, &old); /* may push out the oldest */
	struct binding *home = binding_at_home(&m->bindings, &p->prefix);
	if (home && mn_is_away(m, &home->v.pcoa))
		home = NULL; /* it is defended there */
	struct in6_addr coa = address_at(m, p, home);
	bool lodging = m->lodging && !home && mn_same_link(p, &m->target);
	if (lodging)
		coa = b->v.pcoa;
	mn_alias_forget(m);
	m->here = *p;
	m->before = old;
	m->here.coa = coa;
	b->v.ncoa = lodging ? p->router : coa;
	b->kept = true;
	b->lodged = b->yielded = false;
	bool predictive = b == home || binding_in_force(b);
	if (m->open && !m->predictive && m->told_at && (m->told_at < m->down_at || !m->down_at)) {
		mn_step(m, STEP_A_RTSOLPR, m->asked_at); /* known beforehand: that is where the routers on this link came from */
		mn_step(m, STEP_B_PRRTADV, m->told_at);
	}
	if (m->open) {
		m->pcoa = old.coa;
		m->predictive = predictive;
		m->ops->target(m->arg, predictive ? HANDOVER_PREDICTIVE : HANDOVER_REACTIVE, &coa, &p->router);
	}
	m->state = MN_ARRIVED;
	m->assume = m->lodging = false;
	timer_stop(&m->prepared);
	if (lodging) {
		m->expected = false;
		bind_all(m);
		mn_lodge(m, false, NULL);
		return;
	}
	/* Everything for what an UNA sets loose is there, if it was expected; before an unexpected one the address must be. */
	if (m->expected) {
		mn_una_begin(m);
		m->ops->attach(m->arg, &m->here, false);
	} else {
		m->ops->attach(m->arg, &m->here, false);
		mn_una_begin(m);
	}
	m->expected = false;
	if (home)
		mn_come_home(m, home);
	if (addr_is_zero(&b->v.local))
		b->v.local = coa;
	bind_all(m);
	if (b == home) /* it was lodged elsewhere */
		binding_exchange(b, EXCHANGE_GIVE_UP);
	else if (!predictive)
		binding_exchange(b, EXCHANGE_FOLLOW);
	if (m->dhcp && !home && mn_same_link(p, &m->target)) {
		mn_lodge(m, false, predictive ? NULL : &coa);
		return;
	}
	m->ops->attached(m->arg, &m->here.coa, &old.coa);
	if (predictive)
		mn_settle(m);
}

/* An interface that was set down has lost its addresses and routes. */
static void restore(struct fmip6_mn *m)
{
	if (!m->ops->restore)
		return;
	m->ops->restore(m->arg, &m->here);
	for (int i = 0; i < MN_BINDINGS; i++) {
		const struct binding *b = &m->bindings.items[i];
		if (!b->used || prefix_has(&m->here.prefix, &b->v.pcoa))
			continue;
		if (b->lodged)
			m->ops->native(m->arg, &b->v);
		else if (b->v.expires)
			m->ops->bind(m->arg, &b->v, &m->here);
	}
}

/* The link came back, and nothing moved. */
static void unmoved(struct fmip6_mn *m)
{
	restore(m);
	mn_record_close(m, HANDOVER_CANCELLED, "the link came back as it was");
	m->state = MN_ATTACHED;
	m->assume = false;
	for (int i = 0; i < MN_BINDINGS; i++)
		if (m->bindings.items[i].used && m->bindings.items[i].exchange != EXCHANGE_NONE)
			binding_exchange(&m->bindings.items[i], m->bindings.items[i].exchange);
	struct binding *lodging = mn_lodging(m);
	if (lodging) /* its router may have missed us */
		mn_lodge_again(m, lodging);
	mn_after_main(m);
}

void mn_probe_stop(struct fmip6_mn *m)
{
	m->probing = PROBE_NONE;
	timer_stop(&m->probe);
}

/* Announced to one router, come to another: the packets are at the first, as if we had been there and came on from it. */
void mn_arrive_from_target(struct fmip6_mn *m, const struct mn_place *p, const char *reason)
{
	mn_record_close(m, HANDOVER_CANCELLED, reason);
	m->expected = false; /* it is not there that we are; but what was made ready serves the way on */
	struct binding *b = binding_of(&m->bindings, &m->target.coa);
	bool native = b;
	if (native)
		b->v.expires = 0; /* it was announced as coming home there: that PAR forwards no longer */
	m->here = m->target;
	m->state = MN_PROBING;
	mn_arrive(m, p);
	b = binding_of(&m->bindings, &m->target.coa);
	if (b && !native)
		b->kept = false; /* nobody ever used that address */
}

void mn_arrive(struct fmip6_mn *m, const struct mn_place *p)
{
	if (mn_same_link(p, &m->here)) {
		if (m->state == MN_PROBING)
			unmoved(m);
		return;
	}
	if (m->state == MN_ARRIVED) { /* what was assumed is not so */
		struct binding *b = mn_main_binding(m);
		if (b) {
			timer_stop(&b->retry);
			b->exchange = EXCHANGE_NONE;
		}
		mn_arrive_from_target(m, p, "arrived at another router than announced");
		return;
	}
	if (!m->open) {
		mn_record_open(m, false);
		if (m->down_at) {
			step_gap_start(m);
			step_gap_end(m);
		}
	}
	move_to(m, p);
}

/* ---- which link? ---- */

static void probe_add(struct fmip6_mn *m, const struct mn_place *p)
{
	if (p->router_lladdr.len == 0 || addr_is_zero(&p->router) || m->probes_n == MN_PROBES)
		return;
	for (size_t i = 0; i < m->probes_n; i++)
		if (mn_same_link(p, &m->probes[i]))
			return;
	m->probes[m->probes_n++] = *p;
}

static void discover(struct fmip6_mn *m)
{
	mn_probe_stop(m);
	mn_solicit(m, SOLICIT_DISCOVER);
}

static void probe_timeout(struct timer *t, void *arg)
{
	struct fmip6_mn *m = arg;
	bool prepared = m->probing == PROBE_SILENT && m->state == MN_PREPARED;
	if (!prepared && (m->probe_round == PROBE_ROUNDS || m->probes_n == 0)) {
		if (m->probing == PROBE_LINK)
			discover(m);
		else
			mn_probe_stop(m);
		return;
	}
	timer_after(&m->probe, m->params->probe_timeout << (prepared ? 0 : m->probe_round++));
	for (size_t i = 0; i < m->probes_n; i++)
		m->ops->send_probe(m->arg, &m->probes[i]);
}

static void probe_begin(struct fmip6_mn *m, const struct mn_place *old)
{
	struct mn_place all[MN_PROBES];
	m->probing = PROBE_LINK;
	m->probe_round = 0;
	m->probes_n = 0;
	probe_add(m, &m->target);
	probe_add(m, old);
	size_t n = m->ops->places(m->arg, all, MN_PROBES);
	for (size_t i = 0; i < n; i++)
		probe_add(m, &all[i]);
	probe_timeout(&m->probe, m);
}

/* ---- the link ---- */

static void quiet(struct fmip6_mn *m)
{
	mn_solicit_stop(m);
	mn_probe_stop(m);
	timer_stop(&m->prepared);
	timer_stop(&m->una);
	mn_address_stop(m);
	m->bindings.down = true;
	for (int i = 0; i < MN_BINDINGS; i++)
		timer_stop(&m->bindings.items[i].retry);
}

static void link_down(struct fmip6_mn *m, usec_t at)
{
	quiet(m);
	switch (m->state) {
	case MN_DOWN:
		return;
	case MN_UNKNOWN:
	case MN_PROBING: /* the gap goes on */
		m->state = MN_DOWN;
		return;
	case MN_ARRIVED: {
		const struct binding *b = mn_main_binding(m);
		bool done = b && binding_in_force(b);
		mn_record_close(m, done ? HANDOVER_COMPLETE : HANDOVER_CANCELLED, done ? "" : "the link was lost before the FBack");
		mn_record_open(m, false);
		break;
	}
	case MN_ATTACHED:
		memset(&m->target, 0, sizeof m->target);
		mn_record_open(m, false);
		break;
	case MN_SOLICITING:
	case MN_UPDATING:
	case MN_PREPARED:
		break;
	}
	m->state = MN_DOWN;
	m->down_at = at;
	step_gap_start(m);
}

static void link_up(struct fmip6_mn *m, const struct lladdr *ap, usec_t at)
{
	struct mn_place p, old = m->here;
	m->bindings.down = false;
	m->up_at = at;
	if (m->state == MN_DOWN)
		step_gap_end(m);
	m->state = m->known ? MN_PROBING : MN_UNKNOWN;
	if (!m->known) {
		discover(m);
	} else if (ap && ap->len && m->ops->find(m->arg, ap, NULL, &p)) {
		if (m->assume && !mn_same_link(&p, &m->target))
			mn_arrive_from_target(m, &p, "arrived at another router than announced");
		else
			mn_arrive(m, &p);
	} else {
		if (m->assume) {
			p = m->target;
			mn_arrive(m, &p);
		}
		probe_begin(m, &old);
	}
}

/* The prepared target, again and again; or, at a hint, everyone. */
void mn_probe_silently(struct fmip6_mn *m)
{
	struct mn_place here = m->here;
	bool prepared = m->state == MN_PREPARED;
	if (m->probing == PROBE_LINK)
		return;
	probe_begin(m, &here);
	m->probing = PROBE_SILENT;
	if (prepared)
		m->probes_n = m->probes_n ? 1 : 0;
}

void mn_hint(struct fmip6_mn *m)
{
	if (m->known && m->state != MN_DOWN && m->state != MN_PROBING && m->state != MN_ARRIVED)
		mn_probe_silently(m);
}

void mn_router_heard(struct fmip6_mn *m, const struct lladdr *router)
{
	struct mn_place all[MN_PROBES];
	if (!m->known || router->len == 0 || lladdr_eq(router, &m->here.router_lladdr))
		return;
	size_t n = m->ops->places(m->arg, all, MN_PROBES);
	for (size_t i = 0; i < n; i++)
		if (lladdr_eq(router, &all[i].router_lladdr) && !mn_same_link(&all[i], &m->here)) {
			mn_hint(m);
			return;
		}
}

/* Another router than ours answers: the link has changed under us. */
static void moved_silently(struct fmip6_mn *m, const struct mn_place *p, usec_t at)
{
	link_down(m, at);
	m->bindings.down = false;
	m->up_at = at;
	step_gap_end(m);
	m->state = MN_PROBING;
	if (m->assume && !mn_same_link(p, &m->target))
		mn_arrive_from_target(m, p, "arrived at another router than announced");
	else
		mn_arrive(m, p);
}

void mn_na(struct fmip6_mn *m, const struct nd_na *a, usec_t at)
{
	size_t i = 0;
	while (i < m->probes_n && !addr_eq(&m->probes[i].router, &a->target))
		i++;
	if (m->probing == PROBE_NONE || i == m->probes_n)
		return;
	struct mn_place p = m->probes[i];
	bool silent = m->probing == PROBE_SILENT, here = mn_same_link(&p, &m->here);
	if (silent && here && m->state == MN_PREPARED)
		return;
	mn_probe_stop(m);
	if (!silent)
		mn_arrive(m, &p);
	else if (!here)
		moved_silently(m, &p, at);
}

void mn_link(struct fmip6_mn *m, bool up, const struct lladdr *ap, usec_t at)
{
	if (!up) {
		link_down(m, at);
		return;
	}
	if (m->state != MN_DOWN) {
		if (!ap || ap->len == 0 || lladdr_eq(ap, &m->here.ap))
			return;
		link_down(m, at); /* from one AP to another without a gap that was told */
	}
	link_up(m, ap, at);
}

/* ---- life ---- */

void mn_move_init(struct fmip6_mn *m)
{
	timer_init(&m->settle, m->loop, settle_timeout, m);
	timer_init(&m->probe, m->loop, probe_timeout, m);
	timer_init(&m->una, m->loop, una_timeout, m);
}

void mn_move_stop(struct fmip6_mn *m)
{
	timer_stop(&m->settle);
	timer_stop(&m->probe);
	timer_stop(&m->una);
}
