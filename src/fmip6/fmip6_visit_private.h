/* Within the router's part for visiting clients: the machine (fmip6_visit.c) and its askings (fmip6_visit_ask.c). */
#ifndef HANDOVERD_FMIP6_VISIT_PRIVATE_H
#define HANDOVERD_FMIP6_VISIT_PRIVATE_H

#include "fmip6/fmip6_visit.h"

#define HASH_FUNCTION FMIP6_HASH
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define VISIT_LINKS 256 /* as many as are looked at (net/sight.h) */
#define VISIT_PACE USEC_MSEC /* between clients, where many are told of */
#define VISIT_ADDRS 16  /* of one client */
#define VISIT_PEERS 64 /* neighbours asked about a client of whom no address is known */

/* One client, by its link-layer address; there as long as one of its addresses is. */
struct guest {
	UT_hash_handle hh;
	struct lladdr lladdr;
	struct visit *first;
	unsigned n;
};

struct visit {
	UT_hash_handle hh; /* by v.pcoa */
	struct fmip6_visit *visits;
	struct guest *guest;
	struct visit *next; /* of the same guest */
	struct visit_view v;
	usec_t seen;       /* last seen; meaningful once it is here */
	bool confirmed;    /* the anchor knows that it is here */
	bool forgotten;    /* the anchor may have forgotten it: the timer says so */
	bool open;         /* a timeline runs */
	struct timer timer; /* HOLDING: it does not come. Else: is it still there? */
	struct timer life;  /* its anchor does not confirm it any more */
};

struct asking;   /* what we asked about one client */
struct ask_rate; /* of one link */

struct fmip6_visit {
	struct loop *loop;
	const struct fmip6_params *params;
	const struct visit_ops *ops;
	void *arg;
	struct visit *all;
	struct guest *guests;
	struct asking *asked; /* oldest first */
	struct ask_rate *rates;
	uint16_t seq;
	struct bucket log;
};

/*
 * Asks peer (unspecified: all) for the client with that link-layer address, seen with pcoa or with no address of its own, until it
 * answers. forced: our own visitor, which nobody need count. nar: the router it shall move on to, or unspecified.
 */
void visit_ask(struct fmip6_visit *n, const struct in6_addr *peer, const struct in6_addr *pcoa, const struct lladdr *l,
               const struct in6_addr *nar, int ifindex, bool forced, usec_t at);
/* Its anchor, which may have forgotten it, is told once that it is here. */
void visit_tell(struct fmip6_visit *n, const struct visit_view *v);
/* An answer from peer: where that client was seen, or 0; *open: it was being asked for. */
int visit_answered(struct fmip6_visit *n, const struct in6_addr *peer, const struct lladdr *l, bool *open);
/* That neighbour is asked for it no more. */
void visit_ask_forget(struct fmip6_visit *n, const struct in6_addr *peer, const struct lladdr *l);
void visit_ask_clear(struct fmip6_visit *n);

#endif
