/*
 * Any order of Binding Updates, claims, lost prefixes and time to the home agent's machine. Octets choose; the messages are right in
 * shape, for those that are not have a target of their own. What it sets up it takes down, once.
 */
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "mip6/mip6_ha.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOMES 8

static struct {
	struct loop *loop;
	bool probing[HOMES], proxied[HOMES], tunnelled[HOMES];
	bool no_link, no_tunnel;
	struct in6_addr coa[HOMES];
	usec_t valid;
} w;

static struct in6_addr at(uint8_t net, uint8_t host)
{
	return (struct in6_addr){ .s6_addr = { 0x20, 1, 0xd, 0xb8, [5] = net, [15] = host } };
}

static void must(bool ok)
{
	if (!ok)
		abort();
}

static bool op_key(void *arg, const struct in6_addr *a, struct mip6_key *out)
{
	memset(out, 1, sizeof *out);
	return true;
}

static bool op_home_link(void *arg, const struct in6_addr *a, struct ha_link *out)
{
	*out = (struct ha_link){ .ifindex = 1, .valid = 1000 * USEC_SEC, .preferred = 500 * USEC_SEC };
	return !w.no_link && a->s6_addr[5] == 1;
}

static bool op_is_own(void *arg, const struct in6_addr *a)
{
	return a->s6_addr[5] == 1 && a->s6_addr[15] == 0xff;
}

static uint64_t op_clock(void *arg)
{
	return loop_now(w.loop) << 12;
}

static void turn(bool *what, const struct in6_addr *a, bool on)
{
	if (addr_is_link_local(a))
		return;
	must(what[a->s6_addr[15] % HOMES] != on);
	what[a->s6_addr[15] % HOMES] = on;
}

static void op_probe(void *arg, int ifindex, const struct in6_addr *a, bool on)
{
	turn(w.probing, a, on);
}

static void op_proxy(void *arg, int ifindex, const struct in6_addr *a, bool on)
{
	must(!on || w.tunnelled[a->s6_addr[15] % HOMES]);
	turn(w.proxied, a, on);
}

static void op_advertise(void *arg, int ifindex, const struct in6_addr *a)
{
	must(w.proxied[a->s6_addr[15] % HOMES]);
}

static int op_tunnel(void *arg, const struct in6_addr *a, const struct in6_addr *agent, const struct in6_addr *coa,
                     const struct in6_addr *before)
{
	must(!addr_eq(coa, before));
	if (w.no_tunnel)
		return -1;
	w.tunnelled[a->s6_addr[15] % HOMES] = true;
	return 0;
}

static void op_tunnel_only(void *arg, const struct in6_addr *a)
{
	must(w.tunnelled[a->s6_addr[15] % HOMES]);
}

static void op_untunnel(void *arg, const struct in6_addr *a, int ifindex, const struct lladdr *here)
{
	must(!w.proxied[a->s6_addr[15] % HOMES]);
	turn(w.tunnelled, a, false);
}

static void op_send(void *arg, const struct ha_way *way, const uint8_t *data, size_t len)
{
	struct ba ba;
	struct be be;
	must(ba_parse(data, len, &ba) == 0 || be_parse(data, len, &be) == 0);
}

static size_t op_prefixes(void *arg, int ifindex, struct ha_prefix *out, size_t max)
{
	out[0] = (struct ha_prefix){ .prefix = { at(1, 0), 64 }, .valid = w.valid, .preferred = w.valid / 2 };
	return 1;
}

static void op_send_prefixes(void *arg, const struct ha_way *way, const uint8_t *data, size_t len)
{
	must(w.tunnelled[way->home.s6_addr[15] % HOMES] && len == 40 && data[0] == 147);
}

static const struct ha_ops ops = {
	.key = op_key, .home_link = op_home_link, .is_own = op_is_own, .clock = op_clock, .probe = op_probe, .proxy = op_proxy,
	.advertise = op_advertise, .tunnel = op_tunnel, .tunnel_only = op_tunnel_only, .untunnel = op_untunnel, .send = op_send,
	.prefixes = op_prefixes, .send_prefixes = op_send_prefixes,
};

/* A Binding Update as three octets have it. */
static void update(struct mip6_ha *h, uint8_t a, uint8_t b, uint8_t c, bool secure)
{
	uint8_t out[MIP6_MESSAGE_MAX];
	struct in6_addr home = at(1, a % HOMES), coa = c & 1 ? home : at(2 - (c >> 7), c >> 4 & 7);
	struct bu m = { .seq = b, .flags = (uint8_t)(BU_HOME | (a & BU_LINK_LOCAL)), .lifetime = a >> 6 };
	struct mip6_key key;
	op_key(NULL, &home, &key);
	if (secure)
		m.o = (struct mip6_options){ .has_timestamp = c & 2, .timestamp = op_clock(NULL) - b, .auth = { .present = c & 4, .spi = 256 } };
	int n = bu_pack(&m, out, sizeof out);
	must(n > 0);
	if (m.o.auth.present)
		mip6_auth_sign(&key, &coa, &home, out, (size_t)n);
	struct mip6_in in = { .src = coa, .dst = at(1, 0xff), .ifindex = 1, .from = { .len = 6 }, .data = out, .len = (size_t)n };
	if (!(c & 1))
		in.home = home;
	ha_receive(h, &in);
}

static void solicit(struct mip6_ha *h, const struct in6_addr *home, uint8_t c)
{
	static const uint8_t mps[] = { 146, 0, 0, 0, 0, 1, 0, 0 };
	struct mip6_in in = { .src = at(2 - (c >> 7), c >> 4 & 7), .dst = at(1, 0xff), .home = *home, .ifindex = 1, .data = mps,
		.len = sizeof mps };
	ha_solicited(h, &in);
}

static void one(struct mip6_ha *h, struct rd *r, uint8_t what, bool secure)
{
	uint8_t a = 0, b = 0, c = 0;
	(void)(rd_u8(r, &a) && rd_u8(r, &b) && rd_u8(r, &c));
	struct in6_addr home = at(1, a % HOMES);
	struct lladdr who = { .len = 6 };
	switch (what % 8) {
	default:
		update(h, a, b, c, secure);
		break;
	case 4:
		loop_advance(w.loop, loop_now(w.loop) + (usec_t)a * 100 * USEC_MSEC);
		break;
	case 5:
		if (c & 1)
			memcpy(home.s6_addr, (const uint8_t[8]){ 0xfe, 0x80 }, 8);
		ha_claimed(h, 1, &home, &who, b & 1);
		break;
	case 6:
		w.no_link = a & 1;
		w.valid = b * USEC_SEC;
		ha_links_changed(h);
		break;
	case 7:
		w.no_tunnel = a & 1;
		if (b & 1)
			solicit(h, &home, c);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd r = rd_make(data, size);
	struct mip6_params params;
	uint8_t what, how = 0;
	memset(&w, 0, sizeof w);
	log_level_set(LOG_LEVEL_ERROR);
	mip6_params_default(&params);
	w.loop = loop_create_virtual(100 * USEC_SEC);
	rd_u8(&r, &how);
	params.auth = how & 1 ? MIP6_AUTH_RFC4285 : MIP6_AUTH_NONE;
	params.replay = how >> 1 & 1;
	params.dad = how & 4 ? 0 : USEC_SEC;
	params.prefixes = how & 32;
	params.prefix_min = params.prefix_max = USEC_SEC;
	params.overlap = how & 8 ? 0 : USEC_SEC;
	params.bindings = how & 16 ? 2 : HOMES;
	struct mip6_ha *h = ha_create(w.loop, &params, &ops, NULL);
	while (rd_u8(&r, &what))
		one(h, &r, what, how & 1);
	ha_destroy(h);
	for (int i = 0; i < HOMES; i++)
		must(!w.probing[i] && !w.proxied[i] && !w.tunnelled[i]);
	must(mip6_counters[MIP6_BINDINGS].value == 0 && loop_next_due(w.loop) == UINT64_MAX);
	loop_destroy(w.loop);
	return 0;
}
