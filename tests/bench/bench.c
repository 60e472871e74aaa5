#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

double bench_now_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double bench_median(double *values, size_t n)
{
	qsort(values, n, sizeof *values, by_value);
	return n ? values[n / 2] : 0;
}

int bench_compare(const char *name, bench_once_fn *floor, bench_once_fn *subject, void *arg, size_t rounds, size_t count)
{
	static double f[BENCH_COUNT_MAX], s[BENCH_COUNT_MAX];
	double floors[BENCH_ROUNDS_MAX], subjects[BENCH_ROUNDS_MAX], ratios[BENCH_ROUNDS_MAX];
	if (rounds > BENCH_ROUNDS_MAX || count > BENCH_COUNT_MAX || !rounds || !count)
		return 1;
	for (size_t r = 0; r < rounds; r++) {
		for (size_t i = 0; i < count; i++) {
			f[i] = floor(arg);
			s[i] = subject(arg);
			if (f[i] < 0 || s[i] < 0) {
				fprintf(stderr, "%s: no answer (%s) in round %zu, try %zu\n", name, f[i] < 0 ? "floor" : "subject", r, i);
				return 1;
			}
		}
		floors[r] = bench_median(f, count);
		subjects[r] = bench_median(s, count);
		ratios[r] = subjects[r] / floors[r];
	}
	printf("{\"name\": \"%s\", \"floor_us\": %.1f, \"subject_us\": %.1f, \"ratio\": %.2f, \"rounds\": %zu, \"count\": %zu}\n",
	       name, bench_median(floors, rounds), bench_median(subjects, rounds), bench_median(ratios, rounds), rounds, count);
	return 0;
}
