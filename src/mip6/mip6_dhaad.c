#include "mip6/mip6_dhaad.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/secret.h"
#include "mip6/mip6_proto.h"

enum { RA_TYPE = 134, RA_HOME_AGENT = 0x20, OPT_PREFIX = 3, OPT_HOME_AGENT = 8, PREFIX_ROUTER = 0x20 };

/* ---- what is heard ---- */

static bool get_prefix(struct rd *r, struct dhaad_agent *a)
{
	uint8_t plen, flags;
	uint32_t valid;
	struct in6_addr addr;
	if (!rd_u8(r, &plen) || !rd_u8(r, &flags) || !rd_u32(r, &valid) || !rd_skip(r, 8) || !rd_addr6(r, &addr))
		return false;
	bool global = !addr_is_zero(&addr) && !addr_is_multicast(&addr) && !addr_is_link_local(&addr);
	if ((flags & PREFIX_ROUTER) && valid && global && a->n < DHAAD_ADDRESSES_MAX)
		a->addresses[a->n++] = addr;
	return true;
}

static bool get_home_agent(struct rd *r, struct dhaad_agent *a, uint16_t *lifetime)
{
	return rd_skip(r, 2) && rd_u16(r, &a->preference) && rd_u16(r, lifetime);
}

/* The lifetime is that of the Home Agent Information option, else the router's (§10.5.1). */
static bool ra_parse(const uint8_t *ra, size_t len, struct dhaad_agent *a, bool *serves, uint16_t *lifetime)
{
	struct rd r = rd_make(ra, len), body;
	uint8_t type, code, flags;
	int more;
	if (!rd_u8(&r, &type) || type != RA_TYPE || !rd_u8(&r, &code) || code != 0 || !rd_skip(&r, 3) || !rd_u8(&r, &flags) ||
	    !rd_u16(&r, lifetime) || !rd_skip(&r, 8))
		return false;
	*serves = flags & RA_HOME_AGENT;
	while ((more = rd_option8(&r, &type, &body)) > 0)
		if ((type == OPT_PREFIX && !get_prefix(&body, a)) || (type == OPT_HOME_AGENT && !get_home_agent(&body, a, lifetime)))
			return false;
	return more == 0;
}

static void drop(struct dhaad_list *l, size_t i)
{
	l->agents[i] = l->agents[--l->n];
}

static void expire(struct dhaad_list *l, usec_t now)
{
	for (size_t i = 0; i < l->n;)
		if (l->agents[i].expires <= now)
			drop(l, i);
		else
			i++;
}

/* Room for one of this preference, if need be in place of the least. NULL: all are preferred to it. */
static struct dhaad_agent *place(struct dhaad_list *l, uint16_t preference)
{
	size_t least = 0;
	if (l->n < DHAAD_AGENTS_MAX)
		return &l->agents[l->n++];
	for (size_t i = 1; i < l->n; i++)
		if (l->agents[i].preference < l->agents[least].preference)
			least = i;
	return l->agents[least].preference < preference ? &l->agents[least] : NULL;
}

void dhaad_heard(struct dhaad_list *l, int ifindex, const struct in6_addr *src, const uint8_t *ra, size_t len, usec_t now)
{
	struct dhaad_agent a = { .ifindex = ifindex, .router = *src };
	uint16_t lifetime;
	bool serves;
	if (!addr_is_link_local(src) || !ra_parse(ra, len, &a, &serves, &lifetime))
		return;
	expire(l, now);
	for (size_t i = 0; i < l->n; i++)
		if (l->agents[i].ifindex == ifindex && addr_eq(&l->agents[i].router, src)) {
			drop(l, i);
			break;
		}
	if (!serves || !lifetime)
		return;
	a.expires = now + lifetime * USEC_SEC;
	struct dhaad_agent *to = place(l, a.preference);
	if (to)
		*to = a;
}

/* ---- what is asked ---- */

struct in6_addr dhaad_anycast(const struct prefix *p)
{
	struct in6_addr ones;
	memset(&ones, 0xff, sizeof ones);
	if (p->plen == 64)
		ones.s6_addr[8] = 0xfd; /* interface identifiers of that length have a bit for "local" */
	ones.s6_addr[15] = 0xfe;
	return addr_compose(p, &ones);
}

bool dhaad_request_parse(const uint8_t *data, size_t len, uint16_t *id)
{
	struct rd r = rd_make(data, len);
	uint8_t type, code;
	return rd_u8(&r, &type) && type == MIP6_ICMP_DISCOVERY_REQUEST && rd_u8(&r, &code) && code == 0 && rd_skip(&r, 2) && rd_u16(&r, id) &&
	       rd_skip(&r, 2);
}

struct candidate {
	uint16_t preference;
	uint32_t draw;
	struct in6_addr address;
};

static int by_preference(const void *pa, const void *pb)
{
	const struct candidate *a = pa, *b = pb;
	if (a->preference != b->preference)
		return a->preference < b->preference ? 1 : -1;
	return (a->draw > b->draw) - (a->draw < b->draw);
}

static void add(struct candidate *c, size_t *n, uint16_t preference, const struct in6_addr *a)
{
	c[*n] = (struct candidate){ .preference = preference, .address = *a };
	secret_random(&c[*n].draw, sizeof c[*n].draw);
	++*n;
}

int dhaad_reply_pack(const struct dhaad_list *l, int ifindex, const struct in6_addr *own, uint16_t preference, uint16_t id, usec_t now,
                     uint8_t *out, size_t cap)
{
	struct candidate all[1 + DHAAD_AGENTS_MAX * DHAAD_ADDRESSES_MAX];
	size_t n = 0;
	add(all, &n, preference, own);
	for (const struct dhaad_agent *a = l->agents; a < l->agents + l->n; a++)
		for (size_t i = 0; i < a->n && a->ifindex == ifindex && a->expires > now; i++)
			add(all, &n, a->preference, &a->addresses[i]);
	qsort(all, n, sizeof *all, by_preference);
	struct wr w = wr_make(out, cap < DHAAD_REPLY_MAX ? cap : DHAAD_REPLY_MAX);
	wr_u8(&w, MIP6_ICMP_DISCOVERY_REPLY);
	wr_zero(&w, 3);
	wr_u16(&w, id);
	wr_zero(&w, 2);
	for (size_t i = 0; i < n && w.len + sizeof all[i].address <= w.cap; i++)
		wr_addr6(&w, &all[i].address);
	return wr_ok(&w) && w.len > 8 ? (int)w.len : -EMSGSIZE;
}
