/* The configuration group "fmip6". */
#include "core/config_value.h"
#include "fmip6/fmip6_machine.h"

static const char *const releases[] = { "una", "contexts", NULL };
static const char *const collisions[] = { "assign", "refuse", "pcoa", NULL };

#define AT(member) .offset = offsetof(struct fmip6_params, member)
#define MS(n) ((int64_t)((n) * USEC_MSEC))

static const struct config_item gateway_items[] = {
	{ .name = "link_local", .type = CONFIG_ADDR, .offset = offsetof(struct fmip6_gateway, link_local),
	  .help = "A link-local address that this router has on each access link while it runs, as do all others that clients move "
	          "between; let router advertisements come from it." },
	{ .name = "link_address", .type = CONFIG_LLADDR, .offset = offsetof(struct fmip6_gateway, link_address),
	  .help = "The link-layer address of each access link while this router runs, likewise; the link gets its own back afterwards." },
	{ .name = NULL },
};
static const struct config_table gateway_table = { .name = "gateway", .size = sizeof(struct fmip6_gateway), .items = gateway_items };

static const char *const hk_modes[] = { "off", "on", "required", NULL };

#define HK(member) .offset = offsetof(struct fmip6_hk_params, member)
static const struct config_item hk_items[] = {
	{ .name = "mode", .type = CONFIG_ENUM, HK(mode), .preset = "off", .choices = hk_modes,
	  .help = "Whether mobiles get keys from their router by RFC 5269: \"on\": these and the configured ones, \"required\": "
	          "configured keys are not used for FBUs." },
	{ .name = "key_file", .type = CONFIG_STRING, HK(key_file),
	  .help = "File of this node's RSA key pair (PEM, readable by its owner alone), made if it is not there; without it the key pair "
	          "is a new one at each start." },
	{ .name = "bits", .type = CONFIG_INT, HK(bits), .preset = "2048", .min = 1024, .max = 2048,
	  .help = "Size of a key pair that is made." },
	{ .name = "lifetime", .type = CONFIG_DURATION, HK(lifetime), .preset = "12h", .min = MS(60000), .max = MS(65535000),
	  .help = "How long a router keeps a mobile's handover key (HK-LIFETIME)." },
	{ .name = "rate", .type = CONFIG_INT, HK(rate), .preset = "20", .min = 1, .max = 1000,
	  .help = "Questions for a key that a router verifies a second, on each interface; of more, some by chance." },
	{ .name = "cga_sec", .type = CONFIG_INT, HK(cga_sec), .preset = "0", .min = 0, .max = 1,
	  .help = "Sec of a mobile's addresses (RFC 3972): each step makes finding another key for an address 65536 times harder." },
	{ .name = "trust", .type = CONFIG_STRINGS, HK(trust), .max = 64,
	  .help = "Fingerprints (\"sha256:…\") of the routers' public keys that a mobile accepts; default: of each router the first it shows." },
	{ .name = NULL },
};
static const struct config_table hk_table = { .name = "handover_keys", .size = sizeof(struct fmip6_hk_params), .items = hk_items };

static const struct config_item items[] = {
	{ .name = "enable", .type = CONFIG_BOOL, AT(enable), .preset = "true",
	  .help = "Whether this node speaks FMIPv6 at all." },
	{ .name = "rtsolpr_retries", .type = CONFIG_INT, AT(rtsolpr_retries), .preset = "3", .min = 0, .max = 10,
	  .help = "How often a mobile repeats an unanswered RtSolPr (RTSOLPR_RETRIES)." },
	{ .name = "rtsolpr_rate", .type = CONFIG_INT, AT(rtsolpr_rate), .preset = "3", .min = 1, .max = 1000,
	  .help = "RtSolPr messages a second, sent by a mobile and answered to one mobile (MAX_RTSOLPR_RATE)." },
	{ .name = "fbu_retries", .type = CONFIG_INT, AT(fbu_retries), .preset = "3", .min = 0, .max = 10,
	  .help = "How often a mobile repeats an unanswered FBU (FBU_RETRIES)." },
	{ .name = "hi_retries", .type = CONFIG_INT, AT(hi_retries), .preset = "3", .min = 0, .max = 10,
	  .help = "How often a previous router repeats an unanswered HI (HI_RETRIES)." },
	{ .name = "rtsolpr_timeout", .type = CONFIG_DURATION, AT(rtsolpr_timeout), .preset = "100ms", .min = MS(1), .max = MS(10000),
	  .help = "Time to the first repetition of an RtSolPr, doubled at each." },
	{ .name = "fbu_timeout", .type = CONFIG_DURATION, AT(fbu_timeout), .preset = "100ms", .min = MS(1), .max = MS(10000),
	  .help = "Time to the first repetition of an FBU, doubled at each." },
	{ .name = "hi_timeout", .type = CONFIG_DURATION, AT(hi_timeout), .preset = "100ms", .min = MS(1), .max = MS(10000),
	  .help = "Time to the first repetition of a HI, doubled at each." },
	{ .name = "proxy_nd_lifetime", .type = CONFIG_DURATION, AT(proxy_nd_lifetime), .preset = "1500ms", .min = MS(1),
	  .max = MS(60000), .help = "How long a new router defends the address of an expected mobile (PROXY_ND_LIFETIME)." },
	{ .name = "lifetime", .type = CONFIG_DURATION, AT(lifetime), .preset = "60s", .min = MS(2000), .max = MS(65535000),
	  .help = "How long packets to an older address are tunnelled: what a mobile asks for, and the most a router grants." },
	{ .name = "renew", .type = CONFIG_BOOL, AT(renew), .preset = "true",
	  .help = "Whether a mobile renews its bindings before they end, so that sessions on older addresses go on." },
	{ .name = "release", .type = CONFIG_ENUM, AT(release), .preset = "una", .choices = releases,
	  .help = "When held packets go to the mobile: at its UNA, or only when its contexts are in place too; with "
	          "\"contexts\" what the mobile sends is held as well, and a mobile that was not announced waits likewise." },
	{ .name = "release_timeout", .type = CONFIG_DURATION, AT(release_timeout), .preset = "200ms", .min = MS(1), .max = MS(10000),
	  .help = "How long release = \"contexts\" waits for the contexts after the UNA." },
	{ .name = "hold_time", .type = CONFIG_DURATION, AT(hold_time), .preset = "5s", .min = MS(10), .max = MS(60000),
	  .help = "How long packets are held for a mobile that does not arrive." },
	{ .name = "marker_timeout", .type = CONFIG_DURATION, AT(marker_timeout), .preset = "300ms", .min = MS(1), .max = MS(10000),
	  .help = "How long fresh packets wait for those still under way to a mobile that came back." },
	{ .name = "una_repeat", .type = CONFIG_INT, AT(una_repeat), .preset = "5", .min = 1, .max = 10,
	  .help = "How many UNAs a mobile sends on arrival while no traffic comes, as nobody acknowledges them." },
	{ .name = "una_interval", .type = CONFIG_DURATION, AT(una_interval), .preset = "50ms", .min = MS(1), .max = MS(1000),
	  .help = "Time to the second UNA, doubled at each." },
	{ .name = "probe_timeout", .type = CONFIG_DURATION, AT(probe_timeout), .preset = "20ms", .min = MS(1), .max = MS(1000),
	  .help = "How long a mobile waits for a known router to answer on a new link before it asks again, doubled at each." },
	{ .name = "prepared_time", .type = CONFIG_DURATION, AT(prepared_time), .preset = "3s", .min = MS(10), .max = MS(60000),
	  .help = "How long a mobile waits for its link to change after FBack before it turns back; less than the routers' hold_time." },
	{ .name = "refresh", .type = CONFIG_DURATION, AT(refresh), .preset = "30s", .min = MS(1000), .max = MS(3600000),
	  .help = "How often a mobile asks its router again for the access points around." },
	{ .name = "assigned", .type = CONFIG_BOOL, AT(assigned), .preset = "false",
	  .help = "Whether a previous router asks the new one to choose the mobile's new address (HI with the S flag)." },
	{ .name = "collision", .type = CONFIG_ENUM, AT(collision), .preset = "assign", .choices = collisions,
	  .help = "What a new router does when a mobile wants an address that another node has: give it another one; refuse; or \"pcoa\": serve its "
	          "previous address, with a host route on the link and a tunnel from and to the previous router." },
	{ .name = "dad", .type = CONFIG_DURATION, AT(dad), .preset = "0ms", .min = 0, .max = MS(5000),
	  .help = "How long a new router listens, after asking the link, whether an expected mobile's address is in use, before it answers "
	          "the HI; 0ms: it goes by what it knows, and whom its kernel has heard lately, and does not ask." },
	{ .name = "router_lifetime", .type = CONFIG_DURATION, AT(router_lifetime), .preset = "30min", .min = 0, .max = MS(9000000),
	  .help = "Lifetime as a default router in the router advertisement that tells a mobile to use another address; write what this "
	          "router's own advertisements say." },
	{ .name = "network_trigger", .type = CONFIG_BOOL, AT(network_trigger), .preset = "true",
	  .help = "Whether a mobile moves when its router tells it to, by a PrRtAdv that it did not ask for." },
	{ .name = "inform", .type = CONFIG_DURATION, AT(inform), .preset = "0ms", .min = 0, .max = MS(3600000),
	  .help = "How often, about, a router tells its mobiles unasked of the access points around (PrRtAdv with Code 4), beside at once when "
	          "these change; 0ms: never; with less than its refresh a mobile need not ask." },
	{ .name = "early_buffer", .type = CONFIG_BOOL, AT(early_buffer), .preset = "false",
	  .help = "Whether a previous router keeps copies of what it sends to a mobile that has asked about another router, until packets go "
	          "to the new one: a mobile that loses its link before the handover is prepared then misses nothing, but gets twice "
	          "what it had got before." },
	{ .name = "sessions", .type = CONFIG_INT, AT(sessions), .preset = "4096", .min = 1, .max = 30000,
	  .help = "Mobiles that may be forwarded for, and that may be expected, at a time." },
	{ .name = "clients", .type = CONFIG_BOOL, AT(clients), .preset = "false",
	  .help = "Whether a router moves clients that run no software of ours, and takes those of its neighbours." },
	{ .name = "client_rate", .type = CONFIG_INT, AT(client_rate), .preset = "200", .min = 1, .max = 10000,
	  .help = "Clients that a router newly asks its neighbours for, on one interface, in a second." },
	{ .name = "client_memory", .type = CONFIG_DURATION, AT(client_memory), .preset = "12h", .min = MS(60000), .max = MS(604800000),
	  .help = "How long a router remembers which station had which address after it last heard of it on its own links, so that a client "
	          "that slept elsewhere is known when it speaks again." },
	{ .name = "gateway", .type = CONFIG_GROUP, AT(gateway), .sub = &gateway_table,
	  .help = "The gateway as clients see it, the same on every access link of every router." },
	{ .name = "handover_keys", .type = CONFIG_GROUP, AT(handover_keys), .sub = &hk_table,
	  .help = "Keys that mobiles get from their router, so that nobody need configure any (RFC 5269, with SEND, RFC 3971)." },
	{ .name = NULL },
};

const struct config_table fmip6_table = { .name = "fmip6", .size = sizeof(struct fmip6_params), .items = items };

static void fill(const struct config_item *i, void *group)
{
	char why[CONFIG_WORDS];
	for (; i->name; i++)
		if (i->type == CONFIG_GROUP)
			fill(i->sub->items, (char *)group + i->offset);
		else if (i->preset)
			config_value_parse(i, i->preset, ".", (char *)group + i->offset, why);
}

void fmip6_params_default(struct fmip6_params *p)
{
	*p = (struct fmip6_params){ 0 };
	fill(items, p);
}
