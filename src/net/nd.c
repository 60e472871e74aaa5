#include "net/nd.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "net/packet.h"

#define CHECKSUM_AT 2

enum { OPT_SOURCE = 1, OPT_TARGET = 2, OPT_PREFIX = ND_OPTION_PREFIX, OPT_INTERVAL = 7, OPT_HOME_AGENT = 8 };
enum { PREFIX_ON_LINK = 0x80, PREFIX_AUTONOMOUS = 0x40, PREFIX_ROUTER = 0x20 };
enum { PREFIX_BODY = 30, PREFIX_WORDS = 4, INTERVAL_BODY = 6, HOME_AGENT_BODY = 6 };

/* ---- reading ---- */

static bool get_lladdr(struct rd *body, uint8_t lla_len, struct lladdr *out)
{
	*out = (struct lladdr){ .len = lla_len };
	return lla_len <= LLADDR_MAX && rd_copy(body, out->octet, lla_len);
}

bool nd_is_station(const struct lladdr *l, uint8_t lla_len)
{
	static const struct lladdr zero;
	bool group = (l->len == 6 || l->len == 8) && l->octet[0] & 1; /* IEEE 802: the first bit on the wire */
	return l->len == lla_len && !group && memcmp(l->octet, zero.octet, l->len) != 0;
}

/* What is left of the option behind an address of the right length is padding to a whole word. */
static void get_target(struct rd *body, uint8_t lla_len, struct nd_na *out)
{
	bool fits = get_lladdr(body, lla_len, &out->lladdr) && rd_left(body) < 8;
	out->lladdr_odd = lla_len && !(fits && nd_is_station(&out->lladdr, lla_len));
	if (out->lladdr_odd)
		out->lladdr.len = 0;
}

static bool says_nothing(const struct in6_addr *a)
{
	return addr_is_link_local(a) || addr_is_multicast(a) || addr_is_zero(a);
}

bool nd_prefix_parse(struct rd *body, struct nd_prefix *out)
{
	struct in6_addr a;
	uint8_t plen, flags;
	*out = (struct nd_prefix){ .valid = 0 };
	if (rd_left(body) != PREFIX_BODY || !rd_u8(body, &plen) || plen > 128 || !rd_u8(body, &flags) || !rd_u32(body, &out->valid) ||
	    !rd_u32(body, &out->preferred) || !rd_skip(body, 4) || !rd_addr6(body, &a))
		return false;
	const struct prefix p = prefix_of(&a, plen);
	if (says_nothing(&a) || says_nothing(&p.addr) || plen == 0 || out->preferred > out->valid)
		return true;
	out->prefix = p;
	out->on_link = flags & PREFIX_ON_LINK;
	out->autonomous = flags & PREFIX_AUTONOMOUS;
	if (flags & PREFIX_ROUTER)
		out->router = a;
	return true;
}

static bool ra_prefix(struct rd *body, struct nd_ra *out)
{
	struct nd_prefix p;
	if (!nd_prefix_parse(body, &p))
		return false;
	if (p.prefix.plen && out->n < ND_PREFIXES)
		out->prefixes[out->n++] = p;
	return true;
}

static bool ra_option(uint8_t type, struct rd *body, uint8_t lla_len, struct nd_ra *out)
{
	switch (type) {
	case OPT_SOURCE:
		return get_lladdr(body, lla_len, &out->source);
	case OPT_PREFIX:
		return ra_prefix(body, out);
	case OPT_INTERVAL:
		return rd_left(body) == INTERVAL_BODY && rd_skip(body, 2) && rd_u32(body, &out->interval);
	case OPT_HOME_AGENT:
		out->agent = rd_left(body) == HOME_AGENT_BODY && rd_skip(body, 2) && rd_u16(body, &out->agent_preference) &&
		             rd_u16(body, &out->agent_lifetime);
		return out->agent;
	}
	return true;
}

int nd_ra_parse(const uint8_t *data, size_t len, uint8_t lla_len, struct nd_ra *out)
{
	struct rd r = rd_make(data, len), body;
	uint8_t type, code;
	int more;
	memset(out, 0, sizeof *out);
	if (!rd_u8(&r, &type) || type != ND_ROUTER_ADVERTISEMENT || !rd_u8(&r, &code) || code != 0 || !rd_skip(&r, 3) ||
	    !rd_u8(&r, &out->flags) || !rd_u16(&r, &out->lifetime) || !rd_skip(&r, 8))
		return -EBADMSG;
	out->flags &= RA_MANAGED | RA_OTHER | RA_HOME_AGENT;
	while ((more = rd_option8(&r, &type, &body)) > 0)
		if (!ra_option(type, &body, lla_len, out))
			return -EBADMSG;
	return more;
}

int nd_na_parse(const uint8_t *data, size_t len, uint8_t lla_len, struct nd_na *out)
{
	struct rd r = rd_make(data, len), body;
	uint8_t type, code;
	int more;
	memset(out, 0, sizeof *out);
	if (!rd_u8(&r, &type) || type != ND_ADVERTISEMENT || !rd_u8(&r, &code) || code != 0 || !rd_skip(&r, 2) || !rd_u8(&r, &out->flags) ||
	    !rd_skip(&r, 3) || !rd_addr6(&r, &out->target) || addr_is_multicast(&out->target))
		return -EBADMSG;
	out->flags &= NA_ROUTER | NA_SOLICITED | NA_OVERRIDE;
	while ((more = rd_option8(&r, &type, &body)) > 0)
		if (type == OPT_TARGET)
			get_target(&body, lla_len, out);
	return more;
}

bool nd_target(const uint8_t *data, size_t len, struct in6_addr *out)
{
	struct rd r = rd_make(data, len);
	uint8_t type, code;
	return rd_u8(&r, &type) && (type == ND_SOLICITATION || type == ND_ADVERTISEMENT) && rd_u8(&r, &code) && code == 0 &&
	       rd_skip(&r, 6) && rd_addr6(&r, out) && !addr_is_multicast(out);
}

/* ---- writing ---- */

static struct wr begin(uint8_t *out, size_t cap, enum nd_type type, uint8_t flags)
{
	struct wr w = wr_make(out, cap);
	wr_u8(&w, (uint8_t)type);
	wr_zero(&w, 3);
	wr_u8(&w, flags);
	wr_zero(&w, 3);
	return w;
}

static int end(struct wr *w, uint8_t option, const struct lladdr *l)
{
	size_t at = w->len;
	if (l->len) {
		wr_u8(w, option);
		wr_u8(w, (uint8_t)((l->len + 2U + 7U) / 8U));
		wr_copy(w, l->octet, l->len);
		wr_zero(w, (8 - (w->len - at) % 8) % 8);
	}
	return wr_ok(w) ? (int)w->len : -EMSGSIZE;
}

void nd_prefix_put(struct wr *w, const struct nd_prefix *p)
{
	bool told = !addr_is_zero(&p->router);
	wr_u8(w, OPT_PREFIX);
	wr_u8(w, PREFIX_WORDS);
	wr_u8(w, p->prefix.plen);
	wr_u8(w, (uint8_t)((p->on_link ? PREFIX_ON_LINK : 0) | (p->autonomous ? PREFIX_AUTONOMOUS : 0) | (told ? PREFIX_ROUTER : 0)));
	wr_u32(w, p->valid);
	wr_u32(w, p->preferred);
	wr_zero(w, 4);
	wr_addr6(w, told ? &p->router : &p->prefix.addr);
}

int nd_na_pack(const struct nd_na *m, uint8_t *out, size_t cap)
{
	struct wr w = begin(out, cap, ND_ADVERTISEMENT, m->flags);
	wr_addr6(&w, &m->target);
	return end(&w, OPT_TARGET, &m->lladdr);
}

int nd_rs_pack(const struct lladdr *source, uint8_t *out, size_t cap)
{
	struct wr w = begin(out, cap, ND_ROUTER_SOLICITATION, 0);
	return end(&w, OPT_SOURCE, source);
}

int nd_ns_pack(const struct in6_addr *target, const struct lladdr *source, uint8_t *out, size_t cap)
{
	struct wr w = begin(out, cap, ND_SOLICITATION, 0);
	wr_addr6(&w, target);
	return end(&w, OPT_SOURCE, source);
}

/* ---- asking a whole link ---- */

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
