/* The hold's queue: order of the classes, what goes at a limit, what memory it counts, and the meter. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/hold.h"

static struct hold_pool pool_of(uint64_t one, uint64_t all)
{
	return (struct hold_pool){ .limit_one = one * hold_cost(4), .limit = all * hold_cost(4) };
}

static unsigned push(struct hold *h, enum hold_class c, uint32_t mark)
{
	bool kept;
	unsigned dropped = hold_push(h, c, &mark, sizeof mark, 1000, &kept);
	assert_int_equal(kept, dropped == 0 || hold_peek(h, false) != NULL);
	return dropped;
}

static uint32_t pull(struct hold *h)
{
	uint32_t mark = UINT32_MAX;
	struct held *p = hold_peek(h, false);
	if (p) {
		assert_int_equal(p->len, sizeof mark);
		memcpy(&mark, p->data, sizeof mark);
		hold_pop(h, p);
	}
	return mark;
}

static void older_leave_first(void **state)
{
	struct hold_pool pool = pool_of(100, 100);
	struct hold h;
	hold_init(&h, &pool);
	push(&h, HOLD_FRESH, 10);
	push(&h, HOLD_OLDER, 1);
	push(&h, HOLD_FRESH, 11);
	push(&h, HOLD_OLDER, 2);
	assert_int_equal(pull(&h), 1);
	push(&h, HOLD_OLDER, 3);
	assert_int_equal(pull(&h), 2);
	assert_int_equal(pull(&h), 3);
	assert_null(hold_peek(&h, true));
	assert_int_equal(pull(&h), 10);
	push(&h, HOLD_FRESH, 12);
	assert_int_equal(pull(&h), 11);
	assert_int_equal(pull(&h), 12);
	assert_int_equal(pull(&h), UINT32_MAX);
	assert_int_equal(pool.octets, 0);
	assert_int_equal(h.octets, 0);
	assert_int_equal(h.packets, 0);
}

static void beside_and_fresh_leave_as_they_came(void **state)
{
	struct hold_pool pool = pool_of(100, 100);
	struct hold h;
	hold_init(&h, &pool);
	h.arrivals = UINT32_MAX - 1; /* the numbers begin anew on the way */
	push(&h, HOLD_FRESH, 1);
	push(&h, HOLD_BESIDE, 2);
	push(&h, HOLD_FRESH, 3);
	push(&h, HOLD_OLDER, 0);
	push(&h, HOLD_BESIDE, 4);
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(pull(&h), i);
	struct held *p = hold_peek(&h, true);
	assert_ptr_equal(p, hold_peek(&h, false));
	hold_pop(&h, p);
	p = hold_peek(&h, true); /* 4 passes 3 if that must wait */
	assert_ptr_not_equal(p, hold_peek(&h, false));
	hold_pop(&h, p);
	assert_null(hold_peek(&h, true));
	assert_int_equal(pull(&h), 3);
	push(&h, HOLD_FRESH, 6);
	push(&h, HOLD_BESIDE, 5);
	h.beside_first = true;
	assert_int_equal(pull(&h), 5);
	assert_int_equal(pull(&h), 6);
	assert_int_equal(pull(&h), UINT32_MAX);
	assert_int_equal(pool.octets, 0);
}

static void own_limit_drops_own_oldest(void **state)
{
	struct hold_pool pool = pool_of(3, 100);
	struct hold h;
	hold_init(&h, &pool);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(push(&h, HOLD_FRESH, i), 0);
	assert_int_equal(push(&h, HOLD_FRESH, 3), 1);
	assert_int_equal(push(&h, HOLD_OLDER, 100), 1); /* 1 goes: nothing older was held */
	assert_int_equal(push(&h, HOLD_FRESH, 4), 1);   /* 100 goes: it is the oldest now */
	assert_int_equal(h.octets, pool.limit_one);
	assert_int_equal(pull(&h), 2);
	assert_int_equal(pull(&h), 3);
	assert_int_equal(pull(&h), 4);
}

/* As an FBack does, which the mobile may not have had before it left. */
static void what_came_straight_outlasts_what_was_forwarded(void **state)
{
	struct hold_pool pool = pool_of(2, 100);
	struct hold h;
	hold_init(&h, &pool);
	push(&h, HOLD_FRESH, 1);
	for (uint32_t i = 2; i < 9; i++)
		assert_int_equal(push(&h, HOLD_BESIDE, i), i > 2);
	assert_int_equal(pull(&h), 1);
	assert_int_equal(pull(&h), 8);
}

static void common_limit_takes_nothing_from_others(void **state)
{
	struct hold_pool pool = pool_of(4, 6);
	struct hold a, b;
	hold_init(&a, &pool);
	hold_init(&b, &pool);
	for (uint32_t i = 0; i < 4; i++)
		push(&a, HOLD_FRESH, i);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(push(&b, HOLD_FRESH, i), i >= 2);
	assert_int_equal(a.packets, 4);
	assert_int_equal(b.packets, 2);
	assert_int_equal(pull(&b), 2);
	assert_int_equal(pull(&b), 3);
	push(&a, HOLD_FRESH, 9);
	assert_int_equal(pool.octets, a.octets);
	/* Others have everything: what comes now goes. */
	pool.limit = a.octets;
	bool kept = true;
	assert_int_equal(hold_push(&b, HOLD_FRESH, "abcd", 4, 0, &kept), 1);
	assert_false(kept);
	assert_int_equal(a.packets, 4);
	assert_int_equal(hold_clear(&a), 4);
	assert_int_equal(pool.octets, 0);
}

static void what_never_fits_pushes_nothing_out(void **state)
{
	static const uint8_t large[1500];
	struct hold_pool pool = pool_of(3, 100);
	struct hold h;
	bool kept = true;
	hold_init(&h, &pool);
	push(&h, HOLD_FRESH, 1);
	assert_int_equal(hold_push(&h, HOLD_FRESH, large, sizeof large, 0, &kept), 1);
	assert_false(kept);
	assert_int_equal(h.packets, 1);
	assert_int_equal(pull(&h), 1);
}

static void lowered_limit_trims(void **state)
{
	struct hold_pool pool = pool_of(10, 100);
	struct hold h;
	hold_init(&h, &pool);
	for (uint32_t i = 0; i < 10; i++)
		push(&h, HOLD_FRESH, i);
	pool.limit_one = 4 * hold_cost(4);
	assert_int_equal(hold_trim(&h), 6);
	assert_int_equal(pull(&h), 6);
	assert_int_equal(hold_clear(&h), 3);
}

/* A packet costs what its allocation takes, and never less than its octets. */
static void memory_is_counted_whole(void **state)
{
	for (size_t len = 0; len < 3000; len++) {
		assert_true(hold_cost(len) >= len + sizeof(struct held));
		assert_int_equal(hold_cost(len) % 16, 0);
	}
}

static void the_meter_follows_the_stream(void **state)
{
	struct hold_pool pool = pool_of(1, 1);
	struct hold h;
	hold_init(&h, &pool);
	usec_t now = 5000;
	assert_int_equal(hold_interval(&h), 0);
	hold_meter(&h, now);
	assert_int_equal(hold_interval(&h), 0);
	hold_meter(&h, now += 700);
	assert_int_equal(hold_interval(&h), 700);
	for (int i = 0; i < 1000; i++)
		hold_meter(&h, now += 100);
	assert_in_range(hold_interval(&h), 95, 110);
	for (int i = 0; i < 1000; i++)
		hold_meter(&h, now += 20000);
	assert_in_range(hold_interval(&h), 19000, 21000);
	/* Taken in bursts, as they are when the loop is late: the mean holds. */
	for (int i = 0; i < 1000; i++)
		hold_meter(&h, now += i % 10 ? 0 : 1000);
	assert_in_range(hold_interval(&h), 75, 125);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(older_leave_first),
		cmocka_unit_test(beside_and_fresh_leave_as_they_came),
		cmocka_unit_test(own_limit_drops_own_oldest),
		cmocka_unit_test(what_came_straight_outlasts_what_was_forwarded),
		cmocka_unit_test(common_limit_takes_nothing_from_others),
		cmocka_unit_test(what_never_fits_pushes_nothing_out),
		cmocka_unit_test(lowered_limit_trims),
		cmocka_unit_test(memory_is_counted_whole),
		cmocka_unit_test(the_meter_follows_the_stream),
	};
	return cmocka_run_group_tests_name("hold", tests, NULL, NULL);
}
