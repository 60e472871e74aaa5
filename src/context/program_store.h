/* What one program has deposited: for each mobile, blocks as they travel. Bounded; no system call. */
#ifndef HANDOVERD_CONTEXT_PROGRAM_STORE_H
#define HANDOVERD_CONTEXT_PROGRAM_STORE_H

#include "core/addr.h"

struct program_store;
struct program_store_limits {
	size_t mobiles, octets; /* what is there already stays when they shrink */
};
struct program_store *program_store_create(const struct program_store_limits *limits); /* borrowed. NULL: no memory */
void program_store_destroy(struct program_store *s); /* NULL allowed */

/* In the place of what was there; no octets: nothing is. 0, or -ENOSPC (then nothing is there any more), -ENOMEM. Copied. */
int program_store_put(struct program_store *s, const struct in6_addr *mobile, const uint8_t *blocks, size_t len);
/* NULL: nothing. */
const uint8_t *program_store_get(const struct program_store *s, const struct in6_addr *mobile, size_t *len);
void program_store_drop(struct program_store *s, const struct in6_addr *mobile);
void program_store_clear(struct program_store *s);
size_t program_store_mobiles(const struct program_store *s);
size_t program_store_octets(const struct program_store *s);
void program_store_each(const struct program_store *s, void (*fn)(const struct in6_addr *mobile, size_t octets, void *arg), void *arg);

#endif
