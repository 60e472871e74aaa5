#include <config.h>

#include "core/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/bus.h"
#include "core/handover.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mobile.h"
#include "core/neighbor.h"
#include "core/notify.h"
#include "core/privilege.h"
#include "core/settings.h"

#define MOBILES_MAX 100000
#define HANDOVERS_MAX 1024

/* One process, one daemon: struct core is what modules see, the rest is the daemon's own. */
struct daemon {
	struct core core;
	const struct daemon_options *options;
	struct config *config;
	int ready_fd; /* to the parent that waits in the foreground; -1: none */
};

/* `first` gets the first complaint, as much of it as there is room for. */
static struct config *load(const struct daemon_options *o, const struct module *const *modules,
                           void (*complain)(const char *line), char *first, size_t first_len)
{
	struct config_errors *errors = config_errors_create();
	if (!errors)
		return NULL;
	struct config *config = config_load(o->file, modules, errors);
	for (size_t i = 0; i < config_errors_count(errors); i++) {
		if (i == 0)
			snprintf(first, first_len, "%s", config_errors_text(errors, i));
		complain(config_errors_text(errors, i));
	}
	config_errors_destroy(errors);
	return config;
}

static void complain_stderr(const char *line)
{
	fprintf(stderr, "%s\n", line);
}

static void complain_log(const char *line)
{
	LOG_ERROR("core", "configuration: %s", line);
}

int daemon_check(const struct daemon_options *o, const struct module *const *modules)
{
	struct config *config = load(o, modules, complain_stderr, NULL, 0);
	config_free(config);
	return config ? 0 : 1;
}

/* -- log ------------------------------------------------------------------------------------------------------------- */

static enum log_sink choose_sink(const struct daemon_options *o, const struct setting_log *s)
{
	switch ((enum log_choice)s->sink) {
	case LOG_CHOICE_STDERR:
		return LOG_SINK_STDERR;
	case LOG_CHOICE_SYSLOG:
		return LOG_SINK_SYSLOG;
	case LOG_CHOICE_JOURNAL:
		return LOG_SINK_JOURNAL;
	case LOG_CHOICE_AUTO:
		break;
	}
	if (o->foreground)
		return LOG_SINK_STDERR;
	return access("/run/systemd/journal/socket", W_OK) == 0 ? LOG_SINK_JOURNAL : LOG_SINK_SYSLOG;
}

static void open_log(const struct daemon *d)
{
	const struct setting_log *s = &d->core.settings->log;
	log_open(choose_sink(d->options, s), "handoverd");
	log_level_set((enum log_level)s->level);
	log_topics_set(d->options->topics ? d->options->topics : "");
}

/* -- reload ---------------------------------------------------------------------------------------------------------- */

/* What a running daemon cannot become by a reload. NULL: nothing of the kind. */
static const char *needs_restart(const struct settings *old, const struct settings *new)
{
	return old->role != new->role ? "role cannot change while running; restart handoverd, or put the old role back" : NULL;
}

/* Read and check everything, and only then change anything. */
static int reload(struct core *core, char *reason, size_t reason_len)
{
	struct daemon *d = (struct daemon *)core;
	char first[512] = "no memory";
	struct config *old = d->config, *new = load(d->options, core->modules, complain_log, first, sizeof first);
	const char *no = new ? needs_restart(core->settings, config_settings(new)) : first;
	if (no) {
		LOG_ERROR("core", "reload refused, the old configuration stays in force reason=\"%s\"", no);
		snprintf(reason, reason_len, "%s", no);
		config_free(new);
		return -1;
	}
	notify_reloading();
	d->config = new;
	core->config = new;
	core->settings = config_settings(new);
	open_log(d);
	privilege_realtime(core->settings->realtime);
	if (neighbors_configure(core->neighbors, core->settings) < 0)
		LOG_ERROR("core", "neighbours could not be taken over, the old ones stay reason=\"no memory\"");
	modules_reload(core);
	config_free(old);
	LOG_NOTICE("core", "configuration reloaded file=%s", d->options->file);
	notify_ready("running");
	return 0;
}

static void on_hangup(int signum, void *arg)
{
	struct daemon *d = arg;
	char reason[512];
	reload(&d->core, reason, sizeof reason);
}

static void on_terminate(int signum, void *arg)
{
	struct daemon *d = arg;
	LOG_NOTICE("core", "stopping signal=%s", strsignal(signum));
	notify_stopping();
	loop_stop(d->core.loop);
}

/* -- start and stop -------------------------------------------------------------------------------------------------- */

static int create_tables(struct core *c)
{
	c->loop = loop_create();
	c->bus = c->loop ? bus_create(c->loop) : NULL;
	c->mobiles = c->bus ? mobiles_create(c->bus, MOBILES_MAX) : NULL;
	c->neighbors = c->mobiles ? neighbors_create(c->bus) : NULL;
	c->handovers = c->neighbors ? handovers_create(c->loop, c->bus, HANDOVERS_MAX) : NULL;
	if (!c->handovers || neighbors_configure(c->neighbors, c->settings) < 0) {
		LOG_ERROR("core", "start failed reason=\"no memory\"");
		return -1;
	}
	return 0;
}

static void destroy_tables(struct core *c)
{
	if (c->handovers)
		handovers_destroy(c->handovers);
	if (c->neighbors)
		neighbors_destroy(c->neighbors);
	if (c->mobiles)
		mobiles_destroy(c->mobiles);
	if (c->bus)
		bus_destroy(c->bus);
	loop_destroy(c->loop);
}

static void unprotected_neighbor(struct neighbor *n, void *arg)
{
	if (n->protect == PROTECT_NONE)
		LOG_WARNING("core", "neighbour is not protected: contexts, keys and handover messages travel in the clear peer=%s "
		            "address=%s setting=protect value=none", n->name, ADDR(&n->address));
	if (n->compat == COMPAT_RFC4068)
		LOG_WARNING("core", "neighbour is spoken to as RFC 4068 has it, which RFC 5568 forbids peer=%s address=%s "
		            "setting=compat value=rfc4068", n->name, ADDR(&n->address));
}

/* The terminal is left only now, so that what went wrong on the way could still be read there. */
static void tell_ready(struct daemon *d)
{
	if (d->ready_fd < 0)
		return;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		for (int fd = 0; fd < 3; fd++)
			dup2(null, fd);
		if (null > 2)
			close(null);
	}
	(void)!write(d->ready_fd, "", 1);
	close(d->ready_fd);
	d->ready_fd = -1;
}

static int signals(struct daemon *d)
{
	signal(SIGPIPE, SIG_IGN);
	return loop_signal(d->core.loop, SIGHUP, on_hangup, d) < 0 || loop_signal(d->core.loop, SIGTERM, on_terminate, d) < 0 ||
	               loop_signal(d->core.loop, SIGINT, on_terminate, d) < 0 ? -1 : 0;
}

static int live(struct daemon *d)
{
	struct core *c = &d->core;
	open_log(d);
	privilege_drop();
	privilege_realtime(c->settings->realtime);
	int status = 1;
	if (create_tables(c) < 0 || signals(d) < 0)
		goto out;
	neighbors_each(c->neighbors, unprotected_neighbor, NULL);
	if (modules_start(c) < 0)
		goto out;
	LOG_NOTICE("core", "started version=%s name=%s", PACKAGE_VERSION, c->settings->name);
	tell_ready(d);
	notify_ready("running");
	status = loop_run(c->loop) < 0 ? 1 : 0;
	modules_stop(c);
	LOG_NOTICE("core", "stopped");
out:
	destroy_tables(c);
	log_close();
	return status;
}

/* In the child: 0. In the parent: waits for the child to be up and ends the process. */
static int go_background(struct daemon *d)
{
	int fds[2];
	char byte;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0) {
		close(fds[1]);
		_exit(read(fds[0], &byte, 1) == 1 ? 0 : 1);
	}
	close(fds[0]);
	d->ready_fd = fds[1];
	setsid();
	return chdir("/") < 0 ? -errno : 0;
}

int daemon_run(const struct daemon_options *o, const struct module *const *modules)
{
	struct daemon d = { .options = o, .ready_fd = -1, .core = { .modules = modules, .reload = reload } };
	char *absolute = realpath(o->file, NULL); /* a reload comes after the change of directory */
	struct daemon_options own = *o;
	if (absolute)
		own.file = absolute;
	d.options = &own;
	d.config = load(&own, modules, complain_stderr, NULL, 0);
	int status = 1;
	if (!d.config)
		goto out;
	d.core.config = d.config;
	d.core.settings = config_settings(d.config);
	int r = o->foreground ? 0 : go_background(&d);
	if (r < 0) {
		fprintf(stderr, "handoverd: cannot go into the background: %s\n", strerror(-r));
		goto out;
	}
	status = live(&d);
out:
	config_free(d.config);
	free(absolute);
	return status;
}
