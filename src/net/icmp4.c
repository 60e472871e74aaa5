/* ICMP for IPv4. The kernel verifies nothing before a raw socket gets its copy, and writes no checksum. */
#include <errno.h>
#include <linux/icmp.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/log.h"
#include "net/icmp6_private.h"
#include "net/rawsock.h"

#define ICMP4_HEADER 4
#define ICMP4_MTU 65536
#ifndef ICMP_FILTER
#define ICMP_FILTER 1
#endif

struct icmp4 {
	struct loop *loop;
	icmp6_fn *fn;
	void *arg;
	int fd;
	struct loop_fd *watch;
	bool wanted[256];
	uint8_t *buf;
};

bool icmp4_walk(const uint8_t *data, size_t len, struct icmp6_message *m)
{
	struct rd r = rd_make(data, len);
	uint8_t first, ttl;
	uint16_t offset;
	struct rd head;
	if (rd_left(&r) < 20)
		return false;
	first = *r.p;
	if (first >> 4 != 4 || (first & 15) < 5 || !rd_sub(&r, 4U * (first & 15), &head))
		return false;
	if (!rd_skip(&head, 6) || !rd_u16(&head, &offset) || !rd_u8(&head, &ttl) || !rd_skip(&head, 3) ||
	    !rd_addr4(&head, &m->src) || !rd_addr4(&head, &m->dst) || offset & 0x3fff)
		return false;
	m->hop_limit = ttl;
	m->len = rd_left(&r);
	m->data = rd_bytes(&r, m->len);
	return m->len >= ICMP4_HEADER && checksum_inet(m->data, m->len) == 0;
}

static int interface_of(struct msghdr *h)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		struct in_pktinfo info;
		if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_PKTINFO)
			continue;
		memcpy(&info, CMSG_DATA(c), sizeof info);
		return info.ipi_ifindex;
	}
	return 0;
}

static void on_readable(int fd, unsigned events, void *arg)
{
	struct icmp4 *s = arg;
	usec_t at = loop_now_fresh(s->loop);
	for (int i = 0; i < RAWSOCK_BATCH; i++) {
		_Alignas(struct cmsghdr) char control[256];
		struct iovec iov = { .iov_base = s->buf, .iov_len = ICMP4_MTU };
		struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
		struct icmp6_message m = { .at = at };
		ssize_t n = recvmsg(fd, &h, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 || !icmp4_walk(s->buf, (size_t)n, &m) || !s->wanted[m.data[0]])
			continue;
		m.ifindex = interface_of(&h);
		s->fn(&m, s->arg);
	}
}

static int open_socket(const uint8_t *types, size_t n)
{
	struct icmp_filter filter = { .data = ~0U };
	int one = 1, fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMP);
	if (fd < 0)
		return -errno;
	for (size_t i = 0; i < n; i++) /* the kernel's filter knows types 0-31 only; others always pass */
		if (types[i] < 32)
			filter.data &= ~(1U << types[i]);
	if (setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, sizeof filter) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof one) < 0) {
		int e = errno;
		close(fd);
		return -e;
	}
	return fd;
}

struct icmp4 *icmp4_open(struct loop *l, const uint8_t *types, size_t n, icmp6_fn *fn, void *arg)
{
	int e = -ENOMEM;
	struct icmp4 *s = calloc(1, sizeof *s);
	if (!s)
		goto fail;
	*s = (struct icmp4){ .loop = l, .fn = fn, .arg = arg, .fd = open_socket(types, n), .buf = malloc(ICMP4_MTU) };
	for (size_t i = 0; i < n; i++)
		s->wanted[types[i]] = true;
	if (s->fd < 0) {
		e = s->fd;
		goto fail;
	}
	s->watch = s->buf ? loop_fd_add(l, s->fd, LOOP_READ, on_readable, s) : NULL;
	if (s->watch)
		return s;
	close(s->fd);
fail:
	LOG_ERROR("net", "cannot open ICMP socket error=\"%s\"", strerror(-e));
	if (s)
		free(s->buf);
	free(s);
	return NULL;
}

void icmp4_close(struct icmp4 *s)
{
	if (!s)
		return;
	loop_fd_del(s->watch);
	close(s->fd);
	free(s->buf);
	free(s);
}

int icmp4_send(struct icmp4 *s, int ifindex, const struct in6_addr *src, const struct in6_addr *dst, int ttl,
               const void *data, size_t len)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(int))] = { 0 };
	uint8_t copy[1500];
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct in_pktinfo info = { .ipi_ifindex = ifindex };
	if (len < ICMP4_HEADER || len > sizeof copy)
		return -EMSGSIZE;
	if (!addr_is_v4(dst))
		return -EAFNOSUPPORT;
	struct wr w = wr_make(copy, sizeof copy);
	wr_copy(&w, data, len);
	wr_patch16(&w, 2, 0);
	wr_patch16(&w, 2, checksum_inet(copy, len));
	memcpy(&sin.sin_addr, &dst->s6_addr[12], 4);
	if (src && addr_is_v4(src))
		memcpy(&info.ipi_spec_dst, &src->s6_addr[12], 4);
	struct iovec iov = { .iov_base = copy, .iov_len = len };
	struct msghdr h = { .msg_name = &sin, .msg_namelen = sizeof sin, .msg_iov = &iov, .msg_iovlen = 1,
		            .msg_control = control, .msg_controllen = sizeof control };
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof info);
	memcpy(CMSG_DATA(c), &info, sizeof info);
	c = CMSG_NXTHDR(&h, c);
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_TTL;
	c->cmsg_len = CMSG_LEN(sizeof ttl);
	memcpy(CMSG_DATA(c), &ttl, sizeof ttl);
	return sendmsg(s->fd, &h, 0) < 0 ? -errno : 0;
}
