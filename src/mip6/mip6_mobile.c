/*
 * A mobile node: its machines, wired to sockets, addresses, the tunnel, and what a fast handover says.
 *
 * Two may know where we are. A fast handover (FMIPv6) knows first: BUS_MOBILE_ATTACHED brings the care-of address, and when the fast
 * handover has ended (or at once, mip6.update) the home agent is told of it. Where it fails after the link has changed
 * (BUS_HANDOVER_DEVOLVE), its record becomes ours and goes on as "mobile-ip". Without one, or where it stays silent, Router
 * Advertisements say where we are (mip6_link), and the care-of address is made from their prefix.
 */
#include "mip6/mip6_mobile.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/handover.h"
#include "core/mobile.h"
#include "core/neighbor.h"
#include "core/output.h"
#include "mip6/mip6_ground.h"
#include "mip6/mip6_mn.h"
#include "mip6/mip6_wire_nd.h"
#include "net/mh.h"

#define PROBE_TIMEOUT (200 * USEC_MSEC) /* for each question whether the router still answers */
#define ASK_TIMEOUT (250 * USEC_MSEC)   /* for each question where on the home link the home agent is */
#define ASK_TRIES 3
#define CLAIMS 3                        /* MAX_NEIGHBOR_ADVERTISEMENT (RFC 4861 §10), of which the first at once */
#define CLAIM_INTERVAL USEC_SEC
#define FAST_PREFIX 64                  /* of a care-of address whose link nobody described */

enum coa_source { COA_NONE, COA_FAST, COA_RA };

struct mip6_mobile {
	struct core *core;
	const struct mip6_params *params;
	struct mip6_mn_params mn_params; /* in force */
	struct mip6_mn *mn;
	struct mip6_link *link;
	struct mip6_ground ground;
	struct icmp6 *icmp;
	struct mh *mh;
	struct bus_sub *subs[5];
	struct rtnl_sub *rtnl;

	/* where */
	enum coa_source source;
	struct mip6_place place;   /* the last that Router Advertisements told */
	bool home;                 /* on the home link */
	struct in6_addr coa;       /* unspecified: none, or none yet */
	struct prefix awaited;     /* where one is to come from; plen 0: nowhere */
	struct in6_addr iid;       /* unspecified: the link-local address's */
	usec_t valid_until;
	struct lladdr agent;       /* on the home link */
	unsigned asks, claims;
	struct timer ask, claim, go;
	enum mip6_way way; /* as go_timeout is to say */
	bool tunnelled;
	bool gone;                 /* the link was lost, and where we are now is not known */

	/* the timeline */
	uint64_t record;  /* that ends with the home agent's answer; 0: none */
	uint64_t fast;    /* a fast handover's, the last that was opened */
	uint64_t after;   /* a fast handover's, whose end the home agent is told after */
	uint64_t last;    /* the one that a Binding Update belongs to, ended or not */
	uint64_t awaits;  /* one without a fast handover, which waits for its first packet, ended or not */
	bool ours;        /* `record` was opened here */
	usec_t down_at, up_at;
};

static struct rtnl *rtnl_of(const struct mip6_mobile *m)
{
	return m->core->net->rtnl;
}

static void said(int rc, const char *what, const struct in6_addr *to)
{
	if (rc < 0)
		LOG_WARNING("mip6", "%s not sent peer=%s reason=\"%s\"", what, ADDR(to), strerror(-rc));
}

static struct lladdr own_lladdr(const struct mip6_mobile *m)
{
	const struct rtnl_link *l = rtnl_link_by_index(rtnl_of(m), m->ground.ifindex);
	return l ? l->lladdr : (struct lladdr){ .len = 0 };
}

/* ---- the timeline ---- */

static void mark(struct mip6_mobile *m, enum handover_step s, usec_t at)
{
	handover_step_at(m->core->handovers, handover_by_id(m->core->handovers, m->last), s, at);
}

static void record_open(struct mip6_mobile *m)
{
	const struct in6_addr *who = &m->mn_params.home;
	struct handover *h = m->record ? NULL : handover_open(m->core->handovers, HANDOVER_MN, HANDOVER_MOBILE_IP, who);
	if (!h)
		return;
	m->record = m->last = m->awaits = h->id;
	m->ours = true;
}

/* A movement is one record: a fast handover's, if one runs. */
static void record_join(struct mip6_mobile *m)
{
	const struct handover *h = handover_by_id(m->core->handovers, m->fast);
	if (h && h->result == HANDOVER_RUNNING)
		m->last = m->awaits = h->id;
	else
		record_open(m);
}

/* Links without a name are known by their prefix. */
static void record_names(const struct mip6_mobile *m, const struct mip6_place *from, const struct mip6_place *to)
{
	struct handover *h = m->record && m->ours ? handover_by_id(m->core->handovers, m->record) : NULL;
	if (!h)
		return;
	if (from->n)
		snprintf(h->from, sizeof h->from, "%s", PREFIX(&from->prefixes[0].prefix));
	if (to->n)
		snprintf(h->to, sizeof h->to, "%s", PREFIX(&to->prefixes[0].prefix));
}

static void record_gap(struct mip6_mobile *m)
{
	struct handover *h = m->record && m->ours ? handover_by_id(m->core->handovers, m->record) : NULL;
	if (!h || !m->up_at)
		return;
	h->gap_start = m->down_at;
	h->gap_end = m->up_at;
	h->interruption = m->up_at - m->down_at;
}

static void record_close(struct mip6_mobile *m, enum handover_result r, const char *reason)
{
	struct handover *h = m->record ? handover_by_id(m->core->handovers, m->record) : NULL;
	m->record = 0;
	if (!h)
		return;
	LOG_INFO("mip6", "handover %s role=mn mobile=%s home=%s ncoa=%s reason=\"%s\"", handover_result_name(r), ADDR(&h->pcoa),
	         ADDR(&m->mn_params.home), ADDR(&h->ncoa), reason[0] ? reason : h->reason);
	handover_close(m->core->handovers, h, r, "%s", reason);
}

/* ---- what the registration asks ---- */

static bool mn_key(void *arg, struct mip6_key *out)
{
	const struct mip6_mobile *m = arg;
	const struct in6_addr *home = &m->mn_params.home;
	const struct secret *master = m->params->auth == MIP6_AUTH_RFC4285 ? mobile_key(m->core->settings, home) : NULL;
	return master && mip6_key_derive(master, home, out) == 0;
}

static void mn_send(void *arg, const struct in6_addr *coa, bool at_home, const void *data, size_t len)
{
	struct mip6_mobile *m = arg;
	const struct mip6_mn_params *p = &m->mn_params;
	int rc;
	if (!at_home)
		rc = mh_send(m->mh, 0, coa, &p->agent, &p->home, data, len);
	else if (m->agent.len)
		rc = mh_send_frame(m->mh, m->ground.ifindex, &m->agent, &p->home, &p->agent, NULL, data, len);
	else
		rc = mh_send(m->mh, m->ground.ifindex, &p->home, &p->agent, NULL, data, len);
	said(rc, "Binding Update", &p->agent);
}

static void mn_tunnel(void *arg, const struct in6_addr *coa)
{
	struct mip6_mobile *m = arg;
	ground_home(&m->ground, false);
	tunnel_end_set(m->core->net->paths, END_MOBILE, &m->mn_params.home, coa, &m->mn_params.agent);
	m->tunnelled = true;
}

static void mn_native(void *arg)
{
	struct mip6_mobile *m = arg;
	ground_home(&m->ground, false);
	if (m->tunnelled)
		tunnel_end_set(m->core->net->paths, END_NATIVE, &m->mn_params.home, &m->mn_params.home, &m->mn_params.agent);
}

/* RFC 6275 §11.5.5: the home address, and the link-local address where the home agent defended that too. */
static void advertise(struct mip6_mobile *m, const struct in6_addr *a)
{
	static const struct in6_addr all_nodes = ND_ALL_NODES;
	uint8_t out[64];
	struct lladdr own = own_lladdr(m);
	int n = nd_advertisement_pack(a, ND_OVERRIDE, &own, out, sizeof out);
	said(n < 0 ? n : icmp6_send(m->icmp, m->ground.ifindex, a, &all_nodes, ND_HOP_LIMIT, false, out, (size_t)n), "Neighbour Advertisement", a);
}

static void claim_timeout(struct timer *t, void *arg)
{
	struct mip6_mobile *m = arg;
	struct in6_addr local;
	if (!m->home)
		return;
	advertise(m, &m->mn_params.home);
	if (m->mn_params.link_local && rtnl_link_local(rtnl_of(m), m->ground.ifindex, &local))
		advertise(m, &local);
	if (++m->claims < CLAIMS)
		timer_after(&m->claim, CLAIM_INTERVAL);
}

static void mn_claim(void *arg)
{
	struct mip6_mobile *m = arg;
	m->claims = 0;
	claim_timeout(&m->claim, m);
}

static void mn_sent(void *arg, bool refresh, usec_t at)
{
	struct mip6_mobile *m = arg;
	if (!refresh)
		mark(m, STEP_BU, at);
}

static void mn_accepted(struct mip6_mobile *m, const struct mip6_mn_view *v, usec_t at)
{
	const struct handover *h = handover_by_id(m->core->handovers, m->last);
	bool news = h && (m->record || h->steps_n); /* a refresh marks nothing */
	LOG_INFO("mip6", "home agent forwards home=%s peer=%s coa=%s lifetime_s=%llu status=%u", ADDR(&m->mn_params.home),
	         ADDR(&m->mn_params.agent), ADDR(&v->registered), (unsigned long long)((v->expires - at) / USEC_SEC), v->status);
	if (news)
		mark(m, STEP_BA, at);
	record_close(m, HANDOVER_COMPLETE, "");
	m->last = 0;
}

static void mn_event(void *arg, enum mip6_mn_event e, uint8_t status, usec_t at)
{
	struct mip6_mobile *m = arg;
	struct mip6_mn_view v = mip6_mn_view(m->mn);
	const char *home = ADDR(&m->mn_params.home), *agent = ADDR(&m->mn_params.agent);
	char why[96];
	switch (e) {
	case MIP6_MN_ACCEPTED:
		mn_accepted(m, &v, at);
		break;
	case MIP6_MN_DEREGISTERED:
		LOG_INFO("mip6", "at home, the home agent forwards no longer home=%s peer=%s", home, agent);
		mark(m, STEP_BA, at);
		record_close(m, HANDOVER_COMPLETE, "");
		m->last = 0;
		break;
	case MIP6_MN_SILENT:
		snprintf(why, sizeof why, "no BA after %u BUs in %llu ms", v.tries, (unsigned long long)((at - v.began) / USEC_MSEC));
		LOG_WARNING("mip6", "home agent does not answer home=%s peer=%s coa=%s bus=%u waited_ms=%llu reason=\"%s\"", home, agent,
		            ADDR(&v.coa), v.tries, (unsigned long long)((at - v.began) / USEC_MSEC), why);
		record_close(m, HANDOVER_FAILED, why);
		break;
	case MIP6_MN_DENIED:
		snprintf(why, sizeof why, "the home agent refused: %s (status %u)", mip6_status_text(status), status);
		LOG_WARNING("mip6", "home agent refuses home=%s peer=%s coa=%s status=%u reason=\"%s\"", home, agent, ADDR(&v.coa), status,
		            mip6_status_text(status));
		record_close(m, HANDOVER_FAILED, why);
		break;
	case MIP6_MN_EXPIRED:
		LOG_WARNING("mip6", "registration expired home=%s peer=%s bus=%u", home, agent, v.tries);
		break;
	}
}

static const struct mip6_mn_ops mn_ops = { .key = mn_key, .send = mn_send, .tunnel = mn_tunnel, .native = mn_native,
	.claim = mn_claim, .sent = mn_sent, .event = mn_event };

/* ---- away ---- */

static void away(struct mip6_mobile *m, enum mip6_way way)
{
	/* A tunnel in a tunnel is nothing that the kernel's own can do: then the previous address serves no longer. */
	bool alive = way == MIP6_WAY_ALIVE && !paths_kernel_tunnel(m->core->net->paths);
	mip6_mn_away(m->mn, &m->coa, m->valid_until, alive ? MIP6_WAY_ALIVE : MIP6_WAY_GONE);
}

/* With the care-of address that Router Advertisements led to. */
static void coa_ready(struct mip6_mobile *m, const struct in6_addr *coa)
{
	struct handover *h = handover_by_id(m->core->handovers, m->record);
	m->awaited.plen = 0;
	m->coa = *coa;
	mark(m, STEP_CARE_OF, loop_now(m->core->loop));
	if (h)
		h->ncoa = *coa;
	LOG_INFO("mip6", "care-of address home=%s coa=%s", ADDR(&m->mn_params.home), ADDR(coa));
	away(m, MIP6_WAY_GONE);
}

static struct in6_addr own_iid(const struct mip6_mobile *m)
{
	struct in6_addr iid = m->iid;
	if (addr_is_zero(&iid) && !rtnl_link_local(rtnl_of(m), m->ground.ifindex, &iid))
		iid = in6addr_any;
	return iid;
}

static void coa_find(struct mip6_mobile *m)
{
	struct in6_addr iid = own_iid(m), coa;
	if (ground_care_of(&m->ground, &m->awaited, (enum mip6_care_of)m->params->care_of, &iid, &coa))
		coa_ready(m, &coa);
}

/* The first prefix that addresses are made of, and that is still preferred if there is one. */
static const struct mip6_prefix *care_of_prefix(const struct mip6_place *p)
{
	const struct mip6_prefix *best = NULL;
	for (size_t i = 0; i < p->n; i++)
		if (p->prefixes[i].autonomous && p->prefixes[i].valid && (!best || (!best->preferred && p->prefixes[i].preferred)))
			best = &p->prefixes[i];
	return best;
}

static usec_t valid_until(const struct mip6_prefix *x, usec_t at)
{
	return x->valid == UINT32_MAX ? UINT64_MAX : at + x->valid * USEC_SEC;
}

static void visit(struct mip6_mobile *m, const struct mip6_place *p, usec_t at)
{
	const struct mip6_prefix *x = care_of_prefix(p);
	m->home = false;
	ground_home_link(&m->ground, &p->router);
	ground_default(&m->ground, p, &in6addr_any);
	if (!x) {
		LOG_NOTICE("mip6", "no care-of address on this link home=%s peer=%s reason=\"no prefix for autoconfiguration is advertised\"",
		           ADDR(&m->mn_params.home), ADDR(&p->router));
		return;
	}
	m->valid_until = valid_until(x, at);
	m->awaited = x->prefix;
	coa_find(m);
}

/* ---- home ---- */

static void home_known(struct mip6_mobile *m)
{
	timer_stop(&m->ask);
	if (m->agent.len)
		rtnl_neigh_set(rtnl_of(m), m->ground.ifindex, &m->mn_params.agent, &m->agent, NUD_REACHABLE);
	mip6_mn_home(m->mn);
}

/* Where on the link is the home agent? As long as it defends our address, asking for that address brings its answer, and nothing may be
 * asked in its name (RFC 6275 §11.5.5). */
static void ask_timeout(struct timer *t, void *arg)
{
	struct mip6_mobile *m = arg;
	const struct mip6_place *p = mip6_link_place(m->link);
	struct in6_addr group = nd_group(&m->mn_params.home);
	struct lladdr to = nd_group_lladdr(&group);
	uint8_t packet[128];
	if (!m->home)
		return;
	if (m->asks++ == ASK_TRIES) { /* it does not defend it; then it is, as a rule, the router we hear */
		if (p)
			m->agent = p->lladdr;
		home_known(m);
		return;
	}
	timer_after(&m->ask, ASK_TIMEOUT);
	int n = nd_probe_pack(&m->mn_params.home, packet, sizeof packet);
	said(n < 0 ? n : frames_send(m->core->net->frames, m->ground.ifindex, &to, packet, (size_t)n), "Neighbour Solicitation",
	     &m->mn_params.home);
}

static bool agent_advertised(const struct mip6_mobile *m, const struct mip6_place *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (addr_eq(&p->prefixes[i].router, &m->mn_params.agent))
			return p->lladdr.len;
	return false;
}

static void come_home(struct mip6_mobile *m, const struct mip6_place *p)
{
	struct mip6_mn_view v = mip6_mn_view(m->mn);
	struct handover *h = handover_by_id(m->core->handovers, m->record);
	bool stranger = v.state == MIP6_MN_IDLE || v.state == MIP6_MN_HOME;
	m->home = true;
	m->coa = in6addr_any;
	m->awaited.plen = 0;
	if (h)
		h->ncoa = m->mn_params.home;
	ground_home_link(&m->ground, &in6addr_any);
	ground_default(&m->ground, p, m->params->prefer_home ? &m->mn_params.home : &in6addr_any);
	if (stranger) {
		ground_home(&m->ground, true);
		home_known(m);
		record_close(m, HANDOVER_COMPLETE, "");
		return;
	}
	bool known = agent_advertised(m, p) || (m->agent.len && lladdr_eq(&m->agent, &p->lladdr)); /* now, or from an earlier return */
	m->agent = known ? p->lladdr : (struct lladdr){ .len = 0 };
	m->asks = 0;
	if (known)
		home_known(m);
	else
		ask_timeout(&m->ask, m);
}

/* ---- what Router Advertisements say ---- */

static bool is_home(const struct mip6_mobile *m, const struct mip6_place *p)
{
	const struct prefix home = prefix_of(&m->mn_params.home, m->ground.home_plen);
	for (size_t i = 0; i < p->n; i++)
		if (p->prefixes[i].prefix.plen == home.plen && addr_eq(&p->prefixes[i].prefix.addr, &home.addr))
			return true;
	return false;
}

static void link_solicit(void *arg)
{
	static const struct in6_addr all_routers = { .s6_addr = { 0xff, 2, [15] = 2 } };
	struct mip6_mobile *m = arg;
	struct lladdr own = own_lladdr(m);
	struct in6_addr src;
	uint8_t out[MIP6_ND_MAX];
	if (!rtnl_link_local(rtnl_of(m), m->ground.ifindex, &src))
		return; /* not yet; the next one */
	int n = mip6_rs_pack(&own, out, sizeof out);
	MIP6_MN_COUNT(MIP6_MN_RS_SENT);
	said(n < 0 ? n : icmp6_send(m->icmp, m->ground.ifindex, &src, &all_routers, MIP6_ND_HOP_LIMIT, false, out, (size_t)n),
	     "Router Solicitation", &all_routers);
}

static void link_probe(void *arg, const struct mip6_place *p)
{
	struct mip6_mobile *m = arg;
	struct lladdr own = own_lladdr(m);
	struct in6_addr src;
	uint8_t out[MIP6_ND_MAX];
	if (!rtnl_link_local(rtnl_of(m), m->ground.ifindex, &src))
		return;
	int n = mip6_ns_pack(&p->router, &own, out, sizeof out);
	said(n < 0 ? n : icmp6_send(m->icmp, m->ground.ifindex, &src, &p->router, MIP6_ND_HOP_LIMIT, false, out, (size_t)n),
	     "Neighbour Solicitation", &p->router);
}

/* The link as it was: whatever waited for it goes on. */
static void resume(struct mip6_mobile *m, const struct mip6_place *p, usec_t at)
{
	const struct mip6_prefix *x = care_of_prefix(p);
	if (m->gone && m->ours)
		record_close(m, HANDOVER_CANCELLED, "the link came back as it was");
	m->gone = false;
	if (m->source == COA_RA && m->home != is_home(m, p))
		m->home = !m->home;
	if (m->home) {
		if (m->source == COA_RA)
			ground_default(&m->ground, p, m->params->prefer_home ? &m->mn_params.home : &in6addr_any);
		if (mip6_mn_view(m->mn).state != MIP6_MN_RETURNING)
			mip6_mn_home(m->mn);
		return;
	}
	ground_home_link(&m->ground, &p->router);
	if (m->source == COA_RA)
		ground_default(&m->ground, p, &in6addr_any);
	if (x && addr_eq(&x->prefix.addr, &m->awaited.addr) && x->prefix.plen == m->awaited.plen) {
		coa_find(m);
	} else if (!addr_is_zero(&m->coa) && !m->after) {
		if (x && prefix_has(&x->prefix, &m->coa))
			m->valid_until = valid_until(x, at);
		away(m, MIP6_WAY_GONE);
	} else if (addr_is_zero(&m->coa) && m->source == COA_RA) {
		visit(m, p, at);
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
		record_join(m);
	}
	mark(m, STEP_RA, at);
	record_names(m, &old, p);
	LOG_NOTICE("mip6", "on %s link home=%s router=%s prefix=%s at_home=%s fast=\"%s\" fast_wait_ms=%llu",
	           first ? "a" : "another", ADDR(&m->mn_params.home),
	           ADDR(&p->router), PREFIX(&p->prefixes[0].prefix), is_home(m, p) ? "yes" : "no",
	           word == MIP6_LINK_OVERDUE ? "no word in time" : "none", (unsigned long long)(m->params->fast_wait / USEC_MSEC));
	m->gone = false;
	m->source = COA_RA;
	m->iid = in6addr_any;
	m->coa = in6addr_any;
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

static const struct mip6_link_ops link_ops = { .solicit = link_solicit, .probe = link_probe, .home = link_home, .settled = link_settled };

/* ---- what a fast handover says ---- */

/* With a care-of address on a link, and with it a default route, which are not of our making. */
static void attached(struct bus_note *note, void *arg)
{
	struct mip6_mobile *m = arg;
	const struct handover *h = note->u.attach.handover;
	const struct in6_addr *coa = &note->u.attach.addr;
	const struct ap *ap = ap_of_prefix(m->core->neighbors, coa);
	const struct prefix p = ap && prefix_has(&ap->prefix, coa) ? ap->prefix : prefix_of(coa, FAST_PREFIX);
	const struct prefix home = prefix_of(&m->mn_params.home, m->ground.home_plen);
	if (note->u.attach.ifindex != m->ground.ifindex || !m->ground.ifindex)
		return;
	if (h && m->record && m->ours)
		record_close(m, HANDOVER_CANCELLED, "a fast handover took it over");
	mip6_link_told(m->link, &p, note->at);
	ground_no_default(&m->ground);
	m->gone = false;
	m->source = COA_FAST;
	m->awaited.plen = 0;
	m->valid_until = UINT64_MAX;
	m->last = h ? h->id : m->record;
	m->coa = *coa;
	mark(m, STEP_CARE_OF, note->at);
	m->home = prefix_has(&home, coa);
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
		away(m, h && h->mode == HANDOVER_PREDICTIVE ? MIP6_WAY_ALIVE : MIP6_WAY_GONE);
}

static void ended(struct bus_note *note, void *arg)
{
	struct mip6_mobile *m = arg;
	const struct handover *h = note->u.handover.handover;
	if (h->role != HANDOVER_MN || h->id != m->after)
		return;
	m->after = 0;
	m->way = h->result == HANDOVER_COMPLETE ? MIP6_WAY_ALIVE : MIP6_WAY_GONE;
	timer_after(&m->go, 0); /* only then does its record take steps again */
}

static void go_timeout(struct timer *t, void *arg)
{
	struct mip6_mobile *m = arg;
	if (mip6_link_state(m->link) != MIP6_LINK_DOWN && !addr_is_zero(&m->coa) && !m->home)
		away(m, m->way);
}

static void started(struct bus_note *note, void *arg)
{
	struct mip6_mobile *m = arg;
	const struct handover *h = note->u.handover.handover;
	if (h->role == HANDOVER_MN && h->mode != HANDOVER_MOBILE_IP)
		m->fast = h->id;
}

/* A fast handover has failed on the new link: from here on it is a matter of the home agent. */
static void devolve(struct bus_note *note, void *arg)
{
	struct mip6_mobile *m = arg;
	struct handover *h = note->u.devolve.handover;
	char why[sizeof h->reason];
	if (h->role != HANDOVER_MN || !h->gap_end || mip6_link_state(m->link) == MIP6_LINK_DOWN)
		return;
	if (m->record && m->record != h->id)
		record_close(m, HANDOVER_CANCELLED, "a fast handover took it over");
	snprintf(why, sizeof why, "%s: a Binding Update to the home agent", note->u.devolve.reason);
	LOG_NOTICE("mip6", "fast handover failed, on by Mobile IPv6 mobile=%s home=%s peer=%s from=%s reason=\"%s\"", ADDR(&h->pcoa),
	           ADDR(&m->mn_params.home), ADDR(&m->mn_params.agent), handover_mode_name(h->mode), note->u.devolve.reason);
	MIP6_MN_COUNT(MIP6_MN_DEVOLVED);
	note->u.devolve.taken = true;
	handover_devolve(h, HANDOVER_MOBILE_IP, why);
	m->record = m->last = m->awaits = h->id;
	m->ours = false;
	if (m->source == COA_RA)
		h->ncoa = m->home ? m->mn_params.home : m->coa;
	m->after = 0;
	struct mip6_mn_view v = mip6_mn_view(m->mn);
	bool settled = m->home ? v.state == MIP6_MN_HOME : v.state == MIP6_MN_REGISTERED && addr_eq(&v.registered, &m->coa);
	if (settled) /* we were ahead of it */
		record_close(m, HANDOVER_COMPLETE, "");
	else if (m->source == COA_FAST && addr_eq(&m->coa, &h->ncoa))
		away(m, MIP6_WAY_GONE);
	else
		mip6_link_not_told(m->link, note->at);
}

/* ---- the link ---- */

static void link_lost(struct mip6_mobile *m, usec_t at)
{
	m->gone = true;
	m->down_at = at;
	m->up_at = 0;
	mip6_link_down(m->link);
	mip6_mn_down(m->mn);
	timer_stop(&m->ask);
	timer_stop(&m->claim);
	if (m->record)
		record_close(m, HANDOVER_CANCELLED, "the link was lost before the home agent's answer");
	m->last = m->awaits = 0;
	m->after = 0;
	if (m->source != COA_RA)
		return;
	record_open(m);
	mark(m, STEP_1_SCAN, at);
	mark(m, STEP_2_JOIN, at);
}

static void link_found(struct mip6_mobile *m, usec_t at)
{
	m->up_at = at;
	if (m->record && m->ours)
		for (enum handover_step s = STEP_3_AUTH; s <= STEP_6_L2UPDATE; s++)
			mark(m, s, at);
	record_gap(m);
	mip6_link_up(m->link, m->core->fast && m->source == COA_FAST);
}

static void link_note(struct bus_note *note, void *arg)
{
	struct mip6_mobile *m = arg;
	if (!m->ground.ifindex || note->u.link.ifindex != m->ground.ifindex)
		return;
	if (!note->u.link.up)
		link_lost(m, note->at);
	else
		link_found(m, note->at);
}

static const struct rtnl_link *own_link(const struct mip6_mobile *m)
{
	const struct setting_interface *all = m->core->settings->interfaces.items;
	for (size_t i = 0; i < m->core->settings->interfaces.n; i++)
		if (all[i].kind == INTERFACE_ACCESS)
			return rtnl_link_by_name(rtnl_of(m), all[i].name);
	return NULL;
}

/* The interface may come after us. */
static void link_take(struct mip6_mobile *m)
{
	const struct rtnl_link *l = own_link(m);
	usec_t now = loop_now(m->core->loop);
	if (!l || m->ground.ifindex == l->ifindex)
		return;
	if (m->ground.ifindex)
		link_lost(m, now);
	ground_clear(&m->ground);
	m->ground.ifindex = l->ifindex;
	if (l->carrier)
		link_found(m, now);
}

static void address_changed(struct mip6_mobile *m, const struct rtnl_note *n)
{
	if (n->ifindex != m->ground.ifindex || addr_eq(&n->addr, &m->mn_params.home))
		return;
	if (n->duplicate && m->ground.coa_made && addr_eq(&n->addr, &m->ground.coa.addr)) {
		LOG_WARNING("mip6", "care-of address is somebody else's, taking another home=%s coa=%s", ADDR(&m->mn_params.home), ADDR(&n->addr));
		ground_duplicate(&m->ground);
		secret_random(&m->iid, sizeof m->iid);
		m->awaited = prefix_of(&n->addr, n->plen);
		coa_find(m);
	} else if (m->awaited.plen && !n->tentative && !n->duplicate && prefix_has(&m->awaited, &n->addr)) {
		coa_ready(m, &n->addr);
	}
}

static void address_gone(struct mip6_mobile *m, const struct rtnl_note *n)
{
	if (n->ifindex != m->ground.ifindex)
		return;
	if (addr_eq(&n->addr, &m->mn_params.home) && (m->tunnelled || m->home)) {
		ground_home(&m->ground, false);
	} else if (m->source == COA_RA && addr_eq(&n->addr, &m->coa) && !m->awaited.plen && mip6_link_state(m->link) != MIP6_LINK_DOWN) {
		m->awaited = prefix_of(&n->addr, n->plen);
		m->coa = in6addr_any;
		coa_find(m);
	}
}

static void rtnl_changed(const struct rtnl_note *n, void *arg)
{
	struct mip6_mobile *m = arg;
	switch (n->event) {
	case RTNL_LINK:
		if (m->ground.ifindex == 0)
			link_take(m);
		else if (n->ifindex == m->ground.ifindex && n->carrier)
			mip6_link_hint(m->link);
		break;
	case RTNL_LINK_GONE:
		if (n->ifindex != m->ground.ifindex)
			break;
		link_lost(m, loop_now(m->core->loop));
		m->ground = (struct mip6_ground){ .core = m->core, .home = m->mn_params.home, .home_plen = m->ground.home_plen };
		break;
	case RTNL_ADDR:
		address_changed(m, n);
		break;
	case RTNL_ADDR_GONE:
		address_gone(m, n);
		break;
	case RTNL_NEIGH:
	case RTNL_NEIGH_GONE:
	case RTNL_ROUTE_GONE:
	case RTNL_STATION:
	case RTNL_RESYNC:
		break;
	}
}

/* ---- what comes in ---- */

static void na_received(struct mip6_mobile *m, const struct icmp6_message *msg, uint8_t lla_len)
{
	struct mip6_na na;
	if (mip6_na_parse(msg->data, msg->len, lla_len, &na) < 0)
		return;
	if (na.flags & ND_SOLICITED)
		mip6_link_na(m->link, &na.target, msg->at);
	else if (m->home && timer_armed(&m->ask) && addr_eq(&na.target, &m->mn_params.home) && na.lladdr.len) {
		m->agent = na.lladdr;
		home_known(m);
	}
}

static void icmp_received(const struct icmp6_message *msg, void *arg)
{
	struct mip6_mobile *m = arg;
	struct mip6_ra ra;
	struct lladdr own = own_lladdr(m);
	uint8_t lla_len = own.len ? own.len : 6;
	if (msg->data[0] == MIP6_PARAM_PROBLEM_TYPE) {
		if (msg->data[1] == 1 && addr_eq(&msg->src, &m->mn_params.agent)) /* code 1: unrecognised next header */
			mip6_mn_unknown_header(m->mn, msg->at);
		return;
	}
	if (msg->ifindex != m->ground.ifindex || msg->hop_limit != MIP6_ND_HOP_LIMIT)
		return;
	if (msg->data[0] == MIP6_NA_TYPE) {
		na_received(m, msg, lla_len);
	} else if (addr_is_link_local(&msg->src)) {
		if (mip6_ra_parse(msg->data, msg->len, lla_len, &ra) < 0) {
			MIP6_COUNT(MIP6_MALFORMED);
			return;
		}
		MIP6_MN_COUNT(MIP6_MN_RA_RECEIVED);
		mip6_link_ra(m->link, &msg->src, &ra, msg->at);
	}
}

static void mh_received(const struct mh_message *msg, void *arg)
{
	struct mip6_mobile *m = arg;
	if (!addr_is_zero(&msg->routed) && !addr_eq(&msg->routed, &m->mn_params.home))
		return;
	if (msg->data[2] == MH_TYPE_BACK)
		mip6_mn_ba(m->mn, &msg->src, msg->data, msg->len, msg->at);
	else if (msg->data[2] == MH_TYPE_BE)
		mip6_mn_be(m->mn, &msg->src, msg->data, msg->len, msg->at);
}

static bool local_address(const struct in6_addr *a, void *arg)
{
	struct mip6_mobile *m = arg;
	/* What we have just made the kernel tells of later, and what is ours by optimism only not at all. */
	return addr_eq(a, &m->coa) || addr_eq(a, &m->mn_params.home) || rtnl_is_local(rtnl_of(m), a, NULL);
}

static void first_packet(const struct in6_addr *inner, usec_t at, void *arg)
{
	struct mip6_mobile *m = arg;
	struct handover *h = handover_by_id(m->core->handovers, m->awaits);
	if (!h || !addr_eq(inner, &m->mn_params.home))
		return;
	m->awaits = 0;
	handover_step_at(m->core->handovers, h, STEP_FIRST_PACKET, at);
	if (h->gap_start && at > h->gap_start)
		h->interruption = at - h->gap_start;
}

/* ---- life ---- */

static struct mip6_mn_params mn_params(const struct mip6_mobile *m)
{
	const struct mip6_params *p = m->params;
	struct in6_addr local, mine = addr_compose(&(struct prefix){ .plen = 64 }, &p->home_address);
	bool same = m->ground.ifindex && rtnl_link_local(rtnl_of(m), m->ground.ifindex, &local) &&
	            memcmp(local.s6_addr + 8, mine.s6_addr + 8, 8) == 0;
	return (struct mip6_mn_params){ .home = p->home_address, .agent = p->home_agent, .lifetime = p->lifetime,
		.first_timeout = p->first_timeout, .link_local = same, .timestamps = p->replay == MIP6_REPLAY_TIMESTAMP,
		.spi = (uint32_t)p->spi };
}

static struct mip6_link_params link_params(const struct mip6_params *p)
{
	return (struct mip6_link_params){ .solicit_interval = p->solicit_interval, .probe_timeout = PROBE_TIMEOUT, .fast_wait = p->fast_wait };
}

static bool open_all(struct mip6_mobile *m)
{
	static const uint8_t icmp_types[] = { MIP6_RA_TYPE, MIP6_NA_TYPE, MIP6_PARAM_PROBLEM_TYPE }, mh_types[] = { MH_TYPE_BACK, MH_TYPE_BE };
	static const struct {
		enum bus_topic topic;
		bus_fn *fn;
	} subs[] = { { BUS_LINK, link_note }, { BUS_MOBILE_ATTACHED, attached }, { BUS_HANDOVER_STARTED, started },
		{ BUS_HANDOVER_ENDED, ended }, { BUS_HANDOVER_DEVOLVE, devolve } };
	struct mip6_link_params lp = link_params(m->params);
	bool ok = true;
	m->mn = mip6_mn_create(m->core->loop, &m->mn_params, &mn_ops, m);
	m->link = mip6_link_create(m->core->loop, &lp, &link_ops, m);
	m->icmp = icmp6_open(m->core->loop, icmp_types, sizeof icmp_types, icmp_received, m);
	m->mh = mh_open(m->core->loop, mh_types, sizeof mh_types, local_address, mh_received, m);
	for (size_t i = 0; i < sizeof subs / sizeof *subs; i++)
		ok &= (m->subs[i] = bus_subscribe(m->core->bus, subs[i].topic, subs[i].fn, m)) != NULL;
	m->rtnl = rtnl_subscribe(rtnl_of(m), rtnl_changed, m);
	ok &= tunnel_on_first(m->core->net->paths, first_packet, m) == 0;
	return ok && m->mn && m->link && m->icmp && m->mh && m->rtnl;
}

struct mip6_mobile *mip6_mobile_create(struct core *core, const struct mip6_params *params)
{
	struct mip6_mobile *m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	m->core = core;
	m->params = params;
	m->ground = (struct mip6_ground){ .core = core, .home = params->home_address, .home_plen = (uint8_t)params->home_prefix_length };
	timer_init(&m->ask, core->loop, ask_timeout, m);
	timer_init(&m->claim, core->loop, claim_timeout, m);
	timer_init(&m->go, core->loop, go_timeout, m);
	m->mn_params = mn_params(m);
	if (!open_all(m)) {
		LOG_ERROR("mip6", "could not start role=mobile-node");
		mip6_mobile_destroy(m);
		return NULL;
	}
	link_take(m);
	m->mn_params = mn_params(m); /* the interface is known now */
	mip6_mn_reload(m->mn, &m->mn_params);
	return m;
}

void mip6_mobile_destroy(struct mip6_mobile *m)
{
	if (!m)
		return;
	if (m->mn && m->mh)
		mip6_mn_farewell(m->mn);
	if (m->record)
		record_close(m, HANDOVER_CANCELLED, "the mobile stops");
	tunnel_off_first(m->core->net->paths, m);
	for (size_t i = 0; i < sizeof m->subs / sizeof *m->subs; i++)
		bus_unsubscribe(m->subs[i]);
	if (m->rtnl)
		rtnl_unsubscribe(m->rtnl);
	if (m->tunnelled)
		tunnel_end_del(m->core->net->paths, &m->mn_params.home);
	ground_clear(&m->ground);
	timer_stop(&m->ask);
	timer_stop(&m->claim);
	timer_stop(&m->go);
	mh_close(m->mh);
	icmp6_close(m->icmp);
	mip6_link_destroy(m->link);
	mip6_mn_destroy(m->mn);
	free(m);
}

void mip6_mobile_reload(struct mip6_mobile *m)
{
	struct mip6_link_params lp = link_params(m->params);
	m->mn_params = mn_params(m);
	mip6_mn_reload(m->mn, &m->mn_params);
	mip6_link_reload(m->link, &lp);
	link_take(m);
}

/* ---- show ---- */

void mip6_mobile_show(struct mip6_mobile *m, struct output *o)
{
	struct mip6_mn_view v = mip6_mn_view(m->mn);
	usec_t now = loop_now(m->core->loop);
	out_item_begin(o, NULL);
	out_addr(o, "home", &m->mn_params.home);
	out_addr(o, "agent", &m->mn_params.agent);
	out_str(o, "state", mip6_mn_state_name(v.state));
	out_addr(o, "coa", &m->coa);
	out_addr(o, "registered", &v.registered);
	out_msec(o, "expires_ms", v.expires > now ? v.expires - now : 0);
	out_str(o, "link", mip6_link_state_name(mip6_link_state(m->link)));
	out_bool(o, "at_home", m->home);
	out_item_end(o);
}
