/*
 * Context transactions at a living router, over an SCTP echo of the same octets on the same backend.
 *
 *   ct_bench store|install|tail [OPTIONS] BACKEND LOCAL ROUTER ECHO
 *
 * Runs in the place of the neighbour LOCAL; sctp_echo runs at ECHO, port 5999, in a namespace of its own.
 *
 * store: CT-Req → CTD at ROUTER, which checks the token, collects the contexts and keeps them; a CTC ends it (not timed), so
 * that the mobile's contexts are there for the next time. Mobiles are FIRST and the N-1 addresses after it.
 *
 * install: a mobile's CTAR is put to ROUTER over its access link, and its CT-Req comes back. Then the clock runs: PCTD → CTDR,
 * in which ROUTER keeps contexts and key, checks the token, and puts the contexts in force. Mobiles come by turns to FIRST and
 * the N-1 addresses after it.
 *
 * Floor, by turns with the subject in each round: a message as long as the timed one to ECHO and back. Exchanges go in bursts
 * of --window. Prints one JSON object: rates, and the median of the per-round ratios of rates.
 *
 * tail: as store, --window transfers under way, each followed after a pause by another: without pauses the real-time scheduler
 * would halt all of us for a while in each second. Prints how long the slowest took.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/secret.h"
#include "cxtp/cxtp_token.h"
#include "cxtp/cxtp_wire.h"
#include "net/sctp.h"

#define LIMIT_US 2000000.0
#define ECHO_PORT 5999
#define SETTLE_US 3000.0
#define BLOCK 64 /* exchanges timed together */
#define PAUSE 200 /* µs between a transfer and the next, tail */
#define LIFETIME (200 * USEC_MSEC)

struct slot { /* one exchange under way */
	struct timer pause; /* first */
	struct in6_addr mobile;
	uint32_t seq;
	bool answered;
	double since;
	uint8_t out[256];
	size_t len;
};

struct driver {
	struct loop *loop;
	struct sctp *sctp;
	struct sctp_peer *router, *echo;
	int icmp;
	struct in6_addr first, par, on_link; /* par: as the mobiles know the previous router; on_link: ROUTER's */
	struct secret *key;
	uint32_t mobiles, next, seq;
	size_t window, rounds, count, waiting;
	bool floor; /* what comes in answers the floor */
	enum cxtp_type want; /* what answers the subject */
	struct slot slots[BLOCK];
	uint8_t pctd_key[CXTP_KEY_LEN];
	double *took; /* tail */
	size_t done, sent;
};

static struct in6_addr nth(const struct in6_addr *first, uint32_t i)
{
	struct in6_addr a = *first;
	uint32_t low = (uint32_t)a.s6_addr[12] << 24 | (uint32_t)a.s6_addr[13] << 16 | (uint32_t)a.s6_addr[14] << 8 | a.s6_addr[15];
	low += i;
	for (int k = 0; k < 4; k++)
		a.s6_addr[15 - k] = (uint8_t)(low >> (8 * k));
	return a;
}

static bool admit(const struct in6_addr *addr, void *arg)
{
	return true;
}

static void on_down(struct sctp_peer *p, const char *reason, void *arg)
{
	fprintf(stderr, "ct_bench: association with %s down: %s\n", ADDR(sctp_peer_addr(p)), reason);
}

static struct slot *slot_of(struct driver *d, const struct in6_addr *mobile)
{
	for (size_t i = 0; i < BLOCK; i++)
		if (!d->slots[i].answered && addr_eq(&d->slots[i].mobile, mobile))
			return &d->slots[i];
	return NULL;
}

/* The transfer is over; its mobile's contexts stay where they are. */
static void cancel(struct driver *d, const struct slot *s)
{
	uint8_t out[64];
	struct cxtp_message m = { .type = CXTP_CTC, .mobile = s->mobile };
	sctp_send(d->router, CXTP_PPID, out, cxtp_pack(&m, out, sizeof out), LIFETIME);
}

static void answer(struct driver *d, struct slot *s)
{
	s->answered = true;
	d->waiting--;
	if (!d->took)
		return;
	cancel(d, s);
	d->took[d->done++] = bench_now_us() - s->since;
	timer_after(&s->pause, PAUSE);
}

static void on_message(struct sctp_peer *p, uint32_t ppid, const uint8_t *data, size_t len, void *arg)
{
	struct driver *d = arg;
	struct cxtp_message m;
	if (p == d->echo) {
		d->waiting -= d->floor && d->waiting;
		return;
	}
	if (cxtp_parse(data, len, &m) != CXTP_OK)
		return;
	struct slot *s = m.type == d->want && d->waiting ? slot_of(d, &m.mobile) : NULL;
	if (s)
		answer(d, s);
}

static bool wait_all(struct driver *d)
{
	double start = bench_now_us();
	while (d->waiting && bench_now_us() - start < LIMIT_US)
		loop_once(d->loop, USEC_SEC / 2);
	return !d->waiting;
}

/* ---- what is exchanged ---- */

static bool make_request(struct driver *d, struct slot *s)
{
	uint8_t key[CXTP_KEY_LEN];
	struct cxtp_message m = { .type = CXTP_CTREQ, .mobile = nth(&d->first, d->next++ % d->mobiles), .seq = ++d->seq };
	s->mobile = m.mobile;
	s->answered = false;
	if (cxtp_key(d->key, &m.mobile, &d->par, m.seq, key) || cxtp_token(key, sizeof key, &m.mobile, m.seq, NULL, 0, &m.token))
		return false;
	s->len = cxtp_pack(&m, s->out, sizeof s->out);
	return s->len;
}

static bool send_ctar(struct driver *d, const struct slot *s, uint32_t token, const struct in6_addr *ncoa)
{
	uint8_t packet[128];
	struct wr w = wr_make(packet, sizeof packet);
	struct cxtp_message m = { .type = CXTP_CTAR, .flag = true, .mobile = s->mobile, .router = d->par, .seq = s->seq, .token = token };
	wr_u8(&w, CXTP_ICMP6_TYPE);
	wr_zero(&w, 3);
	wr_u8(&w, CXTP_ICMP_SUBTYPE);
	wr_zero(&w, 3);
	size_t len = w.len + cxtp_pack(&m, packet + w.len, sizeof packet - w.len);
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control = { 0 };
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_addr = d->on_link };
	struct iovec iov = { packet, len };
	struct msghdr msg = { .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
		              .msg_controllen = sizeof control };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	struct in6_pktinfo from = { .ipi6_addr = *ncoa };
	*c = (struct cmsghdr){ .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO, .cmsg_len = CMSG_LEN(sizeof from) };
	memcpy(CMSG_DATA(c), &from, sizeof from);
	return sendmsg(d->icmp, &msg, 0) == (ssize_t)len;
}

/* A PCTD with a multicast group (appendix B), for a mobile that nobody has seen yet. */
static bool make_push(struct driver *d, struct slot *s)
{
	static const uint8_t group[16] = { 0xff, 0x3e, [12] = 0x80, [15] = 1 };
	uint8_t blocks[32], data[24];
	struct wr w = wr_make(blocks, sizeof blocks);
	struct in6_addr ncoa = nth(&d->first, d->next % d->mobiles);
	memcpy(data, &ncoa, 8);
	memcpy(data + 8, group, sizeof group);
	cxtp_block_put(&w, 1, NULL, data, sizeof data);
	s->mobile = d->par; /* its /64 is the previous router's */
	s->mobile.s6_addr[8] = 2;
	s->mobile = nth(&s->mobile, d->next++);
	s->seq = ++d->seq;
	s->answered = false;
	d->pctd_key[0]++;
	uint32_t token;
	struct cxtp_message m = { .type = CXTP_PCTD, .flag = true, .mobile = s->mobile, .algorithm = CXTP_ALGORITHM_HMAC_SHA1,
		                  .key = d->pctd_key, .key_len = sizeof d->pctd_key, .blocks = blocks, .blocks_len = w.len };
	s->len = cxtp_pack(&m, s->out, sizeof s->out);
	return s->len && !cxtp_token(d->pctd_key, sizeof d->pctd_key, &s->mobile, s->seq, NULL, 0, &token) &&
	       send_ctar(d, s, token, &ncoa);
}

/* The block's messages, a window at a time; µs until all are answered, negative if not. */
static double block(struct driver *d, struct sctp_peer *to)
{
	for (size_t i = 0; i < BLOCK; i++)
		d->slots[i].answered = false;
	double start = bench_now_us();
	for (size_t i = 0; i < BLOCK; i++) {
		d->waiting++;
		if (sctp_send(to, CXTP_PPID, d->slots[i].out, d->slots[i].len, LIFETIME) < 0)
			return -1;
		if ((i + 1) % d->window == 0 && !wait_all(d))
			return -1;
	}
	return wait_all(d) ? bench_now_us() - start : -1;
}

/* What follows a transaction is not timed, and must not get into what is. */
static void settle(struct driver *d, bool storing)
{
	for (size_t i = 0; storing && i < BLOCK; i++)
		cancel(d, &d->slots[i]);
	double start = bench_now_us();
	while (bench_now_us() - start < SETTLE_US)
		loop_once(d->loop, 100);
}

static double floor_block(struct driver *d)
{
	d->floor = true;
	double took = block(d, d->echo);
	d->floor = false;
	for (size_t i = 0; i < BLOCK; i++)
		d->slots[i].answered = true;
	return took;
}

static bool prepare_store(struct driver *d)
{
	d->want = CXTP_CTD;
	for (size_t i = 0; i < BLOCK; i++)
		if (!make_request(d, &d->slots[i]))
			return false;
	return true;
}

/* Until the router has asked us for the contexts of all. */
static bool prepare_install(struct driver *d)
{
	d->want = CXTP_CTREQ;
	for (size_t i = 0; i < BLOCK; i++) {
		d->waiting++;
		if (!make_push(d, &d->slots[i]))
			return false;
	}
	bool asked = wait_all(d);
	d->want = CXTP_CTDR;
	return asked;
}

static int compare(struct driver *d, const char *name, bool (*prepare)(struct driver *))
{
	double floors[BENCH_ROUNDS_MAX], subjects[BENCH_ROUNDS_MAX], ratios[BENCH_ROUNDS_MAX];
	for (size_t r = 0; r < d->rounds; r++) {
		double f = 0, s = 0;
		size_t n = 0;
		for (; n < d->count; n += BLOCK) {
			if (!prepare(d)) {
				fprintf(stderr, "ct_bench: nothing came of what goes before, round %zu, exchange %zu\n", r, n);
				return 1;
			}
			settle(d, false);
			double subject = block(d, d->router);
			settle(d, prepare == prepare_store);
			double floor = floor_block(d);
			if (subject < 0 || floor < 0) {
				fprintf(stderr, "ct_bench: no answer (%s), round %zu, exchange %zu, %zu left\n", floor < 0 ? "floor" : "subject", r,
				        n, d->waiting);
				return 1;
			}
			f += floor;
			s += subject;
		}
		floors[r] = (double)n * 1e6 / f;
		subjects[r] = (double)n * 1e6 / s;
		ratios[r] = subjects[r] / floors[r];
	}
	printf("{\"name\": \"%s\", \"window\": %zu, \"octets\": %zu, \"floor_per_s\": %.0f, \"subject_per_s\": %.0f, \"ratio\": %.3f, "
	       "\"rounds\": %zu, \"count\": %zu}\n",
	       name, d->window, d->slots[0].len, bench_median(floors, d->rounds), bench_median(subjects, d->rounds),
	       bench_median(ratios, d->rounds), d->rounds, d->count);
	return 0;
}

/* ---- tail ---- */

static bool tail_next(struct driver *d, struct slot *s)
{
	if (!make_request(d, s))
		return false;
	d->sent++;
	d->waiting++;
	s->since = bench_now_us();
	return sctp_send(d->router, CXTP_PPID, s->out, s->len, LIFETIME) == 0;
}

static void on_pause(struct timer *t, void *arg)
{
	struct driver *d = arg;
	if (d->sent < d->count)
		tail_next(d, (struct slot *)t);
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static int tail(struct driver *d)
{
	d->took = calloc(d->count, sizeof *d->took);
	if (!d->took)
		return 1;
	double start = bench_now_us();
	d->want = CXTP_CTD;
	for (size_t i = 0; i < d->window; i++) {
		timer_init(&d->slots[i].pause, d->loop, on_pause, d);
		if (!tail_next(d, &d->slots[i]))
			return 1;
	}
	for (size_t before = 0; d->done < d->count; before = d->done) {
		double mark = bench_now_us();
		while (d->done < d->count && bench_now_us() - mark < LIMIT_US)
			loop_once(d->loop, USEC_SEC / 10);
		if (d->done == before) {
			fprintf(stderr, "ct_bench: no answer after %zu transfers\n", d->done);
			return 1;
		}
	}
	double took = bench_now_us() - start;
	qsort(d->took, d->done, sizeof *d->took, by_value);
#define AT(share) (d->took[(size_t)((double)(d->done - 1) * (share))] / 1e3)
	printf("{\"name\": \"tail\", \"count\": %zu, \"window\": %zu, \"per_s\": %.0f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"p99.9_ms\": %.3f, "
	       "\"p99.99_ms\": %.3f, \"max_ms\": %.3f}\n",
	       d->done, d->window, (double)d->done * 1e6 / took, AT(0.5), AT(0.99), AT(0.999), AT(0.9999), AT(1.0));
	free(d->took);
	return 0;
}

/* ---- the whole ---- */

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

/* The mobiles' side of the access link: a raw socket in a namespace of theirs. */
static int icmp_in(const char *netns)
{
	int back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), there = open(netns, O_RDONLY | O_CLOEXEC);
	const int hops = 255, on = 1; /* on: mobiles' addresses are only routed there */
	int fd = -1;
	if (back >= 0 && there >= 0 && setns(there, CLONE_NEWNET) == 0) {
		fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
		if (setns(back, CLONE_NEWNET) < 0)
			exit(1);
	}
	if (fd >= 0 && (setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof hops) < 0 ||
	                setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on) < 0))
		perror("ct_bench: socket options");
	close(back);
	close(there);
	return fd;
}

static _Noreturn void usage(void)
{
	fprintf(stderr, "usage: ct_bench store|install|tail [--first ADDR] [--mobiles N] [--par ADDR] [--key KEY] [--on-link ADDR] [--netns PATH]"
	                " [--window N] [--rounds N] [--count N] [--sack-delay MS] BACKEND LOCAL ROUTER ECHO\n");
	exit(2);
}

static size_t number(const char *text, size_t max)
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
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(name, names[i]) == 0)
			return (enum sctp_backend)i;
	usage();
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "first", 1, NULL, 'f' },  { "mobiles", 1, NULL, 'm' }, { "par", 1, NULL, 'p' },    { "key", 1, NULL, 'k' },
		{ "on-link", 1, NULL, 'o' }, { "netns", 1, NULL, 'n' },   { "window", 1, NULL, 'w' }, { "rounds", 1, NULL, 'r' },
		{ "count", 1, NULL, 'c' },  { "sack-delay", 1, NULL, 's' }, { 0 },
	};
	static const struct sctp_ops ops = { .admit = admit, .down = on_down, .message = on_message };
	struct sctp_config cfg = { .port = CXTP_PORT, .rto_min = 20 * USEC_MSEC, .rto_initial = 50 * USEC_MSEC, .rto_max = USEC_SEC,
		.heartbeat = 5 * USEC_SEC, .max_message = 65535, .max_peers = 8, .queue_limit = 1 << 20,
		.retry_min = 100 * USEC_MSEC, .retry_max = USEC_SEC };
	static struct driver d = { .icmp = -1, .mobiles = 1, .window = 1, .rounds = 7, .count = 500 };
	struct in6_addr router, echo;
	const char *netns = NULL;
	if (argc < 2)
		usage();
	const char *mode = argv[1];
	optind = 2;
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (c) {
		case 'f': if (addr_parse(optarg, &d.first)) usage(); break;
		case 'p': if (addr_parse(optarg, &d.par)) usage(); break;
		case 'o': if (addr_parse(optarg, &d.on_link)) usage(); break;
		case 'k': if (secret_parse(optarg, &d.key)) usage(); break;
		case 'n': netns = optarg; break;
		case 'm': d.mobiles = (uint32_t)number(optarg, 1 << 24); break;
		case 'w': d.window = number(optarg, BLOCK); break;
		case 'r': d.rounds = number(optarg, BENCH_ROUNDS_MAX); break;
		case 'c': d.count = number(optarg, 100000000); break;
		case 's': cfg.sack_delay = number(optarg, 500) * USEC_MSEC; break;
		default: usage();
		}
	}
	bool installing = !strcmp(mode, "install");
	if (argc - optind != 4 || !d.window || !d.mobiles || addr_parse(argv[optind + 1], &cfg.local) ||
	    addr_parse(argv[optind + 2], &router) || addr_parse(argv[optind + 3], &echo) || (!installing && !d.key) ||
	    (installing && (!netns || (d.icmp = icmp_in(netns)) < 0)))
		usage();
	cfg.backend = backend_of(argv[optind]);
	log_level_set(LOG_LEVEL_WARNING);
	secret_random(&d.seq, sizeof d.seq);
	secret_random(d.pctd_key, sizeof d.pctd_key);
	d.loop = loop_create();
	d.sctp = d.loop ? sctp_open(d.loop, &cfg, &ops, &d) : NULL;
	if (!d.sctp)
		return 1;
	d.router = sctp_connect(d.sctp, &router, CXTP_PORT, 0);
	d.echo = sctp_connect(d.sctp, &echo, ECHO_PORT, 0);
	int r = 1;
	if (!d.router || !d.echo || !connected(&d))
		fprintf(stderr, "ct_bench: no association\n");
	else if (!strcmp(mode, "tail"))
		r = tail(&d);
	else
		r = compare(&d, mode, installing ? prepare_install : prepare_store);
	sctp_close(d.sctp);
	secret_unref(d.key);
	loop_destroy(d.loop);
	if (d.icmp >= 0)
		close(d.icmp);
	return r;
}
