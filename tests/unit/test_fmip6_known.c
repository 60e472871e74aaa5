/* Which station has which addresses, as long as anybody may ask. */
#include "fmip6/fmip6_known.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SEC USEC_SEC

static struct in6_addr at(unsigned n)
{
	return (struct in6_addr){ .s6_addr = { 0x20, 1, 0xd, 0xb8, [12] = (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } };
}

static struct lladdr mac(unsigned n)
{
	return (struct lladdr){ .len = 6, .octet = { 2, 0, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } };
}

static const usec_t memory = 3600 * SEC;

static void test_addresses(void **state)
{
	struct known *k = known_create(&memory);
	struct in6_addr out[KNOWN_ADDRS + 4], one = at(1), two = at(2);
	struct lladdr l = mac(1), other = mac(2), found;
	assert_non_null(k);
	assert_false(known_lladdr(k, &one, SEC, &found));
	known_add(k, &one, &l, 7, SEC);
	known_add(k, &two, &l, 7, 2 * SEC);
	known_add(k, &one, &l, 7, 3 * SEC); /* again */
	assert_int_equal(known_addresses(k, &l, 3 * SEC, out, 8), 2);
	assert_true(addr_eq(&out[0], &one) && addr_eq(&out[1], &two)); /* heard of last first */
	assert_int_equal(known_addresses(k, &l, 3 * SEC, out, 1), 1);
	assert_true(known_lladdr(k, &two, 3 * SEC, &found) && lladdr_eq(&found, &l));
	assert_true(known_station(k, 7, &l, 3 * SEC) && !known_station(k, 8, &l, 3 * SEC) && !known_station(k, 7, &other, 3 * SEC));
	known_add(k, &one, &other, 7, 4 * SEC); /* it is another's now */
	assert_true(known_lladdr(k, &one, 4 * SEC, &found) && lladdr_eq(&found, &other));
	assert_int_equal(known_addresses(k, &l, 4 * SEC, out, 8), 1);
	known_add(k, &two, &other, 7, 5 * SEC);
	assert_int_equal(known_addresses(k, &l, 5 * SEC, out, 8), 0);
	assert_false(known_station(k, 7, &l, 5 * SEC));
	assert_int_equal(known_addresses(k, &other, 3700 * SEC, out, 8), 0); /* for an hour */
	assert_false(known_lladdr(k, &one, 3700 * SEC, &found));
	known_destroy(k);
}

/* As long as it is heard of. */
static void test_heard_again(void **state)
{
	struct known *k = known_create(&memory);
	struct in6_addr out[2], one = at(1), two = at(2);
	struct lladdr l = mac(1), found;
	known_add(k, &one, &l, 7, SEC);
	known_add(k, &one, &l, 8, 3000 * SEC); /* on another link now */
	assert_true(known_lladdr(k, &one, 6000 * SEC, &found));
	assert_true(known_station(k, 8, &l, 6000 * SEC) && !known_station(k, 7, &l, 6000 * SEC));
	assert_int_equal(known_addresses(k, &l, 6000 * SEC, out, 2), 1);
	assert_false(known_lladdr(k, &one, 6601 * SEC, &found));
	assert_false(known_station(k, 8, &l, 6601 * SEC));
	for (unsigned i = 0; i < 100; i++) { /* no more addresses than two */
		known_add(k, &one, &l, 7, 7000 * SEC + i);
		known_add(k, &two, &l, 7, 7000 * SEC + i);
	}
	assert_int_equal(known_addresses(k, &l, 7001 * SEC, out, 2), 2);
	known_destroy(k);
}

/* Hosts make up new addresses each day, and sleep for hours. */
static void test_sleepers(void **state)
{
	const usec_t half_a_day = 12 * 3600 * SEC;
	struct known *k = known_create(&half_a_day);
	struct in6_addr out[4], old = at(1), new = at(2);
	struct lladdr l = mac(1), found;
	known_add(k, &old, &l, 7, SEC);
	known_add(k, &new, &l, 7, 5000 * SEC);
	assert_int_equal(known_addresses(k, &l, 5000 * SEC + half_a_day, out, 4), 1);
	assert_true(addr_eq(&out[0], &new));
	assert_true(known_lladdr(k, &old, half_a_day, &found)); /* if it has it still, it is its own */
	assert_false(known_lladdr(k, &old, half_a_day + 2 * SEC, &found));
	known_heard(k, &old, half_a_day); /* it was away with it */
	known_heard(k, &(struct in6_addr){ .s6_addr = { 9 } }, half_a_day);
	assert_true(known_lladdr(k, &old, 2 * half_a_day, &found));
	assert_int_equal(known_addresses(k, &l, half_a_day, out, 4), 1);
	assert_true(addr_eq(&out[0], &old));
	known_destroy(k);
}

static void test_bounds(void **state)
{
	struct known *k = known_create(&memory);
	struct in6_addr out[KNOWN_ADDRS + 4], a;
	struct lladdr l = mac(1), found;
	for (unsigned i = 0; i < KNOWN_ADDRS + 3; i++) {
		a = at(i);
		known_add(k, &a, &l, 7, SEC + i);
	}
	assert_int_equal(known_addresses(k, &l, 2 * SEC, out, KNOWN_ADDRS + 4), KNOWN_ADDRS);
	a = at(2);
	assert_false(known_lladdr(k, &a, 2 * SEC, &found));
	for (unsigned i = 0; i < KNOWN_STATIONS + 10; i++) {
		struct lladdr many = mac(1000 + i);
		a = at(1000 + i);
		known_add(k, &a, &many, 7, 2 * SEC);
	}
	assert_int_equal(known_addresses(k, &l, 2 * SEC, out, 8), 0);
	a = at(1000 + 9);
	assert_false(known_lladdr(k, &a, 2 * SEC, &found));
	a = at(1000 + 10);
	assert_true(known_lladdr(k, &a, 2 * SEC, &found));
	known_destroy(k);
	known_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_heard_again), cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_sleepers), cmocka_unit_test(test_bounds) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
