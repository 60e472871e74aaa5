/*
 * Source filters of multicast memberships (RFC 3376 §2, RFC 3810 §3): EXCLUDE {…}, all sources but these, or INCLUDE {…},
 * these and no others; INCLUDE {} is no membership. Immutable once made; sources in ascending order, none twice. Pure.
 *
 * What cannot be kept (no memory, more sources than `max`) becomes wider, never narrower: somebody gets more than was
 * asked for, nobody less. Two constants are never freed: source_filter_free knows them.
 */
#ifndef HANDOVERD_NET_SOURCE_FILTER_H
#define HANDOVERD_NET_SOURCE_FILTER_H

#include "core/addr.h"

struct source_filter {
	bool exclude;
	uint16_t n;
	struct in6_addr source[];
};

extern const struct source_filter source_filter_all;  /* EXCLUDE {} */
extern const struct source_filter source_filter_none; /* INCLUDE {} */

/* From sources in any order. Returns owned. */
const struct source_filter *source_filter_make(bool exclude, const struct in6_addr *sources, size_t n, size_t max);
/* What somebody wants who wants what a wants and what b wants (RFC 3810 §4.2). Returns owned. */
const struct source_filter *source_filter_merge(const struct source_filter *a, const struct source_filter *b, size_t max);
const struct source_filter *source_filter_copy(const struct source_filter *f);
void source_filter_free(const struct source_filter *f); /* NULL allowed */

bool source_filter_wants(const struct source_filter *f, const struct in6_addr *source);
bool source_filter_eq(const struct source_filter *a, const struct source_filter *b);
bool source_filter_empty(const struct source_filter *f); /* INCLUDE {} */
bool source_filter_covers(const struct source_filter *wide, const struct source_filter *narrow); /* lets all through that narrow does */
/*
 * Sources that `before` lets through and `after` does not, as far as they can be named; at most `max` of them go to `out`,
 * how many is returned. They cannot be named, *all is set, if an EXCLUDE became an INCLUDE.
 */
size_t source_filter_lost(const struct source_filter *before, const struct source_filter *after, struct in6_addr *out, size_t max,
                         bool *all);

#endif
