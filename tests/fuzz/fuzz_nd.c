/* Any octets as neighbour discovery; what parses is within its bounds, and what can be written comes out the same. */
#include <stdlib.h>
#include <string.h>

#include "net/nd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void advertisement(const uint8_t *data, size_t size, uint8_t lla_len)
{
	uint8_t out[ND_MAX];
	struct nd_na a, b;
	if (nd_na_parse(data, size, lla_len, &a) < 0)
		return;
	int n = nd_na_pack(&a, out, sizeof out);
	if (n < 0 || nd_na_parse(out, (size_t)n, lla_len, &b) < 0 || a.flags != b.flags || !addr_eq(&a.target, &b.target) ||
	    !lladdr_eq(&a.lladdr, &b.lladdr))
		abort();
}

static void prefix(const struct nd_prefix *p)
{
	uint8_t out[32];
	struct wr w = wr_make(out, sizeof out);
	struct nd_prefix back;
	nd_prefix_put(&w, p);
	struct rd body = rd_make(out + 2, sizeof out - 2);
	if (!wr_ok(&w) || !nd_prefix_parse(&body, &back) || back.valid != p->valid || back.preferred != p->preferred ||
	    back.prefix.plen != p->prefix.plen || !addr_eq(&back.prefix.addr, &p->prefix.addr) || !addr_eq(&back.router, &p->router))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct in6_addr target;
	struct nd_ra ra;
	if (!size)
		return 0;
	uint8_t lla_len = data[0] % 3 ? 6 : 0;
	nd_target(data, size, &target);
	advertisement(data, size, lla_len);
	if (nd_ra_parse(data, size, lla_len, &ra) < 0)
		return 0;
	if (ra.n > ND_PREFIXES)
		abort();
	for (size_t i = 0; i < ra.n; i++)
		prefix(&ra.prefixes[i]);
	return 0;
}
