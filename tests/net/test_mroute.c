#define _GNU_SOURCE 1 /* memmem */
/* Multicast forwarding of a real kernel: a source, a router, two listeners; the listeners' wishes are told by hand. Every
 * scenario is played in both families. */
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
#include "net/igmp.h"
#include "net/mroute.h"
#include "net/mroute_kernel.h"

#define SOURCE_FILTER_ROOM 8

/* What the families differ in. */
static const struct family {
	bool v4;
	const char *group, *source, *second, *router, *listener, *listener_router, *stays;
} families[] = {
	{ false, "ff0e::1:1", "2001:db8:1::2/64", "2001:db8:1::3/64", "2001:db8:1::1/64", "2001:db8:2::2/64", "2001:db8:2::1/64",
	  "ff02::1234" },
	{ true, "239.1.1.1", "192.0.2.2/24", "192.0.2.3/24", "192.0.2.1/24", "198.51.100.2/24", "198.51.100.1/24", "224.0.0.251" },
};


static struct fixture {
	struct loop *loop;
	int source, router, a, b;
	int up, if_a, if_b; /* at the router */
	struct mroute *m;
	struct mcast_sender s;
	struct mcast_receiver ra, rb;
	struct in6_addr group;
	const struct family *k;
	const char *nodad;
} f;

static int begin(const struct family *k)
{
	memset(&f, 0, sizeof f);
	f.k = k;
	f.nodad = k->v4 ? "" : "nodad";
	f.loop = loop_create();
	f.source = nslab_new();
	f.a = nslab_new();
	f.b = nslab_new();
	f.router = nslab_new();
	nslab_veth(f.router, "top", f.source, "net");
	nslab_veth(f.router, "la", f.a, "net");
	nslab_veth(f.router, "lb", f.b, "net");
	f.group = nslab_addr(k->group);
	nslab_enter(f.source);
	nslab_sh("ip addr add %s dev net %s", k->source, f.nodad);
	f.s = mcast_sender(k->group, "net");
	nslab_enter(f.a);
	mcast_receive(&f.ra, f.loop, k->group, "net", true);
	nslab_enter(f.b);
	mcast_receive(&f.rb, f.loop, k->group, "net", true);
	nslab_enter(f.router);
	nslab_sh("ip addr add %s dev top %s; ip addr add %s dev lb %s", k->router, f.nodad, k->listener_router, f.nodad);
	f.up = nslab_ifindex("top");
	f.if_a = nslab_ifindex("la");
	f.if_b = nslab_ifindex("lb");
	f.m = mroute_open(f.loop, f.k->v4, 200);
	return f.m && !mroute_upstream(f.m, f.up) && !mroute_downstream(f.m, f.if_a) && !mroute_downstream(f.m, f.if_b) ? 0 : -1;
}

static int setup(void **state)
{
	return begin(&families[0]);
}

static int setup4(void **state)
{
	return begin(&families[1]);
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
	assert_int_equal(mroute_forward(f.m, &f.group, f.if_a, &source_filter_all), 0);
	assert_int_equal(mroute_forward(f.m, &f.group, f.if_a, &source_filter_all), 0);
	stream(50);
	nslab_until(f.loop, &f.ra.n, 50);
	assert_int_equal(f.ra.first, 0);
	assert_int_equal(f.ra.gaps, 0);
	assert_int_equal(f.rb.n, 0);
}

static void one_comes_and_goes_without_loss_to_the_other(void **state)
{
	mroute_forward(f.m, &f.group, f.if_a, &source_filter_all);
	stream(20);
	mroute_forward(f.m, &f.group, f.if_b, &source_filter_all);
	stream(20);
	nslab_until(f.loop, &f.rb.n, 20);
	assert_int_equal(f.rb.first, 20);
	mroute_forward(f.m, &f.group, f.if_b, &source_filter_none);
	stream(20);
	nslab_until(f.loop, &f.ra.n, 60);
	assert_int_equal(f.ra.gaps, 0);
	assert_int_equal(f.rb.n, 20);
	mroute_forward(f.m, &f.group, f.if_a, &source_filter_none);
	mroute_forward(f.m, &f.group, f.if_a, &source_filter_none);
	stream(20);
	assert_int_equal(f.ra.n, 60);
}

/* A flow nobody wanted gets its listener while it runs. */
static void an_unwanted_flow_becomes_wanted(void **state)
{
	stream(30);
	assert_int_equal(f.ra.n, 0);
	mroute_forward(f.m, &f.group, f.if_a, &source_filter_all);
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

static void count_report4(const struct igmp_packet *p, void *arg)
{
	int *reports = arg;
	if (p->data[0] == 0x22 && memmem(p->data, p->len, &f.group.s6_addr[12], 4))
		++*reports;
}

static void joins_and_leaves_upstream(void **state)
{
	static const uint8_t types[] = { 143 };
	int reports = 0;
	nslab_enter(f.source);
	int net = nslab_ifindex("net");
	struct icmp6 *s = icmp6_open_frames(f.loop, &net, 1, types, sizeof types, count_report, &reports);
	struct igmp *s4 = igmp_open(f.loop, count_report4, &reports);
	assert_int_equal(igmp_add(s4, net, true), 0);
	nslab_enter(f.router);
	mroute_forward(f.m, &f.group, f.if_a, &source_filter_all);
	nslab_until(f.loop, &reports, 1);
	assert_int_equal(nslab_try("ip maddr show dev top | grep -qw %s", f.k->group), 0);
	mroute_forward(f.m, &f.group, f.if_b, &source_filter_all);
	mroute_forward(f.m, &f.group, f.if_a, &source_filter_none);
	assert_int_equal(nslab_try("ip maddr show dev top | grep -qw %s", f.k->group), 0);
	mroute_forward(f.m, &f.group, f.if_b, &source_filter_none);
	assert_int_not_equal(nslab_try("ip maddr show dev top | grep -qw %s", f.k->group), 0);
	icmp6_close(s);
	igmp_close(s4);
}

static void a_listener_can_be_a_source(void **state)
{
	nslab_enter(f.b);
	nslab_sh("ip addr add %s dev net %s", f.k->listener, f.nodad);
	struct mcast_sender s = mcast_sender(f.k->group, "net");
	struct mcast_receiver far;
	nslab_enter(f.source);
	mcast_receive(&far, f.loop, f.k->group, "net", true);
	mroute_forward(f.m, &f.group, f.if_a, &source_filter_all);
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
	mroute_forward(f.m, &f.group, f.if_a, &source_filter_all);
	stream(10);
	nslab_until(f.loop, &f.ra.n, 10);
	nslab_enter(f.source);
	nslab_sh("ip addr del %s dev net", f.k->source);
	nslab_enter(f.b);
	nslab_sh("ip addr add %s dev net %s", f.k->source, f.nodad);
	struct mcast_sender s = mcast_sender(f.k->group, "net");
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
	struct in6_addr link = nslab_addr(f.k->stays), node = nslab_addr("ff01::1"), unicast = f.group;
	struct in6_addr other = nslab_addr(families[!f.k->v4].group);
	unicast.s6_addr[f.k->v4 ? 12 : 0] = 0x20;
	assert_int_equal(mroute_forward(f.m, &other, f.if_a, &source_filter_all), -EINVAL);
	assert_int_equal(mroute_forward(f.m, &link, f.if_a, &source_filter_all), -EINVAL);
	assert_int_equal(mroute_forward(f.m, &node, f.if_a, &source_filter_all), -EINVAL);
	assert_int_equal(mroute_forward(f.m, &unicast, f.if_a, &source_filter_all), -EINVAL);
	assert_int_equal(mroute_forward(f.m, &f.group, f.up, &source_filter_all), -EINVAL);
	assert_int_equal(mroute_forward(f.m, &f.group, 4711, &source_filter_all), -ENODEV);
}

static void tables_are_bounded_and_many_groups_can_be_joined(void **state)
{
	struct in6_addr g = f.group;
	for (unsigned i = 0; i < 200; i++) {
		g.s6_addr[14] = (uint8_t)i;
		assert_int_equal(mroute_forward(f.m, &g, f.if_a, &source_filter_all), 0);
	}
	g.s6_addr[14] = 250;
	assert_int_equal(mroute_forward(f.m, &g, f.if_a, &source_filter_all), -ENOSPC);
	errno = 0;
	assert_null(mroute_open(f.loop, f.k->v4, 10));
	assert_int_equal(errno, EADDRINUSE);
}

/* Two sources; what is wanted of each is another thing on each link. */
static void sources_are_selected(void **state)
{
	char first[64], second[64];
	snprintf(first, sizeof first, "%.*s", (int)strcspn(f.k->source, "/"), f.k->source);
	snprintf(second, sizeof second, "%.*s", (int)strcspn(f.k->second, "/"), f.k->second);
	nslab_enter(f.source);
	nslab_sh("ip addr add %s dev net %s", f.k->second, f.nodad);
	close(f.s.fd);
	f.s = mcast_sender_from(f.k->group, "net", first);
	struct mcast_sender s = mcast_sender_from(f.k->group, "net", second);
	nslab_enter(f.router);
	struct in6_addr a = nslab_addr(second);
	const struct source_filter *only = source_filter_make(false, &a, 1, SOURCE_FILTER_ROOM);
	const struct source_filter *others = source_filter_make(true, &a, 1, SOURCE_FILTER_ROOM);
	s.next = 1000;
	assert_int_equal(mroute_forward(f.m, &f.group, f.if_a, only), 0);
	/* Upstream that is a membership for this one source: mode and sources as the kernel tells. */
	assert_int_equal(nslab_try("grep -q 'top' /proc/net/%s", f.k->v4 ? "mcfilter" : "mcfilter6"), 0);
	assert_int_equal(mroute_forward(f.m, &f.group, f.if_b, others), 0);
	for (int i = 0; i < 30; i++) {
		mcast_send(&f.s);
		mcast_send(&s);
		nslab_for(f.loop, USEC_MSEC);
	}
	nslab_until(f.loop, &f.ra.n, 30);
	nslab_until(f.loop, &f.rb.n, 30);
	assert_int_equal(f.ra.first, 1000);
	assert_int_equal(f.ra.gaps, 0);
	assert_int_equal(f.rb.first, 0);
	assert_int_equal(f.rb.gaps, 0);
	/* Both want the same now: the entries that stand follow. */
	assert_int_equal(mroute_forward(f.m, &f.group, f.if_b, only), 0);
	mcast_send(&f.s);
	mcast_send(&s);
	nslab_until(f.loop, &f.rb.n, 31);
	assert_int_equal(f.rb.last, 1030);
	source_filter_free(only);
	source_filter_free(others);
	close(s.fd);
}

static int joined;

static void on_joined(int ifindex, const struct in6_addr *group, const struct source_filter *before,
                      const struct source_filter *now, void *arg)
{
	assert_int_equal(ifindex, f.up);
	assert_true(addr_eq(group, &f.group));
	assert_int_equal(before != NULL, joined > 0);
	joined++;
}

/* Only what is more than before has to be reported in haste. */
static void what_is_newly_joined_is_told(void **state)
{
	struct in6_addr a = f.k->v4 ? nslab_addr("192.0.2.9") : nslab_addr("2001:db8::9");
	const struct source_filter *only = source_filter_make(false, &a, 1, SOURCE_FILTER_ROOM);
	joined = 0;
	mroute_on_joined(f.m, on_joined, NULL);
	mroute_forward(f.m, &f.group, f.if_a, only);
	assert_int_equal(joined, 1);
	mroute_forward(f.m, &f.group, f.if_b, only);
	assert_int_equal(joined, 1);
	mroute_forward(f.m, &f.group, f.if_b, &source_filter_all);
	assert_int_equal(joined, 2);
	mroute_forward(f.m, &f.group, f.if_b, &source_filter_none);
	mroute_forward(f.m, &f.group, f.if_a, &source_filter_none);
	assert_int_equal(joined, 2);
	source_filter_free(only);
}

static void a_smaller_limit_keeps_what_flows(void **state)
{
	mroute_forward(f.m, &f.group, f.if_a, &source_filter_all);
	stream(20);
	mroute_limit(f.m, 1);
	stream(20);
	mroute_limit(f.m, 300);
	stream(20);
	nslab_until(f.loop, &f.ra.n, 60);
	assert_int_equal(f.ra.gaps, 0);
}

static void an_interface_that_goes_takes_its_part_along(void **state)
{
	mroute_forward(f.m, &f.group, f.if_a, &source_filter_all);
	mroute_forward(f.m, &f.group, f.if_b, &source_filter_all);
	stream(5);
	nslab_until(f.loop, &f.ra.n, 5);
	mroute_drop(f.m, f.if_b);
	assert_int_equal(mroute_forward(f.m, &f.group, f.if_b, &source_filter_all), -ENODEV);
	stream(5);
	nslab_until(f.loop, &f.ra.n, 10);
	assert_int_equal(f.rb.n, 5);
	nslab_sh("ip link del dev top");
	mroute_drop(f.m, f.up);
	assert_int_equal(mroute_forward(f.m, &f.group, f.if_a, &source_filter_none), 0);
	assert_int_equal(mroute_upstream(f.m, 0), 0);
}

static void nothing_is_left_after_close(void **state)
{
	mroute_forward(f.m, &f.group, f.if_a, &source_filter_all);
	stream(5);
	nslab_until(f.loop, &f.ra.n, 5);
	assert_int_equal(nslab_try("ip %s mroute show | grep -q %s", f.k->v4 ? "-4" : "-6", f.k->group), 0);
	mroute_close(f.m);
	assert_int_not_equal(nslab_try("ip %s mroute show | grep -q %s", f.k->v4 ? "-4" : "-6", f.k->group), 0);
	assert_int_not_equal(nslab_try("ip maddr show dev top | grep -qw %s", f.k->group), 0);
	f.m = mroute_open(f.loop, f.k->v4, 10);
	assert_non_null(f.m);
}

#define T(name)                                                              \
	{ #name, name, setup, teardown, NULL },                              \
	{                                                                    \
		#name "_ipv4", name, setup4, teardown, NULL                  \
	}
int main(void)
{
	if (!nslab_possible())
		return NSLAB_SKIP;
	nslab_new();
	int fd = mroute_kernel6.open();
	if (fd == -EOPNOTSUPP || fd == -ENOPROTOOPT) {
		fprintf(stderr, "this kernel has no multicast routing\n");
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
		T(sources_are_selected),
		T(what_is_newly_joined_is_told),
		T(a_smaller_limit_keeps_what_flows),
		T(an_interface_that_goes_takes_its_part_along),
		T(nothing_is_left_after_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
