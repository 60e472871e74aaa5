/* Handover keys at the router (RFC 5269): the machine of fmip6_hk_router.c, wired to its key file, its address and its answers. */
#include <errno.h>
#include <string.h>

#include "core/output.h"
#include "fmip6/fmip6_hk_file.h"
#include "fmip6/fmip6_router.h"

static const struct prefix link_local = { .addr = { .s6_addr = { 0xfe, 0x80 } }, .plen = 64 };

int router_keys_answer(struct fmip6_router *r, const struct prrtadv *a, const struct hk_grant *g, const struct in6_addr *dst,
                       struct in6_addr *src, uint8_t *out, size_t cap)
{
	int n = prrtadv_pack(a, out, cap - hk_router_room(r->hk));
	if (n < 0 || !hk_router_address(r->hk, &link_local, src))
		return n < 0 ? n : -EIO;
	return g ? hk_router_answer(r->hk, g, src, dst, out, (size_t)n, cap) : hk_router_sign(r->hk, src, dst, out, (size_t)n, cap);
}

/* The address of our key, from which answers with a handover key come: not one that the kernel should choose. */
void router_keys_address(struct fmip6_router *r, int ifindex, bool on)
{
	struct rtnl_addr a = { .ifindex = ifindex, .plen = 64, .nodad = true, .deprecated = true, .noprefixroute = true };
	if (!r->hk || !hk_router_address(r->hk, &link_local, &a.addr))
		return;
	int rc = on ? rtnl_addr_set(r->core->net->rtnl, &a) : rtnl_addr_del(r->core->net->rtnl, &a);
	if (rc < 0 && on)
		LOG_WARNING("fmip6", "address for handover keys not set address=%s reason=\"%s\"", ADDR(&a.addr), strerror(-rc));
}

bool router_keys_open(struct fmip6_router *r)
{
	const struct fmip6_hk_params *p = &r->params->handover_keys;
	char text[SEND_FINGERPRINT_TEXT];
	uint8_t fp[SEND_FINGERPRINT];
	size_t len;
	if (p->mode == FMIP6_HK_OFF)
		return true;
	struct send_key *key = hk_file_load(p->key_file, (unsigned)p->bits);
	if (!key)
		return false;
	const uint8_t *public = send_key_public(key, &len);
	send_fingerprint(public, len, fp);
	LOG_NOTICE("fmip6", "handover keys are given fingerprint=%s bits=%u", send_fingerprint_text(fp, text), send_key_bits(key));
	if (!p->key_file)
		LOG_WARNING("fmip6", "this router's key is a new one at each start: mobiles that remember the last will not trust it; write "
		            "fmip6.handover_keys.key_file");
	r->hk = hk_router_create(r->core->loop, r->params, key);
	return r->hk;
}

void router_keys_close(struct fmip6_router *r)
{
	const struct setting_interface *all = r->core->settings->interfaces.items;
	for (size_t i = 0; i < r->core->settings->interfaces.n; i++) {
		const struct rtnl_link *l = all[i].kind == INTERFACE_ACCESS ? rtnl_link_by_name(r->core->net->rtnl, all[i].name) : NULL;
		if (l)
			router_keys_address(r, l->ifindex, false);
	}
	hk_router_destroy(r->hk);
	r->hk = NULL;
}

struct show_keys {
	struct output *o;
	usec_t now;
};

static void show_key(const struct hk_view *v, void *arg)
{
	struct show_keys *s = arg;
	out_item_begin(s->o, NULL);
	out_addr(s->o, "mobile", &v->cga);
	out_lladdr(s->o, "lladdr", &v->lladdr);
	out_uint(s->o, "seconds", (v->expires - s->now) / USEC_SEC);
	out_item_end(s->o);
}

void fmip6_router_show_keys(struct fmip6_router *r, struct output *o)
{
	struct show_keys s = { o, loop_now(r->core->loop) };
	if (r->hk)
		hk_router_each(r->hk, show_key, &s);
}
