/*
 * Text that grows. Running out of memory, or over TEXTBUF_MAX, is remembered, later additions are ignored, and `failed`
 * says so at the end.
 */
#ifndef HANDOVERD_CTL_TEXTBUF_H
#define HANDOVERD_CTL_TEXTBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXTBUF_MAX ((size_t)256 << 20)

struct textbuf {
	char *data; /* NUL-terminated once anything was added */
	size_t len, cap;
	bool failed;
};

void textbuf_add(struct textbuf *b, const void *data, size_t len);
void textbuf_str(struct textbuf *b, const char *text);
void textbuf_char(struct textbuf *b, char c);
void textbuf_fill(struct textbuf *b, char c, size_t n);
void textbuf_fmt(struct textbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void textbuf_free(struct textbuf *b); /* leaves an empty one */

/*
 * The character at *p of a NUL-terminated text: moves *p past it and returns its code point, or -1 for an octet that does
 * not belong to well-formed UTF-8 (*p is moved past that octet). 0 at the end, where *p stays.
 */
int32_t utf8_next(const char **p);
/* Adds text for a terminal: control characters and what is no UTF-8 become '?'. Returns the number of characters. */
size_t textbuf_printable(struct textbuf *b, const char *text);

#endif
