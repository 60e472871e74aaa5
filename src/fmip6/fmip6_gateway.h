/*
 * The gateway that looks the same on every access link (fmip6.gateway): its link-local address and its link-layer address, which a
 * client keeps as its default router wherever it is. A router has them while it runs; the kernel remembers what was there before.
 */
#ifndef HANDOVERD_FMIP6_GATEWAY_H
#define HANDOVERD_FMIP6_GATEWAY_H

#include "core/module.h"
#include "fmip6/fmip6_machine.h"

#define GATEWAY_LINKS 64

struct gateway {
	struct fmip6_gateway in_force;
	int added[GATEWAY_LINKS]; /* links that have the link-local address from us: whoever had it before keeps it */
	size_t added_n;
};

/* Every access link that is there as configured; what an earlier configuration wanted and this one does not goes. */
void gateway_apply(struct gateway *g, const struct core *core, const struct fmip6_gateway *want);

#endif
