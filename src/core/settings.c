#include "core/settings.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const roles[] = {"access-router", "mobile-node", "home-agent", NULL};
static const char *const kinds[] = {"access", "core", NULL};
static const char *const protects[] = {"ipsec", "none", NULL};
static const char *const compats[] = {"rfc5568", "rfc4068", "none", NULL};
static const char *const levels[] = {"error", "warning", "notice", "info", "debug", NULL};
static const char *const log_choices[] = {"auto", "stderr", "syslog", "journal", NULL};
static const char *const addressings[] = {"slaac", "dhcp", NULL};
static const char *const drains[] = {"immediate", "rfc5568", NULL};

#define INTERFACE(member) .offset = offsetof(struct setting_interface, member)
static const struct config_item interface_items[] = {
	{.name = "name", .type = CONFIG_STRING, INTERFACE(name), .required = true, .help = "The device's name."},
	{.name = "kind", .type = CONFIG_ENUM, INTERFACE(kind), .required = true, .choices = kinds,
	 .help = "\"access\": mobiles live on this link; \"core\": it leads to the other routers."},
	{.name = "aps", .type = CONFIG_LLADDRS, INTERFACE(aps), .min = 0, .max = 1024,
	 .help = "The AP-IDs (for 802.11 the BSSIDs) whose clients appear on this link."},
	{.name = "addresses", .type = CONFIG_ENUM, INTERFACE(addresses), .preset = "slaac", .choices = addressings,
	 .help = "How mobiles get IPv6 addresses on this link; with \"dhcp\" one that arrives by FMIPv6 keeps its previous address, which this "
	         "router serves, until its DHCP client has another."},
	{0},
};
static const struct config_table interface_table = {"interfaces", sizeof(struct setting_interface), interface_items};

#define AP(member) .offset = offsetof(struct setting_ap, member)
static const struct config_item ap_items[] = {
	{.name = "id", .type = CONFIG_LLADDR, AP(id), .required = true, .help = "The AP-ID; for 802.11 the BSSID."},
	{.name = "prefix", .type = CONFIG_PREFIX, AP(prefix), .required = true, .help = "The prefix of the link behind this AP."},
	{.name = "router", .type = CONFIG_ADDR, AP(router), .required = true, .help = "The router's address on that link."},
	{.name = "link_address", .type = CONFIG_LLADDR, AP(link_address), .required = true,
	 .help = "The router's link-layer address on that link."},
	{.name = "prefix4", .type = CONFIG_PREFIX, AP(prefix4), .help = "The IPv4 prefix of that link, where mobiles have IPv4 too."},
	{.name = "router4", .type = CONFIG_ADDR, AP(router4), .help = "The router's IPv4 address on that link."},
	{.name = "dhcp4", .type = CONFIG_ADDR, AP(dhcp4),
	 .help = "Where that link's DHCP server for IPv4 is reached from here, if it is not at router4."},
	{.name = "addresses", .type = CONFIG_ENUM, AP(addresses), .preset = "slaac", .choices = addressings,
	 .help = "How mobiles get IPv6 addresses on that link: what that router's interfaces[].addresses says; mobiles are told (PrRtAdv Code 5)."},
	{0},
};
static const struct config_table ap_table = {"aps", sizeof(struct setting_ap), ap_items};

#define NEIGHBOR(member) .offset = offsetof(struct setting_neighbor, member)
static const struct config_item neighbor_items[] = {
	{.name = "name", .type = CONFIG_STRING, NEIGHBOR(name), .required = true, .help = "What this router is called here."},
	{.name = "address", .type = CONFIG_ADDR, NEIGHBOR(address), .required = true,
	 .help = "Where messages between routers go to and come from."},
	{.name = "protect", .type = CONFIG_ENUM, NEIGHBOR(protect), .preset = "ipsec", .choices = protects,
	 .help = "\"ipsec\": nothing is said to or taken from this router until IPsec is up; \"none\": in the clear."},
	{.name = "compat", .type = CONFIG_ENUM, NEIGHBOR(compat), .preset = "rfc5568", .choices = compats,
	 .help = "\"rfc4068\": this router knows only the older messages of FMIPv6, and is sent HI and HAck over ICMPv6; \"none\": it does not "
	         "speak FMIPv6 at all, and mobiles are told so."},
	{.name = "aps", .type = CONFIG_LIST, NEIGHBOR(aps), .sub = &ap_table, .min = 0, .max = 4096,
	 .help = "The access points behind this router."},
	{0},
};
static const struct config_table neighbor_table = {"neighbors", sizeof(struct setting_neighbor), neighbor_items};

#define MOBILE(member) .offset = offsetof(struct setting_mobile, member)
static const struct config_item mobile_items[] = {
	{.name = "address", .type = CONFIG_ADDR, MOBILE(address), .help = "One mobile's address."},
	{.name = "prefix", .type = CONFIG_PREFIX, MOBILE(prefix), .help = "Every mobile with an address in this prefix."},
	{.name = "key", .type = CONFIG_KEY, MOBILE(key), .required = true,
	 .help = "The master key shared with the mobile; keys for each purpose are derived from it."},
	{0},
};
static const struct config_table mobile_table = {"mobiles", sizeof(struct setting_mobile), mobile_items};

#define CONTROL(member) .offset = offsetof(struct setting_control, member)
static const struct config_item control_items[] = {
	{.name = "socket", .type = CONFIG_STRING, CONTROL(socket), .preset = RUNSTATEDIR "/handoverd.sock",
	 .help = "The socket that handoverctl talks to."},
	{.name = "clients", .type = CONFIG_INT, CONTROL(clients), .preset = "16", .min = 1, .max = 1024,
	 .help = "At most so many control clients at once."},
	{.name = "queue", .type = CONFIG_SIZE, CONTROL(queue), .preset = "256k", .min = 4096, .max = 64 << 20,
	 .help = "What a slow control client may leave unread before it is cut off."},
	{0},
};
static const struct config_table control_table = {"control", sizeof(struct setting_control), control_items};

#define LOG(member) .offset = offsetof(struct setting_log, member)
static const struct config_item log_items[] = {
	{.name = "level", .type = CONFIG_ENUM, LOG(level), .preset = "info", .choices = levels,
	 .help = "Lines up to this level are written."},
	{.name = "sink", .type = CONFIG_ENUM, LOG(sink), .preset = "auto", .choices = log_choices,
	 .help = "Where lines go; \"auto\": standard error in the foreground, else the journal if there is one, else syslog."},
	{0},
};
static const struct config_table log_table = {"log", sizeof(struct setting_log), log_items};

#define HOLD(member) .offset = offsetof(struct setting_hold, member)
static const struct config_item hold_items[] = {
	{.name = "limit", .type = CONFIG_SIZE, HOLD(limit), .preset = "64M", .min = 64 << 10, .max = (int64_t)4 << 30,
	 .help = "Packets held for all mobiles together; beyond it the oldest are dropped."},
	{.name = "limit_mobile", .type = CONFIG_SIZE, HOLD(limit_mobile), .preset = "8M", .min = 2 << 10, .max = (int64_t)4 << 30,
	 .help = "Packets held for one mobile; beyond it its oldest are dropped."},
	{.name = "drain", .type = CONFIG_ENUM, HOLD(drain), .preset = "immediate", .choices = drains,
	 .help = "How held packets leave: at once, or paced as RFC 5568 describes."},
	{0},
};
static const struct config_table hold_table = {"hold", sizeof(struct setting_hold), hold_items};

#define TOP(member) .offset = offsetof(struct settings, member)
static const struct config_item top_items[] = {
	{.name = "role", .type = CONFIG_ENUM, TOP(role), .required = true, .choices = roles, .help = "What this node is."},
	{.name = "name", .type = CONFIG_STRING, TOP(name),
	 .help = "What this node is called in logs and timelines; by default the host's name."},
	{.name = "realtime", .type = CONFIG_BOOL, TOP(realtime), .preset = "true",
	 .help = "Run at the lowest real-time priority, where the system permits it."},
	{.name = "interfaces", .type = CONFIG_LIST, TOP(interfaces), .sub = &interface_table, .min = 0, .max = 1024,
	 .help = "The links that handoverd works on."},
	{.name = "neighbors", .type = CONFIG_LIST, TOP(neighbors), .sub = &neighbor_table, .min = 0, .max = 1024,
	 .help = "The access routers that mobiles come from and go to."},
	{.name = "mobiles", .type = CONFIG_LIST, TOP(mobiles), .sub = &mobile_table, .min = 0, .max = 100000,
	 .help = "The mobiles that may hand over, and their keys."},
	{.name = "control", .type = CONFIG_GROUP, TOP(control), .sub = &control_table, .help = "The control socket."},
	{.name = "log", .type = CONFIG_GROUP, TOP(log), .sub = &log_table, .help = "What is logged, and where."},
	{.name = "hold", .type = CONFIG_GROUP, TOP(hold), .sub = &hold_table,
	 .help = "Packets that wait at the new router for their mobile."},
	{0},
};
const struct config_table settings_table = {"", sizeof(struct settings), top_items};

#define each(type, var, list) \
	for (const struct type *var = (list).items, *var##_end = var ? var + (list).n : NULL; var < var##_end; var++)

void settings_fill(struct settings *s)
{
	char host[65] = "";
	if (s->name)
		return;
	gethostname(host, sizeof host - 1);
	s->name = strdup(host[0] ? host : "handoverd");
}

/* Something that must be there only once: its octets, where it stands, and what to call it. */
struct once {
	const void *data;
	size_t len;
	const struct config_where *where;
	size_t order; /* in the file */
	size_t number; /* which of its list it is, for the message */
};
struct once_list {
	struct once *at;
	size_t n, room;
};

static void once_add(struct once_list *l, const void *data, size_t len, const struct config_where *where, size_t number)
{
	if (l->n == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		struct once *grown = realloc(l->at, room * sizeof *grown);
		if (!grown)
			return;
		l->at = grown;
		l->room = room;
	}
	l->at[l->n] = (struct once){data, len, where, l->n, number};
	l->n++;
}

static int once_same(const struct once *a, const struct once *b)
{
	size_t n = a->len < b->len ? a->len : b->len;
	int r = memcmp(a->data, b->data, n);
	return r ? r : (a->len > b->len) - (a->len < b->len);
}

static int once_compare(const void *pa, const void *pb)
{
	const struct once *a = pa, *b = pb;
	int r = once_same(a, b);
	return r ? r : (a->order > b->order) - (a->order < b->order);
}

/* Calls back for each that repeats an earlier one, with that one; then forgets them all. */
static void once_check(struct once_list *l, struct config_errors *errors,
                       void (*repeats)(const struct once *first, const struct once *again, struct config_errors *errors))
{
	if (l->n)
		qsort(l->at, l->n, sizeof *l->at, once_compare);
	for (size_t i = 1, first = 0; i < l->n; i++) {
		if (!once_same(&l->at[first], &l->at[i]))
			repeats(&l->at[first], &l->at[i], errors);
		else
			first = i;
	}
	free(l->at);
	*l = (struct once_list){0};
}

static void once_text(struct once_list *l, const char *text, const struct config_where *where, size_t number)
{
	if (text)
		once_add(l, text, strlen(text), where, number);
}

static void repeated_interface(const struct once *first, const struct once *again, struct config_errors *errors)
{
	config_error(errors, again->where, "interfaces[%zu].name is \"%s\" again, as in line %d; write each interface once",
	             again->number, (const char *)again->data, first->where->line);
}

static void repeated_neighbor_name(const struct once *first, const struct once *again, struct config_errors *errors)
{
	config_error(errors, again->where, "neighbors[%zu].name is \"%s\" again, as in line %d; write another name for one of them",
	             again->number, (const char *)again->data, first->where->line);
}

static void repeated_neighbor_address(const struct once *first, const struct once *again, struct config_errors *errors)
{
	config_error(errors, again->where, "neighbors[%zu].address is %s again, as in line %d; write one neighbor with all its aps",
	             again->number, ADDR(again->data), first->where->line);
}

static void repeated_ap(const struct once *first, const struct once *again, struct config_errors *errors)
{
	config_error(errors, again->where, "the AP-ID %s is here again, as in line %d; write each AP-ID once, where its clients appear",
	             LLADDR(again->data), first->where->line);
}

static void repeated_mobile_address(const struct once *first, const struct once *again, struct config_errors *errors)
{
	config_error(errors, again->where, "mobiles[%zu].address is %s again, as in line %d; write each mobile once", again->number,
	             ADDR(again->data), first->where->line);
}

static void repeated_mobile_prefix(const struct once *first, const struct once *again, struct config_errors *errors)
{
	config_error(errors, again->where, "mobiles[%zu].prefix is %s again, as in line %d; write each prefix once", again->number,
	             PREFIX(again->data), first->where->line);
}

static void check_interfaces(const struct settings *s, struct config_errors *errors)
{
	struct once_list names = {0};
	size_t i = 0;
	each(setting_interface, f, s->interfaces) {
		size_t n = f->name ? strlen(f->name) : 1;
		if (!n || n >= IFNAMSIZ || (f->name && strpbrk(f->name, "/ \t")))
			config_error(errors, &f->where,
			             "interfaces[%zu].name is \"%.64s\", which no device can be called; write 1 to %d characters without "
			             "slash or space, such as \"eth0\"", i, f->name, IFNAMSIZ - 1);
		once_text(&names, f->name, &f->where, i);
		if (f->kind == INTERFACE_CORE && f->aps.n)
			config_error(errors, &f->where, "interfaces[%zu] is of kind \"core\" and has aps; write kind = \"access\", or no aps",
			             i);
		i++;
	}
	once_check(&names, errors, repeated_interface);
}

static bool host_address(const struct in6_addr *a)
{
	return !addr_is_multicast(a) && !addr_is_link_local(a) && !IN6_IS_ADDR_LOOPBACK(a);
}

static void check_ap(const struct setting_ap *ap, size_t i, size_t j, struct config_errors *errors)
{
	bool four = ap->prefix4.plen || !addr_is_zero(&ap->router4);
	if (four && (!addr_is_v4(&ap->prefix4.addr) || !addr_is_v4(&ap->router4) || !prefix_has(&ap->prefix4, &ap->router4)))
		config_error(errors, &ap->where,
		             "neighbors[%zu].aps[%zu]: prefix4 and router4 go together; write the link's IPv4 prefix and the router's "
		             "address in it, or neither", i, j);
	if (!addr_is_zero(&ap->dhcp4) && (!four || !addr_is_v4(&ap->dhcp4) || addr_is_multicast(&ap->dhcp4)))
		config_error(errors, &ap->where,
		             "neighbors[%zu].aps[%zu].dhcp4 is no IPv4 address of a host, or there is no prefix4 whose addresses that server "
		             "gives; write both, or neither", i, j);
	if (addr_is_zero(&ap->router) || (!ap->prefix.plen && addr_is_zero(&ap->prefix.addr)))
		return;
	if (!addr_is_link_local(&ap->router) && !prefix_has(&ap->prefix, &ap->router))
		config_error(errors, &ap->where,
		             "neighbors[%zu].aps[%zu].router is %s, outside of the prefix %s; write the router's address on that link", i,
		             j, ADDR(&ap->router), PREFIX(&ap->prefix));
	if (addr_is_multicast(&ap->prefix.addr) || addr_is_link_local(&ap->prefix.addr) || ap->prefix.plen == 0)
		config_error(errors, &ap->where,
		             "neighbors[%zu].aps[%zu].prefix is %s, where no mobile can have its address; write the link's global prefix",
		             i, j, PREFIX(&ap->prefix));
}

static void check_neighbors(const struct settings *s, struct config_errors *errors)
{
	struct once_list names = {0}, addresses = {0};
	size_t i = 0;
	each(setting_neighbor, n, s->neighbors) {
		if (n->name && (!n->name[0] || strlen(n->name) > 63 || strpbrk(n->name, " \t\"")))
			config_error(errors, &n->where,
			             "neighbors[%zu].name is \"%.64s\"; write 1 to 63 characters without spaces and quotes", i, n->name);
		if (!host_address(&n->address))
			config_error(errors, &n->where, "neighbors[%zu].address is %s, which is no router's; write its global address", i,
			             ADDR(&n->address));
		once_text(&names, n->name, &n->where, i);
		if (!addr_is_zero(&n->address))
			once_add(&addresses, &n->address, sizeof n->address, &n->where, i);
		size_t j = 0;
		each(setting_ap, ap, n->aps)
			check_ap(ap, i, j++, errors);
		i++;
	}
	once_check(&names, errors, repeated_neighbor_name);
	once_check(&addresses, errors, repeated_neighbor_address);
}

static void check_ap_ids(const struct settings *s, struct config_errors *errors)
{
	struct once_list ids = {0};
	each(setting_interface, f, s->interfaces)
		each(lladdr, id, f->aps)
			if (id->len)
				once_add(&ids, id, sizeof *id, &f->where, 0);
	each(setting_neighbor, n, s->neighbors)
		each(setting_ap, ap, n->aps)
			if (ap->id.len)
				once_add(&ids, &ap->id, sizeof ap->id, &ap->where, 0);
	once_check(&ids, errors, repeated_ap);
}

static int link_compare(const void *pa, const void *pb)
{
	const struct setting_ap *a = *(const struct setting_ap *const *)pa, *b = *(const struct setting_ap *const *)pb;
	int r = memcmp(&a->prefix.addr, &b->prefix.addr, sizeof a->prefix.addr);
	if (!r)
		r = a->prefix.plen - b->prefix.plen;
	return r ? r : (a->where.line > b->where.line) - (a->where.line < b->where.line);
}

/*
 * The same address cannot live behind two routers. Sorted, a prefix that holds others comes right before them, so each has
 * to be compared only with the last one that no other holds: if two routers meet in it, one of them meets its router.
 */
static void check_ap_prefixes(const struct settings *s, struct config_errors *errors)
{
	size_t room = 0, n = 0;
	each(setting_neighbor, neighbor, s->neighbors)
		room += neighbor->aps.n;
	const struct setting_ap **all = room ? calloc(room, sizeof *all) : NULL;
	if (!all)
		return;
	each(setting_neighbor, neighbor, s->neighbors)
		each(setting_ap, ap, neighbor->aps)
			if (ap->prefix.plen && !addr_is_zero(&ap->router))
				all[n++] = ap;
	qsort(all, n, sizeof *all, link_compare);
	for (size_t i = 1, cover = 0; i < n; i++) {
		if (!prefix_overlaps(&all[cover]->prefix, &all[i]->prefix)) {
			cover = i;
			continue;
		}
		if (addr_eq(&all[cover]->router, &all[i]->router) && lladdr_eq(&all[cover]->link_address, &all[i]->link_address))
			continue;
		const struct setting_ap *first = all[cover], *second = all[i];
		if (first->where.line > second->where.line) {
			first = all[i];
			second = all[cover];
		}
		config_error(errors, &second->where,
		             "the prefix %s of router %s overlaps %s of router %s in line %d; write prefixes of one router each",
		             PREFIX(&second->prefix), ADDR(&second->router), PREFIX(&first->prefix), ADDR(&first->router),
		             first->where.line);
	}
	free(all);
}

static void check_mobiles(const struct settings *s, bool each_right, struct config_errors *errors)
{
	struct once_list addresses = {0}, prefixes = {0};
	size_t i = 0;
	each(setting_mobile, m, s->mobiles) {
		bool address = !addr_is_zero(&m->address), prefix = m->prefix.plen || !addr_is_zero(&m->prefix.addr);
		if (address && prefix)
			config_error(errors, &m->where, "mobiles[%zu] has both address and prefix; write one of them", i);
		else if (!address && !prefix && each_right)
			config_error(errors, &m->where, "mobiles[%zu] has neither address nor prefix; write one of them", i);
		if (address)
			once_add(&addresses, &m->address, sizeof m->address, &m->where, i);
		if (prefix)
			once_add(&prefixes, &m->prefix, sizeof m->prefix, &m->where, i);
		i++;
	}
	once_check(&addresses, errors, repeated_mobile_address);
	once_check(&prefixes, errors, repeated_mobile_prefix);
}

static void check_groups(const struct settings *s, struct config_errors *errors)
{
	if (s->hold.limit && s->hold.limit_mobile > s->hold.limit)
		config_error(errors, &s->hold.where,
		             "hold.limit_mobile is more than hold.limit (%lluk); write no more than that, or a larger hold.limit",
		             (unsigned long long)(s->hold.limit >> 10));
	if (s->name && (!s->name[0] || strlen(s->name) > 63 || strpbrk(s->name, " \t\"")))
		config_error(errors, &s->where, "name is \"%.64s\"; write 1 to 63 characters without spaces and quotes", s->name);
}

static void check_role(const struct settings *s, struct config_errors *errors)
{
	bool access = false;
	each(setting_interface, f, s->interfaces)
		access = access || f->kind == INTERFACE_ACCESS;
	if (!access)
		config_error(errors, &s->where,
		             "role \"%s\" needs an access interface; write interfaces = ( { name = \"eth0\"; kind = \"access\"; } );",
		             roles[s->role]);
	if (s->role == ROLE_ACCESS_ROUTER && !s->neighbors.items) /* a router that is alone says so */
		config_error(errors, &s->where,
		             "role \"access-router\" needs a neighbor; write neighbors = ( { name = \"ar2\"; address = \"2001:db8::2\"; "
		             "aps = ( ... ); } ); or, for a router that hands over to nobody, neighbors = ( );");
}

void settings_check(const struct settings *s, bool each_right, struct config_errors *errors)
{
	check_interfaces(s, errors);
	check_neighbors(s, errors);
	check_ap_ids(s, errors);
	check_ap_prefixes(s, errors);
	check_mobiles(s, each_right, errors);
	check_groups(s, errors);
	if (each_right)
		check_role(s, errors);
}
