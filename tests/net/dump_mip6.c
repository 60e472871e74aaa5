/*
 * Every message of Mobile IPv6 as a whole IPv6 packet, as hexadecimal text for text2pcap: for tshark to judge (test_mip6_tshark.py).
 * The order is the judge's too.
 */
#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "mip6/mip6_auth.h"
#include "net/packet.h"

#define MOBILITY 135
#define DESTINATION_OPTIONS 60
#define ROUTING 43

static const struct in6_addr home = { .s6_addr = { 0x20, 1, 0xd, 0xb8, 0, 1, [15] = 5 } };
static const struct in6_addr coa = { .s6_addr = { 0x20, 1, 0xd, 0xb8, 0, 2, [15] = 5 } };
static const struct in6_addr agent = { .s6_addr = { 0x20, 1, 0xd, 0xb8, 0, 1, [15] = 1 } };
static const struct mip6_key key = { { 1, 2, 3 } };

static void dump(const uint8_t *packet, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (i % 16 == 0)
			printf("\n%06zx", i);
		printf(" %02x", packet[i]);
	}
	printf("\n");
}

/* From the mobile behind a Home Address option, or to it behind a routing header. */
static void mobility(bool up, bool optioned, uint8_t *m, int n)
{
	uint8_t out[1024];
	struct wr w = wr_make(out, sizeof out);
	const struct in6_addr *src = up ? &home : &agent, *dst = up ? &agent : &home;
	uint16_t sum = checksum_ipv6(src, dst, MOBILITY, m, (size_t)n);
	m[4] = (uint8_t)(sum >> 8);
	m[5] = (uint8_t)sum;
	if (!optioned)
		packet6_put_header(&w, src, dst, MOBILITY, 64);
	else if (up) {
		packet6_put_header(&w, &coa, &agent, DESTINATION_OPTIONS, 64);
		packet6_put_home(&w, MOBILITY, &home);
	} else {
		packet6_put_header(&w, &agent, &coa, ROUTING, 64);
		packet6_put_routing(&w, MOBILITY, &home);
	}
	wr_copy(&w, m, (size_t)n);
	wr_patch16(&w, 4, (uint16_t)(w.len - PACKET6_HEADER));
	dump(out, w.len);
}

int main(void)
{
	uint8_t out[MIP6_MESSAGE_MAX];
	struct mip6_options o = { .nai = (const uint8_t *)"mn@home.example", .nai_len = 15, .has_timestamp = true,
		.timestamp = mip6_timestamp(UINT64_C(1700000000500000)), .auth = { .present = true, .spi = 256 } };
	struct bu bu = { .seq = 7, .flags = BU_ACK | BU_HOME | BU_LINK_LOCAL, .lifetime = 30, .o = o };
	bu.o.alt_coa = coa;
	int n = bu_pack(&bu, out, sizeof out);
	mip6_auth_sign(&key, &coa, &home, out, (size_t)n);
	mobility(true, true, out, n);
	bu = (struct bu){ .seq = 8, .flags = BU_ACK | BU_HOME };
	mobility(true, false, out, bu_pack(&bu, out, sizeof out));
	struct ba ba = { .status = BA_ACCEPTED_PREFIX, .seq = 7, .lifetime = 25, .o = o };
	ba.o.refresh = 15;
	n = ba_pack(&ba, out, sizeof out);
	mip6_auth_sign(&key, &coa, &home, out, (size_t)n);
	mobility(false, true, out, n);
	ba = (struct ba){ .status = BA_DAD_FAILED, .seq = 8 };
	mobility(false, false, out, ba_pack(&ba, out, sizeof out));
	struct be be = { .status = BE_UNKNOWN_TYPE, .home = home };
	mobility(false, false, out, be_pack(&be, out, sizeof out));
	mobility(false, true, out, brr_pack(out, sizeof out));
	return 0;
}
