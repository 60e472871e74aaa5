/* Within the module: what its router side and its mobile side share of the outside world. */
#ifndef HANDOVERD_FMIP6_IO_H
#define HANDOVERD_FMIP6_IO_H

#include "core/module.h"
#include "fmip6/fmip6_machine.h"
#include "net/mh.h"
#include "net/net.h"

/* The key for BADF between the owner of pcoa and its router, derived from the configured master key. False: there is none. */
bool fmip6_key(const struct core *core, const struct in6_addr *pcoa, struct badf_key *out);

/* An ICMPv6 message, hop limit 255, in a frame to a link-layer address: nothing waits for neighbour resolution. */
int fmip6_send_frame(const struct core *core, int ifindex, const struct lladdr *to, const struct in6_addr *src,
                     const struct in6_addr *dst, const uint8_t *icmp, size_t len);

/* Asks the link whether somebody has addr (RFC 4862 §5.4.2). */
void fmip6_send_dad(const struct core *core, int ifindex, const struct in6_addr *addr);

struct mh_in fmip6_mh_in(const struct mh_message *m);
/* mh_local_fn with a struct core as its argument's first member is not needed twice. */
bool fmip6_is_local(const struct core *core, const struct in6_addr *a);
void fmip6_sent(int rc, const char *what, const struct in6_addr *to); /* counts and, now and then, logs what could not be sent */

/* Role access-router: PAR and NAR. NULL after logging why. */
struct fmip6_router;
struct output;
struct fmip6_router *fmip6_router_create(struct core *core, const struct fmip6_params *params);
void fmip6_router_destroy(struct fmip6_router *r);
void fmip6_router_reload(struct fmip6_router *r, bool keys); /* keys: what those for handover keys stand on has changed */
void fmip6_router_show(struct fmip6_router *r, struct output *o);
void fmip6_router_show_keys(struct fmip6_router *r, struct output *o);

/* Role mobile-node. */
struct fmip6_mobile;
struct fmip6_mobile *fmip6_mobile_create(struct core *core, const struct fmip6_params *params);
void fmip6_mobile_destroy(struct fmip6_mobile *m);
void fmip6_mobile_reload(struct fmip6_mobile *m, bool keys);
void fmip6_mobile_show(struct fmip6_mobile *m, struct output *o);
void fmip6_mobile_show_keys(struct fmip6_mobile *m, struct output *o);

#endif
