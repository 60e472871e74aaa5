/* ICMPv6 through a raw socket. The kernel verifies checksums on the way in and writes them on the way out. */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "net/icmp6_private.h"
#include "net/rawsock.h"

#define ICMP6_HEADER 4 /* type, code, checksum */

static void on_readable(int fd, unsigned events, void *arg)
{
	struct icmp6 *s = arg;
	usec_t at = loop_now_fresh(s->loop);
	for (int i = 0; i < RAWSOCK_BATCH; i++) {
		struct rawsock_packet p;
		int n = rawsock_recv6(fd, s->buf, RAWSOCK_MTU, &p);
		if (n == -EAGAIN)
			return;
		if (n < ICMP6_HEADER) /* too short, or an error of an earlier packet of ours (ECONNREFUSED…) */
			continue;
		struct icmp6_message m = { .src = p.src, .dst = p.dst, .ifindex = p.ifindex, .hop_limit = p.hop_limit,
			                   .data = s->buf, .len = p.len, .at = at };
		s->fn(&m, s->arg);
	}
}

struct icmp6 *icmp6_create(struct loop *l, const uint8_t *types, size_t n, icmp6_fn *fn, void *arg)
{
	struct icmp6_filter filter;
	struct icmp6 *s = calloc(1, sizeof *s);
	uint8_t *buf = malloc(RAWSOCK_MTU);
	if (!s || !buf)
		goto no_memory;
	*s = (struct icmp6){ .loop = l, .fn = fn, .arg = arg, .buf = buf };
	s->fd = rawsock_open6(IPPROTO_ICMPV6);
	if (s->fd < 0) {
		LOG_ERROR("net", "cannot open ICMPv6 socket error=\"%s\"", strerror(-s->fd));
		goto fail;
	}
	ICMP6_FILTER_SETBLOCKALL(&filter);
	for (size_t i = 0; i < n; i++)
		ICMP6_FILTER_SETPASS(types[i], &filter);
	if (setsockopt(s->fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter) < 0) {
		LOG_ERROR("net", "cannot filter ICMPv6 socket error=\"%s\"", strerror(errno));
		close(s->fd);
		goto fail;
	}
	return s;
no_memory:
	LOG_ERROR("net", "cannot open ICMPv6 socket error=\"%s\"", strerror(ENOMEM));
fail:
	free(buf);
	free(s);
	return NULL;
}

struct icmp6 *icmp6_open(struct loop *l, const uint8_t *types, size_t n, icmp6_fn *fn, void *arg)
{
	struct icmp6 *s = icmp6_create(l, types, n, fn, arg);
	if (!s)
		return NULL;
	s->watch = loop_fd_add(l, s->fd, LOOP_READ, on_readable, s);
	if (!s->watch) {
		LOG_ERROR("net", "cannot watch ICMPv6 socket error=\"%s\"", strerror(ENOMEM));
		icmp6_close(s);
		return NULL;
	}
	return s;
}

void icmp6_close(struct icmp6 *s)
{
	if (!s)
		return;
	icmp6_frames_free(s->frames);
	loop_fd_del(s->watch);
	close(s->fd);
	free(s->buf);
	free(s);
}

static int membership(struct icmp6 *s, int option, int ifindex, const struct in6_addr *group, int harmless)
{
	struct ipv6_mreq mreq = { .ipv6mr_multiaddr = *group, .ipv6mr_interface = (unsigned)ifindex };
	if (setsockopt(s->fd, IPPROTO_IPV6, option, &mreq, sizeof mreq) < 0 && errno != harmless)
		return -errno;
	return 0;
}

int icmp6_join(struct icmp6 *s, int ifindex, const struct in6_addr *group)
{
	return membership(s, IPV6_JOIN_GROUP, ifindex, group, EADDRINUSE);
}

int icmp6_leave(struct icmp6 *s, int ifindex, const struct in6_addr *group)
{
	return membership(s, IPV6_LEAVE_GROUP, ifindex, group, EADDRNOTAVAIL);
}

int icmp6_join_anycast(struct icmp6 *s, int ifindex, const struct in6_addr *a)
{
	return membership(s, IPV6_JOIN_ANYCAST, ifindex, a, EADDRINUSE);
}

int icmp6_leave_anycast(struct icmp6 *s, int ifindex, const struct in6_addr *a)
{
	return membership(s, IPV6_LEAVE_ANYCAST, ifindex, a, ENOENT);
}

int icmp6_send(struct icmp6 *s, int ifindex, const struct in6_addr *src, const struct in6_addr *dst, int hop_limit,
               bool router_alert, const void *data, size_t len)
{
	/* Hop-by-hop header with Router Alert 0 (MLD, RFC 2711 §2.1), padded to 8 octets. */
	static const uint8_t alert[8] = { 0, 0, 5, 2, 0, 0, 1, 0 };
	struct rawsock_route to = { .ifindex = ifindex, .src = src, .dst = dst, .hop_limit = hop_limit };
	if (len < ICMP6_HEADER)
		return -EINVAL;
	if (router_alert) {
		to.option = IPV6_HOPOPTS;
		to.options = alert;
		to.options_len = sizeof alert;
	}
	return rawsock_send6(s->fd, &to, data, len);
}
