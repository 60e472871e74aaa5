/* What the files of rtnl share among themselves: requests (rtnl_request.c, rtnl.c), the mirror (rtnl_watch.c), the sweep (rtnl_sweep.c). */
#ifndef HANDOVERD_NET_RTNL_PRIV_H
#define HANDOVERD_NET_RTNL_PRIV_H

#include <netinet/in.h> /* these two before linux/if.h, which then leaves out what they have */
#include <net/if.h>
#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <uthash.h>

#include "net/rtnl.h"

#define RTNL_LOG "rtnl"

struct rtnl_sub {
	struct rtnl *rtnl;
	rtnl_fn *fn;
	void *arg;
	bool dead;
	struct rtnl_sub *next;
};

struct link_entry {
	struct rtnl_link link;
	bool seen; /* while a dump runs */
	UT_hash_handle hh;
};

struct addr_key {
	int ifindex;
	struct in6_addr addr;
};

struct addr_entry {
	struct addr_key key;
	uint8_t plen;
	uint8_t protocol; /* IFA_PROTO, 0 where the kernel has none */
	uint8_t scope;
	uint32_t flags; /* IFA_F_* */
	usec_t valid, preferred; /* until when, on the loop's clock; RTNL_FOREVER */
	bool seen;
	UT_hash_handle hh;
};

/* An interface that has, or had, proxy entries of ours. */
struct proxy_link {
	int ifindex;
	char ifname[16];
	bool on;      /* proxy_ndp is, as far as we were told */
	bool restore; /* it was off before us */
	struct proxy_link *next;
};

struct rule_entry {
	struct rtnl_rule rule;
	struct rule_entry *next;
};

/* Changes gathered between rtnl_begin and rtnl_commit. */
#define RTNL_BATCH_MAX 128U
struct rtnl_batch {
	unsigned depth; /* begun, not committed */
	uint32_t seq;   /* of the first one in data */
	unsigned n;
	size_t len;
	int error; /* the first */
	int harmless[RTNL_BATCH_MAX];
	_Alignas(struct nlmsghdr) uint8_t data[16384];
};

struct rtnl {
	struct loop *loop;
	struct nl_sock *sk;     /* requests */
	struct nl_sock *events; /* links, addresses, neighbours */
	struct nl_sock *routes; /* deletions of routes of ours, filtered in the kernel */
	struct loop_fd *events_watch, *routes_watch;
	int rcvbuf;
	uint8_t protocol;
	bool protocol_changed; /* in this life */
	uint8_t protocols[32]; /* bits: every protocol number of this life */
	uint32_t seq;
	struct link_entry *links;
	struct addr_entry *addrs;
	struct rtnl_sub *subs;
	unsigned notifying;
	struct proxy_link *proxies;
	struct rule_entry *rules;
	uint8_t *buf; /* RTNL_BUF octets, for answers */
	struct rtnl_batch batch;
};

#define RTNL_BUF (64U * 1024U)

/* A request with its family header. NULL: no memory. */
struct nl_msg *rtnl_request(uint16_t type, uint16_t flags, const void *hdr, size_t len);
/* Asks at once, after what is gathered, and frees m: 0 or the kernel's refusal. fn sees each message of the answer, and must make no
 * request itself. m may be NULL (-ENOMEM). */
typedef void rtnl_message_fn(struct nlmsghdr *h, void *arg);
int rtnl_exchange(struct rtnl *r, struct nl_msg *m, rtnl_message_fn *fn, void *arg);
/* A change: at once, or gathered. put negative: m could not be filled. A refusal with -harmless is none. Frees m. */
int rtnl_change(struct rtnl *r, struct nl_msg *m, int put, int harmless);
void rtnl_flush(struct rtnl *r); /* what is gathered */
int rtnl_request_open(struct rtnl *r);
void rtnl_request_close(struct rtnl *r);
struct proxy_link *rtnl_proxy_link(const struct rtnl *r, int ifindex); /* NULL: none */
void rtnl_proxy_link_gone(struct rtnl *r, int ifindex);
bool rtnl_protocol_ours(const struct rtnl *r, uint8_t protocol);
int rtnl_sysctl(const char *value, char *old, size_t old_len, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The mirror. */
int rtnl_watch_open(struct rtnl *r);
void rtnl_watch_close(struct rtnl *r);
int rtnl_watch_protocol(struct rtnl *r); /* the protocol number has changed */
int rtnl_refresh_link(struct rtnl *r, int ifindex); /* at once, without waiting for the event */
int rtnl_lladdr_sweep(struct rtnl *r, int ifindex); /* of that link, or (0) of all: their own addresses back. Returns how many */
void rtnl_forget_link(struct rtnl *r, const char *name);
const struct addr_entry *rtnl_addr_entry(const struct rtnl *r, int ifindex, const struct in6_addr *a);
struct in6_addr rtnl_attr_addr(const struct nlattr *a); /* IPv4 comes out mapped */
#endif
