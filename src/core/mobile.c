/* The table of mobiles: one hash by address, one by link and link-layer address, one list for walks. */
#include "core/mobile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/lookup.h"
#include "core/output.h"
#include "core/secret.h"

struct counter mobile_counters[MOBILE_COUNTERS] = {
	[MOBILE_COUNT] = { "count", "Mobiles in the table", 0, 1 },
	[MOBILE_REFUSED] = { "refused", "Mobiles not taken because the table was full", 0, 0 },
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
	bool linked;     /* in by_link, under m.ifindex and m.lladdr */
	struct entry *prev, *next;
};

struct walk {
	struct entry *next;
	struct walk *outer;
};

struct mobiles {
	struct bus *bus;
	size_t limit, n;
	struct lookup by_addr, by_link;
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
	lookup_free(&t->by_addr);
	lookup_free(&t->by_link);
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

static size_t position(const struct mobile *m, const struct in6_addr *addr)
{
	size_t i = 0;
	while (i < m->addrs_n && !addr_eq(&m->addrs[i], addr))
		i++;
	return i;
}

static bool has_addr(const void *item, const void *addr)
{
	const struct mobile *m = item;
	return position(m, addr) < m->addrs_n;
}

static uint64_t addr_hash(const struct in6_addr *addr)
{
	return hash_keyed(addr, sizeof *addr);
}

static struct link_key link_key_make(int ifindex, const struct lladdr *l)
{
	struct link_key k = { .ifindex = ifindex };
	k.lladdr.len = l->len <= LLADDR_MAX ? l->len : LLADDR_MAX;
	memcpy(k.lladdr.octet, l->octet, k.lladdr.len);
	return k;
}

static bool on_link(const void *item, const void *key)
{
	const struct entry *e = item;
	const struct link_key *k = key;
	return e->m.ifindex == k->ifindex && lladdr_eq(&e->m.lladdr, &k->lladdr);
}

static struct entry *link_find(const struct mobiles *t, const struct link_key *k)
{
	return lookup_find(&t->by_link, hash_keyed(k, sizeof *k), on_link, k);
}

struct mobile *mobile_find(const struct mobiles *t, const struct in6_addr *addr)
{
	return lookup_find(&t->by_addr, addr_hash(addr), has_addr, addr);
}

struct mobile *mobile_find_lladdr(const struct mobiles *t, int ifindex, const struct lladdr *l)
{
	struct link_key k = link_key_make(ifindex, l);
	struct entry *e = link_find(t, &k);
	return e ? &e->m : NULL;
}

static int addr_add(struct mobiles *t, struct mobile *m, const struct in6_addr *addr)
{
	int err = lookup_add(&t->by_addr, addr_hash(addr), m);
	if (!err)
		m->addrs[m->addrs_n++] = *addr;
	return err;
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
	if (!e || addr_add(t, &e->m, addr) < 0) {
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
	struct mobile *owner = mobile_find(t, addr);
	if (owner)
		return owner == m ? 0 : -EEXIST;
	if (((struct entry *)m)->removed || addr_is_zero(addr) || addr_is_multicast(addr))
		return -EINVAL;
	if (m->addrs_n == MOBILE_ADDRS)
		return -ENOSPC;
	return addr_add(t, m, addr);
}

void mobile_del_addr(struct mobiles *t, struct mobile *m, const struct in6_addr *addr)
{
	size_t i = position(m, addr);
	if (i == m->addrs_n || ((struct entry *)m)->removed)
		return;
	if (m->addrs_n == 1) {
		mobile_remove(t, m);
		return;
	}
	lookup_del(&t->by_addr, addr_hash(addr), m);
	m->addrs_n--;
	memmove(&m->addrs[i], &m->addrs[i + 1], (m->addrs_n - i) * sizeof m->addrs[0]);
}

static void link_forget(struct mobiles *t, struct entry *e)
{
	if (!e->linked)
		return;
	struct link_key k = link_key_make(e->m.ifindex, &e->m.lladdr);
	lookup_del(&t->by_link, hash_keyed(&k, sizeof k), e);
	e->linked = false;
}

int mobile_set_link(struct mobiles *t, struct mobile *m, int ifindex, const struct lladdr *l)
{
	struct entry *e = (struct entry *)m;
	const struct lladdr none = { 0 };
	struct link_key k = link_key_make(ifindex, l ? l : &none);

	if (e->removed || (e->linked && on_link(e, &k)))
		return 0;
	link_forget(t, e);
	m->ifindex = ifindex;
	m->lladdr = k.lladdr;
	if (!ifindex || !k.lladdr.len)
		return 0;
	struct entry *other = link_find(t, &k);
	if (other)
		link_forget(t, other);
	e->linked = lookup_add(&t->by_link, hash_keyed(&k, sizeof k), e) == 0;
	return e->linked ? 0 : -ENOMEM;
}

void mobile_remove(struct mobiles *t, struct mobile *m)
{
	struct entry *e = (struct entry *)m;
	if (e->removed)
		return;
	e->removed = true;
	list_remove(t, e);
	link_forget(t, e);
	for (size_t i = 0; i < m->addrs_n; i++)
		lookup_del(&t->by_addr, addr_hash(&m->addrs[i]), m);
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
