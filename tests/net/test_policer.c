/* Rates in the kernel: the table as nft tells it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/policer.h"
#include "nslab.h"

static struct policer *p;
static char why[POLICER_WHY];

static int setup(void **state)
{
	nslab_new();
	p = policer_open();
	return p ? 0 : -1;
}

static int teardown(void **state)
{
	policer_close(p);
	return 0;
}

static bool has(const char *what, const char *text)
{
	char *out = nslab_output("nft list %s", what);
	bool found = strstr(out, text);
	if (!found)
		fprintf(stderr, "no \"%s\" in:\n%s\n", text, out);
	free(out);
	return found;
}

static bool is_empty(const char *what)
{
	char *out = nslab_output("nft list %s", what);
	bool empty = !strstr(out, "elements");
	free(out);
	return empty;
}

static const struct policer_rate all = { .down = 10000000, .up = 2000000, .burst = 65536, .class = 0x10020, .dscp = 46 };

static void nothing_is_there_before_it_is_needed(void **state)
{
	assert_int_not_equal(nslab_try("nft list table inet " POLICER_TABLE " 2>/dev/null"), 0);
	assert_int_equal(policer_prefixes(p, NULL, 0, why), 0);
	assert_int_not_equal(nslab_try("nft list table inet " POLICER_TABLE " 2>/dev/null"), 0);
}

static void a_mobile_is_set_and_taken_away(void **state)
{
	const struct in6_addr a[] = { nslab_addr("2001:db8:b::10"), nslab_addr("192.0.2.10") }, late = nslab_addr("2001:db8:b::11");
	assert_int_equal(policer_set(p, 7, &all, a, 2, true, why), 0);
	assert_true(has("limit inet " POLICER_TABLE " down-7", "rate over 1250000 bytes/second burst 64 kbytes"));
	assert_true(has("limit inet " POLICER_TABLE " up-7", "rate over 250000 bytes/second burst 64 kbytes"));
	assert_true(has("map inet " POLICER_TABLE " down6", "2001:db8:b::10 : \"down-7\""));
	assert_true(has("map inet " POLICER_TABLE " up4", "192.0.2.10 : \"up-7\""));
	assert_true(has("map inet " POLICER_TABLE " class6", "2001:db8:b::10 : 1:20"));
	assert_true(has("set inet " POLICER_TABLE " dscp-46-4", "192.0.2.10"));
	assert_true(has("set inet " POLICER_TABLE " known4", "192.0.2.10"));
	assert_true(has("chain inet " POLICER_TABLE " known-down", "ip6 daddr @dscp-46-6 ip6 dscp set ef"));
	assert_true(has("chain inet " POLICER_TABLE " known-up", "ip saddr @dscp-46-4 ip dscp set ef"));
	assert_int_equal(policer_set(p, 7, &all, &late, 1, false, why), 0);
	assert_true(has("map inet " POLICER_TABLE " down6", "2001:db8:b::11 : \"down-7\""));
	const struct in6_addr three[] = { a[0], a[1], late };
	assert_int_equal(policer_del(p, 7, &all, three, 3), 0);
	static const char *const kinds[] = { "set inet " POLICER_TABLE " known", "map inet " POLICER_TABLE " down",
		                             "map inet " POLICER_TABLE " up", "map inet " POLICER_TABLE " class",
		                             "set inet " POLICER_TABLE " dscp-46-" };
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		for (char family = '4'; family <= '6'; family += 2) {
			char what[64];
			snprintf(what, sizeof what, "%s%c", kinds[i], family);
			assert_true(is_empty(what));
		}
	assert_int_not_equal(nslab_try("nft list limit inet " POLICER_TABLE " down-7 2>/dev/null"), 0);
}

static void all_or_nothing(void **state)
{
	const struct policer_rate down = { .down = 8000, .dscp = POLICER_DSCP_KEEP };
	const struct in6_addr a = nslab_addr("2001:db8:b::10");
	assert_int_equal(policer_set(p, 1, &down, &a, 1, true, why), 0);
	/* Taken away under an id that does not exist: the address is there, the limit is not. */
	assert_true(policer_del(p, 2, &down, &a, 1) < 0);
	assert_true(has("map inet " POLICER_TABLE " down6", "2001:db8:b::10 : \"down-1\""));
	assert_true(policer_set(p, 3, &down, &a, 1, true, why) < 0); /* it is another's */
	assert_int_not_equal(why[0], 0);
	assert_int_not_equal(nslab_try("nft list limit inet " POLICER_TABLE " down-3 2>/dev/null"), 0);
}

static void prefixes_are_rules(void **state)
{
	struct policer_prefix prefixes[] = {
		{ .rate = { .down = 80000, .dscp = POLICER_DSCP_KEEP } },
		{ .rate = all },
		{ .rate = { .up = 16000, .burst = 4096, .dscp = POLICER_DSCP_KEEP } },
	};
	const struct in6_addr a = nslab_addr("2001:db8:b::10");
	assert_int_equal(prefix_parse("2001:db8:a::/64", &prefixes[0].prefix), 0);
	assert_int_equal(prefix_parse("2001:db8:a::10/128", &prefixes[1].prefix), 0);
	assert_int_equal(prefix_parse("192.0.2.0/24", &prefixes[2].prefix), 0);
	assert_int_equal(policer_prefixes(p, prefixes, 3, why), 0);
	assert_true(has("chain inet " POLICER_TABLE " down-prefix0", "meta priority set 1:20"));
	assert_true(has("chain inet " POLICER_TABLE " down-prefix2", "limit rate over 10000 bytes/second burst 32 kbytes"));
	assert_true(has("chain inet " POLICER_TABLE " up-prefix1", "limit rate over 2000 bytes/second burst 4 kbytes"));
	assert_true(has("chain inet " POLICER_TABLE " up", "ip saddr 192.0.2.0/24 goto up-prefix1"));
	/* The longest first. */
	char *chain = nslab_output("nft list chain inet " POLICER_TABLE " down");
	assert_non_null(strstr(chain, "2001:db8:a::10 goto"));
	assert_true(strstr(chain, "2001:db8:a::10 goto") < strstr(chain, "2001:db8:a::/64 goto"));
	free(chain);
	assert_int_equal(policer_set(p, 1, &all, &a, 1, true, why), 0);
	assert_int_equal(policer_prefixes(p, prefixes, 1, why), 0);
	assert_true(is_empty("map inet " POLICER_TABLE " down6"));
	assert_int_equal(policer_set(p, 1, &all, &a, 1, true, why), 0);
	assert_int_equal(policer_prefixes(p, NULL, 0, why), 0);
	assert_int_not_equal(nslab_try("nft list table inet " POLICER_TABLE " 2>/dev/null"), 0);
}

static void an_earlier_life_is_swept(void **state)
{
	const struct in6_addr a = nslab_addr("2001:db8:b::10");
	assert_int_equal(policer_set(p, 1, &all, &a, 1, true, why), 0);
	struct policer *second = policer_open();
	assert_int_not_equal(nslab_try("nft list table inet " POLICER_TABLE " 2>/dev/null"), 0);
	policer_close(second);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_is_there_before_it_is_needed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_mobile_is_set_and_taken_away, setup, teardown),
		cmocka_unit_test_setup_teardown(all_or_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(prefixes_are_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(an_earlier_life_is_swept, setup, teardown),
	};
	if (!nslab_possible()) {
		fprintf(stderr, "skipped: may not make network namespaces\n");
		return NSLAB_SKIP;
	}
	nslab_new();
	if (nslab_try("nft 'add table inet x; add map inet x m { type ipv6_addr : limit; }' 2>/dev/null")) {
		fprintf(stderr, "skipped: this kernel's nftables has no limits to map to\n");
		return NSLAB_SKIP;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
