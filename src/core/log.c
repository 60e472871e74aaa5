/*
 * Log lines: one place decides whether a line passes, writes it once, and hands it to one sink. The journal is spoken to
 * directly (a datagram of NAME=value lines), which is all that libsystemd would do for us here.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

/* syslog's names are ours too: keep its values, then let go of its macros. */
enum { PRIORITY_ERROR = LOG_ERR, PRIORITY_WARNING = LOG_WARNING, PRIORITY_NOTICE = LOG_NOTICE, PRIORITY_INFO = LOG_INFO,
       PRIORITY_DEBUG = LOG_DEBUG };
#undef LOG_WARNING
#undef LOG_NOTICE
#undef LOG_INFO
#undef LOG_DEBUG
#include "core/log.h"

#define LINE_MAX_LEN 2048
#define JOURNAL_FIELDS_MAX 48
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static const struct {
	const char *name;
	int priority;
} levels[] = {
	[LOG_LEVEL_ERROR] = {"error", PRIORITY_ERROR},
	[LOG_LEVEL_WARNING] = {"warning", PRIORITY_WARNING},
	[LOG_LEVEL_NOTICE] = {"notice", PRIORITY_NOTICE},
	[LOG_LEVEL_INFO] = {"info", PRIORITY_INFO},
	[LOG_LEVEL_DEBUG] = {"debug", PRIORITY_DEBUG},
};

static struct {
	enum log_sink sink;
	enum log_level level;
	const char *ident;
	const char *topics;
	const char *journal_path;
	int journal_fd;
	log_tap_fn *tap;
	void *tap_arg;
} state = {.sink = LOG_SINK_STDERR, .level = LOG_LEVEL_INFO, .ident = "handoverd", .journal_path = JOURNAL_SOCKET,
           .journal_fd = -1};

void log_open(enum log_sink sink, const char *ident)
{
	log_close();
	state.ident = ident;
	state.sink = sink;
	/* syslog stays ready under the journal too: lines go there while the journal restarts. */
	if (sink != LOG_SINK_STDERR)
		openlog(ident, LOG_PID | LOG_NDELAY, LOG_DAEMON);
	if (sink == LOG_SINK_JOURNAL)
		state.journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

void log_close(void)
{
	if (state.sink != LOG_SINK_STDERR)
		closelog();
	if (state.journal_fd >= 0)
		close(state.journal_fd);
	state.journal_fd = -1;
	state.sink = LOG_SINK_STDERR;
}

void log_journal_socket(const char *path)
{
	state.journal_path = path ? path : JOURNAL_SOCKET;
}

bool log_journal_there(void)
{
	return access(state.journal_path, W_OK) == 0;
}

void log_level_set(enum log_level level)
{
	state.level = level;
}

void log_topics_set(const char *topics)
{
	state.topics = topics;
}

bool log_topic_enabled(const char *topic)
{
	if (state.level >= LOG_LEVEL_DEBUG)
		return true;
	for (const char *p = state.topics; p && *p;) {
		size_t n = strcspn(p, ",");
		if ((n == 3 && !memcmp(p, "all", 3)) || (n == strlen(topic) && !memcmp(p, topic, n)))
			return true;
		p += n + (p[n] == ',');
	}
	return false;
}

bool log_level_enabled(enum log_level level)
{
	return level <= state.level;
}

static bool passes(enum log_level level, const char *topic)
{
	return log_level_enabled(level) || (level == LOG_LEVEL_DEBUG && log_topic_enabled(topic));
}

void log_tap(log_tap_fn *fn, void *arg)
{
	state.tap = fn;
	state.tap_arg = arg;
}

/* A stranger's bytes must not begin a line of their own, nor colour a terminal. */
static void make_printable(char *line)
{
	for (unsigned char *p = (unsigned char *)line; *p; p++)
		if (*p < ' ' || *p == 0x7f)
			*p = ' ';
}

static void to_stderr(enum log_level level, const char *topic, const char *line)
{
	struct timespec ts;
	struct tm tm;
	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);
	fprintf(stderr, "%02d:%02d:%02d.%03ld %s %s: %s\n", tm.tm_hour, tm.tm_min, tm.tm_sec, ts.tv_nsec / 1000000,
	        levels[level].name, topic, line);
}

static void to_syslog(enum log_level level, const char *topic, const char *line)
{
	syslog(levels[level].priority, "%s: %s", topic, line);
}

/* Text being put together; what does not fit is left out whole. */
struct text {
	char *p;
	size_t len, cap;
};

static bool text_add(struct text *t, const char *data, size_t n)
{
	if (n > t->cap - t->len)
		return false;
	memcpy(t->p + t->len, data, n);
	t->len += n;
	return true;
}

static bool key_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static bool text_add_field(struct text *t, const char *key, size_t key_len, const char *value, size_t value_len)
{
	size_t start = t->len;
	bool ok = text_add(t, "HANDOVERD_", 10);
	for (size_t i = 0; ok && i < key_len; i++) {
		char c = key[i] >= 'a' && key[i] <= 'z' ? (char)(key[i] - 'a' + 'A') : key[i] == '-' ? '_' : key[i];
		ok = text_add(t, &c, 1);
	}
	ok = ok && text_add(t, "=", 1) && text_add(t, value, value_len) && text_add(t, "\n", 1);
	if (!ok)
		t->len = start;
	return ok;
}

/* The key=value words of a line, each as a field. A value in double quotes may hold spaces. */
static void text_add_fields(struct text *t, const char *line)
{
	size_t fields = 0;
	for (const char *p = line; *p && fields < JOURNAL_FIELDS_MAX;) {
		const char *key = p;
		while (key_char(*p))
			p++;
		if (p > key && *p == '=' && (key == line || key[-1] == ' ')) {
			size_t key_len = (size_t)(p - key);
			const char *value = ++p;
			bool quoted = *p == '"';
			if (quoted)
				value = ++p;
			p += strcspn(p, quoted ? "\"" : " ");
			text_add_field(t, key, key_len, value, (size_t)(p - value));
			fields++;
		}
		p += strcspn(p, " ");
		p += strspn(p, " ");
	}
}

static bool to_journal(enum log_level level, const char *topic, const char *line)
{
	char data[3 * LINE_MAX_LEN];
	int n = snprintf(data, sizeof data, "MESSAGE=%s: %s\nPRIORITY=%d\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=%s\n"
	                 "HANDOVERD_TOPIC=%s\n", topic, line, levels[level].priority, state.ident, topic);
	if (n < 0 || (size_t)n >= sizeof data)
		return false;
	struct text t = {.p = data, .len = (size_t)n, .cap = sizeof data};
	text_add_fields(&t, line);
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	snprintf(to.sun_path, sizeof to.sun_path, "%s", state.journal_path);
	return sendto(state.journal_fd, data, t.len, MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof to) >= 0;
}

static void log_text(enum log_level level, const char *topic, char *line)
{
	make_printable(line);
	switch (state.sink) {
	case LOG_SINK_STDERR:
		to_stderr(level, topic, line);
		break;
	case LOG_SINK_JOURNAL:
		if (to_journal(level, topic, line))
			break;
		/* fall through */
	case LOG_SINK_SYSLOG:
		to_syslog(level, topic, line);
		break;
	}
	if (state.tap)
		state.tap(level, topic, line, state.tap_arg);
}

static void log_vline(enum log_level level, const char *topic, uint64_t suppressed, const char *fmt, va_list ap)
    __attribute__((format(printf, 4, 0)));
static void log_vline(enum log_level level, const char *topic, uint64_t suppressed, const char *fmt, va_list ap)
{
	int saved = errno;
	char line[LINE_MAX_LEN];
	const size_t room = sizeof line - 40; /* for the count of suppressed lines */
	int n = vsnprintf(line, room, fmt, ap);
	size_t len = n < 0 ? 0 : (size_t)n;
	if (len >= room) {
		len = room - 1;
		memcpy(line + len - 3, "...", 3);
	}
	line[len] = '\0';
	if (suppressed)
		snprintf(line + len, sizeof line - len, " suppressed=%llu", (unsigned long long)suppressed);
	log_text(level, topic, line);
	errno = saved;
}

void log_line(enum log_level level, const char *topic, const char *fmt, ...)
{
	if (!passes(level, topic))
		return;
	va_list ap;
	va_start(ap, fmt);
	log_vline(level, topic, 0, fmt, ap);
	va_end(ap);
}

void bucket_init(struct bucket *b, double per_second, double burst)
{
	*b = (struct bucket){.per_second = per_second, .burst = burst, .level = burst};
}

bool bucket_take(struct bucket *b, usec_t now)
{
	if (now > b->last) {
		b->level += (double)(now - b->last) * b->per_second / (double)USEC_SEC;
		if (b->level > b->burst)
			b->level = b->burst;
		b->last = now;
	}
	if (b->level < 1.0) {
		b->refused++;
		return false;
	}
	b->level -= 1.0;
	return true;
}

void log_limited(struct bucket *b, usec_t now, enum log_level level, const char *topic, const char *fmt, ...)
{
	if (!passes(level, topic) || !bucket_take(b, now))
		return;
	va_list ap;
	va_start(ap, fmt);
	log_vline(level, topic, b->refused, fmt, ap);
	va_end(ap);
	b->refused = 0;
}
