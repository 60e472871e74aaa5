/*
 * What becomes of a home address: probed for on the home link, served, and remembered when it has ended (RFC 6275 §10.3, §10.4).
 */
#include "mip6/mip6_ha_private.h"

#include <stdlib.h>
#include <string.h>

#define ADVERTISEMENTS 3                /* MAX_NEIGHBOR_ADVERTISEMENT */
#define ADVERTISEMENT_INTERVAL USEC_SEC /* RetransTimer */

const struct lladdr ha_nowhere;

/* ---- answers ---- */

/* RFC 4285 §6: a timestamp that was not accepted comes back with our seconds in it. */
static uint64_t answer_stamp(const struct mip6_ha *h, const struct ha_answer *a, uint8_t status)
{
	if (status != BA_ID_MISMATCH)
		return a->stamp;
	return (h->ops->clock(h->arg) & ~UINT64_C(0xffffffff)) | (a->stamp & 0xffffffff);
}

void ha_answer_send(struct mip6_ha *h, const struct ha_answer *a, struct ba *m)
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

void ha_answer_refuse(struct mip6_ha *h, const struct ha_answer *a, uint8_t status, uint16_t seq)
{
	ha_answer_send(h, a, &(struct ba){ .status = status, .seq = seq });
}

/* ---- what becomes of a home address ---- */

/* The link-local address with the home address's interface identifier (RFC 6275 §10.3.1, L). */
static struct in6_addr link_local(const struct in6_addr *home)
{
	struct in6_addr a = *home;
	memcpy(a.s6_addr, (const uint8_t[8]){ 0xfe, 0x80 }, 8);
	return a;
}

static void advertise(struct ha_entry *e)
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
	struct ha_entry *e = arg;
	e->before = in6addr_any;
	e->ha->ops->tunnel_only(e->ha->arg, &e->home);
}

static void proxy_local(struct ha_entry *e, bool on)
{
	struct in6_addr local = link_local(&e->home);
	e->ha->ops->proxy(e->ha->arg, e->ifindex, &local, on);
}

static void probe(struct ha_entry *e, bool on)
{
	struct in6_addr local = link_local(&e->home);
	e->ha->probing += on ? 1U : -1U;
	e->ha->ops->probe(e->ha->arg, e->ifindex, &e->home, on);
	if (e->flags & BU_LINK_LOCAL)
		e->ha->ops->probe(e->ha->arg, e->ifindex, &local, on);
}

static void entry_free(struct ha_entry *e)
{
	struct mip6_ha *h = e->ha;
	timer_stop(&e->timer);
	timer_stop(&e->advertise);
	timer_stop(&e->overlap);
	HASH_DEL(h->entries, e);
	free(e);
}

/* Nothing of it stays in the world; the order is that of RFC 6275 §10.3.2: first no more interception, then the answer. */
static void withdraw(struct ha_entry *e, const struct lladdr *here)
{
	struct mip6_ha *h = e->ha;
	timer_stop(&e->advertise);
	timer_stop(&e->overlap);
	ha_prefix_end(e);
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

void ha_entry_withdraw(struct ha_entry *e)
{
	withdraw(e, &ha_nowhere);
	entry_free(e);
}

/* A timestamp this far ahead of us would still be taken, so for twice the allowed distance it has to be remembered. */
static usec_t memory_of_stamp(const struct ha_entry *e)
{
	usec_t until = e->stamped ? e->stamped_at + 2 * e->ha->params->skew : 0, now = loop_now(e->ha->loop);
	return until > now ? until - now : 0;
}

void ha_entry_end(struct ha_entry *e, usec_t remember, const struct lladdr *here)
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

static void lost(struct ha_entry *e, const char *reason)
{
	LOG_NOTICE("mip6", "binding ended home=%s coa=%s reason=\"%s\"", ADDR(&e->home), ADDR(&e->coa), reason);
	ha_entry_end(e, 0, &ha_nowhere);
}

/* ---- acceptance ---- */

uint16_t ha_grant(const struct mip6_ha *h, uint16_t asked, const struct ha_link *link)
{
	uint64_t most = h->params->lifetime / HA_UNIT;
	if (link->valid != HA_FOREVER && link->valid / HA_UNIT < most)
		most = link->valid / HA_UNIT;
	return asked < most ? asked : (uint16_t)most;
}

/* Does the mobile have to ask for prefixes, because its own is going? */
static uint8_t accepted_status(uint16_t granted, const struct ha_link *link)
{
	bool deprecated = link->preferred != HA_FOREVER && link->preferred / HA_UNIT < granted;
	bool invalid = link->valid != HA_FOREVER && link->valid / HA_UNIT <= granted;
	return deprecated || invalid ? BA_ACCEPTED_PREFIX : BA_ACCEPTED;
}

static void answer_accept(struct ha_entry *e, const struct ha_link *link)
{
	uint64_t advice = e->ha->params->refresh / HA_UNIT;
	struct ba m = { .status = accepted_status(e->lifetime, link), .seq = e->seq, .lifetime = e->lifetime };
	if (advice && advice < e->lifetime)
		m.o.refresh = (uint16_t)advice;
	ha_answer_send(e->ha, &e->answer, &m);
}

/* The tunnel first, so that what the home link sends us finds its way. Then the home link is told, and last the mobile. */
bool ha_entry_serve(struct ha_entry *e, const struct in6_addr *agent, const struct in6_addr *coa, uint8_t flags, uint16_t asked)
{
	struct mip6_ha *h = e->ha;
	struct ha_link link;
	bool first = e->state != HA_SERVING;
	uint16_t granted = h->ops->home_link(h->arg, &e->home, &link) ? ha_grant(h, asked, &link) : 0;
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
	e->expires = loop_now(h->loop) + granted * HA_UNIT;
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
	ha_prefix_served(e);
	return true;
}

void ha_entry_probe(struct ha_entry *e, const struct in6_addr *agent, const struct in6_addr *coa, uint8_t flags, uint16_t asked)
{
	e->state = HA_PROBING;
	e->coa = *coa;
	e->agent = *agent;
	e->flags = flags;
	e->lifetime = asked;
	probe(e, true);
	timer_after(&e->timer, e->ha->params->dad);
}

static void probe_failed(struct ha_entry *e, enum ha_verdict why)
{
	struct mip6_ha *h = e->ha;
	struct ha_answer a = e->answer;
	uint16_t seq = e->seq;
	MIP6_COUNT(MIP6_BU_REFUSED);
	if (ha_refusals[why].counter >= 0)
		MIP6_COUNT(ha_refusals[why].counter);
	LOG_NOTICE("mip6", "binding refused home=%s coa=%s reason=\"%s\" status=%u", ADDR(&e->home), ADDR(&e->coa), ha_refusals[why].reason,
	           ha_refusals[why].status);
	ha_entry_end(e, 0, &ha_nowhere);
	ha_answer_refuse(h, &a, ha_refusals[why].status, seq);
}

/* Nobody on the home link has it. */
static void probe_passed(struct ha_entry *e)
{
	const struct in6_addr agent = e->agent, coa = e->coa;
	probe(e, false);
	e->state = HA_ENDED; /* until it is served */
	if (!ha_entry_serve(e, &agent, &coa, e->flags, e->lifetime))
		probe_failed(e, HA_NO_TUNNEL);
}

static void entry_timer(struct timer *t, void *arg)
{
	struct ha_entry *e = arg;
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

struct ha_entry *ha_entry_find(const struct mip6_ha *h, const struct in6_addr *home)
{
	struct ha_entry *e;
	HASH_FIND(hh, h->entries, home, sizeof *home, e);
	return e;
}

struct ha_entry *ha_entry_new(struct mip6_ha *h, const struct in6_addr *home)
{
	struct ha_entry *e = HASH_COUNT(h->entries) < (uint64_t)h->params->bindings ? calloc(1, sizeof *e) : NULL;
	if (!e)
		return NULL;
	*e = (struct ha_entry){ .ha = h, .home = *home, .state = HA_ENDED };
	timer_init(&e->timer, h->loop, entry_timer, e);
	timer_init(&e->advertise, h->loop, advertise_again, e);
	timer_init(&e->overlap, h->loop, overlap_over, e);
	ha_prefix_init(e);
	HASH_ADD(hh, h->entries, home, sizeof e->home, e);
	if (ha_entry_find(h, home) == e)
		return e;
	free(e);
	return NULL;
}

/* ---- the home link ---- */

/* Only while probing is a link-local address looked for: then there are few. */
static struct ha_entry *entry_claimed(const struct mip6_ha *h, int ifindex, const struct in6_addr *a)
{
	struct ha_entry *e = ha_entry_find(h, a);
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
	struct ha_entry *e = entry_claimed(h, ifindex, a);
	if (!e || e->state == HA_ENDED)
		return;
	if (e->state == HA_PROBING) {
		probe_failed(e, HA_DUPLICATE);
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
	struct ha_entry *e, *tmp;
	struct ha_link link;
	HASH_ITER(hh, h->entries, e, tmp) {
		bool there = h->ops->home_link(h->arg, &e->home, &link) && link.ifindex == e->ifindex;
		if (e->state == HA_SERVING && !there)
			lost(e, "the home prefix is gone");
		else if (e->state == HA_PROBING && !there)
			probe_failed(e, HA_NOT_HOME_SUBNET);
	}
	ha_prefix_links_changed(h);
}
