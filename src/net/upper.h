/*
 * Messages that a packet socket has to bring, as they come behind a Home Address option or a type 2 routing header (RFC 6275 §6.3,
 * §6.4), which a kernel without Mobile IPv6 drops: what Mobility Headers (mh.c) and ICMPv6 (icmp6_home.c) have in common. Internal to
 * src/net.
 */
#ifndef HANDOVERD_NET_UPPER_H
#define HANDOVERD_NET_UPPER_H

#include <stddef.h>
#include <stdint.h>

/* A packet socket of all interfaces for messages to this host of an upper-layer protocol, behind at most three extension headers, whose
 * type, the octet at `type_at`, is one of the n. The descriptor or a negative errno. */
int upper_open(uint8_t proto, uint32_t type_at, const uint8_t *types, size_t n);
#define UPPER_TYPES_MAX 16

/* Keeps the kernel from answering ICMPv6 messages of these types for what stands before them, as mh_guard_add does; and no longer. */
void icmp6_guard_add(const uint8_t *types, size_t n);
void icmp6_guard_del(const uint8_t *types, size_t n);

#endif
