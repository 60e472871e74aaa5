#include "mip6/mip6_seek.h"

#include <stdlib.h>

#include "core/secret.h"
#include "mip6/mip6_dhaad.h"
#include "mip6/mip6_machine.h"
#include "mip6/mip6_mn.h"

struct mip6_seek {
	struct loop *loop;
	const struct seek_ops *ops;
	void *arg;
	struct in6_addr anycast;
	bool asking;   /* a request is out */
	uint16_t id;
	unsigned sent; /* of that request */
	size_t n;
	struct in6_addr agents[SEEK_AGENTS];
	struct timer timer;
};

static void ask(struct mip6_seek *s)
{
	uint8_t out[DHAAD_REQUEST_LEN];
	timer_after(&s->timer, (MIP6_INITIAL_DHAAD_TIMEOUT_MS * USEC_MSEC) << s->sent);
	s->sent++;
	dhaad_request_pack(s->id, out);
	MIP6_MN_COUNT(MIP6_MN_DISCOVERY_SENT);
	s->ops->ask(s->arg, &s->anycast, out, sizeof out);
}

static void begin(struct mip6_seek *s)
{
	secret_random(&s->id, sizeof s->id);
	s->asking = true;
	s->sent = 0;
	ask(s);
}

static void timeout(struct timer *t, void *arg)
{
	struct mip6_seek *s = arg;
	if (!s->asking) {
		begin(s);
	} else if (s->sent <= MIP6_DHAAD_RETRIES) {
		ask(s);
	} else {
		s->asking = false;
		timer_after(&s->timer, SEEK_PAUSE);
		s->ops->silent(s->arg, loop_now(s->loop));
	}
}

void seek_begin(struct mip6_seek *s, const struct prefix *home)
{
	struct in6_addr anycast = dhaad_anycast(home);
	if (s->asking && addr_eq(&anycast, &s->anycast))
		return;
	s->anycast = anycast;
	begin(s);
}

void seek_later(struct mip6_seek *s, const struct prefix *home)
{
	if (timer_armed(&s->timer))
		return;
	s->anycast = dhaad_anycast(home);
	timer_after(&s->timer, SEEK_PAUSE);
}

void seek_stop(struct mip6_seek *s)
{
	timer_stop(&s->timer);
	s->asking = false;
}

void seek_reply(struct mip6_seek *s, const uint8_t *data, size_t len, usec_t at)
{
	struct in6_addr agents[SEEK_AGENTS];
	uint16_t id;
	int n = dhaad_reply_parse(data, len, &id, agents, SEEK_AGENTS);
	if (n < 0) {
		MIP6_COUNT(MIP6_MALFORMED);
		return;
	}
	if (!s->asking || id != s->id || n == 0)
		return;
	MIP6_MN_COUNT(MIP6_MN_DISCOVERY_ANSWERED);
	seek_stop(s);
	s->n = (size_t)n;
	for (size_t i = 0; i < s->n; i++)
		s->agents[i] = agents[i];
	s->ops->found(s->arg, at);
}

const struct in6_addr *seek_agent(const struct mip6_seek *s, size_t i)
{
	return i < s->n ? &s->agents[i] : NULL;
}

struct mip6_seek *seek_create(struct loop *l, const struct seek_ops *ops, void *arg)
{
	struct mip6_seek *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	*s = (struct mip6_seek){ .loop = l, .ops = ops, .arg = arg };
	timer_init(&s->timer, l, timeout, s);
	return s;
}

void seek_destroy(struct mip6_seek *s)
{
	if (!s)
		return;
	timer_stop(&s->timer);
	free(s);
}
