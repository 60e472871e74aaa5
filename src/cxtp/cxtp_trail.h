/*
 * Notes for the timelines of handovers (core/handover.h). One movement is one record, and where FMIPv6 runs it is FMIPv6
 * that opens and closes it; but its messages and ours race, so a note may come before there is a record. Notes wait for
 * it, and go into a record of their own when none has come shortly after the transfer's end.
 */
#ifndef HANDOVERD_CXTP_TRAIL_H
#define HANDOVERD_CXTP_TRAIL_H

#include "core/handover.h"
#include "core/neighbor.h"

struct cxtp_trails;
/* At most `limit` movements are noted at a time; beyond that nothing is noted for the oldest. NULL: no memory. */
struct cxtp_trails *cxtp_trails_create(struct loop *l, struct bus *bus, struct handovers *handovers, size_t limit);
void cxtp_trails_destroy(struct cxtp_trails *t);

void cxtp_trail_mark(struct cxtp_trails *t, enum handover_role role, const struct in6_addr *pcoa, enum handover_step step,
                     usec_t at);
void cxtp_trail_context(struct cxtp_trails *t, enum handover_role role, const struct in6_addr *pcoa, uint16_t fpt,
                        uint8_t status);
/* The transfer is over. peer: the other router. Only what was authorized gets a record of its own: at a router, contexts
 * that were put in force there or acknowledged. */
void cxtp_trail_end(struct cxtp_trails *t, enum handover_role role, const struct in6_addr *pcoa, const struct in6_addr *peer,
                    enum handover_result result, const char *reason);

#endif
