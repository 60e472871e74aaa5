/* What we tell the kernel and ask it: routes, neighbours, addresses, rules, links. How: rtnl_request.c. */
#include "net/rtnl_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/lwtunnel.h>
#include <linux/neighbour.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"

struct counter rtnl_counters[RTNL_COUNTERS] = {
	[RTNL_REQUESTS] = { .name = "rtnl_requests", .help = "Requests to the kernel" },
	[RTNL_REQUEST_ERRORS] = { .name = "rtnl_request_errors", .help = "Requests that the kernel refused" },
	[RTNL_EVENTS] = { .name = "rtnl_events", .help = "Notifications from the kernel" },
	[RTNL_OVERRUNS] = { .name = "rtnl_overruns", .help = "Times the kernel dropped notifications" },
	[RTNL_RESYNCS] = { .name = "rtnl_resyncs", .help = "Full dumps after lost notifications" },
	[RTNL_SWEPT] = { .name = "rtnl_swept", .help = "Things of an earlier life that were removed" },
};

static int put_addr(struct nl_msg *m, int type, const struct in6_addr *a)
{
	return nla_put(m, type, sizeof *a, a);
}

static unsigned char family_of(const struct in6_addr *a)
{
	return addr_is_v4(a) ? AF_INET : AF_INET6;
}

/* In the form of its own family. */
static int put_own(struct nl_msg *m, int type, const struct in6_addr *a)
{
	return addr_is_v4(a) ? nla_put(m, type, 4, &a->s6_addr[12]) : put_addr(m, type, a);
}

static uint8_t own_plen(const struct prefix *p)
{
	return (uint8_t)(addr_is_v4(&p->addr) && p->plen >= 96 ? p->plen - 96 : p->plen);
}

bool rtnl_protocol_ours(const struct rtnl *r, uint8_t protocol)
{
	return r->protocols[protocol / 8] & (1U << (protocol % 8));
}

void rtnl_set_protocol(struct rtnl *r, uint8_t protocol)
{
	r->protocol_changed |= protocol != r->protocol;
	r->protocol = protocol;
	r->protocols[protocol / 8] |= (uint8_t)(1U << (protocol % 8));
	int rc = rtnl_watch_protocol(r);
	if (rc < 0)
		LOG_WARNING(RTNL_LOG, "deletions of routes are not watched protocol=%d error=\"%s\"", protocol, strerror(-rc));
}

/* -- routes ---------------------------------------------------------------------------------------------------------- */

static int put_encap(struct nl_msg *m, const struct rtnl_route *rt)
{
	int bad = nla_put_u16(m, RTA_ENCAP_TYPE, LWTUNNEL_ENCAP_IP6);
	struct nlattr *nest = nla_nest_start(m, RTA_ENCAP);
	if (bad < 0 || !nest)
		return -1;
	bad |= nla_put_u64(m, LWTUNNEL_IP6_ID, 0);
	bad |= put_addr(m, LWTUNNEL_IP6_DST, &rt->encap_dst);
	if (!addr_is_zero(&rt->encap_src))
		bad |= put_addr(m, LWTUNNEL_IP6_SRC, &rt->encap_src);
	bad |= nla_put_u8(m, LWTUNNEL_IP6_HOPLIMIT, rt->encap_hop_limit ? rt->encap_hop_limit : 64);
	return bad ? -1 : nla_nest_end(m, nest);
}

static int put_mtu(struct nl_msg *m, uint32_t mtu)
{
	struct nlattr *nest = nla_nest_start(m, RTA_METRICS);
	if (!nest)
		return -1;
	int bad = nla_put_u32(m, RTAX_LOCK, 1U << RTAX_MTU);
	bad |= nla_put_u32(m, RTAX_MTU, mtu);
	return bad ? -1 : nla_nest_end(m, nest);
}

static struct nl_msg *route_request(const struct rtnl *r, uint16_t type, uint16_t flags, const struct rtnl_route *rt, int *bad)
{
	uint32_t table = rt->table ? rt->table : RT_TABLE_MAIN;
	bool v4 = addr_is_v4(&rt->dst.addr);
	struct rtmsg rtm = {
		.rtm_family = v4 ? AF_INET : AF_INET6,
		.rtm_dst_len = own_plen(&rt->dst),
		.rtm_src_len = rt->src.plen,
		.rtm_table = (unsigned char)(table < 256 ? table : RT_TABLE_UNSPEC),
		.rtm_protocol = r->protocol,
		.rtm_scope = v4 && addr_is_zero(&rt->via) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
		.rtm_type = rt->type ? rt->type : RTN_UNICAST,
		.rtm_flags = rt->onlink ? RTNH_F_ONLINK : 0,
	};
	struct nl_msg *m = rtnl_request(type, flags, &rtm, sizeof rtm);
	if (!m)
		return NULL;
	*bad |= nla_put_u32(m, RTA_TABLE, table);
	*bad |= nla_put_u32(m, RTA_PRIORITY, rt->metric ? rt->metric : 1024);
	if (rtm.rtm_dst_len)
		*bad |= put_own(m, RTA_DST, &rt->dst.addr);
	if (rt->src.plen)
		*bad |= put_addr(m, RTA_SRC, &rt->src.addr);
	return m;
}

/* All of one family; IPv4 knows no routes by source. */
static bool route_family_ok(const struct rtnl_route *rt)
{
	bool v4 = addr_is_v4(&rt->dst.addr);
	return (addr_is_zero(&rt->via) || addr_is_v4(&rt->via) == v4) && !addr_is_v4(&rt->src.addr) && !(v4 && rt->src.plen);
}

int rtnl_route_set(struct rtnl *r, const struct rtnl_route *rt)
{
	int bad = 0;
	if (!route_family_ok(rt))
		return -EAFNOSUPPORT;
	struct nl_msg *m = route_request(r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, rt, &bad);
	if (!m)
		return -ENOMEM;
	if (rt->ifindex)
		bad |= nla_put_u32(m, RTA_OIF, (uint32_t)rt->ifindex);
	if (!addr_is_zero(&rt->via))
		bad |= put_own(m, RTA_GATEWAY, &rt->via);
	if (!addr_is_zero(&rt->prefsrc))
		bad |= put_own(m, RTA_PREFSRC, &rt->prefsrc);
	if (rt->mtu)
		bad |= put_mtu(m, rt->mtu);
	if (rt->encap)
		bad |= put_encap(m, rt);
	return rtnl_change(r, m, bad < 0 ? -1 : 0, 0);
}

int rtnl_route_del(struct rtnl *r, const struct rtnl_route *rt)
{
	int bad = 0;
	struct nl_msg *m = route_request(r, RTM_DELROUTE, 0, rt, &bad);
	if (!m)
		return -ENOMEM;
	/* Only a route of ours, whatever its form when it was set; but a reload may have changed the number since. */
	struct rtmsg *rtm = nlmsg_data(nlmsg_hdr(m));
	rtm->rtm_type = RTN_UNSPEC;
	if (rtm->rtm_family == AF_INET)
		rtm->rtm_scope = RT_SCOPE_NOWHERE; /* any */
	if (r->protocol_changed)
		rtm->rtm_protocol = RTPROT_UNSPEC;
	return rtnl_change(r, m, bad < 0 ? -1 : 0, ESRCH);
}

struct lookup {
	struct rtnl *rtnl;
	int ifindex;
	uint32_t mtu;
};

static void take_lookup(struct nlmsghdr *h, void *arg)
{
	struct lookup *l = arg;
	struct nlattr *tb[RTA_MAX + 1], *metrics[RTAX_MAX + 1];
	if (h->nlmsg_type != RTM_NEWROUTE || nlmsg_parse(h, sizeof(struct rtmsg), tb, RTA_MAX, NULL) < 0 || !tb[RTA_OIF])
		return;
	l->ifindex = (int)nla_get_u32(tb[RTA_OIF]);
	if (tb[RTA_METRICS] && nla_parse_nested(metrics, RTAX_MAX, tb[RTA_METRICS], NULL) == 0 && metrics[RTAX_MTU])
		l->mtu = nla_get_u32(metrics[RTAX_MTU]);
}

struct gateway {
	int ifindex;
	struct in6_addr via;
	uint32_t metric;
	bool found;
};

static void take_gateway(struct nlmsghdr *h, void *arg)
{
	struct gateway *g = arg;
	const struct rtmsg *rtm = nlmsg_data(h);
	struct nlattr *tb[RTA_MAX + 1];
	if (h->nlmsg_type != RTM_NEWROUTE || nlmsg_parse(h, sizeof *rtm, tb, RTA_MAX, NULL) < 0 || rtm->rtm_family != AF_INET ||
	    rtm->rtm_dst_len || rtm->rtm_table != RT_TABLE_MAIN || !tb[RTA_OIF] || !tb[RTA_GATEWAY] || nla_len(tb[RTA_GATEWAY]) != 4)
		return;
	uint32_t metric = tb[RTA_PRIORITY] ? nla_get_u32(tb[RTA_PRIORITY]) : 0;
	if ((int)nla_get_u32(tb[RTA_OIF]) != g->ifindex || (g->found && metric >= g->metric))
		return;
	g->via = rtnl_attr_addr(tb[RTA_GATEWAY]);
	g->metric = metric;
	g->found = true;
}

bool rtnl_gateway4(struct rtnl *r, int ifindex, struct in6_addr *out)
{
	struct rtmsg rtm = { .rtm_family = AF_INET };
	struct gateway g = { .ifindex = ifindex };
	struct nl_msg *m = rtnl_request(RTM_GETROUTE, NLM_F_DUMP, &rtm, sizeof rtm);
	if (!m || rtnl_exchange(r, m, take_gateway, &g) < 0 || !g.found)
		return false;
	*out = g.via;
	return true;
}

int rtnl_route_lookup(struct rtnl *r, const struct in6_addr *dst, int *ifindex, uint32_t *mtu)
{
	struct rtmsg rtm = { .rtm_family = family_of(dst), .rtm_dst_len = addr_is_v4(dst) ? 32 : 128 };
	struct lookup l = { .rtnl = r };
	struct nl_msg *m = rtnl_request(RTM_GETROUTE, 0, &rtm, sizeof rtm);
	if (!m)
		return -ENOMEM;
	if (put_own(m, RTA_DST, dst) < 0) {
		nlmsg_free(m);
		return -EMSGSIZE;
	}
	int rc = rtnl_exchange(r, m, take_lookup, &l);
	if (rc < 0)
		return rc;
	if (!l.ifindex)
		return -ENETUNREACH;
	const struct rtnl_link *link = rtnl_link_by_index(r, l.ifindex);
	if (ifindex)
		*ifindex = l.ifindex;
	if (mtu)
		*mtu = l.mtu ? l.mtu : link ? link->mtu : 1500;
	return 0;
}

/* -- neighbours ------------------------------------------------------------------------------------------------------ */

static int neigh_request(struct rtnl *r, bool set, int ifindex, const struct in6_addr *a, const struct lladdr *l,
                         uint16_t nud, uint8_t flags)
{
	struct ndmsg ndm = { .ndm_family = family_of(a), .ndm_ifindex = ifindex, .ndm_state = nud, .ndm_flags = flags };
	struct nl_msg *m = rtnl_request(set ? RTM_NEWNEIGH : RTM_DELNEIGH, set ? NLM_F_CREATE | NLM_F_REPLACE : 0, &ndm, sizeof ndm);
	if (!m)
		return -ENOMEM;
	int bad = put_own(m, NDA_DST, a);
	if (set && l && l->len)
		bad |= nla_put(m, NDA_LLADDR, l->len, l->octet);
	if (set)
		bad |= nla_put_u8(m, NDA_PROTOCOL, r->protocol);
	return rtnl_change(r, m, bad, set ? 0 : ENOENT);
}

int rtnl_neigh_set(struct rtnl *r, int ifindex, const struct in6_addr *a, const struct lladdr *l, uint16_t nud)
{
	return neigh_request(r, true, ifindex, a, l, nud, 0);
}

int rtnl_neigh_del(struct rtnl *r, int ifindex, const struct in6_addr *a)
{
	int rc = neigh_request(r, false, ifindex, a, NULL, 0, 0);
	return rc == -ENODEV ? 0 : rc;
}

struct neigh_answer {
	struct lladdr lladdr;
	uint16_t not; /* states in which it is not wanted */
};

static void take_neigh(struct nlmsghdr *h, void *arg)
{
	struct neigh_answer *out = arg;
	struct nlattr *tb[NDA_MAX + 1];
	const struct ndmsg *ndm = nlmsg_data(h);
	if (h->nlmsg_type != RTM_NEWNEIGH || nlmsg_parse(h, sizeof *ndm, tb, NDA_MAX, NULL) < 0 || !tb[NDA_LLADDR] ||
	    (ndm->ndm_state & out->not) || nla_len(tb[NDA_LLADDR]) > LLADDR_MAX)
		return;
	out->lladdr.len = (uint8_t)nla_len(tb[NDA_LLADDR]);
	memcpy(out->lladdr.octet, nla_data(tb[NDA_LLADDR]), out->lladdr.len);
}

static int neigh_ask(struct rtnl *r, int ifindex, const struct in6_addr *a, uint16_t not, struct lladdr *out)
{
	struct ndmsg ndm = { .ndm_family = family_of(a), .ndm_ifindex = ifindex };
	struct neigh_answer answer = { .not = not };
	struct nl_msg *m = rtnl_request(RTM_GETNEIGH, 0, &ndm, sizeof ndm);
	if (!m)
		return -ENOMEM;
	if (put_own(m, NDA_DST, a) < 0) {
		nlmsg_free(m);
		return -EMSGSIZE;
	}
	int rc = rtnl_exchange(r, m, take_neigh, &answer);
	*out = answer.lladdr;
	return rc < 0 ? rc : out->len ? 0 : -ENOENT;
}

int rtnl_neigh_get(struct rtnl *r, int ifindex, const struct in6_addr *a, struct lladdr *out)
{
	return neigh_ask(r, ifindex, a, NUD_FAILED | NUD_INCOMPLETE, out);
}

int rtnl_neigh_reachable(struct rtnl *r, int ifindex, const struct in6_addr *a, struct lladdr *out)
{
	return neigh_ask(r, ifindex, a, (uint16_t)~(NUD_REACHABLE | NUD_PERMANENT), out);
}

/* Writes a value under /proc/sys and returns the old one, if that is wanted. */
int rtnl_sysctl(const char *value, char *old, size_t old_len, const char *fmt, ...)
{
	char path[160];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(path, sizeof path, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof path)
		return -ENAMETOOLONG;
	int fd = open(path, (value ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int rc = 0;
	if (old && old_len) {
		ssize_t got = pread(fd, old, old_len - 1, 0);
		if (got < 0)
			rc = -errno;
		old[got > 0 ? got : 0] = '\0';
		old[strcspn(old, "\n")] = '\0';
	}
	if (value && rc == 0 && pwrite(fd, value, strlen(value), 0) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

struct proxy_link *rtnl_proxy_link(const struct rtnl *r, int ifindex)
{
	struct proxy_link *p = r->proxies;
	while (p && p->ifindex != ifindex)
		p = p->next;
	return p;
}

/* Without this switch the kernel keeps proxy entries and answers for none of them. Who turns it off later is noticed. */
static void proxy_enable(struct rtnl *r, int ifindex)
{
	char old[16];
	struct proxy_link *p = rtnl_proxy_link(r, ifindex);
	if (p && p->on)
		return;
	if (!p) {
		p = calloc(1, sizeof *p);
		if (!p || !if_indextoname((unsigned)ifindex, p->ifname)) {
			free(p);
			return;
		}
		p->ifindex = ifindex;
		p->next = r->proxies;
		r->proxies = p;
	}
	int rc = rtnl_sysctl("1", old, sizeof old, "/proc/sys/net/ipv6/conf/%s/proxy_ndp", p->ifname);
	if (rc < 0) {
		LOG_WARNING(RTNL_LOG, "proxy neighbour discovery cannot be turned on interface=%s error=\"%s\"", p->ifname, strerror(-rc));
		return;
	}
	p->on = true;
	p->restore |= old[0] == '0';
}

void rtnl_proxy_link_gone(struct rtnl *r, int ifindex)
{
	struct proxy_link **at = &r->proxies, *p = rtnl_proxy_link(r, ifindex);
	while (p && *at != p)
		at = &(*at)->next;
	if (p)
		*at = p->next;
	free(p);
}

static void proxies_restore(struct rtnl *r)
{
	while (r->proxies) {
		struct proxy_link *p = r->proxies;
		r->proxies = p->next;
		if (p->restore)
			(void)rtnl_sysctl("0", NULL, 0, "/proc/sys/net/ipv6/conf/%s/proxy_ndp", p->ifname);
		free(p);
	}
}

int rtnl_proxy_set(struct rtnl *r, int ifindex, const struct in6_addr *a)
{
	if (!addr_is_v4(a)) /* for ARP the entry alone is enough */
		proxy_enable(r, ifindex);
	return neigh_request(r, true, ifindex, a, NULL, NUD_PERMANENT, NTF_PROXY);
}

int rtnl_proxy_del(struct rtnl *r, int ifindex, const struct in6_addr *a)
{
	int rc = neigh_request(r, false, ifindex, a, NULL, 0, NTF_PROXY);
	return rc == -ENODEV ? 0 : rc;
}

/* -- addresses ------------------------------------------------------------------------------------------------------- */

static struct nl_msg *addr_request(uint16_t type, uint16_t flags, const struct rtnl_addr *a, int *bad)
{
	bool v4 = addr_is_v4(&a->addr);
	uint32_t ifa_flags = (a->nodad ? IFA_F_NODAD : 0) | (a->optimistic ? IFA_F_OPTIMISTIC : 0) |
	                     (a->noprefixroute ? IFA_F_NOPREFIXROUTE : 0);
	struct ifaddrmsg ifa = {
		.ifa_family = v4 ? AF_INET : AF_INET6,
		.ifa_prefixlen = (unsigned char)(v4 && a->plen >= 96 ? a->plen - 96 : a->plen),
		.ifa_flags = (unsigned char)ifa_flags,
		.ifa_scope = a->host_scope ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE,
		.ifa_index = (unsigned)a->ifindex,
	};
	struct nl_msg *m = rtnl_request(type, flags, &ifa, sizeof ifa);
	if (!m)
		return NULL;
	const uint8_t *octets = a->addr.s6_addr + (v4 ? 12 : 0);
	*bad |= nla_put(m, IFA_LOCAL, v4 ? 4 : 16, octets);
	*bad |= nla_put(m, IFA_ADDRESS, v4 ? 4 : 16, octets);
	if (type == RTM_NEWADDR)
		*bad |= nla_put_u32(m, IFA_FLAGS, ifa_flags);
	return m;
}

int rtnl_addr_set(struct rtnl *r, const struct rtnl_addr *a)
{
	int bad = 0;
	struct nl_msg *m = addr_request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, a, &bad);
	if (!m)
		return -ENOMEM;
	struct ifa_cacheinfo life = { .ifa_prefered = a->deprecated ? 0 : UINT32_MAX, .ifa_valid = UINT32_MAX };
	bad |= nla_put(m, IFA_CACHEINFO, sizeof life, &life);
	/* An address that was here before us does not become ours: the sweep would take it away. */
	const struct addr_entry *old = rtnl_addr_entry(r, a->ifindex, &a->addr);
	if (!old || rtnl_protocol_ours(r, old->protocol))
		bad |= nla_put_u8(m, IFA_PROTO, r->protocol);
	return rtnl_change(r, m, bad, 0);
}

int rtnl_addr_del(struct rtnl *r, const struct rtnl_addr *a)
{
	int bad = 0;
	struct nl_msg *m = addr_request(RTM_DELADDR, 0, a, &bad);
	if (!m)
		return -ENOMEM;
	int rc = rtnl_change(r, m, bad, EADDRNOTAVAIL);
	return rc == -ENODEV ? 0 : rc;
}

/* -- rules ----------------------------------------------------------------------------------------------------------- */

static int rule_request(struct rtnl *r, bool set, const struct rtnl_rule *rule)
{
	struct fib_rule_hdr frh = {
		.family = family_of(rule->src.plen ? &rule->src.addr : &rule->dst.addr),
		.dst_len = own_plen(&rule->dst),
		.src_len = own_plen(&rule->src),
		.table = (uint8_t)(rule->table < 256 ? rule->table : RT_TABLE_UNSPEC),
		.action = FR_ACT_TO_TBL,
	};
	struct nl_msg *m = rtnl_request(set ? RTM_NEWRULE : RTM_DELRULE, set ? NLM_F_CREATE | NLM_F_EXCL : 0, &frh, sizeof frh);
	if (!m)
		return -ENOMEM;
	int bad = nla_put_u32(m, FRA_PRIORITY, rule->priority);
	if (rule->table)
		bad |= nla_put_u32(m, FRA_TABLE, rule->table);
	if (frh.src_len)
		bad |= put_own(m, FRA_SRC, &rule->src.addr);
	if (frh.dst_len)
		bad |= put_own(m, FRA_DST, &rule->dst.addr);
	if (rule->iif[0])
		bad |= nla_put_string(m, FRA_IIFNAME, rule->iif);
	if (set)
		bad |= nla_put_u8(m, FRA_PROTOCOL, r->protocol);
	return rtnl_change(r, m, bad, set ? EEXIST : ENOENT);
}

static bool rule_same_selector(const struct rtnl_rule *a, const struct rtnl_rule *b)
{
	return a->priority == b->priority && a->src.plen == b->src.plen && addr_eq(&a->src.addr, &b->src.addr) &&
	       a->dst.plen == b->dst.plen && addr_eq(&a->dst.addr, &b->dst.addr) && strcmp(a->iif, b->iif) == 0;
}

static struct rule_entry **rule_find(struct rtnl *r, const struct rtnl_rule *rule)
{
	struct rule_entry **p = &r->rules;
	while (*p && !rule_same_selector(&(*p)->rule, rule))
		p = &(*p)->next;
	return p;
}

/* The kernel would keep two rules that differ only in their table: so the older one goes, after the new one stands. */
int rtnl_rule_set(struct rtnl *r, const struct rtnl_rule *rule)
{
	struct rule_entry **p = rule_find(r, rule);
	if (!*p) {
		*p = calloc(1, sizeof **p);
		if (!*p)
			return -ENOMEM;
		(*p)->rule = *rule;
	}
	int rc = rule_request(r, true, rule);
	if (rc < 0)
		return rc;
	if ((*p)->rule.table != rule->table)
		rule_request(r, false, &(*p)->rule);
	(*p)->rule = *rule;
	return 0;
}

int rtnl_rule_del(struct rtnl *r, const struct rtnl_rule *rule)
{
	struct rule_entry **p = rule_find(r, rule), *e = *p;
	int rc = rule_request(r, false, rule);
	if (e) {
		*p = e->next;
		free(e);
	}
	return rc;
}

/* -- links ----------------------------------------------------------------------------------------------------------- */

static int put_no_addresses(struct nl_msg *m)
{
	struct nlattr *spec = nla_nest_start(m, IFLA_AF_SPEC);
	struct nlattr *inet6 = spec ? nla_nest_start(m, AF_INET6) : NULL;
	if (!inet6 || nla_put_u8(m, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE) < 0)
		return -1;
	nla_nest_end(m, inet6);
	nla_nest_end(m, spec);
	return 0;
}

static int link_change(struct rtnl *r, struct ifinfomsg *ifi, bool quiet, uint32_t mtu, uint32_t txqlen)
{
	struct nl_msg *m = rtnl_request(RTM_NEWLINK, 0, ifi, sizeof *ifi);
	if (!m)
		return -ENOMEM;
	int bad = quiet ? put_no_addresses(m) : 0;
	if (mtu)
		bad |= nla_put_u32(m, IFLA_MTU, mtu);
	if (txqlen)
		bad |= nla_put_u32(m, IFLA_TXQLEN, txqlen);
	return rtnl_change(r, m, bad, 0);
}

/* In two requests: of one, the kernel sets the link up first, and has given it an address by the time it reads further. */
int rtnl_link_set_up(struct rtnl *r, int ifindex, uint32_t mtu, uint32_t txqlen)
{
	struct ifinfomsg quiet = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	struct ifinfomsg up = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	int rc = link_change(r, &quiet, true, mtu, txqlen);
	if (rc == 0)
		rc = link_change(r, &up, false, 0, 0);
	return rc < 0 ? rc : rtnl_refresh_link(r, ifindex);
}

int rtnl_link_del(struct rtnl *r, const char *name)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct nl_msg *m = rtnl_request(RTM_DELLINK, 0, &ifi, sizeof ifi);
	if (!m)
		return -ENOMEM;
	return rtnl_change(r, m, nla_put_string(m, IFLA_IFNAME, name), ENODEV);
}

/*
 * The addresses mean nothing for sending, which takes them from each route. But by them the kernel settles what a device
 * may do, and one whose remote end is a multicast group may send and not receive: whatever arrives is dropped in silence,
 * after raw sockets have had their copy. Without them it would take in every tunnelled packet for this node, from anywhere.
 */
static int put_send_only(struct nl_msg *m)
{
	static const struct in6_addr discard = { .s6_addr = { 0x01 } };            /* 100::, RFC 6666 */
	static const struct in6_addr group = { .s6_addr = { 0xff, 0x0e, [15] = 1 } };
	int bad = nla_put_flag(m, IFLA_IPTUN_COLLECT_METADATA);
	bad |= nla_put_u8(m, IFLA_IPTUN_PROTO, 0); /* IPv4 and IPv6 inside */
	bad |= put_addr(m, IFLA_IPTUN_LOCAL, &discard);
	return bad | put_addr(m, IFLA_IPTUN_REMOTE, &group);
}

int rtnl_ip6tnl_create(struct rtnl *r, const char *name, int *ifindex)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct nl_msg *m = rtnl_request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &ifi, sizeof ifi);
	if (!m)
		return -ENOMEM;
	int bad = nla_put_string(m, IFLA_IFNAME, name);
	struct nlattr *info = nla_nest_start(m, IFLA_LINKINFO);
	bad |= info ? nla_put_string(m, IFLA_INFO_KIND, "ip6tnl") : -1;
	struct nlattr *data = info ? nla_nest_start(m, IFLA_INFO_DATA) : NULL;
	bad |= data ? put_send_only(m) : -1;
	if (bad == 0) {
		nla_nest_end(m, data);
		nla_nest_end(m, info);
	}
	int rc = rtnl_change(r, m, bad, 0);
	if (rc < 0)
		return rc;
	*ifindex = (int)if_nametoindex(name);
	return *ifindex ? rtnl_refresh_link(r, *ifindex) : -ENODEV;
}

/* -- open and close -------------------------------------------------------------------------------------------------- */

struct rtnl *rtnl_open(struct loop *l, uint8_t protocol)
{
	struct rtnl *r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	r->loop = l;
	r->protocol = protocol;
	r->protocols[protocol / 8] |= (uint8_t)(1U << (protocol % 8));
	int rc = rtnl_request_open(r);
	if (rc == 0)
		rc = rtnl_watch_open(r);
	if (rc < 0) {
		LOG_ERROR(RTNL_LOG, "rtnetlink cannot be opened error=\"%s\"", strerror(-rc));
		rtnl_close(r);
		return NULL;
	}
	return r;
}

void rtnl_close(struct rtnl *r)
{
	if (!r)
		return;
	proxies_restore(r);
	rtnl_watch_close(r);
	while (r->rules) {
		struct rule_entry *e = r->rules;
		r->rules = e->next;
		free(e);
	}
	rtnl_request_close(r);
	free(r);
}
