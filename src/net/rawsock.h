/*
 * What the raw and packet sockets of this folder have in common. Internal to src/net. Every function returns 0 (or the
 * descriptor, or the number of octets) or a negative errno.
 */
#ifndef HANDOVERD_NET_RAWSOCK_H
#define HANDOVERD_NET_RAWSOCK_H

#include <linux/filter.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include "core/addr.h"

#define RAWSOCK_MTU 65536   /* octets of the largest packet we take */
#define RAWSOCK_BATCH 64    /* packets read before other descriptors get their turn */

/* A raw IPv6 socket, non-blocking, that tells interface and hop limit of what it receives; own multicasts do not loop. */
int rawsock_open6(int protocol);

/* What to send, beside the octets. */
struct rawsock_route {
	int ifindex;                /* 0: by routing */
	const struct in6_addr *src; /* NULL or unspecified: the kernel chooses */
	const struct in6_addr *dst;
	int hop_limit;              /* -1: the kernel's */
	int option;                 /* IPV6_HOPOPTS, IPV6_DSTOPTS; 0: none */
	const void *options;        /* the extension header */
	size_t options_len;
};
int rawsock_send6(int fd, const struct rawsock_route *to, const void *data, size_t len);

/* What a raw IPv6 socket received; data is in the caller's buffer. */
struct rawsock_packet {
	struct in6_addr src, dst;
	int ifindex;
	int hop_limit;
	struct lladdr from;  /* packet sockets */
	bool checksum_open;  /* packet sockets: from this machine, the checksum is not filled in yet (checksum offload) */
	size_t len;
};
int rawsock_recv6(int fd, void *buf, size_t cap, struct rawsock_packet *out);

/* A packet socket that gives whole packets without link-layer header. ethertype: ETH_P_IPV6, ETH_P_IP; ifindex 0: of every
 * interface. */
int rawsock_open_packet(uint16_t ethertype, int ifindex, const struct sock_filter *filter, size_t n);
/* src, dst and hop_limit stay zero: they are in the packet. -EMSGSIZE: the packet was cut and is lost. */
int rawsock_recv_packet(int fd, void *buf, size_t cap, struct rawsock_packet *out);

#endif
