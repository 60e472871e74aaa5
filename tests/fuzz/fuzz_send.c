/* Any octets as a message with SEND's options and those for handover keys, and as CGA Parameters; what parses must come out the same
 * after packing and parsing again. The same octets as a question to a router and as the answer to a mobile that waits for one: neither
 * comes by a key through them. */
#include <stdlib.h>
#include <string.h>

#include "../unit/send_samples.h"
#include "fmip6/cga.h"
#include "fmip6/fmip6_hk_mn.h"
#include "fmip6/fmip6_hk_router.h"

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

/* ---- the machines ---- */

static uint8_t id[2]; /* of the mobile's question */

static void mn_send(void *arg, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data, size_t len)
{
	memcpy(id, data + 6, sizeof id);
}

static bool mn_allowed(void *arg)
{
	return true;
}

static void mn_lladdr(void *arg, struct lladdr *out)
{
	*out = (struct lladdr){ .len = 6, .octet = { 2 } };
}

static void mn_make_pair(void *arg)
{
	struct hk_mn **mobile = arg;
	hk_mn_pair(*mobile, send_key_read(wrap_pem, strlen(wrap_pem)));
}

static void mn_ready(void *arg)
{
}

static const struct hk_mn_ops ops = { mn_send, mn_allowed, mn_lladdr, mn_make_pair, mn_ready };
static const struct in6_addr here = { .s6_addr = { 0x20, 1, 0xd, 0xb8, [15] = 1 } };
static struct loop *loop;
static struct fmip6_params params;
static struct hk_mn *mobile;

/* Once: key pairs take their time. */
static void begin(void)
{
	if (loop)
		return;
	log_level_set(LOG_LEVEL_ERROR);
	loop = loop_create_virtual(1700000000 * USEC_SEC);
	fmip6_params_default(&params);
	params.handover_keys.mode = FMIP6_HK_REQUIRED;
	mobile = hk_mn_create(loop, &params, send_key_read(mobile_pem, strlen(mobile_pem)), &ops, &mobile);
	loop_advance(loop, loop_now(loop) + USEC_MSEC);
}

static void as_question(const uint8_t *data, size_t size, const struct in6_addr *src)
{
	struct badf_key key;
	struct hk_grant g;
	struct hk_router *router = hk_router_create(loop, &params, send_key_read(router_pem, strlen(router_pem)));
	const struct hk_question q = { .message = { src, &here, data, size }, .on_link = true, .at = loop_now(loop) };
	if (!router || (hk_router_question(router, &q, &g) == HK_GRANTED) != hk_router_key(router, src, &key))
		abort();
	hk_router_destroy(router);
}

static void as_answer(const uint8_t *data, size_t size, const struct in6_addr *src)
{
	static uint8_t answer[8192];
	struct in6_addr coa;
	struct badf_key key;
	struct prefix link = prefix_of(&here, 64);
	if (!hk_mn_address(mobile, &link, false, &coa))
		abort();
	hk_mn_here(mobile, &here, &coa, false);
	loop_advance(loop, loop_now(loop) + 150 * USEC_MSEC);
	memcpy(answer, data, size);
	memcpy(answer + 6, id, sizeof id);
	const struct send_message m = { src, &coa, answer, size };
	hk_mn_prrtadv(mobile, &m, 6);
	if (hk_mn_key(mobile, &here, &coa, &key) || hk_mn_unsolicited(mobile, &m))
		abort();
}

static void machines(const uint8_t *data, size_t size, const struct in6_addr *src)
{
	struct send_options o;
	if (size < SEND_HEADER || size > 8192 || send_parse(data, size, &o) < 0 || !o.cga.p)
		return;
	begin();
	if (o.request.p)
		as_question(data, size, src);
	else
		as_answer(data, size, src);
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
	machines(data, size, &src);
	if (send_body_len(data, size) > size)
		abort();
	return 0;
}
