/*
 * The module context on real kernels: source - router - mobile, and a chain of three routers. The router under test runs in
 * this process, so that contexts can be handed to its feature as a transfer would; the others of the chain are daemons.
 */
#define _GNU_SOURCE 1
#include <errno.h>

#include "context_lab.h"
#include "net/mroute_kernel.h"

static int setup(void **state)
{
	context_lab_begin(&(struct context_lab_options){ 0 });
	return 0;
}

static int setup_chain(void **state)
{
	context_lab_begin(&(struct context_lab_options){ .chain = CONTEXT_LAB_CHAIN });
	return 0;
}

static int teardown(void **state)
{
	context_lab_end();
	return 0;
}

/* RFC 4067 appendix B: prefix of the new link, group; padded as in a block. */
static const uint8_t block[28] = { 0x20, 0x01, 0x0d, 0xb8, 0, 0x0b, 0, 0, 0xff, 0x3e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 1 };

static void a_listener_is_served_from_its_report_to_its_leave(void **state)
{
	mobile_joins();
	stream_until_heard();
	int before = f.r.n, gaps = f.r.gaps;
	stream(100);
	nslab_until(f.core.loop, &f.r.n, before + 100);
	assert_int_equal(f.r.gaps, gaps);
	assert_int_equal(context_counters[CONTEXT_LISTENERS].value, 1);
	mobile_leaves();
	for (int i = 0; i < 200 && context_counters[CONTEXT_LISTENERS].value; i++)
		nslab_for(f.core.loop, 20 * USEC_MSEC);
	nslab_for(f.core.loop, 200 * USEC_MSEC); /* twice the last listener interval, and nobody answers */
	assert_int_equal(context_counters[CONTEXT_GROUPS].value, 0);
	nslab_enter(f.router);
	assert_int_not_equal(nslab_try("ip maddr show dev top | grep -qw %s", GROUP), 0);
}

static int reports; /* seen at the router's access link, of our group */

static void on_report(const struct icmp6_message *m, void *arg)
{
	struct in6_addr g = nslab_addr(GROUP);
	reports += memmem(m->data, m->len, &g, sizeof g) != NULL;
}

static void a_context_makes_the_stream_flow_without_a_report(void **state)
{
	static const uint8_t types[] = { 131, 132, 143 };
	const struct feature *feature = feature_find(1);
	struct feature_subject s = subject();
	assert_non_null(feature);
	nslab_enter(f.mobile);
	nslab_sh("nft 'table ip6 quiet { chain out { type filter hook output priority 0; icmpv6 type { 131, 132, 143 } drop; }; }'");
	mobile_joins();
	nslab_enter(f.router);
	reports = 0;
	struct icmp6 *judge = icmp6_open_frames(f.core.loop, &f.if_access, 1, types, sizeof types, on_report, NULL);
	stream(30);
	assert_int_equal(f.r.n, 0);
	assert_int_equal(feature->install(&f.core, &s, block, sizeof block), FEATURE_OK);
	stream(50);
	nslab_until(f.core.loop, &f.r.n, 50);
	assert_int_equal(f.r.gaps, 0);
	assert_int_equal(reports, 0);

	feature->forget(&f.core, &s.addr);
	stream_until_silent();
	assert_int_equal(context_counters[CONTEXT_LISTENERS].value, 0);
	icmp6_close(judge);
}

struct emitted {
	int n;
	uint8_t data[64];
	size_t len;
};

static bool emit(const void *data, size_t len, void *arg)
{
	struct emitted *e = arg;
	assert_true(len <= sizeof e->data);
	memcpy(e->data, data, len);
	e->len = len;
	e->n++;
	return true;
}

static void what_was_reported_is_collected_with_the_new_prefix(void **state)
{
	const struct feature *feature = feature_find(1);
	struct feature_subject s = subject();
	struct emitted e = { 0 };
	mobile_joins();
	stream_until_heard();
	s.previous = nslab_addr(MOBILE);
	assert_int_equal(prefix_parse("2001:db8:b::/64", &s.nar_prefix), 0);
	assert_int_equal(feature->collect(&f.core, &s, emit, &e), 0);
	assert_int_equal(e.n, 1);
	assert_int_equal(e.len, 24);
	assert_memory_equal(e.data, block, 24);

	/* The same through the table of mobiles. */
	struct mobile *m = mobile_get(f.core.mobiles, &s.previous);
	mobile_set_link(f.core.mobiles, m, s.ifindex, &s.lladdr);
	s.lladdr.len = 0;
	s.ifindex = 0;
	assert_int_equal(feature->collect(&f.core, &s, emit, &e), 0);
	assert_int_equal(e.n, 2);

	/* And through the kernel's neighbour entry, as after a movement of a mobile that never spoke to us. */
	mobile_remove(f.core.mobiles, m);
	nslab_sh("ip neigh replace " MOBILE " lladdr %s dev acc nud stale", LLADDR(&f.lladdr));
	assert_int_equal(feature->collect(&f.core, &s, emit, &e), 0);
	assert_int_equal(e.n, 3);
	s.previous = s.addr = nslab_addr("2001:db8:9::9");
	assert_int_equal(feature->collect(&f.core, &s, emit, &e), -ENOENT);
	s.addr = nslab_addr(MOBILE);
	feature->forget(&f.core, &s.addr);
	assert_int_equal(context_counters[CONTEXT_LISTENERS].value, 0);
}

static void contexts_for_another_link_are_refused(void **state)
{
	const struct feature *feature = feature_find(1);
	struct feature_subject s = subject();
	uint8_t other[sizeof block];
	memcpy(other, block, sizeof block);
	other[5] = 0x0c;
	assert_int_equal(feature->install(&f.core, &s, other, sizeof other), FEATURE_FAILED);
	assert_int_equal(feature->install(&f.core, &s, block, 23), FEATURE_MALFORMED);
	memcpy(other, block, sizeof block);
	other[9] = 0x02; /* link scope */
	assert_int_equal(feature->install(&f.core, &s, other, sizeof other), FEATURE_MALFORMED);
	assert_int_equal(context_counters[CONTEXT_LISTENERS].value, 0);
	s.ifindex = 0; /* the prefix alone tells the link */
	assert_int_equal(feature->install(&f.core, &s, block, sizeof block), FEATURE_OK);
	assert_int_equal(context_counters[CONTEXT_LISTENERS].value, 1);
}

/* Reports that RFC 3810 wants discarded: no Router Alert, hop limit, a source that is not link-local. */
static void forged_reports_change_nothing(void **state)
{
	static const uint8_t report[24] = { 131, 0, 0, 0, 0, 0, 0, 0, 0xff, 0x3e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 9 };
	struct in6_addr group = nslab_addr("ff3e::8000:9"), global = nslab_addr(MOBILE), ll;
	uint64_t refused = context_counters[CONTEXT_MLD_REFUSED].value;
	nslab_enter(f.mobile);
	char *text = nslab_output("ip -6 -o addr show dev wlan scope link | sed 's|.*inet6 ||; s|/.*||' | tr -d '\\n'");
	ll = nslab_addr(text);
	free(text);
	int wlan = nslab_ifindex("wlan");
	struct icmp6 *s = icmp6_open(f.core.loop, NULL, 0, on_report, NULL);
	nslab_enter(f.router);
	assert_int_equal(icmp6_send(s, wlan, &ll, &group, 1, false, report, sizeof report), 0);
	assert_int_equal(icmp6_send(s, wlan, &ll, &group, 2, true, report, sizeof report), 0);
	assert_int_equal(icmp6_send(s, wlan, &global, &group, 1, true, report, sizeof report), 0);
	for (int i = 0; i < 100 && context_counters[CONTEXT_MLD_REFUSED].value < refused + 3; i++)
		nslab_for(f.core.loop, 10 * USEC_MSEC);
	assert_int_equal(context_counters[CONTEXT_MLD_REFUSED].value, refused + 3);
	assert_int_equal(context_counters[CONTEXT_LISTENERS].value, 0);
	assert_int_equal(icmp6_send(s, wlan, &ll, &group, 1, true, report, sizeof report), 0);
	for (int i = 0; i < 100 && !context_counters[CONTEXT_LISTENERS].value; i++)
		nslab_for(f.core.loop, 10 * USEC_MSEC);
	assert_int_equal(context_counters[CONTEXT_LISTENERS].value, 1);
	icmp6_close(s);
}

static void an_interface_that_comes_back_is_served_again(void **state)
{
	nslab_enter(f.router);
	nslab_sh("ip link del dev acc");
	nslab_for(f.core.loop, 50 * USEC_MSEC);
	nslab_veth(f.router, "acc", f.mobile, "wlan");
	nslab_enter(f.router);
	nslab_for(f.core.loop, 50 * USEC_MSEC);
	mobile_joins();
	stream_until_heard();
}

static void through_three_routers(void **state)
{
	mobile_joins();
	stream_until_heard();
	int before = f.r.n, gaps = f.r.gaps;
	stream(200);
	nslab_until(f.core.loop, &f.r.n, before + 200);
	assert_int_equal(f.r.gaps, gaps);
	for (int i = 0; i < CONTEXT_LAB_CHAIN; i++) {
		nslab_enter(f.chain[i]);
		assert_int_equal(nslab_try("ip -6 mroute show | grep -q %s", GROUP), 0);
	}
	nslab_enter(f.router);
	mobile_leaves();
	/* Every router asks, hears nothing, and leaves upstream: the source's link falls silent. */
	int joined = 1;
	for (int i = 0; i < 400 && joined; i++) {
		nslab_enter(f.chain[0]);
		joined = !nslab_try("ip maddr show dev top | grep -qw %s", GROUP);
		nslab_enter(f.router);
		nslab_for(f.core.loop, 20 * USEC_MSEC);
	}
	assert_false(joined);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	if (!nslab_possible())
		return NSLAB_SKIP;
	nslab_new();
	int fd = mroute_kernel6.open();
	if (fd == -EOPNOTSUPP || fd == -ENOPROTOOPT) {
		fprintf(stderr, "this kernel has no IPv6 multicast routing\n");
		return NSLAB_SKIP;
	}
	close(fd);
	const struct CMUnitTest tests[] = {
		T(a_listener_is_served_from_its_report_to_its_leave),
		T(a_context_makes_the_stream_flow_without_a_report),
		T(what_was_reported_is_collected_with_the_new_prefix),
		T(contexts_for_another_link_are_refused),
		T(forged_reports_change_nothing),
		T(an_interface_that_comes_back_is_served_again),
		cmocka_unit_test_setup_teardown(through_three_routers, setup_chain, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
