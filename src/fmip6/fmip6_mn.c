#include "fmip6/fmip6_mn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/secret.h"
#include "fmip6/fmip6_mn_binding.h"

#define PROBE_ROUNDS 3
#define SETTLE (500 * USEC_MSEC) /* how long a finished handover waits for its first packet */
#define SOLICIT_SLOWEST 6        /* doublings of the first timeout while nobody answers */

enum solicit { SOLICIT_NONE, SOLICIT_LEARN, SOLICIT_TARGET, SOLICIT_DISCOVER };

struct fmip6_mn {
	struct loop *loop;
	const struct fmip6_params *params;
	const struct mn_ops *ops;
	void *arg;
	enum mn_state state;
	bool known; /* here is */
	struct mn_place here;
	struct bindings bindings;

	/* the question to the router */
	enum solicit solicit;
	uint16_t solicit_id;
	int64_t solicit_tries;
	struct timer solicit_timer, refresh;
	usec_t asked_at, told_at; /* when what we know of the routers around was asked and answered; 0: never */
	usec_t asking_at;
	struct bucket solicit_rate;

	/* the movement under way */
	bool open;               /* a timeline runs */
	bool predictive;
	struct in6_addr pcoa;    /* its main binding's address */
	struct mn_place target;  /* what it was told to move to; ap alone while not known more */
	bool assume;             /* FBU for target was sent: take it that the next link is it */
	bool expected;           /* everything is ready for target (mn_ops.expect) */
	bool first;              /* first packet seen */
	usec_t down_at, up_at;   /* the gap; 0: none */
	struct timer prepared, settle;

	/* which link? */
	enum { PROBE_NONE, PROBE_LINK, PROBE_SILENT } probing; /* silent: the carrier was never seen to go */
	unsigned probe_round;
	size_t probes_n;
	struct mn_place probes[MN_PROBES];
	struct timer probe;

	int64_t unas;
	struct timer una;
};

const char *mn_state_name(enum mn_state s)
{
	static const char *const names[] = {
		[MN_DOWN] = "down", [MN_UNKNOWN] = "unknown", [MN_ATTACHED] = "attached", [MN_SOLICITING] = "soliciting",
		[MN_UPDATING] = "updating", [MN_PREPARED] = "prepared", [MN_PROBING] = "probing", [MN_ARRIVED] = "arrived",
	};
	return names[s];
}

static bool same_link(const struct mn_place *a, const struct mn_place *b)
{
	return a->prefix.plen == b->prefix.plen && addr_eq(&a->prefix.addr, &b->prefix.addr);
}

/* ---- the timeline ---- */

static void step(struct fmip6_mn *m, enum handover_step s, usec_t at)
{
	if (m->open)
		m->ops->step(m->arg, s, at);
}

static void record_open(struct fmip6_mn *m, bool predictive)
{
	m->open = true;
	m->predictive = predictive;
	m->first = false;
	m->pcoa = m->here.coa;
	m->ops->opened(m->arg, predictive ? HANDOVER_PREDICTIVE : HANDOVER_REACTIVE, &m->here.coa, &m->here.router);
}

static void record_close(struct fmip6_mn *m, enum handover_result r, const char *reason)
{
	timer_stop(&m->settle);
	if (!m->open)
		return;
	m->open = false;
	m->ops->closed(m->arg, r, reason);
}

static void step_gap_start(struct fmip6_mn *m)
{
	if (!m->predictive)
		step(m, STEP_1_SCAN, m->down_at); /* nothing announced it: loss of the carrier is the first sign */
	step(m, STEP_2_JOIN, m->down_at);
}

static void step_gap_end(struct fmip6_mn *m)
{
	step(m, STEP_3_AUTH, m->up_at);
	step(m, STEP_4_ASSOC, m->up_at);
	step(m, STEP_5_8021X, m->up_at);
	step(m, STEP_6_L2UPDATE, m->up_at);
	if (m->open)
		m->ops->gap(m->arg, m->down_at, m->up_at, 0);
}

/* ---- RtSolPr ---- */

static void solicit_send(struct fmip6_mn *m)
{
	uint8_t out[FMIP6_MESSAGE_MAX];
	struct rtsolpr q = { .id = m->solicit_id, .wildcard = m->solicit != SOLICIT_TARGET };
	struct in6_addr iid;
	bool discover = m->solicit == SOLICIT_DISCOVER;
	m->ops->self(m->arg, &q.source, &iid);
	if (!q.wildcard) {
		q.aps_n = 1;
		q.aps[0] = m->target.ap;
	}
	int64_t shift = m->solicit_tries < SOLICIT_SLOWEST ? m->solicit_tries : SOLICIT_SLOWEST;
	usec_t wait = m->params->rtsolpr_timeout << shift;
	m->solicit_tries++;
	timer_after(&m->solicit_timer, wait < m->params->refresh ? wait : m->params->refresh);
	if (!bucket_take(&m->solicit_rate, loop_now(m->loop))) {
		FMIP6_COUNT(FMIP6_RTSOLPR_LIMITED);
		return;
	}
	int n = rtsolpr_pack(&q, out, sizeof out);
	if (n < 0)
		return;
	FMIP6_COUNT(FMIP6_RTSOLPR_SENT);
	m->asking_at = loop_now(m->loop);
	if (m->solicit != SOLICIT_LEARN)
		step(m, STEP_A_RTSOLPR, m->asking_at);
	m->ops->send_rtsolpr(m->arg, discover ? &in6addr_any : &m->here.coa, discover ? &in6addr_any : &m->here.router, out, (size_t)n);
}

static void solicit_stop(struct fmip6_mn *m)
{
	m->solicit = SOLICIT_NONE;
	timer_stop(&m->solicit_timer);
}

static void solicit(struct fmip6_mn *m, enum solicit what)
{
	m->solicit = what;
	m->solicit_tries = 0;
	m->solicit_id = fmip6_random16();
	solicit_send(m);
}

static void refresh_timeout(struct timer *t, void *arg)
{
	struct fmip6_mn *m = arg;
	if (m->state == MN_ATTACHED && m->solicit == SOLICIT_NONE)
		solicit(m, SOLICIT_LEARN);
	timer_after(&m->refresh, m->params->refresh);
}

/* What was made ready for the target is not needed. */
static void unexpect(struct fmip6_mn *m)
{
	const struct binding *b = binding_of(&m->bindings, &m->pcoa);
	if (m->expected && b)
		m->ops->expect(m->arg, &b->v, &m->target, false);
	m->expected = false;
}

static void request_failed(struct fmip6_mn *m, const char *reason)
{
	unexpect(m);
	record_close(m, HANDOVER_FAILED, reason);
	m->state = MN_ATTACHED;
	m->assume = false;
}

static void solicit_timeout(struct timer *t, void *arg)
{
	struct fmip6_mn *m = arg;
	bool enough = m->solicit_tries > m->params->rtsolpr_retries;
	switch (m->solicit) {
	case SOLICIT_NONE:
		return;
	case SOLICIT_LEARN:
		if (enough)
			solicit_stop(m);
		break;
	case SOLICIT_TARGET:
		if (enough) {
			solicit_stop(m);
			request_failed(m, "no PrRtAdv from the router");
		}
		break;
	case SOLICIT_DISCOVER: /* goes on, ever slower: the router may come later */
		if (enough && m->state == MN_ATTACHED)
			solicit_stop(m);
		if (enough && m->state == MN_PROBING)
			record_close(m, HANDOVER_FAILED, "no router that speaks FMIPv6 on the new link");
		break;
	}
	if (m->solicit != SOLICIT_NONE)
		solicit_send(m);
}

/* ---- UNA ---- */

/* Nobody acknowledges an UNA, but everything waits for it: repeated ever more slowly, until traffic shows that it came. */
static void una_timeout(struct timer *t, void *arg)
{
	struct fmip6_mn *m = arg;
	FMIP6_COUNT(FMIP6_UNA_SENT);
	m->ops->send_una(m->arg, &m->here.coa);
	if (m->unas + 1 < m->params->una_repeat)
		timer_after(&m->una, m->params->una_interval << m->unas);
	m->unas++;
}

static void una_begin(struct fmip6_mn *m)
{
	m->unas = 0;
	step(m, STEP_G_UNA, loop_now(m->loop));
	una_timeout(&m->una, m);
}

/* ---- arrival ---- */

/*
 * The movement is over; now those can be told who need not be told in a hurry. A binding whose address is at home here ended with
 * the HI, if the PAR was known to forward and this movement's PAR sent one; otherwise it is given up in words.
 */
static void after_main(struct fmip6_mn *m, bool moved)
{
	for (int i = 0; i < MN_BINDINGS; i++) {
		struct binding *b = &m->bindings.items[i];
		if (!b->used || b->exchange != EXCHANGE_NONE || !b->told)
			continue;
		if (prefix_has(&m->here.prefix, &b->v.pcoa)) {
			if (moved && b->ended)
				binding_drop(b);
			else
				binding_exchange(b, EXCHANGE_GIVE_UP);
		} else if (!addr_eq(&b->v.local, &m->here.coa)) {
			b->v.ncoa = m->here.coa;
			binding_exchange(b, EXCHANGE_FOLLOW);
		}
	}
}

static void movement_over(struct fmip6_mn *m)
{
	record_close(m, HANDOVER_COMPLETE, "");
	m->state = MN_ATTACHED;
	after_main(m, true);
}

static void settled(struct fmip6_mn *m)
{
	movement_over(m);
	if (m->solicit == SOLICIT_NONE)
		solicit(m, SOLICIT_LEARN);
}

static void settle_timeout(struct timer *t, void *arg)
{
	settled(arg);
}

static struct binding *main_binding(struct fmip6_mn *m)
{
	return binding_of(&m->bindings, &m->pcoa);
}

/* UNA is out and the PAR forwards here: complete with the first packet, or soon without. */
static void settle(struct fmip6_mn *m)
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
	step(m, STEP_FIRST_PACKET, at);
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
	return addr_compose(&p->prefix, &m->here.coa);
}

/* Back where the address of this binding is at home. */
static void come_home(struct fmip6_mn *m, struct binding *home)
{
	m->ops->native(m->arg, &home->v);
	home->ended = binding_in_force(home);
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
	struct in6_addr coa = address_at(m, p, home);
	m->here = *p;
	m->here.coa = coa;
	b->v.ncoa = coa;
	b->kept = true;
	b->ended = false;
	bool predictive = binding_in_force(b);
	if (m->open && !m->predictive && m->told_at && (m->told_at < m->down_at || !m->down_at)) {
		step(m, STEP_A_RTSOLPR, m->asked_at); /* known beforehand: that is where the routers on this link came from */
		step(m, STEP_B_PRRTADV, m->told_at);
	}
	if (m->open) {
		m->pcoa = old.coa;
		m->predictive = predictive;
		m->ops->target(m->arg, predictive ? HANDOVER_PREDICTIVE : HANDOVER_REACTIVE, &coa, &p->router);
	}
	m->state = MN_ARRIVED;
	m->assume = false;
	timer_stop(&m->prepared);
	/* Everything for what an UNA sets loose is there, if it was expected; before an unexpected one the address must be. */
	if (m->expected) {
		una_begin(m);
		m->ops->attach(m->arg, &m->here, false);
	} else {
		m->ops->attach(m->arg, &m->here, false);
		una_begin(m);
	}
	m->expected = false;
	if (home)
		come_home(m, home);
	if (addr_is_zero(&b->v.local))
		b->v.local = coa;
	bind_all(m);
	if (!predictive)
		binding_exchange(b, EXCHANGE_FOLLOW);
	m->ops->attached(m->arg, &m->here.coa, &old.coa);
	if (predictive)
		settle(m);
}

/* The link came back, and nothing moved. */
static void unmoved(struct fmip6_mn *m)
{
	record_close(m, HANDOVER_CANCELLED, "the link came back as it was");
	m->state = MN_ATTACHED;
	m->assume = false;
	for (int i = 0; i < MN_BINDINGS; i++)
		if (m->bindings.items[i].used && m->bindings.items[i].exchange != EXCHANGE_NONE)
			binding_exchange(&m->bindings.items[i], m->bindings.items[i].exchange);
	after_main(m, false);
}

static void probe_stop(struct fmip6_mn *m)
{
	m->probing = PROBE_NONE;
	timer_stop(&m->probe);
}

static void arrive(struct fmip6_mn *m, const struct mn_place *p);

/* Announced to one router, come to another: the packets are at the first, as if we had been there and came on from it. */
static void arrive_from_target(struct fmip6_mn *m, const struct mn_place *p, const char *reason)
{
	record_close(m, HANDOVER_CANCELLED, reason);
	m->expected = false; /* it is not there that we are; but what was made ready serves the way on */
	struct binding *b = binding_of(&m->bindings, &m->target.coa);
	bool native = b;
	if (native)
		b->v.expires = 0; /* it was announced as coming home there: that PAR forwards no longer */
	m->here = m->target;
	m->state = MN_PROBING;
	arrive(m, p);
	b = binding_of(&m->bindings, &m->target.coa);
	if (b && !native)
		b->kept = false; /* nobody ever used that address */
}

static void arrive(struct fmip6_mn *m, const struct mn_place *p)
{
	if (same_link(p, &m->here)) {
		if (m->state == MN_PROBING)
			unmoved(m);
		return;
	}
	if (m->state == MN_ARRIVED) { /* what was assumed is not so */
		struct binding *b = main_binding(m);
		if (b) {
			timer_stop(&b->retry);
			b->exchange = EXCHANGE_NONE;
		}
		arrive_from_target(m, p, "arrived at another router than announced");
		return;
	}
	if (!m->open) {
		record_open(m, false);
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
		if (same_link(p, &m->probes[i]))
			return;
	m->probes[m->probes_n++] = *p;
}

static void discover(struct fmip6_mn *m)
{
	probe_stop(m);
	solicit(m, SOLICIT_DISCOVER);
}

static void probe_timeout(struct timer *t, void *arg)
{
	struct fmip6_mn *m = arg;
	bool prepared = m->probing == PROBE_SILENT && m->state == MN_PREPARED;
	if (!prepared && (m->probe_round == PROBE_ROUNDS || m->probes_n == 0)) {
		if (m->probing == PROBE_LINK)
			discover(m);
		else
			probe_stop(m);
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
	solicit_stop(m);
	probe_stop(m);
	timer_stop(&m->prepared);
	timer_stop(&m->una);
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
		const struct binding *b = main_binding(m);
		bool done = b && binding_in_force(b);
		record_close(m, done ? HANDOVER_COMPLETE : HANDOVER_CANCELLED, done ? "" : "the link was lost before the FBack");
		record_open(m, false);
		break;
	}
	case MN_ATTACHED:
		memset(&m->target, 0, sizeof m->target);
		record_open(m, false);
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
		if (m->assume && !same_link(&p, &m->target))
			arrive_from_target(m, &p, "arrived at another router than announced");
		else
			arrive(m, &p);
	} else {
		if (m->assume) {
			p = m->target;
			arrive(m, &p);
		}
		probe_begin(m, &old);
	}
}

/* The prepared target, again and again; or, at a hint, everyone. */
static void probe_silently(struct fmip6_mn *m)
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
		probe_silently(m);
}

/* Another router than ours answers: the link has changed under us. */
static void moved_silently(struct fmip6_mn *m, const struct mn_place *p, usec_t at)
{
	link_down(m, at);
	m->bindings.down = false;
	m->up_at = at;
	step_gap_end(m);
	m->state = MN_PROBING;
	if (m->assume && !same_link(p, &m->target))
		arrive_from_target(m, p, "arrived at another router than announced");
	else
		arrive(m, p);
}

void mn_na(struct fmip6_mn *m, const struct una *a, usec_t at)
{
	size_t i = 0;
	while (i < m->probes_n && !addr_eq(&m->probes[i].router, &a->target))
		i++;
	if (m->probing == PROBE_NONE || i == m->probes_n)
		return;
	struct mn_place p = m->probes[i];
	bool silent = m->probing == PROBE_SILENT, here = same_link(&p, &m->here);
	if (silent && here && m->state == MN_PREPARED)
		return;
	probe_stop(m);
	if (!silent)
		arrive(m, &p);
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

/* ---- told to move ---- */

static void turn_back(struct timer *t, void *arg)
{
	struct fmip6_mn *m = arg;
	struct mn_place old = m->here;
	struct binding *b = main_binding(m);
	if (m->state != MN_PREPARED || !b)
		return;
	probe_stop(m);
	LOG_NOTICE("fmip6", "link did not change, turning back mobile=%s peer=%s prepared_time_ms=%llu", ADDR(&m->pcoa),
	           ADDR(&m->target.router), (unsigned long long)(m->params->prepared_time / USEC_MSEC));
	m->down_at = m->up_at = 0;
	m->target.coa = b->v.ncoa;
	arrive_from_target(m, &old, "the link did not change in time");
}

static void update_begin(struct fmip6_mn *m, const struct mn_place *target, const struct in6_addr *ncoa)
{
	struct binding *b = binding_get(&m->bindings, &m->here);
	m->target = *target;
	b->v.ncoa = addr_is_zero(ncoa) ? addr_compose(&target->prefix, &m->here.coa) : *ncoa;
	m->target.coa = b->v.ncoa;
	m->state = MN_UPDATING;
	m->assume = true;
	m->expected = true;
	m->ops->expect(m->arg, &b->v, &m->target, true);
	m->ops->target(m->arg, HANDOVER_PREDICTIVE, &b->v.ncoa, &target->router);
	binding_exchange(b, EXCHANGE_PREDICT);
	m->ops->prepare(m->arg);
}

/* A request under way is replaced as long as we are still on the old link. */
static void request_withdraw(struct fmip6_mn *m)
{
	solicit_stop(m);
	probe_stop(m);
	timer_stop(&m->prepared);
	struct binding *b = main_binding(m);
	if (m->open && b && b->exchange == EXCHANGE_PREDICT) {
		b->exchange = EXCHANGE_NONE;
		timer_stop(&b->retry);
	}
	if (m->open)
		unexpect(m);
	record_close(m, HANDOVER_CANCELLED, "another movement was requested");
}

int mn_request(struct fmip6_mn *m, const struct lladdr *ap, const struct in6_addr *router, char *reason, size_t reason_len)
{
	struct mn_place p = { .ap = *ap };
	bool found = m->ops->find(m->arg, ap, router, &p);
	const char *why = NULL;
	if (m->state == MN_ARRIVED && timer_armed(&m->settle) && m->probing != PROBE_LINK)
		movement_over(m); /* nothing but a first packet was waited for, and none may be on its way */
	if (m->state == MN_DOWN || m->state == MN_PROBING || m->state == MN_ARRIVED)
		why = "a movement is under way";
	else if (!m->known)
		why = "the router of this link is not known yet (no PrRtAdv came)";
	else if (ap->len == 0 && !found)
		why = "no access point of this router is known";
	else if (found && same_link(&p, &m->here))
		why = "this access point is on the link where the mobile is";
	if (why) {
		snprintf(reason, reason_len, "%s", why);
		return -1;
	}
	request_withdraw(m);
	m->down_at = m->up_at = 0;
	m->assume = false;
	m->target = p;
	m->state = MN_SOLICITING;
	record_open(m, true);
	step(m, STEP_1_SCAN, loop_now(m->loop));
	solicit(m, SOLICIT_TARGET);
	return 0;
}

/* ---- PrRtAdv ---- */

static bool place_of(const struct tuple *t, struct mn_place *p)
{
	*p = (struct mn_place){ .ap = t->ap, .router = t->router, .router_lladdr = t->router_lladdr, .prefix = t->prefix };
	return t->has_prefix && !addr_is_zero(&t->router) && !addr_is_multicast(&t->router) && !addr_is_link_local(&t->router) &&
	       t->prefix.plen > 0 && t->prefix.plen < 128;
}

static void target_answer(struct fmip6_mn *m, const struct prrtadv *a)
{
	struct mn_place p;
	for (unsigned i = 0; i < a->tuples_n; i++) {
		const struct tuple *t = &a->tuples[i];
		if (!lladdr_eq(&t->ap, &m->target.ap))
			continue;
		switch ((enum lla_code)t->code) {
		case LLA_SAME_INTERFACE:
			record_close(m, HANDOVER_CANCELLED, "this access point needs no change of address");
			m->state = MN_ATTACHED;
			return;
		case LLA_NO_FMIP:
			request_failed(m, "the router behind this access point does not speak FMIPv6");
			return;
		case LLA_NEW_AP:
			if (place_of(t, &p) && !same_link(&p, &m->here)) {
				update_begin(m, &p, &a->ncoa);
				return;
			}
			break;
		case LLA_NO_PREFIX:
		case LLA_WILDCARD:
		case LLA_MN:
		case LLA_NAR:
		case LLA_SOURCE:
			break;
		}
	}
	request_failed(m, "the router does not know this access point");
}

/* The router's own AP names the link we are on. */
static void discover_answer(struct fmip6_mn *m, const struct prrtadv *a)
{
	struct mn_place p;
	struct lladdr l;
	struct in6_addr iid;
	for (unsigned i = 0; i < a->tuples_n; i++) {
		if (a->tuples[i].code != LLA_SAME_INTERFACE || !place_of(&a->tuples[i], &p))
			continue;
		if (p.router_lladdr.len == 0)
			p.router_lladdr = a->source;
		solicit_stop(m);
		if (m->known) {
			arrive(m, &p);
			return;
		}
		m->known = true;
		m->here = p;
		bool has = m->ops->own_address(m->arg, &p.prefix, &m->here.coa);
		if (!has) {
			m->ops->self(m->arg, &l, &iid);
			m->here.coa = addr_compose(&p.prefix, &iid);
		}
		m->ops->attach(m->arg, &m->here, has);
		m->state = MN_ATTACHED;
		m->ops->attached(m->arg, &m->here.coa, &in6addr_any);
		FMIP6_COUNT(FMIP6_UNA_SENT);
		m->ops->send_una(m->arg, &m->here.coa); /* an earlier life of ours may be awaited here */
		return;
	}
}

void mn_prrtadv(struct fmip6_mn *m, const struct prrtadv *a, usec_t at)
{
	struct mn_place p;
	FMIP6_COUNT(FMIP6_PRRTADV_RECEIVED);
	enum solicit was = m->solicit;
	if (was == SOLICIT_NONE || a->id != m->solicit_id) {
		FMIP6_COUNT(FMIP6_PRRTADV_IGNORED);
		return;
	}
	if (was != SOLICIT_LEARN)
		step(m, STEP_B_PRRTADV, at);
	m->asked_at = m->asking_at;
	m->told_at = at;
	for (unsigned i = 0; i < a->tuples_n; i++)
		if ((a->tuples[i].code == LLA_NEW_AP || a->tuples[i].code == LLA_SAME_INTERFACE) && place_of(&a->tuples[i], &p))
			m->ops->learn(m->arg, &p);
	if (was == SOLICIT_DISCOVER) {
		discover_answer(m, a);
		return;
	}
	solicit_stop(m);
	if (was == SOLICIT_TARGET && m->state == MN_SOLICITING)
		target_answer(m, a);
}

/* ---- FBack ---- */

void mn_fback(struct fmip6_mn *m, const struct mh_in *in)
{
	bindings_fback(&m->bindings, in);
}

static void fbu_sent(struct fmip6_mn *m, struct binding *b, usec_t at)
{
	if (m->open && addr_eq(&b->v.pcoa, &m->pcoa))
		step(m, STEP_C_FBU, at);
}

static void fbu_accepted(struct fmip6_mn *m, struct binding *b, enum exchange x, usec_t at)
{
	bool main = m->open && addr_eq(&b->v.pcoa, &m->pcoa);
	switch (x) {
	case EXCHANGE_NONE:
		break;
	case EXCHANGE_PREDICT:
		step(m, STEP_F_FBACK, at);
		if (m->state != MN_UPDATING)
			break; /* read when the link was already lost: all the better */
		m->state = MN_PREPARED;
		timer_after(&m->prepared, m->params->prepared_time);
		probe_silently(m);
		break;
	case EXCHANGE_FOLLOW:
		if (main && m->state == MN_ARRIVED) {
			step(m, STEP_F_FBACK, at);
			if (!addr_eq(&b->v.ncoa, &m->here.coa)) { /* the routers chose another address for us */
				m->here.coa = b->v.ncoa;
				m->ops->attach(m->arg, &m->here, false);
				una_begin(m);
			}
			m->ops->bind(m->arg, &b->v, &m->here);
			settle(m);
		} else
			m->ops->bind(m->arg, &b->v, &m->here);
		break;
	case EXCHANGE_GIVE_UP:
		binding_drop(b);
		break;
	}
}

static void fbu_failed(struct fmip6_mn *m, struct binding *b, enum exchange x, const char *reason)
{
	bool main = m->open && addr_eq(&b->v.pcoa, &m->pcoa);
	LOG_NOTICE("fmip6", "FBU failed mobile=%s peer=%s reason=\"%s\"", ADDR(&b->v.pcoa), ADDR(&b->v.par), reason);
	switch (x) {
	case EXCHANGE_NONE:
		break;
	case EXCHANGE_PREDICT: /* what it may have set up is taken back */
		request_failed(m, reason);
		binding_exchange(b, EXCHANGE_GIVE_UP);
		break;
	case EXCHANGE_FOLLOW:
		if (main && m->state == MN_ARRIVED) {
			struct mn_binding_view v = b->v;
			if (v.expires == 0) {
				binding_drop(b);
				m->ops->unbind(m->arg, &v);
			}
			record_close(m, HANDOVER_FAILED, reason);
			m->state = MN_ATTACHED;
			after_main(m, false);
			solicit(m, SOLICIT_LEARN);
		}
		break;
	case EXCHANGE_GIVE_UP:
		binding_drop(b);
		break;
	}
}

static const struct binding_events events = { .accepted = fbu_accepted, .failed = fbu_failed, .sent = fbu_sent };

/* ---- the rest ---- */

enum mn_state mn_state(const struct fmip6_mn *m)
{
	return m->state;
}

const struct mn_place *mn_here(const struct fmip6_mn *m)
{
	return m->known ? &m->here : NULL;
}

void mn_each(const struct fmip6_mn *m, void (*fn)(const struct mn_binding_view *b, void *fn_arg), void *fn_arg)
{
	for (int i = 0; i < MN_BINDINGS; i++)
		if (m->bindings.items[i].used)
			fn(&m->bindings.items[i].v, fn_arg);
}

struct fmip6_mn *mn_create(struct loop *l, const struct fmip6_params *params, const struct mn_ops *ops, void *arg)
{
	struct fmip6_mn *m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	m->loop = l;
	m->params = params;
	m->ops = ops;
	m->arg = arg;
	m->bindings = (struct bindings){ .mn = m, .loop = l, .params = params, .ops = ops, .arg = arg, .events = &events,
		.here = &m->here };
	bindings_init(&m->bindings);
	bucket_init(&m->solicit_rate, (double)params->rtsolpr_rate, (double)params->rtsolpr_rate);
	timer_init(&m->solicit_timer, l, solicit_timeout, m);
	timer_init(&m->refresh, l, refresh_timeout, m);
	timer_init(&m->prepared, l, turn_back, m);
	timer_init(&m->settle, l, settle_timeout, m);
	timer_init(&m->probe, l, probe_timeout, m);
	timer_init(&m->una, l, una_timeout, m);
	timer_after(&m->refresh, params->refresh);
	return m;
}

void mn_reload(struct fmip6_mn *m)
{
	m->solicit_rate.per_second = m->solicit_rate.burst = (double)m->params->rtsolpr_rate;
	if (m->refresh.when > loop_now(m->loop) + m->params->refresh)
		timer_after(&m->refresh, m->params->refresh);
}

void mn_destroy(struct fmip6_mn *m)
{
	if (!m)
		return;
	bindings_stop(&m->bindings);
	timer_stop(&m->solicit_timer);
	timer_stop(&m->refresh);
	timer_stop(&m->prepared);
	timer_stop(&m->settle);
	timer_stop(&m->probe);
	timer_stop(&m->una);
	free(m);
}
