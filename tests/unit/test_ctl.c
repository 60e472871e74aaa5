/* The control socket from end to end, in one process: a real loop, a real socket, and clients that behave or do not. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/bus.h"
#include "core/handover.h"
#include "core/mobile.h"
#include "core/neighbor.h"
#include "core/output.h"
#include "core/settings.h"
#include "ctl/client.h"
#include "ctl/ctl.h"

#define PATIENCE (5 * USEC_SEC)

/* A module as the others are: has a show, takes or refuses handovers, and answers a start with a step of its own. */
static bool fake_takes, fake_says_why, fake_steps;
static struct counter fake_counters[] = { { "things", "Things done", 42, 0 } };

static void fake_request(struct bus_note *note, void *arg)
{
	note->u.request.taken = fake_takes;
	if (!fake_takes && fake_says_why)
		snprintf(note->u.request.reason, sizeof note->u.request.reason, "no such AP near %s",
		         ADDR(&note->u.request.mobile));
}

static void fake_started(struct bus_note *note, void *arg)
{
	struct core *core = arg;
	if (fake_steps)
		handover_step(core->handovers, note->u.handover.handover, STEP_HOLD);
}

static struct bus_sub *fake_subs[2];
static int fake_start(struct core *core, const void *cfg)
{
	fake_subs[0] = bus_subscribe(core->bus, BUS_HANDOVER_REQUEST, fake_request, core);
	fake_subs[1] = bus_subscribe(core->bus, BUS_HANDOVER_STARTED, fake_started, core);
	return 0;
}

static void fake_stop(struct core *core)
{
	bus_unsubscribe(fake_subs[0]);
	bus_unsubscribe(fake_subs[1]);
}

static void fake_show(struct core *core, struct output *o)
{
	out_list_begin(o, NULL);
	out_list_end(o);
}

static const struct module_show fake_shows[] = { { "contexts", "contexts of mobiles", fake_show }, { 0 } };
static const struct module fake_module = { .name = "fake",
	                                       .roles = MODULE_ALL_ROLES,
	                                       .counters = { "fake", fake_counters, 1 },
	                                       .shows = fake_shows,
	                                       .start = fake_start,
	                                       .stop = fake_stop };
static const struct module off_module = { .name = "off", .shows = fake_shows };
static const struct module *const all_modules[] = { &ctl_module, &fake_module, &off_module, NULL };

struct world {
	struct core core;
	struct settings settings;
	char dir[64], path[96];
	struct in6_addr pcoa;
};

static int fake_reload(struct core *core, char *reason, size_t len)
{
	if (core->settings->control.queue == 1) {
		snprintf(reason, len, "x.conf:3: no");
		return -1;
	}
	modules_reload(core);
	return 0;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	strcpy(w->dir, "/tmp/test_ctl.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof w->path, "%s/sock", w->dir);
	w->settings.control = (struct setting_control){ .socket = w->path, .clients = 8, .queue = 65536 };
	w->core.settings = &w->settings;
	w->core.loop = loop_create();
	w->core.bus = bus_create(w->core.loop);
	w->core.mobiles = mobiles_create(w->core.bus, 100000);
	w->core.neighbors = neighbors_create(w->core.bus);
	w->core.handovers = handovers_create(w->core.loop, w->core.bus, 16);
	w->core.modules = all_modules;
	w->core.reload = fake_reload;
	addr_parse("2001:db8:a::1", &w->pcoa);
	for (size_t i = 0; i < ctl_module.counters.n; i++)
		ctl_module.counters.counters[i].value = 0;
	fake_takes = fake_says_why = fake_steps = false;
	ctl_idle = ctl_stall = 10 * USEC_SEC;
	*state = w;
	return modules_start(&w->core);
}

static int teardown(void **state)
{
	struct world *w = *state;
	modules_stop(&w->core);
	handovers_destroy(w->core.handovers);
	neighbors_destroy(w->core.neighbors);
	mobiles_destroy(w->core.mobiles);
	bus_destroy(w->core.bus);
	loop_destroy(w->core.loop);
	assert_int_equal(rmdir(w->dir), 0); /* nothing left behind */
	free(w);
	return 0;
}

static uint64_t counted(const char *name)
{
	for (size_t i = 0; i < ctl_module.counters.n; i++)
		if (strcmp(ctl_module.counters.counters[i].name, name) == 0)
			return ctl_module.counters.counters[i].value;
	fail_msg("no counter %s", name);
	return 0;
}

/* -- a client by hand, which never blocks, so that daemon and client can share a thread -------------------------- */

static int dial(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	strcpy(a.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (int)strlen(text));
}

#define GONE ((ssize_t)-1)
/* Turns the loop until n octets came (or the other side closed: then what there is, GONE if nothing). */
static ssize_t take(struct world *w, int fd, char *to, size_t n)
{
	usec_t end = loop_now_fresh(w->core.loop) + PATIENCE;
	size_t have = 0;
	while (have < n) {
		ssize_t got = recv(fd, to + have, n - have, 0);
		if (got > 0) {
			have += (size_t)got;
			continue;
		}
		if (got == 0 || errno == ECONNRESET)
			return have ? (ssize_t)have : GONE;
		assert_int_equal(errno, EAGAIN);
		assert_true(loop_now_fresh(w->core.loop) < end);
		loop_once(w->core.loop, USEC_MSEC);
	}
	return (ssize_t)have;
}

static char frame_status[16];
static char frame_body[1 << 20];

/* One frame into frame_status and frame_body; false: closed. */
static bool frame(struct world *w, int fd)
{
	char head[64];
	size_t n = 0, len;
	do {
		if (take(w, fd, head + n, 1) == GONE)
			return false;
		assert_true(n < sizeof head - 1);
	} while (head[n++] != '\n');
	head[n] = '\0';
	assert_int_equal(sscanf(head, "%15s %zu", frame_status, &len), 2);
	assert_true(len < sizeof frame_body);
	assert_int_equal(take(w, fd, frame_body, len), (int)len);
	frame_body[len] = '\0';
	return true;
}

static void expect(struct world *w, int fd, const char *status, const char *body)
{
	assert_true(frame(w, fd));
	assert_string_equal(frame_body, body);
	assert_string_equal(frame_status, status);
}

static void expect_like(struct world *w, int fd, const char *status, const char *part)
{
	assert_true(frame(w, fd));
	assert_string_equal(frame_status, status);
	if (!strstr(frame_body, part))
		fail_msg("no \"%s\" in \"%s\"", part, frame_body);
}

static void turn_until(struct world *w, const char *counter, uint64_t value)
{
	usec_t end = loop_now_fresh(w->core.loop) + PATIENCE;
	while (counted(counter) != value) {
		assert_true(loop_now_fresh(w->core.loop) < end);
		loop_once(w->core.loop, USEC_MSEC);
	}
}

/* -- requests ---------------------------------------------------------------------------------------------------- */

static void test_requests(void **state)
{
	struct world *w = *state;
	mobile_get(w->core.mobiles, &w->pcoa);
	int fd = dial(w->path);
	say(fd, "json show mobiles\n");
	expect(w, fd, "ok",
	       "[{\"mobile\":\"2001:db8:a::1\",\"lladdr\":null,\"ifindex\":0,\"addresses\":[\"2001:db8:a::1\"]}]\n");
	say(fd, "text show modules\n");
	expect(w, fd, "ok", "NAME  STATE    COUNTERS\nctl   running         9\nfake  running         1\noff   off             0\n");
	/* two at once, the second in two halves */
	say(fd, "json show contexts\njson sh");
	expect(w, fd, "ok", "[]\n");
	say(fd, "ow   neighbors\n");
	expect(w, fd, "ok", "[]\n");
	say(fd, "json show counters\n");
	expect_like(w, fd, "ok", "\"fake.things\":42");
	assert_non_null(strstr(frame_body, "\"mobiles.count\":1,"));
	assert_non_null(strstr(frame_body, "\"ctl.requests\":5,"));
	say(fd, "text metrics\n");
	expect_like(w, fd, "ok", "\nhandoverd_fake_things_total 42\n");
	assert_string_equal(frame_body + strlen(frame_body) - 6, "# EOF\n");
	assert_non_null(strstr(frame_body, "# TYPE handoverd_mobiles_count gauge\n"));
	close(fd);
	turn_until(w, "clients", 0);
}

static void test_what_there_is(void **state)
{
	struct world *w = *state;
	int fd = dial(w->path);
	say(fd, "text show tunnels\n");
	expect(w, fd, "usage",
	       "there is no \"show tunnels\"; show one of: mobiles, handovers, neighbors, modules, config, counters, contexts");
	say(fd, "text dance\n");
	expect(w, fd, "usage",
	       "there is no command \"dance\"; there is: show, watch, handover, reload, metrics, help, complete");
	say(fd, "text handover self\n");
	expect(w, fd, "usage", "say: handover MOBILE to AP-ID|ROUTER|any");
	say(fd, "text help\n");
	expect_like(w, fd, "ok", "show contexts ");
	assert_non_null(strstr(frame_body, "handover MOBILE to AP-ID|ROUTER|any  move a mobile"));
	say(fd, "text complete show\n");
	expect(w, fd, "ok", "mobiles\nhandovers\nneighbors\nmodules\nconfig\ncounters\ncontexts\n");
	say(fd, "text complete handover self\n");
	expect(w, fd, "ok", "to\n");
	close(fd);
}

static void test_handover_request(void **state)
{
	struct world *w = *state;
	int fd = dial(w->path);
	say(fd, "text handover self to 02:00:00:00:00:01\n");
	expect(w, fd, "refused", "nothing that runs here hands over at request");
	fake_says_why = true;
	say(fd, "json handover 2001:db8:a::1 to 2001:db8::2\n");
	expect(w, fd, "refused", "no such AP near 2001:db8:a::1");
	say(fd, "text handover nobody to 2001:db8::2\n");
	expect(w, fd, "refused", "nobody is not an address; say the mobile's, or self on the mobile");
	say(fd, "text handover self to nowhere\n");
	expect(w, fd, "refused", "nowhere is neither an AP-ID, nor a router's address, nor a neighbor's name, nor the word any");
	fake_takes = true;
	say(fd, "text handover self to 02:00:00:00:00:01\n");
	expect(w, fd, "ok", "handover of self to 02:00:00:00:00:01 requested\n");
	say(fd, "json handover self to 2001:db8::2\n");
	expect(w, fd, "ok", "{\"requested\":\"handover\",\"mobile\":\"self\",\"to\":\"2001:db8::2\"}\n");
	assert_int_equal(counted("requests_refused"), 4);
	close(fd);
}

/* -- clients that do not behave ---------------------------------------------------------------------------------- */

static void test_garbage(void **state)
{
	struct world *w = *state;
	static const char *const lines[] = { "\n", "   \n", "xml show mobiles\n", "json\n", "\x01\x02\n", "text show \xff\x1b[0m\n",
		                                 "text a b c d e f g h i j k l m n o p q\n" };
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		int fd = dial(w->path);
		say(fd, lines[i]);
		expect_like(w, fd, "usage", "");
		assert_false(frame(w, fd)); /* and closed */
		close(fd);
	}
	/* a long line, with and without its end */
	char *lots = malloc(100001);
	memset(lots, 'a', 100000);
	lots[100000] = '\0';
	int fd = dial(w->path);
	say(fd, lots);
	expect(w, fd, "usage", "request too long");
	assert_false(frame(w, fd));
	close(fd);
	free(lots);
	/* half a line, and away */
	fd = dial(w->path);
	say(fd, "json show mob");
	turn_until(w, "clients", 1);
	close(fd);
	turn_until(w, "clients", 0);
	assert_int_equal(counted("requests_bad"), 8);
	/* the daemon still answers */
	fd = dial(w->path);
	say(fd, "json show mobiles\n");
	expect(w, fd, "ok", "[]\n");
	close(fd);
}

static void test_idle_client(void **state)
{
	struct world *w = *state;
	ctl_idle = 20 * USEC_MSEC;
	int fd = dial(w->path);
	say(fd, "json show mob"); /* and nothing more */
	assert_false(frame(w, fd));
	assert_int_equal(counted("clients_idle"), 1);
	close(fd);
}

static void test_too_many_clients(void **state)
{
	struct world *w = *state;
	int fds[9];
	for (int i = 0; i < 8; i++)
		fds[i] = dial(w->path);
	turn_until(w, "clients", 8);
	fds[8] = dial(w->path);
	expect(w, fds[8], "refused", "too many control clients");
	assert_false(frame(w, fds[8]));
	assert_int_equal(counted("clients_refused"), 1);
	close(fds[8]);
	close(fds[0]);
	turn_until(w, "clients", 7);
	fds[0] = dial(w->path);
	say(fds[0], "json show mobiles\n");
	expect(w, fds[0], "ok", "[]\n");
	for (int i = 0; i < 8; i++)
		close(fds[i]);
}

/* An answer that does not fit into the socket, to a client that does not take it. */
static void test_stalled_answer(void **state)
{
	struct world *w = *state;
	struct in6_addr a = w->pcoa;
	for (unsigned i = 0; i < 30000; i++) {
		memcpy(&a.s6_addr[12], &i, sizeof i);
		a.s6_addr[11] = 1;
		mobile_get(w->core.mobiles, &a);
	}
	ctl_stall = 50 * USEC_MSEC;
	int slow = dial(w->path), good = dial(w->path);
	say(slow, "json show mobiles\njson show mobiles\n");
	turn_until(w, "requests", 1);
	for (int i = 0; i < 5; i++) { /* others are served meanwhile */
		say(good, "json show neighbors\n");
		expect(w, good, "ok", "[]\n");
	}
	turn_until(w, "clients_cut_off", 1);
	/* a client that reads at its own pace gets it all, though it is more than the queue may hold */
	ctl_stall = 10 * USEC_SEC;
	say(good, "json show mobiles\n");
	char head[64], last = 0, part[10000];
	size_t n = 0, len;
	do
		take(w, good, head + n, 1);
	while (head[n++] != '\n');
	assert_int_equal(sscanf(head, "ok %zu", &len), 1);
	assert_true(len > w->settings.control.queue);
	while (len) {
		ssize_t got = take(w, good, part, len < sizeof part ? len : sizeof part);
		len -= (size_t)got;
		last = part[got - 1];
	}
	assert_int_equal(last, '\n');
	close(slow);
	close(good);
}

static void play(struct world *w)
{
	struct handover *h = handover_open(w->core.handovers, HANDOVER_PAR, HANDOVER_PREDICTIVE, &w->pcoa);
	handover_step(w->core.handovers, h, STEP_C_FBU);
	handover_close(w->core.handovers, h, HANDOVER_COMPLETE, NULL);
}

static void test_slow_watcher(void **state)
{
	struct world *w = *state;
	int slow = dial(w->path), good = dial(w->path), text = dial(w->path);
	say(slow, "json watch\n");
	say(good, "json watch\n");
	say(text, "text watch\n");
	expect_like(w, good, "more", "\"event\":\"watching\"");
	expect_like(w, text, "more", " watching\n");
	turn_until(w, "requests", 3);
	for (int i = 0; counted("clients_cut_off") == 0; i++) {
		assert_true(i < 10000);
		play(w);
		expect_like(w, good, "more", "\"event\":\"handover-started\"");
		expect_like(w, good, "more", "\"event\":\"handover-step\"");
		expect_like(w, good, "more", "\"event\":\"handover-ended\"");
		expect_like(w, text, "more", "handover-started id=");
		expect_like(w, text, "more", "step=c name=FBU ms=");
		expect_like(w, text, "more", "result=complete");
	}
	assert_int_equal(counted("clients"), 2);
	play(w);
	expect_like(w, good, "more", "\"event\":\"handover-started\"");
	/* the slow one finds what the socket held, then the end */
	while (frame(w, slow))
		assert_string_equal(frame_status, "more");
	close(slow);
	/* one that goes away while watching is noticed */
	close(text);
	turn_until(w, "clients", 1);
	close(good);
	turn_until(w, "clients", 0);
	play(w);
}

/* -- watch ------------------------------------------------------------------------------------------------------- */

static void test_watch_order(void **state)
{
	struct world *w = *state;
	int fd = dial(w->path);
	say(fd, "json watch\n");
	expect_like(w, fd, "more", "watching");
	fake_steps = true; /* answers a start with a step, from within the notification */
	struct handover *h = handover_open(w->core.handovers, HANDOVER_NAR, HANDOVER_REACTIVE, &w->pcoa);
	strcpy(h->to, "arb");
	handover_step(w->core.handovers, h, STEP_D_HI);
	handover_step_at(w->core.handovers, h, STEP_A_RTSOLPR, h->started - 1500);
	handover_close(w->core.handovers, h, HANDOVER_FAILED, "no \"UNA\"");
	mobile_get(w->core.mobiles, &w->pcoa);
	struct bus_note link = { .topic = BUS_LINK, .u.link = { .ifindex = 1, .up = true } };
	bus_publish(w->core.bus, &link);
	struct bus_note done = { .topic = BUS_CONTEXTS_DONE, .u.contexts = { .previous = w->pcoa, .complete = true } };
	bus_publish(w->core.bus, &done);

	expect_like(w, fd, "more", "\"event\":\"handover-started\"");
	assert_non_null(strstr(frame_body, "\"id\":1,\"mobile\":\"2001:db8:a::1\",\"role\":\"nar\",\"mode\":\"reactive\""));
	expect_like(w, fd, "more", "\"event\":\"handover-step\"");
	assert_non_null(strstr(frame_body, "\"step\":\"\",\"name\":\"hold\",\"ms\":0.000,\"scenario\":\"\"}"));
	expect_like(w, fd, "more", "\"to\":\"arb\",\"step\":\"d\",\"name\":\"HI\"");
	expect_like(w, fd, "more", "\"step\":\"a\",\"name\":\"RtSolPr\",\"ms\":-1.500,\"scenario\":\"ad\"}");
	expect_like(w, fd, "more", "\"event\":\"handover-ended\"");
	assert_non_null(strstr(frame_body, "\"result\":\"failed\",\"reason\":\"no \\\"UNA\\\"\",\"interruption_ms\":null,"
	                                   "\"handover\":{\"id\":1,"));
	expect_like(w, fd, "more", "\"event\":\"mobile-added\"");
	expect_like(w, fd, "more", "\"event\":\"link\"");
	assert_non_null(strstr(frame_body, "\"ifindex\":1,\"interface\":\"lo\",\"up\":true,\"ap\":null}"));
	expect_like(w, fd, "more", "\"event\":\"contexts\"");
	assert_non_null(strstr(frame_body, "\"mobile\":\"2001:db8:a::1\",\"address\":null,\"complete\":true}"));
	/* what a watching client says is not listened to */
	say(fd, "json reload\n");
	play(w);
	expect_like(w, fd, "more", "handover-started");
	assert_int_equal(counted("requests"), 1);
	close(fd);
}

/* -- the socket -------------------------------------------------------------------------------------------------- */

static void test_socket_mode(void **state)
{
	struct world *w = *state;
	struct stat st;
	assert_int_equal(stat(w->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
}

static void test_live_socket_is_refused(void **state)
{
	struct world *w = *state;
	struct core other = w->core;
	static const struct module *const only[] = { &fake_module, NULL };
	other.modules = only;
	assert_int_equal(ctl_module.start(&other, NULL), -1);
	int fd = dial(w->path); /* the first one's still */
	say(fd, "json show mobiles\n");
	expect(w, fd, "ok", "[]\n");
	close(fd);
}

static void test_stale_socket_is_replaced(void **state)
{
	struct world *w = *state;
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	modules_stop(&w->core);
	assert_int_equal(access(w->path, F_OK), -1);
	/* bound and never removed, as a killed daemon leaves it */
	strcpy(a.sun_path, w->path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	close(fd);
	assert_int_equal(modules_start(&w->core), 0);
	fd = dial(w->path);
	say(fd, "json show mobiles\n");
	expect(w, fd, "ok", "[]\n");
	close(fd);
	/* a file that is no socket stays */
	modules_stop(&w->core);
	close(open(w->path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(modules_start(&w->core), -1);
	assert_int_equal(unlink(w->path), 0);
}

static void test_reload(void **state)
{
	struct world *w = *state;
	char other[128];
	snprintf(other, sizeof other, "%s/other", w->dir);
	int fd = dial(w->path), watcher = dial(w->path);
	say(watcher, "json watch\n");
	expect_like(w, watcher, "more", "watching");
	w->settings.control.socket = other;
	say(fd, "text reload\n");
	expect(w, fd, "ok", "configuration reloaded\n");
	expect_like(w, watcher, "more", "\"event\":\"reload\"");
	assert_non_null(strstr(frame_body, "\"result\":\"complete\""));
	assert_int_equal(access(w->path, F_OK), -1);
	int moved = dial(other);
	say(moved, "json show mobiles\n");
	expect(w, moved, "ok", "[]\n");
	/* who was there before is served on */
	w->settings.control.queue = 1;
	say(fd, "text reload\n");
	expect(w, fd, "refused", "x.conf:3: no");
	w->settings.control.queue = 65536;
	close(fd);
	close(moved);
	close(watcher);
}

/* -- handoverctl ------------------------------------------------------------------------------------------------- */

struct run {
	pid_t pid;
	int out, err;
};

static struct run run_start(const char *const *argv)
{
	int out[2], err[2], argc = 0;
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	while (argv[argc])
		argc++;
	fflush(NULL);
	struct run r = { .pid = fork(), .out = out[0], .err = err[0] };
	if (r.pid == 0) {
		dup2(out[1], 1);
		dup2(err[1], 2);
		int rc = ctl_client_main(argc, (char **)(uintptr_t)argv);
		fflush(NULL);
		_exit(rc);
	}
	close(out[1]);
	close(err[1]);
	fcntl(r.out, F_SETFL, O_NONBLOCK);
	return r;
}

/* Its exit status; what it printed in the two texts. */
static int run_end(struct world *w, struct run r, char out[4096], char err[4096])
{
	int status;
	usec_t end = loop_now_fresh(w->core.loop) + PATIENCE;
	while (waitpid(r.pid, &status, WNOHANG) == 0) {
		assert_true(loop_now_fresh(w->core.loop) < end);
		loop_once(w->core.loop, USEC_MSEC);
	}
	ssize_t n = read(r.out, out, 4095), m = read(r.err, err, 4095);
	out[n > 0 ? n : 0] = err[m > 0 ? m : 0] = '\0';
	close(r.out);
	close(r.err);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define RUN(w, out, err, ...) run_end(w, run_start((const char *const[]){ "handoverctl", __VA_ARGS__, NULL }), out, err)

static void test_client(void **state)
{
	struct world *w = *state;
	char out[4096], err[4096];
	assert_int_equal(RUN(w, out, err, "-s", w->path, "-j", "show", "mobiles"), 0);
	assert_string_equal(out, "[]\n");
	assert_string_equal(err, "");
	assert_int_equal(RUN(w, out, err, "-s", w->path, "handover", "self", "to", "02:00:00:00:00:01"), 1);
	assert_string_equal(out, "");
	assert_string_equal(err, "handoverctl: nothing that runs here hands over at request\n");
	assert_int_equal(RUN(w, out, err, "-s", w->path, "show", "nothing"), 2);
	assert_non_null(strstr(err, "show one of: mobiles"));
	assert_int_equal(RUN(w, out, err, "-s", w->path), 2);
	assert_non_null(strstr(err, "usage: handoverctl"));
	assert_int_equal(RUN(w, out, err, "-x", "show"), 2);
	assert_int_equal(RUN(w, out, err, "-s", w->path, "show", "mobiles\nreload"), 2);
	assert_int_equal(RUN(w, out, err, "-s", "/nowhere/sock", "show", "mobiles"), 2);
	assert_string_equal(err, "handoverctl: no daemon at /nowhere/sock: No such file or directory\n");
	assert_int_equal(RUN(w, out, err, "-s", "/nowhere/sock", "help"), 0);
	assert_non_null(strstr(out, "reload "));
}

static void test_client_watches(void **state)
{
	struct world *w = *state;
	char out[4096], err[4096];
	struct run r = run_start((const char *const[]){ "handoverctl", "-s", w->path, "-j", "watch", NULL });
	usec_t end = loop_now_fresh(w->core.loop) + PATIENCE;
	static const char *const wait_for[] = { "watching", "\"name\":\"FBU\"", "handover-ended" };
	size_t n = 0;
	/* each line is there before the next event happens: nothing waits in a buffer */
	for (size_t i = 0; i < 3; i++) {
		for (out[n] = '\0'; !strstr(out, wait_for[i]);) {
			assert_true(loop_now_fresh(w->core.loop) < end);
			loop_once(w->core.loop, USEC_MSEC);
			ssize_t got = read(r.out, out + n, sizeof out - 1 - n);
			n += got > 0 ? (size_t)got : 0;
			out[n] = '\0';
		}
		struct handover *h = handover_of(w->core.handovers, &w->pcoa);
		if (i == 0)
			handover_step(w->core.handovers,
			              handover_open(w->core.handovers, HANDOVER_MN, HANDOVER_PREDICTIVE, &w->pcoa), STEP_C_FBU);
		else if (i == 1)
			handover_close(w->core.handovers, h, HANDOVER_COMPLETE, NULL);
	}
	/* the daemon ends: that is no success */
	modules_stop(&w->core);
	assert_int_equal(run_end(w, r, out, err), 2);
	assert_string_equal(err, "handoverctl: the daemon broke off\n");
	assert_int_equal(modules_start(&w->core), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_requests),     T(test_what_there_is),          T(test_handover_request),
		T(test_garbage),      T(test_idle_client),            T(test_too_many_clients),
		T(test_stalled_answer), T(test_slow_watcher),         T(test_watch_order),
		T(test_socket_mode),  T(test_live_socket_is_refused), T(test_stale_socket_is_replaced),
		T(test_reload),       T(test_client),                 T(test_client_watches),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
