/*
 * Multicast listeners: tracker, sockets, forwarding and the feature context tied together. One for the process. A router
 * where the kernel has no multicast routing only tracks, and says so at start.
 */
#ifndef HANDOVERD_CONTEXT_MLD_H
#define HANDOVERD_CONTEXT_MLD_H

#include "context/context_part.h"

#define MLD_FPT 1 /* RFC 4065: IPv6 Multicast Listener Context */

extern const struct context_part mld_part;
void mld_show_multicast(struct output *o); /* items of a list the caller has begun */

#endif
