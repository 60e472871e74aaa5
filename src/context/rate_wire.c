#include "context/rate_wire.h"

#include "core/buf.h"

static const uint8_t keep = POLICER_DSCP_KEEP;

const struct feature_field rate_fields[] = {
	{ "down", 8, feature_zero }, { "up", 8, feature_zero }, { "burst", 4, feature_zero },
	{ "class", 4, feature_zero }, { "dscp", 1, &keep },     { 0 },
};

void rate_pack(const struct policer_rate *r, uint8_t out[RATE_LEN])
{
	struct wr w = wr_make(out, RATE_LEN);
	wr_u64(&w, r->down);
	wr_u64(&w, r->up);
	wr_u32(&w, r->burst);
	wr_u32(&w, r->class);
	wr_u8(&w, r->dscp);
}

/* Less than an octet a second is no rate, but none at all. */
static bool is_rate(uint64_t bits)
{
	return !bits || (bits >= 8 && bits <= POLICER_RATE_MAX);
}

bool rate_parse(const void *data, size_t len, struct policer_rate *out)
{
	struct rd r = rd_make(data, len);
	return len == RATE_LEN && rd_u64(&r, &out->down) && rd_u64(&r, &out->up) && rd_u32(&r, &out->burst) &&
	       rd_u32(&r, &out->class) && rd_u8(&r, &out->dscp) && is_rate(out->down) && is_rate(out->up) &&
	       (out->dscp < 64 || out->dscp == POLICER_DSCP_KEEP);
}
