#include "cxtp/cxtp_trail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/feature.h"

#define MARKS_MAX 12
#define CONTEXTS_MAX HANDOVER_CONTEXTS_MAX
#define GRACE USEC_SEC /* from a transfer's end until it gets a record of its own */
#define STALE (60 * USEC_SEC) /* notes without an end and without a record are forgotten */

struct trail {
	struct cxtp_trails *trails;
	bool used;
	enum handover_role role;
	struct in6_addr pcoa;
	usec_t touched;
	uint64_t record; /* id of the record the notes go to; 0: none yet */
	bool ended;
	struct in6_addr peer;
	enum handover_result result;
	char reason[sizeof((struct handover *)0)->reason];
	uint8_t marks_n, contexts_n;
	struct handover_mark marks[MARKS_MAX]; /* waiting for a record */
	struct {
		uint16_t fpt;
		uint8_t status;
	} contexts[CONTEXTS_MAX];
	struct timer timer;
};

struct cxtp_trails {
	struct loop *loop;
	struct handovers *handovers;
	struct bus_sub *started;
	size_t limit;
	struct trail trails[];
};

static void put_context(struct handover *h, uint16_t fpt, uint8_t status)
{
	const struct feature *f = feature_find(fpt);
	char name[16];
	snprintf(name, sizeof name, "fpt-%u", fpt);
	handover_context(h, fpt, f ? f->name : name, status);
}

static void flush(struct trail *t, struct handover *h)
{
	t->record = h->id;
	for (uint8_t i = 0; i < t->marks_n; i++)
		handover_step_at(t->trails->handovers, h, (enum handover_step)t->marks[i].step, t->marks[i].at);
	for (uint8_t i = 0; i < t->contexts_n; i++)
		put_context(h, t->contexts[i].fpt, t->contexts[i].status);
	t->marks_n = t->contexts_n = 0;
}

static void trail_free(struct trail *t)
{
	timer_stop(&t->timer);
	t->used = false;
}

/* Nobody else keeps a record of this movement: here is one. */
static void record_own(struct trail *t)
{
	struct handovers *all = t->trails->handovers;
	usec_t first = t->marks_n ? t->marks[0].at : loop_now(t->trails->loop);
	struct handover *h = handover_open(all, t->role, HANDOVER_REACTIVE, &t->pcoa);
	if (!h)
		return;
	uint64_t id = h->id;
	h->started = first;
	if (t->role == HANDOVER_NAR)
		h->par = t->peer;
	else
		h->nar = t->peer;
	if (t->record != id) /* our own subscription may have done it */
		flush(t, h);
	handover_close(all, h, t->result, "%s", t->reason);
}

static void trail_timer(struct timer *timer, void *arg)
{
	struct trail *t = arg;
	record_own(t);
	trail_free(t);
}

static struct trail *trail_find(struct cxtp_trails *all, enum handover_role role, const struct in6_addr *pcoa)
{
	for (struct trail *t = all->trails; t < all->trails + all->limit; t++) {
		if (!t->used || t->role != role || !addr_eq(&t->pcoa, pcoa))
			continue;
		if (loop_now(all->loop) - t->touched <= STALE)
			return t;
		trail_free(t);
	}
	return NULL;
}

/* A free place, else the one not touched for longest. */
static struct trail *trail_place(struct cxtp_trails *all)
{
	struct trail *place = all->trails;
	for (struct trail *t = all->trails; t < all->trails + all->limit; t++) {
		if (!t->used)
			return t;
		if (t->touched < place->touched)
			place = t;
	}
	trail_free(place);
	return place;
}

static struct trail *trail_get(struct cxtp_trails *all, enum handover_role role, const struct in6_addr *pcoa)
{
	struct trail *t = trail_find(all, role, pcoa);
	/* A movement begins while the end of the last one still waits for a record: that one gets its own. */
	if (t && t->ended) {
		timer_stop(&t->timer);
		record_own(t);
		trail_free(t);
		t = NULL;
	}
	if (!t) {
		t = trail_place(all);
		*t = (struct trail){ .trails = all, .used = true, .role = role, .pcoa = *pcoa };
		timer_init(&t->timer, all->loop, trail_timer, t);
	}
	t->touched = loop_now(all->loop);
	return t;
}

static void on_started(struct bus_note *note, void *arg)
{
	struct cxtp_trails *all = arg;
	struct handover *h = note->u.handover.handover;
	struct trail *t = trail_find(all, h->role, &h->pcoa);
	if (!t || t->record)
		return;
	flush(t, h);
	/* Over, and only waiting for this; but not if the record is the one we are making (record_own). */
	if (t->ended && timer_armed(&t->timer))
		trail_free(t);
}

struct cxtp_trails *cxtp_trails_create(struct loop *l, struct bus *bus, struct handovers *handovers, size_t limit)
{
	struct cxtp_trails *t = calloc(1, sizeof *t + limit * sizeof t->trails[0]);
	if (!t)
		return NULL;
	t->loop = l;
	t->handovers = handovers;
	t->limit = limit;
	t->started = bus_subscribe(bus, BUS_HANDOVER_STARTED, on_started, t);
	if (!t->started) {
		free(t);
		return NULL;
	}
	return t;
}

void cxtp_trails_destroy(struct cxtp_trails *t)
{
	if (!t)
		return;
	bus_unsubscribe(t->started);
	for (size_t i = 0; i < t->limit; i++)
		if (t->trails[i].used)
			trail_free(&t->trails[i]);
	free(t);
}

/* The record the notes go to: the one they went to before, ended or not, else one that runs. */
static struct handover *record_of(struct trail *t)
{
	if (t->record)
		return handover_by_id(t->trails->handovers, t->record);
	struct handover *h = handover_running(t->trails->handovers, t->role, &t->pcoa);
	if (h)
		flush(t, h);
	return h;
}

void cxtp_trail_mark(struct cxtp_trails *all, enum handover_role role, const struct in6_addr *pcoa, enum handover_step step, usec_t at)
{
	struct trail *t = trail_get(all, role, pcoa);
	struct handover *h = record_of(t);
	if (h)
		handover_step_at(all->handovers, h, step, at);
	else if (!t->record && t->marks_n < MARKS_MAX)
		t->marks[t->marks_n++] = (struct handover_mark){ .step = (uint8_t)step, .at = at };
}

void cxtp_trail_context(struct cxtp_trails *all, enum handover_role role, const struct in6_addr *pcoa, uint16_t fpt, uint8_t status)
{
	struct trail *t = trail_get(all, role, pcoa);
	struct handover *h = record_of(t);
	if (h) {
		put_context(h, fpt, status);
	} else if (!t->record && t->contexts_n < CONTEXTS_MAX) {
		t->contexts[t->contexts_n].fpt = fpt;
		t->contexts[t->contexts_n++].status = status;
	}
}

static bool worth_a_record(const struct trail *t)
{
	if (t->role == HANDOVER_MN)
		return t->marks_n > 0;
	for (uint8_t i = 0; i < t->marks_n; i++)
		if (t->marks[i].step == (uint8_t)(t->role == HANDOVER_NAR ? STEP_CONTEXTS : STEP_CTDR))
			return true;
	return false;
}

void cxtp_trail_end(struct cxtp_trails *all, enum handover_role role, const struct in6_addr *pcoa, const struct in6_addr *peer,
                    enum handover_result result, const char *reason)
{
	struct trail *t = trail_find(all, role, pcoa);
	if (!t || t->ended)
		return;
	record_of(t);
	if (t->record || !worth_a_record(t)) {
		trail_free(t);
		return;
	}
	t->ended = true;
	t->peer = *peer;
	t->result = result;
	snprintf(t->reason, sizeof t->reason, "%s", reason);
	timer_after(&t->timer, GRACE);
}
