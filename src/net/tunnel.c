/*
 * Tunnel ends: what may come out of a tunnel here, and, at a mobile, the way back into it.
 *
 * Decapsulation is ours in both forms of tunnel, because outer source, outer destination and inner address are one
 * condition, and a packet that meets a part of it only is forged. A packet that passes is written to the TUN device: to
 * the kernel it has come in there, and is delivered or forwarded. The collect-metadata device, where there is one, sends
 * only (rtnl_ip6tnl_create), or the kernel would deliver each packet a second time, unchecked.
 */
#define _GNU_SOURCE 1 /* struct in6_pktinfo */
#include "net/path_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/output.h"
#include "net/packet.h"

#define ROUTE_DEFAULT_METRIC 1024
#define RECEIVE_FIRST 4U /* packets that may be taken in before other work */

/* -- ends ------------------------------------------------------------------------------------------------------------ */

static struct end *end_find(const struct paths *p, const struct in6_addr *inner)
{
	struct end *e;
	HASH_FIND(hh, p->ends, inner, sizeof *inner, e);
	return e;
}

static struct way *end_way(struct paths *p, const struct end *e)
{
	return e->slot ? &p->ways[e->slot - 1] : NULL;
}

static bool way_is(const struct way *w, const struct end *e)
{
	return w->users && w->v4 == addr_is_v4(&e->inner) && addr_eq(&w->local, &e->local) && addr_eq(&w->remote, &e->remote);
}

/* The slot of the way that the end is to have: one that is there, its own if nobody else has it, or a free one. 0: none left. */
static unsigned way_choose(struct paths *p, const struct end *e)
{
	const struct way *own = end_way(p, e);
	unsigned vacant = own && own->users == 1 ? e->slot : 0;
	for (unsigned i = 0; i < END_SLOTS; i++) {
		if (way_is(&p->ways[i], e))
			return i + 1;
		if (!vacant && !p->ways[i].users)
			vacant = i + 1;
	}
	return vacant;
}

static struct rtnl_route way_route(const struct paths *p, unsigned slot)
{
	const struct way *w = &p->ways[slot - 1];
	struct rtnl_route rt = { .dst = path_everything(w->v4), .table = p->cfg.table + slot, .metric = ROUTE_DEFAULT_METRIC,
		                 .ifindex = p->tun_ifindex };
	if (paths_kernel_tunnel(p)) {
		rt.ifindex = p->ip6tnl_ifindex;
		rt.encap = true;
		rt.encap_src = w->local;
		rt.encap_dst = w->remote;
		rt.encap_hop_limit = p->cfg.hop_limit;
	}
	return rt;
}

static void way_leave(struct paths *p, unsigned slot)
{
	if (!slot || --p->ways[slot - 1].users)
		return;
	struct rtnl_route rt = way_route(p, slot);
	rtnl_route_del(p->rtnl, &rt);
}

static int way_enter(struct paths *p, struct end *e, unsigned slot)
{
	struct way *w = &p->ways[slot - 1];
	if (slot != e->slot && w->users++)
		return 0; /* it is there */
	w->v4 = addr_is_v4(&e->inner);
	w->local = e->local;
	w->remote = e->remote;
	struct rtnl_route rt = way_route(p, slot);
	rt.mtu = w->mtu = path_tunnel_mtu(p, &w->remote, w->v4);
	int rc = rtnl_route_set(p->rtnl, &rt);
	if (rc < 0 && slot != e->slot)
		way_leave(p, slot);
	return rc;
}

void tunnel_narrowed(struct paths *p, const struct in6_addr *remote)
{
	for (unsigned i = 0; i < END_SLOTS; i++) {
		struct way *w = &p->ways[i];
		if (!w->users || !addr_eq(&w->remote, remote))
			continue;
		struct rtnl_route rt = way_route(p, i + 1);
		rt.mtu = path_tunnel_mtu(p, remote, w->v4);
		if (rt.mtu < w->mtu && rtnl_route_set(p->rtnl, &rt) == 0)
			w->mtu = rt.mtu;
	}
}

static struct rtnl_rule gate_rule(const struct paths *p, const struct gate *g)
{
	struct rtnl_rule rule = { .priority = p->cfg.table + (g->key.from.plen == 128 ? GATE_ONE : GATE_MANY), .src = g->key.from,
		                      .table = p->cfg.table + g->slot };
	memcpy(rule.iif, g->key.iif, sizeof rule.iif);
	return rule;
}

/* Found or made. */
static struct gate *gate_get(struct paths *p, const struct prefix *from, const char *iif, unsigned slot)
{
	struct gate_key key;
	struct gate *g;
	memset(&key, 0, sizeof key);
	key.from.addr = from->addr;
	key.from.plen = from->plen;
	snprintf(key.iif, sizeof key.iif, "%s", iif);
	HASH_FIND(hh, p->gates, &key, sizeof key, g);
	if (g || !(g = calloc(1, sizeof *g)))
		return g;
	memcpy(&g->key, &key, sizeof key);
	g->slot = slot;
	HASH_ADD(hh, p->gates, key, sizeof g->key, g);
	return g;
}

static void gate_leave(struct paths *p, struct gate *g)
{
	if (g->users)
		return;
	struct rtnl_rule rule = gate_rule(p, g);
	(void)rtnl_rule_del(p->rtnl, &rule);
	HASH_DEL(p->gates, g);
	free(g);
}

/* The rule of the end's prefix, or one of its own where others of that prefix go another way. */
static struct gate *gate_choose(struct paths *p, struct end *e, unsigned slot)
{
	struct prefix one = { e->inner, 128 };
	struct gate *g = gate_get(p, &e->home, e->iif, slot);
	bool others = g && g->users > (g == e->gate);
	return others && g->slot != slot ? gate_get(p, &one, e->iif, slot) : g;
}

/* The way back: a rule to a table whose only route leads into the tunnel. */
static int reverse_set(struct paths *p, struct end *e)
{
	unsigned was = e->slot, slot = way_choose(p, e);
	struct gate *from = e->gate, *to;
	if (!slot)
		return -ENOSPC;
	int rc = way_enter(p, e, slot);
	if (rc < 0)
		return rc;
	e->slot = slot;
	if (!(to = gate_choose(p, e, slot))) {
		rc = -ENOMEM;
	} else {
		to->slot = slot;
		to->users += to != from;
		e->gate = to;
		struct rtnl_rule rule = gate_rule(p, to);
		rc = rtnl_rule_set(p->rtnl, &rule);
	}
	if (to && from && to != from) {
		from->users--;
		gate_leave(p, from);
	}
	if (was && was != slot)
		way_leave(p, was);
	return rc;
}

static void reverse_del(struct paths *p, struct end *e)
{
	if (!e->slot)
		return;
	if (e->gate) {
		e->gate->users--;
		gate_leave(p, e->gate);
	}
	e->gate = NULL;
	paths_pump_dry(p); /* what was on its way into the tunnel still finds its end */
	way_leave(p, e->slot);
	e->slot = 0;
}

static int end_apply(struct paths *p, struct end *e)
{
	switch (e->kind) {
	case END_MOBILE:
		return reverse_set(p, e);
	case END_VISITOR:
		if (e->iif[0])
			return reverse_set(p, e);
		reverse_del(p, e);
		return 0;
	case END_ROUTER:
	case END_NATIVE:
		reverse_del(p, e);
		return 0;
	}
	return -EINVAL;
}

static int end_set(struct paths *p, enum tunnel_end kind, const char *iif, const struct prefix *home, const struct in6_addr *inner,
                   const struct in6_addr *local, const struct in6_addr *remote)
{
	struct end *e = end_find(p, inner);
	if (!e) {
		if (HASH_COUNT(p->ends) >= p->cfg.limit)
			return -ENOSPC;
		e = calloc(1, sizeof *e);
		if (!e)
			return -ENOMEM;
		e->inner = *inner;
		HASH_ADD(hh, p->ends, inner, sizeof e->inner, e);
	}
	if (strcmp(e->iif, iif) != 0 || e->home.plen != home->plen || !addr_eq(&e->home.addr, &home->addr))
		reverse_del(p, e); /* its rule names another link, or prefix */
	snprintf(e->iif, sizeof e->iif, "%s", iif);
	e->home = *home;
	e->kind = kind;
	e->also = in6addr_any;
	e->local = *local;
	e->remote = *remote;
	e->armed = true;
	int rc = end_apply(p, e);
	if (rc < 0)
		LOG_WARNING(PATH_LOG, "tunnel end not installed mobile=%s peer=%s error=\"%s\"", ADDR(inner), ADDR(remote), strerror(-rc));
	return rc;
}

int tunnel_end_set(struct paths *p, enum tunnel_end kind, const struct in6_addr *inner, const struct in6_addr *local,
                   const struct in6_addr *remote)
{
	return end_set(p, kind, "", &(struct prefix){ *inner, 128 }, inner, local, remote);
}

int tunnel_end_visitor(struct paths *p, int ifindex, const struct prefix *home, const struct in6_addr *inner,
                       const struct in6_addr *local, const struct in6_addr *remote)
{
	const struct rtnl_link *l = ifindex ? rtnl_link_by_index(p->rtnl, ifindex) : NULL;
	if (ifindex && !l)
		return -ENODEV;
	return end_set(p, END_VISITOR, l ? l->name : "", home, inner, local, remote);
}

void tunnel_end_also(struct paths *p, const struct in6_addr *inner, const struct in6_addr *remote)
{
	struct end *e = end_find(p, inner);
	if (e)
		e->also = *remote;
}

static void end_free(struct paths *p, struct end *e)
{
	reverse_del(p, e);
	HASH_DEL(p->ends, e);
	free(e);
}

void tunnel_end_del(struct paths *p, const struct in6_addr *inner)
{
	struct end *e = end_find(p, inner);
	if (e)
		end_free(p, e);
}

void tunnel_end_leave(struct paths *p, const struct in6_addr *inner, const struct in6_addr *remote)
{
	struct end *e = end_find(p, inner);
	if (e && addr_eq(&e->remote, remote))
		end_free(p, e);
}

int tunnel_on_first(struct paths *p, tunnel_first_fn *fn, void *arg)
{
	for (size_t i = 0; i < TUNNEL_LISTENERS; i++) {
		if (p->first[i].fn)
			continue;
		p->first[i].fn = fn;
		p->first[i].arg = arg;
		return 0;
	}
	return -ENOSPC;
}

void tunnel_off_first(struct paths *p, const void *arg)
{
	for (size_t i = 0; i < TUNNEL_LISTENERS; i++)
		if (p->first[i].arg == arg)
			p->first[i].fn = NULL;
}

/* Each may end its interest, or the tunnel's end. */
static void tell_first(struct paths *p, const struct in6_addr *inner)
{
	usec_t at = loop_now_fresh(p->loop);
	for (size_t i = 0; i < TUNNEL_LISTENERS; i++)
		if (p->first[i].fn)
			p->first[i].fn(inner, at, p->first[i].arg);
}

/* Before the numbers of tables change. */
void tunnel_uninstall(struct paths *p)
{
	for (struct end *e = p->ends; e; e = e->hh.next)
		reverse_del(p, e);
}

void tunnel_reinstall(struct paths *p)
{
	for (struct end *e = p->ends; e; e = e->hh.next)
		(void)end_apply(p, e);
}

void tunnel_close(struct paths *p)
{
	struct end *e, *tmp;
	HASH_ITER(hh, p->ends, e, tmp)
		end_free(p, e);
}

/* A packet of the mobile itself that its rule led to our device. */
bool tunnel_reverse(struct paths *p, const struct in6_addr *src, const void *packet, size_t len)
{
	struct end *e = end_find(p, src);
	if (!e || !e->slot)
		return false;
	e->encapsulated++;
	if (emit_tunnel(p, &e->local, &e->remote, packet, len) == -EAGAIN)
		path_counters[PATH_SEND_ERRORS].value++;
	return true;
}

/* A neighbour of visitors that is none itself came by their rule, and goes on by itself. The rule does not match our device. */
bool tunnel_bystander(struct paths *p, const struct in6_addr *src, void *packet)
{
	for (const struct gate *g = p->gates; g; g = g->hh.next)
		if (g->key.from.plen < 128 && prefix_has(&g->key.from, src)) {
			packet_hop_back(packet);
			return true;
		}
	return false;
}

/* -- decapsulation --------------------------------------------------------------------------------------------------- */

struct outer {
	struct in6_addr src, dst;
	int tclass;
};

/* Nothing of one link's own may come through a tunnel to another: no neighbour discovery, no router advertisement, no DHCP. */
bool path_of_one_link(const struct in6_addr *a)
{
	if (!addr_is_v4(a))
		return addr_is_multicast(a) || addr_is_zero(a) || addr_is_link_local(a) || IN6_IS_ADDR_LOOPBACK(a);
	uint8_t first = a->s6_addr[12];
	return first == 0 || first == 127 || first >= 224 || (first == 169 && a->s6_addr[13] == 254);
}

static bool end_takes(const struct end *e, const struct in6_addr *outer)
{
	return addr_eq(&e->remote, outer) || (!addr_is_zero(&e->also) && addr_eq(&e->also, outer));
}

/* At a mobile the inner destination names the end, at a router the inner source; either way all of it must fit. */
static struct end *end_match(const struct paths *p, const struct outer *o, const struct in6_addr *src,
                             const struct in6_addr *dst)
{
	struct end *e = end_find(p, dst);
	bool whole = e && end_takes(e, &o->src);
	if (whole && (e->kind == END_MOBILE || e->kind == END_NATIVE || (e->kind == END_VISITOR && addr_eq(&e->local, &o->dst))))
		return e;
	e = end_find(p, src);
	if (e && e->kind == END_ROUTER && addr_eq(&e->local, &o->dst) && end_takes(e, &o->src))
		return e;
	return NULL;
}

static const char *decapsulate(struct paths *p, const struct outer *o, bool v4, uint8_t *packet, size_t len)
{
	struct packet_head head;
	if (!packet_head(packet, len, &head) || head.v4 != v4)
		return v4 ? "not-ipv4" : "not-ipv6";
	if (path_of_one_link(&head.src))
		return "inner-source";
	if (path_of_one_link(&head.dst))
		return "inner-destination";
	struct end *e = end_match(p, o, &head.src, &head.dst);
	if (!e)
		return "no-such-tunnel";
	/* RFC 6040 §4.2: congestion met in the tunnel goes on with the packet, or, if it cannot be marked, drops it. */
	if ((o->tclass & ECN_MASK) == ECN_CE && !packet_mark_ce(packet))
		return "congestion";
	e->decapsulated++;
	path_counters[PATH_DECAPSULATED].value++;
	int rc = tun_write(p->tun_fd, packet, head.len);
	if (rc < 0)
		path_counters[PATH_SEND_ERRORS].value++;
	if (e->armed && e->kind != END_ROUTER) {
		e->armed = false;
		struct in6_addr inner = e->inner; /* the callback may delete the end */
		tell_first(p, &inner);
	}
	return NULL;
}

static bool receive(struct paths *p, int fd, struct outer *o, ssize_t *len)
{
	struct sockaddr_in6 from;
	struct iovec iov = { .iov_base = p->raw_buf, .iov_len = sizeof p->raw_buf };
	union {
		struct cmsghdr align;
		uint8_t octets[256];
	} control;
	struct msghdr msg = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof control };
	do
		*len = recvmsg(fd, &msg, MSG_DONTWAIT);
	while (*len < 0 && errno == EINTR);
	if (*len < 0)
		return false;
	*o = (struct outer){ .src = from.sin6_addr };
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
			o->dst = ((const struct in6_pktinfo *)(const void *)CMSG_DATA(c))->ipi6_addr;
		else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS)
			memcpy(&o->tclass, CMSG_DATA(c), sizeof o->tclass);
	}
	return true;
}

static void take_in(struct paths *p, int fd, unsigned budget)
{
	struct outer o;
	ssize_t len;
	for (unsigned n = 0; n < budget && receive(p, fd, &o, &len); n++) {
		const char *why = decapsulate(p, &o, fd == p->raw4_fd, p->raw_buf, (size_t)len);
		if (!why)
			continue;
		path_counters[PATH_DECAP_REFUSED].value++;
		log_limited(&p->refuse_log, loop_now(p->loop), LOG_LEVEL_NOTICE, PATH_LOG,
		            "tunnelled packet refused peer=%s local=%s reason=%s", ADDR(&o.src), ADDR(&o.dst), why);
	}
}

void tunnel_readable(int fd, unsigned events, void *arg)
{
	take_in(arg, fd, PUMP_ROUND);
}

void paths_receive(struct paths *p)
{
	take_in(p, p->raw_fd, RECEIVE_FIRST);
	take_in(p, p->raw4_fd, RECEIVE_FIRST);
}

/* -- show ------------------------------------------------------------------------------------------------------------ */

void tunnel_show(struct paths *p, struct output *o)
{
	static const char *const kinds[] = { [END_MOBILE] = "end-mobile", [END_ROUTER] = "end-router", [END_NATIVE] = "end-native",
		[END_VISITOR] = "end-visitor" };
	for (struct end *e = p->ends; e; e = e->hh.next) {
		out_item_begin(o, NULL);
		out_addr(o, "address", &e->inner);
		out_str(o, "state", kinds[e->kind]);
		out_str(o, "form", e->slot && paths_kernel_tunnel(p) ? "ip6tnl" : "tun");
		out_addr(o, "local", &e->local);
		out_addr(o, "remote", &e->remote);
		out_uint(o, "decapsulated", e->decapsulated);
		out_uint(o, "encapsulated", e->encapsulated);
		out_item_end(o);
	}
}
