/* JSON (RFC 8259) on one line. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/writer.h"

struct json_writer {
	struct writer w;
	unsigned depth, skipped; /* skipped: opened beyond WRITER_DEPTH */
	bool list[WRITER_DEPTH]; /* at depth i + 1 we are in a list */
	bool some[WRITER_DEPTH + 1]; /* something was written at that depth */
};

static void json_string(struct textbuf *b, const char *text)
{
	textbuf_char(b, '"');
	for (const char *p = text; *p;) {
		const char *from = p;
		int32_t c = utf8_next(&p);
		if (c < 0)
			textbuf_str(b, "\xef\xbf\xbd"); /* U+FFFD */
		else if (c == '"' || c == '\\')
			textbuf_fmt(b, "\\%c", (char)c);
		else if (c < 0x20 || c == 0x7f)
			textbuf_fmt(b, "\\u%04x", (unsigned)c);
		else
			textbuf_add(b, from, (size_t)(p - from));
	}
	textbuf_char(b, '"');
}

/* What goes before any value: a comma, and in an item the key. */
static void json_lead(struct json_writer *j, const char *key)
{
	if (j->some[j->depth])
		textbuf_char(j->w.out, ',');
	j->some[j->depth] = true;
	if (j->depth > 0 && !j->list[j->depth - 1]) {
		json_string(j->w.out, key ? key : "");
		textbuf_char(j->w.out, ':');
	}
}

static void json_begin(struct output *o, const char *key, bool list)
{
	struct json_writer *j = (struct json_writer *)o;
	if (j->depth == WRITER_DEPTH) {
		j->skipped++;
		return;
	}
	json_lead(j, key);
	textbuf_char(j->w.out, list ? '[' : '{');
	j->list[j->depth++] = list;
	j->some[j->depth] = false;
}

static void json_list_begin(struct output *o, const char *key)
{
	json_begin(o, key, true);
}

static void json_item_begin(struct output *o, const char *key)
{
	json_begin(o, key, false);
}

static void json_end(struct output *o)
{
	struct json_writer *j = (struct json_writer *)o;
	if (j->skipped) {
		j->skipped--;
		return;
	}
	if (j->depth > 0) {
		j->depth--;
		textbuf_char(j->w.out, j->list[j->depth] ? ']' : '}');
	}
}

static void json_value(struct output *o, const char *key, enum output_kind kind, const char *text)
{
	struct json_writer *j = (struct json_writer *)o;
	if (j->skipped)
		return;
	json_lead(j, key);
	switch (kind) {
	case OUTPUT_NULL:
		textbuf_str(j->w.out, "null");
		break;
	case OUTPUT_BARE:
		textbuf_str(j->w.out, text);
		break;
	case OUTPUT_TEXT:
		json_string(j->w.out, text);
		break;
	}
}

static int json_finish(struct writer *w)
{
	textbuf_char(w->out, '\n');
	int rc = w->out->failed ? -ENOMEM : 0;
	free(w);
	return rc;
}

struct writer *writer_json_create(struct textbuf *out)
{
	static const struct output_writer writer = { json_list_begin, json_end, json_item_begin, json_end, json_value };
	struct json_writer *j = calloc(1, sizeof *j);
	if (!j)
		return NULL;
	j->w = (struct writer){ .o.writer = &writer, .out = out, .finish = json_finish };
	return &j->w;
}
