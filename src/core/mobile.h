/*
 * The table of mobiles. A mobile is known here by its addresses (previous and new care-of, possibly several), has one
 * current link, and one slot per module that wants to remember something about it. Bounded; keyed hashing, so that a
 * stranger who chooses addresses cannot make it slow.
 */
#ifndef HANDOVERD_CORE_MOBILE_H
#define HANDOVERD_CORE_MOBILE_H

#include "core/addr.h"
#include "core/bus.h"
#include "core/counter.h"
#include "core/settings.h"

enum { MOBILE_COUNT, MOBILE_REFUSED, MOBILE_COUNTERS };
extern struct counter mobile_counters[MOBILE_COUNTERS]; /* shown as mobiles.… */

#define MOBILE_ADDRS 8 /* addresses one mobile can have at a time */

/* Module slots. A module's slot is freed by that module when BUS_MOBILE_REMOVED comes. */
enum mobile_slot { MOBILE_SLOT_FMIP6, MOBILE_SLOT_CXTP, MOBILE_SLOT_CONTEXT, MOBILE_SLOT_WIFI, MOBILE_SLOTS };

struct mobile {
	struct lladdr lladdr; /* on its current link */
	int ifindex;          /* of that link; 0: not attached here */
	uint8_t addrs_n;
	struct in6_addr addrs[MOBILE_ADDRS]; /* first: the address that names it */
	void *slot[MOBILE_SLOTS];
};

struct mobiles;
/* bus may be NULL: then nothing is published. NULL: no memory. */
struct mobiles *mobiles_create(struct bus *bus, size_t limit);
void mobiles_destroy(struct mobiles *t); /* publishes BUS_MOBILE_REMOVED for each */
size_t mobiles_count(const struct mobiles *t);
struct mobile *mobile_find(const struct mobiles *t, const struct in6_addr *addr);
/* Of several mobiles that claim one link-layer address on one link, the one that claimed it last. */
struct mobile *mobile_find_lladdr(const struct mobiles *t, int ifindex, const struct lladdr *l);
/* Finds or makes. NULL and errno: ENOSPC at the limit (counted), EINVAL (unspecified or multicast address), ENOMEM.
 * Publishes BUS_MOBILE_ADDED when made; ECANCELED if a subscriber removed the mobile at once. */
struct mobile *mobile_get(struct mobiles *t, const struct in6_addr *addr);
/* 0 (also if it is m's already), -ENOSPC (MOBILE_ADDRS), -EEXIST (another's), -EINVAL, -ENOMEM. */
int mobile_add_addr(struct mobiles *t, struct mobile *m, const struct in6_addr *addr);
void mobile_del_addr(struct mobiles *t, struct mobile *m, const struct in6_addr *addr); /* the last one removes the mobile */
/* ifindex 0 or l NULL or of length 0: not attached here. 0 or -ENOMEM (then the mobile is not found by its link address). */
int mobile_set_link(struct mobiles *t, struct mobile *m, int ifindex, const struct lladdr *l);
/* Takes the mobile out of the table, publishes BUS_MOBILE_REMOVED (m is still whole, but no longer found), frees it. */
void mobile_remove(struct mobiles *t, struct mobile *m);
/* Walks; fn may remove any mobile, the given one included. Stops when fn returns false. */
void mobiles_each(struct mobiles *t, bool (*fn)(struct mobile *m, void *arg), void *arg);

/* The master key configured for an address: the entry with that address, else with the longest prefix. Borrowed; NULL: none. */
const struct secret *mobile_key(const struct settings *s, const struct in6_addr *addr);

struct output;
void mobiles_show(struct mobiles *t, struct output *o);

#endif
