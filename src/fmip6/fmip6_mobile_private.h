/* Within the mobile's side of the module: its state, and what its files know of each other. */
#ifndef HANDOVERD_FMIP6_MOBILE_PRIVATE_H
#define HANDOVERD_FMIP6_MOBILE_PRIVATE_H

#include "core/neighbor.h"
#include "fmip6/fmip6_hk_file.h"
#include "fmip6/fmip6_hk_mn.h"
#include "fmip6/fmip6_io.h"
#include "fmip6/fmip6_mn.h"

struct fmip6_mobile {
	struct core *core;
	const struct fmip6_params *params;
	struct fmip6_mn *mn;
	struct hk_mn *hk; /* NULL: no handover keys */
	struct hk_maker *maker;
	struct icmp6 *icmp, *frames;
	struct bucket log;
	struct mh *mh;
	struct bus_sub *link, *request, *home;
	struct rtnl_sub *rtnl;
	int ifindex; /* 0: the interface is not there */
	uint64_t record;
};

/* What the machine does to the world (fmip6_mobile_ops.c); its arg is the mobile. */
extern const struct mn_ops mobile_mn_ops;
void mobile_self(const struct fmip6_mobile *m, struct lladdr *l, struct in6_addr *iid); /* what the interface is called on its link */
/* A Router Solicitation for Proxy Advertisement; an unspecified src is the link-local address, dst all routers. arg: the mobile. */
void mobile_send_rtsolpr(void *arg, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data, size_t len);
void mobile_close_record(struct fmip6_mobile *m, enum handover_result r, const char *reason); /* nothing runs: nothing happens */

#endif
