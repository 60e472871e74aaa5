#define _GNU_SOURCE 1 /* struct in6_pktinfo */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "net/rawsock.h"

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

#define RECEIVE_BUFFER (1 << 20) /* octets; a burst of FBUs or reports must not be lost before the loop comes round */

static int close_errno(int fd)
{
	int e = errno;
	close(fd);
	return -e;
}

static int set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof value);
}

int rawsock_open6(int protocol)
{
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	if (fd < 0)
		return -errno;
	if (set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) < 0 || set_int(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1) < 0 ||
	    set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0) < 0)
		return close_errno(fd);
	set_int(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
	return fd;
}

static void put_cmsg(struct msghdr *m, size_t *at, int type, const void *data, size_t len)
{
	struct cmsghdr *c = (struct cmsghdr *)((char *)m->msg_control + *at);
	c->cmsg_level = IPPROTO_IPV6;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	*at += CMSG_SPACE(len);
}

int rawsock_send6(int fd, const struct rawsock_route *to, const void *data, size_t len)
{
	_Alignas(struct cmsghdr) char control[512] = { 0 };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_addr = *to->dst };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = len };
	struct msghdr m = { .msg_name = &sin6, .msg_namelen = sizeof sin6, .msg_iov = &iov, .msg_iovlen = 1,
		            .msg_control = control };
	size_t used = 0;
	if (to->options_len > 256)
		return -EMSGSIZE;
	if (addr_is_link_local(to->dst) || addr_is_multicast(to->dst))
		sin6.sin6_scope_id = (uint32_t)to->ifindex;
	if (to->ifindex || (to->src && !addr_is_zero(to->src))) {
		struct in6_pktinfo info = { .ipi6_ifindex = (unsigned)to->ifindex };
		if (to->src)
			info.ipi6_addr = *to->src;
		put_cmsg(&m, &used, IPV6_PKTINFO, &info, sizeof info);
	}
	if (to->hop_limit >= 0)
		put_cmsg(&m, &used, IPV6_HOPLIMIT, &to->hop_limit, sizeof to->hop_limit);
	if (to->option)
		put_cmsg(&m, &used, to->option, to->options, to->options_len);
	m.msg_controllen = used;
	return sendmsg(fd, &m, 0) < 0 ? -errno : 0;
}

int rawsock_recv6(int fd, void *buf, size_t cap, struct rawsock_packet *out)
{
	_Alignas(struct cmsghdr) char control[256];
	struct sockaddr_in6 from = { 0 };
	struct iovec iov = { .iov_base = buf, .iov_len = cap };
	struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &iov, .msg_iovlen = 1,
		            .msg_control = control, .msg_controllen = sizeof control };
	ssize_t n = recvmsg(fd, &m, 0);
	if (n < 0)
		return -errno;
	if (m.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	*out = (struct rawsock_packet){ .src = from.sin6_addr, .hop_limit = -1, .len = (size_t)n };
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_level != IPPROTO_IPV6)
			continue;
		if (c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof info);
			out->dst = info.ipi6_addr;
			out->ifindex = (int)info.ipi6_ifindex;
		} else if (c->cmsg_type == IPV6_HOPLIMIT) {
			memcpy(&out->hop_limit, CMSG_DATA(c), sizeof out->hop_limit);
		}
	}
	return (int)n;
}

/* Between socket() and the filter, packets the filter would refuse must not slip in: bound only after it is set. */
int rawsock_open_packet(uint16_t ethertype, int ifindex, const struct sock_filter *filter, size_t n)
{
	struct sock_fprog prog = { .len = (unsigned short)n, .filter = (struct sock_filter *)(uintptr_t)filter };
	struct sockaddr_ll sll = { .sll_family = AF_PACKET, .sll_protocol = htons(ethertype), .sll_ifindex = ifindex };
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog) < 0 ||
	    set_int(fd, SOL_PACKET, PACKET_AUXDATA, 1) < 0 || bind(fd, (struct sockaddr *)&sll, sizeof sll) < 0)
		return close_errno(fd);
	set_int(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1); /* since Linux 4.20; the filters see to it as well */
	set_int(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
	return fd;
}

int rawsock_recv_packet(int fd, void *buf, size_t cap, struct rawsock_packet *out)
{
	_Alignas(struct cmsghdr) char control[256];
	struct sockaddr_ll from = { 0 };
	struct iovec iov = { .iov_base = buf, .iov_len = cap };
	struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &iov, .msg_iovlen = 1,
		            .msg_control = control, .msg_controllen = sizeof control };
	ssize_t n = recvmsg(fd, &m, 0);
	if (n < 0)
		return -errno;
	if (m.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	*out = (struct rawsock_packet){ .ifindex = from.sll_ifindex, .len = (size_t)n };
	if (from.sll_halen <= sizeof from.sll_addr) {
		out->from.len = from.sll_halen;
		memcpy(out->from.octet, from.sll_addr, from.sll_halen);
	}
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		struct tpacket_auxdata aux;
		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof aux);
		out->checksum_open = aux.tp_status & TP_STATUS_CSUMNOTREADY;
	}
	return (int)n;
}
