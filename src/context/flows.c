#include "context/flows.h"

#include <errno.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <stdlib.h>
#include <string.h>

#include "context/addresses.h"
#include "context/context_count.h"
#include "context/flows_wire.h"
#include "core/log.h"
#include "core/mobile.h"
#include "core/output.h"
#include "core/secret.h"
#include "net/conntrack.h"
#include "net/net.h"

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION(key, len, out) ((out) = (unsigned)hash_keyed((key), (len)))
#include <uthash.h>
#include <utlist.h>

#define TIMEOUT_MAX 432000      /* five days, the kernel's for established TCP */
#define READ_FACTOR 2           /* entries looked at for one that can travel */
#define SUBJECTS_MAX 4096
#define LEFT_AGAIN (USEC_SEC)   /* how often it is looked whether the packets of one that left still come here */

struct addresses {
	struct in6_addr a[2 * MOBILE_ADDRS];
	size_t n;
};

/* A mobile with more addresses than the one that names it, remembered until it is forgotten by that one. */
struct subject {
	UT_hash_handle hh;
	struct in6_addr name;
	struct addresses others;
};

/* An address whose mobile has left while its packets still come here. */
struct leaving {
	struct leaving *next;
	struct in6_addr addr;
};

static struct {
	struct core *core;
	const struct context_conntrack *cfg;
	struct conntrack *table;
	struct subject *subjects;
	struct leaving *leaving;
	struct timer timer;
	struct bucket lines;
} me;

/* ---- addresses of a mobile ---- */

static void add(const struct in6_addr *a, void *arg)
{
	struct addresses *l = arg;
	for (size_t i = 0; i < l->n; i++)
		if (addr_eq(&l->a[i], a))
			return;
	if (l->n < sizeof l->a / sizeof l->a[0])
		l->a[l->n++] = *a;
}

static void subject_free(struct subject *s)
{
	HASH_DELETE(hh, me.subjects, s);
	free(s);
}

static void remember(const struct in6_addr *name, const struct in6_addr *addr)
{
	struct subject *s;
	HASH_FIND(hh, me.subjects, name, sizeof *name, s);
	if (addr_eq(name, addr))
		return;
	if (!s) {
		if (HASH_COUNT(me.subjects) >= SUBJECTS_MAX)
			subject_free(me.subjects); /* the oldest: uthash keeps the order of additions */
		if (!(s = calloc(1, sizeof *s)))
			return;
		s->name = *name;
		HASH_ADD(hh, me.subjects, name, sizeof s->name, s);
		if (!s->hh.tbl) {
			free(s);
			return;
		}
	}
	add(addr, &s->others);
}

/* ---- previous router ---- */

/* Flows between a mobile and this router go nowhere else. */
static bool is_peer(const struct in6_addr *peer)
{
	return !addr_is_zero(peer) && !addr_is_link_local(peer) && !addr_is_multicast(peer) &&
	       !rtnl_is_local(me.core->net->rtnl, peer, NULL);
}

static bool is_over(const struct conntrack_entry *e)
{
	return !e->timeout || (e->tuple.proto == IPPROTO_TCP && (e->tcp_state == TCP_CONNTRACK_TIME_WAIT ||
	                                                         e->tcp_state == TCP_CONNTRACK_CLOSE || !e->tcp_state));
}

struct choice {
	struct conntrack_entry e;
	struct in6_addr addr;
};

static unsigned rank(const struct conntrack_entry *e)
{
	if (e->tuple.proto == IPPROTO_TCP && e->tcp_state == TCP_CONNTRACK_ESTABLISHED)
		return 0;
	return e->assured ? 1 : 2;
}

static int better(const void *pa, const void *pb)
{
	const struct choice *a = pa, *b = pb;
	unsigned ra = rank(&a->e), rb = rank(&b->e);
	if (ra != rb)
		return ra < rb ? -1 : 1;
	return (a->e.timeout < b->e.timeout) - (a->e.timeout > b->e.timeout);
}

static int by_address(const void *pa, const void *pb)
{
	const struct choice *a = pa, *b = pb;
	int d = memcmp(&a->addr, &b->addr, sizeof a->addr);
	return d ? d : better(pa, pb);
}

/* Reads what can travel of one address. Returns how many; *left: how many would, had they been looked at. */
static size_t choose(const struct in6_addr *addr, struct conntrack_entry *room, size_t max, size_t out_max, struct choice *out,
                     size_t *left)
{
	size_t read = conntrack_read(me.table, addr, room, max < out_max ? max : out_max), known = conntrack_count(me.table, addr), n = 0;
	*left += known > max ? known - max : 0;
	for (size_t i = 0; i < read; i++) {
		const struct conntrack_tuple *t = &room[i].tuple;
		if (is_over(&room[i]) || !is_peer(addr_eq(&t->src, addr) ? &t->dst : &t->src))
			continue;
		if (room[i].nat)
			context_count(CONTEXT_FLOWS_NAT);
		else if (!flows_protocol(t->proto))
			++*left;
		else
			out[n++] = (struct choice){ .e = room[i], .addr = *addr };
	}
	return n;
}

struct emission {
	feature_emit_fn *emit;
	void *arg;
	size_t sent;
};

/* Blocks of one address, whose chosen entries these are. False: no more room. */
static bool emit_address(struct emission *m, const struct choice *c, size_t n, size_t left)
{
	struct conntrack_entry *e = calloc(n + 1, sizeof *e);
	bool room = e;
	for (size_t i = 0; e && i < n; i++)
		e[i] = c[i].e;
	for (size_t at = 0; room && at < n;) {
		uint8_t data[FEATURE_DATA_MAX];
		struct wr w = wr_make(data, sizeof data);
		size_t packed = flows_pack(&w, &c->addr, (uint16_t)(left < UINT16_MAX ? left : UINT16_MAX), me.cfg->marks, &e[at], n - at);
		room = packed && m->emit(data, w.len, m->arg);
		at += packed;
		m->sent += room ? packed : 0;
	}
	free(e);
	return room;
}

static void emit_all(struct emission *m, struct choice *c, size_t n, size_t left)
{
	qsort(c, n, sizeof *c, by_address);
	for (size_t at = 0, k; at < n; at += k) {
		for (k = 1; at + k < n && addr_eq(&c[at].addr, &c[at + k].addr);)
			k++;
		if (!emit_address(m, &c[at], k, left))
			return;
	}
}

static int collect(struct core *core, const struct feature_subject *s, feature_emit_fn *emit, void *emit_arg)
{
	size_t max = (size_t)me.cfg->entries, looked = max * READ_FACTOR, n = 0, left = 0;
	struct emission m = { .emit = emit, .arg = emit_arg };
	struct addresses addrs = { .n = 0 };
	size_t most = 0, all = 0;
	context_addresses(core, s, add, &addrs);
	conntrack_refresh(me.table);
	for (size_t i = 0; i < addrs.n; i++) {
		size_t known = conntrack_count(me.table, &addrs.a[i]);
		known = known < looked ? known : looked;
		most = known > most ? known : most;
		all += known;
		remember(&s->previous, &addrs.a[i]);
	}
	if (!all)
		return 0;
	struct conntrack_entry *room = calloc(most, sizeof *room);
	struct choice *c = calloc(all, sizeof *c);
	int err = room && c ? 0 : -ENOMEM;
	for (size_t i = 0; !err && i < addrs.n; i++)
		n += choose(&addrs.a[i], room, most, all - n, &c[n], &left);
	if (!err) {
		qsort(c, n, sizeof *c, better);
		left += n > max ? n - max : 0;
		emit_all(&m, c, n < max ? n : max, left);
		left += (n < max ? n : max) - m.sent;
		context_counters[CONTEXT_COLLECTED].value += m.sent;
		context_counters[CONTEXT_FLOWS_LEFT_OUT].value += left;
	}
	if (left)
		LOG_NOTICE("context", "connection-tracking entries left behind mobile=%s left=%zu sent=%zu limit=%zu", ADDR(&s->previous),
		           left, m.sent, max);
	free(room);
	free(c);
	return err;
}

/* ---- new router ---- */

static void not_leaving(const struct in6_addr *addr)
{
	struct leaving *l, *tmp;
	LL_FOREACH_SAFE(me.leaving, l, tmp)
		if (addr_eq(&l->addr, addr)) {
			LL_DELETE(me.leaving, l);
			free(l);
		}
}

/* Why an address is not one whose entries this mobile may bring; NULL: it may. */
static const char *refusal(const struct feature_subject *s, const struct in6_addr *addr)
{
	const struct mobile *owner = mobile_find(me.core->mobiles, addr);
	if (rtnl_is_local(me.core->net->rtnl, addr, NULL))
		return "the address is this router's";
	if (addr_is_link_local(addr))
		return "the address is link-local";
	if (addr_eq(addr, &s->previous) || addr_eq(addr, &s->addr) || !owner)
		return NULL;
	for (size_t i = 0; i < owner->addrs_n; i++)
		if (addr_eq(&owner->addrs[i], &s->previous) || addr_eq(&owner->addrs[i], &s->addr))
			return NULL;
	return "the address is another mobile's";
}

static void prepare(struct conntrack_entry *e)
{
	if (e->timeout > TIMEOUT_MAX)
		e->timeout = TIMEOUT_MAX;
	e->marked = e->marked && me.cfg->marks;
	for (size_t i = 0; me.cfg->liberal && i < 2; i++)
		e->tcp_flags[i] |= CONNTRACK_TCP_LIBERAL;
}

static uint8_t refused(const struct feature_subject *s, uint8_t status, size_t n, const char *reason)
{
	context_counters[CONTEXT_INSTALL_REFUSED].value += n;
	feature_reason(s, "%s", reason);
	return status;
}

static uint8_t install(struct core *core, const struct feature_subject *s, const uint8_t *data, size_t len)
{
	static struct flows_block b;
	enum flows_error malformed = flows_parse(data, len, &b);
	if (malformed)
		return malformed == FLOWS_OTHER_VERSION ? refused(s, FLOWS_STATUS_VERSION, 1, "another version of the context") :
		                                          refused(s, FEATURE_MALFORMED, 1, "malformed");
	const char *why = refusal(s, &b.addr);
	if (why)
		return refused(s, FLOWS_STATUS_ADDRESS, b.n, why);
	size_t n = 0;
	for (size_t i = 0; i < b.n; i++) {
		const struct conntrack_tuple *t = &b.entries[i].tuple;
		if (!is_peer(addr_eq(&t->src, &b.addr) ? &t->dst : &t->src))
			continue;
		prepare(&b.entries[i]);
		b.entries[n++] = b.entries[i];
	}
	int err;
	size_t taken = conntrack_write(me.table, b.entries, n, &err);
	context_counters[CONTEXT_INSTALLED].value += taken;
	remember(&s->previous, &b.addr);
	not_leaving(&b.addr);
	LOG_DEBUG("context", "connection-tracking entries installed mobile=%s address=%s entries=%zu left=%u", ADDR(&s->previous),
	          ADDR(&b.addr), taken, b.left_out);
	if (!err)
		return FEATURE_OK;
	return refused(s, err == -ENOMEM || err == -ENOSPC ? FEATURE_NO_RESOURCES : FEATURE_FAILED, n - taken, strerror(-err));
}

/* ---- either ---- */

static void on_timer(struct timer *t, void *arg)
{
	struct leaving *l, *tmp;
	LL_FOREACH_SAFE(me.leaving, l, tmp) {
		const struct mobile *m = mobile_find(me.core->mobiles, &l->addr);
		if (path_find(me.core->net->paths, &l->addr))
			continue;
		if (!m || !m->ifindex) /* else it came back */
			conntrack_remove(me.table, &l->addr);
		LL_DELETE(me.leaving, l);
		free(l);
	}
	if (me.leaving)
		timer_after(&me.timer, LEFT_AGAIN);
}

static void leave(const struct in6_addr *addr)
{
	struct leaving *l = NULL;
	not_leaving(addr);
	if (path_find(me.core->net->paths, addr) && !(l = calloc(1, sizeof *l)))
		return; /* they run out by themselves */
	if (!l) {
		conntrack_remove(me.table, addr);
		return;
	}
	l->addr = *addr;
	LL_PREPEND(me.leaving, l);
	if (!timer_armed(&me.timer))
		timer_after(&me.timer, LEFT_AGAIN);
}

static void forget(struct core *core, const struct in6_addr *addr)
{
	struct subject *s;
	HASH_FIND(hh, me.subjects, addr, sizeof *addr, s);
	leave(addr);
	if (!s)
		return;
	for (size_t i = 0; i < s->others.n; i++)
		leave(&s->others.a[i]);
	subject_free(s);
}

static const struct feature_status_name statuses[] = { { FLOWS_STATUS_VERSION, "other-version" },
	                                               { FLOWS_STATUS_ADDRESS, "address-refused" },
	                                               { 0 } };

static struct feature conntrack = { .name = "conntrack", .statuses = statuses, .collect = collect, .install = install,
	                            .forget = forget };

/* ---- start, reload, stop, show ---- */

static struct conntrack_config config_of(const struct context_conntrack *c)
{
	return (struct conntrack_config){ .zone = (uint16_t)c->zone, .limit = (size_t)c->limit };
}

static int start(struct core *core, const struct context_config *c)
{
	struct conntrack_config cfg = config_of(&c->conntrack);
	me.core = core;
	me.cfg = &c->conntrack;
	me.table = conntrack_open(core->loop, &cfg);
	if (!me.table) {
		LOG_NOTICE("context", "connection-tracking entries are not carried reason=\"%s\"",
		           errno == EOPNOTSUPP ? "the kernel has no ctnetlink" : strerror(errno));
		return CONTEXT_NOT_HERE;
	}
	timer_init(&me.timer, core->loop, on_timer, NULL);
	return 0;
}

static void reload(const struct context_config *c)
{
	struct conntrack_config cfg = config_of(&c->conntrack);
	me.cfg = &c->conntrack;
	conntrack_reconfigure(me.table, &cfg);
}

static void stop(void)
{
	struct leaving *l, *tmp;
	timer_stop(&me.timer);
	LL_FOREACH_SAFE(me.leaving, l, tmp)
		free(l);
	me.leaving = NULL;
	while (me.subjects)
		subject_free(me.subjects);
	conntrack_close(me.table);
	me.table = NULL;
}

static bool wanted(const struct context_config *c)
{
	return c->conntrack.enabled;
}

static bool show_one(struct mobile *m, void *arg)
{
	struct output *o = arg;
	size_t n = 0;
	for (size_t i = 0; i < m->addrs_n; i++)
		n += conntrack_count(me.table, &m->addrs[i]);
	if (!n)
		return true;
	out_item_begin(o, NULL);
	out_addr(o, "mobile", &m->addrs[0]);
	out_uint(o, "fpt", conntrack.fpt);
	out_str(o, "name", conntrack.name);
	out_uint(o, "entries", n);
	out_item_end(o);
	return true;
}

static void show(struct output *o)
{
	mobiles_each(me.core->mobiles, show_one, o);
}

const struct context_part flows_part = { .feature = &conntrack, .wanted = wanted, .start = start, .reload = reload, .stop = stop,
	                                 .show = show };
