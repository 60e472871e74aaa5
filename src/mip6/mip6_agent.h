/* The home agent of this node: the machine (mip6_ha.h) with its sockets, home links and tunnels. */
#ifndef HANDOVERD_MIP6_AGENT_H
#define HANDOVERD_MIP6_AGENT_H

#include "core/module.h"
#include "mip6/mip6_machine.h"

struct mip6_agent;
struct mip6_agent *mip6_agent_create(struct core *core, const struct mip6_params *params); /* NULL after logging why */
void mip6_agent_destroy(struct mip6_agent *a);
void mip6_agent_reload(struct mip6_agent *a);
void mip6_agent_show(struct mip6_agent *a, struct output *o); /* items of `show home` */

#endif
