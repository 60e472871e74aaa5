/*
 * The way of a report: packet socket → mld_wire → mld_track → mroute. The way of a context: at the previous router collect
 * walks what the tracker knows of the mobile's link-layer address; at the new router install tells the tracker as if the
 * mobile had reported, so its groups flow before it has said a word (RFC 4067 appendix B); forget takes its memberships
 * away where it came from. Upstream we are a host (RFC 4605).
 */
#include "context/mld.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "context/context_count.h"
#include "context/mld_track.h"
#include "context/mld_wire.h"
#include "core/log.h"
#include "core/mobile.h"
#include "core/output.h"
#include "net/icmp6.h"
#include "net/mroute.h"
#include "net/net.h"
#include "net/rtnl.h"

struct access {
	char name[IF_NAMESIZE];
	int ifindex; /* 0: not there */
	struct in6_addr link_local;
	bool listed; /* used by reload */
};

/* One for the process. A router where the kernel has no multicast routing only tracks, and says so at start. */
struct mld {
	struct core *core;
	const struct context_multicast *cfg;
	struct mld_track *track;
	struct icmp6 *icmp6;
	struct mroute *mroute; /* NULL: the kernel cannot */
	struct rtnl_sub *sub;
	struct access *access;
	size_t access_n;
	int upstream;
	struct bucket refused, failed;
};

static struct mld *running; /* features know no argument of ours */

/* ---- packets ---- */

static void on_message(const struct icmp6_message *p, void *arg)
{
	struct mld *m = arg;
	struct mld_message msg;
	const char *why = mld_refusal(&p->src, p->hop_limit, p->router_alert);
	/* A query to one node alone would have us believe that others heard it. */
	if (!why && p->data[0] == MLD_QUERY && !addr_is_multicast(&p->dst))
		why = "query is not multicast";
	if (why) {
		context_count(CONTEXT_MLD_REFUSED);
		/* Reports from the unspecified address are daily bread: duplicate address detection (RFC 3590). */
		if (!addr_is_zero(&p->src))
			log_limited(&m->refused, p->at, LOG_LEVEL_WARNING, "context",
			            "MLD message refused peer=%s ifindex=%d type=%d reason=\"%s\"", ADDR(&p->src), p->ifindex,
			            p->data[0], why);
		return;
	}
	if (!mld_parse(p->data, p->len, &msg)) {
		context_count(CONTEXT_MLD_MALFORMED);
		log_limited(&m->refused, p->at, LOG_LEVEL_WARNING, "context",
		            "MLD message refused peer=%s ifindex=%d type=%d reason=malformed", ADDR(&p->src), p->ifindex,
		            p->data[0]);
		return;
	}
	mld_track_receive(m->track, p->ifindex, &p->from, &p->src, &msg);
}

static struct access *access_of(const struct mld *m, int ifindex)
{
	for (size_t i = 0; ifindex && i < m->access_n; i++)
		if (m->access[i].ifindex == ifindex)
			return &m->access[i];
	return NULL;
}

static bool send_query(int ifindex, const struct mld_query *q, void *arg)
{
	struct mld *m = arg;
	const struct access *a = access_of(m, ifindex);
	struct in6_addr all_nodes = { .s6_addr = { 0xff, 2, [15] = 1 } };
	uint8_t bytes[MLD_QUERY_MAX];
	struct wr w = wr_make(bytes, sizeof bytes);
	mld_query_pack(&w, q);
	if (!a || !wr_ok(&w))
		return false;
	int e = icmp6_send(m->icmp6, ifindex, &a->link_local, addr_is_zero(&q->group) ? &all_nodes : &q->group, 1, true, bytes,
	                   w.len);
	if (e)
		log_limited(&m->failed, loop_now(m->core->loop), LOG_LEVEL_WARNING, "context",
		            "cannot send MLD query interface=%s error=\"%s\"", a->name, strerror(-e));
	return e == 0;
}

static void forward(int ifindex, const struct in6_addr *group, bool on, void *arg)
{
	struct mld *m = arg;
	int e = m->mroute ? mroute_forward(m->mroute, group, ifindex, on) : 0;
	if (!e)
		return;
	context_count(CONTEXT_FORWARD_ERRORS);
	log_limited(&m->failed, loop_now(m->core->loop), LOG_LEVEL_WARNING, "context",
	            "cannot %s group=%s ifindex=%d error=\"%s\"", on ? "forward" : "stop forwarding", ADDR(group), ifindex,
	            strerror(-e));
}

static void forward_on(int ifindex, const struct in6_addr *group, void *arg)
{
	forward(ifindex, group, true, arg);
}

/* ---- interfaces ---- */

static void access_detach(struct mld *m, struct access *a)
{
	if (!a->ifindex)
		return;
	mld_track_interface_gone(m->track, a->ifindex);
	icmp6_frames_del(m->icmp6, a->ifindex);
	if (m->mroute)
		mroute_drop(m->mroute, a->ifindex);
	a->ifindex = 0;
	a->link_local = in6addr_any;
}

static void access_attach(struct mld *m, struct access *a, int ifindex)
{
	int e = icmp6_frames_add(m->icmp6, ifindex);
	if (!e)
		e = icmp6_all_multicast(m->icmp6, ifindex, true);
	if (!e && m->mroute)
		e = mroute_downstream(m->mroute, ifindex);
	if (!e)
		e = mld_track_interface(m->track, ifindex, &in6addr_any);
	a->ifindex = ifindex;
	if (!e)
		return;
	LOG_WARNING("context", "multicast listeners are not tracked interface=%s error=\"%s\"", a->name, strerror(-e));
	access_detach(m, a);
}

static void access_sync(struct mld *m, struct access *a)
{
	const struct rtnl_link *k = rtnl_link_by_name(m->core->net->rtnl, a->name);
	int ifindex = k ? k->ifindex : 0;
	struct in6_addr ll = in6addr_any;
	if (ifindex != a->ifindex) {
		access_detach(m, a);
		if (ifindex)
			access_attach(m, a, ifindex);
	}
	if (!a->ifindex)
		return;
	rtnl_link_local(m->core->net->rtnl, a->ifindex, &ll);
	if (addr_eq(&ll, &a->link_local))
		return;
	a->link_local = ll;
	mld_track_interface(m->track, a->ifindex, &ll);
}

static void upstream_sync(struct mld *m)
{
	const char *name = context_upstream(m->core->settings, m->cfg);
	const struct rtnl_link *k = name ? rtnl_link_by_name(m->core->net->rtnl, name) : NULL;
	int ifindex = k ? k->ifindex : 0;
	if (!m->mroute || ifindex == m->upstream)
		return;
	int e = mroute_upstream(m->mroute, ifindex);
	m->upstream = ifindex;
	if (e)
		LOG_WARNING("context", "no multicast from upstream interface=%s error=\"%s\"", name ? name : "-", strerror(-e));
}

static void sync(struct mld *m)
{
	upstream_sync(m);
	for (size_t i = 0; i < m->access_n; i++)
		access_sync(m, &m->access[i]);
}

static void on_rtnl(const struct rtnl_note *n, void *arg)
{
	switch (n->event) {
	case RTNL_LINK:
	case RTNL_LINK_GONE:
	case RTNL_ADDR:
	case RTNL_ADDR_GONE:
	case RTNL_RESYNC:
		sync(arg);
		return;
	case RTNL_NEIGH:
	case RTNL_NEIGH_GONE:
	case RTNL_ROUTE_GONE:
		return;
	}
}

/* ---- the feature ---- */

/* What the kernel's neighbour discovery knows of an address on our access links. */
static void ask_kernel(const struct in6_addr *addr, int *ifindex, struct lladdr *lladdr)
{
	for (size_t i = 0; i < running->access_n && !addr_is_zero(addr); i++) {
		int at = running->access[i].ifindex;
		if (!at || (*ifindex && *ifindex != at))
			continue;
		if (rtnl_neigh_get(running->core->net->rtnl, at, addr, lladdr) == 0 && lladdr->len) {
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

struct collecting {
	feature_emit_fn *emit;
	void *arg;
	struct in6_addr prefix;
};

static bool emit_block(const struct mld_listener_info *i, void *arg)
{
	struct collecting *c = arg;
	struct mld_block b = { .prefix = c->prefix, .group = i->group };
	uint8_t bytes[MLD_BLOCK_LEN];
	mld_block_pack(&b, bytes);
	if (!c->emit(bytes, sizeof bytes, c->arg))
		return false;
	context_count(CONTEXT_COLLECTED);
	return true;
}

static int collect(struct core *core, const struct feature_subject *s, feature_emit_fn *emit, void *emit_arg)
{
	struct collecting c = { .emit = emit, .arg = emit_arg };
	struct lladdr lladdr;
	int ifindex;
	place_of(core, s, &ifindex, &lladdr);
	if (!ifindex || !lladdr.len)
		return -ENOENT;
	if (s->nar_prefix.plen)
		c.prefix = s->nar_prefix.addr;
	mld_track_name(running->track, ifindex, &lladdr, &s->previous); /* forget will come with this name */
	mld_track_each_of(running->track, ifindex, &lladdr, emit_block, &c);
	return 0;
}

/* The access link the block was made for: where the mobile is, if the prefix is of that link; else by the prefix alone. */
static int link_of(const struct mld *m, int ifindex, const struct in6_addr *prefix)
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

static uint8_t install_refused(const struct feature_subject *s, const struct mld_block *b, const char *reason, uint8_t status)
{
	context_count(CONTEXT_INSTALL_REFUSED);
	LOG_NOTICE("context", "multicast context refused mobile=%s group=%s prefix=%s reason=\"%s\" status=%u",
	           ADDR(&s->previous), ADDR(&b->group), ADDR(&b->prefix), reason, status);
	return status;
}

static uint8_t install(struct core *core, const struct feature_subject *s, const uint8_t *data, size_t len)
{
	struct mld_block b;
	struct lladdr lladdr;
	int ifindex;
	if (!mld_block_parse(data, len, &b))
		return install_refused(s, &b, "malformed", FEATURE_MALFORMED);
	place_of(core, s, &ifindex, &lladdr);
	ifindex = link_of(running, ifindex, &b.prefix);
	if (!ifindex)
		return install_refused(s, &b, "not a prefix of the mobile's link", FEATURE_FAILED);
	int e = mld_track_install(running->track, ifindex, &lladdr, addr_is_zero(&s->addr) ? &s->previous : &s->addr, &b.group);
	if (e)
		return install_refused(s, &b, strerror(-e), status_of(e));
	context_count(CONTEXT_INSTALLED);
	return FEATURE_OK;
}

static void forget(struct core *core, const struct in6_addr *addr)
{
	mld_track_forget(running->track, addr);
}

static struct feature listeners = { .name = "multicast-listener", .collect = collect, .install = install, .forget = forget };

/* ---- start, reload, stop ---- */

static struct mld_params params_of(const struct context_multicast *c)
{
	return (struct mld_params){ .robustness = (unsigned)c->robustness, .query_interval = c->query_interval,
		                    .response_interval = c->response_interval,
		                    .last_listener_interval = c->last_listener_interval, .fast_leave = c->fast_leave,
		                    .always_querier = c->querier == CONTEXT_QUERIER_ALWAYS, .groups = (size_t)c->groups,
		                    .listeners = (size_t)c->listeners, .groups_per_mobile = (size_t)c->groups_per_mobile };
}

static struct access *access_named(const struct mld *m, const char *name)
{
	for (size_t i = 0; i < m->access_n; i++)
		if (!strncmp(m->access[i].name, name, IF_NAMESIZE))
			return &m->access[i];
	return NULL;
}

/* The access interfaces of the settings; those that stay keep their state. */
static int access_configure(struct mld *m)
{
	const struct settings *s = m->core->settings;
	struct access *now = calloc(s->interfaces.n + 1, sizeof *now);
	size_t n = 0;
	if (!now)
		return -ENOMEM;
	for (size_t i = 0; i < s->interfaces.n; i++) {
		const struct setting_interface *k = &((const struct setting_interface *)s->interfaces.items)[i];
		struct access *old = access_named(m, k->name);
		if (k->kind != INTERFACE_ACCESS || strlen(k->name) >= IF_NAMESIZE)
			continue;
		if (old)
			old->listed = true;
		if (old)
			now[n] = *old;
		strcpy(now[n].name, k->name);
		now[n++].listed = false;
	}
	for (size_t i = 0; i < m->access_n; i++)
		if (!m->access[i].listed)
			access_detach(m, &m->access[i]);
	free(m->access);
	m->access = now;
	m->access_n = n;
	return 0;
}

static void open_mroute(struct mld *m)
{
	m->mroute = mroute_open(m->core->loop, (size_t)m->cfg->groups);
	if (m->mroute)
		return;
	LOG_WARNING("context", "multicast is tracked and carried, not forwarded reason=\"%s\"",
	            errno == EADDRINUSE ? "another multicast router runs here" :
	            errno == EOPNOTSUPP || errno == ENOPROTOOPT ? "the kernel has no IPv6 multicast routing" : strerror(errno));
}

static void mld_close(struct mld *m)
{
	if (!m)
		return;
	rtnl_unsubscribe(m->sub);
	mld_track_destroy(m->track);
	mroute_close(m->mroute);
	icmp6_close(m->icmp6);
	free(m->access);
	free(m);
}

static int start(struct core *core, const struct context_config *c)
{
	static const uint8_t types[] = { MLD_QUERY, MLD_REPORT, MLD_DONE, MLD_REPORT_V2 };
	static const struct mld_ops ops = { .query = send_query, .forward = forward };
	const struct context_multicast *cfg = &c->multicast;
	struct mld_params params = params_of(cfg);
	struct mld *m = calloc(1, sizeof *m);
	if (!m)
		goto fail;
	*m = (struct mld){ .core = core, .cfg = cfg };
	bucket_init(&m->refused, 1, 5);
	bucket_init(&m->failed, 1, 5);
	m->track = mld_track_create(core->loop, &params, &ops, m);
	m->icmp6 = icmp6_open_frames(core->loop, NULL, 0, types, sizeof types, on_message, m);
	m->sub = rtnl_subscribe(core->net->rtnl, on_rtnl, m);
	if (!m->track || !m->icmp6 || !m->sub || access_configure(m) < 0)
		goto fail;
	open_mroute(m);
	running = m;
	sync(m);
	return 0;
fail:
	LOG_ERROR("context", "cannot track multicast listeners");
	mld_close(m);
	return -1;
}

static void reload(const struct context_config *c)
{
	struct mld *m = running;
	const struct context_multicast *cfg = &c->multicast;
	struct mld_params params = params_of(cfg);
	bool resized = cfg->groups != m->cfg->groups;
	m->cfg = cfg;
	mld_track_reconfigure(m->track, &params);
	if (access_configure(m) < 0)
		LOG_ERROR("context", "interfaces stay as they were reason=\"%s\"", strerror(ENOMEM));
	if (resized) { /* what is tracked stays; what flows is learnt anew within a packet */
		mroute_close(m->mroute);
		m->upstream = 0;
		open_mroute(m);
		for (size_t i = 0; m->mroute && i < m->access_n; i++)
			if (m->access[i].ifindex)
				mroute_downstream(m->mroute, m->access[i].ifindex);
		mld_track_forwarded(m->track, forward_on, m);
	}
	sync(m);
}

static void stop(void)
{
	mld_close(running);
	running = NULL;
}

static bool wanted(const struct context_config *c)
{
	return c->multicast.enabled;
}

/* ---- show ---- */

struct showing {
	struct mld *m;
	struct output *o;
};

static const struct in6_addr *name_of(struct mld *m, const struct mld_listener_info *i)
{
	const struct mobile *mobile = i->lladdr.len ? mobile_find_lladdr(m->core->mobiles, i->ifindex, &i->lladdr) : NULL;
	if (!addr_is_zero(&i->mobile))
		return &i->mobile;
	return mobile && mobile->addrs_n ? &mobile->addrs[0] : &i->source;
}

static bool show_one(const struct mld_listener_info *i, void *arg)
{
	struct showing *s = arg;
	const struct access *a = access_of(s->m, i->ifindex);
	out_item_begin(s->o, NULL);
	out_addr(s->o, "mobile", name_of(s->m, i));
	out_lladdr(s->o, "link_address", &i->lladdr);
	out_str(s->o, "interface", a ? a->name : NULL);
	out_uint(s->o, "fpt", MLD_FPT);
	out_str(s->o, "name", listeners.name);
	out_addr(s->o, "group", &i->group);
	out_uint(s->o, "expires_ms", i->expires / USEC_MSEC);
	out_str(s->o, "source", i->by == MLD_BY_CONTEXT ? "context" : "report");
	out_item_end(s->o);
	return true;
}

static void show(struct output *o)
{
	struct showing s = { .m = running, .o = o };
	mld_track_each(running->track, show_one, &s);
}

void mld_show_multicast(struct output *o)
{
	if (running && running->mroute)
		mroute_show(running->mroute, o);
}

const struct context_part mld_part = { .feature = &listeners, .wanted = wanted, .start = start, .reload = reload, .stop = stop,
	                               .show = show };
