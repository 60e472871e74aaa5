/*
 * Clients of a router (fmip6_anchor.h, fmip6_visit.h): the two machines, wired to what is seen on the access links (net/sight.h)
 * and to the router's sockets, tables and paths; and the questions of hosts that are answered for who is behind a tunnel.
 */
#ifndef HANDOVERD_FMIP6_CLIENTS_H
#define HANDOVERD_FMIP6_CLIENTS_H

#include "fmip6/fmip6_router.h"

struct fmip6_clients;
/* NULL after logging why. */
struct fmip6_clients *clients_create(struct fmip6_router *r);
void clients_destroy(struct fmip6_clients *c); /* NULL allowed */
void clients_reload(struct fmip6_clients *c);
void clients_show(struct fmip6_clients *c, struct output *o);

/* Was the message theirs? */
bool clients_hi(struct fmip6_clients *c, const struct mh_in *in);
bool clients_hack(struct fmip6_clients *c, const struct mh_in *in);
/* What was told on the kernel's part: links, neighbours. */
void clients_note(struct fmip6_clients *c, const struct rtnl_note *n);
/* Somebody wants this client to move to that AP, or (NULL) that router. NULL: it is on its way. Else why not. */
const char *clients_request(struct fmip6_clients *c, const struct in6_addr *client, const struct ap *ap);
/* Its owner moves by itself. */
void clients_forget(struct fmip6_clients *c, const struct in6_addr *pcoa);

#endif
