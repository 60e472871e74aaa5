/*
 * Numbered UDP streams: udpflow send | udpflow recv. One process sends or receives many flows.
 *
 * udpflow send --rate PPS [--size OCTETS] [--count N | --duration SECONDS] [--hop-limit N] [--oif IFNAME] [--port N] [--log FILE] DST…
 *   One flow to each DST, numbered from 0 in the order given; `count` packets each. At the end (or on SIGTERM, or on `stop` on
 *   standard input) prints what was sent as one JSON object. --log: when each packet was sent, as recv has it; arrived is 0.
 *
 * udpflow recv [--port N] [--group GROUP%IFNAME]… [--flows N] [--flow-base N] [--idle MS] [--log FILE]
 *   Control on standard input:
 *     total N    every flow was sent N packets: report and exit when all are here, or nothing has come for --idle ms
 *     await N    say {"await": N} once a packet numbered N or later has come on every flow
 *     report     say the summary so far, and go on
 *     stop       report and exit (as SIGTERM does)
 *   The report is one line of JSON. Times are CLOCK_MONOTONIC in ns; arrival is when the kernel took the packet from the device.
 *   --log: after the report, per flow one record {u64 flow, u64 n} and n × {i64 sent, i64 arrived}, host order; sent 0: never came.
 */
#include "tool.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAGIC 0x68646c62u
#define FLOWS_MAX 256
#define BATCH 64
#define DATAGRAM_MAX 9000
#define SEQ_MAX (64u << 20)
#define RUNS_SHOWN 64

struct datagram {
	uint32_t magic;
	uint32_t flow;
	uint64_t seq;
	int64_t sent;
};

static int udp_socket(uint16_t port)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 sa = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int on = 1, buffer = 64 << 20;
	if (fd < 0)
		die("socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
	if (bind(fd, (struct sockaddr *)&sa, sizeof sa) < 0)
		die("bind to port %u: %s", port, strerror(errno));
	return fd;
}

/* ---- sender ---- */

struct sender {
	int fd;
	size_t size, flows_n;
	struct sockaddr_in6 dst[FLOWS_MAX];
	uint64_t sent[FLOWS_MAX];
	uint64_t count; /* of each flow */
	double interval; /* ns */
	uint64_t errors;
	int error;
	int64_t start, late_max;
	const char *log;
	int64_t *times[FLOWS_MAX]; /* for the log: when each was sent */
	size_t room[FLOWS_MAX];
	unsigned char data[BATCH][DATAGRAM_MAX];
};

static void sender_note(struct sender *s, size_t f, uint64_t n, int64_t at)
{
	if (!s->log)
		return;
	if (s->sent[f] + n > s->room[f]) {
		s->room[f] = (s->sent[f] + n) * 2;
		s->times[f] = realloc(s->times[f], s->room[f] * sizeof *s->times[f]);
		if (!s->times[f])
			die("no memory");
	}
	for (uint64_t i = 0; i < n; i++)
		s->times[f][s->sent[f] + i] = at;
}

/* Sends flow f's packets up to number `until`, in batches. A packet the kernel refuses keeps its number for the next try. */
static bool sender_flow(struct sender *s, size_t f, uint64_t until)
{
	while (s->sent[f] < until) {
		struct mmsghdr m[BATCH];
		struct iovec iov[BATCH];
		unsigned n = 0;
		int64_t now = now_ns();
		for (; n < BATCH && s->sent[f] + n < until; n++) {
			struct datagram d = {.magic = MAGIC, .flow = (uint32_t)f, .seq = s->sent[f] + n, .sent = now};
			memcpy(s->data[n], &d, sizeof d);
			iov[n] = (struct iovec){s->data[n], s->size};
			m[n] = (struct mmsghdr){.msg_hdr = {.msg_name = &s->dst[f], .msg_namelen = sizeof s->dst[f],
			                                    .msg_iov = &iov[n], .msg_iovlen = 1}};
		}
		int done = sendmmsg(s->fd, m, n, 0);
		if (done < 0) {
			s->errors++;
			s->error = errno;
			return false;
		}
		sender_note(s, f, (uint64_t)done, now);
		s->sent[f] += (uint64_t)done;
	}
	return true;
}

static void sender_line(char *line, void *arg)
{
	if (!strcmp(line, "stop"))
		tool_stopped = 1;
}

static void sender_control(bool *open)
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
	if (*open && poll(&p, 1, 0) > 0)
		*open = tool_control(sender_line, NULL);
}

static void sender_run(struct sender *s)
{
	bool control = true;
	uint64_t tick = 0;
	int64_t last_control = 0;
	s->start = now_ns();
	while (!tool_stopped && tick < s->count) {
		int64_t due = s->start + (int64_t)((double)tick * s->interval);
		int64_t now = now_ns();
		if (due > now) {
			sleep_until(due);
			now = now_ns();
		}
		if (now - due > s->late_max)
			s->late_max = now - due;
		uint64_t until = (uint64_t)((double)(now - s->start) / s->interval) + 1;
		tick = until < tick + 1 ? tick + 1 : until > s->count ? s->count : until;
		for (size_t f = 0; f < s->flows_n; f++)
			sender_flow(s, f, tick);
		if (now - last_control > 20 * 1000000LL) {
			sender_control(&control);
			last_control = now;
		}
	}
}

static void sender_report(const struct sender *s)
{
	printf("{\"flows\": [");
	for (size_t f = 0; f < s->flows_n; f++)
		printf("%s%" PRIu64, f ? ", " : "", s->sent[f]);
	printf("], \"start_ns\": %" PRId64 ", \"interval_ns\": %.0f, \"late_max_us\": %" PRId64 ", \"errors\": %" PRIu64
	       ", \"error\": \"%s\"}\n", s->start, s->interval, s->late_max / 1000, s->errors, s->error ? strerror(s->error) : "");
}

static void sender_log(const struct sender *s)
{
	FILE *out = fopen(s->log, "wb");
	if (!out)
		die("%s: %s", s->log, strerror(errno));
	for (size_t f = 0; f < s->flows_n; f++) {
		uint64_t head[2] = {f, s->sent[f]};
		fwrite(head, sizeof head, 1, out);
		for (uint64_t i = 0; i < s->sent[f]; i++) {
			int64_t times[2] = {s->times[f][i], 0};
			fwrite(times, sizeof times, 1, out);
		}
	}
	if (fclose(out))
		die("%s: %s", s->log, strerror(errno));
}

static void sender_options(struct sender *s, int argc, char **argv)
{
	static const struct option options[] = {{"rate", 1, 0, 'r'}, {"size", 1, 0, 's'}, {"count", 1, 0, 'c'},
		{"duration", 1, 0, 'd'}, {"hop-limit", 1, 0, 'h'}, {"oif", 1, 0, 'o'}, {"port", 1, 0, 'p'}, {"log", 1, 0, 'l'}, {0}};
	double rate = 1000, duration = 0;
	int hops = 64;
	uint16_t port = 9000;
	s->size = 200;
	s->count = UINT64_MAX;
	s->fd = udp_socket(0);
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (c) {
		case 'r': rate = parse_real(optarg, "rate"); break;
		case 's': s->size = (size_t)parse_number(optarg, "size"); break;
		case 'c': s->count = (uint64_t)parse_number(optarg, "count"); break;
		case 'd': duration = parse_real(optarg, "duration"); break;
		case 'h': hops = (int)parse_number(optarg, "hop-limit"); break;
		case 'p': port = (uint16_t)parse_number(optarg, "port"); break;
		case 'l': s->log = optarg; break;
		case 'o': {
			int ifindex = (int)if_nametoindex(optarg);
			struct ip_mreqn mreqn = {.imr_ifindex = ifindex};
			if (!ifindex || setsockopt(s->fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &ifindex, sizeof ifindex) < 0 ||
			    setsockopt(s->fd, IPPROTO_IP, IP_MULTICAST_IF, &mreqn, sizeof mreqn) < 0)
				die("%s: %s", optarg, strerror(errno));
			break;
		}
		default: exit(2);
		}
	}
	if (rate <= 0 || s->size < sizeof(struct datagram) || s->size > DATAGRAM_MAX)
		die("bad rate or size");
	if (duration > 0)
		s->count = (uint64_t)(duration * rate);
	s->interval = (double)NSEC / rate;
	setsockopt(s->fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof hops);
	setsockopt(s->fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops);
	setsockopt(s->fd, IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof hops);
	for (; optind < argc && s->flows_n < FLOWS_MAX; optind++)
		s->dst[s->flows_n++] = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port),
			.sin6_addr = parse_addr(argv[optind])};
	if (!s->flows_n || optind < argc)
		die("no destination, or too many");
}

static int sender_main(int argc, char **argv)
{
	struct sender *s = calloc(1, sizeof *s);
	if (!s)
		die("no memory");
	sender_options(s, argc, argv);
	sender_run(s);
	if (s->log)
		sender_log(s);
	sender_report(s);
	return s->errors ? 1 : 0;
}

/* ---- receiver ---- */

struct arrival {
	int64_t sent, arrived;
};
struct flow {
	uint64_t received, unique, duplicated, reordered;
	uint64_t next; /* highest number seen + 1 */
	size_t room;
	struct arrival *seen; /* by number; sent 0: not */
	int64_t last;
	uint64_t last_seq;
	int64_t gap;
	uint64_t gap_before, gap_after;
};
struct receiver {
	int fd;
	uint32_t base, flows_n;
	struct flow flow[FLOWS_MAX];
	int64_t offset; /* CLOCK_MONOTONIC - CLOCK_REALTIME */
	int64_t idle, touched;
	bool ending, stop;
	uint64_t total, await;
	bool awaiting;
	uint64_t foreign;
	const char *log;
};

static void flow_grow(struct flow *f, uint64_t seq)
{
	if (seq < f->room)
		return;
	size_t room = f->room ? f->room : 4096;
	while (room <= seq)
		room *= 2;
	f->seen = realloc(f->seen, room * sizeof *f->seen);
	if (!f->seen)
		die("no memory");
	memset(f->seen + f->room, 0, (room - f->room) * sizeof *f->seen);
	f->room = room;
}

static void flow_arrived(struct flow *f, const struct datagram *d, int64_t at)
{
	f->received++;
	flow_grow(f, d->seq);
	if (f->seen[d->seq].sent) {
		f->duplicated++;
		return;
	}
	if (f->unique && at - f->last > f->gap) {
		f->gap = at - f->last;
		f->gap_before = f->last_seq;
		f->gap_after = d->seq;
	}
	f->seen[d->seq] = (struct arrival){d->sent, at};
	f->unique++;
	f->last = at;
	f->last_seq = d->seq;
	if (d->seq < f->next)
		f->reordered++;
	else
		f->next = d->seq + 1;
}

static int64_t arrival_time(struct msghdr *m, int64_t offset)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			struct timespec t;
			memcpy(&t, CMSG_DATA(c), sizeof t);
			return t.tv_sec * NSEC + t.tv_nsec + offset;
		}
	}
	return now_ns();
}

static void receiver_read(struct receiver *r)
{
	static unsigned char data[BATCH][sizeof(struct datagram)];
	static unsigned char control[BATCH][CMSG_SPACE(sizeof(struct timespec))] __attribute__((aligned(8)));
	struct mmsghdr m[BATCH];
	struct iovec iov[BATCH];
	int n;
	do {
		for (int i = 0; i < BATCH; i++) {
			iov[i] = (struct iovec){data[i], sizeof data[i]};
			m[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &iov[i], .msg_iovlen = 1, .msg_control = control[i],
			                                    .msg_controllen = sizeof control[i]}};
		}
		n = recvmmsg(r->fd, m, BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++) {
			struct datagram d;
			memcpy(&d, data[i], sizeof d);
			if (m[i].msg_len < sizeof d || d.magic != MAGIC || d.flow < r->base || d.flow - r->base >= r->flows_n ||
			    d.seq >= SEQ_MAX)
				r->foreign++;
			else
				flow_arrived(&r->flow[d.flow - r->base], &d, arrival_time(&m[i].msg_hdr, r->offset));
		}
		if (n > 0)
			r->touched = now_ns();
	} while (n == BATCH);
}

static void report_point(const char *name, const struct flow *f, uint64_t seq)
{
	printf("\"%s\": {\"seq\": %" PRIu64 ", \"sent_ns\": %" PRId64 ", \"arrived_ns\": %" PRId64 "}", name, seq, f->seen[seq].sent,
	       f->seen[seq].arrived);
}

/* Runs of missing numbers below `end`: first, last, and when their received neighbours were sent (0: none). */
static void report_missing(const struct flow *f, uint64_t end)
{
	uint64_t runs = 0;
	printf("\"missing\": [");
	for (uint64_t i = 0; i < end; i++) {
		if (i < f->room && f->seen[i].sent)
			continue;
		uint64_t first = i;
		while (i + 1 < end && !(i + 1 < f->room && f->seen[i + 1].sent))
			i++;
		if (runs++ < RUNS_SHOWN)
			printf("%s{\"first\": %" PRIu64 ", \"last\": %" PRIu64 ", \"sent_before_ns\": %" PRId64 ", \"sent_after_ns\": %" PRId64 "}",
			       runs > 1 ? ", " : "", first, i, first ? f->seen[first - 1].sent : 0, i + 1 < end ? f->seen[i + 1].sent : 0);
	}
	printf("], \"missing_runs\": %" PRIu64, runs);
}

static void report_flow(const struct receiver *r, uint32_t id)
{
	const struct flow *f = &r->flow[id];
	uint64_t end = r->ending && r->total > f->next ? r->total : f->next;
	int64_t low = INT64_MAX, high = 0, sum = 0;
	for (uint64_t i = 0; i < f->next; i++) {
		int64_t took = f->seen[i].arrived - f->seen[i].sent;
		if (!f->seen[i].sent)
			continue;
		low = took < low ? took : low;
		high = took > high ? took : high;
		sum += took;
	}
	printf("{\"flow\": %u, \"received\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"duplicated\": %" PRIu64 ", \"reordered\": %" PRIu64
	       ", \"next\": %" PRIu64 ", \"last_ns\": %" PRId64 ", \"gap_ms\": %.3f, ", id + r->base, f->received, end - f->unique, f->duplicated,
	       f->reordered, f->next, f->last, (double)f->gap / 1e6);
	if (f->gap) {
		printf("\"gap\": {");
		report_point("before", f, f->gap_before);
		printf(", ");
		report_point("after", f, f->gap_after);
		printf("}, ");
	}
	if (f->unique)
		printf("\"latency_us\": {\"min\": %" PRId64 ", \"mean\": %" PRId64 ", \"max\": %" PRId64 "}, ", low / 1000,
		       sum / (int64_t)f->unique / 1000, high / 1000);
	report_missing(f, end);
	printf("}");
}

static void receiver_report(const struct receiver *r)
{
	printf("{\"flows\": [");
	for (uint32_t i = 0; i < r->flows_n; i++) {
		if (i)
			printf(", ");
		report_flow(r, i);
	}
	printf("], \"foreign\": %" PRIu64 "}\n", r->foreign);
	fflush(stdout);
}

static void receiver_log(const struct receiver *r)
{
	FILE *out = fopen(r->log, "wb");
	if (!out)
		die("%s: %s", r->log, strerror(errno));
	for (uint32_t i = 0; i < r->flows_n; i++) {
		uint64_t head[2] = {i + r->base, r->flow[i].next};
		fwrite(head, sizeof head, 1, out);
		fwrite(r->flow[i].seen, sizeof(struct arrival), r->flow[i].next, out);
	}
	if (fclose(out))
		die("%s: %s", r->log, strerror(errno));
}

static void receiver_line(char *line, void *arg)
{
	struct receiver *r = arg;
	if (!strcmp(line, "stop")) {
		r->stop = true;
	} else if (!strcmp(line, "report")) {
		receiver_report(r);
	} else if (!strncmp(line, "total ", 6)) {
		r->total = (uint64_t)parse_number(line + 6, "total");
		r->ending = true;
		r->touched = now_ns();
	} else if (!strncmp(line, "await ", 6)) {
		r->await = (uint64_t)parse_number(line + 6, "await");
		r->awaiting = true;
	} else {
		die("what is: %s", line);
	}
}

static bool every_flow(const struct receiver *r, bool (*test)(const struct flow *f, uint64_t n), uint64_t n)
{
	for (uint32_t i = 0; i < r->flows_n; i++)
		if (!test(&r->flow[i], n))
			return false;
	return true;
}

static bool flow_reached(const struct flow *f, uint64_t seq)
{
	return f->next > seq;
}

static bool flow_whole(const struct flow *f, uint64_t total)
{
	return f->unique >= total;
}

static void receiver_run(struct receiver *r)
{
	struct pollfd p[2] = {{.fd = r->fd, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
	while (!tool_stopped && !r->stop) {
		int64_t now = r->ending ? now_ns() : 0;
		if (r->ending && (every_flow(r, flow_whole, r->total) || now - r->touched >= r->idle))
			break;
		int64_t left = r->ending ? (r->idle - (now - r->touched)) / 1000000 + 1 : -1;
		if (poll(p, 2, (int)left) < 0)
			continue;
		if (p[0].revents)
			receiver_read(r);
		if (p[1].revents && !tool_control(receiver_line, r))
			p[1].fd = -1;
		if (r->awaiting && every_flow(r, flow_reached, r->await)) {
			printf("{\"await\": %" PRIu64 "}\n", r->await);
			r->awaiting = false;
		}
	}
	receiver_read(r); /* what came with the signal */
}

static void receiver_join(struct receiver *r, char *arg)
{
	char *interface = strchr(arg, '%');
	if (!interface)
		die("a group is written GROUP%%IFNAME");
	*interface++ = '\0';
	struct ipv6_mreq m = {.ipv6mr_multiaddr = parse_addr(arg), .ipv6mr_interface = if_nametoindex(interface)};
	struct ip_mreqn m4 = {.imr_ifindex = (int)m.ipv6mr_interface};
	bool v4 = IN6_IS_ADDR_V4MAPPED(&m.ipv6mr_multiaddr);
	memcpy(&m4.imr_multiaddr, &m.ipv6mr_multiaddr.s6_addr[12], sizeof m4.imr_multiaddr);
	if ((v4 ? setsockopt(r->fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m4, sizeof m4) :
	          setsockopt(r->fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m, sizeof m)) < 0)
		die("join %s on %s: %s", arg, interface, strerror(errno));
}

static void receiver_options(struct receiver *r, int argc, char **argv)
{
	static const struct option options[] = {{"port", 1, 0, 'p'}, {"group", 1, 0, 'g'}, {"flows", 1, 0, 'n'},
		{"flow-base", 1, 0, 'b'}, {"idle", 1, 0, 'i'}, {"log", 1, 0, 'l'}, {0}};
	char *groups[32];
	size_t groups_n = 0;
	uint16_t port = 9000;
	r->flows_n = 1;
	r->idle = NSEC;
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (c) {
		case 'p': port = (uint16_t)parse_number(optarg, "port"); break;
		case 'n': r->flows_n = (uint32_t)parse_number(optarg, "flows"); break;
		case 'b': r->base = (uint32_t)parse_number(optarg, "flow-base"); break;
		case 'i': r->idle = parse_number(optarg, "idle") * 1000000; break;
		case 'l': r->log = optarg; break;
		case 'g':
			if (groups_n == 32)
				die("too many groups");
			groups[groups_n++] = optarg;
			break;
		default: exit(2);
		}
	}
	if (!r->flows_n || r->flows_n > FLOWS_MAX)
		die("bad number of flows");
	r->fd = udp_socket(port);
	for (size_t i = 0; i < groups_n; i++)
		receiver_join(r, groups[i]);
}

static int receiver_main(int argc, char **argv)
{
	struct receiver *r = calloc(1, sizeof *r);
	if (!r)
		die("no memory");
	receiver_options(r, argc, argv);
	int on = 1;
	setsockopt(r->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	r->offset = now_ns() - (t.tv_sec * NSEC + t.tv_nsec);
	printf("{\"ready\": true}\n");
	receiver_run(r);
	receiver_report(r);
	if (r->log)
		receiver_log(r);
	return 0;
}

int main(int argc, char **argv)
{
	tool_start();
	if (argc > 1 && !strcmp(argv[1], "send"))
		return sender_main(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "recv"))
		return receiver_main(argc - 1, argv + 1);
	die("usage: udpflow send|recv …");
}
