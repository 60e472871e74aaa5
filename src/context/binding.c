/*
 * The previous router has long found out which link-layer address its mobile has and which addresses go with it, IPv6 and
 * IPv4. With this context the new router need not ask: its first packet to the mobile leaves at once, where otherwise a
 * solicitation goes first, and a second passes if it gets lost on a link that has only just come up.
 *
 * We mirror the neighbour entries of the access links (binding_table.h). Collected is what has the mobile's link-layer
 * address, one block for each IPv6 address, IPv4 address, or pair of both. Installed are those addresses that can be
 * reached over the new link: link-local ones, those within its prefixes, those with a route to it; and the mobile's new
 * address. What a path diverts or releases is the path's (net/path.h). Entries become STALE, as anything that was not
 * heard from the neighbour itself (RFC 4861 §7.3.3): used at once, and verified by the kernel some seconds later.
 *
 * Nobody's address is taken away: where an address has another link-layer address already, the block is refused. Entries
 * carry our protocol number, so that a restart sweeps them; they go when the mobile moves on, and when the kernel finds
 * that the address that names the mobile here is gone.
 */
#include "context/binding.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <string.h>

#include "context/binding_table.h"
#include "core/buf.h"
#include "core/log.h"
#include "core/mobile.h"
#include "core/output.h"
#include "net/net.h"

#define LLADDR_OCTETS 6 /* links other than those of IEEE 802 carry no bindings */
#define VECTOR_OCTETS (LLADDR_OCTETS + 16 + 4)

struct counter binding_counters[BINDING_COUNTERS] = {
	[BINDING_COLLECTED] = { "neighbor_collected", "Neighbour bindings collected for another router, each an address", 0, 0 },
	[BINDING_INSTALLED] = { "neighbor_installed", "Neighbour entries made from bindings of another router", 0, 0 },
	[BINDING_REFUSED] = { "neighbor_refused", "Blocks of neighbour bindings refused", 0, 0 },
	[BINDING_REMOVED] = { "neighbor_removed", "Neighbour entries made from bindings and removed because the mobile left", 0, 0 },
	[BINDING_TABLE_FULL] = { "neighbor_table_full", "Neighbour entries not kept in mind because of the limit", 0, 0 },
	[BINDING_ENTRIES] = { "neighbor_entries", "Neighbour entries of the access links kept in mind", 0, 1 },
};

static const struct feature_field fields[] = {
	{ "link-address", LLADDR_OCTETS, NULL },
	{ "ipv6", 16, feature_zero },
	{ "ipv4", 4, feature_zero },
	{ 0 },
};
static const struct feature_status_name statuses[] = { { BINDING_ADDRESS_IN_USE, "address-in-use" }, { 0 } };

static struct {
	struct core *core;
	const struct context_neighbor *cfg;
	struct binding_table *table;
	struct rtnl_sub *sub;
	struct bucket full;
} binding;

/* ---- the mirror ---- */

static struct rtnl *rtnl(void)
{
	return binding.core->net->rtnl;
}

static void count_entries(void)
{
	binding_counters[BINDING_ENTRIES].value = binding_table_count(binding.table);
}

static bool is_access(const char *name)
{
	const struct config_list *list = &binding.core->settings->interfaces;
	for (size_t i = 0; i < list->n; i++) {
		const struct setting_interface *k = &((const struct setting_interface *)list->items)[i];
		if (k->kind == INTERFACE_ACCESS && !strcmp(k->name, name))
			return true;
	}
	return false;
}

static bool unicast(const struct in6_addr *a)
{
	uint8_t first = a->s6_addr[12];
	if (addr_is_v4(a))
		return first != 0 && first != 127 && first < 224;
	return !addr_is_zero(a) && !addr_is_multicast(a) && !IN6_IS_ADDR_LOOPBACK(a);
}

static bool learnable(const struct rtnl_note *n)
{
	const struct rtnl_link *link = rtnl_link_by_index(rtnl(), n->ifindex);
	return link && is_access(link->name) && unicast(&n->addr) && n->lladdr.len;
}

/* What the kernel has at this moment. */
static void learn(const struct rtnl_note *n, void *arg)
{
	if (!learnable(n) || binding_put(binding.table, n->ifindex, &n->addr, &n->lladdr))
		return;
	binding_counters[BINDING_TABLE_FULL].value++;
	log_limited(&binding.full, loop_now(binding.core->loop), LOG_LEVEL_WARNING, "context",
	            "neighbour not kept in mind: it would be missing in a context reason=limit address=%s entries=%zu limit=%lld",
	            ADDR(&n->addr), binding_table_count(binding.table), (long long)binding.cfg->entries);
}

static bool remove_ours(struct binding *b, void *arg)
{
	const struct in6_addr *mobile = arg;
	if (!addr_eq(&b->mobile, mobile))
		return true;
	int rc = rtnl_neigh_del(rtnl(), b->ifindex, &b->addr);
	if (rc < 0)
		LOG_WARNING("context", "neighbour entry not removed address=%s error=\"%s\"", ADDR(&b->addr), strerror(-rc));
	binding_counters[BINDING_REMOVED].value++;
	binding_del(binding.table, b);
	return true;
}

/* What was installed for the mobile that has this link-layer address and is named mobile. */
static void remove_of(int ifindex, const struct lladdr *l, const struct in6_addr *mobile)
{
	struct lladdr own = *l;
	struct in6_addr name = *mobile;
	binding_each_of(binding.table, ifindex, &own, remove_ours, &name);
}

/* The entry is gone. If it was that of the address that names a mobile here, so is the mobile. */
static bool lose(struct binding *b, void *arg)
{
	struct in6_addr addr = b->addr;
	int ifindex = b->ifindex;
	remove_of(ifindex, b->lladdr, &addr);
	b = binding_find(binding.table, ifindex, &addr);
	if (b)
		binding_del(binding.table, b);
	return true;
}

/* Events come late: one may speak of what was before we made an entry. */
static bool outdated(const struct rtnl_note *n)
{
	const struct binding *b = binding_find(binding.table, n->ifindex, &n->addr);
	struct lladdr now;
	return b && !addr_is_zero(&b->mobile) && !(n->lladdr.len && lladdr_eq(b->lladdr, &n->lladdr)) &&
	       rtnl_neigh_get(rtnl(), n->ifindex, &n->addr, &now) == 0 && lladdr_eq(&now, b->lladdr);
}

static bool lose_on(struct binding *b, void *arg)
{
	if (b->ifindex == *(const int *)arg)
		binding_del(binding.table, b);
	return true;
}

/* Everything anew, after events were lost or the interfaces became others. */
static void read_again(void)
{
	const struct config_list *list = &binding.core->settings->interfaces;
	binding_mark(binding.table);
	for (size_t i = 0; i < list->n; i++) {
		const char *name = ((const struct setting_interface *)list->items)[i].name;
		const struct rtnl_link *link = is_access(name) ? rtnl_link_by_name(rtnl(), name) : NULL;
		int rc = link ? rtnl_neigh_each(rtnl(), link->ifindex, learn, NULL) : 0;
		if (rc < 0)
			LOG_WARNING("context", "neighbour entries cannot be read interface=%s error=\"%s\"", name, strerror(-rc));
	}
	binding_unseen(binding.table, lose, NULL);
}

static void on_rtnl(const struct rtnl_note *n, void *arg)
{
	int ifindex = n->ifindex;
	struct binding *b;
	switch (n->event) {
	case RTNL_NEIGH:
		if (!outdated(n))
			learn(n, NULL);
		break;
	case RTNL_NEIGH_GONE:
		b = binding_find(binding.table, n->ifindex, &n->addr);
		if (b && !outdated(n))
			lose(b, NULL);
		break;
	case RTNL_LINK_GONE:
		binding_each(binding.table, lose_on, &ifindex);
		break;
	case RTNL_RESYNC:
		read_again();
		break;
	case RTNL_LINK:
	case RTNL_ADDR:
	case RTNL_ADDR_GONE:
	case RTNL_ROUTE_GONE:
	case RTNL_STATION:
		return;
	}
	count_entries();
}

struct address_walk {
	void (*fn)(const struct in6_addr *addr, void *arg);
	void *arg;
};

static bool address_of(struct binding *b, void *arg)
{
	const struct address_walk *w = arg;
	w->fn(&b->addr, w->arg);
	return true;
}

bool binding_addresses(int ifindex, const struct lladdr *l, void (*fn)(const struct in6_addr *addr, void *arg), void *arg)
{
	struct address_walk w = { fn, arg };
	if (!binding.table)
		return false;
	binding_each_of(binding.table, ifindex, l, address_of, &w);
	return true;
}

/* ---- collect ---- */

struct gathered {
	struct in6_addr v6[CONTEXT_NEIGHBOR_ADDRESSES_MAX], v4[CONTEXT_NEIGHBOR_ADDRESSES_MAX];
	size_t v6_n, v4_n;
};

static bool gather_addr(struct gathered *g, const struct in6_addr *a)
{
	struct in6_addr *list = addr_is_v4(a) ? g->v4 : g->v6;
	size_t *n = addr_is_v4(a) ? &g->v4_n : &g->v6_n;
	for (size_t i = 0; i < *n; i++)
		if (addr_eq(&list[i], a))
			return true;
	if (g->v6_n + g->v4_n == (size_t)binding.cfg->addresses)
		return false;
	list[(*n)++] = *a;
	return true;
}

static bool gather(struct binding *b, void *arg)
{
	return gather_addr(arg, &b->addr);
}

static bool emit_pair(const struct lladdr *l, const struct in6_addr *v6, const struct in6_addr *v4, feature_emit_fn *emit,
                      void *arg)
{
	static const struct in6_addr no_v4 = { .s6_addr = { [10] = 0xff, 0xff } };
	uint8_t vector[VECTOR_OCTETS];
	struct wr w = wr_make(vector, sizeof vector);
	wr_copy(&w, l->octet, LLADDR_OCTETS);
	wr_addr6(&w, v6 ? v6 : &in6addr_any);
	wr_addr4(&w, v4 ? v4 : &no_v4);
	if (!emit(vector, w.len, arg))
		return false;
	binding_counters[BINDING_COLLECTED].value += (v6 != NULL) + (uint64_t)(v4 != NULL);
	return true;
}

static int collect(struct core *core, const struct feature_subject *s, feature_emit_fn *emit, void *emit_arg)
{
	struct gathered g = { .v6_n = 0 };
	const struct mobile *m = mobile_find(core->mobiles, &s->previous);
	if (!s->ifindex || !s->lladdr.len)
		return -ENOENT;
	if (s->lladdr.len != LLADDR_OCTETS)
		return 0;
	gather_addr(&g, &s->previous);
	for (size_t i = 0; m && i < m->addrs_n; i++)
		gather_addr(&g, &m->addrs[i]);
	binding_each_of(binding.table, s->ifindex, &s->lladdr, gather, &g);
	for (size_t i = 0; i < g.v6_n || i < g.v4_n; i++)
		if (!emit_pair(&s->lladdr, i < g.v6_n ? &g.v6[i] : NULL, i < g.v4_n ? &g.v4[i] : NULL, emit, emit_arg))
			break;
	return 0;
}

/* ---- install ---- */

/* Would a packet for the address leave over this link, straight to the mobile? */
static bool reached_over(int ifindex, const struct in6_addr *a)
{
	int out = 0;
	if (path_find(binding.core->net->paths, a))
		return false;
	if (addr_is_link_local(a) || rtnl_on_link(rtnl(), ifindex, a))
		return true;
	return rtnl_route_lookup(rtnl(), a, &out, NULL) == 0 && out == ifindex;
}

static bool our_own(int ifindex, const struct in6_addr *a)
{
	struct prefix exact = { *a, 128 };
	struct in6_addr found;
	return rtnl_link_in(rtnl(), ifindex, &exact, &found);
}

struct wish {
	struct in6_addr addr;
	bool there; /* the kernel has it already */
};

/* Which of the addresses need an entry: how many, or the negative status of a refusal. */
static int wish_list(const struct feature_subject *s, const struct lladdr *l, const struct in6_addr *addrs, size_t n,
                     struct wish *out)
{
	int wanted = 0;
	for (size_t i = 0; i < n; i++) {
		struct lladdr known;
		if (addr_is_zero(&addrs[i]) || !reached_over(s->ifindex, &addrs[i]))
			continue;
		bool there = rtnl_neigh_get(rtnl(), s->ifindex, &addrs[i], &known) == 0;
		if (our_own(s->ifindex, &addrs[i]) || (there && !lladdr_eq(&known, l))) {
			feature_reason(s, "address=%s link_address=%s", ADDR(&addrs[i]), there ? LLADDR(&known) : "-");
			return -BINDING_ADDRESS_IN_USE;
		}
		out[wanted++] = (struct wish){ addrs[i], there };
	}
	return wanted;
}

static bool count_ours(struct binding *b, void *arg)
{
	*(int64_t *)arg += !addr_is_zero(&b->mobile);
	return true;
}

static uint8_t fulfil(const struct feature_subject *s, const struct lladdr *l, const struct in6_addr *a)
{
	int rc = rtnl_neigh_set(rtnl(), s->ifindex, a, l, NUD_STALE);
	if (rc < 0) {
		feature_reason(s, "address=%s error=%s", ADDR(a), strerror(-rc));
		return rc == -ENOBUFS || rc == -ENOMEM ? FEATURE_NO_RESOURCES : FEATURE_FAILED;
	}
	struct binding *b = binding_put(binding.table, s->ifindex, a, l);
	if (!b) { /* nobody would remove it */
		rtnl_neigh_del(rtnl(), s->ifindex, a);
		feature_reason(s, "entries=%zu limit=%lld", binding_table_count(binding.table), (long long)binding.cfg->entries);
		return FEATURE_NO_RESOURCES;
	}
	b->mobile = addr_is_zero(&s->addr) ? s->previous : s->addr;
	binding_counters[BINDING_INSTALLED].value++;
	return FEATURE_OK;
}

static uint8_t install_addrs(const struct feature_subject *s, const struct lladdr *l, const struct in6_addr *addrs, size_t n)
{
	struct wish wishes[3];
	int64_t ours = 0;
	int wanted = wish_list(s, l, addrs, n, wishes);
	if (wanted < 0)
		return (uint8_t)-wanted;
	binding_each_of(binding.table, s->ifindex, l, count_ours, &ours);
	for (int i = 0; i < wanted; i++) {
		if (wishes[i].there)
			continue;
		if (ours++ == binding.cfg->addresses) {
			feature_reason(s, "addresses of one mobile limit=%lld", (long long)binding.cfg->addresses);
			return FEATURE_NO_RESOURCES;
		}
		uint8_t status = fulfil(s, l, &wishes[i].addr);
		if (status)
			return status;
	}
	return FEATURE_OK;
}

static uint8_t install(struct core *core, const struct feature_subject *s, const uint8_t *data, size_t len)
{
	struct rd r = rd_make(data, len);
	struct lladdr l = { .len = LLADDR_OCTETS };
	struct in6_addr addrs[3] = { s->addr };
	uint8_t status = FEATURE_MALFORMED;
	bool whole = rd_copy(&r, l.octet, LLADDR_OCTETS) && rd_addr6(&r, &addrs[1]) && rd_addr4(&r, &addrs[2]);
	bool v6 = !addr_is_zero(&addrs[1]), v4 = addrs[2].s6_addr32[3] != 0;
	if (!v4)
		addrs[2] = in6addr_any;
	if (!whole || (l.octet[0] & 1) || !memcmp(l.octet, feature_zero, LLADDR_OCTETS))
		feature_reason(s, "no link-layer address of a node");
	else if ((v6 && (addr_is_v4(&addrs[1]) || !unicast(&addrs[1]))) || (v4 && !unicast(&addrs[2])))
		feature_reason(s, "no address of a node");
	else if (!s->ifindex)
		status = FEATURE_FAILED;
	else /* what this link knows of the mobile counts more than what it had on another */
		status = install_addrs(s, s->lladdr.len ? &s->lladdr : &l, addrs, sizeof addrs / sizeof addrs[0]);
	if (status)
		binding_counters[BINDING_REFUSED].value++;
	count_entries();
	return status;
}

/* ---- forget ---- */

/* The mobile may be known by the entry of its address, or only by the table of mobiles. */
static void forget(struct core *core, const struct in6_addr *addr)
{
	const struct config_list *list = &core->settings->interfaces;
	const struct mobile *m = mobile_find(core->mobiles, addr);
	for (size_t i = 0; i < list->n; i++) {
		const char *name = ((const struct setting_interface *)list->items)[i].name;
		const struct rtnl_link *link = is_access(name) ? rtnl_link_by_name(rtnl(), name) : NULL;
		const struct binding *b = link ? binding_find(binding.table, link->ifindex, addr) : NULL;
		if (b)
			remove_of(b->ifindex, b->lladdr, addr);
	}
	if (m && m->ifindex)
		remove_of(m->ifindex, &m->lladdr, addr);
	count_entries();
}

static bool locate(struct core *core, const struct in6_addr *addr, struct feature_subject *s)
{
	const struct config_list *list = &core->settings->interfaces;
	const struct binding *b = s->ifindex ? binding_find(binding.table, s->ifindex, addr) : NULL;
	for (size_t i = 0; !s->ifindex && !b && i < list->n; i++) {
		const struct setting_interface *k = &((const struct setting_interface *)list->items)[i];
		const struct rtnl_link *link = k->kind == INTERFACE_ACCESS ? rtnl_link_by_name(rtnl(), k->name) : NULL;
		b = link ? binding_find(binding.table, link->ifindex, addr) : NULL;
	}
	if (!b)
		return false;
	s->ifindex = b->ifindex;
	s->lladdr = *b->lladdr;
	return true;
}

static struct feature neighbor = {
	.name = "neighbor",
	.fields = fields,
	.statuses = statuses,
	.collect = collect,
	.install = install,
	.forget = forget,
	.locate = locate,
};

/* ---- the part ---- */

static void stop(void)
{
	rtnl_unsubscribe(binding.sub);
	binding_table_destroy(binding.table);
	binding.sub = NULL;
	binding.table = NULL;
	binding_counters[BINDING_ENTRIES].value = 0;
}

static int start(struct core *core, const struct context_config *c)
{
	binding.core = core;
	binding.cfg = &c->neighbor;
	bucket_init(&binding.full, 0.1, 1);
	binding.table = binding_table_create((size_t)c->neighbor.entries);
	binding.sub = rtnl_subscribe(core->net->rtnl, on_rtnl, NULL);
	if (!binding.table || !binding.sub) {
		LOG_ERROR("context", "neighbour bindings cannot be kept reason=\"%s\"", strerror(ENOMEM));
		stop();
		return -1;
	}
	read_again();
	count_entries();
	return 0;
}

static void reload(const struct context_config *c)
{
	binding.cfg = &c->neighbor;
	binding_table_limit(binding.table, (size_t)c->neighbor.entries);
	read_again();
	count_entries();
}

static bool wanted(const struct context_config *c)
{
	return c->neighbor.enabled;
}

static bool show_one(struct binding *b, void *arg)
{
	struct output *o = arg;
	const struct mobile *m = mobile_find_lladdr(binding.core->mobiles, b->ifindex, b->lladdr);
	const struct rtnl_link *link = rtnl_link_by_index(rtnl(), b->ifindex);
	bool ours = !addr_is_zero(&b->mobile);
	out_item_begin(o, NULL);
	out_addr(o, "mobile", ours ? &b->mobile : m && m->addrs_n ? &m->addrs[0] : &b->addr);
	out_lladdr(o, "link_address", b->lladdr);
	out_str(o, "interface", link ? link->name : NULL);
	out_uint(o, "fpt", neighbor.fpt);
	out_str(o, "name", neighbor.name);
	out_addr(o, "address", &b->addr);
	out_str(o, "source", ours ? "context" : "kernel");
	out_item_end(o);
	return true;
}

static void show(struct output *o)
{
	binding_each(binding.table, show_one, o);
}

const struct context_part binding_part = {
	.feature = &neighbor,
	.wanted = wanted,
	.start = start,
	.reload = reload,
	.stop = stop,
	.show = show,
};
