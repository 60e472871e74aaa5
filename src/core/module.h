/*
 * Modules: what handoverd is made of. A module is a descriptor; modules_start brings them up in the order of their needs,
 * modules_stop takes them down in reverse. A cycle or a need nobody meets is a named error at start.
 */
#ifndef HANDOVERD_CORE_MODULE_H
#define HANDOVERD_CORE_MODULE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/config.h"
#include "core/counter.h"
#include "core/home.h"

#define MODULES_MAX 32

struct bus;
struct handovers;
struct loop;
struct mobiles;
struct neighbors;
struct net;
struct output;

/* What every module is given. One per process; owned by main. */
struct core {
	struct loop *loop;
	struct bus *bus;
	const struct settings *settings; /* in force; replaced at reload, before the modules are told */
	struct mobiles *mobiles;
	struct neighbors *neighbors;
	struct handovers *handovers;
	struct homes homes; /* mobile node: its home addresses */
	struct net *net; /* the kernel (src/net/net.h), set by the module "net" */
	bool fast;       /* mobile node: a module hands over fast, and BUS_MOBILE_ATTACHED and BUS_HANDOVER_DEVOLVE come from it */
	const struct module *const *modules; /* NULL-terminated */
	const struct config *config;
	int (*reload)(struct core *core, char *reason, size_t reason_len); /* what SIGHUP and `handoverctl reload` do */
	const struct module *running[MODULES_MAX]; /* module.c's: in the order they were started */
	size_t running_n;
};

struct module_show {
	const char *name; /* handoverctl show NAME */
	const char *help;
	void (*show)(struct core *core, struct output *o);
};

struct module {
	const char *name;
	const char *const *needs; /* NULL-terminated names, or NULL */
	unsigned roles;           /* MODULE_ROLE bits: in which roles it runs */
	const struct config_table *config; /* NULL: none */
	struct counter_set counters;
	const struct counter_set *more_counters; /* further arrays; ends with a NULL module. NULL: none */
	const struct module_show *shows; /* ends with a NULL name; NULL: none */

	/* Cross-checks of a filled config struct; complains through errors, changes nothing. May be NULL. */
	void (*check)(const struct settings *settings, const void *cfg, struct config_errors *errors);
	/* Brings the module up: allocates, opens sockets, subscribes. Returns 0, or -1 after logging why; what it had opened it
	 * has closed again. cfg is borrowed and stays valid until after the next reload or stop. */
	int (*start)(struct core *core, const void *cfg);
	/* Takes over a new configuration. Only what differs changes; the result equals a restart with it. Cannot fail: what
	 * could fail belongs into check. core->settings is already the new one. May be NULL if nothing is configurable. */
	void (*reload)(struct core *core, const void *cfg);
	/* Restores the system as it was: routes, devices, sockets. */
	void (*stop)(struct core *core);
};
#define MODULE_ROLE(role) (1U << (role))
#define MODULE_ALL_ROLES 0xffU

/*
 * Those of `modules` that run in `role`, each after what it needs, otherwise in the order given. Returns how many, or -1
 * with why in words: a need that no module of this role meets, or a cycle (both by name).
 */
int modules_order(const struct module *const *modules, int role, const struct module *out[MODULES_MAX], char *why,
                  size_t why_len);
/* Starts the modules for core->settings->role. 0, or -1 after logging why; what had been started is stopped again. */
int modules_start(struct core *core);
void modules_reload(struct core *core); /* core->settings and core->config are already the new ones */
void modules_stop(struct core *core);   /* in reverse; harmless when nothing runs */
bool module_running(const struct core *core, const char *name);

#endif
