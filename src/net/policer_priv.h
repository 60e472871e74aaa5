/* The texts of the table, between policer.c and policer_text.c. Each owned by the caller; NULL: no memory. */
#ifndef HANDOVERD_NET_POLICER_PRIV_H
#define HANDOVERD_NET_POLICER_PRIV_H

#include "net/policer.h"

uint32_t policer_burst(const struct policer_rate *r, uint64_t rate); /* octets */
char *policer_text(const char *prefixes); /* the whole table; prefixes may be NULL */
char *policer_text_prefixes(const struct policer_prefix *prefixes, size_t n);
char *policer_text_dscp(uint8_t dscp); /* adds what sets a DSCP */

#endif
