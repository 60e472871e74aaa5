/*
 * The relay agent for clients that moved (RFC 2131 §4, RFC 1542 §4.1, RFC 3046): a client that asks DHCP again on its new link
 * is answered by the server of the link that its address belongs to, and keeps address and lease; the server of the new link is
 * kept from answering it (the guard). Every other client is left to that server.
 *
 * Whose a client is:
 *   a visitor  some router said that this link-layer address keeps an address of its link (relay_visit): it is relayed whatever
 *              it asks for
 *   a stranger that asks for an address of a neighbour's prefix (option 50, ciaddr), and whoever got one by that: relayed in
 *              mode DHCP4_ALL
 *
 * The server learns the link that the client's address belongs to by the link selection sub-option, and is asked to give our
 * address as its own (server identifier override), so that the client comes to us when it renews. Its answers are known by what
 * they say in option 82, of which a part is a secret of this process and of the client's address.
 *
 * A server that leaves a client without an answer for params->timeout is given up: the guard falls for that client, so that it
 * gets an address of the new link, until the server answers again.
 *
 * No system call: datagrams and visits come in, actions go out through dhcp4_relay_ops.
 */
#ifndef HANDOVERD_DHCP4_RELAY_H
#define HANDOVERD_DHCP4_RELAY_H

#include "core/config.h"
#include "core/counter.h"
#include "core/log.h"
#include "core/loop.h"
#include "dhcp4/dhcp4_wire.h"

#define DHCP4_VISITS 4 /* IPv4 addresses of one visitor that are known */

enum dhcp4_mode { DHCP4_NONE, DHCP4_VISITORS, DHCP4_ALL };

/* The configuration group "dhcp4"; meanings and defaults stand in its table (dhcp4.c). */
struct dhcp4_params {
	struct config_where where;
	int relay; /* enum dhcp4_mode */
	int64_t clients, client_rate, rate;
	usec_t timeout;
};

/* Where a client belongs that has an address of a neighbour's link. */
struct dhcp4_home {
	struct in6_addr server; /* of DHCP */
	struct in6_addr link;   /* an address of that link: the router's */
	struct prefix prefix;
};

struct dhcp4_relay_ops {
	bool (*home)(void *arg, const struct in6_addr *addr, struct dhcp4_home *out); /* false: no neighbour's */
	bool (*link)(void *arg, int ifindex, struct in6_addr *addr, char name[DHCP4_CIRCUIT_MAX]); /* our address there; false: none */
	bool (*local)(void *arg, const struct in6_addr *server, struct in6_addr *out);             /* our address towards the server */
	void (*send)(void *arg, const struct dhcp4_udp *u); /* wherever routing leads: to servers, and to clients that are elsewhere */
	void (*to_client)(void *arg, int ifindex, const struct lladdr *to, const void *packet, size_t len);
	void (*guard)(void *arg, const struct lladdr *l, bool on);
};

struct dhcp4_relay;

/* params are borrowed and may change under the machine; then dhcp4_relay_reload. NULL: no memory. */
struct dhcp4_relay *dhcp4_relay_create(struct loop *l, const struct dhcp4_params *params, const struct dhcp4_relay_ops *ops, void *arg);
void dhcp4_relay_destroy(struct dhcp4_relay *r); /* silent: the guard stays to whoever owns it */
void dhcp4_relay_reload(struct dhcp4_relay *r);

/* A datagram to the server's port that came on an access link, from that station. */
void dhcp4_relay_request(struct dhcp4_relay *r, int ifindex, const struct lladdr *from, const struct dhcp4_udp *u);
/* A datagram to the server's port of this node that was routed here: by a client that has its lease through us and has moved on. */
void dhcp4_relay_routed(struct dhcp4_relay *r, const struct dhcp4_udp *u);
/* A datagram to the server's port of this node, from wherever. */
void dhcp4_relay_reply(struct dhcp4_relay *r, const struct dhcp4_udp *u);
/* The station keeps that address of another link, or no longer does. */
void dhcp4_relay_visit(struct dhcp4_relay *r, const struct lladdr *l, const struct in6_addr *addr, bool on);

struct dhcp4_view {
	struct lladdr lladdr;
	struct in6_addr addr; /* known or leased; unspecified: none */
	bool visitor, guarded, given_up;
	usec_t leased_until; /* 0: no lease */
};
void dhcp4_relay_each(const struct dhcp4_relay *r, void (*fn)(const struct dhcp4_view *v, void *fn_arg), void *fn_arg);

enum { DHCP4_RELAYED, DHCP4_ANSWERED, DHCP4_GIVEN_UP, DHCP4_LIMITED, DHCP4_FULL, DHCP4_MALFORMED, DHCP4_REQUESTS_REFUSED,
	DHCP4_REPLIES_REFUSED, DHCP4_CLIENTS /* gauge */, DHCP4_GUARDED /* gauge */, DHCP4_COUNTERS };
extern struct counter dhcp4_counters[DHCP4_COUNTERS];

#endif
