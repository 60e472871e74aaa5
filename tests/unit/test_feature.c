#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/feature.h"

static void test_registry(void **state)
{
	static struct feature f[FEATURES_MAX + 1];
	const struct feature *all[FEATURES_MAX];
	assert_int_equal(features(all, FEATURES_MAX), 0);
	/* 3, 10, 17, … mod 64: in no order */
	for (int i = 0; i < FEATURES_MAX; i++) {
		f[i] = (struct feature){.fpt = (uint16_t)((3 + 7 * i) % 64), .name = "x"};
		assert_int_equal(feature_register(&f[i]), 0);
	}
	struct feature twin = {.fpt = 3};
	assert_int_equal(feature_register(&twin), -EEXIST);
	f[FEATURES_MAX].fpt = 1000;
	assert_int_equal(feature_register(&f[FEATURES_MAX]), -ENOSPC);
	assert_int_equal(features(all, FEATURES_MAX), FEATURES_MAX);
	for (int i = 1; i < FEATURES_MAX; i++)
		assert_true(all[i - 1]->fpt < all[i]->fpt);
	assert_int_equal(features(all, 2), 2);
	assert_ptr_equal(feature_find(10), &f[1]);
	assert_null(feature_find(1000));
	feature_unregister(&twin); /* the number is another's: nothing happens */
	assert_ptr_equal(feature_find(3), &f[0]);
	feature_unregister(&f[1]);
	assert_null(feature_find(10));
	assert_int_equal(features(all, FEATURES_MAX), FEATURES_MAX - 1);
	for (int i = 0; i < FEATURES_MAX; i++)
		feature_unregister(&f[i]);
	assert_int_equal(features(all, FEATURES_MAX), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_registry)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
