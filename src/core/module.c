/* Bringing modules up in the order of their needs, and down in reverse. */
#include "core/module.h"

#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/settings.h"

/* One walk over the needs. `path` is the way from where we began to where we are, to name a cycle by its members. */
struct order {
	const struct module *const *modules;
	unsigned role;
	const struct module **out;
	size_t n;
	const struct module *path[MODULES_MAX];
	size_t depth;
	char *why;
	size_t why_len;
};

static const struct module *find(const struct module *const *modules, const char *name)
{
	for (; *modules; modules++)
		if (!strcmp((*modules)->name, name))
			return *modules;
	return NULL;
}

static bool placed(const struct order *o, const struct module *m)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->out[i] == m)
			return true;
	return false;
}

/* If m is on the path already, says so: "a needs b needs a". */
static bool in_cycle(struct order *o, const struct module *m)
{
	size_t i = 0;
	while (i < o->depth && o->path[i] != m)
		i++;
	if (i == o->depth)
		return false;
	int n = snprintf(o->why, o->why_len, "modules need each other in a circle: ");
	for (; i < o->depth && n >= 0 && (size_t)n < o->why_len; i++)
		n += snprintf(o->why + n, o->why_len - (size_t)n, "%s needs ", o->path[i]->name);
	if (n >= 0 && (size_t)n < o->why_len)
		snprintf(o->why + n, o->why_len - (size_t)n, "%s", m->name);
	return true;
}

static int place(struct order *o, const struct module *m)
{
	if (placed(o, m))
		return 0;
	if (in_cycle(o, m))
		return -1;
	if (o->depth == MODULES_MAX || o->n == MODULES_MAX) {
		snprintf(o->why, o->why_len, "more than %d modules", MODULES_MAX);
		return -1;
	}
	o->path[o->depth++] = m;
	for (const char *const *need = m->needs; need && *need; need++) {
		const struct module *other = find(o->modules, *need);
		if (!other || !(other->roles & o->role)) {
			snprintf(o->why, o->why_len, "module %s needs module %s, %s", m->name, *need,
			         other ? "which is not for this role" : "which does not exist");
			return -1;
		}
		if (place(o, other) < 0)
			return -1;
	}
	o->depth--;
	o->out[o->n++] = m;
	return 0;
}

int modules_order(const struct module *const *modules, int role, const struct module *out[MODULES_MAX], char *why,
                  size_t why_len)
{
	struct order o = {.modules = modules, .role = MODULE_ROLE(role), .out = out, .why = why, .why_len = why_len};
	for (; *modules; modules++)
		if ((*modules)->roles & o.role && place(&o, *modules) < 0)
			return -1;
	return (int)o.n;
}

static const void *group_of(const struct core *core, const struct module *m)
{
	return m->config && core->config ? config_group(core->config, m->config->name) : NULL;
}

int modules_start(struct core *core)
{
	const struct module *order[MODULES_MAX];
	char why[256];
	int n = modules_order(core->modules, core->settings->role, order, why, sizeof why);
	if (n < 0) {
		LOG_ERROR("module", "cannot start: %s", why);
		return -1;
	}
	for (int i = 0; i < n; i++) {
		const struct module *m = order[i];
		if (m->start && m->start(core, group_of(core, m)) < 0) {
			LOG_ERROR("module", "start failed module=%s", m->name);
			modules_stop(core);
			return -1;
		}
		core->running[core->running_n++] = m;
		LOG_DEBUG("module", "started module=%s", m->name);
	}
	return 0;
}

void modules_reload(struct core *core)
{
	for (size_t i = 0; i < core->running_n; i++)
		if (core->running[i]->reload)
			core->running[i]->reload(core, group_of(core, core->running[i]));
}

void modules_stop(struct core *core)
{
	while (core->running_n) {
		/* It still counts as running while it stops: what it calls may ask. */
		const struct module *m = core->running[core->running_n - 1];
		if (m->stop)
			m->stop(core);
		core->running_n--;
		LOG_DEBUG("module", "stopped module=%s", m->name);
	}
}

bool module_running(const struct core *core, const char *name)
{
	for (size_t i = 0; i < core->running_n; i++)
		if (!strcmp(core->running[i]->name, name))
			return true;
	return false;
}
