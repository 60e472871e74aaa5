/* Within the new router's machine: its transfers, and what its files know of each other. */
#ifndef HANDOVERD_CXTP_NAR_PRIVATE_H
#define HANDOVERD_CXTP_NAR_PRIVATE_H

#include "core/log.h"
#include "cxtp/cxtp_nar.h"
#include "cxtp/cxtp_table.h"

/* What a previous router sent before it was asked. */
struct push {
	struct secret *key; /* NULL: there is no push */
	struct in6_addr from;
	uint8_t *blocks;
	size_t len;
	bool acknowledge; /* the A bit */
	usec_t at;
	struct timer timer;
};

/* What a mobile asked for, and what became of it. */
enum request_state { REQUEST_NONE, REQUEST_SENT, REQUEST_INSTALLING, REQUEST_DONE };
struct request {
	enum request_state state;
	struct in6_addr par; /* table address of the previous router; unspecified in REQUEST_DONE without one */
	struct cxtp_link link;
	uint32_t seq, token;
	bool acknowledge; /* the A bit */
	uint8_t *blocks;  /* of the CTAR */
	size_t len;
	usec_t at, asked;
	struct cxtp_contexts *installing; /* REQUEST_INSTALLING: what features have yet to speak of */
	bool reply;      /* REQUEST_INSTALLING: the previous router wants a CTDR */
	uint8_t *failed; /* REQUEST_DONE: entries for the CTAA, to be repeated */
	size_t failed_len;
	bool installed;  /* REQUEST_DONE: and not given up */
	bool all;        /* what the CTDR said, to be repeated */
	uint8_t *came;
	size_t came_len;
	struct timer timer;
};

/* What was asked for without a token (§5.2), and has not come. */
struct ahead {
	bool asked;
	struct in6_addr par;
	usec_t at;
	struct timer timer;
};

struct transfer {
	UT_hash_handle hh;
	struct cxtp_nar *nar;
	struct in6_addr pcoa; /* the key */
	struct push push;
	struct ahead ahead;
	struct request request;
};

struct cxtp_nar {
	struct loop *loop;
	const struct cxtp_params *params;
	struct cxtp_rate *rate;
	const struct cxtp_nar_ops *ops;
	void *arg;
	struct transfer *transfers;
	size_t held; /* octets of pushed contexts and of requests */
	struct bucket lines;
	uint8_t out[CXTP_MESSAGE_MAX];
};

/* The table of transfers, one a mobile (cxtp_nar_table.c). */
struct transfer *cxtp_nar_transfer(struct cxtp_nar *n, const struct in6_addr *pcoa); /* NULL: none */
struct transfer *cxtp_nar_get(struct cxtp_nar *n, const struct in6_addr *pcoa);      /* NULL (counted): no room */
void cxtp_nar_free_if_idle(struct transfer *t);
void cxtp_nar_push_drop(struct transfer *t);
void cxtp_nar_ahead_drop(struct transfer *t);
void cxtp_nar_request_drop(struct transfer *t);
/* Octets of a transfer count while they are held; NULL (counted) beyond the limit. Empty is not NULL. */
uint8_t *cxtp_nar_hold(struct cxtp_nar *n, const uint8_t *data, size_t len, size_t limit);
void cxtp_nar_release(struct cxtp_nar *n, uint8_t **data, size_t *len);

/* Their times are over (cxtp_nar.c). */
void cxtp_nar_push_timer(struct timer *timer, void *arg);
void cxtp_nar_ahead_timer(struct timer *timer, void *arg);
void cxtp_nar_request_timer(struct timer *timer, void *arg);

#endif
