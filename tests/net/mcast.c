#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mcast.h"

#define PORT 9000

static void need(bool ok, const char *what)
{
	if (!ok) {
		perror(what);
		abort();
	}
}

static struct sockaddr_storage at(const struct in6_addr *a, uint16_t port)
{
	struct sockaddr_storage s = { .ss_family = addr_is_v4(a) ? AF_INET : AF_INET6 };
	struct sockaddr_in *in = (struct sockaddr_in *)&s;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&s;
	if (addr_is_v4(a)) {
		memcpy(&in->sin_addr, &a->s6_addr[12], 4);
		in->sin_port = htons(port);
	} else {
		in6->sin6_addr = *a;
		in6->sin6_port = htons(port);
	}
	return s;
}

static int udp(const struct in6_addr *group)
{
	return socket(addr_is_v4(group) ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

struct mcast_sender mcast_sender(const char *group, const char *interface)
{
	int index = nslab_ifindex(interface), hops = 16;
	struct mcast_sender s = { .group = nslab_addr(group) };
	struct ip_mreqn mreqn = { .imr_ifindex = index };
	s.fd = udp(&s.group);
	if (addr_is_v4(&s.group))
		need(!setsockopt(s.fd, IPPROTO_IP, IP_MULTICAST_IF, &mreqn, sizeof mreqn) &&
		             !setsockopt(s.fd, IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof hops),
		     "sender");
	else
		need(!setsockopt(s.fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof index) &&
		             !setsockopt(s.fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops),
		     "sender");
	return s;
}

struct mcast_sender mcast_sender_from(const char *group, const char *interface, const char *source)
{
	struct mcast_sender s = mcast_sender(group, interface);
	struct in6_addr a = nslab_addr(source);
	struct sockaddr_storage from = at(&a, 0);
	need(!bind(s.fd, (struct sockaddr *)&from, sizeof from), "sender");
	return s;
}

void mcast_send(struct mcast_sender *s)
{
	struct sockaddr_storage to = at(&s->group, PORT);
	uint32_t number = htonl(s->next++);
	need(sendto(s->fd, &number, sizeof number, 0, (struct sockaddr *)&to, sizeof to) == sizeof number, "send");
}

static void on_packet(int fd, unsigned events, void *arg)
{
	struct mcast_receiver *r = arg;
	uint32_t number;
	while (recv(fd, &number, sizeof number, MSG_DONTWAIT) == sizeof number) {
		number = ntohl(number);
		if (!r->n++)
			r->first = number;
		else if (number != r->last + 1)
			r->gaps++;
		r->last = number;
	}
}

static void membership(int fd, int option, const struct in6_addr *group, const char *interface)
{
	struct group_req r = { .gr_interface = (uint32_t)nslab_ifindex(interface), .gr_group = at(group, 0) };
	need(!setsockopt(fd, addr_is_v4(group) ? IPPROTO_IP : IPPROTO_IPV6, option, &r, sizeof r), "membership");
}

void mcast_receive(struct mcast_receiver *r, struct loop *l, const char *group, const char *interface, bool join)
{
	struct in6_addr g = nslab_addr(group);
	struct sockaddr_storage here = at(&g, PORT);
	int one = 1;
	*r = (struct mcast_receiver){ .fd = udp(&g) };
	need(r->fd >= 0 && !setsockopt(r->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) &&
	             !bind(r->fd, (struct sockaddr *)&here, sizeof here),
	     "receiver");
	if (join)
		membership(r->fd, MCAST_JOIN_GROUP, &g, interface);
	r->watch = loop_fd_add(l, r->fd, LOOP_READ, on_packet, r);
}

void mcast_receive_from(struct mcast_receiver *r, struct loop *l, const char *group, const char *interface, const char *source)
{
	struct in6_addr g = nslab_addr(group), from = nslab_addr(source);
	struct group_source_req q = { .gsr_interface = (uint32_t)nslab_ifindex(interface), .gsr_group = at(&g, 0),
		                      .gsr_source = at(&from, 0) };
	mcast_receive(r, l, group, interface, false);
	need(!setsockopt(r->fd, addr_is_v4(&g) ? IPPROTO_IP : IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP, &q, sizeof q), "membership");
}

void mcast_leave(struct mcast_receiver *r, const char *group, const char *interface)
{
	struct in6_addr g = nslab_addr(group);
	membership(r->fd, MCAST_LEAVE_GROUP, &g, interface);
}

void mcast_close(struct mcast_receiver *r)
{
	loop_fd_del(r->watch);
	close(r->fd);
}
