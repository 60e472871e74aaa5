/*
 * Keys live in slots of an arena of locked pages that stay out of core dumps, so that one place is wiped and guarded and
 * no copy is left in the ordinary heap. SHA-1 and SHA-256 are OpenSSL's; HMAC (RFC 2104) and HKDF (RFC 5869) are made of
 * them here, and the hash for tables is our own SipHash-2-4: each transfer has keys of its own, and OpenSSL's ways to change
 * a key allocate, look up, and take several times as long as the hashing.
 */
#include "core/secret.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "core/log.h"

#define ARENA_CHUNK (64U * 1024U)
#define SECRET_MIN 8 /* octets, of a configured key */
#define HKDF_PIECES_MAX 12
#define HASH_BLOCK 64 /* octets that SHA-1 and SHA-256 take at a time */
#define HASH_SHORT 128
#define SHA256_LEN 32
#define HKDF_OUT_MAX (255 * SHA256_LEN)

struct secret {
	union {
		struct secret *next_free;
		size_t refs;
	} u;
	size_t len;
	uint8_t key[SECRET_MAX];
	bool master;             /* a configured key: keys are derived from it */
	uint8_t prk[SHA256_LEN]; /* of a master: what HKDF extracts from it, for all derivations */
};

static int hkdf_extract(const struct piece *key, const struct piece *salt, uint8_t prk[SHA256_LEN]);

static struct secret *free_slots;
static size_t live;

/* Chunks are never given back: keys come and go with the configuration, and their number hardly changes. */
static int arena_grow(void)
{
	void *chunk = mmap(NULL, ARENA_CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (chunk == MAP_FAILED)
		return -ENOMEM;
	static bool warned;
	if (mlock(chunk, ARENA_CHUNK) < 0 && !warned) {
		LOG_WARNING("secret", "keys could be written to swap: locking memory failed error=\"%s\"", strerror(errno));
		warned = true;
	}
	madvise(chunk, ARENA_CHUNK, MADV_DONTDUMP);
	struct secret *slots = chunk;
	for (size_t i = ARENA_CHUNK / sizeof *slots; i-- > 0;) {
		slots[i].u.next_free = free_slots;
		free_slots = &slots[i];
	}
	return 0;
}

/* An empty slot with room for any key; the caller fills it. */
static struct secret *slot_take(size_t len)
{
	if (!len || len > SECRET_MAX || (!free_slots && arena_grow() < 0))
		return NULL;
	struct secret *s = free_slots;
	free_slots = s->u.next_free;
	s->u.refs = 1;
	s->len = len;
	s->master = false;
	live++;
	return s;
}

struct secret *secret_create(const void *key, size_t len)
{
	struct secret *s = slot_take(len);
	if (s)
		memcpy(s->key, key, len);
	return s;
}

struct secret *secret_ref(struct secret *s)
{
	s->u.refs++;
	return s;
}

void secret_unref(struct secret *s)
{
	if (!s || --s->u.refs)
		return;
	secret_wipe(s, sizeof *s);
	s->u.next_free = free_slots;
	free_slots = s;
	live--;
}

size_t secrets_live(void)
{
	return live;
}

const uint8_t *secret_data(const struct secret *s, size_t *len)
{
	*len = s->len;
	return s->key;
}

bool secret_eq(const struct secret *a, const struct secret *b)
{
	return a->len == b->len && secret_equal(a->key, b->key, a->len);
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool hex_decode(const char *hex, size_t n, uint8_t *out)
{
	for (size_t i = 0; i < n; i++) {
		int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

int secret_parse(const char *text, struct secret **out)
{
	bool hex = !strncmp(text, "hex:", 4);
	if (!hex && strncmp(text, "text:", 5) != 0)
		return -EINVAL;
	const char *body = text + (hex ? 4 : 5);
	size_t len = strlen(body);
	if (hex && len % 2)
		return -EINVAL;
	if (hex)
		len /= 2;
	if (len < SECRET_MIN || len > SECRET_MAX)
		return -EINVAL;
	struct secret *s = slot_take(len);
	if (!s)
		return -ENOMEM;
	if (!hex)
		memcpy(s->key, body, len);
	else if (!hex_decode(body, len, s->key)) {
		secret_unref(s);
		return -EINVAL;
	}
	s->master = !hkdf_extract(&(struct piece){ s->key, s->len }, NULL, s->prk);
	*out = s;
	return 0;
}

void secret_wipe(void *p, size_t n)
{
	explicit_bzero(p, n);
}

bool secret_equal(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

void secret_random(void *out, size_t n)
{
	uint8_t *p = out;
	while (n) {
		ssize_t got = getrandom(p, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			LOG_ERROR("secret", "the kernel gives no random octets error=\"%s\"", strerror(errno));
			abort();
		}
		p += got;
		n -= (size_t)got;
	}
}

/* Found and set up once: that costs more than a message's worth of hashing. */
struct hash {
	const char *name;
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};
static struct hash sha1 = { .name = "SHA1" }, sha256 = { .name = "SHA256" };

static bool hash_ready(struct hash *h)
{
	if (h->ctx)
		return true;
	if (!h->md)
		h->md = EVP_MD_fetch(NULL, h->name, NULL);
	h->ctx = h->md ? EVP_MD_CTX_new() : NULL;
	return h->ctx && EVP_DigestInit_ex2(h->ctx, h->md, NULL);
}

static bool hash_pieces(struct hash *h, const struct piece *pieces, size_t n, uint8_t *out)
{
	bool ok = EVP_DigestInit_ex2(h->ctx, NULL, NULL) == 1;
	for (size_t i = 0; ok && i < n; i++)
		ok = EVP_DigestUpdate(h->ctx, pieces[i].data, pieces[i].len) == 1;
	return ok && EVP_DigestFinal_ex(h->ctx, out, NULL) == 1;
}

/* The hash of one padded key and the pieces, in one go if they are short: each call into the library costs as much as
 * hashing a block. */
static bool hash_padded(struct hash *h, uint8_t pad[HASH_BLOCK + HASH_SHORT], const struct piece *pieces, size_t n, uint8_t *out)
{
	size_t len = HASH_BLOCK;
	for (size_t i = 0; i < n; i++) {
		if (pieces[i].len > HASH_BLOCK + HASH_SHORT - len)
			goto long_one;
		if (pieces[i].len)
			memcpy(pad + len, pieces[i].data, pieces[i].len);
		len += pieces[i].len;
	}
	return hash_pieces(h, &(struct piece){ pad, len }, 1, out);
long_one:;
	struct piece all[HKDF_PIECES_MAX + 3] = { { pad, HASH_BLOCK } };
	if (n >= sizeof all / sizeof *all)
		return false;
	memcpy(all + 1, pieces, n * sizeof *pieces);
	return hash_pieces(h, all, n + 1, out);
}

/* out and key may overlap. */
static int hmac(struct hash *h, const void *key, size_t key_len, const struct piece *pieces, size_t n, uint8_t *out, size_t out_len)
{
	uint8_t pad[HASH_BLOCK + HASH_SHORT];
	if (!hash_ready(h))
		return -ENOTSUP;
	bool ok = true;
	memset(pad, 0, HASH_BLOCK);
	if (key_len > HASH_BLOCK)
		ok = hash_pieces(h, &(struct piece){ key, key_len }, 1, pad);
	else if (key_len)
		memcpy(pad, key, key_len);
	for (size_t i = 0; i < HASH_BLOCK; i++)
		pad[i] ^= 0x36;
	ok = ok && hash_padded(h, pad, pieces, n, out);
	for (size_t i = 0; i < HASH_BLOCK; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	ok = ok && hash_padded(h, pad, &(struct piece){ out, out_len }, 1, out);
	secret_wipe(pad, sizeof pad);
	return ok ? 0 : -EIO;
}

int hmac_sha1(const void *key, size_t key_len, const struct piece *pieces, size_t n, uint8_t out[HMAC_SHA1_LEN])
{
	return hmac(&sha1, key, key_len, pieces, n, out, HMAC_SHA1_LEN);
}

static int hkdf_extract(const struct piece *key, const struct piece *salt, uint8_t prk[SHA256_LEN])
{
	return hmac(&sha256, salt ? salt->data : NULL, salt ? salt->len : 0, key, 1, prk, SHA256_LEN);
}

static int hkdf_expand(const uint8_t prk[SHA256_LEN], const struct piece *info, size_t info_n, uint8_t *out, size_t out_len)
{
	struct piece all[HKDF_PIECES_MAX + 2];
	uint8_t block[SHA256_LEN], counter = 0;
	int err = 0;
	if (info_n)
		memcpy(all + 1, info, info_n * sizeof *info);
	all[info_n + 1] = (struct piece){ &counter, 1 };
	while (!err && out_len) {
		all[0] = (struct piece){ block, counter++ ? sizeof block : 0 };
		err = hmac(&sha256, prk, SHA256_LEN, all, info_n + 2, block, sizeof block);
		size_t some = out_len < sizeof block ? out_len : sizeof block;
		memcpy(out, block, some);
		out += some;
		out_len -= some;
	}
	secret_wipe(block, sizeof block);
	if (!err)
		EVP_DigestInit_ex2(sha256.ctx, NULL, NULL); /* its state is the last block otherwise */
	return err;
}

int hkdf_sha256(const struct piece *key, const struct piece *salt, const struct piece *info, size_t info_n, uint8_t *out,
                size_t out_len)
{
	uint8_t prk[SHA256_LEN];
	if (info_n > HKDF_PIECES_MAX || !key->len || out_len > HKDF_OUT_MAX)
		return -EINVAL;
	int err = hkdf_extract(key, salt, prk);
	if (!err)
		err = hkdf_expand(prk, info, info_n, out, out_len);
	secret_wipe(prk, sizeof prk);
	return err;
}

int secret_derive(const struct secret *master, const char *label, const struct piece *pieces, size_t n, uint8_t *out,
                  size_t out_len)
{
	struct piece info[HKDF_PIECES_MAX] = {{label, strlen(label) + 1}}; /* the zero octet parts label and pieces */
	if (n >= HKDF_PIECES_MAX || out_len > HKDF_OUT_MAX)
		return -EINVAL;
	if (n)
		memcpy(info + 1, pieces, n * sizeof *pieces);
	if (master->master)
		return hkdf_expand(master->prk, info, n + 1, out, out_len);
	return hkdf_sha256(&(struct piece){master->key, master->len}, NULL, info, n + 1, out, out_len);
}

void secret_warm(void)
{
	static const uint8_t key[16];
	uint8_t out[HMAC_SHA1_LEN];
	const struct piece all = {key, sizeof key};
	(void)hmac_sha1(key, sizeof key, &all, 1, out);
	(void)hkdf_sha256(&all, NULL, &all, 1, out, sizeof out);
}

static uint64_t rotate(uint64_t v, unsigned by)
{
	return v << by | v >> (64 - by);
}

static uint64_t little64(const uint8_t *p, size_t n)
{
	uint64_t v = 0;
	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static void sip_rounds(uint64_t v[4], unsigned rounds)
{
	while (rounds--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_rounds(v, 2);
	v[0] ^= word;
}

uint64_t siphash24(const uint8_t key[16], const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t k0 = little64(key, 8), k1 = little64(key + 8, 8);
	uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573};
	size_t tail = len % 8;
	for (const uint8_t *end = p + (len - tail); p < end; p += 8)
		sip_word(v, little64(p, 8));
	sip_word(v, little64(p, tail) | (uint64_t)len << 56);
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t hash_keyed(const void *data, size_t len)
{
	static uint8_t key[16];
	static bool drawn;
	if (!drawn) {
		secret_random(key, sizeof key);
		drawn = true;
	}
	return siphash24(key, data, len);
}
