/* DHCP for IPv4: what a relay agent reads, and what it makes of it. */
#include <stddef.h>
#include <stdint.h>

#include "dhcp4/dhcp4_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void relay(const uint8_t *data, size_t len)
{
	static const struct dhcp4_agent agent = { .giaddr = { .s6_addr = { [10] = 0xff, 0xff, 192, 0, 2, 1 } }, .circuit = "wlan",
						  .link = { .s6_addr = { [10] = 0xff, 0xff, 10, 1, 0, 1 } } };
	uint8_t out[DHCP4_MESSAGE_MAX], back[DHCP4_MESSAGE_MAX];
	struct dhcp4_message m, again;
	struct wr w = wr_make(out, sizeof out), v = wr_make(back, sizeof back);
	if (!dhcp4_parse(data, len, &m) || !dhcp4_put_request(&w, data, len, &agent))
		return;
	/* Nothing but option 82 has changed; and it comes off again. */
	if (!dhcp4_parse(out, w.len, &again) || !again.has_agent || again.type != m.type || !addr_eq(&again.requested, &m.requested))
		__builtin_trap();
	if (!dhcp4_put_reply(&v, out, w.len) || !dhcp4_parse(back, v.len, &again) || again.has_agent)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dhcp4_udp u;
	relay(data, size);
	if (dhcp4_udp_walk(data, size, true, &u)) {
		if (u.data < data || u.data + u.len > data + size)
			__builtin_trap();
		relay(u.data, u.len);
	}
	return 0;
}
