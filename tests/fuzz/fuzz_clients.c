/*
 * Clients and three routers, driven by any octets: clients seen here and there, truly and falsely, moved, awaited, forgotten; HIs and
 * HAcks of any content; messages lost, doubled and late; routers that restart, have no room, and are no more to be talked to. What must
 * hold: tables keep their limits, nothing is said to a neighbour that is not to be talked to, what is set up for an address is taken
 * down, every timeline that is opened is closed once, and when nothing happens any more nothing remains.
 */
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "fmip6/fmip6_anchor.h"
#include "fmip6/fmip6_visit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROUTERS 3
#define HOSTS 4 /* on each link; two addresses of each of two clients */
#define COMMANDS 256
#define PENDING 64
#define SESSIONS 6

static struct router {
	int n;
	struct fmip6_anchor *anchor;
	struct fmip6_visit *visit;
	bool broken;         /* its kernel takes no path */
	bool shut[ROUTERS + 1]; /* neighbours that it must not talk to */
	struct path {
		bool held, tunnelled, served, releasing, open[3];
		struct in6_addr pcoa;
		struct timer released;
	} path[ROUTERS + 1][HOSTS];
} routers[ROUTERS + 1];

static struct message {
	struct timer timer;
	bool hack;
	struct in6_addr src, dst;
	uint8_t data[160];
	size_t len;
} pending[PENDING];

static struct {
	struct loop *loop;
	struct fmip6_params params;
	unsigned drop, twice;
	usec_t late;
} w;

static void must(bool ok)
{
	if (!ok)
		abort();
}

static struct in6_addr address(uint8_t b)
{
	return (struct in6_addr){ .s6_addr = { 0x20, 1, 0xd, 0xb8, [5] = (uint8_t)(b / HOSTS % (ROUTERS + 2)), [15] = b % HOSTS } };
}

static struct in6_addr router_address(int n)
{
	return (struct in6_addr){ .s6_addr = { 0x20, 1, 0xd, 0xb8, [4] = 0xff, [15] = (uint8_t)n } };
}

static int router_of(const struct in6_addr *a)
{
	return a->s6_addr[4] == 0xff && a->s6_addr[15] <= ROUTERS ? a->s6_addr[15] : 0;
}

static int link_of(const struct in6_addr *a)
{
	return a->s6_addr[5] <= ROUTERS && a->s6_addr[15] < HOSTS ? a->s6_addr[5] : 0;
}

static struct lladdr client(uint8_t b)
{
	return (struct lladdr){ .len = 6, .octet = { 2, [5] = b % 3 } };
}

static struct path *path_of(struct router *r, const struct in6_addr *a)
{
	struct path *p = &r->path[link_of(a)][a->s6_addr[15]];
	must(link_of(a));
	p->pcoa = *a;
	return p;
}

/* ---- messages ---- */

static void deliver(struct timer *t, void *arg)
{
	struct message *m = arg;
	struct router *r = &routers[router_of(&m->dst)];
	const struct mh_in in = { .src = m->src, .dst = m->dst, .data = m->data, .len = m->len, .at = loop_now(w.loop) };
	struct hi hi;
	struct hack hack;
	if (r->n && !m->hack && hi_parse(m->data, m->len, &hi) == 0)
		visit_hi(r->visit, &hi, &in);
	else if (r->n && m->hack && hack_parse(m->data, m->len, &hack) == 0)
		anchor_hack(r->anchor, &hack, &in);
}

static void put(bool hack, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data, size_t len, usec_t after)
{
	for (size_t i = 0; i < PENDING; i++) {
		struct message *m = &pending[i];
		if (timer_armed(&m->timer))
			continue;
		must(len <= sizeof m->data);
		m->hack = hack;
		m->src = *src;
		m->dst = *dst;
		m->len = len;
		memcpy(m->data, data, len);
		timer_after(&m->timer, after);
		return;
	}
}

static void sent(struct router *r, bool hack, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data, size_t len)
{
	struct in6_addr own = router_address(r->n);
	int to = router_of(dst);
	must(to && to != r->n && !r->shut[to]);
	if (w.drop && w.drop--)
		return;
	put(hack, src && !addr_is_zero(src) ? src : &own, dst, data, len, 2 * USEC_MSEC + w.late);
	w.late = 0;
	if (w.twice && w.twice--)
		put(hack, src && !addr_is_zero(src) ? src : &own, dst, data, len, 5 * USEC_MSEC);
}

static bool peer(void *arg, const struct in6_addr *src, struct in6_addr *out)
{
	const struct router *r = arg;
	int n = router_of(src);
	*out = *src;
	return n && n != r->n && !r->shut[n];
}

static void send_hi(void *arg, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data, size_t len)
{
	sent(arg, false, src, dst, data, len);
}

static void send_hack(void *arg, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data, size_t len)
{
	sent(arg, true, src, dst, data, len);
}

/* ---- an anchor's world ---- */

static bool own_address(void *arg, const struct in6_addr *a)
{
	const struct router *r = arg;
	return link_of(a) == r->n;
}

static bool is_self(void *arg, const struct in6_addr *a)
{
	const struct router *r = arg;
	return router_of(a) == r->n;
}

/* The hosts 0 and 1 are client 0's, 2 and 3 client 1's. */
static bool lladdr_of(void *arg, const struct in6_addr *a, struct lladdr *out)
{
	*out = client(a->s6_addr[15] / 2);
	return own_address(arg, a);
}

static size_t addresses(void *arg, const struct lladdr *l, struct in6_addr *out, size_t max)
{
	const struct router *r = arg;
	size_t n = 0;
	for (uint8_t i = 0; i < HOSTS && n < max; i++)
		if (i / 2 == l->octet[5])
			out[n++] = address((uint8_t)(r->n * HOSTS + i));
	return n;
}

static const char *refuse(void *arg, const struct in6_addr *a, const struct lladdr *l)
{
	must(own_address(arg, a));
	return NULL;
}

static bool local(void *arg, const struct in6_addr *router, struct in6_addr *out)
{
	const struct router *r = arg;
	*out = router_address(r->n);
	return true;
}

static int tunnel(void *arg, const struct in6_addr *a, const struct in6_addr *src, const struct in6_addr *to)
{
	struct router *r = arg;
	must(own_address(arg, a) && router_of(to) && router_of(to) != r->n);
	if (r->broken)
		return -1;
	path_of(r, a)->tunnelled = true;
	path_of(r, a)->held = false;
	return 0;
}

static void tunnel_end(void *arg, const struct in6_addr *a, const struct in6_addr *src, const struct in6_addr *to,
                       const struct in6_addr *also)
{
	must(own_address(arg, a));
	path_of(arg, a)->served = !addr_is_zero(to);
}

static int hold(void *arg, const struct in6_addr *a)
{
	struct router *r = arg;
	if (r->broken)
		return -1;
	path_of(r, a)->held = true;
	return 0;
}

static void direct(void *arg, const struct in6_addr *a, const struct lladdr *l, int ifindex)
{
	struct path *p = path_of(arg, a);
	must(own_address(arg, a));
	p->held = p->tunnelled = false;
}

static void nothing(void *arg)
{
}

static void claim(void *arg, const struct in6_addr *a)
{
	must(path_of(arg, a)->tunnelled);
}

static void turn(bool *open, bool on)
{
	must(*open != on);
	*open = on;
}

static void anchor_opened(void *arg, enum handover_role role, const struct anchor_view *v, const struct in6_addr *other, usec_t at)
{
	turn(&path_of(arg, &v->pcoa)->open[role == HANDOVER_NAR], true);
}

static void anchor_step(void *arg, enum handover_role role, const struct in6_addr *a, enum handover_step s, usec_t at)
{
	must(path_of(arg, a)->open[role == HANDOVER_NAR]);
}

static void anchor_closed(void *arg, enum handover_role role, const struct in6_addr *a, enum handover_result r, const char *reason)
{
	turn(&path_of(arg, a)->open[role == HANDOVER_NAR], false);
}

static const struct anchor_ops anchor_ops = {
	.own_address = own_address, .is_self = is_self, .lladdr = lladdr_of, .addresses = addresses, .refuse = refuse, .peer = peer,
	.local = local, .send_hi = send_hi, .tunnel = tunnel, .tunnel_end = tunnel_end, .hold = hold, .direct = direct, .claim = claim,
	.changed = nothing, .opened = anchor_opened, .step = anchor_step, .closed = anchor_closed,
};

/* ---- a visited router's ---- */

static bool home(void *arg, const struct in6_addr *a, struct in6_addr *out)
{
	const struct router *r = arg;
	int n = link_of(a);
	*out = router_address(n);
	return n && n != r->n && !r->shut[n];
}

static size_t peers(void *arg, struct in6_addr *out, size_t max)
{
	const struct router *r = arg;
	size_t n = 0;
	for (int i = 1; i <= ROUTERS && n < max; i++)
		if (i != r->n && !r->shut[i])
			out[n++] = router_address(i);
	return n;
}

static bool known(void *arg, int ifindex, const struct lladdr *l)
{
	return l->octet[5] == 2;
}

static void released(struct timer *t, void *arg)
{
	struct path *p = (struct path *)(void *)((char *)t - offsetof(struct path, released));
	struct router *r = arg;
	struct in6_addr a = p->pcoa;
	p->held = p->releasing = false;
	visit_released(r->visit, &a);
}

static int release(void *arg, const struct visit_view *v)
{
	struct router *r = arg;
	struct path *p = path_of(r, &v->pcoa);
	must(p->served && v->ifindex);
	if (r->broken)
		return -1;
	timer_stop(&p->released);
	timer_init(&p->released, w.loop, released, r);
	timer_after(&p->released, 1);
	p->releasing = true;
	return 0;
}

static int serve(void *arg, const struct visit_view *v)
{
	struct router *r = arg;
	must(!own_address(r, &v->pcoa) && router_of(&v->peer));
	if (r->broken)
		return -1;
	path_of(r, &v->pcoa)->served = true;
	return 0;
}

static void leave(void *arg, const struct visit_view *v)
{
	struct path *p = path_of(arg, &v->pcoa);
	if (p->releasing)
		timer_stop(&p->released);
	p->held = p->served = p->releasing = false;
}

static void probe(void *arg, const struct visit_view *v)
{
	must(path_of(arg, &v->pcoa)->served && v->ifindex);
}

static void visit_opened(void *arg, const struct visit_view *v, usec_t at)
{
	turn(&path_of(arg, &v->pcoa)->open[2], true);
}

static void visit_step(void *arg, const struct in6_addr *a, enum handover_step s, usec_t at)
{
	must(path_of(arg, a)->open[2]);
}

static void visit_arrived(void *arg, const struct visit_view *v)
{
	must(v->ifindex);
}

static void visit_closed(void *arg, const struct in6_addr *a, enum handover_result r, const char *reason)
{
	turn(&path_of(arg, a)->open[2], false);
}

static const struct visit_ops visit_ops = {
	.peer = peer, .home = home, .peers = peers, .known = known, .hold = hold, .release = release, .serve = serve, .leave = leave,
	.probe = probe, .send_hack = send_hack, .changed = nothing, .opened = visit_opened, .step = visit_step, .arrived = visit_arrived,
	.closed = visit_closed,
};

/* ---- what happens ---- */

static void router_start(struct router *r, int n)
{
	memset(r, 0, sizeof *r);
	r->n = n;
	r->anchor = anchor_create(w.loop, &w.params, &anchor_ops, r);
	r->visit = visit_create(w.loop, &w.params, &visit_ops, r);
	must(r->anchor && r->visit);
}

static void router_stop(struct router *r)
{
	anchor_destroy(r->anchor);
	visit_destroy(r->visit);
	for (size_t i = 0; i <= ROUTERS; i++)
		for (size_t k = 0; k < HOSTS; k++)
			if (r->path[i][k].releasing)
				timer_stop(&r->path[i][k].released);
}

static void seen(struct router *r, uint8_t a, uint8_t b)
{
	struct in6_addr addr = a & 0x80 ? in6addr_any : address(a);
	struct lladdr l = client(b & 0x80 ? b : a % HOSTS / 2); /* false, or true */
	usec_t now = loop_now(w.loop), at = b & 0x40 ? now - (usec_t)(b & 0x0f) * USEC_MSEC : now;
	anchor_seen(r->anchor, &addr, &l, 1 + (b >> 4 & 1), at);
	visit_seen(r->visit, &addr, &l, 1 + (b >> 4 & 1), at);
}

/* Any HI or HAck, from any router, with what three octets choose. */
static void inject(struct router *r, uint8_t a, uint8_t b, uint8_t c)
{
	uint8_t out[160];
	struct in6_addr src = router_address(c & 3), own = router_address(r->n), nar = router_address(c >> 2 & 3);
	const struct hi hi = { .seq = (uint16_t)(c >> 4), .flags = b & (HI_PROXY | HI_BUFFER), .code = b & 3, .lladdr = client(b >> 2), .pcoa = address(a) };
	const struct hack hack = { .seq = (uint16_t)(c >> 4), .code = b & 7, .lladdr = client(b >> 3), .pcoa = a & 0x80 ? in6addr_any : address(a),
		.nar = c & 0x80 ? nar : in6addr_any };
	int n = b & 0x80 ? hack_pack(&hack, out, sizeof out) : hi_pack(&hi, out, sizeof out);
	if (n > 0)
		put(b & 0x80, &src, &own, out, (size_t)n, 0);
}

static void command(struct rd *in, uint8_t op)
{
	uint8_t a = 0, b = 0, c = 0;
	(void)(rd_u8(in, &a) && rd_u8(in, &b));
	struct router *r = &routers[1 + (op >> 4) % ROUTERS];
	struct in6_addr addr = address(a), to = router_address(1 + b % ROUTERS);
	switch (op % 16) {
	case 0: case 1: case 2: case 3:
		seen(r, a, b);
		break;
	case 4:
		/* Whoever orders it looks first whether that router is to be talked to. */
		if (router_of(&to) != r->n && !r->shut[router_of(&to)])
			anchor_move(r->anchor, &addr, &to);
		break;
	case 5:
		anchor_await(r->anchor, &addr);
		break;
	case 6:
		visit_move(r->visit, &addr, &to);
		break;
	case 7:
		if (!(b & 1) || !own_address(r, &addr))
			break;
		anchor_forget(r->anchor, &addr);
		path_of(r, &addr)->tunnelled = path_of(r, &addr)->held = false; /* the caller's from here on */
		break;
	case 8: case 9:
		loop_advance(w.loop, loop_now(w.loop) + a * USEC_MSEC);
		break;
	case 10:
		loop_advance(w.loop, loop_now(w.loop) + a * 500 * USEC_MSEC);
		break;
	case 11:
		w.drop = a & 3;
		w.twice = a >> 2 & 3;
		w.late = (usec_t)(a >> 4) * 20 * USEC_MSEC;
		break;
	case 12: case 13:
		rd_u8(in, &c);
		inject(r, a, b, c);
		break;
	case 14:
		if (a & 1) {
			router_stop(r);
			router_start(r, r->n);
		} else {
			r->broken = a & 2;
			w.params.clients = !(a & 4);
		}
		break;
	case 15:
		r->shut[1 + a % ROUTERS] = b & 1;
		break;
	}
}

static void bounded(const struct visit_view *v, void *arg)
{
	++*(unsigned *)arg;
}

static void bounded_away(const struct anchor_view *v, void *arg)
{
	++*(unsigned *)arg;
}

static void limits_hold(void)
{
	unsigned total_away = 0, total_visits = 0;
	for (int i = 1; i <= ROUTERS; i++) {
		unsigned away = 0, visits = 0;
		anchor_each(routers[i].anchor, bounded_away, &away);
		visit_each(routers[i].visit, bounded, &visits);
		must(away <= SESSIONS && visits <= SESSIONS);
		total_away += away;
		total_visits += visits;
	}
	must(fmip6_counters[FMIP6_CLIENTS_AWAY].value == total_away && fmip6_counters[FMIP6_VISITS].value == total_visits);
}

/* Everybody has gone: hours later no router knows of anybody, and no path and no timeline is left. */
static void all_ends(void)
{
	w.drop = w.twice = 0;
	for (int i = 1; i <= ROUTERS; i++)
		routers[i].broken = false;
	loop_advance(w.loop, loop_now(w.loop) + 2 * 3600 * USEC_SEC);
	must(fmip6_counters[FMIP6_CLIENTS_AWAY].value == 0 && fmip6_counters[FMIP6_VISITS].value == 0);
	must(loop_next_due(w.loop) == UINT64_MAX);
	for (int i = 1; i <= ROUTERS; i++)
		for (size_t n = 0; n <= ROUTERS; n++)
			for (size_t k = 0; k < HOSTS; k++) {
				const struct path *p = &routers[i].path[n][k];
				must(!p->held && !p->tunnelled && !p->served && !p->open[0] && !p->open[1] && !p->open[2]);
			}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd in = rd_make(data, size);
	uint8_t op;
	memset(&w, 0, sizeof w);
	memset(pending, 0, sizeof pending);
	log_level_set(LOG_LEVEL_ERROR);
	fmip6_counters[FMIP6_CLIENTS_AWAY].value = fmip6_counters[FMIP6_VISITS].value = 0;
	fmip6_params_default(&w.params);
	w.params.clients = true;
	w.params.sessions = SESSIONS;
	w.loop = loop_create_virtual(100 * USEC_SEC);
	for (size_t i = 0; i < PENDING; i++)
		timer_init(&pending[i].timer, w.loop, deliver, &pending[i]);
	for (int i = 1; i <= ROUTERS; i++)
		router_start(&routers[i], i);
	for (int i = 0; i < COMMANDS && rd_u8(&in, &op); i++) {
		command(&in, op);
		limits_hold();
	}
	all_ends();
	for (int i = 1; i <= ROUTERS; i++)
		router_stop(&routers[i]);
	must(loop_next_due(w.loop) == UINT64_MAX);
	loop_destroy(w.loop);
	return 0;
}
