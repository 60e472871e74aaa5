/* The home addresses of a mobile node: which there are, and what each has. */
#include "mip6/mip6_mobile_private.h"

#include <stdlib.h>
#include <string.h>

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

void mip6_home_reload(struct mip6_home *h)
{
	const struct mip6_params *p = h->m->params;
	h->params = (struct mip6_mn_params){ .home = h->params.home, .agent = h->params.agent, .lifetime = p->lifetime,
		.first_timeout = p->first_timeout, .link_local = shares_link_local(h), .timestamps = p->replay == MIP6_REPLAY_TIMESTAMP,
		.spi = (uint32_t)p->spi };
	mip6_mn_reload(h->mn, &h->params);
}

void mip6_owner(struct mip6_home *h)
{
	struct mip6_mn_view v = mip6_mn_view(h->mn);
	bool served = v.state != MIP6_MN_RETURNING && !addr_is_zero(&v.registered);
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
	usec_t now = loop_now(m->core->loop);
	out_item_begin(o, NULL);
	out_addr(o, "home", &h->params.home);
	out_addr(o, "agent", &h->params.agent);
	out_str(o, "state", mip6_mn_state_name(v.state));
	out_addr(o, "coa", &m->coa);
	out_addr(o, "registered", &v.registered);
	out_msec(o, "expires_ms", v.expires > now ? v.expires - now : 0);
	out_str(o, "link", mip6_link_state_name(mip6_link_state(m->link)));
	out_bool(o, "at_home", m->home);
	out_item_end(o);
}
