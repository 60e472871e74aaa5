/*
 * RFC 5568 told in scenarios: the words they are written in, and the table of its sentences.
 *
 * A scenario is a function. It runs undisturbed; then again for each message that was sent then: with this one lost, doubled,
 * late by a little, late beyond every timer, and with a router that restarts when it is sent; and in bad weather, when any
 * message may be lost, doubled or late. What a scenario expects counts in the undisturbed run only; the judge
 * (rfc5568_judge.c) watches all of them.
 *
 * The stage (sim_fmip6.h): a mobile that is on the link of PAR and knows the routers around, three routers that are neighbours of
 * each other, a stream to the mobile's address at PAR of a packet every 10 ms. Times are milliseconds since the scenario began.
 */
#ifndef HANDOVERD_TESTS_RFC5568_H
#define HANDOVERD_TESTS_RFC5568_H

#include "sentences.h"
#include "sim_fmip6.h"

extern const struct sentence rfc5568_solicit[], rfc5568_previous[], rfc5568_new[], rfc5568_serve[], rfc5568_mobile[], rfc5568_movement[],
	rfc5568_formats[];

#define PAR 1
#define NAR 2
#define OTHER 3
extern struct sim *stage;

struct disturbance {
	const char *name;
	struct sim_fate fate;
	int restarts; /* instead: this router */
	bool weather; /* instead: all messages meet it; the number is the dice's, not a message's */
};
void stage_open(unsigned message, const struct disturbance *d); /* message 0: undisturbed */
bool stage_close(const char *scenario);                         /* false: something was not as it must be, which it has said */
unsigned stage_sent(void);                                      /* messages so far */

/* Time. */
void pass(unsigned ms);
unsigned now(void);

/* What the mobile does. */
void mobile_is_told(int link); /* to move there */
void mobile_leaves(void);
void mobile_comes(int link);
void mobile_moves(int link);           /* unannounced, with 20 ms between the links */
void mobile_moves_announced(int link); /* the same after 50 ms in which all is prepared */
bool mobile_is(enum mn_state s);
bool mobile_uses(struct in6_addr a); /* as its address where it is */

/* Addresses: of the mobile on a link, of a router there, of a router among routers; another mobile's. */
#define AT(link) sim_addr(link)
struct in6_addr address(int link, uint8_t host);
bool is(struct in6_addr a, struct in6_addr b);
extern const struct lladdr mobile_lladdr, stranger_lladdr;

/* Messages by hand. What is signed is signed rightly, with the key of `home`. */
void put_rtsolpr(struct rtsolpr m); /* by the mobile to PAR */
void put_prrtadv(int router, struct prrtadv m);
void put_fbu(int router, struct in6_addr src, struct in6_addr home, struct fbu m);
void put_fback(int par, int link, struct in6_addr coa, struct fback m); /* to the mobile on that link; coa: what it is signed for */
void put_hi(int from, int to, struct hi m);
void put_hack(int from, int to, struct hack m);
void put_una(int router, struct in6_addr src, struct nd_na m);
void put_naack(int router, struct naack m);
void put_octets(enum sim_kind k, int router, struct in6_addr src, struct in6_addr home, const uint8_t *octets, size_t len);
struct fbu fbu_to(int link, uint16_t seq); /* what the mobile at PAR would write: A, H, alternate CoA, link-layer address, BADF */
struct hi hi_for(int link, uint16_t seq);  /* what PAR would write: the mobile at PAR goes to that link; U */
struct tuple tuple_of(int link);           /* its AP and everything about it */

/* From now on: what the new router says is replaced by this, with the sequence number it should have; and what PAR says. */
void hack_instead(struct hack m);
void fback_instead(struct fback m);

/* What was sent, by the daemons or by hand; n counts from 1. */
struct word {
	enum sim_kind kind;
	bool by_hand;
	unsigned at;
	int router;
	struct in6_addr src, dst, home;
	const uint8_t *octets;
	size_t len;
	struct rtsolpr rtsolpr; /* that of its kind is filled in */
	struct prrtadv prrtadv;
	struct fbu fbu;
	struct fback fback;
	struct hi hi;
	struct hack hack;
	struct nd_na una;
	struct naack naack;
};
int word_read(struct word *w); /* fills in what its octets say; 0, or -EBADMSG */
const struct word *sent(enum sim_kind k, unsigned n); /* zeros if there was none */
const struct word *last(enum sim_kind k);
struct in6_addr coa_of(const struct word *fbu); /* what its authenticator covers */
unsigned times_sent(enum sim_kind k);
unsigned probes_for(int router); /* of duplicate address detection, by that router */
unsigned count(enum sim_kind k, int router, bool by_hand); /* through or on the link of that router */

uint64_t counted(int counter); /* since the scenario began */
bool flows(void);                    /* lets time pass: what is sent to the mobile's first address comes */

/* The judge: of every run. */
extern const struct sim_eyes judge_eyes;
void judge_open(void);
void judge_sent(const struct word *w);
void judge_close(void);
unsigned judge_faults(void);
void judge_answers_are_not_due(void); /* the scenario gives them */
void judge_copies(void);              /* packets may come twice */
void judge_key_is_wrong(void);        /* the mobile's */
void judge_disturbed(void);     /* a router has lost its memory, or a message came beyond every timer */
bool judge_proxied(int router); /* does it defend an address now? */
unsigned judge_present(int router); /* how often a neighbour entry was made there */
bool key_verifies(const struct in6_addr *pcoa, const struct in6_addr *coa, const struct in6_addr *par, const uint8_t *octets, size_t len);

#endif
