/*
 * CXTP's machines by the thousand under the virtual clock: routers, mobiles that move between them as a Poisson process,
 * links that lose, double and overtake, strangers that forge and replay. No sockets, no daemon; one seed, one course.
 *
 * Every machine is the daemon's. Routers have theirs for good. A mobile has its own from its departure until a minute after
 * its arrival, longer than any sequence number must be remembered; between movements it is only where it is.
 *
 * What must hold is looked at with every message, and at every router once in each second of the clock:
 *  - a mobile has one transfer at a time: its previous router does not begin another while one is outstanding, and what it
 *    has is put in force once, where it is;
 *  - a key is gone before what it authorized is in force, with the word that all is done, and after its time;
 *  - contexts are put in force only for a mobile that asked there with a token of its own, and they are that mobile's;
 *  - every transfer ends, at all three of its parties, and in the end nothing is left: no transfer, key, octet.
 */
#ifndef HANDOVERD_TESTS_CROWD_CXTP_H
#define HANDOVERD_TESTS_CROWD_CXTP_H

#include "cxtp/cxtp_params.h"
#include "cxtp/cxtp_wire.h"

/* Shares are of one: 0.01 is one in a hundred. */
struct crowd_config {
	uint32_t routers, mobiles;
	uint64_t seed;
	usec_t span;      /* movements begin for so long; then everything comes to its end */
	usec_t dwell;     /* mean time that a mobile stays at a router */
	double announced; /* of movements: a CTAR goes to the previous router first */
	double stays;     /* of announced ones: nothing comes of it */
	double elsewhere; /* of announced ones: it comes to another router than it said */
	double forged;    /* strangers' CTARs for each movement */
	double lost, doubled, late; /* of messages; late: by up to 150 ms, overtaken */
	struct cxtp_params params;
};
/* Everyday proportions for that many, and the daemon's presets. */
struct crowd_config crowd_everyday(uint32_t routers, uint32_t mobiles, uint64_t seed);

#define CROWD_TYPES (CXTP_CTREQ + 1)
struct crowd_report {
	char violation[256]; /* "": none */
	uint64_t movements, announced, stayed, elsewhere, forged, replayed;
	uint64_t asked;      /* transfers: mobiles that came to a new router and asked for their contexts */
	uint64_t in_place, failed, cancelled; /* what became of them: the mobile's word, but for in_place, the router's */
	uint64_t sent[CROWD_TYPES], again[CROWD_TYPES], octets[CROWD_TYPES]; /* messages, those of them sent before, by type */
	uint64_t lost, doubled;
	uint32_t *waits;     /* µs from arrival at the new router to contexts in place, in order; in_place of them; the caller's */
	uint64_t steps;      /* messages that arrived */
	uint64_t audits;
	size_t transfers_most;  /* records at all routers at one time */
	double router_octets;   /* of memory: a router without transfers */
	double mobile_octets;   /* of memory at all routers and machines of mobiles, at its most, by mobile */
	usec_t ended;           /* of the virtual clock, from its start */
};

/* False: something did not hold; report->violation names it. */
bool crowd_run(const struct crowd_config *cfg, struct crowd_report *report);

#endif
