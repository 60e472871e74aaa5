/*
 * Handover keys at the router (RFC 5269 §3.2, §3.5, §3.6): a question that SEND has verified gets a key for the address that it came
 * from, and FBUs of that address are checked with it.
 *
 * One key per CGA, random, kept until its life is over or the forwarding that it asked for has timed out. Asked again, the router
 * gives the same key, until the last third of its life: then a new one, as the mobile that asks wants to go on. Verifying and
 * signing cost time: so many a second on an interface, and of more than that a random choice.
 */
#ifndef HANDOVERD_FMIP6_HK_ROUTER_H
#define HANDOVERD_FMIP6_HK_ROUTER_H

#include "fmip6/fmip6_machine.h"
#include "fmip6/send_secure.h"

#define HK_LINKS_MAX 32
#define HK_KEYS_PER_LLADDR 4

struct hk_router;
/* Takes the key; params are borrowed and may change under the machine. sessions is also the limit of keys. */
struct hk_router *hk_router_create(struct loop *l, const struct fmip6_params *params, struct send_key *key);
void hk_router_destroy(struct hk_router *h); /* NULL allowed */

/* An RtSolPr as it came. */
struct hk_question {
	struct send_message message;
	int link;             /* by which rates are kept: 0 to HK_LINKS_MAX - 1 */
	bool on_link;         /* its source belongs to the link that it came from, and to no router */
	struct lladdr lladdr; /* of the mobile, as it says */
	usec_t at;
};

/* What the answer says; borrows from the question. */
struct hk_grant {
	struct octets nonce, wrap; /* wrap: the mobile's handover key encryption public key */
	struct in6_addr cga;       /* whose key it is */
};

enum hk_outcome {
	HK_NOT_ASKED,
	HK_REFUSED, /* counted and told to the log: the answer is as without the question for a key (§3.2) */
	HK_GRANTED,
};
enum hk_outcome hk_router_question(struct hk_router *h, const struct hk_question *q, struct hk_grant *g);

/* Octets of a PrRtAdv that the answer's own options need. */
size_t hk_router_room(const struct hk_router *h);
/* Makes an answer with key, signature and all, of a PrRtAdv that lies in msg. src: hk_router_address of that link. Returns the new
 * length or a negative errno. */
int hk_router_answer(struct hk_router *h, const struct hk_grant *g, const struct in6_addr *src, const struct in6_addr *dst,
                     uint8_t *msg, size_t len, size_t cap);
/* Signs a PrRtAdv that nobody asked for (RFC 5568 §8), likewise. */
int hk_router_sign(struct hk_router *h, const struct in6_addr *src, const struct in6_addr *dst, uint8_t *msg, size_t len, size_t cap);
/* The router's own address of its key on a link, from which it answers. */
bool hk_router_address(const struct hk_router *h, const struct prefix *link, struct in6_addr *out);

bool hk_router_key(const struct hk_router *h, const struct in6_addr *cga, struct badf_key *out); /* false: none, or too old */
void hk_router_forget(struct hk_router *h, const struct in6_addr *cga);

struct hk_view {
	struct in6_addr cga;
	struct lladdr lladdr;
	usec_t expires;
};
void hk_router_each(const struct hk_router *h, void (*fn)(const struct hk_view *v, void *arg), void *arg);

#endif
