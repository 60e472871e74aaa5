#include "ctl/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bus.h"
#include "core/handover.h"
#include "core/mobile.h"
#include "core/neighbor.h"
#include "ctl/ctl.h"

#define COMPLETE_MOBILES 1000 /* addresses offered for completion */

/* -- requests ---------------------------------------------------------------------------------------------------- */

static const char *split(struct command_request *r)
{
	char *save = NULL;
	for (char *word = strtok_r(r->line, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (r->n == COMMAND_WORDS_MAX)
			return "too many words";
		r->words[r->n++] = word;
	}
	return NULL;
}

const char *command_parse(const char *line, size_t len, struct command_request *out)
{
	*out = (struct command_request){ 0 };
	if (len >= sizeof out->line)
		return "request too long";
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			return "control character in request";
	memcpy(out->line, line, len);
	const char *why = split(out);
	if (why)
		return why;
	if (out->n < 1)
		return "empty request";
	if (strcmp(out->words[0], "json") == 0)
		out->form = FORM_JSON;
	else if (strcmp(out->words[0], "text") != 0)
		return "a request begins with text or json";
	out->n--;
	memmove(out->words, out->words + 1, out->n * sizeof out->words[0]);
	return out->n ? NULL : "no command";
}

/* -- shows ------------------------------------------------------------------------------------------------------- */

/* Counters that belong to core's tables rather than to a module. */
static const struct counter_set core_counters[] = {
	{ "mobiles", mobile_counters, MOBILE_COUNTERS },
	{ "neighbors", neighbor_counters, NEIGHBOR_COUNTERS },
	{ "handovers", handover_counters, HANDOVER_COUNTERS },
};

static bool runs(const struct core *core, const struct module *m)
{
	return m == &ctl_module || module_running(core, m->name);
}

static void show_mobiles(struct core *core, struct output *o)
{
	mobiles_show(core->mobiles, o);
}

static void show_handovers(struct core *core, struct output *o)
{
	handovers_show(core->handovers, o);
}

static void show_neighbors(struct core *core, struct output *o)
{
	neighbors_show(core->neighbors, o);
}

static void show_config(struct core *core, struct output *o)
{
	if (core->config)
		config_show(core->config, core->modules, o);
}

static uint64_t counters_named(const struct counter_set *s)
{
	uint64_t n = 0;
	for (size_t i = 0; i < s->n; i++)
		n += s->counters[i].name != NULL;
	return n;
}

static void show_modules(struct core *core, struct output *o)
{
	out_list_begin(o, NULL);
	for (const struct module *const *m = core->modules; m && *m; m++) {
		out_item_begin(o, NULL);
		out_str(o, "name", (*m)->name);
		out_str(o, "state", runs(core, *m) ? "running" : "off");
		uint64_t n = counters_named(&(*m)->counters);
		for (const struct counter_set *more = (*m)->more_counters; more && more->module; more++)
			n += counters_named(more);
		out_uint(o, "counters", n);
		out_item_end(o);
	}
	out_list_end(o);
}

static void show_set(const struct counter_set *s, const char *module, struct output *o)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->counters[i].name)
			out_counter(o, module, &s->counters[i]);
}

static void show_counters(struct core *core, struct output *o)
{
	out_item_begin(o, NULL);
	for (size_t i = 0; i < sizeof core_counters / sizeof core_counters[0]; i++)
		show_set(&core_counters[i], core_counters[i].module, o);
	for (const struct module *const *m = core->modules; m && *m; m++) {
		if (!runs(core, *m))
			continue;
		show_set(&(*m)->counters, (*m)->counters.module ? (*m)->counters.module : (*m)->name, o);
		for (const struct counter_set *more = (*m)->more_counters; more && more->module; more++)
			show_set(more, more->module, o);
	}
	out_item_end(o);
}

const struct module_show ctl_shows[] = {
	{ "mobiles", "mobiles known here, their addresses and links", show_mobiles },
	{ "handovers", "handovers under way and past, newest last, with their timelines", show_handovers },
	{ "neighbors", "access routers, their protection and association, and their access points", show_neighbors },
	{ "modules", "what this daemon is made of and whether it runs", show_modules },
	{ "config", "every setting in force", show_config },
	{ "counters", "every counter", show_counters },
	{ NULL, NULL, NULL },
};

/* Calls fn for each show there is: ctl's own, then those of the modules that run. Stops at, and returns, the first true. */
static const struct module_show *shows_each(struct core *core, bool (*fn)(const struct module_show *s, void *arg), void *arg)
{
	for (const struct module_show *s = ctl_shows; s->name; s++)
		if (fn(s, arg))
			return s;
	for (const struct module *const *m = core->modules; m && *m; m++) {
		if (*m == &ctl_module || !(*m)->shows || !runs(core, *m))
			continue;
		for (const struct module_show *s = (*m)->shows; s->name; s++)
			if (fn(s, arg))
				return s;
	}
	return NULL;
}

static bool show_is(const struct module_show *s, void *arg)
{
	return strcmp(s->name, arg) == 0;
}

static bool show_list(const struct module_show *s, void *arg)
{
	struct textbuf *b = arg;
	textbuf_fmt(b, "%s%s", b->len ? ", " : "", s->name);
	return false;
}

/* Runs one walk through one writer. */
static enum command_status write_through(struct core *core, enum form form, void (*show)(struct core *, struct output *),
                                         struct textbuf *out)
{
	struct output *o = writer_create(form, out);
	if (o)
		show(core, o);
	if (o && writer_finish(o) == 0)
		return COMMAND_OK;
	textbuf_free(out);
	textbuf_str(out, "out of memory");
	return COMMAND_REFUSED;
}

static enum command_status run_show(struct core *core, const struct command_request *r, struct textbuf *out)
{
	const struct module_show *s = NULL;
	if (r->n == 2)
		s = shows_each(core, show_is, (void *)(uintptr_t)r->words[1]);
	if (s)
		return write_through(core, r->form, s->show, out);
	struct textbuf list = { 0 };
	shows_each(core, show_list, &list);
	if (r->n > 1) {
		textbuf_str(out, "there is no \"show ");
		textbuf_printable(out, r->words[1]);
		textbuf_str(out, r->n > 2 ? " …\"; " : "\"; ");
	}
	textbuf_fmt(out, "show one of: %s", list.data ? list.data : "");
	textbuf_free(&list);
	return COMMAND_USAGE;
}

static enum command_status run_metrics(struct core *core, const struct command_request *r, struct textbuf *out)
{
	return write_through(core, FORM_METRICS, show_counters, out);
}

/* -- doing ------------------------------------------------------------------------------------------------------- */

/*
 * AP-ID or router. Eight octets with colons can be either; an AP-ID that we know wins, then an address, then an AP-ID that
 * nobody knows, which whoever takes the request may know better; last a neighbour's name.
 */
static bool parse_target(const struct core *core, const char *text, struct bus_note *note)
{
	struct lladdr id = { 0 };
	if (strcmp(text, "any") == 0) /* nobody knows: neither AP nor router */
		return true;
	bool is_id = lladdr_parse(text, &id) == 0;
	struct neighbor *n;
	if (is_id && core->neighbors && ap_find(core->neighbors, &id)) {
		note->u.request.ap = id;
	} else if (addr_parse(text, &note->u.request.router) == 0) {
		return true;
	} else if (is_id) {
		note->u.request.ap = id;
	} else if (core->neighbors && (n = neighbor_find_name(core->neighbors, text))) {
		note->u.request.router = n->address;
	} else {
		return false;
	}
	return true;
}

static void requested(struct output *o, const struct command_request *r)
{
	out_item_begin(o, NULL);
	out_str(o, "requested", "handover");
	out_str(o, "mobile", r->words[1]);
	out_str(o, "to", r->words[3]);
	out_item_end(o);
}

static enum command_status run_handover(struct core *core, const struct command_request *r, struct textbuf *out)
{
	struct bus_note note = { .topic = BUS_HANDOVER_REQUEST };
	if (strcmp(r->words[2], "to") != 0) {
		textbuf_str(out, "say: handover MOBILE to AP-ID|ROUTER|any");
		return COMMAND_USAGE;
	}
	if (strcmp(r->words[1], "self") != 0 &&
	    (addr_parse(r->words[1], &note.u.request.mobile) < 0 || addr_is_zero(&note.u.request.mobile))) {
		textbuf_printable(out, r->words[1]);
		textbuf_str(out, " is not an address; say the mobile's, or self on the mobile");
		return COMMAND_REFUSED;
	}
	if (!parse_target(core, r->words[3], &note)) {
		textbuf_printable(out, r->words[3]);
		textbuf_str(out, " is neither an AP-ID, nor a router's address, nor a neighbor's name, nor the word any");
		return COMMAND_REFUSED;
	}
	bus_publish(core->bus, &note);
	if (!note.u.request.taken) {
		note.u.request.reason[sizeof note.u.request.reason - 1] = '\0';
		textbuf_printable(out, note.u.request.reason[0] ? note.u.request.reason
		                                                : "nothing that runs here hands over at request");
		return COMMAND_REFUSED;
	}
	if (r->form == FORM_TEXT) {
		textbuf_fmt(out, "handover of %s to %s requested\n", r->words[1], r->words[3]);
		return COMMAND_OK;
	}
	struct output *o = writer_create(r->form, out);
	if (!o)
		return COMMAND_OK; /* it was done */
	requested(o, r);
	writer_finish(o);
	return COMMAND_OK;
}

static enum command_status run_reload(struct core *core, const struct command_request *r, struct textbuf *out)
{
	char reason[512] = "";
	if (core->reload && core->reload(core, reason, sizeof reason) == 0) {
		textbuf_str(out, r->form == FORM_JSON ? "{\"reloaded\":true}\n" : "configuration reloaded\n");
		return COMMAND_OK;
	}
	textbuf_str(out, reason[0] ? reason : "this daemon cannot reload");
	return COMMAND_REFUSED;
}

static enum command_status run_watch(struct core *core, const struct command_request *r, struct textbuf *out)
{
	return COMMAND_WATCH;
}

/* -- the table, help and completion ------------------------------------------------------------------------------ */

static enum command_status run_help(struct core *core, const struct command_request *r, struct textbuf *out);
static enum command_status run_complete(struct core *core, const struct command_request *r, struct textbuf *out);

static const struct command {
	const char *name, *arguments, *help;
	size_t min, max; /* words, the name included */
	enum command_status (*run)(struct core *core, const struct command_request *r, struct textbuf *out);
} commands[] = {
	{ "show", "WHAT", NULL, 1, COMMAND_WORDS_MAX, run_show },
	{ "watch", "", "events as they happen, until interrupted", 1, 1, run_watch },
	{ "handover", "MOBILE to AP-ID|ROUTER|any", "move a mobile (its address, or self on the mobile)", 4, 4, run_handover },
	{ "reload", "", "read the configuration again; if it has errors, the old one stays", 1, 1, run_reload },
	{ "metrics", "", "every counter as OpenMetrics text", 1, 1, run_metrics },
	{ "help", "", "this list", 1, 1, run_help },
	{ "complete", "[WORD…]", "what may follow these words, for shells", 1, COMMAND_WORDS_MAX, run_complete },
};
#define COMMANDS (sizeof commands / sizeof commands[0])

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

enum command_status command_run(struct core *core, const struct command_request *r, struct textbuf *out)
{
	const struct command *c = command_find(r->words[0]);
	if (c && r->n >= c->min && r->n <= c->max)
		return c->run(core, r, out);
	if (c) {
		textbuf_fmt(out, "say: %s%s%s", c->name, *c->arguments ? " " : "", c->arguments);
		return COMMAND_USAGE;
	}
	textbuf_str(out, "there is no command \"");
	textbuf_printable(out, r->words[0]);
	textbuf_str(out, "\"; there is:");
	for (size_t i = 0; i < COMMANDS; i++)
		textbuf_fmt(out, "%s %s", i ? "," : "", commands[i].name);
	return COMMAND_USAGE;
}

static void help_line(struct output *o, const char *command, const char *arguments, const char *help)
{
	out_item_begin(o, NULL);
	out_fmt(o, "command", "%s%s%s", command, *arguments ? " " : "", arguments);
	out_str(o, "help", help);
	out_item_end(o);
}

static bool help_show(const struct module_show *s, void *arg)
{
	help_line(arg, "show", s->name, s->help);
	return false;
}

static void help(struct core *core, struct output *o)
{
	out_list_begin(o, NULL);
	for (size_t i = 0; i < COMMANDS; i++)
		if (commands[i].run == run_show)
			shows_each(core, help_show, o);
		else
			help_line(o, commands[i].name, commands[i].arguments, commands[i].help);
	out_list_end(o);
}

static enum command_status run_help(struct core *core, const struct command_request *r, struct textbuf *out)
{
	return write_through(core, r->form, help, out);
}

struct completion {
	struct textbuf *out;
	size_t left;
};

static bool offer_show(const struct module_show *s, void *arg)
{
	textbuf_fmt(arg, "%s\n", s->name);
	return false;
}

static bool offer_mobile(struct mobile *m, void *arg)
{
	struct completion *c = arg;
	textbuf_fmt(c->out, "%s\n", ADDR(&m->addrs[0]));
	return --c->left > 0;
}

static void offer_ap(struct ap *ap, void *arg)
{
	if (ap->id.len && ap->neighbor)
		textbuf_fmt(arg, "%s\n", LLADDR(&ap->id));
}

static void offer_neighbor(struct neighbor *n, void *arg)
{
	textbuf_fmt(arg, "%s\n", n->name);
}

static enum command_status run_complete(struct core *core, const struct command_request *r, struct textbuf *out)
{
	const char *first = r->n > 1 ? r->words[1] : NULL;
	if (!first) {
		for (size_t i = 0; i < COMMANDS; i++)
			if (commands[i].run != run_complete)
				textbuf_fmt(out, "%s\n", commands[i].name);
	} else if (strcmp(first, "show") == 0 && r->n == 2) {
		shows_each(core, offer_show, out);
	} else if (strcmp(first, "handover") == 0 && r->n == 2) {
		textbuf_str(out, "self\n");
		if (core->mobiles)
			mobiles_each(core->mobiles, offer_mobile, &(struct completion){ out, COMPLETE_MOBILES });
	} else if (strcmp(first, "handover") == 0 && r->n == 3) {
		textbuf_str(out, "to\n");
	} else if (strcmp(first, "handover") == 0 && r->n == 4 && core->neighbors) {
		textbuf_str(out, "any\n");
		aps_each(core->neighbors, offer_ap, out);
		neighbors_each(core->neighbors, offer_neighbor, out);
	}
	return COMMAND_OK;
}
