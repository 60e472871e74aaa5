#include "context/program_wire.h"

#include <stdio.h>
#include <string.h>

/* ---- base64 ---- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int sextet(char c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;
	return at ? (int)(at - alphabet) : -1;
}

/* Four characters, of which the last `pad` are '='. */
static bool decode_quantum(const char *q, size_t pad, struct wr *w)
{
	uint32_t bits = 0;
	for (size_t i = 0; i < 4; i++) {
		int s = i < 4 - pad ? sextet(q[i]) : 0;
		if (s < 0)
			return false;
		bits = bits << 6 | (uint32_t)s;
	}
	if (pad && bits & (pad == 1 ? 0xffU : 0xffffU)) /* bits that no octet has */
		return false;
	for (size_t i = 0; i < 3 - pad; i++)
		wr_u8(w, (uint8_t)(bits >> (16 - 8 * i)));
	return wr_ok(w);
}

bool base64_decode(const char *text, size_t len, struct wr *w)
{
	size_t pad = 0;
	if (len % 4)
		return false;
	while (pad < 2 && pad < len && text[len - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < len; i += 4)
		if (!decode_quantum(text + i, i + 4 == len ? pad : 0, w))
			return false;
	return true;
}

size_t base64_encode(const uint8_t *data, size_t len, char *out)
{
	char *o = out;
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t bits = (uint32_t)data[i] << 16 | (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) | (left > 2 ? data[i + 2] : 0);
		*o++ = alphabet[bits >> 18];
		*o++ = alphabet[bits >> 12 & 63];
		*o++ = left > 1 ? alphabet[bits >> 6 & 63] : '=';
		*o++ = left > 2 ? alphabet[bits & 63] : '=';
	}
	*o = '\0';
	return (size_t)(o - out);
}

/* ---- a program's lines ---- */

struct text {
	const char *p;
	size_t len;
};

enum { KEY_FPT = 1, KEY_MOBILE = 2, KEY_DATA = 4, KEY_ID = 8, KEY_STATUS = 16, KEY_REASON = 32 };

static bool text_is(struct text t, const char *word)
{
	return t.len == strlen(word) && !memcmp(t.p, word, t.len);
}

/* The first word, taken off the front with the spaces around it. */
static struct text take_word(struct text *t)
{
	while (t->len && *t->p == ' ') {
		t->p++;
		t->len--;
	}
	const char *space = t->len ? memchr(t->p, ' ', t->len) : NULL;
	struct text w = { t->p, space ? (size_t)(space - t->p) : t->len };
	t->p += w.len;
	t->len -= w.len;
	return w;
}

static bool number(struct text t, uint32_t max, uint32_t *out)
{
	uint64_t v = 0;
	if (!t.len || t.len > 10)
		return false;
	for (size_t i = 0; i < t.len; i++) {
		if (t.p[i] < '0' || t.p[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(t.p[i] - '0');
	}
	*out = (uint32_t)v;
	return v <= max;
}

static const char *take_fpt(struct text v, struct program_line *out, struct wr *blocks)
{
	uint32_t n;
	if (!number(v, UINT16_MAX, &n))
		return "fpt is a number from 0 to 65535";
	out->fpt = (uint16_t)n;
	return NULL;
}

static const char *take_mobile(struct text v, struct program_line *out, struct wr *blocks)
{
	char addr[ADDR_STRLEN];
	if (v.len >= sizeof addr)
		return "mobile is an address";
	memcpy(addr, v.p, v.len);
	addr[v.len] = '\0';
	if (addr_parse(addr, &out->mobile) < 0 || addr_is_zero(&out->mobile) || addr_is_multicast(&out->mobile))
		return "mobile is an address";
	return NULL;
}

static const char *take_data(struct text v, struct program_line *out, struct wr *blocks)
{
	size_t at = blocks->len;
	wr_u16(blocks, 0);
	bool right = base64_decode(v.p, v.len, blocks);
	if (!wr_ok(blocks))
		return "too much data for one mobile";
	if (!right)
		return "data is base64";
	if (blocks->len - at - 2 > PROGRAM_BLOCK_MAX)
		return "too much data for one block";
	wr_patch16(blocks, at, (uint16_t)(blocks->len - at - 2));
	out->blocks_n++;
	return NULL;
}

static const char *take_id(struct text v, struct program_line *out, struct wr *blocks)
{
	return number(v, UINT32_MAX, &out->id) ? NULL : "id is the number of an install";
}

static const char *take_status(struct text v, struct program_line *out, struct wr *blocks)
{
	uint32_t n;
	if (!number(v, UINT8_MAX, &n) || n == FEATURE_PENDING)
		return "status is a number from 0 to 254";
	out->status = (uint8_t)n;
	return NULL;
}

static const char *take_reason(struct text v, struct program_line *out, struct wr *blocks)
{
	out->reason = v.p;
	out->reason_len = v.len;
	return NULL;
}

static const struct {
	const char *name;
	unsigned bit;
	const char *(*take)(struct text value, struct program_line *out, struct wr *blocks);
} keys[] = {
	{ "fpt", KEY_FPT, take_fpt },
	{ "mobile", KEY_MOBILE, take_mobile },
	{ "data", KEY_DATA, take_data },
	{ "id", KEY_ID, take_id },
	{ "status", KEY_STATUS, take_status },
	{ "reason", KEY_REASON, take_reason },
};
#define KEYS (sizeof keys / sizeof keys[0])

static const struct {
	const char *name;
	unsigned needs, may;
} verbs[] = {
	[PROGRAM_HELLO] = { "hello", KEY_FPT, 0 },
	[PROGRAM_PUT] = { "put", KEY_MOBILE, KEY_DATA },
	[PROGRAM_STATUS] = { "status", KEY_ID | KEY_STATUS, KEY_REASON },
};
#define VERBS (sizeof verbs / sizeof verbs[0])

static const char *take_pair(struct text word, struct text *rest, unsigned allowed, unsigned *seen, struct program_line *out,
                             struct wr *blocks)
{
	const char *equals = memchr(word.p, '=', word.len);
	struct text key = { word.p, equals ? (size_t)(equals - word.p) : word.len };
	for (size_t i = 0; equals && i < KEYS; i++) {
		if (!text_is(key, keys[i].name) || !(allowed & keys[i].bit))
			continue;
		if ((*seen & keys[i].bit) && keys[i].bit != KEY_DATA)
			return "a word stands there twice";
		struct text value = { equals + 1, word.len - key.len - 1 };
		if (keys[i].bit == KEY_REASON) {
			value.len += rest->len;
			*rest = (struct text){ rest->p + rest->len, 0 };
		}
		*seen |= keys[i].bit;
		return keys[i].take(value, out, blocks);
	}
	return "a word that does not belong there";
}

const char *program_parse(const char *line, size_t len, struct program_line *out, struct wr *blocks)
{
	struct text rest = { line, len };
	struct text verb = take_word(&rest);
	unsigned seen = 0;
	size_t v = 0;
	*out = (struct program_line){ .verb = PROGRAM_HELLO };
	while (v < VERBS && !text_is(verb, verbs[v].name))
		v++;
	if (v == VERBS)
		return "no such request";
	out->verb = (enum program_verb)v;
	for (struct text w = take_word(&rest); w.len; w = take_word(&rest)) {
		const char *why = take_pair(w, &rest, verbs[v].needs | verbs[v].may, &seen, out, blocks);
		if (why)
			return why;
	}
	return (seen & verbs[v].needs) == verbs[v].needs ? NULL : "something is missing";
}

/* ---- ours ---- */

size_t program_install_line(const struct program_install *i, char out[PROGRAM_INSTALL_MAX])
{
	int n = snprintf(out, PROGRAM_INSTALL_MAX, "install id=%u mobile=%s previous=%s interface=%s link_address=%s data=", i->id,
	                 addr_is_zero(&i->mobile) ? "-" : ADDR(&i->mobile), ADDR(&i->previous), i->interface ? i->interface : "-",
	                 i->lladdr.len ? LLADDR(&i->lladdr) : "-");
	size_t len = (size_t)n;
	len += base64_encode(i->data, i->len, out + len);
	out[len++] = '\n';
	return len;
}

bool program_unwrap(const uint8_t *data, size_t len, const uint8_t **octets, size_t *n)
{
	struct rd r = rd_make(data, len);
	uint16_t size;
	uint8_t pad;
	if (!rd_u16(&r, &size) || size > PROGRAM_BLOCK_MAX || !(*octets = rd_bytes(&r, size)))
		return false;
	*n = size;
	if (rd_left(&r) > 7)
		return false;
	while (rd_u8(&r, &pad))
		if (pad)
			return false;
	return true;
}
