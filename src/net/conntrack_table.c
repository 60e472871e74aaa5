#include "net/conntrack_table.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "core/secret.h"

/* First in what is hashed. */
struct node {
	struct node *next;
	uint64_t hash;
};

struct hash {
	struct node **heads;
	size_t mask;
};

struct place;
struct flow;

/* One end of a flow, in the list of its address. */
struct end {
	struct end *prev, *next;
	struct place *place;
	struct flow *flow;
};

/* Hashed as octets: no padding, and unused octets are zero. */
struct key {
	struct in6_addr src, dst;
	uint16_t sport, dport;
	uint8_t proto, zero[3];
};
_Static_assert(sizeof(struct key) == 40, "no padding");

struct flow {
	struct node node;
	struct key key;
	struct end ends[2];       /* source, destination */
	struct flow *prev, *next; /* by when it was last learnt */
	uint32_t generation;
	bool nat;
};

/* An address with flows. */
struct place {
	struct node node;
	struct in6_addr addr;
	struct end *ends[2]; /* TCP, others; youngest first */
	size_t n;
};

struct conntrack_table {
	struct hash flows, places;
	struct flow *oldest;
	size_t n, limit;
};

/* ---- hashes ---- */

static bool hash_init(struct hash *h, size_t want)
{
	size_t n = 64;
	while (n < want)
		n *= 2;
	h->mask = n - 1;
	h->heads = calloc(n, sizeof(struct node *));
	return h->heads;
}

static void hash_add(struct hash *h, struct node *node)
{
	struct node **head = &h->heads[node->hash & h->mask];
	node->next = *head;
	*head = node;
}

static void hash_del(struct hash *h, struct node *node)
{
	struct node **at = &h->heads[node->hash & h->mask];
	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
}

/* ---- addresses ---- */

static struct place *place_find(const struct conntrack_table *t, const struct in6_addr *addr, uint64_t hash)
{
	for (struct node *n = t->places.heads[hash & t->places.mask]; n; n = n->next) {
		struct place *p = (struct place *)n;
		if (n->hash == hash && addr_eq(&p->addr, addr))
			return p;
	}
	return NULL;
}

static struct place *place_get(struct conntrack_table *t, const struct in6_addr *addr)
{
	uint64_t hash = hash_keyed(addr, sizeof *addr);
	struct place *p = place_find(t, addr, hash);
	if (p || !(p = calloc(1, sizeof *p)))
		return p;
	p->addr = *addr;
	p->node.hash = hash;
	hash_add(&t->places, &p->node);
	return p;
}

static void place_drop(struct conntrack_table *t, struct place *p)
{
	if (!p || p->n)
		return;
	hash_del(&t->places, &p->node);
	free(p);
}

/* ---- flows ---- */

static struct key key_of(const struct conntrack_tuple *t)
{
	return (struct key){ .src = t->src, .dst = t->dst, .sport = t->sport, .dport = t->dport, .proto = t->proto };
}

static struct conntrack_tuple tuple_of(const struct flow *f)
{
	return (struct conntrack_tuple){ .src = f->key.src, .dst = f->key.dst, .sport = f->key.sport, .dport = f->key.dport,
		                         .proto = f->key.proto };
}

static unsigned class_of(const struct flow *f)
{
	return f->key.proto == IPPROTO_TCP ? 0 : 1;
}

static struct flow *flow_find(const struct conntrack_table *t, const struct key *key, uint64_t hash)
{
	for (struct node *n = t->flows.heads[hash & t->flows.mask]; n; n = n->next) {
		struct flow *f = (struct flow *)n;
		if (n->hash == hash && !memcmp(&f->key, key, sizeof *key))
			return f;
	}
	return NULL;
}

static void flow_free(struct conntrack_table *t, struct flow *f)
{
	for (size_t i = 0; i < 2; i++) {
		struct place *p = f->ends[i].place;
		DL_DELETE(p->ends[class_of(f)], &f->ends[i]);
		p->n--;
	}
	place_drop(t, f->ends[0].place);
	if (f->ends[1].place != f->ends[0].place)
		place_drop(t, f->ends[1].place);
	DL_DELETE(t->oldest, f);
	hash_del(&t->flows, &f->node);
	free(f);
	t->n--;
}

static struct flow *flow_make(struct conntrack_table *t, const struct key *key, uint64_t hash)
{
	struct flow *f = calloc(1, sizeof *f);
	struct place *a = place_get(t, &key->src), *b = place_get(t, &key->dst);
	if (!f || !a || !b) {
		free(f);
		place_drop(t, a);
		if (b != a)
			place_drop(t, b);
		return NULL;
	}
	f->key = *key;
	f->node.hash = hash;
	hash_add(&t->flows, &f->node);
	for (size_t i = 0; i < 2; i++) {
		struct place *p = i ? b : a;
		f->ends[i] = (struct end){ .place = p, .flow = f };
		DL_PREPEND(p->ends[class_of(f)], &f->ends[i]);
		p->n++;
	}
	DL_APPEND(t->oldest, f);
	t->n++;
	return f;
}

bool conntrack_table_learn(struct conntrack_table *t, const struct conntrack_tuple *tuple, bool nat, uint32_t generation)
{
	struct key key = key_of(tuple);
	uint64_t hash = hash_keyed(&key, sizeof key);
	struct flow *f = flow_find(t, &key, hash);
	if (f) {
		DL_DELETE(t->oldest, f);
		DL_APPEND(t->oldest, f);
	} else if (t->n >= t->limit || !(f = flow_make(t, &key, hash))) {
		return false;
	}
	f->generation = generation;
	f->nat = nat;
	return true;
}

void conntrack_table_unlearn(struct conntrack_table *t, const struct conntrack_tuple *tuple)
{
	struct key key = key_of(tuple);
	struct flow *f = flow_find(t, &key, hash_keyed(&key, sizeof key));
	if (f)
		flow_free(t, f);
}

bool conntrack_table_sweep(struct conntrack_table *t, uint32_t generation, size_t max)
{
	for (size_t i = 0; i < max; i++) {
		if (!t->oldest || t->oldest->generation == generation)
			return false;
		flow_free(t, t->oldest);
	}
	return true;
}

size_t conntrack_table_size(const struct conntrack_table *t)
{
	return t->n;
}

size_t conntrack_table_count(const struct conntrack_table *t, const struct in6_addr *addr)
{
	const struct place *p = place_find(t, addr, hash_keyed(addr, sizeof *addr));
	return p ? p->n : 0;
}

size_t conntrack_table_of(const struct conntrack_table *t, const struct in6_addr *addr, bool nat, struct conntrack_tuple *out,
                          size_t max)
{
	const struct place *p = place_find(t, addr, hash_keyed(addr, sizeof *addr));
	size_t n = 0;
	for (size_t class = 0; p && class < 2; class++)
		for (const struct end *e = p->ends[class]; e && n < max; e = e->next)
			if (nat || !e->flow->nat)
				out[n++] = tuple_of(e->flow);
	return n;
}

/* ---- life ---- */

struct conntrack_table *conntrack_table_create(size_t limit)
{
	struct conntrack_table *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	t->limit = limit;
	if (hash_init(&t->flows, limit) && hash_init(&t->places, limit / 2))
		return t;
	conntrack_table_destroy(t);
	return NULL;
}

void conntrack_table_clear(struct conntrack_table *t)
{
	while (t->oldest)
		flow_free(t, t->oldest);
}

void conntrack_table_limit(struct conntrack_table *t, size_t limit)
{
	t->limit = limit;
	while (t->n > limit)
		flow_free(t, t->oldest);
}

void conntrack_table_destroy(struct conntrack_table *t)
{
	if (!t)
		return;
	conntrack_table_clear(t);
	free(t->flows.heads);
	free(t->places.heads);
	free(t);
}
