#include "fmip6/fmip6_clients_private.h"

#include <stdlib.h>
#include <string.h>

#include "core/output.h"

#define ANSWER_RATE 500 /* questions answered in a second */
#define PREFIXES_MAX 64
#define RULES_SHARE 20 /* a filter is made no oftener than so many times what it takes */

/* ---- tables ---- */

static const struct setting_interface *interface_at(const struct fmip6_clients *c, size_t i)
{
	const struct setting_interface *all = c->core->settings->interfaces.items;
	return &all[i];
}

/* The i-th configured interface, if it is an access link and there; NULL if not. */
static const struct rtnl_link *access_link(const struct fmip6_clients *c, size_t i)
{
	const struct setting_interface *s = interface_at(c, i);
	return s->kind == INTERFACE_ACCESS ? rtnl_link_by_name(c->core->net->rtnl, s->name) : NULL;
}

/* What is ours is asked of each frame: it is looked for when links and addresses change. */
static void access_learn(struct fmip6_clients *c)
{
	struct prefix own[PREFIXES_MAX];
	c->access_n = 0;
	for (size_t i = 0; i < c->core->settings->interfaces.n; i++) {
		const struct rtnl_link *l = access_link(c, i);
		size_t n = l ? rtnl_link_prefixes(c->core->net->rtnl, l->ifindex, own, PREFIXES_MAX) : 0;
		struct access *more = n ? realloc(c->access, (c->access_n + n) * sizeof *more) : NULL;
		if (!more)
			continue;
		c->access = more;
		for (size_t k = 0; k < n; k++)
			c->access[c->access_n++] = (struct access){ own[k], l->ifindex };
	}
}

static bool is_access(const struct fmip6_clients *c, int ifindex)
{
	for (size_t i = 0; i < c->access_n; i++)
		if (c->access[i].ifindex == ifindex)
			return true;
	return false;
}

const struct rtnl_link *clients_link(const struct fmip6_clients *c, const struct in6_addr *a)
{
	for (size_t i = 0; i < c->access_n; i++)
		if (prefix_has(&c->access[i].prefix, a))
			return rtnl_link_by_index(c->core->net->rtnl, c->access[i].ifindex);
	return NULL;
}

bool clients_own_address(const struct fmip6_clients *c, const struct in6_addr *a)
{
	return clients_link(c, a) && !fmip6_is_local(c->core, a);
}

struct neighbor *clients_peer(const struct fmip6_clients *c, const struct in6_addr *src)
{
	struct neighbor *n = neighbor_find(c->core->neighbors, src);
	return n && neighbor_usable(n) && n->compat == COMPAT_RFC5568 ? n : NULL;
}

const struct ap *clients_home(const struct fmip6_clients *c, const struct in6_addr *a)
{
	const struct ap *ap = clients_link(c, a) ? NULL : ap_of_prefix(c->core->neighbors, a);
	if (!ap || !ap->neighbor || !neighbor_usable(ap->neighbor) || ap->neighbor->compat != COMPAT_RFC5568)
		return NULL;
	return ap;
}

/* ---- what is let through ---- */

struct addresses {
	struct in6_addr *at;
	size_t n, room;
};

static void addresses_add(struct addresses *all, const struct in6_addr *a)
{
	if (all->n == all->room) {
		size_t room = all->room ? 2 * all->room : 64;
		struct in6_addr *more = realloc(all->at, room * sizeof *more);
		if (!more)
			return;
		all->at = more;
		all->room = room;
	}
	all->at[all->n++] = *a;
}

static void add_away(const struct anchor_view *v, void *arg)
{
	addresses_add(arg, &v->pcoa);
}

/* One that is being waited for must be seen whatever it sends. */
static void add_settled(const struct visit_view *v, void *arg)
{
	if (v->state != VISIT_HOLDING)
		addresses_add(arg, &v->pcoa);
}

static void rules_due(struct timer *t, void *arg)
{
	struct fmip6_clients *c = arg;
	struct prefix own[PREFIXES_MAX];
	struct addresses away = { 0 }, settled = { 0 };
	usec_t begun = loop_now_fresh(c->core->loop);
	size_t n = 0;
	for (; n < c->access_n && n < PREFIXES_MAX; n++)
		own[n] = c->access[n].prefix;
	anchor_each(c->anchor, add_away, &away);
	visit_each(c->visit, add_settled, &settled);
	const struct sight_rules rules = { .own = own, .own_n = n, .watched = away.at, .watched_n = away.n, .passed = settled.at,
		.passed_n = settled.n };
	int rc = sight_rules(c->sight, &rules);
	if (rc < 0)
		LOG_WARNING("fmip6", "filter for clients not set reason=\"%s\"", strerror(-rc));
	free(away.at);
	free(settled.at);
	usec_t now = loop_now_fresh(c->core->loop);
	c->rules_next = now + RULES_SHARE * (now - begun);
}

void clients_changed(struct fmip6_clients *c)
{
	usec_t now = loop_now(c->core->loop);
	if (!timer_armed(&c->rules))
		timer_at(&c->rules, c->rules_next > now ? c->rules_next : now);
}

static void links_open(struct fmip6_clients *c)
{
	access_learn(c);
	for (size_t i = 0; i < c->core->settings->interfaces.n; i++) {
		const struct rtnl_link *l = access_link(c, i);
		int rc = l ? sight_add(c->sight, l->ifindex) : 0;
		if (rc < 0)
			LOG_WARNING("fmip6", "cannot look for clients interface=%s reason=\"%s\"", l->name, strerror(-rc));
	}
	clients_changed(c);
}

/* ---- what comes in ---- */

static void seen(const struct sighting *s, void *arg)
{
	struct fmip6_clients *c = arg;
	const struct rtnl_link *l = rtnl_link_by_index(c->core->net->rtnl, s->ifindex);
	if (!l || lladdr_eq(&l->lladdr, &s->from))
		return;
	clients_answer(c, s);
	anchor_seen(c->anchor, &s->addr, &s->from, s->ifindex, s->at);
	nar_seen(c->router->nar, &s->addr, &s->from, s->ifindex, s->at);
	visit_seen(c->visit, &s->addr, &s->from, s->ifindex, s->at);
}

bool clients_hi(struct fmip6_clients *c, const struct mh_in *in)
{
	struct hi m;
	struct nar_view lodger;
	if (hi_parse(in->data, in->len, &m) < 0 || (!addr_is_zero(&m.ncoa) && !(m.flags & HI_PROXY)))
		return false;
	if (nar_find(c->router->nar, &m.pcoa, &lodger) && lodger.lodged)
		return false;
	visit_hi(c->visit, &m, in);
	return true;
}

bool clients_hack(struct fmip6_clients *c, const struct mh_in *in)
{
	struct hack m;
	if (hack_parse(in->data, in->len, &m) < 0 || (m.code != HACK_UNSOLICITED && !(m.seq & 1)))
		return false;
	anchor_hack(c->anchor, &m, in);
	return true;
}

static void neighbor_told(const struct rtnl_note *n, void *arg)
{
	struct fmip6_clients *c = arg;
	if (n->lladdr.len && clients_own_address(c, &n->addr))
		known_add(c->known, &n->addr, &n->lladdr, n->ifindex, loop_now(c->core->loop));
}

void clients_note(struct fmip6_clients *c, const struct rtnl_note *n)
{
	switch (n->event) {
	case RTNL_LINK:
		links_open(c);
		break;
	case RTNL_LINK_GONE:
		sight_del(c->sight, n->ifindex);
		access_learn(c);
		break;
	case RTNL_ADDR:
	case RTNL_ADDR_GONE:
		access_learn(c);
		clients_changed(c);
		break;
	case RTNL_NEIGH:
		if (is_access(c, n->ifindex))
			neighbor_told(n, c);
		break;
	case RTNL_NEIGH_GONE:
	case RTNL_ROUTE_GONE:
	case RTNL_STATION:
	case RTNL_RESYNC:
		break;
	}
}

/* A neighbour that comes back may have been started anew, and know nothing of the clients that are here, or of ours that are there. */
static void association_changed(struct bus_note *note, void *arg)
{
	struct fmip6_clients *c = arg;
	const struct neighbor *n = note->u.neighbor.neighbor;
	if (!note->u.neighbor.up || !clients_peer(c, &n->address))
		return;
	anchor_neighbor_up(c->anchor, &n->address);
	visit_neighbor_up(c->visit, &n->address);
}

/* ---- requests ---- */

const char *clients_request(struct fmip6_clients *c, const struct in6_addr *client, const struct ap *ap)
{
	struct visit_view v;
	const char *why;
	if (!ap)
		return "no such access point is known";
	if (ap->neighbor && !clients_peer(c, &ap->neighbor->address))
		return "the router behind this access point is not usable: its protection is not up, or it takes no clients";
	if (visit_find(c->visit, client, &v)) {
		struct in6_addr router = ap->neighbor ? ap->router : in6addr_any;
		why = addr_is_zero(&router) ? "this access point is on this router" : visit_move(c->visit, client, &router);
	} else {
		why = ap->neighbor ? anchor_move(c->anchor, client, &ap->neighbor->address) : anchor_await(c->anchor, client);
	}
	if (!why)
		LOG_NOTICE("fmip6", "moving a client mobile=%s ap=%s peer=%s", ADDR(client), LLADDR(&ap->id),
		           ap->neighbor ? ap->neighbor->name : "-");
	return why;
}

void clients_forget(struct fmip6_clients *c, const struct in6_addr *pcoa)
{
	anchor_forget(c->anchor, pcoa);
}

/* ---- life ---- */

/* Who is here already. */
static void learn(struct fmip6_clients *c)
{
	for (size_t i = 0; i < c->core->settings->interfaces.n; i++) {
		const struct rtnl_link *l = access_link(c, i);
		if (l)
			(void)rtnl_neigh_each(c->core->net->rtnl, l->ifindex, neighbor_told, c);
	}
}

struct fmip6_clients *clients_create(struct fmip6_router *r)
{
	struct fmip6_clients *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->router = r;
	c->core = r->core;
	timer_init(&c->rules, r->core->loop, rules_due, c);
	bucket_init(&c->answers, ANSWER_RATE, ANSWER_RATE);
	c->anchor = anchor_create(r->core->loop, r->params, &clients_anchor_ops, c);
	c->visit = visit_create(r->core->loop, r->params, &clients_visit_ops, c);
	c->known = known_create(&r->params->client_memory);
	c->sight = sight_open(r->core->loop, seen, c);
	c->association = bus_subscribe(r->core->bus, BUS_NEIGHBOR_ASSOCIATION, association_changed, c);
	if (!c->anchor || !c->visit || !c->known || !c->sight || !c->association) {
		LOG_ERROR("fmip6", "no memory for clients");
		clients_destroy(c);
		return NULL;
	}
	links_open(c);
	learn(c);
	return c;
}

static void stop_away(const struct anchor_view *v, void *arg)
{
	struct fmip6_clients *c = arg;
	path_close(path_find(c->core->net->paths, &v->pcoa));
	tunnel_end_del(c->core->net->paths, &v->pcoa);
	router_close_record(c->router, HANDOVER_PAR, &v->pcoa, HANDOVER_CANCELLED, "the router stops");
}

static void stop_visit(const struct visit_view *v, void *arg)
{
	struct fmip6_clients *c = arg;
	clients_visit_ops.leave(c, v);
	router_close_record(c->router, HANDOVER_NAR, &v->pcoa, HANDOVER_CANCELLED, "the router stops");
}

void clients_destroy(struct fmip6_clients *c)
{
	if (!c)
		return;
	if (c->anchor)
		anchor_each(c->anchor, stop_away, c);
	if (c->visit)
		visit_each(c->visit, stop_visit, c);
	timer_stop(&c->rules);
	bus_unsubscribe(c->association);
	anchor_destroy(c->anchor);
	visit_destroy(c->visit);
	known_destroy(c->known);
	sight_close(c->sight);
	free(c->access);
	free(c);
}

void clients_reload(struct fmip6_clients *c)
{
	links_open(c);
}

/* ---- show ---- */

static void show_away(const struct anchor_view *v, void *arg)
{
	struct output *o = arg;
	bool on_the_way = !addr_is_zero(&v->asked) || !v->arrived;
	out_item_begin(o, NULL);
	out_addr(o, "pcoa", &v->pcoa);
	out_addr(o, "router", addr_is_zero(&v->router) ? &v->asked : &v->router);
	out_lladdr(o, "lladdr", &v->lladdr);
	out_str(o, "state", v->awaited ? "coming-home" : on_the_way && addr_is_zero(&v->router) ? "pending" : on_the_way ? "moving" : "away");
	out_item_end(o);
}

static void show_visit(const struct visit_view *v, void *arg)
{
	static const char *const states[] = { [VISIT_HOLDING] = "holding", [VISIT_RELEASING] = "releasing", [VISIT_HERE] = "visiting" };
	struct output *o = arg;
	out_item_begin(o, NULL);
	out_addr(o, "pcoa", &v->pcoa);
	out_addr(o, "router", &v->peer);
	out_lladdr(o, "lladdr", &v->lladdr);
	out_str(o, "state", states[v->state]);
	out_item_end(o);
}

void clients_show(struct fmip6_clients *c, struct output *o)
{
	anchor_each(c->anchor, show_away, o);
	visit_each(c->visit, show_visit, o);
}
