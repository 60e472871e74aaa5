/* Timers on the virtual and the real clock, descriptors that delete themselves, signals. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/loop.h"

#define MANY 10000

struct probe {
	struct timer timer;
	struct loop *loop;
	usec_t fired_at;
	int count;
	usec_t again; /* rearm with this delay; 0: no */
	struct probe *kills;
};

static int order[MANY];
static int order_n;

static void on_timer(struct timer *t, void *arg)
{
	struct probe *p = arg;
	p->fired_at = loop_now(p->loop);
	p->count++;
	if (p->again)
		timer_after(t, p->again);
	if (p->kills)
		timer_stop(&p->kills->timer);
}

static void on_order(struct timer *t, void *arg)
{
	(void)t;
	order[order_n++] = *(int *)arg;
}

static void virtual_timers_fire_at_their_time_in_order(void **state)
{
	struct loop *l = loop_create_virtual(1000);
	static struct timer timers[MANY];
	static int ids[MANY];
	srandom(1);
	order_n = 0;
	for (int i = 0; i < MANY; i++) {
		ids[i] = (int)(random() % 500) * 100000 + i; /* time in the high digits, arming order in the low */
		timer_init(&timers[i], l, on_order, &ids[i]);
		timer_at(&timers[i], 1000 + (usec_t)(ids[i] / 100000));
	}
	for (int i = 0; i < MANY; i += 7)
		timer_stop(&timers[i]);
	loop_advance(l, 5000);
	assert_int_equal(order_n, MANY - (MANY + 6) / 7);
	for (int i = 1; i < order_n; i++)
		assert_true(order[i - 1] < order[i]);
	assert_int_equal(loop_now(l), 5000);
	loop_destroy(l);
}

static void a_periodic_timer_keeps_its_period(void **state)
{
	struct loop *l = loop_create_virtual(0);
	struct probe p = { .loop = l, .again = 10 };
	timer_init(&p.timer, l, on_timer, &p);
	timer_after(&p.timer, 10);
	loop_advance(l, 1000);
	assert_int_equal(p.count, 100);
	assert_int_equal(p.fired_at, 1000);
	loop_destroy(l);
	assert_false(timer_armed(&p.timer));
}

static void a_timer_may_stop_another_that_is_due(void **state)
{
	struct loop *l = loop_create_virtual(0);
	struct probe b = { .loop = l }, a = { .loop = l, .kills = &b };
	timer_init(&a.timer, l, on_timer, &a);
	timer_init(&b.timer, l, on_timer, &b);
	timer_at(&a.timer, 5);
	timer_at(&b.timer, 5);
	loop_advance(l, 10);
	assert_int_equal(a.count, 1);
	assert_int_equal(b.count, 0);
	loop_destroy(l);
}

static void real_timers_fire_not_before_their_time(void **state)
{
	struct loop *l = loop_create();
	struct probe p = { .loop = l };
	usec_t start = loop_now_fresh(l);
	timer_init(&p.timer, l, on_timer, &p);
	timer_after(&p.timer, 2000);
	while (!p.count)
		loop_once(l, USEC_SEC);
	assert_true(p.fired_at >= start + 2000);
	loop_destroy(l);
}

/* One moved to later, one stopped, one moved to sooner, one that arms itself again for now. */
static void real_timers_may_be_moved(void **state)
{
	struct loop *l = loop_create();
	struct probe later = { .loop = l }, stopped = { .loop = l }, sooner = { .loop = l }, again = { .loop = l };
	usec_t start = loop_now_fresh(l);
	timer_init(&later.timer, l, on_timer, &later);
	timer_init(&stopped.timer, l, on_timer, &stopped);
	timer_init(&sooner.timer, l, on_timer, &sooner);
	timer_init(&again.timer, l, on_timer, &again);
	timer_after(&later.timer, 1000);
	timer_after(&stopped.timer, 2000);
	timer_after(&sooner.timer, 3600 * USEC_SEC);
	timer_after(&later.timer, 20000);
	timer_stop(&stopped.timer);
	timer_after(&sooner.timer, 10000);
	timer_at(&again.timer, 0);
	while (!later.count)
		loop_once(l, USEC_SEC);
	assert_int_equal(stopped.count, 0);
	assert_int_equal(sooner.count, 1);
	assert_int_equal(again.count, 1);
	assert_true(sooner.fired_at >= start + 10000);
	assert_true(later.fired_at >= start + 20000);
	loop_destroy(l);
}

static void one_round_waits_no_longer_than_it_may(void **state)
{
	struct loop *l = loop_create();
	struct probe p = { .loop = l };
	usec_t start = loop_now_fresh(l);
	timer_init(&p.timer, l, on_timer, &p);
	timer_after(&p.timer, 3600 * USEC_SEC);
	assert_int_equal(loop_once(l, 3000), 0);
	assert_int_equal(loop_once(l, 3000), 0);
	assert_int_equal(loop_once(l, 0), 0);
	assert_true(loop_now(l) >= start + 3000);
	assert_int_equal(p.count, 0);
	loop_destroy(l);
}

struct pipe_probe {
	struct loop *loop;
	struct loop_fd *watch;
	int reads;
};

static void on_pipe(int fd, unsigned events, void *arg)
{
	struct pipe_probe *p = arg;
	char c;
	assert_int_equal(events, LOOP_READ);
	assert_int_equal(read(fd, &c, 1), 1);
	if (++p->reads == 2) {
		loop_fd_del(p->watch); /* from within its own callback */
		p->watch = NULL;
		loop_stop(p->loop);
	}
}

struct later_probe {
	struct loop_later *later;
	int ran, at_end_of_timer;
};

static void on_later(void *arg)
{
	((struct later_probe *)arg)->ran++;
}

static void asks_for_later(struct timer *t, void *arg)
{
	struct later_probe *p = arg;
	(void)t;
	loop_later_ask(p->later);
	loop_later_ask(p->later);
	p->at_end_of_timer = p->ran;
}

/* Not from within, once however often it was asked for, and in the same round. */
static void what_can_wait_is_done_before_the_loop_waits(void **state)
{
	struct loop *l = loop_create();
	struct later_probe p = { .later = loop_later_add(l, on_later, &p), .at_end_of_timer = -1 };
	struct timer t;
	timer_init(&t, l, asks_for_later, &p);
	timer_after(&t, 0);
	while (p.at_end_of_timer < 0)
		assert_int_equal(loop_once(l, USEC_SEC), 0);
	assert_int_equal(p.at_end_of_timer, 0);
	assert_int_equal(p.ran, 1);
	loop_later_ask(p.later);
	assert_int_equal(loop_once(l, 0), 0);
	assert_int_equal(p.ran, 2);
	loop_later_ask(p.later);
	loop_later_del(p.later); /* and never runs */
	assert_int_equal(loop_once(l, 0), 0);
	assert_int_equal(p.ran, 2);
	loop_destroy(l);
}

static void a_watch_may_delete_itself(void **state)
{
	struct pipe_probe p = { .loop = loop_create() };
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	p.watch = loop_fd_add(p.loop, fds[0], LOOP_READ, on_pipe, &p);
	assert_int_equal(write(fds[1], "abc", 3), 3);
	assert_int_equal(loop_run(p.loop), 0);
	assert_int_equal(p.reads, 2);
	loop_destroy(p.loop);
	close(fds[0]);
	close(fds[1]);
}

static void on_sig(int signum, void *arg)
{
	assert_int_equal(signum, SIGUSR1);
	loop_stop(arg);
}

static void signals_arrive_in_the_loop(void **state)
{
	struct loop *l = loop_create();
	assert_int_equal(loop_signal(l, SIGUSR1, on_sig, l), 0);
	raise(SIGUSR1);
	assert_int_equal(loop_run(l), 0);
	loop_destroy(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(virtual_timers_fire_at_their_time_in_order),
		cmocka_unit_test(a_periodic_timer_keeps_its_period),
		cmocka_unit_test(a_timer_may_stop_another_that_is_due),
		cmocka_unit_test(real_timers_fire_not_before_their_time),
		cmocka_unit_test(real_timers_may_be_moved),
		cmocka_unit_test(one_round_waits_no_longer_than_it_may),
		cmocka_unit_test(what_can_wait_is_done_before_the_loop_waits),
		cmocka_unit_test(a_watch_may_delete_itself),
		cmocka_unit_test(signals_arrive_in_the_loop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
