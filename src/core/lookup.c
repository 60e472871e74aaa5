/* Open addressing, linear probing, removal by moving up what follows; at most three quarters full. */
#include "core/lookup.h"

#include <errno.h>
#include <stdlib.h>

#define CAP_MIN 16

/* Packed: a quarter of the memory of all tables. */
struct lookup_slot {
	uint32_t hash; /* of what was given, the lower half */
	void *item;    /* NULL: free */
} __attribute__((packed, aligned(4)));

static size_t home(const struct lookup *t, uint32_t hash)
{
	return hash & (t->cap - 1);
}

static size_t after(const struct lookup *t, size_t i)
{
	return (i + 1) & (t->cap - 1);
}

void *lookup_find(const struct lookup *t, uint64_t hash, lookup_is_fn *is, const void *key)
{
	if (!t->n)
		return NULL;
	for (size_t i = home(t, (uint32_t)hash); t->slots[i].item; i = after(t, i))
		if (t->slots[i].hash == (uint32_t)hash && is(t->slots[i].item, key))
			return t->slots[i].item;
	return NULL;
}

static void put(struct lookup *t, uint32_t hash, void *item)
{
	size_t i = home(t, hash);
	while (t->slots[i].item)
		i = after(t, i);
	t->slots[i] = (struct lookup_slot){ hash, item };
}

static int resize(struct lookup *t, size_t cap)
{
	struct lookup next = { calloc(cap, sizeof *next.slots), t->n, cap };
	if (!next.slots)
		return -ENOMEM;
	for (size_t i = 0; i < t->cap; i++)
		if (t->slots[i].item)
			put(&next, t->slots[i].hash, t->slots[i].item);
	free(t->slots);
	*t = next;
	return 0;
}

int lookup_add(struct lookup *t, uint64_t hash, void *item)
{
	if (4 * (t->n + 1) > 3 * t->cap && resize(t, t->cap ? 2 * t->cap : CAP_MIN) < 0)
		return -ENOMEM;
	put(t, (uint32_t)hash, item);
	t->n++;
	return 0;
}

void lookup_del(struct lookup *t, uint64_t hash, const void *item)
{
	size_t gap = home(t, (uint32_t)hash);
	while (t->slots[gap].item != item)
		gap = after(t, gap);
	/* What follows without a free slot between may have been put off by this one: it moves up, unless that is before its home. */
	for (size_t i = after(t, gap); t->slots[i].item; i = after(t, i)) {
		size_t away = (i - home(t, t->slots[i].hash)) & (t->cap - 1), back = (i - gap) & (t->cap - 1);
		if (away < back)
			continue;
		t->slots[gap] = t->slots[i];
		gap = i;
	}
	t->slots[gap].item = NULL;
	t->n--;
	if (t->cap > CAP_MIN && 8 * t->n < t->cap)
		resize(t, t->cap / 2); /* no memory for that: it stays as large as it is */
}

void lookup_free(struct lookup *t)
{
	free(t->slots);
	*t = (struct lookup){ 0 };
}
