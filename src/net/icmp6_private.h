/* What icmp6.c and icmp6_frames.c share, and what tests need of icmp4.c. */
#ifndef HANDOVERD_NET_ICMP6_PRIVATE_H
#define HANDOVERD_NET_ICMP6_PRIVATE_H

#include "net/icmp6.h"

struct icmp6_frames; /* packet sockets, one for each interface */

struct icmp6 {
	struct loop *loop;
	icmp6_fn *fn;
	void *arg;
	int fd; /* raw socket: sends; receives too, unless there are frames */
	struct loop_fd *watch;
	struct icmp6_frames *frames;
	uint8_t *buf; /* RAWSOCK_MTU octets */
};

struct icmp6 *icmp6_create(struct loop *l, const uint8_t *types, size_t n, icmp6_fn *fn, void *arg);
void icmp6_frames_free(struct icmp6_frames *f); /* NULL allowed */

/* Fills addresses, hop limit, data and len from an IPv4 packet; false: malformed, a fragment, a wrong checksum. Pure. */
bool icmp4_walk(const uint8_t *data, size_t len, struct icmp6_message *m);

#endif
