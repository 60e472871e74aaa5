/* What a router answers to an RtSolPr (RFC 5568 §6.1.2): which code, which tuples. Pure. */
#ifndef HANDOVERD_FMIP6_ADV_H
#define HANDOVERD_FMIP6_ADV_H

#include "fmip6/fmip6_wire.h"

/* The router's knowledge, seen from the link that the question came from. */
struct adv_map {
	/* Fills *out for this AP-ID: LLA_NEW_AP and everything (a neighbour's), LLA_SAME_INTERFACE (of this link), LLA_NO_FMIP, or
	 * LLA_NO_PREFIX (unknown, or not to be named here). */
	void (*find)(void *arg, const struct lladdr *ap, struct tuple *out);
	/* All tuples worth naming, those of this link first, with router and prefix. Returns how many. */
	size_t (*all)(void *arg, struct tuple *out, size_t max);
	void *arg;
};

/* The answer to q; source is the router's link-layer address there. */
void adv_answer(const struct rtsolpr *q, const struct adv_map *map, const struct lladdr *source, struct prrtadv *out);

#endif
