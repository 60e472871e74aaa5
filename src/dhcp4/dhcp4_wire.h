/*
 * DHCP for IPv4 as far as a relay agent reads and writes it (RFC 2131, RFC 3046, RFC 3527, RFC 5107). Pure functions of bytes.
 * Addresses are IPv4-mapped; 0.0.0.0 is the unspecified address.
 */
#ifndef HANDOVERD_DHCP4_WIRE_H
#define HANDOVERD_DHCP4_WIRE_H

#include "core/addr.h"
#include "core/buf.h"

#define DHCP4_SERVER_PORT 67
#define DHCP4_CLIENT_PORT 68
#define DHCP4_MESSAGE_MIN 300   /* octets; shorter ones are filled up, as BOOTP's had it (RFC 1542 §2.1) */
#define DHCP4_MESSAGE_MAX 1472  /* in an IPv4 packet of 1500 octets */
#define DHCP4_PACKET_MAX 1500
#define DHCP4_HOPS_MAX 16       /* RFC 1542 §4.1.1 */
#define DHCP4_CIRCUIT_MAX 16
#define DHCP4_REMOTE_LEN 8
#define DHCP4_AGENT_MAX (4 * 2 + DHCP4_CIRCUIT_MAX + DHCP4_REMOTE_LEN + 4 + 4)

enum { DHCP4_BOOTREQUEST = 1, DHCP4_BOOTREPLY = 2 };
enum dhcp4_type { DHCP4_DISCOVER = 1, DHCP4_OFFER, DHCP4_REQUEST, DHCP4_DECLINE, DHCP4_ACK, DHCP4_NAK, DHCP4_RELEASE, DHCP4_INFORM };

struct dhcp4_message {
	uint8_t op, hops, type;
	bool broadcast; /* the flag: answers are to be broadcast */
	uint32_t xid;
	struct in6_addr ciaddr, yiaddr, giaddr;
	struct lladdr chaddr;
	struct in6_addr requested; /* option 50 */
	struct in6_addr server;    /* option 54 */
	uint32_t lease;            /* option 51, seconds; 0: none */
	bool has_agent;            /* option 82 */
	const uint8_t *agent;      /* what is in it; borrowed */
	size_t agent_len;
};

/* False: cut short, no DHCP (RFC 2131 §3, the cookie), no message type, an option of a wrong length or twice. */
bool dhcp4_parse(const void *data, size_t len, struct dhcp4_message *out);

/* What our agent says in option 82, and in giaddr. */
struct dhcp4_agent {
	struct in6_addr giaddr;
	char circuit[DHCP4_CIRCUIT_MAX];    /* sub-option 1: the interface; ends with the array or a zero */
	uint8_t remote[DHCP4_REMOTE_LEN];   /* sub-option 2: opaque; by it an answer is known to be one */
	struct in6_addr link;               /* sub-option 5: the client's subnet is the one of this address (RFC 3527) */
	struct in6_addr override;           /* sub-option 11: what the client is told is its server (RFC 5107) */
};
/* The content of option 82 that those make. Returns its length. */
size_t dhcp4_agent_put(const struct dhcp4_agent *a, uint8_t out[DHCP4_AGENT_MAX]);

/* A client's message (which dhcp4_parse took) as it goes to the server: giaddr, one hop more, option 82 as the last. False: no room. */
bool dhcp4_put_request(struct wr *w, const void *message, size_t len, const struct dhcp4_agent *a);
/* A server's message as it goes to the client: without option 82. */
bool dhcp4_put_reply(struct wr *w, const void *message, size_t len);

/* A UDP datagram in an IPv4 packet, and with it. */
struct dhcp4_udp {
	struct in6_addr src, dst;
	uint16_t sport, dport;
	const uint8_t *data; /* borrowed */
	size_t len;
};
/* checksum_open: the sender's machine has left the checksum to a device. False: not UDP, a fragment, cut short, a wrong checksum. */
bool dhcp4_udp_walk(const void *packet, size_t len, bool checksum_open, struct dhcp4_udp *out);
void dhcp4_udp_put(struct wr *w, const struct dhcp4_udp *u); /* IPv4 header, UDP header, data; checksums filled in */
/* The UDP header and data alone, for a raw socket that makes the IPv4 header itself. */
void dhcp4_udp_put_inner(struct wr *w, const struct dhcp4_udp *u);

#endif
