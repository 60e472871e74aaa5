/* Any octets as a CXTP message; what parses must pack again to the same message, reserved bits aside. */
#include <stdlib.h>
#include <string.h>

#include "cxtp/cxtp_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const struct cxtp_message *m)
{
	bool request = m->type == CXTP_CTAR || m->type == CXTP_CTREQ;
	struct rd r = rd_make(m->blocks, m->blocks_len);
	struct cxtp_block b;
	size_t sum = 0;
	int got;
	while ((got = cxtp_block_next(&r, request, &b)) > 0) {
		for (size_t i = 0; i < b.len; i++)
			sum += b.data[i];
		if (b.len > CXTP_BLOCK_MAX)
			abort();
	}
	if (got < 0)
		abort();
	r = rd_make(m->statuses, m->statuses_len);
	for (struct cxtp_status s; cxtp_status_next(&r, &s);)
		sum += s.status;
	if (sum == SIZE_MAX || rd_left(&r))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t out[CXTP_MESSAGE_MAX], again[CXTP_MESSAGE_MAX];
	struct cxtp_message m, m2;
	if (cxtp_parse(data, size, &m) != CXTP_OK)
		return 0;
	walk(&m);
	size_t len = cxtp_pack(&m, out, sizeof out);
	if (len != size || cxtp_parse(out, len, &m2) != CXTP_OK)
		abort();
	if (cxtp_pack(&m2, again, sizeof again) != len || memcmp(out, again, len))
		abort();
	return 0;
}
