/* The contexts of other programs: each a feature, as long as it is configured. program.c tells more. */
#ifndef HANDOVERD_CONTEXT_PROGRAM_H
#define HANDOVERD_CONTEXT_PROGRAM_H

#include "context/context_config.h"
#include "core/module.h"

int programs_start(struct core *core, const struct context_config *c); /* 0, or -1 after logging why */
void programs_release(void); /* before the numbers of features change: ours are free until programs_reload */
void programs_reload(const struct context_config *c);
void programs_stop(void);
void programs_show_contexts(struct output *o); /* items of a list that is begun, as below */
void programs_show(struct output *o);

enum {
	PROGRAM_PUTS,
	PROGRAM_PUTS_REFUSED,
	PROGRAM_LINES_REFUSED,
	PROGRAM_INSTALLS,
	PROGRAM_UNANSWERED,
	PROGRAM_OCTETS,
	PROGRAM_COUNTERS
};
extern struct counter program_counters[PROGRAM_COUNTERS];

#endif
