#include "fmip6/send_wire.h"

#include <errno.h>
#include <string.h>

#include "fmip6/fmip6_wire_nd.h"

/* The rest of an option's body, less the padding whose length it tells. */
static bool padded(struct rd *body, uint8_t pad, struct octets *out)
{
	if (out->p || pad >= rd_left(body))
		return false;
	out->len = rd_left(body) - pad;
	out->p = rd_bytes(body, out->len);
	return true;
}

static bool take_cga(struct rd *body, struct send_options *o)
{
	uint8_t pad;
	return rd_u8(body, &pad) && rd_skip(body, 1) && padded(body, pad, &o->cga);
}

static bool take_signature(struct rd *body, struct send_options *o)
{
	return rd_skip(body, 2) && rd_copy(body, o->key_hash, SEND_KEY_HASH) && padded(body, 0, &o->signature);
}

static bool take_timestamp(struct rd *body, struct send_options *o)
{
	if (o->has_timestamp || rd_left(body) != 14)
		return false;
	o->has_timestamp = true;
	return rd_skip(body, 6) && rd_u64(body, &o->timestamp);
}

static bool take_nonce(struct rd *body, struct send_options *o)
{
	return rd_left(body) <= SEND_NONCE_MAX && padded(body, 0, &o->nonce);
}

static bool take_request(struct rd *body, struct send_options *o)
{
	uint8_t pad;
	if (!rd_u8(body, &pad) || !rd_u8(body, &o->request_at))
		return false;
	o->request_at >>= 4;
	return padded(body, pad, &o->request);
}

static bool take_reply(struct rd *body, struct send_options *o)
{
	uint8_t pad;
	if (!rd_u8(body, &pad) || !rd_u8(body, &o->reply_at) || !rd_u16(body, &o->reply_lifetime))
		return false;
	o->reply_at >>= 4;
	return padded(body, pad, &o->reply);
}

static const struct {
	uint8_t type;
	bool (*take)(struct rd *body, struct send_options *o);
} table[] = {
	{ ND_CGA, take_cga },
	{ ND_RSA_SIGNATURE, take_signature },
	{ ND_TIMESTAMP, take_timestamp },
	{ ND_NONCE, take_nonce },
	{ ND_HK_REQUEST, take_request },
	{ ND_HK_REPLY, take_reply },
};

static bool take(uint8_t type, struct rd *body, struct send_options *o)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].type == type)
			return table[i].take(body, o);
	return true;
}

int send_parse(const uint8_t *data, size_t len, struct send_options *o)
{
	struct rd r = rd_make(data, len), body;
	uint8_t type;
	int rc;
	memset(o, 0, sizeof *o);
	if (!rd_skip(&r, SEND_HEADER))
		return -EBADMSG;
	do {
		o->signed_len = len - rd_left(&r);
		rc = rd_option8(&r, &type, &body);
		if (rc > 0 && !take(type, &body, o))
			return -EBADMSG;
	} while (rc > 0 && type != ND_RSA_SIGNATURE);
	return rc < 0 ? rc : 0;
}

size_t send_body_len(const uint8_t *data, size_t len)
{
	struct send_options o;
	return send_parse(data, len, &o) == 0 ? o.signed_len : len;
}

static size_t option_begin(struct wr *w, uint8_t type)
{
	wr_u8(w, type);
	wr_u8(w, 0);
	return w->len - 2;
}

/* Fills up to a whole word, and says where the option tells its padding (0: it does not). */
static void option_end(struct wr *w, size_t at, size_t pad_at)
{
	size_t pad = (8 - (w->len - at) % 8) % 8;
	wr_zero(w, pad);
	if ((w->len - at) / 8 > UINT8_MAX)
		w->overflow = true;
	if (!wr_ok(w))
		return;
	wr_patch8(w, at + 1, (uint8_t)((w->len - at) / 8));
	if (pad_at)
		wr_patch8(w, pad_at, (uint8_t)pad);
}

void send_put_cga(struct wr *w, const uint8_t *params, size_t len)
{
	size_t at = option_begin(w, ND_CGA);
	wr_zero(w, 2);
	wr_copy(w, params, len);
	option_end(w, at, at + 2);
}

void send_put_timestamp(struct wr *w, uint64_t timestamp)
{
	size_t at = option_begin(w, ND_TIMESTAMP);
	wr_zero(w, 6);
	wr_u64(w, timestamp);
	option_end(w, at, 0);
}

void send_put_nonce(struct wr *w, const uint8_t *nonce, size_t len)
{
	size_t at = option_begin(w, ND_NONCE);
	wr_copy(w, nonce, len);
	option_end(w, at, 0);
}

void send_put_signature(struct wr *w, const uint8_t key_hash[SEND_KEY_HASH], const uint8_t *signature, size_t len)
{
	size_t at = option_begin(w, ND_RSA_SIGNATURE);
	wr_zero(w, 2);
	wr_copy(w, key_hash, SEND_KEY_HASH);
	wr_copy(w, signature, len);
	option_end(w, at, 0);
}

void hk_put_request(struct wr *w, uint8_t at_type, const uint8_t *key, size_t len)
{
	size_t at = option_begin(w, ND_HK_REQUEST);
	wr_u8(w, 0);
	wr_u8(w, (uint8_t)(at_type << 4));
	wr_copy(w, key, len);
	option_end(w, at, at + 2);
}

void hk_put_reply(struct wr *w, uint8_t at_type, uint16_t lifetime, const uint8_t *encrypted, size_t len)
{
	size_t at = option_begin(w, ND_HK_REPLY);
	wr_u8(w, 0);
	wr_u8(w, (uint8_t)(at_type << 4));
	wr_u16(w, lifetime);
	wr_copy(w, encrypted, len);
	option_end(w, at, at + 2);
}

uint64_t send_time(uint64_t since_1970_us)
{
	return since_1970_us / USEC_SEC << 16 | (since_1970_us % USEC_SEC * 65536 / USEC_SEC);
}
