/*
 * A small world for CXTP's machines under the virtual clock: one mobile, its previous and its new router, a third router,
 * and links between them that lose, double and delay what they are told to. No sockets, no daemon.
 *
 * Who wants to judge more than the trace puts on eyes: they are told of everything while it happens.
 */
#ifndef HANDOVERD_TESTS_SIM_CXTP_H
#define HANDOVERD_TESTS_SIM_CXTP_H

#include "core/feature.h"
#include "cxtp/cxtp_mn.h"
#include "cxtp/cxtp_nar.h"
#include "cxtp/cxtp_par.h"

enum sim_router { SIM_PAR, SIM_NAR, SIM_OTHER, SIM_ROUTERS };
enum sim_fault { SIM_LOSE, SIM_DOUBLE, SIM_DELAY };

#define SIM_FPT_GROUPS 1      /* the world's two features: as many blocks as the scenario says, */
#define SIM_FPT_OTHER 0x4001  /* and one block, whose installation may fail */

#define SIM_FAULTS 16
#define SIM_WIRELESS (2 * USEC_MSEC) /* one way, mobile to router */
#define SIM_WIRED (5 * USEC_MSEC)    /* one way, router to router */

struct sim;
struct sim_router_state {
	struct sim *sim;
	enum sim_router which;
	struct in6_addr address; /* in the tables of the others */
	struct in6_addr on_link; /* on its access link */
	struct cxtp_rate rate;
	struct cxtp_par *par;
	struct cxtp_nar *nar;
	bool unreachable;        /* no association to it */
	unsigned collected, installed, forgot; /* context blocks; mobiles */
	bool overheard;          /* contexts went to an address that is not the mobile's */
};

struct sim_eyes {
	void (*sent)(struct sim *s, const char *what, const struct in6_addr *from, const struct in6_addr *to, const void *msg,
	             size_t len);
	/* A message is about to enter a machine of that router. */
	void (*arrived)(struct sim *s, enum sim_router at, const struct in6_addr *from, const struct cxtp_message *m);
	void (*installed)(struct sim *s, enum sim_router at, const struct feature_subject *subject, uint16_t fpt, uint8_t status);
	void (*forgot)(struct sim *s, enum sim_router at, const struct in6_addr *pcoa);
	void (*router_done)(struct sim *s, enum sim_router at, const struct in6_addr *pcoa, bool complete);
	void (*mobile_done)(struct sim *s, const struct in6_addr *pcoa, const struct in6_addr *addr, bool complete);
	void (*mobile_context)(struct sim *s, uint16_t fpt, uint8_t status);
};

struct sim {
	struct loop *loop;
	struct cxtp_params params;
	struct sim_router_state routers[SIM_ROUTERS];
	struct cxtp_mn *mn;
	struct secret *master;
	size_t secrets_before;
	struct in6_addr pcoa, ncoa, stranger;
	struct in6_addr at[SIM_ROUTERS]; /* the mobile's address on each link; pcoa and ncoa are the first two */
	struct in6_addr second;   /* another mobile at the previous router: what it sends is injected */
	bool own_likeliest;       /* routers guess right which of their addresses the mobile uses */
	bool expected_known;      /* the new router knows NCoA from a handover */
	unsigned collects;        /* blocks that the mobile has at its previous router */
	bool forgets, gone[SIM_ROUTERS]; /* a router that forgot the mobile has no contexts of it; gone: it did */
	uint8_t install_status;   /* what installing the second feature says */
	uint32_t random;
	struct {
		char what[16];
		enum sim_fault fault;
		usec_t delay;
		unsigned left;
	} faults[SIM_FAULTS];
	size_t faults_n;
	char trace[4096];         /* messages in the order they were sent; ! lost, + doubled, ~ delayed */
	const char *mn_end, *par_end, *nar_end; /* last result each machine told: "complete"… */
	unsigned in_flight;
	unsigned sent;            /* messages, injected ones too if inject_counts */
	bool inject_counts;       /* what is injected is traced, and disturbed like everything else */
	struct {
		unsigned message; /* which one of all, from 1; 0: none */
		enum sim_fault fault;
		usec_t delay;
	} disturb;
	uint32_t weather;         /* not 0: a quarter of all messages meets some fault, by these dice */
	const struct sim_eyes *eyes;
	uint8_t last_ctar[2048];  /* what the mobile sent last */
	size_t last_ctar_len;
};

void sim_open(struct sim *s, bool v4);
void sim_close(struct sim *s);
void sim_fault(struct sim *s, const char *what, enum sim_fault fault, unsigned times, usec_t delay);
void sim_restart(struct sim *s, enum sim_router which);

/* What the mobile does. */
void sim_prepare(struct sim *s, enum sim_router to);
void sim_attach(struct sim *s, enum sim_router from, enum sim_router to);

/* Before the scenario: the mobile comes from the third router to its previous one, whose contexts follow it; then nothing of
 * that is counted or traced any more, but both know its sequence number. */
void sim_arrive(struct sim *s);
/* It loses all it knows. */
void sim_restart_mobile(struct sim *s);

/* What triggers at the routers do. */
int sim_trigger_par(struct sim *s, const enum sim_router *to, size_t n);
int sim_trigger_nar(struct sim *s, enum sim_router at);

/* What anybody on a link, or a neighbour, can do: octets to a machine. */
void sim_inject_ctar(struct sim *s, enum sim_router to, const struct in6_addr *from, const void *msg, size_t len);
void sim_inject(struct sim *s, enum sim_router from, enum sim_router to, const struct cxtp_message *m);

#endif
