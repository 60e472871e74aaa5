#include "context/context_config.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "net/policer.h"

#define AT(field) offsetof(struct context_multicast, field)
#define CONTEXT_FPT_MIN 2 /* 0 is reserved, 1 is the multicast listener context (RFC 4065) */
#define MINUTES(n) ((int64_t)(n) * 60 * (int64_t)USEC_SEC)

static const char *const queriers[] = { "elect", "always", NULL };
static const char *const forwards[] = { "querier", "always", NULL };
static const char *const proxies[] = { "auto", "always", "never", NULL };

static const struct config_item multicast_items[] = {
	{ .name = "enabled", .type = CONFIG_BOOL, .offset = AT(enabled), .preset = "true",
	  .help = "Track multicast listeners on the access interfaces, forward their groups, and carry memberships from router to "
	          "router." },
	{ .name = "upstream", .type = CONFIG_STRING, .offset = AT(upstream),
	  .help = "The interface towards the sources; default: the first interface of kind \"core\"." },
	{ .name = "query_interval", .type = CONFIG_DURATION, .offset = AT(query_interval), .preset = "125s",
	  .min = (int64_t)USEC_SEC, .max = MINUTES(500), .help = "Time between two general queries (RFC 3810, 9.2)." },
	{ .name = "response_interval", .type = CONFIG_DURATION, .offset = AT(response_interval), .preset = "10s",
	  .min = 1000, .max = MINUTES(100), .help = "Time hosts are given to answer a general query (RFC 3810, 9.3)." },
	{ .name = "last_listener_interval", .type = CONFIG_DURATION, .offset = AT(last_listener_interval), .preset = "1s",
	  .min = 1000, .max = MINUTES(1), .help = "Time between the queries that follow a leave (RFC 3810, 9.8)." },
	{ .name = "robustness", .type = CONFIG_INT, .offset = AT(robustness), .preset = "2", .min = 1, .max = 7,
	  .help = "How many times what may get lost is sent (RFC 3810, 9.1)." },
	{ .name = "fast_leave", .type = CONFIG_BOOL, .offset = AT(fast_leave), .preset = "false",
	  .help = "Stop forwarding at once when the last known listener leaves, without asking whether there are others." },
	{ .name = "querier", .type = CONFIG_ENUM, .offset = AT(querier), .preset = "elect", .choices = queriers,
	  .help = "\"elect\": the router with the lowest address on a link asks; \"always\": this one does, whatever others say." },
	{ .name = "forward", .type = CONFIG_ENUM, .offset = AT(forward), .preset = "querier", .choices = forwards,
	  .help = "\"querier\": of several multicast routers on a link the one that asks forwards to it (RFC 4605); \"always\": this "
	          "one does, being the only one, although a switch may ask there." },
	{ .name = "proxy_reports", .type = CONFIG_ENUM, .offset = AT(proxy_reports), .preset = "auto", .choices = proxies,
	  .help = "Whether a membership that came with its mobile from another router is reported on the link, for other multicast "
	          "routers there (RFC 4067, appendix B); \"auto\": if one was heard." },
	{ .name = "ipv4", .type = CONFIG_BOOL, .offset = AT(ipv4), .preset = "true",
	  .help = "Do the same for IPv4 (IGMP) as for IPv6 (MLD)." },
	{ .name = "igmp_version", .type = CONFIG_INT, .offset = AT(igmp_version), .preset = "3", .min = 1, .max = 3,
	  .help = "The version of IGMP in which this router asks: the oldest among the routers of a link; hosts of every version are "
	          "understood." },
	{ .name = "mld_version", .type = CONFIG_INT, .offset = AT(mld_version), .preset = "2", .min = 1, .max = 2,
	  .help = "The same for MLD." },
	{ .name = "groups", .type = CONFIG_INT, .offset = AT(groups), .preset = "1024", .min = 1, .max = 8192,
	  .help = "At most so many groups with listeners, on all access interfaces together." },
	{ .name = "listeners", .type = CONFIG_INT, .offset = AT(listeners), .preset = "8192", .min = 1, .max = 1000000,
	  .help = "At most so many memberships, a mobile and a group each." },
	{ .name = "groups_per_mobile", .type = CONFIG_INT, .offset = AT(groups_per_mobile), .preset = "64", .min = 1,
	  .max = 8192, .help = "At most so many groups of one mobile." },
	{ .name = "sources", .type = CONFIG_INT, .offset = AT(sources), .preset = "64", .min = 1, .max = 64,
	  .help = "At most so many sources in the filter of a membership or a group; one with more is widened to all sources." },
	{ 0 },
};

static const struct config_table multicast_table = { .name = "multicast", .size = sizeof(struct context_multicast),
	                                             .items = multicast_items };

#define NEIGHBOR(field) offsetof(struct context_neighbor, field)

static const struct config_item neighbor_items[] = {
	{ .name = "enabled", .type = CONFIG_BOOL, .offset = NEIGHBOR(enabled), .preset = "true",
	  .help = "Carry a mobile's neighbour bindings from router to router, so that the new one need not ask for them." },
	{ .name = "entries", .type = CONFIG_INT, .offset = NEIGHBOR(entries), .preset = "8192", .min = 16, .max = 1 << 20,
	  .help = "At most so many neighbour entries of the access links are kept in mind." },
	{ .name = "addresses", .type = CONFIG_INT, .offset = NEIGHBOR(addresses), .preset = "16", .min = 1,
	  .max = CONTEXT_NEIGHBOR_ADDRESSES_MAX, .help = "At most so many addresses of one mobile are carried, and taken." },
	{ 0 },
};

static const struct config_table neighbor_table = { .name = "neighbor", .size = sizeof(struct context_neighbor),
	                                            .items = neighbor_items };

#define FLOWS(field) offsetof(struct context_conntrack, field)

static const struct config_item conntrack_items[] = {
	{ .name = "enabled", .type = CONFIG_BOOL, .offset = FLOWS(enabled), .preset = "true",
	  .help = "Carry the connection-tracking entries of mobiles, for stateful firewalls; where the kernel has none, nothing is." },
	{ .name = "entries", .type = CONFIG_INT, .offset = FLOWS(entries), .preset = "256", .min = 1, .max = 4096,
	  .help = "At most so many entries of one mobile travel, established TCP used last before others." },
	{ .name = "limit", .type = CONFIG_INT, .offset = FLOWS(limit), .preset = "262144", .min = 16, .max = 16777216,
	  .help = "At most so many entries of the kernel are known here; those beyond do not travel; each takes about 200 octets." },
	{ .name = "zone", .type = CONFIG_INT, .offset = FLOWS(zone), .preset = "0", .max = UINT16_MAX,
	  .help = "The conntrack zone whose entries are carried, and in which those of other routers are made." },
	{ .name = "marks", .type = CONFIG_BOOL, .offset = FLOWS(marks), .preset = "false",
	  .help = "Give the entries' marks to other routers and set theirs here." },
	{ .name = "liberal", .type = CONFIG_BOOL, .offset = FLOWS(liberal), .preset = "true",
	  .help = "TCP windows are not enforced on entries from other routers; else the next packets decide what is in the window." },
	{ 0 },
};

static const struct config_table conntrack_table = { .name = "conntrack", .size = sizeof(struct context_conntrack),
	                                             .items = conntrack_items };

#define MOBILE(field) offsetof(struct context_rate_mobile, field)
#define RATE(field) offsetof(struct context_rate, field)

static const struct config_item rate_mobile_items[] = {
	{ .name = "address", .type = CONFIG_ADDR, .offset = MOBILE(address), .help = "One mobile's address." },
	{ .name = "prefix", .type = CONFIG_PREFIX, .offset = MOBILE(prefix), .help = "Each address in this prefix." },
	{ .name = "down", .type = CONFIG_RATE, .offset = MOBILE(down), .preset = "0", .max = POLICER_RATE_MAX,
	  .help = "Bits a second towards the mobile; 0: no limit." },
	{ .name = "up", .type = CONFIG_RATE, .offset = MOBILE(up), .preset = "0", .max = POLICER_RATE_MAX,
	  .help = "Bits a second from the mobile; 0: no limit." },
	{ .name = "burst", .type = CONFIG_SIZE, .offset = MOBILE(burst), .preset = "0", .max = UINT32_MAX,
	  .help = "Octets at once beyond one second of the rate; 0: what the rate brings in 100 ms, at least 32k." },
	{ .name = "class", .type = CONFIG_STRING, .offset = MOBILE(class),
	  .help = "Its packets' class in an HTB or other classful queue of tc, such as \"1:20\"." },
	{ .name = "dscp", .type = CONFIG_INT, .offset = MOBILE(dscp), .preset = "-1", .min = -1, .max = 63,
	  .help = "Its packets' DSCP in both directions; -1: as it is." },
	{ 0 },
};

static const struct config_table rate_mobile_table = { .name = "mobiles", .size = sizeof(struct context_rate_mobile),
	                                               .items = rate_mobile_items };

static const struct config_item rate_items[] = {
	{ .name = "enabled", .type = CONFIG_BOOL, .offset = RATE(enabled), .preset = "true",
	  .help = "Limit mobiles to their rates, and carry these from router to router." },
	{ .name = "limit", .type = CONFIG_INT, .offset = RATE(limit), .preset = "8192", .min = 1, .max = 1000000,
	  .help = "At most so many mobiles with a rate of another router." },
	{ .name = "mobiles", .type = CONFIG_LIST, .offset = RATE(mobiles), .sub = &rate_mobile_table, .min = 0, .max = 1024,
	  .help = "Rates that begin at this router; of several that hold an address, the longest prefix counts." },
	{ 0 },
};

static const struct config_table rate_table = { .name = "rate", .size = sizeof(struct context_rate), .items = rate_items };

#define FPT(field) \
	.type = CONFIG_INT, .offset = offsetof(struct context_fpts, field), .min = CONTEXT_FPT_MIN, .max = UINT16_MAX

static const struct config_item fpt_items[] = {
	{ .name = "neighbor", FPT(neighbor), .preset = "65281", .help = "Neighbour bindings." },
	{ .name = "multicast4", FPT(multicast4), .preset = "65282", .help = "Multicast listeners of IPv4." },
	{ .name = "multicast6", FPT(multicast6), .preset = "65285",
	  .help = "Source filters of the multicast listeners of IPv6." },
	{ .name = "conntrack", FPT(conntrack), .preset = "65283", .help = "Entries of connection tracking." },
	{ .name = "rate", FPT(rate), .preset = "65284", .help = "The mobile's rate." },
	{ 0 },
};

static const struct config_table fpt_table = { .name = "fpt", .size = sizeof(struct context_fpts), .items = fpt_items };

static const struct config_item context_items[] = {
	{ .name = "offer", .type = CONFIG_STRINGS, .offset = offsetof(struct context_config, offer),
	  .help = "Names of the features whose contexts are given to other routers; default: all." },
	{ .name = "accept", .type = CONFIG_STRINGS, .offset = offsetof(struct context_config, accept),
	  .help = "Names of the features whose contexts are taken from other routers; default: all." },
	{ .name = "fpt", .type = CONFIG_GROUP, .offset = offsetof(struct context_config, fpt), .sub = &fpt_table,
	  .help = "Numbers (Feature Profile Types) of the features that IANA has none for; the same on every router." },
	{ .name = "multicast", .type = CONFIG_GROUP, .offset = offsetof(struct context_config, multicast),
	  .sub = &multicast_table, .help = "Multicast listeners (RFC 4067, appendix B)." },
	{ .name = "neighbor", .type = CONFIG_GROUP, .offset = offsetof(struct context_config, neighbor), .sub = &neighbor_table,
	  .help = "Neighbour bindings: link-layer address and addresses." },
	{ .name = "conntrack", .type = CONFIG_GROUP, .offset = offsetof(struct context_config, conntrack),
	  .sub = &conntrack_table, .help = "Connection-tracking entries." },
	{ .name = "rate", .type = CONFIG_GROUP, .offset = offsetof(struct context_config, rate), .sub = &rate_table,
	  .help = "Rates and traffic classes of mobiles." },
	{ .name = "programs", .type = CONFIG_LIST, .offset = offsetof(struct context_config, programs), .sub = &program_table,
	  .max = PROGRAMS_MAX, .help = "Other programs whose contexts are carried, handoverd-context(7)." },
	{ .name = "socket", .type = CONFIG_GROUP, .offset = offsetof(struct context_config, socket),
	  .sub = &program_socket_table, .help = "The socket that those programs connect to." },
	{ 0 },
};

const struct config_table context_table = { .name = "context", .size = sizeof(struct context_config),
	                                    .items = context_items };

/* Every feature by its name. One with a number of IANA's has no setting. */
static const struct {
	const char *name;
	uint16_t fixed;
	size_t offset; /* in struct context_config */
} numbers[] = {
	{ "multicast-listener", 1, 0 }, /* RFC 4065 */
	{ "neighbor", 0, offsetof(struct context_config, fpt.neighbor) },
	{ "multicast4", 0, offsetof(struct context_config, fpt.multicast4) },
	{ "multicast6", 0, offsetof(struct context_config, fpt.multicast6) },
	{ "conntrack", 0, offsetof(struct context_config, fpt.conntrack) },
	{ "rate", 0, offsetof(struct context_config, fpt.rate) },
};
#define NUMBERS (sizeof numbers / sizeof numbers[0])

static uint16_t number_at(const struct context_config *c, size_t i)
{
	int64_t set;
	memcpy(&set, (const char *)c + numbers[i].offset, sizeof set);
	return numbers[i].fixed ? numbers[i].fixed : (uint16_t)set;
}

uint16_t context_fpt(const struct context_config *c, const char *feature)
{
	for (size_t i = 0; i < NUMBERS; i++)
		if (!strcmp(numbers[i].name, feature))
			return number_at(c, i);
	return 0;
}

static void check_numbers(const struct context_config *c, struct config_errors *errors)
{
	for (size_t i = 1; i < NUMBERS; i++)
		for (size_t j = 0; j < i; j++)
			if (number_at(c, i) == number_at(c, j))
				config_error(errors, &c->fpt.where, "context.fpt.%s: %u is the number of %s; give each feature its own",
				             numbers[i].name, number_at(c, i), numbers[j].name);
}

static const char *taken_by(const char *name, uint16_t fpt, const void *arg)
{
	for (size_t i = 0; i < NUMBERS; i++)
		if (!strcmp(name, numbers[i].name) || number_at(arg, i) == fpt)
			return numbers[i].name;
	return NULL;
}

static const struct context_program *program_at(const struct context_config *c, size_t i)
{
	return (const struct context_program *)c->programs.items + i;
}

static bool is_feature(const struct context_config *c, const char *name)
{
	for (size_t i = 0; i < c->programs.n; i++)
		if (!strcmp(program_at(c, i)->name, name))
			return true;
	return context_fpt(c, name);
}

static void list_names(const struct context_config *c, char *out, size_t cap)
{
	size_t len = 0;
	for (size_t i = 0; i < NUMBERS + c->programs.n && len < cap; i++)
		len += (size_t)snprintf(out + len, cap - len, "%s\"%s\"", i ? ", " : "",
		                        i < NUMBERS ? numbers[i].name : program_at(c, i - NUMBERS)->name);
}

static void check_names(const struct context_config *c, const char *setting, const struct config_list *list,
                        struct config_errors *errors)
{
	char all[512];
	list_names(c, all, sizeof all);
	for (size_t i = 0; i < list->n; i++) {
		const char *name = ((char *const *)list->items)[i];
		if (!is_feature(c, name))
			config_error(errors, &c->where, "context.%s: \"%s\" is no feature; write some of %s", setting, name, all);
	}
}

static const struct setting_interface *interface_at(const struct settings *s, size_t i)
{
	return &((const struct setting_interface *)s->interfaces.items)[i];
}

const char *context_upstream(const struct settings *s, const struct context_multicast *c)
{
	if (c->upstream && *c->upstream)
		return c->upstream;
	for (size_t i = 0; i < s->interfaces.n; i++)
		if (interface_at(s, i)->kind == INTERFACE_CORE)
			return interface_at(s, i)->name;
	return NULL;
}

static void check_multicast(const struct settings *settings, const struct context_multicast *c, struct config_errors *errors)
{
	if (c->response_interval >= c->query_interval)
		config_error(errors, &c->where, "context.multicast: response_interval must be shorter than query_interval");
	if (!c->upstream || !*c->upstream)
		return;
	for (size_t i = 0; i < settings->interfaces.n; i++)
		if (!strcmp(interface_at(settings, i)->name, c->upstream)) {
			if (interface_at(settings, i)->kind != INTERFACE_CORE)
				config_error(errors, &c->where,
				             "context.multicast.upstream: \"%s\" is an access interface; name one of kind \"core\"",
				             c->upstream);
			return;
		}
	config_error(errors, &c->where, "context.multicast.upstream: \"%s\" is not among interfaces; list it there with kind = \"core\"",
	             c->upstream);
}

bool context_rate_class(const char *text, uint32_t *out)
{
	unsigned major, minor;
	int len = 0;
	*out = 0;
	if (!text || !*text)
		return true;
	if (sscanf(text, "%4x:%4x%n", &major, &minor, &len) != 2 || text[len] || !major)
		return false;
	*out = major << 16 | minor;
	return true;
}

static const struct context_rate_mobile *rate_at(const struct context_rate *c, size_t i)
{
	return &((const struct context_rate_mobile *)c->mobiles.items)[i];
}

static void check_rate(const struct context_rate *c, size_t i, struct config_errors *errors)
{
	const struct context_rate_mobile *m = rate_at(c, i);
	bool address = !addr_is_zero(&m->address), prefix = m->prefix.plen || !addr_is_zero(&m->prefix.addr);
	uint32_t class;
	if (address == prefix)
		config_error(errors, &m->where, "context.rate.mobiles[%zu] has %s address %s prefix; write one of them", i,
		             address ? "both" : "neither", address ? "and" : "nor");
	if (!context_rate_class(m->class, &class))
		config_error(errors, &m->where,
		             "context.rate.mobiles[%zu].class is \"%.16s\", which is no class of tc; write one such as \"1:20\"", i,
		             m->class);
	if ((m->down && m->down < 8) || (m->up && m->up < 8))
		config_error(errors, &m->where, "context.rate.mobiles[%zu]: a rate is less than an octet a second; write \"8\" or more", i);
	for (size_t j = 0; j < i; j++) {
		const struct context_rate_mobile *other = rate_at(c, j);
		if (address ? addr_eq(&m->address, &other->address) :
		              prefix && m->prefix.plen == other->prefix.plen && addr_eq(&m->prefix.addr, &other->prefix.addr)) {
			config_error(errors, &m->where, "context.rate.mobiles[%zu] is for the same mobiles as that in line %d; write one of them",
			             i, other->where.line);
			return;
		}
	}
}

void context_check(const struct settings *settings, const void *cfg, struct config_errors *errors)
{
	const struct context_config *c = cfg;
	check_numbers(c, errors);
	check_names(c, "offer", &c->offer, errors);
	check_names(c, "accept", &c->accept, errors);
	check_multicast(settings, &c->multicast, errors);
	for (size_t i = 0; i < c->rate.mobiles.n; i++)
		check_rate(&c->rate, i, errors);
	program_check(&c->programs, &c->socket, taken_by, c, errors);
}
