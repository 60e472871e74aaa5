#include "cxtp/cxtp_par_private.h"

#include <stdlib.h>
#include <string.h>

#include "cxtp/cxtp_count.h"

struct cxtp_par *cxtp_par_create(struct loop *l, const struct cxtp_params *params, struct cxtp_rate *rate,
                                 const struct cxtp_par_ops *ops, void *arg)
{
	struct cxtp_par *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	p->loop = l;
	p->params = params;
	p->rate = rate;
	p->ops = ops;
	p->arg = arg;
	bucket_init(&p->lines, 5, 20);
	p->seen = cxtp_seen_create(params->transfers * 4);
	p->arrivals = cxtp_arrivals_create();
	if (!p->seen || !p->arrivals) {
		cxtp_par_destroy(p);
		return NULL;
	}
	return p;
}

/* Key and contexts are no longer needed. */
static void transfer_cool(struct transfer *t)
{
	secret_unref(t->key);
	t->key = NULL;
	if (t->blocks)
		secret_wipe(t->blocks, t->blocks_len);
	free(t->blocks);
	t->blocks = NULL;
	t->par->held -= t->blocks_len;
	cxtp_counters[CXTP_HELD_OCTETS].value -= t->blocks_len;
	t->blocks_len = 0;
}

void cxtp_par_free(struct transfer *t)
{
	struct cxtp_par *p = t->par;
	transfer_cool(t);
	timer_stop(&t->timer);
	HASH_DEL(p->transfers, t);
	cxtp_counters[CXTP_PAR_TRANSFERS].value--;
	free(t);
}

void cxtp_par_destroy(struct cxtp_par *p)
{
	if (!p)
		return;
	while (p->transfers)
		cxtp_par_free(p->transfers);
	cxtp_seen_destroy(p->seen);
	cxtp_arrivals_destroy(p->arrivals);
	free(p);
}

struct transfer *cxtp_par_transfer(struct cxtp_par *p, const struct in6_addr *pcoa)
{
	struct transfer *t;
	HASH_FIND(hh, p->transfers, pcoa, sizeof *pcoa, t);
	return t;
}

void cxtp_par_end(struct transfer *t, bool served, enum handover_result result, const char *reason)
{
	struct cxtp_par *p = t->par;
	struct in6_addr pcoa = t->pcoa, nar = t->nar;
	/* An announced one that had its time is over for good: its token was overheard by whoever was there. */
	bool over = t->announced && loop_now(p->loop) - t->first >= p->params->context_lifetime;
	if (served || t->asked || over)
		cxtp_seen_add(p->seen, CXTP_SEEN_DONE, &pcoa, t->seq, loop_now(p->loop), loop_now(p->loop) + p->params->replay_window);
	cxtp_par_free(t);
	p->ops->end(&pcoa, &nar, result, reason, p->arg);
}

static void transfer_timer(struct timer *timer, void *arg)
{
	struct transfer *t = arg;
	const struct cxtp_params *params = t->par->params;
	if (t->key) {
		transfer_cool(t);
		/* What went out under a token may not go out again now that it is over (§6.3). */
		if (t->asked)
			cxtp_seen_add(t->par->seen, CXTP_SEEN_DONE, &t->pcoa, t->seq, loop_now(timer->loop),
			              loop_now(timer->loop) + params->replay_window);
		/* The new router's time begins when the push reaches it, and its word takes a while to come back. */
		timer_at(timer, t->first + params->context_lifetime + 2 * params->max_transfer_time);
		return;
	}
	if (t->candidates_n) {
		/* The mobile stayed, or a CTDR was lost: the keys are out there, their sequence numbers serve no other push. */
		cxtp_arrivals_drop(t->par->arrivals, &t->pcoa);
		cxtp_par_end(t, false, HANDOVER_CANCELLED, "no router said that the mobile came");
		return;
	}
	cxtp_count(CXTP_TRANSFERS_FAILED);
	LOG_INFO("cxtp", "no word from the new router about a transfer mobile=%s peer=%s waited=%llums", ADDR(&t->pcoa), ADDR(&t->nar),
	         (unsigned long long)((loop_now(timer->loop) - t->first) / USEC_MSEC));
	/* The key of a push is out there, and may have served: nobody says that it has not (CTC). */
	cxtp_par_end(t, t->sent, HANDOVER_FAILED, "no CTDR from the new router");
}

void cxtp_par_supersede(struct cxtp_par *p, const struct in6_addr *pcoa, uint32_t seq)
{
	struct transfer *t = cxtp_par_transfer(p, pcoa);
	for (size_t i = 0; t && i < t->candidates_n; i++)
		if (t->candidates[i].seq == seq)
			t->seq = seq; /* this movement was foreseen: it is the same one */
	if (t && t->seq != seq)
		cxtp_par_end(t, false, HANDOVER_CANCELLED, "the mobile began another transfer");
}

/* A neighbour may ask for mobiles that are not there (§6.1); what it asked for gives way to others. Only the oldest few are
 * looked at: who fills the table in the name of mobiles fills all of it. */
static void make_room(struct cxtp_par *p)
{
	unsigned looked = 0;
	for (struct transfer *t = p->transfers; t && looked < 16; t = t->hh.next, looked++)
		if (t->untokened) {
			cxtp_par_end(t, false, HANDOVER_CANCELLED, "room for another mobile");
			return;
		}
}

struct transfer *cxtp_par_get(struct cxtp_par *p, const struct in6_addr *pcoa)
{
	struct transfer *t = cxtp_par_transfer(p, pcoa);
	if (t) {
		transfer_cool(t);
		return t;
	}
	if (HASH_COUNT(p->transfers) >= p->params->transfers)
		make_room(p);
	t = HASH_COUNT(p->transfers) < p->params->transfers ? calloc(1, sizeof *t) : NULL;
	if (t) {
		t->par = p;
		t->pcoa = *pcoa;
		timer_init(&t->timer, p->loop, transfer_timer, t);
		HASH_ADD(hh, p->transfers, pcoa, sizeof t->pcoa, t);
		if (!t->hh.tbl) {
			free(t);
			t = NULL;
		}
	}
	if (!t) {
		cxtp_count(CXTP_NO_ROOM);
		log_limited(&p->lines, loop_now(p->loop), LOG_LEVEL_WARNING, "cxtp", "no room for a transfer mobile=%s transfers=%u limit=%zu",
		            ADDR(pcoa), (unsigned)HASH_COUNT(p->transfers), p->params->transfers);
		return NULL;
	}
	cxtp_counters[CXTP_PAR_TRANSFERS].value++;
	return t;
}

bool cxtp_par_keep_blocks(struct transfer *t, size_t len)
{
	struct cxtp_par *p = t->par;
	if (p->held + len > p->params->memory || !(t->blocks = malloc(len ? len : 1))) {
		cxtp_count(CXTP_NO_ROOM);
		log_limited(&p->lines, loop_now(p->loop), LOG_LEVEL_WARNING, "cxtp",
		            "no room for contexts mobile=%s octets=%zu held=%zu limit=%zu", ADDR(&t->pcoa), len, p->held, p->params->memory);
		return false;
	}
	if (len)
		memcpy(t->blocks, p->blocks, len);
	t->blocks_len = len;
	p->held += len;
	cxtp_counters[CXTP_HELD_OCTETS].value += len;
	return true;
}

static struct cxtp_par_view view(const struct transfer *t)
{
	return (struct cxtp_par_view){ .pcoa = t->pcoa, .nar = t->nar, .seq = t->seq, .outstanding = t->key,
		                       .candidates = t->candidates_n, .octets = t->blocks_len,
		                       .age = loop_now(t->par->loop) - t->first };
}

bool cxtp_par_of(struct cxtp_par *p, const struct in6_addr *pcoa, struct cxtp_par_view *v)
{
	const struct transfer *t = cxtp_par_transfer(p, pcoa);
	if (t)
		*v = view(t);
	return t;
}

void cxtp_par_each(const struct cxtp_par *p, void (*fn)(const struct cxtp_par_view *v, void *arg), void *arg)
{
	for (const struct transfer *t = p->transfers; t; t = t->hh.next) {
		struct cxtp_par_view v = view(t);
		fn(&v, arg);
	}
}

size_t cxtp_par_keys(const struct cxtp_par *p)
{
	size_t n = 0;
	for (const struct transfer *t = p->transfers; t; t = t->hh.next)
		n += t->key != NULL;
	return n;
}
