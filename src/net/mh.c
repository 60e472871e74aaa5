/*
 * Mobility Header messages, from two places. Types that come with a Home Address option (BU, FBU) or a type 2 routing header
 * (BAck) by their nature, or with a packet behind them (FNA), are taken from a packet socket, all others from a raw socket: which of the two it is depends
 * on the type alone, so nothing comes twice. mh_guard.c keeps the kernel from complaining about the first kind.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "net/icmp6.h"
#include "net/mh_private.h"
#include "net/packet.h"
#include "net/rawsock.h"
#include "net/upper.h"

#ifndef IPPROTO_MH
#define IPPROTO_MH 135
#endif
#define MH_HEADER 6     /* octets up to and with the checksum */
#define MH_TYPE_AT 2    /* offset */
#define MH_CHECKSUM 4   /* offset */
#define MH_PACKET_MAX (PACKET6_HEADER + PACKET6_HOME_OPTIONS + PACKET6_HOME_ROUTING + 256 * 8)
#define MH_HOP_LIMIT 64 /* of what we build whole; RFC 5568 wants none in particular */

static const uint8_t packet_types[] = { MH_TYPE_BU, MH_TYPE_BACK, MH_TYPE_FBU, MH_TYPE_FNA };

struct mh {
	struct loop *loop;
	mh_local_fn *is_local;
	mh_fn *fn;
	void *arg;
	bool wanted[256];
	int fd;            /* raw: receives and sends, checksum by the kernel */
	int fd_home;       /* raw: sends with a Home Address option, checksum by us */
	int fd_whole;      /* raw, header included: where the kernel refuses the option */
	int fd_packet;     /* packet socket; -1: no type needs it */
	struct loop_fd *watch, *watch_packet;
	struct frames *frames;
	bool guarded;
	uint64_t refused;
	struct bucket limit;
	uint8_t *buf;
};

static bool from_packet_socket(uint8_t type)
{
	return memchr(packet_types, type, sizeof packet_types) != NULL;
}

static void refuse(struct mh *m, const struct packet6 *k, const char *reason)
{
	m->refused++;
	log_limited(&m->limit, loop_now(m->loop), LOG_LEVEL_WARNING, "net", "mobility message refused peer=%s reason=\"%s\"",
	            ADDR(&k->src), reason);
}

bool mh_walk(const uint8_t *data, size_t len, struct mh_message *out)
{
	struct rd r = rd_make(data, len);
	uint8_t proto, words;
	if (!rd_u8(&r, &proto) || !rd_u8(&r, &words) || len < 8U + 8U * words)
		return false;
	out->data = data;
	out->len = 8U + 8U * words;
	out->payload_proto = proto;
	out->payload = NULL;
	out->payload_len = 0;
	if (proto == IPPROTO_NONE)
		return true;
	out->payload = data + out->len;
	out->payload_len = len - out->len;
	return proto == IPPROTO_IPV6;
}

/*
 * The checksum covers the Mobility Header (RFC 6275 §6.1.1). Of an FNA that carries a packet, RFC 4068 does not say whether
 * the packet is covered too, and a sender that leaves the checksum to its kernel covers it: both are right.
 */
bool mh_checksum_ok(const struct mh_message *m)
{
	const struct in6_addr *src = addr_is_zero(&m->home) ? &m->src : &m->home;
	const struct in6_addr *dst = addr_is_zero(&m->routed) ? &m->dst : &m->routed;
	return checksum_ipv6(src, dst, IPPROTO_MH, m->data, m->len) == 0 ||
	       (m->payload && checksum_ipv6(src, dst, IPPROTO_MH, m->data, m->len + m->payload_len) == 0);
}

static void deliver_packet(struct mh *m, const struct rawsock_packet *p, usec_t at)
{
	struct packet6 k;
	struct mh_message out = { .ifindex = p->ifindex, .at = at };
	if (!packet6_walk_home(m->buf, p->len, &k) || k.proto != IPPROTO_MH || k.len < MH_HEADER)
		return;
	if (!m->wanted[k.data[2]] || !from_packet_socket(k.data[2]) || !m->is_local(&k.dst, m->arg))
		return;
	out.src = k.src;
	out.dst = k.dst;
	out.home = k.home;
	out.routed = k.routed;
	out.from = p->from;
	out.hop_limit = k.hop_limit;
	if (!mh_walk(k.data, k.len, &out))
		refuse(m, &k, "malformed");
	else if (addr_is_multicast(&out.src) || addr_is_zero(&out.src))
		refuse(m, &k, "bad source");
	else if (!addr_is_zero(&k.routed) && !m->is_local(&k.routed, m->arg))
		refuse(m, &k, "routed to a foreign address");
	else if (!p->checksum_open && !mh_checksum_ok(&out))
		refuse(m, &k, "bad checksum");
	else
		m->fn(&out, m->arg);
}

static void on_packet(int fd, unsigned events, void *arg)
{
	struct mh *m = arg;
	usec_t at = loop_now_fresh(m->loop);
	for (int i = 0; i < RAWSOCK_BATCH; i++) {
		struct rawsock_packet p;
		int n = rawsock_recv_packet(fd, m->buf, RAWSOCK_MTU, &p);
		if (n == -EAGAIN)
			return;
		if (n >= 0)
			deliver_packet(m, &p, at);
	}
}

static void on_raw(int fd, unsigned events, void *arg)
{
	struct mh *m = arg;
	usec_t at = loop_now_fresh(m->loop);
	for (int i = 0; i < RAWSOCK_BATCH; i++) {
		struct rawsock_packet p;
		struct mh_message out = { .at = at };
		int n = rawsock_recv6(fd, m->buf, RAWSOCK_MTU, &p);
		if (n == -EAGAIN)
			return;
		if (n < MH_HEADER || !m->wanted[m->buf[2]] || from_packet_socket(m->buf[2]))
			continue;
		out.src = p.src;
		out.dst = p.dst;
		out.ifindex = p.ifindex;
		out.hop_limit = p.hop_limit;
		if (mh_walk(m->buf, p.len, &out) && !addr_is_multicast(&out.dst))
			m->fn(&out, m->arg);
	}
}

static int open_packet(const struct mh *m)
{
	uint8_t types[sizeof packet_types];
	size_t n = 0;
	for (size_t i = 0; i < sizeof packet_types; i++)
		if (m->wanted[packet_types[i]])
			types[n++] = packet_types[i];
	return upper_open(IPPROTO_MH, MH_TYPE_AT, types, n);
}

static int open_raw(int *fd, int protocol, int checksum)
{
	*fd = rawsock_open6(protocol);
	if (*fd < 0)
		return *fd;
	if (protocol == IPPROTO_MH && setsockopt(*fd, IPPROTO_IPV6, IPV6_CHECKSUM, &checksum, sizeof checksum) < 0)
		return -errno;
	return 0;
}

/* A socket that only sends still gets a copy of everything received: let it keep nothing. */
static int deafen(int fd)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = { .len = 1, .filter = &nothing };
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog) < 0 ? -errno : 0;
}

static int open_sockets(struct mh *m)
{
	int e = open_raw(&m->fd, IPPROTO_MH, MH_CHECKSUM);
	bool packets = false;
	if (!e)
		e = open_raw(&m->fd_home, IPPROTO_MH, -1);
	if (!e)
		e = deafen(m->fd_home);
	if (!e)
		e = open_raw(&m->fd_whole, IPPROTO_RAW, 0);
	for (size_t i = 0; i < sizeof packet_types; i++)
		packets |= m->wanted[packet_types[i]];
	if (e || !packets)
		return e;
	m->fd_packet = open_packet(m);
	if (m->fd_packet < 0)
		return m->fd_packet;
	m->watch_packet = loop_fd_add(m->loop, m->fd_packet, LOOP_READ, on_packet, m);
	return m->watch_packet ? 0 : -ENOMEM;
}

struct mh *mh_open(struct loop *l, const uint8_t *types, size_t n, mh_local_fn *is_local, mh_fn *fn, void *arg)
{
	struct mh *m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	*m = (struct mh){ .loop = l, .is_local = is_local, .fn = fn, .arg = arg, .fd = -1, .fd_home = -1, .fd_whole = -1,
		          .fd_packet = -1, .buf = malloc(RAWSOCK_MTU), .frames = frames_open() };
	bucket_init(&m->limit, 1, 5);
	for (size_t i = 0; i < n; i++)
		m->wanted[types[i]] = true;
	int e = m->buf && m->frames ? open_sockets(m) : -ENOMEM;
	if (!e) {
		m->watch = loop_fd_add(l, m->fd, LOOP_READ, on_raw, m);
		e = m->watch ? 0 : -ENOMEM;
	}
	if (e) {
		LOG_ERROR("net", "cannot open Mobility Header socket error=\"%s\"", strerror(-e));
		mh_close(m);
		return NULL;
	}
	if (m->watch_packet) {
		mh_guard_add(m->wanted, packet_types, sizeof packet_types);
		m->guarded = true;
	}
	return m;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void mh_close(struct mh *m)
{
	if (!m)
		return;
	if (m->guarded)
		mh_guard_del(m->wanted, packet_types, sizeof packet_types);
	loop_fd_del(m->watch);
	loop_fd_del(m->watch_packet);
	close_fd(m->fd);
	close_fd(m->fd_home);
	close_fd(m->fd_whole);
	close_fd(m->fd_packet);
	frames_close(m->frames);
	free(m->buf);
	free(m);
}

uint64_t mh_refused(const struct mh *m)
{
	return m->refused;
}

static bool whole_header(const uint8_t *data, size_t len)
{
	struct mh_message shape;
	return len % 8 == 0 && mh_walk(data, len, &shape) && (shape.payload || shape.len == len);
}

/* The message with its checksum under the pseudo-header of `src`, behind what w holds already. */
static void put_message(struct wr *w, const struct in6_addr *src, const struct in6_addr *dst, const void *data, size_t len)
{
	size_t at = w->len;
	wr_copy(w, data, len);
	wr_patch16(w, at + MH_CHECKSUM, 0);
	if (wr_ok(w))
		wr_patch16(w, at + MH_CHECKSUM, checksum_ipv6(src, dst, IPPROTO_MH, w->base + at, len));
}

/* The whole packet with a type 2 routing header: sent to the care-of address, but checked as what arrives at home. */
static struct wr build_routed(uint8_t *buf, size_t cap, const struct in6_addr *src, const struct in6_addr *dst,
                              const struct in6_addr *home, const void *data, size_t len)
{
	struct wr w = wr_make(buf, cap);
	packet6_put_header(&w, src, dst, IPPROTO_ROUTING, MH_HOP_LIMIT);
	packet6_put_routing(&w, IPPROTO_MH, home);
	put_message(&w, src, home, data, len);
	wr_patch16(&w, 4, (uint16_t)(w.len - PACKET6_HEADER));
	return w;
}

static struct wr build_whole(uint8_t *buf, size_t cap, const struct in6_addr *src, const struct in6_addr *dst,
                             const struct in6_addr *home, const void *data, size_t len)
{
	struct wr w = wr_make(buf, cap);
	bool optioned = home && !addr_is_zero(home);
	packet6_put_header(&w, src, dst, optioned ? IPPROTO_DSTOPTS : IPPROTO_MH, MH_HOP_LIMIT);
	if (optioned)
		packet6_put_home(&w, IPPROTO_MH, home);
	put_message(&w, optioned ? home : src, dst, data, len);
	wr_patch16(&w, 4, (uint16_t)(w.len - PACKET6_HEADER));
	return w;
}

/* The kernel takes the option as ancillary data (RFC 3542 §9.2); should it not, the packet is built here. */
static int send_home(struct mh *m, const struct rawsock_route *route, const struct in6_addr *home, const void *data,
                     size_t len)
{
	uint8_t options[PACKET6_HOME_OPTIONS], message[MH_PACKET_MAX];
	struct rawsock_route to = *route;
	struct wr o = wr_make(options, sizeof options), w = wr_make(message, sizeof message);
	packet6_put_home(&o, 0, home); /* next header: the kernel's to fill */
	put_message(&w, home, to.dst, data, len);
	if (!wr_ok(&w))
		return -EMSGSIZE;
	to.option = IPV6_DSTOPTS;
	to.options = options;
	to.options_len = o.len;
	int e = rawsock_send6(m->fd_home, &to, message, w.len);
	if ((e != -EINVAL && e != -EOPNOTSUPP) || !to.src || addr_is_zero(to.src))
		return e;
	w = build_whole(message, sizeof message, to.src, to.dst, home, data, len);
	if (!wr_ok(&w))
		return -EMSGSIZE;
	struct rawsock_route whole = { .ifindex = to.ifindex, .dst = to.dst, .hop_limit = -1 };
	return rawsock_send6(m->fd_whole, &whole, message, w.len);
}

int mh_send(struct mh *m, int ifindex, const struct in6_addr *src, const struct in6_addr *dst, const struct in6_addr *home,
            const void *data, size_t len)
{
	struct rawsock_route to = { .ifindex = ifindex, .src = src, .dst = dst, .hop_limit = -1 };
	if (!whole_header(data, len))
		return -EINVAL;
	return home && !addr_is_zero(home) ? send_home(m, &to, home, data, len) : rawsock_send6(m->fd, &to, data, len);
}

int mh_send_routed(struct mh *m, const struct in6_addr *src, const struct in6_addr *dst, const struct in6_addr *home,
                   const void *data, size_t len)
{
	uint8_t packet[MH_PACKET_MAX];
	if (!whole_header(data, len) || addr_is_zero(src))
		return -EINVAL;
	struct wr w = build_routed(packet, sizeof packet, src, dst, home, data, len);
	struct rawsock_route whole = { .dst = dst, .hop_limit = -1 };
	return wr_ok(&w) ? rawsock_send6(m->fd_whole, &whole, packet, w.len) : -EMSGSIZE;
}

int mh_send_frame(struct mh *m, int ifindex, const struct lladdr *to, const struct in6_addr *src,
                  const struct in6_addr *dst, const struct in6_addr *home, const void *data, size_t len)
{
	uint8_t packet[MH_PACKET_MAX];
	if (!whole_header(data, len) || !src || addr_is_zero(src))
		return -EINVAL;
	struct wr w = build_whole(packet, sizeof packet, src, dst, home, data, len);
	return wr_ok(&w) ? frames_send(m->frames, ifindex, to, packet, w.len) : -EMSGSIZE;
}
