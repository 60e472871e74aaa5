/*
 * The home agent's machine: which Binding Updates are taken, the binding cache, and what follows from it for the home link and the
 * tunnels (RFC 6275 §9.5, §10.3, §10.4; RFC 4285). It makes no system call: messages, what the home link says, and timers come in,
 * actions go out through the ops.
 *
 * A binding is probed for (duplicate address detection on the home link), served, and, when it has ended, remembered for a while, so
 * that neither a delayed nor a recorded Binding Update brings it back.
 */
#ifndef HANDOVERD_MIP6_HA_H
#define HANDOVERD_MIP6_HA_H

#include "mip6/mip6_machine.h"

#define HA_FOREVER UINT64_MAX

/* The home link of an address, and how long its prefix stays, from now. */
struct ha_link {
	int ifindex;
	usec_t valid, preferred; /* HA_FOREVER: no end */
};

#define HA_PREFIXES 8 /* of one home link; further ones are passed over */
struct ha_prefix {
	struct prefix prefix;
	struct in6_addr router;  /* our address in it */
	usec_t valid, preferred; /* from now; HA_FOREVER: no end */
};

/* Where an answer goes. */
struct ha_way {
	struct in6_addr src, dst;
	struct in6_addr home; /* in a type 2 routing header; unspecified: none */
	int ifindex;          /* with lladdr: the home link */
	struct lladdr lladdr; /* of the mobile, which is at home; len 0: by routing */
};

struct ha_ops {
	/* The key of a home address; false: none is configured. */
	bool (*key)(void *arg, const struct in6_addr *home, struct mip6_key *out);
	/* The link of ours whose prefix holds the address; false: none. */
	bool (*home_link)(void *arg, const struct in6_addr *home, struct ha_link *out);
	bool (*is_own)(void *arg, const struct in6_addr *a); /* is it an address of this node? */
	uint64_t (*clock)(void *arg);                        /* the time of day, as mip6_timestamp gives it */
	/* Asks the link whether somebody has the address; on == false: no answer is expected any more. */
	void (*probe)(void *arg, int ifindex, const struct in6_addr *a, bool on);
	/* Answers for the address on the link, or no longer. */
	void (*proxy)(void *arg, int ifindex, const struct in6_addr *a, bool on);
	/* Tells all nodes of the link that the address is at our link-layer address. */
	void (*advertise)(void *arg, int ifindex, const struct in6_addr *a);
	/* Packets for home go into a tunnel from agent to coa, and those from home come out of it; also of one from before, if that is not
	 * unspecified. Again with other addresses: changes. 0 or a negative errno. */
	int (*tunnel)(void *arg, const struct in6_addr *home, const struct in6_addr *agent, const struct in6_addr *coa,
	              const struct in6_addr *before);
	void (*tunnel_only)(void *arg, const struct in6_addr *home); /* no longer of one from before */
	/* No longer. here: the mobile's link-layer address on its home link; len 0: it is not there. */
	void (*untunnel)(void *arg, const struct in6_addr *home, int ifindex, const struct lladdr *here);
	void (*send)(void *arg, const struct ha_way *way, const uint8_t *data, size_t len);
	/* The prefixes of a home link of ours as they are now, in an order that stays; how many. Asked for with mip6.prefixes alone. */
	size_t (*prefixes)(void *arg, int ifindex, struct ha_prefix *out, size_t max);
	/* A Mobile Prefix Advertisement: an ICMPv6 message. */
	void (*send_prefixes)(void *arg, const struct ha_way *way, const uint8_t *data, size_t len);
};

struct mip6_ha;
/* params is borrowed and looked at anew each time. NULL: no memory. */
struct mip6_ha *ha_create(struct loop *l, const struct mip6_params *params, const struct ha_ops *ops, void *arg);
void ha_destroy(struct mip6_ha *h); /* every binding ends, without a word to the mobiles; NULL allowed */
void ha_receive(struct mip6_ha *h, const struct mip6_in *in); /* a Binding Update to one of our addresses */
void ha_unknown(struct mip6_ha *h, const struct mip6_in *in); /* a Mobility Header of a type that nobody here knows: §9.2 */
void ha_solicited(struct mip6_ha *h, const struct mip6_in *in); /* a Mobile Prefix Solicitation, from its ICMPv6 type */
/* Somebody on a link of ours says that it has the address, or (probe) asks whether it may take it. */
void ha_claimed(struct mip6_ha *h, int ifindex, const struct in6_addr *a, const struct lladdr *who, bool probe);
void ha_links_changed(struct mip6_ha *h); /* addresses of ours came, went, or live longer or shorter */

enum ha_state { HA_PROBING, HA_SERVING, HA_ENDED };
struct ha_view {
	struct in6_addr home, coa, agent;
	int ifindex;
	enum ha_state state;
	uint8_t flags; /* enum bu_flags */
	uint16_t seq;
	usec_t lifetime, left; /* granted, and what is left of it; 0 unless served */
	usec_t since;          /* when the mobile was registered first */
	uint64_t moves;        /* changes of the care-of address since */
	const uint8_t *nai;    /* borrowed */
	size_t nai_len;
};
typedef void ha_view_fn(const struct ha_view *v, void *arg);
void ha_each(const struct mip6_ha *h, ha_view_fn *fn, void *arg);

#endif
