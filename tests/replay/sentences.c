#include "sentences.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/log.h"

#define ROWS_MAX 512
#define PATIENCE 300 /* seconds: a machine that arms a timer in the past for ever stands still in virtual time */

static const struct sentences *table;
static bool calm; /* expectations count */
static unsigned failed;

void sentence_begin(bool undisturbed)
{
	calm = undisturbed;
	failed = 0;
}

bool sentence_undisturbed(void)
{
	return calm;
}

unsigned sentence_failed(void)
{
	return failed;
}

void sentence_expect(bool holds, const char *what, const char *file, int line)
{
	if (!calm || holds)
		return;
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	failed++;
}

/* The rows of all parts; how many. */
static size_t rows(const struct sentence *out[ROWS_MAX])
{
	size_t n = 0;
	for (size_t i = 0; i < table->parts_n; i++)
		for (const struct sentence *s = table->parts[i]; s->section; s++) {
			if (n == ROWS_MAX)
				abort();
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

static bool test_exists(const char *name)
{
	char file[256];
	const char *test = strstr(name, "::");
	snprintf(file, sizeof file, "%.*s", (int)(test - name), name);
	return file_has(file, test + 2);
}

/* Each sentence is shown, by a scenario of its own or by a test that exists, or says why it is not. */
static void test_table(void **state)
{
	const struct sentence *all[ROWS_MAX];
	size_t n = rows(all), scenarios = 0;
	unsigned wrong = 0;
	for (size_t i = 0; i < n; i++) {
		const struct sentence *s = all[i];
		bool elsewhere = strstr(s->name, "::");
		bool good = *s->gist && *s->name && (s->scenario || s->not_shown || elsewhere);
		for (size_t k = 0; k < i; k++)
			good &= !s->scenario || s->scenario != all[k]->scenario;
		good = good && (!elsewhere || test_exists(s->name));
		if (!good)
			print_error("§%s %s: nothing shows it: %s\n", s->section, s->gist, s->name);
		wrong += !good;
		scenarios += s->scenario != NULL;
	}
	assert_int_equal(wrong, 0);
	assert_true(scenarios >= table->scenarios);
}

static void print_table(void)
{
	const struct sentence *all[ROWS_MAX];
	size_t n = rows(all);
	for (size_t i = 0; i < n; i++)
		printf("§%-6s %-11s %s\n%20s%s%s\n", all[i]->section, all[i]->level, all[i]->gist, "",
		       all[i]->not_shown ? "not shown here: " : "", all[i]->name);
}

int sentences_main(const struct sentences *s, int argc, char **argv)
{
	const struct sentence *all[ROWS_MAX];
	static struct CMUnitTest tests[ROWS_MAX + 1] = { { "every sentence is shown", test_table, NULL, NULL, NULL } };
	table = s;
	size_t n = rows(all), count = 1;
	log_level_set(getenv("VERBOSE") ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR);
	if (argc > 1 && !strcmp(argv[1], "--table")) {
		print_table();
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		if (all[i]->scenario && (argc < 2 || strstr(all[i]->name, argv[1])))
			tests[count++] = (struct CMUnitTest){ all[i]->name, s->play, NULL, NULL, (void *)(uintptr_t)all[i] };
	alarm(PATIENCE);
	return _cmocka_run_group_tests(s->name, tests, count, NULL, NULL);
}
