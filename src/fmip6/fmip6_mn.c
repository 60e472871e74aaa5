/* The mobile: what it asks, what it is told, and its timeline. fmip6_mn_move.c has what happens when the link changes. */
#include "fmip6/fmip6_mn_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define SOLICIT_SLOWEST 6        /* doublings of the first timeout while nobody answers */

const char *mn_state_name(enum mn_state s)
{
	static const char *const names[] = {
		[MN_DOWN] = "down", [MN_UNKNOWN] = "unknown", [MN_ATTACHED] = "attached", [MN_SOLICITING] = "soliciting",
		[MN_UPDATING] = "updating", [MN_PREPARED] = "prepared", [MN_PROBING] = "probing", [MN_ARRIVED] = "arrived",
	};
	return names[s];
}

bool mn_same_link(const struct mn_place *a, const struct mn_place *b)
{
	return a->prefix.plen == b->prefix.plen && addr_eq(&a->prefix.addr, &b->prefix.addr);
}

struct in6_addr mn_address(struct fmip6_mn *m, const struct prefix *link, const struct in6_addr *like)
{
	struct in6_addr made, iid;
	if (m->ops->address && m->ops->address(m->arg, link, false, &made))
		return made;
	made = addr_compose(link, like);
	if (mn_is_away(m, &made)) {
		m->ops->random_iid(m->arg, &iid);
		made = addr_compose(link, &iid);
	}
	return made;
}

/* ---- the timeline ---- */

void mn_step(struct fmip6_mn *m, enum handover_step s, usec_t at)
{
	if (m->open)
		m->ops->step(m->arg, s, at);
}

void mn_record_open(struct fmip6_mn *m, bool predictive)
{
	m->open = true;
	m->predictive = predictive;
	m->first = false;
	m->pcoa = m->here.coa;
	m->ops->opened(m->arg, predictive ? HANDOVER_PREDICTIVE : HANDOVER_REACTIVE, &m->here.coa, &m->here.router);
}

void mn_record_close(struct fmip6_mn *m, enum handover_result r, const char *reason)
{
	timer_stop(&m->settle);
	if (!m->open)
		return;
	m->open = false;
	m->ops->closed(m->arg, r, reason);
}

/* ---- RtSolPr ---- */

bool mn_may_solicit(struct fmip6_mn *m)
{
	return bucket_take(&m->solicit_rate, loop_now(m->loop));
}

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
	if (discover && addr_is_zero(&iid)) { /* the link has just come up: it has no address yet to ask from */
		timer_after(&m->solicit_timer, m->params->rtsolpr_timeout);
		return;
	}
	int64_t shift = m->solicit_tries < SOLICIT_SLOWEST ? m->solicit_tries : SOLICIT_SLOWEST;
	usec_t wait = m->params->rtsolpr_timeout << shift;
	m->solicit_tries++;
	timer_after(&m->solicit_timer, wait < m->params->refresh ? wait : m->params->refresh);
	if (!mn_may_solicit(m)) {
		FMIP6_COUNT(FMIP6_RTSOLPR_LIMITED);
		return;
	}
	int n = rtsolpr_pack(&q, out, sizeof out);
	if (n < 0)
		return;
	FMIP6_COUNT(FMIP6_RTSOLPR_SENT);
	m->asking_at = loop_now(m->loop);
	if (m->solicit != SOLICIT_LEARN)
		mn_step(m, STEP_A_RTSOLPR, m->asking_at);
	m->ops->send_rtsolpr(m->arg, discover ? &in6addr_any : &m->here.coa, discover ? &in6addr_any : &m->here.router, out, (size_t)n);
}

void mn_solicit_stop(struct fmip6_mn *m)
{
	m->solicit = SOLICIT_NONE;
	timer_stop(&m->solicit_timer);
}

void mn_solicit(struct fmip6_mn *m, enum solicit what)
{
	m->solicit = what;
	m->solicit_tries = 0;
	m->solicit_began = loop_now(m->loop);
	uint16_t former = m->solicit_id;
	while (m->solicit_id == former) /* an answer to the former question is none to this */
		m->solicit_id = fmip6_random16();
	solicit_send(m);
}

static void refresh_timeout(struct timer *t, void *arg)
{
	struct fmip6_mn *m = arg;
	if (m->state == MN_ATTACHED && m->solicit == SOLICIT_NONE)
		mn_solicit(m, SOLICIT_LEARN);
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
	mn_record_close(m, HANDOVER_FAILED, reason);
	m->state = MN_ATTACHED;
	m->assume = false;
}

static void solicit_timeout(struct timer *t, void *arg)
{
	struct fmip6_mn *m = arg;
	bool enough = m->solicit_tries > m->params->rtsolpr_retries;
	char asked[48], why[96];
	snprintf(asked, sizeof asked, "after %lld RtSolPr in %llu ms", (long long)m->solicit_tries,
	         (unsigned long long)((loop_now(m->loop) - m->solicit_began) / USEC_MSEC));
	switch (m->solicit) {
	case SOLICIT_NONE:
		return;
	case SOLICIT_LEARN:
		if (enough)
			mn_solicit_stop(m);
		break;
	case SOLICIT_TARGET:
		if (enough) {
			mn_solicit_stop(m);
			snprintf(why, sizeof why, "no PrRtAdv %s", asked);
			request_failed(m, why);
		}
		break;
	case SOLICIT_DISCOVER: /* goes on, ever slower: the router may come later */
		if (enough && m->state == MN_ATTACHED)
			mn_solicit_stop(m);
		if (enough && m->state == MN_PROBING) {
			snprintf(why, sizeof why, "no FMIPv6 router on the new link %s", asked);
			mn_record_close(m, HANDOVER_FAILED, why);
		}
		break;
	}
	if (m->solicit != SOLICIT_NONE)
		solicit_send(m);
}

/* ---- told to move ---- */

static void turn_back(struct timer *t, void *arg)
{
	struct fmip6_mn *m = arg;
	struct mn_place old = m->here;
	struct binding *b = mn_main_binding(m);
	if (m->state != MN_PREPARED || !b)
		return;
	mn_probe_stop(m);
	LOG_NOTICE("fmip6", "link did not change, turning back mobile=%s peer=%s prepared_time_ms=%llu", ADDR(&m->pcoa),
	           ADDR(&m->target.router), (unsigned long long)(m->params->prepared_time / USEC_MSEC));
	m->down_at = m->up_at = 0;
	m->target.coa = b->v.ncoa;
	mn_arrive_from_target(m, &old, "the link did not change in time");
}

static void update_begin(struct fmip6_mn *m, const struct mn_place *target, const struct in6_addr *ncoa)
{
	struct binding *b = binding_get(&m->bindings, &m->here);
	b->yielded = false;
	m->target = *target;
	b->v.ncoa = addr_is_zero(ncoa) || mn_is_away(m, ncoa) ? mn_address(m, &target->prefix, &m->here.coa) : *ncoa;
	m->target.coa = b->v.ncoa;
	m->state = MN_UPDATING;
	m->assume = true;
	m->expected = !addr_eq(&b->v.ncoa, &b->v.pcoa); /* else it has lodged, and goes home: all is there */
	timer_stop(&m->una); /* behind an FBU it would be taken for an arrival when we come back */
	if (m->expected)
		m->ops->expect(m->arg, &b->v, &m->target, true);
	m->ops->target(m->arg, HANDOVER_PREDICTIVE, &b->v.ncoa, &target->router);
	binding_exchange(b, EXCHANGE_PREDICT);
	m->ops->prepare(m->arg);
}

/* A request under way is replaced as long as we are still on the old link. */
static void request_withdraw(struct fmip6_mn *m)
{
	mn_solicit_stop(m);
	mn_probe_stop(m);
	timer_stop(&m->prepared);
	struct binding *b = mn_main_binding(m);
	if (m->open && b && b->exchange == EXCHANGE_PREDICT) {
		b->exchange = EXCHANGE_NONE;
		timer_stop(&b->retry);
	}
	if (m->open)
		unexpect(m);
	mn_record_close(m, HANDOVER_CANCELLED, "another movement was requested");
}

/* Why a movement to p cannot begin now; NULL: it can. */
static const char *request_refused(struct fmip6_mn *m, const struct mn_place *p, bool found)
{
	if (m->state == MN_ARRIVED && timer_armed(&m->settle))
		mn_movement_over(m); /* nothing but a first packet was waited for, and none may be on its way */
	if (m->state == MN_DOWN || m->state == MN_PROBING || m->state == MN_ARRIVED)
		return "a movement is under way";
	if (!m->known)
		return "the router of this link is not known yet (no PrRtAdv came)";
	if (p->ap.len == 0 && !found)
		return "no access point of this router is known";
	if (found && mn_same_link(p, &m->here))
		return "this access point is on the link where the mobile is";
	return NULL;
}

static void request_begin(struct fmip6_mn *m, const struct mn_place *p)
{
	request_withdraw(m);
	m->down_at = m->up_at = 0;
	m->assume = m->dhcp = m->lodging = false;
	m->target = *p;
	m->state = MN_SOLICITING;
	mn_record_open(m, true);
	mn_step(m, STEP_1_SCAN, loop_now(m->loop));
}

int mn_request(struct fmip6_mn *m, const struct lladdr *ap, const struct in6_addr *router, char *reason, size_t reason_len)
{
	struct mn_place p = { .ap = *ap };
	bool found = m->ops->find(m->arg, ap, router, &p);
	bool unsure = m->probing == PROBE_LINK; /* nobody has yet confirmed where we are */
	const char *why = request_refused(m, &p, found);
	if (why) {
		snprintf(reason, reason_len, "%s", why);
		return -1;
	}
	request_begin(m, &p);
	mn_solicit(m, SOLICIT_TARGET);
	if (unsure)
		mn_probe_silently(m);
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
			mn_record_close(m, HANDOVER_CANCELLED, "this access point needs no change of address");
			m->state = MN_ATTACHED;
			return;
		case LLA_NO_FMIP:
			request_failed(m, "the router behind this access point does not speak FMIPv6");
			return;
		case LLA_NEW_AP:
			if (place_of(t, &p) && !mn_same_link(&p, &m->here)) {
				m->dhcp = a->code == PRRTADV_DHCP;
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
		mn_solicit_stop(m);
		if (m->known) {
			mn_arrive(m, &p);
			return;
		}
		m->known = true;
		m->here = p;
		bool has = m->ops->own_address(m->arg, &p.prefix, &m->here.coa);
		if (!has) {
			m->ops->self(m->arg, &l, &iid);
			m->here.coa = mn_address(m, &p.prefix, &iid);
		}
		m->ops->attach(m->arg, &m->here, has);
		m->state = MN_ATTACHED;
		m->ops->attached(m->arg, &m->here.coa, &in6addr_any);
		mn_una_send(m); /* an earlier life of ours may be awaited here */
		return;
	}
}

static void learn_all(struct fmip6_mn *m, const struct prrtadv *a)
{
	struct mn_place p;
	for (unsigned i = 0; i < a->tuples_n; i++)
		if ((a->tuples[i].code == LLA_NEW_AP || a->tuples[i].code == LLA_SAME_INTERFACE) && place_of(&a->tuples[i], &p))
			m->ops->learn(m->arg, &p);
}

/* Told to move by the network: as if we had asked, and this were the answer (RFC 5568 §3.3). */
static void triggered(struct fmip6_mn *m, const struct prrtadv *a, usec_t at)
{
	struct mn_place p;
	const char *why = NULL;
	FMIP6_COUNT(FMIP6_TRIGGERS_RECEIVED);
	if (!m->params->network_trigger)
		why = "fmip6.network_trigger is off";
	else if (a->tuples_n == 0 || a->tuples[0].code != LLA_NEW_AP || !place_of(&a->tuples[0], &p))
		why = "no usable access point in it";
	else
		why = request_refused(m, &p, true);
	log_limited(&m->bindings.log, at, LOG_LEVEL_NOTICE, "fmip6",
	            "told to move by the router mobile=%s peer=%s ap=%s accepted=%s reason=\"%s\"", ADDR(&m->here.coa),
	            ADDR(&m->here.router), a->tuples_n ? LLADDR(&a->tuples[0].ap) : "-", why ? "no" : "yes", why ? why : "");
	if (why)
		return;
	request_begin(m, &p);
	mn_step(m, STEP_B_PRRTADV, at);
	m->told_at = at;
	update_begin(m, &p, &a->ncoa);
}

/* Nobody asked: only from the router whose link this is, and only what such an advertisement may be (§6.1.2). */
static void unsolicited(struct fmip6_mn *m, const struct prrtadv *a, usec_t at)
{
	const char *why = NULL;
	bool ours = m->known && m->state != MN_DOWN && m->here.router_lladdr.len && lladdr_eq(&a->source, &m->here.router_lladdr);
	if (!ours)
		why = "not our router";
	else if (a->code != PRRTADV_TRIGGER && a->code != PRRTADV_UNSOLICITED)
		why = "not one to be sent unasked";
	else if (a->code == PRRTADV_UNSOLICITED && !bucket_take(&m->informs, at))
		why = "more of them than a router sends";
	if (why) {
		FMIP6_COUNT(FMIP6_PRRTADV_IGNORED);
		log_limited(&m->log, at, LOG_LEVEL_NOTICE, "fmip6", "PrRtAdv ignored source=%s router=%s code=%u reason=\"%s\"",
		            LLADDR(&a->source), LLADDR(&m->here.router_lladdr), a->code, why);
		return;
	}
	learn_all(m, a);
	if (a->code == PRRTADV_TRIGGER) {
		triggered(m, a, at);
		return;
	}
	FMIP6_COUNT(FMIP6_INFORMS_RECEIVED);
	timer_after(&m->refresh, m->params->refresh); /* what would be asked has been said */
}

void mn_prrtadv(struct fmip6_mn *m, const struct prrtadv *a, usec_t at)
{
	FMIP6_COUNT(FMIP6_PRRTADV_RECEIVED);
	enum solicit was = m->solicit;
	if (a->id == 0) {
		unsolicited(m, a, at);
		return;
	}
	if (was == SOLICIT_NONE || a->id != m->solicit_id) {
		FMIP6_COUNT(FMIP6_PRRTADV_IGNORED);
		log_limited(&m->log, at, LOG_LEVEL_INFO, "fmip6", "PrRtAdv ignored source=%s code=%u reason=\"answers no question under way\"",
		            LLADDR(&a->source), a->code);
		return;
	}
	if (was != SOLICIT_LEARN)
		mn_step(m, STEP_B_PRRTADV, at);
	m->asked_at = m->asking_at;
	m->told_at = at;
	learn_all(m, a);
	if (was == SOLICIT_DISCOVER) {
		discover_answer(m, a);
		return;
	}
	mn_solicit_stop(m);
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
		mn_step(m, STEP_C_FBU, at);
}

/* The new router gave us another address than we asked for (RFC 5568 §4: it is to be used): be ready for that one. */
static void reexpect(struct fmip6_mn *m, const struct binding *b)
{
	if (m->expected)
		m->ops->expect(m->arg, &b->v, &m->target, false);
	m->target.coa = b->v.ncoa;
	if (m->expected)
		m->ops->expect(m->arg, &b->v, &m->target, true);
}

/* The new router has no address for us there, and serves the one that we have: no other is made. */
static void expect_to_lodge(struct fmip6_mn *m, struct binding *b)
{
	b->v.ncoa = b->v.local = m->target.router;
	unexpect(m);
	m->lodging = true;
}

static void fbu_accepted(struct fmip6_mn *m, struct binding *b, enum exchange x, usec_t at)
{
	bool main = m->open && addr_eq(&b->v.pcoa, &m->pcoa);
	switch (x) {
	case EXCHANGE_NONE:
		break;
	case EXCHANGE_PREDICT:
		mn_step(m, STEP_F_FBACK, at);
		if (addr_eq(&b->v.ncoa, &b->v.pcoa) && !addr_eq(&b->v.pcoa, &m->target.coa))
			expect_to_lodge(m, b);
		else if (!addr_eq(&b->v.ncoa, &m->target.coa))
			reexpect(m, b);
		if (m->state != MN_UPDATING)
			break; /* read when the link was already lost: all the better */
		m->state = MN_PREPARED;
		timer_after(&m->prepared, m->params->prepared_time);
		mn_probe_silently(m);
		break;
	case EXCHANGE_FOLLOW:
		if (b->lodged && !m->dhcp && prefix_has(&m->here.prefix, &b->v.ncoa) && !addr_eq(&b->v.ncoa, &m->here.router)) {
			mn_unlodge(m, b, &b->v.ncoa, false); /* it has an address for us after all */
			break;
		}
		if (addr_eq(&b->v.ncoa, &b->v.pcoa)) {
			if (!b->lodged && main && m->state == MN_ARRIVED) {
				mn_step(m, STEP_F_FBACK, at);
				mn_lodge(m, false, NULL);
			}
			b->v.ncoa = b->v.local = m->here.router;
		}
		if (b->lodged)
			break;
		if (main && m->state == MN_ARRIVED) {
			mn_step(m, STEP_F_FBACK, at);
			if (!addr_eq(&b->v.ncoa, &m->here.coa))
				mn_readdress(m, &b->v.ncoa);
			m->ops->bind(m->arg, &b->v, &m->here);
			mn_settle(m);
		} else
			m->ops->bind(m->arg, &b->v, &m->here);
		break;
	case EXCHANGE_GIVE_UP:
		binding_drop(b);
		break;
	case EXCHANGE_RELEASE:
		binding_over(&m->bindings, b);
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
		if (b->lodged)
			b->v.ncoa = m->here.router;
		binding_exchange(b, b->lodged ? EXCHANGE_FOLLOW : EXCHANGE_GIVE_UP);
		break;
	case EXCHANGE_FOLLOW:
		if (b->lodged) {
			mn_unlodge(m, b, NULL, true);
		} else if (main && m->state == MN_ARRIVED) {
			struct mn_binding_view v = b->v;
			if (v.expires == 0) {
				binding_drop(b);
				m->ops->unbind(m->arg, &v);
			}
			m->state = MN_ATTACHED;
			mn_after_main(m); /* first: another may go on where we end, and needs our addresses here */
			mn_record_close(m, HANDOVER_FAILED, reason);
			mn_solicit(m, SOLICIT_LEARN);
		}
		break;
	case EXCHANGE_GIVE_UP:
		binding_drop(b);
		break;
	case EXCHANGE_RELEASE: /* should it forward on, that reaches us until it ends */
		if (b->v.expires == 0)
			binding_over(&m->bindings, b);
		break;
	}
}

/* The address that is served here has come to its end: another one is needed. */
static void binding_ended(struct fmip6_mn *m, struct binding *b)
{
	if (b->lodged)
		mn_unlodge(m, b, NULL, false);
}

static const struct binding_events events = { .accepted = fbu_accepted, .failed = fbu_failed, .ended = binding_ended, .sent = fbu_sent };

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
	bucket_init(&m->log, 1, 10);
	bucket_init(&m->informs, 1, 5);
	bucket_init(&m->solicit_rate, (double)params->rtsolpr_rate, (double)params->rtsolpr_rate);
	timer_init(&m->solicit_timer, l, solicit_timeout, m);
	timer_init(&m->refresh, l, refresh_timeout, m);
	timer_init(&m->prepared, l, turn_back, m);
	mn_move_init(m);
	mn_address_init(m);
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
	mn_move_stop(m);
	mn_address_stop(m);
	free(m);
}
