/*
 * Paths: the states of diverted addresses, and the pump that takes what the kernel forwarded into our device and puts it
 * where its address is in: into the hold, into the tunnel, or to the mobile.
 *
 * Order is kept by one rule: a packet goes out at once only if nothing of its address waits; else it joins the queue. The
 * device itself is a queue before ours, one for all addresses, so a change of state takes what lies in it first.
 */
#include "net/path_priv.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/output.h"
#include "net/packet.h"
#include "net/rtnl_priv.h"

#define HOP_LIMIT_AT 7 /* in an IPv6 header */
#define NARROW_PACE (10 * USEC_MSEC) /* what was queued with a greater MTU does not ask for each packet */

struct counter path_counters[PATH_COUNTERS] = {
	[PATH_HELD] = { .name = "path_held", .help = "Packets that waited in a hold" },
	[PATH_HELD_DROPPED] = { .name = "path_held_dropped", .help = "Held packets dropped at a limit or when the path was closed" },
	[PATH_RELEASED] = { .name = "path_released", .help = "Held packets that were sent on" },
	[PATH_TUNNELLED] = { .name = "path_tunnelled", .help = "Packets encapsulated in user space" },
	[PATH_DECAPSULATED] = { .name = "path_decapsulated", .help = "Packets taken out of a tunnel" },
	[PATH_DECAP_REFUSED] = { .name = "path_decap_refused", .help = "Tunnelled packets that fitted no tunnel end" },
	[PATH_UNKNOWN_DST] = { .name = "path_unknown_dst", .help = "Packets on our device for an address that has no path" },
	[PATH_SEND_ERRORS] = { .name = "path_send_errors", .help = "Packets lost because they could not be sent" },
	[PATH_HELD_FROM] = { .name = "path_held_from", .help = "Packets from held addresses that waited" },
	[PATH_HOLD_OCTETS] = { .name = "path_hold_octets", .help = "Octets of memory in all holds", .gauge = 1 },
	[PATHS_ACTIVE] = { .name = "paths_active", .help = "Addresses diverted", .gauge = 1 },
};

/* -- counting -------------------------------------------------------------------------------------------------------- */

static void gauge_octets(const struct paths *p)
{
	path_counters[PATH_HOLD_OCTETS].value = p->pool.octets;
}

static void count_dropped(struct path *h, uint64_t n, const char *reason, uint64_t limit, uint64_t actual)
{
	if (!n)
		return;
	h->stats.held_dropped += n;
	path_counters[PATH_HELD_DROPPED].value += n;
	log_limited(&h->paths->overflow_log, loop_now(h->paths->loop), LOG_LEVEL_WARNING, PATH_LOG,
	            "held packets dropped mobile=%s reason=%s limit=%llu actual=%llu dropped=%llu", ADDR(&h->addr), reason,
	            (unsigned long long)limit, (unsigned long long)actual, (unsigned long long)h->stats.held_dropped);
}

static void count_overflow(struct path *h, uint64_t n, size_t len)
{
	const struct hold_pool *pool = &h->paths->pool;
	uint64_t cost = hold_cost(len); /* the packet is in by now, and what it pushed out is gone */
	if (h->hold.octets + cost > pool->limit_one)
		count_dropped(h, n, "limit-per-mobile", pool->limit_one, h->hold.octets + cost);
	else
		count_dropped(h, n, "limit-total", pool->limit, pool->octets + cost);
}

void path_count_dropped(struct path *h, uint64_t n, const char *reason)
{
	count_dropped(h, n, reason, h->paths->pool.limit_one, h->from.octets);
}

struct path_stats path_stats(const struct path *h)
{
	struct path_stats s = h->stats;
	s.held_now = h->hold.packets;
	s.held_octets = h->hold.octets;
	return s;
}

/* -- the way of one packet ------------------------------------------------------------------------------------------- */

static bool goes_to_link(const struct path *h)
{
	return h->state == PATH_RELEASE || h->state == PATH_SETTLE || h->state == PATH_LANDED;
}

static int path_emit(struct path *h, const void *packet, size_t len)
{
	if (h->state != PATH_TUNNEL)
		return emit_frame(h->paths, h->ifindex, &h->lladdr, packet, len);
	int rc = emit_tunnel(h->paths, &h->local, &h->remote, packet, len);
	h->stats.tunnelled += rc == 0;
	return rc;
}

static void path_retry(struct path *h)
{
	h->resume = true;
	timer_after(&h->timer, USEC_MSEC);
}

static bool forwarded_passes(const struct path *h)
{
	return h->state == PATH_HOLD && h->pass_forwarded;
}

/* Sends from the queue what may go. True: nothing is left that may go. */
bool path_flush(struct path *h, unsigned budget)
{
	bool forwarded = forwarded_passes(h);
	struct held *next;
	if (h->state == PATH_HOLD && !forwarded)
		return true;
	while ((next = hold_peek(&h->hold, forwarded))) {
		if (!budget--) {
			h->resume = true;
			timer_after(&h->timer, 0);
			return false;
		}
		if (!release_may_send(h))
			return false;
		int rc = path_emit(h, next->data, next->len);
		if (rc == -EAGAIN) {
			path_retry(h);
			return false;
		}
		if (rc == 0) {
			h->stats.released++;
			path_counters[PATH_RELEASED].value++;
		}
		h->drained++;
		hold_pop(&h->hold, next);
	}
	gauge_octets(h->paths);
	return true;
}

static void path_queue(struct path *h, enum hold_class c, const void *packet, size_t len)
{
	bool kept;
	unsigned dropped = hold_push(&h->hold, c, packet, len, loop_now(h->paths->loop), &kept);
	if (kept) {
		h->stats.held++;
		path_counters[PATH_HELD].value++;
	}
	if (dropped)
		count_overflow(h, dropped, len);
	gauge_octets(h->paths);
}

/* Is what the forwarder sent on another address's, so that nothing which comes here straight can overtake it? It is not if it names
 * ours, or came to the forwarder in the tunnel that led there from here, in fragments perhaps, or in yet another's. */
static bool of_another(const struct path *h, const uint8_t *packet, size_t len)
{
	struct packet_head head;
	struct packet6 walked;
	if (!packet_head(packet, len, &head) || addr_eq(&head.dst, &h->addr) || (addr_eq(&head.src, &h->local) && addr_eq(&head.dst, &h->remote)))
		return false;
	return !packet6_walk(packet, len, &walked) || walked.proto != IPPROTO_IPV6;
}

/* Did the packet come in the forwarder's tunnel? It does not matter what else stands before the tunnelled packet. */
static enum hold_class classify(const struct path *h, const void *packet, size_t len)
{
	struct packet6 walked;
	if (addr_is_zero(&h->forwarder) || addr_is_v4(&h->addr) || memcmp((const uint8_t *)packet + 8, &h->forwarder, sizeof h->forwarder) != 0 ||
	    !packet6_walk(packet, len, &walked) || walked.proto != IPPROTO_IPV6)
		return HOLD_FRESH;
	return of_another(h, walked.data, walked.len) ? HOLD_BESIDE : HOLD_OLDER;
}

/* What cannot leave at once is lost to the link, not to its copy. */
static void path_copy_input(struct path *h, enum hold_class c, const void *packet, size_t len)
{
	(void)emit_frame(h->paths, h->ifindex, &h->lladdr, packet, len);
	path_queue(h, c, packet, len);
}

/*
 * A packet for the address that went into our own tunnel to where the mobile was, and from there came back in the forwarder's, is taken
 * out of both here. At the mobile it would pass our daemon twice, while those behind it pass the kernel alone. NULL: it is none, or
 * better judged there.
 */
static uint8_t *take_out(const struct path *h, uint8_t *packet, size_t len, size_t *inner_len)
{
	struct packet6 outer, ours;
	struct packet_head first, second, inner;
	if (h->state == PATH_TUNNEL || !packet6_walk(packet, len, &outer) || !packet6_walk(outer.data, outer.len, &ours) ||
	    ours.proto != IPPROTO_IPV6 || !addr_eq(&ours.src, &h->local) || !addr_eq(&ours.dst, &h->remote) ||
	    !packet_head(ours.data, ours.len, &inner) || inner.v4 || !addr_eq(&inner.dst, &h->addr) || path_of_one_link(&inner.src) ||
	    !packet_head(packet, len, &first) || !packet_head(outer.data, outer.len, &second))
		return NULL;
	uint8_t *out = packet + (ours.data - packet);
	bool congested = (first.tclass & ECN_MASK) == ECN_CE || (second.tclass & ECN_MASK) == ECN_CE;
	if (out[HOP_LIMIT_AT] <= 1 || (congested && !packet_mark_ce(out)))
		return NULL;
	out[HOP_LIMIT_AT]--;
	*inner_len = inner.len;
	return out;
}

static bool may_go_at_once(struct path *h, enum hold_class c)
{
	if (h->state == PATH_HOLD)
		return h->pass_forwarded && c != HOLD_FRESH && !hold_peek(&h->hold, true);
	return h->hold.packets == 0 && release_may_send(h);
}

void path_input(struct path *h, uint8_t *packet, size_t len)
{
	enum hold_class c = classify(h, packet, len);
	uint8_t *inner = c == HOLD_OLDER ? take_out(h, packet, len, &len) : NULL;
	if (inner)
		packet = inner;
	else if (c == HOLD_OLDER)
		h->hold.beside_first = true; /* that gives it time on its way through the mobile */
	if (h->state == PATH_DIRECT) { /* its route has just gone; nobody knows the way but the kernel, and it gave it to us */
		path_counters[PATH_UNKNOWN_DST].value++;
		return;
	}
	if (h->copies) {
		path_copy_input(h, c, packet, len);
		return;
	}
	if (may_go_at_once(h, c)) {
		hold_meter(&h->hold, loop_now(h->paths->loop));
		if (path_emit(h, packet, len) != -EAGAIN) {
			h->drained++;
			return;
		}
		path_retry(h);
	}
	path_queue(h, c, packet, len);
	if (h->state != PATH_HOLD && !h->resume)
		path_flush(h, PUMP_ROUND);
}

/* -- the pump -------------------------------------------------------------------------------------------------------- */

static void pump_packet(struct paths *p, uint8_t *packet, size_t len)
{
	struct packet_head head;
	struct path *h, *from;
	if (!packet_head(packet, len, &head) || addr_is_multicast(&head.dst))
		return; /* the kernel's own listener reports on our device */
	HASH_FIND(hh, p->table, &head.src, sizeof head.src, from);
	HASH_FIND(hh, p->table, &head.dst, sizeof head.dst, h);
	if (from && from->from_ifindex)
		upstream_input(from, packet, len);
	else if (h)
		path_input(h, packet, len);
	else if (tunnel_reverse(p, &head.src, packet, len))
		return;
	else if (tunnel_bystander(p, &head.src, packet))
		paths_forward(p, packet, len);
	else
		path_counters[PATH_UNKNOWN_DST].value++;
}

unsigned paths_pump(struct paths *p, unsigned budget)
{
	unsigned n = 0;
	for (; n < budget; n++) {
		ssize_t len = tun_read(p->tun_fd, p->buf, sizeof p->buf);
		if (len <= 0)
			break;
		pump_packet(p, p->buf, (size_t)len);
	}
	return n;
}

/* Everything that was in the device when this was called, and whatever came meanwhile; bounded, since the device is. */
void paths_pump_dry(struct paths *p)
{
	(void)paths_pump(p, 2 * TUN_QUEUE);
}

static void on_readable(int fd, unsigned events, void *arg)
{
	struct paths *p = arg;
	if (paths_pump(p, PUMP_ROUND) < PUMP_ROUND)
		release_after_pump(p);
}

void paths_forward(struct paths *p, const void *packet, size_t len)
{
	if (tun_write(p->tun_fd, packet, len) < 0)
		path_counters[PATH_SEND_ERRORS].value++;
}

/* -- routes ---------------------------------------------------------------------------------------------------------- */

static struct rtnl_route path_route(const struct path *h, enum path_route route, uint32_t mtu)
{
	struct rtnl_route rt = {
		.dst = { h->addr, 128 },
		.metric = PATH_METRIC,
		.ifindex = h->paths->tun_ifindex,
		.mtu = mtu,
	};
	if (route == ROUTE_ENCAP) {
		rt.ifindex = h->paths->ip6tnl_ifindex;
		rt.encap = true;
		rt.encap_src = h->local;
		rt.encap_dst = h->remote;
		rt.encap_hop_limit = h->paths->cfg.hop_limit;
	}
	return rt;
}

int path_route_set(struct path *h, enum path_route route, uint32_t mtu)
{
	struct rtnl_route rt = path_route(h, route, mtu);
	int rc = route == ROUTE_NONE ? rtnl_route_del(h->paths->rtnl, &rt) : rtnl_route_set(h->paths->rtnl, &rt);
	if (rc < 0) {
		LOG_WARNING(PATH_LOG, "host route not changed mobile=%s error=\"%s\"", ADDR(&h->addr), strerror(-rc));
		return rc;
	}
	h->route = route;
	h->route_mtu = mtu;
	return 0;
}

struct prefix path_everything(bool v4)
{
	if (!v4)
		return (struct prefix){ 0 };
	return (struct prefix){ .addr = { .s6_addr = { [10] = 0xff, [11] = 0xff } }, .plen = 96 };
}

/* RFC 2473 §7: IPv6 packets of the least MTU go through in fragments of the outer packet if they must; IPv4 has no such bound. */
uint32_t path_tunnel_mtu(struct paths *p, const struct in6_addr *remote, bool v4)
{
	uint32_t mtu = 1500;
	(void)rtnl_route_lookup(p->rtnl, remote, NULL, &mtu);
	mtu = (mtu > IPV6_MTU_MIN ? mtu : IPV6_MTU_MIN) - IPV6_HEADER;
	return v4 || mtu > IPV6_MTU_MIN ? mtu : IPV6_MTU_MIN;
}

/* What may go to the address while nothing of ours is in the way. On a link of ours that is the link's: a host route that goes
 * elsewhere changes nothing, for what is held here goes out to a link-layer address there. Else the kernel is asked. */
static uint32_t mtu_before(const struct path *h)
{
	const struct rtnl_link *l = rtnl_link_of(h->paths->rtnl, &h->addr);
	uint32_t mtu = 0;
	if (l)
		return l->mtu;
	(void)rtnl_route_lookup(h->paths->rtnl, &h->addr, NULL, &mtu);
	return mtu;
}

/* In user space the kernel does not see what becomes of a packet: routes into the tunnel get the MTU that has been learnt since,
 * and whoever sends too much is told so from the next packet on (RFC 2473 §7). */
void paths_narrowed(struct paths *p, const struct in6_addr *remote)
{
	usec_t now = loop_now(p->loop);
	if (p->narrowed_at && now - p->narrowed_at < NARROW_PACE)
		return;
	p->narrowed_at = now;
	for (struct path *h = p->table; h; h = h->hh.next) {
		if (h->state != PATH_TUNNEL || h->route != ROUTE_TUN || !addr_eq(&h->remote, remote))
			continue;
		uint32_t mtu = path_tunnel_mtu(p, remote, addr_is_v4(&h->addr));
		if (mtu < h->route_mtu)
			(void)path_route_set(h, ROUTE_TUN, mtu);
	}
	if (!paths_kernel_tunnel(p))
		tunnel_narrowed(p, remote);
}

/* Leaves whatever the path did before; what is queued stays. */
static void leave_state(struct path *h)
{
	if (h->state == PATH_RELEASE || h->state == PATH_SETTLE)
		release_stop(h);
	if (h->state == PATH_DIRECT)
		h->direct_mtu = mtu_before(h);
	timer_stop(&h->timer);
	h->resume = h->copies = false;
}

/* -- states ---------------------------------------------------------------------------------------------------------- */

int path_hold(struct path *h, const struct in6_addr *forwarder)
{
	bool was_hold = h->state == PATH_HOLD;
	if (h->state == PATH_TUNNEL && h->route == ROUTE_TUN)
		paths_pump_dry(h->paths);
	if (!was_hold)
		leave_state(h);
	if (h->route != ROUTE_TUN || h->route_mtu != h->direct_mtu) {
		int rc = path_route_set(h, ROUTE_TUN, h->direct_mtu);
		if (rc < 0)
			return rc;
	}
	h->forwarder = forwarder ? *forwarder : in6addr_any;
	h->state = PATH_HOLD;
	h->copies = false;
	if (!was_hold)
		h->pass_forwarded = h->hold.beside_first = false;
	return 0;
}

bool path_is_held(const struct path *h)
{
	return h && h->state == PATH_HOLD && !h->copies;
}

int path_copy(struct path *h, int ifindex, const struct lladdr *l)
{
	if (h->state != PATH_DIRECT)
		return -EBUSY;
	int rc = path_hold(h, NULL);
	if (rc < 0)
		return rc;
	h->ifindex = ifindex;
	h->lladdr = *l;
	h->copies = true;
	return 0;
}

void path_copy_end(struct path *h)
{
	if (!h || !h->copies)
		return;
	paths_pump_dry(h->paths); /* it goes out before what the kernel forwards itself again */
	hold_clear(&h->hold);
	path_close(h);
}

int path_pass_forwarded(struct path *h, int ifindex, const struct lladdr *l)
{
	if (h->state != PATH_HOLD)
		return -EINVAL;
	h->ifindex = ifindex;
	h->lladdr = *l;
	h->pass_forwarded = true;
	h->drain = DRAIN_IMMEDIATE;
	path_flush(h, PUMP_ROUND);
	return 0;
}

int path_tunnel(struct path *h, const struct in6_addr *local, const struct in6_addr *remote)
{
	struct paths *p = h->paths;
	upstream_pass(h);
	bool kernel = paths_kernel_tunnel(p) && h->hold.packets == 0 && (h->state == PATH_DIRECT || h->route == ROUTE_ENCAP);
	uint32_t mtu = path_tunnel_mtu(p, remote, addr_is_v4(&h->addr));
	if (h->state == PATH_TUNNEL && h->route == ROUTE_TUN)
		paths_pump_dry(p); /* what came before the move goes to the former end */
	leave_state(h);
	h->local = *local;
	h->remote = *remote;
	int rc = path_route_set(h, kernel ? ROUTE_ENCAP : ROUTE_TUN, mtu);
	if (rc < 0)
		return rc;
	h->state = PATH_TUNNEL;
	h->pass_forwarded = false;
	path_flush(h, PUMP_ROUND);
	return 0;
}

void path_free(struct path *h)
{
	struct paths *p = h->paths;
	timer_stop(&h->timer);
	hold_clear(&h->hold);
	hold_clear(&h->from);
	HASH_DELETE(hh, p->table, h);
	path_counters[PATHS_ACTIVE].value -= h->state != PATH_LANDED;
	free(h);
	gauge_octets(p);
}

void path_close(struct path *h)
{
	if (!h)
		return;
	struct paths *p = h->paths;
	upstream_pass(h);
	if (h->state == PATH_RELEASE || h->state == PATH_SETTLE)
		release_stop(h);
	if (h->route != ROUTE_NONE)
		(void)path_route_set(h, ROUTE_NONE, 0);
	if (h->state == PATH_TUNNEL || h->state == PATH_HOLD)
		paths_pump_dry(p); /* into the tunnel, or to be counted */
	count_dropped(h, hold_clear(&h->hold), "closed", 0, h->hold.packets);
	path_free(h);
}

/* -- table ----------------------------------------------------------------------------------------------------------- */

static void on_timer(struct timer *t, void *arg)
{
	struct path *h = arg;
	if (h->resume) {
		h->resume = false;
		path_flush(h, PUMP_ROUND);
	}
	if (goes_to_link(h))
		release_timer(h);
}

static struct path *lookup(const struct paths *p, const struct in6_addr *addr)
{
	struct path *h;
	HASH_FIND(hh, p->table, addr, sizeof *addr, h);
	return h;
}

struct path *path_find(const struct paths *p, const struct in6_addr *addr)
{
	struct path *h = lookup(p, addr);
	return h && h->state != PATH_LANDED ? h : NULL;
}

struct path *path_get(struct paths *p, const struct in6_addr *addr)
{
	struct path *h = lookup(p, addr);
	if (h && h->state != PATH_LANDED)
		return h;
	if (h)
		path_free(h);
	if (HASH_COUNT(p->table) >= p->cfg.limit) {
		log_limited(&p->overflow_log, loop_now(p->loop), LOG_LEVEL_WARNING, PATH_LOG,
		            "no path for another address mobile=%s reason=limit limit=%u actual=%u", ADDR(addr), p->cfg.limit,
		            HASH_COUNT(p->table));
		return NULL;
	}
	h = calloc(1, sizeof *h);
	if (!h)
		return NULL;
	h->paths = p;
	h->addr = *addr;
	hold_init(&h->hold, &p->pool);
	hold_init(&h->from, &p->pool);
	timer_init(&h->timer, p->loop, on_timer, h);
	HASH_ADD(hh, p->table, addr, sizeof h->addr, h);
	path_counters[PATHS_ACTIVE].value++;
	return h;
}

/* -- the device and its guardians ------------------------------------------------------------------------------------ */

/* Routes again, as they ought to be: after lost events, or with another protocol number. */
static void reinstall(struct paths *p)
{
	rtnl_begin(p->rtnl);
	for (struct path *h = p->table; h; h = h->hh.next) {
		if (h->route != ROUTE_NONE)
			(void)path_route_set(h, h->route, h->route_mtu);
		if (h->from_ifindex)
			(void)upstream_install(h);
	}
	tunnel_reinstall(p);
	int rc = rtnl_commit(p->rtnl);
	if (rc < 0)
		LOG_WARNING(PATH_LOG, "not every route and rule could be set again error=\"%s\"", strerror(-rc));
}

/* Somebody's clean-up took a route of ours: network managers do that to routes they do not know. */
static void on_rtnl(const struct rtnl_note *n, void *arg)
{
	struct paths *p = arg;
	if (n->event == RTNL_ROUTE_GONE && n->plen == 128) {
		struct path *h = lookup(p, &n->addr);
		if (h && h->route != ROUTE_NONE && (n->ifindex == p->tun_ifindex || n->ifindex == p->ip6tnl_ifindex))
			(void)path_route_set(h, h->route, h->route_mtu);
		return;
	}
	if (n->event == RTNL_RESYNC)
		reinstall(p);
}

/*
 * What comes out of a tunnel has a source that the kernel would look for on another link. Its strict check is the greater
 * of ours and the one of all devices; where that is on, ours asks for the loose one, which wants any IPv4 address on the
 * device: the one that stands for no address (RFC 7600 §4.8), of host scope, so that nothing is sent from it.
 */
static void reverse_filter_off(struct paths *p)
{
	struct rtnl_addr dummy = { .ifindex = p->tun_ifindex, .plen = 128, .host_scope = true };
	char all[16] = "0";
	(void)rtnl_sysctl(NULL, all, sizeof all, "/proc/sys/net/ipv4/conf/all/rp_filter");
	bool on = strcmp(all, "0") != 0;
	(void)rtnl_sysctl(on ? "2" : "0", NULL, 0, "/proc/sys/net/ipv4/conf/%s/rp_filter", TUN_NAME);
	if (on && addr_parse("192.0.0.8", &dummy.addr) == 0)
		(void)rtnl_addr_set(p->rtnl, &dummy);
}

static int open_tun(struct paths *p)
{
	p->tun_fd = tun_open(TUN_NAME, &p->tun_ifindex);
	if (p->tun_fd < 0)
		return p->tun_fd;
	reverse_filter_off(p);
	return rtnl_link_set_up(p->rtnl, p->tun_ifindex, TUN_PACKET_MAX, TUN_QUEUE);
}

static int open_ip6tnl(struct paths *p)
{
	int rc = rtnl_ip6tnl_create(p->rtnl, IP6TNL_NAME, &p->ip6tnl_ifindex);
	if (rc == 0)
		rc = rtnl_link_set_up(p->rtnl, p->ip6tnl_ifindex, 0, 0);
	if (rc == 0)
		return 0;
	if (p->ip6tnl_ifindex)
		(void)rtnl_link_del(p->rtnl, IP6TNL_NAME);
	p->ip6tnl_ifindex = 0;
	return rc;
}

static int open_ip6tnl_logged(struct paths *p)
{
	int rc = open_ip6tnl(p);
	if (rc < 0 && p->cfg.tunnel == TUNNEL_IP6TNL) {
		LOG_ERROR(PATH_LOG, "device not made interface=%s error=\"%s\"", IP6TNL_NAME, strerror(-rc));
		return rc;
	}
	if (rc < 0)
		LOG_INFO(PATH_LOG, "no ip6_tunnel in this kernel, tunnels go through user space error=\"%s\"", strerror(-rc));
	return 0;
}

static int open_devices(struct paths *p)
{
	int rc = open_tun(p);
	if (rc < 0) {
		LOG_ERROR(PATH_LOG, "device not made interface=%s error=\"%s\"", TUN_NAME, strerror(-rc));
		return rc;
	}
	return p->cfg.tunnel == TUNNEL_TUN ? 0 : open_ip6tnl_logged(p);
}

static void set_limits(struct paths *p)
{
	p->pool.limit = p->cfg.hold_limit;
	p->pool.limit_one = p->cfg.hold_limit_mobile;
}

static int open_all(struct paths *p)
{
	int rc = emit_open(p);
	if (rc < 0) {
		LOG_ERROR(PATH_LOG, "sockets cannot be opened error=\"%s\"", strerror(-rc));
		return rc;
	}
	rc = open_devices(p);
	if (rc < 0)
		return rc;
	p->tun_watch = loop_fd_add(p->loop, p->tun_fd, LOOP_READ, on_readable, p);
	p->raw_watch = loop_fd_add(p->loop, p->raw_fd, LOOP_READ, tunnel_readable, p);
	p->raw4_watch = loop_fd_add(p->loop, p->raw4_fd, LOOP_READ, tunnel_readable, p);
	p->sub = rtnl_subscribe(p->rtnl, on_rtnl, p);
	return p->tun_watch && p->raw_watch && p->raw4_watch && p->sub ? 0 : -ENOMEM;
}

struct paths *paths_open(struct loop *l, struct rtnl *r, const struct paths_config *cfg)
{
	struct paths *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	p->loop = l;
	p->rtnl = r;
	p->cfg = *cfg;
	p->tun_fd = p->raw_fd = p->raw4_fd = p->frame_fd = -1;
	set_limits(p);
	bucket_init(&p->overflow_log, 1, 3);
	bucket_init(&p->refuse_log, 1, 3);
	bucket_init(&p->error_log, 1, 3);
	if (open_all(p) < 0) {
		paths_close(p);
		return NULL;
	}
	return p;
}

void paths_reconfigure(struct paths *p, const struct paths_config *cfg)
{
	bool moved = p->cfg.table != cfg->table;
	if (moved) {
		tunnel_uninstall(p);
		for (struct path *h = p->table; h; h = h->hh.next)
			upstream_pass(h);
	}
	p->cfg = *cfg;
	if (p->cfg.tunnel != TUNNEL_TUN && !p->ip6tnl_ifindex)
		(void)open_ip6tnl_logged(p);
	set_limits(p);
	emit_hop_limit(p);
	for (struct path *h = p->table; h; h = h->hh.next)
		count_dropped(h, hold_trim(&h->hold) + hold_trim(&h->from), "limit-lowered", p->pool.limit_one, h->hold.octets);
	gauge_octets(p);
	reinstall(p);
}

bool paths_kernel_tunnel(const struct paths *p)
{
	return p->ip6tnl_ifindex && p->cfg.tunnel != TUNNEL_TUN;
}

void paths_close(struct paths *p)
{
	struct path *h, *tmp;
	if (!p)
		return;
	rtnl_unsubscribe(p->sub);
	HASH_ITER(hh, p->table, h, tmp)
		path_close(h);
	windows_close(p);
	tunnel_close(p);
	loop_fd_del(p->tun_watch);
	loop_fd_del(p->raw_watch);
	loop_fd_del(p->raw4_watch);
	emit_close(p);
	if (p->tun_fd >= 0)
		close(p->tun_fd);
	if (p->ip6tnl_ifindex)
		(void)rtnl_link_del(p->rtnl, IP6TNL_NAME);
	free(p);
}

/* -- show ------------------------------------------------------------------------------------------------------------ */

static const char *state_name(enum path_state s)
{
	switch (s) {
	case PATH_DIRECT:
	case PATH_LANDED:
		return "direct";
	case PATH_HOLD:
		return "hold";
	case PATH_TUNNEL:
		return "tunnel";
	case PATH_RELEASE:
	case PATH_SETTLE:
		return "release";
	}
	return "?";
}

static void show_path(const struct path *h, struct output *o)
{
	struct path_stats s = path_stats(h);
	out_item_begin(o, NULL);
	out_addr(o, "address", &h->addr);
	out_str(o, "state", h->copies ? "copy" : state_name(h->state));
	out_str(o, "form", h->route == ROUTE_ENCAP ? "ip6tnl" : h->route == ROUTE_TUN ? "tun" : NULL);
	out_addr(o, "local", h->state == PATH_TUNNEL ? &h->local : &in6addr_any);
	out_addr(o, "remote", h->state == PATH_TUNNEL ? &h->remote : &in6addr_any);
	out_uint(o, "held", s.held);
	out_uint(o, "held_now", s.held_now);
	out_uint(o, "held_from_now", h->from.packets);
	out_uint(o, "held_octets", s.held_octets);
	out_uint(o, "held_dropped", s.held_dropped);
	out_uint(o, "released", s.released);
	out_uint(o, "tunnelled", s.tunnelled);
	out_item_end(o);
}

void paths_show(struct paths *p, struct output *o)
{
	out_list_begin(o, NULL);
	for (struct path *h = p->table; h; h = h->hh.next)
		if (h->state != PATH_LANDED)
			show_path(h, o);
	tunnel_show(p, o);
	out_list_end(o);
}
