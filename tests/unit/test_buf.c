/* The bounded reader and writer: what fits, what does not, and that what does not fit changes nothing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/buf.h"

static const uint8_t bytes[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09 };

static void reads_in_network_order(void **state)
{
	struct rd r = rd_make(bytes, sizeof bytes);
	uint8_t a;
	uint16_t b;
	uint32_t c;
	assert_true(rd_u8(&r, &a) && a == 0x01);
	assert_true(rd_u16(&r, &b) && b == 0x0203);
	assert_true(rd_u32(&r, &c) && c == 0x04050607);
	assert_int_equal(rd_left(&r), 2);
}

static void short_reads_consume_nothing(void **state)
{
	struct rd r = rd_make(bytes, 3);
	uint32_t c = 42;
	uint64_t d = 42;
	struct in6_addr a;
	struct rd child;
	assert_false(rd_u32(&r, &c));
	assert_false(rd_u64(&r, &d));
	assert_false(rd_addr6(&r, &a));
	assert_false(rd_addr4(&r, &a));
	assert_false(rd_skip(&r, 4));
	assert_false(rd_sub(&r, 4, &child));
	assert_null(rd_bytes(&r, 4));
	assert_int_equal(c, 42);
	assert_int_equal(d, 42);
	assert_int_equal(rd_left(&r), 3);
}

static void a_child_is_fenced_in(void **state)
{
	struct rd r = rd_make(bytes, sizeof bytes), child;
	uint8_t v;
	uint32_t w;
	assert_true(rd_sub(&r, 2, &child));
	assert_false(rd_u32(&child, &w));
	assert_true(rd_skip(&child, 2));
	assert_false(rd_u8(&child, &v));
	assert_true(rd_u8(&r, &v) && v == 0x03);
}

static void an_empty_window_has_nothing(void **state)
{
	struct rd r = rd_make(NULL, 0);
	uint8_t v;
	assert_int_equal(rd_left(&r), 0);
	assert_false(rd_u8(&r, &v));
	assert_true(rd_skip(&r, 0));
}

static void writes_and_patches(void **state)
{
	uint8_t out[16];
	static const uint8_t want[] = { 0xaa, 0x00, 0x08, 0x11, 0x22, 0x33, 0x44, 0x00 };
	struct wr w = wr_make(out, sizeof out);
	wr_u8(&w, 0xaa);
	wr_u16(&w, 0);
	wr_u32(&w, 0x11223344);
	wr_align(&w, 8, 0);
	wr_patch16(&w, 1, (uint16_t)w.len);
	assert_true(wr_ok(&w));
	assert_int_equal(w.len, sizeof want);
	assert_memory_equal(out, want, sizeof want);
}

static void align_reaches_its_phase(void **state)
{
	uint8_t out[64];
	for (size_t start = 0; start < 16; start++) {
		struct wr w = wr_make(out, sizeof out);
		wr_zero(&w, start);
		wr_align(&w, 8, 6);
		assert_int_equal(w.len % 8, 6);
		assert_true(w.len - start < 8);
	}
}

static void overflow_sticks_and_writes_no_further(void **state)
{
	uint8_t out[4] = { 0, 0, 0, 0x55 };
	struct wr w = wr_make(out, 3);
	wr_u16(&w, 0x0102);
	wr_u16(&w, 0x0304);
	wr_u8(&w, 0x05);
	assert_false(wr_ok(&w));
	assert_int_equal(w.len, 2);
	assert_int_equal(out[2], 0);
	assert_int_equal(out[3], 0x55);
}

static void patch_outside_is_an_overflow(void **state)
{
	uint8_t out[4];
	struct wr w = wr_make(out, sizeof out);
	wr_u16(&w, 1);
	wr_patch16(&w, 1, 7);
	assert_false(wr_ok(&w));
}

/* An ICMPv6 echo request ::1 → ::1, id 1, seq 1, no data; the sum worked out by hand: 1+1+8+58+0x8000+1+1 = 0x8046. */
static void checksum_by_hand(void **state)
{
	uint8_t echo[] = { 0x80, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01 };
	struct in6_addr lo = IN6ADDR_LOOPBACK_INIT;
	uint16_t sum = checksum_ipv6(&lo, &lo, 58, echo, sizeof echo);
	assert_int_equal(sum, (uint16_t)~0x8046);
	echo[2] = (uint8_t)(sum >> 8);
	echo[3] = (uint8_t)sum;
	assert_int_equal(checksum_ipv6(&lo, &lo, 58, echo, sizeof echo), 0);
	echo[7] ^= 1;
	assert_int_not_equal(checksum_ipv6(&lo, &lo, 58, echo, sizeof echo), 0);
}

static void checksum_of_odd_length(void **state)
{
	static const uint8_t odd[] = { 0x01, 0x02, 0x03 };
	assert_int_equal(checksum_inet(odd, sizeof odd), (uint16_t)~(0x0102 + 0x0300));
}

static void options_in_words_of_eight(void **state)
{
	static const uint8_t row[] = { 1, 1, 0xa, 0xb, 0xc, 0xd, 0xe, 0xf, 3, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 };
	static const uint8_t zero[] = { 1, 0, 0, 0, 0, 0, 0, 0 };
	struct rd r = rd_make(row, sizeof row), body;
	uint8_t type;
	assert_int_equal(rd_option8(&r, &type, &body), 1);
	assert_int_equal(type, 1);
	assert_int_equal(rd_left(&body), 6);
	assert_int_equal(rd_option8(&r, &type, &body), 1);
	assert_int_equal(type, 3);
	assert_int_equal(rd_left(&body), 14);
	assert_int_equal(rd_option8(&r, &type, &body), 0);
	r = rd_make(zero, sizeof zero);
	assert_int_equal(rd_option8(&r, &type, &body), -EBADMSG);
	for (size_t n = 9; n < sizeof row; n++) {
		r = rd_make(row, n);
		assert_int_equal(rd_option8(&r, &type, &body), 1);
		assert_int_equal(rd_option8(&r, &type, &body), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_in_network_order),
		cmocka_unit_test(short_reads_consume_nothing),
		cmocka_unit_test(a_child_is_fenced_in),
		cmocka_unit_test(an_empty_window_has_nothing),
		cmocka_unit_test(writes_and_patches),
		cmocka_unit_test(align_reaches_its_phase),
		cmocka_unit_test(overflow_sticks_and_writes_no_further),
		cmocka_unit_test(patch_outside_is_an_overflow),
		cmocka_unit_test(checksum_by_hand),
		cmocka_unit_test(options_in_words_of_eight),
		cmocka_unit_test(checksum_of_odd_length),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
