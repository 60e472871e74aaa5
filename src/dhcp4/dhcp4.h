#ifndef HANDOVERD_DHCP4_H
#define HANDOVERD_DHCP4_H

#include "core/module.h"

extern const struct module dhcp4_module;

#endif
