/*
 * Addresses as every part of handoverd keeps them.
 *
 * An IP address is a struct in6_addr; an IPv4 address is kept in its IPv4-mapped form (::ffff:a.b.c.d), so that one
 * table, one comparison and one printer serve both families.
 */
#ifndef HANDOVERD_CORE_ADDR_H
#define HANDOVERD_CORE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LLADDR_MAX 20 /* octets; the longest link-layer address we carry (IP over InfiniBand) */

/* A link-layer address or an AP-ID (for 802.11 the BSSID). len 0 means: none known. */
struct lladdr {
	uint8_t len;
	uint8_t octet[LLADDR_MAX];
};

struct prefix {
	struct in6_addr addr; /* bits beyond plen are zero */
	uint8_t plen;         /* 0..128; an IPv4 prefix /n is kept as /(96+n) of its mapped form */
};

#define ADDR_STRLEN 46                   /* text of any address, with its final NUL */
#define PREFIX_STRLEN (ADDR_STRLEN + 4)  /* "addr/128" */
#define LLADDR_STRLEN (LLADDR_MAX * 3)   /* "02:00:…", with its final NUL */

/* Text to value. IPv4 dotted quads become mapped addresses. Returns 0, or -EINVAL and leaves *out untouched. */
int addr_parse(const char *text, struct in6_addr *out);
int prefix_parse(const char *text, struct prefix *out); /* host bits must be zero; a bare address means /128 */
int lladdr_parse(const char *text, struct lladdr *out); /* "02:00:00:00:00:01", '-' taken for ':' */

/* Value to text in the caller's buffer, which is returned. Mapped addresses print as dotted quads. */
const char *addr_text(const struct in6_addr *a, char out[ADDR_STRLEN]);
const char *prefix_text(const struct prefix *p, char out[PREFIX_STRLEN]);
const char *lladdr_text(const struct lladdr *l, char out[LLADDR_STRLEN]);

/* The same in a buffer that lives until the end of the enclosing full expression's block: for log arguments. */
#define ADDR(a) addr_text((a), (char[ADDR_STRLEN]){0})
#define PREFIX(p) prefix_text((p), (char[PREFIX_STRLEN]){0})
#define LLADDR(l) lladdr_text((l), (char[LLADDR_STRLEN]){0})

bool addr_eq(const struct in6_addr *a, const struct in6_addr *b);
bool addr_is_zero(const struct in6_addr *a);
bool addr_is_v4(const struct in6_addr *a);
bool addr_is_link_local(const struct in6_addr *a);
bool addr_is_multicast(const struct in6_addr *a);
bool lladdr_eq(const struct lladdr *a, const struct lladdr *b);
struct lladdr lladdr_key(const struct lladdr *l); /* the same with zeros behind its octets: may be hashed whole */
bool prefix_has(const struct prefix *p, const struct in6_addr *a);
bool prefix_overlaps(const struct prefix *a, const struct prefix *b);

/* Prefix of length plen that a lies in. */
struct prefix prefix_of(const struct in6_addr *a, uint8_t plen);
/* The address formed from p's bits and, beyond p->plen, the bits of iid (RFC 4862 §5.5.3 d). */
struct in6_addr addr_compose(const struct prefix *p, const struct in6_addr *iid);

#endif
