#include "context/context_count.h"

struct counter context_counters[CONTEXT_COUNTERS] = {
	[CONTEXT_REPORTS] = { "mld_reports", "MLD reports taken" },
	[CONTEXT_DONES] = { "mld_leaves", "groups left by a Done or a report that says so" },
	[CONTEXT_QUERIES_SENT] = { "mld_queries_sent", "MLD queries sent" },
	[CONTEXT_QUERIES_RECEIVED] = { "mld_queries_received", "MLD queries of other routers" },
	[CONTEXT_MLD_REFUSED] = { "mld_refused", "MLD messages refused for source, hop limit or a missing Router Alert" },
	[CONTEXT_MLD_MALFORMED] = { "mld_malformed", "MLD messages refused as malformed" },
	[CONTEXT_TABLE_FULL] = { "table_full", "memberships refused because a limit was reached" },
	[CONTEXT_QUERIER_CHANGES] = { "querier_changes", "times the querier of a link changed" },
	[CONTEXT_EXPIRED] = { "expired", "memberships that ran out without a report" },
	[CONTEXT_FORWARD_ERRORS] = { "forward_errors", "times a group could not be forwarded" },
	[CONTEXT_COLLECTED] = { "collected", "contexts collected for another router" },
	[CONTEXT_INSTALLED] = { "installed", "contexts of another router put in force" },
	[CONTEXT_INSTALL_REFUSED] = { "install_refused", "contexts of another router refused" },
	[CONTEXT_FORGOTTEN] = { "forgotten", "memberships given up because their mobile left" },
	[CONTEXT_GROUPS] = { "groups", "groups with listeners, counted on each interface", .gauge = 1 },
	[CONTEXT_LISTENERS] = { "listeners", "memberships: mobile and group", .gauge = 1 },
};
