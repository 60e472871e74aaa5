/*
 * The authentication of RFC 4285 between a mobile and its home agent: authenticator and timestamps. Pure.
 */
#ifndef HANDOVERD_MIP6_AUTH_H
#define HANDOVERD_MIP6_AUTH_H

#include "core/loop.h"
#include "core/secret.h"
#include "mip6/mip6_wire.h"

struct mip6_key {
	uint8_t octets[MIP6_KEY_LEN];
};

/* The key of one home address; the label stands in handoverd.conf(5). 0 or a negative errno. */
int mip6_key_derive(const struct secret *master, const struct in6_addr *home, struct mip6_key *out);

/*
 * RFC 4285 §5.1: first 96 bits of HMAC-SHA1 over care-of address, home address and the message up to and including the SPI, its
 * checksum zero. `coa` is the Alternate Care-of Address if there is one, else the source of the BU (destination of the BA).
 * sign: `mh` of `len` octets comes from bu_pack or ba_pack with an authenticator. verify: `a` comes from parsing.
 */
int mip6_auth_sign(const struct mip6_key *key, const struct in6_addr *coa, const struct in6_addr *home, uint8_t *mh, size_t len);
bool mip6_auth_verify(const struct mip6_key *key, const struct in6_addr *coa, const struct in6_addr *home, const uint8_t *mh,
                      const struct mip6_auth *a);

/* Microseconds since 1970 as NTP has it (RFC 4285 §6): what a microsecond does not fill is random. */
uint64_t mip6_timestamp(uint64_t realtime);
/* Is t within `skew` of now, both in NTP's form? Either may have passed the end of an era. */
bool mip6_timestamp_near(uint64_t t, uint64_t now, usec_t skew);
/* Is a later than b? */
bool mip6_timestamp_newer(uint64_t a, uint64_t b);

/* Is a later than b (RFC 6275 §9.5.1: modulo 2^16, half the circle each way)? */
bool mip6_seq_newer(uint16_t a, uint16_t b);

#endif
