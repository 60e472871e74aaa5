#include "ctl/textbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(struct textbuf *b, size_t more)
{
	if (b->failed)
		return false;
	if (more > TEXTBUF_MAX - b->len) {
		b->failed = true;
		return false;
	}
	size_t need = b->len + more + 1;
	if (need <= b->cap)
		return true;
	size_t cap = b->cap ? b->cap : 256;
	while (cap < need)
		cap *= 2;
	char *data = realloc(b->data, cap);
	if (!data) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->cap = cap;
	return true;
}

void textbuf_add(struct textbuf *b, const void *data, size_t len)
{
	if (!reserve(b, len))
		return;
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void textbuf_str(struct textbuf *b, const char *text)
{
	textbuf_add(b, text, strlen(text));
}

void textbuf_char(struct textbuf *b, char c)
{
	textbuf_add(b, &c, 1);
}

void textbuf_fill(struct textbuf *b, char c, size_t n)
{
	if (!reserve(b, n))
		return;
	memset(b->data + b->len, c, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void textbuf_fmt(struct textbuf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return;
	}
	if (!reserve(b, (size_t)n))
		return;
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void textbuf_free(struct textbuf *b)
{
	free(b->data);
	*b = (struct textbuf){ 0 };
}

/* Lengths by first octet; overlong forms, surrogates and what lies beyond U+10FFFF are refused afterwards. */
static int utf8_length(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first < 0xe0)
		return 2;
	if (first >= 0xe0 && first < 0xf0)
		return 3;
	if (first >= 0xf0 && first < 0xf5)
		return 4;
	return 0;
}

int32_t utf8_next(const char **p)
{
	static const int32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	static const uint8_t mask[5] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	const uint8_t *s = (const uint8_t *)*p;
	int n = utf8_length(s[0]);
	if (s[0] == 0)
		return 0;
	int32_t c = n ? s[0] & mask[n] : -1;
	for (int i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80) { /* the final NUL, too, ends it here */
			c = -1;
			break;
		}
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < 0 || c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
		*p += 1;
		return -1;
	}
	*p += n;
	return c;
}

size_t textbuf_printable(struct textbuf *b, const char *text)
{
	size_t n = 0;
	for (const char *p = text; *p; n++) {
		const char *from = p;
		int32_t c = utf8_next(&p);
		if (c < 0x20 || (c >= 0x7f && c < 0xa0))
			textbuf_char(b, '?');
		else
			textbuf_add(b, from, (size_t)(p - from));
	}
	return n;
}
