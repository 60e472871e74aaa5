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

struct mcast_sender mcast_sender(const char *group, const char *interface)
{
	int index = nslab_ifindex(interface), hops = 16;
	struct mcast_sender s = { .fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), .group = nslab_addr(group) };
	need(s.fd >= 0 && !setsockopt(s.fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof index) &&
	             !setsockopt(s.fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops),
	     "sender");
	return s;
}

void mcast_send(struct mcast_sender *s)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(PORT), .sin6_addr = s->group };
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

static void membership(int fd, int option, const char *group, const char *interface)
{
	struct ipv6_mreq mreq = { .ipv6mr_multiaddr = nslab_addr(group), .ipv6mr_interface = (unsigned)nslab_ifindex(interface) };
	need(!setsockopt(fd, IPPROTO_IPV6, option, &mreq, sizeof mreq), "membership");
}

void mcast_receive(struct mcast_receiver *r, struct loop *l, const char *group, const char *interface, bool join)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_port = htons(PORT), .sin6_addr = nslab_addr(group) };
	int one = 1;
	*r = (struct mcast_receiver){ .fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
	need(r->fd >= 0 && !setsockopt(r->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) &&
	             !bind(r->fd, (struct sockaddr *)&at, sizeof at),
	     "receiver");
	if (join)
		membership(r->fd, IPV6_JOIN_GROUP, group, interface);
	r->watch = loop_fd_add(l, r->fd, LOOP_READ, on_packet, r);
}

void mcast_leave(struct mcast_receiver *r, const char *group, const char *interface)
{
	membership(r->fd, IPV6_LEAVE_GROUP, group, interface);
}

void mcast_close(struct mcast_receiver *r)
{
	loop_fd_del(r->watch);
	close(r->fd);
}
