/* The bus: one list of subscriptions per topic. What is unsubscribed while notes are under way is only marked, and goes
 * when the outermost publication has ended, so that no walk loses its place. */
#include "core/bus.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "core/log.h"

#define BUS_DEPTH_MAX 32 /* publications within publications; more is two modules answering each other for ever */

struct bus_sub {
	TAILQ_ENTRY(bus_sub) link;
	struct bus *bus;
	enum bus_topic topic;
	uint64_t born; /* publications before this one are not for it */
	bus_fn *fn;    /* NULL: unsubscribed, to be pruned */
	void *arg;
};
TAILQ_HEAD(bus_subs, bus_sub);

struct bus {
	struct loop *loop;
	struct bus_subs subs[BUS_TOPICS];
	uint64_t published;
	unsigned depth;
	bool stale; /* something is to be pruned */
};

struct bus *bus_create(struct loop *l)
{
	struct bus *b = calloc(1, sizeof *b);
	if (!b)
		return NULL;
	b->loop = l;
	for (int i = 0; i < BUS_TOPICS; i++)
		TAILQ_INIT(&b->subs[i]);
	return b;
}

static void sub_free(struct bus_sub *s)
{
	TAILQ_REMOVE(&s->bus->subs[s->topic], s, link);
	free(s);
}

void bus_destroy(struct bus *b)
{
	if (!b)
		return;
	for (int i = 0; i < BUS_TOPICS; i++)
		while (!TAILQ_EMPTY(&b->subs[i]))
			sub_free(TAILQ_FIRST(&b->subs[i]));
	free(b);
}

struct bus_sub *bus_subscribe(struct bus *b, enum bus_topic topic, bus_fn *fn, void *arg)
{
	struct bus_sub *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	*s = (struct bus_sub){.bus = b, .topic = topic, .born = b->published, .fn = fn, .arg = arg};
	TAILQ_INSERT_TAIL(&b->subs[topic], s, link);
	return s;
}

void bus_unsubscribe(struct bus_sub *s)
{
	if (!s)
		return;
	if (!s->bus->depth) {
		sub_free(s);
		return;
	}
	s->fn = NULL;
	s->bus->stale = true;
}

static void prune(struct bus *b)
{
	for (int i = 0; i < BUS_TOPICS; i++)
		for (struct bus_sub *s = TAILQ_FIRST(&b->subs[i]), *next; s; s = next) {
			next = TAILQ_NEXT(s, link);
			if (!s->fn)
				sub_free(s);
		}
	b->stale = false;
}

void bus_publish(struct bus *b, struct bus_note *note)
{
	if (b->depth >= BUS_DEPTH_MAX) {
		LOG_ERROR("bus", "publications within publications go too deep: note dropped topic=%d depth=%u", (int)note->topic,
		          b->depth);
		return;
	}
	if (!note->at)
		note->at = loop_now(b->loop);
	uint64_t id = ++b->published;
	b->depth++;
	/* The topic is kept here: a subscriber may reuse the note for what it publishes itself. */
	struct bus_subs *subs = &b->subs[note->topic];
	struct bus_sub *s;
	TAILQ_FOREACH(s, subs, link)
		if (s->fn && s->born < id)
			s->fn(note, s->arg);
	if (--b->depth == 0 && b->stale)
		prune(b);
}
