/* What is known of connection-tracking entries, against a plain list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/conntrack_table.h"

static struct in6_addr host(unsigned n)
{
	struct in6_addr a = { .s6_addr = { 0x20, 1, 0x0d, 0xb8 } };
	a.s6_addr[14] = (uint8_t)(n >> 8);
	a.s6_addr[15] = (uint8_t)n;
	return a;
}

static struct conntrack_tuple flow(unsigned from, unsigned to, uint16_t port, uint8_t proto)
{
	return (struct conntrack_tuple){ .src = host(from), .dst = host(to), .sport = port, .dport = 443, .proto = proto };
}

static void found_by_either_address(void **state)
{
	struct conntrack_table *t = conntrack_table_create(100);
	struct conntrack_tuple out[8], a = flow(1, 2, 10, IPPROTO_UDP), b = flow(1, 2, 11, IPPROTO_TCP), c = flow(3, 1, 12, IPPROTO_TCP);
	struct in6_addr one = host(1), two = host(2), three = host(3), four = host(4);
	assert_true(conntrack_table_learn(t, &a, false, 1) && conntrack_table_learn(t, &b, false, 1) &&
	            conntrack_table_learn(t, &c, true, 1));
	assert_int_equal(conntrack_table_count(t, &one), 3);
	assert_int_equal(conntrack_table_count(t, &two), 2);
	assert_int_equal(conntrack_table_count(t, &three), 1);
	assert_int_equal(conntrack_table_count(t, &four), 0);
	/* TCP before others, the younger before the older. */
	assert_int_equal(conntrack_table_of(t, &one, true, out, 8), 3);
	assert_int_equal(out[0].sport, 12);
	assert_int_equal(out[1].sport, 11);
	assert_int_equal(out[2].sport, 10);
	assert_int_equal(conntrack_table_of(t, &one, false, out, 8), 2); /* c is translated */
	assert_int_equal(out[0].sport, 11);
	assert_int_equal(conntrack_table_of(t, &one, true, out, 1), 1);
	conntrack_table_unlearn(t, &b);
	conntrack_table_unlearn(t, &b);
	assert_int_equal(conntrack_table_count(t, &two), 1);
	assert_int_equal(conntrack_table_size(t), 2);
	conntrack_table_destroy(t);
}

static void a_flow_of_an_address_with_itself(void **state)
{
	struct conntrack_table *t = conntrack_table_create(100);
	struct conntrack_tuple a = flow(1, 1, 10, IPPROTO_TCP);
	struct in6_addr one = host(1);
	assert_true(conntrack_table_learn(t, &a, false, 1));
	conntrack_table_unlearn(t, &a);
	assert_int_equal(conntrack_table_count(t, &one), 0);
	conntrack_table_destroy(t);
}

static void what_no_dump_tells_of_is_swept(void **state)
{
	struct conntrack_table *t = conntrack_table_create(1000);
	struct in6_addr two = host(2);
	for (uint16_t i = 0; i < 100; i++) {
		struct conntrack_tuple f = flow(1, 2, i, IPPROTO_TCP);
		assert_true(conntrack_table_learn(t, &f, false, 1));
	}
	for (uint16_t i = 0; i < 100; i += 10) {
		struct conntrack_tuple f = flow(1, 2, i, IPPROTO_TCP);
		assert_true(conntrack_table_learn(t, &f, false, 2));
	}
	assert_true(conntrack_table_sweep(t, 2, 50));
	assert_int_equal(conntrack_table_size(t), 50);
	assert_false(conntrack_table_sweep(t, 2, 50));
	assert_int_equal(conntrack_table_count(t, &two), 10);
	conntrack_table_destroy(t);
}

static void a_limit_refuses_new_ones_and_takes_the_oldest_when_lowered(void **state)
{
	struct conntrack_table *t = conntrack_table_create(3);
	struct conntrack_tuple f[4], out[4];
	struct in6_addr two = host(2);
	for (uint16_t i = 0; i < 4; i++) {
		f[i] = flow(1, 2, i, IPPROTO_TCP);
		assert_int_equal(conntrack_table_learn(t, &f[i], false, 1), i < 3);
	}
	assert_true(conntrack_table_learn(t, &f[0], false, 1)); /* known, and now the one learnt last */
	conntrack_table_limit(t, 1);
	assert_int_equal(conntrack_table_of(t, &two, true, out, 4), 1);
	assert_int_equal(out[0].sport, 0);
	conntrack_table_clear(t);
	assert_int_equal(conntrack_table_size(t), 0);
	conntrack_table_destroy(t);
}

/* Random additions and removals; a bit field knows what must be there. */
static void many_in_any_order(void **state)
{
	enum { HOSTS = 20, PORTS = 50 };
	static bool there[HOSTS][PORTS];
	struct conntrack_table *t = conntrack_table_create(100000);
	struct in6_addr server = host(999);
	size_t n = 0;
	unsigned seed = 1;
	for (int step = 0; step < 20000; step++) {
		seed = seed * 1103515245 + 12345;
		unsigned h = (seed >> 8) % HOSTS, p = (seed >> 16) % PORTS;
		struct conntrack_tuple f = flow(h, 999, (uint16_t)p, p & 1 ? IPPROTO_TCP : IPPROTO_UDP);
		if (seed & 0x40) {
			assert_true(conntrack_table_learn(t, &f, false, 1));
			n += !there[h][p];
		} else {
			conntrack_table_unlearn(t, &f);
			n -= there[h][p];
		}
		there[h][p] = seed & 0x40;
		assert_int_equal(conntrack_table_count(t, &server), n);
	}
	for (unsigned h = 0; h < HOSTS; h++) {
		struct in6_addr a = host(h);
		size_t want = 0;
		for (unsigned p = 0; p < PORTS; p++)
			want += there[h][p];
		assert_int_equal(conntrack_table_count(t, &a), want);
	}
	conntrack_table_destroy(t);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_by_either_address),
		cmocka_unit_test(a_flow_of_an_address_with_itself),
		cmocka_unit_test(what_no_dump_tells_of_is_swept),
		cmocka_unit_test(a_limit_refuses_new_ones_and_takes_the_oldest_when_lowered),
		cmocka_unit_test(many_in_any_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
