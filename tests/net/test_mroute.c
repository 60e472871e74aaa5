#define _GNU_SOURCE 1 /* memmem */
/* Multicast forwarding of a real kernel: a source, a router, two listeners; the listeners' wishes are told by hand. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mcast.h"
#include "net/icmp6.h"
#include "net/mroute.h"
#include "net/mroute_kernel.h"

#define GROUP "ff0e::1:1"

static struct fixture {
	struct loop *loop;
	int source, router, a, b;
	int up, if_a, if_b; /* at the router */
	struct mroute *m;
	struct mcast_sender s;
	struct mcast_receiver ra, rb;
	struct in6_addr group;
} f;

static int setup(void **state)
{
	memset(&f, 0, sizeof f);
	f.loop = loop_create();
	f.source = nslab_new();
	f.a = nslab_new();
	f.b = nslab_new();
	f.router = nslab_new();
	nslab_veth(f.router, "top", f.source, "net");
	nslab_veth(f.router, "la", f.a, "net");
	nslab_veth(f.router, "lb", f.b, "net");
	f.group = nslab_addr(GROUP);
	nslab_enter(f.source);
	nslab_sh("ip addr add 2001:db8:1::2/64 dev net nodad");
	f.s = mcast_sender(GROUP, "net");
	nslab_enter(f.a);
	mcast_receive(&f.ra, f.loop, GROUP, "net", true);
	nslab_enter(f.b);
	mcast_receive(&f.rb, f.loop, GROUP, "net", true);
	nslab_enter(f.router);
	f.up = nslab_ifindex("top");
	f.if_a = nslab_ifindex("la");
	f.if_b = nslab_ifindex("lb");
	f.m = mroute_open(f.loop, 200);
	return f.m && !mroute_upstream(f.m, f.up) && !mroute_downstream(f.m, f.if_a) && !mroute_downstream(f.m, f.if_b) ? 0 : -1;
}

static int teardown(void **state)
{
	mroute_close(f.m);
	mcast_close(&f.ra);
	mcast_close(&f.rb);
	close(f.s.fd);
	loop_destroy(f.loop);
	close(f.source);
	close(f.router);
	close(f.a);
	close(f.b);
	return 0;
}

static void stream(int n)
{
	for (int i = 0; i < n; i++) {
		mcast_send(&f.s);
		nslab_for(f.loop, USEC_MSEC);
	}
}

static void forwards_to_who_wants_it_from_the_first_packet(void **state)
{
	assert_int_equal(mroute_forward(f.m, &f.group, f.if_a, true), 0);
	assert_int_equal(mroute_forward(f.m, &f.group, f.if_a, true), 0);
	stream(50);
	nslab_until(f.loop, &f.ra.n, 50);
	assert_int_equal(f.ra.first, 0);
	assert_int_equal(f.ra.gaps, 0);
	assert_int_equal(f.rb.n, 0);
}

static void one_comes_and_goes_without_loss_to_the_other(void **state)
{
	mroute_forward(f.m, &f.group, f.if_a, true);
	stream(20);
	mroute_forward(f.m, &f.group, f.if_b, true);
	stream(20);
	nslab_until(f.loop, &f.rb.n, 20);
	assert_int_equal(f.rb.first, 20);
	mroute_forward(f.m, &f.group, f.if_b, false);
	stream(20);
	nslab_until(f.loop, &f.ra.n, 60);
	assert_int_equal(f.ra.gaps, 0);
	assert_int_equal(f.rb.n, 20);
	mroute_forward(f.m, &f.group, f.if_a, false);
	mroute_forward(f.m, &f.group, f.if_a, false);
	stream(20);
	assert_int_equal(f.ra.n, 60);
}

/* A flow nobody wanted gets its listener while it runs. */
static void an_unwanted_flow_becomes_wanted(void **state)
{
	stream(30);
	assert_int_equal(f.ra.n, 0);
	mroute_forward(f.m, &f.group, f.if_a, true);
	stream(30);
	nslab_until(f.loop, &f.ra.n, 30);
	assert_int_equal(f.ra.gaps, 0);
	assert_true(f.ra.first >= 27 && f.ra.first <= 30); /* the kernel may have kept a few */
}

static void count_report(const struct icmp6_message *m, void *arg)
{
	int *reports = arg;
	if (memmem(m->data, m->len, &f.group, sizeof f.group))
		++*reports;
}

static void joins_and_leaves_upstream(void **state)
{
	static const uint8_t types[] = { 143 };
	int reports = 0;
	nslab_enter(f.source);
	int net = nslab_ifindex("net");
	struct icmp6 *s = icmp6_open_frames(f.loop, &net, 1, types, sizeof types, count_report, &reports);
	nslab_enter(f.router);
	mroute_forward(f.m, &f.group, f.if_a, true);
	nslab_until(f.loop, &reports, 1);
	assert_int_equal(nslab_try("ip maddr show dev top | grep -qw %s", GROUP), 0);
	mroute_forward(f.m, &f.group, f.if_b, true);
	mroute_forward(f.m, &f.group, f.if_a, false);
	assert_int_equal(nslab_try("ip maddr show dev top | grep -qw %s", GROUP), 0);
	mroute_forward(f.m, &f.group, f.if_b, false);
	assert_int_not_equal(nslab_try("ip maddr show dev top | grep -qw %s", GROUP), 0);
	icmp6_close(s);
}

static void a_listener_can_be_a_source(void **state)
{
	nslab_enter(f.b);
	nslab_sh("ip addr add 2001:db8:2::2/64 dev net nodad");
	struct mcast_sender s = mcast_sender(GROUP, "net");
	struct mcast_receiver far;
	nslab_enter(f.source);
	mcast_receive(&far, f.loop, GROUP, "net", true);
	mroute_forward(f.m, &f.group, f.if_a, true);
	for (int i = 0; i < 10; i++)
		mcast_send(&s);
	nslab_until(f.loop, &far.n, 3);
	nslab_until(f.loop, &f.ra.n, 3);
	mcast_close(&far);
	close(s.fd);
}

/* The same source address turns up behind another interface. */
static void a_source_that_moves_is_followed(void **state)
{
	mroute_forward(f.m, &f.group, f.if_a, true);
	stream(10);
	nslab_until(f.loop, &f.ra.n, 10);
	nslab_enter(f.source);
	nslab_sh("ip addr del 2001:db8:1::2/64 dev net");
	nslab_enter(f.b);
	nslab_sh("ip addr add 2001:db8:1::2/64 dev net nodad");
	struct mcast_sender s = mcast_sender(GROUP, "net");
	int before = f.ra.n;
	for (int i = 0; i < 100 && f.ra.n == before; i++) { /* the kernel tells of it every three seconds at most */
		mcast_send(&s);
		nslab_for(f.loop, 50 * USEC_MSEC);
	}
	assert_true(f.ra.n > before);
	close(s.fd);
}

static void what_must_stay_on_its_link_stays(void **state)
{
	struct in6_addr link = nslab_addr("ff02::1234"), node = nslab_addr("ff01::1"), unicast = nslab_addr("2001:db8::1");
	assert_int_equal(mroute_forward(f.m, &link, f.if_a, true), -EINVAL);
	assert_int_equal(mroute_forward(f.m, &node, f.if_a, true), -EINVAL);
	assert_int_equal(mroute_forward(f.m, &unicast, f.if_a, true), -EINVAL);
	assert_int_equal(mroute_forward(f.m, &f.group, f.up, true), -EINVAL);
	assert_int_equal(mroute_forward(f.m, &f.group, 4711, true), -ENODEV);
}

static void tables_are_bounded_and_many_groups_can_be_joined(void **state)
{
	struct in6_addr g = f.group;
	for (unsigned i = 0; i < 200; i++) {
		g.s6_addr[12] = (uint8_t)i;
		assert_int_equal(mroute_forward(f.m, &g, f.if_a, true), 0);
	}
	g.s6_addr[12] = 250;
	assert_int_equal(mroute_forward(f.m, &g, f.if_a, true), -ENOSPC);
	errno = 0;
	assert_null(mroute_open(f.loop, 10));
	assert_int_equal(errno, EADDRINUSE);
}

static void an_interface_that_goes_takes_its_part_along(void **state)
{
	mroute_forward(f.m, &f.group, f.if_a, true);
	mroute_forward(f.m, &f.group, f.if_b, true);
	stream(5);
	nslab_until(f.loop, &f.ra.n, 5);
	mroute_drop(f.m, f.if_b);
	assert_int_equal(mroute_forward(f.m, &f.group, f.if_b, true), -ENODEV);
	stream(5);
	nslab_until(f.loop, &f.ra.n, 10);
	assert_int_equal(f.rb.n, 5);
	nslab_sh("ip link del dev top");
	mroute_drop(f.m, f.up);
	assert_int_equal(mroute_forward(f.m, &f.group, f.if_a, false), 0);
	assert_int_equal(mroute_upstream(f.m, 0), 0);
}

static void nothing_is_left_after_close(void **state)
{
	mroute_forward(f.m, &f.group, f.if_a, true);
	stream(5);
	nslab_until(f.loop, &f.ra.n, 5);
	assert_int_equal(nslab_try("ip -6 mroute show | grep -q %s", GROUP), 0);
	mroute_close(f.m);
	assert_int_not_equal(nslab_try("ip -6 mroute show | grep -q %s", GROUP), 0);
	assert_int_not_equal(nslab_try("ip maddr show dev top | grep -qw %s", GROUP), 0);
	f.m = mroute_open(f.loop, 10);
	assert_non_null(f.m);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	if (!nslab_possible())
		return NSLAB_SKIP;
	nslab_new();
	int fd = mroute_kernel_open();
	if (fd == -EOPNOTSUPP || fd == -ENOPROTOOPT) {
		fprintf(stderr, "this kernel has no IPv6 multicast routing\n");
		return NSLAB_SKIP;
	}
	close(fd);
	const struct CMUnitTest tests[] = {
		T(forwards_to_who_wants_it_from_the_first_packet),
		T(one_comes_and_goes_without_loss_to_the_other),
		T(an_unwanted_flow_becomes_wanted),
		T(joins_and_leaves_upstream),
		T(a_listener_can_be_a_source),
		T(a_source_that_moves_is_followed),
		T(what_must_stay_on_its_link_stays),
		T(tables_are_bounded_and_many_groups_can_be_joined),
		T(an_interface_that_goes_takes_its_part_along),
		T(nothing_is_left_after_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
