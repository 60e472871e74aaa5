/* The walk of IPv6 packets and of what lies behind, on packets written by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/mh_private.h"
#include "net/mroute_kernel.h"
#include "net/packet.h"

#define NCOA 0x20, 0x01, 0x0d, 0xb8, 0, 0x0b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10
#define PCOA 0x20, 0x01, 0x0d, 0xb8, 0, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10
#define PAR 0x20, 0x01, 0x0d, 0xb8, 0, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01
#define HEADER(len, next) 0x60, 0, 0, 0, 0, (len), (next), 64, NCOA, PAR
#define HOME(next) (next), 2, 1, 2, 0, 0, 0xc9, 16, PCOA
#define FBU 59, 1, 8, 0, 0xff, 0xff, 0, 1, 0xc0, 0, 0, 60, 1, 2, 0, 0

static bool walk(const uint8_t *p, size_t n, struct packet6 *out)
{
	uint8_t *exact = malloc(n ? n : 1);
	memcpy(exact, p, n);
	bool ok = packet6_walk(exact, n, out);
	if (ok)
		out->data = p + (out->data - exact);
	free(exact);
	return ok;
}

static void finds_home_address_and_mobility_header(void **state)
{
	static const uint8_t packet[] = { HEADER(40, 60), HOME(135), FBU };
	static const struct in6_addr pcoa = { .s6_addr = { PCOA } };
	struct packet6 k;
	assert_true(walk(packet, sizeof packet, &k));
	assert_int_equal(k.proto, 135);
	assert_true(addr_eq(&k.home, &pcoa));
	assert_int_equal(k.len, 16);
	assert_ptr_equal(k.data, packet + 64);
	assert_int_equal(k.hop_limit, 64);
	for (size_t n = 0; n < sizeof packet; n++)
		assert_false(walk(packet, n, &k));
}

/* RFC 6275 §6.4: a BAck to a care-of address that is for the home address; its checksum is one between HA and home address. */
static void type_2_routing_is_passed_over_on_request(void **state)
{
	static const uint8_t packet[] = { HEADER(40, 43), 135, 2, 2, 1, 0, 0, 0, 0, PCOA, 59, 1, 6, 0, 0xff, 0xff, 0, 0, 0, 1, 0, 15, 1, 2,
		0, 0 };
	static const struct in6_addr pcoa = { .s6_addr = { PCOA } };
	uint8_t copy[sizeof packet];
	struct packet6 k;
	assert_false(walk(packet, sizeof packet, &k));
	assert_true(packet6_walk_home(packet, sizeof packet, &k));
	assert_true(addr_eq(&k.routed, &pcoa));
	assert_int_equal(k.proto, 135);
	assert_int_equal(k.len, 16);
	for (size_t n = 0; n < sizeof packet; n++)
		assert_false(packet6_walk_home(packet, n, &k));
	memcpy(copy, packet, sizeof copy);
	copy[42] = 0; /* another type of routing header */
	assert_false(packet6_walk_home(copy, sizeof copy, &k));
	copy[42] = 2;
	copy[43] = 2; /* more segments than it has */
	assert_false(packet6_walk_home(copy, sizeof copy, &k));
	copy[43] = 0; /* none left: the packet has arrived */
	assert_true(packet6_walk_home(copy, sizeof copy, &k));
	assert_true(addr_is_zero(&k.routed));
	copy[43] = 1;
	copy[48] = 0xff; /* a group */
	assert_false(packet6_walk_home(copy, sizeof copy, &k));
}

static void finds_router_alert(void **state)
{
	static const uint8_t packet[] = { HEADER(12, 0), 58, 0, 5, 2, 0, 0, 1, 0, 131, 0, 0, 0 };
	struct packet6 k;
	assert_true(walk(packet, sizeof packet, &k));
	assert_true(k.router_alert);
	assert_int_equal(k.alert, 0);
	assert_int_equal(k.proto, 58);
	assert_true(addr_is_zero(&k.home));
}

static void padding_of_the_link_is_not_the_packets(void **state)
{
	static const uint8_t packet[] = { HEADER(4, 58), 131, 0, 0, 0, 0xaa, 0xaa };
	struct packet6 k;
	assert_true(walk(packet, sizeof packet, &k));
	assert_int_equal(k.len, 4);
}

static void refuses(const uint8_t *p, size_t n)
{
	struct packet6 k;
	assert_false(walk(p, n, &k));
}

static void refuses_what_it_should(void **state)
{
	static const uint8_t fragment[] = { HEADER(24, 44), 135, 0, 0, 1, 0, 0, 0, 0, FBU };
	static const uint8_t left[] = { HEADER(40, 43), 135, 2, 2, 1, 0, 0, 0, 0, PCOA, FBU };
	static const uint8_t twice[] = { HEADER(64, 60), HOME(60), HOME(135), FBU };
	static const uint8_t unknown[] = { HEADER(24, 60), 135, 0, 0xc5, 4, 0, 0, 0, 0, FBU };
	static const uint8_t late[] = { HEADER(48, 60), HOME(0), 135, 0, 1, 4, 0, 0, 0, 0, FBU };
	static const uint8_t version[] = { 0x45, 0, 0, 0, 0, 0, 59, 64, NCOA, PAR };
	static const uint8_t nobody[] = { HEADER(40, 60), 135, 2, 1, 2, 0, 0, 0xc9, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, FBU };
	refuses(fragment, sizeof fragment);
	refuses(left, sizeof left);
	refuses(twice, sizeof twice);
	refuses(unknown, sizeof unknown);
	refuses(late, sizeof late);
	refuses(version, sizeof version);
	refuses(nobody, sizeof nobody);
}

static void skips_what_it_may(void **state)
{
	static const uint8_t routed[] = { HEADER(40, 43), 135, 2, 2, 0, 0, 0, 0, 0, PCOA, FBU };
	static const uint8_t unknown[] = { HEADER(24, 60), 135, 0, 0x1e, 2, 0, 0, 0, 0, FBU };
	struct packet6 k;
	assert_true(walk(routed, sizeof routed, &k));
	assert_int_equal(k.proto, 135);
	assert_true(walk(unknown, sizeof unknown, &k));
}

static void writes_what_it_reads(void **state)
{
	static const uint8_t want[] = { HEADER(24, 60), HOME(135) };
	static const struct in6_addr ncoa = { .s6_addr = { NCOA } }, par = { .s6_addr = { PAR } }, pcoa = { .s6_addr = { PCOA } };
	uint8_t out[64];
	struct wr w = wr_make(out, sizeof out);
	packet6_put_header(&w, &ncoa, &par, 60, 64);
	packet6_put_home(&w, 135, &pcoa);
	wr_patch16(&w, 4, 24);
	assert_true(wr_ok(&w));
	assert_int_equal(w.len, sizeof want);
	assert_memory_equal(out, want, sizeof want);
}

static void mobility_headers_end_where_they_say(void **state)
{
	static const uint8_t fbu[] = { FBU, 0xaa };
	static const uint8_t fna[] = { 41, 1, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x60, 0 };
	static const uint8_t odd[] = { 17, 0, 8, 0, 0, 0, 0, 0 };
	struct mh_message m;
	assert_true(mh_walk(fbu, sizeof fbu, &m));
	assert_int_equal(m.len, 16);
	assert_null(m.payload);
	assert_true(mh_walk(fna, sizeof fna, &m));
	assert_int_equal(m.payload_proto, 41);
	assert_ptr_equal(m.payload, fna + 16);
	assert_int_equal(m.payload_len, 2);
	assert_false(mh_walk(odd, sizeof odd, &m));
	for (size_t n = 0; n < 16; n++)
		assert_false(mh_walk(fbu, n, &m));
}

/* Summed by hand: pseudo-header 2001:db8:a::10 (home), 2001:db8:a::1, length 16, 135; then the message. */
static void the_home_address_stands_in_the_pseudo_header(void **state)
{
	static const uint8_t message[] = { 59, 1, 8, 0, 0x5b, 0x74, 0, 1, 0xc0, 0, 0, 60, 1, 2, 0, 0 };
	struct mh_message m = { .src = { .s6_addr = { NCOA } }, .dst = { .s6_addr = { PAR } }, .home = { .s6_addr = { PCOA } } };
	assert_true(mh_walk(message, sizeof message, &m));
	uint32_t sum = 2 * (0x2001 + 0x0db8 + 0x000a) + 0x10 + 0x01 + 16 + 135 + 0x3b01 + 0x0800 + 0x0001 + 0xc000 + 60 + 0x0102;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	uint8_t right[sizeof message];
	memcpy(right, message, sizeof message);
	right[4] = (uint8_t)(~sum >> 8);
	right[5] = (uint8_t)~sum;
	m.data = right;
	assert_true(mh_checksum_ok(&m));
	m.home = in6addr_any;
	assert_false(mh_checksum_ok(&m));
}

static void upcalls(void **state)
{
	uint8_t u[40] = { 0, 1, 0, 0, 0, 0, 0, 0, PCOA, 0xff, 0x0e };
	uint16_t mif = 3;
	struct mroute_upcall out;
	memcpy(u + 2, &mif, 2);
	assert_true(mroute_kernel6.upcall(rd_make(u, sizeof u), &out));
	assert_int_equal(out.mif, 3);
	assert_false(out.wrong);
	u[1] = 2;
	assert_true(mroute_kernel6.upcall(rd_make(u, sizeof u), &out));
	assert_true(out.wrong);
	u[1] = 3;
	assert_false(mroute_kernel6.upcall(rd_make(u, sizeof u), &out));
	u[1] = 1;
	u[0] = 131; /* an ICMPv6 message, not an upcall */
	assert_false(mroute_kernel6.upcall(rd_make(u, sizeof u), &out));
	u[0] = 0;
	for (size_t n = 0; n < sizeof u; n++)
		assert_false(mroute_kernel6.upcall(rd_make(u, n), &out));
	mif = 32;
	memcpy(u + 2, &mif, 2);
	assert_false(mroute_kernel6.upcall(rd_make(u, sizeof u), &out));
}

static void upcalls_of_ipv4(void **state)
{
	uint8_t u[20] = { [8] = 1, 0, 3, 0, 192, 0, 2, 1, 239, 1, 1, 1 };
	struct mroute_upcall out;
	assert_true(mroute_kernel4.upcall(rd_make(u, sizeof u), &out));
	assert_int_equal(out.mif, 3);
	assert_false(out.wrong);
	assert_true(addr_is_v4(&out.sg.source));
	assert_int_equal(out.sg.group.s6_addr[12], 239);
	u[8] = 2;
	assert_true(mroute_kernel4.upcall(rd_make(u, sizeof u), &out));
	assert_true(out.wrong);
	u[8] = 3;
	assert_false(mroute_kernel4.upcall(rd_make(u, sizeof u), &out));
	u[8] = 1;
	u[9] = 2; /* an IP packet with IGMP, not an upcall */
	assert_false(mroute_kernel4.upcall(rd_make(u, sizeof u), &out));
	u[9] = 0;
	for (size_t n = 0; n < sizeof u; n++)
		assert_false(mroute_kernel4.upcall(rd_make(u, n), &out));
	u[10] = 32;
	assert_false(mroute_kernel4.upcall(rd_make(u, sizeof u), &out));
}

/* From 192.0.2.9 to 224.0.0.22, protocol 2, TTL 1, Router Alert; the header's sum worked out by hand, 0x41f8. */
static void ipv4_with_router_alert(void **state)
{
	static const uint8_t packet[] = { 0x46, 0xc0, 0, 32, 0, 0, 0x40, 0, 1, 2, 0x41, 0xf8, 192, 0, 2, 9, 224, 0, 0, 22,
		                          148, 4, 0, 0, 0x16, 0, 0xf9, 0xfc, 239, 1, 1, 2, 0xaa, 0xaa /* the link's padding */ };
	struct packet4 k;
	uint8_t bad[sizeof packet];
	assert_true(packet4_walk(packet, sizeof packet, &k));
	assert_int_equal(k.proto, 2);
	assert_int_equal(k.ttl, 1);
	assert_true(k.router_alert);
	assert_int_equal(k.len, 8);
	assert_ptr_equal(k.data, packet + 24);
	assert_int_equal(k.src.s6_addr[15], 9);
	for (size_t n = 0; n < 32; n++)
		assert_false(packet4_walk(packet, n, &k));
	for (size_t i = 0; i < 24; i++) { /* the sum covers every octet of the header */
		memcpy(bad, packet, sizeof bad);
		bad[i] ^= 0x10;
		assert_false(packet4_walk(bad, sizeof bad, &k));
	}
	memcpy(bad, packet, sizeof bad);
	bad[6] = 0x20; /* a first fragment */
	bad[10] = 0x61;
	assert_false(packet4_walk(bad, sizeof bad, &k));
	memcpy(bad, packet, sizeof bad);
	bad[21] = 1; /* an option shorter than itself */
	bad[11] = 0xfb;
	assert_false(packet4_walk(bad, sizeof bad, &k));
}

/* What a router that is two hops changes of a packet: the sums by hand. 10.0.0.2 to 10.1.0.10, UDP, DF, ECT(0), TTL 63. */
static void heads_of_both_families(void **state)
{
	uint8_t v4[] = { 0x45, 0x02, 0, 29, 0, 0, 0x40, 0, 63, 17, 0x27, 0xc2, 10, 0, 0, 2, 10, 1, 0, 10, 0, 1, 0, 2, 0, 9, 0, 0, 7, 0 };
	uint8_t v6[49] = { 0x6b, 0x90, [5] = 9, [6] = 17, [7] = 254, [8] = 0x20, [23] = 1, [24] = 0x20, [39] = 2 };
	struct packet_head h;
	assert_int_equal(checksum_inet(v4, 20), 0);
	assert_true(packet_head(v4, sizeof v4, &h));
	assert_true(h.v4);
	assert_int_equal(h.len, 29);
	assert_int_equal(h.tclass, 2);
	assert_int_equal(h.src.s6_addr[15], 2);
	assert_int_equal(h.dst.s6_addr[13], 1);
	packet_hop_back(v4);
	assert_int_equal(v4[8], 64);
	assert_int_equal(v4[10], 0x26);
	assert_true(packet_mark_ce(v4));
	assert_int_equal(v4[1], 3);
	assert_int_equal(checksum_inet(v4, 20), 0);
	v4[1] = 0;
	assert_false(packet_mark_ce(v4));
	for (size_t n = 0; n < 29; n++)
		assert_false(packet_head(v4, n, &h));
	v4[0] = 0x44;
	assert_false(packet_head(v4, sizeof v4, &h));

	assert_true(packet_head(v6, sizeof v6, &h));
	assert_false(h.v4);
	assert_int_equal(h.tclass, 0xb9);
	assert_int_equal(h.len, 49);
	assert_true(packet_mark_ce(v6));
	assert_int_equal(v6[1], 0xb0);
	packet_hop_back(v6);
	packet_hop_back(v6);
	assert_int_equal(v6[7], 255);
	for (size_t n = 0; n < 49; n++)
		assert_false(packet_head(v6, n, &h));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_home_address_and_mobility_header),
		cmocka_unit_test(type_2_routing_is_passed_over_on_request),
		cmocka_unit_test(finds_router_alert),
		cmocka_unit_test(padding_of_the_link_is_not_the_packets),
		cmocka_unit_test(refuses_what_it_should),
		cmocka_unit_test(skips_what_it_may),
		cmocka_unit_test(writes_what_it_reads),
		cmocka_unit_test(mobility_headers_end_where_they_say),
		cmocka_unit_test(the_home_address_stands_in_the_pseudo_header),
		cmocka_unit_test(upcalls),
		cmocka_unit_test(upcalls_of_ipv4),
		cmocka_unit_test(ipv4_with_router_alert),
		cmocka_unit_test(heads_of_both_families),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
