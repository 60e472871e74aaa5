#include "mip6/mip6_wire_nd.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "core/buf.h"
#include "net/packet.h"

#define OPTION_TARGET_LLADDR 2
#define CHECKSUM_AT 2

struct in6_addr nd_group(const struct in6_addr *a)
{
	struct in6_addr g = { .s6_addr = { 0xff, 2, [11] = 1, [12] = 0xff } };
	memcpy(g.s6_addr + 13, a->s6_addr + 13, 3);
	return g;
}

struct lladdr nd_group_lladdr(const struct in6_addr *group)
{
	struct lladdr l = { .len = 6, .octet = { 0x33, 0x33 } };
	memcpy(l.octet + 2, group->s6_addr + 12, 4);
	return l;
}

int nd_probe_pack(const struct in6_addr *target, uint8_t *out, size_t cap)
{
	struct wr w = wr_make(out, cap);
	struct in6_addr group = nd_group(target);
	packet6_put_header(&w, &in6addr_any, &group, IPPROTO_ICMPV6, ND_HOP_LIMIT);
	wr_u8(&w, ND_SOLICITATION);
	wr_zero(&w, 7);
	wr_addr6(&w, target);
	if (!wr_ok(&w))
		return -EMSGSIZE;
	wr_patch16(&w, 4, (uint16_t)(w.len - PACKET6_HEADER));
	wr_patch16(&w, PACKET6_HEADER + CHECKSUM_AT,
	           checksum_ipv6(&in6addr_any, &group, IPPROTO_ICMPV6, out + PACKET6_HEADER, w.len - PACKET6_HEADER));
	return (int)w.len;
}

int nd_advertisement_pack(const struct in6_addr *target, uint8_t flags, const struct lladdr *lladdr, uint8_t *out, size_t cap)
{
	struct wr w = wr_make(out, cap);
	wr_u8(&w, ND_ADVERTISEMENT);
	wr_zero(&w, 3);
	wr_u8(&w, flags);
	wr_zero(&w, 3);
	wr_addr6(&w, target);
	if (lladdr->len) {
		wr_u8(&w, OPTION_TARGET_LLADDR);
		wr_u8(&w, (uint8_t)((2 + lladdr->len + 7) / 8));
		wr_copy(&w, lladdr->octet, lladdr->len);
		wr_align(&w, 8, 0);
	}
	return wr_ok(&w) ? (int)w.len : -EMSGSIZE;
}

bool nd_target(const uint8_t *data, size_t len, struct in6_addr *out)
{
	struct rd r = rd_make(data, len);
	uint8_t type, code;
	return rd_u8(&r, &type) && (type == ND_SOLICITATION || type == ND_ADVERTISEMENT) && rd_u8(&r, &code) && code == 0 &&
	       rd_skip(&r, 6) && rd_addr6(&r, out) && !addr_is_multicast(out);
}
