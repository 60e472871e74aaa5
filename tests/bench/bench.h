/* What the bench programs share: time, medians, and rounds in which floor and subject take turns. */
#ifndef HANDOVERD_TESTS_BENCH_H
#define HANDOVERD_TESTS_BENCH_H

#include <stddef.h>

#define BENCH_ROUNDS_MAX 64
#define BENCH_COUNT_MAX 10000

double bench_now_us(void);
double bench_median(double *values, size_t n); /* sorts */

/* One measurement in microseconds; negative: failed, the run is given up. */
typedef double bench_once_fn(void *arg);
/*
 * `rounds` rounds of `count` measurements, one of the floor and one of the subject by turns. Prints one JSON object: the
 * medians over all rounds, and the median of the per-round ratios of medians. Returns 0, or 1 if anything failed.
 */
int bench_compare(const char *name, bench_once_fn *floor, bench_once_fn *subject, void *arg, size_t rounds, size_t count);

#endif
