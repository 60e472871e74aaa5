/* Cryptographically generated addresses: the example of RFC 3972 (appendix A), and what must not pass. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "fmip6/cga.h"
#include "hex.h"

#define KEY \
	"305c 300d 0609 2a86 4886 f70d 0101 0105 0003 4b00 3048 0241 00c2 c2f1 3730 5454 f10b d9ce a368 44b5 30e9 211a 4b26 2b16 " \
	"467c b7df ba1f 595c 0194 f275 be5a 4d38 6f2c 3c23 8250 8773 c786 7f9b 3b9e 63a0 9c7b c48f 7a54 ebef af02 0301 0001"
#define START "89a8 a8b2 e858 d8b8 f263 3f44 d2d4 ce9a"
#define FOUND "89a8 a8b2 e858 d8b8 f263 3f44 d2d4 ce9b"
#define PARAMS FOUND "fe80 0000 0000 0000 00" KEY

static const struct prefix link_local = { .addr = { .s6_addr = { 0xfe, 0x80 } }, .plen = 64 };

static struct in6_addr address(const char *text)
{
	struct in6_addr a;
	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct cga_params make(const char *modifier)
{
	struct cga_params p;
	uint8_t m[CGA_MODIFIER], key[256];
	hex_octets(modifier, m, sizeof m);
	assert_int_equal(cga_params_make(&p, m, key, hex_octets(KEY, key, sizeof key)), 0);
	return p;
}

static void test_example(void **state)
{
	struct cga_params p = make(START);
	uint8_t want[512];
	size_t len = hex_octets(PARAMS, want, sizeof want);
	struct in6_addr a, example = address("fe80::3c4a:5bf6:ffb4:ca6c");
	assert_true(cga_search(&p, 1, 2));
	assert_int_equal(cga_generate(&p, &link_local, 1, 0, &a), 0);
	assert_true(addr_eq(&a, &example));
	assert_int_equal(p.len, len);
	assert_memory_equal(p.octets, want, len);
	assert_true(cga_verify(&example, want, len));
}

/* One hash at a time goes as far as two at once. */
static void test_search_in_pieces(void **state)
{
	struct cga_params p = make(START), q = make(START);
	assert_false(cga_search(&p, 1, 1));
	assert_true(cga_search(&p, 1, 1));
	assert_true(cga_search(&q, 1, 1000));
	assert_memory_equal(p.octets, q.octets, CGA_MODIFIER);
	assert_true(cga_search(&q, 0, 0));
	assert_false(cga_search(&q, 7, 100));
}

static void test_modifier_carries(void **state)
{
	struct cga_params p = make("00 ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff"), after = make("01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00");
	assert_false(cga_search(&p, 7, 1));
	assert_memory_equal(p.octets, after.octets, CGA_MODIFIER);
}

static void test_collisions(void **state)
{
	struct cga_params p = make(FOUND);
	struct in6_addr a[3];
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(cga_generate(&p, &link_local, 1, i, &a[i]), 0);
		assert_true(cga_verify(&a[i], p.octets, p.len));
	}
	assert_false(addr_eq(&a[0], &a[1]) || addr_eq(&a[1], &a[2]) || addr_eq(&a[0], &a[2]));
	assert_false(cga_verify(&a[0], p.octets, p.len)); /* p has the parameters of the last */
	assert_int_equal(cga_generate(&p, &link_local, 1, 3, a), -EINVAL);
	assert_int_equal(cga_generate(&p, &link_local, 8, 0, a), -EINVAL);
	struct prefix odd = { .addr = link_local.addr, .plen = 56 };
	assert_int_equal(cga_generate(&p, &odd, 1, 0, a), -EINVAL);
}

/* The bits u and g are not compared, those of Sec say how much of Hash2 is (§5). */
static void test_bits(void **state)
{
	uint8_t p[512];
	size_t len = hex_octets(PARAMS, p, sizeof p);
	struct in6_addr a = address("fe80::3f4a:5bf6:ffb4:ca6c"), sec0 = address("fe80::1c4a:5bf6:ffb4:ca6c"),
	                sec2 = address("fe80::5c4a:5bf6:ffb4:ca6c");
	assert_true(cga_verify(&a, p, len));
	assert_true(cga_verify(&sec0, p, len));
	assert_false(cga_verify(&sec2, p, len));
}

static void test_refused(void **state)
{
	uint8_t p[CGA_PARAMS_MAX + 1] = { 0 };
	size_t len = hex_octets(PARAMS, p, sizeof p);
	struct in6_addr good = address("fe80::3c4a:5bf6:ffb4:ca6c"), elsewhere = address("fe80:0:0:1:3c4a:5bf6:ffb4:ca6c");
	for (unsigned i = 0; i < 64; i++) {
		struct in6_addr a = good;
		a.s6_addr[8 + i / 8] ^= (uint8_t)(1U << i % 8);
		bool ignored = i / 8 == 0 && (i % 8 == 0 || i % 8 == 1);
		if (i / 8 == 0 && i % 8 >= 5)
			continue; /* Sec: above */
		assert_int_equal(cga_verify(&a, p, len), ignored);
	}
	assert_false(cga_verify(&elsewhere, p, len));
	for (size_t i = 0; i < len; i++) {
		p[i] ^= 0x40;
		assert_false(cga_verify(&good, p, len));
		p[i] ^= 0x40;
	}
	for (size_t n = 0; n < len; n++)
		assert_false(cga_verify(&good, p, n));
	assert_false(cga_verify(&good, p, sizeof p));
	p[24] = 3;
	assert_false(cga_verify(&good, p, len));
}

/* Extension fields are hashed, and are no part of the key. */
static void test_extension(void **state)
{
	uint8_t p[512];
	size_t len = hex_octets(PARAMS "fffd 0002 aabb", p, sizeof p), key_len;
	const uint8_t *key;
	struct in6_addr good = address("fe80::3c4a:5bf6:ffb4:ca6c");
	assert_false(cga_verify(&good, p, len));
	assert_true(cga_public_key(p, len, &key, &key_len));
	assert_ptr_equal(key, p + CGA_FIXED);
	assert_int_equal(key_len, 94);
}

static void test_key_length(void **state)
{
	static const struct {
		const char *der;
		size_t len;
	} all[] = {
		{ "30 00", 2 }, { "30 02 05 00", 4 }, { "30 81 02 05 00", 5 }, { "30 82 00 02 05 00", 6 }, { "30 02 05", 0 }, { "30", 0 },
		{ "31 02 05 00", 0 }, { "30 80 05 00", 0 }, { "30 83 00 00 02 05 00", 0 }, { "30 82 00", 0 }, { "30 82 ff ff 05 00", 0 }, { "", 0 },
	};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		uint8_t p[64] = { 0 };
		size_t len = CGA_FIXED + hex_octets(all[i].der, p + CGA_FIXED, sizeof p - CGA_FIXED), key_len = 0;
		const uint8_t *key;
		assert_int_equal(cga_public_key(p, len, &key, &key_len), all[i].len > 0);
		assert_int_equal(key_len, all[i].len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_search_in_pieces),
		cmocka_unit_test(test_modifier_carries),
		cmocka_unit_test(test_collisions),
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_extension),
		cmocka_unit_test(test_key_length),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
