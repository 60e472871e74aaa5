/*
 * A marker: an echo request sent the way packets went until now, to learn when the last of them has arrived. Its answer
 * means that nothing older is under way any more. The first may overtake what prepares the way for it and get lost; any
 * later one proves the same, so it is repeated, ever more slowly, until an answer comes or the time is over.
 */
#ifndef HANDOVERD_FMIP6_MARKER_H
#define HANDOVERD_FMIP6_MARKER_H

#include "core/loop.h"

struct marker {
	struct timer timer;
	usec_t until, wait;
	uint16_t id, seq;
	bool wanted;
	void (*send)(void *arg, uint16_t id, uint16_t seq);
	void (*end)(void *arg, bool answered); /* once for each begin that is not stopped */
	void *arg;
};

void marker_init(struct marker *m, struct loop *l, void (*send)(void *arg, uint16_t id, uint16_t seq),
                 void (*end)(void *arg, bool answered), void *arg);
void marker_begin(struct marker *m, usec_t timeout);
void marker_stop(struct marker *m); /* harmless when none is under way */
void marker_answer(struct marker *m, uint16_t id);

#endif
