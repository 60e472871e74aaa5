#include "fmip6/fmip6_early.h"

#include <stdlib.h>

#include "core/secret.h"
#include "fmip6/fmip6_machine.h"

#define HASH_FUNCTION FMIP6_HASH
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define EARLY_LIFE (5 * USEC_SEC) /* as long as an FBU and a HI may be repeated */
#define EARLY_MAX 1024

struct early {
	UT_hash_handle hh; /* oldest first */
	struct in6_addr ncoa;
	struct lladdr lladdr; /* of the UNA */
	int ifindex;
	usec_t una;               /* when it came; 0: none did */
	struct in6_addr contexts; /* the PCoA whose contexts are done; unspecified: none are */
	usec_t at;                /* last change */
};

static struct early *find(struct early *t, const struct in6_addr *ncoa)
{
	struct early *e = NULL;
	HASH_FIND(hh, t, ncoa, sizeof *ncoa, e);
	return e;
}

static void drop(struct early **t, struct early *e)
{
	HASH_DELETE(hh, *t, e);
	free(e);
}

/* What is remembered of an address, made the youngest. NULL: no memory. */
static struct early *get(struct early **t, const struct in6_addr *ncoa, usec_t at)
{
	struct early *e = find(*t, ncoa), was = { .ncoa = *ncoa };
	if (e) {
		was = *e;
		drop(t, e);
	}
	while (*t && ((*t)->at + EARLY_LIFE <= at || HASH_COUNT(*t) >= EARLY_MAX))
		drop(t, *t);
	if (!(e = calloc(1, sizeof *e)))
		return NULL;
	*e = was;
	e->at = at;
	HASH_ADD(hh, *t, ncoa, sizeof e->ncoa, e);
	return e;
}

void early_una(struct early **t, const struct in6_addr *ncoa, const struct lladdr *l, int ifindex, usec_t at)
{
	struct early *e = get(t, ncoa, at);
	if (!e)
		return;
	e->lladdr = *l;
	e->ifindex = ifindex;
	e->una = at;
}

void early_contexts(struct early **t, const struct in6_addr *ncoa, const struct in6_addr *pcoa, usec_t at)
{
	struct early *e = addr_is_zero(ncoa) ? NULL : get(t, ncoa, at);
	if (e)
		e->contexts = *pcoa;
}

usec_t early_take(struct early **t, const struct in6_addr *ncoa, const struct lladdr *l, int ifindex, const struct in6_addr *pcoa,
                  usec_t now, bool *contexts_done)
{
	struct early *e = find(*t, ncoa);
	if (!e)
		return 0;
	bool fresh = e->at + EARLY_LIFE > now;
	bool mine = fresh && lladdr_eq(&e->lladdr, l) && e->ifindex == ifindex;
	*contexts_done = fresh && addr_eq(&e->contexts, pcoa);
	usec_t at = mine ? e->una : 0;
	drop(t, e);
	return at;
}

bool early_announced(struct early *t, const struct in6_addr *ncoa, usec_t now)
{
	const struct early *e = find(t, ncoa);
	return e && e->una && e->at + EARLY_LIFE > now;
}

void early_forget(struct early **t, const struct in6_addr *ncoa)
{
	struct early *e = find(*t, ncoa);
	if (e)
		drop(t, e);
}

void early_clear(struct early **t)
{
	while (*t)
		drop(t, *t);
}
