/*
 * Moves mobiles from one access point to another: moveport GAP_MS PORT:BRIDGE…
 *
 * Each PORT (a mobile's end of the air, in this namespace) is set down and taken out of its bridge, and GAP_MS later put into
 * BRIDGE and set up. All ports leave together and arrive together. BRIDGE empty: leave and stay out. Prints the times, so that
 * a test knows the link's real gap: {"down_ns": …, "up_ns": …}, CLOCK_MONOTONIC, from just before it goes to when the kernel says
 * that both ends of all are back: on a busy machine it may leave a link unused for seconds after it was set up.
 */
#include "tool.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORTS_MAX 256
#define WORKS_LIMIT 20000000000 /* ns */

struct port {
	int index;
	int master; /* 0: none */
	int peer, peer_netns;
};

static int nl;

/* RTM_NEWLINK: flags and master of a link, acknowledged before it returns. */
static void link_set(int index, bool up, const int *master)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg i;
		struct rtattr a;
		int master;
	} m = {.h = {.nlmsg_len = NLMSG_LENGTH(sizeof m.i), .nlmsg_type = RTM_NEWLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
	       .i = {.ifi_family = AF_UNSPEC, .ifi_index = index, .ifi_flags = up ? IFF_UP : 0, .ifi_change = IFF_UP}};
	if (master) {
		m.a = (struct rtattr){.rta_len = RTA_LENGTH(sizeof m.master), .rta_type = IFLA_MASTER};
		m.master = *master;
		m.h.nlmsg_len = sizeof m;
	}
	if (send(nl, &m, m.h.nlmsg_len, 0) < 0)
		die("netlink: %s", strerror(errno));
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
		char more[256];
	} answer;
	if (recv(nl, &answer, sizeof answer, 0) < (ssize_t)NLMSG_LENGTH(sizeof answer.e) || answer.h.nlmsg_type != NLMSG_ERROR)
		die("netlink: no answer");
	if (answer.e.error)
		die("link %d: %s", index, strerror(-answer.e.error));
}

struct state {
	struct nlmsghdr h;
	struct ifinfomsg i;
	char more[16384];
};

/* A link of this namespace, or of the one with that number. */
static void link_get(int index, const int *netns, struct state *out)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg i;
		struct rtattr a;
		int netns;
	} m = {.h = {.nlmsg_len = NLMSG_LENGTH(sizeof m.i), .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST},
	       .i = {.ifi_family = AF_UNSPEC, .ifi_index = index}};
	if (netns) {
		m.a = (struct rtattr){.rta_len = RTA_LENGTH(sizeof m.netns), .rta_type = IFLA_TARGET_NETNSID};
		m.netns = *netns;
		m.h.nlmsg_len = sizeof m;
	}
	if (send(nl, &m, m.h.nlmsg_len, 0) < 0)
		die("netlink: %s", strerror(errno));
	if (recv(nl, out, sizeof *out, 0) < (ssize_t)NLMSG_LENGTH(sizeof out->i) || out->h.nlmsg_type != RTM_NEWLINK)
		die("netlink: no answer about link %d", index);
}

/* The mobile's end of a port, by its number there and the number of its namespace. */
static void peer_find(struct port *p)
{
	struct state s;
	link_get(p->index, NULL, &s);
	size_t left = s.h.nlmsg_len - NLMSG_LENGTH(sizeof s.i);
	const char *at = s.more;
	for (const struct rtattr *a; left >= sizeof *a; at += RTA_ALIGN(a->rta_len), left -= RTA_ALIGN(a->rta_len)) {
		a = (const struct rtattr *)(const void *)at;
		if (a->rta_len < sizeof *a || RTA_ALIGN(a->rta_len) > left)
			break;
		if (a->rta_type == IFLA_LINK)
			memcpy(&p->peer, a + 1, sizeof p->peer);
		else if (a->rta_type == IFLA_LINK_NETNSID)
			memcpy(&p->peer_netns, a + 1, sizeof p->peer_netns);
	}
}

/* Until the kernel sends by both ends: they are running, or the other one is not even set up. */
static void wait_works(const struct port *p)
{
	struct state near, far;
	for (int64_t limit = now_ns() + WORKS_LIMIT;; sleep_until(now_ns() + 100000)) {
		link_get(p->index, NULL, &near);
		link_get(p->peer, &p->peer_netns, &far);
		if (!(far.i.ifi_flags & IFF_UP) || (near.i.ifi_flags & far.i.ifi_flags & IFF_RUNNING))
			return;
		if (now_ns() > limit)
			die("link %d: not in use", p->index);
	}
}

int main(int argc, char **argv)
{
	struct port ports[PORTS_MAX];
	static const int nobody = 0;
	int n = argc - 2;
	tool_start();
	if (n < 1 || n > PORTS_MAX)
		die("usage: moveport GAP_MS PORT:BRIDGE…");
	int64_t gap = (int64_t)(parse_real(argv[1], "gap") * 1e6);
	nl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (nl < 0)
		die("netlink: %s", strerror(errno));
	for (int i = 0; i < n; i++) {
		char *bridge = strchr(argv[i + 2], ':');
		if (!bridge)
			die("a move is written PORT:BRIDGE");
		*bridge++ = '\0';
		ports[i] = (struct port){.index = (int)if_nametoindex(argv[i + 2]), .master = *bridge ? (int)if_nametoindex(bridge) : 0};
		if (!ports[i].index || (*bridge && !ports[i].master))
			die("%s or %s: no such link", argv[i + 2], bridge);
		peer_find(&ports[i]);
	}
	int64_t down = now_ns();
	for (int i = 0; i < n; i++)
		link_set(ports[i].index, false, NULL);
	for (int i = 0; i < n; i++)
		link_set(ports[i].index, false, &nobody);
	if (gap > 0)
		sleep_until(down + gap);
	for (int i = 0; i < n; i++)
		if (ports[i].master)
			link_set(ports[i].index, true, &ports[i].master);
	for (int i = 0; i < n; i++)
		if (ports[i].master)
			wait_works(&ports[i]);
	printf("{\"down_ns\": %" PRId64 ", \"up_ns\": %" PRId64 "}\n", down, now_ns());
	return 0;
}
