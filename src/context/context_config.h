/* The group `context` of the configuration. */
#ifndef HANDOVERD_CONTEXT_CONTEXT_CONFIG_H
#define HANDOVERD_CONTEXT_CONTEXT_CONFIG_H

#include "core/config.h"
#include "core/settings.h"

struct context_multicast {
	struct config_where where;
	bool enabled;
	char *upstream; /* NULL: the first interface of kind "core" */
	usec_t query_interval, response_interval, last_listener_interval;
	int64_t robustness;
	bool fast_leave;
	int querier; /* enum context_querier */
	int64_t groups, listeners, groups_per_mobile;
};

enum context_querier { CONTEXT_QUERIER_ELECT, CONTEXT_QUERIER_ALWAYS };

struct context_config {
	struct config_where where;
	struct context_multicast multicast;
};

extern const struct config_table context_table;
void context_check(const struct settings *settings, const void *cfg, struct config_errors *errors);
/* Name of the interface towards the sources; NULL: none. Borrowed from the settings or the configuration. */
const char *context_upstream(const struct settings *s, const struct context_multicast *c);

#endif
