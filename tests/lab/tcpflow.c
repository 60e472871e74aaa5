/*
 * A TCP download whose every octet is checked: tcpflow serve | tcpflow fetch.
 *
 * tcpflow serve [--port N] [--bytes N] [--rate OCTETS/S]
 *   Sends each client the reproducible pattern, `bytes` of it (0: until the client goes), and closes.
 *
 * tcpflow fetch [--port N] [--bytes N] [--src ADDR] [--log FILE] DST
 *   Reads to the end, compares, prints one line of JSON: bytes, complete, identical, the longest time without data and when,
 *   and the throughput. Control on standard input: `await N` says {"await": N} once N octets have come; `report`; `stop`.
 *   --log: {i64 arrived, i64 octets so far} for each read, host order, times CLOCK_MONOTONIC in ns.
 */
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHUNK (64u << 10)

static void pattern_fill(unsigned char *out, size_t n, uint64_t from)
{
	uint64_t word = pattern_word(from / 8);
	for (size_t i = 0; i < n; i++, from++) {
		if (from % 8 == 0)
			word = pattern_word(from / 8);
		out[i] = (unsigned char)(word >> (from % 8 * 8));
	}
}

/* ---- server ---- */

struct server {
	uint16_t port;
	uint64_t bytes;
	double rate;
};

static void server_client(const struct server *s, int fd)
{
	static unsigned char data[CHUNK];
	int64_t start = now_ns();
	uint64_t sent = 0;
	/* A rate is kept in steps of about 2 ms, so that the stream is even on the scale of a handover. */
	size_t step = s->rate > 0 ? (size_t)(s->rate / 500) : CHUNK;
	step = step < 1000 ? 1000 : step > CHUNK ? CHUNK : step;
	while (!tool_stopped && (!s->bytes || sent < s->bytes)) {
		size_t n = s->bytes && s->bytes - sent < step ? (size_t)(s->bytes - sent) : step;
		if (s->rate > 0)
			sleep_until(start + (int64_t)((double)sent / s->rate * (double)NSEC));
		pattern_fill(data, n, sent);
		for (size_t done = 0; done < n;) {
			ssize_t w = send(fd, data + done, n - done, 0);
			if (w < 0 && errno == EINTR && !tool_stopped)
				continue;
			if (w < 0)
				return;
			done += (size_t)w;
		}
		sent += n;
	}
	shutdown(fd, SHUT_WR);
	while (read(fd, data, sizeof data) > 0)
		;
}

static int server_main(int argc, char **argv)
{
	static const struct option options[] = {{"port", 1, 0, 'p'}, {"bytes", 1, 0, 'b'}, {"rate", 1, 0, 'r'}, {0}};
	struct server s = {.port = 9001};
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (c) {
		case 'p': s.port = (uint16_t)parse_number(optarg, "port"); break;
		case 'b': s.bytes = (uint64_t)parse_number(optarg, "bytes"); break;
		case 'r': s.rate = parse_real(optarg, "rate"); break;
		default: exit(2);
		}
	}
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	struct sockaddr_in6 sa = {.sin6_family = AF_INET6, .sin6_port = htons(s.port)};
	if (fd < 0)
		die("socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&sa, sizeof sa) < 0 || listen(fd, 64) < 0)
		die("port %u: %s", s.port, strerror(errno));
	signal(SIGCHLD, SIG_IGN);
	printf("{\"ready\": true}\n");
	fflush(stdout);
	while (!tool_stopped) {
		int client = accept(fd, NULL, NULL);
		if (client < 0)
			continue;
		pid_t pid = fork();
		if (pid == 0) {
			close(fd);
			tool_start();
			setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
			server_client(&s, client);
			_exit(0);
		}
		close(client);
	}
	return 0;
}

/* ---- client ---- */

struct client {
	int fd;
	uint64_t bytes, expected;
	bool identical, complete, stop;
	uint64_t differs_at;
	int error;
	int64_t start, last, stall, stall_from;
	uint64_t await;
	bool awaiting;
	FILE *log;
};

static void client_report(const struct client *c)
{
	double seconds = (double)(c->last - c->start) / (double)NSEC;
	printf("{\"bytes\": %" PRIu64 ", \"complete\": %s, \"identical\": %s, ", c->bytes, c->complete ? "true" : "false",
	       c->identical ? "true" : "false");
	if (!c->identical)
		printf("\"differs_at\": %" PRIu64 ", ", c->differs_at);
	printf("\"error\": \"%s\", \"stall_ms\": %.3f, \"stall_from_ns\": %" PRId64 ", \"start_ns\": %" PRId64 ", \"last_ns\": %" PRId64
	       ", \"seconds\": %.3f, \"mbit_s\": %.3f}\n", c->error ? strerror(c->error) : "", (double)c->stall / 1e6, c->stall_from, c->start,
	       c->last, seconds, seconds > 0 ? (double)c->bytes * 8 / seconds / 1e6 : 0);
	fflush(stdout);
}

static void client_line(char *line, void *arg)
{
	struct client *c = arg;
	if (!strcmp(line, "stop")) {
		c->stop = true;
	} else if (!strcmp(line, "report")) {
		client_report(c);
	} else if (!strncmp(line, "await ", 6)) {
		c->await = (uint64_t)parse_number(line + 6, "await");
		c->awaiting = true;
	} else {
		die("what is: %s", line);
	}
}

static void client_check(struct client *c, const unsigned char *data, size_t n)
{
	static unsigned char want[CHUNK];
	pattern_fill(want, n, c->bytes);
	if (!c->identical || !memcmp(data, want, n))
		return;
	c->identical = false;
	for (size_t i = 0; i < n; i++) {
		if (data[i] != want[i]) {
			c->differs_at = c->bytes + i;
			return;
		}
	}
}

static void client_stall(struct client *c, int64_t until)
{
	if (until - c->last > c->stall) {
		c->stall = until - c->last;
		c->stall_from = c->last;
	}
}

/* False at the end of the stream. */
static bool client_read(struct client *c)
{
	static unsigned char data[CHUNK];
	ssize_t n = recv(c->fd, data, sizeof data, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n < 0)
		c->error = errno;
	if (n <= 0) {
		c->complete = n == 0 && (!c->expected || c->bytes == c->expected);
		return false;
	}
	int64_t now = now_ns();
	client_stall(c, now);
	c->last = now;
	client_check(c, data, (size_t)n);
	c->bytes += (uint64_t)n;
	if (c->log) {
		int64_t record[2] = {now, (int64_t)c->bytes};
		fwrite(record, sizeof record, 1, c->log);
	}
	return true;
}

static void client_run(struct client *c)
{
	struct pollfd p[2] = {{.fd = c->fd, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
	while (!tool_stopped && !c->stop) {
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[0].revents && !client_read(c))
			break;
		if (p[1].revents && !tool_control(client_line, c))
			p[1].fd = -1;
		if (c->awaiting && c->bytes >= c->await) {
			printf("{\"await\": %" PRIu64 "}\n", c->await);
			c->awaiting = false;
		}
	}
	if (!c->complete)
		client_stall(c, now_ns()); /* a stall that has not ended counts too */
}

static void client_connect(struct client *c, const char *src, const char *dst, uint16_t port)
{
	struct sockaddr_in6 local = {.sin6_family = AF_INET6};
	struct sockaddr_in6 remote = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = parse_addr(dst)};
	c->fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		die("socket: %s", strerror(errno));
	if (src) {
		local.sin6_addr = parse_addr(src);
		if (bind(c->fd, (struct sockaddr *)&local, sizeof local) < 0)
			die("bind to %s: %s", src, strerror(errno));
	}
	if (connect(c->fd, (struct sockaddr *)&remote, sizeof remote) < 0)
		die("connect to %s: %s", dst, strerror(errno));
}

static int client_main(int argc, char **argv)
{
	static const struct option options[] = {{"port", 1, 0, 'p'}, {"bytes", 1, 0, 'b'}, {"src", 1, 0, 's'}, {"log", 1, 0, 'l'}, {0}};
	struct client c = {.identical = true};
	const char *src = NULL;
	uint16_t port = 9001;
	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (o) {
		case 'p': port = (uint16_t)parse_number(optarg, "port"); break;
		case 'b': c.expected = (uint64_t)parse_number(optarg, "bytes"); break;
		case 's': src = optarg; break;
		case 'l':
			c.log = fopen(optarg, "wb");
			if (!c.log)
				die("%s: %s", optarg, strerror(errno));
			break;
		default: exit(2);
		}
	}
	if (optind + 1 != argc)
		die("one server address, please");
	client_connect(&c, src, argv[optind], port);
	c.start = c.last = now_ns();
	printf("{\"ready\": true}\n");
	fflush(stdout);
	client_run(&c);
	client_report(&c);
	if (c.log && fclose(c.log))
		die("log: %s", strerror(errno));
	return c.complete && c.identical ? 0 : 1;
}

int main(int argc, char **argv)
{
	tool_start();
	if (argc > 1 && !strcmp(argv[1], "serve"))
		return server_main(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "fetch"))
		return client_main(argc - 1, argv + 1);
	die("usage: tcpflow serve|fetch …");
}
