/* From features to CDBs and back: bytes written out from RFC 4067 §2.4, policy, and features that answer later. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/config.h"
#include "core/log.h"
#include "cxtp/cxtp_contexts.h"

/* A state vector: a colour without a default, a rate of 1000, a name of zeros. And an opaque feature. */
static const struct feature_field fields[] = {
	{"colour", 1, NULL}, {"rate", 2, "\x03\xe8"}, {"name", 4, feature_zero}, {0}
};
static const struct feature_status_name own[] = {{40, "no-such-colour"}, {0}};

static const char *vector; /* what there is to collect; NULL: nothing */
static size_t vector_len;
static uint8_t seen[64];   /* what was installed last */
static size_t seen_len;
static uint8_t answer;     /* of install */
static int installs;
static const struct feature *called;

static int collect(struct core *core, const struct feature_subject *s, feature_emit_fn *emit, void *arg)
{
	called = s->feature;
	if (vector)
		emit(vector, vector_len, arg);
	return 0;
}

static uint8_t install(struct core *core, const struct feature_subject *s, const uint8_t *data, size_t len)
{
	called = s->feature;
	assert_true(len <= sizeof seen);
	memcpy(seen, data, len);
	seen_len = len;
	installs++;
	feature_reason(s, "the reason");
	return answer;
}

static const struct feature paint = {.fpt = 0x1234, .name = "paint", .fields = fields, .statuses = own, .collect = collect,
	                             .install = install};
static const struct feature opaque = {.fpt = 0xff01, .name = "opaque", .collect = collect, .install = install};

static char lines[1024];

static void keep_line(enum log_level level, const char *topic, const char *line, void *arg)
{
	snprintf(lines + strlen(lines), sizeof lines - strlen(lines), "%s\n", line);
}

static int setup(void **state)
{
	vector = NULL;
	answer = 0;
	installs = 0;
	lines[0] = '\0';
	log_tap(keep_line, NULL);
	return feature_register(&paint) || feature_register(&opaque);
}

static int teardown(void **state)
{
	log_tap(NULL, NULL);
	feature_policy(NULL, NULL);
	feature_unregister(&paint);
	feature_unregister(&opaque);
	return 0;
}

static const struct feature_subject subject = {.previous = {{{0x20, 1, 0xd, 0xb8, [15] = 1}}}};

static void check_collected(const char *request, size_t request_len, const char *wanted, size_t wanted_len)
{
	uint8_t out[256];
	struct wr w = wr_make(out, sizeof out);
	cxtp_collect(NULL, &subject, (const uint8_t *)request, request_len, &w);
	assert_true(wr_ok(&w));
	assert_int_equal(w.len, wanted_len);
	assert_memory_equal(out, wanted, wanted_len);
}
#define ONLY_PAINT "\x12\x34\x01\x00\x00\x00\x00\x00", 8
#define ONLY_OPAQUE "\xff\x01\x01\x00\x00\x00\x00\x00", 8

static void test_collect(void **state)
{
	/* All fields there: 4 + 7 octets, two words, no presence vector. */
	vector = "\x05\x00\x01nnnn";
	vector_len = 7;
	check_collected(ONLY_PAINT, "\x12\x34\x02\x00\x05\x00\x01nnnn\0\0\0\0\0", 16);
	assert_ptr_equal(called, &paint);
	/* Rate and name at their defaults: P, vector 1000…, the colour, padding. */
	vector = "\x05\x03\xe8\0\0\0\0";
	check_collected(ONLY_PAINT, "\x12\x34\x02\x80\x80\x00\x00\x00\x05\0\0\0\0\0\0\0", 16);
	/* The rate alone at its default: 101…, 8 + 5 octets. */
	vector = "\x05\x03\xe8nnnn";
	check_collected(ONLY_PAINT, "\x12\x34\x02\x80\xa0\x00\x00\x00\x05nnnn\0\0\0", 16);
	/* Opaque octets go as they are. */
	check_collected(ONLY_OPAQUE, "\xff\x01\x02\x00\x05\x03\xe8nnnn\0\0\0\0\0", 16);
	assert_ptr_equal(called, &opaque);
	/* A feature that breaks its own word: nothing of it travels. */
	vector_len = 6;
	check_collected(ONLY_PAINT, "", 0);
	assert_non_null(strstr(lines, "context not collected mobile=2001:db8::1 feature=paint"));
}

static struct cxtp_contexts put(const char *blocks, size_t len)
{
	struct cxtp_contexts c;
	lines[0] = '\0';
	cxtp_install(NULL, &subject, (const uint8_t *)blocks, len, NULL, 0, &c);
	return c;
}

static void test_install(void **state)
{
	struct cxtp_contexts c = put("\x12\x34\x02\x00\x05\x00\x01nnnn\0\0\0\0\0", 16);
	assert_true(c.complete);
	assert_int_equal(c.blocks, 1);
	assert_int_equal(seen_len, 7);
	assert_memory_equal(seen, "\x05\x00\x01nnnn", 7);
	assert_ptr_equal(called, &paint);
	c = put("\x12\x34\x02\x80\x80\x00\x00\x00\x07\0\0\0\0\0\0\0", 16);
	assert_true(c.complete);
	assert_int_equal(seen_len, 7);
	assert_memory_equal(seen, "\x07\x03\xe8\0\0\0\0", 7);
	c = put("\xff\x01\x02\x00\x05nnnn\0\0\0\0\0\0\0", 16); /* opaque: with its padding */
	assert_int_equal(seen_len, 12);
	assert_int_equal(installs, 3);
}

static void check_refused(const char *block, size_t len, uint8_t status, const char *words)
{
	int before = installs;
	struct cxtp_contexts c = put(block, len);
	assert_false(c.complete);
	assert_int_equal(c.n, 1);
	assert_int_equal(c.entries[0].status, status);
	assert_int_equal(installs, before);
	if (!strstr(lines, words))
		fail_msg("\"%s\" is not in: %s", words, lines);
}

static void test_refused(void **state)
{
	/* A fourth field of three. */
	check_refused("\x12\x34\x02\x80\x90\x00\x00\x00\x05\0\0\0\0\0\0\0", 16, FEATURE_PRESENCE, "reason=\"unknown-field\"");
	/* No colour. */
	check_refused("\x12\x34\x02\x80\x40\x00\x00\x00\x00\x01\0\0\0\0\0\0", 16, FEATURE_MALFORMED, "reason=\"malformed\"");
	/* A word too few, a word too many, padding that is not zero. */
	check_refused("\x12\x34\x01\x00\x05\x00\x01n", 8, FEATURE_MALFORMED, "feature=paint fpt=4660 status=1");
	check_refused("\x12\x34\x03\x00\x05\x00\x01nnnn\0\0\0\0\0\0\0\0\0\0\0\0\0", 24, FEATURE_MALFORMED, "malformed");
	check_refused("\x12\x34\x02\x00\x05\x00\x01nnnn\0\0\0\0\x01", 16, FEATURE_MALFORMED, "malformed");
	/* An opaque feature has no fields. */
	check_refused("\xff\x01\x02\x80\x80\x00\x00\x00\x05\0\0\0\0\0\0\0", 16, FEATURE_PRESENCE, "feature=opaque");
	check_refused("\x43\x21\x01\x00\0\0\0\0", 8, FEATURE_UNKNOWN, "feature=- fpt=17185 status=2 reason=\"unknown-feature\"");
}

static void test_reason_of_its_own(void **state)
{
	answer = 40;
	struct cxtp_contexts c = put("\x12\x34\x02\x00\x05\x00\x01nnnn\0\0\0\0\0", 16);
	assert_int_equal(c.entries[0].status, 40);
	assert_non_null(strstr(lines, "context not installed mobile=2001:db8::1 feature=paint fpt=4660 status=40 "
	                              "reason=\"no-such-colour: the reason\""));
}

/* One that fails does not take the others with it (RFC 4067 §2.5.2). */
static void test_others_stand(void **state)
{
	struct cxtp_contexts c = put("\x12\x34\x01\x00\x05\x00\x01n" "\xff\x01\x01\x00octs", 16);
	uint8_t entries[16];
	struct wr w = wr_make(entries, sizeof entries);
	assert_int_equal(c.n, 2);
	assert_int_equal(c.blocks, 1);
	assert_false(cxtp_contexts_ctdr(&c, &w));
	assert_memory_equal(entries, "\x12\x34\x01\x00\xff\x01\x00\x00", 8);
	w = wr_make(entries, sizeof entries);
	cxtp_contexts_ctaa(&c, &w);
	assert_int_equal(w.len, 4);
	assert_memory_equal(entries, "\x12\x34\x01\x00", 4);
}

static void test_policy(void **state)
{
	char *names[] = {"opaque"};
	struct config_list list = {names, 1};
	struct cxtp_contexts c;
	vector = "data";
	vector_len = 4;
	feature_policy(&list, &list);
	check_collected("", 0, "\xff\x01\x01\x00" "data", 8); /* everything is asked for */
	check_collected(ONLY_PAINT, "", 0);
	check_refused("\x12\x34\x02\x00\x05\x00\x01nnnn\0\0\0\0\0", 16, FEATURE_REFUSED, "reason=\"not-accepted\"");
	/* What is not accepted is not missed either. */
	cxtp_contexts_fail(NULL, 0, CXTP_STATUS_TIMEOUT, &c);
	assert_int_equal(c.n, 1);
	assert_int_equal(c.entries[0].fpt, 0xff01);
	list.n = 0;
	cxtp_contexts_fail(NULL, 0, CXTP_STATUS_TIMEOUT, &c);
	assert_int_equal(c.n, 1);
	assert_int_equal(c.entries[0].fpt, 0);
}

static void test_pending(void **state)
{
	answer = FEATURE_PENDING;
	struct cxtp_contexts c = put("\xff\x01\x01\x00" "one." "\xff\x01\x01\x00" "two.", 16);
	assert_int_equal(c.pending_n, 2);
	assert_int_equal(c.n, 1);
	assert_int_equal(c.blocks, 0);
	assert_false(cxtp_contexts_installed(&c, &subject.previous, 0x1234, 0, NULL));
	assert_true(cxtp_contexts_installed(&c, &subject.previous, 0xff01, 0, NULL));
	assert_int_equal(c.pending_n, 1);
	assert_int_equal(c.blocks, 1);
	assert_true(cxtp_contexts_installed(&c, &subject.previous, 0xff01, 77, "no room"));
	assert_false(cxtp_contexts_installed(&c, &subject.previous, 0xff01, 0, NULL));
	assert_int_equal(c.entries[0].status, 77);
	assert_non_null(strstr(lines, "feature=opaque fpt=65281 status=77 reason=\"status-77: no room\""));

	c = put("\xff\x01\x01\x00" "one." "\xff\x01\x01\x00" "two.", 16);
	assert_true(cxtp_contexts_installed(&c, &subject.previous, 0xff01, 0, NULL));
	cxtp_contexts_overdue(&c, &subject.previous);
	assert_int_equal(c.pending_n, 0);
	assert_int_equal(c.entries[0].status, FEATURE_NO_PROGRAM);
	assert_int_equal(c.blocks, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_collect),
		T(test_install),
		T(test_refused),
		T(test_reason_of_its_own),
		T(test_others_stand),
		T(test_policy),
		T(test_pending),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
