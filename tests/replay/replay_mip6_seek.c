/*
 * A mobile that looks for home agents, under a virtual clock: RFC 6275 §11.4.1, with replies written here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/log.h"
#include "mip6/mip6_seek.h"

#define S(n) ((usec_t)(n) * USEC_SEC)
#define ASKED 32

static struct world {
	struct loop *loop;
	struct mip6_seek *seek;
	size_t n;
	struct {
		usec_t at;
		struct in6_addr to;
		uint16_t id;
	} asked[ASKED];
	unsigned found, silent;
} w;

static const struct prefix home = { { .s6_addr = { 0x20, 1, 0xd, 0xb8, 0, 0xf } }, 64 };
static const struct prefix home2 = { { .s6_addr = { 0x20, 1, 0xd, 0xb8, 0, 0xe } }, 64 };

static void op_ask(void *arg, const struct in6_addr *anycast, const uint8_t *data, size_t len)
{
	assert_true(w.n < ASKED && len == 8 && data[0] == 144 && data[1] == 0 && data[6] == 0 && data[7] == 0);
	w.asked[w.n].at = loop_now(w.loop);
	w.asked[w.n].to = *anycast;
	w.asked[w.n++].id = (uint16_t)(data[4] << 8 | data[5]);
}

static void op_found(void *arg, usec_t at)
{
	w.found++;
}

static void op_silent(void *arg, usec_t at)
{
	w.silent++;
}

static const struct seek_ops ops = { .ask = op_ask, .found = op_found, .silent = op_silent };

static int setup(void **state)
{
	memset(&w, 0, sizeof w);
	w.loop = loop_create_virtual(S(1000));
	w.seek = seek_create(w.loop, &ops, NULL);
	return w.seek ? 0 : -1;
}

static int teardown(void **state)
{
	seek_destroy(w.seek);
	loop_destroy(w.loop);
	return 0;
}

static void after(usec_t t)
{
	loop_advance(w.loop, loop_now(w.loop) + t);
}

/* Two home agents, ::2 before ::1. */
static void reply(uint16_t id, size_t len)
{
	uint8_t m[] = { 145, 0, 0, 0, (uint8_t)(id >> 8), (uint8_t)id, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 0xf, [23] = 2, 0x20, 1, 0xd, 0xb8, 0, 0xf,
		            [39] = 1 };
	seek_reply(w.seek, m, len, loop_now(w.loop));
}

/* "Each retransmission MUST be delayed by twice the time interval of the previous": the same request, at most DHAAD_RETRIES times. */
static void asks_ever_more_slowly(void **state)
{
	static const unsigned at_s[] = { 0, 3, 9, 21, 45 };
	seek_begin(w.seek, &home);
	seek_begin(w.seek, &home); /* it is asking already */
	after(S(92));
	assert_int_equal(w.n, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(w.asked[i].at, S(1000 + at_s[i]));
		assert_int_equal(w.asked[i].id, w.asked[0].id);
		assert_string_equal(ADDR(&w.asked[i].to), "2001:db8:f:0:fdff:ffff:ffff:fffe");
	}
	assert_int_equal(w.silent, 0);
	after(S(1));
	assert_int_equal(w.silent, 1);
	after(SEEK_PAUSE); /* and then anew, as another question */
	assert_int_equal(w.n, 6);
	assert_int_not_equal(w.asked[5].id, w.asked[0].id);
}

static void takes_the_list_in_its_order(void **state)
{
	seek_begin(w.seek, &home);
	assert_null(seek_agent(w.seek, 0));
	after(S(4));
	reply(w.asked[0].id, 40);
	assert_int_equal(w.found, 1);
	assert_string_equal(ADDR(seek_agent(w.seek, 0)), "2001:db8:f::2");
	assert_string_equal(ADDR(seek_agent(w.seek, 1)), "2001:db8:f::1");
	assert_null(seek_agent(w.seek, 2));
	after(S(1000));
	assert_int_equal(w.n, 2);
	reply(w.asked[0].id, 24); /* a second answer to what is answered */
	assert_int_equal(w.found, 1);
}

static void what_answers_nothing_changes_nothing(void **state)
{
	reply(0, 40);
	seek_begin(w.seek, &home);
	reply((uint16_t)(w.asked[0].id + 1), 40);
	reply(w.asked[0].id, 39);
	reply(w.asked[0].id, 8); /* names nobody */
	assert_int_equal(w.found, 0);
	after(S(3));
	assert_int_equal(w.n, 2);
}

static void the_list_outlives_the_search(void **state)
{
	seek_begin(w.seek, &home);
	reply(w.asked[0].id, 24);
	seek_begin(w.seek, &home);
	seek_stop(w.seek);
	after(S(1000));
	assert_int_equal(w.n, 2);
	assert_non_null(seek_agent(w.seek, 0));
	seek_later(w.seek, &home);
	after(SEEK_PAUSE - S(1));
	assert_int_equal(w.n, 2);
	seek_later(w.seek, &home); /* not later still */
	after(S(1));
	assert_int_equal(w.n, 3);
}

static void another_home_link_is_another_question(void **state)
{
	seek_begin(w.seek, &home);
	seek_begin(w.seek, &home2);
	assert_int_equal(w.n, 2);
	assert_string_equal(ADDR(&w.asked[1].to), "2001:db8:e:0:fdff:ffff:ffff:fffe");
	assert_int_equal(w.asked[1].at, S(1000));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	log_level_set(LOG_LEVEL_ERROR);
	const struct CMUnitTest tests[] = {
		T(asks_ever_more_slowly),
		T(takes_the_list_in_its_order),
		T(what_answers_nothing_changes_nothing),
		T(the_list_outlives_the_search),
		T(another_home_link_is_another_question),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
