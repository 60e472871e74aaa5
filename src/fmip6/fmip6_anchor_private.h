/* Within the anchor: its clients (fmip6_anchor.c), one address that is away (fmip6_anchor_away.c), farewells (fmip6_anchor_farewell.c). */
#ifndef HANDOVERD_FMIP6_ANCHOR_PRIVATE_H
#define HANDOVERD_FMIP6_ANCHOR_PRIVATE_H

#include "fmip6/fmip6_anchor.h"

#define HASH_FUNCTION FMIP6_HASH
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define ANCHOR_PACE USEC_MSEC /* between clients, where a neighbour is told of many */

/* One client, by its link-layer address; there as long as one of its addresses is. */
struct client {
	UT_hash_handle hh;
	struct lladdr lladdr;
	struct away *first;
	unsigned n;
};

/* One address of a client that is away, or is about to be. */
struct away {
	UT_hash_handle hh;     /* by pcoa */
	UT_hash_handle hh_seq; /* by seq, while asking */
	struct fmip6_anchor *anchor;
	struct client *client;
	struct away *next; /* of the same client */
	struct in6_addr pcoa;
	struct lladdr lladdr;
	struct in6_addr router, local; /* in force; unspecified: nothing is */
	struct in6_addr was;   /* the router it leaves, until it has arrived at the other */
	bool arrived;          /* at router */
	bool awaited;          /* here: its packets are held */
	bool adopted;          /* on the word of the router where it is: we never had it on our link */
	usec_t since;          /* it arrived; what was seen of it before says nothing */
	struct timer life;     /* of what is in force */
	struct timer expect;   /* it does not arrive where it is awaited */

	bool asking;
	struct in6_addr to, to_local;
	bool present; /* to says that it is there already */
	uint16_t seq;
	int64_t tries;
	struct timer retry;

	bool open; /* a timeline runs, in role */
	enum handover_role role;
};

struct farewell; /* what a router is told that shall forget a client */

struct fmip6_anchor {
	struct loop *loop;
	const struct fmip6_params *params;
	const struct anchor_ops *ops;
	void *arg;
	struct away *all, *by_seq;
	struct client *clients;
	struct farewell *farewells;
	uint16_t seq; /* odd; the PAR's are even */
	struct bucket log;
};

/* ---- fmip6_anchor_away.c ---- */

struct away *away_find(const struct fmip6_anchor *a, const struct in6_addr *pcoa);
struct away *away_of_seq(const struct fmip6_anchor *a, uint16_t seq); /* the one asked for by that HI */
struct client *client_find(const struct fmip6_anchor *a, const struct lladdr *l);
/* NULL, counted: the limit of sessions, or no memory. */
struct away *away_make(struct fmip6_anchor *a, const struct in6_addr *pcoa, const struct lladdr *l);
struct anchor_view away_view(const struct away *e);
bool away_in_force(const struct away *e);
void away_tunnel_end(const struct away *e); /* what comes back through the tunnel, as it is now */

/* Another router is asked to take it; present: it has been seen there. wait: before the first HI. */
void away_ask(struct away *e, const struct in6_addr *to, bool present, usec_t at, usec_t wait);
void away_refused(struct away *e, const char *reason); /* by that router */
void away_granted(struct away *e, const struct mh_in *in);
const char *away_await(struct away *e);                /* it comes home; NULL, or why that cannot be */
void away_home(struct away *e, const struct lladdr *l, int ifindex, usec_t at); /* it came; e is gone */
/* It is over otherwise; e is gone. direct: its packets go to our link again; else their path is the caller's. */
void away_end(struct away *e, bool direct, const char *reason);
void away_drop(struct away *e); /* silently */

/* ---- fmip6_anchor_farewell.c ---- */

uint16_t anchor_seq(struct fmip6_anchor *a); /* one that no HI under way has */
void anchor_send_hi(struct fmip6_anchor *a, const struct hi *m, const struct in6_addr *local, const struct in6_addr *router);
bool farewell(const struct away *e, const struct in6_addr *router); /* that router is told, until it answers; false: no room */
bool farewell_answered(struct fmip6_anchor *a, uint16_t seq, const struct in6_addr *peer);
void farewells_clear(struct fmip6_anchor *a);

#endif
