/* The single values of a configuration: text to value and back, and the words that say what to write. Private to config. */
#ifndef HANDOVERD_CORE_CONFIG_VALUE_H
#define HANDOVERD_CORE_CONFIG_VALUE_H

#include "core/config.h"

#define CONFIG_WORDS 512 /* room for a hint or a complaint */

/*
 * Parses one value of a scalar type into dst (the item's place in its struct; what it owned before is not freed). `dir` is
 * the folder that "file:" keys are relative to. Returns 0, or -1 with a complaint that goes on after the setting's name:
 * `is "5x", which is no duration`. A complaint never holds a key.
 */
int config_value_parse(const struct config_item *item, const char *text, const char *dir, void *dst, char *why);
/* What may be written for the item: `a duration in double quotes, such as "200ms", from 1ms to 10s`. Returns out. */
const char *config_value_expected(const struct config_item *item, char out[CONFIG_WORDS]);
/* The value in the file's notation; keys as "set". NULL: there is none. The text is in out or the value's own. */
const char *config_value_text(const struct config_item *item, const void *value, char out[CONFIG_WORDS]);
/* Frees and wipes what the value owns. Scalars and lists of scalars. */
void config_value_free(const struct config_item *item, void *value);

/* Among n names the one that was probably meant by `wrong`; NULL: none is near. */
struct config_guess {
	const char *wrong;
	const char *best;
	size_t distance;
};
void config_guess_try(struct config_guess *g, const char *candidate);

#endif
