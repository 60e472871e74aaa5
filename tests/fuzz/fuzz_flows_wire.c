/* The context of connection-tracking entries: whatever is taken is packed again to the same octets. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "context/flows_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct flows_block b;
	static uint8_t out[FEATURE_DATA_MAX];
	struct wr w = wr_make(out, sizeof out);
	if (size > sizeof out || flows_parse(data, size, &b) != FLOWS_OK)
		return 0;
	for (size_t i = 0; i < b.n; i++)
		if (b.entries[i].marked && !b.entries[i].mark)
			return 0; /* said in vain: not said again */
	if (flows_pack(&w, &b.addr, b.left_out, true, b.entries, b.n) != b.n || w.len > size || memcmp(data, out, w.len))
		__builtin_trap();
	return 0;
}
