/*
 * The module "context": feature contexts that this router keeps for its mobiles, a part each (context_part.h): multicast
 * listeners (mcast.c), neighbour bindings (binding.c), connection tracking (flows.c), rates (rate.c); and those of other
 * programs (program.c).
 */
#ifndef HANDOVERD_CONTEXT_CONTEXT_H
#define HANDOVERD_CONTEXT_CONTEXT_H

#include "core/module.h"

extern const struct module context_module;

#endif
