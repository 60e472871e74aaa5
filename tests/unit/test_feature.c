#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/config.h"
#include "core/feature.h"

static void test_registry(void **state)
{
	static struct feature f[FEATURES_MAX + 1];
	static char names[FEATURES_MAX][8];
	const struct feature *all[FEATURES_MAX];
	assert_int_equal(features(all, FEATURES_MAX), 0);
	/* 4, 11, 18, … : in no order */
	for (int i = 0; i < FEATURES_MAX; i++) {
		snprintf(names[i], sizeof names[i], "f%d", i);
		f[i] = (struct feature){.fpt = (uint16_t)(1 + (3 + 7 * i) % 64), .name = names[i]};
		assert_int_equal(feature_register(&f[i]), 0);
	}
	struct feature twin = {.fpt = 4, .name = "twin"}, namesake = {.fpt = 2000, .name = "f5"}, reserved = {.fpt = 0, .name = "zero"};
	assert_int_equal(feature_register(&twin), -EEXIST);
	assert_int_equal(feature_register(&namesake), -EEXIST);
	assert_int_equal(feature_register(&reserved), -EINVAL);
	f[FEATURES_MAX] = (struct feature){.fpt = 1000, .name = "one too many"};
	assert_int_equal(feature_register(&f[FEATURES_MAX]), -ENOSPC);
	assert_int_equal(features(all, FEATURES_MAX), FEATURES_MAX);
	for (int i = 1; i < FEATURES_MAX; i++)
		assert_true(all[i - 1]->fpt < all[i]->fpt);
	assert_int_equal(features(all, 2), 2);
	assert_ptr_equal(feature_find(11), &f[1]);
	assert_null(feature_find(1000));
	feature_unregister(&twin); /* the number is another's: nothing happens */
	assert_ptr_equal(feature_find(4), &f[0]);
	feature_unregister(&f[1]);
	assert_null(feature_find(11));
	assert_int_equal(features(all, FEATURES_MAX), FEATURES_MAX - 1);
	for (int i = 0; i < FEATURES_MAX; i++)
		feature_unregister(&f[i]);
	assert_int_equal(features(all, FEATURES_MAX), 0);
}

static void test_policy(void **state)
{
	char *names[] = {"rate", "neighbor"};
	struct config_list two = {.items = names, .n = 2}, none = {.items = names, .n = 0}, unsaid = {0};
	struct feature rate = {.fpt = 7, .name = "rate"}, other = {.fpt = 8, .name = "rat"};
	assert_true(feature_offered(&rate) && feature_accepted(&rate));
	feature_policy(&two, &none);
	assert_true(feature_offered(&rate));
	assert_false(feature_offered(&other));
	assert_false(feature_accepted(&rate));
	feature_policy(&unsaid, NULL);
	assert_true(feature_offered(&other) && feature_accepted(&other));
}

static void test_status(void **state)
{
	static const struct feature_status_name own[] = {{32, "queue-full"}, {0}};
	struct feature f = {.fpt = 9, .name = "nine", .statuses = own};
	assert_string_equal(FEATURE_STATUS(9, 0), "ok");
	assert_string_equal(FEATURE_STATUS(9, FEATURE_ABSENT), "absent");
	assert_string_equal(FEATURE_STATUS(9, 15), "status-15");
	assert_string_equal(FEATURE_STATUS(9, 32), "status-32");
	assert_int_equal(feature_register(&f), 0);
	assert_string_equal(FEATURE_STATUS(9, 32), "queue-full");
	assert_string_equal(FEATURE_STATUS(8, 32), "status-32");
	assert_string_equal(FEATURE_STATUS(9, 255), "status-255");
	feature_unregister(&f);
}

static void test_reason(void **state)
{
	char reason[FEATURE_REASON_MAX] = "";
	struct feature_subject silent = {0}, s = {.reason = reason};
	feature_reason(&silent, "%d", 1);
	feature_reason(&s, "limit=%d", 64);
	assert_string_equal(reason, "limit=64");
}

/* ---- state vectors: a colour without a default, a rate of 1000, an address of zeros ---- */

static const struct feature_field fields[] = {
	{"colour", 1, NULL}, {"rate", 2, "\x03\xe8"}, {"address", 4, feature_zero}, {0}
};
static const struct feature vectors = {.fpt = 10, .name = "vectors", .fields = fields};

static void check_encode(const char *vector, bool has_presence, uint32_t presence, const char *octets, size_t len)
{
	uint8_t out[FEATURE_VECTOR_MAX];
	struct feature_data d;
	feature_encode(&vectors, (const uint8_t *)vector, &d, out);
	assert_int_equal(d.has_presence, has_presence);
	assert_int_equal(d.presence, presence);
	assert_int_equal(d.len, len);
	assert_memory_equal(d.octets, octets, len);
}

/* §2.4: one bit for each field in their order, the first at the top; what holds its default is left out. */
static void test_encode(void **state)
{
	assert_int_equal(feature_vector_len(&vectors), 7);
	check_encode("\x05\x00\x01\x0a\x00\x00\x01", false, 0, "\x05\x00\x01\x0a\x00\x00\x01", 7);
	check_encode("\x05\x03\xe8\x0a\x00\x00\x01", true, 0xa0000000, "\x05\x0a\x00\x00\x01", 5);
	check_encode("\x05\x03\xe8\x00\x00\x00\x00", true, 0x80000000, "\x05", 1);
	/* The colour travels whatever it is. */
	check_encode("\x00\x00\x00\x00\x00\x00\x00", true, 0xc0000000, "\x00\x00\x00", 3);
}

static uint8_t decode(bool has_presence, uint32_t presence, const char *octets, size_t len, uint8_t vector[FEATURE_VECTOR_MAX])
{
	struct feature_data d = {.octets = (const uint8_t *)octets, .len = len, .has_presence = has_presence, .presence = presence};
	return feature_decode(&vectors, &d, vector);
}

static void test_decode(void **state)
{
	uint8_t v[FEATURE_VECTOR_MAX];
	assert_int_equal(decode(false, 0, "\x05\x00\x01\x0a\x00\x00\x01", 7, v), FEATURE_OK);
	assert_memory_equal(v, "\x05\x00\x01\x0a\x00\x00\x01", 7);
	/* With the padding of its block: 4 + 7 + 5. */
	assert_int_equal(decode(false, 0, "\x05\x00\x01\x0a\x00\x00\x01\x00\x00\x00\x00\x00", 12, v), FEATURE_OK);
	assert_int_equal(decode(true, 0xa0000000, "\x05\x0a\x00\x00\x01\x00\x00\x00", 8, v), FEATURE_OK);
	assert_memory_equal(v, "\x05\x03\xe8\x0a\x00\x00\x01", 7);
	assert_int_equal(decode(true, 0x80000000, "\x07", 1, v), FEATURE_OK);
	assert_memory_equal(v, "\x07\x03\xe8\x00\x00\x00\x00", 7);
	/* A field that holds its default may be there all the same. */
	assert_int_equal(decode(true, 0xe0000000, "\x05\x03\xe8\x00\x00\x00\x00", 7, v), FEATURE_OK);
}

static void test_decode_refused(void **state)
{
	uint8_t v[FEATURE_VECTOR_MAX];
	assert_int_equal(decode(true, 0x90000000, "\x05", 1, v), FEATURE_PRESENCE); /* the fourth field of three */
	assert_int_equal(decode(true, 0x80000001, "\x05", 1, v), FEATURE_PRESENCE);
	assert_int_equal(decode(true, 0xffffffff, "\x05\x00\x01\x0a\x00\x00\x01", 7, v), FEATURE_PRESENCE);
	assert_int_equal(decode(true, 0x40000000, "\x00\x01", 2, v), FEATURE_MALFORMED); /* no colour */
	assert_int_equal(decode(true, 0, "", 0, v), FEATURE_MALFORMED);
	for (size_t len = 0; len < 7; len++) /* cut */
		assert_int_equal(decode(false, 0, "\x05\x00\x01\x0a\x00\x00\x01", len, v), FEATURE_MALFORMED);
	assert_int_equal(decode(true, 0xa0000000, "\x05\x0a\x00\x00", 4, v), FEATURE_MALFORMED);
	/* Padding that is not zero, and a word too many. */
	assert_int_equal(decode(true, 0x80000000, "\x05\x00\x00\x01", 4, v), FEATURE_MALFORMED);
	assert_int_equal(decode(true, 0x80000000, "\x05\x00\x00\x00\x00\x00\x00\x00\x00", 9, v), FEATURE_MALFORMED);
}

static void test_fields_refused(void **state)
{
	static struct feature_field many[FEATURE_FIELDS_MAX + 2], empty[] = {{"nothing", 0, NULL}, {0}}, none[] = {{0}}, large[10];
	struct feature f = {.fpt = 11, .name = "eleven", .fields = many};
	for (int i = 0; i <= FEATURE_FIELDS_MAX; i++)
		many[i] = (struct feature_field){"f", 1, NULL};
	assert_int_equal(feature_register(&f), -EINVAL);
	many[FEATURE_FIELDS_MAX].name = NULL;
	assert_int_equal(feature_register(&f), 0);
	feature_unregister(&f);
	for (int i = 0; i < 9; i++)
		large[i] = (struct feature_field){"f", 226, NULL};
	f.fields = large; /* 9 * 226 = 2034, two more than a block can hold after a presence vector */
	assert_int_equal(feature_register(&f), -EINVAL);
	f.fields = empty;
	assert_int_equal(feature_register(&f), -EINVAL);
	f.fields = none;
	assert_int_equal(feature_register(&f), -EINVAL);
}

/* All 32 bits are fields: none is unknown. */
static void test_full_presence(void **state)
{
	static struct feature_field many[FEATURE_FIELDS_MAX + 1];
	struct feature f = {.fpt = 12, .name = "twelve", .fields = many};
	uint8_t vector[FEATURE_FIELDS_MAX] = {[0] = 1, [31] = 2}, out[FEATURE_VECTOR_MAX], back[FEATURE_VECTOR_MAX];
	struct feature_data d;
	for (int i = 0; i < FEATURE_FIELDS_MAX; i++)
		many[i] = (struct feature_field){"f", 1, feature_zero};
	feature_encode(&f, vector, &d, out);
	assert_true(d.has_presence);
	assert_int_equal(d.presence, 0x80000001);
	assert_int_equal(d.len, 2);
	assert_int_equal(feature_decode(&f, &d, back), FEATURE_OK);
	assert_memory_equal(back, vector, sizeof vector);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registry),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_reason),
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_decode_refused),
		cmocka_unit_test(test_fields_refused),
		cmocka_unit_test(test_full_presence),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
