#include "mip6/mip6_renew.h"

#include <stdlib.h>

#include "core/secret.h"
#include "mip6/mip6_machine.h"
#include "mip6/mip6_mn.h"
#include "mip6/mip6_mpd.h"

#define FOREVER UINT64_MAX
#define SLACK (2 * USEC_SEC) /* by which an end may differ and be the same: it is told in seconds, and was under way */

struct mip6_renew {
	struct loop *loop;
	const struct renew_ops *ops;
	void *arg;
	struct prefix home;
	bool bound;  /* there is a home agent to ask */
	bool known;  /* lifetimes were heard of */
	bool asking; /* a solicitation is out and not answered */
	uint16_t id;
	unsigned tries;
	usec_t asked; /* when the last question began; 0: never */
	usec_t valid, preferred; /* until then */
	struct timer again, due, end;
};

/* ---- asking ---- */

static void ask(struct mip6_renew *r)
{
	uint8_t out[MPS_LEN];
	timer_after(&r->again, (MIP6_INITIAL_SOLICIT_TIMER_MS * USEC_MSEC) << r->tries);
	r->tries++;
	mps_pack(r->id, out);
	MIP6_MN_COUNT(MIP6_MN_PREFIXES_ASKED);
	r->ops->solicit(r->arg, out, sizeof out);
}

static void begin(struct mip6_renew *r)
{
	usec_t now = loop_now(r->loop);
	if (!r->bound || r->asking || (r->asked && now < r->asked + RENEW_LEAST))
		return;
	secret_random(&r->id, sizeof r->id);
	r->asking = true;
	r->asked = now;
	r->tries = 0;
	ask(r);
}

/* When there is reason to ask next: at the end of the preferred lifetime, then ever closer to the end. */
static void plan(struct mip6_renew *r)
{
	usec_t now = loop_now(r->loop), at = r->preferred;
	timer_stop(&r->due);
	if (!r->bound || r->asking || r->valid == FOREVER || r->valid <= now)
		return;
	if (at <= now) {
		usec_t half = (r->valid - now) / 2;
		at = now + (half > RENEW_LEAST ? half : RENEW_LEAST);
	}
	if (at < r->valid)
		timer_at(&r->due, at);
}

static void again(struct timer *t, void *arg)
{
	struct mip6_renew *r = arg;
	if (r->tries < RENEW_TRIES) {
		ask(r);
		return;
	}
	r->asking = false;
	plan(r);
}

static void due(struct timer *t, void *arg)
{
	struct mip6_renew *r = arg;
	begin(r);
	if (!r->asking)
		plan(r);
}

void renew_registered(struct mip6_renew *r, bool going)
{
	r->bound = true;
	if (going || !r->known)
		begin(r);
	if (!r->asking && !timer_armed(&r->due))
		plan(r);
}

void renew_stop(struct mip6_renew *r)
{
	r->bound = r->asking = false;
	timer_stop(&r->again);
	timer_stop(&r->due);
}

/* ---- lifetimes ---- */

static void end(struct timer *t, void *arg)
{
	struct mip6_renew *r = arg;
	renew_stop(r);
	r->ops->over(r->arg);
}

static usec_t end_of(uint32_t seconds, usec_t at)
{
	return seconds == UINT32_MAX ? FOREVER : at + seconds * USEC_SEC;
}

/* RFC 4862 §5.5.3 e: what is left decides whether a shorter lifetime is believed. */
static usec_t believed(const struct mip6_renew *r, usec_t told, usec_t at)
{
	usec_t least = at + RENEW_FLOOR;
	if (told > least || told > r->valid)
		return told;
	return r->valid <= least ? r->valid : least;
}

static void own(struct mip6_renew *r, const struct nd_prefix *p, usec_t at)
{
	usec_t valid = believed(r, end_of(p->valid, at), at);
	r->known = true;
	r->preferred = end_of(p->preferred, at);
	if (valid == r->valid || (valid != FOREVER && r->valid != FOREVER && valid + SLACK >= r->valid && r->valid + SLACK >= valid))
		return;
	r->valid = valid;
	if (valid == FOREVER)
		timer_stop(&r->end);
	else
		timer_at(&r->end, valid);
	r->ops->until(r->arg, valid);
}

static void take(struct mip6_renew *r, const struct nd_prefix *all, size_t n, usec_t at)
{
	for (const struct nd_prefix *p = all; p < all + n; p++)
		if (p->prefix.plen == r->home.plen && addr_eq(&p->prefix.addr, &r->home.addr))
			own(r, p, at);
	plan(r);
	for (const struct nd_prefix *p = all; p < all + n; p++)
		if (p->prefix.plen != r->home.plen || !addr_eq(&p->prefix.addr, &r->home.addr))
			r->ops->prefix(r->arg, p, at);
}

void renew_heard(struct mip6_renew *r, const struct nd_prefix *all, size_t n, usec_t at)
{
	take(r, all, n, at);
}

void renew_advertised(struct mip6_renew *r, const uint8_t *data, size_t len, usec_t at)
{
	struct mpa m;
	if (mpa_parse(data, len, &m) < 0) {
		MIP6_COUNT(MIP6_MALFORMED);
		return;
	}
	if (!r->asking || m.id != r->id) { /* §11.4.3: unasked for, it is a reason to ask and nothing more */
		MIP6_MN_COUNT(MIP6_MN_PREFIXES_UNASKED);
		begin(r);
		return;
	}
	MIP6_MN_COUNT(MIP6_MN_PREFIXES_TOLD);
	r->asking = false;
	timer_stop(&r->again);
	take(r, m.prefixes, m.n, at);
}

usec_t renew_valid_until(const struct mip6_renew *r)
{
	return r->valid;
}

/* ---- life ---- */

struct mip6_renew *renew_create(struct loop *l, const struct prefix *home, const struct renew_ops *ops, void *arg)
{
	struct mip6_renew *r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	*r = (struct mip6_renew){ .loop = l, .ops = ops, .arg = arg, .home = *home, .valid = FOREVER, .preferred = FOREVER };
	timer_init(&r->again, l, again, r);
	timer_init(&r->due, l, due, r);
	timer_init(&r->end, l, end, r);
	return r;
}

void renew_destroy(struct mip6_renew *r)
{
	if (!r)
		return;
	renew_stop(r);
	timer_stop(&r->end);
	free(r);
}
