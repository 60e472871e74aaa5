#include "context/rate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context/addresses.h"
#include "context/context_count.h"
#include "context/rate_wire.h"
#include "core/log.h"
#include "core/mobile.h"
#include "core/output.h"
#include "core/secret.h"
#include "net/net.h"

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION(key, len, out) ((out) = (unsigned)hash_keyed((key), (len)))
#include <uthash.h>
#include <utlist.h>

#define ADDRS_MAX 16
#define LOOK_EVERY (10 * USEC_SEC) /* whether those that have a rate are still here, */
#define LOOK_AT_ONCE 32            /* so many of them */
#define GONE_AFTER (3600 * USEC_SEC)

struct limited;

struct addr_node {
	UT_hash_handle hh;
	struct in6_addr addr;
	struct limited *owner;
};

/* A mobile whose rate came from another router. */
struct limited {
	struct limited *prev, *next;
	uint32_t id; /* in the policer */
	struct policer_rate rate;
	struct lladdr lladdr;
	int ifindex;
	usec_t seen;
	size_t n;
	struct addr_node nodes[ADDRS_MAX];
};

static struct {
	struct core *core;
	const struct context_rate *cfg;
	struct policer *policer;
	struct rtnl_sub *sub;
	struct addr_node *by_addr;
	struct limited *all;
	size_t n;
	uint32_t last_id;
	struct timer look;
	struct bucket lines;
} me;

/* ---- who has a rate ---- */

static struct limited *find(const struct in6_addr *a)
{
	struct addr_node *node;
	HASH_FIND(hh, me.by_addr, a, sizeof *a, node);
	return node ? node->owner : NULL;
}

static struct in6_addr *addresses(const struct limited *l, struct in6_addr out[ADDRS_MAX])
{
	for (size_t i = 0; i < l->n; i++)
		out[i] = l->nodes[i].addr;
	return out;
}

/* True: it is new here. */
static bool add(struct limited *l, const struct in6_addr *a)
{
	struct addr_node *node = &l->nodes[l->n];
	if (l->n == ADDRS_MAX || addr_is_zero(a) || addr_is_link_local(a) || find(a) || rtnl_is_local(me.core->net->rtnl, a, NULL))
		return false;
	*node = (struct addr_node){ .addr = *a, .owner = l };
	HASH_ADD(hh, me.by_addr, addr, sizeof node->addr, node);
	if (!node->hh.tbl)
		return false;
	l->n++;
	return true;
}

static void drop_last(struct limited *l)
{
	l->n--;
	HASH_DELETE(hh, me.by_addr, &l->nodes[l->n]);
}

static void limited_free(struct limited *l)
{
	while (l->n)
		drop_last(l);
	DL_DELETE(me.all, l);
	me.n--;
	context_counters[CONTEXT_RATES].value = me.n;
	free(l);
}

static void unlimit(struct limited *l)
{
	struct in6_addr a[ADDRS_MAX];
	int err = policer_del(me.policer, l->id, &l->rate, addresses(l, a), l->n);
	if (err)
		log_limited(&me.lines, loop_now(me.core->loop), LOG_LEVEL_WARNING, "context", "rate not removed mobile=%s reason=\"%s\"",
		            ADDR(&l->nodes[0].addr), strerror(-err));
	limited_free(l);
}

static void on_address(const struct in6_addr *a, void *arg)
{
	add(arg, a);
}

static struct limited *limited_make(const struct feature_subject *s, const struct policer_rate *r)
{
	struct limited *l = me.n < (size_t)me.cfg->limit ? calloc(1, sizeof *l) : NULL;
	if (!l)
		return NULL;
	*l = (struct limited){ .id = ++me.last_id, .rate = *r, .lladdr = s->lladdr, .ifindex = s->ifindex,
		                .seen = loop_now(me.core->loop) };
	DL_APPEND(me.all, l);
	me.n++;
	context_counters[CONTEXT_RATES].value = me.n;
	context_addresses(me.core, s, on_address, l);
	return l;
}

/* ---- who left without a word ---- */

static bool is_here(const struct limited *l)
{
	struct lladdr lladdr;
	for (size_t i = 0; i < l->n; i++) {
		const struct mobile *m = mobile_find(me.core->mobiles, &l->nodes[i].addr);
		if ((m && m->ifindex) || rtnl_neigh_get(me.core->net->rtnl, l->ifindex, &l->nodes[i].addr, &lladdr) == 0)
			return true;
	}
	return false;
}

/* One that sleeps keeps its rate; one that no other router ever asked for is given up in the end. */
static void on_look(struct timer *t, void *arg)
{
	usec_t now = loop_now(me.core->loop);
	size_t n = me.n < LOOK_AT_ONCE ? me.n : LOOK_AT_ONCE;
	while (n--) {
		struct limited *l = me.all;
		if (is_here(l))
			l->seen = now;
		if (now - l->seen > GONE_AFTER) {
			LOG_INFO("context", "rate given up mobile=%s reason=\"not seen for an hour\"", ADDR(&l->nodes[0].addr));
			unlimit(l);
			continue;
		}
		DL_DELETE(me.all, l);
		DL_APPEND(me.all, l);
	}
	timer_after(&me.look, LOOK_EVERY);
}

/* ---- the configuration's ---- */

static struct policer_prefix prefix_of_setting(const struct context_rate_mobile *m)
{
	struct policer_prefix p = { .prefix = m->prefix,
		                    .rate = { .down = m->down, .up = m->up, .burst = (uint32_t)m->burst,
		                              .dscp = m->dscp < 0 ? POLICER_DSCP_KEEP : (uint8_t)m->dscp } };
	if (!addr_is_zero(&m->address))
		p.prefix = (struct prefix){ .addr = m->address, .plen = 128 };
	context_rate_class(m->class, &p.rate.class);
	return p;
}

static bool configured(const struct in6_addr *a, struct policer_rate *out)
{
	int best = -1;
	for (size_t i = 0; i < me.cfg->mobiles.n; i++) {
		struct policer_prefix p = prefix_of_setting((const struct context_rate_mobile *)me.cfg->mobiles.items + i);
		if (!prefix_has(&p.prefix, a) || p.prefix.plen <= best)
			continue;
		best = p.prefix.plen;
		*out = p.rate;
	}
	return best >= 0;
}

static int configure(void)
{
	size_t n = me.cfg->mobiles.n;
	struct policer_prefix *p = calloc(n + 1, sizeof *p);
	char why[POLICER_WHY] = "";
	int err = -ENOMEM;
	for (size_t i = 0; p && i < n; i++)
		p[i] = prefix_of_setting((const struct context_rate_mobile *)me.cfg->mobiles.items + i);
	if (p)
		err = policer_prefixes(me.policer, p, n, why);
	free(p);
	if (err)
		LOG_WARNING("context", "rates of the configuration are not in force reason=\"%s\"", *why ? why : strerror(-err));
	return err;
}

/* ---- the feature ---- */

static int collect(struct core *core, const struct feature_subject *s, feature_emit_fn *emit, void *emit_arg)
{
	const struct limited *l = find(&s->previous);
	struct policer_rate r;
	uint8_t out[RATE_LEN];
	if (l)
		r = l->rate;
	else if (!configured(&s->previous, &r))
		return 0;
	if (policer_rate_none(&r))
		return 0;
	rate_pack(&r, out);
	if (emit(out, sizeof out, emit_arg))
		context_count(CONTEXT_COLLECTED);
	return 0;
}

static uint8_t refused(const struct feature_subject *s, uint8_t status, const char *reason)
{
	context_count(CONTEXT_INSTALL_REFUSED);
	feature_reason(s, "%s", reason);
	return status;
}

static uint8_t install(struct core *core, const struct feature_subject *s, const uint8_t *data, size_t len)
{
	struct policer_rate r;
	struct in6_addr a[ADDRS_MAX];
	char why[POLICER_WHY];
	if (!rate_parse(data, len, &r))
		return refused(s, FEATURE_MALFORMED, "malformed");
	struct limited *l = find(addr_is_zero(&s->addr) ? &s->previous : &s->addr);
	if (l)
		unlimit(l);
	if ((l = find(&s->previous)))
		unlimit(l);
	if (policer_rate_none(&r))
		return FEATURE_OK;
	l = limited_make(s, &r);
	if (!l)
		return refused(s, FEATURE_NO_RESOURCES, "context.rate.limit is reached");
	int err = l->n ? policer_set(me.policer, l->id, &r, addresses(l, a), l->n, true, why) : -EADDRNOTAVAIL;
	if (err) {
		limited_free(l);
		return refused(s, FEATURE_FAILED, err == -EADDRNOTAVAIL ? "no address to limit" : why);
	}
	context_count(CONTEXT_INSTALLED);
	LOG_INFO("context", "rate in force mobile=%s down=%llu up=%llu dscp=%d class=%x:%x addresses=%zu", ADDR(&s->previous),
	         (unsigned long long)r.down, (unsigned long long)r.up, r.dscp == POLICER_DSCP_KEEP ? -1 : r.dscp, r.class >> 16,
	         r.class & 0xffff, l->n);
	return FEATURE_OK;
}

static void forget(struct core *core, const struct in6_addr *addr)
{
	struct limited *l = find(addr);
	if (l)
		unlimit(l);
}

/* An address that a mobile shows later, such as one of IPv4, has no other rate. */
static void on_rtnl(const struct rtnl_note *n, void *arg)
{
	struct limited *l;
	char why[POLICER_WHY];
	if (n->event != RTNL_NEIGH || !n->lladdr.len || !me.all || find(&n->addr))
		return;
	DL_FOREACH(me.all, l) {
		if (l->ifindex != n->ifindex || !lladdr_eq(&l->lladdr, &n->lladdr) || !add(l, &n->addr))
			continue;
		if (policer_set(me.policer, l->id, &l->rate, &n->addr, 1, false, why) < 0) {
			drop_last(l);
			log_limited(&me.lines, loop_now(me.core->loop), LOG_LEVEL_WARNING, "context",
			            "rate not in force for an address mobile=%s address=%s reason=\"%s\"", ADDR(&l->nodes[0].addr),
			            ADDR(&n->addr), why);
		}
		return;
	}
}

static struct feature rate = { .name = "rate", .fields = rate_fields, .collect = collect, .install = install, .forget = forget };

/* ---- start, reload, stop, show ---- */

static int start(struct core *core, const struct context_config *c)
{
	me.core = core;
	me.cfg = &c->rate;
	bucket_init(&me.lines, 0.2, 5);
	me.policer = policer_open();
	me.sub = me.policer ? rtnl_subscribe(core->net->rtnl, on_rtnl, NULL) : NULL;
	if (!me.sub) {
		LOG_ERROR("context", "rates cannot be carried reason=\"%s\"", strerror(errno));
		policer_close(me.policer);
		return -1;
	}
	timer_init(&me.look, core->loop, on_look, NULL);
	timer_after(&me.look, LOOK_EVERY);
	configure();
	return 0;
}

static void reload(const struct context_config *c)
{
	struct limited *l, *tmp;
	struct in6_addr a[ADDRS_MAX];
	char why[POLICER_WHY];
	me.cfg = &c->rate;
	configure();
	DL_FOREACH_SAFE(me.all, l, tmp)
		if (policer_set(me.policer, l->id, &l->rate, addresses(l, a), l->n, true, why) < 0) {
			LOG_WARNING("context", "rate no longer in force mobile=%s reason=\"%s\"", ADDR(&l->nodes[0].addr), why);
			limited_free(l);
		}
}

static void stop(void)
{
	timer_stop(&me.look);
	rtnl_unsubscribe(me.sub);
	while (me.all)
		limited_free(me.all);
	policer_close(me.policer);
	me.policer = NULL;
}

static bool wanted(const struct context_config *c)
{
	return c->rate.enabled;
}

static void show(struct output *o)
{
	const struct limited *l;
	DL_FOREACH(me.all, l) {
		char class[16];
		out_item_begin(o, NULL);
		out_addr(o, "mobile", &l->nodes[0].addr);
		out_uint(o, "fpt", rate.fpt);
		out_str(o, "name", rate.name);
		out_uint(o, "down", l->rate.down);
		out_uint(o, "up", l->rate.up);
		if (l->rate.class) {
			snprintf(class, sizeof class, "%x:%x", l->rate.class >> 16, l->rate.class & 0xffff);
			out_str(o, "class", class);
		}
		if (l->rate.dscp != POLICER_DSCP_KEEP)
			out_uint(o, "dscp", l->rate.dscp);
		out_uint(o, "addresses", l->n);
		out_item_end(o);
	}
}

const struct context_part rate_part = { .feature = &rate, .wanted = wanted, .start = start, .reload = reload, .stop = stop,
	                                .show = show };
