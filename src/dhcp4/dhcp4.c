/*
 * DHCPv4 for clients that keep their address on another router's link. A phone asks DHCP again whenever its link comes up; the
 * server of the new link would refuse the address that it asks for, or give it another, and every session would end. So such a
 * client is relayed to the server that it has its lease from (dhcp4_relay.c says whose these are and how), and the server here
 * is kept quiet (net/dhcp4_port.h).
 *
 *   client ──DISCOVER, REQUEST──▶ this router ──(giaddr, option 82)──▶ server of the link that it came from
 *   client ◀──OFFER, ACK, NAK──── this router ◀───────────────────────
 *
 * dhcp4_wire.c has the bytes, dhcp4_relay.c the machine; this file wires it to the links, the table of neighbours and the bus.
 */
#include "dhcp4/dhcp4.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/bus.h"
#include "core/neighbor.h"
#include "core/output.h"
#include "core/settings.h"
#include "dhcp4/dhcp4_relay.h"
#include "net/dhcp4_port.h"
#include "net/net.h"

#define LINKS_MAX 64
#define PREFIXES_MAX 64
#define GUARD_SHARE 4 /* the guard is changed no oftener than so many times what it takes */

static struct {
	struct core *core;
	struct dhcp4_params params;
	struct dhcp4_relay *relay;
	struct dhcp4_port *port;
	struct bus_sub *visits;
	struct rtnl_sub *rtnl;
	struct timer guard; /* changes are made together */
	usec_t guard_next;  /* not before */
	int links[LINKS_MAX];
	size_t links_n;
} me;

static const char *const modes[] = { [DHCP4_NONE] = "none", [DHCP4_VISITORS] = "visitors", [DHCP4_ALL] = "all", NULL };

#define AT(member) .offset = offsetof(struct dhcp4_params, member)
static const struct config_item items[] = {
	{ .name = "relay", .type = CONFIG_ENUM, AT(relay), .preset = "visitors", .choices = modes,
	  .help = "Whose DHCP for IPv4 goes to the server of the link that they came from: that of mobiles which FMIPv6 knows to keep an "
	          "address of a neighbour's link; with \"all\" also that of clients nobody has announced (yet), if they ask for such an "
	          "address." },
	{ .name = "timeout", .type = CONFIG_DURATION, AT(timeout), .preset = "8s", .min = (int64_t)(100 * USEC_MSEC),
	  .max = (int64_t)(600 * USEC_SEC),
	  .help = "How long that server may leave a client without an answer before the server of this link may answer it." },
	{ .name = "rate", .type = CONFIG_INT, AT(rate), .preset = "200", .min = 1, .max = 100000, .help = "Messages relayed in a second." },
	{ .name = "client_rate", .type = CONFIG_INT, AT(client_rate), .preset = "5", .min = 1, .max = 1000,
	  .help = "Messages relayed in a second for one client; twice as many at once." },
	{ .name = "clients", .type = CONFIG_INT, AT(clients), .preset = "4096", .min = 1, .max = 65536,
	  .help = "Clients known at a time." },
	{ .name = NULL },
};
static const struct config_table table = { .name = "dhcp4", .size = sizeof(struct dhcp4_params), .items = items };

/* -- what the machine asks ------------------------------------------------------------------------------------------- */

static bool find_home(void *arg, const struct in6_addr *addr, struct dhcp4_home *out)
{
	const struct ap *ap = ap_of_prefix(me.core->neighbors, addr);
	if (!ap || !ap->neighbor || !ap->prefix4.plen)
		return false;
	*out = (struct dhcp4_home){ .server = addr_is_zero(&ap->dhcp4) ? ap->router4 : ap->dhcp4, .link = ap->router4, .prefix = ap->prefix4 };
	return true;
}

static bool find_link(void *arg, int ifindex, struct in6_addr *addr, char name[DHCP4_CIRCUIT_MAX])
{
	const struct rtnl_link *l = rtnl_link_by_index(me.core->net->rtnl, ifindex);
	if (!l || !rtnl_link_ipv4(me.core->net->rtnl, ifindex, addr))
		return false;
	memcpy(name, l->name, DHCP4_CIRCUIT_MAX);
	return true;
}

static bool find_local(void *arg, const struct in6_addr *server, struct in6_addr *out)
{
	return dhcp4_port_local(server, out);
}

static void send_datagram(void *arg, const struct dhcp4_udp *u)
{
	uint8_t out[DHCP4_PACKET_MAX];
	struct wr w = wr_make(out, sizeof out);
	dhcp4_udp_put_inner(&w, u);
	int rc = wr_ok(&w) ? dhcp4_port_send(me.port, &u->src, &u->dst, out, w.len) : -EMSGSIZE;
	if (rc < 0)
		LOG_DEBUG("dhcp4", "not sent peer=%s error=\"%s\"", ADDR(&u->dst), strerror(-rc));
}

static void to_client(void *arg, int ifindex, const struct lladdr *to, const void *packet, size_t len)
{
	int rc = frames_send(me.core->net->frames, ifindex, to, packet, len);
	if (rc < 0)
		LOG_DEBUG("dhcp4", "not sent client=%s error=\"%s\"", LLADDR(to), strerror(-rc));
}

static void guard_due(struct timer *t, void *arg)
{
	usec_t begun = loop_now_fresh(me.core->loop);
	(void)dhcp4_guard_apply();
	usec_t now = loop_now_fresh(me.core->loop);
	me.guard_next = now + GUARD_SHARE * (now - begun);
}

/* A deletion makes the kernel wait for all its processors: of many clients that leave each would stop everything for a while. */
static void guard(void *arg, const struct lladdr *l, bool on)
{
	usec_t now = loop_now(me.core->loop);
	if (dhcp4_guard_set(l, on) == 0 && !timer_armed(&me.guard))
		timer_at(&me.guard, me.guard_next > now ? me.guard_next : now);
}

static const struct dhcp4_relay_ops ops = { .home = find_home, .link = find_link, .local = find_local, .send = send_datagram,
	                                    .to_client = to_client, .guard = guard };

/* -- what comes in --------------------------------------------------------------------------------------------------- */

static bool is_access(int ifindex)
{
	const struct rtnl_link *l = rtnl_link_by_index(me.core->net->rtnl, ifindex);
	const struct setting_interface *all = me.core->settings->interfaces.items;
	for (size_t i = 0; l && i < me.core->settings->interfaces.n; i++)
		if (all[i].kind == INTERFACE_ACCESS && strcmp(all[i].name, l->name) == 0)
			return true;
	return false;
}

static void on_packet(const struct dhcp4_packet *p, void *arg)
{
	struct dhcp4_udp u;
	if (!dhcp4_udp_walk(p->packet, p->len, p->checksum_open, &u))
		dhcp4_counters[DHCP4_MALFORMED].value++;
	else if (!p->routed)
		dhcp4_relay_request(me.relay, p->ifindex, &p->from, &u);
	else if (u.len && u.data[0] == DHCP4_BOOTREPLY)
		dhcp4_relay_reply(me.relay, &u);
	else if (!is_access(p->ifindex)) /* else its frame has been looked at */
		dhcp4_relay_routed(me.relay, &u);
}

static void on_visit(struct bus_note *n, void *arg)
{
	dhcp4_relay_visit(me.relay, &n->u.visit.lladdr, &n->u.visit.addr, n->u.visit.on);
}

/* -- links and rules ------------------------------------------------------------------------------------------------- */

static void link_add(int ifindex)
{
	for (size_t i = 0; i < me.links_n; i++)
		if (me.links[i] == ifindex)
			return;
	int rc = me.links_n < LINKS_MAX ? dhcp4_port_add(me.port, ifindex) : -ENOSPC;
	if (rc < 0)
		LOG_WARNING("dhcp4", "clients of a link are not relayed interface=%d error=\"%s\"", ifindex, strerror(-rc));
	else
		me.links[me.links_n++] = ifindex;
}

static void link_del(int ifindex)
{
	for (size_t i = 0; i < me.links_n; i++) {
		if (me.links[i] != ifindex)
			continue;
		dhcp4_port_del(me.port, ifindex);
		me.links[i] = me.links[--me.links_n];
		return;
	}
}

static void links_sync(void)
{
	bool on = me.params.relay != DHCP4_NONE;
	const struct setting_interface *all = me.core->settings->interfaces.items;
	for (size_t i = me.links_n; i-- > 0;)
		if (!on || !is_access(me.links[i]))
			link_del(me.links[i]);
	for (size_t i = 0; on && i < me.core->settings->interfaces.n; i++) {
		const struct rtnl_link *l = rtnl_link_by_name(me.core->net->rtnl, all[i].name);
		if (l && all[i].kind == INTERFACE_ACCESS)
			link_add(l->ifindex);
	}
}

static void on_rtnl(const struct rtnl_note *n, void *arg)
{
	if (n->event == RTNL_LINK_GONE)
		link_del(n->ifindex);
	else if (n->event == RTNL_LINK || n->event == RTNL_RESYNC)
		links_sync();
}

struct prefixes {
	struct prefix list[PREFIXES_MAX];
	size_t n;
};

static void take_prefix(struct ap *ap, void *arg)
{
	struct prefixes *p = arg;
	if (!ap->neighbor || !ap->prefix4.plen || p->n == PREFIXES_MAX)
		return;
	for (size_t i = 0; i < p->n; i++)
		if (p->list[i].plen == ap->prefix4.plen && addr_eq(&p->list[i].addr, &ap->prefix4.addr))
			return;
	p->list[p->n++] = ap->prefix4;
}

static void guard_again(const struct dhcp4_view *v, void *arg)
{
	if (v->guarded)
		guard(NULL, &v->lladdr, true);
}

/* Without neighbours that have IPv4 there is nobody to guard, and no rule. */
static void rules_sync(void)
{
	const struct setting_interface *all = me.core->settings->interfaces.items;
	const char *names[LINKS_MAX];
	struct prefixes p = { .n = 0 };
	struct dhcp4_guard g = { .links = names, .prefixes = p.list };
	aps_each(me.core->neighbors, take_prefix, &p);
	for (size_t i = 0; i < me.core->settings->interfaces.n && g.links_n < LINKS_MAX; i++)
		if (all[i].kind == INTERFACE_ACCESS)
			names[g.links_n++] = all[i].name;
	if (!p.n || me.params.relay == DHCP4_NONE) {
		dhcp4_guard_close();
		return;
	}
	g.prefixes_n = me.params.relay == DHCP4_ALL ? p.n : 0;
	if (dhcp4_guard_open(&g) == 0)
		dhcp4_relay_each(me.relay, guard_again, NULL);
}

/* -- the module ------------------------------------------------------------------------------------------------------ */

static void stop(struct core *core)
{
	bus_unsubscribe(me.visits);
	rtnl_unsubscribe(me.rtnl);
	dhcp4_port_close(me.port);
	dhcp4_relay_destroy(me.relay);
	timer_stop(&me.guard);
	dhcp4_guard_close();
	memset(&me, 0, sizeof me);
}

static int start(struct core *core, const void *cfg)
{
	me.core = core;
	me.params = *(const struct dhcp4_params *)cfg;
	timer_init(&me.guard, core->loop, guard_due, NULL);
	me.relay = dhcp4_relay_create(core->loop, &me.params, &ops, NULL);
	me.port = dhcp4_port_open(core->loop, on_packet, NULL);
	me.visits = bus_subscribe(core->bus, BUS_MOBILE_VISITS, on_visit, NULL);
	me.rtnl = rtnl_subscribe(core->net->rtnl, on_rtnl, NULL);
	if (!me.relay || !me.port || !me.visits || !me.rtnl) {
		stop(core);
		return -1;
	}
	links_sync();
	rules_sync();
	return 0;
}

static void reload(struct core *core, const void *cfg)
{
	me.params = *(const struct dhcp4_params *)cfg;
	dhcp4_relay_reload(me.relay);
	links_sync();
	rules_sync();
}

static void show_client(const struct dhcp4_view *v, void *arg)
{
	struct output *o = arg;
	usec_t now = loop_now(me.core->loop);
	out_item_begin(o, NULL);
	out_lladdr(o, "client", &v->lladdr);
	out_addr(o, "address", &v->addr);
	out_bool(o, "visitor", v->visitor);
	out_bool(o, "guarded", v->guarded);
	out_bool(o, "given_up", v->given_up);
	out_uint(o, "lease_s", v->leased_until > now ? (v->leased_until - now) / USEC_SEC : 0);
	out_item_end(o);
}

static void show(struct core *core, struct output *o)
{
	out_list_begin(o, NULL);
	dhcp4_relay_each(me.relay, show_client, o);
	out_list_end(o);
}

static const char *const needs[] = { "net", NULL };
static const struct module_show shows[] = {
	{ "dhcp4", "clients whose DHCP for IPv4 goes to the server of the link that they came from", show },
	{ 0 },
};

const struct module dhcp4_module = {
	.name = "dhcp4",
	.needs = needs,
	.roles = MODULE_ROLE(ROLE_ACCESS_ROUTER),
	.config = &table,
	.counters = { .module = "dhcp4", .counters = dhcp4_counters, .n = DHCP4_COUNTERS },
	.shows = shows,
	.start = start,
	.reload = reload,
	.stop = stop,
};
