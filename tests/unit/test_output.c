#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/handover.h"
#include "ctl/writer.h"

/* One walk, whatever writes it. */
static void walk_neighbors(struct output *o)
{
	struct in6_addr a;
	addr_parse("2001:db8::1", &a);
	struct prefix p = { a, 128 };
	struct lladdr l = { 6, { 2, 0, 0, 0, 0, 1 } }, none = { 0 };
	out_list_begin(o, NULL);
	out_item_begin(o, NULL);
	out_str(o, "name", "ar1");
	out_addr(o, "address", &a);
	out_uint(o, "count", 7);
	out_bool(o, "up", true);
	out_list_begin(o, "groups");
	out_str(o, NULL, "ff0e::1");
	out_str(o, NULL, "ff0e::2");
	out_list_end(o);
	out_list_begin(o, "aps");
	out_item_begin(o, NULL);
	out_lladdr(o, "id", &l);
	out_prefix(o, "prefix", &p);
	out_item_end(o);
	out_list_end(o);
	out_item_end(o);
	out_item_begin(o, NULL);
	out_fmt(o, "name", "a%s-%d", "r", 22);
	out_addr(o, "address", &in6addr_any);
	out_int(o, "count", -12345);
	out_bool(o, "up", false);
	out_list_begin(o, "groups");
	out_list_end(o);
	out_lladdr(o, "link_address", &none);
	out_item_end(o);
	out_list_end(o);
}

static void assert_written(enum form form, void (*walk)(struct output *o), const char *expected)
{
	struct textbuf b = { 0 };
	struct output *o = writer_create(form, &b);
	assert_non_null(o);
	walk(o);
	assert_int_equal(writer_finish(o), 0);
	assert_string_equal(b.data ? b.data : "", expected);
	textbuf_free(&b);
}

static void test_json(void **state)
{
	assert_written(FORM_JSON, walk_neighbors,
	               "[{\"name\":\"ar1\",\"address\":\"2001:db8::1\",\"count\":7,\"up\":true,\"groups\":[\"ff0e::1\",\"ff0e::2\"],"
	               "\"aps\":[{\"id\":\"02:00:00:00:00:01\",\"prefix\":\"2001:db8::1/128\"}]},"
	               "{\"name\":\"ar-22\",\"address\":null,\"count\":-12345,\"up\":false,\"groups\":[],\"link_address\":null}]\n");
}

static void test_text(void **state)
{
	assert_written(FORM_TEXT, walk_neighbors,
	               "NAME   ADDRESS       COUNT  UP   GROUPS            LINK ADDRESS\n"
	               "ar1    2001:db8::1       7  yes  ff0e::1, ff0e::2  -\n"
	               "    aps:\n"
	               "      ID                 PREFIX\n"
	               "      02:00:00:00:00:01  2001:db8::1/128\n"
	               "ar-22  -            -12345  no   -                 -\n");
}

static void walk_nothing(struct output *o)
{
	out_list_begin(o, NULL);
	out_list_end(o);
}

static void test_empty(void **state)
{
	assert_written(FORM_JSON, walk_nothing, "[]\n");
	assert_written(FORM_TEXT, walk_nothing, "none\n");
}

static void walk_record(struct output *o)
{
	out_item_begin(o, NULL);
	out_str(o, "role", "access-router");
	out_item_begin(o, "control");
	out_str(o, "socket", "/run/x.sock");
	out_uint(o, "clients", 16);
	out_item_end(o);
	out_msec(o, "rtt", 1234567);
	out_msec(o, "early", (usec_t)0 - 1005);
	out_time(o, "at", 1700000000123456);
	out_list_begin(o, "interfaces");
	out_item_begin(o, NULL);
	out_str(o, "name", "wlan0");
	out_item_end(o);
	out_list_end(o);
	out_item_end(o);
}

static void test_record(void **state)
{
	assert_written(FORM_TEXT, walk_record,
	               "role   access-router\n"
	               "rtt    1234.567\n"
	               "early  -1.005\n"
	               "at     2023-11-14T22:13:20.123Z\n"
	               "control:\n"
	               "  socket   /run/x.sock\n"
	               "  clients  16\n"
	               "interfaces:\n"
	               "  NAME\n"
	               "  wlan0\n");
	assert_written(FORM_JSON, walk_record,
	               "{\"role\":\"access-router\",\"control\":{\"socket\":\"/run/x.sock\",\"clients\":16},\"rtt\":1234.567,"
	               "\"early\":-1.005,\"at\":\"2023-11-14T22:13:20.123Z\",\"interfaces\":[{\"name\":\"wlan0\"}]}\n");
}

static void walk_hostile(struct output *o)
{
	out_list_begin(o, NULL);
	out_str(o, NULL, "a\"b\\c\n\x1b[31m\x7f");
	out_str(o, NULL, "caf\xc3\xa9 \xf0\x9f\x9a\x80");
	out_str(o, NULL, "\xff|\xc3|\xc0\xaf|\xed\xa0\x80|\xf4\x90\x80\x80|\xe2\x82");
	out_str(o, NULL, "");
	out_list_end(o);
}

static void test_hostile_text(void **state)
{
	assert_written(FORM_JSON, walk_hostile,
	               "[\"a\\\"b\\\\c\\u000a\\u001b[31m\\u007f\",\"caf\xc3\xa9 \xf0\x9f\x9a\x80\",\"\xef\xbf\xbd|\xef\xbf\xbd|"
	               "\xef\xbf\xbd\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|"
	               "\xef\xbf\xbd\xef\xbf\xbd\",\"\"]\n");
	assert_written(FORM_TEXT, walk_hostile,
	               "a\"b\\c??[31m?\n"
	               "caf\xc3\xa9 \xf0\x9f\x9a\x80\n"
	               "?|?|??|???|????|??\n"
	               "-\n");
}

static void walk_deep(struct output *o)
{
	for (int i = 0; i < WRITER_DEPTH + 2; i++)
		out_list_begin(o, NULL);
	out_str(o, NULL, "too deep");
	for (int i = 0; i < WRITER_DEPTH + 2; i++)
		out_list_end(o);
}

static void test_depth_is_bounded(void **state)
{
	assert_written(FORM_JSON, walk_deep, "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]\n");
	assert_written(FORM_TEXT, walk_deep, "none\n");
}

static void walk_event(struct output *o)
{
	out_item_begin(o, NULL);
	out_time(o, "time", 1700000000123456);
	out_str(o, "event", "handover-step");
	out_uint(o, "at_us", 1700000000123456);
	out_str(o, "mobile", "2001:db8::1");
	out_str(o, "step", "c");
	out_str(o, "name", "first packet");
	out_str(o, "reason", NULL);
	out_str(o, "empty", "");
	out_msec(o, "ms", 1500);
	out_item_begin(o, "handover");
	out_str(o, "inner", "x");
	out_item_end(o);
	out_item_end(o);
}

static void test_line(void **state)
{
	assert_written(FORM_LINE, walk_event,
	               "2023-11-14T22:13:20.123Z handover-step mobile=2001:db8::1 step=c name=\"first packet\" empty=\"\" ms=1.500\n");
}

static void walk_counters(struct output *o)
{
	static const struct counter all[] = {
		{ "fbu_received", "FBUs \"received\"", 12, 0 },
		{ "holds", "Holds now", 3, 1 },
		{ "mute", NULL, 18446744073709551615U, 0 },
	};
	out_item_begin(o, NULL);
	for (size_t i = 0; i < 3; i++)
		out_counter(o, "fmip6", &all[i]);
	out_item_end(o);
}

static void test_counters(void **state)
{
	assert_written(FORM_METRICS, walk_counters,
	               "# TYPE handoverd_fmip6_fbu_received counter\n"
	               "# HELP handoverd_fmip6_fbu_received FBUs \\\"received\\\"\n"
	               "handoverd_fmip6_fbu_received_total 12\n"
	               "# TYPE handoverd_fmip6_holds gauge\n"
	               "# HELP handoverd_fmip6_holds Holds now\n"
	               "handoverd_fmip6_holds 3\n"
	               "# TYPE handoverd_fmip6_mute counter\n"
	               "handoverd_fmip6_mute_total 18446744073709551615\n"
	               "# EOF\n");
	assert_written(FORM_JSON, walk_counters,
	               "{\"fmip6.fbu_received\":12,\"fmip6.holds\":3,\"fmip6.mute\":18446744073709551615}\n");
	assert_written(FORM_TEXT, walk_counters,
	               "fmip6.fbu_received  12\nfmip6.holds         3\nfmip6.mute          18446744073709551615\n");
}

static struct handovers *timelines;
static void walk_handovers(struct output *o)
{
	handovers_show(timelines, o);
}

static void test_timeline(void **state)
{
	struct loop *loop = loop_create_virtual(1700000000000000);
	timelines = handovers_create(loop, NULL, 8);
	struct in6_addr pcoa;
	addr_parse("2001:db8:a::1", &pcoa);
	struct handover *h = handover_open(timelines, HANDOVER_NAR, HANDOVER_PREDICTIVE, &pcoa);
	strcpy(h->from, "ara");
	addr_parse("2001:db8:ff::b", &h->nar);
	handover_step(timelines, h, STEP_D_HI);
	loop_advance(loop, 1700000000000500);
	handover_step(timelines, h, STEP_E_HACK);
	handover_step(timelines, h, STEP_HOLD);
	loop_advance(loop, 1700000000020000);
	handover_step(timelines, h, STEP_G_UNA);
	h->held = 31;
	h->gap_start = 1700000000000600;
	h->gap_end = 1700000000019600;
	h->interruption = 19800;
	handover_context(h, 7, "multicast", 0);
	handover_context(h, 9, "other", 3);
	handover_close(timelines, h, HANDOVER_FAILED, "one context missing");
	assert_written(FORM_TEXT, walk_handovers,
	               "#1  2001:db8:a::1  ara -> 2001:db8:ff::b  nar  predictive  failed  deg\n"
	               "    started 2023-11-14T22:13:20.000Z, gap 19.000 ms, interruption 19.800 ms, held 31, dropped 0\n"
	               "    reason: one context missing\n"
	               "     0.000 ms  d  HI    *\n"
	               "     0.500 ms  e  HAck  -*\n"
	               "     0.500 ms     hold  -*\n"
	               "    20.000 ms  g  UNA   ----------------------------------------*\n"
	               "    contexts: multicast (7) installed, other (9) failed: no-resources, status 3\n");
	handovers_destroy(timelines);
	loop_destroy(loop);
}

static void test_textbuf(void **state)
{
	struct textbuf b = { 0 };
	textbuf_fill(&b, 'x', 300);
	textbuf_fmt(&b, "%s-%d", "y", 5);
	assert_int_equal(b.len, 303);
	assert_string_equal(b.data + 299, "xy-5");
	textbuf_fill(&b, 'x', TEXTBUF_MAX);
	assert_true(b.failed);
	textbuf_str(&b, "ignored");
	assert_int_equal(b.len, 303);
	textbuf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),         cmocka_unit_test(test_text),
		cmocka_unit_test(test_empty),        cmocka_unit_test(test_record),
		cmocka_unit_test(test_hostile_text), cmocka_unit_test(test_depth_is_bounded),
		cmocka_unit_test(test_line),         cmocka_unit_test(test_counters),
		cmocka_unit_test(test_timeline),     cmocka_unit_test(test_textbuf),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
