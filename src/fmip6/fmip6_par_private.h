/* Within the PAR: its tables (fmip6_par_table.c), and what its files know of each other. */
#ifndef HANDOVERD_FMIP6_PAR_PRIVATE_H
#define HANDOVERD_FMIP6_PAR_PRIVATE_H

#include "fmip6/fmip6_par.h"

#define HASH_FUNCTION FMIP6_HASH
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

enum talk { TALK_NONE, TALK_RENEW, TALK_PART };

struct binding {
	UT_hash_handle hh;    /* by pcoa */
	UT_hash_handle hh_hi; /* by hi_seq, while pending */
	struct fmip6_par *par;
	struct in6_addr pcoa;
	struct in6_addr local; /* our address that the mobile knows: where its FBU went, and the tunnel's end */
	uint16_t seq;          /* of the last FBU that was accepted, */
	bool numbered;         /* if there was one */
	uint32_t spi;          /* the key that it was signed with, and its FBack is */
	struct timer life;     /* of the binding; of its memory when it is over */

	bool forwarding;
	bool lodged; /* ncoa is the new router's address, which serves the PCoA (HAck Code 3) */
	struct in6_addr ncoa, nar;
	struct in6_addr router; /* the new one, as mobiles on its link know it */
	struct lladdr lladdr;
	usec_t since;
	bool over;

	struct timer copying; /* armed: packets go to the link, and copies of them wait */
	bool awaited; /* it comes home from where its PCoA was served: held */
	bool held; /* nothing is in force yet and the mobile is gone: packets for it wait here */
	bool pending;
	struct in6_addr want, want_nar, want_router;
	struct in6_addr from; /* source of the FBU */
	bool from_pcoa;
	bool acknowledge;  /* the FBU asks for an FBack */
	bool given;        /* the HAck named the address */
	bool wants_nar;    /* want is the new router's own address: it is to serve the PCoA (NAACK Status 3) */
	bool lodging;      /* the new router has agreed to serve it */
	uint16_t lifetime; /* seconds, as granted */
	uint16_t hi_seq;
	int64_t tries;
	usec_t asked_at; /* the first of them */
	struct hi hi;
	struct timer retry;

	enum talk talk; /* a HI of our own to the router that serves, while nothing is pending: to want_nar */
	struct timer renew; /* lodged: whether its mobile is still there */

	struct marker marker;    /* the new router has agreed; the old way is not yet empty */
	struct in6_addr agreed;  /* the address it agreed to */
};

struct seen;
struct number;

struct fmip6_par {
	struct loop *loop;
	const struct fmip6_params *params;
	const struct par_ops *ops;
	void *arg;
	struct binding *bindings;
	struct binding *by_hi;
	struct seen *seen; /* FBUs that were accepted, oldest first */
	struct number *numbers; /* of the last one of each mobile, likewise */
	uint16_t hi_seq;
	struct bucket log;
	struct bucket answers; /* to FBUs with an old sequence number */
};

/* Why an FBU changes nothing. */
enum refusal {
	REFUSE_MALFORMED,
	REFUSE_HOME,
	REFUSE_KEY,
	REFUSE_AUTH,
	REFUSE_REPLAY,
	REFUSE_SEQUENCE,
	REFUSE_PCOA,
	REFUSE_NCOA,
	REFUSE_IDENTIFIER,
	REFUSE_UNPROTECTED,
	REFUSE_FULL,
	REFUSE_LLADDR,
	REFUSE_LOCAL,
};

/* An FBU on its way through the checks. */
struct request {
	const struct mh_in *in;
	struct fbu fbu;
	struct in6_addr pcoa, ncoa; /* ncoa unspecified: the binding is given up */
	struct in6_addr nar, router; /* the new router: for HI, and as mobiles on its link know it */
	struct badf_key key;
	struct lladdr lladdr;
	bool from_pcoa, wants_nar;
};

struct binding *par_binding_find(const struct fmip6_par *p, const struct in6_addr *pcoa);
/* Makes room, if need be, by forgetting one that is over. NULL: the limit of sessions, or no memory. */
struct binding *par_binding_make(struct fmip6_par *p, const struct in6_addr *pcoa);
void par_binding_free(struct binding *b);
void par_pending_end(struct binding *b); /* and what we say to the router that serves the PCoA; harmless if nothing is */
void par_copying_end(struct binding *b); /* the copies are thrown away; harmless if there are none */

void par_binding_over(struct binding *b); /* but remembered for a while */
void par_hi_send(struct binding *b);
uint16_t par_hi_seq_next(struct fmip6_par *p);

/* A PCoA that the new router serves (fmip6_par_serve.c). */
bool par_lodged(const struct binding *b);       /* it is, and that is in force */
/* In good time before the binding ends, or at once, as the mobile did; not at all, if it is another kind of binding. */
void par_serve_renew(struct binding *b, bool at_once);
void par_serve_end(struct binding *b);          /* that router need do so no longer */
void par_serve_answered(struct binding *b, const struct hack *m);
void par_serve_unanswered(struct binding *b);

/* FBUs (fmip6_par_fbu.c). The checks that need no state, and those of what is asked for: an enum refusal, or -1. */
int par_fbu_check(struct fmip6_par *p, struct request *q);
int par_fbu_check_target(struct fmip6_par *p, struct request *q);
void par_fbu_refuse(struct fmip6_par *p, const struct request *q, enum refusal why, uint16_t seq); /* seq: in the FBack, if there is one */
/* m: says which key. coa: the address the authenticator covers; dst and on_link as par_ops.send_fback has them. */
void par_fback_send(struct fmip6_par *p, struct fback *m, const struct in6_addr *pcoa, const struct in6_addr *coa,
                    const struct in6_addr *local, const struct in6_addr *dst, bool on_link);

bool par_seen_before(const struct fmip6_par *p, const uint8_t auth[BADF_AUTH_LEN]);
void par_seen_add(struct fmip6_par *p, const uint8_t auth[BADF_AUTH_LEN]);
void par_seen_clear(struct fmip6_par *p);

/* The sequence number of the last FBU that was accepted for pcoa; false: none is known. */
bool par_number_last(const struct fmip6_par *p, const struct in6_addr *pcoa, uint16_t *last);
void par_number_set(struct fmip6_par *p, const struct in6_addr *pcoa, uint16_t seq);
void par_numbers_clear(struct fmip6_par *p);

/* What a binding's timers and its marker call. */
void par_life_ended(struct timer *t, void *arg);
void par_copying_ended(struct timer *t, void *arg);
void par_hi_timeout(struct timer *t, void *arg);
void par_renew_due(struct timer *t, void *arg);
void par_binding_marker_send(void *arg, uint16_t id, uint16_t seq);
void par_binding_marker_ended(void *arg, bool answered);

#endif
