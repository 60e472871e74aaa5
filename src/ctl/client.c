#include "config.h"

#include "ctl/client.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl/command.h"
#include "ctl/ctl.h"

#define ANSWER_SECONDS 30 /* a daemon that says nothing for so long is taken for dead; not for watch */

static const char usage[] = "usage: handoverctl [-s SOCKET] [-j] COMMAND\n"
                            "  -s SOCKET  the daemon's control socket (default " CTL_SOCKET_DEFAULT ")\n"
                            "  -j         JSON instead of text\n"
                            "  --version  print the version and exit\n"
                            "\"handoverctl help\" lists the commands.\n";

struct options {
	const char *socket;
	bool json;
	char **words;
	int n;
};

static int say_usage(FILE *f)
{
	fputs(usage, f);
	return f == stdout ? 0 : 2;
}

/* -1: go on; else the exit status. */
static int options_parse(int argc, char **argv, struct options *o)
{
	*o = (struct options){ .socket = CTL_SOCKET_DEFAULT };
	if (argc > 1 && strcmp(argv[1], "--help") == 0)
		return say_usage(stdout);
	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		puts("handoverctl " PACKAGE_VERSION);
		return 0;
	}
	optind = 1;
	for (int c; (c = getopt(argc, argv, "+s:jh")) != -1;) {
		if (c == 's')
			o->socket = optarg;
		else if (c == 'j')
			o->json = true;
		else
			return say_usage(c == 'h' ? stdout : stderr);
	}
	o->words = argv + optind;
	o->n = argc - optind;
	return o->n > 0 ? -1 : say_usage(stderr);
}

/* The request line with its newline; its length, or 0 if it cannot be one. */
static size_t request_make(const struct options *o, char line[COMMAND_LINE_MAX])
{
	size_t len = (size_t)snprintf(line, COMMAND_LINE_MAX, "%s", o->json ? "json" : "text");
	for (int i = 0; i < o->n; i++) {
		const char *w = o->words[i];
		if (!*w || strpbrk(w, " \n\r\t"))
			return 0;
		int n = snprintf(line + len, COMMAND_LINE_MAX - len, " %s", w);
		if (n < 0 || (size_t)n >= COMMAND_LINE_MAX - len - 1)
			return 0;
		len += (size_t)n;
	}
	line[len++] = '\n';
	return len;
}

static int daemon_connect(const struct options *o)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	if (strlen(o->socket) >= sizeof a.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(a.sun_path, o->socket);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	struct timeval patience = { .tv_sec = ANSWER_SECONDS };
	if (strcmp(o->words[0], "watch") != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0) {
		int e = errno;
		close(fd);
		errno = e;
		return -1;
	}
	return fd;
}

static bool send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static bool copy_body(FILE *from, FILE *to, size_t len)
{
	char part[8192];
	while (len) {
		size_t n = fread(part, 1, len < sizeof part ? len : sizeof part, from);
		if (n == 0)
			return false;
		fwrite(part, 1, n, to);
		len -= n;
	}
	return true;
}

/* Prints frames until the last one; the exit status. */
static int answers_print(FILE *from)
{
	char head[64], status[16];
	size_t len;
	while (fgets(head, sizeof head, from)) {
		if (sscanf(head, "%15s %zu", status, &len) != 2)
			break;
		bool more = strcmp(status, "more") == 0, ok = strcmp(status, "ok") == 0;
		FILE *to = more || ok ? stdout : stderr;
		if (to == stderr)
			fputs("handoverctl: ", stderr);
		bool whole = copy_body(from, to, len);
		if (to == stderr)
			fputc('\n', stderr);
		if (fflush(to) != 0 || ferror(to)) {
			fprintf(stderr, "handoverctl: cannot write: %s\n", strerror(errno));
			return 2;
		}
		if (!whole)
			break;
		if (!more)
			return ok ? 0 : strcmp(status, "refused") == 0 ? 1 : 2;
	}
	fprintf(stderr, "handoverctl: the daemon %s\n", ferror(from) && errno == EAGAIN ? "does not answer" : "broke off");
	return 2;
}

/* The command table is in this program, too: its part of the help needs no daemon. */
static int help_without_daemon(const struct options *o)
{
	struct core core = { 0 };
	struct command_request r = { .form = o->json ? FORM_JSON : FORM_TEXT, .n = 1, .words = { "help" } };
	struct textbuf b = { 0 };
	int rc = command_run(&core, &r, &b) == COMMAND_OK ? 0 : 2;
	if (b.data)
		fputs(b.data, stdout);
	textbuf_free(&b);
	return rc;
}

int ctl_client_main(int argc, char **argv)
{
	struct options o;
	int rc = options_parse(argc, argv, &o);
	if (rc >= 0)
		return rc;
	char line[COMMAND_LINE_MAX];
	size_t len = request_make(&o, line);
	if (!len) {
		fprintf(stderr, "handoverctl: words must be short and without blanks\n");
		return 2;
	}
	int fd = daemon_connect(&o);
	if (fd < 0) {
		if (strcmp(o.words[0], "help") == 0)
			return help_without_daemon(&o);
		fprintf(stderr, "handoverctl: no daemon at %s: %s\n", o.socket, strerror(errno));
		return 2;
	}
	FILE *from = fdopen(fd, "r");
	if (!from) {
		close(fd);
		return 2;
	}
	/* A daemon that refuses at once has answered already when sending fails. */
	send_all(fd, line, len);
	rc = answers_print(from);
	fclose(from);
	return rc;
}
