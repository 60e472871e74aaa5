/* Whom we asked about which client: one asking for each, repeated until it is answered, not begun again for a while if it is not. */
#include "fmip6/fmip6_visit_private.h"

#include <stdlib.h>
#include <string.h>

#define ANSWERED_LIFE (5 * USEC_SEC) /* where a client was seen holds for the HIs about its other addresses */
#define ANOTHER USEC_SEC             /* and a client is asked for again by a further address no sooner */
#define IN_VAIN (10 * USEC_SEC)      /* nobody knew it: no more about it for so long */

struct ask_key {
	struct lladdr lladdr;
	struct in6_addr peer;
};

struct asking {
	UT_hash_handle hh;
	struct ask_key key;
	struct fmip6_visit *visits;
	struct in6_addr pcoa, nar;
	int ifindex;
	int64_t tries;
	bool open;
	usec_t answered; /* 0: it was not */
	bool granted; /* its anchor has let us have it */
	struct timer timer;
};

struct ask_rate {
	UT_hash_handle hh;
	int ifindex;
	struct bucket bucket;
};

static struct ask_key key_of(const struct in6_addr *peer, const struct lladdr *l)
{
	struct ask_key k;
	memset(&k, 0, sizeof k);
	k.peer = *peer;
	k.lladdr = lladdr_key(l);
	return k;
}

static struct asking *find(const struct fmip6_visit *n, const struct in6_addr *peer, const struct lladdr *l)
{
	struct ask_key k = key_of(peer, l);
	struct asking *a = NULL;
	HASH_FIND(hh, n->asked, &k, sizeof k, a);
	return a;
}

static void drop(struct asking *a)
{
	timer_stop(&a->timer);
	HASH_DELETE(hh, a->visits->asked, a);
	free(a);
}

static bool rate_allows(struct fmip6_visit *n, int ifindex, usec_t at)
{
	double rate = (double)n->params->client_rate;
	struct ask_rate *r;
	HASH_FIND_INT(n->rates, &ifindex, r);
	if (!r) {
		if (HASH_COUNT(n->rates) >= VISIT_LINKS || !(r = calloc(1, sizeof *r)))
			return false;
		r->ifindex = ifindex;
		bucket_init(&r->bucket, rate, 2 * rate);
		HASH_ADD_INT(n->rates, ifindex, r);
	}
	return bucket_take(&r->bucket, at);
}

static void send_to(struct fmip6_visit *n, struct hack m, const struct in6_addr *peer)
{
	uint8_t out[128];
	struct in6_addr usable;
	m.seq = ++n->seq;
	m.code = HACK_UNSOLICITED;
	int len = hack_pack(&m, out, sizeof out);
	if (len < 0 || !n->ops->peer(n->arg, peer, &usable)) /* its protection may have gone since */
		return;
	FMIP6_COUNT(FMIP6_HACK_SENT);
	n->ops->send_hack(n->arg, NULL, peer, out, (size_t)len);
}

void visit_tell(struct fmip6_visit *n, const struct visit_view *v)
{
	send_to(n, (struct hack){ .flags = HACK_PROXY, .lladdr = v->lladdr, .pcoa = v->pcoa }, &v->peer);
}

static void ask(struct asking *a)
{
	struct fmip6_visit *n = a->visits;
	struct in6_addr peers[VISIT_PEERS];
	const struct hack m = { .flags = a->granted ? HACK_PROXY : 0, .lladdr = a->key.lladdr, .pcoa = a->pcoa, .nar = a->nar };
	timer_after(&a->timer, n->params->hi_timeout << a->tries);
	a->tries++;
	if (!addr_is_zero(&a->key.peer)) {
		send_to(n, m, &a->key.peer);
		return;
	}
	size_t all = n->ops->peers(n->arg, peers, VISIT_PEERS);
	for (size_t i = 0; i < all; i++)
		send_to(n, m, &peers[i]);
}

static void timeout(struct timer *t, void *arg)
{
	struct asking *a = arg;
	if (!a->open) {
		drop(a);
		return;
	}
	/* Most of all do not know it and say nothing: by and by the question would be about somebody who has gone on. */
	if (a->tries <= (addr_is_zero(&a->key.peer) ? 1 : a->visits->params->hi_retries)) {
		ask(a);
		return;
	}
	a->open = false;
	timer_after(&a->timer, IN_VAIN);
	if (!addr_is_zero(&a->key.peer) && addr_is_zero(&a->nar)) {
		FMIP6_COUNT(FMIP6_CLIENTS_UNANSWERED);
		log_limited(&a->visits->log, loop_now(a->visits->loop), LOG_LEVEL_INFO, "fmip6",
		            "no answer about a client mobile=%s lladdr=%s peer=%s", ADDR(&a->pcoa), LLADDR(&a->key.lladdr),
		            ADDR(&a->key.peer));
	}
}

static struct asking *make(struct fmip6_visit *n, const struct in6_addr *peer, const struct lladdr *l)
{
	if (HASH_COUNT(n->asked) >= (unsigned)n->params->sessions)
		drop(n->asked);
	struct asking *a = calloc(1, sizeof *a);
	if (!a)
		return NULL;
	a->visits = n;
	a->key = key_of(peer, l);
	timer_init(&a->timer, n->loop, timeout, a);
	HASH_ADD(hh, n->asked, key, sizeof a->key, a);
	return a;
}

void visit_ask(struct fmip6_visit *n, const struct in6_addr *peer, const struct in6_addr *pcoa, const struct lladdr *l,
               const struct in6_addr *nar, int ifindex, bool forced, usec_t at)
{
	struct asking *a = find(n, peer, l);
	bool another = a && a->answered && a->answered + ANOTHER <= at && !addr_is_zero(pcoa) && !addr_eq(&a->pcoa, pcoa);
	if (a && !forced && !another) {
		a->ifindex = ifindex;
		return;
	}
	if (a && a->open && addr_eq(&a->nar, nar))
		return;
	if (!forced && !rate_allows(n, ifindex, at)) {
		FMIP6_COUNT(FMIP6_CLIENTS_LIMITED);
		log_limited(&n->log, at, LOG_LEVEL_NOTICE, "fmip6", "client not asked for mobile=%s lladdr=%s reason=rate per_second=%lld",
		            ADDR(pcoa), LLADDR(l), (long long)n->params->client_rate);
		return;
	}
	if (!a && !(a = make(n, peer, l)))
		return;
	a->pcoa = *pcoa;
	a->nar = *nar;
	a->granted = forced;
	a->ifindex = ifindex;
	a->tries = 0;
	a->answered = 0;
	a->open = true;
	FMIP6_COUNT(FMIP6_CLIENTS_ASKED);
	ask(a);
}

static int answered(struct asking *a, bool *open)
{
	if (!a)
		return 0;
	if (a->open)
		a->answered = loop_now(a->visits->loop);
	*open |= a->open && addr_is_zero(&a->nar);
	a->open = false;
	timer_after(&a->timer, ANSWERED_LIFE);
	return a->ifindex;
}

int visit_answered(struct fmip6_visit *n, const struct in6_addr *peer, const struct lladdr *l, bool *open)
{
	*open = false;
	int any = answered(find(n, &in6addr_any, l), open);
	int one = answered(find(n, peer, l), open);
	return one ? one : any;
}

void visit_ask_forget(struct fmip6_visit *n, const struct in6_addr *peer, const struct lladdr *l)
{
	struct asking *one = find(n, peer, l), *any = find(n, &in6addr_any, l);
	if (one)
		drop(one);
	if (any)
		drop(any);
}

void visit_ask_clear(struct fmip6_visit *n)
{
	struct ask_rate *r, *next;
	while (n->asked)
		drop(n->asked);
	HASH_ITER(hh, n->rates, r, next) {
		HASH_DELETE(hh, n->rates, r);
		free(r);
	}
}
