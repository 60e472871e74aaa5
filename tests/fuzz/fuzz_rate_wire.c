/* The context of rates as it comes: first octet whether there is a presence vector, then that, then the data. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "context/rate_wire.h"
#include "core/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct feature f = { .fpt = 65284, .name = "rate", .fields = rate_fields };
	struct rd r = rd_make(data, size);
	struct feature_data d = { 0 };
	struct policer_rate rate;
	uint8_t vector[FEATURE_VECTOR_MAX], again[RATE_LEN], presence;
	if (size > FEATURE_DATA_MAX || !rd_u8(&r, &presence) || ((presence & 1) && !rd_u32(&r, &d.presence)))
		return 0;
	d.has_presence = presence & 1;
	d.octets = r.p;
	d.len = rd_left(&r);
	if (feature_decode(&f, &d, vector) != FEATURE_OK || !rate_parse(vector, RATE_LEN, &rate))
		return 0;
	rate_pack(&rate, again);
	if (memcmp(vector, again, RATE_LEN))
		__builtin_trap();
	return 0;
}
