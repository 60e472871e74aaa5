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

static unsigned users[256]; /* by type: how many mh want it dropped. The table is one for the process. */
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

/* One transaction: whatever stood there, an earlier life's rules too, is replaced. Declared first, so that the deletion
 * finds something. */
static void apply(void)
{
	char list[256 * 5] = "", commands[512 + sizeof list];
	size_t at = 0;
	for (unsigned type = 0; type < 256; type++)
		if (users[type])
			at += (size_t)snprintf(list + at, sizeof list - at, "%s%u", at ? ", " : "", type);
	int n = snprintf(commands, sizeof commands, "table ip6 %s\ndelete table ip6 %s\n", MH_GUARD_TABLE, MH_GUARD_TABLE);
	if (at)
		snprintf(commands + n, sizeof commands - (size_t)n,
		         "table ip6 %s {\n"
		         "	chain input {\n"
		         "		type filter hook input priority -300; policy accept;\n"
		         "		mh type { %s } counter drop\n"
		         "	}\n"
		         "}\n",
		         MH_GUARD_TABLE, list);
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
