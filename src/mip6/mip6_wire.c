#include "mip6/mip6_wire.h"

#include <errno.h>
#include <string.h>

#include "core/buf.h"
#include "net/mh.h"

#define NO_NEXT_HEADER 59

/* ---- packing ---- */

static struct wr begin(uint8_t *out, size_t cap, uint8_t type)
{
	struct wr w = wr_make(out, cap);
	wr_u8(&w, NO_NEXT_HEADER);
	wr_u8(&w, 0);
	wr_u8(&w, type);
	wr_u8(&w, 0);
	wr_u16(&w, 0);
	return w;
}

static void pad(struct wr *w, size_t phase)
{
	size_t n = (8 + phase - w->len % 8) % 8;
	if (n == 1)
		wr_u8(w, MIP6_OPT_PAD1);
	else if (n > 1) {
		wr_u8(w, MIP6_OPT_PADN);
		wr_u8(w, (uint8_t)(n - 2));
		wr_zero(w, n - 2);
	}
}

static int end(struct wr *w)
{
	pad(w, 0);
	if (wr_ok(w))
		wr_patch8(w, 1, (uint8_t)(w->len / 8 - 1));
	return wr_ok(w) ? (int)w->len : -EMSGSIZE;
}

static void put_refresh(struct wr *w, uint16_t units)
{
	if (!units)
		return;
	if (w->len % 2) /* aligned 2n */
		wr_u8(w, MIP6_OPT_PAD1);
	wr_u8(w, MIP6_OPT_REFRESH);
	wr_u8(w, 2);
	wr_u16(w, units);
}

static void put_alt_coa(struct wr *w, const struct in6_addr *a)
{
	if (addr_is_zero(a))
		return;
	pad(w, 6);
	wr_u8(w, MIP6_OPT_ALT_COA);
	wr_u8(w, 16);
	wr_addr6(w, a);
}

static void put_nai(struct wr *w, const uint8_t *nai, size_t len)
{
	if (!len || len > MIP6_NAI_MAX)
		return;
	wr_u8(w, MIP6_OPT_IDENTIFIER);
	wr_u8(w, (uint8_t)(len + 1));
	wr_u8(w, MIP6_ID_NAI);
	wr_copy(w, nai, len);
}

static void put_timestamp(struct wr *w, uint64_t t)
{
	pad(w, 2);
	wr_u8(w, MIP6_OPT_TIMESTAMP);
	wr_u8(w, 8);
	wr_u64(w, t);
}

/* Aligned 4n+1, last, and with nothing behind it: of the two places in eight octets the one that ends on a multiple of 8. */
static void put_auth(struct wr *w, uint32_t spi)
{
	pad(w, 5);
	wr_u8(w, MIP6_OPT_AUTH);
	wr_u8(w, 1 + 4 + MIP6_AUTH_LEN);
	wr_u8(w, MIP6_AUTH_MN_HA);
	wr_u32(w, spi);
	wr_zero(w, MIP6_AUTH_LEN);
}

static void put_options(struct wr *w, const struct mip6_options *o)
{
	put_refresh(w, o->refresh);
	put_alt_coa(w, &o->alt_coa);
	put_nai(w, o->nai, o->nai_len);
	if (o->has_timestamp)
		put_timestamp(w, o->timestamp);
	if (o->auth.present)
		put_auth(w, o->auth.spi);
}

int bu_pack(const struct bu *m, uint8_t *out, size_t cap)
{
	struct wr w = begin(out, cap, MH_TYPE_BU);
	wr_u16(&w, m->seq);
	wr_u8(&w, m->flags);
	wr_u8(&w, 0);
	wr_u16(&w, m->lifetime);
	put_options(&w, &m->o);
	return end(&w);
}

int ba_pack(const struct ba *m, uint8_t *out, size_t cap)
{
	struct wr w = begin(out, cap, MH_TYPE_BACK);
	wr_u8(&w, m->status);
	wr_u8(&w, m->key_flag ? BA_KEY : 0);
	wr_u16(&w, m->seq);
	wr_u16(&w, m->lifetime);
	put_options(&w, &m->o);
	return end(&w);
}

int be_pack(const struct be *m, uint8_t *out, size_t cap)
{
	struct wr w = begin(out, cap, MH_TYPE_BE);
	wr_u8(&w, m->status);
	wr_u8(&w, 0);
	wr_addr6(&w, &m->home);
	return end(&w);
}

int brr_pack(uint8_t *out, size_t cap)
{
	struct wr w = begin(out, cap, MH_TYPE_BRR);
	wr_u16(&w, 0);
	return end(&w);
}

/* ---- parsing ---- */

/* Enters a Mobility Header of this type: r is left with its message data, fenced by the header's own length. */
static bool enter(const uint8_t *data, size_t len, uint8_t want, struct rd *r)
{
	struct rd all = rd_make(data, len);
	uint8_t words = 0, type;
	if (len < 2 || !rd_skip(&all, 1) || !rd_u8(&all, &words))
		return false;
	return rd_sub(&all, ((size_t)words + 1) * 8 - 2, r) && rd_u8(r, &type) && type == want && rd_skip(r, 3);
}

/* One option at a time; `data` is where the message begins. */
typedef bool option_fn(const uint8_t *data, struct rd *body, struct mip6_options *o);

static bool option_refresh(const uint8_t *data, struct rd *body, struct mip6_options *o)
{
	return rd_left(body) == 2 && rd_u16(body, &o->refresh);
}

static bool option_alt_coa(const uint8_t *data, struct rd *body, struct mip6_options *o)
{
	return rd_left(body) == 16 && addr_is_zero(&o->alt_coa) && rd_addr6(body, &o->alt_coa);
}

static bool option_nonces(const uint8_t *data, struct rd *body, struct mip6_options *o)
{
	o->nonces = true;
	return true;
}

static bool option_identifier(const uint8_t *data, struct rd *body, struct mip6_options *o)
{
	uint8_t subtype;
	if (!rd_u8(body, &subtype))
		return false;
	if (subtype != MIP6_ID_NAI || rd_left(body) > MIP6_NAI_MAX)
		return true;
	o->nai_len = rd_left(body);
	o->nai = rd_bytes(body, o->nai_len);
	return true;
}

/* RFC 4285 §5: one of each kind, ours before the other. */
static bool option_auth(const uint8_t *data, struct rd *body, struct mip6_options *o)
{
	uint8_t subtype;
	struct mip6_auth a = { .present = true };
	if (!rd_u8(body, &subtype) || !rd_u32(body, &a.spi))
		return false;
	if (subtype == MIP6_AUTH_MN_AAA) {
		bool first = !o->aaa;
		o->aaa = true;
		return first;
	}
	if (subtype != MIP6_AUTH_MN_HA)
		return true;
	if (o->auth.present || o->aaa)
		return false;
	a.at = (size_t)(body->p - data);
	a.sized = rd_left(body) == MIP6_AUTH_LEN;
	o->auth = a;
	return true;
}

static bool option_timestamp(const uint8_t *data, struct rd *body, struct mip6_options *o)
{
	if (rd_left(body) != 8 || o->has_timestamp)
		return false;
	o->has_timestamp = true;
	return rd_u64(body, &o->timestamp);
}

static option_fn *const option_fns[] = {
	[MIP6_OPT_REFRESH] = option_refresh,
	[MIP6_OPT_ALT_COA] = option_alt_coa,
	[MIP6_OPT_NONCES] = option_nonces,
	[MIP6_OPT_IDENTIFIER] = option_identifier,
	[MIP6_OPT_AUTH] = option_auth,
	[MIP6_OPT_TIMESTAMP] = option_timestamp,
};

static bool get_options(const uint8_t *data, struct rd *r, struct mip6_options *o)
{
	while (rd_left(r)) {
		uint8_t type, n;
		struct rd body;
		if (!rd_u8(r, &type))
			return false;
		if (type == MIP6_OPT_PAD1)
			continue;
		if (!rd_u8(r, &n) || !rd_sub(r, n, &body))
			return false;
		if (type == MIP6_OPT_PADN)
			continue;
		bool had = o->auth.present;
		option_fn *fn = type < sizeof option_fns / sizeof *option_fns ? option_fns[type] : NULL;
		if (fn && !fn(data, &body, o))
			return false;
		o->auth.last = o->auth.present && !had;
	}
	return true;
}

int bu_parse(const uint8_t *data, size_t len, struct bu *m)
{
	struct rd r;
	memset(m, 0, sizeof *m);
	if (!enter(data, len, MH_TYPE_BU, &r) || !rd_u16(&r, &m->seq) || !rd_u8(&r, &m->flags) || !rd_skip(&r, 1) ||
	    !rd_u16(&r, &m->lifetime) || !get_options(data, &r, &m->o))
		return -EBADMSG;
	return 0;
}

int ba_parse(const uint8_t *data, size_t len, struct ba *m)
{
	struct rd r;
	uint8_t flags;
	memset(m, 0, sizeof *m);
	if (!enter(data, len, MH_TYPE_BACK, &r) || !rd_u8(&r, &m->status) || !rd_u8(&r, &flags) || !rd_u16(&r, &m->seq) ||
	    !rd_u16(&r, &m->lifetime) || !get_options(data, &r, &m->o))
		return -EBADMSG;
	m->key_flag = flags & BA_KEY;
	return 0;
}

int be_parse(const uint8_t *data, size_t len, struct be *m)
{
	struct rd r;
	memset(m, 0, sizeof *m);
	if (!enter(data, len, MH_TYPE_BE, &r) || !rd_u8(&r, &m->status) || !rd_skip(&r, 1) || !rd_addr6(&r, &m->home))
		return -EBADMSG;
	return 0;
}

int brr_parse(const uint8_t *data, size_t len)
{
	struct rd r;
	return enter(data, len, MH_TYPE_BRR, &r) && rd_skip(&r, 2) ? 0 : -EBADMSG;
}
