/* The table of mobiles: one hash by address, one by link and link-layer address, one list for walks. */
#include "core/mobile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/output.h"
#include "core/secret.h"

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION(key, len, out) ((out) = (unsigned)hash_keyed((key), (len)))
#include <uthash.h>

struct counter mobile_counters[MOBILE_COUNTERS] = {
	[MOBILE_COUNT] = { "count", "Mobiles in the table", 0, 1 },
	[MOBILE_REFUSED] = { "refused", "Mobiles not taken because the table was full", 0, 0 },
};

struct entry;

/* One address of one mobile. */
struct addr_node {
	UT_hash_handle hh;
	struct in6_addr addr;
	struct entry *owner;
};

/* Hashed as octets: no padding, and unused octets are zero. */
struct link_key {
	int ifindex;
	struct lladdr lladdr;
	uint8_t zero[3];
};
_Static_assert(sizeof(struct link_key) == sizeof(int) + sizeof(struct lladdr) + 3, "no padding");

struct entry {
	struct mobile m; /* first: a struct mobile * is a struct entry * */
	bool removed;    /* out of the table, being announced */
	struct addr_node *nodes[MOBILE_ADDRS]; /* beside m.addrs */
	struct entry *prev, *next;
	struct link_key key;
	UT_hash_handle hh; /* hh.tbl NULL: not in by_link */
};

struct walk {
	struct entry *next;
	struct walk *outer;
};

struct mobiles {
	struct bus *bus;
	size_t limit, n;
	struct addr_node *by_addr;
	struct entry *by_link;
	struct entry *first, *last;
	struct walk *walks; /* those under way, innermost first */
};

struct mobiles *mobiles_create(struct bus *bus, size_t limit)
{
	struct mobiles *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	t->bus = bus;
	t->limit = limit;
	return t;
}

void mobiles_destroy(struct mobiles *t)
{
	if (!t)
		return;
	t->limit = 0; /* whoever hears of a removal cannot make new ones */
	while (t->first)
		mobile_remove(t, &t->first->m);
	free(t);
}

size_t mobiles_count(const struct mobiles *t)
{
	return t->n;
}

static void publish(struct mobiles *t, enum bus_topic topic, struct mobile *m)
{
	struct bus_note note = { .topic = topic, .u.mobile.mobile = m };
	if (t->bus)
		bus_publish(t->bus, &note);
}

static struct addr_node *node_find(const struct mobiles *t, const struct in6_addr *addr)
{
	struct addr_node *n;
	HASH_FIND(hh, t->by_addr, addr, sizeof *addr, n);
	return n;
}

static struct link_key link_key_make(int ifindex, const struct lladdr *l)
{
	struct link_key k = { .ifindex = ifindex };
	k.lladdr.len = l->len <= LLADDR_MAX ? l->len : LLADDR_MAX;
	memcpy(k.lladdr.octet, l->octet, k.lladdr.len);
	return k;
}

struct mobile *mobile_find(const struct mobiles *t, const struct in6_addr *addr)
{
	struct addr_node *n = node_find(t, addr);
	return n ? &n->owner->m : NULL;
}

struct mobile *mobile_find_lladdr(const struct mobiles *t, int ifindex, const struct lladdr *l)
{
	struct link_key k = link_key_make(ifindex, l);
	struct entry *e;
	HASH_FIND(hh, t->by_link, &k, sizeof k, e);
	return e ? &e->m : NULL;
}

static int node_add(struct mobiles *t, struct entry *e, const struct in6_addr *addr)
{
	struct addr_node *n = calloc(1, sizeof *n);
	if (!n)
		return -ENOMEM;
	n->addr = *addr;
	n->owner = e;
	HASH_ADD(hh, t->by_addr, addr, sizeof n->addr, n);
	if (!n->hh.tbl) {
		free(n);
		return -ENOMEM;
	}
	e->nodes[e->m.addrs_n] = n;
	e->m.addrs[e->m.addrs_n++] = *addr;
	return 0;
}

static void list_append(struct mobiles *t, struct entry *e)
{
	e->prev = t->last;
	if (t->last)
		t->last->next = e;
	else
		t->first = e;
	t->last = e;
	mobile_counters[MOBILE_COUNT].value = ++t->n;
}

static void list_remove(struct mobiles *t, struct entry *e)
{
	for (struct walk *w = t->walks; w; w = w->outer)
		if (w->next == e)
			w->next = e->next;
	if (e->prev)
		e->prev->next = e->next;
	else
		t->first = e->next;
	if (e->next)
		e->next->prev = e->prev;
	else
		t->last = e->prev;
	mobile_counters[MOBILE_COUNT].value = --t->n;
}

struct mobile *mobile_get(struct mobiles *t, const struct in6_addr *addr)
{
	struct mobile *m = mobile_find(t, addr);
	if (m)
		return m;
	if (addr_is_zero(addr) || addr_is_multicast(addr)) {
		errno = EINVAL;
		return NULL;
	}
	if (t->n >= t->limit) {
		mobile_counters[MOBILE_REFUSED].value++;
		errno = ENOSPC;
		return NULL;
	}
	struct entry *e = calloc(1, sizeof *e);
	if (!e || node_add(t, e, addr) < 0) {
		free(e);
		errno = ENOMEM;
		return NULL;
	}
	list_append(t, e);
	publish(t, BUS_MOBILE_ADDED, &e->m);
	m = mobile_find(t, addr);
	if (!m)
		errno = ECANCELED;
	return m;
}

int mobile_add_addr(struct mobiles *t, struct mobile *m, const struct in6_addr *addr)
{
	struct entry *e = (struct entry *)m;
	struct addr_node *n = node_find(t, addr);
	if (n)
		return n->owner == e ? 0 : -EEXIST;
	if (e->removed || addr_is_zero(addr) || addr_is_multicast(addr))
		return -EINVAL;
	if (m->addrs_n == MOBILE_ADDRS)
		return -ENOSPC;
	return node_add(t, e, addr);
}

void mobile_del_addr(struct mobiles *t, struct mobile *m, const struct in6_addr *addr)
{
	struct entry *e = (struct entry *)m;
	struct addr_node *n = node_find(t, addr);
	if (!n || n->owner != e)
		return;
	if (m->addrs_n == 1) {
		mobile_remove(t, m);
		return;
	}
	size_t i = 0;
	while (e->nodes[i] != n)
		i++;
	size_t after = (size_t)m->addrs_n - i - 1;
	memmove(&e->nodes[i], &e->nodes[i + 1], after * sizeof e->nodes[0]);
	memmove(&m->addrs[i], &m->addrs[i + 1], after * sizeof m->addrs[0]);
	m->addrs_n--;
	e->nodes[m->addrs_n] = NULL;
	HASH_DEL(t->by_addr, n);
	free(n);
}

static void link_forget(struct mobiles *t, struct entry *e)
{
	if (!e->hh.tbl)
		return;
	HASH_DEL(t->by_link, e);
	e->hh.tbl = NULL;
}

int mobile_set_link(struct mobiles *t, struct mobile *m, int ifindex, const struct lladdr *l)
{
	struct entry *e = (struct entry *)m;
	struct lladdr none = { 0 };
	bool attached = ifindex != 0 && l && l->len != 0;
	struct link_key k = link_key_make(attached ? ifindex : 0, attached ? l : &none);

	if (e->removed || (e->hh.tbl && memcmp(&e->key, &k, sizeof k) == 0))
		return 0;
	link_forget(t, e);
	m->ifindex = ifindex;
	m->lladdr = l ? link_key_make(0, l).lladdr : none;
	e->key = k;
	if (!attached)
		return 0;
	struct entry *other;
	HASH_FIND(hh, t->by_link, &k, sizeof k, other);
	if (other)
		link_forget(t, other);
	HASH_ADD(hh, t->by_link, key, sizeof e->key, e);
	return e->hh.tbl ? 0 : -ENOMEM;
}

void mobile_remove(struct mobiles *t, struct mobile *m)
{
	struct entry *e = (struct entry *)m;
	if (e->removed)
		return;
	e->removed = true;
	list_remove(t, e);
	link_forget(t, e);
	for (size_t i = 0; i < m->addrs_n; i++) {
		HASH_DEL(t->by_addr, e->nodes[i]);
		free(e->nodes[i]);
	}
	publish(t, BUS_MOBILE_REMOVED, m);
	free(e);
}

void mobiles_each(struct mobiles *t, bool (*fn)(struct mobile *m, void *arg), void *arg)
{
	struct walk w = { .next = t->first, .outer = t->walks };
	t->walks = &w;
	while (w.next) {
		struct entry *e = w.next;
		w.next = e->next;
		if (!fn(&e->m, arg))
			break;
	}
	t->walks = w.outer;
}

const struct secret *mobile_key(const struct settings *s, const struct in6_addr *addr)
{
	const struct setting_mobile *best = NULL, *all = s->mobiles.items;
	for (size_t i = 0; i < s->mobiles.n; i++) {
		const struct setting_mobile *m = &all[i];
		if (!addr_is_zero(&m->address)) {
			if (addr_eq(&m->address, addr))
				return m->key;
		} else if (prefix_has(&m->prefix, addr) && (!best || m->prefix.plen > best->prefix.plen)) {
			best = m;
		}
	}
	return best ? best->key : NULL;
}

static bool show_one(struct mobile *m, void *arg)
{
	struct output *o = arg;
	out_item_begin(o, NULL);
	out_addr(o, "mobile", &m->addrs[0]);
	out_lladdr(o, "lladdr", &m->lladdr);
	out_int(o, "ifindex", m->ifindex);
	out_list_begin(o, "addresses");
	for (size_t i = 0; i < m->addrs_n; i++)
		out_addr(o, NULL, &m->addrs[i]);
	out_list_end(o);
	out_item_end(o);
	return true;
}

void mobiles_show(struct mobiles *t, struct output *o)
{
	out_list_begin(o, NULL);
	mobiles_each(t, show_one, o);
	out_list_end(o);
}
