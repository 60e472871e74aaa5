#include "mip6/mip6_auth.h"

#include <errno.h>
#include <string.h>

#define CHECKSUM_AT 4
#define UNIX_IN_NTP UINT64_C(2208988800) /* seconds from 1900 to 1970 */

int mip6_key_derive(const struct secret *master, const struct in6_addr *home, struct mip6_key *out)
{
	const struct piece piece = { home->s6_addr, sizeof home->s6_addr };
	return secret_derive(master, "handoverd mip6 mn-ha", &piece, 1, out->octets, sizeof out->octets);
}

static int compute(const struct mip6_key *key, const struct in6_addr *coa, const struct in6_addr *home, const uint8_t *mh,
                   size_t len, uint8_t out[HMAC_SHA1_LEN])
{
	static const uint8_t no_checksum[2];
	const struct piece pieces[] = {
		{ coa->s6_addr, sizeof coa->s6_addr },
		{ home->s6_addr, sizeof home->s6_addr },
		{ mh, CHECKSUM_AT },
		{ no_checksum, sizeof no_checksum },
		{ mh + CHECKSUM_AT + 2, len - CHECKSUM_AT - 2 },
	};
	return hmac_sha1(key->octets, sizeof key->octets, pieces, sizeof pieces / sizeof *pieces, out);
}

int mip6_auth_sign(const struct mip6_key *key, const struct in6_addr *coa, const struct in6_addr *home, uint8_t *mh, size_t len)
{
	uint8_t mac[HMAC_SHA1_LEN];
	if (len < CHECKSUM_AT + 2 + MIP6_AUTH_LEN)
		return -EINVAL;
	int rc = compute(key, coa, home, mh, len - MIP6_AUTH_LEN, mac);
	if (rc == 0)
		memcpy(mh + len - MIP6_AUTH_LEN, mac, MIP6_AUTH_LEN);
	return rc;
}

bool mip6_auth_verify(const struct mip6_key *key, const struct in6_addr *coa, const struct in6_addr *home, const uint8_t *mh,
                      const struct mip6_auth *a)
{
	uint8_t mac[HMAC_SHA1_LEN];
	return a->present && a->last && a->sized && compute(key, coa, home, mh, a->at, mac) == 0 &&
	       secret_equal(mac, mh + a->at, MIP6_AUTH_LEN);
}

/* A microsecond is 4295 units of 2^-32 s: the lowest 12 bits are free. */
uint64_t mip6_timestamp(uint64_t realtime)
{
	uint16_t rest;
	secret_random(&rest, sizeof rest);
	uint64_t fraction = ((realtime % USEC_SEC) << 32) / USEC_SEC;
	return (realtime / USEC_SEC + UNIX_IN_NTP) << 32 | (fraction & ~UINT64_C(0xfff)) | (rest & 0xfff);
}

bool mip6_timestamp_near(uint64_t t, uint64_t now, usec_t skew)
{
	int64_t away = (int64_t)(t - now);
	uint64_t distance = away < 0 ? 0 - (uint64_t)away : (uint64_t)away;
	return distance <= (skew / USEC_SEC << 32) + (skew % USEC_SEC << 32) / USEC_SEC;
}

bool mip6_timestamp_newer(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) > 0;
}

bool mip6_seq_newer(uint16_t a, uint16_t b)
{
	uint16_t d = (uint16_t)(a - b);
	return d > 0 && d < 0x8000;
}
