#include "fmip6/send_key.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPONENT_BITS_MAX 33 /* 65537 and below are in use; a long one makes a verification cost what a signature costs */

struct send_key {
	EVP_PKEY *pair;
	unsigned bits;
	size_t public_len;
	uint8_t public[SEND_PUBLIC_MAX];
};

struct send_public {
	EVP_PKEY *key;
	BIGNUM *exponent;
};

static bool bits_good(const EVP_PKEY *k)
{
	int bits = EVP_PKEY_get_bits(k);
	return EVP_PKEY_is_a(k, "RSA") && bits >= SEND_BITS_MIN && bits <= SEND_BITS_MAX;
}

/* ---- our own ---- */

static struct send_key *key_of(EVP_PKEY *pair)
{
	struct send_key *k = pair && bits_good(pair) ? calloc(1, sizeof *k) : NULL;
	uint8_t *to = k ? k->public : NULL;
	int n = k ? i2d_PUBKEY(pair, NULL) : -1;
	if (n <= 0 || (size_t)n > sizeof k->public) {
		EVP_PKEY_free(pair);
		free(k);
		return NULL;
	}
	k->pair = pair;
	k->bits = (unsigned)EVP_PKEY_get_bits(pair);
	k->public_len = (size_t)i2d_PUBKEY(pair, &to);
	return k;
}

struct send_key *send_key_generate(unsigned bits)
{
	return key_of(EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits));
}

/* An encrypted file would have the library ask at the terminal. */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	return -1;
}

struct send_key *send_key_read(const char *pem, size_t len)
{
	BIO *in = BIO_new_mem_buf(pem, (int)len);
	EVP_PKEY *pair = in ? PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL) : NULL;
	BIO_free(in);
	return key_of(pair);
}

int send_key_write(const struct send_key *k, char *pem, size_t cap)
{
	BIO *out = BIO_new(BIO_s_secmem());
	int n = -EIO;
	if (out && PEM_write_bio_PrivateKey(out, k->pair, NULL, NULL, 0, NULL, NULL) == 1) {
		size_t len = BIO_ctrl_pending(out);
		n = len <= cap ? BIO_read(out, pem, (int)len) : -EMSGSIZE;
	}
	BIO_free(out);
	return n;
}

void send_key_free(struct send_key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pair);
	free(k);
}

const uint8_t *send_key_public(const struct send_key *k, size_t *len)
{
	*len = k->public_len;
	return k->public;
}

unsigned send_key_bits(const struct send_key *k)
{
	return k->bits;
}

int send_key_sign(const struct send_key *k, const struct piece *pieces, size_t n, uint8_t *out, size_t cap)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = cap;
	bool ok = ctx && EVP_DigestSignInit_ex(ctx, NULL, "SHA1", NULL, NULL, k->pair, NULL) == 1;
	for (size_t i = 0; ok && i < n; i++)
		ok = EVP_DigestSignUpdate(ctx, pieces[i].data, pieces[i].len) == 1;
	ok = ok && cap >= k->bits / 8 && EVP_DigestSignFinal(ctx, out, &len) == 1;
	EVP_MD_CTX_free(ctx);
	return ok ? (int)len : -EIO;
}

int send_key_decrypt(const struct send_key *k, const uint8_t *in, size_t len, uint8_t *out, size_t cap)
{
	uint8_t plain[SEND_RSA_MAX];
	size_t n = sizeof plain;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->pair, NULL);
	bool ok = ctx && EVP_PKEY_decrypt_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	          EVP_PKEY_decrypt(ctx, plain, &n, in, len) == 1 && n <= cap;
	EVP_PKEY_CTX_free(ctx);
	if (ok)
		memcpy(out, plain, n);
	secret_wipe(plain, sizeof plain);
	return ok ? (int)n : -EBADMSG;
}

int send_key_seed(const struct send_key *k, const char *label, uint8_t *out, size_t len)
{
	BIGNUM *d = NULL;
	uint8_t octets[SEND_RSA_MAX];
	int rc = -EIO;
	if (EVP_PKEY_get_bn_param(k->pair, OSSL_PKEY_PARAM_RSA_D, &d) == 1) {
		int n = BN_bn2binpad(d, octets, (int)(k->bits / 8));
		const struct piece key = { octets, n > 0 ? (size_t)n : 0 }, info = { label, strlen(label) };
		rc = hkdf_sha256(&key, NULL, &info, 1, out, len);
	}
	BN_clear_free(d);
	secret_wipe(octets, sizeof octets);
	return rc;
}

/* ---- others' ---- */

struct send_public *send_public_open(const uint8_t *der, size_t len)
{
	const uint8_t *at = der;
	struct send_public *p = len <= SEND_PUBLIC_MAX ? calloc(1, sizeof *p) : NULL;
	if (!p)
		return NULL;
	p->key = d2i_PUBKEY(NULL, &at, (long)len);
	if (!p->key || at != der + len || !bits_good(p->key) ||
	    EVP_PKEY_get_bn_param(p->key, OSSL_PKEY_PARAM_RSA_E, &p->exponent) != 1 || BN_num_bits(p->exponent) > EXPONENT_BITS_MAX) {
		send_public_close(p);
		return NULL;
	}
	return p;
}

void send_public_close(struct send_public *p)
{
	if (!p)
		return;
	BN_free(p->exponent);
	EVP_PKEY_free(p->key);
	free(p);
}

unsigned send_public_bits(const struct send_public *p)
{
	return (unsigned)EVP_PKEY_get_bits(p->key);
}

bool send_public_same_kind(const struct send_public *a, const struct send_public *b)
{
	return send_public_bits(a) == send_public_bits(b) && BN_cmp(a->exponent, b->exponent) == 0;
}

bool send_public_verify(const struct send_public *p, const struct piece *pieces, size_t n, const uint8_t *sig, size_t sig_len)
{
	size_t len = (send_public_bits(p) + 7) / 8;
	if (sig_len < len || sig_len - len > 7)
		return false;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestVerifyInit_ex(ctx, NULL, "SHA1", NULL, NULL, p->key, NULL) == 1;
	for (size_t i = 0; ok && i < n; i++)
		ok = EVP_DigestVerifyUpdate(ctx, pieces[i].data, pieces[i].len) == 1;
	ok = ok && EVP_DigestVerifyFinal(ctx, sig, len) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

int send_public_encrypt(const struct send_public *p, const uint8_t *in, size_t len, uint8_t *out, size_t cap)
{
	size_t n = cap;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, p->key, NULL);
	bool ok = ctx && EVP_PKEY_encrypt_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	          EVP_PKEY_encrypt(ctx, out, &n, in, len) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok ? (int)n : -EIO;
}

/* ---- hashes ---- */

void send_key_hash(const uint8_t *der, size_t len, uint8_t out[SEND_KEY_HASH])
{
	uint8_t hash[20] = { 0 };
	EVP_Digest(der, len, hash, NULL, EVP_sha1(), NULL);
	memcpy(out, hash, SEND_KEY_HASH);
}

void send_fingerprint(const uint8_t *der, size_t len, uint8_t out[SEND_FINGERPRINT])
{
	EVP_Digest(der, len, out, NULL, EVP_sha256(), NULL);
}

const char *send_fingerprint_text(const uint8_t fp[SEND_FINGERPRINT], char out[SEND_FINGERPRINT_TEXT])
{
	memcpy(out, "sha256:", 8);
	for (size_t i = 0; i < SEND_FINGERPRINT; i++)
		snprintf(out + 7 + 2 * i, 3, "%02x", fp[i]);
	return out;
}

int send_fingerprint_parse(const char *text, uint8_t out[SEND_FINGERPRINT])
{
	if (strlen(text) != SEND_FINGERPRINT_TEXT - 1 || strncmp(text, "sha256:", 7) != 0 ||
	    strspn(text + 7, "0123456789abcdefABCDEF") != 2 * (size_t)SEND_FINGERPRINT)
		return -EINVAL;
	for (size_t i = 0; i < SEND_FINGERPRINT; i++) {
		const char two[3] = { text[7 + 2 * i], text[8 + 2 * i], 0 };
		out[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	return 0;
}
