/* The front of SCTP over a backend that only writes down what it is told, under the virtual clock. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "net/sctp_backend.h"

#define T0 (1000 * USEC_SEC)
#define RETRY_MIN (100 * USEC_MSEC)
#define RETRY_MAX (800 * USEC_MSEC)
#define PORT 5091

static struct {
	int opened, closed, connects, drops, sends, measured;
	uint32_t rto, rto_falls;
	int connect_rc, send_rc;
	usec_t connect_at[32];
	struct sctp_tx tx;
} be;

static struct {
	int admits, ups, downs, restarts, messages;
	bool admit;
	char reason[64];
	size_t len;
	uint32_t ppid;
	uint8_t data[64];
	struct sctp_peer *forget_on_down, *forget_on_message;
	struct sctp *close_on_message;
} seen;

static struct loop *loop;
static struct sctp *sctp;
static struct in6_addr a1, a2, a3;

static int fake_open(struct sctp *s)
{
	be.opened++;
	return 0;
}

static void fake_close(struct sctp *s)
{
	be.closed++;
}

static int fake_connect(struct sctp_peer *p)
{
	be.connect_at[be.connects++] = loop_now(loop);
	return be.connect_rc;
}

static void fake_drop(struct sctp_peer *p)
{
	be.drops++;
}

static int fake_send(struct sctp_peer *p, const struct sctp_tx *tx)
{
	be.sends++;
	be.tx = *tx;
	return be.send_rc;
}

static bool fake_rto(struct sctp_peer *p, uint32_t *rto, uint32_t *srtt)
{
	assert_true(sctp_peer_up(p));
	*rto = be.rto < 800 ? be.rto : 800; /* cut off */
	*srtt = be.rto / 2;
	return true;
}

static void fake_measure(struct sctp_peer *p)
{
	be.measured++;
	be.rto -= be.rto_falls;
}

static const struct sctp_backend_ops fake = { SCTP_USRSCTP, fake_open, fake_close, fake_connect, fake_drop, fake_send,
	fake_rto, fake_measure };

static bool on_admit(const struct in6_addr *addr, void *arg)
{
	seen.admits++;
	return seen.admit;
}

static void on_up(struct sctp_peer *p, void *arg)
{
	assert_true(sctp_peer_up(p));
	seen.ups++;
}

static void on_down(struct sctp_peer *p, const char *reason, void *arg)
{
	assert_false(sctp_peer_up(p));
	seen.downs++;
	snprintf(seen.reason, sizeof(seen.reason), "%s", reason);
	if (p == seen.forget_on_down)
		sctp_forget(p);
}

static void on_restarted(struct sctp_peer *p, void *arg)
{
	seen.restarts++;
}

static void on_message(struct sctp_peer *p, uint32_t ppid, const uint8_t *data, size_t len, void *arg)
{
	seen.messages++;
	seen.ppid = ppid;
	seen.len = len;
	memcpy(seen.data, data, len < sizeof(seen.data) ? len : sizeof(seen.data));
	if (p == seen.forget_on_message)
		sctp_forget(p);
	if (seen.close_on_message != NULL)
		sctp_close(seen.close_on_message);
}

static int setup(void **state)
{
	static const struct sctp_config cfg = { .port = PORT, .max_message = 1000, .max_peers = 2, .queue_limit = 4000, .rto_min = 20 * USEC_MSEC,
		.retry_min = RETRY_MIN, .retry_max = RETRY_MAX };
	static const struct sctp_ops ops = { on_admit, on_up, on_down, on_restarted, on_message };
	size_t i;

	memset(&be, 0, sizeof(be));
	memset(&seen, 0, sizeof(seen));
	for (i = 0; i < SCTP_COUNTERS; i++)
		sctp_counters[i].value = 0;
	addr_parse("2001:db8::1", &a1);
	addr_parse("2001:db8::2", &a2);
	addr_parse("2001:db8::3", &a3);
	log_level_set(LOG_LEVEL_ERROR);
	loop = loop_create_virtual(T0);
	sctp = sctp_open_on(&fake, loop, &cfg, &ops, NULL);
	return loop == NULL || sctp == NULL;
}

static int teardown(void **state)
{
	sctp_close(sctp);
	loop_destroy(loop);
	return 0;
}

static void connects_at_once_and_again_with_doubling_waits(void **state)
{
	struct sctp_peer *p = sctp_connect(sctp, &a1, PORT, 0);
	static const usec_t waits[] = { RETRY_MIN, 2 * RETRY_MIN, 4 * RETRY_MIN, RETRY_MAX, RETRY_MAX };
	usec_t when = T0;
	size_t i;

	assert_non_null(p);
	assert_int_equal(be.connects, 1);
	for (i = 0; i < sizeof(waits) / sizeof(*waits); i++) {
		sctp_event_down(p, "no answer");
		when += waits[i];
		loop_advance(loop, when - 1);
		assert_int_equal(be.connects, i + 1);
		loop_advance(loop, when);
		assert_int_equal(be.connects, i + 2);
		assert_int_equal(be.connect_at[i + 1], when);
	}
	assert_int_equal(seen.downs, 0); /* it never was up */
}

static void a_connect_that_cannot_start_is_tried_again(void **state)
{
	be.connect_rc = -ENETUNREACH;
	assert_non_null(sctp_connect(sctp, &a1, PORT, 0));
	loop_advance(loop, T0 + RETRY_MIN + 2 * RETRY_MIN);
	assert_int_equal(be.connects, 3);
}

static void a_lasting_association_starts_the_doubling_anew(void **state)
{
	struct sctp_peer *p = sctp_connect(sctp, &a1, PORT, 0);
	int i;

	for (i = 0; i < 5; i++) {
		sctp_event_down(p, "no answer");
		loop_advance(loop, loop_next_due(loop));
	}
	sctp_event_up(p);
	assert_int_equal(seen.ups, 1);
	sctp_event_down(p, "lost"); /* at once: still the long wait */
	assert_int_equal(loop_next_due(loop), loop_now(loop) + RETRY_MAX);
	loop_advance(loop, loop_next_due(loop));
	sctp_event_up(p);
	loop_advance(loop, loop_now(loop) + RETRY_MAX);
	sctp_event_down(p, "lost");
	assert_string_equal(seen.reason, "lost");
	assert_int_equal(loop_next_due(loop), loop_now(loop) + RETRY_MIN);
	assert_int_equal(sctp_counters[SCTP_DOWN].value, 2);
}

static void the_peers_own_connect_ends_the_wait(void **state)
{
	struct sctp_peer *p = sctp_connect(sctp, &a1, PORT, 0);

	sctp_event_down(p, "no answer");
	assert_ptr_equal(sctp_event_knock(sctp, &a1, PORT, 0), p);
	assert_int_equal(seen.admits, 0); /* announced: no question */
	sctp_event_up(p);
	assert_true(sctp_peer_up(p));
	loop_advance(loop, T0 + 10 * USEC_SEC);
	assert_int_equal(be.connects, 1);
	assert_int_equal(loop_next_due(loop), UINT64_MAX);
}

static void announcing_twice_is_one_peer(void **state)
{
	struct sctp_peer *p = sctp_connect(sctp, &a1, PORT, 0);

	assert_ptr_equal(sctp_connect(sctp, &a1, PORT, 0), p);
	assert_int_equal(be.connects, 1);
	assert_ptr_equal(sctp_find(sctp, &a1), p);
	assert_null(sctp_find(sctp, &a2));
	assert_true(addr_eq(sctp_peer_addr(p), &a1));
}

static void strangers_are_asked_about(void **state)
{
	struct sctp_peer *p;

	assert_null(sctp_event_knock(sctp, &a1, PORT, 0));
	assert_int_equal(seen.admits, 1);
	assert_int_equal(sctp_counters[SCTP_REFUSED].value, 1);
	seen.admit = true;
	p = sctp_event_knock(sctp, &a1, PORT, 0);
	assert_non_null(p);
	sctp_event_up(p);
	sctp_event_down(p, "lost");
	assert_int_equal(seen.downs, 1);
	assert_null(sctp_find(sctp, &a1)); /* came by itself, goes by itself */
	assert_int_equal(be.connects, 0);
	assert_int_equal(be.drops, 1);
}

static void an_admitted_stranger_that_is_announced_later_stays(void **state)
{
	struct sctp_peer *p;

	seen.admit = true;
	p = sctp_event_knock(sctp, &a1, PORT, 0);
	sctp_event_up(p);
	assert_ptr_equal(sctp_connect(sctp, &a1, PORT, 0), p);
	assert_int_equal(be.connects, 0);
	sctp_event_down(p, "lost");
	assert_ptr_equal(sctp_find(sctp, &a1), p);
	loop_advance(loop, T0 + RETRY_MIN);
	assert_int_equal(be.connects, 1);
}

static void a_stranger_that_only_knocks_is_forgotten(void **state)
{
	seen.admit = true;
	assert_non_null(sctp_event_knock(sctp, &a1, PORT, 0));
	loop_advance(loop, T0 + 4 * USEC_SEC);
	assert_non_null(sctp_find(sctp, &a1));
	loop_advance(loop, T0 + 6 * USEC_SEC);
	assert_null(sctp_find(sctp, &a1));
	assert_int_equal(seen.downs, 0);
}

static void the_table_is_bounded(void **state)
{
	seen.admit = true;
	assert_non_null(sctp_connect(sctp, &a1, PORT, 0));
	assert_non_null(sctp_event_knock(sctp, &a2, PORT, 0));
	assert_null(sctp_event_knock(sctp, &a3, PORT, 0));
	assert_int_equal(sctp_counters[SCTP_REFUSED].value, 1);
	assert_null(sctp_connect(sctp, &a3, PORT, 0));
	sctp_forget(sctp_find(sctp, &a1));
	assert_non_null(sctp_connect(sctp, &a3, PORT, 0));
}

static void a_full_queue_is_told_and_counted(void **state)
{
	struct sctp_peer *p = sctp_connect(sctp, &a1, PORT, 0);
	static const uint8_t data[1001];

	assert_int_equal(sctp_send(p, 1, data, 10, 0), -ENOTCONN);
	sctp_event_up(p);
	assert_int_equal(sctp_send(p, 0x43585450, data, 10, 200 * USEC_MSEC), 0);
	assert_int_equal(be.tx.ppid, 0x43585450);
	assert_int_equal(be.tx.len, 10);
	assert_int_equal(be.tx.lifetime, 200 * USEC_MSEC);
	be.send_rc = -EAGAIN;
	assert_int_equal(sctp_send(p, 1, data, 10, 0), -ENOBUFS);
	assert_int_equal(sctp_counters[SCTP_QUEUE_FULL].value, 1);
	assert_int_equal(sctp_counters[SCTP_SENT].value, 1);
	be.sends = 0;
	assert_int_equal(sctp_send(p, 1, data, 1001, 0), -EMSGSIZE);
	assert_int_equal(sctp_send(p, 1, data, 0, 0), -EMSGSIZE);
	assert_int_equal(be.sends, 0);
}

static void an_abandoned_message_counts_once_however_many_fragments(void **state)
{
	struct sctp_peer *p = sctp_connect(sctp, &a1, PORT, 0);

	sctp_event_up(p);
	sctp_send(p, 1, "x", 1, 1);
	sctp_event_abandoned(p, be.tx.serial);
	sctp_event_abandoned(p, be.tx.serial);
	assert_int_equal(sctp_counters[SCTP_ABANDONED].value, 1);
	sctp_send(p, 1, "x", 1, 1);
	sctp_event_abandoned(p, be.tx.serial);
	assert_int_equal(sctp_counters[SCTP_ABANDONED].value, 2);
}

static void a_restart_and_a_newer_association_are_told(void **state)
{
	struct sctp_peer *p = sctp_connect(sctp, &a1, PORT, 0);

	sctp_event_up(p);
	sctp_event_restart(p);
	sctp_event_up(p); /* a second one has replaced the first */
	assert_int_equal(seen.ups, 1);
	assert_int_equal(seen.restarts, 2);
	assert_int_equal(seen.downs, 0);
	assert_int_equal(sctp_counters[SCTP_RESTARTS].value, 2);
	assert_true(sctp_peer_up(p));
}

static void the_round_trip_is_measured_until_rto_is_down(void **state)
{
	struct sctp_peer *p = sctp_connect(sctp, &a1, PORT, 0);

	be.rto = 500;
	be.rto_falls = 100;
	sctp_event_up(p);
	loop_advance(loop, T0 + 10 * USEC_SEC);
	assert_int_equal(be.measured, 5); /* 500 … 100; the least is 20 */
	be.rto = 5000;
	be.rto_falls = 1; /* a path that is really that slow: there is an end */
	sctp_event_restart(p);
	loop_advance(loop, T0 + 20 * USEC_SEC);
	assert_int_equal(be.measured, 5 + 64);
}

static void heartbeats_without_an_answer_stay_few(void **state)
{
	struct sctp_peer *p = sctp_connect(sctp, &a1, PORT, 0);

	be.rto = 500;
	sctp_event_up(p);
	loop_advance(loop, T0 + 10 * USEC_SEC);
	assert_int_equal(be.measured, 3);
	sctp_event_restart(p);
	sctp_event_down(p, "lost");
	be.rto = 0;
	timer_stop(&p->retry);
	loop_advance(loop, T0 + 20 * USEC_SEC);
	assert_int_equal(be.measured, 3);
}

static void pieces_make_one_message(void **state)
{
	struct sctp_peer *p = sctp_connect(sctp, &a1, PORT, 0);

	sctp_event_up(p);
	sctp_event_data(p, 7, (const uint8_t *)"abc", 3, false);
	sctp_event_data(p, 7, (const uint8_t *)"de", 2, false);
	assert_int_equal(seen.messages, 0);
	sctp_event_data(p, 7, (const uint8_t *)"f", 1, true);
	assert_int_equal(seen.messages, 1);
	assert_int_equal(seen.len, 6);
	assert_int_equal(seen.ppid, 7);
	assert_memory_equal(seen.data, "abcdef", 6);
	sctp_event_data(p, 8, (const uint8_t *)"gh", 2, true);
	assert_int_equal(seen.len, 2);
	/* One that is broken off, or whose association restarts, leaves nothing behind. */
	sctp_event_data(p, 7, (const uint8_t *)"abc", 3, false);
	sctp_event_part_lost(p);
	sctp_event_data(p, 7, (const uint8_t *)"xy", 2, true);
	assert_int_equal(seen.len, 2);
	sctp_event_data(p, 7, (const uint8_t *)"abc", 3, false);
	sctp_event_restart(p);
	sctp_event_data(p, 7, (const uint8_t *)"z", 1, true);
	assert_int_equal(seen.len, 1);
	assert_int_equal(seen.messages, 4);
}

static void too_long_a_message_is_dropped_to_its_end(void **state)
{
	struct sctp_peer *p = sctp_connect(sctp, &a1, PORT, 0);
	static const uint8_t data[1001];

	sctp_event_up(p);
	sctp_event_data(p, 7, data, 1000, true);
	assert_int_equal(seen.messages, 1);
	sctp_event_data(p, 7, data, 1001, true);
	sctp_event_data(p, 7, data, 600, false);
	sctp_event_data(p, 7, data, 600, false);
	sctp_event_data(p, 7, data, 600, false);
	sctp_event_data(p, 7, data, 1, true);
	assert_int_equal(seen.messages, 1);
	assert_int_equal(sctp_counters[SCTP_TOO_LONG].value, 2);
	sctp_event_data(p, 7, data, 5, true);
	assert_int_equal(seen.messages, 2);
	assert_int_equal(seen.len, 5);
}

static void a_callback_may_forget_the_peer(void **state)
{
	struct sctp_peer *p = sctp_connect(sctp, &a1, PORT, 0);

	sctp_event_up(p);
	seen.forget_on_message = p;
	sctp_hold(sctp); /* as a backend does */
	sctp_event_data(p, 7, (const uint8_t *)"abc", 3, true);
	assert_true(p->gone);
	assert_null(sctp_find(sctp, &a1));
	sctp_event_data(p, 7, (const uint8_t *)"abc", 3, true);
	assert_int_equal(seen.messages, 1);
	sctp_release(sctp);
	p = sctp_connect(sctp, &a2, PORT, 0);
	sctp_event_up(p);
	seen.forget_on_down = p;
	sctp_event_down(p, "lost");
	assert_null(sctp_find(sctp, &a2));
	assert_int_equal(loop_next_due(loop), UINT64_MAX);
	assert_int_equal(be.drops, 2);
}

static void a_callback_may_close_the_endpoint(void **state)
{
	struct sctp_peer *p = sctp_connect(sctp, &a1, PORT, 0);

	sctp_connect(sctp, &a2, PORT, 0);
	sctp_event_up(p);
	seen.close_on_message = sctp;
	sctp_hold(sctp);
	sctp_event_data(p, 7, (const uint8_t *)"abc", 3, true);
	assert_true(sctp_closed(sctp));
	assert_int_equal(be.drops, 2);
	assert_int_equal(be.closed, 1);
	assert_int_equal(seen.downs, 0);
	sctp_release(sctp);
	sctp = NULL;
	assert_int_equal(loop_next_due(loop), UINT64_MAX);
}

static void forgetting_calls_nothing_back(void **state)
{
	struct sctp_peer *p = sctp_connect(sctp, &a1, PORT, 0);

	sctp_event_up(p);
	sctp_forget(p);
	assert_int_equal(seen.downs, 0);
	assert_int_equal(be.drops, 1);
	loop_advance(loop, T0 + 10 * USEC_SEC);
	assert_int_equal(be.connects, 1);
}

static void durations_in_milliseconds_are_rounded_up(void **state)
{
	assert_int_equal(sctp_msec(0, 1000), 0);
	assert_int_equal(sctp_msec(1, 1000), 1);
	assert_int_equal(sctp_msec(200000, 1000), 200);
	assert_int_equal(sctp_msec(200001, 1000), 201);
	assert_int_equal(sctp_msec(UINT64_MAX / 2, 1000), 1000);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(connects_at_once_and_again_with_doubling_waits),
		T(a_connect_that_cannot_start_is_tried_again),
		T(a_lasting_association_starts_the_doubling_anew),
		T(the_peers_own_connect_ends_the_wait),
		T(announcing_twice_is_one_peer),
		T(strangers_are_asked_about),
		T(an_admitted_stranger_that_is_announced_later_stays),
		T(a_stranger_that_only_knocks_is_forgotten),
		T(the_table_is_bounded),
		T(a_full_queue_is_told_and_counted),
		T(an_abandoned_message_counts_once_however_many_fragments),
		T(a_restart_and_a_newer_association_are_told),
		T(the_round_trip_is_measured_until_rto_is_down),
		T(heartbeats_without_an_answer_stay_few),
		T(pieces_make_one_message),
		T(too_long_a_message_is_dropped_to_its_end),
		T(a_callback_may_forget_the_peer),
		T(a_callback_may_close_the_endpoint),
		T(forgetting_calls_nothing_back),
		T(durations_in_milliseconds_are_rounded_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
