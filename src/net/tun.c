#include "net/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/buf.h"
#include "net/packet.h"

#define WHOLE_MAX 1500U   /* octets: what is longer and unfinished was merged */
#define SEGMENT_MAX 1280U /* octets of each packet it is cut into: fits every link */

int tun_open(const char *name, int *ifindex)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	strncpy(ifr.ifr_name, name, sizeof ifr.ifr_name - 1);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		int err = errno;
		close(fd);
		return -err;
	}
	*ifindex = (int)if_nametoindex(name);
	return fd;
}

ssize_t tun_read(int fd, void *buf, size_t len)
{
	struct virtio_net_hdr hdr; /* says nothing: we asked for no offloads, so the kernel finishes packets for us */
	struct iovec iov[] = { { &hdr, sizeof hdr }, { buf, len } };
	ssize_t n;
	do
		n = readv(fd, iov, 2);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
	return n > (ssize_t)sizeof hdr ? n - (ssize_t)sizeof hdr : 0;
}

/* What both families have above them. */
struct upper {
	bool v4;
	uint8_t proto;
	const uint8_t *data;
	size_t len;
	uint16_t pseudo; /* sum of the pseudo-header (RFC 8200 §8.1, RFC 9293 §3.1) without the length */
};

static bool upper4(const void *packet, size_t len, struct upper *out)
{
	struct packet4 p;
	uint8_t pseudo[12] = { 0 };
	if (!packet4_walk(packet, len, &p))
		return false;
	memcpy(pseudo, p.src.s6_addr + 12, 4);
	memcpy(pseudo + 4, p.dst.s6_addr + 12, 4);
	pseudo[9] = p.proto;
	*out = (struct upper){ true, p.proto, p.data, p.len, (uint16_t)~checksum_inet(pseudo, sizeof pseudo) };
	return true;
}

static bool upper6(const void *packet, size_t len, struct upper *out)
{
	static const uint8_t nothing[1];
	struct packet6 p;
	if (!packet6_walk(packet, len, &p))
		return false;
	*out = (struct upper){ false, p.proto, p.data, p.len, (uint16_t)~checksum_ipv6(&p.src, &p.dst, p.proto, nothing, 0) };
	return true;
}

/* That is what an open checksum field holds. */
static uint16_t pseudo_sum(const struct upper *p)
{
	uint32_t sum = p->pseudo + (uint32_t)p->len;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static bool upper_find(const void *packet, size_t len, struct upper *out)
{
	return len && (*(const uint8_t *)packet >> 4 == 4 ? upper4(packet, len, out) : upper6(packet, len, out));
}

static struct virtio_net_hdr offload(const void *packet, size_t len)
{
	struct virtio_net_hdr hdr = { .gso_type = VIRTIO_NET_HDR_GSO_NONE };
	struct upper p;
	if (!upper_find(packet, len, &p) || (p.proto != IPPROTO_TCP && p.proto != IPPROTO_UDP))
		return hdr;
	size_t at = p.proto == IPPROTO_TCP ? 16 : 6, start = (size_t)(p.data - (const uint8_t *)packet);
	if (p.len < (p.proto == IPPROTO_TCP ? 20U : 8U))
		return hdr;
	uint16_t field = (uint16_t)(p.data[at] << 8 | p.data[at + 1]);
	if (field != pseudo_sum(&p))
		return hdr;
	hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	hdr.csum_start = (uint16_t)start;
	hdr.csum_offset = (uint16_t)at;
	if (p.proto != IPPROTO_TCP || len <= WHOLE_MAX)
		return hdr;
	size_t headers = start + (size_t)(p.data[12] >> 4) * 4;
	if (headers >= SEGMENT_MAX)
		return hdr;
	hdr.gso_type = p.v4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
	hdr.hdr_len = (uint16_t)headers;
	hdr.gso_size = (uint16_t)(SEGMENT_MAX - headers);
	return hdr;
}

int tun_write(int fd, const void *packet, size_t len)
{
	struct virtio_net_hdr hdr = offload(packet, len);
	struct iovec iov[] = { { &hdr, sizeof hdr }, { (void *)(uintptr_t)packet, len } };
	ssize_t n;
	do
		n = writev(fd, iov, 2);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}
