/*
 * Scenarios of multicast listener tracking under the virtual clock. Each test tells a story: hosts a, b, c on link 1 (and
 * 2) report, leave and fall silent; the log of what the tracker did is read at the end of each act.
 *
 *   ?      a general query          ?g1    a query for group g1     ?g1{ab}  about its sources a and b
 *   +g1    all of g1 is forwarded   +g1{ab} from sources a and b    +g1{-ab} from all but a and b
 *   -g1    forwarding ends          (link 2: +g1@2; IPv4: ?4, +h1)
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
#include "context/gmp_track.h"
#include "context/igmp_wire.h"
#include "context/mld_wire.h"
#include "core/log.h"

static struct loop *loop;
static struct gmp_track *t;
static char said[4096];
static bool mute; /* queries cannot be sent */
static struct gmp_query asked; /* the last one */
static int yields;

static const struct gmp_params usual = { .robustness = 2, .query_interval = 125 * USEC_SEC, .response_interval = 10 * USEC_SEC,
	                                 .last_listener_interval = USEC_SEC, .groups = 8, .listeners = 16,
	                                 .igmp_version = GMP_V3, .mld_version = GMP_V3, .groups_per_mobile = 4, .sources = 8 };

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

static struct in6_addr source(char which)
{
	struct in6_addr a = address("2001:db8:5::");
	a.s6_addr[15] = (uint8_t)which;
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

static void say_sources(const struct in6_addr *source, size_t n, bool exclude)
{
	size_t at = strlen(said);
	if (!n)
		return;
	at += (size_t)snprintf(said + at, sizeof said - at, "{%s", exclude ? "-" : "");
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(said + at, sizeof said - at, "%c", source[i].s6_addr[15]);
	snprintf(said + at, sizeof said - at, "}");
}

static char letter(const struct in6_addr *g)
{
	return addr_is_v4(g) ? 'h' : 'g';
}

static bool on_query(int ifindex, const struct gmp_query *q, void *arg)
{
	if (mute)
		return false;
	asked = *q;
	if (addr_is_zero(&q->group))
		say(q->v4 ? "?4" : "?");
	else
		say("?%c%d", letter(&q->group), q->group.s6_addr[15]);
	say_sources(q->ask, q->ask_n, false);
	at_link(ifindex);
	return true;
}

static void on_forward(int ifindex, const struct in6_addr *g, const struct source_filter *f, void *arg)
{
	say("%c%c%d", source_filter_empty(f) ? '-' : '+', letter(g), g->s6_addr[15]);
	say_sources(f->source, f->n, f->exclude);
	at_link(ifindex);
}

static void on_yielded(int ifindex, bool v4, void *arg)
{
	yields++;
}

static enum gmp_change last_change;
static bool last_one;

static void on_changed(const struct gmp_member *m, enum gmp_change c, void *arg)
{
	last_change = c;
	last_one = m->last;
}

static const struct gmp_ops ops = { on_query, on_forward, on_changed, on_yielded };

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
	struct gmp_message m;
	struct lladdr l = lladdr(who);
	struct in6_addr src = local(who);
	assert_true(mld_parse(bytes, len, &m));
	gmp_track_receive(t, ifindex, &l, &src, &m);
}

static void receive(char who, struct wr *w)
{
	assert_true(wr_ok(w));
	receive_at(1, who, w->base, w->len);
}

/* Version 2 report with one record; sources are letters. */
static void record_at(int ifindex, char who, int g, enum gmp_record_type type, const char *letters)
{
	uint8_t buf[1024];
	struct in6_addr sources[32];
	struct wr w = wr_make(buf, sizeof buf);
	struct gmp_record_out r = { .type = (uint8_t)type, .group = group(g), .source = sources, .n = strlen(letters) };
	for (size_t i = 0; i < r.n; i++)
		sources[i] = source(letters[i]);
	mld_report_pack(&w, &r, 1);
	assert_true(wr_ok(&w));
	receive_at(ifindex, who, w.base, w.len);
}

static void joins(char who, int g)
{
	record_at(1, who, g, GMP_TO_EXCLUDE, "");
}

static void answers(char who, int g)
{
	record_at(1, who, g, GMP_IS_EXCLUDE, "");
}

static void leaves(char who, int g)
{
	record_at(1, who, g, GMP_TO_INCLUDE, "");
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
	struct gmp_query q = { .version = GMP_V3, .max_response = g ? USEC_SEC : 10 * USEC_SEC, .suppress = suppress, .robustness = 2,
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
	return gmp_track_install(t, 1, &l, &m, &a, &source_filter_all);
}

static size_t forget(const char *mobile)
{
	struct in6_addr m = address(mobile);
	return gmp_track_forget(t, &m);
}

static void begin(const struct gmp_params *p)
{
	struct in6_addr own = local('m');
	said[0] = 0;
	mute = false;
	loop = loop_create_virtual(USEC_SEC);
	t = gmp_track_create(loop, p, &ops, NULL);
	assert_non_null(t);
	assert_int_equal(gmp_track_interface(t, 1, false, &own), 0);
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
	struct gmp_params p = usual;
	p.fast_leave = true;
	begin(&p);
	wait_s(40);
	forward_log();
	return 0;
}

static int teardown(void **state)
{
	gmp_track_destroy(t);
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
	assert_int_equal(gmp_track_interface(t, 2, false, &none), 0);
	wait_s(5);
	expect("");
	assert_false(gmp_track_querier(t, 2, false));
	assert_int_equal(gmp_track_interface(t, 2, false, &own), 0);
	expect("?@2");
	assert_true(gmp_track_querier(t, 2, false));
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
	assert_true(gmp_track_querier(t, 1, false));
	asks('a', 0, false);
	assert_false(gmp_track_querier(t, 1, false));
	wait_s(254); /* 2 × 125 + 5: other querier present */
	expect("");
	wait_s(2);
	expect("?");
	assert_true(gmp_track_querier(t, 1, false));
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
	struct gmp_query q = { .version = GMP_V3, .max_response = USEC_SEC, .robustness = 7, .interval = 31744 * USEC_SEC };
	mld_query_pack(&w, &q);
	receive('a', &w);
	wait_s(7 * 4 * 125 + 6);
	expect("?");
}

static void with_querier_always_nobody_silences_us(void **state)
{
	struct gmp_params p = usual;
	p.always_querier = true;
	gmp_track_reconfigure(t, &p);
	asks('a', 0, false);
	assert_true(gmp_track_querier(t, 1, false));
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
	assert_int_equal(gmp_track_listeners(t), 0);
}

static void answers_keep_it_alive(void **state)
{
	joins('a', 1);
	for (int i = 0; i < 5; i++) {
		wait_s(125);
		answers('a', 1);
	}
	assert_null(strstr(said, "-g1"));
	assert_int_equal(gmp_track_listeners(t), 1);
}

static void the_second_listener_changes_nothing_and_each_has_its_time(void **state)
{
	joins('a', 1);
	wait_s(100);
	joins('b', 1);
	assert_int_equal(gmp_track_listeners(t), 2);
	assert_int_equal(gmp_track_groups(t), 1);
	wait_s(161);
	assert_int_equal(gmp_track_listeners(t), 1);
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
	assert_int_equal(gmp_track_listeners(t), 1);
}

static void a_leave_while_others_listen_asks_nobody(void **state)
{
	joins('a', 1);
	joins('b', 1);
	forward_log();
	leaves('a', 1);
	wait_s(10);
	expect("");
	assert_int_equal(gmp_track_listeners(t), 1);
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
	record_at(1, 'a', 1, GMP_ALLOW, "x");
	record_at(1, 'a', 2, GMP_IS_INCLUDE, "yx");
	record_at(1, 'a', 3, GMP_TO_INCLUDE, "x");
	record_at(1, 'a', 4, GMP_ALLOW, ""); /* allows nothing */
	record_at(1, 'a', 5, GMP_BLOCK, "x"); /* of no membership */
	record_at(1, 'a', 6, (enum gmp_record_type)9, "");
	record_at(1, 'a', 7, GMP_TO_EXCLUDE, "xy");
	expect("+g1{x} +g2{xy} +g3{x} +g7{-xy}");
}

static void filters_of_several_listeners_are_merged(void **state)
{
	record_at(1, 'a', 1, GMP_ALLOW, "x");
	record_at(1, 'b', 1, GMP_ALLOW, "y");
	record_at(1, 'c', 1, GMP_TO_EXCLUDE, "xz");
	expect("+g1{x} +g1{xy} +g1{-z}");
	joins('d', 1);
	expect("+g1");
	record_at(1, 'b', 1, GMP_ALLOW, "w"); /* nothing new to the link */
	expect("");
}

static void a_source_that_loses_its_last_listener_is_asked_about(void **state)
{
	record_at(1, 'a', 1, GMP_ALLOW, "xy");
	record_at(1, 'b', 1, GMP_ALLOW, "y");
	forward_log();
	record_at(1, 'a', 1, GMP_BLOCK, "xy"); /* y is still wanted; it was a's last word about the group */
	expect("?g1{x}");
	wait_s(1.5);
	expect("?g1{x}");
	wait_s(1);
	expect("+g1{y}");
	assert_int_equal(gmp_track_listeners(t), 1);
}

static void who_still_wants_the_source_answers(void **state)
{
	record_at(1, 'a', 1, GMP_ALLOW, "xy");
	forward_log();
	record_at(1, 'a', 1, GMP_BLOCK, "x");
	expect("?g1{x}");
	wait_s(0.5);
	record_at(1, 'b', 1, GMP_IS_INCLUDE, "x"); /* never heard before */
	wait_s(10);
	expect("");
	assert_int_equal(gmp_track_listeners(t), 2);
}

static void blocking_the_only_source_is_a_leave(void **state)
{
	record_at(1, 'a', 1, GMP_ALLOW, "x");
	forward_log();
	record_at(1, 'a', 1, GMP_BLOCK, "x");
	assert_int_equal(last_change, GMP_SAID_LEAVE);
	wait_s(3);
	expect("?g1 ?g1 -g1");
}

static void a_host_that_excludes_more_is_asked_after(void **state)
{
	joins('a', 1);
	forward_log();
	record_at(1, 'a', 1, GMP_BLOCK, "x");
	wait_s(3);
	expect("?g1{x} ?g1{x} +g1{-x}");
	record_at(1, 'a', 1, GMP_ALLOW, "x");
	expect("+g1");
}

static void from_exclude_to_include_and_back(void **state)
{
	joins('a', 1);
	forward_log();
	record_at(1, 'a', 1, GMP_TO_INCLUDE, "x");
	wait_s(3);
	expect("?g1 ?g1 +g1{x}");
	record_at(1, 'a', 1, GMP_TO_EXCLUDE, "");
	expect("+g1");
}

/* The change to INCLUDE was lost; what the host answers from then on tells of sources only. */
static void a_lost_change_of_mode_is_noticed_by_time(void **state)
{
	joins('a', 1);
	forward_log();
	wait_s(200);
	record_at(1, 'a', 1, GMP_IS_INCLUDE, "x");
	wait_s(61);
	expect("? ? +g1{x}");
	wait_s(200);
	assert_non_null(strstr(said, "-g1"));
}

static void each_source_has_its_time(void **state)
{
	record_at(1, 'a', 1, GMP_ALLOW, "x");
	wait_s(100);
	record_at(1, 'a', 1, GMP_IS_INCLUDE, "y");
	wait_s(161);
	assert_non_null(strstr(said, "+g1{y}"));
	assert_int_equal(gmp_track_listeners(t), 1);
	wait_s(100);
	assert_int_equal(last_change, GMP_EXPIRED);
	assert_int_equal(gmp_track_listeners(t), 0);
}

static void a_long_list_in_two_parts_is_one(void **state)
{
	record_at(1, 'a', 1, GMP_TO_INCLUDE, "stuvw");
	record_at(1, 'a', 1, GMP_TO_INCLUDE, "xy");
	expect("+g1{stuvw} +g1{stuvwxy}");
}

static void too_many_sources_widen(void **state)
{
	uint64_t widened = context_counters[CONTEXT_WIDENED].value;
	record_at(1, 'a', 1, GMP_ALLOW, "abcdefghi");
	expect("+g1");
	record_at(1, 'a', 2, GMP_TO_EXCLUDE, "abcdefghi");
	expect("+g2{-abcdefgh}");
	assert_int_equal(context_counters[CONTEXT_WIDENED].value - widened, 2);
	record_at(1, 'b', 3, GMP_ALLOW, "abcde");
	record_at(1, 'c', 3, GMP_ALLOW, "fghij"); /* together more than are kept */
	expect("+g3{abcde} +g3");
}

static void another_queriers_question_lowers_its_sources(void **state)
{
	uint8_t buf[256];
	struct wr w = wr_make(buf, sizeof buf);
	struct in6_addr x = source('x');
	struct gmp_query q = { .version = GMP_V3, .group = group(1), .max_response = USEC_SEC, .robustness = 2,
		               .interval = 125 * USEC_SEC, .ask = &x, .ask_n = 1 };
	record_at(1, 'a', 1, GMP_ALLOW, "xy");
	joins('b', 2);
	forward_log();
	asks('A', 0, false);
	mld_query_pack(&w, &q);
	receive('A', &w);
	wait_s(3);
	expect("+g1{y}");
}

static void what_stays_on_the_link_is_not_tracked(void **state)
{
	uint8_t buf[64];
	struct wr w = wr_make(buf, sizeof buf);
	struct in6_addr solicited = address("ff02::1:ff00:1");
	mld_v1_pack(&w, MLD_REPORT, &solicited);
	receive('a', &w);
	expect("");
	assert_int_equal(gmp_track_listeners(t), 0);
}

static void another_queriers_question_lowers_our_timers(void **state)
{
	joins('a', 1);
	joins('b', 1);
	forward_log();
	asks('A', 0, false);
	asks('A', 1, true); /* suppressed: leave them alone */
	wait_s(3);
	assert_int_equal(gmp_track_listeners(t), 2);
	asks('A', 1, false);
	wait_s(1);
	answers('b', 1);
	wait_s(3);
	assert_int_equal(gmp_track_listeners(t), 1);
	expect("");
}

static void links_are_apart(void **state)
{
	struct in6_addr own = local('m');
	gmp_track_interface(t, 2, false, &own);
	forward_log();
	joins('a', 1);
	record_at(2, 'a', 1, GMP_TO_EXCLUDE, "");
	record_at(3, 'a', 1, GMP_TO_EXCLUDE, ""); /* not ours */
	expect("+g1 +g1@2");
	gmp_track_interface_gone(t, 2, false);
	expect("-g1@2");
	assert_int_equal(gmp_track_listeners(t), 1);
}

static void tables_are_bounded(void **state)
{
	uint64_t full = context_counters[CONTEXT_TABLE_FULL].value;
	for (int g = 1; g <= 6; g++) /* four for each mobile */
		joins('a', g);
	assert_int_equal(gmp_track_listeners(t), 4);
	for (int g = 1; g <= 4; g++) { /* eight groups */
		joins('b', 4 + g);
		joins('c', 8 + g);
	}
	assert_int_equal(gmp_track_groups(t), 8);
	assert_int_equal(gmp_track_listeners(t), 8);
	for (char who = 'd'; who < 'h'; who++) /* sixteen memberships */
		for (int g = 1; g <= 4; g++)
			joins(who, g);
	assert_int_equal(gmp_track_listeners(t), 16);
	assert_int_equal(context_counters[CONTEXT_TABLE_FULL].value - full, 2 + 4 + 8);
	assert_int_equal(install('x', "2001:db8::1", 1), -ENOSPC);
}

/* ---- contexts ---- */

static void a_context_acts_as_a_report(void **state)
{
	assert_int_equal(install('a', "2001:db8:b::1", 1), 0);
	expect("+g1");
	wait_s(259);
	assert_int_equal(gmp_track_listeners(t), 1);
	wait_s(2);
	assert_int_equal(gmp_track_listeners(t), 0);
}

static bool keep_info(const struct gmp_member *i, void *arg)
{
	*(struct gmp_member *)arg = *i;
	return true;
}

static void a_context_restarts_the_timer_and_a_report_takes_over(void **state)
{
	struct gmp_member i;
	joins('a', 1);
	wait_s(200);
	install('a', "2001:db8:b::1", 1);
	gmp_track_each(t, keep_info, &i);
	assert_int_equal(i.by, GMP_BY_REPORT);
	assert_int_equal(i.expires, 260 * USEC_SEC);
	install('b', "2001:db8:b::2", 2);
	gmp_track_each(t, keep_info, &i);
	assert_int_equal(i.by, GMP_BY_CONTEXT);
	answers('b', 2);
	gmp_track_each(t, keep_info, &i);
	assert_int_equal(i.by, GMP_BY_REPORT);
	assert_int_equal(gmp_track_listeners(t), 2);
}

static void who_moves_is_forgotten_at_once(void **state)
{
	struct lladdr a = lladdr('a');
	struct in6_addr name = address("2001:db8:a::1");
	joins('a', 1);
	joins('a', 2);
	joins('b', 2);
	forward_log();
	gmp_track_name(t, 1, &a, &name);
	assert_int_equal(forget("2001:db8:a::2"), 0);
	assert_int_equal(forget("2001:db8:a::1"), 2);
	expect("-g1");
	assert_int_equal(gmp_track_listeners(t), 1);
}

static void who_moves_from_among_version_1_hosts_is_asked_after(void **state)
{
	struct lladdr a = lladdr('a');
	v1('a', MLD_REPORT, 1);
	forward_log();
	assert_int_equal(gmp_track_forget_link(t, 1, &a), 1);
	wait_s(3);
	expect("?g1 ?g1 -g1");
}

static void contexts_without_a_link_address_stay_apart(void **state)
{
	assert_int_equal(install(0, "2001:db8:b::1", 1), 0);
	assert_int_equal(install(0, "2001:db8:b::2", 1), 0);
	assert_int_equal(gmp_track_listeners(t), 2);
	assert_int_equal(forget("2001:db8:b::1"), 1);
	expect("+g1");
	assert_int_equal(forget("2001:db8:b::2"), 1);
	expect("-g1");
}

static void a_context_of_a_link_scope_group_is_refused(void **state)
{
	struct lladdr a = lladdr('a');
	struct in6_addr m = address("2001:db8::1"), g = address("ff02::1234");
	assert_int_equal(gmp_track_install(t, 1, &a, &m, &g, &source_filter_all), -EINVAL);
	assert_int_equal(gmp_track_install(t, 9, &a, &m, &g, &source_filter_all), -ENODEV);
	expect("");
}

static void install_with(char who, int g, bool exclude, const char *letters)
{
	struct lladdr l = lladdr(who);
	struct in6_addr m = address("2001:db8:b::1"), a = group(g), sources[8];
	size_t n = strlen(letters);
	for (size_t i = 0; i < n; i++)
		sources[i] = source(letters[i]);
	const struct source_filter *f = source_filter_make(exclude, sources, n, 8);
	assert_int_equal(gmp_track_install(t, 1, &l, &m, &a, f), 0);
	source_filter_free(f);
}

/* FPT 1 first, which knows no sources; then the block of the filter. */
static void a_context_with_a_filter_narrows_one_without(void **state)
{
	assert_int_equal(install('a', "2001:db8:b::1", 1), 0);
	expect("+g1");
	install_with('a', 1, false, "xy");
	expect("+g1{xy}");
	assert_int_equal(last_change, GMP_INSTALLED);
	install_with('b', 2, true, "x");
	expect("+g2{-x}");
	wait_s(261);
	assert_int_equal(gmp_track_listeners(t), 0);
}

static void a_report_knows_better_than_a_context(void **state)
{
	record_at(1, 'a', 1, GMP_ALLOW, "x");
	wait_s(200);
	install_with('a', 1, true, "");
	expect("+g1{x} ?"); /* its time begins anew, and nothing else */
	wait_s(100);
	assert_int_equal(gmp_track_listeners(t), 1);
}

static void a_context_that_wants_nothing_is_refused(void **state)
{
	struct lladdr a = lladdr('a');
	struct in6_addr m = address("2001:db8::1"), g = group(1);
	assert_int_equal(gmp_track_install(t, 1, &a, &m, &g, &source_filter_none), -EINVAL);
}

/* Others of the link have to be told only when nobody is left. */
static void the_last_one_to_move_is_known_as_such(void **state)
{
	struct lladdr a = lladdr('a'), b = lladdr('b');
	joins('a', 1);
	joins('b', 1);
	gmp_track_forget_link(t, 1, &a);
	assert_int_equal(last_change, GMP_MOVED);
	assert_false(last_one);
	gmp_track_forget_link(t, 1, &b);
	assert_true(last_one);
}

static void narrower_limits_end_what_came_last(void **state)
{
	struct gmp_params p = usual;
	for (int g = 1; g <= 4; g++)
		joins('a', g);
	joins('b', 5);
	forward_log();
	p.groups = 4;
	gmp_track_reconfigure(t, &p);
	expect("-g5");
	p.groups_per_mobile = 3;
	gmp_track_reconfigure(t, &p);
	expect("-g4");
	p.listeners = 2;
	gmp_track_reconfigure(t, &p);
	expect("-g3");
	gmp_track_reconfigure(t, &usual);
	expect("");
	assert_int_equal(gmp_track_listeners(t), 2);
}

static void whoever_asks_is_told_of(void **state)
{
	yields = 0;
	assert_int_equal(gmp_track_shared(t, 1, false), 0);
	asks('z', 0, false); /* loses */
	assert_int_equal(gmp_track_shared(t, 1, false), GMP_V3);
	assert_int_equal(yields, 0);
	asks('a', 0, false);
	asks('a', 0, false);
	assert_int_equal(yields, 1);
	assert_true(gmp_track_yielded(t, 1, false));
	wait_s(256);
	assert_int_equal(yields, 2);
	assert_false(gmp_track_yielded(t, 1, false));
}

/* ---- IPv4 ---- */

static struct in6_addr ip(const char *text)
{
	return address(text);
}

static struct in6_addr host_ip(char who)
{
	struct in6_addr a = ip("192.0.2.0");
	a.s6_addr[15] = (uint8_t)who;
	return a;
}

static void igmp(char who, const void *bytes, size_t len)
{
	struct gmp_message m;
	struct lladdr l = lladdr(who);
	struct in6_addr src = host_ip(who);
	assert_true(igmp_parse(bytes, len, &m));
	gmp_track_receive(t, 1, &l, &src, &m);
}
#define IGMP(who, ...) igmp(who, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))
#define H1 239, 1, 1, 1
#define V1_REPORT 0x12, 0, 0, 0
#define V2_REPORT 0x16, 0, 0, 0
#define V2_LEAVE 0x17, 0, 0, 0
#define V3_ONE 0x22, 0, 0, 0, 0, 0, 0, 1 /* report with one record */
#define X4 198, 51, 100, 'x'

static void on_ipv4(void)
{
	struct in6_addr own = ip("192.0.2.109");
	assert_int_equal(gmp_track_interface(t, 1, true, &own), 0);
	wait_s(40);
	forward_log();
}

static int setup_ipv4(void **state)
{
	begin(&usual);
	on_ipv4();
	return 0;
}

static int setup_ipv4_fast(void **state)
{
	struct gmp_params p = usual;
	p.fast_leave = true;
	begin(&p);
	on_ipv4();
	return 0;
}

static void ipv4_has_a_querier_of_its_own(void **state)
{
	IGMP('a', 0x11, 100, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0);
	assert_false(gmp_track_querier(t, 1, true));
	assert_true(gmp_track_querier(t, 1, false));
	wait_s(256); /* MLD's two queries, and IGMP's when the other one is silent */
	expect("? ? ?4");
}

static void a_switch_that_asks_from_no_address_is_no_querier(void **state)
{
	static const uint8_t query[] = { 0x11, 100, 0, 0, 0, 0, 0, 0 };
	struct gmp_message m;
	struct lladdr l = lladdr('s');
	struct in6_addr none = ip("0.0.0.0");
	assert_true(igmp_parse(query, sizeof query, &m));
	gmp_track_receive(t, 1, &l, &none, &m);
	assert_true(gmp_track_querier(t, 1, true));
	assert_int_equal(gmp_track_shared(t, 1, true), 0);
}

static void version_3_of_igmp(void **state)
{
	IGMP('a', V3_ONE, GMP_TO_EXCLUDE, 0, 0, 0, H1);
	expect("+h1");
	IGMP('b', V3_ONE, GMP_ALLOW, 0, 0, 1, 232, 1, 1, 2, X4);
	expect("+h2{x}");
	IGMP('a', V3_ONE, GMP_TO_INCLUDE, 0, 0, 0, H1);
	wait_s(3);
	expect("?h1 ?h1 -h1");
}

static void version_2_of_igmp(void **state)
{
	IGMP('a', V2_REPORT, H1);
	expect("+h1");
	IGMP('b', V2_LEAVE, H1); /* of somebody who never reported */
	expect("");
	IGMP('a', V2_LEAVE, H1);
	wait_s(0.5);
	IGMP('b', V2_REPORT, H1); /* had kept quiet behind a's report */
	wait_s(10);
	expect("?h1");
	assert_int_equal(gmp_track_listeners(t), 1);
}

/* Version 1 hosts say no goodbye and do not answer a query for one group. */
static void version_1_of_igmp_ends_by_time(void **state)
{
	IGMP('a', V1_REPORT, H1);
	IGMP('b', V2_REPORT, H1);
	forward_log();
	IGMP('b', V2_LEAVE, H1);
	assert_int_equal(gmp_track_listeners(t), 2);
	wait_s(259);
	assert_int_equal(gmp_track_listeners(t), 2);
	wait_s(2);
	assert_int_equal(gmp_track_listeners(t), 0);
	assert_non_null(strstr(said, "-h1"));
}

static void where_a_version_1_host_was_its_time_has_to_run_out(void **state)
{
	struct lladdr a = lladdr('a');
	IGMP('a', V1_REPORT, H1);
	forward_log();
	wait_s(10);
	gmp_track_forget_link(t, 1, &a); /* others may have kept quiet behind it */
	wait_s(200);
	assert_null(strstr(said, "-h1"));
	wait_s(51);
	assert_non_null(strstr(said, "-h1"));
}

/* RFC 3376 §7.3.2: beside an older host's report a newer one's finer words would hit the older ones. */
static void among_version_2_hosts_filters_are_not_heeded(void **state)
{
	IGMP('a', V2_REPORT, H1);
	IGMP('b', V3_ONE, GMP_TO_EXCLUDE, 0, 0, 1, H1, X4);
	expect("+h1");
	IGMP('b', V3_ONE, GMP_BLOCK, 0, 0, 1, H1, X4);
	IGMP('a', V2_LEAVE, H1);
	wait_s(3);
	expect("");
}

static void a_fast_leave_of_igmp(void **state)
{
	IGMP('a', V3_ONE, GMP_TO_EXCLUDE, 0, 0, 0, H1);
	IGMP('a', V3_ONE, GMP_TO_INCLUDE, 0, 0, 0, H1);
	expect("+h1 -h1");
	IGMP('a', V3_ONE, GMP_ALLOW, 0, 0, 2, H1, X4, 198, 51, 100, 'y');
	IGMP('a', V3_ONE, GMP_BLOCK, 0, 0, 1, H1, X4);
	expect("+h1{xy} +h1{y}");
}

static void asked_in_the_version_that_is_configured(void **state)
{
	struct gmp_params p = usual;
	p.igmp_version = GMP_V2;
	gmp_track_reconfigure(t, &p);
	wait_s(125);
	assert_int_equal(asked.version, GMP_V2);
	assert_true(asked.v4);
	IGMP('a', V3_ONE, GMP_ALLOW, 0, 0, 2, H1, X4, 198, 51, 100, 'y');
	forward_log();
	IGMP('a', V3_ONE, GMP_BLOCK, 0, 0, 1, H1, X4); /* version 2 cannot ask about a source */
	expect("?h1");
}

static void what_stays_on_an_ipv4_link_is_not_tracked(void **state)
{
	IGMP('a', V2_REPORT, 224, 0, 0, 251);
	expect("");
	assert_int_equal(gmp_track_listeners(t), 0);
}

static void an_ipv4_group_in_mld_is_none(void **state)
{
	static const uint8_t report[] = { 143, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, H1 };
	receive_at(1, 'a', report, sizeof report);
	expect("");
	assert_int_equal(gmp_track_listeners(t), 0);
}

static void a_mobile_is_one_in_both_families(void **state)
{
	struct lladdr a = lladdr('a');
	struct in6_addr name = address("2001:db8:a::1"), g4 = ip("239.1.1.1");
	joins('a', 1);
	IGMP('a', V2_REPORT, 239, 1, 1, 2);
	assert_int_equal(gmp_track_install(t, 1, &a, &name, &g4, &source_filter_all), 0);
	expect("+g1 +h2 +h1");
	assert_int_equal(forget("2001:db8:a::1"), 3);
	expect("-g1 ?h2 -h1"); /* a version 2 report may have silenced others */
	gmp_track_interface_gone(t, 1, true);
	expect("-h2");
	assert_int_equal(gmp_track_groups(t), 0);
}

#define V4(name) cmocka_unit_test_setup_teardown(name, setup_ipv4, teardown)
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
		S(filters_of_several_listeners_are_merged),
		S(a_source_that_loses_its_last_listener_is_asked_about),
		S(who_still_wants_the_source_answers),
		S(blocking_the_only_source_is_a_leave),
		S(a_host_that_excludes_more_is_asked_after),
		S(from_exclude_to_include_and_back),
		S(a_lost_change_of_mode_is_noticed_by_time),
		S(each_source_has_its_time),
		S(a_long_list_in_two_parts_is_one),
		S(too_many_sources_widen),
		S(another_queriers_question_lowers_its_sources),
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
		S(a_context_with_a_filter_narrows_one_without),
		S(a_report_knows_better_than_a_context),
		S(a_context_that_wants_nothing_is_refused),
		S(the_last_one_to_move_is_known_as_such),
		S(narrower_limits_end_what_came_last),
		S(whoever_asks_is_told_of),
		V4(ipv4_has_a_querier_of_its_own),
		V4(a_switch_that_asks_from_no_address_is_no_querier),
		V4(version_3_of_igmp),
		V4(version_2_of_igmp),
		V4(version_1_of_igmp_ends_by_time),
		V4(where_a_version_1_host_was_its_time_has_to_run_out),
		V4(among_version_2_hosts_filters_are_not_heeded),
		cmocka_unit_test_setup_teardown(a_fast_leave_of_igmp, setup_ipv4_fast, teardown),
		V4(asked_in_the_version_that_is_configured),
		V4(what_stays_on_an_ipv4_link_is_not_tracked),
		V4(an_ipv4_group_in_mld_is_none),
		V4(a_mobile_is_one_in_both_families),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
