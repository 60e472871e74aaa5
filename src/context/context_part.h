/*
 * What the module is made of: one part for each feature context, in a file of its own. A part brings its feature up, takes
 * over a new configuration, and takes it down; context.c gives the feature its number, registers it, and calls the part.
 */
#ifndef HANDOVERD_CONTEXT_CONTEXT_PART_H
#define HANDOVERD_CONTEXT_CONTEXT_PART_H

#include "context/context_config.h"
#include "core/feature.h"
#include "core/module.h"

struct context_part {
	/* Its number is set from the configuration, under its name (context_fpt), before start. Registered only while the part
	 * is up. */
	struct feature *feature;
	bool (*wanted)(const struct context_config *c); /* NULL: always */
	/* 0; CONTEXT_NOT_HERE after logging that this system cannot: the daemon goes on without; -1 after logging: it does not.
	 * c is borrowed until reload or stop. */
	int (*start)(struct core *core, const struct context_config *c);
	void (*reload)(const struct context_config *c); /* NULL: nothing of it is configurable */
	void (*stop)(void);
	void (*show)(struct output *o); /* items of `show contexts`, whose list is begun; NULL: none */
};
#define CONTEXT_NOT_HERE 1

#endif
