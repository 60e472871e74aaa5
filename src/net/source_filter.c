#include "net/source_filter.h"

#include <stdlib.h>
#include <string.h>

const struct source_filter source_filter_all = { .exclude = true };
const struct source_filter source_filter_none = { .exclude = false };

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct in6_addr));
}

/* A filter with room for n sources; NULL: none, or no memory. */
static struct source_filter *make(bool exclude, size_t n)
{
	struct source_filter *f = n <= UINT16_MAX ? malloc(sizeof *f + n * sizeof f->source[0]) : NULL;
	if (f)
		*f = (struct source_filter){ .exclude = exclude };
	return f;
}

/* Gives f its final form: not more than max sources, the constants where they say the same. */
static const struct source_filter *finish(struct source_filter *f, size_t max)
{
	if (f->exclude && f->n > max) /* fewer are kept away */
		f->n = (uint16_t)max;
	bool wide = !f->exclude && f->n > max;
	if (f->n && !wide)
		return f;
	bool all = f->exclude || wide;
	free(f);
	return all ? &source_filter_all : &source_filter_none;
}

const struct source_filter *source_filter_make(bool exclude, const struct in6_addr *sources, size_t n, size_t max)
{
	struct source_filter *f = make(exclude, n);
	if (!f)
		return &source_filter_all;
	if (n)
		memcpy(f->source, sources, n * sizeof *sources);
	qsort(f->source, n, sizeof f->source[0], compare);
	for (size_t i = 0; i < n; i++)
		if (!f->n || !addr_eq(&f->source[f->n - 1], &f->source[i]))
			f->source[f->n++] = f->source[i];
	return finish(f, max);
}

static bool has(const struct source_filter *f, const struct in6_addr *source)
{
	return f->n && bsearch(source, f->source, f->n, sizeof f->source[0], compare);
}

bool source_filter_wants(const struct source_filter *f, const struct in6_addr *source)
{
	return has(f, source) != f->exclude;
}

/* Appends those of `from` that are (or are not) in `in`. */
static void select_from(struct source_filter *out, const struct source_filter *from, const struct source_filter *in, bool want)
{
	for (size_t i = 0; i < from->n; i++)
		if (has(in, &from->source[i]) == want)
			out->source[out->n++] = from->source[i];
}

static const struct source_filter *merge_include(const struct source_filter *a, const struct source_filter *b, size_t max)
{
	struct source_filter *f = make(false, (size_t)a->n + b->n);
	if (!f)
		return &source_filter_all;
	select_from(f, a, b, false);
	select_from(f, b, &source_filter_none, false);
	qsort(f->source, f->n, sizeof f->source[0], compare);
	return finish(f, max);
}

const struct source_filter *source_filter_merge(const struct source_filter *a, const struct source_filter *b, size_t max)
{
	if (!a->exclude && !b->exclude)
		return merge_include(a, b, max);
	const struct source_filter *first = a->exclude ? a : b, *second = a->exclude ? b : a;
	struct source_filter *f = make(true, first->n);
	if (!f)
		return &source_filter_all;
	/* Kept away is only what nobody wants: in both lists of two EXCLUDE, in the one but not in the INCLUDE. */
	select_from(f, first, second, second->exclude);
	return finish(f, max);
}

const struct source_filter *source_filter_copy(const struct source_filter *f)
{
	return source_filter_make(f->exclude, f->source, f->n, f->n);
}

void source_filter_free(const struct source_filter *f)
{
	if (f != &source_filter_all && f != &source_filter_none)
		free((void *)(uintptr_t)f);
}

bool source_filter_eq(const struct source_filter *a, const struct source_filter *b)
{
	return a->exclude == b->exclude && a->n == b->n && !memcmp(a->source, b->source, a->n * sizeof a->source[0]);
}

bool source_filter_empty(const struct source_filter *f)
{
	return !f->exclude && !f->n;
}

bool source_filter_covers(const struct source_filter *wide, const struct source_filter *narrow)
{
	bool all;
	return source_filter_lost(narrow, wide, NULL, 0, &all) == 0 && !all;
}

size_t source_filter_lost(const struct source_filter *before, const struct source_filter *after, struct in6_addr *out, size_t max,
                         bool *all)
{
	/* Named in `before` if that is an INCLUDE, in `after` if that is an EXCLUDE: there is no third case with names. */
	const struct source_filter *named = before->exclude ? after : before;
	size_t n = 0;
	*all = before->exclude && !after->exclude;
	for (size_t i = 0; !*all && i < named->n; i++) {
		if (!source_filter_wants(before, &named->source[i]) || source_filter_wants(after, &named->source[i]))
			continue;
		if (n < max)
			out[n] = named->source[i];
		n++;
	}
	return max && n > max ? max : n;
}
