/* ICMPv6 through packet sockets: with the sender's link-layer address, and to whatever group it went. */
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/log.h"
#include "net/icmp6_private.h"
#include "net/packet.h"
#include "net/rawsock.h"

#define ICMP6_HEADER 4
#define TYPES_MAX 16
#define FILTER_MAX (16 + TYPES_MAX)
#define ICMP6_FRAMES_MAX 256 /* interfaces */

struct frame_socket {
	struct icmp6 *owner;
	int ifindex, fd;
	bool all_multicast;
	struct loop_fd *watch;
	struct frame_socket *next;
};

struct icmp6_frames {
	struct frame_socket *first;
	size_t n, filter_n;
	struct sock_filter filter[FILTER_MAX];
};

/* ICMPv6 of these types, directly behind the IPv6 header or behind one hop-by-hop header; nothing that we sent. */
static int build_filter(struct icmp6_frames *f, const uint8_t *types, size_t n)
{
	static const struct sock_filter head[] = {
		BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, 0), /* x: octets of options */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 3, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6), /* next header */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 9, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_HOPOPTS, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, PACKET6_HEADER), /* next header behind the options */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, PACKET6_HEADER + 1), /* length of the options */
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1),
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 3),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, PACKET6_HEADER), /* ICMPv6 type */
	};
	size_t at = sizeof head / sizeof *head;
	if (n > TYPES_MAX || !n)
		return -EINVAL;
	memcpy(f->filter, head, sizeof head);
	for (size_t i = 0; i < n; i++)
		f->filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, types[i], (uint8_t)(n - i), 0);
	f->filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	f->filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, RAWSOCK_MTU);
	f->filter_n = at;
	return 0;
}

static void deliver(struct icmp6 *s, const struct rawsock_packet *p, usec_t at)
{
	struct packet6 k;
	if (!packet6_walk(s->buf, p->len, &k) || k.proto != IPPROTO_ICMPV6 || k.len < ICMP6_HEADER)
		return;
	if (!p->checksum_open && checksum_ipv6(&k.src, &k.dst, IPPROTO_ICMPV6, k.data, k.len))
		return;
	struct icmp6_message m = { .src = k.src, .dst = k.dst, .ifindex = p->ifindex, .hop_limit = k.hop_limit,
		                   .from = p->from, .router_alert = k.router_alert && k.alert == 0, .data = k.data,
		                   .len = k.len, .at = at };
	s->fn(&m, s->arg);
}

/* The callback may take away interfaces, this one too: `fd` and nothing else tells whether it is still there. */
static bool still_open(const struct icmp6_frames *f, const struct frame_socket *want, int fd)
{
	for (const struct frame_socket *k = f->first; k; k = k->next)
		if (k == want && k->fd == fd)
			return true;
	return false;
}

static void on_readable(int fd, unsigned events, void *arg)
{
	struct frame_socket *k = arg;
	struct icmp6 *s = k->owner;
	usec_t at = loop_now_fresh(s->loop);
	for (int i = 0; i < RAWSOCK_BATCH && still_open(s->frames, k, fd); i++) {
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

static struct frame_socket **place_of(struct icmp6_frames *f, int ifindex)
{
	struct frame_socket **at = &f->first;
	while (*at && (*at)->ifindex != ifindex)
		at = &(*at)->next;
	return at;
}

int icmp6_frames_add(struct icmp6 *s, int ifindex)
{
	struct icmp6_frames *f = s->frames;
	if (!f || ifindex <= 0)
		return -EINVAL;
	if (*place_of(f, ifindex))
		return 0;
	if (f->n >= ICMP6_FRAMES_MAX)
		return -ENOSPC;
	int fd = rawsock_open_packet(ETH_P_IPV6, ifindex, f->filter, f->filter_n);
	if (fd < 0)
		return fd;
	struct frame_socket *k = calloc(1, sizeof *k);
	struct loop_fd *watch = k ? loop_fd_add(s->loop, fd, LOOP_READ, on_readable, k) : NULL;
	if (!watch) {
		free(k);
		close(fd);
		return -ENOMEM;
	}
	*k = (struct frame_socket){ .owner = s, .ifindex = ifindex, .fd = fd, .watch = watch, .next = f->first };
	f->first = k;
	f->n++;
	return 0;
}

void icmp6_frames_del(struct icmp6 *s, int ifindex)
{
	struct frame_socket **at = s->frames ? place_of(s->frames, ifindex) : NULL;
	struct frame_socket *k = at ? *at : NULL;
	if (!k)
		return;
	*at = k->next;
	s->frames->n--;
	loop_fd_del(k->watch);
	close(k->fd); /* the kernel takes ALLMULTI back with it */
	free(k);
}

int icmp6_all_multicast(struct icmp6 *s, int ifindex, bool on)
{
	struct packet_mreq mr = { .mr_ifindex = ifindex, .mr_type = PACKET_MR_ALLMULTI };
	struct frame_socket *k = s->frames ? *place_of(s->frames, ifindex) : NULL;
	if (!k)
		return -EINVAL;
	if (k->all_multicast == on)
		return 0;
	if (setsockopt(k->fd, SOL_PACKET, on ? PACKET_ADD_MEMBERSHIP : PACKET_DROP_MEMBERSHIP, &mr, sizeof mr) < 0)
		return -errno;
	k->all_multicast = on;
	return 0;
}

void icmp6_frames_free(struct icmp6_frames *f)
{
	if (!f)
		return;
	while (f->first)
		icmp6_frames_del(f->first->owner, f->first->ifindex);
	free(f);
}

struct icmp6 *icmp6_open_frames(struct loop *l, const int *ifindexes, size_t n, const uint8_t *types, size_t types_n,
                                icmp6_fn *fn, void *arg)
{
	struct icmp6 *s = icmp6_create(l, NULL, 0, fn, arg);
	int e = -ENOMEM;
	if (!s)
		return NULL;
	s->frames = calloc(1, sizeof *s->frames);
	if (s->frames)
		e = build_filter(s->frames, types, types_n);
	for (size_t i = 0; !e && i < n; i++)
		e = icmp6_frames_add(s, ifindexes[i]);
	if (!e)
		return s;
	LOG_ERROR("net", "cannot open ICMPv6 packet socket error=\"%s\"", strerror(-e));
	icmp6_close(s);
	return NULL;
}
