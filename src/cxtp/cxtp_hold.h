/*
 * Holding a mobile's traffic until its contexts are in place (RFC 4067 §3.1), for mobiles that come without FMIPv6: from the
 * CTAR that made this router ask the previous one, until the answer is in force or max_transfer_time is over. What comes
 * for the mobile waits, and what it sends. Mobiles of FMIPv6 are FMIPv6's: it holds from the HI on, and its own setting says
 * what it waits for; a hold that is here when a HI comes becomes its.
 *
 * Nobody has checked the CTAR's token when the hold begins. So a stranger could make one for another node's address: that
 * would delay the node's packets once, for max_transfer_time, and not again within context_lifetime; none is lost.
 */
#ifndef HANDOVERD_CXTP_HOLD_H
#define HANDOVERD_CXTP_HOLD_H

#include "core/module.h"
#include "cxtp/cxtp_params.h"

struct cxtp_holds;
/* Borrows all; params may change in place. NULL: no memory. */
struct cxtp_holds *cxtp_holds_create(struct core *core, const struct cxtp_params *params);
void cxtp_holds_destroy(struct cxtp_holds *t); /* everything held goes on */
/* A CTAR for pcoa came by that link, and its contexts are being asked for. */
void cxtp_hold(struct cxtp_holds *t, const struct in6_addr *pcoa, const struct cxtp_link *from);
/* The contexts are in place, or will not come. */
void cxtp_hold_end(struct cxtp_holds *t, const struct in6_addr *pcoa);

#endif
