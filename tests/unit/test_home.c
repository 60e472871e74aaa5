/* The table of home addresses: who has each, and what is said of it on the bus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/bus.h"
#include "core/module.h"

static struct core core;
static struct home last;
static unsigned notes;

static struct in6_addr address(uint8_t net, uint8_t host)
{
	return (struct in6_addr){ .s6_addr = { 0x20, 1, 0xd, 0xb8, 0, net, [15] = host } };
}

static void heard(struct bus_note *note, void *arg)
{
	last = note->u.home;
	notes++;
}

static int setup(void **state)
{
	memset(&core, 0, sizeof core);
	notes = 0;
	core.loop = loop_create_virtual(USEC_SEC);
	core.bus = bus_create(core.loop);
	return bus_subscribe(core.bus, BUS_HOME, heard, NULL) ? 0 : -1;
}

static int teardown(void **state)
{
	bus_destroy(core.bus);
	loop_destroy(core.loop);
	return 0;
}

static void owners_are_told_each_time(void **state)
{
	struct in6_addr a = address(1, 5);
	assert_null(home_find(&core, &a));
	assert_int_equal(home_set(&core, &a, HOME_UNSURE), 0);
	assert_int_equal(home_set(&core, &a, HOME_AGENT), 0);
	assert_int_equal(home_set(&core, &a, HOME_AGENT), 0); /* its home agent has said so again, of another care-of address */
	assert_int_equal(notes, 3);
	assert_true(addr_eq(&last.addr, &a) && last.owner == HOME_AGENT && !last.carried);
	assert_int_equal(core.homes.n, 1);
}

static void carrying_is_told_when_it_changes(void **state)
{
	struct in6_addr a = address(1, 5), other = address(1, 6);
	home_set(&core, &a, HOME_OURS);
	home_carry(&core, &a, true);
	home_carry(&core, &a, true);
	home_carry(&core, &other, true); /* no home address */
	assert_int_equal(notes, 2);
	assert_true(last.carried && last.owner == HOME_OURS);
	home_set(&core, &a, HOME_AGENT); /* it is carried all the same, until the fast handover says otherwise */
	assert_true(home_find(&core, &a)->carried);
	home_carry(&core, &a, false);
	assert_int_equal(notes, 4);
	assert_false(last.carried);
}

static void found_by_address_and_by_link(void **state)
{
	struct in6_addr a = address(1, 5), b = address(2, 5);
	const struct prefix link = { address(2, 0), 64 }, elsewhere = { address(3, 0), 64 };
	home_set(&core, &a, HOME_OURS);
	home_set(&core, &b, HOME_UNSURE);
	assert_true(addr_eq(&home_on(&core, &link)->addr, &b));
	assert_null(home_on(&core, &elsewhere));
	home_forget(&core, &a);
	home_forget(&core, &a);
	assert_null(home_find(&core, &a));
	assert_int_equal(home_find(&core, &b)->owner, HOME_UNSURE);
	assert_int_equal(notes, 2);
}

static void there_is_an_end_to_them(void **state)
{
	for (unsigned i = 0; i < HOMES_MAX; i++) {
		struct in6_addr a = address(1, (uint8_t)i);
		assert_int_equal(home_set(&core, &a, HOME_OURS), 0);
	}
	struct in6_addr one = address(2, 1), first = address(1, 0);
	assert_int_equal(home_set(&core, &one, HOME_OURS), -1);
	assert_null(home_find(&core, &one));
	home_forget(&core, &first);
	assert_int_equal(home_set(&core, &one, HOME_OURS), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(owners_are_told_each_time),
		T(carrying_is_told_when_it_changes),
		T(found_by_address_and_by_link),
		T(there_is_an_end_to_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
