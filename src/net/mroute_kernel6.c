/* IPv6: MRT6. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/icmp6.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/mroute6.h>

#include "net/mroute_kernel.h"

static int kernel_open(void)
{
	struct icmp6_filter nothing;
	int one = 1, buffer = 1 << 20, fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);
	if (fd < 0)
		return -errno;
	/* Upcalls pass this filter; what the network sends does not, so nobody can forge one. */
	ICMP6_FILTER_SETBLOCKALL(&nothing);
	if (setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &nothing, sizeof nothing) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, MRT6_INIT, &one, sizeof one) < 0) {
		int e = errno;
		close(fd);
		return -e;
	}
	/* With PIM mode the kernel tells of a source that now comes in elsewhere; without, the counters do, later. */
	if (setsockopt(fd, IPPROTO_IPV6, MRT6_PIM, &one, sizeof one) < 0)
		setsockopt(fd, IPPROTO_IPV6, MRT6_ASSERT, &one, sizeof one);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
	return fd;
}

static int mif_add(int fd, int mif, int ifindex)
{
	struct mif6ctl c = { .mif6c_mifi = (mifi_t)mif, .vifc_threshold = 1, .mif6c_pifi = (__u16)ifindex };
	if (ifindex > UINT16_MAX) /* the kernel's field is no wider */
		return -ERANGE;
	return setsockopt(fd, IPPROTO_IPV6, MRT6_ADD_MIF, &c, sizeof c) < 0 ? -errno : 0;
}

static void mif_del(int fd, int mif)
{
	mifi_t m = (mifi_t)mif;
	setsockopt(fd, IPPROTO_IPV6, MRT6_DEL_MIF, &m, sizeof m); /* fails if the interface is gone, and the MIF with it */
}

static struct mf6cctl entry_of(const struct mroute_sg *sg, int parent, uint32_t mifs)
{
	struct mf6cctl c;
	memset(&c, 0, sizeof c);
	c.mf6cc_origin.sin6_family = AF_INET6;
	c.mf6cc_origin.sin6_addr = sg->source;
	c.mf6cc_mcastgrp.sin6_family = AF_INET6;
	c.mf6cc_mcastgrp.sin6_addr = sg->group;
	c.mf6cc_parent = (mifi_t)parent;
	for (unsigned i = 0; i < MROUTE_MIFS; i++)
		if (mifs & 1U << i)
			c.mf6cc_ifset.ifs_bits[i / NIFBITS] |= 1U << i % NIFBITS; /* IF_SET shifts a signed 1 */
	return c;
}

static int entry_set(int fd, const struct mroute_sg *sg, int parent, uint32_t mifs)
{
	struct mf6cctl c = entry_of(sg, parent, mifs);
	return setsockopt(fd, IPPROTO_IPV6, MRT6_ADD_MFC, &c, sizeof c) < 0 ? -errno : 0;
}

static void entry_del(int fd, const struct mroute_sg *sg, int parent)
{
	struct mf6cctl c = entry_of(sg, parent, 0);
	setsockopt(fd, IPPROTO_IPV6, MRT6_DEL_MFC, &c, sizeof c);
}

static int entry_counts(int fd, const struct mroute_sg *sg, struct mroute_counts *out)
{
	struct sioc_sg_req6 r;
	memset(&r, 0, sizeof r);
	r.src.sin6_family = AF_INET6;
	r.src.sin6_addr = sg->source;
	r.grp.sin6_family = AF_INET6;
	r.grp.sin6_addr = sg->group;
	if (ioctl(fd, SIOCGETSGCNT_IN6, &r) < 0)
		return -errno;
	out->wrong = r.wrong_if;
	out->right = r.pktcnt - r.wrong_if; /* the kernel counts every packet in pktcnt */
	return 0;
}

static bool upcall_parse(struct rd r, struct mroute_upcall *out)
{
	uint8_t zero, type, mif[2];
	memset(out, 0, sizeof *out);
	if (!rd_u8(&r, &zero) || zero || !rd_u8(&r, &type) || !rd_copy(&r, mif, 2) || !rd_skip(&r, 4) ||
	    !rd_addr6(&r, &out->sg.source) || !rd_addr6(&r, &out->sg.group))
		return false;
	uint16_t index; /* in the kernel's own byte order */
	memcpy(&index, mif, sizeof index);
	out->mif = index;
	out->wrong = type == MRT6MSG_WRONGMIF;
	return index < MROUTE_MIFS && (type == MRT6MSG_NOCACHE || type == MRT6MSG_WRONGMIF);
}

const struct mroute_kernel mroute_kernel6 = { .open = kernel_open, .mif_add = mif_add, .mif_del = mif_del, .set = entry_set,
	                                      .del = entry_del, .counts = entry_counts, .upcall = upcall_parse };
