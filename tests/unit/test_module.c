#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/log.h"
#include "core/module.h"
#include "core/settings.h"

static char did[128], logged[512];
static const char *failing; /* the module whose start fails */

static int starting(const char *name)
{
	snprintf(did + strlen(did), sizeof did - strlen(did), "+%s", name);
	return failing && !strcmp(failing, name) ? -1 : 0;
}

static void noted(char mark, const char *name)
{
	snprintf(did + strlen(did), sizeof did - strlen(did), "%c%s", mark, name);
}

#define MODULE(id, needed, role_bits)                                                        \
	static int id##_start(struct core *core, const void *cfg) { return starting(#id); }     \
	static void id##_reload(struct core *core, const void *cfg) { noted('~', #id); }        \
	static void id##_stop(struct core *core) { noted('-', #id); }                           \
	static const struct module id = {.name = #id, .needs = needed, .roles = role_bits, .start = id##_start, \
	                                 .reload = id##_reload, .stop = id##_stop}
#define NEEDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define ROUTER MODULE_ROLE(ROLE_ACCESS_ROUTER)

MODULE(net, NULL, MODULE_ALL_ROLES);
MODULE(cxtp, NEEDS("net", "context"), ROUTER);
MODULE(context, NEEDS("net"), ROUTER);
MODULE(ctl, NULL, MODULE_ALL_ROLES);
MODULE(radio, NEEDS("net"), MODULE_ROLE(ROLE_MOBILE_NODE));
MODULE(orphan, NEEDS("radio"), ROUTER);
MODULE(lost, NEEDS("nowhere"), ROUTER);
MODULE(hen, NEEDS("net", "egg"), ROUTER);
MODULE(egg, NEEDS("nest"), ROUTER);
MODULE(nest, NEEDS("hen"), ROUTER);
MODULE(self, NEEDS("self"), ROUTER);
MODULE(outside, NEEDS("hen"), ROUTER);

static void tap(enum log_level level, const char *topic, const char *line, void *arg)
{
	if (level == LOG_LEVEL_ERROR)
		snprintf(logged, sizeof logged, "%s", line);
}

static int setup(void **state)
{
	did[0] = logged[0] = 0;
	failing = NULL;
	log_tap(tap, NULL);
	return 0;
}

static struct settings settings = {.role = ROLE_ACCESS_ROUTER};
#define CORE(...) {.settings = &settings, .modules = (const struct module *const[]){__VA_ARGS__, NULL}}

static void test_order(void **state)
{
	struct core core = CORE(&ctl, &cxtp, &radio, &context, &net);
	assert_int_equal(modules_start(&core), 0);
	assert_string_equal(did, "+ctl+net+context+cxtp"); /* not radio: it is not for this role */
	assert_true(module_running(&core, "cxtp"));
	assert_false(module_running(&core, "radio"));
	modules_reload(&core);
	modules_stop(&core);
	assert_string_equal(did, "+ctl+net+context+cxtp~ctl~net~context~cxtp-cxtp-context-net-ctl");
	assert_false(module_running(&core, "ctl"));
	modules_stop(&core);
}

static void test_roll_back(void **state)
{
	struct core core = CORE(&ctl, &cxtp, &context, &net);
	failing = "context";
	assert_int_equal(modules_start(&core), -1);
	assert_string_equal(did, "+ctl+net+context-net-ctl"); /* one that did not start is not stopped */
	assert_string_equal(logged, "start failed module=context");
	assert_int_equal(core.running_n, 0);
	failing = NULL;
	assert_int_equal(modules_start(&core), 0);
	modules_stop(&core);
}

static void refused(const struct module *a, const struct module *b, const struct module *c, const char *why)
{
	struct core core = CORE(&net, a, b, c);
	setup(NULL);
	assert_int_equal(modules_start(&core), -1);
	assert_string_equal(did, "");
	assert_string_equal(logged, why);
}

static void test_refused(void **state)
{
	refused(&lost, NULL, NULL, "cannot start: module lost needs module nowhere, which does not exist");
	refused(&radio, &orphan, NULL, "cannot start: module orphan needs module radio, which is not for this role");
	refused(&hen, &egg, &nest, "cannot start: modules need each other in a circle: hen needs egg needs nest needs hen");
	refused(&self, NULL, NULL, "cannot start: modules need each other in a circle: self needs self");
	/* The way into a circle is not part of it. */
	struct core core = CORE(&outside, &hen, &egg, &nest, &net);
	assert_int_equal(modules_start(&core), -1);
	assert_string_equal(logged, "cannot start: modules need each other in a circle: hen needs egg needs nest needs hen");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_order, setup),
		cmocka_unit_test_setup(test_roll_back, setup),
		cmocka_unit_test_setup(test_refused, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
