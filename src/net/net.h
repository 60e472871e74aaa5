/*
 * The module "net": one kernel, shared by the modules above. It owns the rtnetlink watcher and the paths, sweeps at start
 * what an earlier life left, publishes carrier changes as BUS_LINK, and restores the system at stop.
 */
#ifndef HANDOVERD_NET_NET_H
#define HANDOVERD_NET_NET_H

#include "core/module.h"
#include "net/icmp6.h"
#include "net/path.h"
#include "net/rtnl.h"

struct net {
	struct rtnl *rtnl;
	struct paths *paths;
	struct frames *frames;
};

extern const struct module net_module;

#endif
