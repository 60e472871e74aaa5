/* MLD and the listener context against bytes written by hand from RFC 2710 §3, RFC 3810 §5 and RFC 4067 appendix B. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "context/mld_wire.h"

#define G1 0xff, 0x0e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34
#define G2 0xff, 0x3e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 1
#define S1 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1
#define NONE 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0

static const struct in6_addr g1 = { .s6_addr = { G1 } }, g2 = { .s6_addr = { G2 } };

static const uint8_t v1_query[] = { 130, 0, 0, 0, 0x27, 0x10, 0, 0, NONE };
static const uint8_t v1_report[] = { 131, 0, 0, 0, 0, 0, 0, 0, G1 };
static const uint8_t v1_done[] = { 132, 0, 0, 0, 0, 0, 0, 0, G1 };
static const uint8_t v2_query[] = { 130, 0, 0, 0, 0x27, 0x10, 0, 0, NONE, 0x02, 0x7d, 0, 0 };
/* suppressing, for a group and one source: response 32768 ms, interval 128 s, both as floats */
static const uint8_t v2_specific[] = { 130, 0, 0, 0, 0x80, 0x00, 0, 0, G1, 0x0b, 0x80, 0, 1, S1 };
/* two records: EXCLUDE nothing; ALLOW one source, with one word of auxiliary data */
static const uint8_t v2_report[] = { 143, 0, 0, 0, 0, 0, 0, 2, 4, 0, 0, 0, G1, 5, 1, 0, 1, G2, S1, 0xde, 0xad, 0xbe, 0xef };

static void reads_version_1(void **state)
{
	struct gmp_message m;
	assert_true(mld_parse(v1_query, sizeof v1_query, &m));
	assert_int_equal(m.type, GMP_QUERY);
	assert_int_equal(m.query.version, GMP_V2);
	assert_int_equal(m.query.max_response, 10 * USEC_SEC);
	assert_true(addr_is_zero(&m.query.group));
	assert_true(mld_parse(v1_report, sizeof v1_report, &m));
	assert_int_equal(m.type, GMP_REPORT);
	assert_true(addr_eq(&m.group, &g1));
	assert_true(mld_parse(v1_done, sizeof v1_done, &m));
	assert_int_equal(m.type, GMP_LEAVE);
}

static void reads_version_2_queries(void **state)
{
	struct gmp_message m;
	assert_true(mld_parse(v2_query, sizeof v2_query, &m));
	assert_int_equal(m.query.version, GMP_V3);
	assert_false(m.query.suppress);
	assert_int_equal(m.query.robustness, 2);
	assert_int_equal(m.query.interval, 125 * USEC_SEC);
	assert_true(mld_parse(v2_specific, sizeof v2_specific, &m));
	assert_true(m.query.suppress);
	assert_int_equal(m.query.robustness, 3);
	assert_int_equal(m.query.max_response, 32768 * USEC_MSEC);
	assert_int_equal(m.query.interval, 128 * USEC_SEC);
	assert_int_equal(m.query.sources.n, 1);
}

static void reads_version_2_reports(void **state)
{
	struct gmp_message m;
	struct gmp_record r;
	assert_true(mld_parse(v2_report, sizeof v2_report, &m));
	assert_true(gmp_record_next(&m, &r));
	assert_int_equal(r.type, GMP_TO_EXCLUDE);
	assert_int_equal(r.sources.n, 0);
	assert_true(addr_eq(&r.group, &g1));
	assert_true(gmp_record_next(&m, &r));
	assert_int_equal(r.type, GMP_ALLOW);
	assert_int_equal(r.sources.n, 1);
	assert_int_equal(rd_left(&r.sources.rd), 16);
	assert_true(addr_eq(&r.group, &g2));
	assert_false(gmp_record_next(&m, &r));
}

static void cut(const uint8_t *whole, size_t len, size_t also_right)
{
	struct gmp_message m;
	for (size_t n = 0; n < len; n++) {
		uint8_t *exact = malloc(n ? n : 1);
		memcpy(exact, whole, n);
		assert_int_equal(mld_parse(exact, n, &m), n == also_right);
		free(exact);
	}
}

static void every_cut_is_refused(void **state)
{
	cut(v1_query, sizeof v1_query, SIZE_MAX);
	cut(v1_report, sizeof v1_report, SIZE_MAX);
	cut(v1_done, sizeof v1_done, SIZE_MAX);
	cut(v2_query, sizeof v2_query, 24); /* that is a version 1 query */
	cut(v2_specific, sizeof v2_specific, 24);
	cut(v2_report, sizeof v2_report, SIZE_MAX);
}

static void an_ipv4_group_is_none(void **state)
{
	static const uint8_t mapped[] = { 131, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 239, 1, 2, 3 };
	struct gmp_message m;
	assert_false(mld_parse(mapped, sizeof mapped, &m));
}

static void nonsense_is_refused(void **state)
{
	struct gmp_message m;
	uint8_t bad[sizeof v2_report];
	memcpy(bad, v1_report, sizeof v1_report);
	bad[8] = 0x20; /* not multicast */
	assert_false(mld_parse(bad, sizeof v1_report, &m));
	memcpy(bad, v2_report, sizeof v2_report);
	bad[7] = 3; /* a record too many */
	assert_false(mld_parse(bad, sizeof v2_report, &m));
	bad[0] = 134;
	assert_false(mld_parse(bad, sizeof v2_report, &m));
}

static void packs_queries(void **state)
{
	uint8_t out[64];
	struct wr w = wr_make(out, sizeof out);
	struct gmp_query q = { .max_response = 10 * USEC_SEC, .version = GMP_V3, .robustness = 2, .interval = 125 * USEC_SEC };
	mld_query_pack(&w, &q);
	assert_int_equal(w.len, sizeof v2_query);
	assert_memory_equal(out, v2_query, sizeof v2_query);
	w = wr_make(out, sizeof out);
	q.version = GMP_V2;
	mld_query_pack(&w, &q);
	assert_int_equal(w.len, sizeof v1_query);
	assert_memory_equal(out, v1_query, sizeof v1_query);
	w = wr_make(out, sizeof out);
	q = (struct gmp_query){ .group = g1, .max_response = 32769 * USEC_MSEC, .version = GMP_V3, .suppress = true, .robustness = 9,
		                .interval = 100000 * USEC_SEC };
	mld_query_pack(&w, &q);
	assert_int_equal(out[4], 0x80); /* rounded down to what a float can say */
	assert_int_equal(out[5], 0x00);
	assert_int_equal(out[24], 0x08); /* robustness does not fit: not told */
	assert_int_equal(out[25], 0xff); /* 31744 s, the longest */
	struct in6_addr source = { .s6_addr = { S1 } };
	w = wr_make(out, sizeof out);
	q = (struct gmp_query){ .group = g1, .max_response = 32768 * USEC_MSEC, .version = GMP_V3, .suppress = true,
		                .robustness = 3, .interval = 128 * USEC_SEC, .ask = &source, .ask_n = 1 };
	mld_query_pack(&w, &q);
	assert_int_equal(w.len, sizeof v2_specific);
	assert_memory_equal(out, v2_specific, sizeof v2_specific);
}

static void packs_reports(void **state)
{
	uint8_t out[128];
	struct wr w = wr_make(out, sizeof out);
	mld_v1_pack(&w, MLD_DONE, &g1);
	assert_int_equal(w.len, sizeof v1_done);
	assert_memory_equal(out, v1_done, sizeof v1_done);
	w = wr_make(out, sizeof out);
	static const uint8_t want[] = { 143, 0, 0, 0, 0, 0, 0, 2, 4, 0, 0, 0, G1, 5, 0, 0, 1, G2, S1 };
	static const struct in6_addr source = { .s6_addr = { S1 } };
	struct gmp_record_out r[2] = { { .type = GMP_TO_EXCLUDE, .group = g1 },
		                   { .type = GMP_ALLOW, .group = g2, .source = &source, .n = 1 } };
	mld_report_pack(&w, r, 2);
	assert_int_equal(w.len, sizeof want);
	assert_memory_equal(out, want, sizeof want);
}

static void only_neighbours_with_router_alert_are_heard(void **state)
{
	struct in6_addr ll, global;
	addr_parse("fe80::1", &ll);
	addr_parse("2001:db8::1", &global);
	assert_null(mld_refusal(&ll, 1, true));
	assert_non_null(mld_refusal(&in6addr_any, 1, true));
	assert_non_null(mld_refusal(&global, 1, true));
	assert_non_null(mld_refusal(&ll, 255, true));
	assert_non_null(mld_refusal(&ll, 1, false));
}

static void the_context_is_prefix_and_group(void **state)
{
	static const uint8_t want[28] = { 0x20, 0x01, 0x0d, 0xb8, 0, 0x0b, 0, 0, G2, 0, 0, 0, 0 };
	struct mld_block b = { .group = g2 }, c;
	uint8_t out[MLD_BLOCK_LEN];
	addr_parse("2001:db8:b::1", &b.prefix); /* what stands behind the 64 bits stays here */
	mld_block_pack(&b, out);
	assert_memory_equal(out, want, 24);
	assert_true(mld_block_parse(want, 28, &c)); /* padded to a multiple of 8 with the block's header */
	assert_true(addr_eq(&c.group, &g2));
	assert_int_equal(c.prefix.s6_addr[5], 0x0b);
	assert_int_equal(c.prefix.s6_addr[15], 0);
	for (size_t n = 0; n < 24; n++)
		assert_false(mld_block_parse(want, n, &c));
	assert_false(mld_block_parse((uint8_t[40]){ [8] = 0xff, [9] = 0x0e }, 32, &c));
	assert_false(mld_block_parse((uint8_t[24]){ [8] = 0x20 }, 24, &c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_version_1),
		cmocka_unit_test(reads_version_2_queries),
		cmocka_unit_test(reads_version_2_reports),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(an_ipv4_group_is_none),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(packs_queries),
		cmocka_unit_test(packs_reports),
		cmocka_unit_test(only_neighbours_with_router_alert_are_heard),
		cmocka_unit_test(the_context_is_prefix_and_group),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
