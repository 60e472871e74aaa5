/*
 * The reference parts of the manual pages, from the program's own tables: `doc_tables settings` for handoverd.conf(5),
 * `doc_tables counters` for handoverctl(8). check_man compares.
 */
#include <stdio.h>
#include <string.h>

#include "core/settings.h"
#include "modules.h"

static const char *type_words(const struct config_item *i)
{
	switch (i->type) {
	case CONFIG_BOOL:
		return "true or false";
	case CONFIG_INT:
		return "number";
	case CONFIG_DURATION:
		return "duration";
	case CONFIG_SIZE:
		return "size";
	case CONFIG_RATE:
		return "rate";
	case CONFIG_STRING:
		return "text";
	case CONFIG_ENUM:
		return "one of";
	case CONFIG_ADDR:
		return "address";
	case CONFIG_PREFIX:
		return "prefix";
	case CONFIG_LLADDR:
		return "link-layer address";
	case CONFIG_KEY:
		return "key";
	case CONFIG_GROUP:
		return "group";
	case CONFIG_LIST:
		return "list of groups";
	case CONFIG_LLADDRS:
		return "list of link-layer addresses";
	case CONFIG_STRINGS:
		return "list of texts";
	}
	return "";
}

/* Text in mdoc: quotes and a leading dot are not plain there. */
static void put(const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", stdout);
	for (; *text; text++) {
		if (*text == '"')
			fputs("\\(dq", stdout);
		else if (*text == '\\')
			fputs("\\e", stdout);
		else
			putchar(*text);
	}
}

static void put_item(const char *path, const struct config_item *i)
{
	printf(".It Cm %s%s\n", path, i->name);
	fputs(type_words(i), stdout);
	for (const char *const *c = i->type == CONFIG_ENUM ? i->choices : NULL; c && *c; c++)
		printf("%s \\(dq%s\\(dq", c == i->choices ? "" : ",", *c);
	if (i->required)
		fputs("; required", stdout);
	if (i->preset) {
		/* The page is written for the usual place, wherever this build will look. */
		size_t n = strlen(RUNSTATEDIR);
		bool here = strncmp(i->preset, RUNSTATEDIR, n) == 0;
		printf("; default %s", here ? "/run" : "");
		put(i->preset + (here ? n : 0));
	}
	fputs(".\n", stdout);
	put(i->help ? i->help : "");
	putchar('\n');
}

static void put_table(const char *path, const struct config_table *t)
{
	for (const struct config_item *i = t->items; i->name; i++) {
		char deeper[256];
		put_item(path, i);
		snprintf(deeper, sizeof deeper, "%s%s%s", path, i->name, i->type == CONFIG_LIST ? "[]." : ".");
		if (i->sub)
			put_table(deeper, i->sub);
	}
}

static void settings(void)
{
	put_table("", &settings_table);
	for (const struct module *const *m = handoverd_modules; *m; m++) {
		char path[128];
		if (!(*m)->config)
			continue;
		snprintf(path, sizeof path, "%s.", (*m)->config->name);
		put_table(path, (*m)->config);
	}
}

static void counter_set(const struct counter_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct counter *c = &set->counters[i];
		if (!c->name)
			continue;
		printf(".It Cm %s.%s%s\n", set->module, c->name, c->gauge ? " Pq gauge" : "");
		put(c->help);
		fputs(".\n", stdout);
	}
}

static void counters(void)
{
	for (const struct module *const *m = handoverd_modules; *m; m++) {
		counter_set(&(*m)->counters);
		for (const struct counter_set *more = (*m)->more_counters; more && more->module; more++)
			counter_set(more);
	}
}

static void topics(void)
{
	for (const struct module *const *m = handoverd_modules; *m; m++)
		printf("%s\n", (*m)->name);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} parts[] = { { "settings", settings }, { "counters", counters }, { "topics", topics } };
	for (size_t i = 0; argc == 2 && i < sizeof parts / sizeof *parts; i++)
		if (strcmp(argv[1], parts[i].name) == 0) {
			parts[i].print();
			return 0;
		}
	fprintf(stderr, "usage: doc_tables settings|counters|topics\n");
	return 2;
}
