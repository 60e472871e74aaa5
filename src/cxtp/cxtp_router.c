#include "cxtp/cxtp_router.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/feature.h"
#include "core/log.h"
#include "core/mobile.h"
#include "core/output.h"
#include "cxtp/cxtp_contexts.h"
#include "cxtp/cxtp_count.h"
#include "cxtp/cxtp_hold.h"
#include "cxtp/cxtp_nar.h"
#include "cxtp/cxtp_par.h"
#include "cxtp/cxtp_trigger.h"
#include "net/net.h"
#include "net/sctp.h"

struct cxtp_router {
	struct core *core;
	const struct cxtp_params *params;
	struct cxtp_icmp **icmp;
	struct cxtp_trails *trails;
	struct cxtp_rate rate;
	struct cxtp_par *par;
	struct cxtp_nar *nar;
	struct cxtp_holds *holds;
	struct cxtp_triggers *triggers;
	struct sctp_config sctp_config;
	struct sctp *sctp; /* NULL: could not be opened */
	struct bus_sub *protection, *installed, *rider;
};

/* ---- links ---- */

static int access_ifindex(const struct cxtp_router *r, size_t i)
{
	const struct setting_interface *s = (const struct setting_interface *)r->core->settings->interfaces.items + i;
	const struct rtnl_link *l = s->kind == INTERFACE_ACCESS ? rtnl_link_by_name(r->core->net->rtnl, s->name) : NULL;
	return l ? l->ifindex : 0;
}

static bool is_access_link(const struct cxtp_router *r, int ifindex)
{
	for (size_t i = 0; i < r->core->settings->interfaces.n; i++)
		if (ifindex && access_ifindex(r, i) == ifindex)
			return true;
	return false;
}

/* Whose CTAR it is, for the limit of rate. A mobile that comes resolves its router's address, and so the kernel knows it. */
static uint64_t sender_of(const struct cxtp_router *r, const struct cxtp_link *from)
{
	struct lladdr l;
	if (rtnl_neigh_get(r->core->net->rtnl, from->ifindex, &from->peer, &l) < 0)
		return 0;
	return hash_keyed(l.octet, l.len) | 1U << 31;
}

void cxtp_router_ctar(struct cxtp_router *r, const struct cxtp_link *link, const struct cxtp_message *m)
{
	struct cxtp_link known = *link, *from = &known;
	known.sender = sender_of(r, link);
	cxtp_count(CXTP_CTAR_RECEIVED);
	if (!is_access_link(r, from->ifindex)) {
		cxtp_refuse(CXTP_WRONG_LINK, loop_now(r->core->loop), "CTAR", &m->mobile, &from->peer, "not-an-access-link");
	} else if (addr_is_link_local(&from->peer)) {
		cxtp_refuse(CXTP_WRONG_SOURCE, loop_now(r->core->loop), "CTAR", &m->mobile, &from->peer, "link-local-address");
	} else if (addr_eq(&from->peer, &m->mobile)) {
		cxtp_par_ctar(r->par, from, m); /* still under its previous address: about to leave */
	} else {
		cxtp_nar_ctar(r->nar, from, m);
		struct cxtp_nar_view v;
		if (r->params->hold && cxtp_nar_of(r->nar, &m->mobile, &v) && v.requested)
			cxtp_hold(r->holds, &m->mobile, from);
	}
}

/* A CTAR that came in an accepted FBU, instead of in ICMP: no hop limit to look at, but an authenticated message around it. */
static void on_rider(struct bus_note *note, void *arg)
{
	struct cxtp_router *r = arg;
	const struct handover *h = note->u.rider.handover;
	struct cxtp_message m;
	if (h->role != HANDOVER_PAR)
		return;
	enum cxtp_error error = cxtp_parse(note->u.rider.data, note->u.rider.len, &m);
	if (error || m.type != CXTP_CTAR || !addr_eq(&m.mobile, &h->pcoa)) {
		cxtp_refuse(CXTP_MALFORMED, note->at, "CTAR in an FBU", &h->pcoa, &h->pcoa,
		            error ? cxtp_error_text(error) : "not-for-this-transport");
		return;
	}
	struct cxtp_link from = { .peer = h->pcoa, .local = note->u.rider.par, .ifindex = note->u.rider.ifindex };
	cxtp_router_ctar(r, &from, &m);
}

static void op_answer(const struct cxtp_link *to, const void *msg, size_t len, void *arg)
{
	struct cxtp_router *r = arg;
	int err = cxtp_icmp_send(*r->icmp, to, msg, len);
	if (!err)
		return;
	cxtp_count(CXTP_SEND_FAILED);
	log_limited(cxtp_lines(CXTP_SEND_FAILED), loop_now(r->core->loop), LOG_LEVEL_WARNING, "cxtp", "CTAA not sent peer=%s reason=\"%s\"",
	            ADDR(&to->peer), strerror(-err));
}

static size_t add_own(struct in6_addr *out, size_t n, size_t max, const struct in6_addr *a)
{
	for (size_t i = 0; i < n; i++)
		if (addr_eq(&out[i], a))
			return n;
	if (n < max && !addr_is_zero(a))
		out[n++] = *a;
	return n;
}

static size_t add_own_of_link(const struct cxtp_router *r, bool v4, int ifindex, struct in6_addr *out, size_t n, size_t max)
{
	struct in6_addr a;
	if (v4)
		return rtnl_link_ipv4(r->core->net->rtnl, ifindex, &a) ? add_own(out, n, max, &a) : n;
	if (rtnl_link_global(r->core->net->rtnl, ifindex, &a, NULL))
		n = add_own(out, n, max, &a);
	if (rtnl_link_local(r->core->net->rtnl, ifindex, &a))
		n = add_own(out, n, max, &a);
	return n;
}

struct own_walk {
	struct in6_addr *out;
	size_t n, max;
};

static void own_ap(struct ap *ap, void *arg)
{
	struct own_walk *w = arg;
	if (!ap->neighbor)
		w->n = add_own(w->out, w->n, w->max, &ap->router);
}

/* The link the mobile is on, if we know it; then every access link, since a restart forgets mobiles but not addresses. */
static size_t op_own(const struct in6_addr *pcoa, struct in6_addr *out, size_t max, void *arg)
{
	struct cxtp_router *r = arg;
	const struct mobile *m = mobile_find(r->core->mobiles, pcoa);
	struct own_walk w = { .out = out, .max = max };
	bool v4 = addr_is_v4(pcoa);
	if (m && m->ifindex)
		w.n = add_own_of_link(r, v4, m->ifindex, out, 0, max);
	for (size_t i = 0; i < r->core->settings->interfaces.n; i++) {
		int ifindex = access_ifindex(r, i);
		if (ifindex)
			w.n = add_own_of_link(r, v4, ifindex, out, w.n, max);
	}
	if (!v4)
		aps_each(r->core->neighbors, own_ap, &w);
	return w.n;
}

/* ---- neighbours ---- */

static bool usable(struct cxtp_router *r, const struct neighbor *n)
{
	if (!n)
		return false;
	if (neighbor_usable(n))
		return true;
	cxtp_count(CXTP_UNPROTECTED);
	log_limited(cxtp_lines(CXTP_UNPROTECTED), loop_now(r->core->loop), LOG_LEVEL_NOTICE, "cxtp", "neighbour not used peer=%s reason=protection-is-not-up",
	            n->name);
	return false;
}

static bool op_neighbor(const struct in6_addr *router, struct in6_addr *address, void *arg)
{
	struct cxtp_router *r = arg;
	const struct neighbor *n = neighbor_find(r->core->neighbors, router);
	if (!usable(r, n))
		return false;
	*address = n->address;
	return true;
}

struct called_walk {
	const struct in6_addr *nar;
	bool v4;
	struct in6_addr router;
};

static void called_ap(struct ap *ap, void *arg)
{
	struct called_walk *w = arg;
	if (ap->neighbor && addr_eq(&ap->neighbor->address, w->nar) && addr_is_zero(&w->router))
		w->router = w->v4 ? ap->router4 : ap->router;
}

/* A neighbour with several links is called by its first; if the mobile comes to another one, it asks again from there. */
static bool op_called(const struct in6_addr *nar, const struct in6_addr *pcoa, struct in6_addr *router, void *arg)
{
	struct cxtp_router *r = arg;
	struct called_walk w = { .nar = nar, .v4 = addr_is_v4(pcoa) };
	aps_each(r->core->neighbors, called_ap, &w);
	*router = w.router;
	return !addr_is_zero(router);
}

static void op_arrived(const struct in6_addr *addr, const struct in6_addr *own, uint32_t seq, void *arg)
{
	cxtp_par_arrived(((struct cxtp_router *)arg)->par, addr, own, seq);
}

/* A mobile may know its previous router by a link-local address only, which says nothing here; its own address says more. */
static bool op_previous(const struct in6_addr *router, const struct in6_addr *pcoa, struct in6_addr *address, void *arg)
{
	struct cxtp_router *r = arg;
	if (!addr_is_link_local(router))
		return op_neighbor(router, address, arg);
	const struct ap *ap = ap_of_prefix(r->core->neighbors, pcoa);
	if (!ap || !usable(r, ap->neighbor))
		return false;
	*address = ap->neighbor->address;
	return true;
}

struct push_walk {
	const struct in6_addr *peer, *pcoa;
	bool known, theirs;
};

static void push_ap(struct ap *ap, void *arg)
{
	struct push_walk *w = arg;
	const struct prefix *p = addr_is_v4(w->pcoa) ? &ap->prefix4 : &ap->prefix;
	if (p->plen == 0 || !prefix_has(p, w->pcoa))
		return;
	w->known = true;
	w->theirs |= ap->neighbor && addr_eq(&ap->neighbor->address, w->peer);
}

static bool op_may_push(const struct in6_addr *peer, const struct in6_addr *pcoa, void *arg)
{
	struct cxtp_router *r = arg;
	struct push_walk w = { .peer = peer, .pcoa = pcoa };
	aps_each(r->core->neighbors, push_ap, &w);
	return !w.known || w.theirs;
}

static int op_send(const struct in6_addr *peer, const void *msg, size_t len, void *arg)
{
	struct cxtp_router *r = arg;
	if (!usable(r, neighbor_find(r->core->neighbors, peer)))
		return -EACCES;
	struct sctp_peer *p = r->sctp ? sctp_find(r->sctp, peer) : NULL;
	return p ? sctp_send(p, CXTP_PPID, msg, len, r->params->max_transfer_time) : -ENOTCONN;
}

/* ---- mobiles and their contexts ---- */

static const struct secret *op_master(const struct in6_addr *pcoa, void *arg)
{
	struct cxtp_router *r = arg;
	return mobile_key(r->core->settings, pcoa);
}

static bool located(struct cxtp_router *r, const struct in6_addr *addr, struct feature_subject *s)
{
	const struct feature *all[FEATURES_MAX];
	size_t n = features(all, FEATURES_MAX);
	for (size_t i = 0; i < n; i++)
		if (all[i]->locate && all[i]->locate(r->core, addr, s))
			return true;
	return false;
}

/* Where a mobile is on our links: as the table of mobiles has it, else as a feature or the kernel's neighbour entries know
 * it, since a mobile that announces nothing is in no table of ours. */
static void place_of(struct cxtp_router *r, const struct in6_addr *addr, struct feature_subject *s)
{
	const struct mobile *m = mobile_find(r->core->mobiles, addr);
	struct lladdr l;
	if (m && m->ifindex && m->lladdr.len && (!s->ifindex || s->ifindex == m->ifindex)) {
		s->ifindex = m->ifindex;
		s->lladdr = m->lladdr;
	}
	if (s->lladdr.len || located(r, addr, s))
		return;
	for (size_t i = 0; !s->lladdr.len && i < r->core->settings->interfaces.n; i++) {
		int ifindex = access_ifindex(r, i);
		if (!ifindex || (s->ifindex && s->ifindex != ifindex) || rtnl_neigh_get(r->core->net->rtnl, ifindex, addr, &l) < 0)
			continue;
		s->ifindex = ifindex;
		s->lladdr = l;
	}
}

struct prefix_walk {
	const struct in6_addr *router, *address;
	struct prefix exact, any;
};

static void prefix_ap(struct ap *ap, void *arg)
{
	struct prefix_walk *w = arg;
	if (!ap->neighbor || !addr_eq(&ap->neighbor->address, w->address))
		return;
	if (!addr_is_zero(w->router) && (addr_eq(&ap->router, w->router) || addr_eq(&ap->router4, w->router)))
		w->exact = ap->prefix;
	if (!w->any.plen)
		w->any = ap->prefix;
}

/* Prefix of the link the mobile moves to (appendix B): by the name it gave the router, else by its new address, else the
 * only thing we know of the neighbour. */
static struct prefix nar_prefix(struct cxtp_router *r, const struct in6_addr *pcoa, const struct in6_addr *nar,
                                const struct in6_addr *router)
{
	struct prefix_walk w = { .router = router, .address = nar };
	aps_each(r->core->neighbors, prefix_ap, &w);
	if (w.exact.plen)
		return w.exact;
	const struct handover *h = handover_running(r->core->handovers, HANDOVER_PAR, pcoa);
	const struct ap *ap = h && !addr_is_zero(&h->ncoa) ? ap_of_prefix(r->core->neighbors, &h->ncoa) : NULL;
	return ap && ap->neighbor ? ap->prefix : w.any;
}

static void op_collect(const struct in6_addr *pcoa, const struct in6_addr *nar, const struct in6_addr *router,
                       const uint8_t *request, size_t len, struct wr *w, void *arg)
{
	struct cxtp_router *r = arg;
	struct feature_subject s = { .previous = *pcoa, .addr = *pcoa, .nar_prefix = nar_prefix(r, pcoa, nar, router) };
	place_of(r, pcoa, &s);
	cxtp_collect(r->core, &s, request, len, w);
}

static void op_install(const struct in6_addr *pcoa, const struct cxtp_link *link, const uint8_t *blocks, size_t blocks_len,
                       const uint8_t *request, size_t len, struct cxtp_contexts *out, void *arg)
{
	struct cxtp_router *r = arg;
	struct feature_subject s = { .previous = *pcoa, .addr = link->peer, .ifindex = link->ifindex };
	place_of(r, &link->peer, &s);
	cxtp_install(r->core, &s, blocks, blocks_len, request, len, out);
}

static void on_installed(struct bus_note *note, void *arg)
{
	struct cxtp_router *r = arg;
	cxtp_nar_installed(r->nar, &note->u.installed.previous, note->u.installed.fpt, note->u.installed.status,
	                   note->u.installed.reason);
}

static void op_forget(const struct in6_addr *pcoa, void *arg)
{
	struct cxtp_router *r = arg;
	const struct feature *all[FEATURES_MAX];
	size_t n = features(all, FEATURES_MAX);
	for (size_t i = 0; i < n; i++)
		if (all[i]->forget)
			all[i]->forget(r->core, pcoa);
}

static bool op_expected(const struct in6_addr *pcoa, struct in6_addr *ncoa, void *arg)
{
	struct cxtp_router *r = arg;
	const struct handover *h = handover_running(r->core->handovers, HANDOVER_NAR, pcoa);
	if (!h || addr_is_zero(&h->ncoa))
		return false;
	*ncoa = h->ncoa;
	return true;
}

static uint32_t op_random(void *arg)
{
	uint32_t v;
	secret_random(&v, sizeof v);
	return v;
}

static void op_done(const struct in6_addr *pcoa, const struct in6_addr *addr, bool complete, void *arg)
{
	struct cxtp_router *r = arg;
	struct bus_note note = { .topic = BUS_CONTEXTS_DONE,
		                 .u.contexts = { .previous = *pcoa, .addr = *addr, .complete = complete } };
	bus_publish(r->core->bus, &note);
	cxtp_hold_end(r->holds, pcoa);
}

/* ---- timelines ---- */

static void par_mark(const struct in6_addr *pcoa, enum handover_step step, usec_t at, void *arg)
{
	cxtp_trail_mark(((struct cxtp_router *)arg)->trails, HANDOVER_PAR, pcoa, step, at);
}

static void par_context(const struct in6_addr *pcoa, uint16_t fpt, uint8_t status, void *arg)
{
	cxtp_trail_context(((struct cxtp_router *)arg)->trails, HANDOVER_PAR, pcoa, fpt, status);
}

static void par_end(const struct in6_addr *pcoa, const struct in6_addr *nar, enum handover_result result, const char *reason,
                    void *arg)
{
	cxtp_trail_end(((struct cxtp_router *)arg)->trails, HANDOVER_PAR, pcoa, nar, result, reason);
}

static void nar_mark(const struct in6_addr *pcoa, enum handover_step step, usec_t at, void *arg)
{
	cxtp_trail_mark(((struct cxtp_router *)arg)->trails, HANDOVER_NAR, pcoa, step, at);
}

static void nar_context(const struct in6_addr *pcoa, uint16_t fpt, uint8_t status, void *arg)
{
	cxtp_trail_context(((struct cxtp_router *)arg)->trails, HANDOVER_NAR, pcoa, fpt, status);
}

static void nar_end(const struct in6_addr *pcoa, const struct in6_addr *par, enum handover_result result, const char *reason,
                    void *arg)
{
	cxtp_trail_end(((struct cxtp_router *)arg)->trails, HANDOVER_NAR, pcoa, par, result, reason);
}

static const struct cxtp_par_ops par_ops = {
	.send = op_send,
	.answer = op_answer,
	.neighbor = op_neighbor,
	.called = op_called,
	.master = op_master,
	.own = op_own,
	.collect = op_collect,
	.forget = op_forget,
	.random = op_random,
	.mark = par_mark,
	.context = par_context,
	.end = par_end,
};

static const struct cxtp_nar_ops nar_ops = {
	.send = op_send,
	.answer = op_answer,
	.neighbor = op_previous,
	.arrived = op_arrived,
	.may_push = op_may_push,
	.expected = op_expected,
	.install = op_install,
	.random = op_random,
	.done = op_done,
	.mark = nar_mark,
	.context = nar_context,
	.end = nar_end,
};

/* ---- associations ---- */

/* A neighbour is known between routers by its table address alone, not by those on its links. */
static struct neighbor *neighbor_at(const struct cxtp_router *r, const struct in6_addr *address)
{
	struct neighbor *n = neighbor_find(r->core->neighbors, address);
	return n && addr_eq(&n->address, address) ? n : NULL;
}

static bool on_admit(const struct in6_addr *addr, void *arg)
{
	struct cxtp_router *r = arg;
	return usable(r, neighbor_at(r, addr));
}

static void association(struct cxtp_router *r, const struct sctp_peer *p, bool up, const char *event, const char *reason)
{
	struct neighbor *n = neighbor_at(r, sctp_peer_addr(p));
	if (!n)
		return;
	LOG_NOTICE("cxtp", "association %s peer=%s address=%s reason=\"%s\"", event, n->name, ADDR(&n->address), reason);
	neighbor_set_association(r->core->neighbors, n, up);
}

static void on_up(struct sctp_peer *p, void *arg)
{
	association(arg, p, true, "up", "");
}

static void on_down(struct sctp_peer *p, const char *reason, void *arg)
{
	association(arg, p, false, "down", reason);
}

/* What it knew is lost; what we know is answered for by tokens and times, and needs no help. Others hear that it was away. */
static void on_restarted(struct sctp_peer *p, void *arg)
{
	struct cxtp_router *r = arg;
	struct neighbor *n = neighbor_at(r, sctp_peer_addr(p));
	if (n)
		neighbor_set_association(r->core->neighbors, n, false);
	association(r, p, true, "restarted by the neighbour", "");
}

static void refuse(struct cxtp_router *r, enum cxtp_counter c, const struct in6_addr *peer, const char *reason, size_t len)
{
	cxtp_count(c);
	log_limited(cxtp_lines(c), loop_now(r->core->loop), LOG_LEVEL_WARNING, "cxtp", "message refused peer=%s reason=%s length=%zu",
	            ADDR(peer), reason, len);
}

static void on_message(struct sctp_peer *p, uint32_t ppid, const uint8_t *data, size_t len, void *arg)
{
	struct cxtp_router *r = arg;
	struct in6_addr peer = *sctp_peer_addr(p);
	struct cxtp_message m;
	struct neighbor *n = neighbor_at(r, &peer);
	if (!n || !neighbor_usable(n)) {
		refuse(r, CXTP_UNPROTECTED, &peer, n ? "protection-is-not-up" : "no-neighbour", len);
		return;
	}
	if (ppid != CXTP_PPID) {
		refuse(r, CXTP_MALFORMED, &peer, "payload-protocol", len);
		return;
	}
	enum cxtp_error error = cxtp_parse(data, len, &m);
	if (error) {
		refuse(r, CXTP_MALFORMED, &peer, cxtp_error_text(error), len);
		return;
	}
	LOG_DEBUG("cxtp", "received message=%s mobile=%s peer=%s length=%zu", cxtp_type_name(m.type), ADDR(&m.mobile), n->name, len);
	switch (m.type) {
	case CXTP_CTD:
	case CXTP_PCTD:
		cxtp_nar_message(r->nar, &peer, &m);
		break;
	case CXTP_CTDR:
	case CXTP_CTC:
	case CXTP_CTREQ:
		cxtp_par_message(r->par, &peer, &m);
		break;
	case CXTP_CTAR:
	case CXTP_CTAA:
		refuse(r, CXTP_MALFORMED, &peer, "not-for-this-transport", len);
		break;
	}
}

static const struct sctp_ops sctp_ops = {
	.admit = on_admit,
	.up = on_up,
	.down = on_down,
	.restarted = on_restarted,
	.message = on_message,
};

/* Associations stand before any mobile moves (RFC 4067 §6.2). */
static void connect_neighbor(struct neighbor *n, void *arg)
{
	struct cxtp_router *r = arg;
	if (!r->sctp || n->stale || n->learned || !neighbor_usable(n))
		return;
	if (!sctp_connect(r->sctp, &n->address, r->sctp_config.port, r->sctp_config.udp_port))
		LOG_ERROR("cxtp", "no association will be kept peer=%s address=%s reason=no-room", n->name, ADDR(&n->address));
}

static void disconnect_neighbor(struct neighbor *n, void *arg)
{
	struct cxtp_router *r = arg;
	struct sctp_peer *p = r->sctp ? sctp_find(r->sctp, &n->address) : NULL;
	if (p)
		sctp_forget(p);
	neighbor_set_association(r->core->neighbors, n, false);
}

static void on_protection(struct bus_note *note, void *arg)
{
	if (note->u.neighbor.up)
		connect_neighbor(note->u.neighbor.neighbor, arg);
	else
		disconnect_neighbor(note->u.neighbor.neighbor, arg);
}

static void open_sctp(struct cxtp_router *r)
{
	r->sctp = sctp_open(r->core->loop, &r->sctp_config, &sctp_ops, r);
	if (!r->sctp)
		return;
	LOG_INFO("cxtp", "SCTP open port=%u udp_port=%u backend=%s", r->sctp_config.port, r->sctp_config.udp_port,
	         sctp_backend(r->sctp) == SCTP_KERNEL ? "kernel" : "usrsctp");
	neighbors_each(r->core->neighbors, connect_neighbor, r);
}

static void close_sctp(struct cxtp_router *r)
{
	if (!r->sctp)
		return;
	neighbors_each(r->core->neighbors, disconnect_neighbor, r);
	sctp_close(r->sctp);
	r->sctp = NULL;
}

/* ---- life ---- */

struct cxtp_router *cxtp_router_create(struct core *core, const struct cxtp_config *cfg, const struct cxtp_params *params,
                                       struct cxtp_icmp **icmp, struct cxtp_trails *trails)
{
	struct cxtp_router *r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	r->core = core;
	r->params = params;
	r->icmp = icmp;
	r->trails = trails;
	cxtp_rate_init(&r->rate, params->request_rate);
	cxtp_config_sctp(cfg, &r->sctp_config);
	r->par = cxtp_par_create(core->loop, params, &r->rate, &par_ops, r);
	r->nar = cxtp_nar_create(core->loop, params, &r->rate, &nar_ops, r);
	r->holds = cxtp_holds_create(core, params);
	r->triggers = r->par && r->nar ? cxtp_triggers_create(core, cfg, r->par, r->nar) : NULL;
	r->protection = bus_subscribe(core->bus, BUS_NEIGHBOR_PROTECTION, on_protection, r);
	r->installed = bus_subscribe(core->bus, BUS_CONTEXT_INSTALLED, on_installed, r);
	r->rider = bus_subscribe(core->bus, BUS_HANDOVER_RIDER, on_rider, r);
	if (r->par && r->nar && r->holds && r->triggers && r->rider && r->protection && r->installed)
		open_sctp(r);
	if (!r->sctp) {
		cxtp_router_destroy(r);
		return NULL;
	}
	return r;
}

void cxtp_router_destroy(struct cxtp_router *r)
{
	if (!r)
		return;
	cxtp_triggers_destroy(r->triggers);
	bus_unsubscribe(r->rider);
	bus_unsubscribe(r->protection);
	bus_unsubscribe(r->installed);
	close_sctp(r);
	cxtp_par_destroy(r->par);
	cxtp_nar_destroy(r->nar);
	cxtp_holds_destroy(r->holds);
	free(r);
}

void cxtp_router_reload(struct cxtp_router *r, const struct cxtp_config *cfg)
{
	struct sctp_config sctp;
	cxtp_config_sctp(cfg, &sctp);
	cxtp_triggers_reload(r->triggers, cfg);
	r->rate.per_second = r->params->request_rate;
	if (r->sctp && !memcmp(&sctp, &r->sctp_config, sizeof sctp)) {
		/* Neighbours that left were announced as down; here come the new ones. Known ones stay as they are. */
		neighbors_each(r->core->neighbors, connect_neighbor, r);
		return;
	}
	close_sctp(r);
	r->sctp_config = sctp;
	open_sctp(r);
}

/* ---- show ---- */

static void show_par(const struct cxtp_par_view *v, void *arg)
{
	struct output *o = arg;
	out_item_begin(o, NULL);
	out_str(o, "role", "par");
	out_addr(o, "mobile", &v->pcoa);
	out_addr(o, "peer", &v->nar);
	out_str(o, "state", v->outstanding ? "outstanding" : "waiting-for-ctdr");
	out_uint(o, "octets", v->octets);
	out_msec(o, "age_ms", v->age);
	out_item_end(o);
}

static void show_nar(const struct cxtp_nar_view *v, void *arg)
{
	struct output *o = arg;
	out_item_begin(o, NULL);
	out_str(o, "role", "nar");
	out_addr(o, "mobile", &v->pcoa);
	out_addr(o, "peer", &v->par);
	out_str(o, "state", v->requested ? "requested" : v->pushed ? "waiting-for-mobile" : "done");
	out_uint(o, "octets", v->octets);
	out_msec(o, "age_ms", v->age);
	out_item_end(o);
}

void cxtp_router_show(const struct cxtp_router *r, struct output *o)
{
	cxtp_par_each(r->par, show_par, o);
	cxtp_nar_each(r->nar, show_nar, o);
}
