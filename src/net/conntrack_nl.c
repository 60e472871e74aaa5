#include <errno.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/conntrack_priv.h"

#define MESSAGE_ROOM 1024 /* more than any request of ours has */

_Static_assert(CTA_PROTOINFO_TCP_STATE == 1, "the kernel's numbers");

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE || proto == IPPROTO_SCTP ||
	       proto == IPPROTO_DCCP;
}

static bool is_icmp(uint8_t proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

/* ---- from the kernel ---- */

static bool parse_addresses(const struct nf_conntrack *ct, struct conntrack_tuple *t)
{
	if (nfct_attr_is_set(ct, ATTR_ORIG_IPV6_SRC) > 0 && nfct_attr_is_set(ct, ATTR_ORIG_IPV6_DST) > 0) {
		memcpy(&t->src, nfct_get_attr(ct, ATTR_ORIG_IPV6_SRC), sizeof t->src);
		memcpy(&t->dst, nfct_get_attr(ct, ATTR_ORIG_IPV6_DST), sizeof t->dst);
		return true;
	}
	if (nfct_attr_is_set(ct, ATTR_ORIG_IPV4_SRC) <= 0 || nfct_attr_is_set(ct, ATTR_ORIG_IPV4_DST) <= 0)
		return false;
	t->src = t->dst = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff } };
	memcpy(&t->src.s6_addr[12], nfct_get_attr(ct, ATTR_ORIG_IPV4_SRC), 4);
	memcpy(&t->dst.s6_addr[12], nfct_get_attr(ct, ATTR_ORIG_IPV4_DST), 4);
	return true;
}

static bool parse_tuple(const struct nf_conntrack *ct, struct conntrack_tuple *t)
{
	*t = (struct conntrack_tuple){ .proto = nfct_get_attr_u8(ct, ATTR_ORIG_L4PROTO) };
	if (!parse_addresses(ct, t) || nfct_attr_is_set(ct, ATTR_ORIG_L4PROTO) <= 0)
		return false;
	if (has_ports(t->proto)) {
		t->sport = ntohs(nfct_get_attr_u16(ct, ATTR_ORIG_PORT_SRC));
		t->dport = ntohs(nfct_get_attr_u16(ct, ATTR_ORIG_PORT_DST));
	} else if (is_icmp(t->proto)) {
		t->sport = ntohs(nfct_get_attr_u16(ct, ATTR_ICMP_ID));
		t->dport = (uint16_t)(nfct_get_attr_u8(ct, ATTR_ICMP_TYPE) << 8 | nfct_get_attr_u8(ct, ATTR_ICMP_CODE));
	}
	return true;
}

static void parse_protocol(const struct nf_conntrack *ct, struct conntrack_entry *e)
{
	if (e->tuple.proto == IPPROTO_TCP) {
		e->tcp_state = nfct_get_attr_u8(ct, ATTR_TCP_STATE);
		e->tcp_flags[0] = nfct_get_attr_u8(ct, ATTR_TCP_FLAGS_ORIG) & CONNTRACK_TCP_FLAGS;
		e->tcp_flags[1] = nfct_get_attr_u8(ct, ATTR_TCP_FLAGS_REPL) & CONNTRACK_TCP_FLAGS;
		e->tcp_scale[0] = nfct_get_attr_u8(ct, ATTR_TCP_WSCALE_ORIG);
		e->tcp_scale[1] = nfct_get_attr_u8(ct, ATTR_TCP_WSCALE_REPL);
	} else if (e->tuple.proto == IPPROTO_SCTP) {
		e->sctp_state = nfct_get_attr_u8(ct, ATTR_SCTP_STATE);
		e->sctp_vtag[0] = ntohl(nfct_get_attr_u32(ct, ATTR_SCTP_VTAG_ORIG));
		e->sctp_vtag[1] = ntohl(nfct_get_attr_u32(ct, ATTR_SCTP_VTAG_REPL));
	}
}

bool ctnl_parse(const struct nlmsghdr *h, uint16_t zone, struct conntrack_entry *out)
{
	struct nf_conntrack *ct = h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nfgenmsg)) ? nfct_new() : NULL;
	bool ok = ct && nfct_nlmsg_parse(h, ct) >= 0 && parse_tuple(ct, &out->tuple) && nfct_get_attr_u16(ct, ATTR_ZONE) == zone;
	if (ok) {
		uint32_t status = nfct_get_attr_u32(ct, ATTR_STATUS);
		struct conntrack_entry e = { .tuple = out->tuple, .timeout = nfct_get_attr_u32(ct, ATTR_TIMEOUT),
			                     .assured = status & IPS_ASSURED, .replied = status & IPS_SEEN_REPLY,
			                     .nat = status & IPS_NAT_MASK, .mark = nfct_get_attr_u32(ct, ATTR_MARK) };
		parse_protocol(ct, &e);
		*out = e;
	}
	if (ct)
		nfct_destroy(ct);
	return ok;
}

/* ---- to the kernel ---- */

static void put_tuple(struct nf_conntrack *ct, const struct conntrack_tuple *t, uint16_t zone)
{
	if (addr_is_v4(&t->src)) {
		nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET);
		nfct_set_attr(ct, ATTR_IPV4_SRC, &t->src.s6_addr[12]);
		nfct_set_attr(ct, ATTR_IPV4_DST, &t->dst.s6_addr[12]);
	} else {
		nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET6);
		nfct_set_attr(ct, ATTR_IPV6_SRC, &t->src);
		nfct_set_attr(ct, ATTR_IPV6_DST, &t->dst);
	}
	nfct_set_attr_u8(ct, ATTR_L4PROTO, t->proto);
	if (has_ports(t->proto)) {
		nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(t->sport));
		nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(t->dport));
	} else if (is_icmp(t->proto)) {
		nfct_set_attr_u16(ct, ATTR_ICMP_ID, htons(t->sport));
		nfct_set_attr_u8(ct, ATTR_ICMP_TYPE, (uint8_t)(t->dport >> 8));
		nfct_set_attr_u8(ct, ATTR_ICMP_CODE, (uint8_t)t->dport);
	}
	if (zone)
		nfct_set_attr_u16(ct, ATTR_ZONE, zone);
}

static void put_tcp(struct nf_conntrack *ct, const struct conntrack_entry *e)
{
	nfct_set_attr_u8(ct, ATTR_TCP_STATE, e->tcp_state);
	nfct_set_attr_u8(ct, ATTR_TCP_FLAGS_ORIG, e->tcp_flags[0]);
	nfct_set_attr_u8(ct, ATTR_TCP_MASK_ORIG, e->tcp_flags[0]);
	nfct_set_attr_u8(ct, ATTR_TCP_FLAGS_REPL, e->tcp_flags[1]);
	nfct_set_attr_u8(ct, ATTR_TCP_MASK_REPL, e->tcp_flags[1]);
	nfct_set_attr_u8(ct, ATTR_TCP_WSCALE_ORIG, e->tcp_scale[0]);
	nfct_set_attr_u8(ct, ATTR_TCP_WSCALE_REPL, e->tcp_scale[1]);
}

static void put_entry(struct nf_conntrack *ct, const struct conntrack_entry *e)
{
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, e->timeout);
	nfct_set_attr_u32(ct, ATTR_STATUS,
	                  (uint32_t)(IPS_CONFIRMED | (e->assured ? IPS_ASSURED : 0) | (e->replied ? IPS_SEEN_REPLY : 0)));
	if (e->marked)
		nfct_set_attr_u32(ct, ATTR_MARK, e->mark);
	if (e->tuple.proto == IPPROTO_TCP) {
		put_tcp(ct, e);
	} else if (e->tuple.proto == IPPROTO_SCTP) {
		nfct_set_attr_u8(ct, ATTR_SCTP_STATE, e->sctp_state);
		nfct_set_attr_u32(ct, ATTR_SCTP_VTAG_ORIG, htonl(e->sctp_vtag[0]));
		nfct_set_attr_u32(ct, ATTR_SCTP_VTAG_REPL, htonl(e->sctp_vtag[1]));
	}
}

static struct nlmsghdr *put_header(void *at, uint16_t type, uint16_t flags, uint32_t seq, uint8_t family)
{
	struct nlmsghdr *h = at;
	*h = (struct nlmsghdr){ .nlmsg_len = NLMSG_LENGTH(sizeof(struct nfgenmsg)), .nlmsg_seq = seq,
		                .nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type),
		                .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags) };
	*(struct nfgenmsg *)NLMSG_DATA(h) = (struct nfgenmsg){ .nfgen_family = family, .version = NFNETLINK_V0 };
	return h;
}

/* Returns its length, or 0. */
static size_t build(void *at, enum ctnl_request what, const struct conntrack_entry *e, uint16_t zone, uint32_t seq)
{
	static const struct {
		uint16_t type, flags;
	} kinds[] = {
		[CTNL_GET] = { IPCTNL_MSG_CT_GET, 0 },
		[CTNL_SET] = { IPCTNL_MSG_CT_NEW, NLM_F_CREATE | NLM_F_ACK },
		[CTNL_DEL] = { IPCTNL_MSG_CT_DELETE, NLM_F_ACK },
	};
	struct nf_conntrack *ct = nfct_new();
	if (!ct)
		return 0;
	put_tuple(ct, &e->tuple, zone);
	if (what == CTNL_SET)
		put_entry(ct, e);
	struct nlmsghdr *h = put_header(at, kinds[what].type, kinds[what].flags, seq, addr_is_v4(&e->tuple.src) ? AF_INET : AF_INET6);
	int err = nfct_nlmsg_build(h, ct);
	nfct_destroy(ct);
	return err < 0 ? 0 : NLMSG_ALIGN(h->nlmsg_len);
}

int ctnl_open(void)
{
	int room = 1 << 20, fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	if (fd < 0)
		return -errno;
	/* An answer of the kernel takes a whole page of the receive buffer, and a batch of them must fit. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	return fd;
}

int ctnl_dump(int fd)
{
	uint8_t room[NLMSG_SPACE(sizeof(struct nfgenmsg))];
	struct nlmsghdr *h = put_header(room, IPCTNL_MSG_CT_GET, NLM_F_DUMP, 1, AF_UNSPEC);
	return send(fd, h, h->nlmsg_len, 0) < 0 ? -errno : 0;
}

static int error_of(const struct nlmsghdr *h)
{
	if (h->nlmsg_type != NLMSG_ERROR)
		return 0;
	return h->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr)) ? -EPROTO : ((struct nlmsgerr *)NLMSG_DATA(h))->error;
}

void ctnl_exchange(int fd, enum ctnl_request what, const struct conntrack_entry *const *e, size_t n, uint16_t zone,
                   ctnl_answer_fn *answered, void *arg)
{
	static uint32_t seq;
	static uint8_t out[CTNL_BATCH * MESSAGE_ROOM] __attribute__((aligned(NLMSG_ALIGNTO)));
	static uint8_t in[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
	size_t len = 0;
	uint32_t first = seq + 1;
	int error = -ENODATA; /* of those that get no answer */
	bool done[CTNL_BATCH] = { false };
	memset(out, 0, sizeof out);
	for (size_t i = 0; i < n; i++)
		len += build(out + len, what, e[i], zone, ++seq);
	ssize_t got = send(fd, out, len, 0);
	if (got < 0)
		error = -errno;
	while (got >= 0 && (got = recv(fd, in, sizeof in, 0)) >= 0) {
		unsigned left = (unsigned)got;
		for (const struct nlmsghdr *h = (const void *)in; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
			uint32_t i = h->nlmsg_seq - first;
			if (i >= n || done[i])
				continue;
			done[i] = true;
			answered(i, error_of(h), h, arg);
		}
	}
	for (size_t i = 0; i < n; i++)
		if (!done[i])
			answered(i, error, NULL, arg);
}
