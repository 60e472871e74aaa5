/*
 * The lines between handoverd and a program that has contexts of its own; what they mean stands in handoverd-context(7).
 * Pure functions between text and structs.
 *
 *   LINE = WORD *( SP KEY "=" VALUE ) LF     data is base64 (RFC 4648 §4); the value of reason is the rest of the line
 *
 * Blocks are kept, and travel, with their length in front: two octets, then as many. The padding of a CDB then cannot be
 * taken for data.
 */
#ifndef HANDOVERD_CONTEXT_PROGRAM_WIRE_H
#define HANDOVERD_CONTEXT_PROGRAM_WIRE_H

#include "core/addr.h"
#include "core/buf.h"
#include "core/feature.h"

#define PROGRAM_BLOCK_MAX (FEATURE_DATA_MAX - 2) /* octets of one block */
#define PROGRAM_LINE_MAX 65536                   /* a program's line, LF included */
#define PROGRAM_INSTALL_MAX 3072                 /* our longest line, LF included */

enum program_verb { PROGRAM_HELLO, PROGRAM_PUT, PROGRAM_STATUS };

struct program_line {
	enum program_verb verb;
	uint16_t fpt;           /* hello */
	struct in6_addr mobile; /* put */
	size_t blocks_n;        /* put */
	uint32_t id;            /* status */
	uint8_t status;         /* status: 0, a common failure, or one of the feature's own */
	const char *reason;     /* status: points into the line; not NUL-terminated */
	size_t reason_len;
};

/* Takes a line apart, without its LF. Blocks are appended to `blocks`, each with its length. NULL, or why not; then `blocks`
 * may hold a part. */
const char *program_parse(const char *line, size_t len, struct program_line *out, struct wr *blocks);

/* What is to be installed. */
struct program_install {
	uint32_t id;
	struct in6_addr mobile, previous; /* mobile: address here, or unspecified */
	const char *interface;            /* NULL: not known */
	struct lladdr lladdr;             /* len 0: not known */
	const uint8_t *data;
	size_t len; /* at most PROGRAM_BLOCK_MAX */
};
/* The line with its LF. Returns its length. */
size_t program_install_line(const struct program_install *i, char out[PROGRAM_INSTALL_MAX]);

/* One block as it travels, into its octets. False: its length is not that of what came, or something follows that is no
 * padding. */
bool program_unwrap(const uint8_t *data, size_t len, const uint8_t **octets, size_t *n);

/* Strict: padded, canonical, no other characters. False: not base64, or no room in w (then w's overflow is set). */
bool base64_decode(const char *text, size_t len, struct wr *w);
/* Appends a NUL. Returns the length without it; out has room for (len + 2) / 3 * 4 + 1. */
size_t base64_encode(const uint8_t *data, size_t len, char *out);

#endif
