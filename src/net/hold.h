/*
 * The queue of one held address: packets in three classes. Older ones leave before all others; those beside and fresh ones in order
 * of arrival. Pure: no system call. Memory is counted as malloc spends it, against a limit of its own and one of all holds together; at either limit
 * the oldest packet of this hold goes, of the forwarded ones while there are any.
 */
#ifndef HANDOVERD_NET_HOLD_H
#define HANDOVERD_NET_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/loop.h"

struct hold_pool {
	uint64_t limit;     /* octets, all holds together */
	uint64_t limit_one; /* octets, one hold */
	uint64_t octets;    /* in use */
};

/* HOLD_BESIDE: forwarded as the older ones are, but without an order that binds them to the fresh ones. */
enum hold_class { HOLD_OLDER, HOLD_BESIDE, HOLD_FRESH, HOLD_CLASSES };

struct held {
	struct held *next;
	uint32_t len;
	uint32_t number; /* of its arrival */
	uint8_t data[];
};

struct hold {
	struct hold_pool *pool;
	struct held *head[HOLD_CLASSES], **tail[HOLD_CLASSES];
	uint64_t packets, octets;
	uint32_t arrivals;
	bool beside_first; /* those beside leave before all fresh ones after all */
	/* The meter: arrivals since a time; both are halved now and then, so that recent activity counts more. */
	usec_t metered_since, last_arrival;
	uint64_t metered;
};

void hold_init(struct hold *h, struct hold_pool *pool);
/* Copies the packet. Returns how many packets were dropped for it; it is itself among them if it does not fit at all, and
 * then *kept is false. */
unsigned hold_push(struct hold *h, enum hold_class c, const void *data, size_t len, usec_t now, bool *kept);
struct held *hold_peek(const struct hold *h, bool forwarded); /* the next to leave, or the next that is not fresh; NULL: none */
void hold_pop(struct hold *h, struct held *p);                /* frees p, which hold_peek gave */
uint64_t hold_clear(struct hold *h);                          /* frees all; returns how many packets */
unsigned hold_trim(struct hold *h);                           /* after a limit was lowered; returns how many were dropped */
uint64_t hold_cost(size_t len);                               /* octets that a packet of len occupies */

/* The time between two arrivals as metered (RFC 5568 §4.5); 0: fewer than two have come. hold_meter counts one in. */
usec_t hold_interval(const struct hold *h);
void hold_meter(struct hold *h, usec_t now);

#endif
