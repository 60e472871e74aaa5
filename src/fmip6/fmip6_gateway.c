#include "fmip6/fmip6_gateway.h"

#include <string.h>

#include "net/net.h"

static void link_address(struct rtnl *rtnl, const struct rtnl_link *l, const struct lladdr *want, const struct lladdr *was)
{
	int rc = 0;
	if (want->len)
		rc = rtnl_lladdr_set(rtnl, l->ifindex, want);
	else if (was->len)
		rc = rtnl_lladdr_restore(rtnl, l->ifindex);
	if (rc < 0)
		LOG_WARNING("fmip6", "gateway's link address not set interface=%s lladdr=%s reason=\"%s\"", l->name, LLADDR(want),
		            strerror(-rc));
}

static size_t place_of(const struct gateway *g, int ifindex)
{
	size_t i = 0;
	while (i < g->added_n && g->added[i] != ifindex)
		i++;
	return i;
}

static int link_local_add(struct gateway *g, struct rtnl *rtnl, int ifindex, const struct in6_addr *want)
{
	const struct rtnl_addr a = { .ifindex = ifindex, .addr = *want, .plen = 64, .nodad = true };
	const struct prefix one = { *want, 128 };
	struct in6_addr there;
	if (g->added_n == GATEWAY_LINKS || rtnl_link_in(rtnl, ifindex, &one, &there))
		return 0;
	int rc = rtnl_addr_set(rtnl, &a);
	if (rc == 0 && place_of(g, ifindex) == g->added_n)
		g->added[g->added_n++] = ifindex;
	return rc;
}

static int link_local_del(struct gateway *g, struct rtnl *rtnl, int ifindex)
{
	const struct rtnl_addr a = { .ifindex = ifindex, .addr = g->in_force.link_local, .plen = 64 };
	size_t i = place_of(g, ifindex);
	if (i == g->added_n)
		return 0;
	g->added[i] = g->added[--g->added_n];
	return rtnl_addr_del(rtnl, &a);
}

static void link_local(struct gateway *g, struct rtnl *rtnl, const struct rtnl_link *l, const struct in6_addr *want)
{
	int rc = addr_eq(want, &g->in_force.link_local) ? 0 : link_local_del(g, rtnl, l->ifindex);
	if (rc == 0 && !addr_is_zero(want))
		rc = link_local_add(g, rtnl, l->ifindex, want);
	if (rc < 0)
		LOG_WARNING("fmip6", "gateway's address not set interface=%s address=%s reason=\"%s\"", l->name, ADDR(want), strerror(-rc));
}

void gateway_apply(struct gateway *g, const struct core *core, const struct fmip6_gateway *want)
{
	const struct setting_interface *all = core->settings->interfaces.items;
	for (size_t i = 0; i < core->settings->interfaces.n; i++) {
		const struct rtnl_link *l =
		    all[i].kind == INTERFACE_ACCESS ? rtnl_link_by_name(core->net->rtnl, all[i].name) : NULL;
		if (!l)
			continue;
		link_address(core->net->rtnl, l, &want->link_address, &g->in_force.link_address);
		link_local(g, core->net->rtnl, l, &want->link_local);
	}
	g->in_force = *want;
}
