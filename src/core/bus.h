/*
 * The bus: typed notifications between modules that do not know each other. Delivery is synchronous, in the order of
 * subscription; a subscriber may unsubscribe itself or others, and may publish, from within its callback.
 *
 * Triggers and steps are one vocabulary, RFC 4260's: link-layer steps 0-6, FMIPv6 steps a-g (core/handover.h), whoever
 * observed them: a radio, a carrier change, an operator, a peer's message.
 */
#ifndef HANDOVERD_CORE_BUS_H
#define HANDOVERD_CORE_BUS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/addr.h"
#include "core/home.h"
#include "core/loop.h"

struct bus;
struct handover;
struct mobile;
struct neighbor;

enum bus_topic {
	/* A link's carrier or a radio's association. Payload link. */
	BUS_LINK,
	/* Someone wants a mobile to move: operator, radio policy. Payload request; a subscriber that takes it sets taken, or
	 * writes a reason. Nobody taking it means: refused. */
	BUS_HANDOVER_REQUEST,
	/* A handover record was opened / got a step / got its result. Payload handover (+ step). */
	BUS_HANDOVER_STARTED,
	BUS_HANDOVER_STEP,
	BUS_HANDOVER_ENDED,
	/* pAR: an authenticated request to move was accepted and the NAR is known (FBU accepted, before HI): push contexts now.
	 * Payload handover. */
	BUS_HANDOVER_PREPARE,
	/* MN: a handover's request to move (predictive FBU) is about to leave, and a subscriber may put up to RIDER_MAX octets of
	 * its own into it: it fills data and len. pAR: one with such octets was accepted, after BUS_HANDOVER_PREPARE. Payload
	 * rider. */
	BUS_HANDOVER_RIDER,
	/* MN: a fast handover has failed after the link had changed, and its record is about to end. A subscriber that can go on
	 * with it, by Mobile IPv6, sets taken, and the record is its own from then on. Payload devolve. */
	BUS_HANDOVER_DEVOLVE,
	/* MN: attached to the new link and NCoA usable. nAR: the mobile announced itself (UNA, FNA). Payload attach. */
	BUS_MOBILE_ATTACHED,
	/* nAR: the contexts of this handover are in place, or will not come. Payload contexts. */
	BUS_CONTEXTS_DONE,
	/* nAR: a feature that said FEATURE_PENDING has its answer, for one block. Payload installed. */
	BUS_CONTEXT_INSTALLED,
	/* A mobile entered the table / got or lost an address / leaves it. Payload mobile. */
	BUS_MOBILE_ADDED,
	BUS_MOBILE_REMOVED,
	/* A neighbour's protection (IPsec) or its association came up or went down. Payload neighbor. */
	BUS_NEIGHBOR_PROTECTION,
	BUS_NEIGHBOR_ASSOCIATION,
	/* nAR: a mobile that keeps an address of another router's link is awaited or here (on), with that address; or no longer.
	 * Once for each address; said again when it arrives. Payload visit. */
	BUS_MOBILE_VISITS,
	/* MN: who has a home address, and which way leads to it (core/home.h). Payload home. */
	BUS_HOME,
	BUS_TOPICS
};

struct bus_note {
	enum bus_topic topic;
	usec_t at; /* filled by bus_publish if zero */
	union {
		struct {
			int ifindex;
			bool up;
			struct lladdr ap; /* AP-ID if the link layer tells, else len 0 */
		} link;
		struct {
			struct in6_addr mobile; /* unspecified: this node itself (role mobile-node) */
			struct lladdr ap;       /* target AP-ID, or len 0 */
			struct in6_addr router; /* target router, if no AP-ID */
			bool taken;
			char reason[160]; /* why not */
		} request;
		struct {
			struct handover *handover; /* borrowed */
			int step;                  /* BUS_HANDOVER_STEP: enum handover_step */
		} handover;
		struct {
			struct handover *handover; /* borrowed */
			const char *reason;        /* borrowed: which timer or error, its limit and what it came to */
			bool taken;
		} devolve;
		struct {
			struct handover *handover; /* borrowed; its role says which side this is */
			struct in6_addr par;       /* the request's destination */
			int ifindex;               /* pAR: of the mobile's link */
			uint8_t *data;             /* borrowed; RIDER_MAX octets */
			size_t len;
		} rider;
		struct {
			struct handover *handover; /* may be NULL */
			struct in6_addr addr;      /* NCoA */
			struct in6_addr previous;  /* PCoA, or unspecified if not known */
			struct lladdr lladdr;
			int ifindex;
		} attach;
		struct {
			struct in6_addr previous; /* PCoA, the address that names the mobile in CXTP */
			struct in6_addr addr;     /* NCoA if known */
			bool complete;            /* every context in place */
		} contexts;
		struct {
			struct in6_addr previous; /* the subject's */
			uint16_t fpt;
			uint8_t status;     /* as install would have returned it, FEATURE_PENDING excepted */
			const char *reason; /* borrowed; more words about a failure, or NULL */
		} installed;
		struct {
			struct mobile *mobile; /* borrowed */
		} mobile;
		struct {
			struct neighbor *neighbor; /* borrowed */
			bool up;
		} neighbor;
		struct {
			struct in6_addr addr;
			struct lladdr lladdr;
			int ifindex; /* 0: not seen yet */
			bool on;
		} visit;
		struct home home;
	} u;
};

#define RIDER_MAX 128

typedef void bus_fn(struct bus_note *note, void *arg);

struct bus *bus_create(struct loop *l);
void bus_destroy(struct bus *b); /* frees the subscriptions that are left; not from within a callback */
/* A subscription made from within a callback gets the next note, not the one under way. */
struct bus_sub *bus_subscribe(struct bus *b, enum bus_topic topic, bus_fn *fn, void *arg); /* NULL: no memory */
void bus_unsubscribe(struct bus_sub *s);                                                   /* NULL allowed */
/* Publications within publications end at a depth of 32: the note is dropped and an error logged. */
void bus_publish(struct bus *b, struct bus_note *note);

#endif
