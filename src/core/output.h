/*
 * One walk over the data, several writers. A show function calls these; whether text, JSON or OpenMetrics comes out is
 * the writer's business (src/ctl). Keys are the JSON keys and are API.
 */
#ifndef HANDOVERD_CORE_OUTPUT_H
#define HANDOVERD_CORE_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/addr.h"
#include "core/loop.h"

/*
 * What a writer is: five functions. Keys and texts are borrowed for the call. A value's kind says how it may be written:
 * OUTPUT_NULL comes with text NULL, OUTPUT_BARE is a number, true or false, OUTPUT_TEXT is anything (it may hold any octet
 * but zero, control characters and broken UTF-8 included: escaping is the writer's).
 */
enum output_kind { OUTPUT_NULL, OUTPUT_BARE, OUTPUT_TEXT };
struct output;
struct output_writer {
	void (*list_begin)(struct output *o, const char *key);
	void (*list_end)(struct output *o);
	void (*item_begin)(struct output *o, const char *key);
	void (*item_end)(struct output *o);
	void (*value)(struct output *o, const char *key, enum output_kind kind, const char *text);
};
struct output { /* first member of a writer's own struct; made by src/ctl, lives for one command */
	const struct output_writer *writer;
};

void out_list_begin(struct output *o, const char *key); /* key NULL at the top level and inside lists */
void out_list_end(struct output *o);
void out_item_begin(struct output *o, const char *key);
void out_item_end(struct output *o);
void out_str(struct output *o, const char *key, const char *value); /* NULL value: JSON null, text "-" */
void out_fmt(struct output *o, const char *key, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void out_int(struct output *o, const char *key, int64_t value);
void out_uint(struct output *o, const char *key, uint64_t value);
void out_bool(struct output *o, const char *key, bool value);
/* Milliseconds with three decimals. A difference of two times that fell below zero prints as negative. */
void out_msec(struct output *o, const char *key, usec_t value);
void out_time(struct output *o, const char *key, uint64_t realtime_usec); /* ISO 8601, UTC, milliseconds */
void out_addr(struct output *o, const char *key, const struct in6_addr *a); /* unspecified: null */
void out_prefix(struct output *o, const char *key, const struct prefix *p);
void out_lladdr(struct output *o, const char *key, const struct lladdr *l); /* len 0: null */

#endif
