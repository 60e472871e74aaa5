#include "context/program_config.h"

#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "context/program_wire.h"
#include "core/unixsock.h"

#define AT(field) offsetof(struct context_program, field)
#define SOCKET(field) offsetof(struct context_socket, field)

static const struct config_item program_items[] = {
	{ .name = "fpt", .type = CONFIG_INT, .offset = AT(fpt), .required = true, .min = 2, .max = UINT16_MAX,
	  .help = "The feature's number (Feature Profile Type); the same on every router." },
	{ .name = "name", .type = CONFIG_STRING, .offset = AT(name), .required = true,
	  .help = "What the feature is called: small letters, digits and dashes, at most 21." },
	{ .name = "user", .type = CONFIG_STRING, .offset = AT(user),
	  .help = "The user, by name or number, whose program this is; root and handoverd's own user may always come." },
	{ .name = "group", .type = CONFIG_STRING, .offset = AT(group),
	  .help = "The group, by name or number, whose members' program this may be as well." },
	{ 0 },
};
const struct config_table program_table = { .name = "programs", .size = sizeof(struct context_program), .items = program_items };

static const struct config_item socket_items[] = {
	{ .name = "path", .type = CONFIG_STRING, .offset = SOCKET(path), .preset = PROGRAM_SOCKET_DEFAULT,
	  .help = "The UNIX socket that programs connect to; there is one if context.programs has any." },
	{ .name = "mode", .type = CONFIG_STRING, .offset = SOCKET(mode),
	  .help = "Its permissions, in octal digits; default: \"0600\", and \"0666\" if a program has a user or a group." },
	{ .name = "queue", .type = CONFIG_SIZE, .offset = SOCKET(queue), .preset = "256k", .min = 8192, .max = 16 << 20,
	  .help = "What a slow program may leave unread before it is cut off." },
	{ .name = "memory", .type = CONFIG_SIZE, .offset = SOCKET(memory), .preset = "4M", .min = 4096, .max = 1 << 30,
	  .help = "What one program may deposit for all mobiles together." },
	{ .name = "memory_mobile", .type = CONFIG_SIZE, .offset = SOCKET(memory_mobile), .preset = "8k", .min = 16, .max = 32768,
	  .help = "What one program may deposit for one mobile." },
	{ .name = "mobiles", .type = CONFIG_INT, .offset = SOCKET(mobiles), .preset = "4096", .min = 1, .max = 1 << 20,
	  .help = "At most so many mobiles for which one program may deposit contexts." },
	{ 0 },
};
const struct config_table program_socket_table = { .name = "socket", .size = sizeof(struct context_socket), .items = socket_items };

static const struct context_program *program_at(const struct config_list *list, size_t i)
{
	return (const struct context_program *)list->items + i;
}

static bool number(const char *text, unsigned long *out)
{
	char *end;
	*out = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && *out < UINT32_MAX;
}

bool program_user_id(const char *user, uid_t *out)
{
	unsigned long n;
	*out = (uid_t)-1;
	if (!user || !*user)
		return true;
	const struct passwd *p = getpwnam(user);
	if (p)
		*out = p->pw_uid;
	else if (number(user, &n))
		*out = (uid_t)n;
	return *out != (uid_t)-1;
}

bool program_group_id(const char *group, gid_t *out)
{
	unsigned long n;
	*out = (gid_t)-1;
	if (!group || !*group)
		return true;
	const struct group *g = getgrnam(group);
	if (g)
		*out = g->gr_gid;
	else if (number(group, &n))
		*out = (gid_t)n;
	return *out != (gid_t)-1;
}

const char *program_socket_path(const struct context_socket *s)
{
	return s->path ? s->path : PROGRAM_SOCKET_DEFAULT;
}

static bool said(const char *text)
{
	return text && *text;
}

bool program_socket_mode(const struct context_socket *s, const struct config_list *programs, mode_t *out)
{
	char *end;
	*out = 0600;
	for (size_t i = 0; i < programs->n; i++)
		if (said(program_at(programs, i)->user) || said(program_at(programs, i)->group))
			*out = 0666;
	if (!said(s->mode))
		return true;
	unsigned long mode = strtoul(s->mode, &end, 8);
	*out = (mode_t)mode;
	return *s->mode >= '0' && *s->mode <= '7' && !*end && mode <= 0777;
}

static bool name_right(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
	return len && !name[len] && len <= PROGRAM_NAME_MAX;
}

static void check_program(const struct config_list *list, size_t i, struct config_errors *errors)
{
	const struct context_program *p = program_at(list, i);
	uid_t uid;
	gid_t gid;
	if (!name_right(p->name))
		config_error(errors, &p->where, "context.programs[].name \"%s\": write at most %d small letters, digits and dashes", p->name,
		             PROGRAM_NAME_MAX);
	if (!program_user_id(p->user, &uid))
		config_error(errors, &p->where, "context.programs[].user \"%s\": there is no such user; write another, or a number", p->user);
	if (!program_group_id(p->group, &gid))
		config_error(errors, &p->where, "context.programs[].group \"%s\": there is no such group; write another, or a number",
		             p->group);
	for (size_t j = 0; j < i; j++) {
		if (!strcmp(program_at(list, j)->name, p->name))
			config_error(errors, &p->where, "context.programs[].name: another program is called \"%s\"; give each its own name",
			             p->name);
		if (program_at(list, j)->fpt == p->fpt)
			config_error(errors, &p->where, "context.programs[].fpt: %lld is the number of %s; give each feature its own",
			             (long long)p->fpt, program_at(list, j)->name);
	}
}

void program_check(const struct config_list *programs, const struct context_socket *s,
                   const char *(*taken)(const char *name, uint16_t fpt, const void *arg), const void *arg,
                   struct config_errors *errors)
{
	mode_t mode;
	if (!program_socket_mode(s, programs, &mode))
		config_error(errors, &s->where, "context.socket.mode \"%s\": write octal digits, such as \"0660\"", s->mode);
	if (programs->n)
		unixsock_check("context.socket.path", program_socket_path(s), &s->where, errors);
	for (size_t i = 0; i < programs->n; i++) {
		const struct context_program *p = program_at(programs, i);
		const char *feature = taken(p->name, (uint16_t)p->fpt, arg);
		if (feature)
			config_error(errors, &p->where, "context.programs[]: the name \"%s\" or the number %lld is that of the feature %s; write others",
			             p->name, (long long)p->fpt, feature);
		check_program(programs, i, errors);
	}
}
