/*
 * Mobility Header messages (RFC 6275 §6.1, next header 135). HI, HAck, FBack come through a raw socket. A BU or an FBU carries
 * a Home Address option, a BAck a type 2 routing header, and an FNA may carry a packet: the kernel drops these before any raw
 * socket sees them, so these four types are taken from a packet socket (with a BPF filter), their checksum verified here; and the kernel is
 * kept from answering them with a Parameter Problem by a rule in an nftables table of our own (`ip6 handoverd-mh`), made
 * anew at open, removed with the last close. Owners see one stream of messages and no difference; a message comes once.
 */
#ifndef HANDOVERD_NET_MH_H
#define HANDOVERD_NET_MH_H

#include "core/addr.h"
#include "core/loop.h"

struct mh;
struct mh_message {
	struct in6_addr src, dst;
	struct in6_addr home; /* Home Address option; unspecified if there was none */
	struct in6_addr routed; /* home address from a type 2 routing header, an address of this node; unspecified if there was none */
	struct lladdr from;   /* link-layer source, of types from the packet socket; len 0: not known */
	int ifindex;
	int hop_limit;
	const uint8_t *data; /* Mobility Header from its Payload Proto octet; checksum verified; borrowed */
	size_t len;
	uint8_t payload_proto; /* 59, or 41 for an FNA that encapsulates a packet (RFC 4068) */
	const uint8_t *payload; /* what follows the header then; NULL */
	size_t payload_len;
	usec_t at;
};
typedef void mh_fn(const struct mh_message *m, void *arg);

/* Is it an address of this node? The packet socket also sees what is only forwarded here. */
typedef bool mh_local_fn(const struct in6_addr *a, void *arg);

enum { MH_TYPE_BRR = 0, MH_TYPE_HOTI = 1, MH_TYPE_COTI = 2, MH_TYPE_HOT = 3, MH_TYPE_COT = 4, MH_TYPE_BU = 5, MH_TYPE_BACK = 6, MH_TYPE_BE = 7, MH_TYPE_FBU = 8, MH_TYPE_FBACK = 9, MH_TYPE_FNA = 10,
	MH_TYPE_HI = 14, MH_TYPE_HACK = 15 };

/* types: Mobility Header types to receive. Only packets to an address for which is_local says so are delivered; both
 * callbacks get arg. NULL and a log line on failure. Several may be open in one process. */
struct mh *mh_open(struct loop *l, const uint8_t *types, size_t n, mh_local_fn *is_local, mh_fn *fn, void *arg);
void mh_close(struct mh *m); /* not from within its own callback; NULL allowed */
/* What was refused by the packet socket: checksum, shape. */
uint64_t mh_refused(const struct mh *m);
/* Sends; 0 or a negative errno. data is a whole Mobility Header (a multiple of 8 octets, its length field right, else
 * -EINVAL); the checksum field is filled in. home not unspecified: in a Home Address option (RFC 6275 §6.3), and the
 * checksum is computed over it as the RFC wants. ifindex 0: by routing. */
int mh_send(struct mh *m, int ifindex, const struct in6_addr *src, const struct in6_addr *dst, const struct in6_addr *home,
            const void *data, size_t len);
/* As mh_send, with a type 2 routing header that leads on to home (RFC 6275 §6.4); src must be given. */
int mh_send_routed(struct mh *m, const struct in6_addr *src, const struct in6_addr *dst, const struct in6_addr *home,
                   const void *data, size_t len);
/* As mh_send, but in a frame to this link-layer address on ifindex: for a mobile that has just arrived. */
int mh_send_frame(struct mh *m, int ifindex, const struct lladdr *to, const struct in6_addr *src,
                  const struct in6_addr *dst, const struct in6_addr *home, const void *data, size_t len);

#endif
