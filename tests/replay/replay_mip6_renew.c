/*
 * A mobile's home prefix under a virtual clock: RFC 6275 §11.4.2, §11.4.3 and RFC 4862 §5.5.3, with advertisements written here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/log.h"
#include "mip6/mip6_renew.h"

#define S(n) ((usec_t)(n) * USEC_SEC)
#define ASKED 64
enum { HOME = 0xf, OTHER = 0xe };

static struct world {
	struct loop *loop;
	struct mip6_renew *r;
	size_t n;
	usec_t asked[ASKED];
	uint16_t id;
	unsigned untils, over, others;
	usec_t until;
	struct nd_prefix other;
} w;

static void op_solicit(void *arg, const uint8_t *data, size_t len)
{
	assert_true(len == 8 && data[0] == 146 && data[1] == 0 && data[6] == 0 && data[7] == 0);
	w.id = (uint16_t)(data[4] << 8 | data[5]);
	w.asked[w.n++ % ASKED] = loop_now(w.loop);
}

static void op_prefix(void *arg, const struct nd_prefix *p, usec_t at)
{
	w.others++;
	w.other = *p;
}

static void op_until(void *arg, usec_t valid)
{
	w.untils++;
	w.until = valid;
}

static void op_over(void *arg)
{
	w.over++;
}

static const struct renew_ops ops = { .solicit = op_solicit, .prefix = op_prefix, .until = op_until, .over = op_over };

static int setup(void **state)
{
	const struct prefix home = { { .s6_addr = { 0x20, 1, 0xd, 0xb8, 0, HOME } }, 64 };
	memset(&w, 0, sizeof w);
	w.loop = loop_create_virtual(S(1000));
	w.r = renew_create(w.loop, &home, &ops, NULL);
	return w.r ? 0 : -1;
}

static int teardown(void **state)
{
	renew_destroy(w.r);
	loop_destroy(w.loop);
	return 0;
}

static void after(usec_t t)
{
	loop_advance(w.loop, loop_now(w.loop) + t);
}

/* §6.8 with one Prefix Information option (RFC 4861 §4.6.2). */
static void advertised(uint16_t id, uint8_t prefix, uint32_t valid, uint32_t preferred)
{
	uint8_t m[] = { 147, 0, 0, 0, (uint8_t)(id >> 8), (uint8_t)id, 0xff, 0, 3, 4, 64, 0xe0, (uint8_t)(valid >> 24), (uint8_t)(valid >> 16),
		            (uint8_t)(valid >> 8), (uint8_t)valid, (uint8_t)(preferred >> 24), (uint8_t)(preferred >> 16), (uint8_t)(preferred >> 8),
		            (uint8_t)preferred, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, prefix, [39] = 1 };
	renew_advertised(w.r, m, sizeof m, loop_now(w.loop));
}

static void told(uint32_t valid, uint32_t preferred)
{
	advertised(w.id, HOME, valid, preferred);
}

static void asks_once_it_is_registered(void **state)
{
	static const unsigned at_s[] = { 0, 3, 9, 21, 45 };
	after(S(1000));
	assert_int_equal(w.n, 0);
	usec_t t = loop_now(w.loop);
	renew_registered(w.r, false);
	renew_registered(w.r, false);
	after(S(500));
	assert_int_equal(w.n, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(w.asked[i] - t, S(at_s[i]));
	assert_int_equal(w.over, 0); /* nothing is known, and nothing ends */
}

static void what_is_known_is_not_asked(void **state)
{
	renew_registered(w.r, false);
	told(UINT32_MAX, UINT32_MAX);
	after(S(100000));
	renew_registered(w.r, false);
	assert_int_equal(w.n, 1);
	assert_int_equal(w.untils, 0);
	renew_registered(w.r, true); /* status 1 */
	assert_int_equal(w.n, 2);
	told(90000, 90000);
	after(S(10));
	renew_registered(w.r, true);
	told(89991, 89990); /* the same, a second later on the way */
	assert_int_equal(w.untils, 1);
}

/* "the advertisement is unsolicited, and MUST be discarded. In this case the mobile node SHOULD send a Mobile Prefix Solicitation" */
static void unasked_for_it_is_a_reason_to_ask(void **state)
{
	renew_registered(w.r, false);
	told(100000, 50000);
	assert_int_equal(w.untils, 1);
	advertised(w.id, HOME, 9000, 9000); /* a second answer to the one question */
	assert_int_equal(w.n, 1);           /* too soon after the last */
	after(S(20));
	advertised(7, HOME, 9000, 9000);
	assert_int_equal(w.n, 2);
	assert_int_equal(w.untils, 1);
	assert_int_equal(w.until, S(1000 + 100000));
	advertised((uint16_t)(w.id + 1), HOME, 9000, 9000); /* a guess */
	assert_int_equal(w.untils, 1);
	told(9000, 9000);
	assert_int_equal(w.until, S(1020 + 9000));
}

static void malformed_ones_are_not_read(void **state)
{
	static const uint8_t bare[] = { 147, 0, 0, 0, 0, 0, 0, 0 };
	uint8_t m[40] = { 147, 0, 0, 0, [8] = 3, 4, 64, 0xc0, 0, 0, 0x30, 0, 0, 0, 0x20, 0, [24] = 0x20, 1, 0xd, 0xb8, 0, HOME };
	renew_registered(w.r, false);
	m[4] = (uint8_t)(w.id >> 8);
	m[5] = (uint8_t)w.id;
	for (size_t n = 0; n < sizeof m; n++)
		renew_advertised(w.r, m, n, loop_now(w.loop));
	renew_advertised(w.r, bare, sizeof bare, loop_now(w.loop));
	m[1] = 1;
	renew_advertised(w.r, m, sizeof m, loop_now(w.loop));
	assert_int_equal(w.untils, 0);
	m[1] = 0;
	renew_advertised(w.r, m, sizeof m, loop_now(w.loop));
	assert_int_equal(w.until, S(1000) + S(0x3000));
}

static void asks_before_it_runs_out_and_gives_up(void **state)
{
	renew_registered(w.r, false);
	told(10000, 4000);
	after(S(3999));
	assert_int_equal(w.n, 1);
	after(S(2));
	assert_int_equal(w.n, 2);
	after(S(100)); /* nobody answers */
	assert_int_equal(w.n, 6);
	after(S(2940)); /* half of what was left after the five */
	assert_int_equal(w.n, 6);
	after(S(6));
	assert_int_equal(w.n, 7);
	after(S(14));
	assert_int_equal(w.over, 0);
	after(S(2938));
	assert_int_equal(w.over, 0);
	after(S(1));
	assert_int_equal(w.over, 1);
	size_t n = w.n;
	after(S(100000));
	assert_int_equal(w.n, n);
	assert_int_equal(w.over, 1);
}

static void a_longer_life_is_believed(void **state)
{
	renew_registered(w.r, false);
	told(3000, 2000); /* from for ever: to two hours */
	assert_int_equal(w.until, S(1000 + 7200));
	after(S(5000));
	assert_true(w.n > 1);
	renew_registered(w.r, true);
	told(20000, 20000);
	assert_int_equal(w.until, S(6000 + 20000));
	after(S(19000));
	assert_int_equal(w.over, 0);
	renew_registered(w.r, true);
	told(UINT32_MAX, UINT32_MAX);
	assert_true(w.until == UINT64_MAX);
	after(S(100000));
	assert_int_equal(w.over, 0);
}

/* RFC 4862 §5.5.3 e 2: "If RemainingLifetime is less than or equal to 2 hours, ignore the Prefix Information option with regards to the
 * valid lifetime" */
static void less_than_two_hours_is_not_shortened(void **state)
{
	renew_registered(w.r, false);
	told(8000, 8000);
	assert_int_equal(w.until, S(9000));
	after(S(2000));
	renew_registered(w.r, true);
	told(0, 0);
	assert_int_equal(w.untils, 1);
	assert_true(renew_valid_until(w.r) == S(9000));
}

static void at_home_routers_say_it(void **state)
{
	const struct nd_prefix all[] = {
		{ .prefix = { { .s6_addr = { 0x20, 1, 0xd, 0xb8, 0, OTHER } }, 64 }, .autonomous = true, .valid = 50, .preferred = 40 },
		{ .prefix = { { .s6_addr = { 0x20, 1, 0xd, 0xb8, 0, HOME } }, 64 }, .autonomous = true, .valid = 9000, .preferred = 100 },
	};
	renew_heard(w.r, all, 2, loop_now(w.loop));
	assert_int_equal(w.until, S(1000 + 9000));
	assert_int_equal(w.others, 1);
	assert_int_equal(w.other.prefix.addr.s6_addr[5], OTHER);
	after(S(1000));
	assert_int_equal(w.n, 0); /* there is nobody to ask */
	renew_registered(w.r, false);
	assert_int_equal(w.n, 0); /* known; it is deprecated, and half of the rest is to go */
	after(S(4000));
	assert_int_equal(w.n, 1);
	renew_stop(w.r);
	after(S(100));
	assert_int_equal(w.n, 1);
}

static void other_prefixes_are_told(void **state)
{
	renew_registered(w.r, false);
	advertised(w.id, OTHER, 1000, 500);
	assert_int_equal(w.others, 1);
	assert_int_equal(w.untils, 0);
	assert_true(w.other.autonomous && w.other.valid == 1000 && w.other.prefix.plen == 64);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	log_level_set(LOG_LEVEL_ERROR);
	const struct CMUnitTest tests[] = {
		T(asks_once_it_is_registered),
		T(what_is_known_is_not_asked),
		T(unasked_for_it_is_a_reason_to_ask),
		T(malformed_ones_are_not_read),
		T(asks_before_it_runs_out_and_gives_up),
		T(a_longer_life_is_believed),
		T(less_than_two_hours_is_not_shortened),
		T(at_home_routers_say_it),
		T(other_prefixes_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
