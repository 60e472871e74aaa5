#include "fmip6/fmip6_known.h"

#include <stdlib.h>
#include <string.h>

#include "fmip6/fmip6_machine.h"

#define HASH_FUNCTION FMIP6_HASH
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define TOGETHER (3600 * USEC_SEC)

struct station {
	UT_hash_handle hh; /* by lladdr; heard of longest ago first */
	struct lladdr lladdr;
	int ifindex;
	usec_t at;
	struct address *first; /* heard of last first */
	unsigned n;
};

struct address {
	UT_hash_handle hh;
	struct in6_addr addr;
	usec_t at;
	struct station *station;
	struct address *next;
};

struct known {
	const usec_t *memory;
	struct station *stations;
	struct address *addresses;
};

static struct station *station_find(const struct known *k, const struct lladdr *l)
{
	const struct lladdr key = lladdr_key(l);
	struct station *s = NULL;
	HASH_FIND(hh, k->stations, &key, sizeof key, s);
	return s;
}

static struct address *address_find(const struct known *k, const struct in6_addr *addr)
{
	struct address *a = NULL;
	HASH_FIND(hh, k->addresses, addr, sizeof *addr, a);
	return a;
}

static void unlink_address(struct address *a)
{
	struct address **at = &a->station->first;
	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	a->station->n--;
}

static void address_drop(struct known *k, struct address *a)
{
	unlink_address(a);
	HASH_DELETE(hh, k->addresses, a);
	free(a);
}

static void station_drop(struct known *k, struct station *s)
{
	while (s->first)
		address_drop(k, s->first);
	HASH_DELETE(hh, k->stations, s);
	free(s);
}

/* Found or made, and the youngest. */
static struct station *station_get(struct known *k, const struct lladdr *l)
{
	struct station *s = station_find(k, l);
	if (s) {
		HASH_DELETE(hh, k->stations, s);
	} else {
		if (HASH_COUNT(k->stations) >= KNOWN_STATIONS)
			station_drop(k, k->stations);
		if (!(s = calloc(1, sizeof *s)))
			return NULL;
		s->lladdr = lladdr_key(l);
	}
	HASH_ADD(hh, k->stations, lladdr, sizeof s->lladdr, s);
	return s;
}

static void link_address(struct known *k, struct address *a, struct station *s)
{
	a->station = s;
	a->next = s->first;
	s->first = a;
	if (++s->n <= KNOWN_ADDRS)
		return;
	struct address *last = s->first;
	while (last->next)
		last = last->next;
	address_drop(k, last);
}

void known_add(struct known *k, const struct in6_addr *addr, const struct lladdr *l, int ifindex, usec_t at)
{
	struct station *s = station_get(k, l);
	struct address *a = s ? address_find(k, addr) : NULL;
	if (!s)
		return;
	s->ifindex = ifindex;
	s->at = at;
	if (a) {
		struct station *old = a->station;
		unlink_address(a);
		if (old != s && !old->first)
			station_drop(k, old);
	} else {
		if (!(a = calloc(1, sizeof *a)))
			return;
		a->addr = *addr;
		HASH_ADD(hh, k->addresses, addr, sizeof a->addr, a);
	}
	a->at = at;
	link_address(k, a, s);
}

void known_heard(struct known *k, const struct in6_addr *addr, usec_t at)
{
	struct address *a = address_find(k, addr);
	if (a)
		known_add(k, addr, &a->station->lladdr, a->station->ifindex, at);
}

bool known_lladdr(const struct known *k, const struct in6_addr *addr, usec_t now, struct lladdr *out)
{
	const struct address *a = address_find(k, addr);
	if (!a || a->at + *k->memory < now)
		return false;
	*out = a->station->lladdr;
	return true;
}

size_t known_addresses(const struct known *k, const struct lladdr *l, usec_t now, struct in6_addr *out, size_t max)
{
	const struct station *s = station_find(k, l);
	size_t n = 0;
	for (const struct address *a = s && s->at + *k->memory >= now ? s->first : NULL; a && n < max; a = a->next)
		if (a->at + TOGETHER >= s->at)
			out[n++] = a->addr;
	return n;
}

bool known_station(const struct known *k, int ifindex, const struct lladdr *l, usec_t now)
{
	const struct station *s = station_find(k, l);
	return s && s->ifindex == ifindex && s->at + *k->memory >= now;
}

struct known *known_create(const usec_t *memory)
{
	struct known *k = calloc(1, sizeof *k);
	if (k)
		k->memory = memory;
	return k;
}

void known_destroy(struct known *k)
{
	if (!k)
		return;
	while (k->stations)
		station_drop(k, k->stations);
	free(k);
}
