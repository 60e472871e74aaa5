/*
 * The bytes of Mobile IPv6 (RFC 6275 §6) with the options of RFC 4283 and RFC 4285: pure functions between octets and structs.
 *
 * Parsers take a Mobility Header from its Payload Proto octet, skip options they do not know, and refuse with -EBADMSG what is too
 * short, contradicts its own lengths, or says one thing twice; the result is then undefined. Packers return the length, or
 * -EMSGSIZE if it does not fit. The checksum is left zero: the net layer fills it in. Lifetimes are in units of 4 seconds, as they
 * travel.
 */
#ifndef HANDOVERD_MIP6_WIRE_H
#define HANDOVERD_MIP6_WIRE_H

#include <stdbool.h>

#include "core/addr.h"
#include "mip6/mip6_proto.h"

#define MIP6_MESSAGE_MAX 512 /* octets of the longest message we make */

/* RFC 4285: what secures a message. Packed with a zero authenticator, as the last option, for mip6_auth_sign to fill. */
struct mip6_auth {
	bool present;
	uint32_t spi;
	size_t at;   /* parsed: where in the message the authenticator begins */
	bool last;   /* parsed: nothing but padding follows it */
	bool sized;  /* parsed: the authenticator has MIP6_AUTH_LEN octets */
};

/* Options that BU and BA share. */
struct mip6_options {
	struct in6_addr alt_coa; /* BU: Alternate Care-of Address; unspecified: none */
	uint16_t refresh;        /* BA: Binding Refresh Advice, units; 0: none */
	bool nonces;             /* parsed: Nonce Indices are there */
	size_t nai_len;          /* MN-NAI; 0: none */
	const uint8_t *nai;      /* borrowed; parsed: within the message */
	bool has_timestamp;
	uint64_t timestamp;      /* NTP's form: seconds since 1900 and fraction */
	struct mip6_auth auth;   /* MN-HA */
	bool aaa;                /* parsed: MN-AAA is there, which nobody here can verify */
};

struct bu {
	uint16_t seq;
	uint8_t flags;     /* enum bu_flags */
	uint16_t lifetime; /* 0: forget the binding */
	struct mip6_options o;
};

struct ba {
	uint8_t status; /* enum ba_status */
	bool key_flag;
	uint16_t seq;
	uint16_t lifetime;
	struct mip6_options o;
};

struct be {
	uint8_t status; /* enum be_status */
	struct in6_addr home; /* unspecified: there was no Home Address option */
};

int bu_pack(const struct bu *m, uint8_t *out, size_t cap);
int bu_parse(const uint8_t *data, size_t len, struct bu *m);
int ba_pack(const struct ba *m, uint8_t *out, size_t cap);
int ba_parse(const uint8_t *data, size_t len, struct ba *m);
int be_pack(const struct be *m, uint8_t *out, size_t cap);
int be_parse(const uint8_t *data, size_t len, struct be *m);
/* Binding Refresh Request: says nothing but what it is. */
int brr_pack(uint8_t *out, size_t cap);
int brr_parse(const uint8_t *data, size_t len);

#endif
