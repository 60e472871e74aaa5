/*
 * The mobile node's part (RFC 5568 §3-5).
 *
 *   DOWN        no carrier
 *   UNKNOWN     carrier, but never learnt whose link this is: asks, and goes on asking
 *   ATTACHED    on a known link, nothing going on
 *   SOLICITING  told to move: RtSolPr sent
 *   UPDATING    FBU sent from the old link
 *   PREPARED    FBack received: packets already go to the new router; the link has to change
 *   PROBING     carrier again: which link is it?
 *   ARRIVED     on the new link, UNA sent; FBack, or the first packet, is awaited
 *
 * Which link it is after a gap is found out the way of RFC 6059: the routers known are asked in frames to their link-layer
 * addresses, and the first to answer says where we are; where none does, RtSolPr to all routers. A prepared target is
 * assumed at once and only verified so. A carrier that goes and comes within a fraction of a millisecond is seen by nobody:
 * so a prepared target is also asked all the time, and the known routers at each hint that something happened to the link. A mobile that ends up elsewhere than it announced (RFC 5568 §5.6), be it on
 * the link it came from, is taken to have been at the announced router: from there it moves on reactively, and
 * what that router holds follows.
 *
 * Every PAR that forwards for an older address has a binding: renewed before it ends, told of each further movement, dropped
 * when the mobile is back where the address is at home.
 *
 * A home address of Mobile IPv6 is, on its home link, our address, and a movement from there is one like any other. When the home
 * agent forwards for it, its binding is given up (RELEASE). On the home link it is the home agent's until the registration there
 * is taken back: until then we arrive, and are called, by another address (`alias`, when the home address takes over).
 */
#ifndef HANDOVERD_FMIP6_MN_H
#define HANDOVERD_FMIP6_MN_H

#include "core/neighbor.h"
#include "fmip6/fmip6_machine.h"

#define MN_BINDINGS 8 /* older addresses kept alive; the oldest goes */
#define MN_PROBES 8   /* routers asked at once */

enum mn_state { MN_DOWN, MN_UNKNOWN, MN_ATTACHED, MN_SOLICITING, MN_UPDATING, MN_PREPARED, MN_PROBING, MN_ARRIVED };
const char *mn_state_name(enum mn_state s);

/* A link, by the router on it. */
struct mn_place {
	struct lladdr ap;
	struct in6_addr router;
	struct lladdr router_lladdr;
	struct prefix prefix;
	struct in6_addr coa; /* our address there */
};

struct mn_binding_view {
	struct in6_addr par, pcoa;
	struct in6_addr ncoa;  /* what the PAR is asked to forward to */
	struct in6_addr local; /* what it is known to forward to: outer source of the reverse tunnel */
	struct prefix prefix;  /* of the link where pcoa is at home */
	usec_t expires;        /* 0: not in force */
};

#define MN_SPI_ANY UINT32_MAX

struct mn_ops {
	/* The key for BADF between the owner of pcoa and its router par: of the kind that *spi says, or MN_SPI_ANY: the one to use, and
	 * *spi says which it is. False: there is none. */
	bool (*key)(void *arg, const struct in6_addr *par, const struct in6_addr *pcoa, uint32_t *spi, struct badf_key *out);
	/* The map of APs, as learnt: by AP-ID, or by router where ap->len is 0; all of them; one more. */
	bool (*find)(void *arg, const struct lladdr *ap, const struct in6_addr *router, struct mn_place *out);
	size_t (*places)(void *arg, struct mn_place *out, size_t max);
	void (*learn)(void *arg, const struct mn_place *p);
	/* Our address in prefix on the link; false: none yet, make one. */
	bool (*own_address)(void *arg, const struct prefix *prefix, struct in6_addr *out);
	/* The address that we make for ourselves on a link; again: the last one is somebody else's. False, NULL: any identifier will do. */
	bool (*address)(void *arg, const struct prefix *link, bool again, struct in6_addr *out);
	/* A home address (RFC 6275) of this link that is ours to use there; false, NULL: there is none. */
	bool (*home)(void *arg, const struct prefix *link, struct in6_addr *out);
	/* Is it a home address that its home agent has, or may have? NULL: there are none. */
	bool (*is_away)(void *arg, const struct in6_addr *a);
	/* Our link-layer address; and an address whose interface identifier is ours. */
	void (*self)(void *arg, struct lladdr *l, struct in6_addr *iid);
	/* src unspecified: link-local. dst unspecified: all routers. */
	void (*send_rtsolpr)(void *arg, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data, size_t len);
	void (*send_fbu)(void *arg, const struct in6_addr *src, const struct in6_addr *dst, const struct in6_addr *home,
	                 const uint8_t *data, size_t len);
	/* What others want to go along in a predictive FBU of b: octets written to out. NULL: nothing ever. */
	size_t (*rider)(void *arg, const struct mn_binding_view *b, uint8_t *out, size_t cap);
	/* confirmed: the address is ours beyond doubt, and neighbours are to know it (RFC 5568 §4: override). Else an UNA. */
	void (*send_una)(void *arg, const struct in6_addr *coa, bool confirmed);
	/* Asks the link whether somebody has coa (RFC 4862 §5.4.2). */
	void (*send_dad)(void *arg, const struct in6_addr *coa);
	void (*send_probe)(void *arg, const struct mn_place *p);
	/* Still on the old link: make ready for what the new router will send at our UNA: address p->coa (not yet to be used), and
	 * b's tunnel (not yet to be sent into). Off: it comes to nothing. */
	void (*expect)(void *arg, const struct mn_binding_view *b, const struct mn_place *p, bool on);
	/* We are at p: address p->coa (unless that is there already, not of our making), the router's neighbour entry, default
	 * route through it. */
	void (*attach)(void *arg, const struct mn_place *p, bool has_address);
	/* The link has come back as it was, at p: address and routes that it may have lost meanwhile, as an interface does that is set
	 * down. What belongs to bindings comes after it (bind, native). NULL: nothing is ever lost. */
	void (*restore)(void *arg, const struct mn_place *p);
	/* This address is another's, or is not needed: it goes. */
	void (*abandon)(void *arg, const struct in6_addr *coa);
	/* An interface identifier that nobody has. */
	void (*random_iid)(void *arg, struct in6_addr *out);
	/* b's address lives on through its PAR: tunnel end, deprecated, its own prefix reached through here's router. Again at
	 * each change of b or of here. */
	void (*bind)(void *arg, const struct mn_binding_view *b, const struct mn_place *here);
	void (*native)(void *arg, const struct mn_binding_view *b); /* b's address is at home on this link again */
	/* It is over: address and tunnel end go, unless they are somebody else's by now. */
	void (*unbind)(void *arg, const struct mn_binding_view *b);
	/* The timeline; at most one runs. */
	void (*opened)(void *arg, enum handover_mode mode, const struct in6_addr *pcoa, const struct in6_addr *par);
	void (*target)(void *arg, enum handover_mode mode, const struct in6_addr *ncoa, const struct in6_addr *nar);
	void (*step)(void *arg, enum handover_step s, usec_t at);
	void (*gap)(void *arg, usec_t start, usec_t end, usec_t interruption); /* interruption 0: not known */
	void (*closed)(void *arg, enum handover_result r, const char *reason);
	/* For others: the FBU has left; on the new link with a usable address. */
	void (*prepare)(void *arg);
	void (*attached)(void *arg, const struct in6_addr *coa, const struct in6_addr *previous);
};

struct fmip6_mn;
struct fmip6_mn *mn_create(struct loop *l, const struct fmip6_params *params, const struct mn_ops *ops, void *arg);
void mn_destroy(struct fmip6_mn *m); /* silent: nothing is unbound */
void mn_reload(struct fmip6_mn *m);  /* params have changed */

/* ap: the AP-ID if the link layer tells, else NULL or len 0. */
void mn_link(struct fmip6_mn *m, bool up, const struct lladdr *ap, usec_t at);
/* Something happened to the link, and its carrier is there: it may have gone and come back unseen. Asks who is there. */
void mn_hint(struct fmip6_mn *m);
/* Told to move. 0, or -1 with the reason. */
int mn_request(struct fmip6_mn *m, const struct lladdr *ap, const struct in6_addr *router, char *reason, size_t reason_len);
/* A router with this link-layer address advertises itself on the link. If it is one of another link, we have moved, whatever the
 * carrier said. */
void mn_router_heard(struct fmip6_mn *m, const struct lladdr *router);
void mn_prrtadv(struct fmip6_mn *m, const struct prrtadv *a, usec_t at);
void mn_fback(struct fmip6_mn *m, const struct mh_in *in);
/* A router advertisement that answers our UNA: the address is not to be used. */
void mn_naack(struct fmip6_mn *m, const struct naack *a, usec_t at);
void mn_na(struct fmip6_mn *m, const struct nd_na *a, usec_t at); /* the answer to a probe */
/* An advertisement that answers no question of ours: its sender may have our new address. */
void mn_defended(struct fmip6_mn *m, const struct nd_na *a, usec_t at);
void mn_first(struct fmip6_mn *m, usec_t at);                   /* first packet for an older address on the new link */

/*
 * A home address (RFC 6275 §11): who has it changed. Its home agent forwards to us: the PAR that forwarded until now is told that it
 * need not (RFC 5568 §4: its tunnel lasts until the bindings are updated). It is ours again, on its link: that is what we are called there.
 */
void mn_home_forwarded(struct fmip6_mn *m, const struct in6_addr *home);
void mn_home_ours(struct fmip6_mn *m);

/* May one more RtSolPr be sent (RFC 5568 §9, MAX_RTSOLPR_RATE)? Takes its place. */
bool mn_may_solicit(struct fmip6_mn *m);
enum mn_state mn_state(const struct fmip6_mn *m);
const struct mn_place *mn_here(const struct fmip6_mn *m); /* NULL: not known */
void mn_each(const struct fmip6_mn *m, void (*fn)(const struct mn_binding_view *b, void *fn_arg), void *fn_arg);

#endif
