/*
 * Time and memory per mobile in the tables, at the sizes given as arguments (default 1000 and 1000000).
 *
 * Subject: the table of mobiles: insert with a link-layer address, find by address in random order, remove. Floor, in the
 * same round: as many records of the same size in one array, visited in the same random order. Prints one JSON object.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/bus.h"
#include "core/loop.h"
#include "core/mobile.h"

#define ROUNDS 5

struct figures {
	double insert_ns, find_ns, remove_ns, octets, floor_ns;
};

static double now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* The i-th address: spread over a /64 as interface identifiers are. */
static struct in6_addr address(uint32_t i)
{
	struct in6_addr a = { .s6_addr = { 0x20, 0x01, 0x0d, 0xb8 } };
	uint64_t iid = (uint64_t)(i + 1) * 0x9e3779b97f4a7c15ULL;
	memcpy(a.s6_addr + 8, &iid, sizeof iid);
	return a;
}

static void shuffle(uint32_t *order, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	for (uint32_t i = n; i > 1; i--) {
		uint32_t j = (uint32_t)random() % i, t = order[i - 1];
		order[i - 1] = order[j];
		order[j] = t;
	}
}

static double per(double start, uint32_t n)
{
	return (now_ns() - start) / n;
}

static volatile uintptr_t sink; /* keeps what is only read */

static struct figures run_once(uint32_t n, const uint32_t *order)
{
	struct figures f = { 0 };
	struct loop *loop = loop_create_virtual(0);
	struct bus *bus = bus_create(loop);
	struct mobiles *table = mobiles_create(bus, n);
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;

	double start = now_ns();
	for (uint32_t i = 0; i < n; i++) {
		struct in6_addr a = address(i);
		struct lladdr l = { .len = 6, .octet = { 2, 0, (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i } };
		struct mobile *m = mobile_get(table, &a);
		if (!m)
			abort();
		mobile_set_link(table, m, 2, &l);
	}
	f.insert_ns = per(start, n);
	f.octets = (double)(mallinfo2().uordblks + mallinfo2().hblkhd - before) / n;

	start = now_ns();
	for (uint32_t i = 0; i < n; i++) {
		struct in6_addr a = address(order[i]);
		sink += mobile_find(table, &a)->addrs_n;
	}
	f.find_ns = per(start, n);

	struct mobile *flat = calloc(n, sizeof *flat);
	start = now_ns();
	for (uint32_t i = 0; i < n; i++) {
		struct in6_addr a = address(order[i]);
		flat[order[i]].addrs[0] = a;
		sink += flat[order[i]].addrs_n;
	}
	f.floor_ns = per(start, n);
	free(flat);

	start = now_ns();
	for (uint32_t i = 0; i < n; i++) {
		struct in6_addr a = address(order[i]);
		mobile_remove(table, mobile_find(table, &a));
	}
	f.remove_ns = per(start, n);
	mobiles_destroy(table);
	bus_destroy(bus);
	loop_destroy(loop);
	return f;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(const struct figures *f, size_t offset)
{
	double v[ROUNDS];
	for (int i = 0; i < ROUNDS; i++)
		memcpy(&v[i], (const char *)&f[i] + offset, sizeof v[i]);
	qsort(v, ROUNDS, sizeof *v, by_value);
	return v[ROUNDS / 2];
}

int main(int argc, char **argv)
{
	uint32_t sizes[8] = { 1000, 1000000 }, k = 2;
	if (argc > 1)
		for (k = 0; k < 8 && (int)k + 1 < argc; k++)
			sizes[k] = (uint32_t)strtoul(argv[k + 1], NULL, 10);
	printf("[");
	for (uint32_t s = 0; s < k; s++) {
		struct figures f[ROUNDS];
		uint32_t *order = calloc(sizes[s], sizeof *order);
		if (!order)
			return 1;
		shuffle(order, sizes[s]);
		for (int i = 0; i < ROUNDS; i++)
			f[i] = run_once(sizes[s], order);
		free(order);
		printf("%s{\"mobiles\": %u, \"insert_ns\": %.0f, \"find_ns\": %.0f, \"remove_ns\": %.0f, \"floor_ns\": %.1f, "
		       "\"octets_per_mobile\": %.0f}",
		       s ? ", " : "", sizes[s], median(f, offsetof(struct figures, insert_ns)),
		       median(f, offsetof(struct figures, find_ns)), median(f, offsetof(struct figures, remove_ns)),
		       median(f, offsetof(struct figures, floor_ns)), median(f, offsetof(struct figures, octets)));
	}
	printf("]\n");
	return 0;
}
