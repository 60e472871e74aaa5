#include "fmip6/fmip6_wire_nd.h"

#include <errno.h>

#include "fmip6/fmip6_proto.h"

int wire_done(const struct wr *w)
{
	return wr_ok(w) ? (int)w->len : -EMSGSIZE;
}

void nd_put_lla(struct wr *w, uint8_t code, const struct lladdr *l)
{
	size_t at = w->len;
	wr_u8(w, ND_LLA);
	wr_u8(w, 0);
	wr_u8(w, code);
	wr_copy(w, l->octet, l->len);
	wr_zero(w, (8 - (w->len - at) % 8) % 8);
	if (wr_ok(w))
		wr_patch8(w, at + 1, (uint8_t)((w->len - at) / 8));
}

void nd_put_ip(struct wr *w, uint8_t code, uint8_t plen, const struct in6_addr *a)
{
	wr_u8(w, ND_IP_ADDRESS);
	wr_u8(w, 3);
	wr_u8(w, code);
	wr_u8(w, plen);
	wr_zero(w, 4);
	wr_addr6(w, a);
}

void nd_put_plain_lla(struct wr *w, uint8_t type, const struct lladdr *l)
{
	size_t at = w->len;
	wr_u8(w, type);
	wr_u8(w, 0);
	wr_copy(w, l->octet, l->len);
	wr_zero(w, (8 - (w->len - at) % 8) % 8);
	if (wr_ok(w))
		wr_patch8(w, at + 1, (uint8_t)((w->len - at) / 8));
}

bool nd_get_lla(struct rd *body, uint8_t lla_len, struct lladdr *l)
{
	*l = (struct lladdr){ .len = lla_len };
	return lla_len > 0 && lla_len <= LLADDR_MAX && rd_copy(body, l->octet, lla_len);
}

bool nd_get_ip(struct rd *body, uint8_t *code, uint8_t *plen, struct in6_addr *a)
{
	return rd_left(body) == 22 && rd_u8(body, code) && rd_u8(body, plen) && *plen <= 128 && rd_skip(body, 4) &&
	       rd_addr6(body, a);
}
