/*
 * Bridges that snoop multicast: which port a station is behind, and which ports get a group (the multicast database). What
 * we put into the database is temporary, as if the port had sent a report: from then on the bridge keeps it by its own
 * rules. It carries our protocol number where the kernel can keep one (6.3 and later), and is swept with the rest.
 *
 * Functions that return int return 0 or a negative errno.
 */
#ifndef HANDOVERD_NET_MDB_H
#define HANDOVERD_NET_MDB_H

#include "net/rtnl.h"

struct mdb_port {
	int ifindex;   /* of the port; 0: none */
	uint16_t vlan; /* 0: the bridge does not filter by VLAN */
};

/* The port behind which the bridge has seen a station, in that VLAN (0: in whichever). -ENOENT: it has not. */
int mdb_port_of(struct rtnl *r, int bridge, uint16_t vlan, const struct lladdr *station, struct mdb_port *out);
/* The group goes to that port / no longer; all sources. Idempotent. -EINVAL: the bridge does not snoop. */
int mdb_add(struct rtnl *r, int bridge, const struct mdb_port *port, const struct in6_addr *group);
int mdb_del(struct rtnl *r, int bridge, const struct mdb_port *port, const struct in6_addr *group);

/* Does the bridge hand reports up to this node (IFLA_BR_MCAST_ROUTER)? 2: always; 1, the default: while we ask there. */
int mdb_router_get(struct rtnl *r, int bridge, uint8_t *mode);
int mdb_router_set(struct rtnl *r, int bridge, uint8_t mode);

#endif
