/*
 * SCTP between routers behind one interface with two backends: the kernel's (lksctp), and usrsctp where the kernel has
 * none, natively (IP protocol 132) or in UDP (RFC 6951). Message-oriented, one stream, unordered, no bundling delay,
 * PR-SCTP lifetime per message (RFC 4067 §3, RFC 3758). Single-threaded: everything happens in the loop.
 *
 * An endpoint both listens and connects. Between two endpoints there is at most one association, whoever set it up; a
 * collision of two connects resolves itself (RFC 9260 §5.2). Associations are kept up: lost ones are connected again with
 * backoff, a restarted peer is noticed.
 */
#ifndef HANDOVERD_NET_SCTP_H
#define HANDOVERD_NET_SCTP_H

#include "core/addr.h"
#include "core/counter.h"
#include "core/loop.h"

/*
 * libsctp and libusrsctp export functions of their own by some of these names; hidden, ours can neither be taken for theirs
 * at run time nor theirs for ours. <netinet/sctp.h> cannot be included beside this header; <linux/sctp.h> can.
 */
#pragma GCC visibility push(hidden)

enum sctp_backend { SCTP_AUTO, SCTP_KERNEL, SCTP_USRSCTP };

struct sctp_config {
	enum sctp_backend backend;
	struct in6_addr local;   /* address to bind; unspecified: any (by the kernel's SCTP multihomed; usrsctp stays with the
	                            one that the peer knows) */
	uint16_t port;           /* 5091 for CXTP */
	uint16_t udp_port;       /* RFC 6951 encapsulation, local port; 0: plain IP */
	usec_t rto_min, rto_initial, rto_max;
	usec_t sack_delay;       /* 0: no delayed SACK */
	usec_t heartbeat;
	uint32_t max_message;    /* octets; larger incoming ones are dropped and counted */
	size_t max_peers;
	size_t queue_limit;      /* octets queued to one peer before sends are refused, as the backend counts them: the kernel
	                            allows twice as many and counts its overhead; at least one max_message fits */
	usec_t retry_min, retry_max; /* reconnect backoff */
};

struct sctp;
struct sctp_peer;

/*
 * Callbacks, any of them NULL if not wanted (no admit: nobody is). All run from the loop, never from within a call to
 * these functions, and may call all of them: forget a peer, even close the endpoint. A peer that came by itself (admitted,
 * not announced) ceases to exist when its down callback has returned, unless that announces it.
 */
struct sctp_ops {
	/*
	 * A peer not announced by sctp_connect asks in: may it? (is it a neighbour, is its protection up) Asked for each
	 * packet of a stranger that asks: must be quick. A refused one gets an ABORT.
	 */
	bool (*admit)(const struct in6_addr *addr, void *arg);
	/* The association to addr stands / is gone / was restarted by the peer (after which everything the peer knew is lost). */
	void (*up)(struct sctp_peer *p, void *arg);
	void (*down)(struct sctp_peer *p, const char *reason, void *arg);
	void (*restarted)(struct sctp_peer *p, void *arg);
	void (*message)(struct sctp_peer *p, uint32_t ppid, const uint8_t *data, size_t len, void *arg);
};

/* NULL: could not be opened; why has been logged. All endpoints of a process on usrsctp must share one loop. */
struct sctp *sctp_open(struct loop *l, const struct sctp_config *cfg, const struct sctp_ops *ops, void *arg);
void sctp_close(struct sctp *s); /* ends associations: SHUTDOWN by the kernel, else ABORT. Calls nothing back */
enum sctp_backend sctp_backend(const struct sctp *s); /* the one in use */
/* Keeps an association to addr:port from now on. udp_port: the peer's encapsulation port, 0 plain. NULL: full or no memory. */
struct sctp_peer *sctp_connect(struct sctp *s, const struct in6_addr *addr, uint16_t port, uint16_t udp_port);
void sctp_forget(struct sctp_peer *p); /* closes it like sctp_close; no reconnect, no callback */
struct sctp_peer *sctp_find(const struct sctp *s, const struct in6_addr *addr);
const struct in6_addr *sctp_peer_addr(const struct sctp_peer *p);
bool sctp_peer_up(const struct sctp_peer *p);
/* At once, unordered, with lifetime (0: reliable). 0, or -ENOTCONN, -ENOBUFS (queue limit, counted), -EMSGSIZE. */
int sctp_send(struct sctp_peer *p, uint32_t ppid, const void *data, size_t len, usec_t lifetime);

enum { SCTP_UP, SCTP_DOWN, SCTP_RESTARTS, SCTP_REFUSED, SCTP_SENT, SCTP_RECEIVED, SCTP_QUEUE_FULL, SCTP_TOO_LONG, SCTP_ABANDONED,
	SCTP_COUNTERS };
extern struct counter sctp_counters[SCTP_COUNTERS];

#pragma GCC visibility pop

#endif
