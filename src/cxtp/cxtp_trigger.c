#include "cxtp/cxtp_trigger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/neighbor.h"

struct cxtp_triggers {
	struct core *core;
	const struct cxtp_config *cfg;
	struct cxtp_par *par;
	struct cxtp_nar *nar;
	struct bus_sub *request, *prepare, *step, *ended;
};

/* Routers as the mobile will call them: by their addresses, of its family, on their links. */
struct targets {
	const struct cxtp_triggers *t;
	const struct in6_addr *pcoa;
	const struct neighbor *only; /* NULL: the candidates */
	struct in6_addr routers[CXTP_CANDIDATES_MAX];
	size_t n;
};

static bool is_candidate(const struct cxtp_config *cfg, const struct neighbor *n)
{
	char *const *names = cfg->candidates.items;
	for (size_t i = 0; i < cfg->candidates.n; i++)
		if (strcmp(names[i], n->name) == 0)
			return true;
	return cfg->candidates.n == 0;
}

static void take_ap(const struct ap *ap, struct targets *w)
{
	const struct in6_addr *router = addr_is_v4(w->pcoa) ? &ap->router4 : &ap->router;
	if (addr_is_zero(router) || w->n == CXTP_CANDIDATES_MAX)
		return;
	for (size_t i = 0; i < w->n; i++)
		if (addr_eq(&w->routers[i], router))
			return;
	w->routers[w->n++] = *router;
}

static void target_ap(struct ap *ap, void *arg)
{
	struct targets *w = arg;
	if (ap->neighbor && !ap->neighbor->stale && (w->only ? ap->neighbor == w->only : is_candidate(w->t->cfg, ap->neighbor)))
		take_ap(ap, w);
}

static const char *words(int rc)
{
	switch (-rc) {
	case EBUSY:
		return "the mobile itself has a transfer of its contexts under way";
	case ENOKEY:
		return "no key is configured for this mobile";
	case ENOENT:
		return "the sequence number of this mobile's next CTAR cannot be told: it did not come here with its contexts";
	case EALREADY:
		return "the contexts of this mobile are here, or asked for";
	case ENOSPC:
		return "no room for another transfer";
	default:
		return "no router that it may go to, or comes from, is a usable neighbour";
	}
}

/* NULL, or why not. */
static const char *push(struct cxtp_triggers *t, const struct targets *w, const char *cause)
{
	int rc = w->n ? cxtp_par_push(t->par, w->pcoa, w->routers, w->n) : -EHOSTUNREACH;
	if (rc > 0)
		LOG_INFO("cxtp", "contexts pushed unasked mobile=%s routers=%d cause=%s", ADDR(w->pcoa), rc, cause);
	return rc > 0 ? NULL : words(rc);
}

static const char *ask(struct cxtp_triggers *t, const struct in6_addr *pcoa, const struct in6_addr *router, const char *cause)
{
	int rc = cxtp_nar_request(t->nar, pcoa, router);
	if (!rc)
		LOG_INFO("cxtp", "contexts asked for ahead of the mobile mobile=%s peer=%s cause=%s", ADDR(pcoa), ADDR(router), cause);
	return rc ? words(rc) : NULL;
}

static const char *order(struct cxtp_triggers *t, const struct in6_addr *mobile, const struct lladdr *id,
                         const struct in6_addr *router)
{
	struct targets w = { .t = t, .pcoa = mobile };
	const struct ap *ap = id->len ? ap_find(t->core->neighbors, id) : NULL;
	const struct ap *home = ap_of_prefix(t->core->neighbors, mobile);
	/* It comes here, from a neighbour's link. */
	if (ap && !ap->neighbor)
		return home && home->neighbor ? ask(t, mobile, &home->neighbor->address, "order") : "this access point is on this router";
	if (ap) {
		take_ap(ap, &w);
	} else if (!id->len) {
		w.only = addr_is_zero(router) ? NULL : neighbor_find(t->core->neighbors, router);
		if (w.only || addr_is_zero(router))
			aps_each(t->core->neighbors, target_ap, &w);
	}
	return push(t, &w, "order");
}

static void on_request(struct bus_note *note, void *arg)
{
	if (addr_is_zero(&note->u.request.mobile))
		return;
	const char *why = order(arg, &note->u.request.mobile, &note->u.request.ap, &note->u.request.router);
	if (!why)
		note->u.request.taken = true;
	else if (!note->u.request.taken && !note->u.request.reason[0])
		snprintf(note->u.request.reason, sizeof note->u.request.reason, "%s", why);
}

/* The mobile's own CTAR is about to come, if it speaks CXTP and nothing is lost; it finds its contexts gone already. */
static void on_prepare(struct bus_note *note, void *arg)
{
	struct cxtp_triggers *t = arg;
	const struct handover *h = note->u.handover.handover;
	if (!h || h->role != HANDOVER_PAR || !(h->mode == HANDOVER_NETWORK || (t->cfg->network && h->mode == HANDOVER_PREDICTIVE)))
		return;
	struct targets w = { .t = t, .pcoa = &h->pcoa };
	const struct ap *ap = ap_of_prefix(t->core->neighbors, &h->ncoa);
	w.only = neighbor_find(t->core->neighbors, &h->nar);
	if (ap && ap->neighbor && ap->neighbor == w.only)
		take_ap(ap, &w);
	else if (w.only)
		aps_each(t->core->neighbors, target_ap, &w);
	const char *why = push(t, &w, "handover");
	if (why)
		LOG_DEBUG("cxtp", "contexts not pushed unasked mobile=%s reason=\"%s\"", ADDR(&h->pcoa), why);
}

static void on_step(struct bus_note *note, void *arg)
{
	struct cxtp_triggers *t = arg;
	const struct handover *h = note->u.handover.handover;
	if (note->u.handover.step != STEP_D_HI || h->role != HANDOVER_NAR || !(t->cfg->network || h->mode == HANDOVER_NETWORK))
		return;
	const char *why = ask(t, &h->pcoa, &h->par, "handover");
	if (why)
		LOG_DEBUG("cxtp", "contexts not asked for ahead mobile=%s reason=\"%s\"", ADDR(&h->pcoa), why);
}

static bool has_step(const struct handover *h, enum handover_step step)
{
	for (size_t i = 0; i < h->steps_n; i++)
		if (h->steps[i].step == step)
			return true;
	return false;
}

/* Announced to us by FMIPv6, it did not come: nobody waits for its contexts any more. Records of our own have no HI. */
static void on_ended(struct bus_note *note, void *arg)
{
	struct cxtp_triggers *t = arg;
	const struct handover *h = note->u.handover.handover;
	if (h->role == HANDOVER_NAR && h->result == HANDOVER_FAILED && has_step(h, STEP_D_HI))
		cxtp_nar_cancel(t->nar, &h->pcoa, h->reason);
}

struct cxtp_triggers *cxtp_triggers_create(struct core *core, const struct cxtp_config *cfg, struct cxtp_par *par,
                                           struct cxtp_nar *nar)
{
	struct cxtp_triggers *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	*t = (struct cxtp_triggers){ .core = core, .cfg = cfg, .par = par, .nar = nar };
	t->request = bus_subscribe(core->bus, BUS_HANDOVER_REQUEST, on_request, t);
	t->prepare = bus_subscribe(core->bus, BUS_HANDOVER_PREPARE, on_prepare, t);
	t->step = bus_subscribe(core->bus, BUS_HANDOVER_STEP, on_step, t);
	t->ended = bus_subscribe(core->bus, BUS_HANDOVER_ENDED, on_ended, t);
	if (t->request && t->prepare && t->step && t->ended)
		return t;
	cxtp_triggers_destroy(t);
	return NULL;
}

void cxtp_triggers_destroy(struct cxtp_triggers *t)
{
	if (!t)
		return;
	bus_unsubscribe(t->request);
	bus_unsubscribe(t->prepare);
	bus_unsubscribe(t->step);
	bus_unsubscribe(t->ended);
	free(t);
}

void cxtp_triggers_reload(struct cxtp_triggers *t, const struct cxtp_config *cfg)
{
	t->cfg = cfg;
}
