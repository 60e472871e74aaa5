/* What the files of path share: states (path.c), release (release.c), tunnel ends (tunnel.c), sending (emit.c). */
#ifndef HANDOVERD_NET_PATH_PRIV_H
#define HANDOVERD_NET_PATH_PRIV_H

#include "core/buf.h"
#include "core/log.h"
#include "core/secret.h"
#include "net/hold.h"
#include "net/path.h"
#include "net/rtnl.h"
#include "net/tun.h"

#define HASH_FUNCTION(key, len, hashv) ((hashv) = (unsigned)hash_keyed((key), (len)))
#include <uthash.h>

#define PATH_LOG "path"
#define PATH_METRIC 16        /* of our host routes: before those of routing daemons, which start at 20 and above */
#define PATH_PINNED_METRIC 17 /* of a host route to a link that stays after a release */
#define TUN_NAME DEVICE_PREFIX "tun"
#define IP6TNL_NAME DEVICE_PREFIX "ip6"
#define IPV6_HEADER 40U
#define IPV6_MTU_MIN 1280U
#define ECN_MASK 3
#define ECN_CE 3
#define TUN_QUEUE 10000U /* packets the kernel keeps while we are busy */
#define PUMP_ROUND 256U  /* packets for each round of the loop */

enum path_state {
	PATH_DIRECT,    /* nothing of ours; the object waits for its first use */
	PATH_HOLD,      /* packets wait */
	PATH_TUNNEL,    /* packets go to remote; a queue, if any, first */
	PATH_RELEASE,   /* packets go to the mobile's link address; the queue first */
	PATH_SETTLE,    /* the host route is gone, the neighbour entry INCOMPLETE; the last packets go out */
	PATH_LANDED,    /* the kernel has it; stragglers are sent on for a moment. Closed for its owner */
};

enum path_route { ROUTE_NONE, ROUTE_TUN, ROUTE_ENCAP };

struct path {
	struct paths *paths;
	struct in6_addr addr;
	UT_hash_handle hh;
	enum path_state state;
	enum path_route route; /* what is in the kernel */
	uint32_t route_mtu;
	struct hold hold;
	struct hold from;       /* what the address sent */
	int from_ifindex;       /* and by which link; 0: that is not held */
	struct in6_addr forwarder;
	bool pass_forwarded;    /* hold: what the forwarder sends goes to the link already */
	bool copies;            /* hold: everything goes to the link already, what is held are copies */
	uint32_t direct_mtu;    /* of the route that ours stands before */
	int ifindex;            /* release: where the mobile is */
	struct lladdr lladdr;
	enum hold_drain drain;
	usec_t drain_since;     /* DRAIN_RFC5568: when the meter began to pay out */
	uint64_t drained;       /* packets since */
	bool resume;            /* a send had to wait: the timer tries again */
	usec_t settle_at;       /* when the host route went */
	unsigned attempts;      /* at letting it go */
	bool window;            /* we widened the neighbour queue of ifindex */
	struct in6_addr local, remote; /* tunnel */
	path_done_fn *done;
	void *done_arg;
	struct timer timer;
	struct path_stats stats;
	struct path *rel_prev, *rel_next; /* paths->releasing */
};

/* A rule that leads packets with such a source, from such a link, to a way. */
struct gate {
	struct gate_key {
		struct prefix from;
		char iif[16];
	} key;
	UT_hash_handle hh;
	unsigned slot;
	unsigned users;
};

struct end {
	struct in6_addr inner;
	UT_hash_handle hh;
	struct prefix home;   /* what its rule is made for; other ends may have it in common */
	struct gate *gate;    /* NULL: it has no way back */
	enum tunnel_end kind;
	struct in6_addr local, remote;
	struct in6_addr also; /* another outer source; unspecified: none */
	char iif[16];         /* END_VISITOR: where it is; "": not here yet */
	unsigned slot; /* END_MOBILE: its way back, ways[slot - 1]; 0: none */
	bool armed;    /* the next packet is the first */
	uint64_t decapsulated, encapsulated;
};

/* A way back into a tunnel: a table whose only route leads there. Shared by the ends that have it in common. */
struct way {
	struct in6_addr local, remote;
	bool v4;
	uint32_t mtu;
	unsigned users; /* 0: free */
};

#define GATE_ONE 0  /* priorities of rules beyond cfg.table: for one address alone */
#define GATE_MANY 1 /* for all of a prefix */
#define END_SLOTS 64 /* tables for ways: a mobile's previous links, or a router's neighbours, for each family */
#define UPSTREAM_SLOT (END_SLOTS + 1) /* the table that leads what held mobiles send into our device */

struct paths {
	struct loop *loop;
	struct rtnl *rtnl;
	struct rtnl_sub *sub;
	struct paths_config cfg;
	struct hold_pool pool;
	int tun_fd, tun_ifindex;
	int ip6tnl_ifindex; /* 0: none */
	int raw_fd, raw4_fd; /* protocols 41 and 4: what is in the tunnel */
	int frame_fd;       /* packets to a link-layer address */
	struct loop_fd *tun_watch, *raw_watch, *raw4_watch;
	struct path *table;
	struct path *releasing;
	usec_t narrowed_at; /* when a way to somewhere was last found to be narrower */
	uint64_t landed; /* releases finished so far */
	struct end *ends;
	struct gate *gates;
	struct way ways[END_SLOTS]; /* of slot s the table is cfg.table + s */
	struct {
		tunnel_first_fn *fn;
		void *arg;
	} first[TUNNEL_LISTENERS];
	struct bucket overflow_log, refuse_log, error_log;
	struct window *windows;
	uint8_t buf[TUN_PACKET_MAX];     /* from the device */
	uint8_t raw_buf[TUN_PACKET_MAX]; /* from the tunnel socket */
};

/* emit.c: the sockets. 0: sent; -EAGAIN: try again; another negative errno: lost (counted), trying again does not mend it. */
int emit_open(struct paths *p);
void emit_close(struct paths *p);
int emit_tunnel(struct paths *p, const struct in6_addr *local, const struct in6_addr *remote, const void *packet, size_t len);
int emit_frame(struct paths *p, int ifindex, const struct lladdr *l, const void *packet, size_t len);
void emit_hop_limit(struct paths *p);

/* path.c */
int path_route_set(struct path *h, enum path_route route, uint32_t mtu);
void path_input(struct path *h, uint8_t *packet, size_t len); /* may write into the packet */
bool path_flush(struct path *h, unsigned budget); /* true: the queue is empty */
unsigned paths_pump(struct paths *p, unsigned budget); /* packets taken from the device; fewer than budget: it is empty */
void paths_pump_dry(struct paths *p);
void path_free(struct path *h);
struct prefix path_everything(bool v4); /* the default route */
void paths_narrowed(struct paths *p, const struct in6_addr *remote); /* a packet was too big for the way to remote, as it is now */
uint32_t path_tunnel_mtu(struct paths *p, const struct in6_addr *remote, bool v4); /* what fits inside */
void path_count_dropped(struct path *h, uint64_t n, const char *reason);

/* upstream.c: what held addresses send */
int upstream_install(struct path *h);
void upstream_input(struct path *h, const void *packet, size_t len);
void upstream_pass(struct path *h); /* all of it goes on, and is held no longer; harmless if it was not */

/* release.c */
bool release_may_send(struct path *h); /* the drain's pace; false: its timer is armed */
void release_after_pump(struct paths *p);
void release_stop(struct path *h); /* no longer releasing: another state follows */
void release_timer(struct path *h);
void windows_close(struct paths *p);

/* tunnel.c */
bool path_of_one_link(const struct in6_addr *a); /* of this scope, nothing may come out of a tunnel */
void tunnel_readable(int fd, unsigned events, void *arg);
void tunnel_close(struct paths *p);
bool tunnel_reverse(struct paths *p, const struct in6_addr *src, const void *packet, size_t len); /* false: no such end */
/* Has it come to us only because others of its prefix are visitors? Then it is as before, for paths_forward. */
bool tunnel_bystander(struct paths *p, const struct in6_addr *src, void *packet);
void tunnel_narrowed(struct paths *p, const struct in6_addr *remote);
void tunnel_uninstall(struct paths *p);
void tunnel_reinstall(struct paths *p);
struct output;
void tunnel_show(struct paths *p, struct output *o);
#endif
