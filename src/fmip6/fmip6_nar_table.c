/* The NAR's table of sessions, by new address. */
#include "fmip6/fmip6_nar_private.h"

#include <stdlib.h>

struct session *nar_session_find(const struct fmip6_nar *n, const struct in6_addr *ncoa)
{
	struct session *s = NULL;
	HASH_FIND(hh, n->sessions, ncoa, sizeof *ncoa, s);
	return s;
}

void nar_session_undefend(struct session *s)
{
	if (!timer_armed(&s->proxy))
		return;
	timer_stop(&s->proxy);
	s->nar->ops->proxy(s->nar->arg, s->v.ifindex, &s->v.ncoa, false);
}

void nar_session_quiet(struct session *s)
{
	nar_session_undefend(s);
	timer_stop(&s->life);
	timer_stop(&s->timer);
	timer_stop(&s->dad);
	marker_stop(&s->marker);
}

static bool has_chosen(const struct session *s)
{
	return !addr_eq(&s->v.ncoa, &s->asked);
}

void nar_session_free(struct session *s)
{
	s->nar->chosen -= has_chosen(s);
	timer_stop(&s->proxy);
	timer_stop(&s->timer);
	timer_stop(&s->life);
	timer_stop(&s->dad);
	marker_stop(&s->marker);
	fmip6_counters[FMIP6_LODGERS].value -= s->v.lodged;
	HASH_DELETE(hh, s->nar->sessions, s);
	fmip6_counters[FMIP6_NAR_SESSIONS].value--;
	free(s);
}

/* Makes room by forgetting one that is done; those in work stay. */
static bool session_evict(struct fmip6_nar *n)
{
	for (struct session *s = n->sessions; s; s = s->hh.next)
		if (s->v.state == NAR_DONE) {
			nar_session_free(s);
			return true;
		}
	return false;
}

struct session *nar_session_make(struct fmip6_nar *n, const struct in6_addr *ncoa)
{
	if (HASH_COUNT(n->sessions) >= (unsigned)n->params->sessions && !session_evict(n))
		return NULL;
	struct session *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->nar = n;
	s->v.ncoa = s->asked = *ncoa;
	s->v.state = NAR_DONE;
	timer_init(&s->timer, n->loop, nar_session_timeout, s);
	timer_init(&s->proxy, n->loop, nar_proxy_timeout, s);
	timer_init(&s->dad, n->loop, nar_dad_timeout, s);
	timer_init(&s->life, n->loop, nar_lodge_life_ended, s);
	marker_init(&s->marker, n->loop, nar_session_marker_send, nar_session_marker_ended, s);
	HASH_ADD(hh, n->sessions, v.ncoa, sizeof s->v.ncoa, s);
	fmip6_counters[FMIP6_NAR_SESSIONS].value++;
	return s;
}

void nar_session_address(struct session *s, const struct in6_addr *ncoa, const struct in6_addr *asked)
{
	struct fmip6_nar *n = s->nar;
	n->chosen -= has_chosen(s);
	if (!addr_eq(&s->v.ncoa, ncoa)) {
		HASH_DELETE(hh, n->sessions, s);
		s->v.ncoa = *ncoa;
		HASH_ADD(hh, n->sessions, v.ncoa, sizeof s->v.ncoa, s);
	}
	s->asked = *asked;
	n->chosen += has_chosen(s);
}
