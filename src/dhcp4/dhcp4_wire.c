#include "dhcp4/dhcp4_wire.h"

#include <string.h>

#include "net/packet.h"

#define FIXED 236U
#define HOPS_AT 3U
#define GIADDR_AT 24U
#define SNAME_AT 44U
#define SNAME_LEN 64U
#define FILE_LEN 128U
#define COOKIE 0x63825363U
#define FLAG_BROADCAST 0x8000U
#define TTL 64

enum {
	OPTION_PAD = 0,
	OPTION_REQUESTED = 50,
	OPTION_LEASE = 51,
	OPTION_OVERLOAD = 52,
	OPTION_TYPE = 53,
	OPTION_SERVER = 54,
	OPTION_AGENT = 82,
	OPTION_END = 255,
};
enum { SUB_CIRCUIT = 1, SUB_REMOTE = 2, SUB_LINK = 5, SUB_OVERRIDE = 11 };
enum { OVERLOAD_FILE = 1, OVERLOAD_SNAME = 2 };

/* -- options --------------------------------------------------------------------------------------------------------- */

/* The next option; false at the end, which may be that of the octets, or with *bad set. Pads are passed over. */
static bool next_option(struct rd *r, uint8_t *code, struct rd *body, bool *bad)
{
	uint8_t len;
	do {
		if (!rd_u8(r, code) || *code == OPTION_END)
			return false;
	} while (*code == OPTION_PAD);
	*bad = !rd_u8(r, &len) || !rd_sub(r, len, body);
	return !*bad;
}

static bool take_addr(struct rd *r, struct in6_addr *out)
{
	struct in6_addr a;
	if (!rd_addr4(r, &a))
		return false;
	static const uint8_t none[4];
	*out = memcmp(a.s6_addr + 12, none, 4) == 0 ? in6addr_any : a;
	return true;
}

static bool option_addr(struct rd *body, struct in6_addr *out)
{
	return rd_left(body) == 4 && addr_is_zero(out) && take_addr(body, out);
}

static bool take_option(uint8_t code, struct rd *body, struct dhcp4_message *out, uint8_t *overload)
{
	switch (code) {
	case OPTION_REQUESTED:
		return option_addr(body, &out->requested);
	case OPTION_SERVER:
		return option_addr(body, &out->server);
	case OPTION_LEASE:
		return rd_left(body) == 4 && rd_u32(body, &out->lease);
	case OPTION_TYPE:
		return rd_left(body) == 1 && !out->type && rd_u8(body, &out->type);
	case OPTION_OVERLOAD:
		return rd_left(body) == 1 && !*overload && rd_u8(body, overload);
	case OPTION_AGENT:
		if (out->has_agent)
			return false;
		out->has_agent = true;
		out->agent_len = rd_left(body);
		out->agent = rd_bytes(body, out->agent_len);
		return true;
	}
	return true;
}

static bool take_options(struct rd r, struct dhcp4_message *out, uint8_t *overload)
{
	uint8_t code;
	struct rd body;
	bool bad = false;
	while (next_option(&r, &code, &body, &bad))
		if (!take_option(code, &body, out, overload))
			return false;
	return !bad;
}

/* RFC 2131 §4.1: the fields for the file's and the server's name may hold options, the former first; not a relay agent's, which
 * could not be taken out of there. */
static bool take_overload(const uint8_t *data, uint8_t overload, struct dhcp4_message *out)
{
	uint8_t again = overload; /* within them it means nothing, and may not stand */
	bool had_agent = out->has_agent;
	if (overload & OVERLOAD_FILE && !take_options(rd_make(data + SNAME_AT + SNAME_LEN, FILE_LEN), out, &again))
		return false;
	if (overload & OVERLOAD_SNAME && !take_options(rd_make(data + SNAME_AT, SNAME_LEN), out, &again))
		return false;
	return out->has_agent == had_agent;
}

bool dhcp4_parse(const void *data, size_t len, struct dhcp4_message *out)
{
	struct rd r = rd_make(data, len), address;
	uint8_t htype, hlen, overload = 0;
	uint16_t flags;
	uint32_t cookie;
	*out = (struct dhcp4_message){ 0 };
	if (!rd_u8(&r, &out->op) || !rd_u8(&r, &htype) || !rd_u8(&r, &hlen) || !rd_u8(&r, &out->hops) || !rd_u32(&r, &out->xid) ||
	    !rd_skip(&r, 2) || !rd_u16(&r, &flags) || !take_addr(&r, &out->ciaddr) || !take_addr(&r, &out->yiaddr) || !rd_skip(&r, 4) ||
	    !take_addr(&r, &out->giaddr) || !rd_sub(&r, 16, &address) || !rd_skip(&r, SNAME_LEN + FILE_LEN) || !rd_u32(&r, &cookie))
		return false;
	if ((out->op != DHCP4_BOOTREQUEST && out->op != DHCP4_BOOTREPLY) || cookie != COOKIE || hlen > 16)
		return false;
	out->broadcast = flags & FLAG_BROADCAST;
	out->chaddr.len = hlen;
	return rd_copy(&address, out->chaddr.octet, hlen) && take_options(r, out, &overload) && take_overload(data, overload, out) &&
	       out->type;
}

/* -- relaying -------------------------------------------------------------------------------------------------------- */

static void put_sub_addr(struct wr *w, uint8_t code, const struct in6_addr *a)
{
	if (!addr_is_v4(a))
		return;
	wr_u8(w, code);
	wr_u8(w, 4);
	wr_addr4(w, a);
}

size_t dhcp4_agent_put(const struct dhcp4_agent *a, uint8_t out[DHCP4_AGENT_MAX])
{
	struct wr w = wr_make(out, DHCP4_AGENT_MAX);
	size_t circuit = strnlen(a->circuit, sizeof a->circuit);
	if (circuit) {
		wr_u8(&w, SUB_CIRCUIT);
		wr_u8(&w, (uint8_t)circuit);
		wr_copy(&w, a->circuit, circuit);
	}
	wr_u8(&w, SUB_REMOTE);
	wr_u8(&w, sizeof a->remote);
	wr_copy(&w, a->remote, sizeof a->remote);
	put_sub_addr(&w, SUB_LINK, &a->link);
	put_sub_addr(&w, SUB_OVERRIDE, &a->override);
	return w.len;
}

/* The fixed part and the options, but for option 82, pads and the end. */
static void put_common(struct wr *w, const uint8_t *message, size_t len)
{
	struct rd r = rd_make(message, len), body;
	uint8_t code;
	bool bad = false;
	wr_copy(w, message, FIXED + 4);
	if (!rd_skip(&r, FIXED + 4))
		return;
	while (next_option(&r, &code, &body, &bad)) {
		if (code == OPTION_AGENT)
			continue;
		wr_u8(w, code);
		wr_u8(w, (uint8_t)rd_left(&body));
		wr_copy(w, body.p, rd_left(&body));
	}
}

static bool put_end(struct wr *w, size_t start)
{
	wr_u8(w, OPTION_END);
	if (w->len - start < DHCP4_MESSAGE_MIN)
		wr_zero(w, DHCP4_MESSAGE_MIN - (w->len - start));
	return wr_ok(w);
}

bool dhcp4_put_request(struct wr *w, const void *message, size_t len, const struct dhcp4_agent *a)
{
	uint8_t agent[DHCP4_AGENT_MAX];
	size_t start = w->len, agent_len = dhcp4_agent_put(a, agent);
	if (len < FIXED + 4)
		return false;
	put_common(w, message, len);
	wr_patch8(w, start + HOPS_AT, (uint8_t)(((const uint8_t *)message)[HOPS_AT] + 1));
	wr_patch16(w, start + GIADDR_AT, (uint16_t)(a->giaddr.s6_addr[12] << 8 | a->giaddr.s6_addr[13]));
	wr_patch16(w, start + GIADDR_AT + 2, (uint16_t)(a->giaddr.s6_addr[14] << 8 | a->giaddr.s6_addr[15]));
	wr_u8(w, OPTION_AGENT);
	wr_u8(w, (uint8_t)agent_len);
	wr_copy(w, agent, agent_len);
	return put_end(w, start);
}

bool dhcp4_put_reply(struct wr *w, const void *message, size_t len)
{
	size_t start = w->len;
	if (len < FIXED + 4)
		return false;
	put_common(w, message, len);
	return put_end(w, start);
}

/* -- UDP ------------------------------------------------------------------------------------------------------------- */

/* One's complement sum, not yet its complement, of the pseudo-header (RFC 768). */
static uint32_t pseudo_sum(const struct in6_addr *src, const struct in6_addr *dst, size_t len)
{
	uint32_t sum = IPPROTO_UDP + (uint32_t)len;
	for (unsigned i = 12; i < 16; i += 2)
		sum += (uint32_t)(src->s6_addr[i] << 8 | src->s6_addr[i + 1]) + (uint32_t)(dst->s6_addr[i] << 8 | dst->s6_addr[i + 1]);
	return sum;
}

static uint16_t udp_checksum(const struct in6_addr *src, const struct in6_addr *dst, const void *udp, size_t len)
{
	uint32_t sum = pseudo_sum(src, dst, len) + (uint16_t)~checksum_inet(udp, len);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

bool dhcp4_udp_walk(const void *packet, size_t len, bool checksum_open, struct dhcp4_udp *out)
{
	struct packet4 p;
	uint16_t udp_len, checksum;
	if (!packet4_walk(packet, len, &p) || p.proto != IPPROTO_UDP)
		return false;
	struct rd r = rd_make(p.data, p.len);
	*out = (struct dhcp4_udp){ .src = p.src, .dst = p.dst };
	if (!rd_u16(&r, &out->sport) || !rd_u16(&r, &out->dport) || !rd_u16(&r, &udp_len) || !rd_u16(&r, &checksum) ||
	    udp_len < 8 || udp_len > p.len)
		return false;
	out->data = r.p;
	out->len = udp_len - 8U;
	return !checksum || checksum_open || udp_checksum(&p.src, &p.dst, p.data, udp_len) == 0;
}

void dhcp4_udp_put_inner(struct wr *w, const struct dhcp4_udp *u)
{
	size_t start = w->len;
	wr_u16(w, u->sport);
	wr_u16(w, u->dport);
	wr_u16(w, (uint16_t)(8 + u->len));
	wr_u16(w, 0);
	wr_copy(w, u->data, u->len);
	if (!wr_ok(w))
		return;
	uint16_t sum = udp_checksum(&u->src, &u->dst, w->base + start, 8 + u->len);
	wr_patch16(w, start + 6, sum ? sum : 0xffff);
}

void dhcp4_udp_put(struct wr *w, const struct dhcp4_udp *u)
{
	static const struct in6_addr any = { .s6_addr = { [10] = 0xff, [11] = 0xff } };
	size_t start = w->len;
	wr_u16(w, 0x45 << 8 | 0xc0); /* DSCP CS6, as DHCP servers send */
	wr_u16(w, (uint16_t)(28 + u->len));
	wr_u32(w, 0);
	wr_u8(w, TTL);
	wr_u8(w, IPPROTO_UDP);
	wr_u16(w, 0);
	wr_addr4(w, addr_is_v4(&u->src) ? &u->src : &any);
	wr_addr4(w, &u->dst);
	if (!wr_ok(w))
		return;
	wr_patch16(w, start + 10, checksum_inet(w->base + start, 20));
	dhcp4_udp_put_inner(w, u);
}
