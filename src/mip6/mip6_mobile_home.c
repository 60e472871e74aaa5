/* The home addresses of a mobile node: which there are, and what each has. */
#include "mip6/mip6_mobile_private.h"

#include <stdlib.h>
#include <string.h>

#include "core/mobile.h"
#include "core/output.h"

const struct in6_addr *mip6_name(const struct mip6_mobile *m)
{
	return &m->homes[0]->params.home;
}

struct mip6_home *mip6_home_of(const struct mip6_mobile *m, const struct in6_addr *a)
{
	MIP6_HOMES_EACH(m, h)
		if (addr_eq(&h->params.home, a))
			return h;
	return NULL;
}

/* L is for the first alone: with one interface identifier in all of them there would be several bindings for the one link-local
 * address, and the end of any would end its defence. */
static bool shares_link_local(const struct mip6_home *h)
{
	struct in6_addr local;
	return h->at == 0 && h->m->ground.ifindex && rtnl_link_local(mip6_rtnl(h->m), h->m->ground.ifindex, &local) &&
	       memcmp(local.s6_addr + 8, h->params.home.s6_addr + 8, 8) == 0;
}

static void renew_reload(struct mip6_home *h);

void mip6_home_reload(struct mip6_home *h)
{
	const struct mip6_params *p = h->m->params;
	h->params = (struct mip6_mn_params){ .home = h->params.home, .agent = h->params.agent, .lifetime = p->lifetime,
		.first_timeout = p->first_timeout, .link_local = shares_link_local(h), .timestamps = p->replay == MIP6_REPLAY_TIMESTAMP,
		.spi = (uint32_t)p->spi };
	mip6_mn_reload(h->mn, &h->params);
	renew_reload(h);
}

static struct mip6_home *home_create(struct mip6_mobile *m, const struct in6_addr *a, uint8_t plen);

/* ---- how long they live (RFC 6275 §11.4.2, §11.4.3) ---- */

static void renew_solicit(void *arg, const uint8_t *data, size_t len)
{
	struct mip6_home *h = arg;
	struct mip6_mobile *m = h->m;
	if (m->prefixes)
		mip6_said(icmp6_home_send(m->prefixes, &m->coa, &h->params.agent, &h->params.home, data, len), "Mobile Prefix Solicitation",
		     &h->params.agent);
}

/* Whether this is a prefix of the home link the home agent says, under an authenticator, to the Binding Update for an address of it; and
 * without a key for that address none is taken. */
static void renew_prefix(void *arg, const struct nd_prefix *p, usec_t at)
{
	struct mip6_home *h = arg;
	struct mip6_mobile *m = h->m;
	struct in6_addr a = addr_compose(&p->prefix, mip6_name(m));
	if (p->prefix.plen != 64 || !p->autonomous || !p->valid || !p->preferred)
		return;
	MIP6_HOMES_EACH(m, other)
		if (prefix_has(&p->prefix, &other->params.home))
			return;
	if (m->params->auth == MIP6_AUTH_RFC4285 && !mobile_key(m->core->settings, &a)) {
		LOG_NOTICE("mip6", "home prefix without a key, not taken home=%s prefix=%s", ADDR(mip6_name(m)), PREFIX(&p->prefix));
		return;
	}
	struct mip6_home *more = home_create(m, &a, p->prefix.plen);
	if (!more) {
		LOG_WARNING("mip6", "home prefix not taken home=%s prefix=%s reason=\"no room\" limit=%d", ADDR(mip6_name(m)),
		            PREFIX(&p->prefix), MIP6_HOMES);
		return;
	}
	LOG_NOTICE("mip6", "another home address home=%s prefix=%s valid_s=%u preferred_s=%u", ADDR(&a), PREFIX(&p->prefix), p->valid,
	           p->preferred);
	more->params.agent = h->params.agent;
	mip6_mn_agent(more->mn, &more->params.agent);
	if (more->renew)
		renew_heard(more->renew, p, 1, at);
	if (m->home) {
		ground_home(&m->ground, more->at, true);
		mip6_home_known(more);
	} else if (!addr_is_zero(&m->coa)) {
		mip6_mn_away(more->mn, &m->coa, m->valid_until, MIP6_WAY_GONE);
	}
}

static void renew_until(void *arg, usec_t valid)
{
	struct mip6_home *h = arg;
	usec_t now = loop_now(h->m->core->loop);
	if (valid == UINT64_MAX)
		LOG_INFO("mip6", "home address has no end home=%s", ADDR(&h->params.home));
	else
		LOG_INFO("mip6", "home address ends home=%s valid_s=%llu", ADDR(&h->params.home), (unsigned long long)((valid - now) / USEC_SEC));
	mip6_mn_valid_until(h->mn, valid);
}

static void renew_over(void *arg)
{
	struct mip6_home *h = arg;
	struct mip6_mobile *m = h->m;
	LOG_WARNING("mip6", "home address is valid no longer, given up home=%s", ADDR(&h->params.home));
	mip6_mn_end(h->mn);
	timer_stop(&h->ask);
	timer_stop(&h->claim);
	if (h->tunnelled)
		tunnel_end_del(m->core->net->paths, &h->params.home);
	h->tunnelled = false;
	ground_home_unset(&m->ground, h->at);
	home_forget(m->core, &h->params.home);
	if (h->at == 0 && m->record)
		mip6_record_close(m, HANDOVER_FAILED, "the home address is valid no longer");
}

static const struct renew_ops renew_ops = { .solicit = renew_solicit, .prefix = renew_prefix, .until = renew_until, .over = renew_over };

void mip6_prefixes_heard(struct mip6_mobile *m, const struct mip6_place *p, usec_t at)
{
	MIP6_HOMES_EACH(m, h)
		if (h->renew)
			renew_heard(h->renew, p->prefixes, p->n, at);
}

/* §11.4.3: from the home agent of the registration, by way of a type 2 routing header. */
void mip6_prefixes_received(const struct icmp6_message *msg, void *arg)
{
	struct mip6_mobile *m = arg;
	struct mip6_home *h = addr_is_zero(&msg->routed) ? NULL : mip6_home_of(m, &msg->routed);
	if (h && h->renew && addr_eq(&msg->src, &h->params.agent) && mip6_mn_view(h->mn).state == MIP6_MN_REGISTERED)
		renew_advertised(h->renew, msg->data, msg->len, msg->at);
}

static void renew_reload(struct mip6_home *h)
{
	const struct mip6_mobile *m = h->m;
	const struct prefix home = prefix_of(&h->params.home, m->ground.homes[h->at].plen);
	if (m->params->prefixes == (h->renew != NULL))
		return;
	renew_destroy(h->renew);
	h->renew = m->params->prefixes ? renew_create(m->core->loop, &home, &renew_ops, h) : NULL;
	if (!h->renew)
		mip6_mn_valid_until(h->mn, UINT64_MAX);
}

void mip6_owner(struct mip6_home *h)
{
	struct mip6_mn_view v = mip6_mn_view(h->mn);
	bool served = v.state != MIP6_MN_RETURNING && !addr_is_zero(&v.registered);
	if (v.state == MIP6_MN_ENDED)
		return;
	home_set(h->m->core, &h->params.home, v.state == MIP6_MN_HOME ? HOME_OURS : served ? HOME_AGENT : HOME_UNSURE);
}

static struct mip6_home *home_create(struct mip6_mobile *m, const struct in6_addr *a, uint8_t plen)
{
	size_t at = 0;
	while (at < MIP6_HOMES && m->homes[at])
		at++;
	struct mip6_home *h = at < MIP6_HOMES ? calloc(1, sizeof *h) : NULL;
	if (!h)
		return NULL;
	*h = (struct mip6_home){ .m = m, .at = at, .params = { .home = *a, .agent = m->params->home_agent } };
	timer_init(&h->ask, m->core->loop, mip6_ask_timeout, h);
	timer_init(&h->claim, m->core->loop, mip6_claim_timeout, h);
	h->mn = mip6_mn_create(m->core->loop, &h->params, &mip6_mobile_mn_ops, h);
	if (!h->mn) {
		free(h);
		return NULL;
	}
	m->homes[at] = h;
	m->ground.homes[at] = (struct ground_home){ .addr = *a, .plen = plen };
	mip6_home_reload(h);
	(void)home_set(m->core, a, HOME_UNSURE);
	return h;
}

/* ---- home agents that are looked for (RFC 6275 §11.4.1) ---- */

void mip6_agents_want(struct mip6_mobile *m)
{
	const struct prefix home = prefix_of(mip6_name(m), m->ground.homes[0].plen);
	bool wanted = false;
	MIP6_HOMES_EACH(m, h)
		wanted |= addr_is_zero(&h->params.agent);
	if (wanted && !addr_is_zero(&m->coa))
		seek_begin(m->seek, &home);
}

bool mip6_agent_next(struct mip6_home *h, struct in6_addr *agent)
{
	struct mip6_mobile *m = h->m;
	const struct prefix home = prefix_of(mip6_name(m), m->ground.homes[0].plen);
	const struct in6_addr *next;
	if (!addr_is_zero(&m->params->home_agent))
		return false;
	do {
		next = seek_agent(m->seek, h->next++);
	} while (next && addr_eq(next, &h->params.agent));
	if (!next) {
		h->next--;
		seek_later(m->seek, &home); /* there may be others by then */
		return false;
	}
	h->params.agent = *agent = *next;
	h->agent = (struct lladdr){ .len = 0 };
	return true;
}

static void ask(void *arg, const struct in6_addr *anycast, const uint8_t *data, size_t len)
{
	struct mip6_mobile *m = arg;
	LOG_INFO("mip6", "asking for home agents home=%s peer=%s coa=%s", ADDR(mip6_name(m)), ADDR(anycast), ADDR(&m->coa));
	mip6_said(icmp6_send(m->icmp, 0, &m->coa, anycast, 64, false, data, len), "request for home agents", anycast);
}

/* Whoever has no home agent, or none that took it, tries the first. */
static void found(void *arg, usec_t at)
{
	struct mip6_mobile *m = arg;
	size_t n = 0;
	while (seek_agent(m->seek, n))
		n++;
	LOG_INFO("mip6", "home agents found home=%s peer=%s agents=%zu", ADDR(mip6_name(m)), ADDR(seek_agent(m->seek, 0)), n);
	MIP6_HOMES_EACH(m, h) {
		struct in6_addr agent;
		h->next = 0;
		if (mip6_mn_view(h->mn).state != MIP6_MN_REGISTERED && mip6_agent_next(h, &agent))
			mip6_mn_agent(h->mn, &agent);
	}
}

static void silent(void *arg, usec_t at)
{
	struct mip6_mobile *m = arg;
	LOG_WARNING("mip6", "nobody says which home agents there are home=%s requests=%u again_s=%llu", ADDR(mip6_name(m)),
	            1 + MIP6_DHAAD_RETRIES, (unsigned long long)(SEEK_PAUSE / USEC_SEC));
}

const struct seek_ops mip6_mobile_seek_ops = { .ask = ask, .found = found, .silent = silent };

/* ---- life ---- */

bool mip6_homes_create(struct mip6_mobile *m)
{
	const struct mip6_params *p = m->params;
	const struct mip6_further_home *further = p->home_addresses.items;
	bool ok = home_create(m, &p->home_address, (uint8_t)p->home_prefix_length) != NULL;
	for (size_t i = 0; ok && i < p->home_addresses.n; i++)
		ok = home_create(m, &further[i].address, (uint8_t)further[i].prefix_length) != NULL;
	return ok;
}

void mip6_home_destroy(struct mip6_home *h)
{
	struct mip6_mobile *m = h->m;
	if (m->mh)
		mip6_mn_farewell(h->mn);
	if (h->tunnelled)
		tunnel_end_del(m->core->net->paths, &h->params.home);
	ground_home_end(&m->ground, h->at);
	home_forget(m->core, &h->params.home);
	renew_destroy(h->renew);
	timer_stop(&h->ask);
	timer_stop(&h->claim);
	mip6_mn_destroy(h->mn);
	m->homes[h->at] = NULL;
	free(h);
}

void mip6_home_show(const struct mip6_home *h, struct output *o)
{
	const struct mip6_mobile *m = h->m;
	struct mip6_mn_view v = mip6_mn_view(h->mn);
	usec_t now = loop_now(m->core->loop), end = h->renew ? renew_valid_until(h->renew) : UINT64_MAX;
	out_item_begin(o, NULL);
	out_addr(o, "home", &h->params.home);
	out_addr(o, "agent", &h->params.agent);
	out_str(o, "state", mip6_mn_state_name(v.state));
	out_addr(o, "coa", &m->coa);
	out_addr(o, "registered", &v.registered);
	out_msec(o, "expires_ms", v.expires > now ? v.expires - now : 0);
	if (end == UINT64_MAX)
		out_str(o, "valid_s", NULL);
	else
		out_uint(o, "valid_s", end > now ? (end - now) / USEC_SEC : 0);
	out_str(o, "link", mip6_link_state_name(mip6_link_state(m->link)));
	out_bool(o, "at_home", m->home);
	out_item_end(o);
}
