/*
 * Which home agents are on the home link, asked from away (dynamic home agent address discovery, RFC 6275 §11.4.1): a request to the
 * anycast address of the home prefix, the same again after 3, 6, 12 and 24 s, and a new one at SEEK_PAUSE when all are silent; and the
 * list that comes back, in its order, of which nothing is forgotten until there is another.
 *
 * Nothing secures it. What it leads to is a Binding Update, and a home agent that cannot authenticate its answer is left again.
 */
#ifndef HANDOVERD_MIP6_SEEK_H
#define HANDOVERD_MIP6_SEEK_H

#include "core/addr.h"
#include "core/loop.h"

#define SEEK_AGENTS 16 /* of a reply; the further ones have less preference */
#define SEEK_PAUSE (5 * 60 * USEC_SEC)

struct seek_ops {
	/* A Home Agent Address Discovery Request to that address, from the care-of address. */
	void (*ask)(void *arg, const struct in6_addr *anycast, const uint8_t *data, size_t len);
	void (*found)(void *arg, usec_t at);  /* the list is new, and not empty */
	void (*silent)(void *arg, usec_t at); /* none of the requests was answered; it goes on after the pause */
};

struct mip6_seek;
struct mip6_seek *seek_create(struct loop *l, const struct seek_ops *ops, void *arg); /* NULL: no memory */
void seek_destroy(struct mip6_seek *s);
/* Asks for the home agents of that prefix, unless that is under way; begins anew where it waits for better times. */
void seek_begin(struct mip6_seek *s, const struct prefix *home);
/* The same, but only after the pause: those that are known have all been tried. */
void seek_later(struct mip6_seek *s, const struct prefix *home);
void seek_stop(struct mip6_seek *s); /* nowhere to ask from; the list stays */
void seek_reply(struct mip6_seek *s, const uint8_t *data, size_t len, usec_t at); /* an ICMPv6 message of type 145 */
const struct in6_addr *seek_agent(const struct mip6_seek *s, size_t i); /* in order of preference; NULL: no more */

#endif
