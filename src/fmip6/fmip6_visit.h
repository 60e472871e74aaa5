/*
 * Clients (see fmip6_anchor.h), at the router where they are or are awaited. A visit is one address of one client:
 *
 *   HOLDING    the anchor's HI is accepted (HAck Code 3), the client is not seen yet; its packets wait
 *   RELEASING  it is here, and gets what waited
 *   HERE       a host route leads to it, what it sends goes back through the tunnel
 *
 * A client is seen by anything that comes from it. One that nobody announced and whose address is behind a neighbour is asked
 * for there, with an unsolicited HAck (Code 4); one of whom only the link-layer address is known yet, at all neighbours. So is
 * told that an announced one is here, and later that it is still here. Nothing is believed of a client but what its anchor
 * says: it names the link-layer address that goes with the address.
 *
 * Askings are bounded: one for each client and neighbour at a time, and no more for a while if it was in vain; so many a second
 * on each interface (fmip6.client_rate).
 */
#ifndef HANDOVERD_FMIP6_VISIT_H
#define HANDOVERD_FMIP6_VISIT_H

#include "fmip6/fmip6_machine.h"

struct fmip6_visit;

enum visit_state { VISIT_HOLDING, VISIT_RELEASING, VISIT_HERE };

struct visit_view {
	struct in6_addr pcoa;
	struct lladdr lladdr;
	int ifindex;            /* where it is; 0 while HOLDING */
	struct in6_addr peer;   /* its anchor, as a neighbour */
	struct in6_addr remote; /* the anchor's end of the tunnel: source of its HI */
	struct in6_addr local;  /* ours: destination of the HI */
	enum visit_state state;
};

struct visit_ops {
	/* Is src an address of a neighbour that may talk to us about clients? And where that one is talked to. */
	bool (*peer)(void *arg, const struct in6_addr *src, struct in6_addr *address);
	/* The neighbour (as peer's address) behind which addr is; false: none, or not usable. */
	bool (*home)(void *arg, const struct in6_addr *addr, struct in6_addr *peer);
	size_t (*peers)(void *arg, struct in6_addr *out, size_t max); /* all that may be asked */
	/* Is that a station of our own on that link, or one that moves by itself? */
	bool (*known)(void *arg, int ifindex, const struct lladdr *l);
	/* The path of pcoa (net/path.h); release ends with a call of visit_released. 0 or negative errno. */
	int (*hold)(void *arg, const struct in6_addr *pcoa);
	int (*release)(void *arg, const struct visit_view *v);
	/* What comes out of the tunnel for it is taken; when it is here (ifindex), what it sends goes back through it, and its
	 * neighbour entry is there. Said again if anything in the view changes. */
	int (*serve)(void *arg, const struct visit_view *v);
	/* All of that goes, with what waits. */
	void (*leave)(void *arg, const struct visit_view *v);
	void (*probe)(void *arg, const struct visit_view *v); /* makes it say something, if it is there */
	void (*send_hack)(void *arg, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data, size_t len);
	void (*changed)(void *arg); /* what visit_seen must be told has changed */
	/* The timeline. arrived also tells everyone else. */
	void (*opened)(void *arg, const struct visit_view *v, usec_t hi_at);
	void (*step)(void *arg, const struct in6_addr *pcoa, enum handover_step s, usec_t at);
	void (*arrived)(void *arg, const struct visit_view *v);
	void (*closed)(void *arg, const struct in6_addr *pcoa, enum handover_result r, const char *reason);
};

struct fmip6_visit *visit_create(struct loop *l, const struct fmip6_params *params, const struct visit_ops *ops, void *arg);
void visit_destroy(struct fmip6_visit *n); /* silent */

/* A HI without a new address, or one that ends a visit (Code 2). */
void visit_hi(struct fmip6_visit *n, const struct hi *m, const struct mh_in *in);
/* Something of that station came on an access link: with that source address, or unspecified. at: when it came in. */
void visit_seen(struct fmip6_visit *n, const struct in6_addr *addr, const struct lladdr *l, int ifindex, usec_t at);
/* That neighbour is there again: it may have been started anew, and is told who is here. */
void visit_neighbor_up(struct fmip6_visit *n, const struct in6_addr *peer);
void visit_released(struct fmip6_visit *n, const struct in6_addr *pcoa);
/* Asks the anchor of a visiting client to move it on to that router. NULL: asked; else why not. */
const char *visit_move(struct fmip6_visit *n, const struct in6_addr *pcoa, const struct in6_addr *router);

/* Has that station, on that link, an address of that neighbour's? */
bool visit_is_from(const struct fmip6_visit *n, const struct lladdr *l, int ifindex, const struct in6_addr *peer);
bool visit_find(const struct fmip6_visit *n, const struct in6_addr *pcoa, struct visit_view *out);
void visit_each(struct fmip6_visit *n, void (*fn)(const struct visit_view *v, void *fn_arg), void *fn_arg);

#endif
