/*
 * Clients and their routers in a little world: three routers, each anchor and host; one client with two addresses of router 1's link,
 * IPv6 and IPv4, to which a correspondent sends a numbered packet each millisecond, and which sends as many itself.
 *
 *   link i  --  router i, 2001:db8:i::/64 and 10.1.i.0/24     (1 ms on the link)
 *   routers among themselves and to the correspondent         (2 ms)
 *
 * A client says something as soon as it is on a link, and every 50 ms.
 */
#include "fmip6/fmip6_anchor.h"
#include "fmip6/fmip6_visit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUTERS 3
#define ADDRS 2
#define MS USEC_MSEC
#define WIRE (2 * MS)
#define LINK_TIME (1 * MS)
#define HELD_MAX 20000
#define PACKETS_MAX 200000

enum kind { HI, HACK, KINDS };

struct router {
	struct world *w;
	int n;
	struct fmip6_anchor *anchor;
	struct fmip6_visit *visit;
	struct way { /* of the packets for one address */
		enum { DIRECT, HOLD, TUNNEL } state;
		struct in6_addr remote;
		unsigned held[HELD_MAX], held_n;
		struct visit_view served;  /* what serve said last; ifindex 0: not here */
		bool serves, pinned;
		struct in6_addr end, also; /* whose tunnel is taken at the anchor */
		bool releasing;
		struct timer released;
	} way[ADDRS];
	unsigned opened, closed[HANDOVER_CANCELLED + 1];
	unsigned claims, probes;
	char reason[96];
	bool down;
};

struct message {
	struct timer timer;
	struct world *w;
	enum kind kind;
	struct in6_addr src, dst;
	uint8_t data[160];
	size_t len;
};

struct packet {
	struct timer timer;
	struct world *w;
	int router; /* where it arrives; 0: at the correspondent */
	int addr;
	unsigned n;
	bool up, tunnelled;
	struct in6_addr src, dst; /* of the tunnel */
};

struct world {
	struct loop *loop;
	struct fmip6_params params;
	struct router router[ROUTERS + 1];
	int link; /* where the client is; 0: nowhere */
	struct timer says, tick;
	bool traffic;
	unsigned sent[ADDRS], got_n[ADDRS], last[ADDRS], lost_late[ADDRS];
	bool got[ADDRS][PACKETS_MAX];
	unsigned reordered, repeated;
	unsigned up_sent, up_got, up_refused;
	int drop[KINDS], repeat[KINDS], delay[KINDS];
	usec_t late;
	unsigned messages[KINDS];
};

static const struct lladdr MAC = { .len = 6, .octet = { 2, 0, 0, 0, 0, 1 } };
static const struct lladdr OTHER = { .len = 6, .octet = { 2, 0, 0, 0, 0, 9 } };

static struct in6_addr address_of(int link, int which)
{
	struct in6_addr a;
	char text[64];
	snprintf(text, sizeof text, which ? "10.1.%d.11" : "2001:db8:%d::11", link);
	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct in6_addr router_address(int n)
{
	struct in6_addr a;
	char text[64];
	snprintf(text, sizeof text, "2001:db8:ff::%d", n);
	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static int router_of(const struct in6_addr *a)
{
	for (int i = 1; i <= ROUTERS; i++) {
		struct in6_addr r = router_address(i);
		if (addr_eq(a, &r))
			return i;
	}
	return 0;
}

static int link_of(const struct in6_addr *a)
{
	return addr_is_v4(a) ? a->s6_addr[14] : a->s6_addr[5];
}

static int which_of(const struct in6_addr *a)
{
	return addr_is_v4(a);
}

/* The client's own two addresses are the only ones that have packets. */
static struct way *way_of(struct router *r, const struct in6_addr *a)
{
	return &r->way[which_of(a)];
}

/* ---- packets ---- */

static void arrive(struct world *w, int which, unsigned n)
{
	if (w->got[which][n])
		w->repeated++;
	w->reordered += w->got_n[which] && n < w->last[which];
	w->got[which][n] = true;
	w->got_n[which]++;
	w->last[which] = n;
}

static void forward(struct router *r, int which, unsigned n);
static void packet_due(struct timer *t, void *arg);

static void packet_send(struct world *w, usec_t after, struct packet p)
{
	struct packet *k = malloc(sizeof *k);
	assert_non_null(k);
	*k = p;
	k->w = w;
	timer_init(&k->timer, w->loop, packet_due, k);
	timer_after(&k->timer, after);
}

static void to_link(struct router *r, int which, unsigned n)
{
	packet_send(r->w, LINK_TIME, (struct packet){ .router = -r->n, .addr = which, .n = n });
}

/* A router's kernel has a packet for the client's address. */
static void forward(struct router *r, int which, unsigned n)
{
	struct way *k = &r->way[which];
	switch (k->state) {
	case HOLD:
		assert_true(k->held_n < HELD_MAX);
		k->held[k->held_n++] = n;
		break;
	case TUNNEL:
		packet_send(r->w, WIRE, (struct packet){ .router = router_of(&k->remote), .addr = which, .n = n, .tunnelled = true,
			.src = router_address(r->n), .dst = k->remote });
		break;
	case DIRECT:
		if (r->n == 1 || k->pinned)
			to_link(r, which, n);
		break;
	}
}

static void up_arrives(struct router *r, const struct packet *p)
{
	const struct way *k = &r->way[p->addr];
	if (p->tunnelled && !addr_eq(&p->src, &k->end) && !addr_eq(&p->src, &k->also))
		r->w->up_refused++;
	else
		r->w->up_got++;
}

static void packet_due(struct timer *t, void *arg)
{
	struct packet *p = arg, k = *p;
	struct world *w = p->w;
	free(p);
	if (k.router < 0) {
		if (w->link == -k.router)
			arrive(w, k.addr, k.n);
		return;
	}
	struct router *r = &w->router[k.router];
	if (r->down)
		return;
	if (k.up)
		up_arrives(r, &k);
	else if (!k.tunnelled || (r->way[k.addr].serves && addr_eq(&r->way[k.addr].served.remote, &k.src)))
		forward(r, k.addr, k.n);
}

/* What the client sends: served, it goes through the tunnel; at home by itself. */
static void up_send(struct world *w, int which)
{
	struct router *r = &w->router[w->link];
	struct way *k = &r->way[which];
	if (r->n == 1) {
		w->up_sent++;
		packet_send(w, LINK_TIME, (struct packet){ .router = 1, .addr = which, .up = true });
	} else if (k->serves && k->served.ifindex) {
		w->up_sent++;
		packet_send(w, LINK_TIME + WIRE, (struct packet){ .router = 1, .addr = which, .up = true, .tunnelled = true,
			.src = router_address(r->n) });
	}
}

static void tick(struct timer *t, void *arg)
{
	struct world *w = arg;
	timer_after(t, MS);
	for (int i = 0; w->traffic && i < ADDRS; i++) {
		assert_true(w->sent[i] < PACKETS_MAX);
		packet_send(w, WIRE, (struct packet){ .router = 1, .addr = i, .n = w->sent[i]++ });
		if (w->link)
			up_send(w, i);
	}
}

/* ---- the routers' world ---- */

static void deliver(struct timer *t, void *arg)
{
	struct message *m = arg;
	struct router *r = &m->w->router[router_of(&m->dst)];
	const struct mh_in in = { .src = m->src, .dst = m->dst, .data = m->data, .len = m->len, .at = loop_now(m->w->loop) };
	struct hi hi;
	struct hack hack;
	if (!r->down && m->kind == HI && hi_parse(m->data, m->len, &hi) == 0)
		visit_hi(r->visit, &hi, &in);
	else if (!r->down && m->kind == HACK && hack_parse(m->data, m->len, &hack) == 0)
		anchor_hack(r->anchor, &hack, &in);
	free(m);
}

static void put(struct world *w, enum kind kind, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data, size_t len,
                usec_t after)
{
	struct message *m = calloc(1, sizeof *m);
	assert_non_null(m);
	assert_true(len <= sizeof m->data);
	*m = (struct message){ .w = w, .kind = kind, .src = *src, .dst = *dst, .len = len };
	memcpy(m->data, data, len);
	timer_init(&m->timer, w->loop, deliver, m);
	timer_after(&m->timer, after);
}

static void wire(struct router *r, enum kind kind, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data,
                 size_t len)
{
	struct world *w = r->w;
	struct in6_addr own = router_address(r->n);
	usec_t after = WIRE + 200;
	w->messages[kind]++;
	if (!src || addr_is_zero(src))
		src = &own;
	if (w->drop[kind] > 0) {
		w->drop[kind]--;
		return;
	}
	if (w->delay[kind] > 0) {
		w->delay[kind]--;
		after += w->late;
	}
	put(w, kind, src, dst, data, len, after);
	if (w->repeat[kind] > 0) {
		w->repeat[kind]--;
		put(w, kind, src, dst, data, len, after + 3 * MS);
	}
}

static bool peer(void *arg, const struct in6_addr *src, struct in6_addr *address)
{
	const struct router *r = arg;
	int n = router_of(src);
	*address = *src;
	return n && n != r->n;
}

static bool own_address(void *arg, const struct in6_addr *pcoa)
{
	const struct router *r = arg;
	return link_of(pcoa) == r->n;
}

static bool is_self(void *arg, const struct in6_addr *a)
{
	const struct router *r = arg;
	return router_of(a) == r->n;
}

static bool known(void *arg, const struct in6_addr *pcoa, struct lladdr *out)
{
	const struct router *r = arg;
	struct in6_addr own = address_of(r->n, which_of(pcoa));
	*out = MAC;
	return r->n == 1 && addr_eq(pcoa, &own);
}

static size_t addresses(void *arg, const struct lladdr *l, struct in6_addr *out, size_t max)
{
	const struct router *r = arg;
	if (r->n != 1 || !lladdr_eq(l, &MAC))
		return 0;
	for (int i = 0; i < ADDRS; i++)
		out[i] = address_of(1, i);
	return ADDRS;
}

static const char *refuse(void *arg, const struct in6_addr *pcoa, const struct lladdr *l)
{
	return NULL;
}

static bool local(void *arg, const struct in6_addr *router, struct in6_addr *out)
{
	const struct router *r = arg;
	*out = router_address(r->n);
	return true;
}

static void send_hi(void *arg, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data, size_t len)
{
	wire(arg, HI, src, dst, data, len);
}

static void send_hack(void *arg, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data, size_t len)
{
	wire(arg, HACK, src, dst, data, len);
}

static void flush(struct router *r, int which)
{
	struct way *k = &r->way[which];
	unsigned n = k->held_n;
	k->held_n = 0;
	for (unsigned i = 0; i < n; i++)
		forward(r, which, k->held[i]);
}

static int tunnel(void *arg, const struct in6_addr *pcoa, const struct in6_addr *src, const struct in6_addr *to)
{
	struct way *k = way_of(arg, pcoa);
	k->state = TUNNEL;
	k->remote = *to;
	flush(arg, which_of(pcoa));
	return 0;
}

static void tunnel_end(void *arg, const struct in6_addr *pcoa, const struct in6_addr *src, const struct in6_addr *to,
                       const struct in6_addr *also)
{
	struct way *k = way_of(arg, pcoa);
	k->end = *to;
	k->also = *also;
}

static int hold(void *arg, const struct in6_addr *pcoa)
{
	way_of(arg, pcoa)->state = HOLD;
	return 0;
}

static void direct(void *arg, const struct in6_addr *pcoa, const struct lladdr *l, int ifindex)
{
	way_of(arg, pcoa)->state = DIRECT;
	flush(arg, which_of(pcoa));
}

static void changed(void *arg)
{
}

static void anchor_probe(void *arg, const struct in6_addr *pcoa)
{
	struct router *r = arg;
	r->probes++;
}

static void claim(void *arg, const struct in6_addr *pcoa)
{
	struct router *r = arg;
	r->claims++;
}

static void anchor_opened(void *arg, enum handover_role role, const struct anchor_view *v, const struct in6_addr *other, usec_t at)
{
	struct router *r = arg;
	r->opened++;
}

static void anchor_step(void *arg, enum handover_role role, const struct in6_addr *pcoa, enum handover_step s, usec_t at)
{
}

static void noted(struct router *r, enum handover_result result, const char *reason)
{
	r->closed[result]++;
	snprintf(r->reason, sizeof r->reason, "%s", reason);
}

static void anchor_closed(void *arg, enum handover_role role, const struct in6_addr *pcoa, enum handover_result r, const char *reason)
{
	noted(arg, r, reason);
}

static bool home(void *arg, const struct in6_addr *addr, struct in6_addr *out)
{
	const struct router *r = arg;
	int n = link_of(addr);
	*out = router_address(n);
	return n >= 1 && n <= ROUTERS && n != r->n;
}

static size_t peers(void *arg, struct in6_addr *out, size_t max)
{
	const struct router *r = arg;
	size_t n = 0;
	for (int i = 1; i <= ROUTERS; i++)
		if (i != r->n)
			out[n++] = router_address(i);
	return n;
}

static bool own_station(void *arg, int ifindex, const struct lladdr *l)
{
	return false;
}

static void released(struct timer *t, void *arg)
{
	struct router *r = arg;
	struct way *k = (struct way *)(void *)((char *)t - offsetof(struct way, released));
	struct in6_addr pcoa = k->served.pcoa;
	k->state = DIRECT;
	k->pinned = true;
	flush(r, (int)(k - r->way));
	visit_released(r->visit, &pcoa);
}

static int release(void *arg, const struct visit_view *v)
{
	struct router *r = arg;
	struct way *k = way_of(r, &v->pcoa);
	timer_init(&k->released, r->w->loop, released, r);
	timer_after(&k->released, 0);
	return 0;
}

static int serve(void *arg, const struct visit_view *v)
{
	struct way *k = way_of(arg, &v->pcoa);
	k->serves = true;
	k->served = *v;
	return 0;
}

static void leave(void *arg, const struct visit_view *v)
{
	struct way *k = way_of(arg, &v->pcoa);
	if (timer_armed(&k->released))
		timer_stop(&k->released);
	k->serves = k->pinned = false;
	k->state = DIRECT;
	k->held_n = 0;
}

static void say(struct world *w, int which, usec_t at)
{
	struct router *r = &w->router[w->link];
	struct in6_addr a = which < 0 ? in6addr_any : address_of(1, which);
	if (!w->link || r->down)
		return;
	anchor_seen(r->anchor, &a, &MAC, 10 + w->link, at);
	visit_seen(r->visit, &a, &MAC, 10 + w->link, at);
}

static void probe(void *arg, const struct visit_view *v)
{
	struct router *r = arg;
	if (r->w->link == r->n)
		visit_seen(r->visit, &v->pcoa, &MAC, 10 + r->n, loop_now(r->w->loop));
}

static void visit_opened(void *arg, const struct visit_view *v, usec_t at)
{
	struct router *r = arg;
	r->opened++;
}

static void visit_step(void *arg, const struct in6_addr *pcoa, enum handover_step s, usec_t at)
{
}

static void visit_arrived(void *arg, const struct visit_view *v)
{
}

static void visit_closed(void *arg, const struct in6_addr *pcoa, enum handover_result r, const char *reason)
{
	noted(arg, r, reason);
}

static const struct anchor_ops anchor_ops = {
	.own_address = own_address, .is_self = is_self, .lladdr = known, .addresses = addresses, .refuse = refuse, .peer = peer,
	.local = local, .send_hi = send_hi, .tunnel = tunnel, .tunnel_end = tunnel_end, .hold = hold, .direct = direct, .claim = claim, .probe = anchor_probe,
	.changed = changed, .opened = anchor_opened, .step = anchor_step, .closed = anchor_closed,
};
static const struct visit_ops visit_ops = {
	.peer = peer, .home = home, .peers = peers, .known = own_station, .hold = hold, .release = release, .serve = serve,
	.leave = leave, .probe = probe, .send_hack = send_hack, .changed = changed, .opened = visit_opened, .step = visit_step,
	.arrived = visit_arrived, .closed = visit_closed,
};

/* ---- what happens ---- */

static void says(struct timer *t, void *arg)
{
	struct world *w = arg;
	timer_after(t, 50 * MS);
	say(w, 0, loop_now(w->loop));
}

static void run(struct world *w, usec_t duration)
{
	loop_advance(w->loop, loop_now(w->loop) + duration);
}

static void router_start(struct router *r)
{
	r->anchor = anchor_create(r->w->loop, &r->w->params, &anchor_ops, r);
	r->visit = visit_create(r->w->loop, &r->w->params, &visit_ops, r);
	assert_true(r->anchor && r->visit);
}

static void router_kill(struct router *r)
{
	anchor_destroy(r->anchor);
	visit_destroy(r->visit);
	for (int i = 0; i < ADDRS; i++) {
		timer_stop(&r->way[i].released);
		memset(&r->way[i], 0, sizeof r->way[i]);
	}
}

static struct world *world(void)
{
	struct world *w = calloc(1, sizeof *w);
	assert_non_null(w);
	for (int i = 0; i < FMIP6_COUNTERS; i++)
		fmip6_counters[i].value = 0;
	w->loop = loop_create_virtual(USEC_SEC);
	fmip6_params_default(&w->params);
	w->params.clients = true;
	for (int i = 1; i <= ROUTERS; i++) {
		w->router[i] = (struct router){ .w = w, .n = i };
		router_start(&w->router[i]);
	}
	timer_init(&w->says, w->loop, says, w);
	timer_init(&w->tick, w->loop, tick, w);
	w->link = 1;
	w->traffic = true;
	timer_after(&w->says, 0);
	timer_after(&w->tick, 0);
	run(w, 100 * MS);
	return w;
}

static void link_to(struct world *w, int link)
{
	timer_stop(&w->says);
	w->link = link;
	if (link)
		timer_after(&w->says, 3 * MS);
}

/* The link is changed, with a gap. */
static void move(struct world *w, int link)
{
	link_to(w, 0);
	run(w, 20 * MS);
	link_to(w, link);
}

static void order(struct world *w, int at, int to)
{
	struct in6_addr a = address_of(1, 0), r = router_address(to);
	const char *why = at == 1 ? to == 1 ? anchor_await(w->router[1].anchor, &a) : anchor_move(w->router[1].anchor, &a, &r) :
	                            visit_move(w->router[at].visit, &a, &r);
	assert_null(why);
}

/* ---- what came of it ---- */

static unsigned lost(const struct world *w)
{
	unsigned n = 0;
	for (int i = 0; i < ADDRS; i++)
		for (unsigned k = 0; k < w->sent[i]; k++)
			n += !w->got[i][k];
	return n;
}

static unsigned visits(struct world *w, int router)
{
	struct visit_view v;
	unsigned n = 0;
	for (int i = 0; i < ADDRS; i++) {
		struct in6_addr a = address_of(1, i);
		n += visit_find(w->router[router].visit, &a, &v);
	}
	return n;
}

/* The client is there as everybody knows who has to, nothing of it is anywhere else, and packets go to and fro. */
static void settled(struct world *w, int at)
{
	struct anchor_view v;
	for (int i = 0; i < ADDRS; i++) {
		struct in6_addr a = address_of(1, i), r = router_address(at);
		bool away = anchor_find(w->router[1].anchor, &a, &v);
		assert_int_equal(away, at != 1);
		assert_true(!away || (v.arrived && addr_eq(&v.router, &r) && !v.awaited));
	}
	for (int i = 1; i <= ROUTERS; i++) {
		assert_int_equal(visits(w, i), i == at && at != 1 ? ADDRS : 0);
		for (int k = 0; k < ADDRS; k++) {
			assert_int_equal(w->router[i].way[k].held_n, 0);
			assert_true(w->router[i].way[k].state == (i == 1 && at != 1 ? TUNNEL : DIRECT));
			assert_int_equal(w->router[i].way[k].serves, i == at && at != 1);
		}
	}
	unsigned before = lost(w), sent = w->up_sent, got = w->up_got;
	run(w, 100 * MS);
	w->traffic = false;
	run(w, 100 * MS);
	assert_true(w->up_sent >= sent + 150);
	assert_in_range(w->up_got - got, w->up_sent - sent, w->up_sent - sent + 10); /* some were under way */
	assert_true(lost(w) <= before);
	assert_int_equal(w->reordered, 0);
	assert_int_equal(w->repeated, 0);
	w->traffic = true;
}

static void end(struct world *w)
{
	w->traffic = false;
	timer_stop(&w->says);
	timer_stop(&w->tick);
	run(w, 300 * USEC_SEC);
	for (int i = 1; i <= ROUTERS; i++)
		router_kill(&w->router[i]);
	assert_int_equal(loop_next_due(w->loop), UINT64_MAX); /* no timer is left behind */
	loop_destroy(w->loop);
	free(w);
}

/* ---- scenarios ---- */

static void test_announced(void **state)
{
	struct world *w = world();
	order(w, 1, 2);
	run(w, 50 * MS);
	assert_int_equal(w->router[2].way[0].state, HOLD);
	move(w, 2);
	run(w, 100 * MS);
	settled(w, 2);
	assert_int_equal(lost(w), 0);
	assert_int_equal(w->up_refused, 0);
	assert_int_equal(w->router[1].closed[HANDOVER_COMPLETE], ADDRS);
	assert_int_equal(w->router[2].closed[HANDOVER_COMPLETE], ADDRS);
	assert_int_equal(w->router[1].claims, ADDRS);
	end(w);
}

/* Nobody said anything: lost is what was sent before it was seen. */
static void test_seen(void **state)
{
	struct world *w = world();
	move(w, 2);
	run(w, 3 * MS);
	unsigned seen_at = w->sent[0];
	run(w, 100 * MS);
	settled(w, 2);
	for (int i = 0; i < ADDRS; i++)
		for (unsigned k = seen_at + 8; k < w->sent[i]; k++) /* until the HAck is back at router 1: 6.6 ms, and 2 from the correspondent */
			assert_true(w->got[i][k]);
	assert_int_equal(w->up_refused, 0);
	end(w);
}

/* Of a station that says nothing but who it is, all neighbours are asked. */
static void test_seen_by_link_address(void **state)
{
	struct world *w = world();
	link_to(w, 0);
	run(w, 20 * MS);
	w->link = 2;
	say(w, -1, loop_now(w->loop));
	assert_int_equal(w->messages[HACK], 2);
	run(w, 100 * MS);
	timer_after(&w->says, 0);
	settled(w, 2);
	end(w);
}

static void test_home_again(void **state)
{
	struct world *w = world();
	move(w, 2);
	run(w, 100 * MS);
	settled(w, 2);
	unsigned before = lost(w);
	order(w, 1, 1);
	run(w, 50 * MS);
	move(w, 1);
	run(w, 100 * MS);
	settled(w, 1);
	assert_int_equal(lost(w), before);
	move(w, 2);
	run(w, 100 * MS);
	settled(w, 2);
	move(w, 1);
	run(w, 100 * MS);
	settled(w, 1);
	end(w);
}

static void test_moves_on(void **state)
{
	struct world *w = world();
	order(w, 1, 2);
	run(w, 50 * MS);
	move(w, 2);
	run(w, 100 * MS);
	settled(w, 2);
	order(w, 1, 3);
	run(w, 50 * MS);
	assert_int_equal(visits(w, 2), ADDRS); /* until it has arrived elsewhere */
	move(w, 3);
	run(w, 100 * MS);
	settled(w, 3);
	assert_int_equal(lost(w), 0);
	assert_int_equal(w->up_refused, 0);
	move(w, 2);
	run(w, 100 * MS);
	settled(w, 2);
	assert_int_equal(w->up_refused, 0);
	end(w);
}

/* The router where it is has it moved: the anchor is asked. Also home. */
static void test_ordered_elsewhere(void **state)
{
	struct world *w = world();
	move(w, 2);
	run(w, 100 * MS);
	settled(w, 2);
	unsigned before = lost(w);
	order(w, 2, 3);
	run(w, 50 * MS);
	move(w, 3);
	run(w, 100 * MS);
	settled(w, 3);
	order(w, 3, 1);
	run(w, 50 * MS);
	move(w, 1);
	run(w, 100 * MS);
	settled(w, 1);
	assert_int_equal(lost(w), before);
	/* Not by a router where it is not. */
	struct in6_addr a = address_of(1, 0), r = router_address(3);
	assert_non_null(visit_move(w->router[2].visit, &a, &r));
	end(w);
}

/* Announced, it stays where it is, or goes somewhere else. */
static void test_does_not_come(void **state)
{
	struct world *w = world();
	order(w, 1, 2);
	run(w, w->params.hold_time + 100 * MS);
	assert_int_equal(w->router[2].closed[HANDOVER_FAILED], ADDRS);
	assert_int_equal(w->router[1].closed[HANDOVER_FAILED], ADDRS);
	settled(w, 1);
	order(w, 1, 2);
	run(w, 50 * MS);
	move(w, 3);
	run(w, 100 * MS);
	settled(w, 3);
	unsigned before = lost(w);
	order(w, 1, 1); /* announced at home: what waited there goes back to where it stayed */
	run(w, w->params.hold_time + 100 * MS);
	settled(w, 3);
	assert_int_equal(lost(w), before);
	order(w, 1, 2); /* and from one to another */
	run(w, w->params.hold_time + 100 * MS);
	settled(w, 3);
	end(w);
}

/* Each kind of message lost, repeated, late, once and twice, in each kind of movement: it ends well all the same, and an announced
 * movement that waits until it is prepared loses nothing. */
static void faults(enum kind k, int which, int n, bool announced)
{
	struct world *w = world();
	static const int route[] = { 2, 3, 1, 2, 1 };
	w->late = 150 * MS;
	for (size_t i = 0; i < sizeof route / sizeof *route; i++) {
		int *fault = which == 0 ? w->drop : which == 1 ? w->repeat : w->delay;
		fault[k] = n;
		if (announced) {
			order(w, 1, route[i]);
			run(w, 1000 * MS);
		}
		fault[k] = n;
		move(w, route[i]);
		run(w, 2500 * MS);
		fault[k] = 0;
		settled(w, route[i]);
	}
	if (announced)
		assert_int_equal(lost(w), 0);
	end(w);
}

static void test_faults(void **state)
{
	for (int k = 0; k < KINDS; k++)
		for (int which = 0; which < 3; which++)
			for (int n = 1; n <= 3; n++) {
				faults((enum kind)k, which, n, true);
				faults((enum kind)k, which, n, false);
			}
}

/* It stays for long: whoever serves it hears that it is still there, and when it is gone in silence nothing remains. */
static void test_stays(void **state)
{
	struct world *w = world();
	move(w, 2);
	run(w, 100 * MS);
	w->traffic = false;
	run(w, 10 * w->params.lifetime);
	w->traffic = true;
	settled(w, 2);
	link_to(w, 0);
	w->traffic = false;
	run(w, 3 * w->params.lifetime);
	assert_int_equal(visits(w, 2), 0);
	struct in6_addr a = address_of(1, 0);
	struct anchor_view v;
	assert_false(anchor_find(w->router[1].anchor, &a, &v));
	link_to(w, 1);
	w->traffic = true;
	run(w, 100 * MS);
	settled(w, 1);
	end(w);
}

static void restart(struct world *w, int router)
{
	router_kill(&w->router[router]);
	router_start(&w->router[router]);
}

static void test_restarts(void **state)
{
	struct world *w = world();
	move(w, 2);
	run(w, 100 * MS);
	restart(w, 2); /* where it is: it is seen again, and asked for */
	run(w, 200 * MS);
	settled(w, 2);
	restart(w, 1); /* the anchor: it knows it by its link-layer address, and is asked within a lifetime */
	run(w, w->params.lifetime);
	settled(w, 2);
	order(w, 1, 3);
	run(w, 2 * MS);
	restart(w, 3); /* where it goes, before it answered */
	run(w, 1000 * MS);
	move(w, 3);
	run(w, 500 * MS);
	settled(w, 3);
	w->router[2].down = true; /* a router that is gone is not waited for */
	move(w, 1);
	run(w, 5 * USEC_SEC);
	settled(w, 1);
	end(w);
}

/* What was seen of it at home before it arrived elsewhere does not bring it back: neither while its new router is asked, nor later. */
static void test_old_news(void **state)
{
	struct world *w = world();
	struct in6_addr a = address_of(1, 0);
	struct anchor_view v;
	w->drop[HI] = ADDRS;
	move(w, 2);
	run(w, 20 * MS);
	anchor_seen(w->router[1].anchor, &a, &MAC, 11, loop_now(w->loop) - 35 * MS);
	assert_true(anchor_find(w->router[1].anchor, &a, &v));
	run(w, 500 * MS);
	settled(w, 2);
	anchor_seen(w->router[1].anchor, &a, &MAC, 11, loop_now(w->loop) - 700 * MS);
	assert_true(anchor_find(w->router[1].anchor, &a, &v) && v.arrived);
	settled(w, 2);
	end(w);
}

/* It is sent somewhere else before the first router has answered. */
static void test_sent_elsewhere_at_once(void **state)
{
	struct world *w = world();
	order(w, 1, 2);
	order(w, 1, 3);
	run(w, 50 * MS);
	move(w, 3);
	run(w, w->params.hold_time); /* so long the first holds for it */
	settled(w, 3);
	assert_int_equal(lost(w), 0);
	end(w);
}

static uint32_t dice(uint32_t *state, uint32_t sides)
{
	*state = *state * 1664525 + 1013904223;
	return (*state >> 16) % sides;
}

static void any_fault(struct world *w, uint32_t *d)
{
	int *faults[] = { w->drop, w->repeat, w->delay };
	w->late = dice(d, 2000) * MS;
	faults[dice(d, 3)][dice(d, KINDS)] = 1 + (int)dice(d, 5);
}

static void any_step(struct world *w, uint32_t *d)
{
	const int to = 1 + (int)dice(d, ROUTERS);
	struct in6_addr a = address_of(1, (int)dice(d, ADDRS)), r = router_address(to);
	switch (dice(d, 12)) {
	case 0:
		restart(w, to);
		break;
	case 1: /* as a reload would */
		w->params.lifetime = (2 + dice(d, 60)) * USEC_SEC;
		w->params.hold_time = (1 + dice(d, 5)) * USEC_SEC;
		w->params.clients = dice(d, 4);
		break;
	case 2:
		w->router[to].down = dice(d, 2);
		break;
	case 3:
	case 4:
		any_fault(w, d);
		break;
	case 5:
	case 6: /* announced; who announces something impossible is told */
		if (to == 1)
			anchor_await(w->router[1].anchor, &a);
		else
			anchor_move(w->router[1].anchor, &a, &r);
		break;
	case 7:
		if (w->link > 1)
			visit_move(w->router[w->link].visit, &a, &r);
		break;
	case 8:
		link_to(w, 0);
		break;
	default:
		move(w, to);
	}
	run(w, dice(d, 2) ? dice(d, 50) * MS : dice(d, 24000) * MS);
}

/* A day: a client that moves at random, announced and not, or for something else than announced; messages lost, repeated and late;
 * routers killed, started and reloaded. Every hour comes to rest, and then all is well; hours of silence later nothing remains. */
static void test_a_day(void **state)
{
	struct world *w = world();
	uint32_t d = 1;
	for (int hour = 0; hour < 24; hour++) {
		timer_stop(&w->tick); /* nobody sends packets meanwhile */
		for (int i = 0; i < 300; i++)
			any_step(w, &d);
		memset(w->drop, 0, sizeof w->drop);
		memset(w->repeat, 0, sizeof w->repeat);
		memset(w->delay, 0, sizeof w->delay);
		w->params.clients = true;
		for (int i = 1; i <= ROUTERS; i++)
			w->router[i].down = false;
		move(w, 1 + (int)dice(&d, ROUTERS));
		run(w, 200 * USEC_SEC); /* whatever waits, or is remembered, has ended */
		w->reordered = w->repeated = 0;
		timer_after(&w->tick, 0);
		run(w, 100 * MS);
		settled(w, w->link);
	}
	timer_stop(&w->tick);
	link_to(w, 0);
	run(w, 2 * 3600 * USEC_SEC);
	assert_int_equal(fmip6_counters[FMIP6_VISITS].value, 0);
	assert_int_equal(fmip6_counters[FMIP6_CLIENTS_AWAY].value, 0);
	end(w);
}

/* ---- attacks ---- */

static unsigned state_of(struct world *w)
{
	unsigned n = w->router[1].opened + w->router[2].opened + w->router[3].opened;
	for (int i = 1; i <= ROUTERS; i++)
		n += visits(w, i);
	return n;
}

static void seen_by(struct world *w, int router, const struct in6_addr *a, const struct lladdr *l)
{
	anchor_seen(w->router[router].anchor, a, l, 10 + router, loop_now(w->loop));
	visit_seen(w->router[router].visit, a, l, 10 + router, loop_now(w->loop));
}

/* Somebody with another link-layer address uses the client's address: where it is, elsewhere, and at home while it is away. */
static void test_forged_address(void **state)
{
	struct world *w = world();
	struct in6_addr a = address_of(1, 0);
	unsigned before = state_of(w);
	seen_by(w, 2, &a, &OTHER);
	run(w, 2 * USEC_SEC);
	assert_int_equal(state_of(w), before);
	assert_true(fmip6_counters[FMIP6_CLIENTS_MISMATCH].value >= 1);
	settled(w, 1);
	move(w, 2);
	run(w, 100 * MS);
	before = state_of(w);
	for (int i = 1; i <= ROUTERS; i++) {
		uint64_t known = fmip6_counters[FMIP6_CLIENTS_MISMATCH].value;
		seen_by(w, i, &a, &OTHER);
		run(w, 2 * USEC_SEC);
		assert_true(fmip6_counters[FMIP6_CLIENTS_MISMATCH].value > known);
	}
	assert_int_equal(state_of(w), before);
	settled(w, 2);
	end(w);
}

static void inject(struct world *w, enum kind k, int to, const char *from, const uint8_t *data, int len)
{
	struct in6_addr src, dst = router_address(to);
	assert_int_equal(addr_parse(from, &src), 0);
	assert_true(len > 0);
	put(w, k, &src, &dst, data, (size_t)len, 0);
	run(w, 100 * MS);
}

static void test_strangers(void **state)
{
	struct world *w = world();
	uint8_t out[160];
	struct in6_addr a = address_of(1, 0), foreign = address_of(3, 0), r3 = router_address(3);
	move(w, 2);
	run(w, 100 * MS);
	unsigned before = state_of(w);
	const struct hack ask = { .seq = 1, .code = HACK_UNSOLICITED, .lladdr = MAC, .pcoa = a };
	inject(w, HACK, 1, "2001:db8:ff::77", out, hack_pack(&ask, out, sizeof out));
	const struct hi end_it = { .seq = 1, .flags = HI_PROXY, .code = HI_COMPLETED, .lladdr = MAC, .pcoa = a };
	inject(w, HI, 2, "2001:db8:ff::77", out, hi_pack(&end_it, out, sizeof out));
	/* A neighbour, but not the client's anchor, may not end its visit, nor give it another, nor move it on. */
	inject(w, HI, 2, "2001:db8:ff::3", out, hi_pack(&end_it, out, sizeof out));
	const struct hi take_it = { .seq = 2, .code = HI_NOT_FROM_PCOA, .lladdr = OTHER, .pcoa = a };
	inject(w, HI, 2, "2001:db8:ff::3", out, hi_pack(&take_it, out, sizeof out));
	const struct hack move_it = { .seq = 1, .code = HACK_UNSOLICITED, .lladdr = MAC, .pcoa = a, .nar = r3 };
	inject(w, HACK, 1, "2001:db8:ff::3", out, hack_pack(&move_it, out, sizeof out));
	/* Nor may one ask for an address of another router, or with another link-layer address, or with none. */
	const struct hack other = { .seq = 1, .code = HACK_UNSOLICITED, .lladdr = MAC, .pcoa = foreign };
	inject(w, HACK, 1, "2001:db8:ff::3", out, hack_pack(&other, out, sizeof out));
	const struct hack forged = { .seq = 1, .code = HACK_UNSOLICITED, .lladdr = OTHER, .pcoa = a };
	inject(w, HACK, 1, "2001:db8:ff::3", out, hack_pack(&forged, out, sizeof out));
	const struct hack nobody = { .seq = 1, .code = HACK_UNSOLICITED, .pcoa = a };
	inject(w, HACK, 1, "2001:db8:ff::3", out, hack_pack(&nobody, out, sizeof out));
	assert_int_equal(state_of(w), before);
	assert_int_equal(fmip6_counters[FMIP6_HI_STRANGER].value, 1);
	settled(w, 2);
	end(w);
}

/* Clients are not served: a HI for one is refused, and a visit is never begun. */
static void test_off(void **state)
{
	struct world *w = world();
	w->params.clients = false;
	order(w, 1, 2);
	run(w, USEC_SEC);
	assert_string_equal(w->router[1].reason, "the other router takes no clients");
	assert_int_equal(w->router[1].closed[HANDOVER_FAILED], ADDRS);
	settled(w, 1);
	end(w);
}

/* Somebody makes up sources: neighbours are asked about so many a second, and no table grows beyond its limit. */
static void test_flood(void **state)
{
	struct world *w = world();
	w->params.sessions = 8;
	unsigned before = w->messages[HACK];
	for (unsigned i = 0; i < 20000; i++) {
		struct lladdr l = { .len = 6, .octet = { 2, 1, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i } };
		struct in6_addr a = address_of(1, 0);
		a.s6_addr[14] = (uint8_t)(i >> 8);
		a.s6_addr[15] = (uint8_t)i;
		visit_seen(w->router[2].visit, i % 2 ? &a : &in6addr_any, &l, 12, loop_now(w->loop));
		run(w, 100);
	}
	run(w, 2 * USEC_SEC);
	/* Two seconds and the burst, two neighbours for those without an address, four attempts each. */
	unsigned askings = (unsigned)(4 * w->params.client_rate);
	assert_true(w->messages[HACK] - before <= askings * 2 * 4);
	assert_true(fmip6_counters[FMIP6_CLIENTS_LIMITED].value > 19000);
	assert_int_equal(fmip6_counters[FMIP6_VISITS].value, 0);
	settled(w, 1);
	end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_announced),
		cmocka_unit_test(test_seen),
		cmocka_unit_test(test_seen_by_link_address),
		cmocka_unit_test(test_home_again),
		cmocka_unit_test(test_moves_on),
		cmocka_unit_test(test_ordered_elsewhere),
		cmocka_unit_test(test_does_not_come),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_stays),
		cmocka_unit_test(test_restarts),
		cmocka_unit_test(test_old_news),
		cmocka_unit_test(test_sent_elsewhere_at_once),
		cmocka_unit_test(test_a_day),
		cmocka_unit_test(test_forged_address),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_flood),
	};
	log_level_set(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
