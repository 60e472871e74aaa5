#include "core/feature.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "core/config.h"

const uint8_t feature_zero[255];

/* In order of fpt. Features are few and come and go with their modules only. */
static const struct feature *registry[FEATURES_MAX];
static size_t registry_n;
static const struct config_list *offer_names, *accept_names;

/* Where fpt stands, or would. */
static size_t position(uint16_t fpt)
{
	size_t i = 0;
	while (i < registry_n && registry[i]->fpt < fpt)
		i++;
	return i;
}

static bool fields_ok(const struct feature_field *fields)
{
	size_t n = 0, octets = 0;
	for (const struct feature_field *k = fields; k->name; k++, n++) {
		octets += k->octets;
		if (!k->octets || n == FEATURE_FIELDS_MAX || octets > FEATURE_VECTOR_MAX)
			return false;
	}
	return n > 0;
}

static bool name_taken(const char *name)
{
	for (size_t i = 0; i < registry_n; i++)
		if (!strcmp(registry[i]->name, name))
			return true;
	return false;
}

int feature_register(const struct feature *f)
{
	size_t i = position(f->fpt);
	if ((i < registry_n && registry[i]->fpt == f->fpt) || name_taken(f->name))
		return -EEXIST;
	if (!f->fpt || (f->fields && !fields_ok(f->fields)))
		return -EINVAL;
	if (registry_n == FEATURES_MAX)
		return -ENOSPC;
	memmove(&registry[i + 1], &registry[i], (registry_n - i) * sizeof registry[0]);
	registry[i] = f;
	registry_n++;
	return 0;
}

void feature_unregister(const struct feature *f)
{
	size_t i = position(f->fpt);
	if (i == registry_n || registry[i] != f)
		return;
	registry_n--;
	memmove(&registry[i], &registry[i + 1], (registry_n - i) * sizeof registry[0]);
}

const struct feature *feature_find(uint16_t fpt)
{
	size_t i = position(fpt);
	return i < registry_n && registry[i]->fpt == fpt ? registry[i] : NULL;
}

size_t features(const struct feature **out, size_t max)
{
	size_t n = registry_n < max ? registry_n : max;
	memcpy(out, registry, n * sizeof registry[0]);
	return n;
}

void feature_reason(const struct feature_subject *s, const char *fmt, ...)
{
	va_list ap;
	if (!s->reason)
		return;
	va_start(ap, fmt);
	vsnprintf(s->reason, FEATURE_REASON_MAX, fmt, ap);
	va_end(ap);
}

const char *feature_status_text(uint16_t fpt, uint8_t status, char out[FEATURE_STATUS_STRLEN])
{
	static const char *const common[FEATURE_STATUS_OWN] = {
		[FEATURE_OK] = "ok",
		[FEATURE_MALFORMED] = "malformed",
		[FEATURE_UNKNOWN] = "unknown-feature",
		[FEATURE_NO_RESOURCES] = "no-resources",
		[FEATURE_FAILED] = "failed",
		[FEATURE_PRESENCE] = "unknown-field",
		[FEATURE_REFUSED] = "not-accepted",
		[FEATURE_NO_PROGRAM] = "no-program",
		[FEATURE_ABSENT] = "absent",
		[FEATURE_TIMEOUT] = "timeout",
		[FEATURE_UNREACHABLE] = "unreachable",
	};
	const struct feature *f = feature_find(fpt);
	if (status < FEATURE_STATUS_OWN && common[status])
		return common[status];
	for (const struct feature_status_name *s = f ? f->statuses : NULL; s && s->status; s++)
		if (s->status == status)
			return s->name;
	snprintf(out, FEATURE_STATUS_STRLEN, "status-%u", status);
	return out;
}

/* ---- policy ---- */

void feature_policy(const struct config_list *offer, const struct config_list *accept)
{
	offer_names = offer;
	accept_names = accept;
}

static bool listed(const struct config_list *names, const char *name)
{
	if (!names || !names->items)
		return true;
	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(((char *const *)names->items)[i], name))
			return true;
	return false;
}

bool feature_offered(const struct feature *f)
{
	return listed(offer_names, f->name);
}

bool feature_accepted(const struct feature *f)
{
	return listed(accept_names, f->name);
}

/* ---- state vectors ---- */

size_t feature_vector_len(const struct feature *f)
{
	size_t len = 0;
	for (const struct feature_field *k = f->fields; k->name; k++)
		len += k->octets;
	return len;
}

static uint32_t presence_bit(const struct feature *f, const struct feature_field *k)
{
	return UINT32_C(1) << (31 - (k - f->fields));
}

static uint32_t known_fields(const struct feature *f)
{
	uint32_t known = 0;
	for (const struct feature_field *k = f->fields; k->name; k++)
		known |= presence_bit(f, k);
	return known;
}

static bool holds_default(const struct feature_field *k, const uint8_t *value)
{
	return k->preset && !memcmp(value, k->preset, k->octets);
}

void feature_encode(const struct feature *f, const uint8_t *vector, struct feature_data *d, uint8_t out[FEATURE_VECTOR_MAX])
{
	struct wr w = wr_make(out, FEATURE_VECTOR_MAX);
	*d = (struct feature_data){ .octets = out };
	for (const struct feature_field *k = f->fields; k->name; vector += k->octets, k++) {
		if (holds_default(k, vector)) {
			d->has_presence = true;
			continue;
		}
		d->presence |= presence_bit(f, k);
		wr_copy(&w, vector, k->octets);
	}
	d->len = w.len;
	if (!d->has_presence)
		d->presence = 0;
}

/* Blocks travel in words of eight, so up to seven zeros may follow the last field. */
static bool only_padding(struct rd *r)
{
	uint8_t octet;
	if (rd_left(r) > 7)
		return false;
	while (rd_u8(r, &octet))
		if (octet)
			return false;
	return true;
}

uint8_t feature_decode(const struct feature *f, const struct feature_data *d, uint8_t vector[FEATURE_VECTOR_MAX])
{
	struct rd r = rd_make(d->octets, d->len);
	struct wr w = wr_make(vector, FEATURE_VECTOR_MAX);
	if (d->has_presence && (d->presence & ~known_fields(f)))
		return FEATURE_PRESENCE;
	for (const struct feature_field *k = f->fields; k->name; k++) {
		bool there = !d->has_presence || (d->presence & presence_bit(f, k));
		const void *value = there ? rd_bytes(&r, k->octets) : k->preset;
		if (!value)
			return FEATURE_MALFORMED;
		wr_copy(&w, value, k->octets);
	}
	return only_padding(&r) ? FEATURE_OK : FEATURE_MALFORMED;
}
