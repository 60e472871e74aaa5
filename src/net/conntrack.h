/*
 * The kernel's connection tracking, found by address. The kernel has no index by address: a dump walks every bucket of its
 * table, filtered or not, which takes 9 to 20 ms for the 262,144 buckets of a router with 4 GiB when they are empty, and
 * half a second when they are full, while the loop stands. So the tuples of its entries are learnt from its events
 * (NEW, DESTROY; 3 µs each), and at a handover each entry of the mobile is asked for by its tuple: 64 in 0.3 ms whatever
 * the table holds, and the state is the one of that moment. Only at the start, and when events were lost, everything is
 * dumped, piece by piece between other work of the loop, at most a millisecond at a time. Entries that were there before the
 * first listener have no DESTROY event in kernels from 5.19 on; they are found dead when they are asked for, or by the next
 * dump.
 *
 * Bounded: entries beyond the limit are not learnt, counted, and looked for again by a dump once a minute at most.
 */
#ifndef HANDOVERD_NET_CONNTRACK_H
#define HANDOVERD_NET_CONNTRACK_H

#include "core/addr.h"
#include "core/counter.h"
#include "core/loop.h"

struct conntrack;

struct conntrack_config {
	uint16_t zone; /* entries of this zone alone are seen and made */
	size_t limit;  /* entries learnt at most */
};

/* The original direction: who spoke first is src. */
struct conntrack_tuple {
	struct in6_addr src, dst;
	uint16_t sport, dport; /* ICMP: identifier, and type << 8 | code; 0 where the protocol has no ports */
	uint8_t proto;
};

/* The bits of TCP's flags that a router can tell another one (the kernel's IP_CT_TCP_FLAG_*). */
enum { CONNTRACK_TCP_SCALE = 1, CONNTRACK_TCP_SACK = 2, CONNTRACK_TCP_CLOSE_INIT = 4, CONNTRACK_TCP_LIBERAL = 8,
	CONNTRACK_TCP_FLAGS = 15 };

/* Pairs: original direction, then reply. */
struct conntrack_entry {
	struct conntrack_tuple tuple;
	uint32_t timeout; /* seconds it has left */
	bool assured;     /* traffic in both directions: it is not dropped early when the table is full */
	bool replied;
	bool nat; /* an address or port is translated; read only */
	bool marked; /* write: mark is to be set */
	uint32_t mark;
	uint8_t tcp_state; /* enum tcp_conntrack, as are the next: only with TCP */
	uint8_t tcp_flags[2], tcp_scale[2];
	uint8_t sctp_state; /* enum sctp_conntrack: only with SCTP */
	uint32_t sctp_vtag[2];
};

/* NULL and errno: the kernel has no connection tracking for us. */
struct conntrack *conntrack_open(struct loop *l, const struct conntrack_config *cfg);
void conntrack_reconfigure(struct conntrack *c, const struct conntrack_config *cfg);
void conntrack_close(struct conntrack *c); /* the kernel's entries stay; NULL allowed */

void conntrack_refresh(struct conntrack *c); /* takes in what the kernel has told since */
/* How many entries of an address are known. */
size_t conntrack_count(const struct conntrack *c, const struct in6_addr *addr);
/* Asks the kernel for entries that begin or end at an address, TCP first, the younger before the older, until max are
 * there; those that turn out to be gone are forgotten. Returns how many. */
size_t conntrack_read(struct conntrack *c, const struct in6_addr *addr, struct conntrack_entry *out, size_t max);
/* Makes entries, or changes those that are there. Returns how many the kernel took; *error: the first negative errno. */
size_t conntrack_write(struct conntrack *c, const struct conntrack_entry *e, size_t n, int *error);
/* Removes the entries of an address, except translated ones: the first of them now, many in steps. */
void conntrack_remove(struct conntrack *c, const struct in6_addr *addr);

enum { CONNTRACK_FLOWS /* gauge */, CONNTRACK_UNTRACKED, CONNTRACK_OVERRUNS, CONNTRACK_DUMPS, CONNTRACK_READ, CONNTRACK_WRITTEN,
	CONNTRACK_WRITE_ERRORS, CONNTRACK_REMOVED, CONNTRACK_COUNTERS };
extern struct counter conntrack_counters[CONNTRACK_COUNTERS];

#endif
