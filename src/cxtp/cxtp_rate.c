#include "cxtp/cxtp_rate.h"

#include <string.h>

void cxtp_rate_init(struct cxtp_rate *r, uint32_t per_second)
{
	memset(r, 0, sizeof *r);
	r->per_second = per_second;
}

static struct cxtp_rate_link *link_of(struct cxtp_rate *r, int ifindex, usec_t now)
{
	struct cxtp_rate_link *oldest = &r->links[0];
	for (struct cxtp_rate_link *l = r->links; l < r->links + CXTP_RATE_LINKS; l++) {
		if (l->ifindex == ifindex)
			return l;
		if (l->used < oldest->used)
			oldest = l;
	}
	*oldest = (struct cxtp_rate_link){ .ifindex = ifindex, .second = now };
	return oldest;
}

bool cxtp_rate_take(struct cxtp_rate *r, int ifindex, usec_t now, uint32_t random)
{
	struct cxtp_rate_link *l = link_of(r, ifindex, now);
	l->used = now;
	if (now - l->second >= USEC_SEC) {
		bool adjacent = now - l->second < 2 * USEC_SEC;
		l->arrived_before = adjacent ? l->arrived : 0;
		l->second = adjacent ? l->second + USEC_SEC : now;
		l->arrived = l->passed = 0;
	}
	l->arrived++;
	/* The second before tells what to expect: each gets the same chance, and about per_second of them pass. */
	if (l->arrived_before > r->per_second && random % l->arrived_before >= r->per_second)
		return false;
	if (l->passed >= r->per_second)
		return false;
	l->passed++;
	return true;
}
