/* Any text as a configuration: read against the top-level table and a module's, shown, freed. Includes and key files are
 * left out: the input shall not choose what is read from this machine. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/config.h"
#include "core/log.h"
#include "core/module.h"
#include "core/output.h"
#include "core/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libconfig loses the text of a string that the file ends in. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig";
}

struct probe {
	struct config_where where;
	usec_t pause;
	struct config_list words;
	struct secret *key;
};
static const struct config_item items[] = {
	{.name = "pause", .type = CONFIG_DURATION, .offset = offsetof(struct probe, pause), .preset = "1s"},
	{.name = "words", .type = CONFIG_STRINGS, .offset = offsetof(struct probe, words)},
	{.name = "key", .type = CONFIG_KEY, .offset = offsetof(struct probe, key)},
	{0},
};
static const struct config_table table = {"probe", sizeof(struct probe), items};
static const struct module probe = {.name = "probe", .roles = MODULE_ALL_ROLES, .config = &table};
static const struct module *const modules[] = {&probe, NULL};

static void begin(struct output *o, const char *key) {}
static void end(struct output *o) {}
static void value(struct output *o, const char *key, enum output_kind kind, const char *text)
{
	if (text && strlen(text) > 100000)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct output_writer writer = {begin, end, begin, end, value};
	struct output o = {&writer};
	char *text = malloc(size + 1);
	struct config_errors *errors = config_errors_create();
	if (!text || !errors)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	log_level_set(LOG_LEVEL_ERROR);
	if (!strstr(text, "@include") && !strstr(text, "file:")) {
		struct config *c = config_load_text("fuzz.conf", text, modules, errors);
		if (!c == !config_errors_count(errors))
			abort(); /* a configuration, or at least one message */
		if (c)
			config_show(c, modules, &o);
		for (size_t i = 0; i < config_errors_count(errors); i++)
			if (strncmp(config_errors_text(errors, i), "fuzz.conf:", 10) != 0)
				abort();
		config_free(c);
	}
	config_errors_destroy(errors);
	free(text);
	return 0;
}
