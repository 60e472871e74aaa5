/*
 * Transfers that the network begins (RFC 4067 §5.1, §5.2): an operator's order (BUS_HANDOVER_REQUEST), and with
 * cxtp.network also what FMIPv6 learns: an accepted FBU at the previous router, a HI at the new one.
 *
 * At the previous router contexts are pushed, without a CTAR, to the router that comes next; when it is not known which one
 * does, to each of the candidates (§2 foresees several targets). At the new router they are asked for ahead of the CTAR.
 * Whether they are put in force is the mobile's token to say, as ever.
 */
#ifndef HANDOVERD_CXTP_TRIGGER_H
#define HANDOVERD_CXTP_TRIGGER_H

#include "core/module.h"
#include "cxtp/cxtp_config.h"
#include "cxtp/cxtp_nar.h"
#include "cxtp/cxtp_par.h"

struct cxtp_triggers;
/* Borrows all; cfg until the next cxtp_triggers_reload. NULL: no memory. */
struct cxtp_triggers *cxtp_triggers_create(struct core *core, const struct cxtp_config *cfg, struct cxtp_par *par,
                                           struct cxtp_nar *nar);
void cxtp_triggers_destroy(struct cxtp_triggers *t);
void cxtp_triggers_reload(struct cxtp_triggers *t, const struct cxtp_config *cfg);

#endif
