/* The configuration group "mip6". */
#include "core/config_value.h"
#include "mip6/mip6_machine.h"

static const char *const auths[] = { [MIP6_AUTH_RFC4285] = "rfc4285", [MIP6_AUTH_IPSEC] = "ipsec", [MIP6_AUTH_NONE] = "none", NULL };
static const char *const replays[] = { [MIP6_REPLAY_TIMESTAMP] = "timestamp", [MIP6_REPLAY_SEQUENCE] = "sequence", NULL };

#define AT(member) .offset = offsetof(struct mip6_params, member)
#define MS(n) ((int64_t)((n) * USEC_MSEC))

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
	{ .name = "bindings", .type = CONFIG_INT, AT(bindings), .preset = "4096", .min = 1, .max = 1 << 20,
	  .help = "Mobiles that a home agent serves at a time." },
	{ .name = NULL },
};

const struct config_table mip6_table = { .name = "mip6", .size = sizeof(struct mip6_params), .items = items };

void mip6_params_default(struct mip6_params *p)
{
	char why[CONFIG_WORDS];
	*p = (struct mip6_params){ 0 };
	for (const struct config_item *i = items; i->name; i++)
		config_value_parse(i, i->preset, ".", (char *)p + i->offset, why);
}
