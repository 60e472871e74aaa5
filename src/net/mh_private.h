/* What mh.c shares with mh_guard.c and with tests. */
#ifndef HANDOVERD_NET_MH_PRIVATE_H
#define HANDOVERD_NET_MH_PRIVATE_H

#include "net/mh.h"

/* Fills data, len and the payload fields from the octets behind the IPv6 headers; false: malformed. Pure. */
bool mh_walk(const uint8_t *data, size_t len, struct mh_message *out);
/* The checksum under the pseudo-header of src and dst, or of home and routed where they are. Pure. */
bool mh_checksum_ok(const struct mh_message *m);

/*
 * The guard: an nftables table that drops, on the way in, messages of the given types for which `wanted` is set, so that
 * the kernel answers none with a Parameter Problem. Counted for each type, over all mh of this process; del takes the same
 * set back. A warning and nothing more where nf_tables or its match on `mh type` is missing.
 */
#define MH_GUARD_TABLE "handoverd-mh"
void mh_guard_add(const bool wanted[256], const uint8_t *types, size_t n);
void mh_guard_del(const bool wanted[256], const uint8_t *types, size_t n);

#endif
