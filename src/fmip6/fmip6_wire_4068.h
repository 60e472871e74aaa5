/*
 * Messages of RFC 4068 that RFC 5568 has otherwise: RtSolPr, PrRtAdv, HI and HAck of another ICMPv6 type, FNA. The structs are those of fmip6_wire.h, the codes
 * those of RFC 5568: they are translated here. A checksum is left zero.
 */
#ifndef HANDOVERD_FMIP6_WIRE_4068_H
#define HANDOVERD_FMIP6_WIRE_4068_H

#include "fmip6/fmip6_wire.h"

#define ICMP6_EXPERIMENTAL_MOBILITY 150 /* RFC 4065; its subtype 1 is CXTP's */
enum { FMIP6_4068_HI = 4, FMIP6_4068_HACK = 5 };

/* Subtypes as in RFC 5568. An access point of all zeros is the wildcard, too (§6.1.1). */
int rtsolpr_4068_parse(const uint8_t *data, size_t len, uint8_t lla_len, struct rtsolpr *m);
/* A prefix has an option of its own. There is no Code 5: an access point with DHCP is one of which nothing is known (LLA_NO_PREFIX). */
int prrtadv_4068_pack(const struct prrtadv *m, uint8_t *out, size_t cap);

int hi_4068_pack(const struct hi *m, uint8_t *out, size_t cap);
int hi_4068_parse(const uint8_t *data, size_t len, uint8_t lla_len, struct hi *m);
int hack_4068_pack(const struct hack *m, uint8_t *out, size_t cap);
int hack_4068_parse(const uint8_t *data, size_t len, struct hack *m);

/* The Fast Neighbor Advertisement (RFC 4068 §6.3.3), a Mobility Header: whose link-layer address it announces. */
int fna_parse(const uint8_t *data, size_t len, struct lladdr *l);

#endif
