/*
 * Host routes as a hold and its release make them, through net/rtnl, over the same messages given to the kernel in batches.
 *
 *   routes_bench DEVICE [ROUNDS [COUNT]]        in a network namespace of its own
 *
 * Floor: messages built beforehand, BATCH of them in one send(), no acknowledgement asked for. Subjects: rtnl_route_set and
 * rtnl_route_del, gathered (rtnl_begin); and one by one, the result of each known before the next is sent. By turns, the
 * same COUNT addresses. Prints one JSON object.
 */
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "bench.h"
#include "core/loop.h"
#include "net/rtnl.h"

#define BATCH 64U
#define PROTOCOL 201
#define METRIC 16
#define MTU 1500
#define MESSAGE_MAX 256U

struct raw {
	int fd;
	uint8_t *set, *del; /* messages one behind the other */
	size_t set_len, del_len; /* octets of one */
	size_t n;
};

static struct in6_addr address(uint32_t i)
{
	struct in6_addr a = { .s6_addr = { 0x20, 0x01, 0x0d, 0xb8, 0, 0x0b } };
	uint64_t iid = (uint64_t)(i + 1) * 0x9e3779b97f4a7c15ULL;
	memcpy(a.s6_addr + 8, &iid, sizeof iid);
	return a;
}

static uint8_t *attr(uint8_t *at, uint16_t type, const void *data, size_t len)
{
	struct rtattr rta = { .rta_len = (unsigned short)RTA_LENGTH(len), .rta_type = type };
	memcpy(at, &rta, sizeof rta);
	memcpy(at + RTA_LENGTH(0), data, len);
	return at + RTA_SPACE(len);
}

static uint8_t *attr32(uint8_t *at, uint16_t type, uint32_t value)
{
	return attr(at, type, &value, sizeof value);
}

/* One message; returns its length. */
static size_t message(uint8_t *out, bool set, uint32_t i, int ifindex)
{
	struct nlmsghdr h = { .nlmsg_type = set ? RTM_NEWROUTE : RTM_DELROUTE,
		.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | (set ? NLM_F_CREATE | NLM_F_REPLACE : 0)), .nlmsg_seq = i };
	struct rtmsg rtm = { .rtm_family = AF_INET6, .rtm_dst_len = 128, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = PROTOCOL,
		.rtm_scope = RT_SCOPE_UNIVERSE, .rtm_type = set ? RTN_UNICAST : RTN_UNSPEC };
	struct in6_addr dst = address(i);
	uint8_t metrics[2 * RTA_SPACE(4)], *at = out + NLMSG_HDRLEN;
	memcpy(at, &rtm, sizeof rtm);
	at += NLMSG_ALIGN(sizeof rtm);
	at = attr32(at, RTA_TABLE, RT_TABLE_MAIN);
	at = attr32(at, RTA_PRIORITY, METRIC);
	at = attr(at, RTA_DST, &dst, sizeof dst);
	if (set) {
		at = attr32(at, RTA_OIF, (uint32_t)ifindex);
		attr32(attr32(metrics, RTAX_LOCK, 1U << RTAX_MTU), RTAX_MTU, MTU);
		at = attr(at, RTA_METRICS | NLA_F_NESTED, metrics, sizeof metrics);
	}
	h.nlmsg_len = (uint32_t)(at - out);
	memcpy(out, &h, sizeof h);
	return h.nlmsg_len;
}

static bool raw_open(struct raw *raw, size_t n, int ifindex)
{
	*raw = (struct raw){ .fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), .set = calloc(n, MESSAGE_MAX),
		.del = calloc(n, MESSAGE_MAX), .n = n };
	if (raw->fd < 0 || !raw->set || !raw->del)
		return false;
	for (size_t i = 0; i < n; i++) {
		raw->set_len = message(raw->set + i * raw->set_len, true, (uint32_t)i, ifindex);
		raw->del_len = message(raw->del + i * raw->del_len, false, (uint32_t)i, ifindex);
	}
	return true;
}

/* Nothing may come back: only errors would. */
static bool raw_run(const struct raw *raw, const uint8_t *messages, size_t each)
{
	uint8_t answer[512];
	for (size_t i = 0; i < raw->n; i += BATCH) {
		size_t k = raw->n - i < BATCH ? raw->n - i : BATCH;
		if (send(raw->fd, messages + i * each, k * each, 0) < 0)
			return false;
	}
	return recv(raw->fd, answer, sizeof answer, MSG_DONTWAIT) < 0;
}

static bool rtnl_run(struct rtnl *r, size_t n, bool set, int ifindex)
{
	for (size_t i = 0; i < n; i++) {
		struct rtnl_route rt = { .dst = { address((uint32_t)i), 128 }, .metric = METRIC, .ifindex = ifindex, .mtu = MTU };
		if ((set ? rtnl_route_set(r, &rt) : rtnl_route_del(r, &rt)) < 0)
			return false;
	}
	return true;
}

/* Microseconds: all set, then all deleted. Negative: refused. */
static double raw_once(const struct raw *raw)
{
	double start = bench_now_us();
	return raw_run(raw, raw->set, raw->set_len) && raw_run(raw, raw->del, raw->del_len) ? bench_now_us() - start : -1;
}

static double rtnl_once(struct rtnl *r, size_t n, int ifindex, bool gathered)
{
	double start = bench_now_us();
	if (gathered)
		rtnl_begin(r);
	bool ok = rtnl_run(r, n, true, ifindex) && rtnl_run(r, n, false, ifindex);
	if (gathered)
		ok &= rtnl_commit(r) == 0;
	return ok ? bench_now_us() - start : -1;
}

/* Sets and deletes a second, for so many microseconds for n of each. */
static double rate(size_t n, double us)
{
	return 2e6 * (double)n / us;
}

int main(int argc, char **argv)
{
	size_t rounds = argc > 2 ? (size_t)atoi(argv[2]) : 15, n = argc > 3 ? (size_t)atoi(argv[3]) : 1000;
	double floors[BENCH_ROUNDS_MAX], gathered[BENCH_ROUNDS_MAX], single[BENCH_ROUNDS_MAX];
	double ratio_gathered[BENCH_ROUNDS_MAX], ratio_single[BENCH_ROUNDS_MAX];
	struct raw raw;
	if (argc < 2 || rounds < 1 || rounds > BENCH_ROUNDS_MAX || n < 1) {
		fprintf(stderr, "usage: routes_bench DEVICE [ROUNDS [COUNT]]\n");
		return 2;
	}
	int ifindex = (int)if_nametoindex(argv[1]);
	struct loop *loop = loop_create();
	struct rtnl *r = ifindex && loop ? rtnl_open(loop, PROTOCOL) : NULL;
	if (!r || !raw_open(&raw, n, ifindex))
		return 1;
	for (size_t k = 0; k < rounds; k++) {
		double f = raw_once(&raw), g = rtnl_once(r, n, ifindex, true), s = rtnl_once(r, n, ifindex, false);
		if (f < 0 || g < 0 || s < 0) {
			fprintf(stderr, "routes_bench: a route was refused\n");
			return 1;
		}
		floors[k] = rate(n, f);
		gathered[k] = rate(n, g);
		single[k] = rate(n, s);
		ratio_gathered[k] = f / g;
		ratio_single[k] = f / s;
	}
	printf("{\"routes\": %zu, \"rounds\": %zu, \"floor_per_s\": %.0f, \"gathered_per_s\": %.0f, \"gathered_ratio\": %.2f, "
	       "\"single_per_s\": %.0f, \"single_ratio\": %.2f}\n", n, rounds, bench_median(floors, rounds), bench_median(gathered, rounds),
	       bench_median(ratio_gathered, rounds), bench_median(single, rounds), bench_median(ratio_single, rounds));
	rtnl_close(r);
	loop_destroy(loop);
	close(raw.fd);
	free(raw.set);
	free(raw.del);
	return 0;
}
