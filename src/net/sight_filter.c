/* The filter of sight.h, and what a frame that passed it says. */
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "net/sight.h"

#define PASS 0xffff
#define LEAF 16        /* addresses that are compared one after another */
#define LISTS_MAX 2400 /* addresses in all lists: each costs an instruction and a quarter of the kernel's 4096 */
#define LEAVES_MAX (LISTS_MAX / LEAF * 2 + 4)
#define SAMPLE 15      /* of what no list had room for, one packet of 16 */
#define OWN_MAX 64

#define V6_SRC 8
#define V4_SRC 12
#define ICMP_RS 133
#define ICMP_NS 135
#define ICMP_NA 136
#define DHCP_SERVER 67

/* ---- the filter ---- */

struct program {
	struct sock_filter *out;
	size_t n;
	size_t to_own[OWN_MAX], own_n; /* jumps to the part for own prefixes, to be aimed */
};

static void put(struct program *p, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	if (p->n < SIGHT_FILTER_MAX)
		p->out[p->n++] = (struct sock_filter){ code, jt, jf, k };
}

static void load(struct program *p, uint16_t size, uint32_t at)
{
	put(p, (uint16_t)(BPF_LD | size | BPF_ABS), 0, 0, at);
}

static void ret(struct program *p, uint32_t what)
{
	put(p, BPF_RET | BPF_K, 0, 0, what);
}

static void if_equal_ret(struct program *p, uint32_t k, uint32_t what)
{
	put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, k);
	ret(p, what);
}

static uint32_t word(const struct in6_addr *a, size_t i)
{
	const uint8_t *o = a->s6_addr + 4 * i;
	return (uint32_t)o[0] << 24 | (uint32_t)o[1] << 16 | (uint32_t)o[2] << 8 | o[3];
}

static int by_value(const void *a, const void *b)
{
	uint32_t x, y;
	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return (x > y) - (x < y);
}

/* A packet costs no more than a way down the tree, however many there are. Where it is found: `what`. */
static void tree(struct program *p, const uint32_t *sorted, size_t n, uint32_t what, size_t *misses, size_t *misses_n)
{
	if (n > LEAF) {
		size_t left = (n / 2 + LEAF - 1) / LEAF * LEAF;
		put(p, BPF_JMP | BPF_JGE | BPF_K, 0, 1, sorted[left]);
		size_t to_right = p->n;
		put(p, BPF_JMP | BPF_JA, 0, 0, 0);
		tree(p, sorted, left, what, misses, misses_n);
		p->out[to_right].k = (uint32_t)(p->n - to_right - 1);
		tree(p, sorted + left, n - left, what, misses, misses_n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		put(p, BPF_JMP | BPF_JEQ | BPF_K, (uint8_t)(n - i), 0, sorted[i]);
	misses[(*misses_n)++] = p->n;
	put(p, BPF_JMP | BPF_JA, 0, 0, 0);
	ret(p, what);
}

/* So many of this list's addresses have a place, as far as all of them together go. */
static size_t room(const struct sight_rules *r, size_t n)
{
	size_t all = r->watched_n + r->passed_n;
	return all <= LISTS_MAX ? n : n * LISTS_MAX / all;
}

/* The source's last 32 bits stand at `at`; for IPv6 that is as good as the whole: too much is let through or too little of what
 * is told again by other frames. */
static void list(struct program *p, bool v4, const struct in6_addr *all, size_t n, size_t most, uint32_t what)
{
	uint32_t sorted[LISTS_MAX];
	size_t misses[LEAVES_MAX], misses_n = 0, taken = 0;
	for (size_t i = 0; i < n && taken < most; i++)
		if (addr_is_v4(&all[i]) == v4)
			sorted[taken++] = word(&all[i], 3);
	if (!taken)
		return;
	qsort(sorted, taken, sizeof *sorted, by_value);
	load(p, BPF_W, v4 ? V4_SRC : V6_SRC + 12);
	tree(p, sorted, taken, what, misses, &misses_n);
	for (size_t i = 0; i < misses_n; i++)
		p->out[misses[i]].k = (uint32_t)(p->n - misses[i] - 1);
}

static size_t count(bool v4, const struct in6_addr *all, size_t n)
{
	size_t of = 0;
	for (size_t i = 0; i < n; i++)
		of += addr_is_v4(&all[i]) == v4;
	return of;
}

/* A source in this prefix: on to the part for own prefixes. */
static void own_prefix(struct program *p, bool v4, const struct prefix *own)
{
	uint32_t base = v4 ? V4_SRC - 12 : V6_SRC;
	unsigned first = v4 ? 3 : 0, words = (own->plen + 31U) / 32;
	if (addr_is_v4(&own->addr) != v4 || words <= first || p->own_n == OWN_MAX)
		return;
	for (unsigned i = first; i < words; i++) {
		unsigned bits = own->plen - 32 * i;
		uint32_t mask = bits >= 32 ? UINT32_MAX : UINT32_MAX << (32 - bits);
		load(p, BPF_W, base + 4 * i);
		put(p, BPF_ALU | BPF_AND | BPF_K, 0, 0, mask);
		put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, (uint8_t)(3 * (words - i - 1) + 1), word(&own->addr, i) & mask);
	}
	p->to_own[p->own_n++] = p->n;
	put(p, BPF_JMP | BPF_JA, 0, 0, 0);
}

/* What is left when no list had it: of a list that was too long now and then a packet. */
static void otherwise(struct program *p, bool whole, uint32_t what)
{
	if (!whole) {
		load(p, BPF_W, (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM));
		put(p, BPF_ALU | BPF_AND | BPF_K, 0, 0, SAMPLE);
		if_equal_ret(p, 0, PASS);
		what = 0;
	}
	ret(p, what);
}

/* Sources: not the own ones but for the watched, the others but for those to be passed over. */
static void sources(struct program *p, bool v4, const struct sight_rules *r)
{
	size_t passed = count(v4, r->passed, r->passed_n), watched = count(v4, r->watched, r->watched_n);
	p->own_n = 0;
	for (size_t i = 0; i < r->own_n; i++)
		own_prefix(p, v4, &r->own[i]);
	list(p, v4, r->passed, r->passed_n, room(r, passed), 0);
	otherwise(p, room(r, passed) == passed, PASS);
	for (size_t i = 0; i < p->own_n; i++)
		p->out[p->to_own[i]].k = (uint32_t)(p->n - p->to_own[i] - 1);
	list(p, v4, r->watched, r->watched_n, room(r, watched), PASS);
	otherwise(p, room(r, watched) == watched, 0);
}

static void part6(struct program *p, const struct sight_rules *r)
{
	load(p, BPF_B, 6); /* next header */
	if_equal_ret(p, IPPROTO_HOPOPTS, PASS); /* listener reports */
	put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 7, IPPROTO_ICMPV6);
	load(p, BPF_B, 40);
	if_equal_ret(p, ICMP_RS, PASS);
	if_equal_ret(p, ICMP_NS, PASS);
	if_equal_ret(p, ICMP_NA, PASS);
	load(p, BPF_W, V6_SRC);
	if_equal_ret(p, 0, 0);
	put(p, BPF_ALU | BPF_AND | BPF_K, 0, 0, 0xffc00000);
	if_equal_ret(p, 0xfe800000, 0);
	put(p, BPF_ALU | BPF_AND | BPF_K, 0, 0, 0xff000000);
	if_equal_ret(p, 0xff000000, 0);
	sources(p, false, r);
}

static void part4(struct program *p, const struct sight_rules *r)
{
	load(p, BPF_B, 9); /* protocol */
	put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 6, IPPROTO_UDP);
	load(p, BPF_H, 6);
	put(p, BPF_JMP | BPF_JSET | BPF_K, 4, 0, 0x1fff); /* a later fragment */
	put(p, BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0);
	put(p, BPF_LD | BPF_H | BPF_IND, 0, 0, 2); /* destination port */
	if_equal_ret(p, DHCP_SERVER, PASS);
	load(p, BPF_W, V4_SRC);
	if_equal_ret(p, 0, 0);
	put(p, BPF_ALU | BPF_AND | BPF_K, 0, 0, 0xffff0000);
	if_equal_ret(p, 0xa9fe0000, 0); /* link-local */
	sources(p, true, r);
}

size_t sight_filter(const struct sight_rules *rules, struct sock_filter *out)
{
	struct program p = { .out = out };
	load(&p, BPF_W, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE));
	if_equal_ret(&p, PACKET_OUTGOING, 0);
	load(&p, BPF_H, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL));
	if_equal_ret(&p, ETH_P_ARP, PASS);
	put(&p, BPF_JMP | BPF_JEQ | BPF_K, 2, 0, ETH_P_IPV6);
	put(&p, BPF_JMP | BPF_JEQ | BPF_K, 0, 2, ETH_P_IP);
	size_t to4 = p.n;
	put(&p, BPF_JMP | BPF_JA, 0, 0, 0);
	put(&p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, ETH_P_IPV6);
	ret(&p, 0);
	part6(&p, rules);
	out[to4].k = (uint32_t)(p.n - to4 - 1);
	part4(&p, rules);
	return p.n;
}

/* ---- what a frame says ---- */

static struct in6_addr mapped(const uint8_t octets[4])
{
	struct in6_addr a = { .s6_addr = { [10] = 0xff, [11] = 0xff } };
	memcpy(a.s6_addr + 12, octets, 4);
	return a;
}

/* Its own, and good beyond the link? */
static bool tells(const struct in6_addr *a)
{
	if (!addr_is_v4(a))
		return !addr_is_zero(a) && !addr_is_link_local(a) && !addr_is_multicast(a) && !IN6_IS_ADDR_LOOPBACK(a);
	const uint8_t *o = a->s6_addr + 12;
	return o[0] != 0 && o[0] != 127 && o[0] < 224 && !(o[0] == 169 && o[1] == 254);
}

static void asked(struct sighting *out, const struct in6_addr *target)
{
	out->asks = true;
	out->target = *target;
	if (!addr_is_zero(&out->addr) || !tells(target))
		return;
	out->probes = true;
	out->addr = *target;
}

static bool parse_arp(const struct lladdr *from, const uint8_t *data, size_t len, struct sighting *out)
{
	struct rd r = rd_make(data, len);
	uint16_t hardware, protocol, op;
	uint8_t hlen, plen, sender[6], source[4], target[4];
	if (!rd_u16(&r, &hardware) || !rd_u16(&r, &protocol) || !rd_u8(&r, &hlen) || !rd_u8(&r, &plen) || !rd_u16(&r, &op) ||
	    protocol != ETH_P_IP || hlen != sizeof sender || plen != 4 || !rd_copy(&r, sender, sizeof sender) ||
	    !rd_copy(&r, source, 4) || !rd_skip(&r, sizeof sender) || !rd_copy(&r, target, 4) || from->len != sizeof sender ||
	    memcmp(sender, from->octet, sizeof sender) != 0)
		return false;
	struct in6_addr of = mapped(source), for_whom = mapped(target);
	out->addr = tells(&of) ? of : in6addr_any;
	out->asker = out->addr;
	if (op == 1 && !addr_eq(&of, &for_whom))
		asked(out, &for_whom);
	return true;
}

static bool parse_ip6(const uint8_t *data, size_t len, struct sighting *out)
{
	struct rd r = rd_make(data, len);
	uint8_t next, hops, type;
	struct in6_addr src, target;
	if (!rd_skip(&r, 6) || !rd_u8(&r, &next) || !rd_u8(&r, &hops) || !rd_addr6(&r, &src) || !rd_skip(&r, 16))
		return false;
	out->addr = tells(&src) ? src : in6addr_any;
	if (next != IPPROTO_ICMPV6 || !rd_u8(&r, &type) || type != ICMP_NS)
		return true;
	if (hops != 255 || !rd_skip(&r, 7) || !rd_addr6(&r, &target))
		return false;
	bool nobody = addr_is_zero(&src);
	out->asker = src;
	if (nobody || !addr_is_zero(&out->addr) || addr_is_link_local(&src))
		asked(out, &target);
	if (!nobody && out->probes) { /* asked by the link-local address: for another */
		out->probes = false;
		out->addr = in6addr_any;
	}
	return true;
}

static bool parse_ip4(const uint8_t *data, size_t len, struct sighting *out)
{
	if (len < 20)
		return false;
	struct in6_addr src = mapped(data + 12);
	out->addr = tells(&src) ? src : in6addr_any;
	return true;
}

bool sight_parse(uint16_t ethertype, const struct lladdr *from, const uint8_t *data, size_t len, struct sighting *out)
{
	out->from = *from;
	out->addr = out->target = out->asker = in6addr_any;
	out->asks = out->probes = false;
	if (from->len == 0 || (from->octet[0] & 1))
		return false;
	switch (ethertype) {
	case ETH_P_ARP:
		return parse_arp(from, data, len, out);
	case ETH_P_IPV6:
		return parse_ip6(data, len, out);
	case ETH_P_IP:
		return parse_ip4(data, len, out);
	}
	return false;
}
