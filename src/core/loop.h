/*
 * The event loop: descriptors, timers, signals. loop.c is the only file that includes libevent.
 *
 * There are two kinds of loop behind one interface. loop_create() runs on the monotonic clock and waits for descriptors.
 * loop_create_virtual() has a clock that moves only when told to, no descriptors and no signals: state machines, which
 * need nothing of a loop but the time and timers, replay and simulate on it at whatever speed the processor has.
 */
#ifndef HANDOVERD_CORE_LOOP_H
#define HANDOVERD_CORE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t usec_t; /* microseconds; a duration, or a time on the loop's monotonic clock */
#define USEC_MSEC ((usec_t)1000)
#define USEC_SEC ((usec_t)1000000)

struct loop;
struct loop_fd;

/* Create and destroy. Destroying stops every timer and watch that is left; their owners keep the memory. */
struct loop *loop_create(void);
struct loop *loop_create_virtual(usec_t start);
void loop_destroy(struct loop *l);

/* The time. Within one callback it does not move, except after loop_now_fresh. */
usec_t loop_now(const struct loop *l);
usec_t loop_now_fresh(struct loop *l); /* reads the clock again (virtual: same as loop_now) */

/* Runs until loop_stop. Returns 0 or a negative errno. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* One round: runs what is due; waits for a descriptor or timer at most `wait`. For tests and the control client. */
int loop_once(struct loop *l, usec_t wait);
/* Virtual only: moves the clock to `until`, running each timer on the way at its own time, in order. */
void loop_advance(struct loop *l, usec_t until);
/* When the next timer is due; UINT64_MAX if none is armed. */
usec_t loop_next_due(const struct loop *l);

/*
 * Timers are embedded in what they belong to; no allocation when arming. timer_init once, then arm and stop at will, also
 * from within the callback. Timers with equal time fire in the order they were armed. The number of armed timers is
 * bounded only by memory; arm and stop cost O(log n).
 */
struct timer;
typedef void timer_fn(struct timer *t, void *arg);
struct timer {
	struct loop *loop;
	timer_fn *fn;
	void *arg;
	usec_t when; /* meaningful while armed */
	size_t pos;  /* place in the loop's heap + 1; 0 while stopped */
};
void timer_init(struct timer *t, struct loop *l, timer_fn *fn, void *arg);
void timer_at(struct timer *t, usec_t when);  /* arms, or moves if armed; a time in the past fires in the next round */
void timer_after(struct timer *t, usec_t delay);
void timer_stop(struct timer *t); /* harmless if not armed */
bool timer_armed(const struct timer *t);

/* Descriptors: fn runs when fd is readable (LOOP_READ) or writable (LOOP_WRITE), level-triggered. fd stays the caller's. */
enum { LOOP_READ = 1, LOOP_WRITE = 2 };
typedef void loop_fd_fn(int fd, unsigned events, void *arg);
struct loop_fd *loop_fd_add(struct loop *l, int fd, unsigned events, loop_fd_fn *fn, void *arg); /* NULL: no memory */
int loop_fd_events(struct loop_fd *w, unsigned events); /* changes what is waited for; 0 pauses */
void loop_fd_del(struct loop_fd *w);                    /* frees the watch; allowed from its own callback; NULL allowed */

/*
 * What need not be done at once: fn runs, once however often it was asked for, when the callbacks that are due have run, and before
 * the loop waits again. For what others look at, where packets wait for what comes next. In a virtual loop it runs at once.
 */
struct loop_later;
typedef void loop_later_fn(void *arg);
struct loop_later *loop_later_add(struct loop *l, loop_later_fn *fn, void *arg); /* NULL: no memory */
void loop_later_ask(struct loop_later *w);
void loop_later_del(struct loop_later *w); /* before the loop's end; NULL allowed */

/* Signals: fn runs in the loop, not in signal context. One watch per signal number. */
typedef void loop_signal_fn(int signum, void *arg);
int loop_signal(struct loop *l, int signum, loop_signal_fn *fn, void *arg);

/* Wall-clock time that belongs to a loop time, in microseconds since 1970, for timelines (virtual: the virtual time). */
uint64_t loop_realtime(const struct loop *l, usec_t at);

#endif
