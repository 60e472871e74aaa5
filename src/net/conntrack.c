#include "net/conntrack.h"

#include <errno.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/log.h"
#include "core/secret.h"
#include "net/conntrack_priv.h"

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION(key, len, out) ((out) = (unsigned)hash_keyed((key), (len)))
#include <uthash.h>
#include <utlist.h>

#define MESSAGES_AT_ONCE 256              /* events between which other work of the loop gets its turn */
#define MESSAGES_BEFORE_READ 4096         /* events that are heard first when somebody asks */
#define SWEEP_AT_ONCE 1024                /* entries */
#define REMOVE_AT_ONCE CTNL_BATCH
#define DUMP_AFTER_LOSS (200 * USEC_MSEC) /* let the storm that filled the queue pass */
#define DUMP_WHEN_FULL (60 * USEC_SEC)
#define QUEUE_OCTETS (4 << 20)

struct counter conntrack_counters[CONNTRACK_COUNTERS] = {
	[CONNTRACK_FLOWS] = { .name = "flows", .help = "connection-tracking entries known", .gauge = 1 },
	[CONNTRACK_UNTRACKED] = { .name = "untracked", .help = "Entries not learnt because context.conntrack.limit was reached" },
	[CONNTRACK_OVERRUNS] = { .name = "overruns", .help = "Times the kernel lost events about entries" },
	[CONNTRACK_DUMPS] = { .name = "dumps", .help = "Times all entries were read from the kernel" },
	[CONNTRACK_READ] = { .name = "read", .help = "Entries read from the kernel for a mobile" },
	[CONNTRACK_WRITTEN] = { .name = "written", .help = "Entries of another router put into the kernel" },
	[CONNTRACK_WRITE_ERRORS] = { .name = "write_errors", .help = "Entries of another router that the kernel refused" },
	[CONNTRACK_REMOVED] = { .name = "removed", .help = "Entries removed because their mobile left" },
};

struct flow;
struct place;

/* One end of a flow, in the list of its address. */
struct end {
	struct end *prev, *next;
	struct place *place;
	struct flow *flow;
};

/* Hashed as octets: no padding, and unused octets are zero. */
struct key {
	struct in6_addr src, dst;
	uint16_t sport, dport;
	uint8_t proto, zero[3];
};
_Static_assert(sizeof(struct key) == 40, "no padding");

struct flow {
	UT_hash_handle hh;
	struct key key;
	struct end ends[2];        /* source, destination */
	struct flow *prev, *next;  /* by when it was last told of */
	uint32_t generation;       /* of the dump or event that told of it */
	bool nat;
};

/* An address with flows. */
struct place {
	UT_hash_handle hh;
	struct in6_addr addr;
	struct end *ends[2]; /* TCP, others; youngest first */
	size_t n;
};

struct removal {
	struct removal *next;
	struct in6_addr addr;
};

struct conntrack {
	struct loop *loop;
	struct conntrack_config cfg;
	int events, requests;
	struct loop_fd *watch;
	struct flow *flows, *oldest;
	struct place *places;
	uint32_t generation;
	bool dumping, sweeping, again; /* again: events were lost during a dump */
	usec_t dumped;
	struct timer dump, step;
	struct removal *removals;
	struct bucket lines;
};

/* ---- the table ---- */

static struct key key_of(const struct conntrack_tuple *t)
{
	return (struct key){ .src = t->src, .dst = t->dst, .sport = t->sport, .dport = t->dport, .proto = t->proto };
}

static struct conntrack_tuple tuple_of(const struct flow *f)
{
	return (struct conntrack_tuple){ .src = f->key.src, .dst = f->key.dst, .sport = f->key.sport, .dport = f->key.dport,
		                         .proto = f->key.proto };
}

static struct flow *flow_find(const struct conntrack *c, const struct key *key)
{
	struct flow *f;
	HASH_FIND(hh, c->flows, key, sizeof *key, f);
	return f;
}

static struct place *place_find(const struct conntrack *c, const struct in6_addr *addr)
{
	struct place *p;
	HASH_FIND(hh, c->places, addr, sizeof *addr, p);
	return p;
}

static struct place *place_get(struct conntrack *c, const struct in6_addr *addr)
{
	struct place *p = place_find(c, addr);
	if (p || !(p = calloc(1, sizeof *p)))
		return p;
	p->addr = *addr;
	HASH_ADD(hh, c->places, addr, sizeof p->addr, p);
	if (p->hh.tbl)
		return p;
	free(p);
	return NULL;
}

static void place_drop(struct conntrack *c, struct place *p)
{
	if (!p || p->n)
		return;
	HASH_DELETE(hh, c->places, p);
	free(p);
}

static unsigned class_of(const struct flow *f)
{
	return f->key.proto == IPPROTO_TCP ? 0 : 1;
}

static void flow_free(struct conntrack *c, struct flow *f)
{
	for (size_t i = 0; i < 2; i++) {
		struct place *p = f->ends[i].place;
		DL_DELETE(p->ends[class_of(f)], &f->ends[i]);
		p->n--;
		place_drop(c, p);
	}
	DL_DELETE(c->oldest, f);
	HASH_DELETE(hh, c->flows, f);
	free(f);
	conntrack_counters[CONNTRACK_FLOWS].value--;
}

static void dump_after(struct conntrack *c, usec_t delay)
{
	if (!timer_armed(&c->dump))
		timer_after(&c->dump, delay);
}

static struct flow *flow_make(struct conntrack *c, const struct key *key)
{
	struct flow *f = calloc(1, sizeof *f);
	struct place *a = place_get(c, &key->src), *b = place_get(c, &key->dst);
	if (!f || !a || !b)
		goto fail;
	f->key = *key;
	HASH_ADD(hh, c->flows, key, sizeof f->key, f);
	if (!f->hh.tbl)
		goto fail;
	for (size_t i = 0; i < 2; i++) {
		struct place *p = i ? b : a;
		f->ends[i] = (struct end){ .place = p, .flow = f };
		DL_PREPEND(p->ends[class_of(f)], &f->ends[i]);
		p->n++;
	}
	DL_APPEND(c->oldest, f);
	conntrack_counters[CONNTRACK_FLOWS].value++;
	return f;
fail:
	free(f);
	place_drop(c, a);
	if (b != a)
		place_drop(c, b);
	return NULL;
}

static void learn(struct conntrack *c, const struct conntrack_entry *e)
{
	struct key key = key_of(&e->tuple);
	struct flow *f = flow_find(c, &key);
	if (f) {
		DL_DELETE(c->oldest, f);
		DL_APPEND(c->oldest, f);
	} else if (HASH_COUNT(c->flows) >= c->cfg.limit || !(f = flow_make(c, &key))) {
		conntrack_counters[CONNTRACK_UNTRACKED].value++;
		log_limited(&c->lines, loop_now(c->loop), LOG_LEVEL_WARNING, "context",
		            "connection-tracking entry not learnt, it will not move with its mobile known=%u limit=%zu",
		            HASH_COUNT(c->flows), c->cfg.limit);
		/* Some that are known may be gone, and their number may fall. */
		dump_after(c, loop_now(c->loop) - c->dumped > DUMP_WHEN_FULL ? 0 : DUMP_WHEN_FULL);
		return;
	}
	f->generation = c->generation;
	f->nat = e->nat;
}

static void unlearn(struct conntrack *c, const struct conntrack_tuple *t)
{
	struct key key = key_of(t);
	struct flow *f = flow_find(c, &key);
	if (f)
		flow_free(c, f);
}

/* What the last dump did not tell of is gone. True: there may be more. */
static bool sweep(struct conntrack *c)
{
	for (size_t i = 0; i < SWEEP_AT_ONCE; i++) {
		if (!c->oldest || c->oldest->generation == c->generation)
			return false;
		flow_free(c, c->oldest);
	}
	return true;
}

/* ---- events and dumps ---- */

static void on_dump(struct timer *t, void *arg)
{
	struct conntrack *c = arg;
	if (c->dumping) { /* the socket carries one at a time */
		c->again = true;
		return;
	}
	int err = ctnl_dump(c->events);
	c->dumped = loop_now(c->loop);
	c->again = c->sweeping = false;
	c->dumping = err == 0;
	c->generation++;
	conntrack_counters[CONNTRACK_DUMPS].value++;
	if (err < 0) {
		log_limited(&c->lines, loop_now(c->loop), LOG_LEVEL_WARNING, "context",
		            "connection-tracking entries cannot be listed reason=\"%s\"", strerror(-err));
		dump_after(c, DUMP_WHEN_FULL);
	}
}

static void dump_ended(struct conntrack *c, int error)
{
	if (!c->dumping)
		return;
	c->dumping = false;
	if (error < 0)
		log_limited(&c->lines, loop_now(c->loop), LOG_LEVEL_WARNING, "context",
		            "connection-tracking entries cannot be listed reason=\"%s\"", strerror(-error));
	/* Cut short, it says nothing of those that it did not tell of. */
	c->sweeping = !error && !c->again;
	if (c->sweeping)
		timer_after(&c->step, 0);
	if (c->again)
		dump_after(c, DUMP_AFTER_LOSS);
}

static void on_message(struct conntrack *c, const struct nlmsghdr *h)
{
	struct conntrack_entry e;
	switch (h->nlmsg_type) {
	case NLMSG_DONE:
		dump_ended(c, 0);
		return;
	case NLMSG_ERROR:
		dump_ended(c, h->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr)) ? -EPROTO :
		                                                                     ((struct nlmsgerr *)NLMSG_DATA(h))->error);
		return;
	case NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW:
		if (ctnl_parse(h, c->cfg.zone, &e))
			learn(c, &e);
		return;
	case NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE:
		if (ctnl_parse(h, c->cfg.zone, &e))
			unlearn(c, &e.tuple);
		return;
	}
}

static void on_lost(struct conntrack *c)
{
	conntrack_counters[CONNTRACK_OVERRUNS].value++;
	c->again = c->dumping;
	if (!c->dumping)
		dump_after(c, DUMP_AFTER_LOSS);
}

/* What the kernel has to say, as far as it goes. False: that was all. */
static bool hear(struct conntrack *c, size_t max)
{
	static uint8_t in[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
	for (size_t n = 0; n < max; n++) {
		struct sockaddr_nl from = { 0 };
		socklen_t from_len = sizeof from;
		ssize_t got = recvfrom(c->events, in, sizeof in, 0, (struct sockaddr *)&from, &from_len);
		if (got < 0 && errno == ENOBUFS) {
			on_lost(c);
			continue;
		}
		if (got < 0)
			return false;
		unsigned left = from.nl_pid ? 0 : (unsigned)got;
		for (const struct nlmsghdr *h = (const void *)in; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left), n++)
			on_message(c, h);
	}
	return true;
}

static void on_events(int fd, unsigned what, void *arg)
{
	hear(arg, MESSAGES_AT_ONCE);
}

static int events_open(void)
{
	static const int groups[] = { NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_DESTROY };
	int room = QUEUE_OCTETS, fd = ctnl_open();
	for (size_t i = 0; fd >= 0 && i < sizeof groups / sizeof *groups; i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof groups[i]) < 0) {
			int err = -errno;
			close(fd);
			return err;
		}
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	return fd;
}

/* ---- read, write, remove ---- */

struct reading {
	struct conntrack *c;
	struct conntrack_entry *out;
	size_t n;
	const struct conntrack_entry *asked[CTNL_BATCH];
};

static void on_read(size_t i, int error, const struct nlmsghdr *h, void *arg)
{
	struct reading *r = arg;
	if (error == -ENOENT)
		unlearn(r->c, &r->asked[i]->tuple);
	else if (!error && h && ctnl_parse(h, r->c->cfg.zone, &r->out[r->n]))
		r->n++;
}

/* The next of an address, from where `at` stands: TCP first. NULL: that was all. */
static struct end *walk(const struct place *p, struct end *at)
{
	if (at && at->next)
		return at->next;
	if (at)
		return class_of(at->flow) ? NULL : p->ends[1];
	return p->ends[0] ? p->ends[0] : p->ends[1];
}

size_t conntrack_read(struct conntrack *c, const struct in6_addr *addr, struct conntrack_entry *out, size_t max)
{
	struct conntrack_entry batch[CTNL_BATCH];
	struct reading r = { .c = c, .out = out };
	hear(c, MESSAGES_BEFORE_READ);
	const struct place *p = place_find(c, addr);
	size_t n = 0, asked = 0, all = p ? p->n : 0;
	/* The tuples first: entries that are gone leave the table while it is read. */
	struct conntrack_tuple *tuples = calloc(all < max ? all + 1 : max + 1, sizeof *tuples);
	for (struct end *e = p && tuples ? walk(p, NULL) : NULL; e && n < max; e = walk(p, e))
		tuples[n++] = tuple_of(e->flow);
	while (asked < n) {
		size_t k = 0;
		for (; k < CTNL_BATCH && asked < n; k++, asked++) {
			batch[k] = (struct conntrack_entry){ .tuple = tuples[asked] };
			r.asked[k] = &batch[k];
		}
		ctnl_exchange(c->requests, CTNL_GET, r.asked, k, c->cfg.zone, on_read, &r);
	}
	free(tuples);
	conntrack_counters[CONNTRACK_READ].value += r.n;
	return r.n;
}

struct writing {
	struct conntrack *c;
	const struct conntrack_entry *asked[CTNL_BATCH];
	size_t taken;
	int error;
};

static void on_written(size_t i, int error, const struct nlmsghdr *h, void *arg)
{
	struct writing *w = arg;
	if (!error) {
		learn(w->c, w->asked[i]); /* the event comes later, and it may be removed before */
		w->taken++;
		return;
	}
	if (!w->error)
		w->error = error;
}

size_t conntrack_write(struct conntrack *c, const struct conntrack_entry *e, size_t n, int *error)
{
	struct writing w = { .c = c };
	for (size_t at = 0; at < n;) {
		size_t k = 0;
		for (; k < CTNL_BATCH && at < n; k++, at++)
			w.asked[k] = &e[at];
		ctnl_exchange(c->requests, CTNL_SET, w.asked, k, c->cfg.zone, on_written, &w);
	}
	conntrack_counters[CONNTRACK_WRITTEN].value += w.taken;
	conntrack_counters[CONNTRACK_WRITE_ERRORS].value += n - w.taken;
	*error = w.error;
	return w.taken;
}

static void on_removed(size_t i, int error, const struct nlmsghdr *h, void *arg)
{
	if (!error)
		conntrack_counters[CONNTRACK_REMOVED].value++;
}

/* True: that was not all. */
static bool remove_some(struct conntrack *c, const struct in6_addr *addr)
{
	struct conntrack_entry batch[REMOVE_AT_ONCE];
	const struct conntrack_entry *asked[REMOVE_AT_ONCE];
	const struct place *p = place_find(c, addr);
	size_t k = 0;
	for (struct end *e = p ? walk(p, NULL) : NULL; e && k < REMOVE_AT_ONCE; e = walk(p, e))
		if (!e->flow->nat) {
			batch[k] = (struct conntrack_entry){ .tuple = tuple_of(e->flow) };
			asked[k] = &batch[k];
			k++;
		}
	for (size_t i = 0; i < k; i++)
		unlearn(c, &batch[i].tuple);
	if (k)
		ctnl_exchange(c->requests, CTNL_DEL, asked, k, c->cfg.zone, on_removed, NULL);
	return k == REMOVE_AT_ONCE;
}

static void on_step(struct timer *t, void *arg)
{
	struct conntrack *c = arg;
	struct removal *r = c->removals;
	if (c->sweeping)
		c->sweeping = sweep(c);
	if (r && !remove_some(c, &r->addr)) {
		c->removals = r->next;
		free(r);
	}
	if (c->sweeping || c->removals)
		timer_after(&c->step, 0);
}

void conntrack_remove(struct conntrack *c, const struct in6_addr *addr)
{
	struct removal *r = remove_some(c, addr) ? calloc(1, sizeof *r) : NULL;
	if (!r)
		return;
	r->addr = *addr;
	LL_PREPEND(c->removals, r);
	timer_after(&c->step, 0);
}

void conntrack_refresh(struct conntrack *c)
{
	hear(c, MESSAGES_BEFORE_READ);
}

size_t conntrack_count(const struct conntrack *c, const struct in6_addr *addr)
{
	const struct place *p = place_find(c, addr);
	return p ? p->n : 0;
}

/* ---- life ---- */

static void on_probed(size_t i, int error, const struct nlmsghdr *h, void *arg)
{
	*(int *)arg = error == -ENOENT ? 0 : error;
}

/* A kernel without ctnetlink calls whatever is asked of it invalid. */
static int probe(struct conntrack *c)
{
	struct conntrack_entry nobody = { .tuple = { .src = in6addr_loopback, .dst = in6addr_loopback, .proto = IPPROTO_UDP } };
	const struct conntrack_entry *asked = &nobody;
	int err = 0;
	ctnl_exchange(c->requests, CTNL_GET, &asked, 1, c->cfg.zone, on_probed, &err);
	return err == -EINVAL ? -EOPNOTSUPP : err;
}

struct conntrack *conntrack_open(struct loop *l, const struct conntrack_config *cfg)
{
	struct conntrack *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	*c = (struct conntrack){ .loop = l, .cfg = *cfg, .events = -1, .requests = -1 };
	bucket_init(&c->lines, 0.1, 3);
	timer_init(&c->dump, l, on_dump, c);
	timer_init(&c->step, l, on_step, c);
	int err = c->events = events_open();
	if (err >= 0)
		err = c->requests = ctnl_open();
	if (err >= 0)
		err = probe(c);
	if (err >= 0)
		err = ctnl_dump(c->events);
	if (err >= 0 && !(c->watch = loop_fd_add(l, c->events, LOOP_READ, on_events, c)))
		err = -ENOMEM;
	if (err < 0) {
		conntrack_close(c);
		errno = -err;
		return NULL;
	}
	c->dumping = true;
	c->generation = 1;
	c->dumped = loop_now(l);
	conntrack_counters[CONNTRACK_DUMPS].value++;
	return c;
}

static void forget_all(struct conntrack *c)
{
	struct removal *r, *tmp;
	while (c->oldest)
		flow_free(c, c->oldest);
	LL_FOREACH_SAFE(c->removals, r, tmp)
		free(r);
	c->removals = NULL;
}

void conntrack_reconfigure(struct conntrack *c, const struct conntrack_config *cfg)
{
	bool zone = cfg->zone != c->cfg.zone;
	c->cfg = *cfg;
	if (zone)
		forget_all(c);
	while (HASH_COUNT(c->flows) > c->cfg.limit)
		flow_free(c, c->oldest);
	if (zone)
		on_dump(NULL, c);
}

void conntrack_close(struct conntrack *c)
{
	if (!c)
		return;
	timer_stop(&c->dump);
	timer_stop(&c->step);
	loop_fd_del(c->watch);
	forget_all(c);
	if (c->events >= 0)
		close(c->events);
	if (c->requests >= 0)
		close(c->requests);
	free(c);
}
