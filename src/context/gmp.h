/*
 * What IGMP (RFC 1112, 2236, 3376) and MLD (RFC 2710, 3810) have in common once their bytes are read: one language for
 * the tracker, whatever the family. IPv4 addresses are IPv4-mapped. Versions are counted as IGMP's: GMP_V1 only IGMP has
 * (no leave); MLD's version 1 is GMP_V2, its version 2 GMP_V3.
 */
#ifndef HANDOVERD_CONTEXT_GMP_H
#define HANDOVERD_CONTEXT_GMP_H

#include "core/addr.h"
#include "core/buf.h"
#include "core/loop.h"

enum gmp_type { GMP_QUERY, GMP_REPORT, GMP_LEAVE, GMP_RECORDS };
enum gmp_version { GMP_V1 = 1, GMP_V2, GMP_V3 };
enum gmp_record_type { /* RFC 3376 §4.2.12, RFC 3810 §5.2.12 */
	GMP_IS_INCLUDE = 1,
	GMP_IS_EXCLUDE = 2,
	GMP_TO_INCLUDE = 3,
	GMP_TO_EXCLUDE = 4,
	GMP_ALLOW = 5,
	GMP_BLOCK = 6,
};

#define GMP_SOURCES_MAX 64 /* sources we keep of one membership, or send in one query or record */

/* A list of source addresses as it stands in a message: borrowed octets, 4 or 16 for each. */
struct gmp_sources {
	struct rd rd;
	uint16_t n;
	bool v4;
};
bool gmp_source_next(struct gmp_sources *s, struct in6_addr *out); /* false at the end */

struct gmp_query {
	bool v4;               /* which of the two protocols asks */
	uint8_t version;       /* enum gmp_version */
	struct in6_addr group; /* unspecified: general query */
	usec_t max_response;
	/* GMP_V3 only */
	bool suppress;         /* S: routers leave their timers alone */
	uint8_t robustness;    /* 0: not told */
	usec_t interval;       /* querier's query interval; 0: not told */
	struct gmp_sources sources;  /* received */
	const struct in6_addr *ask;  /* to send: sources asked about */
	size_t ask_n;                /* at most GMP_SOURCES_MAX */
};

struct gmp_record {
	uint8_t type; /* enum gmp_record_type, or one that is not known */
	struct in6_addr group;
	struct gmp_sources sources; /* received */
};

struct gmp_message {
	uint8_t type;    /* enum gmp_type */
	uint8_t version; /* GMP_REPORT: GMP_V1 or GMP_V2 */
	bool v4;
	struct gmp_query query; /* GMP_QUERY */
	struct in6_addr group;  /* GMP_REPORT, GMP_LEAVE */
	uint16_t records_n;     /* GMP_RECORDS */
	struct rd records;
};
/* Walks the records of a message that a parser took; false at the end. */
bool gmp_record_next(struct gmp_message *m, struct gmp_record *out);

/* One record to send. */
struct gmp_record_out {
	uint8_t type; /* enum gmp_record_type */
	struct in6_addr group;
	const struct in6_addr *source;
	size_t n; /* at most GMP_SOURCES_MAX */
};

/* Does the group's traffic ever leave its link? (RFC 4291 §2.7; RFC 3171: 224.0.0.0/24) False for what is no group too. */
bool gmp_group_routable(const struct in6_addr *group);

/* For the parsers and packers of both protocols. */
bool gmp_parse_record(struct rd *r, bool v4, struct gmp_record *out);
bool gmp_parse_records(struct rd r, struct gmp_message *m); /* r: behind their number, which is in m already */
void gmp_put_addr(struct wr *w, bool v4, const struct in6_addr *a);
void gmp_put_records(struct wr *w, bool v4, const struct gmp_record_out *records, size_t n); /* behind their number */
/* RFC 3376 §4.1.1, RFC 3810 §5.1.3: small values as they are, great ones as a float with this many bits of mantissa. */
uint32_t gmp_decode(uint32_t code, unsigned mantissa_bits);
uint32_t gmp_encode(uint64_t value, unsigned mantissa_bits); /* the greatest that can be said and is not above */

#endif
