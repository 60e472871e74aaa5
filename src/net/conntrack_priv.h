/* ctnetlink's bytes (conntrack_nl.c) for the table of flows (conntrack.c). */
#ifndef HANDOVERD_NET_CONNTRACK_PRIV_H
#define HANDOVERD_NET_CONNTRACK_PRIV_H

#include <linux/netlink.h>

#include "net/conntrack.h"

/* A message about an entry, from the kernel. False: not about one of this zone, or not understood. */
bool ctnl_parse(const struct nlmsghdr *h, uint16_t zone, struct conntrack_entry *out);

/* A socket for requests that are answered at once. */
int ctnl_open(void); /* negative errno */

/*
 * Several requests in one call of the kernel, which has answered them all when the call returns. answered() gets the
 * request's number in the batch and, of a read, the kernel's message.
 */
enum ctnl_request { CTNL_GET, CTNL_SET, CTNL_DEL };
typedef void ctnl_answer_fn(size_t i, int error, const struct nlmsghdr *h, void *arg);
#define CTNL_BATCH 32
/* n <= CTNL_BATCH; of GET and DEL the tuple counts. */
void ctnl_exchange(int fd, enum ctnl_request what, const struct conntrack_entry *const *e, size_t n, uint16_t zone,
                   ctnl_answer_fn *answered, void *arg);

/* Begins a dump of everything on this socket. 0 or a negative errno. */
int ctnl_dump(int fd);

#endif
