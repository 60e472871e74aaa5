#include "fmip6/fmip6_mn_binding.h"

#include <stdio.h>
#include <string.h>

#include "core/secret.h"

#define RENEW_AGAIN (2 * USEC_SEC) /* after a renewal that nobody answered */

static void retry_timeout(struct timer *t, void *arg);
static void renew_timeout(struct timer *t, void *arg);
static void expire_timeout(struct timer *t, void *arg);

void bindings_init(struct bindings *t)
{
	t->seq = fmip6_random16();
	bucket_init(&t->log, 1, 10);
	for (int i = 0; i < MN_BINDINGS; i++) {
		struct binding *b = &t->items[i];
		b->mn = t->mn;
		timer_init(&b->retry, t->loop, retry_timeout, t);
		timer_init(&b->renew, t->loop, renew_timeout, t);
		timer_init(&b->expire, t->loop, expire_timeout, t);
	}
}

void bindings_stop(struct bindings *t)
{
	for (int i = 0; i < MN_BINDINGS; i++)
		binding_drop(&t->items[i]);
}

struct binding *binding_of(struct bindings *t, const struct in6_addr *pcoa)
{
	for (int i = 0; i < MN_BINDINGS; i++)
		if (t->items[i].used && addr_eq(&t->items[i].v.pcoa, pcoa))
			return &t->items[i];
	return NULL;
}

struct binding *binding_at_home(struct bindings *t, const struct prefix *link)
{
	for (int i = 0; i < MN_BINDINGS; i++)
		if (t->items[i].used && prefix_has(link, &t->items[i].v.pcoa))
			return &t->items[i];
	return NULL;
}

bool binding_in_force(const struct binding *b)
{
	return b->v.expires > 0 && addr_eq(&b->v.ncoa, &b->v.local);
}

void binding_drop(struct binding *b)
{
	timer_stop(&b->retry);
	timer_stop(&b->renew);
	timer_stop(&b->expire);
	b->used = b->told = b->kept = b->lodged = b->yielded = false;
	b->exchange = EXCHANGE_NONE;
	memset(&b->v, 0, sizeof b->v);
}

void binding_over(struct bindings *t, struct binding *b)
{
	struct mn_binding_view v = b->v;
	binding_drop(b);
	t->ops->unbind(t->arg, &v);
}

static struct binding *binding_free_slot(struct bindings *t)
{
	struct binding *oldest = &t->items[0];
	for (int i = 0; i < MN_BINDINGS; i++) {
		if (!t->items[i].used)
			return &t->items[i];
		if (t->items[i].made < oldest->made)
			oldest = &t->items[i];
	}
	binding_over(t, oldest);
	return oldest;
}

struct binding *binding_get(struct bindings *t, const struct mn_place *home)
{
	struct binding *b = binding_of(t, &home->coa);
	if (b)
		return b;
	b = binding_free_slot(t);
	b->used = true;
	b->kept = true;
	b->made = loop_now(t->loop);
	b->v = (struct mn_binding_view){ .par = home->router, .pcoa = home->coa, .prefix = home->prefix };
	return b;
}

/* ---- exchange ---- */

/* From the PAR's link the PCoA says who we are; from elsewhere where we are does. */
static bool from_here(enum exchange x)
{
	return x == EXCHANGE_FOLLOW || x == EXCHANGE_RELEASE;
}

static bool of_lifetime_0(enum exchange x)
{
	return x == EXCHANGE_GIVE_UP || x == EXCHANGE_RELEASE;
}

static void exchange_send(struct bindings *t, struct binding *b)
{
	uint8_t out[128 + RIDER_MAX], rider[RIDER_MAX];
	struct badf_key key;
	bool give_up = of_lifetime_0(b->exchange);
	struct in6_addr src = from_here(b->exchange) ? t->here->coa : b->v.pcoa;
	struct fbu m = { .seq = ++t->seq, .flags = FBU_ACK | FBU_HOME, .has_badf = true };
	struct in6_addr iid;
	uint32_t spi = MN_SPI_ANY;
	bool keyed = t->ops->key(t->arg, &b->v.par, &b->v.pcoa, &spi, &key);
	m.badf.spi = spi;
	t->ops->self(t->arg, &m.lladdr, &iid);
	m.lifetime = give_up ? 0 : (uint16_t)(t->params->lifetime / USEC_SEC);
	if (!give_up && (!addr_eq(&src, &b->v.ncoa) || addr_eq(&src, &b->v.pcoa))) /* §6.2.2: from the PCoA it MUST be there */
		m.ncoa = b->v.ncoa;
	if (!give_up && b->exchange != EXCHANGE_FOLLOW && t->ops->rider) {
		m.rider = rider;
		m.rider_len = t->ops->rider(t->arg, &b->v, rider, sizeof rider);
	}
	b->seq = m.seq;
	if (b->tries == 0)
		b->first_seq = m.seq;
	timer_after(&b->retry, t->params->fbu_timeout << (b->tries < 8 ? b->tries : 8));
	b->tries++;
	int n = fbu_pack(&m, out, sizeof out);
	if (n < 0 || !keyed) {
		log_limited(&t->log, loop_now(t->loop), LOG_LEVEL_WARNING, "fmip6", "FBU not sent mobile=%s peer=%s reason=\"no key\"",
		            ADDR(&b->v.pcoa), ADDR(&b->v.par));
		return;
	}
	if (badf_sign(&key, give_up ? &b->v.pcoa : &b->v.ncoa, &b->v.par, out, (size_t)n) == 0) {
		FMIP6_COUNT(FMIP6_FBU_SENT);
		b->told = true;
		t->events->sent(t->mn, b, loop_now(t->loop));
		t->ops->send_fbu(t->arg, &src, &b->v.par, &b->v.pcoa, out, (size_t)n);
	}
	secret_wipe(&key, sizeof key);
}

void binding_exchange(struct binding *b, enum exchange x)
{
	struct bindings *t = b->retry.arg;
	b->exchange = x;
	b->tries = 0;
	b->began = loop_now(t->loop);
	timer_stop(&b->renew);
	exchange_send(t, b);
}

static struct binding *binding_of_timer(struct bindings *t, const struct timer *timer)
{
	for (int i = 0; i < MN_BINDINGS; i++) {
		struct binding *b = &t->items[i];
		if (timer == &b->retry || timer == &b->renew || timer == &b->expire)
			return b;
	}
	return NULL;
}

static void exchange_failed(struct bindings *t, struct binding *b, const char *reason)
{
	enum exchange x = b->exchange;
	b->exchange = EXCHANGE_NONE;
	timer_stop(&b->retry);
	if (x == EXCHANGE_FOLLOW && timer_armed(&b->expire))
		timer_after(&b->renew, RENEW_AGAIN); /* it still runs: ask again until it ends */
	t->events->failed(t->mn, b, x, reason);
}

static void exchange_silent(struct bindings *t, struct binding *b)
{
	char why[64];
	snprintf(why, sizeof why, "no FBack after %lld FBUs in %llu ms", (long long)b->tries,
	         (unsigned long long)((loop_now(t->loop) - b->began) / USEC_MSEC));
	exchange_failed(t, b, why);
}

static void retry_timeout(struct timer *timer, void *arg)
{
	struct bindings *t = arg;
	struct binding *b = binding_of_timer(t, timer);
	if (b->exchange == EXCHANGE_NONE || t->down)
		return;
	if (b->tries <= t->params->fbu_retries)
		exchange_send(t, b);
	else
		exchange_silent(t, b);
}

static void renew_timeout(struct timer *timer, void *arg)
{
	struct bindings *t = arg;
	struct binding *b = binding_of_timer(t, timer);
	if (b->exchange != EXCHANGE_NONE)
		return;
	if (t->down) {
		timer_after(&b->renew, RENEW_AGAIN);
		return;
	}
	if (!b->lodged)
		b->v.ncoa = t->here->coa;
	binding_exchange(b, b->yielded ? EXCHANGE_RELEASE : EXCHANGE_FOLLOW);
}

static void expire_timeout(struct timer *timer, void *arg)
{
	struct bindings *t = arg;
	struct binding *b = binding_of_timer(t, timer);
	bool asking = b->exchange == EXCHANGE_PREDICT || b->exchange == EXCHANGE_FOLLOW;
	if (asking || (b->lodged && (t->down || t->params->renew))) { /* the answer, or what takes its place, may yet come */
		timer_after(&b->expire, RENEW_AGAIN);
		b->v.expires = 0;
		if (!asking && !t->down) {
			b->exchange = EXCHANGE_FOLLOW;
			exchange_failed(t, b, "its time was over before it was confirmed");
		}
		return;
	}
	LOG_INFO("fmip6", "binding expired mobile=%s peer=%s", ADDR(&b->v.pcoa), ADDR(&b->v.par));
	FMIP6_COUNT(FMIP6_BINDINGS_EXPIRED);
	t->events->ended(t->mn, b);
	binding_over(t, b);
}

/* ---- FBack ---- */

/* The binding whose exchange this answers. */
static struct binding *fback_binding(struct bindings *t, const struct mh_in *in, const struct fback *m)
{
	for (int i = 0; i < MN_BINDINGS; i++) {
		struct binding *b = &t->items[i];
		if (!b->used || b->exchange == EXCHANGE_NONE || !addr_eq(&b->v.par, &in->src))
			continue;
		bool ours = (uint16_t)(m->seq - b->first_seq) <= (uint16_t)(b->seq - b->first_seq);
		bool behind = m->status == FBACK_SEQUENCE && !fmip6_seq_newer(b->seq, m->seq) && b->seq != m->seq;
		if (m->status == FBACK_SEQUENCE ? behind : ours)
			return b;
	}
	return NULL;
}

/* Another address than was asked for is to be used, and signed, whether the Status says so (§6.2.3) or not (§4). */
static bool fback_gives(const struct binding *b, const struct fback *m)
{
	return m->status == FBACK_USE_ALTERNATE ||
	       (m->status < FBACK_UNSPECIFIED && b->exchange != EXCHANGE_GIVE_UP && !addr_is_zero(&m->ncoa));
}

static bool fback_verify(struct bindings *t, const struct binding *b, const struct mh_in *in, const struct fback *m)
{
	struct badf_key key;
	const struct in6_addr *coa = of_lifetime_0(b->exchange) ? &b->v.pcoa : &b->v.ncoa;
	if (fback_gives(b, m))
		coa = &m->ncoa;
	uint32_t spi = m->badf.spi;
	if (!m->has_badf || spi == MN_SPI_ANY || !t->ops->key(t->arg, &b->v.par, &b->v.pcoa, &spi, &key))
		return false;
	bool good = badf_verify(&key, coa, &in->src, in->data, in->len);
	secret_wipe(&key, sizeof key);
	return good;
}

static const char *fback_reason(uint8_t status)
{
	switch ((enum fback_status)status) {
	case FBACK_PROHIBITED:
		return "the previous router refused: administratively prohibited";
	case FBACK_NO_RESOURCES:
		return "the previous router refused: insufficient resources";
	case FBACK_BAD_IID:
		return "the previous router refused: interface identifier length";
	case FBACK_ACCEPTED:
	case FBACK_USE_ALTERNATE:
	case FBACK_UNSPECIFIED:
	case FBACK_SEQUENCE:
		break;
	}
	return "the previous router refused: reason unspecified";
}

void binding_runs(struct binding *b, uint16_t lifetime, usec_t since)
{
	const struct bindings *t = b->retry.arg;
	b->lifetime = lifetime;
	b->v.expires = lifetime ? since + lifetime * USEC_SEC : 0;
	if (!lifetime)
		return;
	timer_at(&b->expire, b->v.expires);
	if (t->params->renew && b->kept)
		timer_after(&b->renew, lifetime * USEC_SEC / 4 * 3);
}

static void fback_accepted(struct bindings *t, struct binding *b, const struct fback *m, usec_t at)
{
	enum exchange x = b->exchange;
	if (fback_gives(b, m))
		b->v.ncoa = m->ncoa;
	b->exchange = EXCHANGE_NONE;
	timer_stop(&b->retry);
	b->v.local = b->v.ncoa;
	binding_runs(b, of_lifetime_0(x) ? 0 : m->lifetime, at);
	t->events->accepted(t->mn, b, x, at);
}

void bindings_fback(struct bindings *t, const struct mh_in *in)
{
	struct fback m;
	FMIP6_COUNT(FMIP6_FBACK_RECEIVED);
	if (fback_parse(in->data, in->len, &m) < 0) {
		FMIP6_COUNT(FMIP6_MALFORMED);
		log_limited(&t->log, in->at, LOG_LEVEL_NOTICE, "fmip6", "FBack ignored peer=%s reason=malformed", ADDR(&in->src));
		return;
	}
	struct binding *b = fback_binding(t, in, &m);
	if (!b || !fback_verify(t, b, in, &m)) {
		FMIP6_COUNT(FMIP6_FBACK_IGNORED);
		if (b)
			log_limited(&t->log, in->at, LOG_LEVEL_NOTICE, "fmip6", "FBack ignored mobile=%s peer=%s reason=authenticator",
			            ADDR(&b->v.pcoa), ADDR(&in->src));
		return;
	}
	if (m.status == FBACK_SEQUENCE) {
		t->seq = m.seq; /* an earlier life of ours was further on: go on from there */
		exchange_send(t, b);
		b->first_seq = b->seq;
	} else if (m.status >= FBACK_UNSPECIFIED) {
		exchange_failed(t, b, fback_reason(m.status));
	} else if (m.status == FBACK_USE_ALTERNATE && addr_is_zero(&m.ncoa)) {
		exchange_failed(t, b, "the previous router named no other address"); /* §6.2.3: it MUST */
	} else {
		fback_accepted(t, b, &m, in->at);
	}
}
