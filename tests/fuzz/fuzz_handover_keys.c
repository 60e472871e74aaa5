/*
 * The exchange of handover keys (RFC 5269): a mobile and two routers, and a link that loses, repeats, keeps, spoils and mixes up what it
 * is told to by the octets. What must hold: what was spoilt brings nobody to a key; the mobile takes only the key that the router which
 * it uses gave for the address that it uses, and only once it was asked for; tables keep their limits; nothing is left behind.
 */
#include <stdlib.h>
#include <string.h>

#include "../unit/send_samples.h"
#include "core/buf.h"
#include "fmip6/fmip6_hk_mn.h"
#include "fmip6/fmip6_hk_router.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROUTERS 2
#define KEPT 8
#define COMMANDS 24 /* each may cost a signature */

struct letter {
	int router; /* that is asked, or that answers */
	struct in6_addr src, dst, coa;
	struct badf_key key; /* of the answer */
	size_t len;
	uint8_t data[FMIP6_MESSAGE_MAX];
};

static struct {
	struct loop *loop;
	struct fmip6_params params;
	struct hk_router *router[ROUTERS];
	struct hk_mn *mobile;
	int here;
	struct in6_addr coa;
	bool no_pair;
	struct letter question[KEPT], answer[KEPT];
	unsigned asked, answered;
} w;

static const struct prefix link_local = { .addr = { .s6_addr = { 0xfe, 0x80 } }, .plen = 64 };
static const struct lladdr mac = { .len = 6, .octet = { 2, 0, 0, 0, 0, 5 } };

static void must(bool ok)
{
	if (!ok)
		abort();
}

static struct in6_addr router_address(int n)
{
	return (struct in6_addr){ .s6_addr = { 0x20, 1, 0xd, 0xb8, [5] = (uint8_t)n, [15] = 1 } };
}

static struct prefix link_of(int n)
{
	struct in6_addr a = router_address(n);
	return prefix_of(&a, 64);
}

/* ---- the mobile's side ---- */

static void mn_send(void *arg, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data, size_t len)
{
	struct letter *q = &w.question[w.asked++ % KEPT];
	struct in6_addr router = router_address(w.here);
	must(addr_eq(dst, &router) && addr_eq(src, &w.coa) && len <= sizeof q->data);
	*q = (struct letter){ .router = w.here, .src = *src, .dst = *dst, .len = len };
	memcpy(q->data, data, len);
}

static bool mn_allowed(void *arg)
{
	return true;
}

static void mn_lladdr(void *arg, struct lladdr *out)
{
	*out = mac;
}

static void mn_make_pair(void *arg)
{
	hk_mn_pair(w.mobile, w.no_pair ? NULL : send_key_read(wrap_pem, strlen(wrap_pem)));
}

static void mn_ready(void *arg)
{
}

static const struct hk_mn_ops ops = { mn_send, mn_allowed, mn_lladdr, mn_make_pair, mn_ready };

/* ---- letters ---- */

/* Somewhere in what is signed, but in the checksum, which is not. */
static bool spoil(struct letter *l, uint8_t where)
{
	size_t body = send_body_len(l->data, l->len);
	if (!where || body <= 4)
		return false;
	l->data[4 + where * 7U % (body - 4)] ^= (uint8_t)(1U << (where & 7));
	return true;
}

/* What fmip6_router.c does with an RtSolPr. */
static void ask_router(struct letter q, uint8_t where, int n)
{
	bool spoilt = spoil(&q, where);
	struct hk_router *r = w.router[n];
	const struct hk_question in = { .message = { &q.src, &q.dst, q.data, q.len }, .on_link = n == q.router, .lladdr = mac,
		.at = loop_now(w.loop) };
	struct hk_grant g;
	struct rtsolpr m;
	if (hk_router_question(r, &in, &g) != HK_GRANTED)
		return;
	must(!spoilt && n == q.router && rtsolpr_parse(q.data, send_body_len(q.data, q.len), 6, &m) == 0);
	struct letter *a = &w.answer[w.answered++ % KEPT];
	*a = (struct letter){ .router = n, .dst = q.src, .coa = q.src };
	struct prrtadv adv = { .id = m.id, .source = mac, .tuples_n = 1, .tuples = { { .code = LLA_SAME_INTERFACE, .ap = mac,
		.router_lladdr = mac, .router = router_address(n), .has_prefix = true, .prefix = link_of(n) } } };
	must(hk_router_address(r, &link_local, &a->src) && hk_router_key(r, &q.src, &a->key));
	int len = prrtadv_pack(&adv, a->data, sizeof a->data);
	len = hk_router_answer(r, &g, &a->src, &a->dst, a->data, (size_t)len, sizeof a->data);
	must(len > 0);
	a->len = (size_t)len;
}

static void answer_mobile(struct letter a, uint8_t where)
{
	struct badf_key key;
	bool spoilt = spoil(&a, where);
	uint64_t before = fmip6_counters[FMIP6_HK_RECEIVED].value;
	struct in6_addr router = router_address(w.here);
	const struct send_message m = { &a.src, &a.dst, a.data, a.len };
	hk_mn_prrtadv(w.mobile, &m, 6);
	if (fmip6_counters[FMIP6_HK_RECEIVED].value == before)
		return;
	must(!spoilt && a.router == w.here && addr_eq(&a.coa, &w.coa) && hk_mn_key(w.mobile, &router, &w.coa, &key));
	must(memcmp(key.octets, a.key.octets, sizeof key.octets) == 0);
}

/* ---- what happens ---- */

static void router_start(int n)
{
	w.router[n] = hk_router_create(w.loop, &w.params, send_key_read(router_pem, strlen(router_pem)));
	must(w.router[n]);
}

static void arrive(int n, bool again)
{
	struct prefix link = link_of(n);
	struct in6_addr router = router_address(n);
	if (!hk_mn_address(w.mobile, &link, again, &w.coa) && !hk_mn_address(w.mobile, &link, false, &w.coa))
		return;
	bool moved = w.here != n;
	w.here = n;
	hk_mn_here(w.mobile, &router, &w.coa, moved);
}

static void one(struct rd *in, uint8_t what)
{
	uint8_t a = 0, b = 0;
	(void)(rd_u8(in, &a) && rd_u8(in, &b));
	switch (what % 10) {
	case 0:
		arrive(a % ROUTERS, (b & 0x30) == 0x30);
		break;
	case 1: case 2:
		ask_router(w.question[(w.asked - 1 - (a & 7)) % KEPT], b, a & 0x80 ? 1 - w.here : w.here);
		break;
	case 3: case 4:
		answer_mobile(w.answer[(w.answered - 1 - (a & 7)) % KEPT], b);
		break;
	case 5:
		loop_advance(w.loop, loop_now(w.loop) + a * 20 * USEC_MSEC);
		break;
	case 6:
		loop_advance(w.loop, loop_now(w.loop) + a * 60 * USEC_SEC);
		break;
	case 7:
		if (a & 1)
			hk_mn_gone(w.mobile);
		else
			hk_mn_again(w.mobile);
		break;
	case 8:
		if (a & 1)
			hk_mn_forget(w.mobile, &w.coa);
		else
			hk_router_forget(w.router[a >> 1 & 1], &w.coa);
		break;
	case 9:
		w.no_pair = a & 1;
		if (!(a & 2))
			break;
		hk_router_destroy(w.router[a >> 2 & 1]);
		router_start(a >> 2 & 1);
		break;
	}
}

static void count_key(const struct hk_view *v, void *arg)
{
	++*(unsigned *)arg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd in = rd_make(data, size);
	uint8_t how = 0, what;
	memset(&w, 0, sizeof w);
	log_level_set(LOG_LEVEL_ERROR);
	fmip6_counters[FMIP6_HK_KEYS].value = 0;
	rd_u8(&in, &how);
	w.loop = loop_create_virtual(1700000000 * USEC_SEC);
	fmip6_params_default(&w.params);
	w.params.handover_keys.mode = how & 1 ? FMIP6_HK_REQUIRED : FMIP6_HK_ON;
	w.params.sessions = how & 2 ? 1 : 4;
	w.mobile = hk_mn_create(w.loop, &w.params, send_key_read(mobile_pem, strlen(mobile_pem)), &ops, NULL);
	must(w.mobile);
	for (int i = 0; i < ROUTERS; i++)
		router_start(i);
	loop_advance(w.loop, loop_now(w.loop) + USEC_MSEC);
	arrive(0, false);
	for (int i = 0; i < COMMANDS && rd_u8(&in, &what); i++) {
		one(&in, what);
		unsigned keys[ROUTERS] = { 0 };
		for (int n = 0; n < ROUTERS; n++) {
			hk_router_each(w.router[n], count_key, &keys[n]);
			must(keys[n] <= (unsigned)w.params.sessions);
		}
	}
	hk_mn_destroy(w.mobile);
	for (int i = 0; i < ROUTERS; i++)
		hk_router_destroy(w.router[i]);
	must(loop_next_due(w.loop) == UINT64_MAX && fmip6_counters[FMIP6_HK_KEYS].value == 0 && secrets_live() == 0);
	loop_destroy(w.loop);
	return 0;
}
