/*
 * rtnetlink: what the kernel knows and what we tell it. Requests are synchronous (a few microseconds each; many at once: rtnl_begin); the watcher
 * keeps a mirror of links and addresses and calls back on changes. Every route carries our protocol number, so a start
 * can sweep what an earlier life left (rtnl_sweep) and a routing daemon can redistribute them. When the kernel drops
 * events (ENOBUFS) the buffer grows and everything is dumped again; both are counted.
 */
#ifndef HANDOVERD_NET_RTNL_H
#define HANDOVERD_NET_RTNL_H

#include "core/addr.h"
#include "core/counter.h"
#include "core/loop.h"

struct rtnl;

struct rtnl_link {
	int ifindex;
	char name[16];
	struct lladdr lladdr;
	uint32_t mtu;
	bool up;      /* administratively */
	bool bridge;
	uint16_t vlan; /* of a VLAN device, else 0 */
	int lower;     /* of a VLAN device: what it is on */
	bool carrier; /* IFF_LOWER_UP, and operstate up or unknown (dormant is a radio that has not finished its handshake) */
};

/* RTNL_ROUTE_GONE: somebody deleted a route with our protocol number (or we did). RTNL_STATION: a bridge has
 * seen a station behind a port, or behind another one. RTNL_RESYNC: events were lost; links
 * and addresses have been told again as far as they changed, neighbours and routes must be looked at anew. */
enum rtnl_event { RTNL_LINK, RTNL_LINK_GONE, RTNL_ADDR, RTNL_ADDR_GONE, RTNL_NEIGH, RTNL_NEIGH_GONE, RTNL_ROUTE_GONE,
	RTNL_STATION, RTNL_RESYNC };
struct rtnl_note {
	enum rtnl_event event;
	int ifindex;          /* RTNL_STATION: of the bridge */
	struct in6_addr addr; /* RTNL_ADDR*, RTNL_NEIGH*; RTNL_ROUTE_GONE: destination */
	uint8_t plen;         /* RTNL_ADDR*, RTNL_ROUTE_GONE */
	bool tentative;       /* RTNL_ADDR: duplicate address detection still runs */
	bool duplicate;       /* RTNL_ADDR: it failed */
	struct lladdr lladdr; /* RTNL_NEIGH: len 0 while the kernel looks for it */
	bool carrier;         /* RTNL_LINK: the new state */
};
typedef void rtnl_fn(const struct rtnl_note *n, void *arg);

/* `protocol`: rtm_protocol of our routes (4..255). NULL and a log line on failure. */
struct rtnl *rtnl_open(struct loop *l, uint8_t protocol);
void rtnl_close(struct rtnl *r);
void rtnl_set_protocol(struct rtnl *r, uint8_t protocol);
/* Several subscribers; from within a callback only the own subscription may be dropped. */
struct rtnl_sub *rtnl_subscribe(struct rtnl *r, rtnl_fn *fn, void *arg);
void rtnl_unsubscribe(struct rtnl_sub *s);

const struct rtnl_link *rtnl_link_by_index(const struct rtnl *r, int ifindex);
const struct rtnl_link *rtnl_link_by_name(const struct rtnl *r, const char *name);
/* Global (or link-local) IPv6 address of a link, not tentative; of several the first, but rather none that is deprecated, nor a unique
 * local one (RFC 4193); false: none. plen may be NULL. */
bool rtnl_link_global(const struct rtnl *r, int ifindex, struct in6_addr *out, uint8_t *plen);
bool rtnl_link_local(const struct rtnl *r, int ifindex, struct in6_addr *out);
/* Every usable global IPv6 address of a link; fn must make no request. */
typedef void rtnl_addr_fn(const struct in6_addr *a, uint8_t plen, void *arg);
void rtnl_link_globals(const struct rtnl *r, int ifindex, rtnl_addr_fn *fn, void *arg);
bool rtnl_link_ipv4(const struct rtnl *r, int ifindex, struct in6_addr *out); /* first IPv4 address, mapped */
bool rtnl_is_local(const struct rtnl *r, const struct in6_addr *a, int *ifindex); /* is a one of our addresses? */
bool rtnl_link_in(const struct rtnl *r, int ifindex, const struct prefix *p, struct in6_addr *out); /* an address of a link in p */
/* The prefixes of a link's addresses, both families, link-local ones left out. Returns how many. */
size_t rtnl_link_prefixes(const struct rtnl *r, int ifindex, struct prefix *out, size_t max);
bool rtnl_on_link(const struct rtnl *r, int ifindex, const struct in6_addr *a); /* in the prefix of an address there? */
/* How long the prefix of an address there that holds a stays, from now: the longest of several. False: there is none. */
#define RTNL_FOREVER UINT64_MAX
bool rtnl_prefix_lifetime(const struct rtnl *r, int ifindex, const struct in6_addr *a, usec_t *valid, usec_t *preferred);
/* The link with the longest prefix of an address that has a in it; NULL: none. */
const struct rtnl_link *rtnl_link_of(const struct rtnl *r, const struct in6_addr *a);
/* What the kernel's routing says of a destination now: 0 and the outgoing link and MTU (either may be NULL), or a negative
 * errno. The MTU is the route's own or learnt one, else the link's. */
int rtnl_route_lookup(struct rtnl *r, const struct in6_addr *dst, int *ifindex, uint32_t *mtu);

/* The next hop of a link's IPv4 default route, in the main table. False: it has none. */
bool rtnl_gateway4(struct rtnl *r, int ifindex, struct in6_addr *out);

struct rtnl_route {
	struct prefix dst;    /* IPv4 mapped, the default route too: then an IPv4 route, `scope link` without via */
	struct prefix src;    /* source-specific if src.plen > 0 */
	int ifindex;
	struct in6_addr via;  /* unspecified: on-link */
	struct in6_addr prefsrc;
	uint32_t table;       /* 0: main */
	uint32_t metric;      /* 0: 1024, the kernel's */
	uint32_t mtu;         /* 0: the link's. Locked, so that forwarding honours it and senders get Packet Too Big */
	bool onlink;
	uint8_t type;         /* 0: unicast; RTN_BLACKHOLE… */
	bool encap;           /* LWTUNNEL_ENCAP_IP6 with: */
	struct in6_addr encap_src, encap_dst;
	uint8_t encap_hop_limit; /* 0: 64 */
};
/* All return 0 or a negative errno, and are idempotent: set replaces, del of what is not there is 0. */
int rtnl_route_set(struct rtnl *r, const struct rtnl_route *rt);
int rtnl_route_del(struct rtnl *r, const struct rtnl_route *rt);
/* NUD states are the kernel's (linux/neighbour.h); l NULL or len 0 where the state needs none. */
int rtnl_neigh_set(struct rtnl *r, int ifindex, const struct in6_addr *a, const struct lladdr *l, uint16_t nud);
int rtnl_neigh_del(struct rtnl *r, int ifindex, const struct in6_addr *a);
/* The link-layer address that the kernel's neighbour entry has for a. -ENOENT: no entry, or none that knows it. */
int rtnl_neigh_get(struct rtnl *r, int ifindex, const struct in6_addr *a, struct lladdr *out);
/* The same, of an entry whose owner the kernel has heard lately (REACHABLE), or was told of (PERMANENT). */
int rtnl_neigh_reachable(struct rtnl *r, int ifindex, const struct in6_addr *a, struct lladdr *out);
/* Every entry of a link, of both families, that knows its link-layer address, as RTNL_NEIGH; one that changes meanwhile may
 * come twice. fn must make no request. 0 or a negative errno. */
int rtnl_neigh_each(struct rtnl *r, int ifindex, rtnl_fn *fn, void *arg);
/* Proxy ND entry, which also turns proxy_ndp on; for an IPv4 address proxy ARP, for as long as the address is routed elsewhere. */
int rtnl_proxy_set(struct rtnl *r, int ifindex, const struct in6_addr *a);
int rtnl_proxy_del(struct rtnl *r, int ifindex, const struct in6_addr *a);
/* Address; nodad and a preferred lifetime of 0 (deprecated: not chosen as source) on request. */
struct rtnl_addr {
	int ifindex;
	struct in6_addr addr;
	uint8_t plen;
	bool nodad, optimistic, deprecated, noprefixroute, host_scope;
};
int rtnl_addr_set(struct rtnl *r, const struct rtnl_addr *a);
int rtnl_addr_del(struct rtnl *r, const struct rtnl_addr *a);
struct rtnl_rule {
	uint32_t priority;
	struct prefix src, dst; /* plen 0: any */
	char iif[16];      /* "" any */
	uint32_t table;
};
int rtnl_rule_set(struct rtnl *r, const struct rtnl_rule *rule);
int rtnl_rule_del(struct rtnl *r, const struct rtnl_rule *rule);
/* Up, with this MTU and queue (0: leave as is), and without IPv6 addresses of the kernel's own making: our devices only. */
int rtnl_link_set_up(struct rtnl *r, int ifindex, uint32_t mtu, uint32_t txqlen);
int rtnl_link_del(struct rtnl *r, const char *name);
/* Gives a link another link-layer address; the one it had is remembered beside it in the kernel, as a further name that begins with
 * DEVICE_PREFIX, until rtnl_lladdr_restore or a sweep gives it back. Set again with another: the first is remembered. */
int rtnl_lladdr_set(struct rtnl *r, int ifindex, const struct lladdr *l);
int rtnl_lladdr_restore(struct rtnl *r, int ifindex); /* harmless if it has its own */
/* A collect-metadata ("external") ip6tnl device that sends and takes nothing in. -EOPNOTSUPP where the kernel has no
 * ip6_tunnel, -EEXIST where the namespace has such a device already. */
int rtnl_ip6tnl_create(struct rtnl *r, const char *name, int *ifindex);
/*
 * Many changes at once: between begin and commit, what sets or deletes is only gathered, and returns 0 unless it could not even
 * be put into words. commit tells the kernel all of it in order, and returns the first refusal; the others were carried out
 * all the same. What asks the kernel for something, or finds no more room, sends first what is gathered. They nest: the
 * outermost commit counts, the inner ones return 0.
 */
void rtnl_begin(struct rtnl *r);
int rtnl_commit(struct rtnl *r);

/* Removes whatever carries our protocol number: routes, rules, neighbour and proxy entries, addresses (kernels from 5.18
 * on keep it for addresses); and devices whose name starts with DEVICE_PREFIX; and gives links their own link-layer address
 * back. Done at start and at stop. Returns how many things went. */
#define DEVICE_PREFIX "hov-"
int rtnl_sweep(struct rtnl *r);

enum { RTNL_REQUESTS, RTNL_REQUEST_ERRORS, RTNL_EVENTS, RTNL_OVERRUNS, RTNL_RESYNCS, RTNL_SWEPT, RTNL_COUNTERS };
extern struct counter rtnl_counters[RTNL_COUNTERS];

#endif
