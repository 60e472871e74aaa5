/*
 * A mobile node: its machines, wired to sockets, addresses, the tunnel, and what a fast handover says.
 *
 * Two may know where we are. A fast handover (FMIPv6) knows first: BUS_MOBILE_ATTACHED brings the care-of address, and when the fast
 * handover has ended (or at once, mip6.update) the home agent is told of it. Where it fails after the link has changed
 * (BUS_HANDOVER_DEVOLVE), its record becomes ours and goes on as "mobile-ip". Without one, or where it stays silent, Router
 * Advertisements say where we are (mip6_link), and the care-of address is made from their prefix.
 */
#include "mip6/mip6_mobile_private.h"

#include <stdlib.h>
#include <string.h>

#include "core/output.h"
#include "net/nd.h"

#define ERROR_RATE 10                   /* Binding Errors a second, RFC 6275 §9.3.3 */
#define PROBE_TIMEOUT (200 * USEC_MSEC) /* for each question whether the router still answers */

struct rtnl *mip6_rtnl(const struct mip6_mobile *m)
{
	return m->core->net->rtnl;
}

void mip6_said(int rc, const char *what, const struct in6_addr *to)
{
	if (rc < 0)
		LOG_WARNING("mip6", "%s not sent peer=%s reason=\"%s\"", what, ADDR(to), strerror(-rc));
}

struct lladdr mip6_own_lladdr(const struct mip6_mobile *m)
{
	const struct rtnl_link *l = rtnl_link_by_index(mip6_rtnl(m), m->ground.ifindex);
	return l ? l->lladdr : (struct lladdr){ .len = 0 };
}

/* ---- the link ---- */

static void link_lost(struct mip6_mobile *m, usec_t at)
{
	m->gone = true;
	m->down_at = at;
	m->up_at = 0;
	mip6_link_down(m->link);
	seek_stop(m->seek);
	MIP6_HOMES_EACH(m, h) {
		mip6_mn_down(h->mn);
		if (h->renew)
			renew_stop(h->renew);
		timer_stop(&h->ask);
		timer_stop(&h->claim);
	}
	if (m->record)
		mip6_record_close(m, HANDOVER_CANCELLED, "the link was lost before the home agent's answer");
	m->last = m->awaits = 0;
	m->after = 0;
	if (m->source != COA_RA)
		return;
	mip6_record_open(m);
	mip6_mark(m, STEP_1_SCAN, at);
	mip6_mark(m, STEP_2_JOIN, at);
}

static void link_found(struct mip6_mobile *m, usec_t at)
{
	m->up_at = at;
	if (m->record && m->ours)
		for (enum handover_step s = STEP_3_AUTH; s <= STEP_6_L2UPDATE; s++)
			mip6_mark(m, s, at);
	mip6_record_gap(m);
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
			return rtnl_link_by_name(mip6_rtnl(m), all[i].name);
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
	if (n->ifindex != m->ground.ifindex || mip6_home_of(m, &n->addr))
		return;
	if (n->duplicate && m->ground.coa_made && addr_eq(&n->addr, &m->ground.coa.addr)) {
		LOG_WARNING("mip6", "care-of address is somebody else's, taking another home=%s coa=%s", ADDR(mip6_name(m)), ADDR(&n->addr));
		ground_duplicate(&m->ground);
		secret_random(&m->iid, sizeof m->iid);
		m->awaited = prefix_of(&n->addr, n->plen);
		mip6_coa_find(m);
	} else if (m->awaited.plen && !n->tentative && !n->duplicate && prefix_has(&m->awaited, &n->addr)) {
		mip6_coa_ready(m, &n->addr);
	}
}

static void address_gone(struct mip6_mobile *m, const struct rtnl_note *n)
{
	const struct mip6_home *h = mip6_home_of(m, &n->addr);
	if (n->ifindex != m->ground.ifindex)
		return;
	if (h && (h->tunnelled || m->home)) {
		ground_home(&m->ground, h->at, false);
	} else if (m->source == COA_RA && addr_eq(&n->addr, &m->coa) && !m->awaited.plen && mip6_link_state(m->link) != MIP6_LINK_DOWN) {
		m->awaited = prefix_of(&n->addr, n->plen);
		m->coa = in6addr_any;
		mip6_coa_find(m);
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
		ground_gone(&m->ground);
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
	struct nd_na na;
	if (nd_na_parse(msg->data, msg->len, lla_len, &na) < 0 || na.lladdr_odd)
		return;
	struct mip6_home *asked = mip6_home_of(m, &na.target);
	if (na.flags & NA_SOLICITED)
		mip6_link_na(m->link, &na.target, msg->at);
	MIP6_HOMES_EACH(m, h) { /* the home agent answers for itself, or for our address */
		bool answer = na.flags & NA_SOLICITED ? addr_eq(&na.target, &h->params.agent) : h == asked;
		if (m->home && answer && timer_armed(&h->ask) && na.lladdr.len) {
			h->agent = na.lladdr;
			mip6_home_known(h);
		}
	}
}

static void icmp_received(const struct icmp6_message *msg, void *arg)
{
	struct mip6_mobile *m = arg;
	struct nd_ra ra;
	struct lladdr own = mip6_own_lladdr(m);
	uint8_t lla_len = own.len ? own.len : 6;
	if (msg->data[0] == MIP6_ICMP_PARAM_PROBLEM) {
		MIP6_HOMES_EACH(m, h)
			if (msg->data[1] == 1 && addr_eq(&msg->src, &h->params.agent)) /* code 1: unrecognised next header */
				mip6_mn_unknown_header(h->mn, msg->at);
		return;
	}
	if (msg->data[0] == MIP6_ICMP_DISCOVERY_REPLY) {
		seek_reply(m->seek, msg->data, msg->len, msg->at);
		return;
	}
	if (msg->ifindex != m->ground.ifindex || msg->hop_limit != ND_HOP_LIMIT)
		return;
	if (msg->data[0] == ND_ADVERTISEMENT) {
		na_received(m, msg, lla_len);
	} else if (addr_is_link_local(&msg->src)) {
		if (nd_ra_parse(msg->data, msg->len, lla_len, &ra) < 0) {
			MIP6_COUNT(MIP6_MALFORMED);
			return;
		}
		MIP6_MN_COUNT(MIP6_MN_RA_RECEIVED);
		mip6_link_ra(m->link, &msg->src, &ra, msg->at);
	}
}

/* §9.2: another mobile that would have us for its correspondent, or a type that nobody here knows. */
static void refuse(struct mip6_mobile *m, const struct mh_message *msg)
{
	uint8_t out[MIP6_MESSAGE_MAX];
	const struct be e = { .status = BE_UNKNOWN_TYPE, .home = msg->home };
	int n = be_pack(&e, out, sizeof out);
	if (n < 0 || addr_is_multicast(&msg->dst) || addr_is_link_local(&msg->src) || !bucket_take(&m->errors, msg->at))
		return;
	MIP6_COUNT(MIP6_BE_SENT);
	mip6_said(mh_send(m->mh, 0, &msg->dst, &msg->src, NULL, out, (size_t)n), "Binding Error", &msg->src);
}

static void mh_received(const struct mh_message *msg, void *arg)
{
	struct mip6_mobile *m = arg;
	if (msg->data[2] != MH_TYPE_BACK && msg->data[2] != MH_TYPE_BE) {
		refuse(m, msg);
		return;
	}
	const struct in6_addr *to = addr_is_zero(&msg->routed) ? &msg->dst : &msg->routed;
	struct mip6_home *meant = mip6_home_of(m, to);
	if (!meant && !addr_is_zero(&msg->routed))
		return;
	MIP6_HOMES_EACH(m, h) { /* where no header says for which it is, each looks whether it asked for that */
		if (meant && h != meant)
			continue;
		if (msg->data[2] == MH_TYPE_BACK)
			mip6_mn_ba(h->mn, &msg->src, msg->data, msg->len, msg->at);
		else
			mip6_mn_be(h->mn, &msg->src, msg->data, msg->len, msg->at);
	}
}

static bool local_address(const struct in6_addr *a, void *arg)
{
	struct mip6_mobile *m = arg;
	/* What we have just made the kernel tells of later, and what is ours by optimism only not at all. */
	return addr_eq(a, &m->coa) || mip6_home_of(m, a) || rtnl_is_local(mip6_rtnl(m), a, NULL);
}

static void first_packet(const struct in6_addr *inner, usec_t at, void *arg)
{
	struct mip6_mobile *m = arg;
	struct handover *h = handover_by_id(m->core->handovers, m->awaits);
	if (!h || !mip6_home_of(m, inner))
		return;
	m->awaits = 0;
	handover_step_at(m->core->handovers, h, STEP_FIRST_PACKET, at);
	if (h->gap_start && at > h->gap_start)
		h->interruption = at - h->gap_start;
}

/* ---- life ---- */

static struct mip6_link_params link_params(const struct mip6_params *p)
{
	return (struct mip6_link_params){ .solicit_interval = p->solicit_interval, .probe_timeout = PROBE_TIMEOUT, .fast_wait = p->fast_wait };
}

/* The home agent's answers; what would make a correspondent of us; and all types that nobody here knows, a fast handover included. */
static size_t types_wanted(uint8_t types[256])
{
	static const uint8_t known[] = { MH_TYPE_BRR, MH_TYPE_HOT, MH_TYPE_COT, MH_TYPE_FBU, MH_TYPE_FBACK, MH_TYPE_FNA, MH_TYPE_HI, MH_TYPE_HACK };
	size_t n = 0;
	for (unsigned t = 0; t < 256; t++)
		if (!memchr(known, (int)t, sizeof known))
			types[n++] = (uint8_t)t;
	return n;
}

static bool open_all(struct mip6_mobile *m)
{
	static const uint8_t icmp_types[] = { ND_ROUTER_ADVERTISEMENT, ND_ADVERTISEMENT, MIP6_ICMP_PARAM_PROBLEM,
		MIP6_ICMP_DISCOVERY_REPLY };
	uint8_t mh_types[256];
	static const struct {
		enum bus_topic topic;
		bus_fn *fn;
	} subs[] = { { BUS_LINK, link_note }, { BUS_MOBILE_ATTACHED, mip6_fast_attached }, { BUS_HANDOVER_STARTED, mip6_fast_started },
		{ BUS_HANDOVER_ENDED, mip6_fast_ended }, { BUS_HANDOVER_DEVOLVE, mip6_fast_failed },
		{ BUS_HOME, mip6_home_note } };
	struct mip6_link_params lp = link_params(m->params);
	bool ok = true;
	m->link = mip6_link_create(m->core->loop, &lp, &mip6_mobile_link_ops, m);
	m->seek = seek_create(m->core->loop, &mip6_mobile_seek_ops, m);
	m->icmp = icmp6_open(m->core->loop, icmp_types, sizeof icmp_types, icmp_received, m);
	m->mh = mh_open(m->core->loop, mh_types, types_wanted(mh_types), local_address, mh_received, m);
	for (size_t i = 0; i < sizeof subs / sizeof *subs; i++)
		ok &= (m->subs[i] = bus_subscribe(m->core->bus, subs[i].topic, subs[i].fn, m)) != NULL;
	m->rtnl = rtnl_subscribe(mip6_rtnl(m), rtnl_changed, m);
	ok &= tunnel_on_first(m->core->net->paths, first_packet, m) == 0;
	return ok && m->link && m->seek && m->icmp && m->mh && m->rtnl;
}

static void listen_prefixes(struct mip6_mobile *m)
{
	static const uint8_t types[] = { MIP6_ICMP_PREFIX_ADVERTISEMENT };
	if (m->params->prefixes == (m->prefixes != NULL))
		return;
	icmp6_home_close(m->prefixes);
	m->prefixes = m->params->prefixes ? icmp6_home_open(m->core->loop, types, sizeof types, local_address, mip6_prefixes_received, m) : NULL;
}

struct mip6_mobile *mip6_mobile_create(struct core *core, const struct mip6_params *params)
{
	struct mip6_mobile *m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	m->core = core;
	m->params = params;
	m->ground = (struct mip6_ground){ .core = core };
	bucket_init(&m->errors, ERROR_RATE, ERROR_RATE);
	timer_init(&m->go, core->loop, mip6_go_timeout, m);
	if (!mip6_homes_create(m) || !open_all(m)) {
		LOG_ERROR("mip6", "could not start role=mobile-node");
		mip6_mobile_destroy(m);
		return NULL;
	}
	listen_prefixes(m);
	link_take(m);
	MIP6_HOMES_EACH(m, h)
		mip6_home_reload(h); /* the interface is known now */
	return m;
}

void mip6_mobile_destroy(struct mip6_mobile *m)
{
	if (!m)
		return;
	if (m->record)
		mip6_record_close(m, HANDOVER_CANCELLED, "the mobile stops");
	tunnel_off_first(m->core->net->paths, m);
	for (size_t i = 0; i < sizeof m->subs / sizeof *m->subs; i++)
		bus_unsubscribe(m->subs[i]);
	if (m->rtnl)
		rtnl_unsubscribe(m->rtnl);
	MIP6_HOMES_EACH(m, h)
		mip6_home_destroy(h);
	ground_clear(&m->ground);
	timer_stop(&m->go);
	mh_close(m->mh);
	icmp6_close(m->icmp);
	icmp6_home_close(m->prefixes);
	mip6_link_destroy(m->link);
	seek_destroy(m->seek);
	free(m);
}

void mip6_mobile_reload(struct mip6_mobile *m)
{
	listen_prefixes(m);
	struct mip6_link_params lp = link_params(m->params);
	MIP6_HOMES_EACH(m, h)
		mip6_home_reload(h);
	mip6_link_reload(m->link, &lp);
	link_take(m);
}

/* ---- show ---- */

void mip6_mobile_show(struct mip6_mobile *m, struct output *o)
{
	MIP6_HOMES_EACH(m, h)
		mip6_home_show(h, o);
}
