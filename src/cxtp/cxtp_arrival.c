#include "cxtp/cxtp_arrival.h"

#include <stdlib.h>

#include "cxtp/cxtp_count.h"
#include "cxtp/cxtp_table.h"

struct arrival {
	UT_hash_handle hh;
	struct in6_addr addr; /* the key */
	struct in6_addr own;
	uint32_t seq;
};

struct cxtp_arrivals {
	struct arrival *table; /* in the order of arrival */
};

struct cxtp_arrivals *cxtp_arrivals_create(void)
{
	return calloc(1, sizeof(struct cxtp_arrivals));
}

static void arrival_free(struct cxtp_arrivals *a, struct arrival *m)
{
	HASH_DEL(a->table, m);
	cxtp_counters[CXTP_ARRIVALS].value--;
	free(m);
}

void cxtp_arrivals_destroy(struct cxtp_arrivals *a)
{
	if (!a)
		return;
	while (a->table)
		arrival_free(a, a->table);
	free(a);
}

static struct arrival *find(const struct cxtp_arrivals *a, const struct in6_addr *addr)
{
	struct arrival *m;
	HASH_FIND(hh, a->table, addr, sizeof *addr, m);
	return m;
}

void cxtp_arrivals_drop(struct cxtp_arrivals *a, const struct in6_addr *addr)
{
	struct arrival *m = find(a, addr);
	if (m)
		arrival_free(a, m);
}

void cxtp_arrivals_put(struct cxtp_arrivals *a, const struct in6_addr *addr, const struct in6_addr *own, uint32_t seq, size_t limit)
{
	cxtp_arrivals_drop(a, addr);
	while (a->table && HASH_COUNT(a->table) >= limit)
		arrival_free(a, a->table);
	struct arrival *m = limit ? calloc(1, sizeof *m) : NULL;
	if (!m)
		return;
	m->addr = *addr;
	m->own = *own;
	m->seq = seq;
	HASH_ADD(hh, a->table, addr, sizeof m->addr, m);
	if (!m->hh.tbl) {
		free(m);
		return;
	}
	cxtp_counters[CXTP_ARRIVALS].value++;
}

bool cxtp_arrivals_find(const struct cxtp_arrivals *a, const struct in6_addr *addr, struct in6_addr *own, uint32_t *seq)
{
	const struct arrival *m = find(a, addr);
	if (!m)
		return false;
	*own = m->own;
	*seq = m->seq;
	return true;
}
