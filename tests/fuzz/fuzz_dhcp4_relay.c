/*
 * The relay agent of DHCPv4, driven by any octets: what clients and servers say, rightly and wrongly, visits, reloads and time. What must
 * hold: clients are no more than configured, the guard stands for whom the relay says it stands and is turned on and off in turn, only
 * who asked is answered, and when all have gone nobody is known and nobody guarded.
 */
#include <stdlib.h>
#include <string.h>

#include "dhcp4/dhcp4_relay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CLIENTS 6

static struct {
	struct loop *loop;
	struct dhcp4_params params;
	struct dhcp4_relay *relay;
	bool guarded[CLIENTS], no_link;
	unsigned asked[CLIENTS];
	uint8_t question[DHCP4_MESSAGE_MAX];
	size_t question_len;
} w;

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* 10.1/16 and 10.2/16 are neighbours' links, 10.9/16 is ours. */
static struct in6_addr at(uint8_t net, uint8_t host)
{
	return (struct in6_addr){ .s6_addr = { [10] = 0xff, 0xff, 10, net, 0, host } };
}

static struct in6_addr address(uint8_t b)
{
	static const uint8_t nets[] = { 1, 2, 9, 7 };
	struct in6_addr none = { .s6_addr = { [10] = 0xff, 0xff } };
	return b & 0x40 ? none : b & 0x80 ? in6addr_any : at(nets[b >> 3 & 3], b & 7);
}

static struct lladdr client(uint8_t b)
{
	return (struct lladdr){ .len = 6, .octet = { 2, [5] = b % CLIENTS } };
}

static bool op_home(void *arg, const struct in6_addr *a, struct dhcp4_home *out)
{
	struct in6_addr net = at(a->s6_addr[13], 0);
	*out = (struct dhcp4_home){ .server = at(7, a->s6_addr[13]), .link = at(a->s6_addr[13], 1), .prefix = prefix_of(&net, 112) };
	return addr_is_v4(a) && (a->s6_addr[13] == 1 || a->s6_addr[13] == 2);
}

static bool op_link(void *arg, int ifindex, struct in6_addr *a, char name[DHCP4_CIRCUIT_MAX])
{
	*a = at(9, 1);
	memcpy(name, "wlan", 5);
	return !w.no_link;
}

static bool op_local(void *arg, const struct in6_addr *server, struct in6_addr *out)
{
	*out = at(8, 1);
	return true;
}

static void op_send(void *arg, const struct dhcp4_udp *u)
{
	struct dhcp4_message m;
	must(w.params.relay != DHCP4_NONE && dhcp4_parse(u->data, u->len, &m));
	must((m.op == DHCP4_BOOTREQUEST) == (u->dport == DHCP4_SERVER_PORT) && m.chaddr.len == 6);
	if (m.op != DHCP4_BOOTREQUEST) {
		must(w.asked[m.chaddr.octet[5]] && !m.has_agent);
		return;
	}
	must(m.has_agent && m.hops && m.hops <= DHCP4_HOPS_MAX && u->dst.s6_addr[13] == 7);
	w.asked[m.chaddr.octet[5]]++;
	w.question_len = u->len;
	memcpy(w.question, u->data, u->len);
}

static void op_to_client(void *arg, int ifindex, const struct lladdr *to, const void *packet, size_t len)
{
	struct dhcp4_udp u;
	struct dhcp4_message m;
	must(dhcp4_udp_walk(packet, len, false, &u) && dhcp4_parse(u.data, u.len, &m) && u.dport == DHCP4_CLIENT_PORT);
	must(m.op == DHCP4_BOOTREPLY && !m.has_agent && w.asked[m.chaddr.octet[5]]);
	must(lladdr_eq(to, &m.chaddr) || (to->octet[0] == 0xff && to->octet[5] == 0xff));
}

static void op_guard(void *arg, const struct lladdr *l, bool on)
{
	must(l->len == 6 && l->octet[5] < CLIENTS && w.guarded[l->octet[5]] != on);
	w.guarded[l->octet[5]] = on;
}

static const struct dhcp4_relay_ops ops = { op_home, op_link, op_local, op_send, op_to_client, op_guard };

/* ---- messages ---- */

static void put4(struct wr *o, const struct in6_addr *a)
{
	wr_copy(o, a->s6_addr + 12, 4);
}

static void put_option4(struct wr *o, uint8_t code, const struct in6_addr *a)
{
	if (!addr_is_v4(a) || !a->s6_addr[12])
		return;
	wr_u8(o, code);
	wr_u8(o, 4);
	put4(o, a);
}

/* What it says, but for addresses, is the octets' choice; an answer has the agent's option of the last question, perhaps spoilt. */
static size_t message(struct rd *in, uint8_t op, uint8_t out[DHCP4_MESSAGE_MAX])
{
	uint8_t type = 0, from = 0, flags = 0, a = 0, b = 0, c = 0;
	struct dhcp4_message q;
	struct wr o = wr_make(out, DHCP4_MESSAGE_MAX);
	(void)(rd_u8(in, &type) && rd_u8(in, &from) && rd_u8(in, &flags) && rd_u8(in, &a) && rd_u8(in, &b) && rd_u8(in, &c));
	bool asked = dhcp4_parse(w.question, w.question_len, &q);
	struct lladdr l = op == DHCP4_BOOTREPLY && asked && !(flags & 1) ? q.chaddr : client(from);
	struct in6_addr ciaddr = address(a), yiaddr = address(b), other = address(c), none = in6addr_any;
	struct in6_addr giaddr = op == DHCP4_BOOTREPLY && asked && !(flags & 2) ? q.giaddr : flags & 4 ? at(8, 1) : none;
	wr_u8(&o, op);
	wr_u8(&o, 1);
	wr_u8(&o, l.len);
	wr_u8(&o, flags & 8 ? 17 : 0);
	wr_u32(&o, op == DHCP4_BOOTREPLY && asked && !(flags & 16) ? q.xid : from);
	wr_u32(&o, flags & 32 ? 0x8000 : 0);
	put4(&o, &ciaddr);
	put4(&o, op == DHCP4_BOOTREPLY ? &yiaddr : &none);
	put4(&o, &none);
	put4(&o, &giaddr);
	wr_copy(&o, l.octet, l.len);
	wr_zero(&o, 16U - l.len + 192);
	wr_u32(&o, 0x63825363);
	wr_u16(&o, 0x3501);
	wr_u8(&o, type % 10);
	put_option4(&o, 50, op == DHCP4_BOOTREPLY ? &none : &yiaddr);
	put_option4(&o, 54, &other);
	wr_u16(&o, 0x3304);
	wr_u32(&o, (uint32_t)type << 2);
	if (asked && (op == DHCP4_BOOTREPLY) == !(flags & 64)) {
		wr_u8(&o, 82);
		wr_u8(&o, (uint8_t)q.agent_len);
		wr_copy(&o, q.agent, q.agent_len);
		if (flags & 128)
			out[o.len - 1 - from % q.agent_len] ^= 1;
	}
	wr_u8(&o, 255);
	must(wr_ok(&o));
	return o.len;
}

static void says(struct rd *in, bool routed)
{
	uint8_t out[DHCP4_MESSAGE_MAX], how = 0;
	rd_u8(in, &how);
	struct lladdr from = client(how);
	struct dhcp4_udp u = { .src = routed ? address(how & 0x1f) : in6addr_any, .dst = at(9, 1), .sport = DHCP4_CLIENT_PORT,
		.dport = how & 0x80 ? DHCP4_CLIENT_PORT : DHCP4_SERVER_PORT, .data = out };
	u.len = message(in, DHCP4_BOOTREQUEST, out);
	if (how & 0x40 && u.len > how)
		u.len -= how;
	if (routed) {
		dhcp4_relay_routed(w.relay, &u);
		return;
	}
	if (!(how & 0x20)) { /* what it says of itself */
		struct dhcp4_message m;
		if (dhcp4_parse(out, u.len, &m))
			from = m.chaddr;
	}
	dhcp4_relay_request(w.relay, 3, &from, &u);
}

static void answered(struct rd *in)
{
	uint8_t out[DHCP4_MESSAGE_MAX];
	struct dhcp4_udp u = { .src = at(7, 1), .dst = at(8, 1), .sport = DHCP4_SERVER_PORT, .dport = DHCP4_SERVER_PORT, .data = out };
	u.len = message(in, DHCP4_BOOTREPLY, out);
	dhcp4_relay_reply(w.relay, &u);
}

static void one(struct rd *in, uint8_t what)
{
	uint8_t a = 0, b = 0;
	struct lladdr l;
	struct in6_addr addr;
	switch (what % 12) {
	case 0: case 1: case 2: case 3:
		says(in, what & 0x80);
		return;
	case 4: case 5: case 6:
		answered(in);
		return;
	}
	(void)(rd_u8(in, &a) && rd_u8(in, &b));
	switch (what % 12) {
	case 7: case 8:
		l = client(a);
		addr = address(b);
		dhcp4_relay_visit(w.relay, &l, &addr, a & 0x80);
		break;
	case 9:
		loop_advance(w.loop, loop_now(w.loop) + a * 100 * USEC_MSEC);
		break;
	case 10:
		loop_advance(w.loop, loop_now(w.loop) + a * 10 * USEC_SEC);
		break;
	case 11:
		w.params.relay = a % 3;
		w.params.clients = 4 + b % 4; /* fewer than there are only turns others away */
		w.no_link = b & 0x80;
		dhcp4_relay_reload(w.relay);
		break;
	}
}

static unsigned seen;

static void view(const struct dhcp4_view *v, void *arg)
{
	seen++;
	must(v->guarded == w.guarded[v->lladdr.octet[5]]);
	must(w.params.relay != DHCP4_NONE || !v->guarded);
}

static void all_go(void)
{
	for (uint8_t i = 0; i < CLIENTS; i++)
		for (int b = 0; b < 128; b++) {
			struct lladdr l = client(i);
			struct in6_addr a = address((uint8_t)b);
			dhcp4_relay_visit(w.relay, &l, &a, false);
		}
	loop_advance(w.loop, loop_now(w.loop) + 7200 * USEC_SEC);
	must(dhcp4_counters[DHCP4_CLIENTS].value == 0 && dhcp4_counters[DHCP4_GUARDED].value == 0 && loop_next_due(w.loop) == UINT64_MAX);
	for (size_t i = 0; i < CLIENTS; i++)
		must(!w.guarded[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd in = rd_make(data, size);
	uint8_t what;
	memset(&w, 0, sizeof w);
	log_level_set(LOG_LEVEL_ERROR);
	w.params = (struct dhcp4_params){ .relay = DHCP4_ALL, .clients = 4, .client_rate = 5, .rate = 50, .timeout = 8 * USEC_SEC };
	w.loop = loop_create_virtual(100 * USEC_SEC);
	w.relay = dhcp4_relay_create(w.loop, &w.params, &ops, NULL);
	must(w.relay);
	while (rd_u8(&in, &what)) {
		one(&in, what);
		seen = 0;
		dhcp4_relay_each(w.relay, view, NULL);
		must(seen <= 7 && seen == dhcp4_counters[DHCP4_CLIENTS].value);
	}
	all_go();
	dhcp4_relay_destroy(w.relay);
	must(loop_next_due(w.loop) == UINT64_MAX);
	loop_destroy(w.loop);
	return 0;
}
