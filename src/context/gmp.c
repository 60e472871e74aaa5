#include "context/gmp.h"

static const struct in6_addr v4_any = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

static bool read_addr(struct rd *r, bool v4, struct in6_addr *out)
{
	return v4 ? rd_addr4(r, out) : rd_addr6(r, out);
}

bool gmp_source_next(struct gmp_sources *s, struct in6_addr *out)
{
	if (!s->n)
		return false;
	s->n--;
	return read_addr(&s->rd, s->v4, out);
}

bool gmp_parse_record(struct rd *r, bool v4, struct gmp_record *out)
{
	uint8_t aux;
	out->sources.v4 = v4;
	return rd_u8(r, &out->type) && rd_u8(r, &aux) && rd_u16(r, &out->sources.n) && read_addr(r, v4, &out->group) &&
	       rd_sub(r, (v4 ? 4U : 16U) * out->sources.n, &out->sources.rd) && rd_skip(r, 4U * aux);
}

bool gmp_parse_records(struct rd r, struct gmp_message *m)
{
	struct gmp_record record;
	m->records = r;
	for (unsigned i = 0; i < m->records_n; i++)
		if (!gmp_parse_record(&r, m->v4, &record))
			return false;
	return true;
}

bool gmp_record_next(struct gmp_message *m, struct gmp_record *out)
{
	if (!m->records_n)
		return false;
	m->records_n--;
	return gmp_parse_record(&m->records, m->v4, out);
}

void gmp_put_addr(struct wr *w, bool v4, const struct in6_addr *a)
{
	if (v4)
		wr_addr4(w, addr_is_zero(a) ? &v4_any : a);
	else
		wr_addr6(w, a);
}

void gmp_put_records(struct wr *w, bool v4, const struct gmp_record_out *records, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		wr_u8(w, records[i].type);
		wr_u8(w, 0);
		wr_u16(w, (uint16_t)records[i].n);
		gmp_put_addr(w, v4, &records[i].group);
		for (size_t k = 0; k < records[i].n; k++)
			gmp_put_addr(w, v4, &records[i].source[k]);
	}
}

bool gmp_group_routable(const struct in6_addr *g)
{
	if (addr_is_v4(g))
		return (g->s6_addr[12] & 0xf0) == 224 && (g->s6_addr[12] != 224 || g->s6_addr[13] || g->s6_addr[14]);
	return addr_is_multicast(g) && (g->s6_addr[1] & 15) > 2;
}

uint32_t gmp_decode(uint32_t code, unsigned mantissa_bits)
{
	uint32_t top = 1U << mantissa_bits;
	if (code < top << 3)
		return code;
	return ((code & (top - 1)) | top) << (((code >> mantissa_bits) & 7) + 3);
}

uint32_t gmp_encode(uint64_t value, unsigned mantissa_bits)
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
