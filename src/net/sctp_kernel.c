/*
 * SCTP by the kernel.
 *
 * One one-to-many socket listens and connects: with it the kernel settles collisions of two connects by itself
 * (RFC 9260 §5.2), which one-to-one sockets on one port do not do without help. As soon as an association stands it is
 * peeled off into a socket of its own, because the send buffer belongs to the socket: one silent peer must not use up the
 * room of all others.
 *
 * The kernel accepts associations before anyone can be asked; one that is not admitted is aborted as soon as it is
 * reported.
 *
 * In UDP (RFC 6951) the local port is no property of a socket but net.sctp.udp_port of the network namespace, from which
 * a socket takes it when it is made. It is set if it was 0, and then put back at the end; another value than ours is an
 * error.
 */
#include "config.h"

#include "net/sctp_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sctp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE 65536
#define BATCH 64
#define ATTEMPTS 4     /* INITs of one attempt, after the first; then the front's backoff decides */
#define RETRANSMITS 8 /* without an answer, until an association is given up */
#define UDP_PORT_FILE "/proc/sys/net/sctp/udp_port"

struct kernel { /* an endpoint's part */
	struct sctp *s;
	int fd;
	struct loop_fd *watch;
	bool udp_port_set; /* net.sctp.udp_port is our doing */
};

struct assoc { /* a peer's part */
	struct sctp_peer *peer;
	sctp_assoc_t id; /* being set up, or standing; 0: none */
	int fd;          /* peeled off; -1: not yet */
	struct loop_fd *watch;
	uint64_t expired; /* as the kernel counts them for this association */
};

/* ---- options ---- */

static int set_option(int fd, int level, int name, const void *value, socklen_t len)
{
	return setsockopt(fd, level, name, value, len) < 0 ? -errno : 0;
}

/* What a peeled-off socket or its association does not take over from the listening one on every kernel. */
static int options_of_each(int fd, const struct sctp_config *cfg, sctp_assoc_t id)
{
	static const uint16_t events[] = { SCTP_ASSOC_CHANGE, SCTP_SEND_FAILED_EVENT, SCTP_PARTIAL_DELIVERY_EVENT };
	const int on = 1;
	/* frequency 1: every packet is acknowledged at once */
	const struct sctp_sack_info sack = { .sack_assoc_id = id, .sack_delay = sctp_msec(cfg->sack_delay, 500),
		.sack_freq = cfg->sack_delay ? 2 : 1 };
	size_t i;
	int rc = set_option(fd, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof(on));

	if (rc == 0)
		rc = set_option(fd, IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof(on));
	if (rc == 0)
		rc = set_option(fd, IPPROTO_SCTP, SCTP_DELAYED_SACK, &sack, sizeof(sack));
	for (i = 0; i < sizeof(events) / sizeof(*events) && rc == 0; i++) {
		struct sctp_event e = { .se_assoc_id = id, .se_type = events[i], .se_on = 1 };

		rc = set_option(fd, IPPROTO_SCTP, SCTP_EVENT, &e, sizeof(e));
	}
	return rc;
}

/* What associations take over from the socket that they are set up on. */
static int options_of_endpoint(int fd, const struct sctp_config *cfg)
{
	const int on = 1, off = 0;
	const struct sctp_rtoinfo rto = { .srto_initial = sctp_msec(cfg->rto_initial, 60000),
		.srto_min = sctp_msec(cfg->rto_min, 60000), .srto_max = sctp_msec(cfg->rto_max, 60000) };
	const struct sctp_paddrparams path = { .spp_address.ss_family = AF_INET6, .spp_pathmaxrxt = RETRANSMITS,
		.spp_hbinterval = sctp_msec(cfg->heartbeat, UINT32_MAX),
		.spp_flags = cfg->heartbeat ? SPP_HB_ENABLE : SPP_HB_DISABLE };
	const struct sctp_assocparams assoc = { .sasoc_asocmaxrxt = RETRANSMITS };
	const struct sctp_initmsg init = { .sinit_num_ostreams = 1, .sinit_max_instreams = 1, .sinit_max_attempts = ATTEMPTS,
		.sinit_max_init_timeo = (uint16_t)sctp_msec(cfg->rto_max, 60000) };
	const struct {
		int level, name;
		const void *value;
		socklen_t len;
	} options[] = {
		{ IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off) },
		{ SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on) },
		{ IPPROTO_SCTP, SCTP_I_WANT_MAPPED_V4_ADDR, &on, sizeof(on) },
		{ IPPROTO_SCTP, SCTP_RTOINFO, &rto, sizeof(rto) },
		{ IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path, sizeof(path) },
		{ IPPROTO_SCTP, SCTP_ASSOCINFO, &assoc, sizeof(assoc) },
		{ IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof(init) },
	};
	size_t i;
	int rc = 0;

	for (i = 0; i < sizeof(options) / sizeof(*options) && rc == 0; i++)
		rc = set_option(fd, options[i].level, options[i].name, options[i].value, options[i].len);
	return rc;
}

static void buffers(int fd, const struct sctp_config *cfg)
{
	const int send_room = (int)(cfg->queue_limit > cfg->max_message ? cfg->queue_limit : cfg->max_message);
	const int receive_room = (int)(cfg->max_message < 65536 ? 262144 : 4 * cfg->max_message);

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &send_room, sizeof(send_room)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_room, sizeof(send_room));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_room, sizeof(receive_room)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_room, sizeof(receive_room));
}

/* ---- associations ---- */

static struct sockaddr_in6 sockaddr_of(const struct in6_addr *addr, uint16_t port)
{
	return (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = *addr, .sin6_port = htons(port) };
}

static ssize_t send_with(int fd, const struct sctp_sndinfo *info, const struct sctp_prinfo *pr, const void *data, size_t len)
{
	union {
		struct cmsghdr align;
		uint8_t octets[CMSG_SPACE(sizeof(struct sctp_sndinfo)) + CMSG_SPACE(sizeof(struct sctp_prinfo))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = len > 0, .msg_control = &control,
		.msg_controllen = CMSG_SPACE(sizeof(*info)) };
	struct cmsghdr *c = &control.align;

	c->cmsg_level = IPPROTO_SCTP;
	c->cmsg_type = SCTP_SNDINFO;
	c->cmsg_len = CMSG_LEN(sizeof(*info));
	memcpy(CMSG_DATA(c), info, sizeof(*info));
	if (pr != NULL) {
		msg.msg_controllen = sizeof(control);
		c = CMSG_NXTHDR(&msg, c);
		c->cmsg_level = IPPROTO_SCTP;
		c->cmsg_type = SCTP_PRINFO;
		c->cmsg_len = CMSG_LEN(sizeof(*pr));
		memcpy(CMSG_DATA(c), pr, sizeof(*pr));
	}
	return sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Aborts one that has not been peeled off. */
static void abort_on_endpoint(const struct kernel *k, sctp_assoc_t id)
{
	const struct sctp_sndinfo info = { .snd_flags = SCTP_ABORT, .snd_assoc_id = id };

	if (send_with(k->fd, &info, NULL, NULL, 0) < 0)
		LOG_DEBUG("sctp", "abort failed reason=\"%s\"", strerror(errno));
}

static struct assoc *assoc_of(struct sctp_peer *p)
{
	struct assoc *a = p->be;

	if (a != NULL || (a = calloc(1, sizeof(*a))) == NULL)
		return a;
	a->peer = p;
	a->fd = -1;
	p->be = a;
	return a;
}

/*
 * Messages that were sent, not acknowledged, and given up when their lifetime was over: the kernel counts them but tells
 * only of those that it never sent. Fragments count one each.
 */
static void count_expired(struct assoc *a)
{
	struct sctp_prstatus status = { .sprstat_assoc_id = a->id, .sprstat_policy = SCTP_PR_SCTP_TTL };
	socklen_t len = sizeof(status);

	if (getsockopt(a->fd, IPPROTO_SCTP, SCTP_PR_ASSOC_STATUS, &status, &len) < 0)
		return;
	sctp_counters[SCTP_ABANDONED].value += status.sprstat_abandoned_sent - a->expired;
	a->expired = status.sprstat_abandoned_sent;
}

/* Closes the peeled-off socket: with an ABORT, or the kernel goes through the SHUTDOWN by itself. */
static void assoc_close(struct assoc *a, bool abort)
{
	const struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	if (a->fd < 0)
		return;
	count_expired(a);
	if (abort)
		(void)setsockopt(a->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	loop_fd_del(a->watch);
	close(a->fd);
	a->watch = NULL;
	a->fd = -1;
	a->id = 0;
}

static void kernel_drop(struct sctp_peer *p)
{
	const struct kernel *k = p->s->be;
	struct assoc *a = p->be;

	if (a == NULL)
		return;
	if (a->fd < 0 && a->id != 0)
		abort_on_endpoint(k, a->id);
	assoc_close(a, k->udp_port_set); /* no SHUTDOWN could be finished once the port is put back */
	p->be = NULL;
	free(a);
}

static int kernel_connect(struct sctp_peer *p)
{
	struct kernel *k = p->s->be;
	struct assoc *a = assoc_of(p);
	struct sctp_udpencaps encaps = { .sue_address.ss_family = AF_INET6, .sue_port = htons(p->udp_port) };
	struct sockaddr_in6 to = sockaddr_of(&p->addr, p->port);
	struct sctp_getaddrs_old request = { .addr_num = sizeof(to), .addrs = (struct sockaddr *)&to };
	socklen_t len = sizeof(request);
	int rc;

	if (a == NULL)
		return -ENOMEM;
	/* The endpoint's value goes to associations that begin from now on; incoming ones take theirs from the packet. */
	rc = set_option(k->fd, IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT, &encaps, sizeof(encaps));
	if (rc < 0 && p->udp_port != 0)
		return rc;
	if (getsockopt(k->fd, IPPROTO_SCTP, SCTP_SOCKOPT_CONNECTX3, &request, &len) < 0 && errno != EINPROGRESS)
		return errno == EALREADY || errno == EISCONN ? 0 : -errno;
	a->id = request.assoc_id;
	return 0;
}

static int kernel_send(struct sctp_peer *p, const struct sctp_tx *tx)
{
	struct assoc *a = p->be;
	const struct sctp_sndinfo info = { .snd_flags = SCTP_UNORDERED, .snd_ppid = htonl(tx->ppid), .snd_context = tx->serial,
		.snd_assoc_id = a->id };
	const struct sctp_prinfo pr = { .pr_policy = SCTP_PR_SCTP_TTL, .pr_value = sctp_msec(tx->lifetime, UINT32_MAX) };

	if (tx->lifetime > 0)
		count_expired(a);
	if (send_with(a->fd, &info, tx->lifetime > 0 ? &pr : NULL, tx->data, tx->len) >= 0)
		return 0;
	return errno == EAGAIN || errno == ENOBUFS ? -EAGAIN : -errno;
}

static bool status_of(const struct assoc *a, struct sctp_status *status)
{
	socklen_t len = sizeof(*status);

	*status = (struct sctp_status){ .sstat_assoc_id = a->id };
	return getsockopt(a->fd, IPPROTO_SCTP, SCTP_STATUS, status, &len) == 0;
}

static bool kernel_rto(struct sctp_peer *p, uint32_t *rto, uint32_t *srtt)
{
	struct sctp_status status;

	if (!status_of(p->be, &status))
		return false;
	*rto = status.sstat_primary.spinfo_rto;
	*srtt = status.sstat_primary.spinfo_srtt;
	return true;
}

static void kernel_measure(struct sctp_peer *p)
{
	struct assoc *a = p->be;
	struct sctp_status status;
	struct sctp_paddrparams demand = { .spp_assoc_id = a->id, .spp_flags = SPP_HB_DEMAND };

	if (!status_of(a, &status))
		return;
	demand.spp_address = status.sstat_primary.spinfo_address;
	(void)set_option(a->fd, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &demand, sizeof(demand));
}

/* ---- what arrives ---- */

struct received {
	size_t len;
	struct sockaddr_in6 from; /* for a notification: the peer it is about */
	uint32_t ppid;            /* host order */
	bool end, notification;
	union {
		union sctp_notification n;
		uint8_t octets[READ_SIZE];
	} u;
};

static struct received in; /* one loop, one reader */

static bool receive(int fd)
{
	union {
		struct cmsghdr align;
		uint8_t octets[CMSG_SPACE(sizeof(struct sctp_rcvinfo)) + 64];
	} control;
	struct iovec iov = { .iov_base = &in.u, .iov_len = sizeof(in.u) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_name = &in.from, .msg_namelen = sizeof(in.from),
		.msg_control = &control, .msg_controllen = sizeof(control) };
	struct sctp_rcvinfo info;
	struct cmsghdr *c;
	ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT);

	if (n <= 0)
		return false;
	in.len = (size_t)n;
	in.end = (msg.msg_flags & MSG_EOR) != 0;
	in.notification = (msg.msg_flags & MSG_NOTIFICATION) != 0;
	in.ppid = 0;
	for (c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == IPPROTO_SCTP && c->cmsg_type == SCTP_RCVINFO) {
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			in.ppid = ntohl(info.rcv_ppid);
		}
	return true;
}

static const struct sctp_assoc_change *assoc_change(void)
{
	if (!in.notification || in.len < sizeof(in.u.n.sn_assoc_change) || in.u.n.sn_header.sn_type != SCTP_ASSOC_CHANGE)
		return NULL;
	return &in.u.n.sn_assoc_change;
}

static const char *end_reason(uint16_t state)
{
	switch (state) {
	case SCTP_SHUTDOWN_COMP:
		return "shut down by the peer";
	case SCTP_CANT_STR_ASSOC:
		return "no answer or refused";
	default: /* SCTP_COMM_LOST; a number from the kernel, no enum */
		return "lost or aborted";
	}
}

static void peeled_change(struct assoc *a, const struct sctp_assoc_change *change)
{
	struct sctp_peer *p = a->peer;

	if (change->sac_state == SCTP_RESTART) {
		sctp_event_restart(p);
	} else if (change->sac_state != SCTP_COMM_UP) {
		const char *reason = end_reason(change->sac_state);

		assoc_close(a, true);
		sctp_event_down(p, reason);
	}
}

static void peeled_notification(struct assoc *a)
{
	const struct sctp_assoc_change *change = assoc_change();
	uint16_t type = in.u.n.sn_header.sn_type;

	if (change != NULL)
		peeled_change(a, change);
	else if (type == SCTP_PARTIAL_DELIVERY_EVENT)
		sctp_event_part_lost(a->peer);
	else if (type == SCTP_SEND_FAILED_EVENT && in.len >= sizeof(struct sctp_send_failed_event))
		sctp_event_abandoned(a->peer, in.u.n.sn_send_failed_event.ssfe_info.snd_context);
}

static void peeled_input(int fd, unsigned events, void *arg)
{
	struct assoc *a = arg;
	struct sctp_peer *p = a->peer;
	struct sctp *s = p->s;
	int i;

	sctp_hold(s);
	for (i = 0; i < BATCH && p->be == a && a->fd == fd && receive(fd); i++) {
		if (in.notification)
			peeled_notification(a);
		else
			sctp_event_data(p, in.ppid, in.u.octets, in.len, in.end);
	}
	sctp_release(s);
}

static int peel_off(struct kernel *k, struct assoc *a, sctp_assoc_t id)
{
	sctp_peeloff_flags_arg_t request = { .p_arg = { .associd = id }, .flags = SOCK_CLOEXEC | SOCK_NONBLOCK };
	socklen_t len = sizeof(request);
	int rc, fd = getsockopt(k->fd, IPPROTO_SCTP, SCTP_SOCKOPT_PEELOFF_FLAGS, &request, &len);

	if (fd < 0)
		return -errno;
	fd = request.p_arg.sd;
	a->fd = fd;
	a->id = id;
	a->expired = 0;
	buffers(fd, &k->s->cfg);
	rc = options_of_each(fd, &k->s->cfg, id);
	if (rc < 0)
		return rc;
	a->watch = loop_fd_add(k->s->loop, fd, LOOP_READ, peeled_input, a);
	return a->watch == NULL ? -ENOMEM : 0;
}

/* An association stands on the endpoint: whose is it, and may it stay? */
static void assoc_stands(struct kernel *k, const struct sockaddr_in6 *from, sctp_assoc_t id)
{
	struct sctp *s = k->s;
	struct sctp_peer *p = sctp_event_knock(s, &from->sin6_addr, ntohs(from->sin6_port), 0);
	struct assoc *a;
	int rc;

	if (sctp_closed(s))
		return;
	a = p != NULL ? assoc_of(p) : NULL;
	if (a == NULL) {
		abort_on_endpoint(k, id);
		return;
	}
	/* When the peer comes again from another port, the newer association is the living one. */
	if (a->fd < 0 && a->id != 0 && a->id != id)
		abort_on_endpoint(k, a->id);
	assoc_close(a, true);
	rc = peel_off(k, a, id);
	if (rc == 0) {
		sctp_event_up(p);
		return;
	}
	log_limited(&s->complaints, loop_now(s->loop), LOG_LEVEL_ERROR, "sctp", "association not taken peer=%s reason=\"%s\"",
	            ADDR(&p->addr), strerror(-rc));
	if (a->fd < 0)
		abort_on_endpoint(k, id);
	assoc_close(a, true);
	sctp_event_down(p, "out of resources");
}

static void endpoint_change(struct kernel *k, const struct sctp_assoc_change *change)
{
	struct sctp_peer *p;
	struct assoc *a;

	if (change->sac_state == SCTP_COMM_UP || change->sac_state == SCTP_RESTART) {
		assoc_stands(k, &in.from, change->sac_assoc_id);
		return;
	}
	p = sctp_find(k->s, &in.from.sin6_addr);
	a = p != NULL ? p->be : NULL;
	if (a == NULL || a->fd >= 0 || (a->id != 0 && a->id != change->sac_assoc_id))
		return; /* one that was refused or replaced */
	a->id = 0;
	sctp_event_down(p, end_reason(change->sac_state));
}

static void endpoint_input(int fd, unsigned events, void *arg)
{
	struct kernel *k = arg;
	struct sctp *s = k->s;
	const struct sctp_assoc_change *change;
	int i;

	sctp_hold(s);
	for (i = 0; i < BATCH && !sctp_closed(s) && receive(fd); i++) {
		change = assoc_change(); /* data on this socket is a refused association's */
		if (change != NULL)
			endpoint_change(k, change);
	}
	sctp_release(s);
}

/* ---- the endpoint ---- */

static bool udp_port_write(unsigned port)
{
	FILE *f = fopen(UDP_PORT_FILE, "w");
	bool ok;

	if (f == NULL)
		return false;
	ok = fprintf(f, "%u\n", port) > 0;
	return fclose(f) == 0 && ok;
}

static int udp_port_claim(struct kernel *k)
{
	uint16_t port = k->s->cfg.udp_port;
	unsigned is = 0;
	FILE *f = fopen(UDP_PORT_FILE, "r");
	int fields;

	if (f == NULL)
		return -EPROTONOSUPPORT; /* before Linux 5.11 */
	fields = fscanf(f, "%u", &is);
	fclose(f);
	if (fields == 1 && is == port)
		return 0;
	if (fields != 1 || is != 0) {
		LOG_ERROR("sctp", "UDP port refused udp_port=%u reason=\"net.sctp.udp_port is %u: use the same\"", port, is);
		return -EADDRINUSE;
	}
	if (!udp_port_write(port)) {
		LOG_ERROR("sctp", "UDP port refused udp_port=%u reason=\"net.sctp.udp_port cannot be set\"", port);
		return -EADDRINUSE;
	}
	k->udp_port_set = true;
	return 0;
}

static int endpoint_bind(struct kernel *k)
{
	const struct sctp_config *cfg = &k->s->cfg;
	struct sockaddr_in6 local = sockaddr_of(&cfg->local, cfg->port);
	int rc = options_of_endpoint(k->fd, cfg);

	if (rc == 0)
		rc = options_of_each(k->fd, cfg, SCTP_FUTURE_ASSOC);
	if (rc < 0)
		return rc;
	buffers(k->fd, cfg);
	if (bind(k->fd, (struct sockaddr *)&local, sizeof(local)) < 0 || listen(k->fd, 16) < 0)
		return -errno;
	k->watch = loop_fd_add(k->s->loop, k->fd, LOOP_READ, endpoint_input, k);
	return k->watch == NULL ? -ENOMEM : 0;
}

static int endpoint_socket(void)
{
	int fd = socket(AF_INET6, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_SCTP);

	if (fd >= 0)
		return fd;
	return errno == EAFNOSUPPORT || errno == ESOCKTNOSUPPORT ? -EPROTONOSUPPORT : -errno;
}

static int kernel_open(struct sctp *s)
{
	struct kernel *k = calloc(1, sizeof(*k));
	int rc;

	if (k == NULL)
		return -ENOMEM;
	k->s = s;
	k->fd = rc = endpoint_socket(); /* loads the kernel's SCTP, without which there is no udp_port to claim */
	if (rc >= 0 && s->cfg.udp_port != 0) {
		close(k->fd);
		rc = udp_port_claim(k);
		k->fd = rc = rc < 0 ? rc : endpoint_socket();
	}
	if (rc >= 0)
		rc = endpoint_bind(k);
	if (rc == 0) {
		s->be = k;
		return 0;
	}
	if (rc == -EPROTONOSUPPORT && s->cfg.backend == SCTP_KERNEL)
		LOG_ERROR("sctp", "SCTP refused udp_port=%u reason=\"this kernel has none, or none in UDP\"", s->cfg.udp_port);
	else if (rc != -EPROTONOSUPPORT)
		LOG_ERROR("sctp", "SCTP socket failed address=%s port=%u reason=\"%s\"", ADDR(&s->cfg.local), s->cfg.port,
		          strerror(-rc));
	if (k->fd >= 0)
		close(k->fd);
	if (k->udp_port_set)
		udp_port_write(0);
	free(k);
	return rc;
}

static void kernel_close(struct sctp *s)
{
	struct kernel *k = s->be;

	loop_fd_del(k->watch);
	close(k->fd);
	if (k->udp_port_set)
		udp_port_write(0);
	free(k);
	s->be = NULL;
}

const struct sctp_backend_ops sctp_kernel_backend = {
	.kind = SCTP_KERNEL,
	.open = kernel_open,
	.close = kernel_close,
	.connect = kernel_connect,
	.drop = kernel_drop,
	.send = kernel_send,
	.rto = kernel_rto,
	.measure = kernel_measure,
};
