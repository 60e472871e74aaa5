/*
 * CT_REQUEST_RATE (RFC 4067 §6.3): at most so many CTARs a second are processed on each link; beyond that they are dropped
 * at random, so that whoever sends most wins nothing by being early in each second.
 */
#ifndef HANDOVERD_CXTP_RATE_H
#define HANDOVERD_CXTP_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/loop.h"

#define CXTP_RATE_LINKS 64 /* links told apart; beyond that the least recently used is forgotten */

struct cxtp_rate {
	uint32_t per_second;
	struct cxtp_rate_link {
		int ifindex;
		usec_t second;    /* when the current one began */
		usec_t used;
		uint32_t arrived, passed, arrived_before; /* this second, this second, the second before */
	} links[CXTP_RATE_LINKS];
};

void cxtp_rate_init(struct cxtp_rate *r, uint32_t per_second);
/* May a CTAR that came on this link now be processed? `random` is any 32 random bits. */
bool cxtp_rate_take(struct cxtp_rate *r, int ifindex, usec_t now, uint32_t random);

#endif
