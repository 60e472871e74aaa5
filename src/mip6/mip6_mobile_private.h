/* Within the mobile node's wiring: what its files know of each other. */
#ifndef HANDOVERD_MIP6_MOBILE_PRIVATE_H
#define HANDOVERD_MIP6_MOBILE_PRIVATE_H

#include "core/handover.h"
#include "mip6/mip6_ground.h"
#include "mip6/mip6_mn.h"
#include "mip6/mip6_mobile.h"
#include "mip6/mip6_renew.h"
#include "mip6/mip6_seek.h"
#include "net/mh.h"

enum coa_source { COA_NONE, COA_FAST, COA_RA };

/* A home address and its registration. All are of one home link: they move, and are at home, together. */
struct mip6_home {
	struct mip6_mobile *m;
	size_t at;                    /* its place among m->homes, and m->ground's */
	struct mip6_mn_params params; /* in force */
	struct mip6_mn *mn;
	struct lladdr agent;          /* on the home link */
	unsigned asks, claims;
	struct timer ask, claim;
	bool tunnelled;
	bool carried;                 /* a fast handover has it (core/home.h) */
	struct mip6_renew *renew;     /* NULL unless mip6.prefixes */
	size_t next;                  /* of the discovered home agents, the one to try after this */
};

struct mip6_mobile {
	struct core *core;
	const struct mip6_params *params;
	struct mip6_home *homes[MIP6_HOMES]; /* NULL: none. The first is always there, names the mobile, and ends its movements */
	struct mip6_link *link;
	struct mip6_seek *seek;
	struct icmp6_home *prefixes; /* NULL unless mip6.prefixes */
	struct mip6_ground ground;
	struct icmp6 *icmp;
	struct mh *mh;
	struct bucket errors;
	struct bus_sub *subs[6];
	struct rtnl_sub *rtnl;

	/* where */
	enum coa_source source;
	struct mip6_place place;   /* the last that Router Advertisements told */
	bool home;                 /* on the home link */
	struct in6_addr coa;       /* unspecified: none, or none yet */
	struct prefix awaited;     /* where one is to come from; plen 0: nowhere */
	struct in6_addr iid;       /* unspecified: the link-local address's */
	usec_t valid_until;
	struct in6_addr guest;     /* on the home link, an address of ours that nobody else has, to ask from; unspecified: none */
	struct timer go;
	enum mip6_way way; /* as mip6_go_timeout is to say */
	bool gone;                 /* the link was lost, and where we are now is not known */

	/* the timeline */
	uint64_t record;  /* that ends with the home agent's answer; 0: none */
	uint64_t fast;    /* a fast handover's, the last that was opened */
	uint64_t after;   /* a fast handover's, whose end the home agent is told after */
	uint64_t last;    /* the one that a Binding Update belongs to, ended or not */
	uint64_t awaits;  /* one without a fast handover, which waits for its first packet, ended or not */
	bool ours;        /* `record` was opened here */
	usec_t down_at, up_at;
};

/* Each home address; h may end in it, and nothing may break out of it. */
#define MIP6_HOMES_EACH(m, h)                                   \
	for (size_t h##_at = 0; h##_at < MIP6_HOMES; h##_at++)      \
		for (struct mip6_home *h = (m)->homes[h##_at]; h; h = NULL)

const struct in6_addr *mip6_name(const struct mip6_mobile *m);               /* the first home address: the mobile's name in logs and records */
struct mip6_home *mip6_home_of(const struct mip6_mobile *m, const struct in6_addr *a); /* NULL: it is no home address */
bool mip6_homes_create(struct mip6_mobile *m); /* as configured; false: no memory */
void mip6_home_reload(struct mip6_home *h);
void mip6_home_destroy(struct mip6_home *h);   /* with a word to the home agent, if that can be reached */
/* mip6.prefixes, for each home address: at home routers say how long it lives, away the home agent does. */
void mip6_prefixes_heard(struct mip6_mobile *m, const struct mip6_place *p, usec_t at);
void mip6_prefixes_received(const struct icmp6_message *msg, void *arg);
void mip6_agents_want(struct mip6_mobile *m);  /* away: asks for home agents, if one has none to turn to */
bool mip6_agent_next(struct mip6_home *h, struct in6_addr *agent); /* mip6_mn_ops.next */
extern const struct seek_ops mip6_mobile_seek_ops;
void mip6_home_show(const struct mip6_home *h, struct output *o);
struct rtnl *mip6_rtnl(const struct mip6_mobile *m);
struct lladdr mip6_own_lladdr(const struct mip6_mobile *m);
void mip6_said(int rc, const char *what, const struct in6_addr *to); /* logs what could not be sent */

void mip6_owner(struct mip6_home *h); /* tells whose the home address is now (core/home.h) */

/* The timeline (mip6_mobile_record.c), and what the registration asks. */
void mip6_mark(struct mip6_mobile *m, enum handover_step s, usec_t at);
void mip6_record_open(struct mip6_mobile *m);
void mip6_record_join(struct mip6_mobile *m); /* a movement is one record: a fast handover's, if one runs */
void mip6_record_names(const struct mip6_mobile *m, const struct mip6_place *from, const struct mip6_place *to);
void mip6_record_gap(struct mip6_mobile *m);
void mip6_record_close(struct mip6_mobile *m, enum handover_result r, const char *reason);
void mip6_claim_timeout(struct timer *t, void *arg);
extern const struct mip6_mn_ops mip6_mobile_mn_ops; /* their arg is a struct mip6_home */

/* Where we are, and what follows from that (mip6_mobile_where.c): by Router Advertisements, and by a fast handover. */
void mip6_coa_ready(struct mip6_mobile *m, const struct in6_addr *coa);
void mip6_coa_find(struct mip6_mobile *m);
void mip6_home_known(struct mip6_home *h);
void mip6_ask_timeout(struct timer *t, void *arg);
void mip6_go_timeout(struct timer *t, void *arg);
bus_fn mip6_fast_started, mip6_fast_attached, mip6_fast_ended, mip6_fast_failed, mip6_home_note;
extern const struct mip6_link_ops mip6_mobile_link_ops;

#endif
