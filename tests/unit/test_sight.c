/* Who is seen on a link: the filter, run by a small interpreter of our own, and what frames say. The octets are written by hand. */
#include "net/sight.h"

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAC(n) 2, 0, 0, 0, 0, n
#define OWN 0x20, 1, 0xd, 0xb8, 0, 0xb, 0, 0
#define FOREIGN 0x20, 1, 0xd, 0xb8, 0, 0xa, 0, 0
#define IID(n) 0, 0, 0, 0, 0, 0, 0, n
#define LINK_LOCAL(n) 0xfe, 0x80, 0, 0, 0, 0, 0, 0, IID(n)
#define ALL_NODES 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1
#define NONE 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
#define IP6(next, ...) 0x60, 0, 0, 0, 0, 24, next, 255, __VA_ARGS__

static const struct lladdr from = { .len = 6, .octet = { MAC(1) } };

/* ---- a classic BPF machine, as far as this filter goes ---- */

static uint32_t load(const uint8_t *d, size_t len, uint32_t at, unsigned octets, bool *bad)
{
	uint32_t v = 0;
	for (unsigned i = 0; i < octets; i++) {
		if (at + i >= len) {
			*bad = true;
			return 0;
		}
		v = v << 8 | d[at + i];
	}
	return v;
}

static uint32_t chance; /* what the kernel's random number is */

static uint32_t special(uint32_t at, uint16_t type, uint32_t pkttype)
{
	if (at == (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM))
		return chance;
	assert_true(at == (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE) || at == (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL));
	return at == (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE) ? pkttype : type;
}

static size_t steps; /* instructions run so far */

static bool run(const struct sock_filter *f, size_t n, uint16_t type, uint32_t pkttype, const uint8_t *d, size_t len)
{
	uint32_t a = 0, x = 0;
	bool bad = false;
	for (size_t pc = 0; pc < n && !bad; pc++, steps++) {
		const struct sock_filter *i = &f[pc];
		unsigned size = BPF_SIZE(i->code) == BPF_W ? 4 : BPF_SIZE(i->code) == BPF_H ? 2 : 1;
		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
		case BPF_LD | BPF_H | BPF_ABS:
		case BPF_LD | BPF_B | BPF_ABS:
			a = i->k >= (uint32_t)SKF_AD_OFF ? special(i->k, type, pkttype) : load(d, len, i->k, size, &bad);
			break;
		case BPF_LD | BPF_H | BPF_IND:
			a = load(d, len, x + i->k, size, &bad);
			break;
		case BPF_LDX | BPF_B | BPF_MSH:
			x = 4 * (load(d, len, i->k, 1, &bad) & 15);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += a == i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			pc += a >= i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			pc += a & i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JA:
			pc += i->k;
			break;
		case BPF_RET | BPF_K:
			return i->k != 0;
		default:
			fail_msg("instruction %zu: code %x", pc, i->code);
		}
	}
	assert_true(bad); /* it runs off the packet, never off its end */
	return false;
}

static struct sock_filter program[SIGHT_FILTER_MAX];
static size_t program_n;

static void rules(size_t many)
{
	struct prefix own[3];
	struct in6_addr watched[2], *passed = calloc(2 + many, sizeof *passed);
	assert_non_null(passed);
	prefix_parse("2001:db8:b::/64", &own[0]);
	prefix_parse("10.1.2.0/24", &own[1]);
	prefix_parse("2001:db8:c:8000::/49", &own[2]);
	addr_parse("2001:db8:b::7", &watched[0]);
	addr_parse("10.1.2.7", &watched[1]);
	addr_parse("2001:db8:a::9", &passed[0]);
	addr_parse("10.1.1.9", &passed[1]);
	for (size_t i = 0; i < many; i++) {
		addr_parse("2001:db8:a:1::", &passed[2 + i]);
		passed[2 + i].s6_addr[14] = (uint8_t)(i >> 8);
		passed[2 + i].s6_addr[15] = (uint8_t)i;
		passed[2 + i].s6_addr[13] = 1;
	}
	program_n = sight_filter(&(struct sight_rules){ .own = own, .own_n = 3, .watched = watched, .watched_n = 2, .passed = passed,
	                         .passed_n = 2 + many }, program);
	assert_in_range(program_n, 1, SIGHT_FILTER_MAX - 1);
	free(passed);
}

static bool passes6(const uint8_t prefix[8], uint8_t last, uint8_t next, uint8_t type)
{
	uint8_t d[64] = { IP6(next, NONE, ALL_NODES), type };
	memcpy(d + 8, prefix, 8);
	d[23] = last;
	return run(program, program_n, ETH_P_IPV6, PACKET_HOST, d, sizeof d);
}

static bool passes4(uint8_t third, uint8_t last, uint8_t proto, uint16_t port)
{
	uint8_t d[32] = { 0x45, 0, 0, 32, 0, 0, 0, 0, 64, proto, 0, 0, 10, 1, third, last, 192, 0, 2, 2, 0, 68, (uint8_t)(port >> 8),
		(uint8_t)port };
	return run(program, program_n, ETH_P_IP, PACKET_HOST, d, sizeof d);
}

static void test_filter(void **state)
{
	static const uint8_t own[] = { OWN }, foreign[] = { FOREIGN }, local[] = { 0xfe, 0x80 , 0, 0, 0, 0, 0, 0 },
		multicast[] = { 0xff, 2, 0, 0, 0, 0, 0, 0 }, inside[] = { 0x20, 1, 0xd, 0xb8, 0, 0xc, 0x80, 0x12 },
		outside[] = { 0x20, 1, 0xd, 0xb8, 0, 0xc, 0x7f, 0x12 };
	static const size_t sizes[] = { 0, 300, 2000 };
	for (size_t i = 0; i < 3; i++) {
		rules(sizes[i]);
		assert_true(passes6(foreign, 1, 17, 0));
		assert_false(passes6(foreign, 9, 17, 0)); /* settled */
		assert_true(passes6(foreign, 9, 58, 135)); /* but what it asks is heard */
		assert_true(passes6(foreign, 9, 58, 136));
		assert_false(passes6(foreign, 9, 58, 128));
		assert_false(passes6(own, 1, 17, 0));
		assert_true(passes6(own, 7, 17, 0)); /* watched for */
		assert_true(passes6(own, 1, 58, 135));
		assert_false(passes6(inside, 1, 17, 0));
		assert_true(passes6(outside, 1, 17, 0));
		assert_false(passes6(local, 1, 17, 0));
		assert_true(passes6(local, 1, 58, 133));
		assert_true(passes6(local, 1, 0, 0)); /* a listener report */
		assert_false(passes6(multicast, 1, 17, 0));
		assert_true(passes4(1, 1, 17, 5000));
		assert_false(passes4(1, 9, 17, 5000));
		assert_true(passes4(1, 9, 17, 67));
		assert_false(passes4(2, 1, 6, 67));
		assert_true(passes4(2, 7, 6, 80));
		uint8_t arp[28] = { 0, 1 };
		assert_true(run(program, program_n, ETH_P_ARP, PACKET_BROADCAST, arp, sizeof arp));
		assert_false(run(program, program_n, ETH_P_ARP, PACKET_OUTGOING, arp, sizeof arp));
		assert_false(run(program, program_n, ETH_P_PAE, PACKET_HOST, arp, sizeof arp));
	}
}

static struct in6_addr numbered(const uint8_t prefix[8], unsigned i)
{
	struct in6_addr a = { .s6_addr = { [12] = (uint8_t)(i * 61), [13] = 5, [14] = (uint8_t)(i >> 8), [15] = (uint8_t)i } };
	memcpy(&a, prefix, 8);
	return a;
}

static bool passes(const struct in6_addr *src)
{
	uint8_t d[64] = { IP6(17, NONE, ALL_NODES) };
	memcpy(d + 8, src, 16);
	return run(program, program_n, ETH_P_IPV6, PACKET_HOST, d, sizeof d);
}

/* However many there are, each is found, nobody else is, and a packet costs few instructions. */
static void test_many(void **state)
{
	static const uint8_t own[] = { OWN }, foreign[] = { FOREIGN };
	struct in6_addr *watched = calloc(5000, sizeof *watched), *passed = calloc(5000, sizeof *passed);
	struct prefix all;
	prefix_parse("2001:db8:b::/64", &all);
	for (unsigned i = 0; i < 5000; i++) {
		watched[i] = numbered(own, i);
		passed[i] = numbered(foreign, i);
	}
	for (size_t n = 1; n <= 1200; n = n * 3 / 2 + 1) {
		program_n = sight_filter(&(struct sight_rules){ .own = &all, .own_n = 1, .watched = watched, .watched_n = n, .passed = passed,
		                         .passed_n = n }, program);
		for (size_t i = 0; i < 1300; i++) {
			steps = 0;
			assert_int_equal(passes(&watched[i]), i < n);
			assert_int_equal(passes(&passed[i]), i >= n);
			assert_in_range(steps, 1, 140);
		}
	}
	/* Of more than there is room for, one packet of 16. */
	program_n = sight_filter(&(struct sight_rules){ .own = &all, .own_n = 1, .watched = watched, .watched_n = 5000, .passed = passed,
	                         .passed_n = 5000 }, program);
	assert_in_range(program_n, 1, 4096);
	for (chance = 16; chance < 32; chance++) {
		bool now = chance == 16;
		assert_true(passes(&watched[0]) && !passes(&passed[0]));
		assert_int_equal(passes(&watched[4999]), now);
		assert_int_equal(passes(&passed[4999]), now);
	}
	free(watched);
	free(passed);
}

/* ---- what frames say ---- */

static bool addr_is(const struct in6_addr *a, const char *text)
{
	struct in6_addr b;
	assert_int_equal(addr_parse(text, &b), 0);
	return addr_eq(a, &b);
}

#define SAYS(type, ...) \
	({ static const uint8_t d[] = { __VA_ARGS__ }; sight_parse(type, &from, d, sizeof d, &s); })
#define ARP(op, sender, ...) 0, 1, 8, 0, 6, 4, 0, op, MAC(sender), __VA_ARGS__

static void test_arp(void **state)
{
	struct sighting s;
	assert_true(SAYS(ETH_P_ARP, ARP(1, 1, 10, 1, 1, 11, MAC(0), 10, 1, 1, 1)));
	assert_true(addr_is(&s.addr, "10.1.1.11") && s.asks && !s.probes && addr_is(&s.target, "10.1.1.1") && addr_is(&s.asker, "10.1.1.11"));
	assert_true(lladdr_eq(&s.from, &from));
	assert_true(SAYS(ETH_P_ARP, ARP(2, 1, 10, 1, 1, 11, MAC(5), 10, 1, 1, 1)));
	assert_true(addr_is(&s.addr, "10.1.1.11") && !s.asks);
	assert_true(SAYS(ETH_P_ARP, ARP(1, 1, 10, 1, 1, 11, MAC(0), 10, 1, 1, 11))); /* it announces itself */
	assert_true(addr_is(&s.addr, "10.1.1.11") && !s.asks);
	assert_true(SAYS(ETH_P_ARP, ARP(1, 1, 0, 0, 0, 0, MAC(0), 10, 1, 1, 11))); /* it probes (RFC 5227) */
	assert_true(addr_is(&s.addr, "10.1.1.11") && s.asks && s.probes);
	assert_true(SAYS(ETH_P_ARP, ARP(1, 1, 0, 0, 0, 0, MAC(0), 169, 254, 1, 1)));
	assert_true(addr_is_zero(&s.addr) && !s.probes);
	assert_false(SAYS(ETH_P_ARP, ARP(1, 2, 10, 1, 1, 11, MAC(0), 10, 1, 1, 1))); /* for another station */
	assert_false(SAYS(ETH_P_ARP, ARP(1, 1, 10, 1, 1, 11, MAC(0), 10, 1, 1)));    /* cut short */
	assert_false(SAYS(ETH_P_ARP, 0, 1, 0x86, 0xdd, 6, 16, 0, 1));
}

static void test_ip6(void **state)
{
	struct sighting s;
	assert_true(SAYS(ETH_P_IPV6, IP6(17, FOREIGN, IID(5), OWN, IID(1)), 0, 1));
	assert_true(addr_is(&s.addr, "2001:db8:a::5") && !s.asks);
	assert_true(SAYS(ETH_P_IPV6, IP6(58, LINK_LOCAL(5), ALL_NODES), 133, 0, 0, 0, 0, 0, 0, 0));
	assert_true(addr_is_zero(&s.addr) && !s.asks);
	assert_true(SAYS(ETH_P_IPV6, IP6(58, FOREIGN, IID(5), ALL_NODES), 135, 0, 0, 0, 0, 0, 0, 0, FOREIGN, IID(1)));
	assert_true(addr_is(&s.addr, "2001:db8:a::5") && s.asks && !s.probes && addr_is(&s.target, "2001:db8:a::1") &&
	            addr_is(&s.asker, "2001:db8:a::5"));
	assert_true(SAYS(ETH_P_IPV6, IP6(58, LINK_LOCAL(5), ALL_NODES), 135, 0, 0, 0, 0, 0, 0, 0, FOREIGN, IID(1)));
	assert_true(addr_is_zero(&s.addr) && s.asks && !s.probes && addr_is(&s.asker, "fe80::5") && addr_is(&s.target, "2001:db8:a::1"));
	assert_true(SAYS(ETH_P_IPV6, IP6(58, NONE, ALL_NODES), 135, 0, 0, 0, 0, 0, 0, 0, FOREIGN, IID(5))); /* RFC 4862 §5.4.2 */
	assert_true(addr_is(&s.addr, "2001:db8:a::5") && s.asks && s.probes && addr_is_zero(&s.asker));
	assert_false(SAYS(ETH_P_IPV6, IP6(58, NONE, ALL_NODES), 135, 0, 0, 0, 0, 0, 0, 0, FOREIGN));
	assert_false(SAYS(ETH_P_IPV6, 0x60, 0, 0, 0, 0, 24, 58, 64, NONE, ALL_NODES, 135, 0, 0, 0, 0, 0, 0, 0, FOREIGN, IID(5)));
	assert_false(SAYS(ETH_P_IPV6, 0x60, 0, 0, 0, 0, 24));
}

static void test_ip4(void **state)
{
	struct sighting s;
	assert_true(SAYS(ETH_P_IP, 0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 10, 1, 1, 11, 192, 0, 2, 2));
	assert_true(addr_is(&s.addr, "10.1.1.11"));
	assert_true(SAYS(ETH_P_IP, 0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255));
	assert_true(addr_is_zero(&s.addr));
	assert_false(SAYS(ETH_P_IP, 0x45, 0, 0, 20));
	assert_false(SAYS(ETH_P_PAE, 0x45));
	static const uint8_t whole[] = { 0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 10, 1, 1, 11, 192, 0, 2, 2 };
	const struct lladdr group = { .len = 6, .octet = { 1, 0, 0x5e, 0, 0, 1 } }, none = { .len = 0 };
	assert_false(sight_parse(ETH_P_IP, &group, whole, sizeof whole, &s));
	assert_false(sight_parse(ETH_P_IP, &none, whole, sizeof whole, &s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filter), cmocka_unit_test(test_many),
		cmocka_unit_test(test_arp),
		cmocka_unit_test(test_ip6),
		cmocka_unit_test(test_ip4),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
