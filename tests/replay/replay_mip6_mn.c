/*
 * The mobile's Mobile IPv6 under a virtual clock, by the sentences of RFC 6275 §11: registration, its pace, every answer, movement,
 * return home, and a home agent that loses, doubles, delays and forgets. Acknowledgements are octets written here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mip6/mip6_mn.h"

#define MS(n) ((usec_t)(n) * USEC_MSEC)
#define S(n) ((usec_t)(n) * USEC_SEC)
#define SENT 256

struct sent {
	usec_t at;
	struct in6_addr coa;
	bool home;
	size_t len;
	uint8_t data[128];
};

static struct world {
	struct loop *loop;
	struct mip6_mn *mn;
	struct mip6_mn_params p;
	bool keyed;
	struct sent sent[SENT];
	size_t n;
	struct in6_addr tunnel; /* where packets leave from */
	unsigned tunnels, natives, claims, told_new, told_refresh;
	enum mip6_mn_event event;
	unsigned events;
	uint8_t status;
	unsigned others; /* home agents besides the first */
} w;

static struct in6_addr address(const char *text)
{
	struct in6_addr a;
	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

#define HOME address("2001:db8:f::5")
#define AGENT address("2001:db8:f::1")
#define COA1 address("2001:db8:a::5")
#define COA2 address("2001:db8:b::5")

static bool op_key(void *arg, struct mip6_key *out)
{
	memset(out->octets, 0x0b, sizeof out->octets);
	return w.keyed;
}

static void op_send(void *arg, const struct in6_addr *coa, bool at_home, const void *data, size_t len)
{
	struct sent *s = &w.sent[w.n++ % SENT];
	*s = (struct sent){ .at = loop_now(w.loop), .coa = *coa, .home = at_home, .len = len };
	assert_true(len <= sizeof s->data);
	memcpy(s->data, data, len);
}

static void op_tunnel(void *arg, const struct in6_addr *coa)
{
	w.tunnel = *coa;
	w.tunnels++;
}

static void op_native(void *arg)
{
	w.tunnel = in6addr_any;
	w.natives++;
}

static void op_claim(void *arg)
{
	w.claims++;
}

static void op_sent(void *arg, bool refresh, usec_t at)
{
	w.told_new += !refresh;
	w.told_refresh += refresh;
}

static void op_event(void *arg, enum mip6_mn_event e, uint8_t status, usec_t at)
{
	w.event = e;
	w.status = status;
	w.events++;
}

static bool op_next(void *arg, struct in6_addr *agent)
{
	if (w.others == 0)
		return false;
	w.others--;
	*agent = address(w.others ? "2001:db8:f::3" : "2001:db8:f::2");
	return true;
}

static const struct mip6_mn_ops ops = { .key = op_key, .send = op_send, .tunnel = op_tunnel, .native = op_native, .claim = op_claim,
	.sent = op_sent, .event = op_event, .next = op_next };

static int setup(void **state)
{
	memset(&w, 0, sizeof w);
	w.loop = loop_create_virtual(S(1000));
	w.p = (struct mip6_mn_params){ .home = HOME, .agent = AGENT, .lifetime = S(600), .first_timeout = MS(1500), .spi = 256 };
	w.mn = mip6_mn_create(w.loop, &w.p, &ops, NULL);
	return w.mn ? 0 : -1;
}

static int teardown(void **state)
{
	mip6_mn_destroy(w.mn);
	assert_int_equal(loop_next_due(w.loop), UINT64_MAX); /* no timer is left behind */
	loop_destroy(w.loop);
	return 0;
}

/* ---- reading what was sent, by offset (RFC 6275 §6.1.7) ---- */

static const struct sent *last(void)
{
	assert_true(w.n > 0);
	return &w.sent[(w.n - 1) % SENT];
}

static uint16_t u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint16_t seq(void)
{
	return u16(last()->data + 6);
}

static uint16_t units(void)
{
	return u16(last()->data + 10);
}

/* The Alternate Care-of Address (§6.2.5): type 3, length 16, aligned 8n+6. */
static struct in6_addr alternate(void)
{
	struct in6_addr a;
	const uint8_t *p = last()->data;
	size_t at = 12;
	while (p[at] != 3)
		at += p[at] == 0 ? 1 : 2U + p[at + 1];
	assert_int_equal(at % 8, 6);
	assert_int_equal(p[at + 1], 16);
	memcpy(&a, p + at + 2, sizeof a);
	return a;
}

static void after(usec_t t)
{
	loop_advance(w.loop, loop_now(w.loop) + t);
}

static struct mip6_mn_view view(void)
{
	return mip6_mn_view(w.mn);
}

static bool registered(void)
{
	struct mip6_mn_view v = view();
	return !addr_is_zero(&v.registered);
}

/* ---- answers ---- */

static void answer_from(const struct in6_addr *from, uint8_t status, uint16_t number, uint16_t lifetime, uint16_t advice)
{
	uint8_t ba[] = { 59, 1, 6, 0, 0, 0, status, 0, (uint8_t)(number >> 8), (uint8_t)number, (uint8_t)(lifetime >> 8), (uint8_t)lifetime,
		             2, 2, (uint8_t)(advice >> 8), (uint8_t)advice };
	if (!advice)
		ba[12] = 1; /* PadN */
	mip6_mn_ba(w.mn, from, ba, sizeof ba, loop_now(w.loop));
}

static void answer(uint8_t status, uint16_t number, uint16_t lifetime)
{
	struct in6_addr agent = AGENT;
	answer_from(&agent, status, number, lifetime, 0);
}

static void away(struct in6_addr coa, enum mip6_way way)
{
	mip6_mn_away(w.mn, &coa, UINT64_MAX, way);
}

static void register_at(struct in6_addr coa)
{
	away(coa, MIP6_WAY_GONE);
	answer(0, seq(), 150);
	assert_int_equal(view().state, MIP6_MN_REGISTERED);
}

static void same_address(struct in6_addr a, struct in6_addr b)
{
	assert_string_equal(ADDR(&a), ADDR(&b));
}

/* ---- registration ---- */

static void registers(void **state)
{
	away(COA1, MIP6_WAY_GONE);
	assert_int_equal(w.n, 1);
	assert_int_equal(last()->data[2], 5);
	assert_int_equal(last()->data[8], 0xc0); /* A and H; L and K as configured: not */
	assert_int_equal(units(), 150);
	assert_false(last()->home);
	same_address(last()->coa, COA1);
	same_address(alternate(), COA1);
	same_address(w.tunnel, COA1); /* there is no other way */
	assert_int_equal(view().state, MIP6_MN_UPDATING);
	assert_int_equal(view().began, S(1000));
	uint64_t registrations = mip6_mn_counters[MIP6_MN_REGISTRATIONS].value;
	answer(1, seq(), 150);
	assert_int_equal(w.events, 1);
	assert_int_equal(w.event, MIP6_MN_ACCEPTED);
	assert_int_equal(w.status, 1);
	assert_int_equal(view().status, 1);
	assert_int_equal(view().began, 0);
	assert_int_equal(mip6_mn_counters[MIP6_MN_REGISTRATIONS].value, registrations + 1);
	same_address(view().registered, COA1);
	assert_int_equal(view().expires, S(1600));
	after(MS(450500));
	assert_int_equal(w.n, 2); /* extended */
	assert_true(w.told_new == 1 && w.told_refresh == 1);
	answer(0, seq(), 150);
	assert_int_equal(mip6_mn_counters[MIP6_MN_REGISTRATIONS].value, registrations + 1);
}

static void compatible_link_local_address_sets_l(void **state)
{
	w.p.link_local = true;
	mip6_mn_reload(w.mn, &w.p);
	away(COA1, MIP6_WAY_GONE);
	assert_int_equal(last()->data[8], 0xe0);
}

/* §11.7.1: no longer than the care-of address is valid. */
static void lifetime_within_that_of_the_care_of_address(void **state)
{
	struct in6_addr coa = COA1;
	mip6_mn_away(w.mn, &coa, loop_now(w.loop) + S(100), MIP6_WAY_GONE);
	assert_int_equal(units(), 25);
	mip6_mn_away(w.mn, &coa, loop_now(w.loop) + S(100), MIP6_WAY_GONE);
	coa = COA2;
	mip6_mn_away(w.mn, &coa, loop_now(w.loop) + S(1000), MIP6_WAY_GONE);
	assert_int_equal(units(), 150);
}

/* §11.8: 1.5 s where there is no binding, then doubled up to 32 s, and on at that pace; each with a greater number. */
static void asks_again_ever_more_slowly(void **state)
{
	static const unsigned at_ms[] = { 0, 1500, 4500, 10500, 22500, 46500, 78500, 110500 };
	away(COA1, MIP6_WAY_GONE);
	uint16_t first = seq();
	after(S(46));
	assert_int_equal(w.events, 0);
	after(S(74));
	assert_int_equal(w.n, sizeof at_ms / sizeof *at_ms);
	for (size_t i = 0; i < w.n; i++) {
		assert_int_equal(w.sent[i].at, S(1000) + MS(at_ms[i]));
		assert_int_equal(u16(w.sent[i].data + 6), (uint16_t)(first + i));
	}
	assert_int_equal(w.events, 1);
	assert_int_equal(w.event, MIP6_MN_SILENT);
	answer(0, seq(), 150);
	assert_int_equal(view().state, MIP6_MN_REGISTERED);
	after(S(100));
	assert_int_equal(w.n, sizeof at_ms / sizeof *at_ms);
	away(COA2, MIP6_WAY_GONE);
	after(S(120));
	assert_int_equal(w.events, 3); /* of the next exchange it is told as well */
	assert_int_equal(w.event, MIP6_MN_SILENT);
}

/* When the oldest were sent is not known any more. */
static void an_update_of_long_ago_is_not_acknowledged(void **state)
{
	away(COA1, MIP6_WAY_GONE);
	uint16_t first = seq();
	after(S(150));
	assert_int_equal(w.n, 9);
	answer(0, first, 150);
	assert_int_equal(view().state, MIP6_MN_UPDATING);
	answer(0, (uint16_t)(first + 1), 150);
	assert_int_equal(view().state, MIP6_MN_REGISTERED);
}

static void a_binding_that_exists_is_asked_after_one_second(void **state)
{
	register_at(COA1);
	size_t n = w.n;
	usec_t t = loop_now(w.loop);
	after(S(10));
	t = loop_now(w.loop);
	away(COA2, MIP6_WAY_GONE);
	after(S(8));
	assert_int_equal(w.n - n, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(w.sent[n + i].at - t, S((1U << i) - 1));
}

/* §11.7.3: the lifetime counts from the Binding Update that is acknowledged. */
static void lifetime_counts_from_the_update(void **state)
{
	away(COA1, MIP6_WAY_GONE);
	uint16_t first = seq();
	after(MS(1400));
	answer(0, first, 10);
	assert_int_equal(view().expires, S(1040));
}

static void renews_well_before_the_end(void **state)
{
	away(COA1, MIP6_WAY_GONE);
	answer(0, seq(), 100); /* 400 s, though 600 were asked for */
	after(S(299));
	assert_int_equal(w.n, 1);
	after(MS(1500));
	assert_int_equal(w.n, 2);
	assert_int_equal(view().state, MIP6_MN_REGISTERED);
	answer(0, seq(), 100);
	assert_int_equal(view().expires, S(1300 + 400));
}

static void follows_the_advice_to_renew(void **state)
{
	struct in6_addr agent = AGENT;
	away(COA1, MIP6_WAY_GONE);
	answer_from(&agent, 0, seq(), 150, 5);
	after(S(19));
	assert_int_equal(w.n, 1);
	after(MS(1500));
	assert_int_equal(w.n, 2);
	answer_from(&agent, 0, seq(), 150, 140); /* 560 s of 600 are too late */
	after(MS(450100));
	assert_int_equal(w.n, 3);
}

/* ---- answers that are none ---- */

static void others_and_old_ones_are_ignored(void **state)
{
	struct in6_addr stranger = address("2001:db8:e::1");
	answer(0, 7, 150); /* nobody asked */
	assert_int_equal(view().state, MIP6_MN_IDLE);
	away(COA1, MIP6_WAY_GONE);
	answer_from(&stranger, 0, seq(), 150, 0);
	answer(0, (uint16_t)(seq() + 1), 150);
	answer(0, (uint16_t)(seq() - 1), 150);
	assert_int_equal(view().state, MIP6_MN_UPDATING);
	uint16_t old = seq();
	away(COA2, MIP6_WAY_GONE);
	answer(0, old, 150); /* about the first care-of address */
	assert_int_equal(view().state, MIP6_MN_UPDATING);
	answer(0, seq(), 150);
	same_address(view().registered, COA2);
	answer(129, seq(), 0); /* a second word on the same */
	assert_int_equal(view().state, MIP6_MN_REGISTERED);
	away(COA1, MIP6_WAY_GONE);
	mip6_mn_down(w.mn);
	answer(0, seq(), 150); /* to where we are no more */
	assert_int_equal(view().state, MIP6_MN_UPDATING);
}

static void a_refusal_is_the_last_word(void **state)
{
	register_at(COA1);
	away(COA2, MIP6_WAY_GONE);
	answer(129, seq(), 10);
	answer(0, seq(), 150);
	assert_int_equal(view().state, MIP6_MN_REFUSED);
	assert_int_equal(view().began, 0);
	assert_true(!registered() && !view().expires);
	w.events = 0;
	after(S(250));
	w.p.lifetime = S(4);
	after(S(3000)); /* and what was registered does not end again */
	assert_true(w.event != MIP6_MN_EXPIRED);
}

/* The same link lost and found does not make it ask sooner, nor never. */
static void a_refusal_outlives_the_link(void **state)
{
	away(COA1, MIP6_WAY_GONE);
	answer(130, seq(), 0);
	after(S(10));
	mip6_mn_down(w.mn);
	after(S(1));
	away(COA1, MIP6_WAY_GONE);
	assert_int_equal(w.n, 1);
	after(S(21));
	assert_int_equal(w.n, 2);
	answer(130, seq(), 0);
	mip6_mn_down(w.mn);
	after(S(100));
	assert_int_equal(w.n, 2);
	away(COA1, MIP6_WAY_GONE);
	assert_int_equal(w.n, 3);
}

/* Accepted for no time at all is refused. */
static void nothing_granted(void **state)
{
	register_at(COA1);
	away(COA2, MIP6_WAY_GONE);
	answer(0, seq(), 0);
	assert_int_equal(view().state, MIP6_MN_REFUSED);
	assert_false(registered());
	assert_int_equal(w.event, MIP6_MN_DENIED);
	size_t n = w.n;
	after(S(32));
	assert_int_equal(w.n, n + 1);
	assert_int_equal(view().state, MIP6_MN_UPDATING);
}

static void any_of_the_updates_may_be_acknowledged(void **state)
{
	away(COA1, MIP6_WAY_GONE);
	uint16_t first = seq();
	after(S(2));
	assert_int_equal(w.n, 2);
	answer(0, first, 150);
	assert_int_equal(view().state, MIP6_MN_REGISTERED);
}

static void what_is_cut_short_is_nothing(void **state)
{
	struct in6_addr agent = AGENT;
	away(COA1, MIP6_WAY_GONE);
	const uint8_t ba[] = { 59, 1, 6, 0, 0, 0, 0, 0, (uint8_t)(seq() >> 8), (uint8_t)seq(), 0, 150, 1, 2, 0, 0 };
	for (size_t n = 0; n < sizeof ba; n++)
		mip6_mn_ba(w.mn, &agent, ba, n, loop_now(w.loop));
	assert_int_equal(view().state, MIP6_MN_UPDATING);
}

/* ---- refusals ---- */

static void goes_on_from_the_number_it_is_told(void **state)
{
	away(COA1, MIP6_WAY_GONE);
	uint16_t theirs = (uint16_t)(seq() + 1000);
	answer(135, theirs, 0);
	assert_int_equal(w.n, 2);
	assert_int_equal(seq(), (uint16_t)(theirs + 1));
	answer(135, (uint16_t)(theirs + 7), 0); /* again: then not at once */
	assert_int_equal(w.n, 2);
	after(S(40));
	assert_true(w.n > 2);
	assert_int_equal(u16(w.sent[2].data + 6), (uint16_t)(theirs + 8));
	answer(0, seq(), 150);
	assert_int_equal(view().state, MIP6_MN_REGISTERED);
	after(MS(450500)); /* it has been started again, and counts otherwise */
	size_t n = w.n;
	theirs = (uint16_t)(seq() + 2);
	answer(135, theirs, 0);
	assert_int_equal(w.n, n + 1);
	assert_int_equal(seq(), (uint16_t)(theirs + 1));
	answer(0, seq(), 150);
	away(COA2, MIP6_WAY_GONE);
	theirs = seq(); /* the very number that we sent */
	answer(135, theirs, 0);
	assert_int_equal(seq(), (uint16_t)(theirs + 1));
}

static void an_older_number_corrects_nothing(void **state)
{
	away(COA1, MIP6_WAY_GONE);
	answer(135, (uint16_t)(seq() - 5), 0);
	assert_int_equal(w.n, 1);
}

/* Each refusal, and how long it is until we ask again: 0 for never. */
static void refusals(void **state)
{
	static const struct { uint8_t status; unsigned again_s; } table[] = {
		{ 128, 32 }, { 129, 300 }, { 130, 32 }, { 131, 300 }, { 132, 300 }, { 133, 300 }, { 134, 0 }, { 139, 300 }, { 145, 300 },
		{ 146, 300 }, { 174, 300 }, { 200, 32 },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		teardown(NULL);
		setup(NULL);
		away(COA1, MIP6_WAY_GONE);
		answer(table[i].status, seq(), 10);
		assert_int_equal(view().state, MIP6_MN_REFUSED);
		assert_int_equal(w.event, MIP6_MN_DENIED);
		assert_int_equal(w.status, table[i].status);
		usec_t until = S(table[i].again_s ? table[i].again_s : 3600);
		after(until - MS(1));
		assert_int_equal(w.n, 1);
		after(MS(2));
		assert_int_equal(w.n, table[i].again_s ? 2 : 1);
		away(COA2, MIP6_WAY_GONE); /* elsewhere it may be otherwise; but an address that is another's stays so (§11.7.1) */
		assert_int_equal(w.n, table[i].again_s ? 3 : 1);
	}
}

/* ---- movement ---- */

/* The way to the old care-of address still lives: nothing leaves from the new one until the home agent knows it. */
static void changes_over_with_the_acknowledgement(void **state)
{
	register_at(COA1);
	after(S(10));
	away(COA2, MIP6_WAY_ALIVE);
	same_address(alternate(), COA2);
	same_address(w.tunnel, COA1);
	answer(0, seq(), 150);
	same_address(w.tunnel, COA2);
}

static void changes_over_at_once_where_there_is_no_other_way(void **state)
{
	register_at(COA1);
	away(COA2, MIP6_WAY_GONE);
	same_address(w.tunnel, COA2);
}

/* What was never registered has no old way. */
static void without_a_binding_there_is_no_old_way(void **state)
{
	away(COA1, MIP6_WAY_ALIVE);
	same_address(w.tunnel, COA1);
}

static void does_not_wait_for_ever_on_the_old_way(void **state)
{
	register_at(COA1);
	away(COA2, MIP6_WAY_ALIVE);
	after(S(1));
	assert_int_equal(w.n, 3);
	same_address(w.tunnel, COA1);
	after(S(2));
	same_address(w.tunnel, COA2);
}

static void the_old_way_may_end_meanwhile(void **state)
{
	register_at(COA1);
	away(COA2, MIP6_WAY_ALIVE);
	away(COA2, MIP6_WAY_GONE);
	assert_int_equal(w.n, 2);
	same_address(w.tunnel, COA2);
}

/* A fast handover from home carries the home address itself: that is the way until the home agent has answered, however long it takes. */
static void is_carried_until_the_acknowledgement(void **state)
{
	away(COA1, MIP6_WAY_CARRIED);
	after(S(30));
	assert_true(w.n > 3);
	assert_int_equal(w.tunnels, 0);
	answer(0, seq(), 150);
	same_address(w.tunnel, COA1);
}

static void what_carried_may_end(void **state)
{
	away(COA1, MIP6_WAY_CARRIED);
	mip6_mn_way_gone(w.mn);
	same_address(w.tunnel, COA1);
	answer(0, seq(), 150);
	same_address(w.tunnel, COA1);
}

/* §11.5.3: MAX_UPDATE_RATE, three a second. */
static void no_more_than_three_a_second(void **state)
{
	for (unsigned i = 0; i < 40; i++) {
		away(i % 2 ? COA1 : COA2, MIP6_WAY_GONE);
		after(MS(50));
	}
	for (size_t i = 3; i < w.n; i++)
		assert_true(w.sent[i].at - w.sent[i - 3].at >= S(1));
	after(S(1));
	same_address(last()->coa, COA1);
	assert_int_equal(last()->at, S(1002)); /* as soon as it may */
}

static void nothing_is_sent_without_a_link(void **state)
{
	away(COA1, MIP6_WAY_GONE);
	mip6_mn_down(w.mn);
	after(S(60));
	assert_int_equal(w.n, 1);
	away(COA1, MIP6_WAY_GONE);
	assert_int_equal(w.n, 2);
	answer(0, seq(), 150);
	mip6_mn_down(w.mn);
	after(S(5));
	away(COA1, MIP6_WAY_GONE); /* it came back as it was: the home agent need not know */
	assert_int_equal(w.n, 2);
	mip6_mn_down(w.mn);
	after(S(500)); /* a renewal fell into it */
	away(COA1, MIP6_WAY_GONE);
	assert_int_equal(w.n, 3);
}

/* ---- home ---- */

/* §11.5.5 */
static void takes_the_binding_back_at_home(void **state)
{
	register_at(COA1);
	after(S(10));
	mip6_mn_home(w.mn);
	assert_int_equal(w.n, 2);
	assert_true(last()->home);
	assert_int_equal(last()->data[8] & 0xc0, 0xc0);
	assert_int_equal(units(), 0);
	same_address(alternate(), HOME);
	assert_int_equal(w.natives, 1); /* only now that it is said */
	assert_int_equal(w.claims, 0);
	after(S(2));
	assert_int_equal(w.n, 3); /* said again, since nobody answered */
	answer(0, seq(), 0);
	assert_int_equal(w.claims, 1);
	assert_int_equal(view().state, MIP6_MN_HOME);
	assert_int_equal(w.event, MIP6_MN_DEREGISTERED);
	assert_false(registered());
	after(S(1000));
	assert_int_equal(w.n, 3);
	assert_int_equal(w.event, MIP6_MN_DEREGISTERED); /* nothing is left that could end */
	mip6_mn_down(w.mn);
	mip6_mn_home(w.mn);
	assert_int_equal(w.n, 3);
}

static void at_home_it_asks_again(void **state)
{
	register_at(COA1);
	after(S(10));
	mip6_mn_home(w.mn);
	mip6_mn_home(w.mn); /* the home agent was heard again */
	assert_int_equal(w.n, 3);
	after(MS(500));
	mip6_mn_down(w.mn);
	after(S(60));
	mip6_mn_home(w.mn);
	assert_int_equal(w.n, 4);
	after(S(1));
	assert_int_equal(w.n, 5);
	answer(0, seq(), 0);
	assert_int_equal(view().state, MIP6_MN_HOME);
}

/* The home agent does not let us go: it is asked again, for nothing else. */
static void a_return_that_is_refused(void **state)
{
	register_at(COA1);
	after(S(10));
	mip6_mn_home(w.mn);
	answer(128, seq(), 0);
	assert_int_equal(view().state, MIP6_MN_REFUSED);
	assert_int_equal(w.claims, 0);
	after(S(32));
	assert_int_equal(w.n, 3);
	assert_true(last()->home);
	assert_int_equal(units(), 0);
	same_address(alternate(), HOME);
	answer(0, seq(), 0);
	assert_int_equal(view().state, MIP6_MN_HOME);
}

static void at_home_from_the_start_nothing_is_said(void **state)
{
	mip6_mn_home(w.mn);
	assert_int_equal(w.n, 0);
	assert_int_equal(w.natives, 1);
	assert_int_equal(view().state, MIP6_MN_HOME);
	register_at(COA1);
	assert_int_equal(w.n, 1);
}

/* The acknowledgement of the registration was lost: the home agent has a binding all the same. */
static void takes_back_what_was_never_acknowledged(void **state)
{
	away(COA1, MIP6_WAY_GONE);
	after(MS(1600));
	mip6_mn_home(w.mn);
	assert_int_equal(units(), 0);
	size_t n = w.n;
	after(S(1));
	assert_int_equal(w.n, n + 1);
	answer(133, seq(), 0); /* it has none */
	assert_int_equal(view().state, MIP6_MN_HOME);
	assert_int_equal(w.claims, 1);
}

static void away_again_before_the_answer(void **state)
{
	register_at(COA1);
	after(S(10));
	mip6_mn_home(w.mn);
	uint16_t farewell = seq();
	away(COA2, MIP6_WAY_GONE);
	answer(0, farewell, 0);
	assert_int_equal(view().state, MIP6_MN_UPDATING);
	answer(0, seq(), 150);
	same_address(view().registered, COA2);
	same_address(w.tunnel, COA2);
}

/* An address that is another's is not taken back from elsewhere. */
static void what_was_another_s_at_home_stays_so(void **state)
{
	away(COA1, MIP6_WAY_GONE);
	answer(134, seq(), 0);
	mip6_mn_home(w.mn);
	away(COA2, MIP6_WAY_GONE);
	answer(0, seq(), 0);
	assert_int_equal(w.claims, 0);
	assert_int_equal(view().state, MIP6_MN_REFUSED);
}

/* Back to where it was: the home agent may have forgotten it all the same. */
static void back_again_before_the_answer(void **state)
{
	register_at(COA1);
	after(S(10));
	mip6_mn_home(w.mn);
	assert_true(addr_is_zero(&w.tunnel));
	away(COA1, MIP6_WAY_ALIVE);
	assert_int_equal(view().state, MIP6_MN_UPDATING);
	same_address(w.tunnel, COA1);
}

static void says_farewell_when_it_stops(void **state)
{
	mip6_mn_farewell(w.mn);
	assert_int_equal(w.n, 0); /* to nobody */
	register_at(COA1);
	uint16_t number = seq();
	mip6_mn_farewell(w.mn);
	assert_int_equal(w.n, 2);
	assert_int_equal(seq(), (uint16_t)(number + 1));
	assert_int_equal(units(), 0);
	assert_false(last()->home);
	same_address(last()->coa, COA1);
	mip6_mn_down(w.mn);
	mip6_mn_farewell(w.mn);
	assert_int_equal(w.n, 2);
}

static void no_farewell_at_home(void **state)
{
	register_at(COA1);
	after(S(10));
	mip6_mn_home(w.mn);
	answer(0, seq(), 0);
	mip6_mn_farewell(w.mn);
	assert_int_equal(w.n, 2);
}

/* ---- a home agent that forgets ---- */

static void binding_error(uint8_t status, const char *from)
{
	uint8_t be[24] = { 59, 2, 7, 0, 0, 0, status, 0 };
	struct in6_addr src = address(from), home = HOME;
	memcpy(be + 8, &home, sizeof home);
	mip6_mn_be(w.mn, &src, be, sizeof be, loop_now(w.loop));
}

/* §11.3.6 */
static void a_binding_error_makes_it_ask(void **state)
{
	register_at(COA1);
	binding_error(1, "2001:db8:e::9");
	assert_int_equal(w.n, 1);
	binding_error(1, "2001:db8:f::1");
	assert_int_equal(w.n, 2);
	answer(0, seq(), 150);
	binding_error(1, "2001:db8:f::1"); /* whoever sends many of them gets no more */
	assert_int_equal(w.n, 2);
	after(S(11));
	mip6_mn_unknown_header(w.mn, loop_now(w.loop));
	assert_int_equal(w.n, 3);
	assert_int_equal(view().state, MIP6_MN_REGISTERED);
	uint16_t number = seq();
	after(S(13));
	assert_true(w.n > 3); /* it is being asked */
	size_t n = w.n;
	mip6_mn_unknown_header(w.mn, loop_now(w.loop));
	assert_int_equal(w.n, n);
	answer(0, number, 150);
}

static void whom_nobody_knows_yet_needs_no_error(void **state)
{
	away(COA1, MIP6_WAY_GONE);
	mip6_mn_unknown_header(w.mn, loop_now(w.loop));
	assert_int_equal(w.n, 1);
	assert_int_equal(view().state, MIP6_MN_UPDATING);
}

static void a_registration_that_ends_is_made_anew(void **state)
{
	register_at(COA1);
	after(S(600));
	assert_int_equal(w.event, MIP6_MN_EXPIRED);
	assert_int_equal(view().state, MIP6_MN_UPDATING);
	size_t n = w.n;
	assert_false(registered());
	after(S(40));
	assert_true(w.n > n);
	uint64_t registrations = mip6_mn_counters[MIP6_MN_REGISTRATIONS].value;
	answer(0, seq(), 150);
	assert_int_equal(view().state, MIP6_MN_REGISTERED);
	assert_int_equal(mip6_mn_counters[MIP6_MN_REGISTRATIONS].value, registrations + 1);
}

/* The acknowledgement took longer than what it grants. */
static void a_registration_that_has_ended_when_it_comes(void **state)
{
	away(COA1, MIP6_WAY_GONE);
	uint16_t first = seq();
	after(S(5));
	answer(0, first, 1);
	size_t n = w.n;
	after(S(2));
	assert_true(w.n > n);
	answer(0, seq(), 150);
	assert_int_equal(view().state, MIP6_MN_REGISTERED);
}

static void statuses_in_words(void **state)
{
	assert_string_equal(mip6_status_text(0), "accepted");
	assert_string_equal(mip6_status_text(1), "accepted");
	assert_string_equal(mip6_status_text(128), "reason unspecified");
	assert_string_equal(mip6_status_text(129), "administratively prohibited");
	assert_string_equal(mip6_status_text(255), "reason unspecified");
}

/* ---- authentication (RFC 4285) ---- */

static size_t signed_answer(uint8_t *out, uint8_t status, uint16_t number, uint64_t stamp, uint8_t fault)
{
	static const uint8_t head[] = { 59, 5, 6, 0, 0, 0, 0, 0, 0, 0, 0, 150, 1, 4, 0, 0, 0, 0, 10, 8 };
	uint8_t mac[HMAC_SHA1_LEN], key[16];
	struct in6_addr coa = COA1, home = HOME;
	memset(key, 0x0b, sizeof key);
	memcpy(out, head, sizeof head);
	out[6] = status;
	out[8] = (uint8_t)(number >> 8);
	out[9] = (uint8_t)number;
	for (int i = 0; i < 8; i++)
		out[20 + i] = (uint8_t)(stamp >> (56 - 8 * i));
	static const uint8_t option[] = { 0, 9, 17, 1, 0, 0, 1, 0 }; /* Pad1: aligned 4n+1 */
	memcpy(out + 28, option, sizeof option);
	const struct piece pieces[] = { { &coa, 16 }, { &home, 16 }, { out, 36 } };
	assert_int_equal(hmac_sha1(key, sizeof key, pieces, 3, mac), 0);
	mac[0] ^= fault;
	memcpy(out + 36, mac, 12);
	return 48;
}

static uint64_t stamp_sent(void)
{
	const uint8_t *p = last()->data;
	uint64_t v = 0;
	size_t at = 12;
	while (p[at] != 10)
		at += p[at] == 0 ? 1 : 2U + p[at + 1];
	for (int i = 0; i < 8; i++)
		v = v << 8 | p[at + 2 + (size_t)i];
	return v;
}

static void answers_are_authenticated(void **state)
{
	uint8_t ba[64];
	struct in6_addr agent = AGENT;
	w.keyed = w.p.timestamps = true;
	mip6_mn_reload(w.mn, &w.p);
	away(COA1, MIP6_WAY_GONE);
	answer(0, seq(), 150); /* without */
	size_t n = signed_answer(ba, 0, seq(), stamp_sent(), 1);
	mip6_mn_ba(w.mn, &agent, ba, n, loop_now(w.loop));
	n = signed_answer(ba, 0, seq(), stamp_sent() + 1, 0); /* of another Binding Update */
	mip6_mn_ba(w.mn, &agent, ba, n, loop_now(w.loop));
	assert_int_equal(view().state, MIP6_MN_UPDATING);
	n = signed_answer(ba, 0, seq(), stamp_sent(), 0);
	w.p.spi = 257; /* another association */
	mip6_mn_reload(w.mn, &w.p);
	mip6_mn_ba(w.mn, &agent, ba, n, loop_now(w.loop));
	assert_int_equal(view().state, MIP6_MN_UPDATING);
	w.p.spi = 256;
	mip6_mn_reload(w.mn, &w.p);
	mip6_mn_ba(w.mn, &agent, ba, n, loop_now(w.loop));
	assert_int_equal(view().state, MIP6_MN_REGISTERED);
}

/* Without timestamps, what is in one says nothing. */
static void authenticated_by_number(void **state)
{
	uint8_t ba[64];
	struct in6_addr agent = AGENT;
	w.keyed = true;
	mip6_mn_reload(w.mn, &w.p);
	away(COA1, MIP6_WAY_GONE);
	size_t n = signed_answer(ba, 0, seq(), 1, 0);
	mip6_mn_ba(w.mn, &agent, ba, n, loop_now(w.loop));
	assert_int_equal(view().state, MIP6_MN_REGISTERED);
}

/* RFC 4285 §6: the home agent's clock is an hour ahead; it says so, and is believed. */
static void takes_over_the_home_agents_time(void **state)
{
	uint8_t ba[64];
	struct in6_addr agent = AGENT;
	w.keyed = w.p.timestamps = true;
	mip6_mn_reload(w.mn, &w.p);
	away(COA1, MIP6_WAY_GONE);
	uint64_t mine = stamp_sent(), theirs = mine + ((uint64_t)3600 << 32);
	size_t n = signed_answer(ba, 144, seq(), (theirs & ~UINT64_C(0xffffffff)) | (mine & 0xffffffff), 0);
	mip6_mn_ba(w.mn, &agent, ba, n, loop_now(w.loop));
	assert_int_equal(w.n, 2);
	assert_int_equal(stamp_sent() >> 32, theirs >> 32);
	n = signed_answer(ba, 0, seq(), stamp_sent(), 0);
	mip6_mn_ba(w.mn, &agent, ba, n, loop_now(w.loop));
	assert_int_equal(view().state, MIP6_MN_REGISTERED);
}

/* ---- everything at once ---- */

static uint32_t lot;
static unsigned draw(unsigned n)
{
	lot = lot * 1664525 + 1013904223;
	return (lot >> 8) % n;
}

/* A home agent that takes and answers one Binding Update in two, some answers twice or late, and forgets everything now and then. */
static void settles_with_whatever_home_agent(void **state)
{
	for (unsigned round = 0; round < 200; round++) {
		teardown(NULL);
		setup(NULL);
		lot = round;
		uint16_t known = (uint16_t)draw(65536), late = 0;
		bool has = draw(2), is_late = false;
		struct in6_addr at = in6addr_any;
		size_t read = 0;
		bool home = false;
		for (unsigned step = 0; step < 60; step++) {
			unsigned what = draw(8);
			if (step < 40 && what == 0)
				away(draw(2) ? COA1 : COA2, draw(2) ? MIP6_WAY_ALIVE : MIP6_WAY_GONE), home = false;
			else if (step < 40 && what == 1)
				mip6_mn_home(w.mn), home = true;
			else if (step < 40 && what == 2)
				mip6_mn_down(w.mn);
			else if (what == 3)
				has = false;
			after(MS(draw(3000)));
			for (; read < w.n; read++) {
				const uint8_t *bu = w.sent[read % SENT].data;
				uint16_t number = u16(bu + 6), life = u16(bu + 10);
				bool kept = step >= 40 || draw(2);
				if (!kept)
					continue;
				if (has && !mip6_seq_newer(number, known)) {
					answer(135, known, 0);
					continue;
				}
				known = number;
				has = life > 0;
				at = has ? w.sent[read % SENT].coa : in6addr_any;
				if (step < 40 && draw(4) == 0) {
					late = number;
					is_late = true;
				} else
					answer(0, number, life);
				if (draw(4) == 0)
					answer(0, number, life);
			}
			if (is_late && draw(2)) {
				answer(0, late, 150);
				is_late = false;
			}
		}
		if (home)
			mip6_mn_home(w.mn);
		else
			away(COA2, MIP6_WAY_GONE);
		for (unsigned step = 0; step < 400; step++) {
			after(S(1));
			for (; read < w.n; read++) {
				const uint8_t *bu = w.sent[read % SENT].data;
				known = u16(bu + 6);
				at = u16(bu + 10) ? w.sent[read % SENT].coa : in6addr_any;
				answer(0, known, u16(bu + 10));
			}
		}
		assert_int_equal(view().state, home ? MIP6_MN_HOME : MIP6_MN_REGISTERED);
		if (!home) {
			same_address(view().registered, COA2);
			same_address(w.tunnel, COA2);
			same_address(at, COA2);
		}
	}
}

/* ---- several home agents (§11.4.1) ---- */

#define SECOND address("2001:db8:f::2")

static void tries_another_home_agent_after_a_refusal(void **state)
{
	struct in6_addr second = SECOND;
	w.others = 1;
	away(COA1, MIP6_WAY_GONE);
	answer(131, seq(), 0);
	assert_int_equal(w.n, 2);
	assert_int_equal(w.events, 0); /* nothing has been denied yet */
	assert_int_equal(view().state, MIP6_MN_UPDATING);
	answer(0, seq(), 150); /* from the one that we left */
	assert_int_equal(view().state, MIP6_MN_UPDATING);
	answer_from(&second, 0, seq(), 150, 0);
	assert_int_equal(view().state, MIP6_MN_REGISTERED);
}

/* "MUST … wait at least InitialBindackTimeoutFirstReg seconds before sending a Binding Update to the next home agent" */
static void tries_another_home_agent_after_silence(void **state)
{
	struct in6_addr second = SECOND;
	w.others = 1;
	away(COA1, MIP6_WAY_GONE);
	after(MS(10400));
	assert_int_equal(w.n, 3); /* at 0, 1.5 and 4.5 s */
	after(MS(200));
	assert_int_equal(w.n, 4);
	answer(0, seq(), 150);
	assert_int_equal(view().state, MIP6_MN_UPDATING);
	answer_from(&second, 0, seq(), 150, 0);
	assert_int_equal(view().state, MIP6_MN_REGISTERED);
}

static void corrections_are_no_refusals(void **state)
{
	w.others = 1;
	away(COA1, MIP6_WAY_GONE);
	answer(135, (uint16_t)(seq() + 9), 0);
	answer(0, seq(), 150); /* still the first home agent */
	assert_int_equal(view().state, MIP6_MN_REGISTERED);
	assert_int_equal(w.others, 1);
}

/* "MUST attempt any new registration first with that home agent" */
static void the_home_agent_with_the_binding_is_asked_first(void **state)
{
	struct in6_addr second = SECOND;
	w.others = 1;
	register_at(COA1);
	away(COA2, MIP6_WAY_ALIVE);
	answer(130, seq(), 0);
	assert_int_equal(w.others, 0);
	assert_false(registered());
	same_address(w.tunnel, COA2); /* it has no binding of the old care-of address: there is no way to wait for */
	/* The first one may still defend the home address: that it is taken says nothing while its binding may live. */
	answer_from(&second, 134, seq(), 0, 0);
	assert_int_equal(w.event, MIP6_MN_DENIED);
	size_t n = w.n;
	after(S(40));
	assert_true(w.n > n);
	answer_from(&second, 0, seq(), 150, 0);
	assert_int_equal(view().state, MIP6_MN_REGISTERED);
}

static void without_a_home_agent_nothing_is_sent(void **state)
{
	struct in6_addr none = in6addr_any, agent = AGENT;
	mip6_mn_destroy(w.mn);
	w.p.agent = none;
	w.mn = mip6_mn_create(w.loop, &w.p, &ops, NULL);
	away(COA1, MIP6_WAY_GONE);
	after(S(100));
	assert_int_equal(w.n, 0);
	mip6_mn_agent(w.mn, &agent);
	assert_int_equal(w.n, 1);
	mip6_mn_agent(w.mn, &agent); /* known */
	assert_int_equal(w.n, 1);
	mip6_mn_reload(w.mn, &w.p); /* and a reload forgets it not */
	answer(0, seq(), 150);
	same_address(view().registered, COA1);
}

static void found_at_home_it_is_for_later(void **state)
{
	struct in6_addr none = in6addr_any, agent = AGENT;
	mip6_mn_destroy(w.mn);
	w.p.agent = none;
	w.mn = mip6_mn_create(w.loop, &w.p, &ops, NULL);
	mip6_mn_home(w.mn);
	mip6_mn_agent(w.mn, &agent);
	assert_int_equal(w.n, 0);
	away(COA1, MIP6_WAY_GONE);
	assert_int_equal(w.n, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	log_level_set(LOG_LEVEL_ERROR);
	const struct CMUnitTest tests[] = {
		T(registers),
		T(compatible_link_local_address_sets_l),
		T(lifetime_within_that_of_the_care_of_address),
		T(asks_again_ever_more_slowly),
		T(an_update_of_long_ago_is_not_acknowledged),
		T(a_binding_that_exists_is_asked_after_one_second),
		T(lifetime_counts_from_the_update),
		T(renews_well_before_the_end),
		T(follows_the_advice_to_renew),
		T(others_and_old_ones_are_ignored),
		T(a_refusal_is_the_last_word),
		T(a_refusal_outlives_the_link),
		T(nothing_granted),
		T(any_of_the_updates_may_be_acknowledged),
		T(what_is_cut_short_is_nothing),
		T(goes_on_from_the_number_it_is_told),
		T(an_older_number_corrects_nothing),
		T(refusals),
		T(changes_over_with_the_acknowledgement),
		T(changes_over_at_once_where_there_is_no_other_way),
		T(without_a_binding_there_is_no_old_way),
		T(does_not_wait_for_ever_on_the_old_way),
		T(the_old_way_may_end_meanwhile),
		T(is_carried_until_the_acknowledgement),
		T(what_carried_may_end),
		T(no_more_than_three_a_second),
		T(nothing_is_sent_without_a_link),
		T(takes_the_binding_back_at_home),
		T(at_home_it_asks_again),
		T(a_return_that_is_refused),
		T(at_home_from_the_start_nothing_is_said),
		T(takes_back_what_was_never_acknowledged),
		T(away_again_before_the_answer),
		T(what_was_another_s_at_home_stays_so),
		T(back_again_before_the_answer),
		T(says_farewell_when_it_stops),
		T(no_farewell_at_home),
		T(a_binding_error_makes_it_ask),
		T(whom_nobody_knows_yet_needs_no_error),
		T(a_registration_that_ends_is_made_anew),
		T(a_registration_that_has_ended_when_it_comes),
		T(statuses_in_words),
		T(answers_are_authenticated),
		T(authenticated_by_number),
		T(takes_over_the_home_agents_time),
		T(settles_with_whatever_home_agent),
		T(tries_another_home_agent_after_a_refusal),
		T(tries_another_home_agent_after_silence),
		T(corrections_are_no_refusals),
		T(the_home_agent_with_the_binding_is_asked_first),
		T(without_a_home_agent_nothing_is_sent),
		T(found_at_home_it_is_for_later),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
