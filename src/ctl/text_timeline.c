/*
 * A handover as people read it: who moved from where to where and what came of it in the first line, then a line for each
 * step with its time, its letter in RFC 4260's notation, its name, and a bar that grows with the time.
 */
#include <stdlib.h>
#include <string.h>

#include "ctl/text_tree.h"

#define BAR 40

static double number(const struct text_node *item, const char *key)
{
	return strtod(text_value(item, key), NULL);
}

static void heading(struct textbuf *b, const struct text_node *h)
{
	textbuf_fmt(b, "#%s  %s  %s -> %s  %s  %s  %s", text_value(h, "id"), text_value(h, "mobile"), text_value(h, "from"),
	            text_value(h, "to"), text_value(h, "role"), text_value(h, "mode"), text_value(h, "result"));
	textbuf_fmt(b, "  %s\n", text_value(h, "scenario"));
	textbuf_fmt(b, "    started %s", text_value(h, "started"));
	if (strcmp(text_value(h, "gap_ms"), "-") != 0)
		textbuf_fmt(b, ", gap %s ms", text_value(h, "gap_ms"));
	if (strcmp(text_value(h, "interruption_ms"), "-") != 0)
		textbuf_fmt(b, ", interruption %s ms", text_value(h, "interruption_ms"));
	if (number(h, "held") > 0)
		textbuf_fmt(b, ", held %s, dropped %s", text_value(h, "held"), text_value(h, "held_dropped"));
	textbuf_char(b, '\n');
	if (strcmp(text_value(h, "reason"), "-") != 0)
		textbuf_fmt(b, "    reason: %s\n", text_value(h, "reason"));
}

static void contexts(struct textbuf *b, const struct text_node *list)
{
	if (!list || !list->first)
		return;
	textbuf_str(b, "    contexts:");
	for (const struct text_node *c = list->first; c; c = c->next) {
		const char *status = text_value(c, "status");
		textbuf_fmt(b, "%s %s (%s) ", c == list->first ? "" : ",", text_value(c, "name"), text_value(c, "fpt"));
		if (strcmp(status, "0") == 0)
			textbuf_str(b, "installed");
		else
			textbuf_fmt(b, "failed: %s, status %s", text_value(c, "status_name"), status);
	}
	textbuf_char(b, '\n');
}

void text_timeline(struct textbuf *b, const struct text_node *h)
{
	const struct text_node *steps = text_child(h, "steps");
	size_t time_width = 0, name_width = 0;

	heading(b, h);
	for (const struct text_node *s = steps ? steps->first : NULL; s; s = s->next) {
		size_t t = text_width(text_value(s, "ms")), n = text_width(text_value(s, "name"));
		time_width = t > time_width ? t : time_width;
		name_width = n > name_width ? n : name_width;
	}
	double first = 0, span = 0;
	if (steps && steps->first) {
		first = number(steps->first, "ms");
		span = number(steps->last, "ms") - first;
	}
	for (const struct text_node *s = steps ? steps->first : NULL; s; s = s->next) {
		const char *letter = text_value(s, "step");
		textbuf_str(b, "    ");
		text_pad(b, text_value(s, "ms"), time_width, true);
		textbuf_fmt(b, " ms  %s  ", strcmp(letter, "-") == 0 ? " " : letter);
		text_pad(b, text_value(s, "name"), name_width + 2, false);
		if (span > 0)
			textbuf_fill(b, '-', (size_t)((number(s, "ms") - first) / span * BAR));
		textbuf_str(b, "*\n");
	}
	contexts(b, text_child(h, "contexts"));
}
