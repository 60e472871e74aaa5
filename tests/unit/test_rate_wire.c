/* The context of rates against octets written by hand from context/rate_wire.h and RFC 4067 §2.4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "context/rate_wire.h"

/* 10 Mbit/s down, 2 Mbit/s up, 64 KiB, class 1:20, DSCP 46 */
static const uint8_t full[RATE_LEN] = {
	0, 0, 0, 0, 0x00, 0x98, 0x96, 0x80,
	0, 0, 0, 0, 0x00, 0x1e, 0x84, 0x80,
	0x00, 0x01, 0x00, 0x00,
	0x00, 0x01, 0x00, 0x20,
	46,
};
static const struct policer_rate rate = { .down = 10000000, .up = 2000000, .burst = 65536, .class = 0x10020, .dscp = 46 };

static struct feature feature = { .fpt = 65284, .name = "rate", .fields = rate_fields };

static void octets_and_back(void **state)
{
	uint8_t out[RATE_LEN];
	struct policer_rate r;
	rate_pack(&rate, out);
	assert_memory_equal(out, full, RATE_LEN);
	assert_true(rate_parse(full, RATE_LEN, &r));
	assert_int_equal(r.down, 10000000);
	assert_int_equal(r.up, 2000000);
	assert_int_equal(r.burst, 65536);
	assert_int_equal(r.class, 0x10020);
	assert_int_equal(r.dscp, 46);
}

/* Only "down" is not its default: the presence vector has its first bit alone, and eight octets follow. */
static void defaults_stay_behind(void **state)
{
	const struct policer_rate down_only = { .down = 512000, .dscp = POLICER_DSCP_KEEP };
	static const uint8_t travels[] = { 0, 0, 0, 0, 0x00, 0x07, 0xd0, 0x00 };
	uint8_t vector[RATE_LEN], out[FEATURE_VECTOR_MAX], back[FEATURE_VECTOR_MAX];
	struct feature_data d;
	assert_int_equal(feature_vector_len(&feature), RATE_LEN);
	rate_pack(&down_only, vector);
	feature_encode(&feature, vector, &d, out);
	assert_true(d.has_presence);
	assert_int_equal(d.presence, 0x80000000);
	assert_int_equal(d.len, sizeof travels);
	assert_memory_equal(d.octets, travels, sizeof travels);
	assert_int_equal(feature_decode(&feature, &d, back), FEATURE_OK);
	assert_memory_equal(back, vector, RATE_LEN);
}

static void what_has_no_default_left_has_no_presence_vector(void **state)
{
	uint8_t out[FEATURE_VECTOR_MAX];
	struct feature_data d;
	feature_encode(&feature, full, &d, out);
	assert_false(d.has_presence);
	assert_int_equal(d.len, RATE_LEN);
	assert_memory_equal(d.octets, full, RATE_LEN);
}

static void refuses_values_that_cannot_be(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		bool good;
	} cases[] = { { 24, 63, true }, { 24, 0, true }, { 24, 64, false }, { 24, 254, false }, { 24, 255, true },
		      { 0, 0x80, false }, { 3, 0x17, true }, { 3, 0x18, false }, { 11, 0x18, false } };
	struct policer_rate r;
	uint8_t copy[RATE_LEN];
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		memcpy(copy, full, RATE_LEN);
		copy[cases[i].at] = cases[i].value;
		assert_int_equal(rate_parse(copy, RATE_LEN, &r), cases[i].good);
	}
	memset(copy, 0, 16);
	copy[7] = 7; /* 7 bit/s */
	assert_false(rate_parse(copy, RATE_LEN, &r));
	copy[7] = 8;
	assert_true(rate_parse(copy, RATE_LEN, &r));
	for (size_t len = 0; len < RATE_LEN; len++)
		assert_false(rate_parse(full, len, &r));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(octets_and_back),
		cmocka_unit_test(defaults_stay_behind),
		cmocka_unit_test(what_has_no_default_left_has_no_presence_vector),
		cmocka_unit_test(refuses_values_that_cannot_be),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
