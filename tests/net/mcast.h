/* Multicast senders and receivers for tests: numbered packets, one socket each, in the namespace where they were opened. The
 * group's family is theirs. */
#ifndef HANDOVERD_TESTS_MCAST_H
#define HANDOVERD_TESTS_MCAST_H

#include "nslab.h"

struct mcast_sender {
	int fd;
	uint32_t next;
	struct in6_addr group;
};
struct mcast_sender mcast_sender(const char *group, const char *interface);
struct mcast_sender mcast_sender_from(const char *group, const char *interface, const char *source);
void mcast_send(struct mcast_sender *s);

struct mcast_receiver {
	int fd, n;        /* packets received */
	uint32_t first, last;
	int gaps;         /* times a number was not the one after the last */
	struct loop_fd *watch;
};
/* join false: receives without a membership of its own (the host sends no report). Watched by l; stays where it is. */
void mcast_receive(struct mcast_receiver *r, struct loop *l, const char *group, const char *interface, bool join);
/* From these sources only (RFC 3678). */
void mcast_receive_from(struct mcast_receiver *r, struct loop *l, const char *group, const char *interface, const char *source);
void mcast_leave(struct mcast_receiver *r, const char *group, const char *interface);
void mcast_close(struct mcast_receiver *r);

#endif
