/*
 * What the mobile's machine is told. For IPv6 it is the movement that FMIPv6 speaks of on the bus. IPv4 has no such protocol
 * here: a movement is an access link's address and default router, by DHCP or by hand, becoming others. Then the old
 * pair names the previous address and router, the new one the new ones. Both families may move at once, each with a machine.
 */
#include "cxtp/cxtp_mobile.h"

#include <stdlib.h>
#include <string.h>

#include "core/mobile.h"
#include "core/neighbor.h"
#include "cxtp/cxtp_mn.h"
#include "net/net.h"

#define LOOK_EVERY (50 * USEC_MSEC) /* after an address came, for the route that should follow */
#define LOOKS 100

struct cxtp_mobile {
	struct core *core;
	struct cxtp_icmp **icmp;
	struct cxtp_trails *trails;
	struct cxtp_mn *mn, *mn4;
	const struct cxtp_params *params;
	struct bus_sub *prepare, *attached, *riding;
	struct bus_note *rider; /* where the CTAR goes that is being made; NULL: to the link */
	struct rtnl_sub *rtnl;
	struct in6_addr addr4, router4; /* where we are, or were last; unspecified: nowhere yet */
	struct timer look;
	unsigned looks; /* left */
};

static int op_send(const struct cxtp_link *to, const void *msg, size_t len, void *arg)
{
	struct cxtp_mobile *m = arg;
	if (m->rider && len <= RIDER_MAX) {
		memcpy(m->rider->u.rider.data, msg, len);
		m->rider->u.rider.len = len;
		return 0;
	}
	return cxtp_icmp_send(*m->icmp, to, msg, len);
}

static const struct secret *op_master(const struct in6_addr *pcoa, void *arg)
{
	struct cxtp_mobile *m = arg;
	return mobile_key(m->core->settings, pcoa);
}

static uint32_t op_random(void *arg)
{
	uint32_t v;
	secret_random(&v, sizeof v);
	return v;
}

static void op_done(const struct in6_addr *pcoa, const struct in6_addr *addr, bool complete, void *arg)
{
	struct cxtp_mobile *m = arg;
	struct bus_note note = { .topic = BUS_CONTEXTS_DONE,
		                 .u.contexts = { .previous = *pcoa, .addr = *addr, .complete = complete } };
	bus_publish(m->core->bus, &note);
}

static void op_mark(const struct in6_addr *pcoa, enum handover_step step, usec_t at, void *arg)
{
	cxtp_trail_mark(((struct cxtp_mobile *)arg)->trails, HANDOVER_MN, pcoa, step, at);
}

static void op_context(const struct in6_addr *pcoa, uint16_t fpt, uint8_t status, void *arg)
{
	cxtp_trail_context(((struct cxtp_mobile *)arg)->trails, HANDOVER_MN, pcoa, fpt, status);
}

static void op_end(const struct in6_addr *pcoa, const struct in6_addr *nar, enum handover_result result, const char *reason,
                   void *arg)
{
	cxtp_trail_end(((struct cxtp_mobile *)arg)->trails, HANDOVER_MN, pcoa, nar, result, reason);
}

static const struct cxtp_mn_ops mn_ops = {
	.send = op_send,
	.master = op_master,
	.random = op_random,
	.done = op_done,
	.mark = op_mark,
	.context = op_context,
	.end = op_end,
};

/* A router that the handover does not name may be known from what was learnt of the link its address is on. */
static struct in6_addr router_of(struct cxtp_mobile *m, const struct in6_addr *named, const struct in6_addr *addr)
{
	const struct ap *ap = addr_is_zero(named) ? ap_of_prefix(m->core->neighbors, addr) : NULL;
	return ap ? ap->router : *named;
}

static void prepare(struct cxtp_mobile *m, const struct handover *h)
{
	struct cxtp_move move = { .pcoa = h->pcoa, .par = router_of(m, &h->par, &h->pcoa), .nar = router_of(m, &h->nar, &h->ncoa) };
	cxtp_mn_prepare(m->mn, &move);
}

static void on_prepare(struct bus_note *note, void *arg)
{
	struct cxtp_mobile *m = arg;
	const struct handover *h = note->u.handover.handover;
	/* Where the CTAR rode in the FBU, it is on its way. */
	if (h && h->role == HANDOVER_MN && !m->params->piggyback)
		prepare(m, h);
}

/* Asked at each repetition of the FBU, and the machine gives the same CTAR each time. */
static void on_rider(struct bus_note *note, void *arg)
{
	struct cxtp_mobile *m = arg;
	const struct handover *h = note->u.rider.handover;
	if (h->role != HANDOVER_MN || !m->params->piggyback || note->u.rider.len)
		return;
	m->rider = note;
	prepare(m, h);
	m->rider = NULL;
}

static void on_attached(struct bus_note *note, void *arg)
{
	struct cxtp_mobile *m = arg;
	const struct handover *h = note->u.attach.handover;
	struct cxtp_move move = { .pcoa = note->u.attach.previous, .ncoa = note->u.attach.addr, .ifindex = note->u.attach.ifindex };
	if (addr_is_zero(&move.pcoa) && h)
		move.pcoa = h->pcoa;
	/* Its first link: there is no previous router. */
	if (addr_is_zero(&move.pcoa))
		return;
	move.par = router_of(m, h ? &h->par : &in6addr_any, &move.pcoa);
	move.nar = router_of(m, h ? &h->nar : &in6addr_any, &move.ncoa);
	cxtp_mn_attached(m->mn, &move);
}

/* An access link with an IPv4 address and a default router that are not those we had. */
static bool place4(const struct cxtp_mobile *m, struct cxtp_move *out)
{
	const struct setting_interface *s = m->core->settings->interfaces.items;
	struct rtnl *r = m->core->net->rtnl;
	for (size_t i = 0; i < m->core->settings->interfaces.n; i++) {
		const struct rtnl_link *l = s[i].kind == INTERFACE_ACCESS ? rtnl_link_by_name(r, s[i].name) : NULL;
		if (!l || !rtnl_link_ipv4(r, l->ifindex, &out->ncoa) || !rtnl_gateway4(r, l->ifindex, &out->nar) ||
		    (addr_eq(&out->ncoa, &m->addr4) && addr_eq(&out->nar, &m->router4)))
			continue;
		out->ifindex = l->ifindex;
		return true;
	}
	return false;
}

static void on_look(struct timer *timer, void *arg)
{
	struct cxtp_mobile *m = arg;
	struct cxtp_move move = { .pcoa = m->addr4, .par = m->router4 };
	if (!place4(m, &move)) {
		if (m->looks && --m->looks)
			timer_after(&m->look, LOOK_EVERY);
		return;
	}
	m->addr4 = move.ncoa;
	m->router4 = move.nar;
	if (!addr_is_zero(&move.pcoa) && !addr_eq(&move.par, &move.nar))
		cxtp_mn_attached(m->mn4, &move);
}

static void on_rtnl(const struct rtnl_note *n, void *arg)
{
	struct cxtp_mobile *m = arg;
	if (n->event != RTNL_RESYNC && (n->event != RTNL_ADDR || !addr_is_v4(&n->addr)))
		return;
	m->looks = LOOKS;
	timer_after(&m->look, 0);
}

struct cxtp_mobile *cxtp_mobile_create(struct core *core, const struct cxtp_params *params, struct cxtp_icmp **icmp,
                                       struct cxtp_trails *trails)
{
	struct cxtp_mobile *m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	m->core = core;
	m->icmp = icmp;
	m->trails = trails;
	m->params = params;
	m->mn = cxtp_mn_create(core->loop, params, &mn_ops, m);
	m->mn4 = cxtp_mn_create(core->loop, params, &mn_ops, m);
	m->rtnl = rtnl_subscribe(core->net->rtnl, on_rtnl, m);
	timer_init(&m->look, core->loop, on_look, m);
	m->prepare = bus_subscribe(core->bus, BUS_HANDOVER_PREPARE, on_prepare, m);
	m->riding = bus_subscribe(core->bus, BUS_HANDOVER_RIDER, on_rider, m);
	m->attached = bus_subscribe(core->bus, BUS_MOBILE_ATTACHED, on_attached, m);
	if (!m->mn || !m->mn4 || !m->rtnl || !m->prepare || !m->riding || !m->attached) {
		cxtp_mobile_destroy(m);
		return NULL;
	}
	m->looks = LOOKS;
	timer_after(&m->look, 0);
	return m;
}

void cxtp_mobile_destroy(struct cxtp_mobile *m)
{
	if (!m)
		return;
	bus_unsubscribe(m->prepare);
	bus_unsubscribe(m->riding);
	bus_unsubscribe(m->attached);
	if (m->rtnl)
		rtnl_unsubscribe(m->rtnl);
	timer_stop(&m->look);
	cxtp_mn_destroy(m->mn);
	cxtp_mn_destroy(m->mn4);
	free(m);
}

void cxtp_mobile_ctaa(struct cxtp_mobile *m, const struct cxtp_link *from, const struct cxtp_message *msg)
{
	cxtp_mn_ctaa(addr_is_v4(&msg->mobile) ? m->mn4 : m->mn, from, msg);
}
