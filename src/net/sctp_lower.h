/*
 * The sockets under usrsctp, and the heads of the packets that go through them: IP protocol 132 in raw sockets, one for
 * each family, or one UDP socket for both (RFC 6951). Private to sctp_usrsctp.c.
 */
#ifndef HANDOVERD_NET_SCTP_LOWER_H
#define HANDOVERD_NET_SCTP_LOWER_H

#include "net/sctp.h"

enum sctp_chunk {
	CHUNK_DATA = 0, CHUNK_INIT = 1, CHUNK_INIT_ACK = 2, CHUNK_SACK = 3, CHUNK_HEARTBEAT = 4, CHUNK_HEARTBEAT_ACK = 5,
	CHUNK_ABORT = 6, CHUNK_FORWARD_TSN = 0xc0,
};

struct sctp_packet {
	struct in6_addr src, dst; /* dst is unspecified if the socket is bound to an address */
	uint16_t udp_port;        /* the sender's; 0: plain IP */
	const uint8_t *data;      /* from the SCTP common header on */
	size_t len;
	/* Filled in by sctp_packet_parse: */
	uint16_t sport, dport;
	uint32_t tag;
	uint8_t first;     /* type of the first chunk */
	uint32_t init_tag; /* of an INIT or INIT ACK */
};

bool sctp_packet_parse(struct sctp_packet *p); /* false: too short */
/* Packs an ABORT into out, whose checksum field is still zero. T: the tag is the one the peer used (RFC 9260 §8.4). */
void sctp_packet_abort(uint8_t out[16], uint16_t sport, uint16_t dport, uint32_t tag, bool t);

struct sctp_lower {
	bool udp, bound; /* bound: to one address */
	int fd[2]; /* [0] IPv6 raw, or UDP for both families; [1] IPv4 raw; -1: none */
	struct loop_fd *watch[2];
};

/* Opens what cfg asks for; fn runs when a packet can be read. 0 or a negative errno. */
int sctp_lower_open(struct sctp_lower *w, struct loop *l, const struct sctp_config *cfg, loop_fd_fn *fn, void *arg);
void sctp_lower_close(struct sctp_lower *w);
/* The next packet waiting at fd, not yet parsed; its data stay valid until the next call. False: none, or a bad one. */
bool sctp_lower_read(const struct sctp_lower *w, int fd, struct sctp_packet *p);
/* `source`: our address to send from; unspecified: the kernel's choice. What cannot leave is lost, as on any network. */
void sctp_lower_send(const struct sctp_lower *w, const struct in6_addr *source, const struct in6_addr *to,
                     uint16_t udp_port, const void *data, size_t len);

#endif
