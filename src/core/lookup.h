/*
 * Finds items by a hash of their key: for tables with very many of them, where uthash's handle in each would be more than
 * the item. It holds hash and pointer side by side, so that looking for an item touches one or two cache lines and the item
 * itself. Keys stay the items' own; hash them with hash_keyed, so that no stranger can choose where they fall.
 */
#ifndef HANDOVERD_CORE_LOOKUP_H
#define HANDOVERD_CORE_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lookup { /* all zero: empty */
	struct lookup_slot *slots;
	size_t n, cap;
};

/* Is it the item with that key? */
typedef bool lookup_is_fn(const void *item, const void *key);
void *lookup_find(const struct lookup *t, uint64_t hash, lookup_is_fn *is, const void *key); /* NULL: none */
int lookup_add(struct lookup *t, uint64_t hash, void *item); /* that is not there yet. 0 or -ENOMEM */
void lookup_del(struct lookup *t, uint64_t hash, const void *item); /* that is there */
void lookup_free(struct lookup *t); /* empty again; the items are the caller's */

#endif
