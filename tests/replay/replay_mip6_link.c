/* Which link is it: router advertisements read by octets, and the detector of movements under a virtual clock (RFC 6275 §11.5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mip6/mip6_link.h"

#define MS(n) ((usec_t)(n) * USEC_MSEC)
#define S(n) ((usec_t)(n) * USEC_SEC)

static struct world {
	struct loop *loop;
	struct mip6_link *link;
	unsigned solicits, probes, settled;
	usec_t solicited_at;
	enum mip6_link_word word;
	struct in6_addr router;
	uint8_t home; /* last octet of the home link's router */
} w;

static void op_solicit(void *arg)
{
	w.solicits++;
	w.solicited_at = loop_now(w.loop);
}

static void op_probe(void *arg, const struct mip6_place *p)
{
	w.probes++;
}

static bool op_home(void *arg, const struct mip6_place *p)
{
	return w.home && p->router.s6_addr[15] == w.home;
}

static void op_settled(void *arg, const struct mip6_place *p, enum mip6_link_word word, usec_t at)
{
	w.settled++;
	w.word = word;
	w.router = p->router;
}

static const struct mip6_link_ops ops = { .solicit = op_solicit, .probe = op_probe, .home = op_home, .settled = op_settled };

static int setup(void **state)
{
	static const struct mip6_link_params params = { .solicit_interval = S(4), .probe_timeout = MS(200), .fast_wait = MS(300) };
	memset(&w, 0, sizeof w);
	w.loop = loop_create_virtual(S(1000));
	w.link = mip6_link_create(w.loop, &params, &ops, NULL);
	return w.link ? 0 : -1;
}

static int teardown(void **state)
{
	mip6_link_destroy(w.link);
	assert_int_equal(loop_next_due(w.loop), UINT64_MAX); /* no timer is left behind */
	loop_destroy(w.loop);
	return 0;
}

static void after(usec_t t)
{
	loop_advance(w.loop, loop_now(w.loop) + t);
}

static struct in6_addr router(uint8_t n)
{
	return (struct in6_addr){ .s6_addr = { 0xfe, 0x80, [15] = n } };
}

/* RFC 4861 §4.2, §4.6: router lifetime 1800 s; source 02:00:00:00:00:n; prefix 2001:db8:prefix::/64, L and A, 7200 s and 3600 s; RFC
 * 6275 §7.3: at least every `interval` ms, if not 0. */
static void advertised(uint8_t n, uint8_t prefix, uint16_t lifetime, uint32_t interval)
{
	uint8_t ra[64] = { 134, 0, 0, 0, 64, 0, (uint8_t)(lifetime >> 8), (uint8_t)lifetime, [16] = 1, 1, 2, 0, 0, 0, 0, n,
		               3, 4, 64, 0xc0, 0, 0, 0x1c, 0x20, 0, 0, 0x0e, 0x10, 0, 0, 0, 0, 0x20, 0x01, 0x0d, 0xb8, 0, prefix,
		               [56] = 7, 1, 0, 0, (uint8_t)(interval >> 24), (uint8_t)(interval >> 16), (uint8_t)(interval >> 8), (uint8_t)interval };
	struct nd_ra parsed;
	struct in6_addr src = router(n);
	assert_int_equal(nd_ra_parse(ra, interval ? 64 : 56, 6, &parsed), 0);
	mip6_link_ra(w.link, &src, &parsed, loop_now(w.loop));
}

static void answers(uint8_t n)
{
	struct in6_addr target = router(n);
	mip6_link_na(w.link, &target, loop_now(w.loop));
}

static void settle_on(uint8_t n, uint8_t prefix)
{
	mip6_link_up(w.link, false);
	advertised(n, prefix, 1800, 0);
	assert_int_equal(mip6_link_state(w.link), MIP6_LINK_SETTLED);
}

/* ---- movements ---- */

static void asks_at_once_and_ever_more_slowly(void **state)
{
	static const unsigned at_s[] = { 0, 4, 12, 28, 60, 124, 244, 364 };
	mip6_link_up(w.link, false);
	for (size_t i = 0; i < sizeof at_s / sizeof *at_s; i++) {
		assert_int_equal(w.solicits, i + 1);
		assert_int_equal(w.solicited_at, S(1000 + at_s[i]));
		if (i + 1 < sizeof at_s / sizeof *at_s)
			after(S(at_s[i + 1] - at_s[i]));
	}
	advertised(1, 0xa, 1800, 0);
	assert_int_equal(w.settled, 1);
	after(S(1000));
	assert_int_equal(w.solicits, 8);
}

static void nothing_is_asked_and_nothing_believed_without_a_carrier(void **state)
{
	settle_on(1, 0xa);
	mip6_link_up(w.link, false); /* it is up */
	assert_int_equal(mip6_link_state(w.link), MIP6_LINK_SETTLED);
	mip6_link_down(w.link);
	mip6_link_up(w.link, false);
	mip6_link_down(w.link);
	unsigned before = w.solicits;
	after(S(100));
	advertised(1, 0xa, 1800, 0);
	assert_int_equal(w.solicits, before);
	assert_int_equal(w.settled, 1);
	assert_int_equal(mip6_link_state(w.link), MIP6_LINK_DOWN);
}

static void the_pace_is_configured(void **state)
{
	static const struct mip6_link_params params = { .solicit_interval = S(1), .probe_timeout = MS(20), .fast_wait = MS(300) };
	mip6_link_reload(w.link, &params);
	mip6_link_up(w.link, false);
	after(S(1));
	assert_int_equal(w.solicits, 2);
}

static void the_link_may_come_back_as_it_was(void **state)
{
	settle_on(1, 0xa);
	mip6_link_down(w.link);
	after(S(1));
	mip6_link_up(w.link, false);
	advertised(1, 0xa, 1800, 0);
	assert_int_equal(w.word, MIP6_LINK_SAME);
}

static void another_prefix_after_a_gap_is_another_link(void **state)
{
	settle_on(1, 0xa);
	mip6_link_down(w.link);
	mip6_link_up(w.link, false);
	advertised(1, 0xb, 1800, 0); /* link-local addresses are not unique: the same means nothing */
	assert_int_equal(w.word, MIP6_LINK_MOVED);
	assert_string_equal(PREFIX(&mip6_link_place(w.link)->prefixes[0].prefix), "2001:db8:b::/64");
}

/* A router that is none (lifetime 0) says nothing about where we are. */
static void no_default_router_no_link(void **state)
{
	mip6_link_up(w.link, false);
	advertised(1, 0xa, 0, 0);
	assert_int_equal(w.settled, 0);
}

/* Nor one that names no prefix. */
static void no_prefix_no_link(void **state)
{
	const uint8_t ra[16] = { 134, 0, 0, 0, 64, 0, 7, 8 };
	struct nd_ra parsed;
	struct in6_addr src = router(2);
	assert_int_equal(nd_ra_parse(ra, sizeof ra, 6, &parsed), 0);
	mip6_link_up(w.link, false);
	mip6_link_ra(w.link, &src, &parsed, loop_now(w.loop));
	assert_int_equal(w.settled, 0);
	advertised(1, 0xa, 1800, 0);
	mip6_link_ra(w.link, &src, &parsed, loop_now(w.loop));
	assert_int_equal(mip6_link_state(w.link), MIP6_LINK_SETTLED);
}

/* Hearing a new router is no movement as long as ours answers. */
static void two_routers_on_one_link(void **state)
{
	settle_on(1, 0xa);
	advertised(2, 0xb, 1800, 0);
	assert_int_equal(mip6_link_state(w.link), MIP6_LINK_DOUBTFUL);
	assert_int_equal(w.probes, 1);
	after(MS(250));
	assert_int_equal(w.probes, 2);
	answers(2); /* not the one that was asked */
	assert_int_equal(mip6_link_state(w.link), MIP6_LINK_DOUBTFUL);
	answers(1);
	assert_int_equal(mip6_link_state(w.link), MIP6_LINK_SETTLED);
	after(S(10));
	assert_int_equal(w.settled, 1);
	advertised(3, 0xa, 1800, 0); /* another one, of the same prefix: nothing to ask */
	assert_int_equal(w.settled, 1);
	assert_int_equal(w.probes, 2);
}

static void moved_without_a_word_of_the_carrier(void **state)
{
	settle_on(1, 0xa);
	advertised(2, 0xb, 1800, 0);
	after(MS(599));
	assert_int_equal(w.settled, 1);
	after(MS(2));
	assert_int_equal(w.settled, 2);
	assert_int_equal(w.word, MIP6_LINK_MOVED);
	assert_int_equal(w.router.s6_addr[15], 2);
}

/* An answer from before the gap, or to nobody's question, is none. */
static void an_answer_unasked_for_says_nothing(void **state)
{
	settle_on(1, 0xa);
	mip6_link_down(w.link);
	mip6_link_up(w.link, false);
	answers(1);
	assert_int_equal(mip6_link_state(w.link), MIP6_LINK_SEARCHING);
}

/* What was heard of before our router answered, or before a gap, is no place to go to when it falls silent later. */
static void old_news_of_other_routers_is_forgotten(void **state)
{
	for (int gap = 0; gap < 2; gap++) {
		teardown(NULL);
		setup(NULL);
		settle_on(1, 0xa);
		advertised(2, 0xb, 1800, 0);
		if (gap) {
			mip6_link_down(w.link);
			mip6_link_up(w.link, false);
			advertised(1, 0xa, 1800, 0);
		} else {
			answers(1);
		}
		unsigned settled = w.settled;
		mip6_link_hint(w.link);
		after(MS(601));
		assert_int_equal(mip6_link_state(w.link), MIP6_LINK_SEARCHING);
		assert_int_equal(w.settled, settled);
	}
}

static void what_is_heard_while_in_doubt_counts(void **state)
{
	settle_on(1, 0xa);
	mip6_link_hint(w.link);
	advertised(2, 0xb, 1800, 0);
	after(MS(601));
	assert_int_equal(w.word, MIP6_LINK_MOVED);
	assert_int_equal(w.router.s6_addr[15], 2);
	mip6_link_hint(w.link);
	advertised(3, 0xb, 1800, 0); /* another router of this link */
	assert_int_equal(w.word, MIP6_LINK_SAME);
	assert_int_equal(w.router.s6_addr[15], 3);
	assert_int_equal(mip6_link_state(w.link), MIP6_LINK_SETTLED);
}

static void a_hint_asks_and_then_searches(void **state)
{
	settle_on(1, 0xa);
	mip6_link_hint(w.link);
	answers(1);
	assert_int_equal(mip6_link_state(w.link), MIP6_LINK_SETTLED);
	unsigned before = w.solicits;
	mip6_link_hint(w.link);
	after(MS(599));
	assert_int_equal(mip6_link_state(w.link), MIP6_LINK_DOUBTFUL);
	after(MS(2));
	assert_int_equal(mip6_link_state(w.link), MIP6_LINK_SEARCHING);
	assert_int_equal(w.solicits, before + 1);
}

/* RFC 6275 §7.3: a router that promised to be heard every 50 ms and is silent for three times as long is asked. */
static void a_silent_router_is_asked(void **state)
{
	mip6_link_up(w.link, false);
	advertised(1, 0xa, 1800, 50);
	for (int i = 0; i < 20; i++) {
		after(MS(50));
		advertised(1, 0xa, 1800, 50);
	}
	assert_int_equal(w.probes, 0);
	after(MS(149));
	assert_int_equal(w.probes, 0);
	after(MS(2));
	assert_int_equal(w.probes, 1);
	answers(1); /* it has not said that it is still a router, but was heard */
	after(MS(149));
	assert_int_equal(w.probes, 1);
	after(MS(2));
	assert_int_equal(w.probes, 2);
	after(S(1));
	assert_int_equal(mip6_link_state(w.link), MIP6_LINK_SEARCHING);
}

static void a_router_whose_lifetime_ends_is_asked(void **state)
{
	settle_on(1, 0xa);
	after(S(1799));
	assert_int_equal(w.probes, 0);
	after(S(1));
	assert_int_equal(w.probes, 1);
	unsigned before = w.solicits;
	answers(1); /* it lives, but is it still a router? */
	assert_int_equal(w.solicits, before + 1);
	assert_int_equal(mip6_link_state(w.link), MIP6_LINK_SEARCHING);
}

/* ---- with a fast handover ---- */

static void fast_gap(void)
{
	settle_on(1, 0xa);
	mip6_link_down(w.link);
	mip6_link_up(w.link, true);
	advertised(2, 0xb, 1800, 0);
	assert_int_equal(mip6_link_state(w.link), MIP6_LINK_WAITING);
	assert_int_equal(w.settled, 1);
}

static void the_fast_handover_has_the_word(void **state)
{
	struct prefix p;
	fast_gap();
	assert_int_equal(prefix_parse("2001:db8:b::/64", &p), 0);
	mip6_link_told(w.link, &p, loop_now(w.loop));
	assert_int_equal(mip6_link_state(w.link), MIP6_LINK_SETTLED);
	assert_int_equal(mip6_link_place(w.link)->router.s6_addr[15], 2); /* what was heard is not forgotten */
	after(S(10));
	assert_int_equal(w.settled, 1);
	advertised(2, 0xb, 1800, 0);
	assert_int_equal(w.word, MIP6_LINK_SAME);
}

static void it_tells_of_a_link_that_was_not_heard(void **state)
{
	struct prefix p;
	fast_gap();
	assert_int_equal(prefix_parse("2001:db8:c::/64", &p), 0);
	mip6_link_told(w.link, &p, loop_now(w.loop));
	assert_true(addr_is_zero(&mip6_link_place(w.link)->router));
	assert_string_equal(PREFIX(&mip6_link_place(w.link)->prefixes[0].prefix), "2001:db8:c::/64");
	unsigned solicits = w.solicits, probes = w.probes;
	after(S(100)); /* there is nobody to be asked, and nothing to be searched for */
	assert_true(w.solicits == solicits && w.probes == probes);
	assert_int_equal(mip6_link_state(w.link), MIP6_LINK_SETTLED);
}

static void it_tells_of_the_link_that_it_was(void **state)
{
	struct prefix p;
	settle_on(1, 0xa);
	mip6_link_down(w.link);
	mip6_link_up(w.link, true);
	assert_int_equal(prefix_parse("2001:db8:a::/64", &p), 0);
	mip6_link_told(w.link, &p, loop_now(w.loop));
	assert_int_equal(mip6_link_place(w.link)->router.s6_addr[15], 1);
	after(S(1800));
	assert_int_equal(w.probes, 1); /* its lifetime goes on */
}

/* The movement was not seen, but somebody may know of it. */
static void it_has_the_word_after_an_unseen_movement_as_well(void **state)
{
	mip6_link_up(w.link, true);
	advertised(1, 0xa, 1800, 0);
	assert_int_equal(w.settled, 1); /* there was no link before that could be handed over */
	advertised(2, 0xb, 1800, 0);
	after(MS(601));
	assert_int_equal(mip6_link_state(w.link), MIP6_LINK_WAITING);
	after(MS(300));
	assert_int_equal(w.word, MIP6_LINK_OVERDUE);
	assert_int_equal(w.router.s6_addr[15], 2);
}

static void but_not_for_ever(void **state)
{
	fast_gap();
	after(MS(299));
	assert_int_equal(w.settled, 1);
	after(MS(2));
	assert_int_equal(w.settled, 2);
	assert_int_equal(w.word, MIP6_LINK_OVERDUE);
}

static void it_may_have_nothing_to_say(void **state)
{
	fast_gap();
	mip6_link_not_told(w.link, loop_now(w.loop));
	assert_int_equal(w.settled, 2);
	assert_int_equal(w.word, MIP6_LINK_MOVED);
}

static void home_needs_no_waiting(void **state)
{
	w.home = 3;
	settle_on(1, 0xa);
	mip6_link_down(w.link);
	mip6_link_up(w.link, true);
	advertised(3, 0xf, 1800, 0);
	assert_int_equal(w.settled, 2);
	assert_int_equal(w.word, MIP6_LINK_MOVED);
}

/* It told of a link whose router was never heard: another router's word is weighed by asking all. */
static void told_of_a_link_and_hearing_another(void **state)
{
	struct prefix p;
	mip6_link_up(w.link, true);
	assert_int_equal(prefix_parse("2001:db8:a::/64", &p), 0);
	mip6_link_told(w.link, &p, loop_now(w.loop));
	unsigned before = w.solicits;
	advertised(2, 0xb, 1800, 0);
	assert_int_equal(w.solicits, before + 1);
	advertised(1, 0xa, 1800, 0);
	assert_int_equal(w.word, MIP6_LINK_SAME);
	assert_int_equal(mip6_link_state(w.link), MIP6_LINK_SETTLED);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(asks_at_once_and_ever_more_slowly),
		T(nothing_is_asked_and_nothing_believed_without_a_carrier),
		T(the_pace_is_configured),
		T(the_link_may_come_back_as_it_was),
		T(another_prefix_after_a_gap_is_another_link),
		T(no_default_router_no_link),
		T(no_prefix_no_link),
		T(two_routers_on_one_link),
		T(moved_without_a_word_of_the_carrier),
		T(an_answer_unasked_for_says_nothing),
		T(old_news_of_other_routers_is_forgotten),
		T(what_is_heard_while_in_doubt_counts),
		T(a_hint_asks_and_then_searches),
		T(a_silent_router_is_asked),
		T(a_router_whose_lifetime_ends_is_asked),
		T(the_fast_handover_has_the_word),
		T(it_tells_of_a_link_that_was_not_heard),
		T(it_tells_of_the_link_that_it_was),
		T(it_has_the_word_after_an_unseen_movement_as_well),
		T(but_not_for_ever),
		T(it_may_have_nothing_to_say),
		T(home_needs_no_waiting),
		T(told_of_a_link_and_hearing_another),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
