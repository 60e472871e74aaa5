/* Octets written out in a test, as text: "21 40 00 2c …" in any spacing. */
#ifndef HANDOVERD_TESTS_HEX_H
#define HANDOVERD_TESTS_HEX_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

static inline size_t hex_octets(const char *text, uint8_t *out, size_t cap)
{
	size_t n = 0;
	unsigned v;
	int used;
	for (; sscanf(text, " %2x%n", &v, &used) == 1; text += used) {
		assert(n < cap);
		out[n++] = (uint8_t)v;
	}
	return n;
}

#endif
