#include "context/flows_wire.h"

#include <string.h>

enum { RESPONDER = 0x80, ASSURED = 0x40, REPLIED = 0x20, MARK = 0x10, RESERVED = 0x0f };
enum { TCP_STATE_MAX = 9, TCP_SCALE_MAX = 14, SCTP_STATE_MAX = 8 };

enum layout { LAYOUT_PLAIN, LAYOUT_PORTS, LAYOUT_TCP, LAYOUT_SCTP, LAYOUT_NONE };

static enum layout layout_of(uint8_t proto)
{
	static const struct {
		uint8_t proto;
		enum layout layout;
	} table[] = { { IPPROTO_TCP, LAYOUT_TCP }, { IPPROTO_UDP, LAYOUT_PORTS }, { IPPROTO_UDPLITE, LAYOUT_PORTS },
		      { IPPROTO_SCTP, LAYOUT_SCTP }, { IPPROTO_ICMP, LAYOUT_PORTS }, { IPPROTO_ICMPV6, LAYOUT_PORTS },
		      { IPPROTO_GRE, LAYOUT_NONE }, { IPPROTO_DCCP, LAYOUT_NONE } };
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].proto == proto)
			return table[i].layout;
	return LAYOUT_PLAIN;
}

bool flows_protocol(uint8_t proto)
{
	return layout_of(proto) != LAYOUT_NONE;
}

static void put_addr(struct wr *w, const struct in6_addr *a)
{
	if (addr_is_v4(a))
		wr_addr4(w, a);
	else
		wr_addr6(w, a);
}

static bool get_addr(struct rd *r, bool v4, struct in6_addr *out)
{
	if (v4 ? !rd_addr4(r, out) : !rd_addr6(r, out))
		return false;
	/* Neither an IPv4 address in an IPv6 field, nor one that no host can have. */
	return addr_is_v4(out) == v4 && !addr_is_zero(out) && !addr_is_multicast(out) &&
	       !(v4 && (out->s6_addr[12] == 0 || out->s6_addr[12] >= 224));
}

static void put_entry(struct wr *w, const struct in6_addr *addr, bool marks, const struct conntrack_entry *e)
{
	bool responder = !addr_eq(&e->tuple.src, addr), mark = marks && e->mark;
	enum layout layout = layout_of(e->tuple.proto);
	wr_u8(w, (uint8_t)((responder ? RESPONDER : 0) | (e->assured ? ASSURED : 0) | (e->replied ? REPLIED : 0) |
	                   (mark ? MARK : 0)));
	wr_u8(w, e->tuple.proto);
	put_addr(w, responder ? &e->tuple.src : &e->tuple.dst);
	if (layout != LAYOUT_PLAIN) {
		wr_u16(w, e->tuple.sport);
		wr_u16(w, e->tuple.dport);
	}
	wr_u32(w, e->timeout);
	if (mark)
		wr_u32(w, e->mark);
	if (layout == LAYOUT_TCP) {
		wr_u8(w, e->tcp_state);
		wr_u8(w, (uint8_t)((e->tcp_flags[0] & 15) << 4 | (e->tcp_flags[1] & 15)));
		wr_u8(w, (uint8_t)((e->tcp_scale[0] & 15) << 4 | (e->tcp_scale[1] & 15)));
	} else if (layout == LAYOUT_SCTP) {
		wr_u8(w, e->sctp_state);
		wr_u32(w, e->sctp_vtag[0]);
		wr_u32(w, e->sctp_vtag[1]);
	}
}

size_t flows_pack(struct wr *w, const struct in6_addr *addr, uint16_t left_out, bool marks, const struct conntrack_entry *e,
                  size_t n)
{
	size_t packed = 0;
	wr_u8(w, FLOWS_VERSION);
	wr_u8(w, addr_is_v4(addr) ? 4 : 6);
	wr_zero(w, 2);
	wr_u16(w, left_out);
	put_addr(w, addr);
	while (packed < n && packed < FLOWS_ENTRIES_MAX) {
		struct wr before = *w;
		put_entry(w, addr, marks, &e[packed]);
		if (!wr_ok(w)) {
			*w = before;
			break;
		}
		packed++;
	}
	wr_patch8(w, 2, (uint8_t)packed);
	return packed;
}

static bool get_tcp(struct rd *r, struct conntrack_entry *e)
{
	uint8_t flags, scales;
	if (!rd_u8(r, &e->tcp_state) || !rd_u8(r, &flags) || !rd_u8(r, &scales))
		return false;
	e->tcp_flags[0] = flags >> 4;
	e->tcp_flags[1] = flags & 15;
	e->tcp_scale[0] = scales >> 4;
	e->tcp_scale[1] = scales & 15;
	return e->tcp_state && e->tcp_state <= TCP_STATE_MAX && e->tcp_scale[0] <= TCP_SCALE_MAX && e->tcp_scale[1] <= TCP_SCALE_MAX;
}

static bool get_state(struct rd *r, struct conntrack_entry *e)
{
	switch (layout_of(e->tuple.proto)) {
	case LAYOUT_TCP:
		return get_tcp(r, e);
	case LAYOUT_SCTP:
		return rd_u8(r, &e->sctp_state) && rd_u32(r, &e->sctp_vtag[0]) && rd_u32(r, &e->sctp_vtag[1]) && e->sctp_state &&
		       e->sctp_state <= SCTP_STATE_MAX;
	case LAYOUT_PLAIN:
	case LAYOUT_PORTS:
		return true;
	case LAYOUT_NONE:
		return false;
	}
	return false;
}

static bool get_entry(struct rd *r, const struct in6_addr *addr, struct conntrack_entry *e)
{
	struct in6_addr peer;
	uint8_t bits;
	memset(e, 0, sizeof *e);
	if (!rd_u8(r, &bits) || bits & RESERVED || !rd_u8(r, &e->tuple.proto) || !get_addr(r, addr_is_v4(addr), &peer) ||
	    addr_eq(&peer, addr)) /* a flow from a node to itself passes no router */
		return false;
	e->tuple.src = bits & RESPONDER ? peer : *addr;
	e->tuple.dst = bits & RESPONDER ? *addr : peer;
	e->assured = bits & ASSURED;
	e->replied = bits & REPLIED;
	e->marked = bits & MARK;
	if (layout_of(e->tuple.proto) != LAYOUT_PLAIN && (!rd_u16(r, &e->tuple.sport) || !rd_u16(r, &e->tuple.dport)))
		return false;
	return rd_u32(r, &e->timeout) && (!e->marked || rd_u32(r, &e->mark)) && get_state(r, e);
}

static bool only_padding(const struct rd *r)
{
	for (const uint8_t *p = r->p; p < r->end; p++)
		if (*p)
			return false;
	return rd_left(r) < 8;
}

enum flows_error flows_parse(const void *data, size_t len, struct flows_block *out)
{
	struct rd r = rd_make(data, len);
	uint8_t version, family, n, zero;
	out->n = 0;
	if (!rd_u8(&r, &version))
		return FLOWS_MALFORMED;
	if (version != FLOWS_VERSION)
		return FLOWS_OTHER_VERSION;
	if (!rd_u8(&r, &family) || !rd_u8(&r, &n) || !rd_u8(&r, &zero) || !rd_u16(&r, &out->left_out) ||
	    (family != 4 && family != 6) || zero || n > FLOWS_ENTRIES_MAX || !get_addr(&r, family == 4, &out->addr))
		return FLOWS_MALFORMED;
	for (size_t i = 0; i < n; i++)
		if (!get_entry(&r, &out->addr, &out->entries[i]))
			return FLOWS_MALFORMED;
	if (!only_padding(&r))
		return FLOWS_MALFORMED;
	out->n = n;
	return FLOWS_OK;
}
