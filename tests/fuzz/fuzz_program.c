/* What a program says to the socket of contexts: lines taken apart, deposited, and collected again. */
#define _GNU_SOURCE 1 /* memmem */
#include <stdlib.h>
#include <string.h>

#include "context/program_store.h"
#include "context/program_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void deposit(struct program_store *s, const struct program_line *l, const struct wr *blocks)
{
	const uint8_t *kept, *octets;
	size_t len, n;
	uint16_t size;
	if (program_store_put(s, &l->mobile, blocks->base, blocks->len) < 0)
		return;
	kept = program_store_get(s, &l->mobile, &len);
	if (len != blocks->len || (len && memcmp(kept, blocks->base, len) != 0))
		abort();
	struct rd r = rd_make(kept, len), block;
	size_t found = 0;
	for (; rd_u16(&r, &size); found++)
		if (!rd_sub(&r, size, &block) || !program_unwrap(block.p - 2, (size_t)size + 2, &octets, &n) || n != size)
			abort();
	if (found != l->blocks_n || rd_left(&r))
		abort();
}

/* What comes from another router, as a line for a program: to be taken apart again. */
static void hand_over(const uint8_t *data, size_t size)
{
	struct program_install i = { .id = 1 };
	char line[PROGRAM_INSTALL_MAX];
	uint8_t back[PROGRAM_BLOCK_MAX];
	struct wr w = wr_make(back, sizeof back);
	if (!program_unwrap(data, size, &i.data, &i.len))
		return;
	size_t len = program_install_line(&i, line);
	const char *text = memmem(line, len, "data=", 5);
	if (!base64_decode(text + 5, len - 6 - (size_t)(text - line), &w) || w.len != i.len || memcmp(back, i.data, i.len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct program_store_limits limits = { .mobiles = 4, .octets = 4096 };
	struct program_store *s = program_store_create(&limits);
	hand_over(data, size);
	while (size) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t len = end ? (size_t)(end - data) : size;
		uint8_t room[3000];
		struct wr blocks = wr_make(room, sizeof room);
		struct program_line l;
		if (!program_parse((const char *)data, len, &l, &blocks) && l.verb == PROGRAM_PUT)
			deposit(s, &l, &blocks);
		if (program_store_mobiles(s) > limits.mobiles || program_store_octets(s) > limits.octets)
			abort();
		len += end != NULL;
		data += len;
		size -= len;
	}
	program_store_destroy(s);
	return 0;
}
