/*
 * ICMPv6 between a mobile and its home agent: with a Home Address option on the way there, behind a type 2 routing header on the way
 * back (RFC 6275 §6.7, §6.8). Received by a packet socket and sent as whole packets, as a kernel without Mobile IPv6 takes neither.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "net/icmp6.h"
#include "net/packet.h"
#include "net/rawsock.h"
#include "net/upper.h"

#define ICMP6_HEADER 4
#define CHECKSUM_AT 2
#define HOP_LIMIT 64
#define PACKET_MAX 1280 /* the least IPv6 MTU: nothing longer is sent this way */

struct icmp6_home {
	struct loop *loop;
	icmp6_local_fn *is_local;
	icmp6_fn *fn;
	void *arg;
	int fd_packet, fd_whole;
	struct loop_fd *watch;
	uint8_t types[UPPER_TYPES_MAX];
	size_t n;
	bool guarded;
	uint8_t *buf;
};

static void deliver(struct icmp6_home *s, const struct rawsock_packet *p, usec_t at)
{
	struct packet6 k;
	if (!packet6_walk_home(s->buf, p->len, &k) || k.proto != IPPROTO_ICMPV6 || k.len < ICMP6_HEADER || !memchr(s->types, k.data[0], s->n))
		return;
	const struct in6_addr *src = addr_is_zero(&k.home) ? &k.src : &k.home, *dst = addr_is_zero(&k.routed) ? &k.dst : &k.routed;
	if (!s->is_local(&k.dst, s->arg) || !s->is_local(dst, s->arg) || addr_is_multicast(&k.src) || addr_is_zero(&k.src))
		return;
	if (!p->checksum_open && checksum_ipv6(src, dst, IPPROTO_ICMPV6, k.data, k.len))
		return;
	struct icmp6_message m = { .src = k.src, .dst = k.dst, .home = k.home, .routed = k.routed, .ifindex = p->ifindex,
		.hop_limit = k.hop_limit, .from = p->from, .data = k.data, .len = k.len, .at = at };
	s->fn(&m, s->arg);
}

static void on_readable(int fd, unsigned events, void *arg)
{
	struct icmp6_home *s = arg;
	usec_t at = loop_now_fresh(s->loop);
	for (int i = 0; i < RAWSOCK_BATCH; i++) {
		struct rawsock_packet p;
		int n = rawsock_recv_packet(fd, s->buf, RAWSOCK_MTU, &p);
		if (n == -EAGAIN)
			return;
		if (n >= 0)
			deliver(s, &p, at);
	}
}

struct icmp6_home *icmp6_home_open(struct loop *l, const uint8_t *types, size_t n, icmp6_local_fn *is_local, icmp6_fn *fn, void *arg)
{
	struct icmp6_home *s = n <= UPPER_TYPES_MAX ? calloc(1, sizeof *s) : NULL;
	if (!s)
		return NULL;
	*s = (struct icmp6_home){ .loop = l, .is_local = is_local, .fn = fn, .arg = arg, .n = n, .buf = malloc(RAWSOCK_MTU) };
	memcpy(s->types, types, n);
	s->fd_packet = upper_open(IPPROTO_ICMPV6, 0, types, n);
	s->fd_whole = rawsock_open6(IPPROTO_RAW);
	if (s->buf && s->fd_packet >= 0 && s->fd_whole >= 0)
		s->watch = loop_fd_add(l, s->fd_packet, LOOP_READ, on_readable, s);
	if (!s->watch) {
		int e = s->fd_packet < 0 ? s->fd_packet : s->fd_whole < 0 ? s->fd_whole : -ENOMEM;
		LOG_ERROR("net", "cannot open ICMPv6 packet socket error=\"%s\"", strerror(-e));
		icmp6_home_close(s);
		return NULL;
	}
	icmp6_guard_add(types, n);
	s->guarded = true;
	return s;
}

void icmp6_home_close(struct icmp6_home *s)
{
	if (!s)
		return;
	if (s->guarded)
		icmp6_guard_del(s->types, s->n);
	loop_fd_del(s->watch);
	if (s->fd_packet >= 0)
		close(s->fd_packet);
	if (s->fd_whole >= 0)
		close(s->fd_whole);
	free(s->buf);
	free(s);
}

/* What w holds is followed by the message, under the checksum of src and dst as the end that reads it has them. */
static int send_whole(struct icmp6_home *s, struct wr *w, const struct in6_addr *to, const struct in6_addr *src, const struct in6_addr *dst,
                      const void *data, size_t len)
{
	struct rawsock_route route = { .dst = to, .hop_limit = -1 };
	size_t at = w->len;
	if (len < ICMP6_HEADER)
		return -EINVAL;
	wr_copy(w, data, len);
	wr_patch16(w, at + CHECKSUM_AT, 0);
	wr_patch16(w, 4, (uint16_t)(w->len - PACKET6_HEADER));
	if (!wr_ok(w))
		return -EMSGSIZE;
	wr_patch16(w, at + CHECKSUM_AT, checksum_ipv6(src, dst, IPPROTO_ICMPV6, w->base + at, len));
	return rawsock_send6(s->fd_whole, &route, w->base, w->len);
}

int icmp6_home_send(struct icmp6_home *s, const struct in6_addr *src, const struct in6_addr *dst, const struct in6_addr *home,
                    const void *data, size_t len)
{
	uint8_t packet[PACKET_MAX];
	struct wr w = wr_make(packet, sizeof packet);
	packet6_put_header(&w, src, dst, IPPROTO_DSTOPTS, HOP_LIMIT);
	packet6_put_home(&w, IPPROTO_ICMPV6, home);
	return send_whole(s, &w, dst, home, dst, data, len);
}

int icmp6_home_send_routed(struct icmp6_home *s, const struct in6_addr *src, const struct in6_addr *dst, const struct in6_addr *home,
                           const void *data, size_t len)
{
	uint8_t packet[PACKET_MAX];
	struct wr w = wr_make(packet, sizeof packet);
	packet6_put_header(&w, src, dst, IPPROTO_ROUTING, HOP_LIMIT);
	packet6_put_routing(&w, IPPROTO_ICMPV6, home);
	return send_whole(s, &w, dst, src, home, data, len);
}
