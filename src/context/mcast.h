/*
 * Multicast listeners of both families: tracker, sockets, forwarding, bridges and the feature contexts tied together. One
 * for the process. A router where the kernel has no multicast routing only tracks, and says so at start.
 *
 * Three features share it: IPv6 listeners (RFC 4067 appendix B, FPT 1, without source filters), IPv4 listeners with their
 * filters, and the filters of those IPv6 listeners that have one.
 */
#ifndef HANDOVERD_CONTEXT_MCAST_H
#define HANDOVERD_CONTEXT_MCAST_H

#include "context/context_part.h"

extern const struct context_part mld_part, multicast4_part, multicast6_part; /* the first one runs the others: before them */
void mcast_show_streams(struct output *o); /* items of a list the caller has begun */

#endif
