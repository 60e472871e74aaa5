/*
 * HI → HAck round trip at a living router, over a UDP echo of the same octets.
 *
 *   hi_bench echo PORT                          answers every datagram (in the router's namespace)
 *   hi_bench FROM TO PORT PAR-PREFIX NAR-PREFIX [ROUNDS [COUNT]]
 *
 * The second form runs in the place of the neighbour FROM; each HI announces another mobile, so each HAck stands for a
 * session, a hold, its route and its proxy neighbour entry. Both ways the bench itself sends, polls and receives alike.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "fmip6/fmip6_wire.h"
#include "net/mh.h"

#ifndef IPPROTO_MH
#define IPPROTO_MH 135
#endif
#define LIMIT_US 500000.0

struct driver {
	int udp, mh;
	struct in6_addr from, to;
	struct prefix par, nar;
	uint32_t mobile;
	uint16_t seq;
	uint8_t message[256];
	size_t len;
};

static int echo_server(uint16_t port)
{
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof any) < 0) {
		perror("hi_bench: echo");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		uint8_t data[2048];
		struct sockaddr_in6 peer;
		socklen_t peer_len = sizeof peer;
		ssize_t n = recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&peer, &peer_len);
		if (n < 0 || sendto(fd, data, (size_t)n, 0, (struct sockaddr *)&peer, peer_len) < 0)
			return 1;
	}
}

static struct in6_addr in_prefix(const struct prefix *p, uint32_t i)
{
	struct in6_addr iid = { .s6_addr = { [8] = 0x02, [11] = 0xff, [12] = 0xfe } };
	for (int k = 0; k < 4; k++)
		iid.s6_addr[15 - k] = (uint8_t)(i >> (8 * k));
	return addr_compose(p, &iid);
}

static void next_message(struct driver *d)
{
	uint32_t i = ++d->mobile;
	struct hi hi = {
		.seq = ++d->seq,
		.flags = HI_BUFFER,
		.lladdr = { .len = 6, .octet = { 2, 9, (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i } },
		.pcoa = in_prefix(&d->par, i),
		.ncoa = in_prefix(&d->nar, i),
	};
	int n = hi_pack(&hi, d->message, sizeof d->message);
	d->len = n > 0 ? (size_t)n : 0;
}

/* One datagram. False: none came in time. */
static bool receive(int fd, uint8_t *out, size_t cap, ssize_t *len)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	return poll(&p, 1, (int)(LIMIT_US / 1000)) == 1 && (*len = recv(fd, out, cap, 0)) >= 0;
}

static double hi_once(void *arg)
{
	struct driver *d = arg;
	uint8_t back[256];
	struct hack hack;
	ssize_t n;
	next_message(d);
	double start = bench_now_us();
	if (send(d->mh, d->message, d->len, 0) < 0)
		return -1;
	do
		if (!receive(d->mh, back, sizeof back, &n))
			return -1;
	while (n < 6 || back[2] != MH_TYPE_HACK || hack_parse(back, (size_t)n, &hack) < 0 || hack.seq != d->seq);
	if (hack.code != 0)
		fprintf(stderr, "hi_bench: HAck code %u\n", hack.code);
	return hack.code == 0 ? bench_now_us() - start : -1;
}

static double echo_once(void *arg)
{
	struct driver *d = arg;
	uint8_t back[256];
	ssize_t n;
	double start = bench_now_us();
	if (d->len == 0)
		next_message(d);
	if (send(d->udp, d->message, d->len, 0) < 0 || !receive(d->udp, back, sizeof back, &n))
		return -1;
	return bench_now_us() - start;
}

static bool connected(int fd, const struct in6_addr *from, const struct in6_addr *to, uint16_t port)
{
	struct sockaddr_in6 here = { .sin6_family = AF_INET6, .sin6_addr = *from };
	struct sockaddr_in6 there = { .sin6_family = AF_INET6, .sin6_addr = *to, .sin6_port = htons(port) };
	return fd >= 0 && bind(fd, (struct sockaddr *)&here, sizeof here) == 0 && connect(fd, (struct sockaddr *)&there, sizeof there) == 0;
}

int main(int argc, char **argv)
{
	struct driver d = { .udp = -1 };
	int checksum = 4;
	if (argc == 3 && strcmp(argv[1], "echo") == 0)
		return echo_server((uint16_t)atoi(argv[2]));
	if (argc < 6 || addr_parse(argv[1], &d.from) || addr_parse(argv[2], &d.to) || prefix_parse(argv[4], &d.par) ||
	    prefix_parse(argv[5], &d.nar)) {
		fprintf(stderr, "usage: hi_bench echo PORT | FROM TO PORT PAR-PREFIX NAR-PREFIX [ROUNDS [COUNT]]\n");
		return 2;
	}
	d.udp = socket(AF_INET6, SOCK_DGRAM, 0);
	d.mh = socket(AF_INET6, SOCK_RAW, IPPROTO_MH);
	if (!connected(d.udp, &d.from, &d.to, (uint16_t)atoi(argv[3])) || !connected(d.mh, &d.from, &d.to, 0) ||
	    setsockopt(d.mh, IPPROTO_IPV6, IPV6_CHECKSUM, &checksum, sizeof checksum) < 0) {
		perror("hi_bench");
		return 1;
	}
	for (int i = 0; i < 20 && echo_once(&d) < 0; i++)
		; /* the way between them may not be known yet */
	int r = bench_compare("HI to HAck over UDP echo", echo_once, hi_once, &d, argc > 6 ? (size_t)atoi(argv[6]) : 7,
	                      argc > 7 ? (size_t)atoi(argv[7]) : 100);
	close(d.mh);
	close(d.udp);
	return r;
}
