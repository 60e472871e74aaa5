/*
 * Log lines. One format: the event in plain words, then key=value fields. To standard error (foreground), to syslog, and,
 * where the journal listens, to the journal with the same keys as fields (HANDOVERD_MOBILE=…).
 *
 * A line about a decision names the event, mobile, peer, reason, threshold and actual value. A line that a stranger's
 * packet can cause goes through log_limited. Secrets never come here.
 */
#ifndef HANDOVERD_CORE_LOG_H
#define HANDOVERD_CORE_LOG_H

#include <stdarg.h>
#include <stdbool.h>

#include "core/loop.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

enum log_sink { LOG_SINK_STDERR, LOG_SINK_SYSLOG, LOG_SINK_JOURNAL };

/* Opens the sink; `ident` is borrowed for the life of the process. Before this, lines go to standard error. */
void log_open(enum log_sink sink, const char *ident);
void log_close(void);
bool log_journal_there(void);                /* does a journal listen on this machine? */
void log_journal_socket(const char *path);   /* tests: another socket than the journal's; borrowed; NULL: the journal's */
/* Lines up to this level pass (default: info). At LOG_LEVEL_DEBUG every topic is on. */
void log_level_set(enum log_level level);
/* Debug topics (-d TOPIC,…): a comma-separated list, "all" for every one. Borrowed until the next call. */
void log_topics_set(const char *topics);
bool log_topic_enabled(const char *topic);
bool log_level_enabled(enum log_level level); /* for every topic */

/*
 * One line: `topic` is the module ("fmip6"), fmt the message with its key=value fields written out, e.g.
 *   LOG_NOTICE("fmip6", "FBU refused mobile=%s peer=%s reason=%s", …)
 * Words of the form key=value are recognised in the result and handed to the journal as fields; a value with spaces is
 * written in double quotes.
 */
void log_line(enum log_level level, const char *topic, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
#define LOG_ERROR(topic, ...) log_line(LOG_LEVEL_ERROR, topic, __VA_ARGS__)
#define LOG_WARNING(topic, ...) log_line(LOG_LEVEL_WARNING, topic, __VA_ARGS__)
#define LOG_NOTICE(topic, ...) log_line(LOG_LEVEL_NOTICE, topic, __VA_ARGS__)
/* Of those there may be many a second: what they say is only put together if somebody wants it. */
#define LOG_INFO(topic, ...)                                                                                                 \
	do {                                                                                                                     \
		if (log_level_enabled(LOG_LEVEL_INFO))                                                                               \
			log_line(LOG_LEVEL_INFO, topic, __VA_ARGS__);                                                                    \
	} while (0)
#define LOG_DEBUG(topic, ...)                                                                                                \
	do {                                                                                                                     \
		if (log_topic_enabled(topic))                                                                                        \
			log_line(LOG_LEVEL_DEBUG, topic, __VA_ARGS__);                                                                   \
	} while (0)

/*
 * A token bucket for lines and for messages: `burst` at once, then `per_second`. bucket_take returns true while there is
 * room and counts what it refused in `refused`. log_limited additionally tells, with the next line that passes, how many
 * were suppressed.
 */
struct bucket {
	double per_second;
	double burst;
	double level;
	usec_t last;
	uint64_t refused;
};
void bucket_init(struct bucket *b, double per_second, double burst);
bool bucket_take(struct bucket *b, usec_t now);
void log_limited(struct bucket *b, usec_t now, enum log_level level, const char *topic, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Tests, and the start in the background: every line that passes goes to fn as well (NULL ends it). */
typedef void log_tap_fn(enum log_level level, const char *topic, const char *line, void *arg);
void log_tap(log_tap_fn *fn, void *arg);

#endif
