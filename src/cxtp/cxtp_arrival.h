/*
 * The sequence numbers by which mobiles arrived at this router, for as long as they stay: what their next one follows from
 * (cxtp_token.h). Bounded; the one that arrived longest ago is forgotten first, which costs it a push that nobody asked for,
 * and nothing else.
 */
#ifndef HANDOVERD_CXTP_ARRIVAL_H
#define HANDOVERD_CXTP_ARRIVAL_H

#include "core/addr.h"

struct cxtp_arrivals;
struct cxtp_arrivals *cxtp_arrivals_create(void); /* NULL: no memory */
void cxtp_arrivals_destroy(struct cxtp_arrivals *a);
/* addr: the mobile's here; own: ours, as it knows it. Takes the place of what was known. limit 0: nothing is kept. */
void cxtp_arrivals_put(struct cxtp_arrivals *a, const struct in6_addr *addr, const struct in6_addr *own, uint32_t seq,
                       size_t limit);
bool cxtp_arrivals_find(const struct cxtp_arrivals *a, const struct in6_addr *addr, struct in6_addr *own, uint32_t *seq);
void cxtp_arrivals_drop(struct cxtp_arrivals *a, const struct in6_addr *addr);

#endif
