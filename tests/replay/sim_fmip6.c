#include "sim_fmip6.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/handover.h"
#include "core/secret.h"
#include "fmip6/fmip6_adv.h"
#include "fmip6/fmip6_inform.h"
#include "fmip6/fmip6_wire_4068.h"

#define LINK_DELAY (1 * USEC_MSEC)
#define CORE_DELAY (2 * USEC_MSEC)
#define DAEMON_DELAY 200
#define DEPTH 8
#define PATHS 16
#define QUEUE 16384
#define WHOS (2 * SIM_ROUTERS + 1)
#define SEQS (1 << 20)
#define IFINDEX 7
#define PING (1 << 16) /* no marker's */

struct pkt {
	enum sim_kind kind;
	int depth;                             /* headers; the last is the outermost */
	struct in6_addr src[DEPTH], dst[DEPTH];
	struct in6_addr home;
	unsigned seq;                          /* SIM_DATA; identifier of SIM_ECHO */
	size_t len;
	uint8_t data[288];
};

enum path_state { PATH_DIRECT, PATH_HOLD, PATH_COPY, PATH_TUNNEL };
struct spath {
	struct in6_addr addr;
	enum path_state state;
	struct in6_addr forwarder, local, remote;
	bool pass;
	int older_n, fresh_n;
	struct pkt *older, *fresh;
};

struct end {
	bool used, back; /* back: what comes from inner on the link goes into the tunnel */
	struct in6_addr inner, remote;
};

struct router {
	struct sim *sim;
	int id;
	struct fmip6_par *par;
	struct fmip6_nar *nar;
	struct fmip6_inform *inform;
	struct spath paths[PATHS];
	struct end ends[PATHS]; /* of reverse tunnels */
	struct end served[PATHS]; /* PCoAs of mobiles that keep theirs here */
	bool unusable, no_fmip, broken, dhcp, narrow, older;
	enum sim_taken taken;
};

struct fault {
	int drop, repeat, delay;
	usec_t late;
};

struct sim {
	struct loop *loop;
	const struct sim_eyes *eyes;
	struct fmip6_params params;
	struct router routers[SIM_ROUTERS + 1];
	struct fmip6_mn *mn;
	struct lladdr frames_from; /* in whose frames announcements come that name another */
	int attached; /* link the cable is in; 0: none */
	int gateway;  /* whose frames the mobile's packets go in */
	struct in6_addr addrs[16];
	int addrs_n;
	struct end ends[PATHS];
	bool armed;
	struct mn_place learnt[16];
	int learnt_n;
	bool wrong_key;
	enum sim_home home;
	struct fault faults[SIM_KINDS];
	struct timer traffic;
	bool sending;
	usec_t pace;
	unsigned echoed;
	unsigned sent, received, repeated, reordered, highest, confirmed, asked;
	uint8_t *seen;
	struct pkt last_fbu;
	struct handovers *tables[WHOS];
	uint64_t last[WHOS];
	unsigned opened[WHOS], closed[WHOS];
};

/* ---- addresses ---- */

static struct in6_addr addr_make(uint8_t net, uint8_t host)
{
	return (struct in6_addr){ .s6_addr = { 0x20, 1, 0xd, 0xb8, 0, net, [15] = host } };
}

struct in6_addr sim_addr(int link)
{
	return addr_make((uint8_t)link, 5);
}

static struct in6_addr router_addr(int i)
{
	return addr_make((uint8_t)i, 1);
}

static struct in6_addr neighbor_addr(int i)
{
	return addr_make(0xff, (uint8_t)i);
}

static struct in6_addr correspondent(void)
{
	return addr_make(0xcc, 1);
}

struct in6_addr sim_router(int router)
{
	return router_addr(router);
}

static struct lladdr mac(uint8_t kind, int i)
{
	return (struct lladdr){ .len = 6, .octet = { 2, 0, 0, 0, kind, (uint8_t)i } };
}

/* The router whose link holds a, or whose neighbour address a is; 0: none. */
static int router_of(const struct in6_addr *a)
{
	int i = a->s6_addr[5] == 0xff ? a->s6_addr[15] : a->s6_addr[5];
	return a->s6_addr[0] == 0x20 && i <= SIM_ROUTERS ? i : 0;
}

static struct mn_place place(int i)
{
	struct in6_addr r = router_addr(i);
	return (struct mn_place){ .ap = mac(0xaa, i), .router = r, .router_lladdr = mac(1, i), .prefix = prefix_of(&r, 64) };
}

/* ---- events: something later ---- */

typedef void event_fn(struct sim *s, int where, struct pkt *p);
struct event {
	struct timer timer;
	struct sim *sim;
	event_fn *fn;
	int where;
	struct pkt p;
};

static void event_fire(struct timer *t, void *arg)
{
	struct event *e = arg;
	e->fn(e->sim, e->where, &e->p);
	free(e);
}

static void later(struct sim *s, usec_t delay, event_fn *fn, int where, const struct pkt *p)
{
	struct event *e = malloc(sizeof *e);
	assert(e);
	e->sim = s;
	e->fn = fn;
	e->where = where;
	e->p = *p;
	timer_init(&e->timer, s->loop, event_fire, e);
	timer_after(&e->timer, delay);
}

static struct sim_message message_of(const struct pkt *p, int router)
{
	return (struct sim_message){ .kind = p->kind, .router = router, .src = p->src[0], .dst = p->dst[0], .home = p->home, .data = p->data,
		.len = p->len };
}

static void came(struct sim *s, int router, const struct pkt *p)
{
	struct sim_message m = message_of(p, router);
	if (s->eyes->came)
		s->eyes->came(s, router, &m);
}

/* A message sets out, and meets its fate. */
static void emit(struct sim *s, usec_t delay, event_fn *fn, int where, const struct pkt *p)
{
	struct fault *f = &s->faults[p->kind];
	struct sim_message m = message_of(p, where);
	struct sim_fate fate = s->eyes->sent ? s->eyes->sent(s, &m) : (struct sim_fate){ .late = 0 };
	if (fate.lost)
		return;
	if (f->drop > 0) {
		f->drop--;
		return;
	}
	delay += fate.late;
	if (fate.twice)
		later(s, delay + 100, fn, where, p);
	if (f->delay > 0) {
		f->delay--;
		delay += f->late;
	}
	later(s, delay, fn, where, p);
	if (f->repeat > 0) {
		f->repeat--;
		later(s, delay + 100, fn, where, p);
	}
}

static struct pkt message(enum sim_kind k, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data, size_t len)
{
	struct pkt p = { .kind = k, .depth = 1, .src = { *src }, .dst = { *dst }, .len = len };
	assert(len <= sizeof p.data);
	memcpy(p.data, data, len);
	return p;
}

static struct mh_in mh_of(struct sim *s, const struct pkt *p)
{
	return (struct mh_in){ .src = p->src[0], .dst = p->dst[0], .home = p->home, .ifindex = IFINDEX, .data = p->data, .len = p->len,
		.at = loop_now(s->loop) };
}

/* ---- paths ---- */

static struct spath *path_of(struct router *r, const struct in6_addr *a)
{
	for (int i = 0; i < PATHS; i++)
		if (r->paths[i].state != PATH_DIRECT && addr_eq(&r->paths[i].addr, a))
			return &r->paths[i];
	return NULL;
}

static struct spath *path_make(struct router *r, const struct in6_addr *a)
{
	struct spath *h = path_of(r, a);
	for (int i = 0; !h && i < PATHS; i++)
		if (r->paths[i].state == PATH_DIRECT)
			h = &r->paths[i];
	assert(h);
	h->addr = *a;
	return h;
}

static void path_clear(struct spath *h)
{
	free(h->older);
	free(h->fresh);
	memset(h, 0, sizeof *h);
}

static struct end *end_of(struct end ends[PATHS], const struct in6_addr *inner);
static void router_in(struct sim *s, int i, struct pkt *p);
static void from_link(struct sim *s, int i, struct pkt *p);
static void mobile_in(struct sim *s, int link, struct pkt *p);

static void enqueue(struct pkt **q, int *n, const struct pkt *p)
{
	assert(*n < QUEUE);
	if ((*n & (*n - 1)) == 0) /* room doubles at each power of two */
		*q = realloc(*q, (size_t)(*n ? 2 * *n : 1) * sizeof **q);
	assert(*q);
	(*q)[(*n)++] = *p;
}

static void to_link(struct sim *s, int i, const struct pkt *p)
{
	later(s, LINK_DELAY, mobile_in, i, p);
}

static void into_tunnel(struct sim *s, struct spath *h, struct pkt *p)
{
	assert(p->depth < DEPTH);
	p->src[p->depth] = h->local;
	p->dst[p->depth] = h->remote;
	p->depth++;
	later(s, CORE_DELAY, router_in, router_of(&h->remote), p);
}

static void through_path(struct router *r, struct spath *h, struct pkt *p)
{
	if (h->state == PATH_TUNNEL) {
		into_tunnel(r->sim, h, p);
		return;
	}
	if (h->state == PATH_COPY)
		to_link(r->sim, r->id, p);
	bool older = addr_eq(&p->src[p->depth - 1], &h->forwarder);
	if (older && h->pass)
		to_link(r->sim, r->id, p);
	else if (older)
		enqueue(&h->older, &h->older_n, p);
	else
		enqueue(&h->fresh, &h->fresh_n, p);
}

/* ---- a router ---- */

static void router_message(struct sim *s, int i, struct pkt *p)
{
	struct router *r = &s->routers[i];
	struct mh_in in = mh_of(s, p);
	if (!r->par)
		return;
	came(s, i, p);
	switch (p->kind) {
	case SIM_FBU:
		s->last_fbu = *p;
		par_fbu(r->par, &in);
		break;
	case SIM_HACK:
		par_hack(r->par, &in);
		break;
	case SIM_HI:
		nar_hi(r->nar, &in);
		break;
	case SIM_ECHO:
		s->echoed += p->seq == PING;
		nar_marker_reply(r->nar, &p->src[0], (uint16_t)p->seq);
		par_marker_reply(r->par, &p->src[0], (uint16_t)p->seq);
		break;
	default:
		break;
	}
}

/* Out of a tunnel: that of an address served here, or of one that is forwarded, on its way back. */
static void out_of_tunnel(struct router *r, struct pkt *p)
{
	struct in6_addr other = neighbor_addr(r->id);
	bool served = addr_eq(&p->dst[p->depth - 1], &other);
	const struct end *e = served ? end_of(r->served, &p->dst[p->depth - 2]) : end_of(r->ends, &p->src[p->depth - 2]);
	if (!e || !addr_eq(&e->remote, &p->src[p->depth - 1]))
		return;
	p->depth--;
	router_in(r->sim, r->id, p);
}

static void router_in(struct sim *s, int i, struct pkt *p)
{
	if (i == 0)
		return;
	struct router *r = &s->routers[i];
	struct in6_addr dst = p->dst[p->depth - 1], mine = router_addr(i), other = neighbor_addr(i);
	if (p->depth > 1 && (addr_eq(&dst, &other) || addr_eq(&dst, &mine))) {
		out_of_tunnel(r, p);
		return;
	}
	if (addr_eq(&dst, &mine) || addr_eq(&dst, &other)) {
		later(s, DAEMON_DELAY, router_message, i, p);
		return;
	}
	if (router_of(&dst) != i && !end_of(r->served, &dst)) {
		later(s, CORE_DELAY, router_in, router_of(&dst), p);
		return;
	}
	struct spath *h = path_of(r, &dst);
	if (h)
		through_path(r, h, p);
	else
		to_link(s, i, p);
}

static bool op_key(void *arg, const struct in6_addr *pcoa, uint32_t spi, struct badf_key *out)
{
	memset(out, pcoa->s6_addr[5], sizeof *out);
	return spi == BADF_SPI_CONFIGURED;
}

static bool par_own(void *arg, const struct in6_addr *pcoa)
{
	struct router *r = arg;
	return pcoa->s6_addr[5] == r->id;
}

static int par_target(void *arg, const struct in6_addr *ncoa, struct in6_addr *nar, struct in6_addr *router)
{
	struct router *r = arg;
	int i = ncoa->s6_addr[5] == 0xff ? 0 : router_of(ncoa);
	if (i == 0 || i == r->id)
		return -ENOENT;
	if (r->sim->routers[i].narrow && (ncoa->s6_addr[8] || ncoa->s6_addr[9]))
		return -ERANGE;
	if (r->sim->routers[i].unusable)
		return -EACCES;
	*nar = neighbor_addr(i);
	*router = router_addr(i);
	if (ncoa->s6_addr[15] != 1)
		return 0;
	return r->sim->routers[i].older || r->older ? -ENOENT : 1;
}

static bool par_is_peer(void *arg, const struct in6_addr *src, const struct in6_addr *nar)
{
	struct router *r = arg;
	return router_of(src) == router_of(nar) && !r->sim->routers[router_of(src)].unusable;
}

static bool par_lladdr(void *arg, const struct in6_addr *pcoa, struct lladdr *out)
{
	return false;
}

/* Between these two HI and HAck are those of RFC 4068: what that cannot say does not arrive. */
static bool speak_older(const struct router *r, const struct in6_addr *other)
{
	return r->older || r->sim->routers[router_of(other)].older;
}

static void par_send_hi(void *arg, const struct in6_addr *nar, const uint8_t *data, size_t len)
{
	struct router *r = arg;
	struct in6_addr src = neighbor_addr(r->id);
	uint8_t older[128];
	if (speak_older(r, nar)) {
		struct hi m;
		if (hi_parse(data, len, &m) < 0 || m.flags & HI_PROXY)
			return;
		len = (size_t)hi_4068_pack(&m, older, sizeof older);
		hi_4068_parse(older, len, 6, &m);
		len = (size_t)hi_pack(&m, older, sizeof older);
		data = older;
	}
	struct pkt p = message(SIM_HI, &src, nar, data, len);
	emit(r->sim, CORE_DELAY, router_in, router_of(nar), &p);
}

static void par_send_fback(void *arg, const struct in6_addr *src, const struct in6_addr *dst, bool on_link, const uint8_t *data,
                           size_t len)
{
	struct router *r = arg;
	struct pkt p = message(SIM_FBACK, src, dst, data, len);
	const struct spath *h = on_link ? NULL : path_of(r, dst);
	if (h && h->state == PATH_TUNNEL) { /* where it leads now, not where it will */
		p.src[p.depth] = h->local;
		p.dst[p.depth++] = h->remote;
		emit(r->sim, CORE_DELAY, router_in, router_of(&h->remote), &p);
	} else if (on_link)
		emit(r->sim, LINK_DELAY, mobile_in, r->id, &p);
	else
		emit(r->sim, 0, router_in, r->id, &p);
}

static int par_copy(void *arg, const struct in6_addr *pcoa, const struct lladdr *l, bool on)
{
	struct router *r = arg;
	struct spath *h = path_of(r, pcoa);
	if (!on && h && h->state == PATH_COPY)
		path_clear(h);
	if (!on)
		return 0;
	if (h || r->broken)
		return -EBUSY;
	path_make(r, pcoa)->state = PATH_COPY;
	return 0;
}

static int par_hold(void *arg, const struct in6_addr *pcoa)
{
	struct router *r = arg;
	struct nar_view v;
	if (r->broken)
		return -ENOMEM;
	if (nar_find(r->nar, pcoa, &v) && (v.state == NAR_HOLDING || v.state == NAR_WAITING))
		return 1;
	nar_yield(r->nar, pcoa);
	path_make(r, pcoa)->state = PATH_HOLD;
	return 0;
}

static void par_direct(void *arg, const struct in6_addr *pcoa, const struct lladdr *here);

static struct end *end_of(struct end ends[PATHS], const struct in6_addr *inner)
{
	for (int i = 0; i < PATHS; i++)
		if (ends[i].used && addr_eq(&ends[i].inner, inner))
			return &ends[i];
	return NULL;
}

static void end_set(struct end ends[PATHS], const struct in6_addr *inner, const struct in6_addr *remote)
{
	struct end *e = end_of(ends, inner);
	for (int i = 0; !e && i < PATHS; i++)
		if (!ends[i].used)
			e = &ends[i];
	assert(e);
	*e = (struct end){ .used = true, .inner = *inner, .remote = *remote };
}

static int par_tunnel(void *arg, const struct in6_addr *pcoa, const struct in6_addr *local, const struct in6_addr *ncoa)
{
	struct router *r = arg;
	if (r->sim->eyes->tunnel)
		r->sim->eyes->tunnel(r->sim, r->id, pcoa, local, ncoa);
	nar_yield(r->nar, pcoa);
	if (r->broken) {
		par_direct(r, pcoa, NULL);
		return -ENOMEM;
	}
	end_set(r->ends, pcoa, ncoa);
	struct spath *h = path_make(r, pcoa);
	h->state = PATH_TUNNEL;
	h->local = *local;
	h->remote = *ncoa;
	for (int i = 0; i < h->older_n; i++)
		into_tunnel(r->sim, h, &h->older[i]);
	for (int i = 0; i < h->fresh_n; i++)
		into_tunnel(r->sim, h, &h->fresh[i]);
	h->older_n = h->fresh_n = 0;
	return 0;
}

static void par_direct(void *arg, const struct in6_addr *pcoa, const struct lladdr *here)
{
	struct router *r = arg;
	struct spath *h = path_of(r, pcoa);
	if (!h)
		return;
	for (int i = 0; here && i < h->fresh_n; i++)
		to_link(r->sim, r->id, &h->fresh[i]);
	path_clear(h);
}

static void marker(struct router *r, const struct in6_addr *mobile, const struct in6_addr *local, const struct in6_addr *remote,
                   uint16_t id);

static void par_send_marker(void *arg, const struct in6_addr *pcoa, const struct in6_addr *local, const struct in6_addr *ncoa,
                            uint16_t id, uint16_t seq)
{
	marker(arg, pcoa, local, ncoa, id);
}

static void par_tunnel_end(void *arg, const struct in6_addr *pcoa)
{
	struct router *r = arg;
	struct end *e = end_of(r->ends, pcoa);
	if (e)
		e->used = false;
}

bool sim_reverse(const struct sim *s, int router, const struct in6_addr *pcoa, const struct in6_addr *outer)
{
	const struct end *e = end_of((struct end *)s->routers[router].ends, pcoa);
	return e && addr_eq(&e->remote, outer);
}

/* ---- timelines ---- */

static void record_open(struct sim *s, int who, enum handover_role role, enum handover_mode mode, const struct in6_addr *pcoa,
                        usec_t at)
{
	struct handover *h = handover_open(s->tables[who], role, mode, pcoa);
	assert(h);
	s->last[who] = h->id;
	s->opened[who]++;
}

static void record_close(struct sim *s, int who, enum handover_role role, const struct in6_addr *pcoa, enum handover_result r,
                         const char *reason)
{
	struct handover *h = handover_running(s->tables[who], role, pcoa);
	assert(h); /* closed once, and opened before */
	s->closed[who]++;
	handover_close(s->tables[who], h, r, "%s", reason);
}

static void par_opened(void *arg, enum handover_mode mode, const struct in6_addr *pcoa, const struct in6_addr *ncoa,
                       const struct in6_addr *par, const struct in6_addr *nar, const struct lladdr *l, usec_t at)
{
	struct router *r = arg;
	record_open(r->sim, SIM_PAR(r->id), HANDOVER_PAR, mode, pcoa, at);
	nar_forget(r->nar, pcoa);
	handover_step_at(r->sim->tables[SIM_PAR(r->id)], handover_running(r->sim->tables[SIM_PAR(r->id)], HANDOVER_PAR, pcoa),
	                 STEP_C_FBU, at);
}

static void par_step(void *arg, const struct in6_addr *pcoa, enum handover_step st, usec_t at)
{
	struct router *r = arg;
	struct handovers *t = r->sim->tables[SIM_PAR(r->id)];
	handover_step_at(t, handover_running(t, HANDOVER_PAR, pcoa), st, at);
}

static void par_devolved(void *arg, const struct in6_addr *pcoa, const char *reason)
{
	struct router *r = arg;
	handover_devolve(handover_running(r->sim->tables[SIM_PAR(r->id)], HANDOVER_PAR, pcoa), HANDOVER_REACTIVE, reason);
}

static void par_closed(void *arg, const struct in6_addr *pcoa, enum handover_result res, const char *reason)
{
	struct router *r = arg;
	record_close(r->sim, SIM_PAR(r->id), HANDOVER_PAR, pcoa, res, reason);
}

static const struct par_ops par_ops = { .key = op_key, .own_address = par_own, .target = par_target, .is_peer = par_is_peer,
	.lladdr = par_lladdr, .send_hi = par_send_hi, .send_fback = par_send_fback, .copy = par_copy, .hold = par_hold, .tunnel = par_tunnel, .direct = par_direct,
	.send_marker = par_send_marker, .tunnel_end = par_tunnel_end, .opened = par_opened, .step = par_step,
	.devolved = par_devolved, .closed = par_closed };

static bool nar_peer(void *arg, const struct in6_addr *src, const struct in6_addr *pcoa, struct in6_addr *forwarder)
{
	struct router *r = arg;
	int i = src->s6_addr[5] == 0xff ? src->s6_addr[15] : 0;
	if (i < 1 || i > SIM_ROUTERS || i == r->id || r->sim->routers[i].unusable)
		return false;
	*forwarder = router_addr(i);
	return true;
}

static int nar_access_link(void *arg, const struct in6_addr *ncoa)
{
	return par_own(arg, ncoa) ? IFINDEX : 0;
}

static bool nar_leaving(void *arg, const struct in6_addr *ncoa, struct lladdr *of)
{
	struct router *r = arg;
	struct par_view v = { .lladdr.len = 0 };
	bool found = par_find(r->par, ncoa, &v);
	*of = v.lladdr;
	return found && (v.forwarding || v.pending);
}

static bool nar_in_use(void *arg, const struct in6_addr *ncoa, const struct lladdr *l)
{
	struct router *r = arg;
	return ncoa->s6_addr[15] == 0x66 || ncoa->s6_addr[15] == 1 || (r->taken == SIM_TAKEN && ncoa->s6_addr[15] == 5); /* somebody else's */
}

struct in6_addr sim_assigned(int link)
{
	return addr_make((uint8_t)link, 0x77);
}

static bool nar_assign(void *arg, const struct in6_addr *taken, const struct lladdr *l, struct in6_addr *out)
{
	struct router *r = arg;
	*out = sim_assigned(r->id);
	return true;
}

static void defended(struct sim *s, int i, struct pkt *p)
{
	struct lladdr owner = mac(6, 6);
	if (s->routers[i].nar)
		nar_defended(s->routers[i].nar, &p->dst[0], &owner, IFINDEX, loop_now(s->loop));
}

static void nar_probe(void *arg, int ifindex, const struct in6_addr *ncoa)
{
	struct router *r = arg;
	struct pkt p = { .kind = SIM_NA, .depth = 1, .dst = { *ncoa } };
	if (r->sim->eyes->probe)
		r->sim->eyes->probe(r->sim, r->id, ncoa);
	if (r->taken != SIM_FREE && ncoa->s6_addr[15] == 5)
		emit(r->sim, 2 * LINK_DELAY, defended, r->id, &p);
}

static void mobile_naack(struct sim *s, int link, struct pkt *p)
{
	struct naack m;
	if (s->attached != link)
		return;
	came(s, 0, p);
	if (naack_parse(p->data, p->len, 6, &m) == 0)
		mn_naack(s->mn, &m, loop_now(s->loop));
}

static void to_a_stranger(struct sim *s, int link, struct pkt *p)
{
}

static void nar_send_naack(void *arg, int ifindex, const struct lladdr *to, const struct in6_addr *dst, uint8_t status,
                           const struct in6_addr *ncoa)
{
	struct router *r = arg;
	uint8_t data[96];
	int n = naack_pack(&(struct naack){ .status = status, .ncoa = *ncoa, .source = mac(1, r->id), .lifetime = 1800 }, data, sizeof data);
	struct pkt p = message(SIM_NAACK, &in6addr_any, dst, data, (size_t)n);
	struct lladdr mobile = mac(9, 9);
	emit(r->sim, LINK_DELAY + DAEMON_DELAY, lladdr_eq(to, &mobile) ? mobile_naack : to_a_stranger, r->id, &p);
}

static enum par_was nar_supersede(void *arg, const struct in6_addr *ncoa, struct in6_addr *local, struct in6_addr *old)
{
	struct router *r = arg;
	return par_supersede(r->par, ncoa, local, old);
}

static int nar_hold(void *arg, const struct in6_addr *ncoa, const struct in6_addr *forwarder)
{
	struct router *r = arg;
	if (r->broken)
		return -ENOMEM;
	struct spath *h = path_make(r, ncoa);
	h->state = PATH_HOLD;
	h->forwarder = *forwarder;
	h->pass = false;
	return 0;
}

static int nar_pass(void *arg, const struct nar_view *v)
{
	struct router *r = arg;
	struct spath *h = path_of(r, &v->ncoa);
	h->pass = true;
	for (int i = 0; i < h->older_n; i++)
		to_link(r->sim, r->id, &h->older[i]);
	h->older_n = 0;
	return 0;
}

static void nar_hold_from(void *arg, const struct nar_view *v)
{
	if (path_of(arg, &v->ncoa)->state != PATH_HOLD)
		abort();
}

static void released(struct sim *s, int i, struct pkt *p)
{
	if (s->routers[i].nar)
		nar_released(s->routers[i].nar, &p->dst[0]);
}

static int nar_release(void *arg, const struct nar_view *v)
{
	struct router *r = arg;
	struct spath *h = path_of(r, &v->ncoa);
	struct pkt p = { .depth = 1, .dst = { v->ncoa } };
	assert(h && h->state == PATH_HOLD);
	for (int i = 0; i < h->older_n; i++)
		to_link(r->sim, r->id, &h->older[i]);
	for (int i = 0; i < h->fresh_n; i++)
		to_link(r->sim, r->id, &h->fresh[i]);
	path_clear(h);
	later(r->sim, 50, released, r->id, &p);
	return 0;
}

static bool nar_home(void *arg, const struct in6_addr *pcoa, const struct in6_addr *peer)
{
	return !par_own(arg, pcoa) && router_of(pcoa) == router_of(peer) && !speak_older(arg, peer);
}

static bool nar_dhcp(void *arg, int ifindex)
{
	struct router *r = arg;
	return r->dhcp;
}

static bool nar_own(void *arg, const struct in6_addr *a)
{
	struct router *r = arg;
	struct in6_addr mine = router_addr(r->id), other = neighbor_addr(r->id);
	return addr_eq(a, &mine) || addr_eq(a, &other);
}

static int nar_serve(void *arg, const struct nar_view *v, const struct in6_addr *local, const struct in6_addr *remote)
{
	struct router *r = arg;
	end_set(r->served, &v->ncoa, remote);
	end_of(r->served, &v->ncoa)->back = v->ifindex != 0;
	return r->broken ? -ENOMEM : 0;
}

static void nar_leave(void *arg, const struct nar_view *v)
{
	struct router *r = arg;
	struct end *e = end_of(r->served, &v->ncoa);
	if (e)
		e->used = false;
	par_direct(r, &v->ncoa, NULL);
}

static void seen(struct sim *s, int i, struct pkt *p)
{
	struct lladdr l = mac(9, 9);
	if (s->routers[i].nar)
		nar_seen(s->routers[i].nar, &p->dst[0], &l, IFINDEX, loop_now(s->loop));
}

static bool has_addr(const struct sim *s, const struct in6_addr *a);

static void nar_ask(void *arg, const struct nar_view *v)
{
	struct router *r = arg;
	struct pkt p = { .kind = SIM_NA, .depth = 1, .dst = { v->ncoa } };
	if (r->sim->attached == r->id && has_addr(r->sim, &v->ncoa))
		later(r->sim, 2 * LINK_DELAY, seen, r->id, &p);
}

bool sim_served(const struct sim *s, int router, int link)
{
	struct in6_addr a = sim_addr(link);
	return end_of((struct end *)s->routers[router].served, &a);
}

static void nar_drop(void *arg, const struct in6_addr *ncoa)
{
	par_direct(arg, ncoa, NULL);
}

static void nar_proxy(void *arg, int ifindex, const struct in6_addr *ncoa, bool on)
{
	struct router *r = arg;
	if (r->sim->eyes->proxy)
		r->sim->eyes->proxy(r->sim, r->id, ncoa, on);
}

static void nar_neighbor(void *arg, const struct nar_view *v)
{
	struct router *r = arg;
	if (r->sim->eyes->neighbor)
		r->sim->eyes->neighbor(r->sim, r->id, v);
}

static void nar_send_hack(void *arg, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data, size_t len)
{
	struct router *r = arg;
	uint8_t older[64];
	if (speak_older(r, dst)) {
		struct hack m;
		hack_parse(data, len, &m);
		len = (size_t)hack_4068_pack(&m, older, sizeof older);
		hack_4068_parse(older, len, &m);
		len = (size_t)hack_pack(&m, older, sizeof older);
		data = older;
	}
	struct pkt p = message(SIM_HACK, src, dst, data, len);
	emit(r->sim, CORE_DELAY, router_in, router_of(dst), &p);
}

/* Into the old tunnel by hand: from us to the old NCoA, and in it from us to the mobile. */
static void marker(struct router *r, const struct in6_addr *mobile, const struct in6_addr *local, const struct in6_addr *remote,
                   uint16_t id)
{
	struct pkt p = { .kind = SIM_ECHO, .depth = 2, .src = { *local, *local }, .dst = { *mobile, *remote }, .seq = id };
	emit(r->sim, CORE_DELAY, router_in, router_of(remote), &p);
}

static void nar_send_marker(void *arg, const struct nar_view *v, uint16_t id, uint16_t seq)
{
	marker(arg, &v->ncoa, &v->old_local, &v->old_ncoa, id);
}

static void nar_opened(void *arg, enum handover_mode mode, const struct nar_view *v, usec_t at)
{
	struct router *r = arg;
	int who = SIM_NAR(r->id);
	record_open(r->sim, who, HANDOVER_NAR, mode, &v->pcoa, at);
	handover_step_at(r->sim->tables[who], handover_running(r->sim->tables[who], HANDOVER_NAR, &v->pcoa), STEP_D_HI, at);
}

static void nar_step(void *arg, const struct in6_addr *pcoa, enum handover_step st, usec_t at)
{
	struct router *r = arg;
	struct handovers *t = r->sim->tables[SIM_NAR(r->id)];
	handover_step_at(t, handover_running(t, HANDOVER_NAR, pcoa), st, at);
}

static void nar_arrived(void *arg, const struct nar_view *v)
{
}

static void nar_closed(void *arg, const struct in6_addr *pcoa, enum handover_result res, const char *reason)
{
	struct router *r = arg;
	record_close(r->sim, SIM_NAR(r->id), HANDOVER_NAR, pcoa, res, reason);
}

static const struct nar_ops nar_ops = { .peer = nar_peer, .access_link = nar_access_link, .assign = nar_assign, .probe = nar_probe,
	.send_naack = nar_send_naack, .in_use = nar_in_use, .leaving = nar_leaving, .supersede = nar_supersede, .hold = nar_hold,
	.home = nar_home, .dhcp = nar_dhcp, .own = nar_own, .serve = nar_serve, .leave = nar_leave, .ask = nar_ask,
	.pass = nar_pass, .hold_from = nar_hold_from, .release = nar_release, .drop = nar_drop, .proxy = nar_proxy,
	.neighbor = nar_neighbor, .send_hack = nar_send_hack, .send_marker = nar_send_marker, .opened = nar_opened,
	.step = nar_step, .arrived = nar_arrived, .closed = nar_closed };

/* ---- the mobile ---- */

static bool has_addr(const struct sim *s, const struct in6_addr *a)
{
	for (int i = 0; i < s->addrs_n; i++)
		if (addr_eq(&s->addrs[i], a))
			return true;
	return false;
}

static void add_addr(struct sim *s, const struct in6_addr *a)
{
	assert(s->addrs_n < 16);
	if (!has_addr(s, a))
		s->addrs[s->addrs_n++] = *a;
}

static void mobile_data(struct sim *s, const struct pkt *p)
{
	if (s->seen[p->seq]++) {
		s->repeated++;
		return;
	}
	s->received++;
	if (p->seq < s->highest)
		s->reordered++;
	else
		s->highest = p->seq;
}

static void mobile_fback(struct sim *s, int link, struct pkt *p)
{
	struct mh_in in = mh_of(s, p);
	came(s, 0, p);
	mn_fback(s->mn, &in);
}

/* From the mobile to its router, which sends what comes from an address that it serves back where that is at home. */
static void from_link(struct sim *s, int i, struct pkt *p)
{
	const struct end *e = end_of(s->routers[i].served, &p->src[0]);
	if (e && e->back && p->depth == 1) {
		p->src[1] = neighbor_addr(i);
		p->dst[1] = e->remote;
		p->depth = 2;
		later(s, CORE_DELAY, router_in, router_of(&e->remote), p);
		return;
	}
	router_in(s, i, p);
}

static void mobile_send(struct sim *s, const struct pkt *p)
{
	if (s->attached && s->attached == s->gateway)
		emit(s, LINK_DELAY, from_link, s->attached, p);
}

static void mobile_in(struct sim *s, int link, struct pkt *p)
{
	if (s->attached != link)
		return;
	bool tunnelled = p->depth > 1;
	while (p->depth > 1) {
		struct in6_addr outer = p->dst[p->depth - 1];
		struct end *e = end_of(s->ends, &p->dst[p->depth - 2]);
		if (!has_addr(s, &outer) || !e || !addr_eq(&e->remote, &p->src[p->depth - 1]))
			return;
		p->depth--;
	}
	if (!has_addr(s, &p->dst[0]))
		return;
	if (tunnelled && s->armed) {
		s->armed = false;
		mn_first(s->mn, loop_now(s->loop));
	}
	if (p->kind == SIM_DATA)
		mobile_data(s, p);
	else if (p->kind == SIM_FBACK)
		later(s, DAEMON_DELAY, mobile_fback, link, p);
	else if (p->kind == SIM_ECHO) {
		struct pkt reply = { .kind = SIM_ECHO, .depth = 1, .src = { p->dst[0] }, .dst = { p->src[0] }, .seq = p->seq };
		if (s->attached == s->gateway)
			later(s, LINK_DELAY, from_link, s->attached, &reply);
	}
}

static bool mn_key(void *arg, const struct in6_addr *par, const struct in6_addr *pcoa, uint32_t *spi, struct badf_key *out)
{
	struct sim *s = arg;
	if (*spi == MN_SPI_ANY)
		*spi = BADF_SPI_CONFIGURED;
	if (!op_key(NULL, pcoa, *spi, out))
		return false;
	if (s->wrong_key)
		out->octets[0] ^= 1;
	return true;
}

static bool mn_find(void *arg, const struct lladdr *ap, const struct in6_addr *router, struct mn_place *out)
{
	struct sim *s = arg;
	for (int i = 0; i < s->learnt_n; i++)
		if (ap->len ? lladdr_eq(ap, &s->learnt[i].ap) : router && addr_eq(router, &s->learnt[i].router)) {
			*out = s->learnt[i];
			return true;
		}
	return false;
}

static size_t mn_places(void *arg, struct mn_place *out, size_t max)
{
	struct sim *s = arg;
	size_t n = 0;
	for (int i = 0; i < s->learnt_n && n < max; i++)
		out[n++] = s->learnt[i];
	return n;
}

static void mn_learn(void *arg, const struct mn_place *p)
{
	struct sim *s = arg;
	struct mn_place had;
	if (!mn_find(s, &p->ap, NULL, &had) && s->learnt_n < 16)
		s->learnt[s->learnt_n++] = *p;
}

static bool mn_home(void *arg, const struct prefix *link, struct in6_addr *out)
{
	struct sim *s = arg;
	*out = sim_addr(1);
	return s->home == SIM_HOME_OURS && prefix_has(link, out);
}

static bool mn_away(void *arg, const struct in6_addr *a)
{
	struct sim *s = arg;
	struct in6_addr home = sim_addr(1);
	return s->home > SIM_HOME_OURS && addr_eq(a, &home);
}

void sim_home(struct sim *s, enum sim_home owner)
{
	struct in6_addr home = sim_addr(1);
	s->home = owner;
	if (owner == SIM_HOME_OURS)
		mn_home_ours(s->mn);
	else if (owner == SIM_HOME_AGENT)
		mn_home_forwarded(s->mn, &home);
}

static bool mn_own(void *arg, const struct prefix *prefix, struct in6_addr *out)
{
	struct sim *s = arg;
	for (int i = 0; i < s->addrs_n; i++)
		if (prefix_has(prefix, &s->addrs[i]) && !mn_away(s, &s->addrs[i])) {
			*out = s->addrs[i];
			return true;
		}
	return false;
}

static void mn_self(void *arg, struct lladdr *l, struct in6_addr *iid)
{
	*l = mac(9, 9);
	*iid = addr_make(0, 5);
}

static void adv_find(void *arg, const struct lladdr *ap, struct tuple *out)
{
	struct router *r = arg;
	int i = ap->octet[4] == 0xaa && ap->octet[5] <= SIM_ROUTERS ? ap->octet[5] : 0;
	struct mn_place p = i ? place(i) : (struct mn_place){ .ap = *ap };
	bool mute = i && r->sim->routers[i].no_fmip;
	*out = (struct tuple){ .code = i == 0 ? LLA_NO_PREFIX : i == r->id ? LLA_SAME_INTERFACE : mute ? LLA_NO_FMIP : LLA_NEW_AP, .ap = p.ap,
		.router_lladdr = p.router_lladdr, .router = p.router, .has_prefix = i > 0, .prefix = p.prefix, .dhcp = i && r->sim->routers[i].dhcp };
}

static size_t adv_all(void *arg, struct tuple *out, size_t max)
{
	struct router *r = arg;
	struct lladdr ap = mac(0xaa, r->id);
	size_t n = 0;
	adv_find(r, &ap, &out[n++]);
	for (int i = 1; i <= SIM_ROUTERS; i++) {
		ap = mac(0xaa, i);
		if (i != r->id)
			adv_find(r, &ap, &out[n++]);
	}
	return n;
}

static void mobile_prrtadv(struct sim *s, int link, struct pkt *p)
{
	struct prrtadv a;
	if (s->attached != link)
		return;
	came(s, 0, p);
	if (prrtadv_parse(p->data, p->len, 6, &a) == 0)
		mn_prrtadv(s->mn, &a, loop_now(s->loop));
}

static void router_rtsolpr(struct sim *s, int link, struct pkt *p)
{
	struct prrtadv a;
	uint8_t data[FMIP6_MESSAGE_MAX];
	struct rtsolpr q;
	struct router *r = &s->routers[link];
	struct lladdr source = mac(1, link);
	struct adv_map map = { adv_find, adv_all, r };
	if (!r->par)
		return;
	came(s, link, p);
	if (rtsolpr_parse(p->data, p->len, 6, &q) < 0)
		return;
	adv_answer(&q, &map, &source, &a);
	if (!q.wildcard && (a.code == PRRTADV_TUPLES || a.code == PRRTADV_DHCP))
		par_foresee(r->par, &p->src[0], &q.source);
	int n = prrtadv_pack(&a, data, sizeof p->data);
	assert(n > 0);
	struct pkt answer = message(SIM_PRRTADV, &in6addr_any, &p->src[0], data, (size_t)n);
	emit(s, LINK_DELAY + DAEMON_DELAY, mobile_prrtadv, link, &answer);
}

/* What may be told unasked: the neighbours that may be talked to. */
static void informs(const struct router *r, struct prrtadv *a)
{
	*a = (struct prrtadv){ .code = PRRTADV_UNSOLICITED, .source = mac(1, r->id) };
	for (int i = 1; i <= SIM_ROUTERS; i++) {
		struct lladdr ap = mac(0xaa, i);
		adv_find((void *)(uintptr_t)r, &ap, &a->tuples[a->tuples_n]);
		a->tuples_n = (uint8_t)(a->tuples_n + (a->tuples[a->tuples_n].code == LLA_NEW_AP && !r->sim->routers[i].unusable));
	}
}

static uint64_t inform_digest(void *arg)
{
	uint8_t data[FMIP6_MESSAGE_MAX];
	struct prrtadv a;
	informs(arg, &a);
	int n = prrtadv_pack(&a, data, sizeof data);
	assert(n > 0);
	return hash_keyed(data, (size_t)n);
}

static bool inform_next(void *arg, bool first)
{
	struct router *r = arg;
	struct sim *s = r->sim;
	struct prrtadv a;
	uint8_t data[FMIP6_MESSAGE_MAX];
	const struct mn_place *here = s->mn ? mn_here(s->mn) : NULL;
	informs(r, &a);
	if (s->attached != r->id || !here || router_of(&here->router) != r->id || a.tuples_n == 0)
		return false;
	int n = prrtadv_pack(&a, data, sizeof ((struct pkt *)0)->data);
	assert(n > 0);
	struct pkt p = message(SIM_PRRTADV, &in6addr_any, &here->coa, data, (size_t)n);
	FMIP6_COUNT(FMIP6_INFORMS_SENT);
	emit(s, LINK_DELAY + DAEMON_DELAY, mobile_prrtadv, r->id, &p);
	return false;
}

static const struct inform_ops inform_ops = { .digest = inform_digest, .next = inform_next };

static void mn_send_rtsolpr(void *arg, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data, size_t len)
{
	struct sim *s = arg;
	struct pkt p = message(SIM_RTSOLPR, src, dst, data, len);
	if (s->attached && (addr_is_zero(dst) || router_of(dst) == s->attached))
		emit(s, LINK_DELAY + DAEMON_DELAY, router_rtsolpr, s->attached, &p);
}

static void mn_send_fbu(void *arg, const struct in6_addr *src, const struct in6_addr *dst, const struct in6_addr *home,
                        const uint8_t *data, size_t len)
{
	struct pkt p = message(SIM_FBU, src, dst, data, len);
	p.home = *home;
	mobile_send(arg, &p);
}

static void router_una(struct sim *s, int link, struct pkt *p)
{
	struct nd_na m;
	if (!s->routers[link].nar)
		return;
	came(s, link, p);
	if (nd_na_parse(p->data, p->len, 6, &m) < 0)
		return;
	if (m.lladdr_odd)
		nar_una_unrecognized(s->routers[link].nar, &m, &p->src[0], &s->frames_from, IFINDEX, loop_now(s->loop));
	else
		nar_una(s->routers[link].nar, &m, &p->src[0], IFINDEX, loop_now(s->loop));
}

static void mn_send_una(void *arg, const struct in6_addr *coa, bool confirmed)
{
	struct sim *s = arg;
	uint8_t data[64];
	struct nd_na m = { .target = *coa, .flags = confirmed ? NA_OVERRIDE : 0, .lladdr = mac(9, 9) };
	int n = nd_na_pack(&m, data, sizeof data);
	s->confirmed += confirmed;
	struct pkt p = message(SIM_UNA, coa, &in6addr_any, data, (size_t)n);
	if (s->attached)
		emit(s, LINK_DELAY + DAEMON_DELAY, router_una, s->attached, &p);
}

static void mobile_na(struct sim *s, int link, struct pkt *p)
{
	if (s->attached == link)
		mn_na(s->mn, &(struct nd_na){ .target = p->dst[0], .flags = NA_SOLICITED | NA_ROUTER }, loop_now(s->loop));
}

static void router_probe(struct sim *s, int link, struct pkt *p)
{
	p->kind = SIM_NA;
	emit(s, LINK_DELAY, mobile_na, link, p);
}

static void mn_send_probe(void *arg, const struct mn_place *to)
{
	struct sim *s = arg;
	struct pkt p = { .kind = SIM_PROBE, .depth = 1, .dst = { to->router } };
	if (s->attached && router_of(&to->router) == s->attached)
		emit(s, LINK_DELAY, router_probe, s->attached, &p);
}

static void mobile_defended(struct sim *s, int link, struct pkt *p)
{
	if (s->attached == link)
		mn_defended(s->mn, &(struct nd_na){ .target = p->dst[0], .flags = NA_OVERRIDE, .lladdr = mac(6, 6) }, loop_now(s->loop));
}

/* An owner of whom the router knows is asleep: its router speaks for it. */
static void mn_send_dad(void *arg, const struct in6_addr *coa)
{
	struct sim *s = arg;
	struct pkt p = { .kind = SIM_NA, .depth = 1, .dst = { *coa } };
	s->asked++;
	if (s->attached && s->routers[s->attached].taken == SIM_TAKEN_UNKNOWN && coa->s6_addr[15] == 5)
		emit(s, 2 * LINK_DELAY, mobile_defended, s->attached, &p);
}

static void mn_abandon(void *arg, const struct in6_addr *coa);

static void mn_expect(void *arg, const struct mn_binding_view *b, const struct mn_place *p, bool on)
{
	struct sim *s = arg;
	if (on) {
		add_addr(s, &p->coa);
		end_set(s->ends, &b->pcoa, &b->par);
	} else {
		mn_abandon(s, &p->coa);
	}
}

static void mn_attach(void *arg, const struct mn_place *p, bool has_address)
{
	struct sim *s = arg;
	add_addr(s, &p->coa);
	s->gateway = router_of(&p->router);
}

static void mn_abandon(void *arg, const struct in6_addr *coa)
{
	struct sim *s = arg;
	for (int i = 0; i < s->addrs_n; i++)
		if (addr_eq(&s->addrs[i], coa))
			s->addrs[i] = s->addrs[--s->addrs_n];
}

static void mn_random_iid(void *arg, struct in6_addr *out)
{
	*out = addr_make(0, 0x42);
}

static void mn_bind(void *arg, const struct mn_binding_view *b, const struct mn_place *here)
{
	struct sim *s = arg;
	add_addr(s, &b->pcoa);
	end_set(s->ends, &b->pcoa, &b->par);
	s->armed = true;
}

static void mn_native(void *arg, const struct mn_binding_view *b)
{
	struct sim *s = arg;
	end_set(s->ends, &b->pcoa, &b->par);
}

static void mn_unbind(void *arg, const struct mn_binding_view *b)
{
	struct sim *s = arg;
	struct in6_addr home = sim_addr(1);
	struct end *e = end_of(s->ends, &b->pcoa);
	if (e)
		e->used = false;
	if (s->home == SIM_HOME_NONE || !addr_eq(&b->pcoa, &home))
		mn_abandon(s, &b->pcoa);
}

static struct handover *mn_record(struct sim *s)
{
	return handover_by_id(s->tables[SIM_MN], s->last[SIM_MN]);
}

static void mn_opened(void *arg, enum handover_mode mode, const struct in6_addr *pcoa, const struct in6_addr *par)
{
	struct sim *s = arg;
	assert(s->opened[SIM_MN] == s->closed[SIM_MN]); /* one at a time */
	record_open(s, SIM_MN, HANDOVER_MN, mode, pcoa, 0);
}

static void mn_target(void *arg, enum handover_mode mode, const struct in6_addr *ncoa, const struct in6_addr *nar)
{
	struct handover *h = mn_record(arg);
	h->mode = mode;
	h->ncoa = *ncoa;
}

static void mn_step(void *arg, enum handover_step st, usec_t at)
{
	struct sim *s = arg;
	handover_step_at(s->tables[SIM_MN], mn_record(s), st, at);
}

static void mn_gap(void *arg, usec_t start, usec_t end, usec_t interruption)
{
	struct handover *h = mn_record(arg);
	h->gap_start = start;
	h->gap_end = end;
	h->interruption = interruption;
}

static void mn_closed(void *arg, enum handover_result r, const char *reason)
{
	struct sim *s = arg;
	s->closed[SIM_MN]++;
	handover_close(s->tables[SIM_MN], mn_record(s), r, "%s", reason);
}

static void mn_prepare(void *arg)
{
}

static void mn_attached(void *arg, const struct in6_addr *coa, const struct in6_addr *previous)
{
}

static const struct mn_ops mn_ops = { .key = mn_key, .find = mn_find, .places = mn_places, .learn = mn_learn, .own_address = mn_own, .home = mn_home, .is_away = mn_away,
	.self = mn_self, .send_rtsolpr = mn_send_rtsolpr, .send_fbu = mn_send_fbu, .send_una = mn_send_una,
	.send_probe = mn_send_probe, .send_dad = mn_send_dad, .expect = mn_expect, .attach = mn_attach, .abandon = mn_abandon,
	.random_iid = mn_random_iid, .bind = mn_bind, .native = mn_native, .unbind = mn_unbind,
	.opened = mn_opened, .target = mn_target, .step = mn_step, .gap = mn_gap, .closed = mn_closed, .prepare = mn_prepare,
	.attached = mn_attached };

/* ---- the world ---- */

static void traffic_next(struct timer *t, void *arg)
{
	struct sim *s = arg;
	if (!s->sending)
		return;
	struct pkt p = { .kind = SIM_DATA, .depth = 1, .src = { correspondent() }, .dst = { sim_addr(1) }, .seq = s->sent++ };
	assert(s->sent < SEQS);
	later(s, CORE_DELAY, router_in, 1, &p);
	timer_after(&s->traffic, s->pace);
}

void sim_pace(struct sim *s, usec_t pace)
{
	s->pace = pace;
}

void sim_traffic(struct sim *s, bool on)
{
	s->sending = on;
	if (on)
		timer_after(&s->traffic, 0);
}

static void router_start(struct sim *s, int i)
{
	struct router *r = &s->routers[i];
	r->sim = s;
	r->id = i;
	r->par = par_create(s->loop, &s->params, &par_ops, r);
	r->nar = nar_create(s->loop, &s->params, &nar_ops, r);
	r->inform = inform_create(s->loop, &s->params, &inform_ops, r);
	assert(r->par && r->nar && r->inform);
}

static void router_stop(struct sim *s, int i)
{
	struct router *r = &s->routers[i];
	par_destroy(r->par);
	nar_destroy(r->nar);
	inform_destroy(r->inform);
	r->par = NULL;
	r->nar = NULL;
	r->inform = NULL;
	for (int j = 0; j < PATHS; j++)
		path_clear(&r->paths[j]);
	memset(r->ends, 0, sizeof r->ends);
	memset(r->served, 0, sizeof r->served);
}

/* What ran when its daemon was killed runs nowhere now. */
static void table_reset(struct sim *s, int who)
{
	handovers_destroy(s->tables[who]);
	s->tables[who] = handovers_create(s->loop, NULL, 64);
	assert(s->tables[who]);
	s->opened[who] = s->closed[who] = 0;
	s->last[who] = 0;
}

void sim_restart_router(struct sim *s, int i)
{
	router_stop(s, i);
	table_reset(s, SIM_PAR(i));
	table_reset(s, SIM_NAR(i));
	router_start(s, i);
	if (s->eyes->restarted)
		s->eyes->restarted(s, i);
}

static void mobile_start(struct sim *s)
{
	struct in6_addr a = sim_addr(s->attached ? s->attached : 1);
	s->gateway = s->attached;
	s->addrs_n = 0;
	memset(s->ends, 0, sizeof s->ends);
	s->learnt_n = 0;
	add_addr(s, &a);
	s->mn = mn_create(s->loop, &s->params, &mn_ops, s);
	assert(s->mn);
	if (s->attached)
		mn_link(s->mn, true, NULL, loop_now(s->loop));
}

void sim_restart_mobile(struct sim *s)
{
	mn_destroy(s->mn);
	table_reset(s, SIM_MN);
	if (s->eyes->restarted)
		s->eyes->restarted(s, 0);
	mobile_start(s);
}

static const struct sim_eyes nobody;

void sim_watch(struct sim *s, const struct sim_eyes *eyes)
{
	s->eyes = eyes ? eyes : &nobody;
}

struct sim *sim_create(void)
{
	struct sim *s = calloc(1, sizeof *s);
	assert(s);
	s->eyes = &nobody;
	s->loop = loop_create_virtual(USEC_SEC);
	s->seen = calloc(SEQS, 1);
	assert(s->loop && s->seen);
	fmip6_params_default(&s->params);
	timer_init(&s->traffic, s->loop, traffic_next, s);
	for (int i = 0; i < WHOS; i++)
		table_reset(s, i);
	for (int i = 1; i <= SIM_ROUTERS; i++)
		router_start(s, i);
	s->pace = USEC_MSEC;
	s->frames_from = mac(9, 9);
	s->attached = 1;
	mobile_start(s);
	sim_run(s, 100 * USEC_MSEC);
	return s;
}

void sim_destroy(struct sim *s)
{
	s->eyes = &nobody;
	s->sending = false;
	s->attached = 0;
	mn_destroy(s->mn);
	for (int i = 1; i <= SIM_ROUTERS; i++)
		router_stop(s, i);
	loop_advance(s->loop, loop_now(s->loop) + 100 * USEC_SEC); /* what is still in the network lands nowhere */
	for (int i = 0; i < WHOS; i++)
		handovers_destroy(s->tables[i]);
	loop_destroy(s->loop);
	free(s->seen);
	free(s);
}

struct fmip6_params *sim_params(struct sim *s)
{
	return &s->params;
}

void sim_drop(struct sim *s, enum sim_kind k, int n)
{
	s->faults[k].drop = n;
}

void sim_repeat(struct sim *s, enum sim_kind k, int n)
{
	s->faults[k].repeat = n;
}

void sim_delay(struct sim *s, enum sim_kind k, int n, usec_t late)
{
	s->faults[k].delay = n;
	s->faults[k].late = late;
}

void sim_run(struct sim *s, usec_t duration)
{
	loop_advance(s->loop, loop_now(s->loop) + duration);
}

void sim_link(struct sim *s, int link)
{
	bool up = s->attached != 0;
	s->attached = link;
	if (up)
		mn_link(s->mn, false, NULL, loop_now(s->loop));
	if (link)
		mn_link(s->mn, true, NULL, loop_now(s->loop));
}

void sim_link_unseen(struct sim *s, int link, bool hint)
{
	s->attached = link;
	if (hint)
		mn_hint(s->mn);
}

void sim_advertise(struct sim *s)
{
	struct lladdr router = mac(1, s->attached);
	if (s->attached)
		mn_router_heard(s->mn, &router);
}

int sim_request(struct sim *s, int link)
{
	char reason[160];
	struct lladdr ap = mac(0xaa, link);
	return mn_request(s->mn, &ap, NULL, reason, sizeof reason);
}

void sim_forget_places(struct sim *s)
{
	s->learnt_n = 0;
}

void sim_no_key(struct sim *s, bool wrong)
{
	s->wrong_key = wrong;
}

void sim_unusable(struct sim *s, int router, bool yes)
{
	s->routers[router].unusable = yes;
	for (int i = 1; i <= SIM_ROUTERS; i++)
		if (s->routers[i].inform)
			inform_changed(s->routers[i].inform);
}

void sim_no_fmip(struct sim *s, int router, bool yes)
{
	s->routers[router].no_fmip = yes;
}

void sim_dhcp(struct sim *s, int router, bool yes)
{
	s->routers[router].dhcp = yes;
}

void sim_inform(struct sim *s, usec_t interval)
{
	s->params.inform = interval;
	for (int i = 1; i <= SIM_ROUTERS; i++)
		if (s->routers[i].inform)
			inform_reload(s->routers[i].inform);
}

void sim_frames_from(struct sim *s, const struct lladdr *l)
{
	s->frames_from = *l;
}

void sim_narrow(struct sim *s, int router)
{
	s->routers[router].narrow = true;
}

void sim_older(struct sim *s, int router, bool yes)
{
	s->routers[router].older = yes;
}

void sim_broken(struct sim *s, int router, bool yes)
{
	s->routers[router].broken = yes;
}

void sim_taken(struct sim *s, int link, enum sim_taken how)
{
	s->routers[link].taken = how;
}

void sim_inject_fbu(struct sim *s, int router, const struct in6_addr *pcoa, const struct in6_addr *ncoa, uint16_t seq)
{
	uint8_t data[128];
	struct badf_key key;
	struct in6_addr par = router_addr(router);
	struct fbu m = { .seq = seq, .flags = FBU_ACK | FBU_HOME, .lifetime = 60, .ncoa = *ncoa, .lladdr = mac(9, 9), .has_badf = true,
		.badf = { .spi = BADF_SPI_CONFIGURED } };
	int n = fbu_pack(&m, data, sizeof data);
	op_key(NULL, pcoa, BADF_SPI_CONFIGURED, &key);
	badf_sign(&key, ncoa, &par, data, (size_t)n);
	struct pkt p = message(SIM_FBU, pcoa, &par, data, (size_t)n);
	p.home = *pcoa;
	later(s, LINK_DELAY, router_in, router, &p);
}

void sim_inject_hi(struct sim *s, int router, const struct in6_addr *from, const struct in6_addr *pcoa,
                   const struct in6_addr *ncoa)
{
	uint8_t data[128];
	struct in6_addr to = neighbor_addr(router);
	int n = hi_pack(&(struct hi){ .seq = 77, .flags = HI_BUFFER, .lladdr = mac(9, 9), .pcoa = *pcoa, .ncoa = *ncoa }, data,
	                sizeof data);
	struct pkt p = message(SIM_HI, from, &to, data, (size_t)n);
	later(s, CORE_DELAY, router_in, router, &p);
}

struct in6_addr sim_neighbor(int router)
{
	return neighbor_addr(router);
}

static void inject_mobile(struct sim *s, enum sim_kind k, int router, const struct mh_in *in)
{
	struct prrtadv a;
	struct nd_na na;
	struct naack refused;
	struct mh_in from = *in;
	from.src = router_addr(router);
	if (k == SIM_FBACK)
		mn_fback(s->mn, &from);
	else if (k == SIM_PRRTADV && prrtadv_parse(in->data, in->len, 6, &a) == 0)
		mn_prrtadv(s->mn, &a, in->at);
	else if (k == SIM_NA && nd_na_parse(in->data, in->len, 6, &na) == 0 && na.flags & NA_SOLICITED)
		mn_na(s->mn, &na, in->at);
	else if (k == SIM_NA && nd_na_parse(in->data, in->len, 6, &na) == 0)
		mn_defended(s->mn, &na, in->at);
	else if (k == SIM_NAACK && naack_parse(in->data, in->len, 6, &refused) == 0)
		mn_naack(s->mn, &refused, in->at);
	else if (k == SIM_DATA)
		mn_first(s->mn, in->at);
}

void sim_inject(struct sim *s, enum sim_kind k, int router, bool to_mobile, const struct in6_addr *src,
                const struct in6_addr *home, const uint8_t *data, size_t len)
{
	struct router *r = &s->routers[router];
	struct nd_na una;
	struct mh_in in = { .src = *src, .dst = router_addr(router), .home = *home, .ifindex = IFINDEX, .data = data, .len = len,
		.at = loop_now(s->loop) };
	if (to_mobile) {
		inject_mobile(s, k, router, &in);
		return;
	}
	if (k == SIM_FBU)
		par_fbu(r->par, &in);
	else if (k == SIM_HACK)
		par_hack(r->par, &in);
	else if (k == SIM_HI)
		nar_hi(r->nar, &in);
	else if (k == SIM_ECHO)
		nar_marker_reply(r->nar, src, (uint16_t)len);
	else if (k == SIM_UNA && nd_na_parse(data, len, 6, &una) == 0)
		nar_una(r->nar, &una, src, IFINDEX, in.at);
	else if (k == SIM_NA && nd_na_parse(data, len, 6, &una) == 0)
		nar_defended(r->nar, &una.target, &una.lladdr, IFINDEX, in.at);
	else if (k == SIM_DATA)
		nar_contexts_done(r->nar, home, src);
}

void sim_put(struct sim *s, const struct sim_message *m)
{
	static const struct {
		event_fn *arrive;
		usec_t delay;
	} ways[SIM_KINDS] = {
		[SIM_RTSOLPR] = { router_rtsolpr, LINK_DELAY + DAEMON_DELAY }, [SIM_PRRTADV] = { mobile_prrtadv, LINK_DELAY + DAEMON_DELAY },
		[SIM_FBU] = { router_in, LINK_DELAY }, [SIM_FBACK] = { mobile_in, LINK_DELAY }, [SIM_HI] = { router_in, CORE_DELAY },
		[SIM_HACK] = { router_in, CORE_DELAY }, [SIM_UNA] = { router_una, LINK_DELAY + DAEMON_DELAY },
		[SIM_NAACK] = { mobile_naack, LINK_DELAY + DAEMON_DELAY },
	};
	struct pkt p = message(m->kind, &m->src, &m->dst, m->data, m->len);
	p.home = m->home;
	assert(ways[m->kind].arrive);
	emit(s, ways[m->kind].delay, ways[m->kind].arrive, m->router, &p);
}

void sim_replay_fbu(struct sim *s)
{
	if (s->last_fbu.depth == 0)
		return;
	later(s, CORE_DELAY, router_in, router_of(&s->last_fbu.dst[0]), &s->last_fbu);
}

struct sim_traffic_result sim_result(const struct sim *s)
{
	return (struct sim_traffic_result){ s->sent, s->received, s->sent - s->received, s->repeated, s->reordered };
}

unsigned sim_asked(const struct sim *s)
{
	return s->asked;
}

unsigned sim_confirmed(const struct sim *s)
{
	return s->confirmed;
}

int sim_at(const struct sim *s)
{
	const struct mn_place *p = mn_here(s->mn);
	return p ? router_of(&p->router) : 0;
}

static const struct handover *last(const struct sim *s, int who)
{
	return handover_by_id(s->tables[who], s->last[who]);
}

const char *sim_scenario(const struct sim *s, int who)
{
	static char text[SCENARIO_STRLEN];
	const struct handover *h = last(s, who);
	return h ? handover_scenario(h, text) : "";
}

enum handover_result sim_outcome(const struct sim *s, int who)
{
	const struct handover *h = last(s, who);
	return h ? h->result : HANDOVER_RUNNING;
}

const char *sim_reason(const struct sim *s, int who)
{
	const struct handover *h = last(s, who);
	return h ? h->reason : "";
}

enum handover_mode sim_mode(const struct sim *s, int who)
{
	const struct handover *h = last(s, who);
	return h ? h->mode : HANDOVER_NETWORK;
}

unsigned sim_handovers(const struct sim *s, int who)
{
	return s->opened[who];
}

unsigned sim_open(const struct sim *s, int who)
{
	return s->opened[who] - s->closed[who];
}

bool sim_tunnelled(const struct sim *s, int router, int link)
{
	struct in6_addr a = sim_addr(link);
	const struct spath *h = path_of((struct router *)&s->routers[router], &a);
	return h && h->state == PATH_TUNNEL;
}

bool sim_reached(struct sim *s)
{
	const struct mn_place *here = mn_here(s->mn);
	if (!here)
		return false;
	int home = router_of(&here->coa);
	struct pkt p = { .kind = SIM_ECHO, .depth = 1, .src = { router_addr(home) }, .dst = { here->coa }, .seq = PING };
	unsigned before = s->echoed;
	later(s, CORE_DELAY, router_in, home, &p);
	sim_run(s, 100 * USEC_MSEC);
	return s->echoed > before;
}

bool sim_copied(const struct sim *s, int router, int link)
{
	struct in6_addr a = sim_addr(link);
	const struct spath *h = path_of((struct router *)&s->routers[router], &a);
	return h && h->state == PATH_COPY;
}

bool sim_held(const struct sim *s, int router, int link)
{
	struct in6_addr a = sim_addr(link);
	const struct spath *h = path_of((struct router *)&s->routers[router], &a);
	return h && h->state == PATH_HOLD;
}

bool sim_has(const struct sim *s, const struct in6_addr *a)
{
	return has_addr(s, a);
}

struct lladdr sim_ap(int link)
{
	return mac(0xaa, link);
}

struct fmip6_mn *sim_mn(struct sim *s)
{
	return s->mn;
}

struct fmip6_par *sim_par(struct sim *s, int router)
{
	return s->routers[router].par;
}

struct fmip6_nar *sim_nar(struct sim *s, int router)
{
	return s->routers[router].nar;
}

struct loop *sim_loop(struct sim *s)
{
	return s->loop;
}
