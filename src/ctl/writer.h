/*
 * The writers behind core/output.h: text for people, JSON and OpenMetrics for programs, one line for an event. All are fed
 * by the same walk.
 *
 *   FORM_TEXT     tables; a list inside a row is one cell if it holds plain values, else a table of its own below the row.
 *                 Rows that have a list "steps" are handovers: each is drawn as a timeline.
 *   FORM_JSON     one line of JSON, as strict as RFC 8259 wants: broken UTF-8 becomes U+FFFD.
 *   FORM_LINE     one event: time, event, then key=value; nulls and everything nested are left out.
 *   FORM_METRICS  OpenMetrics 1.0: takes counters only (out_counter), ends with "# EOF".
 */
#ifndef HANDOVERD_CTL_WRITER_H
#define HANDOVERD_CTL_WRITER_H

#include "core/counter.h"
#include "core/output.h"
#include "ctl/textbuf.h"

enum form { FORM_TEXT, FORM_JSON, FORM_LINE, FORM_METRICS };

#define WRITER_DEPTH 16 /* lists and items within each other; what is deeper is left out */

/* A writer that adds to `out` (borrowed). NULL: no memory. */
struct output *writer_create(enum form form, struct textbuf *out);
/* Writes what is still to be written and frees the writer. 0, or -ENOMEM if something is missing from the text. */
int writer_finish(struct output *o);

/* A counter or gauge as "module.name": value; in OpenMetrics with its help and type as handoverd_module_name_total. */
void out_counter(struct output *o, const char *module, const struct counter *c);

/* Between writers: each form's own create, and what out_counter and writer_finish need. */
struct writer {
	struct output o; /* first */
	struct textbuf *out;
	void (*counter)(struct writer *w, const char *module, const struct counter *c); /* NULL: as a plain value */
	int (*finish)(struct writer *w); /* frees w */
};
struct writer *writer_json_create(struct textbuf *out);
struct writer *writer_text_create(struct textbuf *out);
struct writer *writer_line_create(struct textbuf *out);
struct writer *writer_metrics_create(struct textbuf *out);

#endif
