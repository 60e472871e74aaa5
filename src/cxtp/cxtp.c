/*
 * CXTP, the Context Transfer Protocol (RFC 4067): what a router knows of a mobile moves with it.
 *
 * A mobile about to move sends a CTAR to its router, the pAR: "my contexts to the nAR, here is a token". The token is an
 * HMAC under a key that pAR and mobile derive for this one transfer (cxtp_token.h). The pAR checks it, collects the
 * mobile's contexts from the registry of features (core/feature.h), and pushes them to the nAR together with that key
 * (PCTD). At the nAR they wait. Arrived there, the mobile always sends its CTAR again, to the nAR: with the key the nAR
 * checks the token, wipes the key, puts the contexts in force, and says so to the pAR (CTDR) and to the mobile (CTAA).
 *
 *   MN ──CTAR──▶ pAR ──PCTD──▶ nAR                 predictive: announced
 *   MN ─────────CTAR─────────▶ nAR ──CTDR──▶ pAR
 *
 *   MN ─────────CTAR─────────▶ nAR ──CT-Req──▶ pAR ──CTD──▶ nAR ──CTDR──▶ pAR       reactive: not announced, or lost
 *
 * When the push is not there, the nAR passes the CTAR's token to the pAR (CT-Req), which checks it and sends the contexts
 * without a key (CTD). Who holds the key checks the token; nothing is installed before.
 *
 * Between routers: SCTP, one association a neighbour, up before any mobile moves, unordered, each message with a lifetime
 * of max_transfer_time, and only while the neighbour's protection is up (cxtp_router.c). Between mobile and router:
 * ICMP with hop limit 255 (cxtp_icmp.c). The machines (cxtp_par.c, cxtp_nar.c, cxtp_mn.c) know neither. Timelines get their
 * notes through cxtp_trail.c, the network's own triggers come in through cxtp_trigger.c, and cxtp_hold.c keeps the traffic of
 * mobiles that wait for their contexts. On the bus: a mobile hears BUS_HANDOVER_PREPARE (its FBU left) and BUS_MOBILE_ATTACHED; the
 * nAR and the mobile say BUS_CONTEXTS_DONE; the nAR hears of contexts that took their time (BUS_CONTEXT_INSTALLED).
 *
 * Other transports (§3.1, §3.2, both MAY): between routers, SCTP can be put into UDP (RFC 6951), which passes what plain SCTP
 * does not, and keeps congestion control and retransmission; a CXTP over UDP would have to invent both. On the link, the
 * mobile's announcement can ride in FMIPv6's FBU (cxtp.piggyback; BUS_HANDOVER_RIDER).
 */
#include "cxtp/cxtp.h"

#include <stdlib.h>

#include "core/log.h"
#include "core/output.h"
#include "cxtp/cxtp_config.h"
#include "cxtp/cxtp_count.h"
#include "cxtp/cxtp_mobile.h"
#include "cxtp/cxtp_router.h"
#include "net/sctp.h"

#define TRAILS 256

static struct {
	struct core *core;
	struct cxtp_params params;
	struct cxtp_icmp *icmp;
	struct cxtp_trails *trails;
	struct cxtp_router *router; /* role access-router */
	struct cxtp_mobile *mobile; /* role mobile-node */
} cxtp;

/* A router takes CTARs, a mobile CTAAs; the other kind is somebody else's. */
static void received(const struct cxtp_link *from, const struct cxtp_message *m, void *arg)
{
	LOG_DEBUG("cxtp", "received message=%s mobile=%s peer=%s", cxtp_type_name(m->type), ADDR(&m->mobile), ADDR(&from->peer));
	if (cxtp.router && m->type == CXTP_CTAR)
		cxtp_router_ctar(cxtp.router, from, m);
	else if (cxtp.mobile && m->type == CXTP_CTAA)
		cxtp_mobile_ctaa(cxtp.mobile, from, m);
	else
		cxtp_refuse(CXTP_UNEXPECTED, loop_now(cxtp.core->loop), cxtp_type_name(m->type), &m->mobile, &from->peer, "not-our-role");
}

static void stop(struct core *core)
{
	cxtp_router_destroy(cxtp.router);
	cxtp_mobile_destroy(cxtp.mobile);
	cxtp_icmp_close(cxtp.icmp);
	cxtp_trails_destroy(cxtp.trails);
	cxtp.router = NULL;
	cxtp.mobile = NULL;
	cxtp.icmp = NULL;
	cxtp.trails = NULL;
}

static int start(struct core *core, const void *cfg)
{
	bool router = core->settings->role == ROLE_ACCESS_ROUTER;
	cxtp.core = core;
	cxtp_config_params(cfg, &cxtp.params);
	cxtp.trails = cxtp_trails_create(core->loop, core->bus, core->handovers, TRAILS);
	cxtp.icmp = cxtp.trails ? cxtp_icmp_open(core->loop, received, NULL) : NULL;
	if (cxtp.icmp && router)
		cxtp.router = cxtp_router_create(core, cfg, &cxtp.params, &cxtp.icmp, cxtp.trails);
	else if (cxtp.icmp)
		cxtp.mobile = cxtp_mobile_create(core, &cxtp.params, &cxtp.icmp, cxtp.trails);
	if (cxtp.router || cxtp.mobile)
		return 0;
	LOG_ERROR("cxtp", "context transfer could not start role=%s", router ? "access-router" : "mobile-node");
	stop(core);
	return -1;
}

static void reload(struct core *core, const void *cfg)
{
	cxtp_config_params(cfg, &cxtp.params);
	if (cxtp.router)
		cxtp_router_reload(cxtp.router, cfg);
}

static void show_transfers(struct core *core, struct output *o)
{
	out_list_begin(o, NULL);
	if (cxtp.router)
		cxtp_router_show(cxtp.router, o);
	out_list_end(o);
}

static const struct counter_set more[] = { { .module = "sctp", .counters = sctp_counters, .n = SCTP_COUNTERS }, { 0 } };
static const char *const needs[] = { "net", NULL };
static const struct module_show shows[] = {
	{ "transfers", "context transfers under way, and those not yet forgotten", show_transfers },
	{ 0 },
};

const struct module cxtp_module = {
	.name = "cxtp",
	.needs = needs,
	.roles = MODULE_ROLE(ROLE_ACCESS_ROUTER) | MODULE_ROLE(ROLE_MOBILE_NODE),
	.config = &cxtp_config_table,
	.counters = { .module = "cxtp", .counters = cxtp_counters, .n = CXTP_COUNTERS },
	.more_counters = more,
	.shows = shows,
	.check = cxtp_config_check,
	.start = start,
	.reload = reload,
	.stop = stop,
};
