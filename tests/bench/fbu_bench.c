/*
 * FBU → FBack at a living previous router, over a relayed UDP echo of the same octets.
 *
 *   fbu_bench relay PORT NEXT PORT              takes a datagram, has NEXT's echo answer it, and sends that back
 *   fbu_bench PAR PORT PAR-PREFIX NAR-PREFIX LLADDR KEY [ROUNDS [COUNT]]
 *
 * The second form runs in the place of the mobiles, behind the link-layer address LLADDR. Each FBU is another mobile's: its
 * authenticator is verified, HI and HAck pass between the routers, the tunnel is installed, and the FBack authenticated. The floor
 * goes the same ways: to the previous router, from there to the new one and back, and back. It has the octets of FBU, HI, HI
 * and FBack; each of its programs does nothing but receive and send.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "core/buf.h"
#include "core/secret.h"
#include "fmip6/fmip6_wire.h"
#include "net/mh.h"
#include "net/packet.h"

#ifndef IPPROTO_MH
#define IPPROTO_MH 135
#endif
#define LIMIT_MS 500
#define LIFETIME 8 /* seconds of each binding */

struct driver {
	int udp, out, mh;
	struct in6_addr par;
	struct prefix here, there;
	struct lladdr lladdr;
	struct secret *key;
	uint32_t mobile;
	uint16_t seq;
	struct in6_addr pcoa, ncoa;
	struct badf_key badf;
	uint8_t packet[512]; /* as it goes out */
	size_t len;
};

static struct sockaddr_in6 endpoint(const struct in6_addr *a, uint16_t port)
{
	return (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = *a, .sin6_port = htons(port) };
}

/* -- the floor's relay ----------------------------------------------------------------------------------------------- */

static int hi_octets(uint8_t *out, size_t cap)
{
	static const struct hi hi = { .lladdr = { .len = 6 }, .pcoa = IN6ADDR_LOOPBACK_INIT, .ncoa = IN6ADDR_LOOPBACK_INIT };
	return hi_pack(&hi, out, cap);
}

static int fback_octets(uint8_t *out, size_t cap)
{
	static const struct fback fback = { .has_badf = true };
	return fback_pack(&fback, out, cap);
}

static int relay(uint16_t port, const struct in6_addr *next, uint16_t next_port)
{
	struct sockaddr_in6 here = endpoint(&in6addr_any, port), there = endpoint(next, next_port), peer;
	uint8_t data[2048], hi[256], fback[256];
	int in = socket(AF_INET6, SOCK_DGRAM, 0), on = socket(AF_INET6, SOCK_DGRAM, 0);
	int hi_len = hi_octets(hi, sizeof hi), fback_len = fback_octets(fback, sizeof fback);
	if (hi_len < 0 || fback_len < 0 || bind(in, (struct sockaddr *)&here, sizeof here) < 0 ||
	    connect(on, (struct sockaddr *)&there, sizeof there) < 0) {
		perror("fbu_bench: relay");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		socklen_t peer_len = sizeof peer;
		if (recvfrom(in, data, sizeof data, 0, (struct sockaddr *)&peer, &peer_len) < 0 || send(on, hi, (size_t)hi_len, 0) < 0 ||
		    recv(on, data, sizeof data, 0) < 0 || sendto(in, fback, (size_t)fback_len, 0, (struct sockaddr *)&peer, peer_len) < 0)
			return 1;
	}
}

/* -- the mobiles ----------------------------------------------------------------------------------------------------- */

static struct in6_addr in_prefix(const struct prefix *p, uint32_t i)
{
	struct in6_addr iid = { .s6_addr = { [8] = 0x02, [11] = 0xff } };
	for (int k = 0; k < 4; k++)
		iid.s6_addr[15 - k] = (uint8_t)(i >> (8 * k));
	return addr_compose(p, &iid);
}

/* The next mobile's FBU, as RFC 5568 §6.2.2 has it: from its previous address, which stands in a Home Address option too. */
static bool next_message(struct driver *d)
{
	uint8_t fbu[256];
	d->pcoa = in_prefix(&d->here, ++d->mobile);
	d->ncoa = in_prefix(&d->there, d->mobile);
	const struct piece piece = { d->pcoa.s6_addr, sizeof d->pcoa.s6_addr };
	const struct fbu m = { .seq = ++d->seq, .flags = FBU_ACK | FBU_HOME, .lifetime = LIFETIME, .ncoa = d->ncoa, .lladdr = d->lladdr,
		.has_badf = true, .badf = { .spi = BADF_SPI_CONFIGURED } };
	int n = fbu_pack(&m, fbu, sizeof fbu);
	if (n < 0 || secret_derive(d->key, "handoverd fmip6 badf", &piece, 1, d->badf.octets, sizeof d->badf.octets) ||
	    badf_sign(&d->badf, &d->ncoa, &d->par, fbu, (size_t)n))
		return false;
	uint16_t sum = checksum_ipv6(&d->pcoa, &d->par, IPPROTO_MH, fbu, (size_t)n);
	fbu[4] = (uint8_t)(sum >> 8);
	fbu[5] = (uint8_t)sum;
	struct wr w = wr_make(d->packet, sizeof d->packet);
	packet6_put_header(&w, &d->pcoa, &d->par, IPPROTO_DSTOPTS, 64);
	packet6_put_home(&w, IPPROTO_MH, &d->pcoa);
	wr_copy(&w, fbu, (size_t)n);
	wr_patch16(&w, 4, (uint16_t)(w.len - PACKET6_HEADER));
	d->len = w.len;
	return wr_ok(&w);
}

/* One datagram. False: none came in time. */
static bool receive(int fd, uint8_t *out, size_t cap, ssize_t *len)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	return poll(&p, 1, LIMIT_MS) == 1 && (*len = recv(fd, out, cap, 0)) >= 0;
}

static double fbu_once(void *arg)
{
	struct driver *d = arg;
	struct sockaddr_in6 to = endpoint(&d->par, 0);
	struct fback m;
	uint8_t back[256];
	ssize_t n;
	if (!next_message(d))
		return -1;
	double start = bench_now_us();
	if (sendto(d->out, d->packet, d->len, 0, (struct sockaddr *)&to, sizeof to) < 0)
		return -1;
	do
		if (!receive(d->mh, back, sizeof back, &n))
			return -1;
	while (n < 6 || back[2] != MH_TYPE_FBACK || fback_parse(back, (size_t)n, &m) < 0 || m.seq != d->seq);
	double took = bench_now_us() - start;
	bool good = m.status == FBACK_ACCEPTED && m.has_badf && badf_verify(&d->badf, &d->ncoa, &d->par, back, (size_t)n);
	if (!good)
		fprintf(stderr, "fbu_bench: FBack status %u, or not authentic\n", m.status);
	return good ? took : -1;
}

static double echo_once(void *arg)
{
	struct driver *d = arg;
	uint8_t back[256];
	ssize_t n;
	if (d->len == 0 && !next_message(d))
		return -1;
	double start = bench_now_us();
	if (send(d->udp, d->packet + PACKET6_HEADER, d->len - PACKET6_HEADER, 0) < 0 || !receive(d->udp, back, sizeof back, &n))
		return -1;
	return bench_now_us() - start;
}

static bool sockets_open(struct driver *d, uint16_t port)
{
	struct sockaddr_in6 there = endpoint(&d->par, port);
	d->udp = socket(AF_INET6, SOCK_DGRAM, 0);
	d->out = socket(AF_INET6, SOCK_RAW, IPPROTO_RAW);
	d->mh = socket(AF_INET6, SOCK_RAW, IPPROTO_MH);
	return d->out >= 0 && d->mh >= 0 && connect(d->udp, (struct sockaddr *)&there, sizeof there) == 0;
}

int main(int argc, char **argv)
{
	struct driver d = { .udp = -1 };
	struct in6_addr next;
	if (argc == 5 && strcmp(argv[1], "relay") == 0 && addr_parse(argv[3], &next) == 0)
		return relay((uint16_t)atoi(argv[2]), &next, (uint16_t)atoi(argv[4]));
	if (argc < 7 || addr_parse(argv[1], &d.par) || prefix_parse(argv[3], &d.here) || prefix_parse(argv[4], &d.there) ||
	    lladdr_parse(argv[5], &d.lladdr) || secret_parse(argv[6], &d.key)) {
		fprintf(stderr, "usage: fbu_bench relay PORT NEXT PORT | PAR PORT PAR-PREFIX NAR-PREFIX LLADDR KEY [ROUNDS [COUNT]]\n");
		return 2;
	}
	secret_warm();
	if (!sockets_open(&d, (uint16_t)atoi(argv[2]))) {
		perror("fbu_bench");
		return 1;
	}
	for (int i = 0; i < 20 && echo_once(&d) < 0; i++)
		; /* the way between them may not be known yet */
	int r = bench_compare("FBU to FBack over relayed UDP echo", echo_once, fbu_once, &d, argc > 7 ? (size_t)atoi(argv[7]) : 7,
	                      argc > 8 ? (size_t)atoi(argv[8]) : 50);
	secret_unref(d.key);
	close(d.mh);
	close(d.out);
	close(d.udp);
	return r;
}
