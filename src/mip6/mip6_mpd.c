#include "mip6/mip6_mpd.h"

#include <errno.h>
#include <string.h>

#include "mip6/mip6_proto.h"

void mps_pack(uint16_t id, uint8_t out[MPS_LEN])
{
	struct wr w = wr_make(out, MPS_LEN);
	wr_u8(&w, MIP6_ICMP_PREFIX_SOLICITATION);
	wr_zero(&w, 3);
	wr_u16(&w, id);
	wr_zero(&w, 2);
}

static bool head(struct rd *r, uint8_t want, uint16_t *id)
{
	uint8_t type, code;
	return rd_u8(r, &type) && type == want && rd_u8(r, &code) && code == 0 && rd_skip(r, 2) && rd_u16(r, id);
}

int mps_parse(const uint8_t *data, size_t len, uint16_t *id)
{
	struct rd r = rd_make(data, len), body;
	uint8_t type;
	int more;
	if (!head(&r, MIP6_ICMP_PREFIX_SOLICITATION, id) || !rd_skip(&r, 2))
		return -EBADMSG;
	while ((more = rd_option8(&r, &type, &body)) > 0)
		;
	return more;
}

int mpa_pack(const struct mpa *m, uint8_t *out, size_t cap)
{
	struct wr w = wr_make(out, cap);
	wr_u8(&w, MIP6_ICMP_PREFIX_ADVERTISEMENT);
	wr_zero(&w, 3);
	wr_u16(&w, m->id);
	wr_u8(&w, m->flags & (RA_MANAGED | RA_OTHER));
	wr_u8(&w, 0);
	for (size_t i = 0; i < m->n; i++)
		nd_prefix_put(&w, &m->prefixes[i]);
	return wr_ok(&w) ? (int)w.len : -EMSGSIZE;
}

int mpa_parse(const uint8_t *data, size_t len, struct mpa *m)
{
	struct rd r = rd_make(data, len), body;
	struct nd_prefix p;
	uint8_t type;
	int more;
	memset(m, 0, sizeof *m);
	if (!head(&r, MIP6_ICMP_PREFIX_ADVERTISEMENT, &m->id) || !rd_u8(&r, &m->flags) || !rd_skip(&r, 1))
		return -EBADMSG;
	m->flags &= RA_MANAGED | RA_OTHER;
	while ((more = rd_option8(&r, &type, &body)) > 0) {
		if (type != ND_OPTION_PREFIX)
			continue;
		if (!nd_prefix_parse(&body, &p))
			return -EBADMSG;
		if (p.prefix.plen && m->n < ND_PREFIXES)
			m->prefixes[m->n++] = p;
	}
	return more < 0 ? more : m->n ? 0 : -EBADMSG;
}
