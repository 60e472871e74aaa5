/*
 * The rules that keep the DHCP server of this node from answering clients whose lease is another router's. A DHCPREQUEST for an
 * address of a neighbour's prefix, which that server could only refuse, is told by its octets: message type first, the address
 * asked for right behind it or behind a client identifier of Ethernet's kind, as most clients write it; or the client's own
 * address, where it renews.
 */
#include <nftables/libnftables.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "net/dhcp4_port.h"

#define COMMANDS_MAX 65536
#define CIADDR_AT (8 + 12)  /* octets behind the beginning of the UDP header */
#define OPTIONS_AT (8 + 240)
#define PREFIXES_MAX 64

#define CHANGE_MAX 160 /* octets of one change */

static bool standing;

static int run(const char *commands)
{
	struct nft_ctx *c = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!c)
		return -1;
	nft_ctx_buffer_error(c);
	nft_ctx_buffer_output(c);
	int rc = nft_run_cmd_from_buffer(c, commands) == 0 ? 0 : -1;
	const char *why = rc ? nft_ctx_get_error_buffer(c) : NULL;
	if (rc)
		LOG_WARNING("net", "nftables takes no rule, so the DHCP server of this node may answer clients of others table=%s "
		            "reason=\"%.*s\"", DHCP4_GUARD_TABLE, why ? (int)strcspn(why, "\n") : 0, why ? why : "");
	nft_ctx_free(c);
	return rc;
}

struct text {
	char octets[COMMANDS_MAX];
	size_t len;
};

static struct text pending;

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(t->octets + t->len, sizeof t->octets - t->len, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < sizeof t->octets - t->len)
		t->len += (size_t)n;
}

static uint32_t word(const struct in6_addr *a)
{
	return (uint32_t)a->s6_addr[12] << 24 | (uint32_t)a->s6_addr[13] << 16 | (uint32_t)a->s6_addr[14] << 8 | a->s6_addr[15];
}

static void put_address(struct text *t, unsigned octet, const struct prefix *p)
{
	unsigned bits = p->plen - 96U;
	put(t, " @th,%u,32 & 0x%08x == 0x%08x", octet * 8, (unsigned)(bits ? UINT32_MAX << (32 - bits) : 0), (unsigned)word(&p->addr));
}

static void put_prefix(struct text *t, const struct prefix *p)
{
	static const unsigned places[] = { OPTIONS_AT + 3, OPTIONS_AT + 12 };
	if (!addr_is_v4(&p->addr) || p->plen < 97)
		return;
	put(t, "		udp dport 67 iifname @links");
	put_address(t, CIADDR_AT, p);
	put(t, " counter drop\n");
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		put(t, "		udp dport 67 iifname @links @th,%u,24 0x350103 @th,%u,16 0x3204", OPTIONS_AT * 8, places[i] * 8);
		put_address(t, places[i] + 2, p);
		put(t, " counter drop\n");
	}
}

/* One transaction. Declared first, so that the deletion finds something. */
int dhcp4_guard_open(const struct dhcp4_guard *g)
{
	static struct text t;
	t.len = 0;
	put(&t, "table inet %s\ndelete table inet %s\ntable inet %s {\n	set links { type ifname; ", DHCP4_GUARD_TABLE,
	    DHCP4_GUARD_TABLE, DHCP4_GUARD_TABLE);
	for (size_t i = 0; i < g->links_n; i++)
		put(&t, "%s\"%s\"", i ? ", " : "elements = { ", g->links[i]);
	put(&t, "%s }\n	set clients { type ether_addr; }\n	chain input {\n		type filter hook input priority -10; policy accept;\n",
	    g->links_n ? " }" : "");
	put(&t, "		udp dport 67 iifname @links ether saddr @clients counter drop\n");
	for (size_t i = 0; i < g->prefixes_n && i < PREFIXES_MAX; i++)
		put_prefix(&t, &g->prefixes[i]);
	put(&t, "	}\n}\n");
	int rc = run(t.octets);
	standing = rc == 0;
	pending.len = 0;
	return rc;
}

int dhcp4_guard_apply(void)
{
	int rc = pending.len && standing ? run(pending.octets) : 0;
	pending.len = 0;
	return rc;
}

int dhcp4_guard_set(const struct lladdr *l, bool on)
{
	if (!standing || l->len != 6)
		return -1;
	if (pending.len + CHANGE_MAX > sizeof pending.octets)
		(void)dhcp4_guard_apply();
	/* Added first, so that the deletion finds it. */
	put(&pending, "add element inet %s clients { %s }\n", DHCP4_GUARD_TABLE, LLADDR(l));
	if (!on)
		put(&pending, "delete element inet %s clients { %s }\n", DHCP4_GUARD_TABLE, LLADDR(l));
	return 0;
}

void dhcp4_guard_close(void)
{
	char text[160];
	if (!standing)
		return;
	snprintf(text, sizeof text, "table inet %s\ndelete table inet %s\n", DHCP4_GUARD_TABLE, DHCP4_GUARD_TABLE);
	run(text);
	standing = false;
}
