/* What packet and raw sockets hand over: IPv6 packets walked to ICMPv6 or a Mobility Header, IPv4 to ICMP, multicast upcalls. */
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "net/icmp6_private.h"
#include "net/mh_private.h"
#include "net/mroute_kernel.h"
#include "net/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet6 k;
	struct mh_message m = { 0 };
	struct mroute_upcall u;
	struct icmp6_message i = { 0 };
	if (icmp4_walk(data, size, &i) && (i.data < data || i.data + i.len != data + size))
		__builtin_trap();
	struct packet4 k4;
	mroute_kernel4.upcall(rd_make(data, size), &u);
	mroute_kernel6.upcall(rd_make(data, size), &u);
	if (packet4_walk(data, size, &k4) && (k4.data < data || k4.data + k4.len > data + size))
		__builtin_trap();
	bool plain = packet6_walk(data, size, &k);
	if (!packet6_walk_home(data, size, &k)) {
		if (plain)
			__builtin_trap();
		return 0;
	}
	if (plain && !addr_is_zero(&k.routed))
		__builtin_trap();
	if (k.data < data || k.data + k.len > data + size)
		__builtin_trap();
	m.src = k.src;
	m.dst = k.dst;
	m.home = k.home;
	m.routed = k.routed;
	if (k.proto == IPPROTO_ICMPV6)
		(void)checksum_ipv6(&k.src, &k.dst, k.proto, k.data, k.len);
	if (mh_walk(k.data, k.len, &m)) {
		if (m.len > k.len || (m.payload && m.payload + m.payload_len != k.data + k.len))
			__builtin_trap();
		(void)mh_checksum_ok(&m);
	}
	return 0;
}
