#include "cxtp/cxtp_hold.h"

#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "cxtp/cxtp_count.h"
#include "cxtp/cxtp_table.h"
#include "net/net.h"

struct waiting {
	UT_hash_handle hh;
	struct cxtp_holds *all;
	struct in6_addr ncoa; /* the key */
	struct in6_addr pcoa;
	bool holding; /* else it has been, and will not be again until the timer ends */
	int ifindex;
	struct lladdr lladdr;
	struct timer timer;
};

struct cxtp_holds {
	struct core *core;
	const struct cxtp_params *params;
	struct waiting *waiting;
	struct bucket lines;
};

struct cxtp_holds *cxtp_holds_create(struct core *core, const struct cxtp_params *params)
{
	struct cxtp_holds *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	t->core = core;
	t->params = params;
	bucket_init(&t->lines, 5, 20);
	return t;
}

/* FMIPv6 has a session for it by now, and decides. */
static bool is_fmip6s(const struct waiting *w)
{
	return handover_running(w->all->core->handovers, HANDOVER_NAR, &w->pcoa);
}

static void let_go(struct waiting *w)
{
	struct core *core = w->all->core;
	struct path *h = path_find(core->net->paths, &w->ncoa);
	w->holding = false;
	timer_after(&w->timer, w->all->params->context_lifetime);
	if (!path_is_held(h) || is_fmip6s(w))
		return;
	struct path_stats s = path_stats(h);
	LOG_DEBUG("cxtp", "held packets go on mobile=%s address=%s held=%llu dropped=%llu", ADDR(&w->pcoa), ADDR(&w->ncoa),
	          (unsigned long long)s.held, (unsigned long long)s.held_dropped);
	if (path_release(h, w->ifindex, &w->lladdr, (enum hold_drain)core->settings->hold.drain, NULL, NULL) < 0)
		path_close(h);
}

static void waiting_free(struct waiting *w)
{
	timer_stop(&w->timer);
	HASH_DEL(w->all->waiting, w);
	free(w);
}

static void on_timer(struct timer *timer, void *arg)
{
	struct waiting *w = arg;
	if (w->holding)
		let_go(w);
	else
		waiting_free(w);
}

void cxtp_holds_destroy(struct cxtp_holds *t)
{
	if (!t)
		return;
	while (t->waiting) {
		if (t->waiting->holding)
			let_go(t->waiting);
		waiting_free(t->waiting);
	}
	free(t);
}

static struct waiting *waiting_add(struct cxtp_holds *t, const struct in6_addr *ncoa)
{
	struct waiting *w;
	HASH_FIND(hh, t->waiting, ncoa, sizeof *ncoa, w);
	if (w) /* held now, or lately */
		return NULL;
	w = HASH_COUNT(t->waiting) < t->params->transfers ? calloc(1, sizeof *w) : NULL;
	if (!w) {
		cxtp_count(CXTP_NO_ROOM);
		return NULL;
	}
	w->all = t;
	w->ncoa = *ncoa;
	timer_init(&w->timer, t->core->loop, on_timer, w);
	HASH_ADD(hh, t->waiting, ncoa, sizeof w->ncoa, w);
	return w;
}

void cxtp_hold(struct cxtp_holds *t, const struct in6_addr *pcoa, const struct cxtp_link *from)
{
	struct paths *paths = t->core->net->paths;
	struct lladdr l;
	/* A path that is there is somebody else's; without its link-layer address nothing could be sent to the mobile after. */
	if (addr_is_v4(&from->peer) || path_find(paths, &from->peer) ||
	    handover_running(t->core->handovers, HANDOVER_NAR, pcoa) ||
	    rtnl_neigh_get(t->core->net->rtnl, from->ifindex, &from->peer, &l) < 0)
		return;
	struct waiting *w = waiting_add(t, &from->peer);
	if (!w)
		return;
	w->pcoa = *pcoa;
	w->ifindex = from->ifindex;
	w->lladdr = l;
	struct path *h = path_get(paths, &from->peer);
	int err = h ? path_hold(h, NULL) : -1;
	if (err) {
		log_limited(&t->lines, loop_now(t->core->loop), LOG_LEVEL_WARNING, "cxtp", "traffic not held mobile=%s address=%s",
		            ADDR(pcoa), ADDR(&from->peer));
		path_close(h);
		waiting_free(w);
		return;
	}
	path_hold_from(h, from->ifindex);
	cxtp_count(CXTP_HELD_MOBILES);
	w->holding = true;
	timer_after(&w->timer, t->params->max_transfer_time);
}

void cxtp_hold_end(struct cxtp_holds *t, const struct in6_addr *pcoa)
{
	struct waiting *w, *next;
	HASH_ITER(hh, t->waiting, w, next)
		if (w->holding && addr_eq(&w->pcoa, pcoa))
			let_go(w);
}
