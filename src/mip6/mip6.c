/*
 * Mobile IPv6: a mobile keeps its home address wherever it is. Its home agent, a router on the home link, answers there for the
 * address, and sends what comes for it through a tunnel to where the mobile says it is, its care-of address; what the mobile sends
 * comes back through the tunnel. The mobile tells by Binding Updates, under an authenticator (RFC 4285), and tells again before the
 * lifetime is over.
 *
 *   mip6_wire, mip6_auth   the messages
 *   mip6_ha                the home agent's binding cache, a machine
 *   mip6_agent             that machine's sockets and tunnels
 */
#include "mip6/mip6.h"

#include "core/log.h"
#include "core/output.h"
#include "core/settings.h"
#include "mip6/mip6_agent.h"

static struct {
	struct mip6_params params; /* in force; the machines look here */
	struct mip6_agent *agent;
} mip6;

static void warn_unprotected(const struct mip6_params *p)
{
	if (p->auth == MIP6_AUTH_NONE)
		LOG_WARNING("mip6", "Binding Updates are not authenticated: whoever reaches this node can move any home address auth=none");
}

static int start(struct core *core, const void *cfg)
{
	mip6.params = *(const struct mip6_params *)cfg;
	warn_unprotected(&mip6.params);
	mip6.agent = mip6_agent_create(core, &mip6.params);
	return mip6.agent ? 0 : -1;
}

static void reload(struct core *core, const void *cfg)
{
	const struct mip6_params *p = cfg;
	if (p->auth != mip6.params.auth)
		warn_unprotected(p);
	mip6.params = *p;
	mip6_agent_reload(mip6.agent);
}

static void stop(struct core *core)
{
	mip6_agent_destroy(mip6.agent);
	mip6.agent = NULL;
}

static void check(const struct settings *settings, const void *cfg, struct config_errors *errors)
{
	const struct mip6_params *p = cfg;
	if (p->auth == MIP6_AUTH_IPSEC)
		config_error(errors, &p->where, "mip6.auth is \"ipsec\", which needs the module vpn, and this handoverd has none; write "
		             "\"rfc4285\", with the mobiles' keys");
	if (settings->role == ROLE_HOME_AGENT && p->auth == MIP6_AUTH_RFC4285 && !settings->mobiles.n)
		config_error(errors, &settings->where, "role \"home-agent\" needs the keys of its mobiles; write mobiles = ( { prefix = "
		             "\"2001:db8:1::/64\"; key = \"file:mobiles.key\"; } );");
}

static void show_home(struct core *core, struct output *o)
{
	out_list_begin(o, NULL);
	if (mip6.agent)
		mip6_agent_show(mip6.agent, o);
	out_list_end(o);
}

static const char *const needs[] = { "net", NULL };
static const struct module_show shows[] = {
	{ "home", "home addresses and where their mobiles are", show_home },
	{ 0 },
};

const struct module mip6_module = {
	.name = "mip6",
	.needs = needs,
	.roles = MODULE_ROLE(ROLE_HOME_AGENT),
	.config = &mip6_table,
	.counters = { .module = "mip6", .counters = mip6_counters, .n = MIP6_COUNTERS },
	.shows = shows,
	.check = check,
	.start = start,
	.reload = reload,
	.stop = stop,
};
