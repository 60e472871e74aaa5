/* What the machines for clients do to the world. */
#include <errno.h>
#include <linux/neighbour.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fmip6/fmip6_clients_private.h"

/* ---- both ---- */

static bool peer(void *arg, const struct in6_addr *src, struct in6_addr *address)
{
	const struct neighbor *n = clients_peer(arg, src);
	if (n)
		*address = n->address;
	return n;
}

/* Set before long, once for all that changes now. */
static void changed(void *arg)
{
	clients_changed(arg);
}

static struct handover *record(const struct fmip6_clients *c, enum handover_role role, const struct in6_addr *pcoa)
{
	return handover_running(c->core->handovers, role, pcoa);
}

static bool speaks(const struct fmip6_clients *c, const struct lladdr *l)
{
	return router_asked(c->router, l);
}

/* ---- the anchor ---- */

static bool own_address(void *arg, const struct in6_addr *pcoa)
{
	return clients_own_address(arg, pcoa);
}

static bool is_self(void *arg, const struct in6_addr *a)
{
	struct fmip6_clients *c = arg;
	return fmip6_is_local(c->core, a);
}

static bool anchor_lladdr(void *arg, const struct in6_addr *pcoa, struct lladdr *out)
{
	struct fmip6_clients *c = arg;
	return known_lladdr(c->known, pcoa, loop_now(c->core->loop), out);
}

static size_t anchor_addresses(void *arg, const struct lladdr *l, struct in6_addr *out, size_t max)
{
	struct fmip6_clients *c = arg;
	return known_addresses(c->known, l, loop_now(c->core->loop), out, max);
}

static const char *anchor_refuse(void *arg, const struct in6_addr *pcoa, const struct lladdr *l)
{
	struct fmip6_clients *c = arg;
	struct par_view bound;
	struct nar_view expected;
	if (speaks(c, l) || par_find(c->router->par, pcoa, &bound))
		return "this mobile moves by itself";
	if (nar_find(c->router->nar, pcoa, &expected) && expected.state != NAR_DONE)
		return "this mobile is just arriving";
	return NULL;
}

/* What the kernel would take as the source of what goes there. */
static bool anchor_local(void *arg, const struct in6_addr *router, struct in6_addr *out)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = 9, .sin6_addr = *router }, own = { 0 };
	socklen_t size = sizeof own;
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool good = fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 &&
	            getsockname(fd, (struct sockaddr *)&own, &size) == 0;
	if (fd >= 0)
		close(fd);
	if (good)
		*out = own.sin6_addr;
	return good;
}

static void anchor_send_hi(void *arg, const struct in6_addr *local, const struct in6_addr *router, const uint8_t *data, size_t len)
{
	struct fmip6_clients *c = arg;
	fmip6_sent(mh_send(c->router->mh, 0, addr_is_zero(local) ? NULL : local, router, NULL, data, len), "HI", router);
}

static int anchor_tunnel(void *arg, const struct in6_addr *pcoa, const struct in6_addr *local, const struct in6_addr *router)
{
	struct fmip6_clients *c = arg;
	struct path *h = path_get(c->core->net->paths, pcoa);
	int rc = h ? path_tunnel(h, local, router) : -ENOMEM;
	if (rc < 0) {
		LOG_WARNING("fmip6", "tunnel not set up mobile=%s peer=%s reason=\"%s\"", ADDR(pcoa), ADDR(router), strerror(-rc));
		path_close(path_find(c->core->net->paths, pcoa));
	}
	return rc;
}

static void anchor_tunnel_end(void *arg, const struct in6_addr *pcoa, const struct in6_addr *local, const struct in6_addr *router,
                              const struct in6_addr *also)
{
	struct fmip6_clients *c = arg;
	struct paths *paths = c->core->net->paths;
	const struct in6_addr *one = addr_is_zero(router) ? also : router;
	struct par_view bound;
	if (par_find(c->router->par, pcoa, &bound))
		return; /* it moves by itself now */
	if (addr_is_zero(one) || addr_is_zero(local)) {
		struct mobile *m = mobile_find(c->core->mobiles, pcoa);
		tunnel_end_del(paths, pcoa);
		if (m && m->ifindex == 0)
			mobile_remove(c->core->mobiles, m);
		return;
	}
	tunnel_end_set(paths, END_ROUTER, pcoa, local, one);
	if (one != also)
		tunnel_end_also(paths, pcoa, also);
}

static int hold(void *arg, const struct in6_addr *pcoa)
{
	struct fmip6_clients *c = arg;
	struct path *h = path_get(c->core->net->paths, pcoa);
	return h ? path_hold(h, NULL) : -ENOMEM;
}

static void anchor_direct(void *arg, const struct in6_addr *pcoa, const struct lladdr *l, int ifindex)
{
	struct fmip6_clients *c = arg;
	struct path *h = path_find(c->core->net->paths, pcoa);
	struct mobile *m = mobile_find(c->core->mobiles, pcoa);
	known_heard(c->known, pcoa, loop_now(c->core->loop));
	if (m)
		mobile_set_link(c->core->mobiles, m, l ? ifindex : 0, l);
	if (l && h && path_stats(h).held_now &&
	    path_release(h, ifindex, l, (enum hold_drain)c->core->settings->hold.drain, NULL, NULL) == 0)
		return;
	/* An entry that has to be resolved first would cost the packets of a round trip. */
	if (l)
		rtnl_neigh_set(c->core->net->rtnl, ifindex, pcoa, l, NUD_REACHABLE);
	path_close(h);
}

static void anchor_probe(void *arg, const struct in6_addr *pcoa)
{
	clients_probe(arg, pcoa);
}

static void anchor_claim(void *arg, const struct in6_addr *pcoa)
{
	clients_claim(arg, pcoa);
}

static void anchor_opened(void *arg, enum handover_role role, const struct anchor_view *v, const struct in6_addr *other, usec_t at)
{
	struct fmip6_clients *c = arg;
	struct handover *h = handover_open(c->core->handovers, role, HANDOVER_NETWORK, &v->pcoa);
	struct mobile *m = mobile_get(c->core->mobiles, &v->pcoa);
	struct in6_addr own = v->local;
	if (m && m->lladdr.len == 0)
		mobile_set_link(c->core->mobiles, m, 0, &v->lladdr);
	if (addr_is_zero(&own))
		anchor_local(c, other, &own);
	if (!h)
		return;
	h->par = role == HANDOVER_PAR ? own : *other;
	h->nar = role == HANDOVER_PAR ? *other : own;
	router_names(c->router, h);
	if (role != HANDOVER_PAR)
		return;
	struct bus_note note = { .topic = BUS_HANDOVER_PREPARE, .at = at, .u.handover.handover = h };
	bus_publish(c->core->bus, &note);
}

static void anchor_step(void *arg, enum handover_role role, const struct in6_addr *pcoa, enum handover_step s, usec_t at)
{
	struct fmip6_clients *c = arg;
	handover_step_at(c->core->handovers, record(c, role, pcoa), s, at);
}

static void anchor_closed(void *arg, enum handover_role role, const struct in6_addr *pcoa, enum handover_result r, const char *reason)
{
	struct fmip6_clients *c = arg;
	router_close_record(c->router, role, pcoa, r, reason);
}

const struct anchor_ops clients_anchor_ops = {
	.own_address = own_address, .is_self = is_self, .lladdr = anchor_lladdr, .addresses = anchor_addresses, .refuse = anchor_refuse,
	.peer = peer, .local = anchor_local, .send_hi = anchor_send_hi, .tunnel = anchor_tunnel, .tunnel_end = anchor_tunnel_end,
	.hold = hold, .direct = anchor_direct, .claim = anchor_claim, .probe = anchor_probe, .changed = changed, .opened = anchor_opened, .step = anchor_step,
	.closed = anchor_closed,
};

/* ---- where it visits ---- */

static bool visit_home(void *arg, const struct in6_addr *addr, struct in6_addr *out)
{
	struct fmip6_clients *c = arg;
	const struct ap *ap = clients_home(c, addr);
	struct nar_view lodger;
	if (nar_find(c->router->nar, addr, &lodger) && lodger.lodged)
		return false; /* moves by itself */
	if (!ap || addr_eq(addr, &ap->router) || addr_eq(addr, &ap->router4))
		return false;
	*out = ap->neighbor->address;
	return true;
}

struct peers {
	struct in6_addr *at;
	size_t n, max;
};

static void add_peer(struct neighbor *n, void *arg)
{
	struct peers *all = arg;
	if (all->n < all->max && neighbor_usable(n) && n->compat == COMPAT_RFC5568)
		all->at[all->n++] = n->address;
}

static size_t visit_peers(void *arg, struct in6_addr *out, size_t max)
{
	struct fmip6_clients *c = arg;
	struct peers all = { .at = out, .max = max };
	neighbors_each(c->core->neighbors, add_peer, &all);
	return all.n;
}

static bool visit_known(void *arg, int ifindex, const struct lladdr *l)
{
	struct fmip6_clients *c = arg;
	return known_station(c->known, ifindex, l, loop_now(c->core->loop)) || speaks(c, l);
}

/* What a release under way needs to know. It ends, or the path is closed before: then nobody calls. */
static void release_done(const struct path_stats *final, void *arg)
{
	struct fmip6_clients *c;
	struct in6_addr pcoa;
	struct releasing *e = arg;
	c = e->router->clients;
	pcoa = e->ncoa;
	router_releasing_drop(e->router, &e->ncoa);
	struct handover *h = record(c, HANDOVER_NAR, &pcoa);
	if (h) {
		h->held = final->held;
		h->held_dropped = final->held_dropped;
	}
	visit_released(c->visit, &pcoa);
}

static int visit_release(void *arg, const struct visit_view *v)
{
	struct fmip6_clients *c = arg;
	struct path *h = path_get(c->core->net->paths, &v->pcoa);
	struct releasing *e = h ? router_releasing_add(c->router, &v->pcoa) : NULL;
	if (!e)
		return -ENOMEM;
	int rc = path_release(h, v->ifindex, &v->lladdr, (enum hold_drain)c->core->settings->hold.drain, release_done, e);
	if (rc < 0)
		router_releasing_drop(c->router, &v->pcoa);
	return rc;
}

static void tell(const struct fmip6_clients *c, const struct visit_view *v, bool on)
{
	struct bus_note note = { .topic = BUS_MOBILE_VISITS,
		.u.visit = { .addr = v->pcoa, .lladdr = v->lladdr, .ifindex = v->ifindex, .on = on } };
	bus_publish(c->core->bus, &note);
}

static int visit_serve(void *arg, const struct visit_view *v)
{
	struct fmip6_clients *c = arg;
	struct mobile *m = v->ifindex ? mobile_get(c->core->mobiles, &v->pcoa) : NULL;
	if (m)
		mobile_set_link(c->core->mobiles, m, v->ifindex, &v->lladdr);
	const struct prefix home = neighbor_prefix(c->core->neighbors, &v->pcoa);
	tell(c, v, true);
	return tunnel_end_visitor(c->core->net->paths, v->ifindex, &home, &v->pcoa, &v->local, &v->remote);
}

static void visit_leave(void *arg, const struct visit_view *v)
{
	struct fmip6_clients *c = arg;
	struct paths *paths = c->core->net->paths;
	struct mobile *m = mobile_find(c->core->mobiles, &v->pcoa);
	router_releasing_drop(c->router, &v->pcoa);
	path_close(path_find(paths, &v->pcoa));
	path_unpin(paths, &v->pcoa);
	tunnel_end_del(paths, &v->pcoa);
	if (v->ifindex)
		rtnl_neigh_del(c->core->net->rtnl, v->ifindex, &v->pcoa);
	if (m)
		mobile_remove(c->core->mobiles, m);
	tell(c, v, false);
}

static void probe6(struct fmip6_clients *c, const struct visit_view *v, const struct lladdr *own)
{
	struct in6_addr src;
	uint8_t out[32];
	int n = nd_ns_pack(&v->pcoa, own, out, sizeof out);
	if (n > 0 && rtnl_link_local(c->core->net->rtnl, v->ifindex, &src))
		fmip6_sent(fmip6_send_frame(c->core, v->ifindex, &v->lladdr, &src, &v->pcoa, out, (size_t)n), "probe", &v->pcoa);
}

/* As its gateway would ask, so that it learns nothing by it. */
static void visit_probe(void *arg, const struct visit_view *v)
{
	struct fmip6_clients *c = arg;
	const struct rtnl_link *l = rtnl_link_by_index(c->core->net->rtnl, v->ifindex);
	const struct ap *home = clients_home(c, &v->pcoa);
	struct in6_addr gateway;
	if (!l)
		return;
	if (!addr_is_v4(&v->pcoa)) {
		probe6(c, v, &l->lladdr);
	} else {
		gateway = home && !addr_is_zero(&home->router4) ? home->router4 : in6addr_any;
		fmip6_sent(sight_arp(c->sight, v->ifindex, 1, &v->lladdr, &l->lladdr, &gateway, &v->pcoa), "probe", &v->pcoa);
	}
}

static void visit_send_hack(void *arg, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data, size_t len)
{
	struct fmip6_clients *c = arg;
	fmip6_sent(mh_send(c->router->mh, 0, src, dst, NULL, data, len), "HAck", dst);
}

static void visit_opened(void *arg, const struct visit_view *v, usec_t at)
{
	struct fmip6_clients *c = arg;
	struct handover *h = handover_open(c->core->handovers, HANDOVER_NAR, HANDOVER_NETWORK, &v->pcoa);
	if (!h)
		return;
	h->par = v->peer;
	h->nar = v->local;
	router_names(c->router, h);
	handover_step_at(c->core->handovers, h, STEP_D_HI, at);
}

static void visit_step(void *arg, const struct in6_addr *pcoa, enum handover_step s, usec_t at)
{
	struct fmip6_clients *c = arg;
	handover_step_at(c->core->handovers, record(c, HANDOVER_NAR, pcoa), s, at);
}

static void visit_arrived(void *arg, const struct visit_view *v)
{
	struct fmip6_clients *c = arg;
	struct bus_note note = { .topic = BUS_MOBILE_ATTACHED,
		.u.attach = { .handover = record(c, HANDOVER_NAR, &v->pcoa), .addr = v->pcoa, .previous = v->pcoa, .lladdr = v->lladdr,
		              .ifindex = v->ifindex } };
	bus_publish(c->core->bus, &note);
}

static void visit_closed(void *arg, const struct in6_addr *pcoa, enum handover_result r, const char *reason)
{
	struct fmip6_clients *c = arg;
	router_close_record(c->router, HANDOVER_NAR, pcoa, r, reason);
}

const struct visit_ops clients_visit_ops = {
	.peer = peer, .home = visit_home, .peers = visit_peers, .known = visit_known, .hold = hold, .release = visit_release,
	.serve = visit_serve, .leave = visit_leave, .probe = visit_probe, .send_hack = visit_send_hack, .changed = changed,
	.opened = visit_opened, .step = visit_step, .arrived = visit_arrived, .closed = visit_closed,
};
