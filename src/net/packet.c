#include <netinet/in.h>
#include <string.h>

#include "net/packet.h"

enum { ROUTING_HOME = 2 };
enum { OPT_PAD1 = 0, OPT_ROUTER_ALERT = 5, OPT_HOME_ADDRESS = 0xc9 };

/* RFC 8200 §4.2: the two highest bits of an option's type say what a node does that does not know it; 0 is: skip. */
static bool option_skippable(uint8_t type)
{
	return (type & 0xc0) == 0;
}

static bool walk_option(uint8_t header, uint8_t type, struct rd *body, struct packet6 *out)
{
	if (header == IPPROTO_HOPOPTS && type == OPT_ROUTER_ALERT) {
		if (rd_left(body) != 2)
			return false;
		out->router_alert = true;
		return rd_u16(body, &out->alert);
	}
	if (header == IPPROTO_DSTOPTS && type == OPT_HOME_ADDRESS) {
		if (rd_left(body) != 16 || !addr_is_zero(&out->home))
			return false;
		return rd_addr6(body, &out->home) && !addr_is_zero(&out->home) && !addr_is_multicast(&out->home);
	}
	return option_skippable(type);
}

static bool walk_options(uint8_t header, struct rd *r, struct packet6 *out)
{
	while (rd_left(r)) {
		uint8_t type, n;
		struct rd body;
		if (!rd_u8(r, &type))
			return false;
		if (type == OPT_PAD1)
			continue;
		if (!rd_u8(r, &n) || !rd_sub(r, n, &body) || !walk_option(header, type, &body, out))
			return false;
	}
	return true;
}

static bool walk_routing(struct rd *body, bool home, struct packet6 *out)
{
	uint8_t type, segments;
	if (!rd_u8(body, &type) || !rd_u8(body, &segments))
		return false;
	if (segments == 0)
		return true;
	return home && type == ROUTING_HOME && segments == 1 && rd_left(body) == 4 + 16 && addr_is_zero(&out->routed) && rd_skip(body, 4) &&
	       rd_addr6(body, &out->routed) && !addr_is_zero(&out->routed) && !addr_is_multicast(&out->routed);
}

/* One extension header; *proto becomes what follows it. */
static bool walk_header(struct rd *r, bool home, struct packet6 *out)
{
	uint8_t header = out->proto, next, words;
	struct rd body;
	if (!rd_u8(r, &next) || !rd_u8(r, &words) || !rd_sub(r, 6U + 8U * words, &body))
		return false;
	out->proto = next;
	if (header != IPPROTO_ROUTING)
		return walk_options(header, &body, out);
	return walk_routing(&body, home, out);
}

static bool walk(const void *packet, size_t len, bool home, struct packet6 *out)
{
	struct rd r = rd_make(packet, len), body;
	uint32_t version;
	uint16_t payload;
	memset(out, 0, sizeof *out);
	if (!rd_u32(&r, &version) || version >> 28 != 6 || !rd_u16(&r, &payload) || !rd_u8(&r, &out->proto) ||
	    !rd_u8(&r, &out->hop_limit) || !rd_addr6(&r, &out->src) || !rd_addr6(&r, &out->dst) || !rd_sub(&r, payload, &body))
		return false;
	/* Hop-by-hop options stand directly behind the IPv6 header or not at all (RFC 8200 §4.1). */
	if (out->proto == IPPROTO_HOPOPTS && !walk_header(&body, home, out))
		return false;
	while (out->proto == IPPROTO_DSTOPTS || out->proto == IPPROTO_ROUTING)
		if (!walk_header(&body, home, out))
			return false;
	if (out->proto == IPPROTO_HOPOPTS || out->proto == IPPROTO_FRAGMENT)
		return false;
	out->len = rd_left(&body);
	out->data = rd_bytes(&body, out->len);
	return true;
}

bool packet6_walk(const void *packet, size_t len, struct packet6 *out)
{
	return walk(packet, len, false, out);
}

bool packet6_walk_home(const void *packet, size_t len, struct packet6 *out)
{
	return walk(packet, len, true, out);
}

enum { OPT4_END = 0, OPT4_NOP = 1, OPT4_ROUTER_ALERT = 148 };

static bool walk_options4(struct rd *r, struct packet4 *out)
{
	uint8_t type, n;
	uint16_t value;
	struct rd body;
	while (rd_u8(r, &type) && type != OPT4_END) {
		if (type == OPT4_NOP)
			continue;
		if (!rd_u8(r, &n) || n < 2 || !rd_sub(r, n - 2U, &body))
			return false;
		if (type == OPT4_ROUTER_ALERT)
			out->router_alert = rd_u16(&body, &value) && value == 0;
	}
	return true;
}

bool packet4_walk(const void *packet, size_t len, struct packet4 *out)
{
	struct rd r = rd_make(packet, len), head, body;
	uint16_t total, fragment;
	uint8_t first;
	memset(out, 0, sizeof *out);
	if (!rd_left(&r))
		return false;
	first = *r.p;
	size_t words = first & 15;
	if (first >> 4 != 4 || words < 5 || !rd_sub(&r, 4 * words, &head) || checksum_inet(packet, 4 * words))
		return false;
	if (!rd_skip(&head, 2) || !rd_u16(&head, &total) || !rd_skip(&head, 2) || !rd_u16(&head, &fragment) ||
	    fragment & 0x3fff || !rd_u8(&head, &out->ttl) || !rd_u8(&head, &out->proto) || !rd_skip(&head, 2) ||
	    !rd_addr4(&head, &out->src) || !rd_addr4(&head, &out->dst) || !walk_options4(&head, out))
		return false;
	if (total < 4 * words || !rd_sub(&r, total - 4 * words, &body))
		return false;
	out->len = rd_left(&body);
	out->data = rd_bytes(&body, out->len);
	return true;
}

/* -- either family --------------------------------------------------------------------------------------------------- */

#define ECN_MASK 3
#define ECN_CE 3
#define HOPS4 8     /* octet of the time to live in an IPv4 header */
#define CHECKSUM4 10
#define HOPS6 7

static bool head4(struct rd *r, struct packet_head *out)
{
	uint8_t first;
	uint16_t total;
	size_t there = rd_left(r);
	if (!rd_u8(r, &first) || !rd_u8(r, &out->tclass) || !rd_u16(r, &total) || !rd_skip(r, 8) || !rd_addr4(r, &out->src) ||
	    !rd_addr4(r, &out->dst))
		return false;
	out->v4 = true;
	out->len = total;
	return (first & 15) >= 5 && total >= 4 * (first & 15) && total <= there;
}

static bool head6(struct rd *r, struct packet_head *out)
{
	uint32_t version;
	uint16_t payload;
	if (!rd_u32(r, &version) || !rd_u16(r, &payload) || !rd_skip(r, 2) || !rd_addr6(r, &out->src) || !rd_addr6(r, &out->dst))
		return false;
	out->tclass = (uint8_t)(version >> 20);
	out->len = PACKET6_HEADER + (size_t)payload;
	return payload <= rd_left(r);
}

bool packet_head(const void *packet, size_t len, struct packet_head *out)
{
	struct rd r = rd_make(packet, len);
	*out = (struct packet_head){ 0 };
	if (!len)
		return false;
	uint8_t version = *r.p >> 4;
	return version == 4 ? head4(&r, out) : version == 6 && head6(&r, out);
}

/* A 16-bit word of an IPv4 header changes by so much (RFC 1624 §3). */
static void checksum4_adjust(uint8_t *packet, uint16_t was, uint16_t is)
{
	uint32_t sum = (uint16_t)~(packet[CHECKSUM4] << 8 | packet[CHECKSUM4 + 1]);
	sum += (uint16_t)~was + (uint32_t)is;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	packet[CHECKSUM4] = (uint8_t)(~sum >> 8);
	packet[CHECKSUM4 + 1] = (uint8_t)~sum;
}

void packet_hop_back(uint8_t *packet)
{
	uint8_t *hops = packet + (*packet >> 4 == 4 ? HOPS4 : HOPS6);
	if (*hops == UINT8_MAX)
		return;
	++*hops;
	if (*packet >> 4 == 4)
		checksum4_adjust(packet, (uint16_t)((*hops - 1) << 8), (uint16_t)(*hops << 8));
}

bool packet_mark_ce(uint8_t *packet)
{
	if (*packet >> 4 == 4) {
		uint8_t was = packet[1];
		if (!(was & ECN_MASK))
			return false;
		packet[1] |= ECN_CE;
		checksum4_adjust(packet, was, packet[1]);
		return true;
	}
	if (((packet[1] >> 4) & ECN_MASK) == 0)
		return false;
	packet[1] |= ECN_CE << 4;
	return true;
}

void packet6_put_header(struct wr *w, const struct in6_addr *src, const struct in6_addr *dst, uint8_t next_header,
                        uint8_t hop_limit)
{
	wr_u32(w, 6U << 28);
	wr_u16(w, 0);
	wr_u8(w, next_header);
	wr_u8(w, hop_limit);
	wr_addr6(w, src);
	wr_addr6(w, dst);
}

void packet6_put_routing(struct wr *w, uint8_t next_header, const struct in6_addr *home)
{
	wr_u8(w, next_header);
	wr_u8(w, 2);
	wr_u8(w, ROUTING_HOME);
	wr_u8(w, 1);
	wr_u32(w, 0);
	wr_addr6(w, home);
}

void packet6_put_home(struct wr *w, uint8_t next_header, const struct in6_addr *home)
{
	wr_u8(w, next_header);
	wr_u8(w, 2);
	wr_u8(w, 1); /* PadN of 4 octets: the option is aligned 8n+6 */
	wr_u8(w, 2);
	wr_u16(w, 0);
	wr_u8(w, OPT_HOME_ADDRESS);
	wr_u8(w, 16);
	wr_addr6(w, home);
}
