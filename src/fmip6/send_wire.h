/*
 * Options of SEND (RFC 3971 §5) and of the handover keys (RFC 5269 §4) in a message of FMIPv6 over ICMPv6 (RFC 5568 §6.1): octets
 * and structs, nothing else. Trust Anchor and Certificate (15, 16) are passed over like any option that is not known: who may
 * be believed is a matter of configuration here (handoverd.conf(5), fmip6.trust).
 */
#ifndef HANDOVERD_FMIP6_SEND_WIRE_H
#define HANDOVERD_FMIP6_SEND_WIRE_H

#include "core/buf.h"
#include "core/loop.h"
#include "fmip6/send_key.h"

enum send_option { /* neighbour discovery, length in words of 8 octets */
	ND_CGA = 11,
	ND_RSA_SIGNATURE = 12,
	ND_TIMESTAMP = 13,
	ND_NONCE = 14,
	ND_HK_REQUEST = 27,
	ND_HK_REPLY = 28,
};

#define SEND_HEADER 8      /* octets of an RtSolPr or PrRtAdv before its options */
#define SEND_NONCE_MIN 6   /* octets */
#define SEND_NONCE_MAX 62  /* that are taken from others */

/* Authentication algorithm of FBU and FBack. No document gives AT its values: HMAC_SHA1, the only one that RFC 5568 §6.4.5
 * describes, is what zero must mean. */
#define HK_AT_HMAC_SHA1 0

struct octets {
	const uint8_t *p; /* borrowed from the message; NULL: absent */
	size_t len;
};

struct send_options {
	struct octets cga;    /* the CGA Parameters structure, without padding */
	struct octets public; /* the key in it: found by send_check */
	bool has_timestamp;
	uint64_t timestamp; /* seconds since 1970 in units of 1/65536 */
	struct octets nonce;
	uint8_t key_hash[SEND_KEY_HASH];
	struct octets signature; /* with what may be padding after it */
	size_t signed_len;       /* octets of the message before the RSA Signature option; all of them if there is none */
	struct octets request;   /* handover key encryption public key */
	uint8_t request_at;
	struct octets reply; /* encrypted handover key */
	uint8_t reply_at;
	uint16_t reply_lifetime; /* seconds */
};

/* What comes after the first RSA Signature option counts for nothing (RFC 3971 §5.2.2). 0; -EBADMSG: an option's length contradicts
 * what is in it, or one of these options stands there twice. */
int send_parse(const uint8_t *data, size_t len, struct send_options *o);
/* Where whoever reads the other options has to stop; len if the message cannot be parsed. */
size_t send_body_len(const uint8_t *data, size_t len);

void send_put_cga(struct wr *w, const uint8_t *params, size_t len);
void send_put_timestamp(struct wr *w, uint64_t timestamp);
void send_put_nonce(struct wr *w, const uint8_t *nonce, size_t len); /* len: 6, 14, … */
void send_put_signature(struct wr *w, const uint8_t key_hash[SEND_KEY_HASH], const uint8_t *signature, size_t len);
void hk_put_request(struct wr *w, uint8_t at, const uint8_t *key, size_t len);
void hk_put_reply(struct wr *w, uint8_t at, uint16_t lifetime, const uint8_t *encrypted, size_t len);

uint64_t send_time(uint64_t since_1970_us); /* as a Timestamp option has it */

#endif
