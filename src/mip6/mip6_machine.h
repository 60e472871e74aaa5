/* What the home agent and the mobile share: parameters, counters, a message as a machine gets it. */
#ifndef HANDOVERD_MIP6_MACHINE_H
#define HANDOVERD_MIP6_MACHINE_H

#include "core/config.h"
#include "core/counter.h"
#include "core/log.h"
#include "core/loop.h"
#include "mip6/mip6_auth.h"

enum mip6_auth_kind { MIP6_AUTH_RFC4285, MIP6_AUTH_IPSEC, MIP6_AUTH_NONE };
enum mip6_care_of { MIP6_CARE_OF_KERNEL, MIP6_CARE_OF_OPTIMISTIC, MIP6_CARE_OF_UNCHECKED };
enum mip6_beside { MIP6_BESIDE_AFTER, MIP6_BESIDE_PARALLEL };
enum mip6_replay { MIP6_REPLAY_TIMESTAMP, MIP6_REPLAY_SEQUENCE };

#define MIP6_HOMES 8 /* home addresses of one mobile */
struct mip6_further_home {
	struct config_where where;
	struct in6_addr address;
	int64_t prefix_length;
};

/* The configuration group "mip6"; meanings and defaults stand in its table (mip6_config.c). */
struct mip6_params {
	struct config_where where;
	int auth;   /* enum mip6_auth_kind */
	int replay; /* enum mip6_replay */
	int64_t spi;
	usec_t skew;
	usec_t lifetime;
	/* home agent */
	usec_t refresh; /* 0: no advice */
	usec_t dad;     /* 0: off */
	usec_t delete_time;
	usec_t overlap; /* 0: off */
	int64_t bindings;
	bool discovery;
	int64_t preference;
	usec_t prefix_min, prefix_max;
	bool prefixes; /* the mobile's too */
	/* mobile node */
	struct in6_addr home_address, home_agent; /* home_address unspecified: no Mobile IPv6 */
	int64_t home_prefix_length;
	struct config_list home_addresses; /* struct mip6_further_home: further ones, of the same home link */
	usec_t first_timeout;
	int care_of; /* enum mip6_care_of */
	int beside;  /* enum mip6_beside */
	usec_t fast_wait;
	usec_t solicit_interval;
};
extern const struct config_table mip6_table;
void mip6_params_default(struct mip6_params *p); /* what the table says when the file says nothing */

enum {
	/* home agent */
	MIP6_BU_RECEIVED,
	MIP6_BU_REFUSED,
	MIP6_BU_DISCARDED,
	MIP6_BU_BAD_AUTH,
	MIP6_BU_REPLAYED,
	MIP6_BA_SENT,
	MIP6_BE_SENT,
	MIP6_REGISTERED,
	MIP6_MOVED,
	MIP6_RENEWED,
	MIP6_DEREGISTERED,
	MIP6_EXPIRED,
	MIP6_DAD_FAILED,
	MIP6_DEFENDED,
	MIP6_CACHE_FULL,
	MIP6_DISCOVERY_ANSWERED,
	MIP6_DISCOVERY_LIMITED,
	MIP6_BINDINGS, /* gauge */
	/* both */
	MIP6_MALFORMED,
	/* home agent */
	MIP6_PREFIXES_ASKED,
	MIP6_PREFIXES_SENT,
	MIP6_COUNTERS
};
extern struct counter mip6_counters[MIP6_COUNTERS];
#define MIP6_COUNT(which) (mip6_counters[which].value++)

/* A Mobility Header message as a machine gets it. */
struct mip6_in {
	struct in6_addr src, dst;
	struct in6_addr home;  /* Home Address option, or type 2 routing header; unspecified: none */
	int ifindex;
	struct lladdr from;    /* link-layer source; len 0: not known */
	const uint8_t *data;
	size_t len;
	usec_t at;
};

#endif
