#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "context/binding_table.h"

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;
	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct lladdr lladdr(int n)
{
	return (struct lladdr){.len = 6, .octet = {2, 0, 0, 0, 0, (uint8_t)n}};
}

static struct binding *put(struct binding_table *t, int ifindex, const char *text, int n)
{
	struct in6_addr a = addr(text);
	struct lladdr l = lladdr(n);
	return binding_put(t, ifindex, &a, &l);
}

static struct binding *find(struct binding_table *t, int ifindex, const char *text)
{
	struct in6_addr a = addr(text);
	return binding_find(t, ifindex, &a);
}

static bool write_down(struct binding *b, void *arg)
{
	char *out = arg;
	snprintf(out + strlen(out), 256 - strlen(out), "%s ", ADDR(&b->addr));
	return true;
}

static const char *of(struct binding_table *t, int ifindex, int n)
{
	static char out[256];
	struct lladdr l = lladdr(n);
	out[0] = '\0';
	binding_each_of(t, ifindex, &l, write_down, out);
	return out;
}

static void test_by_both(void **state)
{
	struct binding_table *t = binding_table_create(10);
	put(t, 1, "fe80::1", 1);
	put(t, 1, "2001:db8::1", 1);
	put(t, 1, "192.0.2.1", 1);
	put(t, 1, "2001:db8::2", 2);
	put(t, 2, "fe80::1", 1); /* another link: another binding */
	assert_string_equal(of(t, 1, 1), "192.0.2.1 2001:db8::1 fe80::1 ");
	assert_string_equal(of(t, 1, 2), "2001:db8::2 ");
	assert_string_equal(of(t, 2, 1), "fe80::1 ");
	assert_string_equal(of(t, 2, 2), "");
	assert_int_equal(find(t, 1, "2001:db8::2")->lladdr->octet[5], 2);
	assert_null(find(t, 2, "2001:db8::2"));
	put(t, 1, "2001:db8::1", 1); /* told again: nothing changes */
	assert_int_equal(binding_table_count(t), 5);
	binding_del(t, find(t, 1, "2001:db8::1"));
	assert_string_equal(of(t, 1, 1), "192.0.2.1 fe80::1 ");
	binding_table_destroy(t);
}

static void test_taken_over(void **state)
{
	struct binding_table *t = binding_table_create(10);
	struct binding *b = put(t, 1, "2001:db8::1", 1);
	b->mobile = b->addr;
	put(t, 1, "2001:db8::1", 1);
	assert_true(addr_eq(&b->mobile, &b->addr));
	put(t, 1, "2001:db8::1", 2);
	assert_true(addr_is_zero(&b->mobile)); /* somebody else's now */
	assert_string_equal(of(t, 1, 1), "");
	assert_string_equal(of(t, 1, 2), "2001:db8::1 ");
	binding_table_destroy(t);
}

static void test_full(void **state)
{
	struct binding_table *t = binding_table_create(2);
	assert_non_null(put(t, 1, "2001:db8::1", 1));
	assert_non_null(put(t, 1, "2001:db8::2", 2));
	assert_null(put(t, 1, "2001:db8::3", 3));
	assert_string_equal(of(t, 1, 3), "");
	assert_non_null(put(t, 1, "2001:db8::2", 3)); /* no more than before */
	binding_table_limit(t, 1);
	assert_non_null(find(t, 1, "2001:db8::1"));
	binding_del(t, find(t, 1, "2001:db8::1"));
	assert_null(put(t, 1, "2001:db8::1", 1));
	binding_table_destroy(t);
}

static bool drop(struct binding *b, void *arg)
{
	binding_del(arg, b);
	return true;
}

static void test_read_again(void **state)
{
	struct binding_table *t = binding_table_create(10);
	char out[256] = "";
	put(t, 1, "2001:db8::1", 1);
	put(t, 1, "2001:db8::2", 1);
	put(t, 1, "2001:db8::3", 2);
	binding_mark(t);
	put(t, 1, "2001:db8::2", 1);
	put(t, 1, "2001:db8::4", 3);
	binding_unseen(t, drop, t);
	assert_int_equal(binding_table_count(t), 2);
	assert_string_equal(of(t, 1, 1), "2001:db8::2 ");
	assert_string_equal(of(t, 1, 2), "");
	binding_each(t, write_down, out);
	assert_string_equal(out, "2001:db8::2 2001:db8::4 ");
	binding_table_destroy(t);
}

static bool drop_brothers(struct binding *b, void *arg)
{
	struct lladdr l = *b->lladdr;
	binding_each_of(arg, b->ifindex, &l, drop, arg);
	return true;
}

/* One walk deletes what it would have come to next. */
static void test_walk_deletes_others(void **state)
{
	struct binding_table *t = binding_table_create(10);
	put(t, 1, "2001:db8::1", 1);
	put(t, 1, "2001:db8::2", 1);
	put(t, 1, "2001:db8::3", 1);
	put(t, 1, "2001:db8::4", 2);
	binding_mark(t);
	put(t, 1, "2001:db8::4", 2);
	binding_unseen(t, drop_brothers, t);
	assert_int_equal(binding_table_count(t), 1);
	binding_each(t, drop_brothers, t);
	assert_int_equal(binding_table_count(t), 0);
	binding_table_destroy(t);
}

static bool first_only(struct binding *b, void *arg)
{
	++*(int *)arg;
	return false;
}

static void test_walks_stop(void **state)
{
	struct binding_table *t = binding_table_create(10);
	struct lladdr l = lladdr(1);
	int n = 0;
	put(t, 1, "2001:db8::1", 1);
	put(t, 1, "2001:db8::2", 1);
	binding_each(t, first_only, &n);
	binding_each_of(t, 1, &l, first_only, &n);
	binding_mark(t);
	binding_unseen(t, first_only, &n);
	assert_int_equal(n, 3);
	binding_each_of(t, 1, &l, drop, t); /* the owner goes with its last */
	assert_int_equal(binding_table_count(t), 0);
	binding_table_destroy(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_both),
		cmocka_unit_test(test_taken_over),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_read_again),
		cmocka_unit_test(test_walk_deletes_others),
		cmocka_unit_test(test_walks_stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
