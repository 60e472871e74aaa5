/* The control socket: listening, clients, their requests and their queues. The wire protocol stands in ctl.h. */
#define _GNU_SOURCE 1 /* accept4 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/log.h"
#include "core/loop.h"
#include "core/settings.h"
#include "core/unixsock.h"
#include "ctl/command.h"
#include "ctl/ctl.h"
#include "ctl/watch.h"

#define ACCEPT_AT_ONCE 8
#define ACCEPT_PAUSE USEC_SEC /* after running out of descriptors */
#define SOCKET_MODE 0660
#define REFUSED_LINES_PER_SECOND 1

enum {
	CTL_CLIENTS,
	CTL_CLIENTS_ACCEPTED,
	CTL_CLIENTS_REFUSED,
	CTL_CLIENTS_CUT_OFF,
	CTL_CLIENTS_IDLE,
	CTL_REQUESTS,
	CTL_REQUESTS_REFUSED,
	CTL_REQUESTS_BAD,
	CTL_EVENTS,
	CTL_COUNTERS
};
static struct counter counters[CTL_COUNTERS] = {
	[CTL_CLIENTS] = { "clients", "Control clients connected", 0, 1 },
	[CTL_CLIENTS_ACCEPTED] = { "clients_accepted", "Control clients accepted", 0, 0 },
	[CTL_CLIENTS_REFUSED] = { "clients_refused", "Control clients turned away because there were too many", 0, 0 },
	[CTL_CLIENTS_CUT_OFF] = { "clients_cut_off", "Control clients cut off because they did not read", 0, 0 },
	[CTL_CLIENTS_IDLE] = { "clients_idle", "Control clients closed because they asked nothing", 0, 0 },
	[CTL_REQUESTS] = { "requests", "Control requests", 0, 0 },
	[CTL_REQUESTS_REFUSED] = { "requests_refused", "Control requests understood but refused", 0, 0 },
	[CTL_REQUESTS_BAD] = { "requests_bad", "Control requests not understood", 0, 0 },
	[CTL_EVENTS] = { "events", "Events sent to watching clients, each counted for each", 0, 0 },
};

struct ctl;

struct client {
	struct ctl *ctl;
	struct client *prev, *next;
	int fd;
	struct loop_fd *io;
	struct timer timer; /* until a request is whole, or until something of an answer is taken */
	bool watching;
	bool closing; /* after what is in out */
	enum form form; /* while watching */
	struct textbuf out;
	size_t sent; /* of out */
	size_t in_len;
	char in[COMMAND_LINE_MAX];
};

struct listener {
	struct unixsock socket;
	struct loop_fd *io;
};

struct ctl {
	struct core *core;
	struct listener listener;
	struct timer pause;
	struct bucket refusals;
	struct watch *watch;
	struct loop_later *events; /* what waits for watching clients is to be sent */
	struct client *clients;
	size_t n;
};

usec_t ctl_idle = 10 * USEC_SEC, ctl_stall = 10 * USEC_SEC;
static struct ctl *ctl; /* the module's one instance */

static void client_io(int fd, unsigned events, void *arg);

/* -- clients ----------------------------------------------------------------------------------------------------- */

static void client_free(struct client *c)
{
	struct ctl *t = c->ctl;
	timer_stop(&c->timer);
	loop_fd_del(c->io);
	close(c->fd);
	if (c->prev)
		c->prev->next = c->next;
	else
		t->clients = c->next;
	if (c->next)
		c->next->prev = c->prev;
	textbuf_free(&c->out);
	free(c);
	counters[CTL_CLIENTS].value = --t->n;
}

/* The threshold is in octets, or in milliseconds without progress; the value is the octets that wait. */
static void client_cut_off(struct client *c, const char *reason, size_t threshold, size_t value)
{
	counters[CTL_CLIENTS_CUT_OFF].value++;
	log_limited(&c->ctl->refusals, loop_now(c->ctl->core->loop), LOG_LEVEL_WARNING, "ctl",
	            "control client cut off reason=%s threshold=%zu value=%zu", reason, threshold, value);
	client_free(c);
}

static size_t client_waiting(const struct client *c)
{
	return c->out.len - c->sent;
}

static void client_timeout(struct timer *t, void *arg)
{
	struct client *c = arg;
	if (client_waiting(c)) {
		client_cut_off(c, "stalled", ctl_stall / USEC_MSEC, client_waiting(c));
		return;
	}
	counters[CTL_CLIENTS_IDLE].value++;
	client_free(c);
}

/* What the loop is to tell us of, and how long we wait for it. */
static void client_expect(struct client *c)
{
	bool waiting = client_waiting(c) != 0;
	/* A watching client is read, too, to see it go. */
	loop_fd_events(c->io, (waiting ? LOOP_WRITE : 0) | (!waiting || c->watching ? LOOP_READ : 0));
	if (c->watching)
		timer_stop(&c->timer); /* its queue is bounded; that is enough */
	else
		timer_after(&c->timer, waiting ? ctl_stall : ctl_idle);
}

/* Sends what it can without waiting. False: the client is gone (and freed). */
static bool client_flush(struct client *c)
{
	while (client_waiting(c)) {
		ssize_t n = send(c->fd, c->out.data + c->sent, client_waiting(c), MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n <= 0) {
			client_free(c);
			return false;
		}
		c->sent += (size_t)n;
	}
	if (!client_waiting(c)) {
		if (c->closing) {
			client_free(c);
			return false;
		}
		textbuf_free(&c->out);
		c->sent = 0;
	}
	client_expect(c);
	return true;
}

static void client_frame(struct client *c, const char *status, const char *body, size_t len)
{
	textbuf_fmt(&c->out, "%s %zu\n", status, len);
	textbuf_add(&c->out, body, len);
}

static void client_watch(struct client *c, enum form form)
{
	struct textbuf b = { 0 };
	c->watching = true;
	c->form = form == FORM_JSON ? FORM_JSON : FORM_LINE;
	c->in_len = 0;
	watch_greet(c->ctl->watch, c->form, &b);
	client_frame(c, "more", b.data ? b.data : "", b.len);
	textbuf_free(&b);
}

static void client_refuse_line(struct client *c, const char *why)
{
	counters[CTL_REQUESTS_BAD].value++;
	client_frame(c, "usage", why, strlen(why));
	c->closing = true;
}

static void client_request(struct client *c, const char *line, size_t len)
{
	struct command_request r;
	struct textbuf b = { 0 };
	const char *why = command_parse(line, len, &r);

	counters[CTL_REQUESTS].value++;
	if (why) {
		client_refuse_line(c, why);
		return;
	}
	enum command_status status = command_run(c->ctl->core, &r, &b);
	const char *body = b.data ? b.data : "";
	switch (status) {
	case COMMAND_OK:
		client_frame(c, "ok", body, b.len);
		break;
	case COMMAND_REFUSED:
		counters[CTL_REQUESTS_REFUSED].value++;
		if (strcmp(r.words[0], "reload") == 0)
			watch_reloaded(c->ctl->watch, body);
		client_frame(c, "refused", body, b.len);
		break;
	case COMMAND_USAGE:
		counters[CTL_REQUESTS_BAD].value++;
		client_frame(c, "usage", body, b.len);
		break;
	case COMMAND_WATCH:
		client_watch(c, r.form);
		break;
	}
	textbuf_free(&b);
}

/* Answers the first whole line in c->in, if there is one and nothing is waiting to be taken. */
static void client_serve(struct client *c)
{
	while (!c->watching && !c->closing && !client_waiting(c)) {
		char *end = memchr(c->in, '\n', c->in_len);
		if (!end) {
			if (c->in_len < sizeof c->in)
				return;
			client_refuse_line(c, "request too long");
		} else {
			size_t len = (size_t)(end - c->in);
			char line[COMMAND_LINE_MAX];
			memcpy(line, c->in, len);
			c->in_len -= len + 1;
			memmove(c->in, end + 1, c->in_len);
			client_request(c, line, len);
		}
		if (c->out.failed) {
			client_cut_off(c, "memory", TEXTBUF_MAX, c->out.len);
			return;
		}
		if (!client_flush(c))
			return;
	}
}

static void client_read(struct client *c)
{
	char scrap[COMMAND_LINE_MAX];
	bool discard = c->watching || c->closing;
	void *to = discard ? scrap : c->in + c->in_len;
	size_t room = discard ? sizeof scrap : sizeof c->in - c->in_len;
	ssize_t n = recv(c->fd, to, room, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return;
	if (n <= 0) {
		client_free(c);
		return;
	}
	if (discard)
		return;
	c->in_len += (size_t)n;
	client_serve(c);
}

static void client_io(int fd, unsigned events, void *arg)
{
	struct client *c = arg;
	if (events & LOOP_WRITE) {
		if (!client_flush(c))
			return;
		if (!client_waiting(c) && !c->watching) {
			client_serve(c); /* the next request may be here already */
			return;
		}
	}
	if (events & LOOP_READ)
		client_read(c);
}

/* -- events ------------------------------------------------------------------------------------------------------ */

static bool event_wanted(enum form form, void *arg)
{
	const struct ctl *t = arg;
	for (const struct client *c = t->clients; c; c = c->next)
		if (c->watching && c->form == form)
			return true;
	return false;
}

/* False: the client is gone. */
static bool event_flush(struct client *c)
{
	size_t limit = (size_t)c->ctl->core->settings->control.queue;
	if (!client_flush(c))
		return false;
	if (c->out.failed || client_waiting(c) > limit) {
		client_cut_off(c, "queue", limit, client_waiting(c));
		return false;
	}
	/* The sent part goes when it is the greater one, so that the buffer stays within twice the limit. */
	if (c->sent > client_waiting(c)) {
		c->out.len -= c->sent;
		memmove(c->out.data, c->out.data + c->sent, c->out.len);
		c->sent = 0;
	}
	return true;
}

/* Events are told about in the midst of handovers: they are sent when those are done. */
static void events_send(void *arg)
{
	struct ctl *t = arg;
	for (struct client *c = t->clients, *next; c; c = next) {
		next = c->next;
		if (c->watching && client_waiting(c))
			event_flush(c);
	}
}

static void event_send(enum form form, const char *text, size_t len, void *arg)
{
	struct ctl *t = arg;
	size_t limit = (size_t)t->core->settings->control.queue;
	for (struct client *c = t->clients, *next; c; c = next) {
		next = c->next;
		if (!c->watching || c->form != form)
			continue;
		client_frame(c, "more", text, len);
		counters[CTL_EVENTS].value++;
		/* What is sent goes before what is counted: only what the client leaves unread weighs. */
		if (c->out.failed || client_waiting(c) > limit)
			event_flush(c);
	}
	loop_later_ask(t->events);
}

static const struct watch_ops watch_ops = { event_wanted, event_send };

/* -- listening --------------------------------------------------------------------------------------------------- */

static void client_turn_away(struct ctl *t, int fd)
{
	static const char reason[] = "too many control clients";
	char frame[64];
	int n = snprintf(frame, sizeof frame, "refused %zu\n%s", sizeof reason - 1, reason);
	counters[CTL_CLIENTS_REFUSED].value++;
	log_limited(&t->refusals, loop_now(t->core->loop), LOG_LEVEL_WARNING, "ctl",
	            "control client refused reason=clients threshold=%lld value=%zu",
	            (long long)t->core->settings->control.clients, t->n);
	if (send(fd, frame, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		LOG_DEBUG("ctl", "refusal not sent errno=%d", errno);
	close(fd);
}

static void client_create(struct ctl *t, int fd)
{
	struct client *c = t->n < (size_t)t->core->settings->control.clients ? calloc(1, sizeof *c) : NULL;
	if (!c) {
		client_turn_away(t, fd);
		return;
	}
	c->io = loop_fd_add(t->core->loop, fd, LOOP_READ, client_io, c);
	if (!c->io) {
		free(c);
		client_turn_away(t, fd);
		return;
	}
	c->ctl = t;
	c->fd = fd;
	c->next = t->clients;
	if (c->next)
		c->next->prev = c;
	t->clients = c;
	counters[CTL_CLIENTS].value = ++t->n;
	counters[CTL_CLIENTS_ACCEPTED].value++;
	timer_init(&c->timer, t->core->loop, client_timeout, c);
	client_expect(c);
}

static void listener_resume(struct timer *timer, void *arg)
{
	struct ctl *t = arg;
	loop_fd_events(t->listener.io, LOOP_READ);
}

static void listener_io(int fd, unsigned events, void *arg)
{
	struct ctl *t = arg;
	for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
		int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (client >= 0) {
			client_create(t, client);
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK) {
			/* Out of descriptors: the waiting client would wake us at once, again and again. */
			LOG_WARNING("ctl", "control client not accepted reason=\"%s\"", strerror(errno));
			loop_fd_events(t->listener.io, 0);
			timer_after(&t->pause, ACCEPT_PAUSE);
		}
		return;
	}
}

static int listener_open(struct ctl *t, const char *path)
{
	const char *why = "out of memory";
	struct listener l = { 0 };
	bool bound = unixsock_open(&l.socket, path, SOCKET_MODE, &why) == 0;
	l.io = bound ? loop_fd_add(t->core->loop, l.socket.fd, LOOP_READ, listener_io, t) : NULL;
	if (!l.io) {
		LOG_ERROR("ctl", "control socket not opened path=%s reason=\"%s\"", path, bound ? "out of memory" : why);
		if (bound)
			unixsock_close(&l.socket);
		return -1;
	}
	t->listener = l;
	return 0;
}

static void listener_close(struct listener *l)
{
	loop_fd_del(l->io);
	unixsock_close(&l->socket);
}

/* -- the module -------------------------------------------------------------------------------------------------- */

static const char *socket_of(const struct settings *s)
{
	return s->control.socket ? s->control.socket : CTL_SOCKET_DEFAULT;
}

static void ctl_check(const struct settings *s, const void *cfg, struct config_errors *errors)
{
	unixsock_check("control.socket", socket_of(s), &s->control.where, errors);
}

static int ctl_start(struct core *core, const void *cfg)
{
	struct ctl *t = calloc(1, sizeof *t);
	if (!t) {
		LOG_ERROR("ctl", "not started reason=\"out of memory\"");
		return -1;
	}
	t->core = core;
	bucket_init(&t->refusals, REFUSED_LINES_PER_SECOND, 5);
	timer_init(&t->pause, core->loop, listener_resume, t);
	t->watch = watch_create(core, &watch_ops, t);
	t->events = loop_later_add(core->loop, events_send, t);
	if (!t->watch || !t->events || listener_open(t, socket_of(core->settings)) < 0) {
		watch_destroy(t->watch);
		loop_later_del(t->events);
		free(t);
		return -1;
	}
	LOG_INFO("ctl", "control socket open path=%s", t->listener.socket.path);
	ctl = t;
	return 0;
}

static void ctl_reload(struct core *core, const void *cfg)
{
	struct ctl *t = ctl;
	const char *path = socket_of(core->settings);
	if (strcmp(path, t->listener.socket.path) != 0) {
		struct listener old = t->listener;
		if (listener_open(t, path) == 0) {
			LOG_INFO("ctl", "control socket moved from=%s path=%s", old.socket.path, path);
			listener_close(&old);
		}
	}
	watch_reloaded(t->watch, NULL);
}

static void ctl_stop(struct core *core)
{
	struct ctl *t = ctl;
	watch_destroy(t->watch);
	loop_later_del(t->events);
	events_send(t); /* what the others said at their end */
	listener_close(&t->listener);
	timer_stop(&t->pause);
	while (t->clients)
		client_free(t->clients);
	free(t);
	ctl = NULL;
}

const struct module ctl_module = {
	.name = "ctl",
	.roles = MODULE_ALL_ROLES,
	.counters = { "ctl", counters, CTL_COUNTERS },
	.shows = ctl_shows,
	.check = ctl_check,
	.start = ctl_start,
	.reload = ctl_reload,
	.stop = ctl_stop,
};
