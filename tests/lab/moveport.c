/*
 * Moves mobiles from one access point to another: moveport GAP_MS PORT:BRIDGE…
 *
 * Each PORT (a mobile's end of the air, in this namespace) is set down and taken out of its bridge, and GAP_MS later put into
 * BRIDGE and set up. All ports leave together and arrive together. BRIDGE empty: leave and stay out. Prints the times, so that
 * a test knows the link's real gap: {"down_ns": …, "up_ns": …}, CLOCK_MONOTONIC, from just before it goes to just after it is back.
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

struct port {
	int index;
	int master; /* 0: none */
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
		ports[i] = (struct port){(int)if_nametoindex(argv[i + 2]), *bridge ? (int)if_nametoindex(bridge) : 0};
		if (!ports[i].index || (*bridge && !ports[i].master))
			die("%s or %s: no such link", argv[i + 2], bridge);
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
	printf("{\"down_ns\": %" PRId64 ", \"up_ns\": %" PRId64 "}\n", down, now_ns());
	return 0;
}
