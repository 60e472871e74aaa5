/*
 * What a mobile costs a router that has many: memory in the tables while nothing happens, and the time of one context
 * transaction, with the numbers of mobiles given as arguments (default 1000 and 1000000).
 *
 * Each mobile has two addresses and a link-layer address in the table of mobiles, bindings of both, and listens to a group.
 * A transaction of a mobile drawn at random: its CTAR at the previous router, which checks the token,
 * collects binding and membership and keeps them; PCTD; its CTAR at the new router, which checks the token again and puts
 * both in force; CTDR. One router is both: the mobile comes back to where it is, so that the tables stay as they are. First
 * without sockets; then with PCTD and CTDR over an SCTP association with ourselves, as a transaction really is.
 *
 * By turns: some transactions with the first number of mobiles, which are the floor, and as many with each of the others.
 * Prints one JSON list.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "context/binding_table.h"
#include "context/gmp_track.h"
#include "core/feature.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mobile.h"
#include "cxtp/cxtp_nar.h"
#include "cxtp/cxtp_par.h"
#include "cxtp/cxtp_token.h"
#include "net/sctp.h"

#define IFINDEX 2
#define GROUPS 16
#define ROUNDS 15
#define COUNT 1000
#define PACE (4 * USEC_MSEC) /* of the virtual clock, from one transaction to the next: no membership expires */
#define SIZES_MAX 8
#define UDP_PORT 29091

struct world {
	uint32_t n;
	struct loop *loop;
	struct cxtp_params params;
	struct cxtp_rate rate;
	struct cxtp_par *par;
	struct cxtp_nar *nar;
	struct mobiles *mobiles;
	struct binding_table *bindings;
	struct gmp_track *groups;
	struct secret *master;
	struct in6_addr router, neighbor;
	uint8_t sent[512];
	size_t sent_len, installed;
	double octets, took[2][ROUNDS]; /* without, with sockets */
};

/* One association: from where PCTDs are sent to where CTDRs are. */
static struct wire {
	struct loop *loop;
	struct sctp *ends[2];
	struct sctp_peer *peers[2];
	bool arrived;
} wire;

static struct world *now_in; /* features have no argument of their own */
static uint32_t seq = 1;

static struct in6_addr address(uint32_t i)
{
	struct in6_addr a = { .s6_addr = { 0x20, 0x01, 0x0d, 0xb8 } };
	uint64_t iid = (uint64_t)(i + 1) * 0x9e3779b97f4a7c15ULL; /* spread as interface identifiers are */
	memcpy(a.s6_addr + 8, &iid, sizeof iid);
	return a;
}

static struct in6_addr second_address(uint32_t i)
{
	struct in6_addr a = address(i);
	a.s6_addr[0] = 0xfe;
	a.s6_addr[1] = 0x80;
	return a;
}

static struct in6_addr group(uint32_t i)
{
	return (struct in6_addr){ .s6_addr = { 0xff, 0x3e, [12] = 0x80, [15] = (uint8_t)(i % GROUPS) } };
}

static struct lladdr lladdr(uint32_t i)
{
	return (struct lladdr){ .len = 6, .octet = { 2, 0, (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i } };
}

/* ---- contexts: what the tables have ---- */

struct collecting {
	feature_emit_fn *emit;
	void *arg;
};

static bool emit_binding(struct binding *b, void *arg)
{
	const struct collecting *c = arg;
	return c->emit(&b->addr, sizeof b->addr, c->arg);
}

static int collect_bindings(struct core *core, const struct feature_subject *s, feature_emit_fn *emit, void *arg)
{
	struct collecting c = { emit, arg };
	binding_each_of(now_in->bindings, s->ifindex, &s->lladdr, emit_binding, &c);
	return 0;
}

static uint8_t install_binding(struct core *core, const struct feature_subject *s, const uint8_t *data, size_t len)
{
	struct in6_addr a;
	memcpy(&a, data, sizeof a);
	now_in->installed++;
	return binding_put(now_in->bindings, s->ifindex, &a, &s->lladdr) ? FEATURE_OK : FEATURE_NO_RESOURCES;
}

static bool emit_group(const struct gmp_member *m, void *arg)
{
	const struct collecting *c = arg;
	return c->emit(&m->group, sizeof m->group, c->arg);
}

static int collect_groups(struct core *core, const struct feature_subject *s, feature_emit_fn *emit, void *arg)
{
	struct collecting c = { emit, arg };
	gmp_track_each_of(now_in->groups, s->ifindex, &s->lladdr, emit_group, &c);
	return 0;
}

static uint8_t install_group(struct core *core, const struct feature_subject *s, const uint8_t *data, size_t len)
{
	struct in6_addr g;
	memcpy(&g, data, sizeof g);
	now_in->installed++;
	return gmp_track_install(now_in->groups, s->ifindex, &s->lladdr, &s->previous, &g, &source_filter_all) ? FEATURE_FAILED
	                                                                                                       : FEATURE_OK;
}

static const struct feature features_here[] = {
	{ .fpt = 1, .name = "groups", .collect = collect_groups, .install = install_group },
	{ .fpt = 2, .name = "bindings", .collect = collect_bindings, .install = install_binding },
};

static bool no_query(int ifindex, const struct gmp_query *q, void *arg)
{
	return true;
}

static void no_forward(int ifindex, const struct in6_addr *g, const struct source_filter *f, void *arg)
{
}

static const struct gmp_ops gmp_ops = { .query = no_query, .forward = no_forward };

/* ---- the machines ---- */

static struct feature_subject subject(struct world *w, const struct in6_addr *pcoa, const struct in6_addr *addr)
{
	struct feature_subject s = { .previous = *pcoa, .addr = *addr };
	const struct mobile *m = mobile_find(w->mobiles, addr);
	if (m) {
		s.ifindex = m->ifindex;
		s.lladdr = m->lladdr;
	}
	return s;
}

static int note_message(const struct in6_addr *peer, const void *msg, size_t len, void *arg)
{
	struct world *w = arg;
	if (len > sizeof w->sent)
		abort();
	memcpy(w->sent, msg, len);
	w->sent_len = len;
	return 0;
}

static void answer(const struct cxtp_link *to, const void *msg, size_t len, void *arg)
{
}

static bool par_neighbor(const struct in6_addr *router, struct in6_addr *out, void *arg)
{
	*out = ((struct world *)arg)->neighbor;
	return true;
}

static bool nar_neighbor(const struct in6_addr *router, const struct in6_addr *pcoa, struct in6_addr *out, void *arg)
{
	return par_neighbor(router, out, arg);
}

static bool may_push(const struct in6_addr *peer, const struct in6_addr *pcoa, void *arg)
{
	return true;
}

static bool expected(const struct in6_addr *pcoa, struct in6_addr *ncoa, void *arg)
{
	return false;
}

static const struct secret *master(const struct in6_addr *pcoa, void *arg)
{
	return ((struct world *)arg)->master;
}

static size_t own(const struct in6_addr *pcoa, struct in6_addr *out, size_t max, void *arg)
{
	*out = ((struct world *)arg)->router;
	return 1;
}

static void collect(const struct in6_addr *pcoa, const struct in6_addr *nar, const struct in6_addr *router, const uint8_t *request,
                    size_t len, struct wr *out, void *arg)
{
	struct feature_subject s = subject(arg, pcoa, pcoa);
	cxtp_collect(NULL, &s, request, len, out);
}

static void install(const struct in6_addr *pcoa, const struct cxtp_link *link, const uint8_t *blocks, size_t blocks_len,
                    const uint8_t *request, size_t len, struct cxtp_contexts *out, void *arg)
{
	struct feature_subject s = subject(arg, pcoa, &link->peer);
	cxtp_install(NULL, &s, blocks, blocks_len, request, len, out);
}

static void forget(const struct in6_addr *pcoa, void *arg)
{
}

static bool not_called(const struct in6_addr *nar, const struct in6_addr *pcoa, struct in6_addr *router, void *arg)
{
	return false;
}

static void ignore_arrival(const struct in6_addr *addr, const struct in6_addr *router, uint32_t number, void *arg)
{
}

static uint32_t any_random(void *arg)
{
	return (uint32_t)random();
}

static void done(const struct in6_addr *pcoa, const struct in6_addr *addr, bool complete, void *arg)
{
}

static void mark(const struct in6_addr *pcoa, enum handover_step step, usec_t at, void *arg)
{
}

static void context(const struct in6_addr *pcoa, uint16_t fpt, uint8_t status, void *arg)
{
}

static void end(const struct in6_addr *pcoa, const struct in6_addr *peer, enum handover_result r, const char *reason, void *arg)
{
}

static const struct cxtp_par_ops par_ops = {
	.send = note_message, .answer = answer, .neighbor = par_neighbor, .called = not_called, .master = master, .own = own, .collect = collect, .forget = forget,
	.random = any_random, .mark = mark, .context = context, .end = end,
};
static const struct cxtp_nar_ops nar_ops = {
	.send = note_message, .answer = answer, .neighbor = nar_neighbor, .may_push = may_push, .expected = expected, .install = install,
	.random = any_random, .arrived = ignore_arrival, .done = done, .mark = mark, .context = context, .end = end,
};

/* ---- a world ---- */

static void populate(struct world *w)
{
	for (uint32_t i = 0; i < w->n; i++) {
		struct in6_addr a = address(i), b = second_address(i), g = group(i);
		struct lladdr l = lladdr(i);
		struct mobile *m = mobile_get(w->mobiles, &a);
		if (!m || mobile_add_addr(w->mobiles, m, &b) || mobile_set_link(w->mobiles, m, IFINDEX, &l) ||
		    !binding_put(w->bindings, IFINDEX, &a, &l) || !binding_put(w->bindings, IFINDEX, &b, &l) ||
		    gmp_track_install(w->groups, IFINDEX, &l, &a, &g, &source_filter_all))
			abort();
	}
}

static size_t allocated(void)
{
	struct mallinfo2 m = mallinfo2();
	return m.uordblks + m.hblkhd;
}

static void world_open(struct world *w, uint32_t n)
{
	*w = (struct world){ .n = n, .router = address(UINT32_MAX - 1), .neighbor = address(UINT32_MAX - 2) };
	w->params = (struct cxtp_params){ .request_rate = 1000000, .max_transfer_time = 200 * USEC_MSEC, .request_retry = 500 * USEC_MSEC,
		                          .retry_max = 15 * USEC_SEC, .sequence_reuse = 7 * USEC_SEC, .context_lifetime = 10 * USEC_SEC,
		                          .replay_window = 3600 * USEC_SEC, .transfers = 4096, .memory = 16 << 20 };
	const struct gmp_params groups = { .robustness = 2, .query_interval = 125 * USEC_SEC, .response_interval = 10 * USEC_SEC,
		                           .last_listener_interval = USEC_SEC, .igmp_version = 3, .mld_version = 2,
		                           .groups = GROUPS, .listeners = n, .groups_per_mobile = 16, .sources = 8 };
	struct in6_addr link_local = second_address(UINT32_MAX - 1);
	w->loop = loop_create_virtual(1000 * USEC_SEC);
	cxtp_rate_init(&w->rate, w->params.request_rate);
	w->par = cxtp_par_create(w->loop, &w->params, &w->rate, &par_ops, w);
	w->nar = cxtp_nar_create(w->loop, &w->params, &w->rate, &nar_ops, w);
	w->groups = gmp_track_create(w->loop, &groups, &gmp_ops, w);
	w->mobiles = mobiles_create(NULL, n);
	w->bindings = binding_table_create((size_t)n * 2);
	if (!w->par || !w->nar || !w->groups || !w->mobiles || !w->bindings || secret_parse("text:an octet string", &w->master) ||
	    gmp_track_interface(w->groups, IFINDEX, false, &link_local))
		abort();
	size_t before = allocated();
	populate(w);
	w->octets = (double)(allocated() - before) / n;
}

static void world_close(struct world *w)
{
	cxtp_par_destroy(w->par);
	cxtp_nar_destroy(w->nar);
	gmp_track_destroy(w->groups);
	mobiles_destroy(w->mobiles);
	binding_table_destroy(w->bindings);
	secret_unref(w->master);
	loop_destroy(w->loop);
}

/* ---- transactions ---- */

static void parse_sent(const struct world *w, enum cxtp_type want, struct cxtp_message *m)
{
	if (cxtp_parse(w->sent, w->sent_len, m) != CXTP_OK || m->type != want) {
		fprintf(stderr, "scale_bench: no %s\n", cxtp_type_name(want));
		exit(1);
	}
}

/* The mobile's own work is not the router's: its CTARs are made before. */
static void make_ctar(struct world *w, uint32_t i, struct cxtp_message *m)
{
	uint8_t key[CXTP_KEY_LEN];
	*m = (struct cxtp_message){ .type = CXTP_CTAR, .mobile = address(i), .router = w->neighbor, .seq = ++seq };
	if (cxtp_key(w->master, &m->mobile, &w->router, m->seq, key) ||
	    cxtp_token(key, sizeof key, &m->mobile, m->seq, NULL, 0, &m->token))
		abort();
}

/* ---- over SCTP ---- */

static bool admit(const struct in6_addr *addr, void *arg)
{
	return true;
}

static void on_message(struct sctp_peer *p, uint32_t ppid, const uint8_t *data, size_t len, void *arg)
{
	note_message(NULL, data, len, now_in);
	wire.arrived = true;
}

static bool wait_for(const bool *what)
{
	for (double start = bench_now_us(); !*what && bench_now_us() - start < 5e6;)
		loop_once(wire.loop, 100 * USEC_MSEC);
	return *what;
}

static void wire_open(void)
{
	static const struct sctp_ops ops = { .admit = admit, .message = on_message };
	struct sctp_config cfg = { .backend = SCTP_USRSCTP, .port = CXTP_PORT, .udp_port = UDP_PORT, .rto_min = 20 * USEC_MSEC,
		.rto_initial = 100 * USEC_MSEC, .rto_max = USEC_SEC, .heartbeat = 5 * USEC_SEC, .max_message = 65535, .max_peers = 2,
		.queue_limit = 1 << 20, .retry_min = 100 * USEC_MSEC, .retry_max = USEC_SEC };
	struct in6_addr at[2];
	addr_parse("127.0.0.1", &at[0]);
	addr_parse("127.0.0.2", &at[1]);
	wire.loop = loop_create();
	for (int i = 0; i < 2; i++) {
		cfg.local = at[i];
		wire.ends[i] = wire.loop ? sctp_open(wire.loop, &cfg, &ops, NULL) : NULL;
		if (!wire.ends[i])
			exit(1);
	}
	for (int i = 0; i < 2; i++)
		wire.peers[i] = sctp_connect(wire.ends[i], &at[1 - i], CXTP_PORT, UDP_PORT);
	for (double start = bench_now_us(); !sctp_peer_up(wire.peers[0]) || !sctp_peer_up(wire.peers[1]);) {
		if (bench_now_us() - start > 10e6)
			exit(1);
		loop_once(wire.loop, 100 * USEC_MSEC);
	}
}

static void wire_close(void)
{
	for (int i = 0; i < 2; i++)
		sctp_close(wire.ends[i]);
	loop_destroy(wire.loop);
}

/* What was sent goes over the wire, and comes back into the same place. */
static void carry(struct world *w, int from)
{
	wire.arrived = false;
	if (sctp_send(wire.peers[from], CXTP_PPID, w->sent, w->sent_len, w->params.max_transfer_time) < 0 || !wait_for(&wire.arrived)) {
		fprintf(stderr, "scale_bench: a message did not arrive\n");
		exit(1);
	}
}

static void transact(struct world *w, const struct cxtp_message *ctar, const struct in6_addr *second, bool sockets)
{
	struct cxtp_link here = { .peer = ctar->mobile, .local = w->router, .ifindex = IFINDEX };
	struct cxtp_message m;
	cxtp_par_ctar(w->par, &here, ctar);
	if (sockets)
		carry(w, 0);
	parse_sent(w, CXTP_PCTD, &m);
	uint8_t blocks[512], key[CXTP_KEY_LEN]; /* the message is overwritten by the next */
	memcpy(blocks, m.blocks, m.blocks_len);
	memcpy(key, m.key, m.key_len);
	m.blocks = blocks;
	m.key = key;
	cxtp_nar_message(w->nar, &w->neighbor, &m);
	here.peer = *second;
	cxtp_nar_ctar(w->nar, &here, ctar);
	if (sockets)
		carry(w, 1);
	parse_sent(w, CXTP_CTDR, &m);
	cxtp_par_message(w->par, &w->neighbor, &m);
	loop_advance(w->loop, loop_now(w->loop) + PACE);
}

static double run(struct world *w, bool sockets)
{
	static struct cxtp_message ctars[COUNT];
	static struct in6_addr seconds[COUNT];
	now_in = w;
	for (int i = 0; i < COUNT; i++) {
		uint32_t mobile = (uint32_t)random() % w->n;
		make_ctar(w, mobile, &ctars[i]);
		seconds[i] = second_address(mobile);
	}
	w->installed = 0;
	double start = bench_now_us();
	for (int i = 0; i < COUNT; i++)
		transact(w, &ctars[i], &seconds[i], sockets);
	double took = bench_now_us() - start;
	if (w->installed != 3 * COUNT) {
		fprintf(stderr, "scale_bench: %zu contexts put in force, not %d\n", w->installed, 3 * COUNT);
		exit(1);
	}
	return took / COUNT;
}

static void print(const struct world *w, const struct world *floor)
{
	printf("{\"mobiles\": %u, \"octets_per_mobile\": %.0f", w->n, w->octets);
	for (int k = 0; k < 2; k++) {
		double took[ROUNDS], ratios[ROUNDS];
		for (int r = 0; r < ROUNDS; r++) {
			took[r] = w->took[k][r];
			ratios[r] = w->took[k][r] / floor->took[k][r];
		}
		printf(", \"%s_us\": %.2f, \"%s_ratio\": %.2f", k ? "sctp" : "machines", bench_median(took, ROUNDS), k ? "sctp" : "machines",
		       bench_median(ratios, ROUNDS));
	}
	printf("}");
}

int main(int argc, char **argv)
{
	static struct world worlds[SIZES_MAX];
	uint32_t sizes[SIZES_MAX] = { 1000, 1000000 };
	int n = 2;
	if (argc > 1)
		for (n = 0; n < SIZES_MAX && n + 1 < argc; n++)
			sizes[n] = (uint32_t)strtoul(argv[n + 1], NULL, 10);
	log_level_set(LOG_LEVEL_ERROR);
	wire_open();
	for (int i = 0; i < 2; i++)
		feature_register(&features_here[i]);
	for (int i = 0; i < n; i++)
		world_open(&worlds[i], sizes[i]);
	for (int r = 0; r < ROUNDS; r++)
		for (int i = 0; i < 2 * n; i++)
			worlds[i % n].took[i / n][r] = run(&worlds[i % n], i >= n);
	printf("[");
	for (int i = 0; i < n; i++) {
		printf(i ? ", " : "");
		print(&worlds[i], &worlds[0]);
	}
	printf("]\n");
	for (int i = 0; i < n; i++)
		world_close(&worlds[i]);
	for (int i = 0; i < 2; i++)
		feature_unregister(&features_here[i]);
	wire_close();
	return 0;
}
