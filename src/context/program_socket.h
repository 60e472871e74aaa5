/*
 * The socket that other programs come to: listening, lines in, lines out. Nobody is waited for: what a program does not
 * read stays in a bounded queue, and beyond that the program is cut off. What the lines mean is program.c's.
 */
#ifndef HANDOVERD_CONTEXT_PROGRAM_SOCKET_H
#define HANDOVERD_CONTEXT_PROGRAM_SOCKET_H

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include "core/counter.h"
#include "core/loop.h"

struct program_peer; /* one connection */

/* Who connects, as the kernel says (SO_PEERCRED, SO_PEERGROUPS). */
struct program_who {
	pid_t pid;
	uid_t uid;
	gid_t gid;
	gid_t groups[256]; /* further ones; one with more has none that count */
	size_t groups_n;
};

struct program_socket_ops {
	bool (*admit)(const struct program_who *who, void *arg); /* may it come? It is sent away without a word if not */
	/* A line without its LF. False: the connection ends once what was sent has been read. */
	bool (*line)(struct program_peer *p, const char *line, size_t len, void *arg);
	/* The connection is over, whoever ended it; not called from within program_send. */
	void (*gone)(struct program_peer *p, void *arg);
};

struct program_socket_config {
	char path[sizeof((struct sockaddr_un *)0)->sun_path];
	mode_t mode;
	size_t peers; /* at most so many at once */
	size_t queue; /* octets one may leave unread */
	usec_t idle;  /* until the first line */
};

struct program_socket;
/* NULL after logging why. Copies config. */
struct program_socket *program_socket_open(struct loop *l, const struct program_socket_config *config,
                                           const struct program_socket_ops *ops, void *arg);
/* Another path is listened at from now on, if it can be; connections stay. */
void program_socket_reconfigure(struct program_socket *s, const struct program_socket_config *config);
void program_socket_close(struct program_socket *s); /* ends every connection; NULL allowed */

/* Queues octets. False: the queue was full, and the connection will end. */
bool program_send(struct program_peer *p, const char *text, size_t len);
void program_end(struct program_peer *p); /* soon, not from within this call; gone follows */
bool program_who(const struct program_peer *p, struct program_who *out); /* false: the kernel does not say */
void *program_user(const struct program_peer *p); /* the owner's to use; NULL at first */
void program_set_user(struct program_peer *p, void *user);

enum { PROGRAM_PEERS, PROGRAM_PEERS_REFUSED, PROGRAM_PEERS_CUT_OFF, PROGRAM_PEERS_IDLE, PROGRAM_SOCKET_COUNTERS };
extern struct counter program_socket_counters[PROGRAM_SOCKET_COUNTERS];

#endif
