/* A mobile node: the MN machine, wired to sockets, addresses, routes, tunnel ends, tables and bus. */
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/handover.h"
#include "core/neighbor.h"
#include "core/output.h"
#include "core/secret.h"
#include "fmip6/fmip6_hk_file.h"
#include "fmip6/fmip6_hk_mn.h"
#include "fmip6/fmip6_io.h"
#include "fmip6/fmip6_mn.h"

#define DEFAULT_METRIC 128 /* before what router advertisements bring (1024) */
#define FOREIGN_METRIC 64  /* before the kernel's own route for a prefix (256) */

static const struct in6_addr all_nodes = { .s6_addr = { 0xff, 2, [15] = 1 } };
static const struct in6_addr all_routers = { .s6_addr = { 0xff, 2, [15] = 2 } };
static const struct lladdr all_nodes_frame = { .len = 6, .octet = { 0x33, 0x33, 0, 0, 0, 1 } };

struct fmip6_mobile {
	struct core *core;
	const struct fmip6_params *params;
	struct fmip6_mn *mn;
	struct hk_mn *hk; /* NULL: no handover keys */
	struct hk_maker *maker;
	struct icmp6 *icmp, *frames;
	struct bucket log;
	struct mh *mh;
	struct bus_sub *link, *request;
	struct rtnl_sub *rtnl;
	int ifindex; /* 0: the interface is not there */
	uint64_t record;
};

static struct rtnl *rtnl_of(const struct fmip6_mobile *m)
{
	return m->core->net->rtnl;
}

static struct handover *record(const struct fmip6_mobile *m)
{
	return m->record ? handover_by_id(m->core->handovers, m->record) : NULL;
}

static void report(int rc, const char *what, const struct in6_addr *a)
{
	if (rc < 0)
		LOG_WARNING("fmip6", "%s failed address=%s reason=\"%s\"", what, ADDR(a), strerror(-rc));
}

/* ---- what the machine asks ---- */

static bool mn_key(void *arg, const struct in6_addr *par, const struct in6_addr *pcoa, uint32_t *spi, struct badf_key *out)
{
	struct fmip6_mobile *m = arg;
	bool handover = m->hk && hk_mn_key(m->hk, par, pcoa, out);
	if (*spi == MN_SPI_ANY)
		*spi = handover ? BADF_SPI_HANDOVER : BADF_SPI_CONFIGURED;
	if (*spi == BADF_SPI_HANDOVER)
		return handover;
	return *spi == BADF_SPI_CONFIGURED && m->params->handover_keys.mode != FMIP6_HK_REQUIRED && fmip6_key(m->core, pcoa, out);
}

static struct mn_place place_of_ap(const struct ap *ap)
{
	return (struct mn_place){ .ap = ap->id, .router = ap->router, .router_lladdr = ap->link_address, .prefix = ap->prefix };
}

struct search {
	const struct in6_addr *router;
	struct mn_place *out;
	size_t n, max;
};

static void search_ap(struct ap *ap, void *arg)
{
	struct search *s = arg;
	if (s->n < s->max && ap->prefix.plen && (!s->router || addr_eq(&ap->router, s->router)))
		s->out[s->n++] = place_of_ap(ap);
}

static bool mn_find(void *arg, const struct lladdr *id, const struct in6_addr *router, struct mn_place *out)
{
	struct fmip6_mobile *m = arg;
	struct search s = { .router = router, .out = out, .max = 1 };
	if (id->len) {
		const struct ap *ap = ap_find(m->core->neighbors, id);
		if (!ap || ap->prefix.plen == 0)
			return false;
		*out = place_of_ap(ap);
		return true;
	}
	if (router && !addr_is_zero(router))
		aps_each(m->core->neighbors, search_ap, &s);
	return s.n > 0;
}

static size_t mn_places(void *arg, struct mn_place *out, size_t max)
{
	struct fmip6_mobile *m = arg;
	struct search s = { .out = out, .max = max };
	aps_each(m->core->neighbors, search_ap, &s);
	return s.n;
}

static void mn_learn(void *arg, const struct mn_place *p)
{
	struct fmip6_mobile *m = arg;
	const struct ap tuple = { .id = p->ap, .prefix = p->prefix, .router = p->router, .link_address = p->router_lladdr };
	ap_learn(m->core->neighbors, &tuple);
}

static bool mn_own_address(void *arg, const struct prefix *prefix, struct in6_addr *out)
{
	struct fmip6_mobile *m = arg;
	if (m->hk && hk_mn_address(m->hk, prefix, false, out))
		return fmip6_is_local(m->core, out); /* no other will do: only for this one is there a key */
	return rtnl_link_in(rtnl_of(m), m->ifindex, prefix, out);
}

static bool mn_address_make(void *arg, const struct prefix *link, bool again, struct in6_addr *out)
{
	struct fmip6_mobile *m = arg;
	return m->hk && hk_mn_address(m->hk, link, again, out);
}

static void mn_self(void *arg, struct lladdr *l, struct in6_addr *iid)
{
	struct fmip6_mobile *m = arg;
	const struct rtnl_link *link = rtnl_link_by_index(rtnl_of(m), m->ifindex);
	*l = link ? link->lladdr : (struct lladdr){ .len = 0 };
	if (!rtnl_link_local(rtnl_of(m), m->ifindex, iid))
		*iid = in6addr_any;
}

static void mn_send_rtsolpr(void *arg, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data, size_t len)
{
	struct fmip6_mobile *m = arg;
	struct in6_addr local;
	if (addr_is_zero(src) && rtnl_link_local(rtnl_of(m), m->ifindex, &local))
		src = &local;
	if (addr_is_zero(dst))
		dst = &all_routers;
	fmip6_sent(icmp6_send(m->icmp, m->ifindex, src, dst, FMIP6_HOP_LIMIT, false, data, len), "RtSolPr", dst);
}

static void mn_send_fbu(void *arg, const struct in6_addr *src, const struct in6_addr *dst, const struct in6_addr *home,
                        const uint8_t *data, size_t len)
{
	struct fmip6_mobile *m = arg;
	fmip6_sent(mh_send(m->mh, 0, src, dst, home, data, len), "FBU", dst);
}

static void mn_send_una(void *arg, const struct in6_addr *coa, bool confirmed)
{
	struct fmip6_mobile *m = arg;
	uint8_t out[64];
	struct una una = { .target = *coa, .flags = confirmed ? NA_OVERRIDE : 0 };
	struct in6_addr iid;
	mn_self(m, &una.lladdr, &iid);
	int n = na_pack(&una, out, sizeof out);
	if (n > 0)
		fmip6_sent(fmip6_send_frame(m->core, m->ifindex, &all_nodes_frame, coa, &all_nodes, out, (size_t)n), "UNA", &all_nodes);
}

static void mn_send_dad(void *arg, const struct in6_addr *coa)
{
	struct fmip6_mobile *m = arg;
	fmip6_send_dad(m->core, m->ifindex, coa);
}

static void mn_send_probe(void *arg, const struct mn_place *p)
{
	struct fmip6_mobile *m = arg;
	uint8_t out[64];
	struct lladdr own;
	struct in6_addr src;
	mn_self(m, &own, &src);
	int n = ns_pack(&p->router, &own, out, sizeof out);
	if (n > 0 && !addr_is_zero(&src))
		fmip6_sent(fmip6_send_frame(m->core, m->ifindex, &p->router_lladdr, &src, &p->router, out, (size_t)n), "probe",
		           &p->router);
}

/* ---- what the machine does ---- */

static struct rtnl_route foreign_route(const struct fmip6_mobile *m, const struct prefix *p, const struct in6_addr *via)
{
	return (struct rtnl_route){ .dst = *p, .ifindex = m->ifindex, .via = *via, .metric = FOREIGN_METRIC, .onlink = true };
}

/*
 * Addresses are made without duplicate address detection: a tentative address could send no FBU for a second and more, and
 * not every kernel has the optimistic kind. The NAR vouches for it, in HAck (RFC 5568 §5.5). The kernel lets packets to a new
 * address in only when a worker of its own has run, some time after it said that the address is there: a local route of
 * ours does it at once.
 */
static struct rtnl_route local_route(const struct fmip6_mobile *m, const struct in6_addr *a)
{
	return (struct rtnl_route){ .dst = { *a, 128 }, .ifindex = m->ifindex, .table = RT_TABLE_LOCAL, .type = RTN_LOCAL };
}

static void address_set(const struct fmip6_mobile *m, const struct rtnl_addr *a)
{
	struct rtnl_route local = local_route(m, &a->addr);
	const struct prefix self = { a->addr, 128 };
	struct in6_addr usable;
	if (!rtnl_link_in(rtnl_of(m), m->ifindex, &self, &usable))
		rtnl_addr_del(rtnl_of(m), a); /* a router advertisement was here first, and the kernel has begun to check it */
	report(rtnl_addr_set(rtnl_of(m), a), "address", &a->addr);
	report(rtnl_route_set(rtnl_of(m), &local), "local route", &a->addr);
}

static void address_del(const struct fmip6_mobile *m, const struct rtnl_addr *a)
{
	struct rtnl_route local = local_route(m, &a->addr);
	report(rtnl_addr_del(rtnl_of(m), a), "address removal", &a->addr);
	report(rtnl_route_del(rtnl_of(m), &local), "local route removal", &a->addr);
}

static void mn_expect(void *arg, const struct mn_binding_view *b, const struct mn_place *p, bool on)
{
	struct fmip6_mobile *m = arg;
	struct rtnl_addr a = { .ifindex = m->ifindex, .addr = p->coa, .plen = p->prefix.plen, .nodad = true, .deprecated = true,
		.noprefixroute = true };
	if (on) {
		address_set(m, &a);
		report(tunnel_end_set(m->core->net->paths, END_NATIVE, &b->pcoa, &p->coa, &b->par), "tunnel", &b->pcoa);
	} else {
		address_del(m, &a);
		tunnel_end_del(m->core->net->paths, &b->pcoa);
	}
}

/* The router's neighbour entry stands before the route that needs it: nothing waits for resolution. */
static void mn_attach(void *arg, const struct mn_place *p, bool has_address)
{
	struct fmip6_mobile *m = arg;
	struct rtnl_addr a = { .ifindex = m->ifindex, .addr = p->coa, .plen = p->prefix.plen, .nodad = true };
	struct rtnl_route foreign = foreign_route(m, &p->prefix, &p->router);
	struct rtnl_route def = { .ifindex = m->ifindex, .via = p->router, .prefsrc = p->coa, .metric = DEFAULT_METRIC, .onlink = true };
	if (p->router_lladdr.len)
		report(rtnl_neigh_set(rtnl_of(m), m->ifindex, &p->router, &p->router_lladdr, NUD_REACHABLE), "neighbour entry",
		       &p->router);
	rtnl_route_del(rtnl_of(m), &foreign);
	if (!has_address)
		address_set(m, &a);
	report(rtnl_route_set(rtnl_of(m), &def), "default route", &p->router);
}

static void mn_abandon(void *arg, const struct in6_addr *coa)
{
	struct fmip6_mobile *m = arg;
	const struct mn_place *here = mn_here(m->mn);
	const struct rtnl_addr a = { .ifindex = m->ifindex, .addr = *coa, .plen = here ? here->prefix.plen : 64 };
	address_del(m, &a);
}

static void mn_random_iid(void *arg, struct in6_addr *out)
{
	secret_random(out, sizeof *out);
}

static void mn_bind(void *arg, const struct mn_binding_view *b, const struct mn_place *here)
{
	struct fmip6_mobile *m = arg;
	struct rtnl_addr a = { .ifindex = m->ifindex, .addr = b->pcoa, .plen = b->prefix.plen, .nodad = true, .deprecated = true,
		.noprefixroute = true };
	struct rtnl_route foreign = foreign_route(m, &b->prefix, &here->router);
	report(rtnl_route_set(rtnl_of(m), &foreign), "route", &b->par);
	report(rtnl_addr_set(rtnl_of(m), &a), "address", &b->pcoa);
	report(tunnel_end_set(m->core->net->paths, END_MOBILE, &b->pcoa, &b->local, &b->par), "tunnel", &b->pcoa);
}

static void mn_native(void *arg, const struct mn_binding_view *b)
{
	struct fmip6_mobile *m = arg;
	struct rtnl_route foreign = foreign_route(m, &b->prefix, &b->par);
	report(tunnel_end_set(m->core->net->paths, END_NATIVE, &b->pcoa, &b->local, &b->par), "tunnel", &b->pcoa);
	rtnl_route_del(rtnl_of(m), &foreign);
}

static void mn_unbind(void *arg, const struct mn_binding_view *b)
{
	struct fmip6_mobile *m = arg;
	const struct mn_place *here = mn_here(m->mn);
	struct rtnl_addr a = { .ifindex = m->ifindex, .addr = b->pcoa, .plen = b->prefix.plen };
	if (m->hk)
		hk_mn_forget(m->hk, &b->pcoa);
	tunnel_end_del(m->core->net->paths, &b->pcoa);
	if (here) {
		struct rtnl_route foreign = foreign_route(m, &b->prefix, &here->router);
		rtnl_route_del(rtnl_of(m), &foreign);
	}
	address_del(m, &a);
}

/* ---- the timeline and the others ---- */

static void name_of(const struct fmip6_mobile *m, const struct in6_addr *router, char out[64])
{
	const struct neighbor *n = addr_is_zero(router) ? NULL : neighbor_find(m->core->neighbors, router);
	snprintf(out, 64, "%s", n ? n->name : "");
}

static void mn_opened(void *arg, enum handover_mode mode, const struct in6_addr *pcoa, const struct in6_addr *par)
{
	struct fmip6_mobile *m = arg;
	struct handover *h = handover_open(m->core->handovers, HANDOVER_MN, mode, pcoa);
	m->record = h ? h->id : 0;
	if (!h)
		return;
	h->par = *par;
	name_of(m, par, h->from);
}

static void mn_target(void *arg, enum handover_mode mode, const struct in6_addr *ncoa, const struct in6_addr *nar)
{
	struct fmip6_mobile *m = arg;
	struct handover *h = record(m);
	if (!h)
		return;
	handover_devolve(h, mode, "the link changed before the FBack");
	h->ncoa = *ncoa;
	h->nar = *nar;
	name_of(m, nar, h->to);
}

static void mn_step(void *arg, enum handover_step s, usec_t at)
{
	struct fmip6_mobile *m = arg;
	handover_step_at(m->core->handovers, record(m), s, at);
}

static void mn_gap(void *arg, usec_t start, usec_t end, usec_t interruption)
{
	struct fmip6_mobile *m = arg;
	struct handover *h = record(m);
	if (!h)
		return;
	h->gap_start = start;
	h->gap_end = end;
	h->interruption = interruption ? interruption : end - start;
}

/* Failed with the link changed: does somebody go on, by Mobile IPv6? The record is no longer ours then (RFC 4260 §7). */
static bool devolved(struct fmip6_mobile *m, struct handover *h, const char *reason)
{
	struct bus_note note = { .topic = BUS_HANDOVER_DEVOLVE, .u.devolve = { .handover = h, .reason = reason } };
	if (!h->gap_end)
		return false;
	bus_publish(m->core->bus, &note);
	return note.u.devolve.taken;
}

/* The router may have lost the key. A configured one serves meanwhile, if there is one; else this one may still be good for what it
 * forwards. */
static void keys_doubted(struct fmip6_mobile *m, const struct in6_addr *pcoa)
{
	struct badf_key k;
	if (m->params->handover_keys.mode == FMIP6_HK_ON && fmip6_key(m->core, pcoa, &k)) {
		secret_wipe(&k, sizeof k);
		hk_mn_forget(m->hk, pcoa);
	}
	hk_mn_again(m->hk);
}

static void mn_closed(void *arg, enum handover_result r, const char *reason)
{
	struct fmip6_mobile *m = arg;
	struct handover *h = record(m);
	if (!h)
		return;
	if (m->hk && r == HANDOVER_FAILED)
		keys_doubted(m, &h->pcoa);
	if (r == HANDOVER_FAILED && devolved(m, h, reason)) {
		m->record = 0;
		return;
	}
	LOG_INFO("fmip6", "handover %s role=mn mobile=%s ncoa=%s from=%s to=%s interruption_us=%llu reason=\"%s\"",
	         r == HANDOVER_COMPLETE ? "complete" : r == HANDOVER_FAILED ? "failed" : "cancelled", ADDR(&h->pcoa), ADDR(&h->ncoa),
	         ADDR(&h->par), ADDR(&h->nar), (unsigned long long)h->interruption, reason);
	handover_close(m->core->handovers, h, r, "%s", reason);
	m->record = 0;
}

static void mn_prepare(void *arg)
{
	struct fmip6_mobile *m = arg;
	struct bus_note note = { .topic = BUS_HANDOVER_PREPARE, .u.handover.handover = record(m) };
	if (note.u.handover.handover)
		bus_publish(m->core->bus, &note);
}

static size_t mn_rider(void *arg, const struct mn_binding_view *b, uint8_t *out, size_t cap)
{
	struct fmip6_mobile *m = arg;
	struct handover *h = record(m);
	struct bus_note note = { .topic = BUS_HANDOVER_RIDER, .u.rider = { .handover = h, .par = b->par, .data = out } };
	if (!h || cap < RIDER_MAX || !addr_eq(&h->pcoa, &b->pcoa))
		return 0;
	bus_publish(m->core->bus, &note);
	return note.u.rider.len;
}

static void mn_attached(void *arg, const struct in6_addr *coa, const struct in6_addr *previous)
{
	struct fmip6_mobile *m = arg;
	struct bus_note note = { .topic = BUS_MOBILE_ATTACHED,
		.u.attach = { .handover = record(m), .addr = *coa, .previous = *previous, .ifindex = m->ifindex } };
	struct in6_addr iid;
	mn_self(m, &note.u.attach.lladdr, &iid);
	if (m->hk)
		hk_mn_here(m->hk, &mn_here(m->mn)->router, coa, !addr_is_zero(previous));
	bus_publish(m->core->bus, &note);
}

static const struct mn_ops mn_ops = {
	.key = mn_key, .find = mn_find, .places = mn_places, .learn = mn_learn, .own_address = mn_own_address, .address = mn_address_make, .self = mn_self,
	.send_rtsolpr = mn_send_rtsolpr, .send_fbu = mn_send_fbu, .rider = mn_rider, .send_una = mn_send_una, .send_probe = mn_send_probe,
	.send_dad = mn_send_dad,
	.expect = mn_expect, .attach = mn_attach, .abandon = mn_abandon, .random_iid = mn_random_iid, .bind = mn_bind, .native = mn_native, .unbind = mn_unbind, .opened = mn_opened, .target = mn_target,
	.step = mn_step, .gap = mn_gap, .closed = mn_closed, .prepare = mn_prepare, .attached = mn_attached,
};

/* ---- what comes in ---- */

static uint8_t lla_len(const struct fmip6_mobile *m)
{
	const struct rtnl_link *l = rtnl_link_by_index(rtnl_of(m), m->ifindex);
	return l && l->lladdr.len ? l->lladdr.len : 6;
}

static void icmp_received(const struct icmp6_message *msg, void *arg)
{
	struct fmip6_mobile *m = arg;
	struct una na;
	struct naack naack;
	if (msg->ifindex != m->ifindex || msg->hop_limit != FMIP6_HOP_LIMIT) /* the kernel, too, takes none of these from afar */
		return;
	if (msg->data[0] == ICMP6_NA_TYPE) {
		if (na_parse(msg->data, msg->len, lla_len(m), &na) < 0)
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
	mn_self(arg, out, &iid);
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

static const struct hk_mn_ops keys_ops = { .send = mn_send_rtsolpr, .allowed = keys_allowed, .lladdr = keys_lladdr,
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
	m->mn = mn_create(m->core->loop, m->params, &mn_ops, m);
	m->icmp = icmp6_open(m->core->loop, icmp_types, sizeof icmp_types, icmp_received, m);
	m->frames = icmp6_open_frames(m->core->loop, NULL, 0, frame_types, sizeof frame_types, prrtadv_received, m);
	m->mh = mh_open(m->core->loop, mh_types, sizeof mh_types, local_address, mh_received, m);
	m->link = bus_subscribe(m->core->bus, BUS_LINK, link_note, m);
	m->request = bus_subscribe(m->core->bus, BUS_HANDOVER_REQUEST, request_note, m);
	m->rtnl = rtnl_subscribe(rtnl_of(m), rtnl_changed, m);
	bool first = tunnel_on_first(m->core->net->paths, first_packet, m) == 0;
	return m->mn && m->icmp && m->frames && m->mh && m->link && m->request && m->rtnl && first;
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
	tunnel_end_del(m->core->net->paths, &b->pcoa);
	rtnl_addr_set(rtnl_of(m), &a);
}

void fmip6_mobile_destroy(struct fmip6_mobile *m)
{
	if (!m)
		return;
	if (m->mn && m->ifindex)
		mn_each(m->mn, restore, m);
	if (record(m))
		mn_closed(m, HANDOVER_CANCELLED, "the mobile stops");
	tunnel_off_first(m->core->net->paths, m);
	m->core->fast = false;
	bus_unsubscribe(m->link);
	bus_unsubscribe(m->request);
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
