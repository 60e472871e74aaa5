#include "fmip6/fmip6_marker.h"

#include "fmip6/fmip6_machine.h"

#define FIRST (5 * USEC_MSEC) /* until the second marker; doubled each time */

static void timeout(struct timer *t, void *arg)
{
	struct marker *m = arg;
	if (loop_now(t->loop) >= m->until) {
		FMIP6_COUNT(FMIP6_MARKER_TIMEOUT);
		m->wanted = false;
		m->end(m->arg, false);
		return;
	}
	FMIP6_COUNT(FMIP6_MARKER_SENT);
	timer_after(&m->timer, m->wait);
	m->wait *= 2;
	m->send(m->arg, m->id, ++m->seq);
}

void marker_init(struct marker *m, struct loop *l, void (*send)(void *arg, uint16_t id, uint16_t seq),
                 void (*end)(void *arg, bool answered), void *arg)
{
	*m = (struct marker){ .send = send, .end = end, .arg = arg };
	timer_init(&m->timer, l, timeout, m);
}

void marker_begin(struct marker *m, usec_t limit)
{
	m->wanted = true;
	m->id = fmip6_random16();
	m->seq = 0;
	m->wait = FIRST;
	m->until = loop_now(m->timer.loop) + limit;
	timeout(&m->timer, m);
}

void marker_stop(struct marker *m)
{
	m->wanted = false;
	timer_stop(&m->timer);
}

void marker_answer(struct marker *m, uint16_t id)
{
	if (!m->wanted || m->id != id)
		return;
	FMIP6_COUNT(FMIP6_MARKER_RETURNED);
	marker_stop(m);
	m->end(m->arg, true);
}
