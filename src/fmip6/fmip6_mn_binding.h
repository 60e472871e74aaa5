/* Within the mobile's machine: bindings at previous routers and the FBU exchanges about them. */
#ifndef HANDOVERD_FMIP6_MN_BINDING_H
#define HANDOVERD_FMIP6_MN_BINDING_H

#include "fmip6/fmip6_mn.h"

enum exchange {
	EXCHANGE_NONE,
	EXCHANGE_PREDICT, /* from the PCoA, on the old link */
	EXCHANGE_FOLLOW,  /* from where we are: reactive, renewal, or a further movement */
	EXCHANGE_GIVE_UP, /* lifetime 0, at home again */
	EXCHANGE_RELEASE, /* lifetime 0, from where we are: its home agent forwards now */
};

struct binding {
	bool used;
	struct fmip6_mn *mn;
	struct mn_binding_view v;
	bool told;   /* some FBU about it was sent */
	bool kept;   /* to be renewed */
	bool lodged; /* its address is used where we are, as if it were at home: the new router sees to its packets (§6.4.6) */
	bool yielded; /* its home agent forwards: the PAR need not, and is told so when nothing else is under way */
	usec_t made; /* for the oldest */
	enum exchange exchange;
	uint16_t first_seq, seq; /* of the exchange */
	int64_t tries;
	usec_t began;
	uint16_t lifetime; /* seconds, as granted */
	struct timer retry, renew, expire;
};

/* What the machine does with the outcome of an exchange. */
struct binding_events {
	void (*accepted)(struct fmip6_mn *m, struct binding *b, enum exchange x, usec_t at);
	void (*failed)(struct fmip6_mn *m, struct binding *b, enum exchange x, const char *reason);
	void (*ended)(struct fmip6_mn *m, struct binding *b); /* its time is over, and it is not yet gone */
	void (*sent)(struct fmip6_mn *m, struct binding *b, usec_t at);
};

struct bindings {
	struct fmip6_mn *mn;
	struct loop *loop;
	const struct fmip6_params *params;
	const struct mn_ops *ops;
	void *arg;
	const struct binding_events *events;
	const struct mn_place *here; /* where FBUs are sent from; kept by the machine */
	bool down;                   /* no carrier: nothing is sent */
	uint16_t seq;                /* of the last FBU to anyone: so every PAR sees it grow */
	struct bucket log;
	struct binding items[MN_BINDINGS];
};

void bindings_init(struct bindings *t);
void bindings_stop(struct bindings *t);
struct binding *binding_of(struct bindings *t, const struct in6_addr *pcoa);
struct binding *binding_at_home(struct bindings *t, const struct prefix *link); /* whose address belongs to this link */
struct binding *binding_get(struct bindings *t, const struct mn_place *home);   /* finds or makes; never NULL */
void binding_drop(struct binding *b);                                           /* silent */
void binding_over(struct bindings *t, struct binding *b);                       /* and unbound (mn_ops.unbind) */
void binding_exchange(struct binding *b, enum exchange x); /* begins; one under way is replaced */
void bindings_fback(struct bindings *t, const struct mh_in *in);
void binding_runs(struct binding *b, uint16_t lifetime, usec_t since); /* seconds; 0: it is not in force */
bool binding_in_force(const struct binding *b); /* the PAR forwards to what we last asked for */

#endif
