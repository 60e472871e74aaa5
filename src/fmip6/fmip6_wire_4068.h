/*
 * Messages of RFC 4068 that RFC 5568 has otherwise: HI and HAck over ICMPv6, FNA. The structs are those of fmip6_wire.h, the codes
 * those of RFC 5568: they are translated here. A checksum is left zero.
 */
#ifndef HANDOVERD_FMIP6_WIRE_4068_H
#define HANDOVERD_FMIP6_WIRE_4068_H

#include "fmip6/fmip6_wire.h"

#define ICMP6_EXPERIMENTAL_MOBILITY 150 /* RFC 4065; its subtype 1 is CXTP's */
enum { FMIP6_4068_HI = 4, FMIP6_4068_HACK = 5 };

int hi_4068_pack(const struct hi *m, uint8_t *out, size_t cap);
int hi_4068_parse(const uint8_t *data, size_t len, uint8_t lla_len, struct hi *m);
int hack_4068_pack(const struct hack *m, uint8_t *out, size_t cap);
int hack_4068_parse(const uint8_t *data, size_t len, struct hack *m);

/* The Fast Neighbor Advertisement (RFC 4068 §6.3.3), a Mobility Header: whose link-layer address it announces. */
int fna_parse(const uint8_t *data, size_t len, struct lladdr *l);

#endif
