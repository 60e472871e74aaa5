/*
 * The floor under a context transfer: messages of the same size, there and back, over our SCTP and nothing above it.
 *
 *   sctp_echo server [OPTIONS]
 *   sctp_echo client [OPTIONS] --to ADDR [--count N] [--size OCTETS] [--warmup N]
 *   OPTIONS: --backend auto|kernel|usrsctp --local ADDR --port N --udp LOCAL[:PEER]
 *
 * The server sends every message back and runs until SIGTERM. The client keeps one message on the way, and prints one
 * line: the backend, how many came back, and the round trip in microseconds (minimum, median, 99th percentile, maximum).
 * Exit 0, 1 (no association, or messages lost), 2 (usage).
 */
#include "config.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "net/sctp.h"

#define PPID 0x43585450 /* CXTP: so that a capture shows what it stands for */
#define SIZE_MAX_ARG 65000
#define PATIENCE (10 * USEC_SEC)

struct echo {
	struct loop *loop;
	struct sctp *sctp;
	struct timer patience;
	bool client;
	size_t size, count, warmup, done;
	usec_t sent_at;
	usec_t *rtt;
	int status;
};

static uint8_t payload[SIZE_MAX_ARG];

static void client_send(struct echo *e, struct sctp_peer *p)
{
	e->sent_at = loop_now_fresh(e->loop);
	if (sctp_send(p, PPID, payload, e->size, 0) < 0)
		loop_stop(e->loop);
	timer_after(&e->patience, PATIENCE);
}

static void on_up(struct sctp_peer *p, void *arg)
{
	struct echo *e = arg;

	if (e->client)
		client_send(e, p);
}

static void on_message(struct sctp_peer *p, uint32_t ppid, const uint8_t *data, size_t len, void *arg)
{
	struct echo *e = arg;

	if (!e->client) {
		(void)sctp_send(p, ppid, data, len, 200 * USEC_MSEC);
		return;
	}
	if (len != e->size)
		return;
	if (e->done >= e->warmup)
		e->rtt[e->done - e->warmup] = loop_now_fresh(e->loop) - e->sent_at;
	if (++e->done == e->warmup + e->count) {
		e->status = 0;
		loop_stop(e->loop);
	} else {
		client_send(e, p);
	}
}

static bool on_admit(const struct in6_addr *addr, void *arg)
{
	const struct echo *e = arg;

	return !e->client;
}

static void on_patience(struct timer *t, void *arg)
{
	struct echo *e = arg;

	fprintf(stderr, "sctp_echo: nothing came back for %llu s\n", (unsigned long long)(PATIENCE / USEC_SEC));
	loop_stop(e->loop);
}

static void on_signal(int signum, void *arg)
{
	struct echo *e = arg;

	e->status = e->client ? 1 : 0;
	loop_stop(e->loop);
}

static int by_value(const void *a, const void *b)
{
	const usec_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void report(const struct echo *e)
{
	size_t n = e->done > e->warmup ? e->done - e->warmup : 0;

	qsort(e->rtt, n, sizeof(*e->rtt), by_value);
	printf("backend=%s size=%zu count=%zu", sctp_backend(e->sctp) == SCTP_KERNEL ? "kernel" : "usrsctp", e->size, n);
	if (n > 0)
		printf(" min_us=%llu median_us=%llu p99_us=%llu max_us=%llu", (unsigned long long)e->rtt[0],
		       (unsigned long long)e->rtt[n / 2], (unsigned long long)e->rtt[n * 99 / 100],
		       (unsigned long long)e->rtt[n - 1]);
	printf("\n");
}

static _Noreturn void usage(void)
{
	fprintf(stderr, "usage: sctp_echo server|client [--backend auto|kernel|usrsctp] [--local ADDR] [--port N]"
	                " [--udp LOCAL[:PEER]] [--to ADDR] [--count N] [--size OCTETS] [--warmup N]\n");
	exit(2);
}

static unsigned long number(const char *text, unsigned long max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text == 0 || *end != 0 || n > max)
		usage();
	return n;
}

static enum sctp_backend backend_of(const char *name)
{
	static const char *const names[] = { [SCTP_AUTO] = "auto", [SCTP_KERNEL] = "kernel", [SCTP_USRSCTP] = "usrsctp" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(name, names[i]) == 0)
			return (enum sctp_backend)i;
	usage();
}

static void udp_ports(char *text, struct sctp_config *cfg, uint16_t *peer)
{
	char *colon = strchr(text, ':');

	if (colon != NULL)
		*colon = 0;
	cfg->udp_port = (uint16_t)number(text, 65535);
	*peer = colon != NULL ? (uint16_t)number(colon + 1, 65535) : cfg->udp_port;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "backend", 1, NULL, 'b' }, { "local", 1, NULL, 'l' }, { "port", 1, NULL, 'p' }, { "udp", 1, NULL, 'u' },
		{ "to", 1, NULL, 't' }, { "count", 1, NULL, 'c' }, { "size", 1, NULL, 's' }, { "warmup", 1, NULL, 'w' }, { 0 },
	};
	static const struct sctp_ops ops = { .admit = on_admit, .up = on_up, .message = on_message };
	struct sctp_config cfg = { .port = 5091, .rto_min = 20 * USEC_MSEC, .rto_initial = 100 * USEC_MSEC, .rto_max = USEC_SEC,
		.heartbeat = 5 * USEC_SEC, .max_message = SIZE_MAX_ARG, .max_peers = 64, .queue_limit = 1 << 18,
		.retry_min = 100 * USEC_MSEC, .retry_max = USEC_SEC };
	struct echo e = { .size = 200, .count = 1000, .warmup = 20, .status = 1 };
	struct in6_addr to = { 0 };
	uint16_t peer_udp = 0;
	int c;

	if (argc < 2 || (strcmp(argv[1], "server") != 0 && strcmp(argv[1], "client") != 0))
		usage();
	e.client = argv[1][0] == 'c';
	optind = 2;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'b': cfg.backend = backend_of(optarg); break;
		case 'l': if (addr_parse(optarg, &cfg.local) < 0) usage(); break;
		case 'p': cfg.port = (uint16_t)number(optarg, 65535); break;
		case 'u': udp_ports(optarg, &cfg, &peer_udp); break;
		case 't': if (addr_parse(optarg, &to) < 0) usage(); break;
		case 'c': e.count = number(optarg, 100000000); break;
		case 's': e.size = number(optarg, SIZE_MAX_ARG); break;
		case 'w': e.warmup = number(optarg, 100000000); break;
		default: usage();
		}
	}
	if (optind != argc || e.size == 0 || e.count == 0 || e.client == addr_is_zero(&to))
		usage();
	log_level_set(LOG_LEVEL_WARNING);
	e.loop = loop_create();
	e.rtt = calloc(e.count, sizeof(*e.rtt));
	if (e.loop == NULL || e.rtt == NULL || (e.sctp = sctp_open(e.loop, &cfg, &ops, &e)) == NULL) {
		fprintf(stderr, "sctp_echo: cannot open the endpoint\n");
		return 1;
	}
	loop_signal(e.loop, SIGTERM, on_signal, &e);
	loop_signal(e.loop, SIGINT, on_signal, &e);
	timer_init(&e.patience, e.loop, on_patience, &e);
	if (e.client) {
		timer_after(&e.patience, PATIENCE);
		if (sctp_connect(e.sctp, &to, cfg.port, peer_udp) == NULL)
			return 1;
	}
	loop_run(e.loop);
	if (e.client)
		report(&e);
	sctp_close(e.sctp);
	loop_destroy(e.loop);
	free(e.rtt);
	return e.status;
}
