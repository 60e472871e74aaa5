/* Packets of multicast: what hosts and other routers of a link say, what we ask, and what we report as a host ourselves. */
#include <errno.h>
#include <string.h>

#include "context/igmp_wire.h"
#include "context/mcast_priv.h"
#include "context/mld_wire.h"

#define REPORT_MAX (8 + 20 + 16 * GMP_SOURCES_MAX)

static const struct in6_addr all_nodes = { .s6_addr = { 0xff, 2, [15] = 1 } };
static const struct in6_addr all_routers6 = { .s6_addr = { 0xff, 2, [15] = 2 } };
static const struct in6_addr mldv2_routers = { .s6_addr = { 0xff, 2, [15] = 0x16 } };
static const struct in6_addr all_systems = { .s6_addr = { [10] = 0xff, 0xff, 224, 0, 0, 1 } };
static const struct in6_addr all_routers4 = { .s6_addr = { [10] = 0xff, 0xff, 224, 0, 0, 2 } };
static const struct in6_addr igmpv3_routers = { .s6_addr = { [10] = 0xff, 0xff, 224, 0, 0, 22 } };

/* ---- in ---- */

static void refuse(struct mcast *m, bool v4, bool malformed, const struct in6_addr *src, int ifindex, int type, usec_t at,
                   const char *why)
{
	context_count_of(malformed ? CONTEXT_MLD_MALFORMED : CONTEXT_MLD_REFUSED, v4);
	/* Reports from the unspecified address are daily bread: duplicate address detection (RFC 3590). */
	if (!addr_is_zero(src))
		log_limited(&m->refused, at, LOG_LEVEL_WARNING, "context",
		            "%s message refused peer=%s ifindex=%d type=%d reason=\"%s\"", v4 ? "IGMP" : "MLD", ADDR(src), ifindex,
		            type, why);
}

/* Upstream we are a host, and report in the version that is asked for there (RFC 3376 §7.2, RFC 3810 §8.2). */
static void heard_upstream(struct mcast *m, const struct gmp_message *msg, usec_t at)
{
	const struct context_multicast *c = m->cfg;
	if (msg->type == GMP_QUERY && msg->query.version < GMP_V3)
		m->upstream_old[msg->v4][msg->query.version - 1] =
		    at + (usec_t)c->robustness * c->query_interval + c->response_interval;
}

static void take(struct mcast *m, int ifindex, const struct lladdr *from, const struct in6_addr *src, struct gmp_message *msg,
                 usec_t at)
{
	const struct mcast_access *a = mcast_access_of(m, ifindex);
	if (ifindex == m->upstream)
		heard_upstream(m, msg, at);
	else if (a && !lladdr_eq(from, &a->lladdr)) /* our own, sent back by some access point */
		gmp_track_receive(m->track, ifindex, from, src, msg);
}

static void on_mld(const struct icmp6_message *p, void *arg)
{
	struct mcast *m = arg;
	struct gmp_message msg;
	const char *why = mld_refusal(&p->src, p->hop_limit, p->router_alert);
	/* A query to one node alone would have us believe that others heard it. */
	if (!why && p->data[0] == MLD_QUERY && !addr_is_multicast(&p->dst))
		why = "query is not multicast";
	if (why)
		refuse(m, false, false, &p->src, p->ifindex, p->data[0], p->at, why);
	else if (!mld_parse(p->data, p->len, &msg))
		refuse(m, false, true, &p->src, p->ifindex, p->data[0], p->at, "malformed");
	else
		take(m, p->ifindex, &p->from, &p->src, &msg, p->at);
}

static bool igmp_known(uint8_t type)
{
	return type == IGMP_QUERY || type == IGMP_REPORT_V1 || type == IGMP_REPORT_V2 || type == IGMP_LEAVE_V2 ||
	       type == IGMP_REPORT_V3;
}

static void on_igmp(const struct igmp_packet *p, void *arg)
{
	struct mcast *m = arg;
	struct gmp_message msg;
	if (!igmp_known(p->data[0])) /* DVMRP, PIM version 1, router discovery: not ours to judge (RFC 3376 §4) */
		return;
	const char *why = igmp_refusal(p->data[0], &p->src, p->ttl, p->router_alert);
	if (!why && p->data[0] == IGMP_QUERY && !addr_is_multicast(&p->dst))
		why = "query is not multicast";
	if (why)
		refuse(m, true, false, &p->src, p->ifindex, p->data[0], p->at, why);
	else if (!igmp_parse(p->data, p->len, &msg))
		refuse(m, true, true, &p->src, p->ifindex, p->data[0], p->at, "malformed");
	else
		take(m, p->ifindex, &p->from, &p->src, &msg, p->at);
}

int mcast_io_open(struct mcast *m)
{
	static const uint8_t types[] = { MLD_QUERY, MLD_REPORT, MLD_DONE, MLD_REPORT_V2 };
	m->icmp6 = icmp6_open_frames(m->core->loop, NULL, 0, types, sizeof types, on_mld, m);
	return m->icmp6 ? mcast_io_igmp(m) : -1;
}

int mcast_io_igmp(struct mcast *m)
{
	if (m->cfg->ipv4 && !m->igmp)
		m->igmp = igmp_open(m->core->loop, on_igmp, m);
	if (m->cfg->ipv4)
		return m->igmp ? 0 : -1;
	igmp_close(m->igmp);
	m->igmp = NULL;
	return 0;
}

void mcast_io_close(struct mcast *m)
{
	icmp6_close(m->icmp6);
	igmp_close(m->igmp);
}

/* ---- out ---- */

static int send_to(struct mcast *m, bool v4, int ifindex, const struct in6_addr *src, const struct in6_addr *dst,
                   const struct wr *w)
{
	if (!wr_ok(w))
		return -EMSGSIZE;
	if (v4)
		return m->igmp ? igmp_send(m->igmp, ifindex, src, dst, w->base, w->len) : -EAFNOSUPPORT;
	return icmp6_send(m->icmp6, ifindex, src, dst, 1, true, w->base, w->len);
}

static void log_failed(struct mcast *m, bool v4, const char *what, int ifindex, int e)
{
	if (e)
		log_limited(&m->failed, loop_now(m->core->loop), LOG_LEVEL_WARNING, "context",
		            "cannot send %s %s ifindex=%d error=\"%s\"", v4 ? "IGMP" : "MLD", what, ifindex, strerror(-e));
}

bool mcast_query(int ifindex, const struct gmp_query *q, void *arg)
{
	struct mcast *m = arg;
	const struct mcast_access *a = mcast_access_of(m, ifindex);
	uint8_t bytes[MLD_QUERY_MAX];
	struct wr w = wr_make(bytes, sizeof bytes);
	if (!a)
		return false;
	if (q->v4)
		igmp_query_pack(&w, q);
	else
		mld_query_pack(&w, q);
	const struct in6_addr *dst = !addr_is_zero(&q->group) ? &q->group : q->v4 ? &all_systems : &all_nodes;
	int e = send_to(m, q->v4, ifindex, &a->addr[q->v4], dst, &w);
	log_failed(m, q->v4, "query", ifindex, e);
	return e == 0;
}

/* One group's report as a host of this version would send it. */
static void report(struct mcast *m, int ifindex, const struct in6_addr *src, enum gmp_version version,
                   const struct gmp_record_out *r)
{
	bool v4 = addr_is_v4(&r->group), leave = r->type == GMP_TO_INCLUDE && !r->n;
	uint8_t bytes[REPORT_MAX];
	struct wr w = wr_make(bytes, sizeof bytes);
	const struct in6_addr *dst = version == GMP_V3 ? (v4 ? &igmpv3_routers : &mldv2_routers) :
	                             !leave ? &r->group : v4 ? &all_routers4 : &all_routers6;
	if (leave && version == GMP_V1)
		return;
	if (version == GMP_V3 && v4)
		igmp_report_pack(&w, r, 1);
	else if (version == GMP_V3)
		mld_report_pack(&w, r, 1);
	else if (v4)
		igmp_v2_pack(&w, leave ? IGMP_LEAVE_V2 : version == GMP_V1 ? IGMP_REPORT_V1 : IGMP_REPORT_V2, &r->group);
	else
		mld_v1_pack(&w, leave ? MLD_DONE : MLD_REPORT, &r->group);
	log_failed(m, v4, "report", ifindex, send_to(m, v4, ifindex, src, dst, &w));
}

/* The record that makes a router know `now` who knew `before` (RFC 3810 §6.1). */
static struct gmp_record_out record_of(const struct in6_addr *group, const struct source_filter *before,
                                       const struct source_filter *now, struct in6_addr gained[GMP_SOURCES_MAX])
{
	struct gmp_record_out r = { .type = now->exclude ? GMP_TO_EXCLUDE : GMP_TO_INCLUDE, .group = *group,
		                    .source = now->source, .n = now->n };
	bool all;
	if (before->exclude != now->exclude || source_filter_empty(now))
		return r;
	r.type = GMP_ALLOW;
	r.source = gained;
	r.n = source_filter_lost(now, before, gained, GMP_SOURCES_MAX, &all);
	return r;
}

static enum gmp_version upstream_version(const struct mcast *m, bool v4)
{
	usec_t now = loop_now(m->core->loop);
	return m->upstream_old[v4][0] > now ? GMP_V1 : m->upstream_old[v4][1] > now ? GMP_V2 : GMP_V3;
}

/* The kernel's report for a new upstream membership waits two ticks of its clock; ours does not. */
void mcast_joined_upstream(int ifindex, const struct in6_addr *group, const struct source_filter *before,
                           const struct source_filter *now, void *arg)
{
	struct mcast *m = arg;
	bool v4 = addr_is_v4(group);
	struct in6_addr src, gained[GMP_SOURCES_MAX];
	struct rtnl *rtnl = m->core->net->rtnl;
	if (!(v4 ? rtnl_link_ipv4(rtnl, ifindex, &src) : rtnl_link_local(rtnl, ifindex, &src)))
		return;
	struct gmp_record_out r = record_of(group, before ? before : &source_filter_none, now, gained);
	report(m, ifindex, &src, upstream_version(m, v4), &r);
}

bool mcast_proxied(const struct mcast *m, int ifindex, bool v4)
{
	switch ((enum context_proxy_reports)m->cfg->proxy_reports) {
	case CONTEXT_PROXY_AUTO:
		return gmp_track_shared(m->track, ifindex, v4);
	case CONTEXT_PROXY_ALWAYS:
		return true;
	case CONTEXT_PROXY_NEVER:
		return false;
	}
	return false;
}

/* The source is our own address: routers take no report from elsewhere, and the mobile's would be a forgery to its link. */
void mcast_proxy_report(struct mcast *m, int ifindex, const struct in6_addr *group, const struct source_filter *f)
{
	bool v4 = addr_is_v4(group);
	const struct mcast_access *a = mcast_access_of(m, ifindex);
	struct in6_addr gained[GMP_SOURCES_MAX];
	struct gmp_record_out r = record_of(group, &source_filter_none, f, gained);
	uint8_t version = gmp_track_shared(m->track, ifindex, v4);
	if (!a || addr_is_zero(&a->addr[v4]))
		return;
	report(m, ifindex, &a->addr[v4], version ? version : GMP_V3, &r);
	context_count(CONTEXT_PROXIED);
	LOG_DEBUG("context", "report proxied ifindex=%d group=%s sources=%zu", ifindex, ADDR(group), r.n);
}
