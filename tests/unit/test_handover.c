#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/handover.h"
#include "table_output.h"

struct world {
	struct loop *loop;
	struct bus *bus;
	struct handovers *t;
	struct in6_addr pcoa;
	char log[1024];
	bool reopen;
};

static void hear(struct bus_note *note, void *arg)
{
	struct world *w = arg;
	const struct handover *h = note->u.handover.handover;
	size_t n = strlen(w->log);
	if (note->topic == BUS_HANDOVER_STEP)
		snprintf(w->log + n, sizeof w->log - n, " %s", handover_step_name((enum handover_step)note->u.handover.step));
	else if (note->topic == BUS_HANDOVER_STARTED)
		snprintf(w->log + n, sizeof w->log - n, "#%d %s", (int)h->id, handover_role_name(h->role));
	else
		snprintf(w->log + n, sizeof w->log - n, " %s;", handover_result_name(h->result));
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	w->loop = loop_create_virtual(1000000);
	w->bus = bus_create(w->loop);
	w->t = handovers_create(w->loop, w->bus, 3);
	addr_parse("2001:db8:a::1", &w->pcoa);
	bus_subscribe(w->bus, BUS_HANDOVER_STARTED, hear, w);
	bus_subscribe(w->bus, BUS_HANDOVER_STEP, hear, w);
	bus_subscribe(w->bus, BUS_HANDOVER_ENDED, hear, w);
	memset(&handover_counters[HANDOVER_COUNT_CANCELLED].value, 0, sizeof(uint64_t));
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	handovers_destroy(w->t);
	bus_destroy(w->bus);
	loop_destroy(w->loop);
	free(w);
	return 0;
}

static void pass(struct world *w, usec_t span)
{
	loop_advance(w->loop, loop_now(w->loop) + span);
}

static enum handover_step step_of(char letter)
{
	for (unsigned s = 0; s < STEPS; s++)
		if (handover_step_letter((enum handover_step)s) == letter)
			return (enum handover_step)s;
	fail_msg("no step %c", letter);
	return STEPS;
}

/* Marks letters a millisecond apart; those in brackets in one and the same microsecond. */
static const char *observe(struct world *w, const char *letters, char out[SCENARIO_STRLEN])
{
	struct handover *h = handover_open(w->t, HANDOVER_MN, HANDOVER_PREDICTIVE, &w->pcoa);
	bool together = false;
	for (; *letters; letters++) {
		if (*letters == '[' || *letters == ']') {
			together = *letters == '[';
			pass(w, 1);
			continue;
		}
		handover_step(w->t, h, step_of(*letters));
		if (!together)
			pass(w, 1000);
	}
	handover_scenario(h, out);
	handover_close(w->t, h, HANDOVER_COMPLETE, NULL);
	return out;
}

static void test_scenarios(void **state)
{
	static const struct {
		const char *seen, *said;
	} cases[] = {
		/* RFC 4260 §7: its example, 7.1, 7.2, 7.3 */
		{ "1abcde23456fg", "1abcde23456fg" },
		{ "1abcdef23456g", "1abcdef23456g" },
		{ "ab123456cdefg", "ab123456cdefg" },
		{ "123456abcdefg", "123456abcdefg" },
		/* the reactive ones under RFC 5568: UNA before FBU */
		{ "ab123456gcdef", "ab123456gcdef" },
		{ "123456abgcdef", "123456abgcdef" },
		/* nothing, and only a part */
		{ "", "" },
		{ "1abcf2g", "1abcf2g" },
		{ "0", "0" },
		/* retransmissions: the first occurrence counts */
		{ "1abccdcdef23456gg", "1abcdef23456g" },
		/* an answer seen in the same microsecond as its question, recorded before it */
		{ "1[ba]cdef23456g", "1abcdef23456g" },
		{ "1abc[ed]f23456g", "1abcdef23456g" },
		{ "1ab[fc]de23456g", "1abcfde23456g" },
		{ "1ab[fedc]23456g", "1abdecf23456g" },
		{ "1ab[cdef]23456g", "1abcdef23456g" },
		/* unsolicited, then asked for and answered: the answer counts */
		{ "b1abc", "1abc" },
		{ "b1a2b", "1a2b" },
		/* answered before asked, never again: right behind the question */
		{ "b1ac", "1abc" },
		{ "1fc2", "1cf2" },
		/* an answer to nothing stays where it was */
		{ "1b2f", "1b2f" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[SCENARIO_STRLEN];
		assert_string_equal(observe(*state, cases[i].seen, text), cases[i].said);
	}
}

static void test_marks_of_the_past(void **state)
{
	struct world *w = *state;
	struct handover *h = handover_open(w->t, HANDOVER_PAR, HANDOVER_PREDICTIVE, &w->pcoa);
	char text[SCENARIO_STRLEN];
	handover_step(w->t, h, STEP_C_FBU);
	handover_step_at(w->t, h, STEP_B_PRRTADV, h->started - 2000);
	handover_step_at(w->t, h, STEP_A_RTSOLPR, h->started - 3000);
	handover_step(w->t, h, STEP_TUNNEL);
	assert_string_equal(handover_scenario(h, text), "abc");
	handover_step(w->t, NULL, STEP_C_FBU); /* no record: nothing */
	assert_string_equal(w->log, "#1 par FBU PrRtAdv RtSolPr tunnel");
}

/* Contexts that come after the packets' way was settled belong to the same movement. */
static void test_marks_after_the_end(void **state)
{
	struct world *w = *state;
	char seen[SCENARIO_STRLEN];
	struct handover *h = handover_open(w->t, HANDOVER_NAR, HANDOVER_REACTIVE, &w->pcoa);
	uint64_t id = h->id;
	handover_step(w->t, h, STEP_G_UNA);
	handover_close(w->t, h, HANDOVER_COMPLETE, NULL);
	usec_t ended = handover_by_id(w->t, id)->ended;
	pass(w, 1000);
	h = handover_by_id(w->t, id);
	handover_step(w->t, h, STEP_CTD);
	handover_context(h, 1, "multicast", 0);
	assert_int_equal(h->steps_n, 2);
	assert_int_equal(h->steps[1].step, STEP_CTD);
	assert_int_equal(h->contexts_n, 1);
	assert_int_equal(h->result, HANDOVER_COMPLETE);
	assert_int_equal(h->ended, ended);
	assert_string_equal(handover_scenario(h, seen), "g");
}

static void test_full_timeline_keeps_first_occurrences(void **state)
{
	struct world *w = *state;
	struct handover *h = handover_open(w->t, HANDOVER_MN, HANDOVER_REACTIVE, &w->pcoa);
	handover_step(w->t, h, STEP_A_RTSOLPR);
	for (int i = 0; i < 100; i++) {
		pass(w, 10);
		handover_step(w->t, h, STEP_C_FBU);
	}
	assert_int_equal(h->steps_n, HANDOVER_STEPS_MAX);
	for (unsigned s = 0; s < STEPS; s++)
		handover_step(w->t, h, (enum handover_step)s);
	assert_int_equal(h->steps_n, HANDOVER_STEPS_MAX);
	assert_int_equal(h->steps_lost, 100 + 1 - HANDOVER_STEPS_MAX + STEPS);
	char text[SCENARIO_STRLEN];
	assert_string_equal(handover_scenario(h, text), "ac0123456bdefg");
	for (unsigned s = 0; s < STEPS; s++) {
		bool seen = false;
		for (size_t i = 0; i < h->steps_n; i++)
			seen = seen || h->steps[i].step == s;
		assert_true(seen);
	}
	for (size_t i = 1; i < h->steps_n; i++)
		assert_true(h->steps[i - 1].at <= h->steps[i].at);
}

static struct in6_addr nth(const struct world *w, unsigned i)
{
	struct in6_addr a = w->pcoa;
	a.s6_addr[15] = (uint8_t)i;
	return a;
}

static struct handover *open_nth(struct world *w, unsigned i)
{
	struct in6_addr a = nth(w, i);
	return handover_open(w->t, HANDOVER_PAR, HANDOVER_PREDICTIVE, &a);
}

static void test_limits(void **state)
{
	struct world *w = *state;
	for (unsigned i = 1; i <= 4; i++)
		assert_non_null(open_nth(w, i));
	/* the oldest running one had to go */
	struct in6_addr first = nth(w, 1);
	assert_null(handover_running(w->t, HANDOVER_PAR, &first));
	assert_int_equal(handover_by_id(w->t, 1)->result, HANDOVER_CANCELLED);
	assert_string_equal(handover_by_id(w->t, 1)->reason, "too many handovers under way, limit 3");
	assert_int_equal(handover_counters[HANDOVER_COUNT_CANCELLED].value, 1);

	for (unsigned i = 4; i >= 2; i--)
		handover_close(w->t, handover_by_id(w->t, i), HANDOVER_COMPLETE, NULL);
	assert_null(handover_by_id(w->t, 1)); /* the ring holds three */
	for (unsigned i = 2; i <= 4; i++)
		assert_non_null(handover_by_id(w->t, i));
	handover_close(w->t, handover_by_id(w->t, 2), HANDOVER_FAILED, "too late");
	assert_int_equal(handover_by_id(w->t, 2)->result, HANDOVER_COMPLETE);
}

static void test_lookups(void **state)
{
	struct world *w = *state;
	struct in6_addr ncoa;
	addr_parse("2001:db8:b::1", &ncoa);
	struct handover *a = handover_open(w->t, HANDOVER_PAR, HANDOVER_PREDICTIVE, &w->pcoa);
	a->ncoa = ncoa;
	assert_ptr_equal(handover_running(w->t, HANDOVER_PAR, &w->pcoa), a);
	assert_null(handover_running(w->t, HANDOVER_NAR, &w->pcoa));
	assert_null(handover_running(w->t, HANDOVER_PAR, &ncoa));
	assert_ptr_equal(handover_of(w->t, &w->pcoa), a);
	assert_ptr_equal(handover_of(w->t, &ncoa), a);

	/* ping-pong: the way back begins before the way there has ended */
	struct handover *b = handover_open(w->t, HANDOVER_NAR, HANDOVER_PREDICTIVE, &ncoa);
	b->ncoa = w->pcoa;
	assert_ptr_equal(handover_of(w->t, &w->pcoa), b);
	assert_ptr_equal(handover_running(w->t, HANDOVER_PAR, &w->pcoa), a);

	/* a second of one role and mobile hides the first, and gives it free again */
	struct handover *c = handover_open(w->t, HANDOVER_PAR, HANDOVER_REACTIVE, &w->pcoa);
	assert_ptr_equal(handover_running(w->t, HANDOVER_PAR, &w->pcoa), c);
	handover_close(w->t, c, HANDOVER_FAILED, "no");
	assert_ptr_equal(handover_running(w->t, HANDOVER_PAR, &w->pcoa), a);
	c = handover_open(w->t, HANDOVER_PAR, HANDOVER_REACTIVE, &w->pcoa);
	handover_close(w->t, a, HANDOVER_COMPLETE, NULL);
	assert_ptr_equal(handover_running(w->t, HANDOVER_PAR, &w->pcoa), c);
	handover_close(w->t, c, HANDOVER_COMPLETE, NULL);
	assert_null(handover_running(w->t, HANDOVER_PAR, &w->pcoa));
	handover_close(w->t, b, HANDOVER_COMPLETE, NULL);
	assert_null(handover_of(w->t, &w->pcoa));
}

static void reopen(struct bus_note *note, void *arg)
{
	struct world *w = arg;
	if (!w->reopen)
		return;
	w->reopen = false;
	/* enough to turn the ring over while its newest is being announced */
	for (int i = 0; i < 8; i++)
		handover_close(w->t, open_nth(w, 50), HANDOVER_COMPLETE, NULL);
	assert_int_equal(note->u.handover.handover->result, HANDOVER_COMPLETE);
	open_nth(w, 1);
}

static void test_a_subscriber_that_opens_others(void **state)
{
	struct world *w = *state;
	bus_subscribe(w->bus, BUS_HANDOVER_ENDED, reopen, w);
	w->reopen = true;
	struct handover *h = open_nth(w, 1);
	handover_close(w->t, h, HANDOVER_COMPLETE, NULL);
	struct in6_addr a = nth(w, 1);
	assert_int_equal(handover_running(w->t, HANDOVER_PAR, &a)->id, 10);
}

static void test_show(void **state)
{
	struct world *w = *state;
	struct handover *h = handover_open(w->t, HANDOVER_NAR, HANDOVER_PREDICTIVE, &w->pcoa);
	addr_parse("2001:db8:b::1", &h->ncoa);
	addr_parse("2001:db8:ff::a", &h->par);
	snprintf(h->to, sizeof h->to, "arb");
	handover_step_at(w->t, h, STEP_E_HACK, h->started);
	handover_step_at(w->t, h, STEP_D_HI, h->started);
	handover_step_at(w->t, h, STEP_A_RTSOLPR, h->started - 1500);
	handover_context(h, 7, "multicast", 3);
	handover_context(h, 9, "other", 0);
	handover_context(h, 7, "multicast", 0);
	h->held = 12;
	h->gap_start = h->started;
	h->gap_end = h->started + 20500;
	pass(w, 30000);
	handover_close(w->t, h, HANDOVER_FAILED, "no UNA within %d ms", 30);
	struct table_output t;
	table_output_begin(&t);
	handovers_show(w->t, &t.o);
	assert_string_equal(
	    table_output_end(&t),
	    "[{id=1 mobile='2001:db8:a::1' ncoa='2001:db8:b::1' role='nar' from='2001:db8:ff::a' to='arb' mode='predictive' "
	    "scenario='ade' result='failed' reason='no UNA within 30 ms' started='1970-01-01T00:00:01.000Z' started_us=1000000 "
	    "ended='1970-01-01T00:00:01.030Z' gap_ms=20.500 interruption_ms=~ held=12 held_dropped=0 steps_lost=0 "
	    "steps[{step='a' name='RtSolPr' ms=-1.500 at_us=998500 }{step='d' name='HI' ms=0.000 at_us=1000000 }"
	    "{step='e' name='HAck' ms=0.000 at_us=1000000 }]"
	    "contexts[{fpt=7 name='multicast' status=0 status_name='ok' }{fpt=9 name='other' status=0 status_name='ok' }]}]");
	free(t.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_scenarios, setup, teardown),
		cmocka_unit_test_setup_teardown(test_marks_of_the_past, setup, teardown),
		cmocka_unit_test_setup_teardown(test_marks_after_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_timeline_keeps_first_occurrences, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lookups, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_subscriber_that_opens_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_show, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
