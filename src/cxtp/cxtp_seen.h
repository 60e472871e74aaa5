/*
 * The memory of sequence numbers that have served, so that none serves twice (RFC 4067 §3.2, §6.3). Keys are derived, so
 * dropping one does not end its use; remembering that its sequence number served does.
 *
 * A fixed array of fingerprints under a keyed hash. When a bucket is full, the entry nearest its end gives way, which is
 * counted. Only transfers with a valid token enter.
 */
#ifndef HANDOVERD_CXTP_SEEN_H
#define HANDOVERD_CXTP_SEEN_H

#include "core/addr.h"
#include "core/loop.h"

enum cxtp_seen_kind {
	CXTP_SEEN_CTAR, /* a CTAR with it came to this router */
	CXTP_SEEN_DONE, /* contexts went out under it, and that is over */
	CXTP_SEEN_LEFT  /* no sequence number: the mobile came to another router just now */
};

struct cxtp_seen;
struct cxtp_seen *cxtp_seen_create(size_t entries); /* NULL: no memory */
void cxtp_seen_destroy(struct cxtp_seen *s);
void cxtp_seen_add(struct cxtp_seen *s, enum cxtp_seen_kind kind, const struct in6_addr *pcoa, uint32_t seq, usec_t now,
                   usec_t until);
bool cxtp_seen_has(const struct cxtp_seen *s, enum cxtp_seen_kind kind, const struct in6_addr *pcoa, uint32_t seq,
                   usec_t now);

#endif
