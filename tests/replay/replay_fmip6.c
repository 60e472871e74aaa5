/*
 * FMIPv6 in a little world (sim_fmip6.h): movements of every kind, with every message lost, repeated or late, and what
 * became of the packets of a stream of one a millisecond.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim_fmip6.h"

#define MS USEC_MSEC

/* Traffic for a while on link `from` before something happens. */
static struct sim *begin(void)
{
	struct sim *s = sim_create();
	assert_int_equal(sim_at(s), 1);
	sim_traffic(s, true);
	sim_run(s, 50 * MS);
	return s;
}

/* Lets everything come to rest and compares the stream. */
static void finish(struct sim *s, unsigned lost)
{
	sim_run(s, 1500 * MS);
	sim_traffic(s, false);
	sim_run(s, 1000 * MS);
	struct sim_traffic_result r = sim_result(s);
	assert_int_equal(r.lost, lost);
	assert_int_equal(r.repeated, 0);
	assert_int_equal(r.reordered, 0);
	for (int who = 0; who <= SIM_NAR(3); who++)
		assert_int_equal(sim_open(s, who), 0);
	sim_destroy(s);
}

static void predictive(struct sim *s, int to, usec_t gap)
{
	assert_int_equal(sim_request(s, to), 0);
	sim_run(s, 50 * MS);
	assert_int_equal(mn_state(sim_mn(s)), MN_PREPARED);
	sim_link(s, 0);
	sim_run(s, gap);
	sim_link(s, to);
}

static void test_predictive(void **state)
{
	static const usec_t gaps[] = { 0, 20, 100, 500 };
	for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++) {
		struct sim *s = begin();
		predictive(s, 2, gaps[i] * MS);
		sim_run(s, 800 * MS);
		assert_int_equal(sim_at(s), 2);
		assert_string_equal(sim_scenario(s, SIM_MN), "1abcf2346g");
		assert_string_equal(sim_scenario(s, SIM_PAR(1)), "cdef");
		assert_string_equal(sim_scenario(s, SIM_NAR(2)), "deg");
		assert_int_equal(sim_mode(s, SIM_MN), HANDOVER_PREDICTIVE);
		assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
		assert_int_equal(sim_outcome(s, SIM_PAR(1)), HANDOVER_COMPLETE);
		assert_int_equal(sim_outcome(s, SIM_NAR(2)), HANDOVER_COMPLETE);
		assert_true(sim_tunnelled(s, 1, 1));
		assert_false(sim_held(s, 2, 2));
		finish(s, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_predictive),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
