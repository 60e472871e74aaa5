#include "fmip6/fmip6_anchor_private.h"

#include <stdlib.h>
#include <string.h>

/* ---- moving ---- */

/* All addresses of that client that are away. */
static size_t away_addresses(const struct fmip6_anchor *a, const struct lladdr *l, struct in6_addr out[ANCHOR_ADDRS])
{
	const struct client *c = client_find(a, l);
	size_t n = 0;
	for (const struct away *e = c ? c->first : NULL; e && n < ANCHOR_ADDRS; e = e->next)
		out[n++] = e->pcoa;
	return n;
}

/* And those known on our links. */
static size_t all_addresses(const struct fmip6_anchor *a, const struct lladdr *l, struct in6_addr out[ANCHOR_ADDRS])
{
	struct in6_addr known[ANCHOR_ADDRS];
	size_t n = away_addresses(a, l, out), known_n = a->ops->addresses(a->arg, l, known, ANCHOR_ADDRS);
	for (size_t i = 0; i < known_n && n < ANCHOR_ADDRS; i++)
		if (!away_find(a, &known[i]))
			out[n++] = known[i];
	return n;
}

static bool known_lladdr(const struct fmip6_anchor *a, const struct in6_addr *pcoa, struct lladdr *out)
{
	const struct away *e = away_find(a, pcoa);
	if (e)
		*out = e->lladdr;
	return e || a->ops->lladdr(a->arg, pcoa, out);
}

/* present: it has been seen there. NULL, or why nothing was done. */
static const char *move_one(struct fmip6_anchor *a, const struct in6_addr *pcoa, const struct lladdr *l, const struct in6_addr *to,
                            bool present, usec_t at)
{
	struct away *e = away_find(a, pcoa);
	const char *refused = a->ops->refuse(a->arg, pcoa, l);
	if (refused)
		return refused;
	if (e && e->asking && addr_eq(&e->to, to)) { /* its HI is under way */
		e->present |= present;
		return NULL;
	}
	if (e && away_in_force(e) && addr_eq(&e->router, to) && !present)
		return e->arrived ? "the client is there already" : NULL;
	if (!e && !(e = away_make(a, pcoa, l)))
		return "limit of sessions reached";
	away_ask(e, to, present, at, 0);
	return NULL;
}

static const char *move_all(struct fmip6_anchor *a, const struct lladdr *l, const struct in6_addr *to, bool present, usec_t at)
{
	struct in6_addr all[ANCHOR_ADDRS];
	const char *first = "this client is not known here";
	size_t n = all_addresses(a, l, all), done = 0;
	for (size_t i = 0; i < n; i++) {
		const char *why = move_one(a, &all[i], l, to, present, at);
		if (!why)
			done++;
		else if (i == 0)
			first = why;
	}
	return done ? NULL : first;
}

const char *anchor_move(struct fmip6_anchor *a, const struct in6_addr *pcoa, const struct in6_addr *router)
{
	struct lladdr l;
	if (!a->ops->own_address(a->arg, pcoa) || !known_lladdr(a, pcoa, &l))
		return "this client is not known here";
	return move_all(a, &l, router, false, loop_now(a->loop));
}

const char *anchor_await(struct fmip6_anchor *a, const struct in6_addr *pcoa)
{
	struct in6_addr all[ANCHOR_ADDRS];
	const struct away *of = away_find(a, pcoa);
	const char *first = NULL;
	if (!of)
		return "this client is on this router's link";
	size_t n = away_addresses(a, &of->lladdr, all), done = 0;
	for (size_t i = 0; i < n; i++) {
		const char *why = away_await(away_find(a, &all[i]));
		done += !why;
		first = first ? first : why;
	}
	a->ops->changed(a->arg);
	return done ? NULL : first;
}

/* ---- what is heard of clients ---- */

static void mismatch(struct fmip6_anchor *a, const struct in6_addr *pcoa, const struct lladdr *seen, const struct lladdr *known,
                     const char *where, usec_t at)
{
	FMIP6_COUNT(FMIP6_CLIENTS_MISMATCH);
	log_limited(&a->log, at, LOG_LEVEL_NOTICE, "fmip6", "client not believed mobile=%s lladdr=%s expected=%s peer=%s", ADDR(pcoa),
	            LLADDR(seen), known->len ? LLADDR(known) : "-", where);
}

/* The router where the client is asks to move it on: only that one may. */
static void asked_to_move(struct fmip6_anchor *a, const struct hack *m, const struct in6_addr *peer, usec_t at)
{
	const struct away *e = away_find(a, &m->pcoa);
	struct in6_addr to;
	if (!e || !e->arrived || !addr_eq(&e->router, peer) || !lladdr_eq(&e->lladdr, &m->lladdr)) {
		FMIP6_COUNT(FMIP6_HACK_IGNORED);
		return;
	}
	const char *why = a->ops->is_self(a->arg, &m->nar)   ? anchor_await(a, &m->pcoa) :
	                  a->ops->peer(a->arg, &m->nar, &to)   ? move_all(a, &m->lladdr, &to, false, at) :
	                                                         "no such neighbour";
	if (why)
		LOG_INFO("fmip6", "client not moved on mobile=%s peer=%s to=%s reason=\"%s\"", ADDR(&m->pcoa), ADDR(peer), ADDR(&m->nar),
		         why);
}

/* Is that client, by another address, where this neighbour is? */
static bool is_there(const struct fmip6_anchor *a, const struct lladdr *l, const struct in6_addr *peer)
{
	const struct client *c = client_find(a, l);
	for (const struct away *e = c ? c->first : NULL; e; e = e->next)
		if (e->arrived && addr_eq(&e->router, peer))
			return true;
	return false;
}

static const char *adopt(struct fmip6_anchor *a, const struct hack *m, const struct in6_addr *peer, usec_t at)
{
	const char *refused = a->ops->refuse(a->arg, &m->pcoa, &m->lladdr);
	struct away *e = refused ? NULL : away_make(a, &m->pcoa, &m->lladdr);
	if (!e)
		return refused ? refused : "limit of sessions reached";
	e->adopted = true;
	FMIP6_COUNT(FMIP6_CLIENTS_ADOPTED);
	LOG_INFO("fmip6", "client has another address mobile=%s lladdr=%s peer=%s granted=%s", ADDR(&m->pcoa), LLADDR(&m->lladdr),
	         ADDR(peer), m->flags & HACK_PROXY ? "yes" : "no");
	a->ops->probe(a->arg, &m->pcoa);
	away_ask(e, peer, true, at, 0);
	return NULL;
}

/* What the router says of that address of the client's: is it believed? */
static bool believed(struct fmip6_anchor *a, const struct hack *m, const struct in6_addr *peer, usec_t at)
{
	struct lladdr known = { .len = 0 };
	bool own = a->ops->own_address(a->arg, &m->pcoa), knows = own && known_lladdr(a, &m->pcoa, &known);
	if (own && (knows ? lladdr_eq(&known, &m->lladdr) : (m->flags & HACK_PROXY) || is_there(a, &m->lladdr, peer)))
		return true;
	mismatch(a, &m->pcoa, &m->lladdr, &known, ADDR(peer), at);
	return false;
}

static void unsolicited(struct fmip6_anchor *a, const struct hack *m, const struct in6_addr *peer, const struct mh_in *in)
{
	struct lladdr known;
	const char *why = NULL;
	if (m->lladdr.len == 0) {
		FMIP6_COUNT(FMIP6_MALFORMED);
		return;
	}
	if (!addr_is_zero(&m->nar)) {
		asked_to_move(a, m, peer, in->at);
		return;
	}
	if (!addr_is_zero(&m->pcoa) && !believed(a, m, peer, in->at))
		return;
	if (!addr_is_zero(&m->pcoa) && !known_lladdr(a, &m->pcoa, &known))
		why = adopt(a, m, peer, in->at);
	if (!why)
		why = move_all(a, &m->lladdr, peer, true, in->at);
	if (why)
		log_limited(&a->log, in->at, LOG_LEVEL_DEBUG, "fmip6", "client not moved lladdr=%s peer=%s reason=\"%s\"",
		            LLADDR(&m->lladdr), ADDR(peer), why);
}

static const char *hack_refusal(uint8_t code)
{
	switch ((enum hack_code)code) {
	case HACK_USE_PCOA:
		return NULL;
	case HACK_PROHIBITED:
		return "the other router takes no clients";
	case HACK_NO_RESOURCES:
		return "the other router has no room";
	case HACK_ACCEPTED: /* a new address is of no use to one that does not know of it */
	case HACK_NCOA_INVALID:
	case HACK_ASSIGNED:
	case HACK_UNSOLICITED:
	case HACK_UNSPECIFIED:
		break;
	}
	return "the other router refused";
}

void anchor_hack(struct fmip6_anchor *a, const struct hack *m, const struct mh_in *in)
{
	struct in6_addr peer;
	FMIP6_COUNT(FMIP6_HACK_RECEIVED);
	if (!a->ops->peer(a->arg, &in->src, &peer)) {
		FMIP6_COUNT(FMIP6_HACK_IGNORED);
		log_limited(&a->log, in->at, LOG_LEVEL_NOTICE, "fmip6", "HAck ignored peer=%s reason=\"no usable neighbour\"",
		            ADDR(&in->src));
		return;
	}
	if (m->code == HACK_UNSOLICITED) {
		unsolicited(a, m, &peer, in);
		return;
	}
	struct away *e = away_of_seq(a, m->seq);
	if (e && addr_eq(&e->to, &peer)) {
		const char *refused = hack_refusal(m->code);
		if (refused)
			away_refused(e, refused);
		else
			away_granted(e, in);
	} else if (!farewell_answered(a, m->seq, &peer)) {
		FMIP6_COUNT(FMIP6_HACK_IGNORED);
	}
}

/* Does what was seen at that moment show that it came back? Before its router said that it is there, it may not have left. */
static bool shows_return(const struct away *e, usec_t at)
{
	if (e->awaited)
		return true;
	if (away_in_force(e))
		return e->arrived && at > e->since;
	return e->asking && e->present && at > e->since;
}

void anchor_seen(struct fmip6_anchor *a, const struct in6_addr *addr, const struct lladdr *l, int ifindex, usec_t at)
{
	struct in6_addr all[ANCHOR_ADDRS];
	struct away *e = addr_is_zero(addr) ? NULL : away_find(a, addr);
	if (e && !lladdr_eq(&e->lladdr, l)) {
		mismatch(a, addr, l, &e->lladdr, "-", at);
		if (e->adopted)
			away_end(e, true, "another station of its link has the address");
		return;
	}
	size_t n = away_addresses(a, l, all);
	for (size_t i = 0; i < n; i++)
		if ((e = away_find(a, &all[i])) && shows_return(e, at))
			away_home(e, l, ifindex, at);
}

void anchor_neighbor_up(struct fmip6_anchor *a, const struct in6_addr *peer)
{
	usec_t wait = 0;
	for (struct away *e = a->all; e; e = e->hh.next)
		if (e->arrived && !e->asking && !e->awaited && addr_eq(&e->router, peer))
			away_ask(e, peer, true, loop_now(a->loop), wait += ANCHOR_PACE);
}

void anchor_forget(struct fmip6_anchor *a, const struct in6_addr *pcoa)
{
	struct away *e = away_find(a, pcoa);
	if (e)
		away_end(e, false, "the mobile moves by itself");
}

/* ---- the rest ---- */

bool anchor_find(const struct fmip6_anchor *a, const struct in6_addr *pcoa, struct anchor_view *out)
{
	const struct away *e = away_find(a, pcoa);
	if (e)
		*out = away_view(e);
	return e;
}

void anchor_each(struct fmip6_anchor *a, void (*fn)(const struct anchor_view *v, void *fn_arg), void *fn_arg)
{
	struct away *e, *next;
	HASH_ITER(hh, a->all, e, next) {
		struct anchor_view v = away_view(e);
		fn(&v, fn_arg);
	}
}

struct fmip6_anchor *anchor_create(struct loop *l, const struct fmip6_params *params, const struct anchor_ops *ops, void *arg)
{
	struct fmip6_anchor *a = calloc(1, sizeof *a);
	if (!a)
		return NULL;
	a->loop = l;
	a->params = params;
	a->ops = ops;
	a->arg = arg;
	a->seq = fmip6_random16() | 1;
	bucket_init(&a->log, 1, 10);
	return a;
}

void anchor_destroy(struct fmip6_anchor *a)
{
	if (!a)
		return;
	while (a->all)
		away_drop(a->all);
	farewells_clear(a);
	free(a);
}
