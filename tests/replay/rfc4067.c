/*
 * Every sentence of RFC 4067 §2 to §6 that demands, recommends or promises something, and the scenario that shows it kept.
 *
 *   test_rfc4067            plays them all, undisturbed and disturbed (rfc4067.h)
 *   test_rfc4067 WORD       plays those whose name has WORD in it
 *   test_rfc4067 --table    prints the sentences and what shows them
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/log.h"
#include "rfc4067.h"

#define FLOOD 40 /* so many messages and more are one: it is disturbed here and there */
#define SENTENCES_MAX 256
#define PATIENCE 300 /* seconds: a machine that arms a timer in the past for ever stands still in virtual time */

static const struct sentence *const parts[] = { rfc4067_overview,  rfc4067_activate, rfc4067_data,
	                                        rfc4067_transport, rfc4067_flows,    rfc4067_security };

static const struct disturbance disturbances[] = {
	{ "lost", SIM_LOSE, 0, false, PAR, false },
	{ "doubled", SIM_DOUBLE, 0, false, PAR, false },
	{ "delayed", SIM_DELAY, 30 * USEC_MSEC, false, PAR, false },
	{ "much delayed", SIM_DELAY, 900 * USEC_MSEC, false, PAR, false },
	{ "sent as the previous router restarts", SIM_LOSE, 0, true, PAR, false },
	{ "sent as the new router restarts", SIM_LOSE, 0, true, NAR, false },
};
static const struct disturbance bad_weather = { .name = "(weather)", .weather = true };
#define WEATHERS 20
#define DISTURBANCES (sizeof disturbances / sizeof disturbances[0])

static bool play(const struct sentence *s, bool v4, unsigned message, const struct disturbance *d, unsigned *sent_in_all)
{
	stage_open(v4, message, d);
	s->scenario();
	settle();
	*sent_in_all = stage.sent;
	return stage_close(s->name);
}

static void play_all(void **state)
{
	const struct sentence *s = *state;
	unsigned messages, ignored;
	for (int v4 = 0; v4 < 2; v4++) {
		assert_true(play(s, v4, 0, disturbances, &messages));
		for (unsigned i = 1; i <= messages; i += messages < FLOOD ? 1 : messages / 8)
			for (size_t d = 0; d < DISTURBANCES; d++)
				assert_true(play(s, v4, i, &disturbances[d], &ignored));
		for (unsigned i = 1; i <= WEATHERS; i++)
			assert_true(play(s, v4, i * 7919, &bad_weather, &ignored));
	}
}

/* The rows of all parts; how many. */
static size_t sentences(const struct sentence *out[SENTENCES_MAX])
{
	size_t n = 0;
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		for (const struct sentence *s = parts[i]; s->section; s++) {
			assert_true(n < SENTENCES_MAX);
			out[n++] = s;
		}
	return n;
}

/* `make check` says where the sources are; without that there is nothing to look into. */
static bool file_has(const char *file, const char *what)
{
	const char *top = getenv("srcdir");
	char path[512], line[1024];
	if (!top)
		return true;
	snprintf(path, sizeof path, "%s/%s", top, file);
	FILE *f = fopen(path, "r");
	bool found = false;
	while (f && !found && fgets(line, sizeof line, f))
		found = strstr(line, what);
	if (f)
		fclose(f);
	return found;
}

/* Each sentence is shown, by a scenario of its own or by a test that exists, or says why it is not. */
static void test_table(void **state)
{
	const struct sentence *all[SENTENCES_MAX];
	size_t n = sentences(all), scenarios = 0;
	unsigned wrong = 0;
	for (size_t i = 0; i < n; i++) {
		const struct sentence *s = all[i];
		char file[256];
		const char *test = strstr(s->name, "::");
		bool good = *s->gist && *s->name && (s->scenario || s->not_shown || test);
		for (size_t k = 0; k < i; k++)
			good &= !s->scenario || s->scenario != all[k]->scenario;
		if (good && test) {
			snprintf(file, sizeof file, "%.*s", (int)(test - s->name), s->name);
			good = file_has(file, test + 2);
		}
		if (!good)
			print_error("§%s %s: nothing shows it: %s\n", s->section, s->gist, s->name);
		wrong += !good;
		scenarios += s->scenario != NULL;
	}
	assert_int_equal(wrong, 0);
	assert_true(scenarios >= 80);
}

static void print_table(void)
{
	const struct sentence *all[SENTENCES_MAX];
	size_t n = sentences(all);
	for (size_t i = 0; i < n; i++)
		printf("§%-6s %-11s %s\n%20s%s%s\n", all[i]->section, all[i]->level, all[i]->gist, "",
		       all[i]->not_shown ? "not shown here: " : "", all[i]->name);
}

int main(int argc, char **argv)
{
	const struct sentence *all[SENTENCES_MAX];
	static struct CMUnitTest tests[SENTENCES_MAX + 1] = { { "every sentence is shown", test_table, NULL, NULL, NULL } };
	size_t n = sentences(all), count = 1;
	log_level_set(getenv("VERBOSE") ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR);
	if (argc > 1 && !strcmp(argv[1], "--table")) {
		print_table();
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		if (all[i]->scenario && (argc < 2 || strstr(all[i]->name, argv[1])))
			tests[count++] = (struct CMUnitTest){ all[i]->name, play_all, NULL, NULL, (void *)(uintptr_t)all[i] };
	alarm(PATIENCE);
	return _cmocka_run_group_tests("RFC 4067", tests, count, NULL, NULL);
}
