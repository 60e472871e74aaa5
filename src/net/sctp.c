/*
 * The front of SCTP: which peers there are, and keeping associations to them.
 *
 * A peer that sctp_connect announced is connected until it is forgotten: at once, and after a failure or a loss again with
 * a wait that doubles from retry_min to retry_max. An association that held for longer than the last wait starts the
 * doubling anew. A peer that came by itself and was admitted lives as long as its association.
 *
 * The sockets are the backends' (sctp_kernel.c, sctp_usrsctp.c); sctp_backend.h says how the two sides meet.
 */
#include "config.h"

#include "net/sctp_backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SETTLE_EVERY (10 * USEC_MSEC)
#define SETTLE_TIMES 64
#define ARRIVAL_LIMIT (5 * USEC_SEC) /* from a stranger's INIT until its association stands */

struct counter sctp_counters[SCTP_COUNTERS] = {
	[SCTP_UP] = { .name = "up", .help = "Associations established" },
	[SCTP_DOWN] = { .name = "down", .help = "Associations lost or closed by the peer" },
	[SCTP_RESTARTS] = { .name = "restarts", .help = "Associations restarted by the peer" },
	[SCTP_REFUSED] = { .name = "refused", .help = "Associations refused: not a neighbour, not protected, or no room" },
	[SCTP_SENT] = { .name = "sent", .help = "Messages handed to the transport" },
	[SCTP_RECEIVED] = { .name = "received", .help = "Messages received" },
	[SCTP_QUEUE_FULL] = { .name = "queue_full", .help = "Messages refused because the peer's send queue was full" },
	[SCTP_TOO_LONG] = { .name = "too_long", .help = "Received messages dropped for their length" },
	[SCTP_ABANDONED] = { .name = "abandoned", .help = "Messages given up: lifetime over, or association lost" },
};

uint32_t sctp_msec(usec_t t, uint32_t max)
{
	usec_t ms = (t + USEC_MSEC - 1) / USEC_MSEC;

	return ms > max ? max : (uint32_t)ms;
}

/* ---- life of an endpoint ---- */

void sctp_hold(struct sctp *s)
{
	s->held++;
}

void sctp_release(struct sctp *s)
{
	struct sctp_peer *p;

	if (--s->held > 0)
		return;
	while ((p = s->gone) != NULL) {
		s->gone = p->next_gone;
		free(p);
	}
	if (s->closed)
		free(s);
}

bool sctp_closed(const struct sctp *s)
{
	return s->closed;
}

struct sctp *sctp_open_on(const struct sctp_backend_ops *backend, struct loop *l, const struct sctp_config *cfg,
                          const struct sctp_ops *ops, void *arg)
{
	struct sctp *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return NULL;
	s->loop = l;
	s->cfg = *cfg;
	s->ops = *ops;
	s->arg = arg;
	s->backend = backend;
	bucket_init(&s->complaints, 1, 10);
	rc = backend->open(s);
	if (rc < 0) {
		free(s);
		errno = -rc;
		return NULL;
	}
	return s;
}

struct sctp *sctp_open(struct loop *l, const struct sctp_config *cfg, const struct sctp_ops *ops, void *arg)
{
	struct sctp *s = NULL;

	if (cfg->backend != SCTP_USRSCTP) {
		s = sctp_open_on(&sctp_kernel_backend, l, cfg, ops, arg);
		if (s == NULL && (cfg->backend == SCTP_KERNEL || errno != EPROTONOSUPPORT))
			return NULL;
	}
	if (s == NULL)
		s = sctp_open_on(&sctp_usrsctp_backend, l, cfg, ops, arg);
	if (s != NULL)
		LOG_INFO("sctp", "SCTP endpoint open backend=%s address=%s port=%u udp_port=%u",
		         s->backend->kind == SCTP_KERNEL ? "kernel" : "usrsctp", ADDR(&cfg->local), cfg->port, cfg->udp_port);
	return s;
}

void sctp_close(struct sctp *s)
{
	struct sctp_peer *p, *next;

	if (s == NULL || s->closed)
		return;
	sctp_hold(s);
	HASH_ITER(hh, s->peers, p, next)
		sctp_forget(p);
	s->backend->close(s);
	s->closed = true;
	sctp_release(s);
}

enum sctp_backend sctp_backend(const struct sctp *s)
{
	return s->backend->kind;
}

/* ---- peers ---- */

static void peer_wait(struct sctp_peer *p)
{
	timer_after(&p->retry, p->backoff);
	p->backoff = p->backoff * 2 < p->s->cfg.retry_max ? p->backoff * 2 : p->s->cfg.retry_max;
}

static void peer_try(struct sctp_peer *p)
{
	int rc;

	p->state = SCTP_STATE_CONNECTING;
	rc = p->s->backend->connect(p);
	if (rc == 0)
		return;
	p->state = SCTP_STATE_IDLE;
	log_limited(&p->s->complaints, loop_now(p->s->loop), LOG_LEVEL_WARNING, "sctp",
	            "association not started peer=%s reason=\"%s\" retry_ms=%u", ADDR(&p->addr), strerror(-rc),
	            sctp_msec(p->backoff, UINT32_MAX));
	peer_wait(p);
}

static void peer_retry(struct timer *t, void *arg)
{
	struct sctp_peer *p = arg;
	struct sctp *s = p->s;

	sctp_hold(s);
	if (p->kept)
		peer_try(p);
	else /* never became an association */
		sctp_forget(p);
	sctp_release(s);
}

/*
 * The first round trip is measured on the packets that set up the association, and those waited for address resolution on
 * both sides: a second is nothing unusual, and SRTT forgets it by one eighth with each further measurement. A packet
 * lost meanwhile would be sent again when a context is long too old. So the association begins with some heartbeats in a row.
 */
static void peer_settle(struct timer *t, void *arg)
{
	struct sctp_peer *p = arg;
	uint32_t rto, srtt;

	if (!p->s->backend->rto(p, &rto, &srtt) || rto <= sctp_msec(p->s->cfg.rto_min, UINT32_MAX) || p->settle_left-- == 0)
		return;
	/* What is not answered counts against the association: three in a row are enough, with growing gaps. */
	p->settle_stuck = rto < p->settle_rto || srtt < p->settle_srtt ? 0 : p->settle_stuck + 1;
	if (p->settle_stuck > 2)
		return;
	p->settle_rto = rto;
	p->settle_srtt = srtt; /* RTO alone says nothing while it is cut off at RTO.max */
	p->s->backend->measure(p);
	timer_after(&p->settle, SETTLE_EVERY << 2 * p->settle_stuck);
}

static void settle_begin(struct sctp_peer *p)
{
	p->settle_left = SETTLE_TIMES;
	p->settle_stuck = 0;
	p->settle_rto = p->settle_srtt = UINT32_MAX;
	timer_after(&p->settle, SETTLE_EVERY);
}

struct sctp_peer *sctp_find(const struct sctp *s, const struct in6_addr *addr)
{
	struct sctp_peer *p;

	HASH_FIND(hh, s->peers, addr, sizeof(*addr), p);
	return p;
}

static struct sctp_peer *peer_create(struct sctp *s, const struct in6_addr *addr, uint16_t port, uint16_t udp_port)
{
	struct sctp_peer *p;

	if (HASH_COUNT(s->peers) >= s->cfg.max_peers || (p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	p->s = s;
	p->addr = *addr;
	p->port = port;
	p->udp_port = udp_port;
	p->backoff = s->cfg.retry_min;
	timer_init(&p->retry, s->loop, peer_retry, p);
	timer_init(&p->settle, s->loop, peer_settle, p);
	HASH_ADD(hh, s->peers, addr, sizeof(p->addr), p);
	return p;
}

struct sctp_peer *sctp_connect(struct sctp *s, const struct in6_addr *addr, uint16_t port, uint16_t udp_port)
{
	struct sctp_peer *p = sctp_find(s, addr);

	if (p == NULL && (p = peer_create(s, addr, port, udp_port)) == NULL)
		return NULL;
	p->port = port;
	p->udp_port = udp_port;
	if (p->kept)
		return p;
	p->kept = true;
	if (p->state != SCTP_STATE_ESTABLISHED) {
		timer_stop(&p->retry);
		peer_try(p);
	}
	return p;
}

void sctp_forget(struct sctp_peer *p)
{
	struct sctp *s = p->s;

	if (p->gone)
		return;
	sctp_hold(s);
	timer_stop(&p->retry);
	timer_stop(&p->settle);
	HASH_DEL(s->peers, p);
	p->gone = true;
	p->state = SCTP_STATE_IDLE;
	s->backend->drop(p);
	free(p->part);
	p->part = NULL;
	p->next_gone = s->gone;
	s->gone = p;
	sctp_release(s);
}

const struct in6_addr *sctp_peer_addr(const struct sctp_peer *p)
{
	return &p->addr;
}

bool sctp_peer_up(const struct sctp_peer *p)
{
	return p->state == SCTP_STATE_ESTABLISHED;
}

int sctp_send(struct sctp_peer *p, uint32_t ppid, const void *data, size_t len, usec_t lifetime)
{
	struct sctp_tx tx = { .ppid = ppid, .data = data, .len = len, .lifetime = lifetime, .serial = p->serial + 1 };
	int rc;

	if (p->state != SCTP_STATE_ESTABLISHED)
		return -ENOTCONN;
	if (len == 0 || len > p->s->cfg.max_message)
		return -EMSGSIZE;
	rc = p->s->backend->send(p, &tx);
	if (rc == -EAGAIN) {
		sctp_counters[SCTP_QUEUE_FULL].value++;
		return -ENOBUFS;
	}
	if (rc < 0)
		return rc;
	p->serial = tx.serial;
	sctp_counters[SCTP_SENT].value++;
	return 0;
}

/* ---- what the backends report ---- */

static struct sctp_peer *refuse(struct sctp *s, const struct in6_addr *addr, const char *reason)
{
	sctp_counters[SCTP_REFUSED].value++;
	log_limited(&s->complaints, loop_now(s->loop), LOG_LEVEL_WARNING, "sctp",
	            "association refused peer=%s reason=%s peers=%u limit=%zu", ADDR(addr), reason, HASH_COUNT(s->peers),
	            s->cfg.max_peers);
	return NULL;
}

struct sctp_peer *sctp_event_knock(struct sctp *s, const struct in6_addr *addr, uint16_t port, uint16_t udp_port)
{
	struct sctp_peer *p = sctp_find(s, addr);
	bool admitted;

	if (p != NULL)
		return p;
	sctp_hold(s); /* the callback may close the endpoint */
	admitted = s->ops.admit != NULL && s->ops.admit(addr, s->arg) && !s->closed;
	p = s->closed ? NULL : sctp_find(s, addr); /* or announce the peer */
	if (p == NULL && !admitted)
		p = refuse(s, addr, "not-admitted");
	else if (p == NULL && (p = peer_create(s, addr, port, udp_port)) == NULL)
		p = refuse(s, addr, "table-full");
	else if (!p->kept && !timer_armed(&p->retry))
		timer_after(&p->retry, ARRIVAL_LIMIT);
	sctp_release(s);
	return p;
}

static void part_reset(struct sctp_peer *p)
{
	free(p->part);
	p->part = NULL;
	p->part_len = 0;
	p->part_skip = false;
}

void sctp_event_up(struct sctp_peer *p)
{
	if (p->state == SCTP_STATE_ESTABLISHED) {
		sctp_event_restart(p);
		return;
	}
	timer_stop(&p->retry);
	p->state = SCTP_STATE_ESTABLISHED;
	p->up_since = loop_now(p->s->loop);
	part_reset(p);
	settle_begin(p);
	sctp_counters[SCTP_UP].value++;
	LOG_NOTICE("sctp", "association up peer=%s port=%u", ADDR(&p->addr), p->port);
	if (p->s->ops.up != NULL)
		p->s->ops.up(p, p->s->arg);
}

void sctp_event_restart(struct sctp_peer *p)
{
	part_reset(p);
	settle_begin(p);
	sctp_counters[SCTP_RESTARTS].value++;
	LOG_NOTICE("sctp", "association restarted by the peer peer=%s port=%u", ADDR(&p->addr), p->port);
	if (p->s->ops.restarted != NULL)
		p->s->ops.restarted(p, p->s->arg);
}

/* What becomes of a peer without an association: it waits for its next attempt, or it goes. */
static void peer_rest(struct sctp_peer *p)
{
	if (p->gone || p->s->closed || p->state == SCTP_STATE_ESTABLISHED)
		return;
	if (!p->kept)
		sctp_forget(p);
	else if (!timer_armed(&p->retry) && p->state == SCTP_STATE_IDLE)
		peer_wait(p);
}

void sctp_event_down(struct sctp_peer *p, const char *reason)
{
	struct sctp *s = p->s;
	bool was_up = p->state == SCTP_STATE_ESTABLISHED;
	usec_t lasted = was_up ? loop_now(s->loop) - p->up_since : 0;

	sctp_hold(s);
	p->state = SCTP_STATE_IDLE;
	timer_stop(&p->settle);
	part_reset(p);
	if (!was_up) {
		LOG_DEBUG("sctp", "no association peer=%s reason=\"%s\" retry_ms=%u", ADDR(&p->addr), reason,
		          sctp_msec(p->backoff, UINT32_MAX));
	} else {
		if (lasted >= p->backoff)
			p->backoff = s->cfg.retry_min;
		sctp_counters[SCTP_DOWN].value++;
		LOG_NOTICE("sctp", "association down peer=%s reason=\"%s\" lasted_ms=%u retry_ms=%u", ADDR(&p->addr), reason,
		           sctp_msec(lasted, UINT32_MAX), p->kept ? sctp_msec(p->backoff, UINT32_MAX) : 0);
		if (s->ops.down != NULL)
			s->ops.down(p, reason, s->arg);
	}
	peer_rest(p);
	sctp_release(s);
}

static void deliver(struct sctp_peer *p, uint32_t ppid, const uint8_t *data, size_t len)
{
	sctp_counters[SCTP_RECEIVED].value++;
	if (p->s->ops.message != NULL)
		p->s->ops.message(p, ppid, data, len, p->s->arg);
}

static bool part_append(struct sctp_peer *p, const uint8_t *data, size_t len)
{
	uint8_t *grown;

	if (len > p->s->cfg.max_message - p->part_len)
		return false;
	grown = realloc(p->part, p->part_len + len);
	if (grown == NULL)
		return false;
	memcpy(grown + p->part_len, data, len);
	p->part = grown;
	p->part_len += len;
	return true;
}

void sctp_event_data(struct sctp_peer *p, uint32_t ppid, const uint8_t *data, size_t len, bool end)
{
	uint8_t *whole;

	if (p->state != SCTP_STATE_ESTABLISHED)
		return;
	if (end && p->part == NULL && !p->part_skip && len <= p->s->cfg.max_message) {
		deliver(p, ppid, data, len);
		return;
	}
	if (!p->part_skip && !part_append(p, data, len)) {
		sctp_counters[SCTP_TOO_LONG].value++;
		log_limited(&p->s->complaints, loop_now(p->s->loop), LOG_LEVEL_WARNING, "sctp",
		            "message dropped peer=%s reason=too-long octets=%zu limit=%u", ADDR(&p->addr), p->part_len + len,
		            p->s->cfg.max_message);
		part_reset(p);
		p->part_skip = true;
	}
	if (!end)
		return;
	whole = p->part;
	len = p->part_len;
	p->part = NULL;
	part_reset(p);
	if (whole != NULL)
		deliver(p, ppid, whole, len);
	free(whole);
}

void sctp_event_part_lost(struct sctp_peer *p)
{
	part_reset(p);
}

void sctp_event_abandoned(struct sctp_peer *p, uint32_t serial)
{
	if (serial == p->abandoned)
		return;
	p->abandoned = serial;
	sctp_counters[SCTP_ABANDONED].value++;
}
