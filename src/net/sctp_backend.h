/*
 * What the two SCTP backends and the front (sctp.c) say to each other. Private to src/net/sctp*.c and their tests.
 *
 * The front owns peers, reconnect, limits and counters; a backend owns sockets and associations. The front calls the
 * backend's table, the backend calls sctp_event_*. A backend never calls an event from within one of its table's
 * functions: whatever happened there it reports in a later round of the loop.
 *
 * Any event may run a user's callback, and that may forget the peer or close the whole endpoint. A backend therefore
 * brackets its work with sctp_hold and sctp_release, and after each event asks sctp_closed and whether its own object is
 * still there (peer->be) before it goes on.
 */
#ifndef HANDOVERD_NET_SCTP_BACKEND_H
#define HANDOVERD_NET_SCTP_BACKEND_H

#include <uthash.h>

#include "core/log.h"
#include "net/sctp.h"

struct sctp_tx {
	uint32_t ppid;   /* host order */
	const void *data;
	size_t len;
	usec_t lifetime; /* 0: reliable */
	uint32_t serial; /* comes back with sctp_event_abandoned */
};

struct sctp_backend_ops {
	enum sctp_backend kind;
	int (*open)(struct sctp *s); /* 0 or a negative errno, having logged why; -EPROTONOSUPPORT: cannot do this here */
	void (*close)(struct sctp *s); /* every peer has been dropped before */
	/* Starts an association; its end is an event. 0, or a negative errno if it could not even start. */
	int (*connect)(struct sctp_peer *p);
	/* The peer goes: closes its association and frees peer->be. Also for a peer that never had any. */
	void (*drop)(struct sctp_peer *p);
	int (*send)(struct sctp_peer *p, const struct sctp_tx *tx); /* at once; -EAGAIN: the peer's queue is full */
	/* RTO of a peer that is up, and the smoothed round-trip time behind it, in ms. False: not known. */
	bool (*rto)(struct sctp_peer *p, uint32_t *rto, uint32_t *srtt);
	void (*measure)(struct sctp_peer *p);  /* has the round trip to it measured once more, by a heartbeat */
};

enum sctp_state { SCTP_STATE_IDLE, SCTP_STATE_CONNECTING, SCTP_STATE_ESTABLISHED };

struct sctp_peer {
	struct sctp *s;
	struct in6_addr addr;
	uint16_t port, udp_port;
	enum sctp_state state;
	bool kept; /* announced by sctp_connect: connected again and again */
	bool gone; /* forgotten, its memory waits for sctp_release */
	usec_t backoff;
	usec_t up_since;
	struct timer retry; /* kept: connects again; not kept: an end to waiting for the association */
	struct timer settle; /* up: measures the round trip until RTO is down */
	unsigned settle_left, settle_stuck; /* measurements left; those since one of the two below last fell */
	uint32_t settle_rto, settle_srtt;
	void *be;           /* the backend's */
	uint8_t *part;      /* a message that arrives in pieces */
	size_t part_len;
	bool part_skip; /* the rest of it is thrown away: too long */
	uint32_t serial, abandoned;
	struct sctp_peer *next_gone;
	UT_hash_handle hh;
};

struct sctp {
	struct loop *loop;
	struct sctp_config cfg;
	struct sctp_ops ops;
	void *arg;
	const struct sctp_backend_ops *backend;
	void *be; /* the backend's */
	struct sctp_peer *peers, *gone;
	unsigned held;
	bool closed;
	struct bucket complaints; /* of the log lines that a stranger can cause */
};

extern const struct sctp_backend_ops sctp_kernel_backend, sctp_usrsctp_backend;

/* sctp_open with a backend of the caller's (tests). */
struct sctp *sctp_open_on(const struct sctp_backend_ops *backend, struct loop *l, const struct sctp_config *cfg,
                          const struct sctp_ops *ops, void *arg);

void sctp_hold(struct sctp *s);
void sctp_release(struct sctp *s); /* s may be gone afterwards */
bool sctp_closed(const struct sctp *s);

/*
 * Somebody at addr wants an association: the peer it belongs to, made if the user admits it. NULL: refused (counted and
 * logged here); the backend aborts it and keeps nothing.
 */
struct sctp_peer *sctp_event_knock(struct sctp *s, const struct in6_addr *addr, uint16_t port, uint16_t udp_port);
/* The association stands. For a peer that has one already: a newer one has taken its place, which counts as a restart. */
void sctp_event_up(struct sctp_peer *p);
void sctp_event_restart(struct sctp_peer *p);
/* The association is gone, or the attempt to set it up has failed. A peer that came by itself is forgotten. */
void sctp_event_down(struct sctp_peer *p, const char *reason);
/* A message, or the next piece of one; `end` with the last. ppid in host order. */
void sctp_event_data(struct sctp_peer *p, uint32_t ppid, const uint8_t *data, size_t len, bool end);
void sctp_event_part_lost(struct sctp_peer *p); /* the message that has begun to arrive will not be completed */
void sctp_event_abandoned(struct sctp_peer *p, uint32_t serial); /* may come once for each fragment of a message */

/* A duration in whole milliseconds, rounded up, at most `max`. */
uint32_t sctp_msec(usec_t t, uint32_t max);

#endif
