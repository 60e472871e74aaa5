#include "cxtp/cxtp_seen.h"

#include <stdlib.h>
#include <string.h>

#include "core/secret.h"
#include "cxtp/cxtp_count.h"

#define WAYS 8

struct entry {
	uint64_t print; /* 0: free */
	usec_t until;
};

struct cxtp_seen {
	size_t buckets;
	struct entry entries[];
};

struct cxtp_seen *cxtp_seen_create(size_t entries)
{
	size_t buckets = entries / WAYS + 1;
	struct cxtp_seen *s = calloc(1, sizeof *s + buckets * WAYS * sizeof(struct entry));
	if (s)
		s->buckets = buckets;
	return s;
}

void cxtp_seen_destroy(struct cxtp_seen *s)
{
	free(s);
}

static uint64_t fingerprint(enum cxtp_seen_kind kind, const struct in6_addr *pcoa, uint32_t seq)
{
	uint8_t key[sizeof *pcoa + sizeof seq + 1];
	memcpy(key, pcoa, sizeof *pcoa);
	memcpy(key + sizeof *pcoa, &seq, sizeof seq);
	key[sizeof key - 1] = (uint8_t)kind;
	uint64_t h = hash_keyed(key, sizeof key);
	return h ? h : 1;
}

void cxtp_seen_add(struct cxtp_seen *s, enum cxtp_seen_kind kind, const struct in6_addr *pcoa, uint32_t seq, usec_t now,
                   usec_t until)
{
	uint64_t print = fingerprint(kind, pcoa, seq);
	struct entry *bucket = &s->entries[print % s->buckets * WAYS], *place = bucket;
	for (struct entry *e = bucket; e < bucket + WAYS; e++) {
		if (e->print == print) {
			e->until = until;
			return;
		}
		if (e->until < place->until)
			place = e;
	}
	if (place->print && place->until > now)
		cxtp_count(CXTP_REPLAY_FORGOTTEN);
	*place = (struct entry){ .print = print, .until = until };
}

bool cxtp_seen_has(const struct cxtp_seen *s, enum cxtp_seen_kind kind, const struct in6_addr *pcoa, uint32_t seq, usec_t now)
{
	uint64_t print = fingerprint(kind, pcoa, seq);
	const struct entry *bucket = &s->entries[print % s->buckets * WAYS];
	for (const struct entry *e = bucket; e < bucket + WAYS; e++)
		if (e->print == print)
			return e->until > now;
	return false;
}
