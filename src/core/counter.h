/*
 * Counters. Each module keeps an array of counters beside an enum of its own; names are API and stand in handoverctl(8).
 *
 *   enum { FMIP6_FBU_RECEIVED, …, FMIP6_COUNTERS };
 *   struct counter fmip6_counters[FMIP6_COUNTERS] = {
 *       [FMIP6_FBU_RECEIVED] = { .name = "fbu_received", .help = "FBUs received" }, … };
 *
 * `handoverctl show counters` prints module.name; OpenMetrics prints handoverd_module_name_total.
 */
#ifndef HANDOVERD_CORE_COUNTER_H
#define HANDOVERD_CORE_COUNTER_H

#include <stddef.h>
#include <stdint.h>

struct counter {
	const char *name; /* lower case, underscores */
	const char *help; /* one short sentence */
	uint64_t value;
	uint8_t gauge; /* 1: goes up and down (no _total) */
};

struct counter_set {
	const char *module;
	struct counter *counters; /* an entry with a NULL name is skipped */
	size_t n;
};

#endif
