/* Within the part for clients: its state, and what its files know of each other. */
#ifndef HANDOVERD_FMIP6_CLIENTS_PRIVATE_H
#define HANDOVERD_FMIP6_CLIENTS_PRIVATE_H

#include "fmip6/fmip6_anchor.h"
#include "fmip6/fmip6_clients.h"
#include "fmip6/fmip6_known.h"
#include "fmip6/fmip6_visit.h"
#include "net/sight.h"

struct fmip6_clients {
	struct fmip6_router *router;
	struct core *core;
	struct fmip6_anchor *anchor;
	struct fmip6_visit *visit;
	struct known *known;
	struct sight *sight;
	struct bus_sub *association;
	struct timer rules; /* the filter is made anew once for many changes */
	usec_t rules_next;  /* not before */
	struct bucket answers;
	struct access { /* a prefix of one of our access links */
		struct prefix prefix;
		int ifindex;
	} *access;
	size_t access_n;
};

extern const struct anchor_ops clients_anchor_ops;
extern const struct visit_ops clients_visit_ops;

bool clients_own_address(const struct fmip6_clients *c, const struct in6_addr *a);
/* The neighbour behind which a is, and its AP there; NULL: none that is usable for this. */
const struct ap *clients_home(const struct fmip6_clients *c, const struct in6_addr *a);
struct neighbor *clients_peer(const struct fmip6_clients *c, const struct in6_addr *src);

/* A question on a link for somebody who is not there, but is reached through us (fmip6_clients_answer.c). */
void clients_answer(struct fmip6_clients *c, const struct sighting *s);
/* The hosts of its link need not ask: a neighbour advertisement, or a gratuitous ARP, to all of them. */
void clients_claim(struct fmip6_clients *c, const struct in6_addr *pcoa);
/* Whoever has that address on our link is asked to show itself. */
void clients_probe(struct fmip6_clients *c, const struct in6_addr *pcoa);
/* The filter is to be made anew, before long. */
void clients_changed(struct fmip6_clients *c);
/* The access link of ours that a is on; NULL: none. */
const struct rtnl_link *clients_link(const struct fmip6_clients *c, const struct in6_addr *a);

#endif
