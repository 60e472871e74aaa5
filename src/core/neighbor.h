/*
 * The access routers we hand over to and from, and the map AP-ID → (router, prefix, router's link address). On a router
 * filled from the configuration; on a mobile node learnt from PrRtAdv.
 */
#ifndef HANDOVERD_CORE_NEIGHBOR_H
#define HANDOVERD_CORE_NEIGHBOR_H

#include <net/if.h>

#include "core/addr.h"
#include "core/bus.h"
#include "core/counter.h"
#include "core/settings.h"

#define NEIGHBOR_APS_LEARNED 256 /* tuples a mobile node keeps; then the oldest goes */

enum { NEIGHBOR_COUNT, NEIGHBOR_APS, NEIGHBOR_APS_EVICTED, NEIGHBOR_COUNTERS };
extern struct counter neighbor_counters[NEIGHBOR_COUNTERS]; /* shown as neighbors.… */

/* Of our own APs the configuration says only id and interface; prefix, router and link_address may be filled by whoever
 * watches the interface's addresses, and stay over a reload. */
struct ap {
	struct lladdr id;           /* AP-ID; for 802.11 the BSSID */
	struct prefix prefix;       /* of the link behind it */
	struct in6_addr router;     /* the router's address on that link */
	struct lladdr link_address; /* the router's link-layer address there */
	struct prefix prefix4;      /* the same for IPv4, of a neighbour's APs; plen 0: not known, or none */
	struct in6_addr router4;
	struct in6_addr dhcp4;      /* its DHCP server; unspecified: at router4 */
	bool dhcp;                  /* addresses on that link come by DHCP; of a neighbour's APs */
	struct neighbor *neighbor;  /* NULL: one of our own APs */
	int ifindex;                /* own APs: the access interface; 0: it does not exist (yet) */
	char interface[IFNAMSIZ];   /* own APs: its name */
};

struct neighbor {
	char name[64];
	struct in6_addr address; /* where HI, HAck and the CXTP association go */
	enum protect protect;
	enum compat compat;
	bool protected_up; /* with PROTECT_IPSEC: the vpn module said so; with PROTECT_NONE: always */
	bool associated;   /* the CXTP association stands */
	bool stale;        /* left the configuration: still readable until the next neighbors_configure, found no more */
	bool learned;      /* from PrRtAdv, not from the configuration */
};

struct neighbors;
struct neighbors *neighbors_create(struct bus *bus); /* bus may be NULL: nothing is published. NULL: no memory */
void neighbors_destroy(struct neighbors *t);
/*
 * Makes the table equal to the settings; entries that stay (same name, same address) keep their state and their place in
 * memory. What left is announced as down (protection, association), marked stale and freed by the next call, so that
 * modules can let go of it in their reload. APs that left are freed at once: keep AP-IDs, not pointers. Own APs come from
 * settings->interfaces. 0, or -ENOMEM: then the table is as it was.
 */
int neighbors_configure(struct neighbors *t, const struct settings *s);
struct neighbor *neighbor_find(const struct neighbors *t, const struct in6_addr *addr); /* by address, or by any AP's router, of either family */
struct neighbor *neighbor_find_name(const struct neighbors *t, const char *name);
struct ap *ap_find(const struct neighbors *t, const struct lladdr *id);
/* An AP whose prefix, of addr's family, holds addr; of several the longest prefix. */
struct ap *ap_of_prefix(const struct neighbors *t, const struct in6_addr *addr);
/* An AP whose prefix is too long for the 64 bits of addr's interface identifier: it begins like addr, and addr is outside of it. */
struct ap *ap_of_short_identifier(const struct neighbors *t, const struct in6_addr *addr);
/* The prefix that addr lies in, of a neighbour's AP; addr alone if there is none. */
struct prefix neighbor_prefix(const struct neighbors *t, const struct in6_addr *addr);
/*
 * Mobile node: learns a tuple; finds or makes the neighbour by router address (tuple->neighbor is ignored). A tuple without
 * AP-ID is told from others by its router. A configured AP is not changed, only returned. Bounded: the oldest goes, and its
 * neighbour with its last AP. NULL: no router in the tuple (errno EINVAL), or no memory.
 */
struct ap *ap_learn(struct neighbors *t, const struct ap *tuple);
void neighbors_each(struct neighbors *t, void (*fn)(struct neighbor *n, void *arg), void *arg);
void aps_each(struct neighbors *t, void (*fn)(struct ap *ap, void *arg), void *arg);
/* May protocol messages go to and come from it now (DESIGN decision 5)? */
bool neighbor_usable(const struct neighbor *n);
void neighbor_set_protection(struct neighbors *t, struct neighbor *n, bool up);  /* publishes on change; not for PROTECT_NONE */
void neighbor_set_association(struct neighbors *t, struct neighbor *n, bool up); /* publishes on change */

struct output;
void neighbors_show(struct neighbors *t, struct output *o);

#endif
