#include "context/binding_table.h"

#include <stdlib.h>
#include <string.h>

#include "core/lookup.h"
#include "core/secret.h"

/* Hashed as octets: no padding, and unused octets are zero. */
struct addr_key {
	int ifindex;
	struct in6_addr addr;
};
struct link_key {
	int ifindex;
	struct lladdr lladdr;
	uint8_t zero[3];
};
_Static_assert(sizeof(struct addr_key) == sizeof(int) + sizeof(struct in6_addr), "no padding");
_Static_assert(sizeof(struct link_key) == sizeof(int) + sizeof(struct lladdr) + 3, "no padding");

/* The bindings of one link-layer address on one link. There is one as long as it has any. */
struct owner {
	int ifindex;
	struct lladdr lladdr;
	struct entry *first;
};

struct entry {
	struct binding b; /* first: a struct binding * is a struct entry * */
	struct owner *owner;
	struct entry *prev, *next; /* of the owner's; the newest first */
	struct entry *all_prev, *all_next;
};

struct binding_table {
	struct lookup by_addr, by_link;
	struct entry *first, *last; /* of all, the oldest first */
	struct entry *next; /* of the walk over all that is under way */
	size_t limit;
};

static uint64_t addr_hash(int ifindex, const struct in6_addr *addr)
{
	struct addr_key k = { ifindex, *addr };
	return hash_keyed(&k, sizeof k);
}

static uint64_t link_hash(int ifindex, const struct lladdr *l)
{
	struct link_key k = { .ifindex = ifindex };
	k.lladdr.len = l->len;
	memcpy(k.lladdr.octet, l->octet, l->len);
	return hash_keyed(&k, sizeof k);
}

struct binding_table *binding_table_create(size_t limit)
{
	struct binding_table *t = calloc(1, sizeof *t);
	if (t)
		t->limit = limit;
	return t;
}

void binding_table_destroy(struct binding_table *t)
{
	if (!t)
		return;
	while (t->first)
		binding_del(t, &t->first->b);
	lookup_free(&t->by_addr);
	lookup_free(&t->by_link);
	free(t);
}

void binding_table_limit(struct binding_table *t, size_t limit)
{
	t->limit = limit;
}

size_t binding_table_count(const struct binding_table *t)
{
	return t->by_addr.n;
}

struct place {
	int ifindex;
	const void *what; /* struct in6_addr or struct lladdr */
};

static bool owner_is(const void *item, const void *key)
{
	const struct owner *o = item;
	const struct place *k = key;
	return o->ifindex == k->ifindex && lladdr_eq(&o->lladdr, k->what);
}

static bool entry_is(const void *item, const void *key)
{
	const struct entry *e = item;
	const struct place *k = key;
	return e->b.ifindex == k->ifindex && addr_eq(&e->b.addr, k->what);
}

static struct owner *owner_find(const struct binding_table *t, int ifindex, const struct lladdr *l)
{
	return lookup_find(&t->by_link, link_hash(ifindex, l), owner_is, &(struct place){ ifindex, l });
}

static struct owner *owner_get(struct binding_table *t, int ifindex, const struct lladdr *l)
{
	struct owner *o = owner_find(t, ifindex, l);
	if (o)
		return o;
	o = calloc(1, sizeof *o);
	if (!o)
		return NULL;
	o->ifindex = ifindex;
	o->lladdr = *l;
	if (lookup_add(&t->by_link, link_hash(ifindex, l), o) == 0)
		return o;
	free(o);
	return NULL;
}

static void owner_free_if_empty(struct binding_table *t, struct owner *o)
{
	if (o->first)
		return;
	lookup_del(&t->by_link, link_hash(o->ifindex, &o->lladdr), o);
	free(o);
}

static void attach(struct entry *e, struct owner *o)
{
	e->owner = o;
	e->prev = NULL;
	e->next = o->first;
	if (o->first)
		o->first->prev = e;
	o->first = e;
	e->b.lladdr = &o->lladdr;
}

static void detach(struct entry *e)
{
	if (e->prev)
		e->prev->next = e->next;
	else
		e->owner->first = e->next;
	if (e->next)
		e->next->prev = e->prev;
}

struct binding *binding_find(const struct binding_table *t, int ifindex, const struct in6_addr *addr)
{
	return lookup_find(&t->by_addr, addr_hash(ifindex, addr), entry_is, &(struct place){ ifindex, addr });
}

static struct entry *entry_make(struct binding_table *t, int ifindex, const struct in6_addr *addr, struct owner *o)
{
	struct entry *e = t->by_addr.n < t->limit ? calloc(1, sizeof *e) : NULL;
	if (!e)
		return NULL;
	e->b = (struct binding){ .ifindex = ifindex, .addr = *addr };
	if (lookup_add(&t->by_addr, addr_hash(ifindex, addr), e) < 0) {
		free(e);
		return NULL;
	}
	e->all_prev = t->last;
	if (t->last)
		t->last->all_next = e;
	else
		t->first = e;
	t->last = e;
	attach(e, o);
	return e;
}

struct binding *binding_put(struct binding_table *t, int ifindex, const struct in6_addr *addr, const struct lladdr *l)
{
	struct entry *e = (struct entry *)binding_find(t, ifindex, addr);
	struct owner *o = owner_get(t, ifindex, l);
	if (!o)
		return NULL;
	if (!e) {
		e = entry_make(t, ifindex, addr, o);
	} else if (e->owner != o) {
		struct owner *old = e->owner;
		detach(e);
		attach(e, o);
		owner_free_if_empty(t, old);
		e->b.mobile = in6addr_any;
	}
	if (!e) {
		owner_free_if_empty(t, o);
		return NULL;
	}
	e->b.seen = true;
	return &e->b;
}

void binding_del(struct binding_table *t, struct binding *b)
{
	struct entry *e = (struct entry *)b;
	if (t->next == e)
		t->next = e->all_next;
	detach(e);
	if (e->all_prev)
		e->all_prev->all_next = e->all_next;
	else
		t->first = e->all_next;
	if (e->all_next)
		e->all_next->all_prev = e->all_prev;
	else
		t->last = e->all_prev;
	lookup_del(&t->by_addr, addr_hash(e->b.ifindex, &e->b.addr), e);
	owner_free_if_empty(t, e->owner);
	free(e);
}

void binding_each_of(struct binding_table *t, int ifindex, const struct lladdr *l, binding_fn *fn, void *arg)
{
	struct owner *o = owner_find(t, ifindex, l);
	for (struct entry *e = o ? o->first : NULL, *next; e; e = next) {
		next = e->next;
		if (!fn(&e->b, arg))
			return;
	}
}

static void walk(struct binding_table *t, bool only_unseen, binding_fn *fn, void *arg)
{
	for (struct entry *e = t->first; e; e = t->next) {
		t->next = e->all_next;
		if (!(only_unseen && e->b.seen) && !fn(&e->b, arg))
			break;
	}
	t->next = NULL;
}

void binding_each(struct binding_table *t, binding_fn *fn, void *arg)
{
	walk(t, false, fn, arg);
}

void binding_mark(struct binding_table *t)
{
	for (struct entry *e = t->first; e; e = e->all_next)
		e->b.seen = false;
}

void binding_unseen(struct binding_table *t, binding_fn *fn, void *arg)
{
	walk(t, true, fn, arg);
}
