/* The module "cxtp": context transfer (RFC 4067) at the previous router, the new router and the mobile. */
#ifndef HANDOVERD_CXTP_CXTP_H
#define HANDOVERD_CXTP_CXTP_H

#include "core/module.h"

extern const struct module cxtp_module;

#endif
