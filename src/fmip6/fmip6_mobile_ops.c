/* What the MN machine does to the world: addresses, routes, tunnel ends, messages, the timeline. */
#include "fmip6/fmip6_mobile_private.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/handover.h"
#include "core/secret.h"

#define DEFAULT_METRIC 128 /* before what router advertisements bring (1024) */
#define FOREIGN_METRIC 64  /* before the kernel's own route for a prefix (256) */

static const struct in6_addr all_nodes = { .s6_addr = { 0xff, 2, [15] = 1 } };
static const struct in6_addr all_routers = { .s6_addr = { 0xff, 2, [15] = 2 } };
static const struct lladdr all_nodes_frame = { .len = 6, .octet = { 0x33, 0x33, 0, 0, 0, 1 } };

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

static bool mn_home_address(void *arg, const struct prefix *link, struct in6_addr *out)
{
	struct fmip6_mobile *m = arg;
	const struct home *h = m->hk ? NULL : home_on(m->core, link); /* a handover key is for an address that was made for it */
	if (!h || h->owner != HOME_OURS || !fmip6_is_local(m->core, &h->addr))
		return false;
	*out = h->addr;
	return true;
}

static bool mn_home_is_away(void *arg, const struct in6_addr *a)
{
	struct fmip6_mobile *m = arg;
	const struct home *h = home_find(m->core, a);
	return h && h->owner != HOME_OURS;
}

static bool mn_own_address(void *arg, const struct prefix *prefix, struct in6_addr *out)
{
	struct fmip6_mobile *m = arg;
	if (m->hk && hk_mn_address(m->hk, prefix, false, out))
		return fmip6_is_local(m->core, out); /* no other will do: only for this one is there a key */
	if (mn_home_address(m, prefix, out))
		return true;
	return rtnl_link_in(rtnl_of(m), m->ifindex, prefix, out) && !mn_home_is_away(m, out);
}

static bool mn_address_make(void *arg, const struct prefix *link, bool again, struct in6_addr *out)
{
	struct fmip6_mobile *m = arg;
	return m->hk && hk_mn_address(m->hk, link, again, out);
}

void mobile_self(const struct fmip6_mobile *m, struct lladdr *l, struct in6_addr *iid)
{
	const struct rtnl_link *link = rtnl_link_by_index(rtnl_of(m), m->ifindex);
	*l = link ? link->lladdr : (struct lladdr){ .len = 0 };
	if (!rtnl_link_local(rtnl_of(m), m->ifindex, iid))
		*iid = in6addr_any;
}

static void mn_self(void *arg, struct lladdr *l, struct in6_addr *iid)
{
	mobile_self(arg, l, iid);
}

void mobile_send_rtsolpr(void *arg, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data, size_t len)
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
	struct nd_na una = { .target = *coa, .flags = confirmed ? NA_OVERRIDE : 0 };
	struct in6_addr iid;
	mn_self(m, &una.lladdr, &iid);
	int n = nd_na_pack(&una, out, sizeof out);
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
	int n = nd_ns_pack(&p->router, &own, out, sizeof out);
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
	rtnl_begin(rtnl_of(m));
	if (!rtnl_link_in(rtnl_of(m), m->ifindex, &self, &usable))
		rtnl_addr_del(rtnl_of(m), a); /* a router advertisement was here first, and the kernel has begun to check it */
	rtnl_addr_set(rtnl_of(m), a);
	rtnl_route_set(rtnl_of(m), &local);
	report(rtnl_commit(rtnl_of(m)), "address", &a->addr);
}

static void address_del(const struct fmip6_mobile *m, const struct rtnl_addr *a)
{
	struct rtnl_route local = local_route(m, &a->addr);
	rtnl_begin(rtnl_of(m));
	rtnl_addr_del(rtnl_of(m), a);
	rtnl_route_del(rtnl_of(m), &local);
	report(rtnl_commit(rtnl_of(m)), "address removal", &a->addr);
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
		tunnel_end_leave(m->core->net->paths, &b->pcoa, &b->par);
	}
}

/* The router's neighbour entry stands before the route that needs it: nothing waits for resolution. Packets are on their way to us
 * already, so the kernel is told all of it at once. */
static void mn_attach(void *arg, const struct mn_place *p, bool has_address)
{
	struct fmip6_mobile *m = arg;
	struct rtnl_addr a = { .ifindex = m->ifindex, .addr = p->coa, .plen = p->prefix.plen, .nodad = true,
		.noprefixroute = !prefix_has(&p->prefix, &p->coa) };
	struct rtnl_route foreign = foreign_route(m, &p->prefix, &p->router);
	struct rtnl_route def = { .ifindex = m->ifindex, .via = p->router, .prefsrc = p->coa, .metric = DEFAULT_METRIC, .onlink = true };
	rtnl_begin(rtnl_of(m));
	if (p->router_lladdr.len)
		rtnl_neigh_set(rtnl_of(m), m->ifindex, &p->router, &p->router_lladdr, NUD_REACHABLE);
	rtnl_route_del(rtnl_of(m), &foreign);
	if (!has_address)
		address_set(m, &a);
	rtnl_route_set(rtnl_of(m), &def);
	report(rtnl_commit(rtnl_of(m)), "way to the new router", &p->router);
}

static void mn_restore(void *arg, const struct mn_place *p)
{
	struct fmip6_mobile *m = arg;
	const struct prefix self = { p->coa, 128 };
	struct in6_addr usable;
	mn_attach(m, p, rtnl_link_in(rtnl_of(m), m->ifindex, &self, &usable));
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

/* An address of Mobile IPv6 is on the interface all the time, and not ours to take away. */
static void mn_bind(void *arg, const struct mn_binding_view *b, const struct mn_place *here)
{
	struct fmip6_mobile *m = arg;
	struct rtnl_addr a = { .ifindex = m->ifindex, .addr = b->pcoa, .plen = b->prefix.plen, .nodad = true, .deprecated = true,
		.noprefixroute = true };
	struct rtnl_route foreign = foreign_route(m, &b->prefix, &here->router);
	const struct home *home = home_find(m->core, &b->pcoa);
	rtnl_begin(rtnl_of(m));
	rtnl_route_set(rtnl_of(m), &foreign);
	if (!home)
		rtnl_addr_set(rtnl_of(m), &a);
	report(rtnl_commit(rtnl_of(m)), "way by the new router", &b->pcoa);
	if (home && home->owner == HOME_AGENT) {
		tunnel_end_also(m->core->net->paths, &b->pcoa, &b->par);
		return;
	}
	home_carry(m->core, &b->pcoa, true);
	report(tunnel_end_set(m->core->net->paths, END_MOBILE, &b->pcoa, &b->local, &b->par), "tunnel", &b->pcoa);
}

static void mn_native(void *arg, const struct mn_binding_view *b)
{
	struct fmip6_mobile *m = arg;
	const struct mn_place *here = mn_here(m->mn);
	bool abroad = here && !prefix_has(&here->prefix, &b->pcoa); /* its own link is elsewhere all the same */
	struct rtnl_route foreign = foreign_route(m, &b->prefix, abroad ? &here->router : &b->par);
	report(tunnel_end_set(m->core->net->paths, END_NATIVE, &b->pcoa, &b->local, &b->par), "tunnel", &b->pcoa);
	if (abroad)
		report(rtnl_route_set(rtnl_of(m), &foreign), "route", &b->par);
	else
		rtnl_route_del(rtnl_of(m), &foreign);
}

static void mn_unbind(void *arg, const struct mn_binding_view *b)
{
	struct fmip6_mobile *m = arg;
	const struct mn_place *here = mn_here(m->mn);
	struct rtnl_addr a = { .ifindex = m->ifindex, .addr = b->pcoa, .plen = b->prefix.plen };
	if (m->hk)
		hk_mn_forget(m->hk, &b->pcoa);
	tunnel_end_leave(m->core->net->paths, &b->pcoa, &b->par);
	if (here) {
		struct rtnl_route foreign = foreign_route(m, &b->prefix, &here->router);
		rtnl_route_del(rtnl_of(m), &foreign);
	}
	if (!home_find(m->core, &b->pcoa))
		address_del(m, &a);
	home_carry(m->core, &b->pcoa, false);
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

void mobile_close_record(struct fmip6_mobile *m, enum handover_result r, const char *reason)
{
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

static void mn_closed(void *arg, enum handover_result r, const char *reason)
{
	mobile_close_record(arg, r, reason);
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

/* The first packets do not wait for those who want to know of it. */
static void mn_attached(void *arg, const struct in6_addr *coa, const struct in6_addr *previous)
{
	struct fmip6_mobile *m = arg;
	struct bus_note note = { .topic = BUS_MOBILE_ATTACHED,
		.u.attach = { .handover = record(m), .addr = *coa, .previous = *previous, .ifindex = m->ifindex } };
	struct in6_addr iid;
	paths_receive(m->core->net->paths);
	mn_self(m, &note.u.attach.lladdr, &iid);
	if (m->hk)
		hk_mn_here(m->hk, &mn_here(m->mn)->router, coa, !addr_is_zero(previous));
	bus_publish(m->core->bus, &note);
}

const struct mn_ops mobile_mn_ops = {
	.key = mn_key, .find = mn_find, .places = mn_places, .learn = mn_learn, .own_address = mn_own_address, .address = mn_address_make,
	.home = mn_home_address, .is_away = mn_home_is_away,
	.self = mn_self, .send_rtsolpr = mobile_send_rtsolpr, .send_fbu = mn_send_fbu, .rider = mn_rider, .send_una = mn_send_una,
	.send_probe = mn_send_probe, .send_dad = mn_send_dad, .expect = mn_expect, .attach = mn_attach, .restore = mn_restore, .abandon = mn_abandon,
	.random_iid = mn_random_iid, .bind = mn_bind, .native = mn_native, .unbind = mn_unbind, .opened = mn_opened, .target = mn_target,
	.step = mn_step, .gap = mn_gap, .closed = mn_closed, .prepare = mn_prepare, .attached = mn_attached,
};
