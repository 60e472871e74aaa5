/* Any octets as a message with SEND's options and those for handover keys, and as CGA Parameters; what parses must come out the same
 * after packing and parsing again. */
#include <stdlib.h>
#include <string.h>

#include "fmip6/cga.h"
#include "fmip6/send_secure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(struct octets a, struct octets b)
{
	return a.len == b.len && (a.p != NULL) == (b.p != NULL) && (!a.p || memcmp(a.p, b.p, a.len) == 0);
}

static void round_trip(const struct send_options *o)
{
	static uint8_t out[8192];
	struct send_options again;
	struct wr w = wr_make(out, sizeof out);
	wr_zero(&w, SEND_HEADER);
	if (o->cga.p)
		send_put_cga(&w, o->cga.p, o->cga.len);
	if (o->has_timestamp)
		send_put_timestamp(&w, o->timestamp);
	if (o->nonce.p)
		send_put_nonce(&w, o->nonce.p, o->nonce.len);
	if (o->request.p)
		hk_put_request(&w, o->request_at, o->request.p, o->request.len);
	if (o->reply.p)
		hk_put_reply(&w, o->reply_at, o->reply_lifetime, o->reply.p, o->reply.len);
	if (o->signature.p)
		send_put_signature(&w, o->key_hash, o->signature.p, o->signature.len);
	if (!wr_ok(&w) || send_parse(out, w.len, &again) != 0)
		abort();
	if (!same(o->cga, again.cga) || !same(o->nonce, again.nonce) || !same(o->request, again.request) || !same(o->reply, again.reply) ||
	    !same(o->signature, again.signature) || o->timestamp != again.timestamp || o->has_timestamp != again.has_timestamp ||
	    o->request_at != again.request_at || o->reply_at != again.reply_at || o->reply_lifetime != again.reply_lifetime ||
	    memcmp(o->key_hash, again.key_hash, SEND_KEY_HASH) != 0)
		abort();
}

/* An address made of the parameters is theirs; so everything behind that check is reached, too. */
static void parameters(const uint8_t *data, size_t size, struct in6_addr *owner)
{
	struct cga_params p;
	const uint8_t *key;
	size_t key_len;
	cga_verify(owner, data, size);
	if (!cga_public_key(data, size, &key, &key_len))
		return;
	send_public_close(send_public_open(key, key_len));
	if (size > CGA_PARAMS_MAX)
		return;
	p.len = size;
	memcpy(p.octets, data, size);
	struct prefix link = { .plen = 64 };
	memcpy(link.addr.s6_addr, data + CGA_MODIFIER, 8);
	if (cga_generate(&p, &link, 0, data[CGA_FIXED - 1] % 3, owner) != 0 || !cga_verify(owner, p.octets, p.len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct in6_addr src = in6addr_loopback;
	struct send_options o;
	struct send_public *key = NULL;
	parameters(data, size, &src);
	if (send_parse(data, size, &o) == 0) {
		round_trip(&o);
		if (o.cga.p)
			parameters(o.cga.p, o.cga.len, &src);
	}
	const struct send_message m = { &src, &in6addr_loopback, data, size };
	if (send_check(&m, &o) == SEND_GOOD)
		send_check_signature(&m, &o, &key);
	send_public_close(key);
	if (send_body_len(data, size) > size)
		abort();
	return 0;
}
