/* Open addressing is right if it agrees with something simpler through many additions and removals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/lookup.h"

#define KEYS 3000

struct item {
	unsigned key;
	bool there;
};

static struct item items[KEYS];

static bool is(const void *item, const void *key)
{
	return ((const struct item *)item)->key == *(const unsigned *)key;
}

typedef uint64_t hash_fn(unsigned key);

static uint64_t spread(unsigned key)
{
	return (key + 1) * 0x9e3779b97f4a7c15U;
}

static uint64_t crowded(unsigned key) /* all in a few runs, some over the end of the table */
{
	return key % 7 ? UINT64_MAX - key % 3 : 0;
}

static void check_all(const struct lookup *t, hash_fn *hash, unsigned keys)
{
	for (unsigned i = 0; i < keys; i++)
		assert_ptr_equal(lookup_find(t, hash(i), is, &i), items[i].there ? &items[i] : NULL);
}

static void churn(hash_fn *hash, unsigned keys, unsigned steps)
{
	struct lookup t = { 0 };
	size_t n = 0;
	for (unsigned i = 0; i < keys; i++)
		items[i] = (struct item){ .key = i };
	for (unsigned step = 0; step < steps; step++) {
		/* By turns it grows and shrinks. */
		unsigned i = (unsigned)random() % keys, growing = step / (steps / 6 + 1) % 2 == 0;
		bool add = (unsigned)random() % 10 < (growing ? 8 : 2);
		if (add == items[i].there)
			continue;
		if (add)
			assert_int_equal(lookup_add(&t, hash(i), &items[i]), 0);
		else
			lookup_del(&t, hash(i), &items[i]);
		items[i].there = add;
		n += add ? 1 : (size_t)-1;
		assert_int_equal(t.n, n);
		if (step % 500 == 0)
			check_all(&t, hash, keys);
	}
	check_all(&t, hash, keys);
	for (unsigned i = 0; i < keys; i++)
		if (items[i].there)
			lookup_del(&t, hash(i), &items[i]);
	assert_int_equal(t.n, 0);
	assert_true(t.cap <= 16); /* memory comes back */
	lookup_free(&t);
}

static void test_spread(void **state)
{
	churn(spread, KEYS, 60000);
}

static void test_crowded(void **state)
{
	churn(crowded, 40, 20000);
}

static void test_empty(void **state)
{
	struct lookup t = { 0 };
	unsigned key = 1;
	assert_null(lookup_find(&t, 1, is, &key));
	lookup_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_crowded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
