/*
 * The bounded reader and the bounded writer: the only way to touch packet bytes.
 *
 * Reader: a window on somebody else's bytes. Every rd_* returns false when the window is too short, and then consumes
 * nothing. To enter a TLV, fence it first with rd_sub (the parent moves past it at once) and parse the child: whatever
 * the child's bytes say, the parent is already safe.
 *
 * Writer: fills the caller's buffer. An overflow is remembered, later writes are ignored, and wr_ok says so at the end:
 * a packer writes straight through and checks once. Lengths are patched in afterwards with wr_patch*.
 *
 * All integers are in network byte order on the wire and host order in arguments.
 */
#ifndef HANDOVERD_CORE_BUF_H
#define HANDOVERD_CORE_BUF_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rd {
	const uint8_t *p;   /* next octet */
	const uint8_t *end; /* one past the last */
};

struct rd rd_make(const void *data, size_t len); /* borrows data */
size_t rd_left(const struct rd *r);
bool rd_u8(struct rd *r, uint8_t *out);
bool rd_u16(struct rd *r, uint16_t *out);
bool rd_u32(struct rd *r, uint32_t *out);
bool rd_u64(struct rd *r, uint64_t *out);
bool rd_addr6(struct rd *r, struct in6_addr *out);
bool rd_addr4(struct rd *r, struct in6_addr *out); /* 4 octets, kept IPv4-mapped */
bool rd_copy(struct rd *r, void *out, size_t n);
bool rd_skip(struct rd *r, size_t n);
bool rd_sub(struct rd *r, size_t n, struct rd *child); /* child covers the next n octets; r moves past them */
/* The next of a row of options whose length octet counts words of 8, type and length included (RFC 4861 §4.6): 1, and body covers
 * what follows these two; 0: there is none; -EBADMSG: cut short, or of length 0. */
int rd_option8(struct rd *r, uint8_t *type, struct rd *body);
const uint8_t *rd_bytes(struct rd *r, size_t n);       /* the next n octets, borrowed; NULL if there are fewer */

struct wr {
	uint8_t *base;
	size_t len;
	size_t cap;
	bool overflow;
};

struct wr wr_make(void *buf, size_t cap); /* borrows buf */
void wr_u8(struct wr *w, uint8_t v);
void wr_u16(struct wr *w, uint16_t v);
void wr_u32(struct wr *w, uint32_t v);
void wr_u64(struct wr *w, uint64_t v);
void wr_addr6(struct wr *w, const struct in6_addr *a);
void wr_addr4(struct wr *w, const struct in6_addr *a); /* a must be IPv4-mapped; writes 4 octets */
void wr_copy(struct wr *w, const void *data, size_t n);
void wr_zero(struct wr *w, size_t n);
void wr_align(struct wr *w, size_t to, size_t phase); /* zeros until (len % to) == phase */
void wr_patch8(struct wr *w, size_t at, uint8_t v);   /* at must lie in what is written, else overflow is set */
void wr_patch16(struct wr *w, size_t at, uint16_t v);
bool wr_ok(const struct wr *w);

/*
 * One's complement checksum of an ICMPv6 or Mobility Header message under the IPv6 pseudo-header (RFC 8200 §8.1):
 * the value to store when the message's checksum field is zero; 0 when a received message, its field included, is
 * right. `next_header` is 58 or 135; for a Mobility Header that came with a Home Address option src is the home
 * address (RFC 6275 §6.1.1).
 */
uint16_t checksum_ipv6(const struct in6_addr *src, const struct in6_addr *dst, uint8_t next_header, const void *msg,
                       size_t len);
uint16_t checksum_inet(const void *msg, size_t len); /* plain RFC 1071 sum, for IPv4 ICMP and IGMP */

#endif
