#include "fmip6/fmip6_wire_4068.h"

#include <errno.h>
#include <string.h>

#include "fmip6/fmip6_wire_nd.h"

#define MH_FNA 10
#define ND_ROUTER_PREFIX 18 /* New Router Prefix Information, §6.4.2 */

/* RFC 4068 §6.2.2 beside RFC 5568 §6.2.1.2. What the older protocol cannot say (use PCoA) is a refusal without a
 * reason; what is refused here for its address is in use. */
static const struct {
	uint8_t old, new;
} codes[] = {
	{ 0, HACK_ACCEPTED },      { 2, HACK_NCOA_INVALID },  { 1, HACK_NCOA_INVALID }, { 3, HACK_ASSIGNED }, { 4, HACK_NCOA_INVALID },
	{ 129, HACK_PROHIBITED },  { 130, HACK_NO_RESOURCES },
};

static uint8_t code_to_old(uint8_t code)
{
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i].new == code)
			return codes[i].old;
	return HACK_UNSPECIFIED;
}

static uint8_t code_to_new(uint8_t code)
{
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i].old == code)
			return codes[i].new;
	return HACK_UNSPECIFIED;
}

static void put_header(struct wr *w, uint8_t code, uint8_t subtype, uint8_t flags, uint16_t id)
{
	wr_u8(w, ICMP6_EXPERIMENTAL_MOBILITY);
	wr_u8(w, code);
	wr_u16(w, 0);
	wr_u8(w, subtype);
	wr_u8(w, flags);
	wr_u16(w, id);
}

static bool get_header(struct rd *r, uint8_t *code, uint8_t want, uint8_t *flags, uint16_t *id)
{
	uint8_t type, subtype;
	return rd_u8(r, &type) && type == ICMP6_EXPERIMENTAL_MOBILITY && rd_u8(r, code) && rd_skip(r, 2) && rd_u8(r, &subtype) &&
	       subtype == want && rd_u8(r, flags) && rd_u16(r, id);
}

static void put_address(struct wr *w, uint8_t code, const struct in6_addr *a)
{
	if (!addr_is_zero(a))
		nd_put_ip(w, code, 128, a);
}

/* ---- RtSolPr, PrRtAdv ---- */

static bool is_zero(const struct lladdr *l)
{
	static const struct lladdr zero;
	return memcmp(l->octet, zero.octet, l->len) == 0;
}

int rtsolpr_4068_parse(const uint8_t *data, size_t len, uint8_t lla_len, struct rtsolpr *m)
{
	uint8_t newer[FMIP6_MESSAGE_MAX];
	bool zero = false;
	if (len == 0 || len > sizeof newer || data[0] != ICMP6_EXPERIMENTAL_MOBILITY)
		return -EBADMSG;
	memcpy(newer, data, len);
	newer[0] = ICMP6_FMIP6_TYPE;
	if (rtsolpr_parse(newer, len, lla_len, m) < 0)
		return -EBADMSG;
	for (unsigned i = 0; i < m->aps_n; i++)
		zero |= is_zero(&m->aps[i]);
	if (zero && m->aps_n > 1)
		return -EBADMSG;
	if (zero) {
		m->wildcard = true;
		m->aps_n = 0;
	}
	return 0;
}

/* What can be said of it in the older words. */
static void prrtadv_older(struct prrtadv *m)
{
	bool some = false, hidden = false;
	for (unsigned i = 0; i < m->tuples_n; i++) {
		struct tuple *t = &m->tuples[i];
		if (t->code == LLA_NEW_AP && (t->dhcp || m->code == PRRTADV_DHCP)) {
			*t = (struct tuple){ .code = LLA_NO_PREFIX, .ap = t->ap };
			hidden = true;
		}
		some |= t->code == LLA_NEW_AP;
	}
	if (m->code == PRRTADV_DHCP || (hidden && m->code != PRRTADV_UNSOLICITED))
		m->code = some ? PRRTADV_SUBSET : PRRTADV_NOTHING_NEW;
}

int prrtadv_4068_pack(const struct prrtadv *m, uint8_t *out, size_t cap)
{
	struct prrtadv older = *m;
	struct rd r, body;
	struct wr w = wr_make(out, cap);
	uint8_t type, code;
	prrtadv_older(&older);
	int n = prrtadv_pack(&older, out, cap);
	if (n < 0)
		return n;
	w.len = (size_t)n;
	wr_patch8(&w, 0, ICMP6_EXPERIMENTAL_MOBILITY);
	r = rd_make(out, w.len);
	rd_skip(&r, 8);
	for (size_t at = 8; rd_option8(&r, &type, &body) > 0; at = w.len - rd_left(&r))
		if (type == ND_IP_ADDRESS && rd_u8(&body, &code) && code == IP_NAR_PREFIX) {
			wr_patch8(&w, at, ND_ROUTER_PREFIX);
			wr_patch8(&w, at + 2, 0);
		}
	return n;
}

/* ---- HI, HAck ---- */

int hi_4068_pack(const struct hi *m, uint8_t *out, size_t cap)
{
	struct wr w = wr_make(out, cap);
	put_header(&w, m->code, FMIP6_4068_HI, m->flags, m->seq);
	if (m->lladdr.len)
		nd_put_lla(&w, LLA_MN, &m->lladdr);
	put_address(&w, IP_OLD_COA, &m->pcoa);
	put_address(&w, IP_NEW_COA, &m->ncoa);
	return wire_done(&w);
}

static bool hi_option(uint8_t type, struct rd *body, uint8_t lla_len, struct hi *m)
{
	uint8_t code, plen;
	struct in6_addr a;
	struct lladdr l;
	switch (type) {
	case ND_LLA:
		if (!rd_u8(body, &code) || !nd_get_lla(body, lla_len, &l))
			return false;
		if (code == LLA_MN)
			m->lladdr = l;
		return true;
	case ND_IP_ADDRESS:
		if (!nd_get_ip(body, &code, &plen, &a))
			return false;
		if (code == IP_OLD_COA)
			m->pcoa = a;
		else if (code == IP_NEW_COA)
			m->ncoa = a;
	}
	return true;
}

int hi_4068_parse(const uint8_t *data, size_t len, uint8_t lla_len, struct hi *m)
{
	struct rd r = rd_make(data, len), body;
	uint8_t type;
	int rc;
	memset(m, 0, sizeof *m);
	if (!get_header(&r, &m->code, FMIP6_4068_HI, &m->flags, &m->seq))
		return -EBADMSG;
	m->flags &= HI_ASSIGN | HI_BUFFER;
	while ((rc = rd_option8(&r, &type, &body)) > 0)
		if (!hi_option(type, &body, lla_len, m))
			return -EBADMSG;
	return rc;
}

int hack_4068_pack(const struct hack *m, uint8_t *out, size_t cap)
{
	struct wr w = wr_make(out, cap);
	put_header(&w, code_to_old(m->code), FMIP6_4068_HACK, 0, m->seq);
	put_address(&w, IP_NEW_COA, &m->ncoa);
	return wire_done(&w);
}

int hack_4068_parse(const uint8_t *data, size_t len, struct hack *m)
{
	struct rd r = rd_make(data, len), body;
	uint8_t type, reserved, code, plen;
	struct in6_addr a;
	int rc;
	memset(m, 0, sizeof *m);
	if (!get_header(&r, &m->code, FMIP6_4068_HACK, &reserved, &m->seq))
		return -EBADMSG;
	m->code = code_to_new(m->code);
	while ((rc = rd_option8(&r, &type, &body)) > 0) {
		if (type != ND_IP_ADDRESS)
			continue;
		if (!nd_get_ip(&body, &code, &plen, &a))
			return -EBADMSG;
		if (code == IP_NEW_COA)
			m->ncoa = a;
	}
	return rc;
}

/* ---- FNA ---- */

/* §6.4.4: the length counts neither the Option-Code nor, as everywhere, type and length; an octet of padding stands before the
 * address. */
static bool fna_lla(struct rd *r, uint8_t len, struct lladdr *l)
{
	uint8_t code;
	struct rd body;
	if (len < 2 || len - 1 > LLADDR_MAX || !rd_u8(r, &code) || !rd_sub(r, len, &body) || !rd_skip(&body, 1))
		return false;
	if (code != LLA_MN)
		return true;
	*l = (struct lladdr){ .len = (uint8_t)(len - 1) };
	return rd_copy(&body, l->octet, l->len);
}

int fna_parse(const uint8_t *data, size_t len, struct lladdr *l)
{
	struct rd all = rd_make(data, len), r;
	uint8_t words, type, option, n;
	*l = (struct lladdr){ .len = 0 };
	if (!rd_skip(&all, 1) || !rd_u8(&all, &words) || !rd_sub(&all, ((size_t)words + 1) * 8 - 2, &r) || !rd_u8(&r, &type) ||
	    type != MH_FNA || !rd_skip(&r, 3 + 2))
		return -EBADMSG;
	while (rd_left(&r)) {
		if (!rd_u8(&r, &option))
			return -EBADMSG;
		if (option == MHO_PAD1)
			continue;
		if (!rd_u8(&r, &n) || !(option == MHO_LLA ? fna_lla(&r, n, l) : rd_skip(&r, n)))
			return -EBADMSG;
	}
	return l->len ? 0 : -EBADMSG;
}
