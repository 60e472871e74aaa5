/* Which FBUs a PAR takes: whose they are, and whether what they ask for can be. */
#include "fmip6/fmip6_par_private.h"

#include <errno.h>
#include <stdio.h>

#include "core/secret.h"

/* Its words, its counter beside FBU_REFUSED, and what the mobile is told (0: nothing). */
static const struct {
	const char *reason;
	int counter; /* -1: none */
	uint8_t status;
} refusals[] = {
	[REFUSE_MALFORMED] = { "malformed", FMIP6_MALFORMED, 0 },
	[REFUSE_HOME] = { "no usable Home Address option", FMIP6_MALFORMED, 0 },
	[REFUSE_KEY] = { "no key for this address", FMIP6_FBU_BAD_AUTH, 0 },
	[REFUSE_AUTH] = { "authenticator missing or wrong", FMIP6_FBU_BAD_AUTH, 0 },
	[REFUSE_REPLAY] = { "seen before", FMIP6_FBU_REPLAYED, 0 },
	[REFUSE_SEQUENCE] = { "sequence number not greater than the last", FMIP6_FBU_REPLAYED, FBACK_SEQUENCE },
	[REFUSE_PCOA] = { "previous address is not of our access links", FMIP6_FBU_FOREIGN_PCOA, FBACK_PROHIBITED },
	[REFUSE_NCOA] = { "new address is behind no neighbour's access point", FMIP6_FBU_FOREIGN_NCOA, FBACK_PROHIBITED },
	[REFUSE_IDENTIFIER] = { "interface identifier too long for the prefix there", FMIP6_FBU_BAD_IID, FBACK_BAD_IID },
	[REFUSE_UNPROTECTED] = { "protection of the new router is not up", -1, FBACK_PROHIBITED },
	[REFUSE_FULL] = { "limit of sessions reached", FMIP6_SESSIONS_FULL, FBACK_NO_RESOURCES },
	[REFUSE_LOCAL] = { "sent to a link-local address, from which nothing can be tunnelled", -1, FBACK_UNSPECIFIED },
	[REFUSE_LLADDR] = { "link-layer address of the mobile is not known", -1, FBACK_UNSPECIFIED },
};

void par_fbu_refuse(struct fmip6_par *p, const struct request *q, enum refusal why, uint16_t seq)
{
	const struct mh_in *in = q->in;
	FMIP6_COUNT(FMIP6_FBU_REFUSED);
	if (refusals[why].counter >= 0)
		FMIP6_COUNT(refusals[why].counter);
	char than[48] = "";
	if (why == REFUSE_SEQUENCE)
		snprintf(than, sizeof than, " last=%u", seq);
	else if (why == REFUSE_FULL)
		snprintf(than, sizeof than, " sessions=%lld", (long long)p->params->sessions);
	log_limited(&p->log, in->at, LOG_LEVEL_NOTICE, "fmip6", "FBU refused mobile=%s peer=%s ncoa=%s seq=%u%s reason=\"%s\"",
	            ADDR(&in->home), ADDR(&in->src), ADDR(&q->ncoa), q->fbu.seq, than, refusals[why].reason);
	if (refusals[why].status == 0 || !bucket_take(&p->answers, in->at))
		return;
	struct fback m = { .status = refusals[why].status, .seq = seq, .badf = { .spi = q->fbu.badf.spi } };
	par_fback_send(p, &m, &q->pcoa, addr_is_zero(&q->ncoa) ? &q->pcoa : &q->ncoa, &in->dst, &in->src, q->from_pcoa);
}

/* The checks that need no state, cheapest first; nothing is believed before the authenticator. */
int par_fbu_check(struct fmip6_par *p, struct request *q)
{
	const struct mh_in *in = q->in;
	if (fbu_parse(in->data, in->len, &q->fbu) < 0)
		return REFUSE_MALFORMED;
	if (addr_is_zero(&in->home) || addr_is_multicast(&in->home) || addr_is_link_local(&in->home))
		return REFUSE_HOME;
	q->pcoa = in->home;
	q->from_pcoa = addr_eq(&in->src, &q->pcoa);
	if (q->fbu.lifetime > 0)
		q->ncoa = addr_is_zero(&q->fbu.ncoa) ? in->src : q->fbu.ncoa;
	if (addr_eq(&q->ncoa, &q->pcoa))
		q->ncoa = in6addr_any; /* to be forwarded to where it is: to be forwarded no longer */
	if (!q->fbu.has_badf)
		return REFUSE_AUTH;
	if (!p->ops->key(p->arg, &q->pcoa, q->fbu.badf.spi, &q->key))
		return REFUSE_KEY;
	bool good = badf_verify(&q->key, addr_is_zero(&q->ncoa) ? &q->pcoa : &q->ncoa, &in->dst, in->data, in->len);
	secret_wipe(&q->key, sizeof q->key);
	if (!good)
		return REFUSE_AUTH;
	return par_seen_before(p, q->fbu.badf.auth) ? REFUSE_REPLAY : -1;
}

/* The checks of what it asks for. */
int par_fbu_check_target(struct fmip6_par *p, struct request *q)
{
	if (!p->ops->own_address(p->arg, &q->pcoa))
		return REFUSE_PCOA;
	if (addr_is_zero(&q->ncoa))
		return -1;
	if (addr_is_link_local(&q->in->dst)) /* §4: the tunnel begins at a global address, and the mobile has to know which */
		return REFUSE_LOCAL;
	int rc = p->ops->target(p->arg, &q->ncoa, &q->nar, &q->router);
	if (rc < 0)
		return rc == -EACCES ? REFUSE_UNPROTECTED : rc == -ERANGE ? REFUSE_IDENTIFIER : REFUSE_NCOA;
	q->wants_nar = rc > 0;
	q->lladdr = q->fbu.lladdr;
	if (q->lladdr.len == 0 && !p->ops->lladdr(p->arg, &q->pcoa, &q->lladdr))
		return REFUSE_LLADDR;
	return -1;
}
