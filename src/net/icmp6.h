/*
 * Raw ICMPv6: neighbour discovery, RtSolPr/PrRtAdv, CTAR/CTAA, MLD. One socket per owner with a kernel filter on types.
 * Also: sending a whole IPv6 packet in a frame to a link-layer address, for what must not wait for neighbour resolution.
 */
#ifndef HANDOVERD_NET_ICMP6_H
#define HANDOVERD_NET_ICMP6_H

#include "core/addr.h"
#include "core/loop.h"

struct icmp6;
struct icmp6_message {
	struct in6_addr src, dst;
	int ifindex;
	int hop_limit;
	const uint8_t *data; /* type, code, checksum (verified by the kernel), body; borrowed */
	size_t len;
	usec_t at;
};
typedef void icmp6_fn(const struct icmp6_message *m, void *arg);

/* types: ICMPv6 types to receive. NULL and a log line on failure. */
struct icmp6 *icmp6_open(struct loop *l, const uint8_t *types, size_t n, icmp6_fn *fn, void *arg);
void icmp6_close(struct icmp6 *s);
int icmp6_join(struct icmp6 *s, int ifindex, const struct in6_addr *group);
/* All multicast groups' packets on an interface, joined or not (MLD listener tracking needs reports sent to any group). */
int icmp6_all_multicast(struct icmp6 *s, int ifindex, bool on);
/* src unspecified: the kernel chooses. The checksum field is filled in by the kernel. Router Alert on request (MLD). */
int icmp6_send(struct icmp6 *s, int ifindex, const struct in6_addr *src, const struct in6_addr *dst, int hop_limit,
               bool router_alert, const void *data, size_t len);

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
