/*
 * A numbered UDP stream between two network namespaces, for tests that count every packet: a process that sends at a
 * steady rate, a process that receives, and what both saw in memory shared with the test.
 */
#ifndef HANDOVERD_TESTS_STREAM_H
#define HANDOVERD_TESTS_STREAM_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/loop.h"

#define STREAM_PACKETS 4000000

struct stream_seen {
	volatile uint64_t sent, send_errors;
	volatile uint64_t received, duplicated, reordered, highest /* + 1 */;
	volatile int stop_sending, ready;
	volatile uint64_t longest_gap; /* µs between two arrivals */
	uint8_t seen[STREAM_PACKETS];
};

struct stream {
	struct stream_seen *s;
	pid_t sender, receiver;
};

/* src unspecified: any. Packets of `size` octets of UDP payload, `rate` a second. Returns when the receiver listens. */
struct stream stream_start(int ns_from, int ns_to, const struct in6_addr *src, const struct in6_addr *dst, unsigned port,
                           unsigned rate, unsigned size);
/* Ends the sender, runs the loop until all has come or nothing comes any more, ends the receiver. */
void stream_finish(struct stream *st, struct loop *l);
uint64_t stream_lost(const struct stream *st);
void stream_free(struct stream *st);

#endif
