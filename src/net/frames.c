/* Whole packets in frames, past the kernel's neighbour resolution. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/log.h"
#include "net/icmp6.h"

struct frames {
	int fd;
};

/* Protocol 0: the socket receives nothing. */
struct frames *frames_open(void)
{
	struct frames *f = calloc(1, sizeof *f);
	int e = ENOMEM;
	if (f) {
		f->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (f->fd >= 0)
			return f;
		e = errno;
	}
	LOG_ERROR("net", "cannot open packet socket error=\"%s\"", strerror(e));
	free(f);
	return NULL;
}

void frames_close(struct frames *f)
{
	if (!f)
		return;
	close(f->fd);
	free(f);
}

int frames_send(struct frames *f, int ifindex, const struct lladdr *to, const void *packet, size_t len)
{
	/* A link-layer address may be longer than sll_addr (InfiniBand: 20): the kernel takes what follows it. */
	union {
		struct sockaddr_ll sll;
		uint8_t octets[sizeof(struct sockaddr_ll) + LLADDR_MAX];
	} a = { .octets = { 0 } };
	const uint8_t *p = packet;
	if (len < 20 || !to->len || to->len > LLADDR_MAX)
		return -EINVAL;
	a.sll.sll_family = AF_PACKET;
	a.sll.sll_protocol = htons(p[0] >> 4 == 4 ? ETH_P_IP : ETH_P_IPV6);
	a.sll.sll_ifindex = ifindex;
	a.sll.sll_halen = to->len;
	memcpy(a.octets + offsetof(struct sockaddr_ll, sll_addr), to->octet, to->len);
	socklen_t size = sizeof a.sll;
	if (to->len > sizeof a.sll.sll_addr)
		size += (socklen_t)(to->len - sizeof a.sll.sll_addr);
	return sendto(f->fd, packet, len, 0, (const struct sockaddr *)&a, size) < 0 ? -errno : 0;
}
