#include "core/buf.h"

#include <errno.h>
#include <string.h>

struct rd rd_make(const void *data, size_t len)
{
	const uint8_t *p = data;
	return (struct rd){ .p = p, .end = p ? p + len : p };
}

size_t rd_left(const struct rd *r)
{
	return (size_t)(r->end - r->p);
}

const uint8_t *rd_bytes(struct rd *r, size_t n)
{
	if (rd_left(r) < n || !r->p)
		return NULL;
	const uint8_t *p = r->p;
	r->p += n;
	return p;
}

bool rd_skip(struct rd *r, size_t n)
{
	if (rd_left(r) < n)
		return false;
	if (n)
		r->p += n;
	return true;
}

bool rd_copy(struct rd *r, void *out, size_t n)
{
	if (n == 0)
		return true;
	const uint8_t *p = rd_bytes(r, n);
	if (!p)
		return false;
	memcpy(out, p, n);
	return true;
}

bool rd_sub(struct rd *r, size_t n, struct rd *child)
{
	const uint8_t *p = r->p;
	if (!rd_skip(r, n))
		return false;
	*child = rd_make(p, n);
	return true;
}

int rd_option8(struct rd *r, uint8_t *type, struct rd *body)
{
	uint8_t words;
	if (rd_left(r) == 0)
		return 0;
	if (!rd_u8(r, type) || !rd_u8(r, &words) || words == 0 || !rd_sub(r, (size_t)words * 8 - 2, body))
		return -EBADMSG;
	return 1;
}

static bool rd_uint(struct rd *r, size_t n, uint64_t *out)
{
	const uint8_t *p = rd_bytes(r, n);
	if (!p)
		return false;
	uint64_t v = 0;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	*out = v;
	return true;
}

bool rd_u8(struct rd *r, uint8_t *out)
{
	return rd_copy(r, out, 1);
}

bool rd_u16(struct rd *r, uint16_t *out)
{
	uint64_t v;
	if (!rd_uint(r, 2, &v))
		return false;
	*out = (uint16_t)v;
	return true;
}

bool rd_u32(struct rd *r, uint32_t *out)
{
	uint64_t v;
	if (!rd_uint(r, 4, &v))
		return false;
	*out = (uint32_t)v;
	return true;
}

bool rd_u64(struct rd *r, uint64_t *out)
{
	return rd_uint(r, 8, out);
}

bool rd_addr6(struct rd *r, struct in6_addr *out)
{
	return rd_copy(r, out->s6_addr, 16);
}

bool rd_addr4(struct rd *r, struct in6_addr *out)
{
	struct in6_addr a = { .s6_addr = { [10] = 0xff, [11] = 0xff } };
	if (!rd_copy(r, a.s6_addr + 12, 4))
		return false;
	*out = a;
	return true;
}

struct wr wr_make(void *buf, size_t cap)
{
	return (struct wr){ .base = buf, .cap = cap };
}

/* Room for n octets, or NULL with the overflow remembered. */
static uint8_t *wr_room(struct wr *w, size_t n)
{
	if (w->overflow || w->cap - w->len < n) {
		w->overflow = true;
		return NULL;
	}
	uint8_t *p = w->base + w->len;
	w->len += n;
	return p;
}

static void put_uint(uint8_t *p, size_t n, uint64_t v)
{
	while (n--) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

static void wr_uint(struct wr *w, size_t n, uint64_t v)
{
	uint8_t *p = wr_room(w, n);
	if (p)
		put_uint(p, n, v);
}

void wr_u8(struct wr *w, uint8_t v)
{
	wr_uint(w, 1, v);
}

void wr_u16(struct wr *w, uint16_t v)
{
	wr_uint(w, 2, v);
}

void wr_u32(struct wr *w, uint32_t v)
{
	wr_uint(w, 4, v);
}

void wr_u64(struct wr *w, uint64_t v)
{
	wr_uint(w, 8, v);
}

void wr_copy(struct wr *w, const void *data, size_t n)
{
	uint8_t *p = wr_room(w, n);
	if (p && n)
		memcpy(p, data, n);
}

void wr_addr6(struct wr *w, const struct in6_addr *a)
{
	wr_copy(w, a->s6_addr, 16);
}

void wr_addr4(struct wr *w, const struct in6_addr *a)
{
	wr_copy(w, a->s6_addr + 12, 4);
}

void wr_zero(struct wr *w, size_t n)
{
	uint8_t *p = wr_room(w, n);
	if (p && n)
		memset(p, 0, n);
}

void wr_align(struct wr *w, size_t to, size_t phase)
{
	wr_zero(w, (to + phase - w->len % to) % to);
}

static void wr_patch(struct wr *w, size_t at, size_t n, uint64_t v)
{
	if (at > w->len || w->len - at < n)
		w->overflow = true;
	else
		put_uint(w->base + at, n, v);
}

void wr_patch8(struct wr *w, size_t at, uint8_t v)
{
	wr_patch(w, at, 1, v);
}

void wr_patch16(struct wr *w, size_t at, uint16_t v)
{
	wr_patch(w, at, 2, v);
}

bool wr_ok(const struct wr *w)
{
	return !w->overflow;
}

static uint64_t sum_octets(uint64_t sum, const uint8_t *p, size_t len)
{
	for (; len > 1; p += 2, len -= 2)
		sum += (uint64_t)p[0] << 8 | p[1];
	return len ? sum + ((uint64_t)p[0] << 8) : sum;
}

static uint16_t sum_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

uint16_t checksum_ipv6(const struct in6_addr *src, const struct in6_addr *dst, uint8_t next_header, const void *msg,
                       size_t len)
{
	uint64_t sum = sum_octets(0, src->s6_addr, 16);
	sum = sum_octets(sum, dst->s6_addr, 16);
	sum += (len >> 16) + (len & 0xffff) + next_header;
	return sum_fold(sum_octets(sum, msg, len));
}

uint16_t checksum_inet(const void *msg, size_t len)
{
	return sum_fold(sum_octets(0, msg, len));
}
