/* Key pairs of this node's for SEND: from a file, and made anew without holding up the loop. */
#ifndef HANDOVERD_FMIP6_HK_FILE_H
#define HANDOVERD_FMIP6_HK_FILE_H

#include "core/loop.h"
#include "fmip6/send_key.h"

/* The key pair in the file, which is made if it is not there; path NULL: a new one that no file keeps. NULL after logging why: a file
 * that others can read is refused. May take seconds: for the start. */
struct send_key *hk_file_load(const char *path, unsigned bits);

/* Makes key pairs in a thread of its own, one at a time: that takes as long as some hundred handovers. */
struct hk_maker;
typedef void hk_maker_fn(struct send_key *pair, void *arg); /* takes pair; NULL: failed */
struct hk_maker *hk_maker_create(struct loop *l, unsigned bits, hk_maker_fn *fn, void *arg); /* NULL: no memory, no descriptor */
int hk_maker_begin(struct hk_maker *m);    /* 0 or a negative errno; -EBUSY: one is being made */
void hk_maker_destroy(struct hk_maker *m); /* waits for the thread, if it works; NULL allowed */

#endif
