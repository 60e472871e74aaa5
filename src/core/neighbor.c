/* Access routers and their access points: lists, with a hash by AP-ID, which is what a mobile asks by. */
#include "core/neighbor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/output.h"
#include "core/secret.h"

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION(key, len, out) ((out) = (unsigned)hash_keyed((key), (len)))
#include <uthash.h>

struct counter neighbor_counters[NEIGHBOR_COUNTERS] = {
	[NEIGHBOR_COUNT] = { "count", "Access routers known", 0, 1 },
	[NEIGHBOR_APS] = { "aps", "Access points known", 0, 1 },
	[NEIGHBOR_APS_EVICTED] = { "aps_evicted", "Learned access points dropped for newer ones", 0, 0 },
};

struct ap_entry {
	struct ap ap;    /* first */
	struct lladdr key; /* the id, unused octets zero */
	bool learned;    /* from PrRtAdv */
	bool keep, made; /* neighbors_configure: is in the new settings, was not in the old ones */
	struct ap_entry *next; /* oldest first */
	UT_hash_handle hh; /* hh.tbl NULL: has no AP-ID */
};

struct neighbor_entry {
	struct neighbor n; /* first */
	bool keep, made, turned; /* neighbors_configure: as above; protected_up is not what it was */
	struct neighbor_entry *next;
};

struct neighbors {
	struct bus *bus;
	struct neighbor_entry *list;
	struct neighbor_entry *stale; /* of the last configure */
	struct ap_entry *aps;
	struct ap_entry *by_id;
	size_t learned;
};

struct neighbors *neighbors_create(struct bus *bus)
{
	struct neighbors *t = calloc(1, sizeof *t);
	if (t)
		t->bus = bus;
	return t;
}

static void neighbors_free(struct neighbor_entry **list)
{
	while (*list) {
		struct neighbor_entry *e = *list;
		*list = e->next;
		free(e);
	}
}

static void ap_free(struct neighbors *t, struct ap_entry **at)
{
	struct ap_entry *e = *at;
	*at = e->next;
	if (e->hh.tbl)
		HASH_DEL(t->by_id, e);
	free(e);
	neighbor_counters[NEIGHBOR_APS].value--;
}

void neighbors_destroy(struct neighbors *t)
{
	if (!t)
		return;
	while (t->aps)
		ap_free(t, &t->aps);
	neighbors_free(&t->list);
	neighbors_free(&t->stale);
	neighbor_counters[NEIGHBOR_COUNT].value = 0;
	free(t);
}

static void publish(struct neighbors *t, enum bus_topic topic, struct neighbor *n, bool up)
{
	struct bus_note note = { .topic = topic, .u.neighbor = { .neighbor = n, .up = up } };
	if (t->bus)
		bus_publish(t->bus, &note);
}

static struct lladdr id_key(const struct lladdr *id)
{
	struct lladdr k = { .len = id->len <= LLADDR_MAX ? id->len : LLADDR_MAX };
	memcpy(k.octet, id->octet, k.len);
	return k;
}

static struct ap_entry *ap_entry_find(const struct neighbors *t, const struct lladdr *id)
{
	struct lladdr k = id_key(id);
	struct ap_entry *e = NULL;
	if (k.len)
		HASH_FIND(hh, t->by_id, &k, sizeof k, e);
	return e;
}

static struct ap_entry *ap_entry_add(struct neighbors *t, const struct lladdr *id)
{
	struct ap_entry *e = calloc(1, sizeof *e);
	if (!e)
		return NULL;
	e->ap.id = e->key = id_key(id);
	if (e->key.len) {
		HASH_ADD(hh, t->by_id, key, sizeof e->key, e);
		if (!e->hh.tbl) {
			free(e);
			return NULL;
		}
	}
	struct ap_entry **end = &t->aps;
	while (*end)
		end = &(*end)->next;
	*end = e;
	neighbor_counters[NEIGHBOR_APS].value++;
	return e;
}

static struct neighbor_entry *neighbor_entry_add(struct neighbors *t, const char *name, const struct in6_addr *addr)
{
	struct neighbor_entry *e = calloc(1, sizeof *e);
	if (!e)
		return NULL;
	snprintf(e->n.name, sizeof e->n.name, "%s", name);
	e->n.address = *addr;
	struct neighbor_entry **end = &t->list;
	while (*end)
		end = &(*end)->next;
	*end = e;
	neighbor_counters[NEIGHBOR_COUNT].value++;
	return e;
}

struct neighbor *neighbor_find(const struct neighbors *t, const struct in6_addr *addr)
{
	for (struct neighbor_entry *e = t->list; e; e = e->next)
		if (addr_eq(&e->n.address, addr))
			return &e->n;
	for (struct ap_entry *a = t->aps; a; a = a->next)
		if (a->ap.neighbor && (addr_eq(&a->ap.router, addr) || (addr_is_v4(addr) && addr_eq(&a->ap.router4, addr))))
			return a->ap.neighbor;
	return NULL;
}

struct neighbor *neighbor_find_name(const struct neighbors *t, const char *name)
{
	for (struct neighbor_entry *e = t->list; e; e = e->next)
		if (strcmp(e->n.name, name) == 0)
			return &e->n;
	return NULL;
}

struct ap *ap_find(const struct neighbors *t, const struct lladdr *id)
{
	struct ap_entry *e = ap_entry_find(t, id);
	return e ? &e->ap : NULL;
}

struct ap *ap_of_prefix(const struct neighbors *t, const struct in6_addr *addr)
{
	struct ap *best = NULL;
	uint8_t longest = 0;
	for (struct ap_entry *e = t->aps; e; e = e->next) {
		const struct prefix *p = addr_is_v4(addr) && e->ap.prefix4.plen ? &e->ap.prefix4 : &e->ap.prefix;
		if (p->plen <= longest || !prefix_has(p, addr))
			continue;
		best = &e->ap;
		longest = p->plen;
	}
	return best;
}

struct ap *ap_of_short_identifier(const struct neighbors *t, const struct in6_addr *addr)
{
	for (struct ap_entry *e = t->aps; e; e = e->next)
		if (e->ap.prefix.plen > 64 && memcmp(&e->ap.prefix.addr, addr, 8) == 0 && !prefix_has(&e->ap.prefix, addr))
			return &e->ap;
	return NULL;
}

struct prefix neighbor_prefix(const struct neighbors *t, const struct in6_addr *addr)
{
	const struct ap *ap = ap_of_prefix(t, addr);
	if (!ap || !ap->neighbor)
		return (struct prefix){ *addr, 128 };
	return addr_is_v4(addr) ? ap->prefix4 : ap->prefix;
}

/*
 * neighbors_configure works in two passes, so that running out of memory changes nothing: the first finds or makes every
 * entry (making is harmless, it is taken back), the second fills them in and drops what was not asked for.
 */
static struct neighbor_entry *configured_neighbor(const struct neighbors *t, const struct setting_neighbor *s)
{
	for (struct neighbor_entry *e = t->list; e; e = e->next)
		if (strcmp(e->n.name, s->name) == 0 && addr_eq(&e->n.address, &s->address) && !e->n.learned)
			return e;
	return NULL;
}

static int reserve_ap(struct neighbors *t, const struct lladdr *id)
{
	struct ap_entry *a = ap_entry_find(t, id);
	if (!a && (a = ap_entry_add(t, id)))
		a->made = true;
	if (!a)
		return -ENOMEM;
	a->keep = true;
	return 0;
}

static int reserve_neighbor(struct neighbors *t, const struct setting_neighbor *s)
{
	struct neighbor_entry *e = configured_neighbor(t, s);
	if (!e && (e = neighbor_entry_add(t, s->name, &s->address)))
		e->made = true;
	if (!e)
		return -ENOMEM;
	e->keep = true;
	const struct setting_ap *aps = s->aps.items;
	for (size_t i = 0; i < s->aps.n; i++)
		if (reserve_ap(t, &aps[i].id) < 0)
			return -ENOMEM;
	return 0;
}

static int reserve(struct neighbors *t, const struct settings *s)
{
	const struct setting_neighbor *neighbors = s->neighbors.items;
	const struct setting_interface *interfaces = s->interfaces.items;
	for (size_t i = 0; i < s->neighbors.n; i++)
		if (reserve_neighbor(t, &neighbors[i]) < 0)
			return -ENOMEM;
	for (size_t i = 0; i < s->interfaces.n; i++) {
		const struct lladdr *ids = interfaces[i].aps.items;
		for (size_t j = 0; j < interfaces[i].aps.n; j++)
			if (reserve_ap(t, &ids[j]) < 0)
				return -ENOMEM;
	}
	return 0;
}

static struct neighbor_entry *drop_neighbor(struct neighbor_entry **at)
{
	struct neighbor_entry *e = *at;
	*at = e->next;
	e->next = NULL;
	neighbor_counters[NEIGHBOR_COUNT].value--;
	return e;
}

/* Gives a configured AP to its owner; what it was before, learned or another's, is forgotten. */
static struct ap *ap_take(struct neighbors *t, const struct lladdr *id, struct neighbor *owner)
{
	struct ap_entry *e = ap_entry_find(t, id);
	if (e->learned)
		t->learned--;
	if (e->learned || e->made || e->ap.neighbor != owner)
		e->ap = (struct ap){ .id = e->ap.id, .neighbor = owner };
	e->learned = false;
	return &e->ap;
}

static void fill_neighbor(struct neighbors *t, const struct setting_neighbor *s)
{
	struct neighbor_entry *e = configured_neighbor(t, s);
	struct neighbor *n = &e->n;
	const struct setting_ap *aps = s->aps.items;

	for (size_t i = 0; i < s->aps.n; i++) {
		struct ap *ap = ap_take(t, &aps[i].id, n);
		ap->prefix = aps[i].prefix;
		ap->router = aps[i].router;
		ap->link_address = aps[i].link_address;
		ap->prefix4 = aps[i].prefix4;
		ap->router4 = aps[i].router4;
		ap->dhcp4 = aps[i].dhcp4;
		ap->dhcp = aps[i].addresses == ADDRESSES_DHCP;
	}
	bool was_up = n->protected_up, same = !e->made && n->protect == (enum protect)s->protect;
	n->compat = (enum compat)s->compat;
	n->protect = (enum protect)s->protect;
	/* what was up without protection proves nothing about IPsec */
	n->protected_up = n->protect == PROTECT_NONE || (same && was_up);
	e->turned = n->protected_up != was_up;
}

static void fill_interface(struct neighbors *t, const struct setting_interface *s)
{
	const struct lladdr *ids = s->aps.items;
	for (size_t i = 0; i < s->aps.n; i++) {
		struct ap *ap = ap_take(t, &ids[i], NULL);
		snprintf(ap->interface, sizeof ap->interface, "%s", s->name);
		ap->ifindex = (int)if_nametoindex(s->name);
	}
}

static bool has_aps(const struct neighbors *t, const struct neighbor *n)
{
	for (const struct ap_entry *e = t->aps; e; e = e->next)
		if (e->ap.neighbor == n)
			return true;
	return false;
}

static void drop_aps(struct neighbors *t, bool taking_back)
{
	for (struct ap_entry **at = &t->aps; *at;) {
		struct ap_entry *e = *at;
		const struct neighbor_entry *owner = (const struct neighbor_entry *)e->ap.neighbor;
		bool stays = e->keep || (e->learned && (owner->keep || owner->n.learned));
		if (taking_back ? e->made : !stays) {
			t->learned -= e->learned;
			ap_free(t, at);
			continue;
		}
		e->keep = e->made = false;
		at = &e->next;
	}
}

/* Learned entries are no business of the configuration while they have an AP; everything else not asked for goes. */
static void drop_neighbors(struct neighbors *t, bool taking_back)
{
	for (struct neighbor_entry **at = &t->list; *at;) {
		struct neighbor_entry *e = *at;
		if (taking_back ? !e->made : e->keep || (e->n.learned && has_aps(t, &e->n))) {
			e->keep = e->made = false;
			at = &e->next;
			continue;
		}
		e = drop_neighbor(at);
		e->n.stale = true;
		e->next = t->stale;
		t->stale = e;
	}
}

/* Last of all, when the table is whole again: subscribers look things up in it. */
static void announce(struct neighbors *t)
{
	for (struct neighbor_entry *e = t->stale; e; e = e->next) {
		neighbor_set_association(t, &e->n, false);
		if (e->n.protected_up) {
			e->n.protected_up = false;
			publish(t, BUS_NEIGHBOR_PROTECTION, &e->n, false);
		}
	}
	for (struct neighbor_entry *e = t->list; e; e = e->next) {
		if (e->turned)
			publish(t, BUS_NEIGHBOR_PROTECTION, &e->n, e->n.protected_up);
		e->turned = false;
	}
}

int neighbors_configure(struct neighbors *t, const struct settings *s)
{
	const struct setting_neighbor *neighbors = s->neighbors.items;
	const struct setting_interface *interfaces = s->interfaces.items;

	neighbors_free(&t->stale);
	if (reserve(t, s) < 0) {
		drop_aps(t, true);
		drop_neighbors(t, true);
		return -ENOMEM;
	}
	for (size_t i = 0; i < s->neighbors.n; i++)
		fill_neighbor(t, &neighbors[i]);
	for (size_t i = 0; i < s->interfaces.n; i++)
		fill_interface(t, &interfaces[i]);
	drop_aps(t, false);
	drop_neighbors(t, false);
	announce(t);
	return 0;
}

static struct ap_entry **learned_place(struct neighbors *t, const struct ap *tuple)
{
	struct lladdr id = id_key(&tuple->id);
	for (struct ap_entry **at = &t->aps; *at; at = &(*at)->next) {
		const struct ap *ap = &(*at)->ap;
		if (id.len ? lladdr_eq(&ap->id, &id)
		           : ap->id.len == 0 && addr_eq(&ap->router, &tuple->router))
			return at;
	}
	return NULL;
}

/* A learned neighbour lives as long as a tuple names it. */
static void drop_if_bare(struct neighbors *t, struct neighbor *n)
{
	if (!n || !n->learned || has_aps(t, n))
		return;
	for (struct neighbor_entry **at = &t->list; *at; at = &(*at)->next)
		if (&(*at)->n == n) {
			free(drop_neighbor(at));
			return;
		}
}

static void evict_oldest(struct neighbors *t)
{
	for (struct ap_entry **at = &t->aps; *at; at = &(*at)->next) {
		if (!(*at)->learned)
			continue;
		struct neighbor *n = (*at)->ap.neighbor;
		ap_free(t, at);
		t->learned--;
		neighbor_counters[NEIGHBOR_APS_EVICTED].value++;
		drop_if_bare(t, n);
		return;
	}
}

static struct neighbor *learned_neighbor(struct neighbors *t, const struct in6_addr *router)
{
	struct neighbor *n = neighbor_find(t, router);
	if (n)
		return n;
	struct neighbor_entry *e = neighbor_entry_add(t, ADDR(router), router);
	if (!e)
		return NULL;
	/* A mobile speaks to routers as a mobile does; protection between routers is theirs. */
	e->n.protect = PROTECT_NONE;
	e->n.protected_up = e->n.learned = true;
	return &e->n;
}

/* To the end of the list: the newest. */
static void refresh(struct ap_entry **at)
{
	struct ap_entry *e = *at;
	for (*at = e->next; *at;)
		at = &(*at)->next;
	e->next = NULL;
	*at = e;
}

struct ap *ap_learn(struct neighbors *t, const struct ap *tuple)
{
	if (addr_is_zero(&tuple->router)) {
		errno = EINVAL;
		return NULL;
	}
	struct ap_entry **at = learned_place(t, tuple), *e = at ? *at : NULL;
	if (e && !e->learned)
		return &e->ap;
	if (!e && t->learned == NEIGHBOR_APS_LEARNED)
		evict_oldest(t);

	struct neighbor *n = learned_neighbor(t, &tuple->router);
	if (!e && n && (e = ap_entry_add(t, &tuple->id))) {
		e->learned = true;
		t->learned++;
	} else if (at) {
		refresh(at);
	}
	if (!n || !e) {
		drop_if_bare(t, n);
		errno = ENOMEM;
		return NULL;
	}
	struct neighbor *before = e->ap.neighbor;
	e->ap.prefix = tuple->prefix;
	e->ap.router = tuple->router;
	e->ap.link_address = tuple->link_address;
	e->ap.neighbor = n;
	if (before != n)
		drop_if_bare(t, before);
	return &e->ap;
}

void neighbors_each(struct neighbors *t, void (*fn)(struct neighbor *n, void *arg), void *arg)
{
	for (struct neighbor_entry *e = t->list, *next; e; e = next) {
		next = e->next;
		fn(&e->n, arg);
	}
}

void aps_each(struct neighbors *t, void (*fn)(struct ap *ap, void *arg), void *arg)
{
	for (struct ap_entry *e = t->aps, *next; e; e = next) {
		next = e->next;
		fn(&e->ap, arg);
	}
}

bool neighbor_usable(const struct neighbor *n)
{
	return !n->stale && (n->protect == PROTECT_NONE || n->protected_up);
}

void neighbor_set_protection(struct neighbors *t, struct neighbor *n, bool up)
{
	if (n->protect == PROTECT_NONE || n->protected_up == up)
		return;
	n->protected_up = up;
	publish(t, BUS_NEIGHBOR_PROTECTION, n, up);
}

void neighbor_set_association(struct neighbors *t, struct neighbor *n, bool up)
{
	if (n->associated == up)
		return;
	n->associated = up;
	publish(t, BUS_NEIGHBOR_ASSOCIATION, n, up);
}

static const char *const protect_names[] = { [PROTECT_IPSEC] = "ipsec", [PROTECT_NONE] = "none" };
static const char *const compat_names[] = { [COMPAT_RFC5568] = "rfc5568", [COMPAT_RFC4068] = "rfc4068", [COMPAT_NONE] = "none" };

static void show_aps(const struct neighbors *t, const struct neighbor *n, struct output *o)
{
	out_list_begin(o, "aps");
	for (const struct ap_entry *e = t->aps; e; e = e->next) {
		if (e->ap.neighbor != n)
			continue;
		out_item_begin(o, NULL);
		out_lladdr(o, "id", &e->ap.id);
		if (e->ap.prefix.plen)
			out_prefix(o, "prefix", &e->ap.prefix);
		else
			out_str(o, "prefix", NULL);
		out_addr(o, "router", &e->ap.router);
		out_lladdr(o, "link_address", &e->ap.link_address);
		if (e->ap.prefix4.plen) {
			out_prefix(o, "prefix4", &e->ap.prefix4);
			out_addr(o, "router4", &e->ap.router4);
			out_addr(o, "dhcp4", addr_is_zero(&e->ap.dhcp4) ? &e->ap.router4 : &e->ap.dhcp4);
		}
		out_item_end(o);
	}
	out_list_end(o);
}

void neighbors_show(struct neighbors *t, struct output *o)
{
	out_list_begin(o, NULL);
	for (const struct neighbor_entry *e = t->list; e; e = e->next) {
		const struct neighbor *n = &e->n;
		out_item_begin(o, NULL);
		out_str(o, "name", n->name);
		out_addr(o, "address", &n->address);
		out_str(o, "protect", protect_names[n->protect]);
		out_str(o, "compat", compat_names[n->compat]);
		out_str(o, "protection", neighbor_usable(n) ? "up" : "down");
		out_str(o, "association", n->associated ? "up" : "down");
		out_bool(o, "learned", n->learned);
		show_aps(t, n, o);
		out_item_end(o);
	}
	out_list_end(o);
}
