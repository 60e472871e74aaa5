/* Timelines: the running records in a list with a hash by role and mobile, the ended ones in a list of bounded length. */
#include "core/handover.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/feature.h"
#include "core/output.h"
#include "core/secret.h"

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION(key, len, out) ((out) = (unsigned)hash_keyed((key), (len)))
#include <uthash.h>

struct counter handover_counters[HANDOVER_COUNTERS] = {
	[HANDOVER_COUNT_RUNNING] = { "running", "Handovers under way", 0, 1 },
	[HANDOVER_COUNT_STARTED] = { "started", "Handovers started", 0, 0 },
	[HANDOVER_COUNT_COMPLETE] = { "complete", "Handovers completed", 0, 0 },
	[HANDOVER_COUNT_FAILED] = { "failed", "Handovers failed", 0, 0 },
	[HANDOVER_COUNT_CANCELLED] = { "cancelled", "Handovers cancelled", 0, 0 },
	[HANDOVER_COUNT_STEPS_LOST] = { "steps_lost", "Repeated steps not kept because a timeline was full", 0, 0 },
};

struct key {
	uint32_t role;
	struct in6_addr pcoa;
};
_Static_assert(sizeof(struct key) == 20, "no padding: it is hashed as octets");

struct record {
	struct handover h; /* first */
	struct record *prev, *next; /* in its list, oldest first */
	struct record *older; /* running, same key */
	struct key key;
	UT_hash_handle hh; /* the newest of its key only */
};

struct list {
	struct record *first, *last;
	size_t n;
};

struct handovers {
	struct loop *loop;
	struct bus *bus;
	size_t limit;
	uint64_t last_id;
	struct list running, ended;
	struct record *by_key;
};

static const struct {
	char letter;
	const char *name;
} steps[STEPS] = {
	[STEP_0_DEGRADED] = { '0', "degraded" },
	[STEP_1_SCAN] = { '1', "scan" },
	[STEP_2_JOIN] = { '2', "join" },
	[STEP_3_AUTH] = { '3', "authentication" },
	[STEP_4_ASSOC] = { '4', "association" },
	[STEP_5_8021X] = { '5', "802.1X" },
	[STEP_6_L2UPDATE] = { '6', "L2 update" },
	[STEP_A_RTSOLPR] = { 'a', "RtSolPr" },
	[STEP_B_PRRTADV] = { 'b', "PrRtAdv" },
	[STEP_C_FBU] = { 'c', "FBU" },
	[STEP_D_HI] = { 'd', "HI" },
	[STEP_E_HACK] = { 'e', "HAck" },
	[STEP_F_FBACK] = { 'f', "FBack" },
	[STEP_G_UNA] = { 'g', "UNA" },
	[STEP_CTAR_PAR] = { 0, "CTAR to pAR" },
	[STEP_PCTD] = { 0, "PCTD" },
	[STEP_CTAR_NAR] = { 0, "CTAR to nAR" },
	[STEP_CTREQ] = { 0, "CT-Req" },
	[STEP_CTD] = { 0, "CTD" },
	[STEP_CTDR] = { 0, "CTDR" },
	[STEP_CTAA] = { 0, "CTAA" },
	[STEP_CTC] = { 0, "CTC" },
	[STEP_TUNNEL] = { 0, "tunnel" },
	[STEP_HOLD] = { 0, "hold" },
	[STEP_RELEASE] = { 0, "release" },
	[STEP_RELEASED] = { 0, "released" },
	[STEP_CONTEXTS] = { 0, "contexts" },
	[STEP_BU] = { 0, "BU" },
	[STEP_FIRST_PACKET] = { 0, "first packet" },
	[STEP_RA] = { 0, "RA" },
	[STEP_CARE_OF] = { 0, "care-of address" },
	[STEP_BA] = { 0, "BA" },
};

/* Which step a step answers; STEPS: none. */
static enum handover_step question_of(unsigned step)
{
	switch (step) {
	case STEP_B_PRRTADV:
		return STEP_A_RTSOLPR;
	case STEP_E_HACK:
		return STEP_D_HI;
	case STEP_F_FBACK:
		return STEP_C_FBU;
	}
	return STEPS;
}

char handover_step_letter(enum handover_step s)
{
	return s < STEPS ? steps[s].letter : 0;
}

const char *handover_step_name(enum handover_step s)
{
	return s < STEPS ? steps[s].name : "?";
}

const char *handover_role_name(enum handover_role r)
{
	static const char *const names[] = { [HANDOVER_PAR] = "par", [HANDOVER_NAR] = "nar", [HANDOVER_MN] = "mn" };
	return names[r];
}

const char *handover_mode_name(enum handover_mode m)
{
	static const char *const names[] = { [HANDOVER_PREDICTIVE] = "predictive",
		                                 [HANDOVER_REACTIVE] = "reactive",
		                                 [HANDOVER_NETWORK] = "network",
		                                 [HANDOVER_MOBILE_IP] = "mobile-ip" };
	return names[m];
}

const char *handover_result_name(enum handover_result r)
{
	static const char *const names[] = { [HANDOVER_RUNNING] = "running",
		                                 [HANDOVER_COMPLETE] = "complete",
		                                 [HANDOVER_FAILED] = "failed",
		                                 [HANDOVER_CANCELLED] = "cancelled" };
	return names[r];
}

static void list_append(struct list *l, struct record *r)
{
	r->next = NULL;
	r->prev = l->last;
	if (l->last)
		l->last->next = r;
	else
		l->first = r;
	l->last = r;
	l->n++;
}

static void list_remove(struct list *l, struct record *r)
{
	if (r->prev)
		r->prev->next = r->next;
	else
		l->first = r->next;
	if (r->next)
		r->next->prev = r->prev;
	else
		l->last = r->prev;
	l->n--;
}

static struct record *index_find(const struct handovers *t, enum handover_role role, const struct in6_addr *pcoa)
{
	struct key k = { .role = role, .pcoa = *pcoa };
	struct record *r;
	HASH_FIND(hh, t->by_key, &k, sizeof k, r);
	return r;
}

/* One entry for each key, the newest; the others hang on it. */
static bool index_add(struct handovers *t, struct record *r)
{
	r->older = index_find(t, r->h.role, &r->h.pcoa);
	if (r->older)
		HASH_DEL(t->by_key, r->older);
	HASH_ADD(hh, t->by_key, key, sizeof r->key, r);
	if (r->hh.tbl)
		return true;
	if (r->older)
		HASH_ADD(hh, t->by_key, key, sizeof r->key, r->older);
	return false;
}

static void index_remove(struct handovers *t, struct record *r)
{
	struct record *head;
	HASH_FIND(hh, t->by_key, &r->key, sizeof r->key, head);
	if (head == r) {
		HASH_DEL(t->by_key, r);
		if (r->older)
			HASH_ADD(hh, t->by_key, key, sizeof r->key, r->older);
		return;
	}
	while (head && head->older != r)
		head = head->older;
	if (head)
		head->older = r->older;
}

struct handovers *handovers_create(struct loop *l, struct bus *bus, size_t limit)
{
	struct handovers *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	t->loop = l;
	t->bus = bus;
	t->limit = limit ? limit : 1;
	return t;
}

static void list_free(struct list *l)
{
	while (l->first) {
		struct record *r = l->first;
		list_remove(l, r);
		free(r);
	}
}

void handovers_destroy(struct handovers *t)
{
	if (!t)
		return;
	HASH_CLEAR(hh, t->by_key);
	list_free(&t->running);
	list_free(&t->ended);
	handover_counters[HANDOVER_COUNT_RUNNING].value = 0;
	free(t);
}

static void publish(struct handovers *t, enum bus_topic topic, struct handover *h, usec_t at, unsigned step)
{
	struct bus_note note = { .topic = topic, .at = at, .u.handover = { .handover = h, .step = (int)step } };
	if (t->bus)
		bus_publish(t->bus, &note);
}

struct handover *handover_open(struct handovers *t, enum handover_role role, enum handover_mode mode,
                               const struct in6_addr *pcoa)
{
	if (t->running.n >= t->limit)
		handover_close(t, &t->running.first->h, HANDOVER_CANCELLED, "too many handovers under way, limit %zu", t->limit);
	struct record *r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	r->h.id = ++t->last_id;
	r->h.role = role;
	r->h.mode = mode;
	r->h.pcoa = *pcoa;
	r->h.started = loop_now(t->loop);
	r->key = (struct key){ .role = role, .pcoa = *pcoa };
	if (!index_add(t, r)) {
		free(r);
		return NULL;
	}
	list_append(&t->running, r);
	handover_counters[HANDOVER_COUNT_RUNNING].value = t->running.n;
	handover_counters[HANDOVER_COUNT_STARTED].value++;
	publish(t, BUS_HANDOVER_STARTED, &r->h, r->h.started, STEPS);
	return &r->h;
}

static struct handover *list_by_id(const struct list *l, uint64_t id)
{
	for (struct record *r = l->last; r; r = r->prev)
		if (r->h.id == id)
			return &r->h;
	return NULL;
}

struct handover *handover_by_id(const struct handovers *t, uint64_t id)
{
	struct handover *h = list_by_id(&t->running, id);
	return h ? h : list_by_id(&t->ended, id);
}

struct handover *handover_running(const struct handovers *t, enum handover_role role, const struct in6_addr *pcoa)
{
	struct record *r = index_find(t, role, pcoa);
	return r ? &r->h : NULL;
}

struct handover *handover_of(const struct handovers *t, const struct in6_addr *addr)
{
	for (struct record *r = t->running.last; r; r = r->prev)
		if (addr_eq(&r->h.pcoa, addr) || addr_eq(&r->h.ncoa, addr))
			return &r->h;
	return NULL;
}

void handover_step(struct handovers *t, struct handover *h, enum handover_step s)
{
	handover_step_at(t, h, s, loop_now(t->loop));
}

static bool step_seen(const struct handover *h, size_t before, unsigned step)
{
	for (size_t i = 0; i < before; i++)
		if (h->steps[i].step == step)
			return true;
	return false;
}

/* A full timeline gives up its latest repeat for a step that it has not seen: there are fewer steps than places. */
_Static_assert((int)STEPS < HANDOVER_STEPS_MAX, "a full timeline has repeats");
static void make_room(struct handover *h)
{
	size_t i = h->steps_n;
	while (i > 1 && !step_seen(h, i - 1, h->steps[i - 1].step))
		i--;
	memmove(&h->steps[i - 1], &h->steps[i], (h->steps_n - i) * sizeof h->steps[0]);
	h->steps_n--;
}

void handover_step_at(struct handovers *t, struct handover *h, enum handover_step s, usec_t at)
{
	if (!h || s >= STEPS)
		return;
	if (h->steps_n == HANDOVER_STEPS_MAX) {
		h->steps_lost++;
		handover_counters[HANDOVER_COUNT_STEPS_LOST].value++;
		if (step_seen(h, h->steps_n, s))
			return;
		make_room(h);
	}
	h->steps[h->steps_n++] = (struct handover_mark){ .step = (uint8_t)s, .at = at };
	publish(t, BUS_HANDOVER_STEP, h, at, s);
}

void handover_context(struct handover *h, uint16_t fpt, const char *name, uint8_t status)
{
	if (!h)
		return;
	size_t i = 0;
	while (i < h->contexts_n && h->contexts[i].fpt != fpt)
		i++;
	if (i == HANDOVER_CONTEXTS_MAX)
		return;
	if (i == h->contexts_n)
		h->contexts_n++;
	struct handover_context *c = &h->contexts[i];
	c->fpt = fpt;
	c->status = status;
	snprintf(c->name, sizeof c->name, "%s", name ? name : "");
}

static void count_result(enum handover_result r)
{
	switch (r) {
	case HANDOVER_RUNNING:
		break;
	case HANDOVER_COMPLETE:
		handover_counters[HANDOVER_COUNT_COMPLETE].value++;
		break;
	case HANDOVER_FAILED:
		handover_counters[HANDOVER_COUNT_FAILED].value++;
		break;
	case HANDOVER_CANCELLED:
		handover_counters[HANDOVER_COUNT_CANCELLED].value++;
		break;
	}
}

void handover_devolve(struct handover *h, enum handover_mode m, const char *reason)
{
	if (!h || h->result != HANDOVER_RUNNING || h->mode == m)
		return;
	h->mode = m;
	snprintf(h->reason, sizeof h->reason, "%s", reason);
}

void handover_close(struct handovers *t, struct handover *h, enum handover_result result, const char *fmt, ...)
{
	if (!h || h->result != HANDOVER_RUNNING || result == HANDOVER_RUNNING)
		return;
	struct record *r = (struct record *)h;
	if (fmt) {
		char said[sizeof h->reason];
		va_list ap;
		va_start(ap, fmt);
		vsnprintf(said, sizeof said, fmt, ap);
		va_end(ap);
		if (*said)
			memcpy(h->reason, said, sizeof said);
	}
	h->result = result;
	h->ended = loop_now(t->loop);
	index_remove(t, r);
	list_remove(&t->running, r);
	handover_counters[HANDOVER_COUNT_RUNNING].value = t->running.n;
	count_result(result);
	/* Kept out of both lists while it is announced: a subscriber that opens or closes others cannot free it. */
	publish(t, BUS_HANDOVER_ENDED, h, h->ended, STEPS);
	list_append(&t->ended, r);
	while (t->ended.n > t->limit) {
		struct record *oldest = t->ended.first;
		list_remove(&t->ended, oldest);
		free(oldest);
	}
}

/*
 * The marks in order of time, those of one time in the order they came, except that an answer recorded in the same
 * microsecond as its question, before it, is put behind it.
 */
static size_t in_order(const struct handover *h, const struct handover_mark *out[HANDOVER_STEPS_MAX])
{
	size_t n = 0;
	for (; n < h->steps_n; n++) {
		size_t i = n;
		for (; i > 0 && out[i - 1]->at > h->steps[n].at; i--)
			out[i] = out[i - 1];
		out[i] = &h->steps[n];
	}
	for (size_t i = n; i-- > 0;) {
		const struct handover_mark *answer = out[i];
		enum handover_step question = question_of(answer->step);
		size_t q = i + 1;
		while (q < n && out[q]->at == answer->at && out[q]->step != question)
			q++;
		if (question == STEPS || q == n || out[q]->at != answer->at)
			continue;
		bool asked = false;
		for (size_t k = 0; k < i; k++)
			asked = asked || out[k]->step == question;
		if (asked)
			continue;
		memmove(&out[i], &out[i + 1], (q - i) * sizeof out[0]);
		out[q] = answer;
	}
	return n;
}

/* Puts a letter into text once: at the end, or right behind `after`. */
static void put_letter(char *text, char letter, char after)
{
	size_t len = strlen(text);
	if (!letter || strchr(text, letter))
		return;
	const char *place = after ? strchr(text, after) : NULL;
	size_t at = place ? (size_t)(place - text) + 1 : len;
	memmove(text + at + 1, text + at, len - at + 1);
	text[at] = letter;
}

const char *handover_scenario(const struct handover *h, char out[SCENARIO_STRLEN])
{
	const struct handover_mark *marks[HANDOVER_STEPS_MAX];
	bool early[STEPS] = { false }; /* answers seen so far only before their question */
	size_t n = in_order(h, marks);

	out[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		unsigned step = marks[i]->step;
		enum handover_step question = question_of(step);
		if (question != STEPS && !strchr(out, steps[question].letter) && step_seen(h, h->steps_n, question))
			early[step] = true;
		else
			put_letter(out, steps[step].letter, 0);
	}
	for (unsigned s = 0; s < STEPS; s++)
		if (early[s])
			put_letter(out, steps[s].letter, steps[question_of(s)].letter);
	return out;
}

static void show_router(struct output *o, const char *key, const char *name, const struct in6_addr *addr)
{
	if (name[0])
		out_str(o, key, name);
	else
		out_addr(o, key, addr);
}

static void show_span(struct output *o, const char *key, usec_t span, bool known)
{
	if (known)
		out_msec(o, key, span);
	else
		out_str(o, key, NULL);
}

static void show_steps(const struct handovers *t, const struct handover *h, struct output *o)
{
	const struct handover_mark *marks[HANDOVER_STEPS_MAX];
	size_t n = in_order(h, marks);

	out_list_begin(o, "steps");
	for (size_t i = 0; i < n; i++) {
		const struct handover_mark *m = marks[i];
		out_item_begin(o, NULL);
		out_str(o, "step", (char[2]){ steps[m->step].letter });
		out_str(o, "name", steps[m->step].name);
		out_msec(o, "ms", m->at - h->started);
		out_uint(o, "at_us", loop_realtime(t->loop, m->at));
		out_item_end(o);
	}
	out_list_end(o);
}

static void show_contexts(const struct handover *h, struct output *o)
{
	out_list_begin(o, "contexts");
	for (size_t i = 0; i < h->contexts_n; i++) {
		const struct handover_context *c = &h->contexts[i];
		out_item_begin(o, NULL);
		out_uint(o, "fpt", c->fpt);
		out_str(o, "name", c->name);
		out_uint(o, "status", c->status);
		out_str(o, "status_name", FEATURE_STATUS(c->fpt, c->status));
		out_item_end(o);
	}
	out_list_end(o);
}

void handover_show(struct handovers *t, const struct handover *h, struct output *o)
{
	bool ended = h->result != HANDOVER_RUNNING;
	char scenario[SCENARIO_STRLEN];

	out_uint(o, "id", h->id);
	out_addr(o, "mobile", &h->pcoa);
	out_addr(o, "ncoa", &h->ncoa);
	out_str(o, "role", handover_role_name(h->role));
	show_router(o, "from", h->from, &h->par);
	show_router(o, "to", h->to, &h->nar);
	out_str(o, "mode", handover_mode_name(h->mode));
	out_str(o, "scenario", handover_scenario(h, scenario));
	out_str(o, "result", handover_result_name(h->result));
	out_str(o, "reason", h->reason);
	out_time(o, "started", loop_realtime(t->loop, h->started));
	out_uint(o, "started_us", loop_realtime(t->loop, h->started));
	if (ended)
		out_time(o, "ended", loop_realtime(t->loop, h->ended));
	else
		out_str(o, "ended", NULL);
	show_span(o, "gap_ms", h->gap_end - h->gap_start, h->gap_end && h->gap_start);
	show_span(o, "interruption_ms", h->interruption, h->interruption != 0);
	out_uint(o, "held", h->held);
	out_uint(o, "held_dropped", h->held_dropped);
	out_uint(o, "steps_lost", h->steps_lost);
	show_steps(t, h, o);
	show_contexts(h, o);
}

static int by_id(const void *a, const void *b)
{
	const struct handover *x = *(struct handover *const *)a, *y = *(struct handover *const *)b;
	return x->id < y->id ? -1 : x->id > y->id;
}

void handovers_show(struct handovers *t, struct output *o)
{
	struct handover **all = calloc(t->ended.n + t->running.n + 1, sizeof *all);
	size_t n = 0;

	out_list_begin(o, NULL);
	for (struct record *r = t->ended.first; all && r; r = r->next)
		all[n++] = &r->h;
	for (struct record *r = t->running.first; all && r; r = r->next)
		all[n++] = &r->h;
	if (n)
		qsort(all, n, sizeof all[0], by_id);
	for (size_t i = 0; i < n; i++) {
		out_item_begin(o, NULL);
		handover_show(t, all[i], o);
		out_item_end(o);
	}
	out_list_end(o);
	free(all);
}
