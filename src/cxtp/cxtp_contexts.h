/* Between the registry of features (core/feature.h) and the CDBs of a message. */
#ifndef HANDOVERD_CXTP_CONTEXTS_H
#define HANDOVERD_CXTP_CONTEXTS_H

#include "core/feature.h"
#include "cxtp/cxtp_wire.h"

/* Features told apart in one transfer; blocks of further ones are refused. A CTAR of 1280 octets can name so many, and the
 * CTAA that says of each why it is not in place is no longer. */
#define CXTP_CONTEXTS_MAX 297

/* What became of a transfer's contexts, one entry for each feature: 0, or the first thing that went wrong. */
struct cxtp_contexts {
	struct cxtp_status entries[CXTP_CONTEXTS_MAX];
	uint16_t pending[CXTP_CONTEXTS_MAX]; /* blocks of an entry that their feature has not spoken of yet */
	size_t pending_n;
	size_t n;
	size_t blocks; /* put in force */
	bool complete; /* nothing went wrong */
};

/* Does a request (its CDBs, §2.5.1) ask for this feature? One without CDBs asks for all. */
bool cxtp_requested(const uint8_t *request, size_t len, uint16_t fpt);

/* Previous router: appends the blocks of every feature asked for and offered. What does not fit is left out and counted. */
void cxtp_collect(struct core *core, const struct feature_subject *s, const uint8_t *request, size_t len, struct wr *w);

/* New router: puts in force what the blocks hold, the request asks for, and this router accepts. What the request names and
 * no block brought is noted as CXTP_STATUS_ABSENT. */
void cxtp_install(struct core *core, const struct feature_subject *s, const uint8_t *blocks, size_t blocks_len,
                  const uint8_t *request, size_t len, struct cxtp_contexts *out);

/* A feature has spoken of one block that it left pending: false if there is none. When pending_n is 0, everything is said. */
bool cxtp_contexts_installed(struct cxtp_contexts *c, const struct in6_addr *pcoa, uint16_t fpt, uint8_t status, const char *reason);
/* What is still pending has failed: nobody waits longer. */
void cxtp_contexts_overdue(struct cxtp_contexts *c, const struct in6_addr *pcoa);

/* Nothing came: notes `status` for each feature asked for; when all were, for each one this router accepts. */
void cxtp_contexts_fail(const uint8_t *request, size_t len, uint8_t status, struct cxtp_contexts *out);

/* Entries as they go into a CTAA (those that failed) and into a CTDR (those that came). */
void cxtp_contexts_ctaa(const struct cxtp_contexts *c, struct wr *w);
/* Returns the S bit: every context that came is in place (§2.5.4). */
bool cxtp_contexts_ctdr(const struct cxtp_contexts *c, struct wr *w);

#endif
