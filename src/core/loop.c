#include "core/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SIGNALS_MAX 8

struct loop_signal_watch {
	struct event *event;
	loop_signal_fn *fn;
	void *arg;
};

/*
 * Timers live in a heap ordered by (when, seq). libevent knows none of them: one timerfd is armed for the earliest, so a million
 * armed timers cost it nothing, and the virtual loop is the same heap without libevent. The timerfd is set only to fire earlier
 * than it will: setting it is dear (on a virtual machine it can take as long as all else that a message needs), and one that
 * fires too early is set anew then. libevent's own timers would be set in every round. Each place holds the order beside the timer, and has
 * four places below it: finding a place among a million touches a few cache lines, and no timer but those that move.
 */
struct place {
	usec_t when;
	uint64_t seq;
	struct timer *timer;
};
#define BELOW 4

struct loop {
	bool virtual;
	bool stopped;
	usec_t now;
	uint64_t seq;
	struct place *heap;
	size_t n, cap;
	struct event_base *base; /* NULL in a virtual loop */
	int timerfd;             /* -1: none */
	struct event *wake;      /* on the timerfd */
	usec_t wake_at;          /* when the timerfd fires, not later than heap[0] is due; UINT64_MAX: it does not */
	struct timer once;       /* what loop_once waits for at most */
	struct loop_fd *fds;
	struct loop_signal_watch signals[SIGNALS_MAX];
	size_t signals_n;
};

struct loop_fd {
	struct loop *loop;
	struct event *event;
	int fd;
	bool running; /* its callback is on the stack: loop_fd_del only marks */
	bool dead;
	loop_fd_fn *fn;
	void *arg;
	struct loop_fd *prev, *next;
};

static usec_t clock_usec(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (usec_t)ts.tv_sec * USEC_SEC + (usec_t)ts.tv_nsec / 1000;
}

/* -- heap ------------------------------------------------------------------------------------------------------------ */

static bool before(const struct place *a, const struct place *b)
{
	return a->when != b->when ? a->when < b->when : a->seq < b->seq;
}

static void heap_put(struct loop *l, size_t i, struct place p)
{
	l->heap[i] = p;
	p.timer->pos = i + 1;
}

static void heap_up(struct loop *l, size_t i, struct place p)
{
	for (; i > 0 && before(&p, &l->heap[(i - 1) / BELOW]); i = (i - 1) / BELOW)
		heap_put(l, i, l->heap[(i - 1) / BELOW]);
	heap_put(l, i, p);
}

static void heap_down(struct loop *l, size_t i, struct place p)
{
	for (;;) {
		size_t first = BELOW * i + 1, least = first;
		if (first >= l->n)
			break;
		for (size_t k = first + 1; k < first + BELOW && k < l->n; k++)
			if (before(&l->heap[k], &l->heap[least]))
				least = k;
		if (!before(&l->heap[least], &p))
			break;
		heap_put(l, i, l->heap[least]);
		i = least;
	}
	heap_put(l, i, p);
}

static void heap_remove(struct loop *l, struct timer *t)
{
	size_t i = t->pos - 1;
	struct place last = l->heap[--l->n];
	t->pos = 0;
	if (last.timer == t)
		return;
	if (i > 0 && before(&last, &l->heap[(i - 1) / BELOW]))
		heap_up(l, i, last);
	else
		heap_down(l, i, last);
}

/* One that is armed gets another time: it moves from where it is. */
static void heap_move(struct loop *l, size_t i, struct place p)
{
	if (before(&p, &l->heap[i]))
		heap_up(l, i, p);
	else
		heap_down(l, i, p);
}

static void heap_grow(struct loop *l)
{
	size_t cap = l->cap ? l->cap * 2 : 64;
	struct place *heap = realloc(l->heap, cap * sizeof *heap);
	if (!heap)
		abort(); /* a timer that silently never fires would be worse */
	l->heap = heap;
	l->cap = cap;
}

/* Sees to it that the timerfd fires when the earliest timer is due. */
static void wake_update(struct loop *l)
{
	usec_t due = l->n ? l->heap[0].when : UINT64_MAX;
	if (l->virtual || due >= l->wake_at)
		return;
	struct itimerspec at = { .it_value = { .tv_sec = (time_t)(due / USEC_SEC), .tv_nsec = (long)(due % USEC_SEC) * 1000 } };
	if (due == 0)
		at.it_value.tv_nsec = 1; /* 0 would stop it */
	l->wake_at = due;
	timerfd_settime(l->timerfd, TFD_TIMER_ABSTIME, &at, NULL);
}

/* -- timers ---------------------------------------------------------------------------------------------------------- */

void timer_init(struct timer *t, struct loop *l, timer_fn *fn, void *arg)
{
	*t = (struct timer){ .loop = l, .fn = fn, .arg = arg };
}

void timer_at(struct timer *t, usec_t when)
{
	struct loop *l = t->loop;
	struct place p = { when, l->seq++, t };
	t->when = when;
	if (t->pos) {
		heap_move(l, t->pos - 1, p);
	} else {
		if (l->n == l->cap)
			heap_grow(l);
		heap_up(l, l->n++, p);
	}
	wake_update(l);
}

void timer_after(struct timer *t, usec_t delay)
{
	usec_t now = t->loop->now;
	timer_at(t, delay > UINT64_MAX - now ? UINT64_MAX - 1 : now + delay);
}

void timer_stop(struct timer *t)
{
	if (!t->pos)
		return;
	heap_remove(t->loop, t); /* the timerfd may now fire for nothing */
}

bool timer_armed(const struct timer *t)
{
	return t->pos != 0;
}

/*
 * Runs what was due at l->now when the round began. A timer that its callback arms anew for now waits for the next round
 * (its seq is above the mark), so a timer that rearms itself at once cannot starve the descriptors.
 */
static void run_due(struct loop *l)
{
	uint64_t mark = l->seq;
	while (l->n && l->heap[0].when <= l->now && l->heap[0].seq < mark && !l->stopped) {
		struct timer *t = l->heap[0].timer;
		heap_remove(l, t);
		t->fn(t, t->arg);
	}
}

/* -- the real loop --------------------------------------------------------------------------------------------------- */

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	uint64_t fired;
	(void)what;
	if (read((int)fd, &fired, sizeof fired) < 0 && errno == EAGAIN)
		return; /* set anew since it fired */
	l->now = clock_usec(CLOCK_MONOTONIC);
	l->wake_at = UINT64_MAX;
	run_due(l);
	wake_update(l);
}

static void once_over(struct timer *t, void *arg)
{
	(void)t;
	(void)arg;
}

struct loop *loop_create(void)
{
	struct loop *l = calloc(1, sizeof *l);
	if (!l)
		return NULL;
	l->timerfd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	l->base = event_base_new();
	l->wake = l->base && l->timerfd >= 0 ? event_new(l->base, l->timerfd, EV_READ | EV_PERSIST, on_wake, l) : NULL;
	if (!l->wake || event_add(l->wake, NULL) < 0) {
		loop_destroy(l);
		return NULL;
	}
	l->wake_at = UINT64_MAX;
	l->now = clock_usec(CLOCK_MONOTONIC);
	timer_init(&l->once, l, once_over, NULL);
	return l;
}

struct loop *loop_create_virtual(usec_t start)
{
	struct loop *l = calloc(1, sizeof *l);
	if (l) {
		l->virtual = true;
		l->timerfd = -1;
		l->now = start;
	}
	return l;
}

void loop_destroy(struct loop *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++)
		l->heap[i].timer->pos = 0;
	while (l->fds)
		loop_fd_del(l->fds);
	for (size_t i = 0; i < l->signals_n; i++)
		event_free(l->signals[i].event);
	if (l->wake)
		event_free(l->wake);
	if (l->base)
		event_base_free(l->base);
	if (l->timerfd >= 0)
		close(l->timerfd);
	free(l->heap);
	free(l);
}

usec_t loop_now(const struct loop *l)
{
	return l->now;
}

usec_t loop_now_fresh(struct loop *l)
{
	if (!l->virtual)
		l->now = clock_usec(CLOCK_MONOTONIC);
	return l->now;
}

uint64_t loop_realtime(const struct loop *l, usec_t at)
{
	if (l->virtual)
		return at;
	/* One offset for as long as nobody sets the clock: marks of one timeline must not move against each other. */
	static uint64_t offset;
	uint64_t now = clock_usec(CLOCK_REALTIME) - clock_usec(CLOCK_MONOTONIC);
	if (now > offset + USEC_MSEC || now + USEC_MSEC < offset)
		offset = now;
	return offset + at;
}

int loop_run(struct loop *l)
{
	if (l->virtual)
		return -EINVAL;
	l->stopped = false;
	/* With nothing left to wait for it would wait for ever. */
	while (!l->stopped && (l->n || l->fds || l->signals_n))
		if (event_base_loop(l->base, EVLOOP_ONCE) < 0)
			return -EIO;
	return 0;
}

int loop_once(struct loop *l, usec_t wait)
{
	if (l->virtual) {
		usec_t due = loop_next_due(l);
		loop_advance(l, due < l->now + wait ? due : l->now + wait);
		return 0;
	}
	l->stopped = false;
	l->now = clock_usec(CLOCK_MONOTONIC);
	if (wait)
		timer_after(&l->once, wait);
	int r = event_base_loop(l->base, wait ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK);
	timer_stop(&l->once);
	l->now = clock_usec(CLOCK_MONOTONIC);
	return r < 0 ? -EIO : 0;
}

void loop_stop(struct loop *l)
{
	l->stopped = true;
	if (l->base)
		event_base_loopbreak(l->base);
}

void loop_advance(struct loop *l, usec_t until)
{
	l->stopped = false;
	while (l->n && l->heap[0].when <= until && !l->stopped) {
		if (l->heap[0].when > l->now)
			l->now = l->heap[0].when;
		run_due(l);
	}
	if (!l->stopped && until > l->now)
		l->now = until;
}

usec_t loop_next_due(const struct loop *l)
{
	return l->n ? l->heap[0].when : UINT64_MAX;
}

/* -- descriptors ----------------------------------------------------------------------------------------------------- */

static short to_libevent(unsigned events)
{
	return (short)((events & LOOP_READ ? EV_READ : 0) | (events & LOOP_WRITE ? EV_WRITE : 0) | EV_PERSIST);
}

static void fd_free(struct loop_fd *w)
{
	event_free(w->event);
	free(w);
}

static void on_fd(evutil_socket_t fd, short what, void *arg)
{
	struct loop_fd *w = arg;
	w->loop->now = clock_usec(CLOCK_MONOTONIC);
	w->running = true;
	w->fn((int)fd, (what & EV_READ ? LOOP_READ : 0U) | (what & EV_WRITE ? LOOP_WRITE : 0U), w->arg);
	w->running = false;
	if (w->dead)
		fd_free(w);
}

struct loop_fd *loop_fd_add(struct loop *l, int fd, unsigned events, loop_fd_fn *fn, void *arg)
{
	struct loop_fd *w = calloc(1, sizeof *w);
	if (!w || !l->base)
		goto fail;
	*w = (struct loop_fd){ .loop = l, .fd = fd, .fn = fn, .arg = arg, .next = l->fds };
	w->event = event_new(l->base, fd, to_libevent(events), on_fd, w);
	if (!w->event)
		goto fail;
	if (events && event_add(w->event, NULL) < 0) {
		event_free(w->event);
		goto fail;
	}
	if (l->fds)
		l->fds->prev = w;
	l->fds = w;
	return w;
fail:
	free(w);
	return NULL;
}

int loop_fd_events(struct loop_fd *w, unsigned events)
{
	if (w->dead)
		return 0;
	event_del(w->event);
	if (!events)
		return 0;
	if (event_assign(w->event, w->loop->base, w->fd, to_libevent(events), on_fd, w) < 0 || event_add(w->event, NULL) < 0)
		return -ENOMEM;
	return 0;
}

void loop_fd_del(struct loop_fd *w)
{
	if (!w || w->dead)
		return;
	event_del(w->event);
	if (w->prev)
		w->prev->next = w->next;
	else
		w->loop->fds = w->next;
	if (w->next)
		w->next->prev = w->prev;
	w->dead = true;
	if (!w->running)
		fd_free(w);
}

/* -- later ----------------------------------------------------------------------------------------------------------- */

struct loop_later {
	struct event *event; /* NULL in a virtual loop */
	loop_later_fn *fn;
	void *arg;
};

static void on_later(evutil_socket_t fd, short what, void *arg)
{
	struct loop_later *w = arg;
	(void)fd;
	(void)what;
	w->fn(w->arg);
}

struct loop_later *loop_later_add(struct loop *l, loop_later_fn *fn, void *arg)
{
	struct loop_later *w = calloc(1, sizeof *w);
	if (!w)
		return NULL;
	*w = (struct loop_later){ .event = l->base ? event_new(l->base, -1, 0, on_later, w) : NULL, .fn = fn, .arg = arg };
	if (l->base && !w->event) {
		free(w);
		return NULL;
	}
	return w;
}

/* libevent puts it at the end of the events that are due in this round. */
void loop_later_ask(struct loop_later *w)
{
	if (w->event)
		event_active(w->event, EV_TIMEOUT, 0);
	else
		w->fn(w->arg);
}

void loop_later_del(struct loop_later *w)
{
	if (!w)
		return;
	if (w->event)
		event_free(w->event);
	free(w);
}

/* -- signals --------------------------------------------------------------------------------------------------------- */

static void on_signal(evutil_socket_t signum, short what, void *arg)
{
	struct loop *l = arg;
	(void)what;
	l->now = clock_usec(CLOCK_MONOTONIC);
	for (size_t i = 0; i < l->signals_n; i++)
		if (event_get_signal(l->signals[i].event) == (int)signum)
			l->signals[i].fn((int)signum, l->signals[i].arg);
}

int loop_signal(struct loop *l, int signum, loop_signal_fn *fn, void *arg)
{
	if (!l->base)
		return -EINVAL;
	if (l->signals_n == SIGNALS_MAX)
		return -ENOSPC;
	struct event *e = evsignal_new(l->base, signum, on_signal, l);
	if (!e || event_add(e, NULL) < 0) {
		if (e)
			event_free(e);
		return -ENOMEM;
	}
	l->signals[l->signals_n++] = (struct loop_signal_watch){ .event = e, .fn = fn, .arg = arg };
	return 0;
}
