#include "fmip6/fmip6_inform.h"

#include <stdlib.h>

#define BATCH 16
#define PAUSE (100 * USEC_MSEC)
#define CHANGES (1 * USEC_SEC) /* rounds begin no faster, however often the map changes */

struct fmip6_inform {
	struct loop *loop;
	const struct fmip6_params *params;
	const struct inform_ops *ops;
	void *arg;
	struct timer round, batch;
	usec_t began;  /* the last round; 0: none yet */
	uint64_t told; /* digest of what it told */
	bool first, again;
};

/* Between three and five quarters of the interval: routers that were started together do not stay together. */
static void round_later(struct fmip6_inform *i)
{
	usec_t quarter = i->params->inform / 4;
	timer_after(&i->round, 3 * quarter + 2 * quarter * fmip6_random16() / UINT16_MAX);
}

static void round_begin(struct fmip6_inform *i)
{
	i->began = loop_now(i->loop);
	i->told = i->ops->digest(i->arg);
	i->first = true;
	i->again = false;
	round_later(i);
	timer_after(&i->batch, 0);
}

static void round_soon(struct fmip6_inform *i)
{
	usec_t now = loop_now(i->loop), earliest = i->began ? i->began + CHANGES : now;
	timer_after(&i->round, earliest > now ? earliest - now : 0);
}

static void batch_timeout(struct timer *t, void *arg)
{
	struct fmip6_inform *i = arg;
	for (int n = 0; n < BATCH; n++) {
		bool more = i->ops->next(i->arg, i->first);
		i->first = false;
		if (more)
			continue;
		if (i->again)
			round_soon(i);
		return;
	}
	timer_after(t, PAUSE);
}

static void round_timeout(struct timer *t, void *arg)
{
	struct fmip6_inform *i = arg;
	if (timer_armed(&i->batch))
		round_later(i); /* so many mobiles that the last round is not over */
	else
		round_begin(i);
}

void inform_changed(struct fmip6_inform *i)
{
	uint64_t digest;
	if (i->params->inform == 0 || (digest = i->ops->digest(i->arg)) == i->told)
		return;
	i->told = digest;
	LOG_INFO("fmip6", "telling mobiles what has changed around interval_ms=%llu", (unsigned long long)(i->params->inform / USEC_MSEC));
	if (timer_armed(&i->batch))
		i->again = true;
	else
		round_soon(i);
}

void inform_reload(struct fmip6_inform *i)
{
	if (i->params->inform == 0) {
		timer_stop(&i->round);
		timer_stop(&i->batch);
		return;
	}
	if (!timer_armed(&i->round) || i->round.when > loop_now(i->loop) + i->params->inform)
		round_later(i);
	inform_changed(i);
}

struct fmip6_inform *inform_create(struct loop *l, const struct fmip6_params *params, const struct inform_ops *ops, void *arg)
{
	struct fmip6_inform *i = calloc(1, sizeof *i);
	if (!i)
		return NULL;
	i->loop = l;
	i->params = params;
	i->ops = ops;
	i->arg = arg;
	timer_init(&i->round, l, round_timeout, i);
	timer_init(&i->batch, l, batch_timeout, i);
	i->told = ops->digest(arg);
	inform_reload(i);
	return i;
}

void inform_destroy(struct fmip6_inform *i)
{
	if (!i)
		return;
	timer_stop(&i->round);
	timer_stop(&i->batch);
	free(i);
}
