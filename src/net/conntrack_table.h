/*
 * What is known of the kernel's connection-tracking entries: their tuples, found by tuple and by either address. Pure, no
 * system call; about 200 octets an entry. The hash tables have their full size from the start, so that no insertion ever
 * waits for a table to grow; what is not touched of them takes no memory.
 */
#ifndef HANDOVERD_NET_CONNTRACK_TABLE_H
#define HANDOVERD_NET_CONNTRACK_TABLE_H

#include "net/conntrack.h"

struct conntrack_table;

struct conntrack_table *conntrack_table_create(size_t limit); /* NULL: no memory */
void conntrack_table_destroy(struct conntrack_table *t);
void conntrack_table_clear(struct conntrack_table *t);
/* The oldest go if there are more. Hash tables keep their size. */
void conntrack_table_limit(struct conntrack_table *t, size_t limit);

/* Adds or refreshes. False: at the limit, or no memory. */
bool conntrack_table_learn(struct conntrack_table *t, const struct conntrack_tuple *tuple, bool nat, uint32_t generation);
void conntrack_table_unlearn(struct conntrack_table *t, const struct conntrack_tuple *tuple);
/* Forgets at most max of those that were last learnt in another generation. True: there may be more. */
bool conntrack_table_sweep(struct conntrack_table *t, uint32_t generation, size_t max);

size_t conntrack_table_size(const struct conntrack_table *t);
size_t conntrack_table_count(const struct conntrack_table *t, const struct in6_addr *addr);
/* Tuples of an address, TCP before others, the younger before the older; without translated ones unless nat. */
size_t conntrack_table_of(const struct conntrack_table *t, const struct in6_addr *addr, bool nat, struct conntrack_tuple *out,
                          size_t max);

#endif
