/* Multicast memberships as a host, by the options of RFC 3678 that serve both families. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/mroute_kernel.h"

/* Each membership costs its socket some of net.core.optmem_max, or one of igmp_max_memberships; when one socket is full the
 * next is opened. */
#define JOINS_SOCKETS 512
#define JOINS_EACH 128

struct joins {
	bool v4;
	int n;
	int fd[JOINS_SOCKETS], used[JOINS_SOCKETS];
};

struct joins *joins_create(bool v4)
{
	struct joins *j = calloc(1, sizeof *j);
	if (j)
		j->v4 = v4;
	return j;
}

void joins_destroy(struct joins *j)
{
	for (int i = 0; j && i < j->n; i++)
		close(j->fd[i]);
	free(j);
}

static struct sockaddr_storage socket_addr(const struct in6_addr *a)
{
	struct sockaddr_storage s;
	memset(&s, 0, sizeof s);
	if (addr_is_v4(a)) {
		struct sockaddr_in in = { .sin_family = AF_INET };
		memcpy(&in.sin_addr, &a->s6_addr[12], 4);
		memcpy(&s, &in, sizeof in);
	} else {
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = *a };
		memcpy(&s, &in6, sizeof in6);
	}
	return s;
}

static int level(const struct joins *j)
{
	return j->v4 ? IPPROTO_IP : IPPROTO_IPV6;
}

static int filter_set(const struct joins *j, int fd, int ifindex, const struct in6_addr *group, const struct source_filter *f)
{
	size_t size = GROUP_FILTER_SIZE(f->n);
	struct group_filter *g = calloc(1, size);
	int e = 0;
	if (!g)
		return -ENOMEM;
	g->gf_interface = (uint32_t)ifindex;
	g->gf_group = socket_addr(group);
	g->gf_fmode = f->exclude ? MCAST_EXCLUDE : MCAST_INCLUDE;
	g->gf_numsrc = f->n;
	for (size_t i = 0; i < f->n; i++)
		g->gf_slist[i] = socket_addr(&f->source[i]);
	if (setsockopt(fd, level(j), MCAST_MSFILTER, g, (socklen_t)size) < 0)
		e = -errno;
	free(g);
	return e;
}

static int group_option(const struct joins *j, int fd, int option, int ifindex, const struct in6_addr *group)
{
	struct group_req r = { .gr_interface = (uint32_t)ifindex, .gr_group = socket_addr(group) };
	return setsockopt(fd, level(j), option, &r, sizeof r) < 0 ? -errno : 0;
}

/* INCLUDE begins with a source: to join the group first would ask the network for all of them. */
static int first_source(const struct joins *j, int fd, int ifindex, const struct in6_addr *group, const struct in6_addr *source)
{
	struct group_source_req r = { .gsr_interface = (uint32_t)ifindex, .gsr_group = socket_addr(group),
		                      .gsr_source = socket_addr(source) };
	return setsockopt(fd, level(j), MCAST_JOIN_SOURCE_GROUP, &r, sizeof r) < 0 ? -errno : 0;
}

static int change(const struct joins *j, int fd, int ifindex, const struct in6_addr *group, const struct source_filter *f)
{
	int e = filter_set(j, fd, ifindex, group, f);
	/* More than igmp_max_msf, mld_max_msf or optmem_max allow: everything, and forwarding selects. */
	return e ? filter_set(j, fd, ifindex, group, &source_filter_all) : 0;
}

static int join_with(const struct joins *j, int fd, int ifindex, const struct in6_addr *group, const struct source_filter *f)
{
	int e = f->exclude ? group_option(j, fd, MCAST_JOIN_GROUP, ifindex, group) :
	                     first_source(j, fd, ifindex, group, &f->source[0]);
	if (e || f->n <= !f->exclude)
		return e;
	e = change(j, fd, ifindex, group, f);
	if (e)
		group_option(j, fd, MCAST_LEAVE_GROUP, ifindex, group);
	return e;
}

/* The sockets are never bound: they receive nothing. */
int joins_add(struct joins *j, int ifindex, const struct in6_addr *group, const struct source_filter *f, int *handle)
{
	for (int i = 0; i < JOINS_SOCKETS; i++) {
		if (i == j->n) {
			int fd = socket(j->v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
			if (fd < 0)
				return -errno;
			j->used[i] = 0;
			j->fd[j->n++] = fd;
		}
		if (j->used[i] >= JOINS_EACH)
			continue;
		int e = join_with(j, j->fd[i], ifindex, group, f);
		if (e == 0) {
			j->used[i]++;
			*handle = i;
			return 0;
		}
		if ((e != -ENOBUFS && e != -ENOMEM) || !j->used[i])
			return e;
	}
	return -ENOSPC;
}

int joins_change(struct joins *j, int ifindex, const struct in6_addr *group, const struct source_filter *f, int handle)
{
	return handle < 0 || handle >= j->n ? -EINVAL : change(j, j->fd[handle], ifindex, group, f);
}

void joins_del(struct joins *j, int ifindex, const struct in6_addr *group, int handle)
{
	if (handle < 0 || handle >= j->n)
		return;
	group_option(j, j->fd[handle], MCAST_LEAVE_GROUP, ifindex, group);
	j->used[handle]--;
}
