#include "fmip6/cga.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "core/buf.h"

#define SHA1_LEN 20
#define DER_SEQUENCE 0x30
#define PREFIX_AT CGA_MODIFIER
#define COLLISIONS_AT 24
#define IID_SEC 0xe0U /* of its first octet: Sec, and below the bits u and g */
#define IID_UG 0x03U

/* Found once: the search hashes many thousand times. */
static bool sha1(const void *data, size_t len, uint8_t out[SHA1_LEN])
{
	static EVP_MD *md;
	if (!md)
		md = EVP_MD_fetch(NULL, "SHA1", NULL);
	return md && EVP_Digest(data, len, out, NULL, md, NULL) == 1;
}

/* Hash2 begins with 16 * sec zero bits: 112 at most, so 14 octets. */
static bool hash2_zero(const uint8_t hash[SHA1_LEN], unsigned sec)
{
	uint8_t any = 0;
	for (unsigned i = 0; i < 2 * sec; i++)
		any |= hash[i];
	return any == 0;
}

static bool hash2_good(const uint8_t *params, size_t len, unsigned sec)
{
	uint8_t copy[CGA_PARAMS_MAX], hash[SHA1_LEN];
	if (sec == 0)
		return true;
	memcpy(copy, params, len);
	memset(copy + PREFIX_AT, 0, CGA_FIXED - PREFIX_AT);
	return sha1(copy, len, hash) && hash2_zero(hash, sec);
}

int cga_params_make(struct cga_params *p, const uint8_t modifier[CGA_MODIFIER], const uint8_t *key, size_t key_len)
{
	if (key_len > CGA_PARAMS_MAX - CGA_FIXED)
		return -EMSGSIZE;
	memset(p->octets, 0, CGA_FIXED);
	memcpy(p->octets, modifier, CGA_MODIFIER);
	memcpy(p->octets + CGA_FIXED, key, key_len);
	p->len = CGA_FIXED + key_len;
	return 0;
}

static void modifier_next(uint8_t *m)
{
	for (int i = CGA_MODIFIER; i-- > 0;)
		if (++m[i])
			return;
}

bool cga_search(struct cga_params *p, unsigned sec, unsigned hashes)
{
	uint8_t hash[SHA1_LEN];
	if (sec == 0)
		return true;
	memset(p->octets + PREFIX_AT, 0, CGA_FIXED - PREFIX_AT);
	while (hashes--) {
		if (sha1(p->octets, p->len, hash) && hash2_zero(hash, sec))
			return true;
		modifier_next(p->octets);
	}
	return false;
}

int cga_generate(struct cga_params *p, const struct prefix *link, unsigned sec, unsigned collisions, struct in6_addr *out)
{
	uint8_t hash[SHA1_LEN];
	if (link->plen != 64 || sec > CGA_SEC_MAX || collisions > CGA_COLLISIONS_MAX)
		return -EINVAL;
	memcpy(p->octets + PREFIX_AT, link->addr.s6_addr, 8);
	p->octets[COLLISIONS_AT] = (uint8_t)collisions;
	if (!sha1(p->octets, p->len, hash))
		return -EIO;
	*out = link->addr;
	memcpy(out->s6_addr + 8, hash, 8);
	out->s6_addr[8] = (uint8_t)((out->s6_addr[8] & ~(IID_SEC | IID_UG)) | sec << 5);
	return 0;
}

bool cga_verify(const struct in6_addr *addr, const uint8_t *params, size_t len)
{
	uint8_t hash[SHA1_LEN];
	const uint8_t *iid = addr->s6_addr + 8;
	if (len < CGA_FIXED || len > CGA_PARAMS_MAX || params[COLLISIONS_AT] > CGA_COLLISIONS_MAX ||
	    memcmp(params + PREFIX_AT, addr->s6_addr, 8) != 0 || !sha1(params, len, hash))
		return false;
	if (((hash[0] ^ iid[0]) & ~(IID_SEC | IID_UG)) || memcmp(hash + 1, iid + 1, 7) != 0)
		return false;
	return hash2_good(params, len, iid[0] >> 5);
}

/* The octets of a DER SEQUENCE, header included; 0: none, or of a length that nothing here has. */
static size_t der_sequence(const uint8_t *data, size_t left)
{
	struct rd r = rd_make(data, left);
	uint8_t tag, first, octet;
	size_t n = 0;
	if (!rd_u8(&r, &tag) || tag != DER_SEQUENCE || !rd_u8(&r, &first))
		return 0;
	if (first < 0x80)
		n = first;
	else if (first == 0x80 || first > 0x82)
		return 0;
	for (unsigned i = 0x80; first > 0x80 && i < first; i++) {
		if (!rd_u8(&r, &octet))
			return 0;
		n = n << 8 | octet;
	}
	return rd_skip(&r, n) ? left - rd_left(&r) : 0;
}

bool cga_public_key(const uint8_t *params, size_t len, const uint8_t **key, size_t *key_len)
{
	if (len < CGA_FIXED)
		return false;
	*key = params + CGA_FIXED;
	*key_len = der_sequence(*key, len - CGA_FIXED);
	return *key_len > 0;
}
