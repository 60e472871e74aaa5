/* Any octets as every message of FMIPv6; what parses must come out the same after packing and parsing again. */
#include <stdlib.h>
#include <string.h>

#include "fmip6/fmip6_wire.h"
#include "fmip6/fmip6_wire_4068.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LLA 6

static int rtsolpr_parse6(const uint8_t *data, size_t len, struct rtsolpr *m)
{
	return rtsolpr_parse(data, len, LLA, m);
}

static int prrtadv_parse6(const uint8_t *data, size_t len, struct prrtadv *m)
{
	return prrtadv_parse(data, len, LLA, m);
}

static int na_parse6(const uint8_t *data, size_t len, struct nd_na *m)
{
	return nd_na_parse(data, len, LLA, m);
}

static int naack_parse6(const uint8_t *data, size_t len, struct naack *m)
{
	return naack_parse(data, len, LLA, m);
}

static int hi_4068_parse6(const uint8_t *data, size_t len, struct hi *m)
{
	return hi_4068_parse(data, len, LLA, m);
}

/* What a router may say of what it has read, in the older words. */
static void older_advertisement(const uint8_t *data, size_t size)
{
	struct prrtadv a;
	uint8_t out[FMIP6_MESSAGE_MAX];
	if (prrtadv_parse6(data, size, &a) != 0)
		return;
	if (a.tuples_n && a.id & 1)
		a.tuples[0].dhcp = true;
	int n = prrtadv_4068_pack(&a, out, sizeof out);
	if (n >= 0 && (n < 8 || out[0] != ICMP6_EXPERIMENTAL_MOBILITY || out[1] == PRRTADV_DHCP))
		abort();
}

static void older_question(const uint8_t *data, size_t size)
{
	struct rtsolpr q;
	uint8_t out[FMIP6_MESSAGE_MAX];
	if (rtsolpr_4068_parse(data, size, LLA, &q) == 0 && rtsolpr_pack(&q, out, sizeof out) < 0)
		abort();
}

/* Compared as octets: a struct has padding that says nothing. */
#define ROUND(type, parse, pack)                                                                                             \
	do {                                                                                                                     \
		struct type a, b;                                                                                                    \
		static uint8_t out[8192], again[8192];                                                                               \
		if (parse(data, size, &a) != 0)                                                                                      \
			break;                                                                                                           \
		int n = pack(&a, out, sizeof out);                                                                                   \
		if (n < 0 || parse(out, (size_t)n, &b) != 0)                                                                         \
			abort();                                                                                                         \
		if (pack(&b, again, sizeof again) != n || memcmp(out, again, (size_t)n))                                             \
			abort();                                                                                                         \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct badf_key key;
	uint16_t id, seq;
	struct lladdr l;
	ROUND(rtsolpr, rtsolpr_parse6, rtsolpr_pack);
	ROUND(prrtadv, prrtadv_parse6, prrtadv_pack);
	ROUND(fbu, fbu_parse, fbu_pack);
	ROUND(fback, fback_parse, fback_pack);
	ROUND(hi, hi_parse, hi_pack);
	ROUND(hack, hack_parse, hack_pack);
	ROUND(nd_na, na_parse6, nd_na_pack);
	ROUND(naack, naack_parse6, naack_pack);
	ROUND(hi, hi_4068_parse6, hi_4068_pack);
	ROUND(hack, hack_4068_parse, hack_4068_pack);
	older_question(data, size);
	older_advertisement(data, size);
	fna_parse(data, size, &l);
	echo_parse(data, size, &id, &seq);
	badf_verify(&key, &in6addr_any, &in6addr_any, data, size);
	return 0;
}
