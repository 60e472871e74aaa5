#include "mip6/mip6_ha.h"

#include <stdlib.h>
#include <string.h>

#define HASH_FUNCTION(keyptr, keylen, hashv) ((hashv) = (unsigned)hash_keyed((keyptr), (keylen)))
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define UNIT (MIP6_UNIT * USEC_SEC)
#define ADVERTISEMENTS 3                /* MAX_NEIGHBOR_ADVERTISEMENT */
#define ADVERTISEMENT_INTERVAL USEC_SEC /* RetransTimer */
#define AUTH_FAILED_RATE 10             /* answers a second to wrong authenticators: who sends them has shown no right to any */
#define ERROR_RATE 10                   /* Binding Errors a second, RFC 6275 §9.3.3 */
#define DEFEND_RATE 10

/* What an acknowledgement needs to know of its Binding Update, which may have to wait for the home link. */
struct answer {
	struct ha_way way;
	struct in6_addr home, coa;
	uint16_t seq;
	bool authenticated, stamped;
	uint64_t stamp;
	uint8_t nai_len;
	uint8_t nai[MIP6_NAI_MAX];
};

struct entry {
	UT_hash_handle hh;
	struct mip6_ha *ha;
	struct in6_addr home, coa, agent;
	struct in6_addr before; /* the care-of address that what is still under way was sent from; unspecified: none */
	int ifindex;
	enum ha_state state;
	uint8_t flags;
	uint16_t seq, lifetime; /* units: asked for while probing, then granted */
	bool stamped;           /* the last Binding Update had a timestamp, and this is it */
	uint64_t stamp;
	usec_t stamped_at;
	usec_t since, expires;
	uint64_t moves;
	unsigned advertised;
	struct answer answer;
	struct timer timer, advertise, overlap;
};

struct mip6_ha {
	struct loop *loop;
	const struct mip6_params *params;
	const struct ha_ops *ops;
	void *arg;
	struct entry *entries;
	unsigned probing;
	uint64_t floor; /* timestamps before our start may have been used before our start */
	struct bucket auth_failed, errors, defended, log;
};

/* A Binding Update on its way through the checks. */
struct request {
	const struct mip6_in *in;
	struct bu bu;
	struct in6_addr home, coa;
	struct entry *entry; /* what is known of the home address, or NULL */
	struct answer answer;
};

enum verdict {
	OK,
	MALFORMED,
	NOT_HOME,
	BAD_ADDRESS,
	NO_HOME_OPTION,
	NONCES,
	NO_AUTH,
	NO_KEY,
	BAD_AUTH,
	NO_TIMESTAMP,
	STALE,
	SEQUENCE,
	OWN_ADDRESS,
	NOT_HOME_SUBNET,
	BAD_COA,
	NOT_SERVED,
	FULL,
	NO_TUNNEL,
	DUPLICATE,
};
static const struct {
	const char *reason;
	int counter;    /* besides refused or discarded; -1: none */
	uint8_t status; /* 0: no answer */
} verdicts[] = {
	[MALFORMED] = { "malformed", MIP6_MALFORMED, 0 },
	[NOT_HOME] = { "not a home registration", -1, 0 },
	[BAD_ADDRESS] = { "home or care-of address is not unicast and routable", -1, 0 },
	[NO_HOME_OPTION] = { "no Home Address option", -1, 0 },
	[NONCES] = { "nonce indices in a home registration", -1, 0 },
	[NO_AUTH] = { "no authentication option", MIP6_BU_BAD_AUTH, 0 },
	[NO_KEY] = { "no key for this home address and SPI", MIP6_BU_BAD_AUTH, 0 },
	[BAD_AUTH] = { "authenticator wrong", MIP6_BU_BAD_AUTH, BA_AUTH_FAILED },
	[NO_TIMESTAMP] = { "no timestamp", MIP6_BU_REPLAYED, BA_MESG_ID_REQUIRED },
	[STALE] = { "timestamp used before, or too far from this clock", MIP6_BU_REPLAYED, BA_ID_MISMATCH },
	[SEQUENCE] = { "sequence number not greater than the last", MIP6_BU_REPLAYED, BA_SEQUENCE },
	[OWN_ADDRESS] = { "home address is this home agent's own", -1, BA_PROHIBITED },
	[NOT_HOME_SUBNET] = { "home address is not of our home links", -1, BA_NOT_HOME_SUBNET },
	[BAD_COA] = { "care-of address is ours, or a home address served here", -1, BA_INVALID_COA },
	[NOT_SERVED] = { "no such binding", -1, BA_NOT_HOME_AGENT },
	[FULL] = { "limit of bindings reached", MIP6_CACHE_FULL, BA_NO_RESOURCES },
	[NO_TUNNEL] = { "tunnel not set up", -1, BA_NO_RESOURCES },
	[DUPLICATE] = { "another node on the home link has the address", MIP6_DAD_FAILED, BA_DAD_FAILED },
};

/* ---- answers ---- */

/* RFC 4285 §6: a timestamp that was not accepted comes back with our seconds in it. */
static uint64_t answer_stamp(const struct mip6_ha *h, const struct answer *a, uint8_t status)
{
	if (status != BA_ID_MISMATCH)
		return a->stamp;
	return (h->ops->clock(h->arg) & ~UINT64_C(0xffffffff)) | (a->stamp & 0xffffffff);
}

static void answer_send(struct mip6_ha *h, const struct answer *a, struct ba *m)
{
	uint8_t out[MIP6_MESSAGE_MAX];
	struct mip6_key key;
	m->o.nai = a->nai;
	m->o.nai_len = a->nai_len;
	m->o.has_timestamp = a->stamped;
	m->o.timestamp = answer_stamp(h, a, m->status);
	m->o.auth = (struct mip6_auth){ .present = a->authenticated, .spi = (uint32_t)h->params->spi };
	int n = ba_pack(m, out, sizeof out);
	if (n < 0)
		return;
	if (a->authenticated) {
		bool ok = h->ops->key(h->arg, &a->home, &key) && mip6_auth_sign(&key, &a->coa, &a->home, out, (size_t)n) == 0;
		secret_wipe(&key, sizeof key);
		if (!ok)
			return;
	}
	MIP6_COUNT(MIP6_BA_SENT);
	h->ops->send(h->arg, &a->way, out, (size_t)n);
}

static void answer_refuse(struct mip6_ha *h, const struct answer *a, uint8_t status, uint16_t seq)
{
	answer_send(h, a, &(struct ba){ .status = status, .seq = seq });
}

/* ---- what becomes of a home address ---- */

/* The link-local address with the home address's interface identifier (RFC 6275 §10.3.1, L). */
static struct in6_addr link_local(const struct in6_addr *home)
{
	struct in6_addr a = *home;
	memcpy(a.s6_addr, (const uint8_t[8]){ 0xfe, 0x80 }, 8);
	return a;
}

static void advertise(struct entry *e)
{
	struct in6_addr local = link_local(&e->home);
	e->ha->ops->advertise(e->ha->arg, e->ifindex, &e->home);
	if (e->flags & BU_LINK_LOCAL)
		e->ha->ops->advertise(e->ha->arg, e->ifindex, &local);
	if (++e->advertised < ADVERTISEMENTS)
		timer_after(&e->advertise, ADVERTISEMENT_INTERVAL);
}

static void advertise_again(struct timer *t, void *arg)
{
	advertise(arg);
}

static void overlap_over(struct timer *t, void *arg)
{
	struct entry *e = arg;
	e->before = in6addr_any;
	e->ha->ops->tunnel_only(e->ha->arg, &e->home);
}

static void proxy_local(struct entry *e, bool on)
{
	struct in6_addr local = link_local(&e->home);
	e->ha->ops->proxy(e->ha->arg, e->ifindex, &local, on);
}

static void probe(struct entry *e, bool on)
{
	struct in6_addr local = link_local(&e->home);
	e->ha->probing += on ? 1U : -1U;
	e->ha->ops->probe(e->ha->arg, e->ifindex, &e->home, on);
	if (e->flags & BU_LINK_LOCAL)
		e->ha->ops->probe(e->ha->arg, e->ifindex, &local, on);
}

static void entry_free(struct entry *e)
{
	struct mip6_ha *h = e->ha;
	timer_stop(&e->timer);
	timer_stop(&e->advertise);
	timer_stop(&e->overlap);
	HASH_DEL(h->entries, e);
	free(e);
}

/* Nothing of it stays in the world; the order is that of RFC 6275 §10.3.2: first no more interception, then the answer. */
static void withdraw(struct entry *e, const struct lladdr *here)
{
	struct mip6_ha *h = e->ha;
	timer_stop(&e->advertise);
	timer_stop(&e->overlap);
	e->before = in6addr_any;
	switch (e->state) {
	case HA_PROBING:
		probe(e, false);
		break;
	case HA_SERVING:
		h->ops->proxy(h->arg, e->ifindex, &e->home, false);
		if (e->flags & BU_LINK_LOCAL)
			proxy_local(e, false);
		h->ops->untunnel(h->arg, &e->home, e->ifindex, here);
		mip6_counters[MIP6_BINDINGS].value--;
		break;
	case HA_ENDED:
		break;
	}
	e->state = HA_ENDED;
}

/* A timestamp this far ahead of us would still be taken, so for twice the allowed distance it has to be remembered. */
static usec_t memory_of_stamp(const struct entry *e)
{
	usec_t until = e->stamped ? e->stamped_at + 2 * e->ha->params->skew : 0, now = loop_now(e->ha->loop);
	return until > now ? until - now : 0;
}

static void entry_end(struct entry *e, usec_t remember, const struct lladdr *here)
{
	usec_t stamp = memory_of_stamp(e);
	withdraw(e, here);
	if (stamp > remember)
		remember = stamp;
	if (remember)
		timer_after(&e->timer, remember);
	else
		entry_free(e);
}

static const struct lladdr nowhere;

static void lost(struct entry *e, const char *reason)
{
	LOG_NOTICE("mip6", "binding ended home=%s coa=%s reason=\"%s\"", ADDR(&e->home), ADDR(&e->coa), reason);
	entry_end(e, 0, &nowhere);
}

/* ---- acceptance ---- */

/* RFC 6275 §10.3.1: no longer than asked for, than the home prefix stays, than we allow. Units; 0: the prefix is gone. */
static uint16_t grant(const struct mip6_ha *h, uint16_t asked, const struct ha_link *link)
{
	uint64_t most = h->params->lifetime / UNIT;
	if (link->valid != HA_FOREVER && link->valid / UNIT < most)
		most = link->valid / UNIT;
	return asked < most ? asked : (uint16_t)most;
}

/* Does the mobile have to ask for prefixes, because its own is going? */
static uint8_t accepted_status(uint16_t granted, const struct ha_link *link)
{
	bool deprecated = link->preferred != HA_FOREVER && link->preferred / UNIT < granted;
	bool invalid = link->valid != HA_FOREVER && link->valid / UNIT <= granted;
	return deprecated || invalid ? BA_ACCEPTED_PREFIX : BA_ACCEPTED;
}

static void answer_accept(struct entry *e, const struct ha_link *link)
{
	uint64_t advice = e->ha->params->refresh / UNIT;
	struct ba m = { .status = accepted_status(e->lifetime, link), .seq = e->seq, .lifetime = e->lifetime };
	if (advice && advice < e->lifetime)
		m.o.refresh = (uint16_t)advice;
	answer_send(e->ha, &e->answer, &m);
}

/* The tunnel first, so that what the home link sends us finds its way. Then the home link is told, and last the mobile. */
static bool serve(struct entry *e, const struct in6_addr *agent, const struct in6_addr *coa, uint8_t flags, uint16_t asked)
{
	struct mip6_ha *h = e->ha;
	struct ha_link link;
	bool first = e->state != HA_SERVING;
	uint16_t granted = h->ops->home_link(h->arg, &e->home, &link) ? grant(h, asked, &link) : 0;
	bool moved = !first && !addr_eq(coa, &e->coa);
	struct in6_addr before = moved && h->params->overlap ? e->coa : moved ? in6addr_any : e->before;
	if (!granted || h->ops->tunnel(h->arg, &e->home, agent, coa, &before) < 0)
		return false;
	e->before = before;
	if (moved && h->params->overlap)
		timer_after(&e->overlap, h->params->overlap);
	bool local = flags & BU_LINK_LOCAL, was_local = !first && (e->flags & BU_LINK_LOCAL);
	if (first)
		h->ops->proxy(h->arg, e->ifindex, &e->home, true);
	if (local != was_local)
		proxy_local(e, local);
	e->state = HA_SERVING;
	e->coa = *coa;
	e->agent = *agent;
	e->flags = flags;
	e->lifetime = granted;
	e->expires = loop_now(h->loop) + granted * UNIT;
	e->moves += moved;
	timer_at(&e->timer, e->expires);
	if (first || local != was_local) {
		e->advertised = 0;
		advertise(e);
	}
	MIP6_COUNT(first ? MIP6_REGISTERED : moved ? MIP6_MOVED : MIP6_RENEWED);
	if (first) {
		e->since = loop_now(h->loop);
		mip6_counters[MIP6_BINDINGS].value++;
	}
	if (first || moved)
		LOG_INFO("mip6", "binding %s home=%s coa=%s agent=%s lifetime=%us asked=%us seq=%u", first ? "registered" : "moved",
		         ADDR(&e->home), ADDR(coa), ADDR(agent), granted * MIP6_UNIT, asked * MIP6_UNIT, e->seq);
	answer_accept(e, &link);
	return true;
}

static void probe_failed(struct entry *e, enum verdict why)
{
	struct mip6_ha *h = e->ha;
	struct answer a = e->answer;
	uint16_t seq = e->seq;
	MIP6_COUNT(MIP6_BU_REFUSED);
	if (verdicts[why].counter >= 0)
		MIP6_COUNT(verdicts[why].counter);
	LOG_NOTICE("mip6", "binding refused home=%s coa=%s reason=\"%s\" status=%u", ADDR(&e->home), ADDR(&e->coa), verdicts[why].reason,
	           verdicts[why].status);
	entry_end(e, 0, &nowhere);
	answer_refuse(h, &a, verdicts[why].status, seq);
}

/* Nobody on the home link has it. */
static void probe_passed(struct entry *e)
{
	const struct in6_addr agent = e->agent, coa = e->coa;
	probe(e, false);
	e->state = HA_ENDED; /* until it is served */
	if (!serve(e, &agent, &coa, e->flags, e->lifetime))
		probe_failed(e, NO_TUNNEL);
}

static void entry_timer(struct timer *t, void *arg)
{
	struct entry *e = arg;
	switch (e->state) {
	case HA_PROBING:
		probe_passed(e);
		break;
	case HA_SERVING:
		MIP6_COUNT(MIP6_EXPIRED);
		lost(e, "lifetime over");
		break;
	case HA_ENDED:
		entry_free(e);
		break;
	}
}

/* ---- what a Binding Update asks for ---- */

static struct entry *entry_find(const struct mip6_ha *h, const struct in6_addr *home)
{
	struct entry *e;
	HASH_FIND(hh, h->entries, home, sizeof *home, e);
	return e;
}

static struct entry *entry_new(struct mip6_ha *h, const struct in6_addr *home)
{
	struct entry *e = HASH_COUNT(h->entries) < (uint64_t)h->params->bindings ? calloc(1, sizeof *e) : NULL;
	if (!e)
		return NULL;
	*e = (struct entry){ .ha = h, .home = *home, .state = HA_ENDED };
	timer_init(&e->timer, h->loop, entry_timer, e);
	timer_init(&e->advertise, h->loop, advertise_again, e);
	timer_init(&e->overlap, h->loop, overlap_over, e);
	HASH_ADD(hh, h->entries, home, sizeof e->home, e);
	if (entry_find(h, home) == e)
		return e;
	free(e);
	return NULL;
}

/* What this Binding Update proved, for the next. */
static void entry_note(struct entry *e, const struct request *r)
{
	e->seq = r->bu.seq;
	e->stamped = r->answer.stamped && e->ha->params->replay == MIP6_REPLAY_TIMESTAMP && r->answer.authenticated;
	e->stamp = r->bu.o.timestamp;
	e->stamped_at = loop_now(e->ha->loop);
	e->answer = r->answer;
}

static enum verdict probe_start(struct mip6_ha *h, struct request *r, const struct ha_link *link)
{
	struct entry *e = r->entry;
	e->ifindex = link->ifindex;
	e->moves = 0;
	if (!h->params->dad)
		return serve(e, &r->in->dst, &r->coa, r->bu.flags, r->bu.lifetime) ? OK : NO_TUNNEL;
	e->state = HA_PROBING;
	e->coa = r->coa;
	e->agent = r->in->dst;
	e->flags = r->bu.flags;
	e->lifetime = r->bu.lifetime;
	probe(e, true);
	timer_after(&e->timer, h->params->dad);
	return OK;
}

static enum verdict registration(struct mip6_ha *h, struct request *r)
{
	struct ha_link link;
	const struct entry *other = entry_find(h, &r->coa);
	if (h->ops->is_own(h->arg, &r->home))
		return OWN_ADDRESS;
	if (!h->ops->home_link(h->arg, &r->home, &link) || !grant(h, r->bu.lifetime, &link))
		return NOT_HOME_SUBNET;
	if (h->ops->is_own(h->arg, &r->coa) || (other && other->state != HA_ENDED))
		return BAD_COA;
	if (!r->entry)
		r->entry = entry_new(h, &r->home);
	if (!r->entry)
		return FULL;
	struct entry *e = r->entry;
	entry_note(e, r);
	switch (e->state) {
	case HA_ENDED:
		return probe_start(h, r, &link);
	case HA_PROBING: /* the answer waits, and is to the latest question */
		e->coa = r->coa;
		e->agent = r->in->dst;
		e->lifetime = r->bu.lifetime;
		return OK;
	case HA_SERVING:
		return serve(e, &r->in->dst, &r->coa, r->bu.flags, r->bu.lifetime) ? OK : NO_TUNNEL;
	}
	return OK;
}

/* RFC 6275 §10.3.2. One that has ended already is a question whose answer was lost. */
static enum verdict deregistration(struct mip6_ha *h, struct request *r)
{
	struct entry *e = r->entry;
	if (!e || e->state == HA_PROBING)
		return NOT_SERVED;
	bool served = e->state == HA_SERVING;
	entry_note(e, r);
	if (served) {
		MIP6_COUNT(MIP6_DEREGISTERED);
		LOG_INFO("mip6", "binding deregistered home=%s coa=%s at_home=%s seq=%u", ADDR(&e->home), ADDR(&e->coa),
		         r->answer.way.lladdr.len ? "yes" : "no", e->seq);
		e->answer = r->answer;
		entry_end(e, h->params->delete_time, &r->answer.way.lladdr);
	}
	answer_send(h, &r->answer, &(struct ba){ .status = BA_ACCEPTED, .seq = r->bu.seq });
	return OK;
}

/* ---- the checks ---- */

static bool routable(const struct in6_addr *a)
{
	return !addr_is_zero(a) && !addr_is_multicast(a) && !addr_is_link_local(a) && !addr_is_v4(a) && !IN6_IS_ADDR_LOOPBACK(a);
}

/* RFC 6275 §9.5.1; what fails here is discarded without a word. */
static enum verdict check_shape(const struct mip6_ha *h, struct request *r)
{
	const struct mip6_in *in = r->in;
	if (bu_parse(in->data, in->len, &r->bu) < 0)
		return MALFORMED;
	bool option = !addr_is_zero(&in->home);
	r->home = option ? in->home : in->src;
	r->coa = addr_is_zero(&r->bu.o.alt_coa) ? in->src : r->bu.o.alt_coa;
	if (!(r->bu.flags & BU_HOME))
		return NOT_HOME;
	if (!routable(&r->home) || !routable(&r->coa) || !routable(&in->src))
		return BAD_ADDRESS;
	if (r->bu.o.nonces)
		return NONCES;
	return !option && r->bu.lifetime ? NO_HOME_OPTION : OK;
}

static void prepare_answer(struct request *r, const struct mip6_params *params)
{
	const struct mip6_in *in = r->in;
	const struct mip6_options *o = &r->bu.o;
	struct answer *a = &r->answer;
	*a = (struct answer){ .way = { .src = in->dst, .dst = in->src }, .home = r->home, .coa = r->coa, .seq = r->bu.seq,
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

static enum verdict check_auth(struct mip6_ha *h, const struct request *r)
{
	const struct mip6_auth *a = &r->bu.o.auth;
	struct mip6_key key;
	if (h->params->auth != MIP6_AUTH_RFC4285)
		return OK;
	if (!a->present)
		return NO_AUTH;
	if (a->spi != h->params->spi || !h->ops->key(h->arg, &r->home, &key))
		return NO_KEY;
	bool ok = mip6_auth_verify(&key, &r->coa, &r->home, r->in->data, a);
	secret_wipe(&key, sizeof key);
	return ok ? OK : BAD_AUTH;
}

/* RFC 4285 §6 and §7: with timestamps the sequence number only matches answers. */
static enum verdict check_fresh(struct mip6_ha *h, struct request *r)
{
	const struct mip6_params *p = h->params;
	const struct entry *e = r->entry;
	if (p->auth != MIP6_AUTH_RFC4285 || p->replay != MIP6_REPLAY_TIMESTAMP)
		return e && !mip6_seq_newer(r->bu.seq, e->seq) ? SEQUENCE : OK;
	if (!r->bu.o.has_timestamp)
		return NO_TIMESTAMP;
	uint64_t t = r->bu.o.timestamp;
	if (!mip6_timestamp_near(t, h->ops->clock(h->arg), p->skew) || !mip6_timestamp_newer(t, h->floor) ||
	    (e && e->stamped && !mip6_timestamp_newer(t, e->stamp)))
		return STALE;
	return OK;
}

static void refuse(struct mip6_ha *h, const struct request *r, enum verdict why)
{
	uint8_t status = verdicts[why].status;
	usec_t now = loop_now(h->loop);
	if (verdicts[why].counter >= 0)
		MIP6_COUNT(verdicts[why].counter);
	if (why == BAD_AUTH && !bucket_take(&h->auth_failed, now))
		status = 0;
	MIP6_COUNT(status ? MIP6_BU_REFUSED : MIP6_BU_DISCARDED);
	log_limited(&h->log, now, LOG_LEVEL_NOTICE, "mip6", "BU %s home=%s coa=%s peer=%s seq=%u reason=\"%s\" status=%u",
	            status ? "refused" : "discarded", ADDR(&r->home), ADDR(&r->coa), ADDR(&r->in->src), r->bu.seq, verdicts[why].reason,
	            status);
	if (status)
		answer_refuse(h, &r->answer, status, why == SEQUENCE ? r->entry->seq : r->bu.seq);
}

void ha_receive(struct mip6_ha *h, const struct mip6_in *in)
{
	struct request r = { .in = in };
	MIP6_COUNT(MIP6_BU_RECEIVED);
	enum verdict v = check_shape(h, &r);
	if (v == OK) {
		prepare_answer(&r, h->params);
		answer_at_home(h, &r);
		v = check_auth(h, &r);
	}
	if (v == OK) {
		r.entry = entry_find(h, &r.home);
		v = check_fresh(h, &r);
	}
	if (v == OK)
		v = r.bu.lifetime && !addr_eq(&r.coa, &r.home) ? registration(h, &r) : deregistration(h, &r);
	if (v == OK)
		return;
	if (v == NO_TUNNEL && r.entry)
		entry_end(r.entry, 0, &nowhere);
	refuse(h, &r, v);
}

void ha_unknown(struct mip6_ha *h, const struct mip6_in *in)
{
	uint8_t out[MIP6_MESSAGE_MAX];
	struct be m = { .status = BE_UNKNOWN_TYPE, .home = in->home };
	int n = be_pack(&m, out, sizeof out);
	if (n < 0 || !routable(&in->src) || !bucket_take(&h->errors, loop_now(h->loop)))
		return;
	MIP6_COUNT(MIP6_BE_SENT);
	h->ops->send(h->arg, &(struct ha_way){ .src = in->dst, .dst = in->src }, out, (size_t)n);
}

/* ---- the home link ---- */

/* Only while probing is a link-local address looked for: then there are few. */
static struct entry *entry_claimed(const struct mip6_ha *h, int ifindex, const struct in6_addr *a)
{
	struct entry *e = entry_find(h, a);
	if (e || !h->probing || !addr_is_link_local(a))
		return e && e->ifindex == ifindex ? e : NULL;
	for (e = h->entries; e; e = e->hh.next) {
		struct in6_addr local = link_local(&e->home);
		if (e->state == HA_PROBING && e->ifindex == ifindex && (e->flags & BU_LINK_LOCAL) && addr_eq(&local, a))
			return e;
	}
	return NULL;
}

void ha_claimed(struct mip6_ha *h, int ifindex, const struct in6_addr *a, const struct lladdr *who, bool asks)
{
	struct entry *e = entry_claimed(h, ifindex, a);
	if (!e || e->state == HA_ENDED)
		return;
	if (e->state == HA_PROBING) {
		probe_failed(e, DUPLICATE);
		return;
	}
	/* The kernel answers who asks; who just takes it is contradicted. */
	if (asks || !bucket_take(&h->defended, loop_now(h->loop)))
		return;
	MIP6_COUNT(MIP6_DEFENDED);
	LOG_NOTICE("mip6", "home address defended home=%s link_address=%s", ADDR(&e->home), LLADDR(who));
	h->ops->advertise(h->arg, e->ifindex, &e->home);
}

void ha_links_changed(struct mip6_ha *h)
{
	struct entry *e, *tmp;
	struct ha_link link;
	HASH_ITER(hh, h->entries, e, tmp) {
		bool there = h->ops->home_link(h->arg, &e->home, &link) && link.ifindex == e->ifindex;
		if (e->state == HA_SERVING && !there)
			lost(e, "the home prefix is gone");
		else if (e->state == HA_PROBING && !there)
			probe_failed(e, NOT_HOME_SUBNET);
	}
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
	struct entry *e, *tmp;
	if (!h)
		return;
	HASH_ITER(hh, h->entries, e, tmp) {
		withdraw(e, &nowhere);
		entry_free(e);
	}
	free(h);
}

void ha_each(const struct mip6_ha *h, ha_view_fn *fn, void *arg)
{
	usec_t now = loop_now(h->loop);
	for (const struct entry *e = h->entries; e; e = e->hh.next) {
		bool served = e->state == HA_SERVING;
		struct ha_view v = { .home = e->home, .coa = e->coa, .agent = e->agent, .ifindex = e->ifindex, .state = e->state,
			.flags = e->flags, .seq = e->seq, .lifetime = served ? e->lifetime * UNIT : 0,
			.left = served && e->expires > now ? e->expires - now : 0, .since = e->since, .moves = e->moves,
			.nai = e->answer.nai, .nai_len = e->answer.nai_len };
		fn(&v, arg);
	}
}
