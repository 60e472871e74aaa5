#include "net/hold.h"

#include <stdlib.h>
#include <string.h>

#define METER_WINDOW 64 /* arrivals */

void hold_init(struct hold *h, struct hold_pool *pool)
{
	*h = (struct hold){ .pool = pool };
	for (int c = 0; c < HOLD_CLASSES; c++)
		h->tail[c] = &h->head[c];
}

/* What an allocation takes in glibc and musl alike, within a few octets: a word of bookkeeping, rounded up to 16. */
uint64_t hold_cost(size_t len)
{
	return (sizeof(struct held) + len + sizeof(size_t) + 15) & ~(uint64_t)15;
}

void hold_meter(struct hold *h, usec_t now)
{
	if (h->metered == 0)
		h->metered_since = now;
	h->metered++;
	h->last_arrival = now;
	if (h->metered <= METER_WINDOW)
		return;
	h->metered_since += (now - h->metered_since) / 2;
	h->metered = h->metered / 2 + 1;
}

usec_t hold_interval(const struct hold *h)
{
	if (h->metered < 2)
		return 0;
	usec_t gap = (h->last_arrival - h->metered_since) / (h->metered - 1);
	return gap ? gap : 1;
}

static enum hold_class next_class(const struct hold *h)
{
	return h->head[HOLD_OLDER] ? HOLD_OLDER : HOLD_FRESH;
}

struct held *hold_peek(const struct hold *h, bool older_only)
{
	return h->head[older_only ? HOLD_OLDER : next_class(h)];
}

void hold_pop(struct hold *h)
{
	enum hold_class c = next_class(h);
	struct held *p = h->head[c];
	if (!p)
		return;
	h->head[c] = p->next;
	if (!p->next)
		h->tail[c] = &h->head[c];
	h->packets--;
	h->octets -= hold_cost(p->len);
	h->pool->octets -= hold_cost(p->len);
	free(p);
}

static bool over(const struct hold *h, uint64_t more)
{
	return h->octets + more > h->pool->limit_one || h->pool->octets + more > h->pool->limit;
}

static unsigned make_room(struct hold *h, uint64_t cost)
{
	unsigned dropped = 0;
	for (; h->packets && over(h, cost); dropped++)
		hold_pop(h);
	return dropped;
}

unsigned hold_push(struct hold *h, enum hold_class c, const void *data, size_t len, usec_t now, bool *kept)
{
	uint64_t cost = hold_cost(len);
	*kept = false;
	hold_meter(h, now);
	if (cost > h->pool->limit_one || cost > h->pool->limit)
		return 1; /* never fits: what is held stays */
	unsigned dropped = make_room(h, cost);
	struct held *p = over(h, cost) ? NULL : malloc(sizeof *p + len);
	if (!p)
		return dropped + 1;
	p->next = NULL;
	p->len = len;
	memcpy(p->data, data, len);
	*h->tail[c] = p;
	h->tail[c] = &p->next;
	h->packets++;
	h->octets += cost;
	h->pool->octets += cost;
	*kept = true;
	return dropped;
}

unsigned hold_trim(struct hold *h)
{
	return make_room(h, 0);
}

uint64_t hold_clear(struct hold *h)
{
	uint64_t n = h->packets;
	while (h->packets)
		hold_pop(h);
	return n;
}
