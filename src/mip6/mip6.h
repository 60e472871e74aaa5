/* The module "mip6": Mobile IPv6 (RFC 6275), the home agent's side and the mobile's. */
#ifndef HANDOVERD_MIP6_H
#define HANDOVERD_MIP6_H

#include "core/module.h"

extern const struct module mip6_module;

#endif
