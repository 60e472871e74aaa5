/*
 * Every sentence of RFC 5568 §4 to §7 and §9 that demands, recommends or promises something, and the scenario that shows it kept.
 *
 *   test_rfc5568            plays them all, undisturbed and disturbed (rfc5568.h)
 *   test_rfc5568 WORD       plays those whose name has WORD in it
 *   test_rfc5568 --table    prints the sentences and what shows them
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rfc5568.h"

#define FLOOD 40 /* so many messages and more are one: it is disturbed here and there */
#define WEATHERS 6

static const struct sentence *const parts[] = { rfc5568_solicit, rfc5568_previous, rfc5568_new, rfc5568_serve,
	                                        rfc5568_mobile,  rfc5568_movement, rfc5568_formats };

static const struct disturbance disturbances[] = {
	{ "lost", { .lost = true }, 0, false },
	{ "doubled", { .twice = true }, 0, false },
	{ "delayed", { .late = 30 * USEC_MSEC }, 0, false },
	{ "much delayed", { .late = 900 * USEC_MSEC }, 0, false },
	{ "sent as the previous router restarts", { 0 }, PAR, false },
	{ "sent as the new router restarts", { 0 }, NAR, false },
};
static const struct disturbance bad_weather = { .name = "(weather)", .weather = true };
#define DISTURBANCES (sizeof disturbances / sizeof disturbances[0])

static bool play(const struct sentence *s, unsigned message, const struct disturbance *d, unsigned *sent_in_all)
{
	stage_open(message, d);
	s->scenario();
	*sent_in_all = stage_sent();
	return stage_close(s->name);
}

static void play_all(void **state)
{
	const struct sentence *s = *state;
	unsigned messages, ignored;
	assert_true(play(s, 0, disturbances, &messages));
	for (unsigned i = 1; i <= messages; i += messages < FLOOD ? 1 : messages / 16)
		for (size_t d = 0; d < DISTURBANCES; d++)
			assert_true(play(s, i, &disturbances[d], &ignored));
	for (unsigned i = 1; i <= WEATHERS; i++)
		assert_true(play(s, i * 7919, &bad_weather, &ignored));
}

int main(int argc, char **argv)
{
	static const struct sentences all = { "RFC 5568", parts, sizeof parts / sizeof parts[0], 80, play_all };
	return sentences_main(&all, argc, argv);
}
