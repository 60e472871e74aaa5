/* Keys, and the test vectors of RFC 2202 (HMAC-SHA1), RFC 5869 (HKDF) and the SipHash paper's appendix. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/secret.h"

struct octets {
	size_t n;
	uint8_t o[128];
};

/* "0b*20" repeats an octet, "00-0c" counts up, otherwise plain hex; 's' before it: the text itself. */
static struct octets octets(const char *spec)
{
	struct octets x = {0};
	if (*spec == 's') {
		x.n = strlen(spec + 1);
		memcpy(x.o, spec + 1, x.n);
		return x;
	}
	char *after;
	if (strchr(spec, '*')) {
		uint8_t v = (uint8_t)strtoul(spec, &after, 16);
		x.n = strtoul(after + 1, NULL, 10);
		memset(x.o, v, x.n);
	} else if (strchr(spec, '-')) {
		unsigned long from = strtoul(spec, &after, 16), to = strtoul(after + 1, NULL, 16);
		while (from + x.n <= to) {
			x.o[x.n] = (uint8_t)(from + x.n);
			x.n++;
		}
	} else {
		for (; spec[0] && spec[1]; spec += 2)
			x.o[x.n++] = (uint8_t)strtoul((char[]){spec[0], spec[1], 0}, NULL, 16);
	}
	return x;
}

static void test_hmac_sha1(void **state)
{
	static const char *const rfc2202[][3] = {
		{"0b*20", "sHi There", "b617318655057264e28bc0b6fb378c8ef146be00"},
		{"sJefe", "swhat do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
		{"aa*20", "dd*50", "125d7342b9ac11cd91a39af48aa17b4f63f175d3"},
		{"01-19", "cd*50", "4c9007f4026250c6bc8414f9bf50c86c2d7235da"},
		{"0c*20", "sTest With Truncation", "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04"},
		{"aa*80", "sTest Using Larger Than Block-Size Key - Hash Key First", "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
		{"aa*80", "sTest Using Larger Than Block-Size Key and Larger Than One Block-Size Data",
		 "e8e99d0f45237d786d6bbaa7965c7808bbff1a91"},
	};
	for (size_t i = 0; i < sizeof rfc2202 / sizeof *rfc2202; i++) {
		struct octets key = octets(rfc2202[i][0]), data = octets(rfc2202[i][1]), want = octets(rfc2202[i][2]);
		uint8_t got[HMAC_SHA1_LEN];
		for (size_t cut = 0; cut <= data.n; cut++) { /* in two pieces, cut anywhere, it is the same message */
			struct piece pieces[] = {{data.o, cut}, {data.o + cut, data.n - cut}};
			assert_int_equal(hmac_sha1(key.o, key.n, pieces, 2, got), 0);
			assert_memory_equal(got, want.o, sizeof got);
		}
	}
}

static void test_hkdf(void **state)
{
	static const char *const rfc5869[][4] = {
		{"0b*22", "00-0c", "f0-f9", "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
		{"00-4f", "60-af", "b0-ff",
		 "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8"
		 "367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
		{"0b*22", "", "", "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
	};
	for (size_t i = 0; i < sizeof rfc5869 / sizeof *rfc5869; i++) {
		struct octets key = octets(rfc5869[i][0]), salt = octets(rfc5869[i][1]), info = octets(rfc5869[i][2]);
		struct octets want = octets(rfc5869[i][3]);
		uint8_t got[128];
		struct piece pieces[] = {{info.o, info.n / 2}, {info.o + info.n / 2, info.n - info.n / 2}};
		assert_int_equal(hkdf_sha256(&(struct piece){key.o, key.n}, &(struct piece){salt.o, salt.n}, pieces, 2, got, want.n),
		                 0);
		assert_memory_equal(got, want.o, want.n);
	}
}

static void test_derive(void **state)
{
	/* Computed by hand from RFC 5869's formulas: info = label, a zero octet, "ab", 01 02 03. */
	struct octets want = octets("a39ed7b67afb0e3b089e1bd353e5d7b369d4bde9");
	struct secret *master = secret_create("master-key", 10);
	struct piece pieces[] = {{"ab", 2}, {"\x01\x02\x03", 3}};
	uint8_t got[20], other[20];
	assert_int_equal(secret_derive(master, "handoverd test", pieces, 2, got, sizeof got), 0);
	assert_memory_equal(got, want.o, sizeof got);
	assert_int_equal(secret_derive(master, "handoverd tesu", pieces, 2, other, sizeof other), 0);
	assert_memory_not_equal(got, other, sizeof got);
	/* A configured key keeps what is extracted from it, and derives the same. */
	struct secret *configured;
	assert_int_equal(secret_parse("text:master-key", &configured), 0);
	assert_int_equal(secret_derive(configured, "handoverd test", pieces, 2, other, sizeof other), 0);
	assert_memory_equal(got, other, sizeof got);
	secret_unref(configured);
	uint8_t longer[300] = {0}, joined[300];
	memset(joined, 'x', sizeof joined); /* longer than what is hashed in one go, in one piece and in many */
	struct piece one[] = {{joined, sizeof joined}}, three[] = {{joined, 1}, {joined, 200}, {joined, 99}};
	uint8_t first[20];
	assert_int_equal(hmac_sha1(longer, sizeof longer, one, 1, first), 0);
	assert_int_equal(hmac_sha1(longer, sizeof longer, three, 3, other), 0);
	assert_memory_equal(first, other, sizeof first);
	struct piece many[12] = {{"", 0}};
	assert_int_equal(secret_derive(master, "x", many, 12, got, sizeof got), -EINVAL);
	secret_unref(master);
}

static void test_siphash(void **state)
{
	struct octets key = octets("00-0f"), data = octets("00-0e");
	assert_true(siphash24(key.o, data.o, 15) == 0xa129ca6149be45e5);
	assert_true(siphash24(key.o, data.o, 0) == 0x726fdb47dd0e0e31);
	assert_true(siphash24(key.o, data.o, 8) == 0x93f5f5799a932462);
	assert_true(hash_keyed("mobile", 6) == hash_keyed("mobile", 6));
	assert_true(hash_keyed("mobile", 6) != hash_keyed("mobilf", 6));
}

static void test_parse(void **state)
{
	static const char *const wrong[] = {
		"", "00112233445566778899", "hex:", "hex:00112233445566", "hex:001122334455667", "hex:00112233445566zz", "text:short",
		"HEX:0011223344556677",
		"text:0123456789012345678901234567890123456789012345678901234567890123x",
	};
	struct secret *s = NULL;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_int_equal(secret_parse(wrong[i], &s), -EINVAL);
		assert_null(s);
	}
	size_t n;
	assert_int_equal(secret_parse("hex:00112233445566fF", &s), 0);
	assert_memory_equal(secret_data(s, &n), "\x00\x11\x22\x33\x44\x55\x66\xff", 8);
	assert_int_equal(n, 8);
	struct secret *t = NULL;
	assert_int_equal(secret_parse("text:long enough", &t), 0);
	assert_memory_equal(secret_data(t, &n), "long enough", 11);
	assert_int_equal(n, 11);
	assert_false(secret_eq(s, t));
	assert_true(secret_eq(s, s));
	secret_unref(s);
	secret_unref(t);
}

static void test_wiped(void **state)
{
	assert_null(secret_create("x", 0));
	uint8_t long_key[SECRET_MAX + 1] = {0};
	assert_null(secret_create(long_key, sizeof long_key));
	struct secret *s = secret_create("secret octets", 13);
	size_t n;
	const uint8_t *data = secret_data(s, &n);
	assert_ptr_equal(secret_ref(s), s);
	secret_unref(s);
	assert_memory_equal(data, "secret octets", 13); /* one reference is left */
	secret_unref(s);
	secret_unref(NULL);
	for (size_t i = 0; i < 13; i++) /* the page is the arena's and stays: what was there is gone */
		assert_int_equal(data[i], 0);
	/* More keys than one chunk of the arena holds. */
	enum { MANY = 5000 };
	struct secret **keys = calloc(MANY, sizeof *keys);
	for (size_t i = 0; i < MANY; i++)
		assert_non_null(keys[i] = secret_create(&i, sizeof i));
	for (size_t i = 0; i < MANY; i++) {
		assert_memory_equal(secret_data(keys[i], &n), &i, sizeof i);
		secret_unref(keys[i]);
	}
	free(keys);
}

static void test_random(void **state)
{
	uint8_t a[32] = {0}, b[32] = {0};
	secret_random(a, sizeof a);
	secret_random(b, sizeof b);
	assert_false(secret_equal(a, b, sizeof a));
	assert_true(secret_equal(a, a, sizeof a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hmac_sha1), cmocka_unit_test(test_hkdf),  cmocka_unit_test(test_derive),
		cmocka_unit_test(test_siphash),   cmocka_unit_test(test_parse), cmocka_unit_test(test_wiped),
		cmocka_unit_test(test_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
