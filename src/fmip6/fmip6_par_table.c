/* The PAR's tables: bindings by previous address and by HI under way, FBUs that were accepted, and their sequence numbers. */
#include "fmip6/fmip6_par_private.h"

#include <stdlib.h>
#include <string.h>

#define SEEN_LIFE (600 * USEC_SEC) /* how long an accepted FBU's authenticator is known as used */
#define SEEN_MAX 4096

#define NUMBERS_MAX 16384 /* mobiles whose last sequence number is known after their bindings are over */

/*
 * RFC 6275 §9.5.1 lets any sequence number begin a new binding, because there the key of an old message is no longer good. A configured
 * key is good for ever, and so would be an FBU that somebody has kept.
 */
struct number {
	UT_hash_handle hh;
	struct in6_addr pcoa;
	uint16_t seq;
};

/* An FBU that was accepted, known by its authenticator. */
struct seen {
	UT_hash_handle hh;
	uint8_t auth[BADF_AUTH_LEN];
	usec_t until;
};

/* ---- bindings ---- */

struct binding *par_binding_find(const struct fmip6_par *p, const struct in6_addr *pcoa)
{
	struct binding *b = NULL;
	HASH_FIND(hh, p->bindings, pcoa, sizeof *pcoa, b);
	return b;
}

void par_pending_end(struct binding *b)
{
	if (!b->pending && b->talk == TALK_NONE)
		return;
	b->pending = false;
	b->talk = TALK_NONE;
	timer_stop(&b->retry);
	marker_stop(&b->marker);
	HASH_DELETE(hh_hi, b->par->by_hi, b);
}

void par_copying_end(struct binding *b)
{
	if (!timer_armed(&b->copying))
		return;
	timer_stop(&b->copying);
	b->par->ops->copy(b->par->arg, &b->pcoa, NULL, false);
}

void par_binding_free(struct binding *b)
{
	par_pending_end(b);
	timer_stop(&b->copying);
	timer_stop(&b->renew);
	timer_stop(&b->life);
	HASH_DELETE(hh, b->par->bindings, b);
	fmip6_counters[FMIP6_BINDINGS].value--;
	free(b);
}

/* Oldest of those that are over, to make room. */
static bool binding_evict(struct fmip6_par *p)
{
	for (struct binding *b = p->bindings; b; b = b->hh.next)
		if (b->over) {
			p->ops->tunnel_end(p->arg, &b->pcoa);
			par_copying_end(b);
			par_binding_free(b);
			return true;
		}
	return false;
}

struct binding *par_binding_make(struct fmip6_par *p, const struct in6_addr *pcoa)
{
	if (HASH_CNT(hh, p->bindings) >= (unsigned)p->params->sessions && !binding_evict(p))
		return NULL;
	struct binding *b = calloc(1, sizeof *b);
	if (!b)
		return NULL;
	b->par = p;
	b->pcoa = *pcoa;
	timer_init(&b->life, p->loop, par_life_ended, b);
	timer_init(&b->retry, p->loop, par_hi_timeout, b);
	timer_init(&b->renew, p->loop, par_renew_due, b);
	timer_init(&b->copying, p->loop, par_copying_ended, b);
	marker_init(&b->marker, p->loop, par_binding_marker_send, par_binding_marker_ended, b);
	HASH_ADD(hh, p->bindings, pcoa, sizeof b->pcoa, b);
	fmip6_counters[FMIP6_BINDINGS].value++;
	return b;
}

/* ---- FBUs seen ---- */

bool par_seen_before(const struct fmip6_par *p, const uint8_t auth[BADF_AUTH_LEN])
{
	struct seen *s = NULL;
	HASH_FIND(hh, p->seen, auth, BADF_AUTH_LEN, s);
	return s && s->until > loop_now(p->loop);
}

static void seen_drop(struct fmip6_par *p, struct seen *s)
{
	HASH_DELETE(hh, p->seen, s);
	free(s);
}

void par_seen_add(struct fmip6_par *p, const uint8_t auth[BADF_AUTH_LEN])
{
	usec_t now = loop_now(p->loop);
	struct seen *s = NULL;
	while (p->seen && (p->seen->until <= now || HASH_COUNT(p->seen) >= SEEN_MAX))
		seen_drop(p, p->seen);
	HASH_FIND(hh, p->seen, auth, BADF_AUTH_LEN, s);
	if (s || !(s = calloc(1, sizeof *s)))
		return;
	memcpy(s->auth, auth, BADF_AUTH_LEN);
	s->until = now + SEEN_LIFE;
	HASH_ADD(hh, p->seen, auth, BADF_AUTH_LEN, s);
}

void par_seen_clear(struct fmip6_par *p)
{
	while (p->seen)
		seen_drop(p, p->seen);
}

/* ---- sequence numbers ---- */

static struct number *number_find(const struct fmip6_par *p, const struct in6_addr *pcoa)
{
	struct number *n = NULL;
	HASH_FIND(hh, p->numbers, pcoa, sizeof *pcoa, n);
	return n;
}

static void number_drop(struct fmip6_par *p, struct number *n)
{
	HASH_DELETE(hh, p->numbers, n);
	free(n);
}

bool par_number_last(const struct fmip6_par *p, const struct in6_addr *pcoa, uint16_t *last)
{
	const struct number *n = number_find(p, pcoa);
	if (n)
		*last = n->seq;
	return n;
}

void par_number_set(struct fmip6_par *p, const struct in6_addr *pcoa, uint16_t seq)
{
	struct number *n = number_find(p, pcoa);
	if (n)
		number_drop(p, n);
	while (HASH_COUNT(p->numbers) >= NUMBERS_MAX)
		number_drop(p, p->numbers);
	if (!(n = calloc(1, sizeof *n)))
		return;
	n->pcoa = *pcoa;
	n->seq = seq;
	HASH_ADD(hh, p->numbers, pcoa, sizeof n->pcoa, n);
}

void par_numbers_clear(struct fmip6_par *p)
{
	while (p->numbers)
		number_drop(p, p->numbers);
}
