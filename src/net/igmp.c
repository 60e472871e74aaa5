#include "net/igmp.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/log.h"
#include "net/packet.h"
#include "net/rawsock.h"

#define IGMP_LEAST 8 /* octets of the shortest message */
#define SEND_MAX 1500
#define TOS_NETWORK_CONTROL 0xc0 /* RFC 3376 §4 */

struct igmp_link {
	struct igmp *owner;
	int ifindex, fd;
	struct loop_fd *watch;
	struct igmp_link *next;
};

struct igmp {
	struct loop *loop;
	igmp_fn *fn;
	void *arg;
	int fd; /* sends; receives nothing */
	struct igmp_link *links;
	uint8_t *buf; /* RAWSOCK_MTU octets */
};

static int open_sender(void)
{
	static struct sock_filter none[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	static const uint8_t alert[4] = { 148, 4, 0, 0 };
	struct sock_fprog prog = { .len = 1, .filter = none };
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_IGMP), one = 1, zero = 0, tos = TOS_NETWORK_CONTROL;
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_OPTIONS, alert, sizeof alert) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &one, sizeof one) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &zero, sizeof zero) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof tos) < 0) {
		int e = errno;
		close(fd);
		return -e;
	}
	return fd;
}

struct igmp *igmp_open(struct loop *l, igmp_fn *fn, void *arg)
{
	struct igmp *s = calloc(1, sizeof *s);
	uint8_t *buf = malloc(RAWSOCK_MTU);
	int e = -ENOMEM;
	if (s && buf) {
		*s = (struct igmp){ .loop = l, .fn = fn, .arg = arg, .buf = buf, .fd = open_sender() };
		if (s->fd >= 0)
			return s;
		e = s->fd;
	}
	LOG_ERROR("net", "cannot open IGMP socket error=\"%s\"", strerror(-e));
	free(buf);
	free(s);
	return NULL;
}

void igmp_close(struct igmp *s)
{
	if (!s)
		return;
	while (s->links)
		igmp_del(s, s->links->ifindex);
	close(s->fd);
	free(s->buf);
	free(s);
}

static void deliver(struct igmp *s, const struct rawsock_packet *p, usec_t at)
{
	struct packet4 k;
	if (!packet4_walk(s->buf, p->len, &k) || k.proto != IPPROTO_IGMP || k.len < IGMP_LEAST || checksum_inet(k.data, k.len))
		return;
	struct igmp_packet m = { .src = k.src, .dst = k.dst, .ifindex = p->ifindex, .ttl = k.ttl, .router_alert = k.router_alert,
		                 .from = p->from, .data = k.data, .len = k.len, .at = at };
	s->fn(&m, s->arg);
}

/* The callback may take away interfaces, this one too. */
static bool still_open(const struct igmp *s, const struct igmp_link *want, int fd)
{
	for (const struct igmp_link *k = s->links; k; k = k->next)
		if (k == want && k->fd == fd)
			return true;
	return false;
}

static void on_readable(int fd, unsigned events, void *arg)
{
	struct igmp_link *k = arg;
	struct igmp *s = k->owner;
	usec_t at = loop_now_fresh(s->loop);
	for (int i = 0; i < RAWSOCK_BATCH && still_open(s, k, fd); i++) {
		struct rawsock_packet p;
		int n = rawsock_recv_packet(fd, s->buf, RAWSOCK_MTU, &p);
		if (n == -EAGAIN)
			return;
		if (n >= 0)
			deliver(s, &p, at);
		else if (n != -EMSGSIZE && n != -EINTR) /* ENETDOWN: the interface went down; the socket lives on */
			return;
	}
}

/* IGMP, and nothing that we sent. */
static int open_link(int ifindex, bool all_groups)
{
	static const struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 2, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9), /* protocol */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_IGMP, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, RAWSOCK_MTU),
	};
	struct packet_mreq mr = { .mr_ifindex = ifindex, .mr_type = PACKET_MR_ALLMULTI };
	int fd = rawsock_open_packet(ETH_P_IP, ifindex, code, sizeof code / sizeof *code);
	if (fd >= 0 && all_groups && setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mr, sizeof mr) < 0) {
		int e = errno;
		close(fd);
		return -e;
	}
	return fd;
}

static struct igmp_link **place_of(struct igmp *s, int ifindex)
{
	struct igmp_link **at = &s->links;
	while (*at && (*at)->ifindex != ifindex)
		at = &(*at)->next;
	return at;
}

int igmp_add(struct igmp *s, int ifindex, bool all_groups)
{
	if (*place_of(s, ifindex))
		return 0;
	int fd = open_link(ifindex, all_groups);
	if (fd < 0)
		return fd;
	struct igmp_link *k = calloc(1, sizeof *k);
	struct loop_fd *watch = k ? loop_fd_add(s->loop, fd, LOOP_READ, on_readable, k) : NULL;
	if (!watch) {
		free(k);
		close(fd);
		return -ENOMEM;
	}
	*k = (struct igmp_link){ .owner = s, .ifindex = ifindex, .fd = fd, .watch = watch, .next = s->links };
	s->links = k;
	return 0;
}

void igmp_del(struct igmp *s, int ifindex)
{
	struct igmp_link **at = place_of(s, ifindex), *k = *at;
	if (!k)
		return;
	*at = k->next;
	loop_fd_del(k->watch);
	close(k->fd); /* the kernel takes ALLMULTI back with it */
	free(k);
}

int igmp_send(struct igmp *s, int ifindex, const struct in6_addr *src, const struct in6_addr *dst, const void *data, size_t len)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in_pktinfo))] = { 0 };
	uint8_t copy[SEND_MAX];
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct in_pktinfo info = { .ipi_ifindex = ifindex };
	struct wr w = wr_make(copy, sizeof copy);
	wr_copy(&w, data, len);
	wr_patch16(&w, 2, 0);
	if (!wr_ok(&w) || !addr_is_v4(dst))
		return -EINVAL;
	wr_patch16(&w, 2, checksum_inet(copy, len));
	memcpy(&to.sin_addr, &dst->s6_addr[12], 4);
	if (addr_is_v4(src))
		memcpy(&info.ipi_spec_dst, &src->s6_addr[12], 4);
	struct iovec iov = { .iov_base = copy, .iov_len = len };
	struct msghdr h = { .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		            .msg_controllen = sizeof control };
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof info);
	memcpy(CMSG_DATA(c), &info, sizeof info);
	return sendmsg(s->fd, &h, 0) < 0 ? -errno : 0;
}
