/* Neighbour bindings: the mobile's link-layer address and all addresses known to go with it. binding.c tells more. */
#ifndef HANDOVERD_CONTEXT_BINDING_H
#define HANDOVERD_CONTEXT_BINDING_H

#include "context/context_part.h"

#define BINDING_ADDRESS_IN_USE FEATURE_STATUS_OWN /* somebody else on the new link has one of the addresses */

enum {
	BINDING_COLLECTED,
	BINDING_INSTALLED,
	BINDING_REFUSED,
	BINDING_REMOVED,
	BINDING_TABLE_FULL,
	BINDING_ENTRIES,
	BINDING_COUNTERS
};
extern struct counter binding_counters[BINDING_COUNTERS];

extern const struct context_part binding_part;

/* For other contexts: every address of that link-layer address. False: bindings are not kept in mind here. */
bool binding_addresses(int ifindex, const struct lladdr *l, void (*fn)(const struct in6_addr *addr, void *arg), void *arg);

#endif
