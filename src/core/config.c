#include "core/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/config_read.h"
#include "core/config_value.h"
#include "core/log.h"
#include "core/module.h"
#include "core/output.h"
#include "core/settings.h"

#define FILE_MAX (16U << 20) /* octets of a configuration file */
#define ERRORS_MAX 1000      /* messages kept */

struct complaint {
	char *text;
	size_t file_len; /* the first so many characters are the file's name */
	int line;
};

struct config_errors {
	struct complaint *at;
	size_t n, room;
};

struct config {
	struct config_source *source; /* keeps the file names */
	struct settings settings;
	struct {
		const struct config_table *table;
		void *filled;
	} groups[MODULES_MAX];
	size_t groups_n;
};

struct config_errors *config_errors_create(void)
{
	return calloc(1, sizeof(struct config_errors));
}

void config_errors_destroy(struct config_errors *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->n; i++)
		free(e->at[i].text);
	free(e->at);
	free(e);
}

static bool errors_room(struct config_errors *e)
{
	if (e->n < e->room)
		return true;
	size_t room = e->room ? e->room * 2 : 16;
	struct complaint *grown = room <= 2 * ERRORS_MAX ? realloc(e->at, room * sizeof *grown) : NULL;
	if (!grown)
		return false;
	e->at = grown;
	e->room = room;
	return true;
}

static bool same_file(const struct complaint *a, const struct complaint *b)
{
	return a->file_len == b->file_len && !strncmp(a->text, b->text, a->file_len);
}

void config_error(struct config_errors *e, const struct config_where *at, const char *fmt, ...)
{
	const char *file = at && at->file ? at->file : "configuration";
	struct complaint c = {.file_len = strlen(file), .line = at && at->line > 0 ? at->line : 1};
	char message[1200], text[2048];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(message, sizeof message, fmt, ap);
	va_end(ap);
	snprintf(text, sizeof text, "%.800s:%d: %s", file, c.line, message);
	if (!errors_room(e) || !(c.text = strdup(text)))
		return;
	size_t i = e->n++;
	for (; i && same_file(&e->at[i - 1], &c) && e->at[i - 1].line > c.line; i--)
		e->at[i] = e->at[i - 1];
	e->at[i] = c;
}

size_t config_errors_count(const struct config_errors *e)
{
	return e->n;
}

const char *config_errors_text(const struct config_errors *e, size_t i)
{
	return e->at[i].text;
}

/* The whole file, or NULL. A pipe will do, too. */
static char *file_text(int fd, size_t *len)
{
	size_t room = 8192;
	char *text = malloc(room);
	*len = 0;
	while (text) {
		ssize_t got = read(fd, text + *len, room - 1 - *len);
		if (got == 0) {
			text[*len] = '\0';
			return text;
		}
		if (got < 0 && errno != EINTR)
			break;
		*len += got > 0 ? (size_t)got : 0;
		if (*len < room - 1)
			continue;
		/* A plain realloc could leave keys behind in what it gives back. */
		char *grown = room < FILE_MAX ? malloc(room * 2) : NULL;
		if (!grown) {
			errno = room < FILE_MAX ? ENOMEM : EFBIG;
			break;
		}
		memcpy(grown, text, *len);
		secret_wipe(text, *len);
		free(text);
		text = grown;
		room *= 2;
	}
	if (text) {
		secret_wipe(text, *len);
		free(text);
	}
	return NULL;
}

struct config *config_load(const char *path, const struct module *const *modules, struct config_errors *errors)
{
	const struct config_where where = {.file = path, .line = 1};
	struct stat st = {0};
	size_t len = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char *text = fd >= 0 && fstat(fd, &st) == 0 ? file_text(fd, &len) : NULL;
	int error = errno;
	if (fd >= 0)
		close(fd);
	if (!text) {
		config_error(errors, &where, "this file cannot be read (%s); write it, make it readable, or name another with -c",
		             strerror(error));
		return NULL;
	}
	struct config *c = NULL;
	const char *zero = memchr(text, '\0', len);
	if (zero) {
		int line = 1;
		for (const char *p = text; p < zero; p++)
			line += *p == '\n';
		config_error(errors, &(struct config_where){path, line}, "this is no text: it holds a zero octet; write plain text");
	} else {
		c = config_load_text(path, text, modules, errors);
	}
	secret_wipe(text, len);
	free(text);
	if (c && config_source_has_keys(c->source) && S_ISREG(st.st_mode) && st.st_mode & S_IROTH)
		LOG_WARNING("config", "everyone on this machine can read a file with keys; take away the permission file=%s mode=%04o",
		            path, (unsigned)st.st_mode & 07777U);
	return c;
}

static bool runs(const struct module *m, const struct settings *s)
{
	return s->role >= 0 && m->roles & MODULE_ROLE(s->role);
}

static int read_modules(struct config *c, const struct module *const *modules)
{
	for (; *modules; modules++) {
		const struct config_table *table = (*modules)->config;
		if (!table)
			continue;
		void *filled = c->groups_n < MODULES_MAX ? calloc(1, table->size) : NULL;
		if (!filled)
			return -1;
		c->groups[c->groups_n].table = table;
		c->groups[c->groups_n++].filled = filled;
		config_source_group(c->source, table, runs(*modules, &c->settings), filled);
	}
	return 0;
}

/* A role needs modules of its own: those that serve every role make no router and no mobile. A program that has none of
 * either (a test of the common ones) is left to play the roles it is written for. */
static void check_role(const struct config *c, const struct module *const *modules, struct config_errors *errors)
{
	static const char *const names[] = {"access-router", "mobile-node", "home-agent"};
	const unsigned all = MODULE_ROLE(ROLE_ACCESS_ROUTER) | MODULE_ROLE(ROLE_MOBILE_NODE) | MODULE_ROLE(ROLE_HOME_AGENT);
	unsigned served = 0;
	for (; *modules; modules++)
		if (((*modules)->roles & all) != all)
			served |= (*modules)->roles & all;
	if (!served)
		served = MODULE_ROLE(ROLE_ACCESS_ROUTER) | MODULE_ROLE(ROLE_MOBILE_NODE);
	if (served & MODULE_ROLE(c->settings.role))
		return;
	char words[64] = "";
	for (size_t i = 0, at = 0; i < 3; i++)
		if (served & MODULE_ROLE(i))
			at += (size_t)snprintf(words + at, sizeof words - at, "%s\"%s\"", at ? " or " : "", names[i]);
	config_error(errors, &c->settings.where, "role is \"%s\", which this handoverd has no module for; write %s",
	             names[c->settings.role], words);
}

static void check_modules(const struct config *c, const struct module *const *modules, struct config_errors *errors)
{
	for (; *modules; modules++) {
		const struct config_where *group = (*modules)->config ? config_group(c, (*modules)->config->name) : NULL;
		if ((*modules)->check && (runs(*modules, &c->settings) || (group && group->line)))
			(*modules)->check(&c->settings, group, errors);
	}
}

struct config *config_load_text(const char *path, const char *text, const struct module *const *modules,
                                struct config_errors *errors)
{
	size_t before = config_errors_count(errors);
	struct config *c = calloc(1, sizeof *c);
	if (c)
		c->source = config_source_open(path, text, errors);
	if (!c || !c->source) {
		if (config_errors_count(errors) == before)
			config_error(errors, &(struct config_where){path, 1}, "no memory; write a smaller file");
		free(c);
		return NULL;
	}
	c->settings.role = -1; /* until one is read */
	config_source_top(c->source, &settings_table, &c->settings);
	if (read_modules(c, modules) < 0)
		config_error(errors, &c->settings.where, "no memory; write a smaller file");
	config_source_unknown(c->source, &settings_table, modules);
	config_source_drop_tree(c->source);
	bool each_right = config_errors_count(errors) == before;
	settings_check(&c->settings, each_right, errors);
	if (each_right) {
		settings_fill(&c->settings);
		check_role(c, modules, errors);
		check_modules(c, modules, errors);
	}
	if (config_errors_count(errors) == before)
		return c;
	config_free(c);
	return NULL;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	config_table_free(&settings_table, &c->settings);
	for (size_t i = 0; i < c->groups_n; i++) {
		config_table_free(c->groups[i].table, c->groups[i].filled);
		free(c->groups[i].filled);
	}
	config_source_close(c->source);
	free(c);
}

const void *config_group(const struct config *c, const char *table)
{
	for (size_t i = 0; i < c->groups_n; i++)
		if (!strcmp(c->groups[i].table->name, table))
			return c->groups[i].filled;
	return NULL;
}

const struct settings *config_settings(const struct config *c)
{
	return &c->settings;
}

/* `name` is the path so far; what is added here is taken off again. Names are the tables' and fit. */
struct show {
	struct output *o;
	char name[256];
	size_t len;
};

static size_t show_enter(struct show *s, const char *text)
{
	size_t before = s->len;
	snprintf(s->name + before, sizeof s->name - before, "%s", text);
	s->len += strlen(s->name + before);
	return before;
}

static void show_leave(struct show *s, size_t before)
{
	s->len = before;
	s->name[before] = '\0';
}

static void show_table(const struct config_table *table, const void *filled, struct show *s);

static void show_item(const struct config_item *item, const void *value, struct show *s)
{
	char words[CONFIG_WORDS], index[32];
	const struct config_list *list = value;
	if (item->type == CONFIG_GROUP) {
		show_table(item->sub, value, s);
		return;
	}
	if (item->type == CONFIG_LIST && list->n) {
		for (size_t i = 0; i < list->n; i++) {
			snprintf(index, sizeof index, "[%zu]", i);
			size_t before = show_enter(s, index);
			show_table(item->sub, (const char *)list->items + i * item->sub->size, s);
			show_leave(s, before);
		}
		return;
	}
	out_item_begin(s->o, NULL);
	out_str(s->o, "setting", s->name);
	out_str(s->o, "value", config_value_text(item, value, words));
	out_str(s->o, "default", item->preset);
	out_item_end(s->o);
}

static void show_table(const struct config_table *table, const void *filled, struct show *s)
{
	for (const struct config_item *item = table->items; item->name; item++) {
		size_t before = show_enter(s, s->len ? "." : "");
		show_enter(s, item->name);
		show_item(item, (const char *)filled + item->offset, s);
		show_leave(s, before);
	}
}

void config_show(const struct config *c, const struct module *const *modules, struct output *o)
{
	struct show s = {.o = o};
	out_list_begin(o, NULL);
	show_table(&settings_table, &c->settings, &s);
	for (; *modules; modules++) {
		if (!(*modules)->config)
			continue;
		show_enter(&s, (*modules)->config->name);
		show_table((*modules)->config, config_group(c, (*modules)->config->name), &s);
		show_leave(&s, 0);
	}
	out_list_end(o);
}
