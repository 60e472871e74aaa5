/* SEND for one message (RFC 3971 §5): what makes it a secured one, and whether one that came is. Pure. */
#ifndef HANDOVERD_FMIP6_SEND_SECURE_H
#define HANDOVERD_FMIP6_SEND_SECURE_H

#include "core/addr.h"
#include "fmip6/send_wire.h"

/* An ICMPv6 message and the addresses that its signature covers. */
struct send_message {
	const struct in6_addr *src, *dst;
	const uint8_t *data;
	size_t len;
};

enum send_fault {
	SEND_GOOD,
	SEND_UNSECURED, /* no CGA or no RSA Signature option: a message like any other */
	SEND_MALFORMED,
	SEND_NOT_TIMED,     /* signed, but without a Timestamp (§5.3.4) */
	SEND_NOT_OWNER,     /* the source address does not come from that key */
	SEND_OTHER_KEY,     /* the signature names another key than the CGA option has */
	SEND_BAD_KEY,       /* not RSA of a size that is taken */
	SEND_BAD_SIGNATURE,
};
const char *send_fault_text(enum send_fault f);

/* What costs little: structure, address, key hash. Whether there has to be a nonce, and which, is for the caller. On SEND_GOOD o->public is the sender's key. */
enum send_fault send_check(const struct send_message *m, struct send_options *o);
/* What costs more, after that: is it signed with this key? On SEND_GOOD *key is the key, the caller's to close; else NULL. */
enum send_fault send_check_signature(const struct send_message *m, const struct send_options *o, struct send_public **key);

/* Appends the RSA Signature option, as the last one, to a message whose checksum field is zero; m->data is msg. Returns the new
 * length or a negative errno. */
int send_sign(const struct send_key *k, const struct send_message *m, uint8_t *msg, size_t cap);

#endif
