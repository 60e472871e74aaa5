/*
 * What is wanted (group → interfaces, each with a source filter) and what flows (source, group → incoming interface) are two
 * tables. The kernel asks about each new flow once; from then on its entry follows what is wanted, in place. A flow that
 * nobody wants has an entry too, an empty one, so that the kernel does not ask again for every packet.
 */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION(key, len, out) ((out) = (unsigned)hash_keyed((key), (len)))
#include <uthash.h>

#include "core/log.h"
#include "core/output.h"
#include "core/secret.h"
#include "net/mroute.h"
#include "net/mroute_kernel.h"

#define SCAN (20 * USEC_SEC)
#define IDLE (210 * USEC_SEC)       /* a forwarded flow is forgotten after this much silence (PIM's keepalive period) */
#define IDLE_EMPTY (60 * USEC_SEC)  /* one that nobody wants, earlier */
#define FLOWS_PER_GROUP 4
#define UPSTREAM_SOURCES 64         /* of one group; more are asked for as a whole */
#define NO_MIF (-1)

struct want {
	struct in6_addr group;
	const struct source_filter *filter[MROUTE_MIFS]; /* what is wanted there; NULL: nothing */
	const struct source_filter *joined; /* what we listen to upstream; NULL: not joined */
	int join; /* handle of the upstream membership */
	UT_hash_handle hh;
};

struct flow {
	struct mroute_sg sg;
	int parent;
	uint32_t mifs; /* as the kernel has it */
	struct mroute_counts seen;
	usec_t active;
	UT_hash_handle hh;
};

struct mroute {
	const struct mroute_kernel *kernel;
	struct loop *loop;
	int fd;
	struct loop_fd *watch;
	struct timer scan;
	int ifindex[MROUTE_MIFS]; /* 0: free */
	int upstream;             /* MIF, or NO_MIF */
	struct want *wants;
	struct flow *flows;
	size_t max_groups, max_flows;
	struct joins *joins;
	uint64_t upcalls, refused;
	struct bucket limit;
	mroute_joined_fn *joined_fn;
	void *joined_arg;
};

static int mif_of(const struct mroute *m, int ifindex)
{
	for (int i = 0; ifindex > 0 && i < MROUTE_MIFS; i++)
		if (m->ifindex[i] == ifindex)
			return i;
	return NO_MIF;
}

static int mif_get(struct mroute *m, int ifindex)
{
	int mif = mif_of(m, ifindex);
	if (mif != NO_MIF)
		return mif;
	if (ifindex <= 0)
		return -ENODEV;
	for (mif = 0; mif < MROUTE_MIFS && m->ifindex[mif]; mif++)
		;
	if (mif == MROUTE_MIFS)
		return -ENOSPC;
	int e = m->kernel->mif_add(m->fd, mif, ifindex);
	if (e)
		return e;
	m->ifindex[mif] = ifindex;
	return mif;
}

/* Interface- and link-local scopes (and the reserved 0) never leave their link (RFC 4291 §2.7), nor does 224.0.0.0/24. */
static bool group_routable(const struct mroute *m, const struct in6_addr *g)
{
	if (addr_is_v4(g) != m->kernel->v4 || !addr_is_multicast(g))
		return false;
	return m->kernel->v4 ? g->s6_addr[12] != 224 || g->s6_addr[13] || g->s6_addr[14] : (g->s6_addr[1] & 15) > 2;
}

static bool source_routable(const struct in6_addr *s)
{
	static const struct in6_addr v4_any = { .s6_addr = { [10] = 0xff, [11] = 0xff } };
	return !addr_is_zero(s) && !addr_eq(s, &v4_any) && !addr_is_multicast(s) && !addr_is_link_local(s);
}

static struct want *want_find(const struct mroute *m, const struct in6_addr *group)
{
	struct want *w;
	HASH_FIND(hh, m->wants, group, sizeof *group, w);
	return w;
}

/* RFC 4605 §4.3: from downstream always upstream as well; never back where it came from. */
static uint32_t outgoing(const struct mroute *m, const struct flow *f)
{
	const struct want *w = want_find(m, &f->sg.group);
	uint32_t mifs = 0;
	if (!group_routable(m, &f->sg.group) || !source_routable(&f->sg.source))
		return 0;
	for (int i = 0; w && i < MROUTE_MIFS; i++)
		if (w->filter[i] && source_filter_wants(w->filter[i], &f->sg.source))
			mifs |= 1U << i;
	if (m->upstream != NO_MIF)
		mifs |= 1U << m->upstream;
	return mifs & ~(1U << f->parent);
}

static void flow_remove(struct mroute *m, struct flow *f)
{
	m->kernel->del(m->fd, &f->sg, f->parent);
	HASH_DEL(m->flows, f);
	free(f);
}

static void flow_write(struct mroute *m, struct flow *f)
{
	f->mifs = outgoing(m, f);
	int e = m->kernel->set(m->fd, &f->sg, f->parent, f->mifs);
	if (e)
		log_limited(&m->limit, loop_now(m->loop), LOG_LEVEL_WARNING, "net",
		            "cannot set multicast entry source=%s group=%s error=\"%s\"", ADDR(&f->sg.source), ADDR(&f->sg.group),
		            strerror(-e));
}

/* Brings the kernel's entries in line with what is wanted now; of one group, or of all. */
static void flows_update(struct mroute *m, const struct in6_addr *group)
{
	struct flow *f, *next;
	HASH_ITER(hh, m->flows, f, next) {
		if ((!group || addr_eq(&f->sg.group, group)) && outgoing(m, f) != f->mifs)
			flow_write(m, f);
	}
}

/* The one that was silent longest, of those that nobody wants; else, if any will do, of all. NULL: none. */
static struct flow *flow_least(struct mroute *m, bool unwanted_only)
{
	struct flow *f, *next, *least = NULL;
	HASH_ITER(hh, m->flows, f, next) {
		if (f->mifs && unwanted_only)
			continue;
		if (!least || !f->mifs > !least->mifs || (!f->mifs == !least->mifs && f->active < least->active))
			least = f;
	}
	return least;
}

/* Room for one more flow, if need be in place of one that nobody wants. */
static bool flows_room(struct mroute *m)
{
	if (HASH_COUNT(m->flows) < m->max_flows)
		return true;
	struct flow *least = flow_least(m, true);
	if (least)
		flow_remove(m, least);
	return least != NULL;
}

static struct flow *flow_add(struct mroute *m, const struct mroute_sg *sg)
{
	struct flow *f = flows_room(m) ? calloc(1, sizeof *f) : NULL;
	if (!f) {
		m->refused++;
		log_limited(&m->limit, loop_now(m->loop), LOG_LEVEL_WARNING, "net",
		            "multicast flow refused source=%s group=%s reason=\"table full\" threshold=%zu", ADDR(&sg->source),
		            ADDR(&sg->group), m->max_flows);
		return NULL;
	}
	f->sg = *sg;
	HASH_ADD(hh, m->flows, sg, sizeof f->sg, f);
	if (f->hh.tbl)
		return f;
	free(f);
	return NULL;
}

/*
 * A known flow comes in on another interface. Its source has moved, unless packets still come in on the old one: then
 * there are two ways to it and the first stays.
 */
static bool flow_moved(struct mroute *m, struct flow *f)
{
	struct mroute_counts now;
	if (m->kernel->counts(m->fd, &f->sg, &now) < 0)
		return true;
	bool moved = now.right == f->seen.right;
	f->seen = now;
	return moved;
}

static void on_upcall(struct mroute *m, const struct mroute_upcall *u)
{
	struct flow *f;
	m->upcalls++;
	if (!m->ifindex[u->mif])
		return;
	HASH_FIND(hh, m->flows, &u->sg, sizeof u->sg, f);
	if (u->wrong && f && !flow_moved(m, f))
		return;
	if (f && u->wrong)
		m->kernel->del(m->fd, &f->sg, f->parent); /* its counters start anew with the new interface */
	if (!f)
		f = flow_add(m, &u->sg);
	if (!f)
		return;
	f->parent = u->mif;
	f->seen = (struct mroute_counts){ 0 };
	f->active = loop_now(m->loop);
	flow_write(m, f);
	LOG_DEBUG("mroute", "flow source=%s group=%s ifindex=%d interfaces=%#x", ADDR(&f->sg.source), ADDR(&f->sg.group),
	          m->ifindex[u->mif], f->mifs);
}

static void on_readable(int fd, unsigned events, void *arg)
{
	struct mroute *m = arg;
	uint8_t buf[2048];
	for (int i = 0; i < 64; i++) {
		struct mroute_upcall u;
		ssize_t n = recv(fd, buf, sizeof buf, 0);
		if (n < 0)
			return;
		if (m->kernel->upcall(rd_make(buf, (size_t)n), &u))
			on_upcall(m, &u);
	}
}

static bool flow_expired(struct mroute *m, struct flow *f, usec_t now)
{
	struct mroute_counts c;
	if (m->kernel->counts(m->fd, &f->sg, &c) < 0)
		return true;
	bool silent = c.right == f->seen.right, elsewhere = c.wrong != f->seen.wrong;
	f->seen = c;
	if (!silent)
		f->active = now;
	return silent && (elsewhere || now - f->active >= (f->mifs ? IDLE : IDLE_EMPTY));
}

static void on_scan(struct timer *t, void *arg)
{
	struct mroute *m = arg;
	usec_t now = loop_now(m->loop);
	struct flow *f, *next;
	HASH_ITER(hh, m->flows, f, next) {
		if (flow_expired(m, f, now))
			flow_remove(m, f);
	}
	timer_after(&m->scan, SCAN);
}

struct mroute *mroute_open(struct loop *l, bool v4, size_t max_groups)
{
	struct mroute *m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	*m = (struct mroute){ .kernel = v4 ? &mroute_kernel4 : &mroute_kernel6, .loop = l, .upstream = NO_MIF };
	mroute_limit(m, max_groups);
	bucket_init(&m->limit, 1, 5);
	timer_init(&m->scan, l, on_scan, m);
	m->fd = m->kernel->open();
	int e = m->fd < 0 ? -m->fd : ENOMEM;
	if (m->fd >= 0) {
		m->joins = joins_create(v4);
		m->watch = m->joins ? loop_fd_add(l, m->fd, LOOP_READ, on_readable, m) : NULL;
		if (m->watch) {
			timer_after(&m->scan, SCAN);
			return m;
		}
		joins_destroy(m->joins);
		close(m->fd);
	}
	free(m);
	errno = e;
	return NULL;
}

/* The caller sees to what is wanted beyond the limit. Of the flows, those that nobody wants go first. */
void mroute_limit(struct mroute *m, size_t max_groups)
{
	m->max_groups = max_groups;
	m->max_flows = max_groups * FLOWS_PER_GROUP;
	while (HASH_COUNT(m->flows) > m->max_flows)
		flow_remove(m, flow_least(m, false));
}

void mroute_on_joined(struct mroute *m, mroute_joined_fn *fn, void *arg)
{
	m->joined_fn = fn;
	m->joined_arg = arg;
}

static void want_free(struct mroute *m, struct want *w)
{
	for (int i = 0; i < MROUTE_MIFS; i++)
		source_filter_free(w->filter[i]);
	source_filter_free(w->joined);
	HASH_DEL(m->wants, w);
	free(w);
}

/* Closing the routing socket takes every MIF and entry out of the kernel. */
void mroute_close(struct mroute *m)
{
	if (!m)
		return;
	struct flow *f, *f_next;
	struct want *w, *w_next;
	timer_stop(&m->scan);
	loop_fd_del(m->watch);
	HASH_ITER(hh, m->flows, f, f_next) {
		HASH_DEL(m->flows, f);
		free(f);
	}
	HASH_ITER(hh, m->wants, w, w_next)
		want_free(m, w);
	joins_destroy(m->joins);
	close(m->fd);
	free(m);
}

/* RFC 4605 §4.1: what all interfaces want together. Owned. */
static const struct source_filter *want_merged(const struct want *w)
{
	const struct source_filter *all = &source_filter_none;
	for (int i = 0; i < MROUTE_MIFS; i++) {
		if (!w->filter[i])
			continue;
		const struct source_filter *both = source_filter_merge(all, w->filter[i], UPSTREAM_SOURCES);
		source_filter_free(all);
		all = both;
	}
	return all;
}

static void want_leave(struct mroute *m, struct want *w)
{
	if (w->joined)
		joins_del(m->joins, m->ifindex[m->upstream], &w->group, w->join);
	source_filter_free(w->joined);
	w->joined = NULL;
}

/* Upstream we listen to what is wanted now, and to nothing if nothing is. */
static int want_join(struct mroute *m, struct want *w)
{
	if (m->upstream == NO_MIF)
		return 0;
	int up = m->ifindex[m->upstream], e = 0;
	const struct source_filter *f = want_merged(w), *before = w->joined;
	if (source_filter_empty(f)) {
		source_filter_free(f);
		want_leave(m, w);
		return 0;
	}
	if (!before)
		e = joins_add(m->joins, up, &w->group, f, &w->join);
	else if (!source_filter_eq(before, f))
		e = joins_change(m->joins, up, &w->group, f, w->join);
	if (e) {
		source_filter_free(f);
		return e;
	}
	w->joined = f;
	if (m->joined_fn && (!before || !source_filter_covers(before, f)))
		m->joined_fn(up, &w->group, before, f, m->joined_arg);
	source_filter_free(before);
	return 0;
}

static bool want_none(const struct want *w)
{
	for (int i = 0; i < MROUTE_MIFS; i++)
		if (w->filter[i])
			return false;
	return true;
}

static int want_add(struct mroute *m, const struct in6_addr *group, struct want **out)
{
	if (HASH_COUNT(m->wants) >= m->max_groups)
		return -ENOSPC;
	struct want *w = calloc(1, sizeof *w);
	if (!w)
		return -ENOMEM;
	w->group = *group;
	HASH_ADD(hh, m->wants, group, sizeof w->group, w);
	if (!w->hh.tbl) {
		free(w);
		return -ENOMEM;
	}
	*out = w;
	return 0;
}

static void want_set(struct want *w, int mif, const struct source_filter *f)
{
	source_filter_free(w->filter[mif]);
	w->filter[mif] = source_filter_empty(f) ? NULL : source_filter_copy(f);
}

static void want_end(struct mroute *m, struct want *w)
{
	want_leave(m, w);
	want_free(m, w);
}

static int forward(struct mroute *m, const struct in6_addr *group, int mif, const struct source_filter *f)
{
	struct want *w = want_find(m, group);
	int e = w || source_filter_empty(f) ? 0 : want_add(m, group, &w);
	if (e || !w)
		return e;
	want_set(w, mif, f);
	flows_update(m, group);
	if (want_none(w)) {
		want_end(m, w);
		return 0;
	}
	e = want_join(m, w);
	if (e) /* sources downstream are served all the same; the next call tries again */
		log_limited(&m->limit, loop_now(m->loop), LOG_LEVEL_WARNING, "net",
		            "cannot join upstream group=%s ifindex=%d error=\"%s\"", ADDR(group), m->ifindex[m->upstream],
		            strerror(-e));
	return e;
}

int mroute_forward(struct mroute *m, const struct in6_addr *group, int ifindex, const struct source_filter *f)
{
	int mif = mif_of(m, ifindex);
	if (!group_routable(m, group))
		return -EINVAL;
	if (mif == NO_MIF)
		return source_filter_empty(f) ? 0 : -ENODEV;
	return mif == m->upstream ? -EINVAL : forward(m, group, mif, f);
}

int mroute_downstream(struct mroute *m, int ifindex)
{
	int mif = mif_get(m, ifindex);
	return mif < 0 ? mif : mif == m->upstream ? -EBUSY : 0;
}

static void upstream_leave(struct mroute *m)
{
	struct want *w, *next;
	HASH_ITER(hh, m->wants, w, next)
		want_leave(m, w);
}

int mroute_upstream(struct mroute *m, int ifindex)
{
	struct want *w, *next;
	int failed = 0, old = m->upstream == NO_MIF ? 0 : m->ifindex[m->upstream];
	if (old == ifindex)
		return 0;
	int mif = ifindex ? mif_get(m, ifindex) : NO_MIF;
	if (ifindex && mif < 0)
		return mif;
	upstream_leave(m);
	m->upstream = NO_MIF;
	if (old)
		mroute_drop(m, old);
	m->upstream = mif;
	HASH_ITER(hh, m->wants, w, next) {
		int e = want_join(m, w);
		failed = e ? e : failed;
	}
	flows_update(m, NULL);
	return failed;
}

void mroute_drop(struct mroute *m, int ifindex)
{
	struct want *w, *w_next;
	struct flow *f, *f_next;
	int mif = mif_of(m, ifindex);
	if (mif == NO_MIF)
		return;
	if (mif == m->upstream) {
		upstream_leave(m);
		m->upstream = NO_MIF;
	}
	HASH_ITER(hh, m->wants, w, w_next) {
		want_set(w, mif, &source_filter_none);
		if (want_none(w))
			want_end(m, w);
		else
			(void)want_join(m, w); /* narrower at most */
	}
	HASH_ITER(hh, m->flows, f, f_next) {
		if (f->parent == mif)
			flow_remove(m, f);
	}
	flows_update(m, NULL);
	m->kernel->mif_del(m->fd, mif);
	m->ifindex[mif] = 0;
}

static void show_interfaces(const struct mroute *m, struct output *o, uint32_t mifs)
{
	char name[IF_NAMESIZE];
	out_list_begin(o, "interfaces");
	for (int i = 0; i < MROUTE_MIFS; i++)
		if (mifs & 1U << i)
			out_str(o, NULL, if_indextoname((unsigned)m->ifindex[i], name));
	out_list_end(o);
}

void mroute_show(struct mroute *m, struct output *o)
{
	char name[IF_NAMESIZE];
	struct flow *f, *f_next;
	HASH_ITER(hh, m->flows, f, f_next) {
		struct mroute_counts c = { 0 };
		m->kernel->counts(m->fd, &f->sg, &c);
		out_item_begin(o, NULL);
		out_addr(o, "source", &f->sg.source);
		out_addr(o, "group", &f->sg.group);
		out_str(o, "from", if_indextoname((unsigned)m->ifindex[f->parent], name));
		show_interfaces(m, o, f->mifs);
		out_uint(o, "packets", c.right);
		out_item_end(o);
	}
}
