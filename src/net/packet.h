/*
 * One IPv6 packet as a packet socket gives it, walked from its header to the upper layer: pure, for whoever takes packets
 * from a packet socket because the kernel would change or drop them (MLD reports to any group, FBUs with a Home Address
 * option), and for whoever builds such packets.
 */
#ifndef HANDOVERD_NET_PACKET_H
#define HANDOVERD_NET_PACKET_H

#include "core/addr.h"
#include "core/buf.h"

#define PACKET6_HEADER 40       /* octets of an IPv6 header */
#define PACKET6_HOME_OPTIONS 24 /* octets of a destination-options header with a Home Address option (RFC 6275 §6.3) */
#define PACKET6_HOME_ROUTING 24 /* octets of a type 2 routing header (RFC 6275 §6.4) */

struct packet6 {
	struct in6_addr src, dst;
	struct in6_addr home; /* Home Address option; unspecified if none */
	struct in6_addr routed; /* packet6_walk_home: what a type 2 routing header still leads to; unspecified if none */
	uint8_t hop_limit;
	bool router_alert;    /* a Router Alert option stood in the hop-by-hop header (RFC 2711) */
	uint16_t alert;       /* its value; 0 is MLD */
	uint8_t proto;        /* upper-layer protocol */
	const uint8_t *data;  /* the upper layer's octets, borrowed */
	size_t len;
};

/*
 * Walks hop-by-hop, destination options and routing headers. False: cut short, not IPv6, a fragment, a routing header
 * with segments left, an option that forbids unknowing nodes to go on, or two Home Address options. Octets beyond the
 * payload length (padding of the link) are ignored.
 */
bool packet6_walk(const void *packet, size_t len, struct packet6 *out);
/* The same, but a type 2 routing header that has its one segment left is passed over: the packet is for `routed`, by way of dst. */
bool packet6_walk_home(const void *packet, size_t len, struct packet6 *out);

/* The same for IPv4; addresses are IPv4-mapped. */
struct packet4 {
	struct in6_addr src, dst;
	uint8_t ttl, proto;
	bool router_alert; /* RFC 2113, value 0 */
	const uint8_t *data;
	size_t len;
};
/* False: cut short, not IPv4, a wrong header checksum, a fragment, options that do not add up. */
bool packet4_walk(const void *packet, size_t len, struct packet4 *out);

/* What forwarding asks of a packet of either family. */
struct packet_head {
	struct in6_addr src, dst;
	bool v4;
	uint8_t tclass; /* traffic class or type of service */
	size_t len;     /* of the packet, as its header has it: no more than there is */
};
/* False: neither IPv4 nor IPv6, cut short, or lengths that do not add up. Checksums and extension headers are not looked at. */
bool packet_head(const void *packet, size_t len, struct packet_head *out);
/* Gives back the hop that a forwarding took; the IPv4 header's checksum follows. For packets that packet_head takes. */
void packet_hop_back(uint8_t *packet);
/* Sets CE (RFC 3168 §5). False: the packet is not ECN-capable, and stays as it is. */
bool packet_mark_ce(uint8_t *packet);

/* Writes an IPv6 header, payload length open (patch 16 bits at offset 4). */
void packet6_put_header(struct wr *w, const struct in6_addr *src, const struct in6_addr *dst, uint8_t next_header,
                        uint8_t hop_limit);
/* Writes a destination-options header that holds a Home Address option, 24 octets. */
void packet6_put_home(struct wr *w, uint8_t next_header, const struct in6_addr *home);
/* Writes a type 2 routing header that leads on to home, 24 octets. */
void packet6_put_routing(struct wr *w, uint8_t next_header, const struct in6_addr *home);

#endif
