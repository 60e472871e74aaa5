/*
 * Where a mobile node is, and what follows from that: a care-of address, the way to the home link, or being at home.
 */
#include "mip6/mip6_mobile_private.h"

#include <linux/neighbour.h>
#include <stdio.h>
#include <string.h>

#include "core/neighbor.h"
#include "net/nd.h"

#define ASK_TIMEOUT (250 * USEC_MSEC) /* for each question where on the home link the home agent is */
#define ASK_TRIES 3
#define FAST_PREFIX 64                /* of a care-of address whose link nobody described */

/* ---- away ---- */

static void tell_away(struct mip6_mobile *m, enum mip6_way way)
{
	/* A tunnel in a tunnel is nothing that the kernel's own can do: then the previous address serves no longer. */
	bool alive = way == MIP6_WAY_ALIVE && !paths_kernel_tunnel(m->core->net->paths);
	MIP6_HOMES_EACH(m, h) {
		bool carried = m->source == COA_FAST && h->carried;
		mip6_mn_away(h->mn, &m->coa, m->valid_until, carried ? MIP6_WAY_CARRIED : alive ? MIP6_WAY_ALIVE : MIP6_WAY_GONE);
	}
	mip6_agents_want(m);
}

/* With the care-of address that Router Advertisements led to. */
void mip6_coa_ready(struct mip6_mobile *m, const struct in6_addr *coa)
{
	struct handover *h = handover_by_id(m->core->handovers, m->record);
	m->awaited.plen = 0;
	m->coa = *coa;
	mip6_mark(m, STEP_CARE_OF, loop_now(m->core->loop));
	if (h)
		h->ncoa = *coa;
	LOG_INFO("mip6", "care-of address home=%s coa=%s", ADDR(mip6_name(m)), ADDR(coa));
	tell_away(m, MIP6_WAY_GONE);
}

static struct in6_addr own_iid(const struct mip6_mobile *m)
{
	struct in6_addr iid = m->iid;
	if (addr_is_zero(&iid) && !rtnl_link_local(mip6_rtnl(m), m->ground.ifindex, &iid))
		iid = in6addr_any;
	return iid;
}

void mip6_coa_find(struct mip6_mobile *m)
{
	struct in6_addr iid = own_iid(m), coa;
	if (ground_care_of(&m->ground, &m->awaited, (enum mip6_care_of)m->params->care_of, &iid, &coa))
		mip6_coa_ready(m, &coa);
}

/* The first prefix that addresses are made of, and that is still preferred if there is one. */
static const struct nd_prefix *care_of_prefix(const struct mip6_place *p)
{
	const struct nd_prefix *best = NULL;
	for (size_t i = 0; i < p->n; i++)
		if (p->prefixes[i].autonomous && p->prefixes[i].valid && (!best || (!best->preferred && p->prefixes[i].preferred)))
			best = &p->prefixes[i];
	return best;
}

static const struct nd_prefix *prefix_with(const struct mip6_place *p, const struct in6_addr *a)
{
	for (size_t i = 0; i < p->n; i++)
		if (prefix_has(&p->prefixes[i].prefix, a))
			return &p->prefixes[i];
	return NULL;
}

static usec_t valid_until(const struct nd_prefix *x, usec_t at)
{
	return x->valid == UINT32_MAX ? UINT64_MAX : at + x->valid * USEC_SEC;
}

static void visit(struct mip6_mobile *m, const struct mip6_place *p, usec_t at)
{
	const struct nd_prefix *x = care_of_prefix(p);
	m->home = false;
	ground_home_link(&m->ground, &p->router);
	ground_default(&m->ground, p, &in6addr_any);
	if (!x) {
		LOG_NOTICE("mip6", "no care-of address on this link home=%s peer=%s reason=\"no prefix for autoconfiguration is advertised\"",
		           ADDR(mip6_name(m)), ADDR(&p->router));
		return;
	}
	m->valid_until = valid_until(x, at);
	m->awaited = x->prefix;
	mip6_coa_find(m);
}

/* ---- home ---- */

void mip6_home_known(struct mip6_home *h)
{
	timer_stop(&h->ask);
	if (h->agent.len)
		rtnl_neigh_set(mip6_rtnl(h->m), h->m->ground.ifindex, &h->params.agent, &h->agent, NUD_REACHABLE);
	mip6_mn_home(h->mn);
	mip6_owner(h);
}

/* As a neighbour like any other, where an address of ours is in nobody's way: for the home agent itself, which answers at once. */
static void ask_as_guest(struct mip6_home *h)
{
	struct mip6_mobile *m = h->m;
	struct in6_addr group = nd_group(&h->params.agent);
	struct lladdr own = mip6_own_lladdr(m);
	uint8_t out[ND_MAX];
	int n = nd_ns_pack(&h->params.agent, &own, out, sizeof out);
	mip6_said(n < 0 ? n : icmp6_send(m->icmp, m->ground.ifindex, &m->guest, &group, ND_HOP_LIMIT, false, out, (size_t)n),
	     "Neighbour Solicitation", &h->params.agent);
}

/* Where on the link is the home agent? As long as it defends our address, asking for that address brings its answer, and nothing may be
 * asked in its name (RFC 6275 §11.5.5). */
void mip6_ask_timeout(struct timer *t, void *arg)
{
	struct mip6_home *h = arg;
	struct mip6_mobile *m = h->m;
	const struct mip6_place *p = mip6_link_place(m->link);
	struct in6_addr group = nd_group(&h->params.home);
	struct lladdr to = nd_group_lladdr(&group);
	uint8_t packet[128];
	if (!m->home)
		return;
	if (h->asks++ == ASK_TRIES) { /* it does not defend it; then it is, as a rule, the router we hear */
		if (p)
			h->agent = p->lladdr;
		mip6_home_known(h);
		return;
	}
	timer_after(&h->ask, ASK_TIMEOUT);
	if (!addr_is_zero(&m->guest))
		ask_as_guest(h);
	int n = nd_probe_pack(&h->params.home, packet, sizeof packet);
	mip6_said(n < 0 ? n : frames_send(m->core->net->frames, m->ground.ifindex, &to, packet, (size_t)n), "Neighbour Solicitation",
	     &h->params.home);
}

static bool agent_advertised(const struct mip6_home *h, const struct mip6_place *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (addr_eq(&p->prefixes[i].router, &h->params.agent))
			return p->lladdr.len;
	return false;
}

static void home_come(struct mip6_home *h, const struct mip6_place *p)
{
	struct mip6_mobile *m = h->m;
	struct mip6_mn_view v = mip6_mn_view(h->mn);
	if (h->renew)
		renew_stop(h->renew);
	if (v.state == MIP6_MN_ENDED)
		return;
	if (v.state == MIP6_MN_IDLE || v.state == MIP6_MN_HOME) { /* the home agent knows nothing of us */
		ground_home(&m->ground, h->at, true);
		mip6_home_known(h);
		if (h == m->homes[0])
			mip6_record_close(m, HANDOVER_COMPLETE, "");
		return;
	}
	bool known = agent_advertised(h, p) || (h->agent.len && lladdr_eq(&h->agent, &p->lladdr)); /* now, or from an earlier return */
	h->agent = known ? p->lladdr : (struct lladdr){ .len = 0 };
	h->asks = 0;
	if (known)
		mip6_home_known(h);
	else
		mip6_ask_timeout(&h->ask, h);
}

static void come_home(struct mip6_mobile *m, const struct mip6_place *p)
{
	struct handover *record = handover_by_id(m->core->handovers, m->record);
	seek_stop(m->seek);
	m->home = true;
	m->coa = in6addr_any;
	m->awaited.plen = 0;
	if (record)
		record->ncoa = *mip6_name(m);
	ground_home_link(&m->ground, &in6addr_any);
	ground_default(&m->ground, p, mip6_name(m));
	MIP6_HOMES_EACH(m, h)
		home_come(h, p);
	if (p)
		mip6_prefixes_heard(m, p, p->heard);
}

/* ---- what Router Advertisements say ---- */

static bool home_prefix(const struct mip6_mobile *m, const struct prefix *p)
{
	MIP6_HOMES_EACH(m, h) {
		const struct prefix home = prefix_of(&h->params.home, m->ground.homes[h->at].plen);
		if (p->plen == home.plen && addr_eq(&p->addr, &home.addr))
			return true;
	}
	return false;
}

static bool is_home(const struct mip6_mobile *m, const struct mip6_place *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (home_prefix(m, &p->prefixes[i].prefix))
			return true;
	return false;
}

static void link_solicit(void *arg)
{
	static const struct in6_addr all_routers = { .s6_addr = { 0xff, 2, [15] = 2 } };
	struct mip6_mobile *m = arg;
	struct lladdr own = mip6_own_lladdr(m);
	struct in6_addr src;
	uint8_t out[ND_MAX];
	if (!rtnl_link_local(mip6_rtnl(m), m->ground.ifindex, &src))
		return; /* not yet; the next one */
	int n = nd_rs_pack(&own, out, sizeof out);
	MIP6_MN_COUNT(MIP6_MN_RS_SENT);
	mip6_said(n < 0 ? n : icmp6_send(m->icmp, m->ground.ifindex, &src, &all_routers, ND_HOP_LIMIT, false, out, (size_t)n),
	     "Router Solicitation", &all_routers);
}

static void link_probe(void *arg, const struct mip6_place *p)
{
	struct mip6_mobile *m = arg;
	struct lladdr own = mip6_own_lladdr(m);
	struct in6_addr src;
	uint8_t out[ND_MAX];
	if (!rtnl_link_local(mip6_rtnl(m), m->ground.ifindex, &src))
		return;
	int n = nd_ns_pack(&p->router, &own, out, sizeof out);
	mip6_said(n < 0 ? n : icmp6_send(m->icmp, m->ground.ifindex, &src, &p->router, ND_HOP_LIMIT, false, out, (size_t)n),
	     "Neighbour Solicitation", &p->router);
}

/* The link as it was: whatever waited for it goes on. */
static void resume(struct mip6_mobile *m, const struct mip6_place *p, usec_t at)
{
	const struct nd_prefix *x = care_of_prefix(p), *own = prefix_with(p, &m->coa);
	bool deprecated = own && !own->preferred && x && x->preferred; /* §11.5.3 */
	if (m->gone && m->ours)
		mip6_record_close(m, HANDOVER_CANCELLED, "the link came back as it was");
	m->gone = false;
	if (m->source == COA_RA && m->home != is_home(m, p))
		m->home = !m->home;
	if (m->home) {
		mip6_prefixes_heard(m, p, at);
		if (m->source == COA_RA)
			ground_default(&m->ground, p, mip6_name(m));
		MIP6_HOMES_EACH(m, h)
			if (mip6_mn_view(h->mn).state != MIP6_MN_RETURNING)
				mip6_mn_home(h->mn);
		return;
	}
	ground_home_link(&m->ground, &p->router);
	if (m->source == COA_RA)
		ground_default(&m->ground, p, &in6addr_any);
	if (x && addr_eq(&x->prefix.addr, &m->awaited.addr) && x->prefix.plen == m->awaited.plen) {
		mip6_coa_find(m);
	} else if (m->source == COA_RA && (addr_is_zero(&m->coa) || deprecated)) {
		visit(m, p, at);
	} else if (!addr_is_zero(&m->coa) && !m->after) {
		if (own)
			m->valid_until = valid_until(own, at);
		tell_away(m, MIP6_WAY_GONE);
	}
}

static void link_settled(void *arg, const struct mip6_place *p, enum mip6_link_word word, usec_t at)
{
	struct mip6_mobile *m = arg;
	struct mip6_place old = m->place;
	m->place = *p;
	if (word == MIP6_LINK_SAME && m->source != COA_NONE) {
		resume(m, p, at);
		return;
	}
	bool first = m->source == COA_NONE;
	if (m->source == COA_RA)
		ground_leave(&m->ground, &old); /* what a fast handover has there it keeps */
	if (!first) {
		MIP6_MN_COUNT(MIP6_MN_MOVEMENTS);
		mip6_record_join(m);
	}
	mip6_mark(m, STEP_RA, at);
	mip6_record_names(m, &old, p);
	LOG_NOTICE("mip6", "on %s link home=%s router=%s prefix=%s at_home=%s fast=\"%s\" fast_wait_ms=%llu",
	           first ? "a" : "another", ADDR(mip6_name(m)),
	           ADDR(&p->router), PREFIX(&p->prefixes[0].prefix), is_home(m, p) ? "yes" : "no",
	           word == MIP6_LINK_OVERDUE ? "no word in time" : "none", (unsigned long long)(m->params->fast_wait / USEC_MSEC));
	m->gone = false;
	m->source = COA_RA;
	m->iid = in6addr_any;
	m->coa = in6addr_any;
	m->guest = in6addr_any;
	m->after = 0;
	if (is_home(m, p))
		come_home(m, p);
	else
		visit(m, p, at);
}

static bool link_home(void *arg, const struct mip6_place *p)
{
	return is_home(arg, p);
}

const struct mip6_link_ops mip6_mobile_link_ops = { .solicit = link_solicit, .probe = link_probe, .home = link_home, .settled = link_settled };

/* ---- what a fast handover says ---- */

static bool on_home_link(const struct mip6_mobile *m, const struct in6_addr *coa)
{
	MIP6_HOMES_EACH(m, h) {
		const struct prefix home = prefix_of(&h->params.home, m->ground.homes[h->at].plen);
		if (prefix_has(&home, coa))
			return true;
	}
	return false;
}

/* With a care-of address on a link, and with it a default route, which are not of our making. */
void mip6_fast_attached(struct bus_note *note, void *arg)
{
	struct mip6_mobile *m = arg;
	const struct handover *h = note->u.attach.handover;
	const struct in6_addr *coa = &note->u.attach.addr;
	const struct ap *ap = ap_of_prefix(m->core->neighbors, coa);
	const struct prefix p = ap && prefix_has(&ap->prefix, coa) ? ap->prefix : prefix_of(coa, FAST_PREFIX);
	if (note->u.attach.ifindex != m->ground.ifindex || !m->ground.ifindex)
		return;
	if (h && m->record && m->ours)
		mip6_record_close(m, HANDOVER_CANCELLED, "a fast handover took it over");
	mip6_link_told(m->link, &p, note->at);
	ground_no_default(&m->ground);
	m->gone = false;
	m->source = COA_FAST;
	m->awaited.plen = 0;
	m->valid_until = UINT64_MAX;
	m->last = h ? h->id : m->record;
	m->coa = *coa;
	mip6_mark(m, STEP_CARE_OF, note->at);
	m->home = on_home_link(m, coa);
	m->guest = m->home && !mip6_home_of(m, coa) ? *coa : in6addr_any;
	if (m->home) {
		const struct mip6_place *place = mip6_link_place(m->link);
		come_home(m, place);
		return;
	}
	if (ap)
		ground_home_link(&m->ground, &ap->router);
	bool later = h && m->params->beside == MIP6_BESIDE_AFTER && !paths_kernel_tunnel(m->core->net->paths);
	m->after = later ? h->id : 0;
	if (!later)
		tell_away(m, h && h->mode == HANDOVER_PREDICTIVE ? MIP6_WAY_ALIVE : MIP6_WAY_GONE);
}

void mip6_fast_ended(struct bus_note *note, void *arg)
{
	struct mip6_mobile *m = arg;
	const struct handover *h = note->u.handover.handover;
	if (h->role != HANDOVER_MN || h->id != m->after)
		return;
	m->after = 0;
	m->way = h->result == HANDOVER_COMPLETE ? MIP6_WAY_ALIVE : MIP6_WAY_GONE;
	timer_after(&m->go, 0); /* only then does its record take steps again */
}

void mip6_go_timeout(struct timer *t, void *arg)
{
	struct mip6_mobile *m = arg;
	if (mip6_link_state(m->link) != MIP6_LINK_DOWN && !addr_is_zero(&m->coa) && !m->home)
		tell_away(m, m->way);
}

void mip6_home_note(struct bus_note *note, void *arg)
{
	struct mip6_mobile *m = arg;
	struct mip6_home *h = mip6_home_of(m, &note->u.home.addr);
	if (!h)
		return;
	bool gone = h->carried && !note->u.home.carried;
	h->carried = note->u.home.carried;
	if (gone)
		mip6_mn_way_gone(h->mn);
}

void mip6_fast_started(struct bus_note *note, void *arg)
{
	struct mip6_mobile *m = arg;
	const struct handover *h = note->u.handover.handover;
	if (h->role == HANDOVER_MN && h->mode != HANDOVER_MOBILE_IP)
		m->fast = h->id;
}

/* A fast handover has failed on the new link: from here on it is a matter of the home agent. */
void mip6_fast_failed(struct bus_note *note, void *arg)
{
	struct mip6_mobile *m = arg;
	struct handover *h = note->u.devolve.handover;
	char why[sizeof h->reason];
	if (h->role != HANDOVER_MN || !h->gap_end || mip6_link_state(m->link) == MIP6_LINK_DOWN)
		return;
	if (m->record && m->record != h->id)
		mip6_record_close(m, HANDOVER_CANCELLED, "a fast handover took it over");
	snprintf(why, sizeof why, "%s: a Binding Update to the home agent", note->u.devolve.reason);
	LOG_NOTICE("mip6", "fast handover failed, on by Mobile IPv6 mobile=%s home=%s peer=%s from=%s reason=\"%s\"", ADDR(&h->pcoa),
	           ADDR(mip6_name(m)), ADDR(&m->homes[0]->params.agent), handover_mode_name(h->mode), note->u.devolve.reason);
	MIP6_MN_COUNT(MIP6_MN_DEVOLVED);
	note->u.devolve.taken = true;
	handover_devolve(h, HANDOVER_MOBILE_IP, why);
	m->record = m->last = m->awaits = h->id;
	m->ours = false;
	if (m->source == COA_RA)
		h->ncoa = m->home ? *mip6_name(m) : m->coa;
	m->after = 0;
	struct mip6_mn_view v = mip6_mn_view(m->homes[0]->mn);
	bool settled = m->home ? v.state == MIP6_MN_HOME : v.state == MIP6_MN_REGISTERED && addr_eq(&v.registered, &m->coa);
	if (settled) /* we were ahead of it */
		mip6_record_close(m, HANDOVER_COMPLETE, "");
	else if (m->source == COA_FAST && addr_eq(&m->coa, &h->ncoa))
		tell_away(m, MIP6_WAY_GONE);
	else
		mip6_link_not_told(m->link, note->at);
}
