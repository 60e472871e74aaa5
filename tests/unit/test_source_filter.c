/* Source filters: sources are the letters of a word; "-ab" is EXCLUDE {a, b}, "+ab" INCLUDE {a, b}. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/source_filter.h"

static struct in6_addr source(char letter)
{
	return (struct in6_addr){ .s6_addr = { 0x20, 0x01, [15] = (uint8_t)letter } };
}

static const struct source_filter *filter(const char *word, size_t max)
{
	struct in6_addr s[16];
	size_t n = strlen(word + 1);
	for (size_t i = 0; i < n; i++)
		s[i] = source(word[i + 1]);
	return source_filter_make(*word == '-', s, n, max);
}

static void is(const struct source_filter *f, const char *want)
{
	char word[64] = { f->exclude ? '-' : '+' };
	for (size_t i = 0; i < f->n; i++)
		word[i + 1] = (char)f->source[i].s6_addr[15];
	assert_string_equal(word, want);
	source_filter_free(f);
}

static void are_kept_in_order_without_doubles(void **state)
{
	is(filter("+cab", 8), "+abc");
	is(filter("-bbab", 8), "-ab");
	assert_ptr_equal(filter("-", 8), &source_filter_all);
	assert_ptr_equal(filter("+", 8), &source_filter_none);
}

static void too_many_sources_widen(void **state)
{
	assert_ptr_equal(filter("+abc", 2), &source_filter_all);
	is(filter("-abc", 2), "-ab");
	is(filter("+ab", 2), "+ab");
}

static void merging_wants_what_either_wants(void **state)
{
	static const struct {
		const char *a, *b, *want;
	} table[] = {
		{ "+ab", "+bc", "+abc" }, { "-ab", "-bc", "-b" }, { "-abc", "+b", "-ac" }, { "+b", "-abc", "-ac" },
		{ "+", "+a", "+a" },      { "-", "+a", "-" },     { "-ab", "-", "-" },     { "+", "+", "+" },
		{ "-a", "+", "-a" },      { "-a", "+a", "-" },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const struct source_filter *a = filter(table[i].a, 8), *b = filter(table[i].b, 8);
		is(source_filter_merge(a, b, 8), table[i].want);
		source_filter_free(a);
		source_filter_free(b);
	}
}

static void a_filter_lets_through_what_it_says(void **state)
{
	const struct source_filter *in = filter("+ac", 8), *ex = filter("-ac", 8);
	struct in6_addr a = source('a'), b = source('b');
	assert_true(source_filter_wants(in, &a));
	assert_false(source_filter_wants(in, &b));
	assert_false(source_filter_wants(ex, &a));
	assert_true(source_filter_wants(ex, &b));
	assert_true(source_filter_wants(&source_filter_all, &a));
	assert_false(source_filter_wants(&source_filter_none, &a));
	source_filter_free(in);
	source_filter_free(ex);
}

static void what_a_change_loses(void **state)
{
	static const struct {
		const char *before, *after, *lost;
		bool covered;
	} table[] = {
		{ "+abc", "+b", "ac", false }, { "+ab", "+abc", "", true }, { "-a", "-abc", "bc", false }, { "-abc", "-a", "", true },
		{ "-a", "+ab", "*", false },   { "+ab", "-b", "b", false }, { "+a", "-b", "", true },      { "-", "+", "*", false },
		{ "+a", "+", "a", false },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const struct source_filter *a = filter(table[i].before, 8), *b = filter(table[i].after, 8);
		struct in6_addr out[8];
		char word[16] = { 0 };
		bool all;
		size_t n = source_filter_lost(a, b, out, 8, &all);
		for (size_t k = 0; k < n; k++)
			word[k] = (char)out[k].s6_addr[15];
		assert_string_equal(all ? "*" : word, table[i].lost);
		assert_int_equal(source_filter_covers(b, a), table[i].covered);
		source_filter_free(a);
		source_filter_free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(are_kept_in_order_without_doubles),
		cmocka_unit_test(too_many_sources_widen),
		cmocka_unit_test(merging_wants_what_either_wants),
		cmocka_unit_test(a_filter_lets_through_what_it_says),
		cmocka_unit_test(what_a_change_loses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
