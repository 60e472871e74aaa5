/*
 * The life of the process: configuration, going into the background, privileges, start, reload, stop. It knows modules only
 * as the list that main gives it.
 */
#ifndef HANDOVERD_CORE_DAEMON_H
#define HANDOVERD_CORE_DAEMON_H

#include <stdbool.h>

#include "core/module.h"

struct daemon_options {
	const char *file;   /* configuration */
	const char *topics; /* -d; NULL: none */
	bool foreground;
};

/* -t: 0 if the configuration is right, else 1 with every mistake on standard error. */
int daemon_check(const struct daemon_options *o, const struct module *const *modules);
/* Runs until a signal ends it. Exit status of the process. Without `foreground` the caller's process returns from here
 * when the daemon is up (0) or could not be started (1), and the daemon lives on in a child. */
int daemon_run(const struct daemon_options *o, const struct module *const *modules);

#endif
