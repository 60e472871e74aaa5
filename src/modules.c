#include "modules.h"

#include "ctl/ctl.h"
#include "context/context.h"
#include "cxtp/cxtp.h"
#include "dhcp4/dhcp4.h"
#include "fmip6/fmip6.h"
#include "mip6/mip6.h"
#include "net/net.h"

/* ctl first: `watch` then tells events in the order in which they came to be. */
const struct module *const handoverd_modules[] = { &ctl_module, &net_module, &context_module, &cxtp_module, &dhcp4_module,
	&fmip6_module, &mip6_module, NULL };
