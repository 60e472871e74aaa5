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

#include <uthash.h>

#include "core/buf.h"
#include "core/log.h"

#define SIGHT_LINKS 256
#define OCTETS 128 /* of a frame: all that is looked at */
#define BATCH 64   /* frames before others get their turn */
#define QUEUE (256 * 1024)

struct counter sight_counters[SIGHT_COUNTERS] = {
	[SIGHT_FRAMES] = { .name = "sight_frames", .help = "Frames of stations of the access links that were looked at" },
	[SIGHT_MISSED] = { .name = "sight_missed", .help = "Such frames that the kernel dropped because there were too many" },
};

struct watch {
	UT_hash_handle hh;
	struct sight *sight;
	int ifindex, fd;
	uint32_t missed; /* as the kernel counts */
	struct loop_fd *fd_watch;
};

struct sight {
	struct loop *loop;
	sight_fn *fn;
	void *arg;
	struct watch *all;
	struct bucket log;
	struct sock_fprog program;
	struct sock_filter filter[SIGHT_FILTER_MAX];
};

/* The kernel's stamp as a time of our clock. Never later than now. */
static usec_t when(const struct cmsghdr *c, usec_t now)
{
	struct timespec stamp, real;
	memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
	clock_gettime(CLOCK_REALTIME, &real);
	int64_t ago = (int64_t)(real.tv_sec - stamp.tv_sec) * 1000000 + (real.tv_nsec - stamp.tv_nsec) / 1000;
	return ago > 0 && (usec_t)ago < now ? now - (usec_t)ago : now;
}

static void count_missed(struct watch *w, const struct cmsghdr *c, usec_t now)
{
	uint32_t missed;
	memcpy(&missed, CMSG_DATA(c), sizeof missed);
	if (missed == w->missed)
		return;
	sight_counters[SIGHT_MISSED].value += missed - w->missed;
	w->missed = missed;
	log_limited(&w->sight->log, now, LOG_LEVEL_WARNING, "net", "stations not seen ifindex=%d reason=\"too many frames\" missed=%u",
	            w->ifindex, missed);
}

/* What the kernel says beside a frame. Returns when it came in. */
static usec_t read_control(struct watch *w, struct msghdr *msg, usec_t now)
{
	usec_t at = now;
	for (const struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, (struct cmsghdr *)(uintptr_t)c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS)
			at = when(c, now);
		else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL)
			count_missed(w, c, now);
	}
	return at;
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
	out->at = read_control(w, &msg, loop_now_fresh(w->sight->loop));
	sight_counters[SIGHT_FRAMES].value++;
	return true;
}

static struct watch *find(const struct sight *s, int ifindex)
{
	struct watch *w;
	HASH_FIND_INT(s->all, &ifindex, w);
	return w;
}

/* The callback may take away interfaces, this one too. */
static bool still_open(const struct sight *s, const struct watch *want, int ifindex, int fd)
{
	const struct watch *w = find(s, ifindex);
	return w && w == want && w->fd == fd;
}

static void on_readable(int fd, unsigned events, void *arg)
{
	struct watch *w = arg;
	struct sight *s = w->sight;
	struct sighting seen;
	int ifindex = w->ifindex;
	for (int i = 0; i < BATCH && still_open(s, w, ifindex, fd) && receive(w, &seen); i++)
		if (seen.from.len)
			s->fn(&seen, s->arg);
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
	    setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &yes, sizeof yes) < 0 ||
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
	if (find(s, ifindex))
		return 0;
	if (HASH_COUNT(s->all) >= SIGHT_LINKS)
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
	*w = (struct watch){ .sight = s, .ifindex = ifindex, .fd = fd, .fd_watch = fd_watch };
	HASH_ADD_INT(s->all, ifindex, w);
	return 0;
}

void sight_del(struct sight *s, int ifindex)
{
	struct watch *w = find(s, ifindex);
	if (!w)
		return;
	HASH_DEL(s->all, w);
	loop_fd_del(w->fd_watch);
	close(w->fd);
	free(w);
}

int sight_rules(struct sight *s, const struct sight_rules *rules)
{
	int rc = 0;
	s->program = (struct sock_fprog){ .len = (unsigned short)sight_filter(rules, s->filter), .filter = s->filter };
	for (const struct watch *w = s->all; w; w = w->hh.next)
		if (setsockopt(w->fd, SOL_SOCKET, SO_ATTACH_FILTER, &s->program, sizeof s->program) < 0)
			rc = -errno;
	return rc;
}

int sight_arp(struct sight *s, int ifindex, uint16_t op, const struct lladdr *to, const struct lladdr *from,
              const struct in6_addr *from_addr, const struct in6_addr *to_addr)
{
	uint8_t out[28];
	const struct watch *via = find(s, ifindex);
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
	bucket_init(&s->log, 1, 3);
	(void)sight_rules(s, &(struct sight_rules){ .own_n = 0 });
	return s;
}

void sight_close(struct sight *s)
{
	if (!s)
		return;
	while (s->all)
		sight_del(s, s->all->ifindex);
	free(s);
}
