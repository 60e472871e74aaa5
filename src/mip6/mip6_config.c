/* The configuration group "mip6". */
#include "core/config_value.h"
#include "mip6/mip6_machine.h"

static const char *const auths[] = { [MIP6_AUTH_RFC4285] = "rfc4285", [MIP6_AUTH_IPSEC] = "ipsec", [MIP6_AUTH_NONE] = "none", NULL };
static const char *const replays[] = { [MIP6_REPLAY_TIMESTAMP] = "timestamp", [MIP6_REPLAY_SEQUENCE] = "sequence", NULL };

static const char *const care_ofs[] = { [MIP6_CARE_OF_KERNEL] = "kernel", [MIP6_CARE_OF_OPTIMISTIC] = "optimistic",
	                                   [MIP6_CARE_OF_UNCHECKED] = "unchecked", NULL };
static const char *const besides[] = { [MIP6_BESIDE_AFTER] = "after", [MIP6_BESIDE_PARALLEL] = "parallel", NULL };

#define AT(member) .offset = offsetof(struct mip6_params, member)
#define MS(n) ((int64_t)((n) * USEC_MSEC))

#define HOME(member) .offset = offsetof(struct mip6_further_home, member)
static const struct config_item home_items[] = {
	{ .name = "address", .type = CONFIG_ADDR, HOME(address), .required = true, .help = "The further home address." },
	{ .name = "prefix_length", .type = CONFIG_INT, HOME(prefix_length), .preset = "64", .min = 1, .max = 127,
	  .help = "How many bits of it are a prefix of the home link." },
	{ .name = NULL },
};
static const struct config_table home_table = { .name = "home_addresses", .size = sizeof(struct mip6_further_home), .items = home_items };

static const struct config_item items[] = {
	{ .name = "auth", .type = CONFIG_ENUM, AT(auth), .preset = "rfc4285", .choices = auths,
	  .help = "How Binding Updates and their answers are secured: by the authentication option of RFC 4285 under the mobile's key, by "
	          "IPsec, or not at all." },
	{ .name = "replay", .type = CONFIG_ENUM, AT(replay), .preset = "timestamp", .choices = replays,
	  .help = "What tells a fresh Binding Update from a recorded one, with auth = \"rfc4285\": the timestamp option, or only the sequence "
	          "number, which is forgotten with the binding." },
	{ .name = "spi", .type = CONFIG_INT, AT(spi), .preset = "256", .min = MIP6_SPI_MIN, .max = UINT32_MAX,
	  .help = "Security parameter index of the key that mobile and home agent share." },
	{ .name = "clock_skew", .type = CONFIG_DURATION, AT(skew), .preset = "7s", .min = MS(3000), .max = MS(600000),
	  .help = "How far a mobile's clock may be from the home agent's." },
	{ .name = "lifetime", .type = CONFIG_DURATION, AT(lifetime), .preset = "10min", .min = MS(4000), .max = MS(262140000),
	  .help = "How long a binding lives: what a mobile asks for, and the most a home agent grants." },
	{ .name = "refresh", .type = CONFIG_DURATION, AT(refresh), .preset = "60s", .min = 0, .max = MS(262140000),
	  .help = "How often a home agent asks mobiles to renew their bindings, so that one that was started anew knows them again; 0ms: it "
	          "leaves that to their lifetimes." },
	{ .name = "dad", .type = CONFIG_DURATION, AT(dad), .preset = "1s", .min = 0, .max = MS(10000),
	  .help = "How long a home agent listens, after asking the home link, whether another node has the address of a mobile that registers "
	          "for the first time; 0ms: it does not ask." },
	{ .name = "delete_time", .type = CONFIG_DURATION, AT(delete_time), .preset = "10s", .min = MS(1000), .max = MS(600000),
	  .help = "How long a home agent remembers a binding that its mobile ended, so that an older Binding Update does not bring it back "
	          "(MAX_DELETE_BCE_TIMEOUT)." },
	{ .name = "overlap", .type = CONFIG_DURATION, AT(overlap), .preset = "1s", .min = 0, .max = MS(10000),
	  .help = "How long after a movement a home agent still takes what the mobile sent through the tunnel from its previous care-of address, "
	          "and what was under way is not lost; 0ms: only from the present one, to the letter of RFC 6275 section 10.4.5." },
	{ .name = "bindings", .type = CONFIG_INT, AT(bindings), .preset = "4096", .min = 1, .max = 1 << 20,
	  .help = "Mobiles that a home agent serves at a time." },
	{ .name = "discovery", .type = CONFIG_BOOL, AT(discovery), .preset = "true",
	  .help = "Whether a home agent tells mobiles that ask which home agents are on their home link." },
	{ .name = "preference", .type = CONFIG_INT, AT(preference), .preset = "0", .min = 0, .max = 65535,
	  .help = "Where it puts itself among them; write what its router advertisements say (HomeAgentPreference in radvd.conf)." },
	{ .name = "prefixes", .type = CONFIG_BOOL, AT(prefixes), .preset = "false",
	  .help = "Mobile prefix discovery: a home agent tells mobiles that are away of their home prefixes' lifetimes, and a mobile follows "
	          "them; nothing secures these messages without IPsec, so that RFC 4285 wants them used only where the network does." },
	{ .name = "prefix_min", .type = CONFIG_DURATION, AT(prefix_min), .preset = "10min", .min = MS(100), .max = MS(86400000),
	  .help = "How long a home agent waits at least until it tells a mobile unasked (MinMobPfxAdvInterval)." },
	{ .name = "prefix_max", .type = CONFIG_DURATION, AT(prefix_max), .preset = "24h", .min = MS(100), .max = MS(864000000),
	  .help = "And at most; then it is drawn (MaxMobPfxAdvInterval)." },
	{ .name = "home_address", .type = CONFIG_ADDR, AT(home_address),
	  .help = "The address that a mobile node keeps wherever it is; without it, it does not speak Mobile IPv6." },
	{ .name = "home_agent", .type = CONFIG_ADDR, AT(home_agent),
	  .help = "The router on the home link that forwards what comes for home_address; without it, a mobile that is away asks the home "
	          "link's routers which of them would, and takes them in the order that they say." },
	{ .name = "home_prefix_length", .type = CONFIG_INT, AT(home_prefix_length), .preset = "64", .min = 1, .max = 127,
	  .help = "How many bits of home_address are the home link's prefix: a mobile that hears it advertised is at home." },
	{ .name = "home_addresses", .type = CONFIG_LIST, AT(home_addresses), .sub = &home_table, .min = 0, .max = MIP6_HOMES - 1,
	  .help = "Further addresses of the same home link that the mobile keeps, each with a binding of its own." },
	{ .name = "first_timeout", .type = CONFIG_DURATION, AT(first_timeout), .preset = "1500ms", .min = MS(100), .max = MS(32000),
	  .help = "How long a mobile waits for the answer to its first Binding Update while its home agent has no binding and may have to see "
	          "whether the home address is free (InitialBindackTimeoutFirstReg)." },
	{ .name = "care_of", .type = CONFIG_ENUM, AT(care_of), .preset = "optimistic", .choices = care_ofs,
	  .help = "How a mobile gets a care-of address where no fast handover gives it one: \"kernel\" waits for the kernel's autoconfiguration and "
	          "its duplicate address detection, \"optimistic\" uses it while that is under way (RFC 4429; where the kernel cannot, as "
	          "\"kernel\"), \"unchecked\" makes it without." },
	{ .name = "update", .type = CONFIG_ENUM, AT(beside), .preset = "after", .choices = besides,
	  .help = "When a mobile tells its home agent of a care-of address that a fast handover gave it: \"after\" the fast handover has ended, "
	          "well or badly, or in \"parallel\" to it." },
	{ .name = "fast_wait", .type = CONFIG_DURATION, AT(fast_wait), .preset = "300ms", .min = 0, .max = MS(60000),
	  .help = "How long a mobile that hears another link's router waits for a fast handover to settle the matter before Mobile IPv6 does; "
	          "at home it does not wait." },
	{ .name = "solicit_interval", .type = CONFIG_DURATION, AT(solicit_interval), .preset = "4s", .min = MS(50), .max = MS(60000),
	  .help = "Between Router Solicitations on a new link at first; it doubles each time (RFC 7559)." },
	{ .name = NULL },
};

const struct config_table mip6_table = { .name = "mip6", .size = sizeof(struct mip6_params), .items = items };

void mip6_params_default(struct mip6_params *p)
{
	char why[CONFIG_WORDS];
	*p = (struct mip6_params){ 0 };
	for (const struct config_item *i = items; i->name; i++)
		if (i->preset)
			config_value_parse(i, i->preset, ".", (char *)p + i->offset, why);
}
