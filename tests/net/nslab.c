#define _GNU_SOURCE 1
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nslab.h"

#define PATIENCE (20 * USEC_SEC)

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (write(fd, text, strlen(text)) < 0)
			perror(path);
		close(fd);
	}
}

bool nslab_possible(void)
{
	char map[64];
	if (geteuid() == 0)
		return true;
	unsigned uid = geteuid(), gid = getegid();
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return false;
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof map, "0 %u 1", uid);
	write_file("/proc/self/uid_map", map);
	snprintf(map, sizeof map, "0 %u 1", gid);
	write_file("/proc/self/gid_map", map);
	return true;
}

int nslab_new(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		die("unshare: no network namespace");
	int ns = open("/proc/thread-self/ns/net", O_RDONLY); /* inherited by ip, which is given the path */
	if (ns < 0)
		die("no handle of the network namespace");
	nslab_sh("ip link set lo up");
	write_file("/proc/sys/net/ipv4/conf/all/rp_filter", "0");
	write_file("/proc/sys/net/ipv4/conf/default/rp_filter", "0");
	write_file("/proc/sys/net/ipv6/conf/all/accept_dad", "0");
	write_file("/proc/sys/net/ipv6/conf/default/accept_dad", "0");
	return ns;
}

void nslab_enter(int ns)
{
	if (setns(ns, CLONE_NEWNET) < 0)
		die("setns failed");
}

void nslab_veth(int a, const char *name_a, int b, const char *name_b)
{
	nslab_enter(a);
	nslab_sh("ip link add %s type veth peer name %s netns /proc/%d/fd/%d", name_a, name_b, getpid(), b);
	nslab_sh("ip link set dev %s up", name_a);
	nslab_enter(b);
	nslab_sh("ip link set dev %s up", name_b);
	/* The link-local addresses of both, which come with the carrier. */
	for (int i = 0; i < 200; i++) {
		if (!nslab_try("ip -6 addr show dev %s | grep -q fe80", name_b)) {
			nslab_enter(a);
			if (!nslab_try("ip -6 addr show dev %s | grep -q fe80", name_a))
				return;
			nslab_enter(b);
		}
		usleep(10000);
	}
	die("%s-%s: no link-local addresses", name_a, name_b);
}

__attribute__((format(printf, 1, 0))) static int run(const char *fmt, va_list ap, bool quiet)
{
	char text[2000], command[2048];
	vsnprintf(text, sizeof text, fmt, ap);
	snprintf(command, sizeof command, "{ %s; }%s", text, quiet ? " >/dev/null 2>&1" : "");
	int s = system(command);
	if (s && !quiet)
		fprintf(stderr, "failed: %s\n", text);
	return WIFEXITED(s) ? WEXITSTATUS(s) : -1;
}

void nslab_sh(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int s = run(fmt, ap, false);
	va_end(ap);
	if (s)
		abort();
}

int nslab_try(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int s = run(fmt, ap, true);
	va_end(ap);
	return s;
}

char *nslab_output(const char *fmt, ...)
{
	char command[2000], *out = calloc(1, 65536);
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(command, sizeof command, fmt, ap);
	va_end(ap);
	FILE *f = popen(command, "r");
	if (!f || !out)
		die("cannot run %s", command);
	size_t n = fread(out, 1, 65535, f);
	out[n] = 0;
	pclose(f);
	return out;
}

int nslab_ifindex(const char *name)
{
	int i = (int)if_nametoindex(name);
	if (!i)
		die("%s: no such interface", name);
	return i;
}

struct lladdr nslab_lladdr(const char *name)
{
	struct lladdr l = { .len = 6 };
	struct ifreq r = { 0 };
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &r) < 0)
		die("%s: no link-layer address", name);
	memcpy(l.octet, r.ifr_hwaddr.sa_data, 6);
	close(fd);
	return l;
}

struct in6_addr nslab_addr(const char *text)
{
	struct in6_addr a;
	if (addr_parse(text, &a) < 0)
		die("%s: not an address", text);
	return a;
}

void nslab_until(struct loop *l, const int *what, int want)
{
	usec_t end = loop_now_fresh(l) + PATIENCE;
	while (*what < want) {
		if (loop_now_fresh(l) > end)
			die("waited in vain: have %d, want %d", *what, want);
		loop_once(l, 50 * USEC_MSEC);
	}
}

void nslab_for(struct loop *l, usec_t time)
{
	usec_t end = loop_now_fresh(l) + time;
	loop_once(l, 0); /* however late we are */
	for (usec_t now; (now = loop_now_fresh(l)) < end;)
		loop_once(l, end - now);
}
