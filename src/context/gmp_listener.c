/*
 * One membership's source filter: what this host said, and until when it holds. RFC 3810 §7.4 (RFC 3376 §6.4) keeps one
 * such state for a whole link; for a single host it is simpler, because its own word about a mode or a source is final:
 * nobody else has to be asked.
 *
 * In INCLUDE mode each source has its own time. In EXCLUDE mode the mode has one, sources with a time are wanted also after
 * the mode has run out (we may have missed that the host changed to INCLUDE), and those without are not wanted.
 */
#include "context/gmp_track_priv.h"

#include <stdlib.h>
#include <string.h>

static struct listener_source *find(const struct listener *l, const struct in6_addr *addr)
{
	for (size_t i = 0; i < l->n; i++)
		if (addr_eq(&l->source[i].addr, addr))
			return &l->source[i];
	return NULL;
}

static void drop(struct listener *l, struct listener_source *s)
{
	*s = l->source[--l->n];
	if (l->n)
		return;
	free(l->source);
	l->source = NULL;
}

static void drop_all(struct listener *l)
{
	free(l->source);
	l->source = NULL;
	l->n = 0;
}

/* What cannot be kept is widened. */
static void widen(struct listener *l, usec_t until)
{
	drop_all(l);
	l->exclude_until = until;
}

static bool put(struct listener *l, const struct in6_addr *addr, usec_t until, size_t max)
{
	struct listener_source *s = find(l, addr);
	if (!s) {
		struct listener_source *more = l->n < max ? realloc(l->source, (l->n + 1U) * sizeof *more) : NULL;
		if (!more)
			return false;
		l->source = more;
		s = &more[l->n++];
		s->addr = *addr;
	}
	s->until = until;
	return true;
}

/* The mode is EXCLUDE, of these. */
static void exclude(struct listener *l, const struct in6_addr *sources, size_t n, usec_t until, size_t max)
{
	widen(l, until);
	for (size_t i = 0; i < n; i++)
		if (!put(l, &sources[i], 0, max))
			return;
}

/* These sources are wanted, beside what was. */
static void allow(struct listener *l, const struct in6_addr *sources, size_t n, usec_t now, usec_t until, size_t max)
{
	for (size_t i = 0; i < n; i++)
		if (!put(l, &sources[i], until, max)) {
			widen(l, l->exclude_until > now ? l->exclude_until : until);
			return;
		}
}

static void block(struct listener *l, const struct in6_addr *sources, size_t n, size_t max)
{
	for (size_t i = 0; i < n; i++) {
		struct listener_source *s = find(l, &sources[i]);
		if (l->exclude_until)
			(void)put(l, &sources[i], 0, max); /* no room: one source more than it wants */
		else if (s)
			drop(l, s);
	}
}

void listener_record(struct listener *l, uint8_t type, const struct in6_addr *sources, size_t n, usec_t now, usec_t until,
                     size_t max)
{
	bool too_many = n > max;
	n = too_many ? max : n;
	switch ((enum gmp_record_type)type) {
	case GMP_IS_EXCLUDE:
	case GMP_TO_EXCLUDE:
		exclude(l, sources, n, until, max);
		return;
	case GMP_TO_INCLUDE:
		/* Only a change of mode takes away: a second part of a long list, or a repetition, must not. */
		if (l->exclude_until || !n) {
			drop_all(l);
			l->exclude_until = 0;
		}
		break;
	case GMP_IS_INCLUDE:
	case GMP_ALLOW:
		break;
	case GMP_BLOCK:
		block(l, sources, n, max);
		return;
	}
	if (too_many)
		widen(l, until);
	else
		allow(l, sources, n, now, until, max);
}

void listener_set(struct listener *l, const struct source_filter *f, usec_t until)
{
	drop_all(l);
	l->exclude_until = f->exclude ? until : 0;
	for (size_t i = 0; i < f->n; i++)
		if (!put(l, &f->source[i], f->exclude ? 0 : until, f->n)) {
			widen(l, until);
			return;
		}
}

const struct source_filter *listener_filter(const struct listener *l)
{
	struct in6_addr sources[GMP_SOURCES_MAX];
	size_t n = 0;
	for (size_t i = 0; i < l->n && n < GMP_SOURCES_MAX; i++)
		if (!l->exclude_until || !l->source[i].until)
			sources[n++] = l->source[i].addr;
	return source_filter_make(l->exclude_until != 0, sources, n, GMP_SOURCES_MAX);
}

bool listener_plain(const struct listener *l)
{
	return l->exclude_until && !l->n;
}

bool listener_ended(const struct listener *l)
{
	return !l->exclude_until && !l->n;
}

void listener_age(struct listener *l, usec_t now)
{
	if (l->exclude_until && l->exclude_until <= now) {
		l->exclude_until = 0;
		for (size_t i = l->n; i-- > 0;) /* those not wanted mean nothing in INCLUDE mode */
			if (!l->source[i].until)
				drop(l, &l->source[i]);
	}
	for (size_t i = l->n; i-- > 0;)
		if (l->source[i].until && l->source[i].until <= now)
			drop(l, &l->source[i]);
}

usec_t listener_next(const struct listener *l)
{
	usec_t next = l->exclude_until ? l->exclude_until : UINT64_MAX;
	for (size_t i = 0; i < l->n; i++)
		if (l->source[i].until && l->source[i].until < next)
			next = l->source[i].until;
	return next;
}

usec_t listener_last(const struct listener *l)
{
	usec_t last = l->exclude_until;
	for (size_t i = 0; i < l->n; i++)
		if (l->source[i].until > last)
			last = l->source[i].until;
	return last;
}

void listener_lower(struct listener *l, struct gmp_sources sources, usec_t until)
{
	struct in6_addr addr;
	if (!sources.n && l->exclude_until > until)
		l->exclude_until = until;
	while (gmp_source_next(&sources, &addr)) {
		struct listener_source *s = find(l, &addr);
		if (s && s->until > until)
			s->until = until;
	}
}
