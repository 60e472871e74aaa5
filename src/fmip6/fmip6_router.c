/* An access router: PAR and NAR machines, wired to sockets, paths, tables and bus. */
#define _GNU_SOURCE 1 /* struct in6_pktinfo */
#include <errno.h>
#include <linux/filter.h>
#include <linux/neighbour.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/handover.h"
#include "core/mobile.h"
#include "core/neighbor.h"
#include "core/output.h"
#include "fmip6/fmip6_adv.h"
#include "fmip6/fmip6_io.h"
#include "fmip6/fmip6_nar.h"
#include "fmip6/fmip6_par.h"

#define HASH_FUNCTION FMIP6_HASH
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define ASKED_MAX 1024             /* mobiles whose last question is remembered */
#define ASKED_LIFE (10 * USEC_SEC) /* how long steps a and b belong to a following FBU */
#define LINK_RATE 200              /* RtSolPr answered a second, on one interface */
#define LINKS_MAX 32

/* A mobile that asked: its rate, and when. */
struct asked {
	UT_hash_handle hh;
	struct lladdr lladdr;
	usec_t question, answer;
	struct bucket rate;
};

/* A release under way: what path_release's callback needs to know. */
struct releasing {
	UT_hash_handle hh;
	struct in6_addr ncoa;
	struct fmip6_router *router;
};

/* One of our access links, as it is now. */
struct link {
	int ifindex;
	struct in6_addr router; /* our address there */
	struct prefix prefix;
	struct lladdr lladdr;
};

struct fmip6_router {
	struct core *core;
	const struct fmip6_params *params;
	struct fmip6_par *par;
	struct fmip6_nar *nar;
	struct icmp6 *icmp;  /* RtSolPr, answers to markers */
	struct icmp6 *frames; /* UNAs, with the link-layer address they really came from */
	struct mh *mh;
	int tunnel_fd; /* protocol 41, for markers */
	struct rtnl_sub *rtnl;
	struct bus_sub *contexts;
	struct asked *asked; /* oldest first */
	struct releasing *releasing;
	struct bucket rates[LINKS_MAX]; /* of RtSolPr, by place of the interface in the settings */
	struct bucket log;
};

/* ---- links ---- */

static const struct setting_interface *interface_at(const struct fmip6_router *r, size_t i)
{
	const struct setting_interface *all = r->core->settings->interfaces.items;
	if (i >= r->core->settings->interfaces.n)
		return NULL;
	return &all[i];
}

/* The i-th configured interface, if it is an access link and has an address. */
static bool link_at(const struct fmip6_router *r, size_t i, struct link *out)
{
	const struct setting_interface *s = interface_at(r, i);
	const struct rtnl *rtnl = r->core->net->rtnl;
	const struct rtnl_link *l = s && s->kind == INTERFACE_ACCESS ? rtnl_link_by_name(rtnl, s->name) : NULL;
	uint8_t plen;
	if (!l || !rtnl_link_global(rtnl, l->ifindex, &out->router, &plen))
		return false;
	out->ifindex = l->ifindex;
	out->lladdr = l->lladdr;
	out->prefix = prefix_of(&out->router, plen);
	return true;
}

static bool link_of_addr(const struct fmip6_router *r, const struct in6_addr *a, struct link *out)
{
	for (size_t i = 0; i < r->core->settings->interfaces.n; i++)
		if (link_at(r, i, out) && prefix_has(&out->prefix, a))
			return true;
	return false;
}

/* Returns its place in the settings, or -1. */
static int link_of_ifindex(const struct fmip6_router *r, int ifindex, struct link *out)
{
	for (size_t i = 0; i < r->core->settings->interfaces.n; i++)
		if (link_at(r, i, out) && out->ifindex == ifindex)
			return (int)i;
	return -1;
}

/* ---- tables ---- */

static struct neighbor *usable_neighbor(const struct fmip6_router *r, const struct in6_addr *addr)
{
	struct neighbor *n = neighbor_find(r->core->neighbors, addr);
	return n && neighbor_usable(n) ? n : NULL;
}

static struct handover *record(const struct fmip6_router *r, enum handover_role role, const struct in6_addr *pcoa)
{
	return handover_running(r->core->handovers, role, pcoa);
}

static void names(const struct fmip6_router *r, struct handover *h)
{
	const struct neighbor *other = neighbor_find(r->core->neighbors, h->role == HANDOVER_PAR ? &h->nar : &h->par);
	char *mine = h->role == HANDOVER_PAR ? h->from : h->to, *theirs = h->role == HANDOVER_PAR ? h->to : h->from;
	snprintf(mine, sizeof h->from, "%s", r->core->settings->name);
	if (other)
		snprintf(theirs, sizeof h->to, "%s", other->name);
}

static void close_record(const struct fmip6_router *r, enum handover_role role, const struct in6_addr *pcoa,
                         enum handover_result res, const char *reason)
{
	struct handover *h = record(r, role, pcoa);
	if (!h)
		return;
	LOG_INFO("fmip6", "handover %s role=%s mobile=%s ncoa=%s from=%s to=%s reason=\"%s\"",
	         res == HANDOVER_COMPLETE ? "complete" : res == HANDOVER_FAILED ? "failed" : "cancelled",
	         role == HANDOVER_PAR ? "par" : "nar", ADDR(&h->pcoa), ADDR(&h->ncoa), h->from, h->to, reason);
	handover_close(r->core->handovers, h, res, "%s", reason);
}

static void releasing_drop(struct fmip6_router *r, const struct in6_addr *ncoa)
{
	struct releasing *e = NULL;
	HASH_FIND(hh, r->releasing, ncoa, sizeof *ncoa, e);
	if (e) {
		HASH_DELETE(hh, r->releasing, e);
		free(e);
	}
}

/* ---- RtSolPr ---- */

static void asked_drop(struct fmip6_router *r, struct asked *a)
{
	HASH_DELETE(hh, r->asked, a);
	free(a);
}

static struct asked *asked_get(struct fmip6_router *r, const struct lladdr *l)
{
	struct asked *a = NULL;
	struct lladdr key = { .len = l->len };
	memcpy(key.octet, l->octet, l->len);
	HASH_FIND(hh, r->asked, &key, sizeof key, a);
	if (a)
		return a;
	if (HASH_COUNT(r->asked) >= ASKED_MAX)
		asked_drop(r, r->asked);
	a = calloc(1, sizeof *a);
	if (!a)
		return NULL;
	a->lladdr = key;
	bucket_init(&a->rate, (double)r->params->rtsolpr_rate, 2 * (double)r->params->rtsolpr_rate);
	HASH_ADD(hh, r->asked, lladdr, sizeof a->lladdr, a);
	return a;
}

/* The tuple of an AP as it is told on link `on`. */
static void tuple_of(const struct fmip6_router *r, const struct ap *ap, const struct link *on, struct tuple *t)
{
	*t = (struct tuple){ .code = LLA_NO_PREFIX, .ap = ap->id };
	if (!ap->neighbor) {
		if (ap->ifindex != on->ifindex && strcmp(ap->interface, "") != 0)
			return; /* another link of ours: no handover between routers leads there */
		t->code = LLA_SAME_INTERFACE;
		t->router = on->router;
		t->router_lladdr = on->lladdr;
		t->prefix = on->prefix;
	} else if (neighbor_usable(ap->neighbor)) {
		t->code = LLA_NEW_AP;
		t->router = ap->router;
		t->router_lladdr = ap->link_address;
		t->prefix = ap->prefix;
	}
	t->has_prefix = t->prefix.plen > 0;
}

struct map_arg {
	struct fmip6_router *router;
	const struct link *on;
	struct tuple *out;
	size_t n, max;
	bool own;
};

static void map_find(void *arg, const struct lladdr *id, struct tuple *out)
{
	struct map_arg *m = arg;
	const struct ap *ap = ap_find(m->router->core->neighbors, id);
	if (ap)
		tuple_of(m->router, ap, m->on, out);
	else
		*out = (struct tuple){ .code = LLA_NO_PREFIX, .ap = *id };
}

static void map_add(struct ap *ap, void *arg)
{
	struct map_arg *m = arg;
	struct tuple t;
	tuple_of(m->router, ap, m->on, &t);
	if (m->n < m->max && t.code == (m->own ? LLA_SAME_INTERFACE : LLA_NEW_AP))
		m->out[m->n++] = t;
}

/* A link without a configured AP-ID is told under its router's link-layer address: as where AP and router are one
 * (RFC 4260 §3, figure 2). */
static size_t map_all(void *arg, struct tuple *out, size_t max)
{
	struct map_arg *m = arg;
	m->out = out;
	m->max = max;
	m->n = 0;
	m->own = true;
	aps_each(m->router->core->neighbors, map_add, m);
	if (m->n == 0 && max)
		out[m->n++] = (struct tuple){ .code = LLA_SAME_INTERFACE, .ap = m->on->lladdr, .router = m->on->router,
			.router_lladdr = m->on->lladdr, .has_prefix = true, .prefix = m->on->prefix };
	m->own = false;
	aps_each(m->router->core->neighbors, map_add, m);
	return m->n;
}

static void prrtadv_send(struct fmip6_router *r, const struct rtsolpr *q, const struct link *on, const struct in6_addr *dst)
{
	uint8_t out[FMIP6_MESSAGE_MAX];
	struct prrtadv a;
	struct in6_addr src;
	struct map_arg arg = { .router = r, .on = on };
	struct adv_map map = { map_find, map_all, &arg };
	if (!rtnl_link_local(r->core->net->rtnl, on->ifindex, &src))
		return;
	adv_answer(q, &map, &on->lladdr, &a);
	int n = prrtadv_pack(&a, out, sizeof out);
	if (n < 0)
		return;
	FMIP6_COUNT(FMIP6_PRRTADV_SENT);
	int rc = q->source.len ? fmip6_send_frame(r->core, on->ifindex, &q->source, &src, dst, out, (size_t)n)
	                       : icmp6_send(r->icmp, on->ifindex, &src, dst, FMIP6_HOP_LIMIT, false, out, (size_t)n);
	fmip6_sent(rc, "PrRtAdv", dst);
}

static void rtsolpr_received(struct fmip6_router *r, const struct icmp6_message *m)
{
	struct rtsolpr q;
	struct link on;
	int place = link_of_ifindex(r, m->ifindex, &on);
	if (place < 0 || place >= LINKS_MAX || m->hop_limit != FMIP6_HOP_LIMIT || addr_is_zero(&m->src))
		return;
	FMIP6_COUNT(FMIP6_RTSOLPR_RECEIVED);
	if (rtsolpr_parse(m->data, m->len, on.lladdr.len, &q) < 0) {
		FMIP6_COUNT(FMIP6_MALFORMED);
		log_limited(&r->log, m->at, LOG_LEVEL_NOTICE, "fmip6", "RtSolPr ignored mobile=%s reason=malformed", ADDR(&m->src));
		return;
	}
	struct asked *a = q.source.len ? asked_get(r, &q.source) : NULL;
	if (!bucket_take(&r->rates[place], m->at) || (a && !bucket_take(&a->rate, m->at))) {
		FMIP6_COUNT(FMIP6_RTSOLPR_LIMITED);
		log_limited(&r->log, m->at, LOG_LEVEL_NOTICE, "fmip6", "RtSolPr ignored mobile=%s reason=rate per_second=%lld",
		            ADDR(&m->src), (long long)r->params->rtsolpr_rate);
		return;
	}
	prrtadv_send(r, &q, &on, &m->src);
	if (a) {
		a->question = m->at;
		a->answer = loop_now(r->core->loop);
	}
}

static void icmp_received(const struct icmp6_message *m, void *arg)
{
	struct fmip6_router *r = arg;
	uint16_t id, seq;
	if (m->data[0] == ICMP6_ECHO_REPLY_TYPE) {
		if (echo_parse(m->data, m->len, &id, &seq) != 0)
			return;
		nar_marker_reply(r->nar, &m->src, id);
		par_marker_reply(r->par, &m->src, id);
	} else if (m->len > 4 && m->data[4] == FMIP6_RTSOLPR) {
		rtsolpr_received(r, m);
	}
}

static void una_received(const struct icmp6_message *m, void *arg)
{
	struct fmip6_router *r = arg;
	struct una una;
	uint8_t lla_len = m->from.len ? m->from.len : 6;
	if (m->hop_limit != FMIP6_HOP_LIMIT || na_parse(m->data, m->len, lla_len, &una) < 0)
		return;
	/* Whoever claims another's link-layer address sends from its own. */
	if (m->from.len && !lladdr_eq(&m->from, &una.lladdr))
		return;
	nar_una(r->nar, &una, &m->src, m->ifindex, m->at);
}

static void mh_received(const struct mh_message *m, void *arg)
{
	struct fmip6_router *r = arg;
	struct mh_in in = fmip6_mh_in(m);
	if (m->len < 3)
		return;
	switch (m->data[2]) {
	case MH_FBU:
		par_fbu(r->par, &in);
		break;
	case MH_HACK:
		par_hack(r->par, &in);
		break;
	case MH_HI:
		nar_hi(r->nar, &in);
		break;
	}
}

/* An echo request from us to the mobile, put by hand into the tunnel that led to it before. */
static void marker_send(struct fmip6_router *r, const struct in6_addr *mobile, const struct in6_addr *local,
                        const struct in6_addr *remote, uint16_t id, uint16_t seq)
{
	uint8_t echo[8], packet[64];
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_addr = *remote };
	struct in6_pktinfo info = { .ipi6_addr = *local };
	int n = echo_pack(false, id, seq, echo, sizeof echo);
	n = n < 0 ? n : ip6_pack(local, mobile, IPPROTO_ICMPV6, 64, echo, (size_t)n, packet, sizeof packet);
	if (n < 0)
		return;
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control = { 0 };
	struct iovec iov = { packet, (size_t)n };
	struct msghdr msg = { .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.room, .msg_controllen = sizeof control.room };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = IPPROTO_IPV6;
	c->cmsg_type = IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof info);
	memcpy(CMSG_DATA(c), &info, sizeof info);
	fmip6_sent(sendmsg(r->tunnel_fd, &msg, MSG_DONTWAIT) < 0 ? -errno : 0, "marker", remote);
}

/* ---- what the PAR does ---- */

static bool par_key(void *arg, const struct in6_addr *pcoa, struct badf_key *out)
{
	struct fmip6_router *r = arg;
	return fmip6_key(r->core, pcoa, out);
}

static bool par_own_address(void *arg, const struct in6_addr *pcoa)
{
	struct link l;
	return link_of_addr(arg, pcoa, &l) && !addr_eq(&l.router, pcoa);
}

static int par_target(void *arg, const struct in6_addr *ncoa, struct in6_addr *nar)
{
	struct fmip6_router *r = arg;
	struct link l;
	const struct ap *ap = ap_of_prefix(r->core->neighbors, ncoa);
	if (link_of_addr(r, ncoa, &l) || !ap || !ap->neighbor || addr_eq(&ap->router, ncoa))
		return -ENOENT;
	if (!neighbor_usable(ap->neighbor))
		return -EACCES;
	*nar = ap->neighbor->address;
	return 0;
}

static bool par_is_peer(void *arg, const struct in6_addr *src, const struct in6_addr *nar)
{
	const struct neighbor *n = usable_neighbor(arg, src);
	return n && addr_eq(&n->address, nar);
}

static bool par_lladdr(void *arg, const struct in6_addr *pcoa, struct lladdr *out)
{
	struct fmip6_router *r = arg;
	const struct mobile *m = mobile_find(r->core->mobiles, pcoa);
	if (!m || m->lladdr.len == 0)
		return false;
	*out = m->lladdr;
	return true;
}

static void par_send_hi(void *arg, const struct in6_addr *nar, const uint8_t *data, size_t len)
{
	struct fmip6_router *r = arg;
	fmip6_sent(mh_send(r->mh, 0, NULL, nar, NULL, data, len), "HI", nar);
}

static void par_send_fback(void *arg, const struct in6_addr *src, const struct in6_addr *dst, bool on_link, const uint8_t *data,
                           size_t len)
{
	struct fmip6_router *r = arg;
	struct link l;
	const struct mobile *m = on_link ? mobile_find(r->core->mobiles, dst) : NULL;
	int rc;
	if (m && m->lladdr.len && link_of_addr(r, dst, &l))
		rc = mh_send_frame(r->mh, l.ifindex, &m->lladdr, src, dst, NULL, data, len);
	else
		rc = mh_send(r->mh, 0, src, dst, NULL, data, len);
	fmip6_sent(rc, "FBack", dst);
}

static int par_tunnel(void *arg, const struct in6_addr *pcoa, const struct in6_addr *local, const struct in6_addr *ncoa)
{
	struct fmip6_router *r = arg;
	nar_yield(r->nar, pcoa);
	releasing_drop(r, pcoa);
	struct path *h = path_get(r->core->net->paths, pcoa);
	int rc = h ? path_tunnel(h, local, ncoa) : -ENOMEM;
	if (rc == 0)
		rc = tunnel_end_set(r->core->net->paths, END_ROUTER, pcoa, local, ncoa);
	if (rc < 0) {
		LOG_WARNING("fmip6", "tunnel not set up mobile=%s ncoa=%s reason=\"%s\"", ADDR(pcoa), ADDR(ncoa), strerror(-rc));
		path_close(path_find(r->core->net->paths, pcoa));
	}
	return rc;
}

static int par_hold(void *arg, const struct in6_addr *pcoa)
{
	struct fmip6_router *r = arg;
	struct nar_view v;
	if (nar_find(r->nar, pcoa, &v) && (v.state == NAR_HOLDING || v.state == NAR_WAITING))
		return 0; /* it never came here before it moved on: its packets wait already */
	nar_yield(r->nar, pcoa);
	releasing_drop(r, pcoa);
	struct path *h = path_get(r->core->net->paths, pcoa);
	return h ? path_hold(h, NULL) : -ENOMEM;
}

static void par_direct(void *arg, const struct in6_addr *pcoa)
{
	struct fmip6_router *r = arg;
	const struct mobile *m = mobile_find(r->core->mobiles, pcoa);
	struct path *h = path_find(r->core->net->paths, pcoa);
	struct link l;
	bool here = m && m->ifindex && m->lladdr.len && link_of_addr(r, pcoa, &l) && l.ifindex == m->ifindex;
	if (here && h && path_stats(h).held_now &&
	    path_release(h, l.ifindex, &m->lladdr, (enum hold_drain)r->core->settings->hold.drain, NULL, NULL) == 0)
		return;
	/* An entry that has to be resolved first would cost the packets of a round trip. */
	if (here)
		rtnl_neigh_set(r->core->net->rtnl, l.ifindex, pcoa, &m->lladdr, NUD_REACHABLE);
	path_close(h);
}

static void par_send_marker(void *arg, const struct in6_addr *pcoa, const struct in6_addr *local, const struct in6_addr *ncoa,
                            uint16_t id, uint16_t seq)
{
	marker_send(arg, pcoa, local, ncoa, id, seq);
}

static void par_tunnel_end(void *arg, const struct in6_addr *pcoa)
{
	struct fmip6_router *r = arg;
	struct mobile *m = mobile_find(r->core->mobiles, pcoa);
	tunnel_end_del(r->core->net->paths, pcoa);
	if (m && m->ifindex == 0)
		mobile_remove(r->core->mobiles, m);
}

/* The mobile asked before it moved, and its question belongs to the movement. */
static void par_steps_before(struct fmip6_router *r, struct handover *h, const struct lladdr *l)
{
	struct asked *a = NULL;
	HASH_FIND(hh, r->asked, l, sizeof *l, a);
	if (!a || a->question == 0 || a->question + ASKED_LIFE < loop_now(r->core->loop))
		return;
	handover_step_at(r->core->handovers, h, STEP_A_RTSOLPR, a->question);
	handover_step_at(r->core->handovers, h, STEP_B_PRRTADV, a->answer);
	a->question = 0;
}

static void par_opened(void *arg, enum handover_mode mode, const struct in6_addr *pcoa, const struct in6_addr *ncoa,
                       const struct in6_addr *par, const struct in6_addr *nar, const struct lladdr *l, usec_t at)
{
	struct fmip6_router *r = arg;
	struct link on;
	struct handover *h = handover_open(r->core->handovers, HANDOVER_PAR, mode, pcoa);
	struct mobile *m = mobile_get(r->core->mobiles, pcoa);
	nar_forget(r->nar, pcoa);
	if (m && mode == HANDOVER_PREDICTIVE && link_of_addr(r, pcoa, &on))
		mobile_set_link(r->core->mobiles, m, on.ifindex, l);
	if (!h)
		return;
	h->ncoa = *ncoa;
	h->par = *par;
	h->nar = *nar;
	names(r, h);
	par_steps_before(r, h, l);
	handover_step_at(r->core->handovers, h, STEP_C_FBU, at);
	struct bus_note note = { .topic = BUS_HANDOVER_PREPARE, .u.handover.handover = h };
	bus_publish(r->core->bus, &note);
}

static void par_step(void *arg, const struct in6_addr *pcoa, enum handover_step s, usec_t at)
{
	struct fmip6_router *r = arg;
	handover_step_at(r->core->handovers, record(r, HANDOVER_PAR, pcoa), s, at);
}

static void par_closed(void *arg, const struct in6_addr *pcoa, enum handover_result res, const char *reason)
{
	close_record(arg, HANDOVER_PAR, pcoa, res, reason);
}

static const struct par_ops par_ops = {
	.key = par_key, .own_address = par_own_address, .target = par_target, .is_peer = par_is_peer, .lladdr = par_lladdr,
	.send_hi = par_send_hi, .send_fback = par_send_fback, .hold = par_hold, .tunnel = par_tunnel, .direct = par_direct,
	.send_marker = par_send_marker, .tunnel_end = par_tunnel_end, .opened = par_opened, .step = par_step, .closed = par_closed,
};

/* ---- what the NAR does ---- */

static bool nar_peer(void *arg, const struct in6_addr *src, const struct in6_addr *pcoa, struct in6_addr *forwarder)
{
	struct fmip6_router *r = arg;
	const struct neighbor *n = usable_neighbor(r, src);
	const struct ap *ap = ap_of_prefix(r->core->neighbors, pcoa);
	*forwarder = ap && ap->neighbor == n ? ap->router : *src;
	return n;
}

static int nar_access_link(void *arg, const struct in6_addr *ncoa)
{
	struct link l;
	return link_of_addr(arg, ncoa, &l) ? l.ifindex : 0;
}

static bool nar_in_use(void *arg, const struct in6_addr *ncoa, const struct lladdr *l)
{
	struct fmip6_router *r = arg;
	const struct mobile *m = mobile_find(r->core->mobiles, ncoa);
	return fmip6_is_local(r->core, ncoa) || (m && m->ifindex && m->lladdr.len && !lladdr_eq(&m->lladdr, l));
}

static enum par_was nar_supersede(void *arg, const struct in6_addr *ncoa, struct in6_addr *local, struct in6_addr *old_ncoa)
{
	struct fmip6_router *r = arg;
	return par_supersede(r->par, ncoa, local, old_ncoa);
}

static int nar_hold(void *arg, const struct in6_addr *ncoa, const struct in6_addr *forwarder)
{
	struct fmip6_router *r = arg;
	releasing_drop(r, ncoa);
	struct path *h = path_get(r->core->net->paths, ncoa);
	return h ? path_hold(h, forwarder) : -ENOMEM;
}

static int nar_pass(void *arg, const struct nar_view *v)
{
	struct fmip6_router *r = arg;
	struct path *h = path_find(r->core->net->paths, &v->ncoa);
	return h ? path_pass_forwarded(h, v->ifindex, &v->lladdr) : -ENOENT;
}

static void held(struct fmip6_router *r, const struct in6_addr *pcoa, const struct path_stats *s)
{
	struct handover *h = record(r, HANDOVER_NAR, pcoa);
	if (s->held_dropped)
		LOG_WARNING("fmip6", "packets were dropped from the hold mobile=%s held=%llu dropped=%llu limit_mobile=%llu limit=%llu",
		            ADDR(pcoa), (unsigned long long)s->held, (unsigned long long)s->held_dropped,
		            (unsigned long long)r->core->settings->hold.limit_mobile, (unsigned long long)r->core->settings->hold.limit);
	if (!h)
		return;
	h->held = s->held;
	h->held_dropped = s->held_dropped;
}

static void release_done(const struct path_stats *final, void *arg)
{
	struct releasing *e = arg;
	struct fmip6_router *r = e->router;
	struct in6_addr ncoa = e->ncoa;
	struct nar_view v;
	HASH_DELETE(hh, r->releasing, e);
	free(e);
	if (nar_find(r->nar, &ncoa, &v))
		held(r, &v.pcoa, final);
	nar_released(r->nar, &ncoa);
}

static int nar_release(void *arg, const struct nar_view *v)
{
	struct fmip6_router *r = arg;
	struct path *h = path_find(r->core->net->paths, &v->ncoa);
	if (!h)
		return -ENOENT;
	releasing_drop(r, &v->ncoa);
	struct releasing *e = calloc(1, sizeof *e);
	if (!e)
		return -ENOMEM;
	e->ncoa = v->ncoa;
	e->router = r;
	HASH_ADD(hh, r->releasing, ncoa, sizeof e->ncoa, e);
	int rc = path_release(h, v->ifindex, &v->lladdr, (enum hold_drain)r->core->settings->hold.drain, release_done, e);
	if (rc < 0)
		releasing_drop(r, &v->ncoa);
	return rc;
}

static void nar_drop(void *arg, const struct in6_addr *ncoa)
{
	struct fmip6_router *r = arg;
	struct path *h = path_find(r->core->net->paths, ncoa);
	struct nar_view v;
	releasing_drop(r, ncoa);
	if (!h)
		return;
	struct path_stats s = path_stats(h);
	s.held_dropped += s.held_now;
	if (nar_find(r->nar, ncoa, &v))
		held(r, &v.pcoa, &s);
	path_close(h);
}

static void nar_proxy(void *arg, int ifindex, const struct in6_addr *ncoa, bool on)
{
	struct fmip6_router *r = arg;
	int rc = on ? rtnl_proxy_set(r->core->net->rtnl, ifindex, ncoa) : rtnl_proxy_del(r->core->net->rtnl, ifindex, ncoa);
	if (rc < 0)
		LOG_WARNING("fmip6", "neighbour proxy not changed mobile=%s on=%d reason=\"%s\"", ADDR(ncoa), on, strerror(-rc));
}

/* Its address is here now; the older one names it too as long as its packets come through the PAR. */
static void nar_neighbor(void *arg, const struct nar_view *v)
{
	struct fmip6_router *r = arg;
	struct mobile *m = mobile_get(r->core->mobiles, &v->ncoa);
	rtnl_neigh_set(r->core->net->rtnl, v->ifindex, &v->ncoa, &v->lladdr, NUD_REACHABLE);
	if (!m)
		return;
	mobile_add_addr(r->core->mobiles, m, &v->pcoa);
	mobile_set_link(r->core->mobiles, m, v->ifindex, &v->lladdr);
}

static void nar_send_hack(void *arg, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data, size_t len)
{
	struct fmip6_router *r = arg;
	fmip6_sent(mh_send(r->mh, 0, src, dst, NULL, data, len), "HAck", dst);
}

static void nar_send_marker(void *arg, const struct nar_view *v, uint16_t id, uint16_t seq)
{
	marker_send(arg, &v->ncoa, &v->old_local, &v->old_ncoa, id, seq);
}

static void nar_opened(void *arg, enum handover_mode mode, const struct nar_view *v, usec_t at)
{
	struct fmip6_router *r = arg;
	struct link l;
	struct handover *h = handover_open(r->core->handovers, HANDOVER_NAR, mode, &v->pcoa);
	if (!h)
		return;
	h->ncoa = v->ncoa;
	h->par = v->peer;
	if (link_of_addr(r, &v->ncoa, &l))
		h->nar = l.router;
	names(r, h);
	handover_step_at(r->core->handovers, h, STEP_D_HI, at);
}

static void nar_step(void *arg, const struct in6_addr *pcoa, enum handover_step s, usec_t at)
{
	struct fmip6_router *r = arg;
	handover_step_at(r->core->handovers, record(r, HANDOVER_NAR, pcoa), s, at);
}

static void nar_arrived(void *arg, const struct nar_view *v)
{
	struct fmip6_router *r = arg;
	struct bus_note note = { .topic = BUS_MOBILE_ATTACHED,
		.u.attach = { .handover = record(r, HANDOVER_NAR, &v->pcoa), .addr = v->ncoa, .previous = v->pcoa, .lladdr = v->lladdr,
		              .ifindex = v->ifindex } };
	bus_publish(r->core->bus, &note);
}

static void nar_closed(void *arg, const struct in6_addr *pcoa, enum handover_result res, const char *reason)
{
	close_record(arg, HANDOVER_NAR, pcoa, res, reason);
}

static const struct nar_ops nar_ops = {
	.peer = nar_peer, .access_link = nar_access_link, .in_use = nar_in_use, .supersede = nar_supersede, .hold = nar_hold,
	.pass = nar_pass, .release = nar_release, .drop = nar_drop, .proxy = nar_proxy, .neighbor = nar_neighbor,
	.send_hack = nar_send_hack, .send_marker = nar_send_marker, .opened = nar_opened, .step = nar_step,
	.arrived = nar_arrived, .closed = nar_closed,
};

/* ---- life ---- */

static void contexts_done(struct bus_note *note, void *arg)
{
	struct fmip6_router *r = arg;
	nar_contexts_done(r->nar, &note->u.contexts.previous);
}

/* Listens on the access links that are there; those that come later are added when they come. */
static void links_open(struct fmip6_router *r)
{
	static const struct in6_addr all_routers = { .s6_addr = { 0xff, 2, [15] = 2 } };
	for (size_t i = 0; i < r->core->settings->interfaces.n; i++) {
		const struct setting_interface *s = interface_at(r, i);
		const struct rtnl_link *l = rtnl_link_by_name(r->core->net->rtnl, s->name);
		if (!l || s->kind != INTERFACE_ACCESS)
			continue;
		int rc = icmp6_frames_add(r->frames, l->ifindex);
		rc = rc < 0 ? rc : icmp6_join(r->icmp, l->ifindex, &all_routers);
		if (rc < 0)
			LOG_WARNING("fmip6", "cannot listen interface=%s reason=\"%s\"", s->name, strerror(-rc));
	}
}

static void link_changed(const struct rtnl_note *n, void *arg)
{
	struct fmip6_router *r = arg;
	if (n->event == RTNL_LINK)
		links_open(r);
	else if (n->event == RTNL_LINK_GONE)
		icmp6_frames_del(r->frames, n->ifindex);
}

static bool local_address(const struct in6_addr *a, void *arg)
{
	struct fmip6_router *r = arg;
	return fmip6_is_local(r->core, a);
}

/* Protocol 41, for sending only: a filter keeps everyone's tunnelled packets out of it. */
static int tunnel_open(void)
{
	struct sock_filter nothing[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sock_fprog program = { .len = 1, .filter = nothing };
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_IPV6);
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool open_all(struct fmip6_router *r)
{
	static const uint8_t icmp_types[] = { ICMP6_FMIP6_TYPE, ICMP6_ECHO_REPLY_TYPE }, frame_types[] = { ICMP6_NA_TYPE };
	static const uint8_t mh_types[] = { MH_FBU, MH_HI, MH_HACK };
	struct loop *l = r->core->loop;
	r->par = par_create(l, r->params, &par_ops, r);
	r->nar = nar_create(l, r->params, &nar_ops, r);
	r->icmp = icmp6_open(l, icmp_types, sizeof icmp_types, icmp_received, r);
	r->frames = icmp6_open_frames(l, NULL, 0, frame_types, sizeof frame_types, una_received, r);
	r->mh = mh_open(l, mh_types, sizeof mh_types, local_address, mh_received, r);
	r->tunnel_fd = tunnel_open();
	r->rtnl = rtnl_subscribe(r->core->net->rtnl, link_changed, r);
	r->contexts = bus_subscribe(r->core->bus, BUS_CONTEXTS_DONE, contexts_done, r);
	return r->par && r->nar && r->icmp && r->frames && r->mh && r->tunnel_fd >= 0 && r->rtnl && r->contexts;
}

struct fmip6_router *fmip6_router_create(struct core *core, const struct fmip6_params *params)
{
	struct fmip6_router *r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	r->core = core;
	r->params = params;
	r->tunnel_fd = -1;
	bucket_init(&r->log, 1, 10);
	for (int i = 0; i < LINKS_MAX; i++)
		bucket_init(&r->rates[i], LINK_RATE, LINK_RATE);
	if (!open_all(r)) {
		LOG_ERROR("fmip6", "could not start role=access-router");
		fmip6_router_destroy(r);
		return NULL;
	}
	links_open(r);
	return r;
}

static void stop_forwarding(const struct par_view *v, void *arg)
{
	struct fmip6_router *r = arg;
	path_close(path_find(r->core->net->paths, &v->pcoa));
	tunnel_end_del(r->core->net->paths, &v->pcoa);
	close_record(r, HANDOVER_PAR, &v->pcoa, HANDOVER_CANCELLED, "the router stops");
}

static void stop_holding(const struct nar_view *v, void *arg)
{
	struct fmip6_router *r = arg;
	if (v->state != NAR_DONE)
		path_close(path_find(r->core->net->paths, &v->ncoa));
	rtnl_proxy_del(r->core->net->rtnl, v->ifindex, &v->ncoa);
	close_record(r, HANDOVER_NAR, &v->pcoa, HANDOVER_CANCELLED, "the router stops");
}

void fmip6_router_destroy(struct fmip6_router *r)
{
	if (!r)
		return;
	if (r->nar)
		nar_each(r->nar, stop_holding, r);
	if (r->par)
		par_each(r->par, stop_forwarding, r);
	bus_unsubscribe(r->contexts);
	if (r->rtnl)
		rtnl_unsubscribe(r->rtnl);
	mh_close(r->mh);
	icmp6_close(r->frames);
	icmp6_close(r->icmp);
	if (r->tunnel_fd >= 0)
		close(r->tunnel_fd);
	par_destroy(r->par);
	nar_destroy(r->nar);
	while (r->asked)
		asked_drop(r, r->asked);
	while (r->releasing)
		releasing_drop(r, &r->releasing->ncoa);
	free(r);
}

void fmip6_router_reload(struct fmip6_router *r)
{
	while (r->asked)
		asked_drop(r, r->asked); /* their rates may have changed */
	links_open(r);
}

/* ---- show ---- */

static void show_binding(const struct par_view *v, void *arg)
{
	struct output *o = arg;
	out_item_begin(o, NULL);
	out_addr(o, "pcoa", &v->pcoa);
	out_addr(o, "ncoa", &v->ncoa);
	out_addr(o, "router", &v->nar);
	out_str(o, "state", v->forwarding ? v->pending ? "moving" : "forwarding" : "pending");
	out_item_end(o);
}

static void show_session(const struct nar_view *v, void *arg)
{
	static const char *const states[] = { [NAR_HOLDING] = "holding", [NAR_WAITING] = "waiting", [NAR_RELEASING] = "releasing",
		[NAR_DONE] = "arrived" };
	struct output *o = arg;
	out_item_begin(o, NULL);
	out_addr(o, "pcoa", &v->pcoa);
	out_addr(o, "ncoa", &v->ncoa);
	out_addr(o, "router", &v->peer);
	out_lladdr(o, "lladdr", &v->lladdr);
	out_str(o, "state", states[v->state]);
	out_item_end(o);
}

void fmip6_router_show(struct fmip6_router *r, struct output *o)
{
	par_each(r->par, show_binding, o);
	nar_each(r->nar, show_session, o);
}
