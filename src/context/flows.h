/*
 * The context "conntrack": the connection-tracking entries of a mobile, so that a stateful firewall at the new router lets
 * its established flows go on. Zone and limits are the configuration's (context.conntrack).
 *
 * What travels: entries of the configured zone that begin or end at an address of the mobile, of either family; the best
 * of them first, at most context.conntrack.entries: established TCP, then what is assured, then the rest; within each those
 * with the most time left, which are those used last. TCP that is over stays behind, as do flows of the router itself.
 *
 * Translated entries (NAT) stay behind, are counted, and are not removed here either: the translation is to an address of
 * this router, packets of the flow keep coming here, and what comes back through a tunnel from the new router goes on being
 * translated. At the new router such an entry would be of no use, or would keep a flow that can change its address (QUIC,
 * WireGuard) from being translated anew. Neither do expectations and helpers travel: a new expectation of a flow whose
 * helper runs at the new router is made there.
 *
 * At the new router entries are made with their state, timeout, status and, if both routers say so, mark; the sequence
 * numbers that the previous router had seen are not known there, so TCP windows are not enforced (`liberal`), or are learnt
 * from the next packets.
 *
 * At the router it left, a mobile's entries are removed; while its packets still go through a tunnel or wait here, only
 * when that has ended, since they pass this router's firewall on their way.
 */
#ifndef HANDOVERD_CONTEXT_FLOWS_H
#define HANDOVERD_CONTEXT_FLOWS_H

#include "context/context_part.h"

/* Status octets of its own. */
enum { FLOWS_STATUS_VERSION = FEATURE_STATUS_OWN, FLOWS_STATUS_ADDRESS };

extern const struct context_part flows_part;

#endif
