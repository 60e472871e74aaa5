/*
 * The way of a report: packet socket → mld_wire, igmp_wire → gmp_track → mroute. The way of a context: at the previous
 * router collect walks what the tracker knows of the mobile's link-layer address; at the new router install tells the
 * tracker as if the mobile had reported, so its groups flow before it has said a word (RFC 4067 appendix B); forget takes
 * its memberships away where it came from. Upstream we are a host (RFC 4605), and so we are to other routers of the link.
 */
#include "context/mcast_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/output.h"

#define PROXY_AGAIN USEC_SEC /* Unsolicited Report Interval (RFC 3810 §9.11) */

struct mcast *mcast;

static const char *const family_names[] = { [MCAST_V6] = "IPv6", [MCAST_V4] = "IPv4" };

struct mcast_access *mcast_access_of(const struct mcast *m, int ifindex)
{
	for (size_t i = 0; ifindex && i < m->access_n; i++)
		if (m->access[i].ifindex == ifindex)
			return &m->access[i];
	return NULL;
}

/* ---- what the tracker tells ---- */

/* RFC 4605 §3: of several routers on a link the querier forwards, unless we are told that we are alone. */
static bool forwards_to(const struct mcast *m, int ifindex, bool v4)
{
	return m->cfg->forward == CONTEXT_FORWARD_ALWAYS || !gmp_track_yielded(m->track, ifindex, v4);
}

static void forward(int ifindex, const struct in6_addr *group, const struct source_filter *f, void *arg)
{
	struct mcast *m = arg;
	bool v4 = addr_is_v4(group);
	const struct source_filter *there = forwards_to(m, ifindex, v4) ? f : &source_filter_none;
	int e = m->mroute[v4] ? mroute_forward(m->mroute[v4], group, ifindex, there) : 0;
	if (!e)
		return;
	context_count(CONTEXT_FORWARD_ERRORS);
	log_limited(&m->failed, loop_now(m->core->loop), LOG_LEVEL_WARNING, "context",
	            "cannot %s group=%s ifindex=%d error=\"%s\"", source_filter_empty(f) ? "stop forwarding" : "forward",
	            ADDR(group), ifindex, strerror(-e));
}

static void on_yielded(int ifindex, bool v4, void *arg)
{
	struct mcast *m = arg;
	if (m->cfg->forward == CONTEXT_FORWARD_QUERIER)
		LOG_NOTICE("context", "multicast to this link is %s ifindex=%d family=%s context.multicast.forward=querier",
		           forwards_to(m, ifindex, v4) ? "forwarded" : "left to the router that asks there", ifindex,
		           family_names[v4]);
	gmp_track_forwarded(m->track, v4, forward, m);
}

/* What is known by a context alone and may not have reached other routers of the link. */
static bool proxy_one(const struct gmp_member *i, void *arg)
{
	struct mcast *m = arg;
	if (i->by == GMP_BY_CONTEXT && mcast_proxied(m, i->ifindex, addr_is_v4(&i->group)))
		mcast_proxy_report(m, i->ifindex, &i->group, i->filter);
	return true;
}

static void on_again(struct timer *t, void *arg)
{
	struct mcast *m = arg;
	gmp_track_each(m->track, proxy_one, m);
	if (--m->again_left)
		timer_after(&m->again, PROXY_AGAIN);
}

static void on_changed(const struct gmp_member *i, enum gmp_change c, void *arg)
{
	struct mcast *m = arg;
	bool proxied = mcast_proxied(m, i->ifindex, addr_is_v4(&i->group));
	mcast_bridge_changed(m->bridges, i, c);
	if (proxied && c == GMP_INSTALLED) {
		mcast_proxy_report(m, i->ifindex, &i->group, i->filter);
		m->again_left = (unsigned)m->cfg->robustness - 1;
		if (m->again_left)
			timer_after(&m->again, PROXY_AGAIN);
	}
	if (proxied && c == GMP_MOVED && i->last) /* else they would wait for its time to run out */
		mcast_proxy_report(m, i->ifindex, &i->group, &source_filter_none);
}

/* ---- interfaces ---- */

static bool family_wanted(const struct mcast *m, int v4)
{
	return v4 == MCAST_V6 || m->cfg->ipv4;
}

static void family_detach(struct mcast *m, struct mcast_access *a, int v4)
{
	if (!a->tracked[v4])
		return;
	gmp_track_interface_gone(m->track, a->ifindex, v4);
	if (v4 && m->igmp)
		igmp_del(m->igmp, a->ifindex);
	else if (!v4)
		icmp6_frames_del(m->icmp6, a->ifindex);
	if (m->mroute[v4])
		mroute_drop(m->mroute[v4], a->ifindex);
	a->tracked[v4] = false;
	a->addr[v4] = in6addr_any;
}

static void family_attach(struct mcast *m, struct mcast_access *a, int v4)
{
	int e = v4 ? igmp_add(m->igmp, a->ifindex, true) : icmp6_frames_add(m->icmp6, a->ifindex);
	if (!e && !v4)
		e = icmp6_all_multicast(m->icmp6, a->ifindex, true);
	if (!e && m->mroute[v4])
		e = mroute_downstream(m->mroute[v4], a->ifindex);
	if (!e)
		e = gmp_track_interface(m->track, a->ifindex, v4, &in6addr_any);
	a->tracked[v4] = true;
	if (!e)
		return;
	LOG_WARNING("context", "multicast listeners are not tracked interface=%s family=%s error=\"%s\"", a->name, family_names[v4],
	            strerror(-e));
	family_detach(m, a, v4);
}

static void access_detach(struct mcast *m, struct mcast_access *a)
{
	for (int v4 = 0; v4 < MCAST_FAMILIES; v4++)
		family_detach(m, a, v4);
	mcast_bridge_detach(m->bridges, a->ifindex);
	a->ifindex = 0;
}

static void family_sync(struct mcast *m, struct mcast_access *a, int v4)
{
	struct rtnl *r = m->core->net->rtnl;
	struct in6_addr addr = in6addr_any;
	if (family_wanted(m, v4) && !a->tracked[v4])
		family_attach(m, a, v4);
	else if (!family_wanted(m, v4))
		family_detach(m, a, v4);
	if (!a->tracked[v4])
		return;
	(void)(v4 ? rtnl_link_ipv4(r, a->ifindex, &addr) : rtnl_link_local(r, a->ifindex, &addr));
	if (addr_eq(&addr, &a->addr[v4]))
		return;
	a->addr[v4] = addr;
	gmp_track_interface(m->track, a->ifindex, v4, &addr);
}

static void access_sync(struct mcast *m, struct mcast_access *a)
{
	const struct rtnl_link *k = rtnl_link_by_name(m->core->net->rtnl, a->name);
	int ifindex = k ? k->ifindex : 0;
	if (ifindex != a->ifindex)
		access_detach(m, a);
	a->ifindex = ifindex;
	if (!k)
		return;
	a->lladdr = k->lladdr;
	mcast_bridge_attach(m->bridges, ifindex);
	for (int v4 = 0; v4 < MCAST_FAMILIES; v4++)
		family_sync(m, a, v4);
}

/* Queries that come in upstream tell in which version to report there. */
static void upstream_listen(struct mcast *m, int ifindex, bool on)
{
	if (!ifindex)
		return;
	if (!on)
		icmp6_frames_del(m->icmp6, ifindex);
	else if (icmp6_frames_add(m->icmp6, ifindex) < 0)
		LOG_DEBUG("context", "queries upstream are not heard ifindex=%d", ifindex);
	if (m->igmp && !on)
		igmp_del(m->igmp, ifindex);
	else if (m->igmp && igmp_add(m->igmp, ifindex, false) < 0)
		LOG_DEBUG("context", "queries upstream are not heard ifindex=%d", ifindex);
}

static void upstream_sync(struct mcast *m)
{
	const char *name = context_upstream(m->core->settings, m->cfg);
	const struct rtnl_link *k = name ? rtnl_link_by_name(m->core->net->rtnl, name) : NULL;
	int ifindex = k ? k->ifindex : 0;
	if (ifindex != m->upstream) {
		upstream_listen(m, m->upstream, false);
		memset(m->upstream_old, 0, sizeof m->upstream_old);
		m->upstream = ifindex;
	}
	upstream_listen(m, ifindex, true);
	for (int v4 = 0; v4 < MCAST_FAMILIES; v4++) {
		int e = m->mroute[v4] ? mroute_upstream(m->mroute[v4], ifindex) : 0;
		if (e)
			LOG_WARNING("context", "no multicast from upstream interface=%s family=%s error=\"%s\"", name ? name : "-",
			            family_names[v4], strerror(-e));
	}
}

static void sync(struct mcast *m)
{
	upstream_sync(m);
	for (size_t i = 0; i < m->access_n; i++)
		access_sync(m, &m->access[i]);
}

static void on_rtnl(const struct rtnl_note *n, void *arg)
{
	struct mcast *m = arg;
	switch (n->event) {
	case RTNL_LINK:
	case RTNL_LINK_GONE:
	case RTNL_ADDR:
	case RTNL_ADDR_GONE:
	case RTNL_RESYNC:
		sync(m);
		return;
	case RTNL_STATION:
		mcast_bridge_station(m->bridges, n->ifindex, &n->lladdr);
		return;
	case RTNL_NEIGH:
	case RTNL_NEIGH_GONE:
	case RTNL_ROUTE_GONE:
		return;
	}
}

/* ---- start, reload, stop ---- */

static struct gmp_params params_of(const struct context_multicast *c)
{
	return (struct gmp_params){ .robustness = (unsigned)c->robustness, .query_interval = c->query_interval,
		                    .response_interval = c->response_interval,
		                    .last_listener_interval = c->last_listener_interval, .fast_leave = c->fast_leave,
		                    .always_querier = c->querier == CONTEXT_QUERIER_ALWAYS,
		                    .igmp_version = (uint8_t)c->igmp_version, .mld_version = (uint8_t)(c->mld_version + 1),
		                    .groups = (size_t)c->groups, .listeners = (size_t)c->listeners,
		                    .groups_per_mobile = (size_t)c->groups_per_mobile, .sources = (size_t)c->sources };
}

static struct mcast_access *access_named(const struct mcast *m, const char *name)
{
	for (size_t i = 0; i < m->access_n; i++)
		if (!strncmp(m->access[i].name, name, IF_NAMESIZE))
			return &m->access[i];
	return NULL;
}

/* The access interfaces of the settings; those that stay keep their state. */
static int access_configure(struct mcast *m)
{
	const struct settings *s = m->core->settings;
	struct mcast_access *now = calloc(s->interfaces.n + 1, sizeof *now);
	size_t n = 0;
	if (!now)
		return -ENOMEM;
	for (size_t i = 0; i < s->interfaces.n; i++) {
		const struct setting_interface *k = &((const struct setting_interface *)s->interfaces.items)[i];
		struct mcast_access *old = access_named(m, k->name);
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

static void open_mroute(struct mcast *m, int v4)
{
	m->mroute[v4] = mroute_open(m->core->loop, v4, (size_t)m->cfg->groups);
	if (m->mroute[v4]) {
		mroute_on_joined(m->mroute[v4], mcast_joined_upstream, m);
		return;
	}
	LOG_WARNING("context", "multicast is tracked and carried, not forwarded family=%s reason=\"%s\"", family_names[v4],
	            errno == EADDRINUSE ? "another multicast router runs here" :
	            errno == EOPNOTSUPP || errno == ENOPROTOOPT ? "the kernel has no multicast routing" : strerror(errno));
}

/* IPv4 comes or goes by configuration. */
static void configure_families(struct mcast *m)
{
	if (mcast_io_igmp(m) < 0)
		LOG_ERROR("context", "IGMP is not heard");
	if (m->cfg->ipv4 && m->igmp && !m->mroute[MCAST_V4])
		open_mroute(m, MCAST_V4);
	if (m->cfg->ipv4)
		return;
	for (size_t i = 0; i < m->access_n; i++)
		family_detach(m, &m->access[i], MCAST_V4);
	mroute_close(m->mroute[MCAST_V4]);
	m->mroute[MCAST_V4] = NULL;
}

static void mcast_close(struct mcast *m)
{
	if (!m)
		return;
	rtnl_unsubscribe(m->sub);
	timer_stop(&m->again);
	mcast_bridges_destroy(m->bridges);
	gmp_track_destroy(m->track);
	for (int v4 = 0; v4 < MCAST_FAMILIES; v4++)
		mroute_close(m->mroute[v4]);
	mcast_io_close(m);
	free(m->access);
	free(m);
}

static int start(struct core *core, const struct context_config *c)
{
	static const struct gmp_ops ops = { .query = mcast_query, .forward = forward, .changed = on_changed,
		                            .yielded = on_yielded };
	struct gmp_params params = params_of(&c->multicast);
	struct mcast *m = calloc(1, sizeof *m);
	if (!m)
		goto fail;
	*m = (struct mcast){ .core = core, .cfg = &c->multicast };
	bucket_init(&m->refused, 1, 5);
	bucket_init(&m->failed, 1, 5);
	timer_init(&m->again, core->loop, on_again, m);
	m->track = gmp_track_create(core->loop, &params, &ops, m);
	m->bridges = m->track ? mcast_bridges_create(core->net->rtnl, m->track, core->loop) : NULL;
	m->sub = rtnl_subscribe(core->net->rtnl, on_rtnl, m);
	if (!m->track || !m->bridges || !m->sub || mcast_io_open(m) < 0 || access_configure(m) < 0)
		goto fail;
	open_mroute(m, MCAST_V6);
	configure_families(m);
	mcast = m;
	sync(m);
	return 0;
fail:
	LOG_ERROR("context", "cannot track multicast listeners");
	mcast_close(m);
	return -1;
}

static void reload(const struct context_config *c)
{
	struct mcast *m = mcast;
	struct gmp_params params = params_of(&c->multicast);
	bool rule = c->multicast.forward != m->cfg->forward;
	m->cfg = &c->multicast;
	for (int v4 = 0; v4 < MCAST_FAMILIES; v4++)
		if (m->mroute[v4])
			mroute_limit(m->mroute[v4], (size_t)m->cfg->groups);
	gmp_track_reconfigure(m->track, &params);
	if (access_configure(m) < 0)
		LOG_ERROR("context", "interfaces stay as they were reason=\"%s\"", strerror(ENOMEM));
	configure_families(m);
	sync(m);
	for (int v4 = 0; v4 < MCAST_FAMILIES && rule; v4++)
		gmp_track_forwarded(m->track, v4, forward, m);
}

static void stop(void)
{
	mcast_close(mcast);
	mcast = NULL;
}

static bool wanted(const struct context_config *c)
{
	return c->multicast.enabled;
}

void mcast_show_streams(struct output *o)
{
	for (int v4 = 0; mcast && v4 < MCAST_FAMILIES; v4++)
		if (mcast->mroute[v4])
			mroute_show(mcast->mroute[v4], o);
}

static void show(struct output *o)
{
	mcast_show_members(o, mcast_listeners.fpt);
}

const struct context_part mld_part = { .feature = &mcast_listeners, .wanted = wanted, .start = start, .reload = reload,
	                               .stop = stop, .show = show };

/* The other two features stand on the first one. */

static int start_beside(struct core *core, const struct context_config *c)
{
	return mcast ? 0 : CONTEXT_NOT_HERE;
}

static void stop_beside(void)
{
	/* the first one does it */
}

static bool wanted4(const struct context_config *c)
{
	return c->multicast.enabled && c->multicast.ipv4;
}

static void show4(struct output *o)
{
	mcast_show_members(o, mcast_listeners4.fpt);
}

const struct context_part multicast4_part = { .feature = &mcast_listeners4, .wanted = wanted4, .start = start_beside,
	                                      .stop = stop_beside, .show = show4 };
const struct context_part multicast6_part = { .feature = &mcast_filters6, .wanted = wanted, .start = start_beside,
	                                      .stop = stop_beside };
