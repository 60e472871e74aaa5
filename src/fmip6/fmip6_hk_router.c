#include "fmip6/fmip6_hk_router.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fmip6/cga.h"
#include "fmip6/send_peers.h"

#define HASH_FUNCTION FMIP6_HASH
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define HK_LEN 20 /* octets: as long as what HMAC_SHA1 yields */
#define NEW_KEY_PART 3
#define OPTION_ROOM 7

struct entry {
	UT_hash_handle hh;
	struct in6_addr cga;
	struct lladdr lladdr;
	uint8_t owner[SEND_FINGERPRINT]; /* of the CGA's public key */
	struct secret *key;
	usec_t expires;
};

struct hk_router {
	struct loop *loop;
	const struct fmip6_params *params;
	struct send_key *key;
	struct cga_params cga;
	struct send_peers *peers;
	struct entry *entries; /* oldest first */
	struct bucket rates[HK_LINKS_MAX];
	struct bucket log;
};

/* ---- keys ---- */

static void entry_drop(struct hk_router *h, struct entry *e)
{
	HASH_DELETE(hh, h->entries, e);
	secret_unref(e->key);
	free(e);
	fmip6_counters[FMIP6_HK_KEYS].value--;
}

static struct entry *entry_find(const struct hk_router *h, const struct in6_addr *cga)
{
	struct entry *e = NULL;
	HASH_FIND(hh, h->entries, cga, sizeof *cga, e);
	return e;
}

/* One node with many addresses pays for them itself. */
static void make_room(struct hk_router *h, const struct lladdr *l)
{
	struct entry *e, *next, *first = NULL;
	unsigned same = 0;
	usec_t now = loop_now(h->loop);
	HASH_ITER(hh, h->entries, e, next) {
		if (e->expires <= now) {
			entry_drop(h, e);
		} else if (l->len && lladdr_eq(&e->lladdr, l)) {
			first = first ? first : e;
			same++;
		}
	}
	if (same >= HK_KEYS_PER_LLADDR)
		entry_drop(h, first);
}

static struct secret *key_new(void)
{
	uint8_t octets[HK_LEN];
	secret_random(octets, sizeof octets);
	struct secret *s = secret_create(octets, sizeof octets);
	secret_wipe(octets, sizeof octets);
	return s;
}

/* An address that has no key yet; NULL: there is no room. Who has a key keeps it. */
static struct entry *entry_make(struct hk_router *h, const struct in6_addr *cga, const struct lladdr *l)
{
	make_room(h, l);
	struct entry *e = HASH_COUNT(h->entries) < (unsigned)h->params->sessions ? calloc(1, sizeof *e) : NULL;
	if (!e)
		return NULL;
	e->cga = *cga;
	HASH_ADD(hh, h->entries, cga, sizeof e->cga, e);
	fmip6_counters[FMIP6_HK_KEYS].value++;
	return e;
}

/* A key that lasts long enough, or NULL: no room, or *other: the address belongs to another key already. */
static struct entry *entry_for(struct hk_router *h, const struct hk_question *q, const struct octets *public, bool *other)
{
	uint8_t owner[SEND_FINGERPRINT];
	usec_t now = loop_now(h->loop);
	struct entry *e = entry_find(h, q->message.src);
	send_fingerprint(public->p, public->len, owner);
	*other = e && e->expires > now && memcmp(owner, e->owner, sizeof owner) != 0;
	if (*other)
		return NULL;
	if (e && e->expires > now + h->params->handover_keys.lifetime / NEW_KEY_PART)
		return e;
	struct secret *key = key_new();
	if (!e && key)
		e = entry_make(h, q->message.src, &q->lladdr);
	if (!e || !key) {
		secret_unref(key);
		return NULL;
	}
	secret_unref(e->key);
	e->key = key;
	e->lladdr = q->lladdr;
	memcpy(e->owner, owner, sizeof owner);
	e->expires = now + h->params->handover_keys.lifetime;
	return e;
}

bool hk_router_key(const struct hk_router *h, const struct in6_addr *cga, struct badf_key *out)
{
	const struct entry *e = entry_find(h, cga);
	size_t len;
	if (!e || e->expires <= loop_now(h->loop))
		return false;
	memcpy(out->octets, secret_data(e->key, &len), sizeof out->octets);
	return true;
}

void hk_router_forget(struct hk_router *h, const struct in6_addr *cga)
{
	struct entry *e = entry_find(h, cga);
	if (e)
		entry_drop(h, e);
}

/* ---- questions ---- */

static enum hk_outcome refuse(struct hk_router *h, const struct hk_question *q, const char *reason, long long value)
{
	FMIP6_COUNT(FMIP6_HK_REFUSED);
	log_limited(&h->log, q->at, LOG_LEVEL_NOTICE, "fmip6", "handover key refused mobile=%s lladdr=%s reason=\"%s\" value=%lld",
	            ADDR(q->message.src), LLADDR(&q->lladdr), reason, value);
	return HK_REFUSED;
}

/* The emptier the bucket, the more questions are dropped, by chance: none can be timed to be the one that passes. */
static bool rate_allows(struct hk_router *h, const struct hk_question *q)
{
	struct bucket *b = &h->rates[q->link];
	b->per_second = (double)h->params->handover_keys.rate;
	b->burst = 2 * b->per_second;
	if (bucket_take(b, q->at)) {
		if (b->level * 65536 >= b->per_second * fmip6_random16())
			return true;
		b->level++;
	}
	FMIP6_COUNT(FMIP6_HK_LIMITED);
	return false;
}

/* Is the key that the answer is to be encrypted to one of the kind of the address's key (§3.1)? */
static bool wrap_good(const struct send_options *o, const struct send_public *owner)
{
	struct send_public *wrap = send_public_open(o->request.p, o->request.len);
	bool good = wrap && send_public_same_kind(wrap, owner);
	send_public_close(wrap);
	return good;
}

static enum hk_outcome grant(struct hk_router *h, const struct hk_question *q, const struct send_options *o, struct hk_grant *g)
{
	bool other;
	if (!entry_for(h, q, &o->public, &other)) {
		if (!other)
			FMIP6_COUNT(FMIP6_SESSIONS_FULL);
		return refuse(h, q, other ? "the address has a key of another owner" : "limit of sessions reached", h->params->sessions);
	}
	FMIP6_COUNT(FMIP6_HK_GRANTED);
	*g = (struct hk_grant){ .nonce = o->nonce, .wrap = o->request, .cga = *q->message.src };
	return HK_GRANTED;
}

enum hk_outcome hk_router_question(struct hk_router *h, const struct hk_question *q, struct hk_grant *g)
{
	struct send_options o;
	struct send_public *owner = NULL;
	uint64_t now = loop_realtime(h->loop, q->at);
	enum send_fault f = send_check(&q->message, &o);
	if (f != SEND_MALFORMED && !o.request.p)
		return HK_NOT_ASKED;
	FMIP6_COUNT(FMIP6_HK_REQUESTS);
	if (f != SEND_GOOD)
		return refuse(h, q, send_fault_text(f), (long long)q->message.len);
	if (!o.nonce.p)
		return refuse(h, q, "no nonce", (long long)q->message.len);
	if (!q->on_link)
		return refuse(h, q, "the address is not one of this link", 0);
	enum send_age age = send_peers_check(h->peers, q->message.src, o.timestamp, now);
	if (age != SEND_FRESH)
		return refuse(h, q, age == SEND_STALE ? "timestamp too far from this clock, in seconds" : "replayed, age in seconds",
		              send_age_seconds(o.timestamp, now));
	if (!rate_allows(h, q))
		return refuse(h, q, "rate, a second", h->params->handover_keys.rate);
	f = send_check_signature(&q->message, &o, &owner);
	if (f != SEND_GOOD)
		return refuse(h, q, send_fault_text(f), (long long)o.signature.len);
	bool good = wrap_good(&o, owner);
	send_public_close(owner);
	send_peers_note(h->peers, q->message.src, o.timestamp, now);
	return good ? grant(h, q, &o, g) : refuse(h, q, "encryption key is not of the kind of the address's key", (long long)o.request.len);
}

/* ---- answers ---- */

size_t hk_router_room(const struct hk_router *h)
{
	size_t rsa = (send_key_bits(h->key) + 7) / 8;
	return (4 + h->cga.len + OPTION_ROOM) + 16 + (2 + SEND_NONCE_MAX) + (6 + SEND_RSA_MAX + OPTION_ROOM) +
	       (4 + SEND_KEY_HASH + rsa + OPTION_ROOM);
}

static uint16_t seconds_left(const struct hk_router *h, const struct entry *e)
{
	uint64_t s = (e->expires - loop_now(h->loop)) / USEC_SEC;
	return (uint16_t)(s < UINT16_MAX ? s : UINT16_MAX);
}

static int encrypted_key(const struct entry *e, const struct octets *wrap, uint8_t *out, size_t cap)
{
	struct send_public *p = send_public_open(wrap->p, wrap->len);
	size_t len;
	const uint8_t *key = secret_data(e->key, &len);
	int n = p ? send_public_encrypt(p, key, len, out, cap) : -EINVAL;
	send_public_close(p);
	return n;
}

/* The parameters of our address on the link of src. */
static bool cga_of(const struct hk_router *h, const struct in6_addr *src, struct cga_params *out)
{
	struct prefix link = prefix_of(src, 64);
	struct in6_addr own;
	*out = h->cga;
	return cga_generate(out, &link, 0, 0, &own) == 0 && addr_eq(&own, src);
}

static void put_secured(struct hk_router *h, struct wr *w, const struct cga_params *cga)
{
	send_put_cga(w, cga->octets, cga->len);
	send_put_timestamp(w, send_time(loop_realtime(h->loop, loop_now(h->loop))));
}

int hk_router_sign(struct hk_router *h, const struct in6_addr *src, const struct in6_addr *dst, uint8_t *msg, size_t len, size_t cap)
{
	struct cga_params cga;
	if (!cga_of(h, src, &cga))
		return -EINVAL;
	struct wr w = wr_make(msg, cap);
	w.len = len;
	put_secured(h, &w, &cga);
	const struct send_message m = { src, dst, msg, w.len };
	return wr_ok(&w) ? send_sign(h->key, &m, msg, cap) : -EMSGSIZE;
}

int hk_router_answer(struct hk_router *h, const struct hk_grant *g, const struct in6_addr *src, const struct in6_addr *dst,
                     uint8_t *msg, size_t len, size_t cap)
{
	uint8_t encrypted[SEND_RSA_MAX];
	struct cga_params cga;
	const struct entry *e = entry_find(h, &g->cga);
	int n = e && cga_of(h, src, &cga) ? encrypted_key(e, &g->wrap, encrypted, sizeof encrypted) : -EINVAL;
	if (n < 0)
		return n;
	struct wr w = wr_make(msg, cap);
	w.len = len;
	put_secured(h, &w, &cga);
	send_put_nonce(&w, g->nonce.p, g->nonce.len);
	hk_put_reply(&w, HK_AT_HMAC_SHA1, seconds_left(h, e), encrypted, (size_t)n);
	if (!wr_ok(&w))
		return -EMSGSIZE;
	const struct send_message m = { src, dst, msg, w.len };
	return send_sign(h->key, &m, msg, cap);
}

bool hk_router_address(const struct hk_router *h, const struct prefix *link, struct in6_addr *out)
{
	struct cga_params copy = h->cga;
	return cga_generate(&copy, link, 0, 0, out) == 0;
}

/* ---- life ---- */

void hk_router_each(const struct hk_router *h, void (*fn)(const struct hk_view *v, void *fn_arg), void *fn_arg)
{
	usec_t now = loop_now(h->loop);
	for (const struct entry *e = h->entries; e; e = e->hh.next) {
		const struct hk_view v = { .cga = e->cga, .lladdr = e->lladdr, .expires = e->expires };
		if (e->expires > now)
			fn(&v, fn_arg);
	}
}

/* The same address at every start with the same key: a mobile that knows it finds it again. */
static bool own_cga(struct hk_router *h)
{
	uint8_t modifier[CGA_MODIFIER];
	size_t len;
	const uint8_t *public = send_key_public(h->key, &len);
	return send_key_seed(h->key, "handoverd cga", modifier, sizeof modifier) == 0 &&
	       cga_params_make(&h->cga, modifier, public, len) == 0;
}

struct hk_router *hk_router_create(struct loop *l, const struct fmip6_params *params, struct send_key *key)
{
	struct hk_router *h = calloc(1, sizeof *h);
	if (!h) {
		send_key_free(key);
		return NULL;
	}
	h->loop = l;
	h->params = params;
	h->key = key;
	h->peers = send_peers_create((size_t)params->sessions);
	bucket_init(&h->log, 1, 10);
	for (int i = 0; i < HK_LINKS_MAX; i++)
		bucket_init(&h->rates[i], (double)params->handover_keys.rate, 2 * (double)params->handover_keys.rate);
	if (!h->peers || !own_cga(h)) {
		hk_router_destroy(h);
		return NULL;
	}
	return h;
}

void hk_router_destroy(struct hk_router *h)
{
	if (!h)
		return;
	while (h->entries)
		entry_drop(h, h->entries);
	send_peers_destroy(h->peers);
	send_key_free(h->key);
	free(h);
}
