/*
 * CXTP at the mobile: a CTAR to the previous router when a move is announced, always one to the new router after it, with
 * the same sequence number, repeated until its CTAA comes (RFC 4067 §3.2).
 */
#ifndef HANDOVERD_CXTP_MN_H
#define HANDOVERD_CXTP_MN_H

#include "core/secret.h"
#include "cxtp/cxtp_params.h"
#include "cxtp/cxtp_wire.h"

struct cxtp_mn_ops {
	/* A CTAR to to->peer from to->local. 0, or a negative errno. */
	int (*send)(const struct cxtp_link *to, const void *msg, size_t len, void *arg);
	/* Our master key for that address; borrowed; NULL: none configured. */
	const struct secret *(*master)(const struct in6_addr *pcoa, void *arg);
	uint32_t (*random)(void *arg);
	/* The new router has answered, or will not. */
	void (*done)(const struct in6_addr *pcoa, const struct in6_addr *addr, bool complete, void *arg);
	/* What happened, for the timeline of the handover: a step, a context's fate, the end. */
	void (*mark)(const struct in6_addr *pcoa, enum handover_step step, usec_t at, void *arg);
	void (*context)(const struct in6_addr *pcoa, uint16_t fpt, uint8_t status, void *arg);
	void (*end)(const struct in6_addr *pcoa, const struct in6_addr *nar, enum handover_result result, const char *reason,
	            void *arg);
};

/* One movement. Routers by their addresses on the links, as the mobile knows them. */
struct cxtp_move {
	struct in6_addr pcoa, ncoa;
	struct in6_addr par, nar;
	int ifindex; /* of the link that the message goes out by; 0: as routes say */
};

struct cxtp_mn;
struct cxtp_mn *cxtp_mn_create(struct loop *l, const struct cxtp_params *params, const struct cxtp_mn_ops *ops, void *arg);
void cxtp_mn_destroy(struct cxtp_mn *n);

/* About to move; ncoa is not needed. Again for the same movement: the CTAR goes out again as it was. */
void cxtp_mn_prepare(struct cxtp_mn *n, const struct cxtp_move *move);
/* On the new link, NCoA usable. */
void cxtp_mn_attached(struct cxtp_mn *n, const struct cxtp_move *move);
/* A CTAA came. */
void cxtp_mn_ctaa(struct cxtp_mn *n, const struct cxtp_link *from, const struct cxtp_message *m);

enum cxtp_mn_state { CXTP_MN_IDLE, CXTP_MN_PREPARED, CXTP_MN_WAITING };
enum cxtp_mn_state cxtp_mn_state(const struct cxtp_mn *n);

#endif
