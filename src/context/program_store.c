#include "context/program_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/secret.h"

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION(key, len, out) ((out) = (unsigned)hash_keyed((key), (len)))
#include <uthash.h>

struct deposit {
	struct in6_addr mobile; /* the key */
	UT_hash_handle hh;
	size_t len;
	uint8_t blocks[];
};

struct program_store {
	const struct program_store_limits *limits;
	struct deposit *deposits;
	size_t octets;
};

struct program_store *program_store_create(const struct program_store_limits *limits)
{
	struct program_store *s = calloc(1, sizeof *s);
	if (s)
		s->limits = limits;
	return s;
}

static struct deposit *find(const struct program_store *s, const struct in6_addr *mobile)
{
	struct deposit *d;
	HASH_FIND(hh, s->deposits, mobile, sizeof *mobile, d);
	return d;
}

static void deposit_free(struct program_store *s, struct deposit *d)
{
	HASH_DEL(s->deposits, d);
	s->octets -= d->len;
	secret_wipe(d->blocks, d->len);
	free(d);
}

void program_store_clear(struct program_store *s)
{
	while (s->deposits)
		deposit_free(s, s->deposits);
}

void program_store_destroy(struct program_store *s)
{
	if (!s)
		return;
	program_store_clear(s);
	free(s);
}

void program_store_drop(struct program_store *s, const struct in6_addr *mobile)
{
	struct deposit *d = find(s, mobile);
	if (d)
		deposit_free(s, d);
}

int program_store_put(struct program_store *s, const struct in6_addr *mobile, const uint8_t *blocks, size_t len)
{
	program_store_drop(s, mobile);
	if (!len)
		return 0;
	if (HASH_COUNT(s->deposits) >= s->limits->mobiles || s->octets >= s->limits->octets || len > s->limits->octets - s->octets)
		return -ENOSPC;
	struct deposit *d = malloc(sizeof *d + len);
	if (!d)
		return -ENOMEM;
	d->mobile = *mobile;
	d->len = len;
	memcpy(d->blocks, blocks, len);
	HASH_ADD(hh, s->deposits, mobile, sizeof d->mobile, d);
	if (!d->hh.tbl) {
		free(d);
		return -ENOMEM;
	}
	s->octets += len;
	return 0;
}

const uint8_t *program_store_get(const struct program_store *s, const struct in6_addr *mobile, size_t *len)
{
	const struct deposit *d = find(s, mobile);
	*len = d ? d->len : 0;
	return d ? d->blocks : NULL;
}

size_t program_store_mobiles(const struct program_store *s)
{
	return HASH_COUNT(s->deposits);
}

size_t program_store_octets(const struct program_store *s)
{
	return s->octets;
}

void program_store_each(const struct program_store *s, void (*fn)(const struct in6_addr *mobile, size_t octets, void *arg), void *arg)
{
	for (const struct deposit *d = s->deposits; d; d = d->hh.next)
		fn(&d->mobile, d->len, arg);
}
