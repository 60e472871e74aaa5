/*
 * A table of the sentences of an RFC that demand, recommend or promise something, and the scenario that shows each one kept.
 * A program of such a table plays all its scenarios; given a word, those that have the word in their name; given --table, it
 * prints the sentences and what shows them.
 */
#ifndef HANDOVERD_TESTS_SENTENCES_H
#define HANDOVERD_TESTS_SENTENCES_H

#include <stdbool.h>
#include <stddef.h>

/* A sentence, and what shows that it is kept: a scenario, a test elsewhere, or nothing, with the reason. */
struct sentence {
	const char *section, *level; /* "MUST", "SHOULD"…; "": no keyword, but it says what happens */
	const char *gist;
	const char *name; /* of the scenario, the test "FILE::NAME", or the reason */
	void (*scenario)(void);
	bool not_shown;
};
#define SHOWN(function) #function, function, false
#define SHOWN_BY(test) test, NULL, false
#define NOT_SHOWN(reason) reason, NULL, true
#define END_OF_SENTENCES { NULL, NULL, NULL, NULL, NULL, false }

/* What a scenario expects; it counts only where the scenario is played undisturbed. */
#define EXPECT(condition) sentence_expect((condition), #condition, __FILE__, __LINE__)
void sentence_expect(bool holds, const char *what, const char *file, int line);
void sentence_begin(bool undisturbed);
bool sentence_undisturbed(void);
unsigned sentence_failed(void); /* expectations since sentence_begin */

struct sentences {
	const char *name; /* of the RFC */
	const struct sentence *const *parts;
	size_t parts_n;
	size_t scenarios; /* at least so many */
	void (*play)(void **state); /* a test of cmocka; *state is the sentence */
};
int sentences_main(const struct sentences *s, int argc, char **argv);

#endif
