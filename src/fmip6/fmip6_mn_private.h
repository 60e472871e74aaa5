/* Within the mobile's machine: its state, and what its files know of each other. */
#ifndef HANDOVERD_FMIP6_MN_PRIVATE_H
#define HANDOVERD_FMIP6_MN_PRIVATE_H

#include "fmip6/fmip6_mn.h"
#include "fmip6/fmip6_mn_binding.h"

enum solicit { SOLICIT_NONE, SOLICIT_LEARN, SOLICIT_TARGET, SOLICIT_DISCOVER };

struct fmip6_mn {
	struct loop *loop;
	const struct fmip6_params *params;
	const struct mn_ops *ops;
	void *arg;
	enum mn_state state;
	bool known; /* here is */
	struct mn_place here;
	struct mn_place before; /* where it was before that; coa unspecified: nowhere */
	struct in6_addr alias;  /* on this link we came by this address; unspecified: by `here`'s */
	struct bindings bindings;
	struct bucket informs; /* what the router tells unasked */
	struct bucket log; /* of advertisements that are not believed */

	/* the question to the router */
	enum solicit solicit;
	uint16_t solicit_id;
	int64_t solicit_tries;
	usec_t solicit_began;
	struct timer solicit_timer, refresh;
	usec_t asked_at, told_at; /* when what we know of the routers around was asked and answered; 0: never */
	usec_t asking_at;
	struct bucket solicit_rate;

	/* the movement under way */
	bool open;               /* a timeline runs */
	bool predictive;
	struct in6_addr pcoa;    /* its main binding's address */
	struct mn_place target;  /* what it was told to move to; ap alone while not known more */
	bool dhcp;               /* its addresses come by DHCP: ours stays, and serves there (PrRtAdv Code 5) */
	bool lodging;            /* the target serves our address, and has no other for us (FBack with the PCoA) */
	bool assume;             /* FBU for target was sent: take it that the next link is it */
	bool expected;           /* everything is ready for target (mn_ops.expect) */
	bool first;              /* first packet seen */
	usec_t down_at, up_at;   /* the gap; 0: none */
	struct timer prepared, settle;

	/* which link? */
	enum { PROBE_NONE, PROBE_LINK, PROBE_SILENT } probing; /* silent: the carrier was never seen to go */
	unsigned probe_round;
	size_t probes_n;
	struct mn_place probes[MN_PROBES];
	struct timer probe;

	struct timer dad; /* armed: somebody may yet claim the address */
	bool confirmed;   /* the neighbours were told that it is ours */
	bool dad_asked;   /* the link was asked whether somebody has it */

	int64_t unas;
	struct timer una;
	usec_t announced_at; /* the last UNA; 0: none yet */
};

bool mn_same_link(const struct mn_place *a, const struct mn_place *b);
/* An address for a link: one that has to be of a certain make, or with the identifier of `like`. */
struct in6_addr mn_address(struct fmip6_mn *m, const struct prefix *link, const struct in6_addr *like);
struct binding *mn_main_binding(struct fmip6_mn *m); /* that of the movement under way; NULL: none */

/* The timeline (fmip6_mn.c). */
void mn_step(struct fmip6_mn *m, enum handover_step s, usec_t at);
void mn_record_open(struct fmip6_mn *m, bool predictive);
void mn_record_close(struct fmip6_mn *m, enum handover_result r, const char *reason);

/* Home addresses (fmip6_mn_home.c). */
bool mn_is_away(struct fmip6_mn *m, const struct in6_addr *a); /* on its home link it is not to be used now */
void mn_release(struct fmip6_mn *m, struct binding *b);        /* its PAR need not forward any more */
void mn_home_take(struct fmip6_mn *m);                         /* the home address is ours here: that is what we are called */
void mn_alias_forget(struct fmip6_mn *m);                      /* the link of `here` is left */

/* The question to the router (fmip6_mn.c). */
void mn_solicit(struct fmip6_mn *m, enum solicit what);
void mn_solicit_stop(struct fmip6_mn *m);

/* Which link, and what follows from that (fmip6_mn_move.c). */
void mn_move_init(struct fmip6_mn *m);
void mn_move_stop(struct fmip6_mn *m);
void mn_una_begin(struct fmip6_mn *m);
void mn_una_send(struct fmip6_mn *m); /* one */
void mn_una_repeat(struct fmip6_mn *m); /* of an address that need not be asked for */
void mn_settle(struct fmip6_mn *m);        /* UNA is out and the PAR forwards here */
void mn_movement_over(struct fmip6_mn *m); /* complete */
void mn_after_main(struct fmip6_mn *m);
void mn_come_home(struct fmip6_mn *m, struct binding *home); /* back where the address of this binding is at home */
void mn_arrive(struct fmip6_mn *m, const struct mn_place *p);
void mn_arrive_from_target(struct fmip6_mn *m, const struct mn_place *p, const char *reason);
void mn_probe_stop(struct fmip6_mn *m);
void mn_probe_silently(struct fmip6_mn *m);

/* The address on the new link (fmip6_mn_address.c). */
void mn_address_init(struct fmip6_mn *m);
void mn_address_stop(struct fmip6_mn *m); /* nobody is listened to any more: the link has gone, too */
void mn_address_new(struct fmip6_mn *m);  /* it is announced */
void mn_address_vouched(struct fmip6_mn *m); /* the handover was prepared with it, or traffic comes to it */
/*
 * The new router serves the address that we had before: it is used here as it was there (§5.2, §6.4.6). silent: nobody is to be told of it
 * ever, the routers see to it. Else tell: the new address that the PAR shall be told; NULL: it knows.
 */
void mn_lodge(struct fmip6_mn *m, bool silent, const struct in6_addr *tell);
struct binding *mn_lodging(struct fmip6_mn *m); /* the binding of the address that is served here; NULL: that is not so */
/* Announced again, and the PAR told again: one of our routers may have forgotten it. */
void mn_lodge_again(struct fmip6_mn *m, struct binding *b);
/* It is served no longer: coa is the address here, NULL: one of our own making. tell: the PAR does not know that. */
void mn_unlodge(struct fmip6_mn *m, struct binding *b, const struct in6_addr *coa, bool tell);
void mn_readdress(struct fmip6_mn *m, const struct in6_addr *coa);

#endif
