#include "fmip6/fmip6_io.h"

#include <string.h>
#include <time.h>

#include "core/mobile.h"

#define NEXT_ICMPV6 58

/* The label and the pieces stand in handoverd.conf(5). The PCoA is one of them because the authenticator does not cover the Home
 * Address option (RFC 6275 §6.2.7 note): so a key shared by many mobiles does not let one speak for another's address. */
bool fmip6_key(const struct core *core, const struct in6_addr *pcoa, struct badf_key *out)
{
	const struct secret *master = mobile_key(core->settings, pcoa);
	const struct piece piece = { pcoa->s6_addr, sizeof pcoa->s6_addr };
	return master && secret_derive(master, "handoverd fmip6 badf", &piece, 1, out->octets, sizeof out->octets) == 0;
}

int fmip6_send_frame(const struct core *core, int ifindex, const struct lladdr *to, const struct in6_addr *src,
                     const struct in6_addr *dst, const uint8_t *icmp, size_t len)
{
	uint8_t packet[FMIP6_MESSAGE_MAX + 40];
	int n = ip6_pack(src, dst, NEXT_ICMPV6, FMIP6_HOP_LIMIT, icmp, len, packet, sizeof packet);
	return n < 0 ? n : frames_send(core->net->frames, ifindex, to, packet, (size_t)n);
}

struct mh_in fmip6_mh_in(const struct mh_message *m)
{
	return (struct mh_in){ .src = m->src, .dst = m->dst, .home = m->home, .ifindex = m->ifindex, .data = m->data, .len = m->len,
		.at = m->at };
}

bool fmip6_is_local(const struct core *core, const struct in6_addr *a)
{
	return rtnl_is_local(core->net->rtnl, a, NULL);
}

/* Strangers' questions are answered too: while the kernel takes nothing, they must not fill the log. */
void fmip6_sent(int rc, const char *what, const struct in6_addr *to)
{
	static struct bucket limit;
	struct timespec now;
	if (rc >= 0)
		return;
	FMIP6_COUNT(FMIP6_SEND_FAILED);
	if (limit.burst == 0)
		bucket_init(&limit, 1, 10);
	clock_gettime(CLOCK_MONOTONIC, &now);
	log_limited(&limit, (usec_t)now.tv_sec * USEC_SEC + (usec_t)now.tv_nsec / 1000, LOG_LEVEL_WARNING, "fmip6",
	            "%s not sent peer=%s reason=\"%s\"", what, ADDR(to), strerror(-rc));
}

void fmip6_send_dad(const struct core *core, int ifindex, const struct in6_addr *addr)
{
	uint8_t out[32];
	const uint8_t *a = addr->s6_addr;
	const struct in6_addr group = { .s6_addr = { 0xff, 2, [11] = 1, 0xff, a[13], a[14], a[15] } };
	const struct lladdr to = { .len = 6, .octet = { 0x33, 0x33, 0xff, a[13], a[14], a[15] } };
	int n = nd_ns_pack(addr, &(struct lladdr){ .len = 0 }, out, sizeof out);
	if (n > 0)
		fmip6_sent(fmip6_send_frame(core, ifindex, &to, &in6addr_any, &group, out, (size_t)n), "probe", addr);
}
