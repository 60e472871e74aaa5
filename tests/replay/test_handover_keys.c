/*
 * The exchange of handover keys (RFC 5269) replayed: a mobile's part and a router's under the virtual clock, and between them a link
 * that loses, repeats, keeps, changes and forges what it is told to.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../unit/send_samples.h"
#include "fmip6/cga.h"
#include "fmip6/fmip6_hk_mn.h"
#include "fmip6/fmip6_hk_router.h"
#include "fmip6/fmip6_par.h"

#define START (1700000000 * USEC_SEC)
#define KEPT 64

struct letter {
	struct in6_addr src, dst;
	size_t len;
	uint8_t data[FMIP6_MESSAGE_MAX];
};

static struct world {
	struct loop *loop;
	struct fmip6_params params;
	struct hk_router *router;
	struct hk_mn *mobile;
	struct in6_addr here, coa; /* the router's address and the mobile's, on the link */
	struct prefix link;
	bool on_link, plain; /* plain: the router knows nothing of keys */
	uint8_t rate_refuses;
	int pairs, readies;
	bool no_pair, slow_pair;
	int lose_questions, lose_answers; /* the next so many */
	void (*spoil)(struct letter *answer);
	struct letter questions[KEPT], answers[KEPT]; /* as they were sent */
	int asked, answered, delivered;
	bool other_nonce;      /* answers have another than the question */
	struct in6_addr named; /* the router that answers name; unspecified: the real one */
} w;

static struct send_key *key_of(const char *pem)
{
	struct send_key *k = send_key_read(pem, strlen(pem));
	assert_non_null(k);
	return k;
}

static const struct lladdr mac = { .len = 6, .octet = { 2, 0, 0, 0, 0, 5 } };

/* ---- the router's side ---- */

static const struct prefix link_local = { .addr = { .s6_addr = { 0xfe, 0x80 } }, .plen = 64 };

static enum hk_outcome put_question(const struct letter *q, const struct lladdr *l, struct hk_grant *g)
{
	const struct hk_question in = { .message = { &q->src, &q->dst, q->data, q->len }, .on_link = w.on_link, .lladdr = *l,
		.at = loop_now(w.loop) };
	return hk_router_question(w.router, &in, g);
}

/* What fmip6_router.c does with an RtSolPr. */
static enum hk_outcome answer(const struct letter *q, const struct lladdr *l, struct letter *a)
{
	struct hk_grant g;
	struct rtsolpr r;
	enum hk_outcome out = w.plain ? HK_NOT_ASKED : put_question(q, l, &g);
	assert_int_equal(rtsolpr_parse(q->data, send_body_len(q->data, q->len), 6, &r), 0);
	struct prrtadv adv = { .id = r.id, .source = mac, .tuples_n = 1,
		.tuples = { { .code = LLA_SAME_INTERFACE, .ap = mac, .router_lladdr = mac, .router = addr_is_zero(&w.named) ? w.here : w.named,
		              .has_prefix = true, .prefix = w.link } } };
	a->dst = q->src;
	assert_true(hk_router_address(w.router, &link_local, &a->src));
	int n = prrtadv_pack(&adv, a->data, sizeof a->data);
	if (w.other_nonce)
		g.nonce.p = mac.octet;
	if (out == HK_GRANTED)
		n = hk_router_answer(w.router, &g, &a->src, &a->dst, a->data, (size_t)n, sizeof a->data);
	assert_true(n > 0);
	a->len = (size_t)n;
	return out;
}

static bool deliver(const struct letter *a)
{
	const struct send_message m = { &a->src, &a->dst, a->data, a->len };
	w.delivered++;
	return hk_mn_prrtadv(w.mobile, &m, 6);
}

static struct letter *keep(struct letter all[KEPT], int *n)
{
	return &all[(*n)++ % KEPT];
}

/* ---- the mobile's side ---- */

static void mn_send(void *arg, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data, size_t len)
{
	struct letter *q = keep(w.questions, &w.asked), changed;
	q->src = *src;
	q->dst = *dst;
	q->len = len;
	memcpy(q->data, data, len);
	if (w.lose_questions > 0) {
		w.lose_questions--;
		return;
	}
	struct letter *a = keep(w.answers, &w.answered);
	answer(q, &mac, a);
	if (w.lose_answers > 0) {
		w.lose_answers--;
		return;
	}
	changed = *a;
	if (w.spoil)
		w.spoil(&changed);
	deliver(&changed);
}

static bool mn_allowed(void *arg)
{
	if (!w.rate_refuses)
		return true;
	w.rate_refuses--;
	return false;
}

static void mn_lladdr(void *arg, struct lladdr *out)
{
	*out = mac;
}

static void mn_make_pair(void *arg)
{
	w.pairs++;
	if (!w.slow_pair)
		hk_mn_pair(w.mobile, w.no_pair ? NULL : key_of(wrap_pem));
}

static void mn_ready(void *arg)
{
	w.readies++;
}

static const struct hk_mn_ops ops = { .send = mn_send, .allowed = mn_allowed, .lladdr = mn_lladdr, .make_pair = mn_make_pair,
	.ready = mn_ready };

/* ---- the world ---- */

static void run(usec_t for_how_long)
{
	loop_advance(w.loop, loop_now(w.loop) + for_how_long);
}

static void arrive(bool moved)
{
	assert_true(hk_mn_address(w.mobile, &w.link, false, &w.coa));
	hk_mn_here(w.mobile, &w.here, &w.coa, moved);
}

static int setup(void **state)
{
	memset(&w, 0, sizeof w);
	w.loop = loop_create_virtual(START);
	fmip6_params_default(&w.params);
	w.params.handover_keys.mode = FMIP6_HK_ON;
	w.on_link = true;
	addr_parse("2001:db8:1::1", &w.here);
	w.link = prefix_of(&w.here, 64);
	w.router = hk_router_create(w.loop, &w.params, key_of(router_pem));
	w.mobile = hk_mn_create(w.loop, &w.params, key_of(mobile_pem), &ops, NULL);
	assert_non_null(w.router);
	assert_non_null(w.mobile);
	run(USEC_MSEC);
	assert_int_equal(w.readies, 1);
	for (int i = 0; i < FMIP6_COUNTERS; i++)
		fmip6_counters[i].value = 0;
	return 0;
}

static int teardown(void **state)
{
	hk_mn_destroy(w.mobile);
	hk_router_destroy(w.router);
	assert_int_equal(loop_next_due(w.loop), UINT64_MAX); /* no timer is left behind */
	loop_destroy(w.loop);
	assert_int_equal(fmip6_counters[FMIP6_HK_KEYS].value, 0);
	assert_int_equal(secrets_live(), 0);
	return 0;
}

static bool mobile_has(struct badf_key *out)
{
	return hk_mn_key(w.mobile, &w.here, &w.coa, out);
}

/* Both have the same key for this address. */
static void assert_agreed(void)
{
	struct badf_key a, b;
	assert_true(mobile_has(&a));
	assert_true(hk_router_key(w.router, &w.coa, &b));
	assert_memory_equal(a.octets, b.octets, sizeof a.octets);
}

static uint64_t count(int which)
{
	return fmip6_counters[which].value;
}

/* A letter like a question of the mobile's, from somebody with a key pair of his own. */
static struct letter question_of(struct send_key *key, struct send_key *wrap, struct send_key *signer, const struct in6_addr *src,
                                 unsigned number, uint64_t at)
{
	struct letter q = { .src = *src, .dst = w.here };
	struct cga_params p;
	struct prefix link = prefix_of(src, 64);
	struct in6_addr own;
	uint8_t modifier[CGA_MODIFIER] = { [14] = (uint8_t)(number >> 8), (uint8_t)number };
	size_t len;
	const uint8_t *public = send_key_public(key, &len);
	assert_int_equal(cga_params_make(&p, modifier, public, len), 0);
	assert_int_equal(cga_generate(&p, &link, 0, 0, &own), 0);
	if (addr_is_zero(src) || src->s6_addr[15] == 0)
		q.src = own; /* a prefix was given */
	struct rtsolpr r = { .id = 7, .source = mac, .wildcard = true };
	struct wr b = wr_make(q.data, sizeof q.data);
	b.len = (size_t)rtsolpr_pack(&r, q.data, sizeof q.data);
	send_put_cga(&b, p.octets, p.len);
	send_put_timestamp(&b, send_time(at));
	send_put_nonce(&b, modifier, 6);
	public = send_key_public(wrap, &len);
	hk_put_request(&b, 0, public, len);
	const struct send_message m = { &q.src, &q.dst, q.data, b.len };
	int n = send_sign(signer, &m, q.data, sizeof q.data);
	assert_true(n > 0);
	q.len = (size_t)n;
	return q;
}

static uint64_t now(void)
{
	return loop_realtime(w.loop, loop_now(w.loop));
}

/* ---- the exchange ---- */

static void test_exchange(void **state)
{
	struct badf_key k;
	arrive(true);
	assert_false(mobile_has(&k));
	run(99 * USEC_MSEC);
	assert_int_equal(w.asked, 0); /* the movement comes first */
	run(2 * USEC_MSEC);
	assert_agreed();
	assert_int_equal(w.asked, 1);
	assert_int_equal(count(FMIP6_HK_GRANTED), 1);
	assert_int_equal(count(FMIP6_HK_RECEIVED), 1);
	assert_int_equal(count(FMIP6_HK_KEYS), 1);
	struct rtsolpr q;
	assert_int_equal(rtsolpr_parse(w.questions[0].data, send_body_len(w.questions[0].data, w.questions[0].len), 6, &q), 0);
	assert_true(lladdr_eq(&q.source, &mac)); /* by which the router answers, and counts */
	run(1000 * USEC_SEC);
	assert_int_equal(w.asked, 1); /* and then there is peace */
}

static void test_lost(void **state)
{
	for (int questions = 0; questions <= 3; questions++)
		for (int answers = 0; questions + answers <= 3; answers++) {
			w.lose_questions = questions;
			w.lose_answers = answers;
			w.asked = 0;
			hk_mn_forget(w.mobile, &w.coa);
			arrive(true);
			run(3 * USEC_SEC);
			assert_agreed();
			assert_int_equal(w.asked, questions + answers + 1);
			assert_int_equal(count(FMIP6_HK_KEYS), 1); /* the same key, as often as it was asked for (§3.2) */
		}
	assert_int_equal(count(FMIP6_HK_REFUSED), 0); /* each question has its own time */
}

static void test_all_lost(void **state)
{
	struct badf_key k;
	w.lose_questions = 4;
	arrive(true);
	run(3 * USEC_SEC);
	assert_int_equal(w.asked, 4);
	assert_false(mobile_has(&k));
	run(w.params.refresh);
	assert_agreed();
}

static void test_repeated(void **state)
{
	struct letter again;
	arrive(true);
	run(USEC_SEC);
	assert_int_equal(answer(&w.questions[0], &mac, &again), HK_REFUSED);
	assert_false(deliver(&w.answers[0])); /* nobody asks any longer */
	assert_agreed();
	assert_int_equal(count(FMIP6_HK_RECEIVED), 1);
}

/* An answer to an older question of the same mobile: neither identifier nor nonce is that of the present one. */
static void test_late_answer(void **state)
{
	w.lose_answers = 1;
	w.lose_questions = 0;
	arrive(true);
	run(150 * USEC_MSEC); /* asked once, and the answer kept back */
	assert_int_equal(w.asked, 1);
	assert_true(deliver(&w.answers[0])); /* it is late, but to the question that is open */
	assert_agreed();
	hk_mn_forget(w.mobile, &w.coa);
	w.lose_answers = 1;
	arrive(true);
	run(150 * USEC_MSEC);
	assert_int_equal(w.asked, 2);
	assert_false(deliver(&w.answers[0]));
	run(USEC_SEC);
	assert_agreed();
}

static void test_asked_again(void **state)
{
	struct badf_key first, second;
	arrive(true);
	run(USEC_SEC);
	mobile_has(&first);
	arrive(true); /* away and back */
	run(USEC_SEC);
	mobile_has(&second);
	assert_memory_equal(&first, &second, sizeof first);
	assert_agreed();
	assert_int_equal(w.asked, 2);
}

static void test_rate_of_the_mobile(void **state)
{
	w.rate_refuses = 5;
	arrive(true);
	run(USEC_SEC);
	assert_int_equal(w.asked, 1);
	assert_agreed();
}

/* ---- life ---- */

static void test_renewed(void **state)
{
	struct badf_key first, second;
	usec_t life = w.params.handover_keys.lifetime;
	arrive(true);
	run(USEC_SEC);
	mobile_has(&first);
	run(life / 2);
	assert_int_equal(w.asked, 1);
	run(life / 4 + USEC_SEC);
	assert_int_equal(w.asked, 2);
	assert_agreed();
	mobile_has(&second);
	assert_memory_not_equal(&first, &second, sizeof first);
	run(life * 3);
	assert_agreed();
}

static void test_not_after_its_life(void **state)
{
	struct badf_key k;
	arrive(true);
	run(USEC_SEC);
	hk_mn_gone(w.mobile); /* away, and with no link to ask on */
	run(w.params.handover_keys.lifetime - 2 * USEC_SEC);
	assert_true(mobile_has(&k));
	assert_true(hk_router_key(w.router, &w.coa, &k));
	run(2 * USEC_SEC);
	assert_false(mobile_has(&k));
	assert_false(hk_router_key(w.router, &w.coa, &k));
	hk_mn_again(w.mobile);
	run(USEC_SEC);
	assert_agreed();
}

static void test_forgotten(void **state)
{
	struct badf_key k;
	arrive(true);
	run(USEC_SEC);
	hk_router_forget(w.router, &w.coa); /* the forwarding timed out, or it restarted */
	assert_false(hk_router_key(w.router, &w.coa, &k));
	hk_mn_again(w.mobile);
	run(USEC_SEC);
	assert_agreed();
	hk_mn_forget(w.mobile, &w.coa);
	assert_false(mobile_has(&k));
	hk_router_forget(w.router, &w.here); /* nobody's */
}

static void test_other_router_other_key(void **state)
{
	struct badf_key here, k;
	struct in6_addr first = w.coa, router = w.here;
	arrive(true);
	first = w.coa;
	run(USEC_SEC);
	mobile_has(&here);
	addr_parse("2001:db8:2::1", &w.here);
	w.link = prefix_of(&w.here, 64);
	arrive(true);
	run(USEC_SEC);
	assert_agreed();
	assert_false(addr_eq(&first, &w.coa));
	mobile_has(&k);
	assert_memory_not_equal(&here, &k, sizeof k);
	assert_true(hk_mn_key(w.mobile, &router, &first, &k)); /* and the older one serves for the older address */
	assert_memory_equal(&here, &k, sizeof k);
	assert_false(hk_mn_key(w.mobile, &router, &w.coa, &k));
	assert_false(hk_mn_key(w.mobile, &w.here, &first, &k));
}

static void test_pair(void **state)
{
	assert_int_equal(w.pairs, 0);
	for (int i = 0; i < HKEPK_HANDOVERS; i++) {
		arrive(i > 0);
		run(USEC_SEC);
	}
	assert_int_equal(w.pairs, 1);
	arrive(true);
	run(USEC_SEC);
	assert_int_equal(w.pairs, 2); /* after ten movements */
	assert_agreed();
	run(HKEPK_LIFETIME);
	arrive(false);
	run(USEC_SEC);
	assert_true(w.pairs >= 3); /* after twelve hours */
	assert_agreed();
}

static void test_pair_takes_long(void **state)
{
	w.slow_pair = true;
	arrive(true);
	run(10 * USEC_SEC);
	assert_int_equal(w.asked, 0);
	assert_int_equal(w.pairs, 1);
	arrive(true); /* elsewhere meanwhile: one is enough */
	run(10 * USEC_SEC);
	assert_int_equal(w.pairs, 1);
	hk_mn_pair(w.mobile, key_of(wrap_pem));
	run(USEC_SEC);
	assert_agreed();
}

static void test_pair_fails(void **state)
{
	struct badf_key k;
	w.no_pair = true;
	arrive(true);
	run(10 * USEC_SEC);
	assert_int_equal(w.asked, 0);
	assert_false(mobile_has(&k));
	w.no_pair = false;
	hk_mn_again(w.mobile);
	arrive(false);
	run(USEC_SEC);
	assert_agreed();
	w.no_pair = true;
	run(HKEPK_LIFETIME);
	arrive(true);
	run(USEC_SEC);
	assert_agreed(); /* better the old one than none */
}

/* ---- who pretends ---- */

static void test_wrong_questions(void **state)
{
	struct send_key *other = key_of(router_pem), *wrap = key_of(wrap_pem), *mine = key_of(mobile_pem);
	struct badf_key before, k;
	struct hk_grant g;
	assert_true(hk_mn_address(w.mobile, &w.link, false, &w.coa));
	struct letter early = question_of(other, wrap, other, &w.coa, 1, now()); /* its owner has not asked yet */
	assert_int_equal(put_question(&early, &mac, &g), HK_REFUSED);
	assert_int_equal(count(FMIP6_HK_KEYS), 0);
	arrive(true);
	run(USEC_SEC);
	mobile_has(&before);
	const struct in6_addr prefix = w.link.addr;
	struct send_key *large = send_key_generate(1152);
	struct letter stolen = w.questions[0];
	stolen.src.s6_addr[15] ^= 1; /* somebody's question, from another address */
	const struct {
		const char *what;
		struct letter q;
	} all[] = {
		{ "seen before", w.questions[0] },
		{ "from another address", stolen },
		{ "somebody else's address", question_of(other, wrap, other, &w.coa, 1, now()) },
		{ "signed with another key", question_of(other, wrap, mine, &prefix, 2, now()) },
		{ "too old", question_of(other, wrap, other, &prefix, 3, now() - 301 * USEC_SEC) },
		{ "a key of another kind for the answer", question_of(other, large, other, &prefix, 6, now()) },
		{ "of the future", question_of(other, wrap, other, &prefix, 4, now() + 301 * USEC_SEC) },
	};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		uint64_t refused = count(FMIP6_HK_REFUSED);
		if (put_question(&all[i].q, &mac, &g) != HK_REFUSED)
			fail_msg("%s", all[i].what);
		assert_int_equal(count(FMIP6_HK_REFUSED), refused + 1);
		assert_int_equal(count(FMIP6_HK_KEYS), 1);
	}
	w.on_link = false;
	struct letter good = question_of(other, wrap, other, &prefix, 5, now());
	assert_int_equal(put_question(&good, &mac, &g), HK_REFUSED);
	w.on_link = true;
	assert_int_equal(put_question(&good, &mac, &g), HK_GRANTED);
	assert_true(hk_router_key(w.router, &w.coa, &k));
	assert_memory_equal(&before, &k, sizeof k);
	assert_true(hk_router_key(w.router, &good.src, &k));
	assert_memory_not_equal(&before, &k, sizeof k);
	send_key_free(other);
	send_key_free(wrap);
	send_key_free(mine);
	send_key_free(large);
}

/* No octet of a question can be another one (but those that nobody signs and nobody reads). */
static void test_changed_questions(void **state)
{
	struct hk_grant g;
	w.lose_questions = 1;
	w.params.handover_keys.rate = 1000;
	w.params.rtsolpr_retries = 0;
	w.params.refresh = 3600 * USEC_SEC;
	arrive(true);
	run(101 * USEC_MSEC);
	struct letter q = w.questions[0];
	for (size_t i = 0; i < q.len; i++) {
		if (i == 2 || i == 3 || i == q.len - 150 || i == q.len - 149 || i >= q.len - 4)
			continue; /* checksum; of the signature option what is reserved, and padding */
		q.data[i] ^= 0x10;
		assert_int_not_equal(put_question(&q, &mac, &g), HK_GRANTED);
		q.data[i] ^= 0x10;
		run(5 * USEC_MSEC);
	}
	assert_int_equal(count(FMIP6_HK_LIMITED), 0);
	q.data[2] ^= 0x10;
	assert_int_equal(put_question(&q, &mac, &g), HK_GRANTED); /* it was good all the time */
}

/* A captured question that was kept from the router. */
static void test_kept_back(void **state)
{
	struct hk_grant g;
	w.lose_questions = 1;
	arrive(true);
	run(101 * USEC_MSEC);
	struct letter q = w.questions[0];
	run(USEC_SEC); /* the mobile has asked again, and has its key */
	assert_agreed();
	assert_int_equal(put_question(&q, &mac, &g), HK_REFUSED);
	run(700 * USEC_SEC);
	assert_int_equal(put_question(&q, &mac, &g), HK_REFUSED);
}

static void test_flood(void **state)
{
	struct send_key *other = key_of(router_pem), *wrap = key_of(wrap_pem);
	struct hk_grant g;
	int granted = 0;
	for (unsigned i = 0; i < 500; i++) { /* 1,000 a second, all of them valid */
		struct letter q = question_of(other, wrap, other, &w.link.addr, i, now());
		granted += put_question(&q, &mac, &g) == HK_GRANTED;
		run(USEC_MSEC);
	}
	assert_true(granted >= 20 && granted <= 52); /* 20 a second, and twice that at once */
	assert_int_equal(count(FMIP6_HK_LIMITED), 500 - (unsigned)granted);
	assert_int_equal(count(FMIP6_HK_KEYS), HK_KEYS_PER_LLADDR); /* one node: four keys */
	arrive(true);
	run(4 * w.params.refresh); /* at first chance may be against it */
	assert_agreed();
	send_key_free(other);
	send_key_free(wrap);
}

static void view_keep(const struct hk_view *v, void *arg)
{
	struct hk_view *all = arg;
	all[v->lladdr.octet[5]] = *v;
}

/* Each node has keys of its own: no two are the same, and many nodes do not pay for one another. */
static void test_many_nodes(void **state)
{
	struct send_key *other = key_of(router_pem), *wrap = key_of(wrap_pem);
	struct badf_key keys[2 * HK_KEYS_PER_LLADDR];
	struct hk_view views[2 * HK_KEYS_PER_LLADDR];
	struct hk_grant g;
	memset(views, 0, sizeof views);
	for (uint8_t i = 0; i < 2 * HK_KEYS_PER_LLADDR; i++) {
		const struct lladdr l = { .len = 6, .octet = { 2, 0, 0, 0, 0, i } };
		struct letter q = question_of(other, wrap, other, &w.link.addr, i, now());
		for (int again = 0; put_question(&q, &l, &g) != HK_GRANTED; again++) { /* chance may be against it */
			assert_true(again < 100);
			run(100 * USEC_MSEC);
			q = question_of(other, wrap, other, &w.link.addr, i, now());
		}
		assert_true(hk_router_key(w.router, &q.src, &keys[i]));
		for (uint8_t k = 0; k < i; k++)
			assert_memory_not_equal(keys[k].octets, keys[i].octets, sizeof keys[i].octets);
	}
	assert_int_equal(count(FMIP6_HK_KEYS), 2 * HK_KEYS_PER_LLADDR);
	hk_router_each(w.router, view_keep, views);
	for (uint8_t i = 0; i < 2 * HK_KEYS_PER_LLADDR; i++)
		assert_true(views[i].lladdr.octet[5] == i && views[i].expires > loop_now(w.loop));
	run(w.params.handover_keys.lifetime);
	memset(views, 0, sizeof views);
	hk_router_each(w.router, view_keep, views);
	assert_int_equal(views[0].expires, 0); /* what is over is not told of */
	send_key_free(other);
	send_key_free(wrap);
}

/* Who has a key keeps it, who comes when all are given away gets none. */
static void test_full(void **state)
{
	struct send_key *other = key_of(router_pem), *wrap = key_of(wrap_pem);
	struct hk_grant g;
	w.params.sessions = 3;
	arrive(true);
	run(USEC_SEC);
	for (unsigned i = 0; i < 5; i++) {
		struct lladdr l = mac;
		l.octet[5] = (uint8_t)(0x10 + i);
		struct letter q = question_of(other, wrap, other, &w.link.addr, i, now());
		assert_int_equal(put_question(&q, &l, &g), i < 2 ? HK_GRANTED : HK_REFUSED);
	}
	assert_int_equal(count(FMIP6_SESSIONS_FULL), 3);
	assert_agreed();
	run(w.params.handover_keys.lifetime / 2);
	assert_agreed();
	run(w.params.handover_keys.lifetime); /* the others' have expired: there is room */
	struct letter q = question_of(other, wrap, other, &w.link.addr, 9, now());
	assert_int_equal(put_question(&q, &mac, &g), HK_GRANTED);
	send_key_free(other);
	send_key_free(wrap);
}

/* ---- what the mobile believes ---- */

static size_t flipped;
static void flip(struct letter *a)
{
	if (flipped < a->len)
		a->data[flipped] ^= 0x04;
}

static void test_changed_answers(void **state)
{
	struct badf_key k;
	w.params.handover_keys.rate = 1000;
	w.params.rtsolpr_retries = 0;
	w.spoil = flip;
	arrive(true);
	run(150 * USEC_MSEC);
	size_t len = w.answers[0].len;
	for (flipped = 0; flipped < len; flipped++) {
		hk_mn_forget(w.mobile, &w.coa);
		arrive(false);
		run(150 * USEC_MSEC);
		if (mobile_has(&k)) /* what nobody signs: it did no harm */
			assert_agreed();
		assert_true(!mobile_has(&k) || flipped == 2 || flipped == 3 || flipped > len - 152);
	}
}

static void cut(struct letter *a)
{
	a->len = flipped;
}

static void test_cut_answers(void **state)
{
	struct badf_key k;
	w.params.handover_keys.rate = 1000;
	w.params.rtsolpr_retries = 0;
	w.spoil = cut;
	for (flipped = 0; flipped < 500; flipped += 3) {
		arrive(false);
		run(150 * USEC_MSEC);
		assert_false(mobile_has(&k));
	}
}

static void test_router_without_keys(void **state)
{
	struct badf_key k;
	w.plain = true;
	arrive(true);
	run(5 * USEC_SEC);
	assert_int_equal(w.asked, 4);
	assert_int_equal(count(FMIP6_HK_IGNORED), 4);
	assert_false(mobile_has(&k));
	w.plain = false;
	run(w.params.refresh);
	assert_agreed();
}

static void test_answer_names_another(void **state)
{
	struct badf_key k;
	addr_parse("2001:db8:1::2", &w.named); /* another router of the link, with a key of its own, in the place of this one */
	arrive(true);
	run(5 * USEC_SEC);
	assert_false(mobile_has(&k));
	assert_int_equal(count(FMIP6_HK_IGNORED), 4);
}

static void test_answer_with_another_nonce(void **state)
{
	struct badf_key k;
	w.other_nonce = true;
	arrive(true);
	run(5 * USEC_SEC);
	assert_false(mobile_has(&k));
	assert_int_equal(count(FMIP6_HK_IGNORED), 4);
}

static void test_trust_listed(void **state)
{
	struct badf_key k;
	uint8_t fp[SEND_FINGERPRINT];
	char right[SEND_FINGERPRINT_TEXT], *wrong = (char *)MOBILE_FINGERPRINT, *both[2];
	struct send_key *r = key_of(router_pem);
	size_t len;
	const uint8_t *public = send_key_public(r, &len);
	send_fingerprint(public, len, fp);
	send_fingerprint_text(fp, right);
	both[0] = wrong;
	both[1] = right;
	w.params.handover_keys.trust = (struct config_list){ .items = &wrong, .n = 1 };
	arrive(true);
	run(5 * USEC_SEC);
	assert_false(mobile_has(&k));
	w.params.handover_keys.trust = (struct config_list){ .items = both, .n = 2 };
	arrive(false);
	run(5 * USEC_SEC);
	assert_agreed();
	w.params.handover_keys.trust = (struct config_list){ .items = NULL, .n = 0 };
	send_key_free(r);
}

static void another_router(void)
{
	hk_router_destroy(w.router);
	w.router = hk_router_create(w.loop, &w.params, key_of(wrap_pem));
}

static void test_trust_at_first_sight(void **state)
{
	struct badf_key k;
	arrive(true);
	run(USEC_SEC);
	assert_agreed();
	hk_mn_forget(w.mobile, &w.coa);
	another_router();
	arrive(true);
	run(5 * USEC_SEC);
	assert_false(mobile_has(&k)); /* this address showed another key before */
	addr_parse("2001:db8:2::1", &w.here);
	w.link = prefix_of(&w.here, 64);
	arrive(true);
	run(USEC_SEC);
	assert_agreed(); /* this one none */
}

/* ---- what nobody asked for ---- */

static struct letter unasked(struct hk_router *from)
{
	struct letter a = { .dst = w.coa };
	struct prrtadv adv = { .code = PRRTADV_TRIGGER, .source = mac, .tuples_n = 1, .tuples = { { .code = LLA_NO_PREFIX, .ap = mac } } };
	a.len = (size_t)prrtadv_pack(&adv, a.data, sizeof a.data);
	assert_true(hk_router_address(w.router, &link_local, &a.src));
	if (from) {
		assert_true(hk_router_address(from, &link_local, &a.src));
		int n = hk_router_sign(from, &a.src, &a.dst, a.data, a.len, sizeof a.data);
		assert_true(n > 0);
		a.len = (size_t)n;
	}
	return a;
}

static bool believed(const struct letter *a)
{
	const struct send_message m = { &a->src, &a->dst, a->data, a->len };
	return hk_mn_unsolicited(w.mobile, &m);
}

static void test_unasked(void **state)
{
	struct hk_router *other = hk_router_create(w.loop, &w.params, key_of(wrap_pem));
	w.params.handover_keys.mode = FMIP6_HK_REQUIRED;
	arrive(true);
	struct letter early = unasked(w.router), plain = unasked(NULL);
	assert_false(believed(&early)); /* who is that? */
	run(USEC_SEC);
	assert_agreed();
	struct letter good = unasked(w.router), forged = unasked(other), broken = good;
	broken.data[1] ^= 1; /* the code */
	assert_false(believed(&plain));
	assert_false(believed(&forged));
	assert_false(believed(&broken));
	assert_true(believed(&good));
	assert_false(believed(&good)); /* a second time it is somebody else's */
	run(USEC_SEC);
	struct letter kept = unasked(w.router);
	run(400 * USEC_SEC);
	assert_false(believed(&kept));
	w.params.handover_keys.mode = FMIP6_HK_ON;
	assert_true(believed(&plain));
	assert_false(believed(&forged));
	assert_int_equal(count(FMIP6_PRRTADV_IGNORED), 7);
	hk_router_destroy(other);
}

/* ---- addresses ---- */

static void test_collisions(void **state)
{
	struct in6_addr first, a;
	arrive(true);
	run(USEC_SEC);
	first = w.coa;
	assert_true(hk_mn_address(w.mobile, &w.link, true, &a));
	assert_false(addr_eq(&a, &first));
	arrive(true);
	assert_true(addr_eq(&a, &w.coa)); /* and it stays with that one */
	run(USEC_SEC);
	assert_agreed();
	assert_true(hk_mn_address(w.mobile, &w.link, true, &a));
	assert_false(hk_mn_address(w.mobile, &w.link, true, &a)); /* after the third it is enough */
	struct prefix odd = { .addr = w.link.addr, .plen = 56 };
	assert_false(hk_mn_address(w.mobile, &odd, false, &a));
}

static void test_address_of_others(void **state)
{
	struct badf_key k;
	assert_int_equal(addr_parse("2001:db8:1::5", &w.coa), 0); /* that the new router gave, say */
	hk_mn_here(w.mobile, &w.here, &w.coa, true);
	run(60 * USEC_SEC);
	assert_int_equal(w.asked, 0);
	assert_false(mobile_has(&k));
}

/* Sec 1: about 65,536 hashes, a few at a time; the loop goes on between them. */
static void test_sec(void **state)
{
	hk_mn_destroy(w.mobile);
	w.params.handover_keys.cga_sec = 1;
	w.mobile = hk_mn_create(w.loop, &w.params, key_of(mobile_pem), &ops, NULL);
	struct in6_addr a;
	assert_false(hk_mn_address(w.mobile, &w.link, false, &a));
	for (int i = 0; i < 10000 && !hk_mn_ready(w.mobile); i++)
		run(USEC_MSEC);
	assert_int_equal(w.readies, 2);
	arrive(true);
	run(USEC_SEC);
	assert_int_equal(w.coa.s6_addr[8] >> 5, 1);
	assert_agreed();
}

/* ---- what the key is for: the previous router's part with keys of the exchange ---- */

static struct {
	uint16_t hi_seq;
	int his, fbacks;
	size_t len;
	uint8_t fback[256];
} seen;

static bool par_key(void *arg, const struct in6_addr *pcoa, uint32_t spi, struct badf_key *out)
{
	return spi == BADF_SPI_HANDOVER && hk_router_key(w.router, pcoa, out);
}

static bool par_own(void *arg, const struct in6_addr *pcoa)
{
	return true;
}

static int par_target(void *arg, const struct in6_addr *ncoa, struct in6_addr *nar, struct in6_addr *router)
{
	return addr_parse("2001:db8:f::2", nar);
}

static bool par_is_peer(void *arg, const struct in6_addr *src, const struct in6_addr *nar)
{
	return true;
}

static bool par_lladdr(void *arg, const struct in6_addr *pcoa, struct lladdr *out)
{
	*out = mac;
	return true;
}

static void par_send_hi(void *arg, const struct in6_addr *nar, const uint8_t *data, size_t len)
{
	struct hi m;
	assert_int_equal(hi_parse(data, len, &m), 0);
	seen.hi_seq = m.seq;
	seen.his++;
}

static void par_send_fback(void *arg, const struct in6_addr *src, const struct in6_addr *dst, bool on_link, const uint8_t *data,
                           size_t len)
{
	assert_true(len <= sizeof seen.fback);
	memcpy(seen.fback, data, len);
	seen.len = len;
	seen.fbacks++;
}

static int par_tunnel(void *arg, const struct in6_addr *pcoa, const struct in6_addr *local, const struct in6_addr *ncoa)
{
	return 0;
}

static int par_hold(void *arg, const struct in6_addr *pcoa)
{
	return 0;
}

static void par_direct(void *arg, const struct in6_addr *pcoa, const struct lladdr *l)
{
}

static void par_expired(void *arg, const struct in6_addr *pcoa)
{
	hk_router_forget(w.router, pcoa);
}

static void par_tunnel_end(void *arg, const struct in6_addr *pcoa)
{
}

static void par_opened(void *arg, enum handover_mode mode, const struct in6_addr *pcoa, const struct in6_addr *ncoa,
                       const struct in6_addr *par, const struct in6_addr *nar, const struct lladdr *l, usec_t at)
{
}

static void par_step(void *arg, const struct in6_addr *pcoa, enum handover_step s, usec_t at)
{
}

static void par_closed(void *arg, const struct in6_addr *pcoa, enum handover_result r, const char *reason)
{
}

static const struct par_ops par_ops = { .key = par_key, .own_address = par_own, .target = par_target, .is_peer = par_is_peer,
	.lladdr = par_lladdr, .send_hi = par_send_hi, .send_fback = par_send_fback, .hold = par_hold, .tunnel = par_tunnel,
	.direct = par_direct, .expired = par_expired, .tunnel_end = par_tunnel_end, .opened = par_opened, .step = par_step,
	.closed = par_closed };

/* An FBU for pcoa, signed with what the mobile has for its own address. */
static void fbu(struct fmip6_par *p, const struct in6_addr *pcoa, uint16_t seq, uint32_t spi)
{
	uint8_t data[128];
	struct badf_key k;
	struct in6_addr ncoa;
	addr_parse("2001:db8:2::5", &ncoa);
	struct fbu m = { .seq = seq, .flags = FBU_ACK | FBU_HOME, .lifetime = 60, .ncoa = ncoa, .lladdr = mac, .has_badf = true,
		.badf = { .spi = spi } };
	int n = fbu_pack(&m, data, sizeof data);
	assert_true(mobile_has(&k));
	assert_int_equal(badf_sign(&k, &ncoa, &w.here, data, (size_t)n), 0);
	const struct mh_in in = { .src = *pcoa, .dst = w.here, .home = *pcoa, .data = data, .len = (size_t)n, .at = loop_now(w.loop) };
	par_fbu(p, &in);
}

static void hack(struct fmip6_par *p)
{
	uint8_t data[64];
	int n = hack_pack(&(struct hack){ .seq = seen.hi_seq, .code = HACK_ACCEPTED }, data, sizeof data);
	const struct mh_in in = { .src = w.here, .dst = w.here, .data = data, .len = (size_t)n, .at = loop_now(w.loop) };
	par_hack(p, &in);
}

static void test_fbu(void **state)
{
	struct fmip6_par *p = par_create(w.loop, &w.params, &par_ops, NULL);
	struct badf_key k;
	struct fback m;
	struct in6_addr ncoa, other;
	memset(&seen, 0, sizeof seen);
	addr_parse("2001:db8:2::5", &ncoa);
	arrive(true);
	run(USEC_SEC);
	other = w.coa;
	other.s6_addr[15] ^= 1;
	fbu(p, &other, 1, BADF_SPI_HANDOVER);   /* the key is none of that address */
	fbu(p, &w.coa, 2, BADF_SPI_CONFIGURED); /* nor one that was configured */
	assert_int_equal(seen.his, 0);
	assert_int_equal(count(FMIP6_FBU_BAD_AUTH), 2);
	fbu(p, &w.coa, 3, BADF_SPI_HANDOVER);
	assert_int_equal(seen.his, 1);
	hack(p);
	assert_true(seen.fbacks > 0);
	assert_int_equal(fback_parse(seen.fback, seen.len, &m), 0);
	assert_int_equal(m.status, FBACK_ACCEPTED);
	assert_int_equal(m.badf.spi, BADF_SPI_HANDOVER);
	mobile_has(&k);
	assert_true(badf_verify(&k, &ncoa, &w.here, seen.fback, seen.len));
	run(59 * USEC_SEC);
	assert_true(hk_router_key(w.router, &w.coa, &k));
	run(2 * USEC_SEC); /* nobody renewed the forwarding: its time is over, and the key's with it (§3.6) */
	assert_false(hk_router_key(w.router, &w.coa, &k));
	fbu(p, &w.coa, 4, BADF_SPI_HANDOVER);
	assert_int_equal(seen.his, 1);
	par_destroy(p);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_exchange),
		T(test_lost),
		T(test_all_lost),
		T(test_repeated),
		T(test_late_answer),
		T(test_asked_again),
		T(test_rate_of_the_mobile),
		T(test_renewed),
		T(test_not_after_its_life),
		T(test_forgotten),
		T(test_other_router_other_key),
		T(test_pair),
		T(test_pair_takes_long),
		T(test_pair_fails),
		T(test_wrong_questions),
		T(test_changed_questions),
		T(test_kept_back),
		T(test_flood),
		T(test_many_nodes),
		T(test_full),
		T(test_changed_answers),
		T(test_cut_answers),
		T(test_router_without_keys),
		T(test_answer_names_another),
		T(test_answer_with_another_nonce),
		T(test_trust_listed),
		T(test_trust_at_first_sight),
		T(test_unasked),
		T(test_collisions),
		T(test_address_of_others),
		T(test_sec),
		T(test_fbu),
	};
	log_level_set(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
