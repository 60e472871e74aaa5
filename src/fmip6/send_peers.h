/*
 * Whether a secured message is fresh, by its timestamp and those that its sender sent before (RFC 3971 §5.3.4.2). Times are
 * microseconds since 1970. Bounded: the peer not heard for longest goes.
 */
#ifndef HANDOVERD_FMIP6_SEND_PEERS_H
#define HANDOVERD_FMIP6_SEND_PEERS_H

#include "core/addr.h"
#include "core/loop.h"

#define TIMESTAMP_DELTA (300 * USEC_SEC) /* RFC 3971 §10.2 */
#define TIMESTAMP_FUZZ (1 * USEC_SEC)
#define TIMESTAMP_DRIFT_PERCENT 1

struct send_peers;
struct send_peers *send_peers_create(size_t max);
void send_peers_destroy(struct send_peers *p);

enum send_age { SEND_FRESH, SEND_STALE, SEND_REPLAYED };
/* Timestamps in the form of the option. Changes nothing: an unverified message must not. */
enum send_age send_peers_check(const struct send_peers *p, const struct in6_addr *peer, uint64_t timestamp, uint64_t now);
/* This one was verified. */
void send_peers_note(struct send_peers *p, const struct in6_addr *peer, uint64_t timestamp, uint64_t now);
/* How far its sender's clock is from ours, in seconds: for people. */
long long send_age_seconds(uint64_t timestamp, uint64_t now);

#endif
