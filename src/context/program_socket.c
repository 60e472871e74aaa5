#define _GNU_SOURCE 1 /* accept4, struct ucred */
#include "context/program_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "context/program_wire.h"
#include "core/log.h"
#include "core/secret.h"
#include "core/unixsock.h"

#define ACCEPT_AT_ONCE 8
#define ACCEPT_PAUSE USEC_SEC /* after running out of descriptors */
#define LINGER USEC_SEC       /* for a peer that is sent away to read why */

struct counter program_socket_counters[PROGRAM_SOCKET_COUNTERS] = {
	[PROGRAM_PEERS] = { "programs_connected", "Connections of programs with contexts of their own", 0, 1 },
	[PROGRAM_PEERS_REFUSED] = { "programs_refused", "Connections of programs refused", 0, 0 },
	[PROGRAM_PEERS_CUT_OFF] = { "programs_cut_off", "Programs cut off because they did not read", 0, 0 },
	[PROGRAM_PEERS_IDLE] = { "programs_idle", "Connections closed because no program introduced itself", 0, 0 },
};

struct program_peer {
	struct program_socket *socket;
	struct program_peer *prev, *next;
	int fd;
	struct loop_fd *io;
	struct timer timer; /* until the first line; once doomed, until its end */
	bool spoke, doomed;
	struct ucred cred;
	void *user;
	uint8_t *out; /* of config.queue octets, as a ring */
	size_t out_at, out_len, out_cap;
	size_t in_len;
	char in[PROGRAM_LINE_MAX];
};

struct program_socket {
	struct loop *loop;
	struct program_socket_config config;
	const struct program_socket_ops *ops;
	void *arg;
	struct unixsock listening;
	struct loop_fd *io;
	struct timer pause;
	struct bucket lines;
	struct program_peer *peers;
	size_t n;
};

/* ---- one connection ---- */

static void peer_free(struct program_peer *p)
{
	struct program_socket *s = p->socket;
	timer_stop(&p->timer);
	loop_fd_del(p->io);
	close(p->fd);
	if (p->prev)
		p->prev->next = p->next;
	else
		s->peers = p->next;
	if (p->next)
		p->next->prev = p->prev;
	program_socket_counters[PROGRAM_PEERS].value = --s->n;
	s->ops->gone(p, s->arg);
	secret_wipe(p->out, p->out_cap); /* contexts went through them */
	secret_wipe(p->in, sizeof p->in);
	free(p->out);
	free(p);
}

/* Nothing more is taken from it. */
static void peer_doom(struct program_peer *p, usec_t left)
{
	if (p->doomed)
		return;
	p->doomed = true;
	loop_fd_events(p->io, left && p->out_len ? LOOP_WRITE : 0);
	timer_after(&p->timer, p->out_len ? left : 0);
}

static void peer_timer(struct timer *t, void *arg)
{
	struct program_peer *p = arg;
	if (!p->doomed) {
		program_socket_counters[PROGRAM_PEERS_IDLE].value++;
		log_limited(&p->socket->lines, loop_now(p->socket->loop), LOG_LEVEL_NOTICE, "context",
		            "program did not introduce itself pid=%d uid=%u limit=%llums", (int)p->cred.pid, (unsigned)p->cred.uid,
		            (unsigned long long)(p->socket->config.idle / USEC_MSEC));
	}
	peer_free(p);
}

/* Sends what it can without waiting. False: the other side is gone. */
static bool peer_flush(struct program_peer *p)
{
	while (p->out_len) {
		size_t piece = p->out_cap - p->out_at < p->out_len ? p->out_cap - p->out_at : p->out_len;
		ssize_t n = send(p->fd, p->out + p->out_at, piece, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n <= 0)
			return false;
		p->out_at = (p->out_at + (size_t)n) % p->out_cap;
		p->out_len -= (size_t)n;
	}
	loop_fd_events(p->io, (p->doomed ? 0 : LOOP_READ) | (p->out_len ? LOOP_WRITE : 0));
	return true;
}

static void ring_put(struct program_peer *p, const char *text, size_t len)
{
	size_t at = (p->out_at + p->out_len) % p->out_cap;
	size_t piece = p->out_cap - at < len ? p->out_cap - at : len;
	memcpy(p->out + at, text, piece);
	memcpy(p->out, text + piece, len - piece);
	p->out_len += len;
}

bool program_send(struct program_peer *p, const char *text, size_t len)
{
	if (p->doomed)
		return false;
	if (len > p->out_cap - p->out_len) {
		program_socket_counters[PROGRAM_PEERS_CUT_OFF].value++;
		log_limited(&p->socket->lines, loop_now(p->socket->loop), LOG_LEVEL_WARNING, "context",
		            "program cut off reason=queue pid=%d uid=%u threshold=%zu value=%zu", (int)p->cred.pid, (unsigned)p->cred.uid, p->out_cap,
		            p->out_len + len);
		peer_doom(p, 0);
		return false;
	}
	ring_put(p, text, len);
	if (peer_flush(p))
		return true;
	peer_doom(p, 0);
	return false;
}

void program_end(struct program_peer *p)
{
	peer_doom(p, LINGER);
}

/* False: the peer has no business any more. */
static bool peer_lines(struct program_peer *p)
{
	struct program_socket *s = p->socket;
	size_t at = 0;
	while (!p->doomed) {
		char *end = memchr(p->in + at, '\n', p->in_len - at);
		if (!end)
			break;
		size_t len = (size_t)(end - (p->in + at));
		p->spoke = true;
		timer_stop(&p->timer);
		if (!s->ops->line(p, p->in + at, len, s->arg))
			return false;
		at += len + 1;
	}
	p->in_len -= at;
	memmove(p->in, p->in + at, p->in_len);
	if (p->in_len < sizeof p->in)
		return true;
	static const char too_long[] = "error reason=line too long\n";
	program_send(p, too_long, sizeof too_long - 1);
	return false;
}

static void peer_io(int fd, unsigned events, void *arg)
{
	struct program_peer *p = arg;
	if ((events & LOOP_WRITE) && !peer_flush(p)) {
		peer_free(p);
		return;
	}
	if (p->doomed) {
		if (!p->out_len)
			peer_free(p);
		return;
	}
	if (!(events & LOOP_READ))
		return;
	ssize_t n = recv(fd, p->in + p->in_len, sizeof p->in - p->in_len, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return;
	if (n <= 0) {
		peer_free(p);
		return;
	}
	p->in_len += (size_t)n;
	if (!peer_lines(p))
		program_end(p);
}

/* ---- listening ---- */

static bool who_is(int fd, struct program_who *out)
{
	struct ucred c;
	socklen_t len = sizeof c, groups_len = sizeof out->groups;
	*out = (struct program_who){ .pid = -1, .uid = (uid_t)-1, .gid = (gid_t)-1 };
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len) < 0)
		return false;
	out->pid = c.pid;
	out->uid = c.uid;
	out->gid = c.gid;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, out->groups, &groups_len) == 0)
		out->groups_n = groups_len / sizeof out->groups[0];
	return true;
}

static struct program_peer *peer_make(struct program_socket *s, int fd)
{
	struct program_peer *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	*p = (struct program_peer){ .socket = s, .fd = fd, .out_cap = s->config.queue };
	p->out = malloc(p->out_cap);
	p->io = p->out ? loop_fd_add(s->loop, fd, LOOP_READ, peer_io, p) : NULL;
	if (!p->io) {
		free(p->out);
		free(p);
		return NULL;
	}
	timer_init(&p->timer, s->loop, peer_timer, p);
	timer_after(&p->timer, s->config.idle);
	p->next = s->peers;
	if (p->next)
		p->next->prev = p;
	s->peers = p;
	program_socket_counters[PROGRAM_PEERS].value = ++s->n;
	return p;
}

static void take_peer(struct program_socket *s, int fd)
{
	struct program_who who;
	bool known = who_is(fd, &who), room = s->n < s->config.peers;
	struct program_peer *p = known && room && s->ops->admit(&who, s->arg) ? peer_make(s, fd) : NULL;
	if (p) {
		p->cred = (struct ucred){ .pid = who.pid, .uid = who.uid, .gid = who.gid };
		return;
	}
	program_socket_counters[PROGRAM_PEERS_REFUSED].value++;
	log_limited(&s->lines, loop_now(s->loop), LOG_LEVEL_WARNING, "context",
	            "program refused reason=%s pid=%d uid=%u gid=%u connections=%zu limit=%zu", room ? "not-permitted" : "connections",
	            (int)who.pid, (unsigned)who.uid, (unsigned)who.gid, s->n, s->config.peers);
	close(fd);
}

static void resume(struct timer *timer, void *arg)
{
	struct program_socket *s = arg;
	loop_fd_events(s->io, LOOP_READ);
}

static void on_connection(int fd, unsigned events, void *arg)
{
	struct program_socket *s = arg;
	for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
		int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (peer >= 0) {
			take_peer(s, peer);
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK) {
			/* Out of descriptors: who waits would wake us at once, again and again. */
			LOG_WARNING("context", "program not accepted reason=\"%s\"", strerror(errno));
			loop_fd_events(s->io, 0);
			timer_after(&s->pause, ACCEPT_PAUSE);
		}
		return;
	}
}

static int listen_at(struct program_socket *s, const struct program_socket_config *config)
{
	const char *why = "out of memory";
	struct unixsock u;
	bool bound = unixsock_open(&u, config->path, config->mode, &why) == 0;
	struct loop_fd *io = bound ? loop_fd_add(s->loop, u.fd, LOOP_READ, on_connection, s) : NULL;
	if (!io) {
		LOG_ERROR("context", "socket for programs not opened path=%s reason=\"%s\"", config->path, bound ? "out of memory" : why);
		if (bound)
			unixsock_close(&u);
		return -1;
	}
	LOG_INFO("context", "socket for programs open path=%s mode=%04o", config->path, (unsigned)config->mode);
	s->listening = u;
	s->io = io;
	return 0;
}

struct program_socket *program_socket_open(struct loop *l, const struct program_socket_config *config,
                                           const struct program_socket_ops *ops, void *arg)
{
	struct program_socket *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	*s = (struct program_socket){ .loop = l, .config = *config, .ops = ops, .arg = arg };
	bucket_init(&s->lines, 1, 5);
	timer_init(&s->pause, l, resume, s);
	if (listen_at(s, config) == 0)
		return s;
	free(s);
	return NULL;
}

void program_socket_reconfigure(struct program_socket *s, const struct program_socket_config *config)
{
	struct unixsock old = s->listening;
	struct loop_fd *io = s->io;
	bool moved = strcmp(config->path, s->config.path) != 0;
	if (moved && listen_at(s, config) == 0) {
		loop_fd_del(io);
		unixsock_close(&old);
	} else if (!moved && config->mode != s->config.mode && chmod(config->path, config->mode) < 0) {
		LOG_ERROR("context", "permissions of the socket for programs not changed path=%s error=\"%s\"", config->path, strerror(errno));
	}
	struct program_socket_config before = s->config;
	s->config = *config;
	if (!strcmp(s->listening.path, before.path) && moved)
		memcpy(s->config.path, before.path, sizeof before.path); /* where we still are */
}

void program_socket_close(struct program_socket *s)
{
	if (!s)
		return;
	loop_fd_del(s->io);
	unixsock_close(&s->listening);
	timer_stop(&s->pause);
	while (s->peers)
		peer_free(s->peers);
	free(s);
}

void *program_user(const struct program_peer *p)
{
	return p->user;
}

void program_set_user(struct program_peer *p, void *user)
{
	p->user = user;
}

bool program_who(const struct program_peer *p, struct program_who *out)
{
	return who_is(p->fd, out);
}
