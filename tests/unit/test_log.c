#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/log.h"

static char last[4096], last_topic[32];
static unsigned lines;

static void tap(enum log_level level, const char *topic, const char *line, void *arg)
{
	lines++;
	snprintf(last, sizeof last, "%s", line);
	snprintf(last_topic, sizeof last_topic, "%s", topic);
}

static int setup(void **state)
{
	lines = 0;
	last[0] = 0;
	log_level_set(LOG_LEVEL_INFO);
	log_topics_set(NULL);
	log_tap(tap, NULL);
	return 0;
}

static void test_levels_and_topics(void **state)
{
	LOG_INFO("fmip6", "seen n=%d", 1);
	LOG_DEBUG("fmip6", "not seen");
	assert_int_equal(lines, 1);
	assert_string_equal(last, "seen n=1");
	assert_string_equal(last_topic, "fmip6");
	log_topics_set("cxtp,fmip");
	assert_false(log_topic_enabled("fmip6"));
	assert_false(log_topic_enabled("cx"));
	log_topics_set("cxtp,fmip6");
	LOG_DEBUG("fmip6", "seen");
	LOG_DEBUG("net", "not seen");
	assert_int_equal(lines, 2);
	log_topics_set("all");
	LOG_DEBUG("net", "seen");
	assert_int_equal(lines, 3);
	log_topics_set(NULL);
	log_level_set(LOG_LEVEL_ERROR);
	LOG_WARNING("net", "not seen");
	LOG_ERROR("net", "seen");
	assert_int_equal(lines, 4);
	log_level_set(LOG_LEVEL_DEBUG);
	LOG_DEBUG("net", "seen: the level alone is enough");
	assert_int_equal(lines, 5);
}

static void test_hostile_text(void **state)
{
	errno = ENOENT;
	LOG_ERROR("x", "name=%s end", "a\nb\033[31m\tc\x7f");
	assert_int_equal(errno, ENOENT);
	assert_string_equal(last, "name=a b [31m c  end");
	char big[5000];
	memset(big, 'y', sizeof big - 1);
	big[sizeof big - 1] = 0;
	LOG_ERROR("x", "%s", big);
	assert_true(strlen(last) < 2048);
	assert_string_equal(last + strlen(last) - 3, "...");
}

static void test_bucket(void **state)
{
	struct bucket b;
	bucket_init(&b, 2, 3); /* three at once, then one each half second */
	usec_t t = 1000 * USEC_SEC;
	for (int i = 0; i < 3; i++)
		assert_true(bucket_take(&b, t));
	assert_false(bucket_take(&b, t));
	assert_false(bucket_take(&b, t + 499 * USEC_MSEC));
	assert_int_equal(b.refused, 2);
	assert_true(bucket_take(&b, t + 500 * USEC_MSEC));
	assert_false(bucket_take(&b, t)); /* a clock that steps back gives nothing */
	for (int i = 0; i < 3; i++)       /* rested long: the burst, no more */
		assert_true(bucket_take(&b, t + 3600 * USEC_SEC));
	assert_false(bucket_take(&b, t + 3600 * USEC_SEC));
}

static void test_limited(void **state)
{
	struct bucket b;
	bucket_init(&b, 1, 1);
	usec_t t = USEC_SEC;
	for (int i = 0; i < 5; i++)
		log_limited(&b, t, LOG_LEVEL_WARNING, "fmip6", "bad FBU src=%s", "::1");
	assert_int_equal(lines, 1);
	assert_string_equal(last, "bad FBU src=::1");
	log_limited(&b, t + USEC_SEC, LOG_LEVEL_WARNING, "fmip6", "bad FBU src=%s", "::1");
	assert_string_equal(last, "bad FBU src=::1 suppressed=4");
	log_limited(&b, t + 2 * USEC_SEC, LOG_LEVEL_WARNING, "fmip6", "again");
	assert_string_equal(last, "again");
	/* A line that would not be shown takes no token from one that would. */
	log_limited(&b, t + 3 * USEC_SEC, LOG_LEVEL_DEBUG, "fmip6", "not seen");
	log_limited(&b, t + 3 * USEC_SEC, LOG_LEVEL_WARNING, "fmip6", "seen");
	assert_string_equal(last, "seen");
}

static void test_journal(void **state)
{
	char path[] = "/tmp/test_log_XXXXXX", name[64];
	assert_non_null(mkdtemp(path));
	snprintf(name, sizeof name, "%s/socket", path);
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	snprintf(a.sun_path, sizeof a.sun_path, "%s", name);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	log_journal_socket(name);
	assert_false(log_journal_there());
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_true(log_journal_there());
	log_open(LOG_SINK_JOURNAL, "handoverd");
	LOG_NOTICE("fmip6", "FBU refused mobile=%s access-link=eth0 reason=\"no key\" (a=b) x", "2001:db8::1");
	char got[4096];
	ssize_t n = recv(fd, got, sizeof got - 1, MSG_DONTWAIT);
	assert_true(n > 0);
	got[n] = 0;
	assert_string_equal(got, "MESSAGE=fmip6: FBU refused mobile=2001:db8::1 access-link=eth0 reason=\"no key\" (a=b) x\n"
	                         "PRIORITY=5\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=handoverd\nHANDOVERD_TOPIC=fmip6\n"
	                         "HANDOVERD_MOBILE=2001:db8::1\nHANDOVERD_ACCESS_LINK=eth0\nHANDOVERD_REASON=no key\n");
	/* A journal that has gone, or does not read, stops nobody. */
	close(fd);
	unlink(name);
	LOG_NOTICE("fmip6", "nobody listens");
	assert_string_equal(last, "nobody listens");
	rmdir(path);
	log_close();
	log_journal_socket(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_levels_and_topics, setup), cmocka_unit_test_setup(test_hostile_text, setup),
		cmocka_unit_test_setup(test_bucket, setup),            cmocka_unit_test_setup(test_limited, setup),
		cmocka_unit_test_setup(test_journal, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
