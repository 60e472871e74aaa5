#include "context/mcast_bridge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION(key, len, out) ((out) = (unsigned)hash_keyed((key), (len)))
#include <uthash.h>

#include "context/context_count.h"
#include "core/log.h"
#include "core/secret.h"
#include "net/mdb.h"

#define BRIDGES_MAX 64

/* An access link that is a bridge, or a VLAN device on one. */
struct bridge {
	int link;      /* 0: free */
	int ifindex;   /* of the bridge */
	uint16_t vlan; /* 0: the bridge itself is the link */
	int router;    /* the bridge's own setting, to be restored; -1: left alone */
};

struct entry_key { /* hashed as octets: no padding */
	int link, bridge, port;
	uint32_t vlan;
	struct in6_addr group;
};

/* What we put into a database. There is at most one for each membership. */
struct entry {
	struct entry_key key;
	UT_hash_handle hh;
};

struct mcast_bridges {
	struct rtnl *rtnl;
	const struct gmp_track *track;
	struct loop *loop;
	struct bridge bridge[BRIDGES_MAX];
	struct entry *entries;
	struct bucket failed;
};

struct mcast_bridges *mcast_bridges_create(struct rtnl *r, const struct gmp_track *t, struct loop *l)
{
	struct mcast_bridges *b = calloc(1, sizeof *b);
	if (!b)
		return NULL;
	b->rtnl = r;
	b->track = t;
	b->loop = l;
	bucket_init(&b->failed, 1, 5);
	return b;
}

static struct bridge *find(struct mcast_bridges *b, int link)
{
	for (size_t i = 0; i < BRIDGES_MAX; i++)
		if (b->bridge[i].link == link)
			return &b->bridge[i];
	return NULL;
}

/* ---- entries ---- */

static void entry_end(struct mcast_bridges *b, struct entry *e)
{
	struct mdb_port port = { .ifindex = e->key.port, .vlan = (uint16_t)e->key.vlan };
	int rc = mdb_del(b->rtnl, e->key.bridge, &port, &e->key.group);
	LOG_DEBUG("context", "group taken from port bridge=%d port=%d vlan=%u group=%s result=%d", e->key.bridge, e->key.port,
	          e->key.vlan, ADDR(&e->key.group), rc);
	HASH_DEL(b->entries, e);
	free(e);
}

static void entry_put(struct mcast_bridges *b, const struct bridge *at, const struct mdb_port *port, const struct in6_addr *group)
{
	struct entry_key k;
	struct entry *e;
	memset(&k, 0, sizeof k);
	k = (struct entry_key){ .link = at->link, .bridge = at->ifindex, .port = port->ifindex, .vlan = port->vlan, .group = *group };
	int rc = mdb_add(b->rtnl, at->ifindex, port, group);
	if (rc == -EINVAL) /* does not snoop: floods */
		return;
	if (rc) {
		log_limited(&b->failed, loop_now(b->loop), LOG_LEVEL_WARNING, "context",
		            "bridge not told of group bridge=%d port=%d group=%s error=\"%s\"", at->ifindex, port->ifindex, ADDR(group),
		            strerror(-rc));
		return;
	}
	LOG_DEBUG("context", "group given to port bridge=%d port=%d vlan=%u group=%s", at->ifindex, port->ifindex, port->vlan,
	          ADDR(group));
	context_count(CONTEXT_BRIDGE_ENTRIES);
	HASH_FIND(hh, b->entries, &k, sizeof k, e);
	e = e ? NULL : calloc(1, sizeof *e);
	if (!e) /* there already; or no memory, and it goes by the bridge's own time */
		return;
	e->key = k;
	HASH_ADD(hh, b->entries, key, sizeof e->key, e);
	if (!e->hh.tbl)
		free(e);
}

/* Whether somebody but one wants a group behind a port. */
struct needing {
	struct mcast_bridges *b;
	const struct bridge *at;
	const struct entry *entry;
	const struct lladdr *except; /* NULL: nobody */
	bool needed;
};

static bool needs(const struct gmp_member *m, void *arg)
{
	struct needing *n = arg;
	struct mdb_port port;
	if (n->except && lladdr_eq(&m->lladdr, n->except))
		return true;
	n->needed = mdb_port_of(n->b->rtnl, n->at->ifindex, n->at->vlan, &m->lladdr, &port) == 0 && port.ifindex == n->entry->key.port &&
	            port.vlan == n->entry->key.vlan;
	return !n->needed;
}

/* Entries of a group that nobody is behind any more, one mobile aside, go. */
static void prune(struct mcast_bridges *b, const struct bridge *at, const struct in6_addr *group, const struct lladdr *except)
{
	struct entry *e, *next;
	HASH_ITER(hh, b->entries, e, next) {
		if (e->key.link != at->link || !addr_eq(&e->key.group, group))
			continue;
		struct needing n = { .b = b, .at = at, .entry = e, .except = except };
		gmp_track_each_in(b->track, at->link, group, needs, &n);
		if (!n.needed)
			entry_end(b, e);
	}
}

/* ---- what happens ---- */

void mcast_bridge_changed(struct mcast_bridges *b, const struct gmp_member *m, enum gmp_change c)
{
	const struct bridge *at = find(b, m->ifindex);
	struct mdb_port port;
	if (!at)
		return;
	switch (c) {
	case GMP_JOINED:
		return; /* the bridge has heard that itself */
	case GMP_INSTALLED:
		if (mdb_port_of(b->rtnl, at->ifindex, at->vlan, &m->lladdr, &port) == 0)
			entry_put(b, at, &port, &m->group);
		return; /* else when the station turns up */
	case GMP_SAID_LEAVE:
	case GMP_EXPIRED:
	case GMP_MOVED:
		prune(b, at, &m->group, &m->lladdr);
		return;
	}
}

struct station {
	struct mcast_bridges *b;
	const struct bridge *at;
	struct mdb_port port;
};

static bool put_station(const struct gmp_member *m, void *arg)
{
	struct station *s = arg;
	entry_put(s->b, s->at, &s->port, &m->group);
	prune(s->b, s->at, &m->group, NULL);
	return true;
}

void mcast_bridge_station(struct mcast_bridges *b, int bridge, const struct lladdr *station)
{
	for (size_t i = 0; i < BRIDGES_MAX; i++) {
		struct station s = { .b = b, .at = &b->bridge[i] };
		if (s.at->link && s.at->ifindex == bridge && mdb_port_of(b->rtnl, bridge, s.at->vlan, station, &s.port) == 0)
			gmp_track_each_of(b->track, s.at->link, station, put_station, &s);
	}
}

/* A bridge hands reports up only while it takes this node for a router. That it notices by our queries; where another asks,
 * it has to be told. */
void mcast_bridge_attach(struct mcast_bridges *b, int ifindex)
{
	const struct rtnl_link *k = rtnl_link_by_index(b->rtnl, ifindex);
	const struct rtnl_link *on = k && k->vlan ? rtnl_link_by_index(b->rtnl, k->lower) : k;
	struct bridge *at = find(b, ifindex) ? NULL : find(b, 0);
	uint8_t mode;
	if (!on || !on->bridge || !at)
		return;
	*at = (struct bridge){ .link = ifindex, .ifindex = on->ifindex, .vlan = k->vlan, .router = -1 };
	if (mdb_router_get(b->rtnl, on->ifindex, &mode) == 0 && mode == 1 && mdb_router_set(b->rtnl, on->ifindex, 2) == 0)
		at->router = mode;
}

void mcast_bridge_detach(struct mcast_bridges *b, int ifindex)
{
	struct bridge *at = ifindex ? find(b, ifindex) : NULL;
	struct entry *e, *next;
	if (!at)
		return;
	HASH_ITER(hh, b->entries, e, next)
		if (e->key.link == ifindex)
			entry_end(b, e);
	if (at->router >= 0)
		(void)mdb_router_set(b->rtnl, at->ifindex, (uint8_t)at->router); /* fails if the bridge is gone */
	at->link = 0;
}

void mcast_bridges_destroy(struct mcast_bridges *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < BRIDGES_MAX; i++)
		mcast_bridge_detach(b, b->bridge[i].link);
	free(b);
}
