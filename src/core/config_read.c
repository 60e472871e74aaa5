#include "core/config_read.h"

#include <libconfig.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/config_value.h"
#include "core/module.h"

struct config_source {
	config_t tree;
	bool have_tree;
	bool has_keys;
	struct config_errors *errors;
	char *dir;
	char **files; /* names, kept for struct config_where */
	size_t files_n;
	char path[256]; /* of the setting at hand: neighbors[0].aps[1].id */
	size_t path_len;
};

static const char *file_name(struct config_source *s, const char *name)
{
	for (size_t i = 0; i < s->files_n; i++)
		if (!strcmp(s->files[i], name))
			return s->files[i];
	char **grown = realloc(s->files, (s->files_n + 1) * sizeof *grown);
	char *copy = strdup(name);
	if (grown)
		s->files = grown;
	if (!grown || !copy) {
		free(copy);
		return s->files_n ? s->files[0] : "configuration";
	}
	return s->files[s->files_n++] = copy;
}

/* libconfig tells the names of included files only, as they were written (before 1.7) or with the folder before them. */
static const char *included_name(struct config_source *s, const char *file)
{
	char path[4096];
	size_t n = strlen(s->dir);
	if (!file)
		return s->files[0];
	if (*file == '/' || (!strncmp(file, s->dir, n) && file[n] == '/'))
		return file_name(s, file);
	snprintf(path, sizeof path, "%s/%s", s->dir, file);
	return file_name(s, path);
}

/* The top level has no line. */
static struct config_where where_of(struct config_source *s, const config_setting_t *setting)
{
	const char *file = included_name(s, config_setting_source_file(setting));
	int line = (int)config_setting_source_line(setting);
	return (struct config_where){.file = file, .line = line > 0 ? line : 1};
}

static void complain(struct config_source *s, const config_setting_t *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void complain(struct config_source *s, const config_setting_t *at, const char *fmt, ...)
{
	char text[2 * CONFIG_WORDS];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	struct config_where where = at ? where_of(s, at) : (struct config_where){.file = s->files[0], .line = 1};
	config_error(s->errors, &where, "%s", text);
}

/* Adds to the path of the setting at hand; returns what to give leave(). */
static size_t enter(struct config_source *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static size_t enter(struct config_source *s, const char *fmt, ...)
{
	size_t before = s->path_len, room = sizeof s->path - before;
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(s->path + before, room, fmt, ap);
	va_end(ap);
	s->path_len += n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
	return before;
}

static void leave(struct config_source *s, size_t before)
{
	s->path_len = before;
	s->path[before] = '\0';
}

static const char *what_it_is(const config_setting_t *setting)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_GROUP: return "a group";
	case CONFIG_TYPE_LIST: return "a list";
	case CONFIG_TYPE_ARRAY: return "an array";
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64: return "a bare number";
	case CONFIG_TYPE_FLOAT: return "a number with a fraction";
	case CONFIG_TYPE_BOOL: return "a truth value";
	case CONFIG_TYPE_STRING: return "a text";
	}
	return "nothing";
}

static void complain_type(struct config_source *s, const config_setting_t *setting, const struct config_item *item)
{
	char words[CONFIG_WORDS];
	complain(s, setting, "%s is %s; write %s", s->path, what_it_is(setting), config_value_expected(item, words));
}

/* The text of a scalar in the form that config_value_parse takes; NULL: the setting's type is not the item's. */
static const char *scalar_text(const config_setting_t *setting, enum config_type type, char number[32])
{
	int has = config_setting_type(setting);
	if (has == CONFIG_TYPE_STRING)
		return type == CONFIG_BOOL || type == CONFIG_INT ? NULL : config_setting_get_string(setting);
	if (has == CONFIG_TYPE_BOOL)
		return type != CONFIG_BOOL ? NULL : config_setting_get_bool(setting) ? "true" : "false";
	if ((has == CONFIG_TYPE_INT || has == CONFIG_TYPE_INT64) && (type == CONFIG_INT || type == CONFIG_SIZE || type == CONFIG_RATE)) {
		long long v = has == CONFIG_TYPE_INT ? config_setting_get_int(setting) : config_setting_get_int64(setting);
		snprintf(number, 32, "%lld", v);
		return number;
	}
	return NULL;
}

static void wipe_text(const char *text)
{
	char *p;
	memcpy(&p, &text, sizeof p); /* libconfig's copy; it is not read again */
	secret_wipe(p, strlen(text));
}

static void read_scalar(struct config_source *s, const config_setting_t *setting, const struct config_item *item, void *dst)
{
	char number[32], why[CONFIG_WORDS], words[CONFIG_WORDS];
	const char *text = scalar_text(setting, item->type, number);
	if (!text) {
		complain_type(s, setting, item);
		return;
	}
	if (config_value_parse(item, text, s->dir, dst, why) < 0)
		complain(s, setting, "%s %s; write %s", s->path, why, config_value_expected(item, words));
	if (item->type == CONFIG_KEY) {
		s->has_keys = s->has_keys || strncmp(text, "file:", 5) != 0;
		wipe_text(text);
	}
}

static void read_group(struct config_source *s, const config_setting_t *group, const struct config_table *table, bool needed,
                       void *out);

/* Makes room for a list's elements. False: it is not a list, has a wrong number of elements, or there is no memory. */
static bool list_begin(struct config_source *s, const config_setting_t *setting, const struct config_item *item, size_t size,
                       struct config_list *list)
{
	int type = config_setting_type(setting);
	int n = type == CONFIG_TYPE_LIST || type == CONFIG_TYPE_ARRAY ? config_setting_length(setting) : -1;
	char words[CONFIG_WORDS];
	if (n < 0) {
		complain_type(s, setting, item);
		return false;
	}
	if ((item->min || item->max) && (n < item->min || n > item->max)) {
		complain(s, setting, "%s has %d elements; write %s", s->path, n, config_value_expected(item, words));
		return false;
	}
	list->items = calloc(n ? (size_t)n : 1, size); /* an empty list that was written is not one that was left out */
	list->n = list->items ? (size_t)n : 0;
	if (!list->items)
		complain(s, setting, "%s cannot be kept: no memory; write fewer elements", s->path);
	return list->n > 0;
}

static void read_list(struct config_source *s, const config_setting_t *setting, const struct config_item *item,
                      struct config_list *list)
{
	/* A list of scalars is read as so many items of the scalar's type. */
	struct config_item element = *item;
	element.min = element.max = 0;
	element.type = item->type == CONFIG_LIST ? CONFIG_GROUP : item->type == CONFIG_LLADDRS ? CONFIG_LLADDR : CONFIG_STRING;
	size_t size = item->type == CONFIG_LIST ? item->sub->size : item->type == CONFIG_LLADDRS ? sizeof(struct lladdr)
	                                                                                         : sizeof(char *);
	if (!list_begin(s, setting, item, size, list))
		return;
	for (size_t i = 0; i < list->n; i++) {
		const config_setting_t *at = config_setting_get_elem(setting, (unsigned)i);
		void *dst = (char *)list->items + i * size;
		size_t before = enter(s, "[%zu]", i);
		if (element.type != CONFIG_GROUP)
			read_scalar(s, at, &element, dst);
		else if (config_setting_type(at) != CONFIG_TYPE_GROUP)
			complain_type(s, at, &element);
		else
			read_group(s, at, item->sub, true, dst);
		leave(s, before);
	}
	/* A text that could not be read left no string; nobody may meet a NULL in a list. */
	if (item->type == CONFIG_STRINGS) {
		char **texts = list->items;
		size_t kept = 0;
		for (size_t i = 0; i < list->n; i++)
			if (texts[i])
				texts[kept++] = texts[i];
		list->n = kept;
	}
}

static void read_default(struct config_source *s, const struct config_item *item, bool needed, const config_setting_t *group,
                         void *dst)
{
	char words[CONFIG_WORDS];
	if (item->type == CONFIG_GROUP)
		read_group(s, NULL, item->sub, needed && item->required, dst);
	if (item->required && needed && item->type != CONFIG_GROUP)
		complain(s, group, "%s is missing; write %s = %s", s->path, item->name, config_value_expected(item, words));
	else if (item->preset && config_value_parse(item, item->preset, s->dir, dst, words) < 0)
		complain(s, group, "%s: its default %s; this is an error of the program, write the setting", s->path, words);
}

static void read_item(struct config_source *s, const config_setting_t *setting, const struct config_item *item, void *dst)
{
	switch (item->type) {
	case CONFIG_GROUP:
		if (config_setting_type(setting) == CONFIG_TYPE_GROUP)
			read_group(s, setting, item->sub, true, dst);
		else
			complain_type(s, setting, item);
		break;
	case CONFIG_LIST:
	case CONFIG_LLADDRS:
	case CONFIG_STRINGS:
		read_list(s, setting, item, dst);
		break;
	case CONFIG_BOOL:
	case CONFIG_INT:
	case CONFIG_DURATION:
	case CONFIG_SIZE:
	case CONFIG_RATE:
	case CONFIG_STRING:
	case CONFIG_ENUM:
	case CONFIG_ADDR:
	case CONFIG_PREFIX:
	case CONFIG_LLADDR:
	case CONFIG_KEY:
		read_scalar(s, setting, item, dst);
		break;
	}
}

static void read_items(struct config_source *s, const config_setting_t *group, const struct config_table *table, bool needed,
                       void *out)
{
	for (const struct config_item *item = table->items; item->name; item++) {
		const config_setting_t *setting = group ? config_setting_get_member(group, item->name) : NULL;
		size_t before = enter(s, "%s%s", s->path_len ? "." : "", item->name);
		void *dst = (char *)out + item->offset;
		if (setting)
			read_item(s, setting, item, dst);
		else
			read_default(s, item, needed, group, dst);
		leave(s, before);
	}
}

static const struct config_item *item_of(const struct config_table *table, const char *name)
{
	for (const struct config_item *item = table->items; item->name; item++)
		if (!strcmp(item->name, name))
			return item;
	return NULL;
}

static void complain_unknown(struct config_source *s, const config_setting_t *setting, const struct config_table *table,
                             const struct module *const *modules)
{
	struct config_guess guess = {.wrong = config_setting_name(setting)};
	char known[CONFIG_WORDS] = "";
	size_t at = 0;
	for (const struct config_item *item = table->items; item->name; item++) {
		config_guess_try(&guess, item->name);
		if (at < sizeof known)
			at += (size_t)snprintf(known + at, sizeof known - at, "%s%s", at ? ", " : "", item->name);
	}
	for (; modules && *modules; modules++) {
		if (!(*modules)->config)
			continue;
		config_guess_try(&guess, (*modules)->config->name);
		if (at < sizeof known)
			at += (size_t)snprintf(known + at, sizeof known - at, ", %s", (*modules)->config->name);
	}
	const char *dot = s->path_len ? "." : "";
	if (guess.best)
		complain(s, setting, "%s%s%.64s is unknown; did you mean %s?", s->path, dot, guess.wrong, guess.best);
	else
		complain(s, setting, "%s%s%.64s is unknown; write one of %s", s->path, dot, guess.wrong, known);
}

static void read_group(struct config_source *s, const config_setting_t *group, const struct config_table *table, bool needed,
                       void *out)
{
	if (group)
		*(struct config_where *)out = where_of(s, group);
	else
		*(struct config_where *)out = (struct config_where){.file = s->files[0]};
	read_items(s, group, table, needed, out);
	for (int i = 0, n = group ? config_setting_length(group) : 0; i < n; i++) {
		const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
		if (!item_of(table, config_setting_name(setting)))
			complain_unknown(s, setting, table, NULL);
	}
}

void config_source_top(struct config_source *s, const struct config_table *table, void *out)
{
	const config_setting_t *root = config_root_setting(&s->tree);
	*(struct config_where *)out = (struct config_where){.file = s->files[0], .line = 1};
	read_items(s, root, table, true, out);
}

void config_source_group(struct config_source *s, const struct config_table *table, bool needed, void *out)
{
	const config_setting_t *group = config_setting_get_member(config_root_setting(&s->tree), table->name);
	const struct config_item as_item = {.name = table->name, .type = CONFIG_GROUP, .sub = table};
	size_t before = enter(s, "%s", table->name);
	if (group)
		read_item(s, group, &as_item, out);
	else
		read_group(s, NULL, table, needed, out);
	leave(s, before);
}

void config_source_unknown(struct config_source *s, const struct config_table *top, const struct module *const *modules)
{
	const config_setting_t *root = config_root_setting(&s->tree);
	for (int i = 0; i < config_setting_length(root); i++) {
		const config_setting_t *setting = config_setting_get_elem(root, (unsigned)i);
		const char *name = config_setting_name(setting);
		bool known = item_of(top, name) != NULL;
		for (const struct module *const *m = modules; *m && !known; m++)
			known = (*m)->config && !strcmp((*m)->config->name, name);
		if (!known)
			complain_unknown(s, setting, top, modules);
	}
}

/* libconfig's complaints, and what to do about each. */
static void complain_syntax(struct config_source *s)
{
	static const char *const advice[][2] = {
		{"duplicate setting name", "the same setting is written twice in one group; keep one of the two"},
		{"cannot open include file", "this file to be included cannot be read; write the path of a readable one"},
		{"include file nesting too deep", "files include each other; take an @include out"},
		{"mismatched element type in array", "an array holds values of several types; write ( ... ) instead of [ ... ]"},
	};
	const char *text = config_error_text(&s->tree), *file = config_error_file(&s->tree);
	const char *words = "syntax error; write NAME = VALUE; with texts, addresses, durations and sizes in double quotes, and "
	                    "look for a missing \";\", quote or bracket here and on the line before";
	for (size_t i = 0; text && i < sizeof advice / sizeof *advice; i++)
		if (!strcmp(text, advice[i][0]))
			words = advice[i][1];
	int line = config_error_line(&s->tree);
	config_error(s->errors, &(struct config_where){included_name(s, file), line > 0 ? line : 1}, "%s", words);
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash == path ? strdup("/") : slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
}

struct config_source *config_source_open(const char *path, const char *text, struct config_errors *errors)
{
	struct config_source *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->errors = errors;
	s->dir = folder_of(path);
	file_name(s, path);
	if (!s->dir || !s->files_n) {
		config_source_close(s);
		return NULL;
	}
	config_init(&s->tree);
	s->have_tree = true;
	config_set_include_dir(&s->tree, s->dir);
	if (config_read_string(&s->tree, text) == CONFIG_TRUE)
		return s;
	complain_syntax(s);
	config_source_close(s);
	return NULL;
}

bool config_source_has_keys(const struct config_source *s)
{
	return s->has_keys;
}

void config_source_drop_tree(struct config_source *s)
{
	if (s->have_tree)
		config_destroy(&s->tree);
	s->have_tree = false;
}

void config_source_close(struct config_source *s)
{
	if (!s)
		return;
	config_source_drop_tree(s);
	for (size_t i = 0; i < s->files_n; i++)
		free(s->files[i]);
	free(s->files);
	free(s->dir);
	free(s);
}

void config_table_free(const struct config_table *table, void *filled)
{
	for (const struct config_item *item = table->items; item->name; item++) {
		void *value = (char *)filled + item->offset;
		if (item->type == CONFIG_GROUP) {
			config_table_free(item->sub, value);
		} else if (item->type == CONFIG_LIST) {
			struct config_list *list = value;
			for (size_t i = 0; i < list->n; i++)
				config_table_free(item->sub, (char *)list->items + i * item->sub->size);
			free(list->items);
			*list = (struct config_list){0};
		} else {
			config_value_free(item, value);
		}
	}
}
