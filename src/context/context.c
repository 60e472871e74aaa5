#include "context/context.h"

#include <stdlib.h>

#include "context/binding.h"
#include "context/context_count.h"
#include "context/context_part.h"
#include "context/flows.h"
#include "context/mcast.h"
#include "context/program.h"
#include "context/program_socket.h"
#include "context/rate.h"
#include "core/log.h"
#include "core/output.h"
#include "net/conntrack.h"

static const struct context_part *const parts[] = { &mld_part, &multicast4_part, &multicast6_part, &binding_part,
	                                           &flows_part, &rate_part };
#define PARTS (sizeof parts / sizeof parts[0])

static bool up[PARTS];

static bool part_wanted(const struct context_part *p, const struct context_config *c)
{
	return !p->wanted || p->wanted(c);
}

static int part_start(struct core *core, size_t i, const struct context_config *c)
{
	const struct context_part *p = parts[i];
	p->feature->fpt = context_fpt(c, p->feature->name);
	int rc = p->start(core, c);
	if (rc)
		return rc;
	rc = feature_register(p->feature);
	if (rc < 0) {
		LOG_ERROR("context", "feature cannot be registered feature=%s fpt=%u", p->feature->name, p->feature->fpt);
		p->stop();
		return -1;
	}
	up[i] = true;
	return 0;
}

static void part_stop(size_t i)
{
	if (!up[i])
		return;
	feature_unregister(parts[i]->feature);
	parts[i]->stop();
	up[i] = false;
}

static void stop(struct core *core)
{
	programs_stop();
	for (size_t i = PARTS; i-- > 0;)
		part_stop(i);
	feature_policy(NULL, NULL);
}

static int start(struct core *core, const void *cfg)
{
	const struct context_config *c = cfg;
	feature_policy(&c->offer, &c->accept);
	for (size_t i = 0; i < PARTS; i++) {
		if (part_wanted(parts[i], c) && part_start(core, i, c) < 0) {
			stop(core);
			return -1;
		}
	}
	if (programs_start(core, c) == 0)
		return 0;
	stop(core);
	return -1;
}

/* Numbers may be exchanged among features: all are free before the first one is taken. */
static void renumber(const struct context_config *c)
{
	for (size_t i = 0; i < PARTS; i++)
		if (up[i])
			feature_unregister(parts[i]->feature);
	for (size_t i = 0; i < PARTS; i++) {
		if (!up[i])
			continue;
		parts[i]->feature->fpt = context_fpt(c, parts[i]->feature->name);
		if (feature_register(parts[i]->feature) < 0)
			LOG_ERROR("context", "feature cannot be registered feature=%s fpt=%u", parts[i]->feature->name,
			          parts[i]->feature->fpt);
	}
}

static void reload(struct core *core, const void *cfg)
{
	const struct context_config *c = cfg;
	feature_policy(&c->offer, &c->accept);
	programs_release();
	for (size_t i = 0; i < PARTS; i++)
		if (!part_wanted(parts[i], c))
			part_stop(i);
	renumber(c);
	for (size_t i = 0; i < PARTS; i++) {
		if (up[i] && parts[i]->reload)
			parts[i]->reload(c);
		else if (!up[i] && part_wanted(parts[i], c))
			part_start(core, i, c);
	}
	programs_reload(c);
}

static void show_contexts(struct core *core, struct output *o)
{
	out_list_begin(o, NULL);
	for (size_t i = 0; i < PARTS; i++)
		if (up[i] && parts[i]->show)
			parts[i]->show(o);
	programs_show_contexts(o);
	out_list_end(o);
}

static void show_programs(struct core *core, struct output *o)
{
	out_list_begin(o, NULL);
	programs_show(o);
	out_list_end(o);
}

static void show_multicast(struct core *core, struct output *o)
{
	out_list_begin(o, NULL);
	mcast_show_streams(o);
	out_list_end(o);
}

static void show_features(struct core *core, struct output *o)
{
	const struct feature *all[FEATURES_MAX];
	size_t n = features(all, FEATURES_MAX);
	out_list_begin(o, NULL);
	for (size_t i = 0; i < n; i++) {
		out_item_begin(o, NULL);
		out_uint(o, "fpt", all[i]->fpt);
		out_str(o, "name", all[i]->name);
		out_bool(o, "offered", feature_offered(all[i]));
		out_bool(o, "accepted", feature_accepted(all[i]));
		out_item_end(o);
	}
	out_list_end(o);
}

static const char *const needs[] = { "net", NULL };
static const struct module_show shows[] = {
	{ "contexts", "what is kept here for mobiles and would move with them", show_contexts },
	{ "features", "which contexts this router gives away and takes", show_features },
	{ "multicast", "multicast streams and where they are forwarded", show_multicast },
	{ "programs", "programs with contexts of their own", show_programs },
	{ 0 },
};

static const struct counter_set more_counters[] = {
	{ "context", binding_counters, BINDING_COUNTERS },
	{ "context", program_counters, PROGRAM_COUNTERS },
	{ "context", program_socket_counters, PROGRAM_SOCKET_COUNTERS },
	{ "conntrack", conntrack_counters, CONNTRACK_COUNTERS },
	{ 0 },
};

const struct module context_module = {
	.name = "context",
	.needs = needs,
	.roles = MODULE_ROLE(ROLE_ACCESS_ROUTER),
	.config = &context_table,
	.counters = { "context", context_counters, CONTEXT_COUNTERS },
	.more_counters = more_counters,
	.shows = shows,
	.check = context_check,
	.start = start,
	.reload = reload,
	.stop = stop,
};
