/* What an earlier life left, and what this one leaves: everything that carries our number or our name. */
#include "net/rtnl_priv.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_bridge.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"

/* Requests to make once the dump is over. */
struct doomed {
	struct rtnl *rtnl;
	struct nl_msg **requests;
	size_t n, cap;
};

static void doom(struct doomed *d, struct nl_msg *m)
{
	if (!m)
		return;
	if (d->n == d->cap) {
		size_t cap = d->cap ? d->cap * 2 : 32;
		struct nl_msg **more = realloc(d->requests, cap * sizeof(struct nl_msg *));
		if (!more) {
			nlmsg_free(m);
			return;
		}
		d->requests = more;
		d->cap = cap;
	}
	d->requests[d->n++] = m;
}

static int copy_attrs(struct nl_msg *m, struct nlattr *const *tb, const int *types, size_t n)
{
	int bad = 0;
	for (size_t i = 0; i < n; i++)
		if (tb[types[i]])
			bad |= nla_put(m, types[i], nla_len(tb[types[i]]), nla_data(tb[types[i]]));
	return bad;
}
#define COPY(m, tb, ...) \
	copy_attrs(m, tb, (const int[]){ __VA_ARGS__ }, sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int))

static void doom_route(struct nlmsghdr *h, void *arg)
{
	struct doomed *d = arg;
	struct nlattr *tb[RTA_MAX + 1];
	struct rtmsg rtm;
	if (h->nlmsg_type != RTM_NEWROUTE || nlmsg_parse(h, sizeof rtm, tb, RTA_MAX, NULL) < 0)
		return;
	memcpy(&rtm, nlmsg_data(h), sizeof rtm);
	if (!rtnl_protocol_ours(d->rtnl, rtm.rtm_protocol) || (rtm.rtm_flags & RTM_F_CLONED) ||
	    (rtm.rtm_family != AF_INET6 && rtm.rtm_family != AF_INET))
		return;
	rtm.rtm_flags = 0;
	struct nl_msg *m = rtnl_request(RTM_DELROUTE, 0, &rtm, sizeof rtm);
	if (m)
		COPY(m, tb, RTA_DST, RTA_SRC, RTA_TABLE, RTA_PRIORITY, RTA_OIF, RTA_GATEWAY);
	doom(d, m);
}

static void doom_rule(struct nlmsghdr *h, void *arg)
{
	struct doomed *d = arg;
	struct nlattr *tb[FRA_MAX + 1];
	struct fib_rule_hdr frh;
	if (h->nlmsg_type != RTM_NEWRULE || nlmsg_parse(h, sizeof frh, tb, FRA_MAX, NULL) < 0 || !tb[FRA_PROTOCOL] ||
	    !rtnl_protocol_ours(d->rtnl, nla_get_u8(tb[FRA_PROTOCOL])))
		return;
	memcpy(&frh, nlmsg_data(h), sizeof frh);
	frh.flags = 0;
	struct nl_msg *m = rtnl_request(RTM_DELRULE, 0, &frh, sizeof frh);
	if (m)
		COPY(m, tb, FRA_PRIORITY, FRA_TABLE, FRA_SRC, FRA_DST, FRA_IIFNAME, FRA_PROTOCOL);
	doom(d, m);
}

static void doom_neigh(struct nlmsghdr *h, void *arg)
{
	struct doomed *d = arg;
	struct nlattr *tb[NDA_MAX + 1];
	struct ndmsg ndm;
	if (h->nlmsg_type != RTM_NEWNEIGH || nlmsg_parse(h, sizeof ndm, tb, NDA_MAX, NULL) < 0 || !tb[NDA_PROTOCOL] ||
	    !tb[NDA_DST] || !rtnl_protocol_ours(d->rtnl, nla_get_u8(tb[NDA_PROTOCOL])))
		return;
	memcpy(&ndm, nlmsg_data(h), sizeof ndm);
	ndm.ndm_state = 0;
	ndm.ndm_flags &= NTF_PROXY;
	struct nl_msg *m = rtnl_request(RTM_DELNEIGH, 0, &ndm, sizeof ndm);
	if (m)
		COPY(m, tb, NDA_DST);
	doom(d, m);
}

static void doom_addr(struct nlmsghdr *h, void *arg)
{
	struct doomed *d = arg;
	struct nlattr *tb[IFA_MAX + 1];
	struct ifaddrmsg ifa;
	if (h->nlmsg_type != RTM_NEWADDR || nlmsg_parse(h, sizeof ifa, tb, IFA_MAX, NULL) < 0 || !tb[IFA_PROTO] ||
	    !rtnl_protocol_ours(d->rtnl, nla_get_u8(tb[IFA_PROTO])))
		return;
	memcpy(&ifa, nlmsg_data(h), sizeof ifa);
	ifa.ifa_flags = 0;
	struct nl_msg *m = rtnl_request(RTM_DELADDR, 0, &ifa, sizeof ifa);
	if (m)
		COPY(m, tb, IFA_LOCAL, IFA_ADDRESS);
	doom(d, m);
}

/* The dump nests: bridges' entries, the entries' parts; a part is a struct with attributes behind it. */
static void doom_group(struct doomed *d, uint32_t bridge, struct nlattr *info)
{
	struct br_mdb_entry e;
	struct nlattr *tb[MDBA_MDB_EATTR_RTPROT + 1];
	struct br_port_msg head = { .family = AF_BRIDGE, .ifindex = bridge };
	int fixed = NLA_ALIGN((int)sizeof e);
	if (nla_len(info) < fixed ||
	    nla_parse(tb, MDBA_MDB_EATTR_RTPROT, (struct nlattr *)(void *)((char *)nla_data(info) + fixed), nla_len(info) - fixed, NULL) < 0 ||
	    !tb[MDBA_MDB_EATTR_RTPROT] || !rtnl_protocol_ours(d->rtnl, nla_get_u8(tb[MDBA_MDB_EATTR_RTPROT])))
		return;
	memcpy(&e, nla_data(info), sizeof e);
	e.flags = 0; /* what the bridge says of it */
	struct nl_msg *m = rtnl_request(RTM_DELMDB, 0, &head, sizeof head);
	if (m && nla_put(m, MDBA_SET_ENTRY, sizeof e, &e) == 0)
		doom(d, m);
	else
		nlmsg_free(m);
}

static void doom_mdb(struct nlmsghdr *h, void *arg)
{
	struct nlattr *tb[MDBA_MAX + 1], *entry, *info;
	const struct br_port_msg *head = nlmsg_data(h);
	int left, inner;
	if (h->nlmsg_type != RTM_GETMDB || /* the kernel answers so */ nlmsg_parse(h, sizeof *head, tb, MDBA_MAX, NULL) < 0 || !tb[MDBA_MDB])
		return;
	nla_for_each_nested(entry, tb[MDBA_MDB], left)
		nla_for_each_nested(info, entry, inner)
			doom_group(arg, head->ifindex, info);
}

static int execute(struct doomed *d, const char *what)
{
	int gone = 0;
	for (size_t i = 0; i < d->n; i++) {
		int rc = rtnl_exchange(d->rtnl, d->requests[i], NULL, NULL);
		if (rc == 0)
			gone++;
		else if (rc != -ESRCH && rc != -ENOENT && rc != -EADDRNOTAVAIL && rc != -ENODEV)
			LOG_WARNING(RTNL_LOG, "sweep: what=%s error=\"%s\"", what, strerror(-rc));
	}
	free(d->requests);
	return gone;
}

static int sweep_kind(struct rtnl *r, const char *what, uint16_t type, const void *hdr, size_t len, rtnl_message_fn *fn)
{
	struct doomed d = { .rtnl = r };
	int rc = rtnl_exchange(r, rtnl_request(type, NLM_F_DUMP, hdr, len), fn, &d);
	if (rc < 0)
		LOG_WARNING(RTNL_LOG, "sweep: table cannot be read what=%s error=\"%s\"", what, strerror(-rc));
	return execute(&d, what);
}

static int sweep_mdb(struct rtnl *r)
{
	struct br_port_msg head = { .family = AF_BRIDGE };
	for (const struct link_entry *e = r->links; e; e = e->hh.next)
		if (e->link.bridge)
			return sweep_kind(r, "multicast database", RTM_GETMDB, &head, sizeof head, doom_mdb);
	return 0; /* no bridge; perhaps a kernel without any */
}

static int sweep_links(struct rtnl *r)
{
	int gone = 0;
	char name[16];
	for (;;) {
		const struct link_entry *e = r->links;
		while (e && strncmp(e->link.name, DEVICE_PREFIX, strlen(DEVICE_PREFIX)) != 0)
			e = e->hh.next;
		if (!e)
			return gone;
		memcpy(name, e->link.name, sizeof name);
		int rc = rtnl_link_del(r, name);
		if (rc < 0) {
			LOG_WARNING(RTNL_LOG, "sweep: what=device interface=%s error=\"%s\"", name, strerror(-rc));
			return gone;
		}
		gone++;
		rtnl_forget_link(r, name);
	}
}

static int sweep_family(struct rtnl *r, unsigned char family)
{
	struct rtmsg rtm = { .rtm_family = family };
	struct fib_rule_hdr frh = { .family = family };
	struct ndmsg neigh = { .ndm_family = family }, proxy = { .ndm_family = family, .ndm_flags = NTF_PROXY };
	struct ifaddrmsg ifa = { .ifa_family = family };
	int gone = sweep_kind(r, "rule", RTM_GETRULE, &frh, sizeof frh, doom_rule);
	gone += sweep_kind(r, "route", RTM_GETROUTE, &rtm, sizeof rtm, doom_route);
	gone += sweep_kind(r, "neighbour", RTM_GETNEIGH, &neigh, sizeof neigh, doom_neigh);
	gone += sweep_kind(r, "proxy", RTM_GETNEIGH, &proxy, sizeof proxy, doom_neigh);
	return gone + sweep_kind(r, "address", RTM_GETADDR, &ifa, sizeof ifa, doom_addr);
}

int rtnl_sweep(struct rtnl *r)
{
	int gone = sweep_family(r, AF_INET6);
	gone += sweep_family(r, AF_INET);
	gone += sweep_mdb(r);
	gone += sweep_links(r);
	gone += rtnl_lladdr_sweep(r, 0);
	rtnl_counters[RTNL_SWEPT].value += (uint64_t)gone;
	return gone;
}
