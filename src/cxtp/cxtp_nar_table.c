#include "cxtp/cxtp_nar_private.h"

#include <stdlib.h>
#include <string.h>

#include "cxtp/cxtp_count.h"

struct cxtp_nar *cxtp_nar_create(struct loop *l, const struct cxtp_params *params, struct cxtp_rate *rate,
                                 const struct cxtp_nar_ops *ops, void *arg)
{
	struct cxtp_nar *n = calloc(1, sizeof *n);
	if (!n)
		return NULL;
	n->loop = l;
	n->params = params;
	n->rate = rate;
	n->ops = ops;
	n->arg = arg;
	bucket_init(&n->lines, 5, 20);
	return n;
}

uint8_t *cxtp_nar_hold(struct cxtp_nar *n, const uint8_t *data, size_t len, size_t limit)
{
	uint8_t *copy = n->held + len <= limit ? malloc(len ? len : 1) : NULL;
	if (!copy) {
		cxtp_count(CXTP_NO_ROOM);
		log_limited(&n->lines, loop_now(n->loop), LOG_LEVEL_WARNING, "cxtp", "no room for contexts octets=%zu held=%zu limit=%zu",
		            len, n->held, limit);
		return NULL;
	}
	if (len)
		memcpy(copy, data, len);
	n->held += len;
	cxtp_counters[CXTP_HELD_OCTETS].value += len;
	return copy;
}

void cxtp_nar_release(struct cxtp_nar *n, uint8_t **data, size_t *len)
{
	if (!*data)
		return;
	secret_wipe(*data, *len);
	free(*data);
	n->held -= *len;
	cxtp_counters[CXTP_HELD_OCTETS].value -= *len;
	*data = NULL;
	*len = 0;
}

void cxtp_nar_push_drop(struct transfer *t)
{
	timer_stop(&t->push.timer);
	secret_unref(t->push.key);
	t->push.key = NULL;
	cxtp_nar_release(t->nar, &t->push.blocks, &t->push.len);
}

void cxtp_nar_request_drop(struct transfer *t)
{
	struct request *q = &t->request;
	timer_stop(&q->timer);
	cxtp_nar_release(t->nar, &q->blocks, &q->len);
	cxtp_nar_release(t->nar, &q->failed, &q->failed_len);
	cxtp_nar_release(t->nar, &q->came, &q->came_len);
	free(q->installing);
	q->installing = NULL;
	q->state = REQUEST_NONE;
}

void cxtp_nar_ahead_drop(struct transfer *t)
{
	timer_stop(&t->ahead.timer);
	t->ahead.asked = false;
}

static void transfer_free(struct transfer *t)
{
	struct cxtp_nar *n = t->nar;
	cxtp_nar_push_drop(t);
	cxtp_nar_ahead_drop(t);
	cxtp_nar_request_drop(t);
	HASH_DEL(n->transfers, t);
	cxtp_counters[CXTP_NAR_TRANSFERS].value--;
	free(t);
}

void cxtp_nar_free_if_idle(struct transfer *t)
{
	if (!t->push.key && !t->ahead.asked && t->request.state == REQUEST_NONE)
		transfer_free(t);
}

void cxtp_nar_destroy(struct cxtp_nar *n)
{
	if (!n)
		return;
	while (n->transfers)
		transfer_free(n->transfers);
	free(n);
}

struct transfer *cxtp_nar_transfer(struct cxtp_nar *n, const struct in6_addr *pcoa)
{
	struct transfer *t;
	HASH_FIND(hh, n->transfers, pcoa, sizeof *pcoa, t);
	return t;
}

struct transfer *cxtp_nar_get(struct cxtp_nar *n, const struct in6_addr *pcoa)
{
	struct transfer *t = cxtp_nar_transfer(n, pcoa);
	if (t)
		return t;
	t = HASH_COUNT(n->transfers) < n->params->transfers ? calloc(1, sizeof *t) : NULL;
	if (t) {
		t->nar = n;
		t->pcoa = *pcoa;
		timer_init(&t->push.timer, n->loop, cxtp_nar_push_timer, t);
		timer_init(&t->request.timer, n->loop, cxtp_nar_request_timer, t);
		timer_init(&t->ahead.timer, n->loop, cxtp_nar_ahead_timer, t);
		HASH_ADD(hh, n->transfers, pcoa, sizeof t->pcoa, t);
		if (!t->hh.tbl) {
			free(t);
			t = NULL;
		}
	}
	if (!t) {
		cxtp_count(CXTP_NO_ROOM);
		log_limited(&n->lines, loop_now(n->loop), LOG_LEVEL_WARNING, "cxtp", "no room for a transfer mobile=%s transfers=%u limit=%zu",
		            ADDR(pcoa), (unsigned)HASH_COUNT(n->transfers), n->params->transfers);
		return NULL;
	}
	cxtp_counters[CXTP_NAR_TRANSFERS].value++;
	return t;
}

static struct cxtp_nar_view view(const struct transfer *t)
{
	const struct request *q = &t->request;
	return (struct cxtp_nar_view){ .pcoa = t->pcoa, .par = t->push.key ? t->push.from : t->ahead.asked ? t->ahead.par : q->par,
		                       .pushed = t->push.key, .ahead = t->ahead.asked,
		                       .requested = q->state == REQUEST_SENT, .done = q->state == REQUEST_DONE, .octets = t->push.len,
		                       .age = loop_now(t->nar->loop) - (q->state != REQUEST_NONE ? q->at : t->push.key ? t->push.at : t->ahead.at) };
}

bool cxtp_nar_of(struct cxtp_nar *n, const struct in6_addr *pcoa, struct cxtp_nar_view *v)
{
	const struct transfer *t = cxtp_nar_transfer(n, pcoa);
	if (t)
		*v = view(t);
	return t;
}

void cxtp_nar_each(const struct cxtp_nar *n, void (*fn)(const struct cxtp_nar_view *v, void *arg), void *arg)
{
	for (const struct transfer *t = n->transfers; t; t = t->hh.next) {
		struct cxtp_nar_view v = view(t);
		fn(&v, arg);
	}
}

size_t cxtp_nar_keys(const struct cxtp_nar *n)
{
	size_t keys = 0;
	for (const struct transfer *t = n->transfers; t; t = t->hh.next)
		keys += t->push.key != NULL;
	return keys;
}
