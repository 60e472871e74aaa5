/* The module "fmip6": fast handovers for Mobile IPv6 (RFC 5568), all three roles. */
#ifndef HANDOVERD_FMIP6_H
#define HANDOVERD_FMIP6_H

#include "core/module.h"

extern const struct module fmip6_module;

#endif
