/*
 * CXTP messages (RFC 4067 §2.4, §2.5): pure functions between octets and structs.
 *
 * Parsing allocates nothing: a parsed message borrows from the octets it was parsed from. Context data blocks (CDBs) stay
 * octets, checked when the message is parsed and walked with cxtp_block_next, because the token covers them verbatim and a
 * CT-Req repeats them verbatim.
 *
 * Readings where the text is silent or contradicts itself:
 *  - A CDB that only names a feature needs four octets, which a length in words of eight cannot say (§2.4). Sent: length 1
 *    and four zero octets. Understood as well: four octets with length 0, or with length 1 where the message ends.
 *  - The key of a PCTD is followed by its CDBs without padding.
 *  - A CTD without a CDB is valid: the mobile has nothing to transfer.
 *  - The length field must be the length of what came: each message has its own packet or its own SCTP message.
 */
#ifndef HANDOVERD_CXTP_WIRE_H
#define HANDOVERD_CXTP_WIRE_H

#include "core/addr.h"
#include "core/buf.h"
#include "core/feature.h"

#define CXTP_VERSION 1
#define CXTP_PORT 5091               /* SCTP (RFC 4065 §2) */
#define CXTP_PPID 0x43585450U        /* "CXTP" (RFC 4067 §3.1 names it, RFC 4065 gives no number) */
#define CXTP_ICMP6_TYPE 150          /* experimental mobility (RFC 4065 §8) */
#define CXTP_ICMP4_TYPE 41
#define CXTP_ICMP_SUBTYPE 1
#define CXTP_ALGORITHM_HMAC_SHA1 1   /* RFC 4065 §7 */
#define CXTP_MESSAGE_MAX 65535       /* what the length field can say */
#define CXTP_BLOCK_MAX 2040          /* octets of one CDB: 255 words of 8 */

enum cxtp_type {
	CXTP_CTAR = 1, /* MN → AR: activate */
	CXTP_CTAA = 2, /* AR → MN: what was not transferred */
	CXTP_CTD = 3,  /* pAR → nAR: contexts */
	CXTP_PCTD = 4, /* pAR → nAR: contexts and the key to check the token with */
	CXTP_CTDR = 5, /* nAR → pAR: what became of them */
	CXTP_CTC = 6,  /* nAR → pAR: cancel */
	CXTP_CTREQ = 7 /* nAR → pAR: send them */
};
const char *cxtp_type_name(enum cxtp_type t); /* "CTAR"… */

/* Status octets in CTAA and CTDR are those of enum feature_status (core/feature.h). */
enum {
	CXTP_STATUS_ABSENT = FEATURE_ABSENT,
	CXTP_STATUS_TIMEOUT = FEATURE_TIMEOUT,
	CXTP_STATUS_UNREACHABLE = FEATURE_UNREACHABLE
};

struct cxtp_message {
	enum cxtp_type type;
	bool flag;              /* A in CTAR, CTD, PCTD; S in CTDR */
	struct in6_addr mobile; /* previous address; IPv4-mapped: the V bit */
	struct in6_addr router; /* CTAR: the nAR if sent to the pAR, the pAR if sent to the nAR; of mobile's family */
	uint32_t seq, token;    /* CTAR, CTREQ */
	uint32_t elapsed;       /* CTD, PCTD: ms since the first one for this mobile */
	uint16_t algorithm;     /* PCTD */
	const uint8_t *key;     /* PCTD */
	size_t key_len;
	const uint8_t *blocks;  /* CTAR, CTREQ, CTD, PCTD: CDBs */
	size_t blocks_len;
	const uint8_t *statuses; /* CTAA, CTDR: entries of four octets, see cxtp_status_next */
	size_t statuses_len;
};

enum cxtp_error {
	CXTP_OK,
	CXTP_E_SHORT,   /* ends before what its type must have */
	CXTP_E_VERSION, /* version other than 1 */
	CXTP_E_TYPE,
	CXTP_E_LENGTH,  /* the length field is not the length */
	CXTP_E_ADDRESS, /* not an address that a node can have */
	CXTP_E_KEY,
	CXTP_E_BLOCK,   /* a CDB leaves the message */
	CXTP_E_STATUS   /* a piece of a status entry */
};
const char *cxtp_error_text(enum cxtp_error e);

enum cxtp_error cxtp_parse(const void *data, size_t len, struct cxtp_message *out);
/* Returns the number of octets written, 0 if they do not fit or the struct says what no message can. Reserved bits are
 * zero; flag is written only where the message has one. */
size_t cxtp_pack(const struct cxtp_message *m, void *buf, size_t cap);

struct cxtp_block {
	uint16_t fpt;
	bool has_presence;
	uint32_t presence;   /* first data field: top bit */
	const uint8_t *data; /* zero padding included: up to seven octets */
	size_t len;
};
/* The next CDB of r: 1, 0 at the end, -1 malformed. `request`: the short forms are allowed. */
int cxtp_block_next(struct rd *r, bool request, struct cxtp_block *out);
/* Appends a CDB; one that would be longer than CXTP_BLOCK_MAX sets w's overflow. presence NULL: none. */
void cxtp_block_put(struct wr *w, uint16_t fpt, const uint32_t *presence, const void *data, size_t len);
void cxtp_request_put(struct wr *w, uint16_t fpt);

struct cxtp_status {
	uint16_t fpt;
	uint8_t status;
};
bool cxtp_status_next(struct rd *r, struct cxtp_status *out);
void cxtp_status_put(struct wr *w, uint16_t fpt, uint8_t status);

#endif
