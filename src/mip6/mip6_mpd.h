/*
 * The octets of mobile prefix discovery (RFC 6275 §6.7, §6.8): pure, ICMPv6 messages from their type, checksums left zero. Parsers refuse
 * with -EBADMSG what is too short or contradicts itself; packers return the length or -EMSGSIZE.
 */
#ifndef HANDOVERD_MIP6_MPD_H
#define HANDOVERD_MIP6_MPD_H

#include "net/nd.h"

#define MPS_LEN 8
void mps_pack(uint16_t id, uint8_t out[MPS_LEN]);
int mps_parse(const uint8_t *data, size_t len, uint16_t *id); /* options are passed over */

struct mpa {
	uint16_t id;
	uint8_t flags; /* RA_MANAGED, RA_OTHER */
	size_t n;      /* parsed: further prefixes are passed over */
	struct nd_prefix prefixes[ND_PREFIXES];
};
#define MPA_MAX (8 + ND_PREFIXES * 32)
int mpa_pack(const struct mpa *m, uint8_t *out, size_t cap);
int mpa_parse(const uint8_t *data, size_t len, struct mpa *m); /* -EBADMSG also without any prefix */

#endif
