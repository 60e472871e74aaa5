/*
 * Events for `handoverctl watch`: everything the bus says, as text, in the order it was said.
 *
 * Events (the field "event"; API): handover-request, handover-started, handover-step, handover-prepare, handover-ended,
 * attached, contexts, mobile-added, mobile-removed, neighbor-protection, neighbor-association, link, reload; and watching,
 * the first one a client gets, when it misses nothing from then on.
 * Fields of all: time, event, at_us (microseconds since 1970). Of those about a handover: id, mobile, role, mode, from, to,
 * scenario (so far); step: step (letter or ""), name, ms; ended: result, reason, interruption_ms, and in JSON `handover`,
 * the whole record as `show handovers` gives it.
 */
#ifndef HANDOVERD_CTL_WATCH_H
#define HANDOVERD_CTL_WATCH_H

#include "core/module.h"
#include "ctl/writer.h"

struct watch_ops {
	bool (*wanted)(enum form form, void *arg); /* does anybody watch in this form? */
	void (*event)(enum form form, const char *text, size_t len, void *arg); /* one event, with its newline; borrowed */
};

struct watch;
/* Subscribes to everything. For the order to be true it must do so before any module that publishes from a callback. */
struct watch *watch_create(struct core *core, const struct watch_ops *ops, void *arg); /* NULL: no memory */
void watch_destroy(struct watch *w);                                                   /* NULL allowed */
void watch_reloaded(struct watch *w, const char *failure); /* event reload; failure NULL: done */
/* Adds the event "watching" to out. */
void watch_greet(struct watch *w, enum form form, struct textbuf *out);

#endif
