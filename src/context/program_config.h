/* The settings context.programs and context.socket: programs with contexts of their own, and the socket they come to. */
#ifndef HANDOVERD_CONTEXT_PROGRAM_CONFIG_H
#define HANDOVERD_CONTEXT_PROGRAM_CONFIG_H

#include <sys/types.h>

#include "core/config.h"

#define PROGRAMS_MAX 8        /* features of programs; the registry has room for others beside them */
#define PROGRAM_NAME_MAX 21   /* octets: records keep no more */
#define PROGRAM_SOCKET_DEFAULT RUNSTATEDIR "/handoverd-context.sock"

struct context_program {
	struct config_where where;
	int64_t fpt;
	char *name, *user, *group; /* user, group: NULL: nobody further */
};

struct context_socket {
	struct config_where where;
	char *path, *mode;
	uint64_t queue, memory, memory_mobile;
	int64_t mobiles;
};

extern const struct config_table program_table, program_socket_table;

/* By name or number. False: there is none. An empty or missing name gives an id that nobody has. */
bool program_user_id(const char *user, uid_t *out);
bool program_group_id(const char *group, gid_t *out);
const char *program_socket_path(const struct context_socket *s);
/* As written; else for the owner alone, or for everybody where a program has a user or group of its own: who may stay is
 * decided when it has come. False: not written in octal digits. */
bool program_socket_mode(const struct context_socket *s, const struct config_list *programs, mode_t *out);

/* taken: which feature has that name or number already, or NULL. */
void program_check(const struct config_list *programs, const struct context_socket *s,
                   const char *(*taken)(const char *name, uint16_t fpt, const void *arg), const void *arg,
                   struct config_errors *errors);

#endif
