/*
 * Hundreds of clients and three routers, each anchor and host, by messages alone: who is where as everybody knows who has to, what a
 * client costs in messages, and that of those who have gone nothing stays, in no table and not in memory. All addresses are of router
 * 1's link. And clients as people have them: that sleep, make up new addresses, change their link-layer address.
 */
#include "fmip6/fmip6_anchor.h"
#include "fmip6/fmip6_visit.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUTERS 3
#define CROWD 400
#define ADDRS 24 /* that a client can have; the second is IPv4 */
#define MS USEC_MSEC
#define WIRE (2 * MS)

struct router {
	struct world *w;
	int n;
	struct fmip6_anchor *anchor;
	struct fmip6_visit *visit;
	bool knows[CROWD][ADDRS]; /* as its kernel does */
	int held, tunnels, served; /* addresses */
	unsigned messages, probed;
};

struct client {
	struct world *w;
	int n, link; /* link 0: nowhere */
	unsigned addrs;
	uint8_t mac;
	bool asleep;
	struct timer speaks;
};

struct world {
	struct loop *loop;
	struct fmip6_params params;
	struct router router[ROUTERS + 1];
	struct client client[CROWD];
	unsigned clients;
	struct {
		int held, tunnelled, served;
	} at[ROUTERS + 1][CROWD][ADDRS];
};

struct message {
	struct timer timer;
	struct router *to;
	bool hi;
	struct in6_addr src, dst;
	uint8_t data[160];
	size_t len;
};

static struct in6_addr address_of(int client, unsigned which)
{
	struct in6_addr a = { .s6_addr = { 0x20, 1, 0xd, 0xb8, 0, 1, [13] = (uint8_t)(client >> 8), (uint8_t)client, (uint8_t)which } };
	if (which == 1)
		a = (struct in6_addr){ .s6_addr = { [10] = 0xff, 0xff, 10, 1, (uint8_t)(client >> 8), (uint8_t)client } };
	return a;
}

static int client_of(const struct in6_addr *a, unsigned *which)
{
	bool v4 = addr_is_v4(a);
	*which = v4 ? 1 : a->s6_addr[15];
	int n = v4 ? a->s6_addr[14] << 8 | a->s6_addr[15] : a->s6_addr[13] << 8 | a->s6_addr[14];
	assert_true(n < CROWD && *which < ADDRS);
	return n;
}

static struct lladdr mac_of(const struct client *c)
{
	return (struct lladdr){ .len = 6, .octet = { 2, c->mac, 0, 0, (uint8_t)(c->n >> 8), (uint8_t)c->n } };
}

static struct in6_addr router_address(int n)
{
	return (struct in6_addr){ .s6_addr = { 0x20, 1, 0xd, 0xb8, 0, 0xff, [15] = (uint8_t)n } };
}

static int router_of(const struct in6_addr *a)
{
	return a->s6_addr[5] == 0xff ? a->s6_addr[15] : 0;
}

/* ---- messages ---- */

static void deliver(struct timer *t, void *arg)
{
	struct message *m = arg;
	const struct mh_in in = { .src = m->src, .dst = m->dst, .data = m->data, .len = m->len, .at = loop_now(m->to->w->loop) };
	struct hi hi;
	struct hack hack;
	if (m->hi && hi_parse(m->data, m->len, &hi) == 0)
		visit_hi(m->to->visit, &hi, &in);
	else if (!m->hi && hack_parse(m->data, m->len, &hack) == 0)
		anchor_hack(m->to->anchor, &hack, &in);
	free(m);
}

static void wire(struct router *r, bool hi, const struct in6_addr *dst, const uint8_t *data, size_t len)
{
	struct message *m = calloc(1, sizeof *m);
	assert_true(m && len <= sizeof m->data);
	*m = (struct message){ .to = &r->w->router[router_of(dst)], .hi = hi, .src = router_address(r->n), .dst = *dst, .len = len };
	memcpy(m->data, data, len);
	r->messages++;
	timer_init(&m->timer, r->w->loop, deliver, m);
	timer_after(&m->timer, WIRE);
}

/* ---- what the machines do to the world ---- */

#define AT(arg, pcoa) \
	({ unsigned which_; struct router *r_ = (arg); int c_ = client_of(pcoa, &which_); &r_->w->at[r_->n][c_][which_]; })

static bool peer(void *arg, const struct in6_addr *src, struct in6_addr *address)
{
	const struct router *r = arg;
	*address = *src;
	return router_of(src) && router_of(src) != r->n;
}

static bool own_address(void *arg, const struct in6_addr *pcoa)
{
	const struct router *r = arg;
	return r->n == 1;
}

static bool is_self(void *arg, const struct in6_addr *a)
{
	const struct router *r = arg;
	return router_of(a) == r->n;
}

static bool known(void *arg, const struct in6_addr *pcoa, struct lladdr *out)
{
	const struct router *r = arg;
	unsigned which;
	int n = client_of(pcoa, &which);
	*out = mac_of(&r->w->client[n]);
	out->octet[1] = 0; /* which it had at home */
	return r->knows[n][which];
}

static size_t addresses(void *arg, const struct lladdr *l, struct in6_addr *out, size_t max)
{
	const struct router *r = arg;
	int n = l->octet[4] << 8 | l->octet[5];
	size_t have = 0;
	for (unsigned i = 0; l->octet[1] == 0 && i < ADDRS && have < max; i++)
		if (r->knows[n][i])
			out[have++] = address_of(n, i);
	return have;
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
	wire(arg, true, dst, data, len);
}

static void send_hack(void *arg, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data, size_t len)
{
	wire(arg, false, dst, data, len);
}

static int tunnel(void *arg, const struct in6_addr *pcoa, const struct in6_addr *src, const struct in6_addr *to)
{
	AT(arg, pcoa)->tunnelled = 1;
	AT(arg, pcoa)->held = 0;
	return 0;
}

static void tunnel_end(void *arg, const struct in6_addr *pcoa, const struct in6_addr *src, const struct in6_addr *to,
                       const struct in6_addr *also)
{
}

static int hold(void *arg, const struct in6_addr *pcoa)
{
	AT(arg, pcoa)->held = 1;
	return 0;
}

static void direct(void *arg, const struct in6_addr *pcoa, const struct lladdr *l, int ifindex)
{
	AT(arg, pcoa)->tunnelled = AT(arg, pcoa)->held = 0;
}

static void anchor_probe(void *arg, const struct in6_addr *pcoa)
{
	struct router *r = arg;
	r->probed++;
}

static void nothing(void *arg)
{
}

static void claim(void *arg, const struct in6_addr *pcoa)
{
}

static void anchor_opened(void *arg, enum handover_role role, const struct anchor_view *v, const struct in6_addr *other, usec_t at)
{
}

static void anchor_step(void *arg, enum handover_role role, const struct in6_addr *pcoa, enum handover_step s, usec_t at)
{
}

static void anchor_closed(void *arg, enum handover_role role, const struct in6_addr *pcoa, enum handover_result r, const char *reason)
{
}

static bool home(void *arg, const struct in6_addr *addr, struct in6_addr *out)
{
	const struct router *r = arg;
	*out = router_address(1);
	return r->n != 1;
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

static int release(void *arg, const struct visit_view *v)
{
	AT(arg, &v->pcoa)->held = 0;
	return 0;
}

static int serve(void *arg, const struct visit_view *v)
{
	AT(arg, &v->pcoa)->served = 1;
	return 0;
}

static void leave(void *arg, const struct visit_view *v)
{
	AT(arg, &v->pcoa)->served = AT(arg, &v->pcoa)->held = 0;
}

static void seen_at(struct world *w, int link, const struct in6_addr *a, const struct lladdr *l)
{
	struct router *r = &w->router[link];
	anchor_seen(r->anchor, a, l, 10 + link, loop_now(w->loop));
	visit_seen(r->visit, a, l, 10 + link, loop_now(w->loop));
}

/* From one of its addresses. */
static void say(struct client *c, unsigned which)
{
	struct in6_addr a = address_of(c->n, which);
	struct lladdr l = mac_of(c);
	if (!c->link || c->asleep)
		return;
	seen_at(c->w, c->link, &a, &l);
	if (c->link == 1 && c->mac == 0)
		c->w->router[1].knows[c->n][which] = true;
}

static void probe(void *arg, const struct visit_view *v)
{
	struct router *r = arg;
	unsigned which;
	struct client *c = &r->w->client[client_of(&v->pcoa, &which)];
	r->probed++;
	if (c->link == r->n && which < c->addrs)
		say(c, which);
}

static void visit_opened(void *arg, const struct visit_view *v, usec_t at)
{
}

static void visit_step(void *arg, const struct in6_addr *pcoa, enum handover_step s, usec_t at)
{
}

static void visit_arrived(void *arg, const struct visit_view *v)
{
}

static void visit_closed(void *arg, const struct in6_addr *pcoa, enum handover_result r, const char *reason)
{
}

static const struct anchor_ops anchor_ops = {
	.own_address = own_address, .is_self = is_self, .lladdr = known, .addresses = addresses, .refuse = refuse, .peer = peer,
	.local = local, .send_hi = send_hi, .tunnel = tunnel, .tunnel_end = tunnel_end, .hold = hold, .direct = direct, .claim = claim,
	.probe = anchor_probe, .changed = nothing, .opened = anchor_opened, .step = anchor_step, .closed = anchor_closed,
};
static const struct visit_ops visit_ops = {
	.peer = peer, .home = home, .peers = peers, .known = own_station, .hold = hold, .release = release, .serve = serve,
	.leave = leave, .probe = probe, .send_hack = send_hack, .changed = nothing, .opened = visit_opened, .step = visit_step,
	.arrived = visit_arrived, .closed = visit_closed,
};

/* ---- what happens ---- */

static void run(struct world *w, usec_t duration)
{
	loop_advance(w->loop, loop_now(w->loop) + duration);
}

static void speaks(struct timer *t, void *arg)
{
	struct client *c = arg;
	timer_after(t, 250 * MS);
	say(c, 0);
}

static void router_start(struct router *r)
{
	r->anchor = anchor_create(r->w->loop, &r->w->params, &anchor_ops, r);
	r->visit = visit_create(r->w->loop, &r->w->params, &visit_ops, r);
	assert_true(r->anchor && r->visit);
}

/* Its kernel forgets whoever is away; its neighbours notice that it is there again. */
static void restart(struct world *w, int n)
{
	struct router *r = &w->router[n];
	struct in6_addr address = router_address(n);
	anchor_destroy(r->anchor);
	visit_destroy(r->visit);
	memset(w->at[n], 0, sizeof w->at[n]);
	memset(r->knows, 0, sizeof r->knows);
	router_start(r);
	for (int i = 1; i <= ROUTERS; i++) {
		struct in6_addr other = router_address(i);
		if (i == n)
			continue;
		anchor_neighbor_up(w->router[i].anchor, &address);
		visit_neighbor_up(w->router[i].visit, &address);
		anchor_neighbor_up(r->anchor, &other);
		visit_neighbor_up(r->visit, &other);
	}
}

/* So many clients with so many addresses each, at home, and known there. */
static struct world *world(unsigned clients, unsigned addrs)
{
	struct world *w = calloc(1, sizeof *w);
	assert_non_null(w);
	for (int i = 0; i < FMIP6_COUNTERS; i++)
		fmip6_counters[i].value = 0;
	w->loop = loop_create_virtual(USEC_SEC);
	fmip6_params_default(&w->params);
	w->params.clients = true;
	w->clients = clients;
	for (int i = 1; i <= ROUTERS; i++) {
		w->router[i] = (struct router){ .w = w, .n = i };
		router_start(&w->router[i]);
	}
	for (unsigned i = 0; i < clients; i++) {
		struct client *c = &w->client[i];
		*c = (struct client){ .w = w, .n = (int)i, .link = 1, .addrs = addrs };
		timer_init(&c->speaks, w->loop, speaks, c);
		timer_after(&c->speaks, i * 250 * MS / clients);
		for (unsigned k = 0; k < addrs; k++)
			say(c, k);
	}
	return w;
}

/* All within a second, after a gap. */
static void all_to(struct world *w, int link)
{
	for (unsigned i = 0; i < w->clients; i++) {
		w->client[i].link = link;
		timer_after(&w->client[i].speaks, 50 * MS + i * USEC_SEC / w->clients);
	}
}

static void all_silent(struct world *w, bool silent)
{
	for (unsigned i = 0; i < w->clients; i++)
		w->client[i].asleep = silent;
}

/* That client's address is served at that router, 1 being its home, and nowhere else. */
static bool is_at(struct world *w, int client, unsigned which, int router)
{
	struct in6_addr a = address_of(client, which), r = router_address(router);
	struct anchor_view v;
	struct visit_view s;
	bool good = anchor_find(w->router[1].anchor, &a, &v) ? router != 1 && v.arrived && !v.awaited && addr_eq(&v.router, &r) : router == 1;
	good &= w->at[1][client][which].tunnelled == (router != 1) && !w->at[1][client][which].held;
	for (int i = 2; i <= ROUTERS; i++) {
		good &= visit_find(w->router[i].visit, &a, &s) == (i == router) && w->at[i][client][which].served == (i == router);
		good &= !w->at[i][client][which].held;
	}
	return good;
}

static unsigned at(struct world *w, int router)
{
	unsigned n = 0;
	for (unsigned i = 0; i < w->clients; i++)
		for (unsigned k = 0; k < w->client[i].addrs; k++)
			n += is_at(w, (int)i, k, router);
	return n;
}

static void end(struct world *w)
{
	for (unsigned i = 0; i < w->clients; i++) {
		timer_stop(&w->client[i].speaks);
		w->client[i].link = 0;
	}
	run(w, 300 * USEC_SEC);
	assert_int_equal(fmip6_counters[FMIP6_CLIENTS_AWAY].value, 0);
	assert_int_equal(fmip6_counters[FMIP6_VISITS].value, 0);
	for (int i = 1; i <= ROUTERS; i++) {
		anchor_destroy(w->router[i].anchor);
		visit_destroy(w->router[i].visit);
	}
	loop_destroy(w->loop);
	free(w);
}

/* Octets in use; 0 where the allocator does not say (sanitizers look for leaks themselves). */
static size_t memory(void)
{
	return mallinfo2().uordblks;
}

/* ---- the crowd ---- */

static void test_all_move(void **state)
{
	struct world *w = world(CROWD, 4);
	const unsigned n = CROWD * 4;
	size_t before = 0;
	for (int round = 0; round < 3; round++) {
		for (int to = 2; to <= ROUTERS; to++) {
			all_to(w, to);
			run(w, 2 * USEC_SEC);
			assert_int_equal(at(w, to), n);
		}
		all_to(w, 1);
		run(w, 2 * USEC_SEC);
		assert_int_equal(at(w, 1), n);
		run(w, 30 * USEC_SEC); /* what was remembered of askings goes */
		assert_int_equal(fmip6_counters[FMIP6_CLIENTS_AWAY].value + fmip6_counters[FMIP6_VISITS].value, 0);
		assert_in_range(memory(), 0, round ? before + 4096 : SIZE_MAX); /* the loop's heap grew in the first */
		before = memory();
	}
	end(w);
}

static void test_all_announced(void **state)
{
	struct world *w = world(CROWD, 2);
	struct in6_addr to = router_address(2);
	for (int i = 0; i < CROWD; i++) {
		struct in6_addr a = address_of(i, 0);
		assert_null(anchor_move(w->router[1].anchor, &a, &to));
	}
	run(w, 100 * MS);
	assert_int_equal(fmip6_counters[FMIP6_VISITS].value, 2 * CROWD);
	all_to(w, 2);
	run(w, 2 * USEC_SEC);
	assert_int_equal(at(w, 2), 2 * CROWD);
	for (int i = 0; i < CROWD; i++) {
		struct in6_addr a = address_of(i, 1);
		assert_null(anchor_await(w->router[1].anchor, &a));
	}
	all_to(w, 1);
	run(w, 2 * USEC_SEC);
	assert_int_equal(at(w, 1), 2 * CROWD);
	end(w);
}

/* Its stay is confirmed by one HAck of the client's, one HI and one HAck of each address, four times in a lifetime. */
static void test_all_stay(void **state)
{
	struct world *w = world(CROWD, 4);
	all_to(w, 2);
	run(w, 60 * USEC_SEC);
	unsigned before = w->router[1].messages + w->router[2].messages;
	run(w, 10 * w->params.lifetime);
	unsigned a_time = 1 + 4 + 4;
	assert_in_range(w->router[1].messages + w->router[2].messages - before, 39 * a_time * CROWD, 41 * a_time * CROWD);
	assert_int_equal(at(w, 2), 4 * CROWD);
	end(w);
}

/* They go away for good and say nothing. */
static void test_all_vanish(void **state)
{
	struct world *w = world(CROWD, 2);
	all_to(w, 2);
	run(w, 3 * USEC_SEC);
	all_to(w, 0);
	run(w, 2 * w->params.lifetime);
	assert_int_equal(fmip6_counters[FMIP6_CLIENTS_AWAY].value + fmip6_counters[FMIP6_VISITS].value, 0);
	for (int i = 1; i <= ROUTERS; i++)
		for (int k = 0; k < CROWD; k++)
			assert_true(!w->at[i][k][0].tunnelled && !w->at[i][k][0].held && !w->at[i][k][0].served);
	end(w);
}

/* The router where all are, their anchor, and both, are started again: they are served again at once. */
static void test_restarts(void **state)
{
	struct world *w = world(CROWD, 3);
	all_to(w, 2);
	run(w, 3 * USEC_SEC);
	restart(w, 2);
	run(w, 3 * USEC_SEC);
	assert_int_equal(at(w, 2), 3 * CROWD);
	restart(w, 1);
	run(w, 3 * USEC_SEC);
	assert_int_equal(at(w, 2), 3 * CROWD);
	assert_int_equal(fmip6_counters[FMIP6_CLIENTS_ADOPTED].value, 3 * CROWD);
	all_to(w, 3);
	run(w, 3 * USEC_SEC);
	assert_int_equal(at(w, 3), 3 * CROWD);
	all_to(w, 1);
	run(w, 3 * USEC_SEC);
	assert_int_equal(at(w, 1), 3 * CROWD);
	end(w);
}

/* More than there is room for: whoever has a place keeps it, and the others get one when it is free. */
static void test_no_room(void **state)
{
	struct world *w = world(CROWD, 2);
	w->params.sessions = 200;
	all_to(w, 2);
	run(w, 5 * USEC_SEC);
	assert_int_equal(fmip6_counters[FMIP6_CLIENTS_AWAY].value, 200);
	assert_int_equal(fmip6_counters[FMIP6_VISITS].value, 200);
	assert_true(fmip6_counters[FMIP6_SESSIONS_FULL].value > 0);
	w->params.sessions = 4096;
	run(w, 30 * USEC_SEC);
	assert_int_equal(at(w, 2), 2 * CROWD);
	end(w);
}

/* ---- clients as people have them ---- */

/* It sleeps where it is longer than anybody remembers its stay, and where it moves to. When it speaks it is served. */
static void test_sleeper(void **state)
{
	struct world *w = world(1, 3);
	struct client *c = &w->client[0];
	all_to(w, 2);
	run(w, 2 * USEC_SEC);
	all_silent(w, true);
	run(w, 600 * USEC_SEC);
	assert_int_equal(fmip6_counters[FMIP6_CLIENTS_AWAY].value + fmip6_counters[FMIP6_VISITS].value, 0);
	c->asleep = false;
	say(c, 2);
	run(w, 20 * MS);
	assert_int_equal(at(w, 2), 3);
	c->asleep = true;
	c->link = 3; /* carried, and silent */
	run(w, 40 * USEC_SEC);
	assert_int_equal(at(w, 2), 3); /* nobody knows better */
	c->asleep = false;
	say(c, 1);
	run(w, 20 * MS);
	assert_int_equal(at(w, 3), 3);
	c->asleep = true;
	c->link = 1;
	run(w, 30 * USEC_SEC);
	c->asleep = false;
	say(c, 0);
	run(w, 20 * MS);
	assert_int_equal(at(w, 1), 3);
	end(w);
}

/* It makes up addresses while it is away, as for RFC 8981, and says not which of the old ones it has no longer. */
static void test_new_addresses(void **state)
{
	struct world *w = world(2, 2);
	struct client *c = &w->client[0];
	all_to(w, 2);
	run(w, 2 * USEC_SEC);
	for (c->addrs = 3; c->addrs < ADDRS; c->addrs++) {
		run(w, 10 * USEC_SEC);
		say(c, c->addrs - 1);
		run(w, 1100 * MS); /* no oftener than once in a second */
		say(c, c->addrs - 1);
		run(w, 20 * MS);
		assert_true(is_at(w, 0, c->addrs - 1, 2));
	}
	c->addrs--;
	assert_int_equal(fmip6_counters[FMIP6_CLIENTS_ADOPTED].value, ADDRS - 3);
	assert_int_equal(w->router[1].probed, ADDRS - 3); /* whoever has it at home could say so */
	assert_int_equal(fmip6_counters[FMIP6_CLIENTS_AWAY].value, ANCHOR_ADDRS + 2);
	assert_true(is_at(w, 0, ADDRS - 2, 2) && !is_at(w, 0, 2, 2)); /* the oldest were given up */
	c->link = 3;
	say(c, ADDRS - 2);
	run(w, 20 * MS);
	assert_true(is_at(w, 0, ADDRS - 2, 3) && is_at(w, 0, ADDRS - 3, 3));
	end(w);
}

/* Nobody gets by that what is another's, or anything at all without having come from here. */
static void test_new_address_of_another(void **state)
{
	struct world *w = world(3, 2);
	struct client *c = &w->client[0];
	struct in6_addr others = address_of(1, 0), silent = address_of(2, 5);
	struct lladdr mine = mac_of(c), owner = mac_of(&w->client[2]);
	c->link = 2;
	run(w, 2 * USEC_SEC);
	assert_true(is_at(w, 0, 0, 2));
	seen_at(w, 2, &others, &mine); /* known at home */
	run(w, 20 * USEC_SEC);
	assert_true(is_at(w, 1, 0, 1) && fmip6_counters[FMIP6_CLIENTS_MISMATCH].value >= 1);
	seen_at(w, 2, &silent, &mine); /* not known at home, but somebody has it there */
	run(w, 1 * MS + 2 * WIRE);
	seen_at(w, 1, &silent, &owner); /* who hears that it is asked for */
	run(w, 100 * MS);
	assert_true(is_at(w, 2, 5, 1) && is_at(w, 0, 0, 2));
	unsigned visits = (unsigned)fmip6_counters[FMIP6_VISITS].value;
	for (unsigned i = 0; i < 200; i++) { /* strangers with addresses that nobody has */
		struct in6_addr a = address_of(300, 6 + i % 10);
		struct lladdr l = { .len = 6, .octet = { 2, 7, 7, 7, 7, (uint8_t)i } };
		seen_at(w, 3, &a, &l);
	}
	run(w, 5 * USEC_SEC);
	assert_int_equal(fmip6_counters[FMIP6_VISITS].value, visits);
	end(w);
}

/* With another link-layer address it is another client: not believed with the old addresses elsewhere; its own at home when they are
 * free again. */
static void test_new_link_address(void **state)
{
	struct world *w = world(1, 2);
	struct client *c = &w->client[0];
	all_to(w, 2);
	run(w, 2 * USEC_SEC);
	assert_int_equal(at(w, 2), 2);
	c->mac = 5;
	run(w, 2 * w->params.lifetime);
	assert_true(fmip6_counters[FMIP6_CLIENTS_MISMATCH].value >= 1);
	assert_int_equal(fmip6_counters[FMIP6_CLIENTS_AWAY].value + fmip6_counters[FMIP6_VISITS].value, 0);
	c->link = 1;
	run(w, USEC_SEC);
	assert_int_equal(at(w, 1), 2);
	end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_move),     cmocka_unit_test(test_all_announced), cmocka_unit_test(test_all_stay),
		cmocka_unit_test(test_all_vanish),   cmocka_unit_test(test_restarts),      cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_sleeper),      cmocka_unit_test(test_new_addresses), cmocka_unit_test(test_new_address_of_another),
		cmocka_unit_test(test_new_link_address),
	};
	log_level_set(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
