/*
 * The commands of the control socket: one table, from which parsing, help and completion come. Nothing here knows of
 * sockets: a request line comes in, a status and a text go out.
 */
#ifndef HANDOVERD_CTL_COMMAND_H
#define HANDOVERD_CTL_COMMAND_H

#include "core/module.h"
#include "ctl/writer.h"

#define COMMAND_LINE_MAX 1024 /* octets of a request line, its newline included */
#define COMMAND_WORDS_MAX 16

struct command_request {
	enum form form; /* FORM_TEXT or FORM_JSON */
	size_t n;
	const char *words[COMMAND_WORDS_MAX]; /* into line */
	char line[COMMAND_LINE_MAX];
};

enum command_status {
	COMMAND_OK,
	COMMAND_REFUSED, /* understood, but not done: the text is the reason */
	COMMAND_USAGE,   /* not understood: the text says what is */
	COMMAND_WATCH,   /* the client wants events from here on; no text */
};

/*
 * Takes a request line apart: "text" or "json", then the words of the command, blanks between. NULL, or why not: too long,
 * too many words, an unknown form, control characters. `line` needs no NUL and has no newline.
 */
const char *command_parse(const char *line, size_t len, struct command_request *out);

/* Runs a request; the answer's text (without final status) goes into out. */
enum command_status command_run(struct core *core, const struct command_request *r, struct textbuf *out);

/* The shows that ctl itself brings: what lives in core. */
extern const struct module_show ctl_shows[];

#endif
