#include "cxtp/cxtp_mobile.h"

#include <stdlib.h>

#include "core/mobile.h"
#include "core/neighbor.h"
#include "cxtp/cxtp_mn.h"

struct cxtp_mobile {
	struct core *core;
	struct cxtp_icmp **icmp;
	struct cxtp_trails *trails;
	struct cxtp_mn *mn;
	struct bus_sub *prepare, *attached;
};

static int op_send(const struct cxtp_link *to, const void *msg, size_t len, void *arg)
{
	struct cxtp_mobile *m = arg;
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

static void on_prepare(struct bus_note *note, void *arg)
{
	struct cxtp_mobile *m = arg;
	const struct handover *h = note->u.handover.handover;
	if (!h || h->role != HANDOVER_MN)
		return;
	struct cxtp_move move = { .pcoa = h->pcoa, .par = router_of(m, &h->par, &h->pcoa), .nar = router_of(m, &h->nar, &h->ncoa) };
	cxtp_mn_prepare(m->mn, &move);
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

struct cxtp_mobile *cxtp_mobile_create(struct core *core, const struct cxtp_params *params, struct cxtp_icmp **icmp,
                                       struct cxtp_trails *trails)
{
	struct cxtp_mobile *m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	m->core = core;
	m->icmp = icmp;
	m->trails = trails;
	m->mn = cxtp_mn_create(core->loop, params, &mn_ops, m);
	m->prepare = bus_subscribe(core->bus, BUS_HANDOVER_PREPARE, on_prepare, m);
	m->attached = bus_subscribe(core->bus, BUS_MOBILE_ATTACHED, on_attached, m);
	if (!m->mn || !m->prepare || !m->attached) {
		cxtp_mobile_destroy(m);
		return NULL;
	}
	return m;
}

void cxtp_mobile_destroy(struct cxtp_mobile *m)
{
	if (!m)
		return;
	bus_unsubscribe(m->prepare);
	bus_unsubscribe(m->attached);
	cxtp_mn_destroy(m->mn);
	free(m);
}

void cxtp_mobile_ctaa(struct cxtp_mobile *m, const struct cxtp_link *from, const struct cxtp_message *msg)
{
	cxtp_mn_ctaa(m->mn, from, msg);
}
