#include "cxtp/cxtp_wire.h"

#include <string.h>

#define VERSION_SHIFT 5
#define TYPE_MASK 0x1f
#define FLAG_V 0x80
#define FLAG_A_OR_S 0x40

/* What each message is made of, in this order on the wire. */
enum part {
	PART_FLAG = 1 << 0, /* its header has an A or S bit */
	PART_ELAPSED = 1 << 1,
	PART_ROUTER = 1 << 2,
	PART_TOKEN = 1 << 3, /* sequence number and token */
	PART_KEY = 1 << 4,
	PART_REQUEST = 1 << 5, /* CDBs that only ask */
	PART_BLOCKS = 1 << 6,
	PART_STATUSES = 1 << 7
};

static const struct {
	const char *name;
	unsigned parts;
} messages[] = {
	[CXTP_CTAR] = { "CTAR", PART_FLAG | PART_ROUTER | PART_TOKEN | PART_REQUEST },
	[CXTP_CTAA] = { "CTAA", PART_STATUSES },
	[CXTP_CTD] = { "CTD", PART_FLAG | PART_ELAPSED | PART_BLOCKS },
	[CXTP_PCTD] = { "PCTD", PART_FLAG | PART_ELAPSED | PART_KEY | PART_BLOCKS },
	[CXTP_CTDR] = { "CTDR", PART_FLAG | PART_STATUSES },
	[CXTP_CTC] = { "CTC", 0 },
	[CXTP_CTREQ] = { "CT-Req", PART_TOKEN | PART_REQUEST },
};
#define MESSAGES (sizeof messages / sizeof messages[0])

static bool type_known(unsigned type)
{
	return type < MESSAGES && messages[type].name;
}

const char *cxtp_type_name(enum cxtp_type t)
{
	return type_known((unsigned)t) ? messages[t].name : "unknown";
}

const char *cxtp_error_text(enum cxtp_error e)
{
	static const char *const texts[] = {
		[CXTP_OK] = "ok",
		[CXTP_E_SHORT] = "too-short",
		[CXTP_E_VERSION] = "version",
		[CXTP_E_TYPE] = "type",
		[CXTP_E_LENGTH] = "length",
		[CXTP_E_ADDRESS] = "address",
		[CXTP_E_KEY] = "key",
		[CXTP_E_BLOCK] = "context-block",
		[CXTP_E_STATUS] = "status-entry",
	};
	return texts[e];
}

/* An IPv6 field must not hold an IPv4-mapped address: we keep IPv4 that way, and V decides the family. */
static bool read_addr(struct rd *r, bool v4, struct in6_addr *out, enum cxtp_error *error)
{
	if (!(v4 ? rd_addr4(r, out) : rd_addr6(r, out))) {
		*error = CXTP_E_SHORT;
		return false;
	}
	uint8_t first4 = out->s6_addr[12];
	bool bad = v4 ? first4 == 0 || first4 == 127 || first4 >= 224
	              : addr_is_v4(out) || addr_is_zero(out) || addr_is_multicast(out) || IN6_IS_ADDR_LOOPBACK(out);
	if (bad)
		*error = CXTP_E_ADDRESS;
	return !bad;
}

/* A link names its mobiles by addresses that others can tell apart; a link-local one names nobody elsewhere. */
static bool names_nobody_elsewhere(const struct in6_addr *a)
{
	return addr_is_link_local(a) || (addr_is_v4(a) && a->s6_addr[12] == 169 && a->s6_addr[13] == 254);
}

static enum cxtp_error read_key(struct rd *r, struct cxtp_message *m)
{
	uint16_t len;
	if (!rd_u16(r, &m->algorithm) || !rd_u16(r, &len))
		return CXTP_E_SHORT;
	m->key = rd_bytes(r, len);
	m->key_len = len;
	return len && m->key ? CXTP_OK : CXTP_E_KEY;
}

static enum cxtp_error read_blocks(struct rd *r, bool request, struct cxtp_message *m)
{
	m->blocks_len = rd_left(r);
	m->blocks = rd_bytes(r, m->blocks_len);
	struct rd walk = rd_make(m->blocks, m->blocks_len);
	struct cxtp_block b;
	int got;
	while ((got = cxtp_block_next(&walk, request, &b)) > 0)
		;
	return got < 0 ? CXTP_E_BLOCK : CXTP_OK;
}

static enum cxtp_error read_statuses(struct rd *r, struct cxtp_message *m)
{
	if (rd_left(r) % 4)
		return CXTP_E_STATUS;
	m->statuses_len = rd_left(r);
	m->statuses = rd_bytes(r, m->statuses_len);
	return CXTP_OK;
}

static enum cxtp_error read_body(struct rd *r, unsigned parts, bool v4, struct cxtp_message *m)
{
	enum cxtp_error error = CXTP_OK;
	if ((parts & PART_ELAPSED) && !rd_u32(r, &m->elapsed))
		return CXTP_E_SHORT;
	if (!read_addr(r, v4, &m->mobile, &error))
		return error;
	if (names_nobody_elsewhere(&m->mobile))
		return CXTP_E_ADDRESS;
	if ((parts & PART_ROUTER) && !read_addr(r, v4, &m->router, &error))
		return error;
	if ((parts & PART_TOKEN) && (!rd_u32(r, &m->seq) || !rd_u32(r, &m->token)))
		return CXTP_E_SHORT;
	if (parts & PART_KEY)
		error = read_key(r, m);
	if (!error && (parts & (PART_REQUEST | PART_BLOCKS)))
		error = read_blocks(r, parts & PART_REQUEST, m);
	if (!error && (parts & PART_STATUSES))
		error = read_statuses(r, m);
	if (!error && rd_left(r))
		error = CXTP_E_LENGTH;
	return error;
}

enum cxtp_error cxtp_parse(const void *data, size_t len, struct cxtp_message *out)
{
	struct rd r = rd_make(data, len);
	uint8_t first, flags;
	uint16_t length;
	memset(out, 0, sizeof *out);
	if (!rd_u8(&r, &first) || !rd_u8(&r, &flags) || !rd_u16(&r, &length))
		return CXTP_E_SHORT;
	if (first >> VERSION_SHIFT != CXTP_VERSION)
		return CXTP_E_VERSION;
	unsigned type = first & TYPE_MASK;
	if (!type_known(type))
		return CXTP_E_TYPE;
	if (length != len)
		return CXTP_E_LENGTH;
	out->type = (enum cxtp_type)type;
	out->flag = (messages[type].parts & PART_FLAG) && (flags & FLAG_A_OR_S);
	return read_body(&r, messages[type].parts, flags & FLAG_V, out);
}

static void write_addr(struct wr *w, const struct in6_addr *a)
{
	if (addr_is_v4(a))
		wr_addr4(w, a);
	else
		wr_addr6(w, a);
}

size_t cxtp_pack(const struct cxtp_message *m, void *buf, size_t cap)
{
	if (!type_known((unsigned)m->type))
		return 0;
	unsigned parts = messages[m->type].parts;
	bool v4 = addr_is_v4(&m->mobile);
	if ((parts & PART_ROUTER) && addr_is_v4(&m->router) != v4)
		return 0;
	if ((parts & PART_KEY) && (m->key_len == 0 || m->key_len > UINT16_MAX))
		return 0;
	struct wr w = wr_make(buf, cap < CXTP_MESSAGE_MAX ? cap : CXTP_MESSAGE_MAX);
	wr_u8(&w, (uint8_t)(CXTP_VERSION << VERSION_SHIFT | m->type));
	wr_u8(&w, (uint8_t)((v4 ? FLAG_V : 0) | ((parts & PART_FLAG) && m->flag ? FLAG_A_OR_S : 0)));
	wr_u16(&w, 0);
	if (parts & PART_ELAPSED)
		wr_u32(&w, m->elapsed);
	write_addr(&w, &m->mobile);
	if (parts & PART_ROUTER)
		write_addr(&w, &m->router);
	if (parts & PART_TOKEN) {
		wr_u32(&w, m->seq);
		wr_u32(&w, m->token);
	}
	if (parts & PART_KEY) {
		wr_u16(&w, m->algorithm);
		wr_u16(&w, (uint16_t)m->key_len);
		wr_copy(&w, m->key, m->key_len);
	}
	if ((parts & (PART_REQUEST | PART_BLOCKS)) && m->blocks_len)
		wr_copy(&w, m->blocks, m->blocks_len);
	if ((parts & PART_STATUSES) && m->statuses_len)
		wr_copy(&w, m->statuses, m->statuses_len);
	wr_patch16(&w, 2, (uint16_t)w.len);
	return wr_ok(&w) ? w.len : 0;
}

/* How many octets the CDB has that starts with a length field of `words`, `left` octets before the message's end. */
static size_t block_size(uint8_t words, size_t left, bool request)
{
	if (words == 0)
		return request ? 4 : 0;
	if (request && words == 1 && left == 4)
		return 4;
	return (size_t)words * 8;
}

int cxtp_block_next(struct rd *r, bool request, struct cxtp_block *out)
{
	struct rd peek = *r, block;
	uint16_t fpt;
	uint8_t words, flags;
	if (!rd_left(r))
		return 0;
	if (!rd_u16(&peek, &fpt) || !rd_u8(&peek, &words) || !rd_u8(&peek, &flags))
		return -1;
	size_t size = block_size(words, rd_left(r), request);
	if (size < 4 || !rd_sub(r, size, &block) || !rd_skip(&block, 4))
		return -1;
	*out = (struct cxtp_block){ .fpt = fpt, .has_presence = flags & 0x80 };
	if (out->has_presence && !rd_u32(&block, &out->presence))
		return -1;
	out->len = rd_left(&block);
	out->data = rd_bytes(&block, out->len);
	return 1;
}

void cxtp_block_put(struct wr *w, uint16_t fpt, const uint32_t *presence, const void *data, size_t len)
{
	size_t head = presence ? 8 : 4;
	if (len > CXTP_BLOCK_MAX - head) {
		w->overflow = true;
		return;
	}
	size_t words = (head + len + 7) / 8;
	wr_u16(w, fpt);
	wr_u8(w, (uint8_t)words);
	wr_u8(w, presence ? 0x80 : 0);
	if (presence)
		wr_u32(w, *presence);
	if (len)
		wr_copy(w, data, len);
	wr_zero(w, words * 8 - head - len);
}

void cxtp_request_put(struct wr *w, uint16_t fpt)
{
	cxtp_block_put(w, fpt, NULL, NULL, 0);
}

bool cxtp_status_next(struct rd *r, struct cxtp_status *out)
{
	return rd_u16(r, &out->fpt) && rd_u8(r, &out->status) && rd_skip(r, 1);
}

void cxtp_status_put(struct wr *w, uint16_t fpt, uint8_t status)
{
	wr_u16(w, fpt);
	wr_u8(w, status);
	wr_u8(w, 0);
}
