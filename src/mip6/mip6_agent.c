/* A home agent: its machine, wired to sockets, to the home links and to tunnels. */
#include "mip6/mip6_agent.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <stdlib.h>
#include <string.h>

#include "core/mobile.h"
#include "core/output.h"
#include "mip6/mip6_dhaad.h"
#include "mip6/mip6_ha.h"
#include "net/mh.h"
#include "net/nd.h"
#include "net/net.h"

#define ANYCASTS_MAX 16
#define DISCOVERY_RATE 10 /* answers a second: they are longer than the questions, and whose those are nobody knows */

/* A prefix of a home link, and the anycast address that its home agents share. */
struct anycast {
	int ifindex;
	struct in6_addr address, own;
	bool seen; /* while the links are gone through */
};

struct mip6_agent {
	struct core *core;
	const struct mip6_params *params;
	struct mip6_ha *ha;
	struct mh *mh;
	struct icmp6 *nd; /* hears who else on a home link has, or wants, an address; sends advertisements */
	struct icmp6 *discovery;
	struct icmp6_home *solicited; /* NULL unless mip6.prefixes */
	struct rtnl_sub *rtnl;
	struct dhaad_list others;
	size_t anycasts_n;
	struct anycast anycasts[ANYCASTS_MAX];
	struct bucket discovery_rate;
};

static void said(int rc, const char *what, const struct in6_addr *a)
{
	if (rc < 0)
		LOG_WARNING("mip6", "%s failed address=%s reason=\"%s\"", what, ADDR(a), strerror(-rc));
}

/* ---- home links ---- */

typedef bool link_fn(const struct mip6_agent *a, const struct rtnl_link *l, void *arg);

/* Calls fn for each home link that is there: the interfaces of kind "access". Stops at, and returns, the first true. */
static bool links_each(const struct mip6_agent *a, link_fn *fn, void *arg)
{
	const struct setting_interface *s = a->core->settings->interfaces.items;
	for (size_t i = 0; i < a->core->settings->interfaces.n; i++) {
		const struct rtnl_link *l = s[i].kind == INTERFACE_ACCESS ? rtnl_link_by_name(a->core->net->rtnl, s[i].name) : NULL;
		if (l && fn(a, l, arg))
			return true;
	}
	return false;
}

struct link_question {
	const struct in6_addr *home;
	struct ha_link *out;
};

static bool link_holds(const struct mip6_agent *a, const struct rtnl_link *l, void *arg)
{
	struct link_question *q = arg;
	q->out->ifindex = l->ifindex;
	return rtnl_prefix_lifetime(a->core->net->rtnl, l->ifindex, q->home, &q->out->valid, &q->out->preferred);
}

static bool link_is(const struct mip6_agent *a, const struct rtnl_link *l, void *arg)
{
	return l->ifindex == *(const int *)arg;
}

static bool link_listen(const struct mip6_agent *a, const struct rtnl_link *l, void *arg)
{
	said(icmp6_frames_add(a->nd, l->ifindex), "listening on the home link", &in6addr_any);
	return false;
}

/* ---- discovery (RFC 6275 §10.5) ---- */

static void anycast_take(struct mip6_agent *a, int ifindex, const struct in6_addr *own, uint8_t plen)
{
	const struct prefix p = prefix_of(own, plen);
	struct in6_addr address = dhaad_anycast(&p);
	for (struct anycast *c = a->anycasts; c < a->anycasts + a->anycasts_n; c++)
		if (c->ifindex == ifindex && addr_eq(&c->address, &address)) {
			c->own = *own;
			c->seen = true;
			return;
		}
	if (plen > 120 || a->anycasts_n == ANYCASTS_MAX)
		return;
	int rc = icmp6_join_anycast(a->discovery, ifindex, &address);
	said(rc, "taking the anycast address", &address);
	if (rc == 0)
		a->anycasts[a->anycasts_n++] = (struct anycast){ .ifindex = ifindex, .address = address, .own = *own, .seen = true };
}

struct anycast_walk {
	struct mip6_agent *agent;
	int ifindex;
};

static void anycast_address(const struct in6_addr *own, uint8_t plen, void *arg)
{
	struct anycast_walk *w = arg;
	anycast_take(w->agent, w->ifindex, own, plen);
}

static bool anycast_link(const struct mip6_agent *a, const struct rtnl_link *l, void *arg)
{
	rtnl_link_globals(a->core->net->rtnl, l->ifindex, anycast_address, &(struct anycast_walk){ arg, l->ifindex });
	return false;
}

/* As the addresses of the home links are now. */
static void anycasts_renew(struct mip6_agent *a)
{
	for (size_t i = 0; i < a->anycasts_n; i++)
		a->anycasts[i].seen = false;
	if (a->params->discovery)
		links_each(a, anycast_link, a);
	for (size_t i = 0; i < a->anycasts_n;) {
		struct anycast *c = &a->anycasts[i];
		if (c->seen) {
			i++;
			continue;
		}
		(void)icmp6_leave_anycast(a->discovery, c->ifindex, &c->address); /* gone with the link, if that is gone */
		*c = a->anycasts[--a->anycasts_n];
	}
}

/* The reply comes from a global unicast address of ours on that link. */
static void discovery_asked(const struct icmp6_message *m, void *arg)
{
	struct mip6_agent *a = arg;
	uint8_t out[DHAAD_REPLY_MAX];
	uint16_t id;
	const struct anycast *c = a->anycasts, *end = c + a->anycasts_n;
	while (c < end && !addr_eq(&c->address, &m->dst))
		c++;
	if (c == end || !dhaad_request_parse(m->data, m->len, &id) || addr_is_multicast(&m->src) || addr_is_zero(&m->src))
		return;
	if (!bucket_take(&a->discovery_rate, loop_now(a->core->loop))) {
		MIP6_COUNT(MIP6_DISCOVERY_LIMITED);
		return;
	}
	int n = dhaad_reply_pack(&a->others, c->ifindex, &c->own, (uint16_t)a->params->preference, id, m->at, out, sizeof out);
	n = n < 0 ? n : icmp6_send(a->discovery, 0, &c->own, &m->src, 64, false, out, (size_t)n);
	said(n, "answering", &m->src);
	if (n >= 0)
		MIP6_COUNT(MIP6_DISCOVERY_ANSWERED);
}

/* ---- what the machine does ---- */

static bool op_key(void *arg, const struct in6_addr *home, struct mip6_key *out)
{
	const struct mip6_agent *a = arg;
	const struct secret *master = mobile_key(a->core->settings, home);
	return master && mip6_key_derive(master, home, out) == 0;
}

static bool op_home_link(void *arg, const struct in6_addr *home, struct ha_link *out)
{
	return links_each(arg, link_holds, &(struct link_question){ home, out });
}

static bool op_is_own(void *arg, const struct in6_addr *addr)
{
	const struct mip6_agent *a = arg;
	return rtnl_is_local(a->core->net->rtnl, addr, NULL);
}

static uint64_t op_clock(void *arg)
{
	const struct mip6_agent *a = arg;
	return mip6_timestamp(loop_realtime(a->core->loop, loop_now(a->core->loop)));
}

/* The group is joined meanwhile, or a network card need not let through what another asks of it. */
static void op_probe(void *arg, int ifindex, const struct in6_addr *addr, bool on)
{
	struct mip6_agent *a = arg;
	struct in6_addr group = nd_group(addr);
	struct lladdr to = nd_group_lladdr(&group);
	uint8_t packet[128];
	if (!on) {
		icmp6_leave(a->nd, ifindex, &group);
		return;
	}
	said(icmp6_join(a->nd, ifindex, &group), "joining a group", &group);
	int n = nd_probe_pack(addr, packet, sizeof packet);
	said(n < 0 ? n : frames_send(a->core->net->frames, ifindex, &to, packet, (size_t)n), "asking for an address", addr);
}

static void op_proxy(void *arg, int ifindex, const struct in6_addr *addr, bool on)
{
	struct mip6_agent *a = arg;
	struct rtnl *r = a->core->net->rtnl;
	said(on ? rtnl_proxy_set(r, ifindex, addr) : rtnl_proxy_del(r, ifindex, addr), "changing the neighbour proxy", addr);
}

static void op_advertise(void *arg, int ifindex, const struct in6_addr *addr)
{
	static const struct in6_addr all_nodes = ND_ALL_NODES;
	struct mip6_agent *a = arg;
	const struct rtnl_link *l = rtnl_link_by_index(a->core->net->rtnl, ifindex);
	uint8_t out[64];
	int n = l ? nd_na_pack(&(struct nd_na){ .target = *addr, .flags = NA_OVERRIDE, .lladdr = l->lladdr }, out, sizeof out) : -ENODEV;
	said(n < 0 ? n : icmp6_send(a->nd, ifindex, NULL, &all_nodes, ND_HOP_LIMIT, false, out, (size_t)n), "advertising", addr);
}

static int op_tunnel(void *arg, const struct in6_addr *home, const struct in6_addr *agent, const struct in6_addr *coa,
                     const struct in6_addr *before)
{
	struct mip6_agent *a = arg;
	struct path *p = path_get(a->core->net->paths, home);
	int rc = p ? path_tunnel(p, agent, coa) : -ENOMEM;
	if (rc == 0)
		rc = tunnel_end_set(a->core->net->paths, END_ROUTER, home, agent, coa);
	if (rc == 0)
		tunnel_end_also(a->core->net->paths, home, before);
	said(rc, "setting up a tunnel", home);
	return rc;
}

static void op_tunnel_only(void *arg, const struct in6_addr *home)
{
	struct mip6_agent *a = arg;
	tunnel_end_also(a->core->net->paths, home, &in6addr_any);
}

/* An entry that has to be resolved first would cost the packets of a round trip, while others may still answer for it. */
static void op_untunnel(void *arg, const struct in6_addr *home, int ifindex, const struct lladdr *here)
{
	struct mip6_agent *a = arg;
	path_close(path_find(a->core->net->paths, home));
	tunnel_end_del(a->core->net->paths, home);
	if (here->len)
		said(rtnl_neigh_set(a->core->net->rtnl, ifindex, home, here, NUD_REACHABLE), "setting a neighbour", home);
}

static void op_send(void *arg, const struct ha_way *way, const uint8_t *data, size_t len)
{
	struct mip6_agent *a = arg;
	int rc;
	if (way->lladdr.len)
		rc = mh_send_frame(a->mh, way->ifindex, &way->lladdr, &way->src, &way->dst, NULL, data, len);
	else if (!addr_is_zero(&way->home))
		rc = mh_send_routed(a->mh, &way->src, &way->dst, &way->home, data, len);
	else
		rc = mh_send(a->mh, 0, &way->src, &way->dst, NULL, data, len);
	said(rc, "answering", &way->dst);
}

static bool prefix_before(const struct ha_prefix *a, const struct ha_prefix *b)
{
	int c = memcmp(&a->prefix.addr, &b->prefix.addr, sizeof a->prefix.addr);
	return c < 0 || (c == 0 && a->prefix.plen < b->prefix.plen);
}

struct prefix_walk {
	const struct mip6_agent *agent;
	int ifindex;
	struct ha_prefix *out;
	size_t n, max;
};

/* Each prefix once, in order. */
static void prefix_take(const struct in6_addr *own, uint8_t plen, void *arg)
{
	struct prefix_walk *w = arg;
	struct ha_prefix p = { .prefix = prefix_of(own, plen), .router = *own };
	size_t at = 0;
	if (w->n == w->max || plen >= 128 ||
	    !rtnl_prefix_lifetime(w->agent->core->net->rtnl, w->ifindex, own, &p.valid, &p.preferred))
		return;
	while (at < w->n && prefix_before(&w->out[at], &p))
		at++;
	if (at < w->n && !prefix_before(&p, &w->out[at]))
		return;
	memmove(&w->out[at + 1], &w->out[at], (w->n - at) * sizeof p);
	w->out[at] = p;
	w->n++;
}

static size_t op_prefixes(void *arg, int ifindex, struct ha_prefix *out, size_t max)
{
	struct prefix_walk w = { .agent = arg, .ifindex = ifindex, .out = out, .max = max };
	rtnl_link_globals(w.agent->core->net->rtnl, ifindex, prefix_take, &w);
	return w.n;
}

static void op_send_prefixes(void *arg, const struct ha_way *way, const uint8_t *data, size_t len)
{
	struct mip6_agent *a = arg;
	if (a->solicited)
		said(icmp6_home_send_routed(a->solicited, &way->src, &way->dst, &way->home, data, len), "telling of prefixes", &way->dst);
}

static const struct ha_ops ops = {
	.key = op_key, .home_link = op_home_link, .is_own = op_is_own, .clock = op_clock, .probe = op_probe, .proxy = op_proxy,
	.advertise = op_advertise,
	.tunnel = op_tunnel, .tunnel_only = op_tunnel_only, .untunnel = op_untunnel, .send = op_send,
	.prefixes = op_prefixes, .send_prefixes = op_send_prefixes,
};

/* ---- what the machine is told ---- */

static void mh_received(const struct mh_message *m, void *arg)
{
	struct mip6_agent *a = arg;
	struct mip6_in in = { .src = m->src, .dst = m->dst, .home = m->home, .ifindex = m->ifindex, .from = m->from, .data = m->data,
		.len = m->len, .at = m->at };
	if (m->len < 8)
		return;
	if (m->data[2] == MH_TYPE_BU)
		ha_receive(a->ha, &in);
	else
		ha_unknown(a->ha, &in);
}

static void solicited(const struct icmp6_message *m, void *arg)
{
	struct mip6_agent *a = arg;
	ha_solicited(a->ha, &(struct mip6_in){ .src = m->src, .dst = m->dst, .home = m->home, .ifindex = m->ifindex, .from = m->from,
		.data = m->data, .len = m->len, .at = m->at });
}

static void nd_received(const struct icmp6_message *m, void *arg)
{
	struct mip6_agent *a = arg;
	struct in6_addr target;
	bool asks = m->data[0] == ND_SOLICITATION;
	int ifindex = m->ifindex;
	if (m->hop_limit == ND_HOP_LIMIT && m->data[0] == ND_ROUTER_ADVERTISEMENT) {
		dhaad_heard(&a->others, ifindex, &m->src, m->data, m->len, m->at);
		return;
	}
	if (m->hop_limit != ND_HOP_LIMIT || (asks && !addr_is_zero(&m->src)) || !nd_target(m->data, m->len, &target))
		return;
	if (links_each(a, link_is, &ifindex))
		ha_claimed(a->ha, ifindex, &target, &m->from, asks);
}

static bool local_address(const struct in6_addr *addr, void *arg)
{
	return op_is_own(arg, addr);
}

static void link_changed(const struct rtnl_note *n, void *arg)
{
	struct mip6_agent *a = arg;
	switch (n->event) {
	case RTNL_LINK:
		links_each(a, link_listen, NULL);
		break;
	case RTNL_LINK_GONE:
		icmp6_frames_del(a->nd, n->ifindex);
		anycasts_renew(a);
		ha_links_changed(a->ha);
		break;
	case RTNL_ADDR:
	case RTNL_ADDR_GONE:
	case RTNL_RESYNC:
		anycasts_renew(a);
		ha_links_changed(a->ha);
		break;
	case RTNL_NEIGH:
	case RTNL_NEIGH_GONE:
	case RTNL_ROUTE_GONE:
	case RTNL_STATION:
		break;
	}
}

/* ---- life ---- */

/* Binding Updates, and whatever type nobody here knows: RFC 6275 §9.2 has an answer for those. Route optimisation is not known, and who
 * begins it is told so. The others of 0 to 7 are, and say nothing to a home agent. */
static size_t types_wanted(uint8_t types[256])
{
	size_t n = 0;
	types[n++] = MH_TYPE_BU;
	types[n++] = MH_TYPE_HOTI;
	types[n++] = MH_TYPE_COTI;
	for (unsigned t = MH_TYPE_BE + 1; t < 256; t++)
		types[n++] = (uint8_t)t;
	return n;
}

static bool open_all(struct mip6_agent *a)
{
	static const uint8_t heard[] = { ND_ROUTER_ADVERTISEMENT, ND_SOLICITATION, ND_ADVERTISEMENT };
	static const uint8_t asked[] = { MIP6_ICMP_DISCOVERY_REQUEST };
	uint8_t types[256];
	struct loop *l = a->core->loop;
	a->ha = ha_create(l, a->params, &ops, a);
	a->mh = mh_open(l, types, types_wanted(types), local_address, mh_received, a);
	a->nd = icmp6_open_frames(l, NULL, 0, heard, sizeof heard, nd_received, a);
	a->discovery = icmp6_open(l, asked, sizeof asked, discovery_asked, a);
	a->rtnl = rtnl_subscribe(a->core->net->rtnl, link_changed, a);
	return a->ha && a->mh && a->nd && a->discovery && a->rtnl;
}

static void listen_solicited(struct mip6_agent *a)
{
	static const uint8_t types[] = { MIP6_ICMP_PREFIX_SOLICITATION };
	if (a->params->prefixes == (a->solicited != NULL))
		return;
	icmp6_home_close(a->solicited);
	a->solicited = a->params->prefixes ? icmp6_home_open(a->core->loop, types, sizeof types, local_address, solicited, a) : NULL;
}

struct mip6_agent *mip6_agent_create(struct core *core, const struct mip6_params *params)
{
	struct mip6_agent *a = calloc(1, sizeof *a);
	if (!a)
		return NULL;
	a->core = core;
	a->params = params;
	bucket_init(&a->discovery_rate, DISCOVERY_RATE, 2 * DISCOVERY_RATE);
	if (!open_all(a)) {
		LOG_ERROR("mip6", "could not start role=home-agent");
		mip6_agent_destroy(a);
		return NULL;
	}
	listen_solicited(a);
	links_each(a, link_listen, NULL);
	anycasts_renew(a);
	return a;
}

void mip6_agent_destroy(struct mip6_agent *a)
{
	if (!a)
		return;
	rtnl_unsubscribe(a->rtnl);
	ha_destroy(a->ha);
	mh_close(a->mh);
	icmp6_close(a->nd);
	icmp6_close(a->discovery);
	icmp6_home_close(a->solicited);
	free(a);
}

void mip6_agent_reload(struct mip6_agent *a)
{
	listen_solicited(a);
	links_each(a, link_listen, NULL);
	anycasts_renew(a);
	ha_links_changed(a->ha);
}

/* ---- show ---- */

static void show_entry(const struct ha_view *v, void *arg)
{
	static const char *const states[] = { [HA_PROBING] = "probing", [HA_SERVING] = "away", [HA_ENDED] = "home" };
	struct output *o = arg;
	out_item_begin(o, NULL);
	out_addr(o, "home", &v->home);
	out_addr(o, "coa", v->state == HA_ENDED ? &in6addr_any : &v->coa);
	out_str(o, "state", states[v->state]);
	out_addr(o, "agent", &v->agent);
	out_uint(o, "lifetime", v->lifetime / USEC_SEC);
	out_uint(o, "left", v->left / USEC_SEC);
	out_uint(o, "moves", v->moves);
	out_uint(o, "seq", v->seq);
	if (v->nai_len)
		out_fmt(o, "nai", "%.*s", (int)v->nai_len, (const char *)v->nai);
	else
		out_str(o, "nai", NULL);
	out_item_end(o);
}

void mip6_agent_show(struct mip6_agent *a, struct output *o)
{
	ha_each(a->ha, show_entry, o);
}
