/* Within the previous router's machine: its transfers, and what its files know of each other. */
#ifndef HANDOVERD_CXTP_PAR_PRIVATE_H
#define HANDOVERD_CXTP_PAR_PRIVATE_H

#include "core/log.h"
#include "cxtp/cxtp_arrival.h"
#include "cxtp/cxtp_par.h"
#include "cxtp/cxtp_seen.h"
#include "cxtp/cxtp_table.h"

#define FIXED_PART 64 /* of a PCTD, its key not counted: more than any has */

struct transfer {
	UT_hash_handle hh;
	struct cxtp_par *par;
	struct in6_addr pcoa; /* the key */
	struct in6_addr nar;  /* table address of the neighbour that gets, or got, the contexts */
	uint32_t seq;
	struct candidate {
		struct in6_addr nar;
		uint32_t seq;
	} candidates[CXTP_CANDIDATES_MAX]; /* of a push that the mobile did not ask for; then nar and seq say nothing */
	size_t candidates_n;
	bool asked;    /* sent in answer to a valid token: the sequence number has served when this is over */
	bool sent;     /* some of it has left */
	bool announced; /* begun by the mobile's CTAR */
	bool untokened; /* begun by a CT-Req without a token: seq need not be the mobile's */
	struct secret *key; /* NULL once no longer outstanding */
	uint8_t *blocks;
	size_t blocks_len;
	usec_t first, last; /* CTD sent */
	struct timer timer;
};

struct cxtp_par {
	struct loop *loop;
	const struct cxtp_params *params;
	struct cxtp_rate *rate;
	const struct cxtp_par_ops *ops;
	void *arg;
	struct cxtp_seen *seen;
	struct cxtp_arrivals *arrivals;
	struct transfer *transfers;
	size_t held; /* octets of contexts */
	struct bucket lines;
	uint8_t blocks[CXTP_MESSAGE_MAX - FIXED_PART - SECRET_MAX]; /* collecting */
	uint8_t out[CXTP_MESSAGE_MAX];
};

/* The table of transfers, one a mobile (cxtp_par_table.c). */
struct transfer *cxtp_par_transfer(struct cxtp_par *p, const struct in6_addr *pcoa); /* NULL: none */
/* A new one, or the mobile's without key and contexts. NULL (counted): no room. */
struct transfer *cxtp_par_get(struct cxtp_par *p, const struct in6_addr *pcoa);
/* Keeps the first len octets of p->blocks as its contexts; false (counted): no room. */
bool cxtp_par_keep_blocks(struct transfer *t, size_t len);
/* An earlier transfer of the mobile makes room for one under another sequence number. */
void cxtp_par_supersede(struct cxtp_par *p, const struct in6_addr *pcoa, uint32_t seq);
/* Over, one way or another: the record gets its end, the sequence number will not serve again if it has. */
void cxtp_par_end(struct transfer *t, bool served, enum handover_result result, const char *reason);
void cxtp_par_free(struct transfer *t); /* in silence */

/* What was pushed to that router; NULL: nothing (cxtp_par_push.c). */
struct candidate *cxtp_par_candidate(struct transfer *t, const struct in6_addr *nar);
/* §5.2, a CT-Req without a token: the key that the mobile will use is known, and the contexts are pushed as if we had thought
 * of it. False: it is not known. */
bool cxtp_par_request_foreseen(struct cxtp_par *p, struct transfer *t, const struct in6_addr *peer, const struct cxtp_message *m);

#endif
