/*
 * Mobile IPv6: a mobile keeps its home address wherever it is. Its home agent, a router on the home link, answers there for the
 * address, and sends what comes for it through a tunnel to where the mobile says it is, its care-of address; what the mobile sends
 * comes back through the tunnel. The mobile tells by Binding Updates, under an authenticator (RFC 4285), and tells again before the
 * lifetime is over.
 *
 *   mip6_wire, mip6_auth   the messages
 *   mip6_ha, _ha_binding   the home agent's binding cache, a machine
 *   mip6_agent             that machine's sockets and tunnels
 *   mip6_dhaad             which home agents are on the home link
 *   mip6_mn, mip6_link     the mobile's registration, and which link it is on: machines
 *   mip6_renew, mip6_mpd   how long its home addresses live: a machine, and its messages; mip6_ha_prefix is the home agent's side
 *   mip6_seek              which home agents its home link has: a machine
 *   mip6_mobile            their sockets, tunnel and addresses (mip6_ground), and what they have to do with a fast handover
 */
#include "mip6/mip6.h"

#include "core/log.h"
#include "core/mobile.h"
#include "core/output.h"
#include "core/settings.h"
#include "mip6/mip6_agent.h"
#include "mip6/mip6_mn.h"
#include "mip6/mip6_mobile.h"

static struct {
	struct mip6_params params; /* in force; the machines look here */
	struct mip6_agent *agent;
	struct mip6_mobile *mobile; /* NULL: it has no home address */
} mip6;

static void warn_unprotected(const struct mip6_params *p)
{
	if (p->prefixes)
		LOG_WARNING("mip6", "nothing secures Mobile Prefix Solicitations and Advertisements here; they are for networks that do (RFC 4285 "
		            "section 2) prefixes=true");
	if (p->auth == MIP6_AUTH_NONE)
		LOG_WARNING("mip6", "Binding Updates are not authenticated: whoever reaches this node can move any home address auth=none");
}

static bool needed(const struct core *core)
{
	return core->settings->role == ROLE_HOME_AGENT || !addr_is_zero(&mip6.params.home_address);
}

static int start(struct core *core, const void *cfg)
{
	mip6.params = *(const struct mip6_params *)cfg;
	if (!needed(core))
		return 0;
	warn_unprotected(&mip6.params);
	if (core->settings->role == ROLE_HOME_AGENT)
		mip6.agent = mip6_agent_create(core, &mip6.params);
	else
		mip6.mobile = mip6_mobile_create(core, &mip6.params);
	return mip6.agent || mip6.mobile ? 0 : -1;
}

static void stop(struct core *core)
{
	mip6_agent_destroy(mip6.agent);
	mip6_mobile_destroy(mip6.mobile);
	mip6.agent = NULL;
	mip6.mobile = NULL;
}

static bool same_further(const struct config_list *a, const struct config_list *b)
{
	const struct mip6_further_home *x = a->items, *y = b->items;
	bool same = a->n == b->n;
	for (size_t i = 0; same && i < a->n; i++)
		same = addr_eq(&x[i].address, &y[i].address) && x[i].prefix_length == y[i].prefix_length;
	return same;
}

static bool same_home(const struct mip6_params *a, const struct mip6_params *b)
{
	return same_further(&a->home_addresses, &b->home_addresses) && addr_eq(&a->home_address, &b->home_address) && addr_eq(&a->home_agent, &b->home_agent) &&
	       a->home_prefix_length == b->home_prefix_length;
}

static void reload(struct core *core, const void *cfg)
{
	const struct mip6_params *p = cfg;
	if (core->settings->role == ROLE_MOBILE_NODE && !same_home(p, &mip6.params)) { /* another mobile, as it were */
		stop(core);
		start(core, cfg);
		return;
	}
	if ((p->auth != mip6.params.auth || (p->prefixes && !mip6.params.prefixes)) && needed(core))
		warn_unprotected(p);
	mip6.params = *p;
	if (mip6.agent)
		mip6_agent_reload(mip6.agent);
	if (mip6.mobile)
		mip6_mobile_reload(mip6.mobile);
}

static void check_home(const struct settings *settings, const struct mip6_params *p, const struct config_where *at, const char *item,
                       const struct in6_addr *home, struct config_errors *errors)
{
	if (addr_eq(home, &p->home_agent) || addr_is_v4(home) || addr_is_multicast(home) || addr_is_link_local(home) || addr_is_zero(home))
		config_error(errors, at, "%s is no address that a mobile could have; write a global IPv6 address of the home link", item);
	else if (p->auth == MIP6_AUTH_RFC4285 && !mobile_key(settings, home))
		config_error(errors, at, "there is no key for %s; write mobiles = ( { address = \"%s\"; key = \"file:mobiles.key\"; } );", item,
		             ADDR(home));
}

static void check_mobile(const struct settings *settings, const struct mip6_params *p, struct config_errors *errors)
{
	const struct mip6_further_home *further = p->home_addresses.items;
	if (addr_is_zero(&p->home_address)) {
		if (p->home_addresses.n)
			config_error(errors, &p->where, "home_addresses without home_address; write the first one there: home_address = "
			             "\"2001:db8:1::5\";");
		return;
	}
	check_home(settings, p, &p->where, "home_address", &p->home_address, errors);
	for (size_t i = 0; i < p->home_addresses.n; i++) {
		check_home(settings, p, &further[i].where, "home_addresses", &further[i].address, errors);
		bool twice = addr_eq(&further[i].address, &p->home_address);
		for (size_t k = 0; k < i; k++)
			twice |= addr_eq(&further[i].address, &further[k].address);
		if (twice)
			config_error(errors, &further[i].where, "the home address %s is there twice; write each once", ADDR(&further[i].address));
	}
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
	if (settings->role == ROLE_MOBILE_NODE)
		check_mobile(settings, p, errors);
}

static void show_home(struct core *core, struct output *o)
{
	out_list_begin(o, NULL);
	if (mip6.agent)
		mip6_agent_show(mip6.agent, o);
	if (mip6.mobile)
		mip6_mobile_show(mip6.mobile, o);
	out_list_end(o);
}

static const char *const needs[] = { "net", NULL };
static const struct module_show shows[] = {
	{ "home", "home addresses and where their mobiles are", show_home },
	{ 0 },
};

static const struct counter_set more[] = { { "mip6", mip6_mn_counters, MIP6_MN_COUNTERS }, { 0 } };

const struct module mip6_module = {
	.name = "mip6",
	.needs = needs,
	.roles = MODULE_ROLE(ROLE_HOME_AGENT) | MODULE_ROLE(ROLE_MOBILE_NODE),
	.config = &mip6_table,
	.counters = { .module = "mip6", .counters = mip6_counters, .n = MIP6_COUNTERS },
	.more_counters = more,
	.shows = shows,
	.check = check,
	.start = start,
	.reload = reload,
	.stop = stop,
};
