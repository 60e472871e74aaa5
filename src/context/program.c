/*
 * Another program brings a context of its own: it connects to our socket, says which feature it is, and deposits what the
 * mobiles' blocks are at the moment. When a mobile leaves, what was deposited last goes along; nobody asks the program at
 * that moment, since a handover waits for no one. At the new router the program is handed the blocks, and its word on them
 * is awaited, by CXTP (FEATURE_PENDING) and not by us, so a slow one delays its own mobile's CTDR and CTAA and nothing else.
 * The lines are in program_wire.h, the account for those who write programs in handoverd-context(7).
 *
 * A feature stands as long as it is configured. Without its program nothing is collected, and blocks that come are refused
 * with FEATURE_NO_PROGRAM. What a program deposited goes with its connection.
 */
#include "context/program.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "context/program_socket.h"
#include "context/program_store.h"
#include "context/program_wire.h"
#include "core/bus.h"
#include "core/feature.h"
#include "core/log.h"
#include "core/mobile.h"
#include "core/output.h"
#include "core/secret.h"
#include "net/net.h"

#define WAITING_MAX 256          /* installs one program has yet to speak of */
#define WAITING_TIME (5 * USEC_SEC) /* CXTP has given up long before */
#define IDLE (10 * USEC_SEC)
#define PEERS (2 * PROGRAMS_MAX + 4)

struct counter program_counters[PROGRAM_COUNTERS] = {
	[PROGRAM_PUTS] = { "program_deposits", "Contexts deposited by programs, a mobile each", 0, 0 },
	[PROGRAM_PUTS_REFUSED] = { "program_deposits_refused", "Contexts of programs refused because a limit was reached", 0, 0 },
	[PROGRAM_LINES_REFUSED] = { "program_lines_refused", "Lines of programs that were not understood", 0, 0 },
	[PROGRAM_INSTALLS] = { "program_installs", "Blocks handed to programs", 0, 0 },
	[PROGRAM_UNANSWERED] = { "program_unanswered", "Blocks that a program never spoke of", 0, 0 },
	[PROGRAM_OCTETS] = { "program_octets", "Octets that programs have deposited", 0, 1 },
};

/* A block that was handed over. In order of time. */
struct waiting {
	uint32_t id;
	struct in6_addr previous;
	usec_t at;
};

struct program {
	struct feature feature; /* first: a struct feature * of ours is a struct program * */
	char name[PROGRAM_NAME_MAX + 1];
	uid_t uid;
	gid_t gid;
	bool registered, keep; /* keep: used by reload */
	struct program_peer *peer; /* NULL: not here */
	struct program_store *store;
	struct waiting waiting[WAITING_MAX];
	size_t waiting_n;
};

static struct {
	struct core *core;
	const struct context_config *cfg;
	struct program_socket *socket; /* NULL: no program is configured */
	struct program_store_limits limits;
	struct program *programs[PROGRAMS_MAX];
	size_t n;
	uint32_t last_id;
	struct bucket lines;
	struct in6_addr forgotten;
	usec_t forgotten_at;
	uint8_t blocks[32768];
} all;

static usec_t now(void)
{
	return loop_now(all.core->loop);
}

static void count_octets(void)
{
	uint64_t octets = 0;
	for (size_t i = 0; i < all.n; i++)
		octets += program_store_octets(all.programs[i]->store);
	program_counters[PROGRAM_OCTETS].value = octets;
}

static void say(struct program_peer *peer, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct program_peer *peer, const char *fmt, ...)
{
	char line[256];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(line, sizeof line - 1, fmt, ap);
	va_end(ap);
	size_t len = n < 0 ? 0 : (size_t)n < sizeof line - 1 ? (size_t)n : sizeof line - 2;
	line[len++] = '\n';
	program_send(peer, line, len);
}

/* ---- the feature ---- */

/* A mobile may have been deposited under another of its addresses. */
static const uint8_t *deposited(const struct program *p, struct core *core, const struct in6_addr *mobile, size_t *len)
{
	const struct mobile *m = mobile_find(core->mobiles, mobile);
	const uint8_t *blocks = program_store_get(p->store, mobile, len);
	for (size_t i = 0; !blocks && m && i < m->addrs_n; i++)
		blocks = program_store_get(p->store, &m->addrs[i], len);
	return blocks;
}

static int collect(struct core *core, const struct feature_subject *s, feature_emit_fn *emit, void *emit_arg)
{
	const struct program *p = (const struct program *)(const void *)s->feature;
	size_t len;
	const uint8_t *blocks = deposited(p, core, &s->previous, &len);
	struct rd r = rd_make(blocks, len);
	uint16_t n;
	while (rd_u16(&r, &n)) {
		const uint8_t *octets = rd_bytes(&r, n);
		if (!octets || !emit(octets - 2, (size_t)n + 2, emit_arg))
			break;
	}
	return 0;
}

static void waiting_drop(struct program *p, size_t i)
{
	p->waiting_n--;
	memmove(&p->waiting[i], &p->waiting[i + 1], (p->waiting_n - i) * sizeof p->waiting[0]);
}

/* The oldest go when nobody waits for them any more. */
static bool waiting_add(struct program *p, uint32_t id, const struct in6_addr *previous)
{
	while (p->waiting_n && now() - p->waiting[0].at > WAITING_TIME) {
		program_counters[PROGRAM_UNANSWERED].value++;
		waiting_drop(p, 0);
	}
	if (p->waiting_n == WAITING_MAX)
		return false;
	p->waiting[p->waiting_n++] = (struct waiting){ id, *previous, now() };
	return true;
}

static uint8_t install(struct core *core, const struct feature_subject *s, const uint8_t *data, size_t len)
{
	struct program *p = (struct program *)(uintptr_t)s->feature;
	const struct rtnl_link *link = s->ifindex ? rtnl_link_by_index(core->net->rtnl, s->ifindex) : NULL;
	struct program_install i = { .id = ++all.last_id, .mobile = s->addr, .previous = s->previous, .lladdr = s->lladdr,
		                     .interface = link ? link->name : NULL };
	char line[PROGRAM_INSTALL_MAX];
	if (!program_unwrap(data, len, &i.data, &i.len))
		return FEATURE_MALFORMED;
	if (!p->peer)
		return FEATURE_NO_PROGRAM;
	if (!waiting_add(p, i.id, &s->previous)) {
		feature_reason(s, "blocks the program has yet to speak of=%zu limit=%d", p->waiting_n, WAITING_MAX);
		return FEATURE_NO_RESOURCES;
	}
	bool sent = program_send(p->peer, line, program_install_line(&i, line));
	secret_wipe(line, sizeof line);
	if (!sent) {
		waiting_drop(p, p->waiting_n - 1);
		return FEATURE_NO_PROGRAM;
	}
	program_counters[PROGRAM_INSTALLS].value++;
	return FEATURE_PENDING;
}

static void forget_deposit(struct program *p, const struct in6_addr *addr)
{
	program_store_drop(p->store, addr);
	if (p->peer)
		say(p->peer, "forget mobile=%s", ADDR(addr));
}

/* The registry comes once for each feature, and does not say for which: the first time does it for all. What was deposited
 * under another address of the mobile goes, too. */
static void forget(struct core *core, const struct in6_addr *addr)
{
	const struct mobile *m = mobile_find(core->mobiles, addr);
	size_t len;
	if (all.forgotten_at == now() && addr_eq(&all.forgotten, addr))
		return;
	all.forgotten = *addr;
	all.forgotten_at = now();
	for (size_t i = 0; i < all.n; i++) {
		forget_deposit(all.programs[i], addr);
		for (size_t j = 0; m && j < m->addrs_n; j++)
			if (program_store_get(all.programs[i]->store, &m->addrs[j], &len))
				forget_deposit(all.programs[i], &m->addrs[j]);
	}
	count_octets();
}

/* ---- what programs say ---- */

static void publish(const struct program *p, const struct in6_addr *previous, uint8_t status, const char *reason)
{
	struct bus_note note = { .topic = BUS_CONTEXT_INSTALLED,
		                 .u.installed = { .previous = *previous, .fpt = p->feature.fpt, .status = status, .reason = reason } };
	bus_publish(all.core->bus, &note);
}

static bool permitted(const struct program *p, const struct program_who *who)
{
	bool group = p->gid != (gid_t)-1 && who->gid == p->gid;
	for (size_t i = 0; i < who->groups_n && p->gid != (gid_t)-1; i++)
		group |= who->groups[i] == p->gid;
	return who->uid == 0 || who->uid == geteuid() || (p->uid != (uid_t)-1 && who->uid == p->uid) || group;
}

static bool on_admit(const struct program_who *who, void *arg)
{
	for (size_t i = 0; i < all.n; i++)
		if (permitted(all.programs[i], who))
			return true;
	return false;
}

static struct program *program_of(uint16_t fpt)
{
	for (size_t i = 0; i < all.n; i++)
		if (all.programs[i]->feature.fpt == fpt)
			return all.programs[i];
	return NULL;
}

/* False: it is not welcome. */
static bool hello(struct program_peer *peer, const struct program_line *l)
{
	struct program *p = program_of(l->fpt);
	struct program_who who;
	const char *why = program_user(peer) ? "one feature for each connection" :
	                  !p                 ? "no program with this fpt is configured" :
	                  p->peer            ? "another connection has this feature" :
	                  !program_who(peer, &who) || !permitted(p, &who) ? "not permitted" : NULL;
	if (why) {
		log_limited(&all.lines, now(), LOG_LEVEL_WARNING, "context", "program not welcome fpt=%u reason=\"%s\"", l->fpt, why);
		say(peer, "error reason=%s", why);
		return false;
	}
	p->peer = peer;
	program_set_user(peer, p);
	LOG_NOTICE("context", "program connected feature=%s fpt=%u pid=%d uid=%u", p->name, l->fpt, (int)who.pid,
	           (unsigned)who.uid);
	say(peer, "welcome name=%s fpt=%u block=%d mobile=%llu", p->name, l->fpt, PROGRAM_BLOCK_MAX,
	    (unsigned long long)all.cfg->socket.memory_mobile);
	return true;
}

static void put(struct program *p, const struct program_line *l, const struct wr *blocks)
{
	int e = program_store_put(p->store, &l->mobile, blocks->base, blocks->len);
	count_octets();
	if (!e) {
		program_counters[PROGRAM_PUTS].value++;
		say(p->peer, "done mobile=%s", ADDR(&l->mobile));
		return;
	}
	program_counters[PROGRAM_PUTS_REFUSED].value++;
	log_limited(&all.lines, now(), LOG_LEVEL_WARNING, "context",
	            "deposit of a program refused feature=%s mobile=%s mobiles=%zu limit=%zu octets=%zu limit_octets=%zu", p->name,
	            ADDR(&l->mobile), program_store_mobiles(p->store), all.limits.mobiles, program_store_octets(p->store),
	            all.limits.octets);
	say(p->peer, "failed mobile=%s reason=limit", ADDR(&l->mobile));
}

/* An id that nobody waits for is an answer that came late: nothing to complain of. */
static void status(struct program *p, const struct program_line *l)
{
	char reason[FEATURE_REASON_MAX];
	for (size_t i = 0; i < p->waiting_n; i++) {
		if (p->waiting[i].id != l->id)
			continue;
		struct in6_addr previous = p->waiting[i].previous;
		waiting_drop(p, i);
		snprintf(reason, sizeof reason, "%.*s", (int)(l->reason_len < sizeof reason ? l->reason_len : sizeof reason - 1),
		         l->reason ? l->reason : "");
		publish(p, &previous, l->status, reason);
		return;
	}
}

static bool on_line(struct program_peer *peer, const char *line, size_t len, void *arg)
{
	struct program *p = program_user(peer);
	struct program_line l;
	struct wr blocks = wr_make(all.blocks, all.cfg->socket.memory_mobile);
	const char *why = program_parse(line, len, &l, &blocks);
	bool stays = true;
	if (!why && !p && l.verb != PROGRAM_HELLO)
		why = "hello comes first";
	if (why) {
		program_counters[PROGRAM_LINES_REFUSED].value++;
		log_limited(&all.lines, now(), LOG_LEVEL_WARNING, "context",
		            "line of a program refused feature=%s reason=\"%s\" length=%zu", p ? p->name : "-", why, len);
		say(peer, "error reason=%s", why);
		return false;
	}
	switch (l.verb) {
	case PROGRAM_HELLO:
		stays = hello(peer, &l);
		break;
	case PROGRAM_PUT:
		put(p, &l, &blocks);
		break;
	case PROGRAM_STATUS:
		status(p, &l);
		break;
	}
	secret_wipe(all.blocks, blocks.len); /* who knows what it is */
	return stays;
}

/* Nobody need wait for what it has not spoken of. */
static void part(struct program *p)
{
	p->peer = NULL;
	program_store_clear(p->store);
	count_octets();
	while (p->waiting_n) {
		struct in6_addr previous = p->waiting[0].previous;
		waiting_drop(p, 0);
		program_counters[PROGRAM_UNANSWERED].value++;
		publish(p, &previous, FEATURE_NO_PROGRAM, "it is gone");
	}
}

static void on_gone(struct program_peer *peer, void *arg)
{
	struct program *p = program_user(peer);
	if (!p)
		return;
	LOG_NOTICE("context", "program gone feature=%s mobiles=%zu", p->name, program_store_mobiles(p->store));
	part(p);
}

static const struct program_socket_ops socket_ops = { .admit = on_admit, .line = on_line, .gone = on_gone };

/* ---- life ---- */

static void program_free(struct program *p)
{
	if (p->peer) {
		program_set_user(p->peer, NULL);
		program_end(p->peer);
		part(p);
	}
	if (p->registered)
		feature_unregister(&p->feature);
	program_store_destroy(p->store);
	free(p);
}

static const struct context_program *configured(const struct context_config *c, size_t i)
{
	return (const struct context_program *)c->programs.items + i;
}

static bool same(const struct program *p, const struct context_program *c, uid_t uid, gid_t gid)
{
	return p->feature.fpt == c->fpt && !strcmp(p->name, c->name) && p->uid == uid && p->gid == gid;
}

static struct program *program_make(const struct context_program *c, uid_t uid, gid_t gid)
{
	struct program *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	p->feature = (struct feature){ .fpt = (uint16_t)c->fpt, .name = p->name, .collect = collect, .install = install,
		                       .forget = forget };
	snprintf(p->name, sizeof p->name, "%s", c->name);
	p->uid = uid;
	p->gid = gid;
	p->store = program_store_create(&all.limits);
	if (p->store)
		return p;
	free(p);
	return NULL;
}

/* The programs as configured; those that stay the same keep their connection. */
static void configure(const struct context_config *c)
{
	struct program *next[PROGRAMS_MAX];
	size_t n = 0;
	for (size_t i = 0; i < c->programs.n; i++) {
		uid_t uid;
		gid_t gid;
		struct program *p = NULL;
		program_user_id(configured(c, i)->user, &uid);
		program_group_id(configured(c, i)->group, &gid);
		for (size_t j = 0; j < all.n && !p; j++)
			if (same(all.programs[j], configured(c, i), uid, gid))
				p = all.programs[j];
		p = p ? p : program_make(configured(c, i), uid, gid);
		if (!p) {
			LOG_ERROR("context", "no contexts of a program feature=%s reason=\"%s\"", configured(c, i)->name, strerror(ENOMEM));
			continue;
		}
		p->keep = true;
		next[n++] = p;
	}
	for (size_t i = 0; i < all.n; i++)
		if (!all.programs[i]->keep)
			program_free(all.programs[i]);
	memcpy(all.programs, next, n * sizeof next[0]);
	all.n = n;
	for (size_t i = 0; i < n; i++) {
		struct program *p = all.programs[i];
		p->keep = false;
		if (!p->registered && feature_register(&p->feature) < 0)
			LOG_ERROR("context", "feature cannot be registered feature=%s fpt=%u", p->name, p->feature.fpt);
		else
			p->registered = true;
	}
	count_octets();
}

static int open_socket(const struct context_config *c)
{
	struct program_socket_config s = { .peers = PEERS, .queue = c->socket.queue, .idle = IDLE };
	snprintf(s.path, sizeof s.path, "%s", program_socket_path(&c->socket));
	program_socket_mode(&c->socket, &c->programs, &s.mode);
	if (!c->programs.n) {
		program_socket_close(all.socket);
		all.socket = NULL;
	} else if (all.socket) {
		program_socket_reconfigure(all.socket, &s);
	} else {
		all.socket = program_socket_open(all.core->loop, &s, &socket_ops, NULL);
		if (!all.socket)
			return -1;
	}
	return 0;
}

void programs_release(void)
{
	for (size_t i = 0; i < all.n; i++) {
		if (all.programs[i]->registered)
			feature_unregister(&all.programs[i]->feature);
		all.programs[i]->registered = false;
	}
}

void programs_reload(const struct context_config *c)
{
	all.cfg = c;
	all.limits = (struct program_store_limits){ (size_t)c->socket.mobiles, c->socket.memory };
	configure(c);
	open_socket(c);
}

int programs_start(struct core *core, const struct context_config *c)
{
	all.core = core;
	bucket_init(&all.lines, 1, 5);
	all.cfg = c;
	all.limits = (struct program_store_limits){ (size_t)c->socket.mobiles, c->socket.memory };
	configure(c);
	if (open_socket(c) == 0)
		return 0;
	programs_stop();
	return -1;
}

void programs_stop(void)
{
	program_socket_close(all.socket);
	all.socket = NULL;
	for (size_t i = 0; i < all.n; i++)
		program_free(all.programs[i]);
	all.n = 0;
	count_octets();
}

/* ---- show ---- */

struct showing {
	const struct program *program;
	struct output *o;
};

static void show_deposit(const struct in6_addr *mobile, size_t octets, void *arg)
{
	const struct showing *s = arg;
	out_item_begin(s->o, NULL);
	out_addr(s->o, "mobile", mobile);
	out_uint(s->o, "fpt", s->program->feature.fpt);
	out_str(s->o, "name", s->program->name);
	out_uint(s->o, "octets", octets);
	out_str(s->o, "source", "program");
	out_item_end(s->o);
}

void programs_show_contexts(struct output *o)
{
	for (size_t i = 0; i < all.n; i++) {
		struct showing s = { all.programs[i], o };
		program_store_each(all.programs[i]->store, show_deposit, &s);
	}
}

void programs_show(struct output *o)
{
	for (size_t i = 0; i < all.n; i++) {
		const struct program *p = all.programs[i];
		struct program_who who;
		out_item_begin(o, NULL);
		out_uint(o, "fpt", p->feature.fpt);
		out_str(o, "name", p->name);
		out_bool(o, "connected", p->peer != NULL);
		if (p->peer && program_who(p->peer, &who))
			out_uint(o, "pid", (uint64_t)who.pid);
		else
			out_str(o, "pid", NULL);
		out_uint(o, "mobiles", program_store_mobiles(p->store));
		out_uint(o, "octets", program_store_octets(p->store));
		out_uint(o, "unanswered", p->waiting_n);
		out_item_end(o);
	}
}
