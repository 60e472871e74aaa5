/*
 * One context transfer at a living router, over an SCTP echo of the same octets on the same backend.
 *
 *   ct_bench BACKEND LOCAL ROUTER ECHO PCOA PAR KEY [ROUNDS [COUNT]]
 *
 * Runs in the place of the neighbour LOCAL. Subject: CT-Req → CTD at ROUTER, port 5091 (the router checks the token,
 * collects the contexts, answers). Floor: a message as long as the CT-Req to ECHO, port 5999, where sctp_echo runs in a
 * namespace of its own. PAR is the router's address that the mobile knows; KEY the mobile's key as in a configuration.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "core/loop.h"
#include "core/secret.h"
#include "cxtp/cxtp_token.h"
#include "cxtp/cxtp_wire.h"
#include "net/sctp.h"

#define LIMIT_US 1000000.0
#define ECHO_PORT 5999

struct driver {
	struct loop *loop;
	struct sctp *sctp;
	struct sctp_peer *router, *echo;
	struct in6_addr pcoa, par;
	struct secret *key;
	uint32_t mobile, seq;
	uint8_t request[512];
	size_t len;
	bool answered;
};

static bool admit(const struct in6_addr *addr, void *arg)
{
	return true;
}

static void on_up(struct sctp_peer *p, void *arg)
{
}

static void on_down(struct sctp_peer *p, const char *reason, void *arg)
{
	fprintf(stderr, "ct_bench: association with %s down: %s\n", ADDR(sctp_peer_addr(p)), reason);
}

static void on_message(struct sctp_peer *p, uint32_t ppid, const uint8_t *data, size_t len, void *arg)
{
	struct driver *d = arg;
	struct cxtp_message m;
	if (p == d->echo)
		d->answered = len == d->len;
	else if (cxtp_parse(data, len, &m) == CXTP_OK && (m.type == CXTP_CTD || m.type == CXTP_PCTD))
		d->answered = true;
}

/* Another mobile each time: a pAR has one transfer a mobile. */
static int next_request(struct driver *d)
{
	uint8_t key[CXTP_KEY_LEN];
	struct cxtp_message m = { .type = CXTP_CTREQ, .mobile = d->pcoa, .seq = ++d->seq };
	uint32_t i = ++d->mobile;
	for (int k = 0; k < 4; k++)
		m.mobile.s6_addr[15 - k] = (uint8_t)(i >> (8 * k));
	if (cxtp_key(d->key, &m.mobile, &d->par, m.seq, key) < 0 ||
	    cxtp_token(key, sizeof key, &m.mobile, m.seq, NULL, 0, &m.token) < 0)
		return -1;
	d->len = cxtp_pack(&m, d->request, sizeof d->request);
	return d->len ? 0 : -1;
}

static double exchange(struct driver *d, struct sctp_peer *p)
{
	d->answered = false;
	double start = bench_now_us();
	if (sctp_send(p, CXTP_PPID, d->request, d->len, 0) < 0)
		return -1;
	while (!d->answered && bench_now_us() - start < LIMIT_US)
		loop_once(d->loop, USEC_SEC / 2);
	return d->answered ? bench_now_us() - start : -1;
}

static double echo_once(void *arg)
{
	struct driver *d = arg;
	return next_request(d) < 0 ? -1 : exchange(d, d->echo);
}

static double transfer_once(void *arg)
{
	struct driver *d = arg;
	return next_request(d) < 0 ? -1 : exchange(d, d->router);
}

static bool connected(struct driver *d)
{
	double start = bench_now_us();
	while (!(sctp_peer_up(d->router) && sctp_peer_up(d->echo))) {
		if (bench_now_us() - start > 10e6)
			return false;
		loop_once(d->loop, USEC_SEC / 10);
	}
	return true;
}

int main(int argc, char **argv)
{
	static const char *const backends[] = { "auto", "kernel", "usrsctp" };
	struct sctp_config cfg = { .port = CXTP_PORT, .rto_min = 20 * USEC_MSEC, .rto_initial = 50 * USEC_MSEC, .rto_max = USEC_SEC,
		.heartbeat = 5 * USEC_SEC, .max_message = 65535, .max_peers = 8, .queue_limit = 1 << 20,
		.retry_min = 100 * USEC_MSEC, .retry_max = USEC_SEC };
	struct sctp_ops ops = { .admit = admit, .up = on_up, .down = on_down, .restarted = on_up, .message = on_message };
	struct driver d = { 0 };
	struct in6_addr router, echo;
	int backend = -1;
	for (int i = 0; argc > 1 && i < 3; i++)
		if (strcmp(argv[1], backends[i]) == 0)
			backend = i;
	if (argc < 8 || backend < 0 || addr_parse(argv[2], &cfg.local) || addr_parse(argv[3], &router) ||
	    addr_parse(argv[4], &echo) || addr_parse(argv[5], &d.pcoa) || addr_parse(argv[6], &d.par) ||
	    secret_parse(argv[7], &d.key)) {
		fprintf(stderr, "usage: ct_bench BACKEND LOCAL ROUTER ECHO PCOA PAR KEY [ROUNDS [COUNT]]\n");
		return 2;
	}
	cfg.backend = (enum sctp_backend)backend;
	secret_random(&d.seq, sizeof d.seq);
	d.loop = loop_create();
	d.sctp = d.loop ? sctp_open(d.loop, &cfg, &ops, &d) : NULL;
	if (!d.sctp)
		return 1;
	d.router = sctp_connect(d.sctp, &router, CXTP_PORT, 0);
	d.echo = sctp_connect(d.sctp, &echo, ECHO_PORT, 0);
	int r = 1;
	if (d.router && d.echo && connected(&d))
		r = bench_compare("context transfer over SCTP echo", echo_once, transfer_once, &d,
		                  argc > 8 ? (size_t)atoi(argv[8]) : 7, argc > 9 ? (size_t)atoi(argv[9]) : 100);
	else
		fprintf(stderr, "ct_bench: no association\n");
	sctp_close(d.sctp);
	secret_unref(d.key);
	loop_destroy(d.loop);
	return r;
}
