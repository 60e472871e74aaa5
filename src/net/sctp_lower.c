#include "config.h"

#include "net/sctp_lower.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/log.h"

#define READ_SIZE 65536

/* ---- packets ---- */

bool sctp_packet_parse(struct sctp_packet *p)
{
	struct rd r = rd_make(p->data, p->len);

	if (!rd_u16(&r, &p->sport) || !rd_u16(&r, &p->dport) || !rd_u32(&r, &p->tag) || !rd_skip(&r, 4) || !rd_u8(&r, &p->first))
		return false;
	p->init_tag = 0;
	if (p->first != CHUNK_INIT && p->first != CHUNK_INIT_ACK)
		return true;
	return rd_skip(&r, 3) && rd_u32(&r, &p->init_tag);
}

void sctp_packet_abort(uint8_t out[16], uint16_t sport, uint16_t dport, uint32_t tag, bool t)
{
	struct wr w = wr_make(out, 16);

	wr_u16(&w, sport);
	wr_u16(&w, dport);
	wr_u32(&w, tag);
	wr_u32(&w, 0);
	wr_u8(&w, CHUNK_ABORT);
	wr_u8(&w, t ? 1 : 0);
	wr_u16(&w, 4);
}

/* ---- sending ---- */

static void fill_sockaddr(struct sockaddr_in6 *sin6, const struct in6_addr *addr, uint16_t port)
{
	*sin6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = *addr, .sin6_port = htons(port) };
}

static struct in_addr v4_of(const struct in6_addr *mapped)
{
	struct in_addr v4;

	memcpy(&v4, &mapped->s6_addr[12], sizeof(v4));
	return v4;
}

/* Adds the source address to msg, in the form that the socket's family wants. */
static void put_source(struct msghdr *msg, const struct in6_addr *source, bool v4_socket)
{
	struct cmsghdr *c = msg->msg_control;
	struct in6_pktinfo pi6 = { .ipi6_addr = *source };
	struct in_pktinfo pi4 = { .ipi_spec_dst = v4_of(source) };
	size_t len = v4_socket ? sizeof(pi4) : sizeof(pi6);

	c->cmsg_level = v4_socket ? IPPROTO_IP : IPPROTO_IPV6;
	c->cmsg_type = v4_socket ? IP_PKTINFO : IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), v4_socket ? (const void *)&pi4 : (const void *)&pi6, len);
	msg->msg_controllen = CMSG_SPACE(len);
}

void sctp_lower_send(const struct sctp_lower *w, const struct in6_addr *source, const struct in6_addr *to,
                     uint16_t udp_port, const void *data, size_t len)
{
	bool v4_socket = !w->udp && addr_is_v4(to);
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin = { .sin_family = AF_INET };
	union {
		struct cmsghdr align;
		uint8_t octets[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_name = &sin6, .msg_namelen = sizeof(sin6) };

	fill_sockaddr(&sin6, to, w->udp ? udp_port : 0);
	if (v4_socket) {
		sin.sin_addr = v4_of(to);
		msg.msg_name = &sin;
		msg.msg_namelen = sizeof(sin);
	}
	if (!w->bound && !addr_is_zero(source)) {
		msg.msg_control = &control;
		put_source(&msg, source, v4_socket);
	}
	if (sendmsg(w->fd[v4_socket], &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		LOG_DEBUG("sctp", "packet not sent peer=%s reason=\"%s\"", ADDR(to), strerror(errno));
}

/* ---- receiving ---- */

/* The destination address of what recvmsg has read, from its control data. */
static void read_destination(struct msghdr *msg, struct in6_addr *dst)
{
	struct cmsghdr *c;
	struct in6_pktinfo pi;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c))
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&pi, CMSG_DATA(c), sizeof(pi));
			*dst = pi.ipi6_addr;
		}
}

/* IPv4 raw sockets give the IP header too: takes the addresses from it and steps over it. */
static bool strip_ipv4(struct sctp_packet *p)
{
	struct rd r = rd_make(p->data, p->len);
	uint8_t first;

	if (!rd_u8(&r, &first) || !rd_skip(&r, 11) || !rd_addr4(&r, &p->src) || !rd_addr4(&r, &p->dst))
		return false;
	r = rd_make(p->data, p->len);
	if (!rd_skip(&r, (size_t)(first & 15) * 4))
		return false;
	p->data = r.p;
	p->len = rd_left(&r);
	return true;
}

bool sctp_lower_read(const struct sctp_lower *w, int fd, struct sctp_packet *p)
{
	static uint8_t buf[READ_SIZE];
	struct sockaddr_in6 from = { 0 };
	union {
		struct cmsghdr align;
		uint8_t octets[CMSG_SPACE(sizeof(struct in6_pktinfo)) + 64];
	} control;
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_name = &from, .msg_namelen = sizeof(from),
		.msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT);

	if (n < 0)
		return false;
	*p = (struct sctp_packet){ .data = buf, .len = (size_t)n };
	if (fd == w->fd[1])
		return strip_ipv4(p);
	p->src = from.sin6_addr;
	p->udp_port = w->udp ? ntohs(from.sin6_port) : 0;
	read_destination(&msg, &p->dst);
	return true;
}

/* ---- the sockets ---- */

static int bind_to(int fd, int family, const struct in6_addr *addr, uint16_t port)
{
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin = { .sin_family = AF_INET };

	fill_sockaddr(&sin6, addr, port);
	if (addr_is_v4(addr))
		sin.sin_addr = v4_of(addr);
	return family == AF_INET ? bind(fd, (struct sockaddr *)&sin, sizeof(sin)) :
	                           bind(fd, (struct sockaddr *)&sin6, sizeof(sin6));
}

static int open_one(int family, int type, int protocol, const struct sctp_config *cfg)
{
	const int on = 1, off = 0, room = 1 << 20;
	int rc, fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if ((family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) < 0) ||
	    (type == SOCK_DGRAM && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0) ||
	    bind_to(fd, family, &cfg->local, cfg->udp_port) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

int sctp_lower_open(struct sctp_lower *w, struct loop *l, const struct sctp_config *cfg, loop_fd_fn *fn, void *arg)
{
	bool v4 = addr_is_v4(&cfg->local);
	int i, rc = 0;

	*w = (struct sctp_lower){ .udp = cfg->udp_port != 0, .bound = !addr_is_zero(&cfg->local), .fd = { -1, -1 } };
	if (w->udp)
		rc = w->fd[0] = open_one(AF_INET6, SOCK_DGRAM, IPPROTO_UDP, cfg);
	if (!w->udp && !v4)
		rc = w->fd[0] = open_one(AF_INET6, SOCK_RAW, IPPROTO_SCTP, cfg);
	if (!w->udp && (v4 || !w->bound) && rc >= 0)
		rc = w->fd[1] = open_one(AF_INET, SOCK_RAW, IPPROTO_SCTP, cfg);
	for (i = 0; i < 2 && rc >= 0; i++)
		if (w->fd[i] >= 0 && (w->watch[i] = loop_fd_add(l, w->fd[i], LOOP_READ, fn, arg)) == NULL)
			rc = -ENOMEM;
	if (rc < 0)
		sctp_lower_close(w);
	return rc < 0 ? rc : 0;
}

void sctp_lower_close(struct sctp_lower *w)
{
	int i;

	for (i = 0; i < 2; i++) {
		loop_fd_del(w->watch[i]);
		if (w->fd[i] >= 0)
			close(w->fd[i]);
		w->watch[i] = NULL;
		w->fd[i] = -1;
	}
}
