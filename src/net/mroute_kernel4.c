/* IPv4: MRT. Interfaces are VIFs, the routing socket is one of IGMP; addresses are IPv4-mapped with us. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/filter.h>
#include <linux/mroute.h>

#include "net/mroute_kernel.h"

/* Upcalls have 0 where an IP header has its protocol; what the network sends does not, so nobody can forge one. */
static int upcalls_only(int fd)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { .len = sizeof code / sizeof *code, .filter = code };
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog);
}

static int kernel_open(void)
{
	int one = 1, buffer = 1 << 20, fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_IGMP);
	if (fd < 0)
		return -errno;
	if (upcalls_only(fd) < 0 || setsockopt(fd, IPPROTO_IP, MRT_INIT, &one, sizeof one) < 0) {
		int e = errno;
		close(fd);
		return -e;
	}
	/* With PIM mode the kernel tells of a source that now comes in elsewhere; without, the counters do, later. */
	if (setsockopt(fd, IPPROTO_IP, MRT_PIM, &one, sizeof one) < 0)
		setsockopt(fd, IPPROTO_IP, MRT_ASSERT, &one, sizeof one);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
	return fd;
}

static int mif_add(int fd, int mif, int ifindex)
{
	struct vifctl c = { .vifc_vifi = (vifi_t)mif, .vifc_flags = VIFF_USE_IFINDEX, .vifc_threshold = 1,
		            .vifc_lcl_ifindex = ifindex };
	return setsockopt(fd, IPPROTO_IP, MRT_ADD_VIF, &c, sizeof c) < 0 ? -errno : 0;
}

static void mif_del(int fd, int mif)
{
	struct vifctl c = { .vifc_vifi = (vifi_t)mif };
	setsockopt(fd, IPPROTO_IP, MRT_DEL_VIF, &c, sizeof c); /* fails if the interface is gone, and the VIF with it */
}

static struct mfcctl entry_of(const struct mroute_sg *sg, int parent, uint32_t mifs)
{
	struct mfcctl c;
	memset(&c, 0, sizeof c);
	memcpy(&c.mfcc_origin, &sg->source.s6_addr[12], 4);
	memcpy(&c.mfcc_mcastgrp, &sg->group.s6_addr[12], 4);
	c.mfcc_parent = (vifi_t)parent;
	for (unsigned i = 0; i < MROUTE_MIFS; i++)
		c.mfcc_ttls[i] = mifs & 1U << i ? 1 : 0;
	return c;
}

static int entry_set(int fd, const struct mroute_sg *sg, int parent, uint32_t mifs)
{
	struct mfcctl c = entry_of(sg, parent, mifs);
	return setsockopt(fd, IPPROTO_IP, MRT_ADD_MFC, &c, sizeof c) < 0 ? -errno : 0;
}

static void entry_del(int fd, const struct mroute_sg *sg, int parent)
{
	struct mfcctl c = entry_of(sg, parent, 0);
	setsockopt(fd, IPPROTO_IP, MRT_DEL_MFC, &c, sizeof c);
}

static int entry_counts(int fd, const struct mroute_sg *sg, struct mroute_counts *out)
{
	struct sioc_sg_req r;
	memset(&r, 0, sizeof r);
	memcpy(&r.src, &sg->source.s6_addr[12], 4);
	memcpy(&r.grp, &sg->group.s6_addr[12], 4);
	if (ioctl(fd, SIOCGETSGCNT, &r) < 0)
		return -errno;
	out->wrong = r.wrong_if;
	out->right = r.pktcnt - r.wrong_if; /* the kernel counts every packet in pktcnt */
	return 0;
}

static bool upcall_parse(struct rd r, struct mroute_upcall *out)
{
	uint8_t type, zero, low, high;
	memset(out, 0, sizeof *out);
	if (!rd_skip(&r, 8) || !rd_u8(&r, &type) || !rd_u8(&r, &zero) || zero || !rd_u8(&r, &low) || !rd_u8(&r, &high) ||
	    !rd_addr4(&r, &out->sg.source) || !rd_addr4(&r, &out->sg.group))
		return false;
	out->mif = low | high << 8;
	out->wrong = type == IGMPMSG_WRONGVIF;
	return out->mif < MROUTE_MIFS && (type == IGMPMSG_NOCACHE || type == IGMPMSG_WRONGVIF);
}

const struct mroute_kernel mroute_kernel4 = { .v4 = true, .open = kernel_open, .mif_add = mif_add, .mif_del = mif_del,
	                                      .set = entry_set, .del = entry_del, .counts = entry_counts,
	                                      .upcall = upcall_parse };
