/*
 * What is wanted (group → interfaces) and what flows (source, group → incoming interface) are two tables. The kernel asks
 * about each new flow once; from then on its entry follows what is wanted, in place. A flow that nobody wants has an entry
 * too, an empty one, so that the kernel does not ask again for every packet.
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
#define NO_MIF (-1)

struct want {
	struct in6_addr group;
	uint32_t mifs;
	bool joined;
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
	int e = mroute_kernel_mif_add(m->fd, mif, ifindex);
	if (e)
		return e;
	m->ifindex[mif] = ifindex;
	return mif;
}

/* Interface- and link-local scopes (and the reserved 0) never leave their link (RFC 4291 §2.7). */
static bool group_routable(const struct in6_addr *g)
{
	return addr_is_multicast(g) && (g->s6_addr[1] & 15) > 2;
}

static bool source_routable(const struct in6_addr *s)
{
	return !addr_is_zero(s) && !addr_is_multicast(s) && !addr_is_link_local(s);
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
	uint32_t mifs = w ? w->mifs : 0;
	if (!group_routable(&f->sg.group) || !source_routable(&f->sg.source))
		return 0;
	if (m->upstream != NO_MIF)
		mifs |= 1U << m->upstream;
	return mifs & ~(1U << f->parent);
}

static void flow_remove(struct mroute *m, struct flow *f)
{
	mroute_kernel_del(m->fd, &f->sg, f->parent);
	HASH_DEL(m->flows, f);
	free(f);
}

static void flow_write(struct mroute *m, struct flow *f)
{
	f->mifs = outgoing(m, f);
	int e = mroute_kernel_set(m->fd, &f->sg, f->parent, f->mifs);
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

/* Room for one more flow, if need be in place of one that nobody wants. */
static bool flows_room(struct mroute *m)
{
	struct flow *f, *next, *oldest = NULL;
	if (HASH_COUNT(m->flows) < m->max_flows)
		return true;
	HASH_ITER(hh, m->flows, f, next) {
		if (!f->mifs && (!oldest || f->active < oldest->active))
			oldest = f;
	}
	if (oldest)
		flow_remove(m, oldest);
	return oldest != NULL;
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
	if (mroute_kernel_counts(m->fd, &f->sg, &now) < 0)
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
		mroute_kernel_del(m->fd, &f->sg, f->parent); /* its counters start anew with the new interface */
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
		if (mroute_upcall_parse(rd_make(buf, (size_t)n), &u))
			on_upcall(m, &u);
	}
}

static bool flow_expired(struct mroute *m, struct flow *f, usec_t now)
{
	struct mroute_counts c;
	if (mroute_kernel_counts(m->fd, &f->sg, &c) < 0)
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

struct mroute *mroute_open(struct loop *l, size_t max_groups)
{
	struct mroute *m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	*m = (struct mroute){ .loop = l, .upstream = NO_MIF, .max_groups = max_groups, .max_flows = max_groups * FLOWS_PER_GROUP };
	bucket_init(&m->limit, 1, 5);
	timer_init(&m->scan, l, on_scan, m);
	m->fd = mroute_kernel_open();
	int e = m->fd < 0 ? -m->fd : ENOMEM;
	if (m->fd >= 0) {
		m->joins = joins_create();
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
	HASH_ITER(hh, m->wants, w, w_next) {
		HASH_DEL(m->wants, w);
		free(w);
	}
	joins_destroy(m->joins);
	close(m->fd);
	free(m);
}

static int want_join(struct mroute *m, struct want *w)
{
	if (w->joined || m->upstream == NO_MIF)
		return 0;
	int e = joins_add(m->joins, m->ifindex[m->upstream], &w->group, &w->join);
	w->joined = e == 0;
	return e;
}

static void want_leave(struct mroute *m, struct want *w)
{
	if (w->joined)
		joins_del(m->joins, m->ifindex[m->upstream], &w->group, w->join);
	w->joined = false;
}

static void want_remove(struct mroute *m, struct want *w)
{
	want_leave(m, w);
	HASH_DEL(m->wants, w);
	free(w);
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

static int forward_on(struct mroute *m, const struct in6_addr *group, int mif)
{
	struct want *w = want_find(m, group);
	int e = w ? 0 : want_add(m, group, &w);
	if (e)
		return e;
	w->mifs |= 1U << mif;
	flows_update(m, group);
	e = want_join(m, w);
	if (e) /* sources downstream are served all the same; the next call tries again */
		log_limited(&m->limit, loop_now(m->loop), LOG_LEVEL_WARNING, "net",
		            "cannot join upstream group=%s ifindex=%d error=\"%s\"", ADDR(group), m->ifindex[m->upstream],
		            strerror(-e));
	return e;
}

static void forward_off(struct mroute *m, const struct in6_addr *group, int mif)
{
	struct want *w = want_find(m, group);
	if (!w)
		return;
	w->mifs &= ~(1U << mif);
	flows_update(m, group);
	if (!w->mifs)
		want_remove(m, w);
}

int mroute_forward(struct mroute *m, const struct in6_addr *group, int ifindex, bool on)
{
	int mif = mif_of(m, ifindex);
	if (!group_routable(group))
		return -EINVAL;
	if (mif == NO_MIF)
		return on ? -ENODEV : 0;
	if (mif == m->upstream)
		return -EINVAL;
	if (on)
		return forward_on(m, group, mif);
	forward_off(m, group, mif);
	return 0;
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
		w->mifs &= ~(1U << mif);
		if (!w->mifs)
			want_remove(m, w);
	}
	HASH_ITER(hh, m->flows, f, f_next) {
		if (f->parent == mif)
			flow_remove(m, f);
	}
	flows_update(m, NULL);
	mroute_kernel_mif_del(m->fd, mif);
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
		mroute_kernel_counts(m->fd, &f->sg, &c);
		out_item_begin(o, NULL);
		out_addr(o, "source", &f->sg.source);
		out_addr(o, "group", &f->sg.group);
		out_str(o, "from", if_indextoname((unsigned)m->ifindex[f->parent], name));
		show_interfaces(m, o, f->mifs);
		out_uint(o, "packets", c.right);
		out_item_end(o);
	}
}
