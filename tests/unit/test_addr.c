/* Addresses, prefixes, link-layer addresses: text both ways, and the arithmetic. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;
	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct prefix pfx(const char *text)
{
	struct prefix p;
	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static void texts_survive(void **state)
{
	static const char *const texts[] = { "2001:db8::1", "::", "fe80::1", "192.0.2.1", "ff3e::8000:1" };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct in6_addr a = addr(texts[i]);
		assert_string_equal(ADDR(&a), texts[i]);
	}
	struct prefix p6 = pfx("2001:db8:a::/64"), p4 = pfx("192.0.2.0/24"), one = pfx("2001:db8::1"), all = pfx("::/0");
	assert_string_equal(PREFIX(&p6), "2001:db8:a::/64");
	assert_string_equal(PREFIX(&p4), "192.0.2.0/24");
	assert_int_equal(p4.plen, 120);
	assert_string_equal(PREFIX(&one), "2001:db8::1/128");
	assert_string_equal(PREFIX(&all), "::/0");
	struct lladdr l;
	assert_int_equal(lladdr_parse("02-00:0:aB:00:ff", &l), 0);
	assert_string_equal(LLADDR(&l), "02:00:00:ab:00:ff");
}

static void nonsense_is_refused(void **state)
{
	static const char *const prefixes[] = { "", "x", "2001:db8::/129", "192.0.2.0/33", "2001:db8::1/64", "2001:db8::/",
		                                    "2001:db8::/-1", "2001:db8::/ 64", "2001:db8::/64x" };
	static const char *const lladdrs[] = { "", ":", "02:", "020:00", "0g:00", "02:00:00:00:00:01:" };
	struct prefix p;
	struct lladdr l;
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		assert_int_equal(prefix_parse(prefixes[i], &p), -EINVAL);
	for (size_t i = 0; i < sizeof lladdrs / sizeof *lladdrs; i++)
		assert_int_equal(lladdr_parse(lladdrs[i], &l), -EINVAL);
}

static void prefixes_contain_and_overlap(void **state)
{
	struct prefix p = pfx("2001:db8:a::/61"), q = pfx("2001:db8:a:7::/64"), r = pfx("2001:db8:a:8::/64");
	struct in6_addr in = addr("2001:db8:a:7:ffff::1"), out = addr("2001:db8:a:8::1");
	assert_true(prefix_has(&p, &in));
	assert_false(prefix_has(&p, &out));
	assert_true(prefix_overlaps(&p, &q));
	assert_true(prefix_overlaps(&q, &p));
	assert_false(prefix_overlaps(&p, &r));
}

static void compose_joins_prefix_and_interface_identifier(void **state)
{
	struct prefix p = pfx("2001:db8:b::/64");
	struct in6_addr old = addr("2001:db8:a::1234:5678:9abc"), want = addr("2001:db8:b:0:0:1234:5678:9abc");
	struct in6_addr got = addr_compose(&p, &old);
	assert_true(addr_eq(&got, &want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_survive),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(prefixes_contain_and_overlap),
		cmocka_unit_test(compose_joins_prefix_and_interface_identifier),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
