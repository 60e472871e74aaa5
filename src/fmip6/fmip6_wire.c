#include "fmip6/fmip6_wire.h"

#include <errno.h>
#include <string.h>

#include "core/buf.h"
#include "core/secret.h"
#include "fmip6/fmip6_wire_nd.h"

#define NEXT_ICMPV6 58
#define MH_FIXED 6 /* Payload Proto, Hdr Len, type, reserved, checksum */
#define MH_CHECKSUM_AT 4

/* ---- ICMPv6 ---- */

static void fmip6_put_header(struct wr *w, uint8_t code, uint8_t subtype, uint16_t id)
{
	wr_u8(w, ICMP6_FMIP6_TYPE);
	wr_u8(w, code);
	wr_u16(w, 0);
	wr_u8(w, subtype);
	wr_u8(w, 0);
	wr_u16(w, id);
}

static bool fmip6_get_header(struct rd *r, uint8_t *code, uint8_t want, uint16_t *id)
{
	uint8_t type, subtype;
	return rd_u8(r, &type) && type == ICMP6_FMIP6_TYPE && rd_u8(r, code) && rd_skip(r, 2) && rd_u8(r, &subtype) &&
	       subtype == want && rd_skip(r, 1) && rd_u16(r, id);
}

int rtsolpr_pack(const struct rtsolpr *m, uint8_t *out, size_t cap)
{
	struct wr w = wr_make(out, cap);
	fmip6_put_header(&w, 0, FMIP6_RTSOLPR, m->id);
	if (m->source.len)
		nd_put_lla(&w, LLA_SOURCE, &m->source);
	if (m->wildcard)
		nd_put_lla(&w, LLA_WILDCARD, &(struct lladdr){ .len = 0 });
	else
		for (unsigned i = 0; i < m->aps_n; i++)
			nd_put_lla(&w, LLA_NEW_AP, &m->aps[i]);
	return wire_done(&w);
}

static bool rtsolpr_lla(struct rd *body, uint8_t lla_len, struct rtsolpr *m)
{
	uint8_t code;
	struct lladdr l;
	if (!rd_u8(body, &code))
		return false;
	if (code == LLA_WILDCARD) {
		m->wildcard = true;
		return true;
	}
	if (code != LLA_NEW_AP && code != LLA_SOURCE)
		return true;
	if (!nd_get_lla(body, lla_len, &l))
		return false;
	if (code == LLA_SOURCE)
		m->source = l;
	else if (m->aps_n < FMIP6_TUPLES_MAX)
		m->aps[m->aps_n++] = l;
	return true;
}

int rtsolpr_parse(const uint8_t *data, size_t len, uint8_t lla_len, struct rtsolpr *m)
{
	struct rd r = rd_make(data, len), body;
	uint8_t code, type;
	int rc;
	memset(m, 0, sizeof *m);
	if (!fmip6_get_header(&r, &code, FMIP6_RTSOLPR, &m->id) || code != 0)
		return -EBADMSG;
	while ((rc = rd_option8(&r, &type, &body)) > 0)
		if (type == ND_LLA && !rtsolpr_lla(&body, lla_len, m))
			return -EBADMSG;
	if (rc < 0 || (!m->wildcard && m->aps_n == 0) || (m->wildcard && m->aps_n > 0))
		return -EBADMSG;
	return 0;
}

/* Options in the order of RFC 5568 §6.1.2: AP, router's link address, router's address, prefix. */
static void prrtadv_put_tuple(struct wr *w, const struct tuple *t)
{
	nd_put_lla(w, t->code, &t->ap);
	if (t->router_lladdr.len)
		nd_put_lla(w, LLA_NAR, &t->router_lladdr);
	if (!addr_is_zero(&t->router))
		nd_put_ip(w, IP_NAR, t->has_prefix ? t->prefix.plen : 128, &t->router);
	if (t->has_prefix)
		nd_put_ip(w, IP_NAR_PREFIX, t->prefix.plen, &t->prefix.addr);
}

int prrtadv_pack(const struct prrtadv *m, uint8_t *out, size_t cap)
{
	struct wr w = wr_make(out, cap);
	size_t room = cap > 24 && !addr_is_zero(&m->ncoa) ? cap - 24 : cap;
	fmip6_put_header(&w, m->code, FMIP6_PRRTADV, m->id);
	if (m->source.len)
		nd_put_lla(&w, LLA_SOURCE, &m->source);
	for (unsigned i = 0; i < m->tuples_n; i++) {
		struct wr before = w;
		prrtadv_put_tuple(&w, &m->tuples[i]);
		if (i > 0 && (!wr_ok(&w) || w.len > room)) {
			w = before;
			if (m->code == PRRTADV_TUPLES)
				wr_patch8(&w, 1, PRRTADV_SUBSET);
			break;
		}
	}
	if (!addr_is_zero(&m->ncoa))
		nd_put_ip(&w, IP_NEW_COA, 128, &m->ncoa);
	return wire_done(&w);
}

/* What follows an AP's option is about that AP, *t. NULL: none came yet, or it is one too many. */
static bool prrtadv_lla(struct rd *body, uint8_t lla_len, struct prrtadv *m, struct tuple **t)
{
	uint8_t code;
	struct lladdr l;
	if (!rd_u8(body, &code))
		return false;
	if (code < LLA_NEW_AP || code > LLA_NO_FMIP || code == LLA_MN)
		return true;
	if (!nd_get_lla(body, lla_len, &l))
		return false;
	if (code == LLA_SOURCE)
		m->source = l;
	else if (code == LLA_NAR) {
		if (*t)
			(*t)->router_lladdr = l;
	} else {
		*t = m->tuples_n < FMIP6_TUPLES_MAX ? &m->tuples[m->tuples_n++] : NULL;
		if (*t)
			**t = (struct tuple){ .code = code, .ap = l };
	}
	return true;
}

static bool prrtadv_ip(struct rd *body, struct prrtadv *m, struct tuple *t)
{
	uint8_t code, plen;
	struct in6_addr a;
	if (!nd_get_ip(body, &code, &plen, &a))
		return false;
	if (code == IP_NEW_COA)
		m->ncoa = a;
	if (code == IP_NAR && t) {
		t->router = a;
		/* The prefix option may be missing when the address says the same (§6.1.2). */
		if (!t->has_prefix && plen > 0 && plen < 128) {
			t->prefix = prefix_of(&a, plen);
			t->has_prefix = true;
		}
	} else if (code == IP_NAR_PREFIX && t) {
		t->prefix = prefix_of(&a, plen);
		t->has_prefix = true;
	}
	return true;
}

int prrtadv_parse(const uint8_t *data, size_t len, uint8_t lla_len, struct prrtadv *m)
{
	struct rd r = rd_make(data, len), body;
	struct tuple *about = NULL;
	uint8_t type;
	int rc;
	memset(m, 0, sizeof *m);
	if (!fmip6_get_header(&r, &m->code, FMIP6_PRRTADV, &m->id))
		return -EBADMSG;
	while ((rc = rd_option8(&r, &type, &body)) > 0) {
		if (type == ND_LLA && !prrtadv_lla(&body, lla_len, m, &about))
			return -EBADMSG;
		if (type == ND_IP_ADDRESS && !prrtadv_ip(&body, m, about))
			return -EBADMSG;
	}
	return rc;
}

/* ---- mobility header ---- */

static struct wr mh_begin(uint8_t *out, size_t cap, uint8_t type)
{
	struct wr w = wr_make(out, cap);
	wr_u8(&w, MH_NO_NEXT_HEADER);
	wr_u8(&w, 0);
	wr_u8(&w, type);
	wr_u8(&w, 0);
	wr_u16(&w, 0);
	return w;
}

static void mh_pad(struct wr *w, size_t phase)
{
	size_t n = (8 + phase - w->len % 8) % 8;
	if (n == 1)
		wr_u8(w, MHO_PAD1);
	else if (n > 1) {
		wr_u8(w, MHO_PADN);
		wr_u8(w, (uint8_t)(n - 2));
		wr_zero(w, n - 2);
	}
}

static int mh_end(struct wr *w)
{
	mh_pad(w, 0);
	if (wr_ok(w))
		wr_patch8(w, 1, (uint8_t)(w->len / 8 - 1));
	return wire_done(w);
}

static void mh_put_alt_coa(struct wr *w, const struct in6_addr *a)
{
	if (addr_is_zero(a))
		return;
	mh_pad(w, 6);
	wr_u8(w, MHO_ALT_COA);
	wr_u8(w, 16);
	wr_addr6(w, a);
}

static void mh_put_lla(struct wr *w, const struct lladdr *l)
{
	if (l->len == 0)
		return;
	wr_u8(w, MHO_LLA);
	wr_u8(w, (uint8_t)(l->len + 1));
	wr_u8(w, LLA_MN);
	wr_copy(w, l->octet, l->len);
}

#define IPV4_PREFIX_LEN 10 /* where it begins in its 16 bits */

static void mh_put_ipv4_home(struct wr *w, const struct in6_addr *a)
{
	mh_pad(w, 0);
	wr_u8(w, MHO_IPV4_HOME);
	wr_u8(w, 6);
	wr_u16(w, 32 << IPV4_PREFIX_LEN);
	wr_copy(w, a->s6_addr + 12, 4);
}

static void mh_put_ip(struct wr *w, uint8_t code, const struct in6_addr *a)
{
	if (addr_is_zero(a))
		return;
	if (addr_is_v4(a)) {
		mh_put_ipv4_home(w, a);
		return;
	}
	mh_pad(w, 4);
	wr_u8(w, MHO_IP_ADDRESS);
	wr_u8(w, 18);
	wr_u8(w, code);
	wr_u8(w, 128);
	wr_addr6(w, a);
}

#define MN_ID_NAI 1 /* RFC 4283 §3.2 */

static void mh_put_identifier(struct wr *w, const struct lladdr *l)
{
	char text[LLADDR_STRLEN];
	size_t n = strlen(lladdr_text(l, text));
	for (size_t i = 0; i < n; i++)
		if (text[i] == ':')
			text[i] = '-'; /* no user name has colons (RFC 4282 §2.1) */
	wr_u8(w, MHO_MN_ID);
	wr_u8(w, (uint8_t)(n + 1));
	wr_u8(w, MN_ID_NAI);
	wr_copy(w, text, n);
}

/* The type is everybody's who experiments: four octets first say that it is ours. */
#define RIDER_MARK 0x686f7631U /* "hov1" */

static void mh_put_rider(struct wr *w, const uint8_t *data, size_t len)
{
	if (!len || len > UINT8_MAX - 4)
		return;
	wr_u8(w, MHO_EXPERIMENTAL);
	wr_u8(w, (uint8_t)(4 + len));
	wr_u32(w, RIDER_MARK);
	wr_copy(w, data, len);
}

/* The last option, with nothing after it: it begins where it ends on a multiple of 8 (RFC 6275 §6.2.7). */
static void mh_put_badf(struct wr *w, const struct badf *b)
{
	mh_pad(w, 6);
	wr_u8(w, MHO_BADF);
	wr_u8(w, BADF_LENGTH);
	wr_u32(w, b->spi);
	wr_zero(w, BADF_AUTH_LEN);
}

/* Enters a Mobility Header of this type: r is left with its message data, fenced by the header's own length. */
static bool mh_enter(const uint8_t *data, size_t len, uint8_t want, struct rd *r)
{
	struct rd all = rd_make(data, len);
	uint8_t words = 0, type;
	if (len < 2 || !rd_skip(&all, 1) || !rd_u8(&all, &words))
		return false;
	return rd_sub(&all, ((size_t)words + 1) * 8 - 2, r) && rd_u8(r, &type) && type == want && rd_skip(r, 3);
}

/* What mobility options can say, whichever message they stand in. */
struct mh_options {
	struct in6_addr alt_coa, old_coa, new_coa, nar;
	struct lladdr lladdr;
	const uint8_t *rider;
	size_t rider_len;
	bool has_badf;
	struct badf badf;
};

static bool mh_alt_coa(struct rd *body, struct rd *rest, struct mh_options *o)
{
	return rd_left(body) == 16 && rd_addr6(body, &o->alt_coa);
}

static bool mh_lla(struct rd *body, struct rd *rest, struct mh_options *o)
{
	uint8_t code;
	if (!rd_u8(body, &code) || rd_left(body) > LLADDR_MAX)
		return false;
	if (code != LLA_MN)
		return true;
	o->lladdr = (struct lladdr){ .len = (uint8_t)rd_left(body) };
	return rd_copy(body, o->lladdr.octet, o->lladdr.len);
}

static bool mh_ip(struct rd *body, struct rd *rest, struct mh_options *o)
{
	uint8_t code, plen;
	struct in6_addr a;
	if (rd_left(body) != 18 || !rd_u8(body, &code) || !rd_u8(body, &plen) || plen > 128 || !rd_addr6(body, &a))
		return false;
	if (code == IP_OLD_COA)
		o->old_coa = a;
	else if (code == IP_NEW_COA)
		o->new_coa = a;
	else if (code == IP_NAR)
		o->nar = a;
	return true;
}

/* The type that the section prints is another option's: what is not of this one's shape is passed over. */
static bool mh_ip_printed(struct rd *body, struct rd *rest, struct mh_options *o)
{
	(void)mh_ip(body, rest, o);
	return true;
}

static bool mh_ipv4_home(struct rd *body, struct rd *rest, struct mh_options *o)
{
	struct in6_addr a = { .s6_addr = { [10] = 0xff, [11] = 0xff } };
	uint16_t prefix;
	if (rd_left(body) != 6 || !rd_u16(body, &prefix) || prefix >> IPV4_PREFIX_LEN != 32 || !rd_copy(body, a.s6_addr + 12, 4))
		return false;
	o->old_coa = a;
	return true;
}

static bool mh_rider(struct rd *body, struct rd *rest, struct mh_options *o)
{
	uint32_t mark;
	if (!rd_u32(body, &mark) || mark != RIDER_MARK)
		return true;
	o->rider_len = rd_left(body);
	o->rider = rd_bytes(body, o->rider_len);
	return true;
}

static bool mh_badf(struct rd *body, struct rd *rest, struct mh_options *o)
{
	struct rd all = *body;
	if (rd_left(body) == BADF_LENGTH_LITERAL) { /* its length counted without the SPI: 4 octets more belong to it */
		if (rd_left(rest) != BADF_LENGTH - BADF_LENGTH_LITERAL)
			return false;
		all = rd_make(body->p, BADF_LENGTH);
		rd_skip(rest, BADF_LENGTH - BADF_LENGTH_LITERAL);
	}
	o->has_badf = true;
	return rd_left(&all) == BADF_LENGTH && rd_left(rest) == 0 && rd_u32(&all, &o->badf.spi) &&
	       rd_copy(&all, o->badf.auth, BADF_AUTH_LEN);
}

static const struct {
	uint8_t type;
	bool (*take)(struct rd *body, struct rd *rest, struct mh_options *o);
} mh_option_table[] = {
	{ MHO_ALT_COA, mh_alt_coa },
	{ MHO_LLA, mh_lla },
	{ MHO_EXPERIMENTAL, mh_rider },
	{ MHO_BADF, mh_badf },
	{ MHO_IP_ADDRESS, mh_ip },
	{ MHO_IP_ADDRESS_PRINTED, mh_ip_printed },
	{ MHO_IPV4_HOME, mh_ipv4_home },
};

static bool mh_option_take(uint8_t type, struct rd *body, struct rd *rest, struct mh_options *o)
{
	for (size_t i = 0; i < sizeof mh_option_table / sizeof *mh_option_table; i++)
		if (mh_option_table[i].type == type)
			return mh_option_table[i].take(body, rest, o);
	return true;
}

/* The multicast options of RFC 7411 count their length in words of 4 octets after the first 4, as no other option does. */
static size_t mh_option_octets(uint8_t type, uint8_t len)
{
	return type == MHO_MULTICAST || type == MHO_MULTICAST_ACK ? 2 + 4 * (size_t)len : len;
}

static bool mh_options(struct rd *r, struct mh_options *o)
{
	memset(o, 0, sizeof *o);
	uint8_t type, len;
	struct rd body;
	while (rd_left(r)) {
		if (!rd_u8(r, &type))
			return false;
		if (type == MHO_PAD1)
			continue;
		if (!rd_u8(r, &len) || !rd_sub(r, mh_option_octets(type, len), &body) || !mh_option_take(type, &body, r, o))
			return false;
	}
	return true;
}

int fbu_pack(const struct fbu *m, uint8_t *out, size_t cap)
{
	struct wr w = mh_begin(out, cap, MH_FBU);
	wr_u16(&w, m->seq);
	wr_u8(&w, m->flags);
	wr_u8(&w, 0);
	wr_u16(&w, m->lifetime);
	mh_put_alt_coa(&w, &m->ncoa);
	mh_put_lla(&w, &m->lladdr);
	mh_put_rider(&w, m->rider, m->rider_len);
	if (m->has_badf)
		mh_put_badf(&w, &m->badf);
	return mh_end(&w);
}

int fbu_parse(const uint8_t *data, size_t len, struct fbu *m)
{
	struct rd r;
	struct mh_options o;
	memset(m, 0, sizeof *m);
	if (!mh_enter(data, len, MH_FBU, &r) || !rd_u16(&r, &m->seq) || !rd_u8(&r, &m->flags) || !rd_skip(&r, 1) ||
	    !rd_u16(&r, &m->lifetime) || !mh_options(&r, &o))
		return -EBADMSG;
	m->ncoa = o.alt_coa;
	m->lladdr = o.lladdr;
	m->rider = o.rider;
	m->rider_len = o.rider_len;
	m->has_badf = o.has_badf;
	m->badf = o.badf;
	return 0;
}

int fback_pack(const struct fback *m, uint8_t *out, size_t cap)
{
	struct wr w = mh_begin(out, cap, MH_FBACK);
	wr_u8(&w, m->status);
	wr_u8(&w, m->key_flag ? 0x80 : 0);
	wr_u16(&w, m->seq);
	wr_u16(&w, m->lifetime);
	mh_put_alt_coa(&w, &m->ncoa);
	if (m->has_badf)
		mh_put_badf(&w, &m->badf);
	return mh_end(&w);
}

int fback_parse(const uint8_t *data, size_t len, struct fback *m)
{
	struct rd r;
	struct mh_options o;
	uint8_t flags;
	memset(m, 0, sizeof *m);
	if (!mh_enter(data, len, MH_FBACK, &r) || !rd_u8(&r, &m->status) || !rd_u8(&r, &flags) || !rd_u16(&r, &m->seq) ||
	    !rd_u16(&r, &m->lifetime) || !mh_options(&r, &o))
		return -EBADMSG;
	m->key_flag = flags & 0x80;
	m->ncoa = o.alt_coa;
	m->has_badf = o.has_badf;
	m->badf = o.badf;
	return 0;
}

/* The link-layer address stands first: so the addresses after it need least padding. */
int hi_pack(const struct hi *m, uint8_t *out, size_t cap)
{
	struct wr w = mh_begin(out, cap, MH_HI);
	wr_u16(&w, m->seq);
	wr_u8(&w, m->flags);
	wr_u8(&w, m->code);
	mh_put_lla(&w, &m->lladdr);
	mh_put_ip(&w, IP_OLD_COA, &m->pcoa);
	mh_put_ip(&w, IP_NEW_COA, &m->ncoa);
	if (m->flags & HI_PROXY)
		mh_put_identifier(&w, &m->lladdr);
	return mh_end(&w);
}

int hi_parse(const uint8_t *data, size_t len, struct hi *m)
{
	struct rd r;
	struct mh_options o;
	memset(m, 0, sizeof *m);
	if (!mh_enter(data, len, MH_HI, &r) || !rd_u16(&r, &m->seq) || !rd_u8(&r, &m->flags) || !rd_u8(&r, &m->code) ||
	    !mh_options(&r, &o))
		return -EBADMSG;
	m->lladdr = o.lladdr;
	m->pcoa = o.old_coa;
	m->ncoa = o.new_coa;
	return 0;
}

int hack_pack(const struct hack *m, uint8_t *out, size_t cap)
{
	struct wr w = mh_begin(out, cap, MH_HACK);
	wr_u16(&w, m->seq);
	wr_u8(&w, m->flags);
	wr_u8(&w, m->code);
	mh_put_lla(&w, &m->lladdr);
	mh_put_ip(&w, IP_OLD_COA, &m->pcoa);
	mh_put_ip(&w, IP_NEW_COA, &m->ncoa);
	mh_put_ip(&w, IP_NAR, &m->nar);
	return mh_end(&w);
}

int hack_parse(const uint8_t *data, size_t len, struct hack *m)
{
	struct rd r;
	struct mh_options o;
	memset(m, 0, sizeof *m);
	if (!mh_enter(data, len, MH_HACK, &r) || !rd_u16(&r, &m->seq) || !rd_u8(&r, &m->flags) || !rd_u8(&r, &m->code) ||
	    !mh_options(&r, &o))
		return -EBADMSG;
	m->ncoa = o.new_coa;
	m->lladdr = o.lladdr;
	m->pcoa = o.old_coa;
	m->nar = o.nar;
	return 0;
}

/* ---- authenticator ---- */

static bool badf_compute(const struct badf_key *key, const struct in6_addr *coa, const struct in6_addr *par,
                         const uint8_t *mh, size_t len, uint8_t out[HMAC_SHA1_LEN])
{
	static const uint8_t no_checksum[2];
	if (len < MH_FIXED + 2 + BADF_LENGTH)
		return false;
	const struct piece pieces[] = {
		{ coa->s6_addr, 16 },
		{ par->s6_addr, 16 },
		{ mh, MH_CHECKSUM_AT },
		{ no_checksum, sizeof no_checksum },
		{ mh + MH_FIXED, len - MH_FIXED - BADF_AUTH_LEN },
	};
	return hmac_sha1(key->octets, sizeof key->octets, pieces, sizeof pieces / sizeof *pieces, out) == 0;
}

/* Octets that the header claims for itself; 0 if there are fewer. */
static size_t mh_len(const uint8_t *mh, size_t len)
{
	size_t want = len < 2 ? 0 : ((size_t)mh[1] + 1) * 8;
	return want <= len ? want : 0;
}

int badf_sign(const struct badf_key *key, const struct in6_addr *coa, const struct in6_addr *par, uint8_t *mh, size_t len)
{
	uint8_t mac[HMAC_SHA1_LEN];
	if (mh_len(mh, len) != len || !badf_compute(key, coa, par, mh, len, mac))
		return -EINVAL;
	memcpy(mh + len - BADF_AUTH_LEN, mac, BADF_AUTH_LEN);
	return 0;
}

bool badf_verify(const struct badf_key *key, const struct in6_addr *coa, const struct in6_addr *par, const uint8_t *mh,
                 size_t len)
{
	uint8_t mac[HMAC_SHA1_LEN];
	len = mh_len(mh, len);
	return badf_compute(key, coa, par, mh, len, mac) && secret_equal(mac, mh + len - BADF_AUTH_LEN, BADF_AUTH_LEN);
}

/* ---- neighbour discovery, echo, whole packets ---- */

int naack_pack(const struct naack *m, uint8_t *out, size_t cap)
{
	struct wr w = wr_make(out, cap);
	bool supplied = !addr_is_zero(&m->ncoa);
	wr_u8(&w, ICMP6_RA_TYPE);
	wr_zero(&w, 3 + 2);
	wr_u16(&w, m->lifetime);
	wr_zero(&w, 8);
	if (m->source.len)
		nd_put_plain_lla(&w, ND_SOURCE_LLA, &m->source);
	wr_u8(&w, ND_NAACK);
	wr_u8(&w, supplied ? 3 : 1);
	wr_u8(&w, 0);
	wr_u8(&w, m->status);
	wr_zero(&w, 4);
	if (supplied)
		wr_addr6(&w, &m->ncoa);
	return wire_done(&w);
}

static bool naack_address(struct rd *body, struct naack *m)
{
	uint8_t type, words, code, plen;
	if (rd_left(body) == 0)
		return true;
	if (rd_left(body) == 16)
		return rd_addr6(body, &m->ncoa);
	return rd_left(body) == 24 && rd_u8(body, &type) && type == ND_IP_ADDRESS && rd_u8(body, &words) && words == 3 &&
	       nd_get_ip(body, &code, &plen, &m->ncoa);
}

static bool naack_option(uint8_t type, struct rd *body, uint8_t lla_len, struct naack *m)
{
	uint8_t code, plen;
	struct in6_addr a;
	switch (type) {
	case ND_SOURCE_LLA:
		return nd_get_lla(body, lla_len, &m->source);
	case ND_NAACK:
		return rd_u8(body, &code) && rd_u8(body, &m->status) && rd_skip(body, 4) && naack_address(body, m);
	case ND_IP_ADDRESS:
		if (!nd_get_ip(body, &code, &plen, &a))
			return false;
		if (code == IP_NEW_COA && addr_is_zero(&m->ncoa))
			m->ncoa = a;
	}
	return true;
}

int naack_parse(const uint8_t *data, size_t len, uint8_t lla_len, struct naack *m)
{
	struct rd r = rd_make(data, len), body;
	uint8_t type, code;
	int rc;
	memset(m, 0, sizeof *m);
	if (!rd_u8(&r, &type) || type != ICMP6_RA_TYPE || !rd_u8(&r, &code) || code != 0 || !rd_skip(&r, 2 + 2) ||
	    !rd_u16(&r, &m->lifetime) || !rd_skip(&r, 8))
		return -EBADMSG;
	while ((rc = rd_option8(&r, &type, &body)) > 0)
		if (!naack_option(type, &body, lla_len, m))
			return -EBADMSG;
	return rc;
}

int echo_pack(bool reply, uint16_t id, uint16_t seq, uint8_t *out, size_t cap)
{
	struct wr w = wr_make(out, cap);
	wr_u8(&w, reply ? ICMP6_ECHO_REPLY_TYPE : ICMP6_ECHO_REQUEST_TYPE);
	wr_zero(&w, 3);
	wr_u16(&w, id);
	wr_u16(&w, seq);
	return wire_done(&w);
}

int echo_parse(const uint8_t *data, size_t len, uint16_t *id, uint16_t *seq)
{
	struct rd r = rd_make(data, len);
	uint8_t type, code;
	if (!rd_u8(&r, &type) || (type != ICMP6_ECHO_REPLY_TYPE && type != ICMP6_ECHO_REQUEST_TYPE) || !rd_u8(&r, &code) ||
	    code != 0 || !rd_skip(&r, 2) || !rd_u16(&r, id) || !rd_u16(&r, seq))
		return -EBADMSG;
	return 0;
}

int ip6_pack(const struct in6_addr *src, const struct in6_addr *dst, uint8_t next_header, uint8_t hop_limit,
             const uint8_t *body, size_t len, uint8_t *out, size_t cap)
{
	struct wr w = wr_make(out, cap);
	if (len > UINT16_MAX)
		return -EMSGSIZE;
	wr_u32(&w, 0x60000000);
	wr_u16(&w, (uint16_t)len);
	wr_u8(&w, next_header);
	wr_u8(&w, hop_limit);
	wr_addr6(&w, src);
	wr_addr6(&w, dst);
	wr_copy(&w, body, len);
	if (next_header == NEXT_ICMPV6 && len >= 4 && wr_ok(&w))
		wr_patch16(&w, 40 + 2, checksum_ipv6(src, dst, NEXT_ICMPV6, body, len));
	return wire_done(&w);
}
