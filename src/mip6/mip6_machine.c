#include "mip6/mip6_machine.h"

struct counter mip6_counters[MIP6_COUNTERS] = {
	[MIP6_BU_RECEIVED] = { .name = "bu_received", .help = "Binding Updates received" },
	[MIP6_BU_REFUSED] = { .name = "bu_refused", .help = "Binding Updates answered with a refusal" },
	[MIP6_BU_DISCARDED] = { .name = "bu_discarded", .help = "Binding Updates that got no answer, as the text asks" },
	[MIP6_BU_BAD_AUTH] = { .name = "bu_bad_auth", .help = "Binding Updates without a valid authenticator" },
	[MIP6_BU_REPLAYED] = { .name = "bu_replayed", .help = "Binding Updates with an old sequence number or timestamp" },
	[MIP6_BA_SENT] = { .name = "ba_sent", .help = "Binding Acknowledgements sent" },
	[MIP6_BE_SENT] = { .name = "be_sent", .help = "Binding Errors sent" },
	[MIP6_REGISTERED] = { .name = "registered", .help = "Mobiles registered that were not before" },
	[MIP6_MOVED] = { .name = "moved", .help = "Registrations that changed the care-of address of a binding" },
	[MIP6_RENEWED] = { .name = "renewed", .help = "Registrations that kept it" },
	[MIP6_DEREGISTERED] = { .name = "deregistered", .help = "Bindings that their mobile ended" },
	[MIP6_EXPIRED] = { .name = "expired", .help = "Bindings that ended with their lifetime" },
	[MIP6_DAD_FAILED] = { .name = "dad_failed", .help = "Home addresses that another node on the home link had" },
	[MIP6_DEFENDED] = { .name = "defended", .help = "Times another node on the home link took the address of a mobile that is away" },
	[MIP6_CACHE_FULL] = { .name = "cache_full", .help = "Registrations refused because of the limit of bindings" },
	[MIP6_DISCOVERY_ANSWERED] = { .name = "discovery_answered", .help = "Mobiles told which home agents are on their home link" },
	[MIP6_DISCOVERY_LIMITED] = { .name = "discovery_limited", .help = "Askings for home agents not answered because of a rate limit" },
	[MIP6_BINDINGS] = { .name = "bindings", .help = "Home addresses served", .gauge = 1 },
	[MIP6_MALFORMED] = { .name = "malformed", .help = "Messages that could not be parsed" },
};
