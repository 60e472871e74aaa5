/* The kernel's side of IPv6 multicast forwarding, and memberships as a host. Internal to src/net. */
#ifndef HANDOVERD_NET_MROUTE_KERNEL_H
#define HANDOVERD_NET_MROUTE_KERNEL_H

#include "core/addr.h"
#include "core/buf.h"

#define MROUTE_MIFS 32 /* the kernel's MAXMIFS */

struct mroute_sg { /* hashed as octets */
	struct in6_addr source, group;
};

struct mroute_upcall {
	bool wrong; /* an entry stands, but for another incoming interface; else: no entry */
	int mif;
	struct mroute_sg sg;
};

struct mroute_counts {
	uint64_t right, wrong; /* packets that came in on the entry's interface, and on others */
};

int mroute_kernel_open(void); /* the routing socket, non-blocking; or a negative errno */
int mroute_kernel_mif_add(int fd, int mif, int ifindex);
void mroute_kernel_mif_del(int fd, int mif);
int mroute_kernel_set(int fd, const struct mroute_sg *sg, int parent, uint32_t mifs); /* adds or changes in place */
void mroute_kernel_del(int fd, const struct mroute_sg *sg, int parent);
int mroute_kernel_counts(int fd, const struct mroute_sg *sg, struct mroute_counts *out);
bool mroute_upcall_parse(struct rd r, struct mroute_upcall *out); /* pure */

/* Memberships as a host, over as many sockets as the kernel's limit for each demands. */
struct joins;
struct joins *joins_create(void);
void joins_destroy(struct joins *j); /* leaves everything; NULL allowed */
int joins_add(struct joins *j, int ifindex, const struct in6_addr *group, int *handle);
void joins_del(struct joins *j, int ifindex, const struct in6_addr *group, int handle);

#endif
