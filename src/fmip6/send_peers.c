#include "fmip6/send_peers.h"

#include <stdlib.h>
#include <string.h>

#include "fmip6/fmip6_machine.h"
#include "fmip6/send_wire.h"

#define HASH_FUNCTION FMIP6_HASH
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define UNIT(us) ((int64_t)((us) * 65536 / USEC_SEC)) /* of a Timestamp option */

struct peer {
	UT_hash_handle hh;
	struct in6_addr addr;
	uint64_t received, timestamp; /* RDlast, TSlast; both in the option's unit */
};

struct send_peers {
	size_t max;
	struct peer *all; /* not heard for longest first */
};

static void peer_drop(struct send_peers *p, struct peer *e)
{
	HASH_DELETE(hh, p->all, e);
	free(e);
}

static struct peer *peer_find(const struct send_peers *p, const struct in6_addr *addr)
{
	struct peer *e = NULL;
	HASH_FIND(hh, p->all, addr, sizeof *addr, e);
	return e;
}

/* The difference of two times that may be anything, without an overflow. */
static int64_t apart(uint64_t a, uint64_t b)
{
	uint64_t d = a > b ? a - b : b - a;
	int64_t most = d > INT64_MAX ? INT64_MAX : (int64_t)d;
	return a > b ? most : -most;
}

/*
 * Of a peer that is known, a timestamp no later than the last is refused as well, which is more than §5.3.4.2 asks for: every
 * question has its own time, and the same one again is somebody else's. An entry older than twice Delta says nothing that Delta does
 * not say.
 */
enum send_age send_peers_check(const struct send_peers *p, const struct in6_addr *peer, uint64_t timestamp, uint64_t now)
{
	uint64_t received = send_time(now);
	const struct peer *e = peer_find(p, peer);
	if (!e || apart(received, e->received) > 2 * UNIT(TIMESTAMP_DELTA)) {
		int64_t d = apart(received, timestamp);
		return d > -UNIT(TIMESTAMP_DELTA) && d < UNIT(TIMESTAMP_DELTA) ? SEND_FRESH : SEND_STALE;
	}
	if (timestamp <= e->timestamp)
		return SEND_REPLAYED;
	int64_t passed = apart(received, e->received) / 100 * (100 - TIMESTAMP_DRIFT_PERCENT);
	return apart(timestamp, e->timestamp) + 2 * UNIT(TIMESTAMP_FUZZ) > passed ? SEND_FRESH : SEND_STALE;
}

void send_peers_note(struct send_peers *p, const struct in6_addr *peer, uint64_t timestamp, uint64_t now)
{
	struct peer *e = peer_find(p, peer);
	if (e)
		HASH_DELETE(hh, p->all, e); /* to the end */
	else if (HASH_COUNT(p->all) >= p->max)
		peer_drop(p, p->all);
	if (!e && !(e = calloc(1, sizeof *e)))
		return;
	e->addr = *peer;
	e->received = send_time(now);
	e->timestamp = timestamp;
	HASH_ADD(hh, p->all, addr, sizeof e->addr, e);
}

long long send_age_seconds(uint64_t timestamp, uint64_t now)
{
	return (long long)(apart(send_time(now), timestamp) / 65536);
}

struct send_peers *send_peers_create(size_t max)
{
	struct send_peers *p = calloc(1, sizeof *p);
	if (p)
		p->max = max;
	return p;
}

void send_peers_destroy(struct send_peers *p)
{
	while (p && p->all)
		peer_drop(p, p->all);
	free(p);
}
