#include "mip6/mip6_dhaad.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/secret.h"
#include "mip6/mip6_proto.h"
#include "net/nd.h"

/* ---- what is heard ---- */

/* The lifetime is that of the Home Agent Information option, else the router's (§10.5.1). */
static uint16_t read_agent(const struct nd_ra *ra, struct dhaad_agent *a)
{
	a->preference = ra->agent ? ra->agent_preference : 0;
	for (const struct nd_prefix *p = ra->prefixes; p < ra->prefixes + ra->n; p++)
		if (p->valid && !addr_is_zero(&p->router) && a->n < DHAAD_ADDRESSES_MAX)
			a->addresses[a->n++] = p->router;
	return ra->agent ? ra->agent_lifetime : ra->lifetime;
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
	struct nd_ra heard;
	if (!addr_is_link_local(src) || nd_ra_parse(ra, len, 0, &heard) < 0)
		return;
	uint16_t lifetime = read_agent(&heard, &a);
	expire(l, now);
	for (size_t i = 0; i < l->n; i++)
		if (l->agents[i].ifindex == ifindex && addr_eq(&l->agents[i].router, src)) {
			drop(l, i);
			break;
		}
	if (!(heard.flags & RA_HOME_AGENT) || !lifetime)
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

void dhaad_request_pack(uint16_t id, uint8_t out[DHAAD_REQUEST_LEN])
{
	struct wr w = wr_make(out, DHAAD_REQUEST_LEN);
	wr_u8(&w, MIP6_ICMP_DISCOVERY_REQUEST);
	wr_zero(&w, 3);
	wr_u16(&w, id);
	wr_zero(&w, 2);
}

static bool possible(const struct in6_addr *a, const struct in6_addr *all, int n)
{
	for (int i = 0; i < n; i++)
		if (addr_eq(&all[i], a))
			return false;
	return !addr_is_zero(a) && !addr_is_multicast(a) && !addr_is_link_local(a) && !addr_is_v4(a) && !IN6_IS_ADDR_LOOPBACK(a);
}

int dhaad_reply_parse(const uint8_t *data, size_t len, uint16_t *id, struct in6_addr *out, size_t max)
{
	struct rd r = rd_make(data, len);
	struct in6_addr a;
	uint8_t type, code;
	int n = 0;
	if (!rd_u8(&r, &type) || type != MIP6_ICMP_DISCOVERY_REPLY || !rd_u8(&r, &code) || code != 0 || !rd_skip(&r, 2) || !rd_u16(&r, id) ||
	    !rd_skip(&r, 2) || rd_left(&r) % sizeof a)
		return -EBADMSG;
	while ((size_t)n < max && rd_addr6(&r, &a))
		if (possible(&a, out, n))
			out[n++] = a;
	return n;
}
