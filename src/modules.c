#include "modules.h"

#include "ctl/ctl.h"

/* ctl first: `watch` then tells events in the order in which they came to be. */
const struct module *const handoverd_modules[] = { &ctl_module, NULL };
