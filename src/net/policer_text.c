#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/policer_priv.h"

#define TABLE "inet " POLICER_TABLE
#define PREFIX_ADDRESSES 65535 /* with a limit of their own in one prefix at a time */

/* Packets of an address that has a limit of its own leave the prefixes alone. */
static const char table_text[] =
    "table " TABLE " {\n"
    "	set known6 { type ipv6_addr; }\n"
    "	set known4 { type ipv4_addr; }\n"
    "	map down6 { type ipv6_addr : limit; }\n"
    "	map down4 { type ipv4_addr : limit; }\n"
    "	map up6 { type ipv6_addr : limit; }\n"
    "	map up4 { type ipv4_addr : limit; }\n"
    "	map class6 { type ipv6_addr : classid; }\n"
    "	map class4 { type ipv4_addr : classid; }\n"
    "	chain known-down {\n"
    "		limit name ip6 daddr map @down6 counter drop\n"
    "		limit name ip daddr map @down4 counter drop\n"
    "		meta priority set ip6 daddr map @class6\n"
    "		meta priority set ip daddr map @class4\n"
    "	}\n"
    "	chain known-up {\n"
    "		limit name ip6 saddr map @up6 counter drop\n"
    "		limit name ip saddr map @up4 counter drop\n"
    "		meta priority set ip6 saddr map @class6\n"
    "		meta priority set ip saddr map @class4\n"
    "	}\n"
    "	chain down {\n"
    "		ip6 daddr @known6 goto known-down\n"
    "		ip daddr @known4 goto known-down\n"
    "	}\n"
    "	chain up {\n"
    "		ip6 saddr @known6 goto known-up\n"
    "		ip saddr @known4 goto known-up\n"
    "	}\n"
    "	chain forward {\n"
    "		type filter hook forward priority 5; policy accept;\n"
    "		jump down\n"
    "		jump up\n"
    "	}\n"
    "}\n";

char *policer_text(const char *prefixes)
{
	size_t len = sizeof table_text + (prefixes ? strlen(prefixes) : 0);
	char *out = malloc(len);
	if (out)
		snprintf(out, len, "%s%s", table_text, prefixes ? prefixes : "");
	return out;
}

/* A set of addresses for each DSCP in use, and not one map of all to chains: where elements are verdicts, the kernel checks
 * all of them again with each one that is added. */
char *policer_text_dscp(uint8_t dscp)
{
	static const struct {
		char family;
		const char *ip;
	} families[] = { { '6', "ip6" }, { '4', "ip" } };
	char *out = NULL;
	size_t len;
	FILE *f = open_memstream(&out, &len);
	if (!f)
		return NULL;
	fprintf(f, "table " TABLE " {\n");
	for (size_t i = 0; i < 2; i++) {
		char c = families[i].family;
		const char *ip = families[i].ip;
		fprintf(f, "	set dscp-%u-%c { type ipv%c_addr; }\n", dscp, c, c);
		fprintf(f, "	chain known-down {\n		%s daddr @dscp-%u-%c %s dscp set %u\n	}\n", ip, dscp, c, ip, dscp);
		fprintf(f, "	chain known-up {\n		%s saddr @dscp-%u-%c %s dscp set %u\n	}\n", ip, dscp, c, ip, dscp);
	}
	fprintf(f, "}\n");
	if (fclose(f) == 0)
		return out;
	free(out);
	return NULL;
}

static void direction(FILE *f, size_t i, const struct policer_prefix *p, bool down)
{
	bool v4 = p->prefix.plen >= 96 && addr_is_v4(&p->prefix.addr);
	const char *ip = v4 ? "ip" : "ip6", *way = down ? "daddr" : "saddr", *name = down ? "down" : "up";
	uint64_t rate = down ? p->rate.down : p->rate.up;
	char text[ADDR_STRLEN];
	fprintf(f, "table " TABLE " {\n");
	if (rate)
		fprintf(f, "	set %s-p%zu { type %s; flags dynamic; size %d; timeout 1h; }\n", name, i, v4 ? "ipv4_addr" : "ipv6_addr",
		        PREFIX_ADDRESSES);
	fprintf(f, "	chain %s-prefix%zu {\n", name, i);
	if (rate)
		fprintf(f, "		update @%s-p%zu { %s %s limit rate over %" PRIu64 " bytes/second burst %u bytes } counter drop\n", name, i, ip,
		        way, rate / 8, policer_burst(&p->rate, rate));
	if (p->rate.class)
		fprintf(f, "		meta priority set %x:%x\n", p->rate.class >> 16, p->rate.class & 0xffff);
	if (p->rate.dscp != POLICER_DSCP_KEEP)
		fprintf(f, "		%s dscp set %u\n", ip, p->rate.dscp);
	fprintf(f, "	}\n	chain %s {\n		%s %s %s/%u goto %s-prefix%zu\n	}\n}\n", name, ip, way, addr_text(&p->prefix.addr, text),
	        v4 ? p->prefix.plen - 96 : p->prefix.plen, name, i);
}

static int longest_first(const void *pa, const void *pb)
{
	const struct policer_prefix *a = pa, *b = pb;
	return (a->prefix.plen < b->prefix.plen) - (a->prefix.plen > b->prefix.plen);
}

char *policer_text_prefixes(const struct policer_prefix *prefixes, size_t n)
{
	struct policer_prefix *sorted = calloc(n, sizeof *sorted);
	char *out = NULL;
	size_t len;
	FILE *f = sorted ? open_memstream(&out, &len) : NULL;
	if (!f) {
		free(sorted);
		return NULL;
	}
	memcpy(sorted, prefixes, n * sizeof *sorted);
	qsort(sorted, n, sizeof *sorted, longest_first);
	for (size_t i = 0; i < n; i++) {
		direction(f, i, &sorted[i], true);
		direction(f, i, &sorted[i], false);
	}
	free(sorted);
	if (fclose(f) == 0)
		return out;
	free(out);
	return NULL;
}
