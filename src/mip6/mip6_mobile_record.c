/* The mobile node's timeline, and what its registration asks of the sockets and the tunnel. */
#include "mip6/mip6_mobile_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/mobile.h"
#include "net/nd.h"

#define CLAIMS 3 /* MAX_NEIGHBOR_ADVERTISEMENT (RFC 4861 §10), of which the first at once */
#define CLAIM_INTERVAL USEC_SEC

/* ---- the timeline ---- */

void mip6_mark(struct mip6_mobile *m, enum handover_step s, usec_t at)
{
	handover_step_at(m->core->handovers, handover_by_id(m->core->handovers, m->last), s, at);
}

void mip6_record_open(struct mip6_mobile *m)
{
	struct handover *h = m->record ? NULL : handover_open(m->core->handovers, HANDOVER_MN, HANDOVER_MOBILE_IP, mip6_name(m));
	if (!h)
		return;
	m->record = m->last = m->awaits = h->id;
	m->ours = true;
}

void mip6_record_join(struct mip6_mobile *m)
{
	const struct handover *h = handover_by_id(m->core->handovers, m->fast);
	if (h && h->result == HANDOVER_RUNNING)
		m->last = m->awaits = h->id;
	else
		mip6_record_open(m);
}

/* Links without a name are known by their prefix. */
void mip6_record_names(const struct mip6_mobile *m, const struct mip6_place *from, const struct mip6_place *to)
{
	struct handover *h = m->record && m->ours ? handover_by_id(m->core->handovers, m->record) : NULL;
	if (!h)
		return;
	if (from->n)
		snprintf(h->from, sizeof h->from, "%s", PREFIX(&from->prefixes[0].prefix));
	if (to->n)
		snprintf(h->to, sizeof h->to, "%s", PREFIX(&to->prefixes[0].prefix));
}

void mip6_record_gap(struct mip6_mobile *m)
{
	struct handover *h = m->record && m->ours ? handover_by_id(m->core->handovers, m->record) : NULL;
	if (!h || !m->up_at)
		return;
	h->gap_start = m->down_at;
	h->gap_end = m->up_at;
	h->interruption = m->up_at - m->down_at;
}

void mip6_record_close(struct mip6_mobile *m, enum handover_result r, const char *reason)
{
	struct handover *h = m->record ? handover_by_id(m->core->handovers, m->record) : NULL;
	m->record = 0;
	if (!h)
		return;
	LOG_INFO("mip6", "handover %s role=mn mobile=%s home=%s ncoa=%s reason=\"%s\"", handover_result_name(r), ADDR(&h->pcoa),
	         ADDR(mip6_name(m)), ADDR(&h->ncoa), reason[0] ? reason : h->reason);
	handover_close(m->core->handovers, h, r, "%s", reason);
}

/* ---- what the registration asks ---- */

/* What the first home address's registration does ends the movement; that of the others is logged, and shown. */
static bool first(const struct mip6_home *h)
{
	return h == h->m->homes[0];
}

static bool mn_key(void *arg, struct mip6_key *out)
{
	const struct mip6_home *h = arg;
	const struct mip6_mobile *m = h->m;
	const struct in6_addr *home = &h->params.home;
	const struct secret *master = m->params->auth == MIP6_AUTH_RFC4285 ? mobile_key(m->core->settings, home) : NULL;
	return master && mip6_key_derive(master, home, out) == 0;
}

static void mn_send(void *arg, const struct in6_addr *coa, bool at_home, const void *data, size_t len)
{
	struct mip6_home *h = arg;
	struct mip6_mobile *m = h->m;
	const struct mip6_mn_params *p = &h->params;
	int rc;
	if (!at_home)
		rc = mh_send(m->mh, 0, coa, &p->agent, &p->home, data, len);
	else if (h->agent.len)
		rc = mh_send_frame(m->mh, m->ground.ifindex, &h->agent, &p->home, &p->agent, NULL, data, len);
	else
		rc = mh_send(m->mh, m->ground.ifindex, &p->home, &p->agent, NULL, data, len);
	mip6_said(rc, "Binding Update", &p->agent);
}

static void mn_tunnel(void *arg, const struct in6_addr *coa)
{
	struct mip6_home *h = arg;
	ground_home(&h->m->ground, h->at, false);
	tunnel_end_set(h->m->core->net->paths, END_MOBILE, &h->params.home, coa, &h->params.agent);
	h->tunnelled = true;
}

static void mn_native(void *arg)
{
	struct mip6_home *h = arg;
	ground_home(&h->m->ground, h->at, false);
	if (h->tunnelled)
		tunnel_end_set(h->m->core->net->paths, END_NATIVE, &h->params.home, &h->params.home, &h->params.agent);
}

/* RFC 6275 §11.5.5: the home address, and the link-local address where the home agent defended that too. */
static void advertise(struct mip6_mobile *m, const struct in6_addr *a)
{
	static const struct in6_addr all_nodes = ND_ALL_NODES;
	uint8_t out[ND_MAX];
	struct nd_na na = { .target = *a, .flags = NA_OVERRIDE, .lladdr = mip6_own_lladdr(m) };
	int n = nd_na_pack(&na, out, sizeof out);
	mip6_said(n < 0 ? n : icmp6_send(m->icmp, m->ground.ifindex, a, &all_nodes, ND_HOP_LIMIT, false, out, (size_t)n), "Neighbour Advertisement", a);
}

void mip6_claim_timeout(struct timer *t, void *arg)
{
	struct mip6_home *h = arg;
	struct mip6_mobile *m = h->m;
	struct in6_addr local;
	if (!m->home)
		return;
	advertise(m, &h->params.home);
	if (h->params.link_local && rtnl_link_local(mip6_rtnl(m), m->ground.ifindex, &local))
		advertise(m, &local);
	if (++h->claims < CLAIMS)
		timer_after(&h->claim, CLAIM_INTERVAL);
}

static void mn_claim(void *arg)
{
	struct mip6_home *h = arg;
	h->claims = 0;
	mip6_claim_timeout(&h->claim, h);
}

static void mn_sent(void *arg, bool refresh, usec_t at)
{
	struct mip6_home *h = arg;
	if (!refresh)
		mip6_owner(h);
	if (!refresh && first(h))
		mip6_mark(h->m, STEP_BU, at);
}

static void mn_ended(struct mip6_home *h, bool news, usec_t at)
{
	struct mip6_mobile *m = h->m;
	if (!first(h))
		return;
	if (news)
		mip6_mark(m, STEP_BA, at);
	mip6_record_close(m, HANDOVER_COMPLETE, "");
	m->last = 0;
}

static void mn_accepted(struct mip6_home *h, const struct mip6_mn_view *v, usec_t at)
{
	const struct handover *record = handover_by_id(h->m->core->handovers, h->m->last);
	LOG_INFO("mip6", "home agent forwards home=%s peer=%s coa=%s lifetime_s=%llu status=%u", ADDR(&h->params.home), ADDR(&h->params.agent),
	         ADDR(&v->registered), (unsigned long long)((v->expires - at) / USEC_SEC), v->status);
	h->next = 0;
	if (h->renew)
		renew_registered(h->renew, v->status == BA_ACCEPTED_PREFIX);
	mn_ended(h, record && (h->m->record || record->steps_n), at); /* a refresh marks nothing */
}

static void mn_denied(struct mip6_home *h, const struct mip6_mn_view *v, uint8_t status)
{
	char why[96];
	snprintf(why, sizeof why, "the home agent refused: %s (status %u)", mip6_status_text(status), status);
	LOG_WARNING("mip6", "home agent refuses home=%s peer=%s coa=%s status=%u reason=\"%s\"", ADDR(&h->params.home), ADDR(&h->params.agent),
	            ADDR(&v->coa), status, mip6_status_text(status));
	if (first(h))
		mip6_record_close(h->m, HANDOVER_FAILED, why);
}

static void mn_event(void *arg, enum mip6_mn_event e, uint8_t status, usec_t at)
{
	struct mip6_home *h = arg;
	struct mip6_mn_view v = mip6_mn_view(h->mn);
	const char *home = ADDR(&h->params.home), *agent = ADDR(&h->params.agent);
	switch (e) {
	case MIP6_MN_ACCEPTED:
		mn_accepted(h, &v, at);
		break;
	case MIP6_MN_DEREGISTERED:
		LOG_INFO("mip6", "at home, the home agent forwards no longer home=%s peer=%s", home, agent);
		mn_ended(h, true, at);
		break;
	case MIP6_MN_SILENT:
		/* It is asked on and on, and the movement is over when it answers, or when the next one begins. */
		LOG_WARNING("mip6", "home agent does not answer home=%s peer=%s coa=%s bus=%u waited_ms=%llu", home, agent, ADDR(&v.coa), v.tries,
		            (unsigned long long)((at - v.began) / USEC_MSEC));
		break;
	case MIP6_MN_DENIED:
		mn_denied(h, &v, status);
		break;
	case MIP6_MN_EXPIRED:
		LOG_WARNING("mip6", "registration expired home=%s peer=%s bus=%u", home, agent, v.tries);
		break;
	}
	mip6_owner(h);
}

static bool mn_next(void *arg, struct in6_addr *agent)
{
	return mip6_agent_next(arg, agent);
}

const struct mip6_mn_ops mip6_mobile_mn_ops = { .key = mn_key, .send = mn_send, .tunnel = mn_tunnel, .native = mn_native,
	.claim = mn_claim, .sent = mn_sent, .event = mn_event, .next = mn_next };
