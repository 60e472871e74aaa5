/*
 * Where a mobile's packets go. The data plane of a handover, per mobile one route and no device:
 *
 *   direct  the kernel's own routing; nothing of ours in the way
 *   hold    packets for the address are kept, oldest dropped at the limit, until release (RFC 5568 §4.5-4.6, §5.5)
 *   tunnel  packets for the address go to a remote care-of address in IPv6 (RFC 2473, RFC 5568 §5.4)
 *
 * The address is IPv6 or, IPv4-mapped, IPv4: then its packets go in the same tunnel as protocol 4, its neighbour is ARP's.
 * The outer addresses are always IPv6.
 *
 * One object owns one diverted address; every change of state keeps the order of packets:
 *
 *   direct → hold     host route to our TUN device
 *   direct → tunnel   host route: `encap ip6` through one collect-metadata ip6tnl device, or to the TUN device, and the
 *                     encapsulation happens here (kernels without ip6_tunnel)
 *   tunnel → hold     as above; what the TUN device still has is sent into the tunnel first
 *   hold → tunnel     held packets go into the tunnel, then fresh ones; stays in user space while the tunnel lives
 *   hold → direct     release: held packets are sent straight to the mobile's link-layer address. When the queue is short,
 *                     the neighbour entry is set INCOMPLETE without a probe, so that the kernel queues fresh packets in
 *                     order; the host route is removed; the rest is sent; the entry becomes REACHABLE and the kernel sends
 *                     its queue. No packet can overtake another.
 *   any → direct      path_close: held packets are dropped and counted
 *
 * Beside what comes for the address, a hold can keep what comes from it (path_hold_from).
 *
 * Packets that came in the tunnel of `forwarder` (outer source) and are innermost for the held address itself are older than those
 * that came by themselves, and leave before them whatever their order of arrival. What else came in that tunnel is for another
 * address of the mobile: it leaves in the order of arrival.
 */
#ifndef HANDOVERD_NET_PATH_H
#define HANDOVERD_NET_PATH_H

#include "core/addr.h"
#include "core/counter.h"
#include "core/loop.h"
#include "core/settings.h"
#include "net/rtnl.h"

enum tunnel_form { TUNNEL_AUTO, TUNNEL_IP6TNL, TUNNEL_TUN };
/* DRAIN_RFC5568 (core/settings.h): at most 5 back to back, then at the metered rate of arrival, a quarter faster. */

struct paths;
struct path;

struct paths_config {
	enum tunnel_form tunnel;
	uint64_t hold_limit;        /* octets, all holds together */
	uint64_t hold_limit_mobile; /* octets, one hold */
	uint32_t table;             /* routing table and rule range for our own rules, of both families */
	uint32_t limit;             /* paths at once; tunnel ends at once */
	uint8_t hop_limit;          /* outer header; 0: 64 */
};

struct paths *paths_open(struct loop *l, struct rtnl *r, const struct paths_config *cfg);
/* Limits at once, the form for new tunnels; routes and rules are set again, with rtnl's protocol number as it is now. */
void paths_reconfigure(struct paths *p, const struct paths_config *cfg);
void paths_close(struct paths *p); /* every path direct, devices removed */
bool paths_kernel_tunnel(const struct paths *p);

struct path_stats {
	uint64_t held, held_dropped, released; /* packets */
	uint64_t held_now, held_octets;        /* in the hold at this moment */
	uint64_t tunnelled;                    /* packets through user space; the kernel's are not counted here */
};

/* Finds or makes the path of an address (state direct). NULL: no memory or the limit of paths. */
struct path *path_get(struct paths *p, const struct in6_addr *addr);
struct path *path_find(const struct paths *p, const struct in6_addr *addr);
struct path_stats path_stats(const struct path *h);

/* forwarder: outer source of tunnelled packets that may be older; NULL or unspecified: none. */
int path_hold(struct path *h, const struct in6_addr *forwarder);
/* Keeps what the address itself sends on that link as well (RFC 4067 §3.1), for as long as the path is in hold; then it goes on
 * its way, in order, before anything else happens. -EINVAL: not in hold. */
int path_hold_from(struct path *h, int ifindex);
/* From direct: packets go on to the mobile on that link, and of each a copy waits as if it were held: until path_hold, path_tunnel or
 * path_release (then the copies go first), or path_copy_end, which throws them away and is path_close otherwise (RFC 5568 §4). */
int path_copy(struct path *h, int ifindex, const struct lladdr *l);
void path_copy_end(struct path *h); /* NULL allowed; what does not copy is left alone */
bool path_is_held(const struct path *h); /* in hold; NULL: no */
/* Lets what the forwarder sends through at once (the mobile is here) while fresh packets still wait. */
int path_pass_forwarded(struct path *h, int ifindex, const struct lladdr *l);
/* Release to a link; done(arg) runs when the last held packet is out and the path is direct (the path is then closed:
 * do not touch it again), never from within path_release, and not at all if another state is asked for before. done may be
 * NULL. The neighbour entry for the address is left REACHABLE. */
typedef void path_done_fn(const struct path_stats *final, void *arg);
int path_release(struct path *h, int ifindex, const struct lladdr *l, enum hold_drain drain, path_done_fn *done, void *arg);
/* Send everything, held first, to remote; local is the outer source. Works from any state; again with another remote moves. */
int path_tunnel(struct path *h, const struct in6_addr *local, const struct in6_addr *remote);
void path_close(struct path *h); /* NULL allowed */
/* A release to a link whose prefixes do not hold the address leaves a host route to that link; this takes it away. */
int path_unpin(struct paths *p, const struct in6_addr *addr);

/*
 * Tunnel ends. Decapsulation accepts only what an end allows: outer source `remote`, and
 *  - at the mobile (END_MOBILE): inner destination `inner` (PCoA); the outer destination is any address of this node, so
 *    that what is under way to an older care-of address still arrives when `local` moves. Also sends: packets from
 *    `inner` leave through the tunnel (local → remote; reverse tunnel, RFC 5568 §4), by a rule `from inner`. The same at
 *    a NAR that stands for a client which knows nothing of all this: `inner` is the client's address, `remote` the PAR.
 *  - at the mobile that came back (END_NATIVE): as END_MOBILE, but `inner` is an ordinary address of the link again and
 *    packets from it go by themselves; what is still under way in the tunnel is taken.
 *  - at the PAR (END_ROUTER): outer destination `local`, inner source `inner`; sends nothing by itself.
 *  - at a router where a mobile keeps its previous address (END_VISITOR, tunnel_end_visitor): outer destination `local`, inner
 *    destination `inner`; what comes from `inner` on the mobile's link leaves through the tunnel. The kernel goes through its rules
 *    one by one for each packet: so visitors from one `home` prefix on one link have one rule in common, and what comes on that
 *    link from an address of that prefix that has no such end goes on as if there were none (in user space; the kernel's tunnel
 *    takes it to the other end, which has not got it and drops it). /128: a rule of its own.
 * Tunnels nest: what comes out of one may be another's. Everything else is counted and dropped. Idempotent by (inner);
 * set again with another kind, local or remote changes it.
 */
enum tunnel_end { END_MOBILE, END_ROUTER, END_NATIVE, END_VISITOR };
int tunnel_end_set(struct paths *p, enum tunnel_end kind, const struct in6_addr *inner, const struct in6_addr *local,
                   const struct in6_addr *remote);
/* ifindex 0: the mobile is not here yet. 0 or a negative errno. */
int tunnel_end_visitor(struct paths *p, int ifindex, const struct prefix *home, const struct in6_addr *inner,
                       const struct in6_addr *local, const struct in6_addr *remote);
/* At the PAR: outer source may be this too, of the router that the mobile leaves or goes to. Unspecified, and after each
 * tunnel_end_set: only `remote`. At a mobile: another previous router or home agent, which sent until now. Harmless without such
 * an end. */
void tunnel_end_also(struct paths *p, const struct in6_addr *inner, const struct in6_addr *remote);
void tunnel_end_del(struct paths *p, const struct in6_addr *inner);
/* Deletes the end if it is to `remote`: one that leads elsewhere by now is somebody else's. */
void tunnel_end_leave(struct paths *p, const struct in6_addr *inner, const struct in6_addr *remote);
/* Mobile: tells the first decapsulated packet for `inner` after each arming, once, to each of those who asked, at most
 * TUNNEL_LISTENERS. arg names who asked. -ENOSPC: they are all taken. */
#define TUNNEL_LISTENERS 2
typedef void tunnel_first_fn(const struct in6_addr *inner, usec_t at, void *arg);
int tunnel_on_first(struct paths *p, tunnel_first_fn *fn, void *arg);
void tunnel_off_first(struct paths *p, const void *arg); /* also if it never asked */
/* Takes in at once the first few packets that have come out of tunnels, without waiting for the loop. */
void paths_receive(struct paths *p);

enum { PATH_HELD, PATH_HELD_DROPPED, PATH_RELEASED, PATH_TUNNELLED, PATH_DECAPSULATED, PATH_DECAP_REFUSED, PATH_UNKNOWN_DST,
	PATH_SEND_ERRORS, PATH_HELD_FROM, PATH_HOLD_OCTETS /* gauge */, PATHS_ACTIVE /* gauge */, PATH_COUNTERS };
extern struct counter path_counters[PATH_COUNTERS];

/* An IPv6 or IPv4 packet that came in a wrapping of another kind: the kernel forwards or delivers it as if it had come in by itself. Lost
 * if it cannot be written, and counted. */
void paths_forward(struct paths *p, const void *packet, size_t len);

struct output;
void paths_show(struct paths *p, struct output *o); /* `show tunnels`: list of {address, state, form, local, remote, held…} */

#endif
