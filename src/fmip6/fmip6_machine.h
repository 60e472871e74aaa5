/* What the three machines of FMIPv6 share: parameters, counters, and how sequence numbers compare. */
#ifndef HANDOVERD_FMIP6_MACHINE_H
#define HANDOVERD_FMIP6_MACHINE_H

#include "core/config.h"
#include "core/counter.h"
#include "core/handover.h"
#include "core/log.h"
#include "core/loop.h"
#include "fmip6/fmip6_wire.h"

enum fmip6_release { FMIP6_RELEASE_UNA, FMIP6_RELEASE_CONTEXTS };
enum fmip6_collision { FMIP6_COLLISION_ASSIGN, FMIP6_COLLISION_REFUSE, FMIP6_COLLISION_PCOA };
enum fmip6_hk_mode { FMIP6_HK_OFF, FMIP6_HK_ON, FMIP6_HK_REQUIRED };

/* fmip6.handover_keys (RFC 5269). All but the rate are for the start. */
struct fmip6_hk_params {
	struct config_where where;
	int mode; /* enum fmip6_hk_mode */
	char *key_file; /* NULL: a new key pair at each start */
	int64_t bits;
	usec_t lifetime;
	int64_t rate;
	int64_t cga_sec;
	struct config_list trust; /* char *: fingerprints */
};

struct fmip6_gateway {
	struct config_where where;
	struct in6_addr link_local; /* unspecified: the links' own */
	struct lladdr link_address; /* len 0: the links' own */
};

/* The configuration group "fmip6"; meanings and defaults stand in its table (fmip6_config.c). */
struct fmip6_params {
	struct config_where where;
	bool enable;
	int64_t rtsolpr_retries, rtsolpr_rate, fbu_retries, hi_retries;
	usec_t rtsolpr_timeout, fbu_timeout, hi_timeout;
	usec_t proxy_nd_lifetime;
	usec_t lifetime;
	bool renew;
	int release; /* enum fmip6_release */
	usec_t release_timeout;
	usec_t hold_time;
	usec_t marker_timeout;
	int64_t una_repeat;
	usec_t una_interval;
	usec_t probe_timeout;
	usec_t prepared_time;
	usec_t refresh;
	bool network_trigger;
	usec_t inform; /* 0: off */
	bool assigned;
	int collision; /* enum fmip6_collision */
	usec_t dad;    /* 0: off */
	usec_t router_lifetime;
	int64_t sessions;
	bool early_buffer;
	bool clients;
	int64_t client_rate;
	usec_t client_memory;
	struct fmip6_gateway gateway;
	struct fmip6_hk_params handover_keys;
};
extern const struct config_table fmip6_table;
void fmip6_params_default(struct fmip6_params *p); /* what the table says when the file says nothing */

enum {
	FMIP6_RTSOLPR_RECEIVED,
	FMIP6_RTSOLPR_SENT,
	FMIP6_RTSOLPR_LIMITED,
	FMIP6_PRRTADV_RECEIVED,
	FMIP6_PRRTADV_SENT,
	FMIP6_PRRTADV_IGNORED,
	FMIP6_TRIGGERS_SENT,
	FMIP6_TRIGGERS_RECEIVED,
	FMIP6_FBU_RECEIVED,
	FMIP6_FBU_SENT,
	FMIP6_FBU_REFUSED,
	FMIP6_FBU_BAD_AUTH,
	FMIP6_FBU_REPLAYED,
	FMIP6_FBU_FOREIGN_PCOA,
	FMIP6_FBU_FOREIGN_NCOA,
	FMIP6_FBACK_RECEIVED,
	FMIP6_FBACK_SENT,
	FMIP6_FBACK_IGNORED,
	FMIP6_HI_RECEIVED,
	FMIP6_HI_SENT,
	FMIP6_HI_REFUSED,
	FMIP6_HI_STRANGER,
	FMIP6_HACK_RECEIVED,
	FMIP6_HACK_SENT,
	FMIP6_HACK_IGNORED,
	FMIP6_UNA_RECEIVED,
	FMIP6_UNA_SENT,
	FMIP6_UNA_IGNORED,
	FMIP6_NAACK_SENT,
	FMIP6_NAACK_RECEIVED,
	FMIP6_COLLISIONS,
	FMIP6_ASSIGNED,
	FMIP6_MARKER_SENT,
	FMIP6_MARKER_RETURNED,
	FMIP6_MARKER_TIMEOUT,
	FMIP6_MALFORMED,
	FMIP6_SESSIONS_FULL,
	FMIP6_HOLD_EXPIRED,
	FMIP6_BINDINGS_EXPIRED,
	FMIP6_BINDINGS,     /* gauge: PAR */
	FMIP6_NAR_SESSIONS, /* gauge */
	FMIP6_CLIENTS_ASKED,
	FMIP6_CLIENTS_LIMITED,
	FMIP6_CLIENTS_UNANSWERED,
	FMIP6_CLIENTS_MISMATCH,
	FMIP6_CLIENTS_ANSWERED_FOR,
	FMIP6_CLIENTS_AWAY, /* gauge */
	FMIP6_VISITS,       /* gauge */
	FMIP6_HK_REQUESTS,
	FMIP6_HK_GRANTED,
	FMIP6_HK_REFUSED,
	FMIP6_HK_LIMITED,
	FMIP6_HK_ASKED,
	FMIP6_HK_RECEIVED,
	FMIP6_HK_IGNORED,
	FMIP6_HK_KEYS, /* gauge */
	FMIP6_FROM_AFAR,
	FMIP6_LODGED,
	FMIP6_LODGERS, /* gauge */
	FMIP6_FBU_BAD_IID,
	FMIP6_RTSOLPR_OLDER,
	FMIP6_UNA_UNRECOGNIZED,
	FMIP6_NAACK_IGNORED,
	FMIP6_CLIENTS_ADOPTED,
	FMIP6_INFORMS_SENT,
	FMIP6_INFORMS_RECEIVED,
	FMIP6_SEND_FAILED,
	FMIP6_COUNTERS
};
extern struct counter fmip6_counters[FMIP6_COUNTERS];
#define FMIP6_COUNT(which) (fmip6_counters[which].value++)

/* Is a later than b (RFC 6275 §9.5.1: modulo 2^16, half the circle each way)? */
bool fmip6_seq_newer(uint16_t a, uint16_t b);
uint16_t fmip6_random16(void); /* never 0 */

/* A link's IPv6 address hash for tables that strangers can fill. */
#define FMIP6_HASH(keyptr, keylen, hashv) ((hashv) = (unsigned)hash_keyed((keyptr), (keylen)))

/* What a PAR was doing for an address to which its mobile comes back. */
enum par_was { PAR_WAS_IDLE, PAR_WAS_HOLDING, PAR_WAS_FORWARDING };

/* Is it from the link? Else counted and logged: nothing that was forwarded has this hop limit (RFC 5568 §6.1). */
bool fmip6_on_link(int hop_limit, struct bucket *log, const char *what, const struct in6_addr *src, usec_t at);

/* A Mobility Header message as a machine gets it. */
struct mh_in {
	struct in6_addr src, dst, home; /* home unspecified: no Home Address option */
	int ifindex;
	const uint8_t *data;
	size_t len;
	usec_t at;
};

#endif
