#include "context/context.h"

#include <stdlib.h>

#include "context/context_config.h"
#include "context/context_count.h"
#include "context/mld.h"
#include "core/output.h"

static struct mld *mld; /* NULL: not enabled */

static int start(struct core *core, const void *cfg)
{
	const struct context_config *c = cfg;
	if (!c->multicast.enabled)
		return 0;
	mld = mld_start(core, &c->multicast);
	return mld ? 0 : -1;
}

static void reload(struct core *core, const void *cfg)
{
	const struct context_config *c = cfg;
	if (mld && c->multicast.enabled) {
		mld_reload(mld, &c->multicast);
		return;
	}
	mld_stop(mld);
	mld = c->multicast.enabled ? mld_start(core, &c->multicast) : NULL;
}

static void stop(struct core *core)
{
	mld_stop(mld);
	mld = NULL;
}

static void show_contexts(struct core *core, struct output *o)
{
	out_list_begin(o, NULL);
	mld_show_contexts(mld, o);
	out_list_end(o);
}

static void show_multicast(struct core *core, struct output *o)
{
	out_list_begin(o, NULL);
	mld_show_multicast(mld, o);
	out_list_end(o);
}

static const char *const needs[] = { "net", NULL };
static const struct module_show shows[] = {
	{ "contexts", "what is kept here for mobiles and would move with them", show_contexts },
	{ "multicast", "multicast streams and where they are forwarded", show_multicast },
	{ 0 },
};

const struct module context_module = {
	.name = "context",
	.needs = needs,
	.roles = MODULE_ROLE(ROLE_ACCESS_ROUTER),
	.config = &context_table,
	.counters = { "context", context_counters, CONTEXT_COUNTERS },
	.shows = shows,
	.check = context_check,
	.start = start,
	.reload = reload,
	.stop = stop,
};
