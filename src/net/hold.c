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

struct held *hold_peek(const struct hold *h, bool forwarded)
{
	struct held *beside = h->head[HOLD_BESIDE], *fresh = forwarded ? NULL : h->head[HOLD_FRESH];
	if (h->head[HOLD_OLDER])
		return h->head[HOLD_OLDER];
	if (!beside || !fresh || h->beside_first)
		return beside ? beside : fresh;
	return (int32_t)(beside->number - fresh->number) < 0 ? beside : fresh;
}

void hold_pop(struct hold *h, struct held *p)
{
	int c = 0;
	while (h->head[c] != p)
		c++;
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

/* At a limit: the oldest of what was forwarded. The FBack that waits for the mobile came straight, and before all of it. */
static struct held *hold_first_to_go(const struct hold *h)
{
	struct held *forwarded = hold_peek(h, true);
	return forwarded ? forwarded : hold_peek(h, false);
}

static unsigned make_room(struct hold *h, uint64_t cost)
{
	unsigned dropped = 0;
	for (; h->packets && over(h, cost); dropped++)
		hold_pop(h, hold_first_to_go(h));
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
	p->len = (uint32_t)len;
	p->number = h->arrivals++;
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
		hold_pop(h, hold_peek(h, false));
	return n;
}
