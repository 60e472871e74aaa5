/*
 * Cryptographically generated addresses (RFC 3972): an interface identifier that is the hash of a public key, so that whoever can
 * sign with the private key has shown that the address is its own.
 *
 * Pure functions between octets; the search for a modifier is cut into pieces of bounded work. Functions that return int return 0
 * or a negative errno.
 */
#ifndef HANDOVERD_FMIP6_CGA_H
#define HANDOVERD_FMIP6_CGA_H

#include "core/addr.h"

#define CGA_MODIFIER 16      /* octets */
#define CGA_FIXED 25         /* modifier, subnet prefix, collision count: the public key comes next */
#define CGA_PARAMS_MAX 640   /* octets of a CGA Parameters structure that are looked at; a 2048-bit key makes 319 */
#define CGA_COLLISIONS_MAX 2
#define CGA_SEC_MAX 7

/* A CGA Parameters data structure (§3) of our own. */
struct cga_params {
	size_t len;
	uint8_t octets[CGA_PARAMS_MAX];
};

/* From a modifier and a public key (DER, SubjectPublicKeyInfo). Prefix and collision count are zero. -EMSGSIZE: too long. */
int cga_params_make(struct cga_params *p, const uint8_t modifier[CGA_MODIFIER], const uint8_t *key, size_t key_len);

/*
 * §4 steps 2 and 3: looks for a modifier that suits sec, with at most so many hashes. True: p has it. False: call again, it goes
 * on from where it was. On average 2^(16*sec) hashes in all; sec 0 needs none.
 */
bool cga_search(struct cga_params *p, unsigned sec, unsigned hashes);

/* §4 steps 4 to 7: the address on a link, when p has been searched for with this sec. Writes prefix and count into p. -EINVAL: the
 * prefix is not one of 64 bits, or sec or the collision count is out of range. */
int cga_generate(struct cga_params *p, const struct prefix *link, unsigned sec, unsigned collisions, struct in6_addr *out);

/* §5: does this address belong to the key in these parameters? */
bool cga_verify(const struct in6_addr *addr, const uint8_t *params, size_t len);

/* The public key in parameters, without extension fields: false if its DER is not whole. */
bool cga_public_key(const uint8_t *params, size_t len, const uint8_t **key, size_t *key_len);

#endif
