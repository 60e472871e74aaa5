#include "mip6/mip6_ground.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"

#define HOME_LINK_METRIC 63 /* before a fast handover's (64), and the kernel's own route for a prefix (256) */
#define DEFAULT_METRIC 96 /* before a fast handover's (128), which is taken away when it no longer holds, and the kernel's (1024) */

static struct rtnl *rtnl_of(const struct mip6_ground *g)
{
	return g->core->net->rtnl;
}

static void report(int rc, const char *what, const struct in6_addr *a)
{
	if (rc < 0)
		LOG_WARNING("mip6", "%s failed address=%s reason=\"%s\"", what, ADDR(a), strerror(-rc));
}

/* The kernel takes packets for a new address only when a worker of its own has run: a local route of ours does it at once. */
static struct rtnl_route local_route(const struct mip6_ground *g, const struct in6_addr *a)
{
	return (struct rtnl_route){ .dst = { *a, 128 }, .ifindex = g->ifindex, .table = RT_TABLE_LOCAL, .type = RTN_LOCAL };
}

static int address_set(const struct mip6_ground *g, const struct rtnl_addr *a)
{
	struct rtnl_route local = local_route(g, &a->addr);
	int rc = rtnl_addr_set(rtnl_of(g), a);
	if (rc == 0 && (a->nodad || a->optimistic))
		rc = rtnl_route_set(rtnl_of(g), &local);
	return rc;
}

static void address_del(const struct mip6_ground *g, const struct rtnl_addr *a)
{
	struct rtnl_route local = local_route(g, &a->addr);
	report(rtnl_addr_del(rtnl_of(g), a), "address removal", &a->addr);
	rtnl_route_del(rtnl_of(g), &local);
}

/* ---- the home address ---- */

static struct rtnl_addr home_of(const struct mip6_ground *g, const struct ground_home *h)
{
	return (struct rtnl_addr){ .ifindex = g->ifindex, .addr = h->addr, .plen = 128, .nodad = true, .noprefixroute = true };
}

void ground_home(struct mip6_ground *g, size_t i, bool checked)
{
	struct ground_home *h = &g->homes[i];
	struct rtnl_addr a = home_of(g, h);
	struct in6_addr found;
	const struct prefix self = { h->addr, 128 };
	if (rtnl_link_in(rtnl_of(g), g->ifindex, &self, &found))
		return;
	a.nodad = !checked;
	int rc = address_set(g, &a);
	report(rc, "home address", &h->addr);
	h->made |= rc == 0;
}

bool ground_is_home(const struct mip6_ground *g, const struct in6_addr *a)
{
	for (size_t i = 0; i < MIP6_HOMES; i++)
		if (!addr_is_zero(&g->homes[i].addr) && addr_eq(&g->homes[i].addr, a))
			return true;
	return false;
}

/* ---- default route ---- */

void ground_no_default(struct mip6_ground *g)
{
	if (g->def_set)
		rtnl_route_del(rtnl_of(g), &g->def);
	g->def_set = false;
}

void ground_default(struct mip6_ground *g, const struct mip6_place *p, const struct in6_addr *src)
{
	struct rtnl_route def = { .ifindex = g->ifindex, .via = p->router, .prefsrc = *src, .metric = DEFAULT_METRIC, .onlink = true };
	if (addr_is_zero(&p->router))
		return;
	if (g->def_set && addr_eq(&g->def.via, &def.via) && addr_eq(&g->def.prefsrc, &def.prefsrc))
		return;
	ground_no_default(g);
	if (p->lladdr.len)
		report(rtnl_neigh_set(rtnl_of(g), g->ifindex, &p->router, &p->lladdr, NUD_REACHABLE), "neighbour entry", &p->router);
	int rc = rtnl_route_set(rtnl_of(g), &def);
	report(rc, "default route", &p->router);
	g->def = def;
	g->def_set = rc == 0;
}

static void link_unset(struct mip6_ground *g, struct ground_home *h)
{
	if (h->link_set)
		rtnl_route_del(rtnl_of(g), &h->link);
	h->link_set = false;
}

static void link_behind(struct mip6_ground *g, struct ground_home *h, const struct in6_addr *router)
{
	struct rtnl_route rt = { .dst = prefix_of(&h->addr, h->plen), .ifindex = g->ifindex, .via = *router, .metric = HOME_LINK_METRIC,
		.onlink = true };
	if (h->link_set && addr_eq(&h->link.via, router))
		return;
	link_unset(g, h);
	if (addr_is_zero(router))
		return;
	int rc = rtnl_route_set(rtnl_of(g), &rt);
	report(rc, "route to the home link", router);
	h->link = rt;
	h->link_set = rc == 0;
}

void ground_home_link(struct mip6_ground *g, const struct in6_addr *router)
{
	for (size_t i = 0; i < MIP6_HOMES; i++)
		if (!addr_is_zero(&g->homes[i].addr))
			link_behind(g, &g->homes[i], router);
}

void ground_home_unset(struct mip6_ground *g, size_t i)
{
	struct ground_home *h = &g->homes[i];
	link_unset(g, h);
	if (g->ifindex && h->made) {
		const struct rtnl_addr home = home_of(g, h);
		address_del(g, &home);
	}
	h->made = false;
}

void ground_home_end(struct mip6_ground *g, size_t i)
{
	ground_home_unset(g, i);
	g->homes[i] = (struct ground_home){ .made = false };
}

/* ---- care-of addresses ---- */

/* Lets the kernel take an address while it still checks it (RFC 4429). It looks at its switch when the address is made, and only then.
 * value NULL: only asks. False: this kernel has no such thing. */
static bool optimistic(const struct mip6_ground *g, const char *value, char was[2])
{
	char path[80];
	const struct rtnl_link *l = rtnl_link_by_index(rtnl_of(g), g->ifindex);
	snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/optimistic_dad", l ? l->name : "lo");
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool ok = (!was || read(fd, was, 1) == 1) && (!value || pwrite(fd, value, 1, 0) == 1);
	close(fd);
	return ok;
}

static bool make(struct mip6_ground *g, const struct rtnl_addr *a)
{
	char was[2] = "0";
	if (a->optimistic && !optimistic(g, "1", was))
		return false;
	int rc = address_set(g, a);
	if (a->optimistic)
		optimistic(g, was, NULL);
	report(rc, "care-of address", &a->addr);
	g->coa = *a;
	g->coa_made = rc == 0;
	return rc == 0;
}

static void unmake(struct mip6_ground *g)
{
	if (g->coa_made && g->ifindex)
		address_del(g, &g->coa);
	g->coa_made = false;
}

/* An address that the kernel is checking already, as a rule the same one, makes way for ours. */
bool ground_care_of(struct mip6_ground *g, const struct prefix *p, enum mip6_care_of how, const struct in6_addr *iid, struct in6_addr *out)
{
	struct rtnl_addr a = { .ifindex = g->ifindex, .addr = addr_compose(p, iid), .plen = p->plen,
		.nodad = how == MIP6_CARE_OF_UNCHECKED, .optimistic = how == MIP6_CARE_OF_OPTIMISTIC };
	if (rtnl_link_in(rtnl_of(g), g->ifindex, p, out) && !ground_is_home(g, out))
		return true;
	if (how == MIP6_CARE_OF_KERNEL || addr_is_zero(iid) || p->plen != 64)
		return false;
	if (g->coa_made && addr_eq(&g->coa.addr, &a.addr)) {
		*out = a.addr;
		return true;
	}
	if (a.optimistic && !optimistic(g, NULL, NULL))
		return false; /* what the kernel is checking stays: it is all there will be */
	unmake(g);
	rtnl_addr_del(rtnl_of(g), &a);
	*out = a.addr;
	return make(g, &a);
}

void ground_duplicate(struct mip6_ground *g)
{
	unmake(g);
}

void ground_leave(struct mip6_ground *g, const struct mip6_place *p)
{
	struct in6_addr a;
	unmake(g);
	ground_no_default(g);
	for (size_t i = 0; i < p->n; i++) {
		const struct nd_prefix *x = &p->prefixes[i];
		if (x->autonomous && rtnl_link_in(rtnl_of(g), g->ifindex, &x->prefix, &a) && !ground_is_home(g, &a)) {
			const struct rtnl_addr old = { .ifindex = g->ifindex, .addr = a, .plen = x->prefix.plen };
			rtnl_addr_del(rtnl_of(g), &old);
		}
	}
}

void ground_clear(struct mip6_ground *g)
{
	for (size_t i = 0; i < MIP6_HOMES; i++)
		ground_home_unset(g, i);
	unmake(g);
	ground_no_default(g);
}

void ground_gone(struct mip6_ground *g)
{
	for (size_t i = 0; i < MIP6_HOMES; i++)
		g->homes[i].made = g->homes[i].link_set = false;
	g->ifindex = 0;
	g->coa_made = g->def_set = false;
}
