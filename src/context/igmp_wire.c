#include "context/igmp_wire.h"

#include <string.h>

#define SHORT_LEN 8 /* versions 1 and 2 */
#define QUERY_LEN 12 /* version 3, without sources */
#define TENTH (USEC_SEC / 10)
#define V1_RESPONSE (10 * USEC_SEC) /* RFC 2236 §4: of a version 1 query, which does not tell it */

static bool v4_is_zero(const struct in6_addr *a)
{
	static const uint8_t zero[4];
	return !memcmp(&a->s6_addr[12], zero, 4);
}

static bool parse_query(struct rd r, struct gmp_query *q)
{
	uint8_t code, flags, interval;
	size_t len = rd_left(&r);
	/* Between the lengths of the versions there is nothing (RFC 3376 §7.1). */
	if ((len > SHORT_LEN && len < QUERY_LEN) || !rd_skip(&r, 1) || !rd_u8(&r, &code) || !rd_skip(&r, 2) ||
	    !rd_addr4(&r, &q->group))
		return false;
	if (!v4_is_zero(&q->group) && !addr_is_multicast(&q->group))
		return false;
	if (v4_is_zero(&q->group))
		q->group = in6addr_any;
	q->v4 = true;
	q->version = len > SHORT_LEN ? GMP_V3 : code ? GMP_V2 : GMP_V1;
	q->max_response = q->version == GMP_V1 ? V1_RESPONSE : code * TENTH;
	if (q->version != GMP_V3)
		return true;
	q->max_response = gmp_decode(code, 4) * TENTH;
	q->sources.v4 = true;
	if (!rd_u8(&r, &flags) || !rd_u8(&r, &interval) || !rd_u16(&r, &q->sources.n) ||
	    !rd_sub(&r, 4U * q->sources.n, &q->sources.rd))
		return false;
	q->suppress = flags & 8;
	q->robustness = flags & 7;
	q->interval = gmp_decode(interval, 4) * USEC_SEC;
	return true;
}

static bool parse_short(struct rd r, struct in6_addr *group)
{
	return rd_skip(&r, 4) && rd_addr4(&r, group) && addr_is_multicast(group);
}

bool igmp_parse(const void *data, size_t len, struct gmp_message *out)
{
	struct rd r = rd_make(data, len);
	memset(out, 0, sizeof *out);
	if (!len)
		return false;
	out->v4 = true;
	out->version = *r.p == IGMP_REPORT_V1 ? GMP_V1 : GMP_V2;
	switch (*r.p) {
	case IGMP_QUERY:
		out->type = GMP_QUERY;
		return parse_query(r, &out->query);
	case IGMP_REPORT_V1:
	case IGMP_REPORT_V2:
		out->type = GMP_REPORT;
		return parse_short(r, &out->group);
	case IGMP_LEAVE_V2:
		out->type = GMP_LEAVE;
		return parse_short(r, &out->group);
	case IGMP_REPORT_V3:
		out->type = GMP_RECORDS;
		return rd_skip(&r, 6) && rd_u16(&r, &out->records_n) && gmp_parse_records(r, out);
	}
	return false;
}

void igmp_query_pack(struct wr *w, const struct gmp_query *q)
{
	uint64_t tenths = q->max_response / TENTH;
	if (!tenths) /* 0 would be version 1 */
		tenths = 1;
	wr_u8(w, IGMP_QUERY);
	wr_u8(w, q->version == GMP_V1 ? 0 : q->version == GMP_V3 ? (uint8_t)gmp_encode(tenths, 4) :
	         tenths > UINT8_MAX ? UINT8_MAX : (uint8_t)tenths);
	wr_u16(w, 0);
	gmp_put_addr(w, true, &q->group);
	if (q->version != GMP_V3)
		return;
	wr_u8(w, (uint8_t)((q->suppress ? 8 : 0) | (q->robustness <= 7 ? q->robustness : 0)));
	wr_u8(w, (uint8_t)gmp_encode(q->interval / USEC_SEC, 4));
	wr_u16(w, (uint16_t)q->ask_n);
	for (size_t i = 0; i < q->ask_n; i++)
		wr_addr4(w, &q->ask[i]);
}

void igmp_v2_pack(struct wr *w, enum igmp_type type, const struct in6_addr *group)
{
	wr_u8(w, (uint8_t)type);
	wr_zero(w, 3);
	wr_addr4(w, group);
}

void igmp_report_pack(struct wr *w, const struct gmp_record_out *records, size_t n)
{
	wr_u8(w, IGMP_REPORT_V3);
	wr_zero(w, 5);
	wr_u16(w, (uint16_t)n);
	gmp_put_records(w, true, records, n);
}

const char *igmp_refusal(uint8_t type, const struct in6_addr *src, int ttl, bool router_alert)
{
	if (src->s6_addr[12] >= 224)
		return "source is no host's";
	if (ttl != 1)
		return "TTL is not 1";
	/* Version 1 knew no Router Alert; of a query the octets alone would tell the version, and we gain nothing by asking. */
	if (!router_alert && type != IGMP_REPORT_V1 && type != IGMP_QUERY)
		return "no Router Alert";
	return NULL;
}

size_t filter_block_pack(const struct in6_addr *group, const struct source_filter *f, uint8_t out[FILTER_BLOCK_MAX])
{
	bool v4 = addr_is_v4(group);
	struct wr w = wr_make(out, FILTER_BLOCK_MAX);
	wr_u8(&w, v4 ? 4 : 16);
	wr_u8(&w, f->exclude);
	wr_u16(&w, f->n);
	gmp_put_addr(&w, v4, group);
	for (size_t i = 0; i < f->n; i++)
		gmp_put_addr(&w, v4, &f->source[i]);
	return wr_ok(&w) ? w.len : 0;
}

static bool block_source(const struct in6_addr *s, bool v4)
{
	return v4 ? !v4_is_zero(s) && s->s6_addr[12] < 224 : !addr_is_zero(s) && !addr_is_multicast(s);
}

bool filter_block_parse(const void *data, size_t len, struct filter_block *out)
{
	struct rd r = rd_make(data, len);
	uint8_t width, mode;
	struct in6_addr source;
	memset(out, 0, sizeof *out);
	if (!rd_u8(&r, &width) || (width != 4 && width != 16) || !rd_u8(&r, &mode) || mode > 1 || !rd_u16(&r, &out->sources.n))
		return false;
	bool v4 = out->sources.v4 = width == 4;
	out->exclude = mode;
	if (!(v4 ? rd_addr4(&r, &out->group) : rd_addr6(&r, &out->group)) || addr_is_v4(&out->group) != v4 ||
	    !addr_is_multicast(&out->group) ||
	    !rd_sub(&r, (size_t)width * out->sources.n, &out->sources.rd) || rd_left(&r) > 7 || (!mode && !out->sources.n))
		return false;
	for (struct gmp_sources s = out->sources; gmp_source_next(&s, &source);)
		if (!block_source(&source, v4))
			return false;
	return true;
}
