/*
 * What a home agent tells of its home prefixes, and when: RFC 6275 §6.7, §6.8 and §10.6, under a virtual clock. Solicitations are octets
 * written here, and advertisements are read by offset.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mip6/mip6_ha.h"

#define S(n) ((usec_t)(n) * USEC_SEC)
#define SENT 64
enum { HOME_LINK = 3, HOME = 5, AGENT = 1, COA = 0x10, COA2 = 0x11 };

struct sent {
	usec_t at;
	struct ha_way way;
	size_t len;
	uint8_t data[400];
};

static struct {
	struct loop *loop;
	struct mip6_params params;
	struct mip6_ha *ha;
	struct sent sent[SENT];
	size_t n;
	unsigned errors;
	size_t prefixes_n;
	struct ha_prefix prefixes[HA_PREFIXES];
	uint16_t seq;
} w;

static struct in6_addr net(uint8_t n, uint8_t host)
{
	return (struct in6_addr){ .s6_addr = { 0x20, 1, 0xd, 0xb8, [5] = n, [15] = host } };
}

static bool op_key(void *arg, const struct in6_addr *a, struct mip6_key *out)
{
	return false;
}

static bool op_home_link(void *arg, const struct in6_addr *a, struct ha_link *out)
{
	*out = (struct ha_link){ .ifindex = HOME_LINK, .valid = w.prefixes[0].valid, .preferred = w.prefixes[0].preferred };
	return a->s6_addr[5] == 1;
}

static bool op_is_own(void *arg, const struct in6_addr *a)
{
	return a->s6_addr[15] == AGENT;
}

static uint64_t op_clock(void *arg)
{
	return 0;
}

static void op_switch(void *arg, int ifindex, const struct in6_addr *a, bool on)
{
}

static void op_advertise(void *arg, int ifindex, const struct in6_addr *a)
{
}

static int op_tunnel(void *arg, const struct in6_addr *a, const struct in6_addr *agent, const struct in6_addr *to,
                     const struct in6_addr *before)
{
	return 0;
}

static void op_tunnel_only(void *arg, const struct in6_addr *a)
{
}

static void op_untunnel(void *arg, const struct in6_addr *a, int ifindex, const struct lladdr *here)
{
}

static void op_send(void *arg, const struct ha_way *way, const uint8_t *data, size_t len)
{
	if (data[2] == 7) { /* Binding Error: status 1, unknown binding */
		assert_int_equal(data[6], 1);
		w.errors++;
	}
}

static size_t op_prefixes(void *arg, int ifindex, struct ha_prefix *out, size_t max)
{
	assert_int_equal(ifindex, HOME_LINK);
	memcpy(out, w.prefixes, w.prefixes_n * sizeof *out);
	return w.prefixes_n;
}

static void op_send_prefixes(void *arg, const struct ha_way *way, const uint8_t *data, size_t len)
{
	struct sent *s = &w.sent[w.n++ % SENT];
	assert_true(len <= sizeof s->data);
	*s = (struct sent){ .at = loop_now(w.loop), .way = *way, .len = len };
	memcpy(s->data, data, len);
}

static const struct ha_ops ops = {
	.key = op_key, .home_link = op_home_link, .is_own = op_is_own, .clock = op_clock, .probe = op_switch, .proxy = op_switch,
	.advertise = op_advertise, .tunnel = op_tunnel, .tunnel_only = op_tunnel_only, .untunnel = op_untunnel, .send = op_send,
	.prefixes = op_prefixes, .send_prefixes = op_send_prefixes,
};

static int setup(void **state)
{
	memset(&w, 0, sizeof w);
	w.loop = loop_create_virtual(S(1000));
	mip6_params_default(&w.params);
	w.params.auth = MIP6_AUTH_NONE;
	w.params.dad = 0;
	w.params.lifetime = S(200000);
	w.params.prefixes = true;
	w.prefixes_n = 1;
	w.prefixes[0] = (struct ha_prefix){ .prefix = { net(1, 0), 64 }, .router = net(1, AGENT), .valid = HA_FOREVER, .preferred = HA_FOREVER };
	w.ha = ha_create(w.loop, &w.params, &ops, NULL);
	log_level_set(LOG_LEVEL_ERROR);
	return w.ha ? 0 : -1;
}

static int teardown(void **state)
{
	ha_destroy(w.ha);
	assert_int_equal(loop_next_due(w.loop), UINT64_MAX);
	loop_destroy(w.loop);
	return 0;
}

static void after(usec_t t)
{
	loop_advance(w.loop, loop_now(w.loop) + t);
}

/* A Binding Update of the mobile, §6.1.7; lifetime 0 ends it. */
static void update(uint8_t coa, uint16_t lifetime)
{
	uint8_t bu[] = { 59, 1, 5, 0, 0, 0, (uint8_t)(++w.seq >> 8), (uint8_t)w.seq, 0xc0, 0, (uint8_t)(lifetime >> 8), (uint8_t)lifetime, 1, 2, 0, 0 };
	struct mip6_in in = { .src = net(2, coa), .dst = net(1, AGENT), .home = net(1, HOME), .data = bu, .len = sizeof bu };
	ha_receive(w.ha, &in);
}

static void solicit(uint8_t coa, uint16_t id, size_t len)
{
	uint8_t m[] = { 146, 0, 0, 0, (uint8_t)(id >> 8), (uint8_t)id, 0xff, 0xff, 99, 1, 0, 0, 0, 0, 0, 0 };
	struct mip6_in in = { .src = net(2, coa), .dst = net(1, AGENT), .home = net(1, HOME), .data = m, .len = len };
	ha_solicited(w.ha, &in);
}

static const struct sent *last(void)
{
	assert_true(w.n > 0);
	return &w.sent[(w.n - 1) % SENT];
}

static uint32_t u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* "If a mobile node sends a solicitation, answer right away"; §10.6.3: from the address of the registration, to the source, by way of
 * the home address; §6.8: the identifier copied, M and O clear; the R flag with our address. */
static void a_question_is_answered(void **state)
{
	static const uint8_t head[] = { 147, 0, 0, 0, 0x12, 0x34, 0, 0, 3, 4, 64, 0xe0, 0, 0, 0x27, 0x10, 0, 0, 0x03, 0xe8, 0, 0, 0, 0,
		                            0x20, 1, 0xd, 0xb8, 0, 1, [39] = AGENT };
	const struct in6_addr agent = net(1, AGENT), home = net(1, HOME), coa = net(2, COA);
	w.prefixes[0].valid = S(10000);
	w.prefixes[0].preferred = S(1000);
	update(COA, 1000);
	solicit(COA, 0x1234, 8);
	assert_int_equal(w.n, 1);
	assert_int_equal(last()->len, sizeof head);
	assert_memory_equal(last()->data, head, sizeof head);
	assert_true(addr_eq(&last()->way.src, &agent) && addr_eq(&last()->way.dst, &coa) && addr_eq(&last()->way.home, &home));
	after(S(2));
	solicit(COA, 1, 16); /* "MUST silently ignore any options they do not recognize and continue processing the message" */
	assert_int_equal(w.n, 2);
}

/* §6.8: "MUST NOT send more than one Mobile Prefix Advertisement message per second to any mobile node" */
static void no_more_than_one_a_second(void **state)
{
	update(COA, 1000);
	for (uint16_t i = 1; i <= 50; i++) {
		solicit(COA, i, 8);
		after(100 * USEC_MSEC);
	}
	assert_int_equal(w.n, 6);
	for (size_t i = 1; i < w.n; i++)
		assert_int_equal(w.sent[i].at - w.sent[i - 1].at, S(1));
	after(S(2));
	assert_int_equal(w.n, 6);
	assert_int_equal(last()->data[5], 50); /* the last question is answered */
}

/* An answer that waits for its second is not put off by what would be told unasked. */
static void an_answer_comes_before_what_nobody_asked_for(void **state)
{
	w.params.prefix_min = w.params.prefix_max = S(1);
	update(COA, 1000);
	for (uint16_t i = 1; i < 20; i++) {
		size_t before = w.n, answers = 0;
		solicit(COA, i, 8);
		after(S(1));
		for (size_t k = before; k < w.n; k++)
			answers += w.sent[k].data[5] == i;
		assert_int_equal(answers, 1);
	}
}

/* §9.3.1, §9.3.3: the Home Address option needs a binding of that care-of address. */
static void a_stranger_gets_a_binding_error(void **state)
{
	solicit(COA, 1, 8);
	assert_int_equal(w.errors, 1);
	update(COA, 1000);
	solicit(COA2, 1, 8);
	assert_int_equal(w.errors, 2);
	for (size_t n = 0; n < 16; n++)
		if (n != 8)
			solicit(COA, 1, n);
	assert_int_equal(w.errors, 2);
	assert_int_equal(w.n, 0);
	update(COA, 0);
	solicit(COA, 1, 8);
	assert_int_equal(w.errors, 3);
	w.params.prefixes = false;
	solicit(COA, 1, 8);
	assert_int_equal(w.errors, 3);
	assert_int_equal(w.n, 0);
}

/* "If no Mobile Prefix Advertisement has been sent … in the last MaxMobPfxAdvInterval seconds, then ensure that a transmission is
 * scheduled"; PREFIX_ADV_TIMEOUT, doubled, PREFIX_ADV_RETRIES. */
static void tells_unasked_until_it_is_acknowledged(void **state)
{
	update(COA, 50000);
	after(S(599));
	assert_int_equal(w.n, 0);
	after(S(86400 - 599 + 30));
	assert_int_equal(w.n, 4);
	assert_true(w.sent[0].at >= S(1000 + 600) && w.sent[0].at <= S(1000 + 86400));
	for (size_t i = 1; i < 4; i++)
		assert_int_equal(w.sent[i].at - w.sent[i - 1].at, S(3U << (i - 1)));
	/* "if the mobile node sends another Binding Update without returning home, SHOULD begin transmitting … again" */
	usec_t t = loop_now(w.loop);
	update(COA2, 50000);
	after(S(4));
	assert_int_equal(w.n, 6);
	assert_int_equal(w.sent[4].at, t);
	const struct in6_addr there = net(2, COA2);
	assert_true(addr_eq(&last()->way.dst, &there));
	solicit(COA2, 9, 8);
	after(S(3000));
	assert_int_equal(w.n, 7);
}

static void a_change_is_told(void **state)
{
	w.prefixes[0].valid = S(500000);
	w.prefixes[0].preferred = S(400000);
	update(COA, 50000);
	solicit(COA, 1, 8);
	after(S(1000));
	w.prefixes[0].valid -= S(1001); /* time passed, and a second was lost on the way */
	w.prefixes[0].preferred -= S(1000);
	ha_links_changed(w.ha);
	after(S(80000));
	assert_int_equal(w.n, 1);
	w.prefixes[0].valid = S(3000);
	w.prefixes[0].preferred = S(1000);
	ha_links_changed(w.ha);
	after(S(599));
	assert_int_equal(w.n, 1);
	after(S(402)); /* "min (MaxMobPfxAdvInterval, Preferred Lifetime)" at most */
	assert_true(w.n >= 2);
	assert_int_equal(u32(w.sent[1].data + 12), 3000);
	solicit(COA, 2, 8);
	size_t n = w.n;
	w.prefixes_n = 2;
	w.prefixes[1] = (struct ha_prefix){ .prefix = { net(7, 0), 64 }, .router = net(7, AGENT), .valid = HA_FOREVER, .preferred = S(9) };
	ha_links_changed(w.ha);
	after(S(1001));
	assert_true(w.n > n);
	assert_int_equal(last()->len, 72); /* "The list of prefixes is sent in its entirety in all cases" */
	assert_true(u32(last()->data + 44) == UINT32_MAX && u32(last()->data + 48) == 9);
}

/* "If a home registration expires, cancel any scheduled advertisements to the mobile node." */
static void who_is_gone_is_told_nothing(void **state)
{
	update(COA, 100);
	after(S(401));
	after(S(200000));
	assert_int_equal(w.n, 0);
	update(COA, 50000);
	update(COA, 0);
	after(S(200000));
	assert_int_equal(w.n, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_question_is_answered),
		T(no_more_than_one_a_second),
		T(an_answer_comes_before_what_nobody_asked_for),
		T(a_stranger_gets_a_binding_error),
		T(tells_unasked_until_it_is_acknowledged),
		T(a_change_is_told),
		T(who_is_gone_is_told_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
