/*
 * The table of mobiles. A mobile is known here by its addresses (previous and new care-of, possibly several), has one
 * current link, and one slot per module that wants to remember something about it. Bounded; keyed hashing.
 */
#ifndef HANDOVERD_CORE_MOBILE_H
#define HANDOVERD_CORE_MOBILE_H

#include "core/addr.h"
#include "core/bus.h"
#include "core/settings.h"

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
struct mobiles *mobiles_create(struct bus *bus, size_t limit);
void mobiles_destroy(struct mobiles *t); /* publishes BUS_MOBILE_REMOVED for each */
size_t mobiles_count(const struct mobiles *t);
struct mobile *mobile_find(const struct mobiles *t, const struct in6_addr *addr);
struct mobile *mobile_find_lladdr(const struct mobiles *t, int ifindex, const struct lladdr *l);
/* Finds or makes. NULL and errno: ENOSPC at the limit (counted), ENOMEM. Publishes BUS_MOBILE_ADDED when made. */
struct mobile *mobile_get(struct mobiles *t, const struct in6_addr *addr);
int mobile_add_addr(struct mobiles *t, struct mobile *m, const struct in6_addr *addr); /* -ENOSPC, -EEXIST (another's) */
void mobile_del_addr(struct mobiles *t, struct mobile *m, const struct in6_addr *addr); /* the last one removes the mobile */
void mobile_set_link(struct mobiles *t, struct mobile *m, int ifindex, const struct lladdr *l);
void mobile_remove(struct mobiles *t, struct mobile *m);
/* Walks; fn may remove the mobile it is given. Stops when fn returns false. */
void mobiles_each(struct mobiles *t, bool (*fn)(struct mobile *m, void *arg), void *arg);

/* The master key configured for an address: the entry with that address, else with the longest prefix. Borrowed; NULL: none. */
const struct secret *mobile_key(const struct settings *s, const struct in6_addr *addr);

struct output;
void mobiles_show(struct mobiles *t, struct output *o);

#endif
