#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "core/bus.h"
#include "core/log.h"

static struct loop *loop;
static struct bus *bus;
static char heard[64]; /* letters, in the order of delivery */
static struct bus_sub *sub_a, *sub_b, *sub_c;

static int setup(void **state)
{
	loop = loop_create_virtual(5 * USEC_SEC);
	bus = bus_create(loop);
	memset(heard, 0, sizeof heard);
	return !bus;
}

static int teardown(void **state)
{
	bus_destroy(bus);
	loop_destroy(loop);
	return 0;
}

static void hear(struct bus_note *note, void *arg)
{
	strcat(heard, arg);
}

static void publish(enum bus_topic topic)
{
	struct bus_note note = {.topic = topic};
	bus_publish(bus, &note);
	assert_true(note.at == 5 * USEC_SEC);
}

static void test_order(void **state)
{
	bus_subscribe(bus, BUS_LINK, hear, "a");
	bus_subscribe(bus, BUS_MOBILE_ADDED, hear, "x");
	bus_subscribe(bus, BUS_LINK, hear, "b");
	publish(BUS_LINK);
	publish(BUS_CONTEXTS_DONE);
	assert_string_equal(heard, "ab");
}

static void leave_a_and_c(struct bus_note *note, void *arg)
{
	strcat(heard, "b");
	bus_unsubscribe(sub_a); /* before */
	bus_unsubscribe(sub_c); /* after */
	bus_unsubscribe(sub_b); /* itself */
	sub_a = sub_b = sub_c = NULL;
}

static void test_unsubscribe_within(void **state)
{
	sub_a = bus_subscribe(bus, BUS_LINK, hear, "a");
	sub_b = bus_subscribe(bus, BUS_LINK, leave_a_and_c, NULL);
	sub_c = bus_subscribe(bus, BUS_LINK, hear, "c");
	bus_subscribe(bus, BUS_LINK, hear, "d");
	publish(BUS_LINK);
	assert_string_equal(heard, "abd");
	publish(BUS_LINK);
	assert_string_equal(heard, "abdd");
	bus_unsubscribe(NULL);
}

static void republish(struct bus_note *note, void *arg)
{
	strcat(heard, "(");
	struct bus_note inner = {.topic = BUS_CONTEXTS_DONE};
	bus_publish(bus, &inner);
	/* Gone from a list that a walk is under way in, from within another walk. */
	bus_unsubscribe(sub_c);
	sub_c = NULL;
	publish(BUS_CONTEXTS_DONE);
	strcat(heard, ")");
}

static void test_publish_within(void **state)
{
	bus_subscribe(bus, BUS_LINK, republish, NULL);
	sub_c = bus_subscribe(bus, BUS_LINK, hear, "c");
	bus_subscribe(bus, BUS_LINK, hear, "d");
	bus_subscribe(bus, BUS_CONTEXTS_DONE, hear, "x");
	publish(BUS_LINK);
	assert_string_equal(heard, "(xx)d");
}

static void join(struct bus_note *note, void *arg)
{
	strcat(heard, "j");
	if (!sub_a)
		sub_a = bus_subscribe(bus, BUS_LINK, hear, "n");
}

static void test_subscribe_within(void **state)
{
	sub_a = NULL;
	bus_subscribe(bus, BUS_LINK, join, NULL);
	publish(BUS_LINK);
	assert_string_equal(heard, "j"); /* the new one hears the next note, not this */
	publish(BUS_LINK);
	assert_string_equal(heard, "jjn");
}

static unsigned rounds, errors;
static void for_ever(struct bus_note *note, void *arg)
{
	rounds++;
	struct bus_note again = {.topic = BUS_LINK};
	bus_publish(bus, &again);
}

static void count_errors(enum log_level level, const char *topic, const char *line, void *arg)
{
	errors += level == LOG_LEVEL_ERROR;
}

static void test_depth(void **state)
{
	log_tap(count_errors, NULL);
	bus_subscribe(bus, BUS_LINK, for_ever, NULL);
	publish(BUS_LINK);
	log_tap(NULL, NULL);
	assert_int_equal(rounds, 32);
	assert_int_equal(errors, 1);
}

static void take(struct bus_note *note, void *arg)
{
	note->u.request.taken = true;
	note->topic = BUS_MOBILE_ADDED; /* even a subscriber that scribbles on the note does not lead the walk astray */
}

static void test_answer(void **state)
{
	bus_subscribe(bus, BUS_HANDOVER_REQUEST, take, NULL);
	bus_subscribe(bus, BUS_HANDOVER_REQUEST, hear, "z");
	struct bus_note note = {.topic = BUS_HANDOVER_REQUEST, .at = 7};
	bus_publish(bus, &note);
	assert_true(note.u.request.taken);
	assert_true(note.at == 7);
	assert_string_equal(heard, "z");
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_order), CASE(test_unsubscribe_within), CASE(test_publish_within), CASE(test_subscribe_within),
		CASE(test_depth), CASE(test_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
