#include "context/mld_wire.h"

#include <string.h>

#define V1_LEN 24
#define V2_LEN 28 /* of a query without sources */

static bool parse_query(struct rd r, struct gmp_query *q)
{
	uint16_t code;
	uint8_t flags, interval;
	size_t len = rd_left(&r);
	/* Between the lengths of the two versions there is nothing (RFC 3810 §8.1). */
	if ((len > V1_LEN && len < V2_LEN) || !rd_skip(&r, 4) || !rd_u16(&r, &code) || !rd_skip(&r, 2) ||
	    !rd_addr6(&r, &q->group))
		return false;
	if (!addr_is_zero(&q->group) && !IN6_IS_ADDR_MULTICAST(&q->group))
		return false;
	q->version = GMP_V2;
	q->max_response = code * USEC_MSEC;
	if (len == V1_LEN)
		return true;
	q->version = GMP_V3;
	q->max_response = gmp_decode(code, 12) * USEC_MSEC;
	if (!rd_u8(&r, &flags) || !rd_u8(&r, &interval) || !rd_u16(&r, &q->sources.n) ||
	    !rd_sub(&r, 16U * q->sources.n, &q->sources.rd))
		return false;
	q->suppress = flags & 8;
	q->robustness = flags & 7;
	q->interval = gmp_decode(interval, 4) * USEC_SEC;
	return true;
}

static bool parse_v1(struct rd r, struct in6_addr *group)
{
	return rd_skip(&r, 8) && rd_addr6(&r, group) && IN6_IS_ADDR_MULTICAST(group);
}

bool mld_parse(const void *data, size_t len, struct gmp_message *out)
{
	struct rd r = rd_make(data, len);
	memset(out, 0, sizeof *out);
	if (!len)
		return false;
	out->version = GMP_V2;
	switch (*r.p) {
	case MLD_QUERY:
		out->type = GMP_QUERY;
		return parse_query(r, &out->query);
	case MLD_REPORT:
		out->type = GMP_REPORT;
		return parse_v1(r, &out->group);
	case MLD_DONE:
		out->type = GMP_LEAVE;
		return parse_v1(r, &out->group);
	case MLD_REPORT_V2:
		out->type = GMP_RECORDS;
		return rd_skip(&r, 6) && rd_u16(&r, &out->records_n) && gmp_parse_records(r, out);
	}
	return false;
}

static void put_head(struct wr *w, enum mld_type type)
{
	wr_u8(w, (uint8_t)type);
	wr_zero(w, 3);
}

void mld_query_pack(struct wr *w, const struct gmp_query *q)
{
	uint64_t ms = q->max_response / USEC_MSEC;
	bool v2 = q->version == GMP_V3;
	put_head(w, MLD_QUERY);
	wr_u16(w, v2 ? (uint16_t)gmp_encode(ms, 12) : ms > UINT16_MAX ? UINT16_MAX : (uint16_t)ms);
	wr_zero(w, 2);
	wr_addr6(w, &q->group);
	if (!v2)
		return;
	/* A robustness that does not fit is not told (RFC 3810 §5.1.8). */
	wr_u8(w, (uint8_t)((q->suppress ? 8 : 0) | (q->robustness <= 7 ? q->robustness : 0)));
	wr_u8(w, (uint8_t)gmp_encode(q->interval / USEC_SEC, 4));
	wr_u16(w, (uint16_t)q->ask_n);
	for (size_t i = 0; i < q->ask_n; i++)
		wr_addr6(w, &q->ask[i]);
}

void mld_v1_pack(struct wr *w, enum mld_type type, const struct in6_addr *group)
{
	put_head(w, type);
	wr_zero(w, 4);
	wr_addr6(w, group);
}

void mld_report_pack(struct wr *w, const struct gmp_record_out *records, size_t n)
{
	put_head(w, MLD_REPORT_V2);
	wr_zero(w, 2);
	wr_u16(w, (uint16_t)n);
	gmp_put_records(w, false, records, n);
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
	       IN6_IS_ADDR_MULTICAST(&out->group);
}
