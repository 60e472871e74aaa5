/*
 * Handover keys at the mobile (RFC 5269 §3.1, §3.3, §3.4): addresses made of its own public key, a question to each router that it
 * comes to, and the keys that it got, by router and address.
 *
 *   the link is known, the address is ours ── 100 ms ──▶ RtSolPr with Handover Key Request, signed; repeated like any RtSolPr
 *   PrRtAdv with Handover Key Reply, signed by a router that is trusted ──▶ the key, asked for again when three quarters of its life
 *   are over; without one: asked again after fmip6.refresh
 *
 * The answer is believed when the nonce is ours, the CGA is the sender's, the signature is right, the key is one of fmip6's trust or
 * the first that this router showed, and the router that we use is named in what is signed. The key pair that answers are encrypted
 * to is made anew after 12 hours or 10 movements.
 */
#ifndef HANDOVERD_FMIP6_HK_MN_H
#define HANDOVERD_FMIP6_HK_MN_H

#include "fmip6/fmip6_machine.h"
#include "fmip6/send_secure.h"

#define HKEPK_LIFETIME (43200 * USEC_SEC) /* RFC 5269 §3.7 */
#define HKEPK_HANDOVERS 10

struct hk_mn_ops {
	void (*send)(void *arg, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data, size_t len);
	bool (*allowed)(void *arg); /* does the rate of RtSolPr (RFC 5568 §9) allow one more? */
	void (*lladdr)(void *arg, struct lladdr *out);
	void (*make_pair)(void *arg); /* begins to make a key pair, of the size of our own; hk_mn_pair is called, now or later */
	void (*ready)(void *arg);     /* addresses can be made from here on; called once, never from within hk_mn_create */
};

struct hk_mn;
/* Takes the key; params are borrowed. NULL: no memory. */
struct hk_mn *hk_mn_create(struct loop *l, const struct fmip6_params *params, struct send_key *key, const struct hk_mn_ops *ops,
                           void *arg);
void hk_mn_destroy(struct hk_mn *h); /* NULL allowed */
void hk_mn_pair(struct hk_mn *h, struct send_key *pair); /* takes; NULL: it could not be made */

bool hk_mn_ready(const struct hk_mn *h);
/* Our address on a link; again: the last one was another's (RFC 3972 §4 step 8). False: not yet ready, not a /64, or three collisions. */
bool hk_mn_address(struct hk_mn *h, const struct prefix *link, bool again, struct in6_addr *out);

/* We are on this router's link with this address. moved: since the last time, we were on another. */
void hk_mn_here(struct hk_mn *h, const struct in6_addr *router, const struct in6_addr *coa, bool moved);
void hk_mn_gone(struct hk_mn *h);  /* the carrier is lost: nothing is asked until one of the other two is called */
void hk_mn_again(struct hk_mn *h); /* the key does not serve, or the carrier is there again: asks once more */
/* A PrRtAdv, its identifier, and the length of link-layer addresses in it. True: it answers a question of this machine's, and no other's. */
bool hk_mn_prrtadv(struct hk_mn *h, const struct send_message *m, uint8_t lla_len);

/* A PrRtAdv that nobody asked for: may it be believed? With handover_keys.mode = "required" it has to be signed by the key that gave us
 * ours; with "on" it may be unsigned, but not badly signed. Counts and logs what may not. */
bool hk_mn_unsolicited(struct hk_mn *h, const struct send_message *m);

bool hk_mn_key(const struct hk_mn *h, const struct in6_addr *router, const struct in6_addr *coa, struct badf_key *out);
void hk_mn_forget(struct hk_mn *h, const struct in6_addr *coa); /* the address is not used any longer */

struct hk_mn_view {
	struct in6_addr router, coa;
	usec_t expires;
};
void hk_mn_each(const struct hk_mn *h, void (*fn)(const struct hk_mn_view *v, void *arg), void *arg);

#endif
