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
		assert_string_equal(sim_scenario(s, SIM_MN), "1abcf23456g");
		assert_string_equal(sim_scenario(s, SIM_PAR(1)), "cdef");
		assert_string_equal(sim_scenario(s, SIM_NAR(2)), "deg");
		assert_int_equal(sim_mode(s, SIM_MN), HANDOVER_PREDICTIVE);
		assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
		assert_int_equal(sim_outcome(s, SIM_PAR(1)), HANDOVER_COMPLETE);
		assert_int_equal(sim_outcome(s, SIM_NAR(2)), HANDOVER_COMPLETE);
		assert_true(sim_tunnelled(s, 1, 1));
		assert_false(sim_held(s, 2, 2));
		assert_int_equal(sim_confirmed(s), 1);
		finish(s, 0);
	}
}


/* Nothing announced: lost is what was sent into the gap, and until the FBU had come to the PAR. */
static void test_reactive(void **state)
{
	static const usec_t gaps[] = { 0, 20, 100, 500 };
	for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++) {
		struct sim *s = begin();
		sim_link(s, 0);
		sim_run(s, gaps[i] * MS);
		sim_link(s, 2);
		sim_run(s, 800 * MS);
		assert_int_equal(sim_at(s), 2);
		assert_string_equal(sim_scenario(s, SIM_MN), "ab123456gcf");
		assert_string_equal(sim_scenario(s, SIM_PAR(1)), "cdef");
		assert_string_equal(sim_scenario(s, SIM_NAR(2)), "gde");
		assert_int_equal(sim_mode(s, SIM_MN), HANDOVER_REACTIVE);
		assert_int_equal(sim_mode(s, SIM_PAR(1)), HANDOVER_REACTIVE);
		assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
		assert_int_equal(sim_outcome(s, SIM_NAR(2)), HANDOVER_COMPLETE);
		/* Probe and answer 2 ms, FBU 3, and what was in the network at the start; nothing while HI and HAck (4 ms) are under way,
		 * for the PAR holds what comes from the FBU on. */
		unsigned lost = sim_result(s).lost;
		assert_in_range(lost, (unsigned)gaps[i] + 9, (unsigned)gaps[i] + 12);
		unsigned in_flight = sim_result(s).sent - sim_result(s).received;
		sim_traffic(s, false);
		sim_run(s, 100 * MS);
		assert_true(sim_result(s).lost <= in_flight);
		finish(s, sim_result(s).lost);
	}
}

/* A mobile that has never heard of the routers around learns all of it on the new link. */
static void test_fully_reactive(void **state)
{
	struct sim *s = begin();
	sim_forget_places(s);
	sim_link(s, 0);
	sim_run(s, 20 * MS);
	sim_link(s, 2);
	sim_run(s, 1000 * MS);
	assert_int_equal(sim_at(s), 2);
	assert_string_equal(sim_scenario(s, SIM_MN), "123456abgcf");
	assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
	sim_traffic(s, false);
	sim_run(s, 100 * MS);
	finish(s, sim_result(s).lost);
}

/* Nobody sends anything, so nothing shows the mobile that its UNA came: it may be told to move on all the same. */
static void test_on_at_once(void **state)
{
	static const usec_t waits[] = { 1 * MS, 100 * MS }; /* before and after the probe is answered */
	for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
		struct sim *s = sim_create();
		predictive(s, 2, 20 * MS);
		sim_run(s, waits[i]);
		assert_int_equal(mn_state(sim_mn(s)), MN_ARRIVED);
		predictive(s, 3, 20 * MS);
		sim_run(s, 800 * MS);
		assert_int_equal(sim_at(s), 3);
		assert_int_equal(sim_handovers(s, SIM_MN), 2);
		assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
		assert_false(sim_held(s, 2, 2));
		assert_false(sim_held(s, 3, 3));
		finish(s, 0);
	}
}

/* One kind of message lost once, twice, three times, and more often than it is repeated; then repeated, then late. */
struct fault_case {
	enum sim_kind kind;
	int drop, repeat, delay;
	usec_t late;
	const char *mn; /* the mobile's scenario */
};

static void fault(struct sim *s, const struct fault_case *c)
{
	sim_drop(s, c->kind, c->drop);
	sim_repeat(s, c->kind, c->repeat);
	sim_delay(s, c->kind, c->delay, c->late);
}

static void test_predictive_faults(void **state)
{
	static const struct fault_case cases[] = {
		{ SIM_RTSOLPR, 1, 0, 0, 0, "1abcf23456g" }, { SIM_RTSOLPR, 2, 0, 0, 0, "1abcf23456g" },
		{ SIM_RTSOLPR, 3, 0, 0, 0, "1abcf23456g" }, { SIM_PRRTADV, 1, 0, 0, 0, "1abcf23456g" },
		{ SIM_PRRTADV, 2, 0, 0, 0, "1abcf23456g" }, { SIM_PRRTADV, 3, 0, 0, 0, "1abcf23456g" },
		{ SIM_FBU, 1, 0, 0, 0, "1abcf23456g" }, { SIM_FBU, 2, 0, 0, 0, "1abcf23456g" }, { SIM_FBU, 3, 0, 0, 0, "1abcf23456g" },
		{ SIM_HI, 1, 0, 0, 0, "1abcf23456g" }, { SIM_HI, 2, 0, 0, 0, "1abcf23456g" }, { SIM_HI, 3, 0, 0, 0, "1abcf23456g" },
		{ SIM_HACK, 1, 0, 0, 0, "1abcf23456g" }, { SIM_HACK, 2, 0, 0, 0, "1abcf23456g" }, { SIM_HACK, 3, 0, 0, 0, "1abcf23456g" },
		{ SIM_FBACK, 1, 0, 0, 0, "1abcf23456g" }, { SIM_FBACK, 2, 0, 0, 0, "1abcf23456g" },
		{ SIM_FBACK, 4, 0, 0, 0, "1abcf23456g" }, { SIM_UNA, 1, 0, 0, 0, "1abcf23456g" }, { SIM_UNA, 2, 0, 0, 0, "1abcf23456g" },
		{ SIM_RTSOLPR, 0, 9, 0, 0, "1abcf23456g" }, { SIM_PRRTADV, 0, 9, 0, 0, "1abcf23456g" }, { SIM_FBU, 0, 9, 0, 0, "1abcf23456g" },
		{ SIM_HI, 0, 9, 0, 0, "1abcf23456g" }, { SIM_HACK, 0, 9, 0, 0, "1abcf23456g" }, { SIM_FBACK, 0, 9, 0, 0, "1abcf23456g" },
		{ SIM_UNA, 3, 0, 0, 0, "1abcf23456g" }, { SIM_UNA, 0, 9, 0, 0, "1abcf23456g" }, { SIM_RTSOLPR, 0, 0, 1, 150, "1abcf23456g" },
		{ SIM_PRRTADV, 0, 0, 1, 150, "1abcf23456g" }, { SIM_FBU, 0, 0, 1, 150, "1abcf23456g" },
		{ SIM_HI, 0, 0, 1, 150, "1abcf23456g" }, { SIM_HACK, 0, 0, 1, 150, "1abcf23456g" },
		{ SIM_FBACK, 0, 0, 1, 150, "1abcf23456g" }, { SIM_UNA, 0, 0, 1, 30, "1abcf23456g" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct fault_case *c = &cases[i];
		struct sim *s = begin();
		fault(s, c);
		assert_int_equal(sim_request(s, 2), 0);
		for (int n = 0; n < 200 && mn_state(sim_mn(s)) != MN_PREPARED; n++)
			sim_run(s, 10 * MS);
		assert_int_equal(mn_state(sim_mn(s)), MN_PREPARED);
		sim_link(s, 0);
		sim_run(s, 20 * MS);
		sim_link(s, 2);
		sim_run(s, 800 * MS);
		if (strcmp(sim_scenario(s, SIM_MN), c->mn) != 0)
			print_error("case %zu\n", i);
		assert_string_equal(sim_scenario(s, SIM_MN), c->mn);
		assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
		assert_int_equal(sim_outcome(s, SIM_NAR(2)), HANDOVER_COMPLETE);
		/* Packets that went to the NAR before a lost FBack was replaced waited there. */
		finish(s, 0);
	}
}

/* The mobile does not wait for the FBack that does not come: it moves, and becomes reactive. */
static void test_devolves(void **state)
{
	static const struct {
		struct fault_case fault;
		unsigned lost_most;
		const char *nar;
	} cases[] = {
		{ { SIM_FBU, 1, 0, 0, 0, "1abc23456gf" }, 60, "gde" },
		{ { SIM_HI, 1, 0, 0, 0, "1abc23456gf" }, 60, "gde" },
		{ { SIM_HI, 2, 0, 0, 0, "1abc23456gf" }, 350, "gde" },
		{ { SIM_HACK, 1, 0, 0, 0, "1abc23456gf" }, 60, "deg" },
		{ { SIM_FBACK, 2, 0, 0, 0, "1abc23456gf" }, 0, "deg" },
		{ { SIM_UNA, 3, 0, 0, 0, "1abc23456gf" }, 6, "deg" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sim *s = begin();
		fault(s, &cases[i].fault);
		assert_int_equal(sim_request(s, 2), 0);
		sim_run(s, cases[i].fault.kind == SIM_UNA ? 4 * MS : 20 * MS); /* FBU sent, no FBack yet */
		if (cases[i].fault.kind != SIM_UNA)
			assert_int_equal(mn_state(sim_mn(s)), MN_UPDATING);
		sim_link(s, 0);
		sim_run(s, 20 * MS);
		sim_link(s, 2);
		sim_run(s, 1500 * MS);
		if (sim_outcome(s, SIM_MN) != HANDOVER_COMPLETE)
			print_error("case %zu: %s %s\n", i, sim_scenario(s, SIM_MN), sim_reason(s, SIM_MN));
		assert_int_equal(sim_at(s), 2);
		assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
		assert_int_equal(sim_outcome(s, SIM_NAR(2)), HANDOVER_COMPLETE);
		if (cases[i].fault.kind == SIM_HI || cases[i].fault.kind == SIM_HACK) {
			assert_int_equal(sim_mode(s, SIM_PAR(1)), HANDOVER_REACTIVE);
			assert_string_equal(sim_reason(s, SIM_PAR(1)), "the mobile left before the FBack");
		}
		assert_true(sim_tunnelled(s, 1, 1));
		struct sim_traffic_result r = sim_result(s);
		if (r.lost > cases[i].lost_most + 8)
			print_error("case %zu: lost %u\n", i, r.lost);
		assert_true(r.lost <= cases[i].lost_most + 8);
		sim_traffic(s, false);
		sim_run(s, 100 * MS);
		finish(s, sim_result(s).lost);
	}
}

static void test_reactive_faults(void **state)
{
	static const struct fault_case cases[] = {
		{ SIM_FBU, 1, 0, 0, 0, "ab123456gcf" }, { SIM_FBU, 2, 0, 0, 0, "ab123456gcf" }, { SIM_FBU, 3, 0, 0, 0, "ab123456gcf" },
		{ SIM_HI, 1, 0, 0, 0, "ab123456gcf" }, { SIM_HI, 2, 0, 0, 0, "ab123456gcf" }, { SIM_HI, 3, 0, 0, 0, "ab123456gcf" },
		{ SIM_HACK, 1, 0, 0, 0, "ab123456gcf" }, { SIM_HACK, 2, 0, 0, 0, "ab123456gcf" }, { SIM_HACK, 3, 0, 0, 0, "ab123456gcf" },
		{ SIM_FBACK, 1, 0, 0, 0, "ab123456gcf" }, { SIM_FBACK, 2, 0, 0, 0, "ab123456gcf" }, { SIM_FBACK, 3, 0, 0, 0, "ab123456gcf" },
		{ SIM_UNA, 1, 0, 0, 0, "ab123456gcf" }, { SIM_UNA, 2, 0, 0, 0, "ab123456gcf" }, { SIM_UNA, 3, 0, 0, 0, "ab123456gcf" },
		{ SIM_PROBE, 1, 0, 0, 0, "ab123456gcf" }, { SIM_PROBE, 2, 0, 0, 0, "ab123456gcf" }, { SIM_NA, 1, 0, 0, 0, "ab123456gcf" },
		{ SIM_PROBE, 9, 0, 0, 0, "123456abgcf" }, { SIM_NA, 3, 0, 0, 0, "123456abgcf" },
		{ SIM_FBU, 0, 9, 0, 0, "ab123456gcf" }, { SIM_HI, 0, 9, 0, 0, "ab123456gcf" }, { SIM_HACK, 0, 9, 0, 0, "ab123456gcf" },
		{ SIM_FBACK, 0, 9, 0, 0, "ab123456gcf" }, { SIM_UNA, 0, 9, 0, 0, "ab123456gcf" }, { SIM_NA, 0, 9, 0, 0, "ab123456gcf" },
		{ SIM_FBU, 0, 0, 1, 150, "ab123456gcf" }, { SIM_HI, 0, 0, 1, 150, "ab123456gcf" }, { SIM_HACK, 0, 0, 1, 150, "ab123456gcf" },
		{ SIM_FBACK, 0, 0, 1, 150, "ab123456gcf" }, { SIM_UNA, 0, 0, 3, 30, "ab123456gcf" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sim *s = begin();
		fault(s, &cases[i]);
		sim_link(s, 0);
		sim_run(s, 20 * MS);
		sim_link(s, 2);
		sim_run(s, 2000 * MS);
		if (strcmp(sim_scenario(s, SIM_MN), cases[i].mn) != 0 || sim_outcome(s, SIM_MN) != HANDOVER_COMPLETE)
			print_error("case %zu: %s %s\n", i, sim_scenario(s, SIM_MN), sim_reason(s, SIM_MN));
		assert_int_equal(sim_at(s), 2);
		assert_string_equal(sim_scenario(s, SIM_MN), cases[i].mn);
		assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
		sim_traffic(s, false);
		sim_run(s, 100 * MS);
		finish(s, sim_result(s).lost);
	}
}

/* Back to the first link, announced: nothing is lost, and the PAR's tunnel is gone. */
static void test_return_predictive(void **state)
{
	struct sim *s = begin();
	predictive(s, 2, 20 * MS);
	sim_run(s, 800 * MS);
	predictive(s, 1, 20 * MS);
	sim_run(s, 800 * MS);
	assert_int_equal(sim_at(s), 1);
	assert_string_equal(sim_scenario(s, SIM_MN), "1abcf23456g");
	assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
	assert_false(sim_tunnelled(s, 1, 1));
	assert_true(sim_tunnelled(s, 2, 2));
	finish(s, 0);
}

/* Back unannounced: lost is what was sent into the gap; what comes after is in order, the marker sees to that. */
static void test_return_reactive(void **state)
{
	struct sim *s = begin();
	predictive(s, 2, 20 * MS);
	sim_run(s, 800 * MS);
	uint64_t markers = fmip6_counters[FMIP6_MARKER_RETURNED].value;
	uint64_t given_up = fmip6_counters[FMIP6_MARKER_TIMEOUT].value;
	sim_link(s, 0);
	sim_run(s, 20 * MS);
	sim_link(s, 1);
	sim_run(s, 800 * MS);
	assert_int_equal(sim_at(s), 1);
	assert_string_equal(sim_scenario(s, SIM_MN), "ab123456gcf");
	assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
	assert_string_equal(sim_scenario(s, SIM_NAR(1)), "gde");
	assert_int_equal(sim_outcome(s, SIM_NAR(1)), HANDOVER_COMPLETE);
	assert_true(fmip6_counters[FMIP6_MARKER_RETURNED].value > markers);
	assert_int_equal(fmip6_counters[FMIP6_MARKER_TIMEOUT].value, given_up);
	assert_false(sim_tunnelled(s, 1, 1));
	struct sim_traffic_result r = sim_result(s);
	assert_in_range(r.lost, 20, 50);
	sim_traffic(s, false);
	sim_run(s, 100 * MS);
	finish(s, sim_result(s).lost);
}

/* The marker's answer never comes: held packets go after its timeout. */
static void test_marker_lost(void **state)
{
	struct sim *s = begin();
	predictive(s, 2, 20 * MS);
	sim_run(s, 800 * MS);
	sim_drop(s, SIM_ECHO, 100);
	sim_link(s, 0);
	sim_link(s, 1);
	sim_run(s, 100 * MS);
	assert_true(sim_held(s, 1, 1));
	sim_run(s, 400 * MS);
	assert_false(sim_held(s, 1, 1));
	assert_int_equal(sim_outcome(s, SIM_NAR(1)), HANDOVER_COMPLETE);
	sim_traffic(s, false);
	sim_run(s, 100 * MS);
	finish(s, sim_result(s).lost);
}

/* Prepared for the second router, but the cable comes back in the first: what waits at the second follows. */
static void test_ping_pong_after_fback(void **state)
{
	static const usec_t gaps[] = { 0, 20, 100, 500 };
	for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++) {
		struct sim *s = begin();
		assert_int_equal(sim_request(s, 2), 0);
		sim_run(s, 50 * MS);
		assert_int_equal(mn_state(sim_mn(s)), MN_PREPARED);
		sim_link(s, 0);
		sim_run(s, gaps[i] * MS);
		sim_link(s, 1);
		sim_run(s, 800 * MS);
		assert_int_equal(sim_at(s), 1);
		assert_int_equal(sim_handovers(s, SIM_MN), 2);
		assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
		assert_int_equal(sim_outcome(s, SIM_PAR(2)), HANDOVER_COMPLETE);
		assert_false(sim_tunnelled(s, 1, 1));
		assert_false(sim_held(s, 1, 1));
		assert_false(sim_held(s, 2, 2));
		finish(s, 0);
	}
}

/* The same when the mobile has already announced itself at the second, and is gone again a moment later. */
static void test_ping_pong_after_una(void **state)
{
	static const usec_t stays[] = { 1, 2, 3, 5, 10, 40 };
	for (size_t i = 0; i < sizeof stays / sizeof *stays; i++) {
		struct sim *s = begin();
		predictive(s, 2, 20 * MS);
		sim_run(s, stays[i] * MS);
		sim_link(s, 0);
		sim_run(s, 20 * MS);
		sim_link(s, 1);
		sim_run(s, 800 * MS);
		assert_int_equal(sim_at(s), 1);
		assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
		assert_false(sim_tunnelled(s, 1, 1));
		struct sim_traffic_result r = sim_result(s);
		/* What the second router let go at the UNA went to a link that was being left. */
		assert_true(r.lost <= 20 + 30 + 8 + (stays[i] < 3 ? 50 : 0));
		sim_traffic(s, false);
		sim_run(s, 100 * MS);
		finish(s, sim_result(s).lost);
	}
}

/* The FBU was sent, nobody answered yet, and the cable is back in the first router: at every moment of the exchange. */
static void test_ping_pong_before_fback(void **state)
{
	for (unsigned wait = 3; wait <= 16; wait++) {
		struct sim *s = begin();
		assert_int_equal(sim_request(s, 2), 0);
		sim_run(s, wait * MS);
		sim_link(s, 0);
		sim_run(s, 5 * MS);
		sim_link(s, 1);
		sim_run(s, 1500 * MS);
		assert_int_equal(sim_at(s), 1);
		assert_false(sim_tunnelled(s, 1, 1));
		assert_false(sim_held(s, 1, 1));
		struct sim_traffic_result r = sim_result(s);
		assert_true(r.lost <= 24);
		sim_traffic(s, false);
		sim_run(s, 100 * MS);
		finish(s, sim_result(s).lost);
	}
}

/* Reactive to the second, and back before its FBack. */
static void ping_pong_reactive(unsigned stay, int his_lost)
{
	struct sim *s = begin();
	sim_drop(s, SIM_HI, his_lost);
	sim_link(s, 0);
	sim_run(s, 5 * MS);
	sim_link(s, 2);
	sim_run(s, stay * MS);
	sim_link(s, 0);
	sim_run(s, 5 * MS);
	sim_link(s, 1);
	sim_run(s, 1500 * MS);
	assert_int_equal(sim_at(s), 1);
	assert_false(sim_tunnelled(s, 1, 1));
	assert_false(sim_held(s, 1, 1));
	sim_traffic(s, false);
	sim_run(s, 100 * MS);
	finish(s, sim_result(s).lost);
}

static void test_ping_pong_reactive(void **state)
{
	for (unsigned stay = 1; stay <= 20; stay++) {
		ping_pong_reactive(stay, 0);
		ping_pong_reactive(stay, 1); /* the first router holds, waiting for a HAck, when the mobile is back */
	}
}

/* Told to move, everything prepared, and the link never changes: the mobile takes back what waits elsewhere. */
static void test_turns_back(void **state)
{
	struct sim *s = begin();
	assert_int_equal(sim_request(s, 2), 0);
	sim_run(s, 2900 * MS);
	assert_int_equal(mn_state(sim_mn(s)), MN_PREPARED);
	assert_true(sim_held(s, 2, 2));
	sim_run(s, 1000 * MS);
	assert_int_equal(sim_at(s), 1);
	assert_int_equal(sim_handovers(s, SIM_MN), 2);
	assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
	assert_false(sim_tunnelled(s, 1, 1));
	finish(s, 0);
}

/* The same on the way home: what the first router was asked to do no more, it has to be asked again. */
static void test_turns_back_from_home(void **state)
{
	for (int flap = 0; flap < 2; flap++) {
		struct sim *s = begin();
		predictive(s, 2, 20 * MS);
		sim_run(s, 800 * MS);
		assert_int_equal(sim_request(s, 1), 0);
		sim_run(s, 50 * MS);
		if (flap) {
			sim_link(s, 0);
			sim_run(s, 20 * MS);
			sim_link(s, 2);
		}
		sim_run(s, 4000 * MS);
		assert_int_equal(sim_at(s), 2);
		assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
		assert_true(sim_tunnelled(s, 1, 1));
		assert_false(sim_tunnelled(s, 2, 2));
		finish(s, 0);
	}
}

/* Prepared for the second router, arrived at the third. */
static void test_elsewhere(void **state)
{
	struct sim *s = begin();
	assert_int_equal(sim_request(s, 2), 0);
	sim_run(s, 50 * MS);
	sim_link(s, 0);
	sim_run(s, 20 * MS);
	sim_link(s, 3);
	sim_run(s, 800 * MS);
	assert_int_equal(sim_at(s), 3);
	assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
	struct par_view v;
	struct in6_addr a1 = sim_addr(1), a3 = sim_addr(3);
	assert_true(par_find(sim_par(s, 1), &a1, &v));
	assert_true(addr_eq(&v.ncoa, &a3));
	assert_false(sim_held(s, 2, 2));
	finish(s, 0);
}

/* Prepared, back where it came from, and the router that holds cannot reach the one where the mobile is: what it holds stays
 * held as long as it would, and the mobile gets its address back all the same. */
static void test_back_and_unreachable(void **state)
{
	struct sim *s = begin();
	assert_int_equal(sim_request(s, 2), 0);
	sim_run(s, 50 * MS);
	sim_drop(s, SIM_HI, 100);
	sim_link(s, 0);
	sim_run(s, 20 * MS);
	sim_link(s, 1);
	sim_run(s, 3000 * MS);
	assert_int_equal(sim_at(s), 1);
	assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_FAILED);
	assert_int_equal(sim_outcome(s, SIM_PAR(2)), HANDOVER_FAILED);
	assert_true(sim_held(s, 2, 2));
	assert_false(sim_tunnelled(s, 1, 1));
	sim_run(s, 3000 * MS);
	assert_false(sim_held(s, 2, 2));
	sim_traffic(s, false);
	sim_run(s, 100 * MS);
	finish(s, sim_result(s).lost);
}

/* Round three routers and home: each older address follows, and the first is native again in the end. */
static void test_three_routers(void **state)
{
	struct sim *s = begin();
	struct par_view v;
	struct in6_addr a1 = sim_addr(1), a2 = sim_addr(2), a3 = sim_addr(3);
	predictive(s, 2, 20 * MS);
	sim_run(s, 800 * MS);
	predictive(s, 3, 20 * MS);
	sim_run(s, 1500 * MS);
	assert_int_equal(sim_at(s), 3);
	assert_true(par_find(sim_par(s, 1), &a1, &v));
	assert_true(addr_eq(&v.ncoa, &a3));
	assert_true(par_find(sim_par(s, 2), &a2, &v));
	assert_true(addr_eq(&v.ncoa, &a3));
	assert_int_equal(sim_result(s).lost, sim_result(s).sent - sim_result(s).received);
	predictive(s, 1, 20 * MS);
	sim_run(s, 1500 * MS);
	assert_int_equal(sim_at(s), 1);
	assert_false(sim_tunnelled(s, 1, 1));
	assert_true(par_find(sim_par(s, 2), &a2, &v));
	assert_true(addr_eq(&v.ncoa, &a1));
	finish(s, 0);
}

/* Back and forth, ten times, announced and not. */
static void test_ten_times(void **state)
{
	struct sim *s = begin();
	for (int i = 0; i < 10; i++) {
		predictive(s, 2 - i % 2, 20 * MS);
		sim_run(s, 600 * MS);
		assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
	}
	finish(s, 0);
	s = begin();
	for (int i = 0; i < 10; i++) {
		sim_link(s, 0);
		sim_run(s, 5 * MS);
		sim_link(s, 2 - i % 2);
		sim_run(s, 600 * MS);
		assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
	}
	sim_traffic(s, false);
	sim_run(s, 100 * MS);
	assert_true(sim_result(s).lost < 10 * 30);
	finish(s, sim_result(s).lost);
}

/* The carrier comes back as it was: nothing moved, and nothing is sent. */
static void test_flap(void **state)
{
	struct sim *s = begin();
	uint64_t fbus = fmip6_counters[FMIP6_FBU_SENT].value;
	sim_link(s, 0);
	sim_run(s, 20 * MS);
	sim_link(s, 1);
	sim_run(s, 300 * MS);
	assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_CANCELLED);
	assert_int_equal(fmip6_counters[FMIP6_FBU_SENT].value, fbus);
	assert_int_equal(mn_state(sim_mn(s)), MN_ATTACHED);
	sim_traffic(s, false);
	sim_run(s, 100 * MS);
	finish(s, sim_result(s).lost);
}

/* The carrier goes and comes back faster than anyone can see, announced and not; and a hint where nothing moved. */
static void test_unseen(void **state)
{
	struct sim *s = begin();
	assert_int_equal(sim_request(s, 2), 0);
	sim_run(s, 50 * MS);
	sim_link_unseen(s, 2, false);
	sim_run(s, 500 * MS);
	assert_int_equal(sim_at(s), 2);
	assert_string_equal(sim_scenario(s, SIM_MN), "1abcf23456g");
	assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
	sim_run(s, 500 * MS);
	unsigned n = sim_handovers(s, SIM_MN);
	sim_link_unseen(s, 2, true);
	sim_run(s, 200 * MS);
	assert_int_equal(sim_handovers(s, SIM_MN), n);
	sim_link_unseen(s, 1, true);
	sim_run(s, 500 * MS);
	assert_int_equal(sim_at(s), 1);
	assert_int_equal(sim_mode(s, SIM_MN), HANDOVER_REACTIVE);
	assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
	sim_traffic(s, false);
	sim_run(s, 100 * MS);
	finish(s, sim_result(s).lost);
}

/* The carrier said nothing at all, but another router advertises itself. Our own, or one that we know nothing of, is no news. */
static void test_router_heard(void **state)
{
	struct sim *s = begin();
	sim_advertise(s);
	sim_run(s, 200 * MS);
	assert_int_equal(sim_handovers(s, SIM_MN), 0);
	sim_link_unseen(s, 2, false);
	sim_run(s, 300 * MS);
	assert_int_equal(sim_at(s), 1);
	sim_advertise(s);
	sim_run(s, 500 * MS);
	assert_int_equal(sim_at(s), 2);
	assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
	sim_traffic(s, false);
	sim_run(s, 100 * MS);
	finish(s, sim_result(s).lost);
}

/* ---- restarts ---- */

static void test_restart_par(void **state)
{
	for (unsigned wait = 1; wait < 60; wait += 3) {
		struct sim *s = begin();
		assert_int_equal(sim_request(s, 2), 0);
		sim_run(s, wait * MS);
		sim_restart_router(s, 1);
		sim_link(s, 0);
		sim_run(s, 20 * MS);
		sim_link(s, 2);
		sim_run(s, 7000 * MS);
		assert_int_equal(sim_at(s), 2);
		/* whatever became of that one: another works */
		predictive(s, 1, 20 * MS);
		sim_run(s, 800 * MS);
		assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
		predictive(s, 2, 20 * MS);
		sim_run(s, 800 * MS);
		assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
		assert_int_equal(sim_outcome(s, SIM_PAR(1)), HANDOVER_COMPLETE);
		assert_true(sim_tunnelled(s, 1, 1));
		sim_traffic(s, false);
		sim_run(s, 100 * MS);
		finish(s, sim_result(s).lost);
	}
}

static void test_restart_nar(void **state)
{
	for (unsigned wait = 1; wait < 60; wait += 3) {
		struct sim *s = begin();
		assert_int_equal(sim_request(s, 2), 0);
		sim_run(s, wait * MS);
		sim_restart_router(s, 2);
		sim_link(s, 0);
		sim_run(s, 20 * MS);
		sim_link(s, 2);
		sim_run(s, 7000 * MS);
		assert_int_equal(sim_at(s), 2);
		assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
		predictive(s, 1, 20 * MS);
		sim_run(s, 800 * MS);
		assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
		assert_int_equal(sim_outcome(s, SIM_PAR(2)), HANDOVER_COMPLETE);
		sim_traffic(s, false);
		sim_run(s, 100 * MS);
		finish(s, sim_result(s).lost);
	}
}

/* A mobile that starts anew counts from anywhere; the PAR, which remembers, tells it where to go on. */
static void test_restart_mobile(void **state)
{
	for (int n = 0; n < 16; n++) {
		struct sim *s = begin();
		assert_int_equal(sim_request(s, 2), 0);
		sim_run(s, 50 * MS);
		sim_restart_mobile(s);
		sim_run(s, 200 * MS);
		assert_int_equal(sim_at(s), 1);
		predictive(s, 3, 20 * MS);
		sim_run(s, 800 * MS);
		assert_int_equal(sim_at(s), 3);
		assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
		sim_run(s, 6000 * MS);
		sim_traffic(s, false);
		sim_run(s, 100 * MS);
		finish(s, sim_result(s).lost);
	}
}

/* ---- what must change nothing ---- */

static void test_bad_auth(void **state)
{
	struct sim *s = begin();
	uint64_t bad = fmip6_counters[FMIP6_FBU_BAD_AUTH].value;
	sim_no_key(s, true);
	assert_int_equal(sim_request(s, 2), 0);
	sim_run(s, 3000 * MS);
	assert_int_equal(fmip6_counters[FMIP6_FBU_BAD_AUTH].value, bad + 8); /* four FBUs, four to take it back */
	assert_int_equal(sim_handovers(s, SIM_PAR(1)), 0);
	assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_FAILED);
	assert_false(sim_tunnelled(s, 1, 1));
	finish(s, 0);
}

static void test_foreign(void **state)
{
	struct sim *s = begin();
	struct in6_addr a1 = sim_addr(1), a2 = sim_addr(2), nowhere = sim_addr(9), own = { { { 0 } } };
	own = a1;
	own.s6_addr[15] = 0x77;
	uint64_t ncoa = fmip6_counters[FMIP6_FBU_FOREIGN_NCOA].value, pcoa = fmip6_counters[FMIP6_FBU_FOREIGN_PCOA].value;
	sim_inject_fbu(s, 1, &a1, &nowhere, 10);
	sim_inject_fbu(s, 1, &a1, &own, 11);
	sim_inject_fbu(s, 1, &a2, &a1, 12);
	sim_run(s, 100 * MS);
	assert_int_equal(fmip6_counters[FMIP6_FBU_FOREIGN_NCOA].value, ncoa + 2);
	assert_int_equal(fmip6_counters[FMIP6_FBU_FOREIGN_PCOA].value, pcoa + 1);
	assert_int_equal(sim_handovers(s, SIM_PAR(1)), 0);
	sim_unusable(s, 2, true);
	sim_inject_fbu(s, 1, &a1, &a2, 13);
	sim_run(s, 100 * MS);
	assert_int_equal(sim_handovers(s, SIM_PAR(1)), 0);
	finish(s, 0);
}

static void test_replayed(void **state)
{
	struct sim *s = begin();
	predictive(s, 2, 20 * MS);
	sim_run(s, 800 * MS);
	predictive(s, 1, 20 * MS);
	sim_run(s, 800 * MS);
	/* Back at home; someone repeats the last FBU there was, and the one that led away. */
	unsigned n = sim_handovers(s, SIM_PAR(2));
	uint64_t before = fmip6_counters[FMIP6_FBU_REPLAYED].value;
	sim_replay_fbu(s);
	sim_run(s, 100 * MS);
	assert_int_equal(sim_handovers(s, SIM_PAR(2)), n);
	assert_int_equal(fmip6_counters[FMIP6_FBU_REPLAYED].value, before + 1);
	sim_run(s, 200 * USEC_SEC); /* and much later, when nothing is left of the binding */
	sim_replay_fbu(s);
	sim_run(s, 100 * MS);
	assert_int_equal(fmip6_counters[FMIP6_FBU_REPLAYED].value, before + 2);
	finish(s, 0);
}

static void test_stranger_hi(void **state)
{
	struct sim *s = begin();
	struct in6_addr a1 = sim_addr(1), a2 = sim_addr(2), stranger = sim_addr(12);
	uint64_t n = fmip6_counters[FMIP6_HI_STRANGER].value;
	sim_inject_hi(s, 2, &stranger, &a1, &a2);
	sim_run(s, 100 * MS);
	assert_int_equal(fmip6_counters[FMIP6_HI_STRANGER].value, n + 1);
	assert_int_equal(sim_handovers(s, SIM_NAR(2)), 0);
	finish(s, 0);
}

/* Each router refuses what is in use, and the mobile is told. */
static void test_in_use(void **state)
{
	struct sim *s = begin();
	struct in6_addr a1 = sim_addr(1), taken = sim_addr(2);
	taken.s6_addr[15] = 0x66;
	sim_params(s)->collision = FMIP6_COLLISION_REFUSE;
	sim_inject_fbu(s, 1, &a1, &taken, 10);
	sim_run(s, 100 * MS);
	assert_int_equal(sim_outcome(s, SIM_PAR(1)), HANDOVER_FAILED);
	assert_string_equal(sim_reason(s, SIM_PAR(1)), "the new address is in use at the new router (HAck Code 1)");
	assert_int_equal(sim_handovers(s, SIM_NAR(2)), 0);
	finish(s, 0);
}

/* At the address that the routers chose, and nothing lost on the way there. */
static void at_assigned(struct sim *s, int link)
{
	struct in6_addr given = sim_assigned(link);
	assert_int_equal(sim_at(s), link);
	assert_true(addr_eq(&mn_here(sim_mn(s))->coa, &given));
	assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
	assert_int_equal(sim_outcome(s, SIM_NAR(link)), HANDOVER_COMPLETE);
}

/* The address that the mobile wants is another's: it gets another one with the FBack, each message lost once as well. */
static void test_assigned_predictive(void **state)
{
	static const int lost[] = { -1, SIM_HI, SIM_HACK };
	for (size_t i = 0; i < sizeof lost / sizeof *lost; i++) {
		struct sim *s = begin();
		sim_taken(s, 2, SIM_TAKEN);
		if (lost[i] >= 0)
			sim_drop(s, (enum sim_kind)lost[i], 1);
		assert_int_equal(sim_request(s, 2), 0);
		sim_run(s, 250 * MS);
		assert_int_equal(mn_state(sim_mn(s)), MN_PREPARED);
		sim_link(s, 0);
		sim_run(s, 20 * MS);
		sim_link(s, 2);
		sim_run(s, 800 * MS);
		at_assigned(s, 2);
		finish(s, 0);
	}
}

/* §6.2.1.1: the PAR asks for an address, whether or not there was need. The NAR may give the one proposed. */
static void test_assigned_on_request(void **state)
{
	struct sim *s = begin();
	struct in6_addr own = sim_addr(2);
	sim_params(s)->assigned = true;
	predictive(s, 2, 20 * MS);
	sim_run(s, 800 * MS);
	assert_true(addr_eq(&mn_here(sim_mn(s))->coa, &own));
	assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
	finish(s, 0);
}

/* Only the link knows that the address is taken, and is asked: the HAck waits for it. */
static void test_dad(void **state)
{
	struct sim *s = begin();
	sim_params(s)->dad = 20 * MS;
	sim_taken(s, 2, SIM_TAKEN_UNKNOWN);
	predictive(s, 2, 20 * MS);
	sim_run(s, 800 * MS);
	at_assigned(s, 2);
	sim_taken(s, 3, SIM_FREE);
	assert_int_equal(sim_request(s, 3), 0);
	sim_run(s, 15 * MS);
	assert_int_equal(mn_state(sim_mn(s)), MN_UPDATING); /* 20 ms of silence have to pass */
	sim_run(s, 50 * MS);
	assert_int_equal(mn_state(sim_mn(s)), MN_PREPARED);
	sim_link(s, 0);
	sim_link(s, 3);
	sim_run(s, 800 * MS);
	assert_int_equal(sim_outcome(s, SIM_NAR(3)), HANDOVER_COMPLETE);
	finish(s, 0);
}

/* The mobile is there before the link was asked long enough: that it has the address itself is answer enough. */
static void test_dad_cut_short(void **state)
{
	struct sim *s = begin();
	sim_params(s)->dad = 500 * MS;
	assert_int_equal(sim_request(s, 2), 0);
	sim_run(s, 30 * MS);
	sim_link(s, 0);
	sim_run(s, 20 * MS);
	sim_link(s, 2);
	sim_run(s, 300 * MS);
	assert_int_equal(sim_at(s), 2);
	assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
	sim_traffic(s, false);
	sim_run(s, 100 * MS);
	finish(s, sim_result(s).lost);
}

/* Without traffic UNAs are repeated: none may follow the FBU of the next movement, or the router that the mobile leaves would take it
 * for an arrival when it is announced there again. */
static void test_no_una_behind_the_fbu(void **state)
{
	struct sim *s = begin();
	sim_traffic(s, false);
	assert_int_equal(sim_request(s, 2), 0);
	sim_run(s, 30 * MS);
	sim_link(s, 0);
	sim_run(s, 20 * MS);
	sim_link(s, 2);
	sim_run(s, 60 * MS);
	assert_int_equal(sim_request(s, 1), 0);
	sim_run(s, 150 * MS);
	assert_int_equal(mn_state(sim_mn(s)), MN_PREPARED);
	sim_link(s, 0);
	sim_run(s, 20 * MS);
	sim_link(s, 1);
	sim_run(s, 200 * MS);
	sim_traffic(s, true);
	assert_int_equal(sim_request(s, 2), 0);
	sim_run(s, 30 * MS);
	sim_link(s, 0);
	sim_run(s, 200 * MS);
	sim_link(s, 2);
	sim_run(s, 500 * MS);
	assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
	sim_traffic(s, false);
	sim_run(s, 100 * MS);
	finish(s, 0);
}

/* It comes unannounced with an address that another has: a NAACK gives it another, and packets follow it there. */
static void test_naack(void **state)
{
	struct sim *s = begin();
	sim_taken(s, 2, SIM_TAKEN);
	sim_drop(s, SIM_NAACK, 1); /* an UNA is repeated, and so is the answer */
	sim_link(s, 0);
	sim_run(s, 20 * MS);
	sim_link(s, 2);
	sim_run(s, 1500 * MS);
	struct in6_addr given = sim_assigned(2);
	assert_true(addr_eq(&mn_here(sim_mn(s))->coa, &given));
	assert_true(sim_tunnelled(s, 1, 1));
	unsigned before = sim_result(s).lost;
	sim_run(s, 500 * MS);
	assert_in_range(sim_result(s).lost, before - 10, before + 10); /* it flows */
	sim_traffic(s, false);
	sim_run(s, 100 * MS);
	finish(s, sim_result(s).lost);
}

/* The new router is silent: FBack with a refusal, and nothing is installed. */
static void test_nar_silent(void **state)
{
	struct sim *s = begin();
	sim_drop(s, SIM_HI, 100);
	assert_int_equal(sim_request(s, 2), 0);
	sim_run(s, 3000 * MS);
	assert_int_equal(sim_outcome(s, SIM_PAR(1)), HANDOVER_FAILED);
	assert_string_equal(sim_scenario(s, SIM_PAR(1)), "cd");
	assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_FAILED);
	assert_false(sim_tunnelled(s, 1, 1));
	assert_int_equal(mn_state(sim_mn(s)), MN_ATTACHED);
	finish(s, 0);
}

/* ---- ends ---- */

static void test_hold_expires(void **state)
{
	struct sim *s = begin();
	assert_int_equal(sim_request(s, 2), 0);
	sim_run(s, 50 * MS);
	sim_link(s, 0);
	sim_run(s, 4000 * MS);
	assert_true(sim_held(s, 2, 2));
	sim_run(s, 2000 * MS);
	assert_false(sim_held(s, 2, 2));
	assert_int_equal(sim_outcome(s, SIM_NAR(2)), HANDOVER_FAILED);
	sim_link(s, 2); /* and comes after all */
	sim_run(s, 800 * MS);
	assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
	sim_traffic(s, false);
	sim_run(s, 100 * MS);
	finish(s, sim_result(s).lost);
}

static void test_lifetime(void **state)
{
	struct sim *s = begin();
	sim_params(s)->renew = false;
	predictive(s, 2, 20 * MS);
	sim_run(s, 30 * USEC_SEC);
	assert_true(sim_tunnelled(s, 1, 1));
	sim_run(s, 31 * USEC_SEC);
	assert_false(sim_tunnelled(s, 1, 1));
	sim_traffic(s, false);
	sim_run(s, 100 * MS);
	finish(s, sim_result(s).lost);

	s = begin();
	predictive(s, 2, 20 * MS);
	uint64_t his = fmip6_counters[FMIP6_HI_SENT].value;
	sim_run(s, 300 * USEC_SEC);
	assert_true(sim_tunnelled(s, 1, 1));
	assert_int_equal(fmip6_counters[FMIP6_HI_SENT].value, his); /* renewals need none */
	finish(s, 0);
}

/* Held packets wait for the contexts, and no longer than is configured. */
/* A PrRtAdv that nobody asked for, from the router of link 1 unless `stranger`: to the AP of link `to`. */
static void told(struct sim *s, uint8_t code, int to, bool stranger)
{
	uint8_t out[256];
	struct in6_addr router = { .s6_addr = { 0x20, 1, 0xd, 0xb8, 0, (uint8_t)to, [15] = 1 } };
	struct prrtadv a = { .code = code, .source = { 6, { 2, 0, 0, 0, 1, stranger ? 9 : 1 } }, .tuples_n = 1 };
	a.tuples[0] = (struct tuple){ .code = LLA_NEW_AP, .ap = { 6, { 2, 0, 0, 0, 0xaa, (uint8_t)to } },
		.router_lladdr = { 6, { 2, 0, 0, 0, 1, (uint8_t)to } }, .router = router, .has_prefix = true,
		.prefix = prefix_of(&router, 64) };
	int n = prrtadv_pack(&a, out, sizeof out);
	assert_true(n > 0);
	sim_inject(s, SIM_PRRTADV, 1, true, &router, &in6addr_any, out, (size_t)n);
}

/* RFC 5568 §3.3: the network decides, and the mobile goes through the same motions without having asked anything. */
static void test_told_to_move(void **state)
{
	struct sim *s = begin();
	told(s, PRRTADV_TRIGGER, 2, false);
	sim_run(s, 50 * MS);
	assert_int_equal(mn_state(sim_mn(s)), MN_PREPARED);
	sim_link(s, 0);
	sim_run(s, 20 * MS);
	sim_link(s, 2);
	sim_run(s, 800 * MS);
	assert_int_equal(sim_at(s), 2);
	assert_string_equal(sim_scenario(s, SIM_MN), "1bcf23456g");
	assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
	finish(s, 0);
}

/* Not by another than its own router, not where it is already, not if it is configured not to listen; and code 4 only tells. */
static void test_told_in_vain(void **state)
{
	struct sim *s = begin();
	told(s, PRRTADV_TRIGGER, 2, true);
	told(s, PRRTADV_TRIGGER, 1, false);
	told(s, PRRTADV_UNSOLICITED, 3, false);
	told(s, PRRTADV_TUPLES, 2, false);
	sim_params(s)->network_trigger = false;
	told(s, PRRTADV_TRIGGER, 2, false);
	sim_run(s, 50 * MS);
	assert_int_equal(mn_state(sim_mn(s)), MN_ATTACHED);
	assert_int_equal(sim_handovers(s, SIM_MN), 0);
	assert_int_equal(sim_handovers(s, SIM_PAR(1)), 0);
	finish(s, 0);
}

/* Told twice, and told otherwise before the first was done: the last word counts, and the first target waits in vain. */
static void test_told_again(void **state)
{
	struct sim *s = begin();
	told(s, PRRTADV_TRIGGER, 2, false);
	told(s, PRRTADV_TRIGGER, 2, false);
	sim_run(s, 3 * MS);
	told(s, PRRTADV_TRIGGER, 3, false);
	sim_run(s, 50 * MS);
	sim_link(s, 0);
	sim_run(s, 20 * MS);
	sim_link(s, 3);
	sim_run(s, 800 * MS);
	assert_int_equal(sim_at(s), 3);
	assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
	sim_run(s, 5000 * MS);
	assert_int_equal(sim_outcome(s, SIM_NAR(2)), HANDOVER_FAILED);
	finish(s, 0);
}

static void test_release_with_contexts(void **state)
{
	struct sim *s = begin();
	struct in6_addr a1 = sim_addr(1);
	sim_params(s)->release = FMIP6_RELEASE_CONTEXTS;
	predictive(s, 2, 20 * MS);
	sim_run(s, 100 * MS);
	assert_true(sim_held(s, 2, 2));
	nar_contexts_done(sim_nar(s, 2), &a1, &in6addr_any);
	assert_false(sim_held(s, 2, 2));
	sim_run(s, 500 * MS);
	predictive(s, 3, 20 * MS);
	sim_run(s, 150 * MS);
	assert_true(sim_held(s, 3, 3));
	sim_run(s, 100 * MS);
	assert_false(sim_held(s, 3, 3));
	sim_run(s, 500 * MS);
	finish(s, 0);
}

/* A mobile that is there before its HI waits for its contexts as well, unless they were there before the HI. */
static void test_reactive_release_with_contexts(void **state)
{
	struct in6_addr a1 = sim_addr(1), a2 = sim_addr(2);
	for (int early = 0; early < 2; early++) {
		struct sim *s = begin();
		sim_params(s)->release = FMIP6_RELEASE_CONTEXTS;
		sim_link(s, 0);
		sim_run(s, 20 * MS);
		sim_link(s, 2);
		if (early)
			nar_contexts_done(sim_nar(s, 2), &a1, &a2);
		sim_run(s, 100 * MS);
		assert_int_equal(sim_held(s, 2, 2), !early);
		if (!early)
			nar_contexts_done(sim_nar(s, 2), &a1, &a2);
		assert_false(sim_held(s, 2, 2));
		sim_run(s, 500 * MS);
		assert_int_equal(sim_outcome(s, SIM_NAR(2)), HANDOVER_COMPLETE);
		sim_traffic(s, false);
		sim_run(s, 100 * MS);
		finish(s, sim_result(s).lost);
	}
}

static uint32_t dice(uint32_t *state, uint32_t sides)
{
	*state = *state * 1664525 + 1013904223;
	return (*state >> 16) % sides;
}

/* where: the link that the cable is in. */
static void any_step(struct sim *s, uint32_t *d, int *where)
{
	int link = 1 + (int)dice(d, SIM_ROUTERS);
	enum sim_kind kind = (enum sim_kind)dice(d, SIM_KINDS);
	switch (dice(d, 10)) {
	case 0:
		sim_restart_router(s, link);
		break;
	case 1:
		sim_drop(s, kind, 1 + (int)dice(d, 6));
		break;
	case 2:
		sim_repeat(s, kind, 1 + (int)dice(d, 3));
		break;
	case 3:
		sim_delay(s, kind, 1 + (int)dice(d, 3), dice(d, 2000) * MS);
		break;
	case 4:
		sim_taken(s, link, (enum sim_taken)dice(d, 3));
		break;
	case 5:
		sim_dhcp(s, link, dice(d, 2));
		break;
	case 6:
		sim_link(s, *where = 0);
		break;
	default:
		if (dice(d, 3))
			sim_request(s, link);
		sim_run(s, dice(d, 60) * MS);
		sim_link(s, 0);
		sim_run(s, (1 + dice(d, 40)) * MS);
		sim_link(s, *where = link);
	}
	sim_run(s, dice(d, 2) ? dice(d, 50) * MS : dice(d, 6000) * MS);
}

/* Previous addresses are served, links have addresses taken or by DHCP, routers restart, messages are lost: in the end the mobile is
 * reached at the address that it uses, and nothing is left where it is not. */
static void test_served_at_random(void **state)
{
	for (uint32_t seed = 1; seed <= 300; seed++) {
		struct sim *s = begin();
		uint32_t d = seed * 7919;
		int at = 1;
		sim_params(s)->collision = FMIP6_COLLISION_PCOA;
		sim_params(s)->lifetime = (2 + dice(&d, 8)) * USEC_SEC;
		sim_params(s)->dad = dice(&d, 2) ? 20 * MS : 0;
		for (int link = 2; link <= SIM_ROUTERS; link++) {
			sim_taken(s, link, (enum sim_taken)dice(&d, 3));
			sim_dhcp(s, link, dice(&d, 4) == 0);
		}
		sim_pace(s, 20 * MS);
		for (int i = 0; i < 12; i++)
			any_step(s, &d, &at);
		for (int k = 0; k < SIM_KINDS; k++) {
			sim_drop(s, (enum sim_kind)k, 0);
			sim_repeat(s, (enum sim_kind)k, 0);
			sim_delay(s, (enum sim_kind)k, 0, 0);
		}
		if (at == 0 || dice(&d, 2)) { /* else it stays as it has come out */
			at = 1 + (int)dice(&d, SIM_ROUTERS);
			sim_link(s, 0);
			sim_run(s, 20 * MS);
			sim_link(s, at);
		}
		sim_run(s, 60 * USEC_SEC);
		if (sim_at(s) != at || !sim_reached(s))
			fail_msg("seed %u: at %d, not %d, with %s, or not reached", seed, sim_at(s), at, ADDR(&mn_here(sim_mn(s))->coa));
		for (int r = 1; r <= SIM_ROUTERS; r++)
			for (int link = 1; link <= SIM_ROUTERS; link++)
				if (sim_held(s, r, link) || (sim_served(s, r, link) && r != at))
					fail_msg("seed %u: router %d has something left of the address of link %d", seed, r, link);
		for (int who = 0; who <= SIM_NAR(3); who++)
			if (sim_open(s, who))
				fail_msg("seed %u: a timeline of %d runs %s", seed, who, mn_state_name(mn_state(sim_mn(s))));
		sim_destroy(s);
	}
}

/* ---- a home address of Mobile IPv6 (RFC 6275), link 1 its home link ---- */

static struct in6_addr mn_coa(const struct sim *s)
{
	return mn_here(sim_mn((struct sim *)(uintptr_t)s))->coa;
}

static void count_binding(const struct mn_binding_view *b, void *arg)
{
	struct in6_addr home = sim_addr(1);
	*(unsigned *)arg += addr_eq(&b->pcoa, &home);
}

static bool bound(struct sim *s)
{
	unsigned n = 0;
	mn_each(sim_mn(s), count_binding, &n);
	return n;
}

/* The home agent forwards from then on: the previous router is told, by an FBU of lifetime 0 from where the mobile is, and forwards no
 * longer. Whatever is lost of that is said again. */
static void test_home_agent_takes_over(void **state)
{
	for (int lost = 0; lost < 3; lost++) {
		struct sim *s = begin();
		sim_home(s, SIM_HOME_OURS);
		predictive(s, 2, 20 * MS);
		sim_run(s, 800 * MS);
		assert_true(sim_tunnelled(s, 1, 1));
		sim_home(s, SIM_HOME_UNSURE); /* the Binding Update is out */
		sim_run(s, 100 * MS);
		assert_true(sim_tunnelled(s, 1, 1) && bound(s));
		sim_traffic(s, false); /* what comes to the home link now is the home agent's */
		sim_drop(s, lost == 1 ? SIM_FBU : SIM_FBACK, lost ? 1 : 0);
		sim_home(s, SIM_HOME_AGENT);
		sim_run(s, 50 * MS);
		assert_int_equal(sim_tunnelled(s, 1, 1), lost == 1);
		sim_run(s, 500 * MS);
		assert_false(sim_tunnelled(s, 1, 1) || bound(s));
		assert_int_equal(mn_state(sim_mn(s)), MN_ATTACHED);
		/* What the mobile sent through the previous router's tunnel until then still comes out of it. */
		struct in6_addr home = sim_addr(1), coa = sim_addr(2);
		assert_true(sim_reverse(s, 1, &home, &coa));
		finish(s, 0);
	}
}

/* A previous router that answers no more is left to itself: what it still sends is taken until its binding ends. */
static void test_home_agent_takes_over_from_the_silent(void **state)
{
	struct sim *s = begin();
	sim_home(s, SIM_HOME_OURS);
	predictive(s, 2, 20 * MS);
	sim_run(s, 800 * MS);
	sim_drop(s, SIM_FBU, 99);
	sim_home(s, SIM_HOME_AGENT);
	sim_run(s, 5000 * MS);
	assert_true(sim_tunnelled(s, 1, 1) && bound(s));
	sim_traffic(s, false);
	sim_run(s, sim_params(s)->lifetime);
	assert_false(sim_tunnelled(s, 1, 1) || bound(s));
	assert_int_equal(sim_result(s).lost, 0);
	sim_destroy(s);
}

/* It may be faster than the fast handover: nothing is given up while that is not done. */
static void test_home_agent_is_first(void **state)
{
	struct sim *s = begin();
	sim_home(s, SIM_HOME_OURS);
	sim_delay(s, SIM_HACK, 1, 60 * MS);
	sim_link(s, 0);
	sim_run(s, 20 * MS);
	sim_link(s, 2);
	sim_run(s, 30 * MS);
	assert_int_equal(mn_state(sim_mn(s)), MN_ARRIVED);
	sim_home(s, SIM_HOME_AGENT);
	sim_run(s, 20 * MS);
	assert_true(bound(s));
	sim_run(s, 800 * MS);
	assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
	assert_false(sim_tunnelled(s, 1, 1) || bound(s));
	sim_destroy(s);
}

/* §11.5.5: on the home link the home address is the home agent's until it has given it back; then it is what we are called, and what
 * the next movement takes along. */
static void test_home_again(void **state)
{
	struct in6_addr home = sim_addr(1), coa;
	for (int announced = 0; announced < 2; announced++) {
		struct sim *s = begin();
		sim_home(s, SIM_HOME_OURS);
		predictive(s, 2, 20 * MS);
		sim_run(s, 800 * MS);
		sim_traffic(s, false);
		sim_run(s, 20 * MS);
		sim_home(s, SIM_HOME_AGENT);
		sim_run(s, 200 * MS);
		if (announced)
			predictive(s, 1, 20 * MS);
		else
			sim_link(s, 1);
		sim_run(s, 20 * MS);
		coa = mn_coa(s);
		assert_int_equal(sim_at(s), 1);
		assert_false(addr_eq(&coa, &home));
		sim_home(s, SIM_HOME_UNSURE); /* being taken back */
		sim_run(s, 5 * MS);
		sim_home(s, SIM_HOME_OURS);
		sim_run(s, 800 * MS);
		coa = mn_coa(s);
		assert_true(addr_eq(&coa, &home));
		assert_int_equal(sim_outcome(s, SIM_MN), HANDOVER_COMPLETE);
		predictive(s, 3, 20 * MS);
		sim_run(s, 800 * MS);
		assert_true(sim_at(s) == 3 && sim_tunnelled(s, 1, 1) && bound(s));
		sim_destroy(s);
	}
}

/* Home again before it ever answered: what the previous router still tunnels goes round about until it is known that the home address
 * is free. And away once more: the previous router serves as the first time. */
static void test_home_agent_never_answered(void **state)
{
	struct in6_addr home = sim_addr(1), coa;
	struct sim *s = begin();
	sim_home(s, SIM_HOME_OURS);
	predictive(s, 2, 20 * MS);
	sim_run(s, 800 * MS);
	sim_home(s, SIM_HOME_UNSURE);
	predictive(s, 1, 20 * MS);
	sim_run(s, 800 * MS);
	coa = mn_coa(s);
	assert_true(!addr_eq(&coa, &home) && sim_tunnelled(s, 1, 1) && bound(s));
	sim_home(s, SIM_HOME_OURS);
	sim_run(s, 100 * MS);
	coa = mn_coa(s);
	assert_true(addr_eq(&coa, &home) && !sim_tunnelled(s, 1, 1) && !bound(s));
	predictive(s, 3, 20 * MS);
	sim_run(s, 1800 * MS);
	assert_true(sim_tunnelled(s, 1, 1) && bound(s));
	sim_traffic(s, false);
	sim_run(s, 200 * MS);
	struct sim_traffic_result r = sim_result(s);
	assert_int_equal(r.lost + r.repeated, 0);
	sim_destroy(s);
}

/* One whose word to the previous router was never answered, home and away again: it is not given up before its time. */
static void test_away_again_after_silence(void **state)
{
	struct sim *s = begin();
	sim_home(s, SIM_HOME_OURS);
	predictive(s, 2, 20 * MS);
	sim_run(s, 800 * MS);
	sim_traffic(s, false);
	sim_drop(s, SIM_FBU, 4);
	sim_home(s, SIM_HOME_AGENT);
	sim_run(s, 2000 * MS);
	assert_true(bound(s));
	sim_drop(s, SIM_FBU, 0);
	predictive(s, 1, 20 * MS);
	sim_drop(s, SIM_FBU, 99);
	sim_run(s, 2500 * MS);
	sim_home(s, SIM_HOME_OURS);
	sim_run(s, 20 * MS); /* it is being said again when the next movement begins */
	sim_drop(s, SIM_FBU, 0);
	predictive(s, 3, 20 * MS);
	sim_run(s, 1800 * MS);
	assert_true(sim_tunnelled(s, 1, 1) && bound(s));
	sim_destroy(s);
}

/* Back before the home agent was ever asked: nothing but the previous router has to know. */
static void test_home_agent_never_asked(void **state)
{
	struct sim *s = begin();
	sim_home(s, SIM_HOME_OURS);
	predictive(s, 2, 20 * MS);
	sim_run(s, 800 * MS);
	predictive(s, 1, 20 * MS);
	sim_run(s, 800 * MS);
	struct in6_addr coa = mn_coa(s), home = sim_addr(1);
	assert_true(addr_eq(&coa, &home) && !sim_tunnelled(s, 1, 1));
	finish(s, 0);
}

/* What Mobile IPv6 may say of the home address where the mobile is: away, it is asked for and then forwarded; at home, given back. */
static void any_word(struct sim *s, uint32_t *d)
{
	bool home = sim_at(s) == 1, settled = mn_state(sim_mn(s)) == MN_ATTACHED;
	if (!settled || dice(d, 3) == 0)
		return;
	sim_home(s, SIM_HOME_UNSURE);
	sim_run(s, dice(d, 100) * MS);
	if (dice(d, 4) && home == (sim_at(s) == 1))
		sim_home(s, home ? SIM_HOME_OURS : SIM_HOME_AGENT);
}

/* Movements, losses, restarts of routers, and a home agent that speaks when it likes: home at last, the mobile is called by its home address,
 * and nobody forwards for that. */
static void test_home_at_random(void **state)
{
	struct in6_addr home = sim_addr(1);
	for (uint32_t seed = 1; seed <= 300; seed++) {
		struct sim *s = begin();
		uint32_t d = seed * 7919;
		int at = 1;
		sim_params(s)->lifetime = (2 + dice(&d, 8)) * USEC_SEC;
		sim_home(s, SIM_HOME_OURS);
		sim_traffic(s, false);
		for (int i = 0; i < 15; i++) {
			any_step(s, &d, &at);
			any_word(s, &d);
		}
		for (int k = 0; k < SIM_KINDS; k++) {
			sim_drop(s, (enum sim_kind)k, 0);
			sim_repeat(s, (enum sim_kind)k, 0);
			sim_delay(s, (enum sim_kind)k, 0, 0);
		}
		for (int link = 1; link <= SIM_ROUTERS; link++) {
			sim_taken(s, link, SIM_FREE);
			sim_dhcp(s, link, false);
		}
		for (at = 2; at > 0; at--) {
			sim_link(s, 0);
			sim_run(s, 20 * MS);
			sim_link(s, at);
			sim_run(s, 10 * USEC_SEC);
		}
		sim_home(s, SIM_HOME_OURS);
		sim_run(s, 30 * USEC_SEC);
		if (sim_at(s) != 1 || !addr_eq(&mn_here(sim_mn(s))->coa, &home) || !sim_has(s, &home))
			fail_msg("seed %u: at %d with %s, %s", seed, sim_at(s), ADDR(&mn_here(sim_mn(s))->coa), sim_has(s, &home) ? "has it" : "has it not");
		for (int r = 1; r <= SIM_ROUTERS; r++)
			if (sim_tunnelled(s, r, 1) || sim_held(s, r, 1))
				fail_msg("seed %u: router %d has the home address", seed, r);
		for (int who = 0; who <= SIM_NAR(3); who++)
			if (sim_open(s, who))
				fail_msg("seed %u: a timeline of %d runs %s", seed, who, mn_state_name(mn_state(sim_mn(s))));
		sim_destroy(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_predictive),
		cmocka_unit_test(test_reactive),
		cmocka_unit_test(test_fully_reactive),
		cmocka_unit_test(test_on_at_once),
		cmocka_unit_test(test_predictive_faults),
		cmocka_unit_test(test_devolves),
		cmocka_unit_test(test_reactive_faults),
		cmocka_unit_test(test_return_predictive),
		cmocka_unit_test(test_return_reactive),
		cmocka_unit_test(test_marker_lost),
		cmocka_unit_test(test_ping_pong_after_fback),
		cmocka_unit_test(test_ping_pong_after_una),
		cmocka_unit_test(test_ping_pong_before_fback),
		cmocka_unit_test(test_ping_pong_reactive),
		cmocka_unit_test(test_turns_back),
		cmocka_unit_test(test_turns_back_from_home),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_back_and_unreachable),
		cmocka_unit_test(test_three_routers),
		cmocka_unit_test(test_ten_times),
		cmocka_unit_test(test_flap),
		cmocka_unit_test(test_unseen),
		cmocka_unit_test(test_router_heard),
		cmocka_unit_test(test_restart_par),
		cmocka_unit_test(test_restart_nar),
		cmocka_unit_test(test_restart_mobile),
		cmocka_unit_test(test_bad_auth),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_replayed),
		cmocka_unit_test(test_stranger_hi),
		cmocka_unit_test(test_in_use),
		cmocka_unit_test(test_assigned_predictive),
		cmocka_unit_test(test_assigned_on_request),
		cmocka_unit_test(test_dad),
		cmocka_unit_test(test_dad_cut_short),
		cmocka_unit_test(test_no_una_behind_the_fbu),
		cmocka_unit_test(test_naack),
		cmocka_unit_test(test_nar_silent),
		cmocka_unit_test(test_hold_expires),
		cmocka_unit_test(test_lifetime),
		cmocka_unit_test(test_told_to_move),
		cmocka_unit_test(test_told_in_vain),
		cmocka_unit_test(test_told_again),
		cmocka_unit_test(test_release_with_contexts),
		cmocka_unit_test(test_reactive_release_with_contexts),
		cmocka_unit_test(test_home_agent_takes_over),
		cmocka_unit_test(test_home_agent_takes_over_from_the_silent),
		cmocka_unit_test(test_home_agent_is_first),
		cmocka_unit_test(test_home_again),
		cmocka_unit_test(test_home_agent_never_asked),
		cmocka_unit_test(test_home_agent_never_answered),
		cmocka_unit_test(test_away_again_after_silence),
		cmocka_unit_test(test_served_at_random),
		cmocka_unit_test(test_home_at_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
