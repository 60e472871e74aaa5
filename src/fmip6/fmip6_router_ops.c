/* What PAR and NAR do to the world: messages, paths, neighbour entries, tables, timelines, the bus. */
#define _GNU_SOURCE 1 /* struct in6_pktinfo */
#include <errno.h>
#include <linux/neighbour.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/secret.h"
#include "fmip6/fmip6_clients.h"
#include "fmip6/fmip6_router.h"
#include "fmip6/fmip6_wire_4068.h"

#define ASSIGN_TRIES 8
#define ASKED_LIFE (10 * USEC_SEC) /* how long steps a and b belong to a following FBU */

/* ---- tables ---- */

static struct neighbor *usable_neighbor(const struct fmip6_router *r, const struct in6_addr *addr)
{
	struct neighbor *n = neighbor_find(r->core->neighbors, addr);
	return n && neighbor_usable(n) ? n : NULL;
}

/* Is that neighbour one of RFC 4068, sent HI and HAck over ICMPv6? */
static bool is_older(const struct fmip6_router *r, const struct in6_addr *addr)
{
	const struct neighbor *n = neighbor_find(r->core->neighbors, addr);
	return n && n->compat == COMPAT_RFC4068;
}

static struct handover *record(const struct fmip6_router *r, enum handover_role role, const struct in6_addr *pcoa)
{
	return handover_running(r->core->handovers, role, pcoa);
}

void router_names(const struct fmip6_router *r, struct handover *h)
{
	const struct neighbor *other = neighbor_find(r->core->neighbors, h->role == HANDOVER_PAR ? &h->nar : &h->par);
	char *mine = h->role == HANDOVER_PAR ? h->from : h->to, *theirs = h->role == HANDOVER_PAR ? h->to : h->from;
	snprintf(mine, sizeof h->from, "%s", r->core->settings->name);
	if (other)
		snprintf(theirs, sizeof h->to, "%s", other->name);
}

void router_close_record(const struct fmip6_router *r, enum handover_role role, const struct in6_addr *pcoa,
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

struct releasing *router_releasing_add(struct fmip6_router *r, const struct in6_addr *ncoa)
{
	router_releasing_drop(r, ncoa);
	struct releasing *e = calloc(1, sizeof *e);
	if (!e)
		return NULL;
	e->ncoa = *ncoa;
	e->router = r;
	HASH_ADD(hh, r->releasing, ncoa, sizeof e->ncoa, e);
	return e;
}

void router_releasing_drop(struct fmip6_router *r, const struct in6_addr *ncoa)
{
	struct releasing *e = NULL;
	HASH_FIND(hh, r->releasing, ncoa, sizeof *ncoa, e);
	if (e) {
		HASH_DELETE(hh, r->releasing, e);
		free(e);
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

static bool par_key(void *arg, const struct in6_addr *pcoa, uint32_t spi, struct badf_key *out)
{
	struct fmip6_router *r = arg;
	if (spi == BADF_SPI_HANDOVER)
		return r->hk && hk_router_key(r->hk, pcoa, out);
	return spi == BADF_SPI_CONFIGURED && r->params->handover_keys.mode != FMIP6_HK_REQUIRED && fmip6_key(r->core, pcoa, out);
}

static bool par_own_address(void *arg, const struct in6_addr *pcoa)
{
	struct link l;
	return router_link_of_addr(arg, pcoa, &l) && !addr_eq(&l.router, pcoa);
}

static int par_target(void *arg, const struct in6_addr *ncoa, struct in6_addr *nar, struct in6_addr *router)
{
	struct fmip6_router *r = arg;
	struct link l;
	const struct ap *ap = ap_of_prefix(r->core->neighbors, ncoa), *narrow = ap ? NULL : ap_of_short_identifier(r->core->neighbors, ncoa);
	if (narrow && narrow->neighbor && narrow->neighbor->compat != COMPAT_NONE && !router_link_of_addr(r, ncoa, &l))
		return -ERANGE;
	if (router_link_of_addr(r, ncoa, &l) || !ap || !ap->neighbor || ap->neighbor->compat == COMPAT_NONE)
		return -ENOENT;
	if (!neighbor_usable(ap->neighbor))
		return -EACCES;
	*nar = ap->neighbor->address;
	*router = ap->router;
	if (!addr_eq(&ap->router, ncoa))
		return 0;
	return ap->neighbor->compat == COMPAT_RFC4068 ? -ENOENT : 1; /* what RFC 4068 calls accepted is another thing */
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
	struct link on;
	if (!m || m->lladdr.len == 0) /* its first handover from here */
		return router_link_of_addr(r, pcoa, &on) && rtnl_neigh_get(r->core->net->rtnl, on.ifindex, pcoa, out) == 0 && out->len;
	*out = m->lladdr;
	return true;
}

static void par_send_hi(void *arg, const struct in6_addr *nar, const uint8_t *data, size_t len)
{
	struct fmip6_router *r = arg;
	uint8_t older[FMIP6_MESSAGE_MAX];
	struct hi m;
	int n;
	if (!usable_neighbor(r, nar)) /* its protection may have gone since */
		return;
	if (!is_older(r, nar))
		n = mh_send(r->mh, 0, NULL, nar, NULL, data, len);
	else if ((n = hi_parse(data, len, &m)) == 0 && !(m.flags & HI_PROXY) && (n = hi_4068_pack(&m, older, sizeof older)) > 0)
		n = icmp6_send(r->icmp, 0, &in6addr_any, nar, FMIP6_HOP_LIMIT, false, older, (size_t)n);
	fmip6_sent(n, "HI", nar);
}

static void par_send_fback(void *arg, const struct in6_addr *src, const struct in6_addr *dst, bool on_link, const uint8_t *data,
                           size_t len)
{
	struct fmip6_router *r = arg;
	struct link l;
	const struct mobile *m = on_link ? mobile_find(r->core->mobiles, dst) : NULL;
	int rc;
	if (m && m->lladdr.len && router_link_of_addr(r, dst, &l))
		rc = mh_send_frame(r->mh, l.ifindex, &m->lladdr, src, dst, NULL, data, len);
	else
		rc = mh_send(r->mh, 0, src, dst, NULL, data, len);
	fmip6_sent(rc, "FBack", dst);
}

static int par_tunnel(void *arg, const struct in6_addr *pcoa, const struct in6_addr *local, const struct in6_addr *ncoa)
{
	struct fmip6_router *r = arg;
	nar_yield(r->nar, pcoa);
	router_releasing_drop(r, pcoa);
	struct handover *timeline = record(r, HANDOVER_PAR, pcoa);
	if (timeline)
		timeline->ncoa = *ncoa; /* the new router may have chosen another than the mobile */
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

static int par_copy(void *arg, const struct in6_addr *pcoa, const struct lladdr *l, bool on)
{
	struct fmip6_router *r = arg;
	struct link link;
	struct path *h = on ? path_get(r->core->net->paths, pcoa) : path_find(r->core->net->paths, pcoa);
	if (!on) {
		path_copy_end(h);
		return 0;
	}
	if (!h || !router_link_of_addr(r, pcoa, &link))
		return -ENOMEM;
	return path_copy(h, link.ifindex, l);
}

static int par_hold(void *arg, const struct in6_addr *pcoa)
{
	struct fmip6_router *r = arg;
	struct nar_view v;
	if (nar_find(r->nar, pcoa, &v) && (v.state == NAR_HOLDING || v.state == NAR_WAITING))
		return 1; /* it never came here before it moved on: its packets wait already */
	nar_yield(r->nar, pcoa);
	router_releasing_drop(r, pcoa);
	struct path *h = path_get(r->core->net->paths, pcoa);
	return h ? path_hold(h, NULL) : -ENOMEM;
}

/* It is elsewhere: who asks for the address shall find whoever has it now. */
static void forget_neighbor(struct fmip6_router *r, const struct in6_addr *pcoa, const struct lladdr *was)
{
	struct link on;
	struct lladdr now;
	if (router_link_of_addr(r, pcoa, &on) && rtnl_neigh_get(r->core->net->rtnl, on.ifindex, pcoa, &now) == 0 && lladdr_eq(&now, was))
		rtnl_neigh_del(r->core->net->rtnl, on.ifindex, pcoa);
}

static void par_direct(void *arg, const struct in6_addr *pcoa, const struct lladdr *here)
{
	struct fmip6_router *r = arg;
	struct mobile *m = mobile_find(r->core->mobiles, pcoa);
	struct path *h = path_find(r->core->net->paths, pcoa);
	struct link l;
	if (m && !here && m->lladdr.len)
		forget_neighbor(r, pcoa, &m->lladdr);
	if (m && !here)
		mobile_set_link(r->core->mobiles, m, 0, NULL);
	if (m && here && router_link_of_addr(r, pcoa, &l)) {
		struct lladdr to = here->len ? *here : m->lladdr;
		mobile_set_link(r->core->mobiles, m, l.ifindex, &to);
		if (to.len && h && path_stats(h).held_now &&
		    path_release(h, l.ifindex, &to, (enum hold_drain)r->core->settings->hold.drain, NULL, NULL) == 0)
			return;
		/* An entry that has to be resolved first would cost the packets of a round trip. */
		if (to.len)
			rtnl_neigh_set(r->core->net->rtnl, l.ifindex, pcoa, &to, NUD_REACHABLE);
	}
	path_close(h);
}

static void par_send_marker(void *arg, const struct in6_addr *pcoa, const struct in6_addr *local, const struct in6_addr *ncoa,
                            uint16_t id, uint16_t seq)
{
	marker_send(arg, pcoa, local, ncoa, id, seq);
}

static void par_expired(void *arg, const struct in6_addr *pcoa)
{
	struct fmip6_router *r = arg;
	if (r->hk)
		hk_router_forget(r->hk, pcoa);
}

static void par_tunnel_end(void *arg, const struct in6_addr *pcoa)
{
	struct fmip6_router *r = arg;
	struct mobile *m = mobile_find(r->core->mobiles, pcoa);
	tunnel_end_del(r->core->net->paths, pcoa);
	if (m && m->ifindex == 0)
		mobile_remove(r->core->mobiles, m);
}

/* The mobile asked before it moved, or was told to: that belongs to the movement. */
static void par_steps_before(struct fmip6_router *r, struct handover *h, const struct lladdr *l)
{
	struct asked *a = NULL;
	HASH_FIND(hh, r->asked, l, sizeof *l, a);
	if (!a || a->answer == 0 || a->answer + ASKED_LIFE < loop_now(r->core->loop))
		return;
	if (a->question)
		handover_step_at(r->core->handovers, h, STEP_A_RTSOLPR, a->question);
	handover_step_at(r->core->handovers, h, STEP_B_PRRTADV, a->answer);
	a->question = a->answer = 0;
}

static void par_opened(void *arg, enum handover_mode mode, const struct in6_addr *pcoa, const struct in6_addr *ncoa,
                       const struct in6_addr *par, const struct in6_addr *nar, const struct lladdr *l, usec_t at)
{
	struct fmip6_router *r = arg;
	struct link on;
	struct handover *h = handover_open(r->core->handovers, HANDOVER_PAR, mode, pcoa);
	struct mobile *m = mobile_get(r->core->mobiles, pcoa);
	nar_forget(r->nar, pcoa);
	router_speaks_last(r, l);
	if (r->clients)
		clients_forget(r->clients, pcoa);
	if (m && mode == HANDOVER_PREDICTIVE && router_link_of_addr(r, pcoa, &on))
		mobile_set_link(r->core->mobiles, m, on.ifindex, l);
	if (!h)
		return;
	h->ncoa = *ncoa;
	h->par = *par;
	h->nar = *nar;
	router_names(r, h);
	par_steps_before(r, h, l);
	handover_step_at(r->core->handovers, h, STEP_C_FBU, at);
	struct bus_note note = { .topic = BUS_HANDOVER_PREPARE, .u.handover.handover = h };
	bus_publish(r->core->bus, &note);
}

static void par_rider(void *arg, const struct in6_addr *pcoa, const struct in6_addr *par, const uint8_t *data, size_t len)
{
	struct fmip6_router *r = arg;
	uint8_t copy[RIDER_MAX];
	struct link on;
	struct bus_note note = { .topic = BUS_HANDOVER_RIDER,
		.u.rider = { .handover = record(r, HANDOVER_PAR, pcoa), .par = *par, .data = copy, .len = len } };
	if (!note.u.rider.handover || len > sizeof copy || !router_link_of_addr(r, pcoa, &on))
		return;
	note.u.rider.ifindex = on.ifindex;
	memcpy(copy, data, len);
	bus_publish(r->core->bus, &note);
}

static void par_step(void *arg, const struct in6_addr *pcoa, enum handover_step s, usec_t at)
{
	struct fmip6_router *r = arg;
	handover_step_at(r->core->handovers, record(r, HANDOVER_PAR, pcoa), s, at);
}

static void par_devolved(void *arg, const struct in6_addr *pcoa, const char *reason)
{
	struct fmip6_router *r = arg;
	handover_devolve(handover_running(r->core->handovers, HANDOVER_PAR, pcoa), HANDOVER_REACTIVE, reason);
}

static void par_closed(void *arg, const struct in6_addr *pcoa, enum handover_result res, const char *reason)
{
	router_close_record(arg, HANDOVER_PAR, pcoa, res, reason);
}

const struct par_ops router_par_ops = {
	.key = par_key, .own_address = par_own_address, .target = par_target, .is_peer = par_is_peer, .lladdr = par_lladdr,
	.send_hi = par_send_hi, .send_fback = par_send_fback, .copy = par_copy, .hold = par_hold, .tunnel = par_tunnel, .direct = par_direct,
	.send_marker = par_send_marker, .expired = par_expired, .tunnel_end = par_tunnel_end, .opened = par_opened, .rider = par_rider, .step = par_step,
	.devolved = par_devolved, .closed = par_closed,
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
	return router_link_of_addr(arg, ncoa, &l) ? l.ifindex : 0;
}

static bool nar_in_use(void *arg, const struct in6_addr *ncoa, const struct lladdr *l)
{
	struct fmip6_router *r = arg;
	const struct mobile *m = mobile_find(r->core->mobiles, ncoa);
	struct lladdr owner = { .len = 0 };
	struct link on;
	if (fmip6_is_local(r->core, ncoa))
		return true;
	if (m && m->ifindex && m->lladdr.len)
		owner = m->lladdr;
	else if (!known_lladdr(r->heard, ncoa, loop_now(r->core->loop), &owner) || lladdr_eq(&owner, l) || !router_link_of_addr(r, ncoa, &on) ||
	         rtnl_neigh_reachable(r->core->net->rtnl, on.ifindex, ncoa, &owner) < 0)
		return false; /* the kernel is asked only where there was somebody: a HI waits for its answer */
	if (lladdr_eq(&owner, l))
		return false;
	log_limited(&r->log, loop_now(r->core->loop), LOG_LEVEL_NOTICE, "fmip6", "another node has the address ncoa=%s lladdr=%s expected=%s",
	            ADDR(ncoa), LLADDR(&owner), LLADDR(l));
	return true;
}

static bool nar_present(void *arg, int ifindex, const struct in6_addr *ncoa)
{
	struct fmip6_router *r = arg;
	struct lladdr l;
	return rtnl_neigh_get(r->core->net->rtnl, ifindex, ncoa, &l) == 0;
}

static bool nar_assign(void *arg, const struct in6_addr *taken, const struct lladdr *l, struct in6_addr *out)
{
	struct fmip6_router *r = arg;
	struct link on;
	struct nar_view v;
	struct in6_addr iid;
	if (!router_link_of_addr(r, taken, &on))
		return false;
	for (int tries = 0; tries < ASSIGN_TRIES; tries++) {
		secret_random(&iid, sizeof iid);
		*out = addr_compose(&on.prefix, &iid);
		if (!nar_in_use(r, out, l) && !nar_find(r->nar, out, &v))
			return true;
	}
	return false;
}

static void nar_probe(void *arg, int ifindex, const struct in6_addr *ncoa)
{
	struct fmip6_router *r = arg;
	fmip6_send_dad(r->core, ifindex, ncoa);
}

static void nar_send_naack(void *arg, int ifindex, const struct lladdr *to, const struct in6_addr *dst, uint8_t status,
                           const struct in6_addr *ncoa)
{
	struct fmip6_router *r = arg;
	struct link on;
	struct in6_addr src;
	uint8_t out[96];
	if (!router_link_of_ifindex(r, ifindex, &on) || !rtnl_link_local(r->core->net->rtnl, ifindex, &src))
		return;
	const struct naack m = { .status = status, .ncoa = *ncoa, .source = on.lladdr,
		.lifetime = (uint16_t)(r->params->router_lifetime / USEC_SEC) };
	int n = naack_pack(&m, out, sizeof out);
	if (n > 0)
		fmip6_sent(fmip6_send_frame(r->core, ifindex, to, &src, dst, out, (size_t)n), "NAACK", dst);
}

static bool nar_leaving(void *arg, const struct in6_addr *ncoa, struct lladdr *of)
{
	struct fmip6_router *r = arg;
	struct par_view v = { .lladdr.len = 0 };
	bool found = par_find(r->par, ncoa, &v);
	*of = v.lladdr;
	return found && (v.forwarding || v.pending);
}

static enum par_was nar_supersede(void *arg, const struct in6_addr *ncoa, struct in6_addr *local, struct in6_addr *old_ncoa)
{
	struct fmip6_router *r = arg;
	enum par_was was = par_supersede(r->par, ncoa, local, old_ncoa);
	/* Somebody else of this router may hold for it already: for a mobile that came, and waits for its contexts. */
	return was == PAR_WAS_IDLE && path_is_held(path_find(r->core->net->paths, ncoa)) ? PAR_WAS_HOLDING : was;
}

static int nar_hold(void *arg, const struct in6_addr *ncoa, const struct in6_addr *forwarder)
{
	struct fmip6_router *r = arg;
	router_releasing_drop(r, ncoa);
	struct path *h = path_get(r->core->net->paths, ncoa);
	return h ? path_hold(h, forwarder) : -ENOMEM;
}

static int nar_pass(void *arg, const struct nar_view *v)
{
	struct fmip6_router *r = arg;
	struct path *h = path_find(r->core->net->paths, &v->ncoa);
	return h ? path_pass_forwarded(h, v->ifindex, &v->lladdr) : -ENOENT;
}

static void nar_hold_from(void *arg, const struct nar_view *v)
{
	struct fmip6_router *r = arg;
	struct path *h = path_find(r->core->net->paths, &v->ncoa);
	if (h)
		path_hold_from(h, v->ifindex);
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
	struct releasing *e = router_releasing_add(r, &v->ncoa);
	if (!e)
		return -ENOMEM;
	int rc = path_release(h, v->ifindex, &v->lladdr, (enum hold_drain)r->core->settings->hold.drain, release_done, e);
	if (rc < 0)
		router_releasing_drop(r, &v->ncoa);
	return rc;
}

static void nar_drop(void *arg, const struct in6_addr *ncoa)
{
	struct fmip6_router *r = arg;
	struct path *h = path_find(r->core->net->paths, ncoa);
	struct nar_view v;
	router_releasing_drop(r, ncoa);
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

static bool nar_home(void *arg, const struct in6_addr *pcoa, const struct in6_addr *peer)
{
	struct fmip6_router *r = arg;
	struct link l;
	const struct ap *ap = ap_of_prefix(r->core->neighbors, pcoa);
	if (!ap || !ap->neighbor || ap->neighbor != neighbor_find(r->core->neighbors, peer) || ap->neighbor->compat == COMPAT_RFC4068)
		return false; /* RFC 4068's HAck has no word for it */
	return !addr_eq(&ap->router, pcoa) && !addr_is_v4(pcoa) && !fmip6_is_local(r->core, pcoa) && !router_link_of_addr(r, pcoa, &l);
}

static bool nar_dhcp(void *arg, int ifindex)
{
	return router_link_has_dhcp(arg, ifindex);
}

static bool nar_own(void *arg, const struct in6_addr *a)
{
	struct fmip6_router *r = arg;
	return fmip6_is_local(r->core, a);
}

static int nar_serve(void *arg, const struct nar_view *v, const struct in6_addr *local, const struct in6_addr *remote)
{
	struct fmip6_router *r = arg;
	const struct prefix home = neighbor_prefix(r->core->neighbors, &v->ncoa);
	return tunnel_end_visitor(r->core->net->paths, v->ifindex, &home, &v->ncoa, local, remote);
}

static void nar_leave(void *arg, const struct nar_view *v)
{
	struct fmip6_router *r = arg;
	struct paths *paths = r->core->net->paths;
	struct mobile *m = mobile_find(r->core->mobiles, &v->ncoa);
	router_releasing_drop(r, &v->ncoa);
	path_close(path_find(paths, &v->ncoa));
	path_unpin(paths, &v->ncoa);
	tunnel_end_del(paths, &v->ncoa);
	rtnl_neigh_del(r->core->net->rtnl, v->ifindex, &v->ncoa);
	if (m)
		mobile_remove(r->core->mobiles, m);
}

/* It answers with a neighbour advertisement, which is seen (nar_seen). */
static void nar_ask(void *arg, const struct nar_view *v)
{
	struct fmip6_router *r = arg;
	struct link on;
	struct in6_addr src;
	uint8_t out[32];
	if (!router_link_of_ifindex(r, v->ifindex, &on) || !rtnl_link_local(r->core->net->rtnl, v->ifindex, &src))
		return;
	int n = nd_ns_pack(&v->ncoa, &on.lladdr, out, sizeof out);
	if (n > 0)
		fmip6_sent(fmip6_send_frame(r->core, v->ifindex, &v->lladdr, &src, &v->ncoa, out, (size_t)n), "probe", &v->ncoa);
}

/* Its address is here now; the older one names it too as long as its packets come through the PAR. */
static void nar_neighbor(void *arg, const struct nar_view *v)
{
	struct fmip6_router *r = arg;
	struct mobile *m = mobile_get(r->core->mobiles, &v->ncoa);
	rtnl_neigh_set(r->core->net->rtnl, v->ifindex, &v->ncoa, &v->lladdr, NUD_REACHABLE);
	router_speaks_at(r, &v->lladdr, v->ifindex, &v->ncoa);
	if (!m)
		return;
	mobile_add_addr(r->core->mobiles, m, &v->pcoa);
	mobile_set_link(r->core->mobiles, m, v->ifindex, &v->lladdr);
}

static void nar_send_hack(void *arg, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data, size_t len)
{
	struct fmip6_router *r = arg;
	uint8_t older[FMIP6_MESSAGE_MAX];
	struct hack m;
	int n;
	if (!usable_neighbor(r, dst))
		return;
	if (!is_older(r, dst))
		n = mh_send(r->mh, 0, src, dst, NULL, data, len);
	else if ((n = hack_parse(data, len, &m)) == 0 && (n = hack_4068_pack(&m, older, sizeof older)) > 0)
		n = icmp6_send(r->icmp, 0, src, dst, FMIP6_HOP_LIMIT, false, older, (size_t)n);
	fmip6_sent(n, "HAck", dst);
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
	if (router_link_of_ifindex(r, v->ifindex, &l))
		h->nar = l.router;
	router_names(r, h);
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
	router_close_record(arg, HANDOVER_NAR, pcoa, res, reason);
}

const struct nar_ops router_nar_ops = {
	.peer = nar_peer, .access_link = nar_access_link, .assign = nar_assign, .probe = nar_probe, .send_naack = nar_send_naack,
	.in_use = nar_in_use, .present = nar_present, .leaving = nar_leaving, .supersede = nar_supersede, .hold = nar_hold, .pass = nar_pass,
	.home = nar_home, .dhcp = nar_dhcp, .own = nar_own, .serve = nar_serve, .leave = nar_leave, .ask = nar_ask,
	.hold_from = nar_hold_from, .release = nar_release, .drop = nar_drop, .proxy = nar_proxy, .neighbor = nar_neighbor,
	.send_hack = nar_send_hack, .send_marker = nar_send_marker, .opened = nar_opened, .step = nar_step,
	.arrived = nar_arrived, .closed = nar_closed,
};
