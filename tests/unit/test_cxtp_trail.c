/* Notes for timelines: before there is a record, with one, after it, and without one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "cxtp/cxtp_trail.h"

static struct loop *loop;
static struct bus *bus;
static struct handovers *handovers;
static struct cxtp_trails *trails;
static struct in6_addr pcoa, peer;
static struct handover ended; /* the last record that ended */
static unsigned ended_n;

static void on_ended(struct bus_note *note, void *arg)
{
	ended = *note->u.handover.handover;
	ended_n++;
}

static int setup(void **state)
{
	loop = loop_create_virtual(100 * USEC_SEC);
	bus = bus_create(loop);
	handovers = handovers_create(loop, bus, 16);
	trails = cxtp_trails_create(loop, bus, handovers, 4);
	bus_subscribe(bus, BUS_HANDOVER_ENDED, on_ended, NULL);
	ended_n = 0;
	return addr_parse("2001:db8:a::10", &pcoa) || addr_parse("2001:db8:f::a", &peer);
}

static int teardown(void **state)
{
	cxtp_trails_destroy(trails);
	handovers_destroy(handovers);
	bus_destroy(bus);
	loop_destroy(loop);
	return 0;
}

static void wait_ms(unsigned ms)
{
	loop_advance(loop, loop_now(loop) + ms * USEC_MSEC);
}

static void mark(enum handover_step s)
{
	cxtp_trail_mark(trails, HANDOVER_NAR, &pcoa, s, loop_now(loop));
}

static void end(void)
{
	cxtp_trail_end(trails, HANDOVER_NAR, &pcoa, &peer, HANDOVER_COMPLETE, "");
}

static void with_a_record(void **state)
{
	struct handover *h = handover_open(handovers, HANDOVER_NAR, HANDOVER_PREDICTIVE, &pcoa);
	mark(STEP_PCTD);
	mark(STEP_CONTEXTS);
	cxtp_trail_context(trails, HANDOVER_NAR, &pcoa, 999, 2);
	end();
	wait_ms(5000);
	assert_int_equal(h->steps_n, 2);
	assert_int_equal(h->steps[0].step, STEP_PCTD);
	assert_int_equal(h->contexts_n, 1);
	assert_string_equal(h->contexts[0].name, "fpt-999");
	assert_int_equal(h->contexts[0].status, 2);
	assert_int_equal(h->result, HANDOVER_RUNNING); /* not ours to close */
}

static void before_the_record(void **state)
{
	usec_t at = loop_now(loop);
	mark(STEP_PCTD);
	wait_ms(3);
	struct handover *h = handover_open(handovers, HANDOVER_NAR, HANDOVER_PREDICTIVE, &pcoa);
	assert_int_equal(h->steps_n, 1);
	assert_int_equal(h->steps[0].at, at);
	mark(STEP_CONTEXTS);
	assert_int_equal(h->steps_n, 2);
}

/* The whole transfer is over before FMIPv6's message opens the record: still one record. */
static void record_after_the_end(void **state)
{
	mark(STEP_CTAR_NAR);
	mark(STEP_CONTEXTS);
	cxtp_trail_context(trails, HANDOVER_NAR, &pcoa, 1, 0);
	end();
	wait_ms(50);
	struct handover *h = handover_open(handovers, HANDOVER_NAR, HANDOVER_REACTIVE, &pcoa);
	assert_int_equal(h->steps_n, 2);
	assert_int_equal(h->contexts_n, 1);
	wait_ms(5000);
	assert_int_equal(ended_n, 0);
}

static void no_record(void **state)
{
	usec_t at = loop_now(loop);
	mark(STEP_CTAR_NAR);
	wait_ms(10);
	mark(STEP_CONTEXTS);
	cxtp_trail_context(trails, HANDOVER_NAR, &pcoa, 1, 0);
	end();
	wait_ms(999);
	assert_int_equal(ended_n, 0);
	wait_ms(2);
	assert_int_equal(ended_n, 1);
	assert_int_equal(ended.mode, HANDOVER_REACTIVE);
	assert_int_equal(ended.result, HANDOVER_COMPLETE);
	assert_int_equal(ended.started, at);
	assert_int_equal(ended.steps_n, 2);
	assert_int_equal(ended.contexts_n, 1);
	assert_true(addr_eq(&ended.par, &peer));
}

/* What a stranger can cause is no entry in the history of handovers. */
static void not_authorized(void **state)
{
	mark(STEP_CTAR_NAR);
	mark(STEP_CTREQ);
	cxtp_trail_end(trails, HANDOVER_NAR, &pcoa, &peer, HANDOVER_FAILED, "no answer");
	wait_ms(5000);
	assert_int_equal(ended_n, 0);
}

static void two_movements_at_once(void **state)
{
	mark(STEP_CONTEXTS);
	end();
	wait_ms(100);
	mark(STEP_CONTEXTS);
	assert_int_equal(ended_n, 1);
	end();
	wait_ms(5000);
	assert_int_equal(ended_n, 2);
	assert_int_equal(ended.steps_n, 1);
}

static void the_record_ends_first(void **state)
{
	struct handover *h = handover_open(handovers, HANDOVER_NAR, HANDOVER_PREDICTIVE, &pcoa);
	uint64_t id = h->id;
	mark(STEP_PCTD);
	handover_close(handovers, h, HANDOVER_COMPLETE, NULL);
	mark(STEP_CONTEXTS);
	cxtp_trail_context(trails, HANDOVER_NAR, &pcoa, 1, 0);
	end();
	wait_ms(5000);
	assert_int_equal(ended_n, 1);
	assert_int_equal(handover_by_id(handovers, id)->contexts_n, 1);
}

static void bounded(void **state)
{
	struct in6_addr a = pcoa;
	for (uint8_t i = 0; i < 40; i++) {
		a.s6_addr[15] = i;
		cxtp_trail_mark(trails, HANDOVER_NAR, &a, STEP_CONTEXTS, loop_now(loop));
		wait_ms(1);
	}
	for (uint8_t i = 0; i < 40; i++) {
		a.s6_addr[15] = i;
		cxtp_trail_end(trails, HANDOVER_NAR, &a, &peer, HANDOVER_COMPLETE, "");
	}
	wait_ms(5000);
	assert_int_equal(ended_n, 4);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(with_a_record), TEST(before_the_record),     TEST(record_after_the_end),  TEST(no_record),
		TEST(not_authorized), TEST(two_movements_at_once), TEST(the_record_ends_first), TEST(bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
