/* CXTP messages against octets written by hand (cxtp_samples.h); CDBs have a test of their own, test_cxtp_blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cxtp_samples.h"
#include "hex.h"

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;
	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static void test_parse(void **state)
{
	for (size_t i = 0; i < CXTP_SAMPLES; i++) {
		const struct cxtp_sample *s = &cxtp_samples[i];
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
	for (size_t i = 0; i < CXTP_SAMPLES; i++) {
		const struct cxtp_sample *s = &cxtp_samples[i];
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

/* In memory of exactly its size, so that a sanitizer sees any step beyond it. */
static enum cxtp_error parse_exactly(const uint8_t *bytes, size_t len, size_t length_field)
{
	uint8_t *exact = malloc(len ? len : 1);
	struct cxtp_message m;
	assert_non_null(exact);
	memcpy(exact, bytes, len);
	if (len >= 4) {
		exact[2] = (uint8_t)(length_field >> 8);
		exact[3] = (uint8_t)length_field;
	}
	enum cxtp_error e = cxtp_parse(exact, len, &m);
	free(exact);
	return e;
}

static bool may_end(const struct cxtp_sample *s, size_t at)
{
	for (size_t i = 0; i < sizeof s->cuts / sizeof s->cuts[0]; i++)
		if (at && s->cuts[i] == at)
			return true;
	return false;
}

/* Cut anywhere, a message is refused; with a length field that tells the cut it is understood where it may end. */
static void test_truncated(void **state)
{
	for (size_t i = 0; i < CXTP_SAMPLES; i++) {
		const struct cxtp_sample *s = &cxtp_samples[i];
		uint8_t bytes[256];
		size_t len = hex_octets(s->bytes, bytes, sizeof bytes);
		print_message("%s\n", s->name);
		for (size_t cut = 0; cut < len; cut++) {
			enum cxtp_error e = parse_exactly(bytes, cut, len);
			assert_int_equal(e, cut < 4 ? CXTP_E_SHORT : CXTP_E_LENGTH);
			e = parse_exactly(bytes, cut, cut);
			assert_int_equal(e == CXTP_OK, may_end(s, cut));
		}
		/* And with something after it. */
		bytes[len] = 0;
		assert_int_equal(parse_exactly(bytes, len + 1, len), CXTP_E_LENGTH);
		assert_int_not_equal(parse_exactly(bytes, len + 1, len + 1), CXTP_OK);
	}
}

/* Whatever the length field says, if it is not the length of what came. */
static void test_lengths(void **state)
{
	for (size_t i = 0; i < CXTP_SAMPLES; i++) {
		uint8_t bytes[256];
		struct cxtp_message m;
		size_t len = hex_octets(cxtp_samples[i].bytes, bytes, sizeof bytes);
		for (size_t length = 0; length <= UINT16_MAX; length++) {
			bytes[2] = (uint8_t)(length >> 8);
			bytes[3] = (uint8_t)length;
			assert_int_equal(cxtp_parse(bytes, len, &m), length == len ? CXTP_OK : CXTP_E_LENGTH);
		}
	}
}

static size_t pack_again(const struct cxtp_message *m, uint8_t *out, size_t cap)
{
	memset(out, 0xee, cap);
	return cxtp_pack(m, out, cap);
}

/* What was parsed packs to the octets it came in. */
static void test_round_trip(void **state)
{
	for (size_t i = 0; i < CXTP_SAMPLES; i++) {
		uint8_t bytes[256], out[256];
		struct cxtp_message m;
		size_t len = hex_octets(cxtp_samples[i].bytes, bytes, sizeof bytes);
		assert_int_equal(cxtp_parse(bytes, len, &m), CXTP_OK);
		assert_int_equal(pack_again(&m, out, sizeof out), len);
		assert_memory_equal(out, bytes, len);
	}
}

/* One field of a sample: where it stands on the wire, by its octets, and in the struct. */
#define IN(field) offsetof(struct cxtp_message, field)
static const struct field {
	const char *name; /* for who reads */
	size_t sample, at, octets, in, in_size;
} fields[] = {
	{ "CTAR v6 Sequence Number", 0, 36, 4, IN(seq), 4 },     { "CTAR v6 Token", 0, 40, 4, IN(token), 4 },
	{ "CTAR v4 Sequence Number", 2, 12, 4, IN(seq), 4 },     { "CTAR v4 Token", 2, 16, 4, IN(token), 4 },
	{ "CTD v6 Elapsed Time", 8, 4, 4, IN(elapsed), 4 },      { "CTD v4 Elapsed Time", 10, 4, 4, IN(elapsed), 4 },
	{ "PCTD v6 Elapsed Time", 12, 4, 4, IN(elapsed), 4 },    { "PCTD v4 Elapsed Time", 14, 4, 4, IN(elapsed), 4 },
	{ "PCTD v6 Algorithm", 12, 24, 2, IN(algorithm), 2 },    { "PCTD v4 Algorithm", 14, 12, 2, IN(algorithm), 2 },
	{ "CT-Req v6 Sequence Number", 22, 20, 4, IN(seq), 4 },  { "CT-Req v6 Token", 22, 24, 4, IN(token), 4 },
	{ "CT-Req v4 Sequence Number", 24, 8, 4, IN(seq), 4 },   { "CT-Req v4 Token", 24, 12, 4, IN(token), 4 },
};

static void test_extremes(void **state)
{
	static const uint32_t values[] = { 0, 1, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff };
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
			const struct field *f = &fields[i];
			uint8_t bytes[256], out[256];
			struct cxtp_message m;
			size_t len = hex_octets(cxtp_samples[f->sample].bytes, bytes, sizeof bytes);
			uint32_t value = values[v], got = 0;
			if (f->octets == 2)
				value &= 0xffff;
			for (size_t k = 0; k < f->octets; k++)
				bytes[f->at + k] = (uint8_t)(value >> 8 * (f->octets - 1 - k));
			assert_int_equal(cxtp_parse(bytes, len, &m), CXTP_OK);
			if (f->in_size == 2)
				got = *(const uint16_t *)(const void *)((const char *)&m + f->in);
			else
				got = *(const uint32_t *)(const void *)((const char *)&m + f->in);
			assert_int_equal(got, value);
			assert_int_equal(pack_again(&m, out, sizeof out), len);
			assert_memory_equal(out, bytes, len);
		}
}

/* A key of any length that fits; its length says more than there is, or nothing. */
static void test_keys(void **state)
{
	static const size_t lengths[] = { 1, 2, 20, 64, 255, 256, 65535 - 28 };
	static uint8_t bytes[65535], out[65535];
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		size_t n = lengths[i], len = 28 + n;
		struct cxtp_message m;
		memset(bytes, 0x5a, sizeof bytes);
		hex_octets("24 00 0000 00000000 " MN6 "0001 0000", bytes, 28);
		bytes[2] = (uint8_t)(len >> 8);
		bytes[3] = (uint8_t)len;
		bytes[26] = (uint8_t)(n >> 8);
		bytes[27] = (uint8_t)n;
		assert_int_equal(cxtp_parse(bytes, len, &m), CXTP_OK);
		assert_int_equal(m.key_len, n);
		assert_ptr_equal(m.key, bytes + 28);
		assert_int_equal(m.blocks_len, 0);
		assert_int_equal(pack_again(&m, out, sizeof out), len);
		assert_memory_equal(out, bytes, len);
		bytes[27] = (uint8_t)(n + 1);
		bytes[26] = (uint8_t)((n + 1) >> 8);
		assert_int_equal(cxtp_parse(bytes, len, &m), CXTP_E_KEY);
	}
}

/* The first and the last address of each family that names a node elsewhere, in either place. */
static void test_addresses(void **state)
{
	static const struct {
		const char *text, *bytes;
		bool mobile, router;
	} cases[] = {
		{ "1.0.0.0", "01000000", true, true },
		{ "126.255.255.255", "7effffff", true, true },
		{ "128.0.0.0", "80000000", true, true },
		{ "169.254.1.1", "a9fe0101", false, true }, /* names nobody beyond its link, but is a router's on it */
		{ "223.255.255.255", "dfffffff", true, true },
		{ "::2", "00000000000000000000000000000002", true, true },
		{ "2000::", "20000000000000000000000000000000", true, true },
		{ "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fdffffffffffffffffffffffffffffff", true, true },
		{ "fe80::1", "fe800000000000000000000000000001", false, true },
		{ "febf::1", "febf0000000000000000000000000001", false, true },
		{ "ff00::", "ff000000000000000000000000000000", false, false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bool v4 = strlen(cases[i].bytes) == 8;
		uint8_t bytes[64];
		char text[256];
		struct cxtp_message m;
		struct in6_addr want = addr(cases[i].text);
		print_message("%s\n", cases[i].text);
		snprintf(text, sizeof text, v4 ? "26 80 0008 %s" : "26 00 0014 %s", cases[i].bytes);
		enum cxtp_error e = cxtp_parse(bytes, hex_octets(text, bytes, sizeof bytes), &m);
		assert_int_equal(e, cases[i].mobile ? CXTP_OK : CXTP_E_ADDRESS);
		assert_true(e || addr_eq(&m.mobile, &want));
		snprintf(text, sizeof text, v4 ? "21 80 0014 " MN4 "%s 00000001 00000001" : "21 00 002c " MN6 "%s 00000001 00000001",
		         cases[i].bytes);
		e = cxtp_parse(bytes, hex_octets(text, bytes, sizeof bytes), &m);
		assert_int_equal(e, cases[i].router ? CXTP_OK : CXTP_E_ADDRESS);
		assert_true(e || addr_eq(&m.router, &want));
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
		{ "router multicast", "21 00 002c " MN6 "ff020000 00000000 00000000 00000002" "01020304a0b0c0d0 ", CXTP_E_ADDRESS },
		{ "key length 0", "24 00 001c 00000000 " MN6 "0001 0000", CXTP_E_KEY },
		{ "key longer than the message", "24 00 001d 00000000 " MN6 "0001 0002 5a", CXTP_E_KEY },
		{ "key length 65535", "24 00 001d 00000000 " MN6 "0001 ffff 5a", CXTP_E_KEY },
		{ "CDB longer than the message", "23 00 0020 00000000 " MN6 "0001 02 00 00000000", CXTP_E_BLOCK },
		{ "CDB of 255 words", "23 00 0020 00000000 " MN6 "0001 ff 00 00000000", CXTP_E_BLOCK },
		{ "CDB of 0 words with data", "23 00 0020 00000000 " MN6 "0001 00 00 00000000", CXTP_E_BLOCK },
		{ "half a CDB", "23 00 001c 00000000 " MN6 "0001 01 00", CXTP_E_BLOCK },
		{ "a piece of a CDB's head", "27 00 001f " MN6 "01020304a0b0c0d0 " "0001 01", CXTP_E_BLOCK },
		{ "a short request with a presence vector", "27 00 0020 " MN6 "01020304a0b0c0d0 " "0001 00 80", CXTP_E_BLOCK },
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

/* Reserved bits are ignored, each and all of them (§2.5), and bits that a message does not have are none of its flags. */
static void test_reserved(void **state)
{
	for (size_t i = 0; i < CXTP_SAMPLES; i++) {
		uint8_t bytes[256], out[256];
		struct cxtp_message m;
		size_t len = hex_octets(cxtp_samples[i].bytes, bytes, sizeof bytes);
		enum cxtp_type t = cxtp_samples[i].m.type;
		bool has_flag = t != CXTP_CTAA && t != CXTP_CTC && t != CXTP_CTREQ;
		uint8_t as_it_was = bytes[1], reserved = has_flag ? 0x3f : 0x7f;
		for (unsigned bits = 0; bits <= reserved; bits++) {
			bytes[1] = (uint8_t)(as_it_was | bits);
			assert_int_equal(cxtp_parse(bytes, len, &m), CXTP_OK);
			assert_int_equal(m.flag, cxtp_samples[i].m.flag);
		}
		bytes[1] = as_it_was;
		assert_int_equal(pack_again(&m, out, sizeof out), len);
		assert_memory_equal(out, bytes, len);
	}
	uint8_t out[64];
	struct cxtp_message ctc = { .type = CXTP_CTC, .flag = true, .mobile = addr(MN6_TEXT) };
	assert_int_equal(cxtp_pack(&ctc, out, sizeof out), 20);
	assert_int_equal(out[1], 0);
}

/* Each version and type but ours, whatever the rest. */
static void test_versions_and_types(void **state)
{
	for (size_t i = 0; i < CXTP_SAMPLES; i++)
		for (unsigned first = 0; first < 256; first++) {
			uint8_t bytes[256];
			struct cxtp_message m;
			size_t len = hex_octets(cxtp_samples[i].bytes, bytes, sizeof bytes);
			bytes[0] = (uint8_t)first;
			enum cxtp_error e = cxtp_parse(bytes, len, &m);
			if (first >> 5 != 1)
				assert_int_equal(e, CXTP_E_VERSION);
			else if ((first & 0x1f) < 1 || (first & 0x1f) > 7)
				assert_int_equal(e, CXTP_E_TYPE);
		}
}

/* FPT, status and the reserved octet at their extremes, in CTAA and CTDR. */
static void test_statuses(void **state)
{
	static const uint8_t want[][3] = { { 0, 0, 0 }, { 0, 1, 255 }, { 255, 255, 0 }, { 128, 0, 127 } };
	struct cxtp_message m;
	struct cxtp_status s;
	assert_int_equal(parse_hex("22 00 0024 " MN6 "0000 00 00 0001 ff ff ffff 00 80 8000 7f 01", &m), CXTP_OK);
	struct rd r = rd_make(m.statuses, m.statuses_len);
	for (size_t i = 0; i < 4; i++) {
		assert_true(cxtp_status_next(&r, &s));
		assert_int_equal(s.fpt, want[i][0] << 8 | want[i][1]);
		assert_int_equal(s.status, want[i][2]);
	}
	assert_false(cxtp_status_next(&r, &s));
	uint8_t out[8], entries[8];
	struct wr w = wr_make(out, sizeof out);
	cxtp_status_put(&w, 1, 2);
	cxtp_status_put(&w, 0xffff, 0xff);
	assert_int_equal(hex_octets(STATUS_1 STATUS_FFFF, entries, sizeof entries), 8);
	assert_true(wr_ok(&w));
	assert_memory_equal(out, entries, 8);
	cxtp_status_put(&w, 1, 2);
	assert_false(wr_ok(&w));
}

/* The longest of each kind that has a part without a fixed length, to the octet. */
static void test_longest(void **state)
{
	static uint8_t bytes[65536], out[65536];
	for (size_t entries = 16379; entries <= 16380; entries++) { /* 20 + 4 × 16378 = 65532 */
		size_t len = 20 + 4 * (entries - 1);
		struct cxtp_message m;
		memset(bytes, 0, sizeof bytes);
		hex_octets("22 00 0000 " MN6, bytes, 20);
		bytes[2] = (uint8_t)(len >> 8);
		bytes[3] = (uint8_t)len;
		assert_int_equal(cxtp_parse(bytes, len, &m), len <= UINT16_MAX ? CXTP_OK : CXTP_E_LENGTH);
		if (len > UINT16_MAX)
			continue;
		assert_int_equal(m.statuses_len, len - 20);
		assert_int_equal(pack_again(&m, out, sizeof out), len);
		assert_memory_equal(out, bytes, len);
		m.statuses_len += 4;
		assert_int_equal(cxtp_pack(&m, out, sizeof out), 0);
	}
}

static uint32_t dice = 1;

static uint32_t roll(uint32_t below)
{
	dice = dice * 1664525U + 1013904223U;
	return (dice >> 8) % below;
}

/* Any struct that a message can say comes back as it went. */
static void test_random_round_trips(void **state)
{
	uint8_t out[1024], blocks[256], key[64], statuses[64];
	for (unsigned i = 0; i < 20000; i++) {
		struct cxtp_message m = { .type = (enum cxtp_type)(1 + roll(7)) }, back;
		bool v4 = roll(2), has_flag = m.type == CXTP_CTAR || m.type == CXTP_CTD || m.type == CXTP_PCTD || m.type == CXTP_CTDR;
		bool asks = m.type == CXTP_CTAR || m.type == CXTP_CTREQ, data = m.type == CXTP_CTD || m.type == CXTP_PCTD;
		m.flag = has_flag && roll(2);
		m.mobile = addr(v4 ? MN4_TEXT : MN6_TEXT);
		m.mobile.s6_addr[15] = (uint8_t)(1 + roll(254));
		if (m.type == CXTP_CTAR)
			m.router = addr(v4 ? AR4_TEXT : AR6_TEXT);
		if (asks)
			m.seq = dice, m.token = roll(UINT32_MAX);
		if (data)
			m.elapsed = roll(UINT32_MAX);
		if (m.type == CXTP_PCTD)
			m.algorithm = (uint16_t)roll(65536), m.key = key, m.key_len = 1 + roll(sizeof key);
		struct wr w = wr_make(blocks, sizeof blocks);
		for (unsigned n = asks || data ? roll(5) : 0; n; n--)
			cxtp_block_put(&w, (uint16_t)roll(65536), roll(2) ? &dice : NULL, key, asks ? 0 : roll(40));
		m.blocks = blocks, m.blocks_len = w.len;
		w = wr_make(statuses, sizeof statuses);
		for (unsigned n = m.type == CXTP_CTAA || m.type == CXTP_CTDR ? roll(8) : 0; n; n--)
			cxtp_status_put(&w, (uint16_t)roll(65536), (uint8_t)roll(256));
		m.statuses = statuses, m.statuses_len = w.len;
		size_t len = cxtp_pack(&m, out, sizeof out);
		assert_true(len >= 8);
		assert_int_equal(cxtp_parse(out, len, &back), CXTP_OK);
		assert_true(back.type == m.type && back.flag == m.flag && addr_eq(&back.mobile, &m.mobile) &&
		            addr_eq(&back.router, &m.router) && back.seq == m.seq && back.token == m.token && back.elapsed == m.elapsed &&
		            back.algorithm == m.algorithm && back.key_len == m.key_len && back.blocks_len == m.blocks_len &&
		            back.statuses_len == m.statuses_len);
		assert_memory_equal(back.blocks, blocks, m.blocks_len);
		assert_memory_equal(back.statuses, statuses, m.statuses_len);
		assert_memory_equal(back.key, key, m.key_len);
	}
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
		cmocka_unit_test(test_parse),       cmocka_unit_test(test_pack),
		cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_random_round_trips),
		cmocka_unit_test(test_truncated),   cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_extremes),    cmocka_unit_test(test_keys),
		cmocka_unit_test(test_addresses),   cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_longest),     cmocka_unit_test(test_refused),
		cmocka_unit_test(test_reserved),    cmocka_unit_test(test_versions_and_types),
		cmocka_unit_test(test_pack_refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
