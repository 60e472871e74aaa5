/* What the three state machines share: times and limits, and the two ends of an ICMP message. */
#ifndef HANDOVERD_CXTP_PARAMS_H
#define HANDOVERD_CXTP_PARAMS_H

#include "core/addr.h"
#include "core/handover.h"
#include "core/loop.h"

struct cxtp_params {
	uint32_t request_rate;    /* CT_REQUEST_RATE: CTARs a second on one link, 10 */
	usec_t max_transfer_time; /* CT_MAX_TRANSFER_TIME, 200 ms */
	usec_t request_retry;     /* CT_REQUEST_RETRY, 2 s in the RFC */
	usec_t retry_max;         /* CT_RETRY_MAX, 15 s */
	usec_t sequence_reuse;    /* a sequence number is not drawn again for so long, 7 s (§3.2) */
	usec_t context_lifetime;  /* nAR: pushed contexts and key wait so long for their mobile; pAR: waits so long for the CTDR */
	usec_t replay_window;     /* a sequence number that served is refused for so long */
	bool hold;                /* nAR: a mobile's traffic waits for its contexts (cxtp_hold.h) */
	bool piggyback;           /* MN: the CTAR to the previous router goes along in the FBU */
	size_t transfers;         /* at most so many in each role */
	size_t memory;            /* octets of contexts held, in each role */
	size_t arrivals;          /* pAR: mobiles whose sequence number is remembered (cxtp_token.h) */
};

/* An ICMP message's ends: the peer's address, ours, and the link between them. */
struct cxtp_link {
	struct in6_addr peer, local;
	int ifindex;
	uint64_t sender; /* received: a keyed hash of the link-layer address that the peer has there; 0: not known */
};

#endif
