/*
 * A token (RFC 4067 §2.5.3) over OpenSSL's HMAC of the same octets with its key set up once and for all.
 *
 * Subject: cxtp_token, under a key that was never used before: each transfer has its own. Floor: EVP_MAC, keyed before the
 * clock runs, reset to that key for each message. By turns, in rounds; beside it what deriving the key takes. Prints one
 * JSON list.
 */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "core/secret.h"
#include "cxtp/cxtp_token.h"

#define ROUNDS 15
#define COUNT 20000

struct driver {
	EVP_MAC_CTX *mac;
	struct secret *master;
	struct in6_addr pcoa, par;
	uint8_t key[CXTP_KEY_LEN];
	uint8_t blocks[256];
	size_t len;
	uint32_t seq, sum; /* sum: so that no result is unused */
};

typedef void run_fn(struct driver *d);

static void floor_run(struct driver *d)
{
	uint8_t head[20], out[HMAC_SHA1_LEN];
	size_t len;
	memcpy(head, &d->pcoa, sizeof d->pcoa);
	memcpy(head + 16, &d->seq, sizeof d->seq);
	if (!EVP_MAC_init(d->mac, NULL, 0, NULL) || !EVP_MAC_update(d->mac, head, sizeof head) ||
	    (d->len && !EVP_MAC_update(d->mac, d->blocks, d->len)) || !EVP_MAC_final(d->mac, out, &len, sizeof out))
		abort();
	d->sum += out[0];
}

static void token_run(struct driver *d)
{
	uint32_t token;
	d->key[0]++;
	if (cxtp_token(d->key, sizeof d->key, &d->pcoa, d->seq, d->blocks, d->len, &token))
		abort();
	d->sum += token;
}

static void key_run(struct driver *d)
{
	uint8_t key[CXTP_KEY_LEN];
	if (cxtp_key(d->master, &d->pcoa, &d->par, d->seq, key))
		abort();
	d->sum += key[0];
}

static double per_call(run_fn *run, struct driver *d)
{
	double start = bench_now_us();
	for (int i = 0; i < COUNT; i++) {
		d->seq++;
		run(d);
	}
	return (bench_now_us() - start) * 1e3 / COUNT;
}

static void compare(struct driver *d)
{
	double floors[ROUNDS], tokens[ROUNDS], keys[ROUNDS], ratios[ROUNDS];
	for (int r = 0; r < ROUNDS; r++) {
		floors[r] = per_call(floor_run, d);
		tokens[r] = per_call(token_run, d);
		keys[r] = per_call(key_run, d);
		ratios[r] = tokens[r] / floors[r];
	}
	printf("{\"blocks\": %zu, \"floor_ns\": %.0f, \"token_ns\": %.0f, \"key_ns\": %.0f, \"ratio\": %.2f}", d->len,
	       bench_median(floors, ROUNDS), bench_median(tokens, ROUNDS), bench_median(keys, ROUNDS), bench_median(ratios, ROUNDS));
}

int main(void)
{
	static const size_t lengths[] = { 0, 8, 64, 256 };
	char digest[] = "SHA1";
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end() };
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	struct driver d = { .mac = hmac ? EVP_MAC_CTX_new(hmac) : NULL };
	if (!d.mac || !EVP_MAC_init(d.mac, d.key, sizeof d.key, params) || addr_parse("2001:db8:a::10", &d.pcoa) ||
	    addr_parse("2001:db8:a::1", &d.par) || secret_parse("text:an octet string of some length", &d.master))
		return 1;
	printf("[");
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		d.len = lengths[i];
		printf(i ? ", " : "");
		compare(&d);
	}
	printf("]\n");
	secret_unref(d.master);
	EVP_MAC_CTX_free(d.mac);
	EVP_MAC_free(hmac);
	return 0;
}
