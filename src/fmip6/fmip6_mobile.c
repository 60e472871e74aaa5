/* A mobile node: the MN machine, wired to sockets, tables and bus. */
#include "fmip6/fmip6_mobile_private.h"

#include <stdlib.h>
#include <string.h>

#include "core/output.h"

static const struct in6_addr all_nodes = { .s6_addr = { 0xff, 2, [15] = 1 } };

static struct rtnl *rtnl_of(const struct fmip6_mobile *m)
{
	return m->core->net->rtnl;
}

/* ---- what comes in ---- */

static uint8_t lla_len(const struct fmip6_mobile *m)
{
	const struct rtnl_link *l = rtnl_link_by_index(rtnl_of(m), m->ifindex);
	return l && l->lladdr.len ? l->lladdr.len : 6;
}

static void icmp_received(const struct icmp6_message *msg, void *arg)
{
	struct fmip6_mobile *m = arg;
	struct nd_na na;
	struct naack naack;
	if (msg->ifindex != m->ifindex || msg->hop_limit != FMIP6_HOP_LIMIT) /* the kernel, too, takes none of these from afar */
		return;
	if (msg->data[0] == ICMP6_NA_TYPE) {
		if (nd_na_parse(msg->data, msg->len, lla_len(m), &na) < 0 || na.lladdr_odd)
			return;
		if (na.flags & NA_SOLICITED)
			mn_na(m->mn, &na, msg->at);
		else
			mn_defended(m->mn, &na, msg->at);
		return;
	}
	if (msg->data[0] == ICMP6_RA_TYPE) {
		if (!addr_is_link_local(&msg->src) || naack_parse(msg->data, msg->len, lla_len(m), &naack) < 0)
			return;
		mn_router_heard(m->mn, &naack.source);
		mn_naack(m->mn, &naack, msg->at);
	}
}

/* Whoever claims to be the router sends from its own link-layer address: so from packet sockets, which know it. */
static void prrtadv_received(const struct icmp6_message *msg, void *arg)
{
	struct fmip6_mobile *m = arg;
	struct prrtadv a;
	if (msg->ifindex != m->ifindex || msg->len <= 4 || msg->data[4] != FMIP6_PRRTADV || !addr_is_link_local(&msg->src) ||
	    !(fmip6_is_local(m->core, &msg->dst) || addr_eq(&msg->dst, &all_nodes)) ||
	    !fmip6_on_link(msg->hop_limit, &m->log, "PrRtAdv", &msg->src, msg->at))
		return;
	const struct send_message sent = { &msg->src, &msg->dst, msg->data, msg->len };
	if (m->hk && hk_mn_prrtadv(m->hk, &sent, lla_len(m)))
		return;
	if (prrtadv_parse(msg->data, send_body_len(msg->data, msg->len), lla_len(m), &a) < 0) {
		FMIP6_COUNT(FMIP6_MALFORMED);
		log_limited(&m->log, msg->at, LOG_LEVEL_NOTICE, "fmip6", "PrRtAdv ignored peer=%s reason=malformed", ADDR(&msg->src));
	} else if (msg->from.len && a.source.len && !lladdr_eq(&msg->from, &a.source)) {
		FMIP6_COUNT(FMIP6_PRRTADV_IGNORED);
		log_limited(&m->log, msg->at, LOG_LEVEL_NOTICE, "fmip6", "PrRtAdv ignored peer=%s source=%s from=%s reason=\"sent by another\"",
		            ADDR(&msg->src), LLADDR(&a.source), LLADDR(&msg->from));
	} else if (a.id != 0 || !m->hk || hk_mn_unsolicited(m->hk, &sent)) {
		if (a.source.len == 0) /* it SHOULD be told, and need not be: the frame tells it */
			a.source = msg->from;
		mn_prrtadv(m->mn, &a, msg->at);
	}
}

static void mh_received(const struct mh_message *msg, void *arg)
{
	struct fmip6_mobile *m = arg;
	struct mh_in in = fmip6_mh_in(msg);
	mn_fback(m->mn, &in);
}

static void first_packet(const struct in6_addr *inner, usec_t at, void *arg)
{
	struct fmip6_mobile *m = arg;
	mn_first(m->mn, at);
}

static void link_note(struct bus_note *note, void *arg)
{
	struct fmip6_mobile *m = arg;
	if (!m->ifindex || note->u.link.ifindex != m->ifindex)
		return;
	if (m->hk && note->u.link.up)
		hk_mn_again(m->hk);
	else if (m->hk)
		hk_mn_gone(m->hk);
	mn_link(m->mn, note->u.link.up, &note->u.link.ap, note->at);
}

static void request_note(struct bus_note *note, void *arg)
{
	struct fmip6_mobile *m = arg;
	if (!addr_is_zero(&note->u.request.mobile) && !fmip6_is_local(m->core, &note->u.request.mobile))
		return;
	if (mn_request(m->mn, &note->u.request.ap, &note->u.request.router, note->u.request.reason, sizeof note->u.request.reason) == 0)
		note->u.request.taken = true;
}

/* What our PAR still sends is taken beside what the home agent sends, until it ends. */
static void also(const struct mn_binding_view *b, void *arg)
{
	struct fmip6_mobile *m = arg;
	const struct home *home = home_find(m->core, &b->pcoa);
	if (home && home->owner == HOME_AGENT && b->expires)
		tunnel_end_also(m->core->net->paths, &b->pcoa, &b->par);
}

static void home_note(struct bus_note *note, void *arg)
{
	struct fmip6_mobile *m = arg;
	switch (note->u.home.owner) {
	case HOME_UNSURE:
		break;
	case HOME_OURS:
		mn_home_ours(m->mn);
		break;
	case HOME_AGENT:
		mn_each(m->mn, also, m);
		mn_home_forwarded(m->mn, &note->u.home.addr);
		break;
	}
}

/* ---- life ---- */

static const struct rtnl_link *own_link(const struct fmip6_mobile *m)
{
	const struct setting_interface *all = m->core->settings->interfaces.items;
	for (size_t i = 0; i < m->core->settings->interfaces.n; i++)
		if (all[i].kind == INTERFACE_ACCESS)
			return rtnl_link_by_name(rtnl_of(m), all[i].name);
	return NULL;
}

/* The interface may come after us. */
static void link_take(struct fmip6_mobile *m)
{
	const struct rtnl_link *l = own_link(m);
	if (!l || m->ifindex == l->ifindex || (m->hk && !hk_mn_ready(m->hk)))
		return;
	if (m->ifindex) {
		mn_link(m->mn, false, NULL, loop_now(m->core->loop));
		icmp6_frames_del(m->frames, m->ifindex);
	}
	m->ifindex = l->ifindex;
	int rc = icmp6_frames_add(m->frames, m->ifindex);
	if (rc < 0)
		LOG_WARNING("fmip6", "cannot listen interface=%s reason=\"%s\"", l->name, strerror(-rc));
	if (l->carrier)
		mn_link(m->mn, true, NULL, loop_now(m->core->loop));
}

static void rtnl_changed(const struct rtnl_note *n, void *arg)
{
	struct fmip6_mobile *m = arg;
	if (n->event == RTNL_LINK && m->ifindex == 0)
		link_take(m);
	else if (n->event == RTNL_LINK && n->ifindex == m->ifindex && n->carrier)
		mn_hint(m->mn);
	else if (n->event == RTNL_LINK_GONE && n->ifindex == m->ifindex) {
		mn_link(m->mn, false, NULL, loop_now(m->core->loop));
		icmp6_frames_del(m->frames, m->ifindex);
		m->ifindex = 0;
	}
}

static bool local_address(const struct in6_addr *a, void *arg)
{
	struct fmip6_mobile *m = arg;
	return fmip6_is_local(m->core, a);
}

/* ---- handover keys (RFC 5269) ---- */

static bool keys_allowed(void *arg)
{
	struct fmip6_mobile *m = arg;
	return mn_may_solicit(m->mn);
}

static void keys_lladdr(void *arg, struct lladdr *out)
{
	struct in6_addr iid;
	mobile_self(arg, out, &iid);
}

static void keys_pair(struct send_key *pair, void *arg)
{
	struct fmip6_mobile *m = arg;
	hk_mn_pair(m->hk, pair);
}

static void keys_make_pair(void *arg)
{
	struct fmip6_mobile *m = arg;
	if (hk_maker_begin(m->maker) < 0)
		hk_mn_pair(m->hk, NULL);
}

static void keys_ready(void *arg)
{
	struct fmip6_mobile *m = arg;
	const struct mn_place *here = mn_here(m->mn);
	link_take(m);
	if (here) /* after a reload */
		hk_mn_here(m->hk, &here->router, &here->coa, false);
}

static const struct hk_mn_ops keys_ops = { .send = mobile_send_rtsolpr, .allowed = keys_allowed, .lladdr = keys_lladdr,
	.make_pair = keys_make_pair, .ready = keys_ready };

static bool keys_open(struct fmip6_mobile *m)
{
	const struct fmip6_hk_params *p = &m->params->handover_keys;
	if (p->mode == FMIP6_HK_OFF)
		return true;
	struct send_key *key = hk_file_load(p->key_file, (unsigned)p->bits);
	if (!key)
		return false;
	m->maker = hk_maker_create(m->core->loop, send_key_bits(key), keys_pair, m);
	m->hk = hk_mn_create(m->core->loop, m->params, key, &keys_ops, m);
	if (m->hk && p->trust.n == 0)
		LOG_WARNING("fmip6", "a router's key is trusted at first sight: write the routers' fingerprints into fmip6.handover_keys.trust");
	return m->maker && m->hk;
}

static void keys_close(struct fmip6_mobile *m)
{
	hk_maker_destroy(m->maker);
	hk_mn_destroy(m->hk);
	m->maker = NULL;
	m->hk = NULL;
}

static bool open_all(struct fmip6_mobile *m)
{
	static const uint8_t icmp_types[] = { ICMP6_NA_TYPE, ICMP6_RA_TYPE }, frame_types[] = { ICMP6_FMIP6_TYPE }, mh_types[] = { MH_FBACK };
	m->mn = mn_create(m->core->loop, m->params, &mobile_mn_ops, m);
	m->icmp = icmp6_open(m->core->loop, icmp_types, sizeof icmp_types, icmp_received, m);
	m->frames = icmp6_open_frames(m->core->loop, NULL, 0, frame_types, sizeof frame_types, prrtadv_received, m);
	m->mh = mh_open(m->core->loop, mh_types, sizeof mh_types, local_address, mh_received, m);
	m->link = bus_subscribe(m->core->bus, BUS_LINK, link_note, m);
	m->request = bus_subscribe(m->core->bus, BUS_HANDOVER_REQUEST, request_note, m);
	m->home = bus_subscribe(m->core->bus, BUS_HOME, home_note, m);
	m->rtnl = rtnl_subscribe(rtnl_of(m), rtnl_changed, m);
	bool first = tunnel_on_first(m->core->net->paths, first_packet, m) == 0;
	return m->mn && m->icmp && m->frames && m->mh && m->link && m->request && m->home && m->rtnl && first;
}

struct fmip6_mobile *fmip6_mobile_create(struct core *core, const struct fmip6_params *params)
{
	struct fmip6_mobile *m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	m->core = core;
	m->params = params;
	bucket_init(&m->log, 1, 10);
	if (!keys_open(m) || !open_all(m)) {
		LOG_ERROR("fmip6", "could not start role=mobile-node");
		fmip6_mobile_destroy(m);
		return NULL;
	}
	core->fast = true;
	link_take(m);
	return m;
}

/* An address that was here before us is to be what it was. */
static void restore(const struct mn_binding_view *b, void *arg)
{
	struct fmip6_mobile *m = arg;
	const struct rtnl_addr a = { .ifindex = m->ifindex, .addr = b->pcoa, .plen = b->prefix.plen };
	tunnel_end_leave(m->core->net->paths, &b->pcoa, &b->par);
	if (!home_find(m->core, &b->pcoa))
		rtnl_addr_set(rtnl_of(m), &a);
}

void fmip6_mobile_destroy(struct fmip6_mobile *m)
{
	if (!m)
		return;
	if (m->mn && m->ifindex)
		mn_each(m->mn, restore, m);
	mobile_close_record(m, HANDOVER_CANCELLED, "the mobile stops");
	tunnel_off_first(m->core->net->paths, m);
	m->core->fast = false;
	bus_unsubscribe(m->link);
	bus_unsubscribe(m->request);
	bus_unsubscribe(m->home);
	if (m->rtnl)
		rtnl_unsubscribe(m->rtnl);
	mh_close(m->mh);
	icmp6_close(m->frames);
	icmp6_close(m->icmp);
	mn_destroy(m->mn);
	keys_close(m);
	free(m);
}

void fmip6_mobile_reload(struct fmip6_mobile *m, bool keys)
{
	if (keys) {
		keys_close(m);
		if (!keys_open(m)) {
			LOG_ERROR("fmip6", "no handover keys from here on");
			keys_close(m);
		}
	}
	mn_reload(m->mn);
	link_take(m);
}

/* ---- show ---- */

static void show_binding(const struct mn_binding_view *b, void *arg)
{
	struct output *o = arg;
	out_item_begin(o, NULL);
	out_addr(o, "pcoa", &b->pcoa);
	out_addr(o, "ncoa", &b->ncoa);
	out_addr(o, "router", &b->par);
	out_str(o, "state", b->expires ? "forwarding" : "pending");
	out_item_end(o);
}

void fmip6_mobile_show(struct fmip6_mobile *m, struct output *o)
{
	mn_each(m->mn, show_binding, o);
}

struct show_keys {
	struct output *o;
	usec_t now;
};

static void show_key(const struct hk_mn_view *v, void *arg)
{
	struct show_keys *s = arg;
	out_item_begin(s->o, NULL);
	out_addr(s->o, "mobile", &v->coa);
	out_addr(s->o, "router", &v->router);
	out_uint(s->o, "seconds", (v->expires - s->now) / USEC_SEC);
	out_item_end(s->o);
}

void fmip6_mobile_show_keys(struct fmip6_mobile *m, struct output *o)
{
	struct show_keys s = { o, loop_now(m->core->loop) };
	if (m->hk)
		hk_mn_each(m->hk, show_key, &s);
}
