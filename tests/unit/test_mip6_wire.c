/* The bytes of Mobile IPv6, written by hand from RFC 6275 §6, RFC 4283 and RFC 4285; authenticators from another HMAC. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mip6/mip6_auth.h"
#include "mip6/mip6_machine.h"
#include "net/mh_private.h"
#include "net/packet.h"

#define HOME 0x20, 1, 0xd, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5
#define COA 0x20, 1, 0xd, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5
#define A(...) ((struct in6_addr){ .s6_addr = { __VA_ARGS__ } })
#define NAI 'm', 'n', '@', 'h', 'o', 'm', 'e'

static const struct mip6_key key = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } };

static void same(const uint8_t *got, int n, const uint8_t *want, size_t len)
{
	assert_int_equal(n, (int)len);
	assert_memory_equal(got, want, len);
}

/* In memory of exactly that size, so that a sanitizer sees a step too far. */
static void *exact(const void *data, size_t len)
{
	void *p = malloc(len ? len : 1);
	assert_non_null(p);
	return memcpy(p, data, len);
}

static const uint8_t bu_bare[] = {
	59, 1, 5, 0, 0, 0,          /* payload proto, length, type, reserved, checksum */
	0, 7, 0x80 | 0x40, 0, 0, 30, /* sequence, A and H, reserved, lifetime 120 s */
	1, 2, 0, 0,                 /* PadN */
};
static const uint8_t bu_full[] = {
	59, 8, 5, 0, 0, 0, 0, 7, 0xe0, 0, 0, 30, 1, 0,
	3, 16, COA,                             /* Alternate Care-of Address, 8n+6 */
	8, 8, 1, NAI,                           /* identifier: NAI */
	10, 8, 0xec, 0, 0, 1, 0x80, 0, 0, 0,     /* timestamp, 8n+2 */
	0,                                      /* Pad1 */
	9, 17, 1, 0, 0, 1, 0,                   /* authentication MN-HA, SPI 256, 4n+1 */
	0x7f, 0x9a, 0xdb, 0xfe, 0x8c, 0xc1, 0x05, 0x35, 0x81, 0x88, 0xfd, 0x8d,
};
static const uint8_t ba_bare[] = { 59, 1, 6, 0, 0, 0, 135, 0, 0, 7, 0, 0, 1, 2, 0, 0 };
static const uint8_t ba_full[] = {
	59, 6, 6, 0, 0, 0, 0, 0, 0, 7, 0, 15,
	2, 2, 0, 3,                             /* Binding Refresh Advice, 2n */
	8, 8, 1, NAI,
	10, 8, 0xec, 0, 0, 1, 0x80, 0, 0, 0,
	0,
	9, 17, 1, 0, 0, 1, 0,
	0x15, 0x16, 0x5e, 0x7d, 0x7f, 0x29, 0x72, 0x7d, 0xa9, 0xa9, 0x14, 0x2c,
};
static const uint8_t be_whole[] = { 59, 2, 7, 0, 0, 0, 1, 0, HOME };
static const uint8_t brr_whole[] = { 59, 0, 0, 0, 0, 0, 0, 0 };

static struct mip6_options full_options(void)
{
	return (struct mip6_options){ .nai = (const uint8_t *)"mn@home", .nai_len = 7, .has_timestamp = true,
		.timestamp = UINT64_C(0xec00000180000000), .auth = { .present = true, .spi = 256 } };
}

static void test_bu(void **state)
{
	uint8_t out[MIP6_MESSAGE_MAX];
	struct bu m = { .seq = 7, .flags = BU_ACK | BU_HOME, .lifetime = 30 };
	same(out, bu_pack(&m, out, sizeof out), bu_bare, sizeof bu_bare);
	m.flags |= BU_LINK_LOCAL;
	m.o = full_options();
	m.o.alt_coa = A(COA);
	int n = bu_pack(&m, out, sizeof out);
	assert_int_equal(mip6_auth_sign(&key, &A(COA), &A(HOME), out, (size_t)n), 0);
	same(out, n, bu_full, sizeof bu_full);
	assert_int_equal(bu_pack(&m, out, sizeof bu_full - 1), -EMSGSIZE);
}

static void test_bu_parse(void **state)
{
	struct bu m;
	assert_int_equal(bu_parse(bu_bare, sizeof bu_bare, &m), 0);
	assert_int_equal(m.seq, 7);
	assert_int_equal(m.flags, BU_ACK | BU_HOME);
	assert_int_equal(m.lifetime, 30);
	assert_true(addr_is_zero(&m.o.alt_coa));
	assert_false(m.o.auth.present || m.o.has_timestamp || m.o.nai_len);
	assert_int_equal(bu_parse(bu_full, sizeof bu_full, &m), 0);
	assert_true(addr_eq(&m.o.alt_coa, &A(COA)));
	assert_int_equal(m.o.nai_len, 7);
	assert_memory_equal(m.o.nai, "mn@home", 7);
	assert_true(m.o.has_timestamp && m.o.timestamp == UINT64_C(0xec00000180000000));
	assert_true(m.o.auth.present && m.o.auth.last && m.o.auth.sized);
	assert_int_equal(m.o.auth.spi, 256);
	assert_int_equal(m.o.auth.at, 60);
}

static void test_ba(void **state)
{
	uint8_t out[MIP6_MESSAGE_MAX];
	struct ba m = { .status = BA_SEQUENCE, .seq = 7 }, got;
	same(out, ba_pack(&m, out, sizeof out), ba_bare, sizeof ba_bare);
	m = (struct ba){ .seq = 7, .lifetime = 15, .o = full_options() };
	m.o.refresh = 3;
	int n = ba_pack(&m, out, sizeof out);
	assert_int_equal(mip6_auth_sign(&key, &A(COA), &A(HOME), out, (size_t)n), 0);
	same(out, n, ba_full, sizeof ba_full);
	assert_int_equal(ba_parse(ba_full, sizeof ba_full, &got), 0);
	assert_int_equal(got.status, 0);
	assert_int_equal(got.seq, 7);
	assert_int_equal(got.lifetime, 15);
	assert_int_equal(got.o.refresh, 3);
	assert_false(got.key_flag);
	assert_true(mip6_auth_verify(&key, &A(COA), &A(HOME), ba_full, &got.o.auth));
	assert_int_equal(ba_parse(bu_full, sizeof bu_full, &got), -EBADMSG);
}

static void test_be_and_brr(void **state)
{
	uint8_t out[MIP6_MESSAGE_MAX];
	struct be m = { .status = BE_UNKNOWN_BINDING, .home = A(HOME) }, got;
	same(out, be_pack(&m, out, sizeof out), be_whole, sizeof be_whole);
	assert_int_equal(be_parse(be_whole, sizeof be_whole, &got), 0);
	assert_true(got.status == BE_UNKNOWN_BINDING && addr_eq(&got.home, &A(HOME)));
	same(out, brr_pack(out, sizeof out), brr_whole, sizeof brr_whole);
	assert_int_equal(brr_parse(brr_whole, sizeof brr_whole), 0);
	assert_int_equal(brr_parse(be_whole, sizeof be_whole), -EBADMSG);
}

/* Each octet that the authenticator covers, and each that it does not. */
static void test_auth(void **state)
{
	struct bu m;
	uint8_t copy[sizeof bu_full];
	assert_int_equal(bu_parse(bu_full, sizeof bu_full, &m), 0);
	const struct mip6_auth a = m.o.auth;
	assert_true(mip6_auth_verify(&key, &A(COA), &A(HOME), bu_full, &a));
	assert_false(mip6_auth_verify(&key, &A(HOME), &A(HOME), bu_full, &a));
	assert_false(mip6_auth_verify(&key, &A(COA), &A(COA), bu_full, &a));
	for (size_t i = 0; i < sizeof bu_full; i++) {
		memcpy(copy, bu_full, sizeof copy);
		copy[i] ^= 1;
		assert_int_equal(mip6_auth_verify(&key, &A(COA), &A(HOME), copy, &a), i == 4 || i == 5);
	}
}

/* Something behind the authenticator, another length of it, two of them, MN-AAA before it. */
static void test_auth_place(void **state)
{
	struct bu m;
	uint8_t copy[sizeof bu_full + 8];
	memcpy(copy, bu_full, sizeof bu_full);
	copy[1]++;
	memcpy(copy + sizeof bu_full, (const uint8_t[]){ 1, 6, 0, 0, 0, 0, 0, 0 }, 8);
	assert_int_equal(bu_parse(copy, sizeof copy, &m), 0);
	assert_true(m.o.auth.last); /* padding is no option that says something */
	copy[sizeof bu_full] = 200;
	assert_int_equal(bu_parse(copy, sizeof copy, &m), 0);
	assert_false(m.o.auth.last);
	assert_false(mip6_auth_verify(&key, &A(COA), &A(HOME), copy, &m.o.auth));
	static const uint8_t twice[] = { 59, 4, 5, 0, 0, 0, 0, 7, 0xc0, 0, 0, 30, 0, 9, 5, 1, 0, 0, 1, 0, 0, 9, 5, 1, 0, 0, 1, 0, 1, 10,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	assert_int_equal(bu_parse(twice, sizeof twice, &m), -EBADMSG);
	uint8_t aaa[sizeof twice];
	memcpy(aaa, twice, sizeof aaa);
	aaa[23] = MIP6_AUTH_MN_AAA;
	assert_int_equal(bu_parse(aaa, sizeof aaa, &m), 0);
	assert_true(m.o.auth.present && m.o.aaa && !m.o.auth.sized);
	aaa[15] = MIP6_AUTH_MN_AAA;
	aaa[23] = MIP6_AUTH_MN_HA;
	assert_int_equal(bu_parse(aaa, sizeof aaa, &m), -EBADMSG);
}

static void test_bu_refused(void **state)
{
	static const struct {
		const char *why;
		size_t len;
		uint8_t octets[40];
	} bad[] = {
		{ "another type", 16, { 59, 1, 6, 0, 0, 0, 0, 7, 0xc0, 0, 0, 30, 1, 2, 0, 0 } },
		{ "shorter than it says", 16, { 59, 2, 5, 0, 0, 0, 0, 7, 0xc0, 0, 0, 30, 1, 2, 0, 0 } },
		{ "too short for a BU", 8, { 59, 0, 5, 0, 0, 0, 0, 7 } },
		{ "an option beyond the end", 16, { 59, 1, 5, 0, 0, 0, 0, 7, 0xc0, 0, 0, 30, 1, 3, 0, 0 } },
		{ "an option without its length", 16, { 59, 1, 5, 0, 0, 0, 0, 7, 0xc0, 0, 0, 30, 0, 0, 0, 3 } },
		{ "a care-of address of two octets", 16, { 59, 1, 5, 0, 0, 0, 0, 7, 0xc0, 0, 0, 30, 3, 2, 0, 0 } },
		{ "a timestamp of two octets", 16, { 59, 1, 5, 0, 0, 0, 0, 7, 0xc0, 0, 0, 30, 10, 2, 0, 0 } },
		{ "authentication without SPI", 16, { 59, 1, 5, 0, 0, 0, 0, 7, 0xc0, 0, 0, 30, 9, 2, 1, 0 } },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct bu m;
		uint8_t *data = exact(bad[i].octets, bad[i].len);
		if (bu_parse(data, bad[i].len, &m) != -EBADMSG)
			fail_msg("accepted: %s", bad[i].why);
		free(data);
	}
	for (size_t n = 0; n < sizeof bu_full; n++) {
		struct bu m;
		uint8_t *data = exact(bu_full, n);
		assert_int_equal(bu_parse(data, n, &m), -EBADMSG);
		free(data);
	}
}

/* RFC 4285 §6: NTP's seconds began in 1900, and its eras end. */
static void test_timestamp(void **state)
{
	uint64_t t = mip6_timestamp(UINT64_C(1500000)); /* 1.5 s after 1970 */
	assert_int_equal(t >> 32, UINT64_C(2208988801));
	assert_int_equal((t & 0xffffffff) >> 12, 0x80000);
	assert_true(mip6_timestamp_newer(mip6_timestamp(1500001), t));
	uint64_t second = UINT64_C(1) << 32;
	assert_true(mip6_timestamp_near(t, t + 7 * second, 7 * USEC_SEC));
	assert_true(mip6_timestamp_near(t + 7 * second, t, 7 * USEC_SEC));
	assert_false(mip6_timestamp_near(t, t + 7 * second + 1, 7 * USEC_SEC));
	assert_false(mip6_timestamp_near(t + 8 * second, t, 7 * USEC_SEC));
	assert_true(mip6_timestamp_near(UINT64_MAX, 1, 7 * USEC_SEC));
	assert_true(mip6_timestamp_newer(1, UINT64_MAX));
}

/* The example of RFC 6275 §9.5.1. */
static void test_sequence(void **state)
{
	assert_false(mip6_seq_newer(0, 15));
	assert_false(mip6_seq_newer(15, 15));
	assert_false(mip6_seq_newer(32783, 15));
	assert_false(mip6_seq_newer(65535, 15));
	assert_true(mip6_seq_newer(16, 15));
	assert_true(mip6_seq_newer(32782, 15));
}

/* What another implementation (UMIP) sent, as it was on the wire: a mobile's Binding Update and a home agent's answer to one. */
static const uint8_t others_bu[] = {
	0x60, 0x0a, 0x09, 0x69, 0x00, 0x38, 0x3c, 0x3f, 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x0a, 0x00, 0x00,
	0x34, 0x43, 0x05, 0xff, 0xfe, 0xde, 0xd3, 0x14, 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x01, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x87, 0x02, 0x01, 0x02, 0x00, 0x00, 0xc9, 0x10,
	0x20, 0x01, 0x0d, 0xb8, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05,
	0x3b, 0x03, 0x05, 0x00, 0xb2, 0xd1, 0x5e, 0xa0, 0xc0, 0x00, 0x54, 0x5f, 0x01, 0x00, 0x03, 0x10,
	0x20, 0x01, 0x0d, 0xb8, 0x00, 0x0a, 0x00, 0x00, 0x34, 0x43, 0x05, 0xff, 0xfe, 0xde, 0xd3, 0x14,
};
static const uint8_t others_ba[] = {
	0x60, 0x03, 0x6a, 0xc6, 0x00, 0x28, 0x2b, 0x40, 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x01, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x0a, 0x00, 0x00,
	0x34, 0x20, 0xce, 0xff, 0xfe, 0xe8, 0x5a, 0xf7, 0x87, 0x02, 0x02, 0x01, 0x00, 0x00, 0x00, 0x00,
	0x20, 0x01, 0x0d, 0xb8, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05,
	0x3b, 0x01, 0x06, 0x00, 0x42, 0xb2, 0x00, 0x00, 0x1e, 0xa3, 0x00, 0x96, 0x01, 0x02, 0x00, 0x00,
};

static struct mh_message walked(const uint8_t *packet, size_t len)
{
	struct packet6 k;
	struct mh_message m = { 0 };
	assert_true(packet6_walk_home(packet, len, &k));
	m.src = k.src;
	m.dst = k.dst;
	m.home = k.home;
	m.routed = k.routed;
	assert_true(mh_walk(k.data, k.len, &m));
	assert_true(mh_checksum_ok(&m));
	return m;
}

static void test_anothers(void **state)
{
	struct bu bu;
	struct ba ba;
	struct mh_message m = walked(others_bu, sizeof others_bu);
	assert_true(addr_eq(&m.home, &A(HOME)));
	assert_int_equal(bu_parse(m.data, m.len, &bu), 0);
	assert_int_equal(bu.seq, 0x5ea0);
	assert_int_equal(bu.flags, BU_ACK | BU_HOME);
	assert_int_equal(bu.lifetime, 0x545f);
	assert_true(addr_eq(&bu.o.alt_coa, &m.src));
	m = walked(others_ba, sizeof others_ba);
	assert_true(addr_eq(&m.routed, &A(HOME)));
	assert_int_equal(ba_parse(m.data, m.len, &ba), 0);
	assert_true(ba.status == 0 && ba.seq == 0x1ea3 && ba.lifetime == 150 && !ba.key_flag);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bu), cmocka_unit_test(test_bu_parse), cmocka_unit_test(test_ba), cmocka_unit_test(test_be_and_brr),
		cmocka_unit_test(test_auth), cmocka_unit_test(test_auth_place), cmocka_unit_test(test_bu_refused),
		cmocka_unit_test(test_timestamp), cmocka_unit_test(test_sequence), cmocka_unit_test(test_anothers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
