/*
 * The registry of feature contexts: what can be carried from router to router for a mobile. A feature is a 16-bit number
 * (RFC 4067 §2.3: Feature Profile Type), a name, and how to collect it here, install it here, and forget it. The blocks'
 * bytes are opaque to everyone but the feature. Who transfers them does not know what they mean; who knows what they mean
 * does not know how they travel.
 */
#ifndef HANDOVERD_CORE_FEATURE_H
#define HANDOVERD_CORE_FEATURE_H

#include "core/addr.h"

struct core;

#define FEATURE_DATA_MAX 2036 /* octets of one block's data: 255 words of 8, less the 4 octets of its header */
#define FEATURES_MAX 32

/* The mobile a context belongs to, as far as it is known. */
struct feature_subject {
	struct in6_addr previous; /* PCoA: names the mobile */
	struct in6_addr addr;     /* address at this router (collect: the PCoA; install: the NCoA), or unspecified */
	struct lladdr lladdr;     /* on the link here; len 0: not known */
	int ifindex;              /* the access link here; 0: not known */
	struct prefix nar_prefix; /* collect: prefix of the link the mobile moves to, plen 0 if not known */
};

/* Called once for each block; data is copied. Returns false when there is no room: stop. */
typedef bool feature_emit_fn(const void *data, size_t len, void *emit_arg);

struct feature {
	uint16_t fpt;
	const char *name;
	/* Previous router: emits the mobile's blocks, none if it has none. 0; -ENOENT if it does not know the mobile; another
	 * negative errno if it could not tell. */
	int (*collect)(struct core *core, const struct feature_subject *s, feature_emit_fn *emit, void *emit_arg);
	/* New router: puts one block in force. data is what was emitted, followed by up to seven zero octets: blocks travel in
	 * words of eight. Returns the status octet that goes on the wire: 0 is success. */
	uint8_t (*install)(struct core *core, const struct feature_subject *s, const uint8_t *data, size_t len);
	/* Either router: the mobile is no longer this router's; what is kept for it may go. May be NULL. */
	void (*forget)(struct core *core, const struct in6_addr *addr);
};

enum { FEATURE_OK = 0, FEATURE_MALFORMED = 1, FEATURE_UNKNOWN = 2, FEATURE_NO_RESOURCES = 3, FEATURE_FAILED = 4 };

int feature_register(const struct feature *f); /* borrowed; -EEXIST, -ENOSPC */
void feature_unregister(const struct feature *f);
const struct feature *feature_find(uint16_t fpt);
size_t features(const struct feature **out, size_t max); /* in order of fpt */

#endif
