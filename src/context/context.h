/*
 * The module "context": feature contexts that this router keeps for its mobiles. So far one, multicast listeners (RFC 4067
 * appendix B): mld.c tracks who listens to what on the access links and has it forwarded.
 */
#ifndef HANDOVERD_CONTEXT_CONTEXT_H
#define HANDOVERD_CONTEXT_CONTEXT_H

#include "core/module.h"

extern const struct module context_module;

#endif
