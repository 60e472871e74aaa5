/*
 * Packets held and released, over the same packets forwarded plainly: what one packet costs on its way from a correspondent
 * through a router to a mobile, all three in network namespaces of this process, which does everything itself.
 *
 *   hold_bench [ROUNDS [COUNT]]
 *
 * Floor: COUNT datagrams sent, forwarded by the kernel, and received. Subject: as many sent while their address is in hold, taken
 * into it, released to the mobile's link, and received. By turns. Prints one JSON object.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/neighbour.h>

#include "bench.h"
#include "net/path.h"
#include "net/rtnl.h"
#include "nslab.h"

#define OCTETS 200
#define PORT 9999
#define BATCH 64U
#define PATIENCE_US 10e6

struct lab {
	int correspondent, router, mobile;
	int out, in; /* sockets */
	struct in6_addr to;
	int link;
	struct lladdr lladdr;
	struct loop *loop;
	struct rtnl *rtnl;
	struct paths *paths;
	size_t count, received;
};

static int udp_socket(int ns, const char *bound, const struct in6_addr *to)
{
	struct sockaddr_in6 here = { .sin6_family = AF_INET6, .sin6_addr = nslab_addr(bound), .sin6_port = htons(PORT) };
	struct sockaddr_in6 there = { .sin6_family = AF_INET6, .sin6_addr = to ? *to : in6addr_any, .sin6_port = htons(PORT) };
	int room = 128 << 20;
	nslab_enter(ns);
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof here) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0 ||
	    (to && connect(fd, (struct sockaddr *)&there, sizeof there) < 0)) {
		perror("hold_bench: socket");
		exit(1);
	}
	return fd;
}

static void lab_open(struct lab *b)
{
	struct paths_config cfg = { .tunnel = TUNNEL_TUN, .hold_limit = 256 << 20, .hold_limit_mobile = 256 << 20, .table = 7000, .limit = 64 };
	b->correspondent = nslab_new();
	b->router = nslab_new();
	nslab_sh("ip link add pad0 type veth peer name pad1"); /* not the same interface numbers at both ends */
	b->mobile = nslab_new();
	nslab_veth(b->correspondent, "c0", b->router, "r0");
	nslab_veth(b->router, "r1", b->mobile, "m1");
	nslab_enter(b->correspondent);
	nslab_sh("ip -6 addr add 2001:db8:c::2/64 dev c0 nodad; ip -6 route add default via 2001:db8:c::1");
	nslab_enter(b->mobile);
	nslab_sh("ip -6 addr add 2001:db8:1::a/64 dev m1 nodad; ip -6 route add default via 2001:db8:1::1");
	b->lladdr = nslab_lladdr("m1");
	b->to = nslab_addr("2001:db8:1::a");
	nslab_enter(b->router);
	nslab_sh("ip -6 addr add 2001:db8:c::1/64 dev r0 nodad; ip -6 addr add 2001:db8:1::1/64 dev r1 nodad;"
	         "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding");
	b->link = nslab_ifindex("r1");
	b->loop = loop_create();
	b->rtnl = rtnl_open(b->loop, 200);
	b->paths = b->rtnl ? paths_open(b->loop, b->rtnl, &cfg) : NULL;
	if (!b->paths || rtnl_neigh_set(b->rtnl, b->link, &b->to, &b->lladdr, NUD_PERMANENT) < 0)
		exit(1);
	b->in = udp_socket(b->mobile, "2001:db8:1::a", NULL);
	b->out = udp_socket(b->correspondent, "2001:db8:c::2", &b->to);
	nslab_enter(b->router);
}

static bool send_all(const struct lab *b)
{
	static uint8_t data[OCTETS];
	struct iovec iov = { data, sizeof data };
	struct mmsghdr m[BATCH] = { 0 };
	for (size_t i = 0; i < BATCH; i++)
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
	for (size_t sent = 0; sent < b->count;) {
		int n = sendmmsg(b->out, m, (unsigned)(b->count - sent < BATCH ? b->count - sent : BATCH), 0);
		if (n < 0 && errno != EAGAIN)
			return false;
		sent += n > 0 ? (size_t)n : 0;
	}
	return true;
}

static void receive(struct lab *b)
{
	static uint8_t data[BATCH][OCTETS];
	struct iovec iov[BATCH];
	struct mmsghdr m[BATCH] = { 0 };
	for (size_t i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ data[i], OCTETS };
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	for (int n; (n = recvmmsg(b->in, m, BATCH, MSG_DONTWAIT, NULL)) > 0;)
		b->received += (size_t)n;
}

static bool all_received(struct lab *b, double start)
{
	while (b->received < b->count && bench_now_us() - start < PATIENCE_US) {
		loop_once(b->loop, 0);
		receive(b);
	}
	return b->received == b->count;
}

static double plain_once(struct lab *b)
{
	b->received = 0;
	double start = bench_now_us();
	return send_all(b) && all_received(b, start) ? bench_now_us() - start : -1;
}

static double held_once(struct lab *b)
{
	struct path *h = path_get(b->paths, &b->to);
	b->received = 0;
	if (!h || path_hold(h, NULL) < 0)
		return -1;
	double start = bench_now_us();
	if (!send_all(b))
		return -1;
	while (path_stats(h).held_now < b->count && bench_now_us() - start < PATIENCE_US)
		loop_once(b->loop, 0);
	if (path_release(h, b->link, &b->lladdr, DRAIN_IMMEDIATE, NULL, NULL) < 0 || !all_received(b, start))
		return -1;
	double took = bench_now_us() - start;
	while (path_find(b->paths, &b->to))
		loop_once(b->loop, 1000); /* until nothing of ours is in the way */
	return took;
}

int main(int argc, char **argv)
{
	size_t rounds = argc > 1 ? (size_t)atoi(argv[1]) : 15;
	double floors[BENCH_ROUNDS_MAX], subjects[BENCH_ROUNDS_MAX], ratios[BENCH_ROUNDS_MAX];
	struct lab b = { .count = argc > 2 ? (size_t)atoi(argv[2]) : 5000 };
	if (rounds < 1 || rounds > BENCH_ROUNDS_MAX || b.count < 1 || !nslab_possible())
		return 2;
	lab_open(&b);
	for (size_t r = 0; r < rounds; r++) {
		double f = plain_once(&b), s = held_once(&b);
		if (f < 0 || s < 0) {
			fprintf(stderr, "hold_bench: packets lost (%s): %zu of %zu came\n", f < 0 ? "plain" : "held", b.received, b.count);
			return 1;
		}
		floors[r] = (double)b.count * 1e6 / f;
		subjects[r] = (double)b.count * 1e6 / s;
		ratios[r] = subjects[r] / floors[r];
	}
	printf("{\"packets\": %zu, \"octets\": %d, \"rounds\": %zu, \"floor_per_s\": %.0f, \"subject_per_s\": %.0f, \"ratio\": %.2f}\n", b.count,
	       OCTETS, rounds, bench_median(floors, rounds), bench_median(subjects, rounds), bench_median(ratios, rounds));
	paths_close(b.paths);
	rtnl_close(b.rtnl);
	loop_destroy(b.loop);
	return 0;
}
