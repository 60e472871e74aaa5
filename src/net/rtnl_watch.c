/*
 * The mirror of links and addresses, and the events that keep it true.
 *
 * When the kernel drops events, nothing in the queue can be trusted to be the last word: so the queue is emptied first,
 * then everything is dumped, and what the dump does not mention is gone.
 */
#include "net/rtnl_priv.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/netconf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/log.h"

#define RCVBUF_START (256 * 1024)
#define RCVBUF_MAX (64 * 1024 * 1024)
#define EVENTS_PER_ROUND 64 /* datagrams, so that a storm of events leaves room for packets */

/* -- subscribers ----------------------------------------------------------------------------------------------------- */

struct rtnl_sub *rtnl_subscribe(struct rtnl *r, rtnl_fn *fn, void *arg)
{
	struct rtnl_sub *s = calloc(1, sizeof *s), **end = &r->subs;
	if (!s)
		return NULL;
	*s = (struct rtnl_sub){ .rtnl = r, .fn = fn, .arg = arg };
	while (*end)
		end = &(*end)->next;
	*end = s;
	return s;
}

static void prune(struct rtnl *r)
{
	for (struct rtnl_sub **p = &r->subs; *p;) {
		struct rtnl_sub *s = *p;
		if (!s->dead) {
			p = &s->next;
			continue;
		}
		*p = s->next;
		free(s);
	}
}

void rtnl_unsubscribe(struct rtnl_sub *s)
{
	if (!s)
		return;
	s->dead = true;
	if (!s->rtnl->notifying)
		prune(s->rtnl);
}

static void notify(struct rtnl *r, const struct rtnl_note *n)
{
	r->notifying++;
	for (struct rtnl_sub *s = r->subs; s; s = s->next)
		if (!s->dead)
			s->fn(n, s->arg);
	if (--r->notifying == 0)
		prune(r);
}

/* -- links ----------------------------------------------------------------------------------------------------------- */

static struct link_entry *link_find(const struct rtnl *r, int ifindex)
{
	struct link_entry *e;
	HASH_FIND_INT(r->links, &ifindex, e);
	return e;
}

const struct rtnl_link *rtnl_link_by_index(const struct rtnl *r, int ifindex)
{
	const struct link_entry *e = link_find(r, ifindex);
	return e ? &e->link : NULL;
}

const struct rtnl_link *rtnl_link_by_name(const struct rtnl *r, const char *name)
{
	for (const struct link_entry *e = r->links; e; e = e->hh.next)
		if (strcmp(e->link.name, name) == 0)
			return &e->link;
	return NULL;
}

static void parse_lladdr(const struct nlattr *a, struct lladdr *out)
{
	out->len = 0;
	if (!a || nla_len(a) > LLADDR_MAX)
		return;
	out->len = (uint8_t)nla_len(a);
	memcpy(out->octet, nla_data(a), out->len);
}

/* Of the kinds of devices we care for bridges, and VLAN devices, which may be on one. */
static void parse_kind(struct nlattr **tb, struct rtnl_link *out)
{
	struct nlattr *info[IFLA_INFO_MAX + 1], *data[IFLA_VLAN_MAX + 1];
	if (!tb[IFLA_LINKINFO] || nla_parse_nested(info, IFLA_INFO_MAX, tb[IFLA_LINKINFO], NULL) < 0 || !info[IFLA_INFO_KIND])
		return;
	out->bridge = nla_strcmp(info[IFLA_INFO_KIND], "bridge") == 0;
	if (nla_strcmp(info[IFLA_INFO_KIND], "vlan") != 0 || !info[IFLA_INFO_DATA] || !tb[IFLA_LINK] ||
	    nla_parse_nested(data, IFLA_VLAN_MAX, info[IFLA_INFO_DATA], NULL) < 0 || !data[IFLA_VLAN_ID])
		return;
	out->vlan = nla_get_u16(data[IFLA_VLAN_ID]);
	out->lower = (int)nla_get_u32(tb[IFLA_LINK]);
}

static bool parse_link(struct nlmsghdr *h, struct rtnl_link *out)
{
	struct nlattr *tb[IFLA_MAX + 1];
	const struct ifinfomsg *ifi = nlmsg_data(h);
	/* The bridge's view of its ports comes as AF_BRIDGE and says nothing about the link itself. */
	if (nlmsg_parse(h, sizeof *ifi, tb, IFLA_MAX, NULL) < 0 || ifi->ifi_family != AF_UNSPEC || !tb[IFLA_IFNAME])
		return false;
	uint8_t oper = tb[IFLA_OPERSTATE] ? nla_get_u8(tb[IFLA_OPERSTATE]) : IF_OPER_UNKNOWN;
	*out = (struct rtnl_link){
		.ifindex = ifi->ifi_index,
		.mtu = tb[IFLA_MTU] ? nla_get_u32(tb[IFLA_MTU]) : 0,
		.up = ifi->ifi_flags & IFF_UP,
		.carrier = (ifi->ifi_flags & IFF_LOWER_UP) && (oper == IF_OPER_UP || oper == IF_OPER_UNKNOWN),
	};
	nla_strlcpy(out->name, tb[IFLA_IFNAME], sizeof out->name);
	parse_kind(tb, out);
	parse_lladdr(tb[IFLA_ADDRESS], &out->lladdr);
	return true;
}

static bool link_same(const struct rtnl_link *a, const struct rtnl_link *b)
{
	return a->up == b->up && a->carrier == b->carrier && a->mtu == b->mtu && strcmp(a->name, b->name) == 0 &&
	       lladdr_eq(&a->lladdr, &b->lladdr);
}

static void link_gone(struct rtnl *r, struct link_entry *e, bool tell)
{
	struct rtnl_note n = { .event = RTNL_LINK_GONE, .ifindex = e->link.ifindex };
	HASH_DEL(r->links, e);
	free(e);
	if (tell)
		notify(r, &n);
}

static void link_take(struct rtnl *r, struct nlmsghdr *h, bool tell)
{
	struct rtnl_link link;
	if (!parse_link(h, &link))
		return;
	struct link_entry *e = link_find(r, link.ifindex);
	if (h->nlmsg_type == RTM_DELLINK) {
		if (e)
			link_gone(r, e, tell);
		return;
	}
	bool changed = !e || !link_same(&e->link, &link);
	if (!e) {
		e = calloc(1, sizeof *e);
		if (!e)
			return;
		e->link = link;
		HASH_ADD_INT(r->links, link.ifindex, e);
	}
	e->link = link;
	e->seen = true;
	if (changed && tell)
		notify(r, &(struct rtnl_note){ .event = RTNL_LINK, .ifindex = link.ifindex, .carrier = link.carrier });
}

/* -- addresses ------------------------------------------------------------------------------------------------------- */

struct in6_addr rtnl_attr_addr(const struct nlattr *a)
{
	struct in6_addr out = IN6ADDR_ANY_INIT;
	if (a && nla_len(a) == 16) {
		memcpy(&out, nla_data(a), 16);
	} else if (a && nla_len(a) == 4) {
		out.s6_addr[10] = out.s6_addr[11] = 0xff;
		memcpy(out.s6_addr + 12, nla_data(a), 4);
	}
	return out;
}

static struct addr_entry *addr_find(const struct rtnl *r, const struct addr_key *key)
{
	struct addr_entry *e;
	HASH_FIND(hh, r->addrs, key, sizeof *key, e);
	return e;
}

const struct addr_entry *rtnl_addr_entry(const struct rtnl *r, int ifindex, const struct in6_addr *a)
{
	struct addr_key key = { .ifindex = ifindex, .addr = *a };
	return addr_find(r, &key);
}

static usec_t lifetime_end(usec_t now, uint32_t seconds)
{
	return seconds == UINT32_MAX ? RTNL_FOREVER : now + seconds * USEC_SEC;
}

static bool parse_addr(usec_t now, struct nlmsghdr *h, struct addr_entry *out)
{
	struct nlattr *tb[IFA_MAX + 1];
	const struct ifaddrmsg *ifa = nlmsg_data(h);
	if (nlmsg_parse(h, sizeof *ifa, tb, IFA_MAX, NULL) < 0)
		return false;
	if (ifa->ifa_family != AF_INET6 && ifa->ifa_family != AF_INET)
		return false;
	/* On a point-to-point link IFA_ADDRESS is the other side. */
	const struct nlattr *local = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS];
	if (!local)
		return false;
	memset(out, 0, sizeof *out); /* the key is hashed with its padding */
	out->key.ifindex = (int)ifa->ifa_index;
	out->key.addr = rtnl_attr_addr(local);
	out->plen = (uint8_t)(ifa->ifa_family == AF_INET ? 96 + ifa->ifa_prefixlen : ifa->ifa_prefixlen);
	out->scope = ifa->ifa_scope;
	out->flags = tb[IFA_FLAGS] ? nla_get_u32(tb[IFA_FLAGS]) : ifa->ifa_flags;
	out->protocol = tb[IFA_PROTO] ? nla_get_u8(tb[IFA_PROTO]) : 0;
	struct ifa_cacheinfo life = { .ifa_prefered = UINT32_MAX, .ifa_valid = UINT32_MAX };
	if (tb[IFA_CACHEINFO] && nla_len(tb[IFA_CACHEINFO]) >= (int)sizeof life)
		memcpy(&life, nla_data(tb[IFA_CACHEINFO]), sizeof life);
	out->valid = lifetime_end(now, life.ifa_valid);
	out->preferred = lifetime_end(now, life.ifa_prefered);
	return true;
}

static void addr_notify(struct rtnl *r, const struct addr_entry *e, enum rtnl_event event)
{
	struct rtnl_note n = {
		.event = event,
		.ifindex = e->key.ifindex,
		.addr = e->key.addr,
		.plen = e->plen,
		.tentative = (e->flags & IFA_F_TENTATIVE) && !(e->flags & IFA_F_OPTIMISTIC),
		.duplicate = e->flags & IFA_F_DADFAILED,
	};
	notify(r, &n);
}

static void addr_gone(struct rtnl *r, struct addr_entry *e, bool tell)
{
	struct addr_entry old = *e;
	HASH_DEL(r->addrs, e);
	free(e);
	if (tell)
		addr_notify(r, &old, RTNL_ADDR_GONE);
}

static void addr_take(struct rtnl *r, struct nlmsghdr *h, bool tell)
{
	struct addr_entry new;
	if (!parse_addr(loop_now(r->loop), h, &new))
		return;
	struct addr_entry *e = addr_find(r, &new.key);
	if (h->nlmsg_type == RTM_DELADDR) {
		if (e)
			addr_gone(r, e, tell);
		return;
	}
	bool changed = !e || e->flags != new.flags || e->plen != new.plen;
	if (!e) {
		e = calloc(1, sizeof *e);
		if (!e)
			return;
		e->key = new.key;
		HASH_ADD(hh, r->addrs, key, sizeof e->key, e);
	}
	e->plen = new.plen;
	e->scope = new.scope;
	e->flags = new.flags;
	e->protocol = new.protocol;
	e->valid = new.valid;
	e->preferred = new.preferred;
	e->seen = true;
	if (changed && tell) {
		struct addr_entry copy = *e; /* a subscriber may cause a resync */
		addr_notify(r, &copy, RTNL_ADDR);
	}
}

static bool addr_usable(const struct addr_entry *e)
{
	return !(e->flags & IFA_F_DADFAILED) && (!(e->flags & IFA_F_TENTATIVE) || (e->flags & IFA_F_OPTIMISTIC));
}

/* Of several, the one that a link is known by: not one that is going away, and rather a global one than a local one (RFC 4193). */
static int addr_rank(const struct addr_entry *e)
{
	return (e->flags & IFA_F_DEPRECATED ? 2 : 0) + ((e->key.addr.s6_addr[0] & 0xfe) == 0xfc);
}

static bool addr_of_scope(const struct rtnl *r, int ifindex, bool link_local, struct in6_addr *out, uint8_t *plen)
{
	const struct addr_entry *best = NULL;
	for (const struct addr_entry *e = r->addrs; e; e = e->hh.next) {
		if (e->key.ifindex != ifindex || !addr_usable(e) || addr_is_v4(&e->key.addr) ||
		    addr_is_link_local(&e->key.addr) != link_local || e->scope == RT_SCOPE_HOST)
			continue;
		if (!best || addr_rank(e) < addr_rank(best))
			best = e;
	}
	if (!best)
		return false;
	*out = best->key.addr;
	if (plen)
		*plen = best->plen;
	return true;
}

bool rtnl_link_global(const struct rtnl *r, int ifindex, struct in6_addr *out, uint8_t *plen)
{
	return addr_of_scope(r, ifindex, false, out, plen);
}

void rtnl_link_globals(const struct rtnl *r, int ifindex, rtnl_addr_fn *fn, void *arg)
{
	for (const struct addr_entry *e = r->addrs; e; e = e->hh.next)
		if (e->key.ifindex == ifindex && addr_usable(e) && !addr_is_v4(&e->key.addr) && !addr_is_link_local(&e->key.addr) &&
		    e->scope != RT_SCOPE_HOST)
			fn(&e->key.addr, e->plen, arg);
}

bool rtnl_link_local(const struct rtnl *r, int ifindex, struct in6_addr *out)
{
	return addr_of_scope(r, ifindex, true, out, NULL);
}

bool rtnl_link_ipv4(const struct rtnl *r, int ifindex, struct in6_addr *out)
{
	for (const struct addr_entry *e = r->addrs; e; e = e->hh.next) {
		if (e->key.ifindex != ifindex || !addr_is_v4(&e->key.addr) || (e->flags & IFA_F_SECONDARY))
			continue;
		*out = e->key.addr;
		return true;
	}
	return false;
}

bool rtnl_is_local(const struct rtnl *r, const struct in6_addr *a, int *ifindex)
{
	for (const struct addr_entry *e = r->addrs; e; e = e->hh.next) {
		if (!addr_eq(&e->key.addr, a))
			continue;
		if (ifindex)
			*ifindex = e->key.ifindex;
		return true;
	}
	return false;
}

bool rtnl_link_in(const struct rtnl *r, int ifindex, const struct prefix *p, struct in6_addr *out)
{
	for (const struct addr_entry *e = r->addrs; e; e = e->hh.next) {
		if (e->key.ifindex != ifindex || (e->flags & IFA_F_TENTATIVE) || !prefix_has(p, &e->key.addr))
			continue;
		*out = e->key.addr;
		return true;
	}
	return false;
}

static usec_t time_left(usec_t until, usec_t now)
{
	return until == RTNL_FOREVER ? until : until > now ? until - now : 0;
}

bool rtnl_prefix_lifetime(const struct rtnl *r, int ifindex, const struct in6_addr *a, usec_t *valid, usec_t *preferred)
{
	const struct addr_entry *best = NULL;
	for (const struct addr_entry *e = r->addrs; e; e = e->hh.next) {
		const struct prefix p = prefix_of(&e->key.addr, e->plen);
		if (e->key.ifindex == ifindex && e->plen < 128 && prefix_has(&p, a) && (!best || e->valid > best->valid))
			best = e;
	}
	if (!best)
		return false;
	*valid = time_left(best->valid, loop_now(r->loop));
	*preferred = time_left(best->preferred, loop_now(r->loop));
	return true;
}

static bool gives_prefix(const struct addr_entry *e, const struct in6_addr *a)
{
	struct prefix p = prefix_of(&e->key.addr, e->plen);
	return !(e->flags & IFA_F_NOPREFIXROUTE) && e->plen != 128 && prefix_has(&p, a);
}

bool rtnl_on_link(const struct rtnl *r, int ifindex, const struct in6_addr *a)
{
	for (const struct addr_entry *e = r->addrs; e; e = e->hh.next)
		if (e->key.ifindex == ifindex && gives_prefix(e, a))
			return true;
	return false;
}

size_t rtnl_link_prefixes(const struct rtnl *r, int ifindex, struct prefix *out, size_t max)
{
	size_t n = 0;
	for (const struct addr_entry *e = r->addrs; e && n < max; e = e->hh.next)
		if (e->key.ifindex == ifindex && !(e->flags & IFA_F_NOPREFIXROUTE) && e->plen < 128 && !addr_is_link_local(&e->key.addr))
			out[n++] = prefix_of(&e->key.addr, e->plen);
	return n;
}

const struct rtnl_link *rtnl_link_of(const struct rtnl *r, const struct in6_addr *a)
{
	const struct addr_entry *best = NULL;
	for (const struct addr_entry *e = r->addrs; e; e = e->hh.next)
		if (gives_prefix(e, a) && (!best || e->plen > best->plen))
			best = e;
	return best ? rtnl_link_by_index(r, best->key.ifindex) : NULL;
}

/* -- neighbours and routes: told, not kept --------------------------------------------------------------------------- */

static bool parse_neigh(struct nlmsghdr *h, struct rtnl_note *out)
{
	struct nlattr *tb[NDA_MAX + 1];
	const struct ndmsg *ndm = nlmsg_data(h);
	if (nlmsg_parse(h, sizeof *ndm, tb, NDA_MAX, NULL) < 0 || !tb[NDA_DST] || (ndm->ndm_flags & NTF_PROXY) ||
	    (ndm->ndm_family != AF_INET6 && ndm->ndm_family != AF_INET))
		return false;
	bool gone = h->nlmsg_type == RTM_DELNEIGH || (ndm->ndm_state & NUD_FAILED);
	*out = (struct rtnl_note){ .event = gone ? RTNL_NEIGH_GONE : RTNL_NEIGH, .ifindex = ndm->ndm_ifindex,
		                   .addr = rtnl_attr_addr(tb[NDA_DST]) };
	if (!(ndm->ndm_state & NUD_INCOMPLETE))
		parse_lladdr(tb[NDA_LLADDR], &out->lladdr);
	return true;
}

static bool parse_station(struct nlmsghdr *h, struct rtnl_note *n)
{
	struct nlattr *tb[NDA_MAX + 1];
	const struct ndmsg *ndm = nlmsg_data(h);
	if (h->nlmsg_type != RTM_NEWNEIGH || nlmsg_parse(h, sizeof *ndm, tb, NDA_MAX, NULL) < 0 || ndm->ndm_family != AF_BRIDGE ||
	    !tb[NDA_MASTER] || (ndm->ndm_state & NUD_PERMANENT)) /* permanent: a port's own address */
		return false;
	*n = (struct rtnl_note){ .event = RTNL_STATION, .ifindex = (int)nla_get_u32(tb[NDA_MASTER]) };
	parse_lladdr(tb[NDA_LLADDR], &n->lladdr);
	return true;
}

static void neigh_take(struct rtnl *r, struct nlmsghdr *h)
{
	struct rtnl_note n;
	if (parse_neigh(h, &n) || parse_station(h, &n))
		notify(r, &n);
}

struct neigh_walk {
	int ifindex;
	rtnl_fn *fn;
	void *arg;
};

static void neigh_tell(struct nlmsghdr *h, void *arg)
{
	const struct neigh_walk *w = arg;
	struct rtnl_note n;
	if (h->nlmsg_type == RTM_NEWNEIGH && parse_neigh(h, &n) && n.ifindex == w->ifindex && n.event == RTNL_NEIGH && n.lladdr.len)
		w->fn(&n, w->arg);
}

int rtnl_neigh_each(struct rtnl *r, int ifindex, rtnl_fn *fn, void *arg)
{
	static const unsigned char families[] = { AF_INET6, AF_INET };
	struct neigh_walk w = { ifindex, fn, arg };
	int rc = 0;
	for (size_t i = 0; i < sizeof families && rc >= 0; i++) {
		struct ndmsg ndm = { .ndm_family = families[i] };
		struct nl_msg *m = rtnl_request(RTM_GETNEIGH, NLM_F_DUMP, &ndm, sizeof ndm);
		if (m && nla_put_u32(m, NDA_IFINDEX, (uint32_t)ifindex) < 0) {
			nlmsg_free(m);
			return -EMSGSIZE;
		}
		rc = rtnl_exchange(r, m, neigh_tell, &w);
	}
	return rc;
}

static void route_take(struct rtnl *r, struct nlmsghdr *h)
{
	struct nlattr *tb[RTA_MAX + 1];
	const struct rtmsg *rtm = nlmsg_data(h);
	if (nlmsg_parse(h, sizeof *rtm, tb, RTA_MAX, NULL) < 0 || (rtm->rtm_family != AF_INET6 && rtm->rtm_family != AF_INET) ||
	    !rtnl_protocol_ours(r, rtm->rtm_protocol))
		return;
	struct rtnl_note n = { .event = RTNL_ROUTE_GONE, .addr = rtnl_attr_addr(tb[RTA_DST]) };
	n.plen = (uint8_t)(rtm->rtm_dst_len + (rtm->rtm_family == AF_INET ? 96 : 0));
	if (tb[RTA_OIF])
		n.ifindex = (int)nla_get_u32(tb[RTA_OIF]);
	notify(r, &n);
}

/* An interface's switches: of these, proxy_ndp. */
static void netconf_take(struct rtnl *r, struct nlmsghdr *h)
{
	struct nlattr *tb[NETCONFA_MAX + 1];
	const struct netconfmsg *ncm = nlmsg_data(h);
	if (nlmsg_parse(h, sizeof *ncm, tb, NETCONFA_MAX, NULL) < 0 || ncm->ncm_family != AF_INET6 || !tb[NETCONFA_IFINDEX])
		return;
	int ifindex = (int)nla_get_u32(tb[NETCONFA_IFINDEX]);
	struct proxy_link *p = rtnl_proxy_link(r, ifindex);
	if (h->nlmsg_type == RTM_DELNETCONF)
		rtnl_proxy_link_gone(r, ifindex);
	else if (p && tb[NETCONFA_PROXY_NEIGH])
		p->on = nla_get_u32(tb[NETCONFA_PROXY_NEIGH]) != 0;
}

static void event_take(struct rtnl *r, struct nlmsghdr *h)
{
	switch (h->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		link_take(r, h, true);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		addr_take(r, h, true);
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		neigh_take(r, h);
		break;
	case RTM_DELROUTE:
		route_take(r, h);
		break;
	case RTM_NEWNETCONF:
	case RTM_DELNETCONF:
		netconf_take(r, h);
		break;
	}
}

/* -- dump and resynchronisation -------------------------------------------------------------------------------------- */

struct dump {
	struct rtnl *rtnl;
	bool tell;
};

static void dump_take(struct nlmsghdr *h, void *arg)
{
	struct dump *d = arg;
	if (h->nlmsg_type == RTM_NEWLINK)
		link_take(d->rtnl, h, d->tell);
	else if (h->nlmsg_type == RTM_NEWADDR)
		addr_take(d->rtnl, h, d->tell);
}

/* Notes go out only after the dump: a subscriber may make requests, and they would share the buffer. So a dump is kept
 * first and taken in afterwards. */
struct kept {
	struct nlmsghdr **msgs;
	size_t n, cap;
	bool no_memory;
};

static void keep(struct nlmsghdr *h, void *arg)
{
	struct kept *k = arg;
	if (k->n == k->cap) {
		size_t cap = k->cap ? k->cap * 2 : 64;
		struct nlmsghdr **msgs = realloc(k->msgs, cap * sizeof(struct nlmsghdr *));
		if (!msgs) {
			k->no_memory = true;
			return;
		}
		k->msgs = msgs;
		k->cap = cap;
	}
	struct nlmsghdr *copy = malloc(h->nlmsg_len);
	if (!copy) {
		k->no_memory = true;
		return;
	}
	memcpy(copy, h, h->nlmsg_len);
	k->msgs[k->n++] = copy;
}

static int dump_all(struct rtnl *r, bool tell)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct ifaddrmsg ifa = { .ifa_family = AF_UNSPEC };
	struct kept k = { 0 };
	struct dump d = { .rtnl = r, .tell = tell };
	int rc = rtnl_exchange(r, rtnl_request(RTM_GETLINK, NLM_F_DUMP, &ifi, sizeof ifi), keep, &k);
	if (rc == 0)
		rc = rtnl_exchange(r, rtnl_request(RTM_GETADDR, NLM_F_DUMP, &ifa, sizeof ifa), keep, &k);
	for (size_t i = 0; i < k.n; i++) {
		if (rc == 0)
			dump_take(k.msgs[i], &d);
		free(k.msgs[i]);
	}
	free(k.msgs);
	return rc < 0 ? rc : k.no_memory ? -ENOMEM : 0;
}

static void mark_unseen(struct rtnl *r)
{
	for (struct link_entry *e = r->links; e; e = e->hh.next)
		e->seen = false;
	for (struct addr_entry *e = r->addrs; e; e = e->hh.next)
		e->seen = false;
}

static void drop_unseen(struct rtnl *r)
{
	struct link_entry *l, *lt;
	struct addr_entry *a, *at;
	HASH_ITER(hh, r->addrs, a, at)
		if (!a->seen)
			addr_gone(r, a, true);
	HASH_ITER(hh, r->links, l, lt)
		if (!l->seen)
			link_gone(r, l, true);
}

static void rcvbuf_set(struct rtnl *r, int fd)
{
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &r->rcvbuf, sizeof r->rcvbuf) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &r->rcvbuf, sizeof r->rcvbuf);
}

static void resync(struct rtnl *r)
{
	uint8_t waste[4096];
	int fd = nl_socket_get_fd(r->events), fd2 = nl_socket_get_fd(r->routes);
	rtnl_counters[RTNL_OVERRUNS].value++;
	if (r->rcvbuf < RCVBUF_MAX)
		r->rcvbuf *= 2;
	rcvbuf_set(r, fd);
	rcvbuf_set(r, fd2);
	while (recv(fd, waste, sizeof waste, MSG_DONTWAIT) >= 0 || errno == ENOBUFS || errno == EINTR)
		;
	while (recv(fd2, waste, sizeof waste, MSG_DONTWAIT) >= 0 || errno == ENOBUFS || errno == EINTR)
		;
	for (struct proxy_link *p = r->proxies; p; p = p->next)
		p->on = false;
	mark_unseen(r);
	int rc = dump_all(r, true);
	if (rc == 0)
		drop_unseen(r);
	rtnl_counters[RTNL_RESYNCS].value++;
	LOG_WARNING(RTNL_LOG, "the kernel dropped notifications, state was read again receive_buffer=%d overruns=%llu result=\"%s\"",
	            r->rcvbuf, (unsigned long long)rtnl_counters[RTNL_OVERRUNS].value, rc < 0 ? strerror(-rc) : "ok");
	notify(r, &(struct rtnl_note){ .event = RTNL_RESYNC });
}

static void on_events(int fd, unsigned events, void *arg)
{
	struct rtnl *r = arg;
	/* Of its own, not the requests' buffer: a subscriber may make requests. */
	_Alignas(struct nlmsghdr) uint8_t buf[32 * 1024];
	for (int round = 0; round < EVENTS_PER_ROUND; round++) {
		ssize_t n = recv(fd, buf, sizeof buf, MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != ENOBUFS)
			return;
		if (n < 0 || (size_t)n > sizeof buf) {
			resync(r);
			return;
		}
		int left = (int)n;
		for (struct nlmsghdr *h = (struct nlmsghdr *)(void *)buf; nlmsg_ok(h, left); h = nlmsg_next(h, &left)) {
			rtnl_counters[RTNL_EVENTS].value++;
			event_take(r, h);
		}
	}
}

int rtnl_refresh_link(struct rtnl *r, int ifindex)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	struct dump d = { .rtnl = r, .tell = false };
	return rtnl_exchange(r, rtnl_request(RTM_GETLINK, 0, &ifi, sizeof ifi), dump_take, &d);
}

void rtnl_forget_link(struct rtnl *r, const char *name)
{
	struct link_entry *e, *tmp;
	HASH_ITER(hh, r->links, e, tmp)
		if (strcmp(e->link.name, name) == 0)
			link_gone(r, e, false);
}

/* -- open and close -------------------------------------------------------------------------------------------------- */

/* A router may see thousands of route changes a second: the kernel hands us deletions of our own routes only. */
int rtnl_watch_protocol(struct rtnl *r)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_protocol)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, r->protocol, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { .len = sizeof code / sizeof code[0], .filter = code };
	if (setsockopt(nl_socket_get_fd(r->routes), SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog) < 0)
		return -errno;
	return 0;
}

static struct nl_sock *event_socket(struct rtnl *r, const int *groups, size_t n)
{
	struct nl_sock *sk = nl_socket_alloc();
	if (!sk)
		return NULL;
	if (nl_connect(sk, NETLINK_ROUTE) < 0)
		goto fail;
	nl_socket_set_nonblocking(sk);
	rcvbuf_set(r, nl_socket_get_fd(sk));
	for (size_t i = 0; i < n; i++)
		if (nl_socket_add_membership(sk, groups[i]) < 0)
			goto fail;
	return sk;
fail:
	nl_socket_free(sk);
	return NULL;
}

int rtnl_watch_open(struct rtnl *r)
{
	static const int state[] = { RTNLGRP_LINK, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_IFADDR, RTNLGRP_NEIGH,
		RTNLGRP_IPV6_NETCONF };
	r->rcvbuf = RCVBUF_START;
	r->events = event_socket(r, state, sizeof state / sizeof state[0]);
	r->routes = event_socket(r, NULL, 0);
	if (!r->events || !r->routes)
		return -EPROTONOSUPPORT;
	int rc = rtnl_watch_protocol(r); /* before joining, so that nothing unwanted is in the queue */
	if (rc < 0)
		return rc;
	if (nl_socket_add_memberships(r->routes, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_ROUTE, 0) < 0)
		return -EPROTONOSUPPORT;
	rc = dump_all(r, false);
	if (rc < 0)
		return rc;
	r->events_watch = loop_fd_add(r->loop, nl_socket_get_fd(r->events), LOOP_READ, on_events, r);
	r->routes_watch = loop_fd_add(r->loop, nl_socket_get_fd(r->routes), LOOP_READ, on_events, r);
	return r->events_watch && r->routes_watch ? 0 : -ENOMEM;
}

void rtnl_watch_close(struct rtnl *r)
{
	struct link_entry *l, *lt;
	struct addr_entry *a, *at;
	loop_fd_del(r->events_watch);
	loop_fd_del(r->routes_watch);
	nl_socket_free(r->events);
	nl_socket_free(r->routes);
	HASH_ITER(hh, r->addrs, a, at) {
		HASH_DEL(r->addrs, a);
		free(a);
	}
	HASH_ITER(hh, r->links, l, lt) {
		HASH_DEL(r->links, l);
		free(l);
	}
	while (r->subs) {
		struct rtnl_sub *s = r->subs;
		r->subs = s->next;
		free(s);
	}
}
