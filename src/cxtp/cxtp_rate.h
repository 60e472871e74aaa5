/*
 * CT_REQUEST_RATE (RFC 4067 §6.3): at most so many CTARs a second are processed on each link; beyond that they are dropped
 * at random, so that whoever sends most wins nothing by being early in each second.
 *
 * Beyond the rate, senders are told apart, so that one that floods does not crowd out the others: who sent more than a few
 * in this second or the one before competes for half of the rate with those like it, and leaves the other half alone. Who
 * cannot be told apart (no link-layer address is known of it) is one sender with all of these.
 */
#ifndef HANDOVERD_CXTP_RATE_H
#define HANDOVERD_CXTP_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/loop.h"

#define CXTP_RATE_LINKS 64   /* links told apart; beyond that the least recently used is forgotten */
#define CXTP_RATE_SENDERS 64 /* of one link, by hash */
#define CXTP_RATE_FEW 4      /* CTARs a second that nobody needs more of: one and its repetitions, two families */

struct cxtp_rate {
	uint32_t per_second;
	struct cxtp_rate_link {
		int ifindex;
		usec_t second;    /* when the current one began */
		usec_t used;
		/* Of senders that send few and of those that send much: in this second, passed in it, in the second before. */
		struct cxtp_rate_count {
			uint32_t arrived, passed, before;
		} few, much;
		uint16_t sent[CXTP_RATE_SENDERS], sent_before[CXTP_RATE_SENDERS];
	} links[CXTP_RATE_LINKS];
};

void cxtp_rate_init(struct cxtp_rate *r, uint32_t per_second);
/* May a CTAR that came on this link now be processed? sender: a keyed hash of who sent it, 0 if that is not known;
 * `random` is any 32 random bits. */
bool cxtp_rate_take(struct cxtp_rate *r, int ifindex, uint64_t sender, usec_t now, uint32_t random);

#endif
