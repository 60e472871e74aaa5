/* The mobile node of this node: the machines (mip6_mn.h, mip6_link.h) with their sockets, addresses and tunnel. */
#ifndef HANDOVERD_MIP6_MOBILE_H
#define HANDOVERD_MIP6_MOBILE_H

#include "core/module.h"
#include "mip6/mip6_machine.h"

struct mip6_mobile;
struct mip6_mobile *mip6_mobile_create(struct core *core, const struct mip6_params *params); /* NULL after logging why */
void mip6_mobile_destroy(struct mip6_mobile *m);
void mip6_mobile_reload(struct mip6_mobile *m);
void mip6_mobile_show(struct mip6_mobile *m, struct output *o); /* an item of `show home` */

#endif
