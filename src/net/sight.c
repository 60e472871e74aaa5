#include "net/sight.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/log.h"

#define SIGHT_LINKS 256
#define OCTETS 128 /* of a frame: all that is looked at */
#define BATCH 64   /* frames before others get their turn */
#define QUEUE (256 * 1024)

struct watch {
	struct sight *sight;
	int ifindex, fd;
	struct loop_fd *fd_watch;
	struct watch *next;
};

struct sight {
	struct loop *loop;
	sight_fn *fn;
	void *arg;
	struct watch *first;
	size_t n;
	struct sock_fprog program;
	struct sock_filter filter[SIGHT_FILTER_MAX];
};

/* The kernel's stamp as a time of our clock. Never later than now. */
static usec_t when(const struct msghdr *msg, usec_t now)
{
	struct timespec stamp, real;
	for (const struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR((struct msghdr *)(uintptr_t)msg, (struct cmsghdr *)(uintptr_t)c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
		clock_gettime(CLOCK_REALTIME, &real);
		int64_t ago = (int64_t)(real.tv_sec - stamp.tv_sec) * 1000000 + (real.tv_nsec - stamp.tv_nsec) / 1000;
		return ago > 0 && (usec_t)ago < now ? now - (usec_t)ago : now;
	}
	return now;
}

static bool receive(struct watch *w, struct sighting *out)
{
	uint8_t data[OCTETS];
	struct sockaddr_ll from = { .sll_family = AF_PACKET };
	struct iovec iov = { data, sizeof data };
	union {
		struct cmsghdr align;
		uint8_t octets[128];
	} control;
	struct msghdr msg = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof control };
	ssize_t len = recvmsg(w->fd, &msg, MSG_DONTWAIT);
	out->from.len = 0;
	if (len < 0)
		return false;
	struct lladdr l = { .len = from.sll_halen <= sizeof from.sll_addr ? from.sll_halen : 0 };
	memcpy(l.octet, from.sll_addr, l.len);
	if (!sight_parse(ntohs(from.sll_protocol), &l, data, (size_t)len, out))
		out->from.len = 0;
	out->ifindex = w->ifindex;
	out->at = when(&msg, loop_now_fresh(w->sight->loop));
	return true;
}

/* The callback may take away interfaces, this one too. */
static bool still_open(const struct sight *s, const struct watch *want, int fd)
{
	for (const struct watch *w = s->first; w; w = w->next)
		if (w == want && w->fd == fd)
			return true;
	return false;
}

static void on_readable(int fd, unsigned events, void *arg)
{
	struct watch *w = arg;
	struct sight *s = w->sight;
	struct sighting seen;
	for (int i = 0; i < BATCH && still_open(s, w, fd) && receive(w, &seen); i++)
		if (seen.from.len)
			s->fn(&seen, s->arg);
}

static struct watch **place_of(struct sight *s, int ifindex)
{
	struct watch **at = &s->first;
	while (*at && (*at)->ifindex != ifindex)
		at = &(*at)->next;
	return at;
}

/* Nothing passes before the filter is there: the socket is of no protocol until then. Solicitations go to groups that are not ours. */
static int open_socket(const struct sight *s, int ifindex)
{
	const int yes = 1, queue = QUEUE;
	struct packet_mreq all = { .mr_ifindex = ifindex, .mr_type = PACKET_MR_ALLMULTI };
	struct sockaddr_ll bound = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = ifindex };
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &s->program, sizeof s->program) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &queue, sizeof queue) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) < 0 ||
	    bind(fd, (const struct sockaddr *)&bound, sizeof bound) < 0) {
		int e = errno;
		close(fd);
		return -e;
	}
	return fd;
}

int sight_add(struct sight *s, int ifindex)
{
	if (*place_of(s, ifindex))
		return 0;
	if (s->n >= SIGHT_LINKS)
		return -ENOSPC;
	int fd = open_socket(s, ifindex);
	if (fd < 0)
		return fd;
	struct watch *w = calloc(1, sizeof *w);
	struct loop_fd *fd_watch = w ? loop_fd_add(s->loop, fd, LOOP_READ, on_readable, w) : NULL;
	if (!fd_watch) {
		free(w);
		close(fd);
		return -ENOMEM;
	}
	*w = (struct watch){ .sight = s, .ifindex = ifindex, .fd = fd, .fd_watch = fd_watch, .next = s->first };
	s->first = w;
	s->n++;
	return 0;
}

void sight_del(struct sight *s, int ifindex)
{
	struct watch **at = place_of(s, ifindex), *w = *at;
	if (!w)
		return;
	*at = w->next;
	s->n--;
	loop_fd_del(w->fd_watch);
	close(w->fd);
	free(w);
}

int sight_rules(struct sight *s, const struct sight_rules *rules)
{
	int rc = 0;
	s->program = (struct sock_fprog){ .len = (unsigned short)sight_filter(rules, s->filter), .filter = s->filter };
	for (const struct watch *w = s->first; w; w = w->next)
		if (setsockopt(w->fd, SOL_SOCKET, SO_ATTACH_FILTER, &s->program, sizeof s->program) < 0)
			rc = -errno;
	return rc;
}

int sight_arp(struct sight *s, int ifindex, uint16_t op, const struct lladdr *to, const struct lladdr *from,
              const struct in6_addr *from_addr, const struct in6_addr *to_addr)
{
	uint8_t out[28];
	const struct watch *via = *place_of(s, ifindex);
	struct sockaddr_ll dst = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP), .sll_ifindex = ifindex, .sll_halen = 6 };
	struct wr w = wr_make(out, sizeof out);
	if (!via || to->len != 6 || from->len != 6)
		return -EINVAL;
	memcpy(dst.sll_addr, to->octet, 6);
	wr_u16(&w, 1); /* Ethernet */
	wr_u16(&w, ETH_P_IP);
	wr_u8(&w, 6);
	wr_u8(&w, 4);
	wr_u16(&w, op);
	wr_copy(&w, from->octet, 6);
	wr_copy(&w, from_addr->s6_addr + 12, 4);
	wr_copy(&w, to->octet, 6);
	wr_copy(&w, to_addr->s6_addr + 12, 4);
	if (!wr_ok(&w))
		return -EMSGSIZE;
	return sendto(via->fd, out, w.len, 0, (const struct sockaddr *)&dst, sizeof dst) < 0 ? -errno : 0;
}

struct sight *sight_open(struct loop *l, sight_fn *fn, void *arg)
{
	struct sight *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->loop = l;
	s->fn = fn;
	s->arg = arg;
	(void)sight_rules(s, &(struct sight_rules){ .own_n = 0 });
	return s;
}

void sight_close(struct sight *s)
{
	if (!s)
		return;
	while (s->first)
		sight_del(s, s->first->ifindex);
	free(s);
}
