/* The group `context` of the configuration. */
#ifndef HANDOVERD_CONTEXT_CONTEXT_CONFIG_H
#define HANDOVERD_CONTEXT_CONTEXT_CONFIG_H

#include "context/program_config.h"
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
	int forward; /* enum context_forward */
	int proxy_reports; /* enum context_proxy_reports */
	bool ipv4;
	int64_t igmp_version, mld_version;
	int64_t groups, listeners, groups_per_mobile, sources;
};

enum context_querier { CONTEXT_QUERIER_ELECT, CONTEXT_QUERIER_ALWAYS };
enum context_forward { CONTEXT_FORWARD_QUERIER, CONTEXT_FORWARD_ALWAYS };
enum context_proxy_reports { CONTEXT_PROXY_AUTO, CONTEXT_PROXY_ALWAYS, CONTEXT_PROXY_NEVER };

struct context_conntrack {
	struct config_where where;
	bool enabled;
	int64_t entries, limit, zone;
	bool marks, liberal;
};

struct context_rate_mobile {
	struct config_where where;
	struct in6_addr address;
	struct prefix prefix;
	uint64_t down, up, burst;
	char *class;
	int64_t dscp; /* -1: as it is */
};

struct context_rate {
	struct config_where where;
	bool enabled;
	int64_t limit;
	struct config_list mobiles; /* struct context_rate_mobile */
};

/* "1:20" as tc writes it, to major << 16 | minor; NULL or "": 0. False: it is no class. */
bool context_rate_class(const char *text, uint32_t *out);

/* Numbers of the features that IANA has none for, under the features' names. */
struct context_fpts {
	struct config_where where;
	int64_t neighbor, multicast4, multicast6, conntrack, rate;
};

#define CONTEXT_NEIGHBOR_ADDRESSES_MAX 64
struct context_neighbor {
	struct config_where where;
	bool enabled;
	int64_t entries, addresses;
};

struct context_config {
	struct config_where where;
	struct config_list offer, accept; /* char *: names of features; items NULL: all */
	struct config_list programs;      /* struct context_program */
	struct context_socket socket;
	struct context_fpts fpt;
	struct context_multicast multicast;
	struct context_neighbor neighbor;
	struct context_conntrack conntrack;
	struct context_rate rate;
};

extern const struct config_table context_table;
uint16_t context_fpt(const struct context_config *c, const char *feature); /* 0: no feature is called so */
void context_check(const struct settings *settings, const void *cfg, struct config_errors *errors);
/* Name of the interface towards the sources; NULL: none. Borrowed from the settings or the configuration. */
const char *context_upstream(const struct settings *s, const struct context_multicast *c);

#endif
