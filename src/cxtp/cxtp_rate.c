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

/* A second is over; what came in it tells what to expect in the next, if it is the next. */
static void turn(struct cxtp_rate_link *l, usec_t now)
{
	bool adjacent = now - l->second < 2 * USEC_SEC;
	l->few = (struct cxtp_rate_count){ .before = adjacent ? l->few.arrived : 0 };
	l->much = (struct cxtp_rate_count){ .before = adjacent ? l->much.arrived : 0 };
	l->second = adjacent ? l->second + USEC_SEC : now;
	if (adjacent)
		memcpy(l->sent_before, l->sent, sizeof l->sent);
	else
		memset(l->sent_before, 0, sizeof l->sent_before);
	memset(l->sent, 0, sizeof l->sent);
}

/* Each of those counted gets the same chance, and about `rate` of them pass. */
static bool chance(const struct cxtp_rate_count *c, uint32_t rate, uint32_t random)
{
	return (c->before <= rate || random % c->before < rate) && c->passed < rate;
}

/* Has this sender sent more than a few? */
static bool sends_much(struct cxtp_rate_link *l, uint64_t sender)
{
	if (!sender)
		return true;
	uint16_t *sent = &l->sent[sender % CXTP_RATE_SENDERS];
	if (*sent < UINT16_MAX)
		++*sent;
	return *sent > CXTP_RATE_FEW || l->sent_before[sender % CXTP_RATE_SENDERS] > CXTP_RATE_FEW;
}

bool cxtp_rate_take(struct cxtp_rate *r, int ifindex, uint64_t sender, usec_t now, uint32_t random)
{
	struct cxtp_rate_link *l = link_of(r, ifindex, now);
	uint32_t rate = r->per_second, half = (rate + 1) / 2;
	l->used = now;
	if (now - l->second >= USEC_SEC)
		turn(l, now);
	struct cxtp_rate_count *c = sends_much(l, sender) ? &l->much : &l->few;
	c->arrived++;
	/* Below the rate nobody is dropped, whoever sends. */
	bool crowded = l->few.before + l->much.before > rate || l->few.arrived + l->much.arrived > rate;
	uint32_t others = l->much.passed < half ? l->much.passed : half;
	if (!chance(c, c == &l->few ? rate - others : crowded ? half : rate, random))
		return false;
	c->passed++;
	return true;
}
