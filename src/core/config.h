/*
 * Configuration: libconfig's syntax, our tables. A table says name, type, range, default and meaning of each setting once;
 * parser, man page check, example files and `show config` all stand on it.
 *
 * Errors are collected, each as "FILE:LINE: what is wrong; what to write instead", and all are reported, not only the
 * first. Nothing is applied unless everything is right: config_load builds a whole new struct config beside the old one.
 */
#ifndef HANDOVERD_CORE_CONFIG_H
#define HANDOVERD_CORE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/addr.h"
#include "core/loop.h"
#include "core/secret.h"

enum config_type {
	CONFIG_BOOL,     /* bool */
	CONFIG_INT,      /* int64_t, min..max */
	CONFIG_DURATION, /* usec_t: "200ms", "2s", "1min", "1h", "50us"; min..max in µs; a bare number is an error */
	CONFIG_SIZE,     /* uint64_t octets: "64k", "16M", "1500"; min..max */
	CONFIG_RATE,     /* uint64_t bits a second: "512k", "10M", "1G", by thousands; min..max */
	CONFIG_STRING,   /* char *, owned by the config */
	CONFIG_ENUM,     /* int: index into choices */
	CONFIG_ADDR,     /* struct in6_addr */
	CONFIG_PREFIX,   /* struct prefix */
	CONFIG_LLADDR,   /* struct lladdr */
	CONFIG_KEY,      /* struct secret *, owned: "hex:…", "text:…" or "file:PATH" (first line of the file, same forms) */
	CONFIG_GROUP,    /* a struct of sub->size, embedded */
	CONFIG_LIST,     /* struct config_list of sub->size structs, at most max of them */
	CONFIG_LLADDRS,  /* struct config_list of struct lladdr: ("02:…", "02:…") */
	CONFIG_STRINGS,  /* struct config_list of char *: ("one", "two") */
};


struct config_table;
struct config_item {
	const char *name;
	enum config_type type;
	size_t offset;      /* in the table's struct */
	const char *preset; /* default, as in the file but without quotes: "200ms", "true"; NULL or a list: zero, empty */
	bool required;      /* must be written if its group is, or if its group is a module's that runs */
	int64_t min, max;   /* for numbers and list lengths; both 0: no limit beyond the type's */
	const char *const *choices; /* CONFIG_ENUM: NULL-terminated */
	const struct config_table *sub;
	const char *help; /* one sentence; the man page's words */
};

struct config_table {
	const char *name; /* group name in the file */
	size_t size;      /* of the struct it fills; each such struct starts with struct config_where */
	const struct config_item *items; /* ends with a NULL name */
};

/* First member of every struct a table fills: where in the file it stood, for later complaints. */
struct config_where {
	const char *file; /* owned by the config */
	int line;         /* 0: not in the file, all defaults; complaints then name line 1 */
};

struct config_list {
	void *items; /* NULL: not in the file */
	size_t n;
};

struct config;        /* everything of one file */
struct config_errors; /* collects messages */

struct config_errors *config_errors_create(void); /* NULL: no memory */
void config_errors_destroy(struct config_errors *e);
/* Adds "FILE:LINE: message", in the order of lines within a file. The message ends with what to write instead. */
void config_error(struct config_errors *e, const struct config_where *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
size_t config_errors_count(const struct config_errors *e);
const char *config_errors_text(const struct config_errors *e, size_t i);

struct module;
/*
 * Reads and checks `path` against the top-level table (core/settings.h) and those of `modules` (NULL-terminated); checks
 * across settings come after. Those of a module run once each setting by itself is right, if the module runs in this role
 * or its group is there. Returns an owned config, or NULL with at least one error.
 */
struct config *config_load(const char *path, const struct module *const *modules, struct config_errors *errors);
/* The same from a text; `path` is what the messages call it and where relative "file:" and @include paths begin. */
struct config *config_load_text(const char *path, const char *text, const struct module *const *modules,
                                struct config_errors *errors);
void config_free(struct config *c); /* wipes keys, frees everything; NULL allowed */
const void *config_group(const struct config *c, const char *table); /* a module's filled struct; NULL: no such table */
const struct settings *config_settings(const struct config *c);
/* `show config`: a list of {setting, value, default}, every setting with its value in force; keys print as "set". */
struct output;
void config_show(const struct config *c, const struct module *const *modules, struct output *o);

#endif
