/*
 * The mobile's two machines for Mobile IPv6, its binding and its detector of movements, driven by any octets: links, routers, words of a
 * fast handover, acknowledgements of any content, errors, lost links, reloads and time. What must hold: Binding Updates are right in
 * shape, three a second at most, from where the mobile is, and none without a link; nobody is asked without a carrier; and with a home
 * agent that answers all settles.
 */
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "mip6/mip6_link.h"
#include "mip6/mip6_mn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	struct loop *loop;
	struct mip6_mn *mn;
	struct mip6_link *link;
	struct mip6_mn_params p;
	bool keyed, down, away, carrier, tunnelled;
	struct in6_addr coa, agent;
	unsigned agents; /* home agents known; the machine is told of them in turn */
	usec_t sent[3];
	unsigned n;
	uint16_t seq;
	uint64_t stamp;
	bool fresh; /* a Binding Update that nobody has answered */
} w;

static void must(bool ok)
{
	if (!ok)
		abort();
}

static struct in6_addr at(uint8_t net, uint8_t host)
{
	return (struct in6_addr){ .s6_addr = { 0x20, 1, 0xd, 0xb8, [5] = net, [15] = host } };
}

/* ---- the binding ---- */

static bool op_key(void *arg, struct mip6_key *out)
{
	memset(out, 1, sizeof *out);
	return w.keyed;
}

static void op_send(void *arg, const struct in6_addr *coa, bool at_home, const void *data, size_t len)
{
	struct bu u;
	usec_t now = loop_now(w.loop);
	must(!w.down && bu_parse(data, len, &u) == 0 && (u.flags & BU_HOME) && (u.flags & BU_ACK));
	must(at_home == !w.away && addr_eq(coa, at_home ? &w.p.home : &w.coa) && addr_eq(&u.o.alt_coa, coa) && at_home == (u.lifetime == 0));
	must(!w.n || mip6_seq_newer(u.seq, w.seq) || !w.fresh);
	must(w.n < 3 || now >= w.sent[w.n % 3] + USEC_SEC);
	w.sent[w.n++ % 3] = now;
	w.seq = u.seq;
	w.stamp = u.o.timestamp;
	w.fresh = true;
}

static void op_tunnel(void *arg, const struct in6_addr *coa)
{
	must(w.away && addr_eq(coa, &w.coa));
	w.tunnelled = true;
}

static void op_native(void *arg)
{
	must(!w.away);
	w.tunnelled = false;
}

static void op_claim(void *arg)
{
	must(!w.away && !w.tunnelled);
}

static void op_sent(void *arg, bool refresh, usec_t when)
{
	must(w.fresh);
}

static void op_event(void *arg, enum mip6_mn_event e, uint8_t status, usec_t when)
{
	must((e == MIP6_MN_DENIED) <= (status >= BA_REFUSED));
}

static bool op_next(void *arg, struct in6_addr *agent)
{
	if (w.agents < 2)
		return false;
	w.agent.s6_addr[15] = w.agent.s6_addr[15] == 1 ? 2 : 1;
	*agent = w.agent;
	return true;
}

static const struct mip6_mn_ops mn_ops = { .key = op_key, .send = op_send, .tunnel = op_tunnel, .native = op_native, .claim = op_claim,
	.sent = op_sent, .event = op_event, .next = op_next };

/* An acknowledgement as the home agent would write it, but for what the octets have otherwise. */
static void acknowledge(uint8_t a, uint8_t b, uint8_t c)
{
	uint8_t out[MIP6_MESSAGE_MAX];
	struct in6_addr agent = w.agent, coa = w.away ? w.coa : w.p.home;
	struct mip6_key key;
	static const uint8_t statuses[] = { 0, 1, 128, 129, 133, 134, 135, 144 };
	struct ba m = { .status = statuses[a & 7], .seq = (uint16_t)(w.seq + (int8_t)(c & 0x40 ? c >> 3 : 0) - (c & 7)), .lifetime = b };
	m.o.refresh = c >> 6;
	m.o.has_timestamp = w.p.timestamps;
	m.o.timestamp = w.stamp + ((uint64_t)(a & 8) << 32);
	m.o.auth = (struct mip6_auth){ .present = w.keyed && !(a & 0x80), .spi = 256 };
	int n = ba_pack(&m, out, sizeof out);
	must(n > 0);
	op_key(NULL, &key);
	if (m.o.auth.present)
		mip6_auth_sign(&key, &coa, &w.p.home, out, (size_t)n);
	agent.s6_addr[15] = (uint8_t)(agent.s6_addr[15] ^ (a >> 6 & 1) << 6);
	if (m.status == BA_SEQUENCE || m.status == BA_ID_MISMATCH)
		w.fresh = false;
	mip6_mn_ba(w.mn, &agent, out, (size_t)n, loop_now(w.loop));
}

static void away(uint8_t a, uint8_t b)
{
	w.away = true;
	w.down = false;
	w.coa = at(2 + (a & 1), 5);
	usec_t until = b & 0x80 ? UINT64_MAX : loop_now(w.loop) + b * USEC_SEC;
	mip6_mn_away(w.mn, &w.coa, until, a & 2 ? MIP6_WAY_ALIVE : a & 4 ? MIP6_WAY_CARRIED : MIP6_WAY_GONE);
}

static void home(void)
{
	w.away = w.down = false;
	mip6_mn_home(w.mn);
}

static void error(uint8_t a)
{
	uint8_t out[MIP6_MESSAGE_MAX];
	struct be m = { .status = a & 3, .home = w.p.home };
	int n = be_pack(&m, out, sizeof out);
	if (a & 0x40) {
		w.agent = at(1, 1 + (a & 1));
		mip6_mn_agent(w.mn, &w.agent);
	} else if (a & 0x80)
		mip6_mn_unknown_header(w.mn, loop_now(w.loop));
	else if (n > 0)
		mip6_mn_be(w.mn, &w.agent, out, (size_t)n, loop_now(w.loop));
}

/* ---- the detector ---- */

static void op_solicit(void *arg)
{
	must(w.carrier);
}

static void op_probe(void *arg, const struct mip6_place *p)
{
	must(w.carrier && !addr_is_zero(&p->router));
}

static bool op_home(void *arg, const struct mip6_place *p)
{
	return p->n && p->prefixes[0].prefix.addr.s6_addr[5] == 1;
}

static void op_settled(void *arg, const struct mip6_place *p, enum mip6_link_word word, usec_t when)
{
	must(w.carrier && p->n && !addr_is_zero(&p->router));
}

static const struct mip6_link_ops link_ops = { .solicit = op_solicit, .probe = op_probe, .home = op_home, .settled = op_settled };

static void advertised(uint8_t a, uint8_t b)
{
	struct nd_ra ra = { .lifetime = (uint16_t)(a & 0x70), .interval = b & 0x80 ? (uint32_t)(b & 0x7f) * 20 : 0, .n = b & 3 };
	struct in6_addr src = { .s6_addr = { 0xfe, 0x80, [15] = a & 3 } };
	src.s6_addr[15]++;
	for (size_t i = 0; i < ra.n; i++) {
		struct in6_addr net = at((uint8_t)(1 + ((b >> 2) + i) % 4), 0);
		ra.prefixes[i].prefix = prefix_of(&net, b & 0x40 ? 48 : 64);
		ra.prefixes[i].valid = ra.prefixes[i].preferred = 7200;
	}
	mip6_link_ra(w.link, &src, &ra, loop_now(w.loop));
}

static void detector(uint8_t a, uint8_t b)
{
	struct in6_addr net = at(1 + (b & 3), 0), target = { .s6_addr = { 0xfe, 0x80, [15] = (uint8_t)((b & 3) + 1) } };
	struct prefix link = prefix_of(&net, 64);
	switch (a % 8) {
	case 0:
		w.carrier = false;
		mip6_link_down(w.link);
		break;
	case 1:
		w.carrier = true;
		mip6_link_up(w.link, b & 1);
		break;
	case 2:
		mip6_link_hint(w.link);
		break;
	case 3:
		mip6_link_na(w.link, &target, loop_now(w.loop));
		break;
	case 4:
		if (w.carrier)
			mip6_link_told(w.link, &link, loop_now(w.loop));
		break;
	case 5:
		mip6_link_not_told(w.link, loop_now(w.loop));
		break;
	default:
		advertised(a, b);
		break;
	}
	must((mip6_link_state(w.link) == MIP6_LINK_DOWN) == !w.carrier);
	must(mip6_link_state(w.link) != MIP6_LINK_SETTLED || mip6_link_place(w.link));
}

/* ---- both ---- */

static void pass(usec_t time)
{
	loop_advance(w.loop, loop_now(w.loop) + time);
}

static void one(struct rd *r, uint8_t what)
{
	uint8_t a = 0, b = 0, c = 0;
	(void)(rd_u8(r, &a) && rd_u8(r, &b));
	switch (what % 12) {
	case 0: case 1:
		away(a, b);
		break;
	case 2:
		home();
		break;
	case 3:
		w.down = true;
		mip6_mn_down(w.mn);
		break;
	case 4:
		mip6_mn_way_gone(w.mn);
		break;
	case 5: case 6:
		rd_u8(r, &c);
		acknowledge(a, b, c);
		break;
	case 7:
		error(a);
		break;
	case 8:
		pass(a * 20 * USEC_MSEC);
		break;
	case 9:
		pass(a * USEC_SEC);
		break;
	default:
		detector(a, b);
		break;
	}
}

/* Another home agent than the one that said that the address is another's, if it said so: it answers whatever comes. */
static void settles(void)
{
	if (w.away)
		away(w.coa.s6_addr[5] & 1, 0x80);
	else
		home();
	for (unsigned i = 0; i < 700 && mip6_mn_view(w.mn).state != (w.away ? MIP6_MN_REGISTERED : MIP6_MN_HOME); i++) {
		if (w.fresh && mip6_mn_view(w.mn).tries)
			acknowledge(0, w.away ? 100 : 0, 0);
		pass(USEC_SEC);
	}
	struct mip6_mn_view v = mip6_mn_view(w.mn);
	must(v.state == (w.away ? MIP6_MN_REGISTERED : MIP6_MN_HOME) && w.tunnelled == w.away);
	must(addr_eq(&v.registered, w.away ? &w.coa : &in6addr_any));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mip6_link_params link = { .solicit_interval = 4 * USEC_SEC, .probe_timeout = 200 * USEC_MSEC,
		.fast_wait = 300 * USEC_MSEC };
	struct rd r = rd_make(data, size);
	uint8_t how = 0, what;
	bool burnt = false;
	memset(&w, 0, sizeof w);
	log_level_set(LOG_LEVEL_ERROR);
	rd_u8(&r, &how);
	w.keyed = how & 1;
	w.p = (struct mip6_mn_params){ .home = at(1, 5), .agent = at(1, 1), .lifetime = 600 * USEC_SEC,
		.first_timeout = 1500 * USEC_MSEC, .link_local = how & 2, .timestamps = (how & 5) == 5, .spi = 256 };
	w.agent = w.p.agent;
	w.agents = how & 8 ? 2 : 1;
	w.loop = loop_create_virtual(100 * USEC_SEC);
	w.mn = mip6_mn_create(w.loop, &w.p, &mn_ops, NULL);
	w.link = mip6_link_create(w.loop, &link, &link_ops, NULL);
	while (rd_u8(&r, &what)) {
		one(&r, what);
		struct mip6_mn_view v = mip6_mn_view(w.mn);
		burnt |= v.state == MIP6_MN_REFUSED && v.status == BA_DAD_FAILED;
	}
	if (!burnt)
		settles();
	mip6_mn_destroy(w.mn);
	mip6_link_destroy(w.link);
	must(loop_next_due(w.loop) == UINT64_MAX);
	loop_destroy(w.loop);
	return 0;
}
