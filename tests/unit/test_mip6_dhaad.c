/* Home agent address discovery: RFC 6275 §6.5, §6.6, §7, §10.5, with messages written by hand. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mip6/mip6_dhaad.h"

#define SEC USEC_SEC
#define LINK 3
#define AGENT(n) 0x20, 1, 0xd, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, n
#define A(...) ((struct in6_addr){ .s6_addr = { __VA_ARGS__ } })
#define ROUTER(n) A(0xfe, 0x80, [15] = (n))

/* H flag, router lifetime 100 s, one prefix with the R flag, home agent information. */
#define RA(flags, life, n, pref, ha_life)                                                                                    \
	{ 134, 0, 0, 0, 64, flags, 0, life, 0, 0, 0, 0, 0, 0, 0, 0,                                                              \
	  3, 4, 64, 0xe0, 0, 0, 1, 0, 0, 0, 0, 100, 0, 0, 0, 0, AGENT(n),                                                        \
	  8, 1, 0, 0, 0, pref, 0, ha_life }

static const struct in6_addr own = { .s6_addr = { AGENT(1) } };

static void hear(struct dhaad_list *l, uint8_t flags, uint8_t n, uint8_t pref, uint8_t life, usec_t now)
{
	const uint8_t ra[] = RA(flags, 100, n, pref, life);
	dhaad_heard(l, LINK, &ROUTER(n), ra, sizeof ra, now);
}

/* The last octets of the addresses in the reply, in their order. */
static size_t reply(const struct dhaad_list *l, uint16_t preference, usec_t now, uint8_t order[64])
{
	uint8_t out[DHAAD_REPLY_MAX + 100];
	int n = dhaad_reply_pack(l, LINK, &own, preference, 0x1234, now, out, sizeof out);
	static const uint8_t head[] = { 145, 0, 0, 0, 0x12, 0x34, 0, 0 };
	assert_true(n >= 24 && (n - 8) % 16 == 0);
	assert_memory_equal(out, head, sizeof head);
	for (int i = 0; i < (n - 8) / 16; i++)
		order[i] = out[8 + 16 * i + 15];
	return (size_t)(n - 8) / 16;
}

static void by_preference(void **state)
{
	static struct dhaad_list l;
	uint8_t o[64];
	assert_int_equal(reply(&l, 0, 0, o), 1);
	assert_int_equal(o[0], 1);
	hear(&l, 0x20, 2, 5, 60, 0);
	hear(&l, 0x20, 3, 9, 60, 0);
	assert_int_equal(reply(&l, 7, 0, o), 3);
	assert_true(o[0] == 3 && o[1] == 1 && o[2] == 2);
	hear(&l, 0x20, 3, 1, 60, 0); /* it says otherwise now */
	assert_int_equal(reply(&l, 7, 0, o), 3);
	assert_true(o[0] == 1 && o[1] == 2 && o[2] == 3);
}

/* "in an order randomized with respect to other home agents with equal preference every time" */
static void equals_are_drawn(void **state)
{
	static struct dhaad_list l;
	uint8_t o[64];
	bool first[3] = { false };
	hear(&l, 0x20, 2, 0, 60, 0);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(reply(&l, 0, 0, o), 2);
		first[o[0]] = true;
	}
	assert_true(first[1] && first[2]);
}

/* Lifetime over; H taken away; lifetime 0; another link; a prefix without R. */
static void who_is_no_home_agent(void **state)
{
	static struct dhaad_list l;
	uint8_t o[64], ra[] = RA(0x20, 100, 7, 0, 60);
	hear(&l, 0x20, 2, 0, 60, 0);
	assert_int_equal(reply(&l, 0, 60 * SEC - 1, o), 2);
	assert_int_equal(reply(&l, 0, 60 * SEC, o), 1);
	hear(&l, 0x20, 2, 0, 60, 0);
	hear(&l, 0x00, 2, 0, 60, 0);
	assert_int_equal(reply(&l, 0, 0, o), 1);
	hear(&l, 0x20, 2, 0, 60, 0);
	hear(&l, 0x20, 2, 0, 0, 0);
	assert_int_equal(reply(&l, 0, 0, o), 1);
	dhaad_heard(&l, LINK + 1, &ROUTER(7), ra, sizeof ra, 0);
	assert_int_equal(reply(&l, 0, 0, o), 1);
	ra[19] = 0xc0;
	dhaad_heard(&l, LINK, &ROUTER(7), ra, sizeof ra, 0);
	assert_int_equal(reply(&l, 0, 0, o), 1);
	ra[19] = 0xe0;
	dhaad_heard(&l, LINK, &own, ra, sizeof ra, 0); /* not from a link-local address */
	for (size_t n = 0; n < sizeof ra; n++) { /* cut short: where an option ends it is whole */
		uint8_t *exact = malloc(n ? n : 1);
		memcpy(exact, ra, n);
		if (n != 16 && n != 48)
			dhaad_heard(&l, LINK, &ROUTER(7), exact, n, 0);
		free(exact);
	}
	assert_int_equal(reply(&l, 0, 0, o), 1);
	dhaad_heard(&l, LINK, &ROUTER(7), ra, 48, 0); /* without information of its own: preference 0, the router's lifetime */
	assert_int_equal(reply(&l, 0, 100 * SEC - 1, o), 2);
	assert_int_equal(reply(&l, 0, 100 * SEC, o), 1);
}

/* Another message; a prefix that is over; one that is no address of a router. */
static void what_says_nothing(void **state)
{
	static const struct { uint8_t at, is; } faults[] = { { 0, 133 }, { 1, 1 }, { 22, 0 }, { 32, 0xff }, { 19, 0xc0 } };
	static struct dhaad_list l;
	uint8_t o[64];
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		uint8_t ra[] = RA(0x20, 100, 7, 0, 60);
		ra[faults[i].at] = faults[i].is;
		dhaad_heard(&l, LINK, &ROUTER(7), ra, sizeof ra, 0);
		assert_int_equal(reply(&l, 0, 0, o), 1);
	}
}

/* Link-local addresses are of a link: the same on two are two routers. */
static void the_same_on_two_links(void **state)
{
	static struct dhaad_list l;
	uint8_t o[64];
	const uint8_t here[] = RA(0x20, 100, 7, 0, 60), there[] = RA(0x00, 100, 7, 0, 60);
	dhaad_heard(&l, LINK, &ROUTER(7), here, sizeof here, 0);
	dhaad_heard(&l, LINK + 1, &ROUTER(7), there, sizeof there, 0); /* that one is no home agent */
	assert_int_equal(reply(&l, 0, 0, o), 2);
}

static void many(void **state)
{
	static struct dhaad_list l;
	uint8_t o[64], small[24];
	for (uint8_t n = 2; n < 100; n++)
		hear(&l, 0x20, n, n, 60, 0);
	assert_int_equal(reply(&l, 200, 0, o), DHAAD_AGENTS_MAX + 1);
	assert_true(o[0] == 1 && o[1] == 99 && o[DHAAD_AGENTS_MAX] == 100 - DHAAD_AGENTS_MAX);
	assert_int_equal(dhaad_reply_pack(&l, LINK, &own, 200, 1, 0, small, sizeof small), 24);
	assert_int_equal(dhaad_reply_pack(&l, LINK, &own, 200, 1, 0, small, sizeof small - 1), -EMSGSIZE);
}

static void requests(void **state)
{
	static const uint8_t request[] = { 144, 0, 0, 0, 0xab, 0xcd, 0, 0 };
	uint8_t other[sizeof request];
	uint16_t id;
	assert_true(dhaad_request_parse(request, sizeof request, &id));
	assert_int_equal(id, 0xabcd);
	assert_false(dhaad_request_parse(request, sizeof request - 1, &id));
	memcpy(other, request, sizeof other);
	other[1] = 1;
	assert_false(dhaad_request_parse(other, sizeof other, &id));
}

/* §6.5, §6.6: what a mobile sends and reads. */
static void a_mobile_asks(void **state)
{
	static const uint8_t request[] = { 144, 0, 0, 0, 0xab, 0xcd, 0, 0 };
	static const uint8_t answer[] = { 145, 0, 0, 0, 0xab, 0xcd, 0, 0, AGENT(3), AGENT(1), AGENT(3),
		                              [56] = 0xff, 2, [71] = 5, [72] = 0xfe, 0x80, [87] = 9, AGENT(2) };
	uint8_t out[DHAAD_REQUEST_LEN], other[sizeof answer];
	struct in6_addr a[8];
	uint16_t id;
	dhaad_request_pack(0xabcd, out);
	assert_memory_equal(out, request, sizeof request);
	assert_int_equal(dhaad_reply_parse(answer, sizeof answer, &id, a, 8), 3); /* each once, and those that can be */
	assert_int_equal(id, 0xabcd);
	assert_true(a[0].s6_addr[15] == 3 && a[1].s6_addr[15] == 1 && a[2].s6_addr[15] == 2);
	assert_int_equal(dhaad_reply_parse(answer, sizeof answer, &id, a, 2), 2);
	assert_int_equal(dhaad_reply_parse(answer, 8, &id, a, 8), 0);
	for (size_t n = 0; n < sizeof answer; n++)
		assert_int_equal(dhaad_reply_parse(answer, n, &id, a, 8) < 0, n < 8 || n % 16 != 8);
	memcpy(other, answer, sizeof other);
	other[1] = 1;
	assert_int_equal(dhaad_reply_parse(other, sizeof other, &id, a, 8), -EBADMSG);
	assert_int_equal(dhaad_reply_parse(request, sizeof request, &id, a, 8), -EBADMSG);
}

/* RFC 2526 §2, home agents: 0x7e behind ones, with the bit for "universal" clear where the identifier has 64 bits. */
static void anycast(void **state)
{
	struct prefix p = { A(0x20, 1, 0xd, 0xb8, 0, 1), 64 };
	struct in6_addr a = dhaad_anycast(&p), b = A(0x20, 1, 0xd, 0xb8, 0, 1, 0, 0, 0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe);
	assert_memory_equal(&a, &b, sizeof a);
	p.plen = 112;
	a = dhaad_anycast(&p);
	b = A(0x20, 1, 0xd, 0xb8, 0, 1, [14] = 0xff, [15] = 0xfe);
	assert_memory_equal(&a, &b, sizeof a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_preference), cmocka_unit_test(equals_are_drawn), cmocka_unit_test(who_is_no_home_agent),
		cmocka_unit_test(what_says_nothing), cmocka_unit_test(the_same_on_two_links),
		cmocka_unit_test(many), cmocka_unit_test(requests), cmocka_unit_test(a_mobile_asks), cmocka_unit_test(anycast),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
