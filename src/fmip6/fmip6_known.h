/*
 * Which station of our access links has which addresses, as the kernel's neighbour table told last. Kept longer than there: the
 * entry of a client that has left is gone within seconds, and just then somebody asks for it.
 *
 * Sleeping machines are known long: for fmip6.client_memory after they were last heard of. But hosts make up new addresses and do
 * not say which they have no longer: of a station those are told together of which it was heard within an hour.
 */
#ifndef HANDOVERD_FMIP6_KNOWN_H
#define HANDOVERD_FMIP6_KNOWN_H

#include <stddef.h>

#include "core/addr.h"
#include "core/loop.h"

#define KNOWN_STATIONS 8192 /* then the one heard of longest ago goes */
#define KNOWN_ADDRS 16      /* of one station; then the same */

struct known;
struct known *known_create(const usec_t *memory); /* borrowed; how long. NULL: no memory */
void known_destroy(struct known *k);
/* addr is that station's now, whoever's it was. */
void known_add(struct known *k, const struct in6_addr *addr, const struct lladdr *l, int ifindex, usec_t at);
void known_heard(struct known *k, const struct in6_addr *addr, usec_t at); /* its station lives; harmless if it is not known */
bool known_lladdr(const struct known *k, const struct in6_addr *addr, usec_t now, struct lladdr *out);
size_t known_addresses(const struct known *k, const struct lladdr *l, usec_t now, struct in6_addr *out, size_t max);
bool known_station(const struct known *k, int ifindex, const struct lladdr *l, usec_t now); /* has it an address there? */

#endif
