#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "context/program_wire.h"

static uint8_t out[4096];

static const char *parse(const char *line, struct program_line *p, struct wr *w)
{
	*w = wr_make(out, sizeof out);
	return program_parse(line, strlen(line), p, w);
}

static void test_lines(void **state)
{
	struct program_line p;
	struct wr w;
	struct in6_addr a;
	assert_null(parse("hello fpt=65400", &p, &w));
	assert_int_equal(p.verb, PROGRAM_HELLO);
	assert_int_equal(p.fpt, 65400);

	assert_null(parse("put mobile=2001:db8::1 data=QUJD data= data=AAE=", &p, &w));
	assert_int_equal(p.verb, PROGRAM_PUT);
	addr_parse("2001:db8::1", &a);
	assert_true(addr_eq(&p.mobile, &a));
	assert_int_equal(p.blocks_n, 3);
	assert_int_equal(w.len, 11);
	assert_memory_equal(out, "\x00\x03" "ABC\x00\x00\x00\x02\x00\x01", 11);
	assert_null(parse("put mobile=192.0.2.1", &p, &w)); /* nothing any more */
	assert_int_equal(p.blocks_n, 0);
	assert_int_equal(w.len, 0);

	assert_null(parse("status id=4294967295 status=254 reason=the disk = full", &p, &w));
	assert_int_equal(p.id, 4294967295);
	assert_int_equal(p.status, 254);
	assert_int_equal(p.reason_len, 15);
	assert_memory_equal(p.reason, "the disk = full", 15);
	assert_null(parse("  status   status=0  id=0 ", &p, &w));
	assert_int_equal(p.reason_len, 0);
	assert_null(parse("status id=1 status=3 reason=", &p, &w));
	assert_int_equal(p.reason_len, 0);
}

static void test_refused(void **state)
{
	static const char *const bad[][2] = {
		{"", "no such request"},
		{"  ", "no such request"},
		{"HELLO fpt=1", "no such request"},
		{"hellofpt=1", "no such request"},
		{"hello", "something is missing"},
		{"hello fpt", "a word that does not belong there"},
		{"hello fpt=", "fpt is a number"},
		{"hello fpt=65536", "fpt is a number"},
		{"hello fpt=-1", "fpt is a number"},
		{"hello fpt=0x10", "fpt is a number"},
		{"hello fpt=99999999999", "fpt is a number"},
		{"hello fpt=1 fpt=2", "twice"},
		{"hello fpt=1 mobile=2001:db8::1", "does not belong"},
		{"hello =1", "does not belong"},
		{"put data=QUJD", "something is missing"},
		{"put mobile=nobody", "mobile is an address"},
		{"put mobile=", "mobile is an address"},
		{"put mobile=::", "mobile is an address"},
		{"put mobile=ff02::1", "mobile is an address"},
		{"put mobile=2001:0db8:0000:0000:0000:0000:0000:0000:0000:0000:0001", "mobile is an address"},
		{"put mobile=2001:db8::1 mobile=2001:db8::2", "twice"},
		{"put mobile=2001:db8::1 data=QUJ", "data is base64"},
		{"put mobile=2001:db8::1 data=QUJ*", "data is base64"},
		{"put mobile=2001:db8::1 data=QU=D", "data is base64"},
		{"put mobile=2001:db8::1 data=====", "data is base64"},
		{"put mobile=2001:db8::1 data=QQ==QUJD", "data is base64"},
		{"put mobile=2001:db8::1 data=QR==", "data is base64"}, /* not canonical */
		{"put mobile=2001:db8::1 reason=x", "does not belong"},
		{"status id=1", "something is missing"},
		{"status status=1", "something is missing"},
		{"status id=1 status=255", "status is a number from 0 to 254"},
		{"status id=x status=0", "id is the number"},
	};
	struct program_line p;
	struct wr w;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		const char *why = parse(bad[i][0], &p, &w);
		if (!why || !strstr(why, bad[i][1]))
			fail_msg("\"%s\": %s", bad[i][0], why ? why : "taken");
	}
	assert_non_null(program_parse("hello\0fpt=1", 11, &p, &w));
}

static void test_limits(void **state)
{
	static uint8_t octets[PROGRAM_BLOCK_MAX + 1];
	static char line[8192];
	uint8_t room[PROGRAM_BLOCK_MAX + 10];
	struct program_line p;
	for (size_t n = PROGRAM_BLOCK_MAX - 2; n <= PROGRAM_BLOCK_MAX + 1; n++) {
		int at = snprintf(line, sizeof line, "put mobile=2001:db8::1 data=");
		size_t len = (size_t)at + base64_encode(octets, n, line + at);
		struct wr w = wr_make(room, sizeof room);
		const char *why = program_parse(line, len, &p, &w);
		if (n <= PROGRAM_BLOCK_MAX)
			assert_null(why);
		else
			assert_string_equal(why, "too much data for one block");
		w = wr_make(room, n + 1); /* a block needs two more than its octets */
		assert_string_equal(program_parse(line, len, &p, &w), "too much data for one mobile");
	}
}

static void check_base64(const char *octets, const char *text)
{
	char enc[64];
	uint8_t dec[64];
	struct wr w = wr_make(dec, sizeof dec);
	assert_int_equal(base64_encode((const uint8_t *)octets, strlen(octets), enc), strlen(text));
	assert_string_equal(enc, text);
	assert_true(base64_decode(text, strlen(text), &w));
	assert_int_equal(w.len, strlen(octets));
	assert_memory_equal(dec, octets, w.len);
}

static void test_base64(void **state) /* RFC 4648 §10 */
{
	check_base64("", "");
	check_base64("f", "Zg==");
	check_base64("fo", "Zm8=");
	check_base64("foo", "Zm9v");
	check_base64("foob", "Zm9vYg==");
	check_base64("fooba", "Zm9vYmE=");
	check_base64("foobar", "Zm9vYmFy");
	check_base64("\xfb\xff\xbe", "+/++");
}

static void test_install_line(void **state)
{
	static uint8_t octets[PROGRAM_BLOCK_MAX];
	struct program_install i = {.id = 7, .interface = "wlan0", .data = (const uint8_t *)"ABC", .len = 3};
	char line[PROGRAM_INSTALL_MAX];
	addr_parse("2001:db8:b::1", &i.mobile);
	addr_parse("2001:db8:a::1", &i.previous);
	lladdr_parse("02:00:00:00:00:01", &i.lladdr);
	const char *want = "install id=7 mobile=2001:db8:b::1 previous=2001:db8:a::1 interface=wlan0 link_address=02:00:00:00:00:01 data=QUJD\n";
	assert_int_equal(program_install_line(&i, line), strlen(want));
	assert_memory_equal(line, want, strlen(want));

	/* The longest there can be. */
	i = (struct program_install){.id = UINT32_MAX, .interface = "fifteen-octets-", .data = octets, .len = sizeof octets};
	memset(&i.mobile, 0xfe, sizeof i.mobile);
	memset(&i.previous, 0xfe, sizeof i.previous);
	i.lladdr = (struct lladdr){.len = LLADDR_MAX};
	assert_true(program_install_line(&i, line) < sizeof line);
	i = (struct program_install){.data = octets};
	want = "install id=0 mobile=- previous=:: interface=- link_address=- data=\n";
	assert_int_equal(program_install_line(&i, line), strlen(want));
	assert_memory_equal(line, want, strlen(want));
}

static void test_unwrap(void **state)
{
	const uint8_t *octets;
	size_t n;
	assert_true(program_unwrap((const uint8_t *)"\x00\x03" "ABC\0\0\0", 8, &octets, &n));
	assert_int_equal(n, 3);
	assert_memory_equal(octets, "ABC", 3);
	assert_true(program_unwrap((const uint8_t *)"\0\0\0\0", 4, &octets, &n));
	assert_int_equal(n, 0);
	assert_false(program_unwrap((const uint8_t *)"", 0, &octets, &n));
	assert_false(program_unwrap((const uint8_t *)"\0", 1, &octets, &n));
	assert_false(program_unwrap((const uint8_t *)"\x00\x04" "ABC", 5, &octets, &n));
	assert_false(program_unwrap((const uint8_t *)"\x00\x03" "ABCD", 6, &octets, &n));
	assert_false(program_unwrap((const uint8_t *)"\x00\x01" "A\0\0\0\0\0\0\0\0", 11, &octets, &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_install_line),
		cmocka_unit_test(test_unwrap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
