/*
 * The bytes of FMIPv6 (RFC 5568 §6), in both directions: pure functions between octets and structs.
 *
 * Parsers take a message as the net layer hands it over (ICMPv6 from its type, Mobility Header from its Payload Proto),
 * skip options they do not know, and refuse with -EBADMSG what is too short, contradicts its own lengths, or lacks what no
 * sender may leave out; the result is then undefined. Packers return the length, or -EMSGSIZE if it does not fit.
 * An ICMPv6 checksum and a Mobility Header checksum are left zero: the net layer fills them in.
 *
 * The LLA option of neighbour discovery does not tell how long the address in it is (RFC 5568 §6.4.3): the link does,
 * so its parsers are given that length.
 */
#ifndef HANDOVERD_FMIP6_WIRE_H
#define HANDOVERD_FMIP6_WIRE_H

#include "core/addr.h"
#include "fmip6/fmip6_proto.h"
#include "net/nd.h"

#define FMIP6_TUPLES_MAX 16 /* AP-IDs in one RtSolPr, tuples in one PrRtAdv; more are ignored */
#define FMIP6_MESSAGE_MAX 1232 /* octets: what fits the least IPv6 MTU */

struct rtsolpr {
	uint16_t id;
	struct lladdr source; /* len 0: not told */
	bool wildcard;
	uint8_t aps_n;
	struct lladdr aps[FMIP6_TUPLES_MAX];
};

/* One AP of a PrRtAdv and what was said of it. */
struct tuple {
	uint8_t code; /* enum lla_code: LLA_NEW_AP, _SAME_INTERFACE, _NO_PREFIX, _NO_FMIP */
	struct lladdr ap;
	struct lladdr router_lladdr; /* len 0: not told */
	struct in6_addr router;      /* unspecified: not told */
	bool has_prefix;
	struct prefix prefix;
	bool dhcp; /* not on the wire: addresses there come by DHCP */
};

struct prrtadv {
	uint8_t code; /* enum prrtadv_code */
	uint16_t id;
	struct lladdr source;
	struct in6_addr ncoa; /* unspecified: none */
	uint8_t tuples_n;
	struct tuple tuples[FMIP6_TUPLES_MAX];
};

struct badf {
	uint32_t spi;
	uint8_t auth[BADF_AUTH_LEN];
};

struct fbu {
	uint16_t seq;
	uint8_t flags;       /* enum fbu_flags */
	uint16_t lifetime;   /* seconds; 0: forget the binding */
	struct in6_addr ncoa; /* Alternate Care-of Address; unspecified: none */
	struct lladdr lladdr; /* of the mobile; len 0: none */
	const uint8_t *rider; /* another protocol's octets in an Experimental Mobility Option (RFC 5096); borrowed */
	size_t rider_len;     /* 0: none */
	bool has_badf;
	struct badf badf;
};

struct fback {
	uint8_t status; /* enum fback_status */
	bool key_flag;
	uint16_t seq;
	uint16_t lifetime;    /* seconds */
	struct in6_addr ncoa; /* Alternate Care-of Address; unspecified: none */
	bool has_badf;
	struct badf badf;
};

struct hi {
	uint16_t seq;
	uint8_t flags; /* enum hi_flags */
	uint8_t code;  /* enum hi_code */
	struct lladdr lladdr;
	struct in6_addr pcoa, ncoa; /* unspecified: absent. An IPv4 PCoA travels as an IPv4 Home Address (RFC 5555 §3.1.1) */
};

struct hack {
	uint16_t seq;
	uint8_t flags; /* enum hack_flags */
	uint8_t code;  /* enum hack_code */
	struct in6_addr ncoa;
	/* Of an unsolicited one (Code 4): whom it is about, and the router that its HI shall go to; absent: the sender. */
	struct lladdr lladdr;
	struct in6_addr pcoa, nar;
};

/* What a router says to an UNA that it cannot accept, in a Router Advertisement. */
struct naack {
	uint8_t status;       /* enum naack_status; 0: the advertisement has no such option */
	struct in6_addr ncoa; /* unspecified: none */
	struct lladdr source; /* of the router; len 0: not told */
	uint16_t lifetime;    /* seconds: the advertisement is one of a default router all the same */
};

int rtsolpr_pack(const struct rtsolpr *m, uint8_t *out, size_t cap);
int rtsolpr_parse(const uint8_t *data, size_t len, uint8_t lla_len, struct rtsolpr *m);
/* Drops tuples from the end until the message fits `cap`, and says so: Code 0 becomes 3. */
int prrtadv_pack(const struct prrtadv *m, uint8_t *out, size_t cap);
int prrtadv_parse(const uint8_t *data, size_t len, uint8_t lla_len, struct prrtadv *m);

/* The BADF of FBU and FBack is written with its authenticator zero, for badf_sign to fill. */
int fbu_pack(const struct fbu *m, uint8_t *out, size_t cap);
int fbu_parse(const uint8_t *data, size_t len, struct fbu *m);
int fback_pack(const struct fback *m, uint8_t *out, size_t cap);
int fback_parse(const uint8_t *data, size_t len, struct fback *m);
/* With the P flag the mobile is also named as RFC 5949 requires, by an identifier made of its link-layer address (RFC 4283). */
int hi_pack(const struct hi *m, uint8_t *out, size_t cap);
int hi_parse(const uint8_t *data, size_t len, struct hi *m);
int hack_pack(const struct hack *m, uint8_t *out, size_t cap);
int hack_parse(const uint8_t *data, size_t len, struct hack *m);

/*
 * The authenticator (RFC 5568 §6.4.5, RFC 6275 §6.2.7): first 96 bits of HMAC-SHA1 over care-of address, PAR address and the
 * message without authenticator and checksum. `coa` is the NCoA, or the PCoA when the binding is given up. `len` is that of the
 * Mobility Header, whose last option is the BADF.
 */
struct badf_key {
	uint8_t octets[20];
};
int badf_sign(const struct badf_key *key, const struct in6_addr *coa, const struct in6_addr *par, uint8_t *mh, size_t len);
bool badf_verify(const struct badf_key *key, const struct in6_addr *coa, const struct in6_addr *par, const uint8_t *mh,
                 size_t len);

/* Neighbour Advertisement as UNA (RFC 5568 §6.3) and as the answer to a probe; Neighbour Solicitation as that probe. */
/* The supplied address follows the option's eight octets, as its length of 3 says (§6.4.6). Understood as well: in the form of an
 * option 17 within it or after it, as the same section says in words. */
int naack_pack(const struct naack *m, uint8_t *out, size_t cap);
int naack_parse(const uint8_t *data, size_t len, uint8_t lla_len, struct naack *m);
int echo_pack(bool reply, uint16_t id, uint16_t seq, uint8_t *out, size_t cap);
int echo_parse(const uint8_t *data, size_t len, uint16_t *id, uint16_t *seq); /* request or reply */

/* A whole IPv6 packet around `body`: for frames and tunnels. An ICMPv6 checksum is filled in. */
int ip6_pack(const struct in6_addr *src, const struct in6_addr *dst, uint8_t next_header, uint8_t hop_limit,
             const uint8_t *body, size_t len, uint8_t *out, size_t cap);

#endif
