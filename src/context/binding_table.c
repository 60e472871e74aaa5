#include "context/binding_table.h"

#include <stdlib.h>
#include <string.h>

#include "core/secret.h"

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION(key, len, out) ((out) = (unsigned)hash_keyed((key), (len)))
#include <uthash.h>

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
	struct link_key key;
	struct entry *first;
	UT_hash_handle hh;
};

struct entry {
	struct binding b; /* first: a struct binding * is a struct entry * */
	struct addr_key key;
	struct owner *owner;
	struct entry *prev, *next; /* of the owner's; the newest first */
	bool seen;
	UT_hash_handle hh;
};

struct binding_table {
	struct entry *entries;
	struct owner *owners;
	struct entry *next; /* of the walk over all that is under way */
	size_t limit;
};

static struct link_key link_key(int ifindex, const struct lladdr *l)
{
	struct link_key k = { .ifindex = ifindex };
	k.lladdr.len = l->len;
	memcpy(k.lladdr.octet, l->octet, l->len);
	return k;
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
	while (t->entries)
		binding_del(t, &t->entries->b);
	free(t);
}

void binding_table_limit(struct binding_table *t, size_t limit)
{
	t->limit = limit;
}

size_t binding_table_count(const struct binding_table *t)
{
	return HASH_COUNT(t->entries);
}

static struct owner *owner_find(const struct binding_table *t, int ifindex, const struct lladdr *l)
{
	struct link_key k = link_key(ifindex, l);
	struct owner *o;
	HASH_FIND(hh, t->owners, &k, sizeof k, o);
	return o;
}

static struct owner *owner_get(struct binding_table *t, int ifindex, const struct lladdr *l)
{
	struct owner *o = owner_find(t, ifindex, l);
	if (o)
		return o;
	o = calloc(1, sizeof *o);
	if (!o)
		return NULL;
	o->key = link_key(ifindex, l);
	HASH_ADD(hh, t->owners, key, sizeof o->key, o);
	if (o->hh.tbl)
		return o;
	free(o);
	return NULL;
}

static void owner_free_if_empty(struct binding_table *t, struct owner *o)
{
	if (o->first)
		return;
	HASH_DEL(t->owners, o);
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
	e->b.lladdr = &o->key.lladdr;
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
	struct addr_key k = { ifindex, *addr };
	struct entry *e;
	HASH_FIND(hh, t->entries, &k, sizeof k, e);
	return e ? &e->b : NULL;
}

static struct entry *entry_make(struct binding_table *t, int ifindex, const struct in6_addr *addr, struct owner *o)
{
	struct entry *e = HASH_COUNT(t->entries) < t->limit ? calloc(1, sizeof *e) : NULL;
	if (!e)
		return NULL;
	e->key = (struct addr_key){ ifindex, *addr };
	e->b = (struct binding){ .ifindex = ifindex, .addr = *addr };
	HASH_ADD(hh, t->entries, key, sizeof e->key, e);
	if (!e->hh.tbl) {
		free(e);
		return NULL;
	}
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
	e->seen = true;
	return &e->b;
}

void binding_del(struct binding_table *t, struct binding *b)
{
	struct entry *e = (struct entry *)b;
	if (t->next == e)
		t->next = e->hh.next;
	detach(e);
	HASH_DEL(t->entries, e);
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
	for (struct entry *e = t->entries; e; e = t->next) {
		t->next = e->hh.next;
		if (!(only_unseen && e->seen) && !fn(&e->b, arg))
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
	for (struct entry *e = t->entries; e; e = e->hh.next)
		e->seen = false;
}

void binding_unseen(struct binding_table *t, binding_fn *fn, void *arg)
{
	walk(t, true, fn, arg);
}
