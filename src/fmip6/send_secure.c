#include "fmip6/send_secure.h"

#include <errno.h>
#include <string.h>

#include "fmip6/cga.h"

#define NEXT_ICMPV6 58
#define PIECES 6

const char *send_fault_text(enum send_fault f)
{
	static const char *const texts[] = {
		[SEND_GOOD] = "good",
		[SEND_UNSECURED] = "not secured by SEND",
		[SEND_MALFORMED] = "malformed",
		[SEND_NOT_TIMED] = "no timestamp",
		[SEND_NOT_OWNER] = "the address does not belong to the key",
		[SEND_OTHER_KEY] = "signed by another key than the address has",
		[SEND_BAD_KEY] = "not an RSA key of 1024 to 2048 bits",
		[SEND_BAD_SIGNATURE] = "wrong signature",
	};
	return texts[f];
}

/*
 * What is signed (§5.2): tag, addresses, and the message up to the signature. The checksum in it is that of the message as it was
 * before the signature was added, which is how others read the text, too: the one on the wire covers the signature.
 */
static size_t signed_pieces(const struct send_message *m, size_t len, uint8_t checksum[2], struct piece out[PIECES])
{
	static const uint8_t tag[16] = { 0x08, 0x6f, 0xca, 0x5e, 0x10, 0xb2, 0x00, 0xc9, 0x9c, 0x8c, 0xe0, 0x01, 0x64, 0x27, 0x7c,
		0x08 };
	uint8_t copy[UINT8_MAX * 8];
	if (len < SEND_HEADER || len > sizeof copy)
		return 0;
	memcpy(copy, m->data, len);
	copy[2] = copy[3] = 0;
	uint16_t sum = checksum_ipv6(m->src, m->dst, NEXT_ICMPV6, copy, len);
	checksum[0] = (uint8_t)(sum >> 8);
	checksum[1] = (uint8_t)sum;
	out[0] = (struct piece){ tag, sizeof tag };
	out[1] = (struct piece){ m->src->s6_addr, 16 };
	out[2] = (struct piece){ m->dst->s6_addr, 16 };
	out[3] = (struct piece){ m->data, 2 };
	out[4] = (struct piece){ checksum, 2 };
	out[5] = (struct piece){ m->data + 4, len - 4 };
	return PIECES;
}

static enum send_fault check_owner(const struct send_message *m, struct send_options *o)
{
	uint8_t hash[SEND_KEY_HASH];
	if (!cga_public_key(o->cga.p, o->cga.len, &o->public.p, &o->public.len))
		return SEND_MALFORMED;
	send_key_hash(o->public.p, o->public.len, hash);
	if (memcmp(hash, o->key_hash, sizeof hash) != 0)
		return SEND_OTHER_KEY;
	return cga_verify(m->src, o->cga.p, o->cga.len) ? SEND_GOOD : SEND_NOT_OWNER;
}

enum send_fault send_check(const struct send_message *m, struct send_options *o)
{
	if (send_parse(m->data, m->len, o) < 0)
		return SEND_MALFORMED;
	if (!o->cga.p || !o->signature.p)
		return SEND_UNSECURED;
	if (!o->has_timestamp)
		return SEND_NOT_TIMED;
	return check_owner(m, o);
}

enum send_fault send_check_signature(const struct send_message *m, const struct send_options *o, struct send_public **key)
{
	struct piece pieces[PIECES];
	uint8_t checksum[2];
	size_t n = signed_pieces(m, o->signed_len, checksum, pieces);
	*key = send_public_open(o->public.p, o->public.len);
	if (!*key)
		return SEND_BAD_KEY;
	if (n && send_public_verify(*key, pieces, n, o->signature.p, o->signature.len))
		return SEND_GOOD;
	send_public_close(*key);
	*key = NULL;
	return SEND_BAD_SIGNATURE;
}

int send_sign(const struct send_key *k, const struct send_message *m, uint8_t *msg, size_t cap)
{
	struct piece pieces[PIECES];
	uint8_t checksum[2], hash[SEND_KEY_HASH], signature[SEND_RSA_MAX];
	size_t n = signed_pieces(m, m->len, checksum, pieces), public_len;
	int len = n ? send_key_sign(k, pieces, n, signature, sizeof signature) : -EMSGSIZE;
	if (len < 0)
		return len;
	const uint8_t *public = send_key_public(k, &public_len);
	send_key_hash(public, public_len, hash);
	struct wr w = wr_make(msg, cap);
	w.len = m->len; /* what is there stays there */
	send_put_signature(&w, hash, signature, (size_t)len);
	return wr_ok(&w) ? (int)w.len : -EMSGSIZE;
}
