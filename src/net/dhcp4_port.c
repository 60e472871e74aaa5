#define _GNU_SOURCE 1 /* struct in_pktinfo */
#include "net/dhcp4_port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "net/rawsock.h"

#define LINKS_MAX 256
#define PORT 67

struct port_link {
	struct dhcp4_port *owner;
	int ifindex, fd;
	struct loop_fd *watch;
	struct port_link *next;
};

struct dhcp4_port {
	struct loop *loop;
	dhcp4_port_fn *fn;
	void *arg;
	int raw_fd;
	struct loop_fd *raw_watch;
	struct port_link *links;
	size_t links_n;
	uint8_t buf[RAWSOCK_MTU];
};

/* An IPv4 packet, whole, of UDP to the server's port. */
static const struct sock_filter filter[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 6),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 4, 0),
	BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
	BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PORT, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, RAWSOCK_MTU),
	BPF_STMT(BPF_RET | BPF_K, 0),
};
#define FILTER_LEN (sizeof filter / sizeof filter[0])

static void on_link(int fd, unsigned events, void *arg)
{
	struct port_link *k = arg;
	struct dhcp4_port *p = k->owner;
	for (int i = 0; i < RAWSOCK_BATCH; i++) {
		struct rawsock_packet in;
		int n = rawsock_recv_packet(fd, p->buf, sizeof p->buf, &in);
		if (n == -EMSGSIZE || n == -EINTR)
			continue;
		if (n < 0)
			return;
		p->fn(&(struct dhcp4_packet){ .ifindex = k->ifindex, .from = in.from, .checksum_open = in.checksum_open,
		                              .packet = p->buf, .len = in.len }, p->arg);
	}
}

static ssize_t receive(struct dhcp4_port *p, int *ifindex)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in_pktinfo))];
	struct iovec iov = { .iov_base = p->buf, .iov_len = sizeof p->buf };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	ssize_t n = recvmsg(p->raw_fd, &h, MSG_DONTWAIT);
	struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&h);
	struct in_pktinfo info = { 0 };
	if (c && c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
		memcpy(&info, CMSG_DATA(c), sizeof info);
	*ifindex = info.ipi_ifindex;
	return n;
}

static void on_raw(int fd, unsigned events, void *arg)
{
	struct dhcp4_port *p = arg;
	for (int i = 0; i < RAWSOCK_BATCH; i++) {
		int ifindex;
		ssize_t n = receive(p, &ifindex);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		/* The kernel does not say whether the sender's machine finished the checksum; option 82 shows what is an answer. */
		p->fn(&(struct dhcp4_packet){ .routed = true, .ifindex = ifindex, .checksum_open = true, .packet = p->buf, .len = (size_t)n },
		      p->arg);
	}
}

static int open_raw(void)
{
	struct sock_fprog prog = { .len = FILTER_LEN, .filter = (struct sock_filter *)(uintptr_t)filter };
	int one = 1;
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof one) < 0) {
		int e = errno;
		close(fd);
		return -e;
	}
	return fd;
}

struct dhcp4_port *dhcp4_port_open(struct loop *l, dhcp4_port_fn *fn, void *arg)
{
	struct dhcp4_port *p = calloc(1, sizeof *p);
	int fd = p ? open_raw() : -ENOMEM;
	if (fd >= 0) {
		p->loop = l;
		p->fn = fn;
		p->arg = arg;
		p->raw_fd = fd;
		p->raw_watch = loop_fd_add(l, fd, LOOP_READ, on_raw, p);
		if (p->raw_watch)
			return p;
		close(fd);
		fd = -ENOMEM;
	}
	LOG_ERROR("net", "cannot open the sockets of a DHCP relay error=\"%s\"", strerror(-fd));
	free(p);
	return NULL;
}

static struct port_link **find(struct dhcp4_port *p, int ifindex)
{
	struct port_link **at = &p->links;
	while (*at && (*at)->ifindex != ifindex)
		at = &(*at)->next;
	return at;
}

int dhcp4_port_add(struct dhcp4_port *p, int ifindex)
{
	if (*find(p, ifindex))
		return 0;
	if (p->links_n >= LINKS_MAX)
		return -ENOSPC;
	int fd = rawsock_open_packet(ETH_P_IP, ifindex, filter, FILTER_LEN);
	if (fd < 0)
		return fd;
	struct port_link *k = calloc(1, sizeof *k);
	struct loop_fd *watch = k ? loop_fd_add(p->loop, fd, LOOP_READ, on_link, k) : NULL;
	if (!watch) {
		free(k);
		close(fd);
		return -ENOMEM;
	}
	*k = (struct port_link){ .owner = p, .ifindex = ifindex, .fd = fd, .watch = watch, .next = p->links };
	p->links = k;
	p->links_n++;
	return 0;
}

void dhcp4_port_del(struct dhcp4_port *p, int ifindex)
{
	struct port_link **at = find(p, ifindex), *k = *at;
	if (!k)
		return;
	*at = k->next;
	p->links_n--;
	loop_fd_del(k->watch);
	close(k->fd);
	free(k);
}

void dhcp4_port_close(struct dhcp4_port *p)
{
	if (!p)
		return;
	while (p->links)
		dhcp4_port_del(p, p->links->ifindex);
	loop_fd_del(p->raw_watch);
	close(p->raw_fd);
	free(p);
}

static struct sockaddr_in sockaddr4(const struct in6_addr *a, uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };
	memcpy(&sin.sin_addr, &a->s6_addr[12], 4);
	return sin;
}

int dhcp4_port_send(struct dhcp4_port *p, const struct in6_addr *src, const struct in6_addr *dst, const void *udp, size_t len)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in_pktinfo))] = { 0 };
	struct sockaddr_in to = sockaddr4(dst, 0);
	struct in_pktinfo info = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)udp, .iov_len = len };
	struct msghdr h = { .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		            .msg_controllen = sizeof control };
	memcpy(&info.ipi_spec_dst, &src->s6_addr[12], 4);
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof info);
	memcpy(CMSG_DATA(c), &info, sizeof info);
	return sendmsg(p->raw_fd, &h, MSG_DONTWAIT) < 0 ? -errno : 0;
}

bool dhcp4_port_local(const struct in6_addr *dst, struct in6_addr *out)
{
	struct sockaddr_in to = sockaddr4(dst, PORT), own;
	socklen_t len = sizeof own;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	bool ok = connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 && getsockname(fd, (struct sockaddr *)&own, &len) == 0;
	close(fd);
	*out = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff } };
	if (ok)
		memcpy(&out->s6_addr[12], &own.sin_addr, 4);
	return ok;
}
