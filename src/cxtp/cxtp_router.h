/* CXTP on an access router: the machines of the previous and of the new router, and the associations to the neighbours. */
#ifndef HANDOVERD_CXTP_ROUTER_H
#define HANDOVERD_CXTP_ROUTER_H

#include "core/module.h"
#include "cxtp/cxtp_config.h"
#include "cxtp/cxtp_icmp.h"
#include "cxtp/cxtp_trail.h"

struct cxtp_router;
/* Borrows all; params may change in place, then cxtp_router_reload says so. NULL after a log line. */
struct cxtp_router *cxtp_router_create(struct core *core, const struct cxtp_config *cfg, const struct cxtp_params *params,
                                       struct cxtp_icmp **icmp, struct cxtp_trails *trails);
void cxtp_router_destroy(struct cxtp_router *r);
void cxtp_router_reload(struct cxtp_router *r, const struct cxtp_config *cfg);
void cxtp_router_ctar(struct cxtp_router *r, const struct cxtp_link *from, const struct cxtp_message *m);
void cxtp_router_show(const struct cxtp_router *r, struct output *o);

#endif
