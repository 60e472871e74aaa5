/* What handoverd is made of. */
#ifndef HANDOVERD_MODULES_H
#define HANDOVERD_MODULES_H

#include "core/module.h"

extern const struct module *const handoverd_modules[]; /* NULL-terminated */

#endif
