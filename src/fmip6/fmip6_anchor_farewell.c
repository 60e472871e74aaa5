/* Who had a client is told that it has gone on (a HI with the P flag and Code 2, RFC 5949 §6.1.1), until the answer comes. */
#include "fmip6/fmip6_anchor_private.h"

#include <stdlib.h>

struct farewell {
	UT_hash_handle hh; /* by seq */
	struct fmip6_anchor *anchor;
	struct in6_addr pcoa, router, local;
	struct lladdr lladdr;
	uint16_t seq;
	int64_t tries;
	struct timer retry;
};

static struct farewell *find(const struct fmip6_anchor *a, uint16_t seq)
{
	struct farewell *f;
	HASH_FIND(hh, a->farewells, &seq, sizeof seq, f);
	return f;
}

uint16_t anchor_seq(struct fmip6_anchor *a)
{
	do
		a->seq = (uint16_t)(a->seq + 2);
	while (away_of_seq(a, a->seq) || find(a, a->seq));
	return a->seq;
}

void anchor_send_hi(struct fmip6_anchor *a, const struct hi *m, const struct in6_addr *local, const struct in6_addr *router)
{
	uint8_t out[128];
	struct in6_addr peer;
	int n = hi_pack(m, out, sizeof out);
	if (n < 0 || !a->ops->peer(a->arg, router, &peer)) /* its protection may have gone since */
		return;
	FMIP6_COUNT(FMIP6_HI_SENT);
	a->ops->send_hi(a->arg, local, router, out, (size_t)n);
}

static void drop(struct farewell *f)
{
	timer_stop(&f->retry);
	HASH_DELETE(hh, f->anchor->farewells, f);
	free(f);
}

static void tell(struct farewell *f)
{
	const struct hi m = { .seq = f->seq, .flags = HI_PROXY, .code = HI_COMPLETED, .lladdr = f->lladdr, .pcoa = f->pcoa };
	timer_after(&f->retry, f->anchor->params->hi_timeout << f->tries);
	f->tries++;
	anchor_send_hi(f->anchor, &m, &f->local, &f->router);
}

/* Whatever was still under way from there has come by now. */
static void end(struct farewell *f)
{
	struct fmip6_anchor *a = f->anchor;
	const struct away *e = away_find(a, &f->pcoa);
	if (e)
		away_tunnel_end(e);
	else
		a->ops->tunnel_end(a->arg, &f->pcoa, &f->local, &in6addr_any, &in6addr_any);
	drop(f);
}

static void again(struct timer *t, void *arg)
{
	struct farewell *f = arg;
	if (f->tries <= f->anchor->params->hi_retries)
		tell(f);
	else
		end(f); /* it will notice when nobody confirms its visit */
}

bool farewell(const struct away *e, const struct in6_addr *router)
{
	struct fmip6_anchor *a = e->anchor;
	struct farewell *f = HASH_CNT(hh, a->farewells) < (unsigned)a->params->sessions ? calloc(1, sizeof *f) : NULL;
	if (!f)
		return false;
	f->anchor = a;
	f->pcoa = e->pcoa;
	f->router = *router;
	f->local = e->local;
	f->lladdr = e->lladdr;
	f->seq = anchor_seq(a);
	timer_init(&f->retry, a->loop, again, f);
	HASH_ADD(hh, a->farewells, seq, sizeof f->seq, f);
	tell(f);
	return true;
}

bool farewell_answered(struct fmip6_anchor *a, uint16_t seq, const struct in6_addr *peer)
{
	struct farewell *f = find(a, seq);
	if (!f || !addr_eq(&f->router, peer))
		return false;
	end(f);
	return true;
}

void farewells_clear(struct fmip6_anchor *a)
{
	while (a->farewells)
		drop(a->farewells);
}
