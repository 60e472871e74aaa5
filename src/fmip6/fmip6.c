/*
 * Fast handovers for Mobile IPv6 (RFC 5568): packets follow the mobile through a tunnel, wait for it, arrive in order.
 *
 * Still on its old link, the mobile asks the router there, its PAR, what lies behind the access point it will move to
 * (RtSolPr, PrRtAdv: steps a and b), makes itself an address for the new link (NCoA), and asks the PAR to forward its packets
 * there (FBU, c). The PAR announces it to the new router, the NAR (HI, d), which begins to hold what comes for the NCoA and
 * agrees (HAck, e). Now the PAR tunnels what comes for the old address (PCoA) to the NCoA and says so (FBack, f). The mobile
 * changes its link (steps 1 to 6) and announces itself to the NAR (UNA, g), which lets go what it held, in order.
 *
 *   MN  ──RtSolPr──▶ PAR    MN ◀──PrRtAdv── PAR
 *   MN  ──FBU──▶ PAR ──HI──▶ NAR (holds)
 *   MN ◀──FBack── PAR ◀──HAck── NAR       PAR ══════ tunnel ══════▶ NAR
 *   (the link changes)
 *   MN  ──UNA──────────────▶ NAR ══════ what it held ══════▶ MN           predictive
 *
 * Where the link changed first, the mobile does the same from the new link: UNA, then FBU through the NAR to the PAR, whose
 * HI finds the mobile there already: reactive. The mobile tunnels what it sends from the PCoA back to the PAR.
 *
 * FBU and FBack are authenticated by a key. It is configured, or the router gives it: the mobile makes its addresses of its own public
 * key (CGA), asks with a signed RtSolPr, and the key comes encrypted in a signed PrRtAdv (RFC 5269: fmip6_hk_router.c, fmip6_hk_mn.c;
 * SEND's part in cga.c and send_*.c).
 *
 * fmip6_wire.c has the bytes, fmip6_par.c, fmip6_nar.c and fmip6_mn.c the machines (with fmip6_mn_binding.c: FBU exchanges);
 * fmip6_router.c and fmip6_mobile.c connect them to the kernel (src/net), the tables and the bus. PAR and NAR are one
 * process: a mobile that comes back is a new session of the NAR and ends a binding of the PAR; a mobile that goes on before it
 * arrived is an FBU to the PAR for an address that the NAR holds.
 */
#include "fmip6/fmip6.h"

#include <string.h>

#include "core/output.h"
#include "fmip6/fmip6_io.h"
#include "fmip6/send_key.h"

static struct {
	struct fmip6_params params; /* in force; the machines look here */
	struct fmip6_router *router;
	struct fmip6_mobile *mobile;
} fmip6;

static int begin(struct core *core)
{
	if (!fmip6.params.enable)
		return 0;
	if (core->settings->role == ROLE_ACCESS_ROUTER)
		fmip6.router = fmip6_router_create(core, &fmip6.params);
	else
		fmip6.mobile = fmip6_mobile_create(core, &fmip6.params);
	return fmip6.router || fmip6.mobile ? 0 : -1;
}

static int start(struct core *core, const void *cfg)
{
	fmip6.params = *(const struct fmip6_params *)cfg;
	return begin(core);
}

static void stop(struct core *core)
{
	fmip6_router_destroy(fmip6.router);
	fmip6_mobile_destroy(fmip6.mobile);
	fmip6.router = NULL;
	fmip6.mobile = NULL;
}

/* Another key pair, or other addresses of it: whatever was given or got with the old one is void. */
static bool keys_differ(const struct fmip6_hk_params *a, const struct fmip6_hk_params *b)
{
	if ((a->mode == FMIP6_HK_OFF) != (b->mode == FMIP6_HK_OFF) || a->cga_sec != b->cga_sec || !a->key_file != !b->key_file)
		return true;
	return a->key_file ? strcmp(a->key_file, b->key_file) != 0 : a->bits != b->bits;
}

static void reload(struct core *core, const void *cfg)
{
	const struct fmip6_params *new = cfg;
	bool was = fmip6.params.enable, keys = keys_differ(&fmip6.params.handover_keys, &new->handover_keys);
	fmip6.params = *new;
	if (new->enable != was) {
		if (was)
			stop(core);
		else
			begin(core);
		return;
	}
	if (fmip6.router)
		fmip6_router_reload(fmip6.router, keys);
	if (fmip6.mobile)
		fmip6_mobile_reload(fmip6.mobile, keys);
}

static void check(const struct settings *settings, const void *cfg, struct config_errors *errors)
{
	const struct fmip6_params *p = cfg;
	const struct fmip6_gateway *g = &p->gateway;
	if (!addr_is_zero(&g->link_local) && !addr_is_link_local(&g->link_local))
		config_error(errors, &g->where, "gateway.link_local (%s) is not a link-local address; write one, like \"fe80::1\"",
		             ADDR(&g->link_local));
	if (g->link_address.len && (g->link_address.len != 6 || (g->link_address.octet[0] & 1)))
		config_error(errors, &g->where, "gateway.link_address (%s) is not the address of one station; write six octets, the first even, "
		             "like \"02:00:5e:00:00:01\"", LLADDR(&g->link_address));
	if (p->inform && p->inform < USEC_SEC)
		config_error(errors, &p->where, "inform (%llu ms) is shorter than a second; write \"1s\" or more, or \"0ms\" for never",
		             (unsigned long long)(p->inform / USEC_MSEC));
	char *const *trust = p->handover_keys.trust.items;
	uint8_t fp[SEND_FINGERPRINT];
	if (p->handover_keys.key_file && p->handover_keys.key_file[0] != '/')
		config_error(errors, &p->handover_keys.where, "key_file: \"%s\" does not begin with a slash; write the whole path",
		             p->handover_keys.key_file);
	for (size_t i = 0; i < p->handover_keys.trust.n; i++)
		if (send_fingerprint_parse(trust[i], fp) < 0)
			config_error(errors, &p->handover_keys.where, "trust: \"%s\" is no fingerprint; write \"sha256:\" and 64 hexadecimal digits",
			             trust[i]);
	if (settings->role == ROLE_MOBILE_NODE && p->prepared_time >= p->hold_time)
		config_error(errors, &p->where, "prepared_time (%llu ms) is not less than hold_time (%llu ms): the new router would give "
		             "up before the mobile does; write a shorter prepared_time",
		             (unsigned long long)(p->prepared_time / USEC_MSEC), (unsigned long long)(p->hold_time / USEC_MSEC));
}

static void show_bindings(struct core *core, struct output *o)
{
	out_list_begin(o, NULL);
	if (fmip6.router)
		fmip6_router_show(fmip6.router, o);
	if (fmip6.mobile)
		fmip6_mobile_show(fmip6.mobile, o);
	out_list_end(o);
}

static void show_keys(struct core *core, struct output *o)
{
	out_list_begin(o, NULL);
	if (fmip6.router)
		fmip6_router_show_keys(fmip6.router, o);
	if (fmip6.mobile)
		fmip6_mobile_show_keys(fmip6.mobile, o);
	out_list_end(o);
}

static const char *const needs[] = { "net", NULL };
static const struct module_show shows[] = {
	{ "bindings", "addresses that are forwarded, and mobiles that are expected or have arrived", show_bindings },
	{ "keys", "handover keys: which address has one, and for how long", show_keys },
	{ 0 },
};

const struct module fmip6_module = {
	.name = "fmip6",
	.needs = needs,
	.roles = MODULE_ROLE(ROLE_ACCESS_ROUTER) | MODULE_ROLE(ROLE_MOBILE_NODE),
	.config = &fmip6_table,
	.counters = { .module = "fmip6", .counters = fmip6_counters, .n = FMIP6_COUNTERS },
	.shows = shows,
	.check = check,
	.start = start,
	.reload = reload,
	.stop = stop,
};
