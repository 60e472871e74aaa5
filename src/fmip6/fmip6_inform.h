/*
 * What a router tells its mobiles unasked about the access points around (RFC 5568 §6.1.2, PrRtAdv with Code 4): to each that it knows,
 * at its address, every fmip6.inform or so, and soon after what there is to tell has changed. No more than 16 mobiles in 100 ms;
 * who is told late is told what is true then.
 */
#ifndef HANDOVERD_FMIP6_INFORM_H
#define HANDOVERD_FMIP6_INFORM_H

#include "fmip6/fmip6_machine.h"

struct inform_ops {
	/* A number that is another one when what there is to tell is. */
	uint64_t (*digest)(void *arg);
	/* Comes to the next mobile, or to the first, and tells it if it is there to be told. False: there is no further one. */
	bool (*next)(void *arg, bool first);
};

struct fmip6_inform;
struct fmip6_inform *inform_create(struct loop *l, const struct fmip6_params *params, const struct inform_ops *ops, void *arg);
void inform_destroy(struct fmip6_inform *i); /* NULL allowed */
void inform_reload(struct fmip6_inform *i);  /* params have changed, and perhaps what there is to tell */
void inform_changed(struct fmip6_inform *i); /* perhaps: it is looked at */

#endif
