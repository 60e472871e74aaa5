/* What a frame says of its sender: the first octet says of which kind it is. */
#include <linux/if_ether.h>
#include <stddef.h>
#include <stdint.h>

#include "net/sight.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t types[] = { ETH_P_ARP, ETH_P_IP, ETH_P_IPV6, ETH_P_PAE };
	const struct lladdr from = { .len = 6, .octet = { 2, 0, 0, 0, 0, 1 } };
	struct sighting s;
	if (!size || !sight_parse(types[data[0] & 3], &from, data + 1, size - 1, &s))
		return 0;
	if (s.probes && (!s.asks || !addr_eq(&s.addr, &s.target)))
		__builtin_trap();
	if (addr_is_link_local(&s.addr) || addr_is_multicast(&s.addr))
		__builtin_trap();
	return 0;
}
