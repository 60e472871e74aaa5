/*
 * The module "context": feature contexts that this router keeps for its mobiles, one file each (context_part.h). mld.c:
 * multicast listeners (RFC 4067 appendix B), who listens to what on the access links.
 */
#ifndef HANDOVERD_CONTEXT_CONTEXT_H
#define HANDOVERD_CONTEXT_CONTEXT_H

#include "core/module.h"

extern const struct module context_module;

#endif
