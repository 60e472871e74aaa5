#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "context/context.h"
#include "context/context_config.h"

static struct config *load(const char *group, char *complaints, size_t cap)
{
	static const struct module *const modules[] = {&context_module, NULL};
	struct config_errors *errors = config_errors_create();
	char text[1024];
	size_t len = 0;
	snprintf(text, sizeof text, "role = \"access-router\"; interfaces = ( { name = \"a\"; kind = \"access\"; } );\nneighbors = ( );\ncontext = {\n%s\n};\n", group);
	struct config *c = config_load_text("test.conf", text, modules, errors);
	complaints[0] = '\0';
	for (size_t i = 0; i < config_errors_count(errors) && len < cap; i++)
		len += (size_t)snprintf(complaints + len, cap - len, "%s\n", config_errors_text(errors, i));
	config_errors_destroy(errors);
	return c;
}

static void test_numbers(void **state)
{
	char why[2048];
	struct config *c = load("", why, sizeof why);
	
	const struct context_config *x = config_group(c, "context");
	assert_int_equal(context_fpt(x, "multicast-listener"), 1);
	assert_int_equal(context_fpt(x, "neighbor"), 65281);
	assert_int_equal(context_fpt(x, "rate"), 65284);
	assert_int_equal(context_fpt(x, "no such"), 0);
	config_free(c);

	c = load("fpt = { neighbor = 65284; rate = 65281; };", why, sizeof why); /* exchanged */
	assert_non_null(c);
	x = config_group(c, "context");
	assert_int_equal(context_fpt(x, "neighbor"), 65284);
	assert_int_equal(context_fpt(x, "rate"), 65281);
	config_free(c);
}

static void test_lists(void **state)
{
	char why[2048];
	struct config *c = load("offer = ( \"neighbor\" ); accept = ( );", why, sizeof why);
	assert_non_null(c);
	const struct context_config *x = config_group(c, "context");
	assert_int_equal(x->offer.n, 1);
	assert_non_null(x->accept.items); /* nothing, which is not the same as not said */
	assert_int_equal(x->accept.n, 0);
	config_free(c);

	/* Programs have names like others. */
	c = load("offer = ( \"sessions\" ); programs = ( { fpt = 65400; name = \"sessions\"; user = \"0\"; } ); socket = { path = \"/sock\"; };",
	         why, sizeof why);
	if (!c)
		fail_msg("%s", why);
	config_free(c);
}

static void test_rates(void **state)
{
	char why[2048];
	struct config *c = load("rate = { mobiles = ( { address = \"2001:db8::1\"; down = \"10M\"; up = \"512k\"; burst = \"64k\"; "
	                        "class = \"1:20\"; dscp = 46; }, { prefix = \"192.0.2.0/24\"; } ); };", why, sizeof why);
	if (!c)
		fail_msg("%s", why);
	const struct context_config *x = config_group(c, "context");
	const struct context_rate_mobile *m = x->rate.mobiles.items;
	assert_int_equal(x->rate.mobiles.n, 2);
	assert_int_equal(m->down, 10000000);
	assert_int_equal(m->up, 512000);
	assert_int_equal(m->burst, 65536);
	assert_int_equal(m->dscp, 46);
	assert_int_equal(m[1].down, 0);
	assert_int_equal(m[1].dscp, -1);
	config_free(c);
	static const struct {
		const char *text;
		bool good;
		uint32_t class;
	} classes[] = { { NULL, true, 0 }, { "", true, 0 }, { "1:20", true, 0x10020 }, { "ffff:1", true, 0xffff0001 },
		        { "1:", false, 0 }, { "1", false, 0 }, { "0:1", false, 0 }, { "1:20x", false, 0 }, { "10000:1", false, 0 } };
	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
		uint32_t class = 1;
		assert_int_equal(context_rate_class(classes[i].text, &class), classes[i].good);
		if (classes[i].good)
			assert_int_equal(class, classes[i].class);
	}
}

static void test_refused(void **state)
{
	static const char *const bad[][2] = {
		{"fpt = {\nneighbor = 65282; };", "test.conf:4: context.fpt.multicast4: 65282 is the number of neighbor"},
		{"fpt = { rate = 1; };", "test.conf:4: context.fpt.rate"},
		{"fpt = { rate = 0; };", "test.conf:4: context.fpt.rate"},
		{"fpt = { rate = 65536; };", "test.conf:4: context.fpt.rate"},
		{"fpt = { cookies = 7; };", "test.conf:4: "},
		{"rate = { mobiles = (\n{ down = \"1M\"; } ); };", "test.conf:5: context.rate.mobiles[0] has neither address nor prefix"},
		{"rate = { mobiles = (\n{ address = \"2001:db8::1\"; prefix = \"2001:db8::/64\"; } ); };",
		 "test.conf:5: context.rate.mobiles[0] has both address and prefix"},
		{"rate = { mobiles = (\n{ prefix = \"2001:db8::/64\"; },\n{ prefix = \"2001:db8::/64\"; } ); };",
		 "test.conf:6: context.rate.mobiles[1] is for the same mobiles as that in line 5"},
		{"rate = { mobiles = (\n{ prefix = \"2001:db8::/64\"; down = \"10Mbit\"; } ); };",
		 "test.conf:5: context.rate.mobiles[0].down is \"10Mbit\", which is no rate; write a rate in bits a second"},
		{"rate = { mobiles = (\n{ prefix = \"2001:db8::/64\"; up = \"101G\"; } ); };", "is 101G, more than 100G"},
		{"rate = { mobiles = (\n{ prefix = \"2001:db8::/64\"; up = \"7\"; } ); };", "less than an octet a second"},
		{"rate = { mobiles = (\n{ prefix = \"2001:db8::/64\"; class = \"gold\"; } ); };", "\"gold\", which is no class of tc"},
		{"rate = { mobiles = (\n{ prefix = \"2001:db8::/64\"; dscp = 64; } ); };", "test.conf:5: context.rate.mobiles[0].dscp"},
		{"conntrack = { zone = 65536; };", "test.conf:4: context.conntrack.zone"},
		{"offer = ( \"neighbour\" );", "context.offer: \"neighbour\" is no feature; write some of \"multicast-listener\", "},
		{"accept = ( \"rate\", \"\" );", "context.accept: \"\" is no feature"},
		{"programs = (\n{ name = \"one\"; } );", "test.conf:5: context.programs[0].fpt is missing"},
		{"programs = (\n{ fpt = 65400; } );", "test.conf:5: context.programs[0].name is missing"},
		{"programs = (\n{ fpt = 65281; name = \"one\"; } );", "test.conf:5: context.programs[]: the name \"one\" or the number 65281 is that of "
		                                                  "the feature neighbor"},
		{"programs = (\n{ fpt = 65400; name = \"rate\"; } );", "is that of the feature rate; write others"},
		{"programs = (\n{ fpt = 1; name = \"one\"; } );", "test.conf:5: context.programs[0].fpt"},
		{"programs = (\n{ fpt = 65400; name = \"One\"; } );", "test.conf:5: context.programs[].name \"One\""},
		{"programs = (\n{ fpt = 65400; name = \"\"; } );", "write at most 21 small letters, digits and dashes"},
		{"programs = (\n{ fpt = 65400; name = \"a-name-of-twenty-two-xx\"; } );", "write at most 21 small letters"},
		{"programs = (\n{ fpt = 65400; name = \"one\"; user = \"no such user\"; } );", "test.conf:5: context.programs[].user"},
		{"programs = (\n{ fpt = 65400; name = \"one\"; group = \"-1\"; } );", "test.conf:5: context.programs[].group"},
		{"programs = (\n{ fpt = 65400; name = \"one\"; },\n{ fpt = 65400; name = \"two\"; } );",
		 "test.conf:6: context.programs[].fpt: 65400 is the number of one"},
		{"programs = (\n{ fpt = 65400; name = \"one\"; },\n{ fpt = 65401; name = \"one\"; } );",
		 "test.conf:6: context.programs[].name: another program is called \"one\""},
		{"programs = ( { fpt = 65400; name = \"one\"; } );\nsocket = { path = \"sock\"; };", "test.conf:5: context.socket.path \"sock\" is relative"},
		{"programs = ( { fpt = 65400; name = \"one\"; } );\nsocket = { path = \"/no/such/sock\"; };", "there is no directory /no/such"},
		{"socket = { mode = \"rw\"; };", "test.conf:4: context.socket.mode \"rw\": write octal digits"},
		{"socket = { mode = \"07777\"; };", "context.socket.mode"},
	};
	char why[2048];
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct config *c = load(bad[i][0], why, sizeof why);
		if (c || !strstr(why, bad[i][1]))
			fail_msg("%s: %s", bad[i][0], why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
