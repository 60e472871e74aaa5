/*
 * The context of a mobile's rate and traffic class, a state vector of 25 octets in network byte order (RFC 4067 §2.3, §2.4).
 * Each field has a default, and only those that hold another value travel, named by the presence vector in this order:
 *
 *   down 8   bits a second towards the mobile; default 0: no limit
 *   up 8     bits a second from the mobile; default 0: no limit
 *   burst 4  octets; default 0: the router that limits chooses
 *   class 4  tc class of its packets, major and minor 2 octets each; default 0: none
 *   dscp 1   of its packets, 0 to 63; default 255: as they are
 *
 * Rates are at most 100 Gbit/s. Pure.
 */
#ifndef HANDOVERD_CONTEXT_RATE_WIRE_H
#define HANDOVERD_CONTEXT_RATE_WIRE_H

#include "core/feature.h"
#include "net/policer.h"

#define RATE_LEN 25
extern const struct feature_field rate_fields[];

void rate_pack(const struct policer_rate *r, uint8_t out[RATE_LEN]);
bool rate_parse(const void *data, size_t len, struct policer_rate *out); /* false: malformed */

#endif
