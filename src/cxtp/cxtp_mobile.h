/* CXTP on a mobile node: from the bus to its machine, from its machine to the link. */
#ifndef HANDOVERD_CXTP_MOBILE_H
#define HANDOVERD_CXTP_MOBILE_H

#include "core/module.h"
#include "cxtp/cxtp_icmp.h"
#include "cxtp/cxtp_trail.h"

struct cxtp_mobile;
/* Borrows all; params may change in place. NULL: no memory. */
struct cxtp_mobile *cxtp_mobile_create(struct core *core, const struct cxtp_params *params, struct cxtp_icmp **icmp,
                                       struct cxtp_trails *trails);
void cxtp_mobile_destroy(struct cxtp_mobile *m);
void cxtp_mobile_ctaa(struct cxtp_mobile *m, const struct cxtp_link *from, const struct cxtp_message *msg);

#endif
