/* Context data blocks (RFC 4067 §2.4) against octets written by hand: lengths, padding, presence vectors, request forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cxtp_samples.h"
#include "hex.h"

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

/* Any FPT is carried: whether a router knows it is not the message's business. */
static void test_any_type(void **state)
{
	for (unsigned fpt = 0; fpt <= UINT16_MAX; fpt++) {
		const uint8_t octets[8] = { (uint8_t)(fpt >> 8), (uint8_t)fpt, 1, 0, 1, 2, 3, 4 };
		struct rd r = rd_make(octets, sizeof octets);
		struct cxtp_block b;
		assert_int_equal(cxtp_block_next(&r, false, &b), 1);
		assert_int_equal(b.fpt, fpt);
	}
}

/* Each length from 1 to 255 words, exactly there, one octet short, and as a request. */
static void test_each_length(void **state)
{
	for (size_t words = 1; words <= 255; words++)
		for (int presence = 0; presence < 2; presence++) {
			size_t len = 8 * words;
			uint8_t *octets = calloc(1, len);
			struct cxtp_block b;
			assert_non_null(octets);
			octets[0] = 0x40;
			octets[2] = (uint8_t)words;
			octets[3] = presence ? 0x80 : 0;
			memset(octets + 4, 0xa5, len - 4);
			struct rd r = rd_make(octets, len);
			assert_int_equal(cxtp_block_next(&r, false, &b), 1);
			assert_int_equal(b.len, len - (presence ? 8 : 4));
			assert_int_equal(b.presence, presence ? 0xa5a5a5a5 : 0);
			assert_ptr_equal(b.data, octets + len - b.len);
			assert_int_equal(cxtp_block_next(&r, false, &b), 0);
			r = rd_make(octets, len);
			assert_int_equal(cxtp_block_next(&r, true, &b), 1);
			assert_int_equal(b.len, len - (presence ? 8 : 4));
			r = rd_make(octets, len - 1);
			assert_int_equal(cxtp_block_next(&r, false, &b), -1);
			assert_int_equal(rd_left(&r), len - 1); /* nothing consumed */
			free(octets);
		}
}

/* A block cut at every octet, as contexts and as a request: only a request of four octets is whole. */
static void test_truncated(void **state)
{
	uint8_t octets[32];
	size_t len = hex_octets(MLD, octets, sizeof octets);
	for (size_t cut = 1; cut < len; cut++) {
		uint8_t *exact = malloc(cut);
		struct cxtp_block b;
		assert_non_null(exact);
		memcpy(exact, octets, cut);
		for (int request = 0; request < 2; request++) {
			struct rd r = rd_make(exact, cut);
			assert_int_equal(cxtp_block_next(&r, request, &b), -1);
		}
		free(exact);
	}
}

/* The largest blocks there can be, as many as a message holds. */
static void test_largest(void **state)
{
	static uint8_t octets[65535];
	struct cxtp_message m;
	size_t len = 24;
	hex_octets("23 00 0000 00000000 " MN6, octets, len);
	for (; len + CXTP_BLOCK_MAX <= sizeof octets; len += CXTP_BLOCK_MAX) {
		octets[len] = 0x40;
		octets[len + 2] = 255;
		memset(octets + len + 4, 0xff, CXTP_BLOCK_MAX - 4);
	}
	octets[2] = (uint8_t)(len >> 8);
	octets[3] = (uint8_t)len;
	assert_int_equal(len, 24 + 32 * 2040);
	assert_int_equal(cxtp_parse(octets, len, &m), CXTP_OK);
	struct rd r = rd_make(m.blocks, m.blocks_len);
	struct cxtp_block b;
	unsigned n = 0;
	while (cxtp_block_next(&r, false, &b) > 0) {
		assert_int_equal(b.len, 2036);
		n++;
	}
	assert_int_equal(n, 32);
	/* One that says 255 words, and the message ends before. */
	len -= 8;
	octets[2] = (uint8_t)(len >> 8);
	octets[3] = (uint8_t)len;
	assert_int_equal(cxtp_parse(octets, len, &m), CXTP_E_BLOCK);
}

static void test_reserved(void **state)
{
	for (unsigned bits = 0; bits < 128; bits++) {
		const uint8_t plain[8] = { 0, 1, 1, (uint8_t)bits, 1, 2, 3, 4 };
		const uint8_t vector[8] = { 0, 1, 1, (uint8_t)(0x80 | bits), 1, 2, 3, 4 };
		struct rd r = rd_make(plain, sizeof plain);
		struct cxtp_block b;
		assert_int_equal(cxtp_block_next(&r, false, &b), 1);
		assert_true(!b.has_presence && b.len == 4);
		r = rd_make(vector, sizeof vector);
		assert_int_equal(cxtp_block_next(&r, false, &b), 1);
		assert_true(b.has_presence && b.presence == 0x01020304 && b.len == 0);
	}
}

/* What a request for a feature can look like, in a CTAR and in a CT-Req, and what contexts cannot. */
static void test_request_forms(void **state)
{
	static const struct {
		const char *blocks;
		int forms;  /* understood in so many blocks as a request; -1: refused */
		int data;   /* … as contexts */
	} cases[] = {
		{ "0001 01 00 00000000", 1, 1 },
		{ "0001 00 00", 1, -1 },
		{ "0001 01 00", 1, -1 },
		{ "0001 02 00", -1, -1 },
		{ "0001 00 80", -1, -1 },
		{ "0001 01 80", -1, -1 },
		{ "0001 00 00 0002 00 00", 2, -1 },
		{ "0001 00 00 0002 01 00", 2, -1 },
		{ "0001 00 00 0002 01 00 00000000", 2, -1 },
		{ "0001 01 00 0002 01 00", 1, 1 }, /* a whole word, whatever is in its second half */
		{ "0001 01 00 00000000 0002 01 00", 2, -1 },
		{ "0001", -1, -1 },
		{ "0001 01", -1, -1 },
		{ "0001 01 00 0000", -1, -1 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (int request = 0; request < 2; request++) {
			uint8_t octets[64];
			size_t len = hex_octets(cases[i].blocks, octets, sizeof octets);
			struct rd r = rd_make(octets, len);
			struct cxtp_block b;
			int got, n = 0;
			print_message("%s %s\n", cases[i].blocks, request ? "asked" : "sent");
			while ((got = cxtp_block_next(&r, request, &b)) > 0)
				n++;
			assert_int_equal(got < 0 ? -1 : n, request ? cases[i].forms : cases[i].data);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),    cmocka_unit_test(test_block_sizes), cmocka_unit_test(test_any_type),
		cmocka_unit_test(test_each_length), cmocka_unit_test(test_truncated), cmocka_unit_test(test_largest),
		cmocka_unit_test(test_reserved),  cmocka_unit_test(test_request_forms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
