/*
 * Raw ICMPv6: neighbour discovery, RtSolPr/PrRtAdv, CTAR/CTAA, MLD. One socket per owner with a kernel filter on types.
 * Also: sending a whole IPv6 packet in a frame to a link-layer address, for what must not wait for neighbour resolution.
 * Functions that return int return 0 or a negative errno.
 */
#ifndef HANDOVERD_NET_ICMP6_H
#define HANDOVERD_NET_ICMP6_H

#include "core/addr.h"
#include "core/loop.h"

struct icmp6;
struct icmp6_message {
	struct in6_addr src, dst;
	struct in6_addr home;   /* icmp6_home only: from a Home Address option; unspecified: none */
	struct in6_addr routed; /* icmp6_home only: from a type 2 routing header, an address of this node; unspecified: none */
	int ifindex;
	int hop_limit;
	struct lladdr from;  /* link-layer source; len 0: not known (sockets that are not icmp6_open_frames) */
	bool router_alert;   /* frames only: came with a Router Alert option of value 0, MLD's (RFC 2711) */
	const uint8_t *data; /* type, code, checksum (verified), body; borrowed */
	size_t len;          /* at least 4 */
	usec_t at;
};
typedef void icmp6_fn(const struct icmp6_message *m, void *arg);

/* types: ICMPv6 types to receive. NULL and a log line on failure. */
struct icmp6 *icmp6_open(struct loop *l, const uint8_t *types, size_t n, icmp6_fn *fn, void *arg);
/*
 * The same from packet sockets, one for each of the interfaces: for messages whose link-layer source matters (UNA), or
 * that go to groups nobody here has joined (MLD reports). Every frame of these types that the link gives us is delivered,
 * whatever its IPv6 destination, so look at dst; never one that this node sent. Extension headers are walked and the
 * checksum is verified here. Interfaces can be added and taken away; n may be 0 at first.
 */
struct icmp6 *icmp6_open_frames(struct loop *l, const int *ifindexes, size_t n, const uint8_t *types, size_t types_n,
                                icmp6_fn *fn, void *arg);
int icmp6_frames_add(struct icmp6 *s, int ifindex); /* 0, also if it is there; -ENODEV, -ENOMEM, … */
void icmp6_frames_del(struct icmp6 *s, int ifindex);
/* Packet sockets only: all groups' frames on an interface, joined or not. -EINVAL on another socket or interface. */
int icmp6_all_multicast(struct icmp6 *s, int ifindex, bool on);

void icmp6_close(struct icmp6 *s); /* either kind; not from within its own callback; NULL allowed */
int icmp6_join(struct icmp6 *s, int ifindex, const struct in6_addr *group); /* 0, also if joined; negative errno */
int icmp6_leave(struct icmp6 *s, int ifindex, const struct in6_addr *group);
/* This node takes what comes for an anycast address of that link, until the leave or the close; each join wants its leave. */
int icmp6_join_anycast(struct icmp6 *s, int ifindex, const struct in6_addr *a);
int icmp6_leave_anycast(struct icmp6 *s, int ifindex, const struct in6_addr *a);
/* src unspecified: the kernel chooses. The checksum field is filled in by the kernel. Router Alert on request (MLD). */
/* ifindex 0: by routing (a link-local or multicast dst needs one). Either kind of socket sends. */
int icmp6_send(struct icmp6 *s, int ifindex, const struct in6_addr *src, const struct in6_addr *dst, int hop_limit,
               bool router_alert, const void *data, size_t len);

/*
 * What a mobile and its home agent say to each other in ICMPv6 (RFC 6275 §6.7, §6.8): with a Home Address option, or behind a type 2
 * routing header, either of which a kernel without Mobile IPv6 drops with a complaint. So these types come from a packet socket, whatever
 * stands before them, and the kernel is kept from complaining. Only packets to addresses for which is_local says so are delivered; both
 * callbacks get arg. Sending leaves by routing, in a whole packet that fits the least IPv6 MTU, else -EMSGSIZE; src must be given.
 */
struct icmp6_home;
typedef bool icmp6_local_fn(const struct in6_addr *a, void *arg);
struct icmp6_home *icmp6_home_open(struct loop *l, const uint8_t *types, size_t n, icmp6_local_fn *is_local, icmp6_fn *fn, void *arg);
void icmp6_home_close(struct icmp6_home *s); /* not from within its own callback; NULL allowed */
int icmp6_home_send(struct icmp6_home *s, const struct in6_addr *src, const struct in6_addr *dst, const struct in6_addr *home,
                    const void *data, size_t len);
int icmp6_home_send_routed(struct icmp6_home *s, const struct in6_addr *src, const struct in6_addr *dst, const struct in6_addr *home,
                           const void *data, size_t len);

/* Frames: `packet` is a whole IPv6 or IPv4 packet. */
struct frames;
struct frames *frames_open(void);
void frames_close(struct frames *f);
int frames_send(struct frames *f, int ifindex, const struct lladdr *to, const void *packet, size_t len);

/* ICMP (IPv4), the same way: for CTAR/CTAA of IPv4 mobiles (type 41). Addresses are IPv4-mapped. */
struct icmp4;
struct icmp4 *icmp4_open(struct loop *l, const uint8_t *types, size_t n, icmp6_fn *fn, void *arg);
void icmp4_close(struct icmp4 *s);
int icmp4_send(struct icmp4 *s, int ifindex, const struct in6_addr *src, const struct in6_addr *dst, int ttl,
               const void *data, size_t len); /* writes the checksum itself */

#endif
