/*
 * Bindings: which link-layer address has which addresses, on each link. A mirror of the kernel's neighbour entries, by
 * address and by link-layer address; some of them were put there by us, for a mobile. No system call here.
 */
#ifndef HANDOVERD_CONTEXT_BINDING_TABLE_H
#define HANDOVERD_CONTEXT_BINDING_TABLE_H

#include "core/addr.h"

struct binding {
	int ifindex;
	struct in6_addr addr;
	bool seen; /* the table's own */
	const struct lladdr *lladdr; /* borrowed from the table */
	/* The address that names the mobile here, if a context told us of the binding and nobody has changed it since; else
	 * unspecified. */
	struct in6_addr mobile;
};

struct binding_table;
struct binding_table *binding_table_create(size_t limit); /* NULL: no memory */
void binding_table_destroy(struct binding_table *t);      /* NULL allowed */
void binding_table_limit(struct binding_table *t, size_t limit); /* what is there already stays */
size_t binding_table_count(const struct binding_table *t);

/* An address has this link-layer address now. Taken from another, it is no longer a context's. NULL: full, or no memory. */
struct binding *binding_put(struct binding_table *t, int ifindex, const struct in6_addr *addr, const struct lladdr *l);
struct binding *binding_find(const struct binding_table *t, int ifindex, const struct in6_addr *addr);
void binding_del(struct binding_table *t, struct binding *b);

typedef bool binding_fn(struct binding *b, void *arg); /* false: stop */
/* The newest first; fn may delete the binding it is given, and no other. */
void binding_each_of(struct binding_table *t, int ifindex, const struct lladdr *l, binding_fn *fn, void *arg);
/* In no order; fn may delete any, and begins no such walk itself. */
void binding_each(struct binding_table *t, binding_fn *fn, void *arg);

/* Between the two, everything is put that is still there; the rest is what binding_unseen walks, as binding_each does. */
void binding_mark(struct binding_table *t);
void binding_unseen(struct binding_table *t, binding_fn *fn, void *arg);

#endif
