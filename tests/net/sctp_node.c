/*
 * One SCTP endpoint under the orders of a test: commands on standard input, one JSON object a line on standard output.
 *
 *   sctp_node --backend auto|kernel|usrsctp [--local ADDR] [--port N] [--udp N] [--queue OCTETS] [--max OCTETS]
 *             [--heartbeat MS]
 *
 *   connect ADDR [PORT [UDP-PORT]]     forget ADDR        admit none|all|ADDR
 *   send ADDR COUNT MIN MAX TTL-MS     COUNT messages of MIN..MAX octets, waiting while the queue is full, then says so
 *   flood ADDR COUNT LEN TTL-MS        the same without waiting: says how many were taken and how many refused
 *   watch                              from now on every message is told as it comes, with its time
 *   await COUNT                        says so when COUNT messages have come in all
 *   report                             counters, and what was wrong with messages
 *   end                                closes and exits (so does end of file)
 *
 * A message carries its index and a pattern made from it, so that the receiver can tell whether it is whole.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/log.h"
#include "net/sctp.h"

#define PPID 0x43585450
#define LEN_MAX 65000
#define INDEX_MAX 1000000

struct node {
	struct loop *loop;
	struct sctp *sctp;
	struct timer again;
	enum { ADMIT_NONE, ADMIT_ALL, ADMIT_ONE } admit;
	struct in6_addr admitted;
	bool watch;
	/* what is being sent */
	struct in6_addr to;
	unsigned long count, next, min, max, ttl;
	/* what has come */
	unsigned long received, await, bad, twice;
	uint8_t seen[INDEX_MAX / 8];
	char line[256];
	size_t line_len;
};

static double now_ms(const struct node *n)
{
	return (double)loop_now_fresh(n->loop) / 1000;
}

static size_t length_of(unsigned long i, unsigned long min, unsigned long max)
{
	return min + i * 7919 % (max - min + 1);
}

static uint8_t octet(unsigned long i, size_t at)
{
	return (uint8_t)(i * 31 + at * 7 + (at >> 8));
}

static size_t message_make(uint8_t *out, unsigned long i, size_t len)
{
	struct wr w = wr_make(out, LEN_MAX);
	size_t at;

	if (len >= 4)
		wr_u32(&w, (uint32_t)i);
	for (at = w.len; at < len; at++)
		wr_u8(&w, octet(i, at));
	return len;
}

/* The index, or -1 if the message is not as it was sent. Those too short for an index are taken as they are. */
static long message_check(const uint8_t *data, size_t len)
{
	struct rd r = rd_make(data, len);
	uint32_t i;
	size_t at;

	if (!rd_u32(&r, &i))
		return 0;
	if (i >= INDEX_MAX)
		return -1;
	for (at = 4; at < len; at++)
		if (data[at] != octet(i, at))
			return -1;
	return (long)i;
}

/* ---- callbacks ---- */

static bool on_admit(const struct in6_addr *addr, void *arg)
{
	const struct node *n = arg;

	return n->admit == ADMIT_ALL || (n->admit == ADMIT_ONE && addr_eq(addr, &n->admitted));
}

static void tell(struct node *n, const char *event, const struct sctp_peer *p, const char *reason)
{
	printf("{\"event\": \"%s\", \"peer\": \"%s\", \"reason\": \"%s\", \"ms\": %.3f}\n", event, ADDR(sctp_peer_addr(p)), reason,
	       now_ms(n));
}

static void on_up(struct sctp_peer *p, void *arg)
{
	tell(arg, "up", p, "");
}

static void on_down(struct sctp_peer *p, const char *reason, void *arg)
{
	tell(arg, "down", p, reason);
}

static void on_restarted(struct sctp_peer *p, void *arg)
{
	tell(arg, "restarted", p, "");
}

static void on_message(struct sctp_peer *p, uint32_t ppid, const uint8_t *data, size_t len, void *arg)
{
	struct node *n = arg;
	long i = message_check(data, len);

	if (i < 0 || ppid != PPID)
		n->bad++;
	else if (len >= 4 && n->seen[i / 8] & (1 << i % 8))
		n->twice++;
	else if (len >= 4)
		n->seen[i / 8] = (uint8_t)(n->seen[i / 8] | 1 << i % 8);
	n->received++;
	if (n->watch)
		printf("{\"event\": \"message\", \"index\": %ld, \"len\": %zu, \"ms\": %.3f}\n", i, len, now_ms(n));
	if (n->await != 0 && n->received >= n->await) {
		n->await = 0;
		printf("{\"event\": \"awaited\", \"received\": %lu}\n", n->received);
	}
}

/* ---- commands ---- */

static void send_some(struct timer *t, void *arg)
{
	static uint8_t data[LEN_MAX];
	struct node *n = arg;
	struct sctp_peer *p = sctp_find(n->sctp, &n->to);
	int rc = p == NULL ? -ENOTCONN : 0;
	size_t len;

	for (; rc == 0 && n->next < n->count; n->next += rc == 0) {
		len = message_make(data, n->next, length_of(n->next, n->min, n->max));
		rc = sctp_send(p, PPID, data, len, n->ttl * USEC_MSEC);
	}
	if (rc == -ENOBUFS)
		timer_after(&n->again, USEC_MSEC);
	else
		printf("{\"event\": \"sent\", \"count\": %lu, \"rc\": %d, \"ms\": %.3f}\n", n->next, rc, now_ms(n));
}

static void command_send(struct node *n, char **word)
{
	addr_parse(word[1], &n->to);
	n->next = 0;
	n->count = strtoul(word[2], NULL, 10);
	n->min = strtoul(word[3], NULL, 10);
	n->max = strtoul(word[4], NULL, 10);
	n->ttl = strtoul(word[5], NULL, 10);
	send_some(&n->again, n);
}

static void command_flood(struct node *n, char **word)
{
	static uint8_t data[LEN_MAX];
	unsigned long i, taken = 0, refused = 0, count = strtoul(word[2], NULL, 10);
	struct sctp_peer *p;
	size_t len;

	addr_parse(word[1], &n->to);
	p = sctp_find(n->sctp, &n->to);
	for (i = 0; p != NULL && i < count; i++) {
		len = message_make(data, i, strtoul(word[3], NULL, 10));
		if (sctp_send(p, PPID, data, len, strtoul(word[4], NULL, 10) * USEC_MSEC) == 0)
			taken++;
		else
			refused++;
	}
	printf("{\"event\": \"flooded\", \"taken\": %lu, \"refused\": %lu}\n", taken, refused);
}

static void command_connect(struct node *n, char **word)
{
	struct in6_addr a;
	uint16_t port = word[2] ? (uint16_t)strtoul(word[2], NULL, 10) : 5091;
	uint16_t udp = word[2] && word[3] ? (uint16_t)strtoul(word[3], NULL, 10) : 0;

	addr_parse(word[1], &a);
	if (sctp_connect(n->sctp, &a, port, udp) == NULL)
		printf("{\"event\": \"full\"}\n");
}

static void command_forget(struct node *n, char **word)
{
	struct in6_addr a;
	struct sctp_peer *p;

	addr_parse(word[1], &a);
	p = sctp_find(n->sctp, &a);
	if (p != NULL)
		sctp_forget(p);
}

static void command_admit(struct node *n, char **word)
{
	n->admit = strcmp(word[1], "none") == 0 ? ADMIT_NONE : strcmp(word[1], "all") == 0 ? ADMIT_ALL : ADMIT_ONE;
	if (n->admit == ADMIT_ONE)
		addr_parse(word[1], &n->admitted);
}

static void command_watch(struct node *n, char **word)
{
	n->watch = true;
	printf("{\"event\": \"watching\"}\n");
}

static void command_await(struct node *n, char **word)
{
	n->await = strtoul(word[1], NULL, 10);
	if (n->received >= n->await) {
		n->await = 0;
		printf("{\"event\": \"awaited\", \"received\": %lu}\n", n->received);
	}
}

static unsigned long kilobytes_used(void)
{
	unsigned long size = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL)
		return 0;
	if (fscanf(f, "%lu %lu", &size, &resident) != 2)
		resident = 0;
	fclose(f);
	return resident * (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
}

static void command_report(struct node *n, char **word)
{
	int i;

	printf("{\"event\": \"report\", \"backend\": \"%s\", \"messages\": %lu, \"bad\": %lu, \"twice\": %lu, \"rss_kb\": %lu",
	       sctp_backend(n->sctp) == SCTP_KERNEL ? "kernel" : "usrsctp", n->received, n->bad, n->twice, kilobytes_used());
	for (i = 0; i < SCTP_COUNTERS; i++)
		printf(", \"%s\": %llu", sctp_counters[i].name, (unsigned long long)sctp_counters[i].value);
	printf("}\n");
}

static void command_end(struct node *n, char **word)
{
	loop_stop(n->loop);
}

static void command(struct node *n, char *line)
{
	static const struct {
		const char *name;
		int words;
		void (*fn)(struct node *n, char **word);
	} commands[] = {
		{ "connect", 2, command_connect }, { "forget", 2, command_forget }, { "admit", 2, command_admit },
		{ "send", 6, command_send }, { "flood", 5, command_flood }, { "watch", 1, command_watch },
		{ "await", 2, command_await }, { "report", 1, command_report }, { "end", 1, command_end },
	};
	char *word[8] = { 0 }, *rest = NULL;
	int words = 0;
	size_t i;

	for (line = strtok_r(line, " ", &rest); line != NULL && words < 7; line = strtok_r(NULL, " ", &rest))
		word[words++] = line;
	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (words >= commands[i].words && strcmp(word[0], commands[i].name) == 0) {
			commands[i].fn(n, word);
			return;
		}
	fprintf(stderr, "sctp_node: what? %s\n", words > 0 ? word[0] : "");
}

static void on_input(int fd, unsigned events, void *arg)
{
	struct node *n = arg;
	ssize_t got = read(fd, n->line + n->line_len, sizeof(n->line) - n->line_len);
	char *end;

	if (got <= 0) {
		loop_stop(n->loop);
		return;
	}
	n->line_len += (size_t)got;
	while ((end = memchr(n->line, '\n', n->line_len)) != NULL) {
		*end = 0;
		command(n, n->line);
		n->line_len -= (size_t)(end + 1 - n->line);
		memmove(n->line, end + 1, n->line_len);
	}
}

static void parse_options(int argc, char **argv, struct sctp_config *cfg)
{
	static const struct option options[] = { { "backend", 1, NULL, 'b' }, { "local", 1, NULL, 'l' },
		{ "port", 1, NULL, 'p' }, { "udp", 1, NULL, 'u' }, { "queue", 1, NULL, 'q' }, { "max", 1, NULL, 'm' },
		{ "heartbeat", 1, NULL, 'h' }, { 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'b':
			cfg->backend = optarg[0] == 'k' ? SCTP_KERNEL : optarg[0] == 'u' ? SCTP_USRSCTP : SCTP_AUTO;
			break;
		case 'l': addr_parse(optarg, &cfg->local); break;
		case 'p': cfg->port = (uint16_t)strtoul(optarg, NULL, 10); break;
		case 'u': cfg->udp_port = (uint16_t)strtoul(optarg, NULL, 10); break;
		case 'q': cfg->queue_limit = strtoul(optarg, NULL, 10); break;
		case 'm': cfg->max_message = (uint32_t)strtoul(optarg, NULL, 10); break;
		case 'h': cfg->heartbeat = strtoul(optarg, NULL, 10) * USEC_MSEC; break;
		default: exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	static struct node n;
	static const struct sctp_ops ops = { on_admit, on_up, on_down, on_restarted, on_message };
	struct sctp_config cfg = { .port = 5091, .rto_min = 20 * USEC_MSEC, .rto_initial = 100 * USEC_MSEC,
		.rto_max = 500 * USEC_MSEC, .heartbeat = USEC_SEC, .max_message = 65536, .max_peers = 16, .queue_limit = 65536,
		.retry_min = 100 * USEC_MSEC, .retry_max = 800 * USEC_MSEC };
	struct loop_fd *input;

	parse_options(argc, argv, &cfg);
	setvbuf(stdout, NULL, _IOLBF, 0);
	log_level_set(LOG_LEVEL_NOTICE);
	n.loop = loop_create();
	if (n.loop == NULL || (n.sctp = sctp_open(n.loop, &cfg, &ops, &n)) == NULL)
		return 1;
	timer_init(&n.again, n.loop, send_some, &n);
	input = loop_fd_add(n.loop, STDIN_FILENO, LOOP_READ, on_input, &n);
	printf("{\"event\": \"ready\"}\n");
	loop_run(n.loop);
	loop_fd_del(input);
	sctp_close(n.sctp);
	loop_destroy(n.loop);
	return 0;
}
