/* The settings that are not a module's: top level of the configuration file. Table and cross-checks in settings.c. */
#ifndef HANDOVERD_CORE_SETTINGS_H
#define HANDOVERD_CORE_SETTINGS_H

#include "core/config.h"

enum role { ROLE_ACCESS_ROUTER, ROLE_MOBILE_NODE, ROLE_HOME_AGENT };
enum interface_kind {
	INTERFACE_ACCESS, /* mobiles live here */
	INTERFACE_CORE,   /* towards the rest of the network and the other access routers */
};
enum protect { PROTECT_IPSEC, PROTECT_NONE };
enum compat { COMPAT_RFC5568, COMPAT_RFC4068, COMPAT_NONE };
enum addressing { ADDRESSES_SLAAC, ADDRESSES_DHCP }; /* how hosts on a link get theirs */

struct setting_interface { /* interfaces = ( { name = "wlan0"; kind = "access"; aps = ("02:…"); } ) */
	struct config_where where;
	char *name;
	int kind;               /* enum interface_kind */
	struct config_list aps; /* struct lladdr: AP-IDs whose clients appear on this interface */
	int addresses;          /* enum addressing, of IPv6 */
};

struct setting_ap { /* in neighbors[].aps */
	struct config_where where;
	struct lladdr id;
	struct prefix prefix;       /* of the link behind this AP */
	struct in6_addr router;     /* the router's address on that link */
	struct lladdr link_address; /* the router's link-layer address there */
	struct prefix prefix4;      /* the same for IPv4; plen 0: no IPv4 there */
	struct in6_addr router4;
	struct in6_addr dhcp4; /* where the link's DHCP server is reached; unspecified: at router4 */
	int addresses;         /* enum addressing, of IPv6 */
};

struct setting_neighbor {
	struct config_where where;
	char *name;
	struct in6_addr address;
	int protect;            /* enum protect */
	int compat;             /* enum compat */
	struct config_list aps; /* struct setting_ap */
};

struct setting_mobile { /* mobiles = ( { prefix = "2001:db8:a::/64"; key = "hex:…"; } ), or address instead of prefix */
	struct config_where where;
	struct in6_addr address;
	struct prefix prefix;
	struct secret *key;
};

struct setting_control {
	struct config_where where;
	char *socket; /* control.socket */
	int64_t clients;  /* at most so many at once */
	uint64_t queue;   /* octets a slow client may leave unread before it is cut off */
};

struct setting_log {
	struct config_where where;
	int level; /* enum log_level */
	int sink;  /* enum log_choice */
};
enum log_choice { LOG_CHOICE_AUTO, LOG_CHOICE_STDERR, LOG_CHOICE_SYSLOG, LOG_CHOICE_JOURNAL };

enum hold_drain {
	DRAIN_IMMEDIATE, /* held packets leave as fast as the link takes them */
	DRAIN_RFC5568,   /* paced, as RFC 5568 describes the default behaviour of a router that buffers */
};
struct setting_hold { /* packets that wait at the new router for their mobile */
	struct config_where where;
	uint64_t limit;        /* octets, all mobiles together */
	uint64_t limit_mobile; /* octets, one mobile */
	int drain;             /* enum hold_drain */
};

struct settings {
	struct config_where where;
	int role; /* enum role */
	char *name; /* never NULL after loading: the host's name if the file has none */
	struct config_list interfaces; /* struct setting_interface */
	struct config_list neighbors;  /* struct setting_neighbor */
	struct config_list mobiles;    /* struct setting_mobile */
	struct setting_control control;
	struct setting_log log;
	struct setting_hold hold;
	bool realtime; /* run at the lowest real-time priority, so that timing does not hang on other load */
};

extern const struct config_table settings_table;
/* Puts in what is not constant: the host's name where no name is written. */
void settings_fill(struct settings *s);
/*
 * What a table cannot say: duplicates, overlaps, a mobile without address, a role without what it needs. Not `each_right`:
 * some settings could not be read and are zero; then only what is there is compared, and nothing is missed.
 */
void settings_check(const struct settings *s, bool each_right, struct config_errors *errors);

#endif
