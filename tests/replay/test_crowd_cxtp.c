/*
 * Many routers, many mobiles, a few minutes of the virtual clock: what crowd_cxtp.h promises must hold, in an everyday crowd
 * and in worse ones, and the same seed must take the same course. `scripts/bench simulate` is the same, a million large.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/log.h"
#include "crowd_cxtp.h"

static struct crowd_report run(const struct crowd_config *cfg)
{
	struct crowd_report r;
	if (!crowd_run(cfg, &r))
		fail_msg("seed %llu: %s", (unsigned long long)cfg->seed, r.violation);
	free(r.waits);
	r.waits = NULL;
	return r;
}

/* Every mobile that asked at a new router has an end, and all but few their contexts. */
static void assert_served(const struct crowd_report *r, double share)
{
	assert_true(r->asked > 100);
	assert_true(r->in_place + r->failed >= r->asked - r->cancelled);
	assert_true((double)r->in_place >= share * (double)r->asked);
}

static struct crowd_config everyday(uint64_t seed)
{
	struct crowd_config c = crowd_everyday(20, 2000, seed);
	c.dwell = 60 * USEC_SEC;
	c.span = 200 * USEC_SEC;
	return c;
}

static void test_everyday(void **state)
{
	for (uint64_t seed = 1; seed <= 3; seed++) {
		struct crowd_config c = everyday(seed);
		struct crowd_report r = run(&c);
		assert_served(&r, 0.97);
		assert_true(r.forged > 0 && r.replayed > 0 && r.lost > 0 && r.doubled > 0);
	}
}

/* What is left is RFC 4067 §6.3: a mobile that announced, stayed, and left all the same within a fifth of a second finds its
 * previous router busy with the transfer it announced. */
static void test_nothing_is_lost(void **state)
{
	struct crowd_config c = everyday(4);
	c.lost = c.doubled = c.late = c.forged = 0;
	c.params.request_rate = 1000;
	struct crowd_report r = run(&c);
	assert_true(r.failed * 1000 <= r.asked);
	assert_true(r.in_place + r.cancelled >= r.asked);
}

static void test_everything_goes_wrong(void **state)
{
	for (uint64_t seed = 5; seed <= 7; seed++) {
		struct crowd_config c = everyday(seed);
		c.lost = c.doubled = c.late = 0.15;
		c.stays = c.elsewhere = c.forged = 0.3;
		struct crowd_report r = run(&c);
		assert_served(&r, 0.6);
	}
}

/* Back before the last movement is over, on to the next before that. */
static void test_restless(void **state)
{
	for (uint64_t seed = 8; seed <= 10; seed++) {
		struct crowd_config c = crowd_everyday(3, 40, seed);
		c.dwell = 1 * USEC_SEC;
		c.span = 100 * USEC_SEC;
		c.late = 0.05;
		c.params.request_rate = 1000;
		struct crowd_report r = run(&c);
		assert_served(&r, 0.5);
	}
}

static void test_one_seed_one_course(void **state)
{
	struct crowd_config c = everyday(11);
	struct crowd_report a = run(&c), b = run(&c);
	a.mobile_octets = b.mobile_octets = a.router_octets = b.router_octets = 0; /* the allocator's own affair */
	assert_memory_equal(&a, &b, sizeof a);
	c.seed++;
	struct crowd_report other = run(&c);
	assert_int_not_equal(a.steps, other.steps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everyday),
		cmocka_unit_test(test_nothing_is_lost),
		cmocka_unit_test(test_everything_goes_wrong),
		cmocka_unit_test(test_restless),
		cmocka_unit_test(test_one_seed_one_course),
	};
	log_level_set(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
