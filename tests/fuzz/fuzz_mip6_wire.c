/* Any octets as every message of Mobile IPv6; what parses must come out the same after packing and parsing again. */
#include <stdlib.h>
#include <string.h>

#include "mip6/mip6_auth.h"
#include "mip6/mip6_dhaad.h"
#include "mip6/mip6_mpd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Compared as octets: a struct has padding that says nothing. */
#define ROUND(type, parse, pack)                                                                                             \
	do {                                                                                                                     \
		struct type a, b;                                                                                                    \
		uint8_t out[MIP6_MESSAGE_MAX], again[MIP6_MESSAGE_MAX];                                                              \
		if (parse(data, size, &a) != 0)                                                                                      \
			break;                                                                                                           \
		int n = pack(&a, out, sizeof out);                                                                                   \
		if (n < 0 || parse(out, (size_t)n, &b) != 0)                                                                         \
			abort();                                                                                                         \
		if (pack(&b, again, sizeof again) != n || memcmp(out, again, (size_t)n))                                             \
			abort();                                                                                                         \
	} while (0)

/* What a router advertisement says of home agents can be told to a mobile. */
static void discovery(const uint8_t *data, size_t size)
{
	static const struct in6_addr router = { .s6_addr = { 0xfe, 0x80, [15] = 1 } }, own = { .s6_addr = { 0x20, 1, [15] = 1 } };
	struct dhaad_list l = { 0 };
	uint8_t out[DHAAD_REPLY_MAX];
	uint16_t id;
	dhaad_heard(&l, 1, &router, data, size, 0);
	int n = dhaad_reply_pack(&l, 1, &own, 0, 1, 0, out, sizeof out);
	if (n < 24 || (n - 8) % 16 || l.n > 1)
		abort();
	dhaad_request_parse(data, size, &id);
	struct in6_addr agents[4];
	if (dhaad_reply_parse(data, size, &id, agents, 4) > 4)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mip6_key key;
	struct bu m;
	ROUND(bu, bu_parse, bu_pack);
	ROUND(ba, ba_parse, ba_pack);
	ROUND(be, be_parse, be_pack);
	brr_parse(data, size);
	ROUND(mpa, mpa_parse, mpa_pack);
	uint16_t id;
	mps_parse(data, size, &id);
	discovery(data, size);
	if (bu_parse(data, size, &m) == 0)
		mip6_auth_verify(&key, &in6addr_any, &in6addr_any, data, &m.o.auth);
	return 0;
}
