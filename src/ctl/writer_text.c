/* Text for people: the walk is kept as a tree, then drawn as tables. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/text_tree.h"
#include "ctl/writer.h"

#define COLUMNS_MAX 48
#define CHUNK 65536

/* Nodes and texts live in chunks that are freed together. */
struct chunk {
	struct chunk *next;
	size_t used, size;
	max_align_t data[];
};

struct text_writer {
	struct writer w;
	struct chunk *chunks;
	struct text_node top; /* a list of what came at top level */
	struct text_node *at;
	unsigned depth, skipped;
	bool failed;
};

static void *chunk_alloc(struct text_writer *t, size_t n)
{
	n = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	struct chunk *c = t->chunks;
	if (!c || c->size - c->used < n) {
		size_t size = n > CHUNK ? n : CHUNK;
		c = malloc(sizeof *c + size);
		if (!c) {
			t->failed = true;
			return NULL;
		}
		*c = (struct chunk){ .next = t->chunks, .size = size };
		t->chunks = c;
	}
	void *p = (char *)c->data + c->used;
	c->used += n;
	return p;
}

static const char *chunk_text(struct text_writer *t, const char *text)
{
	struct textbuf b = { 0 };
	textbuf_printable(&b, text);
	char *copy = b.failed || !b.len ? NULL : chunk_alloc(t, b.len + 1);
	if (copy)
		memcpy(copy, b.data, b.len + 1);
	t->failed = t->failed || b.failed;
	textbuf_free(&b);
	return copy ? copy : "";
}

static struct text_node *node_add(struct text_writer *t, enum text_node_type type, const char *key)
{
	struct text_node *n = chunk_alloc(t, sizeof *n);
	if (!n)
		return NULL;
	*n = (struct text_node){ .type = type, .key = key ? chunk_text(t, key) : "", .up = t->at };
	if (t->at->last)
		t->at->last->next = n;
	else
		t->at->first = n;
	t->at->last = n;
	t->at->n++;
	return n;
}

static void begin(struct output *o, const char *key, enum text_node_type type)
{
	struct text_writer *t = (struct text_writer *)o;
	struct text_node *n = t->skipped || t->depth == WRITER_DEPTH ? NULL : node_add(t, type, key);
	if (!n) {
		t->skipped++;
		return;
	}
	t->at = n;
	t->depth++;
}

static void list_begin(struct output *o, const char *key)
{
	begin(o, key, TEXT_LIST);
}

static void item_begin(struct output *o, const char *key)
{
	begin(o, key, TEXT_ITEM);
}

static void end(struct output *o)
{
	struct text_writer *t = (struct text_writer *)o;
	if (t->skipped) {
		t->skipped--;
	} else if (t->at->up) {
		t->at = t->at->up;
		t->depth--;
	}
}

static void value(struct output *o, const char *key, enum output_kind kind, const char *text)
{
	struct text_writer *t = (struct text_writer *)o;
	struct text_node *n = t->skipped ? NULL : node_add(t, TEXT_VALUE, key);
	if (!n)
		return;
	n->kind = kind;
	if (kind == OUTPUT_NULL || !*text)
		n->text = "-";
	else if (kind == OUTPUT_BARE && (*text == 't' || *text == 'f'))
		n->text = *text == 't' ? "yes" : "no";
	else
		n->text = chunk_text(t, text);
}

const struct text_node *text_child(const struct text_node *item, const char *key)
{
	for (const struct text_node *n = item->first; n; n = n->next)
		if (strcmp(n->key, key) == 0)
			return n;
	return NULL;
}

const char *text_value(const struct text_node *item, const char *key)
{
	const struct text_node *n = text_child(item, key);
	return n && n->type == TEXT_VALUE ? n->text : "-";
}

size_t text_width(const char *text)
{
	size_t n = 0;
	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

void text_pad(struct textbuf *b, const char *text, size_t width, bool right)
{
	size_t w = text_width(text), fill = width > w ? width - w : 0;
	if (right)
		textbuf_fill(b, ' ', fill);
	textbuf_str(b, text);
	if (!right)
		textbuf_fill(b, ' ', fill);
}

/* Does it fit into a cell: a value, or a list of nothing but values? */
static bool is_cell(const struct text_node *n)
{
	if (n->type != TEXT_LIST)
		return n->type == TEXT_VALUE;
	for (const struct text_node *c = n->first; c; c = c->next)
		if (c->type != TEXT_VALUE)
			return false;
	return true;
}

/* A cell's text: in the tree, or put together in *scratch. */
static const char *cell_text(const struct text_node *n, struct textbuf *scratch)
{
	if (!n)
		return "-";
	if (n->type == TEXT_VALUE)
		return n->text;
	scratch->len = 0;
	for (const struct text_node *c = n->first; c; c = c->next) {
		textbuf_str(scratch, c->text);
		if (c->next)
			textbuf_str(scratch, ", ");
	}
	return scratch->len ? scratch->data : "-";
}

struct column {
	const char *key;
	char head[64];
	size_t width;
	bool numbers, others; /* what it holds besides nulls */
};

/* Columns of nothing but numbers stand flush right. */
static bool is_number(const struct column *c)
{
	return c->numbers && !c->others;
}

static struct column *column_of(struct column *columns, size_t *n, const char *key)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(columns[i].key, key) == 0)
			return &columns[i];
	if (*n == COLUMNS_MAX)
		return NULL;
	struct column *c = &columns[(*n)++];
	*c = (struct column){ .key = key };
	size_t i = 0;
	for (; key[i] && i < sizeof c->head - 1; i++)
		c->head[i] = key[i] == '_' ? ' ' : (char)toupper((unsigned char)key[i]);
	c->width = text_width(c->head);
	return c;
}

static size_t columns_of(const struct text_node *list, struct column *columns, struct textbuf *scratch)
{
	size_t n = 0;
	for (const struct text_node *item = list->first; item; item = item->next)
		for (const struct text_node *v = item->first; v; v = v->next) {
			if (!is_cell(v))
				continue;
			struct column *c = column_of(columns, &n, v->key);
			if (!c)
				continue;
			size_t w = text_width(cell_text(v, scratch));
			c->width = w > c->width ? w : c->width;
			bool number = v->type == TEXT_VALUE && v->kind == OUTPUT_BARE && !isalpha((unsigned char)*v->text);
			c->numbers = c->numbers || number;
			c->others = c->others || (!number && (v->type != TEXT_VALUE || v->kind != OUTPUT_NULL));
		}
	return n;
}

static void block(struct textbuf *b, const struct text_node *n, size_t indent, struct textbuf *scratch);

/* Lists of items and items within a row or an item: under their name, indented. */
static void nested(struct textbuf *b, const struct text_node *item, size_t indent, struct textbuf *scratch)
{
	for (const struct text_node *n = item->first; n; n = n->next) {
		if (is_cell(n))
			continue;
		textbuf_fill(b, ' ', indent);
		textbuf_fmt(b, "%s:\n", *n->key ? n->key : "-");
		block(b, n, indent + 2, scratch);
	}
}

static void trim_and_end_line(struct textbuf *b)
{
	while (!b->failed && b->len && b->data[b->len - 1] == ' ')
		b->len--;
	textbuf_char(b, '\n');
}

static void table(struct textbuf *b, const struct text_node *list, size_t indent, struct textbuf *scratch)
{
	struct column columns[COLUMNS_MAX];
	size_t n = columns_of(list, columns, scratch);

	textbuf_fill(b, ' ', indent);
	for (size_t i = 0; i < n; i++) {
		text_pad(b, columns[i].head, columns[i].width, is_number(&columns[i]));
		textbuf_str(b, "  ");
	}
	trim_and_end_line(b);
	for (const struct text_node *item = list->first; item; item = item->next) {
		textbuf_fill(b, ' ', indent);
		for (size_t i = 0; i < n; i++) {
			text_pad(b, cell_text(text_child(item, columns[i].key), scratch), columns[i].width, is_number(&columns[i]));
			textbuf_str(b, "  ");
		}
		trim_and_end_line(b);
		nested(b, item, indent + 4, scratch);
	}
}

static void record(struct textbuf *b, const struct text_node *item, size_t indent, struct textbuf *scratch)
{
	size_t width = 0;
	for (const struct text_node *n = item->first; n; n = n->next)
		if (is_cell(n) && text_width(n->key) > width)
			width = text_width(n->key);
	for (const struct text_node *n = item->first; n; n = n->next) {
		if (!is_cell(n))
			continue;
		textbuf_fill(b, ' ', indent);
		text_pad(b, n->key, width + 2, false);
		textbuf_str(b, cell_text(n, scratch));
		textbuf_char(b, '\n');
	}
	nested(b, item, indent, scratch);
}

static bool all_items(const struct text_node *list)
{
	for (const struct text_node *n = list->first; n; n = n->next)
		if (n->type != TEXT_ITEM)
			return false;
	return true;
}

static void block(struct textbuf *b, const struct text_node *n, size_t indent, struct textbuf *scratch)
{
	if (n->type == TEXT_VALUE) {
		textbuf_fill(b, ' ', indent);
		textbuf_fmt(b, "%s\n", n->text);
	} else if (n->type == TEXT_ITEM) {
		record(b, n, indent, scratch);
	} else if (!n->first) {
		textbuf_fill(b, ' ', indent);
		textbuf_str(b, "none\n");
	} else if (!all_items(n)) {
		for (const struct text_node *c = n->first; c; c = c->next)
			block(b, c, indent, scratch);
	} else if (text_child(n->first, "steps")) {
		for (const struct text_node *c = n->first; c; c = c->next)
			text_timeline(b, c);
	} else {
		table(b, n, indent, scratch);
	}
}

static int finish(struct writer *w)
{
	struct text_writer *t = (struct text_writer *)w;
	struct textbuf scratch = { 0 };
	for (const struct text_node *n = t->top.first; n; n = n->next)
		block(w->out, n, 0, &scratch);
	int rc = t->failed || scratch.failed || w->out->failed ? -ENOMEM : 0;
	textbuf_free(&scratch);
	while (t->chunks) {
		struct chunk *c = t->chunks;
		t->chunks = c->next;
		free(c);
	}
	free(t);
	return rc;
}

struct writer *writer_text_create(struct textbuf *out)
{
	static const struct output_writer writer = { list_begin, end, item_begin, end, value };
	struct text_writer *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	t->w = (struct writer){ .o.writer = &writer, .out = out, .finish = finish };
	t->top.type = TEXT_LIST;
	t->at = &t->top;
	return &t->w;
}
