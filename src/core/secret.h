/*
 * Keys and the few cryptographic functions that core offers (OpenSSL underneath). A key lives in one allocation, outside
 * core dumps and swap where the kernel allows it, is wiped when freed, and is never printed.
 */
#ifndef HANDOVERD_CORE_SECRET_H
#define HANDOVERD_CORE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECRET_MAX 64 /* octets */

struct secret; /* reference-counted */

struct secret *secret_create(const void *key, size_t len); /* copies; NULL if len is 0, over SECRET_MAX, or no memory */
/* Text of a key in a configuration: "hex:0011…" or "text:…" (8..64 octets either way). -EINVAL if it is neither. */
int secret_parse(const char *text, struct secret **out);
struct secret *secret_ref(struct secret *s);
void secret_unref(struct secret *s); /* the last one wipes; NULL allowed */
size_t secrets_live(void); /* how many there are: tests see by it that none outlives its use */
const uint8_t *secret_data(const struct secret *s, size_t *len);
bool secret_eq(const struct secret *a, const struct secret *b); /* constant time */

void secret_wipe(void *p, size_t n);                       /* not optimised away */
bool secret_equal(const void *a, const void *b, size_t n); /* constant time */
void secret_random(void *out, size_t n);                   /* from the kernel; aborts if there is none */

/* Has the library find and set up what the functions below need: the first use costs milliseconds, which must not fall
 * into somebody's handover. */
void secret_warm(void);

/* HMAC-SHA1 over the concatenation of `n` pieces (RFC 2104): BADF (RFC 5568) and CXTP tokens (RFC 4067 §2.5.3) want it. */
struct piece {
	const void *data;
	size_t len;
};
#define HMAC_SHA1_LEN 20
int hmac_sha1(const void *key, size_t key_len, const struct piece *pieces, size_t n, uint8_t out[HMAC_SHA1_LEN]);

/*
 * HKDF-SHA256 (RFC 5869): the info is the concatenation of `info_n` pieces, at most 12 of them. salt NULL: none. out_len:
 * up to 8160. Returns 0, -EINVAL, -ENOTSUP or -EIO.
 */
int hkdf_sha256(const struct piece *key, const struct piece *salt, const struct piece *info, size_t info_n, uint8_t *out,
                size_t out_len);

/*
 * A key of its own for one purpose: out = first out_len octets of HKDF-SHA256 (RFC 5869) with the master key as input
 * keying material, no salt, and as info the label, a zero octet, and the pieces one after the other. The label names
 * protocol and use ("handoverd fmip6 badf"); the man page states every label. At most 11 pieces.
 */
int secret_derive(const struct secret *master, const char *label, const struct piece *pieces, size_t n, uint8_t *out,
                  size_t out_len);

/* Keyed hash for tables that strangers can fill (SipHash-2-4 under a key drawn at start). */
uint64_t hash_keyed(const void *data, size_t len);
uint64_t siphash24(const uint8_t key[16], const void *data, size_t len);

#endif
