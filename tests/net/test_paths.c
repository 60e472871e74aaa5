/*
 * Paths on a real kernel: correspondent, router and mobile in three network namespaces, a numbered stream through the
 * router, and every change of state under traffic. PATHS_RATE (packets a second), PATHS_REPEAT and PATHS_FORM (tun, ip6tnl)
 * change what is run; on a kernel with ip6_tunnel both forms are.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/log.h"
#include "net/hold.h"
#include "net/path.h"
#include "net/rtnl.h"
#include "nslab.h"
#include "stream.h"

#define PROTOCOL 200

struct lab {
	int correspondent, router, mobile;
	unsigned turns, rate; /* of what is done again and again; packets a second */
	struct in6_addr c, r_core, r1, r2, pcoa, ncoa, stranger;
	int link1, link2; /* router's access links; the mobile's previous and new one */
	struct lladdr mobile1, mobile2;
	struct loop *loop;
	struct rtnl *rtnl;
	struct paths *paths;
	/* at the mobile */
	struct rtnl *m_rtnl;
	struct paths *m_paths;
};

static unsigned rate = 10000, repeat = 10;
static enum tunnel_form form = TUNNEL_TUN;

static struct paths_config config(void)
{
	return (struct paths_config){ .tunnel = form, .hold_limit = 64 << 20, .hold_limit_mobile = 32 << 20, .table = 7000,
		.limit = 4096, .hop_limit = 64 };
}

/* -- the lab --------------------------------------------------------------------------------------------------------- */

static void lab_links(struct lab *b)
{
	b->correspondent = nslab_new();
	/* Not the same interface numbers at both ends of a veth pair: the kernel would tell of a carrier up to a second late. */
	nslab_sh("ip link add pad0 type veth peer name pad1");
	b->router = nslab_new();
	nslab_sh("ip link add pad0 type veth peer name pad1; ip link add pad2 type veth peer name pad3");
	b->mobile = nslab_new();
	nslab_veth(b->correspondent, "c0", b->router, "r0");
	nslab_veth(b->router, "r1", b->mobile, "m1");
	nslab_veth(b->router, "r2", b->mobile, "m2");
}

static void lab_addresses(struct lab *b)
{
	nslab_enter(b->correspondent);
	nslab_sh("ip -6 addr add 2001:db8:c::2/64 dev c0 nodad; ip -6 addr add 2001:db8:c::bad/64 dev c0 nodad;"
	         "ip -6 route add default via 2001:db8:c::1; ip addr add 10.0.0.2/24 dev c0; ip route add default via 10.0.0.1");
	nslab_enter(b->mobile);
	nslab_sh("ip -6 addr add 2001:db8:1::a/64 dev m1 nodad; ip -6 addr add 2001:db8:2::a/64 dev m2 nodad;"
	         "ip -6 route add default via 2001:db8:2::1; ip addr add 10.1.0.10/24 dev m1; ip addr add 10.2.0.10/24 dev m2;"
	         "ip route add default via 10.2.0.1");
	b->mobile1 = nslab_lladdr("m1");
	b->mobile2 = nslab_lladdr("m2");
	nslab_enter(b->router);
	nslab_sh("ip -6 addr add 2001:db8:c::1/64 dev r0 nodad; ip -6 addr add 2001:db8:1::1/64 dev r1 nodad;"
	         "ip -6 addr add 2001:db8:2::1/64 dev r2 nodad; ip addr add 10.0.0.1/24 dev r0; ip addr add 10.1.0.1/24 dev r1;"
	         "ip addr add 10.2.0.1/24 dev r2; sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv4.ip_forward=1");
	b->link1 = nslab_ifindex("r1");
	b->link2 = nslab_ifindex("r2");
	b->c = nslab_addr("2001:db8:c::2");
	b->stranger = nslab_addr("2001:db8:c::bad");
	b->r_core = nslab_addr("2001:db8:c::1");
	b->r1 = nslab_addr("2001:db8:1::1");
	b->r2 = nslab_addr("2001:db8:2::1");
	b->pcoa = nslab_addr("2001:db8:1::a");
	b->ncoa = nslab_addr("2001:db8:2::a");
}

/* Neighbours resolved, so that the first second is like the others. */
static void lab_warm(struct lab *b)
{
	nslab_enter(b->correspondent);
	nslab_sh("for i in 1 2 3 4 5 6 7 8 9; do ping -c1 -W1 2001:db8:1::a && ping -c1 -W1 2001:db8:2::a && ping -c1 -W1 10.1.0.10 &&"
	         "exit 0; done >/dev/null; exit 1");
	nslab_enter(b->router);
}

static int lab_open(void **state)
{
	struct lab *b = calloc(1, sizeof *b);
	struct paths_config cfg = config();
	lab_links(b);
	lab_addresses(b);
	lab_warm(b);
	b->turns = repeat;
	b->rate = rate;
	b->loop = loop_create();
	b->rtnl = rtnl_open(b->loop, PROTOCOL);
	assert_non_null(b->rtnl);
	b->paths = paths_open(b->loop, b->rtnl, &cfg);
	assert_non_null(b->paths);
	assert_int_equal(paths_kernel_tunnel(b->paths), form == TUNNEL_IP6TNL);
	*state = b;
	return 0;
}

/* The same mobile with its IPv4 address; tunnels go between the same IPv6 addresses. */
static int lab_open4(void **state)
{
	int rc = lab_open(state);
	struct lab *b = *state;
	b->turns = repeat < 3 ? repeat : 3;
	b->rate = rate / 4;
	b->c = nslab_addr("10.0.0.2");
	b->pcoa = nslab_addr("10.1.0.10");
	return rc;
}

static int lab_close(void **state)
{
	struct lab *b = *state;
	nslab_enter(b->router);
	paths_close(b->paths);
	rtnl_close(b->rtnl);
	paths_close(b->m_paths);
	rtnl_close(b->m_rtnl);
	loop_destroy(b->loop);
	close(b->correspondent);
	close(b->router);
	close(b->mobile);
	free(b);
	return 0;
}

static void lab_mobile_daemon(struct lab *b)
{
	struct paths_config cfg = config();
	nslab_enter(b->mobile);
	b->m_rtnl = rtnl_open(b->loop, PROTOCOL);
	b->m_paths = paths_open(b->loop, b->m_rtnl, &cfg);
	nslab_enter(b->router);
	assert_non_null(b->m_paths);
}

static void run(struct lab *b, usec_t time)
{
	usec_t until = loop_now_fresh(b->loop) + time;
	while (loop_now_fresh(b->loop) < until)
		loop_once(b->loop, USEC_MSEC);
}

static void run_until_held(struct lab *b, struct path *h, uint64_t n)
{
	usec_t until = loop_now_fresh(b->loop) + 30 * USEC_SEC;
	while (path_stats(h).held_now < n && loop_now_fresh(b->loop) < until)
		loop_once(b->loop, USEC_MSEC);
	assert_true(path_stats(h).held_now >= n);
}

static void run_until_tunnelled(struct lab *b, struct path *h)
{
	usec_t until = loop_now_fresh(b->loop) + 30 * USEC_SEC;
	while (!path_stats(h).tunnelled && loop_now_fresh(b->loop) < until)
		loop_once(b->loop, USEC_MSEC);
	assert_true(path_stats(h).tunnelled > 0);
}

static struct stream stream_to(struct lab *b, const struct in6_addr *dst, unsigned packets_per_second)
{
	return stream_start(b->correspondent, b->mobile, NULL, dst, 9000, packets_per_second, 200);
}

static void stream_expect_perfect(struct stream *st, struct loop *l)
{
	stream_finish(st, l);
	printf("          sent %lu received %lu lost %ld duplicated %lu reordered %lu longest gap %lu us\n",
	       (unsigned long)st->s->sent, (unsigned long)st->s->received, (long)stream_lost(st), (unsigned long)st->s->duplicated,
	       (unsigned long)st->s->reordered, (unsigned long)st->s->longest_gap);
	assert_int_equal(st->s->send_errors, 0);
	assert_int_equal(stream_lost(st), 0);
	assert_int_equal(st->s->duplicated, 0);
	assert_int_equal(st->s->reordered, 0);
	assert_true(st->s->sent > 0);
	stream_free(st);
}

struct finished {
	int n;
	struct path_stats stats;
};

static void on_done(const struct path_stats *final, void *arg)
{
	struct finished *f = arg;
	f->n++;
	f->stats = *final;
}

static void release_and_wait(struct lab *b, struct path *h, int link, const struct lladdr *l, enum hold_drain drain,
                             struct path_stats *out)
{
	struct finished f = { 0 };
	assert_int_equal(path_release(h, link, l, drain, on_done, &f), 0);
	nslab_until(b->loop, &f.n, 1);
	assert_int_equal(f.n, 1);
	if (out)
		*out = f.stats;
}

/* -- single packets -------------------------------------------------------------------------------------------------- */

/* Writes a UDP datagram with one octet of payload in IPv6, as it goes on the wire; returns its length. */
static size_t udp_packet(uint8_t out[64], const struct in6_addr *src, const struct in6_addr *dst, uint8_t mark)
{
	uint8_t *udp = out + 40;
	memset(out, 0, 64);
	out[0] = 0x60;
	out[5] = 9;
	out[6] = IPPROTO_UDP;
	out[7] = 64;
	memcpy(out + 8, src, 16);
	memcpy(out + 24, dst, 16);
	udp[0] = udp[2] = 0x23;
	udp[1] = udp[3] = 0x28; /* 9000 */
	udp[5] = 9;
	udp[8] = mark;
	uint16_t sum = checksum_ipv6(src, dst, IPPROTO_UDP, udp, 9);
	udp[6] = (uint8_t)(sum >> 8);
	udp[7] = (uint8_t)sum;
	return 49;
}

static void send_raw(int ns, int back, const struct in6_addr *src, const struct in6_addr *dst, uint8_t proto, const void *data,
                     size_t len)
{
	struct sockaddr_in6 from = { .sin6_family = AF_INET6, .sin6_addr = *src };
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_addr = *dst };
	nslab_enter(ns);
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, proto);
	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
	assert_int_equal(sendto(fd, data, len, 0, (struct sockaddr *)&to, sizeof to), (ssize_t)len);
	close(fd);
	nslab_enter(back);
}

static void send_plain(struct lab *b, const struct in6_addr *dst, uint8_t mark)
{
	uint8_t packet[64];
	size_t len = udp_packet(packet, &b->c, dst, mark);
	send_raw(b->correspondent, b->router, &b->c, dst, IPPROTO_UDP, packet + 40, len - 40);
}

/* In a tunnel from `outer` to dst. */
static void send_tunnelled(struct lab *b, int ns, const struct in6_addr *outer, const struct in6_addr *dst,
                           const struct in6_addr *inner_src, const struct in6_addr *inner_dst, uint8_t mark)
{
	uint8_t packet[64];
	size_t len = udp_packet(packet, inner_src, inner_dst, mark);
	send_raw(ns, b->router, outer, dst, IPPROTO_IPV6, packet, len);
}

/* What arrives at the mobile's link, in order: the marks, tunnelled ones with 0x80 added. */
struct sniffer {
	int fd;
	uint8_t marks[2000];
	size_t n;
};

static void sniff_start(struct lab *b, struct sniffer *s, const char *ifname)
{
	int size = 16 << 20;
	nslab_enter(b->mobile);
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IPV6), .sll_ifindex = nslab_ifindex(ifname) };
	s->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	s->n = 0;
	setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&ll, sizeof ll), 0);
	nslab_enter(b->router);
}

static void sniff(struct lab *b, struct sniffer *s, size_t want)
{
	uint8_t p[2048];
	for (int patience = 0; s->n < want && patience < 1000; patience++) {
		ssize_t n = recv(s->fd, p, sizeof p, 0);
		if (n < 0)
			loop_once(b->loop, USEC_MSEC);
		else if (n == 49 && p[6] == IPPROTO_UDP)
			s->marks[s->n++] = p[48];
		else if (n == 89 && p[6] == IPPROTO_IPV6 && p[46] == IPPROTO_UDP)
			s->marks[s->n++] = (uint8_t)(p[88] | 0x80);
		else if (n == 129 && p[6] == IPPROTO_IPV6 && p[46] == IPPROTO_IPV6)
			s->marks[s->n++] = (uint8_t)(p[128] | 0x80);
	}
	assert_int_equal(s->n, want);
}

static void sniff_nothing(struct lab *b, struct sniffer *s)
{
	uint8_t p[2048];
	run(b, 50 * USEC_MSEC);
	for (ssize_t n; (n = recv(s->fd, p, sizeof p, 0)) >= 0;)
		assert_false(n == 49 || n == 89);
}

static void held_wait(struct lab *b, struct path *h, uint64_t n)
{
	for (int i = 0; i < 1000 && path_stats(h).held < n; i++)
		loop_once(b->loop, USEC_MSEC);
	assert_int_equal(path_stats(h).held, n);
}

/* -- tests ----------------------------------------------------------------------------------------------------------- */

/* Held for half a second under full traffic, and let go, again and again. */
static void hold_and_release(void **state)
{
	struct lab *b = *state;
	struct stream st = stream_to(b, &b->pcoa, b->rate);
	for (unsigned i = 0; i < b->turns; i++) {
		struct path_stats s;
		run(b, 50 * USEC_MSEC);
		struct path *h = path_get(b->paths, &b->pcoa);
		assert_int_equal(path_hold(h, NULL), 0);
		run_until_held(b, h, b->rate / 2);
		release_and_wait(b, h, b->link1, &b->mobile1, DRAIN_IMMEDIATE, &s);
		assert_int_equal(s.held, s.released);
		assert_int_equal(s.held_dropped, 0);
		assert_null(path_find(b->paths, &b->pcoa));
	}
	stream_expect_perfect(&st, b->loop);
	assert_int_equal(path_counters[PATH_HOLD_OCTETS].value, 0);
}

/* RFC 5568 §4.5: five at once, the rest not faster than they came, or little faster. */
/* Copies wait while the packets themselves go on; they leave before what came when nothing went on any more. */
static void copies_wait_while_packets_go_on(void **state)
{
	struct lab *b = *state;
	struct sniffer s;
	struct path *h = path_get(b->paths, &b->pcoa);
	sniff_start(b, &s, "m1");
	assert_int_equal(path_copy(h, b->link1, &b->mobile1), 0);
	assert_false(path_is_held(h));
	assert_int_equal(path_copy(h, b->link1, &b->mobile1), -EBUSY);
	for (uint8_t i = 1; i <= 3; i++)
		send_plain(b, &b->pcoa, i);
	held_wait(b, h, 3);
	sniff(b, &s, 3);
	assert_int_equal(path_hold(h, NULL), 0);
	assert_true(path_is_held(h));
	send_plain(b, &b->pcoa, 4);
	held_wait(b, h, 4);
	sniff_nothing(b, &s);
	release_and_wait(b, h, b->link1, &b->mobile1, DRAIN_IMMEDIATE, NULL);
	sniff(b, &s, 7);
	assert_memory_equal(s.marks, ((const uint8_t[]){ 1, 2, 3, 1, 2, 3, 4 }), 7);

	uint64_t dropped = path_counters[PATH_HELD_DROPPED].value;
	h = path_get(b->paths, &b->pcoa);
	assert_int_equal(path_copy(h, b->link1, &b->mobile1), 0);
	send_plain(b, &b->pcoa, 5);
	held_wait(b, h, 1);
	path_copy_end(h);
	path_copy_end(NULL);
	assert_null(path_find(b->paths, &b->pcoa));
	send_plain(b, &b->pcoa, 6);
	sniff(b, &s, 9);
	assert_memory_equal(s.marks + 7, ((const uint8_t[]){ 5, 6 }), 2);
	assert_int_equal(path_counters[PATH_HELD_DROPPED].value, dropped);
	assert_int_equal(path_counters[PATH_HOLD_OCTETS].value, 0);
	close(s.fd);
}

static void drain_as_the_rfc_says(void **state)
{
	struct lab *b = *state;
	struct stream st = stream_to(b, &b->pcoa, 500);
	struct path *h = path_get(b->paths, &b->pcoa);
	struct path_stats s;
	run(b, 100 * USEC_MSEC);
	assert_int_equal(path_hold(h, NULL), 0);
	run_until_held(b, h, 100);
	uint64_t held = path_stats(h).held_now;
	usec_t before = loop_now_fresh(b->loop);
	release_and_wait(b, h, b->link1, &b->mobile1, DRAIN_RFC5568, &s);
	usec_t took = loop_now_fresh(b->loop) - before;
	/* The backlog shrinks by a quarter of the rate: 100 packets at 125 a second. A busy machine only makes it longer. */
	printf("          %lu held, drained in %lu ms\n", (unsigned long)held, (unsigned long)(took / 1000));
	assert_true(took > 300 * USEC_MSEC);
	stream_expect_perfect(&st, b->loop);
}

static void tunnelled_packets_go_first(void **state)
{
	struct lab *b = *state;
	struct sniffer s;
	sniff_start(b, &s, "m1");
	struct path *h = path_get(b->paths, &b->pcoa);
	assert_int_equal(path_hold(h, &b->stranger), 0);
	for (uint8_t i = 0; i < 10; i++)
		send_plain(b, &b->pcoa, i);
	for (uint8_t i = 0; i < 10; i++)
		send_tunnelled(b, b->correspondent, &b->stranger, &b->pcoa, &b->c, &b->pcoa, i);
	send_plain(b, &b->pcoa, 10);
	send_tunnelled(b, b->correspondent, &b->stranger, &b->pcoa, &b->c, &b->pcoa, 10);
	send_tunnelled(b, b->correspondent, &b->c, &b->pcoa, &b->c, &b->pcoa, 11); /* not the forwarder's */
	held_wait(b, h, 23);
	sniff_nothing(b, &s);
	release_and_wait(b, h, b->link1, &b->mobile1, DRAIN_IMMEDIATE, NULL);
	sniff(b, &s, 23);
	for (uint8_t i = 0; i < 11; i++) {
		assert_int_equal(s.marks[i], i | 0x80);
		assert_int_equal(s.marks[11 + i], i);
	}
	assert_int_equal(s.marks[22], 11 | 0x80);
	close(s.fd);
}

/* Of `outer` to dst, around a tunnel from `from` to `to`, around a packet from src to the PCoA. */
static void send_nested(struct lab *b, const struct in6_addr *outer, const struct in6_addr *from, const struct in6_addr *to,
                        const struct in6_addr *src, uint8_t mark)
{
	uint8_t nested[40 + 64] = { 0 };
	size_t len = udp_packet(nested, from, to, 0) - 9; /* the header alone */
	len += udp_packet(nested + len, src, &b->pcoa, mark);
	nested[5] = 49;
	nested[6] = IPPROTO_IPV6;
	send_raw(b->correspondent, b->router, outer, &b->pcoa, IPPROTO_IPV6, nested, len);
}

/* What the forwarder sends on for another address is overtaken by nothing, and waits in turn. */
static void others_packets_keep_their_turn(void **state)
{
	struct lab *b = *state;
	struct sniffer s;
	sniff_start(b, &s, "m1");
	struct path *h = path_get(b->paths, &b->pcoa);
	assert_int_equal(path_hold(h, &b->stranger), 0);
	send_plain(b, &b->pcoa, 0);
	send_tunnelled(b, b->correspondent, &b->stranger, &b->pcoa, &b->c, &b->ncoa, 1);
	send_plain(b, &b->pcoa, 2);
	held_wait(b, h, 3);
	release_and_wait(b, h, b->link1, &b->mobile1, DRAIN_IMMEDIATE, NULL);
	sniff(b, &s, 3);
	assert_memory_equal(s.marks, ((const uint8_t[]){ 0, 0x81, 2 }), 3);
	close(s.fd);
}

/* What went into our own tunnel before comes back in the forwarder's: it is older, and leaves without either; not if it has nothing to
 * seek on the link. What comes through another's tunnel is older as well, and all that was forwarded then goes with it. */
static void own_packets_come_back(void **state)
{
	struct lab *b = *state;
	struct sniffer s;
	struct in6_addr near = nslab_addr("fe80::1");
	sniff_start(b, &s, "m1");
	struct path *h = path_get(b->paths, &b->pcoa);
	assert_int_equal(path_tunnel(h, &b->r1, &b->ncoa), 0);
	assert_int_equal(path_hold(h, &b->stranger), 0);
	send_plain(b, &b->pcoa, 10);
	send_tunnelled(b, b->correspondent, &b->stranger, &b->pcoa, &b->c, &b->ncoa, 11);
	send_nested(b, &b->stranger, &b->r1, &b->ncoa, &b->c, 1);
	send_nested(b, &b->stranger, &b->r1, &b->ncoa, &b->c, 2);
	held_wait(b, h, 4);
	assert_int_equal(path_pass_forwarded(h, b->link1, &b->mobile1), 0);
	sniff(b, &s, 3);
	assert_memory_equal(s.marks, ((const uint8_t[]){ 1, 2, 0x8b }), 3);
	assert_int_equal(path_hold(h, &b->stranger), 0);
	release_and_wait(b, h, b->link1, &b->mobile1, DRAIN_IMMEDIATE, NULL);
	sniff(b, &s, 4);
	assert_int_equal(s.marks[3], 10);

	h = path_get(b->paths, &b->pcoa);
	assert_int_equal(path_tunnel(h, &b->r1, &b->ncoa), 0);
	assert_int_equal(path_hold(h, &b->stranger), 0);
	send_plain(b, &b->pcoa, 12);
	send_tunnelled(b, b->correspondent, &b->stranger, &b->pcoa, &b->c, &b->ncoa, 5);
	send_nested(b, &b->stranger, &b->c, &b->ncoa, &b->c, 3);
	send_nested(b, &b->stranger, &b->r1, &b->ncoa, &near, 4);
	held_wait(b, h, 4);
	release_and_wait(b, h, b->link1, &b->mobile1, DRAIN_IMMEDIATE, NULL);
	sniff(b, &s, 8);
	assert_memory_equal(s.marks + 4, ((const uint8_t[]){ 0x83, 0x84, 0x85, 12 }), 4);
	close(s.fd);
}

static void tunnelled_packets_may_pass(void **state)
{
	struct lab *b = *state;
	struct sniffer s;
	sniff_start(b, &s, "m1");
	struct path *h = path_get(b->paths, &b->pcoa);
	assert_int_equal(path_hold(h, &b->stranger), 0);
	send_plain(b, &b->pcoa, 0);
	send_tunnelled(b, b->correspondent, &b->stranger, &b->pcoa, &b->c, &b->pcoa, 1);
	held_wait(b, h, 2);
	assert_int_equal(path_pass_forwarded(h, b->link1, &b->mobile1), 0);
	sniff(b, &s, 1);
	send_plain(b, &b->pcoa, 2);
	send_tunnelled(b, b->correspondent, &b->stranger, &b->pcoa, &b->c, &b->pcoa, 3);
	sniff(b, &s, 2);
	sniff_nothing(b, &s);
	release_and_wait(b, h, b->link1, &b->mobile1, DRAIN_IMMEDIATE, NULL);
	sniff(b, &s, 4);
	assert_memory_equal(s.marks, ((const uint8_t[]){ 0x81, 0x83, 0, 2 }), 4);
	close(s.fd);
}

static void overflow_drops_the_oldest(void **state)
{
	struct lab *b = *state;
	struct sniffer s;
	struct paths_config cfg = config();
	cfg.hold_limit_mobile = 20 * hold_cost(49);
	cfg.hold_limit = 30 * hold_cost(49);
	paths_reconfigure(b->paths, &cfg);
	sniff_start(b, &s, "m1");
	struct path *h = path_get(b->paths, &b->pcoa), *other = path_get(b->paths, &b->ncoa);
	assert_int_equal(path_hold(h, NULL), 0);
	assert_int_equal(path_hold(other, NULL), 0);
	uint64_t dropped = path_counters[PATH_HELD_DROPPED].value;
	for (uint8_t i = 0; i < 50; i++)
		send_plain(b, &b->pcoa, i);
	held_wait(b, h, 50);
	assert_int_equal(path_stats(h).held_now, 20);
	assert_int_equal(path_stats(h).held_dropped, 30);
	for (uint8_t i = 0; i < 20; i++)
		send_plain(b, &b->ncoa, i);
	held_wait(b, other, 20);
	assert_int_equal(path_stats(other).held_now, 10); /* all together 30 */
	assert_int_equal(path_stats(h).held_now, 20);     /* and not at another's cost */
	assert_int_equal(path_counters[PATH_HELD_DROPPED].value - dropped, 40);
	assert_true(path_counters[PATH_HOLD_OCTETS].value <= cfg.hold_limit);
	release_and_wait(b, h, b->link1, &b->mobile1, DRAIN_IMMEDIATE, NULL);
	sniff(b, &s, 20);
	for (uint8_t i = 0; i < 20; i++)
		assert_int_equal(s.marks[i], 30 + i);
	path_close(other);
	assert_int_equal(path_counters[PATH_HOLD_OCTETS].value, 0);
	close(s.fd);
}

static void tunnel_up(struct lab *b)
{
	lab_mobile_daemon(b);
	assert_int_equal(tunnel_end_set(b->m_paths, END_MOBILE, &b->pcoa, &b->ncoa, &b->r2), 0);
	assert_int_equal(tunnel_end_set(b->paths, END_ROUTER, &b->pcoa, &b->r2, &b->ncoa), 0);
}

/* The mobile takes what is in the tunnel: until nothing more comes out of it. */
static void tunnel_empty(struct lab *b)
{
	for (uint64_t had = UINT64_MAX; had != path_counters[PATH_DECAPSULATED].value;) {
		had = path_counters[PATH_DECAPSULATED].value;
		run(b, 50 * USEC_MSEC);
	}
}

/* direct → tunnel → hold → tunnel → hold → direct, several times, under traffic. */
static void around_all_states(void **state)
{
	struct lab *b = *state;
	tunnel_up(b);
	struct stream st = stream_to(b, &b->pcoa, b->rate);
	for (unsigned i = 0; i < b->turns; i++) {
		run(b, 50 * USEC_MSEC);
		struct path *h = path_get(b->paths, &b->pcoa);
		assert_int_equal(path_hold(h, NULL), 0); /* as a pAR does before the tunnel stands */
		run(b, 20 * USEC_MSEC);
		assert_int_equal(path_tunnel(h, &b->r2, &b->ncoa), 0);
		run_until_tunnelled(b, h);
		assert_int_equal(path_hold(h, NULL), 0);
		run(b, 50 * USEC_MSEC);
		assert_int_equal(path_tunnel(h, &b->r2, &b->ncoa), 0);
		run(b, 50 * USEC_MSEC);
		assert_int_equal(path_hold(h, NULL), 0);
		tunnel_empty(b);
		release_and_wait(b, h, b->link1, &b->mobile1, DRAIN_IMMEDIATE, NULL);
	}
	stream_expect_perfect(&st, b->loop);
}

/* The same, straight into the tunnel: in the ip6tnl form it is the kernel's. */
static void direct_tunnel_hold_direct(void **state)
{
	struct lab *b = *state;
	tunnel_up(b);
	struct stream st = stream_to(b, &b->pcoa, b->rate);
	for (unsigned i = 0; i < b->turns; i++) {
		run(b, 50 * USEC_MSEC);
		struct path *h = path_get(b->paths, &b->pcoa);
		assert_int_equal(path_tunnel(h, &b->r2, &b->ncoa), 0);
		if (form == TUNNEL_TUN)
			run_until_tunnelled(b, h);
		run(b, 100 * USEC_MSEC);
		assert_int_equal(path_stats(h).tunnelled > 0, form == TUNNEL_TUN);
		assert_int_equal(path_hold(h, NULL), 0);
		tunnel_empty(b);
		release_and_wait(b, h, b->link1, &b->mobile1, DRAIN_IMMEDIATE, NULL);
	}
	stream_expect_perfect(&st, b->loop);
}

static void several_mobiles_at_once(void **state)
{
	struct lab *b = *state;
	struct stream st[4];
	struct path *h[4];
	struct finished f = { 0 };
	struct in6_addr a[4];
	for (unsigned i = 0; i < 4; i++) {
		char text[64];
		snprintf(text, sizeof text, "2001:db8:1::b%u", i);
		a[i] = nslab_addr(text);
		nslab_enter(b->mobile);
		nslab_sh("ip -6 addr add %s/64 dev m1 nodad", text);
		nslab_enter(b->router);
		st[i] = stream_start(b->correspondent, b->mobile, NULL, &a[i], 9001 + i, rate / 4, 200);
	}
	run(b, 100 * USEC_MSEC);
	for (unsigned turn = 0; turn < 3; turn++) {
		for (unsigned i = 0; i < 4; i++) {
			h[i] = path_get(b->paths, &a[i]);
			assert_int_equal(path_hold(h[i], NULL), 0);
		}
		run(b, 200 * USEC_MSEC);
		f.n = 0;
		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(path_release(h[i], b->link1, &b->mobile1, DRAIN_IMMEDIATE, on_done, &f), 0);
		nslab_until(b->loop, &f.n, 4);
		run(b, 100 * USEC_MSEC);
	}
	for (unsigned i = 0; i < 4; i++)
		stream_expect_perfect(&st[i], b->loop);
}

static int first_seen;
static void on_first(const struct in6_addr *inner, usec_t at, void *arg)
{
	struct lab *b = arg;
	assert_true(addr_eq(inner, &b->pcoa));
	assert_true(at > 0);
	first_seen++;
}

static void counted(struct lab *b, int which, uint64_t n)
{
	for (int i = 0; i < 10000 && path_counters[which].value < n; i++)
		loop_once(b->loop, USEC_MSEC);
	assert_int_equal(path_counters[which].value, n);
}

static void only_what_an_end_allows(void **state)
{
	struct lab *b = *state;
	struct in6_addr elsewhere = nslab_addr("2001:db8:2::77"), group = nslab_addr("ff02::1"), ll = nslab_addr("fe80::1");
	tunnel_up(b);
	first_seen = 0;
	tunnel_on_first(b->m_paths, on_first, b);
	run(b, 20 * USEC_MSEC);
	uint64_t refused = path_counters[PATH_DECAP_REFUSED].value, taken = path_counters[PATH_DECAPSULATED].value;

	/* To the mobile: from another than its router; to another inner address; link-local and multicast inside. */
	send_tunnelled(b, b->correspondent, &b->c, &b->ncoa, &b->c, &b->pcoa, 1);
	counted(b, PATH_DECAP_REFUSED, refused + 1);
	send_tunnelled(b, b->router, &b->r2, &b->ncoa, &b->c, &elsewhere, 2);
	counted(b, PATH_DECAP_REFUSED, refused + 2);
	send_tunnelled(b, b->router, &b->r2, &b->ncoa, &b->c, &group, 3);
	counted(b, PATH_DECAP_REFUSED, refused + 3);
	send_tunnelled(b, b->router, &b->r2, &b->ncoa, &ll, &b->pcoa, 4);
	counted(b, PATH_DECAP_REFUSED, refused + 4);
	assert_int_equal(first_seen, 0);

	/* To the router: from another than the mobile's care-of address; to another address of the router; wrong inner source. */
	send_tunnelled(b, b->correspondent, &b->c, &b->r2, &b->pcoa, &b->c, 5);
	counted(b, PATH_DECAP_REFUSED, refused + 5);
	send_tunnelled(b, b->mobile, &b->ncoa, &b->r1, &b->pcoa, &b->c, 6);
	counted(b, PATH_DECAP_REFUSED, refused + 6);
	send_tunnelled(b, b->mobile, &b->ncoa, &b->r2, &elsewhere, &b->c, 7);
	counted(b, PATH_DECAP_REFUSED, refused + 7);
	assert_int_equal(path_counters[PATH_DECAPSULATED].value, taken);

	/* And what they allow. Somebody listens, or the mobile's answers would come back through the tunnel and be counted. */
	nslab_enter(b->mobile);
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6, .sin6_port = htons(9000) };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	nslab_enter(b->router);
	send_tunnelled(b, b->router, &b->r2, &b->ncoa, &b->c, &b->pcoa, 8);
	nslab_until(b->loop, &first_seen, 1);
	send_tunnelled(b, b->router, &b->r2, &b->ncoa, &b->c, &b->pcoa, 9);
	run(b, 20 * USEC_MSEC);
	assert_int_equal(first_seen, 1);
	assert_int_equal(path_counters[PATH_DECAPSULATED].value, taken + 2);
	assert_int_equal(path_counters[PATH_DECAP_REFUSED].value, refused + 7);
	uint8_t mark = 0;
	assert_int_equal(recv(fd, &mark, 1, MSG_DONTWAIT), 1);
	assert_int_equal(mark, 8);
	assert_int_equal(recv(fd, &mark, 1, MSG_DONTWAIT), 1);
	assert_int_equal(mark, 9);
	assert_int_equal(recv(fd, &mark, 1, MSG_DONTWAIT), -1);
	close(fd);
}

/* A mobile whose address comes by another router's tunnel from now on takes what the first still sends; who is through with it takes
 * nothing away from the other. */
static void who_sent_before_is_taken_too(void **state)
{
	struct lab *b = *state;
	struct in6_addr local, agent = b->c;
	tunnel_up(b);
	run(b, 20 * USEC_MSEC);
	nslab_enter(b->mobile);
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6, .sin6_port = htons(9000) };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	nslab_enter(b->router);
	uint64_t refused = path_counters[PATH_DECAP_REFUSED].value, taken = path_counters[PATH_DECAPSULATED].value;

	local = b->ncoa;
	assert_int_equal(tunnel_end_set(b->m_paths, END_MOBILE, &b->pcoa, &local, &agent), 0);
	send_tunnelled(b, b->router, &b->r2, &b->ncoa, &agent, &b->pcoa, 1);
	counted(b, PATH_DECAP_REFUSED, refused + 1);
	tunnel_end_also(b->m_paths, &b->pcoa, &b->r2);
	send_tunnelled(b, b->router, &b->r2, &b->ncoa, &agent, &b->pcoa, 2);
	counted(b, PATH_DECAPSULATED, taken + 1);
	tunnel_end_leave(b->m_paths, &b->pcoa, &b->r2); /* it is not its own any more */
	send_tunnelled(b, b->correspondent, &agent, &b->ncoa, &agent, &b->pcoa, 3);
	counted(b, PATH_DECAPSULATED, taken + 2);
	assert_int_equal(tunnel_end_set(b->m_paths, END_MOBILE, &b->pcoa, &local, &agent), 0);
	send_tunnelled(b, b->router, &b->r2, &b->ncoa, &agent, &b->pcoa, 4);
	counted(b, PATH_DECAP_REFUSED, refused + 2);
	tunnel_end_leave(b->m_paths, &b->pcoa, &agent);
	send_tunnelled(b, b->correspondent, &agent, &b->ncoa, &agent, &b->pcoa, 5);
	counted(b, PATH_DECAP_REFUSED, refused + 3);
	close(fd);
}

/* From the mobile's previous address to the correspondent, through the tunnel; and no longer once the mobile is back. */
static void reverse_tunnel(void **state)
{
	struct lab *b = *state;
	tunnel_up(b);
	struct sniffer s;
	sniff_start(b, &s, "m1"); /* the mobile's old link: nothing may be seen there */
	uint64_t taken = path_counters[PATH_DECAPSULATED].value;
	struct stream st = stream_start(b->mobile, b->correspondent, &b->pcoa, &b->c, 9100, rate / 4, 200);
	run(b, 300 * USEC_MSEC);
	uint64_t sent = st.s->sent;
	stream_expect_perfect(&st, b->loop);
	assert_true(path_counters[PATH_DECAPSULATED].value - taken >= sent);
	assert_int_equal(tunnel_end_set(b->m_paths, END_NATIVE, &b->pcoa, &b->ncoa, &b->r2), 0);
	nslab_enter(b->mobile);
	assert_int_equal(nslab_try("{ ip -6 rule; ip rule; } | grep -q %s", ADDR(&b->pcoa)), 1);
	nslab_enter(b->router);
	if (addr_is_v4(&b->pcoa)) {
		close(s.fd);
		return;
	}
	/* What is under way is still taken. */
	taken = path_counters[PATH_DECAPSULATED].value;
	send_tunnelled(b, b->router, &b->r2, &b->ncoa, &b->c, &b->pcoa, 1);
	for (int i = 0; i < 1000 && path_counters[PATH_DECAPSULATED].value == taken; i++)
		loop_once(b->loop, USEC_MSEC);
	assert_int_equal(path_counters[PATH_DECAPSULATED].value, taken + 1);
	close(s.fd);
}

/* A router whose owner has sources of IPv4 checked: what comes out of a tunnel passes all the same. */
static void sources_are_checked(void **state)
{
	struct lab *b = *state;
	struct paths_config cfg = config();
	nslab_sh("sysctl -qw net.ipv4.conf.all.rp_filter=1");
	paths_close(b->paths);
	b->paths = paths_open(b->loop, b->rtnl, &cfg);
	assert_non_null(b->paths);
	tunnel_up(b);
	struct stream st = stream_start(b->mobile, b->correspondent, &b->pcoa, &b->c, 9100, 500, 200);
	run(b, 100 * USEC_MSEC);
	stream_expect_perfect(&st, b->loop);
}

/* A router has one way to a neighbour, however many clients came from there. */
static void ways_are_shared(void **state)
{
	struct lab *b = *state;
	struct in6_addr other = nslab_addr("2001:db8:c::3");
	for (unsigned i = 0; i < 100; i++) {
		struct in6_addr a = nslab_addr(i & 1 ? "10.9.0.0" : "2001:db8:9::");
		a.s6_addr[15] = (uint8_t)i;
		assert_int_equal(tunnel_end_set(b->paths, END_MOBILE, &a, &b->r_core, &b->stranger), 0);
	}
	assert_int_equal(nslab_try("test $(ip rule | grep -c 'lookup 7') = 50 -a $(ip -6 rule | grep -c 'lookup 7') = 50"), 0);
	assert_int_equal(nslab_try("test $(ip route show table all | grep -c 'default.*table 7') = 2"), 0);
	struct in6_addr a = nslab_addr("10.9.0.1");
	assert_int_equal(tunnel_end_set(b->paths, END_MOBILE, &a, &b->r_core, &other), 0);
	assert_int_equal(nslab_try("test $(ip rule | grep 'lookup 7' | sed 's/.*lookup //' | sort -u | wc -l) = 2"), 0);
	for (unsigned i = 0; i < 100; i++) {
		a = nslab_addr(i & 1 ? "10.9.0.0" : "2001:db8:9::");
		a.s6_addr[15] = (uint8_t)i;
		tunnel_end_del(b->paths, &a);
	}
	assert_int_equal(nslab_try("{ ip rule; ip -6 rule; ip route show table all; ip -6 route show table all; } | grep -E 'lookup 7|table 7'"), 1);
}

/* However many visitors come from one prefix to one link, the kernel has one rule of each family for them. One that goes another way
 * has its own; what comes from that prefix and is no visitor's goes on by itself. */
static void rules_are_shared(void **state)
{
	struct lab *b = *state;
	struct in6_addr other = nslab_addr("2001:db8:c::3");
	const struct prefix six = prefix_of(&(struct in6_addr){ .s6_addr = { 0x20, 1, 0xd, 0xb8, 0, 1 } }, 64);
	struct in6_addr net4 = nslab_addr("10.1.0.0");
	const struct prefix four = prefix_of(&net4, 120);
	for (unsigned i = 0; i < 100; i++) {
		struct in6_addr a = nslab_addr(i & 1 ? "10.1.0.100" : "2001:db8:1::100");
		a.s6_addr[15] = (uint8_t)(a.s6_addr[15] + i);
		assert_int_equal(tunnel_end_visitor(b->paths, b->link1, i & 1 ? &four : &six, &a, &b->r_core, &b->stranger), 0);
	}
	assert_int_equal(nslab_try("test $(ip rule | grep -c 'from 10.1.0.0/24 iif r1 lookup 7') = 1 -a $(ip rule | grep -c 'lookup 7') = 1"), 0);
	assert_int_equal(nslab_try("test $(ip -6 rule | grep -c 'from 2001:db8:1::/64 iif r1 lookup 7') = 1 -a $(ip -6 rule | grep -c 'lookup 7') = 1"), 0);
	struct in6_addr a = nslab_addr("10.1.0.101");
	assert_int_equal(tunnel_end_visitor(b->paths, b->link1, &four, &a, &b->r_core, &other), 0);
	assert_int_equal(nslab_try("test $(ip rule | grep -c 'from 10.1.0.101 iif r1 lookup 7') = 1 -a $(ip rule | grep -c 'lookup 7') = 2"), 0);
	assert_int_equal(tunnel_end_visitor(b->paths, b->link2, &four, &a, &b->r_core, &b->stranger), 0); /* to another link */
	assert_int_equal(nslab_try("test $(ip rule | grep -c 'from 10.1.0.0/24 iif r2 lookup 7') = 1 -a $(ip rule | grep -c 'lookup 7') = 2"), 0);
	if (form != TUNNEL_IP6TNL) { /* the mobile's own address is no visitor's */
		nslab_enter(b->mobile);
		nslab_sh("ip -6 route replace default via 2001:db8:1::1; ip route replace default via 10.1.0.1");
		nslab_enter(b->router);
		uint64_t unknown = path_counters[PATH_UNKNOWN_DST].value;
		struct stream st = stream_start(b->mobile, b->correspondent, &b->pcoa, &b->c, 9100, rate / 4, 200);
		run(b, 200 * USEC_MSEC);
		stream_expect_perfect(&st, b->loop);
		assert_int_equal(path_counters[PATH_UNKNOWN_DST].value, unknown);
	}
	for (unsigned i = 0; i < 100; i++) {
		a = nslab_addr(i & 1 ? "10.1.0.100" : "2001:db8:1::100");
		a.s6_addr[15] = (uint8_t)(a.s6_addr[15] + i);
		tunnel_end_del(b->paths, &a);
	}
	assert_int_equal(nslab_try("{ ip rule; ip -6 rule; ip route show table all; ip -6 route show table all; } | grep -E 'lookup 7|table 7'"), 1);
}

/* -- TCP: large segments, open checksums ------------------------------------------------------------------------------ */

#define TCP_OCTETS (8U << 20)

static pid_t tcp_sink(int ns, const struct in6_addr *at)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6, .sin6_port = htons(9200), .sin6_addr = *at };
	nslab_enter(ns);
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(fd, 1), 0);
	pid_t child = fork();
	if (child == 0) {
		static uint8_t buf[65536];
		uint32_t got = 0;
		int c = accept(fd, NULL, NULL);
		for (ssize_t n; (n = read(c, buf, sizeof buf)) > 0;)
			for (ssize_t i = 0; i < n; i++, got++)
				if (buf[i] != (uint8_t)(got * 7 + got / 65536))
					_exit(2);
		_exit(got == TCP_OCTETS ? 0 : 3);
	}
	close(fd);
	return child;
}

static pid_t tcp_source(int ns, const struct in6_addr *from, const struct in6_addr *to)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = *from };
	struct sockaddr_in6 b = { .sin6_family = AF_INET6, .sin6_port = htons(9200), .sin6_addr = *to };
	pid_t child = fork();
	if (child == 0) {
		static uint8_t buf[65536];
		nslab_enter(ns);
		int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || connect(fd, (struct sockaddr *)&b, sizeof b) < 0)
			_exit(4);
		for (uint32_t sent = 0; sent < TCP_OCTETS;) {
			for (uint32_t i = 0; i < sizeof buf; i++)
				buf[i] = (uint8_t)((sent + i) * 7 + (sent + i) / 65536);
			for (size_t at = 0; at < sizeof buf;) {
				ssize_t n = write(fd, buf + at, sizeof buf - at);
				if (n <= 0)
					_exit(5);
				at += (size_t)n;
			}
			sent += (uint32_t)sizeof buf;
		}
		_exit(0);
	}
	return child;
}

static void tcp_expect(struct lab *b, pid_t child)
{
	int status = -1;
	usec_t until = loop_now_fresh(b->loop) + 30 * USEC_SEC;
	while (waitpid(child, &status, WNOHANG) == 0) {
		loop_once(b->loop, USEC_MSEC);
		if (loop_now_fresh(b->loop) > until) {
			kill(child, SIGKILL);
			until = UINT64_MAX;
		}
	}
	assert_int_equal(status, 0);
}

/* Down the tunnel and up the reverse tunnel; the bytes are the same and no connection waits for a timeout for ever. */
static void tcp_through_the_tunnel(void **state)
{
	struct lab *b = *state;
	tunnel_up(b);
	struct path *h = path_get(b->paths, &b->pcoa);
	assert_int_equal(path_tunnel(h, &b->r2, &b->ncoa), 0);
	usec_t start = loop_now_fresh(b->loop);
	pid_t sink = tcp_sink(b->mobile, &b->pcoa);
	nslab_enter(b->router);
	pid_t source = tcp_source(b->correspondent, &b->c, &b->pcoa);
	tcp_expect(b, source);
	tcp_expect(b, sink);
	usec_t down = loop_now_fresh(b->loop) - start;
	sink = tcp_sink(b->correspondent, &b->c);
	nslab_enter(b->router);
	source = tcp_source(b->mobile, &b->pcoa, &b->c);
	tcp_expect(b, source);
	tcp_expect(b, sink);
	printf("          %u octets down in %lu ms, up in %lu ms\n", TCP_OCTETS, (unsigned long)(down / 1000),
	       (unsigned long)((loop_now_fresh(b->loop) - start - down) / 1000));
	path_close(h);
}

/* Senders learn that the tunnel takes 40 octets: the packet that does not fit is answered, the next ones fit. Also when the way
 * to its end becomes narrower. */
static void senders_learn_the_tunnel_mtu(void **state)
{
	struct lab *b = *state;
	tunnel_up(b);
	struct path *h = path_get(b->paths, &b->pcoa);
	assert_int_equal(path_tunnel(h, &b->r2, &b->ncoa), 0);
	pid_t child = fork();
	if (child == 0) {
		nslab_enter(b->correspondent);
		if (nslab_try("ping -M do -c1 -W1 -s %d %s; ip route get %s | grep -q 'mtu 14[56]'", addr_is_v4(&b->pcoa) ? 1472 : 1452,
		              ADDR(&b->pcoa), ADDR(&b->pcoa)))
			_exit(1);
		nslab_enter(b->router);
		if (nslab_try("ip -6 route add 2001:db8:2::a/128 dev r2 mtu 1400"))
			_exit(2);
		nslab_enter(b->correspondent);
		for (int i = 0; i < 50; i++)
			if (!nslab_try("ping -M do -c1 -W1 -s 1400 %s; ip route get %s | grep -q 'mtu 13[56]'", ADDR(&b->pcoa), ADDR(&b->pcoa)))
				_exit(0);
		_exit(3);
	}
	int status = -1;
	while (waitpid(child, &status, WNOHANG) == 0)
		loop_once(b->loop, USEC_MSEC);
	assert_int_equal(status, 0);
	path_close(h);
}

/* An address of another link that the mobile keeps: it gets a route of its own. */
static void kept_address(void **state)
{
	struct lab *b = *state;
	struct stream st = stream_to(b, &b->pcoa, b->rate / 4);
	run(b, 50 * USEC_MSEC);
	struct path *h = path_get(b->paths, &b->pcoa);
	assert_int_equal(path_hold(h, NULL), 0);
	run(b, 50 * USEC_MSEC);
	release_and_wait(b, h, b->link2, &b->mobile2, DRAIN_IMMEDIATE, NULL); /* prefix of link 1 */
	run(b, 50 * USEC_MSEC);
	assert_int_equal(nslab_try("ip route get %s | grep -q 'dev r2'", ADDR(&b->pcoa)), 0);
	stream_expect_perfect(&st, b->loop);
	assert_int_equal(path_unpin(b->paths, &b->pcoa), 0);
	assert_int_equal(nslab_try("ip route get %s | grep -q 'dev r2'", ADDR(&b->pcoa)), 1);
}

/* A clean-up of somebody else's: the route is put back. */
static void route_comes_back(void **state)
{
	struct lab *b = *state;
	struct path *h = path_get(b->paths, &b->pcoa);
	assert_int_equal(path_hold(h, NULL), 0);
	run(b, 20 * USEC_MSEC);
	nslab_sh("ip route del %s dev hov-tun", ADDR(&b->pcoa));
	int there = 0;
	for (int i = 0; i < 100 && !there; i++) {
		loop_once(b->loop, USEC_MSEC);
		there = nslab_try("ip route get %s | grep -q 'dev hov-tun'", ADDR(&b->pcoa)) == 0;
	}
	assert_true(there);
	path_close(h);
	run(b, 20 * USEC_MSEC);
	assert_int_equal(nslab_try("ip route get %s | grep -q 'dev hov-tun'", ADDR(&b->pcoa)), 1);
}

/* -- leaving nothing ------------------------------------------------------------------------------------------------- */

/* Without what changes by itself: neighbours that the kernel learns and forgets, the lives of addresses. */
static char *system_state(void)
{
	return nslab_output("ip -6 route show table all; ip -6 rule; ip -6 neigh | grep -E '::(55|77|88|99) '; ip -6 neigh show proxy;"
	                    "ip -4 route show table all; ip -4 rule; ip -4 neigh | grep -E '\\.(55|77|88|99) '; ip -4 neigh show proxy;"
	                    "ip -o link | cut -d: -f2; ip -o addr | sed 's/valid.*//'; nft list tables 2>/dev/null;"
	                    "cat /proc/sys/net/ipv6/conf/*/proxy_ndp /proc/sys/net/ipv[46]/neigh/*/unres_qlen_bytes | sort | uniq");
}

/* Line by line, so that a failure tells which. */
static void expect_same_state(char *before, char *after)
{
	char *b_next, *a_next;
	char *x = strtok_r(before, "\n", &b_next), *y = strtok_r(after, "\n", &a_next);
	for (; x && y; x = strtok_r(NULL, "\n", &b_next), y = strtok_r(NULL, "\n", &a_next))
		assert_string_equal(x, y);
	assert_string_equal(x ? x : "", y ? y : "");
}

static void leave_everything_about(struct lab *b, struct loop *l, struct rtnl *r, struct paths *p)
{
	struct in6_addr x = nslab_addr("2001:db8:1::77"), y = nslab_addr("2001:db8:2::88"), z = nslab_addr("2001:db8:2::99");
	struct rtnl_addr a = { .ifindex = b->link2, .addr = z, .plen = 64, .nodad = true };
	assert_int_equal(path_hold(path_get(p, &b->pcoa), NULL), 0);
	assert_int_equal(path_tunnel(path_get(p, &x), &b->r2, &b->ncoa), 0);
	assert_int_equal(path_hold(path_get(p, &y), NULL), 0);
	assert_int_equal(path_release(path_get(p, &y), b->link2, &b->mobile2, DRAIN_IMMEDIATE, NULL, NULL), 0);
	assert_int_equal(tunnel_end_set(p, END_MOBILE, &b->stranger, &b->r_core, &b->c), 0);
	assert_int_equal(tunnel_end_set(p, END_ROUTER, &b->ncoa, &b->r_core, &b->c), 0);
	assert_int_equal(rtnl_addr_set(r, &a), 0);
	x = nslab_addr("10.1.0.77");
	y = nslab_addr("10.2.0.88");
	z = nslab_addr("10.2.0.99");
	struct in6_addr proxied = nslab_addr("10.1.0.55");
	assert_int_equal(path_tunnel(path_get(p, &x), &b->r2, &b->ncoa), 0);
	assert_int_equal(path_hold(path_get(p, &z), NULL), 0);
	assert_int_equal(path_hold_from(path_get(p, &z), b->link2), 0);
	assert_int_equal(path_hold(path_get(p, &y), NULL), 0);
	assert_int_equal(path_release(path_get(p, &y), b->link1, &b->mobile1, DRAIN_IMMEDIATE, NULL, NULL), 0);
	assert_int_equal(tunnel_end_set(p, END_MOBILE, &y, &b->r_core, &b->c), 0);
	assert_int_equal(rtnl_proxy_set(r, b->link1, &proxied), 0);
	for (int i = 0; i < 20; i++)
		loop_once(l, USEC_MSEC);
}

static void killed_daemon_leaves_nothing(void **state)
{
	struct lab *b = *state;
	paths_close(b->paths);
	b->paths = NULL;
	char *before = system_state();
	int ready[2];
	char c;
	assert_int_equal(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		struct loop *l = loop_create();
		struct paths_config cfg = config();
		struct rtnl *r = rtnl_open(l, PROTOCOL);
		leave_everything_about(b, l, r, paths_open(l, r, &cfg));
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	char *during = system_state();
	assert_string_not_equal(before, during);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_true(rtnl_sweep(b->rtnl) > 0);
	struct paths_config cfg = config();
	b->paths = paths_open(b->loop, b->rtnl, &cfg); /* a start after the sweep, and an orderly stop */
	assert_non_null(b->paths);
	paths_close(b->paths);
	b->paths = NULL;
	char *after = system_state();
	expect_same_state(before, after);
	free(before);
	free(during);
	free(after);
	close(ready[0]);
	close(ready[1]);
}

static void stopped_daemon_leaves_nothing(void **state)
{
	struct lab *b = *state;
	struct in6_addr proxied = nslab_addr("2001:db8:1::55");
	paths_close(b->paths);
	rtnl_close(b->rtnl);
	char *before = system_state();
	b->rtnl = rtnl_open(b->loop, PROTOCOL);
	struct paths_config cfg = config();
	b->paths = paths_open(b->loop, b->rtnl, &cfg);
	leave_everything_about(b, b->loop, b->rtnl, b->paths);
	assert_int_equal(rtnl_proxy_set(b->rtnl, b->link1, &proxied), 0);
	paths_close(b->paths);
	b->paths = NULL;
	rtnl_sweep(b->rtnl);
	rtnl_close(b->rtnl);
	b->rtnl = NULL;
	char *after = system_state();
	expect_same_state(before, after);
	free(before);
	free(after);
}

/* -- events ---------------------------------------------------------------------------------------------------------- */

static int resyncs, addrs_new, addrs_gone;
static void on_note(const struct rtnl_note *n, void *arg)
{
	resyncs += n->event == RTNL_RESYNC;
	addrs_new += n->event == RTNL_ADDR;
	addrs_gone += n->event == RTNL_ADDR_GONE;
}

/* More events than the socket holds, while nobody reads: the mirror is right again afterwards. */
static void lost_events_are_made_good(void **state)
{
	struct lab *b = *state;
	struct in6_addr last = nslab_addr("2001:db8:77::1f3f"), gone = nslab_addr("2001:db8:1::1");
	resyncs = addrs_new = addrs_gone = 0;
	assert_non_null(rtnl_subscribe(b->rtnl, on_note, NULL));
	nslab_sh("for i in $(seq 0 7999); do printf 'addr add 2001:db8:77::%%x/128 dev r0 nodad\\n' $i; done | ip -6 -b -");
	nslab_sh("ip -6 addr del 2001:db8:1::1/64 dev r1");
	nslab_until(b->loop, &resyncs, 1);
	run(b, 50 * USEC_MSEC);
	assert_true(rtnl_is_local(b->rtnl, &last, NULL));
	assert_false(rtnl_is_local(b->rtnl, &gone, NULL));
	assert_true(addrs_new >= 8000);
	assert_int_equal(addrs_gone, 1);
	assert_true(rtnl_counters[RTNL_OVERRUNS].value > 0);
}

int main(void)
{
#define LAB(test) cmocka_unit_test_setup_teardown(test, lab_open, lab_close)
#define LAB4(test) { #test " (IPv4)", test, lab_open4, lab_close, NULL }
	const struct CMUnitTest tests[] = {
		LAB(hold_and_release),
		LAB(copies_wait_while_packets_go_on),
		LAB(drain_as_the_rfc_says),
		LAB(tunnelled_packets_go_first),
		LAB(others_packets_keep_their_turn),
		LAB(own_packets_come_back),
		LAB(tunnelled_packets_may_pass),
		LAB(overflow_drops_the_oldest),
		LAB(around_all_states),
		LAB(direct_tunnel_hold_direct),
		LAB(several_mobiles_at_once),
		LAB(only_what_an_end_allows),
		LAB(who_sent_before_is_taken_too),
		LAB(reverse_tunnel),
		LAB(ways_are_shared),
		LAB(rules_are_shared),
		LAB4(rules_are_shared),
		LAB(tcp_through_the_tunnel),
		LAB(senders_learn_the_tunnel_mtu),
		LAB(kept_address),
		LAB(route_comes_back),
		LAB(killed_daemon_leaves_nothing),
		LAB(stopped_daemon_leaves_nothing),
		LAB(lost_events_are_made_good),
		LAB4(hold_and_release),
		LAB4(around_all_states),
		LAB4(direct_tunnel_hold_direct),
		LAB4(reverse_tunnel),
		LAB4(tcp_through_the_tunnel),
		LAB4(senders_learn_the_tunnel_mtu),
		LAB4(sources_are_checked),
		LAB4(kept_address),
		LAB4(route_comes_back),
	};
	const char *s;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!nslab_possible()) {
		puts("no network namespaces here");
		return NSLAB_SKIP;
	}
	if ((s = getenv("PATHS_RATE")))
		rate = (unsigned)strtoul(s, NULL, 10);
	if ((s = getenv("PATHS_REPEAT")))
		repeat = (unsigned)strtoul(s, NULL, 10);
	if ((s = getenv("PATHS_FORM")) && strcmp(s, "ip6tnl") == 0)
		form = TUNNEL_IP6TNL;
	if ((s = getenv("PATHS_ONLY")))
		cmocka_set_test_filter(s);
	return cmocka_run_group_tests_name(form == TUNNEL_TUN ? "paths (TUN)" : "paths (ip6tnl)", tests, NULL, NULL);
}
