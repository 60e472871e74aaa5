#include "net/policer.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <nftables/libnftables.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/policer_priv.h"

/* The table of addresses is filled by messages of our own: libnftables reads a table's objects anew with each command, which
 * takes 15 ms with 2,000 mobiles; a batch of ours takes 30 µs however many there are. */

struct policer {
	int fd;
	bool made;          /* the table is there */
	uint64_t dscps;     /* those that have a set of addresses */
	uint32_t seq;
	char *prefixes;     /* the rules of the prefixes, as text */
};

struct batch {
	uint8_t *octets;
	size_t len, cap;
	uint32_t seq;
	int error;
};

bool policer_rate_none(const struct policer_rate *r)
{
	return !r->down && !r->up && !r->class && r->dscp == POLICER_DSCP_KEEP;
}

uint32_t policer_burst(const struct policer_rate *r, uint64_t rate)
{
	uint64_t burst = rate / 80;
	if (r->burst)
		return r->burst;
	return burst < 32768 ? 32768 : (uint32_t)burst;
}

/* ---- text, for what changes seldom ---- */

static int run(const char *commands, char why[POLICER_WHY])
{
	struct nft_ctx *c = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!c)
		return -ENOMEM;
	nft_ctx_buffer_error(c);
	nft_ctx_buffer_output(c);
	int err = nft_run_cmd_from_buffer(c, commands) == 0 ? 0 : -EIO;
	const char *said = err ? nft_ctx_get_error_buffer(c) : NULL;
	if (err && why)
		snprintf(why, POLICER_WHY, "nftables: %.*s", said ? (int)strcspn(said, "\n") : 0, said ? said : "");
	nft_ctx_free(c);
	return err;
}

static int make(struct policer *p, char why[POLICER_WHY])
{
	if (p->made)
		return 0;
	char *text = policer_text(p->prefixes);
	int err = text ? run(text, why) : -ENOMEM;
	free(text);
	p->made = err == 0;
	p->dscps = 0;
	return err;
}

static int make_dscp(struct policer *p, uint8_t dscp, char why[POLICER_WHY])
{
	if (dscp > 63 || p->dscps & 1ULL << dscp)
		return 0;
	char *text = policer_text_dscp(dscp);
	int err = text ? run(text, why) : -ENOMEM;
	free(text);
	if (!err)
		p->dscps |= 1ULL << dscp;
	return err;
}

/* ---- messages, for what changes with each mobile ---- */

static struct nl_msg *begin(uint16_t type, uint16_t flags, uint8_t family, uint16_t res_id)
{
	struct nfgenmsg g = { .nfgen_family = family, .version = NFNETLINK_V0, .res_id = htons(res_id) };
	struct nl_msg *m = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);
	if (m && nlmsg_append(m, &g, sizeof g, NLMSG_ALIGNTO) < 0) {
		nlmsg_free(m);
		return NULL;
	}
	return m;
}

static struct nl_msg *begin_nft(enum nf_tables_msg_types type, uint16_t flags)
{
	return begin((uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, NFPROTO_INET, 0);
}

/* Takes m. */
static void append(struct batch *b, struct nl_msg *m, bool complete)
{
	struct nlmsghdr *h = m ? nlmsg_hdr(m) : NULL;
	size_t len = h ? NLMSG_ALIGN(h->nlmsg_len) : 0;
	if (!complete || !len) {
		b->error = -ENOMEM;
	} else if (b->len + len > b->cap) {
		size_t cap = (b->len + len) * 2;
		uint8_t *octets = realloc(b->octets, cap);
		if (!octets)
			b->error = -ENOMEM;
		else
			b->octets = octets, b->cap = cap;
	}
	if (!b->error) {
		h->nlmsg_seq = ++b->seq;
		memset(b->octets + b->len, 0, len);
		memcpy(b->octets + b->len, h, h->nlmsg_len);
		b->len += len;
	}
	if (m)
		nlmsg_free(m);
}

static bool put_u64(struct nl_msg *m, int type, uint64_t v)
{
	uint32_t halves[2] = { htonl((uint32_t)(v >> 32)), htonl((uint32_t)v) };
	return nla_put(m, type, sizeof halves, halves) == 0;
}

static bool put_u32(struct nl_msg *m, int type, uint32_t v)
{
	return nla_put_u32(m, type, htonl(v)) == 0;
}

static bool put_limit(struct nl_msg *m, uint64_t octets, uint32_t burst)
{
	struct nlattr *data = nla_nest_start(m, NFTA_OBJ_DATA | NLA_F_NESTED);
	if (!data || !put_u64(m, NFTA_LIMIT_RATE, octets) || !put_u64(m, NFTA_LIMIT_UNIT, 1) || !put_u32(m, NFTA_LIMIT_BURST, burst) ||
	    !put_u32(m, NFTA_LIMIT_TYPE, NFT_LIMIT_PKT_BYTES) || !put_u32(m, NFTA_LIMIT_FLAGS, NFT_LIMIT_F_INV))
		return false;
	nla_nest_end(m, data);
	return true;
}

static void limit(struct batch *b, bool set, const char *name, const struct policer_rate *r, uint64_t rate)
{
	struct nl_msg *m = begin_nft(set ? NFT_MSG_NEWOBJ : NFT_MSG_DELOBJ, set ? NLM_F_CREATE : 0);
	append(b, m,
	       m && nla_put_string(m, NFTA_OBJ_TABLE, POLICER_TABLE) == 0 && nla_put_string(m, NFTA_OBJ_NAME, name) == 0 &&
	           put_u32(m, NFTA_OBJ_TYPE, NFT_OBJECT_LIMIT) && (!set || put_limit(m, rate / 8, policer_burst(r, rate))));
}

/* What an address is mapped to. */
enum to { TO_NOTHING, TO_LIMIT, TO_VALUE };
struct target {
	enum to to;
	const char *name; /* of the limit */
	uint32_t value;
};

static bool put_target(struct nl_msg *m, const struct target *t)
{
	struct nlattr *data;
	if (t->to == TO_NOTHING)
		return true;
	if (t->to == TO_LIMIT)
		return nla_put_string(m, NFTA_SET_ELEM_OBJREF, t->name) == 0;
	if (!(data = nla_nest_start(m, NFTA_SET_ELEM_DATA | NLA_F_NESTED)) || nla_put_u32(m, NFTA_DATA_VALUE, t->value) < 0)
		return false;
	nla_nest_end(m, data);
	return true;
}

static bool put_key(struct nl_msg *m, const struct in6_addr *a)
{
	struct nlattr *key = nla_nest_start(m, NFTA_SET_ELEM_KEY | NLA_F_NESTED);
	bool v4 = addr_is_v4(a);
	if (!key || nla_put(m, NFTA_DATA_VALUE, v4 ? 4 : 16, v4 ? &a->s6_addr[12] : a->s6_addr) < 0)
		return false;
	nla_nest_end(m, key);
	return true;
}

/* One address in the set or map of its family. */
static void element(struct batch *b, bool set, const char *map, const struct in6_addr *a, const struct target *t)
{
	struct nl_msg *m = begin_nft(set ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM, set ? NLM_F_CREATE : 0);
	struct nlattr *list = NULL, *one = NULL;
	char name[16];
	snprintf(name, sizeof name, "%s%c", map, addr_is_v4(a) ? '4' : '6');
	bool ok = m && nla_put_string(m, NFTA_SET_ELEM_LIST_TABLE, POLICER_TABLE) == 0 &&
	          nla_put_string(m, NFTA_SET_ELEM_LIST_SET, name) == 0 &&
	          (list = nla_nest_start(m, NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED)) &&
	          (one = nla_nest_start(m, NFTA_LIST_ELEM | NLA_F_NESTED)) && put_key(m, a) && (!set || put_target(m, t));
	if (ok) {
		nla_nest_end(m, one);
		nla_nest_end(m, list);
	}
	append(b, m, ok);
}

static void addresses(struct batch *b, bool set, uint32_t id, const struct policer_rate *r, const struct in6_addr *addrs, size_t n)
{
	char down[16], up[16], dscp[16];
	snprintf(down, sizeof down, "down-%u", id);
	snprintf(up, sizeof up, "up-%u", id);
	snprintf(dscp, sizeof dscp, "dscp-%u-", r->dscp);
	for (size_t i = 0; i < n; i++) {
		element(b, set, "known", &addrs[i], &(struct target){ .to = TO_NOTHING });
		if (r->down)
			element(b, set, "down", &addrs[i], &(struct target){ .to = TO_LIMIT, .name = down });
		if (r->up)
			element(b, set, "up", &addrs[i], &(struct target){ .to = TO_LIMIT, .name = up });
		if (r->class)
			element(b, set, "class", &addrs[i], &(struct target){ .to = TO_VALUE, .value = r->class });
		if (r->dscp != POLICER_DSCP_KEEP)
			element(b, set, dscp, &addrs[i], &(struct target){ .to = TO_NOTHING });
	}
}

static void limits(struct batch *b, bool set, uint32_t id, const struct policer_rate *r)
{
	char name[16];
	snprintf(name, sizeof name, "down-%u", id);
	if (r->down)
		limit(b, set, name, r, r->down);
	snprintf(name, sizeof name, "up-%u", id);
	if (r->up)
		limit(b, set, name, r, r->up);
}

/* What the kernel has answered: the first error, if there was one. */
static int answers(int fd)
{
	uint8_t in[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
	int err = 0;
	ssize_t got;
	while ((got = recv(fd, in, sizeof in, 0)) >= 0 || errno == ENOBUFS) {
		unsigned left = got < 0 ? 0 : (unsigned)got;
		for (const struct nlmsghdr *h = (const void *)in; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
			if (!err && h->nlmsg_type == NLMSG_ERROR && h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr)))
				err = ((struct nlmsgerr *)NLMSG_DATA(h))->error;
	}
	return err;
}

static void batch_begin(struct policer *p, struct batch *b)
{
	struct nl_msg *m = begin(NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	*b = (struct batch){ .seq = p->seq };
	append(b, m, m);
}

/* All of it or nothing comes into force. */
static int batch_commit(struct policer *p, struct batch *b)
{
	struct nl_msg *m = begin(NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	append(b, m, m);
	int err = b->error;
	if (!err && send(p->fd, b->octets, b->len, 0) < 0)
		err = -errno;
	p->seq = b->seq;
	free(b->octets);
	return err ? err : answers(p->fd);
}

int policer_set(struct policer *p, uint32_t id, const struct policer_rate *r, const struct in6_addr *addrs, size_t n,
                bool fresh, char why[POLICER_WHY])
{
	struct batch b;
	why[0] = '\0';
	int err = make(p, why);
	if (!err)
		err = make_dscp(p, r->dscp, why);
	if (err)
		return err;
	batch_begin(p, &b);
	if (fresh)
		limits(&b, true, id, r);
	addresses(&b, true, id, r, addrs, n);
	err = batch_commit(p, &b);
	if (err)
		snprintf(why, POLICER_WHY, "nftables: %s", strerror(-err));
	return err;
}

int policer_del(struct policer *p, uint32_t id, const struct policer_rate *r, const struct in6_addr *addrs, size_t n)
{
	struct batch b;
	if (!p->made)
		return 0;
	batch_begin(p, &b);
	addresses(&b, false, id, r, addrs, n);
	limits(&b, false, id, r);
	return batch_commit(p, &b);
}

/* ---- life ---- */

int policer_prefixes(struct policer *p, const struct policer_prefix *prefixes, size_t n, char why[POLICER_WHY])
{
	char *text = n ? policer_text_prefixes(prefixes, n) : NULL;
	why[0] = '\0';
	if (n && !text)
		return -ENOMEM;
	free(p->prefixes);
	p->prefixes = text;
	if (p->made)
		run("delete table inet " POLICER_TABLE "\n", NULL);
	p->made = false;
	return n ? make(p, why) : 0;
}

struct policer *policer_open(void)
{
	struct policer *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	p->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	if (p->fd < 0) {
		free(p);
		return NULL;
	}
	/* Declared first, so that the deletion finds something. */
	run("table inet " POLICER_TABLE "\ndelete table inet " POLICER_TABLE "\n", NULL);
	return p;
}

void policer_close(struct policer *p)
{
	if (!p)
		return;
	if (p->made)
		run("delete table inet " POLICER_TABLE "\n", NULL);
	close(p->fd);
	free(p->prefixes);
	free(p);
}
