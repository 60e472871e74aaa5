/* Choosing a writer, and the two small ones: one line for an event, and OpenMetrics. */
#include "ctl/writer.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct output *writer_create(enum form form, struct textbuf *out)
{
	struct writer *w = NULL;
	switch (form) {
	case FORM_TEXT:
		w = writer_text_create(out);
		break;
	case FORM_JSON:
		w = writer_json_create(out);
		break;
	case FORM_LINE:
		w = writer_line_create(out);
		break;
	case FORM_METRICS:
		w = writer_metrics_create(out);
		break;
	}
	return w ? &w->o : NULL;
}

int writer_finish(struct output *o)
{
	struct writer *w = (struct writer *)o;
	return w->finish(w);
}

void out_counter(struct output *o, const char *module, const struct counter *c)
{
	struct writer *w = (struct writer *)o;
	if (w->counter) {
		w->counter(w, module, c);
		return;
	}
	char key[128];
	snprintf(key, sizeof key, "%s.%s", module, c->name);
	out_uint(o, key, c->value);
}

static void nothing(struct output *o)
{
}

static void nothing_key(struct output *o, const char *key)
{
}

/* -- one line ---------------------------------------------------------------------------------------------------- */

struct line_writer {
	struct writer w;
	unsigned depth;
};

static void line_list_begin(struct output *o, const char *key)
{
	((struct line_writer *)o)->depth++;
}

static void line_list_end(struct output *o)
{
	((struct line_writer *)o)->depth--;
}

static void line_value(struct output *o, const char *key, enum output_kind kind, const char *text)
{
	struct line_writer *l = (struct line_writer *)o;
	struct textbuf *b = l->w.out;
	if (l->depth != 1 || kind == OUTPUT_NULL || !key || strcmp(key, "at_us") == 0)
		return;
	if (b->len)
		textbuf_char(b, ' ');
	if (strcmp(key, "time") != 0 && strcmp(key, "event") != 0)
		textbuf_fmt(b, "%s=", key);
	bool quote = !*text || strpbrk(text, " \"=");
	if (quote)
		textbuf_char(b, '"');
	textbuf_printable(b, text);
	if (quote)
		textbuf_char(b, '"');
}

static int simple_finish(struct writer *w)
{
	int rc = w->out->failed ? -ENOMEM : 0;
	free(w);
	return rc;
}

static int line_finish(struct writer *w)
{
	textbuf_char(w->out, '\n');
	return simple_finish(w);
}

struct writer *writer_line_create(struct textbuf *out)
{
	static const struct output_writer writer = { line_list_begin, line_list_end, line_list_begin, line_list_end,
		                                         line_value };
	struct line_writer *l = calloc(1, sizeof *l);
	if (!l)
		return NULL;
	l->w = (struct writer){ .o.writer = &writer, .out = out, .finish = line_finish };
	return &l->w;
}

/* -- OpenMetrics ------------------------------------------------------------------------------------------------- */

static void metrics_value(struct output *o, const char *key, enum output_kind kind, const char *text)
{
}

static void metrics_help(struct textbuf *b, const char *help)
{
	for (; *help; help++) {
		if (*help == '\\' || *help == '"')
			textbuf_char(b, '\\');
		if (*help == '\n')
			textbuf_str(b, "\\n");
		else
			textbuf_char(b, *help);
	}
}

static void metrics_counter(struct writer *w, const char *module, const struct counter *c)
{
	char name[160];
	snprintf(name, sizeof name, "handoverd_%s_%s", module, c->name);
	for (char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p))
			*p = '_';
	textbuf_fmt(w->out, "# TYPE %s %s\n", name, c->gauge ? "gauge" : "counter");
	if (c->help) {
		textbuf_fmt(w->out, "# HELP %s ", name);
		metrics_help(w->out, c->help);
		textbuf_char(w->out, '\n');
	}
	textbuf_fmt(w->out, "%s%s %" PRIu64 "\n", name, c->gauge ? "" : "_total", c->value);
}

static int metrics_finish(struct writer *w)
{
	textbuf_str(w->out, "# EOF\n");
	return simple_finish(w);
}

struct writer *writer_metrics_create(struct textbuf *out)
{
	static const struct output_writer writer = { nothing_key, nothing, nothing_key, nothing, metrics_value };
	struct writer *w = calloc(1, sizeof *w);
	if (!w)
		return NULL;
	*w = (struct writer){ .o.writer = &writer, .out = out, .counter = metrics_counter, .finish = metrics_finish };
	return w;
}
