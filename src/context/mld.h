/*
 * Multicast listeners: tracker, sockets, forwarding and the feature context tied together. One for the process. A router
 * where the kernel has no multicast routing only tracks, and says so at start.
 */
#ifndef HANDOVERD_CONTEXT_MLD_H
#define HANDOVERD_CONTEXT_MLD_H

#include "context/context_config.h"
#include "core/module.h"

#define MLD_FPT 1 /* RFC 4065: IPv6 Multicast Listener Context */

struct mld;
/* NULL after logging why. cfg is borrowed until mld_reload or mld_stop. Registers the feature. */
struct mld *mld_start(struct core *core, const struct context_multicast *cfg);
void mld_reload(struct mld *m, const struct context_multicast *cfg); /* interfaces and settings as they are now */
void mld_stop(struct mld *m); /* NULL allowed */
void mld_show_contexts(struct mld *m, struct output *o); /* items of a list the caller has begun; NULL allowed, as below */
void mld_show_multicast(struct mld *m, struct output *o);

#endif
