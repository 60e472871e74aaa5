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
 */
#ifndef HANDOVERD_CXTP_TOKEN_H
#define HANDOVERD_CXTP_TOKEN_H

#include "core/addr.h"
#include "core/secret.h"

#define CXTP_KEY_LEN 20
#define CXTP_KEY_LABEL "handoverd cxtp transfer"

/* The key of one transfer; the caller wipes it. 0, or a negative errno. */
int cxtp_key(const struct secret *master, const struct in6_addr *pcoa, const struct in6_addr *par, uint32_t seq,
             uint8_t out[CXTP_KEY_LEN]);

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
