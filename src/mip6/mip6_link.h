/*
 * Which link are we on (RFC 6275 §11.5.1)? By Router Advertisements, by whether the router still answers, and by what the link layer
 * and a fast handover say.
 *
 *   DOWN       no carrier
 *   SEARCHING  carrier, and nobody has said whose link it is: Router Solicitations, the first at once
 *   WAITING    another link's router is heard, and a fast handover under way may have more to say
 *   SETTLED    known
 *   DOUBTFUL   another router is heard, or ours is silent: it is asked (RFC 6275 §11.5.1, RFC 4861 §7.2). It answers: two routers on one
 *              link. It does not: we have moved
 *
 * A link is known by its prefixes: routers that share one are on one link.
 */
#ifndef HANDOVERD_MIP6_LINK_H
#define HANDOVERD_MIP6_LINK_H

#include "core/loop.h"
#include "net/nd.h"

enum mip6_link_state { MIP6_LINK_DOWN, MIP6_LINK_SEARCHING, MIP6_LINK_WAITING, MIP6_LINK_SETTLED, MIP6_LINK_DOUBTFUL };
const char *mip6_link_state_name(enum mip6_link_state s);

struct mip6_place {
	struct in6_addr router; /* link-local; unspecified: not heard of, a fast handover brought us here */
	struct lladdr lladdr;   /* of the router; len 0: not told */
	usec_t heard;
	usec_t expires;         /* as a default router */
	uint32_t interval;      /* ms */
	size_t n;
	struct nd_prefix prefixes[ND_PREFIXES];
};

struct mip6_link_params {
	usec_t solicit_interval; /* the first; it doubles */
	usec_t probe_timeout;    /* for each of MIP6_LINK_PROBES */
	usec_t fast_wait;
};
#define MIP6_LINK_PROBES 3

/* How it became known. */
enum mip6_link_word {
	MIP6_LINK_SAME,    /* the link as it was, perhaps with other prefixes or another router */
	MIP6_LINK_MOVED,   /* another one */
	MIP6_LINK_OVERDUE, /* another one; no fast handover settled that within fast_wait */
};

struct mip6_link_ops {
	void (*solicit)(void *arg);                            /* Router Solicitation to all routers */
	void (*probe)(void *arg, const struct mip6_place *p);  /* Neighbour Solicitation to p's router */
	bool (*home)(void *arg, const struct mip6_place *p);   /* is this the home link? No fast handover is waited for there */
	void (*settled)(void *arg, const struct mip6_place *p, enum mip6_link_word word, usec_t at);
};

struct mip6_link;
struct mip6_link *mip6_link_create(struct loop *l, const struct mip6_link_params *p, const struct mip6_link_ops *ops, void *arg);
void mip6_link_destroy(struct mip6_link *m);
void mip6_link_reload(struct mip6_link *m, const struct mip6_link_params *p);

void mip6_link_down(struct mip6_link *m);
/* fast: somebody else (FMIPv6) looks where we are too, and is to be waited for. */
void mip6_link_up(struct mip6_link *m, bool fast);
/* Something happened to the link, and its carrier is there: it may have gone and come back unseen. */
void mip6_link_hint(struct mip6_link *m);
void mip6_link_ra(struct mip6_link *m, const struct in6_addr *src, const struct nd_ra *ra, usec_t at);
void mip6_link_na(struct mip6_link *m, const struct in6_addr *target, usec_t at); /* a solicited one */
/* The fast handover says: on the link of this prefix. No word follows. */
void mip6_link_told(struct mip6_link *m, const struct prefix *p, usec_t at);
void mip6_link_not_told(struct mip6_link *m, usec_t at); /* it will say nothing */

enum mip6_link_state mip6_link_state(const struct mip6_link *m);
const struct mip6_place *mip6_link_place(const struct mip6_link *m); /* NULL: never known */

#endif
