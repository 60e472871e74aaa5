/*
 * An access link that is a bridge with snooping, or a VLAN of one: a group that is forwarded to the link still has to be let out of the
 * mobile's port. Where a membership came by a context, and where a station turns up behind another port of the same bridge,
 * the bridge's database is told as if the port had sent a report.
 */
#ifndef HANDOVERD_CONTEXT_MCAST_BRIDGE_H
#define HANDOVERD_CONTEXT_MCAST_BRIDGE_H

#include "context/gmp_track.h"
#include "net/rtnl.h"

struct mcast_bridges;
/* Both are borrowed. NULL: no memory. */
struct mcast_bridges *mcast_bridges_create(struct rtnl *r, const struct gmp_track *t, struct loop *l);
void mcast_bridges_destroy(struct mcast_bridges *b); /* takes out what it put in; NULL allowed */
/* A link that is tracked from here on, or no longer; only those that are bridges matter. */
void mcast_bridge_attach(struct mcast_bridges *b, int ifindex);
void mcast_bridge_detach(struct mcast_bridges *b, int ifindex);
/* From the tracker's ops: while m is still there. */
void mcast_bridge_changed(struct mcast_bridges *b, const struct gmp_member *m, enum gmp_change c);
/* The bridge has seen a station behind a port. */
void mcast_bridge_station(struct mcast_bridges *b, int bridge, const struct lladdr *station);

#endif
