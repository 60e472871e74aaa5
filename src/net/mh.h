/*
 * Mobility Header messages (RFC 6275 §6.1, next header 135). HI, HAck, FBack, BU, BAck come through a raw socket. An FBU
 * carries a Home Address option and never reaches one, so it, and an FNA, is taken from a packet socket (with a BPF
 * filter), its checksum verified here; and the kernel is kept from answering it with a Parameter Problem by a rule in an
 * nftables table of our own, removed at close. Owners see one stream of messages and no difference.
 */
#ifndef HANDOVERD_NET_MH_H
#define HANDOVERD_NET_MH_H

#include "core/addr.h"
#include "core/loop.h"

struct mh;
struct mh_message {
	struct in6_addr src, dst;
	struct in6_addr home; /* Home Address option; unspecified if there was none */
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

/* types: Mobility Header types to receive. Only packets to one of this node's own addresses are delivered. */
struct mh *mh_open(struct loop *l, const uint8_t *types, size_t n, mh_fn *fn, void *arg);
void mh_close(struct mh *m);
/* Sends; the checksum field is filled in. home not unspecified: in a Home Address option (RFC 6275 §6.3), and the checksum
 * is computed over it as the RFC wants. ifindex 0: by routing. */
int mh_send(struct mh *m, int ifindex, const struct in6_addr *src, const struct in6_addr *dst, const struct in6_addr *home,
            const void *data, size_t len);
/* As above, but in a frame to this link-layer address on ifindex: for a mobile that has just arrived. */
int mh_send_frame(struct mh *m, int ifindex, const struct lladdr *to, const struct in6_addr *src,
                  const struct in6_addr *dst, const struct in6_addr *home, const void *data, size_t len);

#endif
