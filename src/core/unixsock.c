#define _GNU_SOURCE 1 /* SOCK_NONBLOCK */
#include "core/unixsock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 16

void unixsock_check(const char *setting, const char *path, const struct config_where *where, struct config_errors *errors)
{
	char dir[sizeof((struct sockaddr_un *)0)->sun_path];
	struct stat st;

	if (path[0] != '/') {
		config_error(errors, where, "%s \"%s\" is relative; write a path that begins with /", setting, path);
	} else if (strlen(path) >= sizeof dir) {
		config_error(errors, where, "%s is %zu octets long; a socket's path has at most %zu", setting, strlen(path),
		             sizeof dir - 1);
	} else {
		strcpy(dir, path);
		char *slash = strrchr(dir, '/');
		slash[slash == dir] = '\0';
		if (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode))
			config_error(errors, where, "%s \"%s\": there is no directory %s; make it, or name another", setting, path, dir);
	}
}

/* Does anybody listen at this address? A full backlog says yes, too. */
static bool somebody_listens(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return true;
	bool yes = connect(fd, (const struct sockaddr *)a, sizeof *a) == 0 || (errno != ECONNREFUSED && errno != ENOENT);
	close(fd);
	return yes;
}

/* Frees the path for us: an earlier life's socket goes, anything else stays. NULL, or why not. */
static const char *path_clear(const struct sockaddr_un *a)
{
	struct stat st;
	if (lstat(a->sun_path, &st) < 0)
		return errno == ENOENT ? NULL : strerror(errno);
	if (!S_ISSOCK(st.st_mode))
		return "something that is no socket stands there";
	if (somebody_listens(a))
		return "another daemon listens there";
	return unlink(a->sun_path) < 0 && errno != ENOENT ? strerror(errno) : NULL;
}

static int listen_at(const char *path, mode_t mode, const char **why)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	*why = "the path is too long";
	if (strlen(path) >= sizeof a.sun_path)
		return -1;
	strcpy(a.sun_path, path);
	*why = path_clear(&a);
	if (*why)
		return -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		*why = strerror(errno);
		return -1;
	}
	mode_t mask = umask(~mode & 0777); /* not for a moment open to more */
	int rc = bind(fd, (struct sockaddr *)&a, sizeof a);
	umask(mask);
	if (rc == 0)
		rc = listen(fd, BACKLOG);
	if (rc < 0) {
		*why = strerror(errno);
		close(fd);
		return -1;
	}
	return fd;
}

int unixsock_open(struct unixsock *s, const char *path, mode_t mode, const char **why)
{
	struct stat st;
	int fd = listen_at(path, mode, why);
	if (fd < 0)
		return -1;
	*s = (struct unixsock){ .fd = fd, .inode = lstat(path, &st) == 0 ? st.st_ino : 0 };
	snprintf(s->path, sizeof s->path, "%s", path);
	return 0;
}

void unixsock_close(struct unixsock *s)
{
	struct stat st;
	close(s->fd);
	if (lstat(s->path, &st) == 0 && st.st_ino == s->inode)
		unlink(s->path);
}
