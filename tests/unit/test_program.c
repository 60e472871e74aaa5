/* Other programs' contexts: a program at the other end of the socket, in this process, and the features it belongs to. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
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

#include "context/context.h"
#include "context/program.h"
#include "context/program_socket.h"
#include "context/program_wire.h"
#include "core/bus.h"
#include "core/feature.h"
#include "core/log.h"
#include "core/mobile.h"

#define ROUNDS 2000 /* of 10 ms: nothing is waited for longer */

static struct core core;
static struct config *config;
static char dir[64], path[96];
static struct bus_note told; /* the last BUS_CONTEXT_INSTALLED */
static char told_reason[FEATURE_REASON_MAX];
static int told_n;

static void hear(struct bus_note *note, void *arg)
{
	told = *note;
	snprintf(told_reason, sizeof told_reason, "%s", note->u.installed.reason ? note->u.installed.reason : "");
	told_n++;
}

static const struct context_config *configure(const char *programs, const char *socket)
{
	static const struct module *const modules[] = {&context_module, NULL};
	struct config_errors *errors = config_errors_create();
	char text[1024];
	snprintf(text, sizeof text,
	         "role = \"access-router\"; interfaces = ( { name = \"a\"; kind = \"access\"; } ); neighbors = ( );\n"
	         "context = { programs = ( %s ); socket = { path = \"%s\"; %s }; };\n", programs, path, socket);
	config = config_load_text("test", text, modules, errors);
	if (!config)
		fail_msg("%s", config_errors_text(errors, 0));
	config_errors_destroy(errors);
	return config_group(config, "context");
}
#define TWO "{ fpt = 65400; name = \"sessions\"; }, { fpt = 65401; name = \"other\"; }"

static void begin(const char *programs, const char *socket)
{
	memset(&core, 0, sizeof core);
	core.loop = loop_create();
	core.bus = bus_create(core.loop);
	core.mobiles = mobiles_create(core.bus, 10);
	bus_subscribe(core.bus, BUS_CONTEXT_INSTALLED, hear, NULL);
	told_n = 0;
	log_level_set(LOG_LEVEL_ERROR);
	assert_int_equal(programs_start(&core, configure(programs, socket)), 0);
}

static void again(const char *programs, const char *socket)
{
	struct config *old = config;
	const struct context_config *c = configure(programs, socket);
	programs_release();
	programs_reload(c);
	config_free(old);
}

static int setup(void **state)
{
	strcpy(dir, "/tmp/handoverd-program-XXXXXX");
	assert_non_null(mkdtemp(dir));
	chmod(dir, 0755);
	snprintf(path, sizeof path, "%s/sock", dir);
	begin(TWO, "mobiles = 3; memory = \"4096\"; memory_mobile = \"4096\"; queue = \"8192\";");
	return 0;
}

static int teardown(void **state)
{
	programs_stop();
	assert_int_equal(access(path, F_OK), -1);
	assert_null(feature_find(65400));
	assert_int_equal(program_socket_counters[PROGRAM_PEERS].value, 0);
	assert_int_equal(program_counters[PROGRAM_OCTETS].value, 0);
	mobiles_destroy(core.mobiles);
	bus_destroy(core.bus);
	loop_destroy(core.loop);
	config_free(config);
	rmdir(dir);
	return 0;
}

/* ---- the program's end ---- */

struct end {
	int fd;
	char text[65536]; /* read and not yet looked at */
	size_t len;
	bool over;
};

static struct end *come(void)
{
	struct end *e = calloc(1, sizeof *e);
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
	e->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(connect(e->fd, (struct sockaddr *)&a, sizeof a), 0);
	return e;
}

static void leave(struct end *e)
{
	close(e->fd);
	free(e);
}

static void tell(struct end *e, const char *text)
{
	assert_int_equal(send(e->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* The next line, or "" when the other end has closed. */
static const char *line(struct end *e)
{
	static char out[4096];
	for (int i = 0; i < ROUNDS; i++) {
		char *nl = memchr(e->text, '\n', e->len);
		if (nl) {
			size_t n = (size_t)(nl - e->text);
			assert_true(n < sizeof out);
			memcpy(out, e->text, n);
			out[n] = '\0';
			e->len -= n + 1;
			memmove(e->text, nl + 1, e->len);
			return out;
		}
		if (e->over)
			return "";
		loop_once(core.loop, 10 * USEC_MSEC);
		ssize_t n = recv(e->fd, e->text + e->len, sizeof e->text - e->len, 0);
		e->over = n == 0 || (n < 0 && errno == ECONNRESET);
		e->len += n > 0 ? (size_t)n : 0;
	}
	fail_msg("no line came");
	return "";
}

static void expect(struct end *e, const char *want)
{
	const char *got = line(e);
	if (strncmp(got, want, strlen(want)) != 0 || (!*want && *got))
		fail_msg("wanted \"%s\", got \"%s\"", want, got);
}

static struct end *welcome(const char *hello)
{
	struct end *e = come();
	tell(e, hello);
	expect(e, "welcome name=");
	return e;
}

/* Runs the loop until something is so. */
static bool connected(const char *name)
{
	for (int i = 0; i < ROUNDS; i++) {
		if (program_socket_counters[PROGRAM_PEERS].value == 0)
			return false;
		loop_once(core.loop, 10 * USEC_MSEC);
	}
	return true;
}

/* ---- the transfer's end ---- */

struct emitted {
	int n;
	uint8_t data[64];
	size_t len;
};

static bool emit(const void *data, size_t len, void *arg)
{
	struct emitted *e = arg;
	assert_true(e->len + len <= sizeof e->data);
	memcpy(e->data + e->len, data, len);
	e->len += len;
	e->n++;
	return true;
}

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;
	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct emitted collect(uint16_t fpt, const char *mobile)
{
	struct emitted e = {0};
	struct feature_subject s = {.previous = addr(mobile), .feature = feature_find(fpt)};
	s.addr = s.previous;
	assert_int_equal(s.feature->collect(&core, &s, emit, &e), 0);
	return e;
}

static uint8_t install(uint16_t fpt, const char *data, size_t len)
{
	struct feature_subject s = {.previous = addr("2001:db8:a::1"), .addr = addr("2001:db8:b::1"), .feature = feature_find(fpt)};
	return s.feature->install(&core, &s, (const uint8_t *)data, len);
}

static void forget(const char *mobile)
{
	const struct feature *all[FEATURES_MAX];
	struct in6_addr a = addr(mobile);
	size_t n = features(all, FEATURES_MAX);
	for (size_t i = 0; i < n; i++)
		all[i]->forget(&core, &a);
}

/* ---- tests ---- */

static void what_is_deposited_is_collected(void **state)
{
	struct end *e = welcome("hello fpt=65400\n");
	tell(e, "put mobile=2001:db8:a::1 data=QUJD data=AA==\nput mobile=192.0.2.1 data=eA==\n");
	expect(e, "done mobile=2001:db8:a::1");
	expect(e, "done mobile=192.0.2.1");
	struct emitted got = collect(65400, "2001:db8:a::1");
	assert_int_equal(got.n, 2);
	assert_int_equal(got.len, 8);
	assert_memory_equal(got.data, "\x00\x03" "ABC" "\x00\x01\x00", 8);
	assert_int_equal(collect(65400, "192.0.2.1").n, 1);
	assert_int_equal(collect(65400, "2001:db8:a::2").n, 0);
	assert_int_equal(collect(65401, "2001:db8:a::1").n, 0); /* another's */
	tell(e, "put mobile=2001:db8:a::1 data=eHk=\n"); /* in the place of both */
	expect(e, "done");
	got = collect(65400, "2001:db8:a::1");
	assert_memory_equal(got.data, "\x00\x02xy", 4);
	tell(e, "put mobile=2001:db8:a::1\n");
	expect(e, "done");
	assert_int_equal(collect(65400, "2001:db8:a::1").n, 0);
	leave(e);
}

/* It may know the mobile by another of its addresses. */
static void any_address_of_the_mobile_serves(void **state)
{
	struct in6_addr pcoa = addr("2001:db8:a::1"), v4 = addr("192.0.2.1");
	struct mobile *m = mobile_get(core.mobiles, &pcoa);
	struct end *e = welcome("hello fpt=65400\n");
	mobile_add_addr(core.mobiles, m, &v4);
	tell(e, "put mobile=192.0.2.1 data=eA==\n");
	expect(e, "done");
	assert_int_equal(collect(65400, "2001:db8:a::1").n, 1);
	forget("2001:db8:a::1");
	expect(e, "forget mobile=2001:db8:a::1");
	expect(e, "forget mobile=192.0.2.1");
	assert_int_equal(collect(65400, "192.0.2.1").n, 0);
	leave(e);
}

static void a_block_is_handed_over_and_spoken_of(void **state)
{
	struct end *e = welcome("hello fpt=65400\n");
	assert_int_equal(install(65400, "\x00\x03" "ABC\0\0\0", 8), FEATURE_PENDING);
	assert_int_equal(install(65400, "\x00\x00\0\0", 4), FEATURE_PENDING);
	expect(e, "install id=1 mobile=2001:db8:b::1 previous=2001:db8:a::1 interface=- link_address=- data=QUJD");
	expect(e, "install id=2 mobile=2001:db8:b::1 previous=2001:db8:a::1 interface=- link_address=- data=");
	tell(e, "status id=2 status=77 reason=not today, thank you\nstatus id=9 status=0\nstatus id=2 status=0\nput mobile=2001:db8::9\n");
	expect(e, "done");
	assert_int_equal(told_n, 1); /* of the others nothing was asked, or no longer */
	assert_int_equal(told.u.installed.fpt, 65400);
	assert_int_equal(told.u.installed.status, 77);
	assert_string_equal(told_reason, "not today, thank you");
	struct in6_addr previous = addr("2001:db8:a::1");
	assert_true(addr_eq(&told.u.installed.previous, &previous));
	tell(e, "status id=1 status=0\nput mobile=2001:db8::9\n");
	expect(e, "done");
	assert_int_equal(told_n, 2);
	assert_int_equal(told.u.installed.status, 0);
	assert_string_equal(told_reason, "");
	assert_int_equal(install(65400, "\x00\x09" "ABC", 5), FEATURE_MALFORMED);
	leave(e);
}

static void a_program_that_goes_takes_everything_along(void **state)
{
	struct end *e = welcome("hello fpt=65400\n");
	assert_int_equal(install(65401, "\x00\x00", 2), FEATURE_NO_PROGRAM);
	tell(e, "put mobile=2001:db8:a::1 data=QUJD\n");
	expect(e, "done");
	assert_int_equal(install(65400, "\x00\x00", 2), FEATURE_PENDING);
	leave(e);
	assert_false(connected("sessions"));
	assert_int_equal(told_n, 1);
	assert_int_equal(told.u.installed.status, FEATURE_NO_PROGRAM);
	assert_int_equal(collect(65400, "2001:db8:a::1").n, 0);
	assert_int_equal(install(65400, "\x00\x00", 2), FEATURE_NO_PROGRAM);
	e = welcome("hello fpt=65400\n"); /* and may come again */
	assert_int_equal(install(65400, "\x00\x00", 2), FEATURE_PENDING);
	leave(e);
}

static void a_mobile_that_left_is_forgotten_once(void **state)
{
	struct end *e = welcome("hello fpt=65400\n"), *o = welcome("hello fpt=65401\n");
	tell(e, "put mobile=2001:db8:a::1 data=QUJD\n");
	expect(e, "done");
	forget("2001:db8:a::1");
	expect(e, "forget mobile=2001:db8:a::1");
	expect(o, "forget mobile=2001:db8:a::1");
	assert_int_equal(collect(65400, "2001:db8:a::1").n, 0);
	tell(e, "put mobile=2001:db8::9\n");
	expect(e, "done"); /* not another "forget" before it */
	leave(e);
	leave(o);
}

static void deposits_are_bounded(void **state)
{
	static uint8_t octets[PROGRAM_BLOCK_MAX];
	static char text[8192];
	struct end *e = welcome("hello fpt=65400\n");
	tell(e, "put mobile=2001:db8::1 data=QQ==\nput mobile=2001:db8::2 data=QQ==\nput mobile=2001:db8::3 data=QQ==\n");
	for (int i = 0; i < 3; i++)
		expect(e, "done");
	tell(e, "put mobile=2001:db8::4 data=QQ==\nput mobile=2001:db8::2 data=QUI=\nput mobile=2001:db8::3\nput mobile=2001:db8::4 data=QQ==\n");
	expect(e, "failed mobile=2001:db8::4 reason=limit");
	expect(e, "done mobile=2001:db8::2");
	expect(e, "done mobile=2001:db8::3");
	expect(e, "done mobile=2001:db8::4");
	/* 4096 octets for all of them: with two of the largest blocks they are all but used up. */
	for (int i = 1; i <= 2; i++) {
		int at = snprintf(text, sizeof text, "put mobile=2001:db8::%d data=", i);
		at += (int)base64_encode(octets, sizeof octets, text + at);
		strcpy(text + at, "\n");
		tell(e, text);
	}
	expect(e, "done mobile=2001:db8::1");
	expect(e, "done mobile=2001:db8::2");
	tell(e, "put mobile=2001:db8::4 data=QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB\n");
	expect(e, "failed mobile=2001:db8::4 reason=limit");
	assert_true(program_counters[PROGRAM_OCTETS].value <= 4096);
	leave(e);
}

static void refuse(const char *text, const char *answer)
{
	struct end *e = come();
	tell(e, text);
	expect(e, answer);
	expect(e, "");
	leave(e);
}

static void who_does_not_keep_to_the_rules_is_sent_away(void **state)
{
	static char text[PROGRAM_LINE_MAX + 2];
	struct end *e = welcome("hello fpt=65400\n");
	refuse("put mobile=2001:db8::1\n", "error reason=hello comes first");
	refuse("hello fpt=1\n", "error reason=no program with this fpt is configured");
	refuse("hello fpt=65400\n", "error reason=another connection has this feature");
	refuse("hallo\n", "error reason=no such request");
	struct end *o = welcome("hello fpt=65401\n");
	tell(o, "hello fpt=65401\n");
	expect(o, "error reason=one feature for each connection");
	expect(o, "");
	leave(o);
	memset(text, 'x', PROGRAM_LINE_MAX);
	o = welcome("hello fpt=65401\n");
	tell(o, text);
	expect(o, "error reason=line too long");
	expect(o, "");
	leave(o);
	tell(e, "put mobile=2001:db8::1\n"); /* it has kept to them */
	expect(e, "done");
	leave(e);
}

/* It reads nothing: its queue fills, and it is cut off; the loop never waits. */
static void a_program_that_does_not_read_is_cut_off(void **state)
{
	static char data[2 + PROGRAM_BLOCK_MAX] = {PROGRAM_BLOCK_MAX >> 8, (char)(PROGRAM_BLOCK_MAX & 0xff)};
	struct end *e = welcome("hello fpt=65400\n");
	uint64_t cut = program_socket_counters[PROGRAM_PEERS_CUT_OFF].value;
	uint8_t status = FEATURE_PENDING;
	int n = 0;
	for (; status == FEATURE_PENDING && n < 5000; n++)
		status = install(65400, data, sizeof data);
	assert_true(status == FEATURE_NO_PROGRAM || status == FEATURE_NO_RESOURCES);
	if (status == FEATURE_NO_PROGRAM)
		assert_int_equal(program_socket_counters[PROGRAM_PEERS_CUT_OFF].value, cut + 1);
	if (status == FEATURE_NO_PROGRAM)
		assert_false(connected("sessions"));
	leave(e);
}

static void a_reload_changes_only_what_differs(void **state)
{
	struct end *e = welcome("hello fpt=65400\n"), *o = welcome("hello fpt=65401\n");
	tell(e, "put mobile=2001:db8:a::1 data=QUJD\n");
	expect(e, "done");
	again("{ fpt = 65400; name = \"sessions\"; }, { fpt = 65402; name = \"other\"; }", "");
	expect(o, "");
	assert_int_equal(collect(65400, "2001:db8:a::1").n, 1);
	assert_null(feature_find(65401));
	assert_string_equal(feature_find(65402)->name, "other");
	again("", ""); /* none any more: no socket either */
	expect(e, "");
	assert_int_equal(access(path, F_OK), -1);
	assert_null(feature_find(65400));
	again(TWO, "");
	leave(e);
	leave(o);
	e = welcome("hello fpt=65401\n");
	char old[sizeof path];
	strcpy(old, path);
	snprintf(path, sizeof path, "%s/moved", dir);
	again(TWO, "");
	assert_int_equal(access(old, F_OK), -1);
	o = welcome("hello fpt=65400\n");
	tell(e, "put mobile=2001:db8:a::1 data=QUJD\n"); /* who was there stays */
	expect(e, "done");
	leave(e);
	leave(o);
}

/* ---- who may come ---- */

#define NOBODY 65534
#define SOME_GROUP 4321

/* Says hello as somebody else; its exit status tells what came of it: 0 welcome, 1 refused. */
static int hello_as(uid_t uid, gid_t gid)
{
	int status = -1;
	pid_t pid = fork();
	if (!pid) {
		gid_t more[] = {gid};
		char buf[256] = "";
		struct sockaddr_un a = {.sun_family = AF_UNIX};
		snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
		if (setgroups(1, more) || setgid(NOBODY) || setuid(uid))
			_exit(2);
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0)
			_exit(3);
		if (send(fd, "hello fpt=65400\n", 16, MSG_NOSIGNAL) < 0 || recv(fd, buf, sizeof buf - 1, 0) <= 0)
			_exit(1);
		_exit(strncmp(buf, "welcome", 7) != 0);
	}
	for (int i = 0; i < ROUNDS && waitpid(pid, &status, WNOHANG) == 0; i++)
		loop_once(core.loop, 10 * USEC_MSEC);
	assert_true(WIFEXITED(status));
	assert_false(connected("sessions"));
	return WEXITSTATUS(status);
}

static mode_t permissions(void)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 0777;
}

static void only_the_right_users_may_come(void **state)
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(permissions(), 0600);
	assert_int_equal(hello_as(NOBODY, NOBODY), 3);
	assert_int_equal(hello_as(0, NOBODY), 0);
	again("{ fpt = 65400; name = \"sessions\"; }, { fpt = 65401; name = \"other\"; user = \"65533\"; }", "");
	assert_int_equal(permissions(), 0666);
	assert_int_equal(hello_as(NOBODY, NOBODY), 1);
	assert_int_equal(hello_as(65533, NOBODY), 1); /* that is for the other feature */
	again("{ fpt = 65400; name = \"sessions\"; user = \"65534\"; }", "");
	assert_int_equal(hello_as(NOBODY, NOBODY), 0);
	again("{ fpt = 65400; name = \"sessions\"; group = \"4321\"; }", "mode = \"0777\";");
	assert_int_equal(permissions(), 0777);
	assert_int_equal(hello_as(65533, NOBODY), 1);
	assert_int_equal(hello_as(65533, SOME_GROUP), 0); /* not its first group, but one of them */
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(what_is_deposited_is_collected),
		T(any_address_of_the_mobile_serves),
		T(a_block_is_handed_over_and_spoken_of),
		T(a_program_that_goes_takes_everything_along),
		T(a_mobile_that_left_is_forgotten_once),
		T(deposits_are_bounded),
		T(who_does_not_keep_to_the_rules_is_sent_away),
		T(a_program_that_does_not_read_is_cut_off),
		T(a_reload_changes_only_what_differs),
		T(only_the_right_users_may_come),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
