/* CXTP messages against octets written by hand from RFC 4067 §2.4 and §2.5. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cxtp/cxtp_wire.h"
#include "hex.h"

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;
	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

#define MN6 "20010db8 000a0000 00000000 00000010 "
#define MN6_TEXT "2001:db8:a::10"
#define AR6 "20010db8 000b0000 00000000 00000001 "
#define AR6_TEXT "2001:db8:b::1"
#define MN4 "c000020a "
#define MN4_TEXT "192.0.2.10"
#define AR4 "c6336401 "
#define AR4_TEXT "198.51.100.1"
#define SEQ_TOKEN "01020304 a0b0c0d0 "
#define ASK_1 "0001 01 00 00000000 " /* all a request CDB needs, filled up to one word */
#define ASK_FFFF "ffff 01 00 00000000 "
#define KEY20 "000102030405060708090a0b0c0d0e0f10111213 "
/* Appendix B: prefix 2001:db8:b::/64, group ff3e::1234; 4 + 24 octets, filled up to 32. */
#define MLD "0001 04 00 20010db8000b0000 ff3e0000000000000000000000001234 00000000 "
/* Presence vector and one octet of data: 9 octets, filled up to 16. */
#define PRESENT "4001 02 80 c0000000 5a 00000000000000 "

struct sample {
	const char *name, *bytes;
	struct cxtp_message m; /* without addresses and borrowed parts: */
	const char *mobile, *router, *key, *blocks, *statuses;
};

static const struct sample samples[] = {
	{ "CTAR v6, minimal", "21 00 002c " MN6 AR6 SEQ_TOKEN,
	  { .type = CXTP_CTAR, .seq = 0x01020304, .token = 0xa0b0c0d0 }, MN6_TEXT, AR6_TEXT, "", "", "" },
	{ "CTAR v6, acknowledgement wanted, two features", "21 40 003c " MN6 AR6 SEQ_TOKEN ASK_1 ASK_FFFF,
	  { .type = CXTP_CTAR, .flag = true, .seq = 0x01020304, .token = 0xa0b0c0d0 }, MN6_TEXT, AR6_TEXT, "", ASK_1 ASK_FFFF, "" },
	{ "CTAR v4, minimal", "21 80 0014 " MN4 AR4 SEQ_TOKEN,
	  { .type = CXTP_CTAR, .seq = 0x01020304, .token = 0xa0b0c0d0 }, MN4_TEXT, AR4_TEXT, "", "", "" },
	{ "CTAR v4, full", "21 c0 0024 " MN4 AR4 SEQ_TOKEN ASK_1 ASK_FFFF,
	  { .type = CXTP_CTAR, .flag = true, .seq = 0x01020304, .token = 0xa0b0c0d0 }, MN4_TEXT, AR4_TEXT, "", ASK_1 ASK_FFFF, "" },
	{ "CTAR, sequence number and token at their extremes", "21 00 002c " MN6 AR6 "ffffffff ffffffff",
	  { .type = CXTP_CTAR, .seq = UINT32_MAX, .token = UINT32_MAX }, MN6_TEXT, AR6_TEXT, "", "", "" },
	{ "CTAA v6, all transferred", "22 00 0014 " MN6, { .type = CXTP_CTAA }, MN6_TEXT, NULL, "", "", "" },
	{ "CTAA v6, two were not", "22 00 001c " MN6 "0001 02 00 ffff ff 00", { .type = CXTP_CTAA }, MN6_TEXT, NULL, "", "",
	  "0001 02 00 ffff ff 00" },
	{ "CTAA v4, minimal", "22 80 0008 " MN4, { .type = CXTP_CTAA }, MN4_TEXT, NULL, "", "", "" },
	{ "CTAA v4, full", "22 80 000c " MN4 "0001 02 00", { .type = CXTP_CTAA }, MN4_TEXT, NULL, "", "", "0001 02 00" },
	{ "CTD v6, nothing to transfer", "23 00 0018 00000000 " MN6, { .type = CXTP_CTD }, MN6_TEXT, NULL, "", "", "" },
	{ "CTD v6, full", "23 40 0048 000003e8 " MN6 MLD PRESENT, { .type = CXTP_CTD, .flag = true, .elapsed = 1000 }, MN6_TEXT, NULL,
	  "", MLD PRESENT, "" },
	{ "CTD v4, minimal", "23 80 000c ffffffff " MN4, { .type = CXTP_CTD, .elapsed = UINT32_MAX }, MN4_TEXT, NULL, "", "", "" },
	{ "CTD v4, full", "23 c0 003c 00000001 " MN4 MLD PRESENT, { .type = CXTP_CTD, .flag = true, .elapsed = 1 }, MN4_TEXT, NULL,
	  "", MLD PRESENT, "" },
	{ "PCTD v6, a key of one octet, nothing to transfer", "24 00 001d 00000000 " MN6 "0001 0001 5a",
	  { .type = CXTP_PCTD, .algorithm = 1 }, MN6_TEXT, NULL, "5a", "", "" },
	{ "PCTD v6, full", "24 40 0060 000003e8 " MN6 "0001 0014 " KEY20 MLD PRESENT,
	  { .type = CXTP_PCTD, .flag = true, .elapsed = 1000, .algorithm = 1 }, MN6_TEXT, NULL, KEY20, MLD PRESENT, "" },
	{ "PCTD v4, an algorithm not yet defined", "24 80 0024 00000000 " MN4 "ffff 0014 " KEY20,
	  { .type = CXTP_PCTD, .algorithm = 0xffff }, MN4_TEXT, NULL, KEY20, "", "" },
	{ "PCTD v4, full", "24 c0 0044 00000000 " MN4 "0001 0014 " KEY20 MLD,
	  { .type = CXTP_PCTD, .flag = true, .algorithm = 1 }, MN4_TEXT, NULL, KEY20, MLD, "" },
	{ "CTDR v6, minimal", "25 40 0014 " MN6, { .type = CXTP_CTDR, .flag = true }, MN6_TEXT, NULL, "", "", "" },
	{ "CTDR v6, one of two failed", "25 00 001c " MN6 "0001 00 00 4001 04 00", { .type = CXTP_CTDR }, MN6_TEXT, NULL, "", "",
	  "0001 00 00 4001 04 00" },
	{ "CTDR v4, minimal", "25 80 0008 " MN4, { .type = CXTP_CTDR }, MN4_TEXT, NULL, "", "", "" },
	{ "CTDR v4, full", "25 c0 000c " MN4 "0001 00 00", { .type = CXTP_CTDR, .flag = true }, MN4_TEXT, NULL, "", "", "0001 00 00" },
	{ "CTC v6", "26 00 0014 " MN6, { .type = CXTP_CTC }, MN6_TEXT, NULL, "", "", "" },
	{ "CTC v4", "26 80 0008 " MN4, { .type = CXTP_CTC }, MN4_TEXT, NULL, "", "", "" },
	{ "CT-Req v6, all contexts", "27 00 001c " MN6 SEQ_TOKEN,
	  { .type = CXTP_CTREQ, .seq = 0x01020304, .token = 0xa0b0c0d0 }, MN6_TEXT, NULL, "", "", "" },
	{ "CT-Req v6, one feature", "27 00 0024 " MN6 SEQ_TOKEN ASK_1,
	  { .type = CXTP_CTREQ, .seq = 0x01020304, .token = 0xa0b0c0d0 }, MN6_TEXT, NULL, "", ASK_1, "" },
	{ "CT-Req v4, before the CTAR came: no sequence number, no token", "27 80 0010 " MN4 "00000000 00000000",
	  { .type = CXTP_CTREQ }, MN4_TEXT, NULL, "", "", "" },
	{ "CT-Req v4, full", "27 80 0018 " MN4 SEQ_TOKEN ASK_1,
	  { .type = CXTP_CTREQ, .seq = 0x01020304, .token = 0xa0b0c0d0 }, MN4_TEXT, NULL, "", ASK_1, "" },
};
#define SAMPLES (sizeof samples / sizeof samples[0])

static void test_parse(void **state)
{
	for (size_t i = 0; i < SAMPLES; i++) {
		const struct sample *s = &samples[i];
		uint8_t bytes[256], want[256];
		size_t len = hex_octets(s->bytes, bytes, sizeof bytes), n;
		struct cxtp_message m;
		print_message("%s\n", s->name);
		assert_int_equal(bytes[2] << 8 | bytes[3], len);
		assert_int_equal(cxtp_parse(bytes, len, &m), CXTP_OK);
		assert_int_equal(m.type, s->m.type);
		assert_int_equal(m.flag, s->m.flag);
		struct in6_addr mobile = addr(s->mobile);
		assert_true(addr_eq(&m.mobile, &mobile));
		if (s->router) {
			struct in6_addr router = addr(s->router);
			assert_true(addr_eq(&m.router, &router));
		}
		assert_int_equal(m.seq, s->m.seq);
		assert_int_equal(m.token, s->m.token);
		assert_int_equal(m.elapsed, s->m.elapsed);
		assert_int_equal(m.algorithm, s->m.algorithm);
		n = hex_octets(s->key, want, sizeof want);
		assert_int_equal(m.key_len, n);
		assert_memory_equal(m.key, want, n);
		n = hex_octets(s->blocks, want, sizeof want);
		assert_int_equal(m.blocks_len, n);
		assert_memory_equal(m.blocks, want, n);
		n = hex_octets(s->statuses, want, sizeof want);
		assert_int_equal(m.statuses_len, n);
		assert_memory_equal(m.statuses, want, n);
	}
}

static void test_pack(void **state)
{
	for (size_t i = 0; i < SAMPLES; i++) {
		const struct sample *s = &samples[i];
		uint8_t bytes[256], key[64], blocks[128], statuses[64], out[256];
		size_t len = hex_octets(s->bytes, bytes, sizeof bytes);
		struct cxtp_message m = s->m;
		print_message("%s\n", s->name);
		m.mobile = addr(s->mobile);
		if (s->router)
			m.router = addr(s->router);
		m.key = key;
		m.key_len = hex_octets(s->key, key, sizeof key);
		m.blocks = blocks;
		m.blocks_len = hex_octets(s->blocks, blocks, sizeof blocks);
		m.statuses = statuses;
		m.statuses_len = hex_octets(s->statuses, statuses, sizeof statuses);
		assert_int_equal(cxtp_pack(&m, out, sizeof out), len);
		assert_memory_equal(out, bytes, len);
		for (size_t cap = 0; cap < len; cap++)
			assert_int_equal(cxtp_pack(&m, out, cap), 0);
	}
}

/* Cut anywhere, a message is refused: with its length field as it was, and with the length field telling the cut. */
static void test_truncated(void **state)
{
	for (size_t i = 0; i < SAMPLES; i++) {
		uint8_t bytes[256];
		size_t len = hex_octets(samples[i].bytes, bytes, sizeof bytes);
		struct cxtp_message m;
		for (size_t cut = 0; cut < len; cut++) {
			uint8_t *exact = malloc(cut + 1);
			memcpy(exact + 1, bytes, cut);
			assert_int_not_equal(cxtp_parse(exact + 1, cut, &m), CXTP_OK);
			free(exact);
		}
	}
	/* Where no CDB and no entry follows, nothing shorter is valid whatever the length field says. */
	for (size_t i = 0; i < SAMPLES; i++) {
		const struct sample *s = &samples[i];
		if (*s->blocks || *s->statuses)
			continue;
		uint8_t bytes[256];
		size_t len = hex_octets(s->bytes, bytes, sizeof bytes);
		struct cxtp_message m;
		for (size_t cut = 4; cut < len; cut++) {
			uint8_t *exact = malloc(cut);
			memcpy(exact, bytes, cut);
			exact[2] = 0;
			exact[3] = (uint8_t)cut;
			assert_int_not_equal(cxtp_parse(exact, cut, &m), CXTP_OK);
			free(exact);
		}
	}
}

static enum cxtp_error parse_hex(const char *text, struct cxtp_message *m)
{
	static uint8_t bytes[512];
	size_t len = hex_octets(text, bytes, sizeof bytes);
	return cxtp_parse(bytes, len, m);
}

static void test_refused(void **state)
{
	static const struct {
		const char *why, *bytes;
		enum cxtp_error error;
	} bad[] = {
		{ "version 0", "06 00 0014 " MN6, CXTP_E_VERSION },
		{ "version 2", "46 00 0014 " MN6, CXTP_E_VERSION },
		{ "version 7", "e6 00 0014 " MN6, CXTP_E_VERSION },
		{ "type 0", "20 00 0014 " MN6, CXTP_E_TYPE },
		{ "type 8", "28 00 0014 " MN6, CXTP_E_TYPE },
		{ "type 31", "3f 00 0014 " MN6, CXTP_E_TYPE },
		{ "length 0", "26 00 0000 " MN6, CXTP_E_LENGTH },
		{ "length too small", "26 00 0013 " MN6, CXTP_E_LENGTH },
		{ "length too large", "26 00 0015 " MN6, CXTP_E_LENGTH },
		{ "length 65535", "26 00 ffff " MN6, CXTP_E_LENGTH },
		{ "octets after the last field", "26 00 0015 " MN6 "00", CXTP_E_LENGTH },
		{ "IPv6 message with the V bit", "26 80 0014 " MN6, CXTP_E_LENGTH }, /* 32.1.13.184, and too much after it */
		{ "IPv4 message without it", "26 00 0008 " MN4, CXTP_E_SHORT },
		{ "mobile unspecified", "26 00 0014 00000000 00000000 00000000 00000000", CXTP_E_ADDRESS },
		{ "mobile loopback", "26 00 0014 00000000 00000000 00000000 00000001", CXTP_E_ADDRESS },
		{ "mobile multicast", "26 00 0014 ff020000 00000000 00000000 00000001", CXTP_E_ADDRESS },
		{ "mobile link-local", "26 00 0014 fe800000 00000000 00000000 00000010", CXTP_E_ADDRESS },
		{ "mobile IPv4-mapped in an IPv6 field", "26 00 0014 00000000 00000000 0000ffff c000020a", CXTP_E_ADDRESS },
		{ "mobile 0.0.0.0", "26 80 0008 00000000", CXTP_E_ADDRESS },
		{ "mobile 127.0.0.1", "26 80 0008 7f000001", CXTP_E_ADDRESS },
		{ "mobile 224.0.0.1", "26 80 0008 e0000001", CXTP_E_ADDRESS },
		{ "mobile 255.255.255.255", "26 80 0008 ffffffff", CXTP_E_ADDRESS },
		{ "router multicast", "21 00 002c " MN6 "ff020000 00000000 00000000 00000002" SEQ_TOKEN, CXTP_E_ADDRESS },
		{ "key length 0", "24 00 001c 00000000 " MN6 "0001 0000", CXTP_E_KEY },
		{ "key longer than the message", "24 00 001d 00000000 " MN6 "0001 0002 5a", CXTP_E_KEY },
		{ "key length 65535", "24 00 001d 00000000 " MN6 "0001 ffff 5a", CXTP_E_KEY },
		{ "CDB longer than the message", "23 00 0020 00000000 " MN6 "0001 02 00 00000000", CXTP_E_BLOCK },
		{ "CDB of 255 words", "23 00 0020 00000000 " MN6 "0001 ff 00 00000000", CXTP_E_BLOCK },
		{ "CDB of 0 words with data", "23 00 0020 00000000 " MN6 "0001 00 00 00000000", CXTP_E_BLOCK },
		{ "half a CDB", "23 00 001c 00000000 " MN6 "0001 01 00", CXTP_E_BLOCK },
		{ "a piece of a CDB's head", "27 00 001f " MN6 SEQ_TOKEN "0001 01", CXTP_E_BLOCK },
		{ "a short request with a presence vector", "27 00 0020 " MN6 SEQ_TOKEN "0001 00 80", CXTP_E_BLOCK },
		{ "a piece of an entry", "25 00 0017 " MN6 "0001 00", CXTP_E_STATUS },
	};
	struct cxtp_message m;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		print_message("%s\n", bad[i].why);
		enum cxtp_error e = parse_hex(bad[i].bytes, &m);
		assert_int_equal(e, bad[i].error);
		assert_non_null(cxtp_error_text(e));
	}
}

/* Reserved bits are ignored (§2.5), and bits that a message does not have are none of its flags. */
static void test_reserved(void **state)
{
	struct cxtp_message m;
	assert_int_equal(parse_hex("21 7f 002c " MN6 AR6 SEQ_TOKEN, &m), CXTP_OK);
	assert_true(m.flag);
	assert_int_equal(parse_hex("21 3f 002c " MN6 AR6 SEQ_TOKEN, &m), CXTP_OK);
	assert_false(m.flag);
	assert_int_equal(parse_hex("26 7f 0014 " MN6, &m), CXTP_OK);
	assert_false(m.flag);
	assert_int_equal(parse_hex("25 00 0018 " MN6 "0001 07 ff", &m), CXTP_OK);
	struct rd r = rd_make(m.statuses, m.statuses_len);
	struct cxtp_status s;
	assert_true(cxtp_status_next(&r, &s));
	assert_int_equal(s.fpt, 1);
	assert_int_equal(s.status, 7);
	assert_false(cxtp_status_next(&r, &s));

	uint8_t out[64];
	struct cxtp_message ctc = { .type = CXTP_CTC, .flag = true, .mobile = addr(MN6_TEXT) };
	assert_int_equal(cxtp_pack(&ctc, out, sizeof out), 20);
	assert_int_equal(out[1], 0);
}

static void walk(const char *text, bool request, const char *const *want)
{
	uint8_t bytes[256];
	struct rd r = rd_make(bytes, hex_octets(text, bytes, sizeof bytes));
	struct cxtp_block b;
	int got;
	for (; (got = cxtp_block_next(&r, request, &b)) > 0; want++) {
		char line[64];
		snprintf(line, sizeof line, "%04x %s %zu", b.fpt, b.has_presence ? "P" : "-", b.len);
		assert_non_null(*want);
		assert_string_equal(line, *want);
	}
	assert_int_equal(got, 0);
	assert_null(*want);
}

static void test_blocks(void **state)
{
	walk("", false, (const char *[]){ NULL });
	walk(MLD PRESENT MLD, false, (const char *[]){ "0001 - 28", "4001 P 8", "0001 - 28", NULL });
	walk(ASK_1 ASK_FFFF, true, (const char *[]){ "0001 - 4", "ffff - 4", NULL });
	/* Four octets alone: length 0 anywhere, length 1 at the end. */
	walk("0001 00 00 0002 00 00 0003 01 00", true, (const char *[]){ "0001 - 0", "0002 - 0", "0003 - 0", NULL });
	/* A request may carry a presence vector, and data. */
	walk("0001 01 80 80000000" MLD, true, (const char *[]){ "0001 P 0", "0001 - 28", NULL });
	/* Reserved bits beside P are ignored. */
	walk("0001 01 7f 00000000", false, (const char *[]){ "0001 - 4", NULL });
}

static void test_block_sizes(void **state)
{
	static const struct {
		size_t data;
		bool presence;
		size_t size; /* 0: does not fit a block */
	} cases[] = { { 0, false, 8 },     { 1, false, 8 },   { 4, false, 8 },       { 5, false, 16 },     { 12, false, 16 },
		      { 24, false, 32 },   { 0, true, 8 },    { 1, true, 16 },       { 8, true, 16 },      { 9, true, 24 },
		      { 2036, false, 2040 }, { 2037, false, 0 }, { 2032, true, 2040 }, { 2033, true, 0 }, { 65536, false, 0 } };
	static uint8_t data[65536], out[4096];
	memset(data, 0xff, sizeof data);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint32_t vector = 0x80000001;
		struct wr w = wr_make(out, sizeof out);
		memset(out, 0xee, sizeof out);
		cxtp_block_put(&w, 0x1234, cases[i].presence ? &vector : NULL, data, cases[i].data);
		assert_int_equal(wr_ok(&w), cases[i].size != 0);
		if (!cases[i].size)
			continue;
		assert_int_equal(w.len, cases[i].size);
		assert_int_equal(out[2], cases[i].size / 8);
		size_t head = cases[i].presence ? 8 : 4;
		for (size_t k = head + cases[i].data; k < w.len; k++)
			assert_int_equal(out[k], 0);
		struct rd r = rd_make(out, w.len);
		struct cxtp_block b;
		assert_int_equal(cxtp_block_next(&r, false, &b), 1);
		assert_int_equal(b.fpt, 0x1234);
		assert_int_equal(b.has_presence, cases[i].presence);
		assert_int_equal(b.presence, cases[i].presence ? vector : 0);
		assert_true(b.len >= cases[i].data && b.len < cases[i].data + 8);
		assert_int_equal(cxtp_block_next(&r, false, &b), 0);
	}
	struct wr w = wr_make(out, sizeof out);
	uint8_t want[16];
	cxtp_request_put(&w, 1);
	assert_int_equal(w.len, hex_octets(ASK_1, want, sizeof want));
	assert_memory_equal(out, want, w.len);
	/* The MLD context of appendix B, written through. */
	w = wr_make(out, sizeof out);
	uint8_t mld[24], block[32];
	hex_octets("20010db8000b0000 ff3e0000000000000000000000001234", mld, sizeof mld);
	cxtp_block_put(&w, 1, NULL, mld, sizeof mld);
	assert_int_equal(w.len, hex_octets(MLD, block, sizeof block));
	assert_memory_equal(out, block, w.len);
}

static void test_pack_refuses(void **state)
{
	static uint8_t out[70000], blocks[70000];
	struct cxtp_message m = { .type = CXTP_CTAR, .mobile = addr(MN6_TEXT), .router = addr(AR4_TEXT) };
	assert_int_equal(cxtp_pack(&m, out, sizeof out), 0); /* two families in one message */
	m = (struct cxtp_message){ .type = (enum cxtp_type)8, .mobile = addr(MN6_TEXT) };
	assert_int_equal(cxtp_pack(&m, out, sizeof out), 0);
	m = (struct cxtp_message){ .type = CXTP_PCTD, .mobile = addr(MN6_TEXT) };
	assert_int_equal(cxtp_pack(&m, out, sizeof out), 0); /* no key */
	m = (struct cxtp_message){ .type = CXTP_CTD, .mobile = addr(MN6_TEXT), .blocks = blocks, .blocks_len = 65535 - 24 };
	assert_int_equal(cxtp_pack(&m, out, sizeof out), 65535);
	assert_int_equal(out[2] << 8 | out[3], 65535);
	m.blocks_len++;
	assert_int_equal(cxtp_pack(&m, out, sizeof out), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),       cmocka_unit_test(test_pack),   cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_refused),     cmocka_unit_test(test_reserved), cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_block_sizes), cmocka_unit_test(test_pack_refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
