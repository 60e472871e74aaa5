/* The kernel's side of multicast forwarding, one for each family, and memberships as a host. Internal to src/net. */
#ifndef HANDOVERD_NET_MROUTE_KERNEL_H
#define HANDOVERD_NET_MROUTE_KERNEL_H

#include "core/addr.h"
#include "core/buf.h"
#include "net/source_filter.h"

#define MROUTE_MIFS 32 /* the kernel's MAXMIFS and MAXVIFS */

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

struct mroute_kernel {
	bool v4;
	int (*open)(void); /* the routing socket, non-blocking; or a negative errno */
	int (*mif_add)(int fd, int mif, int ifindex);
	void (*mif_del)(int fd, int mif);
	int (*set)(int fd, const struct mroute_sg *sg, int parent, uint32_t mifs); /* adds or changes in place */
	void (*del)(int fd, const struct mroute_sg *sg, int parent);
	int (*counts)(int fd, const struct mroute_sg *sg, struct mroute_counts *out);
	bool (*upcall)(struct rd r, struct mroute_upcall *out); /* pure */
};
extern const struct mroute_kernel mroute_kernel4, mroute_kernel6;

/* Memberships as a host, over as many sockets as the kernel's limit for each demands. */
struct joins;
struct joins *joins_create(bool v4);
void joins_destroy(struct joins *j); /* leaves everything; NULL allowed */
/* Joins with this filter. A filter with more sources than the kernel takes becomes EXCLUDE {}. */
int joins_add(struct joins *j, int ifindex, const struct in6_addr *group, const struct source_filter *f, int *handle);
int joins_change(struct joins *j, int ifindex, const struct in6_addr *group, const struct source_filter *f, int handle);
void joins_del(struct joins *j, int ifindex, const struct in6_addr *group, int handle);

#endif
