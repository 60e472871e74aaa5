/* The front of the writers: turns values into text, once for all of them. */
#define _GNU_SOURCE 1 /* vasprintf */
#include "core/output.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void out_list_begin(struct output *o, const char *key)
{
	o->writer->list_begin(o, key);
}

void out_list_end(struct output *o)
{
	o->writer->list_end(o);
}

void out_item_begin(struct output *o, const char *key)
{
	o->writer->item_begin(o, key);
}

void out_item_end(struct output *o)
{
	o->writer->item_end(o);
}

void out_str(struct output *o, const char *key, const char *value)
{
	o->writer->value(o, key, value ? OUTPUT_TEXT : OUTPUT_NULL, value);
}

void out_fmt(struct output *o, const char *key, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	out_str(o, key, n < 0 ? NULL : text);
	if (n >= 0)
		free(text);
}

void out_int(struct output *o, const char *key, int64_t value)
{
	char text[24];
	snprintf(text, sizeof text, "%" PRId64, value);
	o->writer->value(o, key, OUTPUT_BARE, text);
}

void out_uint(struct output *o, const char *key, uint64_t value)
{
	char text[24];
	snprintf(text, sizeof text, "%" PRIu64, value);
	o->writer->value(o, key, OUTPUT_BARE, text);
}

void out_bool(struct output *o, const char *key, bool value)
{
	o->writer->value(o, key, OUTPUT_BARE, value ? "true" : "false");
}

void out_msec(struct output *o, const char *key, usec_t value)
{
	bool negative = (int64_t)value < 0;
	usec_t v = negative ? (usec_t)0 - value : value;
	char text[32];
	snprintf(text, sizeof text, "%s%" PRIu64 ".%03" PRIu64, negative ? "-" : "", v / USEC_MSEC, v % USEC_MSEC);
	o->writer->value(o, key, OUTPUT_BARE, text);
}

void out_time(struct output *o, const char *key, uint64_t realtime_usec)
{
	time_t t = (time_t)(realtime_usec / USEC_SEC);
	struct tm tm;
	char day[40], text[64];
	if (!gmtime_r(&t, &tm) || !strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm)) {
		out_str(o, key, NULL);
		return;
	}
	snprintf(text, sizeof text, "%s.%03uZ", day, (unsigned)(realtime_usec % USEC_SEC / USEC_MSEC));
	out_str(o, key, text);
}

void out_addr(struct output *o, const char *key, const struct in6_addr *a)
{
	out_str(o, key, addr_is_zero(a) ? NULL : ADDR(a));
}

void out_prefix(struct output *o, const char *key, const struct prefix *p)
{
	out_str(o, key, PREFIX(p));
}

void out_lladdr(struct output *o, const char *key, const struct lladdr *l)
{
	out_str(o, key, l->len ? LLADDR(l) : NULL);
}
