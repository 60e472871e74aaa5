/*
 * Every sentence of RFC 4067 §2 to §6 that demands, recommends or promises something, and the scenario that shows it kept.
 *
 *   test_rfc4067            plays them all, undisturbed and disturbed (rfc4067.h)
 *   test_rfc4067 WORD       plays those whose name has WORD in it
 *   test_rfc4067 --table    prints the sentences and what shows them
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rfc4067.h"

#define FLOOD 40 /* so many messages and more are one: it is disturbed here and there */

static const struct sentence *const parts[] = { rfc4067_overview,  rfc4067_activate, rfc4067_data,
	                                        rfc4067_transport, rfc4067_flows,    rfc4067_security };

static const struct disturbance disturbances[] = {
	{ "lost", SIM_LOSE, 0, false, PAR, false },
	{ "doubled", SIM_DOUBLE, 0, false, PAR, false },
	{ "delayed", SIM_DELAY, 30 * USEC_MSEC, false, PAR, false },
	{ "much delayed", SIM_DELAY, 900 * USEC_MSEC, false, PAR, false },
	{ "sent as the previous router restarts", SIM_LOSE, 0, true, PAR, false },
	{ "sent as the new router restarts", SIM_LOSE, 0, true, NAR, false },
};
static const struct disturbance bad_weather = { .name = "(weather)", .weather = true };
#define WEATHERS 20
#define DISTURBANCES (sizeof disturbances / sizeof disturbances[0])

static bool play(const struct sentence *s, bool v4, unsigned message, const struct disturbance *d, unsigned *sent_in_all)
{
	stage_open(v4, message, d);
	s->scenario();
	settle();
	*sent_in_all = stage.sent;
	return stage_close(s->name);
}

static void play_all(void **state)
{
	const struct sentence *s = *state;
	unsigned messages, ignored;
	for (int v4 = 0; v4 < 2; v4++) {
		assert_true(play(s, v4, 0, disturbances, &messages));
		for (unsigned i = 1; i <= messages; i += messages < FLOOD ? 1 : messages / 8)
			for (size_t d = 0; d < DISTURBANCES; d++)
				assert_true(play(s, v4, i, &disturbances[d], &ignored));
		for (unsigned i = 1; i <= WEATHERS; i++)
			assert_true(play(s, v4, i * 7919, &bad_weather, &ignored));
	}
}

int main(int argc, char **argv)
{
	static const struct sentences all = { "RFC 4067", parts, sizeof parts / sizeof parts[0], 80, play_all };
	return sentences_main(&all, argc, argv);
}
