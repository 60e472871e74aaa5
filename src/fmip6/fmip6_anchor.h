/*
 * Clients: mobiles that run no software of ours, and keep their address wherever they are. Here the part of the router whose
 * link the address belongs to, its anchor; the part of the router where the client is has fmip6_visit.h.
 *
 * The anchor sends a HI with Code 1, without a new address and without any FBU. The other router answers with HAck Code 3,
 * "use PCoA" (RFC 5568 §6.2.1.2): from then on packets for the address go into a tunnel that ends at that router itself, which
 * has a host route to its link, and what the client sends comes back the same way. The U flag in that HI says that the client is
 * not there yet: its packets wait there. It is moved
 *
 *   by an operator or the radio     anchor_move: HI with U; arrived when the other router has said so
 *   because it was seen elsewhere   an unsolicited HAck (Code 4) names its link-layer address, which must be the one that the
 *                                   anchor knows for the address; all addresses known of that client move then, each by a HI
 *   home again                      it is seen on our own link, or, announced (anchor_await), held for until it is
 *
 * An address that nobody here knows is adopted if it is one more of a client that is at the router which asks, as hosts make up
 * new ones (RFC 8981), or if that router says that it had the client from us (P flag), as after our restart. Whoever has it on our
 * own link is asked to say so, and is right.
 *
 * Whoever had the client before is told so, by a HI with the P flag and Code 2 (RFC 5949 §6.1.1), and forgets it. The other router
 * says from time to time that the client is still there; if it does not, the tunnel ends with its lifetime.
 */
#ifndef HANDOVERD_FMIP6_ANCHOR_H
#define HANDOVERD_FMIP6_ANCHOR_H

#include "fmip6/fmip6_machine.h"

#define ANCHOR_ADDRS 16 /* addresses of one client that move together; of more the oldest is given up */

struct fmip6_anchor;

struct anchor_view {
	struct in6_addr pcoa;
	struct lladdr lladdr;
	struct in6_addr router; /* where its packets go; unspecified: still straight to our link */
	struct in6_addr local;  /* our end of that tunnel */
	struct in6_addr asked;  /* who has been sent a HI; unspecified: nobody */
	bool arrived;           /* it is known to be there */
	bool awaited;           /* announced to come home: its packets wait here */
	usec_t expires;
};

/* What the machine does to the world. arg is the one given to anchor_create. No pointer outlives its call. */
struct anchor_ops {
	bool (*own_address)(void *arg, const struct in6_addr *pcoa);
	bool (*is_self)(void *arg, const struct in6_addr *router);
	/* Who has pcoa, and which addresses that client has, as far as this router knows. */
	bool (*lladdr)(void *arg, const struct in6_addr *pcoa, struct lladdr *out);
	size_t (*addresses)(void *arg, const struct lladdr *l, struct in6_addr *out, size_t max);
	/* NULL, or why it must not be moved like this: it does so itself. */
	const char *(*refuse)(void *arg, const struct in6_addr *pcoa, const struct lladdr *l);
	/* Is src an address of a neighbour that may talk to us about clients? And where that one is talked to. */
	bool (*peer)(void *arg, const struct in6_addr *src, struct in6_addr *address);
	/* Our address as that router sees it. */
	bool (*local)(void *arg, const struct in6_addr *router, struct in6_addr *out);
	void (*send_hi)(void *arg, const struct in6_addr *local, const struct in6_addr *router, const uint8_t *data, size_t len);
	/* Packets for pcoa go to router; 0 or negative errno. What comes out of its tunnel is taken (tunnel_end) from router, and from
	 * `also`, unless that is unspecified; neither: from nobody. */
	int (*tunnel)(void *arg, const struct in6_addr *pcoa, const struct in6_addr *local, const struct in6_addr *router);
	void (*tunnel_end)(void *arg, const struct in6_addr *pcoa, const struct in6_addr *local, const struct in6_addr *router,
	                   const struct in6_addr *also);
	int (*hold)(void *arg, const struct in6_addr *pcoa);
	/* Packets for pcoa go straight again, those that waited first. l and ifindex: where it was seen; NULL: it was not. */
	void (*direct)(void *arg, const struct in6_addr *pcoa, const struct lladdr *l, int ifindex);
	/* The hosts of pcoa's link are told that it is reached through us now. */
	void (*claim)(void *arg, const struct in6_addr *pcoa);
	/* Makes whoever has pcoa on our link say something. */
	void (*probe)(void *arg, const struct in6_addr *pcoa);
	/* What anchor_seen must be told has changed. */
	void (*changed)(void *arg);
	/* The timeline. role is HANDOVER_NAR when it comes home. */
	void (*opened)(void *arg, enum handover_role role, const struct anchor_view *v, const struct in6_addr *other, usec_t at);
	void (*step)(void *arg, enum handover_role role, const struct in6_addr *pcoa, enum handover_step s, usec_t at);
	void (*closed)(void *arg, enum handover_role role, const struct in6_addr *pcoa, enum handover_result r, const char *reason);
};

/* params are borrowed and may change under the machine (reload). NULL: no memory. */
struct fmip6_anchor *anchor_create(struct loop *l, const struct fmip6_params *params, const struct anchor_ops *ops, void *arg);
void anchor_destroy(struct fmip6_anchor *a); /* silent */

/* A client with this address moves to that neighbour, all its addresses with it; or home, where it is held for. NULL: under way,
 * else why not. */
const char *anchor_move(struct fmip6_anchor *a, const struct in6_addr *pcoa, const struct in6_addr *router);
const char *anchor_await(struct fmip6_anchor *a, const struct in6_addr *pcoa);

/* A HAck to a HI of this machine's, whose sequence numbers are odd, or an unsolicited one. */
void anchor_hack(struct fmip6_anchor *a, const struct hack *m, const struct mh_in *in);
/* Something of that station came on an access link: with that source address, or unspecified. at: when it came in. */
void anchor_seen(struct fmip6_anchor *a, const struct in6_addr *addr, const struct lladdr *l, int ifindex, usec_t at);
/* That neighbour is there again: it may have been started anew, and is told who of ours is there. */
void anchor_neighbor_up(struct fmip6_anchor *a, const struct in6_addr *peer);
/* Its owner moves by itself after all: whatever is in force is over. The path is the caller's from here on. */
void anchor_forget(struct fmip6_anchor *a, const struct in6_addr *pcoa);

bool anchor_find(const struct fmip6_anchor *a, const struct in6_addr *pcoa, struct anchor_view *out);
void anchor_each(struct fmip6_anchor *a, void (*fn)(const struct anchor_view *v, void *fn_arg), void *fn_arg);

#endif
