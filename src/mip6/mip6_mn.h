/*
 * The mobile node's part in Mobile IPv6 (RFC 6275 §11): one home address and its home agent. A mobile with several has one of these for each.
 *
 *   IDLE        nothing registered, and nowhere to register
 *   HOME        on the home link; the home agent has no binding of ours
 *   UPDATING    a Binding Update is out and not acknowledged; `registered` says what the home agent had before
 *   REGISTERED  the home agent forwards to our care-of address
 *   RETURNING   on the home link, the binding is being taken back
 *   REFUSED     the home agent said no, in a way that the same question again does not change
 *   ENDED       the home address's prefix is no longer valid
 *
 * Which link we are on, and with which address, is told by others (mip6_link.h, or a fast handover). A Binding Update is sent
 * again, each time under the next sequence number, after 1.5 s where the home agent may first have to see whether the home address
 * is free, after 1 s else, then twice as long each time up to 32 s, and at that pace for ever (§11.8).
 *
 * What is promised while the home agent changes over: where the way to the previous care-of address still lives (the tunnel of a fast
 * handover), packets go out on that way until the home agent has acknowledged (or left two Binding Updates without an answer), and
 * what comes by either way is taken: of these nothing
 * is lost, and a packet may be overtaken only by one that the home agent sent on the shorter way within the difference of the two.
 * Where a fast handover away from home carries the home address itself, its tunnel is the way until the home agent has acknowledged, or
 * until it ends (mip6_mn_way_gone), however many Binding Updates that takes.
 * Where it does not live, packets leave from the new care-of address as soon as the Binding Update is out (§11.6.3).
 */
#ifndef HANDOVERD_MIP6_MN_H
#define HANDOVERD_MIP6_MN_H

#include "core/counter.h"
#include "core/log.h"
#include "core/loop.h"
#include "mip6/mip6_machine.h"
#include "mip6/mip6_wire.h"

enum mip6_mn_state { MIP6_MN_IDLE, MIP6_MN_HOME, MIP6_MN_UPDATING, MIP6_MN_REGISTERED, MIP6_MN_RETURNING, MIP6_MN_REFUSED, MIP6_MN_ENDED };
const char *mip6_mn_state_name(enum mip6_mn_state s);

struct mip6_mn_params {
	struct in6_addr home, agent; /* agent unspecified: not known yet, nothing is sent */
	usec_t lifetime;      /* asked for */
	usec_t first_timeout; /* InitialBindackTimeoutFirstReg (§13) */
	bool link_local;      /* L: our link-local address has the home address's interface identifier */
	bool timestamps;      /* RFC 4285 §6 */
	uint32_t spi;
};

/* Is the way to the care-of address that is registered still there? */
enum mip6_way {
	MIP6_WAY_GONE,
	MIP6_WAY_ALIVE,
	MIP6_WAY_CARRIED, /* nothing need be registered: a fast handover from the home link carries the home address itself */
};

/* The end of an exchange, or that it goes on without one. */
enum mip6_mn_event {
	MIP6_MN_ACCEPTED,
	MIP6_MN_DEREGISTERED,
	MIP6_MN_SILENT,  /* told once an exchange, when the slowest pace is reached */
	MIP6_MN_DENIED,  /* with the status */
	MIP6_MN_EXPIRED, /* the binding ran out; Binding Updates go on */
};

struct mip6_mn_ops {
	/* The key shared with the home agent (RFC 4285); false: there is none, IPsec protects or nothing does. */
	bool (*key)(void *arg, struct mip6_key *out);
	/* To the home agent, from coa, with the home address in a Home Address option; or, at home, from the home address without. */
	void (*send)(void *arg, const struct in6_addr *coa, bool at_home, const void *data, size_t len);
	/* From here on packets from the home address leave in the tunnel from coa to the home agent; idempotent. */
	void (*tunnel)(void *arg, const struct in6_addr *coa);
	void (*native)(void *arg); /* the home address is an ordinary address of this link; what is still in the tunnel is taken */
	void (*claim)(void *arg);  /* and the home agent does not defend it any more: tell the neighbours (§11.5.5) */
	void (*sent)(void *arg, bool refresh, usec_t at); /* refresh: only to extend what there is */
	void (*event)(void *arg, enum mip6_mn_event e, uint8_t status, usec_t at);
	/* This home agent refuses, or leaves Binding Updates without an answer: another to try, for *agent; false: there is none. */
	bool (*next)(void *arg, struct in6_addr *agent);
};

struct mip6_mn;
struct mip6_mn *mip6_mn_create(struct loop *l, const struct mip6_mn_params *params, const struct mip6_mn_ops *ops, void *arg);
void mip6_mn_destroy(struct mip6_mn *m); /* silent: see mip6_mn_farewell */
void mip6_mn_reload(struct mip6_mn *m, const struct mip6_mn_params *params); /* same home address; the home agent stays */

/* From here on this home agent (RFC 6275 §11.4.1); where one is called for, it is asked at once. */
void mip6_mn_agent(struct mip6_mn *m, const struct in6_addr *agent);
/* On a link with this care-of address, which is valid until then (UINT64_MAX: for ever). The same again: only what is overdue is
 * done. */
void mip6_mn_away(struct mip6_mn *m, const struct in6_addr *coa, usec_t valid_until, enum mip6_way way);
/* The home address is valid until then (UINT64_MAX: for ever, as at first): no binding is asked for longer (§11.4.2). */
void mip6_mn_valid_until(struct mip6_mn *m, usec_t until);
/* It is no longer: nothing is sent from here on, whatever comes. */
void mip6_mn_end(struct mip6_mn *m);
/* The way to the registered care-of address, or the one that carried the home address, has ended. */
void mip6_mn_way_gone(struct mip6_mn *m);
/* On the home link, and the home agent can be reached there. */
void mip6_mn_home(struct mip6_mn *m);
/* The link is lost: nothing is sent. */
void mip6_mn_down(struct mip6_mn *m);
/* Another, from `dst` of ours: Mobility Header messages, whole, their checksum verified. */
void mip6_mn_ba(struct mip6_mn *m, const struct in6_addr *src, const uint8_t *data, size_t len, usec_t at);
void mip6_mn_be(struct mip6_mn *m, const struct in6_addr *src, const uint8_t *data, size_t len, usec_t at);
/* The home agent's system knows no Mobility Header, or no tunnel: its handoverd may just have been started again. */
void mip6_mn_unknown_header(struct mip6_mn *m, usec_t at);
/* One Binding Update of lifetime 0, if the home agent may have a binding; nobody waits for the answer. */
void mip6_mn_farewell(struct mip6_mn *m);

struct mip6_mn_view {
	enum mip6_mn_state state;
	struct in6_addr coa;        /* asked for; unspecified: none */
	struct in6_addr registered; /* acknowledged; unspecified: none */
	usec_t expires;             /* of what is registered */
	uint16_t seq;
	uint8_t status; /* of the last acknowledgement */
	unsigned tries; /* of the exchange under way */
	usec_t began;   /* that exchange; 0: none */
};
struct mip6_mn_view mip6_mn_view(const struct mip6_mn *m);
const char *mip6_status_text(uint8_t status); /* "home agent: not home subnet"… in words, static */

enum {
	MIP6_MN_BU_SENT,
	MIP6_MN_BU_AGAIN,
	MIP6_MN_BA_RECEIVED,
	MIP6_MN_BA_IGNORED,
	MIP6_MN_BA_BAD_AUTH,
	MIP6_MN_BA_REFUSED,
	MIP6_MN_BE_RECEIVED,
	MIP6_MN_REGISTRATIONS,
	MIP6_MN_BINDINGS_EXPIRED,
	MIP6_MN_RETURNS,
	MIP6_MN_RA_RECEIVED,
	MIP6_MN_RS_SENT,
	MIP6_MN_MOVEMENTS,
	MIP6_MN_DEVOLVED,
	MIP6_MN_DISCOVERY_SENT,
	MIP6_MN_DISCOVERY_ANSWERED,
	MIP6_MN_AGENT_CHANGES,
	MIP6_MN_PREFIXES_ASKED,
	MIP6_MN_PREFIXES_TOLD,
	MIP6_MN_PREFIXES_UNASKED,
	MIP6_MN_COUNTERS
};
extern struct counter mip6_mn_counters[MIP6_MN_COUNTERS];
#define MIP6_MN_COUNT(which) (mip6_mn_counters[which].value++)

#endif
