/* The few messages of neighbour discovery (RFC 4861 §4.3, §4.4) that Mobile IPv6 sends and listens for. Pure. */
#ifndef HANDOVERD_MIP6_WIRE_ND_H
#define HANDOVERD_MIP6_WIRE_ND_H

#include <stdbool.h>

#include "core/addr.h"

#define ND_ROUTER_ADVERTISEMENT 134
#define ND_SOLICITATION 135
#define ND_ADVERTISEMENT 136
#define ND_HOP_LIMIT 255
#define ND_ALL_NODES { .s6_addr = { 0xff, 2, [15] = 1 } }

enum nd_flags { ND_ROUTER = 0x80, ND_SOLICITED = 0x40, ND_OVERRIDE = 0x20 };

struct in6_addr nd_group(const struct in6_addr *a); /* its solicited-node group */
struct lladdr nd_group_lladdr(const struct in6_addr *group); /* on an Ethernet (RFC 2464 §7) */
/* A whole packet that asks, as duplicate address detection does, who has the address. The length, or -EMSGSIZE. */
int nd_probe_pack(const struct in6_addr *target, uint8_t *out, size_t cap);
/* A Neighbour Advertisement, from its type; the checksum is left zero. */
int nd_advertisement_pack(const struct in6_addr *target, uint8_t flags, const struct lladdr *lladdr, uint8_t *out, size_t cap);
/* The target of a solicitation or an advertisement. False: it is neither, or malformed. */
bool nd_target(const uint8_t *data, size_t len, struct in6_addr *out);

#endif
