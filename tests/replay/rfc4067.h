/*
 * RFC 4067 told in scenarios: the words they are written in, and the table of its sentences.
 *
 * A scenario is a function. It runs undisturbed, once with IPv6 and once with IPv4; then again for each message that was
 * sent then: with this one lost, doubled, late by a little, late beyond every timer of a transfer, and with a router that
 * restarts when it is sent; and in bad weather, when any message may be lost, doubled or late. What a scenario expects
 * counts in the undisturbed runs only; the judge (rfc4067_judge.c) watches all of them.
 *
 * The stage: a mobile that begins at PAR, three routers that are neighbours of each other, a stranger on each link. It takes
 * 2 ms to a router and 5 ms between routers. Times are milliseconds since the scenario began.
 */
#ifndef HANDOVERD_TESTS_RFC4067_H
#define HANDOVERD_TESTS_RFC4067_H

#include "cxtp/cxtp_count.h"
#include "sentences.h"
#include "sim_cxtp.h"

extern const struct sentence rfc4067_overview[], rfc4067_activate[], rfc4067_data[], rfc4067_transport[], rfc4067_flows[],
	rfc4067_security[];

/* The stage. */
#define PAR SIM_PAR
#define NAR SIM_NAR
#define OTHER SIM_OTHER
extern struct sim stage;
struct disturbance {
	const char *name;
	enum sim_fault fault;
	usec_t delay;
	bool restarts; /* instead: */
	enum sim_router who;
	bool weather; /* instead: all messages meet it; the number is the dice's, not a message's */
};
void stage_open(bool v4, unsigned message, const struct disturbance *d); /* message 0: undisturbed */
bool stage_close(const char *scenario); /* false: something was not as it must be, which it has said */

/* Time. */
void at(unsigned ms);
void settle(void); /* until nothing is left to wait for */

/* What the mobile does. */
void mobile_has_come(void); /* first of all: it came to PAR by a transfer, so both know a sequence number; time begins then */
void mobile_restarts(void);
void mobile_announces(enum sim_router to);
void mobile_moves(enum sim_router to); /* from where it is; its address there works at once */
void mobile_stays(void);               /* back on the link that it was about to leave */

/* Triggers at the routers. Of the previous one: what cxtp_par_push returned. */
int par_foresees(enum sim_router to);
int par_foresees_one_of(enum sim_router a, enum sim_router b);
int nar_foresees(enum sim_router at);
void nar_wants_no_more(enum sim_router at);

/* Messages by hand. Requests: the CDBs of a CTAR or CT-Req. */
struct octets {
	const uint8_t *p;
	size_t len;
};
#define ALL ((struct octets){ 0 })
struct octets only(uint16_t fpt);
struct octets both(uint16_t a, uint16_t b);
struct cxtp_message ctar(uint32_t seq, struct octets request); /* of the mobile that began at PAR; its token is right */
struct cxtp_message ctreq(uint32_t seq, struct octets request);
struct cxtp_message contexts(enum cxtp_type type, struct octets blocks); /* CTD or PCTD, the latter with key_of(7) */
struct cxtp_message word(enum cxtp_type type);                           /* CTDR (S set) or CTC */
void authorize(struct cxtp_message *m);                                  /* the right token for what m says now */
void key_of(uint32_t seq, uint8_t out[20]);

void mobile_sends(enum sim_router to, struct cxtp_message m); /* a CTAR on to's link; names the other router */
void stranger_sends(enum sim_router to, struct cxtp_message m);
void router_sends(enum sim_router from, enum sim_router to, struct cxtp_message m);
void restart(enum sim_router which);
void feature_answers(enum sim_router at, uint8_t status); /* one that said FEATURE_PENDING when it was installed */

/* What is expected. */
#define EXPECT_SENT(text) stage_expect_sent(text, __FILE__, __LINE__)
void stage_expect_sent(const char *trace, const char *file, int line); /* all of it, in order: see sim_cxtp.h */

/* "CTAR.par" goes to the router where the mobile is, "CTAR.nar" to a new one. n counts from 1. */
const struct cxtp_message *sent(const char *what, unsigned n); /* zeros if there was none */
struct octets octets_sent(const char *what, unsigned n);
unsigned times_sent(const char *what);
unsigned when_sent(const char *what, unsigned n);
bool sent_to(const char *what, unsigned n, const struct in6_addr *to);

unsigned in_place(enum sim_router at); /* blocks in force there, for the mobile */
size_t keys_at(enum sim_router at);
size_t octets_at(enum sim_router at);  /* of contexts kept for later */
unsigned transfers_at(enum sim_router at);
uint64_t counted(enum cxtp_counter c); /* since the scenario began */
unsigned told(void);                   /* how often the mobile heard how its move ended; and the last of it: */
bool told_all(void);
uint8_t told_status(uint16_t fpt);     /* 0: not listed */
uint8_t status_in(const struct cxtp_message *m, uint16_t fpt); /* of a CTAA or CTDR; 255: not listed */
unsigned released(enum sim_router at); /* how often the router let the mobile's traffic go on */
unsigned when_released(enum sim_router at);

/* The judge: of every run. */
extern const struct sim_eyes judge_eyes;
void judge_open(void);
void judge_watch(void);              /* after every event */
void judge_close(bool answer_due);   /* at the end, when nothing is left to wait for */
void judge_answered(enum sim_router at, uint8_t status);
void judge_restarted(enum sim_router which);
void judge_stimulus(enum sim_router at); /* something that may start a transfer there */
unsigned judge_faults(void);         /* how often a rule was broken */

#endif
