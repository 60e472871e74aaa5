#include "cxtp/cxtp_icmp.h"

#include <errno.h>
#include <stdlib.h>

#include "core/log.h"
#include "cxtp/cxtp_count.h"
#include "net/icmp6.h"

#define HEADER 8        /* type, code, checksum, subtype, reserved */
#define PACKET_MAX 1500 /* what a mobile's message may be; no fragments (RFC 4067 §3.2) */
#define HOP_LIMIT 255

struct cxtp_icmp {
	struct loop *loop;
	struct icmp6 *v6;
	struct icmp4 *v4;
	cxtp_icmp_fn *fn;
	void *arg;
};

static void refuse(enum cxtp_counter c, const struct icmp6_message *in, const char *reason)
{
	cxtp_count(c);
	log_limited(cxtp_lines(c), in->at, LOG_LEVEL_NOTICE, "cxtp", "message refused peer=%s reason=%s hop_limit=%d length=%zu",
	            ADDR(&in->src), reason, in->hop_limit, in->len);
}

static void received(const struct icmp6_message *in, void *arg)
{
	struct cxtp_icmp *s = arg;
	struct rd r = rd_make(in->data, in->len);
	struct cxtp_message m;
	uint8_t code, subtype;
	/* Other subtypes are other protocols' (CARD; RFC 4068's), which listen for themselves. */
	if (!rd_skip(&r, 1) || !rd_u8(&r, &code) || !rd_skip(&r, 2) || !rd_u8(&r, &subtype) || subtype != CXTP_ICMP_SUBTYPE)
		return;
	if (in->hop_limit != HOP_LIMIT) {
		refuse(CXTP_HOP_LIMIT, in, "hop-limit");
		return;
	}
	if (code != 0 || !rd_skip(&r, 3)) {
		refuse(CXTP_MALFORMED, in, "code");
		return;
	}
	if (addr_is_zero(&in->src) || addr_is_multicast(&in->src) || addr_is_multicast(&in->dst)) {
		refuse(CXTP_WRONG_SOURCE, in, "address");
		return;
	}
	enum cxtp_error error = cxtp_parse(in->data + HEADER, rd_left(&r), &m);
	if (error) {
		refuse(CXTP_MALFORMED, in, cxtp_error_text(error));
		return;
	}
	/* §3.2: these two and no others; of the family of the packet. */
	if ((m.type != CXTP_CTAR && m.type != CXTP_CTAA) || addr_is_v4(&m.mobile) != addr_is_v4(&in->src)) {
		refuse(CXTP_MALFORMED, in, "not-for-this-transport");
		return;
	}
	struct cxtp_link from = { .peer = in->src, .local = in->dst, .ifindex = in->ifindex };
	s->fn(&from, &m, s->arg);
}

struct cxtp_icmp *cxtp_icmp_open(struct loop *l, cxtp_icmp_fn *fn, void *arg)
{
	static const uint8_t type6 = CXTP_ICMP6_TYPE, type4 = CXTP_ICMP4_TYPE;
	struct cxtp_icmp *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->loop = l;
	s->fn = fn;
	s->arg = arg;
	s->v6 = icmp6_open(l, &type6, 1, received, s);
	s->v4 = icmp4_open(l, &type4, 1, received, s);
	if (!s->v6 || !s->v4) {
		cxtp_icmp_close(s);
		return NULL;
	}
	return s;
}

void cxtp_icmp_close(struct cxtp_icmp *s)
{
	if (!s)
		return;
	icmp6_close(s->v6);
	icmp4_close(s->v4);
	free(s);
}

int cxtp_icmp_send(struct cxtp_icmp *s, const struct cxtp_link *to, const void *msg, size_t len)
{
	uint8_t packet[PACKET_MAX];
	struct wr w = wr_make(packet, sizeof packet);
	bool v4 = addr_is_v4(&to->peer);
	wr_u8(&w, v4 ? CXTP_ICMP4_TYPE : CXTP_ICMP6_TYPE);
	wr_zero(&w, 3);
	wr_u8(&w, CXTP_ICMP_SUBTYPE);
	wr_zero(&w, 3);
	wr_copy(&w, msg, len);
	if (!wr_ok(&w))
		return -EMSGSIZE;
	if (v4)
		return icmp4_send(s->v4, to->ifindex, &to->local, &to->peer, HOP_LIMIT, packet, w.len);
	return icmp6_send(s->v6, to->ifindex, &to->local, &to->peer, HOP_LIMIT, false, packet, w.len);
}
