/*
 * The feature contexts of multicast. FPT 1 says prefix and group and no sources (RFC 4067 appendix B): a listener that wants
 * only some sources of a group gets all of them at the new router until the block of its filter, where both routers know
 * that feature, or its own next report narrows it. Blocks are put in force in the order of their numbers, FPT 1 first.
 */
#include <errno.h>
#include <string.h>

#include "context/igmp_wire.h"
#include "context/mcast_priv.h"
#include "context/mld_wire.h"
#include "core/mobile.h"
#include "core/output.h"

/* ---- the mobile's place ---- */

/* What the kernel's neighbour discovery knows of an address on our access links. */
static void ask_kernel(const struct in6_addr *addr, int *ifindex, struct lladdr *lladdr)
{
	for (size_t i = 0; i < mcast->access_n && !addr_is_zero(addr); i++) {
		int at = mcast->access[i].ifindex;
		if (!at || (*ifindex && *ifindex != at))
			continue;
		if (rtnl_neigh_get(mcast->core->net->rtnl, at, addr, lladdr) == 0 && lladdr->len) {
			*ifindex = at;
			return;
		}
	}
}

/* Link and link-layer address of the mobile here: as told, else from the table of mobiles, else from the kernel. */
static void place_of(struct core *core, const struct feature_subject *s, int *ifindex, struct lladdr *lladdr)
{
	const struct mobile *mobile = addr_is_zero(&s->addr) ? NULL : mobile_find(core->mobiles, &s->addr);
	if (!mobile)
		mobile = mobile_find(core->mobiles, &s->previous);
	*ifindex = s->ifindex;
	*lladdr = s->lladdr;
	if (mobile && !*ifindex)
		*ifindex = mobile->ifindex;
	if (mobile && !lladdr->len)
		*lladdr = mobile->lladdr;
	if (!lladdr->len)
		ask_kernel(&s->addr, ifindex, lladdr);
	if (!lladdr->len)
		ask_kernel(&s->previous, ifindex, lladdr);
}

/* The access link a block was made for: where the mobile is, if the prefix is of that link; else by the prefix alone. */
static int link_of(const struct mcast *m, int ifindex, const struct in6_addr *prefix)
{
	if (addr_is_zero(prefix)) /* the previous router did not know it */
		return ifindex;
	for (size_t i = 0; i < m->access_n; i++) {
		int at = m->access[i].ifindex;
		if (at && (!ifindex || ifindex == at) && rtnl_on_link(m->core->net->rtnl, at, prefix))
			return at;
	}
	return 0;
}

/* ---- collect ---- */

struct collecting {
	feature_emit_fn *emit;
	void *arg;
	struct in6_addr prefix;
};

static bool emitted(const struct collecting *c, const void *data, size_t len)
{
	if (!c->emit(data, len, c->arg))
		return false;
	context_count(CONTEXT_COLLECTED);
	return true;
}

static bool emit_listener(const struct gmp_member *i, void *arg)
{
	const struct collecting *c = arg;
	struct mld_block b = { .prefix = c->prefix, .group = i->group };
	uint8_t bytes[MLD_BLOCK_LEN];
	if (addr_is_v4(&i->group))
		return true;
	mld_block_pack(&b, bytes);
	return emitted(c, bytes, sizeof bytes);
}

static bool emit_filter(const struct gmp_member *i, void *arg)
{
	uint8_t bytes[FILTER_BLOCK_MAX];
	size_t len = filter_block_pack(&i->group, i->filter, bytes);
	return len ? emitted(arg, bytes, len) : true;
}

static bool emit_listener4(const struct gmp_member *i, void *arg)
{
	return addr_is_v4(&i->group) ? emit_filter(i, arg) : true;
}

static bool emit_filter6(const struct gmp_member *i, void *arg)
{
	bool plain = i->filter->exclude && !i->filter->n;
	return addr_is_v4(&i->group) || plain ? true : emit_filter(i, arg);
}

static int collect_with(struct core *core, const struct feature_subject *s, feature_emit_fn *emit, void *emit_arg,
                        gmp_each_fn *each)
{
	struct collecting c = { .emit = emit, .arg = emit_arg };
	struct lladdr lladdr;
	int ifindex;
	place_of(core, s, &ifindex, &lladdr);
	if (!ifindex || !lladdr.len)
		return -ENOENT;
	if (s->nar_prefix.plen)
		c.prefix = s->nar_prefix.addr;
	gmp_track_name(mcast->track, ifindex, &lladdr, &s->previous); /* forget will come with this name */
	gmp_track_each_of(mcast->track, ifindex, &lladdr, each, &c);
	return 0;
}

static int collect_listeners(struct core *core, const struct feature_subject *s, feature_emit_fn *emit, void *emit_arg)
{
	return collect_with(core, s, emit, emit_arg, emit_listener);
}

static int collect_listeners4(struct core *core, const struct feature_subject *s, feature_emit_fn *emit, void *emit_arg)
{
	return collect_with(core, s, emit, emit_arg, emit_listener4);
}

static int collect_filters6(struct core *core, const struct feature_subject *s, feature_emit_fn *emit, void *emit_arg)
{
	return collect_with(core, s, emit, emit_arg, emit_filter6);
}

/* ---- install ---- */

static uint8_t status_of(int e)
{
	static const struct {
		int e;
		uint8_t status;
	} table[] = { { 0, FEATURE_OK }, { -EINVAL, FEATURE_MALFORMED }, { -ENOSPC, FEATURE_NO_RESOURCES },
		      { -ENOMEM, FEATURE_NO_RESOURCES } };
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].e == e)
			return table[i].status;
	return FEATURE_FAILED;
}

static uint8_t refused(const struct feature_subject *s, const struct in6_addr *group, const char *reason, uint8_t status)
{
	context_count(CONTEXT_INSTALL_REFUSED);
	feature_reason(s, "group %s: %s", ADDR(group), reason);
	LOG_NOTICE("context", "multicast context refused mobile=%s group=%s reason=\"%s\" status=%u", ADDR(&s->previous),
	           ADDR(group), reason, status);
	return status;
}

static uint8_t put_in_force(const struct feature_subject *s, int ifindex, const struct lladdr *lladdr,
                            const struct in6_addr *group, const struct source_filter *f)
{
	int e = gmp_track_install(mcast->track, ifindex, lladdr, addr_is_zero(&s->addr) ? &s->previous : &s->addr, group, f);
	if (e)
		return refused(s, group, strerror(-e), status_of(e));
	context_count(CONTEXT_INSTALLED);
	return FEATURE_OK;
}

static uint8_t install_listener(struct core *core, const struct feature_subject *s, const uint8_t *data, size_t len)
{
	struct mld_block b;
	struct lladdr lladdr;
	int ifindex;
	if (!mld_block_parse(data, len, &b))
		return refused(s, &b.group, "malformed", FEATURE_MALFORMED);
	place_of(core, s, &ifindex, &lladdr);
	ifindex = link_of(mcast, ifindex, &b.prefix);
	if (!ifindex)
		return refused(s, &b.group, "not a prefix of the mobile's link", FEATURE_FAILED);
	return put_in_force(s, ifindex, &lladdr, &b.group, &source_filter_all);
}

/* A filter block names no link: it is in force where the mobile is. */
static uint8_t install_filter(struct core *core, const struct feature_subject *s, const uint8_t *data, size_t len, bool v4)
{
	struct in6_addr sources[GMP_SOURCES_MAX];
	struct filter_block b;
	struct lladdr lladdr;
	size_t n = 0, all;
	int ifindex;
	if (!filter_block_parse(data, len, &b) || addr_is_v4(&b.group) != v4)
		return refused(s, &b.group, "malformed", FEATURE_MALFORMED);
	place_of(core, s, &ifindex, &lladdr);
	if (!ifindex)
		return refused(s, &b.group, "the mobile's link is not known", FEATURE_FAILED);
	for (all = b.sources.n; n < GMP_SOURCES_MAX && gmp_source_next(&b.sources, &sources[n]); n++)
		;
	const struct source_filter *f = !b.exclude && all > n ? source_filter_copy(&source_filter_all) :
	                                source_filter_make(b.exclude, sources, n, (size_t)mcast->cfg->sources);
	uint8_t status = put_in_force(s, ifindex, &lladdr, &b.group, f);
	source_filter_free(f);
	return status;
}

static uint8_t install_listener4(struct core *core, const struct feature_subject *s, const uint8_t *data, size_t len)
{
	return install_filter(core, s, data, len, true);
}

static uint8_t install_filter6(struct core *core, const struct feature_subject *s, const uint8_t *data, size_t len)
{
	return install_filter(core, s, data, len, false);
}

/* Whichever of them is asked first forgets for all. */
static void forget(struct core *core, const struct in6_addr *addr)
{
	gmp_track_forget(mcast->track, addr);
}

struct feature mcast_listeners = { .name = "multicast-listener", .collect = collect_listeners, .install = install_listener,
	                           .forget = forget };
struct feature mcast_listeners4 = { .name = "multicast4", .collect = collect_listeners4, .install = install_listener4,
	                            .forget = forget };
struct feature mcast_filters6 = { .name = "multicast6", .collect = collect_filters6, .install = install_filter6 };

/* ---- show ---- */

struct showing {
	struct output *o;
	uint16_t fpt;
};

static const struct in6_addr *name_of(const struct gmp_member *i)
{
	const struct mobile *mobile = i->lladdr.len ? mobile_find_lladdr(mcast->core->mobiles, i->ifindex, &i->lladdr) : NULL;
	if (!addr_is_zero(&i->mobile))
		return &i->mobile;
	return mobile && mobile->addrs_n ? &mobile->addrs[0] : &i->source;
}

static void show_filter(struct output *o, const struct source_filter *f)
{
	out_str(o, "filter", f->exclude ? "exclude" : "include");
	out_list_begin(o, "sources");
	for (size_t i = 0; i < f->n; i++)
		out_addr(o, NULL, &f->source[i]);
	out_list_end(o);
}

static bool show_one(const struct gmp_member *i, void *arg)
{
	struct showing *s = arg;
	const struct feature *feature = addr_is_v4(&i->group) ? &mcast_listeners4 : &mcast_listeners;
	const struct mcast_access *a = mcast_access_of(mcast, i->ifindex);
	if (feature->fpt != s->fpt)
		return true;
	out_item_begin(s->o, NULL);
	out_addr(s->o, "mobile", name_of(i));
	out_lladdr(s->o, "link_address", &i->lladdr);
	out_str(s->o, "interface", a ? a->name : NULL);
	out_uint(s->o, "fpt", feature->fpt);
	out_str(s->o, "name", feature->name);
	out_addr(s->o, "group", &i->group);
	out_uint(s->o, "expires_ms", i->expires / USEC_MSEC);
	out_str(s->o, "source", i->by == GMP_BY_CONTEXT ? "context" : "report");
	show_filter(s->o, i->filter);
	out_item_end(s->o);
	return true;
}

void mcast_show_members(struct output *o, uint16_t fpt)
{
	struct showing s = { .o = o, .fpt = fpt };
	if (mcast)
		gmp_track_each(mcast->track, show_one, &s);
}
