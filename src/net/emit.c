/*
 * The two ways out that are not the kernel's routing: into a tunnel (a raw socket of protocol 41, or 4 for IPv4 inside, so that
 * the kernel writes the outer header, fragments if it must and finds the way), and to a link-layer address (a packet socket, so that nothing
 * waits for neighbour resolution). The hop limit was decremented when the kernel forwarded the packet to our device.
 */
#define _GNU_SOURCE 1 /* struct in6_pktinfo */
#include "net/path_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/packet.h"

#define SOCKET_BUFFER (4 * 1024 * 1024)

static void buffer_set(int fd, int force, int plain)
{
	int size = SOCKET_BUFFER;
	if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof size) < 0)
		(void)setsockopt(fd, SOL_SOCKET, plain, &size, sizeof size);
}

void emit_hop_limit(struct paths *p)
{
	int hops = p->cfg.hop_limit ? p->cfg.hop_limit : 64;
	(void)setsockopt(p->raw_fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof hops);
	(void)setsockopt(p->raw4_fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof hops);
}

static int discover(int fd, int how)
{
	return setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &how, sizeof how);
}

static int open_raw(int protocol)
{
	int one = 1, fd = socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (fd < 0)
		return -1;
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof one) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &one, sizeof one) < 0 || discover(fd, IPV6_PMTUDISC_DO) < 0) {
		int err = errno;
		close(fd);
		errno = err;
		return -1;
	}
	buffer_set(fd, SO_RCVBUFFORCE, SO_RCVBUF);
	buffer_set(fd, SO_SNDBUFFORCE, SO_SNDBUF);
	return fd;
}

int emit_open(struct paths *p)
{
	p->raw_fd = open_raw(IPPROTO_IPV6);
	p->raw4_fd = p->raw_fd < 0 ? -1 : open_raw(IPPROTO_IPIP);
	/* Protocol 0: it receives nothing. */
	p->frame_fd = p->raw4_fd < 0 ? -1 : socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->frame_fd < 0)
		return -errno;
	buffer_set(p->frame_fd, SO_SNDBUFFORCE, SO_SNDBUF);
	emit_hop_limit(p);
	return 0;
}

void emit_close(struct paths *p)
{
	if (p->raw_fd >= 0)
		close(p->raw_fd);
	if (p->raw4_fd >= 0)
		close(p->raw4_fd);
	if (p->frame_fd >= 0)
		close(p->frame_fd);
	p->raw_fd = p->raw4_fd = p->frame_fd = -1;
}

/* A full buffer or queue empties again; anything else does not, and the packet is lost. */
static int send_result(struct paths *p, ssize_t sent, const char *how, const struct in6_addr *dst)
{
	if (sent >= 0)
		return 0;
	int err = errno;
	if (err == EAGAIN || err == EWOULDBLOCK || err == ENOBUFS || err == ENOMEM || err == EINTR)
		return -EAGAIN;
	path_counters[PATH_SEND_ERRORS].value++;
	log_limited(&p->error_log, loop_now(p->loop), LOG_LEVEL_WARNING, PATH_LOG,
	            "packet not sent mobile=%s way=%s error=\"%s\"", ADDR(dst), how, strerror(err));
	return -err;
}

/* A packet that the way to the tunnel's end does not take whole. What has been accepted is not lost for that: the outer packet
 * goes in fragments. */
static ssize_t send_in_fragments(int fd, const struct msghdr *msg)
{
	discover(fd, IPV6_PMTUDISC_WANT);
	ssize_t sent = sendmsg(fd, msg, MSG_DONTWAIT);
	int err = errno;
	discover(fd, IPV6_PMTUDISC_DO);
	errno = err;
	return sent;
}

int emit_tunnel(struct paths *p, const struct in6_addr *local, const struct in6_addr *remote, const void *packet, size_t len)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_addr = *remote };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)packet, .iov_len = len };
	union {
		struct cmsghdr align;
		uint8_t octets[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof control };
	struct in6_pktinfo info = { .ipi6_addr = *local };
	struct packet_head head;
	if (!packet_head(packet, len, &head))
		return -EINVAL;
	int tclass = head.tclass; /* outside too, so that queues and congestion marks work on the way (RFC 2473 §6.4, RFC 6040) */

	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = IPPROTO_IPV6;
	c->cmsg_type = IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof info);
	memcpy(CMSG_DATA(c), &info, sizeof info);
	c = CMSG_NXTHDR(&msg, c);
	c->cmsg_level = IPPROTO_IPV6;
	c->cmsg_type = IPV6_TCLASS;
	c->cmsg_len = CMSG_LEN(sizeof tclass);
	memcpy(CMSG_DATA(c), &tclass, sizeof tclass);

	int fd = head.v4 ? p->raw4_fd : p->raw_fd;
	ssize_t sent = sendmsg(fd, &msg, MSG_DONTWAIT);
	if (sent < 0 && errno == EMSGSIZE) {
		sent = send_in_fragments(fd, &msg);
		int err = errno;
		paths_narrowed(p, remote);
		errno = err;
	}
	int rc = send_result(p, sent, "tunnel", remote);
	if (rc == 0)
		path_counters[PATH_TUNNELLED].value++;
	return rc;
}

int emit_frame(struct paths *p, int ifindex, const struct lladdr *l, const void *packet, size_t len)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(*(const uint8_t *)packet >> 4 == 4 ? ETH_P_IP : ETH_P_IPV6),
		.sll_ifindex = ifindex,
		.sll_halen = l->len <= sizeof to.sll_addr ? l->len : (unsigned char)sizeof to.sll_addr,
	};
	struct packet_head head;
	memcpy(to.sll_addr, l->octet, to.sll_halen);
	if (!packet_head(packet, len, &head))
		return -EINVAL;
	return send_result(p, sendto(p->frame_fd, packet, len, MSG_DONTWAIT, (const struct sockaddr *)&to, sizeof to), "frame",
	                   &head.dst);
}
