/* What the text writer remembers of a walk, because widths are known only at its end. */
#ifndef HANDOVERD_CTL_TEXT_TREE_H
#define HANDOVERD_CTL_TEXT_TREE_H

#include "core/output.h"
#include "ctl/textbuf.h"

enum text_node_type { TEXT_VALUE, TEXT_LIST, TEXT_ITEM };

struct text_node {
	enum text_node_type type;
	enum output_kind kind; /* of a value */
	const char *key;       /* "" in lists */
	const char *text;      /* of a value, as it is to be shown */
	struct text_node *first, *last, *next;
	struct text_node *up;
	size_t n; /* children */
};

const struct text_node *text_child(const struct text_node *item, const char *key); /* NULL: none */
const char *text_value(const struct text_node *item, const char *key);             /* "-" if null or none */
size_t text_width(const char *text);                                               /* in characters */
void text_pad(struct textbuf *b, const char *text, size_t width, bool right);      /* text is printable */

/* One handover as a heading and one line for each step. */
void text_timeline(struct textbuf *b, const struct text_node *handover);

#endif
