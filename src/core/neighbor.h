/*
 * The access routers we hand over to and from, and the map AP-ID → (router, prefix, router's link address). On a router
 * filled from the configuration; on a mobile node learnt from PrRtAdv.
 */
#ifndef HANDOVERD_CORE_NEIGHBOR_H
#define HANDOVERD_CORE_NEIGHBOR_H

#include "core/addr.h"
#include "core/bus.h"
#include "core/settings.h"

struct ap {
	struct lladdr id;           /* AP-ID; for 802.11 the BSSID */
	struct prefix prefix;       /* of the link behind it */
	struct in6_addr router;     /* the router's address on that link */
	struct lladdr link_address; /* the router's link-layer address there */
	struct neighbor *neighbor;  /* NULL: one of our own APs */
	int ifindex;                /* own APs: the access interface */
};

struct neighbor {
	char name[64];
	struct in6_addr address; /* where HI, HAck and the CXTP association go */
	enum protect protect;
	enum compat compat;
	bool protected_up; /* with PROTECT_IPSEC: the vpn module said so; with PROTECT_NONE: always */
	bool associated;   /* the CXTP association stands */
	bool stale;        /* used by reload */
};

struct neighbors;
struct neighbors *neighbors_create(struct bus *bus);
void neighbors_destroy(struct neighbors *t);
/* Makes the table equal to the settings; entries that stay keep their state. Own APs come from settings->interfaces. */
int neighbors_configure(struct neighbors *t, const struct settings *s);
struct neighbor *neighbor_find(const struct neighbors *t, const struct in6_addr *addr); /* by address, or by any AP's router */
struct neighbor *neighbor_find_name(const struct neighbors *t, const char *name);
struct ap *ap_find(const struct neighbors *t, const struct lladdr *id);
struct ap *ap_of_prefix(const struct neighbors *t, const struct in6_addr *addr); /* the AP whose prefix holds addr */
/* Mobile node: learns a tuple; finds or makes the neighbour by router address. Bounded (oldest goes). */
struct ap *ap_learn(struct neighbors *t, const struct ap *tuple);
void neighbors_each(struct neighbors *t, void (*fn)(struct neighbor *n, void *arg), void *arg);
void aps_each(struct neighbors *t, void (*fn)(struct ap *ap, void *arg), void *arg);
/* May protocol messages go to and come from it now (DESIGN decision 5)? */
bool neighbor_usable(const struct neighbor *n);
void neighbor_set_protection(struct neighbors *t, struct neighbor *n, bool up);   /* publishes on change */
void neighbor_set_association(struct neighbors *t, struct neighbor *n, bool up); /* publishes on change */

struct output;
void neighbors_show(struct neighbors *t, struct output *o);

#endif
