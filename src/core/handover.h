/*
 * The timeline of one handover as this node saw it: which step happened when, and what came of it. One movement is one
 * record, whatever protocols take part. The notation is RFC 4260's: link-layer steps 0-6 (§4), FMIPv6 messages a-g (§5).
 */
#ifndef HANDOVERD_CORE_HANDOVER_H
#define HANDOVERD_CORE_HANDOVER_H

#include "core/addr.h"
#include "core/bus.h"
#include "core/counter.h"
#include "core/loop.h"

enum {
	HANDOVER_COUNT_RUNNING,
	HANDOVER_COUNT_STARTED,
	HANDOVER_COUNT_COMPLETE,
	HANDOVER_COUNT_FAILED,
	HANDOVER_COUNT_CANCELLED,
	HANDOVER_COUNT_STEPS_LOST,
	HANDOVER_COUNTERS
};
extern struct counter handover_counters[HANDOVER_COUNTERS]; /* shown as handovers.… */

enum handover_step {
	/* RFC 4260 §4. On a plain wire: an upper-layer trigger naming an AP stands for 1, carrier lost for 2 (and for 1, if
	 * nothing announced it), carrier found for 3-6. */
	STEP_0_DEGRADED,
	STEP_1_SCAN,
	STEP_2_JOIN,
	STEP_3_AUTH,
	STEP_4_ASSOC,
	STEP_5_8021X,
	STEP_6_L2UPDATE,
	/* RFC 4260 §5 */
	STEP_A_RTSOLPR,
	STEP_B_PRRTADV,
	STEP_C_FBU,
	STEP_D_HI,
	STEP_E_HACK,
	STEP_F_FBACK,
	STEP_G_UNA, /* UNA (RFC 5568) or FNA (RFC 4068) */
	/* CXTP; no letter in the notation */
	STEP_CTAR_PAR, /* CTAR to the previous router, before the move */
	STEP_PCTD,
	STEP_CTAR_NAR,
	STEP_CTREQ,
	STEP_CTD,
	STEP_CTDR,
	STEP_CTAA,
	STEP_CTC,
	/* what the node did */
	STEP_TUNNEL,   /* pAR: packets for the PCoA go into the tunnel from here on */
	STEP_HOLD,     /* nAR: hold begins */
	STEP_RELEASE,  /* nAR: release begins */
	STEP_RELEASED, /* nAR: last held packet is out, path is direct */
	STEP_CONTEXTS, /* nAR: contexts installed */
	STEP_BU,       /* fall to Mobile IPv6 */
	STEP_FIRST_PACKET, /* MN: first packet for the PCoA on the new link */
	STEP_RA,      /* MN: a Router Advertisement told that this is another link */
	STEP_CARE_OF, /* MN: the care-of address for it can be used */
	STEP_BA,      /* MN: the home agent has acknowledged */
	STEPS
};
enum handover_role { HANDOVER_PAR, HANDOVER_NAR, HANDOVER_MN };
enum handover_mode { HANDOVER_PREDICTIVE, HANDOVER_REACTIVE, HANDOVER_NETWORK, HANDOVER_MOBILE_IP };
enum handover_result { HANDOVER_RUNNING, HANDOVER_COMPLETE, HANDOVER_FAILED, HANDOVER_CANCELLED };

/* '0'..'6', 'a'..'g', or 0. */
char handover_step_letter(enum handover_step s);
const char *handover_step_name(enum handover_step s); /* "scan", "FBU", "PCTD"…; API, listed in handoverctl(8) */
const char *handover_role_name(enum handover_role r);     /* "par", "nar", "mn" */
const char *handover_mode_name(enum handover_mode m);     /* "predictive", "reactive", "network", "mobile-ip" */
const char *handover_result_name(enum handover_result r); /* "running", "complete", "failed", "cancelled" */

/* Steps kept per handover, repeats included. Beyond, repeats are counted, not kept; a first occurrence always is. */
#define HANDOVER_STEPS_MAX 48
#define HANDOVER_CONTEXTS_MAX 16

struct handover_mark {
	uint8_t step;
	usec_t at;
};
struct handover_context {
	uint16_t fpt;
	uint8_t status; /* 0 transferred and installed */
	char name[22];
};

struct handover {
	uint64_t id;
	enum handover_role role;
	enum handover_mode mode;
	enum handover_result result;
	struct in6_addr pcoa; /* names the mobile; set by handover_open, not to be changed */
	struct in6_addr ncoa; /* unspecified until known */
	struct in6_addr par;  /* addresses of the two routers */
	struct in6_addr nar;
	char from[64], to[64]; /* their names, if known; "": the address is shown */
	char reason[96]; /* why failed, cancelled, or devolved; "" */
	usec_t started, ended;
	usec_t gap_start, gap_end;  /* MN: link-layer gap (carrier lost → found) */
	usec_t interruption;        /* MN: last packet before → first after, or gap if no traffic; 0 not known */
	uint64_t held, held_dropped; /* nAR */
	uint8_t steps_n, contexts_n;
	uint32_t steps_lost;
	struct handover_mark steps[HANDOVER_STEPS_MAX];
	struct handover_context contexts[HANDOVER_CONTEXTS_MAX];
};

struct handovers;
/* Keeps the last `limit` ended records and all running ones up to `limit` (then the oldest running one is cancelled). */
struct handovers *handovers_create(struct loop *l, struct bus *bus, size_t limit);
void handovers_destroy(struct handovers *t);
/* Opens a record and publishes BUS_HANDOVER_STARTED. Borrowed pointer, valid until the handover has ended and the event
 * BUS_HANDOVER_ENDED was delivered; look it up by id after that. NULL: no memory. */
struct handover *handover_open(struct handovers *t, enum handover_role role, enum handover_mode mode,
                               const struct in6_addr *pcoa);
struct handover *handover_by_id(const struct handovers *t, uint64_t id); /* running or ended; NULL: none (any more) */
/* The running one; of several of one role and mobile the newest. */
struct handover *handover_running(const struct handovers *t, enum handover_role role, const struct in6_addr *pcoa);
/* The running record of whatever role whose PCoA or NCoA is addr, the newest of several; NULL: none. */
struct handover *handover_of(const struct handovers *t, const struct in6_addr *addr);
/*
 * Marks a step, now or when it was really seen (which may be before the record was opened), and publishes
 * BUS_HANDOVER_STEP. A record that has ended still takes steps: contexts may come after the packets' way was settled, and
 * it was one movement. h may be NULL: ignored.
 */
void handover_step(struct handovers *t, struct handover *h, enum handover_step s);
void handover_step_at(struct handovers *t, struct handover *h, enum handover_step s, usec_t at);
void handover_context(struct handover *h, uint16_t fpt, const char *name, uint8_t status); /* adds or updates */
/* It goes on as another kind, and says why. That reason stays if it completes without another. h may be NULL or ended: ignored. */
void handover_devolve(struct handover *h, enum handover_mode m, const char *reason);
/* Ends it, publishes BUS_HANDOVER_ENDED. fmt gives the reason; NULL or an empty text: the one that is there stays. Ended
 * already: ignored. */
void handover_close(struct handovers *t, struct handover *h, enum handover_result r, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * The observed scenario: letters in order of their first occurrence in time. An answer does not precede its question (b
 * after a, e after d, f after c): what was seen of it before the question, in the same microsecond or unsolicited, counts
 * as seen right after it. out is NUL-terminated.
 */
#define SCENARIO_STRLEN 24
const char *handover_scenario(const struct handover *h, char out[SCENARIO_STRLEN]);

struct output;
void handover_show(struct handovers *t, const struct handover *h, struct output *o); /* one item's members (no begin/end) */
void handovers_show(struct handovers *t, struct output *o);                          /* list, newest last */

#endif
