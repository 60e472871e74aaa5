/* Within the home agent's machine: what its files know of each other. */
#ifndef HANDOVERD_MIP6_HA_PRIVATE_H
#define HANDOVERD_MIP6_HA_PRIVATE_H

#include "mip6/mip6_ha.h"
#include "net/nd.h"

#define HASH_FUNCTION(keyptr, keylen, hashv) ((hashv) = (unsigned)hash_keyed((keyptr), (keylen)))
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define HA_UNIT (MIP6_UNIT * USEC_SEC)

/* What an acknowledgement needs to know of its Binding Update, which may have to wait for the home link. */
struct ha_answer {
	struct ha_way way;
	struct in6_addr home, coa;
	uint16_t seq;
	bool authenticated, stamped;
	uint64_t stamp;
	uint8_t nai_len;
	uint8_t nai[MIP6_NAI_MAX];
};

/* What the mobile is told of its home prefixes, and when. */
struct ha_notice {
	bool ever;           /* since the registration something was told: */
	usec_t sent;
	bool soon;           /* something has changed since */
	bool unacknowledged; /* an advertisement that nobody asked for was sent, and the mobile has not asked since */
	unsigned tries;      /* of that one; 0: it is not being repeated */
	struct in6_addr to;  /* the last solicitation */
	uint16_t id;
	struct timer unasked, asked;
};

struct ha_entry {
	UT_hash_handle hh;
	struct mip6_ha *ha;
	struct in6_addr home, coa, agent;
	struct in6_addr before; /* the care-of address that what is still under way was sent from; unspecified: none */
	int ifindex;
	enum ha_state state;
	uint8_t flags;
	uint16_t seq, lifetime; /* units: asked for while probing, then granted */
	bool stamped;           /* the last Binding Update had a timestamp, and this is it */
	uint64_t stamp;
	usec_t stamped_at;
	usec_t since, expires;
	uint64_t moves;
	unsigned advertised;
	struct ha_answer answer;
	struct timer timer, advertise, overlap;
	struct ha_notice notice;
};

#define HA_LINKS 16 /* whose prefixes are watched */
struct ha_prefixes {
	int ifindex;
	usec_t at;
	size_t n;
	struct nd_prefix all[HA_PREFIXES]; /* lifetimes from then on */
};

struct mip6_ha {
	struct loop *loop;
	const struct mip6_params *params;
	const struct ha_ops *ops;
	void *arg;
	struct ha_entry *entries;
	unsigned probing;
	uint64_t floor; /* timestamps before our start may have been used before our start */
	struct bucket auth_failed, errors, defended, log;
	size_t links_n;
	struct ha_prefixes links[HA_LINKS];
};

enum ha_verdict {
	HA_OK,
	HA_MALFORMED,
	HA_NOT_HOME,
	HA_BAD_ADDRESS,
	HA_NO_HOME_OPTION,
	HA_NONCES,
	HA_NO_AUTH,
	HA_NO_KEY,
	HA_BAD_AUTH,
	HA_NO_TIMESTAMP,
	HA_STALE,
	HA_SEQUENCE,
	HA_OWN_ADDRESS,
	HA_NOT_HOME_SUBNET,
	HA_BAD_COA,
	HA_NOT_SERVED,
	HA_FULL,
	HA_NO_TUNNEL,
	HA_DUPLICATE,
};

struct ha_refusal {
	const char *reason;
	int counter;    /* besides refused or discarded; -1: none */
	uint8_t status; /* 0: no answer */
};
extern const struct ha_refusal ha_refusals[];
extern const struct lladdr ha_nowhere;

/* What becomes of a home address (mip6_ha_binding.c). */
struct ha_entry *ha_entry_find(const struct mip6_ha *h, const struct in6_addr *home);
struct ha_entry *ha_entry_new(struct mip6_ha *h, const struct in6_addr *home); /* HA_ENDED; NULL: the limit, or no memory */
/* Serves e, or serves it otherwise, and answers. False: nothing has changed. */
bool ha_entry_serve(struct ha_entry *e, const struct in6_addr *agent, const struct in6_addr *coa, uint8_t flags, uint16_t asked);
/* Asks the home link first, whether e's address is free there. */
void ha_entry_probe(struct ha_entry *e, const struct in6_addr *agent, const struct in6_addr *coa, uint8_t flags, uint16_t asked);
/* Ends it, and remembers that for so long at least; here: as ha_ops.untunnel has it. e may be gone then. */
void ha_entry_end(struct ha_entry *e, usec_t remember, const struct lladdr *here);
void ha_entry_withdraw(struct ha_entry *e); /* ends and forgets */
/* RFC 6275 §10.3.1: no longer than asked for, than the home prefix stays, than we allow. Units; 0: the prefix is gone. */
uint16_t ha_grant(const struct mip6_ha *h, uint16_t asked, const struct ha_link *link);
/* A Home Address option that no binding speaks for: a Binding Error, within the rate (§9.3.3). */
void ha_unbound(struct mip6_ha *h, const struct mip6_in *in);

/* What it is told of its home prefixes (mip6_ha_prefix.c). */
void ha_prefix_init(struct ha_entry *e);
void ha_prefix_served(struct ha_entry *e); /* registered, moved or renewed */
void ha_prefix_end(struct ha_entry *e);    /* nothing more is told */
void ha_prefix_links_changed(struct mip6_ha *h);

void ha_answer_send(struct mip6_ha *h, const struct ha_answer *a, struct ba *m);
void ha_answer_refuse(struct mip6_ha *h, const struct ha_answer *a, uint8_t status, uint16_t seq);

#endif
