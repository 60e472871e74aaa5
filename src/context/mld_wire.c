#include "context/mld_wire.h"

#include <string.h>

#define V1_LEN 24

/* RFC 3810 §5.1.3 and §5.1.9: small values as they are, great ones as a float of 4 or 12 bits and an exponent of 3. */
static uint32_t decode(uint32_t code, unsigned mantissa_bits)
{
	uint32_t top = 1U << mantissa_bits;
	if (code < top << 3)
		return code;
	return ((code & (top - 1)) | top) << (((code >> mantissa_bits) & 7) + 3);
}

/* The greatest value that can be said and is not above the wanted one. */
static uint32_t encode(uint64_t value, unsigned mantissa_bits)
{
	uint64_t top = 1ULL << mantissa_bits;
	if (value < top << 3)
		return (uint32_t)value;
	for (unsigned exponent = 0; exponent < 8; exponent++) {
		uint64_t mantissa = value >> (exponent + 3);
		if (mantissa < top << 1)
			return (uint32_t)(top << 3 | exponent << mantissa_bits | (mantissa & (top - 1)));
	}
	return (uint32_t)((top << 4) - 1);
}

static bool parse_query(struct rd r, struct mld_query *q)
{
	uint16_t code;
	uint8_t flags, interval;
	size_t len = rd_left(&r);
	/* Between the lengths of the two versions there is nothing (RFC 3810 §8.1). */
	if ((len > V1_LEN && len < MLD_QUERY_MAX) || !rd_skip(&r, 4) || !rd_u16(&r, &code) || !rd_skip(&r, 2) ||
	    !rd_addr6(&r, &q->group))
		return false;
	if (!addr_is_zero(&q->group) && !addr_is_multicast(&q->group))
		return false;
	q->max_response = code * USEC_MSEC;
	if (len == V1_LEN)
		return true;
	q->v2 = true;
	q->max_response = decode(code, 12) * USEC_MSEC;
	if (!rd_u8(&r, &flags) || !rd_u8(&r, &interval) || !rd_u16(&r, &q->sources_n) ||
	    !rd_sub(&r, 16U * q->sources_n, &q->sources))
		return false;
	q->suppress = flags & 8;
	q->robustness = flags & 7;
	q->interval = decode(interval, 4) * USEC_SEC;
	return true;
}

static bool parse_record(struct rd *r, struct mld_record *out)
{
	uint8_t aux;
	return rd_u8(r, &out->type) && rd_u8(r, &aux) && rd_u16(r, &out->sources_n) && rd_addr6(r, &out->group) &&
	       rd_sub(r, 16U * out->sources_n, &out->sources) && rd_skip(r, 4U * aux);
}

static bool parse_report(struct rd r, struct mld_message *m)
{
	struct mld_record record;
	if (!rd_skip(&r, 6) || !rd_u16(&r, &m->records_n))
		return false;
	m->records = r;
	for (unsigned i = 0; i < m->records_n; i++)
		if (!parse_record(&r, &record))
			return false;
	return true;
}

static bool parse_v1(struct rd r, struct in6_addr *group)
{
	return rd_skip(&r, 8) && rd_addr6(&r, group) && addr_is_multicast(group);
}

bool mld_parse(const void *data, size_t len, struct mld_message *out)
{
	struct rd r = rd_make(data, len);
	memset(out, 0, sizeof *out);
	if (!len)
		return false;
	out->type = *r.p;
	switch (out->type) {
	case MLD_QUERY:
		return parse_query(r, &out->query);
	case MLD_REPORT:
	case MLD_DONE:
		return parse_v1(r, &out->group);
	case MLD_REPORT_V2:
		return parse_report(r, out);
	}
	return false;
}

bool mld_record_next(struct mld_message *m, struct mld_record *out)
{
	if (!m->records_n)
		return false;
	m->records_n--;
	return parse_record(&m->records, out);
}

static void put_head(struct wr *w, enum mld_type type)
{
	wr_u8(w, (uint8_t)type);
	wr_zero(w, 3);
}

void mld_query_pack(struct wr *w, const struct mld_query *q)
{
	uint64_t ms = q->max_response / USEC_MSEC;
	put_head(w, MLD_QUERY);
	wr_u16(w, q->v2 ? (uint16_t)encode(ms, 12) : ms > UINT16_MAX ? UINT16_MAX : (uint16_t)ms);
	wr_zero(w, 2);
	wr_addr6(w, &q->group);
	if (!q->v2)
		return;
	/* A robustness that does not fit is not told (RFC 3810 §5.1.8). */
	wr_u8(w, (uint8_t)((q->suppress ? 8 : 0) | (q->robustness <= 7 ? q->robustness : 0)));
	wr_u8(w, (uint8_t)encode(q->interval / USEC_SEC, 4));
	wr_u16(w, 0);
}

void mld_v1_pack(struct wr *w, enum mld_type type, const struct in6_addr *group)
{
	put_head(w, type);
	wr_zero(w, 4);
	wr_addr6(w, group);
}

void mld_report_pack(struct wr *w, const struct mld_record *records, size_t n)
{
	put_head(w, MLD_REPORT_V2);
	wr_zero(w, 2);
	wr_u16(w, (uint16_t)n);
	for (size_t i = 0; i < n; i++) {
		wr_u8(w, records[i].type);
		wr_u8(w, 0);
		wr_u16(w, records[i].sources_n);
		wr_addr6(w, &records[i].group);
		wr_copy(w, records[i].sources.p, 16U * records[i].sources_n);
	}
}

const char *mld_refusal(const struct in6_addr *src, int hop_limit, bool router_alert)
{
	if (addr_is_zero(src))
		return "unspecified source";
	if (!addr_is_link_local(src))
		return "source is not link-local";
	if (hop_limit != 1)
		return "hop limit is not 1";
	return router_alert ? NULL : "no Router Alert";
}

void mld_block_pack(const struct mld_block *b, uint8_t out[MLD_BLOCK_LEN])
{
	struct wr w = wr_make(out, MLD_BLOCK_LEN);
	wr_copy(&w, b->prefix.s6_addr, 8);
	wr_addr6(&w, &b->group);
}

bool mld_block_parse(const void *data, size_t len, struct mld_block *out)
{
	struct rd r = rd_make(data, len);
	memset(out, 0, sizeof *out);
	return len < MLD_BLOCK_LEN + 8 && rd_copy(&r, out->prefix.s6_addr, 8) && rd_addr6(&r, &out->group) &&
	       addr_is_multicast(&out->group);
}
