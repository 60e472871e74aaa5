/* The addresses of a mobile, for contexts that hold for all of them. */
#ifndef HANDOVERD_CONTEXT_ADDRESSES_H
#define HANDOVERD_CONTEXT_ADDRESSES_H

#include "core/feature.h"

/* Calls fn with each: those the subject has, those the table of mobiles has, and those that neighbour entries know under its
 * link-layer address: an IPv4 address, or others that it has told nobody of. One may come several times; link-local ones
 * do not come. */
void context_addresses(struct core *core, const struct feature_subject *s, void (*fn)(const struct in6_addr *addr, void *arg),
                       void *arg);

#endif
