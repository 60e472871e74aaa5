/* The relay agent of DHCPv4 under a virtual clock: who is relayed and how, what comes back, when the guard stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dhcp4/dhcp4_relay.h"

/* 10.2.0.0/24 is this router's link, 10.1.0.0/24 a neighbour's. */
struct world {
	struct loop *loop;
	struct dhcp4_params params;
	struct dhcp4_relay *relay;
	unsigned asked, answered, routed; /* since they were looked at */
	struct dhcp4_udp to_server;
	uint8_t request[DHCP4_MESSAGE_MAX], packet[DHCP4_PACKET_MAX];
	size_t packet_len;
	struct lladdr to;
	int guarded; /* clients */
	uint16_t port; /* of those who say something; 0: the right one */
};

static const struct lladdr phone = { .len = 6, .octet = { 2, 0, 0, 0, 0, 7 } }, laptop = { .len = 6, .octet = { 2, 0, 0, 0, 0, 8 } };

static struct in6_addr v4(const char *text)
{
	struct in6_addr a;
	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static bool home(void *arg, const struct in6_addr *addr, struct dhcp4_home *out)
{
	*out = (struct dhcp4_home){ .server = v4("192.0.2.67"), .link = v4("10.1.0.1") };
	assert_int_equal(prefix_parse("10.1.0.0/24", &out->prefix), 0);
	return prefix_has(&out->prefix, addr);
}

static bool link_of(void *arg, int ifindex, struct in6_addr *addr, char name[DHCP4_CIRCUIT_MAX])
{
	*addr = v4("10.2.0.1");
	memcpy(name, "wlan", 5);
	return ifindex == 3;
}

static bool local(void *arg, const struct in6_addr *server, struct in6_addr *out)
{
	*out = v4("192.0.2.2");
	return true;
}

static void send_datagram(void *arg, const struct dhcp4_udp *u)
{
	struct world *w = arg;
	if (u->dport == DHCP4_CLIENT_PORT) {
		struct wr out = wr_make(w->packet, sizeof w->packet);
		dhcp4_udp_put(&out, u);
		w->packet_len = out.len;
		w->routed++;
		return;
	}
	w->asked++;
	w->to_server = *u;
	memcpy(w->request, u->data, u->len);
	w->to_server.data = w->request;
}

static void to_client(void *arg, int ifindex, const struct lladdr *to, const void *packet, size_t len)
{
	struct world *w = arg;
	w->answered++;
	w->to = *to;
	assert_int_equal(ifindex, 3);
	memcpy(w->packet, packet, len);
	w->packet_len = len;
}

static void guard(void *arg, const struct lladdr *l, bool on)
{
	((struct world *)arg)->guarded += on ? 1 : -1;
}

static const struct dhcp4_relay_ops ops = { home, link_of, local, send_datagram, to_client, guard };

static int world_make(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	w->loop = loop_create_virtual(USEC_SEC);
	w->params = (struct dhcp4_params){ .relay = DHCP4_ALL, .clients = 8, .client_rate = 5, .rate = 200, .timeout = 8 * USEC_SEC };
	w->relay = dhcp4_relay_create(w->loop, &w->params, &ops, w);
	for (size_t i = 0; i < DHCP4_COUNTERS; i++)
		dhcp4_counters[i].value = 0;
	*state = w;
	return 0;
}

static int world_end(void **state)
{
	struct world *w = *state;
	assert_int_equal(dhcp4_counters[DHCP4_GUARDED].value, w->guarded);
	dhcp4_relay_destroy(w->relay);
	assert_int_equal(loop_next_due(w->loop), UINT64_MAX); /* no timer is left behind */
	assert_int_equal(dhcp4_counters[DHCP4_GUARDED].value, 0);
	loop_destroy(w->loop);
	free(w);
	return 0;
}

/* -- messages -------------------------------------------------------------------------------------------------------- */

struct say {
	uint8_t op, type, hops;
	const struct lladdr *from; /* chaddr; NULL: the phone's */
	const char *ciaddr, *yiaddr, *giaddr, *requested, *server;
	const uint8_t *agent;
	size_t agent_len;
	uint32_t xid, lease;
	bool broadcast, with_agent;
};

static void put4(struct wr *w, const char *text)
{
	struct in6_addr a = v4(text ? text : "0.0.0.0");
	wr_addr4(w, &a);
}

static void put_option4(struct wr *w, uint8_t code, const char *text)
{
	if (!text)
		return;
	wr_u8(w, code);
	wr_u8(w, 4);
	put4(w, text);
}

static size_t write_message(uint8_t out[DHCP4_MESSAGE_MAX], const struct say *s)
{
	struct wr w = wr_make(out, DHCP4_MESSAGE_MAX);
	wr_u8(&w, s->op ? s->op : 1);
	wr_u8(&w, 1);
	wr_u8(&w, 6);
	wr_u8(&w, s->hops);
	wr_u32(&w, s->xid ? s->xid : 77);
	wr_u32(&w, s->broadcast ? 0x8000 : 0);
	put4(&w, s->ciaddr);
	put4(&w, s->yiaddr);
	put4(&w, NULL);
	put4(&w, s->giaddr);
	wr_copy(&w, (s->from ? s->from : &phone)->octet, 6);
	wr_zero(&w, 10 + 192);
	wr_u32(&w, 0x63825363);
	wr_u16(&w, 0x3501);
	wr_u8(&w, s->type);
	put_option4(&w, 50, s->requested);
	put_option4(&w, 54, s->server);
	if (s->lease) {
		wr_u16(&w, 0x3304);
		wr_u32(&w, s->lease);
	}
	if (s->with_agent) {
		wr_u8(&w, 82);
		wr_u8(&w, (uint8_t)s->agent_len);
		wr_copy(&w, s->agent, s->agent_len);
	}
	wr_u8(&w, 255);
	assert_true(wr_ok(&w));
	return w.len;
}

/* From a station on the link. Returns how many messages went to a server for it. */
static unsigned client_says(struct world *w, const struct lladdr *from, struct say s)
{
	uint8_t out[DHCP4_MESSAGE_MAX];
	struct dhcp4_udp u = { v4("0.0.0.0"), v4("255.255.255.255"), 68, 67, out, 0 };
	s.from = s.from ? s.from : from;
	u.dport = w->port ? w->port : u.dport;
	u.len = write_message(out, &s);
	w->asked = 0;
	dhcp4_relay_request(w->relay, 3, from, &u);
	return w->asked;
}

static void datagram_comes(struct world *w, const struct say *s)
{
	uint8_t out[DHCP4_MESSAGE_MAX];
	struct dhcp4_udp u = { v4("192.0.2.67"), v4("192.0.2.2"), 67, 67, out, write_message(out, s) };
	w->answered = 0;
	dhcp4_relay_reply(w->relay, &u);
}

/* The server's answer to the last question, with giaddr and option 82 as they were in it. */
static unsigned server_says(struct world *w, struct say s)
{
	struct dhcp4_message q;
	assert_true(dhcp4_parse(w->request, w->to_server.len, &q));
	s.op = 2;
	s.giaddr = s.giaddr ? s.giaddr : "192.0.2.2";
	s.xid = s.xid ? s.xid : q.xid;
	s.from = s.from ? s.from : &q.chaddr;
	s.agent = s.agent ? s.agent : q.agent;
	s.agent_len = q.agent_len;
	s.with_agent = !s.with_agent;
	datagram_comes(w, &s);
	return w->answered;
}

static void after(struct world *w, unsigned seconds)
{
	loop_advance(w->loop, loop_now(w->loop) + seconds * USEC_SEC);
}

/* It comes with an address of the neighbour's link, which it is given for that long. */
static void lease_begins(struct world *w, const struct lladdr *l, uint32_t seconds)
{
	assert_int_equal(client_says(w, l, (struct say){ .type = DHCP4_REQUEST, .requested = "10.1.0.10" }), 1);
	assert_int_equal(server_says(w, (struct say){ .type = DHCP4_ACK, .yiaddr = "10.1.0.10", .lease = seconds }), 1);
}

static void expect_packet(struct world *w, const char *dst, const struct lladdr *to, const char *yiaddr)
{
	struct dhcp4_udp u;
	struct dhcp4_message m;
	assert_true(dhcp4_udp_walk(w->packet, w->packet_len, false, &u));
	assert_true(dhcp4_parse(u.data, u.len, &m));
	assert_string_equal(ADDR(&u.src), "10.2.0.1");
	assert_string_equal(ADDR(&u.dst), dst);
	assert_int_equal(u.sport, 67);
	assert_int_equal(u.dport, 68);
	assert_string_equal(ADDR(&m.yiaddr), yiaddr);
	assert_false(m.has_agent);
	assert_string_equal(LLADDR(&w->to), to ? LLADDR(to) : "ff:ff:ff:ff:ff:ff");
}

/* -- tests ----------------------------------------------------------------------------------------------------------- */

/* A phone comes and asks for the address that it had; later it renews; then its lease ends. */
static void an_address_is_kept(void **state)
{
	static const uint8_t selection[] = { 5, 4, 10, 1, 0, 1, 11, 4, 10, 2, 0, 1 };
	struct world *w = *state;
	struct dhcp4_message q;
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_REQUEST, .requested = "10.1.0.10" }), 1);
	assert_int_equal(w->guarded, 1);
	assert_true(dhcp4_parse(w->request, w->to_server.len, &q));
	assert_string_equal(ADDR(&w->to_server.dst), "192.0.2.67");
	assert_string_equal(ADDR(&w->to_server.src), "192.0.2.2");
	assert_int_equal(w->to_server.sport, 67);
	assert_int_equal(q.hops, 1);
	assert_string_equal(ADDR(&q.giaddr), "192.0.2.2");
	assert_int_equal(q.agent_len, 6 + 10 + 12);
	assert_memory_equal(q.agent, "\1\4wlan\2\10", 8);
	assert_memory_equal(q.agent + 16, selection, sizeof selection);
	assert_int_equal(server_says(w, (struct say){ .type = DHCP4_ACK, .yiaddr = "10.1.0.10", .lease = 3600, .server = "10.2.0.1" }), 1);
	expect_packet(w, "10.1.0.10", &phone, "10.1.0.10");
	/* Half of the lease later, to the server that it was told, in unicast; the answer goes to the address that it has. */
	loop_advance(w->loop, loop_now(w->loop) + 1800 * USEC_SEC);
	assert_int_equal(w->guarded, 1);
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_REQUEST, .ciaddr = "10.1.0.10", .xid = 78 }), 1);
	assert_int_equal(server_says(w, (struct say){ .type = DHCP4_ACK, .ciaddr = "10.1.0.10", .yiaddr = "10.1.0.10", .lease = 3600 }), 1);
	expect_packet(w, "10.1.0.10", &phone, "10.1.0.10");
	loop_advance(w->loop, loop_now(w->loop) + 3599 * USEC_SEC);
	assert_int_equal(w->guarded, 1);
	after(w, 2);
	assert_int_equal(w->guarded, 0);
	assert_int_equal(dhcp4_counters[DHCP4_CLIENTS].value, 1); /* it may just be about to ask again */
	after(w, 30);
	assert_int_equal(dhcp4_counters[DHCP4_CLIENTS].value, 0);
	assert_int_equal(dhcp4_counters[DHCP4_GIVEN_UP].value, 0);
}

/* It begins anew without saying what it had: its server is asked, for it has the lease. */
static void a_lease_is_remembered_for_one_that_forgot_it(void **state)
{
	struct world *w = *state;
	lease_begins(w, &phone, 3600);
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_REQUEST, .requested = "10.2.0.5" }), 0);
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_DISCOVER }), 1);
	assert_int_equal(server_says(w, (struct say){ .type = DHCP4_OFFER, .yiaddr = "10.1.0.10" }), 1);
	w->params.relay = DHCP4_VISITORS; /* strangers are no more relayed */
	dhcp4_relay_reload(w->relay);
	assert_int_equal(w->guarded, 0);
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_DISCOVER }), 0);
	w->params.relay = DHCP4_ALL;
	dhcp4_relay_reload(w->relay);
	after(w, 3601);
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_DISCOVER }), 0);
}

/* A renewal that nobody answers: the guard falls after a while and not at once, the lease stays what it was. */
static void a_renewal_without_an_answer(void **state)
{
	struct world *w = *state;
	w->params.timeout = 20 * USEC_SEC;
	lease_begins(w, &phone, 3600);
	after(w, 1800);
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_REQUEST, .ciaddr = "10.1.0.10" }), 1);
	after(w, 19);
	assert_int_equal(w->guarded, 1);
	after(w, 600);
	assert_int_equal(w->guarded, 0);
	assert_int_equal(dhcp4_counters[DHCP4_GIVEN_UP].value, 1);
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_DISCOVER }), 1);
	after(w, 3600);
	assert_int_equal(dhcp4_counters[DHCP4_GIVEN_UP].value, 1);
	assert_int_equal(dhcp4_counters[DHCP4_CLIENTS].value, 0);
}

/* RFC 2131 §3.4, §4.4.4: the other things that a client may say. */
static void what_else_clients_say(void **state)
{
	struct world *w = *state;
	lease_begins(w, &phone, 3600);
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_INFORM, .ciaddr = "10.1.0.10" }), 1);
	assert_int_equal(server_says(w, (struct say){ .type = DHCP4_ACK, .ciaddr = "10.1.0.10", .broadcast = true }), 1);
	expect_packet(w, "10.1.0.10", &phone, "::");
	assert_int_equal(w->guarded, 1);
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_DECLINE, .requested = "10.1.0.10", .server = "192.0.2.67" }), 1);
	assert_int_equal(w->guarded, 0);
	after(w, 60);
	assert_int_equal(dhcp4_counters[DHCP4_GIVEN_UP].value, 0);
	assert_int_equal(dhcp4_counters[DHCP4_CLIENTS].value, 0);
}

/* RFC 2131 §4.1: the broadcast flag; a refusal always. */
static void answers_find_their_client(void **state)
{
	struct world *w = *state;
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_DISCOVER, .requested = "10.1.0.10", .broadcast = true }), 1);
	assert_int_equal(server_says(w, (struct say){ .type = DHCP4_OFFER, .yiaddr = "10.1.0.10", .broadcast = true }), 1);
	expect_packet(w, "255.255.255.255", NULL, "10.1.0.10");
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_REQUEST, .requested = "10.1.0.10", .server = "10.2.0.1" }), 1);
	assert_int_equal(server_says(w, (struct say){ .type = DHCP4_NAK }), 1);
	expect_packet(w, "255.255.255.255", NULL, "::");
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_REQUEST, .ciaddr = "10.1.0.10" }), 1);
	assert_int_equal(server_says(w, (struct say){ .type = DHCP4_NAK, .ciaddr = "10.1.0.10" }), 1);
	expect_packet(w, "255.255.255.255", NULL, "::");
	assert_int_equal(w->guarded, 0); /* it will ask anew, as a client of this link */
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_DISCOVER }), 0);
}

static void others_are_left_alone(void **state)
{
	struct world *w = *state;
	assert_int_equal(client_says(w, &laptop, (struct say){ .type = DHCP4_DISCOVER }), 0);
	assert_int_equal(client_says(w, &laptop, (struct say){ .type = DHCP4_REQUEST, .requested = "10.2.0.20" }), 0);
	assert_int_equal(client_says(w, &laptop, (struct say){ .type = DHCP4_REQUEST, .ciaddr = "10.2.0.20" }), 0);
	assert_int_equal(client_says(w, &laptop, (struct say){ .type = DHCP4_REQUEST, .requested = "10.9.0.20" }), 0);
	/* One that has chosen another server; one that another agent relays; an answer; nonsense. */
	assert_int_equal(client_says(w, &laptop, (struct say){ .type = DHCP4_REQUEST, .requested = "10.1.0.10", .server = "10.7.7.7" }), 0);
	assert_int_equal(client_says(w, &laptop, (struct say){ .type = DHCP4_REQUEST, .requested = "10.1.0.10", .giaddr = "10.7.7.7" }), 0);
	assert_int_equal(client_says(w, &laptop, (struct say){ .op = 2, .type = DHCP4_ACK, .requested = "10.1.0.10" }), 0);
	assert_int_equal(client_says(w, &laptop, (struct say){ .type = 13, .requested = "10.1.0.10" }), 0);
	assert_int_equal(client_says(w, &laptop, (struct say){ .op = 2, .type = DHCP4_REQUEST, .requested = "10.1.0.10" }), 0);
	w->port = DHCP4_CLIENT_PORT; /* not to a server */
	assert_int_equal(client_says(w, &laptop, (struct say){ .type = DHCP4_REQUEST, .requested = "10.1.0.10" }), 0);
	w->port = 0;
	assert_int_equal(w->guarded, 0);
	assert_int_equal(dhcp4_counters[DHCP4_CLIENTS].value, 0);
}

/* Nobody speaks for another, or as a relay agent. */
static void pretenders_are_refused(void **state)
{
	struct world *w = *state;
	assert_int_equal(client_says(w, &laptop, (struct say){ .from = &phone, .type = DHCP4_REQUEST, .requested = "10.1.0.10" }), 0);
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_REQUEST, .requested = "10.1.0.10", .with_agent = true }), 0);
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_REQUEST, .requested = "10.1.0.10", .hops = 16 }), 0);
	assert_int_equal(dhcp4_counters[DHCP4_REQUESTS_REFUSED].value, 3);
	assert_int_equal(w->guarded, 0);
}

static void forged_answers_are_refused(void **state)
{
	static const uint8_t guess[28] = { 1, 4, 'w', 'l', 'a', 'n', 2, 8, [16] = 5, 4, 10, 1, 0, 1, 11, 4, 10, 2, 0, 1 };
	struct world *w = *state;
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_REQUEST, .requested = "10.1.0.10" }), 1);
	assert_int_equal(server_says(w, (struct say){ .type = DHCP4_ACK, .yiaddr = "10.1.0.10", .agent = guess }), 0);
	assert_int_equal(server_says(w, (struct say){ .type = DHCP4_ACK, .yiaddr = "10.1.0.10", .with_agent = true /* without */ }), 0);
	assert_int_equal(server_says(w, (struct say){ .type = DHCP4_ACK, .yiaddr = "10.1.0.10", .xid = 5 }), 0);
	assert_int_equal(server_says(w, (struct say){ .type = DHCP4_ACK, .yiaddr = "10.1.0.10", .giaddr = "192.0.2.3" }), 0);
	assert_int_equal(server_says(w, (struct say){ .type = DHCP4_ACK, .yiaddr = "10.1.0.10", .from = &laptop }), 0);
	assert_int_equal(server_says(w, (struct say){ .type = DHCP4_ACK, .yiaddr = "10.9.0.10" }), 0);
	assert_int_equal(dhcp4_counters[DHCP4_REPLIES_REFUSED].value, 6);
	assert_int_equal(server_says(w, (struct say){ .type = DHCP4_ACK, .yiaddr = "10.1.0.10", .lease = 60 }), 1);
	assert_int_equal(server_says(w, (struct say){ .type = DHCP4_ACK, .yiaddr = "10.1.0.10", .lease = 60 }), 0); /* once */
}

/* The server here answers one whose own server is silent; until that one speaks. */
static void a_silent_server_is_given_up(void **state)
{
	struct world *w = *state;
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_REQUEST, .requested = "10.1.0.10" }), 1);
	for (int i = 0; i < 2; i++) {
		loop_advance(w->loop, loop_now(w->loop) + 3 * USEC_SEC);
		assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_REQUEST, .requested = "10.1.0.10" }), 1);
		assert_int_equal(w->guarded, 1);
	}
	loop_advance(w->loop, loop_now(w->loop) + 3 * USEC_SEC);
	assert_int_equal(w->guarded, 0);
	assert_int_equal(dhcp4_counters[DHCP4_GIVEN_UP].value, 1);
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_DISCOVER, .requested = "10.1.0.10" }), 1);
	assert_int_equal(w->guarded, 0);
	assert_int_equal(server_says(w, (struct say){ .type = DHCP4_OFFER, .yiaddr = "10.1.0.10" }), 1);
	assert_int_equal(w->guarded, 1);
}

/* A visitor is relayed whatever it asks for, and guarded from the first. */
static void visitors(void **state)
{
	struct world *w = *state;
	struct in6_addr a = v4("10.1.0.10"), six;
	w->params.relay = DHCP4_VISITORS;
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_REQUEST, .requested = "10.1.0.10" }), 0);
	assert_int_equal(addr_parse("2001:db8::1", &six), 0);
	dhcp4_relay_visit(w->relay, &phone, &six, true);
	assert_int_equal(w->guarded, 0);
	dhcp4_relay_visit(w->relay, &phone, &a, true);
	dhcp4_relay_visit(w->relay, &phone, &a, true);
	assert_int_equal(w->guarded, 1);
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_DISCOVER }), 1);
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_DISCOVER, .requested = "10.2.0.5" }), 1);
	after(w, 8);
	assert_int_equal(w->guarded, 0); /* its server is silent: by now it may have an address of this link */
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_REQUEST, .requested = "10.2.0.5" }), 0);
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_DISCOVER }), 1);
	dhcp4_relay_visit(w->relay, &phone, &a, true); /* it comes anew */
	assert_int_equal(w->guarded, 1);
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_REQUEST, .requested = "10.1.0.10" }), 1);
	assert_int_equal(client_says(w, &laptop, (struct say){ .type = DHCP4_DISCOVER }), 0);
	loop_advance(w->loop, loop_now(w->loop) + 2 * USEC_SEC);
	assert_int_equal(server_says(w, (struct say){ .type = DHCP4_ACK, .yiaddr = "10.1.0.10", .lease = 3600 }), 1);
	loop_advance(w->loop, loop_now(w->loop) + 7200 * USEC_SEC);
	assert_int_equal(w->guarded, 1);
	w->params.relay = DHCP4_NONE;
	dhcp4_relay_reload(w->relay);
	assert_int_equal(w->guarded, 0);
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_DISCOVER }), 0);
	w->params.relay = DHCP4_VISITORS;
	dhcp4_relay_reload(w->relay);
	assert_int_equal(w->guarded, 1);
	dhcp4_relay_visit(w->relay, &phone, &a, false);
	assert_int_equal(w->guarded, 0);
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_DISCOVER }), 0);
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_REQUEST, .requested = "10.1.0.10" }), 0);
	after(w, 5);
	assert_int_equal(dhcp4_counters[DHCP4_CLIENTS].value, 1);
	after(w, 60);
	assert_int_equal(dhcp4_counters[DHCP4_CLIENTS].value, 0);
}

static void view_keep(const struct dhcp4_view *v, void *arg)
{
	*(struct dhcp4_view *)arg = *v;
}

/* A visitor with several addresses is one until the last of them has gone. */
static void visitors_with_many_addresses(void **state)
{
	struct world *w = *state;
	const struct lladdr nobody = { .len = 0 };
	struct in6_addr a = v4("10.1.0.10");
	struct dhcp4_view v = { .visitor = false };
	dhcp4_relay_visit(w->relay, &nobody, &a, true);
	dhcp4_relay_visit(w->relay, &phone, &a, false); /* was none */
	assert_int_equal(dhcp4_counters[DHCP4_CLIENTS].value, 0);
	for (uint8_t i = 10; i < 20; i++) { /* so many are known */
		a.s6_addr[15] = i;
		dhcp4_relay_visit(w->relay, &phone, &a, true);
	}
	for (uint8_t i = 19; i > 10; i--) {
		a.s6_addr[15] = i;
		dhcp4_relay_visit(w->relay, &phone, &a, false);
	}
	assert_int_equal(w->guarded, 1);
	dhcp4_relay_each(w->relay, view_keep, &v);
	assert_true(v.visitor && v.guarded && !v.leased_until);
	assert_string_equal(ADDR(&v.addr), "10.1.0.10");
	a.s6_addr[15] = 10;
	dhcp4_relay_visit(w->relay, &phone, &a, false);
	assert_int_equal(w->guarded, 0);
	dhcp4_relay_each(w->relay, view_keep, &v);
	assert_false(v.visitor);
	assert_true(addr_is_zero(&v.addr));
}

/* At whose cost a visitor finds room. */
static void room_is_made_where_nobody_is_hurt(void **state)
{
	struct world *w = *state;
	struct in6_addr a = v4("10.1.0.20");
	w->params.clients = 2;
	lease_begins(w, &phone, 3600);
	dhcp4_relay_visit(w->relay, &laptop, &a, true);
	const struct lladdr third = { .len = 6, .octet = { 2, 0, 0, 0, 0, 9 } };
	dhcp4_relay_visit(w->relay, &third, &a, true);
	assert_int_equal(dhcp4_counters[DHCP4_FULL].value, 1);
	assert_int_equal(w->guarded, 2);
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_DISCOVER }), 1);
	assert_int_equal(client_says(w, &laptop, (struct say){ .type = DHCP4_DISCOVER }), 1);
	w->params.clients = 3;
	assert_int_equal(client_says(w, &third, (struct say){ .type = DHCP4_REQUEST, .requested = "10.1.0.30" }), 1);
	w->params.clients = 4;
	const struct lladdr fourth = { .len = 6, .octet = { 2, 0, 0, 0, 0, 10 } };
	dhcp4_relay_visit(w->relay, &fourth, &a, true); /* there is room */
	assert_int_equal(dhcp4_counters[DHCP4_CLIENTS].value, 4);
}

static void limits(void **state)
{
	struct world *w = *state;
	struct in6_addr a = v4("10.1.0.10");
	unsigned n = 0;
	for (int i = 0; i < 100; i++)
		n += client_says(w, &phone, (struct say){ .type = DHCP4_DISCOVER, .requested = "10.1.0.10" });
	assert_int_equal(n, 11); /* the one that made it known, and ten */
	assert_int_equal(dhcp4_counters[DHCP4_LIMITED].value, 89);
	for (uint8_t i = 0; i < 20; i++) {
		struct lladdr l = { .len = 6, .octet = { 2, 1, 0, 0, 0, i } };
		client_says(w, &l, (struct say){ .type = DHCP4_DISCOVER, .requested = "10.1.0.10" });
	}
	assert_int_equal(dhcp4_counters[DHCP4_CLIENTS].value, 8);
	assert_int_equal(dhcp4_counters[DHCP4_FULL].value, 13);
	dhcp4_relay_visit(w->relay, &laptop, &a, true); /* a visitor finds room */
	assert_int_equal(client_says(w, &laptop, (struct say){ .type = DHCP4_DISCOVER }), 1);
	assert_int_equal(dhcp4_counters[DHCP4_CLIENTS].value, 8);
	assert_int_equal(w->guarded, 8);
	loop_advance(w->loop, loop_now(w->loop) + 60 * USEC_SEC);
	assert_int_equal(dhcp4_counters[DHCP4_CLIENTS].value, 1);
}

/* All together no more than that; a reload changes it. */
static void the_rate_of_all(void **state)
{
	struct world *w = *state;
	unsigned n = 0;
	w->params.rate = 3;
	w->params.client_rate = 1;
	dhcp4_relay_reload(w->relay);
	for (uint8_t i = 0; i < 8; i++) {
		struct lladdr l = { .len = 6, .octet = { 2, 1, 0, 0, 0, i } };
		n += client_says(w, &l, (struct say){ .type = DHCP4_DISCOVER, .requested = "10.1.0.10" });
	}
	assert_int_equal(n, 3);
	assert_int_equal(dhcp4_counters[DHCP4_LIMITED].value, 5);
	const struct lladdr first = { .len = 6, .octet = { 2, 1, 0, 0, 0, 0 } };
	w->params.rate = 100;
	w->params.client_rate = 3;
	dhcp4_relay_reload(w->relay);
	for (n = 0; client_says(w, &first, (struct say){ .type = DHCP4_DISCOVER, .requested = "10.1.0.10" }); n++)
		;
	assert_int_equal(n, 6);
}

/* Routed to us comes only what a client with a lease through us says to its server. */
static void what_is_routed_here_is_looked_at(void **state)
{
	static const uint8_t agent[] = { 1, 1, 'x' };
	static const struct { struct say s; uint16_t port; unsigned asked; } table[] = {
		{ { .type = DHCP4_REQUEST, .ciaddr = "10.1.0.10" }, 67, 1 },
		{ { .type = DHCP4_REQUEST, .ciaddr = "10.1.0.10" }, 68, 0 },
		{ { .type = DHCP4_INFORM, .ciaddr = "10.1.0.10" }, 67, 0 },
		{ { .type = DHCP4_REQUEST, .ciaddr = "10.1.0.11" }, 67, 0 },
		{ { .type = DHCP4_REQUEST, .ciaddr = "10.1.0.10", .op = 2 }, 67, 0 },
		{ { .type = DHCP4_REQUEST, .ciaddr = "10.1.0.10", .hops = 16 }, 67, 0 },
		{ { .type = DHCP4_REQUEST, .ciaddr = "10.1.0.10", .giaddr = "10.7.7.7" }, 67, 0 },
		{ { .type = DHCP4_REQUEST, .ciaddr = "10.1.0.10", .agent = agent, .agent_len = 3, .with_agent = true }, 67, 0 },
		{ { .type = DHCP4_REQUEST, .ciaddr = "10.1.0.10", .from = &laptop }, 67, 0 },
		{ { .type = DHCP4_RELEASE, .ciaddr = "10.1.0.10" }, 67, 1 },
		{ { .type = DHCP4_REQUEST, .ciaddr = "10.1.0.10" }, 67, 0 }, /* given back */
	};
	struct world *w = *state;
	lease_begins(w, &phone, 3600);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		uint8_t out[DHCP4_MESSAGE_MAX];
		struct say s = table[i].s;
		struct dhcp4_udp u = { v4("10.1.0.10"), v4("10.2.0.1"), 68, table[i].port, out, write_message(out, &s) };
		w->asked = 0;
		dhcp4_relay_routed(w->relay, &u);
		assert_int_equal(w->asked, table[i].asked);
	}
}

static void nothing_is_done_unless_configured(void **state)
{
	struct world *w = *state;
	uint8_t out[DHCP4_MESSAGE_MAX];
	struct say s = { .type = DHCP4_REQUEST, .ciaddr = "10.1.0.10", .from = &phone };
	struct dhcp4_udp u = { v4("10.1.0.10"), v4("10.2.0.1"), 68, 67, out, write_message(out, &s) };
	lease_begins(w, &phone, 3600);
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_DISCOVER }), 1);
	w->params.relay = DHCP4_NONE;
	assert_int_equal(server_says(w, (struct say){ .type = DHCP4_OFFER, .yiaddr = "10.1.0.10" }), 0);
	w->asked = 0;
	dhcp4_relay_routed(w->relay, &u);
	assert_int_equal(w->asked, 0);
	w->params.relay = DHCP4_ALL;
	for (int i = 0; i < 100; i++)
		dhcp4_relay_routed(w->relay, &u);
	assert_int_equal(w->asked, 9); /* within its rate: twice has it asked before */
}

/* It has moved on, and renews at the router that it takes for its server. */
static void who_moved_on_renews(void **state)
{
	struct world *w = *state;
	uint8_t out[DHCP4_MESSAGE_MAX];
	struct say s = { .type = DHCP4_REQUEST, .ciaddr = "10.1.0.10", .from = &phone };
	struct dhcp4_udp u = { v4("10.1.0.10"), v4("10.2.0.1"), 68, 67, out, write_message(out, &s) };
	dhcp4_relay_routed(w->relay, &u); /* no lease through us */
	assert_int_equal(w->asked, 0);
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_REQUEST, .requested = "10.1.0.10" }), 1);
	assert_int_equal(server_says(w, (struct say){ .type = DHCP4_ACK, .yiaddr = "10.1.0.10", .lease = 3600 }), 1);
	w->asked = 0;
	u.src = v4("10.1.0.11"); /* somebody else */
	dhcp4_relay_routed(w->relay, &u);
	u.src = v4("10.1.0.10");
	u.dst = v4("10.2.0.2");
	dhcp4_relay_routed(w->relay, &u);
	assert_int_equal(w->asked, 0);
	u.dst = v4("10.2.0.1");
	dhcp4_relay_routed(w->relay, &u);
	assert_int_equal(w->asked, 1);
	assert_int_equal(server_says(w, (struct say){ .type = DHCP4_ACK, .ciaddr = "10.1.0.10", .yiaddr = "10.1.0.10", .lease = 3600 }), 0);
	assert_int_equal(w->routed, 1);
	expect_packet(w, "10.1.0.10", &phone, "10.1.0.10");
	dhcp4_relay_routed(w->relay, &u);
	assert_int_equal(server_says(w, (struct say){ .type = DHCP4_NAK }), 0); /* no longer: it is told where it is */
	assert_int_equal(w->routed, 2);
	expect_packet(w, "10.1.0.10", &phone, "::");
}

/* Given back: nothing is kept, and nobody answers. */
static void a_lease_is_given_back(void **state)
{
	struct world *w = *state;
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_REQUEST, .requested = "10.1.0.10" }), 1);
	assert_int_equal(server_says(w, (struct say){ .type = DHCP4_ACK, .yiaddr = "10.1.0.10", .lease = 3600 }), 1);
	assert_int_equal(client_says(w, &phone, (struct say){ .type = DHCP4_RELEASE, .ciaddr = "10.1.0.10", .server = "10.2.0.1" }), 1);
	assert_int_equal(w->guarded, 0);
	loop_advance(w->loop, loop_now(w->loop) + 60 * USEC_SEC);
	assert_int_equal(dhcp4_counters[DHCP4_CLIENTS].value, 0);
	assert_int_equal(dhcp4_counters[DHCP4_GIVEN_UP].value, 0);
}

int main(void)
{
#define WORLD(test) cmocka_unit_test_setup_teardown(test, world_make, world_end)
	log_level_set(LOG_LEVEL_ERROR);
	const struct CMUnitTest tests[] = {
		WORLD(an_address_is_kept),
		WORLD(a_lease_is_remembered_for_one_that_forgot_it),
		WORLD(a_renewal_without_an_answer),
		WORLD(what_else_clients_say),
		WORLD(answers_find_their_client),
		WORLD(others_are_left_alone),
		WORLD(pretenders_are_refused),
		WORLD(forged_answers_are_refused),
		WORLD(a_silent_server_is_given_up),
		WORLD(visitors),
		WORLD(visitors_with_many_addresses),
		WORLD(room_is_made_where_nobody_is_hurt),
		WORLD(limits),
		WORLD(the_rate_of_all),
		WORLD(what_is_routed_here_is_looked_at),
		WORLD(nothing_is_done_unless_configured),
		WORLD(who_moved_on_renews),
		WORLD(a_lease_is_given_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
