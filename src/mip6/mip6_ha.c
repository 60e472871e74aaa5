/* Which Binding Updates a home agent takes, and what it answers to the others (RFC 6275 §9.5, §10.3; RFC 4285). */
#include "mip6/mip6_ha_private.h"

#include <stdlib.h>
#include <string.h>

#define AUTH_FAILED_RATE 10             /* answers a second to wrong authenticators: who sends them has shown no right to any */
#define ERROR_RATE 10                   /* Binding Errors a second, RFC 6275 §9.3.3 */
#define DEFEND_RATE 10

/* A Binding Update on its way through the checks. */
struct request {
	const struct mip6_in *in;
	struct bu bu;
	struct in6_addr home, coa;
	struct ha_entry *entry; /* what is known of the home address, or NULL */
	struct ha_answer answer;
};

const struct ha_refusal ha_refusals[] = {
	[HA_MALFORMED] = { "malformed", MIP6_MALFORMED, 0 },
	[HA_NOT_HOME] = { "not a home registration", -1, 0 },
	[HA_BAD_ADDRESS] = { "home or care-of address is not unicast and routable", -1, 0 },
	[HA_NO_HOME_OPTION] = { "no Home Address option", -1, 0 },
	[HA_NONCES] = { "nonce indices in a home registration", -1, 0 },
	[HA_NO_AUTH] = { "no authentication option", MIP6_BU_BAD_AUTH, 0 },
	[HA_NO_KEY] = { "no key for this home address and SPI", MIP6_BU_BAD_AUTH, 0 },
	[HA_BAD_AUTH] = { "authenticator wrong", MIP6_BU_BAD_AUTH, BA_AUTH_FAILED },
	[HA_NO_TIMESTAMP] = { "no timestamp", MIP6_BU_REPLAYED, BA_MESG_ID_REQUIRED },
	[HA_STALE] = { "timestamp used before, or too far from this clock", MIP6_BU_REPLAYED, BA_ID_MISMATCH },
	[HA_SEQUENCE] = { "sequence number not greater than the last", MIP6_BU_REPLAYED, BA_SEQUENCE },
	[HA_OWN_ADDRESS] = { "home address is this home agent's own", -1, BA_PROHIBITED },
	[HA_NOT_HOME_SUBNET] = { "home address is not of our home links", -1, BA_NOT_HOME_SUBNET },
	[HA_BAD_COA] = { "care-of address is ours, or a home address served here", -1, BA_INVALID_COA },
	[HA_NOT_SERVED] = { "no such binding", -1, BA_NOT_HOME_AGENT },
	[HA_FULL] = { "limit of bindings reached", MIP6_CACHE_FULL, BA_NO_RESOURCES },
	[HA_NO_TUNNEL] = { "tunnel not set up", -1, BA_NO_RESOURCES },
	[HA_DUPLICATE] = { "another node on the home link has the address", MIP6_DAD_FAILED, BA_DAD_FAILED },
};

/* ---- what a Binding Update asks for ---- */

/* What this Binding Update proved, for the next. */
static void entry_note(struct ha_entry *e, const struct request *r)
{
	e->seq = r->bu.seq;
	e->stamped = r->answer.stamped && e->ha->params->replay == MIP6_REPLAY_TIMESTAMP && r->answer.authenticated;
	e->stamp = r->bu.o.timestamp;
	e->stamped_at = loop_now(e->ha->loop);
	e->answer = r->answer;
}

static enum ha_verdict registration(struct mip6_ha *h, struct request *r)
{
	struct ha_link link;
	const struct ha_entry *other = ha_entry_find(h, &r->coa);
	if (h->ops->is_own(h->arg, &r->home))
		return HA_OWN_ADDRESS;
	if (!h->ops->home_link(h->arg, &r->home, &link) || !ha_grant(h, r->bu.lifetime, &link))
		return HA_NOT_HOME_SUBNET;
	if (h->ops->is_own(h->arg, &r->coa) || (other && other->state != HA_ENDED))
		return HA_BAD_COA;
	if (!r->entry)
		r->entry = ha_entry_new(h, &r->home);
	if (!r->entry)
		return HA_FULL;
	struct ha_entry *e = r->entry;
	entry_note(e, r);
	switch (e->state) {
	case HA_ENDED:
		e->ifindex = link.ifindex;
		e->moves = 0;
		if (!h->params->dad)
			return ha_entry_serve(e, &r->in->dst, &r->coa, r->bu.flags, r->bu.lifetime) ? HA_OK : HA_NO_TUNNEL;
		ha_entry_probe(e, &r->in->dst, &r->coa, r->bu.flags, r->bu.lifetime);
		return HA_OK;
	case HA_PROBING: /* the answer waits, and is to the latest question */
		e->coa = r->coa;
		e->agent = r->in->dst;
		e->lifetime = r->bu.lifetime;
		return HA_OK;
	case HA_SERVING:
		return ha_entry_serve(e, &r->in->dst, &r->coa, r->bu.flags, r->bu.lifetime) ? HA_OK : HA_NO_TUNNEL;
	}
	return HA_OK;
}

/* RFC 6275 §10.3.2. One that has ended already is a question whose answer was lost. */
static enum ha_verdict deregistration(struct mip6_ha *h, struct request *r)
{
	struct ha_entry *e = r->entry;
	if (!e || e->state == HA_PROBING)
		return HA_NOT_SERVED;
	bool served = e->state == HA_SERVING;
	entry_note(e, r);
	if (served) {
		MIP6_COUNT(MIP6_DEREGISTERED);
		LOG_INFO("mip6", "binding deregistered home=%s coa=%s at_home=%s seq=%u", ADDR(&e->home), ADDR(&e->coa),
		         r->answer.way.lladdr.len ? "yes" : "no", e->seq);
		e->answer = r->answer;
		ha_entry_end(e, h->params->delete_time, &r->answer.way.lladdr);
	}
	ha_answer_send(h, &r->answer, &(struct ba){ .status = BA_ACCEPTED, .seq = r->bu.seq });
	return HA_OK;
}

/* ---- the checks ---- */

static bool routable(const struct in6_addr *a)
{
	return !addr_is_zero(a) && !addr_is_multicast(a) && !addr_is_link_local(a) && !addr_is_v4(a) && !IN6_IS_ADDR_LOOPBACK(a);
}

/* RFC 6275 §9.5.1; what fails here is discarded without a word. */
static enum ha_verdict check_shape(const struct mip6_ha *h, struct request *r)
{
	const struct mip6_in *in = r->in;
	if (bu_parse(in->data, in->len, &r->bu) < 0)
		return HA_MALFORMED;
	bool option = !addr_is_zero(&in->home);
	r->home = option ? in->home : in->src;
	r->coa = addr_is_zero(&r->bu.o.alt_coa) ? in->src : r->bu.o.alt_coa;
	if (!(r->bu.flags & BU_HOME))
		return HA_NOT_HOME;
	if (!routable(&r->home) || !routable(&r->coa) || !routable(&in->src))
		return HA_BAD_ADDRESS;
	if (r->bu.o.nonces)
		return HA_NONCES;
	return !option && r->bu.lifetime ? HA_NO_HOME_OPTION : HA_OK;
}

static void prepare_answer(struct request *r, const struct mip6_params *params)
{
	const struct mip6_in *in = r->in;
	const struct mip6_options *o = &r->bu.o;
	struct ha_answer *a = &r->answer;
	*a = (struct ha_answer){ .way = { .src = in->dst, .dst = in->src }, .home = r->home, .coa = r->coa, .seq = r->bu.seq,
		.authenticated = params->auth == MIP6_AUTH_RFC4285, .stamped = o->has_timestamp, .stamp = o->timestamp,
		.nai_len = (uint8_t)o->nai_len };
	if (o->nai_len)
		memcpy(a->nai, o->nai, o->nai_len);
	if (!addr_is_zero(&in->home))
		a->way.home = in->home;
}

/* A mobile at home is answered at the link-layer address that it asked from: others there may still hold ours for it. */
static void answer_at_home(struct mip6_ha *h, struct request *r)
{
	struct ha_link link;
	if (!addr_eq(&r->in->src, &r->home) || !h->ops->home_link(h->arg, &r->home, &link) || link.ifindex != r->in->ifindex)
		return;
	r->answer.way.ifindex = link.ifindex;
	r->answer.way.lladdr = r->in->from;
}

static enum ha_verdict check_auth(struct mip6_ha *h, const struct request *r)
{
	const struct mip6_auth *a = &r->bu.o.auth;
	struct mip6_key key;
	if (h->params->auth != MIP6_AUTH_RFC4285)
		return HA_OK;
	if (!a->present)
		return HA_NO_AUTH;
	if (a->spi != h->params->spi || !h->ops->key(h->arg, &r->home, &key))
		return HA_NO_KEY;
	bool ok = mip6_auth_verify(&key, &r->coa, &r->home, r->in->data, a);
	secret_wipe(&key, sizeof key);
	return ok ? HA_OK : HA_BAD_AUTH;
}

/* RFC 4285 §6 and §7: with timestamps the sequence number only matches answers. */
static enum ha_verdict check_fresh(struct mip6_ha *h, struct request *r)
{
	const struct mip6_params *p = h->params;
	const struct ha_entry *e = r->entry;
	if (p->auth != MIP6_AUTH_RFC4285 || p->replay != MIP6_REPLAY_TIMESTAMP)
		return e && !mip6_seq_newer(r->bu.seq, e->seq) ? HA_SEQUENCE : HA_OK;
	if (!r->bu.o.has_timestamp)
		return HA_NO_TIMESTAMP;
	uint64_t t = r->bu.o.timestamp;
	if (!mip6_timestamp_near(t, h->ops->clock(h->arg), p->skew) || !mip6_timestamp_newer(t, h->floor) ||
	    (e && e->stamped && !mip6_timestamp_newer(t, e->stamp)))
		return HA_STALE;
	return HA_OK;
}

static void refuse(struct mip6_ha *h, const struct request *r, enum ha_verdict why)
{
	uint8_t status = ha_refusals[why].status;
	usec_t now = loop_now(h->loop);
	if (ha_refusals[why].counter >= 0)
		MIP6_COUNT(ha_refusals[why].counter);
	if (why == HA_BAD_AUTH && !bucket_take(&h->auth_failed, now))
		status = 0;
	MIP6_COUNT(status ? MIP6_BU_REFUSED : MIP6_BU_DISCARDED);
	log_limited(&h->log, now, LOG_LEVEL_NOTICE, "mip6", "BU %s home=%s coa=%s peer=%s seq=%u reason=\"%s\" status=%u",
	            status ? "refused" : "discarded", ADDR(&r->home), ADDR(&r->coa), ADDR(&r->in->src), r->bu.seq, ha_refusals[why].reason,
	            status);
	if (status)
		ha_answer_refuse(h, &r->answer, status, why == HA_SEQUENCE ? r->entry->seq : r->bu.seq);
}

void ha_receive(struct mip6_ha *h, const struct mip6_in *in)
{
	struct request r = { .in = in };
	MIP6_COUNT(MIP6_BU_RECEIVED);
	enum ha_verdict v = check_shape(h, &r);
	if (v == HA_OK) {
		prepare_answer(&r, h->params);
		answer_at_home(h, &r);
		v = check_auth(h, &r);
	}
	if (v == HA_OK) {
		r.entry = ha_entry_find(h, &r.home);
		v = check_fresh(h, &r);
	}
	if (v == HA_OK)
		v = r.bu.lifetime && !addr_eq(&r.coa, &r.home) ? registration(h, &r) : deregistration(h, &r);
	if (v == HA_OK)
		return;
	if (v == HA_NO_TUNNEL && r.entry)
		ha_entry_end(r.entry, 0, &ha_nowhere);
	refuse(h, &r, v);
}

static void error_send(struct mip6_ha *h, const struct mip6_in *in, enum be_status status)
{
	uint8_t out[MIP6_MESSAGE_MAX];
	struct be m = { .status = (uint8_t)status, .home = in->home };
	int n = be_pack(&m, out, sizeof out);
	if (n < 0 || !routable(&in->src) || !bucket_take(&h->errors, loop_now(h->loop)))
		return;
	MIP6_COUNT(MIP6_BE_SENT);
	h->ops->send(h->arg, &(struct ha_way){ .src = in->dst, .dst = in->src }, out, (size_t)n);
}

/* ---- life ---- */

struct mip6_ha *ha_create(struct loop *l, const struct mip6_params *params, const struct ha_ops *ops, void *arg)
{
	struct mip6_ha *h = calloc(1, sizeof *h);
	if (!h)
		return NULL;
	*h = (struct mip6_ha){ .loop = l, .params = params, .ops = ops, .arg = arg, .floor = ops->clock(arg) };
	bucket_init(&h->auth_failed, AUTH_FAILED_RATE, AUTH_FAILED_RATE);
	bucket_init(&h->errors, ERROR_RATE, ERROR_RATE);
	bucket_init(&h->defended, DEFEND_RATE, DEFEND_RATE);
	bucket_init(&h->log, 1, 10);
	return h;
}

void ha_destroy(struct mip6_ha *h)
{
	struct ha_entry *e, *tmp;
	if (!h)
		return;
	HASH_ITER(hh, h->entries, e, tmp) {
		ha_entry_withdraw(e);
	}
	free(h);
}

void ha_unknown(struct mip6_ha *h, const struct mip6_in *in)
{
	error_send(h, in, BE_UNKNOWN_TYPE);
}

void ha_unbound(struct mip6_ha *h, const struct mip6_in *in)
{
	error_send(h, in, BE_UNKNOWN_BINDING);
}

void ha_each(const struct mip6_ha *h, ha_view_fn *fn, void *arg)
{
	usec_t now = loop_now(h->loop);
	for (const struct ha_entry *e = h->entries; e; e = e->hh.next) {
		bool served = e->state == HA_SERVING;
		struct ha_view v = { .home = e->home, .coa = e->coa, .agent = e->agent, .ifindex = e->ifindex, .state = e->state,
			.flags = e->flags, .seq = e->seq, .lifetime = served ? e->lifetime * HA_UNIT : 0,
			.left = served && e->expires > now ? e->expires - now : 0, .since = e->since, .moves = e->moves,
			.nai = e->answer.nai, .nai_len = e->answer.nai_len };
		fn(&v, arg);
	}
}
