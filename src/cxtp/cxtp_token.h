/*
 * Who may move a mobile's contexts: the authorization token (RFC 4067 §2.5.1) and the key under it (§6.3).
 *
 * RFC 4067 wants a key that serves CXTP alone and no transfer twice, and leaves open where it comes from. Mobile and
 * previous router share a master key (the configuration's `mobiles`); each transfer's key is derived from it over what both
 * know of the transfer, so that they agree whatever message was lost and whoever restarted:
 *
 *   key = secret_derive(master, "handoverd cxtp transfer", PCoA 16 | pAR address 16 | sequence number 4), 20 octets
 *
 * The pAR address is the one the mobile uses for its previous router: the destination of the CTAR it sends there and the
 * one it names in the CTAR to the new router. IPv4 addresses count in their IPv4-mapped form.
 *
 * A pAR that pushes contexts before the mobile said anything (§5.1) must know which sequence number the mobile will use. For
 * that the two share the sequence number s of the CTAR by which the mobile arrived at that router: it sent it, the router
 * answered it. The mobile leaves with
 *
 *   sequence number = secret_derive(master, "handoverd cxtp sequence", PCoA 16 | pAR address 16 | nAR address 16 | s 4),
 *                     the first four octets, of 16, that are not zero together
 *
 * which nobody without the master key can tell from a random one. nAR address: the destination of the CTAR to the new
 * router, so each of several candidates gets a key of its own, worth nothing at the others. The mobile uses an s once, and
 * draws at random when it has none, used the result within sequence_reuse, or would come by the token 0. Whoever restarted
 * or missed a message merely predicts wrongly: then the token does not pass under the pushed key, goes before the pAR with
 * its sequence number (CT-Req), and passes there, because the key follows from that number alone.
 * A mobile that came by no transfer (its first link) has no s; no key is pushed for it unasked.
 */
#ifndef HANDOVERD_CXTP_TOKEN_H
#define HANDOVERD_CXTP_TOKEN_H

#include "core/addr.h"
#include "core/secret.h"

#define CXTP_KEY_LEN 20
#define CXTP_KEY_LABEL "handoverd cxtp transfer"
#define CXTP_SEQUENCE_LABEL "handoverd cxtp sequence"

/* The key of one transfer; the caller wipes it. 0, or a negative errno. */
int cxtp_key(const struct secret *master, const struct in6_addr *pcoa, const struct in6_addr *par, uint32_t seq,
             uint8_t out[CXTP_KEY_LEN]);
/* The sequence number with which a mobile that arrived with `s` leaves for nar. 0, or a negative errno. */
int cxtp_sequence(const struct secret *master, const struct in6_addr *pcoa, const struct in6_addr *par,
                  const struct in6_addr *nar, uint32_t s, uint32_t *seq);

/*
 * token = first 32 bits of HMAC-SHA1(key, previous address | sequence number | CDBs), with the address and the CDBs as they
 * stand in the CTAR. 0, or a negative errno. The value 0 is no token: on the wire it says that there is none (§2.5.6), so
 * cxtp_token_ok refuses it and a mobile whose token comes out as 0 draws another sequence number.
 */
int cxtp_token(const uint8_t *key, size_t key_len, const struct in6_addr *pcoa, uint32_t seq, const uint8_t *blocks,
               size_t blocks_len, uint32_t *token);
/* Is `token` the right one? In constant time. */
bool cxtp_token_ok(const uint8_t *key, size_t key_len, const struct in6_addr *pcoa, uint32_t seq, const uint8_t *blocks,
                   size_t blocks_len, uint32_t token);

#endif
