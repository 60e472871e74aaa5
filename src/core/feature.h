/*
 * The registry of feature contexts: what can be carried from router to router for a mobile. A feature is a 16-bit number
 * (RFC 4067 §2.3: Feature Profile Type), a name, and how to collect it here, install it here, and forget it. Who transfers
 * blocks does not know what they mean; who knows what they mean does not know how they travel.
 *
 * A feature's data is either opaque, octets that nobody else looks into, or a state vector: fields of fixed sizes in a
 * fixed order, each perhaps with a default (§2.3). The feature gives and gets whole vectors; fields that hold their default
 * do not travel (§2.4, the presence vector), and the receiving registry fills them in again.
 */
#ifndef HANDOVERD_CORE_FEATURE_H
#define HANDOVERD_CORE_FEATURE_H

#include "core/addr.h"

struct config_list;
struct core;

#define FEATURE_DATA_MAX 2036 /* octets of one block's data: 255 words of 8, less the 4 octets of its header */
#define FEATURE_VECTOR_MAX (FEATURE_DATA_MAX - 4) /* octets of a state vector: there may be a presence vector before it */
#define FEATURE_FIELDS_MAX 32 /* a presence vector has so many bits */
#define FEATURE_REASON_MAX 128
#define FEATURES_MAX 32

/*
 * The status octet of a context in CTDR and CTAA: 0, or why it is not in place. Those below 32 mean the same for every
 * feature; a feature may have more of its own, from FEATURE_STATUS_OWN on (§2.3), named in its `statuses`.
 */
enum feature_status {
	FEATURE_OK = 0,
	FEATURE_MALFORMED = 1,    /* the data is not what the feature's specification says */
	FEATURE_UNKNOWN = 2,      /* no such feature at this router */
	FEATURE_NO_RESOURCES = 3, /* a limit is reached, or memory */
	FEATURE_FAILED = 4,       /* the system refused, or the data makes no sense here */
	FEATURE_PRESENCE = 5,     /* the presence vector names a field that the feature does not have (§2.4) */
	FEATURE_REFUSED = 6,      /* this router is configured not to take this feature */
	FEATURE_NO_PROGRAM = 7,   /* the program that the feature belongs to does not run, or did not answer */
	FEATURE_ABSENT = 16,      /* asked for, but no block came */
	FEATURE_TIMEOUT = 17,     /* the previous router did not answer in time */
	FEATURE_UNREACHABLE = 18, /* the previous router is not known or not connected */
	FEATURE_STATUS_OWN = 32,
	FEATURE_PENDING = 255     /* from install only, never on the wire: BUS_CONTEXT_INSTALLED will tell */
};

struct feature_status_name {
	uint8_t status; /* FEATURE_STATUS_OWN or more; 0 ends the table */
	const char *name; /* lower case, dashes; API */
};

/* One field of a state vector, in network byte order. */
struct feature_field {
	const char *name;
	uint8_t octets; /* 1 or more */
	const void *preset; /* its default, `octets` long; NULL: it has none and always travels */
};
extern const uint8_t feature_zero[255]; /* the default of all zeros, for any size */

/* The mobile a context belongs to, as far as it is known. */
struct feature_subject {
	struct in6_addr previous; /* PCoA: names the mobile */
	struct in6_addr addr;     /* address at this router (collect: the PCoA; install: the NCoA), or unspecified */
	struct lladdr lladdr;     /* on the link here; len 0: not known */
	int ifindex;              /* the access link here; 0: not known */
	struct prefix nar_prefix; /* collect: prefix of the link the mobile moves to, plen 0 if not known */
	const struct feature *feature; /* the one that is called, for those that share their functions; filled in for it */
	char *reason;             /* FEATURE_REASON_MAX octets for feature_reason, or NULL */
};

/* Called once for each block; data is copied. Returns false when there is no room: stop. */
typedef bool feature_emit_fn(const void *data, size_t len, void *emit_arg);

struct feature {
	uint16_t fpt;     /* must not change while registered */
	const char *name; /* lower case, dashes; what configuration and output call it */
	const struct feature_field *fields;         /* ends with a NULL name; NULL: opaque */
	const struct feature_status_name *statuses; /* NULL: none of its own */
	/* Previous router: emits the mobile's blocks, none if it has none; with fields, each a whole state vector. 0; -ENOENT if
	 * it does not know the mobile; another negative errno if it could not tell. */
	int (*collect)(struct core *core, const struct feature_subject *s, feature_emit_fn *emit, void *emit_arg);
	/* New router: puts one block in force. With fields: data is a whole state vector, len its length, defaults filled in.
	 * Opaque: data is what was emitted, followed by up to seven zero octets, since blocks travel in words of eight. Returns
	 * the status octet that goes on the wire: 0 is success; otherwise it may say more with feature_reason. One that fails
	 * leaves things as they were: the other contexts stand. One that must not wait for its answer returns FEATURE_PENDING and
	 * publishes BUS_CONTEXT_INSTALLED later, once for each block, and not from within install; what it says after
	 * CT_MAX_TRANSFER_TIME comes too late, the block then counts as failed. */
	uint8_t (*install)(struct core *core, const struct feature_subject *s, const uint8_t *data, size_t len);
	/* Either router: the mobile is no longer this router's; what is kept for it may go. May be NULL. */
	void (*forget)(struct core *core, const struct in6_addr *addr);
	/* Whether it keeps in mind who is on the links, and so knows where addr is: fills in s->ifindex, if that is 0, and
	 * s->lladdr. May be NULL. */
	bool (*locate)(struct core *core, const struct in6_addr *addr, struct feature_subject *s);
};

/* Borrowed until unregistered. -EEXIST: the number or the name is taken; -ENOSPC; -EINVAL: the number is 0, which is
 * reserved, or its fields are too many or too long, or one has no octets. */
int feature_register(const struct feature *f);
void feature_unregister(const struct feature *f);
const struct feature *feature_find(uint16_t fpt);
size_t features(const struct feature **out, size_t max); /* in order of fpt */

/* Why install did not, in words, for the log line of the one who asked. Nothing if s has no room for it. */
void feature_reason(const struct feature_subject *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "ok", "malformed"…; a number that nobody named is "status-N", written to out, else the text is static. */
#define FEATURE_STATUS_STRLEN 16
const char *feature_status_text(uint16_t fpt, uint8_t status, char out[FEATURE_STATUS_STRLEN]);
#define FEATURE_STATUS(fpt, status) feature_status_text((fpt), (status), (char[FEATURE_STATUS_STRLEN]){0})

/* What this router gives away and what it takes, each a list of names (char *), borrowed until the next call; NULL, or a
 * list whose items are NULL: every feature. */
void feature_policy(const struct config_list *offer, const struct config_list *accept);
bool feature_offered(const struct feature *f);
bool feature_accepted(const struct feature *f);

/* ---- state vectors, for who transfers them ---- */

size_t feature_vector_len(const struct feature *f); /* f must have fields */

/* What of a block travels, and what came. */
struct feature_data {
	const uint8_t *octets;
	size_t len;
	bool has_presence;
	uint32_t presence; /* first field: top bit */
};
/* From a whole vector of feature_vector_len octets to what travels; d's octets are in out. The presence vector is there when
 * at least one field holds its default. */
void feature_encode(const struct feature *f, const uint8_t *vector, struct feature_data *d, uint8_t out[FEATURE_VECTOR_MAX]);
/* The way back. FEATURE_OK; FEATURE_PRESENCE; FEATURE_MALFORMED: a field without a default is missing, or the length is not
 * that of the fields present plus zeros up to a multiple of eight. */
uint8_t feature_decode(const struct feature *f, const struct feature_data *d, uint8_t vector[FEATURE_VECTOR_MAX]);

#endif
