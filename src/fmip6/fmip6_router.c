/* An access router: PAR and NAR machines, wired to sockets. fmip6_router_ops.c has what the machines do, fmip6_router_adv.c what it
 * tells of its neighbourhood. */
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/output.h"
#include "fmip6/fmip6_clients.h"
#include "fmip6/fmip6_router.h"
#include "fmip6/fmip6_wire_4068.h"

/* ---- links ---- */

static const struct setting_interface *interface_at(const struct fmip6_router *r, size_t i)
{
	const struct setting_interface *all = r->core->settings->interfaces.items;
	if (i >= r->core->settings->interfaces.n)
		return NULL;
	return &all[i];
}

bool router_link_at(const struct fmip6_router *r, size_t i, struct link *out)
{
	const struct setting_interface *s = interface_at(r, i);
	const struct rtnl *rtnl = r->core->net->rtnl;
	const struct rtnl_link *l = s && s->kind == INTERFACE_ACCESS ? rtnl_link_by_name(rtnl, s->name) : NULL;
	uint8_t plen;
	if (!l || !rtnl_link_global(rtnl, l->ifindex, &out->router, &plen))
		return false;
	out->ifindex = l->ifindex;
	out->lladdr = l->lladdr;
	out->prefix = prefix_of(&out->router, plen);
	return true;
}

struct link_search {
	const struct in6_addr *addr;
	struct link *out;
	bool found;
};

static void link_prefix(const struct in6_addr *own, uint8_t plen, void *arg)
{
	struct link_search *s = arg;
	const struct prefix p = prefix_of(own, plen);
	if (s->found || !prefix_has(&p, s->addr))
		return;
	s->out->router = *own;
	s->out->prefix = p;
	s->found = true;
}

/* A link may have several prefixes: found is the one that holds a. */
bool router_link_of_addr(const struct fmip6_router *r, const struct in6_addr *a, struct link *out)
{
	struct link_search s = { .addr = a, .out = out };
	for (size_t i = 0; i < r->core->settings->interfaces.n && !s.found; i++)
		if (router_link_at(r, i, out))
			rtnl_link_globals(r->core->net->rtnl, out->ifindex, link_prefix, &s);
	return s.found;
}

bool router_link_has(const struct fmip6_router *r, int ifindex, const struct in6_addr *a)
{
	struct link l;
	return router_link_of_addr(r, a, &l) && l.ifindex == ifindex;
}

int router_link_place(const struct fmip6_router *r, int ifindex, struct link *out)
{
	for (size_t i = 0; i < r->core->settings->interfaces.n; i++)
		if (router_link_at(r, i, out) && out->ifindex == ifindex)
			return (int)i;
	return -1;
}

bool router_link_has_dhcp(const struct fmip6_router *r, int ifindex)
{
	struct link on;
	int i = router_link_place(r, ifindex, &on);
	return i >= 0 && interface_at(r, (size_t)i)->addresses == ADDRESSES_DHCP;
}

bool router_link_of_ifindex(const struct fmip6_router *r, int ifindex, struct link *out)
{
	return router_link_place(r, ifindex, out) >= 0;
}

/* ---- what comes in ---- */

/* An older neighbour's HI or HAck: told to the machines as if it were of RFC 5568. Only from whom is configured to be one. */
static void older_received(struct fmip6_router *r, const struct icmp6_message *m)
{
	const struct neighbor *n = neighbor_find(r->core->neighbors, &m->src);
	uint8_t mh[FMIP6_MESSAGE_MAX];
	struct hi hi;
	struct hack hack;
	int len = -EBADMSG;
	bool is_hi = m->data[4] == FMIP6_4068_HI;
	if (!n || n->compat != COMPAT_RFC4068 || !neighbor_usable(n)) {
		FMIP6_COUNT(FMIP6_HI_STRANGER);
		log_limited(&r->log, m->at, LOG_LEVEL_NOTICE, "fmip6", "%s over ICMPv6 ignored peer=%s reason=\"no neighbour of RFC 4068\"",
		            is_hi ? "HI" : "HAck", ADDR(&m->src));
		return;
	}
	if (is_hi && hi_4068_parse(m->data, m->len, 6, &hi) == 0)
		len = hi_pack(&hi, mh, sizeof mh);
	else if (!is_hi && hack_4068_parse(m->data, m->len, &hack) == 0)
		len = hack_pack(&hack, mh, sizeof mh);
	if (len < 0) {
		FMIP6_COUNT(FMIP6_MALFORMED);
		log_limited(&r->log, m->at, LOG_LEVEL_NOTICE, "fmip6", "%s over ICMPv6 ignored peer=%s reason=malformed", is_hi ? "HI" : "HAck",
		            ADDR(&m->src));
		return;
	}
	struct mh_in in = { .src = m->src, .dst = m->dst, .ifindex = m->ifindex, .data = mh, .len = (size_t)len, .at = m->at };
	if (is_hi)
		nar_hi(r->nar, &in);
	else
		par_hack(r->par, &in);
}

static void icmp_received(const struct icmp6_message *m, void *arg)
{
	struct fmip6_router *r = arg;
	uint16_t id, seq;
	if (m->data[0] == ICMP6_ECHO_REPLY_TYPE) {
		if (echo_parse(m->data, m->len, &id, &seq) != 0)
			return;
		nar_marker_reply(r->nar, &m->src, id);
		par_marker_reply(r->par, &m->src, id);
	} else if (m->len > 4 && m->data[4] == FMIP6_RTSOLPR) { /* of either type */
		router_rtsolpr(r, m);
	} else if (m->len > 4 && m->data[0] == ICMP6_EXPERIMENTAL_MOBILITY &&
	           (m->data[4] == FMIP6_4068_HI || m->data[4] == FMIP6_4068_HACK)) {
		older_received(r, m);
	}
}

/* Whoever claims another's link-layer address sends from its own: it would take what is for that one. */
static void announced_by_another(struct fmip6_router *r, const char *what, const struct nd_na *una, const struct lladdr *from, usec_t at)
{
	FMIP6_COUNT(FMIP6_UNA_IGNORED);
	log_limited(&r->log, at, LOG_LEVEL_NOTICE, "fmip6", "%s ignored mobile=%s lladdr=%s from=%s reason=\"sent by another\"", what,
	            ADDR(&una->target), LLADDR(&una->lladdr), LLADDR(from));
}

static void una_received(const struct icmp6_message *m, void *arg)
{
	struct fmip6_router *r = arg;
	struct nd_na una;
	uint8_t lla_len = m->from.len ? m->from.len : 6;
	if (!fmip6_on_link(m->hop_limit, &r->log, "UNA", &m->src, m->at) || nd_na_parse(m->data, m->len, lla_len, &una) < 0)
		return;
	if (una.lladdr_odd) {
		nar_una_unrecognized(r->nar, &una, &m->src, &m->from, m->ifindex, m->at);
		return;
	}
	/* An owner that defends its address need not name it; and a bridge may answer in another's stead, which has flags. */
	if (m->from.len && una.lladdr.len && !lladdr_eq(&m->from, &una.lladdr)) {
		if (una.flags == 0)
			announced_by_another(r, "UNA", &una, &m->from, m->at);
		return;
	}
	if (m->from.len)
		nar_defended(r->nar, &una.target, &m->from, m->ifindex, m->at);
	if (m->from.len && addr_eq(&m->src, &una.target))
		nar_seen(r->nar, &m->src, &m->from, m->ifindex, m->at);
	nar_una(r->nar, &una, &m->src, m->ifindex, m->at);
}

/*
 * The older announcement, by a mobile of RFC 4068: as an UNA, and the FBU in it goes on to its PAR, unless the address is another's
 * (§6.3.3).
 */
static void fna_received(struct fmip6_router *r, const struct mh_message *m)
{
	struct nd_na una = { .target = m->src };
	struct in6_addr inner;
	struct link on;
	if (fna_parse(m->data, m->len, &una.lladdr) < 0 || !router_link_of_addr(r, &m->src, &on) || on.ifindex != m->ifindex) {
		FMIP6_COUNT(FMIP6_MALFORMED);
		log_limited(&r->log, m->at, LOG_LEVEL_NOTICE, "fmip6", "FNA ignored peer=%s reason=\"malformed, or not from its own link\"", ADDR(&m->src));
		return;
	}
	if (!nd_is_station(&una.lladdr, on.lladdr.len)) {
		nar_una_unrecognized(r->nar, &una, &m->src, &m->from, m->ifindex, m->at);
		return;
	}
	if (m->from.len && !lladdr_eq(&m->from, &una.lladdr)) {
		announced_by_another(r, "FNA", &una, &m->from, m->at);
		return;
	}
	nar_una(r->nar, &una, &m->src, m->ifindex, m->at);
	if (!m->payload || m->payload_len < 40 || m->payload[0] >> 4 != 6 || router_nar_ops.in_use(r, &m->src, &una.lladdr))
		return;
	memcpy(&inner, m->payload + 8, sizeof inner);
	if (addr_eq(&inner, &m->src))
		paths_forward(r->core->net->paths, m->payload, m->payload_len);
}

static void mh_received(const struct mh_message *m, void *arg)
{
	struct fmip6_router *r = arg;
	struct mh_in in = fmip6_mh_in(m);
	if (m->len < 3)
		return;
	switch (m->data[2]) {
	case MH_FBU:
		par_fbu(r->par, &in);
		break;
	case MH_HACK:
		if (!r->clients || !clients_hack(r->clients, &in))
			par_hack(r->par, &in);
		break;
	case MH_HI:
		if (!r->clients || !clients_hi(r->clients, &in))
			nar_hi(r->nar, &in);
		break;
	case MH_TYPE_FNA:
		fna_received(r, m);
		break;
	}
}

/* ---- life ---- */

static void contexts_done(struct bus_note *note, void *arg)
{
	struct fmip6_router *r = arg;
	nar_contexts_done(r->nar, &note->u.contexts.previous, &note->u.contexts.addr);
}

/* Its end of the association is new: it may be so itself. */
static void neighbor_back(struct bus_note *note, void *arg)
{
	struct fmip6_router *r = arg;
	if (!note->u.neighbor.up)
		return;
	par_neighbor_back(r->par, &note->u.neighbor.neighbor->address);
	nar_neighbor_back(r->nar, &note->u.neighbor.neighbor->address);
}

/* Listens on the access links that are there; those that come later are added when they come. */
static void links_open(struct fmip6_router *r)
{
	static const struct in6_addr all_routers = { .s6_addr = { 0xff, 2, [15] = 2 } };
	for (size_t i = 0; i < r->core->settings->interfaces.n; i++) {
		const struct setting_interface *s = interface_at(r, i);
		const struct rtnl_link *l = rtnl_link_by_name(r->core->net->rtnl, s->name);
		if (!l || s->kind != INTERFACE_ACCESS)
			continue;
		int rc = icmp6_frames_add(r->frames, l->ifindex);
		rc = rc < 0 ? rc : icmp6_join(r->icmp, l->ifindex, &all_routers);
		if (rc < 0)
			LOG_WARNING("fmip6", "cannot listen interface=%s reason=\"%s\"", s->name, strerror(-rc));
		router_keys_address(r, l->ifindex, true);
	}
}

static void link_changed(const struct rtnl_note *n, void *arg)
{
	struct fmip6_router *r = arg;
	if (n->event == RTNL_LINK) {
		links_open(r);
		gateway_apply(&r->gateway, r->core, &r->params->gateway);
		router_adv_changed(r);
	} else if (n->event == RTNL_ADDR || n->event == RTNL_ADDR_GONE) {
		router_adv_changed(r);
	} else if (n->event == RTNL_LINK_GONE) {
		icmp6_frames_del(r->frames, n->ifindex);
	} else if (n->event == RTNL_NEIGH && n->lladdr.len && !addr_is_v4(&n->addr) && router_link_has(r, n->ifindex, &n->addr)) {
		known_add(r->heard, &n->addr, &n->lladdr, n->ifindex, loop_now(r->core->loop));
	}
	if (r->clients)
		clients_note(r->clients, n);
}

static bool local_address(const struct in6_addr *a, void *arg)
{
	struct fmip6_router *r = arg;
	return fmip6_is_local(r->core, a);
}

/* Protocol 41, for sending only: a filter keeps everyone's tunnelled packets out of it. */
static int tunnel_open(void)
{
	struct sock_filter nothing[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sock_fprog program = { .len = 1, .filter = nothing };
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_IPV6);
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool open_all(struct fmip6_router *r)
{
	static const uint8_t icmp_types[] = { ICMP6_FMIP6_TYPE, ICMP6_ECHO_REPLY_TYPE, ICMP6_EXPERIMENTAL_MOBILITY };
	static const uint8_t frame_types[] = { ICMP6_NA_TYPE };
	static const uint8_t mh_types[] = { MH_FBU, MH_HI, MH_HACK, MH_TYPE_FNA };
	struct loop *l = r->core->loop;
	r->heard = known_create(&r->params->client_memory);
	r->par = par_create(l, r->params, &router_par_ops, r);
	r->nar = nar_create(l, r->params, &router_nar_ops, r);
	r->icmp = icmp6_open(l, icmp_types, sizeof icmp_types, icmp_received, r);
	r->frames = icmp6_open_frames(l, NULL, 0, frame_types, sizeof frame_types, una_received, r);
	r->mh = mh_open(l, mh_types, sizeof mh_types, local_address, mh_received, r);
	r->tunnel_fd = tunnel_open();
	r->rtnl = rtnl_subscribe(r->core->net->rtnl, link_changed, r);
	r->contexts = bus_subscribe(r->core->bus, BUS_CONTEXTS_DONE, contexts_done, r);
	r->request = bus_subscribe(r->core->bus, BUS_HANDOVER_REQUEST, router_request, r);
	r->association = bus_subscribe(r->core->bus, BUS_NEIGHBOR_ASSOCIATION, neighbor_back, r);
	return r->heard && r->par && r->nar && r->icmp && r->frames && r->mh && r->tunnel_fd >= 0 && r->rtnl && r->contexts && r->request && r->association;
}

static void clients_switch(struct fmip6_router *r)
{
	gateway_apply(&r->gateway, r->core, &r->params->gateway);
	if (r->clients && !r->params->clients) {
		clients_destroy(r->clients);
		r->clients = NULL;
	} else if (r->clients) {
		clients_reload(r->clients);
	} else if (r->params->clients) {
		r->clients = clients_create(r);
	}
}

struct fmip6_router *fmip6_router_create(struct core *core, const struct fmip6_params *params)
{
	struct fmip6_router *r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	r->core = core;
	r->params = params;
	r->tunnel_fd = -1;
	bucket_init(&r->log, 1, 10);
	if (!router_keys_open(r) || !open_all(r) || !router_adv_init(r)) {
		LOG_ERROR("fmip6", "could not start role=access-router");
		fmip6_router_destroy(r);
		return NULL;
	}
	links_open(r);
	clients_switch(r);
	return r;
}

static void stop_forwarding(const struct par_view *v, void *arg)
{
	struct fmip6_router *r = arg;
	path_close(path_find(r->core->net->paths, &v->pcoa));
	tunnel_end_del(r->core->net->paths, &v->pcoa);
	router_close_record(r, HANDOVER_PAR, &v->pcoa, HANDOVER_CANCELLED, "the router stops");
}

static void stop_holding(const struct nar_view *v, void *arg)
{
	struct fmip6_router *r = arg;
	if (v->lodged && v->state != NAR_DONE)
		router_nar_ops.leave(r, v);
	else if (v->state != NAR_DONE)
		path_close(path_find(r->core->net->paths, &v->ncoa));
	rtnl_proxy_del(r->core->net->rtnl, v->ifindex, &v->ncoa);
	router_close_record(r, HANDOVER_NAR, &v->pcoa, HANDOVER_CANCELLED, "the router stops");
}

void fmip6_router_destroy(struct fmip6_router *r)
{
	if (!r)
		return;
	if (r->nar)
		nar_each(r->nar, stop_holding, r);
	if (r->par)
		par_each(r->par, stop_forwarding, r);
	clients_destroy(r->clients);
	gateway_apply(&r->gateway, r->core, &(struct fmip6_gateway){ .link_address.len = 0 });
	router_keys_close(r);
	bus_unsubscribe(r->contexts);
	bus_unsubscribe(r->request);
	bus_unsubscribe(r->association);
	if (r->rtnl)
		rtnl_unsubscribe(r->rtnl);
	mh_close(r->mh);
	icmp6_close(r->frames);
	icmp6_close(r->icmp);
	if (r->tunnel_fd >= 0)
		close(r->tunnel_fd);
	par_destroy(r->par);
	nar_destroy(r->nar);
	known_destroy(r->heard);
	router_adv_end(r);
	while (r->releasing)
		router_releasing_drop(r, &r->releasing->ncoa);
	free(r);
}

void fmip6_router_reload(struct fmip6_router *r, bool keys)
{
	if (keys) {
		router_keys_close(r);
		if (!router_keys_open(r))
			LOG_ERROR("fmip6", "no handover keys from here on");
	}
	router_adv_reload(r);
	links_open(r);
	clients_switch(r);
}

/* ---- show ---- */

static void show_binding(const struct par_view *v, void *arg)
{
	struct output *o = arg;
	out_item_begin(o, NULL);
	out_addr(o, "pcoa", &v->pcoa);
	out_addr(o, "ncoa", &v->ncoa);
	out_addr(o, "router", &v->nar);
	out_str(o, "state", v->forwarding ? v->pending ? "moving" : "forwarding" : "pending");
	out_item_end(o);
}

static void show_session(const struct nar_view *v, void *arg)
{
	static const char *const states[] = { [NAR_HOLDING] = "holding", [NAR_WAITING] = "waiting", [NAR_RELEASING] = "releasing",
		[NAR_DONE] = "arrived", [NAR_SERVING] = "serving" };
	struct output *o = arg;
	out_item_begin(o, NULL);
	out_addr(o, "pcoa", &v->pcoa);
	out_addr(o, "ncoa", &v->ncoa);
	out_addr(o, "router", &v->peer);
	out_lladdr(o, "lladdr", &v->lladdr);
	out_str(o, "state", states[v->state]);
	out_item_end(o);
}

void fmip6_router_show(struct fmip6_router *r, struct output *o)
{
	par_each(r->par, show_binding, o);
	nar_each(r->nar, show_session, o);
	if (r->clients)
		clients_show(r->clients, o);
}
