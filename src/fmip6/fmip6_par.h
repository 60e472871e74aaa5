/*
 * The previous access router's part (RFC 5568 §4): takes FBUs, asks the new router with HI, has packets for the PCoA
 * tunnelled to the NCoA, answers with FBack, and ends the tunnel when its lifetime is over.
 *
 * One binding per PCoA: what is in force (forwarding to ncoa) and, beside it, what is being negotiated (pending, to want).
 * A mobile that moves on while packets go to its older NCoA keeps the old tunnel until the new router has agreed. Then packets
 * wait until a marker (fmip6_marker.h) tells that the old way, which may be the longer one, is empty.
 * A binding that is over is remembered for a while, with its last sequence number, so that a delayed FBU cannot bring it back.
 *
 * A new router that has no new address for the mobile may serve its PCoA itself (HAck Code 3, §6.2.1.2): then packets go to that
 * router's own address. Such a binding is the routers' affair: before it ends this one asks, with a HI of Code 1 for that router's own
 * address as if the mobile had asked so from there, whether the mobile is still there; and tells with one of Code 2 (P flag, as RFC 5949
 * has them) that it has gone elsewhere.
 */
#ifndef HANDOVERD_FMIP6_PAR_H
#define HANDOVERD_FMIP6_PAR_H

#include "fmip6/fmip6_machine.h"
#include "fmip6/fmip6_marker.h"

struct fmip6_par;

/* Everything the machine does to the world. arg is the one given to par_create. No pointer outlives its call. */
struct par_ops {
	/* The key for BADF of the mobile that owns pcoa, of the kind that spi says; false: there is none. */
	bool (*key)(void *arg, const struct in6_addr *pcoa, uint32_t spi, struct badf_key *out);
	/* Does pcoa belong to one of our own access links? */
	bool (*own_address)(void *arg, const struct in6_addr *pcoa);
	/* The router behind whose AP ncoa lies: its address for HI, and the one on that link. 0; 1: ncoa is that router's own; -ENOENT:
	 * none; -EACCES: its protection is not up; -ERANGE: its prefix leaves too few bits for ncoa's interface identifier. */
	int (*target)(void *arg, const struct in6_addr *ncoa, struct in6_addr *nar, struct in6_addr *router);
	/* Is src an address of the neighbour nar, and may it talk to us? */
	bool (*is_peer)(void *arg, const struct in6_addr *src, const struct in6_addr *nar);
	/* The mobile's link-layer address as known here, for an FBU that does not tell. */
	bool (*lladdr)(void *arg, const struct in6_addr *pcoa, struct lladdr *out);
	void (*send_hi)(void *arg, const struct in6_addr *nar, const uint8_t *data, size_t len);
	/* src: the address the mobile knows us by. on_link: to the link pcoa lives on, past any tunnel. */
	void (*send_fback)(void *arg, const struct in6_addr *src, const struct in6_addr *dst, bool on_link,
	                   const uint8_t *data, size_t len);
	/* Packets for pcoa from local to ncoa; packets from pcoa are taken out of ncoa's reverse tunnel. 0 or negative errno. */
	int (*tunnel)(void *arg, const struct in6_addr *pcoa, const struct in6_addr *local, const struct in6_addr *ncoa);
	/* Packets for pcoa go on to its link, and a copy of each waits, until tunnel, direct or hold is called, which have the copies go
	 * first; off: the copies are thrown away. 0 or negative errno. NULL: never. */
	int (*copy)(void *arg, const struct in6_addr *pcoa, const struct lladdr *l, bool on);
	/* Packets for pcoa wait here, until tunnel or direct is called. 0; 1: they wait for the new router's part already, whose hold
	 * stays its own (direct is not called); or negative errno. */
	int (*hold)(void *arg, const struct in6_addr *pcoa);
	/* Packets for pcoa go straight again. here: the mobile is on its link, with this link-layer address (len 0: as known), and
	 * those that waited go first; NULL: it is gone. */
	void (*direct)(void *arg, const struct in6_addr *pcoa, const struct lladdr *here);
	/* An echo request to pcoa in the tunnel from local to ncoa. */
	void (*send_marker)(void *arg, const struct in6_addr *pcoa, const struct in6_addr *local, const struct in6_addr *ncoa,
	                    uint16_t id, uint16_t seq);
	/* The time of forwarding for pcoa is over, unrenewed: a key that the mobile was given goes (RFC 5269 §3.6). NULL: nothing. */
	void (*expired)(void *arg, const struct in6_addr *pcoa);
	/* Nothing more comes out of the reverse tunnel. */
	void (*tunnel_end)(void *arg, const struct in6_addr *pcoa);
	/* The timeline; also: FBU accepted, the NAR is known, HI not yet sent. */
	void (*opened)(void *arg, enum handover_mode mode, const struct in6_addr *pcoa, const struct in6_addr *ncoa,
	               const struct in6_addr *par, const struct in6_addr *nar, const struct lladdr *l, usec_t fbu_at);
	/* After opened: what another protocol of the mobile's put into the FBU, which came to par. NULL: it is passed over. */
	void (*rider)(void *arg, const struct in6_addr *pcoa, const struct in6_addr *par, const uint8_t *data, size_t len);
	void (*step)(void *arg, const struct in6_addr *pcoa, enum handover_step s, usec_t at);
	void (*devolved)(void *arg, const struct in6_addr *pcoa, const char *reason); /* it goes on as a reactive one */
	void (*closed)(void *arg, const struct in6_addr *pcoa, enum handover_result r, const char *reason);
};

/* params are borrowed and may change under the machine (reload). NULL: no memory. */
struct fmip6_par *par_create(struct loop *l, const struct fmip6_params *params, const struct par_ops *ops, void *arg);
void par_destroy(struct fmip6_par *p); /* silent: neither direct nor closed is called */

void par_fbu(struct fmip6_par *p, const struct mh_in *in);
void par_hack(struct fmip6_par *p, const struct mh_in *in);
/* The mobile has asked about another router: it may be leaving (§4 lets the PAR begin to buffer, fmip6.early_buffer). */
void par_foresee(struct fmip6_par *p, const struct in6_addr *pcoa, const struct lladdr *l);

/* The neighbour with that address was away, and may have forgotten what it served: it is asked at once. */
void par_neighbor_back(struct fmip6_par *p, const struct in6_addr *nar);

/* An answer to an echo request. */
void par_marker_reply(struct fmip6_par *p, const struct in6_addr *src, uint16_t id);

/*
 * The new router's part takes the mobile back: whatever is in force or pending for pcoa is over, without a word to the mobile.
 * The path is the caller's from here on. If packets were going into a tunnel, local and ncoa are its ends.
 */
enum par_was par_supersede(struct fmip6_par *p, const struct in6_addr *pcoa, struct in6_addr *local, struct in6_addr *ncoa);

struct par_view {
	struct in6_addr pcoa, ncoa, nar, local;
	struct lladdr lladdr; /* as its last FBU told it */
	bool forwarding, pending, lodged;
	usec_t expires;
};
bool par_find(const struct fmip6_par *p, const struct in6_addr *pcoa, struct par_view *out);
void par_each(struct fmip6_par *p, void (*fn)(const struct par_view *v, void *fn_arg), void *fn_arg);

#endif
