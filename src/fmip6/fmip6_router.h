/* Within the router side of the module: its state, and what its files know of each other. */
#ifndef HANDOVERD_FMIP6_ROUTER_H
#define HANDOVERD_FMIP6_ROUTER_H

#include "core/handover.h"
#include "core/mobile.h"
#include "core/neighbor.h"
#include "fmip6/fmip6_gateway.h"
#include "fmip6/fmip6_hk_router.h"
#include "fmip6/fmip6_inform.h"
#include "fmip6/fmip6_io.h"
#include "fmip6/fmip6_known.h"
#include "fmip6/fmip6_nar.h"
#include "fmip6/fmip6_par.h"

#define HASH_FUNCTION FMIP6_HASH
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define LINKS_MAX 32

/* A mobile that asked: its rate, and when. question 0, answer not: it was told without having asked. */
struct asked {
	UT_hash_handle hh;
	struct lladdr lladdr;
	struct in6_addr addr; /* where it was seen last, and on which of our links; unspecified: not known */
	int ifindex;
	usec_t seen;
	usec_t question, answer;
	bool again; /* more than once */
	bool older; /* it last asked in the words of RFC 4068, and is told in them */
	bool speaks; /* it moves by itself: RFC 5568's mobiles do, those of RFC 4068 if they could prove that they may */
	struct bucket rate;
};

/* A release under way: what path_release's callback needs to know. */
struct releasing {
	UT_hash_handle hh;
	struct in6_addr ncoa;
	struct fmip6_router *router;
};

/* One of our access links, as it is now. */
struct link {
	int ifindex;
	struct in6_addr router; /* our address there */
	struct prefix prefix;
	struct lladdr lladdr;
};

struct fmip6_router {
	struct core *core;
	const struct fmip6_params *params;
	struct fmip6_par *par;
	struct fmip6_nar *nar;
	struct hk_router *hk; /* NULL: no handover keys */
	struct icmp6 *icmp;  /* RtSolPr, answers to markers */
	struct icmp6 *frames; /* UNAs, with the link-layer address they really came from */
	struct mh *mh;
	int tunnel_fd; /* protocol 41, for markers */
	struct rtnl_sub *rtnl;
	struct bus_sub *contexts, *request, *association;
	struct asked *asked; /* oldest first */
	struct fmip6_inform *inform;
	struct asked *informing; /* who is told next in this round */
	struct bus_sub *protection;
	struct releasing *releasing;
	struct gateway gateway;
	struct known *heard;           /* whose the addresses of our access links were, as the kernel told last */
	struct fmip6_clients *clients; /* NULL: they are not served */
	struct bucket rates[LINKS_MAX];       /* of RtSolPr, by place of the interface in the settings: of strangers */
	struct bucket known_rates[LINKS_MAX]; /* of mobiles that were answered before */
	struct bucket log;
};

/* Its place in the settings, or -1. */
int router_link_place(const struct fmip6_router *r, int ifindex, struct link *out);
/* The i-th configured interface, if it is an access link and has an address. */
bool router_link_at(const struct fmip6_router *r, size_t i, struct link *out);
bool router_link_of_ifindex(const struct fmip6_router *r, int ifindex, struct link *out);
bool router_link_has_dhcp(const struct fmip6_router *r, int ifindex); /* do addresses there come by DHCP? */
bool router_link_of_addr(const struct fmip6_router *r, const struct in6_addr *a, struct link *out);
bool router_link_has(const struct fmip6_router *r, int ifindex, const struct in6_addr *a); /* is a in a prefix of that link? */

/* What the machines do to the world (fmip6_router_ops.c); their arg is the router. */
extern const struct par_ops router_par_ops;
extern const struct nar_ops router_nar_ops;
void router_close_record(const struct fmip6_router *r, enum handover_role role, const struct in6_addr *pcoa,
                         enum handover_result res, const char *reason);
void router_names(const struct fmip6_router *r, struct handover *h); /* of the routers of a record */
struct releasing *router_releasing_add(struct fmip6_router *r, const struct in6_addr *ncoa); /* NULL: no memory */
void router_releasing_drop(struct fmip6_router *r, const struct in6_addr *ncoa);

/* What it tells of its neighbourhood (fmip6_router_adv.c). */
bool router_adv_init(struct fmip6_router *r);
void router_adv_changed(struct fmip6_router *r); /* perhaps: what there is to tell */
void router_adv_reload(struct fmip6_router *r);
void router_adv_end(struct fmip6_router *r);
void router_rtsolpr(struct fmip6_router *r, const struct icmp6_message *m);
void router_request(struct bus_note *note, void *arg); /* BUS_HANDOVER_REQUEST */
/* Has it asked us, or moved, as this protocol's mobiles do? And: it has. */
bool router_asked(const struct fmip6_router *r, const struct lladdr *l);
void router_speaks(struct fmip6_router *r, const struct lladdr *l);
void router_speaks_last(struct fmip6_router *r, const struct lladdr *l); /* and leaves */
/* It does, and is on that link with that address. */
void router_speaks_at(struct fmip6_router *r, const struct lladdr *l, int ifindex, const struct in6_addr *addr);

/* Handover keys (fmip6_router_keys.c). */
bool router_keys_open(struct fmip6_router *r); /* also if there are to be none; false after logging why */
void router_keys_close(struct fmip6_router *r);
void router_keys_address(struct fmip6_router *r, int ifindex, bool on);
/* A PrRtAdv with the key that was granted (g NULL: none, signed all the same), and the address to send it from. Length or negative
 * errno. */
int router_keys_answer(struct fmip6_router *r, const struct prrtadv *a, const struct hk_grant *g, const struct in6_addr *dst,
                       struct in6_addr *src, uint8_t *out, size_t cap);

#endif
