/* A TUN device: whole IPv6 packets to and from the kernel. */
#ifndef HANDOVERD_NET_TUN_H
#define HANDOVERD_NET_TUN_H

#include <stddef.h>
#include <sys/types.h>

#define TUN_PACKET_MAX 65535

/* Makes the device; it goes when the descriptor is closed. Returns the descriptor (non-blocking) or a negative errno. */
int tun_open(const char *name, int *ifindex);
/* One packet; length, 0 when there is none, or a negative errno. */
ssize_t tun_read(int fd, void *buf, size_t len);
/*
 * Hands a packet to the kernel as if it had come in on the device. 0 or a negative errno.
 *
 * A packet taken from a raw socket may be unfinished: virtual links leave the transport checksum to hardware that is not
 * there, and receive offload merges segments of a TCP stream into one and leaves its checksum open too. Such packets are
 * recognised by a checksum field that covers the pseudo-header only, and the kernel is told to finish them: to complete
 * the checksum, and to cut what was merged when it leaves by a link.
 */
int tun_write(int fd, const void *packet, size_t len);

#endif
