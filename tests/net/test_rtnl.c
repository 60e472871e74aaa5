/* What we tell the kernel, on a real one: refusals, many changes at once, and a switch that others turn off. */
#include <errno.h>
#include <linux/neighbour.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/rtnl.h"
#include "nslab.h"

#define PROTOCOL 200
#define MANY 300 /* more than are gathered at a time */
#define NOWHERE 9999 /* no link has this number */
#define SWITCH "/proc/sys/net/ipv6/conf/r0/proxy_ndp"

struct lab {
	struct loop *loop;
	struct rtnl *rtnl;
	int link;
};

static int lab_open(void **state)
{
	static struct lab b;
	int other = nslab_new(), here = nslab_new();
	nslab_veth(here, "r0", other, "o0");
	nslab_enter(here);
	b = (struct lab){ .loop = loop_create(), .link = nslab_ifindex("r0") };
	b.rtnl = rtnl_open(b.loop, PROTOCOL);
	assert_non_null(b.rtnl);
	*state = &b;
	return 0;
}

static int lab_close(void **state)
{
	struct lab *b = *state;
	rtnl_close(b->rtnl);
	loop_destroy(b->loop);
	return 0;
}

static struct rtnl_route route(int i, int ifindex)
{
	struct rtnl_route rt = { .dst = { nslab_addr("2001:db8:7::"), 128 }, .ifindex = ifindex, .metric = 16 };
	rt.dst.addr.s6_addr[14] = (uint8_t)(i >> 8);
	rt.dst.addr.s6_addr[15] = (uint8_t)i;
	return rt;
}

static int routes(void)
{
	char *text = nslab_output("ip -6 route show proto %d | wc -l", PROTOCOL);
	int n = atoi(text);
	free(text);
	return n;
}

static void one_by_one(void **state)
{
	struct lab *b = *state;
	struct rtnl_route good = route(1, b->link), bad = route(2, NOWHERE);
	struct in6_addr a = nslab_addr("2001:db8:7::5");
	struct lladdr l = { .len = 6, .octet = { 2, 0, 0, 0, 0, 5 } }, got;
	assert_int_equal(rtnl_route_set(b->rtnl, &good), 0);
	assert_int_equal(rtnl_route_set(b->rtnl, &good), 0);
	assert_int_equal(rtnl_route_set(b->rtnl, &bad), -ENODEV);
	assert_int_equal(routes(), 1);
	assert_int_equal(rtnl_route_del(b->rtnl, &good), 0);
	assert_int_equal(rtnl_route_del(b->rtnl, &good), 0);
	assert_int_equal(routes(), 0);
	assert_int_equal(rtnl_neigh_get(b->rtnl, b->link, &a, &got), -ENOENT);
	assert_int_equal(rtnl_neigh_set(b->rtnl, b->link, &a, &l, NUD_REACHABLE), 0);
	assert_int_equal(rtnl_neigh_get(b->rtnl, b->link, &a, &got), 0);
	assert_true(lladdr_eq(&l, &got));
	assert_int_equal(rtnl_neigh_reachable(b->rtnl, b->link, &a, &got), 0);
	assert_true(lladdr_eq(&l, &got));
	assert_int_equal(rtnl_neigh_set(b->rtnl, b->link, &a, &l, NUD_STALE), 0);
	assert_int_equal(rtnl_neigh_get(b->rtnl, b->link, &a, &got), 0);
	assert_int_equal(rtnl_neigh_reachable(b->rtnl, b->link, &a, &got), -ENOENT);
}

static void many_at_once(void **state)
{
	struct lab *b = *state;
	rtnl_begin(b->rtnl);
	for (int i = 0; i < MANY; i++) {
		struct rtnl_route rt = route(i, b->link);
		assert_int_equal(rtnl_route_set(b->rtnl, &rt), 0);
	}
	assert_int_equal(rtnl_commit(b->rtnl), 0);
	assert_int_equal(routes(), MANY);
	rtnl_begin(b->rtnl);
	for (int i = 0; i < 2 * MANY; i++) { /* half of them are not there: no error */
		struct rtnl_route rt = route(i, b->link);
		assert_int_equal(rtnl_route_del(b->rtnl, &rt), 0);
	}
	assert_int_equal(rtnl_commit(b->rtnl), 0);
	assert_int_equal(routes(), 0);
}

/* One of them is refused: that is said, once, and the others stand. */
static void one_of_many_refused(void **state)
{
	struct lab *b = *state;
	rtnl_begin(b->rtnl);
	for (int i = 0; i < 9; i++) {
		struct rtnl_route rt = route(i, i == 4 ? NOWHERE : b->link);
		assert_int_equal(rtnl_route_set(b->rtnl, &rt), 0);
	}
	assert_int_equal(rtnl_commit(b->rtnl), -ENODEV);
	assert_int_equal(routes(), 8);
	rtnl_begin(b->rtnl);
	assert_int_equal(rtnl_commit(b->rtnl), 0);
}

static void questions_come_after_what_is_gathered(void **state)
{
	struct lab *b = *state;
	struct rtnl_route rt = route(1, b->link), bad = route(2, NOWHERE), late = route(3, b->link);
	int ifindex = 0;
	rtnl_begin(b->rtnl);
	rtnl_begin(b->rtnl);
	assert_int_equal(rtnl_route_set(b->rtnl, &rt), 0);
	assert_int_equal(rtnl_route_set(b->rtnl, &bad), 0);
	assert_int_equal(routes(), 0);
	assert_int_equal(rtnl_route_lookup(b->rtnl, &rt.dst.addr, &ifindex, NULL), 0);
	assert_int_equal(ifindex, b->link);
	assert_int_equal(rtnl_route_set(b->rtnl, &late), 0);
	assert_int_equal(rtnl_commit(b->rtnl), 0); /* the inner one */
	assert_int_equal(routes(), 1);
	assert_int_equal(rtnl_commit(b->rtnl), -ENODEV);
	assert_int_equal(routes(), 2);
}

static void proxy_switch_turned_off_by_others(void **state)
{
	struct lab *b = *state;
	struct in6_addr x = nslab_addr("2001:db8:7::8"), y = nslab_addr("2001:db8:7::9");
	nslab_sh("grep -q 0 " SWITCH);
	assert_int_equal(rtnl_proxy_set(b->rtnl, b->link, &x), 0);
	nslab_sh("grep -q 1 " SWITCH);
	nslab_for(b->loop, 10 * USEC_MSEC);
	nslab_sh("echo 0 >" SWITCH);
	nslab_for(b->loop, 10 * USEC_MSEC);
	assert_int_equal(rtnl_proxy_set(b->rtnl, b->link, &y), 0);
	nslab_sh("grep -q 1 " SWITCH);
	assert_int_equal(rtnl_proxy_del(b->rtnl, b->link, &x), 0);
	rtnl_close(b->rtnl);
	b->rtnl = rtnl_open(b->loop, PROTOCOL);
	nslab_sh("grep -q 0 " SWITCH); /* as it was before us */
}

int main(void)
{
#define LAB(test) cmocka_unit_test_setup_teardown(test, lab_open, lab_close)
	const struct CMUnitTest tests[] = {
		LAB(one_by_one),
		LAB(many_at_once),
		LAB(one_of_many_refused),
		LAB(questions_come_after_what_is_gathered),
		LAB(proxy_switch_turned_off_by_others),
	};
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!nslab_possible()) {
		puts("no network namespaces here");
		return NSLAB_SKIP;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
