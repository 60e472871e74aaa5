#include "core/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int addr_parse(const char *text, struct in6_addr *out)
{
	struct in6_addr a = { .s6_addr = { [10] = 0xff, [11] = 0xff } };
	if (inet_pton(AF_INET6, text, &a) != 1) {
		a = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff } };
		if (inet_pton(AF_INET, text, a.s6_addr + 12) != 1)
			return -EINVAL;
	}
	*out = a;
	return 0;
}

/* Decimal 0..max, no sign, no blanks, nothing behind it. -1 if it is anything else. */
static int small_number(const char *text, int max)
{
	int v = 0;
	if (!*text || strlen(text) > 3)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		v = v * 10 + (*text - '0');
	}
	return v <= max ? v : -1;
}

int prefix_parse(const char *text, struct prefix *out)
{
	char head[ADDR_STRLEN];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	struct in6_addr a;
	if (n >= sizeof head)
		return -EINVAL;
	memcpy(head, text, n);
	head[n] = 0;
	if (addr_parse(head, &a) < 0)
		return -EINVAL;
	int base = addr_is_v4(&a) ? 96 : 0;
	int plen = slash ? small_number(slash + 1, 128 - base) : 128 - base;
	if (plen < 0)
		return -EINVAL;
	struct prefix p = prefix_of(&a, (uint8_t)(base + plen));
	if (!addr_eq(&p.addr, &a))
		return -EINVAL;
	*out = p;
	return 0;
}

int lladdr_parse(const char *text, struct lladdr *out)
{
	struct lladdr l = { 0 };
	for (const char *p = text;;) {
		char digits[3] = { 0 };
		size_t n = strcspn(p, ":-");
		if (n < 1 || n > 2 || strspn(p, "0123456789abcdefABCDEF") != n || l.len == LLADDR_MAX)
			return -EINVAL;
		memcpy(digits, p, n);
		l.octet[l.len++] = (uint8_t)strtoul(digits, NULL, 16);
		if (!p[n])
			break;
		p += n + 1;
	}
	*out = l;
	return 0;
}

const char *addr_text(const struct in6_addr *a, char out[ADDR_STRLEN])
{
	if (addr_is_v4(a))
		inet_ntop(AF_INET, a->s6_addr + 12, out, ADDR_STRLEN);
	else
		inet_ntop(AF_INET6, a, out, ADDR_STRLEN);
	return out;
}

const char *prefix_text(const struct prefix *p, char out[PREFIX_STRLEN])
{
	char head[ADDR_STRLEN];
	unsigned plen = p->plen;
	if (plen >= 96 && addr_is_v4(&p->addr))
		plen -= 96;
	snprintf(out, PREFIX_STRLEN, "%s/%u", addr_text(&p->addr, head), plen);
	return out;
}

const char *lladdr_text(const struct lladdr *l, char out[LLADDR_STRLEN])
{
	char *p = out;
	*p = 0;
	for (size_t i = 0; i < l->len && i < LLADDR_MAX; i++)
		p += sprintf(p, "%s%02x", i ? ":" : "", l->octet[i]);
	return out;
}

bool addr_eq(const struct in6_addr *a, const struct in6_addr *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

bool addr_is_zero(const struct in6_addr *a)
{
	return IN6_IS_ADDR_UNSPECIFIED(a);
}

bool addr_is_v4(const struct in6_addr *a)
{
	return IN6_IS_ADDR_V4MAPPED(a);
}

bool addr_is_link_local(const struct in6_addr *a)
{
	return IN6_IS_ADDR_LINKLOCAL(a);
}

bool addr_is_multicast(const struct in6_addr *a)
{
	return IN6_IS_ADDR_MULTICAST(a) || (addr_is_v4(a) && (a->s6_addr[12] & 0xf0) == 0xe0);
}

bool lladdr_eq(const struct lladdr *a, const struct lladdr *b)
{
	return a->len == b->len && a->len <= LLADDR_MAX && memcmp(a->octet, b->octet, a->len) == 0;
}

struct lladdr lladdr_key(const struct lladdr *l)
{
	struct lladdr key = { .len = l->len <= LLADDR_MAX ? l->len : 0 };
	memcpy(key.octet, l->octet, key.len);
	return key;
}

/* The bits of octet i that lie within a prefix of length plen. */
static uint8_t mask_octet(unsigned plen, unsigned i)
{
	if (plen >= 8 * (i + 1))
		return 0xff;
	if (plen <= 8 * i)
		return 0;
	return (uint8_t)(0xff << (8 * (i + 1) - plen));
}

bool prefix_has(const struct prefix *p, const struct in6_addr *a)
{
	for (unsigned i = 0; i < 16; i++)
		if ((a->s6_addr[i] ^ p->addr.s6_addr[i]) & mask_octet(p->plen, i))
			return false;
	return true;
}

bool prefix_overlaps(const struct prefix *a, const struct prefix *b)
{
	return a->plen < b->plen ? prefix_has(a, &b->addr) : prefix_has(b, &a->addr);
}

struct prefix prefix_of(const struct in6_addr *a, uint8_t plen)
{
	struct prefix p = { .plen = plen > 128 ? 128 : plen };
	for (unsigned i = 0; i < 16; i++)
		p.addr.s6_addr[i] = a->s6_addr[i] & mask_octet(p.plen, i);
	return p;
}

struct in6_addr addr_compose(const struct prefix *p, const struct in6_addr *iid)
{
	struct in6_addr a;
	for (unsigned i = 0; i < 16; i++) {
		uint8_t m = mask_octet(p->plen, i);
		a.s6_addr[i] = (uint8_t)((p->addr.s6_addr[i] & m) | (iid->s6_addr[i] & ~m));
	}
	return a;
}
