#include "core/config_value.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"

/* A quantity's units, the largest first. */
struct unit {
	const char *name;
	uint64_t times;
};
static const struct unit durations[] = {
	{"h", 3600 * USEC_SEC}, {"min", 60 * USEC_SEC}, {"s", USEC_SEC}, {"ms", USEC_MSEC}, {"us", 1}, {NULL, 0},
};
static const struct unit sizes[] = {{"G", 1 << 30}, {"M", 1 << 20}, {"k", 1 << 10}, {"", 1}, {NULL, 0}};
static const struct unit rates[] = {{"G", 1000000000}, {"M", 1000000}, {"k", 1000}, {"", 1}, {NULL, 0}};

static const struct {
	const char *noun;     /* after "which is no" */
	const char *expected; /* what to write; ranges and choices are added */
	const struct unit *units;
} kinds[] = {
	[CONFIG_BOOL] = {"truth value", "true or false, without quotes", NULL},
	[CONFIG_INT] = {"whole number", "a whole number", NULL},
	[CONFIG_DURATION] = {"duration", "a duration in double quotes, such as \"200ms\", \"2s\", \"1min\" or \"1h\"", durations},
	[CONFIG_SIZE] = {"size", "a size in double quotes, such as \"1500\", \"64k\" or \"16M\"", sizes},
	[CONFIG_RATE] = {"rate", "a rate in bits a second, in double quotes, such as \"512k\", \"10M\" or \"1G\"", rates},
	[CONFIG_STRING] = {"text", "a text in double quotes", NULL},
	[CONFIG_ENUM] = {"choice here", "one of ", NULL},
	[CONFIG_ADDR] = {"address", "an address in double quotes, such as \"2001:db8::1\"", NULL},
	[CONFIG_PREFIX] = {"prefix", "a prefix in double quotes, such as \"2001:db8:1::/64\", its bits beyond the length zero", NULL},
	[CONFIG_LLADDR] = {"link-layer address", "a link-layer address in double quotes, such as \"02:00:00:00:00:01\"", NULL},
	[CONFIG_KEY] = {"key", "a key in double quotes: \"hex:\" and 16 to 128 digits, \"text:\" and 8 to 64 characters, or "
	                       "\"file:\" and the path of a file that holds one of these", NULL},
	[CONFIG_GROUP] = {"group", "a group, { name = value; ... }", NULL},
	[CONFIG_LIST] = {"list", "a list of groups, ( { name = value; ... }, { ... } )", NULL},
	[CONFIG_LLADDRS] = {"list", "a list of link-layer addresses, ( \"02:00:00:00:00:01\", ... )", NULL},
	[CONFIG_STRINGS] = {"list", "a list of texts, ( \"one\", \"two\" )", NULL},
};

static const char *quantity_text(const struct unit *units, uint64_t v, char *out, size_t len)
{
	while (units[1].name && (v < units->times || v % units->times))
		units++;
	snprintf(out, len, "%" PRIu64 "%s", v / units->times, units->name);
	return out;
}

static const char *number_text(const struct config_item *item, int64_t v, char *out, size_t len)
{
	if (kinds[item->type].units)
		return quantity_text(kinds[item->type].units, (uint64_t)v, out, len);
	snprintf(out, len, "%" PRId64, v);
	return out;
}

static bool has_range(const struct config_item *item)
{
	return item->min || item->max;
}

const char *config_value_expected(const struct config_item *item, char out[CONFIG_WORDS])
{
	char low[32], high[32];
	int n = snprintf(out, CONFIG_WORDS, "%s", kinds[item->type].expected);
	size_t at = (size_t)n;
	switch (item->type) {
	case CONFIG_INT:
	case CONFIG_DURATION:
	case CONFIG_SIZE:
	case CONFIG_RATE:
		if (has_range(item))
			snprintf(out + at, CONFIG_WORDS - at, ", from %s to %s", number_text(item, item->min, low, sizeof low),
			         number_text(item, item->max, high, sizeof high));
		break;
	case CONFIG_LIST:
	case CONFIG_LLADDRS:
	case CONFIG_STRINGS:
		if (has_range(item))
			snprintf(out + at, CONFIG_WORDS - at, ", %" PRId64 " to %" PRId64 " of them", item->min, item->max);
		break;
	case CONFIG_ENUM:
		for (const char *const *c = item->choices; *c && at < CONFIG_WORDS; c++)
			at += (size_t)snprintf(out + at, CONFIG_WORDS - at, "%s\"%s\"", c == item->choices ? "" : c[1] ? ", " : " or ", *c);
		break;
	case CONFIG_BOOL:
	case CONFIG_STRING:
	case CONFIG_ADDR:
	case CONFIG_PREFIX:
	case CONFIG_LLADDR:
	case CONFIG_KEY:
	case CONFIG_GROUP:
		break;
	}
	return out;
}

/* "200ms" in the table's smallest unit. -1: no such unit or no digits; -2: too large to be kept. */
static int quantity_parse(const struct unit *units, const char *text, int64_t *out)
{
	size_t digits = strspn(text, "0123456789");
	while (units->name && strcmp(units->name, text + digits) != 0)
		units++;
	if (!digits || !units->name)
		return -1;
	errno = 0;
	unsigned long long v = strtoull(text, NULL, 10);
	if (errno || v > (uint64_t)INT64_MAX / units->times)
		return -2;
	*out = (int64_t)(v * units->times);
	return 0;
}

static int integer_parse(const char *text, int64_t *out)
{
	char *end;
	errno = 0;
	long long v = strtoll(text, &end, 10);
	if (errno)
		return -2;
	if (end == text || *end)
		return -1;
	*out = v;
	return 0;
}

/* The three numeric types: parse, check the range, complain. */
static int number_parse(const struct config_item *item, const char *text, int64_t *out, char *why)
{
	const struct unit *units = kinds[item->type].units;
	char limit[32];
	int r = units ? quantity_parse(units, text, out) : integer_parse(text, out);
	if (r == -2)
		snprintf(why, CONFIG_WORDS, "is %.64s, which is too large for any limit", text);
	else if (r < 0)
		snprintf(why, CONFIG_WORDS, "is \"%.64s\", which is no %s", text, kinds[item->type].noun);
	else if (has_range(item) && *out < item->min)
		snprintf(why, CONFIG_WORDS, "is %.64s, less than %s", text, number_text(item, item->min, limit, sizeof limit));
	else if (has_range(item) && *out > item->max)
		snprintf(why, CONFIG_WORDS, "is %.64s, more than %s", text, number_text(item, item->max, limit, sizeof limit));
	else
		return 0;
	return -1;
}

static int enum_parse(const struct config_item *item, const char *text, int *out, char *why)
{
	struct config_guess guess = {.wrong = text};
	for (int i = 0; item->choices[i]; i++) {
		if (!strcmp(item->choices[i], text)) {
			*out = i;
			return 0;
		}
		config_guess_try(&guess, item->choices[i]);
	}
	if (guess.best)
		snprintf(why, CONFIG_WORDS, "is \"%.64s\", did you mean \"%s\"?", text, guess.best);
	else
		snprintf(why, CONFIG_WORDS, "is \"%.64s\", which is no choice here", text);
	return -1;
}

/* The first line of a key file, parsed. The octets pass through this stack frame only, and are wiped. */
static int key_file(const char *name, const char *dir, struct secret **out, char *why)
{
	char path[4096], line[2 * SECRET_MAX + 16];
	int n = snprintf(path, sizeof path, "%s%s%s", *name == '/' ? "" : dir, *name == '/' ? "" : "/", name);
	int fd = n > 0 && (size_t)n < sizeof path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
	struct stat st;
	ssize_t got = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
	if (got < 0 || fstat(fd, &st) < 0) {
		snprintf(why, CONFIG_WORDS, "names the key file %.200s, which cannot be read (%s)", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	close(fd);
	line[got] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	int r = secret_parse(line, out);
	secret_wipe(line, sizeof line);
	if (r < 0)
		snprintf(why, CONFIG_WORDS, "names the key file %.200s, whose first line is no key", path);
	else if (st.st_mode & S_IROTH)
		LOG_WARNING("config", "everyone on this machine can read a key; take away the permission file=%s mode=%04o", path,
		            (unsigned)st.st_mode & 07777U);
	return r < 0 ? -1 : 0;
}

static int key_parse(const char *text, const char *dir, struct secret **out, char *why)
{
	if (!strncmp(text, "file:", 5) && text[5])
		return key_file(text + 5, dir, out, why);
	int r = secret_parse(text, out);
	if (r == -ENOMEM)
		snprintf(why, CONFIG_WORDS, "cannot be kept: no memory");
	else if (r < 0)
		snprintf(why, CONFIG_WORDS, "is no key (not shown)");
	return r;
}

static int bool_parse(const char *text, bool *out)
{
	*out = !strcmp(text, "true");
	return *out || !strcmp(text, "false") ? 0 : -1;
}

int config_value_parse(const struct config_item *item, const char *text, const char *dir, void *dst, char *why)
{
	int64_t number;
	int r = -1;
	why[0] = '\0';
	switch (item->type) {
	case CONFIG_INT:
	case CONFIG_DURATION: /* usec_t and uint64_t have int64_t's size, and no value is negative */
	case CONFIG_SIZE:
	case CONFIG_RATE:
		r = number_parse(item, text, &number, why);
		if (!r)
			memcpy(dst, &number, sizeof number);
		break;
	case CONFIG_STRING:
		*(char **)dst = strdup(text);
		r = *(char **)dst ? 0 : -1;
		break;
	case CONFIG_BOOL:
		r = bool_parse(text, dst);
		break;
	case CONFIG_ENUM:
		r = enum_parse(item, text, dst, why);
		break;
	case CONFIG_ADDR:
		r = addr_parse(text, dst);
		break;
	case CONFIG_PREFIX:
		r = prefix_parse(text, dst);
		break;
	case CONFIG_LLADDR:
		r = lladdr_parse(text, dst);
		break;
	case CONFIG_KEY:
		r = key_parse(text, dir, dst, why);
		break;
	case CONFIG_GROUP:
	case CONFIG_LIST:
	case CONFIG_LLADDRS:
	case CONFIG_STRINGS:
		break;
	}
	if (r < 0 && !why[0])
		snprintf(why, CONFIG_WORDS, "is \"%.64s\", which is no %s", text, kinds[item->type].noun);
	return r < 0 ? -1 : 0;
}

/* ("a", "b"), cut with dots where there is no room. */
static const char *list_text(const struct config_item *item, const struct config_list *list, char out[CONFIG_WORDS])
{
	size_t at = 0;
	if (!list->n)
		return NULL;
	for (size_t i = 0; i < list->n; i++) {
		const char *text = item->type == CONFIG_LLADDRS ? LLADDR((const struct lladdr *)list->items + i)
		                                                : ((char *const *)list->items)[i];
		if (strlen(text) + 8 > CONFIG_WORDS - at) {
			snprintf(out + at, CONFIG_WORDS - at, ", ...");
			break;
		}
		at += (size_t)snprintf(out + at, CONFIG_WORDS - at, "%s%s", i ? ", " : "", text);
	}
	return out;
}

const char *config_value_text(const struct config_item *item, const void *value, char out[CONFIG_WORDS])
{
	switch (item->type) {
	case CONFIG_BOOL:
		return *(const bool *)value ? "true" : "false";
	case CONFIG_INT:
	case CONFIG_DURATION:
	case CONFIG_SIZE:
	case CONFIG_RATE:
		return number_text(item, *(const int64_t *)value, out, CONFIG_WORDS);
	case CONFIG_STRING:
		return *(char *const *)value;
	case CONFIG_ENUM:
		return item->choices[*(const int *)value];
	case CONFIG_ADDR:
		return addr_is_zero(value) ? NULL : addr_text(value, out);
	case CONFIG_PREFIX: {
		const struct prefix *p = value;
		return p->plen || !addr_is_zero(&p->addr) ? prefix_text(p, out) : NULL;
	}
	case CONFIG_LLADDR:
		return ((const struct lladdr *)value)->len ? lladdr_text(value, out) : NULL;
	case CONFIG_KEY:
		return *(struct secret *const *)value ? "set" : NULL;
	case CONFIG_LLADDRS:
	case CONFIG_STRINGS:
		return list_text(item, value, out);
	case CONFIG_GROUP:
	case CONFIG_LIST:
		break;
	}
	return NULL;
}

void config_value_free(const struct config_item *item, void *value)
{
	struct config_list *list = value;
	switch (item->type) {
	case CONFIG_STRING:
		free(*(char **)value);
		*(char **)value = NULL;
		break;
	case CONFIG_KEY:
		secret_unref(*(struct secret **)value);
		*(struct secret **)value = NULL;
		break;
	case CONFIG_STRINGS:
		for (size_t i = 0; i < list->n; i++)
			free(((char **)list->items)[i]);
		/* fall through */
	case CONFIG_LLADDRS:
		free(list->items);
		*list = (struct config_list){0};
		break;
	case CONFIG_BOOL:
	case CONFIG_INT:
	case CONFIG_DURATION:
	case CONFIG_SIZE:
	case CONFIG_RATE:
	case CONFIG_ENUM:
	case CONFIG_ADDR:
	case CONFIG_PREFIX:
	case CONFIG_LLADDR:
	case CONFIG_GROUP:
	case CONFIG_LIST:
		break;
	}
}

#define GUESS_LEN 40 /* longer words are not guessed at */

/* How many letters to change, add, drop or swap with the next to get from a to b. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	size_t d[GUESS_LEN + 1][GUESS_LEN + 1];
	for (size_t i = 0; i <= la; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= lb; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= la; i++)
		for (size_t j = 1; j <= lb; j++) {
			size_t best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	return d[la][lb];
}

void config_guess_try(struct config_guess *g, const char *candidate)
{
	size_t n = strlen(g->wrong), m = strlen(candidate);
	if (!n || n > GUESS_LEN || m > GUESS_LEN)
		return;
	size_t near = m < 3 ? 0 : m < 6 ? 1 : m / 3;
	size_t distance = edit_distance(g->wrong, candidate);
	/* "neighbors.ap" for "aps", "access" for "access-router": the beginning of a word counts as near, too. */
	if (distance > near && n >= 3 && !strncmp(g->wrong, candidate, n))
		distance = near;
	if (distance <= near && (!g->best || distance < g->distance)) {
		g->best = candidate;
		g->distance = distance;
	}
}
