/*
 * The home addresses of a mobile node (RFC 6275), and who has each: where Mobile IPv6 and the fast handover meet. On its home link a
 * home address is an address like any other, and a fast handover away from there has it for its previous address: the previous
 * router tunnels it until the home agent does. From the Binding Update on it is the home agent's, which defends it on the home link.
 */
#ifndef HANDOVERD_CORE_HOME_H
#define HANDOVERD_CORE_HOME_H

#include <stdbool.h>
#include <stddef.h>

#include "core/addr.h"

#define HOMES_MAX 16

struct core;

enum home_owner {
	HOME_UNSURE, /* the home agent may have a binding: on the home link the address must not be used (RFC 6275 §11.5.5) */
	HOME_OURS,   /* it has none */
	HOME_AGENT,  /* it forwards to where we are */
};

const char *home_owner_name(enum home_owner o); /* "unsure", "mobile", "agent" */

struct home {
	struct in6_addr addr;
	enum home_owner owner;
	bool carried; /* a fast handover's tunnel is the way to it and from it */
};

struct homes {
	size_t n;
	struct home items[HOMES_MAX];
};

const struct home *home_find(const struct core *c, const struct in6_addr *addr); /* NULL: not a home address */
const struct home *home_on(const struct core *c, const struct prefix *link);     /* whose home link that is; NULL: none */
/* Mobile IPv6 says whose it is. Published (BUS_HOME) each time, were it the same as before. -1: there is no room for it. */
int home_set(struct core *c, const struct in6_addr *addr, enum home_owner owner);
/* A fast handover says whether it carries it. Published if that is news; harmless if it is no home address. */
void home_carry(struct core *c, const struct in6_addr *addr, bool carried);
void home_forget(struct core *c, const struct in6_addr *addr); /* it is none any more; without a word */

#endif
