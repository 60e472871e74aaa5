/* Within the NAR: its table (fmip6_nar_table.c), UNAs (fmip6_nar_una.c), and what its files know of each other. */
#ifndef HANDOVERD_FMIP6_NAR_PRIVATE_H
#define HANDOVERD_FMIP6_NAR_PRIVATE_H

#include "fmip6/fmip6_early.h"
#include "fmip6/fmip6_nar.h"

#define HASH_FUNCTION FMIP6_HASH
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct session {
	UT_hash_handle hh; /* by v.ncoa */
	struct fmip6_nar *nar;
	struct nar_view v;
	struct in6_addr local; /* destination of the HI */
	struct in6_addr asked; /* the new address in the HI; another than v.ncoa if we chose one */
	struct in6_addr forwarder;
	uint16_t hi_seq;
	uint8_t code; /* of our HAck */
	bool here;    /* the last HI said that the mobile has come */
	bool open;    /* a timeline runs */
	bool held;    /* the path is ours: in hold, or being released */
	bool una;     /* it announced itself */
	bool contexts_done, contexts_wanted;
	struct timer timer;  /* HOLDING: the mobile does not come. WAITING: contexts do not. DONE: forgotten. */
	struct timer proxy;
	usec_t seen;       /* lodged: when it last said something */
	struct timer life; /* lodged: its PAR says nothing any more */
	struct timer dad; /* armed: asking the link, the HAck waits */
	struct marker marker;
};

struct fmip6_nar {
	struct loop *loop;
	const struct fmip6_params *params;
	const struct nar_ops *ops;
	void *arg;
	struct session *sessions;
	unsigned chosen; /* how many of them have another address than was asked for */
	struct early *early; /* what came before its HI */
	struct bucket log;
	struct bucket naacks;
};

struct session *nar_session_find(const struct fmip6_nar *n, const struct in6_addr *ncoa);
/* In state NAR_DONE. Makes room, if need be, by forgetting one that is done. NULL: the limit of sessions, or no memory. */
struct session *nar_session_make(struct fmip6_nar *n, const struct in6_addr *ncoa);
void nar_session_free(struct session *s);
/* Its address, and the one that the HI asked for: s goes to its place in the table. */
void nar_session_address(struct session *s, const struct in6_addr *ncoa, const struct in6_addr *asked);
void nar_session_undefend(struct session *s); /* its address is defended no longer */
void nar_session_quiet(struct session *s); /* no timer runs any more, nor is the address defended */

/* The session's steps (fmip6_nar.c). */
void nar_session_step(struct session *s, enum handover_step step, usec_t at);
void nar_session_close(struct session *s, enum handover_result r, const char *reason);
void nar_session_hack(struct session *s);
void nar_session_arrive(struct session *s); /* the mobile is on our link */
bool nar_taken(const struct fmip6_nar *n, const struct in6_addr *ncoa, const struct lladdr *l); /* is it another mobile's? */
/* Another address for a mobile whose own is taken; false: none is given. */
bool nar_assign(struct fmip6_nar *n, const struct lladdr *l, const struct in6_addr *taken, struct in6_addr *out);
void nar_refuse(struct fmip6_nar *n, const struct hi *m, const struct mh_in *in, uint8_t code, const char *reason);
void nar_hack_send(struct fmip6_nar *n, const struct in6_addr *src, const struct in6_addr *dst, uint16_t seq, uint8_t code,
                   const struct in6_addr *ncoa);

/* A PCoA that is served here (fmip6_nar_lodge.c). */
bool nar_serves(const struct fmip6_nar *n, int ifindex); /* on that link, where a new address cannot be had */
bool nar_lodge_may(const struct fmip6_nar *n, int ifindex, const struct in6_addr *pcoa, const struct in6_addr *peer);
bool nar_lodge_hi(struct fmip6_nar *n, const struct hi *m, const struct mh_in *in); /* a HI about one: it has been dealt with */
void nar_lodge_begin(struct fmip6_nar *n, const struct hi *m, const struct mh_in *in, int ifindex, const struct in6_addr *forwarder);
void nar_lodge_settled(struct session *s); /* it is here, and has what waited for it */
void nar_lodge_tick(struct session *s);
void nar_lodge_end(struct session *s, enum handover_result r, const char *reason);
void nar_lodge_life_ended(struct timer *t, void *arg);
struct session *nar_lodge_of(const struct fmip6_nar *n, const struct in6_addr *asked, const struct lladdr *l, int ifindex);
void nar_lodge_here(struct session *s, usec_t at); /* it has announced itself */
/* Nothing is done for it any more; its PAR will ask, and is told then. */
void nar_lodge_gone(struct session *s);
/* To a station on a link, within the limit of NAACKs. */
void nar_lodge_naack(struct fmip6_nar *n, int ifindex, const struct lladdr *to, const struct in6_addr *dst, uint8_t status,
                     const struct in6_addr *pcoa);

/* What a session's timers and its marker call. */
void nar_session_timeout(struct timer *t, void *arg);
void nar_proxy_timeout(struct timer *t, void *arg);
void nar_dad_timeout(struct timer *t, void *arg);
void nar_session_marker_send(void *arg, uint16_t id, uint16_t seq);
void nar_session_marker_ended(void *arg, bool answered);

#endif
