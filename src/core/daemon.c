#include <config.h>

#include "core/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/bus.h"
#include "core/handover.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mobile.h"
#include "core/neighbor.h"
#include "core/notify.h"
#include "core/privilege.h"
#include "core/secret.h"
#include "core/settings.h"

#define MOBILES_MAX 100000
#define HANDOVERS_MAX 1024
#define REASON_LEN 512

/* One process, one daemon: struct core is what modules see, the rest is the daemon's own. */
struct daemon {
	struct core core;
	const struct daemon_options *options;
	struct config *config;
	int ready_fd; /* to the parent that waits in the foreground; -1: none */
	struct timer watchdog;
	usec_t watchdog_every;
};

/* Every mistake goes to complain; the first, and how many more there are, into reason. */
static struct config *load(const struct daemon_options *o, const struct module *const *modules,
                           void (*complain)(const char *line), char *reason, size_t reason_len)
{
	struct config_errors *errors = config_errors_create();
	struct config *config = errors ? config_load(o->file, modules, errors) : NULL;
	size_t n = errors ? config_errors_count(errors) : 0;
	for (size_t i = 0; i < n; i++)
		complain(config_errors_text(errors, i));
	if (n > 1)
		snprintf(reason, reason_len, "%s (and %zu more, see the log)", config_errors_text(errors, 0), n - 1);
	else
		snprintf(reason, reason_len, "%s", n ? config_errors_text(errors, 0) : "no memory");
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
	char reason[REASON_LEN];
	const struct module *order[MODULES_MAX];
	struct config *config = load(o, modules, complain_stderr, reason, sizeof reason);
	int n = config ? modules_order(modules, config_settings(config)->role, order, reason, sizeof reason) : -1;
	if (config && n < 0)
		fprintf(stderr, "%s:1: this role cannot start: %s; write another role\n", o->file, reason);
	config_free(config);
	return n < 0 ? 1 : 0;
}

/* -- log ------------------------------------------------------------------------------------------------------------- */

/* systemd says which file the journal gave us as standard error: then the journal itself takes the fields as well. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;
	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 && fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev &&
	       st.st_ino == ino;
}

static enum log_sink choose_sink(const struct daemon_options *o, const struct setting_log *s)
{
	switch ((enum log_choice)s->sink) {
	case LOG_CHOICE_SYSLOG:
		return LOG_SINK_SYSLOG;
	case LOG_CHOICE_JOURNAL:
		return LOG_SINK_JOURNAL;
	case LOG_CHOICE_STDERR:
		if (o->foreground)
			return LOG_SINK_STDERR;
		break; /* nobody reads that in the background */
	case LOG_CHOICE_AUTO:
		if (o->foreground && !stderr_is_journal())
			return LOG_SINK_STDERR;
		break;
	}
	return log_journal_there() ? LOG_SINK_JOURNAL : LOG_SINK_SYSLOG;
}

static void open_log(const struct daemon *d)
{
	const struct setting_log *s = &d->core.settings->log;
	log_open(choose_sink(d->options, s), "handoverd");
	log_level_set((enum log_level)s->level);
	log_topics_set(d->options->topics ? d->options->topics : "");
}

/* -- reload ---------------------------------------------------------------------------------------------------------- */

static bool has_module(const struct core *c, const char *name)
{
	for (const struct module *const *m = c->modules; *m; m++)
		if (!strcmp((*m)->name, name))
			return true;
	return false;
}

/* What an owner should know about a neighbour before relying on it. */
static void warn_neighbor(struct neighbor *n, void *arg)
{
	const struct core *c = arg;
	if (n->protect == PROTECT_NONE)
		LOG_WARNING("core", "neighbour is not protected: contexts, keys and handover messages travel in the clear peer=%s "
		            "address=%s setting=protect value=none", n->name, ADDR(&n->address));
	else if (!has_module(c, "vpn"))
		LOG_WARNING("core", "neighbour is not talked to: it waits for IPsec, which no module here sets up peer=%s address=%s "
		            "setting=protect value=ipsec", n->name, ADDR(&n->address));
	if (n->compat == COMPAT_RFC4068)
		LOG_WARNING("core", "neighbour is spoken to as RFC 4068 has it, which RFC 5568 forbids peer=%s address=%s "
		            "setting=compat value=rfc4068", n->name, ADDR(&n->address));
}

/* What a running daemon cannot become by a reload. NULL: nothing of the kind. */
static const char *needs_restart(const struct settings *old, const struct settings *new)
{
	return old->role != new->role ? "role cannot change while running; restart handoverd, or put the old role back" : NULL;
}

/* Read and check everything, and only then change anything. */
static int reload(struct core *core, char *reason, size_t reason_len)
{
	struct daemon *d = (struct daemon *)core;
	char why[REASON_LEN];
	struct config *old = d->config, *new = load(d->options, core->modules, complain_log, why, sizeof why);
	const char *no = new ? needs_restart(core->settings, config_settings(new)) : why;
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
	neighbors_each(core->neighbors, warn_neighbor, core);
	modules_reload(core);
	config_free(old);
	LOG_NOTICE("core", "configuration reloaded file=%s", d->options->file);
	notify_ready("running");
	return 0;
}

static void on_hangup(int signum, void *arg)
{
	struct daemon *d = arg;
	char reason[REASON_LEN];
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

/* Until the daemon is up, whoever started it reads on the terminal what the log says. */
static void mirror(enum log_level level, const char *topic, const char *line, void *arg)
{
	if (level <= LOG_LEVEL_WARNING)
		fprintf(stderr, "handoverd: %s: %s\n", topic, line);
}

static void tell_ready(struct daemon *d)
{
	if (d->ready_fd < 0)
		return;
	log_tap(NULL, NULL);
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

static void watchdog_due(struct timer *t, void *arg)
{
	struct daemon *d = arg;
	notify_watchdog();
	timer_after(t, d->watchdog_every);
}

static void watchdog_start(struct daemon *d)
{
	d->watchdog_every = notify_watchdog_interval() / 2;
	timer_init(&d->watchdog, d->core.loop, watchdog_due, d);
	if (d->watchdog_every)
		timer_after(&d->watchdog, d->watchdog_every);
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
	if (d->ready_fd >= 0)
		log_tap(mirror, NULL);
	privilege_drop();
	privilege_realtime(c->settings->realtime);
	int status = 1;
	secret_warm();
	if (create_tables(c) < 0 || signals(d) < 0)
		goto out;
	neighbors_each(c->neighbors, warn_neighbor, c);
	if (modules_start(c) < 0)
		goto out;
	LOG_NOTICE("core", "started version=%s name=%s", PACKAGE_VERSION, c->settings->name);
	tell_ready(d);
	notify_ready("running");
	watchdog_start(d);
	status = loop_run(c->loop) < 0 ? 1 : 0;
	modules_stop(c);
	LOG_NOTICE("core", "stopped");
out:
	destroy_tables(c);
	log_close();
	return status;
}

/* In the child: 0. In the parent: waits until the child is up, or is no more, and ends the process. */
static int go_background(struct daemon *d)
{
	int fds[2];
	char byte;
	ssize_t got;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0) {
		close(fds[1]);
		do
			got = read(fds[0], &byte, 1);
		while (got < 0 && errno == EINTR);
		_exit(got == 1 ? 0 : 1);
	}
	close(fds[0]);
	d->ready_fd = fds[1];
	setsid();
	return chdir("/") < 0 ? -errno : 0;
}

/* Owned; NULL: it is absolute, or there is no memory. Links stay: what they lead to may change before a reload. */
static char *absolute_path(const char *file)
{
	char *here = *file == '/' ? NULL : getcwd(NULL, 0);
	size_t len = here ? strlen(here) + strlen(file) + 2 : 0;
	char *path = here ? malloc(len) : NULL;
	if (path)
		snprintf(path, len, "%s/%s", here, file);
	free(here);
	return path;
}

int daemon_run(const struct daemon_options *o, const struct module *const *modules)
{
	char *absolute = o->foreground ? NULL : absolute_path(o->file); /* it is read again after the change of directory */
	struct daemon_options own = *o;
	struct daemon d = { .options = &own, .ready_fd = -1, .core = { .modules = modules, .reload = reload } };
	char reason[REASON_LEN];
	int status = 1;
	if (absolute)
		own.file = absolute;
	/* First of all: what is locked into memory, as keys are, does not stay so in a child. */
	int r = o->foreground ? 0 : go_background(&d);
	if (r < 0) {
		fprintf(stderr, "handoverd: cannot go into the background: %s\n", strerror(-r));
		goto out;
	}
	d.config = load(&own, modules, complain_stderr, reason, sizeof reason);
	if (!d.config)
		goto out;
	d.core.config = d.config;
	d.core.settings = config_settings(d.config);
	status = live(&d);
out:
	config_free(d.config);
	free(absolute);
	return status;
}
