/*
 * CXTP at the new router: keeps what a previous router pushed until the mobile comes, checks the mobile's token, asks the
 * previous router for what did not come, puts contexts in force, and tells both.
 *
 * No context is installed unless its mobile's token was checked by the one who has the key: here, for a push (PCTD); by the
 * previous router, for what it sends in answer to our CT-Req. A key is wiped as soon as a token has passed under it. A token
 * that does not pass changes nothing of a push: the one who sent it may be a stranger. It is put before the previous router
 * instead, which knows better: the push may belong to an earlier attempt of the same mobile.
 *
 * Contexts that nobody fetched in context_lifetime are wiped with their key, and the previous router is told (CTC): so it
 * knows that the key has not served.
 */
#ifndef HANDOVERD_CXTP_NAR_H
#define HANDOVERD_CXTP_NAR_H

#include "cxtp/cxtp_contexts.h"
#include "cxtp/cxtp_params.h"
#include "cxtp/cxtp_rate.h"
#include "cxtp/cxtp_wire.h"

struct cxtp_nar_ops {
	/* A message to a neighbour, by its address in the table, copied. 0, or a negative errno. */
	int (*send)(const struct in6_addr *peer, const void *msg, size_t len, void *arg);
	/* A CTAA over the link that a CTAR came by. */
	void (*answer)(const struct cxtp_link *to, const void *msg, size_t len, void *arg);
	/* The usable neighbour that the mobile `pcoa` calls `router`: its table address. False: none. */
	bool (*neighbor)(const struct in6_addr *router, const struct in6_addr *pcoa, struct in6_addr *address, void *arg);
	/* May peer be the previous router of a mobile with that address? Not if the address belongs to our links, or to those of
	 * another neighbour. */
	bool (*may_push)(const struct in6_addr *peer, const struct in6_addr *pcoa, void *arg);
	/* The address a mobile is known to have here, from its handover; false: nothing is known. */
	bool (*expected)(const struct in6_addr *pcoa, struct in6_addr *ncoa, void *arg);
	/* Puts blocks in force for the mobile that came by `link` (cxtp_install). */
	void (*install)(const struct in6_addr *pcoa, const struct cxtp_link *link, const uint8_t *blocks, size_t blocks_len,
	                const uint8_t *request, size_t len, struct cxtp_contexts *out, void *arg);
	uint32_t (*random)(void *arg);
	/* A mobile has arrived, its token right: its address here, ours as it knows it, its sequence number. For
	 * cxtp_par_arrived of this router. */
	void (*arrived)(const struct in6_addr *addr, const struct in6_addr *own, uint32_t seq, void *arg);
	/* The contexts are in place, or will not come. */
	void (*done)(const struct in6_addr *pcoa, const struct in6_addr *addr, bool complete, void *arg);
	/* What happened, for the timeline of the mobile's handover: a step, a context's fate, the end. */
	void (*mark)(const struct in6_addr *pcoa, enum handover_step step, usec_t at, void *arg);
	void (*context)(const struct in6_addr *pcoa, uint16_t fpt, uint8_t status, void *arg);
	void (*end)(const struct in6_addr *pcoa, const struct in6_addr *par, enum handover_result result, const char *reason,
	            void *arg);
};

struct cxtp_nar;
/* Borrows all it is given. rate is shared with the previous router's machine. NULL: no memory. */
struct cxtp_nar *cxtp_nar_create(struct loop *l, const struct cxtp_params *params, struct cxtp_rate *rate,
                                 const struct cxtp_nar_ops *ops, void *arg);
void cxtp_nar_destroy(struct cxtp_nar *n); /* wipes; calls nothing back */

/* A CTAR from a mobile that came to one of our links: from->peer is its new address, m->router names the previous router. */
void cxtp_nar_ctar(struct cxtp_nar *n, const struct cxtp_link *from, const struct cxtp_message *m);
/* CTD or PCTD from a usable neighbour (its table address). */
void cxtp_nar_message(struct cxtp_nar *n, const struct in6_addr *peer, const struct cxtp_message *m);
/* A feature that left a block pending has its answer (BUS_CONTEXT_INSTALLED). CTDR and CTAA wait for the last one. */
void cxtp_nar_installed(struct cxtp_nar *n, const struct in6_addr *pcoa, uint16_t fpt, uint8_t status, const char *reason);

/*
 * RFC 4067 §5.2: a trigger here says that a mobile comes: its contexts and key are asked of its previous router (by whatever
 * address) before its CTAR is here. What comes waits as a push does; nothing coming is no loss, the CTAR asks again. 0;
 * -EALREADY: they are here, asked for or in force; -EHOSTUNREACH: no usable neighbour, or not connected; -ENOSPC.
 */
int cxtp_nar_request(struct cxtp_nar *n, const struct in6_addr *pcoa, const struct in6_addr *router);
/* §2.5.5: the mobile will not come, or its contexts are not wanted any more. What waits here is wiped, and whoever sent it or
 * was asked for it is told (CTC). What is in force stays. */
void cxtp_nar_cancel(struct cxtp_nar *n, const struct in6_addr *pcoa, const char *reason);

struct cxtp_nar_view {
	struct in6_addr pcoa, par;
	bool pushed, requested, done;
	bool ahead; /* asked for before the mobile's CTAR came */
	size_t octets;
	usec_t age; /* since the CTAR, or since the push if none came */
};
/* What is known of one mobile; false: nothing. */
bool cxtp_nar_of(struct cxtp_nar *n, const struct in6_addr *pcoa, struct cxtp_nar_view *v);
void cxtp_nar_each(const struct cxtp_nar *n, void (*fn)(const struct cxtp_nar_view *v, void *arg), void *arg);
size_t cxtp_nar_keys(const struct cxtp_nar *n); /* keys held right now: for checks */

#endif
