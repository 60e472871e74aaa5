/* The context of connection-tracking entries against bytes written by hand from the format in context/flows_wire.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "context/flows_wire.h"

#define MOBILE6 0x20, 0x01, 0x0d, 0xb8, 0, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10
#define PEER6 0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2
#define MOBILE4 192, 0, 2, 10
#define PEER4 198, 51, 100, 7
#define MAPPED 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff

static const struct in6_addr mobile6 = { .s6_addr = { MOBILE6 } }, peer6 = { .s6_addr = { PEER6 } };
static const struct in6_addr mobile4 = { .s6_addr = { MAPPED, MOBILE4 } }, peer4 = { .s6_addr = { MAPPED, PEER4 } };

/* Established TCP from the mobile's port 50000 to 443, five days to go; flags scale and SACK in both directions, scales 7
 * and 9; then UDP that the peer began, without a reply, 30 s; then three zeros up to the word. */
static const uint8_t two[] = {
	1, 6, 2, 0, 0, 5, MOBILE6,
	0x60, 6, PEER6, 0xc3, 0x50, 0x01, 0xbb, 0x00, 0x06, 0x97, 0x80, 3, 0x33, 0x79,
	0x80, 17, PEER6, 0x13, 0xc4, 0x13, 0xc5, 0, 0, 0, 30,
	0, 0, 0,
};
static const struct conntrack_entry tcp = { .tuple = { { .s6_addr = { MOBILE6 } }, { .s6_addr = { PEER6 } }, 50000, 443, 6 },
	                                    .timeout = 432000, .assured = true, .replied = true, .mark = 0x1234,
	                                    .tcp_state = 3, .tcp_flags = { 3, 3 }, .tcp_scale = { 7, 9 } };
static const struct conntrack_entry udp = { .tuple = { { .s6_addr = { PEER6 } }, { .s6_addr = { MOBILE6 } }, 5060, 5061, 17 },
	                                    .timeout = 30 };

/* IPv4: an echo (identifier 7, type 8) with a mark; SCTP; ESP, which has no ports. */
static const uint8_t four[] = {
	1, 4, 3, 0, 0, 0, MOBILE4,
	0x30, 1, PEER4, 0, 7, 8, 0, 0, 0, 0, 29, 0xde, 0xad, 0xbe, 0xef,
	0x60, 132, PEER4, 0x13, 0xe3, 0x13, 0xe4, 0, 0, 0, 200, 4, 1, 2, 3, 4, 5, 6, 7, 8,
	0x40, 50, PEER4, 0, 0, 2, 88,
};

static struct flows_block b;

static void reads_ipv6(void **state)
{
	assert_int_equal(flows_parse(two, sizeof two, &b), FLOWS_OK);
	assert_true(addr_eq(&b.addr, &mobile6));
	assert_int_equal(b.left_out, 5);
	assert_int_equal(b.n, 2);
	const struct conntrack_entry *e = b.entries;
	assert_true(addr_eq(&e->tuple.src, &mobile6) && addr_eq(&e->tuple.dst, &peer6));
	assert_int_equal(e->tuple.proto, IPPROTO_TCP);
	assert_int_equal(e->tuple.sport, 50000);
	assert_int_equal(e->tuple.dport, 443);
	assert_int_equal(e->timeout, 432000);
	assert_true(e->assured && e->replied && !e->marked && !e->nat);
	assert_int_equal(e->tcp_state, 3);
	assert_int_equal(e->tcp_flags[0], CONNTRACK_TCP_SCALE | CONNTRACK_TCP_SACK);
	assert_int_equal(e->tcp_flags[1], CONNTRACK_TCP_SCALE | CONNTRACK_TCP_SACK);
	assert_int_equal(e->tcp_scale[0], 7);
	assert_int_equal(e->tcp_scale[1], 9);
	e++;
	assert_true(addr_eq(&e->tuple.src, &peer6) && addr_eq(&e->tuple.dst, &mobile6));
	assert_int_equal(e->tuple.proto, IPPROTO_UDP);
	assert_int_equal(e->tuple.sport, 5060);
	assert_int_equal(e->timeout, 30);
	assert_false(e->assured || e->replied);
}

static void reads_ipv4(void **state)
{
	assert_int_equal(flows_parse(four, sizeof four, &b), FLOWS_OK);
	assert_true(addr_eq(&b.addr, &mobile4));
	assert_int_equal(b.n, 3);
	assert_true(addr_eq(&b.entries[0].tuple.dst, &peer4));
	assert_int_equal(b.entries[0].tuple.sport, 7);
	assert_int_equal(b.entries[0].tuple.dport, 8 << 8);
	assert_true(b.entries[0].marked);
	assert_int_equal(b.entries[0].mark, 0xdeadbeef);
	assert_int_equal(b.entries[1].sctp_state, 4);
	assert_int_equal(b.entries[1].sctp_vtag[0], 0x01020304);
	assert_int_equal(b.entries[1].sctp_vtag[1], 0x05060708);
	assert_int_equal(b.entries[2].tuple.proto, IPPROTO_ESP);
	assert_int_equal(b.entries[2].tuple.sport, 0);
	assert_int_equal(b.entries[2].timeout, 600);
}

static void writes_the_same(void **state)
{
	const struct conntrack_entry e[] = { tcp, udp };
	uint8_t out[FEATURE_DATA_MAX];
	struct wr w = wr_make(out, sizeof out);
	assert_int_equal(flows_pack(&w, &mobile6, 5, false, e, 2), 2);
	assert_int_equal(w.len, sizeof two - 3);
	assert_memory_equal(out, two, w.len);
	assert_int_equal(flows_parse(four, sizeof four, &b), FLOWS_OK);
	w = wr_make(out, sizeof out);
	assert_int_equal(flows_pack(&w, &mobile4, 0, true, b.entries, 3), 3);
	assert_int_equal(w.len, sizeof four);
	assert_memory_equal(out, four, sizeof four);
}

static void fills_a_block_and_no_more(void **state)
{
	static struct conntrack_entry e[100];
	uint8_t out[FEATURE_DATA_MAX];
	struct wr w = wr_make(out, sizeof out);
	for (size_t i = 0; i < 100; i++)
		e[i] = tcp;
	/* 22 octets, then 29 for each; a mark takes 4 more. */
	assert_int_equal(flows_pack(&w, &mobile6, 0, false, e, 100), (FEATURE_DATA_MAX - 22) / 29);
	assert_true(wr_ok(&w));
	assert_int_equal(flows_parse(out, w.len, &b), FLOWS_OK);
	assert_int_equal(b.n, (FEATURE_DATA_MAX - 22) / 29);
	w = wr_make(out, sizeof out);
	assert_int_equal(flows_pack(&w, &mobile6, 0, true, e, 100), (FEATURE_DATA_MAX - 22) / 33);
	w = wr_make(out, sizeof out);
	assert_int_equal(flows_pack(&w, &mobile6, 0, true, e, 0), 0);
	assert_int_equal(flows_parse(out, w.len, &b), FLOWS_OK);
	assert_int_equal(b.n, 0);
}

static void refuses_what_is_cut_short(void **state)
{
	for (size_t len = 0; len < sizeof two - 3; len++) {
		uint8_t *exact = malloc(len + 1); /* so that a read beyond is seen */
		memcpy(exact, two, len);
		assert_int_equal(flows_parse(exact, len, &b), FLOWS_MALFORMED);
		assert_int_equal(b.n, 0);
		free(exact);
	}
}

/* One octet changed. */
static enum flows_error changed(const uint8_t *block, size_t len, size_t at, uint8_t value)
{
	uint8_t copy[sizeof two + sizeof four];
	memcpy(copy, block, len);
	copy[at] = value;
	return flows_parse(copy, len, &b);
}

static void refuses_values_that_cannot_be(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		enum flows_error expect;
	} in_two[] = {
		{ 0, 2, FLOWS_OTHER_VERSION }, { 0, 0, FLOWS_OTHER_VERSION }, { 1, 5, FLOWS_MALFORMED }, { 2, 3, FLOWS_MALFORMED },
		{ 2, 1, FLOWS_MALFORMED }, { 2, 255, FLOWS_MALFORMED }, { 3, 1, FLOWS_MALFORMED }, { 6, 0xff, FLOWS_MALFORMED },
		{ 22, 0x61, FLOWS_MALFORMED }, { 22, 0x68, FLOWS_MALFORMED }, { 23, 47, FLOWS_MALFORMED }, { 23, 33, FLOWS_MALFORMED },
		{ 24, 0xff, FLOWS_MALFORMED }, { 48, 0, FLOWS_MALFORMED }, { 48, 10, FLOWS_MALFORMED }, { 48, 9, FLOWS_OK },
		{ 50, 0xf0, FLOWS_MALFORMED }, { 50, 0x0f, FLOWS_MALFORMED }, { 50, 0xee, FLOWS_OK }, { 49, 0xff, FLOWS_OK },
		{ sizeof two - 1, 1, FLOWS_MALFORMED },
	};
	for (size_t i = 0; i < sizeof in_two / sizeof *in_two; i++)
		assert_int_equal(changed(two, sizeof two, in_two[i].at, in_two[i].value), in_two[i].expect);
	assert_int_equal(changed(four, sizeof four, 6, 224), FLOWS_MALFORMED);  /* the mobile cannot be a group */
	assert_int_equal(changed(four, sizeof four, 6, 0), FLOWS_MALFORMED);
	assert_int_equal(changed(four, sizeof four, 12, 255), FLOWS_MALFORMED); /* neither can the peer */
	assert_int_equal(changed(four, sizeof four, 42, 0), FLOWS_MALFORMED);   /* SCTP states go to 8 */
	assert_int_equal(changed(four, sizeof four, 42, 9), FLOWS_MALFORMED);
	assert_int_equal(changed(four, sizeof four, 42, 8), FLOWS_OK);
}

static void padding_is_zeros_and_short(void **state)
{
	uint8_t padded[sizeof four + 8] = { 0 };
	memcpy(padded, four, sizeof four);
	assert_int_equal(flows_parse(padded, sizeof four + 7, &b), FLOWS_OK);
	assert_int_equal(flows_parse(padded, sizeof four + 8, &b), FLOWS_MALFORMED);
}

static void an_ipv4_address_has_four_octets(void **state)
{
	uint8_t block[sizeof two];
	static const uint8_t mapped[] = { MAPPED, MOBILE4 };
	memcpy(block, two, sizeof two);
	memcpy(&block[6], mapped, sizeof mapped);
	assert_int_equal(flows_parse(block, sizeof block, &b), FLOWS_MALFORMED);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_ipv6),
		cmocka_unit_test(reads_ipv4),
		cmocka_unit_test(writes_the_same),
		cmocka_unit_test(fills_a_block_and_no_more),
		cmocka_unit_test(refuses_what_is_cut_short),
		cmocka_unit_test(refuses_values_that_cannot_be),
		cmocka_unit_test(padding_is_zeros_and_short),
		cmocka_unit_test(an_ipv4_address_has_four_octets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
