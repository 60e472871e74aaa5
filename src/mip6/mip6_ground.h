/*
 * What a mobile node has on its interface for Mobile IPv6: its home addresses, a care-of address where it has to make one itself, and a
 * default route by the router that it has heard last. All of it carries handoverd's protocol number and is gone with ground_clear.
 *
 * A home address is there at home and away, alone (/128), without duplicate address detection: as long as the home agent defends it,
 * that would fail (RFC 6275 §11.5.5). What the kernel then configures by itself on the home link only adds lifetimes to it.
 */
#ifndef HANDOVERD_MIP6_GROUND_H
#define HANDOVERD_MIP6_GROUND_H

#include "core/module.h"
#include "mip6/mip6_link.h"
#include "mip6/mip6_machine.h"
#include "net/net.h"

struct ground_home {
	struct in6_addr addr; /* unspecified: none */
	uint8_t plen;         /* of the home link's prefix */
	bool made, link_set;
	struct rtnl_route link;
};

struct mip6_ground {
	struct core *core;
	int ifindex; /* 0: the interface is not there; nothing may be asked for */
	struct ground_home homes[MIP6_HOMES];
	struct rtnl_route def;
	bool def_set;
	struct rtnl_addr coa; /* of our making, if coa_made */
	bool coa_made;
};

/* The i-th home address. checked: nobody defends it now; let the kernel see whether it is free, unless it is there already. */
void ground_home(struct mip6_ground *g, size_t i, bool checked);
void ground_home_unset(struct mip6_ground *g, size_t i); /* the address is taken away; what else is known of it stays */
void ground_home_end(struct mip6_ground *g, size_t i); /* none any more */
bool ground_is_home(const struct mip6_ground *g, const struct in6_addr *a);
/* Away: the home links' prefixes lie behind this router, even if the kernel remembers one as being on this link; unspecified: at home. */
void ground_home_link(struct mip6_ground *g, const struct in6_addr *router);
/* Default route by this router, whose link-layer address is noted; src: what is sent from by default, unspecified: whatever. */
void ground_default(struct mip6_ground *g, const struct mip6_place *p, const struct in6_addr *src);
void ground_no_default(struct mip6_ground *g);
/* An address of prefix, as configured. True: *out can be used now. False: the kernel will have one, and tells. */
bool ground_care_of(struct mip6_ground *g, const struct prefix *p, enum mip6_care_of how, const struct in6_addr *iid,
                    struct in6_addr *out);
/* Somebody else has it. */
void ground_duplicate(struct mip6_ground *g);
/* We have left the link of these prefixes: addresses there and the way to them go (RFC 6275 §11.5.4). */
void ground_leave(struct mip6_ground *g, const struct mip6_place *p);
void ground_clear(struct mip6_ground *g);
void ground_gone(struct mip6_ground *g); /* the interface went, and all that was on it */

#endif
