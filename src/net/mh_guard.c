/*
 * The rule that keeps the kernel quiet. The packet socket has its copy before the input hook; the hook comes before the
 * kernel parses the destination options and would answer the Home Address option, which it does not know, with a Parameter
 * Problem (RFC 8200 §4.2) to a mobile that is being served here.
 */
#include <nftables/libnftables.h>
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "net/mh_private.h"
#include "net/upper.h"

#define LIST_MAX (256 * 5)
#define RULE_MAX (LIST_MAX + 64)

static unsigned users[256]; /* by type: how many mh want it dropped. The table is one for the process. */
static unsigned icmp_users[256];
static bool failed;         /* the kernel took no rule: nothing to take back, and no need to say it again */

/* nft reports in several lines; the first says it. */
static void warn(const char *output)
{
	int n = output ? (int)strcspn(output, "\n") : 0;
	LOG_WARNING("net", "nftables takes no rule, so this kernel may answer an FBU with a Parameter Problem table=%s "
	            "reason=\"%.*s\"", MH_GUARD_TABLE, n, output ? output : "");
}

static bool run(const char *commands)
{
	struct nft_ctx *c = nft_ctx_new(NFT_CTX_DEFAULT);
	bool ok = false;
	if (!c) {
		warn("no memory");
		return false;
	}
	nft_ctx_buffer_error(c);
	nft_ctx_buffer_output(c);
	ok = nft_run_cmd_from_buffer(c, commands) == 0;
	if (!ok)
		warn(nft_ctx_get_error_buffer(c));
	nft_ctx_free(c);
	return ok;
}

static size_t list(const unsigned of[256], char *out, size_t cap)
{
	size_t at = 0;
	out[0] = '\0';
	for (unsigned type = 0; type < 256; type++)
		if (of[type])
			at += (size_t)snprintf(out + at, cap - at, "%s%u", at ? ", " : "", type);
	return at;
}

/* A rule that drops messages of these types, or none. */
static size_t rule(const char *match, const unsigned of[256], char *out, size_t cap)
{
	char types[LIST_MAX];
	if (!list(of, types, sizeof types)) {
		out[0] = '\0';
		return 0;
	}
	return (size_t)snprintf(out, cap, "		%s type { %s } counter drop\n", match, types);
}

/* One transaction: whatever stood there, an earlier life's rules too, is replaced. Declared first, so that the deletion
 * finds something. */
static void apply(void)
{
	char mh[RULE_MAX], icmp[RULE_MAX], commands[512 + 2 * RULE_MAX];
	size_t any = rule("mh", users, mh, sizeof mh) + rule("icmpv6", icmp_users, icmp, sizeof icmp);
	int n = snprintf(commands, sizeof commands, "table ip6 %s\ndelete table ip6 %s\n", MH_GUARD_TABLE, MH_GUARD_TABLE);
	if (any)
		snprintf(commands + n, sizeof commands - (size_t)n,
		         "table ip6 %s {\n"
		         "	chain input {\n"
		         "		type filter hook input priority -300; policy accept;\n"
		         "%s%s"
		         "	}\n"
		         "}\n",
		         MH_GUARD_TABLE, mh, icmp);
	else if (failed)
		return;
	failed = !run(commands);
}

static void count(const bool wanted[256], const uint8_t *types, size_t n, int by)
{
	for (size_t i = 0; i < n; i++)
		if (wanted[types[i]])
			users[types[i]] += (unsigned)by;
	apply();
}

void mh_guard_add(const bool wanted[256], const uint8_t *types, size_t n)
{
	count(wanted, types, n, 1);
}

void mh_guard_del(const bool wanted[256], const uint8_t *types, size_t n)
{
	count(wanted, types, n, -1);
}

static void icmp_count(const uint8_t *types, size_t n, int by)
{
	for (size_t i = 0; i < n; i++)
		icmp_users[types[i]] += (unsigned)by;
	apply();
}

void icmp6_guard_add(const uint8_t *types, size_t n)
{
	icmp_count(types, n, 1);
}

void icmp6_guard_del(const uint8_t *types, size_t n)
{
	icmp_count(types, n, -1);
}
