/*
 * Who is on a link: frames of stations that are not of the link's own prefixes, by packet sockets with a filter that lets through
 *
 *   whatever shows a station that has just come, or that keeps in touch: ARP, neighbour and router solicitations, neighbour
 *   advertisements, listener reports, DHCP requests
 *   anything with a source address that is not of the own prefixes, unless it is one of those to be passed over
 *   of the own prefixes only what comes from one of those watched for
 */
#ifndef HANDOVERD_NET_SIGHT_H
#define HANDOVERD_NET_SIGHT_H

#include "core/addr.h"
#include "core/counter.h"
#include "core/loop.h"

struct sight;

struct sighting {
	int ifindex;
	struct lladdr from;   /* source of the frame */
	struct in6_addr addr; /* a global address that it uses, or probes for; unspecified: none is seen */
	bool asks;            /* a neighbour solicitation or ARP request, for target */
	bool probes;          /* it asks for an address that it wants itself */
	struct in6_addr asker; /* source of the packet that asks, whatever its scope; unspecified if it probes */
	struct in6_addr target;
	usec_t at;            /* when the kernel received it */
};
typedef void sight_fn(const struct sighting *s, void *arg);

struct sight *sight_open(struct loop *l, sight_fn *fn, void *arg); /* NULL: no memory */
void sight_close(struct sight *s); /* NULL allowed */
int sight_add(struct sight *s, int ifindex); /* harmless if it is there. 0 or a negative errno */
void sight_del(struct sight *s, int ifindex);

/* What is let through, on every link. Of more addresses than a filter can hold (2,400), now and then a packet is let through. */
struct sight_rules {
	const struct prefix *own;
	size_t own_n;
	const struct in6_addr *watched, *passed; /* of the own prefixes; not of them */
	size_t watched_n, passed_n;
};
int sight_rules(struct sight *s, const struct sight_rules *rules);

/* An ARP packet to that station: op 1 asks, 2 answers. IPv4 addresses are mapped ones. */
int sight_arp(struct sight *s, int ifindex, uint16_t op, const struct lladdr *to, const struct lladdr *from,
              const struct in6_addr *from_addr, const struct in6_addr *to_addr);

enum { SIGHT_FRAMES, SIGHT_MISSED, SIGHT_COUNTERS };
extern struct counter sight_counters[SIGHT_COUNTERS];

/* Within src/net, and for tests: the filter, and what a frame says. Pure. */
struct sock_filter;
#define SIGHT_FILTER_MAX 4096 /* instructions that out has room for */
size_t sight_filter(const struct sight_rules *rules, struct sock_filter *out);
/* data begins behind the link-layer header. False: it shows nobody. at and ifindex are not touched. */
bool sight_parse(uint16_t ethertype, const struct lladdr *from, const uint8_t *data, size_t len, struct sighting *out);

#endif
