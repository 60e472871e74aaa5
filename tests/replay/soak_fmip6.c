/*
 * A day in one world (sim_fmip6.h): a mobile that moves at random, told and untold, over a network that loses, repeats and delays;
 * parameters that change under the machines, links whose addresses are taken or come by DHCP, neighbours that are not usable for a while, kernels
 * that take no path. Every hour comes to rest: then packets reach the mobile, no timeline runs, no path is left where the mobile is not,
 * and the memory in use is what it was after the first hours, when tables of records had filled up. Another day with routers and the
 * mobile killed and started again: what that leaves behind a sanitizer sees in the end.
 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/log.h"
#include "sim_fmip6.h"

#define MS USEC_MSEC
#define HOURS 24
#define FILLED 8          /* hours until as many handovers are recorded as ever will be */
#define STEPS 300         /* an hour */
#define SLACK (32 * 1024) /* octets: what the allocator keeps at hand is not always the same */

static uint32_t state_of_dice = 1;

static uint32_t dice(uint32_t sides)
{
	state_of_dice = state_of_dice * 1664525 + 1013904223;
	return (state_of_dice >> 16) % sides;
}

static int any_link(void)
{
	return 1 + (int)dice(SIM_ROUTERS);
}

/* As a reload would. */
static void reload(struct sim *s)
{
	struct fmip6_params *p = sim_params(s);
	p->lifetime = (2 + dice(60)) * USEC_SEC;
	p->hold_time = (1 + dice(5)) * USEC_SEC;
	p->dad = dice(2) ? 20 * MS : 0;
	p->early_buffer = dice(2);
	p->assigned = dice(2);
	p->collision = dice(2) ? FMIP6_COLLISION_PCOA : FMIP6_COLLISION_ASSIGN;
}

static void fault(struct sim *s)
{
	enum sim_kind kind = (enum sim_kind)dice(SIM_KINDS);
	switch (dice(3)) {
	case 0:
		sim_drop(s, kind, 1 + (int)dice(6));
		break;
	case 1:
		sim_repeat(s, kind, 1 + (int)dice(3));
		break;
	case 2:
		sim_delay(s, kind, 1 + (int)dice(3), dice(2000) * MS);
		break;
	}
}

static void move(struct sim *s)
{
	int link = any_link();
	if (dice(3))
		sim_request(s, link);
	sim_run(s, dice(60) * MS);
	sim_link(s, 0);
	sim_run(s, (1 + dice(40)) * MS);
	sim_link(s, dice(20) ? link : 0);
}

static void restart(struct sim *s)
{
	if (dice(5))
		sim_restart_router(s, any_link());
	else
		sim_restart_mobile(s);
}

static void step(struct sim *s, bool restarts)
{
	switch (dice(16)) {
	case 0:
	case 1:
		if (restarts)
			restart(s);
		break;
	case 2:
		reload(s);
		break;
	case 3:
		sim_taken(s, any_link(), (enum sim_taken)dice(3));
		break;
	case 4:
		sim_dhcp(s, any_link(), dice(4) == 0);
		break;
	case 5:
		sim_unusable(s, any_link(), dice(2));
		break;
	case 6:
		sim_broken(s, any_link(), dice(4) == 0);
		break;
	case 7:
	case 8:
		fault(s);
		break;
	default:
		move(s);
	}
	sim_run(s, dice(2) ? dice(50) * MS : dice(24000) * MS);
}

/* Nothing is wrong any more, and the mobile is on that link. */
static void comes_to_rest(struct sim *s, int link)
{
	for (int k = 0; k < SIM_KINDS; k++) {
		sim_drop(s, (enum sim_kind)k, 0);
		sim_repeat(s, (enum sim_kind)k, 0);
		sim_delay(s, (enum sim_kind)k, 0, 0);
	}
	for (int i = 1; i <= SIM_ROUTERS; i++) {
		sim_unusable(s, i, false);
		sim_broken(s, i, false);
		sim_dhcp(s, i, false);
		sim_taken(s, i, SIM_FREE);
	}
	sim_link(s, 0);
	sim_run(s, 100 * USEC_SEC); /* whatever is remembered of it ends */
	sim_link(s, link);
	sim_run(s, 100 * USEC_SEC);
}

static size_t in_use(void)
{
	const struct mallinfo2 m = mallinfo2();
	return m.uordblks + m.hblkhd;
}

static void a_day(bool restarts)
{
	struct sim *s = sim_create();
	size_t after_first = 0;
	sim_pace(s, 200 * MS);
	sim_traffic(s, true);
	for (int hour = 1; hour <= HOURS; hour++) {
		for (int i = 0; i < STEPS; i++)
			step(s, restarts);
		int link = any_link();
		comes_to_rest(s, link);
		assert_int_equal(sim_at(s), link);
		assert_true(sim_reached(s));
		for (int who = 0; who <= SIM_NAR(SIM_ROUTERS); who++)
			assert_int_equal(sim_open(s, who), 0);
		for (int r = 1; r <= SIM_ROUTERS; r++)
			for (int l = 1; l <= SIM_ROUTERS; l++)
				assert_false(sim_held(s, r, l) || sim_copied(s, r, l) || (sim_served(s, r, l) && r != link));
		size_t used = in_use();
		if (hour == FILLED)
			after_first = used;
		if (hour > FILLED && !restarts && used > after_first + SLACK)
			fail_msg("hour %d: %zu octets in use, %zu after hour %d", hour, used, after_first, FILLED);
	}
	sim_destroy(s);
}

static void test_a_day(void **state)
{
	a_day(false);
}

static void test_with_restarts(void **state)
{
	a_day(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_a_day), cmocka_unit_test(test_with_restarts) };
	log_level_set(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
