/* Within the NAR: its table (fmip6_nar_table.c), and what its files know of each other. */
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

/* What a session's timers and its marker call. */
void nar_session_timeout(struct timer *t, void *arg);
void nar_proxy_timeout(struct timer *t, void *arg);
void nar_dad_timeout(struct timer *t, void *arg);
void nar_session_marker_send(void *arg, uint16_t id, uint16_t seq);
void nar_session_marker_ended(void *arg, bool answered);

#endif
