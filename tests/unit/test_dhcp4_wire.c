/* DHCP for IPv4 as a relay agent reads and writes it: octets by hand from RFC 951, RFC 2131, RFC 2132, RFC 3046, RFC 3527, RFC 5107. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "dhcp4/dhcp4_wire.h"
#include "hex.h"

/* A DHCPREQUEST in state INIT-REBOOT for 10.1.0.10: fixed part, cookie, options. */
static const char *const head = "01 01 06 00 12 34 56 78 00 03 80 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 "
				"02 00 00 00 00 07 00 00 00 00 00 00 00 00 00 00";
static const char *const options = "63 82 53 63 35 01 03 3d 07 01 02 00 00 00 00 07 32 04 0a 01 00 0a 00 37 02 01 03 ff";

static size_t message(uint8_t out[DHCP4_MESSAGE_MAX], const char *rest)
{
	size_t n = hex_octets(head, out, DHCP4_MESSAGE_MAX);
	memset(out + n, 0, 192);
	return 236 + hex_octets(rest, out + 236, DHCP4_MESSAGE_MAX - 236);
}

static struct in6_addr v4(const char *text)
{
	struct in6_addr a;
	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static void reads_a_request(void **state)
{
	uint8_t o[DHCP4_MESSAGE_MAX];
	size_t n = message(o, options);
	struct dhcp4_message m;
	assert_true(dhcp4_parse(o, n, &m));
	assert_int_equal(m.op, DHCP4_BOOTREQUEST);
	assert_int_equal(m.type, DHCP4_REQUEST);
	assert_int_equal(m.xid, 0x12345678);
	assert_true(m.broadcast);
	assert_true(addr_is_zero(&m.ciaddr) && addr_is_zero(&m.giaddr) && addr_is_zero(&m.server));
	assert_string_equal(ADDR(&m.requested), "10.1.0.10");
	assert_string_equal(LLADDR(&m.chaddr), "02:00:00:00:00:07");
	assert_false(m.has_agent);
	for (size_t i = 0; i < 236 + 4 + 3; i++)
		assert_false(dhcp4_parse(o, i, &m));
}

static void refuses_what_is_none(void **state)
{
	static const char *const bad[] = {
		"63 82 53 63 ff",                            /* no type: BOOTP */
		"63 82 53 64 35 01 03 ff",                   /* another cookie */
		"63 82 53 63 35 01 03 35 01 01 ff",          /* two types */
		"63 82 53 63 35 02 03 00 ff",                /* a type of two octets */
		"63 82 53 63 35 01 03 32 03 0a 01 00 ff",    /* an address of three */
		"63 82 53 63 35 01 03 32 04 0a 01 00",       /* cut short */
		"63 82 53 63 35 01 03 32",                   /* no length */
		"63 82 53 63 35 01 03 32 04 0a 01 00 0a 32 04 0a 01 00 0b ff",
		"63 82 53 63 35 01 03 52 00 52 00 ff",
	};
	uint8_t o[DHCP4_MESSAGE_MAX];
	struct dhcp4_message m;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(dhcp4_parse(o, message(o, bad[i]), &m));
	size_t n = message(o, options);
	o[2] = 17; /* hlen */
	assert_false(dhcp4_parse(o, n, &m));
	o[2] = 6;
	o[0] = 3; /* op */
	assert_false(dhcp4_parse(o, n, &m));
}

/* RFC 2132 §9.3: `file` holds options, then `sname`. */
static void options_overflow_into_the_names(void **state)
{
	uint8_t o[DHCP4_MESSAGE_MAX];
	size_t n = message(o, "63 82 53 63 34 01 03 ff");
	struct dhcp4_message m;
	assert_false(dhcp4_parse(o, n, &m));
	memcpy(o + 108, "\x35\x01\x01\xff", 4);
	assert_true(dhcp4_parse(o, n, &m));
	memcpy(o + 44, "\x32\x04\x0a\x01\x00\x0b\xff", 7);
	assert_true(dhcp4_parse(o, n, &m));
	assert_int_equal(m.type, DHCP4_DISCOVER);
	assert_string_equal(ADDR(&m.requested), "10.1.0.11");
	memcpy(o + 44, "\x34\x01\x01\xff", 4); /* and not again */
	assert_false(dhcp4_parse(o, n, &m));
	memcpy(o + 44, "\x52\x00\xff", 3); /* nor a relay agent's */
	assert_false(dhcp4_parse(o, n, &m));
}

static const struct dhcp4_agent agent = {
	.giaddr = { .s6_addr = { [10] = 0xff, 0xff, 192, 0, 2, 2 } },
	.circuit = "wlan",
	.remote = { 1, 2, 3, 4, 5, 6, 7, 8 },
	.link = { .s6_addr = { [10] = 0xff, 0xff, 10, 1, 0, 1 } },
	.override = { .s6_addr = { [10] = 0xff, 0xff, 10, 2, 0, 1 } },
};

static void relays_a_request(void **state)
{
	uint8_t o[DHCP4_MESSAGE_MAX], out[DHCP4_MESSAGE_MAX], want[64];
	size_t n = message(o, options);
	struct wr w = wr_make(out, sizeof out);
	assert_true(dhcp4_put_request(&w, o, n, &agent));
	assert_int_equal(w.len, 300);
	assert_int_equal(out[3], 1);
	assert_memory_equal(out + 4, o + 4, 20);
	assert_memory_equal(out + 24, "\xc0\0\2\2", 4);
	assert_memory_equal(out + 28, o + 28, 212);
	/* What the client said, without the pad; then ours and the end. */
	size_t len = hex_octets("35 01 03 3d 07 01 02 00 00 00 00 07 32 04 0a 01 00 0a 37 02 01 03 "
				"52 1c 01 04 77 6c 61 6e 02 08 01 02 03 04 05 06 07 08 05 04 0a 01 00 01 0b 04 0a 02 00 01 ff 00 00",
				want, sizeof want);
	assert_memory_equal(out + 240, want, len);
	struct dhcp4_message m;
	assert_true(dhcp4_parse(out, w.len, &m));
	assert_true(m.has_agent);
	assert_int_equal(m.agent_len, 28);
	struct wr small = wr_make(out, 299);
	assert_false(dhcp4_put_request(&small, o, n, &agent));
}

static void takes_its_option_out_of_a_reply(void **state)
{
	uint8_t o[DHCP4_MESSAGE_MAX], out[DHCP4_MESSAGE_MAX], want[64];
	size_t n = message(o, "63 82 53 63 35 01 05 52 04 02 02 07 07 33 04 00 00 0e 10 36 04 0a 02 00 01 ff");
	struct wr w = wr_make(out, sizeof out);
	struct dhcp4_message m;
	o[0] = 2;
	assert_true(dhcp4_parse(o, n, &m));
	assert_int_equal(m.lease, 3600);
	assert_string_equal(ADDR(&m.server), "10.2.0.1");
	assert_memory_equal(m.agent, "\2\2\7\7", 4);
	assert_true(dhcp4_put_reply(&w, o, n));
	size_t len = hex_octets("63 82 53 63 35 01 05 33 04 00 00 0e 10 36 04 0a 02 00 01 ff 00", want, sizeof want);
	assert_memory_equal(out, o, 236);
	assert_memory_equal(out + 236, want, len);
	assert_true(dhcp4_parse(out, w.len, &m));
	assert_false(m.has_agent);
}

/* 192.0.2.1:67 to 192.0.2.9:68, "abc"; the sums, f603 and b6e3, by hand. */
static void packs_datagrams(void **state)
{
	static const char *const text = "45 c0 00 1f 00 00 00 00 40 11 f6 03 c0 00 02 01 c0 00 02 09 00 43 00 44 00 0b b6 e3 61 62 63";
	uint8_t want[64], out[64];
	size_t n = hex_octets(text, want, sizeof want);
	struct wr w = wr_make(out, sizeof out);
	struct dhcp4_udp u = { v4("192.0.2.1"), v4("192.0.2.9"), 67, 68, (const uint8_t *)"abc", 3 }, back;
	dhcp4_udp_put(&w, &u);
	assert_true(wr_ok(&w));
	assert_int_equal(w.len, n);
	assert_memory_equal(out, want, n);
	assert_true(dhcp4_udp_walk(want, n, false, &back));
	assert_int_equal(back.sport, 67);
	assert_int_equal(back.dport, 68);
	assert_int_equal(back.len, 3);
	for (size_t i = 0; i < n; i++)
		assert_false(dhcp4_udp_walk(want, i, true, &back));
	want[29] ^= 1;
	assert_false(dhcp4_udp_walk(want, n, false, &back));
	assert_true(dhcp4_udp_walk(want, n, true, &back));
	want[26] = want[27] = 0; /* no checksum */
	assert_true(dhcp4_udp_walk(want, n, false, &back));
	want[25] = 12; /* longer than the packet */
	assert_false(dhcp4_udp_walk(want, n, false, &back));
	want[25] = 7;
	assert_false(dhcp4_udp_walk(want, n, false, &back));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_request),
		cmocka_unit_test(refuses_what_is_none),
		cmocka_unit_test(options_overflow_into_the_names),
		cmocka_unit_test(relays_a_request),
		cmocka_unit_test(takes_its_option_out_of_a_reply),
		cmocka_unit_test(packs_datagrams),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
