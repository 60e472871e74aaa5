/*
 * CXTP at the previous router: pushes a mobile's contexts when its CTAR announces a move, sends them when the new router
 * asks with the mobile's token, and forgets them when the new router has them.
 *
 * Life of a transfer: while outstanding (CT_MAX_TRANSFER_TIME from the last CTD) key and contexts are kept and a CT-Req with
 * the same sequence number gets them again; then both are wiped, and a CT-Req with a valid token is answered from the
 * features anew. The transfer is remembered until the CTDR, a CTC, or context_lifetime. If neither word came by then, its key
 * may have served at the new router, and its sequence number does not serve again (RFC 4067 §6.3).
 *
 * A push that no mobile asked for (cxtp_par_push) keeps neither key nor contexts here: both follow again from what is known,
 * should one of the candidates ask. Whatever the mobile itself says goes before it. Its sequence numbers serve again in a
 * later push only if every candidate has said that its mobile did not come (CTC); a silent one may have used its key.
 */
#ifndef HANDOVERD_CXTP_PAR_H
#define HANDOVERD_CXTP_PAR_H

#include "core/buf.h"
#include "core/secret.h"
#include "cxtp/cxtp_params.h"
#include "cxtp/cxtp_rate.h"
#include "cxtp/cxtp_wire.h"

#define CXTP_OWN_MAX 16 /* addresses of ours that a mobile may know its previous router by */

struct cxtp_par_ops {
	/* A message to a neighbour, by its address in the table, copied. 0, or a negative errno. */
	int (*send)(const struct in6_addr *peer, const void *msg, size_t len, void *arg);
	/* A CTAA back over the link that a CTAR came by. */
	void (*answer)(const struct cxtp_link *to, const void *msg, size_t len, void *arg);
	/* The usable neighbour that a mobile calls `router` (its table address or that on one of its links): its table address. */
	bool (*neighbor)(const struct in6_addr *router, struct in6_addr *address, void *arg);
	/* What a mobile with that address will call this neighbour: the router's address on the link it comes to; false: not
	 * known. */
	bool (*called)(const struct in6_addr *nar, const struct in6_addr *pcoa, struct in6_addr *router, void *arg);
	/* The mobile's master key; borrowed; NULL: none configured. */
	const struct secret *(*master)(const struct in6_addr *pcoa, void *arg);
	/* Our addresses by which that mobile may know us, likeliest first; how many. */
	size_t (*own)(const struct in6_addr *pcoa, struct in6_addr *out, size_t max, void *arg);
	/* Appends the blocks of the features asked for. nar: the neighbour they go to; router: what the mobile called it, or
	 * unspecified. */
	void (*collect)(const struct in6_addr *pcoa, const struct in6_addr *nar, const struct in6_addr *router,
	                const uint8_t *request, size_t len, struct wr *w, void *arg);
	/* The mobile is at another router now. */
	void (*forget)(const struct in6_addr *pcoa, void *arg);
	uint32_t (*random)(void *arg);
	/* What happened, for the timeline of the mobile's handover: a step, a context's fate, the end. */
	void (*mark)(const struct in6_addr *pcoa, enum handover_step step, usec_t at, void *arg);
	void (*context)(const struct in6_addr *pcoa, uint16_t fpt, uint8_t status, void *arg);
	void (*end)(const struct in6_addr *pcoa, const struct in6_addr *nar, enum handover_result result, const char *reason,
	            void *arg);
};

struct cxtp_par;
/* Borrows all it is given. rate is shared with the new router's machine. NULL: no memory. */
struct cxtp_par *cxtp_par_create(struct loop *l, const struct cxtp_params *params, struct cxtp_rate *rate,
                                 const struct cxtp_par_ops *ops, void *arg);
void cxtp_par_destroy(struct cxtp_par *p); /* wipes; calls nothing back */

/* A CTAR from a mobile on its link here: from->peer is its previous address, m->router names the new router. */
void cxtp_par_ctar(struct cxtp_par *p, const struct cxtp_link *from, const struct cxtp_message *m);
/*
 * RFC 4067 §5.1: a trigger here says that the mobile may go to one of these routers, named as the mobile does (their
 * addresses on their links, of pcoa's family), at most CXTP_CANDIDATES_MAX at a time. Each gets contexts and a key of its
 * own; the one that the mobile comes to says so (CTDR), the others forget theirs when context_lifetime ends. Returns how many
 * of them got a push now or had one already; or -EBUSY: the mobile itself has a transfer under way; -ENOKEY: no key is
 * configured; -ENOENT: its next sequence number cannot be told (cxtp_token.h), so no key to check its token with;
 * -EHOSTUNREACH: none of them is a usable neighbour, or could be sent anything; -ENOSPC.
 */
#define CXTP_CANDIDATES_MAX 8
int cxtp_par_push(struct cxtp_par *p, const struct in6_addr *pcoa, const struct in6_addr *routers, size_t n);
/* A mobile arrived at this router: from the new router's machine (cxtp_nar_ops.arrived). */
void cxtp_par_arrived(struct cxtp_par *p, const struct in6_addr *addr, const struct in6_addr *own, uint32_t seq);
/* CT-Req, CTDR or CTC from a usable neighbour (its table address). */
void cxtp_par_message(struct cxtp_par *p, const struct in6_addr *peer, const struct cxtp_message *m);

struct cxtp_par_view {
	struct in6_addr pcoa, nar;
	uint32_t seq;
	bool outstanding; /* key and contexts still held */
	size_t candidates; /* pushed to so many routers, unasked; nar is one of them */
	size_t octets;
	usec_t age;
};
/* The transfer of one mobile; false: there is none. */
bool cxtp_par_of(struct cxtp_par *p, const struct in6_addr *pcoa, struct cxtp_par_view *v);
void cxtp_par_each(const struct cxtp_par *p, void (*fn)(const struct cxtp_par_view *v, void *arg), void *arg);
size_t cxtp_par_keys(const struct cxtp_par *p); /* keys held right now: for checks */

#endif
