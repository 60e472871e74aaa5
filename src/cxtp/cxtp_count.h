/* What CXTP counts; names and meaning stand in handoverctl(8). */
#ifndef HANDOVERD_CXTP_COUNT_H
#define HANDOVERD_CXTP_COUNT_H

#include "core/addr.h"
#include "core/counter.h"
#include "core/log.h"

enum cxtp_counter {
	CXTP_CTAR_SENT,
	CXTP_CTAR_RECEIVED,
	CXTP_CTAR_REPEATED,
	CXTP_CTAA_SENT,
	CXTP_CTAA_RECEIVED,
	CXTP_CTD_SENT,
	CXTP_CTD_RECEIVED,
	CXTP_PCTD_SENT,
	CXTP_PCTD_RECEIVED,
	CXTP_CTDR_SENT,
	CXTP_CTDR_RECEIVED,
	CXTP_CTC_SENT,
	CXTP_CTC_RECEIVED,
	CXTP_CTREQ_SENT,
	CXTP_CTREQ_RECEIVED,
	CXTP_CONTEXTS_COLLECTED,
	CXTP_CONTEXTS_INSTALLED,
	CXTP_CONTEXTS_FAILED,
	CXTP_CONTEXTS_CUT,
	CXTP_TRANSFERS_COMPLETE,
	CXTP_TRANSFERS_INCOMPLETE,
	CXTP_TRANSFERS_FAILED,
	CXTP_TRANSFERS_CANCELLED,
	CXTP_PUSHES_EXPIRED,
	CXTP_TOKEN_REFUSED,
	CXTP_REPLAYED,
	CXTP_RATE_DROPPED,
	CXTP_BUSY,
	CXTP_MALFORMED,
	CXTP_HOP_LIMIT,
	CXTP_WRONG_LINK,
	CXTP_WRONG_SOURCE,
	CXTP_WRONG_PEER,
	CXTP_UNPROTECTED,
	CXTP_UNEXPECTED,
	CXTP_UNKNOWN_ROUTER,
	CXTP_NO_KEY,
	CXTP_BAD_KEY_MATERIAL,
	CXTP_FOREIGN_MOBILE,
	CXTP_NO_ROOM,
	CXTP_HELD_MOBILES,
	CXTP_SEND_FAILED,
	CXTP_REPLAY_FORGOTTEN,
	CXTP_PAR_TRANSFERS,
	CXTP_NAR_TRANSFERS,
	CXTP_HELD_OCTETS,
	CXTP_ARRIVALS,
	CXTP_COUNTERS
};
extern struct counter cxtp_counters[CXTP_COUNTERS];

static inline void cxtp_count(enum cxtp_counter c)
{
	cxtp_counters[c].value++;
}

/* Limits the log lines about what one counter counts, so that none of them drowns the others. */
struct bucket *cxtp_lines(enum cxtp_counter c);
/* Counts, and says so: "WHAT refused mobile=… peer=… reason=…". */
void cxtp_refuse(enum cxtp_counter c, usec_t now, const char *what, const struct in6_addr *mobile, const struct in6_addr *peer,
                 const char *reason);

#endif
