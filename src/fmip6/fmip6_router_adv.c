/* What an access router tells mobiles of its neighbourhood: its answers to RtSolPr, what it tells unasked, and that one of them shall
 * move. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/secret.h"
#include "fmip6/fmip6_adv.h"
#include "fmip6/fmip6_clients.h"
#include "fmip6/fmip6_router.h"
#include "fmip6/fmip6_wire_4068.h"

#define ASKED_MAX 4096             /* mobiles whose last question is remembered */
#define ASKED_LOOK 64              /* how many of them are looked at for one that need not be */
#define INFORM_LIFE (300 * USEC_SEC) /* so long a mobile is told that the kernel has no neighbour entry for */
#define LINK_RATE 200              /* RtSolPr answered a second, on one interface, of strangers and of the others each */

/* ---- who asked ---- */

static void asked_drop(struct fmip6_router *r, struct asked *a)
{
	if (r->informing == a)
		r->informing = a->hh.next;
	HASH_DELETE(hh, r->asked, a);
	free(a);
}

static struct asked *asked_find(const struct fmip6_router *r, const struct lladdr *l)
{
	struct asked *a = NULL;
	struct lladdr key = { .len = l->len };
	memcpy(key.octet, l->octet, l->len);
	HASH_FIND(hh, r->asked, &key, sizeof key, a);
	return a;
}

/* The oldest that asked but once, if there is one among the oldest: who only fills the table does not drive out who comes again. */
static void asked_make_room(struct fmip6_router *r)
{
	unsigned looked = 0;
	struct asked *a = r->asked;
	while (a && a->again && ++looked < ASKED_LOOK)
		a = a->hh.next;
	asked_drop(r, a && !a->again ? a : r->asked);
}

static struct asked *asked_get(struct fmip6_router *r, const struct lladdr *l)
{
	struct lladdr key = { .len = l->len };
	struct asked *a = asked_find(r, l);
	memcpy(key.octet, l->octet, l->len);
	if (a)
		return a;
	if (HASH_COUNT(r->asked) >= ASKED_MAX)
		asked_make_room(r);
	a = calloc(1, sizeof *a);
	if (!a)
		return NULL;
	a->lladdr = key;
	bucket_init(&a->rate, (double)r->params->rtsolpr_rate, 2 * (double)r->params->rtsolpr_rate);
	HASH_ADD(hh, r->asked, lladdr, sizeof a->lladdr, a);
	return a;
}

static void asked_seen(struct asked *a, int ifindex, const struct in6_addr *addr, usec_t at)
{
	a->addr = *addr;
	a->ifindex = ifindex;
	a->seen = at;
}

/* ---- the map ---- */

/* The tuple of an AP as it is told on link `on`. */
static void tuple_of(const struct fmip6_router *r, const struct ap *ap, const struct link *on, struct tuple *t)
{
	*t = (struct tuple){ .code = LLA_NO_PREFIX, .ap = ap->id };
	if (!ap->neighbor) {
		if (ap->ifindex != on->ifindex && strcmp(ap->interface, "") != 0)
			return; /* another link of ours: no handover between routers leads there */
		t->code = LLA_SAME_INTERFACE;
		t->router = on->router;
		t->router_lladdr = on->lladdr;
		t->prefix = on->prefix;
	} else if (ap->neighbor->compat == COMPAT_NONE) {
		t->code = LLA_NO_FMIP;
	} else if (neighbor_usable(ap->neighbor)) {
		t->code = LLA_NEW_AP;
		t->router = ap->router;
		t->router_lladdr = ap->link_address;
		t->prefix = ap->prefix;
		t->dhcp = ap->dhcp && ap->neighbor->compat == COMPAT_RFC5568; /* the others serve no previous address */
	}
	t->has_prefix = t->prefix.plen > 0;
}

struct map_arg {
	struct fmip6_router *router;
	const struct link *on;
	struct tuple *out;
	size_t n, max;
	bool own;
};

static void map_find(void *arg, const struct lladdr *id, struct tuple *out)
{
	struct map_arg *m = arg;
	const struct ap *ap = ap_find(m->router->core->neighbors, id);
	if (ap)
		tuple_of(m->router, ap, m->on, out);
	else
		*out = (struct tuple){ .code = LLA_NO_PREFIX, .ap = *id };
}

static void map_add(struct ap *ap, void *arg)
{
	struct map_arg *m = arg;
	struct tuple t;
	tuple_of(m->router, ap, m->on, &t);
	if (m->n < m->max && t.code == (m->own ? LLA_SAME_INTERFACE : LLA_NEW_AP))
		m->out[m->n++] = t;
}

/* A link without a configured AP-ID is told under its router's link-layer address: as where AP and router are one
 * (RFC 4260 §3, figure 2). */
static size_t map_all(void *arg, struct tuple *out, size_t max)
{
	struct map_arg *m = arg;
	m->out = out;
	m->max = max;
	m->n = 0;
	m->own = true;
	aps_each(m->router->core->neighbors, map_add, m);
	if (m->n == 0 && max)
		out[m->n++] = (struct tuple){ .code = LLA_SAME_INTERFACE, .ap = m->on->lladdr, .router = m->on->router,
			.router_lladdr = m->on->lladdr, .has_prefix = true, .prefix = m->on->prefix };
	m->own = false;
	aps_each(m->router->core->neighbors, map_add, m);
	return m->n;
}

/* ---- RtSolPr ---- */

/* The neighbours' alone. */
static size_t map_neighbors(struct fmip6_router *r, const struct link *on, struct tuple *out, size_t max)
{
	struct map_arg m = { .router = r, .on = on, .out = out, .max = max };
	aps_each(r->core->neighbors, map_add, &m);
	return m.n;
}

/* to->len 0: the kernel finds the way to dst. older: in RFC 4068's words. g NULL: no handover key goes along. */
static void prrtadv_send(struct fmip6_router *r, const struct prrtadv *a, const struct link *on, const struct lladdr *to,
                         const struct in6_addr *dst, bool older, const struct hk_grant *g)
{
	uint8_t out[FMIP6_MESSAGE_MAX];
	struct in6_addr src;
	int n;
	if (!rtnl_link_local(r->core->net->rtnl, on->ifindex, &src))
		return;
	if (older)
		n = prrtadv_4068_pack(a, out, sizeof out);
	else if (g || (r->hk && a->id == 0)) /* what nobody asked for is signed, if it can be (RFC 5568 §8) */
		n = router_keys_answer(r, a, g, dst, &src, out, sizeof out);
	else
		n = prrtadv_pack(a, out, sizeof out);
	if (n < 0)
		return;
	FMIP6_COUNT(FMIP6_PRRTADV_SENT);
	int rc = to->len ? fmip6_send_frame(r->core, on->ifindex, to, &src, dst, out, (size_t)n)
	                 : icmp6_send(r->icmp, on->ifindex, &src, dst, FMIP6_HOP_LIMIT, false, out, (size_t)n);
	fmip6_sent(rc, "PrRtAdv", dst);
}

/* Whoever asks by name may be leaving. That it is who it says it is the neighbour table knows, or its packets are left alone. */
static void foresee(struct fmip6_router *r, const struct rtsolpr *q, const struct link *on, const struct in6_addr *mobile)
{
	struct lladdr known;
	if (router_link_has(r, on->ifindex, mobile) && rtnl_neigh_get(r->core->net->rtnl, on->ifindex, mobile, &known) == 0 &&
	    lladdr_eq(&known, &q->source))
		par_foresee(r->par, mobile, &known);
}

/* Asked in the words of RFC 4068? */
static bool is_older(const struct icmp6_message *m)
{
	return m->data[0] == ICMP6_EXPERIMENTAL_MOBILITY;
}

static int question_parse(const struct icmp6_message *m, uint8_t lla_len, struct rtsolpr *q)
{
	return is_older(m) ? rtsolpr_4068_parse(m->data, m->len, lla_len, q)
	                   : rtsolpr_parse(m->data, send_body_len(m->data, m->len), lla_len, q);
}

/* A question for a handover key that is not valid is answered like one without (RFC 5269 §3.2). */
static void prrtadv_answer(struct fmip6_router *r, const struct rtsolpr *q, const struct link *on, int place,
                           const struct icmp6_message *m)
{
	bool older = is_older(m);
	struct prrtadv a;
	struct hk_grant g;
	const struct hk_question k = { .message = { &m->src, &m->dst, m->data, m->len }, .link = place, .lladdr = q->source, .at = m->at,
		.on_link = router_link_has(r, on->ifindex, &m->src) && !fmip6_is_local(r->core, &m->src) };
	struct map_arg arg = { .router = r, .on = on };
	struct adv_map map = { map_find, map_all, &arg };
	adv_answer(q, &map, &on->lladdr, &a);
	bool granted = r->hk && !older && hk_router_question(r->hk, &k, &g) == HK_GRANTED;
	prrtadv_send(r, &a, on, &q->source, &m->src, older, granted ? &g : NULL);
	if (!q->wildcard && (a.code == PRRTADV_TUPLES || a.code == PRRTADV_DHCP))
		foresee(r, q, on, &m->src);
}

/* A mobile that was answered before has a rate of its own; a flood in the names of strangers takes only what is there for strangers,
 * and one that is not answered leaves no trace. */
static bool may_answer(struct fmip6_router *r, struct asked *a, int place, usec_t at)
{
	if (!a)
		return bucket_take(&r->rates[place], at);
	return bucket_take(&a->rate, at) && bucket_take(&r->known_rates[place], at);
}

void router_rtsolpr(struct fmip6_router *r, const struct icmp6_message *m)
{
	struct rtsolpr q;
	struct link on;
	int place = router_link_place(r, m->ifindex, &on);
	if (place < 0 || place >= LINKS_MAX || addr_is_zero(&m->src) || !fmip6_on_link(m->hop_limit, &r->log, "RtSolPr", &m->src, m->at))
		return;
	FMIP6_COUNT(FMIP6_RTSOLPR_RECEIVED);
	if (is_older(m))
		FMIP6_COUNT(FMIP6_RTSOLPR_OLDER);
	if (question_parse(m, on.lladdr.len, &q) < 0) {
		FMIP6_COUNT(FMIP6_MALFORMED);
		log_limited(&r->log, m->at, LOG_LEVEL_NOTICE, "fmip6", "RtSolPr ignored mobile=%s reason=malformed", ADDR(&m->src));
		return;
	}
	struct asked *a = q.source.len ? asked_find(r, &q.source) : NULL;
	if (!may_answer(r, a, place, m->at)) {
		FMIP6_COUNT(FMIP6_RTSOLPR_LIMITED);
		log_limited(&r->log, m->at, LOG_LEVEL_NOTICE, "fmip6", "RtSolPr ignored mobile=%s reason=rate per_second=%lld",
		            ADDR(&m->src), (long long)r->params->rtsolpr_rate);
		return;
	}
	if (a)
		a->again = true;
	else if (q.source.len && (a = asked_get(r, &q.source)))
		(void)bucket_take(&a->rate, m->at);
	prrtadv_answer(r, &q, &on, place, m);
	if (a) {
		asked_seen(a, m->ifindex, &m->src, m->at);
		a->older = is_older(m);
		a->speaks |= !a->older;
		a->question = m->at;
		a->answer = loop_now(r->core->loop);
	}
}

/* ---- the network asks a mobile to move (RFC 5568 §3.3) ---- */

struct ap_search {
	const struct in6_addr *router;
	const struct ap *found;
};

static void ap_of_router(struct ap *ap, void *arg)
{
	struct ap_search *s = arg;
	if (!s->found && ap->neighbor && (addr_eq(&ap->router, s->router) || addr_eq(&ap->neighbor->address, s->router)))
		s->found = ap;
}

static const struct ap *ap_wanted(const struct fmip6_router *r, const struct lladdr *id, const struct in6_addr *router)
{
	struct ap_search s = { .router = router };
	if (id->len)
		return ap_find(r->core->neighbors, id);
	aps_each(r->core->neighbors, ap_of_router, &s);
	return s.found;
}

/* Does the mobile that has this address on a link of ours move by itself? */
static bool speaks_itself(const struct fmip6_router *r, const struct in6_addr *mobile)
{
	struct link on;
	struct lladdr l;
	return router_link_of_addr(r, mobile, &on) && rtnl_neigh_get(r->core->net->rtnl, on.ifindex, mobile, &l) == 0 &&
	       router_asked(r, &l);
}

bool router_asked(const struct fmip6_router *r, const struct lladdr *l)
{
	const struct asked *a = asked_find(r, l);
	return a && a->speaks;
}

void router_speaks(struct fmip6_router *r, const struct lladdr *l)
{
	struct asked *a = l->len ? asked_get(r, l) : NULL;
	if (a)
		a->speaks = true;
}

void router_speaks_last(struct fmip6_router *r, const struct lladdr *l)
{
	struct asked *a = asked_find(r, l);
	router_speaks(r, l);
	if (a)
		a->addr = in6addr_any;
}

void router_speaks_at(struct fmip6_router *r, const struct lladdr *l, int ifindex, const struct in6_addr *addr)
{
	router_speaks(r, l);
	struct asked *a = asked_find(r, l);
	if (a)
		asked_seen(a, ifindex, addr, loop_now(r->core->loop));
}

/* NULL: the mobile was told. Else why not. */
static const char *trigger(struct fmip6_router *r, const struct in6_addr *mobile, const struct lladdr *id,
                           const struct in6_addr *router)
{
	struct link on;
	struct lladdr l;
	const struct ap *ap = ap_wanted(r, id, router);
	if (r->clients && !speaks_itself(r, mobile))
		return clients_request(r->clients, mobile, ap);
	if (!router_link_of_addr(r, mobile, &on) || rtnl_neigh_get(r->core->net->rtnl, on.ifindex, mobile, &l) < 0)
		return "this mobile is not on a link of this router";
	struct asked *a = asked_find(r, &l);
	if (!a)
		return "this mobile does not speak FMIPv6";
	if (!ap)
		return "no such access point is known";
	struct prrtadv m = { .code = PRRTADV_TRIGGER, .source = on.lladdr, .tuples_n = 1 };
	tuple_of(r, ap, &on, &m.tuples[0]);
	if (m.tuples[0].code == LLA_SAME_INTERFACE)
		return "this access point is on the link where the mobile is";
	if (m.tuples[0].code == LLA_NO_FMIP)
		return "the router behind this access point does not speak FMIPv6";
	if (m.tuples[0].code != LLA_NEW_AP)
		return "the router behind this access point is not usable: its protection is not up, or it is this one";
	if (a->older && m.tuples[0].dhcp)
		return "this mobile speaks RFC 4068, which has no word for addresses that come by DHCP";
	LOG_NOTICE("fmip6", "telling a mobile to move mobile=%s ap=%s peer=%s", ADDR(mobile), LLADDR(&ap->id), ap->neighbor->name);
	FMIP6_COUNT(FMIP6_TRIGGERS_SENT);
	prrtadv_send(r, &m, &on, &l, mobile, a->older, NULL);
	a->question = 0;
	a->answer = loop_now(r->core->loop);
	return NULL;
}

void router_request(struct bus_note *note, void *arg)
{
	struct fmip6_router *r = arg;
	const char *why = trigger(r, &note->u.request.mobile, &note->u.request.ap, &note->u.request.router);
	size_t at = strnlen(note->u.request.reason, sizeof note->u.request.reason - 1);
	if (why && !note->u.request.taken)
		snprintf(note->u.request.reason + at, sizeof note->u.request.reason - at, "%s%s", at ? "; " : "", why);
	else if (!why)
		note->u.request.taken = true;
}

/* ---- what it tells unasked (Code 4) ---- */

static uint64_t inform_digest(void *arg)
{
	struct fmip6_router *r = arg;
	struct link on;
	uint8_t out[FMIP6_MESSAGE_MAX + sizeof(uint64_t)];
	uint64_t digest = 0;
	for (size_t i = 0; i < r->core->settings->interfaces.n; i++) {
		struct prrtadv m = { .code = PRRTADV_UNSOLICITED };
		if (!router_link_at(r, i, &on))
			continue;
		m.source = on.lladdr;
		m.tuples_n = (uint8_t)map_neighbors(r, &on, m.tuples, FMIP6_TUPLES_MAX);
		int n = prrtadv_pack(&m, out, FMIP6_MESSAGE_MAX);
		memcpy(out + (n < 0 ? 0 : n), &digest, sizeof digest);
		digest = hash_keyed(out, (size_t)(n < 0 ? 0 : n) + sizeof digest);
	}
	return digest;
}

/* Is it on that link still, as far as we know? */
static bool is_there(struct fmip6_router *r, const struct asked *a)
{
	struct lladdr l;
	if (addr_is_zero(&a->addr))
		return false;
	if (rtnl_neigh_get(r->core->net->rtnl, a->ifindex, &a->addr, &l) == 0)
		return lladdr_eq(&l, &a->lladdr);
	return a->seen + INFORM_LIFE > loop_now(r->core->loop);
}

static bool inform_next(void *arg, bool first)
{
	struct fmip6_router *r = arg;
	struct asked *a = first ? r->asked : r->informing;
	struct prrtadv m = { .code = PRRTADV_UNSOLICITED };
	struct link on;
	if (!a)
		return false;
	r->informing = a->hh.next;
	if (!is_there(r, a) || !router_link_of_ifindex(r, a->ifindex, &on))
		return r->informing;
	m.source = on.lladdr;
	m.tuples_n = (uint8_t)map_neighbors(r, &on, m.tuples, FMIP6_TUPLES_MAX);
	if (m.tuples_n) {
		FMIP6_COUNT(FMIP6_INFORMS_SENT);
		prrtadv_send(r, &m, &on, &a->lladdr, &a->addr, a->older, NULL);
	}
	return r->informing;
}

static const struct inform_ops inform_ops = { .digest = inform_digest, .next = inform_next };

void router_adv_changed(struct fmip6_router *r)
{
	if (r->inform)
		inform_changed(r->inform);
}

static void protection_note(struct bus_note *note, void *arg)
{
	router_adv_changed(arg);
}

/* ---- life ---- */

bool router_adv_init(struct fmip6_router *r)
{
	for (int i = 0; i < LINKS_MAX; i++) {
		bucket_init(&r->rates[i], LINK_RATE, LINK_RATE);
		bucket_init(&r->known_rates[i], LINK_RATE, LINK_RATE);
	}
	r->inform = inform_create(r->core->loop, r->params, &inform_ops, r);
	r->protection = bus_subscribe(r->core->bus, BUS_NEIGHBOR_PROTECTION, protection_note, r);
	return r->inform && r->protection;
}

void router_adv_reload(struct fmip6_router *r)
{
	for (struct asked *a = r->asked; a; a = a->hh.next)
		bucket_init(&a->rate, (double)r->params->rtsolpr_rate, 2 * (double)r->params->rtsolpr_rate);
	inform_reload(r->inform);
}

void router_adv_end(struct fmip6_router *r)
{
	bus_unsubscribe(r->protection);
	inform_destroy(r->inform);
	r->inform = NULL;
	while (r->asked)
		asked_drop(r, r->asked);
}
