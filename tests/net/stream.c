#define _GNU_SOURCE 1
#include "stream.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "nslab.h"

#define QUIET (3 * USEC_SEC) /* nothing for so long: the rest is lost */

static uint64_t now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static int udp_socket(const struct in6_addr *a, unsigned port)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), size = 64 << 20, one = 1;
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	if (a)
		sa.sin6_addr = *a;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&sa, sizeof sa) < 0) {
		perror("stream: bind");
		abort();
	}
	return fd;
}

static void sleep_until(uint64_t at)
{
	struct timespec ts = { .tv_sec = (time_t)(at / 1000000000U), .tv_nsec = (long)(at % 1000000000U) };
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void send_stream(struct stream_seen *s, int fd, const struct in6_addr *dst, unsigned port, unsigned rate, unsigned size)
{
	uint8_t data[9000] = { 0 };
	uint64_t start = now_ns(), gap = 1000000000U / rate;
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_addr = *dst };
	while (!s->stop_sending && s->sent < STREAM_PACKETS) {
		uint64_t due = (now_ns() - start) / gap;
		for (; s->sent < due && s->sent < STREAM_PACKETS; s->sent++) {
			uint64_t seq = s->sent;
			memcpy(data, &seq, sizeof seq);
			if (sendto(fd, data, size, 0, (struct sockaddr *)&to, sizeof to) < 0)
				s->send_errors++;
		}
		sleep_until(start + (due + 1) * gap);
	}
}

static void receive_stream(struct stream_seen *s, int fd)
{
	uint8_t data[9000];
	uint64_t last = 0;
	s->ready = 1;
	for (;;) {
		ssize_t n = recv(fd, data, sizeof data, 0);
		uint64_t seq, now = now_ns();
		if (n < (ssize_t)sizeof seq)
			continue;
		memcpy(&seq, data, sizeof seq);
		if (seq >= STREAM_PACKETS)
			continue;
		if (last && (now - last) / 1000 > s->longest_gap)
			s->longest_gap = (now - last) / 1000;
		last = now;
		if (s->seen[seq]++)
			s->duplicated++;
		else
			s->received++;
		if (seq + 1 < s->highest)
			s->reordered++;
		else
			s->highest = seq + 1;
	}
}

struct stream stream_start(int ns_from, int ns_to, const struct in6_addr *src, const struct in6_addr *dst, unsigned port,
                           unsigned rate, unsigned size)
{
	struct stream st = { .s = mmap(NULL, sizeof *st.s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) };
	st.receiver = fork();
	if (st.receiver == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		nslab_enter(ns_to);
		receive_stream(st.s, udp_socket(NULL, port));
	}
	while (!st.s->ready)
		usleep(1000);
	st.sender = fork();
	if (st.sender == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_TIMERSLACK, 1000);
		nslab_enter(ns_from);
		send_stream(st.s, udp_socket(src, port), dst, port, rate, size);
		_exit(0);
	}
	return st;
}

void stream_finish(struct stream *st, struct loop *l)
{
	st->s->stop_sending = 1;
	uint64_t had = UINT64_MAX, since = 0;
	int status;
	while (waitpid(st->sender, &status, WNOHANG) == 0)
		loop_once(l, USEC_MSEC);
	while (st->s->received < st->s->sent) {
		loop_once(l, USEC_MSEC);
		if (st->s->received != had) {
			had = st->s->received;
			since = now_ns();
		} else if (now_ns() - since > QUIET * 1000) {
			break;
		}
	}
	for (int i = 0; i < 20; i++) /* duplicates come after */
		loop_once(l, USEC_MSEC);
	kill(st->receiver, SIGKILL);
	waitpid(st->receiver, &status, 0);
}

uint64_t stream_lost(const struct stream *st)
{
	return st->s->sent - st->s->send_errors - st->s->received;
}

void stream_free(struct stream *st)
{
	munmap(st->s, sizeof *st->s);
}
