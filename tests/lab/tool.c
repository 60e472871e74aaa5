#include "tool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

volatile sig_atomic_t tool_stopped;

int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NSEC + t.tv_nsec;
}

void sleep_until(int64_t at)
{
	struct timespec t = {.tv_sec = at / NSEC, .tv_nsec = at % NSEC};
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

void die(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

int64_t parse_number(const char *text, const char *what)
{
	char *end;
	errno = 0;
	long long v = strtoll(text, &end, 0);
	if (errno || end == text || *end || v < 0)
		die("%s: not a number: %s", what, text);
	return v;
}

double parse_real(const char *text, const char *what)
{
	char *end;
	double v = strtod(text, &end);
	if (end == text || *end || v < 0)
		die("%s: not a number: %s", what, text);
	return v;
}

struct in6_addr parse_addr(const char *text)
{
	struct in6_addr a;
	char mapped[64];
	snprintf(mapped, sizeof mapped, "::ffff:%s", text); /* IPv4, as an IPv6 socket writes it */
	if (inet_pton(AF_INET6, text, &a) != 1 && inet_pton(AF_INET6, mapped, &a) != 1)
		die("not an address: %s", text);
	return a;
}

static void on_stop(int sig)
{
	tool_stopped = 1;
}

void tool_start(void)
{
	struct sigaction sa = {.sa_handler = on_stop}; /* no SA_RESTART: a blocking call returns */
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_TIMERSLACK, 1);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	setvbuf(stdout, NULL, _IOLBF, 0);
}

bool tool_control(tool_line_fn *fn, void *arg)
{
	static char line[4096];
	static size_t used;
	ssize_t n = read(STDIN_FILENO, line + used, sizeof line - 1 - used);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n == 0)
		return false;
	used += (size_t)n;
	for (char *end; (end = memchr(line, '\n', used));) {
		*end = '\0';
		fn(line, arg);
		size_t taken = (size_t)(end + 1 - line);
		used -= taken;
		memmove(line, end + 1, used);
	}
	if (used == sizeof line - 1)
		used = 0; /* a line that long is none of ours */
	return true;
}

uint64_t pattern_word(uint64_t index)
{
	uint64_t z = (index + 1) * 0x9e3779b97f4a7c15ULL;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}
