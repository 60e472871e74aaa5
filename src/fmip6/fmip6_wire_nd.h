/* Options of neighbour discovery (RFC 4861 §4.6, RFC 5568 §6.4), for the files that pack and parse messages with them. */
#ifndef HANDOVERD_FMIP6_WIRE_ND_H
#define HANDOVERD_FMIP6_WIRE_ND_H

#include "core/addr.h"
#include "core/buf.h"

int wire_done(const struct wr *w); /* length, or -EMSGSIZE if it did not fit */

void nd_put_lla(struct wr *w, uint8_t code, const struct lladdr *l);                   /* 19 */
void nd_put_ip(struct wr *w, uint8_t code, uint8_t plen, const struct in6_addr *a);    /* 17 */
/* RFC 4861 §4.6.1: source or target link-layer address; nothing after it but padding to a whole word. */
void nd_put_plain_lla(struct wr *w, uint8_t type, const struct lladdr *l);
bool nd_get_lla(struct rd *body, uint8_t lla_len, struct lladdr *l);
bool nd_get_ip(struct rd *body, uint8_t *code, uint8_t *plen, struct in6_addr *a);

#endif
