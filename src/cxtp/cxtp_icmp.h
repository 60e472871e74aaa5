/* CTAR and CTAA between mobile and router: ICMPv6 type 150, ICMP type 41, subtype 1 (RFC 4067 §3.2, RFC 4065 §8). */
#ifndef HANDOVERD_CXTP_ICMP_H
#define HANDOVERD_CXTP_ICMP_H

#include "cxtp/cxtp_params.h"
#include "cxtp/cxtp_wire.h"

struct cxtp_icmp;
/* A message that came with hop limit 255 to one of our addresses and could be parsed. */
typedef void cxtp_icmp_fn(const struct cxtp_link *from, const struct cxtp_message *m, void *arg);

struct cxtp_icmp *cxtp_icmp_open(struct loop *l, cxtp_icmp_fn *fn, void *arg); /* NULL after a log line */
void cxtp_icmp_close(struct cxtp_icmp *s);
int cxtp_icmp_send(struct cxtp_icmp *s, const struct cxtp_link *to, const void *msg, size_t len);

#endif
