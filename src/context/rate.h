/*
 * The context "rate": how fast a mobile may send and receive, and in which class its packets are. A router has it from its
 * configuration (context.rate.mobiles: by address or prefix) or from the router the mobile came from; it limits by the
 * kernel's nftables (net/policer.h) and gives what it has to the next router. What came with a mobile goes before the
 * configuration's rate for its new address, is shared by all its addresses, and ends when it leaves.
 */
#ifndef HANDOVERD_CONTEXT_RATE_H
#define HANDOVERD_CONTEXT_RATE_H

#include "context/context_part.h"

extern const struct context_part rate_part;

#endif
