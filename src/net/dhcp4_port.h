/*
 * The ports of a DHCPv4 relay agent beside a DHCP server that may have port 67 of this node to itself: what clients send, from
 * packet sockets on their links; what servers answer to this node, and what goes to them, by a raw UDP socket.
 */
#ifndef HANDOVERD_NET_DHCP4_PORT_H
#define HANDOVERD_NET_DHCP4_PORT_H

#include "core/addr.h"
#include "core/loop.h"

struct dhcp4_port;

/* A whole IPv4 packet with a UDP datagram to port 67, not yet verified; borrowed. routed: addressed to this node, from wherever;
 * from is then of length 0, and what came in unicast on one of the links comes both ways. checksum_open: a sender on this machine
 * has left the UDP checksum to a device. */
struct dhcp4_packet {
	bool routed;
	int ifindex;
	struct lladdr from;
	bool checksum_open;
	const uint8_t *packet;
	size_t len;
};
typedef void dhcp4_port_fn(const struct dhcp4_packet *p, void *arg);

struct dhcp4_port *dhcp4_port_open(struct loop *l, dhcp4_port_fn *fn, void *arg); /* NULL and a log line on failure */
void dhcp4_port_close(struct dhcp4_port *p);                                      /* NULL allowed */
int dhcp4_port_add(struct dhcp4_port *p, int ifindex); /* harmless if it is there. 0 or a negative errno */
void dhcp4_port_del(struct dhcp4_port *p, int ifindex);
/* A UDP header with its data, from src to dst, both IPv4-mapped. 0 or a negative errno. */
int dhcp4_port_send(struct dhcp4_port *p, const struct in6_addr *src, const struct in6_addr *dst, const void *udp, size_t len);
/* The address from which this node would talk to dst. */
bool dhcp4_port_local(const struct in6_addr *dst, struct in6_addr *out);

/*
 * Keeps the DHCP server of this node, or one behind it, from answering some of the clients of its links: a table of nftables, in
 * the input hook. Servers that take their packets from packet sockets are not reached by it.
 */
struct dhcp4_guard {
	const char *const *links; /* names of interfaces */
	size_t links_n;
	const struct prefix *prefixes; /* IPv4: whoever asks for an address of these by DHCPREQUEST is not answered either */
	size_t prefixes_n;
};
#define DHCP4_GUARD_TABLE "handoverd-dhcp4"
int dhcp4_guard_open(const struct dhcp4_guard *g); /* replaces what is there; clients have to be told again */
/* From the next dhcp4_guard_apply on; Ethernet addresses only. The kernel lets us wait for each change, not for each client. */
int dhcp4_guard_set(const struct lladdr *l, bool on);
int dhcp4_guard_apply(void); /* 0, also if there is nothing to do */
void dhcp4_guard_close(void);

#endif
