/*
 * What reached a new router before the HI it belongs to: a mobile's UNA (RFC 5568 §3.3, figure 3: it goes before the FBU), or that
 * its contexts are in place. Kept for a few seconds, by the mobile's new address; the oldest goes when there are too many.
 */
#ifndef HANDOVERD_FMIP6_EARLY_H
#define HANDOVERD_FMIP6_EARLY_H

#include "core/addr.h"
#include "core/loop.h"

struct early; /* a table is a pointer to one; NULL: empty */

void early_una(struct early **t, const struct in6_addr *ncoa, const struct lladdr *l, int ifindex, usec_t at);
void early_contexts(struct early **t, const struct in6_addr *ncoa, const struct in6_addr *pcoa, usec_t at);
/* Takes out what there is of the mobile with this link-layer address on this link. Returns when it announced itself, 0 if it did
 * not; *contexts_done: those of pcoa are in place. */
usec_t early_take(struct early **t, const struct in6_addr *ncoa, const struct lladdr *l, int ifindex, const struct in6_addr *pcoa,
                  usec_t now, bool *contexts_done);
/* Did somebody announce himself there a moment ago? */
bool early_announced(struct early *t, const struct in6_addr *ncoa, usec_t now);
void early_forget(struct early **t, const struct in6_addr *ncoa);
void early_clear(struct early **t);

#endif
