/*
 * To hosts a link is a link: whom they know to be on it they ask for on it, by neighbour solicitation or ARP. Who has been taken to
 * another link cannot hear that; the router answers, as it is the way there.
 *
 *   at home        for a client that is away, to those it left behind; also if somebody wants to take its address (RFC 4862 §5.4)
 *   where it is    for all that are on the link it comes from, its gateway too, but to itself alone
 */
#include "fmip6/fmip6_clients_private.h"

static const struct in6_addr all_nodes = { .s6_addr = { 0xff, 2, [15] = 1 } };

static bool is_for_us(struct fmip6_clients *c, const struct sighting *s)
{
	struct anchor_view away;
	struct visit_view v;
	if (anchor_find(c->anchor, &s->target, &away))
		return !addr_is_zero(&away.router) && away.arrived && !lladdr_eq(&away.lladdr, &s->from);
	const struct ap *home = clients_home(c, &s->target);
	if (!home || s->probes || !visit_is_from(c->visit, &s->from, s->ifindex, &home->neighbor->address))
		return false;
	bool here = visit_find(c->visit, &s->target, &v) && v.state != VISIT_HOLDING && v.ifindex == s->ifindex;
	return !here;
}

static void answer_ns(struct fmip6_clients *c, const struct sighting *s, const struct lladdr *own)
{
	struct in6_addr src;
	uint8_t out[64];
	bool probes = addr_is_zero(&s->asker);
	const struct nd_na m = { .target = s->target, .flags = (uint8_t)(NA_ROUTER | (probes ? 0 : NA_SOLICITED)), .lladdr = *own };
	int n = nd_na_pack(&m, out, sizeof out);
	if (n < 0 || !rtnl_link_local(c->core->net->rtnl, s->ifindex, &src))
		return;
	fmip6_sent(fmip6_send_frame(c->core, s->ifindex, &s->from, &src, probes ? &all_nodes : &s->asker, out, (size_t)n), "answer",
	           &s->target);
}

void clients_claim(struct fmip6_clients *c, const struct in6_addr *pcoa)
{
	static const struct lladdr broadcast = { .len = 6, .octet = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } },
				   nodes = { .len = 6, .octet = { 0x33, 0x33, 0, 0, 0, 1 } };
	const struct rtnl_link *l = clients_link(c, pcoa);
	struct in6_addr src;
	uint8_t out[64];
	if (!l)
		return;
	if (addr_is_v4(pcoa)) {
		fmip6_sent(sight_arp(c->sight, l->ifindex, 1, &broadcast, &l->lladdr, pcoa, pcoa), "claim", pcoa);
		return;
	}
	const struct nd_na m = { .target = *pcoa, .flags = NA_ROUTER | NA_OVERRIDE, .lladdr = l->lladdr };
	int n = nd_na_pack(&m, out, sizeof out);
	if (n > 0 && rtnl_link_local(c->core->net->rtnl, l->ifindex, &src))
		fmip6_sent(fmip6_send_frame(c->core, l->ifindex, &nodes, &src, &all_nodes, out, (size_t)n), "claim", pcoa);
}

void clients_probe(struct fmip6_clients *c, const struct in6_addr *pcoa)
{
	static const struct lladdr broadcast = { .len = 6, .octet = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	const struct rtnl_link *l = clients_link(c, pcoa);
	if (l && addr_is_v4(pcoa))
		fmip6_sent(sight_arp(c->sight, l->ifindex, 1, &broadcast, &l->lladdr, &in6addr_any, pcoa), "probe", pcoa);
	else if (l)
		fmip6_send_dad(c->core, l->ifindex, pcoa);
}

void clients_answer(struct fmip6_clients *c, const struct sighting *s)
{
	const struct rtnl_link *l = rtnl_link_by_index(c->core->net->rtnl, s->ifindex);
	if (!s->asks || !l || !is_for_us(c, s) || !bucket_take(&c->answers, s->at))
		return;
	FMIP6_COUNT(FMIP6_CLIENTS_ANSWERED_FOR);
	if (addr_is_v4(&s->target))
		fmip6_sent(sight_arp(c->sight, s->ifindex, 2, &s->from, &l->lladdr, &s->target, &s->asker), "answer", &s->target);
	else
		answer_ns(c, s, &l->lladdr);
}
