/*
 * The home agent's machine, sentence by sentence of RFC 6275 §9.5 and §10 and of RFC 4285, under a virtual clock. What it does is
 * written down as words, one for each action, and compared whole: so is their order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mip6/mip6_ha.h"

#define SEC USEC_SEC
#define MSEC USEC_MSEC
#define HOME_LINK 3
#define NTP_START (UINT64_C(4000000000) << 32)

enum { HOME = 5, OTHER = 6, AGENT = 1 };              /* of the home link, 2001:db8:1::/64 */
enum { COA = 0x10, COA2 = 0x11, AGENT_THERE = 0x01 }; /* of another, 2001:db8:2::/64 */
#define LLADDR_MOBILE ((struct lladdr){ .len = 6, .octet = { 2, 0, 0, 0, 0, 9 } })

static struct {
	struct loop *loop;
	struct mip6_params params;
	struct mip6_ha *ha;
	char did[1024];        /* since the last look */
	struct ha_way way;     /* of the last message */
	struct ba ba;          /* and the message, if it was an acknowledgement */
	uint8_t message[MIP6_MESSAGE_MAX];
	struct be be;
	struct ha_link link;
	bool no_link, no_tunnel, no_key;
	uint64_t clock_ahead; /* of the home agent's clock, in NTP's form */
} w;

static struct in6_addr net(uint8_t n, uint8_t host)
{
	return (struct in6_addr){ .s6_addr = { 0x20, 1, 0xd, 0xb8, [5] = n, [15] = host } };
}

static struct in6_addr home(void)
{
	return net(1, HOME);
}

static struct in6_addr coa(uint8_t host)
{
	return net(2, host);
}

static const char *name(const struct in6_addr *a)
{
	static char text[4][8];
	static unsigned at;
	char *t = text[at++ % 4];
	bool local = a->s6_addr[0] == 0xfe;
	snprintf(t, sizeof *text, "%s%u.%x", local ? "l" : "", local ? 0U : a->s6_addr[5], a->s6_addr[15]);
	return t;
}

__attribute__((format(printf, 1, 2))) static void did(const char *fmt, ...)
{
	va_list ap;
	size_t at = strlen(w.did);
	va_start(ap, fmt);
	vsnprintf(w.did + at, sizeof w.did - at, fmt, ap);
	va_end(ap);
	at = strlen(w.did);
	snprintf(w.did + at, sizeof w.did - at, "; ");
}

/* ---- what the machine stands on ---- */

static bool op_key(void *arg, const struct in6_addr *a, struct mip6_key *out)
{
	memset(out, a->s6_addr[15], sizeof *out);
	return !w.no_key;
}

static bool op_home_link(void *arg, const struct in6_addr *a, struct ha_link *out)
{
	*out = w.link;
	return !w.no_link && a->s6_addr[5] == 1;
}

static bool op_is_own(void *arg, const struct in6_addr *a)
{
	return (a->s6_addr[5] == 1 && a->s6_addr[15] == AGENT) || (a->s6_addr[5] == 2 && a->s6_addr[15] == AGENT_THERE);
}

static uint64_t ntp_now(void)
{
	return NTP_START + (loop_now(w.loop) << 32) / SEC;
}

static uint64_t op_clock(void *arg)
{
	return ntp_now() + w.clock_ahead;
}

static void op_probe(void *arg, int ifindex, const struct in6_addr *a, bool on)
{
	assert_int_equal(ifindex, HOME_LINK);
	did("%s %s", on ? "probe" : "probed", name(a));
}

static void op_proxy(void *arg, int ifindex, const struct in6_addr *a, bool on)
{
	assert_int_equal(ifindex, HOME_LINK);
	did("%s %s", on ? "proxy" : "unproxy", name(a));
}

static void op_advertise(void *arg, int ifindex, const struct in6_addr *a)
{
	did("advertise %s", name(a));
}

static int op_tunnel(void *arg, const struct in6_addr *a, const struct in6_addr *agent, const struct in6_addr *to,
                     const struct in6_addr *before)
{
	did(addr_is_zero(before) ? "tunnel %s %s>%s" : "tunnel %s %s>%s also %s", name(a), name(agent), name(to), name(before));
	return w.no_tunnel ? -1 : 0;
}

static void op_tunnel_only(void *arg, const struct in6_addr *a)
{
	did("only %s", name(a));
}

static void op_untunnel(void *arg, const struct in6_addr *a, int ifindex, const struct lladdr *here)
{
	did("untunnel %s%s", name(a), here->len ? " here" : "");
}

static void op_send(void *arg, const struct ha_way *way, const uint8_t *data, size_t len)
{
	w.way = *way;
	memcpy(w.message, data, len);
	if (be_parse(w.message, len, &w.be) == 0) {
		did("BE %u", w.be.status);
		return;
	}
	assert_int_equal(ba_parse(w.message, len, &w.ba), 0);
	did("BA %u", w.ba.status);
}

static const struct ha_ops ops = {
	.key = op_key, .home_link = op_home_link, .is_own = op_is_own, .clock = op_clock, .probe = op_probe, .proxy = op_proxy,
	.advertise = op_advertise, .tunnel = op_tunnel, .tunnel_only = op_tunnel_only, .untunnel = op_untunnel, .send = op_send,
};

/* Compares what was done since the last look. */
static void expect(const char *want)
{
	char got[sizeof w.did];
	size_t n = strlen(w.did);
	memcpy(got, w.did, n + 1);
	if (n >= 2)
		got[n - 2] = '\0';
	*w.did = '\0';
	assert_string_equal(got, want);
}

static void pass(usec_t time)
{
	loop_advance(w.loop, loop_now(w.loop) + time);
}

static void look_away(void)
{
	*w.did = '\0';
}

/* ---- the mobile ---- */

struct update {
	struct bu bu;
	uint8_t host; /* of the home address; 0: HOME */
	uint8_t from; /* source, in the other network; 0: COA */
	bool at_home; /* from the home address, without a Home Address option */
	bool bad_auth;
};

#define BU(s) .seq = (s), .flags = BU_ACK | BU_HOME, .lifetime = 30

/* With authentication where it is configured, unless the update has it already. */
static void update(struct update u)
{
	static uint8_t data[MIP6_MESSAGE_MAX]; /* still there when a recorded one is sent again */
	struct mip6_in in = { .dst = net(1, AGENT), .ifindex = u.at_home ? HOME_LINK : 7, .from = LLADDR_MOBILE, .data = data };
	struct in6_addr h = net(1, u.host ? u.host : HOME);
	struct mip6_key key;
	in.src = u.at_home ? h : coa(u.from ? u.from : COA);
	if (!u.at_home)
		in.home = h;
	struct in6_addr c = addr_is_zero(&u.bu.o.alt_coa) ? in.src : u.bu.o.alt_coa;
	int n = bu_pack(&u.bu, data, sizeof data);
	assert_true(n > 0);
	in.len = (size_t)n;
	if (u.bu.o.auth.present) {
		memset(&key, u.bad_auth ? 99 : h.s6_addr[15], sizeof key);
		assert_int_equal(mip6_auth_sign(&key, &c, &h, data, in.len), 0);
	}
	ha_receive(w.ha, &in);
}

static void registered(uint16_t seq)
{
	update((struct update){ .bu = { BU(seq) } });
	pass(w.params.dad);
	assert_int_equal(w.ba.status, BA_ACCEPTED);
	look_away();
}

/* A Binding Update as RFC 4285 wants it: its timestamp is `ago` before the mobile's clock, which is right. */
static struct update stamped(uint16_t seq, usec_t ago)
{
	return (struct update){ .bu = { BU(seq), .o = { .has_timestamp = true, .timestamp = ntp_now() - (ago << 32) / SEC,
		.auth = { .present = true, .spi = 256 } } } };
}

static unsigned states[3];

static void count_state(const struct ha_view *v, void *arg)
{
	states[v->state]++;
}

static void served(unsigned probing, unsigned serving, unsigned ended)
{
	memset(states, 0, sizeof states);
	ha_each(w.ha, count_state, NULL);
	assert_int_equal(states[HA_PROBING], probing);
	assert_int_equal(states[HA_SERVING], serving);
	assert_int_equal(states[HA_ENDED], ended);
	assert_int_equal(mip6_counters[MIP6_BINDINGS].value, serving);
}

static int setup(void **state)
{
	memset(&w, 0, sizeof w);
	w.loop = loop_create_virtual(1000 * SEC);
	mip6_params_default(&w.params);
	w.params.auth = MIP6_AUTH_NONE;
	w.link = (struct ha_link){ .ifindex = HOME_LINK, .valid = HA_FOREVER, .preferred = HA_FOREVER };
	w.ha = ha_create(w.loop, &w.params, &ops, NULL);
	log_level_set(LOG_LEVEL_ERROR);
	return w.ha ? 0 : -1;
}

static int setup_secure(void **state)
{
	int rc = setup(state);
	w.params.auth = MIP6_AUTH_RFC4285;
	pass(10 * SEC);
	return rc;
}

static int teardown(void **state)
{
	ha_destroy(w.ha);
	assert_int_equal(loop_next_due(w.loop), UINT64_MAX);
	loop_destroy(w.loop);
	return mip6_counters[MIP6_BINDINGS].value == 0 ? 0 : -1;
}

/* ---- §10.3.1: registration ---- */

/* "MUST perform Duplicate Address Detection ... before returning the Binding Acknowledgement"; §10.4.1: "subsequently it MUST multicast
 * onto the home link a Neighbor Advertisement". And the first packet from the home link must find its way. */
static void a_first_registration(void **state)
{
	update((struct update){ .bu = { BU(7) } });
	expect("probe 1.5");
	pass(999 * MSEC);
	expect("");
	pass(1 * MSEC);
	expect("probed 1.5; tunnel 1.5 1.1>2.10; proxy 1.5; advertise 1.5; BA 0");
	assert_int_equal(w.ba.seq, 7);
	assert_int_equal(w.ba.lifetime, 30);
	served(0, 1, 0);
	pass(5 * SEC); /* MAX_NEIGHBOR_ADVERTISEMENT */
	expect("advertise 1.5; advertise 1.5");
}

/* §9.5.4: "the acknowledgement MUST be sent to the Source Address", "using a type 2 routing header that contains the mobile node's
 * home address"; §9.5.1: the care-of address is that in the option if there is one. */
static void the_answer_goes_to_the_source(void **state)
{
	update((struct update){ .bu = { BU(1), .o.alt_coa = coa(COA2) } });
	pass(SEC);
	expect("probe 1.5; probed 1.5; tunnel 1.5 1.1>2.11; proxy 1.5; advertise 1.5; BA 0");
	struct in6_addr to = coa(COA), h = home(), agent = net(1, AGENT);
	assert_true(addr_eq(&w.way.dst, &to) && addr_eq(&w.way.home, &h) && addr_eq(&w.way.src, &agent));
	assert_int_equal(w.way.lladdr.len, 0);
}

/* "Regardless of the setting of the Acknowledge (A) bit"; K is cleared: no key management here survives a movement. */
static void answered_without_a_and_never_with_k(void **state)
{
	update((struct update){ .bu = { .seq = 1, .flags = BU_HOME | BU_KEY, .lifetime = 30 } });
	pass(SEC);
	assert_int_equal(w.ba.seq, 1);
	assert_false(w.ba.key_flag);
}

/* "L=1: Defend both the given non link-local unicast (home) address and the derived link-local." */
static void both_addresses_with_l(void **state)
{
	update((struct update){ .bu = { .seq = 1, .flags = BU_ACK | BU_HOME | BU_LINK_LOCAL, .lifetime = 30 } });
	pass(SEC);
	expect("probe 1.5; probe l0.5; probed 1.5; probed l0.5; tunnel 1.5 1.1>2.10; proxy 1.5; proxy l0.5; advertise 1.5; advertise l0.5; "
	       "BA 0");
	update((struct update){ .bu = { BU(2) } }); /* without it now */
	expect("tunnel 1.5 1.1>2.10; unproxy l0.5; advertise 1.5; BA 0");
	update((struct update){ .bu = { .seq = 3, .flags = BU_ACK | BU_HOME } });
	expect("unproxy 1.5; untunnel 1.5; BA 0");
}

static void both_addresses_go_with_l(void **state)
{
	update((struct update){ .bu = { .seq = 1, .flags = BU_ACK | BU_HOME, .lifetime = 30 } });
	pass(10 * SEC);
	look_away();
	update((struct update){ .bu = { .seq = 2, .flags = BU_ACK | BU_HOME | BU_LINK_LOCAL, .lifetime = 30 } });
	expect("tunnel 1.5 1.1>2.10; proxy l0.5; advertise 1.5; advertise l0.5; BA 0");
	pass(10 * SEC); /* both are said as often as at first */
	expect("advertise 1.5; advertise l0.5; advertise 1.5; advertise l0.5");
	update((struct update){ .bu = { .seq = 3, .flags = BU_ACK | BU_HOME | BU_LINK_LOCAL } });
	expect("unproxy 1.5; unproxy l0.5; untunnel 1.5; BA 0");
}

/* Where nobody need be asked on the home link. */
static void without_duplicate_address_detection(void **state)
{
	w.params.dad = 0;
	w.no_tunnel = true;
	update((struct update){ .bu = { BU(1) } });
	expect("tunnel 1.5 1.1>2.10; BA 130");
	served(0, 0, 0);
	w.no_tunnel = false;
	update((struct update){ .bu = { BU(1) } });
	expect("tunnel 1.5 1.1>2.10; proxy 1.5; advertise 1.5; BA 0");
	served(0, 1, 0);
}

/* Whose address it is that is claimed: on the link where it is probed for, while it is. */
static void what_others_claim_is_theirs(void **state)
{
	struct in6_addr local = { .s6_addr = { 0xfe, 0x80, [15] = HOME } }, another = { .s6_addr = { 0xfe, 0x80, [15] = OTHER } };
	update((struct update){ .bu = { .seq = 1, .flags = BU_ACK | BU_HOME | BU_LINK_LOCAL, .lifetime = 30 } });
	ha_claimed(w.ha, 7, &local, &LLADDR_MOBILE, false);
	ha_claimed(w.ha, HOME_LINK, &another, &LLADDR_MOBILE, false);
	pass(SEC);
	assert_int_equal(w.ba.status, BA_ACCEPTED);
	update((struct update){ .bu = { BU(1) }, .host = OTHER });
	look_away();
	ha_claimed(w.ha, HOME_LINK, &local, &LLADDR_MOBILE, false); /* the kernel defends it */
	ha_claimed(w.ha, HOME_LINK, &another, &LLADDR_MOBILE, false);
	expect("");
	served(1, 1, 0);
}

/* RFC 4283, RFC 4285 §5: who says its name hears it in the answer. */
static void the_name_is_said_again(void **state)
{
	static const uint8_t nai[] = "a@example.net";
	update((struct update){ .bu = { BU(1), .o = { .nai = nai, .nai_len = 13 } } });
	pass(SEC);
	assert_int_equal(w.ba.o.nai_len, 13);
	assert_memory_equal(w.ba.o.nai, nai, 13);
}

/* "If this Duplicate Address Detection fails for the given home address or an associated link local address, then the home agent MUST
 * reject the complete Binding Update and MUST return ... 134." */
static void a_duplicate_is_refused(void **state)
{
	struct in6_addr h = home(), local = { .s6_addr = { 0xfe, 0x80, [15] = HOME } };
	update((struct update){ .bu = { BU(1) } });
	ha_claimed(w.ha, 7, &h, &LLADDR_MOBILE, false); /* another link's business */
	ha_claimed(w.ha, HOME_LINK, &local, &LLADDR_MOBILE, false); /* L is not set */
	expect("probe 1.5");
	ha_claimed(w.ha, HOME_LINK, &h, &LLADDR_MOBILE, false);
	expect("probed 1.5; BA 134");
	served(0, 0, 0);
	update((struct update){ .bu = { .seq = 2, .flags = BU_ACK | BU_HOME | BU_LINK_LOCAL, .lifetime = 30 } });
	ha_claimed(w.ha, HOME_LINK, &local, &LLADDR_MOBILE, true); /* somebody else probes for it at the same time */
	expect("probe 1.5; probe l0.5; probed 1.5; probed l0.5; BA 134");
	pass(20 * SEC);
	expect("");
}

/* "The lifetime for the Binding Cache entry MUST NOT be greater than the Lifetime value specified in the Binding Update", nor "than the
 * remaining valid lifetime for the subnet prefix"; "MAY further decrease". */
static void the_lifetime(void **state)
{
	w.params.lifetime = 100 * SEC;
	registered(1);
	assert_int_equal(w.ba.lifetime, 25);
	update((struct update){ .bu = { .seq = 2, .flags = BU_ACK | BU_HOME, .lifetime = 10 } });
	assert_int_equal(w.ba.lifetime, 10);
	w.link.valid = 63 * SEC; /* 15.75 units */
	update((struct update){ .bu = { BU(3) } });
	assert_int_equal(w.ba.lifetime, 15);
	look_away();
	pass(60 * SEC - 1); /* "MUST be deleted by the home agent after the expiration of this lifetime" */
	expect("advertise 1.5; advertise 1.5");
	pass(1);
	expect("unproxy 1.5; untunnel 1.5");
	served(0, 0, 0);
}

/* "The value 1 ... MUST be used if the subnet prefix of the specified home address is deprecated, or becomes deprecated during the
 * lifetime of the binding, or becomes invalid at the end of the lifetime"; "the remaining preferred lifetime SHOULD NOT have any
 * impact on the lifetime". */
static void a_prefix_that_goes(void **state)
{
	static const struct {
		usec_t valid, preferred;
		uint8_t status;
		uint16_t lifetime;
	} cases[] = {
		{ HA_FOREVER, HA_FOREVER, BA_ACCEPTED, 30 }, { 200 * SEC, 124 * SEC, BA_ACCEPTED, 30 }, { 200 * SEC, 119 * SEC, BA_ACCEPTED_PREFIX, 30 },
		{ 200 * SEC, 0, BA_ACCEPTED_PREFIX, 30 }, { 120 * SEC, 120 * SEC, BA_ACCEPTED_PREFIX, 30 }, { 80 * SEC, 80 * SEC, BA_ACCEPTED_PREFIX, 20 },
	};
	registered(1);
	for (uint16_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		w.link.valid = cases[i].valid;
		w.link.preferred = cases[i].preferred;
		update((struct update){ .bu = { BU((uint16_t)(2 + i)) } });
		assert_int_equal(w.ba.status, cases[i].status);
		assert_int_equal(w.ba.lifetime, cases[i].lifetime);
	}
	/* "The home agent MUST remove a binding when the valid lifetime of the prefix associated with it expires." */
	look_away();
	w.no_link = true;
	ha_links_changed(w.ha);
	expect("unproxy 1.5; untunnel 1.5");
}

/* "The Refresh Interval field in the option MUST be set to a value less than the Lifetime value being returned." */
static void refresh_advice(void **state)
{
	registered(1);
	assert_int_equal(w.ba.o.refresh, 15);
	update((struct update){ .bu = { .seq = 2, .flags = BU_HOME, .lifetime = 15 } });
	assert_int_equal(w.ba.o.refresh, 0);
	w.params.refresh = 0;
	update((struct update){ .bu = { BU(3) } });
	assert_int_equal(w.ba.o.refresh, 0);
}

/* "... not an on-link IPv6 address with respect to the home agent's current Prefix List": 132; our own: 129; a care-of address that
 * would lead the tunnel into itself: 174; no room: 130. */
static void refusals(void **state)
{
	w.params.bindings = 1;
	update((struct update){ .bu = { BU(1) }, .host = AGENT });
	expect("BA 129");
	update((struct update){ .bu = { BU(1), .o.alt_coa = coa(AGENT_THERE) } });
	expect("BA 174");
	registered(1);
	update((struct update){ .bu = { BU(1), .o.alt_coa = home() }, .host = OTHER });
	expect("BA 174");
	update((struct update){ .bu = { BU(1) }, .host = OTHER });
	expect("BA 130");
	w.no_link = true;
	update((struct update){ .bu = { BU(2) } });
	expect("BA 132");
	served(0, 1, 0);
	w.no_link = false;
	w.link.valid = 3 * SEC; /* as good as gone */
	update((struct update){ .bu = { BU(2) } });
	expect("BA 132");
}

/* Only as long as it is served is a home address no care-of address. */
static void the_address_of_one_that_went_home(void **state)
{
	update((struct update){ .bu = { BU(1) }, .host = OTHER });
	pass(SEC);
	update((struct update){ .bu = { .seq = 2, .flags = BU_ACK | BU_HOME }, .host = OTHER });
	look_away();
	update((struct update){ .bu = { BU(1), .o.alt_coa = net(1, OTHER) } });
	expect("probe 1.5");
}

static void no_tunnel_no_binding(void **state)
{
	w.no_tunnel = true;
	update((struct update){ .bu = { BU(1) } });
	pass(SEC);
	expect("probe 1.5; probed 1.5; tunnel 1.5 1.1>2.10; BA 130");
	served(0, 0, 0);
	w.no_tunnel = false;
	registered(1);
	w.no_tunnel = true;
	update((struct update){ .bu = { BU(2), .o.alt_coa = coa(COA2) } });
	expect("tunnel 1.5 1.1>2.11 also 2.10; unproxy 1.5; untunnel 1.5; BA 130");
	served(0, 0, 0);
}

/* ---- movement ---- */

static void a_movement(void **state)
{
	registered(1);
	pass(10 * SEC);
	look_away();
	update((struct update){ .bu = { BU(2) }, .from = COA2 });
	expect("tunnel 1.5 1.1>2.11 also 2.10; BA 0"); /* "Unless this home agent already has a binding": nobody is asked */
	update((struct update){ .bu = { BU(3) }, .from = COA2 });
	expect("tunnel 1.5 1.1>2.11 also 2.10; BA 0");
	pass(SEC);
	expect("only 1.5");
	update((struct update){ .bu = { BU(4) }, .from = COA2 });
	expect("tunnel 1.5 1.1>2.11; BA 0");
	w.params.overlap = 0;
	update((struct update){ .bu = { BU(5) } });
	expect("tunnel 1.5 1.1>2.10; BA 0");
	pass(10 * SEC);
	expect("");
}

static void moved_and_gone_at_once(void **state)
{
	registered(1);
	pass(10 * SEC);
	update((struct update){ .bu = { BU(2) }, .from = COA2 });
	look_away();
	update((struct update){ .bu = { .seq = 3, .flags = BU_ACK | BU_HOME } });
	expect("unproxy 1.5; untunnel 1.5; BA 0");
	pass(5 * SEC);
	expect("");
	update((struct update){ .bu = { BU(4) }, .from = COA2 });
	pass(SEC);
	expect("probe 1.5; probed 1.5; tunnel 1.5 1.1>2.11; proxy 1.5; advertise 1.5; BA 0");
}

static void view_keep(const struct ha_view *v, void *arg)
{
	*(struct ha_view *)arg = *v;
}

static void what_is_told_of_a_binding(void **state)
{
	struct ha_view v;
	struct in6_addr at = coa(COA2), agent = net(1, AGENT);
	update((struct update){ .bu = { BU(1) } });
	ha_each(w.ha, view_keep, &v);
	assert_true(v.state == HA_PROBING && !v.lifetime && !v.left);
	pass(SEC);
	usec_t since = loop_now(w.loop);
	pass(10 * SEC);
	update((struct update){ .bu = { BU(2) }, .from = COA2 });
	pass(20 * SEC);
	ha_each(w.ha, view_keep, &v);
	assert_true(addr_eq(&v.coa, &at) && addr_eq(&v.agent, &agent));
	assert_true(v.state == HA_SERVING && v.lifetime == 120 * SEC && v.left == 100 * SEC && v.since == since && v.moves == 1 && v.seq == 2);
	update((struct update){ .bu = { .seq = 3, .flags = BU_ACK | BU_HOME } });
	ha_each(w.ha, view_keep, &v);
	assert_true(v.state == HA_ENDED && !v.lifetime && !v.left);
	update((struct update){ .bu = { BU(4) } });
	pass(SEC);
	ha_each(w.ha, view_keep, &v);
	assert_int_equal(v.moves, 0);
}

/* ---- §9.5.1: what is silently discarded ---- */

static void silence(void **state)
{
	struct mip6_in in = { .src = coa(COA), .dst = net(1, AGENT), .home = home() };
	static const uint8_t nonces[] = { 59, 2, 5, 0, 0, 0, 0, 1, 0xc0, 0, 0, 30, 4, 4, 0, 1, 0, 2, 1, 4, 0, 0, 0, 0 };
	uint64_t before = mip6_counters[MIP6_BU_DISCARDED].value;
	update((struct update){ .bu = { .seq = 1, .flags = BU_ACK, .lifetime = 30 } }); /* no home registration, and no Nonce Indices */
	update((struct update){ .bu = { BU(1), .o.alt_coa = { .s6_addr = { 0xff, 5, [15] = 1 } } } });
	update((struct update){ .bu = { BU(1), .o.alt_coa = { .s6_addr = { 0xfe, 0x80, [15] = 1 } } } });
	update((struct update){ .bu = { BU(1), .o.alt_coa = in6addr_loopback } });
	update((struct update){ .bu = { BU(1), .o.alt_coa = { .s6_addr = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1 } } } });
	update((struct update){ .bu = { BU(1) }, .at_home = true }); /* §10.3.1: "A Home Address destination option MUST be present" */
	in.data = nonces; /* "If the Home Registration (H) bit is set, the Nonce Indices mobility option MUST NOT be present." */
	in.len = sizeof nonces;
	ha_receive(w.ha, &in);
	in.len = 8; /* cut short */
	ha_receive(w.ha, &in);
	in.len = sizeof nonces;
	static const uint8_t good[] = { 59, 1, 5, 0, 0, 0, 0, 1, 0xc0, 0, 0, 30, 1, 2, 0, 0 };
	in.data = good;
	in.len = sizeof good;
	in.home = (struct in6_addr){ .s6_addr = { 0xff, 2, [15] = 1 } };
	ha_receive(w.ha, &in);
	in.home = home();
	in.src = (struct in6_addr){ .s6_addr = { 0xfe, 0x80, [15] = 1 } };
	ha_receive(w.ha, &in);
	expect("");
	assert_int_equal(mip6_counters[MIP6_BU_DISCARDED].value, before + 10);
	in.src = coa(COA);
	ha_receive(w.ha, &in);
	expect("probe 1.5");
}

/* "the receiving node MUST send back a Binding Acknowledgement with status code 135, and the last accepted sequence number". */
static void sequence_numbers(void **state)
{
	registered(65530); /* "If the receiving node has no Binding Cache entry ..., it MUST accept any Sequence Number value" */
	static const uint16_t old[] = { 65530, 65529, 65530 - 32767, 65530 - 32768 };
	for (size_t i = 0; i < sizeof old / sizeof *old; i++) {
		update((struct update){ .bu = { BU(old[i]) }, .from = COA2 });
		expect("BA 135");
		assert_int_equal(w.ba.seq, 65530);
	}
	update((struct update){ .bu = { BU(3) } });
	expect("tunnel 1.5 1.1>2.10; BA 0");
}

/* ---- §10.3.2: de-registration ---- */

/* Status 0, the sequence number, lifetime zero, no Binding Refresh Advice; interception ends first. From abroad by way of the care-of
 * address. */
static void deregistration_from_abroad(void **state)
{
	registered(1);
	update((struct update){ .bu = { .seq = 2, .flags = BU_ACK | BU_HOME } });
	expect("unproxy 1.5; untunnel 1.5; BA 0");
	struct in6_addr h = home();
	assert_true(w.ba.seq == 2 && w.ba.lifetime == 0 && w.ba.o.refresh == 0 && addr_eq(&w.way.home, &h));
	served(0, 0, 1);
}

/* "it MAY choose to omit the Home Address destination option"; "the routing header MUST NOT be used"; told at its link-layer address. */
static void home_again(void **state)
{
	registered(1);
	update((struct update){ .bu = { .seq = 2, .flags = BU_ACK | BU_HOME }, .at_home = true });
	expect("unproxy 1.5; untunnel 1.5 here; BA 0");
	struct in6_addr h = home();
	assert_true(addr_is_zero(&w.way.home) && addr_eq(&w.way.dst, &h));
	assert_int_equal(w.way.ifindex, HOME_LINK);
	assert_true(lladdr_eq(&w.way.lladdr, &LLADDR_MOBILE));
	/* A refusal, too, when it is greater than 127: others there may hold ours for the address. */
	update((struct update){ .bu = { .seq = 1, .flags = BU_ACK | BU_HOME }, .at_home = true });
	expect("BA 135");
	assert_true(lladdr_eq(&w.way.lladdr, &LLADDR_MOBILE));
}

/* Not on the home link it is not at home, whatever its source address; and on it from abroad neither. */
static void home_again_elsewhere(void **state)
{
	registered(1);
	w.link.ifindex = 4;
	update((struct update){ .bu = { .seq = 2, .flags = BU_ACK | BU_HOME }, .at_home = true });
	expect("unproxy 1.5; untunnel 1.5; BA 0");
	assert_int_equal(w.way.lladdr.len, 0);
	w.link.ifindex = HOME_LINK;
	update((struct update){ .bu = { BU(3) } });
	pass(SEC);
	look_away();
	w.link.ifindex = 7;
	update((struct update){ .bu = { .seq = 4, .flags = BU_ACK | BU_HOME } });
	expect("unproxy 1.5; untunnel 1.5; BA 0");
	assert_int_equal(w.way.lladdr.len, 0);
}

/* §10.3.2: the home address as care-of address is a de-registration as well. */
static void the_home_address_as_care_of_address(void **state)
{
	registered(1);
	update((struct update){ .bu = { BU(2), .o.alt_coa = home() } });
	expect("unproxy 1.5; untunnel 1.5; BA 0");
}

/* "SHOULD mark the Binding Cache entry as invalid ... wait for MAX_DELETE_BCE_TIMEOUT": the delayed update gets 135 at the care-of
 * address; and an answer that was lost is given again. */
static void an_ended_binding_is_remembered(void **state)
{
	registered(1);
	update((struct update){ .bu = { .seq = 3, .flags = BU_ACK | BU_HOME }, .at_home = true });
	look_away();
	update((struct update){ .bu = { BU(2) } });
	expect("BA 135");
	assert_int_equal(w.ba.seq, 3);
	update((struct update){ .bu = { .seq = 4, .flags = BU_ACK | BU_HOME }, .at_home = true });
	expect("BA 0");
	pass(10 * SEC);
	served(0, 0, 0);
	update((struct update){ .bu = { BU(2) } });
	expect("probe 1.5");
}

/* "If the receiving node has no entry ... MUST reject ... 133". One that is being probed for is none yet. */
static void nothing_to_deregister(void **state)
{
	update((struct update){ .bu = { .seq = 1, .flags = BU_ACK | BU_HOME } });
	expect("BA 133");
	update((struct update){ .bu = { BU(2) } });
	update((struct update){ .bu = { .seq = 3, .flags = BU_ACK | BU_HOME } });
	expect("probe 1.5; BA 133");
}

/* ---- loss, duplication, restart ---- */

/* The answer was lost, or is not there yet: the mobile asks again under the next number (§11.8). */
static void updates_while_probing(void **state)
{
	update((struct update){ .bu = { BU(1) } });
	pass(400 * MSEC);
	update((struct update){ .bu = { BU(1) } }); /* a copy */
	expect("probe 1.5; BA 135");
	update((struct update){ .bu = { .seq = 2, .flags = BU_ACK | BU_HOME, .lifetime = 10 }, .from = COA2 }); /* moved meanwhile */
	pass(600 * MSEC);
	expect("probed 1.5; tunnel 1.5 1.1>2.11; proxy 1.5; advertise 1.5; BA 0");
	assert_int_equal(w.ba.seq, 2);
	assert_int_equal(w.ba.lifetime, 10);
	update((struct update){ .bu = { BU(3) }, .from = COA2 });
	expect("tunnel 1.5 1.1>2.11; BA 0");
	update((struct update){ .bu = { BU(3) }, .from = COA2 });
	expect("BA 135");
	served(0, 1, 0);
}

static void a_restart_leaves_nothing(void **state)
{
	registered(1);
	update((struct update){ .bu = { BU(1) }, .host = OTHER });
	look_away();
	ha_destroy(w.ha);
	expect("unproxy 1.5; untunnel 1.5; probed 1.6");
	w.ha = ha_create(w.loop, &w.params, &ops, NULL);
	update((struct update){ .bu = { BU(0) } }); /* any sequence number, and asked for anew */
	expect("probe 1.5");
	pass(SEC);
	expect("probed 1.5; tunnel 1.5 1.1>2.10; proxy 1.5; advertise 1.5; BA 0");
}

/* Every order, copy and loss of the updates of a day: what is served in the end is what the newest that arrived said. */
static void any_order(void **state)
{
	unsigned seed = 1;
	for (int round = 0; round < 300; round++) {
		uint16_t newest = 0, seq = (uint16_t)(round * 50);
		registered(++seq);
		newest = seq;
		struct in6_addr at = coa(COA);
		for (int i = 0; i < 12; i++) {
			seed = seed * 1103515245U + 12345U;
			uint16_t s = (uint16_t)(seq + (seed >> 16) % 6);
			uint8_t from = (seed >> 20) & 1 ? COA : COA2;
			update((struct update){ .bu = { BU(s) }, .from = from });
			if (mip6_seq_newer(s, newest)) {
				newest = s;
				at = coa(from);
				assert_int_equal(w.ba.status, BA_ACCEPTED);
			} else {
				assert_int_equal(w.ba.status, BA_SEQUENCE);
			}
			assert_int_equal(w.ba.seq, newest);
			look_away();
		}
		char want[32];
		update((struct update){ .bu = { .seq = (uint16_t)(newest + 1), .flags = BU_ACK | BU_HOME } });
		expect("unproxy 1.5; untunnel 1.5; BA 0");
		snprintf(want, sizeof want, "%s", name(&at));
		pass(w.params.delete_time);
		served(0, 0, 0);
	}
}

/* ---- RFC 4285 ---- */

/* §5: without the option "the entity should silently discard"; §5.1.1: no association, "MUST discard"; wrong: MIPV6-AUTH-FAIL. */
static void authentication(void **state)
{
	struct update u = stamped(1, 0);
	update(u);
	pass(SEC);
	expect("probe 1.5; probed 1.5; tunnel 1.5 1.1>2.10; proxy 1.5; advertise 1.5; BA 0");
	struct mip6_key key;
	struct in6_addr c = coa(COA), h = home();
	memset(&key, HOME, sizeof key);
	assert_true(mip6_auth_verify(&key, &c, &h, w.message, &w.ba.o.auth));
	assert_true(w.ba.o.has_timestamp && w.ba.o.timestamp == u.bu.o.timestamp);
	u = stamped(2, 0);
	u.bu.o.auth.present = false;
	update(u);
	u = stamped(3, 0);
	u.bu.o.auth.spi = 257;
	update(u);
	w.no_key = true;
	update(stamped(4, 0));
	w.no_key = false;
	expect("");
	u = stamped(5, 0);
	u.bad_auth = true;
	update(u);
	expect("BA 146");
	assert_true(mip6_auth_verify(&key, &c, &h, w.message, &w.ba.o.auth));
	for (int i = 0; i < 100; i++)
		update(u); /* who cannot sign has no right to as many answers */
	assert_true(strlen(w.did) < 20 * sizeof "BA 146; ");
	served(0, 1, 0);
}

/* §6: near enough, "greater than all previously accepted"; refused with the home agent's seconds and the mobile's fraction. */
static void timestamps(void **state)
{
	struct update first = stamped(1, 6 * SEC);
	update(first);
	pass(SEC);
	assert_int_equal(w.ba.status, BA_ACCEPTED);
	look_away();
	update(first);
	expect("BA 144");
	assert_int_equal(w.ba.o.timestamp >> 32, ntp_now() >> 32);
	assert_int_equal(w.ba.o.timestamp & 0xffffffff, first.bu.o.timestamp & 0xffffffff);
	update(stamped(2, 8 * SEC));
	expect("BA 144");
	struct update u = stamped(2, 0);
	u.bu.o.has_timestamp = false;
	update(u);
	expect("BA 145");
	update(stamped(0, 0)); /* §7: "The sequence number field in the Binding Update is not used" */
	expect("tunnel 1.5 1.1>2.10; BA 0");
}

/* "especially useful for cases where the Home Agent does not maintain stateful information": as long as a timestamp could still pass. */
static void timestamps_outlive_bindings(void **state)
{
	struct update u = stamped(1, 0);
	u.bu.lifetime = 1;
	u.bu.o.timestamp += (6 * SEC << 32) / SEC; /* a mobile whose clock is ahead */
	update(u);
	pass(SEC);
	look_away();
	pass(4 * SEC);
	expect("advertise 1.5; advertise 1.5; unproxy 1.5; untunnel 1.5");
	pass(5 * SEC);
	update(u);
	expect("BA 144");
	pass(5 * SEC);
	served(0, 0, 0);
	update(u);
	expect("BA 144"); /* too old by now */
}

/* What was used before a restart was stamped before it. */
static void timestamps_from_before_a_restart(void **state)
{
	struct update u = stamped(1, 0);
	pass(SEC);
	ha_destroy(w.ha);
	w.ha = ha_create(w.loop, &w.params, &ops, NULL);
	update(u);
	expect("BA 144");
	pass(10 * MSEC);
	update(stamped(2, 0));
	expect("probe 1.5");
}

static void sequence_instead_of_timestamps(void **state)
{
	w.params.replay = MIP6_REPLAY_SEQUENCE;
	struct update u = stamped(9, 100 * SEC);
	update(u);
	pass(SEC);
	look_away();
	assert_true(w.ba.o.has_timestamp && w.ba.o.timestamp == u.bu.o.timestamp); /* "MUST include" it where the update has it */
	update(u);
	expect("BA 135");
}

/* ---- the home link, and what nobody knows ---- */

/* §10.4.1: "to defend these addresses on the home link". The kernel's proxy answers those who ask. */
static void who_takes_the_address_is_contradicted(void **state)
{
	struct in6_addr h = home();
	registered(1);
	ha_claimed(w.ha, HOME_LINK, &h, &LLADDR_MOBILE, true);
	expect("");
	ha_claimed(w.ha, HOME_LINK, &h, &LLADDR_MOBILE, false);
	expect("advertise 1.5");
	for (int i = 0; i < 100; i++)
		ha_claimed(w.ha, HOME_LINK, &h, &LLADDR_MOBILE, false);
	assert_true(strlen(w.did) < 20 * sizeof "advertise 1.5; ");
	look_away();
	update((struct update){ .bu = { .seq = 2, .flags = BU_ACK | BU_HOME }, .at_home = true });
	look_away();
	ha_claimed(w.ha, HOME_LINK, &h, &LLADDR_MOBILE, false); /* now it is its own */
	expect("");
}

/* Only a binding whose prefix is gone, or on another link now, ends when something changes. */
static void links_change(void **state)
{
	registered(1);
	update((struct update){ .bu = { BU(1) }, .host = OTHER });
	look_away();
	ha_links_changed(w.ha);
	expect("");
	pass(SEC);
	look_away();
	w.link.ifindex = 4;
	ha_links_changed(w.ha);
	expect("unproxy 1.5; untunnel 1.5; unproxy 1.6; untunnel 1.6");
	w.link.ifindex = HOME_LINK;
	registered(1);
	update((struct update){ .bu = { .seq = 2, .flags = BU_ACK | BU_HOME } });
	look_away();
	w.no_link = true;
	ha_links_changed(w.ha); /* it has ended already */
	expect("");
}

static void a_prefix_goes_while_probing(void **state)
{
	update((struct update){ .bu = { BU(1) } });
	w.no_link = true;
	ha_links_changed(w.ha);
	expect("probe 1.5; probed 1.5; BA 132");
}

/* §9.2: "the node SHOULD issue a Binding Error message ... with Status field set to 2"; §9.3.3: to the source, with the Home Address
 * option's address, not to what is no unicast address, and not too often. */
static void an_unknown_type(void **state)
{
	static const uint8_t data[] = { 59, 0, 77, 0, 0, 0, 0, 0 };
	struct mip6_in in = { .src = coa(COA), .dst = net(1, AGENT), .home = home(), .data = data, .len = sizeof data };
	struct in6_addr h = home();
	ha_unknown(w.ha, &in);
	expect("BE 2");
	assert_true(addr_eq(&w.be.home, &h) && addr_eq(&w.way.dst, &in.src) && addr_is_zero(&w.way.home));
	in.src = (struct in6_addr){ .s6_addr = { 0xff, 5, [15] = 1 } };
	ha_unknown(w.ha, &in);
	expect("");
	in.src = coa(COA);
	for (int i = 0; i < 100; i++)
		ha_unknown(w.ha, &in);
	assert_true(strlen(w.did) < 20 * sizeof "BE 2; ");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define S(f) cmocka_unit_test_setup_teardown(f, setup_secure, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_first_registration), T(the_answer_goes_to_the_source), T(answered_without_a_and_never_with_k), T(both_addresses_with_l),
		T(both_addresses_go_with_l), T(without_duplicate_address_detection), T(what_others_claim_is_theirs), T(the_name_is_said_again),
		T(a_duplicate_is_refused), T(the_lifetime), T(a_prefix_that_goes), T(refresh_advice), T(refusals), T(no_tunnel_no_binding),
		T(the_address_of_one_that_went_home), T(moved_and_gone_at_once), T(what_is_told_of_a_binding), T(home_again_elsewhere),
		T(the_home_address_as_care_of_address), T(links_change), T(a_movement), T(silence), T(sequence_numbers), T(deregistration_from_abroad), T(home_again), T(an_ended_binding_is_remembered),
		T(nothing_to_deregister), T(updates_while_probing), T(a_restart_leaves_nothing), T(any_order),
		S(authentication), S(timestamps), S(timestamps_outlive_bindings), S(timestamps_from_before_a_restart),
		S(sequence_instead_of_timestamps), T(who_takes_the_address_is_contradicted), T(a_prefix_goes_while_probing), T(an_unknown_type),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
