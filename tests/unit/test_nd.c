/* Neighbour discovery: RFC 4861 §4, RFC 6275 §7, with messages written by hand. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/nd.h"

#define FE80_5 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5
#define MAC_9 2, 0, 0, 0, 0, 9
static const struct lladdr mac = { .len = 6, .octet = { MAC_9 } };
static const struct in6_addr five = { .s6_addr = { FE80_5 } };

/* M, O and H; a router for 1800 s; its link-layer address; a prefix with L, A and R; an advertisement every 50 ms; preference 9 as a
 * home agent for 300 s; an option that nobody knows. */
static const uint8_t ra[] = {
	134, 0, 0, 0, 64, 0xe0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0,
	1, 1, MAC_9,
	3, 4, 64, 0xe0, 0, 0, 0x1c, 0x20, 0, 0, 0x0e, 0x10, 0, 0, 0, 0, 0x20, 1, 0x0d, 0xb8, 0, 0x0f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
	7, 1, 0, 0, 0, 0, 0, 50,
	8, 1, 0, 0, 0, 9, 1, 44,
	99, 1, 0, 0, 0, 0, 0, 0,
};
enum { PREFIX_AT = 24, INTERVAL_AT = 56, AGENT_AT = 64, UNKNOWN_AT = 72 };

static int parse_altered(size_t at, uint8_t octet, struct nd_ra *out)
{
	uint8_t odd[sizeof ra];
	memcpy(odd, ra, sizeof odd);
	odd[at] = octet;
	return nd_ra_parse(odd, sizeof odd, 6, out);
}

static void a_router_advertisement_is_read(void **state)
{
	struct nd_ra a;
	assert_int_equal(nd_ra_parse(ra, sizeof ra, 6, &a), 0);
	assert_int_equal(a.flags, RA_MANAGED | RA_OTHER | RA_HOME_AGENT);
	assert_int_equal(a.lifetime, 1800);
	assert_true(lladdr_eq(&a.source, &mac));
	assert_int_equal(a.interval, 50);
	assert_true(a.agent);
	assert_int_equal(a.agent_preference, 9);
	assert_int_equal(a.agent_lifetime, 300);
	assert_int_equal(a.n, 1);
	assert_string_equal(PREFIX(&a.prefixes[0].prefix), "2001:db8:f::/64");
	assert_string_equal(ADDR(&a.prefixes[0].router), "2001:db8:f::1");
	assert_true(a.prefixes[0].on_link && a.prefixes[0].autonomous);
	assert_int_equal(a.prefixes[0].valid, 7200);
	assert_int_equal(a.prefixes[0].preferred, 3600);
	assert_int_equal(nd_ra_parse(ra, sizeof ra, 0, &a), 0);
	assert_int_equal(a.source.len, 0);
}

static void a_malformed_one_is_refused(void **state)
{
	struct nd_ra a;
	for (size_t n = 0; n < sizeof ra; n++) {
		uint8_t *exact = malloc(n ? n : 1);
		memcpy(exact, ra, n);
		bool whole = n == 16 || n == PREFIX_AT || n == INTERVAL_AT || n == AGENT_AT || n == UNKNOWN_AT; /* there an option ends */
		assert_int_equal(nd_ra_parse(exact, n, 6, &a), whole ? 0 : -EBADMSG);
		free(exact);
	}
	assert_int_equal(parse_altered(0, 133, &a), -EBADMSG);
	assert_int_equal(parse_altered(1, 1, &a), -EBADMSG);
	assert_int_equal(parse_altered(PREFIX_AT + 2, 129, &a), -EBADMSG);
	assert_int_equal(parse_altered(PREFIX_AT + 1, 0, &a), -EBADMSG); /* an option without length */
	assert_int_equal(parse_altered(PREFIX_AT + 1, 5, &a), -EBADMSG); /* and of another than it has */
	assert_int_equal(nd_ra_parse(ra, sizeof ra, 8, &a), -EBADMSG);   /* an address of 8 octets does not fit that option */
}

static void prefixes_that_say_nothing_are_passed_over(void **state)
{
	struct nd_ra a;
	assert_int_equal(parse_altered(PREFIX_AT + 2, 0, &a), 0); /* of no length */
	assert_int_equal(a.n, 0);
	assert_int_equal(parse_altered(PREFIX_AT + 9, 0xff, &a), 0); /* the low octets of "preferred": 0x0eff00 s would outlive 0x1c20 */
	assert_int_equal(a.n, 0);
	assert_int_equal(parse_altered(PREFIX_AT + 16, 0xff, &a), 0); /* multicast */
	assert_int_equal(a.n, 0);
	uint8_t low[sizeof ra]; /* an address whose first bits are all zero */
	memcpy(low, ra, sizeof low);
	memset(low + PREFIX_AT + 16, 0, 8);
	assert_int_equal(nd_ra_parse(low, sizeof low, 6, &a), 0);
	assert_int_equal(a.n, 0);
	assert_int_equal(parse_altered(PREFIX_AT + 3, 0, &a), 0); /* no flag */
	assert_int_equal(a.n, 1);
	assert_true(addr_is_zero(&a.prefixes[0].router) && !a.prefixes[0].on_link && !a.prefixes[0].autonomous);
}

static void no_more_prefixes_than_there_is_room_for(void **state)
{
	uint8_t many[16 + 32 * (ND_PREFIXES + 3)];
	struct nd_ra a;
	memcpy(many, ra, 16);
	for (size_t i = 0; i < ND_PREFIXES + 3; i++) {
		memcpy(many + 16 + 32 * i, ra + PREFIX_AT, 32);
		many[16 + 32 * i + 23] = (uint8_t)i;
	}
	assert_int_equal(nd_ra_parse(many, sizeof many, 6, &a), 0);
	assert_int_equal(a.n, ND_PREFIXES);
	assert_string_equal(PREFIX(&a.prefixes[ND_PREFIXES - 1].prefix), "2001:db8:f:7::/64");
}

static void a_prefix_is_written_as_it_was_read(void **state)
{
	struct nd_prefix p;
	struct rd body = rd_make(ra + PREFIX_AT + 2, 30);
	uint8_t out[32];
	struct wr w = wr_make(out, sizeof out);
	assert_true(nd_prefix_parse(&body, &p));
	nd_prefix_put(&w, &p);
	assert_true(wr_ok(&w) && w.len == 32);
	assert_memory_equal(out, ra + PREFIX_AT, 32);
}

static void solicitations_are_written(void **state)
{
	static const uint8_t rs[] = { 133, 0, 0, 0, 0, 0, 0, 0, 1, 1, MAC_9 };
	static const uint8_t ns[] = { 135, 0, 0, 0, 0, 0, 0, 0, FE80_5, 1, 1, MAC_9 };
	uint8_t out[ND_MAX];
	struct in6_addr target;
	assert_int_equal(nd_rs_pack(&mac, out, sizeof out), sizeof rs);
	assert_memory_equal(out, rs, sizeof rs);
	assert_int_equal(nd_ns_pack(&five, &mac, out, sizeof out), sizeof ns);
	assert_memory_equal(out, ns, sizeof ns);
	assert_int_equal(nd_ns_pack(&five, &(struct lladdr){ .len = 0 }, out, sizeof out), 24);
	assert_int_equal(nd_ns_pack(&five, &mac, out, 31), -EMSGSIZE);
	assert_true(nd_target(ns, sizeof ns, &target) && addr_eq(&target, &five));
	for (size_t n = 0; n < 24; n++)
		assert_false(nd_target(ns, n, &target));
}

static void a_neighbour_advertisement_is_read_and_written(void **state)
{
	static const uint8_t na[] = { 136, 0, 0, 0, 0x60, 0, 0, 0, FE80_5, 2, 1, MAC_9 };
	uint8_t out[ND_MAX], odd[sizeof na];
	struct nd_na a;
	struct in6_addr target;
	assert_int_equal(nd_na_parse(na, sizeof na, 6, &a), 0);
	assert_int_equal(a.flags, NA_SOLICITED | NA_OVERRIDE);
	assert_true(addr_eq(&a.target, &five) && lladdr_eq(&a.lladdr, &mac));
	assert_int_equal(nd_na_pack(&a, out, sizeof out), sizeof na);
	assert_memory_equal(out, na, sizeof na);
	assert_true(nd_target(na, sizeof na, &target) && addr_eq(&target, &five));
	for (size_t n = 0; n < sizeof na; n++)
		assert_int_equal(nd_na_parse(na, n, 6, &a), n == 24 ? 0 : -EBADMSG);
	memcpy(odd, na, sizeof odd);
	odd[4] = 0xff; /* bits that have no meaning */
	assert_int_equal(nd_na_parse(odd, sizeof odd, 6, &a), 0);
	assert_int_equal(a.flags, NA_ROUTER | NA_SOLICITED | NA_OVERRIDE);
	odd[8] = 0xff; /* nobody's address */
	assert_int_equal(nd_na_parse(odd, sizeof odd, 6, &a), -EBADMSG);
	assert_false(nd_target(odd, sizeof odd, &target));
}

static void a_link_layer_address_that_no_station_has_is_told_from_none(void **state)
{
	static const uint8_t head[] = { 136, 0, 0, 0, 0, 0, 0, 0, FE80_5 };
	static const struct {
		uint8_t option[16], words, lla_len;
		bool odd;
	} all[] = {
		{ { 2, 1, 2, 0, 0, 0, 0, 9 }, 1, 6, false },
		{ { 2, 2, 2, 0, 0, 0, 0, 9 }, 2, 6, true },           /* EUI-64, as on IEEE 802.15.4 */
		{ { 2, 2, 2, 0, 0, 0xff, 0xfe, 0, 0, 9 }, 2, 8, false },
		{ { 2, 1, 2, 0, 0, 0, 0, 9 }, 1, 8, true },
		{ { 2, 1, 3, 0, 0, 0, 0, 9 }, 1, 6, true },           /* a group's */
		{ { 2, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 1, 6, true },
		{ { 2, 1, 0 }, 1, 6, true },
		{ { 2, 1, 0 }, 1, 0, false },                         /* no addresses there: not looked at */
		{ { 2, 1, 0x0a, 0, 0, 1 }, 1, 4, false },
	};
	struct nd_na a;
	uint8_t octets[sizeof head + 16];
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		memcpy(octets, head, sizeof head);
		memcpy(octets + sizeof head, all[i].option, 16);
		assert_int_equal(nd_na_parse(octets, sizeof head + (size_t)all[i].words * 8, all[i].lla_len, &a), 0);
		assert_int_equal(a.lladdr_odd, all[i].odd);
		assert_int_equal(a.lladdr.len, all[i].odd ? 0 : all[i].lla_len);
	}
}

/* RFC 4291 §2.7.1, RFC 2464 §7, RFC 4862 §5.4.2; the checksum computed by hand. */
static void a_probe_is_a_whole_packet(void **state)
{
	uint8_t out[128];
	static const uint8_t head[] = { 0x60, 0, 0, 0, 0, 24, 58, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		                            0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 5, 135, 0 };
	struct in6_addr group = nd_group(&five);
	struct lladdr l = nd_group_lladdr(&group);
	assert_int_equal(nd_probe_pack(&five, out, sizeof out), 64);
	assert_memory_equal(out, head, sizeof head);
	/* 0x8700 + 0xfe80 + 5, and of the pseudo-header ff02 + 1 + ff00 + 5 + 24 + 58: 0x383df, folded 0x83e2, inverted. */
	assert_int_equal(out[42], 0x7c);
	assert_int_equal(out[43], 0x1d);
	assert_memory_equal(out + 48, five.s6_addr, 16);
	assert_memory_equal(l.octet, ((uint8_t[]){ 0x33, 0x33, 0xff, 0, 0, 5 }), 6);
	assert_int_equal(nd_probe_pack(&five, out, 63), -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_router_advertisement_is_read),
		cmocka_unit_test(a_malformed_one_is_refused),
		cmocka_unit_test(prefixes_that_say_nothing_are_passed_over),
		cmocka_unit_test(no_more_prefixes_than_there_is_room_for),
		cmocka_unit_test(a_prefix_is_written_as_it_was_read),
		cmocka_unit_test(solicitations_are_written),
		cmocka_unit_test(a_neighbour_advertisement_is_read_and_written),
		cmocka_unit_test(a_link_layer_address_that_no_station_has_is_told_from_none),
		cmocka_unit_test(a_probe_is_a_whole_packet),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
