/*
 * Release: hold → direct without one packet overtaking another.
 *
 * The host route stays while the queue empties: fresh packets come into our device behind the held ones and leave in
 * turn. The change to the kernel's own forwarding is made right after a packet went through, because then the next is
 * furthest away:
 *   1. the neighbour entry becomes INCOMPLETE: what the kernel forwards itself now waits there, in order, unprobed;
 *   2. the host route goes;
 *   3. what still lies in the device is sent;
 *   4. the entry becomes REACHABLE: the kernel sends its queue.
 * Between 2 and 4 lie some ten microseconds. While the kernel sends a queue, a fresh packet on another processor already
 * finds the entry usable and overtakes it: so the queue must be short. If the processor was taken from us meanwhile, the
 * host route is put back before 4, which is without danger then, and all is tried again after a later packet.
 * A packet that another processor put into the device with the route it had looked up before 2 is sent on when it turns up.
 */
#include "net/path_priv.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/rtnl_priv.h"

#define WAIT_FOR_PACKET (2 * USEC_MSEC) /* how long the change waits for a packet to come right after */
#define STREAM_GAP (20 * USEC_MSEC)     /* packets further apart than this are not waited for */
#define LINGER (50 * USEC_MSEC)         /* how long stragglers are expected */
#define ATTEMPTS 64                     /* at a quick change; then it is made as it comes */
#define RETRY (10 * USEC_MSEC)          /* after the kernel refused to delete a route */
#define BURST 5U                        /* RFC 5568 §4.5 */
#define NEIGHBOR_QUEUE "4194304"        /* octets, while a release is on: we must not lose for being late */

/* -- the neighbour queue's limit ------------------------------------------------------------------------------------- */

struct window {
	int ifindex;
	bool v4;
	unsigned users;
	char ifname[IF_NAMESIZE];
	char old[24];
	struct window *next;
};

#define QUEUE_SYSCTL "/proc/sys/net/%s/neigh/%s/unres_qlen_bytes" /* each family has its own */

static struct window **window_find(const struct path *h)
{
	struct window **w = &h->paths->windows;
	while (*w && ((*w)->ifindex != h->ifindex || (*w)->v4 != addr_is_v4(&h->addr)))
		w = &(*w)->next;
	return w;
}

static int window_set(const struct window *w, const char *value, char *old, size_t old_len)
{
	return rtnl_sysctl(value, old, old_len, QUEUE_SYSCTL, w->v4 ? "ipv4" : "ipv6", w->ifname);
}

static void window_open(struct path *h)
{
	struct window **at = window_find(h), *w = *at;
	if (!w) {
		w = calloc(1, sizeof *w);
		if (!w)
			return;
		w->ifindex = h->ifindex;
		w->v4 = addr_is_v4(&h->addr);
		const struct rtnl_link *l = rtnl_link_by_index(h->paths->rtnl, h->ifindex);
		memcpy(w->ifname, l ? l->name : "", l ? sizeof l->name : 1);
		if (!l || window_set(w, NEIGHBOR_QUEUE, w->old, sizeof w->old) < 0) {
			free(w);
			return;
		}
		if (strtoul(w->old, NULL, 10) > strtoul(NEIGHBOR_QUEUE, NULL, 10))
			(void)window_set(w, w->old, NULL, 0);
		*at = w;
	}
	w->users++;
	h->window = true;
}

static void window_restore(struct window **at)
{
	struct window *w = *at;
	(void)window_set(w, w->old, NULL, 0);
	*at = w->next;
	free(w);
}

static void window_close(struct path *h)
{
	struct window **at = window_find(h);
	if (h->window && *at && --(*at)->users == 0)
		window_restore(at);
	h->window = false;
}

void windows_close(struct paths *p)
{
	while (p->windows)
		window_restore(&p->windows);
}

/* -- the list -------------------------------------------------------------------------------------------------------- */

static void releasing_add(struct path *h)
{
	struct paths *p = h->paths;
	h->rel_prev = NULL;
	h->rel_next = p->releasing;
	if (p->releasing)
		p->releasing->rel_prev = h;
	p->releasing = h;
}

static void releasing_del(struct path *h)
{
	if (h->rel_prev)
		h->rel_prev->rel_next = h->rel_next;
	else if (h->paths->releasing == h)
		h->paths->releasing = h->rel_next;
	if (h->rel_next)
		h->rel_next->rel_prev = h->rel_prev;
	h->rel_prev = h->rel_next = NULL;
}

static int neighbor(struct path *h, uint16_t nud)
{
	return h->lladdr.len ? rtnl_neigh_set(h->paths->rtnl, h->ifindex, &h->addr, &h->lladdr, nud) : 0;
}

void release_stop(struct path *h)
{
	if (h->state == PATH_SETTLE)
		(void)neighbor(h, NUD_REACHABLE);
	window_close(h);
	releasing_del(h);
	h->done = NULL;
}

/* -- pace ------------------------------------------------------------------------------------------------------------ */

/*
 * RFC 5568 §4.5: a few packets back to back, then at the rate at which they came. A quarter faster, or the queue of a
 * stream that goes on would never be empty. The loop's timers are coarser than fast streams: what has fallen due since
 * goes out together.
 */
static usec_t pace_gap(const struct path *h)
{
	usec_t gap = hold_interval(&h->hold);
	return gap * 4 / 5;
}

bool release_may_send(struct path *h)
{
	if (h->state != PATH_RELEASE || h->drain != DRAIN_RFC5568 || h->drained < BURST)
		return true;
	usec_t gap = pace_gap(h), now = loop_now(h->paths->loop);
	if (gap == 0)
		return true;
	if (h->drained == BURST)
		h->drain_since = h->drain_since ? h->drain_since : now;
	usec_t due = h->drain_since + (h->drained - BURST + 1) * gap;
	if (due <= now)
		return true;
	h->resume = true;
	timer_at(&h->timer, due);
	return false;
}

/* -- the change ------------------------------------------------------------------------------------------------------ */

static void land(struct path *h)
{
	int rc = neighbor(h, NUD_REACHABLE);
	if (rc < 0)
		LOG_WARNING(PATH_LOG, "neighbour entry not set mobile=%s error=\"%s\"", ADDR(&h->addr), strerror(-rc));
	path_done_fn *done = h->done;
	void *arg = h->done_arg;
	release_stop(h);
	h->state = PATH_LANDED;
	h->resume = false;
	h->paths->landed++;
	paths_pump_dry(h->paths);
	timer_after(&h->timer, LINGER);
	path_counters[PATHS_ACTIVE].value--;
	struct path_stats final = path_stats(h);
	if (done)
		done(&final, arg);
}

/* A previous address of another link that the mobile keeps here needs a route of its own. */
static int pin(struct path *h)
{
	struct rtnl_route rt = { .dst = { h->addr, 128 }, .ifindex = h->ifindex, .metric = PATH_PINNED_METRIC };
	if (rtnl_on_link(h->paths->rtnl, h->ifindex, &h->addr))
		return 0;
	return rtnl_route_set(h->paths->rtnl, &rt);
}

int path_unpin(struct paths *p, const struct in6_addr *addr)
{
	struct rtnl_route rt = { .dst = { *addr, 128 }, .metric = PATH_PINNED_METRIC };
	return rtnl_route_del(p->rtnl, &rt);
}

/* The kernel's queue goes out while fresh packets come our way again. */
static void put_back(struct path *h)
{
	h->attempts++;
	if (path_route_set(h, ROUTE_TUN, h->direct_mtu) < 0) {
		land(h);
		return;
	}
	(void)neighbor(h, NUD_REACHABLE);
	h->state = PATH_RELEASE;
	timer_after(&h->timer, WAIT_FOR_PACKET);
}

/* Has more than one packet had time to come into the kernel's queue? */
static bool took_too_long(struct path *h)
{
	usec_t gap = hold_interval(&h->hold), took = loop_now_fresh(h->paths->loop) - h->settle_at;
	return gap && gap < STREAM_GAP && took > gap / 2 && h->attempts < ATTEMPTS;
}

static void conclude(struct path *h)
{
	if (took_too_long(h))
		put_back(h);
	else
		land(h);
}

static int divert_end(struct path *h)
{
	int rc = pin(h);
	if (rc == 0)
		rc = neighbor(h, NUD_INCOMPLETE);
	h->settle_at = loop_now_fresh(h->paths->loop);
	return rc < 0 ? rc : path_route_set(h, ROUTE_NONE, 0);
}

static void settle(struct path *h)
{
	int rc = divert_end(h);
	if (rc < 0) { /* everything still comes our way, and goes out from here */
		log_limited(&h->paths->error_log, loop_now(h->paths->loop), LOG_LEVEL_WARNING, PATH_LOG,
		            "release cannot be finished mobile=%s error=\"%s\"", ADDR(&h->addr), strerror(-rc));
		(void)neighbor(h, NUD_REACHABLE);
		timer_after(&h->timer, RETRY);
		return;
	}
	h->state = PATH_SETTLE;
	paths_pump_dry(h->paths);
	if (path_flush(h, UINT32_MAX))
		conclude(h);
}

static bool just_came(const struct path *h)
{
	usec_t now = loop_now(h->paths->loop), last = h->hold.last_arrival, gap = hold_interval(&h->hold);
	return last == now || gap == 0 || gap > STREAM_GAP || now - last > STREAM_GAP;
}

/* The device is empty. One that lands tells its owner, who may do anything: the rest waits for the next packet. */
void release_after_pump(struct paths *p)
{
	for (struct path *h = p->releasing; h; h = h->rel_next) {
		if (h->state != PATH_RELEASE || h->hold.packets || h->resume || !just_came(h))
			continue;
		uint64_t landed = p->landed;
		settle(h);
		if (p->landed != landed)
			return;
	}
}

void release_timer(struct path *h)
{
	switch (h->state) {
	case PATH_RELEASE:
		if (h->hold.packets || h->resume)
			break;
		settle(h);
		return;
	case PATH_SETTLE:
		if (h->hold.packets || h->resume)
			break;
		conclude(h);
		return;
	case PATH_LANDED:
		path_free(h);
		return;
	case PATH_DIRECT:
	case PATH_HOLD:
	case PATH_TUNNEL:
		return;
	}
	if (!timer_armed(&h->timer))
		timer_after(&h->timer, WAIT_FOR_PACKET);
}

int path_release(struct path *h, int ifindex, const struct lladdr *l, enum hold_drain drain, path_done_fn *done, void *arg)
{
	if (ifindex <= 0 || !l)
		return -EINVAL;
	upstream_pass(h);
	if (h->state == PATH_RELEASE || h->state == PATH_SETTLE)
		release_stop(h);
	if (h->route == ROUTE_ENCAP) {
		int rc = path_route_set(h, ROUTE_TUN, h->direct_mtu);
		if (rc < 0)
			return rc;
	}
	h->ifindex = ifindex;
	h->lladdr = *l;
	h->drain = drain;
	h->drained = 0;
	h->drain_since = 0;
	h->attempts = 0;
	h->done = done;
	h->done_arg = arg;
	h->pass_forwarded = h->copies = false;
	h->resume = false;
	h->state = PATH_RELEASE;
	releasing_add(h);
	timer_stop(&h->timer);
	path_flush(h, PUMP_ROUND);
	window_open(h);
	/* The owner is told from the loop, never from within this call. */
	if (!timer_armed(&h->timer))
		timer_after(&h->timer, h->route == ROUTE_NONE ? 0 : WAIT_FOR_PACKET);
	return 0;
}
