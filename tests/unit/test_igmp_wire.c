/* IGMP and the filter block against bytes written by hand from RFC 1112 appendix I, RFC 2236 §2 and RFC 3376 §4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "context/igmp_wire.h"

#define G1 239, 1, 2, 3
#define G2 232, 0, 0, 9
#define S1 192, 0, 2, 1
#define S2 198, 51, 100, 7

static const uint8_t v1_query[] = { 0x11, 0, 0, 0, 0, 0, 0, 0 };
static const uint8_t v1_report[] = { 0x12, 0, 0, 0, G1 };
static const uint8_t v2_query[] = { 0x11, 100, 0, 0, 0, 0, 0, 0 };
static const uint8_t v2_specific[] = { 0x11, 10, 0, 0, G1 };
static const uint8_t v2_report[] = { 0x16, 0, 0, 0, G1 };
static const uint8_t v2_leave[] = { 0x17, 0, 0, 0, G1 };
static const uint8_t v3_query[] = { 0x11, 100, 0, 0, 0, 0, 0, 0, 0x02, 125, 0, 0 };
/* suppressing, for a group and two sources: response 12.8 s and interval 136 s, both as floats (0x80, 0x81) */
static const uint8_t v3_specific[] = { 0x11, 0x80, 0, 0, G2, 0x0b, 0x81, 0, 2, S1, S2 };
/* EXCLUDE nothing; ALLOW two sources, with one word of auxiliary data */
static const uint8_t v3_report[] = { 0x22, 0, 0, 0, 0, 0, 0, 2, 4, 0, 0, 0, G1, 5, 1, 0, 2, G2, S1, S2, 0xde, 0xad, 0xbe, 0xef };

static struct in6_addr ip(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct in6_addr){ .s6_addr = { [10] = 0xff, 0xff, a, b, c, d } };
}

static void is(const struct in6_addr *a, struct in6_addr want)
{
	assert_memory_equal(a, &want, sizeof want);
}

static void reads_versions_1_and_2(void **state)
{
	struct gmp_message m;
	assert_true(igmp_parse(v1_query, sizeof v1_query, &m));
	assert_int_equal(m.type, GMP_QUERY);
	assert_true(m.v4);
	assert_int_equal(m.query.version, GMP_V1);
	assert_int_equal(m.query.max_response, 10 * USEC_SEC);
	assert_true(addr_is_zero(&m.query.group));
	assert_true(igmp_parse(v2_query, sizeof v2_query, &m));
	assert_int_equal(m.query.version, GMP_V2);
	assert_int_equal(m.query.max_response, 10 * USEC_SEC);
	assert_true(igmp_parse(v2_specific, sizeof v2_specific, &m));
	assert_int_equal(m.query.max_response, USEC_SEC);
	is(&m.query.group, ip(G1));
	assert_true(igmp_parse(v1_report, sizeof v1_report, &m));
	assert_int_equal(m.type, GMP_REPORT);
	assert_int_equal(m.version, GMP_V1);
	is(&m.group, ip(G1));
	assert_true(igmp_parse(v2_report, sizeof v2_report, &m));
	assert_int_equal(m.version, GMP_V2);
	assert_true(igmp_parse(v2_leave, sizeof v2_leave, &m));
	assert_int_equal(m.type, GMP_LEAVE);
}

static void reads_version_3_queries(void **state)
{
	struct gmp_message m;
	struct in6_addr a;
	assert_true(igmp_parse(v3_query, sizeof v3_query, &m));
	assert_int_equal(m.query.version, GMP_V3);
	assert_int_equal(m.query.robustness, 2);
	assert_int_equal(m.query.interval, 125 * USEC_SEC);
	assert_int_equal(m.query.max_response, 10 * USEC_SEC);
	assert_false(m.query.suppress);
	assert_true(igmp_parse(v3_specific, sizeof v3_specific, &m));
	assert_true(m.query.suppress);
	assert_int_equal(m.query.robustness, 3);
	assert_int_equal(m.query.max_response, 12800 * USEC_MSEC);
	assert_int_equal(m.query.interval, 136 * USEC_SEC);
	assert_int_equal(m.query.sources.n, 2);
	assert_true(gmp_source_next(&m.query.sources, &a));
	is(&a, ip(S1));
	assert_true(gmp_source_next(&m.query.sources, &a));
	is(&a, ip(S2));
	assert_false(gmp_source_next(&m.query.sources, &a));
}

static void reads_version_3_reports(void **state)
{
	struct gmp_message m;
	struct gmp_record r;
	struct in6_addr a;
	assert_true(igmp_parse(v3_report, sizeof v3_report, &m));
	assert_int_equal(m.type, GMP_RECORDS);
	assert_true(gmp_record_next(&m, &r));
	assert_int_equal(r.type, GMP_TO_EXCLUDE);
	assert_int_equal(r.sources.n, 0);
	is(&r.group, ip(G1));
	assert_true(gmp_record_next(&m, &r));
	assert_int_equal(r.type, GMP_ALLOW);
	assert_int_equal(r.sources.n, 2);
	is(&r.group, ip(G2));
	assert_true(gmp_source_next(&r.sources, &a));
	is(&a, ip(S1));
	assert_false(gmp_record_next(&m, &r));
}

static void cut(const uint8_t *whole, size_t len, size_t also_right)
{
	struct gmp_message m;
	for (size_t n = 0; n < len; n++) {
		uint8_t *exact = malloc(n ? n : 1);
		memcpy(exact, whole, n);
		assert_int_equal(igmp_parse(exact, n, &m), n == also_right);
		free(exact);
	}
}

static void every_cut_is_refused(void **state)
{
	cut(v1_query, sizeof v1_query, SIZE_MAX);
	cut(v1_report, sizeof v1_report, SIZE_MAX);
	cut(v2_report, sizeof v2_report, SIZE_MAX);
	cut(v2_leave, sizeof v2_leave, SIZE_MAX);
	cut(v3_query, sizeof v3_query, 8); /* that is a version 2 query */
	cut(v3_specific, sizeof v3_specific, 8);
	cut(v3_report, sizeof v3_report, SIZE_MAX);
}

static void nonsense_is_refused(void **state)
{
	struct gmp_message m;
	uint8_t bad[sizeof v3_report];
	memcpy(bad, v2_report, sizeof v2_report);
	bad[4] = 10; /* not multicast */
	assert_false(igmp_parse(bad, sizeof v2_report, &m));
	memcpy(bad, v3_report, sizeof v3_report);
	bad[7] = 3; /* a record too many */
	assert_false(igmp_parse(bad, sizeof v3_report, &m));
	bad[0] = 0x13; /* DVMRP */
	assert_false(igmp_parse(bad, sizeof v3_report, &m));
}

static void packs(const struct gmp_query *q, const uint8_t *want, size_t len)
{
	uint8_t out[64];
	struct wr w = wr_make(out, sizeof out);
	igmp_query_pack(&w, q);
	assert_int_equal(w.len, len);
	assert_memory_equal(out, want, len);
}

static void packs_queries(void **state)
{
	const struct in6_addr sources[] = { ip(S1), ip(S2) };
	struct gmp_query q = { .v4 = true, .max_response = 10 * USEC_SEC, .version = GMP_V3, .robustness = 2,
		               .interval = 125 * USEC_SEC };
	packs(&q, v3_query, sizeof v3_query);
	q.version = GMP_V2;
	packs(&q, v2_query, sizeof v2_query);
	q.version = GMP_V1;
	packs(&q, v1_query, sizeof v1_query);
	q = (struct gmp_query){ .v4 = true, .version = GMP_V2, .group = ip(G1), .max_response = USEC_SEC };
	packs(&q, v2_specific, sizeof v2_specific);
	q = (struct gmp_query){ .v4 = true, .version = GMP_V3, .group = ip(G2), .max_response = 12900 * USEC_MSEC, .suppress = true,
		                .robustness = 3, .interval = 140 * USEC_SEC, .ask = sources, .ask_n = 2 };
	packs(&q, v3_specific, sizeof v3_specific); /* both rounded down to what a float can say */
	q = (struct gmp_query){ .v4 = true, .version = GMP_V2, .group = ip(G1), .max_response = 10 * USEC_MSEC };
	packs(&q, (uint8_t[]){ 0x11, 1, 0, 0, G1 }, 8); /* 0 would be a version 1 query */
}

static void packs_reports(void **state)
{
	static const uint8_t want[] = { 0x22, 0, 0, 0, 0, 0, 0, 2, 4, 0, 0, 0, G1, 5, 0, 0, 1, G2, S2 };
	const struct in6_addr source = ip(S2), g1 = ip(G1);
	const struct gmp_record_out r[] = { { .type = GMP_TO_EXCLUDE, .group = g1 },
		                            { .type = GMP_ALLOW, .group = ip(G2), .source = &source, .n = 1 } };
	uint8_t out[64];
	struct wr w = wr_make(out, sizeof out);
	igmp_report_pack(&w, r, 2);
	assert_int_equal(w.len, sizeof want);
	assert_memory_equal(out, want, sizeof want);
	w = wr_make(out, sizeof out);
	igmp_v2_pack(&w, IGMP_LEAVE_V2, &g1);
	assert_int_equal(w.len, sizeof v2_leave);
	assert_memory_equal(out, v2_leave, sizeof v2_leave);
}

static void only_neighbours_with_router_alert_are_heard(void **state)
{
	struct in6_addr host = ip(192, 0, 2, 9), none = ip(0, 0, 0, 0), group = ip(G1);
	assert_null(igmp_refusal(IGMP_REPORT_V3, &host, 1, true));
	assert_null(igmp_refusal(IGMP_REPORT_V3, &none, 1, true)); /* a host that has no address yet (RFC 3376 §4.2.13) */
	assert_non_null(igmp_refusal(IGMP_REPORT_V3, &group, 1, true));
	assert_non_null(igmp_refusal(IGMP_REPORT_V3, &host, 2, true));
	assert_non_null(igmp_refusal(IGMP_REPORT_V3, &host, 1, false));
	assert_non_null(igmp_refusal(IGMP_REPORT_V2, &host, 1, false));
	assert_null(igmp_refusal(IGMP_REPORT_V1, &host, 1, false)); /* it knew no Router Alert */
}

/* The block as it stands in the manual. */
static const uint8_t include_two[] = { 4, 0, 0, 2, G2, S1, S2 };
static const uint8_t exclude_none[] = { 4, 1, 0, 0, G1 };
static const uint8_t ipv6_one[] = { 16, 0, 0, 1, 0xff, 0x3e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 1,
	                            0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };

static void the_filter_block_carries_group_and_sources(void **state)
{
	const struct in6_addr sources[] = { ip(S1), ip(S2) }, g1 = ip(G1), g2 = ip(G2);
	const struct source_filter *f = source_filter_make(false, sources, 2, 8);
	struct filter_block b;
	uint8_t out[FILTER_BLOCK_MAX], padded[sizeof include_two + 8] = { 0 };
	assert_int_equal(filter_block_pack(&g2, f, out), sizeof include_two);
	assert_memory_equal(out, include_two, sizeof include_two);
	assert_int_equal(filter_block_pack(&g1, &source_filter_all, out), sizeof exclude_none);
	assert_memory_equal(out, exclude_none, sizeof exclude_none);
	source_filter_free(f);
	memcpy(padded, include_two, sizeof include_two);
	assert_true(filter_block_parse(padded, sizeof include_two + 7, &b));
	assert_false(b.exclude);
	is(&b.group, ip(G2));
	assert_int_equal(b.sources.n, 2);
	assert_false(filter_block_parse(padded, sizeof padded, &b)); /* more than padding */
	assert_true(filter_block_parse(exclude_none, sizeof exclude_none, &b));
	assert_true(b.exclude);
	assert_true(filter_block_parse(ipv6_one, sizeof ipv6_one, &b));
	assert_int_equal(b.group.s6_addr[0], 0xff);
	assert_int_equal(b.sources.n, 1);
}

static void bad_filter_blocks_are_refused(void **state)
{
	struct filter_block b;
	uint8_t bad[sizeof include_two];
	for (size_t n = 0; n < sizeof include_two; n++)
		assert_false(filter_block_parse(include_two, n, &b));
	static const struct {
		size_t at;
		uint8_t value;
	} changes[] = { { 0, 5 }, { 0, 16 }, { 1, 2 }, { 3, 3 }, { 4, 10 }, { 8, 224 } };
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		memcpy(bad, include_two, sizeof bad);
		bad[changes[i].at] = changes[i].value;
		assert_false(filter_block_parse(bad, sizeof bad, &b));
	}
	memcpy(bad, exclude_none, sizeof exclude_none);
	bad[1] = 0; /* INCLUDE of none */
	assert_false(filter_block_parse(bad, sizeof exclude_none, &b));
	uint8_t mapped[20] = { 16, 1, 0, 0, [14] = 0xff, 0xff, G1 };
	assert_false(filter_block_parse(mapped, sizeof mapped, &b)); /* an IPv4 group must say so */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_versions_1_and_2),
		cmocka_unit_test(reads_version_3_queries),
		cmocka_unit_test(reads_version_3_reports),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(packs_queries),
		cmocka_unit_test(packs_reports),
		cmocka_unit_test(only_neighbours_with_router_alert_are_heard),
		cmocka_unit_test(the_filter_block_carries_group_and_sources),
		cmocka_unit_test(bad_filter_blocks_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
