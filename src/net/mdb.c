#include "net/mdb.h"

#include "net/rtnl_priv.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <string.h>

/* Newer than the headers we build with: the kernel's numbers. */
#define ATTR_RTPROT 4 /* MDBE_ATTR_RTPROT */

/* ---- stations ---- */

struct station {
	const struct lladdr *lladdr;
	uint16_t vlan; /* 0: any */
	struct mdb_port port;
};

static void take_station(struct nlmsghdr *h, void *arg)
{
	struct station *s = arg;
	struct nlattr *tb[NDA_MAX + 1];
	const struct ndmsg *ndm = nlmsg_data(h);
	if (h->nlmsg_type != RTM_NEWNEIGH || nlmsg_parse(h, sizeof *ndm, tb, NDA_MAX, NULL) < 0 || !tb[NDA_LLADDR] ||
	    ndm->ndm_family != AF_BRIDGE || (ndm->ndm_state & NUD_PERMANENT)) /* permanent: the port's own address */
		return;
	if ((size_t)nla_len(tb[NDA_LLADDR]) != s->lladdr->len || memcmp(nla_data(tb[NDA_LLADDR]), s->lladdr->octet, s->lladdr->len))
		return;
	uint16_t vlan = tb[NDA_VLAN] ? nla_get_u16(tb[NDA_VLAN]) : 0;
	if (!s->vlan || s->vlan == vlan)
		s->port = (struct mdb_port){ .ifindex = ndm->ndm_ifindex, .vlan = vlan };
}

/* Among all of a bridge's stations. */
static int search(struct rtnl *r, int bridge, struct station *s)
{
	struct ndmsg ndm = { .ndm_family = AF_BRIDGE };
	struct nl_msg *m = rtnl_request(RTM_GETNEIGH, NLM_F_DUMP, &ndm, sizeof ndm);
	if (m && nla_put_u32(m, NDA_MASTER, (uint32_t)bridge) < 0) {
		nlmsg_free(m);
		return -EMSGSIZE;
	}
	return rtnl_exchange(r, m, take_station, s);
}

int mdb_port_of(struct rtnl *r, int bridge, uint16_t vlan, const struct lladdr *station, struct mdb_port *out)
{
	struct station s = { .lladdr = station, .vlan = vlan };
	struct ndmsg ndm = { .ndm_family = AF_BRIDGE };
	struct nl_msg *m = rtnl_request(RTM_GETNEIGH, 0, &ndm, sizeof ndm);
	*out = s.port;
	if (station->len != ETH_ALEN || !m) {
		nlmsg_free(m);
		return station->len != ETH_ALEN ? -ENOENT : -ENOMEM;
	}
	if (nla_put(m, NDA_LLADDR, station->len, station->octet) < 0 || nla_put_u32(m, NDA_MASTER, (uint32_t)bridge) < 0 ||
	    (vlan && nla_put_u16(m, NDA_VLAN, vlan) < 0)) {
		nlmsg_free(m);
		return -EMSGSIZE;
	}
	int rc = rtnl_exchange(r, m, take_station, &s);
	if (rc < 0 && !vlan) /* the bridge may filter by VLAN, and the station be in one */
		rc = search(r, bridge, &s);
	*out = s.port;
	return rc < 0 ? rc : s.port.ifindex ? 0 : -ENOENT;
}

/* ---- groups ---- */

static struct br_mdb_entry entry_of(const struct mdb_port *port, const struct in6_addr *group)
{
	struct br_mdb_entry e;
	memset(&e, 0, sizeof e);
	e.ifindex = (uint32_t)port->ifindex;
	e.state = MDB_TEMPORARY;
	e.vid = port->vlan;
	if (addr_is_v4(group)) {
		memcpy(&e.addr.u.ip4, &group->s6_addr[12], 4);
		e.addr.proto = htons(ETH_P_IP);
	} else {
		e.addr.u.ip6 = *group;
		e.addr.proto = htons(ETH_P_IPV6);
	}
	return e;
}

static int request(struct rtnl *r, uint16_t type, uint16_t flags, int bridge, const struct br_mdb_entry *e, uint8_t protocol)
{
	struct br_port_msg head = { .family = AF_BRIDGE, .ifindex = (uint32_t)bridge };
	struct nl_msg *m = rtnl_request(type, flags, &head, sizeof head);
	if (!m)
		return -ENOMEM;
	int bad = nla_put(m, MDBA_SET_ENTRY, sizeof *e, e);
	struct nlattr *nest = protocol ? nla_nest_start(m, MDBA_SET_ENTRY_ATTRS | NLA_F_NESTED) : NULL;
	if (nest)
		bad |= nla_put_u8(m, ATTR_RTPROT, protocol) | nla_nest_end(m, nest);
	if (bad) {
		nlmsg_free(m);
		return -EMSGSIZE;
	}
	return rtnl_exchange(r, m, NULL, NULL);
}

int mdb_add(struct rtnl *r, int bridge, const struct mdb_port *port, const struct in6_addr *group)
{
	struct br_mdb_entry e = entry_of(port, group);
	int rc = request(r, RTM_NEWMDB, NLM_F_CREATE | NLM_F_EXCL, bridge, &e, r->protocol);
	if (rc == -EINVAL) /* a kernel that knows no protocol here, or no snooping: the second answer tells */
		rc = request(r, RTM_NEWMDB, NLM_F_CREATE | NLM_F_EXCL, bridge, &e, 0);
	return rc == -EEXIST ? 0 : rc;
}

int mdb_del(struct rtnl *r, int bridge, const struct mdb_port *port, const struct in6_addr *group)
{
	struct br_mdb_entry e = entry_of(port, group);
	int rc = request(r, RTM_DELMDB, 0, bridge, &e, 0);
	return rc == -ENOENT || rc == -ENODEV ? 0 : rc;
}

/* ---- the bridge itself ---- */

static void take_router(struct nlmsghdr *h, void *arg)
{
	struct nlattr *tb[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1], *data[IFLA_BR_MAX + 1];
	if (h->nlmsg_type == RTM_NEWLINK && nlmsg_parse(h, sizeof(struct ifinfomsg), tb, IFLA_MAX, NULL) == 0 && tb[IFLA_LINKINFO] &&
	    nla_parse_nested(info, IFLA_INFO_MAX, tb[IFLA_LINKINFO], NULL) == 0 && info[IFLA_INFO_DATA] &&
	    nla_parse_nested(data, IFLA_BR_MAX, info[IFLA_INFO_DATA], NULL) == 0 && data[IFLA_BR_MCAST_ROUTER])
		*(int *)arg = nla_get_u8(data[IFLA_BR_MCAST_ROUTER]);
}

int mdb_router_get(struct rtnl *r, int bridge, uint8_t *mode)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = bridge };
	int found = -1, rc = rtnl_exchange(r, rtnl_request(RTM_GETLINK, 0, &ifi, sizeof ifi), take_router, &found);
	if (rc < 0 || found < 0)
		return rc < 0 ? rc : -ENOENT;
	*mode = (uint8_t)found;
	return 0;
}

int mdb_router_set(struct rtnl *r, int bridge, uint8_t mode)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = bridge };
	struct nl_msg *m = rtnl_request(RTM_NEWLINK, 0, &ifi, sizeof ifi);
	struct nlattr *info = m ? nla_nest_start(m, IFLA_LINKINFO) : NULL;
	int bad = info ? nla_put_string(m, IFLA_INFO_KIND, "bridge") : -1;
	struct nlattr *data = info ? nla_nest_start(m, IFLA_INFO_DATA) : NULL;
	bad |= data ? nla_put_u8(m, IFLA_BR_MCAST_ROUTER, mode) : -1;
	if (!m || bad) {
		nlmsg_free(m);
		return -ENOMEM;
	}
	nla_nest_end(m, data);
	nla_nest_end(m, info);
	return rtnl_exchange(r, m, NULL, NULL);
}
