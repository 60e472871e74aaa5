/*
 * Requests, one by one or gathered. The kernel has carried a request out, and queued what it has to say about it, before
 * send() returns: so nothing here blocks, and what was asked for is in force when the call is back. Acknowledgements are not
 * asked for, since of a request that changes something the kernel says nothing but why it did not.
 */
#include "net/rtnl_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_MAX 1024    /* octets of one */
#define ANSWERS (1 << 19)   /* octets: room for a refusal of each that is gathered */

struct nl_msg *rtnl_request(uint16_t type, uint16_t flags, const void *hdr, size_t len)
{
	struct nl_msg *m = nlmsg_alloc_size(REQUEST_MAX);
	if (m && (!nlmsg_put(m, NL_AUTO_PORT, NL_AUTO_SEQ, type, 0, NLM_F_REQUEST | flags) ||
	          nlmsg_append(m, (void *)(uintptr_t)hdr, len, NLMSG_ALIGNTO) < 0)) {
		nlmsg_free(m);
		return NULL;
	}
	return m;
}

static int send_all(struct rtnl *r, const void *data, size_t len)
{
	while (send(nl_socket_get_fd(r->sk), data, len, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* -- one by one ------------------------------------------------------------------------------------------------------ */

/* One datagram of an answer. Returns 1: more may come; 0 or a negative errno: over. */
static int take_answer(struct rtnl *r, struct nlmsghdr *h, int left, rtnl_message_fn *fn, void *arg, bool *interrupted)
{
	for (; nlmsg_ok(h, left); h = nlmsg_next(h, &left)) {
		if (h->nlmsg_seq != r->seq)
			continue; /* the rest of an exchange that was given up */
		if (h->nlmsg_flags & NLM_F_DUMP_INTR)
			*interrupted = true;
		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		if (h->nlmsg_type == NLMSG_ERROR) {
			if (nlmsg_datalen(h) < (int)sizeof(int))
				return -EBADMSG;
			return *(const int *)nlmsg_data(h);
		}
		if (fn)
			fn(h, arg);
		if (!(h->nlmsg_flags & NLM_F_MULTI))
			return 0;
	}
	return 1;
}

/* Nothing (more) there: of a dump that would be odd, of all else it is the kernel's consent. */
static int exchange_once(struct rtnl *r, struct nlmsghdr *h, rtnl_message_fn *fn, void *arg, bool *interrupted)
{
	int dontwait = (h->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP ? 0 : MSG_DONTWAIT;
	h->nlmsg_seq = ++r->seq;
	h->nlmsg_pid = nl_socket_get_local_port(r->sk);
	int rc = send_all(r, h, h->nlmsg_len);
	if (rc < 0)
		return rc;
	for (;;) {
		ssize_t n = recv(nl_socket_get_fd(r->sk), r->buf, RTNL_BUF, MSG_TRUNC | dontwait);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return dontwait && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : -errno;
		if ((size_t)n > RTNL_BUF)
			return -EMSGSIZE;
		rc = take_answer(r, (struct nlmsghdr *)(void *)r->buf, (int)n, fn, arg, interrupted);
		if (rc <= 0)
			return rc;
	}
}

int rtnl_exchange(struct rtnl *r, struct nl_msg *m, rtnl_message_fn *fn, void *arg)
{
	if (!m)
		return -ENOMEM;
	struct nlmsghdr *h = nlmsg_hdr(m);
	bool dump = (h->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	rtnl_flush(r);
	rtnl_counters[RTNL_REQUESTS].value++;
	int rc;
	bool interrupted;
	int tries = 0;
	do { /* a table that changed under a dump is read again: callers take the same entry twice without harm */
		interrupted = false;
		rc = exchange_once(r, h, fn, arg, &interrupted);
	} while (rc == 0 && dump && interrupted && ++tries < 4);
	if (rc < 0)
		rtnl_counters[RTNL_REQUEST_ERRORS].value++;
	nlmsg_free(m);
	return rc;
}

/* -- gathered -------------------------------------------------------------------------------------------------------- */

static void batch_fail(struct rtnl_batch *b, int rc, unsigned n)
{
	rtnl_counters[RTNL_REQUEST_ERRORS].value += n;
	if (b->error == 0)
		b->error = rc;
}

static void batch_answer(struct rtnl *r, struct nlmsghdr *h, int left)
{
	struct rtnl_batch *b = &r->batch;
	for (; nlmsg_ok(h, left); h = nlmsg_next(h, &left)) {
		uint32_t i = h->nlmsg_seq - b->seq;
		if (h->nlmsg_type != NLMSG_ERROR || i >= b->n)
			continue;
		int rc = nlmsg_datalen(h) < (int)sizeof(int) ? -EBADMSG : *(const int *)nlmsg_data(h);
		if (rc < 0 && rc != -b->harmless[i])
			batch_fail(b, rc, 1);
	}
}

void rtnl_flush(struct rtnl *r)
{
	struct rtnl_batch *b = &r->batch;
	if (!b->n)
		return;
	int rc = send_all(r, b->data, b->len);
	if (rc < 0)
		batch_fail(b, rc, b->n);
	while (rc == 0) {
		ssize_t n = recv(nl_socket_get_fd(r->sk), r->buf, RTNL_BUF, MSG_DONTWAIT);
		if (n >= 0)
			batch_answer(r, (struct nlmsghdr *)(void *)r->buf, (int)n);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			break;
		else if (errno != EINTR)
			batch_fail(b, rc = -errno, 1);
	}
	b->n = 0;
	b->len = 0;
}

static int batch_add(struct rtnl *r, struct nl_msg *m, int harmless)
{
	struct rtnl_batch *b = &r->batch;
	struct nlmsghdr *h = nlmsg_hdr(m);
	if (b->n == RTNL_BATCH_MAX || b->len + NLMSG_ALIGN(h->nlmsg_len) > sizeof b->data)
		rtnl_flush(r);
	h->nlmsg_seq = ++r->seq;
	h->nlmsg_pid = nl_socket_get_local_port(r->sk);
	if (b->n == 0)
		b->seq = h->nlmsg_seq;
	memcpy(b->data + b->len, h, h->nlmsg_len);
	b->len += NLMSG_ALIGN(h->nlmsg_len);
	b->harmless[b->n++] = harmless;
	rtnl_counters[RTNL_REQUESTS].value++;
	nlmsg_free(m);
	return 0;
}

int rtnl_change(struct rtnl *r, struct nl_msg *m, int put, int harmless)
{
	if (!m)
		return -ENOMEM;
	if (put < 0) {
		nlmsg_free(m);
		return -EMSGSIZE;
	}
	if (r->batch.depth)
		return batch_add(r, m, harmless);
	int rc = rtnl_exchange(r, m, NULL, NULL);
	return rc == -harmless ? 0 : rc;
}

void rtnl_begin(struct rtnl *r)
{
	r->batch.depth++;
}

int rtnl_commit(struct rtnl *r)
{
	struct rtnl_batch *b = &r->batch;
	if (--b->depth)
		return 0;
	rtnl_flush(r);
	int rc = b->error;
	b->error = 0;
	return rc;
}

/* -- the socket ------------------------------------------------------------------------------------------------------ */

int rtnl_request_open(struct rtnl *r)
{
	int one = 1, room = ANSWERS;
	r->sk = nl_socket_alloc();
	r->buf = malloc(RTNL_BUF);
	if (!r->sk || !r->buf)
		return -ENOMEM;
	int rc = nl_connect(r->sk, NETLINK_ROUTE);
	if (rc < 0)
		return -EPROTONOSUPPORT;
	if (setsockopt(nl_socket_get_fd(r->sk), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0)
		(void)setsockopt(nl_socket_get_fd(r->sk), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	/* Filters in dump requests count (kernels from 4.20 on); older ones send everything, and we look ourselves too. */
	(void)setsockopt(nl_socket_get_fd(r->sk), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof one);
	(void)setsockopt(nl_socket_get_fd(r->sk), SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof one);
	return 0;
}

void rtnl_request_close(struct rtnl *r)
{
	nl_socket_free(r->sk);
	free(r->buf);
}
