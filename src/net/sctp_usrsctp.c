/*
 * SCTP without the kernel's: usrsctp, for kernels that have none, natively (IP protocol 132, raw sockets) or in UDP
 * (RFC 6951).
 *
 * usrsctp knows no addresses here. Each peer has a path: a number that stands for "this peer, seen from this endpoint",
 * an AF_CONN socket bound to that number, and our raw or UDP socket below. What arrives from the peer's address goes
 * into usrsctp under the path's number; what usrsctp wants sent to the number leaves for the peer's address. The number,
 * not a pointer, because usrsctp puts it into the state cookie, which the peer gets to see.
 *
 * Strangers are judged before usrsctp hears of them: an INIT from an address that is not admitted gets an ABORT made here
 * and leaves no state, whatever the flood.
 *
 * Everything runs in the loop. usrsctp is never entered from within one of its own callbacks: its upcall only puts the
 * path on a list, and the list is read when usrsctp has returned. Its clock is our timer, fast while something could be
 * retransmitted, slow otherwise. The library starts one thread of its own, for address changes of AF_INET sockets: as
 * there are none, and as path numbers are used again instead of deregistered, it sleeps until the end.
 */
#include "config.h"

#include "net/sctp_backend.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <usrsctp.h>

#include "net/sctp_lower.h"

#define READ_SIZE 65536
#define BATCH 64 /* packets taken from a socket in one round, so that no flood starves the loop */
/*
 * Octets of an SCTP packet after its common header, so that with it, UDP and IPv6 they make 1280: the packet that every
 * IPv6 path carries whole. Path MTU discovery has no messages to learn from on an AF_CONN path.
 */
#define CHUNK_ROOM (1280 - 40 - 8 - 12)
#define ATTEMPTS 4       /* INITs of one attempt, after the first; then the front's backoff decides */
#define RETRANSMITS 8 /* without an answer, until an association is given up */
#define TICK_BUSY (5 * USEC_MSEC)
#define TICK_IDLE (100 * USEC_MSEC)
#define BUSY_FOR USEC_SEC /* after a packet that may have to be sent again; later retransmissions can bear TICK_IDLE */

struct path {
	struct sctp_peer *peer; /* NULL: dropped while its socket was being read */
	struct user *user;
	uintptr_t number;
	struct socket *so;
	sctp_assoc_t assoc; /* 0: none stands */
	struct in6_addr source; /* the address of ours that the peer knows; unspecified: the kernel chooses */
	uint16_t udp_port;      /* the peer's, as last proven by a verification tag */
	uint16_t reply_port;    /* while an INIT is answered: where it came from */
	uint32_t tags[2];       /* verification tags the peer may use: those of our last two INIT or INIT ACK */
	bool ready, reading;
	struct path *next_ready;
	UT_hash_handle hh;
};

struct user { /* an endpoint's part */
	struct sctp *s;
	struct sctp_lower lower;
	struct bucket aborts;
};

/* The one usrsctp of the process. */
static struct {
	unsigned endpoints;
	bool running;
	struct loop *loop;
	struct timer tick;
	usec_t clock;      /* loop time that usrsctp's clock has reached */
	usec_t busy_until;
	struct path *paths;
	struct path *ready, **ready_end;
	uintptr_t *spare; /* numbers to use again, a ring */
	size_t spare_first, spare_count, spare_room;
	uintptr_t last_number;
} stack;

/* ---- the stack: one, with its clock ---- */

static void tick_soon(usec_t wait)
{
	usec_t when = stack.clock + wait;

	if (!timer_armed(&stack.tick) || stack.tick.when > when)
		timer_at(&stack.tick, when);
}

/* Does it start a retransmission that is worth a fast clock? An INIT, to a neighbour that is not there again and again, is not. */
static bool wants_fast_clock(uint8_t chunk)
{
	return chunk != CHUNK_INIT && chunk != CHUNK_SACK && chunk != CHUNK_HEARTBEAT && chunk != CHUNK_HEARTBEAT_ACK && chunk != CHUNK_ABORT;
}

/* Looks at what goes out: the tags it gives to the peer, and what it does to the clock. */
static void note_output(struct path *path, const void *data, size_t len)
{
	struct sctp_packet p = { .data = data, .len = len };

	if (!sctp_packet_parse(&p))
		return;
	if (p.init_tag != 0 && p.init_tag != path->tags[0]) {
		path->tags[1] = path->tags[0];
		path->tags[0] = p.init_tag;
	}
	if (wants_fast_clock(p.first)) {
		stack.busy_until = stack.clock + BUSY_FOR;
		tick_soon(TICK_BUSY);
	}
}

static int stack_output(void *number, void *data, size_t len, uint8_t tos, uint8_t set_df)
{
	uintptr_t n = (uintptr_t)number;
	struct path *path;

	HASH_FIND(hh, stack.paths, &n, sizeof(n), path);
	if (path == NULL)
		return 0;
	note_output(path, data, len);
	if (path->peer != NULL)
		sctp_lower_send(&path->user->lower, &path->source, &path->peer->addr,
		                path->reply_port ? path->reply_port : path->udp_port, data, len);
	return 0;
}

static void stack_sync(void)
{
	usec_t ms = (loop_now_fresh(stack.loop) - stack.clock) / USEC_MSEC;

	if (ms == 0)
		return;
	stack.clock += ms * USEC_MSEC;
	usrsctp_handle_timers((uint32_t)ms);
}

static void path_read(struct path *path);

static void stack_read_ready(void)
{
	struct path *path;

	while ((path = stack.ready) != NULL) {
		stack.ready = path->next_ready;
		if (stack.ready == NULL)
			stack.ready_end = &stack.ready;
		path->ready = false;
		path_read(path);
	}
}

static void path_upcall(struct socket *so, void *arg, int flags)
{
	struct path *path = arg;

	if (path->ready)
		return;
	path->ready = true;
	path->next_ready = NULL;
	*stack.ready_end = path;
	stack.ready_end = &path->next_ready;
	tick_soon(0);
}

/* The upcall does not come for everything: an association that the stack itself gives up is only put into the queue. */
static void stack_poll(void)
{
	struct path *path, *next;

	HASH_ITER(hh, stack.paths, path, next)
		if (usrsctp_get_events(path->so) & SCTP_EVENT_READ)
			path_upcall(path->so, path, 0);
}

static void stack_tick(struct timer *t, void *arg)
{
	stack_sync();
	stack_poll();
	stack_read_ready();
	if (stack.running && stack.paths != NULL)
		tick_soon(stack.clock < stack.busy_until ? TICK_BUSY : TICK_IDLE);
}

static void stack_start(struct loop *l)
{
	sigset_t all, old;

	stack.loop = l;
	stack.clock = loop_now(l);
	stack.busy_until = 0;
	timer_init(&stack.tick, l, stack_tick, NULL);
	if (stack.running)
		return;
	stack.ready_end = &stack.ready;
	sigfillset(&all); /* the library's sleeping thread must not be given our signals */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	usrsctp_init_nothreads(0, stack_output, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	usrsctp_sysctl_set_sctp_ecn_enable(0);
	usrsctp_sysctl_set_sctp_asconf_enable(0);
	usrsctp_sysctl_set_sctp_auth_enable(0);
	usrsctp_sysctl_set_sctp_reconfig_enable(0);
	usrsctp_sysctl_set_sctp_nrsack_enable(0);
	usrsctp_sysctl_set_sctp_pktdrop_enable(0);
	usrsctp_sysctl_set_sctp_pr_enable(1);
	usrsctp_sysctl_set_sctp_no_csum_on_loopback(0);
	usrsctp_sysctl_set_sctp_nr_outgoing_streams_default(1);
	stack.running = true;
}

/* Ends usrsctp. Sockets that still wait for a timer of its own are helped along by turning its clock. */
static void stack_finish(void)
{
	int rounds;

	timer_stop(&stack.tick);
	for (rounds = 0; usrsctp_finish() != 0; rounds++) {
		if (rounds == 1000) { /* 10 s of its time: stays as it is, and is used again */
			LOG_WARNING("sctp", "usrsctp not finished rounds=%d", rounds);
			return;
		}
		usrsctp_handle_timers(10);
	}
	free(stack.spare);
	memset(&stack, 0, sizeof(stack));
}

static bool number_take(uintptr_t *out)
{
	uintptr_t *grown;

	if (stack.spare_count > 0) {
		*out = stack.spare[stack.spare_first];
		stack.spare_first = (stack.spare_first + 1) % stack.spare_room;
		stack.spare_count--;
		return true;
	}
	if (stack.last_number == stack.spare_room) { /* room for every number there is: giving one back cannot fail */
		grown = realloc(stack.spare, (stack.spare_room + 16) * sizeof(*grown));
		if (grown == NULL)
			return false;
		stack.spare = grown;
		stack.spare_room += 16;
		stack.spare_first = 0;
	}
	*out = ++stack.last_number;
	usrsctp_register_address((void *)*out);
	return true;
}

static void number_give(uintptr_t number)
{
	stack.spare[(stack.spare_first + stack.spare_count++) % stack.spare_room] = number;
}

/* ---- paths ---- */

static void path_unready(struct path *path)
{
	struct path **p;

	if (!path->ready)
		return;
	for (p = &stack.ready; *p != path; p = &(*p)->next_ready)
		;
	*p = path->next_ready;
	if (*p == NULL)
		stack.ready_end = p;
	path->ready = false;
}

static int set_option(struct socket *so, int level, int name, const void *value, socklen_t len)
{
	return usrsctp_setsockopt(so, level, name, value, len) < 0 ? -errno : 0;
}

static int path_options(struct socket *so, const struct sctp_config *cfg)
{
	const int on = 1, send_room = (int)(cfg->queue_limit > cfg->max_message ? cfg->queue_limit : cfg->max_message);
	const int receive_room = (int)(cfg->max_message < 65536 ? 262144 : 4 * cfg->max_message);
	const struct linger abort_at_close = { .l_onoff = 1, .l_linger = 0 };
	const struct sctp_rtoinfo rto = { .srto_initial = sctp_msec(cfg->rto_initial, 60000),
		.srto_min = sctp_msec(cfg->rto_min, 60000), .srto_max = sctp_msec(cfg->rto_max, 60000) };
	/* frequency 1: every packet is acknowledged at once */
	const struct sctp_sack_info sack = { .sack_delay = sctp_msec(cfg->sack_delay, 500), .sack_freq = cfg->sack_delay ? 2 : 1 };
	const struct sctp_paddrparams path = { .spp_address.ss_family = AF_CONN, .spp_pathmtu = CHUNK_ROOM,
		.spp_hbinterval = sctp_msec(cfg->heartbeat, UINT32_MAX), .spp_pathmaxrxt = RETRANSMITS,
		.spp_flags = SPP_PMTUD_DISABLE | (cfg->heartbeat ? SPP_HB_ENABLE : SPP_HB_DISABLE) };
	const struct sctp_assocparams assoc = { .sasoc_asocmaxrxt = RETRANSMITS };
	const struct sctp_initmsg init = { .sinit_num_ostreams = 1, .sinit_max_instreams = 1, .sinit_max_attempts = ATTEMPTS,
		.sinit_max_init_timeo = (uint16_t)sctp_msec(cfg->rto_max, 60000) };
	const struct {
		int level, name;
		const void *value;
		socklen_t len;
	} options[] = {
		{ SOL_SOCKET, SO_SNDBUF, &send_room, sizeof(send_room) },
		{ SOL_SOCKET, SO_RCVBUF, &receive_room, sizeof(receive_room) },
		{ SOL_SOCKET, SO_LINGER, &abort_at_close, sizeof(abort_at_close) },
		{ IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof(on) },
		{ IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof(on) },
		{ IPPROTO_SCTP, SCTP_RTOINFO, &rto, sizeof(rto) },
		{ IPPROTO_SCTP, SCTP_DELAYED_SACK, &sack, sizeof(sack) },
		{ IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path, sizeof(path) },
		{ IPPROTO_SCTP, SCTP_ASSOCINFO, &assoc, sizeof(assoc) },
		{ IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof(init) },
	};
	static const uint16_t events[] = { SCTP_ASSOC_CHANGE, SCTP_SEND_FAILED_EVENT, SCTP_PARTIAL_DELIVERY_EVENT };
	size_t i;
	int rc = 0;

	for (i = 0; i < sizeof(options) / sizeof(*options) && rc == 0; i++)
		rc = set_option(so, options[i].level, options[i].name, options[i].value, options[i].len);
	for (i = 0; i < sizeof(events) / sizeof(*events) && rc == 0; i++) {
		struct sctp_event e = { .se_assoc_id = SCTP_FUTURE_ASSOC, .se_type = events[i], .se_on = 1 };

		rc = set_option(so, IPPROTO_SCTP, SCTP_EVENT, &e, sizeof(e));
	}
	return rc;
}

static struct sockaddr_conn path_sockaddr(const struct path *path, uint16_t port)
{
	return (struct sockaddr_conn){ .sconn_family = AF_CONN, .sconn_port = htons(port), .sconn_addr = (void *)path->number };
}

static int path_socket(struct path *path, const struct sctp_config *cfg)
{
	struct sockaddr_conn local = path_sockaddr(path, cfg->port);
	int rc;

	path->so = usrsctp_socket(AF_CONN, SOCK_SEQPACKET, IPPROTO_SCTP, NULL, NULL, 0, NULL);
	if (path->so == NULL)
		return -errno;
	rc = path_options(path->so, cfg);
	if (rc == 0 && (usrsctp_set_non_blocking(path->so, 1) < 0 ||
	                usrsctp_bind(path->so, (struct sockaddr *)&local, sizeof(local)) < 0 ||
	                usrsctp_listen(path->so, 1) < 0 || usrsctp_set_upcall(path->so, path_upcall, path) < 0))
		rc = -errno;
	if (rc < 0)
		usrsctp_close(path->so);
	return rc;
}

static int path_create(struct user *u, struct sctp_peer *p)
{
	struct path *path = calloc(1, sizeof(*path));
	int rc = -ENOMEM;

	if (path == NULL || !number_take(&path->number))
		goto no_path;
	path->user = u;
	path->peer = p;
	path->udp_port = p->udp_port;
	rc = path_socket(path, &u->s->cfg);
	if (rc < 0)
		goto no_socket;
	HASH_ADD(hh, stack.paths, number, sizeof(path->number), path);
	p->be = path;
	tick_soon(TICK_IDLE);
	return 0;
no_socket:
	number_give(path->number);
no_path:
	free(path);
	return rc;
}

static void user_drop(struct sctp_peer *p)
{
	struct path *path = p->be;

	if (path == NULL)
		return;
	p->be = NULL;
	stack_sync();
	usrsctp_close(path->so); /* an ABORT leaves here, so the path must still be known */
	HASH_DEL(stack.paths, path);
	path_unready(path);
	number_give(path->number);
	path->peer = NULL;
	path->so = NULL;
	if (!path->reading)
		free(path);
}

/* ---- what usrsctp reports ---- */

static void assoc_up(struct path *path, sctp_assoc_t assoc)
{
	struct sctp_sndinfo old = { .snd_flags = SCTP_ABORT, .snd_assoc_id = path->assoc };

	if (path->assoc != 0 && path->assoc != assoc) /* the peer came again from another port: the newer one is the living */
		usrsctp_sendv(path->so, "", 0, NULL, 0, &old, sizeof(old), SCTP_SENDV_SNDINFO, 0);
	path->assoc = assoc;
	sctp_event_up(path->peer);
}

static void assoc_down(struct path *path, sctp_assoc_t assoc, const char *reason)
{
	if (path->assoc != 0 && path->assoc != assoc)
		return; /* one that has been replaced */
	path->assoc = 0;
	sctp_event_down(path->peer, reason);
}

static void assoc_change(struct path *path, const struct sctp_assoc_change *change)
{
	switch (change->sac_state) {
	case SCTP_COMM_UP:
		assoc_up(path, change->sac_assoc_id);
		break;
	case SCTP_RESTART:
		path->assoc = change->sac_assoc_id;
			sctp_event_restart(path->peer);
		break;
	case SCTP_COMM_LOST:
		assoc_down(path, change->sac_assoc_id, "lost or aborted");
		break;
	case SCTP_SHUTDOWN_COMP:
		assoc_down(path, change->sac_assoc_id, "shut down by the peer");
		break;
	case SCTP_CANT_STR_ASSOC:
		assoc_down(path, change->sac_assoc_id, "no answer or refused");
		break;
	default: /* a number from the library, no enum */
		break;
	}
}

static void notification(struct path *path, const union sctp_notification *n, size_t len)
{
	if (len < sizeof(n->sn_header) || n->sn_header.sn_length > len)
		return;
	if (n->sn_header.sn_type == SCTP_ASSOC_CHANGE && len >= sizeof(n->sn_assoc_change))
		assoc_change(path, &n->sn_assoc_change);
	else if (n->sn_header.sn_type == SCTP_PARTIAL_DELIVERY_EVENT)
		sctp_event_part_lost(path->peer);
	else if (n->sn_header.sn_type == SCTP_SEND_FAILED_EVENT && len >= sizeof(n->sn_send_failed_event))
		sctp_event_abandoned(path->peer, n->sn_send_failed_event.ssfe_info.snd_context);
}

static void path_read(struct path *path)
{
	static union {
		union sctp_notification n;
		uint8_t octets[READ_SIZE];
	} buf;
	struct sctp *s = path->user->s;
	struct sctp_rcvinfo info = { 0 };
	struct sockaddr_conn from;
	socklen_t from_len, info_len;
	unsigned int info_type;
	ssize_t n;
	int flags, errors = 0;

	if (path->reading)
		return;
	path->reading = true;
	sctp_hold(s);
	while (path->peer != NULL) {
		from_len = sizeof(from);
		info_len = sizeof(info);
		flags = errno = 0;
		n = usrsctp_recvv(path->so, &buf, sizeof(buf), (struct sockaddr *)&from, &from_len, &info, &info_len, &info_type,
		                  &flags);
		if (n <= 0) {
			/* An error of an association comes first and once; what is to be read stands behind it. */
			if (errno == EWOULDBLOCK || errors++ == 8)
				break;
		} else if (flags & MSG_NOTIFICATION) {
			notification(path, &buf.n, (size_t)n);
		} else if (info.rcv_assoc_id == path->assoc) {
			sctp_event_data(path->peer, ntohl(info.rcv_ppid), buf.octets, (size_t)n, (flags & MSG_EOR) != 0);
		}
	}
	path->reading = false;
	if (path->peer == NULL)
		free(path);
	sctp_release(s);
}

/* ---- packets that arrive ---- */

static bool checksum_right(const struct sctp_packet *p)
{
	static uint8_t copy[READ_SIZE];
	uint32_t is, should;

	if (p->len > sizeof(copy))
		return false;
	memcpy(copy, p->data, p->len);
	memcpy(&is, copy + 8, sizeof(is));
	memset(copy + 8, 0, sizeof(is));
	should = usrsctp_crc32c(copy, p->len);
	return is == should;
}

/*
 * An ABORT for a packet that belongs to nothing here (RFC 9260 §8.4): for an INIT with the tag it brought, for what
 * belongs to an association of our earlier life with its own tag and the T bit, so that the peer sees at once that we
 * started anew.
 */
static void answer_abort(struct user *u, const struct sctp_packet *p)
{
	bool init = p->first == CHUNK_INIT;
	uint8_t abort[16];
	uint32_t sum;

	if (!bucket_take(&u->aborts, loop_now(u->s->loop)))
		return;
	sctp_packet_abort(abort, p->dport, p->sport, init ? p->init_tag : p->tag, !init);
	sum = usrsctp_crc32c(abort, sizeof(abort)); /* comes in the order in which it is stored */
	memcpy(abort + 8, &sum, sizeof(sum));
	sctp_lower_send(&u->lower, &p->dst, &p->src, p->udp_port, abort, sizeof(abort));
}

static bool of_an_earlier_life(uint8_t chunk)
{
	return chunk == CHUNK_DATA || chunk == CHUNK_SACK || chunk == CHUNK_HEARTBEAT || chunk == CHUNK_FORWARD_TSN;
}

/* The path that a packet belongs to. NULL: there is none and there shall be none. */
static struct path *packet_path(struct user *u, const struct sctp_packet *p)
{
	struct sctp *s = u->s;
	struct sctp_peer *peer = sctp_find(s, &p->src);

	if (peer != NULL && peer->be != NULL)
		return peer->be;
	if (!checksum_right(p))
		return NULL;
	if (p->first != CHUNK_INIT) {
		if (of_an_earlier_life(p->first) && s->ops.admit != NULL && s->ops.admit(&p->src, s->arg) && !sctp_closed(s))
			answer_abort(u, p);
		return NULL;
	}
	peer = sctp_event_knock(s, &p->src, p->sport, p->udp_port);
	if (sctp_closed(s))
		return NULL;
	if (peer == NULL)
		answer_abort(u, p);
	else if (peer->be == NULL && path_create(u, peer) < 0)
		return NULL;
	return peer == NULL ? NULL : peer->be;
}

/* Keeps the addresses of both ends at what the peer has proven to use (RFC 6951 §5.4). */
static void learn(struct path *path, const struct sctp_packet *p)
{
	if (p->tag == 0 || (p->tag != path->tags[0] && p->tag != path->tags[1]))
		return;
	path->udp_port = p->udp_port;
	path->source = p->dst;
}

static void packet_input(struct user *u, struct sctp_packet *p)
{
	struct path *path;

	if (!sctp_packet_parse(p) || p->dport != u->s->cfg.port)
		return;
	path = packet_path(u, p);
	if (path == NULL)
		return;
	learn(path, p);
	if (p->first == CHUNK_INIT) {
		path->reply_port = p->udp_port;
		if (path->assoc == 0)
			path->source = p->dst;
	}
	usrsctp_conninput((void *)path->number, p->data, p->len, 0);
	path->reply_port = 0;
	stack_read_ready();
}

static void user_input(int fd, unsigned events, void *arg)
{
	struct user *u = arg;
	struct sctp *s = u->s;
	struct sctp_packet p;
	int i;

	sctp_hold(s);
	stack_sync();
	for (i = 0; i < BATCH && !sctp_closed(s) && sctp_lower_read(&u->lower, fd, &p); i++)
		packet_input(u, &p);
	sctp_release(s);
}

/* ---- the endpoint ---- */

/* A kernel with SCTP answers every packet of protocol 132 that it has no association for with an ABORT. */
static bool kernel_would_interfere(const struct sctp_config *cfg)
{
	return cfg->udp_port == 0 && access("/proc/self/net/sctp", F_OK) == 0;
}

static int user_open(struct sctp *s)
{
	struct user *u;
	int rc;

	if (kernel_would_interfere(&s->cfg)) {
		LOG_ERROR("sctp", "usrsctp refused port=%u reason=\"the kernel's own SCTP is loaded and would abort its associations: "
		          "use the kernel's SCTP, or set udp_port\"", s->cfg.port);
		return -EBUSY;
	}
	if (stack.endpoints > 0 && stack.loop != s->loop)
		return -EINVAL; /* one stack, one clock */
	if ((u = calloc(1, sizeof(*u))) == NULL)
		return -ENOMEM;
	u->s = s;
	bucket_init(&u->aborts, 20, 20);
	rc = sctp_lower_open(&u->lower, s->loop, &s->cfg, user_input, u);
	if (rc < 0) {
		LOG_ERROR("sctp", "usrsctp socket failed address=%s udp_port=%u reason=\"%s\"", ADDR(&s->cfg.local), s->cfg.udp_port,
		          strerror(-rc));
		free(u);
		return rc;
	}
	if (stack.endpoints++ == 0)
		stack_start(s->loop);
	s->be = u;
	return 0;
}

static void user_close(struct sctp *s)
{
	struct user *u = s->be;

	sctp_lower_close(&u->lower);
	free(u);
	s->be = NULL;
	if (--stack.endpoints == 0)
		stack_finish();
}

static int user_connect(struct sctp_peer *p)
{
	struct path *path = p->be;
	struct sockaddr_conn to;
	int rc;

	if ((p->udp_port != 0) != (p->s->cfg.udp_port != 0))
		return -EINVAL; /* one end in UDP, the other plain: they would never meet */
	if (path == NULL) {
		rc = path_create(p->s->be, p);
		if (rc < 0)
			return rc;
		path = p->be;
	}
	if (path->assoc == 0)
		path->udp_port = p->udp_port;
	to = path_sockaddr(path, p->port);
	stack_sync();
	if (usrsctp_connect(path->so, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS && errno != EALREADY &&
	    errno != EISCONN)
		return -errno;
	return 0;
}

static int user_send(struct sctp_peer *p, const struct sctp_tx *tx)
{
	struct path *path = p->be;
	struct sctp_sendv_spa spa = {
		.sendv_flags = SCTP_SEND_SNDINFO_VALID,
		.sendv_sndinfo = { .snd_flags = SCTP_UNORDERED | SCTP_EOR, .snd_ppid = htonl(tx->ppid), .snd_context = tx->serial,
			.snd_assoc_id = path->assoc },
	};

	if (tx->lifetime > 0) {
		spa.sendv_flags |= SCTP_SEND_PRINFO_VALID;
		spa.sendv_prinfo.pr_policy = SCTP_PR_SCTP_TTL;
		spa.sendv_prinfo.pr_value = sctp_msec(tx->lifetime, UINT32_MAX);
	}
	stack_sync();
	if (usrsctp_sendv(path->so, tx->data, tx->len, NULL, 0, &spa, sizeof(spa), SCTP_SENDV_SPA, 0) >= 0)
		return 0;
	return errno == EWOULDBLOCK || errno == ENOBUFS ? -EAGAIN : -errno;
}

static bool user_rto(struct sctp_peer *p, uint32_t *rto, uint32_t *srtt)
{
	struct path *path = p->be;
	struct sctp_status status = { .sstat_assoc_id = path->assoc };
	socklen_t len = sizeof(status);

	if (usrsctp_getsockopt(path->so, IPPROTO_SCTP, SCTP_STATUS, &status, &len) < 0)
		return false;
	*rto = status.sstat_primary.spinfo_rto;
	*srtt = status.sstat_primary.spinfo_srtt;
	return true;
}

static void user_measure(struct sctp_peer *p)
{
	struct path *path = p->be;
	struct sctp_paddrparams demand = { .spp_assoc_id = path->assoc, .spp_flags = SPP_HB_DEMAND };
	struct sockaddr_conn peer = path_sockaddr(path, p->port);

	memcpy(&demand.spp_address, &peer, sizeof(peer));
	stack_sync();
	(void)set_option(path->so, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &demand, sizeof(demand));
}

const struct sctp_backend_ops sctp_usrsctp_backend = {
	.kind = SCTP_USRSCTP,
	.open = user_open,
	.close = user_close,
	.connect = user_connect,
	.drop = user_drop,
	.send = user_send,
	.rto = user_rto,
	.measure = user_measure,
};
