#include "context/context_count.h"

struct counter context_counters[CONTEXT_COUNTERS] = {
	[CONTEXT_REPORTS] = { .name = "mld_reports", .help = "MLD reports taken" },
	[CONTEXT_DONES] = { .name = "mld_leaves", .help = "Groups left by a Done or a report that says so" },
	[CONTEXT_QUERIES_SENT] = { .name = "mld_queries_sent", .help = "MLD queries sent" },
	[CONTEXT_QUERIES_RECEIVED] = { .name = "mld_queries_received", .help = "MLD queries of other routers" },
	[CONTEXT_MLD_REFUSED] = { .name = "mld_refused", .help = "MLD messages refused for source, hop limit or a missing Router Alert" },
	[CONTEXT_MLD_MALFORMED] = { .name = "mld_malformed", .help = "MLD messages refused as malformed" },
	[CONTEXT_TABLE_FULL] = { .name = "table_full", .help = "Memberships refused because a limit was reached" },
	[CONTEXT_QUERIER_CHANGES] = { .name = "querier_changes", .help = "Times the querier of a link changed" },
	[CONTEXT_EXPIRED] = { .name = "expired", .help = "Memberships that ran out without a report" },
	[CONTEXT_FORWARD_ERRORS] = { .name = "forward_errors", .help = "Times a group could not be forwarded" },
	[CONTEXT_COLLECTED] = { .name = "collected", .help = "Contexts collected for another router" },
	[CONTEXT_INSTALLED] = { .name = "installed", .help = "Contexts of another router put in force" },
	[CONTEXT_INSTALL_REFUSED] = { .name = "install_refused", .help = "Contexts of another router refused" },
	[CONTEXT_FORGOTTEN] = { .name = "forgotten", .help = "Memberships given up because their mobile left" },
	[CONTEXT_FLOWS_LEFT_OUT] = { .name = "conntrack_left_out", .help = "Connection-tracking entries of a mobile beyond what is carried" },
	[CONTEXT_FLOWS_NAT] = { .name = "conntrack_nat", .help = "Translated connection-tracking entries that stayed where they are" },
	[CONTEXT_GROUPS] = { "groups", "groups with listeners, counted on each interface", .gauge = 1 },
	[CONTEXT_LISTENERS] = { "listeners", "memberships: mobile and group", .gauge = 1 },
};
