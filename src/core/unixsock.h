/* A UNIX stream socket that listens at a path, and takes the path with it when it goes. */
#ifndef HANDOVERD_CORE_UNIXSOCK_H
#define HANDOVERD_CORE_UNIXSOCK_H

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "core/config.h"

struct unixsock {
	char path[sizeof((struct sockaddr_un *)0)->sun_path];
	ino_t inode; /* of what we bound, so that we remove nobody else's */
	int fd;
};

/* Complains about a path that cannot be listened at. setting: what the path is called in the file. */
void unixsock_check(const char *setting, const char *path, const struct config_where *where, struct config_errors *errors);
/* Listens, non-blocking, with these permissions from the first moment on. An earlier life's socket at the path goes, anything
 * else stays. 0, or -1 and why not in *why. */
int unixsock_open(struct unixsock *s, const char *path, mode_t mode, const char **why);
void unixsock_close(struct unixsock *s);

#endif
