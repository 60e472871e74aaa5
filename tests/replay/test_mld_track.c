/*
 * Scenarios of multicast listener tracking under the virtual clock. Each test tells a story: hosts a, b, c on link 1 (and
 * 2) report, leave and fall silent; the log of what the tracker did is read at the end of each act.
 *
 *   ?      a general query          ?g1  a query for group g1      ?g1s  the same, with the suppress flag
 *   +g1    forwarding of g1 begins  -g1  it ends                   (link 2: +g1@2)
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "context/context_count.h"
#include "context/mld_track.h"
#include "core/log.h"

static struct loop *loop;
static struct mld_track *t;
static char said[4096];
static bool mute; /* queries cannot be sent */

static const struct mld_params usual = { .robustness = 2, .query_interval = 125 * USEC_SEC, .response_interval = 10 * USEC_SEC,
	                                 .last_listener_interval = USEC_SEC, .groups = 8, .listeners = 16,
	                                 .groups_per_mobile = 4 };

static struct in6_addr address(const char *text)
{
	struct in6_addr a;
	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct in6_addr group(int n)
{
	struct in6_addr a = address("ff0e::");
	a.s6_addr[15] = (uint8_t)n;
	return a;
}

static struct lladdr lladdr(char who)
{
	return (struct lladdr){ .len = 6, .octet = { 2, 0, 0, 0, 0, (uint8_t)who } };
}

static struct in6_addr local(char who)
{
	struct in6_addr a = address("fe80::");
	a.s6_addr[15] = (uint8_t)who;
	return a;
}

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
	size_t n = strlen(said);
	va_list ap;
	if (n)
		said[n++] = ' ';
	va_start(ap, fmt);
	vsnprintf(said + n, sizeof said - n, fmt, ap);
	va_end(ap);
}

static void at_link(int ifindex)
{
	if (ifindex != 1) {
		size_t n = strlen(said);
		snprintf(said + n, sizeof said - n, "@%d", ifindex);
	}
}

static bool on_query(int ifindex, const struct mld_query *q, void *arg)
{
	if (mute)
		return false;
	if (addr_is_zero(&q->group))
		say("?");
	else
		say("?g%d%s", q->group.s6_addr[15], q->suppress ? "s" : "");
	at_link(ifindex);
	return true;
}

static void on_forward(int ifindex, const struct in6_addr *g, bool on, void *arg)
{
	say("%cg%d", on ? '+' : '-', g->s6_addr[15]);
	at_link(ifindex);
}

static const struct mld_ops ops = { on_query, on_forward };

/* The log so far is exactly this; it begins anew. */
static void expect(const char *want)
{
	assert_string_equal(said, want);
	said[0] = 0;
}

static void forward_log(void)
{
	said[0] = 0;
}

static void wait_s(double seconds)
{
	loop_advance(loop, loop_now(loop) + (usec_t)(seconds * 1e6));
}

static void receive_at(int ifindex, char who, const uint8_t *bytes, size_t len)
{
	struct mld_message m;
	struct lladdr l = lladdr(who);
	struct in6_addr src = local(who);
	assert_true(mld_parse(bytes, len, &m));
	mld_track_receive(t, ifindex, &l, &src, &m);
}

static void receive(char who, struct wr *w)
{
	assert_true(wr_ok(w));
	receive_at(1, who, w->base, w->len);
}

/* Version 2 report with one record. */
static void record_at(int ifindex, char who, int g, enum mld_record_type type, int sources)
{
	static const uint8_t some[64] = { 0x20, 0x01 };
	uint8_t buf[256];
	struct wr w = wr_make(buf, sizeof buf);
	struct mld_record r = { .type = (uint8_t)type, .group = group(g), .sources_n = (uint16_t)sources,
		                .sources = rd_make(some, 16U * (unsigned)sources) };
	mld_report_pack(&w, &r, 1);
	receive_at(ifindex, who, w.base, w.len);
}

static void joins(char who, int g)
{
	record_at(1, who, g, MLD_TO_EXCLUDE, 0);
}

static void answers(char who, int g)
{
	record_at(1, who, g, MLD_IS_EXCLUDE, 0);
}

static void leaves(char who, int g)
{
	record_at(1, who, g, MLD_TO_INCLUDE, 0);
}

static void v1(char who, enum mld_type type, int g)
{
	uint8_t buf[64];
	struct wr w = wr_make(buf, sizeof buf);
	struct in6_addr a = group(g);
	mld_v1_pack(&w, type, &a);
	receive(who, &w);
}

static void asks(char who, int g, bool suppress)
{
	uint8_t buf[64];
	struct wr w = wr_make(buf, sizeof buf);
	struct mld_query q = { .v2 = true, .max_response = g ? USEC_SEC : 10 * USEC_SEC, .suppress = suppress, .robustness = 2,
		               .interval = 125 * USEC_SEC };
	if (g)
		q.group = group(g);
	mld_query_pack(&w, &q);
	receive(who, &w);
}

static int install(char who, const char *mobile, int g)
{
	struct lladdr l = who ? lladdr(who) : (struct lladdr){ 0 };
	struct in6_addr m = address(mobile), a = group(g);
	return mld_track_install(t, 1, &l, &m, &a);
}

static size_t forget(const char *mobile)
{
	struct in6_addr m = address(mobile);
	return mld_track_forget(t, &m);
}

static void begin(const struct mld_params *p)
{
	struct in6_addr own = local('m');
	said[0] = 0;
	mute = false;
	loop = loop_create_virtual(USEC_SEC);
	t = mld_track_create(loop, p, &ops, NULL);
	assert_non_null(t);
	assert_int_equal(mld_track_interface(t, 1, &own), 0);
}

static int setup(void **state)
{
	begin(&usual);
	return 0;
}

static int setup_settled(void **state)
{
	begin(&usual);
	wait_s(40); /* past the two start-up queries: the next is due 125 s after the second */
	forward_log();
	return 0;
}

static int setup_fast(void **state)
{
	struct mld_params p = usual;
	p.fast_leave = true;
	begin(&p);
	wait_s(40);
	forward_log();
	return 0;
}

static int teardown(void **state)
{
	mld_track_destroy(t);
	loop_destroy(loop);
	return 0;
}

/* ---- asking ---- */

static void two_quick_queries_then_one_each_interval(void **state)
{
	expect("?");
	wait_s(31.24);
	expect("");
	wait_s(0.02);
	expect("?");
	wait_s(124.9);
	expect("");
	wait_s(125.1);
	expect("? ?");
}

static void waits_for_a_link_local_address(void **state)
{
	struct in6_addr none = in6addr_any, own = local('m');
	forward_log();
	assert_int_equal(mld_track_interface(t, 2, &none), 0);
	wait_s(5);
	expect("");
	assert_false(mld_track_querier(t, 2));
	assert_int_equal(mld_track_interface(t, 2, &own), 0);
	expect("?@2");
	assert_true(mld_track_querier(t, 2));
}

static void a_query_that_cannot_leave_is_tried_again(void **state)
{
	wait_s(31);
	forward_log();
	mute = true;
	wait_s(3);
	expect("");
	mute = false;
	wait_s(1);
	expect("?");
}

static void the_lower_address_asks(void **state)
{
	asks('z', 0, false);
	assert_true(mld_track_querier(t, 1));
	asks('a', 0, false);
	assert_false(mld_track_querier(t, 1));
	wait_s(254); /* 2 × 125 + 5: other querier present */
	expect("");
	wait_s(2);
	expect("?");
	assert_true(mld_track_querier(t, 1));
}

static void a_higher_one_does_not_follow_a_lower_one(void **state)
{
	asks('b', 0, false);
	wait_s(100);
	asks('c', 0, false); /* b still is the one to listen to */
	wait_s(156);
	expect("?");
}

static void a_strangers_interval_does_not_silence_us_for_hours(void **state)
{
	uint8_t buf[64];
	struct wr w = wr_make(buf, sizeof buf);
	struct mld_query q = { .v2 = true, .max_response = USEC_SEC, .robustness = 7, .interval = 31744 * USEC_SEC };
	mld_query_pack(&w, &q);
	receive('a', &w);
	wait_s(7 * 4 * 125 + 6);
	expect("?");
}

static void with_querier_always_nobody_silences_us(void **state)
{
	struct mld_params p = usual;
	p.always_querier = true;
	mld_track_reconfigure(t, &p);
	asks('a', 0, false);
	assert_true(mld_track_querier(t, 1));
	wait_s(125);
	expect("?");
}

/* ---- memberships ---- */

static void a_report_begins_and_silence_ends_it(void **state)
{
	joins('a', 1);
	expect("+g1");
	wait_s(259);
	assert_null(strstr(said, "-g1"));
	forward_log();
	wait_s(1.1);
	expect("-g1");
	assert_int_equal(mld_track_listeners(t), 0);
}

static void answers_keep_it_alive(void **state)
{
	joins('a', 1);
	for (int i = 0; i < 5; i++) {
		wait_s(125);
		answers('a', 1);
	}
	assert_null(strstr(said, "-g1"));
	assert_int_equal(mld_track_listeners(t), 1);
}

static void the_second_listener_changes_nothing_and_each_has_its_time(void **state)
{
	joins('a', 1);
	wait_s(100);
	joins('b', 1);
	assert_int_equal(mld_track_listeners(t), 2);
	assert_int_equal(mld_track_groups(t), 1);
	wait_s(161);
	assert_int_equal(mld_track_listeners(t), 1);
	assert_null(strstr(said, "-g1"));
	wait_s(100);
	assert_non_null(strstr(said, "-g1"));
}

static void the_last_leave_asks_twice_before_it_ends(void **state)
{
	joins('a', 1);
	forward_log();
	leaves('a', 1);
	expect("?g1");
	wait_s(1.5);
	expect("?g1");
	wait_s(0.6);
	expect("-g1");
	wait_s(10);
	expect("");
}

static void who_is_still_there_answers_the_question(void **state)
{
	joins('a', 1);
	forward_log();
	leaves('a', 1);
	wait_s(0.5);
	answers('b', 1); /* never heard before */
	wait_s(10);
	expect("?g1");
	assert_int_equal(mld_track_listeners(t), 1);
}

static void a_leave_while_others_listen_asks_nobody(void **state)
{
	joins('a', 1);
	joins('b', 1);
	forward_log();
	leaves('a', 1);
	wait_s(10);
	expect("");
	assert_int_equal(mld_track_listeners(t), 1);
}

static void fast_leave_ends_at_once(void **state)
{
	joins('a', 1);
	forward_log();
	leaves('a', 1);
	expect("-g1");
}

static void fast_leave_still_asks_where_version_1_hosts_hide(void **state)
{
	v1('a', MLD_REPORT, 1);
	forward_log();
	v1('a', MLD_DONE, 1);
	expect("?g1");
	wait_s(0.3);
	v1('b', MLD_REPORT, 1); /* had kept quiet behind a's report */
	wait_s(10);
	expect("");
}

static void version_1_report_and_done(void **state)
{
	v1('a', MLD_REPORT, 1);
	expect("+g1");
	v1('b', MLD_DONE, 1); /* of somebody who never reported */
	expect("");
	v1('a', MLD_DONE, 1);
	wait_s(3);
	expect("?g1 ?g1 -g1");
}

static void source_filters_are_memberships(void **state)
{
	record_at(1, 'a', 1, MLD_ALLOW, 1);
	record_at(1, 'a', 2, MLD_IS_INCLUDE, 2);
	record_at(1, 'a', 3, MLD_TO_INCLUDE, 1);
	record_at(1, 'a', 4, MLD_ALLOW, 0); /* allows nothing */
	record_at(1, 'a', 5, MLD_BLOCK, 1); /* of no membership */
	record_at(1, 'a', 6, (enum mld_record_type)9, 0);
	expect("+g1 +g2 +g3");
}

static void blocked_sources_are_asked_about(void **state)
{
	record_at(1, 'a', 1, MLD_ALLOW, 1);
	record_at(1, 'b', 2, MLD_ALLOW, 1);
	forward_log();
	record_at(1, 'a', 1, MLD_BLOCK, 1); /* the only one it wanted */
	record_at(1, 'b', 2, MLD_BLOCK, 1); /* one of several */
	wait_s(0.5);
	record_at(1, 'b', 2, MLD_IS_INCLUDE, 1);
	wait_s(3);
	expect("?g1 ?g2 ?g1s ?g2s -g1");
}

static void what_stays_on_the_link_is_not_tracked(void **state)
{
	uint8_t buf[64];
	struct wr w = wr_make(buf, sizeof buf);
	struct in6_addr solicited = address("ff02::1:ff00:1");
	mld_v1_pack(&w, MLD_REPORT, &solicited);
	receive('a', &w);
	expect("");
	assert_int_equal(mld_track_listeners(t), 0);
}

static void another_queriers_question_lowers_our_timers(void **state)
{
	joins('a', 1);
	joins('b', 1);
	forward_log();
	asks('A', 0, false);
	asks('A', 1, true); /* suppressed: leave them alone */
	wait_s(3);
	assert_int_equal(mld_track_listeners(t), 2);
	asks('A', 1, false);
	wait_s(1);
	answers('b', 1);
	wait_s(3);
	assert_int_equal(mld_track_listeners(t), 1);
	expect("");
}

static void links_are_apart(void **state)
{
	struct in6_addr own = local('m');
	mld_track_interface(t, 2, &own);
	forward_log();
	joins('a', 1);
	record_at(2, 'a', 1, MLD_TO_EXCLUDE, 0);
	record_at(3, 'a', 1, MLD_TO_EXCLUDE, 0); /* not ours */
	expect("+g1 +g1@2");
	mld_track_interface_gone(t, 2);
	expect("-g1@2");
	assert_int_equal(mld_track_listeners(t), 1);
}

static void tables_are_bounded(void **state)
{
	uint64_t full = context_counters[CONTEXT_TABLE_FULL].value;
	for (int g = 1; g <= 6; g++) /* four for each mobile */
		joins('a', g);
	assert_int_equal(mld_track_listeners(t), 4);
	for (int g = 1; g <= 4; g++) { /* eight groups */
		joins('b', 4 + g);
		joins('c', 8 + g);
	}
	assert_int_equal(mld_track_groups(t), 8);
	assert_int_equal(mld_track_listeners(t), 8);
	for (char who = 'd'; who < 'h'; who++) /* sixteen memberships */
		for (int g = 1; g <= 4; g++)
			joins(who, g);
	assert_int_equal(mld_track_listeners(t), 16);
	assert_int_equal(context_counters[CONTEXT_TABLE_FULL].value - full, 2 + 4 + 8);
	assert_int_equal(install('x', "2001:db8::1", 1), -ENOSPC);
}

/* ---- contexts ---- */

static void a_context_acts_as_a_report(void **state)
{
	assert_int_equal(install('a', "2001:db8:b::1", 1), 0);
	expect("+g1");
	wait_s(259);
	assert_int_equal(mld_track_listeners(t), 1);
	wait_s(2);
	assert_int_equal(mld_track_listeners(t), 0);
}

static bool keep_info(const struct mld_listener_info *i, void *arg)
{
	*(struct mld_listener_info *)arg = *i;
	return true;
}

static void a_context_restarts_the_timer_and_a_report_takes_over(void **state)
{
	struct mld_listener_info i;
	joins('a', 1);
	wait_s(200);
	install('a', "2001:db8:b::1", 1);
	mld_track_each(t, keep_info, &i);
	assert_int_equal(i.by, MLD_BY_REPORT);
	assert_int_equal(i.expires, 260 * USEC_SEC);
	install('b', "2001:db8:b::2", 2);
	mld_track_each(t, keep_info, &i);
	assert_int_equal(i.by, MLD_BY_CONTEXT);
	answers('b', 2);
	mld_track_each(t, keep_info, &i);
	assert_int_equal(i.by, MLD_BY_REPORT);
	assert_int_equal(mld_track_listeners(t), 2);
}

static void who_moves_is_forgotten_at_once(void **state)
{
	struct lladdr a = lladdr('a');
	struct in6_addr name = address("2001:db8:a::1");
	joins('a', 1);
	joins('a', 2);
	joins('b', 2);
	forward_log();
	mld_track_name(t, 1, &a, &name);
	assert_int_equal(forget("2001:db8:a::2"), 0);
	assert_int_equal(forget("2001:db8:a::1"), 2);
	expect("-g1");
	assert_int_equal(mld_track_listeners(t), 1);
}

static void who_moves_from_among_version_1_hosts_is_asked_after(void **state)
{
	struct lladdr a = lladdr('a');
	v1('a', MLD_REPORT, 1);
	forward_log();
	assert_int_equal(mld_track_forget_link(t, 1, &a), 1);
	wait_s(3);
	expect("?g1 ?g1 -g1");
}

static void contexts_without_a_link_address_stay_apart(void **state)
{
	assert_int_equal(install(0, "2001:db8:b::1", 1), 0);
	assert_int_equal(install(0, "2001:db8:b::2", 1), 0);
	assert_int_equal(mld_track_listeners(t), 2);
	assert_int_equal(forget("2001:db8:b::1"), 1);
	expect("+g1");
	assert_int_equal(forget("2001:db8:b::2"), 1);
	expect("-g1");
}

static void a_context_of_a_link_scope_group_is_refused(void **state)
{
	struct lladdr a = lladdr('a');
	struct in6_addr m = address("2001:db8::1"), g = address("ff02::1234");
	assert_int_equal(mld_track_install(t, 1, &a, &m, &g), -EINVAL);
	assert_int_equal(mld_track_install(t, 9, &a, &m, &g), -ENODEV);
	expect("");
}

#define S(name) cmocka_unit_test_setup_teardown(name, setup_settled, teardown)
int main(void)
{
	log_level_set(LOG_LEVEL_ERROR);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(two_quick_queries_then_one_each_interval, setup, teardown),
		cmocka_unit_test_setup_teardown(waits_for_a_link_local_address, setup, teardown),
		cmocka_unit_test_setup_teardown(a_query_that_cannot_leave_is_tried_again, setup, teardown),
		S(the_lower_address_asks),
		S(a_higher_one_does_not_follow_a_lower_one),
		S(a_strangers_interval_does_not_silence_us_for_hours),
		S(with_querier_always_nobody_silences_us),
		S(a_report_begins_and_silence_ends_it),
		S(answers_keep_it_alive),
		S(the_second_listener_changes_nothing_and_each_has_its_time),
		S(the_last_leave_asks_twice_before_it_ends),
		S(who_is_still_there_answers_the_question),
		S(a_leave_while_others_listen_asks_nobody),
		cmocka_unit_test_setup_teardown(fast_leave_ends_at_once, setup_fast, teardown),
		cmocka_unit_test_setup_teardown(fast_leave_still_asks_where_version_1_hosts_hide, setup_fast, teardown),
		S(version_1_report_and_done),
		S(source_filters_are_memberships),
		S(blocked_sources_are_asked_about),
		S(what_stays_on_the_link_is_not_tracked),
		S(another_queriers_question_lowers_our_timers),
		S(links_are_apart),
		S(tables_are_bounded),
		S(a_context_acts_as_a_report),
		S(a_context_restarts_the_timer_and_a_report_takes_over),
		S(who_moves_is_forgotten_at_once),
		S(who_moves_from_among_version_1_hosts_is_asked_after),
		S(contexts_without_a_link_address_stay_apart),
		S(a_context_of_a_link_scope_group_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
