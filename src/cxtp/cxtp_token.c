#include "cxtp/cxtp_token.h"

#include <errno.h>

#include "core/buf.h"

int cxtp_key(const struct secret *master, const struct in6_addr *pcoa, const struct in6_addr *par, uint32_t seq,
             uint8_t out[CXTP_KEY_LEN])
{
	uint8_t octets[4];
	struct wr w = wr_make(octets, sizeof octets);
	wr_u32(&w, seq);
	struct piece pieces[] = { { pcoa, sizeof *pcoa }, { par, sizeof *par }, { octets, sizeof octets } };
	return secret_derive(master, CXTP_KEY_LABEL, pieces, 3, out, CXTP_KEY_LEN);
}

int cxtp_sequence(const struct secret *master, const struct in6_addr *pcoa, const struct in6_addr *par,
                  const struct in6_addr *nar, uint32_t s, uint32_t *seq)
{
	uint8_t octets[4], out[16];
	struct wr w = wr_make(octets, sizeof octets);
	wr_u32(&w, s);
	struct piece pieces[] = { { pcoa, sizeof *pcoa }, { par, sizeof *par }, { nar, sizeof *nar }, { octets, sizeof octets } };
	int err = secret_derive(master, CXTP_SEQUENCE_LABEL, pieces, 4, out, sizeof out);
	if (err)
		return err;
	struct rd r = rd_make(out, sizeof out);
	*seq = 0;
	while (!*seq && rd_u32(&r, seq))
		;
	return *seq ? 0 : -EINVAL;
}

int cxtp_token(const uint8_t *key, size_t key_len, const struct in6_addr *pcoa, uint32_t seq, const uint8_t *blocks,
               size_t blocks_len, uint32_t *token)
{
	uint8_t head[sizeof *pcoa + 4], mac[HMAC_SHA1_LEN];
	struct wr w = wr_make(head, sizeof head);
	if (addr_is_v4(pcoa))
		wr_addr4(&w, pcoa);
	else
		wr_addr6(&w, pcoa);
	wr_u32(&w, seq);
	struct piece pieces[] = { { head, w.len }, { blocks, blocks_len } };
	int err = hmac_sha1(key, key_len, pieces, blocks_len ? 2 : 1, mac);
	if (err)
		return err;
	struct rd r = rd_make(mac, sizeof mac);
	rd_u32(&r, token);
	secret_wipe(mac, sizeof mac);
	return 0;
}

bool cxtp_token_ok(const uint8_t *key, size_t key_len, const struct in6_addr *pcoa, uint32_t seq, const uint8_t *blocks,
                   size_t blocks_len, uint32_t token)
{
	uint32_t right;
	if (token == 0 || cxtp_token(key, key_len, pcoa, seq, blocks, blocks_len, &right))
		return false;
	bool ok = secret_equal(&right, &token, sizeof right);
	secret_wipe(&right, sizeof right);
	return ok;
}
