#include "net/conntrack.h"

#include <errno.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "core/log.h"
#include "net/conntrack_priv.h"
#include "net/conntrack_table.h"

#define MESSAGES_AT_ONCE 64               /* events between which other work of the loop gets its turn */
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

struct removal {
	struct removal *next;
	struct in6_addr addr;
};

struct conntrack {
	struct loop *loop;
	struct conntrack_config cfg;
	int events, requests;
	struct loop_fd *watch;
	struct conntrack_table *table;
	uint32_t generation;
	bool dumping, sweeping, again; /* again: events were lost during a dump */
	usec_t dumped;
	struct timer dump, step;
	struct removal *removals;
	struct bucket lines;
};

/* ---- the table ---- */

static void tell_size(const struct conntrack *c)
{
	conntrack_counters[CONNTRACK_FLOWS].value = conntrack_table_size(c->table);
}

static void dump_after(struct conntrack *c, usec_t delay)
{
	if (!timer_armed(&c->dump))
		timer_after(&c->dump, delay);
}

static void learn(struct conntrack *c, const struct conntrack_entry *e)
{
	if (conntrack_table_learn(c->table, &e->tuple, e->nat, c->generation)) {
		tell_size(c);
		return;
	}
	conntrack_counters[CONNTRACK_UNTRACKED].value++;
	log_limited(&c->lines, loop_now(c->loop), LOG_LEVEL_WARNING, "context",
	            "connection-tracking entry not learnt, it will not move with its mobile known=%zu limit=%zu",
	            conntrack_table_size(c->table), c->cfg.limit);
	/* Some that are known may be gone, and their number may fall. */
	dump_after(c, loop_now(c->loop) - c->dumped > DUMP_WHEN_FULL ? 0 : DUMP_WHEN_FULL);
}

static void unlearn(struct conntrack *c, const struct conntrack_tuple *t)
{
	conntrack_table_unlearn(c->table, t);
	tell_size(c);
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

size_t conntrack_read(struct conntrack *c, const struct in6_addr *addr, struct conntrack_entry *out, size_t max)
{
	struct conntrack_entry batch[CTNL_BATCH];
	struct reading r = { .c = c, .out = out };
	hear(c, MESSAGES_BEFORE_READ);
	size_t n = conntrack_table_count(c->table, addr), asked = 0;
	/* The tuples first: entries that are gone leave the table while it is read. */
	struct conntrack_tuple *tuples = calloc(n + 1, sizeof *tuples);
	n = tuples ? conntrack_table_of(c->table, addr, true, tuples, n < max ? n : max) : 0;
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
	struct conntrack_tuple tuples[REMOVE_AT_ONCE];
	struct conntrack_entry batch[REMOVE_AT_ONCE];
	const struct conntrack_entry *asked[REMOVE_AT_ONCE];
	size_t k = conntrack_table_of(c->table, addr, false, tuples, REMOVE_AT_ONCE);
	for (size_t i = 0; i < k; i++) {
		batch[i] = (struct conntrack_entry){ .tuple = tuples[i] };
		asked[i] = &batch[i];
		unlearn(c, &tuples[i]);
	}
	if (k)
		ctnl_exchange(c->requests, CTNL_DEL, asked, k, c->cfg.zone, on_removed, NULL);
	return k == REMOVE_AT_ONCE;
}

static void on_step(struct timer *t, void *arg)
{
	struct conntrack *c = arg;
	struct removal *r = c->removals;
	if (c->sweeping)
		c->sweeping = conntrack_table_sweep(c->table, c->generation, SWEEP_AT_ONCE);
	tell_size(c);
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
	return conntrack_table_count(c->table, addr);
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
	c->table = conntrack_table_create(cfg->limit);
	int err = c->table ? c->events = events_open() : -ENOMEM;
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

static void forget_removals(struct conntrack *c)
{
	struct removal *r, *tmp;
	LL_FOREACH_SAFE(c->removals, r, tmp)
		free(r);
	c->removals = NULL;
}

void conntrack_reconfigure(struct conntrack *c, const struct conntrack_config *cfg)
{
	bool zone = cfg->zone != c->cfg.zone;
	c->cfg = *cfg;
	conntrack_table_limit(c->table, cfg->limit);
	if (zone) {
		forget_removals(c);
		conntrack_table_clear(c->table);
		on_dump(NULL, c);
	}
	tell_size(c);
}

void conntrack_close(struct conntrack *c)
{
	if (!c)
		return;
	timer_stop(&c->dump);
	timer_stop(&c->step);
	loop_fd_del(c->watch);
	forget_removals(c);
	conntrack_table_destroy(c->table);
	conntrack_counters[CONNTRACK_FLOWS].value = 0;
	if (c->events >= 0)
		close(c->events);
	if (c->requests >= 0)
		close(c->requests);
	free(c);
}
