#include "dhcp4/dhcp4_relay.h"

#include <stdlib.h>
#include <string.h>

#include "core/secret.h"

#define HASH_FUNCTION(key, len, hashv) ((hashv) = (unsigned)hash_keyed((key), (len)))
#include <uthash.h>

#define LOG "dhcp4"
#define LINGER (10 * USEC_SEC) /* how long a client is known that has no lease */

struct counter dhcp4_counters[DHCP4_COUNTERS] = {
	[DHCP4_RELAYED] = { .name = "relayed", .help = "Messages of clients sent to the server of the link that they came from" },
	[DHCP4_ANSWERED] = { .name = "answered", .help = "Answers of such servers sent to their clients" },
	[DHCP4_GIVEN_UP] = { .name = "given_up", .help = "Times that a server's silence left a client to the server of its new link" },
	[DHCP4_LIMITED] = { .name = "limited", .help = "Messages of clients dropped because of a rate limit" },
	[DHCP4_FULL] = { .name = "full", .help = "Messages of clients left alone because there were too many of them" },
	[DHCP4_MALFORMED] = { .name = "malformed", .help = "Datagrams of DHCP that could not be read" },
	[DHCP4_REQUESTS_REFUSED] = { .name = "requests_refused",
		.help = "Messages that claim another link-layer address, or to have been relayed before" },
	[DHCP4_REPLIES_REFUSED] = { .name = "replies_refused", .help = "Answers to nothing that was asked, or with a foreign address" },
	[DHCP4_CLIENTS] = { .name = "clients", .help = "Clients known", .gauge = 1 },
	[DHCP4_GUARDED] = { .name = "guarded", .help = "Clients whom the server of this link does not answer", .gauge = 1 },
};

struct client {
	struct dhcp4_relay *relay;
	struct lladdr lladdr; /* octets beyond len are zero */
	UT_hash_handle hh;
	struct in6_addr visits[DHCP4_VISITS];
	unsigned visits_n;
	struct bucket bucket;
	/* The question that is open, or the last one. */
	bool asked;
	uint32_t xid;
	int ifindex; /* 0: it is elsewhere */
	struct dhcp4_agent agent;
	struct dhcp4_home home;
	usec_t asked_at;   /* first of those without an answer */
	bool given_up;
	struct in6_addr leased;
	usec_t leased_until;
	bool guarded;
	usec_t idle_since;
	struct timer timer;
};

struct dhcp4_relay {
	struct loop *loop;
	const struct dhcp4_params *params;
	const struct dhcp4_relay_ops *ops;
	void *arg;
	uint8_t secret[16];
	struct client *clients;
	struct bucket bucket, request_log, reply_log, full_log, silence_log;
};

#define COUNT(which) (dhcp4_counters[which].value++)

/* -- clients --------------------------------------------------------------------------------------------------------- */

static bool may_stay(const struct client *c)
{
	int relay = c->relay->params->relay;
	return (relay != DHCP4_NONE && c->visits_n) || (relay == DHCP4_ALL && (c->asked || c->leased_until));
}

static void guard_update(struct client *c)
{
	bool on = may_stay(c) && !c->given_up;
	if (on == c->guarded)
		return;
	c->guarded = on;
	dhcp4_counters[DHCP4_GUARDED].value += on ? 1 : (uint64_t)-1;
	c->relay->ops->guard(c->relay->arg, &c->lladdr, on);
}

static struct client *client_find(const struct dhcp4_relay *r, const struct lladdr *l)
{
	struct client *c;
	struct lladdr key = { .len = l->len };
	memcpy(key.octet, l->octet, l->len <= LLADDR_MAX ? l->len : 0);
	HASH_FIND(hh, r->clients, &key, sizeof key, c);
	return c;
}

static void client_free(struct client *c)
{
	struct dhcp4_relay *r = c->relay;
	timer_stop(&c->timer);
	c->visits_n = 0;
	c->asked = false;
	c->leased_until = 0;
	guard_update(c);
	HASH_DEL(r->clients, c);
	free(c);
	dhcp4_counters[DHCP4_CLIENTS].value = HASH_COUNT(r->clients);
}

static void client_arm(struct client *c)
{
	usec_t due = c->visits_n ? UINT64_MAX : c->idle_since + LINGER;
	if (c->leased_until)
		due = c->leased_until;
	if (c->asked && !c->given_up && c->asked_at + c->relay->params->timeout < due)
		due = c->asked_at + c->relay->params->timeout;
	if (due == UINT64_MAX)
		timer_stop(&c->timer);
	else
		timer_at(&c->timer, due);
}

static void give_up(struct client *c, usec_t now)
{
	c->given_up = true;
	COUNT(DHCP4_GIVEN_UP);
	log_limited(&c->relay->silence_log, now, LOG_LEVEL_WARNING, LOG,
	            "server is silent, its client is left to the server of this link client=%s peer=%s reason=timeout limit_ms=%llu "
	            "actual_ms=%llu", LLADDR(&c->lladdr), ADDR(&c->home.server),
	            (unsigned long long)(c->relay->params->timeout / USEC_MSEC), (unsigned long long)((now - c->asked_at) / USEC_MSEC));
}

static void on_timer(struct timer *t, void *arg)
{
	struct client *c = arg;
	usec_t now = loop_now(c->relay->loop);
	if (c->leased_until && now >= c->leased_until) {
		c->leased_until = 0;
		c->leased = in6addr_any;
		c->idle_since = now;
	}
	if (c->asked && !c->given_up && now >= c->asked_at + c->relay->params->timeout)
		give_up(c, now);
	if (!c->visits_n && !c->leased_until && now >= c->idle_since + LINGER) {
		client_free(c);
		return;
	}
	guard_update(c);
	client_arm(c);
}

/* Room for a visitor, at the cost of somebody that nobody vouches for. */
static void make_room(struct dhcp4_relay *r)
{
	for (struct client *c = r->clients; c && HASH_COUNT(r->clients) >= (size_t)r->params->clients; c = c->hh.next) {
		if (c->visits_n || c->leased_until)
			continue;
		client_free(c);
		return;
	}
}

static struct client *client_get(struct dhcp4_relay *r, const struct lladdr *l, bool visitor)
{
	struct client *c = client_find(r, l);
	if (c || l->len > LLADDR_MAX)
		return c;
	usec_t now = loop_now(r->loop);
	if (visitor)
		make_room(r);
	if (HASH_COUNT(r->clients) >= (size_t)r->params->clients || !(c = calloc(1, sizeof *c))) {
		COUNT(DHCP4_FULL);
		log_limited(&r->full_log, now, LOG_LEVEL_WARNING, LOG, "client is left to the server of this link client=%s reason=limit "
		            "limit=%lld actual=%u", LLADDR(l), (long long)r->params->clients, HASH_COUNT(r->clients));
		return NULL;
	}
	c->relay = r;
	c->lladdr.len = l->len;
	memcpy(c->lladdr.octet, l->octet, l->len);
	c->idle_since = now;
	bucket_init(&c->bucket, (double)r->params->client_rate, 2.0 * (double)r->params->client_rate);
	timer_init(&c->timer, r->loop, on_timer, c);
	HASH_ADD(hh, r->clients, lladdr, sizeof c->lladdr, c);
	dhcp4_counters[DHCP4_CLIENTS].value = HASH_COUNT(r->clients);
	client_arm(c);
	return c;
}

void dhcp4_relay_visit(struct dhcp4_relay *r, const struct lladdr *l, const struct in6_addr *addr, bool on)
{
	struct client *c = !addr_is_v4(addr) || !l->len ? NULL : on ? client_get(r, l, true) : client_find(r, l);
	unsigned i = 0;
	if (!c)
		return;
	while (i < c->visits_n && !addr_eq(&c->visits[i], addr))
		i++;
	if (on && i == c->visits_n && i < DHCP4_VISITS)
		c->visits[c->visits_n++] = *addr;
	else if (!on && i < c->visits_n)
		c->visits[i] = c->visits[--c->visits_n];
	if (on)
		c->given_up = false;
	c->idle_since = loop_now(r->loop);
	guard_update(c);
	client_arm(c);
}

/* -- to the server --------------------------------------------------------------------------------------------------- */

static bool of_client(uint8_t type)
{
	return type == DHCP4_DISCOVER || type == DHCP4_REQUEST || type == DHCP4_DECLINE || type == DHCP4_RELEASE || type == DHCP4_INFORM;
}

/* Where the client belongs. False: to this link, or nowhere that we know. */
static bool home_of(struct dhcp4_relay *r, const struct client *c, const struct dhcp4_message *m, struct dhcp4_home *out)
{
	const struct in6_addr *wants = addr_is_zero(&m->ciaddr) ? &m->requested : &m->ciaddr;
	bool all = r->params->relay == DHCP4_ALL;
	if (((c && c->visits_n) || all) && addr_is_v4(wants) && r->ops->home(r->arg, wants, out))
		return true;
	if (c && c->visits_n && !(c->given_up && addr_is_v4(wants))) /* then it has another address by now */
		return r->ops->home(r->arg, &c->visits[0], out);
	return c && all && c->leased_until && addr_is_zero(wants) && r->ops->home(r->arg, &c->leased, out);
}

/* A message that no honest client sends so. */
static const char *request_refused(const struct lladdr *from, const struct dhcp4_message *m)
{
	if (m->has_agent)
		return "relayed-before"; /* RFC 3046 §2.1: not to be believed without a relay agent's address */
	if (m->hops >= DHCP4_HOPS_MAX)
		return "hops";
	return lladdr_eq(from, &m->chaddr) ? NULL : "another-link-address";
}

static void agent_fill(struct dhcp4_relay *r, const struct client *c, struct dhcp4_agent *a)
{
	uint64_t mark = siphash24(r->secret, &c->lladdr, sizeof c->lladdr);
	memcpy(a->remote, &mark, sizeof a->remote);
}

static void ask(struct dhcp4_relay *r, struct client *c, const struct dhcp4_message *m, const struct dhcp4_udp *u)
{
	uint8_t out[DHCP4_MESSAGE_MAX];
	struct wr w = wr_make(out, sizeof out);
	usec_t now = loop_now(r->loop);
	if (!dhcp4_put_request(&w, u->data, u->len, &c->agent)) {
		COUNT(DHCP4_MALFORMED);
		return;
	}
	c->xid = m->xid;
	if (m->type == DHCP4_RELEASE || m->type == DHCP4_DECLINE) { /* nobody answers these */
		c->leased_until = 0;
		c->leased = in6addr_any;
	} else if (!c->asked) {
		c->asked = true;
		c->asked_at = now;
	}
	c->idle_since = now;
	guard_update(c);
	client_arm(c);
	COUNT(DHCP4_RELAYED);
	LOG_INFO(LOG, "client is relayed client=%s mobile=%s peer=%s type=%u visitor=%s", LLADDR(&c->lladdr),
	         ADDR(addr_is_zero(&m->ciaddr) ? &m->requested : &m->ciaddr), ADDR(&c->home.server), m->type, c->visits_n ? "yes" : "no");
	r->ops->send(r->arg, &(struct dhcp4_udp){ .src = c->agent.giaddr, .dst = c->home.server, .sport = DHCP4_SERVER_PORT,
	                                               .dport = DHCP4_SERVER_PORT, .data = out, .len = w.len });
}

void dhcp4_relay_request(struct dhcp4_relay *r, int ifindex, const struct lladdr *from, const struct dhcp4_udp *u)
{
	struct dhcp4_message m;
	struct dhcp4_home home;
	struct dhcp4_agent agent = { 0 };
	usec_t now = loop_now(r->loop);
	if (u->dport != DHCP4_SERVER_PORT || r->params->relay == DHCP4_NONE)
		return;
	if (!dhcp4_parse(u->data, u->len, &m)) {
		COUNT(DHCP4_MALFORMED);
		return;
	}
	struct client *c = client_find(r, from);
	if (m.op != DHCP4_BOOTREQUEST || !of_client(m.type) || !addr_is_zero(&m.giaddr) || !home_of(r, c, &m, &home))
		return;
	const char *why = request_refused(from, &m);
	if (why) {
		COUNT(DHCP4_REQUESTS_REFUSED);
		log_limited(&r->request_log, now, LOG_LEVEL_NOTICE, LOG, "client is not relayed client=%s reason=%s claims=%s",
		            LLADDR(from), why, LLADDR(&m.chaddr));
		return;
	}
	if (!r->ops->link(r->arg, ifindex, &agent.override, agent.circuit) || !r->ops->local(r->arg, &home.server, &agent.giaddr))
		return;
	/* One that has chosen another server is that one's. */
	if (!addr_is_zero(&m.server) && !addr_eq(&m.server, &agent.override) && !addr_eq(&m.server, &home.server) &&
	    !prefix_has(&home.prefix, &m.server))
		return;
	if (!bucket_take(&r->bucket, now) || (c && !bucket_take(&c->bucket, now))) {
		COUNT(DHCP4_LIMITED);
		return;
	}
	if (!c && !(c = client_get(r, from, false)))
		return;
	agent.link = home.link;
	agent_fill(r, c, &agent);
	c->agent = agent;
	c->home = home;
	c->ifindex = ifindex;
	ask(r, c, &m, u);
}

/* RFC 5107 §4: we are its server as far as it knows. Only who has a lease through us, from that address. */
void dhcp4_relay_routed(struct dhcp4_relay *r, const struct dhcp4_udp *u)
{
	struct dhcp4_message m;
	if (u->dport != DHCP4_SERVER_PORT || r->params->relay == DHCP4_NONE || !dhcp4_parse(u->data, u->len, &m))
		return;
	struct client *c = client_find(r, &m.chaddr);
	if (!c || !c->leased_until || m.op != DHCP4_BOOTREQUEST || (m.type != DHCP4_REQUEST && m.type != DHCP4_RELEASE) ||
	    !addr_is_zero(&m.giaddr) || m.has_agent || m.hops >= DHCP4_HOPS_MAX || !addr_eq(&m.ciaddr, &c->leased) ||
	    !addr_eq(&u->src, &c->leased) || !addr_eq(&u->dst, &c->agent.override))
		return;
	if (!bucket_take(&r->bucket, loop_now(r->loop)) || !bucket_take(&c->bucket, loop_now(r->loop))) {
		COUNT(DHCP4_LIMITED);
		return;
	}
	c->ifindex = 0;
	ask(r, c, &m, u);
}

/* -- to the client --------------------------------------------------------------------------------------------------- */

/* RFC 2131 §4.1: how an answer finds a client that may not have its address yet. */
static bool by_broadcast(const struct dhcp4_message *m)
{
	return m->type == DHCP4_NAK || (addr_is_zero(&m->ciaddr) && (m->broadcast || addr_is_zero(&m->yiaddr)));
}

static const char *reply_refused(const struct client *c, const struct dhcp4_message *m)
{
	uint8_t agent[DHCP4_AGENT_MAX];
	if (!c || !c->asked || m->xid != c->xid)
		return "not-asked";
	size_t len = dhcp4_agent_put(&c->agent, agent);
	if (!m->has_agent || m->agent_len != len || !secret_equal(m->agent, agent, len) || !addr_eq(&m->giaddr, &c->agent.giaddr))
		return "option-82";
	return addr_is_zero(&m->yiaddr) || prefix_has(&c->home.prefix, &m->yiaddr) ? NULL : "address-of-another-link";
}

/* What the answer changes; an offer leaves the question open. */
static void take_answer(struct client *c, const struct dhcp4_message *m, usec_t now)
{
	c->given_up = false;
	c->asked_at = now;
	c->idle_since = now;
	if (m->type == DHCP4_ACK && !addr_is_zero(&m->yiaddr)) {
		c->leased = m->yiaddr;
		c->leased_until = now + (m->lease ? m->lease : 60) * USEC_SEC;
	}
	if (m->type == DHCP4_NAK) {
		c->leased = in6addr_any;
		c->leased_until = 0;
	}
	if (m->type != DHCP4_OFFER)
		c->asked = false;
	guard_update(c);
	client_arm(c);
}

static void answer(struct dhcp4_relay *r, const struct client *c, const struct dhcp4_message *m, const struct dhcp4_udp *u)
{
	static const struct lladdr everyone = { .len = 6, .octet = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	uint8_t message[DHCP4_MESSAGE_MAX], packet[DHCP4_PACKET_MAX];
	struct wr w = wr_make(message, sizeof message), p = wr_make(packet, sizeof packet);
	bool broadcast = by_broadcast(m) && c->ifindex;
	struct dhcp4_udp out = { .src = c->agent.override, .dst = addr_is_zero(&m->ciaddr) ? m->yiaddr : m->ciaddr,
		                 .sport = DHCP4_SERVER_PORT, .dport = DHCP4_CLIENT_PORT, .data = message };
	if (!c->ifindex)
		out.dst = c->leased;
	else if (broadcast)
		memset(&out.dst.s6_addr[10], 0xff, 6);
	bool ok = dhcp4_put_reply(&w, u->data, u->len);
	out.len = w.len;
	if (ok)
		dhcp4_udp_put(&p, &out);
	if (!ok || !wr_ok(&p)) {
		COUNT(DHCP4_MALFORMED);
		return;
	}
	COUNT(DHCP4_ANSWERED);
	LOG_INFO(LOG, "client is answered client=%s mobile=%s peer=%s type=%u lease_s=%u", LLADDR(&c->lladdr), ADDR(&m->yiaddr),
	         ADDR(&u->src), m->type, m->lease);
	if (!c->ifindex)
		r->ops->send(r->arg, &out);
	else
		r->ops->to_client(r->arg, c->ifindex, broadcast ? &everyone : &c->lladdr, packet, p.len);
}

void dhcp4_relay_reply(struct dhcp4_relay *r, const struct dhcp4_udp *u)
{
	struct dhcp4_message m;
	usec_t now = loop_now(r->loop);
	if (u->dport != DHCP4_SERVER_PORT || r->params->relay == DHCP4_NONE || !u->len || u->data[0] != DHCP4_BOOTREPLY)
		return;
	if (!dhcp4_parse(u->data, u->len, &m)) {
		COUNT(DHCP4_MALFORMED);
		return;
	}
	struct client *c = client_find(r, &m.chaddr);
	const char *why = reply_refused(c, &m);
	if (why) {
		COUNT(DHCP4_REPLIES_REFUSED);
		log_limited(&r->reply_log, now, LOG_LEVEL_NOTICE, LOG, "answer refused client=%s peer=%s reason=%s", LLADDR(&m.chaddr),
		            ADDR(&u->src), why);
		return;
	}
	answer(r, c, &m, u);
	take_answer(c, &m, now);
}

/* -- the whole ------------------------------------------------------------------------------------------------------- */

struct dhcp4_relay *dhcp4_relay_create(struct loop *l, const struct dhcp4_params *params, const struct dhcp4_relay_ops *ops, void *arg)
{
	struct dhcp4_relay *r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	*r = (struct dhcp4_relay){ .loop = l, .params = params, .ops = ops, .arg = arg };
	secret_random(r->secret, sizeof r->secret);
	bucket_init(&r->bucket, (double)params->rate, (double)params->rate);
	bucket_init(&r->request_log, 1, 3);
	bucket_init(&r->reply_log, 1, 3);
	bucket_init(&r->full_log, 1, 3);
	bucket_init(&r->silence_log, 1, 3);
	return r;
}

void dhcp4_relay_reload(struct dhcp4_relay *r)
{
	struct client *c, *tmp;
	bucket_init(&r->bucket, (double)r->params->rate, (double)r->params->rate);
	HASH_ITER(hh, r->clients, c, tmp) {
		bucket_init(&c->bucket, (double)r->params->client_rate, 2.0 * (double)r->params->client_rate);
		guard_update(c);
		client_arm(c);
	}
}

void dhcp4_relay_destroy(struct dhcp4_relay *r)
{
	struct client *c, *tmp;
	if (!r)
		return;
	HASH_ITER(hh, r->clients, c, tmp) {
		timer_stop(&c->timer);
		HASH_DEL(r->clients, c);
		free(c);
	}
	dhcp4_counters[DHCP4_CLIENTS].value = dhcp4_counters[DHCP4_GUARDED].value = 0;
	secret_wipe(r->secret, sizeof r->secret);
	free(r);
}

void dhcp4_relay_each(const struct dhcp4_relay *r, void (*fn)(const struct dhcp4_view *v, void *fn_arg), void *fn_arg)
{
	for (const struct client *c = r->clients; c; c = c->hh.next) {
		struct dhcp4_view v = { .lladdr = c->lladdr, .addr = c->leased_until ? c->leased : c->visits_n ? c->visits[0] : in6addr_any,
			                .visitor = c->visits_n > 0, .guarded = c->guarded, .given_up = c->given_up,
			                .leased_until = c->leased_until };
		fn(&v, fn_arg);
	}
}
