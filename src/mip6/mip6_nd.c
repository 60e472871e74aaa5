#include "mip6/mip6_nd.h"

#include <errno.h>
#include <string.h>

#include "core/buf.h"

enum { OPT_SOURCE = 1, OPT_TARGET = 2, OPT_PREFIX = 3, OPT_INTERVAL = 7 };
enum { PREFIX_ON_LINK = 0x80, PREFIX_AUTONOMOUS = 0x40, PREFIX_ROUTER = 0x20 };

static bool get_lladdr(struct rd *body, uint8_t lla_len, struct lladdr *out)
{
	*out = (struct lladdr){ .len = lla_len };
	return lla_len > 0 && lla_len <= LLADDR_MAX && rd_copy(body, out->octet, lla_len);
}

/* RFC 4861 §4.6.2, RFC 6275 §7.2. False: an option that cannot be; one that says nothing useful is not kept. */
static bool get_prefix(struct rd *body, struct mip6_ra *out)
{
	struct mip6_prefix p = { .valid = 0 };
	struct in6_addr a;
	uint8_t plen, flags;
	if (rd_left(body) != 30 || !rd_u8(body, &plen) || plen > 128 || !rd_u8(body, &flags) || !rd_u32(body, &p.valid) ||
	    !rd_u32(body, &p.preferred) || !rd_skip(body, 4) || !rd_addr6(body, &a))
		return false;
	if (addr_is_link_local(&a) || addr_is_multicast(&a) || plen == 0 || p.preferred > p.valid || out->n == MIP6_RA_PREFIXES)
		return true;
	p.prefix = prefix_of(&a, plen);
	p.on_link = flags & PREFIX_ON_LINK;
	p.autonomous = flags & PREFIX_AUTONOMOUS;
	if (flags & PREFIX_ROUTER)
		p.router = a;
	out->prefixes[out->n++] = p;
	return true;
}

static bool get_ra_option(uint8_t type, struct rd *body, uint8_t lla_len, struct mip6_ra *out)
{
	switch (type) {
	case OPT_SOURCE:
		return get_lladdr(body, lla_len, &out->source);
	case OPT_PREFIX:
		return get_prefix(body, out);
	case OPT_INTERVAL:
		return rd_left(body) == 6 && rd_skip(body, 2) && rd_u32(body, &out->interval);
	}
	return true;
}

int mip6_ra_parse(const uint8_t *data, size_t len, uint8_t lla_len, struct mip6_ra *out)
{
	struct rd r = rd_make(data, len), body;
	uint8_t type, code;
	int more;
	memset(out, 0, sizeof *out);
	if (!rd_u8(&r, &type) || type != MIP6_RA_TYPE || !rd_u8(&r, &code) || code != 0 || !rd_skip(&r, 4) ||
	    !rd_u16(&r, &out->lifetime) || !rd_skip(&r, 8))
		return -EBADMSG;
	while ((more = rd_option8(&r, &type, &body)) > 0)
		if (!get_ra_option(type, &body, lla_len, out))
			return -EBADMSG;
	return more;
}

int mip6_na_parse(const uint8_t *data, size_t len, uint8_t lla_len, struct mip6_na *out)
{
	struct rd r = rd_make(data, len), body;
	uint8_t type, code;
	int more;
	memset(out, 0, sizeof *out);
	if (!rd_u8(&r, &type) || type != MIP6_NA_TYPE || !rd_u8(&r, &code) || code != 0 || !rd_skip(&r, 2) || !rd_u8(&r, &out->flags) ||
	    !rd_skip(&r, 3) || !rd_addr6(&r, &out->target) || addr_is_multicast(&out->target))
		return -EBADMSG;
	while ((more = rd_option8(&r, &type, &body)) > 0)
		if (type == OPT_TARGET && !get_lladdr(&body, lla_len, &out->lladdr))
			return -EBADMSG;
	return more;
}

static struct wr begin(uint8_t *out, size_t cap, uint8_t type, uint8_t flags)
{
	struct wr w = wr_make(out, cap);
	wr_u8(&w, type);
	wr_u8(&w, 0);
	wr_u16(&w, 0);
	wr_u8(&w, flags);
	wr_zero(&w, 3);
	return w;
}

static int end(struct wr *w, uint8_t option, const struct lladdr *l)
{
	if (l && l->len) {
		size_t at = w->len;
		wr_u8(w, option);
		wr_u8(w, (uint8_t)((l->len + 2U + 7U) / 8U));
		wr_copy(w, l->octet, l->len);
		wr_zero(w, (8 - (w->len - at) % 8) % 8);
	}
	return wr_ok(w) ? (int)w->len : -EMSGSIZE;
}

int mip6_rs_pack(const struct lladdr *source, uint8_t *out, size_t cap)
{
	struct wr w = begin(out, cap, MIP6_RS_TYPE, 0);
	return end(&w, OPT_SOURCE, source);
}

int mip6_ns_pack(const struct in6_addr *target, const struct lladdr *source, uint8_t *out, size_t cap)
{
	struct wr w = begin(out, cap, MIP6_NS_TYPE, 0);
	wr_addr6(&w, target);
	return end(&w, OPT_SOURCE, source);
}
