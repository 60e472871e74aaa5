/* The kernel's connection tracking, in a namespace of its own: entries made, learnt from events, read, removed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/conntrack.h"
#include "nslab.h"

#define MOBILE "2001:db8:a::10"
#define MOBILE4 "192.0.2.10"
#define MANY 1000

static struct fixture {
	struct loop *loop;
	struct conntrack *c;
	struct in6_addr mobile, mobile4;
} f;

static const struct conntrack_config config = { .limit = 10000 };

static int setup(void **state)
{
	memset(&f, 0, sizeof f);
	f.loop = loop_create();
	nslab_new();
	f.mobile = nslab_addr(MOBILE);
	f.mobile4 = nslab_addr(MOBILE4);
	f.c = conntrack_open(f.loop, &config);
	assert_non_null(f.c);
	return 0;
}

static int teardown(void **state)
{
	conntrack_close(f.c);
	loop_destroy(f.loop);
	return 0;
}

static struct conntrack_entry tcp(const char *from, const char *to, uint16_t port, uint32_t timeout)
{
	return (struct conntrack_entry){ .tuple = { nslab_addr(from), nslab_addr(to), port, 443, IPPROTO_TCP }, .timeout = timeout,
		                         .assured = true, .replied = true, .tcp_state = 3, .tcp_flags = { 11, 11 },
		                         .tcp_scale = { 7, 9 } };
}

static void put(const struct conntrack_entry *e, size_t n)
{
	int err = 0;
	assert_int_equal(conntrack_write(f.c, e, n, &err), n);
	assert_int_equal(err, 0);
}

/* Until so many entries of an address are known: events come when they come. */
static void known(struct conntrack *c, const struct in6_addr *addr, size_t want)
{
	for (int i = 0; i < 3000 && conntrack_count(c, addr) != want; i++)
		loop_once(f.loop, 10 * USEC_MSEC);
	assert_int_equal(conntrack_count(c, addr), want);
}

static void what_is_written_is_read(void **state)
{
	struct conntrack_entry out[8];
	struct conntrack_entry e[] = {
		tcp(MOBILE, "2001:db8:1::2", 50000, 4000),
		{ .tuple = { nslab_addr("2001:db8:1::2"), f.mobile, 5060, 5061, IPPROTO_UDP }, .timeout = 30, .marked = true, .mark = 7 },
		{ .tuple = { f.mobile, nslab_addr("2001:db8:1::2"), 9, 128 << 8, IPPROTO_ICMPV6 }, .timeout = 29, .replied = true },
		{ .tuple = { f.mobile, nslab_addr("2001:db8:1::3"), 5091, 5091, IPPROTO_SCTP }, .timeout = 200, .sctp_state = 4,
		  .sctp_vtag = { 0x01020304, 0x05060708 } },
		{ .tuple = { f.mobile, nslab_addr("2001:db8:1::3"), 0, 0, IPPROTO_ESP }, .timeout = 500 },
	};
	put(e, 5);
	assert_int_equal(conntrack_count(f.c, &f.mobile), 5);
	assert_int_equal(conntrack_read(f.c, &f.mobile, out, 8), 5);
	/* TCP first; then the youngest. */
	assert_int_equal(out[0].tuple.proto, IPPROTO_TCP);
	assert_true(addr_eq(&out[0].tuple.src, &f.mobile));
	assert_int_equal(out[0].tuple.sport, 50000);
	assert_int_equal(out[0].tuple.dport, 443);
	assert_int_equal(out[0].tcp_state, 3);
	assert_int_equal(out[0].tcp_flags[1], 11);
	assert_int_equal(out[0].tcp_scale[0], 7);
	assert_int_equal(out[0].tcp_scale[1], 9);
	assert_true(out[0].assured && out[0].replied && !out[0].nat);
	assert_true(out[0].timeout > 3900 && out[0].timeout <= 4000);
	assert_int_equal(out[1].tuple.proto, IPPROTO_ESP);
	assert_int_equal(out[2].tuple.proto, IPPROTO_SCTP);
	assert_int_equal(out[2].sctp_state, 4);
	assert_int_equal(out[2].sctp_vtag[1], 0x05060708);
	assert_int_equal(out[3].tuple.proto, IPPROTO_ICMPV6);
	assert_int_equal(out[3].tuple.sport, 9);
	assert_int_equal(out[3].tuple.dport, 128 << 8);
	assert_int_equal(out[4].mark, 7);
	assert_int_equal(out[4].tuple.sport, 5060);
	assert_false(out[4].assured);
	assert_int_equal(conntrack_read(f.c, &f.mobile, out, 1), 1);
}

static void ipv4_is_kept_apart(void **state)
{
	struct conntrack_entry out[2], e = tcp(MOBILE4, "198.51.100.7", 50000, 100);
	put(&e, 1);
	assert_int_equal(conntrack_read(f.c, &f.mobile4, out, 2), 1);
	assert_true(addr_eq(&out[0].tuple.src, &f.mobile4));
	assert_int_equal(conntrack_read(f.c, &f.mobile, out, 2), 0);
}

static void written_again_it_is_changed(void **state)
{
	struct conntrack_entry out[2], e = tcp(MOBILE, "2001:db8:1::2", 50000, 100);
	e.tcp_state = 1;
	e.assured = false;
	put(&e, 1);
	e.tcp_state = 3;
	e.assured = true;
	e.timeout = 1000;
	put(&e, 1);
	assert_int_equal(conntrack_read(f.c, &f.mobile, out, 2), 1);
	assert_int_equal(out[0].tcp_state, 3);
	assert_true(out[0].assured && out[0].timeout > 900);
}

static void another_sees_what_is_made_and_what_goes(void **state)
{
	struct conntrack_entry e[] = { tcp(MOBILE, "2001:db8:1::2", 1, 100), tcp("2001:db8:1::3", MOBILE, 2, 100) };
	put(&e[0], 1);
	struct conntrack *second = conntrack_open(f.loop, &config);
	known(second, &f.mobile, 1); /* by its dump */
	put(&e[1], 1);
	known(second, &f.mobile, 2); /* by an event */
	conntrack_remove(f.c, &f.mobile);
	assert_int_equal(conntrack_count(f.c, &f.mobile), 0);
	/* The entry that was there before the first listener may go without an event; asked for, it is found gone. */
	struct conntrack_entry out[4];
	known(second, &e[1].tuple.src, 0);
	assert_int_equal(conntrack_read(second, &f.mobile, out, 4), 0);
	assert_int_equal(conntrack_count(second, &f.mobile), 0);
	conntrack_close(second);
}

static void many_are_removed_in_steps(void **state)
{
	struct conntrack_entry *e = calloc(MANY, sizeof *e), *out = calloc(MANY, sizeof *out);
	for (size_t i = 0; i < MANY; i++)
		e[i] = tcp(MOBILE, "2001:db8:1::2", (uint16_t)(1000 + i), 100);
	put(e, MANY);
	assert_int_equal(conntrack_read(f.c, &f.mobile, out, MANY), MANY);
	conntrack_remove(f.c, &f.mobile);
	assert_true(conntrack_count(f.c, &f.mobile) > 0);
	known(f.c, &f.mobile, 0);
	struct conntrack *second = conntrack_open(f.loop, &config);
	loop_once(f.loop, 0);
	assert_int_equal(conntrack_count(second, &f.mobile), 0);
	conntrack_close(second);
	free(e);
	free(out);
}

static void the_table_has_a_limit(void **state)
{
	const struct conntrack_config small = { .limit = 16 };
	struct conntrack_entry e[20], other = tcp("2001:db8:a::11", "2001:db8:1::2", 9, 100);
	uint64_t before = conntrack_counters[CONNTRACK_UNTRACKED].value;
	for (size_t i = 0; i < 20; i++)
		e[i] = tcp(MOBILE, "2001:db8:1::2", (uint16_t)(1000 + i), 100);
	conntrack_reconfigure(f.c, &small);
	put(e, 20);
	assert_int_equal(conntrack_count(f.c, &f.mobile), 16);
	assert_int_equal(conntrack_counters[CONNTRACK_UNTRACKED].value - before, 4);
	conntrack_reconfigure(f.c, &config);
	put(&other, 1);
	assert_int_equal(conntrack_count(f.c, &other.tuple.src), 1);
}

static void zones_are_kept_apart(void **state)
{
	const struct conntrack_config seven = { .zone = 7, .limit = 100 };
	struct conntrack_entry out[2], e = tcp(MOBILE, "2001:db8:1::2", 1, 100);
	struct conntrack *second = conntrack_open(f.loop, &seven);
	put(&e, 1);
	for (int i = 0; i < 10; i++)
		loop_once(f.loop, USEC_MSEC);
	assert_int_equal(conntrack_count(second, &f.mobile), 0);
	int err;
	assert_int_equal(conntrack_write(second, &e, 1, &err), 1);
	assert_int_equal(conntrack_read(second, &f.mobile, out, 2), 1);
	conntrack_remove(second, &f.mobile);
	assert_int_equal(conntrack_read(f.c, &f.mobile, out, 2), 1);
	conntrack_close(second);
}

/* An entry the kernel cannot take does not keep the others out. */
static void one_refused_among_others(void **state)
{
	struct conntrack_entry e[] = { tcp(MOBILE, "2001:db8:1::2", 1, 100), tcp(MOBILE, "2001:db8:1::2", 2, 100) };
	int err = 0;
	e[0].tcp_state = 200;
	assert_int_equal(conntrack_write(f.c, e, 2, &err), 1);
	assert_true(err < 0);
	assert_int_equal(conntrack_count(f.c, &f.mobile), 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_written_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(ipv4_is_kept_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(written_again_it_is_changed, setup, teardown),
		cmocka_unit_test_setup_teardown(another_sees_what_is_made_and_what_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(many_are_removed_in_steps, setup, teardown),
		cmocka_unit_test_setup_teardown(the_table_has_a_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(zones_are_kept_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(one_refused_among_others, setup, teardown),
	};
	if (!nslab_possible()) {
		fprintf(stderr, "skipped: may not make network namespaces\n");
		return NSLAB_SKIP;
	}
	struct loop *l = loop_create();
	nslab_new();
	struct conntrack *c = conntrack_open(l, &config);
	if (!c) {
		fprintf(stderr, "skipped: this kernel has no ctnetlink: %s\n", strerror(errno));
		return NSLAB_SKIP;
	}
	conntrack_close(c);
	loop_destroy(l);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
