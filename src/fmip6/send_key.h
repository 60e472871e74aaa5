/*
 * RSA as SEND (RFC 3971 §5.2) and the handover keys (RFC 5269) want it, through OpenSSL: RSASSA-PKCS1-v1_5 with SHA-1, and
 * RSAES-PKCS1-v1_5. Public keys travel as DER SubjectPublicKeyInfo. Functions that return int return a length, or a negative errno.
 */
#ifndef HANDOVERD_FMIP6_SEND_KEY_H
#define HANDOVERD_FMIP6_SEND_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/secret.h"

/* RFC 3971 §5.1.3 wants at least 1024 and at most 2048 taken; with more, question and answer would not fit the least IPv6 MTU. */
#define SEND_BITS_MIN 1024
#define SEND_BITS_MAX 2048
#define SEND_RSA_MAX (SEND_BITS_MAX / 8) /* octets of a signature or of something encrypted */
#define SEND_PUBLIC_MAX 300              /* octets of a public key; of 2048 bits: 294 */
#define SEND_KEY_HASH 16
#define SEND_FINGERPRINT 32

/* A key pair of our own. */
struct send_key;
struct send_key *send_key_generate(unsigned bits);                /* takes from a tenth of a second to some seconds; NULL: failed */
struct send_key *send_key_read(const char *pem, size_t len);      /* NULL: no RSA private key of a size that is used here */
int send_key_write(const struct send_key *k, char *pem, size_t cap); /* PEM, unencrypted; the caller wipes it */
void send_key_free(struct send_key *k);                           /* wipes; NULL allowed */
const uint8_t *send_key_public(const struct send_key *k, size_t *len);
unsigned send_key_bits(const struct send_key *k);
int send_key_sign(const struct send_key *k, const struct piece *pieces, size_t n, uint8_t *out, size_t cap);
int send_key_decrypt(const struct send_key *k, const uint8_t *in, size_t len, uint8_t *out, size_t cap);
/* Octets that are always the same for this key and that nobody can guess: the seed of its addresses. */
int send_key_seed(const struct send_key *k, const char *label, uint8_t *out, size_t len);

/* Somebody else's public key. NULL: not RSA, of a size out of range, with an exponent that is made to cost time, or with octets
 * after it. */
struct send_public;
struct send_public *send_public_open(const uint8_t *der, size_t len);
void send_public_close(struct send_public *p); /* NULL allowed */
unsigned send_public_bits(const struct send_public *p);
bool send_public_same_kind(const struct send_public *a, const struct send_public *b); /* size and exponent (RFC 5269 §3.1) */
/* sig_len: the field, whose padding at the end is not told apart by any length (RFC 3971 §5.2). */
bool send_public_verify(const struct send_public *p, const struct piece *pieces, size_t n, const uint8_t *sig, size_t sig_len);
int send_public_encrypt(const struct send_public *p, const uint8_t *in, size_t len, uint8_t *out, size_t cap);

void send_key_hash(const uint8_t *der, size_t len, uint8_t out[SEND_KEY_HASH]);       /* SHA-1, first 128 bits (RFC 3971 §5.2) */
void send_fingerprint(const uint8_t *der, size_t len, uint8_t out[SEND_FINGERPRINT]); /* SHA-256: what people compare */
#define SEND_FINGERPRINT_TEXT (7 + 2 * SEND_FINGERPRINT + 1)
const char *send_fingerprint_text(const uint8_t fp[SEND_FINGERPRINT], char out[SEND_FINGERPRINT_TEXT]); /* "sha256:…" */
int send_fingerprint_parse(const char *text, uint8_t out[SEND_FINGERPRINT]); /* 0, or -EINVAL */

#endif
