/*
 * Every message of FMIPv6 as a whole IPv6 packet, as hexadecimal text for text2pcap: for tshark to judge (test_fmip6_tshark.py).
 * The order is the judge's too.
 */
#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "fmip6/fmip6_wire.h"
#include "net/packet.h"

#define ICMPV6 58
#define MOBILITY 135

static const struct in6_addr pcoa = { .s6_addr = { 0x20, 1, 0xd, 0xb8, 0, 1, [15] = 5 } };
static const struct in6_addr ncoa = { .s6_addr = { 0x20, 1, 0xd, 0xb8, 0, 2, [15] = 5 } };
static const struct in6_addr par = { .s6_addr = { 0x20, 1, 0xd, 0xb8, 0, 1, [15] = 1 } };
static const struct in6_addr nar = { .s6_addr = { 0x20, 1, 0xd, 0xb8, 0, 2, [15] = 1 } };
static const struct in6_addr link_local = { .s6_addr = { 0xfe, 0x80, [15] = 1 } };
static const struct in6_addr all_nodes = { .s6_addr = { 0xff, 2, [15] = 1 } };

static struct lladdr mac(uint8_t n)
{
	return (struct lladdr){ .len = 6, .octet = { 2, 0, 0, 0, 0, n } };
}

static void dump(const uint8_t *packet, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (i % 16 == 0)
			printf("\n%06zx", i);
		printf(" %02x", packet[i]);
	}
	printf("\n");
}

static void icmp(const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *m, int n)
{
	uint8_t out[2048];
	int len = ip6_pack(src, dst, ICMPV6, FMIP6_HOP_LIMIT, m, (size_t)n, out, sizeof out);
	dump(out, (size_t)len);
}

/* home: in a Home Address option, and under the checksum. */
static void mobility(const struct in6_addr *src, const struct in6_addr *dst, const struct in6_addr *home, const uint8_t *m, int n)
{
	uint8_t body[256], out[512];
	struct wr w = wr_make(out, sizeof out);
	memcpy(body, m, (size_t)n);
	uint16_t sum = checksum_ipv6(home ? home : src, dst, MOBILITY, body, (size_t)n);
	body[4] = (uint8_t)(sum >> 8);
	body[5] = (uint8_t)sum;
	packet6_put_header(&w, src, dst, home ? 60 : MOBILITY, 64);
	if (home)
		packet6_put_home(&w, MOBILITY, home);
	wr_copy(&w, body, (size_t)n);
	wr_patch16(&w, 4, (uint16_t)(w.len - 40));
	dump(out, w.len);
}

int main(void)
{
	uint8_t m[1500];
	const struct badf_key key = { { 1 } };
	const struct badf badf = { .spi = BADF_SPI_CONFIGURED };
	struct rtsolpr q = { .id = 0x1234, .source = mac(9), .aps_n = 2, .aps = { mac(1), mac(2) } };
	icmp(&pcoa, &par, m, rtsolpr_pack(&q, m, sizeof m));
	q = (struct rtsolpr){ .id = 0x1235, .source = mac(9), .wildcard = true };
	icmp(&link_local, &all_nodes, m, rtsolpr_pack(&q, m, sizeof m));
	struct prrtadv a = { .id = 0x1234, .source = mac(7), .tuples_n = 1,
		.tuples = { { .code = LLA_NEW_AP, .ap = mac(1), .router_lladdr = mac(8), .router = nar, .has_prefix = true,
		              .prefix = prefix_of(&nar, 64) } } };
	icmp(&link_local, &pcoa, m, prrtadv_pack(&a, m, sizeof m));

	struct fbu f = { .seq = 7, .flags = FBU_ACK | FBU_HOME, .lifetime = 60, .ncoa = ncoa, .lladdr = mac(9), .has_badf = true, .badf = badf };
	int n = fbu_pack(&f, m, sizeof m);
	badf_sign(&key, &ncoa, &par, m, (size_t)n);
	mobility(&pcoa, &par, &pcoa, m, n);
	struct fback b = { .status = FBACK_USE_ALTERNATE, .seq = 7, .lifetime = 60, .ncoa = ncoa, .has_badf = true, .badf = badf };
	n = fback_pack(&b, m, sizeof m);
	badf_sign(&key, &ncoa, &par, m, (size_t)n);
	mobility(&par, &pcoa, NULL, m, n);
	struct hi h = { .seq = 0xabcd, .flags = HI_BUFFER, .lladdr = mac(9), .pcoa = pcoa, .ncoa = ncoa };
	mobility(&par, &nar, NULL, m, hi_pack(&h, m, sizeof m));
	struct hack k = { .seq = 0xabcd, .code = HACK_ASSIGNED, .ncoa = ncoa };
	mobility(&nar, &par, NULL, m, hack_pack(&k, m, sizeof m));

	struct nd_na u = { .target = ncoa, .lladdr = mac(9) };
	icmp(&ncoa, &all_nodes, m, nd_na_pack(&u, m, sizeof m));
	const struct lladdr own = mac(9);
	icmp(&link_local, &nar, m, nd_ns_pack(&nar, &own, m, sizeof m));
	return 0;
}
