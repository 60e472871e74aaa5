/*
 * HI → HAck round trip at a living router, over a UDP echo of the same octets.
 *
 *   hi_bench echo PORT                          answers every datagram (in the router's namespace)
 *   hi_bench FROM TO PORT PAR-PREFIX NAR-PREFIX [ROUNDS [COUNT]]
 *
 * The second form runs in the place of the neighbour FROM; each HI announces another mobile, so each HAck stands for a
 * session, a hold and its route.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "core/loop.h"
#include "fmip6/fmip6_wire.h"
#include "net/mh.h"

#define LIMIT_US 500000.0

struct driver {
	struct loop *loop;
	struct mh *mh;
	int udp;
	struct in6_addr from, to;
	struct prefix par, nar;
	struct sockaddr_in6 echo;
	uint32_t mobile;
	uint16_t seq;
	bool answered;
	uint8_t code;
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

static bool is_mine(const struct in6_addr *a, void *arg)
{
	struct driver *d = arg;
	return addr_eq(a, &d->from);
}

static void on_mh(const struct mh_message *m, void *arg)
{
	struct driver *d = arg;
	struct hack hack;
	if (hack_parse(m->data, m->len, &hack) == 0 && hack.seq == d->seq) {
		d->answered = true;
		d->code = hack.code;
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

static double hi_once(void *arg)
{
	struct driver *d = arg;
	next_message(d);
	d->answered = false;
	double start = bench_now_us();
	if (mh_send(d->mh, 0, &d->from, &d->to, NULL, d->message, d->len) < 0)
		return -1;
	while (!d->answered && bench_now_us() - start < LIMIT_US)
		loop_once(d->loop, USEC_SEC / 2);
	if (d->answered && d->code != 0)
		fprintf(stderr, "hi_bench: HAck code %u\n", d->code);
	return d->answered && d->code == 0 ? bench_now_us() - start : -1;
}

static double echo_once(void *arg)
{
	struct driver *d = arg;
	uint8_t back[256];
	struct pollfd p = { .fd = d->udp, .events = POLLIN };
	double start = bench_now_us();
	if (d->len == 0)
		next_message(d);
	if (sendto(d->udp, d->message, d->len, 0, (struct sockaddr *)&d->echo, sizeof d->echo) < 0)
		return -1;
	if (poll(&p, 1, (int)(LIMIT_US / 1000)) != 1 || recv(d->udp, back, sizeof back, 0) < 0)
		return -1;
	return bench_now_us() - start;
}

int main(int argc, char **argv)
{
	static const uint8_t types[] = { MH_TYPE_HACK };
	struct driver d = { .udp = -1 };
	if (argc == 3 && strcmp(argv[1], "echo") == 0)
		return echo_server((uint16_t)atoi(argv[2]));
	if (argc < 6 || addr_parse(argv[1], &d.from) || addr_parse(argv[2], &d.to) || prefix_parse(argv[4], &d.par) ||
	    prefix_parse(argv[5], &d.nar)) {
		fprintf(stderr, "usage: hi_bench echo PORT | FROM TO PORT PAR-PREFIX NAR-PREFIX [ROUNDS [COUNT]]\n");
		return 2;
	}
	d.echo = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = d.to, .sin6_port = htons((uint16_t)atoi(argv[3])) };
	d.udp = socket(AF_INET6, SOCK_DGRAM, 0);
	d.loop = loop_create();
	d.mh = d.loop ? mh_open(d.loop, types, sizeof types, is_mine, on_mh, &d) : NULL;
	if (d.udp < 0 || !d.mh)
		return 1;
	int r = bench_compare("HI to HAck over UDP echo", echo_once, hi_once, &d, argc > 6 ? (size_t)atoi(argv[6]) : 7,
	                      argc > 7 ? (size_t)atoi(argv[7]) : 100);
	mh_close(d.mh);
	loop_destroy(d.loop);
	close(d.udp);
	return r;
}
