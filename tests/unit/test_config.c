/*
 * The configuration: what a file means, and what is said about a bad one. Each bad file is a row of a table with every
 * message it must cause, word for word.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/config.h"
#include "core/log.h"
#include "core/module.h"
#include "core/output.h"
#include "core/settings.h"

/* libconfig loses the text of a string that the file ends in. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig";
}

/* A module with a setting of each type, which runs on access routers, and one that runs on mobile nodes. */
struct inner {
	struct config_where where;
	struct in6_addr peer;
	int64_t weight;
};
struct demo {
	struct config_where where;
	bool on;
	int64_t count;
	usec_t pause;
	uint64_t room;
	char *word;
	int color;
	struct in6_addr peer;
	struct prefix net;
	struct lladdr mac;
	struct secret *key;
	struct inner one;
	struct config_list many, macs, words;
};
static const char *const colors[] = {"red", "green", "blue", NULL};
static const struct config_item inner_items[] = {
	{.name = "peer", .type = CONFIG_ADDR, .offset = offsetof(struct inner, peer), .required = true},
	{.name = "weight", .type = CONFIG_INT, .offset = offsetof(struct inner, weight), .preset = "7"},
	{0},
};
static const struct config_table inner_table = {"inner", sizeof(struct inner), inner_items};
#define DEMO(member) .offset = offsetof(struct demo, member)
static const struct config_item demo_items[] = {
	{.name = "on", .type = CONFIG_BOOL, DEMO(on), .preset = "true"},
	{.name = "count", .type = CONFIG_INT, DEMO(count), .preset = "3", .min = 1, .max = 10},
	{.name = "pause", .type = CONFIG_DURATION, DEMO(pause), .preset = "200ms", .min = 10 * USEC_MSEC, .max = 60 * USEC_SEC},
	{.name = "room", .type = CONFIG_SIZE, DEMO(room), .preset = "64k", .min = 1024, .max = 16 << 20},
	{.name = "word", .type = CONFIG_STRING, DEMO(word), .preset = "hello"},
	{.name = "color", .type = CONFIG_ENUM, DEMO(color), .preset = "green", .choices = colors},
	{.name = "peer", .type = CONFIG_ADDR, DEMO(peer)},
	{.name = "net", .type = CONFIG_PREFIX, DEMO(net)},
	{.name = "mac", .type = CONFIG_LLADDR, DEMO(mac)},
	{.name = "key", .type = CONFIG_KEY, DEMO(key)},
	{.name = "one", .type = CONFIG_GROUP, DEMO(one), .sub = &inner_table},
	{.name = "many", .type = CONFIG_LIST, DEMO(many), .sub = &inner_table, .min = 0, .max = 3},
	{.name = "macs", .type = CONFIG_LLADDRS, DEMO(macs)},
	{.name = "words", .type = CONFIG_STRINGS, DEMO(words), .min = 1, .max = 2},
	{0},
};
static const struct config_table demo_table = {"demo", sizeof(struct demo), demo_items};

static void demo_check(const struct settings *s, const void *cfg, struct config_errors *errors)
{
	const struct demo *d = cfg;
	if (d->count == 9)
		config_error(errors, &d->where, "demo.count is 9; write another number");
}

static const struct config_item radio_items[] = {
	{.name = "peer", .type = CONFIG_ADDR, .offset = offsetof(struct inner, peer), .required = true},
	{0},
};
static const struct config_table radio_table = {"radio", sizeof(struct inner), radio_items};

static const struct module demo = {.name = "demo", .roles = MODULE_ROLE(ROLE_ACCESS_ROUTER), .config = &demo_table,
                                   .check = demo_check};
static const struct module radio = {.name = "radio", .roles = MODULE_ROLE(ROLE_MOBILE_NODE), .config = &radio_table};
static const struct module plain = {.name = "plain", .roles = MODULE_ALL_ROLES};
static const struct module *const modules[] = {&demo, &radio, &plain, NULL};

/* The four lines before what each row is about. */
#define AR                                              \
	"role = \"access-router\";\n"                       \
	"name = \"ar1\";\n"                                 \
	"interfaces = ( { name = \"wlan0\"; kind = \"access\"; aps = (\"02:00:00:00:01:01\"); } );\n" \
	"neighbors = ( );\n"
/* The same without neighbours; what follows begins at line 4. */
#define AR3                                             \
	"role = \"access-router\";\n"                       \
	"name = \"ar1\";\n"                                 \
	"interfaces = ( { name = \"wlan0\"; kind = \"access\"; aps = (\"02:00:00:00:01:01\"); } );\n"
#define AP2 "{ id = \"02:00:00:00:02:01\"; prefix = \"2001:db8:2::/64\"; router = \"2001:db8:2::1\"; link_address = \"02:00:00:00:02:00\"; }"
#define KEY "key = \"hex:00112233445566778899aabbccddeeff\";"

#define NAMES "role, name, realtime, interfaces, neighbors, mobiles, control, log, hold, demo, radio"
#define DURATION "a duration in double quotes, such as \"200ms\", \"2s\", \"1min\" or \"1h\""
#define SIZE "a size in double quotes, such as \"1500\", \"64k\" or \"16M\""
#define KEYS "a key in double quotes: \"hex:\" and 16 to 128 digits, \"text:\" and 8 to 64 characters, or \"file:\" and the path of " \
	"a file that holds one of these"
#define SYNTAX "syntax error; write NAME = VALUE; with texts, addresses, durations and sizes in double quotes, and look for a " \
	"missing \";\", quote or bracket here and on the line before"

static const struct {
	const char *what;
	const char *text;
	const char *messages[4]; /* after the file's name */
} bad[] = {
	/* -- how a file is written */
	{"missing quote", AR "demo = { word = \"x; };\n", {":6: " SYNTAX}},
	{"missing bracket", AR "demo = { word = \"x\";\n", {":6: " SYNTAX}},
	{"unit without quotes", AR "demo = {\n  pause = 200ms;\n};\n", {":6: " SYNTAX}},
	{"setting twice", AR "demo = { count = 2;\ncount = 3; };\n",
	 {":6: the same setting is written twice in one group; keep one of the two"}},
	{"array of mixed types", AR "\ndemo = { words = [ \"a\", 2 ]; };\n",
	 {":6: an array holds values of several types; write ( ... ) instead of [ ... ]"}},
	{"include of nothing", AR "@include \"nothing-here.conf\"\n",
	 {":5: this file to be included cannot be read; write the path of a readable one"}},
	/* -- names */
	{"unknown setting, near one", AR "\nneighbours = ( );\n", {":6: neighbours is unknown; did you mean neighbors?"}},
	{"unknown setting, near none", AR "colour_of_the_sky = 1;\n", {":5: colour_of_the_sky is unknown; write one of " NAMES}},
	{"unknown in a group", AR "control = {\n  scoket = \"/run/x\";\n};\n", {":6: control.scoket is unknown; did you mean socket?"}},
	{"unknown in a list", AR "demo = { many = (\n{ peer = \"::1\"; },\n{ peer = \"::2\"; wight = 3; } ); };\n",
	 {":7: demo.many[1].wight is unknown; did you mean weight?"}},
	{"letters swapped", AR "demo = { palce = 1; puase = \"1s\"; };\n",
	 {":5: demo.palce is unknown; write one of on, count, pause, room, word, color, peer, net, mac, key, one, many, macs, words",
	  ":5: demo.puase is unknown; did you mean pause?"}},
	{"group of no known module", AR "wifi = { };\n", {":5: wifi is unknown; write one of " NAMES}},
	/* -- types */
	{"text for a number", AR "demo = { count = \"3\"; };\n", {":5: demo.count is a text; write a whole number, from 1 to 10"}},
	{"fraction for a number", AR "demo = { count = 3.5; };\n",
	 {":5: demo.count is a number with a fraction; write a whole number, from 1 to 10"}},
	{"number for a text", AR "demo = { word = 3; };\n", {":5: demo.word is a bare number; write a text in double quotes"}},
	{"text for a truth value", AR "realtime = \"yes\";\n", {":5: realtime is a text; write true or false, without quotes"}},
	{"list for a group", AR "log = ( );\n", {":5: log is a list; write a group, { name = value; ... }"}},
	{"group for a list", AR "mobiles = { prefix = \"2001:db8::/64\"; };\n",
	 {":5: mobiles is a group; write a list of groups, ( { name = value; ... }, { ... } ), 0 to 100000 of them"}},
	{"text in a list of groups", AR "mobiles = (\n\"2001:db8::/64\" );\n",
	 {":6: mobiles[0] is a text; write a group, { name = value; ... }"}},
	{"module's group is no group", AR "demo = 3;\n", {":5: demo is a bare number; write a group, { name = value; ... }"}},
	/* -- values */
	{"number too large", AR "demo = { count = 11; };\n", {":5: demo.count is 11, more than 10; write a whole number, from 1 to 10"}},
	{"number too small", AR "demo = { count = 0; };\n", {":5: demo.count is 0, less than 1; write a whole number, from 1 to 10"}},
	{"bare duration", AR "demo = { pause = 200; };\n", {":5: demo.pause is a bare number; write " DURATION ", from 10ms to 1min"}},
	{"duration without a unit", AR "demo = { pause = \"200\"; };\n",
	 {":5: demo.pause is \"200\", which is no duration; write " DURATION ", from 10ms to 1min"}},
	{"bad unit", AR "demo = { pause = \"2sec\"; };\n",
	 {":5: demo.pause is \"2sec\", which is no duration; write " DURATION ", from 10ms to 1min"}},
	{"duration out of range", AR "demo = { pause = \"2h\"; };\n",
	 {":5: demo.pause is 2h, more than 1min; write " DURATION ", from 10ms to 1min"}},
	{"duration beyond all", AR "demo = { pause = \"99999999999999999999s\"; };\n",
	 {":5: demo.pause is 99999999999999999999s, which is too large for any limit; write " DURATION ", from 10ms to 1min"}},
	{"negative duration", AR "demo = { pause = \"-1s\"; };\n",
	 {":5: demo.pause is \"-1s\", which is no duration; write " DURATION ", from 10ms to 1min"}},
	{"bad size", AR "demo = { room = \"64kB\"; };\n", {":5: demo.room is \"64kB\", which is no size; write " SIZE ", from 1k to 16M"}},
	{"size out of range", AR "hold = { limit = \"1k\"; limit_mobile = \"64k\"; };\n",
	 {":5: hold.limit is 1k, less than 64k; write " SIZE ", from 64k to 4G"}},
	{"wrong choice, near one", "role = \"acess-router\";\n",
	 {":1: role is \"acess-router\", did you mean \"access-router\"?; write one of \"access-router\", \"mobile-node\" or "
	  "\"home-agent\""}},
	{"wrong choice", AR "demo = { color = \"mauve\"; };\n",
	 {":5: demo.color is \"mauve\", which is no choice here; write one of \"red\", \"green\" or \"blue\""}},
	{"bad address", AR "demo = { peer = \"2001:db8::1::2\"; };\n",
	 {":5: demo.peer is \"2001:db8::1::2\", which is no address; write an address in double quotes, such as \"2001:db8::1\""}},
	{"prefix with host bits", AR "demo = { net = \"2001:db8::1/64\"; };\n",
	 {":5: demo.net is \"2001:db8::1/64\", which is no prefix; write a prefix in double quotes, such as \"2001:db8:1::/64\", its "
	  "bits beyond the length zero"}},
	{"bad link-layer address", AR "demo = { macs = ( \"02:00:00:00:00:01\",\n\"02:00:00:00:00:0g\" ); };\n",
	 {":6: demo.macs[1] is \"02:00:00:00:00:0g\", which is no link-layer address; write a link-layer address in double quotes, such "
	  "as \"02:00:00:00:00:01\""}},
	{"number in a list of texts", AR "demo = { words = ( \"a\", 1 ); };\n",
	 {":5: demo.words[1] is a bare number; write a text in double quotes"}},
	{"list too long", AR "demo = { words = ( \"a\", \"b\", \"c\" ); };\n",
	 {":5: demo.words has 3 elements; write a list of texts, ( \"one\", \"two\" ), 1 to 2 of them"}},
	/* -- keys: the value is never shown */
	{"key of no kind", AR "demo = { key = \"00112233445566778899\"; };\n", {":5: demo.key is no key (not shown); write " KEYS}},
	{"key too short", AR "demo = { key = \"text:secret\"; };\n", {":5: demo.key is no key (not shown); write " KEYS}},
	{"key file missing", AR "demo = { key = \"file:/nonexistent/key\"; };\n",
	 {":5: demo.key names the key file /nonexistent/key, which cannot be read (No such file or directory); write " KEYS}},
	{"key file is a folder", AR "demo = { key = \"file:/\"; };\n",
	 {":5: demo.key names the key file /, which cannot be read (Is a directory); write " KEYS}},
	{"key file holds none", AR "demo = { key = \"file:/proc/self/comm\"; };\n",
	 {":5: demo.key names the key file /proc/self/comm, whose first line is no key; write " KEYS}},
	/* -- what is missing */
	{"empty file", "",
	 {":1: role is missing; write role = one of \"access-router\", \"mobile-node\" or \"home-agent\""}},
	{"missing in a list", AR "mobiles = (\n{ prefix = \"2001:db8::/64\"; } );\n", {":6: mobiles[0].key is missing; write key = " KEYS}},
	{"missing in a group", AR "demo = {\n one = { weight = 1; }; };\n",
	 {":6: demo.one.peer is missing; write peer = an address in double quotes, such as \"2001:db8::1\""}},
	{"missing group of a module that runs", "role = \"mobile-node\";\ninterfaces = ( { name = \"wlan0\"; kind = \"access\"; } );\n",
	 {":1: radio.peer is missing; write peer = an address in double quotes, such as \"2001:db8::1\""}},
	{"group of a module that does not run is checked", AR "radio = { peer = \"x\"; };\n",
	 {":5: radio.peer is \"x\", which is no address; write an address in double quotes, such as \"2001:db8::1\""}},
	{"AP without router", AR3 "neighbors = ( { name = \"ar2\"; address = \"2001:db8:f::2\"; aps = (\n"
	 "{ id = \"02:00:00:00:02:01\"; prefix = \"2001:db8:2::/64\"; link_address = \"02:00:00:00:02:00\"; } ); } );\n",
	 {":5: neighbors[0].aps[0].router is missing; write router = an address in double quotes, such as \"2001:db8::1\""}},
	{"access router without neighbours", AR3,
	 {":1: role \"access-router\" needs a neighbor; write neighbors = ( { name = \"ar2\"; address = \"2001:db8::2\"; aps = ( ... ); } "
	  "); or, for a router that hands over to nobody, neighbors = ( );"}},
	{"role without an interface",
	 "role = \"mobile-node\";\nradio = { peer = \"::1\"; };\ninterfaces = ( { name = \"eth0\"; kind = \"core\"; } );\n",
	 {":1: role \"mobile-node\" needs an access interface; write interfaces = ( { name = \"eth0\"; kind = \"access\"; } );"}},
	{"role without modules", "role = \"home-agent\";\ninterfaces = ( { name = \"eth0\"; kind = \"access\"; } );\n",
	 {":1: role is \"home-agent\", which this handoverd has no module for; write \"access-router\" or \"mobile-node\""}},
	/* -- what does not go together */
	{"interface twice", "role = \"access-router\"; neighbors = ( );\ninterfaces = ( { name = \"wlan0\"; kind = \"access\"; },\n"
	 "{ name = \"eth0\"; kind = \"core\"; },\n{ name = \"wlan0\"; kind = \"core\"; } );\n",
	 {":4: interfaces[2].name is \"wlan0\" again, as in line 2; write each interface once"}},
	{"interface name too long", "role = \"access-router\"; neighbors = ( );\n"
	 "interfaces = ( { name = \"a-very-long-name\"; kind = \"access\"; } );\n",
	 {":2: interfaces[0].name is \"a-very-long-name\", which no device can be called; write 1 to 15 characters without slash or "
	  "space, such as \"eth0\""}},
	{"APs on a core interface", "role = \"access-router\"; neighbors = ( );\ninterfaces = ( { name = \"wlan0\"; kind = \"access\"; },\n"
	 "{ name = \"eth0\"; kind = \"core\"; aps = ( \"02:00:00:00:00:01\" ); } );\n",
	 {":3: interfaces[1] is of kind \"core\" and has aps; write kind = \"access\", or no aps"}},
	{"neighbour's name twice", AR3 "neighbors = (\n{ name = \"ar2\"; address = \"2001:db8:f::2\"; },\n"
	 "{ name = \"ar2\"; address = \"2001:db8:f::3\"; } );\n",
	 {":6: neighbors[1].name is \"ar2\" again, as in line 5; write another name for one of them"}},
	{"neighbour's address twice", AR3 "neighbors = (\n{ name = \"ar2\"; address = \"2001:db8:f::2\"; },\n"
	 "{ name = \"ar3\"; address = \"2001:db8:f:0::2\"; } );\n",
	 {":6: neighbors[1].address is 2001:db8:f::2 again, as in line 5; write one neighbor with all its aps"}},
	{"neighbour at no router's address", AR3 "neighbors = ( { name = \"ar2\"; address = \"fe80::2\"; } );\n",
	 {":4: neighbors[0].address is fe80::2, which is no router's; write its global address"}},
	{"neighbour's name with a space", AR3 "neighbors = ( { name = \"ar 2\"; address = \"2001:db8:f::2\"; } );\n",
	 {":4: neighbors[0].name is \"ar 2\"; write 1 to 63 characters without spaces and quotes"}},
	{"AP-ID twice among neighbours", AR3 "neighbors = (\n{ name = \"ar2\"; address = \"2001:db8:f::2\"; aps = (\n" AP2 ",\n" AP2 "); } );\n",
	 {":7: the AP-ID 02:00:00:00:02:01 is here again, as in line 6; write each AP-ID once, where its clients appear"}},
	{"AP-ID our own and a neighbour's", AR3 "neighbors = ( { name = \"ar2\"; address = \"2001:db8:f::2\"; aps = (\n"
	 "{ id = \"02:00:00:00:01:01\"; prefix = \"2001:db8:2::/64\"; router = \"fe80::1\"; link_address = \"02:00:00:00:02:00\"; } ); } );\n",
	 {":5: the AP-ID 02:00:00:00:01:01 is here again, as in line 3; write each AP-ID once, where its clients appear"}},
	{"overlapping prefixes", AR3 "neighbors = ( { name = \"ar2\"; address = \"2001:db8:f::2\"; aps = (\n" AP2 " ); },\n"
	 "{ name = \"ar3\"; address = \"2001:db8:f::3\"; aps = (\n"
	 "{ id = \"02:00:00:00:03:01\"; prefix = \"2001:db8:2::/48\"; router = \"2001:db8:2::3\"; link_address = \"02:00:00:00:03:00\"; } ); } );\n",
	 {":7: the prefix 2001:db8:2::/48 of router 2001:db8:2::3 overlaps 2001:db8:2::/64 of router 2001:db8:2::1 in line 5; write "
	  "prefixes of one router each"}},
	{"router outside of its prefix", AR3 "neighbors = ( { name = \"ar2\"; address = \"2001:db8:f::2\"; aps = (\n"
	 "{ id = \"02:00:00:00:02:01\"; prefix = \"2001:db8:2::/64\"; router = \"2001:db8:3::1\"; link_address = \"02:00:00:00:02:00\"; } ); } );\n",
	 {":5: neighbors[0].aps[0].router is 2001:db8:3::1, outside of the prefix 2001:db8:2::/64; write the router's address on that "
	  "link"}},
	{"IPv4 router without its prefix", AR3 "neighbors = ( { name = \"ar2\"; address = \"2001:db8:f::2\"; aps = (\n"
	 "{ id = \"02:00:00:00:02:01\"; prefix = \"2001:db8:2::/64\"; router = \"2001:db8:2::1\"; link_address = \"02:00:00:00:02:00\"; "
	 "router4 = \"192.0.2.1\"; } ); } );\n",
	 {":5: neighbors[0].aps[0]: prefix4 and router4 go together; write the link's IPv4 prefix and the router's address in it, or "
	  "neither"}},
	{"mobile with both", AR "mobiles = (\n{ address = \"2001:db8::1\"; prefix = \"2001:db8::/64\"; " KEY " } );\n",
	 {":6: mobiles[0] has both address and prefix; write one of them"}},
	{"mobile with neither", AR "mobiles = (\n{ " KEY " } );\n", {":6: mobiles[0] has neither address nor prefix; write one of them"}},
	{"mobile twice", AR "mobiles = (\n{ address = \"2001:db8::1\"; " KEY " },\n{ address = \"2001:db8::1\"; " KEY " } );\n",
	 {":7: mobiles[1].address is 2001:db8::1 again, as in line 6; write each mobile once"}},
	{"prefix of mobiles twice", AR "mobiles = (\n{ prefix = \"2001:db8::/64\"; " KEY " },\n{ prefix = \"2001:db8::/64\"; " KEY " } );\n",
	 {":7: mobiles[1].prefix is 2001:db8::/64 again, as in line 6; write each prefix once"}},
	{"limit of one mobile over that of all", AR "hold = { limit = \"1M\"; };\n",
	 {":5: hold.limit_mobile is more than hold.limit (1024k); write no more than that, or a larger hold.limit"}},
	{"name with a space", "role = \"access-router\"; name = \"a b\"; neighbors = ( );\n"
	 "interfaces = ( { name = \"wlan0\"; kind = \"access\"; } );\n",
	 {":1: name is \"a b\"; write 1 to 63 characters without spaces and quotes"}},
	{"what a module's own check finds", AR "\ndemo = { count = 9; };\n", {":6: demo.count is 9; write another number"}},
	/* -- all at once, in the order of lines */
	{"several errors", AR "hold = { limit = \"1M\"; };\ndemo = {\n  word = 3;\n  color = \"mauve\";\n  extra_setting = 1;\n};\n",
	 {":5: hold.limit_mobile is more than hold.limit (1024k); write no more than that, or a larger hold.limit",
	  ":7: demo.word is a bare number; write a text in double quotes",
	  ":8: demo.color is \"mauve\", which is no choice here; write one of \"red\", \"green\" or \"blue\"",
	  ":9: demo.extra_setting is unknown; write one of on, count, pause, room, word, color, peer, net, mac, key, one, many, macs, "
	  "words"}},
};

static void test_bad(void **state)
{
	size_t wrong = 0;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct config_errors *errors = config_errors_create();
		assert_null(config_load_text("dir/test.conf", bad[i].text, modules, errors));
		size_t n = 0;
		for (; n < 4 && bad[i].messages[n]; n++) {
			char want[2048];
			snprintf(want, sizeof want, "dir/test.conf%s", bad[i].messages[n]);
			const char *got = n < config_errors_count(errors) ? config_errors_text(errors, n) : "(nothing)";
			if (strcmp(want, got)) {
				print_error("%s:\n  want %s\n  got  %s\n", bad[i].what, want, got);
				wrong++;
			}
			/* Whatever is wrong, it is said what to do. */
			assert_true(strstr(got, "write ") || strstr(got, "did you mean ") || strstr(got, "keep one "));
		}
		for (; n < config_errors_count(errors); n++, wrong++)
			print_error("%s:\n  also %s\n", bad[i].what, config_errors_text(errors, n));
		config_errors_destroy(errors);
	}
	assert_int_equal(wrong, 0);
	assert_true(sizeof bad / sizeof *bad >= 30);
}

static struct config *good(const char *text)
{
	struct config_errors *errors = config_errors_create();
	struct config *c = config_load_text("test.conf", text, modules, errors);
	for (size_t i = 0; i < config_errors_count(errors); i++)
		print_error("%s\n", config_errors_text(errors, i));
	config_errors_destroy(errors);
	assert_non_null(c);
	return c;
}

static void test_defaults(void **state)
{
	struct config *c = good(AR);
	const struct settings *s = config_settings(c);
	assert_int_equal(s->role, ROLE_ACCESS_ROUTER);
	assert_string_equal(s->name, "ar1");
	assert_true(s->realtime);
	assert_int_equal(s->log.level, LOG_LEVEL_INFO);
	assert_int_equal(s->log.sink, LOG_CHOICE_AUTO);
	assert_int_equal(s->control.clients, 16);
	assert_int_equal(s->hold.limit, 64 << 20);
	assert_int_equal(s->hold.limit_mobile, 8 << 20);
	assert_int_equal(s->hold.drain, DRAIN_IMMEDIATE);
	assert_int_equal(s->interfaces.n, 1);
	const struct demo *d = config_group(c, "demo");
	assert_int_equal(d->where.line, 0);
	assert_true(d->on && d->count == 3 && d->pause == 200 * USEC_MSEC && d->room == 65536 && d->color == 1);
	assert_string_equal(d->word, "hello");
	assert_true(addr_is_zero(&d->peer) && !d->key && !d->mac.len && !d->many.n);
	assert_int_equal(d->one.weight, 7);
	assert_null(config_group(c, "plain"));
	config_free(c);
	config_free(NULL);
}

static void test_values(void **state)
{
	struct config *c = good(AR "mobiles = ( { prefix = \"2001:db8::/64\"; " KEY " } );\n"
	                        "demo = { on = false; count = 10; pause = \"1min\"; room = 2048; word = \"\"; color = \"blue\";\n"
	                        "peer = \"192.0.2.1\"; net = \"2001:db8:1::/48\"; mac = \"02-00-00-00-00-0a\"; key = \"text:12345678\";\n"
	                        "one = { peer = \"::1\"; weight = -5; };\n"
	                        "many = ( { peer = \"::2\"; },\n"
	                        "  { peer = \"::3\"; weight = 4000000000L; } );\n"
	                        "macs = [ \"02:00:00:00:00:01\" ]; words = ( \"a\", \"b\" ); };\n");
	const struct demo *d = config_group(c, "demo");
	char text[ADDR_STRLEN];
	size_t n;
	assert_int_equal(d->where.line, 6);
	assert_string_equal(d->where.file, "test.conf");
	assert_true(!d->on && d->count == 10 && d->pause == 60 * USEC_SEC && d->room == 2048 && d->color == 2);
	assert_string_equal(d->word, "");
	assert_string_equal(addr_text(&d->peer, text), "192.0.2.1");
	assert_int_equal(d->net.plen, 48);
	assert_int_equal(d->mac.octet[5], 10);
	assert_memory_equal(secret_data(d->key, &n), "12345678", 8);
	assert_int_equal(d->one.weight, -5);
	const struct inner *many = d->many.items;
	assert_int_equal(d->many.n, 2);
	assert_true(many[0].weight == 7 && many[1].weight == 4000000000 && many[1].where.line == 10);
	assert_int_equal(d->macs.n, 1);
	assert_string_equal(((char **)d->words.items)[1], "b");
	config_free(c);
}

static void write_file(const char *path, const char *text, size_t len, mode_t mode)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fwrite(text, 1, len, f);
	fclose(f);
	chmod(path, mode);
}

static unsigned warnings;
static void count_warnings(enum log_level level, const char *topic, const char *line, void *arg)
{
	warnings += level == LOG_LEVEL_WARNING;
	assert_null(strstr(line, "0011"));
}

static const char *only_error(const char *path, char out[512])
{
	struct config_errors *errors = config_errors_create();
	assert_null(config_load(path, modules, errors));
	assert_int_equal(config_errors_count(errors), 1);
	snprintf(out, 512, "%s", config_errors_text(errors, 0));
	config_errors_destroy(errors);
	return out;
}

/* Files: key files and includes beside the configuration, what cannot be read, what everyone can read. */
static void test_files(void **state)
{
	char dir[] = "/tmp/test_config_XXXXXX", path[64], key[64], part[64], got[512], want[512];
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/a.conf", dir);
	snprintf(key, sizeof key, "%s/a.key", dir);
	snprintf(part, sizeof part, "%s/part.conf", dir);
	log_tap(count_warnings, NULL);

	snprintf(want, sizeof want,
	         "%s:1: this file cannot be read (No such file or directory); write it, make it readable, or name another with -c", path);
	assert_string_equal(only_error(path, got), want);
	snprintf(want, sizeof want, "%s:1: this file cannot be read (Is a directory); write it, make it readable, or name another with -c",
	         dir);
	assert_string_equal(only_error(dir, got), want);
	write_file(path, "role = \"x\";\n\0", 13, 0600);
	snprintf(want, sizeof want, "%s:2: this is no text: it holds a zero octet; write plain text", path);
	assert_string_equal(only_error(path, got), want);
	assert_int_equal(warnings, 0);

	static const char text[] = AR "@include \"part.conf\"\n";
	static const char included[] = "demo = {\n key = \"file:a.key\"; };\n";
	write_file(path, text, sizeof text - 1, 0644);
	write_file(part, included, sizeof included - 1, 0600);
	write_file(key, "hex:0011223344556677\r\nmore\n", 27, 0600);
	struct config_errors *errors = config_errors_create();
	struct config *c = config_load(path, modules, errors);
	assert_non_null(c);
	const struct demo *d = config_group(c, "demo");
	size_t n;
	assert_memory_equal(secret_data(d->key, &n), "\x00\x11\x22\x33\x44\x55\x66\x77", 8);
	assert_string_equal(d->where.file, part);
	config_free(c);
	assert_int_equal(warnings, 0); /* everyone may read a file without keys */

	chmod(key, 0644);
	config_free(config_load(path, modules, errors));
	assert_int_equal(warnings, 1);
	static const char inline_key[] = AR "mobiles = ( { prefix = \"2001:db8::/64\"; " KEY " } );\n";
	write_file(path, inline_key, sizeof inline_key - 1, 0644);
	config_free(config_load(path, modules, errors));
	assert_int_equal(warnings, 2);
	assert_int_equal(config_errors_count(errors), 0);
	config_errors_destroy(errors);

	/* An error in an included file names that file. */
	write_file(path, text, sizeof text - 1, 0600);
	write_file(part, "\ndemo = { count = 11; };\n", 25, 0600);
	snprintf(want, sizeof want, "%s:2: demo.count is 11, more than 10; write a whole number, from 1 to 10", part);
	assert_string_equal(only_error(path, got), want);
	write_file(part, "\n\nx = = 1;\n", 11, 0600);
	snprintf(want, sizeof want, "%s:3: " SYNTAX, part);
	assert_string_equal(only_error(path, got), want);
	log_tap(NULL, NULL);
	unlink(path);
	unlink(part);
	unlink(key);
	rmdir(dir);
}

/* A writer that puts "setting=value(default)" words into one text. */
static char shown[8192];
static void show_nothing(struct output *o, const char *key)
{
}
static void show_end(struct output *o)
{
	strcat(shown, "\n");
}
static void show_list_end(struct output *o)
{
}
static void show_value(struct output *o, const char *key, enum output_kind kind, const char *text)
{
	strcat(shown, !strcmp(key, "setting") ? "" : !strcmp(key, "value") ? " = " : " default ");
	strcat(shown, kind == OUTPUT_NULL ? "-" : text);
}

static void test_show(void **state)
{
	static const struct output_writer writer = {show_nothing, show_list_end, show_nothing, show_end, show_value};
	struct output o = {&writer};
	struct config *c = good(AR "mobiles = ( { prefix = \"2001:db8::/64\"; " KEY " } );\n"
	                        "demo = { pause = \"1500ms\"; room = \"3k\"; macs = (\"02:00:00:00:00:01\", \"02:00:00:00:00:02\");\n"
	                        "many = ( { peer = \"::2\"; } ); };\n");
	config_show(c, modules, &o);
	static const char *const lines[] = {
		"\nname = ar1 default -\n", "\ninterfaces[0].kind = access default -\n", "\ninterfaces[0].aps = 02:00:00:00:01:01 default -\n",
		"\nneighbors = - default -\n", "\nmobiles[0].prefix = 2001:db8::/64 default -\n", "\nmobiles[0].address = - default -\n",
		"\nmobiles[0].key = set default -\n", "\nhold.limit = 64M default 64M\n", "\ncontrol.queue = 256k default 256k\n",
		"\ndemo.pause = 1500ms default 200ms\n", "\ndemo.room = 3k default 64k\n", "\ndemo.on = true default true\n",
		"\ndemo.macs = 02:00:00:00:00:01, 02:00:00:00:00:02 default -\n", "\ndemo.many[0].weight = 7 default 7\n",
		"\ndemo.one.peer = - default -\n", "\nradio.peer = - default -\n",
	};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		if (!strstr(shown, lines[i]))
			fail_msg("not shown: %s in\n%s", lines[i], shown);
	assert_null(strstr(shown, "0011"));
	config_free(c);
}

static void test_host_name(void **state)
{
	char host[65] = "";
	gethostname(host, sizeof host - 1);
	struct config *c = good("role = \"access-router\"; neighbors = ( ); interfaces = ( { name = \"e0\"; kind = \"access\"; } );");
	assert_string_equal(config_settings(c)->name, host);
	config_free(c);
}

static void test_many_errors(void **state)
{
	struct config_errors *errors = config_errors_create();
	struct config_where at = {.file = "f"};
	for (int i = 0; i < 5000; i++) {
		at.line = 5000 - i;
		config_error(errors, &at, "x; write y");
	}
	size_t n = config_errors_count(errors);
	assert_true(n >= 1000 && n < 3000);
	at.file = "g";
	for (size_t i = 1; i < n; i++) /* in the order of lines */
		assert_true(strtol(config_errors_text(errors, i - 1) + 2, NULL, 10) < strtol(config_errors_text(errors, i) + 2, NULL, 10));
	config_errors_destroy(errors);
	config_errors_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),   cmocka_unit_test(test_defaults), cmocka_unit_test(test_values),
		cmocka_unit_test(test_files), cmocka_unit_test(test_show),     cmocka_unit_test(test_host_name),
		cmocka_unit_test(test_many_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
