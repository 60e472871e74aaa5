/*
 * What a home agent tells the mobiles that are away of their home prefixes (RFC 6275 §10.6): at once when asked, and unasked some time
 * after a registration and after a change, until the mobile asks in turn, which acknowledges it.
 */
#include "mip6/mip6_ha_private.h"

#include <string.h>

#include "core/secret.h"
#include "mip6/mip6_mpd.h"

#define LEAST_INTERVAL USEC_SEC /* between two to one mobile (§6.8) */
#define SLACK 2                 /* seconds by which the end of a lifetime may differ and be the same: both were rounded */

/* ---- what there is to tell ---- */

static uint32_t seconds_of(usec_t t)
{
	return t == HA_FOREVER || t / USEC_SEC >= UINT32_MAX ? UINT32_MAX : (uint32_t)(t / USEC_SEC);
}

static void look(struct mip6_ha *h, int ifindex, struct ha_prefixes *out)
{
	struct ha_prefix now[HA_PREFIXES];
	*out = (struct ha_prefixes){ .ifindex = ifindex, .at = loop_now(h->loop) };
	out->n = h->ops->prefixes(h->arg, ifindex, now, HA_PREFIXES);
	for (size_t i = 0; i < out->n; i++)
		out->all[i] = (struct nd_prefix){ .prefix = now[i].prefix, .router = now[i].router, .on_link = true, .autonomous = true,
			.valid = seconds_of(now[i].valid), .preferred = seconds_of(now[i].preferred) };
}

static bool same_end(uint32_t a, uint32_t b, uint64_t passed)
{
	if (a == UINT32_MAX || b == UINT32_MAX)
		return a == b;
	uint64_t left = a > passed ? a - passed : 0;
	return left + SLACK >= b && b + SLACK >= left;
}

/* Other than by time that passed? */
static bool differs(const struct ha_prefixes *was, const struct ha_prefixes *now)
{
	uint64_t passed = (now->at - was->at) / USEC_SEC;
	bool differ = was->n != now->n;
	for (size_t i = 0; i < now->n && !differ; i++) {
		const struct nd_prefix *a = &was->all[i], *b = &now->all[i];
		differ = a->prefix.plen != b->prefix.plen || !addr_eq(&a->prefix.addr, &b->prefix.addr) || !addr_eq(&a->router, &b->router) ||
		         !same_end(a->valid, b->valid, passed) || !same_end(a->preferred, b->preferred, passed);
	}
	return differ;
}

static struct ha_prefixes *seen(struct mip6_ha *h, int ifindex)
{
	for (size_t i = 0; i < h->links_n; i++)
		if (h->links[i].ifindex == ifindex)
			return &h->links[i];
	if (h->links_n == HA_LINKS)
		return NULL; /* its mobiles are answered, and not told of changes */
	look(h, ifindex, &h->links[h->links_n]);
	return &h->links[h->links_n++];
}

/* ---- telling ---- */

static void tell(struct ha_entry *e, const struct in6_addr *to, uint16_t id)
{
	struct mip6_ha *h = e->ha;
	struct ha_prefixes now;
	uint8_t out[MPA_MAX];
	struct mpa m = { .id = id }; /* M and O clear: nobody here gives addresses to mobiles that are away (§10.4.4) */
	look(h, e->ifindex, &now);
	e->notice.sent = loop_now(h->loop);
	e->notice.ever = true;
	m.n = now.n;
	memcpy(m.prefixes, now.all, sizeof m.prefixes);
	int n = mpa_pack(&m, out, sizeof out);
	if (n < 0 || !m.n)
		return;
	MIP6_COUNT(MIP6_PREFIXES_SENT);
	h->ops->send_prefixes(h->arg, &(struct ha_way){ .src = e->agent, .dst = *to, .home = e->home }, out, (size_t)n);
}

/* RAND_ADV_DELAY */
static usec_t some_time(const struct ha_entry *e)
{
	const struct mip6_params *p = e->ha->params;
	struct ha_link link;
	usec_t most = p->prefix_max, span;
	uint64_t draw;
	if (e->ha->ops->home_link(e->ha->arg, &e->home, &link) && link.preferred < most)
		most = link.preferred;
	span = most > p->prefix_min ? most - p->prefix_min : p->prefix_min - most;
	secret_random(&draw, sizeof draw);
	return p->prefix_min + (span ? draw % span : 0);
}

static bool too_soon(const struct ha_entry *e, struct timer *t)
{
	usec_t at = e->notice.sent + LEAST_INTERVAL;
	if (!e->notice.ever || loop_now(e->ha->loop) >= at)
		return false;
	timer_at(t, at);
	return true;
}

static void unasked(struct timer *t, void *arg)
{
	struct ha_entry *e = arg;
	struct ha_notice *k = &e->notice;
	if (timer_armed(&k->asked)) { /* it will be told, and has asked: that is all there is to reach */
		timer_after(&k->unasked, e->ha->params->prefix_max);
		return;
	}
	if (too_soon(e, &k->unasked))
		return;
	k->unacknowledged = true;
	k->soon = false;
	tell(e, &e->coa, 0);
	if (k->tries++ < MIP6_PREFIX_ADV_RETRIES) {
		timer_after(&k->unasked, (MIP6_PREFIX_ADV_TIMEOUT_MS * USEC_MSEC) << (k->tries - 1));
		return;
	}
	LOG_INFO("mip6", "home prefixes not acknowledged home=%s coa=%s times=%u", ADDR(&e->home), ADDR(&e->coa), k->tries);
	k->tries = 0;
	timer_after(&k->unasked, e->ha->params->prefix_max);
}

static void asked(struct timer *t, void *arg)
{
	struct ha_entry *e = arg;
	if (!too_soon(e, &e->notice.asked))
		tell(e, &e->notice.to, e->notice.id);
}

void ha_prefix_init(struct ha_entry *e)
{
	timer_init(&e->notice.unasked, e->ha->loop, unasked, e);
	timer_init(&e->notice.asked, e->ha->loop, asked, e);
}

void ha_prefix_end(struct ha_entry *e)
{
	timer_stop(&e->notice.unasked);
	timer_stop(&e->notice.asked);
	e->notice.unacknowledged = e->notice.ever = false;
	e->notice.tries = 0;
}

void ha_prefix_served(struct ha_entry *e)
{
	struct ha_notice *k = &e->notice;
	if (!e->ha->params->prefixes)
		return;
	seen(e->ha, e->ifindex);
	if (k->unacknowledged && k->tries == 0) /* it is there, and has not heard */
		timer_after(&k->unasked, 0);
	else if (!timer_armed(&k->unasked))
		timer_after(&k->unasked, some_time(e));
}

/* What is told is made when it is sent: an advertisement that waits needs no replacing, one that is being repeated only its repeats. */
static void changed(struct ha_entry *e)
{
	struct ha_notice *k = &e->notice;
	if (e->state != HA_SERVING)
		return;
	if (k->tries)
		k->tries = 1;
	else if (!k->soon)
		timer_after(&k->unasked, some_time(e));
	k->soon = true;
}

static void link_changed(struct mip6_ha *h, struct ha_prefixes *was)
{
	struct ha_prefixes now;
	look(h, was->ifindex, &now);
	if (!differs(was, &now))
		return;
	*was = now;
	LOG_INFO("mip6", "home prefixes changed ifindex=%d prefixes=%zu", now.ifindex, now.n);
	for (struct ha_entry *e = h->entries; e; e = e->hh.next)
		if (e->ifindex == now.ifindex)
			changed(e);
}

void ha_prefix_links_changed(struct mip6_ha *h)
{
	for (size_t i = 0; h->params->prefixes && i < h->links_n; i++)
		link_changed(h, &h->links[i]);
}

/* §9.3.1: the Home Address option is believed of a mobile that is registered at the address it came from. */
void ha_solicited(struct mip6_ha *h, const struct mip6_in *in)
{
	struct ha_entry *e = ha_entry_find(h, &in->home);
	uint16_t id;
	if (!h->params->prefixes || addr_is_zero(&in->home))
		return;
	if (mps_parse(in->data, in->len, &id) < 0) {
		MIP6_COUNT(MIP6_MALFORMED);
		return;
	}
	if (!e || e->state != HA_SERVING || !addr_eq(&e->coa, &in->src)) {
		ha_unbound(h, in);
		return;
	}
	MIP6_COUNT(MIP6_PREFIXES_ASKED);
	e->notice.unacknowledged = e->notice.soon = false;
	e->notice.tries = 0;
	e->notice.to = in->src;
	e->notice.id = id;
	timer_after(&e->notice.unasked, h->params->prefix_max);
	asked(&e->notice.asked, e);
}
