/*
 * The module "net": opens the kernel to the modules above and leaves it as it was found.
 *
 * A start first removes what an earlier life left, whatever its end was. A stop takes down the paths, then sweeps once
 * more, for what a module above may have forgotten.
 */
#include "net/net.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/bus.h"
#include "core/log.h"
#include "core/settings.h"
#include "net/sight.h"

struct net_config {
	struct config_where where;
	int64_t protocol;
	int tunnel; /* enum tunnel_form */
	int64_t table;
	int64_t paths;
	int64_t hop_limit;
};

/* What the module keeps besides what it offers. */
struct net_module {
	struct net net;
	struct core *core;
	struct rtnl_sub *sub;
	struct carrier *carriers;
};

/* The last carrier state told of an interface that the configuration names. */
struct carrier {
	int ifindex;
	bool up;
	struct carrier *next;
};

static const char *const forms[] = { [TUNNEL_AUTO] = "auto", [TUNNEL_IP6TNL] = "ip6tnl", [TUNNEL_TUN] = "tun", NULL };

static const struct config_item items[] = {
	{ .name = "protocol", .type = CONFIG_INT, .offset = offsetof(struct net_config, protocol), .preset = "200", .min = 4, .max = 255,
	  .help = "The rtnetlink protocol number that routes, rules, neighbour entries and addresses of handoverd carry; routing "
	          "daemons redistribute by it, and a start removes whatever still carries it." },
	{ .name = "tunnel", .type = CONFIG_ENUM, .offset = offsetof(struct net_config, tunnel), .preset = "auto", .choices = forms,
	  .help = "How tunnels are made: \"ip6tnl\" by the kernel, \"tun\" in user space, \"auto\" by the kernel if it can." },
	{ .name = "table", .type = CONFIG_INT, .offset = offsetof(struct net_config, table), .preset = "7000", .min = 256,
	  .max = 32000, .help = "Priority of our rules, and the number before the first of the 65 routing tables they lead to." },
	{ .name = "paths", .type = CONFIG_INT, .offset = offsetof(struct net_config, paths), .preset = "4096", .min = 1,
	  .max = 1 << 20, .help = "Addresses that can be held or tunnelled at the same time." },
	{ .name = "hop_limit", .type = CONFIG_INT, .offset = offsetof(struct net_config, hop_limit), .preset = "64", .min = 1,
	  .max = 255, .help = "Hop limit of tunnel headers." },
	{ 0 },
};

static const struct config_table table = { "net", sizeof(struct net_config), items };

static struct paths_config paths_config(const struct settings *s, const struct net_config *cfg)
{
	return (struct paths_config){
		.tunnel = (enum tunnel_form)cfg->tunnel,
		.hold_limit = s->hold.limit,
		.hold_limit_mobile = s->hold.limit_mobile,
		.table = (uint32_t)cfg->table,
		.limit = (uint32_t)cfg->paths,
		.hop_limit = (uint8_t)cfg->hop_limit,
	};
}

/* -- carrier --------------------------------------------------------------------------------------------------------- */

static bool configured(const struct settings *s, const char *ifname)
{
	const struct setting_interface *list = s->interfaces.items;
	for (size_t i = 0; i < s->interfaces.n; i++)
		if (strcmp(list[i].name, ifname) == 0)
			return true;
	return false;
}

static struct carrier **carrier_find(struct net_module *m, int ifindex)
{
	struct carrier **c = &m->carriers;
	while (*c && (*c)->ifindex != ifindex)
		c = &(*c)->next;
	return c;
}

static void carrier_tell(struct net_module *m, int ifindex, bool up)
{
	struct bus_note note = { .topic = BUS_LINK, .at = loop_now_fresh(m->core->loop) };
	note.u.link.ifindex = ifindex;
	note.u.link.up = up;
	bus_publish(m->core->bus, &note);
}

static void carrier_forget(struct carrier **at)
{
	struct carrier *c = *at;
	*at = c->next;
	free(c);
}

/* An interface that appears is told of when it comes up; one that goes, as down. */
static void carrier_take(struct net_module *m, int ifindex, bool up, bool tell)
{
	struct carrier **at = carrier_find(m, ifindex), *c = *at;
	if (!c) {
		c = calloc(1, sizeof *c);
		if (!c)
			return;
		c->ifindex = ifindex;
		*at = c;
	}
	if (c->up == up)
		return;
	c->up = up;
	if (tell)
		carrier_tell(m, ifindex, up);
}

static void on_rtnl(const struct rtnl_note *n, void *arg)
{
	struct net_module *m = arg;
	if (n->event == RTNL_LINK_GONE) {
		struct carrier **c = carrier_find(m, n->ifindex);
		if (!*c)
			return;
		bool was_up = (*c)->up;
		carrier_forget(c);
		if (was_up)
			carrier_tell(m, n->ifindex, false);
		return;
	}
	if (n->event != RTNL_LINK)
		return;
	const struct rtnl_link *link = rtnl_link_by_index(m->net.rtnl, n->ifindex);
	if (link && configured(m->core->settings, link->name))
		carrier_take(m, n->ifindex, n->carrier, true);
}

/* The links as they are now: who starts after us asks rtnl; only changes are told. */
static void carriers_learn(struct net_module *m, bool tell)
{
	const struct setting_interface *list = m->core->settings->interfaces.items;
	for (size_t i = 0; i < m->core->settings->interfaces.n; i++) {
		const struct rtnl_link *link = rtnl_link_by_name(m->net.rtnl, list[i].name);
		if (link)
			carrier_take(m, link->ifindex, link->carrier, tell);
		else
			LOG_NOTICE("net", "interface is not there yet interface=%s", list[i].name);
	}
}

/* -- life ------------------------------------------------------------------------------------------------------------ */

static void warn_forwarding(const struct settings *s)
{
	char c = '0';
	int fd = open("/proc/sys/net/ipv6/conf/all/forwarding", O_RDONLY | O_CLOEXEC);
	bool known = fd >= 0 && read(fd, &c, 1) == 1;
	if (fd >= 0)
		close(fd);
	if (s->role != ROLE_MOBILE_NODE && known && c == '0')
		LOG_WARNING("net", "this router does not forward IPv6 sysctl=net.ipv6.conf.all.forwarding value=0 needed=1");
}

static void net_free(struct net_module *m)
{
	paths_close(m->net.paths);
	frames_close(m->net.frames);
	if (m->net.rtnl) {
		rtnl_unsubscribe(m->sub);
		rtnl_sweep(m->net.rtnl);
		rtnl_close(m->net.rtnl);
	}
	while (m->carriers)
		carrier_forget(&m->carriers);
	m->core->net = NULL;
	free(m);
}

static int net_open(struct net_module *m, const struct net_config *cfg)
{
	struct paths_config pc = paths_config(m->core->settings, cfg);
	m->net.rtnl = rtnl_open(m->core->loop, (uint8_t)cfg->protocol);
	if (!m->net.rtnl)
		return -1;
	int swept = rtnl_sweep(m->net.rtnl);
	if (swept)
		LOG_NOTICE("net", "removed what an earlier life left things=%d", swept);
	m->net.frames = frames_open();
	m->net.paths = paths_open(m->core->loop, m->net.rtnl, &pc);
	m->sub = rtnl_subscribe(m->net.rtnl, on_rtnl, m);
	return m->net.frames && m->net.paths && m->sub ? 0 : -1;
}

static int net_start(struct core *core, const void *cfg)
{
	struct net_module *m = calloc(1, sizeof *m);
	if (!m)
		return -1;
	m->core = core;
	if (net_open(m, cfg) < 0) {
		net_free(m);
		return -1;
	}
	core->net = &m->net;
	carriers_learn(m, false);
	warn_forwarding(core->settings);
	return 0;
}

static struct net_module *module_of(struct net *net)
{
	return (struct net_module *)(void *)net; /* its first member */
}

static void net_reload(struct core *core, const void *arg)
{
	const struct net_config *cfg = arg;
	struct net_module *m = module_of(core->net);
	struct paths_config pc = paths_config(core->settings, cfg);
	rtnl_set_protocol(m->net.rtnl, (uint8_t)cfg->protocol);
	paths_reconfigure(m->net.paths, &pc);
	for (struct carrier **c = &m->carriers; *c;) {
		const struct rtnl_link *link = rtnl_link_by_index(m->net.rtnl, (*c)->ifindex);
		if (link && configured(core->settings, link->name))
			c = &(*c)->next;
		else
			carrier_forget(c);
	}
	carriers_learn(m, false);
}

static void net_stop(struct core *core)
{
	if (core->net)
		net_free(module_of(core->net));
}

static void show_tunnels(struct core *core, struct output *o)
{
	if (core->net)
		paths_show(core->net->paths, o);
}

static const struct module_show shows[] = {
	{ "tunnels", "held and tunnelled addresses, and tunnel ends", show_tunnels },
	{ 0 },
};

static const struct counter_set more[] = { { "net", rtnl_counters, RTNL_COUNTERS }, { "net", sight_counters, SIGHT_COUNTERS }, { 0 } };

const struct module net_module = {
	.name = "net",
	.roles = MODULE_ALL_ROLES,
	.config = &table,
	.counters = { "net", path_counters, PATH_COUNTERS },
	.more_counters = more,
	.shows = shows,
	.start = net_start,
	.reload = net_reload,
	.stop = net_stop,
};
