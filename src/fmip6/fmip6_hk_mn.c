#include "fmip6/fmip6_hk_mn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fmip6/cga.h"
#include "fmip6/send_peers.h"

#define KEYS 12  /* older addresses that are kept alive, and some */
#define LINKS 8  /* whose collisions are remembered */
#define SHOWN 64 /* routers whose first key is remembered */
#define NONCE 6
#define HK_LEN 20
#define ASK_DELAY (100 * USEC_MSEC)  /* after an arrival: the movement comes first */
#define SEARCH_PIECE 512             /* hashes at a time */
#define SEARCH_PAUSE (1 * USEC_MSEC)
#define PEERS 64          /* routers whose last timestamp is remembered */
#define VERIFIED_RATE 10             /* answers a second whose signature is looked at */

struct held {
	struct in6_addr router, coa;
	struct secret *key; /* NULL: free */
	usec_t expires;
};

struct link_collisions {
	struct prefix link; /* plen 0: free */
	unsigned n;
};

struct shown {
	struct in6_addr router;
	uint8_t fingerprint[SEND_FINGERPRINT];
};

struct hk_mn {
	struct loop *loop;
	const struct fmip6_params *params;
	const struct hk_mn_ops *ops;
	void *arg;

	struct send_key *key;
	struct cga_params cga;
	bool ready;
	struct timer search;
	struct link_collisions links[LINKS];
	unsigned links_next;

	struct send_key *pair; /* what answers are encrypted to; NULL: none yet */
	bool making;
	usec_t pair_made;
	unsigned handovers;

	bool here; /* on the link of: */
	struct in6_addr router, coa;
	bool asking;
	uint16_t id;
	uint8_t nonce[NONCE];
	usec_t asked;
	int64_t tries;
	const char *reason; /* why there is no key yet */
	struct timer ask;

	struct held keys[KEYS];
	struct shown shown[SHOWN];
	unsigned shown_n, shown_next;
	struct send_peers *peers;
	struct bucket verified, log;
};

/* ---- addresses ---- */

static void search_more(struct timer *t, void *arg)
{
	struct hk_mn *h = arg;
	if (!cga_search(&h->cga, (unsigned)h->params->handover_keys.cga_sec, SEARCH_PIECE)) {
		timer_after(&h->search, SEARCH_PAUSE);
		return;
	}
	h->ready = true;
	h->ops->ready(h->arg);
}

bool hk_mn_ready(const struct hk_mn *h)
{
	return h->ready;
}

static struct link_collisions *collisions_on(struct hk_mn *h, const struct prefix *link)
{
	for (unsigned i = 0; i < LINKS; i++)
		if (h->links[i].link.plen == link->plen && addr_eq(&h->links[i].link.addr, &link->addr))
			return &h->links[i];
	return NULL;
}

static unsigned collided(struct hk_mn *h, const struct prefix *link)
{
	struct link_collisions *c = collisions_on(h, link);
	if (!c) {
		c = &h->links[h->links_next++ % LINKS];
		*c = (struct link_collisions){ .link = *link };
	}
	return ++c->n;
}

bool hk_mn_address(struct hk_mn *h, const struct prefix *link, bool again, struct in6_addr *out)
{
	const struct link_collisions *c = collisions_on(h, link);
	unsigned n = again ? collided(h, link) : c ? c->n : 0;
	return h->ready && cga_generate(&h->cga, link, (unsigned)h->params->handover_keys.cga_sec, n, out) == 0;
}

/* Leaves the parameters of the address in h->cga. */
static bool is_ours(struct hk_mn *h, const struct in6_addr *coa)
{
	struct prefix link = prefix_of(coa, 64);
	struct in6_addr own;
	return hk_mn_address(h, &link, false, &own) && addr_eq(&own, coa);
}

/* ---- keys ---- */

static void held_drop(struct held *k)
{
	secret_unref(k->key);
	memset(k, 0, sizeof *k);
}

static struct held *held_find(const struct hk_mn *h, const struct in6_addr *router, const struct in6_addr *coa)
{
	for (unsigned i = 0; i < KEYS; i++)
		if (h->keys[i].key && addr_eq(&h->keys[i].router, router) && addr_eq(&h->keys[i].coa, coa))
			return (struct held *)&h->keys[i];
	return NULL;
}

/* The one for here, else a free one, else the one that ends first. */
static struct held *held_slot(struct hk_mn *h)
{
	struct held *k = held_find(h, &h->router, &h->coa);
	if (k)
		return k;
	k = &h->keys[0];
	for (unsigned i = 0; i < KEYS && k->key; i++)
		if (!h->keys[i].key || h->keys[i].expires < k->expires)
			k = &h->keys[i];
	return k;
}

bool hk_mn_key(const struct hk_mn *h, const struct in6_addr *router, const struct in6_addr *coa, struct badf_key *out)
{
	const struct held *k = held_find(h, router, coa);
	size_t len;
	if (!k || k->expires <= loop_now(h->loop))
		return false;
	memcpy(out->octets, secret_data(k->key, &len), sizeof out->octets);
	return true;
}

void hk_mn_forget(struct hk_mn *h, const struct in6_addr *coa)
{
	for (unsigned i = 0; i < KEYS; i++)
		if (h->keys[i].key && addr_eq(&h->keys[i].coa, coa))
			held_drop(&h->keys[i]);
}

/* ---- questions ---- */

static void ask_stop(struct hk_mn *h)
{
	h->asking = false;
	timer_stop(&h->ask);
}

static int question(struct hk_mn *h, uint8_t *out, size_t cap)
{
	struct rtsolpr q = { .id = h->id, .wildcard = true };
	size_t len;
	h->ops->lladdr(h->arg, &q.source);
	int n = rtsolpr_pack(&q, out, cap);
	if (n < 0)
		return n;
	struct wr w = wr_make(out, cap);
	w.len = (size_t)n;
	send_put_cga(&w, h->cga.octets, h->cga.len);
	send_put_timestamp(&w, send_time(loop_realtime(h->loop, loop_now(h->loop))));
	send_put_nonce(&w, h->nonce, sizeof h->nonce);
	const uint8_t *public = send_key_public(h->pair, &len);
	hk_put_request(&w, HK_AT_HMAC_SHA1, public, len);
	if (!wr_ok(&w))
		return -EMSGSIZE;
	const struct send_message m = { &h->coa, &h->router, out, w.len };
	return send_sign(h->key, &m, out, cap);
}

static void question_send(struct hk_mn *h)
{
	uint8_t out[FMIP6_MESSAGE_MAX];
	timer_after(&h->ask, h->params->rtsolpr_timeout << h->tries);
	if (!h->ops->allowed(h->arg)) {
		FMIP6_COUNT(FMIP6_RTSOLPR_LIMITED);
		return;
	}
	h->tries++;
	h->id = fmip6_random16();
	secret_random(h->nonce, sizeof h->nonce);
	int n = is_ours(h, &h->coa) ? question(h, out, sizeof out) : -EINVAL;
	if (n < 0) {
		h->reason = "the question could not be made";
		return;
	}
	h->asked = loop_now(h->loop);
	FMIP6_COUNT(FMIP6_RTSOLPR_SENT);
	FMIP6_COUNT(FMIP6_HK_ASKED);
	h->ops->send(h->arg, &h->coa, &h->router, out, (size_t)n);
}

static bool pair_old(const struct hk_mn *h)
{
	return !h->pair || h->handovers >= HKEPK_HANDOVERS || loop_now(h->loop) >= h->pair_made + HKEPK_LIFETIME;
}

static void given_up(struct hk_mn *h)
{
	ask_stop(h);
	LOG_NOTICE("fmip6", "no handover key mobile=%s peer=%s reason=\"%s\" tries=%lld instead=\"%s\"", ADDR(&h->coa), ADDR(&h->router),
	           h->reason, (long long)h->tries,
	           h->params->handover_keys.mode == FMIP6_HK_REQUIRED ? "nothing: fmip6.handover_keys.mode is required" :
	                                                                "the configured key, if there is one");
	timer_after(&h->ask, h->params->refresh);
}

static void ask(struct timer *t, void *arg)
{
	struct hk_mn *h = arg;
	if (!h->asking) {
		h->asking = true;
		h->tries = 0;
		h->reason = "no answer from the router";
	}
	if (pair_old(h)) {
		timer_stop(&h->ask); /* goes on when the pair is there */
		if (!h->making) {
			h->making = true;
			h->ops->make_pair(h->arg);
		}
	} else if (h->tries > h->params->rtsolpr_retries) {
		given_up(h);
	} else {
		question_send(h);
	}
}

void hk_mn_pair(struct hk_mn *h, struct send_key *pair)
{
	h->making = false;
	if (!pair)
		LOG_WARNING("fmip6", "no new key pair for handover keys reason=\"it could not be made\"");
	if (pair) {
		send_key_free(h->pair);
		h->pair = pair;
	} else if (!h->pair) {
		return;
	}
	h->pair_made = loop_now(h->loop);
	h->handovers = 0;
	if (h->here && h->asking)
		ask(&h->ask, h);
}

void hk_mn_here(struct hk_mn *h, const struct in6_addr *router, const struct in6_addr *coa, bool moved)
{
	ask_stop(h);
	h->router = *router;
	h->coa = *coa;
	h->handovers += moved;
	h->here = is_ours(h, coa);
	if (h->here)
		timer_after(&h->ask, ASK_DELAY);
	else
		LOG_NOTICE("fmip6", "no handover key mobile=%s peer=%s reason=\"the address is not one of our key\"", ADDR(coa), ADDR(router));
}

void hk_mn_gone(struct hk_mn *h)
{
	ask_stop(h);
}

void hk_mn_again(struct hk_mn *h)
{
	if (h->here && !h->asking)
		timer_after(&h->ask, ASK_DELAY);
}

/* ---- answers ---- */

static bool trusted_listed(const struct config_list *list, const uint8_t fp[SEND_FINGERPRINT])
{
	char *const *all = list->items;
	uint8_t one[SEND_FINGERPRINT];
	for (size_t i = 0; i < list->n; i++)
		if (send_fingerprint_parse(all[i], one) == 0 && memcmp(one, fp, sizeof one) == 0)
			return true;
	return false;
}

/* Where nobody says which keys are right, that of each router is the first one that it showed to this process. */
static bool trusted(struct hk_mn *h, const uint8_t fp[SEND_FINGERPRINT])
{
	const struct config_list *list = &h->params->handover_keys.trust;
	if (list->n)
		return trusted_listed(list, fp);
	for (unsigned i = 0; i < h->shown_n; i++)
		if (addr_eq(&h->shown[i].router, &h->router))
			return memcmp(h->shown[i].fingerprint, fp, SEND_FINGERPRINT) == 0;
	return true;
}

static void trust_first(struct hk_mn *h, const uint8_t fp[SEND_FINGERPRINT])
{
	char text[SEND_FINGERPRINT_TEXT];
	if (h->params->handover_keys.trust.n)
		return;
	for (unsigned i = 0; i < h->shown_n; i++)
		if (addr_eq(&h->shown[i].router, &h->router))
			return;
	struct shown *s = &h->shown[h->shown_next++ % SHOWN];
	if (h->shown_n < SHOWN)
		h->shown_n++;
	s->router = h->router;
	memcpy(s->fingerprint, fp, SEND_FINGERPRINT);
	LOG_NOTICE("fmip6", "router trusted at first sight peer=%s fingerprint=%s", ADDR(&h->router), send_fingerprint_text(fp, text));
}

/* The router that we use, with its global address, stands among what is signed: an answer of another router's is not this one's. */
static bool names_router(const struct hk_mn *h, const struct send_message *m, size_t len, uint8_t lla_len)
{
	struct prrtadv a;
	if (prrtadv_parse(m->data, len, lla_len, &a) < 0)
		return false;
	for (unsigned i = 0; i < a.tuples_n; i++)
		if (a.tuples[i].code == LLA_SAME_INTERFACE && addr_eq(&a.tuples[i].router, &h->router))
			return true;
	return false;
}

/* NULL: it is good. The costly part comes last. */
static const char *answer_fault(struct hk_mn *h, const struct send_message *m, struct send_options *o, uint8_t lla_len,
                                uint8_t fp[SEND_FINGERPRINT])
{
	struct send_public *sender = NULL;
	enum send_fault f = send_check(m, o);
	if (f != SEND_GOOD)
		return f == SEND_UNSECURED ? "the router answers without a key" : send_fault_text(f);
	if (!o->reply.p)
		return "the router answers without a key";
	if (o->nonce.len != NONCE || memcmp(o->nonce.p, h->nonce, NONCE) != 0)
		return "the nonce is not ours";
	if (o->reply_at != HK_AT_HMAC_SHA1)
		return "the router wants an algorithm that is not known";
	send_fingerprint(o->public.p, o->public.len, fp);
	if (!trusted(h, fp))
		return h->params->handover_keys.trust.n ? "the router's key is not listed in fmip6.handover_keys.trust" :
		                                           "the router shows another key than the first time";
	if (!names_router(h, m, o->signed_len, lla_len))
		return "the answer does not name this router";
	if (!bucket_take(&h->verified, loop_now(h->loop)))
		return "too many answers";
	f = send_check_signature(m, o, &sender);
	send_public_close(sender);
	return f == SEND_GOOD ? NULL : send_fault_text(f);
}

static const char *answer_take(struct hk_mn *h, const struct send_options *o)
{
	uint8_t octets[HK_LEN];
	struct held *k;
	struct secret *key = NULL;
	if (send_key_decrypt(h->pair, o->reply.p, o->reply.len, octets, sizeof octets) == HK_LEN)
		key = secret_create(octets, sizeof octets);
	secret_wipe(octets, sizeof octets);
	if (!key || o->reply_lifetime == 0) {
		secret_unref(key);
		return "the key in the answer is of no use";
	}
	k = held_slot(h);
	held_drop(k);
	*k = (struct held){ .router = h->router, .coa = h->coa, .key = key, .expires = h->asked + o->reply_lifetime * USEC_SEC };
	return NULL;
}

bool hk_mn_prrtadv(struct hk_mn *h, const struct send_message *m, uint8_t lla_len)
{
	struct send_options o;
	uint8_t fp[SEND_FINGERPRINT];
	if (!h->asking || !h->tries || m->len < SEND_HEADER || m->data[6] != h->id >> 8 || m->data[7] != (h->id & 0xff))
		return false;
	FMIP6_COUNT(FMIP6_PRRTADV_RECEIVED);
	const char *fault = answer_fault(h, m, &o, lla_len, fp);
	fault = fault ? fault : answer_take(h, &o);
	if (fault) {
		FMIP6_COUNT(FMIP6_HK_IGNORED);
		h->reason = fault;
		log_limited(&h->log, loop_now(h->loop), LOG_LEVEL_NOTICE, "fmip6",
		            "answer for a handover key ignored mobile=%s peer=%s from=%s reason=\"%s\"", ADDR(&h->coa), ADDR(&h->router),
		            ADDR(m->src), fault);
		return true;
	}
	ask_stop(h);
	trust_first(h, fp);
	FMIP6_COUNT(FMIP6_HK_RECEIVED);
	LOG_INFO("fmip6", "handover key received mobile=%s peer=%s lifetime_s=%u", ADDR(&h->coa), ADDR(&h->router), o.reply_lifetime);
	timer_after(&h->ask, o.reply_lifetime * USEC_SEC / 4 * 3);
	return true;
}

/* Is this the key that we know this router by? At first sight of something that nobody asked for none is. */
static bool known_key(struct hk_mn *h, const uint8_t fp[SEND_FINGERPRINT])
{
	for (unsigned i = 0; i < h->shown_n; i++)
		if (addr_eq(&h->shown[i].router, &h->router))
			return trusted(h, fp);
	return h->params->handover_keys.trust.n && trusted(h, fp);
}

static const char *unsolicited_fault(struct hk_mn *h, const struct send_message *m)
{
	struct send_options o;
	struct send_public *sender;
	uint8_t fp[SEND_FINGERPRINT];
	uint64_t now = loop_realtime(h->loop, loop_now(h->loop));
	enum send_fault f = send_check(m, &o);
	if (f == SEND_UNSECURED && h->params->handover_keys.mode != FMIP6_HK_REQUIRED)
		return NULL;
	if (f != SEND_GOOD)
		return send_fault_text(f);
	send_fingerprint(o.public.p, o.public.len, fp);
	if (!known_key(h, fp))
		return "the key is not known as this router's";
	if (send_peers_check(h->peers, m->src, o.timestamp, now) != SEND_FRESH)
		return "the timestamp is too far from this clock, or seen before";
	if (!bucket_take(&h->verified, loop_now(h->loop)))
		return "too many signatures";
	f = send_check_signature(m, &o, &sender);
	send_public_close(sender);
	if (f != SEND_GOOD)
		return send_fault_text(f);
	send_peers_note(h->peers, m->src, o.timestamp, now);
	return NULL;
}

bool hk_mn_unsolicited(struct hk_mn *h, const struct send_message *m)
{
	const char *fault = unsolicited_fault(h, m);
	if (!fault)
		return true;
	FMIP6_COUNT(FMIP6_PRRTADV_IGNORED);
	log_limited(&h->log, loop_now(h->loop), LOG_LEVEL_NOTICE, "fmip6", "unasked PrRtAdv ignored peer=%s from=%s reason=\"%s\"",
	            ADDR(&h->router), ADDR(m->src), fault);
	return false;
}

/* ---- life ---- */

void hk_mn_each(const struct hk_mn *h, void (*fn)(const struct hk_mn_view *v, void *fn_arg), void *fn_arg)
{
	for (unsigned i = 0; i < KEYS; i++) {
		const struct held *k = &h->keys[i];
		const struct hk_mn_view v = { .router = k->router, .coa = k->coa, .expires = k->expires };
		if (k->key && k->expires > loop_now(h->loop))
			fn(&v, fn_arg);
	}
}

/* The addresses of one key pair are the same at every start: sessions survive a restart, and nobody without the private key can tell
 * that they are one mobile's. */
static bool own_cga(struct hk_mn *h)
{
	uint8_t modifier[CGA_MODIFIER];
	size_t len;
	const uint8_t *public = send_key_public(h->key, &len);
	return send_key_seed(h->key, "handoverd cga", modifier, sizeof modifier) == 0 &&
	       cga_params_make(&h->cga, modifier, public, len) == 0;
}

struct hk_mn *hk_mn_create(struct loop *l, const struct fmip6_params *params, struct send_key *key, const struct hk_mn_ops *ops,
                           void *arg)
{
	struct hk_mn *h = calloc(1, sizeof *h);
	if (!h) {
		send_key_free(key);
		return NULL;
	}
	h->loop = l;
	h->params = params;
	h->ops = ops;
	h->arg = arg;
	h->key = key;
	timer_init(&h->search, l, search_more, h);
	timer_init(&h->ask, l, ask, h);
	bucket_init(&h->verified, VERIFIED_RATE, VERIFIED_RATE);
	bucket_init(&h->log, 1, 10);
	h->peers = send_peers_create(PEERS);
	if (!h->peers || !own_cga(h)) {
		hk_mn_destroy(h);
		return NULL;
	}
	timer_after(&h->search, 0);
	return h;
}

void hk_mn_destroy(struct hk_mn *h)
{
	if (!h)
		return;
	timer_stop(&h->search);
	timer_stop(&h->ask);
	for (unsigned i = 0; i < KEYS; i++)
		held_drop(&h->keys[i]);
	send_peers_destroy(h->peers);
	send_key_free(h->pair);
	send_key_free(h->key);
	free(h);
}
