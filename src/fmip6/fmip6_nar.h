/*
 * The new access router's part (RFC 5568 §4): takes HIs from neighbours, holds what comes for the NCoA until the mobile
 * announces itself, answers with HAck, and lets what it held go in order.
 *
 *   HOLDING    HI accepted, the mobile is not here; packets for the NCoA wait. With duplicate address detection on
 *              (fmip6.dad) the HAck waits for its end
 *   WAITING    the mobile is here; its contexts, or what is under way on its old way, are not
 *   RELEASING  what was held is being sent
 *   DONE       nothing of ours is in the way; kept a while to answer a repeated HI
 *   SERVING    its PCoA lodges here (below)
 *
 * An address that another node has: the mobile gets another one, in HAck (Code 2) or, when it is here already, with a NAACK
 * in a Router Advertisement (§4, §6.4.6); or it is refused; or its PCoA is served here (fmip6.collision), as
 * it is on a link where addresses come by DHCP (§5.2).
 *
 * To serve the PCoA (HAck Code 3, §4, §6.2.1.2): ncoa is then the PCoA itself. A tunnel stands between the PAR and our own address,
 * packets that come out of it wait until the mobile announces the PCoA, and a host route leads to it; what it sends from the PCoA
 * goes back through the tunnel. One that announces itself with the address that is another's is told by a NAACK of Status 4 or, if
 * no HI came yet, 3. The service lasts until the PAR says that the mobile has gone on, or says nothing for fmip6.lifetime, or the
 * mobile does not answer for half of it. A PAR that is late, or was away and may have forgotten, is reminded through the mobile (NAACK
 * with Status 3). A mobile that is gone is remembered a while, so that its PAR, when it asks, is told so.
 *
 * A mobile that comes back to the router that forwards for it (RFC 5568 §5.6): the address it returns to is one whose
 * packets go into a tunnel. That binding ends, and the tunnel becomes a hold. If the mobile is already here, packets are still
 * under way on the old way, older than those held; they go through at once, and a marker is sent after them: an echo
 * request to the mobile by the same way. Its answer means that nothing older is under way any more.
 */
#ifndef HANDOVERD_FMIP6_NAR_H
#define HANDOVERD_FMIP6_NAR_H

#include "fmip6/fmip6_machine.h"
#include "fmip6/fmip6_marker.h"

struct fmip6_nar;

enum nar_state { NAR_HOLDING, NAR_WAITING, NAR_RELEASING, NAR_DONE, NAR_SERVING };

struct nar_view {
	struct in6_addr ncoa, pcoa;
	struct in6_addr peer; /* who sent the HI */
	struct lladdr lladdr;
	int ifindex;
	enum nar_state state;
	bool lodged; /* ncoa is the PCoA, which is served here */
	struct in6_addr old_local, old_ncoa; /* ends of the tunnel it came back through; unspecified: it did not */
};

struct nar_ops {
	/* May HI be taken from src? And the outer source of the tunnel that pcoa's packets will come in. */
	bool (*peer)(void *arg, const struct in6_addr *src, const struct in6_addr *pcoa, struct in6_addr *forwarder);
	/* The access interface whose prefix holds ncoa; 0: none of ours. */
	int (*access_link)(void *arg, const struct in6_addr *ncoa);
	/* In the prefix of taken, which is of an access link, an address that nobody has, for the mobile with that link-layer address;
	 * false: none was found. */
	bool (*assign)(void *arg, const struct in6_addr *taken, const struct lladdr *l, struct in6_addr *out);
	/* Asks the link whether somebody has ncoa (RFC 4862 §5.4.2); who has answers with a neighbour advertisement (nar_defended). */
	void (*probe)(void *arg, int ifindex, const struct in6_addr *ncoa);
	/* Has any station there been seen with ncoa? NULL: no. */
	bool (*present)(void *arg, int ifindex, const struct in6_addr *ncoa);
	/* A Router Advertisement with a NAACK to the sender of an UNA. */
	void (*send_naack)(void *arg, int ifindex, const struct lladdr *to, const struct in6_addr *dst, uint8_t status,
	                   const struct in6_addr *ncoa);
	/* Does another mobile than the one with this link-layer address hold ncoa? */
	bool (*in_use)(void *arg, const struct in6_addr *ncoa, const struct lladdr *l);
	/* Do we ourselves forward for ncoa, or have we asked another router to take it? For the mobile with that link-layer address. */
	bool (*leaving)(void *arg, const struct in6_addr *ncoa, struct lladdr *of);
	/* We may ourselves forward for ncoa, or hold for it: end that (par_supersede). */
	enum par_was (*supersede)(void *arg, const struct in6_addr *ncoa, struct in6_addr *local, struct in6_addr *old_ncoa);
	/* The path of ncoa (net/path.h): hold, let the older class through, release, give up what is held. release ends with a call of
	 * nar_released, unless the path is held, tunnelled or dropped before. 0 or negative errno. */
	int (*hold)(void *arg, const struct in6_addr *ncoa, const struct in6_addr *forwarder);
	int (*pass)(void *arg, const struct nar_view *v);
	/* Beside what comes for ncoa, hold what the mobile sends, until the path is released or dropped (RFC 4067 §3.1). */
	void (*hold_from)(void *arg, const struct nar_view *v);
	int (*release)(void *arg, const struct nar_view *v);
	void (*drop)(void *arg, const struct in6_addr *ncoa);
	/* Defend the address, or no longer. */
	void (*proxy)(void *arg, int ifindex, const struct in6_addr *ncoa, bool on);
	/* The mobile's neighbour entry: it is here. */
	void (*neighbor)(void *arg, const struct nar_view *v);
	/* Serving a PCoA. home: does it lie behind the neighbour with that address? own: is that an address of ours? serve: what comes
	 * out of the tunnel from remote to local for it is taken, and once it is here what it sends goes back there; negative errno if
	 * that fails. leave: all of that goes, with what waits. ask: makes it say something, if it is there. home NULL: never served. */
	bool (*home)(void *arg, const struct in6_addr *pcoa, const struct in6_addr *peer);
	bool (*own)(void *arg, const struct in6_addr *a);
	bool (*dhcp)(void *arg, int ifindex); /* do addresses on that link come by DHCP, so that none can be made (§5.2)? */
	int (*serve)(void *arg, const struct nar_view *v, const struct in6_addr *local, const struct in6_addr *remote);
	void (*leave)(void *arg, const struct nar_view *v);
	void (*ask)(void *arg, const struct nar_view *v);
	void (*send_hack)(void *arg, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data, size_t len);
	void (*send_marker)(void *arg, const struct nar_view *v, uint16_t id, uint16_t seq);
	/* The timeline. arrived also tells everyone else. */
	void (*opened)(void *arg, enum handover_mode mode, const struct nar_view *v, usec_t hi_at);
	void (*step)(void *arg, const struct in6_addr *pcoa, enum handover_step s, usec_t at);
	void (*arrived)(void *arg, const struct nar_view *v);
	void (*closed)(void *arg, const struct in6_addr *pcoa, enum handover_result r, const char *reason);
};

struct fmip6_nar *nar_create(struct loop *l, const struct fmip6_params *params, const struct nar_ops *ops, void *arg);
void nar_destroy(struct fmip6_nar *n); /* silent */

void nar_hi(struct fmip6_nar *n, const struct mh_in *in);
/* src is the packet's source; what is no UNA (another flag, another target, no link-layer address) is passed over. */
void nar_una(struct fmip6_nar *n, const struct nd_na *m, const struct in6_addr *src, int ifindex, usec_t at);
/* The same, naming a link-layer address that no station of this link can have; from: whose frame it was. */
void nar_una_unrecognized(struct fmip6_nar *n, const struct nd_na *m, const struct in6_addr *src, const struct lladdr *from, int ifindex,
                          usec_t at);
/* A neighbour advertisement for an address, from that link-layer address: its owner defends it. */
void nar_defended(struct fmip6_nar *n, const struct in6_addr *target, const struct lladdr *l, int ifindex, usec_t at);
/* Something came from that address, and from that station. */
void nar_seen(struct fmip6_nar *n, const struct in6_addr *addr, const struct lladdr *l, int ifindex, usec_t at);
/* The neighbour with that address was away, and may have forgotten whose previous addresses are served here: they are told to remind it. */
void nar_neighbor_back(struct fmip6_nar *n, const struct in6_addr *peer);
void nar_marker_reply(struct fmip6_nar *n, const struct in6_addr *src, uint16_t id);
void nar_released(struct fmip6_nar *n, const struct in6_addr *ncoa);
/* The contexts of the mobile that was pcoa, and is ncoa if that is known, are here, or will not come. */
void nar_contexts_done(struct fmip6_nar *n, const struct in6_addr *pcoa, const struct in6_addr *ncoa);
/* The path of ncoa goes on to another router: the session is over, what it held moves along. */
void nar_yield(struct fmip6_nar *n, const struct in6_addr *ncoa);
/* The mobile is leaving: that it once announced itself says nothing any more. */
void nar_forget(struct fmip6_nar *n, const struct in6_addr *addr);

bool nar_find(const struct fmip6_nar *n, const struct in6_addr *ncoa, struct nar_view *out);
void nar_each(struct fmip6_nar *n, void (*fn)(const struct nar_view *v, void *fn_arg), void *fn_arg);

#endif
