#include "ctl/watch.h"

#include <assert.h>
#include <net/if.h>
#include <stdlib.h>

#include "core/bus.h"
#include "core/feature.h"
#include "core/handover.h"
#include "core/mobile.h"
#include "core/neighbor.h"

struct watch {
	struct core *core;
	const struct watch_ops *ops;
	void *arg;
	struct bus_sub *subs[BUS_TOPICS];
};

static void write_handover(const struct watch *w, const struct bus_note *n, struct output *o)
{
	const struct handover *h = n->u.handover.handover;
	char scenario[SCENARIO_STRLEN];

	out_uint(o, "id", h->id);
	out_addr(o, "mobile", &h->pcoa);
	out_str(o, "role", handover_role_name(h->role));
	out_str(o, "mode", handover_mode_name(h->mode));
	out_str(o, "from", h->from[0] ? h->from : addr_is_zero(&h->par) ? NULL : ADDR(&h->par));
	out_str(o, "to", h->to[0] ? h->to : addr_is_zero(&h->nar) ? NULL : ADDR(&h->nar));
	if (n->topic == BUS_HANDOVER_STEP) {
		enum handover_step s = (enum handover_step)n->u.handover.step;
		out_str(o, "step", (char[2]){ handover_step_letter(s) });
		out_str(o, "name", handover_step_name(s));
		out_msec(o, "ms", n->at - h->started);
	}
	out_str(o, "scenario", handover_scenario(h, scenario));
	if (n->topic == BUS_HANDOVER_ENDED) {
		out_str(o, "result", handover_result_name(h->result));
		out_str(o, "reason", h->reason);
		if (h->interruption)
			out_msec(o, "interruption_ms", h->interruption);
		else
			out_str(o, "interruption_ms", NULL);
		out_item_begin(o, "handover");
		handover_show(w->core->handovers, h, o);
		out_item_end(o);
	}
}

static void write_link(const struct watch *w, const struct bus_note *n, struct output *o)
{
	char name[IF_NAMESIZE];
	out_int(o, "ifindex", n->u.link.ifindex);
	out_str(o, "interface", if_indextoname((unsigned)n->u.link.ifindex, name));
	out_bool(o, "up", n->u.link.up);
	out_lladdr(o, "ap", &n->u.link.ap);
}

static void write_request(const struct watch *w, const struct bus_note *n, struct output *o)
{
	if (addr_is_zero(&n->u.request.mobile))
		out_str(o, "mobile", "self");
	else
		out_addr(o, "mobile", &n->u.request.mobile);
	out_lladdr(o, "ap", &n->u.request.ap);
	out_addr(o, "router", &n->u.request.router);
}

static void write_attach(const struct watch *w, const struct bus_note *n, struct output *o)
{
	const struct handover *h = n->u.attach.handover;
	if (h)
		out_uint(o, "id", h->id);
	out_addr(o, "mobile", addr_is_zero(&n->u.attach.previous) ? &n->u.attach.addr : &n->u.attach.previous);
	out_addr(o, "address", &n->u.attach.addr);
	out_lladdr(o, "lladdr", &n->u.attach.lladdr);
	out_int(o, "ifindex", n->u.attach.ifindex);
}

static void write_contexts(const struct watch *w, const struct bus_note *n, struct output *o)
{
	out_addr(o, "mobile", &n->u.contexts.previous);
	out_addr(o, "address", &n->u.contexts.addr);
	out_bool(o, "complete", n->u.contexts.complete);
}

static void write_installed(const struct watch *w, const struct bus_note *n, struct output *o)
{
	out_addr(o, "mobile", &n->u.installed.previous);
	out_uint(o, "fpt", n->u.installed.fpt);
	out_uint(o, "status", n->u.installed.status);
	out_str(o, "status_name", FEATURE_STATUS(n->u.installed.fpt, n->u.installed.status));
	out_str(o, "reason", n->u.installed.reason);
}

static void write_rider(const struct watch *w, const struct bus_note *n, struct output *o)
{
	out_addr(o, "mobile", &n->u.rider.handover->pcoa);
	out_uint(o, "octets", n->u.rider.len);
}

static void write_devolve(const struct watch *w, const struct bus_note *n, struct output *o)
{
	out_addr(o, "mobile", &n->u.devolve.handover->pcoa);
	out_uint(o, "id", n->u.devolve.handover->id);
	out_str(o, "reason", n->u.devolve.reason);
}

static void write_mobile(const struct watch *w, const struct bus_note *n, struct output *o)
{
	const struct mobile *m = n->u.mobile.mobile;
	out_addr(o, "mobile", &m->addrs[0]);
	out_lladdr(o, "lladdr", &m->lladdr);
	out_int(o, "ifindex", m->ifindex);
}

static void write_neighbor(const struct watch *w, const struct bus_note *n, struct output *o)
{
	out_str(o, "neighbor", n->u.neighbor.neighbor->name);
	out_addr(o, "address", &n->u.neighbor.neighbor->address);
	out_bool(o, "up", n->u.neighbor.up);
}

static void write_visit(const struct watch *w, const struct bus_note *n, struct output *o)
{
	out_addr(o, "address", &n->u.visit.addr);
	out_lladdr(o, "lladdr", &n->u.visit.lladdr);
	out_int(o, "ifindex", n->u.visit.ifindex);
	out_bool(o, "on", n->u.visit.on);
}

static void write_home(const struct watch *w, const struct bus_note *n, struct output *o)
{
	out_addr(o, "home", &n->u.home.addr);
	out_str(o, "owner", home_owner_name(n->u.home.owner));
	out_bool(o, "carried", n->u.home.carried);
}

static const struct {
	const char *event;
	void (*write)(const struct watch *w, const struct bus_note *n, struct output *o);
} topics[BUS_TOPICS] = {
	[BUS_LINK] = { "link", write_link },
	[BUS_HANDOVER_REQUEST] = { "handover-request", write_request },
	[BUS_HANDOVER_STARTED] = { "handover-started", write_handover },
	[BUS_HANDOVER_STEP] = { "handover-step", write_handover },
	[BUS_HANDOVER_ENDED] = { "handover-ended", write_handover },
	[BUS_HANDOVER_PREPARE] = { "handover-prepare", write_handover },
	[BUS_HANDOVER_DEVOLVE] = { "handover-devolve", write_devolve },
	[BUS_HANDOVER_RIDER] = { "handover-rider", write_rider },
	[BUS_MOBILE_ATTACHED] = { "attached", write_attach },
	[BUS_CONTEXTS_DONE] = { "contexts", write_contexts },
	[BUS_CONTEXT_INSTALLED] = { "context", write_installed },
	[BUS_MOBILE_ADDED] = { "mobile-added", write_mobile },
	[BUS_MOBILE_REMOVED] = { "mobile-removed", write_mobile },
	[BUS_NEIGHBOR_PROTECTION] = { "neighbor-protection", write_neighbor },
	[BUS_NEIGHBOR_ASSOCIATION] = { "neighbor-association", write_neighbor },
	[BUS_MOBILE_VISITS] = { "visit", write_visit },
	[BUS_HOME] = { "home-address", write_home },
};

static struct output *begin(const struct watch *w, enum form form, struct textbuf *b, const char *event, usec_t at)
{
	uint64_t realtime = loop_realtime(w->core->loop, at);
	struct output *o = writer_create(form, b);
	if (!o)
		return NULL;
	out_item_begin(o, NULL);
	out_time(o, "time", realtime);
	out_str(o, "event", event);
	out_uint(o, "at_us", realtime);
	return o;
}

static bool finish(struct output *o)
{
	out_item_end(o);
	return writer_finish(o) == 0;
}

static const enum form forms[] = { FORM_LINE, FORM_JSON };
#define FORMS (sizeof forms / sizeof forms[0])

static void hear(struct bus_note *note, void *arg)
{
	struct watch *w = arg;
	for (size_t i = 0; i < FORMS; i++) {
		if (!w->ops->wanted(forms[i], w->arg))
			continue;
		struct textbuf b = { 0 };
		struct output *o = begin(w, forms[i], &b, topics[note->topic].event, note->at);
		if (o) {
			topics[note->topic].write(w, note, o);
			if (finish(o))
				w->ops->event(forms[i], b.data, b.len, w->arg);
		}
		textbuf_free(&b);
	}
}

void watch_reloaded(struct watch *w, const char *failure)
{
	for (size_t i = 0; i < FORMS; i++) {
		if (!w->ops->wanted(forms[i], w->arg))
			continue;
		struct textbuf b = { 0 };
		struct output *o = begin(w, forms[i], &b, "reload", loop_now(w->core->loop));
		if (o) {
			out_str(o, "result", failure ? "refused" : "complete");
			out_str(o, "reason", failure ? failure : "");
			if (finish(o))
				w->ops->event(forms[i], b.data, b.len, w->arg);
		}
		textbuf_free(&b);
	}
}

void watch_greet(struct watch *w, enum form form, struct textbuf *out)
{
	struct output *o = begin(w, form, out, "watching", loop_now(w->core->loop));
	if (o)
		finish(o);
}

struct watch *watch_create(struct core *core, const struct watch_ops *ops, void *arg)
{
	struct watch *w = calloc(1, sizeof *w);
	if (!w)
		return NULL;
	w->core = core;
	w->ops = ops;
	w->arg = arg;
	for (unsigned t = 0; t < BUS_TOPICS; t++) {
		assert(topics[t].write); /* a topic without words is found out at the first start, not by the first who watches */
		w->subs[t] = bus_subscribe(core->bus, (enum bus_topic)t, hear, w);
		if (!w->subs[t]) {
			watch_destroy(w);
			return NULL;
		}
	}
	return w;
}

void watch_destroy(struct watch *w)
{
	if (!w)
		return;
	for (unsigned t = 0; t < BUS_TOPICS; t++)
		bus_unsubscribe(w->subs[t]);
	free(w);
}
