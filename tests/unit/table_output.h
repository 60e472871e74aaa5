/*
 * A writer for tests of show functions: every value as key=text, a list as key[…], an item as key{…}. Kinds: null is ~,
 * text is quoted.
 */
#ifndef HANDOVERD_TESTS_TABLE_OUTPUT_H
#define HANDOVERD_TESTS_TABLE_OUTPUT_H

#include <stdio.h>

#include "core/output.h"

struct table_output {
	struct output o;
	FILE *f;
	char *text; /* after table_output_end; caller frees */
	size_t len;
};

static inline void table_output_key(struct output *o, const char *key, const char *then)
{
	fprintf(((struct table_output *)o)->f, "%s%s", key ? key : "", then);
}

static inline void table_list_begin(struct output *o, const char *key)
{
	table_output_key(o, key, "[");
}

static inline void table_item_begin(struct output *o, const char *key)
{
	table_output_key(o, key, "{");
}

static inline void table_list_end(struct output *o)
{
	table_output_key(o, NULL, "]");
}

static inline void table_item_end(struct output *o)
{
	table_output_key(o, NULL, "}");
}

static inline void table_value(struct output *o, const char *key, enum output_kind kind, const char *text)
{
	table_output_key(o, key, key ? "=" : "");
	const char *quote = kind == OUTPUT_TEXT ? "'" : "";
	fprintf(((struct table_output *)o)->f, "%s%s%s ", quote, kind == OUTPUT_NULL ? "~" : text, quote);
}

static const struct output_writer table_writer = { table_list_begin, table_list_end, table_item_begin, table_item_end,
	                                               table_value };

static inline void table_output_begin(struct table_output *t)
{
	*t = (struct table_output){ .o.writer = &table_writer };
	t->f = open_memstream(&t->text, &t->len);
}

static inline const char *table_output_end(struct table_output *t)
{
	fclose(t->f);
	return t->text;
}

#endif
