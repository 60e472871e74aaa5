#include "cxtp/cxtp_contexts.h"

#include <errno.h>
#include <string.h>

#include "core/log.h"
#include "cxtp/cxtp_count.h"

bool cxtp_requested(const uint8_t *request, size_t len, uint16_t fpt)
{
	if (!len)
		return true;
	struct rd r = rd_make(request, len);
	struct cxtp_block b;
	while (cxtp_block_next(&r, true, &b) > 0)
		if (b.fpt == fpt)
			return true;
	return false;
}

struct collecting {
	struct wr *w;
	const struct feature *feature;
	bool cut, wrong;
};

static bool put_block(struct collecting *c, const struct feature_data *d)
{
	size_t size = ((d->has_presence ? 8 : 4) + d->len + 7) / 8 * 8;
	if (size > CXTP_BLOCK_MAX || c->w->cap - c->w->len < size) {
		c->cut = true;
		return false;
	}
	cxtp_block_put(c->w, c->feature->fpt, d->has_presence ? &d->presence : NULL, d->octets, d->len);
	cxtp_count(CXTP_CONTEXTS_COLLECTED);
	return true;
}

static bool collect_emit(const void *data, size_t len, void *arg)
{
	struct collecting *c = arg;
	struct feature_data d = { .octets = data, .len = len };
	uint8_t fields[FEATURE_VECTOR_MAX];
	if (c->feature->fields && len != feature_vector_len(c->feature)) {
		c->wrong = true;
		return false;
	}
	if (c->feature->fields)
		feature_encode(c->feature, data, &d, fields);
	return put_block(c, &d);
}

/* Why it could not be collected; 0: it could, or there is nothing. */
static int collect_feature(struct core *core, const struct feature_subject *s, struct collecting *c)
{
	int err = c->feature->collect(core, s, collect_emit, c);
	if (err == -ENOENT)
		LOG_INFO("cxtp", "no context: the mobile is not known here mobile=%s feature=%s", ADDR(&s->previous), c->feature->name);
	if (c->wrong)
		return -EPROTO;
	return err == -ENOENT ? 0 : err;
}

void cxtp_collect(struct core *core, const struct feature_subject *s, const uint8_t *request, size_t len, struct wr *w)
{
	const struct feature *all[FEATURES_MAX];
	size_t n = features(all, FEATURES_MAX);
	bool cut = false;
	for (size_t i = 0; i < n; i++) {
		if (!cxtp_requested(request, len, all[i]->fpt) || !feature_offered(all[i]))
			continue;
		struct collecting c = { .w = w, .feature = all[i] };
		struct feature_subject subject = *s;
		subject.feature = all[i];
		int err = collect_feature(core, &subject, &c);
		cut |= c.cut;
		if (err < 0) {
			cxtp_count(CXTP_CONTEXTS_FAILED);
			LOG_WARNING("cxtp", "context not collected mobile=%s feature=%s reason=\"%s\"", ADDR(&s->previous), all[i]->name,
			            strerror(-err));
		}
	}
	if (cut) {
		cxtp_count(CXTP_CONTEXTS_CUT);
		LOG_WARNING("cxtp", "contexts do not fit one message mobile=%s limit=%zu kept=%zu", ADDR(&s->previous), w->cap, w->len);
	}
}

/* The entry of a feature, made if need be; NULL: no room for another. */
static struct cxtp_status *entry_of(struct cxtp_contexts *c, uint16_t fpt)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->entries[i].fpt == fpt)
			return &c->entries[i];
	if (c->n == CXTP_CONTEXTS_MAX) {
		c->complete = false;
		return NULL;
	}
	c->entries[c->n] = (struct cxtp_status){ .fpt = fpt };
	return &c->entries[c->n++];
}

/* True: it is the first thing that goes wrong with this feature. */
static bool note(struct cxtp_contexts *c, uint16_t fpt, uint8_t status)
{
	struct cxtp_status *e = entry_of(c, fpt);
	if (status)
		c->complete = false;
	if (!status || !e || e->status)
		return false;
	e->status = status;
	return true;
}

/* What became of one block; one line tells of a feature's failure, however many blocks it had. */
static void note_block(struct cxtp_contexts *c, const struct in6_addr *pcoa, uint16_t fpt, uint8_t status, const char *reason)
{
	const struct feature *f = feature_find(fpt);
	bool first = note(c, fpt, status);
	c->blocks += status == 0;
	cxtp_count(status ? CXTP_CONTEXTS_FAILED : CXTP_CONTEXTS_INSTALLED);
	if (first)
		LOG_WARNING("cxtp", "context not installed mobile=%s feature=%s fpt=%u status=%u reason=\"%s%s%s\"", ADDR(pcoa),
		            f ? f->name : "-", fpt, status, FEATURE_STATUS(fpt, status), reason && *reason ? ": " : "",
		            reason ? reason : "");
}

/* An opaque feature has no fields that a presence vector could speak of. */
static uint8_t install_data(struct core *core, const struct feature_subject *s, const struct feature *f, const struct cxtp_block *b)
{
	struct feature_data d = { .octets = b->data, .len = b->len, .has_presence = b->has_presence, .presence = b->presence };
	uint8_t vector[FEATURE_VECTOR_MAX];
	if (!f->fields)
		return b->has_presence ? FEATURE_PRESENCE : f->install(core, s, b->data, b->len);
	uint8_t status = feature_decode(f, &d, vector);
	return status ? status : f->install(core, s, vector, feature_vector_len(f));
}

static void install_block(struct core *core, const struct feature_subject *subject, const struct cxtp_block *b,
                          struct cxtp_contexts *out)
{
	const struct feature *f = feature_find(b->fpt);
	char reason[FEATURE_REASON_MAX] = "";
	struct feature_subject s = *subject;
	struct cxtp_status *e = entry_of(out, b->fpt);
	if (!e) {
		cxtp_count(CXTP_CONTEXTS_FAILED);
		return;
	}
	s.feature = f;
	s.reason = reason;
	uint8_t status = !f                     ? FEATURE_UNKNOWN
	                 : !feature_accepted(f) ? FEATURE_REFUSED
	                                        : install_data(core, &s, f, b);
	if (status != FEATURE_PENDING) {
		note_block(out, &s.previous, b->fpt, status, reason);
		return;
	}
	out->pending[e - out->entries]++;
	out->pending_n++;
}

static bool noted(const struct cxtp_contexts *c, uint16_t fpt)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->entries[i].fpt == fpt)
			return true;
	return false;
}

void cxtp_install(struct core *core, const struct feature_subject *s, const uint8_t *blocks, size_t blocks_len,
                  const uint8_t *request, size_t len, struct cxtp_contexts *out)
{
	*out = (struct cxtp_contexts){ .complete = true };
	struct rd r = rd_make(blocks, blocks_len);
	struct cxtp_block b;
	while (cxtp_block_next(&r, false, &b) > 0) {
		/* The token covers what was asked for, and nothing else is authorized. */
		if (!cxtp_requested(request, len, b.fpt))
			continue;
		install_block(core, s, &b, out);
	}
	r = rd_make(request, len);
	while (cxtp_block_next(&r, true, &b) > 0)
		if (!noted(out, b.fpt))
			note(out, b.fpt, CXTP_STATUS_ABSENT);
}

bool cxtp_contexts_installed(struct cxtp_contexts *c, const struct in6_addr *pcoa, uint16_t fpt, uint8_t status, const char *reason)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->entries[i].fpt != fpt || !c->pending[i])
			continue;
		c->pending[i]--;
		c->pending_n--;
		note_block(c, pcoa, fpt, status, reason);
		return true;
	}
	return false;
}

void cxtp_contexts_overdue(struct cxtp_contexts *c, const struct in6_addr *pcoa)
{
	for (size_t i = 0; i < c->n; i++)
		while (c->pending[i])
			cxtp_contexts_installed(c, pcoa, c->entries[i].fpt, FEATURE_NO_PROGRAM, "no answer in time");
}

void cxtp_contexts_fail(const uint8_t *request, size_t len, uint8_t status, struct cxtp_contexts *out)
{
	*out = (struct cxtp_contexts){ .complete = false };
	struct rd r = rd_make(request, len);
	struct cxtp_block b;
	while (cxtp_block_next(&r, true, &b) > 0)
		note(out, b.fpt, status);
	if (len)
		return;
	const struct feature *all[FEATURES_MAX];
	size_t n = features(all, FEATURES_MAX);
	for (size_t i = 0; i < n; i++)
		if (feature_accepted(all[i]))
			note(out, all[i]->fpt, status);
	/* No entry would tell the mobile that all went well. FPT 0 is reserved and stands for no feature. */
	if (!out->n)
		note(out, 0, status);
}

void cxtp_contexts_ctaa(const struct cxtp_contexts *c, struct wr *w)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->entries[i].status)
			cxtp_status_put(w, c->entries[i].fpt, c->entries[i].status);
}

bool cxtp_contexts_ctdr(const struct cxtp_contexts *c, struct wr *w)
{
	bool all = true;
	for (size_t i = 0; i < c->n; i++) {
		if (c->entries[i].status == CXTP_STATUS_ABSENT)
			continue;
		all &= c->entries[i].status == 0;
		cxtp_status_put(w, c->entries[i].fpt, c->entries[i].status);
	}
	return all;
}
