/*
 * What a held mobile sends: no router is to process it before the mobile's contexts are in place (RFC 4067 §3.1), or a
 * firewall without its context would throw away what it is about to allow.
 *
 * A rule `from ADDRESS iif LINK` leads to a table whose only route is our device. There the packets wait. When the path
 * leaves its hold they are handed back to the kernel as if they had come in on the device, which the rule does not match;
 * then the rule goes, and what came meanwhile follows. What the kernel itself is asked (the mobile's signalling to this
 * router, neighbour discovery) is found in the local table, before any rule of ours.
 */
#include "net/path_priv.h"

#include <errno.h>
#include <string.h>

#include "net/packet.h"

static struct rtnl_route upstream_route(const struct path *h)
{
	return (struct rtnl_route){ .dst = path_everything(addr_is_v4(&h->addr)), .table = h->paths->cfg.table + UPSTREAM_SLOT,
		                    .metric = 1024, .ifindex = h->paths->tun_ifindex };
}

static int upstream_rule(const struct path *h, struct rtnl_rule *out)
{
	const struct rtnl_link *l = rtnl_link_by_index(h->paths->rtnl, h->from_ifindex);
	*out = (struct rtnl_rule){ .priority = h->paths->cfg.table, .src = { h->addr, 128 },
		                   .table = h->paths->cfg.table + UPSTREAM_SLOT };
	if (!l)
		return -ENODEV;
	memcpy(out->iif, l->name, sizeof out->iif);
	return 0;
}

int upstream_install(struct path *h)
{
	struct rtnl_route route = upstream_route(h);
	struct rtnl_rule rule;
	int rc = upstream_rule(h, &rule);
	rc = rc < 0 ? rc : rtnl_route_set(h->paths->rtnl, &route);
	return rc < 0 ? rc : rtnl_rule_set(h->paths->rtnl, &rule);
}

int path_hold_from(struct path *h, int ifindex)
{
	if (h->state != PATH_HOLD || ifindex <= 0)
		return -EINVAL;
	if (h->from_ifindex == ifindex)
		return 0;
	upstream_pass(h);
	h->from_ifindex = ifindex;
	int rc = upstream_install(h);
	if (rc < 0) {
		LOG_WARNING(PATH_LOG, "what the mobile sends is not held mobile=%s error=\"%s\"", ADDR(&h->addr), strerror(-rc));
		h->from_ifindex = 0;
	}
	return rc;
}

void upstream_input(struct path *h, const void *packet, size_t len)
{
	bool kept;
	unsigned dropped = hold_push(&h->from, HOLD_FRESH, packet, len, loop_now(h->paths->loop), &kept);
	path_counters[PATH_HELD_FROM].value += kept;
	if (dropped)
		path_count_dropped(h, dropped, "what-the-mobile-sends");
}

static void upstream_flush(struct path *h)
{
	for (struct held *next; (next = hold_peek(&h->from, false)); hold_pop(&h->from, next)) {
		packet_hop_back(next->data); /* forwarding to our device took one, and forwarding from it takes another */
		if (tun_write(h->paths->tun_fd, next->data, next->len) < 0)
			path_counters[PATH_SEND_ERRORS].value++;
	}
}

void upstream_pass(struct path *h)
{
	struct rtnl_rule rule;
	if (!h->from_ifindex)
		return;
	paths_pump_dry(h->paths);
	upstream_flush(h);
	if (upstream_rule(h, &rule) == 0) /* else the link is gone, and the kernel keeps a rule that nothing can match */
		(void)rtnl_rule_del(h->paths->rtnl, &rule);
	paths_pump_dry(h->paths);
	upstream_flush(h);
	h->from_ifindex = 0;
}
